//! What is asked, what is kept, and what each refusal becomes.

use std::sync::Arc;

use serde_json::json;

use super::super::stub::{Mood, Stub};
use super::super::{Level, Reference, RegistryError, Schema, SchemaType, Trouble, Version};
use super::{client, question, view};

#[test]
fn a_schema_is_registered_found_and_read_by_its_id_which_is_asked_for_once() {
    let stub = Stub::start();
    let registry = client(&stub);
    assert_eq!(registry.register("views/a b-value", &view(), false), Ok(1));
    let found = registry.lookup("views/a b-value", &view(), false).unwrap();
    assert_eq!((found.id, found.version, found.subject.as_str(), &found.schema), (1, 1, "views/a b-value", &view()));
    let other = client(&stub);
    let first = other.schema(1).unwrap();
    assert!(Arc::ptr_eq(&first, &other.schema(1).unwrap()));
    assert_eq!(*first, view());
    let asked = stub.asked().len();
    assert_eq!(registry.lookup("views/a b-value", &view(), false).unwrap(), found);
    assert_eq!(*registry.schema(1).unwrap(), view());
    assert_eq!(stub.asked().len(), asked, "what is known is not asked for");
    assert_eq!(registry.subjects_of(1).unwrap(), [("views/a b-value".to_owned(), 1)]);
    assert_eq!(registry.versions("views/a b-value").unwrap(), [1]);
    assert_eq!(registry.version("views/a b-value", Version::Latest).unwrap(), found);
    assert_eq!(registry.version("views/a b-value", Version::Number(1)).unwrap(), found);
}

#[test]
fn a_schema_that_was_found_is_of_the_language_that_it_was_looked_for_in_though_the_answer_may_not_say_it() {
    let stub = Stub::start();
    let proto = Schema::new(SchemaType::Protobuf, "syntax = \"proto3\"; message M {}");
    let answer = json!({ "subject": "m", "version": 1, "id": 4, "schema": proto.text }).to_string();
    stub.set(Mood::Answers(200, "", answer));
    let registry = client(&stub);
    assert_eq!(registry.lookup("m", &proto, false).unwrap().schema, proto);
    assert_eq!(*registry.schema(4).unwrap(), proto);
}

#[test]
fn what_is_asked_for_is_in_the_words_of_the_api() {
    let stub = Stub::start();
    let registry = client(&stub);
    let schema = Schema {
        references: vec![Reference { name: "m.proto".to_owned(), subject: "m".to_owned(), version: 3 }],
        ..Schema::new(SchemaType::Protobuf, "syntax = \"proto3\";")
    };
    registry.register("t-value", &schema, true).unwrap();
    registry.check("t-value", &view(), false).unwrap();
    registry.check("t-value", &view(), true).unwrap();
    let asked = stub.asked();
    assert_eq!(asked[0].path, "/subjects/t-value/versions?normalize=true");
    let body: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    let wanted = json!({
        "schema": "syntax = \"proto3\";", "schemaType": "PROTOBUF",
        "references": [{ "name": "m.proto", "subject": "m", "version": 3 }],
    });
    assert_eq!(body, wanted);
    assert_eq!(asked[1].path, "/compatibility/subjects/t-value/versions/latest?verbose=true");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&asked[1].body).unwrap(), json!({ "schema": view().text }));
    assert_eq!(asked[2].path, "/compatibility/subjects/t-value/versions?verbose=true");
    assert_eq!(*client(&stub).schema(1).unwrap(), schema, "it comes back as it went");
}

#[test]
fn a_subject_without_a_level_is_judged_by_that_of_the_registry() {
    let stub = Stub::start();
    let registry = client(&stub);
    assert_eq!(registry.level("t-value"), Ok(Level::Backward));
    stub.set_level("", "FULL");
    assert_eq!(registry.level("t-value"), Ok(Level::Full));
    registry.set_level("t-value", Level::ForwardTransitive).unwrap();
    assert_eq!(registry.level("t-value"), Ok(Level::ForwardTransitive));
    assert_eq!(registry.level_of_all(), Ok(Level::Full));
}

#[test]
fn every_level_is_read_as_it_is_written() {
    for level in Level::ALL {
        assert_eq!(level.to_string().parse(), Ok(level));
        assert_eq!(level.to_string().to_lowercase().replace('_', "-").parse(), Ok(level));
    }
    assert!("BACKWARDS".parse::<Level>().unwrap_err().to_string().contains("BACKWARD, FORWARD, FULL"));
}

#[test]
fn a_judgement_comes_with_its_reasons() {
    let stub = Stub::start();
    stub.judges(false, &["{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE',\ndescription:'\u{1b}[31mfield y'}"]);
    let judged = client(&stub).check("t-value", &view(), false).unwrap();
    assert!(!judged.is_compatible);
    let wanted = "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:' [31mfield y'}";
    assert_eq!(judged.messages, [wanted], "one line that gives a terminal no orders");
}

