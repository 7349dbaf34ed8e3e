//! What a plan sends and when, and how long that takes.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use crate::clock::Nanos;
use crate::figures;
use crate::report::LeftOut;
use crate::scenario::pace::Pace;
use crate::scenario::plan::Plan;
use crate::scenario::source::SourceConfig;
use crate::schedule::{Cursor, Due, Phase, Schedule, Shape, Speed};
use crate::source::Source;
use crate::source::own::Own;
use crate::source::recorded::{self, CreateTime, Cut, Recorded, RowFacts};
use crate::source::retail_rocket::{self, DueEvents, Facts, LoadError, Moment};
use crate::source::synthetic::Synthetic;
use crate::verdict::ExitCode;

/// A replay longer than this is told how to be shorter.
const LONG: Duration = Duration::from_secs(3600);

pub(super) fn load(plan: &Plan) -> Result<Source, Failure> {
    match &plan.source {
        SourceConfig::Synthetic(config) => {
            let source = Synthetic::new(config, plan.run.seed)
                .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))?;
            Ok(Source::Synthetic(Arc::new(source)))
        }
        SourceConfig::Own(config) => {
            let source = Own::new(config, plan.run.seed).map_err(|error| Failure {
                code: ExitCode::BadConfiguration,
                message: error.to_string(),
                hint: error.hint,
            })?;
            Ok(Source::Own(Arc::new(source)))
        }
        SourceConfig::RetailRocket(config) => {
            let recording = retail_rocket::Recording::load(config).map_err(|error| load_failed(&error))?;
            warn_of_loss(recording.facts());
            Ok(Source::RetailRocket(Arc::new(recording)))
        }
        SourceConfig::Recorded(config) => {
            let recorded = Recorded::load(config).map_err(|error| not_played(&error))?;
            warn_of_recording(&recorded);
            Ok(Source::Recorded(Arc::new(recorded)))
        }
        SourceConfig::Mirrored(_) => {
            let reason = "the events of this scenario were read from topics, and it has none of its own";
            Err(Failure::new(ExitCode::BadConfiguration, reason).hint("loadgen mirror reads and sends them"))
        }
        SourceConfig::Web(_) => {
            let reason = "the events of this scenario came in from outside, and it has none of its own";
            Err(Failure::new(ExitCode::BadConfiguration, reason).hint("loadgen collect takes such events"))
        }
    }
}

/// Says on stderr what of a recording is not played as it was.
fn warn_of_recording(recorded: &Recorded) {
    let file = recorded.config().file();
    for (file, Cut { at, bytes }) in recorded.cuts() {
        tracing::warn!(
            "{file} was cut off: it is played up to its last whole block, which ends at byte {at}; {} behind it are not",
            figures::bytes(bytes)
        );
    }
    let back = recorded.facts().back;
    if let Some(rows) = recorded.config().rows() {
        warn_of_rows(&file, rows);
    } else if back > 0 {
        tracing::warn!(
            "{file}: {} earlier than one before in the partition, or without a time: played at once after that one",
            figures::counted(back, "record")
        );
    }
    if recorded.config().create_time == CreateTime::Recorded {
        let first = Moment(recorded.facts().first_ms);
        tracing::warn!(
            "records keep their CreateTime, from {first} on: a topic whose retention.ms is shorter than that is long ago deletes them"
        );
    }
}

/// Says on stderr what of rows was not as in the files.
fn warn_of_rows(file: &str, rows: &RowFacts) {
    if rows.bad.count > 0 {
        let reasons: Vec<String> =
            rows.bad.by_reason.iter().map(|(reason, rows)| format!("{reason} {}", figures::count(*rows))).collect();
        let (count, reasons) = (figures::counted(rows.bad.count, "bad row"), reasons.join(", "));
        tracing::warn!("{file}: {count} left out ({reasons}); loadgen dataset info has examples");
    }
    if rows.back > 0 {
        tracing::warn!(
            "{file}: {} earlier than the one before, and played in the order of time",
            figures::counted(rows.back, "row")
        );
    }
    let clock = rows.found.as_ref().and_then(|found| found.clocks.first());
    if let Some(clock) = clock.filter(|clock| clock.without_offset > 0) {
        let times = figures::counted(clock.without_offset, "time");
        tracing::warn!("{file}: {times} of {} without an offset, taken as UTC", clock.field);
    }
}

