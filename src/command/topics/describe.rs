//! `topics describe`: partitions, leaders, in-sync copies, records and retention.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::{Done, Failure, connect, count, failed};
use crate::command::TOLD;
use crate::figures;
use crate::kafka::admin::Cluster;
use crate::kafka::{self, Code, PartitionState, TopicState, Watermarks};
use crate::scenario::topics::DescribePlan;
use crate::settings::outcome::Output;
use crate::verdict::ExitCode;

#[derive(Debug, Serialize)]
struct Described<'a> {
    cluster: &'a str,
    /// The consumer group whose lag is told.
    group: Option<&'a str>,
    topics: Vec<Topic>,
}

#[derive(Debug, Serialize)]
struct Topic {
    name: String,
    /// Whether it is there, or may be seen.
    exists: bool,
    /// In all partitions; `None` where the end of one is not known. A transaction's markers and what compaction took
    /// away count too: these are offsets.
    records: Option<i64>,
    retention: Option<Retention>,
    /// Why the retention is not known.
    retention_error: Option<String>,
    /// Records between what the group has committed and the end, over the partitions in which it has committed.
    group_lag: Option<i64>,
    /// Why the group's lag is not known.
    group_error: Option<String>,
    partitions: Vec<Partition>,
}

/// How long records are kept.
#[derive(Debug, Serialize)]
struct Retention {
    /// `delete`, `compact` or both.
    cleanup_policy: String,
    /// ms; `None` is for ever.
    ms: Option<u64>,
    /// Bytes of a partition; `None` is without limit.
    bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Partition {
    #[serde(rename = "partition")]
    number: i32,
    leader: Option<i32>,
    copies: Vec<i32>,
    in_sync: Vec<i32>,
    low: Option<i64>,
    /// The high watermark: transactions that are open are counted.
    high: Option<i64>,
    /// Where an open transaction begins to hide records from readers of committed ones; `None` where none does.
    last_stable: Option<i64>,
    records: Option<i64>,
    /// What the group reads next, as it has committed.
    committed: Option<i64>,
    lag: Option<i64>,
    /// Why it cannot be used.
    problem: Option<String>,
}

pub(super) fn describe(plan: &DescribePlan) -> Result<Done, Failure> {
    let cluster = connect(&plan.cluster)?;
    let present = cluster.topics().map_err(|error| failed(&error, &plan.cluster))?;
    let topics =
        plan.topics.iter().map(|name| topic(&cluster, name, present.get(name), plan.group.as_deref())).collect();
    let described = Described { cluster: &plan.cluster.bootstrap, group: plan.group.as_deref(), topics };
    let usable = described.topics.iter().all(Topic::is_usable);
    let output = match plan.output {
        Output::Text => described.text(),
        Output::Json => serde_json::to_string_pretty(&described)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(ExitCode::Cluster, error.to_string()))?,
    };
    Ok(Done::ended(output, if usable { ExitCode::Pass } else { ExitCode::Cluster }, TOLD))
}

