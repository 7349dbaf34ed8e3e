//! What a plan sends and when, and how long that takes.

use std::sync::Arc;
use std::time::Duration;

use super::config::lanes;
use crate::clock::Nanos;
use crate::command::{Failure, dataset};
use crate::report::figures;
use crate::scenario::pace::Pace;
use crate::scenario::plan::Plan;
use crate::scenario::source::SourceConfig;
use crate::schedule::{Phase, Schedule, Shape, Speed};
use crate::source::Source;
use crate::source::retail_rocket;
use crate::source::synthetic::Synthetic;
use crate::verdict::ExitCode;

/// A replay longer than this is told how to be shorter.
const LONG: Duration = Duration::from_secs(3600);

pub(in crate::command) fn load(plan: &Plan) -> Result<Source, Failure> {
    match &plan.source {
        SourceConfig::Synthetic(config) => {
            let source = Synthetic::new(config, plan.seed)
                .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))?;
            Ok(Source::Synthetic(Arc::new(source)))
        }
        SourceConfig::RetailRocket(config) => Ok(Source::RetailRocket(Arc::new(
            retail_rocket::Recording::load(config).map_err(|error| dataset::load_failed(&error))?,
        ))),
    }
}

pub(in crate::command) fn schedule(plan: &Plan, source: &Source) -> Result<Schedule, Failure> {
    let duration = plan.duration.map(Nanos::from);
    let one = |name: &str, shape| vec![Phase::new(name, shape, duration)];
    let phases = match &plan.pace {
        Pace::Phases(phases) => phases.clone(),
        Pace::Speed(speed) => one("replay", Shape::Replay(*speed)),
        Pace::Rate(rate) => one("replay", Shape::Constant(*rate)),
        Pace::Unlimited => one("replay", Shape::Unlimited),
        Pace::Fit(wall) => {
            let recorded = match source {
                Source::RetailRocket(recording) => recording.span(),
                Source::Synthetic(_) => Nanos::ZERO,
            };
            let speed = Speed::to_fit(recorded, Nanos::from(*wall)).ok_or_else(|| {
                Failure::new(ExitCode::BadInput, "a recording of a single instant cannot be made to last longer")
                    .hint("use --rate N instead of --fit")
            })?;
            one("replay", Shape::Replay(speed))
        }
    };
    Schedule::seeded(phases, plan.limit, plan.seed)
        .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))
}

/// Events that will come due in this process, where known.
pub(super) fn planned(plan: &Plan, schedule: &Schedule, source: &Source) -> Option<u64> {
    schedule.count().into_iter().chain(source.len()).min().map(|all| lanes(plan).share(all))
}

/// Says on stderr how long a replay will take, and how to make a long one shorter.
pub(super) fn forewarn(plan: &Plan, recording: &retail_rocket::Recording, schedule: &Schedule) {
    let Some(wall) = replay_wall(recording, schedule) else { return };
    let wall = plan.duration.map_or(wall, |duration| wall.min(duration));
    tracing::info!("the replay takes {}", figures::span_s(wall.as_secs_f64()));
    if wall > LONG {
        tracing::warn!(
            "the replay takes {}: --fit 10m makes it last 10 minutes, --max-gap 1s shortens idle gaps",
            figures::span_s(wall.as_secs_f64())
        );
    }
}

fn replay_wall(recording: &retail_rocket::Recording, schedule: &Schedule) -> Option<Duration> {
    let phase = schedule.phases().next()?;
    match &phase.shape {
        Shape::Replay(speed) => Some(speed.compress(recording.span()).into()),
        Shape::Constant(rate) => Some(rate.due(recording.len()).into()),
        _ => None,
    }
}

pub(super) fn replay_ends(source: &Source, schedule: &Schedule) -> Option<Nanos> {
    match source {
        Source::RetailRocket(recording) => replay_wall(recording, schedule).map(Nanos::from),
        Source::Synthetic(_) => None,
    }
}
