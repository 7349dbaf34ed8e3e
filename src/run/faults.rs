//! Faults on demand: commands that a run starts at given times, and takes back again, whatever becomes of it.
//!
//! One thread runs them, one after the other. It ends when each fault has been undone, so a run that is interrupted or aborted
//! still undoes what it did; only a run that is killed cannot.

mod command;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use super::RunError;
use super::threads::{self, Running};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::control::Control;
use crate::figures;
use crate::report::{CommandReport, FaultReport};
use crate::schedule::Fault;

/// How often the thread looks at what has become of the run.
const LOOK: Nanos = Nanos::from_millis(20);

/// What happened to faults since the last row of the timeline.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks(Arc<Mutex<Vec<String>>>);

impl Marks {
    fn add(&self, mark: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The run as the thread sees it.
struct Course<'a> {
    clock: Monotonic,
    control: &'a Control,
    sending: &'a AtomicBool,
    /// When the schedule ends, where known.
    ends_at: Option<Nanos>,
}

impl Course<'_> {
    /// Whether nothing more is to be broken.
    fn is_over(&self, now: Nanos) -> bool {
        let ended = self.ends_at.is_some_and(|end| now >= self.control.tempo().at(end));
        ended || now >= self.control.stopped_at() || !self.sending.load(Ordering::Acquire) || self.control.is_aborted()
    }
}

/// A fault, and what became of it.
struct Injected<'a> {
    fault: &'a Fault,
    report: FaultReport,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Undone at this time, or when the run is over.
    Broken(Nanos),
    Done,
}

/// Starts the thread. It gives back what became of each fault.
pub(super) fn inject<'scope>(
    scope: &'scope Scope<'scope, '_>,
    faults: &'scope [Fault],
    clock: Monotonic,
    control: &'scope Control,
    sending: &'scope AtomicBool,
    ends_at: Option<Nanos>,
    marks: Marks,
) -> Result<Running<'scope, Vec<FaultReport>>, RunError> {
    let course = Course { clock, control, sending, ends_at };
    threads::start(scope, "faults", move || work(faults, &course, &marks))
}

fn work(faults: &[Fault], course: &Course<'_>, marks: &Marks) -> Vec<FaultReport> {
    let planned = |fault| Injected { fault, report: planned(fault), state: State::Waiting };
    let mut all: Vec<Injected<'_>> = faults.iter().map(planned).collect();
    loop {
        if all.iter().all(|one| one.state == State::Done) {
            break;
        }
        let now = course.clock.now();
        let over = course.is_over(now);
        let due = |one: &&mut Injected<'_>| match one.state {
            State::Waiting => over || now >= Nanos::from(one.fault.at),
            State::Broken(until) => over || now >= until,
            State::Done => false,
        };
        // The one that has waited longest first.
        let next = all.iter_mut().filter(due).min_by_key(|one| match one.state {
            State::Broken(until) => until,
            State::Waiting | State::Done => Nanos::from(one.fault.at),
        });
        match next {
            Some(one) if one.state == State::Waiting && over => {
                one.report.not_run = Some("the run had ended before".to_owned());
                one.state = State::Done;
            }
            Some(one) if one.state == State::Waiting => one.inject(course, marks),
            Some(one) => one.undo(course, marks),
            None => course.clock.sleep_until(now + LOOK),
        }
    }
    all.into_iter().map(|one| one.report).collect()
}

fn planned(fault: &Fault) -> FaultReport {
    FaultReport { at_s: fault.at.as_secs_f64(), run: fault.run.clone(), ..FaultReport::default() }
}

impl Injected<'_> {
    fn inject(&mut self, course: &Course<'_>, marks: &Marks) {
        let Fault { run, undo, after, .. } = self.fault;
        let started = course.clock.now();
        tracing::info!("fault: {run}");
        marks.add(format!("fault: {run}"));
        let ended = command::run(run, self.fault, course.clock, &|| course.control.is_aborted());
        tell(run, &ended, marks);
        self.report.command = Some(ended);
        self.state = match (undo, after) {
            (None, _) => State::Done,
            (Some(_), None) => State::Broken(Nanos::MAX),
            (Some(_), Some(after)) => State::Broken(started + Nanos::from(*after)),
        };
    }

    fn undo(&mut self, course: &Course<'_>, marks: &Marks) {
        self.state = State::Done;
        let Some(undo) = &self.fault.undo else { return };
        tracing::info!("undo: {undo}");
        marks.add(format!("undo: {undo}"));
        // Not given up when the run is: what was broken is mended, within its deadline.
        let ended = command::run(undo, self.fault, course.clock, &|| false);
        tell(undo, &ended, marks);
        self.report.undo = Some(ended);
    }
}

fn tell(command: &str, ended: &CommandReport, marks: &Marks) {
    if let Some(how) = ended.failure() {
        let said = ended.output.lines().next_back().unwrap_or_default();
        tracing::warn!("{command}: {how} {said}");
        marks.add(format!("{command}: {how}"));
    } else {
        marks.add(format!("done after {}: {command}", figures::duration_s(ended.took_s)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn fault(at_ms: u64, run: &str, undo: Option<&str>, after_ms: Option<u64>) -> Fault {
        Fault {
            at: Duration::from_millis(at_ms),
            run: run.to_owned(),
            undo: undo.map(ToOwned::to_owned),
            after: after_ms.map(Duration::from_millis),
            deadline: Duration::from_secs(20),
            env: Vec::new(),
        }
    }

    fn worked(faults: &[Fault], over: bool) -> (Vec<FaultReport>, Vec<String>) {
        let (control, sending, marks) = (Control::default(), AtomicBool::new(!over), Marks::default());
        let ends_at = Some(Nanos::from_millis(300));
        let course = Course { clock: Monotonic::start(), control: &control, sending: &sending, ends_at };
        (work(faults, &course, &marks), marks.take())
    }

    #[test]
    fn what_was_broken_is_undone_at_its_time_or_at_the_end_of_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let say = |word: &str| format!("echo {word} >> {}", log.display());
        let faults = [
            fault(0, &say("a"), Some(&say("undo-a")), None),
            fault(50, &say("b"), Some(&say("undo-b")), Some(10)),
            fault(60_000, &say("never"), Some(&say("undo-never")), None),
        ];
        let (reports, marks) = worked(&faults, false);
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "a\nb\nundo-b\nundo-a\n");
        assert!(reports[..2].iter().all(|report| report.failure().is_none()), "{reports:?}");
        assert!(reports[2].failure().unwrap().contains("the run had ended before"), "{reports:?}");
        assert_eq!(marks.iter().filter(|mark| mark.starts_with("fault: ")).count(), 2, "{marks:?}");
    }

    #[test]
    fn a_run_that_is_over_breaks_nothing() {
        let (reports, marks) = worked(&[fault(0, "exit 1", None, None)], true);
        assert!(reports[0].command.is_none() && reports[0].not_run.is_some());
        assert_eq!(marks, Vec::<String>::new());
    }

    #[test]
    fn a_command_that_fails_is_told_and_undone_all_the_same() {
        let (reports, _) = worked(&[fault(0, "echo no >&2; exit 3", Some("echo yes"), None)], false);
        let command = reports[0].command.as_ref().unwrap();
        assert_eq!((command.exit_code, command.output.as_str()), (Some(3), "no\n"));
        assert_eq!(reports[0].undo.as_ref().unwrap().output, "yes\n");
        assert!(reports[0].failure().unwrap().contains("exit code 3"), "{:?}", reports[0].failure());
    }
}
