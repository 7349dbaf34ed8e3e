//! The seconds of a long run that its timeline has in longer rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TimelineRow;

/// The seconds that a long run's timeline has in longer rows, number by number, so that what is said of seconds is true of each.
/// Those of a warm-up are left out; those in which the last answers were waited for are in `most` alone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JoinedSeconds {
    /// How many they are.
    pub count: u64,
    /// The smallest of each number in one of them.
    pub least: TimelineRow,
    /// The largest of each; its `at_s` is where the last of them ends.
    pub most: TimelineRow,
    /// The sum of each.
    pub sum: TimelineRow,
    /// In how many of them each is known.
    pub known: TimelineRow,
}

impl JoinedSeconds {
    /// Adds a second in which events were sent, or else in which the last answers were waited for.
    pub fn add(&mut self, row: &TimelineRow, sending: bool) {
        self.most = self.most.combined(row, either(u64::max));
        if !sending {
            return;
        }
        self.least = match self.count {
            0 => row.clone(),
            _ => self.least.combined(row, either(u64::min)),
        };
        self.count += 1;
        self.sum = self.sum.combined(row, either(u64::saturating_add));
        self.known = self.known.combined(row, |known, value| Some(known.unwrap_or(0) + u64::from(value.is_some())));
    }
}

/// What `choose` makes of two numbers; of one alone, that one.
fn either(choose: fn(u64, u64) -> u64) -> impl Fn(Option<u64>, Option<u64>) -> Option<u64> {
    move |one, other| one.zip(other).map(|(one, other)| choose(one, other)).or(one).or(other)
}
