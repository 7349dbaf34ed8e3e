//! The order in which rows are played: once or in rounds, each visitor once or amplified, idle gaps capped.

use std::io;

use crate::clock::Nanos;

use super::config::Rounds;
use super::copies::{Amplify, Copies};
use super::row::{Action, Row, RowReader, Rows};

const NS_PER_MS: u64 = 1_000_000;

/// How the rows are played.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) amplify: Amplify,
    pub(super) rounds: Rounds,
    pub(super) max_gap_ns: u64,
    /// What is added for each copy and each round, so that ids of different ones never meet.
    pub(super) next_user: u64,
    pub(super) next_transaction: u64,
    pub(super) next_session: u32,
    /// From the start of a round to the start of the next one: as recorded, and as played.
    pub(super) round_ms: u64,
    pub(super) round_offset: Nanos,
}

impl Plan {
    /// The same, played once.
    pub(super) fn once(&self) -> Self {
        Self { rounds: Rounds::ONCE, ..self.clone() }
    }
}

/// One event of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) number: u64,
    /// Since the first event, gaps capped.
    pub(super) offset: Nanos,
    /// The recorded time, moved by its copy's shift and by the rounds before.
    pub(super) time_ms: u64,
    /// The same without the rounds.
    pub(super) within_round_ms: u64,
    pub(super) user: u64,
    pub(super) item: u32,
    pub(super) action: Action,
    pub(super) available: bool,
    pub(super) transaction: Option<u64>,
    pub(super) session: u32,
    /// Whether the gap before it was capped.
    pub(super) capped: bool,
}

/// A walk over the timeline.
#[derive(Debug)]
pub(super) struct Timeline {
    reader: RowReader,
    copies: Copies,
    /// Events passed.
    passed: u64,
    round: u64,
    at: Option<Place>,
}

/// Where an event is within its round.
#[derive(Clone, Copy, Debug)]
struct Place {
    time_ms: u64,
    /// Since the start of the round, gaps capped.
    offset_ns: u64,
    capped: bool,
}

impl Timeline {
    pub(super) fn new(rows: &Rows) -> Self {
        Self { reader: rows.reader(), copies: Copies::default(), passed: 0, round: 0, at: None }
    }

    /// The next event, over all rounds.
    pub(super) fn next(&mut self, rows: &Rows, plan: &Plan) -> io::Result<Option<Moved>> {
        self.next_of(rows, plan, |_| true)
    }

    /// The next event of a user that is `wanted`; the others are counted and passed by.
    pub(super) fn next_of(
        &mut self,
        rows: &Rows,
        plan: &Plan,
        wanted: impl Fn(u64) -> bool,
    ) -> io::Result<Option<Moved>> {
        loop {
            let found = match plan.amplify.copies {
                1 => self.next_recorded(rows, plan, &wanted)?,
                _ => self.next_copied(rows, plan, &wanted)?,
            };
            if found.is_some() {
                return Ok(found);
            }
            self.round += 1;
            let another = match plan.rounds {
                Rounds::Forever => true,
                Rounds::Count(count) => self.round < count.into(),
            };
            if !another || rows.is_empty() {
                return Ok(None);
            }
            self.reader = rows.reader();
            self.copies = Copies::default();
            self.at = None;
        }
    }

    #[inline]
    fn next_recorded(&mut self, rows: &Rows, plan: &Plan, wanted: impl Fn(u64) -> bool) -> io::Result<Option<Moved>> {
        while let Some(row) = self.reader.next(rows)? {
            let place = self.pass(row.time_ms(), plan);
            if wanted(row.user.into()) {
                return Ok(Some(self.moved(row, 0, place, plan)));
            }
        }
        Ok(None)
    }

    fn next_copied(&mut self, rows: &Rows, plan: &Plan, wanted: impl Fn(u64) -> bool) -> io::Result<Option<Moved>> {
        while let Some(copied) = self.copies.next(&mut self.reader, rows, plan.amplify)? {
            let place = self.pass(copied.time_ms, plan);
            if wanted(user_of(copied.row, copied.copy, plan)) {
                return Ok(Some(self.moved(copied.row, copied.copy, place, plan)));
            }
        }
        Ok(None)
    }

    /// Moves on to the event at `time_ms`.
    #[inline]
    fn pass(&mut self, time_ms: u64, plan: &Plan) -> Place {
        let place = match self.at {
            None => Place { time_ms, offset_ns: 0, capped: false },
            Some(before) => {
                let gap_ns = (time_ms - before.time_ms).saturating_mul(NS_PER_MS);
                let offset_ns = before.offset_ns.saturating_add(gap_ns.min(plan.max_gap_ns));
                Place { time_ms, offset_ns, capped: gap_ns > plan.max_gap_ns }
            }
        };
        self.at = Some(place);
        self.passed += 1;
        place
    }

    fn moved(&self, row: Row, copy: u32, place: Place, plan: &Plan) -> Moved {
        let generation = self.round.saturating_mul(plan.amplify.copies.into()).saturating_add(copy.into());
        let order = |id: u32| plan.next_transaction.wrapping_mul(generation).wrapping_add(id.into());
        Moved {
            number: self.passed - 1,
            offset: Nanos(plan.round_offset.0.saturating_mul(self.round).saturating_add(place.offset_ns)),
            time_ms: plan.round_ms.saturating_mul(self.round).saturating_add(place.time_ms),
            within_round_ms: place.time_ms,
            available: row.available(),
            user: user_of(row, copy, plan),
            item: row.item,
            action: row.action(),
            transaction: row.transaction().map(order),
            session: plan.next_session.wrapping_mul(wrapped(self.round)).wrapping_add(row.session()),
            capped: place.capped,
        }
    }
}

fn user_of(row: Row, copy: u32, plan: &Plan) -> u64 {
    plan.next_user * u64::from(copy) + u64::from(row.user)
}

#[expect(clippy::cast_possible_truncation, reason = "rounds beyond 2^32 repeat session numbers")]
const fn wrapped(round: u64) -> u32 {
    round as u32
}
