//! Numbers as digits: eight at once, in the bytes of a word, since most numbers of events have no more.

use super::block::{push_block, push_word};

/// 10^8.
const EIGHT: u64 = 100_000_000;
/// '0' in each byte.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Appends the digits of a number.
#[inline]
pub(super) fn push_digits(out: &mut Vec<u8>, value: u64) {
    match few_digits(value) {
        Some((digits, length)) => push_word(out, digits, length),
        None => push_many(out, value),
    }
}

/// The digits of a number that has at most eight, in the lowest bytes of a word, and how many they are.
#[inline]
pub(super) const fn few_digits(value: u64) -> Option<(u64, usize)> {
    if value < EIGHT { Some(first(value)) } else { None }
}

/// The digits of a number below 10^8, without zeros before it.
#[inline]
const fn first(value: u64) -> (u64, usize) {
    let digits = digits_of(value);
    let zeros = zeros_before(digits);
    ((digits | ZEROS) >> zeros, 8 - zeros as usize / 8)
}

/// The digits of a number that has more than eight.
#[inline(never)]
fn push_many(out: &mut Vec<u8>, value: u64) {
    push_digits(out, value / EIGHT);
    push_word(out, digits_of(value % EIGHT) | ZEROS, 8);
}

/// How many bits the zeros before a number's digits take. The last digit stays, whatever it is.
#[inline]
const fn zeros_before(digits: u64) -> u32 {
    (digits | (1 << 56)).trailing_zeros() & !7
}

/// Appends `unscaled` * 10^-`scale`, with exactly so many digits behind the point.
#[inline]
pub(super) fn push_decimal(out: &mut Vec<u8>, unscaled: i128, scale: u32) {
    if unscaled < 0 {
        out.push(b'-');
    }
    match u64::try_from(unscaled.unsigned_abs()) {
        Ok(units) if (1..=8).contains(&scale) => {
            let one = 10_u64.pow(scale);
            push_digits(out, units / one);
            // The last ones of eight digits.
            let digits = (digits_of(units % one) | ZEROS) >> (8 * (8 - scale));
            let mut block = [b'.'; 9];
            block[1..].copy_from_slice(&digits.to_le_bytes());
            push_block(out, &block, scale as usize + 1);
        }
        _ => push_long_decimal(out, unscaled.unsigned_abs(), scale as usize),
    }
}

fn push_long_decimal(out: &mut Vec<u8>, units: u128, scale: usize) {
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(units);
    let below = digits.len().min(scale);
    let (whole, below) = digits.split_at(digits.len() - below);
    out.extend_from_slice(if whole.is_empty() { b"0" } else { whole.as_bytes() });
    if scale > 0 {
        out.push(b'.');
        out.extend(std::iter::repeat_n(b'0', scale - below.len()));
        out.extend_from_slice(below.as_bytes());
    }
}

/// The eight digits of a number below 10^8, the first one in the lowest byte. Halves, pairs and single digits are divided side by
/// side: a multiplication and a shift divide by 100 what is below 10^4, and by 10 what is below 100.
#[inline]
const fn digits_of(value: u64) -> u64 {
    let halves = (value / 10_000) | ((value % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((halves - hundreds * 100) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((pairs - tens * 10) << 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_written(value: u64) {
        let mut out = b"before".to_vec();
        push_digits(&mut out, value);
        assert_eq!(String::from_utf8(out).unwrap(), format!("before{value}"));
    }

    #[test]
    fn numbers_at_each_edge_are_written_as_they_are() {
        assert_written(0);
        for power in (0..20).map(|exponent| 10_u64.pow(exponent)) {
            (power - 1..=power + 1).for_each(assert_written);
        }
        (0..10_000).for_each(assert_written);
        assert_written(u64::MAX);
    }

    proptest! {
        #[test]
        fn a_decimal_has_all_its_decimals(units: u64, bits in 0_u32..64, scale in 0_u32..12, is_negative: bool) {
            let units = i128::from(units >> bits) * if is_negative { -1 } else { 1 };
            let (mut out, mut long) = (Vec::new(), if units < 0 { b"-".to_vec() } else { Vec::new() });
            push_decimal(&mut out, units, scale);
            push_long_decimal(&mut long, units.unsigned_abs(), scale as usize);
            prop_assert_eq!(String::from_utf8(out).unwrap(), String::from_utf8(long).unwrap());
        }

        #[test]
        fn any_number_is_written_as_it_is(value: u64, bits in 0_u32..64) {
            assert_written(value >> bits);
        }
    }
}