fn topic(cluster: &Cluster, name: &str, state: Option<&TopicState>, group: Option<&str>) -> Topic {
    let Some(state) = state else {
        let name = name.to_owned();
        return Topic {
            name,
            exists: false,
            records: None,
            retention: None,
            retention_error: None,
            group_lag: None,
            group_error: None,
            partitions: vec![],
        };
    };
    let led: Vec<i32> = state.partitions.iter().filter(|of| of.leader.is_some()).map(|of| of.partition).collect();
    let mut ends = cluster.ends(name, &led).into_iter();
    let of = |state: &PartitionState| {
        let ends = state.leader.and_then(|_| ends.next());
        Partition::of(state, ends)
    };
    let mut partitions: Vec<Partition> = state.partitions.iter().map(of).collect();
    let (retention, retention_error) = match cluster.settings(name) {
        Ok(settings) => (Some(Retention::of(&settings)), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let records = partitions.iter().map(|partition| partition.records).sum();
    let group_error = group.and_then(|group| tell_lag(cluster, group, name, &mut partitions).err());
    let has_committed = partitions.iter().any(|partition| partition.committed.is_some());
    let group_lag = partitions.iter().map(|partition| partition.lag).sum::<Option<i64>>().filter(|_| has_committed);
    Topic {
        name: name.to_owned(),
        exists: true,
        records,
        retention,
        retention_error,
        group_lag,
        group_error,
        partitions,
    }
}

/// How far a group is behind in each partition; nothing where it has committed nothing.
fn tell_lag(cluster: &Cluster, group: &str, topic: &str, partitions: &mut [Partition]) -> Result<(), String> {
    let highest = partitions.iter().map(|partition| partition.number).max().unwrap_or(-1);
    let committed = cluster.committed(group, topic, highest + 1).map_err(|error| error.to_string())?;
    for partition in partitions {
        let known = usize::try_from(partition.number).ok().and_then(|number| committed.get(number).copied().flatten());
        partition.committed = known;
        partition.lag = match (known, partition.low, partition.high) {
            (Some(committed), _, Some(high)) => Some((high - committed).max(0)),
            (None, Some(low), Some(high)) => (low == high).then_some(0),
            _ => None,
        };
    }
    Ok(())
}

impl Partition {
    /// `ends` are as its leader tells them; `None` where it has none.
    fn of(state: &PartitionState, ends: Option<Result<Watermarks, Code>>) -> Self {
        let marks = match ends {
            Some(ends) => ends.map_err(kafka::describe),
            None => Err("it has no leader".to_owned()),
        };
        let known = marks.as_ref().ok();
        let (low, high) = (known.map(|marks| marks.low), known.map(|marks| marks.high));
        Self {
            number: state.partition,
            leader: state.leader,
            copies: state.copies.clone(),
            in_sync: state.in_sync.clone(),
            low,
            high,
            last_stable: known.filter(|marks| marks.stable < marks.high).map(|marks| marks.stable),
            records: low.zip(high).map(|(low, high)| high - low),
            committed: None,
            lag: None,
            problem: marks.err(),
        }
    }
}

impl Retention {
    fn of(settings: &kafka::Settings) -> Self {
        // A negative number is without limit.
        let limit = |key: &str| settings.get(key).and_then(|value| value.parse().ok());
        let cleanup_policy = settings.get("cleanup.policy").cloned().unwrap_or_default();
        Self { cleanup_policy, ms: limit("retention.ms"), bytes: limit("retention.bytes") }
    }

    fn words(&self) -> String {
        let time = self.ms.map(|ms| figures::span_s(Duration::from_millis(ms).as_secs_f64()));
        let size = self.bytes.map(|bytes| format!("{} a partition", figures::bytes(bytes)));
        let limits: Vec<String> = time.into_iter().chain(size).collect();
        let limits = if limits.is_empty() { "for ever".to_owned() } else { limits.join(", ") };
        if self.cleanup_policy == "delete" { limits } else { format!("{limits} ({})", self.cleanup_policy) }
    }
}

impl Topic {
    fn is_usable(&self) -> bool {
        self.exists && self.partitions.iter().all(|partition| partition.problem.is_none())
    }

    fn words(&self) -> String {
        if !self.exists {
            return "does not exist, or may not be seen".to_owned();
        }
        let copies = self.partitions.iter().map(|partition| partition.copies.len()).max().unwrap_or(0);
        let records = self
            .records
            .map_or_else(|| "? records".to_owned(), |records| figures::counted(records.unsigned_abs(), "record"));
        let retention = match (&self.retention, &self.retention_error) {
            (Some(retention), _) => retention.words(),
            (None, error) => format!("not told: {}", error.as_deref().unwrap_or_default()),
        };
        let partitions = count(self.partitions.len(), "partition", "partitions");
        format!("{partitions}, {}, {records}, retention {retention}", count(copies, "copy", "copies"))
    }

    fn lag_words(&self, group: &str) -> String {
        let behind = |lag: i64| format!("{} behind", figures::counted(lag.unsigned_abs(), "record"));
        let unknown: Vec<i32> = self.partitions.iter().filter(|one| one.lag.is_none()).map(|one| one.number).collect();
        let words = match (&self.group_error, self.group_lag) {
            (Some(error), _) => format!("not told: {error}"),
            (None, Some(lag)) => behind(lag),
            (None, None) if self.partitions.iter().all(|one| one.committed.is_none()) => {
                "has committed nothing here".to_owned()
            }
            (None, None) => {
                let known = self.partitions.iter().filter_map(|one| one.lag).sum();
                format!("at least {}, not known in partitions {unknown:?}", behind(known))
            }
        };
        format!("group {group}: {words}")
    }
}

impl Described<'_> {
    fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        self.write(&mut out).unwrap_or_default();
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "topics @ {}", self.cluster)?;
        for topic in &self.topics {
            writeln!(out, "\n{}   {}", topic.name, topic.words())?;
            if let Some(group) = self.group.filter(|_| topic.exists) {
                writeln!(out, " {}", topic.lag_words(group))?;
            }
            if !topic.partitions.is_empty() {
                let lag = self.group.map_or_else(String::new, |_| format!("  {:>12}  {:>12}", "committed", "lag"));
                writeln!(
                    out,
                    " {:>9}  {:>6}  {:<12}  {:<12}  {:>12}  {:>12}  {:>12}{lag}",
                    "partition", "leader", "copies", "in sync", "low", "high", "records"
                )?;
            }
            for partition in &topic.partitions {
                let lag = self.group.map_or_else(String::new, |_| {
                    format!("  {:>12}  {:>12}", known(partition.committed), known(partition.lag))
                });
                writeln!(
                    out,
                    " {:>9}  {:>6}  {:<12}  {:<12}  {:>12}  {:>12}  {:>12}{lag}{}",
                    partition.number,
                    known(partition.leader),
                    list(&partition.copies),
                    list(&partition.in_sync),
                    known(partition.low),
                    known(partition.high),
                    known(partition.records),
                    partition.problem.as_ref().map_or_else(String::new, |problem| format!("   {problem}"))
                )?;
                if let Some((stable, high)) = partition.last_stable.zip(partition.high) {
                    let hidden = figures::counted((high - stable).unsigned_abs(), "offset");
                    let (stable, high) = (known(Some(stable)), known(Some(high)));
                    writeln!(
                        out,
                        " {:>9}  {hidden} behind an open transaction (last stable offset {stable} of high watermark {high})",
                        ""
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn known(number: Option<impl ToString>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

fn list(brokers: &[i32]) -> String {
    brokers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}
