//! From a phase in a scenario to a phase of a schedule: what must hold, and what is said where it does not.

use std::path::PathBuf;

use super::{Extent, Growth, Kind, PhaseConfig};
use crate::clock::Nanos;
use crate::schedule::curve::{After, Curve, CurveError, SpikeTiming};
use crate::schedule::exponential::Exponential;
use crate::schedule::poisson::{Poisson, PoissonError};
use crate::schedule::rate::{Level, Rate, Speed};
use crate::schedule::sine::Sine;
use crate::schedule::text::{Levels, Span};
use crate::schedule::{Phase, Shape};

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
    #[error("schedule \"{kind}\" has no use for `{field}`; beside name, duration, until and warm_up it takes {}", kind.fields())]
    Unwanted {
        /// The schedule.
        kind: Kind,
        /// The field.
        field: &'static str,
    },
    /// Two fields that exclude each other.
    #[error("schedule \"{kind}\" takes `{0}` or `{1}`, not both", fields.0, fields.1)]
    Either {
        /// The schedule.
        kind: Kind,
        /// The fields.
        fields: (&'static str, &'static str),
    },
    /// A span of no length.
    #[error("`{0}` must be longer than 0s")]
    NoTime(&'static str),
    /// Something would be cut off that nobody asked to cut.
    #[error(
        "{} {} into the phase, which ends after {lasts}: give the phase a longer duration, or until = \"{lasts}\" to end \
         it there on purpose",
        extent.what,
        Span(extent.reaches)
    )]
    CutOff {
        /// What, and where it would have been.
        extent: Extent,
        /// When the phase ends.
        lasts: Span,
    },
    /// An early end that comes after the end.
    #[error("`until` = {until} is past the end of the phase, which lasts {whole} without it")]
    LateUntil {
        /// The early end.
        until: Span,
        /// How long the phase lasts without it.
        whole: Span,
    },
    /// A factor cannot lead from or to nothing.
    #[error("an exponential ramp cannot start or end at 0/s: give a rate above that, or growth = \"linear\"")]
    GrowthFromZero,
    /// A sine below zero.
    #[error("an amplitude of {amplitude} is above the mean of {mean}: the rate would fall below 0")]
    BelowZero {
        /// The mean.
        mean: Rate,
        /// The amplitude.
        amplitude: Rate,
    },
    /// The steps miss their end, or are more than can be meant.
    #[error("no whole number of steps of {step} (at most {MOST_STEPS}) leads from {from} to {to}")]
    Uneven {
        /// The first rate.
        from: Level,
        /// The last one.
        to: Level,
        /// The difference.
        step: Rate,
    },
    /// The points of a curve stand in a file that nobody has read.
    #[error("the points in {} have not been read", .0.display())]
    Unread(PathBuf),
    /// The rates make no curve.
    #[error(transparent)]
    Curve(#[from] CurveError),
    /// The random distributions refuse.
    #[error(transparent)]
    Poisson(#[from] PoissonError),
}

/// A phase that is none, and which one it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("phase {number}{}: {cause}", name.as_ref().map(|name| format!(" (\"{name}\")")).unwrap_or_default())]
pub struct BadPhase {
    /// Its place, counted from 1.
    pub number: usize,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What is wrong with it.
    #[source]
    pub cause: PhaseError,
}

const MOST_STEPS: usize = 10_000;

/// All phases of a scenario. Those without a name take that of their schedule, with their place where two would be equal.
///
/// # Errors
/// The first one that is no phase.
pub fn phases(configs: Vec<PhaseConfig>) -> Result<Vec<Phase>, BadPhase> {
    let kinds: Vec<_> = configs.iter().map(|config| config.schedule).collect();
    let numbered = configs.into_iter().enumerate().map(|(index, config)| (index + 1, config));
    let phase = |(number, mut config): (usize, PhaseConfig)| {
        let name = config.name.clone();
        if kinds.iter().filter(|kind| **kind == config.schedule).count() > 1 {
            config.name.get_or_insert_with(|| format!("{}-{number}", config.schedule));
        }
        Phase::try_from(config).map_err(|cause| BadPhase { number, name, cause })
    };
    numbered.map(phase).collect()
}

impl TryFrom<PhaseConfig> for Phase {
    type Error = PhaseError;

    /// Steps and curves without a duration end with their last step or point.
    fn try_from(config: PhaseConfig) -> Result<Self, PhaseError> {
        config.check_fields()?;
        let shape = config.shape()?;
        let duration = config.lasts(&shape)?;
        let name = config.name.unwrap_or_else(|| config.schedule.to_string());
        Ok(Self { name, shape, duration, warm_up: config.warm_up })
    }
}

impl PhaseConfig {
    fn check_fields(&self) -> Result<(), PhaseError> {
        let kind = self.schedule;
        let (needed, taken) = kind.takes();
        for (field, there) in self.given() {
            if there && !needed.contains(&field) && !taken.contains(&field) {
                return Err(PhaseError::Unwanted { kind, field });
            }
        }
        for field in needed {
            if self.given().contains(&(field, false)) {
                return Err(PhaseError::Missing { kind, field });
            }
        }
        for (field, span) in [
            ("duration", self.duration),
            ("until", self.until),
            ("over", self.over),
            ("each", self.each),
            ("period", self.period),
            ("on", self.on),
            ("off", self.off),
        ] {
            if span == Some(Span(Nanos::ZERO)) {
                return Err(PhaseError::NoTime(field));
            }
        }
        Ok(())
    }

    /// `value`, or that the schedule needs it.
    fn need<T>(&self, field: &'static str, value: Option<T>) -> Result<T, PhaseError> {
        value.ok_or(PhaseError::Missing { kind: self.schedule, field })
    }

    fn span(&self, field: &'static str, value: Option<Span>) -> Result<Nanos, PhaseError> {
        self.need(field, value).map(|Span(nanos)| nanos)
    }

    pub(super) fn shape(&self) -> Result<Shape, PhaseError> {
        Ok(match self.schedule {
            Kind::Constant => Shape::Constant(self.need("rate", self.rate)?),
            Kind::Ramp => self.ramp()?,
            Kind::Steps => self.steps()?,
            Kind::Sine => self.sine()?,
            Kind::Spike => self.spike()?,
            Kind::Poisson => Shape::Poisson(Poisson::new(self.need("rate", self.rate)?, self.seed)?),
            Kind::Bursts => {
                let (rate, base) = (self.need("rate", self.rate)?, self.base.unwrap_or(Level::Zero));
                Shape::Curve(Curve::bursts(rate.into(), self.span("on", self.on)?, base, self.span("off", self.off)?)?)
            }
            Kind::Replay => Shape::Replay(self.speed.unwrap_or(Speed::RECORDED)),
            Kind::Curve => self.curve()?,
            Kind::Unlimited => Shape::Unlimited,
        })
    }

    fn ramp(&self) -> Result<Shape, PhaseError> {
        let (from, to) = (self.need("from", self.from)?, self.need("to", self.to)?);
        let over = self.span("duration", self.over.or(self.duration))?;
        match (self.growth, from, to) {
            (None | Some(Growth::Linear), ..) => Ok(Shape::Curve(Curve::ramp(from, to, over)?)),
            (Some(Growth::Exponential), Level::At(from), Level::At(to)) => {
                Exponential::new(from, to, over).map(Shape::Exponential).ok_or(PhaseError::NoTime("over"))
            }
            (Some(Growth::Exponential), ..) => Err(PhaseError::GrowthFromZero),
        }
    }

    fn steps(&self) -> Result<Shape, PhaseError> {
        let kind = self.schedule;
        let levels = match (&self.rates, self.step) {
            (Some(_), Some(_)) => return Err(PhaseError::Either { kind, fields: ("rates", "step") }),
            (Some(_), None) if self.from.is_some() => {
                return Err(PhaseError::Either { kind, fields: ("rates", "from") });
            }
            (Some(_), None) if self.to.is_some() => return Err(PhaseError::Either { kind, fields: ("rates", "to") }),
            (Some(Levels(levels)), None) => levels.clone(),
            (None, Some(step)) => {
                let (from, to) = (self.need("from", self.from)?, self.need("to", self.to)?);
                Level::stairs(from, to, step, MOST_STEPS).ok_or(PhaseError::Uneven { from, to, step })?
            }
            (None, None) => return Err(PhaseError::Missing { kind, field: "rates" }),
        };
        let each = match (self.each, self.duration) {
            (Some(Span(each)), _) => each,
            (None, Some(Span(duration))) => Nanos(duration.0 / (levels.len() as u64).max(1)),
            (None, None) => return Err(PhaseError::Missing { kind, field: "each" }),
        };
        Ok(Shape::Curve(Curve::steps(&levels, each)?))
    }

    fn sine(&self) -> Result<Shape, PhaseError> {
        let (mean, amplitude) = (self.need("mean", self.mean)?, self.need("amplitude", self.amplitude)?);
        let sine = Sine::new(mean, amplitude, self.span("period", self.period)?);
        sine.map(Shape::Sine).ok_or(PhaseError::BelowZero { mean, amplitude })
    }

    fn spike(&self) -> Result<Shape, PhaseError> {
        let or_at_once = |span: Option<Span>| span.map_or(Nanos::ZERO, |Span(nanos)| nanos);
        let timing = SpikeTiming {
            at: self.span("at", self.at)?,
            rise: or_at_once(self.rise),
            hold: self.span("hold", self.hold)?,
            fall: or_at_once(self.fall.or(self.rise)),
        };
        Ok(Shape::Curve(Curve::spike(self.need("base", self.base)?, self.need("peak", self.peak)?, timing)?))
    }

    fn curve(&self) -> Result<Shape, PhaseError> {
        match (&self.points, &self.file) {
            (Some(_), Some(_)) => Err(PhaseError::Either { kind: self.schedule, fields: ("points", "file") }),
            (None, Some(file)) => Err(PhaseError::Unread(file.clone())),
            (None, None) => Err(PhaseError::Missing { kind: self.schedule, field: "points" }),
            (Some(points), None) => {
                let points: Vec<_> = points.iter().map(|(Span(at), level)| (*at, *level)).collect();
                let after = if self.repeat { After::Repeat } else { After::Hold };
                Ok(Shape::Curve(Curve::points(&points, after)?))
            }
        }
    }
}

#[cfg(test)]
mod tests;
