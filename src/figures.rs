//! Figures as people read them: thousands separators, units, and digits that the measurement can carry.

/// What stands where there is no value.
pub const NONE: &str = "-";

/// A count as a float: exact up to 2^53, 15 digits of it beyond.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "no figure is shown with more than 15 digits")]
pub const fn as_f64(count: u64) -> f64 {
    count as f64
}

/// A number rounded to a whole one: 0 where it is negative, the highest where it is out of range.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is said"
)]
pub fn whole(number: f64) -> u64 {
    number.round() as u64
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with `decimals` digits after the point, and thousands separators before it.
#[must_use]
pub fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), count);
    let sign = if value < 0.0 && text.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// A number with three significant digits, and none after the point from 100 on.
#[must_use]
pub fn significant(value: f64) -> String {
    number(value, decimals_of(value))
}

/// Digits after the point that make three significant ones; none from 100 on.
#[must_use]
pub fn decimals_of(value: f64) -> usize {
    match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.099_5 || size == 0.0 => 2,
        _ => 3,
    }
}

/// A number without the zeros at its end, at most `decimals` digits after the point.
#[must_use]
pub fn trimmed(value: f64, decimals: usize) -> String {
    let text = number(value, decimals);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// How much faster than recorded: `100x`, `1.5x`, and `0.00021x` where two digits after the point would be none.
#[must_use]
pub fn speed(factor: f64) -> String {
    let decimals = (2..9).find(|decimals| factor * 10_f64.powi(*decimals) >= 10.0).unwrap_or(9);
    format!("{}x", trimmed(factor, decimals.unsigned_abs() as usize))
}

/// Events per second: `23.12/s`, `9,999.9/s`, `500,000/s`.
#[must_use]
pub fn rate(per_s: f64) -> String {
    let decimals = match per_s.abs() {
        size if size >= 100_000.0 => 0,
        size if size >= 1_000.0 => 1,
        _ => 2,
    };
    format!("{}/s", trimmed(per_s, decimals))
}

/// A share in percent with two digits. What is not all never reads as 100, and what is not nothing never as 0.
#[must_use]
pub fn percent(share: f64) -> String {
    if (99.995..100.0).contains(&share) {
        return ">99.99".to_owned();
    }
    if share > 0.0 && share < 0.005 {
        return "<0.01".to_owned();
    }
    number(share, 2)
}

/// `part` of `whole` as [`percent`]; [`NONE`] of nothing.
#[must_use]
pub fn share(part: u64, whole: u64) -> String {
    ratio(part, whole).map_or_else(|| NONE.to_owned(), |ratio| percent(ratio * 100.0))
}

/// `part / whole`; `None` of nothing.
#[must_use]
pub fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| as_f64(part) / as_f64(whole))
}

/// Microseconds in the unit that suits them: `4 us`, `0.54 ms`, `1.81 s`, `2 m 5 s`, `33 h 6 m`.
#[must_use]
pub fn duration_us(us: u64) -> String {
    match us {
        0..100 => format!("{us} us"),
        100..1_000_000 => format!("{} ms", significant(as_f64(us) / 1e3)),
        1_000_000..120_000_000 => format!("{} s", significant(as_f64(us) / 1e6)),
        _ => long_duration(us.div_ceil(500_000) / 2),
    }
}

/// Seconds in the unit that suits them, see [`duration_us`].
#[must_use]
pub fn duration_s(seconds: f64) -> String {
    duration_us(whole(seconds * 1e6))
}

fn long_duration(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3_600);
    match hours {
        0 => two_parts(minutes, "m", seconds % 60, "s"),
        1..100 => two_parts(hours, "h", minutes % 60, "m"),
        _ => two_parts(hours / 24, "d", hours % 24, "h"),
    }
}

fn two_parts(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    let large = format!("{} {large_unit}", count(large));
    if small == 0 { large } else { format!("{large} {small} {small_unit}") }
}

/// A planned or measured span in seconds, without the zeros at its end: `2 s`, `61.5 s`, `33 h 6 m`.
#[must_use]
pub fn span_s(seconds: f64) -> String {
    if seconds == 0.0 || (1.0..120.0).contains(&seconds) {
        format!("{} s", trimmed(seconds, 1))
    } else {
        duration_s(seconds)
    }
}

/// A place on the run's clock: `00:42:10`, with tenths where the second is not whole.
#[must_use]
pub fn clock(at_s: f64) -> String {
    let tenths = whole(at_s * 10.0);
    let seconds = tenths / 10;
    let text = format!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if tenths.is_multiple_of(10) { text } else { format!("{text}.{}", tenths % 10) }
}

/// Bytes: `512 B`, `1.81 MiB`.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = as_f64(bytes) / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{} {}", significant(size), UNITS[unit])
}

