//! Events on purpose late: their own time lies behind the time at which they are sent.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::stream::mix;
use crate::units;

/// Shares of all events, and how far the time of each lies behind: `0.5%@5s,0.1%@65s`.
///
/// Which events these are is a function of the run's seed, the lane and the event's number in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Late {
    parts: Vec<(f64, Duration)>,
    seed: u64,
}

/// A text that is no [`Late`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" names no late events: write 0.5%@5s,0.001@65s, shares above 0 that come to at most 1, and how far behind"
)]
pub struct NotLate(String);

impl Late {
    /// The same, of a run with that seed.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Whether no event is late.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many ms the time of a lane's event lies behind.
    #[must_use]
    pub fn behind_ms(&self, lane: u16, sequence: u64) -> i64 {
        if self.is_none() {
            return 0;
        }
        #[expect(clippy::cast_precision_loss, reason = "53 bits are enough to draw a share")]
        let drawn = (mix(mix(self.seed ^ u64::from(lane) << 48) ^ sequence) >> 11) as f64 / (1_u64 << 53) as f64;
        let mut until = 0.0;
        let behind = self.parts.iter().find_map(|(share, behind)| {
            until += share;
            (drawn < until).then_some(*behind)
        });
        behind.map_or(0, |behind| i64::try_from(behind.as_millis()).unwrap_or_default())
    }
}

impl FromStr for Late {
    type Err = NotLate;

    fn from_str(text: &str) -> Result<Self, NotLate> {
        let no = || NotLate(text.to_owned());
        let part = |part: &str| {
            let (share, behind) = part.split_once('@')?;
            let (number, scale) = share.trim().strip_suffix('%').map_or((share, 1.0), |percent| (percent, 100.0));
            let share = number.trim().parse::<f64>().ok()? / scale;
            let behind = units::duration(behind.trim()).ok()?;
            (share > 0.0 && share <= 1.0 && behind.as_millis() > 0).then_some((share, behind))
        };
        let parts: Vec<_> = text.split(',').map(part).collect::<Option<_>>().ok_or_else(no)?;
        let sum: f64 = parts.iter().map(|(share, _)| share).sum();
        if sum > 1.0 {
            return Err(no());
        }
        Ok(Self { parts, seed: 0 })
    }
}

impl TryFrom<String> for Late {
    type Error = NotLate;

    fn try_from(text: String) -> Result<Self, NotLate> {
        text.parse()
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |(share, behind): &(f64, Duration)| format!("{share}@{}", units::of_duration(*behind));
        f.write_str(&self.parts.iter().map(part).collect::<Vec<_>>().join(","))
    }
}

impl From<Late> for String {
    fn from(late: Late) -> Self {
        late.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_events_are_late_as_it_says_and_the_same_ones_each_time() {
        let late: Late = "2%@5s, 0.01@65s".parse().unwrap();
        let late = late.seeded(7);
        assert_eq!(late.to_string().parse::<Late>().unwrap().seeded(7), late);
        let count =
            |lane: u16, behind: i64| (0..100_000).filter(|event| late.behind_ms(lane, *event) == behind).count();
        for lane in 0..3 {
            assert!((1_800..2_200).contains(&count(lane, 5_000)), "{}", count(lane, 5_000));
            assert!((850..1_150).contains(&count(lane, 65_000)), "{}", count(lane, 65_000));
        }
        let of = |lane: u16| (0..1_000).map(|event| late.behind_ms(lane, event)).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert_eq!(Late::default().behind_ms(0, 0), 0);
    }

    #[test]
    fn what_says_no_share_or_no_distance_is_refused() {
        for text in ["", "5s", "0%@5s", "101%@5s", "60%@5s,60%@6s", "1%@", "1%@soon", "1%@0s", "-1%@5s", "x@5s"] {
            assert_eq!(text.parse::<Late>(), Err(NotLate(text.to_owned())), "{text}");
        }
    }
}
