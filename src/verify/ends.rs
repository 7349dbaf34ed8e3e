//! Where the logs end, and whether everything up to there has been read.

use std::time::Duration;

use super::book::Book;
use super::ending::EndedBy;
use super::partition::state_of;
use super::reader::Reader;
use super::{ASK, GRACE, Request, Verifier};
use crate::clock::{Clock, Nanos};

impl<C: Clock, R: Reader, B: Book> Verifier<C, R, B> {
    /// Target of a partition: its end, or past its highest acked offset, whichever is higher.
    pub(super) fn set_targets(&mut self, request: &Request) {
        let left = Duration::from(request.deadline.saturating_since(self.clock.now())).max(Duration::from_millis(100));
        for (index, state) in self.partitions.iter_mut().enumerate() {
            let acked = request.highest_acked.get(index).copied().flatten();
            let partition = i32::try_from(index).unwrap_or(i32::MAX);
            if let Ok(marks) = self.reader.watermarks(&self.topic, partition, ASK.min(left)) {
                state.log_start = marks.low;
                state.log_end = Some(marks.high);
            }
            state.target = state.log_end.max(acked.map(|offset| offset + 1));
            // A commit is confirmed before each partition has its marker, and another's open transaction holds the end back:
            // such an end says nothing of truncation.
            if state.is_short() && !self.read_committed {
                self.short.insert(partition, self.clock.now() + Nanos::from(GRACE));
            }
        }
    }

    /// Asks again for the ends that may lie before what was acked. A leader tells its high watermark, which follows what it acks
    /// with acks=1; only what stays short for a while has been cut off.
    pub(super) fn ask_short_again(&mut self) {
        let now = self.clock.now();
        if self.short.is_empty() || now < self.ask_short_at {
            return;
        }
        self.ask_short_at = now + Nanos::from_millis(50);
        let Self { short, reader, partitions, topic, .. } = self;
        short.retain(|partition, until| {
            let Some(state) = state_of(partitions, *partition) else { return false };
            if let Ok(marks) = reader.watermarks(topic, *partition, ASK) {
                state.log_end = Some(marks.high);
            }
            if now >= *until {
                state.give_short_up();
                return false;
            }
            state.is_short()
        });
    }

    /// What is still short at the end has been cut off, but for a verifier that was told to end before it could wait: it does not
    /// know where those logs end.
    pub(super) fn end_short(&mut self, by: EndedBy) {
        for partition in self.short.keys() {
            match state_of(&mut self.partitions, *partition) {
                Some(state) if by == EndedBy::Abort => state.log_end = state.log_end.filter(|_| !state.is_short()),
                Some(state) => state.give_short_up(),
                None => {}
            }
        }
    }

    pub(super) fn unfinished(&self) -> Vec<i32> {
        (0_i32..)
            .zip(&self.partitions)
            .filter(|(_, state)| state.target.is_none_or(|target| state.position < target))
            .map(|(partition, _)| partition)
            .collect()
    }
}
