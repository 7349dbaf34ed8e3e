//! Records topics: reads partitions by assignment from one point to another, and says of every offset between them what
//! became of it.

mod keep;
mod look;
mod place;
mod plan;
pub mod recorded;
pub(super) mod topics;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::Captured;
use super::format::{Head, TopicHead};
use crate::clock::{self, Clock, Monotonic, Nanos};
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, Delivered, KafkaError, Settings, Wait, lacks_right};
pub use keep::{Keep, Sight};
use look::Unrecorded;
use place::Place;
pub use plan::{RecordingPlan, Start, Until};
use recorded::{EndedBy, PartitionRecorded, Recorded};

pub(super) const BATCH: usize = 1_000;
/// The longest wait before a look at whether it is to end.
pub(super) const TURN: Duration = Duration::from_millis(50);
/// How often what is held is written down, so that little is lost where the process is killed.
pub(super) const SETTLE: Nanos = Nanos::from_secs(5);
/// How often it is told how it goes.
pub(super) const TELL: Nanos = Nanos::from_secs(1);
/// How long a cluster may be silent while records are still to come.
const SILENCE: Nanos = Nanos::from_secs(60);
/// The shortest time that the second look at what is missing is given.
const LOOK: Nanos = Nanos::from_secs(30);

/// Why nothing more was recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The cluster.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// Nothing can be written.
    #[error("the recording cannot be written: {0}")]
    Write(io::Error),
    /// The operating system.
    #[error("records cannot be waited for: {0}")]
    Wait(io::Error),
}

/// A recording that has not begun yet.
#[derive(Debug)]
pub struct Recorder {
    wanted: RecordingPlan,
    consumer: Consumer,
    slots: Arc<Slots>,
    settings: Settings,
    topics: BTreeMap<String, TopicHead>,
    places: Vec<Place>,
    timeout: Duration,
}

impl Recorder {
    /// Finds out what there is to record.
    ///
    /// # Errors
    /// Where the cluster cannot be used, or a topic is not there.
    pub fn new(
        wanted: RecordingPlan,
        bootstrap: &str,
        client: &Settings,
        timeout: Duration,
    ) -> Result<Self, KafkaError> {
        let mut topics = topics::describe(&wanted.topics, bootstrap, client, timeout)?;
        let settings = topics::reading(wanted.read_committed, "loadgen", bootstrap, client);
        let mut consumer = Consumer::new(&settings)?;
        let slots = Arc::new(Slots::unmapped(topics.iter().map(|(topic, head)| (topic.clone(), head.partitions))));
        consumer.join(&slots);
        topics::identify(&mut topics, &consumer, timeout);
        let named: Vec<(&str, i32)> = (0..slots.len()).filter_map(|slot| slots.place(slot)).collect();
        let ends = consumer.first_ends(&named, timeout)?;
        let starts = topics::starts(&consumer, &named, wanted.from, &ends, timeout)?;
        let mut places: Vec<Place> = starts.into_iter().map(Place::from).collect();
        if wanted.until == Until::End {
            // Under read_committed a reader's end is the last stable offset.
            let first = wanted.topics.first().map_or("", String::as_str);
            let all: Vec<i32> = (0..slots.len()).collect();
            let now = consumer.ends(first, &all, Wait::of(timeout));
            for ((place, first), now) in places.iter_mut().zip(&ends).zip(now) {
                place.aim =
                    Some(now.map_or(first.high, |now| if wanted.read_committed { now.stable } else { first.high }));
            }
        }
        Ok(Self { wanted, consumer, slots, settings, topics, places, timeout })
    }

    /// The topics that it records.
    #[must_use]
    pub const fn topics(&self) -> &BTreeMap<String, TopicHead> {
        &self.topics
    }

    /// What stands at the head of its file.
    #[must_use]
    pub fn head(&self, tool: String, started_at: String) -> Head {
        Head { tool, started_at, read_committed: self.wanted.read_committed, topics: self.topics.clone() }
    }

