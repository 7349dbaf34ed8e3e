//! One command of a fault: in a process group of its own, with a deadline, its output kept within bounds.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::clock::{Clock, Monotonic, Nanos};
use crate::report::CommandReport;
use crate::schedule::Fault;

/// Output that is kept of a command.
const KEPT: usize = 4096;
/// How often it is looked whether a command has ended.
const LOOK: Nanos = Nanos::from_millis(10);
/// The time that a process group has to end by itself when it is told to.
const GRACE: Duration = Duration::from_secs(2);
/// The longest wait for the rest of the output: a process that goes on in the background may hold the pipe for ever.
const REST: Duration = Duration::from_millis(500);
/// Variables that commands get of the environment. No other: it may hold secrets.
const PASSED_ON: [&str; 9] = ["PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TERM", "JAVA_HOME", "SHELL"];

/// Runs a command to its end, its deadline, or until it is given up.
pub(super) fn run(command: &str, fault: &Fault, clock: Monotonic, given_up: &dyn Fn() -> bool) -> CommandReport {
    let started = clock.now();
    let started_s = started.as_secs_f64();
    let mut child = match spawn(command, fault) {
        Ok(child) => child,
        Err(error) => {
            return CommandReport {
                command: command.to_owned(),
                started_s,
                error: Some(format!("it cannot be started: {error}")),
                ..CommandReport::default()
            };
        }
    };
    let output = Output::of(&mut child);
    let deadline = started + Nanos::from(fault.deadline);
    let (status, error) = loop {
        match child.try_wait() {
            Ok(Some(status)) => break (Some(status), None),
            Ok(None) if clock.now() >= deadline => break (None, Some(format!("not ended after {:?}", fault.deadline))),
            Ok(None) if given_up() => break (None, Some("given up with the run".to_owned())),
            Ok(None) => clock.sleep_until(clock.now() + LOOK),
            Err(error) => break (None, Some(format!("it cannot be waited for: {error}"))),
        }
    };
    if status.is_none() {
        end(&mut child, clock);
    }
    let took_s = (clock.now() - started).as_secs_f64();
    let signal = status.and_then(|status| std::os::unix::process::ExitStatusExt::signal(&status));
    CommandReport {
        command: command.to_owned(),
        started_s,
        took_s,
        exit_code: status.and_then(|status| status.code()),
        error: error.or_else(|| signal.map(|signal| format!("ended by signal {signal}"))),
        output: output.text(clock),
    }
}

fn spawn(command: &str, fault: &Fault) -> io::Result<Child> {
    let wanted = PASSED_ON.iter().copied().chain(fault.env.iter().map(String::as_str));
    let passed_on = wanted.filter_map(|name| Some((name, std::env::var_os(name)?)));
    Command::new("sh")
        .args(["-c", command])
        .env_clear()
        .envs(passed_on)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: Ctrl-C is for the run, and all that the command starts can be ended.
        .process_group(0)
        .spawn()
}

/// Ends the process group: politely, then by force.
fn end(child: &mut Child, clock: Monotonic) {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    let deadline = clock.now() + Nanos::from(GRACE);
    for signal in [Signal::TERM, Signal::KILL] {
        if let Err(error) = kill_process_group(group, signal) {
            tracing::debug!("process group {group:?} cannot be ended: {error}");
        }
        while clock.now() < deadline && matches!(child.try_wait(), Ok(None)) {
            clock.sleep_until(clock.now() + LOOK);
        }
    }
    // Killed, so this ends at once; else there would be a zombie.
    if let Err(error) = child.wait() {
        tracing::debug!("a killed command cannot be waited for: {error}");
    }
}

/// The first bytes of both outputs, in the order in which they came.
#[derive(Default)]
struct Output {
    kept: Arc<Mutex<(Vec<u8>, usize)>>,
    readers: Vec<thread::JoinHandle<()>>,
}

impl Output {
    fn of(child: &mut Child) -> Self {
        let mut output = Self::default();
        let pipes: [Option<Box<dyn Read + Send>>; 2] = [
            child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
            child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
        ];
        for mut pipe in pipes.into_iter().flatten() {
            let kept = Arc::clone(&output.kept);
            let spawned = thread::Builder::new().name("fault-output".to_owned()).spawn(move || {
                let mut buffer = [0; 1024];
                // Read to its end, so that the command is never held up by a full pipe; a broken one ends it too.
                while let Ok(read @ 1..) = pipe.read(&mut buffer) {
                    let (bytes, left_out) = &mut *kept.lock().unwrap_or_else(PoisonError::into_inner);
                    let room = KEPT.saturating_sub(bytes.len()).min(read);
                    bytes.extend_from_slice(&buffer[..room]);
                    *left_out += read - room;
                }
            });
            match spawned {
                Ok(reader) => output.readers.push(reader),
                Err(error) => tracing::warn!("a fault's output is not kept: {error}"),
            }
        }
        output
    }

    fn text(self, clock: Monotonic) -> String {
        let deadline = clock.now() + Nanos::from(REST);
        while self.readers.iter().any(|reader| !reader.is_finished()) && clock.now() < deadline {
            clock.sleep_until(clock.now() + LOOK);
        }
        let (bytes, left_out) = &*self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(bytes).into_owned();
        if *left_out > 0 { format!("{text}… {left_out} bytes more") } else { text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(command: &str, deadline: Duration, env: &[&str]) -> CommandReport {
        let fault = Fault {
            at: Duration::ZERO,
            run: command.to_owned(),
            undo: None,
            after: None,
            deadline,
            env: env.iter().map(ToString::to_string).collect(),
        };
        run(command, &fault, Monotonic::start(), &|| false)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_command_that_does_not_end_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let command = format!("sleep 1000 & echo $! > {}; wait", pid.display());
        let report = ended(&command, Duration::from_millis(500), &[]);
        assert_eq!(report.exit_code, None);
        assert!(report.failure().unwrap().contains("not ended after 500ms"), "{report:?}");
        let child: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        let child = std::path::PathBuf::from(format!("/proc/{child}/stat"));
        // A zombie until somebody has waited for it: ended all the same.
        let gone = std::fs::read_to_string(child).map_or(true, |stat| stat.contains(") Z "));
        assert!(gone, "what the command had started goes on");
    }

    #[test]
    fn output_is_kept_within_bounds_and_a_background_process_holds_nobody_up() {
        let report = ended("yes | head -c 10000; sleep 30 & exit 0", LONG, &[]);
        assert_eq!(report.exit_code, Some(0));
        assert!(report.output.len() < KEPT + 100 && report.output.ends_with("5904 bytes more"), "{}", report.output);
    }

    #[test]
    fn the_environment_is_not_passed_on_but_for_what_is_named() {
        let report = ended("env", LONG, &["CARGO_PKG_NAME"]);
        let names: Vec<&str> = report.output.lines().filter_map(|line| line.split('=').next()).collect();
        assert!(names.contains(&"CARGO_PKG_NAME") && names.contains(&"PATH"), "{names:?}");
        assert!(!names.contains(&"CARGO_PKG_VERSION") && !names.contains(&"CARGO_MANIFEST_DIR"), "{names:?}");
    }

    #[test]
    fn a_command_that_is_not_there_says_so() {
        let report = ended("no-such-command-anywhere", LONG, &[]);
        assert_eq!(report.exit_code, Some(127));
        assert!(report.output.contains("no-such-command-anywhere"), "{report:?}");
    }
}
