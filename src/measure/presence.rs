//! When a thread was there. What it did not see while it did not run is nobody's silence.

use std::collections::VecDeque;

use crate::clock::Nanos;

/// A thread that looks around far more often than this, and has not for so long, did not run: it was stopped, or got no
/// processor. Twice as long as the longest single wait of a lane.
const ABSENT: Nanos = Nanos::from_millis(250);

/// Absences kept; what reaches further back is taken for presence.
const KEPT: usize = 1_024;

/// A time in which a thread, or the process, did not run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// When it was last seen to run.
    pub from: Nanos,
    /// When it ran again.
    pub until: Nanos,
}

impl Absence {
    /// How long it took.
    #[must_use]
    pub fn length(self) -> Nanos {
        self.until.saturating_since(self.from)
    }
}

/// The absences of a thread, by its own clock readings.
#[derive(Debug, Default)]
pub struct Presence {
    last: Option<Nanos>,
    absences: VecDeque<Absence>,
}

impl Presence {
    /// The thread runs, at `now`. The absence that ends by it, where it is one.
    pub fn note(&mut self, now: Nanos) -> Option<Absence> {
        let from = self.last.replace(now)?;
        let absence = Absence { from, until: now };
        if absence.length() < ABSENT {
            return None;
        }
        if self.absences.len() >= KEPT {
            self.absences.pop_front();
        }
        self.absences.push_back(absence);
        Some(absence)
    }

    /// The thread runs, at `now`, and was there since it was last seen: it was kept by calls that it had made itself, which take no
    /// longer than `most`. What lies beyond that is an absence.
    pub fn here(&mut self, now: Nanos, most: Nanos) {
        if let Some(last) = self.last.filter(|last| now.saturating_since(*last) > most) {
            self.last = Some(last + most);
            self.note(now);
        }
        self.last = Some(now);
    }

    /// For how long it was there between two instants.
    #[must_use]
    pub fn time(&self, from: Nanos, until: Nanos) -> Nanos {
        self.within(from, until).fold(Nanos::ZERO, |sum, (start, end)| sum + end.saturating_since(start))
    }

    /// For how long it has been there without a break.
    #[must_use]
    pub fn unbroken(&self, now: Nanos) -> Nanos {
        self.absences.back().map_or(now, |absence| now.saturating_since(absence.until))
    }

    /// The stretches between two instants in which it was there, in order of time.
    pub fn within(&self, from: Nanos, until: Nanos) -> impl Iterator<Item = (Nanos, Nanos)> + '_ {
        // Absences are in order of time, so those before it are a prefix; most often that is all of them.
        let before = self.absences.partition_point(|absence| absence.until <= from);
        let within = self.absences.range(before..).take_while(move |absence| absence.from < until);
        let ends = within.map(|absence| (absence.from, absence.until)).chain([(until, until)]);
        ends.scan(from, |at, (absent, back)| Some((std::mem::replace(at, back), absent)))
            .filter(|(start, end)| end > start)
    }
}

/// How often and for how long a process did not get to run, as a thread sees it that does nothing but wait: the method of
/// jHiccup (Gil Tene).
#[derive(Debug, Default)]
pub struct Hiccups {
    /// The first of them.
    pub first: Vec<Absence>,
    /// How many.
    pub count: u64,
    /// How long all took.
    pub total: Nanos,
    /// How long the longest took.
    pub longest: Nanos,
}

impl Hiccups {
    /// Those kept one by one.
    const TOLD: usize = 100;

    /// A wait that was to take `planned` took from `before` to `after`. What it took longer, where that is a hiccup.
    pub fn note(&mut self, before: Nanos, planned: Nanos, after: Nanos) -> Option<Absence> {
        let absence = Absence { from: before + planned, until: after };
        if absence.length() < ABSENT {
            return None;
        }
        self.count += 1;
        self.total += absence.length();
        self.longest = self.longest.max(absence.length());
        if self.first.len() < Self::TOLD {
            self.first.push(absence);
        }
        Some(absence)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Nanos {
        Nanos::from_millis(ms)
    }

    #[test]
    fn a_thread_that_was_stopped_was_not_there_and_one_that_made_a_long_call_was() {
        let mut presence = Presence::default();
        assert_eq!(presence.note(ms(5_000)), None, "nothing is known of before");
        assert_eq!(presence.note(ms(5_200)), None);
        assert_eq!(presence.note(ms(9_200)), Some(Absence { from: ms(5_200), until: ms(9_200) }));
        presence.here(ms(20_000), ms(60_000));
        assert_eq!(presence.note(ms(20_001)), None);
        let all: Vec<_> = presence.within(ms(5_100), ms(20_001)).collect();
        assert_eq!(all, [(ms(5_100), ms(5_200)), (ms(9_200), ms(20_001))]);
        assert_eq!(presence.within(ms(6_000), ms(9_000)).count(), 0, "all of it");
        assert_eq!(presence.within(ms(9_200), ms(9_300)).collect::<Vec<_>>(), [(ms(9_200), ms(9_300))]);
    }

    #[test]
    fn a_call_that_took_longer_than_it_can_was_stopped() {
        let mut presence = Presence::default();
        presence.note(ms(1_000));
        presence.here(ms(5_000), ms(4_000));
        assert_eq!((presence.time(ms(1_000), ms(5_000)), presence.unbroken(ms(5_000))), (ms(4_000), ms(5_000)));
        presence.here(ms(70_000), ms(4_000));
        assert_eq!(presence.time(ms(5_000), ms(70_000)), ms(4_000));
        assert_eq!(presence.unbroken(ms(70_300)), ms(300));
    }

    #[test]
    fn a_wait_that_took_much_longer_than_asked_is_a_hiccup() {
        let mut hiccups = Hiccups::default();
        assert_eq!(hiccups.note(ms(1_000), ms(20), ms(1_100)), None);
        assert_eq!(hiccups.note(ms(2_000), ms(20), ms(7_020)), Some(Absence { from: ms(2_020), until: ms(7_020) }));
        hiccups.note(ms(8_000), ms(20), ms(8_320));
        assert_eq!((hiccups.count, hiccups.total, hiccups.longest), (2, ms(5_300), ms(5_000)));
        assert_eq!(hiccups.first.len(), 2);
    }

    proptest! {
        #[test]
        fn presence_and_absence_make_up_the_whole(
            steps in prop::collection::vec(1_u64..900, 0..40), from in 0_u64..20_000, length in 0_u64..20_000,
        ) {
            let (mut presence, mut now, mut absences) = (Presence::default(), 0, Vec::new());
            presence.note(Nanos::ZERO);
            for step in steps {
                now += step;
                absences.extend(presence.note(ms(now)));
            }
            let (from, until) = (ms(from), ms(from + length));
            let overlap = |absence: &Absence| absence.until.min(until).saturating_since(absence.from.max(from));
            let absent = absences.iter().map(overlap).fold(Nanos::ZERO, |sum, one| sum + one);
            prop_assert_eq!(presence.time(from, until) + absent, until.saturating_since(from));
        }
    }
}
