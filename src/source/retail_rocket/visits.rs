//! One walk over the rows visitor by visitor: sessions, duplicates, who is busiest.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::row::Row;

/// A visitor who was idle for longer than this starts a new session.
pub const SESSION_IDLE_MS: u64 = 30 * 60 * 1000;
/// How many of the busiest visitors are kept.
pub(super) const HOTTEST: usize = 10;

/// A key and how many events it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotKey {
    /// The visitor.
    pub user_id: u64,
    /// Its events.
    pub events: u64,
}

/// Keeps the keys with the most events; of equal ones, the smaller key.
#[derive(Debug, Default)]
pub(super) struct Hottest {
    keys: Vec<HotKey>,
}

impl Hottest {
    pub(super) fn offer(&mut self, key: HotKey) {
        let rank = |key: &HotKey| (Reverse(key.events), key.user_id);
        let place = self.keys.partition_point(|kept| rank(kept) < rank(&key));
        if place < HOTTEST {
            self.keys.truncate(HOTTEST - 1);
            self.keys.insert(place, key);
        }
    }

    pub(super) fn into_keys(self) -> Vec<HotKey> {
        self.keys
    }
}

/// What the walk found out. Feed it rows in the order of [`super::row::ByVisitor`], then [`Visits::finish`].
#[derive(Debug, Default)]
pub(super) struct Visits {
    previous: Option<Row>,
    /// Events of the current visitor.
    events: u64,
    session: u32,
    pub(super) visitors: u64,
    pub(super) sessions: u64,
    pub(super) highest_session: u32,
    pub(super) highest_user: u32,
    pub(super) highest_transaction: u32,
    /// Rows that repeat the row before them in every column.
    pub(super) duplicates: u64,
    pub(super) first_ms: Option<u64>,
    pub(super) last_ms: u64,
    pub(super) hottest: Hottest,
    /// How many visitors have that many events. Has at most the square root of twice the rows as entries.
    pub(super) visitors_by_events: BTreeMap<u64, u64>,
}

/// Whether a row was met before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurrence {
    First,
    Again,
}

impl Visits {
    /// Gives `row` its session.
    pub(super) fn meet(&mut self, row: &mut Row) -> Occurrence {
        let mut met = Occurrence::First;
        match &self.previous {
            Some(previous) if previous.user == row.user => {
                if previous.repeats(row) {
                    self.duplicates += 1;
                    met = Occurrence::Again;
                }
                let idle = row.time_ms() - previous.time_ms() > SESSION_IDLE_MS;
                self.session += u32::from(idle);
                self.sessions += u64::from(idle);
            }
            _ => {
                self.finish();
                self.session = 1;
                self.sessions += 1;
            }
        }
        row.set_session(self.session);
        self.events += 1;
        self.highest_session = self.highest_session.max(row.session());
        self.highest_user = row.user;
        self.highest_transaction = self.highest_transaction.max(row.transaction().unwrap_or(0));
        self.first_ms = Some(self.first_ms.map_or(row.time_ms(), |first| first.min(row.time_ms())));
        self.last_ms = self.last_ms.max(row.time_ms());
        self.previous = Some(*row);
        met
    }

    /// Counts the last visitor. Called again without a row in between, it does nothing.
    pub(super) fn finish(&mut self) {
        if let Some(previous) = self.previous.take() {
            self.visitors += 1;
            *self.visitors_by_events.entry(self.events).or_default() += 1;
            self.hottest.offer(HotKey { user_id: previous.user.into(), events: self.events });
            self.events = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::Action;
    use super::*;

    fn sessions(times: &[(u32, u64)]) -> Vec<u32> {
        let mut visits = Visits::default();
        let session = |(user, time_ms): &(u32, u64)| {
            let mut row = Row::new(*time_ms, *user, Action::View, 1, None, 0);
            visits.meet(&mut row);
            row.session()
        };
        times.iter().map(session).collect()
    }

    #[test]
    fn a_session_ends_after_more_than_30_idle_minutes() {
        let idle = SESSION_IDLE_MS;
        assert_eq!(sessions(&[(1, 0), (1, idle), (1, 2 * idle + 1), (2, 0), (2, 0)]), [1, 1, 2, 1, 1]);
    }

    #[test]
    fn the_busiest_visitors_are_kept_in_order() {
        let mut hottest = Hottest::default();
        for user_id in 0..100 {
            hottest.offer(HotKey { user_id, events: (user_id * 7) % 50 });
        }
        let keys = hottest.into_keys();
        assert_eq!(keys.len(), HOTTEST);
        assert_eq!(
            keys[..4].iter().map(|key| (key.user_id, key.events)).collect::<Vec<_>>(),
            [(7, 49), (57, 49), (14, 48), (64, 48)]
        );
    }
}
