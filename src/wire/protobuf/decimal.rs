//! Decimals as text.

/// The decimal of a text, in units of 10^-`scale`: a sign, digits, a point, and at most so many digits behind it. `None` for all
/// else, and for more than `precision` digits.
pub(super) fn parse_decimal(text: &[u8], precision: u32, scale: u32) -> Option<i128> {
    let (is_negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let (whole, fraction) = match digits.iter().position(|byte| *byte == b'.') {
        Some(point) => (&digits[..point], Some(&digits[point + 1..])),
        None => (digits, None),
    };
    let fraction_digits = fraction.unwrap_or_default();
    if whole.is_empty() || fraction.is_some_and(<[u8]>::is_empty) || fraction_digits.len() > scale as usize {
        return None;
    }
    let missing = scale - u32::try_from(fraction_digits.len()).ok()?;
    let value = if whole.len() + scale as usize <= IN_64_BITS as usize {
        let mut value = 0_i64;
        for byte in whole.iter().chain(fraction_digits) {
            value = value * 10 + i64::from(digit(*byte)?);
        }
        i128::from(value * 10_i64.pow(missing))
    } else {
        let mut value = 0_i128;
        for byte in whole.iter().chain(fraction_digits) {
            value = value.checked_mul(10)?.checked_add(digit(*byte)?.into())?;
        }
        value.checked_mul(10_i128.checked_pow(missing)?)?
    };
    let fits = if precision <= IN_64_BITS {
        value < 10_i64.pow(precision).into()
    } else {
        10_i128.checked_pow(precision).is_none_or(|limit| value < limit)
    };
    fits.then_some(if is_negative { -value } else { value })
}

/// As many digits 64 bits hold.
const IN_64_BITS: u32 = 18;

fn digit(byte: u8) -> Option<u8> {
    byte.checked_sub(b'0').filter(|digit| *digit < 10)
}

#[cfg(test)]
mod tests {
    use std::str;

    use super::*;
    use crate::wire::digits::push_decimal;

    #[test]
    fn decimals_come_back_from_their_text() {
        for (unscaled, scale, text) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (-5, 2, "-0.05"),
            (1234, 2, "12.34"),
            (1200, 2, "12.00"),
            (-7, 0, "-7"),
            (10_i128.pow(38) - 1, 38, "0.99999999999999999999999999999999999999"),
        ] {
            let mut out = Vec::new();
            push_decimal(&mut out, unscaled, scale);
            assert_eq!(str::from_utf8(&out), Ok(text));
            assert_eq!(parse_decimal(&out, 38, scale), Some(unscaled), "{text}");
        }
        assert_eq!(parse_decimal(b"12.3", 4, 2), Some(1230));
    }

    #[test]
    fn other_texts_are_no_decimals() {
        for text in ["", "-", ".5", "1.", "1.234", "+1", "1e3", "100.00", "1 ", "1.2.3", "\u{661}"] {
            assert_eq!(parse_decimal(text.as_bytes(), 4, 2), None, "{text}");
        }
    }
}
