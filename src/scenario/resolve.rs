//! Lays options and variables over a scenario until no setting is open.

mod apply;
mod own;
mod pace;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use super::Scenario;
use super::alerts::alerts_of;
use super::client::{ClientSettings, LevelProperties};
use super::environment::Environment;
use super::error::ConfigError;
use super::file::read_expectations;
use super::level::Level;
use super::place::Place;
use super::plan::{Plan, Presentation, Sharding};
use super::registry::access;
use super::schemas;
use super::source::SourceConfig;
use crate::settings::events::EventOptions;
use crate::settings::files::FileOptions;
use crate::settings::layer::Layer;
use crate::settings::run::{BasicOptions, OnLag, RunLimits, RunOptions};
use crate::settings::values;
use crate::settings::verification::{Isolation, VerifierOptions};
use crate::shop;
use crate::source::{mirrored, web};

/// What a command wants run.
#[derive(Clone, Debug, PartialEq)]
pub enum RunRequest {
    /// `loadgen synth`.
    Synthetic,
    /// `loadgen replay FILE ...`.
    Recording(Vec<PathBuf>),
    /// `loadgen run SCENARIO`.
    Scenario(PathBuf),
    /// `loadgen collect`, of these types.
    Web(web::Config),
    /// `loadgen mirror`, of these topics.
    Mirror(mirrored::Config),
    /// `loadgen capacity SCENARIO`: neither its phases nor its faults are used.
    Search(PathBuf),
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

/// How long an event that came in by a request waits for others, unless somebody says so.
const LINGER_OF_REQUESTS: Duration = Duration::from_millis(1);

/// Settings of the strongest level first.
type Layers<'a> = Vec<(Place<'a>, RunOptions)>;

