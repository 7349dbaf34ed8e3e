//! Where records come from: a consumer, or one whose records have been tampered with on the way.

use std::time::Duration;
use std::{fmt, io};

use crate::kafka::native::Consumer;
use crate::kafka::{Code, Delivered, Judged, KafkaError, Notice, Refusal, TopicIdentity, Wait, Watermarks};

/// A way to read partitions by assignment.
pub trait Reader: fmt::Debug + Send {
    /// Reads these partitions of `topic` from these offsets on; what was read before is dropped.
    ///
    /// # Errors
    /// Where the client refuses.
    fn assign(&mut self, topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError>;

    /// Goes on reading a partition at another offset.
    ///
    /// # Errors
    /// Where the client refuses, or does not answer within `timeout`.
    fn seek(&mut self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError>;

    /// Takes what is there without waiting, at most `most`, and returns how many it was.
    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize;

    /// Returns when there is something to take, or after `timeout`.
    ///
    /// # Errors
    /// Where the operating system refuses to wait.
    fn wait(&mut self, timeout: Duration) -> io::Result<()>;

    /// Says how far partitions have been judged, of those in which that has changed: so far a group may commit.
    fn judged(&mut self, read: &[Judged]);

    /// Takes what the client has to say, and follows what a group has decided, which may wait for its coordinator.
    fn notices(&mut self, notice: &mut dyn FnMut(Notice));

    /// Both ends of these partitions, all asked at once, in their order; an error where a leader does not tell within `timeout`, or
    /// before the wait is given up.
    fn ends(&mut self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>>;

    /// Which topics these names stand for now, in their order.
    ///
    /// # Errors
    /// Where no broker answers within `timeout`, or before the wait is given up.
    fn identities(&mut self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError>;

    /// Reads on at these positions, one of each partition, after the client has given up the partitions named last: seeking there is
    /// refused, and only a new assignment wakes them.
    ///
    /// # Errors
    /// Where the client refuses.
    fn resume(&mut self, topic: &str, positions: &[(i32, i64)], _given_up: &[i32]) -> Result<(), KafkaError> {
        self.assign(topic, positions)
    }

    /// Whether it is settled who reads what.
    fn is_settled(&self) -> bool {
        true
    }

    /// Whether a partition is this reader's now: in a group others may have it.
    fn holds(&self, _partition: i32) -> bool {
        true
    }

    /// Why that is not settled after `waited`; `None` where it is.
    fn unsettled(&self, _waited: Duration) -> Option<KafkaError> {
        None
    }

    /// Why a group does not take this reader, or has given its place to another; `None` where there is no reason to end.
    fn refusal(&self) -> Option<Refusal> {
        None
    }

    /// Only what is there is still to be read: nothing is to be disturbed any more.
    fn drain(&mut self) {}
}

impl Reader for Consumer {
    fn assign(&mut self, topic: &str, starts: &[(i32, i64)]) -> Result<(), KafkaError> {
        Self::assign(self, topic, starts.iter().copied())
    }

    fn seek(&mut self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        Self::seek(self, topic, partition, offset, timeout)
    }

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        Self::take(self, most, each)
    }

    fn wait(&mut self, timeout: Duration) -> io::Result<()> {
        Self::wait(self, timeout)
    }

    /// It commits nothing.
    fn judged(&mut self, _read: &[Judged]) {}

    fn notices(&mut self, notice: &mut dyn FnMut(Notice)) {
        Self::notices(self, notice);
    }

    fn ends(&mut self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        Self::ends(self, topic, partitions, wait)
    }

    fn identities(&mut self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        Self::identities(self, topics, wait)
    }
}
