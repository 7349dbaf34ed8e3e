//! The real program in a folder of its own.
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(missing_docs, unreachable_pub, reason = "a part of tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder to work in, and the program in it.
pub struct Shell {
    pub folder: TempDir,
}

/// What the program did.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Shell {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, &[])
    }

    pub fn run_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
            .args(args)
            .current_dir(self.path())
            .env_clear()
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let Output { status, stdout, stderr } = output;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }

    /// A recording of so many rows.
    pub fn recording(&self, name: &str, rows: u32) {
        let rows = rows.to_string();
        self.run(&["dataset", "generate", "--rows", &rows, "--seed", "4", "--out", name]).ends_with_code(0);
    }

    /// Replays a recording to the embedded broker and gives the folder that the run left.
    pub fn replayed(&self, recording: &str, results: &str, more: &[&str]) -> PathBuf {
        let mut args = vec!["replay", recording, "--results-dir", results, "--no-progress", "--gate-off"];
        args.extend(["generator_healthy"]);
        args.extend(more);
        let ran = self.run(&args);
        assert!(matches!(ran.code, 0 | 4 | 99), "{}\n{}", ran.out, ran.err);
        let mut folders = fs::read_dir(self.path().join(results)).unwrap().map(|entry| entry.unwrap().path());
        folders.next().unwrap()
    }
}

impl Ran {
    #[track_caller]
    pub fn ends_with_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        assert!(self.err.lines().last().unwrap().starts_with(&format!("exit {code} (")), "{}", self.err);
        self
    }

    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.out.contains(text), "no \"{text}\" in:\n{}\n{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "no \"{text}\" in:\n{}\n{}", self.err, self.out);
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}
