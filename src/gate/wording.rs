//! Values in the words of gates and verdicts: `1,000 samples`, `1.81 s`, `99.98 %`.

use super::{builtin::BuiltIn, metric::metrics, unit::Dimension};
use crate::report::GateResult;

/// `1234567` as `1,234,567`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 event`, `1,000 events`: `noun` in the singular, its plural with an s.
#[must_use]
pub fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// A value of that dimension in its base unit, as a person reads it.
#[must_use]
pub fn value(value: f64, dimension: Dimension) -> String {
    match dimension {
        Dimension::Count | Dimension::Ratio => short(value, 3),
        Dimension::Percent => format!("{} %", short(value, 3)),
        Dimension::Rate => format!("{}/s", short(value, 1)),
        Dimension::Time if value.abs() < 1e3 => format!("{} us", short(value, 0)),
        Dimension::Time if value.abs() < 1e6 => format!("{} ms", short(value / 1e3, 2)),
        Dimension::Time => format!("{} s", short(value / 1e6, 2)),
        Dimension::Size if value.abs() < 1024.0 => format!("{} B", short(value, 0)),
        Dimension::Size => format!("{} MiB", short(value / 1_048_576.0, 2)),
    }
}

/// The value that a gate compared, in the unit of what it is about.
#[must_use]
pub fn measured(result: &GateResult) -> Option<String> {
    let dimension = if result.built_in {
        BuiltIn::ALL.into_iter().find(|known| known.as_str() == result.rule)?.dimension()
    } else {
        let path = result.rule.split(['<', '>', '=', '!']).next()?.trim();
        let named = metrics().iter().filter(|metric| names(path, &metric.name));
        // The longest name, where one ends with another.
        named.max_by_key(|metric| metric.name.len())?.dimension
    };
    Some(value(result.value?, dimension))
}

/// Whether `path` is `name`, of the whole run or of a part of it.
fn names(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// At most `decimals` digits after the point, without zeros at the end, with thousands separators before it.
fn short(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole = whole.parse().map_or_else(|_| whole.to_owned(), thousands);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if value < 0.0 { "-" } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_worded_in_their_units() {
        for (number, dimension, text) in [
            (17.0, Dimension::Count, "17"),
            (2_756_101.0, Dimension::Count, "2,756,101"),
            (1.042_1, Dimension::Ratio, "1.042"),
            (99.98, Dimension::Percent, "99.98 %"),
            (9_999.5, Dimension::Rate, "9,999.5/s"),
            (412.0, Dimension::Time, "412 us"),
            (9_600.0, Dimension::Time, "9.6 ms"),
            (1_810_000.0, Dimension::Time, "1.81 s"),
            (1_572_864.0, Dimension::Size, "1.5 MiB"),
            (-1_234.5, Dimension::Ratio, "-1,234.5"),
        ] {
            assert_eq!(value(number, dimension), text);
        }
        assert_eq!(count(1, "event"), "1 event");
        assert_eq!(count(1_000, "sample"), "1,000 samples");
    }

    #[test]
    fn a_result_is_worded_by_what_its_rule_is_about() {
        for (rule, built_in, text) in [
            ("response_time.p99 < 250ms", false, "9.6 ms"),
            ("phase.peak.response_time.p99 < 250ms", false, "9.6 ms"),
            ("lost == 0", false, "9,600"),
            ("phase.peak.offered.achieved >= 1%", false, "9,600 %"),
            ("generator_on_time", true, "9.6 ms"),
        ] {
            let result = GateResult { rule: rule.into(), value: Some(9_600.0), built_in, ..GateResult::default() };
            assert_eq!(measured(&result).as_deref(), Some(text), "{rule}");
        }
        assert_eq!(measured(&GateResult { rule: "lost == 0".into(), ..GateResult::default() }), None);
    }
}
