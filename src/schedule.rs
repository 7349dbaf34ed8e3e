//! When each event is due: pure functions of the event's number, never of what happened before.
//!
//! The phases of a run follow one another without a gap. A lane asks for the due time of event n, in rising n; nothing
//! here waits, reads a clock or knows of Kafka.

pub mod chart;
pub mod config;
pub mod curve;
pub mod exponential;
pub mod fault;
mod float;
#[cfg(test)]
mod laws;
pub mod points;
pub mod poisson;
pub mod rate;
pub mod shape;
pub mod sine;
pub mod text;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::clock::Nanos;
pub use chart::chart;
pub use config::{BadPhase, PhaseConfig, PhaseError, phases};
pub use fault::Fault;
pub use rate::{Level, Rate, Speed};
pub use shape::Shape;

/// One phase: a shape, and where it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Its name in the report.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// How long it lasts; `None` until the data or the count ends it.
    pub duration: Option<Nanos>,
    /// Whether it only warms the system up: reported, not judged.
    pub warm_up: bool,
}

impl Phase {
    /// A phase that is judged.
    #[must_use]
    pub fn new(name: impl Into<String>, shape: Shape, duration: Option<Nanos>) -> Self {
        Self { name: name.into(), shape, duration, warm_up: false }
    }
}

/// What a lane remembers between calls of [`Schedule::due`]: a cache, without influence on the answers.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    phase: usize,
    /// Due times of the Poisson phase it is in.
    block: Option<poisson::Block>,
}

/// When an event is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// At this instant, as part of that phase.
    At(Nanos, usize),
    /// As soon as there is room, as part of that phase.
    Now(usize),
    /// Never: the schedule has ended before this event.
    Never,
}

/// The phases of a run as one schedule.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    phases: Vec<Planned>,
    limit: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
struct Planned {
    phase: Phase,
    /// When it starts.
    starts: Nanos,
    /// Number of its first event.
    first: u64,
    /// Number of the first event after it, where that is known beforehand.
    end: Option<u64>,
}

/// Why phases make no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// There is no phase.
    #[error("a schedule needs at least one phase")]
    Empty,
    /// A phase in the middle has no end.
    #[error("phase \"{0}\" has no duration, but another phase follows it")]
    EndlessInTheMiddle(String),
    /// A phase holds no event.
    #[error("nothing is due in phase \"{0}\": give it a longer duration or a higher rate")]
    Hollow(String),
    /// More events than can be numbered.
    #[error("phase \"{0}\" has more events than can be numbered (2^64): give it a shorter duration or a lower rate")]
    Overfull(String),
    /// More time than can be counted.
    #[error("the phases together last longer than 584 years")]
    TooLong,
    /// Two phases cannot be told apart in the report.
    #[error("two phases are named \"{0}\": each needs a name of its own, as gates and reports refer to it")]
    SameName(String),
    /// A warm-up in the middle: no stretch of time would be either judged or not.
    #[error("phase \"{0}\" is a warm-up, but a phase that is judged comes before it: warm-ups come first")]
    LateWarmUp(String),
    /// Nothing but warm-ups.
    #[error("phase \"{0}\" is a warm-up, and nothing comes after it that would be judged")]
    OnlyWarmUp(String),
    /// Phases of recorded and of unlimited schedules cannot be followed by others.
    #[error("phase \"{0}\" has no event count that is known beforehand, so no phase can follow it")]
    Uncounted(String),
}

impl Schedule {
    /// Lays the phases out one after the other; at most `limit` events in all. Random arrivals start from the seed 0.
    ///
    /// # Errors
    /// Where they make no schedule, see [`ScheduleError`].
    pub fn new(phases: Vec<Phase>, limit: Option<u64>) -> Result<Self, ScheduleError> {
        Self::seeded(phases, limit, 0)
    }

    /// Like [`Schedule::new`]; random arrivals that have no seed of their own take one from `seed` and their phase's place.
    ///
    /// # Errors
    /// Where they make no schedule, see [`ScheduleError`].
    pub fn seeded(phases: Vec<Phase>, limit: Option<u64>, seed: u64) -> Result<Self, ScheduleError> {
        let Some(last) = phases.len().checked_sub(1) else {
            return Err(ScheduleError::Empty);
        };
        let mut planned: Vec<Planned> = Vec::with_capacity(phases.len());
        let (mut starts, mut first) = (Nanos::ZERO, 0_u64);
        for (index, mut phase) in phases.into_iter().enumerate() {
            if let Shape::Poisson(poisson) = &mut phase.shape {
                poisson.seed_with(xxh3_64_with_seed(&(index as u64).to_le_bytes(), seed));
            }
            if planned.iter().any(|earlier| earlier.phase.name == phase.name) {
                return Err(ScheduleError::SameName(phase.name));
            }
            if phase.warm_up && planned.iter().any(|earlier| !earlier.phase.warm_up) {
                return Err(ScheduleError::LateWarmUp(phase.name));
            }
            if phase.warm_up && index == last {
                return Err(ScheduleError::OnlyWarmUp(phase.name));
            }
            let count = phase.duration.and_then(|duration| phase.shape.due_before(duration));
            if count == Some(0) {
                return Err(ScheduleError::Hollow(phase.name));
            }
            let end = match count.map(|count| first.checked_add(count)) {
                Some(None | Some(u64::MAX)) => return Err(ScheduleError::Overfull(phase.name)),
                end => end.flatten(),
            };
            if index < last {
                let Some(duration) = phase.duration else {
                    return Err(ScheduleError::EndlessInTheMiddle(phase.name));
                };
                let Some(end) = end else {
                    return Err(ScheduleError::Uncounted(phase.name));
                };
                planned.push(Planned { phase, starts, first, end: Some(end) });
                starts = starts.0.checked_add(duration.0).map(Nanos).ok_or(ScheduleError::TooLong)?;
                first = end;
            } else {
                planned.push(Planned { phase, starts, first, end });
            }
        }
        Ok(Self { phases: planned, limit })
    }

