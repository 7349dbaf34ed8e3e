//! What clients say that went wrong: which code, how often, from when to when, where, and in which words. Bounded, whatever happens.

use std::collections::BTreeSet;

use super::{Code, describe};
use crate::clock::Nanos;

/// Kinds of errors kept of one client; of more only the number is.
const KINDS: usize = 64;
/// Partitions kept of one kind.
const PARTITIONS: usize = 64;
/// Characters kept of one text.
const TEXT: usize = 400;

/// What an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// The client or its connections.
    Client,
    /// Connections that brokers closed while nothing was on its way: no error of anybody's.
    Idle,
    /// An event that the client did not take.
    RefusedByClient,
    /// An event that a broker proved not to have written.
    RefusedByBroker,
    /// An event of which nothing is proven.
    NoAnswer,
    /// A transaction.
    Transaction,
    /// A partition that is read.
    Reading,
    /// The consumer group.
    Group,
}

impl About {
    /// In words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Idle => "idle connections closed",
            Self::RefusedByClient => "refused by the client",
            Self::RefusedByBroker => "refused by the broker",
            Self::NoAnswer => "no answer that proves anything",
            Self::Transaction => "transaction",
            Self::Reading => "reading",
            Self::Group => "group",
        }
    }
}

/// One kind of error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorKind {
    /// The code.
    pub code: Code,
    /// What it is about.
    pub about: About,
    /// How often it was said.
    pub count: u64,
    /// When it was said first.
    pub first_at: Nanos,
    /// When it was said last.
    pub last_at: Nanos,
    /// The first words.
    pub first: String,
    /// The last words.
    pub last: String,
    /// The slots concerned, the first that were.
    pub slots: BTreeSet<i32>,
}

/// The errors of one client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorLog {
    kinds: Vec<ErrorKind>,
    /// Errors of further kinds.
    more: u64,
}

impl ErrorLog {
    /// Notes an error in the client's words; without any, in those for its code.
    pub fn note(&mut self, code: Code, about: About, at: Nanos, slot: Option<i32>, text: &str) {
        let position = self.kinds.iter().position(|kind| kind.code == code && kind.about == about);
        let kind = match position {
            Some(position) => &mut self.kinds[position],
            None if self.kinds.len() >= KINDS => {
                self.more += 1;
                return;
            }
            None => {
                let first = words(code, text);
                let (last, slots) = (first.clone(), BTreeSet::new());
                self.kinds.push(ErrorKind { code, about, count: 0, first_at: at, last_at: at, first, last, slots });
                let Some(kind) = self.kinds.last_mut() else { return };
                kind
            }
        };
        kind.count += 1;
        kind.last_at = at;
        if !text.is_empty() && text != kind.last {
            kind.last = words(code, text);
        }
        if let Some(slot) = slot.filter(|slot| *slot >= 0 && kind.slots.len() < PARTITIONS) {
            kind.slots.insert(slot);
        }
    }

    /// Each kind, as it was met first.
    #[must_use]
    pub fn kinds(&self) -> &[ErrorKind] {
        &self.kinds
    }

    /// Errors of kinds beyond those that are kept.
    #[must_use]
    pub const fn more(&self) -> u64 {
        self.more
    }
}

fn words(code: Code, text: &str) -> String {
    if text.is_empty() { describe(code) } else { text.chars().take(TEXT).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_counted_by_its_kind_with_its_first_and_last_words() {
        let mut log = ErrorLog::default();
        for (at, text, slot) in [(1, "a", Some(2)), (2, "b", Some(-1)), (9, "c", Some(0))] {
            log.note(Code::MessageSizeTooLarge, About::RefusedByBroker, Nanos(at), slot, text);
        }
        log.note(Code::MessageSizeTooLarge, About::RefusedByClient, Nanos(10), None, "");
        let [broker, client] = log.kinds() else { panic!("{log:?}") };
        assert_eq!((broker.count, broker.first_at, broker.last_at), (3, Nanos(1), Nanos(9)));
        assert_eq!((broker.first.as_str(), broker.last.as_str()), ("a", "c"));
        assert_eq!(broker.slots, [0, 2].into());
        assert_eq!((client.count, client.first.as_str()), (1, "MESSAGE_TOO_LARGE (Broker: Message size too large)"));
    }

    #[test]
    fn a_log_stays_small_whatever_is_said() {
        let mut log = ErrorLog::default();
        for number in 0..10_000 {
            log.note(Code(number), About::Client, Nanos(0), Some(number), &"x".repeat(10_000));
            log.note(Code(7), About::Client, Nanos(0), Some(number), "");
        }
        assert_eq!((log.kinds().len(), log.more()), (KINDS, 10_000 - KINDS as u64));
        assert!(log.kinds().iter().all(|kind| kind.slots.len() <= PARTITIONS && kind.first.len() <= TEXT));
    }
}
