//! Order: within a lane and a partition, first sightings come in rising sequence.

use std::collections::BTreeMap;

/// A first sighting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its sequence in the lane.
    pub sequence: u64,
    /// Its offset.
    pub offset: i64,
}

/// A sighting that came too late, with the ones around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// The one with the highest sequence so far, which should have come after it.
    pub overtaken_by: Place,
    /// The one right before it in the log.
    pub after: Place,
}

/// By lane and partition, what lay before an event that should have come first: the highest until then, in the order of offsets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overtaking(BTreeMap<(u16, i32), Vec<Place>>);

impl Overtaking {
    /// Places kept of each lane in each partition.
    const MOST: usize = 1_000;

    /// Notes what an event of that lane was overtaken by.
    pub fn note(&mut self, lane: u16, partition: i32, by: Place) {
        let places = self.0.entry((lane, partition)).or_default();
        let is_full = places.len() >= Self::MOST;
        match places.last_mut() {
            Some(last) if last.sequence >= by.sequence => {}
            // Further forward than it was: more may have come before an offset then, and not less.
            Some(last) if is_full => last.sequence = by.sequence,
            _ => places.push(by),
        }
    }

    /// The highest sequence that overtook another one and lay before that offset.
    #[must_use]
    pub fn before(&self, lane: u16, partition: i32, offset: i64) -> Option<u64> {
        let places = self.0.get(&(lane, partition))?;
        let count = places.partition_point(|place| place.offset < offset);
        places[..count].last().map(|place| place.sequence)
    }
}

/// The last sightings of each lane in each partition.
#[derive(Debug)]
pub(super) struct Order {
    last: Vec<Option<Extremes>>,
    partitions: usize,
}

#[derive(Clone, Copy, Debug)]
struct Extremes {
    lowest: u64,
    highest: Place,
    latest: Place,
}

impl Order {
    pub(super) fn new(lanes: usize, partitions: usize) -> Self {
        Self { last: vec![None; lanes * partitions], partitions }
    }

    /// The highest sequence of a lane that was seen in a partition.
    pub(super) fn highest(&self, lane: usize, partition: usize) -> Option<u64> {
        let seen = self.last.get(lane * self.partitions + partition)?.as_ref()?;
        Some(seen.highest.sequence)
    }

    /// The lowest sequence of a lane that was seen in a partition.
    pub(super) fn lowest(&self, lane: usize, partition: usize) -> Option<u64> {
        Some(self.last.get(lane * self.partitions + partition)?.as_ref()?.lowest)
    }

    /// Divides the order of a single lane at a sequence from which on its events turned out to be another's. Partitions of which it is
    /// not known what lies on one side are as if nothing had been seen there.
    pub(super) fn split_off(&mut self, from: u64) -> Self {
        let later = self.last.iter_mut().map(|last| match last {
            Some(seen) if seen.lowest >= from => last.take(),
            Some(seen) if seen.highest.sequence >= from => {
                let later = Extremes { lowest: from, ..*seen };
                *last = None;
                Some(later)
            }
            _ => None,
        });
        Self { last: later.collect(), partitions: self.partitions }
    }

    /// Notes a first sighting; tells where one with a higher sequence came before it.
    pub(super) fn see(&mut self, lane: usize, partition: usize, place: Place) -> Option<Late> {
        if partition >= self.partitions {
            return None;
        }
        let last = self.last.get_mut(lane * self.partitions + partition)?;
        let Some(seen) = last else {
            *last = Some(Extremes { lowest: place.sequence, highest: place, latest: place });
            return None;
        };
        let after = std::mem::replace(&mut seen.latest, place);
        seen.lowest = seen.lowest.min(place.sequence);
        if seen.highest.sequence > place.sequence {
            return Some(Late { overtaken_by: seen.highest, after });
        }
        seen.highest = place;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overtook_is_told_as_of_an_offset_and_is_never_less_for_want_of_room() {
        let (mut overtaking, most) = (Overtaking::default(), Overtaking::MOST as u64);
        for number in 0..most + 5 {
            overtaking.note(1, 0, Place { sequence: number * 2, offset: i64::try_from(number * 3).unwrap() });
        }
        assert_eq!(overtaking.before(1, 0, 30), Some(18), "what lay at 30 did not lie before it");
        assert_eq!([overtaking.before(1, 0, 0), overtaking.before(0, 0, 9), overtaking.before(1, 1, 9)], [None; 3]);
        assert_eq!(overtaking.before(1, 0, i64::MAX), Some((most + 4) * 2));
    }

    #[test]
    fn a_sequence_that_goes_back_is_reordered_and_names_its_neighbours() {
        let mut order = Order::new(2, 2);
        let at = |sequence, offset| Place { sequence, offset };
        assert_eq!(order.see(0, 0, at(5, 10)), None);
        assert_eq!(order.see(0, 1, at(2, 0)), None, "another partition has an order of its own");
        assert_eq!(order.see(1, 0, at(1, 11)), None, "and so has another lane");
        assert_eq!(order.see(0, 0, at(3, 12)), Some(Late { overtaken_by: at(5, 10), after: at(5, 10) }));
        assert_eq!(order.see(0, 0, at(4, 13)), Some(Late { overtaken_by: at(5, 10), after: at(3, 12) }));
        assert_eq!(order.see(0, 0, at(6, 14)), None);
    }
}