    /// When event `number` is due. `recorded_offset` is the time from the recording's first event to this one.
    ///
    /// `cursor` is the caller's own, [`Cursor::default`] at first; it makes calls with rising numbers cheap.
    #[must_use]
    pub fn due(&self, cursor: &mut Cursor, number: u64, recorded_offset: Nanos) -> Due {
        if self.limit.is_some_and(|limit| number >= limit) {
            return Due::Never;
        }
        let Some(planned) = self.seek(cursor, number) else {
            return Due::Never;
        };
        let phase = cursor.phase;
        match planned.phase.shape.due(cursor, number - planned.first, recorded_offset) {
            None => Due::Now(phase),
            Some(offset) if planned.phase.duration.is_some_and(|duration| offset >= duration) => Due::Never,
            Some(offset) => Due::At(planned.starts + offset, phase),
        }
    }

    /// The phase that holds event `number`, remembered in `cursor`.
    fn seek(&self, cursor: &mut Cursor, number: u64) -> Option<&Planned> {
        let holds = |planned: &Planned| number >= planned.first && planned.end.is_none_or(|end| number < end);
        if !self.phases.get(cursor.phase).is_some_and(holds) {
            cursor.phase = self.phases.iter().position(holds)?;
            cursor.block = None;
        }
        self.phases.get(cursor.phase)
    }

    /// How many phases at the start only warm up.
    #[must_use]
    pub fn warm_ups(&self) -> usize {
        self.phases.iter().take_while(|planned| planned.phase.warm_up).count()
    }

    /// When the warm-up ends: zero without one.
    #[must_use]
    pub fn warm_up_ends(&self) -> Nanos {
        self.phases.get(self.warm_ups()).map_or(Nanos::ZERO, |planned| planned.starts)
    }

    /// When the last phase ends by the clock; `None` where only the data or the count ends it.
    #[must_use]
    pub fn ends_at(&self) -> Option<Nanos> {
        let last = self.phases.last()?;
        Some(last.starts + last.phase.duration?)
    }

    /// How many events it holds, where that is known beforehand.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        let end = self.phases.last().and_then(|last| last.end);
        match (end, self.limit) {
            (Some(end), Some(limit)) => Some(end.min(limit)),
            (end, limit) => end.or(limit),
        }
    }

    /// How many events are due before `instant`, where that is a function of time alone.
    #[must_use]
    pub fn due_before(&self, instant: Nanos) -> Option<u64> {
        let planned = self.phases.get(self.phase_at(instant))?;
        let within = (instant - planned.starts).min(planned.phase.duration.unwrap_or(Nanos::MAX));
        let due = planned.first.saturating_add(planned.phase.shape.due_before(within)?);
        Some(self.limit.map_or(due, |limit| due.min(limit)))
    }

    /// The integral of the planned rate over [0, `instant`): what [`Schedule::due_before`] counts, before chance and
    /// rounding to whole events. `None` where there is no plan in time.
    #[must_use]
    pub fn expected_before(&self, instant: Nanos) -> Option<f64> {
        let mut sum = 0.0;
        for planned in self.phases.iter().take_while(|planned| planned.starts <= instant) {
            let within = (instant - planned.starts).min(planned.phase.duration.unwrap_or(Nanos::MAX));
            sum += planned.phase.shape.expected(within)?;
        }
        Some(sum)
    }

    /// The highest planned rate in events per second, where there is a plan in time.
    #[must_use]
    pub fn peak(&self) -> Option<f64> {
        self.phases.iter().try_fold(0.0, |peak: f64, planned| Some(peak.max(planned.phase.shape.peak()?)))
    }

    /// The phases, in order.
    #[must_use]
    pub fn phases(&self) -> impl ExactSizeIterator<Item = &Phase> {
        self.phases.iter().map(|planned| &planned.phase)
    }

    /// When each phase starts.
    #[must_use]
    pub fn starts(&self) -> impl ExactSizeIterator<Item = Nanos> {
        self.phases.iter().map(|planned| planned.starts)
    }

    /// The phase in which `instant` lies, counted from 0; the last one after the end.
    #[must_use]
    pub fn phase_at(&self, instant: Nanos) -> usize {
        self.phases.iter().rposition(|planned| planned.starts <= instant).unwrap_or(0)
    }

    /// Whether its events have due times. `unlimited` has none.
    #[must_use]
    pub fn has_due_times(&self) -> bool {
        !self.phases.iter().any(|planned| planned.phase.shape == Shape::Unlimited)
    }

    /// Whether events are due when they come in from outside: of an end nothing tells but the clock.
    #[must_use]
    pub fn is_arrivals(&self) -> bool {
        self.phases.iter().all(|planned| planned.phase.shape == Shape::Arrivals)
    }

    /// Whether events are due as they were recorded, at some speed.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.phases.iter().all(|planned| matches!(planned.phase.shape, Shape::Replay(_)))
    }

    /// The name in reports: that of the only shape, or `phases`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.phases.as_slice() {
            [one] => one.phase.shape.name(),
            _ => "phases",
        }
    }
}
