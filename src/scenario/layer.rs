//! Layers of settings: what a higher one leaves open, a lower one decides.

use std::fmt;

use super::environment::{self, Variables};
use crate::cli::{
    capacity, cluster, compare, dataset, gate, limits, membership, merge, outcome, pace, replay, report, run, selftest,
    synth, topics, transactions, verification, verify, watching,
};

/// Where a setting comes from, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// An option.
    Option,
    /// An environment variable.
    Environment,
    /// A line of the `.env` file.
    EnvFile,
    /// The scenario.
    Scenario,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Option => "the command line",
            Self::Environment => "the environment",
            Self::EnvFile => "the .env file",
            Self::Scenario => "the scenario",
            Self::Default => "the defaults",
        })
    }
}

/// A level, and the names its settings have there.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    level: Level,
    variables: Option<&'a Variables>,
}

impl<'a> Place<'a> {
    /// The command line.
    pub const OPTIONS: Self = Self { level: Level::Option, variables: None };

    /// The scenario.
    pub const SCENARIO: Self = Self { level: Level::Scenario, variables: None };

    /// The variables' level.
    #[must_use]
    pub const fn of(variables: &'a Variables) -> Self {
        Self { level: variables.level(), variables: Some(variables) }
    }

    /// Its level.
    #[must_use]
    pub const fn level(self) -> Level {
        self.level
    }

    /// How an option is written here: `--rate`, or the name of its variable that is set.
    #[must_use]
    pub fn name_of(self, option: &str) -> String {
        let Some(variables) = self.variables else {
            return if self.level == Level::Scenario { option.replace('-', "_") } else { format!("--{option}") };
        };
        let names = environment::variables_of(option);
        let set = names.iter().find(|name| variables.get(name).is_some());
        set.or(names.first()).cloned().unwrap_or_default()
    }

    /// The client properties that have variables of their own here: property, value, variable.
    pub fn properties(self) -> impl Iterator<Item = (&'static str, &'a str, &'static str)> {
        self.variables.into_iter().flat_map(Variables::properties)
    }
}

/// Settings that can lie on others.
pub trait Layer {
    /// These settings, and those of `lower` where these leave them open.
    #[must_use]
    fn over(self, lower: Self) -> Self;

    /// The field of the first setting that is not open, if there is one; an empty name for a bare value.
    fn first_set(&self) -> Option<&'static str>;
}

impl<T> Layer for Option<T> {
    fn over(self, lower: Self) -> Self {
        self.or(lower)
    }

    fn first_set(&self) -> Option<&'static str> {
        self.is_some().then_some("")
    }
}

/// Lists add up, the lower one's entries first: of two entries for the same thing the last one counts.
impl<T> Layer for Vec<T> {
    fn over(self, mut lower: Self) -> Self {
        lower.extend(self);
        lower
    }

    fn first_set(&self) -> Option<&'static str> {
        (!self.is_empty()).then_some("")
    }
}

/// Lays one struct over another, field by field. A field that is forgotten here does not compile.
macro_rules! layer {
    ($($kind:path { $($field:ident),+ $(,)? })+) => {$(
        impl Layer for $kind {
            fn over(self, lower: Self) -> Self {
                Self { $($field: self.$field.over(lower.$field)),+ }
            }

            fn first_set(&self) -> Option<&'static str> {
                $(match self.$field.first_set() {
                    Some("") => return Some(stringify!($field)),
                    Some(inner) => return Some(inner),
                    None => {}
                })+
                None
            }
        }
    )+};
}

layer! {
    run::RunOptions { pace, limits, target, verifier, outcome, events, recording }
    pace::AnyPace { speed, rate, shape, fit }
    limits::RunSetup { name, seed, lanes, pacing, payload_bytes, compressibility, flush_deadline, stall_threshold }
    limits::RunLimits {
        setup, duration, num_records, run_id, shard, start_at, max_rate, on_lag, max_slip, tui, dry_run, allow_fault_commands,
    }
    capacity::SearchOptions { start, max, precision, probe, settle, max_time }
    cluster::TargetOptions { cluster, topic, transactions }
    transactions::TransactionOptions { transactional, txn_size, txn_abort_rate }
    cluster::ClusterOptions { bootstrap_server, command_config, command_property, connect_timeout }
    cluster::TopicOptions {
        topic, topic_map, create_topics, partitions, replication_factor, acks, idempotence, compression, linger, lag_group,
    }
    verification::VerifierOptions {
        no_verify, group, membership, chaos_rebalance, isolation, drain_deadline,
    }
    verify::VerifyOptions { name, reading, group, cluster, outcome }
    verify::ReadingOptions { topic, offset, run_id, isolation, until_idle, num_records }
    verify::MemberOptions { group, membership }
    membership::MembershipOptions { consumers, group_protocol, assignor, commit, commit_interval }
    outcome::OutcomeOptions { gate, gate_off, results_dir, export, output, quiet, no_progress, timeline_detail, watching }
    watching::WatchingOptions { metrics_addr, metrics_linger, metrics_topic }
    synth::SynthOptions {
        like, model, weights, users, items, user_skew, item_skew, hot_key, concurrent_sessions, funnel, think_time,
    }
    replay::RecordingOptions {
        max_gap, from, until, limit, rounds, dedup, users_sample, amplify, bad_rows, event_time, category_tree, item_properties,
        inventory, sort_memory, temp_dir }
    topics::TopicsApplyOptions { yes, partitions, replication_factor, output, cluster }
    topics::TopicsDescribeOptions { group, output, cluster }
    dataset::DatasetInfoOptions { bad_rows, sort_memory, temp_dir, output }
    dataset::DatasetGenerate { out, force, rows, users, items, days, seed, disorder, duplicates }
    report::ReportOptions { output, recover, export }
    merge::MergeOptions { out, output }
    selftest::SelfTestOptions { seed, drain_deadline, output, cluster }
    gate::GateOptions { gate, gates, output }
    compare::CompareOptions { fail_on, max_regression, allow, output }
}