#[test]
fn imports_are_found_once_each_and_before_what_imports_them() {
    let stub = Stub::start();
    let importing = |text: &str, names: &[&str]| {
        let references: Vec<_> =
            names.iter().map(|name| json!({ "name": name, "subject": name, "version": 1 })).collect();
        json!({ "schema": text, "schemaType": "PROTOBUF", "references": references })
    };
    stub.register("a", &importing("a", &["b", "c"]));
    stub.register("b", &importing("b", &["c", "a"])); // a circle: no registry takes it, and none may keep us
    stub.register("c", &json!({ "schema": "c", "schemaType": "PROTOBUF" }));
    let registry = client(&stub);
    let top = registry.version("a", Version::Latest).unwrap().schema;
    let names: Vec<_> = registry.imports(&top).unwrap().into_iter().map(|(name, schema)| (name, schema.text)).collect();
    let pair = |name: &str| (name.to_owned(), name.to_owned());
    assert_eq!(names, [pair("c"), pair("a"), pair("b")]);
}

fn missing(error: &RegistryError, words: &[&str]) {
    let (text, hint) = (error.to_string(), error.hint());
    for word in words {
        assert!(text.contains(word) || hint.contains(word), "{word:?} is not in: {text}\n{hint}");
    }
    assert!(error.is_an_answer(), "{text}");
}

#[test]
fn what_is_missing_is_named_with_the_command_to_type() {
    let stub = Stub::start();
    let registry = client(&stub);
    let command = format!("loadgen schema register FILE --subject t-value --schema-registry {}", stub.url());
    let error = registry.lookup("t-value", &view(), false).unwrap_err();
    assert!(matches!(error.trouble, Trouble::SubjectMissing(_)));
    missing(&error, &["asked for a schema of subject t-value", "40401: Subject 't-value' not found.", &command]);
    registry.register("t-value", &view(), false).unwrap();
    let error = registry.lookup("t-value", &Schema::new(SchemaType::Avro, "\"int\""), false).unwrap_err();
    assert!(matches!(error.trouble, Trouble::SchemaMissing(_)));
    missing(&error, &["t-value", "40403", &command]);
    let error = registry.version("t-value", Version::Number(7)).unwrap_err();
    assert!(matches!(error.trouble, Trouble::VersionMissing(_)));
    missing(&error, &["asked for its version 7 of subject t-value", "40402"]);
    let error = registry.schema(9).unwrap_err();
    assert!(matches!(error.trouble, Trouble::SchemaMissing(_)));
    missing(&error, &["for the schema of id 9", "40403", "another registry"]);
}

#[test]
fn an_incompatible_schema_is_refused_with_the_command_that_tells_the_field() {
    let stub = Stub::start();
    stub.judges(false, &[]);
    let error = client(&stub).register("t-value", &view(), false).unwrap_err();
    assert!(matches!(error.trouble, Trouble::Incompatible(_)));
    missing(&error, &["to register a schema of subject t-value", "409", "loadgen schema check FILE --subject t-value"]);
}

#[test]
fn an_invalid_schema_is_told_in_the_words_of_the_registry() {
    let stub = Stub::start();
    let body = r#"{"error_code":42201,"message":"Either the input schema or one its references is invalid"}"#;
    stub.set(Mood::Answers(422, "", body.to_owned()));
    let error = client(&stub).register("t-value", &view(), false).unwrap_err();
    assert_eq!(
        error.trouble,
        Trouble::Invalid("42201: Either the input schema or one its references is invalid".to_owned())
    );
    missing(&error, &["422"]);
}

#[test]
fn what_is_no_registry_is_said_to_be_none() {
    let stub = Stub::start();
    let registry = client(&stub);
    for (status, body) in [
        (404, "<html>nothing here</html>"),
        (200, "<html>welcome</html>"),
        (200, "{}"),
        (200, r#"{"subject":"t","version":-1,"id":1,"schema":"x"}"#),
        (200, r#"{"subject":"t","version":1,"id":4294967296,"schema":"x"}"#),
        (200, r#"{"subject":"t","version":1,"id":1,"schema":"x","schemaType":"OPENAPI"}"#),
        (204, ""),
    ] {
        stub.set(Mood::Answers(status, "", body.to_owned()));
        let error = registry.version("t", Version::Latest).unwrap_err();
        assert!(matches!(error.trouble, Trouble::Unreadable(_)), "{body}: {error}");
        assert!(error.hint().contains("/apis/ccompat/v7") && !error.is_an_answer(), "{}", error.hint());
    }
}

#[test]
fn an_answer_has_bounds() {
    let stub = Stub::start();
    stub.set(Mood::Answers(200, "", "x".repeat(17 << 20)));
    let error = question(&client(&stub));
    assert!(matches!(error.trouble, Trouble::Unreadable(_)), "{error}");
    let words = "y".repeat(100_000);
    stub.set(Mood::Answers(418, "", json!({ "message": words }).to_string()));
    let error = question(&client(&stub));
    assert!(matches!(error.trouble, Trouble::Other(418, _)) && error.to_string().len() < 2_000);
}

#[test]
fn nobody_is_sent_on_to_another_address() {
    let (stub, elsewhere) = (Stub::start(), Stub::start());
    for status in [301, 302, 307, 308] {
        let location = format!("Location: {}/subjects?ticket=hunter2\r\n", elsewhere.url());
        stub.set(Mood::Answers(status, Box::leak(location.into_boxed_str()), String::new()));
        let error = question(&client(&stub));
        assert_eq!(error.trouble, Trouble::Elsewhere(format!("{}/subjects", elsewhere.url())));
        assert!(error.hint().contains("never sent on"));
    }
    assert_eq!(elsewhere.asked(), []);
}
