//! What the second reading found, as the judge asks for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::event::stamp::Stamp;
use crate::kafka::Record;
use crate::ledger::Outstanding;
use crate::ledger::class::LookUp;
use crate::ledger::judge::Evidence;
use crate::verify::look_up::{Identity, Presence};
use crate::verify::{Damaged, Duplicate, Overtaking, PartitionState};

/// All that was found.
#[derive(Debug, Default)]
pub(in crate::run) struct SeenInLog {
    /// What lies at the offsets of unseen events.
    pub(super) at: HashMap<Identity, LookUp>,
    /// Where the damaged records lie that claim to be an event.
    pub(super) damaged: HashMap<Identity, (i32, i64)>,
    /// What is in the log, where all of it was read again.
    pub(super) present: Option<(BTreeMap<u16, Presence>, Horizons)>,
    /// Partitions that were not read again to their end.
    pub(super) unfinished: Vec<i32>,
}

impl SeenInLog {
    /// What lies at the acked offset of an unseen event.
    pub(in crate::run) fn at(&self, lane: u16, sequence: u64) -> LookUp {
        self.at.get(&(lane, sequence)).copied().unwrap_or(LookUp::Nothing)
    }

    /// Whether what was seen of an event, and was damaged, lies elsewhere than where it was acked: then it is another producer's.
    pub(in crate::run) fn is_elsewhere(&self, lane: u16, sequence: u64, acked: (i32, i64)) -> bool {
        self.damaged.get(&(lane, sequence)).is_some_and(|seen| *seen != acked)
    }

    /// Whether an event is in the log; `None` where not all of it was read again.
    pub(in crate::run) fn is_present(&self, lane: u16, sequence: u64) -> Option<bool> {
        let (present, _) = self.present.as_ref()?;
        Some(present.get(&lane).is_some_and(|present| present.has(sequence)))
    }

    /// Whether an event that was seen is proven to be no longer in the log.
    pub(in crate::run) fn is_gone(&self, lane: u16, sequence: u64) -> bool {
        let horizon = || self.present.as_ref().map_or(u64::MAX, |(_, horizons)| horizons.of(lane));
        self.is_present(lane, sequence) == Some(false) && sequence >= horizon()
    }
}

/// Where the damaged records lie that claim to be an event, by lane and sequence.
pub(super) fn places_of(damaged: &[Damaged]) -> HashMap<Identity, (i32, i64)> {
    let place = |damaged: &Damaged| {
        Some(((damaged.lane, damaged.sequence), (damaged.example.partition?, damaged.example.offset?)))
    };
    damaged.iter().filter_map(place).collect()
}

/// Where copies of events lie, as far as that is known.
pub(in crate::run) struct Copies {
    /// How far each partition had been read: what lies beyond was written when the reader had ended.
    reached: Vec<i64>,
    /// Those that were seen; `None` where there were too many to remember.
    seen: Option<BTreeSet<(i32, i64)>>,
}

impl Copies {
    /// `seen_again`: how many were seen.
    pub(in crate::run) fn new(states: &[PartitionState], duplicates: &[Duplicate], seen_again: u64) -> Self {
        let places = duplicates.iter().map(|twice| (twice.partition, twice.offset)).collect();
        Self {
            reached: states.iter().map(PartitionState::reached).collect(),
            seen: (duplicates.len() as u64 == seen_again).then_some(places),
        }
    }

    /// Whether a record was no event's first; `None` where that is not known.
    pub(in crate::run) fn has(&self, record: &Record<'_>) -> Option<bool> {
        let reached = usize::try_from(record.partition).ok().and_then(|partition| self.reached.get(partition))?;
        if record.offset >= *reached {
            return Some(true);
        }
        Some(self.seen.as_ref()?.contains(&(record.partition, record.offset)))
    }
}

/// Of partitions whose start moved while they were read (retention, `DeleteRecords`): the first event of each lane that is
/// left. What is absent and came before it may simply have aged out after it was seen.
#[derive(Debug, Default)]
pub(in crate::run) struct Horizons {
    moved: Vec<i32>,
    overtaking: Overtaking,
    first_left: BTreeMap<(u16, i32), u64>,
}

impl Horizons {
    pub(in crate::run) fn new(states: &[PartitionState], overtaking: &Overtaking) -> Self {
        let moved = (0_i32..).zip(states).filter(|(_, state)| state.log_start > state.from);
        Self {
            moved: moved.map(|(partition, _)| partition).collect(),
            overtaking: overtaking.clone(),
            first_left: BTreeMap::new(),
        }
    }

    /// Notes a record of the second reading, which comes in the order of offsets, and is no copy: an old event that was written again may
    /// be the youngest record. What it should have come before may be gone.
    pub(in crate::run) fn note(&mut self, record: &Record<'_>, stamp: Stamp) {
        if self.moved.contains(&record.partition) {
            let overtaking = self.overtaking.before(stamp.lane, record.partition, record.offset);
            let first = overtaking.map_or(stamp.sequence, |highest| stamp.sequence.max(highest + 1));
            self.first_left.entry((stamp.lane, record.partition)).or_insert(first);
        }
    }

