//! What kept this process from running: stopped, starved, or held back by a quota. Its figures of that time are its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;
use crate::report::Environment;

/// What kept this process from running.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// Times in which it did not run for a quarter of a second or longer: stopped (SIGSTOP, a paused container or machine), or
    /// without a processor.
    pub hiccups: u64,
    /// How long these took, in seconds.
    pub hiccups_total_s: f64,
    /// How long the longest took, in seconds; 0 where there is none.
    pub longest_hiccup_s: f64,
    /// Each of them, the first hundred in order of time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hiccups_at: Vec<Hiccup>,
    /// Periods in which its control group's quota held it back; absent without a quota.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_periods: Option<u64>,
    /// How long, in seconds, summed over processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled_s: Option<f64>,
}

/// One time in which the process did not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hiccup {
    /// When it began, in seconds since the start.
    pub from_s: f64,
    /// How long it took, in seconds.
    pub length_s: f64,
}

impl Process {
    /// In words: how long it did not run; `None` where it always did.
    #[must_use]
    pub fn hiccup_sentence(&self) -> Option<String> {
        let longest = self.hiccups_at.iter().max_by(|one, other| one.length_s.total_cmp(&other.length_s))?;
        let (length, at) = (figures::duration_s(longest.length_s), figures::clock(longest.from_s));
        let more = match self.hiccups {
            1 => String::new(),
            times => {
                format!(" ({} times, {} in all)", figures::count(times), figures::duration_s(self.hiccups_total_s))
            }
        };
        Some(format!("this process did not run for {length} from {at}{more}: stopped, or without a processor"))
    }

    /// In words: how long its quota held it back; `None` where it did not.
    #[must_use]
    pub fn throttled_sentence(&self, environment: &Environment) -> Option<String> {
        let throttled_s = self.throttled_s.filter(|seconds| *seconds > 0.0)?;
        let quota = environment.cpu_quota.map_or_else(String::new, |quota| format!(" of {}", processors(quota)));
        let periods =
            self.throttled_periods.map_or_else(String::new, |n| format!(" in {}", figures::counted(n, "period")));
        let length = figures::duration_s(throttled_s);
        Some(format!("its control group's quota{quota} held it back for {length}{periods}"))
    }

    /// All that kept it from running, in words; the quota too where it did not.
    #[must_use]
    pub fn sentences(&self, environment: &Environment) -> Vec<String> {
        let throttled = self.throttled_sentence(environment);
        let allowed = environment.cpu_quota.filter(|_| throttled.is_none());
        let allowed = allowed.map(|quota| format!("its control group's quota allows {}", processors(quota)));
        self.hiccup_sentence().into_iter().chain(throttled).chain(allowed).collect()
    }

    /// How long it did not run between two times, in seconds since the start.
    #[must_use]
    pub fn absent_s(&self, from_s: f64, until_s: f64) -> f64 {
        let overlap = |hiccup: &Hiccup| (hiccup.from_s + hiccup.length_s).min(until_s) - hiccup.from_s.max(from_s);
        self.hiccups_at.iter().map(overlap).filter(|overlap| *overlap > 0.0).sum()
    }
}

/// `0.25 processors`.
#[must_use]
pub fn processors(quota: f64) -> String {
    let number = figures::trimmed(quota, 2);
    let noun = if number == "1" { "processor" } else { "processors" };
    format!("{number} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kept_it_from_running_is_told_with_its_time() {
        let environment = Environment { cpu_quota: Some(0.25), ..Environment::default() };
        let mut process = Process { throttled_periods: Some(0), throttled_s: Some(0.0), ..Process::default() };
        assert_eq!(process.sentences(&environment), ["its control group's quota allows 0.25 processors"]);
        assert_eq!(process.sentences(&Environment::default()), [""; 0]);
        (process.throttled_periods, process.throttled_s) = (Some(15), Some(0.9));
        (process.hiccups, process.hiccups_total_s, process.longest_hiccup_s) = (2, 5.5, 5.0);
        process.hiccups_at = vec![Hiccup { from_s: 2.0, length_s: 0.5 }, Hiccup { from_s: 6.0, length_s: 5.0 }];
        assert_eq!(
            process.sentences(&environment),
            [
                "this process did not run for 5.00 s from 00:00:06 (2 times, 5.50 s in all): stopped, or without a processor",
                "its control group's quota of 0.25 processors held it back for 900 ms in 15 periods"
            ]
        );
        assert!((process.absent_s(2.25, 8.0) - 2.25).abs() < 1e-9 && process.absent_s(0.0, 2.0).abs() < 1e-9);
    }
}
