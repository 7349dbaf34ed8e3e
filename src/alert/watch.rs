//! When an alert is raised, told again and resolved: by what a gate was, and for how long.
//!
//! A gate that is broken raises, and one that is met again resolves. One that is unevaluated does neither: what is not known is
//! neither broken nor good, so such a second counts for nothing.

use std::collections::HashMap;

use crate::clock::Nanos;
use crate::report::{GateOutcome, GateResult};

/// The times of an alert.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// How long a gate must be seen broken.
    pub(super) hold: Nanos,
    /// How often an alert is told again.
    pub(super) resend: Nanos,
}

/// What is to be told, of which of the alerts that were raised before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// A new one.
    Raised,
    /// It lasts.
    Repeated(usize),
    /// It is over.
    Resolved(usize),
}

/// The gates of an alert.
#[derive(Debug)]
pub(super) struct Watch {
    rule: Rule,
    gates: HashMap<String, Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    /// How long it has been seen broken since it was last met.
    broken: Nanos,
    /// When it was seen broken, where that was the last that was seen.
    seen_broken: Option<Nanos>,
    active: Option<Active>,
}

/// An alert that was raised.
#[derive(Clone, Copy, Debug)]
struct Active {
    incident: usize,
    told: Nanos,
}

/// What a gate is called.
pub(super) fn called(gate: &GateResult) -> &str {
    gate.name.as_ref().unwrap_or(&gate.rule)
}

impl Watch {
    pub(super) fn new(rule: Rule) -> Self {
        Self { rule, gates: HashMap::new() }
    }

    fn gate(&mut self, result: &GateResult) -> &mut Gate {
        self.gates.entry(called(result).to_owned()).or_default()
    }

    /// The number of the alert that a gate has just raised.
    pub(super) fn number(&mut self, result: &GateResult, incident: usize) {
        if let Some(active) = &mut self.gate(result).active {
            active.incident = incident;
        }
    }

    /// A gate as it stands at `now`.
    pub(super) fn see(&mut self, result: &GateResult, now: Nanos) -> Option<Change> {
        let Rule { hold, resend } = self.rule;
        let gate = self.gate(result);
        match result.result {
            GateOutcome::Pass => gate.met(),
            GateOutcome::Unevaluated => {
                gate.seen_broken = None;
                gate.repeated(now, resend)
            }
            GateOutcome::Fail => {
                gate.broken += gate.seen_broken.map_or(Nanos::ZERO, |before| now.saturating_since(before));
                gate.seen_broken = Some(now);
                if gate.broken < hold && gate.active.is_none() { None } else { gate.broken(now, resend) }
            }
        }
    }

    /// A gate as it ended: there is nothing more to wait for.
    pub(super) fn end(&mut self, result: &GateResult, now: Nanos, on_unevaluated: bool) -> Option<Change> {
        let gate = self.gate(result);
        match result.result {
            GateOutcome::Pass => gate.met(),
            GateOutcome::Unevaluated if !on_unevaluated => gate.repeated(now, Nanos::ZERO),
            GateOutcome::Unevaluated | GateOutcome::Fail => gate.broken(now, Nanos::ZERO),
        }
    }
}

impl Gate {
    fn met(&mut self) -> Option<Change> {
        (self.broken, self.seen_broken) = (Nanos::ZERO, None);
        self.active.take().map(|active| Change::Resolved(active.incident))
    }

    fn broken(&mut self, now: Nanos, resend: Nanos) -> Option<Change> {
        if self.active.is_none() {
            self.active = Some(Active { incident: 0, told: now });
            return Some(Change::Raised);
        }
        self.repeated(now, resend)
    }

