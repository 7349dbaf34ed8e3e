//! Options of the paired verifier.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolValueParser, TypedValueParser};

use super::choice::{self, choices};
use super::layer::settings;
use super::membership::{Group, MembershipOptions};
use super::schemas::{self, SchemaSet};
use super::values;

choices! {
    /// Which records of transactions the verifier reads.
    pub enum Isolation {
        ReadUncommitted = "read_uncommitted": "all records",
        ReadCommitted = "read_committed": "only records outside of transactions and of committed ones",
    }
}

settings! {
    /// Which records are read back, and until when.
    #[command(next_help_heading = "Verification")]
    pub struct ReadBackOptions as ReadBack {
        /// Which records of transactions are read [default: read_uncommitted]
        ///
        /// On a cluster with --transactional, or where results are expected downstream, it is read_committed.
        #[arg(long, value_name = "LEVEL", value_parser = choice::of::<Isolation>())]
        isolation: Isolation = Isolation::ReadUncommitted,
        /// Longest wait for the last events to be read [default: 30s]
        #[arg(long, value_name = "DURATION", value_parser = values::duration)]
        drain_deadline: Duration = Duration::from_secs(30),
        /// Schema by which a consumer reads, a file or a folder of them: whether it can read what was sent, and what it gets
        ///
        /// Repeatable. Each record that was verified is also read with the schema that it was written by and resolved into this one,
        /// as Avro does it.
        #[arg(long, value_name = "FILE", value_parser = schemas::of_path)]
        reader_schema: Vec<SchemaSet>,
    }
}

settings! {
    /// What must come out downstream.
    #[command(next_help_heading = "Verification")]
    pub struct ExpectOptions as Expect {
        /// Judge what a stream processor makes of the events by the expect tables of this file
        ///
        /// In a scenario they stand as they are. See docs/downstream.md.
        #[arg(long, value_name = "FILE")]
        expect: Option<PathBuf>,
        /// Longest wait for expected results when the input has ended [default: 30s]
        #[arg(long, value_name = "DURATION", value_parser = values::duration)]
        expect_deadline: Duration = Duration::from_secs(30),
        /// Send events that close the last windows, when their time has come
        ///
        /// Two to each partition, as old as they are sent, size and grace of the longest window after the last event: a stream processor writes
        /// a window when a later event comes. The topic keeps them; no result is expected of them.
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        close_windows: bool = false,
    }
}

settings! {
    /// Reading every event back.
    #[command(next_help_heading = "Verification")]
    pub struct VerifierOptions {
        /// Do not read the events back. Losses, duplicates and order are then not judged
        #[arg(
            id = "no_verify", long = "no-verify", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
            value_parser = BoolValueParser::new().map(|off| !off)
        )]
        enabled: Option<bool>,
        /// Read as a member of this consumer group instead of by assignment
        ///
        /// It is a real member: what it reads is committed. It begins where the log ends, or where the group has committed more.
        /// CONSUMER_GROUP_ID is deliberately not used here: it must never join a live group by accident.
        #[arg(long, value_name = "GROUP")]
        group: Option<String>,
        /// Its members.
        #[command(flatten)]
        membership: MembershipOptions,
        /// Let a member join or leave the group this often, in turns
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        chaos_rebalance: Option<Duration>,
        /// The records that are read, and until when.
        #[command(flatten)]
        back: ReadBackOptions,
        /// What must come out of them.
        #[command(flatten)]
        downstream: ExpectOptions,
    }
}

/// How events are read back.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verification {
    /// The consumer group to join; `None`: partitions are assigned, and no group is joined.
    pub group: Option<Group>,
    /// Which records, and until when.
    pub back: ReadBack,
}

impl Verification {
    /// Whether only committed records are read.
    #[must_use]
    pub fn reads_committed(&self) -> bool {
        self.back.isolation == Isolation::ReadCommitted
    }
}
