//! The Kafka cluster, its client, and the topic of the events.

use std::path::PathBuf;
use std::time::Duration;

use super::choice::{self, choices};
use super::formats::CodingOptions;
use super::layer::{layer, settings};
use super::transactions::TransactionOptions;
use super::values;

choices! {
    /// Brokers that must confirm an event.
    pub enum Acks {
        All = "all": "every in-sync copy",
        Leader = "1": "the partition's leader: what it loses before copying is lost",
        None = "0": "nobody: an event counts as acked when it was sent",
    }
}

choices! {
    /// Compression of batches.
    pub enum Compression {
        None = "none": "no compression",
        Gzip = "gzip": "gzip: about five times the CPU time of the others",
        Snappy = "snappy": "snappy",
        Lz4 = "lz4": "lz4",
        Zstd = "zstd": "zstd",
    }
}

settings! {
    /// Where the cluster is and how the client talks to it.
    #[command(next_help_heading = "Kafka")]
    pub struct ClusterOptions as Cluster {
        /// Brokers to start from, host:port,host:port [default: none, an embedded broker]
        ///
        /// The embedded broker is librdkafka's mock cluster: not Kafka, its figures are this client's only. "nowhere" is no broker at
        /// all: every event is confirmed at once and none is read back, which shows what this generator can do.
        #[arg(short, long, visible_alias = "brokers", value_name = "HOST:PORT")]
        bootstrap_server: Option<String>,
        /// Client properties from a Java-style .properties file
        ///
        /// Names of librdkafka and of the Java client are understood; a Java-only key is translated, left out with a
        /// warning, or refused with what to write instead.
        #[arg(long, value_name = "FILE")]
        command_config: Option<PathBuf>,
        /// One client property, key=value; repeatable; beats the file
        ///
        /// `-X dump` prints the properties that would be used, with where each comes from, and ends.
        /// As a variable: one key=value per line.
        #[arg(short = 'X', long = "command-property", value_name = "KEY=VALUE", value_parser = values::property)]
        client: Vec<values::Property>,
        /// Longest wait for the first answer of the cluster [default: 10s]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        connect_timeout: Duration = Duration::from_secs(10),
    }
}

settings! {
    /// The topic and how it is written.
    #[command(next_help_heading = "Kafka")]
    pub struct TopicOptions as Topic {
        /// Topic of the events [default: raw-events]
        #[arg(short, long, value_name = "TOPIC")]
        topic: String = "raw-events".to_owned(),
        /// Send these types of events into other topics: view=clicks,transaction=orders; repeatable
        ///
        /// All topics are read back by one verifier; the report tells them apart. As a variable: one list per line.
        #[arg(long, value_name = "TYPE=TOPIC,...", value_parser = values::topic_map)]
        topic_map: Vec<values::TopicMap>,
        /// Give every record this header; repeatable
        ///
        /// Records with headers are handed to the client one by one, which costs more. As a variable: one NAME=VALUE per line.
        #[arg(long = "header", value_name = "NAME=VALUE", value_parser = values::header)]
        headers: Vec<values::ConstantHeader>,
        /// Create the topic where it does not exist. Nothing is ever deleted
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        create_topics: bool = false,
        /// Partitions of a created topic [default: 3]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
        partitions: i32 = 3,
        /// Copies of each partition of a created topic [default: 1]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=i64::from(i16::MAX)))]
        replication_factor: i32 = 1,
        /// Register schemas that the schema registry does not have
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        register: bool = false,
        /// Brokers that must confirm an event [default: all]
        ///
        /// 0 and 1 switch idempotence off, unless that is asked for too, which is an error.
        #[arg(long, value_name = "ACKS", value_parser = choice::of::<Acks>())]
        acks: Option<Acks>,
        /// Whether a retried event is written once [default: true]
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        idempotence: Option<bool>,
        /// Compression of batches [default: snappy]
        #[arg(long, value_name = "CODEC", value_parser = choice::of::<Compression>())]
        compression: Option<Compression>,
        /// Longest wait for more events before a batch is sent [default: 5ms]
        ///
        /// At low rates it is most of service_time.
        #[arg(long, value_name = "DURATION", value_parser = values::duration)]
        linger: Option<Duration>,
        /// Consumer group whose lag is shown. It is looked at, never joined
        #[arg(long, value_name = "GROUP")]
        lag_group: Option<String>,
    }
}

layer! {
    /// The cluster and the topic.
    pub struct TargetOptions {
        /// The cluster.
        #[command(flatten)]
        pub cluster: ClusterOptions,
        /// The topic.
        #[command(flatten)]
        pub topic: TopicOptions,
        /// In which formats.
        #[command(flatten)]
        pub coding: CodingOptions,
        /// In transactions, or not.
        #[command(flatten)]
        pub transactions: TransactionOptions,
    }
}
