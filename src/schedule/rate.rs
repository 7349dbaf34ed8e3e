//! Rates and speeds as exact ratios: event n of a million-event hour is due where the arithmetic puts it, without drift.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::clock::Nanos;
use crate::units;

const NS_PER_SECOND: u128 = 1_000_000_000;

/// Events per time, as an exact ratio. Never zero, never more than 10^9 per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    events: u64,
    per_ns: u64,
}

/// Why a text is no rate or speed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Not a number in the accepted form.
    #[error("\"{0}\" is no rate: write 10000, 10000/s, 0.5/s, 50/1s or 600/m")]
    Rate(String),
    /// Zero, negative or endless.
    #[error("a rate must be above 0 and at most 1000000000/s, \"{0}\" is not")]
    RateRange(String),
    /// Not a positive finite number.
    #[error("a speed must be a number above 0 and at most 1000000, such as 1, 10, 100 or 0.5; \"{0}\" is not")]
    Speed(String),
}

impl Rate {
    /// `events` per `period`.
    #[must_use]
    pub fn new(events: u64, period: Duration) -> Option<Self> {
        let per_ns = u64::try_from(period.as_nanos()).ok()?;
        if events == 0 || per_ns == 0 { None } else { Self { events, per_ns }.times(Speed::RECORDED) }
    }

    /// `events` per second.
    #[must_use]
    pub fn per_second(events: u64) -> Option<Self> {
        Self::new(events, Duration::from_secs(1))
    }

    /// When event `n` is due, counted from the first, which is due at 0: floor(n * period / events).
    #[must_use]
    pub fn due(self, n: u64) -> Nanos {
        if let Some(scaled) = n.checked_mul(self.per_ns) {
            return Nanos(scaled / self.events);
        }
        let ns = u128::from(n) * u128::from(self.per_ns) / u128::from(self.events);
        Nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    /// How many events are due in [0, `span`): the inverse of [`Rate::due`], exactly.
    #[must_use]
    pub fn due_before(self, span: Nanos) -> u64 {
        // floor(n*p/e) < s  <=>  n*p < s*e  (s is whole)  <=>  n < s*e/p
        let scaled = u128::from(span.0) * u128::from(self.events);
        u64::try_from(scaled.div_ceil(u128::from(self.per_ns))).unwrap_or(u64::MAX)
    }

    /// The ratio in lowest terms: so many events in so many ns.
    pub(super) const fn ratio(self) -> (u64, u64) {
        (self.events, self.per_ns)
    }

    /// Events per second, for reports.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a reported rate needs 15 digits, not 19")]
    pub fn as_f64(self) -> f64 {
        self.events as f64 * NS_PER_SECOND as f64 / self.per_ns as f64
    }

    /// This rate times `speed`, where that stays a rate.
    #[must_use]
    pub fn times(self, speed: Speed) -> Option<Self> {
        let events = u128::from(self.events) * u128::from(speed.numerator);
        let per_ns = u128::from(self.per_ns) * u128::from(speed.denominator);
        let common = gcd(events, per_ns);
        let (events, per_ns) = (events / common, per_ns / common);
        let rate = Self { events: u64::try_from(events).ok()?, per_ns: u64::try_from(per_ns).ok()? };
        (rate.events <= rate.per_ns).then_some(rate)
    }
}

/// Exact, so that what is written is read back as the same rate: `0.5/s`, or `1/3s` where decimals would not end.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NANO: u128 = 1_000_000_000;
        let scaled = u128::from(self.events) * NS_PER_SECOND * NANO;
        if !scaled.is_multiple_of(u128::from(self.per_ns)) {
            return write!(f, "{}/{}", self.events, units::of_duration(Duration::from_nanos(self.per_ns)));
        }
        let nano_events = scaled / u128::from(self.per_ns);
        let (whole, part) = (nano_events / NANO, nano_events % NANO);
        if part == 0 {
            write!(f, "{whole}/s")
        } else {
            write!(f, "{whole}.{}/s", format!("{part:09}").trim_end_matches('0'))
        }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let malformed = || RateError::Rate(text.to_owned());
        let (count, period) = text.trim().split_once('/').unwrap_or((text.trim(), "s"));
        let count = count.trim().replace(['_', ','], "");
        // Not `m`, which is a minute and a milli-.
        let (count, thousands) = match count.trim_end_matches(['k', 'K', 'M']) {
            number if number.len() + 1 < count.len() => return Err(malformed()),
            number if count.ends_with('M') => (number, 1_000_000),
            number if number.len() < count.len() => (number, 1_000),
            number => (number, 1),
        };
        let (digits, scale) = decimal(count).ok_or_else(malformed)?;
        let period = match period.trim() {
            "s" | "sec" | "second" => Duration::from_secs(1),
            "ms" => Duration::from_millis(1),
            "m" | "min" | "minute" => Duration::from_secs(60),
            "h" | "hour" => Duration::from_secs(3600),
            other => crate::units::duration(other).map_err(|_| malformed())?,
        };
        let range = || RateError::RateRange(text.to_owned());
        let per_ns = u64::try_from(period.as_nanos()).map_err(|_| range())?;
        if digits == 0 || per_ns == 0 {
            return Err(range());
        }
        let unscaled = Self { events: digits, per_ns };
        unscaled.times(Speed { numerator: thousands, denominator: scale }).ok_or_else(range)
    }
}

