//! What every run has: its name, its threads, its length.

use std::time::Duration;

use super::choice::{self, choices};
use super::cluster::TargetOptions;
use super::events::EventOptions;
use super::fleet::{OnShardLoss, Results};
use super::layer::{layer, settings};
use super::outcome::OutcomeOptions;
use super::pace::PaceOptions;
use super::recording::RecordingOptions;
use super::values;
use super::verification::VerifierOptions;
use crate::event::stamp::{LANES, RunId};
use crate::schedule::Rate;
use crate::source::Late;

choices! {
    /// How a lane waits for the next due time.
    pub enum Pacing {
        Sleep = "sleep": "sleep until the next event is due; up to about 1 ms late, little CPU",
        Spin = "spin": "spin for the last 100 us; a few us late, a whole core per lane",
    }
}

choices! {
    /// What happens to late events.
    pub enum OnLag {
        Queue = "queue": "send late events at once; their lateness shows as slip",
        Drop = "drop": "leave out events later than --max-slip, and count them as not attempted",
        Abort = "abort": "end the run when an event is later than --max-slip",
    }
}

/// Which part of a run a process carries: part `number` of `of`, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number, from 1.
    pub number: u16,
    /// How many there are.
    pub of: u16,
}

impl Shard {
    /// `2/4`; `None` of a run of one process.
    #[must_use]
    pub fn told(self) -> Option<String> {
        (self.of > 1).then(|| format!("{}/{}", self.number, self.of))
    }
}

settings! {
    /// Its name, where its events are drawn from, its threads.
    #[command(next_help_heading = "Run")]
    pub struct BasicOptions as Basics {
        /// Name of the run, part of its folder's name [default: synth, replay, or the scenario's]
        #[arg(long, value_name = "NAME")]
        name: String = "run".to_owned(),
        /// Where the drawing of random values starts; the same seed gives the same bodies [default: 1]
        #[arg(long, value_name = "N")]
        seed: u64 = 1,
        /// Producer threads, each with a connection of its own, 1 to 4096 [default: 1]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(LANES)))]
        lanes: u16 = 1,
        /// How a lane waits for the next due time [default: sleep]
        #[arg(long, value_name = "HOW", value_parser = choice::of::<Pacing>())]
        pacing: Pacing = Pacing::Sleep,
        /// Give a share of the events a time of their own that lies behind: 0.5%@5s,0.1%@65s
        ///
        /// They are sent when they are due, and come late for windows of event time. Which ones they are is a function of seed, lane
        /// and number. Latencies downstream, which count from the time of events, are then not measured.
        #[arg(long, value_name = "SHARE@BEHIND,...")]
        late: Option<Late>,
    }
}

settings! {
    /// How bodies are padded.
    #[command(next_help_heading = "Run")]
    pub struct PaddingOptions {
        /// Bring the value of each event to this many bytes with text in a field of its own: 512, 4KiB [default: no padding]
        ///
        /// Larger events stay as they are.
        #[arg(long, value_name = "SIZE", value_parser = values::payload)]
        payload_bytes: Option<u64>,
        /// How compressible that text is: 0 (random letters) to 1 (prose); the report has the measured ratio [default: 0.5]
        #[arg(long, value_name = "C", value_parser = values::fraction)]
        compressibility: Option<f64>,
    }
}

settings! {
    /// How long is waited for the cluster.
    #[command(next_help_heading = "Run")]
    pub struct PatienceOptions as Patience {
        /// Longest wait for outstanding answers at the end [default: delivery.timeout.ms + 5s]
        #[arg(long, value_name = "DURATION", value_parser = values::duration)]
        flush_deadline: Duration = Duration::from_secs(35),
        /// From how long on a partition stalls that gives no ack, or is not read, while events wait for it [default: 1s]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        stall_threshold: Duration = Duration::from_secs(1),
    }
}

settings! {
    /// When a run ends.
    #[command(next_help_heading = "Run")]
    pub struct LengthOptions {
        /// Stop after this time: 30s, 5m, 2h [default: until the data or the count ends it, or Ctrl-C]
        #[arg(short, long, value_name = "DURATION", value_parser = values::positive_duration)]
        duration: Option<Duration>,
        /// Stop after this many events
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        num_records: Option<u64>,
    }
}

