//! Lays options and variables over a scenario until no setting is open.

use std::path::PathBuf;
use std::time::Duration;

use super::client::EMBEDDED;
use super::client::{ClientSettings, Said};
use super::environment::Environment;
use super::error::ConfigError;
use super::layer::{Layer, Level, Place};
use super::pace::PlannedRate;
use super::plan::{EventTime, Isolation, OnLag, Pacing, Plan, Presentation};
use super::source::{RetailRocket, SourceConfig, Synthetic};
use super::{GateConfig, Scenario};
use crate::cli::cluster::TargetOptions;
use crate::cli::pace::ReplayPace;
use crate::cli::replay::RecordingOptions;
use crate::cli::run::RunOptions;
use crate::cli::synth::SynthOptions;
use crate::cli::values;
use crate::cli::verification::VerifierOptions;
use crate::schedule::config::{Kind, PhaseConfig};
use crate::schedule::text::Span;
use crate::schedule::{Rate, Speed};

/// What a command wants run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// `loadgen synth`.
    Synthetic,
    /// `loadgen replay FILE`.
    Recording(PathBuf),
    /// `loadgen run SCENARIO`.
    Scenario(PathBuf),
}

/// A plan, and how it came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The plan.
    pub plan: Plan,
    /// The scenario without open settings: kept with the results, so that the run can be repeated from it.
    pub scenario: Scenario,
    /// The client's properties with where each comes from.
    pub client: ClientSettings,
    /// Whether only [`ClientSettings::dump`] is asked for (`-X dump`).
    pub dump: bool,
    /// What a person should know: settings without effect, names that look misspelt.
    pub warnings: Vec<String>,
}

/// Settings of the strongest level first.
type Layers<'a> = Vec<(Place<'a>, RunOptions)>;

/// Resolves what is wanted, with options over the environment over the `.env` file over the scenario over the defaults.
///
/// # Errors
/// Whatever makes no plan, see [`ConfigError`].
pub fn resolve(wanted: &Wanted, options: RunOptions, environment: &Environment) -> Result<Resolved, ConfigError> {
    let mut scenario = match wanted {
        Wanted::Synthetic => Scenario { name: Some("synth".to_owned()), ..Scenario::default() },
        Wanted::Recording(file) => Scenario {
            name: Some("replay".to_owned()),
            source: SourceConfig::RetailRocket(RetailRocket { file: file.clone(), ..RetailRocket::default() }),
            ..Scenario::default()
        },
        Wanted::Scenario(path) => Scenario::load(path)?,
    };
    let mut layers: Layers<'_> = vec![(Place::OPTIONS, options)];
    for variables in environment.levels() {
        layers.push((Place::of(variables), variables.layer()?));
    }
    leave_out_misplaced(&mut layers, &scenario.source)?;
    let mut warnings = Vec::new();
    settle_pace(&mut scenario, &layers, &mut warnings)?;
    settle_verification(&mut scenario, &mut layers)?;
    let client = settle_client(&scenario, &layers)?;
    warnings.extend(client.notes.iter().cloned());
    let dump = layers.iter().any(|(_, layer)| layer.target.cluster.command_property.contains(&values::Property::Dump));
    let merged = layers.into_iter().map(|(_, layer)| layer).reduce(Layer::over).unwrap_or_default();
    let presentation = Presentation::of(&merged);
    apply(&mut scenario, merged, &client)?;
    let plan = Plan::new(&scenario, presentation)?;
    Ok(Resolved { plan, scenario, client, dump, warnings })
}

/// Refuses options of the other source; its variables are there for other commands, and are left out.
fn leave_out_misplaced(layers: &mut Layers<'_>, source: &SourceConfig) -> Result<(), ConfigError> {
    for (place, layer) in layers {
        let (field, reason) = match source {
            SourceConfig::Synthetic(_) => {
                let fit = std::mem::take(&mut layer.pace.fit).map(|_| "fit");
                (
                    fit.or(std::mem::take(&mut layer.recording).first_set()),
                    "the events are synthetic, nothing is replayed",
                )
            }
            SourceConfig::RetailRocket(_) => {
                (std::mem::take(&mut layer.events).first_set(), "the events are replayed, none is drawn")
            }
        };
        if let Some(field) = field.filter(|_| place.level() == Level::Option) {
            let option = if field == "rounds" { "loop" } else { field };
            let option = place.name_of(&option.replace('_', "-"));
            return Err(ConfigError::Misplaced { option, reason: reason.to_owned() });
        }
    }
    Ok(())
}

