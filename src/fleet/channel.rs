//! The fleet's topic: partition 0 of it, written by a transactional producer that one process at a time can have, and read by everybody.
//!
//! A record is a transaction by itself. That costs some requests and buys the fence (KIP-98): who makes a producer of the same
//! transactional id ready makes every later transaction of the one before fail. Readers take records uncommitted, too: the fence is in the
//! writing, and a shard that dies within a transaction must not hide what the others say until its time-out.

mod topic;

use std::time::Duration;

use super::FleetError;
use super::offset::Bracket;
use crate::clock::{Clock, Monotonic, Nanos, wall_unix_ns};
use crate::kafka::headers::Headers;
use crate::kafka::native::{Consumer, Message, Producer};
use crate::kafka::{Answer, Code, Delivered, KafkaError, Notice, Remedy, Timestamp, TransactionError, describe};
pub use topic::Topic;

/// The partition that a fleet uses: its order is the order in which all read.
const PARTITION: i32 = 0;
/// The level of the client's log (syslog's) from which on something failed.
const ERROR: i32 = 3;
/// Records that are taken from the client at once.
const AT_ONCE: usize = 1_000;

/// A record as it stands in the topic.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Its key.
    pub key: &'a [u8],
    /// Its value.
    pub body: &'a [u8],
    /// The broker's stamp, in ms since the Unix epoch.
    pub stamp_ms: i64,
    /// Its offset.
    pub offset: i64,
}

/// The topic as one process has it.
#[derive(Debug)]
pub struct Channel {
    topic: Topic,
    id: String,
    producer: Option<Producer>,
    consumer: Consumer,
    /// The offset after what was read.
    position: i64,
    /// What records are timed by, beside the wall clock.
    clock: Monotonic,
    /// Whether the seat is nobody else's any more, so that it may be taken again where its producer has failed.
    is_kept: bool,
}

impl Channel {
    /// Opens it for reading from its beginning.
    ///
    /// # Errors
    /// Where the cluster does not answer or refuses, or the topic is not one for a fleet.
    pub fn open(topic: Topic) -> Result<Self, FleetError> {
        let mut consumer = Consumer::new(&topic.of_a_consumer())?;
        topic.ready(&consumer)?;
        let ends = consumer.first_ends(&[(&topic.name, PARTITION)], topic.timeout)?;
        let start = ends.first().map_or(0, |ends| ends.low);
        consumer.assign(&topic.name, std::iter::once((PARTITION, start)))?;
        Ok(Self {
            topic,
            id: String::new(),
            producer: None,
            consumer,
            position: start,
            clock: Monotonic::start(),
            is_kept: false,
        })
    }

    /// What records are timed by, beside the wall clock.
    #[must_use]
    pub const fn clock(&self) -> Monotonic {
        self.clock
    }

    /// Takes the seat of that name: from now on nobody who had it before can write.
    ///
    /// # Errors
    /// Where the cluster does not answer or refuses.
    pub fn take_seat(&mut self, name: &str) -> Result<(), FleetError> {
        self.id = format!("{}/{name}", self.topic.name);
        self.sit()
    }

    /// From now on nobody else comes for this seat: a producer whose transaction failed for good, since the cluster was away for longer than it waits, is
    /// followed by another one.
    pub const fn keep_seat(&mut self) {
        self.is_kept = true;
    }

    fn sit(&mut self) -> Result<(), FleetError> {
        let producer = Producer::new(&self.topic.of_a_producer(&self.id), &self.topic.name)?;
        producer.metadata(&self.topic.name, self.topic.timeout)?;
        let clock = Monotonic::start();
        loop {
            match producer.init_transactions(self.topic.timeout) {
                Ok(()) => break,
                Err(error) if error.remedy == Remedy::Again && clock.now() < Nanos::from(self.topic.timeout) => {}
                Err(error) => return Err(self.refused(error)),
            }
        }
        self.producer = Some(producer);
        Ok(())
    }

