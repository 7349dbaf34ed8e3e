//! Events whose records carry no stamp: known by the place that the cluster told when it confirmed them, and by what they hold.
//!
//! Lanes say what they hand over and what is answered ([`LaneUnstamped`]), readers ask whose a record is ([`Unstamped::whose`]). A record
//! that may be one of an event without an answer waits for that: so each confirmed event is known by its place and by nothing
//! else. Events of which no place is told (no answer, `acks=0`) are known by partition, content and order.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::KeyId;
use crate::event::catalogue::TypeIndex;
use crate::event::stamp::Stamp;

/// Events that are kept after they were read, so that they are known when they are read again: some 80 MB.
const MOST_KEPT: usize = 1 << 20;
/// Events by whose content further copies of them are known: the latest.
const MOST_RECENT: usize = 1 << 18;
/// In the place of a partition that the client chooses.
const ANY: i32 = -1;

/// What a record holds, as 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentId(pub u64);

/// What is known of an event beside its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The stamp that it would have.
    pub stamp: Stamp,
    /// Its type.
    pub kind: TypeIndex,
    /// Its key.
    pub key: KeyId,
    /// What it holds.
    pub content: ContentId,
}

/// Whose a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// That event's.
    Ours(Known),
    /// It lies where that event does, and holds something else.
    Changed(Known),
    /// No event's.
    Nobodys,
    /// That shows when events that have no answer yet have theirs.
    Later,
    /// It was known, and is not any more.
    Forgotten,
}

/// The events of a run without stamps.
#[derive(Debug, Default)]
pub struct Unstamped(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Events without an answer, by partition and content.
    outstanding: HashMap<(i32, ContentId), u32>,
    /// Those of which no place is told, and that were not read yet, in the order of their answers.
    unplaced: HashMap<(i32, ContentId), VecDeque<Known>>,
    /// Those that go into a partition that the client chooses.
    anywhere: u32,
    partitions: HashMap<i32, Partition>,
    kept: usize,
    /// By content, the event that was read last, and in which order contents were.
    recent: HashMap<ContentId, Known>,
    order: VecDeque<ContentId>,
}

/// The events of a partition whose places are known.
#[derive(Debug, Default)]
struct Partition {
    /// Events without an answer.
    outstanding: u32,
    /// In the order of their offsets; of a log that was cut off, several may have one.
    placed: VecDeque<(i64, Known)>,
    /// Offsets below were read.
    read: i64,
    /// Offsets below are known no more.
    forgotten: i64,
}

impl Partition {
    fn place(&mut self, offset: i64, known: Known) {
        let at = self.placed.partition_point(|(placed, _)| *placed <= offset);
        self.placed.insert(at, (offset, known));
    }

    /// The events at an offset.
    fn at(&self, offset: i64) -> impl Iterator<Item = &Known> {
        let from = self.placed.partition_point(|(placed, _)| *placed < offset);
        self.placed.range(from..).take_while(move |(placed, _)| *placed == offset).map(|(_, known)| known)
    }
}

