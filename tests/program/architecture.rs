//! The direction of imports: every room's neighbours are listed here, and nothing else may be imported.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Each top-level module with what it may import. Nothing may import one that stands above it.
const MAY_IMPORT: &[(&str, &str)] = &[
    (
        "command",
        "alert anonymise bundle capacity capture cli clock collect compare dataset event explain exporter figures files fleet fraud gate input kafka lane measure merge mirror output progress publish recording registry report run scenario schedule score selftest settings shop soak sorting source units verdict verify width wire",
    ),
    (
        "selftest",
        "capture clock collect event expect exporter gate kafka lane ledger publish report run schedule settings source units verify wire",
    ),
    ("collect", "clock event exporter report source wire"),
    ("mirror", "anonymise capture kafka report source"),
    ("score", "clock fraud kafka"),
    ("exporter", "clock event kafka ledger measure report run"),
    ("fleet", "clock figures kafka report run settings"),
    ("progress", "clock figures logging measure report run width"),
    (
        "scenario",
        "alert bundle capture cli clock event expect files gate http input kafka logging registry run schedule settings shop source spelling units verdict wire",
    ),
    ("cli", "capture compare dataset event input registry schedule settings source units"),
    ("logging", "settings"),
    ("alert", "clock http report"),
    (
        "run",
        "clock control event expect figures kafka lane ledger measure publish registry report schedule settings soak source verify wire",
    ),
    ("lane", "clock control event kafka ledger measure publish schedule settings source"),
    ("verify", "clock control event kafka ledger measure report schedule settings wire"),
    ("expect", "clock event figures fraud kafka measure report source spelling units wire"),
    ("fraud", "wire"),
    ("publish", "kafka"),
    ("output", "bundle capacity compare explain figures gate ledger recording report width"),
    ("explain", "gate ledger report"),
    ("verdict", "figures gate ledger report"),
    ("gate", "figures ledger report units"),
    ("dataset", "anonymise capture clock figures files input kafka report shop sorting source units"),
    ("settings", "anonymise event files input kafka registry schedule source units"),
    ("source", "capture clock event files input schedule shop sorting spelling units wire"),
    ("anonymise", "capture clock files kafka"),
    ("files", "capture input kafka sorting units"),
    ("capture", "clock kafka sorting wire"),
    ("compare", "figures recording report units"),
    ("capacity", "figures report schedule"),
    ("soak", "figures report"),
    ("merge", "clock figures measure recording report"),
    ("bundle", "clock measure recording report"),
    ("recording", "figures report"),
    ("measure", "clock event report"),
    ("control", "clock"),
    ("registry", "clock http"),
    ("report", "event figures ledger units"),
    ("ledger", "clock event units"),
    ("shop", "event wire"),
    ("event", "clock kafka wire"),
    ("kafka", "clock units"),
    ("schedule", "clock units"),
    ("http", "clock"),
    ("clock", ""),
    ("figures", ""),
    ("input", ""),
    ("sorting", ""),
    ("spelling", ""),
    ("units", ""),
    ("wire", ""),
    ("width", ""),
    ("wire", ""),
];

fn allowed() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    MAY_IMPORT.iter().map(|(module, imports)| (*module, imports.split_whitespace().collect())).collect()
}

/// Whether a file is one of tests alone: `tests.rs`, in a folder `tests`, or of the simulated world.
fn holds_tests_alone(inside: &Path) -> bool {
    let is_simulated = inside.starts_with("run/simulation") || inside == Path::new("clock/virtual_time.rs");
    is_simulated || inside.iter().any(|part| part == "tests" || part == "tests.rs")
}

/// The tokens of a file without its tests, which may look anywhere. Comments are no tokens.
fn code(path: &Path) -> Vec<TokenTree> {
    without_tests(fs::read_to_string(path).unwrap().parse().unwrap())
}

/// Leaves out what stands behind `#[cfg(test)]`, wherever it stands in the file, and keeps all that follows.
fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(hash) if hash.as_char() == '#' && tokens.peek().is_some_and(is_cfg_test) => {
                tokens.next();
                skip_item(&mut tokens);
            }
            TokenTree::Group(group) => {
                kept.push(TokenTree::Group(Group::new(
                    group.delimiter(),
                    without_tests(group.stream()).into_iter().collect(),
                )));
            }
            token => kept.push(token),
        }
    }
    kept
}

fn is_cfg_test(token: &TokenTree) -> bool {
    token.to_string().replace(' ', "") == "[cfg(test)]"
}

/// The rest of an item: up to its body, or to the semicolon or comma where there is none.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    let mut has_body = false;
    for token in tokens {
        match token {
            TokenTree::Ident(word) => {
                has_body |= ["mod", "fn", "impl", "struct", "enum", "trait"].contains(&word.to_string().as_str());
            }
            TokenTree::Group(group) if has_body && group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(mark) if mark.as_char() == ';' || (!has_body && mark.as_char() == ',') => return,
            _ => {}
        }
    }
}

/// The top-level modules that the code names after `crate::`, in paths, in groups of `use`, in macros.
fn imports(code: &[TokenTree]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, token) in code.iter().enumerate() {
        match token {
            TokenTree::Group(group) => found.extend(imports(&group.stream().into_iter().collect::<Vec<_>>())),
            TokenTree::Ident(word) if *word == "crate" => found.extend(named(code.get(at + 3))),
            _ => {}
        }
    }
    found
}

