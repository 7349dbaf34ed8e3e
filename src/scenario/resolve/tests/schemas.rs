//! Versions of schemas, and readers of others.

use super::*;
use crate::event::catalogue::Version;

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/avro");

/// A roll of the shop's events, framed as single objects: no registry is needed.
fn roll(versions: &str, phases: &[&str]) -> String {
    let kafka = "[kafka]\nformat = \"avro\"\nframing = \"single-object\"\n";
    let phase = |(at, schema): (usize, &&str)| {
        format!("[[phase]]\nname = \"p{at}\"\nrate = \"10/s\"\nduration = \"1s\"\n{schema}\n")
    };
    let phases: String = phases.iter().enumerate().map(phase).collect();
    format!("[source]\nkind = \"synthetic\"\n[schemas]\n{versions}\n{kafka}{phases}")
}

#[test]
fn a_roll_is_run_again_from_what_is_kept_without_the_files_of_its_schemas() {
    let versions = format!("v1 = \"{SHOP}\"\nv2 = \"{SHOP}/v2\"\nunused = \"{SHOP}/view.avsc\"");
    let scenario = roll(&versions, &["schema = \"v2\"", "", "schema = { v1 = 1, v2 = 3 }"]);
    let words = format!("--reader-schema {SHOP}/v2/view.avsc");
    let first = run_of(&scenario, &words, &[]).unwrap();
    let formats = &first.plan.formats;
    let names: Vec<&str> = formats.versions.iter().map(|version| version.name.as_str()).collect();
    assert_eq!((names, formats.order.as_slice()), (vec!["v1", "v2"], &[Version(2), Version(0), Version(1)][..]));
    assert_eq!(first.plan.run.rollout.version(0, 0, 7), Version(2));
    assert_eq!(first.plan.run.catalogue.readers().len(), 1);
    let kept = first.scenario.to_toml().unwrap();
    let again = run_of(&kept, "", &[]).unwrap();
    assert_eq!((&again.plan.formats, &again.plan.run.rollout), (formats, &first.plan.run.rollout));
    assert_eq!(again.plan.run.catalogue.readers()[0].name, first.plan.run.catalogue.readers()[0].name);
    assert_eq!(again.scenario.to_toml().unwrap(), kept);
}

