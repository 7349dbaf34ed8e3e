//! Whole numbers as digits: eight at once, in the bytes of a word, since most numbers of events have no more.

/// 10^8.
const EIGHT: u64 = 100_000_000;
/// '0' in each byte.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// Appends the digits of a number.
#[inline]
pub(super) fn push_digits(out: &mut Vec<u8>, value: u64) {
    if value < EIGHT {
        push_first(out, value);
    } else {
        push_many(out, value);
    }
}

/// How many digits a number has.
#[inline]
pub(super) const fn digits_length(value: u64) -> usize {
    match value.checked_ilog10() {
        None => 1,
        Some(log) => log as usize + 1,
    }
}

/// The digits of a number below 10^8, without zeros before it.
#[inline]
fn push_first(out: &mut Vec<u8>, value: u64) {
    let digits = digits_of(value);
    // The last digit stays, whatever it is.
    let zeros = (digits | (1 << 56)).trailing_zeros() & !7;
    let end = out.len() + 8 - zeros as usize / 8;
    out.extend_from_slice(&((digits | ZEROS) >> zeros).to_le_bytes());
    out.truncate(end);
}

fn push_many(out: &mut Vec<u8>, value: u64) {
    let (high, low) = (value / EIGHT, value % EIGHT);
    if high < EIGHT {
        push_first(out, high);
    } else {
        push_many(out, high);
    }
    out.extend_from_slice(&(digits_of(low) | ZEROS).to_le_bytes());
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
        assert_eq!(digits_length(value), value.to_string().len());
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
        fn any_number_is_written_as_it_is(value: u64, bits in 0_u32..64) {
            assert_written(value >> bits);
        }
    }
}
