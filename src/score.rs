//! The fraud scorer: reads events as a member of a group, scores each, and writes the scores and how far it has read in one transaction.
//!
//! So a scorer that is killed leaves nothing half done: what it had not committed is read again, by itself or by another member, and was
//! seen by nobody who reads committed records. What it remembers of the last minute is not stored anywhere: with each offset the
//! offset of the first event is committed that is still looked at, and who takes the partition over reads on from there, without
//! scoring what has its score.

mod figures;
mod metrics;
mod partition;
mod publish;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Monotonic, Nanos};
use crate::fraud::{Model, Reader};
use crate::kafka::native::{Consumer, Member, wait_any};
use crate::kafka::slots::Slots;
use crate::kafka::{Delivered, KafkaError, Remedy, Settings, TransactionError, settings};
pub use figures::{Figures, Scored};
pub use metrics::Metrics;
use partition::Partition;
use publish::Publisher;

/// Records taken at once, at most.
const BATCH: usize = 1_000;
/// Scores of a transaction, at most.
const MOST: u64 = 10_000;
/// The longest time for which one is kept open.
const OPEN: Nanos = Nanos::from_millis(100);
/// The longest wait without looking whether it is to end.
const WAIT: Duration = Duration::from_millis(50);
/// A coordinator that does not answer for so long is given up.
const PATIENCE: Nanos = Nanos::from_secs(120);

/// What is scored, where, and by what.
#[derive(Clone, Debug)]
pub struct Config {
    /// Brokers to start from.
    pub bootstrap: String,
    /// The client's settings.
    pub client: Settings,
    /// The longest wait for the cluster's first answers.
    pub connect_timeout: Duration,
    /// Where the events are.
    pub topic: String,
    /// Where the scores go.
    pub scores: String,
    /// The group that shares the events.
    pub group: String,
    /// What names this producer to the coordinator: who has the same fences it.
    pub transactional_id: String,
    /// The model.
    pub model: Arc<Model>,
    /// Whether scores have their features with them.
    pub with_features: bool,
    /// Ends when nothing has come for so long.
    pub until_idle: Option<Duration>,
}

/// Why scoring ended before it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// The cluster, or the client's settings.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// A transaction could be neither committed nor aborted.
    #[error("the transactional producer cannot go on: {0}")]
    Transaction(#[from] TransactionError),
    /// The group does not have this member.
    #[error("the group {group} does not have this member: {why}")]
    Group {
        /// The group.
        group: String,
        /// Why not.
        why: String,
    },
    /// The operating system.
    #[error("waiting for records: {0}")]
    Wait(#[from] std::io::Error),
}

/// A scorer at work.
struct Scorer<'a> {
    config: &'a Config,
    figures: &'a Figures,
    slots: Arc<Slots>,
    member: Vec<Member>,
    publisher: Publisher,
    reader: Reader,
    partitions: BTreeMap<i32, Partition>,
    clock: Monotonic,
}

/// Scores until it is asked to end, or nothing comes any more.
///
/// # Errors
/// Where it cannot go on. What it had not committed is scored by whoever comes next.
pub fn score(config: &Config, figures: &Figures, is_over: &dyn Fn() -> bool) -> Result<(), ScoreError> {
    let mut scorer = Scorer::stand_ready(config, figures)?;
    let mut last_at = scorer.clock.now();
    while !is_over() {
        let taken = scorer.take()?;
        scorer.member[0].notices(|notice| tracing::debug!(?notice, "the reading client"));
        let now = scorer.clock.now();
        if taken > 0 {
            last_at = now;
        }
        if scorer.member[0].has_decided() {
            scorer.commit()?;
            scorer.follow();
            last_at = scorer.clock.now();
        }
        if scorer.publisher.is_due(now) {
            scorer.commit()?;
        }
        if let Some(refusal) = scorer.member[0].refusal() {
            let (group, why) = (config.group.clone(), refusal.text.clone());
            return Err(ScoreError::Group { group, why });
        }
        if let Some((code, text)) = scorer.publisher.fatal() {
            scorer.undo(TransactionError { code, text, remedy: Remedy::Nothing })?;
        }
        if config.until_idle.is_some_and(|idle| now >= last_at + Nanos::from(idle)) && !scorer.partitions.is_empty() {
            break;
        }
        if taken < BATCH {
            let wait = scorer.publisher.left(now).map_or(WAIT, |left| WAIT.min(left.into()));
            wait_any(&mut scorer.member, wait)?;
        }
    }
    scorer.commit()
}