/// `1 event`, `1,000 events`: `noun` in the singular, its plural with an s.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A value in the unit that a gate's rule is written in, see [`RuleUnit`].
#[must_use]
pub fn gate_value(rule: &str, value: f64) -> String {
    match RuleUnit::of(rule) {
        RuleUnit::Time => duration_us(whole(value)),
        RuleUnit::Percent => format!("{} %", trimmed(value, 3)),
        RuleUnit::Rate => rate(value),
        RuleUnit::Size => bytes(whole(value)),
        RuleUnit::Plain => trimmed(value, 3),
    }
}

/// What a gate's limit is counted in, told from the unit at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RuleUnit {
    Time,
    Percent,
    Rate,
    Size,
    Plain,
}

impl RuleUnit {
    fn of(rule: &str) -> Self {
        let limit = rule.rsplit(['<', '>', '=']).next().unwrap_or("").trim();
        let unit = limit.trim_start_matches(|c: char| c.is_ascii_digit() || "._, -".contains(c));
        match unit {
            "%" => Self::Percent,
            "/s" => Self::Rate,
            "us" | "ms" | "s" => Self::Time,
            "B" | "KiB" | "MiB" | "GiB" => Self::Size,
            _ => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_no_time_is_no_second() {
        assert_eq!([0, 1, 1_000].map(|number| counted(number, "sample")), ["0 samples", "1 sample", "1,000 samples"]);
        assert_eq!([0.0, 1.0, 61.5].map(span_s), ["0 s", "1 s", "61.5 s"]);
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!([0, 999, 1_000, 2_756_101].map(count), ["0", "999", "1,000", "2,756,101"]);
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(number(-1234.5, 1), "-1,234.5");
        assert_eq!(number(-0.001, 1), "0.0");
        assert_eq!(number(f64::NAN, 1), NONE);
    }

    #[test]
    fn durations_take_the_unit_that_suits_them() {
        for (us, text) in [
            (0, "0 us"),
            (99, "99 us"),
            (540, "0.54 ms"),
            (9_600, "9.60 ms"),
            (9_996, "10.0 ms"),
            (41_020, "41.0 ms"),
            (412_300, "412 ms"),
            (999_999, "1,000 ms"),
            (1_810_000, "1.81 s"),
            (59_900_000, "59.9 s"),
            (61_000_000, "61.0 s"),
            (125_000_000, "2 m 5 s"),
            (119_160_000_000, "33 h 6 m"),
            (11_923_200_000_000, "138 d"),
        ] {
            assert_eq!(duration_us(us), text, "{us}");
        }
    }

    #[test]
    fn a_share_short_of_all_never_reads_as_all_and_one_above_nothing_never_as_nothing() {
        assert_eq!(percent(100.0), "100.00");
        assert_eq!(percent(99.999_4), ">99.99");
        assert_eq!(percent(0.000_6), "<0.01");
        assert_eq!(percent(0.0), "0.00");
        assert_eq!(share(1, 0), NONE);
        assert_eq!(share(1, 3), "33.33");
    }

    #[test]
    fn rates_and_bytes_carry_sensible_digits() {
        assert_eq!(rate(23.12), "23.12/s");
        assert_eq!(rate(9_999.94), "9,999.9/s");
        assert_eq!(rate(10_000.0), "10,000/s");
        assert_eq!(rate(412_345.6), "412,346/s");
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_900_544), "1.81 MiB");
    }

    #[test]
    fn a_gate_value_is_shown_in_the_unit_of_its_rule() {
        assert_eq!(gate_value("response_time.p99 < 250ms", 9_600.0), "9.60 ms");
        assert_eq!(gate_value("response_time.p99 <= 1.5s", 1_810_000.0), "1.81 s");
        assert_eq!(gate_value("offered.achieved >= 99.9%", 99.98), "99.98 %");
        assert_eq!(gate_value("offered.rate > 10000/s", 9_999.5), "9,999.5/s");
        assert_eq!(gate_value("lost == 0", 17.0), "17");
        assert_eq!(gate_value("partitions.skew < 1.5", 1.0421), "1.042");
        assert_eq!(gate_value("timeline.rss.max < 150MiB", 62_914_560.0), "60.0 MiB");
    }

    #[test]
    fn the_clock_counts_from_the_start_of_the_run() {
        assert_eq!(clock(2530.0), "00:42:10");
        assert_eq!(clock(2530.25), "00:42:10.3");
        assert_eq!(clock(90_000.0), "25:00:00");
        assert_eq!([2.0, 61.5, 7_320.0].map(span_s), ["2 s", "61.5 s", "2 h 2 m"]);
    }
}