/// A point of a rate curve: a rate, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing is due.
    Zero,
    /// Events are due at this rate.
    At(Rate),
}

impl Level {
    /// The ratio in lowest terms: so many events in so many ns.
    pub(super) const fn ratio(self) -> (u64, u64) {
        match self {
            Self::Zero => (0, 1),
            Self::At(rate) => rate.ratio(),
        }
    }
}

impl Level {
    /// The levels from `from` to `to`, both included, in steps of exactly `step`. `None` where the steps miss `to`, or
    /// are more than `most`.
    pub(super) fn stairs(from: Self, to: Self, step: Rate, most: usize) -> Option<Vec<Self>> {
        let fractions = [from.ratio(), to.ratio(), step.ratio()];
        let common = fractions.iter().try_fold(1_u128, |common, &(_, per_ns)| {
            let per_ns = u128::from(per_ns);
            (per_ns / gcd(common, per_ns)).checked_mul(common)
        })?;
        let [first, last, step] = fractions.map(|(events, per_ns)| {
            (common / u128::from(per_ns)).checked_mul(u128::from(events)).and_then(|events| i128::try_from(events).ok())
        });
        let (first, last, step) = (first?, last?, step?);
        let (steps, rest) = ((last - first) / step, (last - first) % step);
        if rest != 0 || usize::try_from(steps.unsigned_abs()).ok()? >= most {
            return None;
        }
        let level = |index: i128| {
            let events = u128::try_from(first + steps.signum() * index * step).ok()?;
            let divisor = gcd(events, common);
            let (events, per_ns) = (u64::try_from(events / divisor).ok()?, u64::try_from(common / divisor).ok()?);
            Some(if events == 0 { Self::Zero } else { Self::At(Rate { events, per_ns }) })
        };
        (0..=steps.abs()).map(level).collect()
    }
}

impl From<Rate> for Level {
    fn from(rate: Rate) -> Self {
        Self::At(rate)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero => f.write_str("0/s"),
            Self::At(rate) => rate.fmt(f),
        }
    }
}

impl FromStr for Level {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let count = text.split_once('/').map_or(text, |(count, _)| count).trim();
        match decimal(count) {
            Some((0, _)) => Rate::from_str(&text.replacen(count, "1", 1)).map(|_| Self::Zero),
            _ => text.parse().map(Self::At),
        }
    }
}

/// How much faster than recorded a replay runs, as an exact ratio of 9 decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    numerator: u64,
    denominator: u64,
}

impl Speed {
    /// As recorded.
    pub const RECORDED: Self = Self { numerator: 1, denominator: 1 };

    /// The speed at which `recorded` takes `wall`. Both must be above zero.
    #[must_use]
    pub fn to_fit(recorded: Nanos, wall: Nanos) -> Option<Self> {
        let common = gcd(u128::from(recorded.0), u128::from(wall.0));
        (recorded.0 > 0 && wall.0 > 0).then(|| Self {
            numerator: u64::try_from(u128::from(recorded.0) / common).unwrap_or(u64::MAX),
            denominator: u64::try_from(u128::from(wall.0) / common).unwrap_or(u64::MAX),
        })
    }

    /// Recorded time as replayed: floor(offset / speed).
    #[must_use]
    pub fn compress(self, offset: Nanos) -> Nanos {
        let ns = u128::from(offset.0) * u128::from(self.denominator) / u128::from(self.numerator);
        Nanos(u64::try_from(ns).unwrap_or(u64::MAX))
    }

