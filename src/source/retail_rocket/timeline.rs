//! The order in which rows are played: once or in rounds, each visitor once or amplified, idle gaps capped.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt;
use std::io;

use crate::clock::Nanos;

use super::config::Rounds;
use super::hash::{salted, scaled};
use super::row::Row;
use super::spill::{Run, RunReader, SpillFile};

/// Copies that may wait for their time in one lane: 12 MiB.
const MOST_PENDING: u64 = 1 << 18;
/// A copy's times are at most this much later than the original's.
const LONGEST_SHIFT_MS: u64 = 30 * 60 * 1000;
const BLOCK_BYTES: usize = 96 << 10;
const NS_PER_MS: u64 = 1_000_000;
const SHIFT: u64 = 5;

/// The selected rows in the order of time.
pub(super) enum Rows {
    Memory(Vec<Row>),
    Disk(SpillFile, Run),
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self {
            Self::Memory(_) => "in memory",
            Self::Disk(..) => "on disk",
        };
        write!(f, "{} rows {place}", self.len())
    }
}

impl Rows {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Memory(rows) => rows.len() as u64,
            Self::Disk(_, run) => run.rows(),
        }
    }

    pub(super) fn reader(&self) -> RowReader {
        match self {
            Self::Memory(_) => RowReader::Memory(0),
            Self::Disk(_, run) => RowReader::Disk(RunReader::new(*run, BLOCK_BYTES)),
        }
    }
}

/// A place in [`Rows`]; each lane has its own.
#[derive(Debug)]
pub(super) enum RowReader {
    Memory(usize),
    Disk(RunReader),
}

impl RowReader {
    pub(super) fn next(&mut self, rows: &Rows) -> io::Result<Option<Row>> {
        match (self, rows) {
            (Self::Memory(at), Rows::Memory(rows)) => {
                let row = rows.get(*at).copied();
                *at += 1;
                Ok(row)
            }
            (Self::Disk(reader), Rows::Disk(file, _)) => reader.next(file),
            _ => Err(io::Error::other("a reader of other rows")),
        }
    }
}

/// How the rows are played.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) amplify: u32,
    pub(super) rounds: Rounds,
    pub(super) max_gap_ns: u64,
    pub(super) seed: u64,
    /// A copy's times are less than this later than the original's.
    pub(super) shift_ms: u64,
    /// What is added for each copy and each round, so that ids of different ones never meet.
    pub(super) next_user: u64,
    pub(super) next_transaction: u64,
    pub(super) next_session: u32,
    /// From the start of a round to the start of the next one: as recorded, and as played.
    pub(super) round_ms: u64,
    pub(super) round_offset: Nanos,
}

/// One event of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) number: u64,
    /// Since the first event, gaps capped.
    pub(super) offset: Nanos,
    /// The recorded time, moved by its copy's shift and by the rounds before.
    pub(super) time_ms: u64,
    pub(super) user: u64,
    pub(super) transaction: Option<u64>,
    pub(super) session: u32,
    pub(super) row: Row,
    /// Whether the gap before it was capped.
    pub(super) capped: bool,
}

/// A walk over the timeline.
#[derive(Debug)]
pub(super) struct Timeline {
    reader: RowReader,
    /// Rows read in this round.
    read: u64,
    next_row: Option<Row>,
    pending: BinaryHeap<Reverse<Copied>>,
    number: u64,
    round: u64,
    /// The last event of this round: its time and its offset in the round.
    last: Option<(u64, u64)>,
}

/// A copy of a row that waits for its time. Ordered by time, then row, then copy.
#[derive(Clone, Copy, Debug)]
struct Copied {
    time_ms: u64,
    index: u64,
    copy: u32,
    row: Row,
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

impl Timeline {
    pub(super) fn new(rows: &Rows) -> Self {
        Self {
            reader: rows.reader(),
            read: 0,
            next_row: None,
            pending: BinaryHeap::new(),
            number: 0,
            round: 0,
            last: None,
        }
    }

