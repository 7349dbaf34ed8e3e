use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use clap::Parser as _;
use serde_json::{Value, json};

use super::super::environment::Variables;
use super::*;
use crate::cli::schema::SchemaAction;
use crate::cli::{Cli, Command};
use crate::verdict::ExitCode;
use crate::wire::avro;

fn environment(process: &[(&str, &str)]) -> Environment {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Environment {
        process: Variables::new(Place::Environment, process.iter().map(own)),
        file: Variables::new(Place::EnvFile, []),
    }
}

fn action(words: &str) -> SchemaAction {
    match Cli::try_parse_from(format!("loadgen schema {words}").split_whitespace()).unwrap().command {
        Command::Schema(args) => args.action,
        other => panic!("{other:?}"),
    }
}

fn shown(words: &str) -> Result<ShowPlan, ConfigError> {
    match action(&format!("show {words}")) {
        SchemaAction::Show(args) => show(*args, &environment(&[])),
        other => panic!("{other:?}"),
    }
}

fn registered(words: &str, process: &[(&str, &str)]) -> Result<RegisterPlan, ConfigError> {
    match action(&format!("register {words}")) {
        SchemaAction::Register(args) => register(*args, &environment(process)),
        other => panic!("{other:?}"),
    }
}

fn checked(words: &str, process: &[(&str, &str)]) -> Result<CheckPlan, ConfigError> {
    match action(&format!("check {words}")) {
        SchemaAction::Check(args) => check(*args, &environment(process)),
        other => panic!("{other:?}"),
    }
}

const REGISTRY: (&str, &str) = ("SCHEMA_REGISTRY_URL", "http://r:1");

fn subjects(plan: &RegisterPlan) -> Vec<&str> {
    match &plan.registering {
        Registering::Types(types) => types.iter().map(|one| one.subject.as_str()).collect(),
        Registering::Files(..) => panic!("{plan:?}"),
    }
}

#[test]
fn the_subjects_of_types_are_those_of_a_run_with_the_same_options() {
    let plan = registered("--format avro", &[REGISTRY]).unwrap();
    assert_eq!(subjects(&plan).len(), 7);
    assert_eq!(subjects(&plan)[0], "raw-events-shop.events.View");
    let plan = registered("--format clicks=protobuf -t t --topic-map view=clicks", &[REGISTRY]).unwrap();
    assert_eq!(subjects(&plan), ["clicks-value"], "the other topic is JSON without a schema");
    let plan = registered("--format avro --subject-strategy record-name", &[REGISTRY]).unwrap();
    assert_eq!(subjects(&plan)[6], "shop.events.Inventory");
    for none in ["", "--format json", "--format avro --framing none"] {
        let error = registered(none, &[REGISTRY]).unwrap_err();
        assert!(error.to_string().contains("looks for no schema"), "{none}: {error}");
    }
    assert!(registered("--format avro", &[]).unwrap_err().to_string().contains("no schema registry is named"));
    let shown = shown("--format avro").unwrap().schemas;
    let registered = registered("--format avro", &[REGISTRY]).unwrap().registering;
    assert_eq!(registered, Registering::Types(shown), "what is shown is what is registered");
}

#[test]
fn padding_is_a_field_of_the_schemas_that_are_shown() {
    let fields = |words: &str| {
        let text = shown(words).unwrap().schemas.remove(0).schema.text;
        serde_json::from_str::<Value>(&text).unwrap()["fields"].as_array().unwrap().len()
    };
    assert_eq!(fields("view --format avro --payload-bytes 900"), fields("view --format avro") + 1);
}

#[test]
fn what_is_json_is_shown_as_it_is_described() {
    let plan = shown("view --topic-map view=clicks --format clicks=json --format protobuf").unwrap();
    assert_eq!(plan.schemas[0].schema, shown("view --format json-schema").unwrap().schemas[0].schema);
    assert_eq!(shown("search view").unwrap().schemas.len(), 2);
    let error = shown("viw").unwrap_err();
    assert_eq!((error.exit_code(), error.hint().as_deref()), (ExitCode::Usage, Some("did you mean view?")));
    let error = shown("--format other=avro").unwrap_err();
    assert!(error.to_string().contains("no type of event goes into topic \"other\""), "{error}");
}

