//! What a group reads through: a member of it, which is a client of Kafka, or in a test one that does as it is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use crate::kafka::native::{self, Change, Member};
use crate::kafka::slots::Slots;
use crate::kafka::{Code, Delivered, Judged, KafkaError, Notice, Refusal, Settings, TopicIdentity, Wait, Watermarks};

/// A member of a group. Dropping it lets it leave, which may wait for the coordinator. Each function is as [`Member`] says.
#[expect(missing_docs, reason = "they are documented where they are done")]
#[expect(clippy::missing_errors_doc, reason = "as above")]
pub trait GroupMember: fmt::Debug + Send + Sized + 'static {
    fn join(settings: &Settings, slots: &Arc<Slots>, starts: BTreeMap<i32, i64>) -> Result<Self, KafkaError>;
    fn changes(&mut self) -> Vec<Change>;
    fn refusal(&self) -> Option<Refusal>;
    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize;
    fn wait_any(members: &mut [Self], timeout: Duration) -> io::Result<()>;
    fn notices(&mut self, notice: &mut dyn FnMut(Notice));
    fn store(&self, read: &[Judged]);
    fn commit(&self) -> Result<(), Code>;
    fn seek(&self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError>;
    fn take_up(&self, positions: &BTreeMap<i32, i64>, given_up: &[i32]) -> Result<(), KafkaError>;
    fn ends(&self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>>;
    fn identities(&self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError>;
    fn leave_uncommitted(&mut self);
}

impl GroupMember for Member {
    fn join(settings: &Settings, slots: &Arc<Slots>, starts: BTreeMap<i32, i64>) -> Result<Self, KafkaError> {
        Self::join(settings, slots, starts)
    }

    fn changes(&mut self) -> Vec<Change> {
        Self::changes(self)
    }

    fn refusal(&self) -> Option<Refusal> {
        Self::refusal(self).cloned()
    }

    fn take(&mut self, most: usize, each: &mut dyn FnMut(Delivered<'_>)) -> usize {
        Self::take(self, most, each)
    }

    fn wait_any(members: &mut [Self], timeout: Duration) -> io::Result<()> {
        native::wait_any(members, timeout)
    }

    fn notices(&mut self, notice: &mut dyn FnMut(Notice)) {
        Self::notices(self, notice);
    }

    fn store(&self, read: &[Judged]) {
        Self::store(self, read);
    }

    fn commit(&self) -> Result<(), Code> {
        Self::commit(self)
    }

    fn seek(&self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        Self::seek(self, topic, partition, offset, timeout)
    }

    fn take_up(&self, positions: &BTreeMap<i32, i64>, given_up: &[i32]) -> Result<(), KafkaError> {
        Self::take_up(self, positions, given_up)
    }

    fn ends(&self, topic: &str, partitions: &[i32], wait: Wait<'_>) -> Vec<Result<Watermarks, Code>> {
        Self::ends(self, topic, partitions, wait)
    }

    fn identities(&self, topics: &[&str], wait: Wait<'_>) -> Result<Vec<Result<TopicIdentity, Code>>, KafkaError> {
        Self::identities(self, topics, wait)
    }

    fn leave_uncommitted(&mut self) {
        Self::leave_uncommitted(self);
    }
}