    /// The next event, over all rounds.
    pub(super) fn next(&mut self, rows: &Rows, plan: &Plan) -> io::Result<Option<Moved>> {
        loop {
            if let Some((copy, row, time_ms)) = self.next_in_round(rows, plan)? {
                return Ok(Some(self.moved(copy, row, time_ms, plan)));
            }
            self.round += 1;
            let another = match plan.rounds {
                Rounds::Forever => true,
                Rounds::Count(count) => self.round < count.into(),
            };
            if !another || rows.len() == 0 {
                return Ok(None);
            }
            self.reader = rows.reader();
            self.read = 0;
            self.last = None;
        }
    }

    fn moved(&mut self, copy: u32, row: Row, time_ms: u64, plan: &Plan) -> Moved {
        let mut capped = false;
        let in_round = match self.last {
            None => 0,
            Some((last_ms, offset)) => {
                let gap_ns = (time_ms - last_ms).saturating_mul(NS_PER_MS);
                capped = gap_ns > plan.max_gap_ns;
                offset.saturating_add(gap_ns.min(plan.max_gap_ns))
            }
        };
        self.last = Some((time_ms, in_round));
        let generation = self.round.saturating_mul(plan.amplify.into()).saturating_add(copy.into());
        let moved = Moved {
            number: self.number,
            offset: Nanos(plan.round_offset.0.saturating_mul(self.round).saturating_add(in_round)),
            time_ms: plan.round_ms.saturating_mul(self.round).saturating_add(time_ms),
            user: plan.next_user.saturating_mul(copy.into()) + u64::from(row.user),
            transaction: row
                .transaction()
                .map(|id| plan.next_transaction.wrapping_mul(generation).wrapping_add(id.into())),
            session: plan.next_session.wrapping_mul(wrapped(self.round)).wrapping_add(row.session()),
            row,
            capped,
        };
        self.number += 1;
        moved
    }

    fn next_in_round(&mut self, rows: &Rows, plan: &Plan) -> io::Result<Option<(u32, Row, u64)>> {
        if plan.amplify == 1 {
            return Ok(self.reader.next(rows)?.map(|row| (0, row, row.time_ms())));
        }
        loop {
            if self.next_row.is_none() {
                self.next_row = self.reader.next(rows)?;
            }
            // Copies come after their originals, so nothing that is still to be read can come before `earliest`.
            let earliest = self.next_row.map(|row| row.time_ms());
            if let Some(Reverse(copied)) = self.pending.peek()
                && earliest.is_none_or(|earliest| copied.time_ms <= earliest)
            {
                let Copied { copy, row, time_ms, .. } = *copied;
                self.pending.pop();
                return Ok(Some((copy, row, time_ms)));
            }
            let Some(row) = self.next_row.take() else { return Ok(None) };
            for copy in 0..plan.amplify {
                let time_ms = row.time_ms() + shift(plan, row.user, copy);
                self.pending.push(Reverse(Copied { time_ms, index: self.read, copy, row }));
            }
            self.read += 1;
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "rounds beyond 2^32 repeat session numbers")]
const fn wrapped(round: u64) -> u32 {
    round as u32
}

/// By how much a copy of a visitor is later than the original: the same for all its events, so its sessions stay whole.
fn shift(plan: &Plan, user: u32, copy: u32) -> u64 {
    match copy {
        0 => 0,
        _ => scaled(salted(SHIFT ^ plan.seed, u64::from(user) << 32 | u64::from(copy)), plan.shift_ms),
    }
}

/// The longest shift of copies, from 30 minutes down by halves, that keeps the copies that wait within bounds.
pub(super) fn longest_shift(rows: &Rows, amplify: u32) -> io::Result<u64> {
    if amplify == 1 {
        return Ok(0);
    }
    let most = (MOST_PENDING / u64::from(amplify)).max(1);
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