#[test]
fn a_file_needs_a_subject_where_a_registry_is_asked() {
    let error = registered("a.avsc", &[REGISTRY]).unwrap_err();
    assert!(error.hint().unwrap().contains("--subject names it"), "{error}");
    let naming = |words: &str| match registered(words, &[REGISTRY]).unwrap().registering {
        Registering::Files(_, naming) => naming,
        Registering::Types(types) => panic!("{types:?}"),
    };
    assert_eq!(naming("a.avsc --subject s").subject("a.A").as_deref(), Some("s"));
    let strategy = naming("a.avsc -t clicks --subject-strategy topic-record-name");
    assert_eq!(strategy.subject("a.A").as_deref(), Some("clicks-a.A"));
    assert_eq!(strategy.subject(""), None);
    let error = registered("a.avsc --subject s --format avro", &[REGISTRY]).unwrap_err();
    assert_eq!((error.exit_code(), error.to_string().contains("--format does not apply")), (ExitCode::Usage, true));
    let error = registered("--subject s --format avro", &[REGISTRY]).unwrap_err();
    assert!(error.to_string().contains("--subject does not apply"), "{error}");
}

#[test]
fn a_check_is_against_the_registry_that_is_named_and_else_against_git() {
    let before = |words: &str, process: &[(&str, &str)]| checked(words, process).unwrap().before;
    assert_eq!(before("a.avsc", &[]), Before::Git("HEAD".to_owned()));
    assert_eq!(before("a.avsc --against git:main", &[REGISTRY]), Before::Git("main".to_owned()));
    assert_eq!(before("a.avsc --against v1", &[REGISTRY]), Before::Path("v1".into()));
    assert!(matches!(before("a.avsc --subject s", &[REGISTRY]), Before::Registry(..)));
    assert_eq!(checked("a.avsc --level full-transitive", &[]).unwrap().level, Some(Level::FullTransitive));
    let error = checked("a.avsc --subject s", &[]).unwrap_err();
    assert!(error.to_string().contains("--subject does not apply"), "{error}");
    assert!(checked("a.avsc", &[REGISTRY]).unwrap_err().to_string().contains("under which subject"));
    let error = checked("a.avsc --against registry --subject s", &[]).unwrap_err();
    assert!(error.to_string().contains("no schema registry is named"), "{error}");
}

/// The schemas in the repository, first and second version: a field with a default was added.
fn versions() -> Vec<(String, String, String)> {
    let schemas = shown("--format avro").unwrap().schemas.into_iter();
    let both = schemas.map(|TypeSchema { event_type, schema, .. }| {
        let mut next: Value = serde_json::from_str(&schema.text).unwrap();
        let added = json!({ "name": "channel", "type": "string", "default": "web" });
        next["fields"].as_array_mut().unwrap().push(added);
        (event_type, format!("{}\n", schema.text), format!("{next:#}\n"))
    });
    both.collect()
}

#[test]
fn the_schemas_in_the_repository_are_those_of_the_shops_types() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/avro");
    let mut expected = BTreeSet::new();
    for (name, first, second) in versions() {
        for (file, text) in [(format!("{name}.avsc"), first), (format!("v2/{name}.avsc"), second)] {
            let path = folder.join(&file);
            if std::env::var_os("UPDATE_SCHEMAS").is_some() {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &text).unwrap();
            }
            let stored = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                stored == text,
                "schemas/avro/{file} is not that of the type; write it anew with: UPDATE_SCHEMAS=1 cargo test --lib scenario::schema"
            );
            expected.insert(path);
        }
    }
    let there = [folder.clone(), folder.join("v2")].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let there = there.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    assert_eq!(there.collect::<BTreeSet<_>>(), expected);
}

#[test]
fn both_versions_in_the_repository_read_each_other() {
    for (_, first, second) in versions() {
        let (first, second) = (avro::Schema::parse(&first).unwrap(), avro::Schema::parse(&second).unwrap());
        assert_eq!(avro::compatible(&first, &second), Ok(()));
        assert_eq!(avro::compatible(&second, &first), Ok(()));
    }
}