/// What a path goes on with: one name, or the first names within braces.
fn named(token: Option<&TokenTree>) -> Vec<String> {
    match token {
        Some(TokenTree::Ident(name)) => vec![name.to_string()],
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let tokens: Vec<_> = group.stream().into_iter().collect();
            let parts = tokens.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ','));
            parts.filter_map(|part| part.first()).map(ToString::to_string).collect()
        }
        _ => Vec::new(),
    }
}

/// Every path that the code names after `crate` or `super`, one for each end of a group in braces.
fn paths(code: &[TokenTree]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(token) = code.get(at) {
        match token {
            TokenTree::Group(group) => found.extend(paths(&group.stream().into_iter().collect::<Vec<_>>())),
            TokenTree::Ident(word) if ["crate", "super"].contains(&word.to_string().as_str()) => {
                let (ends, next) = path_from(code, at);
                found.extend(ends);
                at = next;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The paths that begin at a word, and where the code goes on behind them.
fn path_from(code: &[TokenTree], mut at: usize) -> (Vec<Vec<String>>, usize) {
    let mut path = Vec::new();
    loop {
        match code.get(at) {
            Some(TokenTree::Ident(word)) => path.push(word.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let tokens: Vec<_> = group.stream().into_iter().collect();
                let parts = tokens.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ','));
                let ends = parts.flat_map(|part| path_from(part, 0).0);
                return (ends.map(|end| [path.clone(), end].concat()).collect(), at + 1);
            }
            _ => return (vec![path], at),
        }
        let colon = |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(mark)) if mark.as_char() == ':');
        if !(colon(code.get(at + 1)) && colon(code.get(at + 2))) {
            return (vec![path], at + 1);
        }
        at += 3;
    }
}

/// Where a path of a file leads from the root: `super` is a step up from the file's own module.
fn from_root(own: &[String], path: &[String]) -> Vec<String> {
    let up = path.iter().take_while(|word| *word == "super").count();
    let base = if up > 0 { &own[..own.len().saturating_sub(up)] } else { &[][..] };
    let rest = path.iter().skip(up.max(1));
    base.iter().chain(rest).cloned().collect()
}

fn says_unsafe(code: &[TokenTree]) -> bool {
    code.iter().any(|token| match token {
        TokenTree::Group(group) => says_unsafe(&group.stream().into_iter().collect::<Vec<_>>()),
        TokenTree::Ident(word) => *word == "unsafe",
        _ => false,
    })
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
        for import in imports(&code(&path)) {
            if allowed.contains_key(import.as_str()) && import != module && !may.contains(import.as_str()) {
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
            assert!(place(import) > place(module), "{module} imports {import}, which stands above it");
        }
    }
}

#[test]
fn commands_use_one_another_in_no_circle() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&source.join("command"), &mut all);
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in all.iter().filter(|file| !holds_tests_alone(file.strip_prefix(&source).unwrap())) {
        let inside = file.strip_prefix(&source).unwrap().with_extension("");
        let own: Vec<String> = inside.iter().map(|word| word.to_str().unwrap().to_owned()).collect();
        let led = paths(&code(file)).into_iter().map(|path| from_root(&own, &path));
        let others = led.filter(|path| path.first().is_some_and(|room| room == "command") && path.len() > 1);
        let others: BTreeSet<String> = others.map(|path| path[1].clone()).filter(|other| *other != own[1]).collect();
        uses.entry(own[1].clone()).or_default().extend(others);
    }
    assert!(uses["merge"].contains("fleet") && uses["run"].contains("fleet"), "{uses:?}");
    // Whoever uses nobody that is left is taken away; those of a circle stay.
    while let Some(free) = uses.iter().find(|(_, others)| !others.iter().any(|other| uses.contains_key(other))) {
        let free = free.0.clone();
        uses.remove(&free);
    }
    assert!(uses.is_empty(), "each of these uses another one of them: {uses:?}");
}

#[test]
fn paths_are_followed_through_braces_and_up() {
    let code: Vec<_> =
        "use super::super::{a::B, c}; use crate::command::{d, e::{F, g}}; fn h() { super::i::j(); self::k() }"
            .parse::<TokenStream>()
            .unwrap()
            .into_iter()
            .collect();
    let own = ["command", "x", "y"].map(str::to_owned);
    let led: Vec<String> = paths(&code).iter().map(|path| from_root(&own, path).join("/")).collect();
    assert_eq!(
        led,
        ["command/a/B", "command/c", "command/d", "command/e/F", "command/e/g", "command/x/i/j"],
        "{led:?}"
    );
}

#[test]
fn unsafe_code_lives_in_one_room() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    files(&source, &mut paths);
    for path in paths {
        let inside = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
        assert!(!says_unsafe(&code(&path)) || inside.starts_with("kafka/native"), "unsafe in {inside}");
    }
}

#[test]
fn what_stands_behind_the_tests_of_a_file_is_read_too() {
    let text = r"
        #[cfg(test)] use crate::command::{A, B};
        #[cfg(test)] mod tests { use crate::cli::C; }
        struct S { #[cfg(test)] only_there: crate::bundle::D, here: crate::gate::E }
        impl S { #[cfg(test)] fn f(&self) -> [u8; 2] { unsafe { crate::run::f() } } fn g() { crate::units::g() } }
        /* crate::lane */ use crate::{clock::{self, Nanos}, report};
        macro!(crate::merge::x);
    ";
    let code = without_tests(text.parse().unwrap());
    assert_eq!(imports(&code).into_iter().collect::<Vec<_>>(), ["clock", "gate", "merge", "report", "units"]);
    assert!(!says_unsafe(&code));
    assert!(says_unsafe(&without_tests("#[cfg(test)] mod tests; fn f() { unsafe { g() } }".parse().unwrap())));
}
