//! Handing a batch over: in order, however long it takes to find room, and what is noted of it.

use std::time::Duration;

use super::Lane;
use super::ceiling::Admission;
use super::setup::LaneError;
use crate::clock::{Clock, Nanos};
use crate::event::catalogue::Version;
use crate::kafka::errors::About;
use crate::kafka::{Code, lacks_right};
use crate::ledger::Marks;
use crate::measure::Kind;
use crate::publish::Publisher;
use crate::source::web::Fate;

impl<P: Publisher, C: Clock> Lane<'_, P, C> {
    pub(super) fn wait_for_room(&mut self, since: Nanos) {
        self.serve(Duration::from_millis(1));
        let waited = self.note_blocked(since);
        self.setup.recorder.open().blocked += waited;
    }

    /// For how long this thread has run since then. While it does not run nothing can be answered: the cluster has its time all the
    /// same.
    pub(super) fn present_since(&mut self, since: Nanos) -> Nanos {
        let now = self.clock.now();
        self.presence.note(now);
        self.presence.time(since, now)
    }

    /// The lane was kept waiting from then to now, by others for as long as it ran itself. Returns how long that was.
    pub(super) fn note_blocked(&mut self, since: Nanos) -> Nanos {
        let now = self.clock.now();
        self.presence.note(now);
        for (from, to) in self.presence.within(since, now) {
            self.blocked.add(from, to);
        }
        self.catching_up = true;
        self.presence.time(since, now)
    }

    /// Hands the batch over, in order, however long it takes to find room: while the run goes on, and after its stop as long
    /// as answers are waited for.
    pub(super) fn hand_over(&mut self) {
        while !self.batch.is_done() {
            let (stopped, patience) = (self.setup.control.stopped_at(), self.setup.longest_wait());
            let given_up = self.clock.now() >= stopped + patience && self.present_since(stopped) >= patience;
            if self.setup.control.is_aborted() || given_up || !self.begin_transaction() {
                self.forget_rest();
                return;
            }
            if !self.may_send() {
                continue;
            }
            self.refused.clear();
            let handed = self.publisher.send(&self.batch, &mut self.refused);
            let now = self.clock.now();
            self.note_handed(handed.done, now);
            if self.end.error.is_some() {
                self.forget_rest();
                return;
            }
            if handed.full {
                self.wait_for_room(now);
                if self.flights.len() > self.batch.rest().len() {
                    // Until there is room others may go; where nothing else is on its way, nothing will make more.
                    self.admission = Admission::None;
                }
            } else if handed.halted {
                self.give_transaction_up();
            }
        }
    }

    /// Waits a moment where the embedded broker's log is full, or below the ceiling is no room any more; false then.
    fn may_send(&mut self) -> bool {
        let waits = self.batch.rest().any(|entry| !self.setup.traffic.has_room(entry.partition));
        if waits {
            let since = self.clock.now();
            self.serve(Duration::from_millis(1));
            let waited = self.note_blocked(since);
            self.setup.recorder.open().held_back += waited;
            return false;
        }
        if self.is_admitted() {
            return true;
        }
        self.serve(Duration::ZERO);
        false
    }

    fn note_handed(&mut self, done: usize, now: Nanos) {
        if self.catching_up {
            self.blocked.catch_up(now);
        }
        let open = self.book.open();
        let mut shard = self.setup.recorder.open();
        let mut refused = self.refused.iter().peekable();
        if let Some(transactions) = &mut self.transactions {
            transactions.events += done - self.refused.len();
        }
        for (index, entry) in self.batch.advance(done).enumerate() {
            if let Some((_, code)) = refused.next_if(|(at, _)| *at == index) {
                let flight = self.flights.end(entry.ticket);
                if let Some(flight) = &flight {
                    open.mark(flight.sequence, Marks(Marks::REFUSED));
                    self.setup.source.settle(flight.sequence, Fate::Refused);
                    if let Some(unstamped) = &mut self.setup.unstamped {
                        unstamped.refused(flight.sequence);
                    }
                    if let Some(answers) = &mut self.setup.answers {
                        answers.settle(flight.sequence, None, &open);
                    }
                }
                shard.refused += 1;
                if let Some(phase) = flight.as_ref().and_then(|flight| shard.phases.get_mut(usize::from(flight.phase)))
                {
                    phase.turned_away += 1;
                    phase.last_sent = now;
                }
                self.end.errors.note(*code, About::RefusedByClient, now, entry.partition, "");
                if let Some(flight) = &flight {
                    self.end.reasons.note(flight.sequence, *code, About::RefusedByClient);
                }
                if matches!(*code, Code::UnknownPartition | Code::UnknownTopic | Code::UnknownTopicOrPartition) {
                    self.end.error = Some(LaneError::TopicGone(*code));
                } else if lacks_right(*code) {
                    self.end.error = Some(LaneError::NotAllowed(*code));
                }
                continue;
            }
            let Some(flight) = self.flights.get_mut(entry.ticket) else { continue };
            flight.sent = now;
            if let Some(rhythm) = &mut self.end.rhythm {
                rhythm.note_sent(flight.due, now);
            }
            open.mark(flight.sequence, Marks(Marks::HANDED));
            let bytes = u64::from(flight.bytes);
            self.setup.traffic.handed(entry.partition, bytes);
            shard.sent += 1;
            shard.bytes += bytes;
            if let Some(of_type) = shard.kinds.get_mut(flight.kind.index()) {
                of_type.sent += 1;
            }
            if flight.version != Version::default() {
                *self.end.sent_as.entry((flight.kind, flight.version)).or_default() += 1;
            }
            if let Some(partition) = entry.partition.and_then(|partition| usize::try_from(partition).ok())
                && let Some(counts) = shard.partitions.get_mut(partition)
            {
                counts.sent += 1;
                self.gaps.sent(partition, now);
            }
            if let Some(phase) = shard.phases.get_mut(usize::from(flight.phase)) {
                phase.sent += 1;
                phase.bytes += bytes;
                phase.last_sent = now;
                let slip = now - flight.due;
                let blocked = (self.blocked.until(now) - flight.blocked_before).min(slip);
                let capped = (self.capped.until(now) - flight.capped_before).min(slip - blocked);
                phase.latency_mut(Kind::Slip).record(slip);
                phase.latency_mut(Kind::Blocked).record(blocked);
                phase.latency_mut(Kind::Lateness).record(slip - blocked - capped);
                if self.setup.ceiling.is_some() {
                    phase.latency_mut(Kind::Capped).record(capped);
                }
            }
        }
        if done > 0 {
            self.end.last_sent = now;
            self.admission = Admission::None;
        }
    }

    /// Drops the events of a batch that will not be handed over any more: they stay not attempted.
    fn forget_rest(&mut self) {
        let left = self.batch.rest().len();
        for entry in self.batch.advance(left) {
            let forgotten = self.flights.end(entry.ticket);
            if let (Some(unstamped), Some(flight)) = (&mut self.setup.unstamped, forgotten) {
                unstamped.refused(flight.sequence);
            }
        }
    }
}