    /// Writes a record so many times one after the other, as one transaction, and tells when each was sent and acked and where it stands.
    /// `None` where the seat is another's by now.
    ///
    /// # Errors
    /// Where the cluster does not take it.
    pub fn say(&mut self, key: &str, body: &[u8], times: usize) -> Result<Option<Vec<Sent>>, FleetError> {
        if self.is_kept && self.producer.is_none() {
            self.sit()?;
        }
        let (mut clock, mut first, mut is_new) = (Monotonic::start(), None, false);
        loop {
            let why = match self.try_to_say(key, body, times) {
                Ok(sent) => return Ok(Some(sent)),
                Err(Refused::Fenced) => return Ok(None),
                Err(Refused::Failed(error)) if error.remedy == Remedy::Nothing && self.is_kept && !is_new => {
                    tracing::debug!("the fleet's producer is replaced: {error}");
                    self.sit()?;
                    (clock, is_new) = (Monotonic::start(), true);
                    continue;
                }
                // What follows a refusal that cannot be aborted says nothing of it.
                Err(Refused::Failed(error)) if error.remedy == Remedy::Nothing => match first {
                    Some(why) => return Err(self.mute(clock, why)),
                    None => return Err(self.refused(error)),
                },
                Err(Refused::Failed(TransactionError { text: why, .. }) | Refused::Unacked(why)) => why,
            };
            self.abort();
            if clock.now() >= Nanos::from(self.topic.timeout) {
                return Err(self.mute(clock, why));
            }
            first.get_or_insert(why);
        }
    }

    fn try_to_say(&self, key: &str, body: &[u8], times: usize) -> Result<Vec<Sent>, Refused> {
        let Some(producer) = &self.producer else { return Err(Refused::Fenced) };
        producer.begin_transaction().map_err(|error| Refused::of(error, producer))?;
        let sent = (0..times).map(|_| self.send(producer, key, body)).collect::<Result<Vec<_>, _>>()?;
        producer.commit_transaction(self.topic.timeout).map_err(|error| Refused::of(error, producer))?;
        Ok(sent)
    }

    /// Sends a record within the open transaction, and waits for its ack.
    fn send(&self, producer: &Producer, key: &str, body: &[u8]) -> Result<Sent, Refused> {
        let message = Message {
            topic: 0,
            partition: Some(PARTITION),
            key: Some(key.as_bytes()),
            body: Some(body),
            headers: Headers::default(),
            create_ms: None,
            ticket: 0,
        };
        let (sent_ns, sent_at) = (wall_unix_ns(), self.clock.now());
        producer.produce_one(&message).map_err(|code| Refused::Unacked(describe(code)))?;
        let (clock, mut answer, mut said) = (Monotonic::start(), None, None);
        while answer.is_none() && clock.now() < Nanos::from(self.topic.timeout) {
            producer.serve(
                Duration::from_millis(100),
                |report| answer = Some((report.answer, report.offset, (wall_unix_ns(), self.clock.now()))),
                |notice| {
                    tracing::debug!("the fleet's producer says: {notice:?}");
                    // Why a transaction cannot go on the client tells in its log alone.
                    if let Notice::Log { level: ..=ERROR, text, .. } = notice {
                        said = Some(text);
                    }
                },
            );
        }
        let unacked = |why: String| Refused::Unacked(said.unwrap_or(why));
        match answer {
            Some((Answer::Acked, Some(offset), (acked_ns, acked_at))) => {
                Ok(Sent { offset, sent_ns, acked_ns, sent_at, acked_at })
            }
            Some((Answer::Refused(code) | Answer::Unanswered(code), ..)) if is_fence(code) || is_fenced(producer) => {
                Err(Refused::Fenced)
            }
            Some((Answer::Refused(code) | Answer::Unanswered(code), ..)) => Err(unacked(describe(code))),
            Some((Answer::Acked, None, _)) => Err(unacked("its offset was not told".to_owned())),
            None => Err(unacked("there was no answer".to_owned())),
        }
    }

    fn abort(&self) {
        if let Some(producer) = &self.producer
            && let Err(error) = producer.abort_transaction(self.topic.timeout)
        {
            tracing::debug!("aborting a transaction of the fleet's: {error}");
        }
    }

