//! What the probes of a search tell: the ends of the interval, what speaks against them, and why probes did not pass.

use super::{Search, Stage, Step, Tally};
use crate::capacity::{Answer, CapacityReport, End, knee};
use crate::figures;

impl Search {
    /// What is known by now.
    #[must_use]
    pub fn report(&self) -> CapacityReport {
        let answer = match self.step() {
            Step::Done(answer) => answer,
            Step::Probe(_) => Answer::Interrupted,
        };
        let (low, high) = self.ends(answer);
        CapacityReport {
            config: self.config,
            answer,
            contradictions: self.contradictions(low, high),
            low: low.map(|rate| End { rate, probes: self.tally(rate).passed, generator: 0, reasons: Vec::new() }),
            high: high.map(|rate| End {
                rate,
                probes: self.tally(rate).bad(),
                generator: self.tally(rate).limited,
                reasons: self.reasons(rate),
            }),
            knee: knee::of_probes(&self.probes),
            took_s: self.took_s(),
            probes: self.probes.clone(),
        }
    }

    /// The ends that the search made sure of, or as much as is known: a rate that is sure, else one that is likely.
    fn ends(&self, answer: Answer) -> (Option<u64>, Option<u64>) {
        if let Stage::Done { ends: Some((low, high)), .. } = self.stage {
            return (Some(low), Some(high));
        }
        let rates = || self.tallies.iter().map(|(rate, tally)| (*rate, *tally));
        let likely_low = || rates().rfind(|(_, tally)| tally.passed > tally.bad());
        let low = rates().rfind(|(rate, _)| self.is_sure_low(*rate)).or_else(likely_low).map(|(rate, _)| rate);
        let low = low.filter(|_| answer != Answer::FailsAtLowest);
        let above = || rates().filter(move |(rate, _)| low.is_none_or(|low| *rate > low));
        let likely_high = || above().find(|(_, tally)| tally.bad() > tally.passed);
        let high = above().find(|(rate, _)| self.is_sure_high(*rate)).or_else(likely_high);
        (low, high.map(|(rate, _)| rate))
    }

    fn contradictions(&self, low: Option<u64>, high: Option<u64>) -> Vec<String> {
        let at = |rate: u64, tally: Tally| {
            let (passed, bad) = (tally.passed, tally.bad());
            if low.is_some_and(|low| rate <= low) && bad > 0 {
                let reasons = self.reasons(rate).join("; ");
                let whose = match tally.limited {
                    0 => "",
                    limited if limited == bad => ", for the generator's sake",
                    _ => ", some for the generator's sake",
                };
                let all = passed + bad;
                Some(format!("{bad} of {all} probes at {}/s did not pass{whose}: {reasons}", figures::count(rate)))
            } else if high.is_some_and(|high| rate >= high) && passed > 0 {
                Some(format!("{passed} of {} probes at {}/s passed", passed + bad, figures::count(rate)))
            } else {
                None
            }
        };
        self.tallies.iter().filter_map(|(rate, tally)| at(*rate, *tally)).collect()
    }

    /// Why the probes at `rate` did not pass, each reason once.
    fn reasons(&self, rate: u64) -> Vec<String> {
        let mut reasons: Vec<String> = Vec::new();
        for reason in self.probes.iter().filter(|probe| probe.rate == rate).flat_map(|probe| &probe.outcome.reasons) {
            if !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
        reasons
    }
}