fn settle_pace(scenario: &mut Scenario, layers: &Layers<'_>, warnings: &mut Vec<String>) -> Result<(), ConfigError> {
    let duration = layers.iter().find_map(|(place, layer)| Some((*place, layer.limits.duration?)));
    match scenario.source {
        SourceConfig::Synthetic(_) => {
            settle_synthetic_pace(scenario, layers, warnings)?;
            settle_phases_end(scenario, duration)
        }
        SourceConfig::RetailRocket(_) => {
            settle_replay_pace(scenario, layers)?;
            scenario.duration = duration.map(|(_, duration)| duration).or(scenario.duration);
            Ok(())
        }
    }
}

/// Phases from a rate, or from the scenario; and what multiplies them.
fn settle_synthetic_pace(
    scenario: &mut Scenario,
    layers: &Layers<'_>,
    warnings: &mut Vec<String>,
) -> Result<(), ConfigError> {
    if scenario.fit.is_some() {
        return Err(plan_error(
            "`fit` is for recordings, and this scenario is synthetic",
            "give a rate and a duration",
        ));
    }
    if scenario.rate.is_some() && !scenario.phases.is_empty() {
        return Err(plan_error("the scenario has both a `rate` and [[phase]]", "keep one of them"));
    }
    if scenario.phases.iter().any(|phase| phase.schedule == Kind::Replay) {
        return Err(plan_error(
            "schedule \"replay\" is for recordings, and this scenario is synthetic",
            "use another schedule",
        ));
    }
    let unlimited_twice = layers.iter().find(|(_, layer)| {
        layer.pace.rate == Some(PlannedRate::Unlimited)
            && layer.pace.speed.is_some_and(|speed| speed != Speed::RECORDED)
    });
    if let Some((place, _)) = unlimited_twice {
        return Err(conflict(*place, "rate", "speed"));
    }
    if let Some((place, rate)) = layers.iter().find_map(|(place, layer)| Some((place, layer.pace.rate?))) {
        if scenario.phases.len() > 1 {
            warnings.push(format!(
                "{} replaces the {} phases of the scenario",
                place.name_of("rate"),
                scenario.phases.len()
            ));
        }
        if !scenario.phases.is_empty() {
            scenario.duration = scenario.duration.or(phases_length(&scenario.phases));
            scenario.phases.clear();
        }
        scenario.rate = Some(rate);
    }
    if scenario.phases.is_empty() {
        let rate = scenario.rate.take().or_else(|| Rate::per_second(1_000).map(PlannedRate::At));
        scenario.phases.push(match rate {
            Some(PlannedRate::At(rate)) => PhaseConfig { rate: Some(rate), ..PhaseConfig::default() },
            _ => PhaseConfig { schedule: Kind::Unlimited, ..PhaseConfig::default() },
        });
    }
    let speed = layers.iter().find_map(|(_, layer)| layer.pace.speed).or(scenario.speed).unwrap_or(Speed::RECORDED);
    if speed != Speed::RECORDED && scenario.phases.iter().all(|phase| phase.schedule == Kind::Unlimited) {
        warnings.push(format!("speed {speed} has no effect on an unlimited rate"));
    }
    scenario.speed = Some(speed);
    Ok(())
}

/// How long the phases last together, where each of them ends.
fn phases_length(phases: &[PhaseConfig]) -> Option<Duration> {
    phases.iter().map(|phase| phase.duration.map(|Span(nanos)| Duration::from(nanos))).sum()
}

