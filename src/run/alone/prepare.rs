//! Before reading begins: the topics are there, their ends are known, and where the group stands.

use super::{Config, Offset, ProducerRun};
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, KafkaError, Settings, Watermarks};
use crate::measure::Recorder;
use crate::run::RunError;
use crate::run::clients::{STATISTICS, reader_settings};
use crate::run::downstream::{Auditor, Beside, Tap};
use crate::run::target::{Access, Target};
use crate::verify::reader::Reader;

/// The name that stands for the group that nobody joins.
const NO_GROUP: &str = "loadgen-verify";

/// Everything that stands ready.
pub(in crate::run) struct Prepared {
    pub(in crate::run) target: Target,
    /// The consumer's settings as they are used, secrets included.
    pub(in crate::run) settings: Settings,
    /// Where reading begins in each partition, and where its log does.
    pub(in crate::run) starts: Vec<(i64, i64)>,
    /// Topics that were deleted and made anew after the run had begun that is to be joined.
    pub(in crate::run) anew: Vec<String>,
    /// Whether some of that is what the group had committed.
    pub(in crate::run) goes_on: bool,
    pub(in crate::run) recorder: Recorder,
}

impl Prepared {
    pub(super) fn new(config: &Config) -> Result<Self, RunError> {
        let (group, timeout) = (config.verify.group.as_ref(), config.connect_timeout);
        let mut client = config.client.clone();
        client.insert("bootstrap.servers".to_owned(), config.bootstrap.clone());
        let reader = reader_settings(NO_GROUP, config.verify.reads_committed(), &client, false);
        let mut settings = reader.clone();
        settings.extend(group.map(|group| ("group.id".to_owned(), group.name.clone())));
        let mut consumer = Consumer::new(&settings)?;
        let clusters = config.topics.iter().map(|topic| consumer.metadata(topic, timeout));
        let clusters = clusters.collect::<Result<Vec<_>, _>>()?;
        let partitions = clusters.iter().map(|cluster| cluster.topic.partitions);
        let slots = Slots::unmapped(config.topics.iter().cloned().zip(partitions));
        let access = Access { bootstrap: Some(&config.bootstrap), client: &config.client, reader, timeout };
        let target = Target::new(access, &mut consumer, clusters, slots, group)?;
        let committed = match group {
            Some(group) => consumer.committed(&target.slots, timeout).map_err(|code| {
                let what = format!("asking where the group \"{}\" stands", group.name);
                KafkaError::Refused { what, code }
            })?,
            None => vec![None; target.ends.len()],
        };
        Self::of(config, target, settings, &committed)
    }

    /// Where reading begins in topics that have been found, in which its group has committed that much.
    pub(in crate::run) fn of(
        config: &Config,
        target: Target,
        settings: Settings,
        committed: &[Option<i64>],
    ) -> Result<Self, RunError> {
        let began = config.producer.as_ref().map(|produced| &produced.starts);
        if let Some(produced) = &config.producer {
            check(produced, &target.slots)?;
        }
        let anew = config
            .producer
            .as_ref()
            .map_or_else(Vec::new, |produced| other_topics(&produced.ids, &target.clusters, &target.slots));
        let starts = (0..).zip(target.ends.iter().zip(committed)).map(|(slot, (marks, committed))| {
            if !anew.is_empty() {
                // Where the run began says nothing of a log that is another.
                return (marks.low, marks.low);
            }
            if let Some(from) = began.and_then(|starts| starts.get::<usize>(slot)) {
                // What is below the log's start by now cannot be read: it has expired.
                return ((*from).max(marks.low), marks.low);
            }
            let usual = match config.offset {
                Offset::Earliest => marks.low,
                Offset::Latest => marks.high,
            };
            (committed.unwrap_or(usual), marks.low)
        });
        Ok(Self {
            starts: starts.collect(),
            anew,
            goes_on: committed.iter().any(Option::is_some),
            recorder: Recorder::new(1, config.catalogue.len(), target.ends.len()),
            settings,
            target,
        })
    }

    /// Who looks at what came out downstream, from where reading begins.
    pub(super) fn auditor(&self, config: &Config) -> Result<Option<Auditor>, RunError> {
        let from = |topic: &str, partition: i32, ends: &Watermarks| {
            let slot = self.target.slots.slot(topic.as_bytes(), partition).and_then(|slot| usize::try_from(slot).ok());
            match slot.and_then(|slot| self.starts.get(slot)) {
                Some((start, _)) => *start,
                None if config.offset == Offset::Latest => ends.high,
                None => ends.low,
            }
        };
        // When a result came that lies there already nobody knows.
        let beside = Beside {
            target: &self.target,
            producer: None,
            verifier: Some(self.starts.iter().map(|(start, _)| *start).collect()),
            is_timed: false,
            run: config.run,
        };
        Auditor::new(&config.downstream, beside, config.connect_timeout, &from)
    }

    /// What is read from; a tap hands on what comes from it.
    pub(super) fn reader(&self, tap: Option<Tap>) -> Result<Box<dyn Reader>, KafkaError> {
        match self.target.members(true) {
            Some(members) => Ok(members),
            None => Ok(Tap::on(tap, Box::new(self.target.consumer(&[STATISTICS])?))),
        }
    }
}

/// The topics that have other ids than when the producer began.
fn other_topics(then: &[Option<String>], now: &[ClusterMetadata], slots: &Slots) -> Vec<String> {
    let known = then.iter().zip(now).zip(slots.topics());
    let others = known
        .filter(|((then, now), _)| then.as_ref().zip(now.topic.id.as_ref()).is_some_and(|(then, now)| then != now));
    others.map(|(_, (name, _))| name.to_owned()).collect()
}

/// Whether the topics are what they were when the producer began.
fn check(produced: &ProducerRun, slots: &Slots) -> Result<(), RunError> {
    let differs = |((then, partitions), (_, now)): (&(String, i32), (&str, i32))| {
        (*partitions != now).then(|| RunError::TopicChanged { topic: then.clone(), then: *partitions, now })
    };
    produced.topics.iter().zip(slots.topics()).find_map(differs).map_or(Ok(()), Err)
}
