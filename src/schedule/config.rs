//! A phase as it stands in a scenario, and what must hold before it becomes one.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::rate::{Rate, Speed};
use super::text::Span;
use super::{Phase, Shape};

/// The kinds of schedule, by the names that scenarios use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Evenly spaced events: `rate`.
    #[default]
    Constant,
    /// As recorded: `speed`.
    Replay,
    /// As fast as the client takes them.
    Unlimited,
}

/// One `[[phase]]` of a scenario. Which fields belong to which schedule: [`Kind`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseConfig {
    /// Its name in the report; that of its schedule where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its kind.
    #[serde(default)]
    pub schedule: Kind,
    /// How long it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Span>,
    /// Whether it only warms the system up: reported, not judged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warm_up: bool,
    /// Events per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Times faster than recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
}

/// Why a phase of a scenario is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhaseError {
    /// A field that the schedule needs is not there.
    #[error("schedule \"{kind}\" needs `{field}`")]
    Missing {
        /// The schedule.
        kind: Kind,
        /// The field.
        field: &'static str,
    },
    /// A field is there that means nothing to the schedule.
    #[error("schedule \"{kind}\" has no use for `{field}`")]
    Unwanted {
        /// The schedule.
        kind: Kind,
        /// The field.
        field: &'static str,
    },
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Replay => "replay",
            Self::Unlimited => "unlimited",
        })
    }
}

impl TryFrom<PhaseConfig> for Phase {
    type Error = PhaseError;

    fn try_from(config: PhaseConfig) -> Result<Self, PhaseError> {
        let kind = config.schedule;
        let unwanted = |field| PhaseError::Unwanted { kind, field };
        let shape = match kind {
            Kind::Constant => Shape::Constant(config.rate.ok_or(PhaseError::Missing { kind, field: "rate" })?),
            Kind::Replay | Kind::Unlimited if config.rate.is_some() => return Err(unwanted("rate")),
            Kind::Replay => Shape::Replay(config.speed.unwrap_or(Speed::RECORDED)),
            Kind::Unlimited => Shape::Unlimited,
        };
        if config.speed.is_some() && kind != Kind::Replay {
            return Err(unwanted("speed"));
        }
        let name = config.name.unwrap_or_else(|| kind.to_string());
        Ok(Self { name, shape, duration: config.duration.map(|Span(nanos)| nanos), warm_up: config.warm_up })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;

    #[test]
    fn a_phase_is_read_from_a_scenario() {
        let config: PhaseConfig =
            toml::from_str("schedule = \"constant\"\nrate = \"10000/s\"\nduration = \"60s\"").unwrap();
        let phase = Phase::try_from(config).unwrap();
        assert_eq!(phase.duration, Some(Nanos::from_secs(60)));
        assert_eq!(phase.shape, Shape::Constant(Rate::per_second(10_000).unwrap()));
    }
}