    /// Again, where it was raised and its time has come.
    fn repeated(&mut self, now: Nanos, resend: Nanos) -> Option<Change> {
        let active = self.active.as_mut().filter(|active| now.saturating_since(active.told) >= resend)?;
        active.told = now;
        Some(Change::Repeated(active.incident))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn gate(result: GateOutcome) -> GateResult {
        GateResult { rule: "lost == 0".to_owned(), result, ..GateResult::default() }
    }

    /// What comes of a gate that is seen once a second: `+` met, `-` broken, `?` unevaluated.
    fn seen(hold: u64, resend: u64, seconds: &str) -> String {
        let mut watch = Watch::new(Rule { hold: Nanos::from_secs(hold), resend: Nanos::from_secs(resend) });
        let outcome = |sign| match sign {
            '+' => GateOutcome::Pass,
            '-' => GateOutcome::Fail,
            _ => GateOutcome::Unevaluated,
        };
        let told = |(second, sign): (u64, char)| match watch.see(&gate(outcome(sign)), Nanos(second * SECOND)) {
            None => '.',
            Some(Change::Raised) => 'R',
            Some(Change::Repeated(_)) => 'r',
            Some(Change::Resolved(_)) => 'x',
        };
        (0..).zip(seconds.chars()).map(told).collect()
    }

    #[test]
    fn a_broken_gate_raises_once_and_one_that_is_met_again_resolves() {
        assert_eq!(seen(0, 60, "++--++-+"), "..R.x.Rx");
    }

    #[test]
    fn a_gate_must_be_seen_broken_for_as_long_as_is_asked() {
        assert_eq!(seen(2, 60, "--+----+"), ".....R.x");
    }

    #[test]
    fn what_is_not_known_neither_raises_nor_resolves_and_counts_for_no_time() {
        assert_eq!(seen(0, 60, "??-??+"), "..R..x");
        assert_eq!(seen(2, 60, "-???--?--"), "........R");
    }

    #[test]
    fn an_alert_is_told_again_while_it_lasts_also_where_the_gate_cannot_be_evaluated() {
        assert_eq!(seen(0, 2, "---?--+-"), "R.r.r.xR");
    }

    #[test]
    fn at_the_end_a_broken_gate_raises_at_once_and_an_unevaluated_one_where_that_is_asked() {
        let end = |result, on| {
            let mut watch = Watch::new(Rule { hold: Nanos::from_secs(60), resend: Nanos::from_secs(60) });
            watch.end(&gate(result), Nanos(SECOND), on)
        };
        assert_eq!(end(GateOutcome::Fail, false), Some(Change::Raised));
        assert_eq!(end(GateOutcome::Unevaluated, true), Some(Change::Raised));
        assert_eq!(end(GateOutcome::Unevaluated, false), None);
        assert_eq!(end(GateOutcome::Pass, true), None);
    }

    #[test]
    fn at_the_end_what_was_raised_is_told_once_more_unless_it_is_met() {
        for (result, last) in [
            (GateOutcome::Fail, Change::Repeated(7)),
            (GateOutcome::Unevaluated, Change::Repeated(7)),
            (GateOutcome::Pass, Change::Resolved(7)),
        ] {
            let mut watch = Watch::new(Rule { hold: Nanos::ZERO, resend: Nanos::from_secs(60) });
            assert_eq!(watch.see(&gate(GateOutcome::Fail), Nanos(SECOND)), Some(Change::Raised));
            watch.number(&gate(GateOutcome::Fail), 7);
            assert_eq!(watch.end(&gate(result), Nanos(2 * SECOND), false), Some(last));
        }
    }

    proptest! {
        #[test]
        fn raised_and_resolved_take_turns_and_each_is_of_what_was_seen(
            seconds in "[-+?]{0,60}", hold in 0..5_u64, resend in 1..9_u64,
        ) {
            let told = seen(hold, resend, &seconds);
            let turns: Vec<char> = told.chars().filter(|told| matches!(told, 'R' | 'x')).collect();
            prop_assert!(turns.iter().enumerate().all(|(at, turn)| (at % 2 == 0) == (*turn == 'R')), "{}", told);
            for (saw, told) in seconds.chars().zip(told.chars()) {
                let fits = match told {
                    'R' => saw == '-',
                    'x' => saw == '+',
                    'r' => saw != '+',
                    _ => true,
                };
                prop_assert!(fits, "{} of {}", told, saw);
            }
        }
    }
}
