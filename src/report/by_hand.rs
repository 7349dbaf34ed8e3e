//! What a person did to a run's rate while it went on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::figures;

/// From this instant on events came due at another rate than the scenario says.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateChange {
    /// Seconds after the start.
    pub at_s: f64,
    /// The rate in percent of the scenario's; 0 while the run was held.
    pub percent: u32,
}

/// What was done, as one sentence; `None` where nothing was. `until_s`: when the run had sent its last event.
#[must_use]
pub fn sentence(changes: &[RateChange], until_s: f64) -> Option<String> {
    if changes.is_empty() {
        return None;
    }
    let ends = changes.iter().skip(1).map(|change| change.at_s).chain([until_s]);
    let held = changes.iter().zip(ends).filter(|(change, _)| change.percent == 0);
    let held_s: f64 = held.map(|(change, end_s)| (end_s - change.at_s).max(0.0)).sum();
    let mut percents: Vec<u32> = changes.iter().map(|change| change.percent).filter(|percent| *percent > 0).collect();
    percents.sort_unstable();
    let range = match (percents.first(), percents.last()) {
        (Some(100), Some(100)) | (None, _) | (_, None) => String::new(),
        (Some(least), Some(most)) if least == most => format!(", {least} % of the plan"),
        (Some(least), Some(most)) => format!(", {least} % to {most} % of the plan"),
    };
    let held = if held_s > 0.0 { format!(", held for {}", figures::duration_s(held_s)) } else { String::new() };
    let times = if changes.len() == 1 { "once".to_owned() } else { format!("{} times", changes.len()) };
    Some(format!("the rate was changed by hand {times}{range}{held}: planned is what was planned after that"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(of: &[(f64, u32)]) -> Vec<RateChange> {
        of.iter().map(|(at_s, percent)| RateChange { at_s: *at_s, percent: *percent }).collect()
    }

    #[test]
    fn what_was_done_is_one_sentence() {
        assert_eq!(sentence(&[], 10.0), None);
        let held = sentence(&changes(&[(10.0, 0), (14.5, 100)]), 60.0).unwrap();
        assert_eq!(
            held,
            "the rate was changed by hand 2 times, held for 4.50 s: planned is what was planned after that"
        );
        let faster = sentence(&changes(&[(10.0, 110), (11.0, 150)]), 60.0).unwrap();
        assert!(faster.contains("2 times, 110 % to 150 % of the plan: "), "{faster}");
        let to_the_end = sentence(&changes(&[(10.0, 0)]), 12.0).unwrap();
        assert!(to_the_end.contains("once, held for 2.00 s"), "{to_the_end}");
    }
}
