//! Arguments of `loadgen verify`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::event::stamp::RunId;
use crate::settings::choice::{self, choices};
use crate::settings::cluster::ClusterOptions;
use crate::settings::events::DeclaredOptions;
use crate::settings::formats::CodingOptions;
use crate::settings::layer::layer;
use crate::settings::membership::MembershipOptions;
use crate::settings::outcome::OutcomeOptions;
use crate::settings::recording::Placing;
use crate::settings::schemas::{self, SchemaSet};
use crate::settings::values;
use crate::settings::verification::{ExpectOptions, Isolation};

choices! {
    /// Where a reading begins, in Kafka's own words.
    pub enum Offset {
        Earliest = "earliest": "at the start of the log",
        Latest = "latest": "at its end: only what is written from now on",
    }
}

/// Reads topics that other processes write.
///
/// It may start before, during or after the producer. Without --until-idle and --num-records it goes on until Ctrl-C, which ends
/// it in good order; a second one ends it at once. What it says of gaps holds between the first and the last event it saw of
/// each lane: missing is not lost, unless --producer-report tells what was acked.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen verify -b localhost:9092 --topic raw-events --until-idle 10s
  loadgen verify -b localhost:9092 --topic raw-events --group my-service --metrics-addr 127.0.0.1:9464
  loadgen verify -b localhost:9092 --schema-registry http://localhost:8081 --until-idle 10s
  loadgen verify -b localhost:9092 --producer-report results/20260101T000000Z-synth
  loadgen verify -b localhost:9092 --recording orders.avro --topic-map orders=orders-copy")]
pub struct VerifyArgs {
    /// Join the reading with what the producer knows: the folder of its run, made with --no-verify
    ///
    /// Run id, topics and where to begin are taken from there, and every scheduled event gets its class. A run that still goes
    /// on is waited for.
    #[arg(long, value_name = "BUNDLE", hide_env = true, long_help = PRODUCER_REPORT)]
    pub producer_report: Option<PathBuf>,
    /// Compare topics with the recordings that were played into them: what is there, lost, there twice, or another
    ///
    /// Files and patterns. Records are matched by key, value and headers, and nothing is asked of whoever wrote them. Each recorded topic is
    /// looked for under its own name, or all of them in --topic. There is no variable for it, since each recording has a name of its own.
    #[arg(long, value_name = "FILE", num_args = 1.., hide_env = true, help_heading = "Recordings")]
    pub recording: Vec<PathBuf>,
    /// With --recording: the topics that others were played into
    ///
    /// There is no variable for it, since that of other commands is for types of event.
    #[arg(long, value_name = "OLD=NEW,...", value_parser = values::topic_map, hide_env = true, requires = "recording", help_heading = "Recordings")]
    pub topic_map: Vec<values::TopicMap>,
    /// With --recording: whether records were played into their old partitions, or into those of their keys [default: keep]
    ///
    /// There is no variable for it, since that of a replay says where records go.
    #[arg(long, value_name = "WHICH", value_parser = choice::of::<Placing>(), hide_env = true, requires = "recording", help_heading = "Recordings")]
    pub partition: Option<Placing>,
    /// The options.
    #[command(flatten)]
    pub options: VerifyOptions,
}

const PRODUCER_REPORT: &str = "\
Join the reading with what the producer knows: the folder of its run, made with --no-verify

Run id, topics and where to begin are taken from there, and every scheduled event gets its class. A run that still goes on is \
waited for. There is no variable for it, since each run has a folder of its own.";

layer! {
    /// The options of `loadgen verify`: one layer of settings.
    pub struct VerifyOptions {
        /// Name of the reading, part of its folder's name [default: verify]
        #[arg(long, value_name = "NAME", help_heading = "Reading")]
        pub name: Option<String>,
        /// What is read.
        #[command(flatten)]
        pub reading: ReadingOptions,
        /// Of which types.
        #[command(flatten)]
        pub declared: DeclaredOptions,
        /// As whom.
        #[command(flatten)]
        pub group: MemberOptions,
        /// Where.
        #[command(flatten)]
        pub cluster: ClusterOptions,
        /// In which formats.
        #[command(flatten)]
        pub coding: CodingOptions,
        /// What must have come out of them.
        #[command(flatten)]
        pub downstream: ExpectOptions,
        /// What is done with what is found.
        #[command(flatten)]
        pub outcome: OutcomeOptions,
    }
}

layer! {
    /// What is read, and for how long.
    #[command(next_help_heading = "Reading")]
    pub struct ReadingOptions {
        /// Topics of the events: one, or several with commas between them [default: raw-events]
        #[arg(short, long, value_name = "TOPIC,...")]
        pub topic: Option<String>,
        /// Where to begin, in partitions in which the group has committed nothing [default: earliest]
        #[arg(long, value_name = "WHERE", value_parser = choice::of::<Offset>())]
        pub offset: Option<Offset>,
        /// Judge the events of this run alone, at most 16 hexadecimal digits; others are counted as foreign
        ///
        /// With it the stamp's check is keyed, so that damage shows, and copies are told apart. Without it whatever carries a stamp is
        /// followed, and content is judged by the schema only.
        #[arg(long, value_name = "HEX", value_parser = values::run_id)]
        pub run_id: Option<RunId>,
        /// Tell end-to-end times across machines: the topic in which the shards of that run meet, loadgen-fleet
        ///
        /// The clocks of the shards and of this machine are measured there, and each time is told with how well they are known.
        #[arg(long, value_name = "TOPIC")]
        pub fleet_topic: Option<String>,
        /// Which records of transactions are read [default: read_uncommitted]
        ///
        /// With the report of a transactional run, or with a report and --expect, it is read_committed.
        #[arg(long, value_name = "LEVEL", value_parser = choice::of::<Isolation>())]
        pub isolation: Option<Isolation>,
        /// Schema by which a consumer reads, a file or a folder of them: whether it can read what lies there, and what it gets
        ///
        /// Repeatable. Each valid record is also read with the schema that it was written by and resolved into this one, as Avro does it.
        #[arg(long, value_name = "FILE", value_parser = schemas::of_path)]
        pub reader_schema: Vec<SchemaSet>,
        /// End when nothing was left to read for this time
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub until_idle: Option<Duration>,
        /// End after this many records
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
        pub num_records: Option<u64>,
    }
}

layer! {
    /// The group that reads.
    #[command(next_help_heading = "Consumer group")]
    pub struct MemberOptions {
        /// Read as a member of this group, from where it has committed; others may read beside [default: CONSUMER_GROUP_ID]
        ///
        /// Without a group partitions are assigned, and nothing is committed. --group= with nothing behind it does without the group
        /// that CONSUMER_GROUP_ID names.
        #[arg(long, value_name = "GROUP")]
        pub group: Option<String>,
        /// Its members.
        #[command(flatten)]
        pub membership: MembershipOptions,
    }
}
