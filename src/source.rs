//! Where events come from: a generator or a recording. A source says *what*; [`crate::schedule`] says *when*.

pub mod retail_rocket;
pub mod synthetic;

use std::sync::Arc;

use crate::clock::Nanos;
use crate::shop::{Event, Vocabulary};

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

/// One lane's share of a source. All events of a user come from one lane, in order.
#[derive(Debug)]
pub enum LaneSource {
    /// Drawn from (seed, lane, n).
    Synthetic(synthetic::Lane),
    /// Rows of a time-sorted data set.
    RetailRocket(retail_rocket::Lane),
}

impl LaneSource {
    /// The lane's next event; `None` when a recording has ended.
    pub fn draw(&mut self) -> Option<Drawn> {
        match self {
            Self::Synthetic(lane) => Some(lane.draw()),
            Self::RetailRocket(lane) => lane.draw(),
        }
    }
}

impl LaneSource {
    /// The number, in the whole run's order, of the lane's event `n`, counted from 0; `None` where that shows only when it is
    /// drawn.
    #[must_use]
    pub fn number(&self, n: u64) -> Option<u64> {
        match self {
            Self::Synthetic(lane) => Some(lane.number(n)),
            Self::RetailRocket(_) => None,
        }
    }
}

/// A source that is loaded and can be divided among lanes.
#[derive(Debug)]
pub enum Source {
    /// Weighted synthetic events.
    Synthetic(Arc<synthetic::Synthetic>),
    /// A Retail Rocket recording.
    RetailRocket(Arc<retail_rocket::Recording>),
}

impl Source {
    /// The share of lane `lane` of `lanes`.
    ///
    /// # Errors
    /// Where the source cannot be divided among so many lanes.
    pub fn lane(&self, lane: u16, lanes: u16) -> Result<LaneSource, synthetic::ConfigError> {
        match self {
            Self::Synthetic(source) => source.lane(lane, lanes).map(LaneSource::Synthetic),
            Self::RetailRocket(source) => Ok(LaneSource::RetailRocket(source.lane(lane, lanes))),
        }
    }

    /// The texts its events point into.
    #[must_use]
    pub fn vocabulary(&self) -> Arc<Vocabulary> {
        match self {
            Self::Synthetic(source) => source.vocabulary(),
            Self::RetailRocket(source) => source.vocabulary(),
        }
    }

    /// How many events it has; `None` for a generator, and for a recording in rounds without end.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match self {
            Self::Synthetic(_) => None,
            Self::RetailRocket(source) => source.len(),
        }
    }

    /// Whether a recording has no event left after filtering. A generator is never empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Synthetic(_) => false,
            Self::RetailRocket(source) => source.is_empty(),
        }
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Synthetic(_) => "synthetic",
            Self::RetailRocket(_) => "retail_rocket",
        }
    }
}
