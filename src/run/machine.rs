//! Whether this process gets to run: hiccups, as a thread sees them that does nothing but wait, the control group's quota, and
//! how busy the machine is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

#[cfg(test)]
use crate::clock::virtual_time;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::figures;
use crate::measure::cgroup::{Quota, Throttled};
use crate::measure::process::Machine;
use crate::measure::{Absence, Hiccups};
use crate::report::{Hiccup, Process, TimelineRow};

/// How long the thread waits each time.
const WAIT: Duration = Duration::from_millis(20);

/// What is looked at in each second.
#[derive(Debug)]
pub(super) struct Processors {
    seen: Arc<Mutex<HiccupLog>>,
    going: Arc<AtomicBool>,
    waiting: Option<JoinHandle<()>>,
    quota: Option<Quota>,
    throttled_at_start: Throttled,
    throttled_before: Throttled,
    machine_before: Option<Machine>,
}

/// What the thread has seen.
#[derive(Debug, Default)]
struct HiccupLog {
    hiccups: Hiccups,
    /// Hiccups since the last row.
    fresh: Vec<Absence>,
}

impl Processors {
    /// Begins to look.
    pub(super) fn watched_by(clock: Monotonic) -> Self {
        #[cfg(test)]
        if virtual_time::rules() {
            return Self::of_no_machine();
        }
        let quota = Quota::of_this_process();
        let throttled = quota.as_ref().and_then(Quota::throttled).unwrap_or_default();
        let (seen, going) = (Arc::new(Mutex::new(HiccupLog::default())), Arc::new(AtomicBool::new(true)));
        let (told, goes_on) = (Arc::clone(&seen), Arc::clone(&going));
        let waiting = thread::Builder::new().name("hiccups".to_owned()).spawn(move || {
            while goes_on.load(Ordering::Acquire) {
                let before = clock.now();
                thread::park_timeout(WAIT);
                let mut seen = told.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(hiccup) = seen.hiccups.note(before, WAIT.into(), clock.now()) {
                    seen.fresh.push(hiccup);
                }
            }
        });
        let waiting = waiting.map_err(|error| tracing::warn!("hiccups of this process are not seen: {error}")).ok();
        Self {
            seen,
            going,
            waiting,
            quota,
            throttled_at_start: throttled,
            throttled_before: throttled,
            machine_before: Machine::now(),
        }
    }

    /// In virtual time this process is never kept from running, and no machine is there to be busy.
    #[cfg(test)]
    fn of_no_machine() -> Self {
        Self {
            seen: Arc::default(),
            going: Arc::default(),
            waiting: None,
            quota: None,
            throttled_at_start: Throttled::default(),
            throttled_before: Throttled::default(),
            machine_before: None,
        }
    }

    fn seen(&self) -> MutexGuard<'_, HiccupLog> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds what it knows of the second that ends to its row.
    pub(super) fn note(&mut self, row: &mut TimelineRow) {
        if let Some(now) = self.quota.as_ref().and_then(Quota::throttled) {
            row.throttled_ms = Some(now.since(self.throttled_before).time.0 / 1_000_000);
            self.throttled_before = now;
        }
        let machine = self.machine_before.and_then(|_| Machine::now());
        row.machine_busy_percent = machine.zip(self.machine_before).and_then(|(now, before)| now.busy_percent(before));
        self.machine_before = machine;
        let told = |absence: Absence| {
            format!("this process did not run for {}", figures::duration_s(absence.length().as_secs_f64()))
        };
        row.marks.extend(self.seen().fresh.drain(..).map(told));
    }

    /// As the report has it.
    pub(super) fn told(&self) -> Process {
        let since = self.quota.as_ref().map(|_| self.throttled_before.since(self.throttled_at_start));
        let hiccup =
            |absence: &Absence| Hiccup { from_s: absence.from.as_secs_f64(), length_s: absence.length().as_secs_f64() };
        let hiccups = &self.seen().hiccups;
        Process {
            hiccups: hiccups.count,
            hiccups_total_s: hiccups.total.as_secs_f64(),
            longest_hiccup_s: hiccups.longest.as_secs_f64(),
            hiccups_at: hiccups.first.iter().map(hiccup).collect(),
            throttled_periods: since.map(|throttled| throttled.periods),
            throttled_s: since.map(|throttled| throttled.time.as_secs_f64()),
        }
    }
}

impl Drop for Processors {
    fn drop(&mut self) {
        self.going.store(false, Ordering::Release);
        if let Some(waiting) = self.waiting.take() {
            waiting.thread().unpark();
            // It does nothing that could panic, and there would be nobody to tell.
            drop(waiting.join());
        }
    }
}

/// Waits by `wait` for `planned`. How much longer that took, where it was a hiccup: time in which nothing could be heard.
pub(super) fn absent(clock: &impl Clock, planned: Duration, wait: impl FnOnce()) -> Nanos {
    let before = clock.now();
    wait();
    Hiccups::default().note(before, planned.into(), clock.now()).map(Absence::length).unwrap_or_default()
}
