//! The program under test, as a user starts it.

use std::cell::RefCell;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use loadgen::clock::{Clock, Monotonic, Nanos};
use serde_json::Value;

use super::PATIENCE;
use super::cluster::Cluster;

/// A command line against a cluster, with a results folder of its own.
pub(crate) struct Program {
    command: Command,
    results: tempfile::TempDir,
}

/// A program at work.
pub(crate) struct Started {
    child: RefCell<Kept>,
    stdout: JoinHandle<String>,
    stderr: RefCell<Option<JoinHandle<String>>>,
    results: tempfile::TempDir,
}

/// A process that does not outlive its test, however that ends.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        // Most have ended by then.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A program that has ended.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    results: tempfile::TempDir,
}

impl Program {
    pub(crate) fn new(cluster: &Cluster, topic: &str) -> Self {
        let results = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        // No variable of the machine, no .env of the folder.
        command.env_clear().current_dir(results.path());
        command.env("LOADGEN_BOOTSTRAP_SERVER", cluster.address());
        if !topic.is_empty() {
            command.env("LOADGEN_TOPIC", topic);
        }
        command.env("LOADGEN_RESULTS_DIR", results.path().join("results"));
        Self { command, results }
    }

    pub(crate) fn args<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.command.args(arguments);
        self
    }

    /// Gives it variables of the machine: those that commands it runs cannot do without.
    pub(crate) fn passing_on<const N: usize>(mut self, variables: [&str; N]) -> Self {
        let set = variables.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        self.command.envs(set);
        self
    }

    pub(crate) fn start(mut self) -> Started {
        let mut child =
            self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        Started { child: RefCell::new(Kept(child)), stdout, stderr: RefCell::new(Some(stderr)), results: self.results }
    }

    pub(crate) fn run(self) -> Run {
        self.start().finish()
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    })
}

impl Started {
    /// Rows of the run's timeline so far: one a second since the first due time.
    pub(crate) fn rows(&self) -> usize {
        self.timeline().len()
    }

    /// The folder it will leave behind, once that is there.
    pub(crate) fn bundle(&self) -> Option<PathBuf> {
        bundle_in(&self.results)
    }

    fn timeline(&self) -> Vec<String> {
        let text = bundle_in(&self.results)
            .and_then(|bundle| std::fs::read_to_string(bundle.join("timeline.ndjson")).ok())
            .unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// Waits until the run's timeline has that many rows.
    pub(crate) fn wait_for_rows(&self, rows: usize) {
        self.wait_for(&format!("row {rows}"), || self.rows() >= rows);
    }

    /// Waits until the rows of its timeline tell of so many events that were seen.
    pub(crate) fn wait_for_seen(&self, events: u64) {
        self.wait_for(&format!("{events} events seen"), || {
            let rows = self.timeline();
            let rows = rows.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            rows.filter_map(|row| row["seen"].as_u64()).sum::<u64>() >= events
        });
    }

    /// Waits until a row from the given one on has events that were acked.
    pub(crate) fn wait_for_acks_after(&self, row: usize) {
        self.wait_for(&format!("acks after row {row}"), || {
            self.timeline().iter().skip(row).any(|line| {
                let row: Option<Value> = serde_json::from_str(line).ok();
                row.is_some_and(|row| row["acked"].as_u64() > Some(0))
            })
        });
    }

    /// Waits for what only a program at work can bring about: one that has ended first has failed.
    fn wait_for(&self, what: &str, mut done: impl FnMut() -> bool) {
        let clock = Monotonic::start();
        loop {
            let ended = self.child.borrow_mut().0.try_wait().unwrap();
            if done() {
                return;
            }
            if let Some(status) = ended {
                panic!("no {what}: loadgen ended first, {status}: {}", self.said());
            }
            assert!(clock.now() < Nanos::from(PATIENCE), "no {what} in {PATIENCE:?}");
            clock.sleep_until(clock.now() + Nanos::from(Duration::from_millis(20)));
        }
    }

    /// What it has said on standard error, once it has ended.
    fn said(&self) -> String {
        self.stderr.take().map_or_else(String::new, |text| text.join().unwrap())
    }

    pub(crate) fn interrupt(&self) {
        let status = Command::new("kill").arg("-INT").arg(self.child.borrow().0.id().to_string()).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn finish(self) -> Run {
        let clock = Monotonic::start();
        let status = loop {
            if let Some(status) = self.child.borrow_mut().0.try_wait().unwrap() {
                break status;
            }
            if clock.now() >= Nanos::from(PATIENCE) {
                self.child.borrow_mut().0.kill().unwrap();
                panic!("loadgen still ran after {PATIENCE:?}: {}", self.said());
            }
            clock.sleep_until(clock.now() + Nanos::from(Duration::from_millis(20)));
        };
        Run {
            code: status.code().unwrap(),
            stderr: self.said(),
            stdout: self.stdout.join().unwrap(),
            results: self.results,
        }
    }
}

impl Run {
    /// The folder it left behind.
    pub(crate) fn bundle(&self) -> Option<PathBuf> {
        bundle_in(&self.results)
    }

    /// The events that did not end verified.
    pub(crate) fn unverified(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.bundle().unwrap().join("unverified.ndjson")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn report(&self) -> Value {
        let bundle = self.bundle().unwrap_or_else(|| panic!("no bundle; stderr: {}", self.stderr));
        serde_json::from_slice(&std::fs::read(bundle.join("report.json")).unwrap()).unwrap()
    }
}

fn bundle_in(results: &tempfile::TempDir) -> Option<PathBuf> {
    let mut folders = std::fs::read_dir(results.path().join("results")).ok()?;
    folders.find_map(|entry| Some(entry.ok()?.path()).filter(|path| path.is_dir()))
}
