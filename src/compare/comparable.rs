//! What makes two runs incomparable, or comparable only with care: each difference by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::figures::short;
use super::{Bundle, Side};
use crate::figures::{as_f64, counted};
use crate::report::exit_code::ExitCode;
use crate::report::{RunReport, TopicReport};

/// What two runs can differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// One and the same run twice.
    SameRun,
    /// The meaning of the report's names.
    Schema,
    /// A run that ended as violated, invalid or broken off by the cluster: its figures say little.
    Outcome,
    /// A run that was stopped before its end.
    Interrupted,
    /// In-process broker or real one.
    Embedded,
    /// Where events came from.
    Source,
    /// The shape of the load, its phases or the replayed rows.
    Schedule,
    /// The planned rate.
    Rate,
    /// How long it ran.
    Duration,
    /// Bytes per event.
    Payload,
    /// Shares of the event types.
    Mix,
    /// The topics, their partitions and copies.
    Topics,
    /// Processors and operating system.
    Machine,
    /// Whether the events were read back.
    Verifier,
    /// The version of loadgen.
    Tool,
    /// The version of the Kafka client.
    Client,
    /// The client's settings.
    ClientConfig,
    /// How many brokers.
    Brokers,
    /// Producer threads.
    Lanes,
}

impl Aspect {
    /// Every aspect.
    pub const ALL: [Self; 19] = [
        Self::SameRun,
        Self::Schema,
        Self::Outcome,
        Self::Interrupted,
        Self::Embedded,
        Self::Source,
        Self::Schedule,
        Self::Rate,
        Self::Duration,
        Self::Payload,
        Self::Mix,
        Self::Topics,
        Self::Machine,
        Self::Verifier,
        Self::Tool,
        Self::Client,
        Self::ClientConfig,
        Self::Brokers,
        Self::Lanes,
    ];

    /// Its name, as it is allowed by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SameRun => "same-run",
            Self::Schema => "schema",
            Self::Outcome => "outcome",
            Self::Interrupted => "interrupted",
            Self::Embedded => "embedded",
            Self::Source => "source",
            Self::Schedule => "schedule",
            Self::Rate => "rate",
            Self::Duration => "duration",
            Self::Payload => "payload",
            Self::Mix => "mix",
            Self::Topics => "topics",
            Self::Machine => "machine",
            Self::Verifier => "verifier",
            Self::Tool => "tool",
            Self::Client => "client",
            Self::ClientConfig => "client-config",
            Self::Brokers => "brokers",
            Self::Lanes => "lanes",
        }
    }

    /// Whether it makes a comparison meaningless unless it is allowed. The others are what one may well compare: another
    /// version, other settings; they are named.
    #[must_use]
    pub const fn refuses(self) -> bool {
        !matches!(self, Self::Verifier | Self::Tool | Self::Client | Self::ClientConfig | Self::Brokers | Self::Lanes)
    }
}

impl fmt::Display for Aspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Aspect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|aspect| aspect.name() == text)
            .ok_or_else(|| format!("\"{text}\" is nothing that runs differ in: one of {}", names()))
    }
}

/// Which runs differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// The two sides.
    Sides,
    /// The runs of one side among each other.
    Within(Side),
    /// One run in itself.
    Run,
}

/// One thing in which runs differ, or for which a run cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What.
    pub aspect: Aspect,
    /// Which runs.
    pub place: Where,
    /// In words, with the values.
    pub what: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Where::Within(side) => write!(f, "{} within {side}: {}", self.aspect, self.what),
            Where::Sides | Where::Run => write!(f, "{}: {}", self.aspect, self.what),
        }
    }
}