impl Unstamped {
    /// Whose the record of that content at that place is. `again`: it is read once more, after the run.
    pub fn whose(&self, partition: i32, offset: i64, content: ContentId, again: bool) -> Whose {
        let state = &mut *self.state();
        let holds_the_same = [partition, ANY].iter().any(|of| state.outstanding.contains_key(&(*of, content)));
        let is_anywhere = state.anywhere > 0;
        let of = state.partitions.entry(partition).or_default();
        let found = of.at(offset).find(|known| known.content == content).copied();
        let changed = of.at(offset).last().copied();
        if let Some(known) = found {
            if !again {
                of.read = of.read.max(offset + 1);
                state.remember(known);
            }
            return Whose::Ours(known);
        }
        if again {
            return match changed {
                Some(known) => Whose::Changed(known),
                None if offset < of.forgotten => Whose::Forgotten,
                None => Whose::Nobodys,
            };
        }
        // Answers come in the order of the log: where later ones are known, none is to come for this place.
        let may_be_told =
            (of.outstanding > 0 || is_anywhere) && of.placed.back().is_none_or(|(last, _)| *last < offset);
        if holds_the_same || may_be_told {
            return Whose::Later;
        }
        of.read = of.read.max(offset + 1);
        if let Some(known) = changed {
            return Whose::Changed(known);
        }
        let unplaced = [partition, ANY].into_iter().find_map(|of| state.take_unplaced((of, content)));
        match unplaced.or_else(|| state.recent.get(&content).copied()) {
            Some(known) => {
                state.place(partition, offset, known);
                state.remember(known);
                Whose::Ours(known)
            }
            None => Whose::Nobodys,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn place(&mut self, partition: i32, offset: i64, known: Known) {
        let of = self.partitions.entry(partition).or_default();
        of.place(offset, known);
        self.kept += 1;
        // What was read goes first, and of this partition: it is the one that grows.
        while self.kept > MOST_KEPT
            && let Some((first, _)) = of.placed.front().filter(|(first, _)| *first < of.read)
        {
            of.forgotten = first + 1;
            of.placed.pop_front();
            self.kept -= 1;
        }
    }

    fn remember(&mut self, known: Known) {
        if self.recent.insert(known.content, known).is_none() {
            self.order.push_back(known.content);
            if self.order.len() > MOST_RECENT
                && let Some(oldest) = self.order.pop_front()
            {
                self.recent.remove(&oldest);
            }
        }
    }

    fn take_unplaced(&mut self, key: (i32, ContentId)) -> Option<Known> {
        let waiting = self.unplaced.get_mut(&key)?;
        let known = waiting.pop_front();
        if waiting.is_empty() {
            self.unplaced.remove(&key);
        }
        known
    }

    /// How many events without an answer go there.
    fn open(&mut self, partition: i32) -> &mut u32 {
        match partition {
            ANY => &mut self.anywhere,
            _ => &mut self.partitions.entry(partition).or_default().outstanding,
        }
    }

    fn answered(&mut self, key: (i32, ContentId)) {
        *self.open(key.0) -= 1;
        if let Some(count) = self.outstanding.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.outstanding.remove(&key);
            }
        }
    }
}

/// What a lane says of its events. What it has not told when it goes has no answer.
#[derive(Debug)]
pub struct LaneUnstamped {
    all: Arc<Unstamped>,
    /// By sequence: the partition that was chosen, and the event.
    outstanding: HashMap<u64, (i32, Known)>,
}

impl LaneUnstamped {
    /// A lane's side of `all`.
    #[must_use]
    pub fn new(all: Arc<Unstamped>) -> Self {
        Self { all, outstanding: HashMap::new() }
    }

    /// An event is about to be handed over, to that partition where it is chosen.
    pub fn expect(&mut self, sequence: u64, partition: Option<i32>, known: Known) {
        let partition = partition.unwrap_or(ANY);
        let mut state = self.all.state();
        *state.open(partition) += 1;
        *state.outstanding.entry((partition, known.content)).or_default() += 1;
        drop(state);
        self.outstanding.insert(sequence, (partition, known));
    }

    /// An event was confirmed, at that offset where it is told.
    pub fn acked(&mut self, sequence: u64, partition: i32, offset: Option<i64>) {
        let Some((chosen, known)) = self.outstanding.remove(&sequence) else { return };
        let mut state = self.all.state();
        state.answered((chosen, known.content));
        match offset {
            Some(offset) => state.place(partition, offset, known),
            None => state.unplaced.entry((chosen, known.content)).or_default().push_back(known),
        }
    }

    /// An event is in no log.
    pub fn refused(&mut self, sequence: u64) {
        if let Some((chosen, known)) = self.outstanding.remove(&sequence) {
            self.all.state().answered((chosen, known.content));
        }
    }