/// Resolves what is wanted, with options over the environment over the `.env` file over the scenario over the defaults.
///
/// # Errors
/// Whatever makes no plan, see [`ConfigError`].
pub fn resolve(wanted: &RunRequest, options: RunOptions, environment: &Environment) -> Result<Resolved, ConfigError> {
    let mut layers: Layers<'_> = vec![(Place::OPTIONS, options)];
    for variables in environment.levels() {
        layers.push((Place::of(variables), variables.layer()?));
    }
    let mut scenario = match wanted {
        RunRequest::Synthetic => usual("synth", SourceConfig::default()),
        RunRequest::Recording(files) => {
            let levels = layers.iter().map(|(_, layer)| layer.recording.rows.clone());
            let known = levels.reduce(Layer::over).unwrap_or_default();
            usual("replay", SourceConfig::recording(files, &layers[0].1.recording.rows, &known)?)
        }
        RunRequest::Web(config) => {
            let mut scenario = usual("collect", SourceConfig::Web(config.clone()));
            // Whoever sent an event waits for its answer.
            scenario.settings.target.topic.linger = Some(LINGER_OF_REQUESTS);
            scenario
        }
        RunRequest::Mirror(config) => usual("mirror", SourceConfig::Mirrored(config.clone())),
        RunRequest::Scenario(path) | RunRequest::Search(path) => Scenario::load(path)?,
    };
    let (mut faults_left_out, mut expectations_left_out) = (0, 0);
    if let RunRequest::Search(_) = wanted {
        faults_left_out = std::mem::take(&mut scenario.faults).len();
        let in_file = scenario.settings.verifier.downstream.expect.take();
        expectations_left_out = std::mem::take(&mut scenario.expectations).len() + in_file.iter().len();
        scenario.settings.pace.phase.iter_mut().for_each(|phase| phase.schema = None);
    }
    if let RunRequest::Search(_) = wanted {
        leave_out_expectations(&mut layers)?;
    }
    own::settle(&mut scenario, &mut layers)?;
    leave_out_misplaced(&mut layers, &scenario.source)?;
    check_weights(&layers, &scenario.source)?;
    let mut warnings = environment.unknown(&crate::cli::command());
    if faults_left_out > 0 {
        warnings.push(
            "the scenario's faults are not injected: their times are those of its phases, and a search has its own"
                .to_owned(),
        );
    }
    if expectations_left_out > 0 {
        warnings
            .push("the scenario's expectations are not judged: a search asks how much the cluster takes".to_owned());
    }
    pace::settle(&mut scenario, &layers, &mut warnings)?;
    settle_verification(&mut scenario, &mut layers)?;
    let client = settle_client(&scenario, &layers)?;
    warnings.extend(client.notes.iter().cloned());
    let dump = layers.iter().any(|(_, layer)| layer.target.cluster.client.contains(&values::Property::Dump));
    let given = layers.into_iter().map(|(_, layer)| layer).reduce(Layer::over).unwrap_or_default();
    let (sharding, presentation) = (Sharding::of(&given), Presentation::of(&given));
    let told = given.outcome.alert.clone();
    let max_slip_given = given.limits.lateness.max_slip.is_some();
    apply::apply(&mut scenario, given, &client)?;
    schemas::load(&mut scenario.schemas)?;
    schemas::load(&mut scenario.settings.verifier.back.reader_schema)?;
    if let Some(file) = scenario.settings.verifier.downstream.expect.take() {
        scenario.expectations.extend(read_expectations(&file)?);
    }
    if !scenario.expectations.is_empty() && client.bootstrap().is_some() {
        // As a stream processor reads: the log is then read once for both.
        scenario.settings.verifier.back.isolation.get_or_insert(Isolation::ReadCommitted);
    }
    let registry = access(&mut scenario.settings.target.coding.registry, environment)?;
    let mut plan = Plan::new(&mut scenario, sharding, presentation, registry)?;
    plan.bootstrap_said_by = client.bootstrap_said_by();
    if let RunRequest::Search(_) = wanted {
        if told.is_some() || !scenario.alerts.is_empty() {
            warnings.push("no alert is sent: a search breaks gates to find the limit".to_owned());
        }
    } else {
        let (alerts, untold) = alerts_of(&mut scenario.alerts, told.as_deref(), &plan.gates, environment)?;
        plan.alerts = alerts;
        warnings.extend(untold);
    }
    if max_slip_given && plan.run.lateness.on_lag == OnLag::Queue {
        warnings.push("max_slip has no effect with on_lag = queue, which sends every event however late".to_owned());
    }
    Ok(Resolved { plan, scenario, client, dump, warnings })
}

/// What is run where no scenario says anything.
fn usual(name: &str, source: SourceConfig) -> Scenario {
    let mut scenario = Scenario { source, ..Scenario::default() };
    scenario.settings.limits.setup.basics.name = Some(name.to_owned());
    scenario
}

