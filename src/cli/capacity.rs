//! Arguments of `loadgen capacity`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::event::stamp::{LANES, RunId};
use crate::schedule::Rate;
use crate::settings::choice::choices;
use crate::settings::cluster::TargetOptions;
use crate::settings::events::EventOptions;
use crate::settings::layer::layer;
use crate::settings::outcome::OutcomeOptions;
use crate::settings::pace::PaceOptions;
use crate::settings::recording::RecordingOptions;
use crate::settings::run::RunLimits;
use crate::settings::run::RunOptions;
use crate::settings::run::RunSetup;
use crate::settings::run::Shard;
use crate::settings::values;
use crate::settings::verification::VerifierOptions;

/// Finds the highest rate that keeps every gate, with nothing lost and no backlog growing. The answer is an interval: a
/// rate that passed twice, and one that failed twice. Whether the system or this generator gave out are different answers.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  loadgen capacity -b localhost:9092 --gate 'response_time.p99 < 250ms'
  loadgen capacity scenarios/smoke.toml --start 500/s --max 20000/s --probe 10s
  loadgen capacity -b localhost:9092 --create-topics --vary partitions=1,3,6,12 --max-time 2h
  for i in 1 2 3; do loadgen capacity -b kafka:9092 --run-id c0ffee --shard $i/3 & done; \
    loadgen capacity -b kafka:9092 --run-id c0ffee --shards 3
  loadgen capacity --resume results/20260101T000000Z-capacity --max-time 1h")]
pub struct CapacityArgs {
    /// A scenario whose source, cluster and gates are used; its phases are not [default: synthetic events]
    #[arg(value_name = "SCENARIO.toml", conflicts_with = "resume")]
    pub scenario: Option<PathBuf>,
    /// Go on with an earlier search, from its folder: with its scenario, its settings and its probes
    #[arg(long, value_name = "DIR", conflicts_with = "shard")]
    pub resume: Option<PathBuf>,
    /// Search once for each of these numbers, and fit the Universal Scalability Law to what was found
    ///
    /// Partitions need a topic each, TOPIC-pN, which --create-topics makes.
    #[arg(long, value_name = "lanes|partitions=N,N,...", conflicts_with_all = ["shard", "shards"])]
    pub vary: Option<Vary>,
    /// What is searched.
    #[command(flatten)]
    pub search: SearchOptions,
    /// Of each probe.
    #[command(flatten)]
    pub setup: RunSetup,
    /// Into what.
    #[command(flatten)]
    pub target: TargetOptions,
    /// Read back how.
    #[command(flatten)]
    pub verifier: VerifierOptions,
    /// With what result.
    #[command(flatten)]
    pub outcome: OutcomeOptions,
    /// Of synthetic events.
    #[command(flatten)]
    pub events: EventOptions,
}

impl CapacityArgs {
    /// The options that every run has, as one layer.
    #[must_use]
    pub fn options(self) -> RunOptions {
        let Self { setup, target, verifier, outcome, events, .. } = self;
        RunOptions {
            pace: PaceOptions::default(),
            limits: RunLimits { setup, ..RunLimits::default() },
            target,
            verifier,
            outcome,
            events,
            recording: RecordingOptions::default(),
        }
    }
}

