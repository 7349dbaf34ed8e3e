//! The two conversions between whole numbers and floating point, with what they cost.

/// The nearest `f64`: relative error at most 2^-53.
#[expect(clippy::cast_precision_loss, reason = "callers state what this rounding costs them")]
pub(super) const fn float(whole: u128) -> f64 {
    whole as f64
}

/// The largest whole number at or below `value`; 0 for negative ones and for NaN, `u64::MAX` for all that lie above.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, as the name says")]
pub(super) const fn floor(value: f64) -> u64 {
    value as u64
}
