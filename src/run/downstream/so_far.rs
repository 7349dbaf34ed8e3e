//! What is known of expected results while more of them come.

use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Clock, Monotonic, Nanos};
use crate::expect::Oracle;
use crate::report::ExpectReport;

const EVERY: Nanos = Nanos::from_secs(1);
/// Looking takes at most one part of so many of the time.
const SHARE: u64 = 50;

/// Shared with those who tell of it.
#[derive(Clone, Debug, Default)]
pub(in crate::run) struct SoFar(Arc<Mutex<Vec<ExpectReport>>>);

impl SoFar {
    /// As last looked at.
    pub(in crate::run) fn latest(&self) -> Vec<ExpectReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at it; returns when to look again: a look at much takes longer, and comes more seldom.
    pub(super) fn look(&self, oracle: &Oracle, clock: &Monotonic, unix_ms: i64) -> Nanos {
        let begun = clock.now();
        let known = oracle.so_far(unix_ms);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = known;
        let now = clock.now();
        now + EVERY.max(Nanos((now - begun).0 * SHARE))
    }
}
