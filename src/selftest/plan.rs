//! Which event suffers which fault: drawn from a seed before the run, so that the numbers are known beforehand.

use std::collections::{BTreeMap, HashMap};

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::fault::Fault;
use crate::kafka::murmur2;
use crate::source::{Event, LaneError, Source};

/// An event: lane and sequence.
pub(super) type Identity = (u16, u64);

/// Lanes of the run.
pub(super) const LANES: u16 = 2;
/// Lanes of the whole run: the last one is a sibling process's, which sends nothing by itself.
pub(super) const ALL: u16 = LANES + 1;
/// Events of each lane.
pub(super) const EACH: u64 = 3_000;
/// The first events of a lane suffer nothing that is planned here: the reader deletes some of them.
const HEAD: u64 = 300;
/// Nor do the last ones, but for those that are delayed: the reader withholds some of them.
const TAIL: u64 = 300;
/// The partition whose first records are deleted, and in whose last ones a delay disturbs nobody.
pub(super) const DELETED_IN: i32 = 0;
/// Records of that partition after which another leader seems to have taken over.
pub(super) const LEADER_AFTER: u64 = 100;

/// The plan.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) partitions: i32,
    /// The faults that are known by event.
    pub(super) faults: HashMap<Identity, Fault>,
    /// Records deleted from the start of [`DELETED_IN`].
    pub(super) deleted: u64,
}

impl Plan {
    /// Draws a plan for the events of `source`.
    pub(super) fn draw(source: &Source, seed: u64, partitions: i32) -> Result<Self, LaneError> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut lanes: BTreeMap<u16, Vec<i32>> = BTreeMap::new();
        for number in 0..LANES {
            let mut lane = source.lane(number, ALL)?;
            let events = std::iter::from_fn(|| lane.draw()).take(usize::try_from(EACH).unwrap_or(usize::MAX));
            let place = |event: &Event| match event {
                Event::Shop(event) => murmur2::partition(event.user.0.to_string().as_bytes(), partitions),
                Event::Own(_) => 0,
            };
            lanes.insert(number, events.map(|drawn| place(&drawn.event)).collect());
        }
        let mut victims: Vec<Identity> =
            (0..LANES).flat_map(|lane| (HEAD..EACH - TAIL).map(move |sequence| (lane, sequence))).collect();
        victims.shuffle(&mut random);
        let mut faults = HashMap::new();
        let by_plan = |fault: &Fault| {
            !matches!(fault, Fault::Deleted | Fault::Withheld | Fault::NotReplicated | Fault::Delayed)
                && !fault.is_of_transactions()
        };
        for fault in Fault::ALL.into_iter().filter(by_plan) {
            let count = random.random_range(2..=9);
            faults.extend(victims.drain(..count).map(|victim| (victim, fault)));
        }
        for (lane, places) in &lanes {
            let count = random.random_range(2..=9);
            let last: Vec<u64> = (0..EACH)
                .zip(places)
                .filter(|(_, place)| **place == DELETED_IN)
                .map(|(sequence, _)| sequence)
                .collect();
            faults.extend(last.into_iter().rev().take(count).map(|sequence| ((*lane, sequence), Fault::Delayed)));
        }
        Ok(Self { partitions, faults, deleted: random.random_range(2..=9) })
    }

    /// The partition whose last records are withheld.
    pub(super) const fn withheld_in(&self) -> i32 {
        self.partitions - 1
    }

    /// Withholding begins when every lane has come so far.
    pub(super) const fn withheld_from() -> u64 {
        EACH - TAIL
    }

    /// From there on the high watermark is withheld.
    pub(super) const fn unreplicated_from() -> u64 {
        EACH - TAIL / 2
    }

    /// How many events suffer `fault` by this plan.
    pub(super) fn count(&self, fault: Fault) -> u64 {
        match fault {
            Fault::Deleted => self.deleted,
            _ => self.faults.values().map(|known| u64::from(*known == fault)).sum(),
        }
    }
}
