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
