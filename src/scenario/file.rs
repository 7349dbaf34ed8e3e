//! Scenario files: reading them with errors that name the line, and writing a resolved one.

use std::path::Path;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use toml::de::{DeString, DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::Scenario;
use super::alerts::AlertConfig;
use super::error::ConfigError;
use super::faults::FaultConfig;
use super::source::SourceConfig;
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
use crate::source::{mirrored, own, recorded, retail_rocket, synthetic, web};

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
        Some(source) => read_source(source, fraud, text)?,
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

/// The `[source]` table: `kind` says which of the sources reads the rest.
///
/// Fraud has a table of its own, since it says what happens and not what the shop is like; it goes with the source.
fn read_source<'i>(
    source: Spanned<DeValue<'i>>,
    fraud: Option<(Spanned<DeString<'i>>, Spanned<DeValue<'i>>)>,
    text: &str,
) -> Result<SourceConfig, Fault> {
    let span = source.span();
    let at_source = |reason: &str| Fault { offset: span.start, reason: reason.to_owned(), hint: None };
    let DeValue::Table(mut table) = source.into_inner() else {
        return Err(at_source("source is not a table"));
    };
    let is_own = ["events", "schema", "types"].iter().any(|key| table.contains_key(*key));
    let (kind, kind_offset) = match table.remove("kind") {
        Some(kind) => (kind.get_ref().as_str().unwrap_or_default().to_owned(), kind.span().start),
        None if is_own => ("own".to_owned(), span.start),
        None => {
            return Err(at_source(
                "[source] has no kind: write kind = \"synthetic\" or kind = \"retail_rocket\", or events = \"orders.toml\"",
            ));
        }
    };
    if let Some((key, _)) = table.get_key_value(FRAUD) {
        let reason = "fraud stands in a table of its own".to_owned();
        return Err(Fault { offset: key.span().start, reason, hint: Some("write [fraud] beside [source]".to_owned()) });
    }
    if let Some((key, fraud)) = fraud {
        if kind != "synthetic" {
            let reason = format!("fraud is woven into synthetic events, and the source's kind is \"{kind}\"");
            let hint = "leave [fraud] out, or write kind = \"synthetic\"".to_owned();
            return Err(Fault { offset: key.span().start, reason, hint: Some(hint) });
        }
        table.insert(key, fraud);
    }
    let rest = Spanned::new(span.clone(), DeValue::Table(table)).into_deserializer();
    let fault = |error| fault(&error, text);
    match kind.as_str() {
        "own" => own::Config::deserialize(rest).map(|config| SourceConfig::Own(Box::new(config))).map_err(fault),
        "synthetic" => {
            synthetic::Config::deserialize(rest).map(|config| SourceConfig::Synthetic(Box::new(config))).map_err(fault)
        }
        "retail_rocket" => match retail_rocket::Config::deserialize(rest).map_err(fault)? {
            config if config.path.as_os_str().is_empty() => {
                Err(at_source("[source] has no path: write path = \"events.csv\""))
            }
            config => Ok(SourceConfig::RetailRocket(config)),
        },
        "recorded" => {
            let config = recorded::Config::deserialize(rest).map_err(fault)?;
            let has_rows = config.rows.as_ref().is_some_and(|rows| !rows.files.is_empty());
            if has_rows == config.path.as_os_str().is_empty() {
                return Ok(SourceConfig::Recorded(config));
            }
            Err(at_source(
                "[source] has one of the two: file = \"topics.avro\", or [source.rows] with files = [\"events.ndjson\"]",
            ))
        }
        "mirrored" => mirrored::Config::deserialize(rest).map(SourceConfig::Mirrored).map_err(fault),
        "web" => web::Config::deserialize(rest).map(SourceConfig::Web).map_err(fault),
        other => Err(Fault {
            offset: kind_offset,
            reason: format!("\"{other}\" is no kind of source"),
            hint: Some("the kinds are synthetic, own, retail_rocket and recorded".to_owned()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::values::Property;
    use crate::verdict::ExitCode;

    fn refusal(text: &str) -> (String, Option<String>) {
        let error = Scenario::parse(text, Path::new("steady.toml")).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::BadConfiguration);
        (error.to_string(), error.hint())
    }

    fn refused(text: &str, message: &str, hint: &str) {
        let (found, found_hint) = refusal(text);
        assert_eq!((found.as_str(), found_hint.as_deref().unwrap_or_default()), (message, hint), "{text}");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
        const SOURCE: &str = "[source]\nkind = \"synthetic\"\n";
        refused(&format!("lnaes = 2\n{SOURCE}"), "steady.toml line 1: unknown key \"lnaes\"", "did you mean lanes?");
        refused(&format!("{SOURCE}usres = 5\n"), "steady.toml line 3: unknown key \"usres\"", "did you mean users?");
        refused(
            &format!("{SOURCE}\n[kafka]\ntopic = \"t\"\ntopics = \"t\""),
            "steady.toml line 6: unknown key \"topics\"",
            "did you mean topic?",
        );
        refused(
            &format!("{SOURCE}[[phase]]\nrate = 5\n[[phase]]\nspede = 1"),
            "steady.toml line 6: unknown key \"spede\"",
            "did you mean speed?",
        );
        refused(
            &format!("{SOURCE}[[gate]]\nrule = \"lost == 0\"\nabrot = true"),
            "steady.toml line 5: unknown key \"abrot\"",
            "did you mean abort?",
        );
        refused(
            &format!("{SOURCE}[verify]\nxyzzy = 1"),
            "steady.toml line 4: unknown key \"xyzzy\"",
            "known here: enabled, group, consumers, group_protocol, assignor, commit, commit_interval, chaos_rebalance, \
             isolation, drain_deadline, reader_schema, expect, expect_deadline, close_windows",
        );
    }

    #[test]
    fn a_source_must_say_its_kind() {
        refused(
            "name = \"x\"",
            "steady.toml line 1: there is no [source]",
            "[source] with kind = \"synthetic\" or \"retail_rocket\" says where events come from",
        );
        refused(
            "\n[source]\nusers = 5",
            "steady.toml line 2: [source] has no kind: write kind = \"synthetic\" or kind = \"retail_rocket\", or events = \"orders.toml\"",
            "",
        );
        refused(
            "[source]\nkind = \"retail_rocket\"",
            "steady.toml line 1: [source] has no path: write path = \"events.csv\"",
            "",
        );
        refused(
            "[source]\nkind = \"retailrocket\"",
            "steady.toml line 2: \"retailrocket\" is no kind of source",
            "the kinds are synthetic, own, retail_rocket and recorded",
        );
    }

    #[test]
    fn values_that_cannot_be_are_named_with_their_line() {
        const SOURCE: &str = "[source]\nkind = \"synthetic\"\n";
        for (text, message) in [
            (
                format!("rate = 0\n{SOURCE}"),
                "steady.toml line 1: a rate must be above 0 and at most 1000000000/s, \"0\" is not",
            ),
            (
                format!("\nrate = -5\n{SOURCE}"),
                "steady.toml line 2: \"-5\" is no rate: write 10000, 10000/s, 0.5/s, 50/1s or 600/m",
            ),
            (
                format!("lanes = 70000\n{SOURCE}"),
                "steady.toml line 1: invalid value: integer `70000`, expected a number from 0 to 65535",
            ),
            (
                format!("duration = 5\n{SOURCE}"),
                "steady.toml line 1: \"5\" is no duration: write 250ms, 5s, 1m30s, 2h or 7d",
            ),
            (format!("{SOURCE}[kafka]\nacks = \"two\""), "steady.toml line 4: \"two\" is none of all, 1, 0"),
            (format!("pacing = \"hop\"\n{SOURCE}"), "steady.toml line 1: \"hop\" is none of sleep, spin"),
        ] {
            refused(&text, message, "");
        }
        let speed = refusal(&format!("speed = 0\n{SOURCE}")).0;
        assert!(speed.starts_with("steady.toml line 1: a speed must be a number above 0"), "{speed}");
        let broken = refusal(&format!("{SOURCE}users = \n")).0;
        assert!(broken.starts_with("steady.toml line 3: "), "{broken}");
    }

    #[test]
    fn numbers_and_texts_are_both_read_where_a_unit_can_stand() {
        let read = |text: &str| Scenario::parse(text, Path::new("s")).unwrap();
        let source = "[source]\nkind = \"synthetic\"\n[kafka]\n";
        let by_number =
            read(&format!("rate = 500\nspeed = 0.5\n{source}acks = 1\n[kafka.client]\nretries = 3\nx = true"));
        let by_text = read(&format!(
            "rate = \"500/s\"\nspeed = \"0.5x\"\n{source}acks = \"1\"\n[kafka.client]\nretries = \"3\"\nx = \"true\""
        ));
        assert_eq!(by_number, by_text);
    }

    #[test]
    fn a_missing_scenario_is_named() {
        let error = Scenario::load(Path::new("/nonexistent/steady.toml")).unwrap_err();
        assert!(error.to_string().starts_with("scenario /nonexistent/steady.toml cannot be read: "), "{error}");
        assert_eq!(error.exit_code(), ExitCode::BadConfiguration);
    }

    #[test]
    fn relative_paths_are_relative_to_the_scenario() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replay.toml");
        std::fs::write(
            &path,
            "[source]\nkind = \"retail_rocket\"\npath = \"../d/x.csv\"\n[kafka]\ncommand_config = \"c.properties\"",
        )
        .unwrap();
        let scenario = Scenario::load(&path).unwrap();
        let SourceConfig::RetailRocket(config) = &scenario.source else { panic!("{scenario:?}") };
        assert_eq!(config.path, folder.path().join("../d/x.csv"));
        assert_eq!(scenario.settings.target.cluster.command_config, Some(folder.path().join("c.properties")));
        assert_eq!(scenario.settings.limits.setup.basics.name.as_deref(), Some("replay"));
    }

    #[test]
    fn secrets_are_not_written() {
        let mut scenario = Scenario::default();
        scenario.settings.target.cluster.client = vec![Property::Set("sasl.password".to_owned(), "hunter2".to_owned())];
        let text = scenario.to_toml().unwrap();
        assert!(!text.contains("hunter2") && text.contains("\"sasl.password\" = \"[redacted]\""), "{text}");
    }
}
