//! Options that every run has: its name, its length, its threads.

use std::time::Duration;

use clap::Args;

use super::{choice, values};
use crate::event::stamp::{LANES, RunId};
use crate::scenario::plan::{OnLag, Pacing, Shard};
use crate::schedule::Rate;

/// What every run has, however its length is found.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Run")]
pub struct RunSetup {
    /// Name of the run, part of its folder's name [default: synth, replay, or the scenario's]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where the drawing of random values starts; the same seed gives the same bodies [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Producer threads, each with a connection of its own, 1 to 4096 [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(LANES)))]
    pub lanes: Option<u16>,
    /// How a lane waits for the next due time [default: sleep]
    #[arg(long, value_name = "HOW", value_parser = choice::of::<Pacing>())]
    pub pacing: Option<Pacing>,
    /// Bring the value of each event to this many bytes with text in a field of its own: 512, 4KiB [default: no padding]
    ///
    /// Larger events stay as they are.
    #[arg(long, value_name = "SIZE", value_parser = values::payload)]
    pub payload_bytes: Option<u64>,
    /// How compressible that text is: 0 (random letters) to 1 (prose); the report has the measured ratio [default: 0.5]
    #[arg(long, value_name = "C", value_parser = values::fraction)]
    pub compressibility: Option<f64>,
    /// Longest wait for outstanding answers at the end [default: delivery.timeout.ms + 5s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub flush_deadline: Option<Duration>,
    /// From how long on a partition stalls that gives no ack, or is not read, while events wait for it [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
    pub stall_threshold: Option<Duration>,
}

/// How long a run lasts and how it drives its load.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Run")]
pub struct RunLimits {
    /// Its name, its threads.
    #[command(flatten)]
    pub setup: RunSetup,
    /// Stop after this time: 30s, 5m, 2h [default: until the data or the count ends it, or Ctrl-C]
    #[arg(short, long, value_name = "DURATION", value_parser = values::positive_duration)]
    pub duration: Option<Duration>,
    /// Stop after this many events
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub num_records: Option<u64>,
    /// Id of the run, at most 16 hexadecimal digits [default: random]
    ///
    /// Processes that share the load of one run share it: see --shard. The number of a CI job will do.
    #[arg(long, value_name = "HEX", value_parser = values::run_id)]
    pub run_id: Option<RunId>,
    /// Carry only part I of N of the run: 1/3, 2/3, 3/3
    ///
    /// Each of the N processes has the same options, --run-id among them, and lanes and users of its own; rates and counts
    /// are those of the whole run. `loadgen merge` adds up what they leave behind.
    #[arg(long, value_name = "I/N", value_parser = values::shard)]
    pub shard: Option<Shard>,
    /// Wait for this time before sending: 2026-01-01T12:00:00Z
    ///
    /// So that the processes of one run start together. A time that has passed when all stands ready is an error.
    #[arg(long, value_name = "TIME", value_parser = values::instant)]
    pub start_at: Option<jiff::Timestamp>,
    /// Ceiling that is never exceeded, even when late events are caught up
    ///
    /// A guard for the cluster, not a pace: event by event, so that no window of time has more. What it holds back is sent
    /// later, and that part of its slip is told as `capped`. With --shard it is that of all processes, each has its part.
    #[arg(long, value_name = "N/s", value_parser = values::bounded_rate)]
    pub max_rate: Option<Rate>,
    /// What happens to events that are late [default: queue]
    #[arg(long, value_name = "POLICY", value_parser = choice::of::<OnLag>())]
    pub on_lag: Option<OnLag>,
    /// Slip beyond which --on-lag drop leaves an event out and --on-lag abort ends the run [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
    pub max_slip: Option<Duration>,
    /// Take the whole terminal for a live view: rates, latencies, ledger, partitions, gates, events; ? shows its keys
    ///
    /// p holds the run, + and - make it faster or slower, q stops it in good order. Without a terminal: plain lines.
    #[arg(
        long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        help_heading = "Watching"
    )]
    pub tui: Option<bool>,
    /// Say what would be sent, when and where; connect to nothing
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub dry_run: Option<bool>,
    /// Run the commands of the scenario's fault tables. Read them first: without this a scenario never runs a program
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub allow_fault_commands: Option<bool>,
}