/// Why a recording cannot be played, as the end of a command.
fn not_played(error: &recorded::LoadError) -> Failure {
    Failure::new(ExitCode::BadInput, error.to_string())
}

/// Says on stderr what leaving rows out takes away, where that is more than a few of them.
pub(super) fn warn_of_loss(facts: &Facts) {
    if let Some(sentence) = left_out(facts).warning() {
        tracing::warn!("{}: {sentence}", facts.file);
    }
    if let Some(sentence) = facts.properties.as_ref().and_then(retail_rocket::PropertyFacts::warning) {
        tracing::warn!("{sentence}");
    }
}

/// The rows that were left out, as reports have them.
pub(super) fn left_out(facts: &Facts) -> LeftOut {
    LeftOut { rows: facts.rows_by_type.clone(), bad_rows: facts.bad_rows.by_type.clone() }
}

pub(super) fn schedule(plan: &Plan, source: &Source) -> Result<Schedule, Failure> {
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
                Source::Recorded(recorded) => recorded.span(),
                Source::Synthetic(_) | Source::Own(_) | Source::Mirrored(_) | Source::Web(_) => Nanos::ZERO,
            };
            let speed = Speed::to_fit(recorded, Nanos::from(*wall)).ok_or_else(|| {
                Failure::new(ExitCode::BadInput, "a recording of a single instant cannot be made to last longer")
                    .hint("use --rate N instead of --fit")
            })?;
            one("replay", Shape::Replay(speed))
        }
    };
    Schedule::seeded(phases, plan.limit, plan.run.seed)
        .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))
}

/// Events that will come due in this process, where known.
pub(super) fn planned(plan: &Plan, schedule: &Schedule, source: &Source) -> Option<u64> {
    let due = due_events(source, schedule).map(|due| due.count);
    schedule.count().into_iter().chain(source.len()).chain(due).min().map(|all| plan.run.lanes.share(all))
}

/// The rows of a recording that come due before its schedule ends, and when the last one does.
fn due_events(source: &Source, schedule: &Schedule) -> Option<DueEvents> {
    if !schedule.has_due_times() {
        return None;
    }
    let recording = match source {
        Source::RetailRocket(recording) => recording,
        Source::Recorded(recorded) => {
            let count = recorded.len()?;
            let last = due(schedule)(count.checked_sub(1)?, recorded.span())?;
            return Some(DueEvents { count, last });
        }
        Source::Synthetic(_) | Source::Own(_) | Source::Mirrored(_) | Source::Web(_) => return None,
    };
    // Sorted rows that cannot be read any more end the run with their reason.
    recording.due_events(&due(schedule)).ok().flatten()
}

/// When events of a recording are due.
pub(super) fn due(schedule: &Schedule) -> impl Fn(u64, Nanos) -> Option<Nanos> {
    let cursor = RefCell::new(Cursor::default());
    move |number, offset| match schedule.due(&mut cursor.borrow_mut(), number, offset) {
        Due::At(due, _) => Some(due),
        Due::Now(_) | Due::Never => None,
    }
}

/// Says on stderr how long a replay will take, and how to make a long one shorter.
pub(super) fn forewarn(source: &Source, schedule: &Schedule) {
    let Some(wall) = due_events(source, schedule).map(|due| Duration::from(due.last)) else { return };
    tracing::info!("the replay takes {}", figures::span_s(wall.as_secs_f64()));
    if wall > LONG {
        tracing::warn!(
            "the replay takes {}: --fit 10m makes it last 10 minutes, --max-gap 1s shortens idle gaps",
            figures::span_s(wall.as_secs_f64())
        );
    }
}

/// When a run ends that nothing else ends: a recording with its last row, where the schedule does not end before.
pub(super) fn ends(source: &Source, schedule: &Schedule) -> Option<Nanos> {
    let plays_all = |due: &DueEvents| Some(due.count) == source.len();
    let last = due_events(source, schedule).filter(plays_all).map(|due| due.last);
    last.into_iter().chain(schedule.ends_at()).min()
}

/// Why a recording cannot be loaded, as the end of a command.
pub(super) fn load_failed(error: &LoadError) -> Failure {
    let code = if error.is_configuration() { ExitCode::BadConfiguration } else { ExitCode::BadInput };
    Failure { code, message: error.to_string(), hint: error.hint() }
}
