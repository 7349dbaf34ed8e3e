//! Arguments of `loadgen explain`.

use clap::Args;

/// Explains a number, class, verdict, gate metric or exit code by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(after_help = "\
Examples:
  loadgen explain lost
  loadgen explain response_time
  loadgen explain gates           every metric a gate can name
  loadgen explain 99              an exit code")]
pub struct ExplainArgs {
    /// What to explain [default: list all that can be explained]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}
