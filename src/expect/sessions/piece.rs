//! What sessions are made of.

use crate::expect::outcome::Outcome;
use crate::expect::total::Total;

/// Events behind a repartition that were written in the same of steps of so many ms, and have times in the same, are one piece, in whatever order
/// they come.
const PIECE: i64 = 250;

/// Whether events are in the session that they lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Sure,
    /// They are, or are not.
    Loose,
    /// That depends on how far the task's time had come: written between these times, in ms.
    By(i64, i64),
}

/// Events of a session that follow one another.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// The time of the first.
    pub(super) from: i64,
    /// That of the last.
    pub(super) until: i64,
    pub(super) total: Total,
    pub(super) fate: Fate,
    pub(super) is_own: bool,
}

impl Piece {
    /// Takes another in, where nothing is lost by it.
    fn take(&mut self, other: &Self, gap: i64) -> bool {
        let (from, until) = (self.from.min(other.from), self.until.max(other.until));
        let fate = match (self.fate, other.fate) {
            (Fate::Sure, Fate::Sure) if other.from - self.until <= gap && self.from - other.until <= gap => Fate::Sure,
            (Fate::By(one, two), Fate::By(three, four)) => {
                let is_same = |one: i64, other: i64, step: i64| one.div_euclid(step) == other.div_euclid(step);
                if !is_same(one, three, PIECE) || !is_same(self.from, other.from, gap.min(PIECE)) {
                    return false;
                }
                Fate::By(one.min(three), two.max(four))
            }
            _ => return false,
        };
        let total = std::mem::take(&mut self.total).plus(&other.total);
        *self = Self { from, until, total, fate, is_own: self.is_own || other.is_own };
        true
    }
}

/// Events of a key that no gap parts, as far as is known.
#[derive(Clone, Debug)]
pub(super) struct Session {
    /// In the order of their first events; never empty.
    pieces: Vec<Piece>,
    /// From its first event to its last.
    span: (i64, i64),
    /// Whether another one may hold it: where it does, this one is there no more.
    pub(super) is_held: bool,
}

impl Session {
    pub(super) fn of(piece: Piece) -> Self {
        Self { span: (piece.from, piece.until), pieces: vec![piece], is_held: false }
    }

    pub(super) const fn start(&self) -> i64 {
        self.span.0
    }

    pub(super) const fn end(&self) -> i64 {
        self.span.1
    }

    /// The last event near `ts` that is surely in it, where there is one.
    pub(super) fn surely_reaches(&self, ts: i64, gap: i64) -> Option<i64> {
        let is_near = |piece: &&Piece| piece.until >= ts - gap && piece.from <= ts + gap && piece.fate == Fate::Sure;
        self.pieces.iter().filter(is_near).map(|piece| piece.until).max()
    }

    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    pub(super) fn is_own(&self) -> bool {
        self.pieces.iter().any(|piece| piece.is_own)
    }

    /// Is one with another.
    pub(super) fn join(&mut self, mut other: Self, gap: i64) {
        if other.pieces.len() > self.pieces.len() {
            std::mem::swap(self, &mut other);
        }
        other.pieces.into_iter().for_each(|piece| self.add(piece, gap));
    }

    /// May be one with a session that had closed before.
    pub(super) fn may_hold(&mut self, closed: &Self, gap: i64) {
        for piece in &closed.pieces {
            self.add(Piece { fate: Fate::Loose, is_own: false, ..piece.clone() }, gap);
        }
    }

    fn add(&mut self, piece: Piece, gap: i64) {
        self.span = (self.span.0.min(piece.from), self.span.1.max(piece.until));
        let place = self.pieces.partition_point(|known| known.from <= piece.from);
        let mut near = [place.checked_sub(1), Some(place)].into_iter().flatten();
        let Some(place) = near.find(|near| self.pieces.get_mut(*near).is_some_and(|near| near.take(&piece, gap)))
        else {
            self.pieces.insert(place, piece);
            return;
        };
        // The two that it lies between may be one now.
        if let Some([before, behind]) = self.pieces.get_mut(place..place + 2)
            && before.take(behind, gap)
        {
            self.pieces.remove(place + 1);
        }
    }
}

/// A session with all that is known of its pieces: none of them is [`Fate::By`].
#[derive(Clone, Debug)]
pub(super) struct Settled {
    pub(super) pieces: Vec<Piece>,
    /// Whether the order in which they came is known.
    pub(super) is_exact: bool,
}

impl Settled {
    /// What all of them come to, or the sure ones alone.
    pub(super) fn total(&self, fate: Option<Fate>) -> Total {
        let some = self.pieces.iter().filter(|piece| fate.is_none_or(|fate| piece.fate == fate));
        some.fold(Total::default(), |total, piece| total.plus(&piece.total))
    }

    /// From the first event to the last of all of them, or of the sure ones alone.
    pub(super) fn span(&self, fate: Option<Fate>) -> Option<(i64, i64)> {
        let some = || self.pieces.iter().filter(|piece| fate.is_none_or(|fate| piece.fate == fate));
        Some((some().map(|piece| piece.from).min()?, some().map(|piece| piece.until).max()?))
    }

    /// Whether such a session may come of these pieces and of `late` ones, whatever happened to those that are not sure; `None` where
    /// nobody knows.
    pub(super) fn allows(&self, late: &[Piece], gap: i64, (start, end): (i64, i64), outcome: &Outcome) -> Option<bool> {
        let overlaps = |piece: &&Piece| piece.from <= end && piece.until >= start;
        let (inside, outside): (Vec<&Piece>, Vec<&Piece>) = self.pieces.iter().partition(overlaps);
        let is_sure = |piece: &&Piece| piece.fate == Fate::Sure;
        // Where the order is not known, an event that came late may have begun another session beside one that had closed.
        let may_be_another = !self.is_exact && !inside.iter().all(is_sure);
        let (mut must, mut may) = (Total::default(), Total::default());
        for piece in &inside {
            // What is surely together is inside as a whole, and lies further than the gap from what surely is outside.
            let is_apart = |other: &Piece| other.from - piece.until > gap || piece.from - other.until > gap;
            let is_whole = piece.from >= start
                && piece.until <= end
                && outside.iter().filter(|other| is_sure(other)).all(|other| is_apart(other));
            match () {
                () if !is_sure(piece) => may = may.plus(&piece.total),
                () if !is_whole && !may_be_another => return Some(false),
                () if !is_whole => {}
                () if may_be_another => may = may.plus(&piece.total),
                () => must = must.plus(&piece.total),
            }
        }
        let late: Vec<&Piece> = late.iter().filter(overlaps).collect();
        may = late.iter().fold(may, |may, piece| may.plus(&piece.total));
        let mut all: Vec<&Piece> = inside.into_iter().chain(late).collect();
        all.sort_unstable_by_key(|piece| piece.from);
        // It begins and ends with an event, and none of its events is further than the gap from the next.
        let holds = |at: i64| all.iter().any(|piece| (piece.from..=piece.until).contains(&at));
        let mut reaches = start;
        for piece in &all {
            if piece.from - reaches > gap {
                return Some(false);
            }
            reaches = reaches.max(piece.until);
        }
        if !holds(start) || !holds(end) {
            return Some(false);
        }
        must.may_be_with(&may, outcome)
    }
}
