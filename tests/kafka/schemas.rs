//! `loadgen schema` against a real registry.

use std::path::Path;
use std::process::Command;

use loadgen::registry::{Access, Level, Registry};
use serde_json::Value;

use crate::registry::Apicurio;

const SHOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/avro");

/// What the program did.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn ends_with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text) || self.err.contains(text), "no \"{text}\" in:\n{}\n{}", self.out, self.err);
        self
    }

    fn rows(&self) -> Vec<Value> {
        serde_json::from_str::<Value>(&self.out).unwrap()["schemas"].as_array().unwrap().clone()
    }
}

/// The program in a folder, with a registry and who asks it.
fn schema(folder: &Path, apicurio: &Apicurio, user_info: Option<&str>, args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.env_clear().current_dir(folder).arg("schema").args(args);
    command.env("SCHEMA_REGISTRY_URL", apicurio.address());
    command.envs(user_info.map(|user_info| ("SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO", user_info)));
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

#[test]
fn schemas_of_every_language_are_registered_once_and_judged_by_each_level() {
    let (folder, apicurio) = (tempfile::tempdir().unwrap(), Apicurio::shared());
    let schema = |args: &[&str]| schema(folder.path(), apicurio, None, args);
    let levels = Registry::new(&Access::at(apicurio.address()).unwrap()).unwrap();
    for (format, file) in [("avro", "view.avsc"), ("protobuf", "view.proto"), ("json-schema", "view.schema.json")] {
        let topic = format!("of-types-{format}");
        let register = ["register", "--format", format, "--topic", &topic, "-o", "json"];
        let (first, again) = (schema(&register).ends_with_code(0).rows(), schema(&register).ends_with_code(0).rows());
        assert!(first.len() == 7 && first.iter().all(|row| row["new"] == true), "{first:?}");
        for (first, again) in first.iter().zip(&again) {
            assert_eq!((&first["id"], &again["new"]), (&again["id"], &false.into()));
        }
        // A file that was shown is the same schema.
        schema(&["show", "view", "--format", format, "--out", "."]).ends_with_code(0);
        let subject = format!("{topic}-shop.events.View");
        let row = schema(&["register", file, "--subject", &subject, "-o", "json"]).ends_with_code(0).rows().remove(0);
        assert_eq!((&row["id"], &row["new"]), (&first[0]["id"], &false.into()));
        levels.set_level(&subject, Level::Backward).unwrap();
        let judged = schema(&["check", file, "--subject", &subject]).ends_with_code(0);
        judged.says("registry  BACKWARD: compatible with version 1");
    }
    let subject = "of-types-avro-shop.events.View";
    let second = format!("{SHOP}/v2/view.avsc");
    schema(&["check", &second, "--subject", subject]).ends_with_code(0).says("loadgen   BACKWARD: compatible");
    schema(&["register", &second, "--subject", subject]).ends_with_code(0).says("version 2");
    let shown = std::fs::read_to_string(folder.path().join("view.avsc")).unwrap();
    let mut third: Value = serde_json::from_str(&shown).unwrap();
    third["fields"].as_array_mut().unwrap().push(serde_json::json!({ "name": "must", "type": "string" }));
    std::fs::write(folder.path().join("third.avsc"), third.to_string()).unwrap();
    let finding = "must: the writer does not have it, and it has no default";
    let check = |more: &[&str]| schema(&[&["check", "third.avsc", "--subject", subject], more].concat());
    let both = check(&[]).ends_with_code(3).says("registry  BACKWARD: incompatible with version 2").says(finding);
    both.says("loadgen   BACKWARD: incompatible with version 2");
    schema(&["register", "third.avsc", "--subject", subject]).ends_with_code(3).says(finding).says("(409)");
    for (level, code) in [
        (Level::Forward, 0),
        (Level::ForwardTransitive, 0),
        (Level::Full, 3),
        (Level::FullTransitive, 3),
        (Level::BackwardTransitive, 3),
        (Level::Backward, 3),
    ] {
        levels.set_level(subject, level).unwrap();
        check(&[]).ends_with_code(code).says(&format!("registry  {level}: ")).says(&format!("loadgen   {level}: "));
    }
    schema(&["check", "view.proto", "--subject", subject])
        .ends_with_code(3)
        .says("it is Protobuf, and version 2 is Avro");
    schema(&["check", "third.avsc", "--subject", "of-nobody"])
        .ends_with_code(6)
        .says("there is no such subject")
        .says("loadgen schema register third.avsc --subject of-nobody --schema-registry");
}

#[test]
fn a_registry_without_a_level_registers_all_and_is_heard_when_it_judges_all_the_same() {
    let (folder, apicurio) = (tempfile::tempdir().unwrap(), Apicurio::shared());
    for (file, fields) in [("a.avsc", ""), ("b.avsc", r#",{"name":"y","type":"int"}"#)] {
        let text = format!(r#"{{"type":"record","name":"A","fields":[{{"name":"x","type":"int"}}{fields}]}}"#);
        std::fs::write(folder.path().join(file), text).unwrap();
    }
    let schema = |args: &[&str]| schema(folder.path(), apicurio, None, args);
    schema(&["register", "a.avsc", "--subject", "no-level"]).ends_with_code(0);
    schema(&["check", "b.avsc", "--subject", "no-level"]).ends_with_code(3).says("y: the writer does not have it");
    schema(&["register", "b.avsc", "--subject", "no-level"]).ends_with_code(0).says("version 2");
}

#[test]
fn who_may_only_read_may_check_and_not_register() {
    let (folder, apicurio) = (tempfile::tempdir().unwrap(), Apicurio::start(&["--auth"]));
    let (writer, reader) = (apicurio.login("writer"), apicurio.login("reader"));
    let schema = |who: Option<&str>, args: &[&str]| schema(folder.path(), &apicurio, who, args);
    let first = format!("{SHOP}/view.avsc");
    let register = ["register", &first, "--subject", "t"];
    schema(None, &register).ends_with_code(6).says("refuses the login (401), which was nobody");
    schema(Some("writer:wrong"), &register).ends_with_code(6).says("refuses the login (401)");
    schema(Some(&reader), &register).ends_with_code(6).says("no right to that (403)").says("right on subject t");
    schema(Some(&writer), &register).ends_with_code(0).says("new    t  version 1");
    schema(Some(&reader), &register).ends_with_code(0).says("there  t  version 1");
    let second = format!("{SHOP}/v2/view.avsc");
    schema(Some(&reader), &["check", &second, "--subject", "t", "--level", "FULL"]).ends_with_code(0);
}
