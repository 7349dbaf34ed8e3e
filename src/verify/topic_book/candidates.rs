//! What claims to be a lane and has not shown itself yet: ids of the same form that other producers draw at random do not go on from
//! one another.

use super::streams::{ByName, NEAR, name_of};
use crate::event::stamp::{DueTime, Stamp};

/// Records that continue one another, which make a lane.
const CONFIRMED: u8 = 3;

/// The events that wait for the one that confirms them.
pub(super) type Waiting = [Option<(u64, DueTime)>; CONFIRMED as usize - 1];

/// Something that claims to be a lane.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    sequence: u64,
    due: DueTime,
    waiting: Waiting,
    count: u8,
}

/// All that claim to be lanes.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    by_name: ByName<Candidate>,
    /// Events of those that were given up.
    given_up: u64,
}

impl Candidates {
    /// Events that were never confirmed: another producer's.
    pub(super) fn unconfirmed(&self) -> u64 {
        self.given_up + self.by_name.values().map(|candidate| u64::from(candidate.count)).sum::<u64>()
    }

    /// Notes an event that may be another producer's. Where it confirms those that wait, it gives them back.
    pub(super) fn note(&mut self, stamp: Stamp) -> Option<Waiting> {
        let name = name_of(stamp.tag, stamp.lane);
        let Stamp { sequence, due, .. } = stamp;
        let fresh = Candidate { sequence, due, waiting: [Some((sequence, due)), None], count: 1 };
        let Some(candidate) = self.by_name.get_mut(&name) else {
            self.by_name.insert(name, fresh);
            return None;
        };
        let is_next = sequence != candidate.sequence
            && sequence.abs_diff(candidate.sequence) <= NEAR
            && (sequence > candidate.sequence) == (due >= candidate.due);
        if !is_next {
            self.given_up += u64::from(candidate.count);
            *candidate = fresh;
            return None;
        }
        (candidate.sequence, candidate.due) = (sequence, due);
        candidate.count += 1;
        if candidate.count < CONFIRMED {
            candidate.waiting[usize::from(candidate.count) - 1] = Some((sequence, due));
            return None;
        }
        self.by_name.remove(&name).map(|candidate| candidate.waiting)
    }
}
