//! The real program in a folder of its own.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]
#![allow(missing_docs, unreachable_pub, reason = "a part of tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::at_work::{AtWork, Ended};

/// The longest wait for anything that a program does.
pub const PATIENCE: Duration = Duration::from_secs(120);

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

    /// Starts the program and leaves it running.
    pub fn start(&self, args: &[&str]) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command.args(args).current_dir(self.path()).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
        Running(AtWork::start(&mut command))
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

/// The program while it runs.
pub struct Running(AtWork);

impl Running {
    /// How it ended, if it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.0.ended()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        self.0.signal(name);
    }

    /// Looks until it has brought `what` about.
    pub fn wait_for(&self, what: &str, there: impl FnMut() -> bool) {
        self.0.wait_for(what, PATIENCE, there);
    }

    /// Waits until a signal has ended it.
    pub fn wait_for_the_end(self) -> ExitStatus {
        self.0.finish(PATIENCE).status
    }

    pub fn wait(self) -> Ran {
        let Ended { status, stdout, stderr } = self.0.finish(PATIENCE);
        Ran { code: status.code().unwrap(), out: stdout, err: stderr }
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
