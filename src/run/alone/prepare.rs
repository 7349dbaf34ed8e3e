//! Before reading begins: the topics are there, their ends are known, and where the group stands.

use std::sync::Arc;

use super::ends::Asker;
use super::{Config, Offset, Produced};
use crate::control::Traffic;
use crate::event::stamp::RunId;
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, KafkaError, Settings};
use crate::measure::Recorder;
use crate::run::RunError;
use crate::run::clients::{live, member_settings, reader_settings};
use crate::run::topic_watch::{Watcher, watcher};
use crate::run::topics::{ends, identify, is_compacted, topic_settings};
use crate::verify::group::{GroupConfig, GroupReader, SharedLog};
use crate::verify::reader::Reader;
use crate::verify::topic_book::TopicBook;
use crate::verify::topics::Topics;

/// The name that stands for the group that nobody joins.
const NO_GROUP: &str = "loadgen-verify";

/// Everything that stands ready.
pub(super) struct Prepared {
    settings: Settings,
    /// The cluster, with each topic.
    pub(super) clusters: Vec<ClusterMetadata>,
    pub(super) topic_settings: Vec<Settings>,
    pub(super) slots: Arc<Slots>,
    /// The topics with their ids.
    pub(super) topics: Arc<Topics>,
    /// Where reading begins in each partition, and where its log does.
    pub(super) starts: Vec<(i64, i64)>,
    /// Topics that were deleted and made anew after the run had begun that is to be joined.
    pub(super) anew: Vec<String>,
    /// Whether some of that is what the group had committed.
    pub(super) goes_on: bool,
    pub(super) java_placed: bool,
    pub(super) recorder: Recorder,
    pub(super) traffic: Arc<Traffic>,
    /// What becomes of the group, where one reads.
    pub(super) group: Option<SharedLog>,
}

impl Prepared {
    pub(super) fn new(config: &Config) -> Result<Self, RunError> {
        let mut client = config.client.clone();
        client.insert("bootstrap.servers".to_owned(), config.bootstrap.clone());
        let mut settings = reader_settings(NO_GROUP, config.read_committed, &client, false);
        if let Some(group) = &config.group {
            settings.insert("group.id".to_owned(), group.name.clone());
        }
        let mut consumer = Consumer::new(&settings)?;
        let clusters = config.topics.iter().map(|topic| consumer.metadata(topic, config.connect_timeout));
        let mut clusters = clusters.collect::<Result<Vec<_>, _>>()?;
        let partitions = clusters.iter().map(|cluster| cluster.topic.partitions);
        let slots = Arc::new(Slots::unmapped(config.topics.iter().cloned().zip(partitions)));
        consumer.join(&slots);
        let topics = identify(&consumer, &mut clusters, &slots, config.connect_timeout);
        let marks = ends(&consumer, &slots, config.connect_timeout)?;
        let committed = match &config.group {
            Some(group) => consumer.committed(&slots, config.connect_timeout).map_err(|code| {
                let what = format!("asking where the group \"{}\" stands", group.name);
                KafkaError::Refused { what, code }
            })?,
            None => vec![None; marks.len()],
        };
        let began = config.producer.as_ref().map(|produced| &produced.starts);
        if let Some(produced) = &config.producer {
            check(produced, &slots)?;
        }
        let anew =
            config.producer.as_ref().map_or_else(Vec::new, |produced| other_topics(&produced.ids, &clusters, &slots));
        let starts = (0..).zip(marks.iter().zip(&committed)).map(|(slot, (marks, committed))| {
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
        let java_placed = client.get("partitioner").is_some_and(|name| name == "murmur2_random" || name == "murmur2");
        let names = slots.topics().map(|(topic, _)| topic);
        Ok(Self {
            topic_settings: topic_settings(&config.client, config.connect_timeout, &config.bootstrap, names),
            starts: starts.collect(),
            anew,
            goes_on: committed.iter().any(Option::is_some),
            recorder: Recorder::new(1, marks.len()),
            traffic: Arc::new(Traffic::new(marks.len(), None)),
            group: config.group.as_ref().map(|_| SharedLog::start()),
            settings,
            clusters,
            slots,
            topics: Arc::new(topics),
            java_placed,
        })
    }

    /// The consumer's settings as they are used, secrets included.
    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether a later record of a key may take the place of an earlier one.
    pub(super) fn is_compacted(&self) -> bool {
        is_compacted(&self.topic_settings)
    }

    pub(super) fn book(&self, run: Option<RunId>) -> TopicBook {
        TopicBook::new(run, self.starts.len())
    }

    /// What is read from, and who asks for the ends of the logs meanwhile.
    pub(super) fn readers(&self, config: &Config) -> Result<(Box<dyn Reader>, Option<Asker>), KafkaError> {
        let asker = Asker::new(&self.settings, &config.topics[0], &self.slots)?;
        let (Some(group), Some(log)) = (&config.group, &self.group) else {
            let mut consumer = Consumer::new(&live(self.settings.clone()))?;
            consumer.join(&self.slots);
            return Ok((Box::new(consumer), Some(asker)));
        };
        let own = GroupConfig {
            settings: member_settings(live(self.settings.clone()), group),
            consumers: group.consumers,
            commit_every: group.commits_itself.then_some(group.commit_every),
            disturb_every: group.disturb_every,
            is_shared: true,
        };
        let reader = GroupReader::new(own, Arc::clone(&self.slots), Arc::clone(&self.topics), log.clone());
        Ok((Box::new(reader), Some(asker)))
    }

    /// Who looks whether the topics are still what they were.
    pub(super) fn topic_watcher(&self) -> Result<Watcher, KafkaError> {
        let mut settings = self.settings.clone();
        settings.insert("group.id".to_owned(), NO_GROUP.to_owned());
        watcher(&settings, &self.slots, &self.topics)
    }

    /// A consumer for a second reading: of what is there, committed or not, or of what was committed.
    pub(super) fn look_up_consumer(&self, isolation: &str) -> Result<Consumer, KafkaError> {
        let mut settings = self.settings.clone();
        settings.insert("group.id".to_owned(), NO_GROUP.to_owned());
        settings.insert("isolation.level".to_owned(), isolation.to_owned());
        let mut consumer = Consumer::new(&settings)?;
        consumer.join(&self.slots);
        Ok(consumer)
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
fn check(produced: &Produced, slots: &Slots) -> Result<(), RunError> {
    let differs = |((then, partitions), (_, now)): (&(String, i32), (&str, i32))| {
        (*partitions != now).then(|| RunError::TopicChanged { topic: then.clone(), then: *partitions, now })
    };
    produced.topics.iter().zip(slots.topics()).find_map(differs).map_or(Ok(()), Err)
}
