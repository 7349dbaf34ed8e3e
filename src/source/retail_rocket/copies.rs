//! Amplified rows: each row once for every copy of its visitor, in the order of the shifted times.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io;

use super::hash::{salted, scaled};
use super::row::Row;
use super::rows::{RowReader, Rows};

/// Copies that may wait for their time in one lane: 12 MiB.
const MOST_PENDING: u64 = 1 << 18;
/// A copy's times are at most this much later than the original's.
const LONGEST_SHIFT_MS: u64 = 30 * 60 * 1000;
const SHIFT: u64 = 5;

/// How visitors are multiplied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amplify {
    /// Copies of each visitor, the original among them.
    pub(super) copies: u32,
    pub(super) seed: u64,
    /// A copy's times are less than this later than the original's.
    pub(super) shift_ms: u64,
}

impl Amplify {
    /// By how much a copy of a visitor is later than the original: the same for all its events, so its sessions stay
    /// whole.
    fn shift(self, user: u32, copy: u32) -> u64 {
        match copy {
            0 => 0,
            _ => scaled(salted(SHIFT ^ self.seed, u64::from(user) << 32 | u64::from(copy)), self.shift_ms),
        }
    }
}

/// One copy of a row. Ordered by time, then row, then copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    pub(super) time_ms: u64,
    index: u64,
    pub(super) copy: u32,
    pub(super) row: Row,
}

impl Copied {
    const fn place(&self) -> (u64, u64, u32) {
        (self.time_ms, self.index, self.copy)
    }
}

impl Ord for Copied {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place().cmp(&other.place())
    }
}

impl PartialOrd for Copied {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Copied {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Copied {}

/// The copies of one round.
#[derive(Debug, Default)]
pub(super) struct Copies {
    rows_read: u64,
    next_row: Option<Row>,
    pending: BinaryHeap<Reverse<Copied>>,
}

impl Copies {
    pub(super) fn next(&mut self, reader: &mut RowReader, rows: &Rows, amplify: Amplify) -> io::Result<Option<Copied>> {
        loop {
            if self.next_row.is_none() {
                self.next_row = reader.next(rows)?;
            }
            // No copy is earlier than its original, so nothing that is still to be read comes before `earliest`.
            let earliest = self.next_row.map_or(u64::MAX, |row| row.time_ms());
            match self.pending.peek() {
                Some(Reverse(copied)) if copied.time_ms <= earliest => {
                    return Ok(self.pending.pop().map(|Reverse(copied)| copied));
                }
                _ => {}
            }
            let Some(row) = self.next_row.take() else { return Ok(None) };
            let index = self.rows_read;
            self.rows_read += 1;
            self.pending.extend((0..amplify.copies).map(|copy| {
                let time_ms = row.time_ms() + amplify.shift(row.user, copy);
                Reverse(Copied { time_ms, index, copy, row })
            }));
        }
    }
}

/// The longest shift of copies, from 30 minutes down by halves, that keeps the copies that wait within bounds.
pub(super) fn longest_shift(rows: &Rows, copies: u32) -> io::Result<u64> {
    if copies == 1 {
        return Ok(0);
    }
    let most = (MOST_PENDING / u64::from(copies)).max(1);
    let mut shift_ms = LONGEST_SHIFT_MS;
    while shift_ms > 0 && busiest(rows, shift_ms, most)? > most {
        shift_ms /= 2;
    }
    Ok(shift_ms)
}

/// The most rows within any `window_ms`; stops counting above `enough`.
fn busiest(rows: &Rows, window_ms: u64, enough: u64) -> io::Result<u64> {
    let (mut head, mut tail) = (rows.reader(), rows.reader());
    let mut oldest = tail.next(rows)?;
    let (mut within, mut most) = (0, 0);
    while let Some(row) = head.next(rows)? {
        within += 1;
        while let Some(old) = oldest
            && row.time_ms() - old.time_ms() > window_ms
        {
            within -= 1;
            oldest = tail.next(rows)?;
        }
        most = most.max(within);
        if most > enough {
            break;
        }
    }
    Ok(most)
}

#[cfg(test)]
mod tests {
    use super::super::row::Action;
    use super::*;

    fn rows(times: impl Iterator<Item = u64>) -> Rows {
        Rows::Memory(times.map(|time_ms| Row::new(time_ms, 1, Action::View, 1, None, 0)).collect())
    }

    #[test]
    fn the_shift_shrinks_until_the_copies_that_wait_are_bounded() {
        let sparse = rows((0..1_000).map(|row| row * 1_000));
        assert_eq!(longest_shift(&sparse, 1).unwrap(), 0);
        assert_eq!(longest_shift(&sparse, 2).unwrap(), LONGEST_SHIFT_MS);
        // A row a ms, 1,000 copies: 262 rows may wait.
        let dense = rows(0..10_000);
        let shift_ms = longest_shift(&dense, 1_000).unwrap();
        assert!((100..262).contains(&shift_ms), "{shift_ms}");
        let at_once = rows(std::iter::repeat_n(5, 10_000));
        assert_eq!(longest_shift(&at_once, 1_000).unwrap(), 0);
    }

    #[test]
    fn no_more_copies_wait_than_the_bound_says() {
        let dense = rows(0..10_000);
        let copies = 1_000;
        let amplify = Amplify { copies, seed: 3, shift_ms: longest_shift(&dense, copies).unwrap() };
        let (mut walk, mut reader) = (Copies::default(), dense.reader());
        let (mut count, mut last_ms) = (0_u64, 0);
        while let Some(copied) = walk.next(&mut reader, &dense, amplify).unwrap() {
            assert!(copied.time_ms >= last_ms);
            assert!(walk.pending.len() as u64 <= MOST_PENDING + u64::from(copies));
            last_ms = copied.time_ms;
            count += 1;
        }
        assert_eq!(count, 10_000_000);
    }
}
