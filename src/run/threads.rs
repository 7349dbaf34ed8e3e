//! The threads of a run: that the panic of one ends it, that all are told to end, and those that look at something now and then.

use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};

use super::RunError;
#[cfg(test)]
use crate::clock::virtual_time;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::control::Control;

/// How often a thread that looks now and then sees whether it is to end.
const LOOK: Nanos = Nanos::from_millis(20);

/// Does `work` while events are sent or read: what breaks it, a panic of any thread too, leaves what was recorded.
pub(super) fn unless_broken<T>(work: impl FnOnce() -> Result<T, RunError>) -> Result<T, RunError> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Err(RunError::Thread(why))) => Err(RunError::BrokenOff(why)),
        Ok(ended) => ended,
        Err(_) => Err(RunError::BrokenOff("a thread panicked".to_owned())),
    }
}

/// A thread of a run.
pub(super) struct Running<'scope, T> {
    handle: ScopedJoinHandle<'scope, T>,
    /// Its part in a simulated run, where threads end in virtual time.
    #[cfg(test)]
    part: Option<virtual_time::Part>,
}

impl<T> Running<'_, T> {
    /// Whether it has ended.
    pub(super) fn is_finished(&self) -> bool {
        #[cfg(test)]
        if let Some(part) = &self.part {
            return part.has_ended();
        }
        self.handle.is_finished()
    }
}

/// Starts a thread.
pub(super) fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<Running<'scope, T>, RunError> {
    let failed = |error: std::io::Error| RunError::Thread(format!("{name}: {error}"));
    #[cfg(test)]
    let (part, work) = virtual_time::take_part(work);
    let handle = thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, work).map_err(failed)?;
    Ok(Running {
        handle,
        #[cfg(test)]
        part,
    })
}

/// Starts a thread without which the run is none: its panic ends it.
pub(super) fn start_vital<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    control: &'scope Control,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<Running<'scope, T>, RunError> {
    start(scope, name, move || {
        let _raised_by_a_panic = Alarm(control);
        work()
    })
}

/// Starts a thread that looks at something now and then, the first time after `first`, the last time when `going` is false: then
/// `look` is given true. It says how long to wait before it looks again; `None` ends the thread.
pub(super) fn start_looking<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    going: &'scope AtomicBool,
    first: Nanos,
    mut look: impl FnMut(bool) -> Option<Nanos> + Send + 'scope,
) -> Result<Running<'scope, ()>, RunError> {
    start(scope, name, move || {
        let clock = Monotonic::start();
        let mut next = first;
        loop {
            let last = !going.load(Ordering::Acquire);
            if !last && clock.now() < next {
                // In virtual time it is woken by who waits for its end.
                #[cfg(test)]
                if virtual_time::wait((next - clock.now()).into(), || !going.load(Ordering::Acquire)) {
                    continue;
                }
                clock.sleep_until((clock.now() + LOOK).min(next));
                continue;
            }
            let now = clock.now();
            match look(last) {
                Some(wait) if !last => next = now + wait,
                _ => return,
            }
        }
    })
}

/// Waits for a thread to end.
pub(super) fn join<T>(thread: Running<'_, T>, name: &str) -> Result<T, RunError> {
    #[cfg(test)]
    if let Some(part) = &thread.part {
        part.wait_for_end();
    }
    thread.handle.join().map_err(|_| RunError::Thread(format!("{name} panicked")))
}

/// Ends the run at once where the thread that holds it panics: what is sent without it could not be accounted for.
struct Alarm<'a>(&'a Control);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop_at(Nanos::ZERO);
            self.0.abort();
        }
    }
}

/// Lets every thread of a run end where the run itself cannot go on: a scope waits for its threads, so one that is not told
/// would be waited for without end.
pub(super) struct Release<'a> {
    control: &'a Control,
    flags: [&'a AtomicBool; 2],
    aborts: bool,
}

impl<'a> Release<'a> {
    pub(super) const fn new(control: &'a Control, flags: [&'a AtomicBool; 2]) -> Self {
        Self { control, flags, aborts: true }
    }

    /// All threads have ended by themselves.
    pub(super) fn at_peace(mut self) {
        self.aborts = false;
    }
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        for flag in self.flags {
            flag.store(false, Ordering::Release);
        }
        if self.aborts {
            self.control.stop_at(Nanos::ZERO);
            self.control.abort();
        }
        #[cfg(test)]
        virtual_time::wait_for_children();
    }
}
