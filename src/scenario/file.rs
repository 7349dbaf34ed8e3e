//! Scenario files: reading them with errors that name the line, and writing a resolved one.

mod source;

use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::Scenario;
use super::alerts::AlertConfig;
use super::error::ConfigError;
use super::faults::FaultConfig;
use super::text::{Fault, fault, read_text, read_toml, unknown_key};
use crate::expect::ExpectConfig;
use crate::gate::GateConfig;
use crate::settings::cluster::{ClusterOptions, TopicOptions};
use crate::settings::formats::{FormatOptions, RegistryOptions};
use crate::settings::layer::{InTable, Misread, list_by_serde};
use crate::settings::pace::PaceOptions;
use crate::settings::recording::BodyOptions;
use crate::settings::run::{BasicOptions, LatenessOptions, LengthOptions, PaddingOptions, PatienceOptions, RunOptions};
use crate::settings::transactions::TransactionOptions;
use crate::settings::verification::VerifierOptions;

/// The table of fraud.
const FRAUD: &str = "fraud";

list_by_serde! { AlertConfig ExpectConfig FaultConfig GateConfig }

/// A file of expectations alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expectations {
    #[serde(default)]
    expect: Vec<ExpectConfig>,
}

/// Reads a file of expectations.
///
/// # Errors
/// A file that cannot be read, that holds something else, or holds none.
pub(super) fn read_expectations(path: &Path) -> Result<Vec<ExpectConfig>, ConfigError> {
    let Expectations { expect } = read_toml(path, "file of expectations")?;
    if expect.is_empty() {
        let hint = Some("[[expect]] begins each of them: docs/downstream.md".to_owned());
        return Err(ConfigError::Line {
            path: path.to_owned(),
            line: 1,
            reason: "it expects nothing".to_owned(),
            hint,
        });
    }
    Ok(expect)
}

impl Scenario {
    /// Reads a scenario file. Relative paths of data in it are relative to its folder.
    ///
    /// # Errors
    /// A file that cannot be read, or that is no scenario: with the line, and the nearest name where one is unknown.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = read_text(path, "scenario")?;
        let mut scenario = Self::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        scenario.source.move_paths(folder);
        for curve in scenario.settings.pace.phase.iter_mut().filter_map(|phase| phase.file.as_mut()) {
            *curve = folder.join(&*curve);
        }
        if let Some(file) = &mut scenario.settings.verifier.downstream.expect {
            *file = folder.join(&*file);
        }
        let readers = &mut scenario.settings.verifier.back.reader_schema;
        for set in scenario.schemas.iter_mut().chain(readers) {
            set.move_path(folder);
        }
        let target = &mut scenario.settings.target;
        let registry = &mut target.coding.registry;
        let files = [
            &mut target.cluster.command_config,
            &mut registry.schema_registry_token_file,
            &mut registry.schema_registry_ca,
            &mut registry.schema_registry_cert,
            &mut registry.schema_registry_key,
        ];
        let secrets = scenario.alerts.iter_mut().filter_map(|alert| alert.secret_file.as_mut());
        for file in files.into_iter().flatten().chain(secrets) {
            *file = folder.join(&*file);
        }
        let name = &mut scenario.settings.limits.setup.basics.name;
        if name.is_none() {
            *name = path.file_stem().and_then(|stem| stem.to_str()).map(ToOwned::to_owned);
        }
        Ok(scenario)
    }

    /// Reads the text of a scenario; `path` is for messages.
    ///
    /// # Errors
    /// A text that is no scenario.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        read(text).map_err(|fault| fault.at_line_of(text, path))
    }

    /// The scenario as it is kept with the results, to be run again from there: it names its data wherever it is run.
    ///
    /// # Errors
    /// Values that TOML cannot hold; a resolved scenario has none.
    pub fn kept(&self) -> Result<String, ConfigError> {
        let mut kept = self.clone();
        if let Ok(here) = std::env::current_dir() {
            kept.source.move_paths(&here);
        }
        kept.to_toml().map_err(|error| ConfigError::Plan {
            reason: format!("the scenario cannot be written down: {error}"),
            hint: None,
        })
    }

    /// The scenario as a file, secrets redacted.
    ///
    /// # Errors
    /// Values that TOML cannot hold; a resolved scenario has none.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let Self { settings, source, schemas, expectations, faults, gates, alerts } = self;
        let RunOptions { pace, limits, target, verifier, outcome, events: _, recording } = settings;
        let mut table = Table::new();
        let mut source = Value::try_from(source)?;
        if let Some(fraud) = source.as_table_mut().and_then(|source| source.remove(FRAUD)) {
            table.insert(FRAUD.to_owned(), fraud);
        }
        table.insert("source".to_owned(), source);
        limits.setup.basics.put("", &mut table)?;
        pace.put("", &mut table)?;
        limits.length.put("", &mut table)?;
        limits.lateness.put("", &mut table)?;
        limits.setup.padding.put("", &mut table)?;
        limits.setup.patience.put("", &mut table)?;
        recording.body.put("", &mut table)?;
        outcome.gate_off.put("gates_off", &mut table)?;
        let mut kafka = Table::new();
        target.cluster.put("", &mut kafka)?;
        target.topic.put("", &mut kafka)?;
        target.coding.formats.put("", &mut kafka)?;
        target.coding.registry.put("", &mut kafka)?;
        let (mut transactions, mut verify) = (Table::new(), Table::new());
        target.transactions.put("", &mut transactions)?;
        verifier.put("", &mut verify)?;
        for (name, inner) in [("kafka", kafka), ("transactions", transactions), ("verify", verify)] {
            if !inner.is_empty() {
                table.insert(name.to_owned(), Value::Table(inner));
            }
        }
        schemas.put("schemas", &mut table)?;
        expectations.put("expect", &mut table)?;
        faults.put("fault", &mut table)?;
        gates.put("gate", &mut table)?;
        alerts.put("alert", &mut table)?;
        toml::to_string(&table)
    }
}

