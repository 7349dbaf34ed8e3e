//! A phase as it stands in a scenario.

pub mod command_line;
mod extent;
mod mix;
pub mod plan;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::rate::{Level, Rate, Speed};
use super::text::{Levels, Span};
use crate::clock::Nanos;
pub use extent::Extent;
pub use mix::SchemaMix;
pub use plan::{BadPhase, PhaseError, phases};

/// The kinds of schedule, by the names that scenarios use, and the fields that each needs or takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Evenly spaced events: `rate`.
    #[default]
    Constant,
    /// From one rate to another: `from`, `to`; `over` a part of the duration, `growth`.
    Ramp,
    /// One rate after the other: `rates`, or `from`, `to` and `step`; `each`.
    Steps,
    /// A swing around a mean: `mean`, `amplitude`, `period`.
    Sine,
    /// A short rise: `base`, `peak`, `at`, `hold`; `rise` and `fall`, at once where not given.
    Spike,
    /// Independent arrivals: `rate`; `seed`, where not that of the run.
    Poisson,
    /// On and off: `rate`, `on`, `off`; `base` for the time between.
    Bursts,
    /// As recorded: `speed`.
    Replay,
    /// Straight lines between points: `points`, or a `file` of them.
    Curve,
    /// As fast as the client takes them.
    Unlimited,
}

/// How a ramp grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Growth {
    /// By equal amounts in equal times.
    Linear,
    /// By equal factors in equal times.
    Exponential,
}

/// One `[[phase]]` of a scenario. Which fields belong to which schedule: [`Kind`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PhaseConfig {
    /// Its name in the report; that of its schedule where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its kind.
    pub schedule: Kind,
    /// How long it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<Span>,
    /// Where it ends early, its rates as they would have been until then; without it, what its shape says must fit into it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Span>,
    /// Whether it only warms the system up: reported, not judged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub warm_up: bool,
    /// In which versions of their schemas its events are written; the types' own where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<SchemaMix>,
    /// Events per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// Times faster than recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<Speed>,
    /// The rate at the start of a ramp or of steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Level>,
    /// The rate at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Level>,
    /// How long a ramp takes; the whole duration where not given. After it the last rate goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub over: Option<Span>,
    /// How a ramp grows; linear where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<Growth>,
    /// The rates of steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rates: Option<Levels>,
    /// The difference between one step and the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Rate>,
    /// How long each step takes; equal parts of the duration where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub each: Option<Span>,
    /// The rate around which a sine swings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Rate>,
    /// How far it swings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amplitude: Option<Rate>,
    /// How long a swing takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Span>,
    /// The rate before and after a spike, or between bursts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<Level>,
    /// The highest rate of a spike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<Level>,
    /// When a spike starts to rise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Span>,
    /// How long it rises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rise: Option<Span>,
    /// How long it stays at its peak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Span>,
    /// How long it falls; as long as it rises, where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fall: Option<Span>,
    /// How long a burst takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<Span>,
    /// How long the pause after it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<Span>,
    /// What random arrivals are drawn from; the run's seed where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The points of a curve: time since the phase's start, and rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub points: Option<Vec<(Span, Level)>>,
    /// Where the points of a curve stand, see [`super::points::read`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// Whether a curve starts again after its last point, as days do; else its last rate goes on.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
}

impl Kind {
    /// The fields without which it is none, and those that it also takes.
    const fn takes(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Constant => (&["rate"], &[]),
            Self::Ramp => (&["from", "to"], &["over", "growth"]),
            Self::Steps => (&[], &["rates", "from", "to", "step", "each"]),
            Self::Sine => (&["mean", "amplitude", "period"], &[]),
            Self::Spike => (&["base", "peak", "at", "hold"], &["rise", "fall"]),
            Self::Poisson => (&["rate"], &["seed"]),
            Self::Bursts => (&["rate", "on", "off"], &["base"]),
            Self::Replay => (&[], &["speed"]),
            Self::Curve => (&[], &["points", "file", "repeat"]),
            Self::Unlimited => (&[], &[]),
        }
    }

    fn fields(self) -> String {
        let (needed, taken) = self.takes();
        let names: Vec<_> = needed.iter().chain(taken).map(|name| format!("`{name}`")).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Ramp => "ramp",
            Self::Steps => "steps",
            Self::Sine => "sine",
            Self::Spike => "spike",
            Self::Poisson => "poisson",
            Self::Bursts => "bursts",
            Self::Replay => "replay",
            Self::Curve => "curve",
            Self::Unlimited => "unlimited",
        })
    }
}

impl PhaseConfig {
    /// The file that holds a curve's points, where it is still to be read: see [`PhaseConfig::set_points`].
    #[must_use]
    pub fn curve_file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Puts a file's points in the place of its name, so that the phase no longer depends on the file.
    pub fn set_points(&mut self, points: Vec<(Nanos, Level)>) {
        self.points = Some(points.into_iter().map(|(at, level)| (Span(at), level)).collect());
        self.file = None;
    }

    /// Every field that belongs to some schedules only, and whether it is there.
    fn given(&self) -> [(&'static str, bool); 24] {
        [
            ("rate", self.rate.is_some()),
            ("speed", self.speed.is_some()),
            ("from", self.from.is_some()),
            ("to", self.to.is_some()),
            ("over", self.over.is_some()),
            ("growth", self.growth.is_some()),
            ("rates", self.rates.is_some()),
            ("step", self.step.is_some()),
            ("each", self.each.is_some()),
            ("mean", self.mean.is_some()),
            ("amplitude", self.amplitude.is_some()),
            ("period", self.period.is_some()),
            ("base", self.base.is_some()),
            ("peak", self.peak.is_some()),
            ("at", self.at.is_some()),
            ("rise", self.rise.is_some()),
            ("hold", self.hold.is_some()),
            ("fall", self.fall.is_some()),
            ("on", self.on.is_some()),
            ("off", self.off.is_some()),
            ("seed", self.seed.is_some()),
            ("points", self.points.is_some()),
            ("file", self.file.is_some()),
            ("repeat", self.repeat),
        ]
    }
}