    /// Nobody will say what became of an event.
    pub fn unanswered(&mut self, sequence: u64) {
        self.acked(sequence, ANY, None);
    }
}

/// What has no answer will have none.
impl Drop for LaneUnstamped {
    fn drop(&mut self) {
        let mut open: Vec<u64> = self.outstanding.keys().copied().collect();
        open.sort_unstable();
        for sequence in open {
            self.unanswered(sequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::stamp::DueTime;

    fn known(sequence: u64, content: u64) -> Known {
        let stamp = Stamp { due: DueTime::default(), tag: 1, lane: 0, sequence, check: 0 };
        Known { stamp, kind: TypeIndex(0), key: KeyId::of_number(0), content: ContentId(content) }
    }

    fn both() -> (Arc<Unstamped>, LaneUnstamped) {
        let all = Arc::new(Unstamped::default());
        (Arc::clone(&all), LaneUnstamped::new(all))
    }

    #[test]
    fn a_record_waits_for_the_answers_of_events_that_hold_the_same() {
        let (all, mut lane) = both();
        lane.expect(0, Some(2), known(0, 7));
        lane.expect(1, None, known(1, 8));
        let at = |offset, content| all.whose(2, offset, ContentId(content), false);
        assert_eq!((at(5, 7), at(5, 8), at(5, 9)), (Whose::Later, Whose::Later, Whose::Later));
        lane.acked(0, 2, Some(5));
        lane.refused(1);
        assert_eq!((at(5, 7), at(6, 8)), (Whose::Ours(known(0, 7)), Whose::Nobodys));
        assert_eq!(at(5, 9), Whose::Changed(known(0, 7)));
    }

    #[test]
    fn of_equal_events_each_is_known_by_its_own_place() {
        let (all, mut lane) = both();
        lane.expect(0, Some(0), known(0, 7));
        lane.expect(1, Some(0), known(1, 7));
        lane.unanswered(0);
        lane.acked(1, 0, Some(4));
        let at = |offset| all.whose(0, offset, ContentId(7), false);
        assert_eq!(at(4), Whose::Ours(known(1, 7)), "the one that was confirmed there, though the other came first");
        assert_eq!(at(3), Whose::Ours(known(0, 7)), "the one that nobody confirmed");
        assert_eq!(at(5), Whose::Ours(known(0, 7)), "one more copy of the last");
        let again = |offset| all.whose(0, offset, ContentId(7), true);
        assert_eq!([again(3), again(4), again(9)], [at(3), at(4), Whose::Nobodys]);
    }

    #[test]
    fn what_a_lane_leaves_open_has_no_answer() {
        let (all, mut lane) = both();
        lane.expect(0, Some(0), known(0, 7));
        drop(lane);
        assert_eq!(all.whose(0, 1, ContentId(7), false), Whose::Ours(known(0, 7)));
    }

    proptest! {
        #[test]
        fn every_confirmed_event_is_found_where_it_is_once_all_is_answered(
            events in proptest::collection::vec((0..2_i32, 0..4_u64, 0..4_u8), 0..60),
        ) {
            let (all, mut lane) = both();
            let mut ends = [0_i64; 2];
            let mut log = Vec::new();
            for (sequence, (partition, content, _)) in (0..).zip(&events) {
                lane.expect(sequence, Some(*partition), known(sequence, *content));
            }
            for (sequence, (partition, content, fate)) in (0..).zip(&events) {
                let end = &mut ends[usize::try_from(*partition).unwrap()];
                match fate {
                    0 => lane.refused(sequence),
                    1 => lane.unanswered(sequence),
                    _ => {
                        lane.acked(sequence, *partition, Some(*end));
                        log.push((*partition, *end, *content, sequence));
                        *end += 1;
                    }
                }
            }
            for (partition, offset, content, sequence) in log {
                let found = all.whose(partition, offset, ContentId(content), false);
                prop_assert_eq!(found, Whose::Ours(known(sequence, content)));
            }
        }
    }
}
