//! What becomes of a group: its rebalances, its commits, and what went wrong with either.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::{Clock, Monotonic, Nanos};

/// Rebalances kept with their times; of more only the number is.
const KEPT: usize = 1000;

/// A time in which not every partition had a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebalance {
    /// When the first partition changed hands.
    pub at: Nanos,
    /// When every partition had a reader again; `None` where that never came.
    pub until: Option<Nanos>,
    /// Why, as far as it is known.
    pub reason: &'static str,
    /// Partitions that were given up.
    pub given_up: usize,
    /// Members when it began.
    pub members: usize,
}

/// What became of the group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupLog {
    /// Rebalances after the first assignment.
    pub rebalances: Vec<Rebalance>,
    /// How many there were.
    pub count: u64,
    /// Commits that were asked for by the reader itself.
    pub commits: u64,
    /// Errors of following a rebalance or of committing, by name.
    pub errors: BTreeMap<String, u64>,
}

impl GroupLog {
    /// Notes partitions without a reader: the first of them begins a rebalance, and the others are part of it.
    pub(super) fn note_given_up(&mut self, now: Nanos, given_up: usize, members: usize, reason: &'static str) {
        if let Some(open) = self.open_rebalance() {
            open.given_up += given_up;
            return;
        }
        self.count += 1;
        if self.rebalances.len() < KEPT {
            self.rebalances.push(Rebalance { at: now, until: None, reason, given_up, members });
        }
    }

    /// Notes that every partition has a reader; true where that ends a rebalance.
    pub(super) fn note_complete(&mut self, now: Nanos) -> bool {
        self.open_rebalance().map(|open| open.until = Some(now)).is_some()
    }

    /// Counts an error.
    pub(super) fn note_error(&mut self, error: String) {
        *self.errors.entry(error).or_default() += 1;
    }

    fn open_rebalance(&mut self) -> Option<&mut Rebalance> {
        self.rebalances.last_mut().filter(|last| last.until.is_none())
    }
}

/// The log of a group and the clock of its times, shared with those who tell of it.
#[derive(Clone, Debug)]
pub struct SharedLog {
    log: Arc<Mutex<GroupLog>>,
    clock: Monotonic,
}

impl SharedLog {
    /// An empty log whose times count from now.
    #[must_use]
    pub fn start() -> Self {
        Self { log: Arc::default(), clock: Monotonic::start() }
    }

    /// Now, by the clock of its times.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// The log as it stands.
    pub fn open(&self) -> MutexGuard<'_, GroupLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
