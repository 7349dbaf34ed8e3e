//! When each event is due: pure functions of the event's number, never of what happened before.
//!
//! The phases of a run follow one another without a gap. A lane asks for the due time of event n, in rising n; nothing
//! here waits, reads a clock or knows of Kafka.

pub mod config;
pub mod rate;
pub mod text;

use crate::clock::Nanos;
pub use config::{PhaseConfig, PhaseError};
pub use rate::{Level, Rate, Speed};

/// The shape of one phase.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// Evenly spaced events.
    Constant(Rate),
    /// As recorded, divided by the speed.
    Replay(Speed),
    /// As fast as the client takes them. Without due times: slip is not defined, response time is service time.
    Unlimited,
}

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
    #[error("phase \"{0}\" is shorter than the gap between two of its events, so nothing is due in it")]
    Hollow(String),
    /// Phases of recorded and of unlimited schedules cannot be followed by others.
    #[error("phase \"{0}\" has no event count that is known beforehand, so no phase can follow it")]
    Uncounted(String),
}

impl Schedule {
    /// Lays the phases out one after the other; at most `limit` events in all.
    ///
    /// # Errors
    /// Where they make no schedule, see [`ScheduleError`].
    pub fn new(phases: Vec<Phase>, limit: Option<u64>) -> Result<Self, ScheduleError> {
        if phases.is_empty() {
            return Err(ScheduleError::Empty);
        }
        let last = phases.len() - 1;
        let mut planned = Vec::with_capacity(phases.len());
        let (mut starts, mut first) = (Nanos::ZERO, 0);
        for (index, phase) in phases.into_iter().enumerate() {
            let end = match (&phase.shape, phase.duration) {
                (Shape::Constant(rate), Some(duration)) => {
                    let count = rate.due_before(duration);
                    if count == 0 {
                        return Err(ScheduleError::Hollow(phase.name));
                    }
                    Some(first + count)
                }
                _ => None,
            };
            if index < last {
                let Some(duration) = phase.duration else {
                    return Err(ScheduleError::EndlessInTheMiddle(phase.name));
                };
                let Some(end) = end else {
                    return Err(ScheduleError::Uncounted(phase.name));
                };
                planned.push(Planned { phase, starts, first, end: Some(end) });
                starts += duration;
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
        while let Some(planned) = self.phases.get(cursor.phase) {
            if number < planned.first {
                cursor.phase -= 1;
                continue;
            }
            if planned.end.is_some_and(|end| number >= end) {
                cursor.phase += 1;
                continue;
            }
            let offset = match &planned.phase.shape {
                Shape::Constant(rate) => rate.due(number - planned.first),
                Shape::Replay(speed) => speed.compress(recorded_offset),
                Shape::Unlimited => return Due::Now(cursor.phase),
            };
            return match planned.phase.duration {
                Some(duration) if offset >= duration => Due::Never,
                _ => Due::At(planned.starts + offset, cursor.phase),
            };
        }
        Due::Never
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
        let planned = self.phases.iter().rev().find(|planned| planned.starts <= instant)?;
        let Shape::Constant(rate) = &planned.phase.shape else { return None };
        let within = instant.since(planned.starts).min(planned.phase.duration.unwrap_or(Nanos::MAX));
        let due = planned.first + rate.due_before(within);
        Some(self.limit.map_or(due, |limit| due.min(limit)))
    }

    /// The phases, in order.
    #[must_use]
    pub fn phases(&self) -> impl ExactSizeIterator<Item = &Phase> {
        self.phases.iter().map(|planned| &planned.phase)
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

    /// The name in reports: that of the only shape, or `phases`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.phases.as_slice() {
            [one] => match one.phase.shape {
                Shape::Constant(_) => "constant",
                Shape::Replay(_) => "replay",
                Shape::Unlimited => "unlimited",
            },
            _ => "phases",
        }
    }
}
