//! Decimal numbers without rounding: whole numbers of 10^-12.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Digits behind the point.
const SCALE: i32 = 12;
const ONE: i128 = 10_i128.pow(SCALE as u32);

/// A decimal number of at most 12 digits behind the point and 26 before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

impl Decimal {
    /// A whole number.
    #[must_use]
    pub fn whole(number: u64) -> Self {
        Self(i128::from(number) * ONE)
    }

    /// A number as JSON writes it; `None` for what is none, or has more digits than are kept.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (digits, exponent) = parts(text)?;
        scaled(digits, exponent)
    }

    /// The product of two of them, exact.
    #[must_use]
    pub fn product(one: &[u8], other: &[u8]) -> Option<Self> {
        let ((one, its), (other, others)) = (parts(one)?, parts(other)?);
        scaled(one.checked_mul(other)?, its.checked_add(others)?)
    }

    /// Their sum, where it is not too large.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// So much more than that, where it is not too much.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// A number that stands for a text, to tell it from others.
    pub(super) fn of_text(text: &[u8]) -> Self {
        let half = |which: u8| {
            let mut hasher = DefaultHasher::new();
            (which, text).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        Self((half(0) << 64 | half(1)).cast_signed())
    }

    /// The number of 10^-12 that it is, modulo 2^128.
    pub(super) const fn bits(self) -> u128 {
        self.0.cast_unsigned()
    }

    /// The one with these.
    pub(super) const fn from_bits(bits: u128) -> Self {
        Self(bits.cast_signed())
    }

    /// Whether it lies below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

/// A number as a whole one and the power of ten that it is to be taken times.
fn parts(text: &[u8]) -> Option<(i128, i32)> {
    let (negative, text) = text.strip_prefix(b"-").map_or((false, text), |rest| (true, rest));
    let at = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
    let exponent = match text.get(at + 1..) {
        Some(exponent) => std::str::from_utf8(exponent).ok()?.parse::<i32>().ok()?,
        None => 0,
    };
    let (mut digits, mut behind, mut has_point, mut any) = (0_i128, 0_i32, false, false);
    for byte in &text[..at] {
        match byte {
            b'0'..=b'9' => {
                digits = digits.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                behind += i32::from(has_point);
                any = true;
            }
            b'.' if !has_point && any => has_point = true,
            _ => return None,
        }
    }
    any.then_some((if negative { -digits } else { digits }, exponent.checked_sub(behind)?))
}

fn scaled(digits: i128, exponent: i32) -> Option<Decimal> {
    if digits == 0 {
        return Some(Decimal(0));
    }
    let by = SCALE.checked_add(exponent)?;
    let power = 10_i128.checked_pow(by.unsigned_abs())?;
    if by >= 0 {
        return digits.checked_mul(power).map(Decimal);
    }
    (digits % power == 0).then(|| Decimal(digits / power))
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0.unsigned_abs() / ONE.unsigned_abs(), self.0.unsigned_abs() % ONE.unsigned_abs());
        let sign = if self.0 < 0 { "-" } else { "" };
        if part == 0 {
            return write!(f, "{sign}{whole}");
        }
        let part = format!("{part:012}");
        write!(f, "{sign}{whole}.{}", part.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Option<String> {
        Decimal::parse(text.as_bytes()).map(|number| number.to_string())
    }

    #[test]
    fn numbers_are_read_without_rounding() {
        for (text, shown) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("12.30", "12.3"),
            ("-0.000000000001", "-0.000000000001"),
            ("7E+2", "700"),
            ("1.5e-3", "0.0015"),
            ("700000000.43", "700000000.43"),
        ] {
            assert_eq!(of(text).as_deref(), Some(shown), "{text}");
        }
        for text in ["", "-", ".5", "1.2.3", "1e", "x", "\"1\"", "0.0000000000001", "1e40", "NaN", "true"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn sums_and_products_are_those_of_whole_numbers(a in -1_000_000_000_i64..1_000_000_000, b in -1_000_000_i64..1_000_000) {
            let cents = |number: i64| format!("{number}e-2");
            let parse = |text: &str| Decimal::parse(text.as_bytes()).unwrap();
            let product = Decimal::product(cents(a).as_bytes(), b.to_string().as_bytes()).unwrap();
            prop_assert_eq!(product, parse(&format!("{}e-2", i128::from(a) * i128::from(b))));
            prop_assert_eq!(parse(&cents(a)).plus(parse(&cents(b))), Some(parse(&cents(a + b))));
            prop_assert_eq!(parse(&parse(&cents(a)).to_string()), parse(&cents(a)));
        }
    }
}
