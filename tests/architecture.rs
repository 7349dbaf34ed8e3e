//! The direction of imports: every room's neighbours are listed here, and nothing else may be imported.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Each top-level module with what it may import. Nothing may import one that stands above it, but for the modules that
/// describe one thing together, see [`TOGETHER`].
const MAY_IMPORT: &[(&str, &str)] = &[
    (
        "command",
        "bundle capacity cli clock compare dataset event explain exporter gate kafka lane measure merge progress publish recording report run scenario schedule selftest source units verdict verify",
    ),
    ("exporter", "clock event kafka ledger measure report run"),
    ("progress", "clock logging measure report run"),
    ("cli", "compare dataset event kafka logging scenario schedule source units"),
    ("logging", "cli scenario"),
    ("scenario", "cli clock event gate kafka schedule source units verdict"),
    ("selftest", "clock event gate kafka lane ledger publish report run schedule source verify"),
    ("run", "clock control event kafka lane ledger measure publish report schedule soak source verify"),
    ("lane", "clock control event kafka ledger measure publish schedule source"),
    ("verify", "clock control event kafka ledger measure report schedule"),
    ("publish", "kafka"),
    ("explain", "gate ledger report"),
    ("verdict", "gate ledger report"),
    ("gate", "event ledger report units"),
    ("dataset", "clock event report source"),
    ("source", "clock event schedule units"),
    ("compare", "recording report"),
    ("capacity", "report schedule"),
    ("soak", "report"),
    ("merge", "clock measure recording report"),
    ("bundle", "clock event measure recording report"),
    ("recording", "event report"),
    ("ledger", "clock event report"),
    ("measure", "clock event report"),
    ("control", "clock"),
    ("kafka", "clock units"),
    ("report", "event ledger"),
    ("event", "clock"),
    ("schedule", "clock units"),
    ("clock", ""),
    ("units", ""),
];

/// Options, scenario and logging are one configuration; the report counts the ledger's classes.
const TOGETHER: [&[&str]; 2] = [&["cli", "scenario", "logging"], &["ledger", "report"]];

fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    MAY_IMPORT.iter().map(|(module, imports)| (*module, imports.split_whitespace().collect())).collect()
}

/// Whether a file is one of tests alone: `tests.rs`, or in a folder `tests`.
fn holds_tests_alone(inside: &Path) -> bool {
    inside.iter().any(|part| part == "tests" || part == "tests.rs")
}

/// The code of a file without comments and without its tests, which may look anywhere.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The top-level modules that a text names after `crate::`.
fn imports(code: &str, modules: &BTreeMap<&'static str, BTreeSet<&'static str>>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => top_level_names(group),
            None => vec![rest],
        };
        for name in names {
            let name: String = name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if modules.contains_key(name.as_str()) {
                found.insert(name);
            }
        }
    }
    found
}

/// `a, b::{c, d}, e` of a `use` group, up to its closing brace.
fn top_level_names(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}

fn files(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

#[test]
fn every_import_is_one_that_its_room_may_have() {
    let allowed = allowed();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&source, &mut paths);
    let mut strangers = Vec::new();
    for path in paths {
        let inside = path.strip_prefix(&source).unwrap();
        let module =
            inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if module == "lib" || module == "main" || holds_tests_alone(inside) {
            continue;
        }
        let may = allowed.get(module.as_str()).unwrap_or_else(|| panic!("src/{module} is not in the table"));
        for import in imports(&code(&path), &allowed) {
            if import != module && !may.contains(import.as_str()) {
                strangers.push(format!("{}: {import}", inside.display()));
            }
        }
    }
    assert!(strangers.is_empty(), "imports that the table does not allow:\n{}", strangers.join("\n"));
}

#[test]
fn the_table_itself_only_points_down() {
    let allowed = allowed();
    let place = |module: &str| MAY_IMPORT.iter().position(|(name, _)| *name == module).unwrap();
    for (module, imports) in &allowed {
        for import in imports {
            let together = TOGETHER.iter().any(|group| group.contains(module) && group.contains(import));
            assert!(together || place(import) > place(module), "{module} imports {import}, which stands above it");
        }
    }
}

#[test]
fn unsafe_code_lives_in_one_room() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&source, &mut paths);
    for path in paths {
        let inside = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
        let has_unsafe = code(&path).split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
        assert!(!has_unsafe || inside.starts_with("kafka/native"), "unsafe in {inside}");
    }
}
