//! Amplified rows: each row once for every copy of its visitor, in the order of the shifted times.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::io;

use super::hash::{salted, scaled};
use super::row::{Row, RowReader, Rows};

/// Copies of each visitor at most: as many as may wait, since those of one row do.
pub(super) const MOST_COPIES: u32 = 1 << 18;
/// Copies that may wait for their time in one lane: 12 MiB.
const MOST_PENDING: u64 = MOST_COPIES as u64;
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
    /// Where copies are not shifted: the row whose copies follow one another, and the next one.
    unshifted: Option<Copied>,
    pending: BinaryHeap<Reverse<Copied>>,
}

impl Copies {
    pub(super) fn next(&mut self, reader: &mut RowReader, rows: &Rows, amplify: Amplify) -> io::Result<Option<Copied>> {
        if amplify.shift_ms == 0 {
            return self.next_unshifted(reader, rows, amplify.copies);
        }
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

    /// All copies of a row at its own time: none has to wait.
    fn next_unshifted(&mut self, reader: &mut RowReader, rows: &Rows, copies: u32) -> io::Result<Option<Copied>> {
        let next = match self.unshifted.take() {
            Some(next) => next,
            None => match reader.next(rows)? {
                Some(row) => {
                    self.rows_read += 1;
                    Copied { time_ms: row.time_ms(), index: self.rows_read - 1, copy: 0, row }
                }
                None => return Ok(None),
            },
        };
        self.unshifted = (next.copy + 1 < copies).then(|| Copied { copy: next.copy + 1, ..next });
        Ok(Some(next))
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
    use super::super::row::{Action, ByTime};
    use super::*;
    use crate::sorting::{Place, Sorted};

    fn rows(times: impl Iterator<Item = u64>) -> Rows {
        let place = Place { folder: std::env::temp_dir(), file: "test".to_owned() };
        let rows = times.map(|time_ms| Row::new(time_ms, 1, Action::View, 1, None, 0)).collect();
        Rows::of(Sorted::<ByTime>::Memory(rows), None, &place).unwrap()
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
        let dense = rows(0..1_000);
        let copies = 1_000;
        let amplify = Amplify { copies, seed: 3, shift_ms: longest_shift(&dense, copies).unwrap() };
        let (mut walk, mut reader) = (Copies::default(), dense.reader());
        let (mut count, mut last_ms) = (0_u64, 0);
        while let Some(copied) = walk.next(&mut reader, &dense, amplify).unwrap() {
            assert!(copied.time_ms >= last_ms);
            assert!(walk.pending.len() as u64 <= MOST_PENDING);
            last_ms = copied.time_ms;
            count += 1;
        }
        assert_eq!(count, 1_000_000);
    }

    #[test]
    fn copies_of_rows_at_one_time_do_not_wait() {
        let at_once = rows(std::iter::repeat_n(5, 3));
        let amplify = Amplify { copies: MOST_COPIES, seed: 3, shift_ms: longest_shift(&at_once, MOST_COPIES).unwrap() };
        let (mut walk, mut reader) = (Copies::default(), at_once.reader());
        let mut expected = (0..3_u64).flat_map(|index| (0..MOST_COPIES).map(move |copy| (5, index, copy)));
        while let Some(copied) = walk.next(&mut reader, &at_once, amplify).unwrap() {
            assert_eq!(Some(copied.place()), expected.next());
            assert_eq!(walk.pending.capacity(), 0);
        }
        assert_eq!(expected.next(), None);
    }
}
