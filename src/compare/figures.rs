//! Numbers as people read them, for text, Markdown and HTML alike.

use super::quantity::Quantity;
use super::{Change, Row};
use crate::figures;

/// The name of a row with the unit its figures are shown in.
pub(crate) fn label(quantity: Quantity) -> String {
    match quantity {
        Quantity::Latency(..) => format!("{quantity} (ms)"),
        Quantity::AchievedRate => "achieved_rate (events/s)".to_owned(),
        Quantity::AckedRate => "acked_rate (events/s)".to_owned(),
        Quantity::CpuPerThousand => quantity.to_string(),
    }
}

/// Four significant digits at most: `5`, `99.9`, `2.5`.
pub(crate) fn short(value: f64) -> String {
    let shown = significant(value);
    if shown.contains('.') { shown.trim_end_matches('0').trim_end_matches('.').to_owned() } else { shown }
}

/// A value in the unit of [`label`]; `≥` where it is a lower bound.
pub(crate) fn value(quantity: Quantity, value: Option<f64>, at_least: bool) -> String {
    let Some(value) = value else { return "–".to_owned() };
    let shown = match quantity {
        Quantity::Latency(..) => significant(value / 1000.0),
        _ => significant(value),
    };
    if at_least { format!("≥ {shown}") } else { shown }
}

/// Four significant digits, thousands apart: `0.5412`, `41.02`, `12,346`.
pub(crate) fn significant(value: f64) -> String {
    let decimals: usize = match value.abs() {
        size if size >= 1000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        size if size >= 1.0 => 3,
        _ => 4,
    };
    figures::number(value, decimals)
}

/// A change in percent with its sign: `+4.1 %`, `−0.02 %`.
pub(crate) fn percent(change: f64) -> String {
    format!("{} %", signed(change))
}

fn signed(change: f64) -> String {
    let size = change.abs();
    let shown = match size {
        size if size >= 100.0 => format!("{size:.0}"),
        size if size >= 1.0 => format!("{size:.1}"),
        _ => format!("{size:.2}"),
    };
    let sign = match change {
        _ if shown.chars().all(|c| c == '0' || c == '.') => "",
        change if change < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{shown}")
}

/// A change beyond this is told as beyond it: where noise allows that much, the figure itself says nothing.
const FAR: f64 = 9_999.0;

/// A bound of a change: `+4.1`, `>+9999`.
fn signed_bound(change: f64) -> String {
    if change > FAR { format!(">+{FAR:.0}") } else { signed(change) }
}

/// An interval in percent: `−0.4 … +1.2 %`.
pub(crate) fn interval(change: &Change) -> String {
    format!("{} … {} %", signed_bound(change.low_percent), signed_bound(change.high_percent))
}

/// The change of a row and its interval, as two texts.
pub(crate) fn change(row: &Row) -> (String, String) {
    match (&row.change, row.change_percent) {
        (Some(change), Some(percent_change)) => (percent(percent_change), interval(change)),
        (None, Some(percent_change)) => (percent(percent_change), String::new()),
        _ => (String::new(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_four_digits_and_thousands_apart() {
        let shown: Vec<_> = [0.541_23, 4.104_2, 41.02, 412.34, 12_345.6, 1_234_567.0].map(significant).into();
        assert_eq!(shown, ["0.5412", "4.104", "41.02", "412.3", "12,346", "1,234,567"]);
    }

    #[test]
    fn changes_carry_their_sign_unless_they_are_none() {
        let shown: Vec<_> = [4.123, -0.02, 0.001, -250.0].map(percent).into();
        assert_eq!(shown, ["+4.1 %", "−0.02 %", "0.00 %", "−250 %"]);
    }

    #[test]
    fn a_bound_that_noise_pushes_far_out_is_told_as_far() {
        assert_eq!([48_516_519_441.0, 9_998.6, -99.96].map(signed_bound), [">+9999", "+9999", "−100.0"]);
    }
}