layer! {
    /// What is searched, and how closely.
    #[command(next_help_heading = "Search")]
    pub struct SearchOptions {
        /// The first and lowest rate; it is doubled until a probe fails [default: 1000/s]
        #[arg(long, value_name = "N/s", value_parser = values::bounded_rate)]
        pub start: Option<Rate>,
        /// No higher rate is tried
        #[arg(long, value_name = "N/s", value_parser = values::bounded_rate)]
        pub max: Option<Rate>,
        /// Width of the interval aimed at, as a part of the rate: 0.5% to 50% [default: 5%]
        #[arg(long, value_name = "PERCENT", value_parser = percent)]
        pub precision: Option<f64>,
        /// How long each probe is judged [default: 30s]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub probe: Option<Duration>,
        /// How long each probe's rate is held before it is judged [default: 5s]
        #[arg(long, value_name = "DURATION", value_parser = values::duration)]
        pub settle: Option<Duration>,
        /// No probe begins that would probably end later than this, counted in time of probes [default: 30m]
        ///
        /// With --vary each of the searches has this time.
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub max_time: Option<Duration>,
        /// With which fleet.
        #[command(flatten)]
        pub fleet: SearchFleetOptions,
    }

    /// A search whose probes are made by several processes.
    #[command(next_help_heading = "Fleet")]
    pub struct SearchFleetOptions {
        /// Have each probe made by this many shards, which are on call: see --shard
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..), conflicts_with = "shard")]
        pub shards: Option<u16>,
        /// Be shard I of N, on call until the search is over: 1/3, 2/3, 3/3; or env/3, in a Kubernetes Indexed Job
        ///
        /// With the options of the search but for those of its rates, and its --run-id. Rates are those of all shards together.
        #[arg(long, value_name = "I/N", value_parser = values::shard)]
        pub shard: Option<Shard>,
        /// Id of the search, which all of them share: at most 16 hexadecimal digits
        #[arg(long, value_name = "HEX", value_parser = values::run_id)]
        pub run_id: Option<RunId>,
        /// Where shards and search meet [default: loadgen-fleet]
        #[arg(long, value_name = "TOPIC")]
        pub fleet_topic: Option<String>,
        /// How long shards and search wait for one another [default: 5m]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub fleet_deadline: Option<Duration>,
    }
}

impl SearchOptions {
    /// Whether it says what is searched.
    #[must_use]
    pub const fn with_rates(&self) -> bool {
        let rates = self.start.is_some() || self.max.is_some() || self.precision.is_some();
        rates || self.probe.is_some() || self.settle.is_some() || self.max_time.is_some()
    }
}

/// `5%`, as 0.05.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim().strip_suffix('%').unwrap_or("").trim_end();
    number.parse().map(|percent: f64| percent / 100.0).map_err(|_| "write it in percent, for example 5%".to_owned())
}

choices! {
    /// What a capacity search is repeated for.
    pub enum Varied {
        Lanes = "lanes": "producer threads",
        Partitions = "partitions": "partitions of the topic",
    }
}

/// What is varied, and its numbers, each once and rising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vary {
    /// What.
    pub what: Varied,
    /// The numbers.
    pub numbers: Vec<u16>,
}

/// The most numbers that are searched one after the other.
const MOST_VARIED: usize = 32;

impl fmt::Display for Vary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers.iter().map(u16::to_string).collect();
        write!(f, "{}={}", self.what, numbers.join(","))
    }
}

impl FromStr for Vary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "write it as lanes=1,2,4 or partitions=1,3,6".to_owned();
        let (what, numbers) = text.split_once('=').ok_or_else(form)?;
        let what = what.trim().parse::<Varied>().map_err(|_| form())?;
        let most = if what == Varied::Lanes { LANES } else { 10_000 };
        let mut numbers = numbers
            .split(',')
            .map(|number| number.trim().parse().ok().filter(|number| (1..=most).contains(number)))
            .collect::<Option<Vec<u16>>>()
            .ok_or_else(|| format!("each number of {what} lies between 1 and {most}"))?;
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() > MOST_VARIED {
            Err(format!("at most {MOST_VARIED} numbers"))
        } else {
            Ok(Self { what, numbers })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_varied_is_read_sorted_and_bounded() {
        let vary: Vary = "partitions=6,1,3,3".parse().unwrap();
        assert_eq!(vary, Vary { what: Varied::Partitions, numbers: vec![1, 3, 6] });
        assert_eq!(vary.to_string(), "partitions=1,3,6");
        for bad in ["", "partitions", "partitions=", "threads=1", "lanes=0", "lanes=4097", "lanes=1,,2", "lanes=-1"] {
            assert!(bad.parse::<Vary>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_precision_is_a_percentage() {
        assert_eq!(percent("5%"), Ok(0.05));
        assert_eq!(percent(" 2.5 %"), Ok(0.025));
        assert!(percent("5").is_err() && percent("%").is_err());
    }
}
