//! What the lanes of all sources have in common.

use crate::clock::Nanos;
use crate::shop::UserId;

/// The next event of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn<E> {
    /// Its number in the whole run's order, counted over all lanes: what the schedule is a function of.
    pub number: u64,
    /// For a recording: how long after its first event it happened, idle gaps already capped, at recorded speed. Zero for synthetic events.
    pub recorded_offset: Nanos,
    /// The event.
    pub event: E,
}

impl<E> Drawn<E> {
    pub(super) fn map<F>(self, of: impl FnOnce(E) -> F) -> Drawn<F> {
        let Self { number, recorded_offset, event } = self;
        Drawn { number, recorded_offset, event: of(event) }
    }
}

/// Which lane of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LaneId {
    pub(super) lane: u16,
    pub(super) lanes: u16,
}

impl LaneId {
    /// The user of rank `rank` within the lane.
    pub(super) fn user(self, rank: u64) -> UserId {
        UserId(rank * u64::from(self.lanes) + u64::from(self.lane))
    }

    /// The global number of the lane's event `n`.
    pub(super) fn number(self, n: u64) -> u64 {
        n * u64::from(self.lanes) + u64::from(self.lane)
    }
}
