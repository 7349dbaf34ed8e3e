//! The state of a run, as whoever watches it is told once a second.

use super::summary;
use crate::clock::Nanos;
use crate::event::catalogue::Catalogue;
use crate::kafka::slots::Slots;
use crate::measure::{ClientSums, Shard};
use crate::report::{ExpectReport, RunReport, TimelineRow};

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Events are being sent.
    Sending,
    /// Answers and last records are waited for.
    Draining,
}

/// The state of a run, told once a second.
#[derive(Debug)]
pub struct Tick<'a> {
    /// What it is doing.
    pub stage: Stage,
    /// The last second.
    pub row: &'a TimelineRow,
    /// The last second's counters and histograms.
    pub interval: &'a Shard,
    /// Those of all seconds so far.
    pub total: &'a Shard,
    /// What the clients measured of themselves so far.
    pub client: &'a ClientSums,
    /// Which partition of which topic each of their partitions is.
    pub slots: &'a Slots,
    /// The types of event that there are.
    pub catalogue: &'a Catalogue,
    /// Events that came due so far.
    pub scheduled: u64,
    /// When the row ends.
    pub now: Nanos,
    /// Whether no part of the row lies in a warm-up.
    pub judged: bool,
    /// When what is judged begins.
    pub warm_up_ends: Nanos,
    /// Whether a person held the run in a part of the row.
    pub held: bool,
    /// The names of its phases; empty where a verifier reads alone.
    pub phases: &'a [String],
    /// The rate in percent of the plan, as a person has set it; 0 while it is held.
    pub percent: u32,
    /// Where a verifier reads alone: sequences not seen between the first and the last of each lane.
    pub gaps: Option<u64>,
    /// Where it ends after so many records: how many are still to come.
    pub awaited: Option<u64>,
    /// What is known of the results that are expected downstream: what may still come, or change, is open.
    pub results: &'a [ExpectReport],
}

impl Tick<'_> {
    /// What a report would say now, as far as it is known: for gates that may end the run.
    #[must_use]
    pub fn interim(&self) -> RunReport {
        summary::interim(self)
    }
}
