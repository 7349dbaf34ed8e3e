//! Which of rate, shape, speed, fit and phases applies: the strongest level that says anything decides.

use std::path::Path;
use std::time::Duration;

use super::{Layers, conflict};
use crate::scenario::Scenario;
use crate::scenario::error::{ConfigError, plan_error};
use crate::scenario::level::Level;
use crate::scenario::place::Place;
use crate::scenario::source::SourceConfig;
use crate::schedule::config::{Kind, PhaseConfig};
use crate::schedule::text::Span;
use crate::schedule::{Phase, Rate, Speed, points};
use crate::settings::pace::{PaceOptions, PlannedRate};
use crate::units;

/// Leaves one pace in the scenario: phases and a speed for a synthetic one; a speed, a length or a rate for a recording.
pub(super) fn settle(
    scenario: &mut Scenario,
    layers: &Layers<'_>,
    warnings: &mut Vec<String>,
) -> Result<(), ConfigError> {
    let duration = layers.iter().find_map(|(place, layer)| Some((*place, layer.limits.length.duration?)));
    match scenario.source {
        SourceConfig::Synthetic(_) | SourceConfig::Own(_) => {
            let phases_are_from = settle_phases(scenario, layers, warnings)?;
            scenario.settings.pace.phase.iter_mut().try_for_each(read_curve)?;
            settle_end(scenario, phases_are_from, duration, warnings)
        }
        SourceConfig::RetailRocket(_)
        | SourceConfig::Recorded(_)
        | SourceConfig::Mirrored(_)
        | SourceConfig::Web(_) => {
            settle_replay(scenario, layers)?;
            scenario.settings.limits.length.duration =
                duration.map(|(_, duration)| duration).or(scenario.settings.limits.length.duration);
            Ok(())
        }
    }
}

/// Leaves the phases that are run, and says which level's they are.
fn settle_phases(
    scenario: &mut Scenario,
    layers: &Layers<'_>,
    warnings: &mut Vec<String>,
) -> Result<Level, ConfigError> {
    if scenario.settings.pace.fit.is_some() {
        return Err(plan_error(
            "`fit` is for recordings, and this scenario is synthetic",
            "give a rate and a duration",
        ));
    }
    if scenario.settings.pace.rate.is_some() && !scenario.settings.pace.phase.is_empty() {
        return Err(plan_error("the scenario has both a `rate` and [[phase]]", "keep one of them"));
    }
    for (place, layer) in layers {
        let PaceOptions { rate, phase, speed, .. } = &layer.pace;
        if rate.is_some() && !phase.is_empty() {
            return Err(conflict(*place, "rate", "shape"));
        }
        if *rate == Some(PlannedRate::Unlimited) && speed.is_some_and(|speed| speed != Speed::RECORDED) {
            return Err(conflict(*place, "rate", "speed"));
        }
    }
    let given = layers.iter().find(|(_, layer)| layer.pace.rate.is_some() || !layer.pace.phase.is_empty());
    if let Some((place, layer)) = given {
        let option = place.name_of(if layer.pace.rate.is_some() { "rate" } else { "shape" });
        if scenario.settings.pace.phase.len() > 1 {
            warnings
                .push(format!("{option} replaces the {} phases of the scenario", scenario.settings.pace.phase.len()));
        }
        if !scenario.settings.pace.phase.is_empty() && scenario.settings.limits.length.duration.is_none() {
            scenario.settings.pace.phase.iter_mut().try_for_each(read_curve)?;
            scenario.settings.limits.length.duration = length(&scenario.settings.pace.phase);
        }
        scenario.settings.pace.rate = layer.pace.rate;
        scenario.settings.pace.phase.clone_from(&layer.pace.phase);
    }
    if scenario.settings.pace.phase.is_empty() {
        let rate = scenario.settings.pace.rate.or_else(|| Rate::per_second(1_000).map(PlannedRate::At));
        scenario.settings.pace.phase.push(match rate {
            Some(PlannedRate::At(rate)) => PhaseConfig { rate: Some(rate), ..PhaseConfig::default() },
            _ => PhaseConfig { schedule: Kind::Unlimited, ..PhaseConfig::default() },
        });
    }
    scenario.settings.pace.rate = None;
    if scenario.settings.pace.phase.iter().any(|phase| phase.schedule == Kind::Replay) {
        return Err(plan_error(
            "schedule \"replay\" is for recordings, and these events are synthetic",
            "use another schedule",
        ));
    }
    let speed = layers
        .iter()
        .find_map(|(_, layer)| layer.pace.speed)
        .or(scenario.settings.pace.speed)
        .unwrap_or(Speed::RECORDED);
    if speed != Speed::RECORDED && scenario.settings.pace.phase.iter().all(|phase| phase.schedule == Kind::Unlimited) {
        warnings.push(format!("speed {speed} has no effect on an unlimited rate"));
    }
    scenario.settings.pace.speed = Some(speed);
    Ok(given.map_or(Level::Scenario, |(place, _)| place.level()))
}