    /// Events of that lane from this sequence on cannot have aged out.
    pub(in crate::run) fn of(&self, lane: u16) -> u64 {
        let left = |partition: &i32| self.first_left.get(&(lane, *partition)).copied().unwrap_or(u64::MAX);
        self.moved.iter().map(left).max().unwrap_or(0)
    }
}

/// What was found of one lane's events.
pub(super) struct LaneEvidence<'a> {
    found: &'a SeenInLog,
    lane: u16,
    /// The lane's events in the log, and from which on none can have aged out: as they are asked for of every event.
    present: Option<(Option<&'a Presence>, u64)>,
}

impl<'a> LaneEvidence<'a> {
    pub(super) fn new(found: &'a SeenInLog, lane: u16) -> Self {
        let present = found.present.as_ref().map(|(present, horizons)| (present.get(&lane), horizons.of(lane)));
        Self { found, lane, present }
    }
}

impl Evidence for LaneEvidence<'_> {
    fn look_up(&self, event: &Outstanding) -> LookUp {
        self.found.at(self.lane, event.sequence)
    }

    fn is_elsewhere(&self, event: &Outstanding) -> bool {
        event.offset.is_some_and(|offset| self.found.is_elsewhere(self.lane, event.sequence, (event.partition, offset)))
    }

    fn has_searched(&self) -> bool {
        self.present.is_some()
    }

    fn is_gone(&self, sequence: u64) -> bool {
        self.present.is_some_and(|(present, horizon)| {
            sequence >= horizon && !present.is_some_and(|present| present.has(sequence))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::stamp::DueTime;
    use crate::kafka::Timestamp;
    use crate::kafka::headers::Headers;
    use crate::verify::Place;

    fn stamp(sequence: u64) -> Stamp {
        Stamp { due: DueTime::from_unix_ns(0), tag: 0, lane: 0, sequence, check: 0 }
    }

    fn record(partition: i32) -> Record<'static> {
        let (timestamp, headers) = (Timestamp::Missing, Headers::default());
        Record { partition, offset: 5, timestamp, key: None, body: None, headers, leader_epoch: 0 }
    }

    #[test]
    fn an_absent_event_is_gone_unless_it_may_have_aged_out() {
        let states = [PartitionState { log_start: 5, ..PartitionState::default() }, PartitionState::default()];
        let mut horizons = Horizons::new(&states, &Overtaking::default());
        let mut present = Presence::default();
        for (partition, sequence) in [(1, 3), (0, 10), (0, 12), (1, 13)] {
            horizons.note(&record(partition), stamp(sequence));
            present.note(sequence);
        }
        let found = SeenInLog { present: Some(([(0, present)].into(), horizons)), ..SeenInLog::default() };
        let evidence = LaneEvidence::new(&found, 0);
        assert!(!evidence.is_gone(4), "it may have been deleted below the start of partition 0");
        assert!(!evidence.is_gone(12), "it is there");
        assert!(evidence.is_gone(11), "what came after the first that is left cannot have aged out");
        assert!(!LaneEvidence::new(&found, 1).is_gone(11), "of another lane nothing is left there to tell");
    }

    #[test]
    fn what_should_have_come_after_the_first_that_is_left_may_have_come_before_it() {
        let states = [PartitionState { log_start: 5, ..PartitionState::default() }];
        let first_left = |first: u64, offset: i64| {
            let mut overtaking = Overtaking::default();
            for place in [Place { sequence: 11, offset: 3 }, Place { sequence: 12, offset }] {
                overtaking.note(0, 0, place);
            }
            let mut horizons = Horizons::new(&states, &overtaking);
            horizons.note(&record(0), stamp(first));
            horizons.of(0)
        };
        let why = "it was read before one that should have come first, which may have been this one";
        assert_eq!([first_left(10, 4), first_left(10, 6)], [13, 12], "{why}");
        assert_eq!(first_left(12, 6), 12, "nothing higher was read before it");
        assert_eq!(first_left(14, 4), 14);
    }

    #[test]
    fn a_record_is_a_copy_where_its_event_had_been_seen_and_when_the_reader_had_ended() {
        let copy =
            Duplicate { lane: 0, sequence: 10, home: None, partition: 0, offset: 5, create_ms: 0, example: None };
        let is_copy = |reached, copies: &[Duplicate], seen_again| {
            let states = [PartitionState { position: reached, ..PartitionState::default() }];
            Copies::new(&states, copies, seen_again).has(&record(0))
        };
        assert_eq!(is_copy(9, &[], 0), Some(false), "the first of its event");
        assert_eq!(is_copy(9, &[copy], 1), Some(true));
        assert_eq!(is_copy(9, &[], 1), None, "one of too many to remember");
        assert_eq!(is_copy(5, &[], 1), Some(true), "written when the reader had ended");
    }
}
