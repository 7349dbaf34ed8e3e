//! Which member of a group has which partition.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Nanos;
use crate::kafka::native::Change;

/// How long every partition must have had a reader before a group counts as formed in which some members read nothing.
const CALM: Nanos = Nanos::from_secs(5);

/// How a member stands in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// The group has not yet told what it reads.
    Joining,
    /// It reads what it was given, which may be nothing.
    Reading,
    /// It has given up what it had and waits for what comes.
    Waiting,
}

/// The members of a group, by their places, with the partitions that each has.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    /// How many partitions there are.
    partitions: usize,
    standings: Vec<Standing>,
    /// By partition, the member that has it.
    owners: BTreeMap<i32, usize>,
    /// Since when every partition has had a reader without a break.
    owned_since: Option<Nanos>,
    /// Whether every partition has had a reader once.
    complete: bool,
}

impl Assignment {
    /// Of so many partitions, without a member.
    pub(super) fn of(partitions: usize) -> Self {
        Self { partitions, ..Self::default() }
    }

    /// A member joins, at the last place.
    pub(super) fn join(&mut self) {
        self.standings.push(Standing::Joining);
    }

    /// The last member leaves. Returns how many partitions it had.
    pub(super) fn leave(&mut self) -> usize {
        let Some(place) = self.standings.len().checked_sub(1) else { return 0 };
        self.standings.truncate(place);
        self.take_away(|_, owner| owner == place)
    }

    /// Notes what the group decided for a member. Returns how many partitions it gave up.
    pub(super) fn note(&mut self, place: usize, change: &Change) -> usize {
        if let Some(standing) = self.standings.get_mut(place) {
            *standing = if change.assigned { Standing::Reading } else { Standing::Waiting };
        }
        if change.assigned {
            self.owners.extend(change.partitions.iter().map(|partition| (*partition, place)));
            return 0;
        }
        self.take_away(|partition, owner| owner == place && change.partitions.contains(&partition))
    }

    fn take_away(&mut self, which: impl Fn(i32, usize) -> bool) -> usize {
        let before = self.owners.len();
        self.owners.retain(|partition, owner| !which(*partition, *owner));
        before - self.owners.len()
    }

    /// Notes the time, as all decisions up to then have been noted.
    pub(super) fn keep_time(&mut self, now: Nanos) {
        self.owned_since = self.owned_since.or(Some(now)).filter(|_| self.has_all());
    }

    /// Notes that every partition has a reader; true the first time.
    pub(super) const fn note_complete(&mut self) -> bool {
        !std::mem::replace(&mut self.complete, true)
    }

    /// Whether every partition has had a reader once.
    pub(super) const fn was_complete(&self) -> bool {
        self.complete
    }

    fn has_all(&self) -> bool {
        self.owners.len() == self.partitions
    }

    /// Whether every partition has a reader. While the group forms, members without any are waited for, but not for ever: a coordinator
    /// may leave them without.
    pub(super) fn is_settled(&self, now: Nanos) -> bool {
        let busy = || self.owners.values().copied().collect::<BTreeSet<usize>>().len();
        let calm = || self.owned_since.is_some_and(|since| now >= since + CALM);
        self.has_all() && (self.complete || busy() == self.standings.len().min(self.partitions) || calm())
    }

    /// Whether every member knows what it reads: where others are members too, that is all that can be known.
    pub(super) fn are_all_reading(&self) -> bool {
        self.standings.iter().all(|one| *one == Standing::Reading)
    }

    /// The place of the member that has a partition.
    pub(super) fn owner(&self, partition: i32) -> Option<usize> {
        self.owners.get(&partition).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(assigned: bool, partitions: &[i32]) -> Change {
        Change { assigned, partitions: partitions.to_vec(), ..Change::default() }
    }

    fn of_two_members() -> Assignment {
        let mut assignment = Assignment::of(3);
        assignment.join();
        assignment.join();
        assignment
    }

    #[test]
    fn a_group_has_formed_when_every_member_reads_or_after_a_time_of_calm() {
        let mut assignment = of_two_members();
        assignment.note(0, &change(true, &[0, 1, 2]));
        assignment.keep_time(Nanos::from_secs(1));
        assert!(!assignment.is_settled(Nanos::from_secs(5)), "the second may still be given some");
        assert!(assignment.is_settled(Nanos::from_secs(6)), "it gets none");
        assert_eq!(assignment.note(0, &change(false, &[2])), 1);
        assignment.keep_time(Nanos::from_secs(7));
        assert!(!assignment.is_settled(Nanos::from_secs(60)), "nobody reads partition 2");
        assignment.note(1, &change(true, &[2]));
        assignment.keep_time(Nanos::from_secs(60));
        assert!(assignment.is_settled(Nanos::from_secs(60)), "every member reads");
        assert!(assignment.note_complete() && !assignment.note_complete(), "it forms once");
    }

    #[test]
    fn what_a_member_had_that_leaves_is_given_up() {
        let mut assignment = of_two_members();
        assignment.note(0, &change(true, &[0]));
        assignment.note(1, &change(true, &[1, 2]));
        assert!(assignment.are_all_reading());
        assert_eq!(assignment.note(0, &change(false, &[1])), 0, "it is another's");
        assert!(!assignment.are_all_reading(), "the first waits for what comes");
        assert_eq!((assignment.leave(), assignment.owner(0), assignment.owner(1)), (2, Some(0), None));
    }
}