    /// Records. `asked` tells how often it was asked to end: the first time it says what is missing, the second time it does not
    /// look.
    ///
    /// # Errors
    /// Where nothing can be written, or waited for. What the cluster does to it is told in what comes back.
    pub fn record(
        mut self,
        keep: &mut dyn Keep,
        asked: &dyn Fn() -> u32,
        show: &mut dyn FnMut(Sight),
    ) -> Result<Recorded, RecordError> {
        let clock = Monotonic::start();
        let starts = (0..self.slots.len()).zip(self.places.iter().map(|place| place.next));
        let topic = self.wanted.topics.first().cloned().unwrap_or_default();
        self.consumer.assign(&topic, starts)?;
        let mut run = Run { records: 0, bytes: 0, last: Nanos::ZERO, told: Vec::new(), failed: None, written: Ok(()) };
        let (mut settled, mut told) = (Nanos::ZERO, Nanos::ZERO);
        let ended_by = loop {
            let taken = self.turn(&mut run, keep);
            std::mem::replace(&mut run.written, Ok(())).map_err(RecordError::Write)?;
            let now = clock.now();
            if taken > 0 {
                run.last = now;
                if keep.wants_ends() {
                    self.tell_ends(&mut run.told, keep);
                }
            }
            if now >= settled + keep.every() {
                settled = now;
                keep.settle().map_err(RecordError::Write)?;
            }
            if now >= told + TELL {
                told = now;
                let waits = self.waits();
                show(Sight { now, records: run.records, bytes: run.bytes, share: self.share(), waits });
            }
            if let Some(ended_by) = self.ended(&mut run, asked, now) {
                break ended_by;
            }
            if taken == 0 {
                self.consumer.wait(TURN).map_err(RecordError::Wait)?;
            }
        };
        keep.settle().map_err(RecordError::Write)?;
        keep.end();
        let took = clock.now();
        let partitions = self.account(took, asked);
        Ok(Recorded::of(run.records, run.bytes, took, ended_by, run.failed, partitions))
    }

    /// Takes what is there.
    fn turn(&mut self, run: &mut Run, keep: &mut dyn Keep) -> usize {
        let Self { consumer, slots, places, wanted, .. } = self;
        let most = wanted.most.unwrap_or(u64::MAX);
        let mut jumped = Vec::new();
        let taken = consumer.take(BATCH, |delivered| match delivered {
            Delivered::Record(record) => {
                let place = usize::try_from(record.partition).ok().and_then(|slot| places.get_mut(slot));
                let (Some(place), Some((topic, partition))) = (place, slots.place(record.partition)) else { return };
                if run.records >= most || run.written.is_err() || !place.takes(record.offset) {
                    return;
                }
                place.pass(record.offset);
                let captured = Captured::of(topic, partition, record);
                run.written = keep.take(&captured);
                run.records += 1;
                run.bytes += captured.size();
            }
            Delivered::EndOfPartition { partition, offset } => {
                // Behind the last record that was wanted, others were passed that nobody took.
                let place = usize::try_from(partition).ok().and_then(|slot| places.get_mut(slot));
                if let Some(place) = place.filter(|_| run.records < most && run.written.is_ok()) {
                    place.end(offset);
                }
                if let Some((topic, partition)) = slots.place(partition) {
                    keep.reached(topic, partition);
                }
            }
            Delivered::Error { partition, code: Code::OffsetOutOfRange | Code::AutoOffsetReset, .. } => {
                jumped.push(partition);
            }
            Delivered::Error { code, .. } if lacks_right(code) => {
                run.failed = Some(KafkaError::Refused { what: "reading".to_owned(), code }.to_string());
            }
            Delivered::Error { partition, code, offset } => {
                tracing::debug!(partition, %code, offset, "reading");
            }
        });
        for slot in jumped {
            if let Err(error) = self.jump(slot) {
                run.failed = Some(error);
            }
        }
        let said = &mut run.failed;
        self.consumer.notices(|notice| {
            if let crate::kafka::Notice::Error { code, text, fatal: true } = &notice {
                *said = Some(format!("{text} ({code})"));
            }
            tracing::debug!(target: "librdkafka", "{notice:?}");
        });
        taken
    }

    /// Tells of partitions whose end is reached. Of the end itself the client tells only with its next answer, which may take it as long as
    /// a broker waits for records.
    fn tell_ends(&self, told: &mut Vec<i64>, keep: &mut dyn Keep) {
        told.resize(self.places.len(), -1);
        let first = self.wanted.topics.first().map_or("", String::as_str);
        for ((slot, place), told) in (0..).zip(&self.places).zip(told) {
            let is_known = || self.consumer.known_end(first, slot).is_some_and(|end| place.next >= end);
            if *told != place.next
                && is_known()
                && let Some((topic, partition)) = self.slots.place(slot)
            {
                *told = place.next;
                keep.reached(topic, partition);
            }
        }
    }

    /// Goes on at the start of a log that has moved past the position.
    fn jump(&mut self, slot: i32) -> Result<(), String> {
        let Some(place) = usize::try_from(slot).ok().and_then(|slot| self.places.get_mut(slot)) else { return Ok(()) };
        let (topic, partition) = self.slots.place(slot).unwrap_or_default();
        let ends = self.consumer.ends(topic, &[slot], Wait::of(self.timeout)).pop();
        let Some(Ok(ends)) = ends else { return Ok(()) };
        if ends.high < place.next {
            return Err(format!(
                "partition {partition} of topic \"{topic}\" ends at offset {}, and {} was read: the log was cut off, or the topic made anew",
                ends.high, place.next
            ));
        }
        place.expire(ends.low);
        self.consumer.seek(topic, slot, place.next, self.timeout).map_err(|error| error.to_string())
    }