#[test]
fn schemas_that_events_cannot_be_written_or_read_by_are_refused_with_a_reason() {
    let told = |scenario: &str, words: &str| {
        let error = run_of(scenario, words, &[]).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::BadConfiguration);
        error.to_string()
    };
    let phase = ["schema = \"v2\""];
    let v2 = |path: &str| roll(&format!("v2 = \"{path}\""), &phase);
    assert_eq!(told(&roll("", &phase), ""), "a phase is written in schema \"v2\", which there is not");
    assert!(told(&v2("/nonexistent"), "").starts_with("schema /nonexistent cannot be read: "));
    let no_schemas = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/images");
    assert!(told(&v2(no_schemas), "").contains("has no schemas"));
    let usual = v2(&format!("{SHOP}/v2"));
    assert!(
        told(&usual, "--format json --framing none")
            .contains("are not of the format that the events are written in, json")
    );
    assert!(told(&usual, "--payload-bytes 300").ends_with("it has no field that brings bodies to a size"));
    assert!(told(&usual, "--framing none").ends_with("without a frame nothing would tell versions apart"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("order.avsc");
    let order = r#"{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}"#;
    std::fs::write(&file, order).unwrap();
    let file = file.display();
    assert!(told(&v2(&file.to_string()), "").contains("describe Order, and no type of event here is called so"));
    let reader = |path: &str| told(&roll("", &[""]), &format!("--reader-schema {path}"));
    assert!(reader(&file.to_string()).contains("describe Order, and no type of event here is called so"));
    let report = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/report.schema.json");
    assert!(reader(report).contains("no type of event here is called so"));
    let view = format!("--reader-schema {SHOP}/view.avsc");
    let plain = "[source]\nkind = \"synthetic\"\n";
    assert!(told(plain, &view).starts_with("events are JSON without a schema"));
    assert!(told(plain, &format!("{view} --format protobuf --framing none")).ends_with("are protobuf, and it is Avro"));
}

/// A folder with these files.
fn folder_of(files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn proto(imports: &[&str], rest: &str) -> String {
    let imports = imports.iter().map(|name| format!("import \"{name}\";\n")).collect::<Vec<_>>().concat();
    format!("syntax = \"proto3\";\npackage shop;\n{imports}{rest}\n")
}

const ORDER: &str = "message Order { string order_id = 1; string customer_id = 2; Money total = 3; }";
const MONEY: &str = "message Money { Currency currency = 1; int64 cents = 2; }";
const CURRENCY: &str = "enum Currency { NONE = 0; EUR = 1; }";

/// A folder with a `.proto` that imports others: one beside it, and through that one another in a folder there.
fn orders() -> tempfile::TempDir {
    folder_of(&[
        ("order.proto", proto(&["money.proto"], ORDER)),
        ("money.proto", proto(&["parts/currency.proto"], MONEY)),
        ("parts/currency.proto", proto(&[], CURRENCY)),
    ])
}

/// A run of orders, which a phase writes in `schemas`.
fn run_of_orders(schemas: &std::path::Path, readers: &[&std::path::Path]) -> Result<Resolved, ConfigError> {
    let own = orders();
    let source = format!("[source]\nschema = \"{}\"\n", own.path().join("order.proto").display());
    let kafka = "[kafka]\nformat = \"protobuf\"\nschema_registry = \"http://127.0.0.1:1\"\n";
    let versions = format!("[schemas]\nv1 = \"{}\"\n", schemas.display());
    let phase = "[[phase]]\nrate = \"10/s\"\nduration = \"1s\"\nschema = \"v1\"\n";
    let words =
        readers.iter().map(|reader| format!("--reader-schema {} ", reader.display())).collect::<Vec<_>>().concat();
    run_of(&format!("{source}{versions}{kafka}{phase}"), &words, &[])
}

#[test]
fn what_versions_and_readers_import_is_kept_with_them() {
    let schemas = orders();
    // Of the folder's files one is a schema, and what it imports is part of that.
    let first = run_of_orders(schemas.path(), &[schemas.path(), &schemas.path().join("order.proto")]).unwrap();
    drop(schemas);
    let given = first.plan.formats.versions[0].types[0].clone().unwrap();
    let imports: Vec<&str> = given.imports.iter().map(|(name, _)| name).collect();
    assert_eq!(imports, ["parts/currency.proto", "money.proto"]);
    assert_eq!(first.plan.run.catalogue.readers().len(), 2);
    let kept = first.scenario.to_toml().unwrap();
    let again = run_of(&kept, "", &[]).unwrap();
    assert_eq!(again.plan.formats, first.plan.formats);
    assert_eq!(again.plan.run.catalogue.readers().len(), 2);
    assert_eq!(again.scenario.to_toml().unwrap(), kept);
}

#[test]
fn an_import_that_nothing_uses_is_taken_along() {
    let schemas = folder_of(&[
        ("order.proto", proto(&["note.proto"], "message Order { string order_id = 1; string customer_id = 2; }")),
        ("note.proto", proto(&[], "message Note { string text = 1; }")),
    ]);
    let run = run_of_orders(schemas.path(), &[]).unwrap();
    let given = run.plan.formats.versions[0].types[0].clone().unwrap();
    assert_eq!(given.imports.iter().count(), 1);
}

#[test]
fn imports_that_are_missing_lead_elsewhere_or_go_round_are_named() {
    let told = |files: &[(&str, String)]| {
        let schemas = folder_of(files);
        let of_version = run_of_orders(schemas.path(), &[]).unwrap_err();
        let whole = orders();
        let of_reader = run_of_orders(whole.path(), &[&schemas.path().join("order.proto")]).unwrap_err();
        for error in [&of_version, &of_reader] {
            assert_eq!(error.exit_code(), ExitCode::BadConfiguration);
        }
        (of_version.to_string(), of_reader.to_string())
    };
    let both = |(version, reader): &(String, String), part: &str| version.contains(part) && reader.contains(part);
    let missing = told(&[("order.proto", proto(&["money.proto"], ORDER))]);
    assert!(
        both(&missing, "order.proto: imported file ") && both(&missing, "money.proto cannot be read: "),
        "{missing:?}"
    );
    let elsewhere = told(&[("order.proto", proto(&["../money.proto"], ORDER))]);
    assert!(both(&elsewhere, "schema.proto:3:8: an import leads out of its folder"), "{elsewhere:?}");
    let round = [
        ("order.proto", proto(&["money.proto"], ORDER)),
        ("money.proto", proto(&["parts/currency.proto"], MONEY)),
        ("parts/currency.proto", proto(&["money.proto"], CURRENCY)),
    ];
    let round = told(&round);
    assert!(both(&round, "parts/currency.proto -> money.proto"), "{round:?}");
    // Through the file itself, where each of two is a part of the other.
    let each_other = [
        ("order.proto", proto(&["money.proto"], ORDER)),
        ("money.proto", proto(&["order.proto", "parts/currency.proto"], MONEY)),
        ("parts/currency.proto", proto(&[], CURRENCY)),
    ];
    let each_other = told(&each_other);
    assert!(both(&each_other, "import cycle"), "{each_other:?}");
}
