//! 1,024 sequences of a lane with their due times, which tell an event seen again from another one with the same number.

#![expect(clippy::cast_possible_truncation, reason = "places within a block are below 1,024")]

use crate::event::stamp::DueTime;

/// Sequences in a block.
pub(super) const BLOCK: u64 = 1 << 10;
const WORDS: usize = (BLOCK / 64) as usize;

/// A sequence with its due time.
pub(super) type Point = (u64, DueTime);

/// First and last due time of some events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) first: DueTime,
    pub(super) last: DueTime,
}

impl Span {
    pub(super) const fn of(due: DueTime) -> Self {
        Self { first: due, last: due }
    }

    pub(super) fn holds(self, due: DueTime) -> bool {
        self.first <= due && due <= self.last
    }

    pub(super) fn join(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// What a block says of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Unseen,
    Damaged,
    /// Seen, due then.
    Seen(DueTime),
}

/// A set of places in a block.
#[derive(Clone, Copy, Debug, Default)]
struct Places([u64; WORDS]);

impl Places {
    const fn has(&self, within: usize) -> bool {
        self.0[within / 64] >> (within % 64) & 1 == 1
    }

    const fn put(&mut self, within: usize) {
        self.0[within / 64] |= 1 << (within % 64);
    }

    const fn take(&mut self, within: usize) {
        self.0[within / 64] &= !(1 << (within % 64));
    }

    /// The last place before `within`.
    fn before(&self, within: usize) -> Option<usize> {
        let mut word = within / 64;
        let mut bits = if word < WORDS { self.0[word] & !(u64::MAX << (within % 64)) } else { 0 };
        loop {
            if bits != 0 {
                return Some(word * 64 + bits.ilog2() as usize);
            }
            word = word.checked_sub(1)?;
            bits = self.0[word];
        }
    }

    /// The first place from `within` on.
    fn from(&self, within: usize) -> Option<usize> {
        let mut word = within / 64;
        let mut bits = self.0.get(word)? & u64::MAX << (within % 64);
        while bits == 0 {
            word += 1;
            bits = *self.0.get(word)?;
        }
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    fn count_before(&self, within: usize) -> u64 {
        let whole: u32 = self.0[..within / 64].iter().map(|word| word.count_ones()).sum();
        let part = self.0.get(within / 64).map_or(0, |word| (word & !(u64::MAX << (within % 64))).count_ones());
        u64::from(whole + part)
    }
}

/// Due times: as distances from a base while they lie within 70 minutes around the first one, else as they are.
#[derive(Debug)]
enum Dues {
    Near(Box<[u32]>),
    Far(Box<[u64]>),
}

#[derive(Debug)]
pub(super) struct Block {
    /// Its first sequence.
    start: u64,
    seen: Places,
    damaged: Places,
    count: u64,
    span: Option<Span>,
    base: u64,
    dues: Dues,
}

impl Block {
    /// An empty block that holds `sequence`.
    pub(super) fn around(sequence: u64, due: DueTime) -> Self {
        Self {
            start: sequence / BLOCK * BLOCK,
            seen: Places::default(),
            damaged: Places::default(),
            count: 0,
            span: None,
            base: due.ticks().saturating_sub(1 << 31),
            dues: Dues::Near(vec![0; BLOCK as usize].into()),
        }
    }

    const fn place(sequence: u64) -> usize {
        (sequence % BLOCK) as usize
    }

    pub(super) fn cell(&self, sequence: u64) -> Cell {
        let within = Self::place(sequence);
        if self.seen.has(within) {
            Cell::Seen(self.due_at(within))
        } else if self.damaged.has(within) {
            Cell::Damaged
        } else {
            Cell::Unseen
        }
    }

    pub(super) fn damage(&mut self, sequence: u64) {
        self.damaged.put(Self::place(sequence));
    }

    pub(super) fn see(&mut self, sequence: u64, due: DueTime) {
        let within = Self::place(sequence);
        let near = due.ticks().checked_sub(self.base).and_then(|far| u32::try_from(far).ok());
        match (&mut self.dues, near) {
            (Dues::Near(dues), Some(near)) => dues[within] = near,
            (Dues::Far(dues), _) => dues[within] = due.ticks(),
            (Dues::Near(dues), None) => {
                let mut far: Box<[u64]> = dues.iter().map(|near| self.base + u64::from(*near)).collect();
                far[within] = due.ticks();
                self.dues = Dues::Far(far);
            }
        }
        self.damaged.take(within);
        self.seen.put(within);
        self.count += 1;
        self.span = Some(self.span.map_or(Span::of(due), |span| span.join(Span::of(due))));
    }

    fn due_at(&self, within: usize) -> DueTime {
        DueTime::from_ticks(match &self.dues {
            Dues::Near(dues) => self.base + u64::from(dues[within]),
            Dues::Far(dues) => dues[within],
        })
    }

    fn point(&self, within: usize) -> Point {
        (self.start + within as u64, self.due_at(within))
    }

    pub(super) const fn seen(&self) -> u64 {
        self.count
    }

    pub(super) const fn is_full(&self) -> bool {
        self.count == BLOCK
    }

    pub(super) const fn span(&self) -> Option<Span> {
        self.span
    }

    /// How many of the sequences before this one were seen.
    pub(super) fn seen_before(&self, sequence: u64) -> u64 {
        let within = sequence.saturating_sub(self.start).min(BLOCK);
        self.seen.count_before(within as usize)
    }

    pub(super) fn first(&self) -> Option<Point> {
        self.seen.from(0).map(|within| self.point(within))
    }

    pub(super) fn last(&self) -> Option<Point> {
        self.before(self.start + BLOCK)
    }

    /// The last point before a sequence of this block.
    pub(super) fn before(&self, sequence: u64) -> Option<Point> {
        let within = usize::try_from(sequence - self.start).unwrap_or(usize::MAX);
        self.seen.before(within).map(|within| self.point(within))
    }

    /// The first point after a sequence of this block.
    pub(super) fn after(&self, sequence: u64) -> Option<Point> {
        self.seen.from(Self::place(sequence) + 1).map(|within| self.point(within))
    }

    /// The points in their order.
    pub(super) fn points(&self) -> impl Iterator<Item = Point> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let within = self.seen.from(next)?;
            next = within + 1;
            Some(self.point(within))
        })
    }

    /// The last point that was due by then: due times rise with the sequences.
    pub(super) fn due_by(&self, due: DueTime) -> Option<Point> {
        self.points().take_while(|(_, at)| *at <= due).last()
    }

    /// Takes out what was due after `due`.
    pub(super) fn split_off(&mut self, due: DueTime) -> Option<Self> {
        let cut = self.points().find(|(_, at)| *at > due)?;
        let mut points = self.points().collect::<Vec<_>>().into_iter();
        let damaged = self.damaged;
        let mut kept = Self::around(self.start, self.first()?.1);
        let mut taken = Self::around(self.start, cut.1);
        points.by_ref().for_each(
            |(sequence, at)| {
                if sequence < cut.0 { kept.see(sequence, at) } else { taken.see(sequence, at) }
            },
        );
        kept.damaged = damaged;
        *self = kept;
        Some(taken)
    }
}
