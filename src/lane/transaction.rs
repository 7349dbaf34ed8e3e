//! How a lane's events are cut into transactions, which of these are aborted, and what the open one holds.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::flight::Flight;
use crate::clock::Nanos;
use crate::kafka::{Code, Report};

/// How transactions are cut, and which of them are aborted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransactionPlan {
    /// Events of a transaction; the last one has fewer, and so has one that would stay open for too long.
    pub size: usize,
    /// The share of transactions that are aborted, 0 to 1.
    pub abort_share: f64,
    /// Where the choice of those is drawn from.
    pub seed: u64,
    /// The longest time for which one is kept open. The coordinator aborts those that are open for longer than
    /// `transaction.timeout.ms`.
    pub open_at_most: Nanos,
    /// Whether the verifier reads what is not committed.
    pub reads_uncommitted: bool,
}

impl TransactionPlan {
    /// Whether a lane's transaction of that number, counted from 0, is to be aborted: a function of these and the seed alone.
    #[must_use]
    pub fn aborts(&self, lane: u16, number: u64) -> bool {
        // Chained, so that no two of (seed, lane, number) share their draw by plain arithmetic.
        let word = |key: u64| Xoshiro256PlusPlus::seed_from_u64(key).random::<u64>();
        let key = word(word(self.seed) ^ u64::from(lane)) ^ number;
        Xoshiro256PlusPlus::seed_from_u64(key).random_bool(self.abort_share.clamp(0.0, 1.0))
    }
}

/// An event of the open transaction whose delivery report is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReportedEvent {
    pub(super) flight: Flight,
    pub(super) partition: i32,
    pub(super) offset: Option<i64>,
    /// Whether the broker confirmed it; else nothing is proven.
    pub(super) confirmed: bool,
}

impl ReportedEvent {
    pub(super) const fn of(flight: Flight, report: &Report, confirmed: bool) -> Self {
        Self { flight, partition: report.partition, offset: report.offset, confirmed }
    }
}

/// The transactions of a lane.
#[derive(Debug)]
pub(super) struct Transactions {
    pub(super) plan: TransactionPlan,
    /// Of the open one, or of the next one.
    pub(super) number: u64,
    /// When the open one began; `None` between two.
    pub(super) open_since: Option<Nanos>,
    /// Events of the open one that were handed over.
    pub(super) events: usize,
    /// Those of them that have their reports.
    pub(super) held: Vec<ReportedEvent>,
    /// Whether one of them was not delivered: then it cannot be committed.
    pub(super) failed: bool,
    /// The first thing that the client said of why.
    cause: Option<Cause>,
}

/// Why a transaction cannot be committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cause {
    /// The error's name.
    pub(super) error: String,
    /// The client's words.
    pub(super) words: String,
    /// Whether it says only that the client gave the event up after something else had gone wrong.
    follows: bool,
}

impl Cause {
    fn of_event(code: Code) -> Self {
        let follows = matches!(code, Code::PurgeQueue | Code::PurgeInflight);
        Self { error: code.name(), words: "an event was not delivered".to_owned(), follows }
    }

    /// The client said nothing of some event until it was no longer waited for.
    pub(super) fn silence() -> Self {
        let words = "no delivery report within --flush-deadline".to_owned();
        Self { error: Code::OperationTimedOut.name(), words, follows: false }
    }

    /// From the line that librdkafka logs when a transaction fails (`rd_kafka_txn_set_abortable_error` of `rdkafka_txnmgr.c`):
    /// it says the words and the code nowhere else before the transaction is aborted.
    fn of_log(line: &str) -> Option<Self> {
        let (_, after) = line.split_once("Current transaction failed in state ")?;
        let (_, said) = after.split_once(": ")?;
        let (words, error) = said.rsplit_once(" (")?;
        let error = error.trim_end_matches(')').split(',').next()?;
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let is_known = !error.is_empty() && error.chars().all(is_name);
        is_known.then(|| Self { error: Code::name_of(error), words: words.to_owned(), follows: false })
    }
}

impl Transactions {
    pub(super) const fn new(plan: TransactionPlan) -> Self {
        Self { plan, number: 0, open_since: None, events: 0, held: Vec::new(), failed: false, cause: None }
    }

    /// An event of the open one was not delivered.
    pub(super) fn fail(&mut self, code: Code) {
        self.failed = true;
        self.note(Cause::of_event(code));
    }

    /// The client logged something of its transactions.
    pub(super) fn note_log(&mut self, line: &str) {
        if let Some(cause) = Cause::of_log(line).filter(|_| self.open_since.is_some()) {
            self.note(cause);
        }
    }

    /// What was said first counts, unless it only follows from something else.
    fn note(&mut self, cause: Cause) {
        if self.cause.as_ref().is_none_or(|known| known.follows && !cause.follows) {
            self.cause = Some(cause);
        }
    }

    /// Makes ready for the next one. Why this one could not be committed, where the client said something of that.
    pub(super) fn close(&mut self) -> Option<Cause> {
        (self.open_since, self.events, self.failed) = (None, 0, false);
        self.number += 1;
        self.cause.take()
    }

    /// Events that the open one, or the next one, still takes.
    pub(super) const fn room(&self) -> usize {
        self.plan.size.saturating_sub(self.events)
    }

    /// Whether the open one has to end.
    pub(super) fn is_over(&self, now: Nanos) -> bool {
        self.open_since.is_some_and(|since| self.room() == 0 || self.failed || now - since >= self.plan.open_at_most)
    }
}

