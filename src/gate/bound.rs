//! Why a value is only a lower bound.

use crate::figures::{self, counted};
use crate::report::latency::Bound;

/// Why a value is a lower bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLeast {
    /// Some events were never answered or seen, and entered as the time they were waited for.
    Censored(u64),
    /// Some samples lay above the histogram's range.
    Saturated(u64),
    /// Some acked events were not read back: what they would have shown is not known.
    Unread(u64),
    /// In some seconds of the timeline it is not known.
    Unknown {
        /// How many.
        seconds: u64,
        /// Of how many.
        of: u64,
    },
    /// Some results are undecided.
    Undecided(u64),
    /// Some of the processes that were added up stalled while others told nothing.
    Parts(u64),
}

impl From<Bound> for AtLeast {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Censored(events) => Self::Censored(events),
            Bound::Saturated(samples) => Self::Saturated(samples),
        }
    }
}

impl AtLeast {
    /// The reason in words.
    #[must_use]
    pub fn reason(self) -> String {
        match self {
            Self::Censored(events) => format!("at least this: {} without an answer", counted(events, "event")),
            Self::Saturated(samples) => {
                format!("at least this: {} above the histogram's range", counted(samples, "sample"))
            }
            Self::Unread(events) => {
                format!("at least this: the fate of {} is not known", counted(events, "acked event"))
            }
            Self::Undecided(results) => format!("at least this: {} undecided", counted(results, "result")),
            Self::Unknown { seconds, of } => format!("at least this: {}", not_known(seconds, of)),
            Self::Parts(parts) => {
                format!(
                    "at least this: {} of the processes stalled more than all of them at once",
                    figures::count(parts)
                )
            }
        }
    }
}

/// In words, that so many seconds of the timeline lack a value.
#[must_use]
pub fn not_known(seconds: u64, of: u64) -> String {
    format!("it is not known in {} of the timeline's {}", figures::count(seconds), counted(of, "second"))
}