impl From<(Misread, &str)> for Fault {
    fn from((Misread { error, offset }, text): (Misread, &str)) -> Self {
        Self { offset, ..fault(&error, text) }
    }
}

fn read(text: &str) -> Result<Scenario, Fault> {
    let root = DeTable::parse(text).map_err(|error| fault(&error, text))?;
    let mut table = root.into_inner();
    let fraud = table.remove_entry(FRAUD);
    let source = match table.remove("source") {
        Some(source) => source::read(source, fraud, text)?,
        None => {
            return Err(Fault {
                offset: 0,
                reason: "there is no [source]".to_owned(),
                hint: Some(
                    "[source] with kind = \"synthetic\" or \"retail_rocket\" says where events come from".to_owned(),
                ),
            });
        }
    };
    let misread = |error| Fault::from((error, text));
    let mut settings = RunOptions::default();
    settings.limits.setup.basics = BasicOptions::take(&mut table, "").map_err(misread)?;
    settings.pace = PaceOptions::take(&mut table, "").map_err(misread)?;
    settings.limits.length = LengthOptions::take(&mut table, "").map_err(misread)?;
    settings.limits.lateness = LatenessOptions::take(&mut table, "").map_err(misread)?;
    settings.limits.setup.padding = PaddingOptions::take(&mut table, "").map_err(misread)?;
    settings.limits.setup.patience = PatienceOptions::take(&mut table, "").map_err(misread)?;
    settings.recording.body = BodyOptions::take(&mut table, "").map_err(misread)?;
    settings.outcome.gate_off = InTable::take(&mut table, "gates_off").map_err(misread)?;
    let mut kafka = inner_table(&mut table, "kafka")?;
    settings.target.cluster = ClusterOptions::take(&mut kafka, "").map_err(misread)?;
    settings.target.topic = TopicOptions::take(&mut kafka, "").map_err(misread)?;
    settings.target.coding.formats = FormatOptions::take(&mut kafka, "").map_err(misread)?;
    settings.target.coding.registry = RegistryOptions::take(&mut kafka, "").map_err(misread)?;
    let known = [ClusterOptions::keys(""), TopicOptions::keys(""), FormatOptions::keys(""), RegistryOptions::keys("")];
    refuse_rest(&kafka, &known)?;
    let mut transactions = inner_table(&mut table, "transactions")?;
    settings.target.transactions = TransactionOptions::take(&mut transactions, "").map_err(misread)?;
    refuse_rest(&transactions, &[TransactionOptions::keys("")])?;
    let mut verify = inner_table(&mut table, "verify")?;
    settings.verifier = VerifierOptions::take(&mut verify, "").map_err(misread)?;
    refuse_rest(&verify, &[VerifierOptions::keys("")])?;
    let schemas = InTable::take(&mut table, "schemas").map_err(misread)?;
    let expectations = InTable::take(&mut table, "expect").map_err(misread)?;
    let faults = InTable::take(&mut table, "fault").map_err(misread)?;
    let gates = InTable::take(&mut table, "gate").map_err(misread)?;
    let alerts = InTable::take(&mut table, "alert").map_err(misread)?;
    refuse_rest(
        &table,
        &[
            BasicOptions::keys(""),
            PaceOptions::keys(""),
            LengthOptions::keys(""),
            LatenessOptions::keys(""),
            PaddingOptions::keys(""),
            PatienceOptions::keys(""),
            BodyOptions::keys(""),
            vec![
                "gates_off",
                "source",
                FRAUD,
                "kafka",
                "transactions",
                "verify",
                "schemas",
                "expect",
                "fault",
                "gate",
                "alert",
            ],
        ],
    )?;
    Ok(Scenario { settings, source, schemas, expectations, faults, gates, alerts })
}

/// A table within another; an empty one where there is none.
fn inner_table<'i>(table: &mut DeTable<'i>, name: &str) -> Result<DeTable<'i>, Fault> {
    let Some(inner) = table.remove(name) else { return Ok(DeTable::new()) };
    let offset = inner.span().start;
    match inner.into_inner() {
        DeValue::Table(inner) => Ok(inner),
        _ => Err(Fault { offset, reason: format!("{name} is not a table"), hint: None }),
    }
}

/// Refuses what is left of a table of which all that is known was taken.
fn refuse_rest(table: &DeTable<'_>, known: &[Vec<&'static str>]) -> Result<(), Fault> {
    let Some((key, _)) = table.iter().next() else { return Ok(()) };
    Err(unknown_key(key.get_ref(), key.span().start, &known.concat()))
}

#[cfg(test)]
mod tests;