settings! {
    /// How late events may be, and how fast they may be caught up.
    #[command(next_help_heading = "Run")]
    pub struct LatenessOptions as Lateness {
        /// Ceiling that is never exceeded, even when late events are caught up
        ///
        /// A guard for the cluster, not a pace: event by event, so that no window of time has more. What it holds back is sent
        /// later, and that part of its slip is told as `capped`. With --shard it is that of all processes, each has its part.
        #[arg(long, value_name = "N/s", value_parser = values::bounded_rate)]
        max_rate: Option<Rate>,
        /// What happens to events that are late [default: queue]
        #[arg(long, value_name = "POLICY", value_parser = choice::of::<OnLag>())]
        on_lag: OnLag = OnLag::Queue,
        /// Slip beyond which --on-lag drop leaves an event out and --on-lag abort ends the run [default: 1s]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        max_slip: Duration = Duration::from_secs(1),
    }
}

layer! {
    /// What every run has, however its length is found.
    pub struct RunSetup {
        /// Its name, its threads.
        #[command(flatten)]
        pub basics: BasicOptions,
        /// The size of its events.
        #[command(flatten)]
        pub padding: PaddingOptions,
        /// Its patience.
        #[command(flatten)]
        pub patience: PatienceOptions,
    }

    /// What the processes of one run agree on, and which of them this one is. Not in the scenario, which all of them share.
    #[command(next_help_heading = "Run")]
    pub struct ShardingOptions {
        /// Id of the run, at most 16 hexadecimal digits [default: random]
        ///
        /// Processes that share the load of one run share it: see --shard. The number of a CI job will do, or a UUID.
        #[arg(long, value_name = "HEX", value_parser = values::run_id)]
        pub run_id: Option<RunId>,
        /// Carry only part I of N of the run: 1/3, 2/3, 3/3; or env/3, for a pod of a Kubernetes Indexed Job
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
        /// Meet the other shards of the run in this topic, and start when all of them stand ready: loadgen-fleet
        ///
        /// Compacted, with LogAppendTime; --create-topics makes it. Each shard holds its place there by a transactional id, so
        /// that a second process of the same shard stops the first before it sends anything twice.
        #[arg(long, value_name = "TOPIC", conflicts_with = "start_at")]
        pub fleet_topic: Option<String>,
        /// How long the others are waited for; who is missing then is named, and the run is invalid [default: 5m]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub fleet_deadline: Option<Duration>,
        /// What becomes of the others where a shard of the fleet is lost [default: continue]
        #[arg(long, value_name = "WHAT", value_parser = choice::of::<OnShardLoss>())]
        pub on_shard_loss: Option<OnShardLoss>,
        /// Where this shard's bundle goes [default: folder]
        #[arg(long, value_name = "WHERE", value_parser = choice::of::<Results>())]
        pub results: Option<Results>,
    }

    /// How long a run lasts and how it drives its load.
    #[command(next_help_heading = "Run")]
    pub struct RunLimits {
        /// Its name, its threads.
        #[command(flatten)]
        pub setup: RunSetup,
        /// When it ends.
        #[command(flatten)]
        pub length: LengthOptions,
        /// Which part of it is made here.
        #[command(flatten)]
        pub sharding: ShardingOptions,
        /// How late events may be.
        #[command(flatten)]
        pub lateness: LatenessOptions,
        /// Say what would be sent, when and where; connect to nothing
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub dry_run: Option<bool>,
        /// Run the commands of the scenario's fault tables. Read them first: without this a scenario never runs a program
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub allow_fault_commands: Option<bool>,
    }

    /// Every option that a run of either source can have: one layer of settings.
    pub struct RunOptions {
        /// How fast.
        #[command(flatten)]
        pub pace: PaceOptions,
        /// How long.
        #[command(flatten)]
        pub limits: RunLimits,
        /// Into what.
        #[command(flatten)]
        pub target: TargetOptions,
        /// Read back how.
        #[command(flatten)]
        pub verifier: VerifierOptions,
        /// With what result.
        #[command(flatten)]
        pub outcome: OutcomeOptions,
        /// Of a synthetic run.
        #[command(flatten)]
        pub events: EventOptions,
        /// Of a replay.
        #[command(flatten)]
        pub recording: RecordingOptions,
    }
}
