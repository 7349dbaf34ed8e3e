//! Requests from outside to end a run or to change its rate, and work that is left where one to end comes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{GLANCE, RunError};
#[cfg(test)]
use crate::clock::virtual_time;
use crate::control::tempo::AS_PLANNED;

/// Requests from outside: to end a run, the first drains, the second aborts; and to change its rate.
#[derive(Debug)]
pub struct Interrupts {
    count: AtomicU32,
    percent: AtomicU32,
    /// Why the run is to end, where that is nobody's request.
    ending: Mutex<Option<String>>,
    changed: (Mutex<()>, Condvar),
}

impl Default for Interrupts {
    fn default() -> Self {
        Self {
            count: AtomicU32::new(0),
            percent: AtomicU32::new(AS_PLANNED),
            ending: Mutex::default(),
            changed: <_>::default(),
        }
    }
}

impl Interrupts {
    /// Asks once more.
    pub fn raise(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.tell();
    }

    /// Lets the run end in good order, for a reason that its report tells. The first reason stands.
    pub fn end_for(&self, reason: &str) {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.to_owned());
        self.tell();
    }

    /// Why the run is to end, where somebody said so.
    pub(super) fn ending(&self) -> Option<String> {
        self.ending.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks for a rate in percent of the plan, 0 to hold the run. Rates without due times cannot be changed.
    pub fn set_percent(&self, percent: u32) {
        self.percent.store(percent, Ordering::Release);
        self.tell();
    }

    /// The rate asked for.
    #[must_use]
    pub fn percent(&self) -> u32 {
        self.percent.load(Ordering::Acquire)
    }

    fn tell(&self) {
        let _held = self.changed.0.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.1.notify_all();
    }

    /// How often it was asked.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count.load(Ordering::Acquire)
    }

    /// Waits until it is asked once more than `known` times, at most `timeout`.
    pub(super) fn wait(&self, known: u32, timeout: Duration) {
        #[cfg(test)]
        if virtual_time::wait(timeout, || self.count() > known) {
            return;
        }
        let held = self.changed.0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.count() <= known {
            drop(self.changed.1.wait_timeout(held, timeout).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Does `work` in a thread of its own. A call into the client blocks until its deadline; where a request comes meanwhile,
    /// the thread is left to that deadline and its result is dropped.
    pub(super) fn unless_raised<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, RunError> {
        let (done, result) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Where this fails, nobody waits for it any more.
                drop(done.send(work()));
            })
            .map_err(|error| RunError::Thread(format!("{name}: {error}")))?;
        loop {
            match result.recv_timeout(GLANCE) {
                Ok(result) => {
                    return thread.join().map(|()| result).map_err(|_| RunError::Thread(format!("{name} panicked")));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(RunError::Thread(format!("{name} panicked"))),
                Err(RecvTimeoutError::Timeout) if self.count() > 0 => return Err(RunError::Interrupted),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn work_is_left_where_a_request_comes() {
        let interrupts = Interrupts::default();
        assert_eq!(interrupts.unless_raised("adding", || 1 + 1).unwrap(), 2);
        let (blocks, until) = mpsc::channel::<()>();
        interrupts.raise();
        let left = interrupts.unless_raised("waiting", move || until.recv().is_err());
        assert!(matches!(left, Err(RunError::Interrupted)));
        drop(blocks);
    }

    #[test]
    fn a_panic_is_told() {
        let interrupts = Arc::new(Interrupts::default());
        let told = interrupts.unless_raised("breaking", || -> u32 { std::panic::resume_unwind(Box::new(())) });
        assert!(told.unwrap_err().to_string().contains("breaking panicked"));
    }
}
