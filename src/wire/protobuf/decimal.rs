//! Decimals as text.

/// Appends `unscaled` * 10^-`scale` with exactly so many digits behind the point.
pub(super) fn push_decimal(out: &mut Vec<u8>, unscaled: i128, scale: u32) {
    let mut digits = [b'0'; 64];
    let mut at = digits.len();
    let mut left = unscaled.unsigned_abs();
    let mut written = 0;
    while left > 0 || written <= scale {
        if written == scale && scale > 0 {
            at -= 1;
            digits[at] = b'.';
        }
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        written += 1;
    }
    if unscaled < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    out.extend_from_slice(&digits[at..]);
}

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
    let mut value: i128 = 0;
    for byte in whole.iter().chain(fraction_digits) {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(digit.into())?;
    }
    let value = value.checked_mul(10_i128.checked_pow(scale - u32::try_from(fraction_digits.len()).ok()?)?)?;
    let fits = 10_i128.checked_pow(precision).is_none_or(|limit| value < limit);
    fits.then_some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use std::str;

    use super::*;

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
