//! The program under test, as a user starts it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::PATIENCE;
use crate::at_work::{AtWork, Ended};
use crate::cluster::Cluster;

/// A command line against a cluster, with a results folder of its own.
pub(crate) struct Program {
    command: Command,
    results: tempfile::TempDir,
}

/// A program at work.
pub(crate) struct Started {
    program: AtWork,
    results: tempfile::TempDir,
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
        Self::started_by(Command::new(env!("CARGO_BIN_EXE_loadgen")), cluster, topic)
    }

    /// One that writes no file that is longer than that many blocks (512 or 1,024 bytes), as if the disk were full.
    pub(crate) fn limited(blocks: u32, cluster: &Cluster, topic: &str) -> Self {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &format!("ulimit -f {blocks}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_loadgen")]);
        Self::started_by(shell, cluster, topic)
    }

    fn started_by(mut command: Command, cluster: &Cluster, topic: &str) -> Self {
        let results = tempfile::tempdir().unwrap();
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

    pub(crate) fn args_of(mut self, arguments: &[&str]) -> Self {
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
        let piped = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Started { program: AtWork::start(piped), results: self.results }
    }

    pub(crate) fn run(self) -> Run {
        self.start().finish()
    }
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
        self.wait_for(&format!("{events} events seen"), || self.seen() >= events);
    }

    /// Events that were seen, by the rows of its timeline so far.
    pub(crate) fn seen(&self) -> u64 {
        let rows = self.timeline();
        let rows = rows.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        rows.filter_map(|row| row["seen"].as_u64()).sum()
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

    /// Waits until that is so.
    pub(crate) fn wait_for(&self, what: &str, done: impl FnMut() -> bool) {
        self.program.wait_for(what, PATIENCE, done);
    }

    pub(crate) fn id(&self) -> u32 {
        self.program.id()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.program.ended().is_some()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.program.signal(name);
    }

    /// The most memory that it has had, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.program.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak.unwrap().parse::<u64>().unwrap() << 10
    }

    pub(crate) fn interrupt(&self) {
        self.program.signal("INT");
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(self) {
        self.program.signal("KILL");
        self.program.finish(PATIENCE);
    }

    pub(crate) fn finish(self) -> Run {
        let Ended { status, stdout, stderr } = self.program.finish(PATIENCE);
        Run { code: status.code().unwrap(), stdout, stderr, results: self.results }
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
