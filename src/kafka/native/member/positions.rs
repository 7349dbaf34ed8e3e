//! Where a member stands: what it commits, and from where it reads on.

use std::collections::BTreeMap;
use std::ptr;
use std::time::Duration;

use rdkafka_sys::bindings as c;

use super::super::super::{Code, Judged, KafkaError};
use super::super::partitions::{self, PartitionList, code_of};
use super::super::{code, raw, text};
use super::Member;

impl Member {
    /// What a producer needs to commit for the group; null where there is no group.
    pub(in super::super) fn group_metadata(&self) -> *mut c::rd_kafka_consumer_group_metadata_t {
        // SAFETY: the handle is live; the object returned is the caller's.
        unsafe { c::rd_kafka_consumer_group_metadata(self.client.handle.as_ptr()) }
    }

    /// The topic and partition of a slot.
    pub(in super::super) fn place(&self, slot: i32) -> Option<(&str, i32)> {
        self.slots.place(slot)
    }

    /// Says how far slots were read: what is committed from now on. What is said of slots that it no longer has counts for nothing.
    pub fn store(&self, read: &[Judged]) {
        let places = read.iter().filter_map(|read| {
            let (topic, partition) = self.slots.place(read.partition)?;
            Some((topic, partition, read.position))
        });
        let Ok(list) = PartitionList::new(places) else { return };
        list.set_epochs(
            read.iter().filter(|read| self.slots.place(read.partition).is_some()).map(|read| read.leader_epoch),
        );
        // SAFETY: handle and list are live; the call copies what the list says.
        unsafe { raw::rd_kafka_offsets_store(self.client.handle.as_ptr(), list.0.as_ptr()) };
    }

    /// Commits what was said to be read, without waiting for the answer.
    ///
    /// # Errors
    /// Where the client refuses.
    pub fn commit(&self) -> Result<(), Code> {
        self.commit_stored(1)
    }

    /// Commits what was said to be read, and waits for the answer.
    ///
    /// # Errors
    /// Where the client or the coordinator refuses.
    pub fn commit_and_wait(&self) -> Result<(), Code> {
        self.commit_stored(0)
    }

    fn commit_stored(&self, asynchronous: i32) -> Result<(), Code> {
        // SAFETY: the handle is live; a null list means the offsets stored so far.
        match code(unsafe { raw::rd_kafka_commit(self.client.handle.as_ptr(), ptr::null(), asynchronous) }) {
            Code::NoError | Code::NoOffset => Ok(()),
            code => Err(code),
        }
    }

    /// Goes on reading a partition that it has at another offset.
    ///
    /// # Errors
    /// Where the client refuses, or does not answer within `timeout`.
    pub fn seek(&self, topic: &str, partition: i32, offset: i64, timeout: Duration) -> Result<(), KafkaError> {
        let (topic, partition) = self.slots.place(partition).unwrap_or((topic, partition));
        partitions::seek(&self.client, topic, partition, offset, timeout)
    }

    /// Reads on at these positions, those of all slots that it has, after the client has given up the slots named last: seeking
    /// there is refused, and only taking them up anew wakes them.
    ///
    /// # Errors
    /// Where the client refuses.
    pub fn take_up(&self, positions: &BTreeMap<i32, i64>, given_up: &[i32]) -> Result<(), KafkaError> {
        let handle = self.client.handle.as_ptr();
        // SAFETY: the handle is live; the text returned is static.
        let cooperative = unsafe { text(c::rd_kafka_rebalance_protocol(handle)) } == "COOPERATIVE";
        let taken = |(slot, _): &(&i32, &i64)| !cooperative || given_up.contains(slot);
        let places = positions.iter().filter(taken).filter_map(|(slot, offset)| {
            let (topic, partition) = self.slots.place(*slot)?;
            Some((topic, partition, *offset))
        });
        let list = PartitionList::new(places)?;
        // SAFETY: handle and list are live; the calls copy the list.
        let answer = unsafe {
            if cooperative {
                match code_of(c::rd_kafka_incremental_unassign(handle, list.0.as_ptr())) {
                    Code::NoError => code_of(c::rd_kafka_incremental_assign(handle, list.0.as_ptr())),
                    refused => refused,
                }
            } else {
                // The group has given the member these, and nothing changes but where it reads on.
                code(raw::rd_kafka_assign(handle, list.0.as_ptr()))
            }
        };
        match answer {
            Code::NoError => Ok(()),
            code => Err(KafkaError::Refused { what: format!("reading on in {}", self.slots.told(given_up)), code }),
        }
    }

    /// Leaves without a commit, also of what the client commits by itself: its positions are those of a log that is gone. The
    /// group notices when the member's session has run out.
    pub const fn leave_uncommitted(&mut self) {
        self.commits_when_asked = false;
        self.client.leaves_at_once = true;
    }
}

impl Drop for Member {
    /// Commits before it leaves: leaving waits for commits that are under way.
    fn drop(&mut self) {
        // Who has taken a decision of the group and does not follow it is waited for, when the client closes, for ever.
        if let Some(event) = self.decided.take() {
            self.follow(&event);
        }
        if self.commits_when_asked
            && let Err(code) = self.commit()
        {
            tracing::debug!(?code, "the last commit was refused");
        }
    }
}
