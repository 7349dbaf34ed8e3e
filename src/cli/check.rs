//! Arguments of `loadgen check`.

use std::path::PathBuf;

use crate::settings::run::RunOptions;
use clap::Args;

/// Says whether a scenario can be run, what it plans, and whether this machine can plausibly keep up with it.
///
/// Nothing is connected to. Two seconds of events are drawn, stamped, encoded and counted with nothing behind them: a rate
/// above what that reaches cannot be offered by this machine. An invalid scenario ends with exit code 104 and the line that is
/// wrong; a plan that is not plausible is valid, and said to be so. Of drawn events one of each type is shown, with its size in each
/// format and the schema that it would be sent with.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  loadgen check scenarios/smoke.toml
  loadgen check --events orders.toml --format avro --framing none
  loadgen check steady.toml --lanes 4 -o json")]
pub struct CheckArgs {
    /// The scenario, a TOML file; without it what `synth` with these options would do
    #[arg(value_name = "SCENARIO.toml")]
    pub scenario: Option<PathBuf>,
    /// What beats the file.
    #[command(flatten)]
    pub options: RunOptions,
}