    /// Hands over what is there, waiting for at most `wait` for the first record. True where the end was reached.
    ///
    /// # Errors
    /// Where the topic cannot be read.
    pub fn hear(&mut self, wait: Duration, mut each: impl FnMut(Heard<'_>)) -> Result<bool, FleetError> {
        let (mut position, mut at_end, mut failed) = (self.position, false, None);
        let mut take = |delivered: Delivered<'_>| match delivered {
            Delivered::Record(record) => {
                (position, at_end) = (record.offset + 1, false);
                let stamp_ms = match record.timestamp {
                    Timestamp::LogAppend(ms) => ms,
                    Timestamp::Create(_) | Timestamp::Missing => {
                        failed = Some(None);
                        return;
                    }
                };
                if let (Some(key), Some(body)) = (record.key, record.body) {
                    each(Heard { key, body, stamp_ms, offset: record.offset });
                }
            }
            Delivered::EndOfPartition { offset, .. } => (position, at_end) = (offset, true),
            Delivered::Error { code, .. } => failed = Some(Some(code)),
        };
        if self.consumer.take(AT_ONCE, &mut take) == 0 {
            // A pipe that cannot be had is no reason to end: the next call looks again.
            if self.consumer.wait(wait).is_ok() {
                self.consumer.take(AT_ONCE, &mut take);
            }
        }
        self.consumer.notices(|notice| tracing::debug!("the fleet's consumer says: {notice:?}"));
        self.position = position;
        match failed {
            None => Ok(at_end),
            Some(None) => Err(FleetError::Unfit {
                topic: self.topic.name.clone(),
                setting: "message.timestamp.type",
                value: "CreateTime".to_owned(),
                needs: "LogAppendTime: the broker's clock is the one that all share",
            }),
            Some(Some(code)) => {
                Err(KafkaError::Refused { what: format!("reading topic \"{}\"", self.topic.name), code }.into())
            }
        }
    }

    /// Hands over all that was there when this was called.
    ///
    /// # Errors
    /// Where the topic cannot be read, or not within its time-out.
    pub fn hear_all(&mut self, mut each: impl FnMut(Heard<'_>)) -> Result<(), FleetError> {
        let ends = self.consumer.first_ends(&[(&self.topic.name, PARTITION)], self.topic.timeout)?;
        let end = ends.first().map_or(0, |ends| ends.high);
        let (mut clock, mut reached) = (Monotonic::start(), self.position);
        while self.position < end {
            self.hear(Duration::from_millis(50), &mut each)?;
            if self.position > reached {
                (clock, reached) = (Monotonic::start(), self.position);
            } else if clock.now() >= Nanos::from(self.topic.timeout) {
                let what = format!("reading topic \"{}\" to its end", self.topic.name);
                return Err(KafkaError::Refused { what, code: Code::OperationTimedOut }.into());
            }
        }
        Ok(())
    }

    fn mute(&mut self, clock: Monotonic, why: String) -> FleetError {
        // An abort that had no answer stands in the way of whatever this producer is asked for next.
        self.producer.take_if(|_| self.is_kept);
        FleetError::Mute { topic: self.topic.name.clone(), waited: clock.now().into(), why }
    }

    fn refused(&self, error: TransactionError) -> FleetError {
        FleetError::Seat { topic: self.topic.name.clone(), id: self.id.clone(), error }
    }
}

/// A record that was acked.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Where it stands.
    pub offset: i64,
    /// When it was handed over, in ns since the Unix epoch.
    pub sent_ns: u64,
    /// When it was acked.
    pub acked_ns: u64,
    /// The same by the channel's monotonic clock.
    pub sent_at: Nanos,
    /// The same by the channel's monotonic clock.
    pub acked_at: Nanos,
}

impl Sent {
    /// With the broker's stamp.
    #[must_use]
    pub const fn stamped(self, stamp_ms: i64) -> Bracket {
        Bracket { sent_ns: self.sent_ns, acked_ns: self.acked_ns, stamp_ms }
    }

    /// The same by the monotonic clock.
    #[must_use]
    pub const fn steadily(self, stamp_ms: i64) -> Bracket {
        Bracket { sent_ns: self.sent_at.0, acked_ns: self.acked_at.0, stamp_ms }
    }
}

enum Refused {
    Fenced,
    Failed(TransactionError),
    Unacked(String),
}

impl Refused {
    fn of(error: TransactionError, producer: &Producer) -> Self {
        if is_fence(error.code) || is_fenced(producer) { Self::Fenced } else { Self::Failed(error) }
    }
}

/// `INVALID_PRODUCER_EPOCH` and `PRODUCER_FENCED` of the protocol, and librdkafka's own word for them.
const fn is_fence(code: Code) -> bool {
    matches!(code, Code::Fenced | Code(47 | 90))
}

fn is_fenced(producer: &Producer) -> bool {
    producer.fatal().is_some_and(|(code, _)| is_fence(code))
}
