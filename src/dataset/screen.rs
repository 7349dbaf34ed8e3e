//! A screen of labelled lines, 100 columns wide.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::figures::{self, as_f64};
use crate::input::BadRows;
use crate::report::LeftOut;
use crate::source::retail_rocket::{DatedRows, Facts, Forecast};

const LABEL: usize = 15;
const WIDTH: usize = 100;

/// Writes a label and the text beside it, which goes on below itself where the line is full. Words are not broken.
pub(super) fn line(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    write!(f, "{label:<LABEL$}")?;
    let mut column = LABEL;
    for (index, word) in text.split(' ').enumerate() {
        let width = word.chars().count();
        if index > 0 && column + 1 + width > WIDTH {
            write!(f, "\n{:LABEL$}", "")?;
            column = LABEL;
        } else if index > 0 {
            f.write_char(' ')?;
            column += 1;
        }
        f.write_str(word)?;
        column += width;
    }
    f.write_char('\n')
}

/// `7 (3, 0.12 %), 9 (2, 0.08 %)`: keys with their events and these as a share of all.
pub(super) fn keys(keys: impl Iterator<Item = (impl fmt::Display, u64)>, all: u64) -> String {
    let shown =
        keys.map(|(key, events)| format!("{key} ({}, {} %)", figures::count(events), figures::share(events, all)));
    shown.collect::<Vec<_>>().join(", ")
}

/// `view 9,669 (96.69 %), ...`, the most frequent first.
pub(super) fn types<'a>(by_type: impl Iterator<Item = (&'a String, &'a u64)>, all: u64) -> String {
    let mut by_type: Vec<_> = by_type.collect();
    by_type.sort_by_key(|(_, events)| Reverse(**events));
    let shown = by_type
        .into_iter()
        .map(|(kind, events)| format!("{kind} {} ({} %)", figures::count(*events), figures::share(*events, all)));
    shown.collect::<Vec<_>>().join(", ")
}

/// What was read in another way than as the original file has it, and what was not.
pub(super) fn how_written(f: &mut fmt::Formatter<'_>, facts: &Facts) -> fmt::Result {
    let DatedRows { count: dated, without_offset } = facts.dated_rows;
    if dated > 0 {
        let utc = match without_offset {
            0 => String::new(),
            without => format!(", {} of them without an offset, taken as UTC", figures::count(without)),
        };
        line(f, "times", &format!("{} with a date{utc}", figures::counted(dated, "row")))?;
    }
    if !facts.order_fills.is_empty() {
        let fills: Vec<String> = facts
            .order_fills
            .iter()
            .map(|(fill, rows)| format!("{fill} in {}", figures::counted(*rows, "row")))
            .collect();
        line(f, "no order", &format!("{}: events that are no transaction, taken for none", fills.join(", ")))?;
    }
    let left_out = LeftOut { rows: facts.rows_by_type.clone(), bad_rows: facts.bad_rows.by_type.clone() };
    let loss = left_out.lost().map_or_else(String::new, |lost| format!("; every {lost} is among them"));
    line(f, "bad rows", &bad_rows(&facts.bad_rows, &loss))
}

/// How many rows were left out, of which types and why, what was lost by it, and the first of them.
pub(super) fn bad_rows(bad: &BadRows, loss: &str) -> String {
    let Some(first) = bad.examples.first() else { return "0".to_owned() };
    let counts = |of: &BTreeMap<String, u64>| {
        of.iter().map(|(name, rows)| format!("{name} {}", figures::count(*rows))).collect::<Vec<_>>().join(", ")
    };
    let (by_type, by_reason) = (counts(&bad.by_type), counts(&bad.by_reason));
    let example = format!("line {}: {}", first.line, first.problem);
    format!("{} left out: {by_type} ({by_reason}){loss}; {example}", figures::count(bad.count))
}

/// A rate by the second, or by the longest unit of which one holds more than one event.
pub(super) fn frequency(per_s: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(60.0, "/min"), (3_600.0, "/h"), (86_400.0, " a day")];
    if per_s >= 1.0 {
        return figures::rate(per_s);
    }
    let (seconds, unit) = UNITS.into_iter().find(|(seconds, _)| per_s * seconds >= 1.0).unwrap_or(UNITS[2]);
    format!("{}{unit}", figures::trimmed(per_s * seconds, 1))
}

/// `mean 23.12/s, busiest second 41/s, busiest minute 30.5/s`: as much of that as a forecast knows.
pub(super) fn rates(forecast: &Forecast) -> Option<String> {
    let rates = [
        ("mean", forecast.mean_rate_per_s),
        ("busiest second", forecast.peak_1s_per_s),
        ("busiest minute", forecast.peak_1min_per_s),
    ];
    let known = rates.into_iter().filter_map(|(name, per_s)| per_s.map(|per_s| format!("{name} {}", frequency(per_s))));
    Some(known.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
}

/// Milliseconds in the unit that suits them.
pub(super) fn span_ms(ms: u64) -> String {
    figures::span_s(as_f64(ms) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Long;

    impl fmt::Display for Long {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            line(f, "label", &"seven ch ".repeat(30))
        }
    }

    #[test]
    fn lines_are_wrapped_below_their_text() {
        let text = Long.to_string();
        assert!(text.lines().count() > 2);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(text.lines().skip(1).all(|line| line.starts_with(&" ".repeat(LABEL))), "{text}");
    }

    #[test]
    fn rates_are_told_in_the_unit_that_suits_them() {
        let told = [23.12, 0.2312, 0.002, 0.000_1, 0.000_01].map(frequency);
        assert_eq!(told, ["23.12/s", "13.9/min", "7.2/h", "8.6 a day", "0.9 a day"]);
    }

    #[test]
    fn types_are_told_by_their_share() {
        let counts = [("addtocart".to_owned(), 1_u64), ("view".to_owned(), 3)];
        assert_eq!(
            types(counts.iter().map(|(kind, events)| (kind, events)), 4),
            "view 3 (75.00 %), addtocart 1 (25.00 %)"
        );
    }
}
