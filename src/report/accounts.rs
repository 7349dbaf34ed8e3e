//! The ledger as rows of a table: each class with its count, how it is judged, and what it means in a few words.

use crate::{ledger::Class, report::LedgerCounts};

/// How a class bears on the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it should be.
    Good,
    /// Not proven good, for a reason that is allowed or is the run's own.
    Allowed,
    /// Nothing can be claimed.
    Undecided,
    /// Must not happen.
    Violation,
}

/// One class of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The class.
    pub class: Class,
    /// The events in it.
    pub count: u64,
    /// How it is judged.
    pub standing: Standing,
    /// What is known of its events.
    pub meaning: &'static str,
}

/// Every class, in the order of reports.
#[must_use]
pub fn accounts(ledger: &LedgerCounts) -> [Account; Class::ALL.len()] {
    Class::ALL.map(|class| {
        let (count, standing, meaning) = account(ledger, class);
        Account { class, count, standing, meaning }
    })
}

/// The sum of all classes. It equals `scheduled` in every report that holds what it promises.
#[must_use]
pub fn sum(ledger: &LedgerCounts) -> u64 {
    accounts(ledger).iter().map(|account| account.count).sum()
}

/// Events in `class`.
#[must_use]
pub const fn count(ledger: &LedgerCounts, class: Class) -> u64 {
    account(ledger, class).0
}

/// Events of classes with this standing.
#[must_use]
pub fn total(ledger: &LedgerCounts, standing: Standing) -> u64 {
    accounts(ledger).iter().filter(|account| account.standing == standing).map(|account| account.count).sum()
}

const fn account(ledger: &LedgerCounts, class: Class) -> (u64, Standing, &'static str) {
    use Standing::{Allowed, Good, Undecided, Violation};
    match class {
        Class::Verified => (ledger.verified, Good, "acked, seen, content right"),
        Class::Unverified => (ledger.unverified, Allowed, "acked, and not read back (--no-verify)"),
        Class::NotAttempted => (ledger.not_attempted, Allowed, "never handed to the client"),
        Class::Refused => (ledger.refused, Allowed, "proven not written"),
        Class::UnknownSeen => (ledger.unknown_seen, Allowed, "without an answer, but seen"),
        Class::UnknownUnseen => (ledger.unknown_unseen, Undecided, "without an answer, and not seen"),
        Class::Contradicted => (ledger.contradicted, Violation, "not handed over or refused, and yet seen"),
        Class::Corrupt => (ledger.corrupt, Violation, "seen, but damaged"),
        Class::Lost => (ledger.lost, Violation, "acked, and gone from the log"),
        Class::Expired => (ledger.expired, Allowed, "acked, and aged out of the log unseen"),
        Class::Compacted => (ledger.compacted, Allowed, "acked, and compacted away unseen"),
        Class::Undelivered => (ledger.undelivered, Violation, "in the log, but never delivered to the reader"),
        Class::Unread => (ledger.unread, Undecided, "acked, past the point read in time"),
        Class::Unattributed => (ledger.unattributed, Undecided, "acked, unseen, and could not be looked up"),
        Class::Aborted => (ledger.aborted, Allowed, "in an aborted transaction, unseen"),
        Class::AbortedSeen => (ledger.aborted_seen, Violation, "in an aborted transaction, and yet seen"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_counts_every_class_once_and_not_the_schedule() {
        let ledger = LedgerCounts {
            scheduled: 1_000,
            verified: 1,
            unverified: 2,
            not_attempted: 4,
            refused: 8,
            unknown_seen: 16,
            unknown_unseen: 32,
            contradicted: 64,
            corrupt: 128,
            lost: 256,
            expired: 512,
            compacted: 1 << 10,
            undelivered: 1 << 11,
            unread: 1 << 12,
            unattributed: 1 << 13,
            aborted: 1 << 14,
            aborted_seen: 1 << 15,
        };
        assert_eq!(sum(&ledger), (1 << 16) - 1);
        let standings = [Standing::Good, Standing::Allowed, Standing::Undecided, Standing::Violation];
        assert_eq!(standings.iter().map(|standing| total(&ledger, *standing)).sum::<u64>(), sum(&ledger));
    }
}
