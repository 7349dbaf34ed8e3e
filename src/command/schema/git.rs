//! What a file was, by the `git` of this machine. Nothing is changed by it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::super::Failure;
use super::file::{MOST_BYTES, bad};

/// How many revisions of a file are looked at.
const MOST_REVISIONS: usize = 1_000;
/// How many digits of a commit are shown.
const SHOWN_DIGITS: usize = 10;

/// A file in a repository, at a revision and before.
pub(super) struct History<'a> {
    folder: &'a Path,
    name: &'a OsStr,
    commit: String,
}

/// A text that the file had.
pub(super) struct Revision {
    /// The commit, in short.
    pub(super) commit: String,
    pub(super) text: String,
}

impl<'a> History<'a> {
    /// The history of a file up to a revision.
    pub(super) fn of(path: &'a Path, revision: &str) -> Result<Self, Failure> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = path.file_name().ok_or_else(|| bad(format!("{} is no file", path.display())))?;
        let mut history = Self { folder, name, commit: String::new() };
        // Says in git's words where there is no repository.
        history.ask("rev-parse", &["--git-dir"])?;
        let object = format!("{revision}^{{commit}}");
        let found = history.ask("rev-parse", &["--verify", "--end-of-options", &object]);
        history.commit = found.map(|commit| commit.trim().to_owned()).map_err(|_| {
            bad(format!("there is no revision \"{revision}\" in the repository of {}", path.display())).hint(
                "a repository without commits has none; a shallow clone lacks other branches: git fetch, or \
                 fetch-depth: 0 of actions/checkout",
            )
        })?;
        Ok(history)
    }

    /// What the file was at the revision, where it was there.
    pub(super) fn last(&self) -> Result<Option<Revision>, Failure> {
        self.at(&self.commit)
    }

    /// All that the file was up to the revision, the oldest first.
    pub(super) fn all(&self) -> Result<Vec<Revision>, Failure> {
        if self.ask("rev-parse", &["--is-shallow-repository"])?.trim() == "true" {
            return Err(bad("the repository is a shallow clone: what the file was before is not in it")
                .hint("git fetch --unshallow, or fetch-depth: 0 of actions/checkout; a level without _TRANSITIVE needs the last revision alone"));
        }
        let most = format!("--max-count={}", MOST_REVISIONS + 1);
        let commits = self.ask_of_file("rev-list", &[&most, &self.commit])?;
        if commits.lines().count() > MOST_REVISIONS {
            return Err(bad(format!("{} has more than {MOST_REVISIONS} revisions", self.name.display())));
        }
        let revisions = commits.lines().rev().filter_map(|commit| self.at(commit).transpose());
        revisions.collect()
    }

    fn at(&self, commit: &str) -> Result<Option<Revision>, Failure> {
        // `100644 blob 8d2a… 512<TAB>name`; nothing where it is not there.
        let entry = self.ask_of_file("ls-tree", &["--long", commit])?;
        let mut words = entry.split_whitespace().skip(1);
        let (Some(kind), Some(object), Some(size)) = (words.next(), words.next(), words.next()) else {
            return Ok(None);
        };
        let commit: String = commit.chars().take(SHOWN_DIGITS).collect();
        match size.parse::<u64>() {
            Ok(size) if kind == "blob" && size <= MOST_BYTES => {
                Ok(Some(Revision { commit, text: self.ask("cat-file", &["blob", object])? }))
            }
            _ => Err(bad(format!("{} was no file of at most {MOST_BYTES} bytes at {commit}", self.name.display()))),
        }
    }

    fn ask_of_file(&self, what: &str, words: &[&str]) -> Result<String, Failure> {
        self.answer(what, words, Some(self.name))
    }

    fn ask(&self, what: &str, words: &[&str]) -> Result<String, Failure> {
        self.answer(what, words, None)
    }

    fn answer(&self, what: &str, words: &[&str], file: Option<&OsStr>) -> Result<String, Failure> {
        let mut command = Command::new("git");
        command.arg("-C").arg(self.folder).arg(what).args(words).stdin(Stdio::null());
        if let Some(file) = file {
            command.arg("--").arg(file);
        }
        command.env("GIT_LITERAL_PATHSPECS", "1").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
        // A hook's own, which need not be the file's.
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
            command.env_remove(name);
        }
        let output = command.output().map_err(|error| {
            bad(format!("git cannot be started: {error}")).hint("--against FILE, or a folder, does without git")
        })?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let line = words.lines().find(|line| !line.trim().is_empty()).unwrap_or("it failed without a word");
            return Err(bad(format!("git {what} in {}: {line}", self.folder.display()))
                .hint("--against FILE, or a folder, does without git"));
        }
        String::from_utf8(output.stdout).map_err(|_| bad(format!("git {what}: what it says is not UTF-8")))
    }
}
