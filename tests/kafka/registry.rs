//! The client against a real registry, started through `scripts/registry`.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use loadgen::registry::{Access, Level, Reference, Registry, Schema, SchemaType, Trouble, Version};

use crate::PATIENCE;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/registry");
const FIRST: &str = r#"{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}"#;
const WITH_DEFAULT: &str =
    r#"{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"y","type":"string","default":"q"}]}"#;
const WITHOUT: &str =
    r#"{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"y","type":"string"}]}"#;

/// Ends with the test, however that ends.
pub(crate) struct Apicurio {
    folder: tempfile::TempDir,
    address: String,
}

impl Apicurio {
    /// One for all tests that name subjects of their own.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Apicurio> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    pub(crate) fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let owner = std::process::id().to_string();
        let output = run(folder.path(), &[&["up", "--owner", &owner], more].concat());
        Self { address: said(&output), folder }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        said(&run(self.folder.path(), arguments))
    }

    /// The login of a user, as `scripts/registry env` tells it.
    pub(crate) fn login(&self, user: &str) -> String {
        let lines = self.command(&["env", user]);
        let line = lines.lines().find_map(|line| line.strip_prefix("export SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO="));
        line.unwrap().to_owned()
    }

    fn access(&self) -> Access {
        Access { timeout: PATIENCE, ..Access::at(&self.address).unwrap() }
    }

    fn client(&self) -> Registry {
        Registry::new(&self.access()).unwrap()
    }
}

