//! What is compared: names, units and directions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::recording::LatencyKind;

/// A number of a run that is compared with the same number of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Quantity {
    /// A point of a latency's distribution, in us.
    Latency(LatencyKind, Point),
    /// Events handed to the client per second.
    AchievedRate,
    /// Events acked per second while the schedule ran.
    AckedRate,
    /// This process's processor time per 1,000 events sent, in ms.
    CpuPerThousand,
}

/// A point of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Point {
    /// The median.
    P50,
    /// 90 %.
    P90,
    /// 99 %.
    P99,
    /// 99.9 %.
    P999,
    /// The largest of the run: shown, not judged.
    Max,
    /// The geometric mean over the seconds of each second's largest.
    MaxPerSecond,
}

impl Point {
    const ALL: [Self; 6] = [Self::P50, Self::P90, Self::P99, Self::P999, Self::Max, Self::MaxPerSecond];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p999",
            Self::Max => "max",
            Self::MaxPerSecond => "max_per_second",
        }
    }

    /// The share of samples at or below it.
    pub(super) const fn level(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
            Self::Max | Self::MaxPerSecond => 1.0,
        }
    }
}

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
}

/// A name that is no quantity's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{name}\" cannot be compared{}", did_you_mean(.nearest.as_ref()))]
pub struct UnknownQuantity {
    /// The name as given.
    pub name: String,
    /// The nearest one there is.
    pub nearest: Option<String>,
}

fn did_you_mean(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean {name}?"))
}

impl Quantity {
    /// The latencies that are compared, in the order of the rows.
    pub(super) const KINDS: [LatencyKind; 3] =
        [LatencyKind::ResponseTime, LatencyKind::ServiceTime, LatencyKind::EndToEnd];

    /// Every quantity, in the order of the rows.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let latencies = Self::KINDS.into_iter().flat_map(|kind| Point::ALL.map(|point| Self::Latency(kind, point)));
        latencies.chain([Self::AchievedRate, Self::AckedRate, Self::CpuPerThousand]).collect()
    }

    /// Its unit.
    #[must_use]
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Latency(..) => "us",
            Self::AchievedRate | Self::AckedRate => "events/s",
            Self::CpuPerThousand => "ms",
        }
    }

    /// Which way is good.
    #[must_use]
    pub const fn better(self) -> Better {
        match self {
            Self::Latency(..) | Self::CpuPerThousand => Better::Lower,
            Self::AchievedRate | Self::AckedRate => Better::Higher,
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(kind, point) => write!(f, "{kind}.{}", point.name()),
            Self::AchievedRate => f.write_str("achieved_rate"),
            Self::AckedRate => f.write_str("acked_rate"),
            Self::CpuPerThousand => f.write_str("cpu_ms_per_1000_events"),
        }
    }
}

impl FromStr for Quantity {
    type Err = UnknownQuantity;

    /// Reads a quantity's name. A point alone, such as `p99`, is the response time's; `cpu` is the processor time.
    fn from_str(text: &str) -> Result<Self, UnknownQuantity> {
        if text == "cpu" {
            return Ok(Self::CpuPerThousand);
        }
        if let Some(point) = Point::ALL.into_iter().find(|point| point.name() == text) {
            return Ok(Self::Latency(LatencyKind::ResponseTime, point));
        }
        let all = Self::all();
        all.iter()
            .copied()
            .find(|quantity| quantity.to_string() == text)
            .ok_or_else(|| UnknownQuantity { name: text.to_owned(), nearest: nearest(text, &all) })
    }
}

/// The quantity whose name is most like `text`, where one is like it.
fn nearest(text: &str, all: &[Quantity]) -> Option<String> {
    let alike = |name: &String| strsim::jaro_winkler(name, text);
    let best = all.iter().map(ToString::to_string).max_by(|a, b| alike(a).total_cmp(&alike(b)));
    best.filter(|name| alike(name) > 0.7)
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.to_string()
    }
}

impl TryFrom<String> for Quantity {
    type Error = UnknownQuantity;

    fn try_from(text: String) -> Result<Self, UnknownQuantity> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quantity_is_read_back_from_its_name() {
        for quantity in Quantity::all() {
            assert_eq!(quantity.to_string().parse(), Ok(quantity));
        }
    }

    #[test]
    fn a_point_alone_is_the_response_times() {
        assert_eq!("p99".parse(), Ok(Quantity::Latency(LatencyKind::ResponseTime, Point::P99)));
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_nearest() {
        let error = "respose_time.p99".parse::<Quantity>().unwrap_err();
        assert_eq!(error.to_string(), "\"respose_time.p99\" cannot be compared; did you mean response_time.p99?");
        assert_eq!("xyzzy".parse::<Quantity>().unwrap_err().nearest, None);
    }
}
