//! How fast a run goes: which of rate, speed, fit and phases applies, and whose.

use std::time::Duration;

use super::Scenario;
use super::error::ConfigError;
use super::source::SourceConfig;
use crate::clock::Nanos;
use crate::schedule::config::{PhaseConfig, phases};
use crate::schedule::rate::Level;
use crate::schedule::text::Levels;
use crate::schedule::{Phase, Rate, Schedule, Shape, Speed};
use crate::settings::pace::PlannedRate;
use crate::settings::run::RunLimits;

/// When events are due.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// In phases, one after the other.
    Phases(Vec<Phase>),
    /// As recorded, this many times faster.
    Speed(Speed),
    /// As recorded, as fast as it takes to last this long.
    Fit(Duration),
    /// In recorded order, at this rate.
    Rate(Rate),
    /// In recorded order, as fast as the client takes them.
    Unlimited,
}

impl Pace {
    /// The pace of a scenario without open settings.
    ///
    /// # Errors
    /// Phases that make no schedule, and rates that leave their range when multiplied.
    pub fn new(scenario: &Scenario) -> Result<Self, ConfigError> {
        let pace = &scenario.settings.pace;
        if let SourceConfig::RetailRocket(_) | SourceConfig::Recorded(_) = scenario.source {
            return Ok(match (pace.fit, pace.rate) {
                (Some(wall), _) => Self::Fit(wall),
                (None, Some(PlannedRate::At(rate))) => Self::Rate(rate),
                (None, Some(PlannedRate::Unlimited)) => Self::Unlimited,
                (None, None) => Self::Speed(pace.speed.unwrap_or(Speed::RECORDED)),
            });
        }
        if let SourceConfig::Web(_) | SourceConfig::Mirrored(_) = scenario.source {
            let name = if let SourceConfig::Web(_) = scenario.source { "collect" } else { "mirror" };
            let duration = scenario.settings.limits.length.duration.map(Nanos::from);
            return Ok(Self::Phases(vec![Phase::new(name, Shape::Arrivals, duration)]));
        }
        let speed = pace.speed.unwrap_or(Speed::RECORDED);
        let mut configs = pace.phase.clone();
        for config in &mut configs {
            multiply(config, speed)
                .ok_or_else(|| plan_error(format!("the rate of a phase times {speed} is no rate")))?;
        }
        let phases = phases(configs).map_err(|error| plan_error(error.to_string()))?;
        let RunLimits { setup, length, .. } = &scenario.settings.limits;
        Schedule::seeded(phases.clone(), length.num_records, setup.basics.seed.unwrap_or_default())
            .map_err(|error| plan_error(error.to_string()))?;
        Ok(Self::Phases(phases))
    }
}

/// Multiplies every rate of a phase, where they stay rates.
fn multiply(config: &mut PhaseConfig, speed: Speed) -> Option<()> {
    let PhaseConfig {
        rate,
        from,
        to,
        rates,
        step,
        mean,
        amplitude,
        base,
        peak,
        points,
        name: _,
        schedule: _,
        duration: _,
        until: _,
        warm_up: _,
        schema: _,
        speed: _,
        over: _,
        growth: _,
        each: _,
        period: _,
        at: _,
        rise: _,
        hold: _,
        fall: _,
        on: _,
        off: _,
        seed: _,
        file: _,
        repeat: _,
    } = config;
    for rate in [rate, step, mean, amplitude].into_iter().flatten() {
        *rate = rate.times(speed)?;
    }
    let listed = rates.iter_mut().flat_map(|Levels(levels)| levels);
    let on_curve = points.iter_mut().flatten().map(|(_, level)| level);
    for level in [from, to, base, peak].into_iter().flatten().chain(listed).chain(on_curve) {
        if let Level::At(rate) = level {
            *rate = rate.times(speed)?;
        }
    }
    Some(())
}

fn plan_error(reason: String) -> ConfigError {
    ConfigError::Plan { reason, hint: None }
}