/// How long a phase lasts: as it says, or as its steps or points do.
fn lasts(phase: &PhaseConfig) -> Option<Duration> {
    let said = phase.until.or(phase.duration).map(|Span(nanos)| nanos);
    said.or_else(|| Phase::try_from(phase.clone()).ok()?.duration).map(Duration::from)
}

/// How long the phases last together, where each of them ends.
fn length(phases: &[PhaseConfig]) -> Option<Duration> {
    phases.iter().map(lasts).sum()
}

/// One phase lasts as long as the run; several are cut where the run ends, and cannot be stretched. What is cut off is
/// told, and where the one phase and the run's length are of one level, it is an error of [`Phase::try_from`].
fn settle_end(
    scenario: &mut Scenario,
    phases_are_from: Level,
    given: Option<(Place<'_>, Duration)>,
    warnings: &mut Vec<String>,
) -> Result<(), ConfigError> {
    let own = scenario.settings.limits.length.duration.take();
    if let [PhaseConfig { duration, until, .. }] = scenario.settings.pace.phase.as_slice()
        && own.is_some()
        && given.is_none()
        && duration.or(*until).is_some()
    {
        return Err(plan_error("the scenario has both a `duration` and a phase with one", "keep one of them"));
    }
    let Some((place, end)) = given.or(own.map(|end| (Place::SCENARIO, end))) else { return Ok(()) };
    let cut_off = if let [phase] = scenario.settings.pace.phase.as_mut_slice() {
        if place.level() < phases_are_from && !holds_all(phase, end) {
            phase.until = Some(span(end));
            vec![format!("{} after {}", called(1, phase), units::of_duration(end))]
        } else {
            (phase.duration, phase.until) = (Some(span(end)), None);
            Vec::new()
        }
    } else {
        settle_ends(&mut scenario.settings.pace.phase, place, end)?
    };
    if !cut_off.is_empty() {
        warnings.push(format!("{} cuts off {}", place.name_of("duration"), cut_off.join(", ")));
    }
    Ok(())
}

/// Cuts the phases where the run ends, and returns what that cuts off.
fn settle_ends(phases: &mut Vec<PhaseConfig>, place: Place<'_>, end: Duration) -> Result<Vec<String>, ConfigError> {
    let mut left = end;
    let mut kept = Vec::new();
    let mut cut_off = Vec::new();
    for (index, mut phase) in std::mem::take(phases).into_iter().enumerate() {
        let name = called(index + 1, &phase);
        if left.is_zero() {
            cut_off.push(name);
            continue;
        }
        match lasts(&phase) {
            Some(whole) if whole <= left => left -= whole,
            whole => {
                if whole.is_some() || !holds_all(&phase, left) {
                    cut_off.push(format!("{name} after {}", units::of_duration(left)));
                }
                cut(&mut phase, left);
                left = Duration::ZERO;
            }
        }
        kept.push(phase);
    }
    *phases = kept;
    if left.is_zero() {
        return Ok(cut_off);
    }
    Err(ConfigError::Value {
        level: place.level(),
        what: place.name_of("duration"),
        reason: format!("the phases end {} earlier", units::of_duration(left)),
        hint: "make the last phase longer, or leave the duration out".to_owned(),
    })
}

/// A phase in a message: by its place, and its name where it has one.
fn called(number: usize, phase: &PhaseConfig) -> String {
    match &phase.name {
        Some(name) => format!("phase {number} (\"{name}\")"),
        None => format!("phase {number} ({})", phase.schedule),
    }
}

/// Whether nothing that a phase says lies after `end`. Of what is no phase at all, [`Phase::try_from`] tells.
fn holds_all(phase: &PhaseConfig, end: Duration) -> bool {
    phase.extent().ok().flatten().is_none_or(|extent| phase.holds(extent, end.into()))
}

/// Ends a phase early, its rates as they were until then.
fn cut(phase: &mut PhaseConfig, end: Duration) {
    let as_long_as_the_phase = match phase.schedule {
        Kind::Ramp => phase.over.is_none(),
        Kind::Steps => phase.each.is_none(),
        _ => false,
    };
    if as_long_as_the_phase || !holds_all(phase, end) {
        phase.until = Some(span(end));
    } else {
        phase.duration = Some(span(end));
        phase.until = None;
    }
}

fn span(duration: Duration) -> Span {
    Span(duration.into())
}

/// Puts the points of a curve's file into the scenario, so that it can be run again without the file.
fn read_curve(phase: &mut PhaseConfig) -> Result<(), ConfigError> {
    let Some(path) = phase.curve_file().map(Path::to_owned) else { return Ok(()) };
    let table = std::fs::read_to_string(&path).map_err(|source| ConfigError::Unreadable {
        what: "rate curve",
        path: path.clone(),
        source,
    })?;
    let points = points::read(&table).map_err(|error| ConfigError::Line {
        path: path.clone(),
        line: error.line,
        reason: error.cause.to_string(),
        hint: None,
    })?;
    phase.set_points(points);
    Ok(())
}

/// The strongest level that says anything about the pace of a replay decides it alone.
fn settle_replay(scenario: &mut Scenario, layers: &Layers<'_>) -> Result<(), ConfigError> {
    let from_phase = take_phase(scenario)?;
    let own = std::mem::take(&mut scenario.settings.pace);
    if !said(&own).is_empty() && from_phase.is_some() {
        return Err(plan_error("the scenario has both a [[phase]] and a pace above it", "keep one of them"));
    }
    let own = (Place::SCENARIO, from_phase.unwrap_or(own));
    let levels = layers.iter().map(|(place, layer)| (*place, layer.pace.clone()));
    let Some((place, decided)) = levels.chain([own]).find(|(_, pace)| !said(pace).is_empty()) else {
        scenario.settings.pace.speed = Some(Speed::RECORDED);
        return Ok(());
    };
    if let [first, second, ..] = said(&decided).as_slice() {
        return Err(conflict(place, first, second));
    }
    scenario.settings.pace = PaceOptions { phase: Vec::new(), ..decided };
    Ok(())
}

/// What a level says about the pace of a replay.
fn said(pace: &PaceOptions) -> Vec<&'static str> {
    let all = [("speed", pace.speed.is_some()), ("fit", pace.fit.is_some()), ("rate", pace.rate.is_some())];
    all.into_iter().filter_map(|(name, is_set)| is_set.then_some(name)).collect()
}

