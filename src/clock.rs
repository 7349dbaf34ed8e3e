//! Time: the only room that reads a clock.
//!
//! Inside a run every instant is a [`Nanos`] since the run's own start, on the monotonic clock. Wall time is that plus
//! one [`Anchor`], read once, so a step of the wall clock cannot bend a latency.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A span of time, or an instant since the start of the run, in nanoseconds. Holds 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The start of the run; also the empty span.
    pub const ZERO: Self = Self(0);
    /// Later than anything a run can reach.
    pub const MAX: Self = Self(u64::MAX);

    /// `ms` milliseconds.
    #[must_use]
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }

    /// `s` seconds.
    #[must_use]
    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1_000_000_000))
    }

    /// Whole microseconds, rounded down: the unit in which latencies are recorded.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Seconds with their fraction, for people and for reports.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a report's seconds need 15 digits, not 19")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// `self - earlier`, or zero where `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Nanos {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Nanos {
    type Output = Self;
    /// Saturating: a span is never negative. Where "earlier than" must be told apart, compare first.
    fn sub(self, other: Self) -> Self {
        self.since(other)
    }
}

impl From<Duration> for Nanos {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<Nanos> for Duration {
    fn from(nanos: Nanos) -> Self {
        Self::from_nanos(nanos.0)
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Duration::from(*self), f)
    }
}

/// Where a run's threads read the time and wait.
pub trait Clock: Clone + Send + 'static {
    /// Time since the start of the run.
    fn now(&self) -> Nanos;
    /// Returns at `instant` or a little later; at once if it has passed.
    fn sleep_until(&self, instant: Nanos);
}

/// The machine's monotonic clock, counted from one shared origin.
#[derive(Clone, Copy, Debug)]
pub struct Monotonic {
    origin: Instant,
}

impl Monotonic {
    /// A clock whose zero is now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// A clock whose zero lies `ahead` of now, and the wall time of that zero: threads that share it start together.
    /// Until then it stands at zero.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
    pub fn starting_in(ahead: Duration) -> (Self, Anchor) {
        let unix_ns = wall_unix_ns().saturating_add(Nanos::from(ahead).0);
        (Self { origin: Instant::now() + ahead }, Anchor { unix_ns })
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Nanos {
        Nanos::from(self.origin.elapsed())
    }

    #[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
    fn sleep_until(&self, instant: Nanos) {
        let wake = self.origin + Duration::from(instant);
        let wait = wake.saturating_duration_since(Instant::now());
        if !wait.is_zero() {
            thread::sleep(wait);
        }
    }
}

/// Wall time at the run's zero, read once: wall = anchor + monotonic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    unix_ns: u64,
}

impl Anchor {
    /// An anchor at a known wall time, in ns since the Unix epoch.
    #[must_use]
    pub const fn at_unix_ns(unix_ns: u64) -> Self {
        Self { unix_ns }
    }

    /// The wall time of `instant`, in ns since the Unix epoch.
    #[must_use]
    pub const fn unix_ns(self, instant: Nanos) -> u64 {
        self.unix_ns.saturating_add(instant.0)
    }

    /// The instant of a wall time in ns since the Unix epoch, or `None` before the run's zero.
    #[must_use]
    pub const fn instant(self, unix_ns: u64) -> Option<Nanos> {
        match unix_ns.checked_sub(self.unix_ns) {
            Some(ns) => Some(Nanos(ns)),
            None => None,
        }
    }

    /// How far the wall clock has moved against the monotonic one since the anchor was read, in ns (positive: ahead).
    #[must_use]
    pub fn drift_ns(self, clock: &impl Clock) -> i64 {
        let expected = self.unix_ns(clock.now());
        let wall = wall_unix_ns();
        i64::try_from(i128::from(wall) - i128::from(expected)).unwrap_or(i64::MAX)
    }
}

/// The wall clock, in ns since the Unix epoch; 0 before 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
pub fn wall_unix_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// A clock that moves only when told, or when somebody sleeps on it: tests of schedules and lanes run without waiting.
#[derive(Clone, Debug, Default)]
pub struct Manual {
    now_ns: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

impl Manual {
    /// A clock at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Nanos) {
        self.now_ns.fetch_add(by.0, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for Manual {
    fn now(&self) -> Nanos {
        Nanos(self.now_ns.load(std::sync::atomic::Ordering::SeqCst))
    }

    fn sleep_until(&self, instant: Nanos) {
        self.now_ns.fetch_max(instant.0, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_anchor_plus_monotonic() {
        let clock = Manual::new();
        clock.advance(Nanos::from_secs(5));
        let anchor = Anchor::at_unix_ns(1_000);
        assert_eq!(anchor.unix_ns(clock.now()), 5_000_001_000);
        assert_eq!(anchor.instant(5_000_001_000), Some(Nanos::from_secs(5)));
        assert_eq!(anchor.instant(999), None);
    }

    #[test]
    fn a_manual_clock_sleeps_by_moving() {
        let clock = Manual::new();
        clock.sleep_until(Nanos(70));
        clock.sleep_until(Nanos(30));
        assert_eq!(clock.now(), Nanos(70));
    }

    #[test]
    fn spans_never_go_below_zero() {
        assert_eq!(Nanos(3) - Nanos(5), Nanos::ZERO);
    }
}