/// A search asks how much the cluster takes, and judges no results downstream.
fn leave_out_expectations(layers: &mut Layers<'_>) -> Result<(), ConfigError> {
    for (place, layer) in layers {
        if layer.verifier.downstream.expect.take().is_some() && place.level() == Level::Option {
            let reason = "a search asks how much the cluster takes, and judges no results downstream".to_owned();
            return Err(ConfigError::Misplaced { option: place.name_of("expect"), reason });
        }
    }
    Ok(())
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
            SourceConfig::Own(_) => {
                let other = std::mem::take(&mut layer.pace.fit).map(|_| "fit");
                let other = other.or(std::mem::take(&mut layer.recording).first_set());
                let shop = layer.events.of_the_shop();
                let EventOptions { model, weights, concurrent_sessions, .. } = std::mem::take(&mut layer.events);
                layer.events = EventOptions { model, weights, concurrent_sessions, ..EventOptions::default() };
                (other.or(shop), "the events are of types that a file declares, with all that is drawn for them")
            }
            SourceConfig::RetailRocket(_) => {
                let rows = FileOptions { file_format: None, ..std::mem::take(&mut layer.recording.rows) }.first_set();
                let record = std::mem::take(&mut layer.recording.record).first_set().or(rows);
                match std::mem::take(&mut layer.events).first_set() {
                    None => (record, "the events are made of the rows of a CSV, which no topic held"),
                    drawn => (drawn, "the events are replayed, none is drawn"),
                }
            }
            SourceConfig::Recorded(config) => {
                let drawn = std::mem::take(&mut layer.events).first_set();
                let other = layer.recording.of_others(config.rows.is_some());
                let coded = match config.declared {
                    Some(_) => None,
                    None => std::mem::take(&mut layer.target.coding.formats).first_set(),
                };
                let why = match config.rows {
                    Some(_) => "the rows of files are sent byte for byte, as they are, and were in no partition",
                    None => "the records of a recording are sent byte for byte, as they are",
                };
                (drawn.or(other).or(coded), why)
            }
            // Its command has none of these options; the variables are those of others.
            SourceConfig::Web(_) | SourceConfig::Mirrored(_) => {
                if let SourceConfig::Mirrored(_) = source {
                    // What -t, its variable and --num-records name is what is read.
                    (layer.target.topic.topic, layer.limits.length.num_records) = Default::default();
                }
                let RunLimits { setup, .. } = &mut layer.limits;
                setup.basics = BasicOptions { name: setup.basics.name.take(), ..BasicOptions::default() };
                (setup.padding, layer.limits.lateness, layer.limits.sharding) = Default::default();
                (layer.events, layer.recording, layer.pace) = Default::default();
                (layer.target.coding, layer.target.transactions) = Default::default();
                (None, "")
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

/// Refuses weights of types that there are not.
fn check_weights(layers: &Layers<'_>, source: &SourceConfig) -> Result<(), ConfigError> {
    let names: Vec<&str> = match source {
        SourceConfig::Synthetic(_) => shop::Kind::OF_USERS.iter().map(|kind| kind.as_str()).collect(),
        SourceConfig::Own(config) => config.type_names().collect(),
        SourceConfig::RetailRocket(_)
        | SourceConfig::Recorded(_)
        | SourceConfig::Mirrored(_)
        | SourceConfig::Web(_) => return Ok(()),
    };
    for (place, layer) in layers {
        let weights = layer.events.weights.as_ref().map(|weights| weights.of(names.iter().copied()));
        if let Some(Err(error)) = weights {
            return Err(ConfigError::Value {
                level: place.level(),
                what: place.name_of("weights"),
                reason: error.to_string(),
                hint: "a mix names the types that come, as in view=50,addtocart=20".to_owned(),
            });
        }
    }
    Ok(())
}

fn conflict(place: Place<'_>, first: &str, second: &str) -> ConfigError {
    ConfigError::Conflict { level: place.level(), first: place.name_of(first), second: place.name_of(second) }
}

/// Who asks for a consumer group wants the events read: that displaces a weaker level's `--no-verify`.
fn settle_verification(scenario: &mut Scenario, layers: &mut Layers<'_>) -> Result<(), ConfigError> {
    let mut group_asked = false;
    for (place, layer) in layers {
        let VerifierOptions { enabled, group, .. } = &mut layer.verifier;
        if *enabled == Some(false) && group.is_some() {
            return Err(conflict(*place, "no-verify", "group"));
        }
        if group_asked {
            *enabled = None;
        } else if *enabled == Some(false) {
            return Ok(());
        }
        group_asked |= group.is_some();
    }
    if group_asked {
        scenario.settings.verifier.enabled = Some(true);
    }
    Ok(())
}

fn settle_client(scenario: &Scenario, layers: &Layers<'_>) -> Result<ClientSettings, ConfigError> {
    let own = [(Place::SCENARIO, &scenario.settings)];
    let levels = layers.iter().map(|(place, layer)| (*place, layer)).chain(own);
    let levels = levels.map(|(place, layer)| LevelProperties::new(place, &layer.target.cluster, &layer.target.topic));
    let mut client = ClientSettings::merge(levels.collect())?;
    client.settle_security()?;
    Ok(client)
}
