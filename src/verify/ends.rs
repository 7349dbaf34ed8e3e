//! Where the logs end, and whether everything up to there has been read.

use std::time::Duration;

use super::book::Book;
use super::ending::EndedBy;
use super::partition::{Truncation, state_of};
use super::{ASK, GRACE, Request, Verifier};
use crate::clock::{Clock, Nanos};
use crate::kafka::Wait;

/// The time between two questions for ends that are not known, or lie before what was acked.
const ASK_AGAIN: Nanos = Nanos::from_millis(50);
/// The longest wait for an answer to one of them: meanwhile nothing is read.
const SHORT_ASK: Duration = Duration::from_millis(500);

impl<C: Clock, B: Book> Verifier<C, B> {
    /// Target of a partition: how far it can be read, or past its highest acked offset, whichever is higher.
    pub(super) fn set_targets(&mut self, request: &Request) {
        let all: Vec<i32> = (0_i32..).take(self.partitions.len()).collect();
        self.ask_for_ends(&all, ASK, request.deadline);
        for (index, state) in self.partitions.iter_mut().enumerate() {
            let acked = request.highest_acked.get(index).copied().flatten();
            state.target = state.readable_end().max(acked.map(|offset| offset + 1));
            if state.log_end.is_none() || state.is_short() {
                self.short.insert(i32::try_from(index).unwrap_or(i32::MAX), self.clock.now());
            }
        }
    }

    /// One question for all of them, which is over by the deadline, or when every wait is to end.
    fn ask_for_ends(&mut self, partitions: &[i32], patience: Duration, deadline: Nanos) {
        let left = Duration::from(deadline.saturating_since(self.clock.now())).max(Duration::from_millis(100));
        self.asking += Nanos::from(patience.min(left));
        let Self { reader, topic, control, partitions: states, .. } = self;
        let wait = Wait { timeout: patience.min(left), given_up: &|| control.is_aborted() };
        let ends = reader.ends(topic, partitions, wait);
        for (partition, ends) in partitions.iter().zip(ends) {
            if let (Some(state), Ok(ends)) = (state_of(states, *partition), ends) {
                state.note_ends(ends);
            }
        }
    }

    /// Asks again for the ends that are not known, or lie before what was acked: a leader tells its high watermark, which follows
    /// what it acks with acks=1, and stands still for as long as a copy that counts as in sync does. Only where a log is known
    /// to have been cut off is it not waited for to the deadline.
    pub(super) fn ask_short_again(&mut self, deadline: Nanos) {
        let now = self.clock.now();
        if self.short.is_empty() || now < self.ask_short_at {
            return;
        }
        let short: Vec<i32> = self.short.keys().copied().collect();
        self.ask_for_ends(&short, SHORT_ASK, deadline);
        // No more than half of the time goes into asking.
        let answered = self.clock.now();
        self.ask_short_at = answered + ASK_AGAIN.max(answered.saturating_since(now));
        let Self { short, partitions, .. } = self;
        short.retain(|partition, since| {
            let Some(state) = state_of(partitions, *partition) else { return false };
            if state.log_end.is_none() {
                return true;
            }
            state.target = state.target.max(state.readable_end());
            if state.truncation == Some(Truncation::Position) && now >= *since + Nanos::from(GRACE) {
                state.give_short_up();
            }
            state.is_short()
        });
    }

    /// Asks once more where transactions still hid what is there, since some may have ended, and where more was read than there was
    /// when the end was asked for: that is no end.
    pub(super) fn ask_once_more(&mut self) {
        let mut open = Vec::new();
        for (partition, state) in (0_i32..).zip(&mut self.partitions) {
            let is_passed = state.log_end.is_some_and(|end| state.position > end);
            if is_passed {
                state.log_end = None;
            }
            if is_passed || state.hidden_from.is_some() {
                open.push(partition);
            }
        }
        if !open.is_empty() {
            let deadline = self.clock.now() + Nanos::from(ASK);
            self.ask_for_ends(&open, ASK, deadline);
        }
    }

    /// What is still short at the end and had been read has been cut off, but for a verifier that was told to end before it could wait:
    /// it does not know where those logs end.
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