/// What the end of a transaction has proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Its events are there.
    Committed,
    /// Its events are not there, as far as `read_committed` goes.
    Aborted,
    /// Nothing: a commit was asked for, and its answer is not known; or there was no answer to an abort.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(seed: u64, abort_share: f64) -> TransactionPlan {
        TransactionPlan { size: 10, abort_share, seed, open_at_most: Nanos::from_secs(10), reads_uncommitted: false }
    }

    #[test]
    fn about_the_share_asked_for_is_aborted_in_every_lane() {
        for (lane, share) in [(0, 0.3), (1, 0.3), (7, 0.05), (255, 0.9)] {
            let aborted = (0..10_000).filter(|number| plan(1, share).aborts(lane, *number)).count();
            let expected = share * 10_000.0;
            // Five standard deviations of a binomial count.
            let slack = 5.0 * (expected * (1.0 - share)).sqrt();
            #[expect(clippy::cast_precision_loss, reason = "a count below 10,000")]
            let off = (aborted as f64 - expected).abs();
            assert!(off <= slack, "lane {lane}: {aborted} of 10,000 at {share}");
        }
    }

    #[test]
    fn lanes_and_seeds_abort_different_transactions() {
        let of = |seed, lane| (0..200).map(|number| plan(seed, 0.5).aborts(lane, number)).collect::<Vec<_>>();
        assert_ne!(of(1, 0), of(1, 1));
        assert_ne!(of(1, 0), of(2, 0));
        assert_eq!(of(1, 0), of(1, 0));
    }

    #[test]
    fn a_transaction_is_over_when_it_is_full_or_failed_or_open_for_too_long() {
        let mut transactions = Transactions::new(plan(1, 0.0));
        assert!(!transactions.is_over(Nanos::from_secs(99)), "none is open");
        transactions.open_since = Some(Nanos::from_secs(1));
        transactions.events = 9;
        assert!(!transactions.is_over(Nanos::from_secs(10)));
        assert!(transactions.is_over(Nanos::from_secs(11)));
        transactions.events = 10;
        assert!(transactions.is_over(Nanos::from_secs(1)));
        (transactions.events, transactions.failed) = (1, true);
        assert!(transactions.is_over(Nanos::from_secs(1)));
    }

    const MAPPING: &str = "[thrd:main]: Current transaction failed in state InTransaction: Failed to add partition(s) to \
                           transaction on broker 127.0.0.1:9092/1: Broker: Producer attempted to use a producer id which is not \
                           currently assigned to its transactional id (after 3 ms) (INVALID_PRODUCER_ID_MAPPING, requires epoch bump)";

    #[test]
    fn the_clients_log_names_what_failed_a_transaction() {
        let cause = Cause::of_log(MAPPING).unwrap();
        assert_eq!(cause.error, "INVALID_PRODUCER_ID_MAPPING");
        assert!(cause.words.starts_with("Failed to add partition(s)") && cause.words.ends_with("(after 3 ms)"));
        let plain = "Current transaction failed in state InTransaction: 3 message(s) timed out (_TIMED_OUT)";
        let cause = Cause::of_log(plain).unwrap();
        assert_eq!((cause.error.as_str(), cause.words.as_str()), ("_TIMED_OUT", "3 message(s) timed out"));
        for other in ["Current transaction failed in state X: and no code", "Fatal error: all gone (_FATAL)", ""] {
            assert_eq!(Cause::of_log(other), None, "{other}");
        }
    }

    #[test]
    fn the_first_error_is_told_and_not_what_follows_from_it() {
        let mut transactions = Transactions::new(plan(1, 0.0));
        transactions.note_log(MAPPING);
        assert_eq!(transactions.cause, None, "none is open: it was said of one that has ended");
        transactions.open_since = Some(Nanos::ZERO);
        transactions.fail(Code::PurgeQueue);
        transactions.note_log(MAPPING);
        transactions.fail(Code::MessageTimedOut);
        assert_eq!(transactions.close().unwrap().error, "INVALID_PRODUCER_ID_MAPPING");
        assert!(!transactions.failed && transactions.number == 1);
        transactions.fail(Code::MessageTimedOut);
        transactions.fail(Code::MessageSizeTooLarge);
        assert_eq!(transactions.close().unwrap().error, "_MSG_TIMED_OUT");
        assert_eq!(transactions.close(), None, "each speaks for itself");
    }

    proptest! {
        #[test]
        fn the_plan_is_a_function_of_seed_lane_and_number(seed: u64, lane: u16, number: u64, share in 0.0_f64..=1.0) {
            let plan = plan(seed, share);
            let other = TransactionPlan { size: 99, reads_uncommitted: true, ..plan };
            prop_assert_eq!(plan.aborts(lane, number), other.aborts(lane, number));
        }

        #[test]
        fn none_and_all_are_exactly_that(seed: u64, lane: u16, number: u64) {
            prop_assert!(!plan(seed, 0.0).aborts(lane, number));
            prop_assert!(plan(seed, 1.0).aborts(lane, number));
        }

        /// Who aborts more aborts the same and others besides: rates can be compared.
        #[test]
        fn a_higher_share_aborts_at_least_what_a_lower_one_does(seed: u64, number: u64, a in 0.0_f64..1.0, b in 0.0_f64..1.0) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(!plan(seed, low).aborts(0, number) || plan(seed, high).aborts(0, number));
        }
    }
}
