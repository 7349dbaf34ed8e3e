//! Which event suffers which fault: drawn from a seed before the run, so that the numbers are known beforehand.

use std::collections::{BTreeMap, HashMap, HashSet};

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::Config;
use super::fault::Fault;
use crate::kafka::murmur2;
use crate::source::{Event, LaneError, Source};
use crate::wire::shape::Shape;

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
/// So many events follow, among which there is one of the same partition that suffers nothing.
const FOLLOWED: u64 = 200;
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
    pub(super) fn draw(source: &Source, config: &Config) -> Result<Self, LaneError> {
        let Config { partitions, seed, wire, ref catalogue, .. } = *config;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut lanes: BTreeMap<u16, Vec<i32>> = BTreeMap::new();
        let mut with_unions: HashSet<Identity> = HashSet::new();
        let has_union: Vec<bool> = catalogue
            .types()
            .map(|(_, declared)| declared.record.fields.iter().any(|field| matches!(field.shape, Shape::Optional(_))))
            .collect();
        let keys: Vec<_> = catalogue.keys().collect();
        for number in 0..LANES {
            let mut lane = source.lane(number, ALL)?;
            let events: Vec<Event> = (0..EACH).map_while(|_| lane.draw()).map(|drawn| drawn.event).collect();
            let kinds = (0..).zip(&events).filter(|(_, event)| has_union.get(kind_of(event)) == Some(&true));
            with_unions.extend(kinds.map(|(sequence, _)| (number, sequence)));
            let place = |event: &Event| match event {
                Event::Shop(shop) => {
                    let text = shop.user.0.to_string();
                    let key = keys.get(kind_of(event)).map(|key| key.key_of(text.as_bytes()));
                    murmur2::partition(&key.unwrap_or_default(), partitions)
                }
                Event::Own(_) | Event::Recorded(_) | Event::Web(_) => 0,
            };
            lanes.insert(number, events.iter().map(place).collect());
        }
        let mut victims: Vec<Identity> =
            (0..LANES).flat_map(|lane| (HEAD..EACH - TAIL).map(move |sequence| (lane, sequence))).collect();
        victims.shuffle(&mut random);
        let mut faults = HashMap::new();
        let by_plan = |fault: &Fault| {
            !matches!(
                fault,
                Fault::Deleted | Fault::Withheld | Fault::NotReplicated | Fault::Delayed | Fault::SchemaSilent
            ) && !fault.is_of_transactions()
        };
        for fault in Fault::of(wire).filter(by_plan) {
            let count = random.random_range(2..=9);
            let can_suffer = |victim: &mut Identity| match fault {
                Fault::BadUnion => with_unions.contains(victim),
                // The next one that suffers nothing is to be read, too.
                Fault::Swapped => victim.1 < EACH - TAIL - FOLLOWED,
                _ => true,
            };
            faults.extend(victims.extract_if(.., can_suffer).take(count).map(|victim| (victim, fault)));
        }
        for (lane, places) in &lanes {
            let count = random.random_range(2..=9);
            let last: Vec<u64> = (0..EACH)
                .zip(places)
                .filter(|(_, place)| **place == DELETED_IN)
                .map(|(sequence, _)| sequence)
                .collect();
            let mut last = last.into_iter().rev().map(|sequence| (*lane, sequence));
            // What follows it is not judged either: it is sent after all others.
            let silent = Fault::of(wire).filter(|fault| *fault == Fault::SchemaSilent);
            faults.extend(silent.zip(&mut last).map(|(fault, event)| (event, fault)));
            faults.extend(last.take(count).map(|event| (event, Fault::Delayed)));
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

fn kind_of(event: &Event) -> usize {
    match event {
        Event::Shop(event) => event.kind().index(),
        Event::Own(_) | Event::Recorded(_) | Event::Web(_) => usize::MAX,
    }
}