/// Everything in which the runs differ: each run in itself, the runs of a side among each other, and the sides.
#[must_use]
pub fn differences(base: &[Bundle], new: &[Bundle]) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |place, list: Vec<(Aspect, String)>| {
        for (aspect, what) in list {
            let difference = Difference { aspect, place, what };
            if !found.contains(&difference) {
                found.push(difference);
            }
        }
    };
    let mut seen = BTreeSet::new();
    for bundle in base.iter().chain(new) {
        add(Where::Run, unfit(bundle));
        if !bundle.report.run.id.is_empty() && !seen.insert(&bundle.report.run.id) {
            add(Where::Run, vec![(Aspect::SameRun, format!("run {} is given twice", bundle.report.run.id))]);
        }
    }
    for (side, bundles) in [(Side::Base, base), (Side::New, new)] {
        if let Some((first, others)) = bundles.split_first() {
            for other in others {
                add(Where::Within(side), between(&first.report, &other.report));
            }
        }
    }
    if let (Some(base), Some(new)) = (base.first(), new.first()) {
        add(Where::Sides, between(&base.report, &new.report));
    }
    found.sort_by_key(|difference| difference.aspect);
    found
}

/// Why a run's figures are no base for a comparison.
fn unfit(bundle: &Bundle) -> Vec<(Aspect, String)> {
    let (name, report) = (&bundle.name, &bundle.report);
    let mut found = Vec::new();
    // 0 pass, 4 unevaluated and 99 gate failed are runs as good as any; 130 has an aspect of its own.
    if !matches!(report.verdict.code, 0 | 4 | 99 | 130) {
        let why = report.verdict.reasons.first().map_or_else(String::new, |reason| format!(" ({reason})"));
        found.push((Aspect::Outcome, format!("{name} ended as {}{why}", report.verdict.name)));
    }
    if report.verdict.also.iter().any(|also| also == ExitCode::NotWritten.as_str()) {
        found.push((Aspect::Outcome, format!("{name} lacks files that could not be written")));
    }
    if report.run.interrupted {
        found.push((Aspect::Interrupted, format!("{name} was stopped after {} s", short(report.run.measured_s))));
    }
    found
}

/// What two runs were asked to do, and on what, compared.
fn between(base: &RunReport, new: &RunReport) -> Vec<(Aspect, String)> {
    let mut found = Vec::new();
    let mut add = |aspect, base: String, new: String| {
        if base != new {
            found.push((aspect, format!("{base} → {new}")));
        }
    };
    let version = |report: &RunReport| format!("version {}", report.schema_version);
    add(Aspect::Schema, version(base), version(new));
    let broker = |report: &RunReport| if report.run.embedded { "embedded broker" } else { "real Kafka" }.to_owned();
    add(Aspect::Embedded, broker(base), broker(new));
    add(Aspect::Source, base.run.source.clone(), new.run.source.clone());
    add(Aspect::Schedule, schedule(base), schedule(new));
    add(Aspect::Topics, topics(&base.environment.topics), topics(&new.environment.topics));
    let machine = |report: &RunReport| {
        let quota = report.environment.cpu_quota.map_or_else(String::new, |quota| format!(" with a quota of {quota}"));
        format!("{} cores{quota}, {}", report.environment.cores, report.environment.os)
    };
    add(Aspect::Machine, machine(base), machine(new));
    let verifier = |report: &RunReport| match report.latency_us.end_to_end {
        Some(_) => "read back".to_owned(),
        None => "not read back".to_owned(),
    };
    add(Aspect::Verifier, verifier(base), verifier(new));
    add(Aspect::Tool, tool(base), tool(new));
    let client = |report: &RunReport| format!("librdkafka {}", report.tool.librdkafka);
    add(Aspect::Client, client(base), client(new));
    let brokers = |report: &RunReport| counted(report.environment.brokers.len() as u64, "broker");
    add(Aspect::Brokers, brokers(base), brokers(new));
    let lanes = |report: &RunReport| counted(report.run.lanes.into(), "lane");
    add(Aspect::Lanes, lanes(base), lanes(new));

    let mut apart = |aspect, base: Option<f64>, new: Option<f64>, tolerance: f64, unit: &str| {
        let far = match (base, new) {
            (Some(base), Some(new)) => (base - new).abs() > tolerance * base.abs().max(new.abs()),
            (base, new) => base.is_some() != new.is_some(),
        };
        if far {
            let shown = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), short);
            found.push((aspect, format!("{} → {} {unit}", shown(base), shown(new))));
        }
    };
    apart(Aspect::Rate, base.offered.rate_per_s, new.offered.rate_per_s, 0.01, "events/s planned");
    apart(Aspect::Duration, Some(base.run.measured_s), Some(new.run.measured_s), 0.1, "s");
    apart(Aspect::Payload, payload(base), payload(new), 0.02, "bytes an event");
    found.extend(mix(base, new).map(|what| (Aspect::Mix, what)));
    found.extend(settings(base, new).map(|what| (Aspect::ClientConfig, what)));
    found
}

