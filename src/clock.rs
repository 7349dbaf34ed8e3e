//! Time: the only room that reads a clock.
//!
//! Inside a run every instant is a [`Nanos`] since the run's own start, on the monotonic clock. Wall time is that plus
//! one [`Anchor`], read once, so a step of the wall clock cannot bend a latency.

pub mod reference;
#[cfg(test)]
pub(crate) mod virtual_time;

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

    /// `self - earlier`; `None` where `earlier` is later.
    #[must_use]
    pub const fn checked_since(self, earlier: Self) -> Option<Self> {
        match self.0.checked_sub(earlier.0) {
            Some(ns) => Some(Self(ns)),
            None => None,
        }
    }

    /// `self - earlier`, and zero where `earlier` is later: for what is nothing then by its meaning, as the rest of a wait
    /// is once it is over. Never for a latency.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Self {
        Self(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Nanos {
    type Output = Self;
    /// Saturating: later than [`Nanos::MAX`] is never.
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
    /// Of two of which `other` is known not to be the later one, as with integers: where that is a mistake, a debug build
    /// stops, and any other gives a span of centuries, which each latency counts as saturated. Never a zero that looks good.
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
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

/// The zero of a run, fixed before it comes: threads that share it start together. Before it there is no clock, and so
/// nothing that could be sent, drawn or timed.
#[derive(Clone, Copy, Debug)]
pub struct Zero {
    at: Instant,
    anchor: Anchor,
}

impl Zero {
    /// A zero that lies `by` ahead of now.
    #[must_use]
    pub fn ahead(by: Duration) -> Self {
        // In this order: where the thread is kept waiting in between, what is due at zero is sent later than its stamp says,
        // and never earlier.
        let unix_ns = wall_unix_ns().saturating_add(Nanos::from(by).0);
        Self { at: instant() + by, anchor: Anchor::at_unix_ns(unix_ns) }
    }

    /// The zero that comes when that clock shows `at`, whose wall time is that of `anchor`.
    #[must_use]
    pub fn of(clock: Monotonic, at: Nanos, anchor: Anchor) -> Self {
        Self { at: clock.origin + Duration::from(at), anchor }
    }

    /// How long it is until then; the other way round, where it has passed.
    ///
    /// # Errors
    /// How long ago it was.
    pub fn left(self) -> Result<Duration, Duration> {
        let now = instant();
        self.at.checked_duration_since(now).ok_or_else(|| now.saturating_duration_since(self.at))
    }

    /// The zero at that wall time, in ns since the Unix epoch. One that has passed is as good: who waits for it is late.
    #[must_use]
    pub fn at_unix_ns(unix_ns: u64) -> Self {
        let wall = wall_unix_ns();
        let now = instant();
        let at = match unix_ns.checked_sub(wall) {
            Some(ahead) => now.checked_add(Duration::from_nanos(ahead)),
            None => now.checked_sub(Duration::from_nanos(wall - unix_ns)),
        };
        // No instant is that far away: the zero is now, and says so.
        at.map_or_else(|| Self::ahead(Duration::ZERO), |at| Self { at, anchor: Anchor::at_unix_ns(unix_ns) })
    }

    /// Its wall time.
    #[must_use]
    pub const fn anchor(self) -> Anchor {
        self.anchor
    }

    /// Waits for it and gives the clock that counts from it.
    #[must_use]
    pub fn wait(self) -> Monotonic {
        while let Some(left) = self.at.checked_duration_since(instant()).filter(|left| !left.is_zero()) {
            pause(left);
        }
        Monotonic { origin: self.at }
    }
}

/// The machine's monotonic clock, counted from one shared origin, which has passed.
#[derive(Clone, Copy, Debug)]
pub struct Monotonic {
    origin: Instant,
}

impl Monotonic {
    /// A clock whose zero is now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: instant() }
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Nanos {
        Nanos::from(instant().saturating_duration_since(self.origin))
    }

    fn sleep_until(&self, until: Nanos) {
        let wake = self.origin + Duration::from(until);
        let wait = wake.saturating_duration_since(instant());
        if !wait.is_zero() {
            pause(wait);
        }
    }
}

/// Wall time at the run's zero, read once: wall = anchor + monotonic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    unix_ns: u64,
    /// How far the clock that it is of was ahead of this machine's.
    ahead_ns: i64,
}

impl Anchor {
    /// An anchor at a known wall time, in ns since the Unix epoch.
    #[must_use]
    pub const fn at_unix_ns(unix_ns: u64) -> Self {
        Self { unix_ns, ahead_ns: 0 }
    }

    /// An anchor on another clock than this machine's, which was that far ahead of it.
    #[must_use]
    pub const fn ahead(unix_ns: u64, ahead_ns: i64) -> Self {
        Self { unix_ns, ahead_ns }
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
        i64::try_from(i128::from(wall) + i128::from(self.ahead_ns) - i128::from(expected)).unwrap_or(i64::MAX)
    }
}

/// The wall clock, in ns since the Unix epoch; 0 before 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
pub fn wall_unix_ns() -> u64 {
    #[cfg(test)]
    if let Some(unix_ns) = virtual_time::wall_unix_ns() {
        return unix_ns;
    }
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// Now. In a simulated run that is a virtual instant.
#[expect(clippy::disallowed_methods, reason = "this is where the time is read")]
fn instant() -> Instant {
    #[cfg(test)]
    if let Some(instant) = virtual_time::instant() {
        return instant;
    }
    Instant::now()
}

/// Keeps this thread waiting, in a simulated run for as long in virtual time.
fn pause(wait: Duration) {
    #[cfg(test)]
    if virtual_time::pause(wait) {
        return;
    }
    thread::sleep(wait);
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
    fn a_span_below_zero_is_no_zero() {
        assert_eq!((Nanos(3).checked_since(Nanos(5)), Nanos(5).checked_since(Nanos(3))), (None, Some(Nanos(2))));
        assert_eq!(Nanos(3).saturating_since(Nanos(5)), Nanos::ZERO, "where that is asked for");
    }

    #[test]
    #[cfg_attr(debug_assertions, should_panic(expected = "overflow"))]
    fn a_difference_of_two_in_the_wrong_order_does_not_pass_for_a_short_one() {
        assert!(std::hint::black_box(Nanos(3)) - std::hint::black_box(Nanos(5)) > Nanos::from_secs(1 << 33));
    }

    #[test]
    fn there_is_no_clock_before_its_zero() {
        let begun = Monotonic::start();
        let zero = Zero::ahead(Duration::from_millis(30));
        let clock = zero.wait();
        // Thirty milliseconds have passed on any clock, and what the new one tells is counted from there.
        let (told, passed) = (clock.now(), begun.now());
        assert!(passed >= Nanos::from_millis(30) + told, "{passed} and {told}");
    }

    #[test]
    fn a_zero_at_a_wall_time_is_at_that_time_also_once_it_has_passed() {
        let now = wall_unix_ns();
        for unix_ns in [now - 5_000_000_000, now + 20_000_000] {
            let zero = Zero::at_unix_ns(unix_ns);
            assert_eq!(zero.anchor(), Anchor::at_unix_ns(unix_ns));
            let clock = zero.wait();
            assert!(wall_unix_ns() >= unix_ns);
            assert!(unix_ns > now || clock.now() >= Nanos::from_secs(5), "it began five seconds ago: {}", clock.now());
        }
    }
}