    /// Why it is to end now, if it is.
    fn ended(&mut self, run: &mut Run, asked: &dyn Fn() -> u32, now: Nanos) -> Option<EndedBy> {
        if run.failed.is_some() {
            return Some(EndedBy::Failure);
        }
        if asked() > 0 {
            return Some(EndedBy::Interrupt);
        }
        if self.wanted.most.is_some_and(|most| run.records >= most) {
            return Some(EndedBy::NumRecords);
        }
        if let Until::At(ms) = self.wanted.until
            && self.places.iter().any(|place| place.aim.is_none())
            && clock::wall_unix_ns() / 1_000_000 >= u64::try_from(ms).unwrap_or(0)
        {
            match self.aims_at(ms) {
                Ok(aims) => self.places.iter_mut().zip(aims).for_each(|(place, aim)| place.aim = Some(aim)),
                Err(error) => run.failed = Some(error.to_string()),
            }
        }
        if self.places.iter().all(Place::has_reached) {
            return Some(EndedBy::End);
        }
        let quiet = now.saturating_since(run.last);
        match self.wanted.until {
            Until::Idle(idle) if quiet >= Nanos::from(idle) => return Some(EndedBy::Idle),
            Until::Interrupt | Until::Idle(_) => return None,
            Until::At(_) if self.places.iter().any(|place| place.aim.is_none()) => return None,
            Until::End | Until::At(_) => {}
        }
        if quiet >= SILENCE {
            let open = self.places.iter().filter(|place| !place.has_reached()).count();
            run.failed = Some(format!("nothing came for 60 s, and {open} partitions are not read to their end"));
            return Some(EndedBy::Failure);
        }
        None
    }

    /// Where the recording ends in each partition that ends at a time.
    fn aims_at(&self, ms: i64) -> Result<Vec<i64>, KafkaError> {
        let named: Vec<(&str, i32)> = (0..self.slots.len()).filter_map(|slot| self.slots.place(slot)).collect();
        let ends = self.consumer.first_ends(&named, self.timeout)?;
        topics::starts(&self.consumer, &named, Start::At(ms), &ends, self.timeout)
    }

    /// Whether all that is there is read, and nothing but a request ends it.
    fn waits(&self) -> bool {
        let first = self.wanted.topics.first().map_or("", String::as_str);
        let is_read =
            |(slot, place): (i32, &Place)| self.consumer.known_end(first, slot).is_some_and(|end| place.next >= end);
        self.wanted.until == Until::Interrupt && (0..).zip(&self.places).all(is_read)
    }

    fn share(&self) -> Option<f64> {
        let parts: Option<Vec<(i64, i64)>> = self.places.iter().map(Place::progress).collect();
        let (done, all) = parts?.into_iter().fold((0, 0), |(done, all), part| (done + part.0, all + part.1));
        #[expect(clippy::cast_precision_loss, reason = "a share for people")]
        (all > 0).then(|| done as f64 / all as f64)
    }

    /// What became of every offset, after `took`.
    fn account(&mut self, took: Nanos, asked: &dyn Fn() -> u32) -> Vec<PartitionRecorded> {
        let all: Vec<i32> = (0..self.slots.len()).collect();
        let topic = self.wanted.topics.first().cloned().unwrap_or_default();
        let given_up = || asked() > 1;
        let ends = self.consumer.ends(&topic, &all, Wait { timeout: self.timeout, given_up: &given_up });
        let gaps: BTreeMap<i32, &[(i64, i64)]> = all
            .iter()
            .zip(&self.places)
            .map(|(slot, place)| (*slot, place.gaps()))
            .filter(|(_, gaps)| !gaps.is_empty())
            .collect();
        let time = LOOK.max(took);
        let found = look::look(&self.settings, &self.slots, &gaps, self.wanted.read_committed, time, &given_up);
        let partitions = all.iter().zip(&self.places).zip(ends).map(|((slot, place), ends)| {
            let (topic, partition) = self.slots.place(*slot).unwrap_or_default();
            let policy = self.topics.get(topic).and_then(|head| head.settings.get("cleanup.policy"));
            let found = found.get(slot).copied().unwrap_or_else(Unrecorded::nothing);
            place.account(topic, partition, found, ends.ok(), policy.map(String::as_str))
        });
        partitions.collect()
    }
}

/// What happens in the course of a recording.
struct Run {
    records: u64,
    bytes: u64,
    /// When something last came.
    last: Nanos,
    /// By partition: the position at which the keeper was told of its end.
    told: Vec<i64>,
    failed: Option<String>,
    written: io::Result<()>,
}