fn schedule(report: &RunReport) -> String {
    let phases: Vec<String> = report.phases.iter().map(|phase| format!("{} {}", phase.name, phase.schedule)).collect();
    let phases = if phases.is_empty() { String::new() } else { format!(" ({})", phases.join(", ")) };
    let replay = report.replay.as_ref().map_or_else(String::new, |replay| {
        let speed = replay.speed.map_or_else(String::new, |speed| format!(", {speed}x"));
        format!(" of {}{speed}", counted(replay.rows, "row"))
    });
    let warm_up = short(report.run.warm_up_s);
    format!("{}{phases}{replay}, warm-up {warm_up} s", report.run.schedule)
}

fn topics(topics: &[TopicReport]) -> String {
    let one = |topic: &TopicReport| {
        let copies = topic.replication_factor.map_or_else(String::new, |copies| format!(" x {copies}"));
        format!("{} with {}{copies}", topic.name, counted(topic.partitions.unsigned_abs().into(), "partition"))
    };
    topics.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn tool(report: &RunReport) -> String {
    let commit = report.tool.git.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
    format!("{} {}{commit}", report.tool.name, report.tool.version)
}

fn payload(report: &RunReport) -> Option<f64> {
    let sent: u64 = report.by_type.values().map(|of_type| of_type.sent).sum();
    (sent > 0).then(|| as_f64(report.offered.bytes) / as_f64(sent))
}

/// The event types whose share differs by more than a percentage point.
fn mix(base: &RunReport, new: &RunReport) -> Option<String> {
    let share = |report: &RunReport, kind: &str| report.by_type.get(kind).map_or(0.0, |of_type| of_type.share_percent);
    let kinds: BTreeSet<&String> = base.by_type.keys().chain(new.by_type.keys()).collect();
    let differing: Vec<String> = kinds
        .into_iter()
        .map(|kind| (kind, share(base, kind), share(new, kind)))
        .filter(|(_, base, new)| (base - new).abs() > 1.0)
        .map(|(kind, base, new)| format!("{kind} {} → {} %", short(base), short(new)))
        .collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}

/// Settings that name the client or the cluster and change nothing else.
const NAMES: [&str; 7] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "client.id",
    "group.id",
    "group.instance.id",
    "transactional.id",
    "client.rack",
];

fn settings(base: &RunReport, new: &RunReport) -> Option<String> {
    let (base, new) = (&base.environment.client_config, &new.environment.client_config);
    let shown = |settings: &BTreeMap<String, String>, key: &String| {
        settings.get(key).cloned().unwrap_or_else(|| "default".to_owned())
    };
    let keys: BTreeSet<&String> = base.keys().chain(new.keys()).collect();
    let differing: Vec<String> = keys
        .into_iter()
        .filter(|key| !NAMES.contains(&key.as_str()) && base.get(*key) != new.get(*key))
        .map(|key| format!("{key} {} → {}", shown(base, key), shown(new, key)))
        .collect();
    (!differing.is_empty()).then(|| differing.join(", "))
}

#[cfg(test)]
mod tests;
