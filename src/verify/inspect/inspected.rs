//! What an inspector came to.

use crate::ledger::sightings::Sightings;
use crate::report::Example;
use crate::verify::by_schema::OfSchema;
use crate::verify::findings::Findings;
use crate::verify::order::Overtaking;

/// A second sighting of an event. What kind it is shows when it is compared with the first one, at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The event's lane.
    pub lane: u16,
    /// Its sequence.
    pub sequence: u64,
    /// The partition of its key, where that is known: there the first one is most likely.
    pub home: Option<i32>,
    /// The partition of the second sighting.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its `CreateTime`, ms since the Unix epoch.
    pub create_ms: i64,
    /// What is told of it, where it is one of the examples.
    pub example: Option<Example>,
}

/// A damaged sighting of an event. Should a whole one come, it was none: another producer's, or a damaged copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The event's lane.
    pub lane: u16,
    /// Its sequence.
    pub sequence: u64,
    /// What is told of it.
    pub example: Example,
}

/// What an inspector came to.
#[derive(Debug)]
pub struct Inspected {
    /// Counters and examples.
    pub findings: Findings,
    /// Second sightings whose kind is still to be found out.
    pub duplicates: Vec<Duplicate>,
    /// What was read before events that should have come first.
    pub overtaking: Overtaking,
    /// Damaged sightings, for the examples.
    pub damaged: Vec<Damaged>,
    /// How many events were seen damaged and never whole.
    pub damaged_seen: u64,
    /// Records whose id is of the first layout, by the check of the run that is judged.
    pub older: u64,
    /// What was read of each schema.
    pub schemas: Vec<OfSchema>,
    /// Where each record was put down that claims to be an event of the run.
    pub sightings: Option<Sightings>,
}