/// One phase lasts as long as the run; several are cut where the run ends, and cannot be stretched.
fn settle_phases_end(scenario: &mut Scenario, given: Option<(Place<'_>, Duration)>) -> Result<(), ConfigError> {
    let own = scenario.duration.take();
    if let [phase] = scenario.phases.as_mut_slice() {
        if own.is_some() && phase.duration.is_some() {
            return Err(plan_error("the scenario has both a `duration` and a phase with one", "keep one of them"));
        }
        phase.duration = given.map(|(_, duration)| duration).or(own).map(span).or(phase.duration);
        return Ok(());
    }
    let Some((place, end)) = given.or(own.map(|end| (Place::SCENARIO, end))) else { return Ok(()) };
    let mut left = end;
    for phase in &mut scenario.phases {
        let lasts = phase.duration.map_or(left, |Span(nanos)| nanos.into()).min(left);
        phase.duration = Some(span(lasts));
        left -= lasts;
    }
    if !left.is_zero() {
        return Err(ConfigError::Value {
            level: place.level(),
            what: place.name_of("duration"),
            reason: format!("the phases end {} earlier", super::text::of_duration(left)),
            hint: "make the last phase longer, or leave the duration out".to_owned(),
        });
    }
    scenario.phases.retain(|phase| phase.duration.is_none_or(|Span(nanos)| nanos != crate::clock::Nanos::ZERO));
    Ok(())
}

fn span(duration: Duration) -> Span {
    Span(duration.into())
}

/// The strongest level that says anything about the pace of a replay decides it alone.
fn settle_replay_pace(scenario: &mut Scenario, layers: &Layers<'_>) -> Result<(), ConfigError> {
    let said = |pace: &ReplayPace| {
        let all = [("speed", pace.speed.is_some()), ("fit", pace.fit.is_some()), ("rate", pace.rate.is_some())];
        all.into_iter().filter_map(|(name, is_set)| is_set.then_some(name)).collect::<Vec<_>>()
    };
    let from_phase = take_replay_phase(scenario)?;
    let own = ReplayPace { speed: scenario.speed.take(), fit: scenario.fit.take(), rate: scenario.rate.take() };
    if !said(&own).is_empty() && from_phase.is_some() {
        return Err(plan_error("the scenario has both a [[phase]] and a pace above it", "keep one of them"));
    }
    let own = (Place::SCENARIO, from_phase.unwrap_or(own));
    let levels = layers.iter().map(|(place, layer)| (*place, layer.pace.clone()));
    let Some((place, pace)) = levels.chain([own]).find(|(_, pace)| !said(pace).is_empty()) else {
        scenario.speed = Some(Speed::RECORDED);
        return Ok(());
    };
    if let [first, second, ..] = said(&pace).as_slice() {
        return Err(conflict(place, first, second));
    }
    (scenario.speed, scenario.fit, scenario.rate) = (pace.speed, pace.fit, pace.rate);
    Ok(())
}

/// The only phase of a recording's scenario, as a pace.
fn take_replay_phase(scenario: &mut Scenario) -> Result<Option<ReplayPace>, ConfigError> {
    let mut phases = std::mem::take(&mut scenario.phases);
    if phases.len() > 1 {
        return Err(plan_error(
            "a recording is replayed in one phase, and the scenario has several",
            "keep one [[phase]]",
        ));
    }
    let Some(phase) = phases.pop() else { return Ok(None) };
    scenario.duration = scenario.duration.or(phase.duration.map(|Span(nanos)| nanos.into()));
    let nothing = ReplayPace::default();
    match phase.schedule {
        Kind::Replay => Ok(Some(ReplayPace { speed: Some(phase.speed.unwrap_or(Speed::RECORDED)), ..nothing })),
        Kind::Unlimited => Ok(Some(ReplayPace { rate: Some(PlannedRate::Unlimited), ..nothing })),
        Kind::Constant if phase.rate.is_some() => {
            Ok(Some(ReplayPace { rate: phase.rate.map(PlannedRate::At), ..nothing }))
        }
        other @ Kind::Constant => Err(plan_error(
            &format!("a recording cannot be replayed with schedule \"{other}\""),
            "the schedules for it are replay, constant and unlimited",
        )),
    }
}

fn conflict(place: Place<'_>, first: &str, second: &str) -> ConfigError {
    ConfigError::Conflict { level: place.level(), first: place.name_of(first), second: place.name_of(second) }
}

fn plan_error(reason: &str, hint: &str) -> ConfigError {
    ConfigError::Plan { reason: reason.to_owned(), hint: Some(hint.to_owned()) }
}

/// Who asks for a consumer group wants the events read: that displaces a weaker level's `--no-verify`.
fn settle_verification(scenario: &mut Scenario, layers: &mut Layers<'_>) -> Result<(), ConfigError> {
    let mut group_asked = false;
    for (place, layer) in layers {
        let VerifierOptions { no_verify, group, .. } = &mut layer.verifier;
        if *no_verify == Some(true) && group.is_some() {
            return Err(conflict(*place, "no-verify", "group"));
        }
        if group_asked {
            *no_verify = None;
        } else if *no_verify == Some(true) {
            return Ok(());
        }
        group_asked |= group.is_some();
    }
    if group_asked {
        scenario.verify.enabled = Some(true);
    }
    Ok(())
}

fn settle_client(scenario: &Scenario, layers: &Layers<'_>) -> Result<ClientSettings, ConfigError> {
    let mut levels = Vec::new();
    for (place, layer) in layers {
        levels.push(Said::by_options(place, &layer.target.cluster, &layer.target.topic)?);
    }
    levels.push(Said::by_scenario(&scenario.kafka)?);
    let mut client = ClientSettings::merge(levels)?;
    client.settle_security()?;
    Ok(client)
}

/// Closes every setting that is still open: with what was given, else the scenario's own, else the default.
fn apply(scenario: &mut Scenario, given: RunOptions, client: &ClientSettings) -> Result<(), ConfigError> {
    let RunOptions { pace: _, limits, target, verifier, outcome, events, recording } = given;
    scenario.name = limits.name.or(scenario.name.take());
    scenario.seed = limits.seed.or(scenario.seed).or(Some(1));
    scenario.num_records = limits.num_records.or(scenario.num_records);
    scenario.lanes = limits.lanes.or(scenario.lanes).or(Some(1));
    scenario.pacing = limits.pacing.or(scenario.pacing).or(Some(Pacing::Sleep));
    scenario.max_rate = limits.max_rate.or(scenario.max_rate);
    scenario.on_lag = limits.on_lag.or(scenario.on_lag).or(Some(OnLag::Queue));
    scenario.max_slip = limits.max_slip.or(scenario.max_slip).or(Some(Duration::from_secs(1)));
    scenario.event_time = recording.event_time.or(scenario.event_time).or(Some(EventTime::Recorded));
    apply_verifier(scenario, verifier);
    apply_topic(scenario, target, client);
    let flush = delivery_timeout(client)? + Duration::from_secs(5);
    scenario.flush_deadline = limits.flush_deadline.or(scenario.flush_deadline).or(Some(flush));
    scenario.gates.extend(outcome.gate.into_iter().map(|rule| GateConfig { rule }));
    match &mut scenario.source {
        SourceConfig::Synthetic(config) => apply_events(config, &events),
        SourceConfig::RetailRocket(config) => apply_recording(config, recording),
    }
    Ok(())
}

fn apply_verifier(scenario: &mut Scenario, given: VerifierOptions) {
    let verify = &mut scenario.verify;
    verify.enabled = given.no_verify.map(|off| !off).or(verify.enabled).or(Some(true));
    verify.group = given.group.or(verify.group.take());
    verify.isolation = given.isolation.or(verify.isolation).or(Some(Isolation::ReadUncommitted));
    verify.drain_deadline = given.drain_deadline.or(verify.drain_deadline).or(Some(Duration::from_secs(30)));
}

fn apply_topic(scenario: &mut Scenario, target: TargetOptions, client: &ClientSettings) {
    let TargetOptions { cluster, topic } = target;
    let kafka = &mut scenario.kafka;
    kafka.bootstrap_server = Some(client.bootstrap().unwrap_or(EMBEDDED).to_owned());
    kafka.client = client.properties();
    kafka.client.remove("bootstrap.servers");
    (kafka.command_config, kafka.acks, kafka.idempotence, kafka.compression, kafka.linger) = Default::default();
    kafka.topic = topic.topic.or(kafka.topic.take()).or_else(|| Some("raw-events".to_owned()));
    kafka.create_topics = topic.create_topics.or(kafka.create_topics).or(Some(false));
    kafka.partitions = topic.partitions.or(kafka.partitions).or(Some(3));
    kafka.replication_factor = topic.replication_factor.or(kafka.replication_factor).or(Some(1));
    kafka.lag_group = topic.lag_group.or(kafka.lag_group.take());
    kafka.connect_timeout = cluster.connect_timeout.or(kafka.connect_timeout).or(Some(Duration::from_secs(10)));
}

/// How long the client tries to deliver an event.
fn delivery_timeout(client: &ClientSettings) -> Result<Duration, ConfigError> {
    let Some(setting) = client.get("delivery.timeout.ms") else { return Ok(Duration::ZERO) };
    setting.value.parse().map(Duration::from_millis).map_err(|_| ConfigError::Property {
        key: "delivery.timeout.ms".to_owned(),
        origin: setting.origin.clone(),
        reason: format!("\"{}\" is not a number of milliseconds", setting.value),
        hint: "for example delivery.timeout.ms=30000".to_owned(),
    })
}

fn apply_events(config: &mut Synthetic, given: &SynthOptions) {
    config.users = given.users.unwrap_or(config.users);
    config.items = given.items.unwrap_or(config.items);
    config.user_skew = given.user_skew.unwrap_or(config.user_skew);
    config.item_skew = given.item_skew.unwrap_or(config.item_skew);
}

fn apply_recording(config: &mut RetailRocket, given: RecordingOptions) {
    config.max_gap = given.max_gap.or(config.max_gap);
    config.limit = given.limit.or(config.limit);
}

#[cfg(test)]
mod tests;
