//! Beginning and ending a lane's transactions, and what their events become by it.
//!
//! No event of a transaction is acked before its commit is confirmed, and none is aborted before its abort is. The time for
//! which a lane waits at the end of a transaction is the cluster's, as is the time for which it waits for room: it counts
//! as blocked, so that events that come due meanwhile are late, and say by whose doing.

use std::time::Duration;

use super::Lane;
use super::answers::confirm;
use super::setup::LaneError;
use super::transaction::{Cause, Outcome, ReportedEvent};
use crate::clock::{Clock, Nanos};
use crate::kafka::errors::About;
use crate::kafka::{Remedy, TransactionError};
use crate::ledger::Marks;
use crate::ledger::answers::Placed;
use crate::measure::{AbortCause, Kind};
use crate::publish::Publisher;

/// How long one try to commit or abort waits: the longest time for which nothing else is looked at.
const TRY: Duration = Duration::from_millis(100);

/// A way to end a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Commit,
    Abort,
}

impl<P: Publisher, C: Clock> Lane<'_, P, C> {
    /// Ends the open transaction where it has to end. True where it did.
    pub(super) fn end_what_is_over(&mut self, now: Nanos) -> bool {
        let over = self.transactions.as_ref().is_some_and(|transactions| transactions.is_over(now));
        if over {
            self.end_transaction();
        }
        over
    }

    /// Sees to it that what is sent next belongs to a transaction, where there are any. False where that cannot be.
    pub(super) fn begin_transaction(&mut self) -> bool {
        let Some(transactions) = &mut self.transactions else { return true };
        if transactions.open_since.is_some() {
            return true;
        }
        match self.publisher.begin() {
            Ok(()) => {
                transactions.open_since = Some(self.clock.now());
                self.setup.recorder.open().transactions.begun += 1;
                true
            }
            Err(error) => {
                self.cannot_go_on(&error);
                false
            }
        }
    }

    /// Ends the open transaction, if there is one: by the plan, or as it must where events of it were not delivered.
    pub(super) fn end_transaction(&mut self) {
        let Some(transactions) = self.transactions.as_ref().filter(|open| open.open_since.is_some()) else { return };
        let planned = transactions.plan.aborts(self.setup.number, transactions.number);
        let since = self.clock.now();
        let patience = self.setup.longest_wait();
        self.wait_for_reports(since, patience);
        let failed = self.transactions.as_ref().is_some_and(|open| open.failed) || !self.flights.is_empty();
        let outcome = if self.setup.control.is_aborted() || matches!(self.end.error, Some(LaneError::Fatal(..))) {
            Outcome::Unknown
        } else if planned || failed {
            self.abort_transaction(since, patience)
        } else {
            self.commit_transaction(since, patience)
        };
        self.settle(outcome, planned);
        let waited = self.note_blocked(since);
        self.setup.recorder.open().waited += waited;
    }

    /// Ends a transaction of which the client says that it has failed.
    pub(super) fn give_transaction_up(&mut self) {
        if let Some(transactions) = &mut self.transactions {
            transactions.failed = true;
        }
        self.end_transaction();
    }

    /// Until each event has its report. What fails needs no further wait: aborting brings the rest.
    fn wait_for_reports(&mut self, since: Nanos, patience: Nanos) {
        let failed = |lane: &Self| lane.transactions.as_ref().is_some_and(|open| open.failed);
        while !self.flights.is_empty() && !failed(self) && self.end.error.is_none() {
            if self.present_since(since) >= patience || self.setup.control.is_aborted() {
                return;
            }
            self.publisher.hasten(Duration::from_millis(1));
            self.serve(Duration::ZERO);
        }
    }

    fn commit_transaction(&mut self, since: Nanos, patience: Nanos) -> Outcome {
        let called = self.clock.now();
        let ended = self.take(Step::Commit, since, patience);
        let answered = self.clock.now();
        match ended {
            Ok(()) => {
                let phase = self.transactions.as_ref().and_then(|open| open.held.first()).map(|held| held.flight.phase);
                let mut shard = self.setup.recorder.open();
                if let Some(of_phase) = phase.and_then(|phase| shard.phases.get_mut(usize::from(phase))) {
                    of_phase.latency_mut(Kind::CommitCall).record(answered - called);
                }
                Outcome::Committed
            }
            Err(error) if error.remedy == Remedy::Abort => {
                self.end.errors.note(error.code, About::Transaction, self.clock.now(), None, &error.text);
                // The commit was asked for before the abort: which of both the coordinator did is not proven.
                let tried = self.present_since(since);
                self.abort_transaction(since, patience.max(tried + Nanos::from(TRY)));
                Outcome::Unknown
            }
            Err(error) => {
                self.cannot_go_on(&error);
                Outcome::Unknown
            }
        }
    }

    fn abort_transaction(&mut self, since: Nanos, patience: Nanos) -> Outcome {
        let ended = self.take(Step::Abort, since, patience);
        // Purged events have their reports now.
        self.serve(Duration::ZERO);
        match ended {
            Ok(()) => Outcome::Aborted,
            Err(error) => {
                self.cannot_go_on(&error);
                Outcome::Unknown
            }
        }
    }

    /// Tries until it is done, cannot be done, or this process has run for so long since then.
    fn take(&mut self, step: Step, since: Nanos, patience: Nanos) -> Result<(), TransactionError> {
        loop {
            let tried = match step {
                Step::Commit => self.publisher.commit(TRY),
                Step::Abort => self.publisher.abort(TRY),
            };
            let goes_on = self.present_since(since) < patience && !self.setup.control.is_aborted();
            match tried {
                // Also keeps a client that answers at once from being asked all the time.
                Err(error) if error.remedy == Remedy::Again && goes_on => self.serve(Duration::from_millis(2)),
                ended => return ended,
            }
        }
    }

    fn cannot_go_on(&mut self, error: &TransactionError) {
        self.end.errors.note(error.code, About::Transaction, self.clock.now(), None, &error.text);
        self.end.error.get_or_insert_with(|| LaneError::Transaction(error.to_string()));
    }

    /// Gives the events of the transaction what its end has proven, and makes ready for the next one.
    fn settle(&mut self, outcome: Outcome, planned: bool) {
        let now = self.clock.now();
        let Some(transactions) = &mut self.transactions else { return };
        let open = self.book.open();
        let mut shard = self.setup.recorder.open();
        let settled = transactions.held.len() as u64;
        self.setup.traffic.settle(settled);
        for held in transactions.held.drain(..) {
            let ReportedEvent { flight, partition, offset, confirmed } = held;
            let phase = usize::from(flight.phase);
            let waited = if self.setup.schedule.has_due_times() { now - flight.due } else { now - flight.sent };
            match outcome {
                Outcome::Committed if confirmed => {
                    if let Some(of_phase) = shard.phases.get_mut(phase) {
                        of_phase.latency_mut(Kind::CommitTime).record(waited);
                    }
                    if !transactions.plan.reads_uncommitted {
                        self.setup.traffic.acked(partition, 1);
                    }
                    confirm(&mut self.end, &open, &mut shard, &flight, partition, offset);
                }
                Outcome::Aborted => {
                    shard.aborted += 1;
                    open.mark(flight.sequence, Marks(Marks::ABORTED));
                }
                Outcome::Committed | Outcome::Unknown => {
                    shard.unanswered += 1;
                    open.mark(flight.sequence, Marks(Marks::OVER));
                    if let Some(of_phase) = shard.phases.get_mut(phase) {
                        of_phase.latency_mut(Kind::CommitTime).record_censored(waited);
                    }
                }
            }
            if let Some(answers) = &mut self.setup.answers {
                let committed = outcome == Outcome::Committed && confirmed;
                let placed = |offset| Placed { partition, offset, key: flight.key };
                answers.settle(flight.sequence, offset.filter(|_| committed).map(placed), &open);
            }
        }
        let cause = transactions.close();
        match outcome {
            Outcome::Committed => shard.transactions.committed += 1,
            Outcome::Aborted if planned => shard.transactions.aborted += 1,
            Outcome::Aborted => {
                shard.transactions.failed += 1;
                shard.transactions.failed_events += settled;
                let Cause { error, words, .. } = cause.unwrap_or_else(Cause::silence);
                let cause = AbortCause { error, transactions: 1, words };
                AbortCause::add(&mut shard.abort_causes, cause);
            }
            Outcome::Unknown => shard.transactions.unknown += 1,
        }
    }
}