impl Drop for Apicurio {
    fn drop(&mut self) {
        let ended = Command::new(SCRIPT).args(["down", "--wipe", "--dir"]).arg(self.folder.path()).output();
        drop(ended);
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(SCRIPT).args(arguments).arg("--dir").arg(folder).output().unwrap();
    assert!(output.status.success(), "scripts/registry {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

fn avro(text: &str) -> Schema {
    Schema::new(SchemaType::Avro, text)
}

#[test]
fn a_real_registry_takes_finds_and_gives_back_schemas_of_every_language() {
    let apicurio = Apicurio::shared();
    let registry = apicurio.client();
    let proto = Schema::new(SchemaType::Protobuf, "syntax = \"proto3\"; package a; message M { int32 x = 1; }");
    let json =
        r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"a":{"type":"string"}}}"#;
    for (subject, schema) in [
        ("every/a value", avro(FIRST)),
        ("every-b-value", proto.clone()),
        ("every-c-value", Schema::new(SchemaType::Json, json)),
    ] {
        let id = registry.register(subject, &schema, false).unwrap();
        assert_eq!(registry.register(subject, &schema, true), Ok(id), "a second time changes nothing");
        let fresh = apicurio.client();
        assert_eq!(*fresh.schema(id).unwrap(), schema);
        let found = fresh.lookup(subject, &schema, false).unwrap();
        assert_eq!((found.id, found.version, found.subject.as_str()), (id, 1, subject));
        assert_eq!(fresh.version(subject, Version::Latest).unwrap(), found);
        assert_eq!(fresh.versions(subject).unwrap(), [1]);
        assert!(fresh.subjects_of(id).unwrap().contains(&(subject.to_owned(), 1)));
    }
    let importing = Schema {
        references: vec![Reference { name: "m.proto".to_owned(), subject: "every-b-value".to_owned(), version: 1 }],
        ..Schema::new(
            SchemaType::Protobuf,
            "syntax = \"proto3\"; package b; import \"m.proto\"; message N { a.M x = 1; }",
        )
    };
    let id = registry.register("every-d-value", &importing, false).unwrap();
    let read = apicurio.client().version("every-d-value", Version::Latest).unwrap();
    assert_eq!((read.id, &read.schema), (id, &importing));
    assert_eq!(registry.imports(&read.schema).unwrap(), [("m.proto".to_owned(), proto)]);
}

#[test]
fn what_a_real_registry_lacks_or_refuses_is_told_apart() {
    let registry = Apicurio::shared().client();
    let trouble = |subject: &str, text: &str| registry.lookup(subject, &avro(text), false).unwrap_err().trouble;
    assert!(matches!(trouble("refusals-value", FIRST), Trouble::SubjectMissing(words) if words.starts_with("40401")));
    registry.register("refusals-value", &avro(FIRST), false).unwrap();
    assert!(
        matches!(trouble("refusals-value", WITH_DEFAULT), Trouble::SchemaMissing(words) if words.starts_with("40403"))
    );
    let error = registry.version("refusals-value", Version::Number(7)).unwrap_err();
    assert!(matches!(error.trouble, Trouble::VersionMissing(words) if words.starts_with("40402")));
    let error = registry.schema(999_999).unwrap_err();
    assert!(matches!(&error.trouble, Trouble::SchemaMissing(words) if words.starts_with("40403")), "{error}");
    registry.set_level("refusals-value", Level::Backward).unwrap();
    assert_eq!(registry.level("refusals-value"), Ok(Level::Backward));
    registry.level("another-subject").unwrap();
    let error = registry.register("refusals-value", &avro(WITHOUT), false).unwrap_err();
    assert!(matches!(&error.trouble, Trouble::Incompatible(words) if words.contains("/fields/1")), "{error}");
    for against_all in [false, true] {
        assert!(!registry.check("refusals-value", &avro(WITHOUT), against_all).unwrap().is_compatible);
        assert!(registry.check("refusals-value", &avro(WITH_DEFAULT), against_all).unwrap().is_compatible);
    }
    let error = registry.register("refusals-value", &avro(r#"{"type":"rec"}"#), false).unwrap_err();
    assert!(matches!(&error.trouble, Trouble::Invalid(words) if words.starts_with("42201")), "{error}");
    let wrong = Apicurio::shared().address().replace("/apis/ccompat/v7", "");
    let error = Registry::new(&Access::at(&wrong).unwrap()).unwrap().versions("x").unwrap_err();
    assert!(error.hint().contains("/apis/ccompat/v7"), "{error}");
}

#[test]
fn a_real_registry_lets_in_whom_it_knows_and_lets_only_writers_write() {
    let apicurio = Apicurio::start(&["--auth"]);
    let named = |user_info: &str| {
        let address = apicurio.address().replace("http://", &format!("http://{user_info}@"));
        Registry::new(&Access::at(&address).unwrap()).unwrap()
    };
    let error = apicurio.client().versions("t").unwrap_err();
    assert!(matches!(error.trouble, Trouble::NotLoggedIn { as_whom: "nobody", .. }), "{error}");
    let error = named("writer:wrong").versions("t").unwrap_err();
    assert!(matches!(error.trouble, Trouble::NotLoggedIn { as_whom: "a user and password", .. }), "{error}");
    let (writer, reader) = (named(&apicurio.login("writer")), named(&apicurio.login("reader")));
    let error = reader.register("t", &avro(FIRST), false).unwrap_err();
    assert!(matches!(error.trouble, Trouble::NotAllowed(_)), "{error}");
    let id = writer.register("t", &avro(FIRST), false).unwrap();
    assert_eq!(reader.lookup("t", &avro(FIRST), false).unwrap().id, id);
    assert!(reader.check("t", &avro(WITH_DEFAULT), false).unwrap().is_compatible);
}

#[test]
fn a_real_registry_that_pauses_or_ends_is_waited_for_and_has_kept_its_schemas() {
    let apicurio = Apicurio::start(&[]);
    let id = apicurio.client().register("t", &avro(FIRST), false).unwrap();
    let registry = apicurio.client();
    apicurio.command(&["pause"]);
    let impatient = Registry::new(&Access { timeout: Duration::from_millis(300), ..apicurio.access() }).unwrap();
    let error = impatient.schema(id).unwrap_err();
    assert!(matches!(error.trouble, Trouble::Unreachable(_)) && !error.is_an_answer(), "{error}");
    thread::scope(|scope| {
        let asked = scope.spawn(|| registry.versions("t"));
        apicurio.command(&["resume"]);
        assert_eq!(asked.join().unwrap().unwrap(), [1]);
    });
    apicurio.command(&["down"]);
    let error = impatient.schema(id).unwrap_err();
    assert!(matches!(error.trouble, Trouble::Unreachable(_)), "{error}");
    thread::scope(|scope| {
        let asked = scope.spawn(|| registry.schema(id));
        apicurio.command(&["up"]);
        assert_eq!(asked.join().unwrap().unwrap().text, FIRST);
    });
}