    /// The factor with up to 9 decimals, as it is read.
    pub(super) fn to_decimal(self) -> String {
        let (whole, rest) = (self.numerator / self.denominator, self.numerator % self.denominator);
        let part = u128::from(rest) * NS_PER_SECOND / u128::from(self.denominator);
        let text = format!("{whole}.{part:09}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }

    /// The factor, for reports.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a reported factor needs 15 digits, not 19")]
    pub fn as_f64(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let factor = self.as_f64();
        if factor.fract() == 0.0 || factor >= 1000.0 { write!(f, "{factor:.0}x") } else { write!(f, "{factor:.2}x") }
    }
}

impl FromStr for Speed {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let refused = || RateError::Speed(text.to_owned());
        let trimmed = text.trim();
        let number = trimmed.strip_suffix(['x', 'X']).unwrap_or(trimmed);
        let (numerator, denominator) = decimal(number).ok_or_else(refused)?;
        if numerator == 0 || numerator / denominator > 1_000_000 {
            return Err(refused());
        }
        Ok(Self { numerator, denominator })
    }
}

/// `12.5` as (125, 10). At most 9 decimals; no sign, no exponent.
fn decimal(text: &str) -> Option<(u64, u64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    let value = whole.parse::<u64>().ok()?.checked_mul(scale)?;
    let fraction = if fraction.is_empty() { 0 } else { fraction.parse::<u64>().ok()? };
    Some((value.checked_add(fraction)?, scale))
}

/// Their greatest common divisor; 1 for two zeros.
pub(super) fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    #[test]
    fn rates_are_read_in_the_forms_users_know() {
        assert_eq!(Some(rate("10000")), Rate::per_second(10_000));
        assert_eq!(rate("10_000/s"), rate("10000"));
        assert_eq!(rate("10k"), rate("10000"));
        assert_eq!(rate("1.5M/m"), rate("25000"));
        assert_eq!(rate("0.5/s").due(1), Nanos::from_secs(2));
        assert_eq!(rate("50/1s"), rate("50"));
        assert_eq!(rate("600/m"), rate("10"));
        assert_eq!(rate("20/10ms"), rate("2000"));
    }

    #[test]
    fn rates_of_nothing_or_too_much_are_refused() {
        for text in ["0", "0/s", "0.0", "2000000000/s"] {
            assert!(matches!(text.parse::<Rate>(), Err(RateError::RateRange(_))), "{text}");
        }
        for text in ["-1", "", "fast", "1e6", "10/", "NaN", "1/0x"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn speeds_are_positive_numbers() {
        assert_eq!("100".parse::<Speed>().unwrap().compress(Nanos::from_secs(100)), Nanos::from_secs(1));
        assert_eq!("0.5x".parse::<Speed>().unwrap().compress(Nanos::from_secs(1)), Nanos::from_secs(2));
        for text in ["0", "-1", "inf", "", "x", "0.0"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_level_is_a_rate_or_nothing() {
        assert_eq!("0".parse(), Ok(Level::Zero));
        assert_eq!("0.0/s".parse(), Ok(Level::Zero));
        assert_eq!("5/s".parse(), Ok(Level::At(rate("5"))));
        for text in ["0/parsec", "-0", "", "/s"] {
            assert!(text.parse::<Level>().is_err(), "{text}");
        }
    }

    #[test]
    fn stairs_go_up_and_down_in_whole_steps() {
        let level = |text: &str| text.parse::<Level>().unwrap();
        let stairs = |from, to, step| Level::stairs(level(from), level(to), rate(step), 100);
        assert_eq!(stairs("0", "0.3", "0.1"), Some(["0", "0.1", "0.2", "0.3"].map(level).to_vec()));
        assert_eq!(stairs("300", "100", "100"), Some(["300", "200", "100"].map(level).to_vec()));
        assert_eq!(stairs("5", "5", "1"), Some(vec![level("5")]));
        assert_eq!(stairs("0", "10", "3"), None);
        assert_eq!(stairs("0", "100", "1"), None, "101 steps");
    }

    proptest! {
        #[test]
        fn a_rate_is_read_back_as_it_was_written(events in 1_u64..=1_000_000_000, ns in 1_000_000_000_u64..1 << 50) {
            let written = Rate::new(events, Duration::from_nanos(ns)).unwrap();
            prop_assert_eq!(rate(&written.to_string()), written);
        }

        #[test]
        fn counting_inverts_the_due_time(events in 1_u64..=1_000_000, n in 0_u64..1_000_000_000) {
            let rate = Rate::per_second(events).unwrap();
            let due = rate.due(n);
            prop_assert!(rate.due_before(due) <= n);
            prop_assert!(rate.due_before(due + Nanos(1)) > n);
        }

        #[test]
        fn due_times_never_drift(events in 1_u64..=1_000_000, seconds in 0_u64..1_000_000) {
            let rate = Rate::per_second(events).unwrap();
            prop_assert_eq!(rate.due(events * seconds), Nanos::from_secs(seconds));
        }

        #[test]
        fn a_fitted_speed_fits(recorded in 1_u64..1 << 60, wall in 1_u64..1 << 60) {
            let speed = Speed::to_fit(Nanos(recorded), Nanos(wall)).unwrap();
            prop_assert_eq!(speed.compress(Nanos(recorded)), Nanos(wall));
        }
    }
}
