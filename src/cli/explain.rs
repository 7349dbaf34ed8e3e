//! Arguments of `loadgen explain`.

use clap::Args;

/// Tells what a number, class, verdict, gate, exit code or word means, and what it leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(after_help = "\
Examples:
  loadgen explain response_time
  loadgen explain phase.peak.response_time.p99
  loadgen explain 99
  loadgen explain gates        every path that a gate may name, with its units")]
pub struct ExplainArgs {
    /// What to explain: a name as it stands in a report, a path of a gate, an exit code, or `gates`; without it, all
    /// names are listed
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}
