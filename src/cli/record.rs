//! Arguments of `loadgen record`.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::capture::recorder::{Start, Until};
use crate::capture::rolling::Roll;
use crate::settings::anonymise::AnonymiseOptions;
use crate::settings::choice;
use crate::settings::cluster::ClusterOptions;
use crate::settings::layer::layer;
use crate::settings::outcome::Output;
use crate::settings::verification::Isolation;
use crate::source::retail_rocket::Moment;
use crate::units;

/// What `idle` waits for where no time is said.
const IDLE: Duration = Duration::from_secs(10);

/// Records topics into a file: keys, values, headers, times, partitions, offsets, byte for byte.
///
/// It reads by assignment, joins no group, commits nothing, and changes nothing on the cluster. At the end it says of every offset that was
/// there what became of it. With --group it is a storage consumer: a member of that group, which commits what is on the disk. A file is an Avro object container: `loadgen replay` plays it, and whatever reads Avro reads it.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen record -b localhost:9092 -t orders -o orders.avro --until end --raw
  loadgen record -b localhost:9092 -t clicks,orders -o day.avro --from 2026-01-01T00:00:00Z --until 2026-01-02T00:00:00Z --raw
  loadgen record -b localhost:9092 -t orders -o orders.avro --from latest --until idle:30s \\
    --anonymise @key=hmac,user_id=hmac,ip=prefix/24 --key-file pseudonyms.key --create-key
  loadgen record -b localhost:9092 -t clicks,orders --group storage -o archive/ --roll 1h --raw")]
pub struct RecordArgs {
    /// Record for good as a member of this group: what is on the disk is committed, and nothing else; --out is a folder
    ///
    /// At least once: a member that is killed is followed by one that goes on where the group stands. --from is for partitions in which the
    /// group has committed nothing. There is no variable for it, since that of other commands is a group that reads.
    #[arg(long, value_name = "NAME", hide_env = true, help_heading = "Recording")]
    pub group: Option<String>,
    /// The options.
    #[command(flatten)]
    pub options: RecordOptions,
}

layer! {
    /// From where to where topics are read, and what of them.
    #[command(next_help_heading = "Reading")]
    pub struct ReadingOptions {
        /// Take everything as it is, personal data too; without it, --anonymise is asked for
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub raw: Option<bool>,
        /// Where to begin: earliest, latest, or a time (RFC 3339, or ms since 1970) [default: earliest]
        #[arg(long, value_name = "WHERE", value_parser = start)]
        pub from: Option<Start>,
        /// Where to end: end (of the logs, as they are now), idle or idle:30s (nothing came for so long), or a time [default: Ctrl-C]
        #[arg(long, value_name = "WHERE", value_parser = until)]
        pub until: Option<Until>,
        /// Which records of transactions are read [default: read_uncommitted]
        #[arg(long, value_name = "LEVEL", value_parser = choice::of::<Isolation>())]
        pub isolation: Option<Isolation>,
        /// What is replaced.
        #[command(flatten)]
        pub anonymise: AnonymiseOptions,
    }

    /// The options of `loadgen record`: one layer of settings.
    pub struct RecordOptions {
        /// Topics to record: one, or several with commas between them
        #[arg(short, long, value_name = "TOPIC,...", help_heading = "Recording")]
        pub topic: Option<String>,
        /// File to write; with --group the folder to write into
        #[arg(short, long, value_name = "FILE", help_heading = "Recording")]
        pub out: Option<PathBuf>,
        /// With --group: when a file is ended and the next one begun, by time (1h) or size (1GiB) [default: 1h]
        #[arg(long, value_name = "WHEN", value_parser = roll, help_heading = "Recording")]
        pub roll: Option<Roll>,
        /// Replace the file if it is there
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
            help_heading = "Recording")]
        pub force: Option<bool>,
        /// End after this many records
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Recording")]
        pub num_records: Option<u64>,
        /// From where to where, and what of it.
        #[command(flatten)]
        pub reading: ReadingOptions,
        /// Where.
        #[command(flatten)]
        pub cluster: ClusterOptions,
        /// Form of the result on stdout [default: text]
        #[arg(long, value_name = "FORMAT", value_parser = choice::of::<Output>(), help_heading = "Results")]
        pub output: Option<Output>,
        /// Do not show progress
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
            help_heading = "Results")]
        pub no_progress: Option<bool>,
    }
}

fn moment(text: &str) -> Option<i64> {
    Moment::from_str(text).ok().map(|moment| moment.0)
}

fn start(text: &str) -> Result<Start, String> {
    match text {
        "earliest" => Ok(Start::Earliest),
        "latest" => Ok(Start::Latest),
        time => moment(time)
            .map(Start::At)
            .ok_or_else(|| "it is earliest, latest, or a time: 2026-01-01T12:00:00Z, or ms since 1970".to_owned()),
    }
}

fn roll(text: &str) -> Result<Roll, String> {
    match (units::duration(text), units::size(text)) {
        (Ok(time), _) if !time.is_zero() => Ok(Roll::After(time)),
        (Err(_), Ok(bytes)) if bytes > 0 => Ok(Roll::At(bytes)),
        _ => Err("it is a time or a size, and not 0: 1h, 15m, 1GiB, 256MiB".to_owned()),
    }
}

fn until(text: &str) -> Result<Until, String> {
    match (text, text.strip_prefix("idle:")) {
        ("end", _) => Ok(Until::End),
        ("idle", _) => Ok(Until::Idle(IDLE)),
        (_, Some(idle)) => units::duration(idle).map(Until::Idle).map_err(|error| error.to_string()),
        (time, None) => moment(time)
            .map(Until::At)
            .ok_or_else(|| "it is end, idle, idle:30s, or a time: 2026-01-01T12:00:00Z, or ms since 1970".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_to_begin_and_to_end_are_read() {
        assert_eq!(start("latest"), Ok(Start::Latest));
        assert_eq!(start("2026-01-01T00:00:01Z"), Ok(Start::At(1_767_225_601_000)));
        assert_eq!(until("idle:1m"), Ok(Until::Idle(Duration::from_secs(60))));
        assert_eq!(until("1767225601000"), Ok(Until::At(1_767_225_601_000)));
        assert_eq!(roll("15m"), Ok(Roll::After(Duration::from_secs(900))));
        assert_eq!(roll("64KiB"), Ok(Roll::At(65_536)));
        assert!(roll("0s").is_err() && roll("0MiB").is_err() && roll("daily").is_err());
        assert!(start("end").is_err() && until("idle:").is_err() && until("soon").is_err());
    }
}
