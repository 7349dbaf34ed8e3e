//! `loadgen schema`, through the real program, with a registry of the tests' own and repositories of git's.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::registry_stub::{Mood, Stub};
use crate::shell::{Ran, Shell};

const ONE: &str = r#"{"type":"record","name":"A","namespace":"t","fields":[{"name":"x","type":"int"}]}"#;
const DEFAULTED: &str = r#"{"type":"record","name":"A","namespace":"t","fields":[{"name":"x","type":"int"},{"name":"y","type":"string","default":"q"}]}"#;
const REQUIRED: &str =
    r#"{"type":"record","name":"A","namespace":"t","fields":[{"name":"x","type":"int"},{"name":"y","type":"string"}]}"#;
const PROTO: &str = "syntax = \"proto3\";\nmessage M {\n  int32 x = 1;\n}\n";

/// A folder with schemas in it.
fn shell(files: &[(&str, &str)]) -> Shell {
    let shell = Shell::new();
    for (name, text) in files {
        write(&shell, name, text);
    }
    shell
}

fn write(shell: &Shell, name: &str, text: &str) {
    let path = shell.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn schema(shell: &Shell, args: &[&str]) -> Ran {
    let path = std::env::var("PATH").unwrap_or_default();
    shell.run_with(&[&["schema"], args].concat(), &[("PATH", &path), ("COLUMNS", "80")])
}

fn with_registry(shell: &Shell, registry: &Stub, args: &[&str]) -> Ran {
    shell.run_with(&[&["schema"], args].concat(), &[("SCHEMA_REGISTRY_URL", &registry.url()), ("COLUMNS", "80")])
}

fn git(shell: &Shell, args: &[&str]) {
    let mut git = Command::new("git");
    git.arg("-C").arg(shell.path()).args(["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]);
    let output = git.args(args).output().unwrap();
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn commit(shell: &Shell) {
    git(shell, &["add", "--all"]);
    git(shell, &["commit", "--quiet", "--message", "c"]);
}

#[test]
fn schemas_are_shown_alone_each_under_its_name_or_as_files() {
    let shell = Shell::new();
    let alone = schema(&shell, &["show", "view", "--format", "avro"]).ends_with_code(0);
    assert_eq!(serde_json::from_str::<Value>(&alone.out).unwrap()["name"], "View");
    schema(&shell, &["show", "--format", "protobuf"])
        .ends_with_code(0)
        .says("==> view.proto <==\nsyntax = \"proto3\";");
    let all = schema(&shell, &["show", "--format", "avro", "-o", "json"]).ends_with_code(0).json();
    assert_eq!(all["schemas"][0]["schema"], alone.out);
    assert_eq!(all["schemas"][0]["subject"], "raw-events-shop.events.View");
    let written = schema(&shell, &["show", "view", "search", "--out", "made"]).ends_with_code(0);
    assert_eq!(written.out, "made/view.schema.json\nmade/search.schema.json\n");
    schema(&shell, &["show", "view", "--out", "made"]).ends_with_code(0);
    write(&shell, "made/view.schema.json", "{}");
    schema(&shell, &["show", "--out", "made"])
        .ends_with_code(104)
        .complains("made/view.schema.json is there, with other content");
    schema(&shell, &["show", "--out", "made", "--force"]).ends_with_code(0);
    schema(&shell, &["show", "viw"])
        .ends_with_code(2)
        .complains("\"viw\" is no event type")
        .complains("did you mean view?");
    write(&shell, "order.avsc", ONE);
    schema(&shell, &["show", "--schema", "order.avsc", "--format", "avro"]).ends_with_code(104);
}

#[test]
fn what_is_registered_is_what_a_run_looks_for() {
    let (shell, registry) = (Shell::new(), Stub::start());
    let run = ["synth", "--format", "avro", "--rate", "100", "--duration", "1s"];
    let run = |more: &[&str]| shell.run_with(&[&run[..], more].concat(), &[("SCHEMA_REGISTRY_URL", &registry.url())]);
    run(&[]).ends_with_code(6).complains("loadgen schema register");
    let first = with_registry(&shell, &registry, &["register", "--format", "avro"]).ends_with_code(0);
    first
        .says(" new    raw-events-shop.events.View         version 1, id 1\n")
        .says("7 schemas: 7 new, 0 there already");
    let second = with_registry(&shell, &registry, &["register", "--format", "avro", "-o", "json"]).ends_with_code(0);
    let view = json!({ "of": "view", "subject": "raw-events-shop.events.View", "version": 1, "id": 1, "new": false });
    assert_eq!(second.json()["schemas"][0], view);
    run(&[]).ends_with_code(0);
    // A file that was shown is the same schema as that of the type.
    for (format, file) in [("avro", "view.avsc"), ("protobuf", "view.proto"), ("json-schema", "view.schema.json")] {
        schema(&shell, &["show", "view", "--format", format, "--out", "."]).ends_with_code(0);
        let subject = format!("{format}-value");
        let of_file = with_registry(&shell, &registry, &["register", file, "--subject", &subject, "-o", "json"]);
        let topic = ["-t", format, "--topic-map", "search=s,addtocart=s,transaction=s,filter=s,review=s,inventory=s"];
        let of_type = [&["register", "-o", "json", "--format", format][..], &topic].concat();
        let of_type = with_registry(&shell, &registry, &of_type).ends_with_code(0).json();
        let (of_file, of_type) = (&of_file.ends_with_code(0).json()["schemas"][0], &of_type["schemas"][0]);
        assert_eq!((&of_file["id"], &of_type["new"]), (&of_type["id"], &false.into()), "{format}");
        assert_eq!(of_type["subject"], subject);
    }
}

#[test]
fn a_registration_that_the_registry_refuses_says_why_and_what_was_done() {
    let (shell, registry) = (shell(&[("a.avsc", ONE), ("b.avsc", REQUIRED)]), Stub::start());
    let register = |more: &[&str]| with_registry(&shell, &registry, &[&["register"], more].concat());
    register(&["a.avsc", "--subject", "s"]).ends_with_code(0).says("new    s  version 1, id 1");
    registry.judges(false, &[]);
    register(&["b.avsc", "--subject", "s"])
        .ends_with_code(3)
        .complains("b.avsc: the schema registry at")
        .complains("incompatible (409)")
        .complains(
            "loadgen finds: cannot read what version 1 wrote: y: the writer does not have it, and it has no default",
        )
        .complains("loadgen schema check b.avsc --subject s --schema-registry");
    registry.take_rights_away();
    register(&["a.avsc", "b.avsc", "--subject", "s"]).ends_with_code(6).complains("no right to that (403)");
    registry.let_in("Basic nobody");
    register(&["a.avsc", "--subject", "s"]).ends_with_code(6).complains("refuses the login (401)");
    registry.set(Mood::Answers(200, "", "{}".to_owned()));
    register(&["a.avsc", "--subject", "s"]).ends_with_code(6).complains("not understood");
    let nowhere = Stub::nowhere();
    let nowhere = ["--schema-registry", &nowhere, "--schema-registry-timeout", "200ms"];
    schema(&shell, &[&["register", "a.avsc", "--subject", "s"][..], &nowhere].concat())
        .ends_with_code(6)
        .complains("it does not answer");
}

#[test]
fn both_judges_are_told_and_where_they_disagree_neither_is_believed() {
    let files = [("one.avsc", ONE), ("defaulted.avsc", DEFAULTED), ("required.avsc", REQUIRED)];
    let (shell, registry) = (shell(&files), Stub::start());
    let check = |file: &str, more: &[&str]| {
        with_registry(&shell, &registry, &[&["check", file, "--subject", "s"], more].concat())
    };
    check("one.avsc", &[])
        .ends_with_code(6)
        .complains("there is no such subject")
        .complains("loadgen schema register one.avsc --subject s --schema-registry");
    with_registry(&shell, &registry, &["register", "one.avsc", "--subject", "s"]).ends_with_code(0);
    let well = check("defaulted.avsc", &[]).ends_with_code(0);
    assert_eq!(
        well.out,
        "COMPATIBLE  defaulted.avsc\n  subject   s\n  registry  BACKWARD: compatible with version 1\n  \
         loadgen   BACKWARD: compatible with version 1\n\n1 schema: 1 compatible\n"
    );
    check("required.avsc", &[])
        .ends_with_code(4)
        .says("DISPUTED  required.avsc")
        .says("the registry is at fault, or loadgen is");
    registry.judges(false, &["READER_FIELD_MISSING_DEFAULT_VALUE at /fields/1"]);
    let both = check("required.avsc", &[]).ends_with_code(3).says("INCOMPATIBLE").says("at /fields/1");
    both.says("cannot read what version 1 wrote: y:");
    let json = check("defaulted.avsc", &["-o", "json"]).ends_with_code(4).json();
    assert_eq!(json["schemas"][0]["verdict"], "disputed");
    assert_eq!(json["schemas"][0]["opinions"][0]["verdict"], "incompatible");
    assert_eq!(json["schemas"][0]["opinions"][1]["judge"], "loadgen");
    registry.judges(true, &[]);
    registry.set_level("s", "FORWARD");
    check("required.avsc", &[]).ends_with_code(0).says("loadgen   FORWARD: compatible with version 1");
    check("required.avsc", &["--level", "FULL"]).ends_with_code(3).says("loadgen   FULL: incompatible with version 1");
    // A registry that judges nothing passes nothing, and one that judges all the same is heard.
    registry.set_level("s", "NONE");
    check("required.avsc", &[])
        .ends_with_code(3)
        .says("registry  NONE: compatible")
        .says("loadgen   BACKWARD: incompatible");
    check("required.avsc", &["--level", "NONE"]).ends_with_code(0);
    registry.judges(false, &[]);
    check("required.avsc", &[])
        .ends_with_code(3)
        .says("registry  BACKWARD: incompatible with version 1\n            it does not");
    registry.set(Mood::Answers(500, "", String::new()));
    check("one.avsc", &["--schema-registry-timeout", "200ms"])
        .ends_with_code(6)
        .complains("cannot answer now (status 500)");
}

#[test]
fn of_protobuf_the_registry_alone_judges() {
    let longer = PROTO.replace("}\n", "  int32 y = 2;\n}\n");
    let (shell, registry) = (shell(&[("a.proto", PROTO), ("b.proto", &longer)]), Stub::start());
    with_registry(&shell, &registry, &["register", "a.proto", "--subject", "s"]).ends_with_code(0);
    let check = |more: &[&str]| with_registry(&shell, &registry, &[&["check", "b.proto"], more].concat());
    check(&["--subject", "s"])
        .ends_with_code(0)
        .says("registry  BACKWARD: compatible")
        .says("loadgen   BACKWARD: not judged\n            of Protobuf a registry alone judges");
    registry.judges(false, &[]);
    check(&["--subject", "s"]).ends_with_code(3);
    check(&["--against", "a.proto"]).ends_with_code(4).says("UNDECIDED  b.proto");
    check(&["--against", "b.proto"]).ends_with_code(0);
}

#[test]
fn a_schema_is_held_against_what_its_file_was_in_git() {
    let shell = shell(&[("s/a.avsc", ONE), ("s/m.proto", PROTO)]);
    let check = |more: &[&str]| schema(&shell, &[&["check"], more].concat());
    check(&["s/a.avsc"]).ends_with_code(7).complains("not a git repository").complains("--against FILE");
    git(&shell, &["init", "--quiet", "--initial-branch", "main"]);
    check(&["s/a.avsc"]).ends_with_code(7).complains("there is no revision \"HEAD\"");
    commit(&shell);
    check(&["s/a.avsc", "s/m.proto"]).ends_with_code(0).says("2 schemas: 2 compatible").says("compatible with HEAD (");
    write(&shell, "s/a.avsc", DEFAULTED);
    check(&["s/a.avsc"]).ends_with_code(0);
    commit(&shell);
    write(&shell, "s/a.avsc", REQUIRED);
    check(&["s/a.avsc"]).ends_with_code(0).says("BACKWARD: compatible with HEAD");
    check(&["s/a.avsc", "--level", "BACKWARD_TRANSITIVE"])
        .ends_with_code(3)
        .says("cannot read what ")
        .says("wrote: y: ");
    check(&["s/a.avsc", "--against", "git:HEAD~1"]).ends_with_code(3).says("cannot read what HEAD~1 (");
    write(&shell, "s/new.avsc", ONE);
    check(&["s/new.avsc"]).ends_with_code(0).says("BACKWARD: nothing went before it");
    check(&["s/a.avsc", "--against", "git:--all"]).ends_with_code(7).complains("there is no revision \"--all\"");
    // A file that was deleted, and is there again, was what it was before that.
    fs::remove_file(shell.path().join("s/a.avsc")).unwrap();
    commit(&shell);
    write(&shell, "s/a.avsc", REQUIRED);
    check(&["s/a.avsc"]).ends_with_code(0).says("nothing went before it");
    check(&["s/a.avsc", "--level", "FULL_TRANSITIVE"]).ends_with_code(3);
    let clone = Shell::new();
    git(&clone, &["clone", "--quiet", "--depth", "1", &format!("file://{}", shell.path().display()), "."]);
    write(&clone, "s/m.proto", PROTO);
    schema(&clone, &["check", "s/m.proto"]).ends_with_code(0);
    let all = schema(&clone, &["check", "s/m.proto", "--level", "FULL_TRANSITIVE"]).ends_with_code(7);
    all.complains("shallow clone").complains("fetch-depth: 0");
    let without = shell.run_with(&["schema", "check", "s/m.proto"], &[("PATH", "/nowhere")]).ends_with_code(7);
    without.complains("git cannot be started").complains("--against FILE");
}

#[test]
fn the_second_version_of_the_shops_types_may_follow_the_first() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/avro");
    let files = fs::read_dir(format!("{folder}/v2")).unwrap().map(|entry| entry.unwrap().path().display().to_string());
    let files: Vec<String> = files.collect();
    let args = ["check", "--against", folder, "--level", "FULL"].into_iter().chain(files.iter().map(String::as_str));
    schema(&Shell::new(), &args.collect::<Vec<_>>()).ends_with_code(0).says("7 schemas: 7 compatible");
}

#[test]
fn a_file_that_is_no_schema_is_refused_with_what_is_wrong() {
    let recursive = r#"{"type":"record","name":"A","fields":[{"name":"next","type":["null","A"]}]}"#;
    let big = r#"{"type":"record","name":"A","fields":[{"name":"price","type":{"type":"bytes","logicalType":"big-decimal"}}]}"#;
    let files =
        [("a.avsc", PROTO), ("b.proto", ONE), ("c.txt", ONE), ("d.avsc", recursive), ("e.avsc", big), ("f.avsc", "{")];
    let shell = shell(
        &[&files[..], &[("g.schema.json", r#"{"type":"object","properties":{"a":{"type":"string"}}}"#)]].concat(),
    );
    let check = |file: &str, text: &str| {
        schema(&shell, &["check", file, "--against", "x"]).ends_with_code(7).complains(text);
    };
    check("gone.avsc", "schema gone.avsc cannot be read: No such file");
    check("a.avsc", "a.avsc looks like a Protobuf file (.proto), and its name is one of an Avro schema (.avsc)");
    check("b.proto", "b.proto looks like an Avro schema (.avsc), and its name is one of a Protobuf file (.proto)");
    check("c.txt", "c.txt is no schema by its name: .avsc, .proto and .json are known");
    check("d.avsc", "d.avsc: next: the record A contains itself");
    check("e.avsc", "e.avsc: price: the logical type big-decimal is not supported");
    check("f.avsc", "f.avsc: ");
    let registry = Stub::start();
    with_registry(&shell, &registry, &["register", "g.schema.json", "--subject-strategy", "record-name"])
        .ends_with_code(7)
        .complains("it has no title")
        .complains("--subject names it");
    with_registry(&shell, &registry, &["register", "g.schema.json", "f.avsc", "--subject", "s"]).ends_with_code(7);
    assert!(registry.asked().is_empty(), "nothing is asked before all files are schemas");
}
