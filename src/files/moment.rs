//! When rows happened, to be sorted.

use std::cmp::Ordering;

use crate::sorting::{Fixed, Order};

/// When a row happened, and a number that rises from row to row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    /// Microseconds since 1970.
    pub(super) at_us: i64,
    pub(super) ordinal: u64,
}

impl Fixed for Moment {
    const BYTES: usize = 16;

    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.at_us.to_le_bytes());
        out.extend_from_slice(&self.ordinal.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let ordinal = u64::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
        Some(Self { at_us: i64::from_le_bytes(*bytes.first_chunk()?), ordinal })
    }
}

/// By time, as they came where times are equal.
pub(super) struct ByTime;

impl Order for ByTime {
    type Item = Moment;
    fn compare(a: &Moment, b: &Moment) -> Ordering {
        a.cmp(b)
    }
}
