//! Where events come from: a generator or a recording. A source says *what*; [`crate::schedule`] says *when*.

pub mod retail_rocket;
pub mod synthetic;

use crate::clock::Nanos;
use crate::event::Event;

/// The next event of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Its number in the whole run's order, counted over all lanes: what the schedule is a function of.
    pub number: u64,
    /// For a recording: how long after its first event it happened, idle gaps already capped, at recorded speed. Zero for synthetic events.
    pub recorded_offset: Nanos,
    /// The event.
    pub event: Event,
}
