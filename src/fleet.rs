//! A fleet: the shards of one run, each a process, that agree through a topic on when to start and hear what became of one another.
//!
//! There is no coordinator. Each shard writes what it has to say into partition 0 of one compacted topic, reads what the others
//! say, and draws the same conclusions from the same records in the same order:
//!
//! - [`member`]: one shard's seat: it fences whoever had it before, waits for the others, and tells once a second how it goes.
//! - [`roll`]: what the topic says of a run, as a pure fold over its records.
//! - [`record`]: the records.
//! - [`offset`]: what the broker's time stamps say of this machine's clock.
//! - [`onlooker`]: who reads what they write by a clock of its own.
//! - [`orders`]: what somebody who is no shard asks of shards that are on call.
//! - [`channel`]: the topic, with a transactional producer that only one process at a time can have.
//! - [`gather`] and [`parcel`]: the shards' bundles through the topic.
//! - [`render`]: the files that start the shards.

pub mod channel;
pub mod gather;
pub mod member;
pub mod offset;
pub mod onlooker;
pub mod orders;
pub mod parcel;
pub mod record;
pub mod render;
pub mod roll;

use std::time::Duration;

use crate::figures::counted;
use crate::kafka::{KafkaError, TransactionError};
use record::Who;

/// Between the last readiness and the start, by the broker's clock: the time in which all must have read that record.
pub const MARGIN: Duration = Duration::from_secs(5);
/// How often a shard tells how it goes, in a fleet of at most [`MANY`].
pub const BEAT: Duration = Duration::from_secs(1);
/// All shards read what all write: from here on each speaks less often, so that what is read grows with their number, not with its square.
pub const MANY: u16 = 100;
/// A shard of which nothing was heard for so long, by the broker's clock, is lost.
pub const LOST_AFTER: Duration = Duration::from_secs(30);
/// How far a clock may be from the broker's: certificates and tokens fail long before, and due times in stamps make no sense.
pub const FARTHEST_CLOCK: Duration = Duration::from_secs(3600);

/// Why a shard is not part of its fleet.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The cluster, or the client's settings.
    #[error(transparent)]
    Kafka(#[from] KafkaError),
    /// A transaction by which a shard holds its seat was refused.
    #[error("holding a seat in the fleet's topic \"{topic}\" as {id}: {error}")]
    Seat {
        /// The topic.
        topic: String,
        /// The transactional id.
        id: String,
        /// Why.
        error: TransactionError,
    },
    /// The topic is kept in another way than a fleet needs.
    #[error("the fleet's topic \"{topic}\" has {setting}={value}, and a fleet needs {needs}")]
    Unfit {
        /// The topic.
        topic: String,
        /// The setting.
        setting: &'static str,
        /// What it is.
        value: String,
        /// What it should be.
        needs: &'static str,
    },
    /// What was written was not acked in time.
    #[error("the fleet's topic \"{topic}\" took no record within {}: {why}", crate::figures::span_s(waited.as_secs_f64()))]
    Mute {
        /// The topic.
        topic: String,
        /// How long it was tried.
        waited: Duration,
        /// The last answer.
        why: String,
    },
    /// Another process has the same seat, and came later.
    #[error("another process took the place of shard {shard}{}", by.as_ref().map_or_else(String::new, |by| format!(": {by}")))]
    Fenced {
        /// The shard.
        shard: String,
        /// Which one, where it said so.
        by: Option<Who>,
    },
    /// The run of that id has begun.
    #[error("run {run} began at {at}: nobody enters a run that has begun")]
    Begun {
        /// The run.
        run: String,
        /// When, by the broker's clock.
        at: String,
    },
    /// Shards that cannot be parts of one run.
    #[error("shards of run {run} are not parts of one run: {what}")]
    Unlike {
        /// The run.
        run: String,
        /// What differs, in which of them.
        what: String,
    },
    /// Some did not come.
    #[error("{} of {of} did not stand ready within {waited:?}: {}", counted(missing.len() as u64, "shard"), missing.join(", "))]
    Missing {
        /// Which, and what is known of each.
        missing: Vec<String>,
        /// How many there are to be.
        of: u16,
        /// How long was waited.
        waited: Duration,
    },
    /// Somebody else gives the orders of a search.
    #[error("somebody else gives the orders of search {search} by now")]
    Recalled {
        /// The search.
        search: String,
    },
    /// Nobody spoke of a run.
    #[error("nothing was heard of run {run} within {waited:?}")]
    Unheard {
        /// The run.
        run: String,
        /// How long was waited.
        waited: Duration,
    },
    /// A bundle cannot be handed in.
    #[error("the bundle cannot be handed in: {0}")]
    Bundle(#[from] std::io::Error),
    /// Bundles that were handed in cannot be put into folders.
    #[error("the bundles cannot be unpacked: {0}")]
    Unpacked(std::io::Error),
    /// This machine's clock is wrong.
    #[error("this machine's clock is {} {} that of the broker", away(*offset_ns), if *offset_ns > 0 { "behind" } else { "ahead of" })]
    Clock {
        /// The broker's clock less this machine's.
        offset_ns: i64,
    },
    /// It was asked to end.
    #[error("interrupted before the start")]
    Interrupted,
    /// A thread did not start.
    #[error("the thread that speaks with the fleet: {0}")]
    Thread(String),
}

/// How often each of so many shards tells how it goes: within 10 s, as one of which nothing is heard for 30 s is lost.
#[must_use]
pub fn beat(of: u16) -> Duration {
    BEAT * u32::from(of.div_ceil(MANY).clamp(1, 10))
}

/// This machine's name.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    if name.trim().is_empty() { "?".to_owned() } else { name.trim().to_owned() }
}

/// That a clock is not so far off that nothing can be made of it.
fn check_clock(offset: offset::Offset) -> Result<(), FleetError> {
    let offset_ns = offset.middle_ns();
    if u128::from(offset_ns.unsigned_abs()) > FARTHEST_CLOCK.as_nanos() {
        return Err(FleetError::Clock { offset_ns });
    }
    Ok(())
}

fn away(offset_ns: i64) -> String {
    crate::figures::span_s(Duration::from_nanos(offset_ns.unsigned_abs()).as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_hours_away_is_refused_and_told() {
        let of = |hours: i64| {
            let ns = hours * 3_600_000_000_000;
            check_clock(offset::Offset { low_ns: ns - 1_000_000, high_ns: ns + 1_000_000 })
                .map_err(|error| error.to_string())
        };
        assert_eq!(of(0), Ok(()));
        assert_eq!(of(3).unwrap_err(), "this machine's clock is 3 h behind that of the broker");
        assert_eq!(of(-2).unwrap_err(), "this machine's clock is 2 h ahead of that of the broker");
    }

    #[test]
    fn many_shards_speak_less_often_and_often_enough_not_to_be_lost() {
        let seconds = |of| beat(of).as_secs();
        assert_eq!([1, 100, 101, 250, 1_000, 4_096].map(seconds), [1, 1, 2, 3, 10, 10]);
        assert!(beat(u16::MAX) * 3 <= LOST_AFTER);
    }
}
