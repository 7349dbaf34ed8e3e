//! One recorded row in 24 bytes, the columns and times that it comes from, and the orders in which rows are sorted.

use std::cmp::Ordering;
use std::fmt;

use crate::sorting::{self, Fixed, Order};

/// The columns of `events.csv`, in its own order.
pub(crate) const COLUMNS: [&str; 5] = ["timestamp", "visitorid", "event", "itemid", "transactionid"];

/// Numbers below this (1973 in ms, the year 5138 in s) are taken for seconds.
pub(crate) const EARLIEST_MS: u64 = 100_000_000_000;

/// A recorded time, ms since the Unix epoch; written so, or as RFC 3339 with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// What a row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    View,
    AddToCart,
    Transaction,
    /// An item's availability changed. Not a visitor's row: the item stands in the visitor's place.
    Stock,
}

const SESSION_BITS: u32 = 20;
const ACTION_BITS: u32 = 2;
const TIME_SHIFT: u32 = SESSION_BITS + ACTION_BITS;

/// The latest time a row holds: the last millisecond of 42 bits, in May 2109.
pub(super) const LATEST_MS: u64 = (1 << (64 - TIME_SHIFT)) - 1;
/// The highest number a session holds. A session ends after 30 idle minutes, so this is at least 59 years of one
/// visitor without a night's sleep; what comes later stays in that session.
const LAST_SESSION: u64 = (1 << SESSION_BITS) - 1;

/// Bytes of a row in a spill file.
const ROW_BYTES: usize = 24;

/// Rows in the order of time.
pub(super) type Rows = sorting::Rows<Row>;
/// A place in them.
pub(super) type RowReader = sorting::Reader<Row>;

/// A checked row: 2.76 million of them take 66 MB, no string among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Time (42 bits), session (20), action (2).
    packed: u64,
    /// Its place among the good rows of the file: what settles ties in time.
    pub(super) ordinal: u32,
    pub(super) user: u32,
    pub(super) item: u32,
    transaction: u32,
}

impl Action {
    /// The three that visitors do, in the order of their numbers.
    pub(super) const OF_VISITORS: [Self; 3] = [Self::View, Self::AddToCart, Self::Transaction];

    /// As `events.csv` has it; the fourth is named as its event type.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::AddToCart => "addtocart",
            Self::Transaction => "transaction",
            Self::Stock => "inventory",
        }
    }
}

impl Row {
    /// A row without a session yet. `transaction` is kept for transactions alone, and says of stock whether there is any.
    pub(super) const fn new(
        time_ms: u64,
        user: u32,
        action: Action,
        item: u32,
        transaction: Option<u32>,
        ordinal: u32,
    ) -> Self {
        let transaction = match transaction {
            Some(id) => id,
            None => 0,
        };
        Self { packed: time_ms << TIME_SHIFT | action as u64, ordinal, user, item, transaction }
    }

    /// Milliseconds since the Unix epoch.
    pub(super) const fn time_ms(&self) -> u64 {
        self.packed >> TIME_SHIFT
    }

    pub(super) const fn action(&self) -> Action {
        match self.packed & 3 {
            0 => Action::View,
            1 => Action::AddToCart,
            2 => Action::Transaction,
            _ => Action::Stock,
        }
    }

    /// Whether the item can be bought from then on; meaningful for stock rows.
    pub(super) const fn available(&self) -> bool {
        self.transaction != 0
    }

    /// The order it belongs to; `None` where it is no transaction.
    pub(super) const fn transaction(&self) -> Option<u32> {
        match self.action() {
            Action::Transaction => Some(self.transaction),
            _ => None,
        }
    }

    /// The visitor's session, counted from 1; 0 before [`Row::set_session`].
    pub(super) const fn session(&self) -> u32 {
        ((self.packed >> ACTION_BITS) & LAST_SESSION) as u32
    }

    pub(super) const fn set_session(&mut self, session: u32) {
        let session = if session as u64 > LAST_SESSION { LAST_SESSION } else { session as u64 };
        self.packed = self.packed & !(LAST_SESSION << ACTION_BITS) | session << ACTION_BITS;
    }

    /// Whether both rows say the same: all columns are equal.
    pub(super) fn repeats(&self, other: &Self) -> bool {
        self.user == other.user
            && self.time_and_action() == other.time_and_action()
            && self.item == other.item
            && self.transaction == other.transaction
    }

    /// The packed word without the session.
    const fn time_and_action(&self) -> u64 {
        self.packed & !(LAST_SESSION << ACTION_BITS)
    }

    fn to_bytes(self) -> [u8; ROW_BYTES] {
        let mut bytes = [0; ROW_BYTES];
        bytes[..8].copy_from_slice(&self.packed.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.ordinal.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.user.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.item.to_le_bytes());
        bytes[20..].copy_from_slice(&self.transaction.to_le_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; ROW_BYTES]) -> Self {
        let half = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self {
            packed: u64::from(half(4)) << 32 | u64::from(half(0)),
            ordinal: half(8),
            user: half(12),
            item: half(16),
            transaction: half(20),
        }
    }
}

impl Fixed for Row {
    const BYTES: usize = ROW_BYTES;

    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().map(Self::from_bytes)
    }
}

/// The order of the replay: by time, ties as in the file.
pub(super) struct ByTime;

impl Order for ByTime {
    type Item = Row;
    fn compare(a: &Row, b: &Row) -> Ordering {
        // One wide comparison: two short ones cost a fifth more.
        let place = |row: &Row| u128::from(row.time_ms()) << 32 | u128::from(row.ordinal);
        place(a).cmp(&place(b))
    }
}

/// Each visitor's rows together, in time, exact duplicates side by side.
pub(super) struct ByVisitor;

impl Order for ByVisitor {
    type Item = Row;
    fn compare(a: &Row, b: &Row) -> Ordering {
        let place = |row: &Row| u128::from(row.user) << 64 | u128::from(row.time_and_action());
        let rest = |row: &Row| (row.item, row.transaction, row.ordinal);
        place(a).cmp(&place(b)).then_with(|| rest(a).cmp(&rest(b)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_is_24_bytes() {
        assert_eq!(size_of::<Row>(), ROW_BYTES);
    }

    proptest! {
        #[test]
        fn a_row_keeps_what_it_is_given(
            time in 0..=LATEST_MS, user: u32, item: u32, transaction: u32, ordinal: u32, session in 0_u32..1 << SESSION_BITS,
        ) {
            for action in [Action::View, Action::AddToCart, Action::Transaction] {
                let id = (action == Action::Transaction).then_some(transaction);
                let mut row = Row::new(time, user, action, item, id, ordinal);
                row.set_session(session);
                let row = Row::from_bytes(&row.to_bytes());
                prop_assert_eq!((row.time_ms(), row.user, row.action(), row.item), (time, user, action, item));
                prop_assert_eq!((row.transaction(), row.ordinal, row.session()), (id, ordinal, session));
            }
        }
    }

    #[test]
    fn more_sessions_than_fit_stay_in_the_last() {
        let mut row = Row::new(7, 1, Action::Transaction, 2, Some(0), 0);
        row.set_session(u32::MAX);
        assert_eq!(row.session(), (1 << SESSION_BITS) - 1);
        assert_eq!((row.time_ms(), row.action(), row.transaction()), (7, Action::Transaction, Some(0)));
    }
}