/// The only phase of a recording's scenario, as a pace.
fn take_phase(scenario: &mut Scenario) -> Result<Option<PaceOptions>, ConfigError> {
    let mut phases = std::mem::take(&mut scenario.settings.pace.phase);
    if phases.len() > 1 {
        return Err(plan_error(
            "a recording is replayed in one phase, and the scenario has several",
            "keep one [[phase]]",
        ));
    }
    let Some(config) = phases.pop() else { return Ok(None) };
    let schedule = config.schedule;
    let (rate, speed) = (config.rate, config.speed);
    let phase = Phase::try_from(config).map_err(|error| ConfigError::Plan { reason: error.to_string(), hint: None })?;
    scenario.settings.limits.length.duration =
        scenario.settings.limits.length.duration.or(phase.duration.map(Duration::from));
    let nothing = PaceOptions::default();
    match schedule {
        Kind::Replay => Ok(Some(PaceOptions { speed: speed.or(Some(Speed::RECORDED)), ..nothing })),
        Kind::Unlimited => Ok(Some(PaceOptions { rate: Some(PlannedRate::Unlimited), ..nothing })),
        Kind::Constant => Ok(Some(PaceOptions { rate: rate.map(PlannedRate::At), ..nothing })),
        other => Err(plan_error(
            &format!("a recording cannot be replayed with schedule \"{other}\""),
            "the schedules for it are replay, constant and unlimited",
        )),
    }
}
