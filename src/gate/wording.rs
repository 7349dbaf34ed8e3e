//! Values in the words of gates and verdicts: `1,000 samples`, `1.81 s`, `99.98 %`.

use super::unit::Dimension;
use crate::figures::{bytes, duration_us, rate, trimmed};

/// A value of that dimension in its base unit, as a person reads it.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
pub fn value(value: f64, dimension: Dimension) -> String {
    match dimension {
        Dimension::Count | Dimension::Ratio => trimmed(value, 3),
        Dimension::Percent => format!("{} %", trimmed(value, 3)),
        Dimension::Rate => rate(value),
        Dimension::Time => duration_us(value.round() as u64),
        Dimension::Size => bytes(value.round() as u64),
    }
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
            (9_600.0, Dimension::Time, "9.60 ms"),
            (1_810_000.0, Dimension::Time, "1.81 s"),
            (1_572_864.0, Dimension::Size, "1.50 MiB"),
        ] {
            assert_eq!(value(number, dimension), text);
        }
    }
}