impl<'a> Scorer<'a> {
    fn stand_ready(config: &'a Config, figures: &'a Figures) -> Result<Self, ScoreError> {
        let consumer = Consumer::new(&reader_settings(config))?;
        let partitions = consumer.metadata(&config.topic, config.connect_timeout)?.topic.partitions;
        consumer.metadata(&config.scores, config.connect_timeout)?;
        let slots = Arc::new(Slots::of_one(&config.topic, partitions));
        let publisher = Publisher::new(config)?;
        let member = join(config, &slots)?;
        Ok(Self {
            config,
            figures,
            slots,
            member: vec![member],
            publisher,
            reader: Reader::default(),
            partitions: BTreeMap::new(),
            clock: Monotonic::start(),
        })
    }

    /// Takes and scores what is there.
    fn take(&mut self) -> Result<usize, ScoreError> {
        self.publisher.begin()?;
        let Self { config, figures, member, publisher, reader, partitions, clock, .. } = self;
        let now = clock.now();
        let taken = member[0].take(BATCH, |delivered| {
            let Delivered::Record(record) = delivered else { return };
            let Some(partition) = partitions.get_mut(&record.partition) else { return };
            let event = record.body.and_then(|body| reader.read(body));
            let Some(event) = event else {
                partition.pass(record.offset);
                if partition.is_new(record.offset) {
                    figures.add(Scored::LeftOut);
                }
                return;
            };
            let features = partition.look(record.offset, &event);
            if !partition.is_new(record.offset) {
                figures.add(Scored::WarmUp);
                return;
            }
            let score = config.model.score(&features);
            publisher.publish(&event, score, config.with_features.then_some(&features), now);
            figures.add(Scored::event(score));
        });
        let users = self.partitions.values().map(Partition::users).sum();
        self.figures.remember(self.partitions.len(), users);
        Ok(taken)
    }

    /// Commits the scores and how far was read. Where that fails all of it is undone, and read again from where the group stands.
    fn commit(&mut self) -> Result<(), ScoreError> {
        let read: Vec<(i32, i64, i64)> =
            self.partitions.iter().filter_map(|(slot, partition)| partition.progress(*slot)).collect();
        if read.is_empty() && self.publisher.is_empty() {
            return Ok(());
        }
        match self.publisher.commit(&self.member[0], &read) {
            Ok(()) => {
                self.partitions.values_mut().for_each(Partition::settle);
                self.figures.committed();
                Ok(())
            }
            Err(error) => self.undo(error),
        }
    }

    /// Takes back all that was not committed, and reads it again from where the group stands. Its coordinator alone knows where that is:
    /// the answer to a commit may have been what was lost.
    ///
    /// A transaction that stood open for too long its coordinator has aborted, and this producer can do no more: one with the same name
    /// takes its place. Any other that is fenced has a successor already.
    fn undo(&mut self, error: TransactionError) -> Result<(), ScoreError> {
        let is_over_time = self.publisher.is_over_time(self.clock.now());
        if error.remedy == Remedy::Nothing && !is_over_time {
            return Err(error.into());
        }
        tracing::warn!("a transaction was undone, and its events are read again: {error}");
        match self.publisher.abort() {
            Err(_) if is_over_time => self.publisher = Publisher::new(self.config)?,
            ended => ended?,
        }
        self.figures.undone();
        self.partitions.clear();
        self.member.clear();
        self.member.push(join(self.config, &self.slots)?);
        Ok(())
    }

    /// Follows what the group has decided.
    fn follow(&mut self) {
        for change in self.member[0].changes() {
            self.figures.rebalanced();
            for slot in change.partitions {
                if change.assigned {
                    self.partitions.insert(slot, Partition::from(change.committed.get(&slot).copied()));
                } else {
                    self.partitions.remove(&slot);
                }
            }
        }
    }
}

fn join(config: &Config, slots: &Arc<Slots>) -> Result<Member, KafkaError> {
    Ok(Member::join(&reader_settings(config), slots, BTreeMap::new())?.going_back())
}

fn reader_settings(config: &Config) -> Settings {
    let mut own = settings::of_a_consumer(&config.client);
    for (key, value) in [
        ("bootstrap.servers", config.bootstrap.as_str()),
        ("group.id", &config.group),
        ("isolation.level", "read_committed"),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "earliest"),
    ] {
        own.insert(key.to_owned(), value.to_owned());
    }
    own
}
