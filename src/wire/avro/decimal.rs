//! Decimals as bytes: the unscaled number in two's complement, the highest byte first.

/// The last bytes of a number that are enough, one of them at least.
pub(super) fn shortest(bytes: &[u8; 16]) -> &[u8] {
    let number = i128::from_be_bytes(*bytes);
    let unused = if number < 0 { number.leading_ones() } else { number.leading_zeros() };
    // One bit is left for the sign.
    let unused = (unused.saturating_sub(1) / 8) as usize;
    &bytes[unused.min(bytes.len() - 1)..]
}

/// So many bytes of a number that they hold.
pub(super) fn filled(number: i128, size: usize) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let sign = if number < 0 { 0xff } else { 0 };
    let mut filled = vec![sign; size.saturating_sub(bytes.len())];
    filled.extend_from_slice(&bytes[bytes.len().saturating_sub(size)..]);
    filled
}

/// The number that the bytes are; `None` where there are none, and where it has more than 128 bits.
pub(super) fn parse(bytes: &[u8]) -> Option<i128> {
    let sign = if bytes.first()?.cast_signed() < 0 { 0xff } else { 0 };
    let beyond = bytes.len().saturating_sub(16);
    let (beyond, bytes) = bytes.split_at(beyond);
    let mut number = [sign; 16];
    number[16 - bytes.len()..].copy_from_slice(bytes);
    let is_whole = beyond.iter().all(|byte| *byte == sign) && number[0] >> 7 == sign >> 7;
    is_whole.then_some(i128::from_be_bytes(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_from_their_bytes() {
        for (number, bytes) in
            [(0, &b"\x00"[..]), (127, b"\x7f"), (128, b"\x00\x80"), (-1, b"\xff"), (-128, b"\x80"), (-129, b"\xff\x7f")]
        {
            assert_eq!(shortest(&i128::to_be_bytes(number)), bytes);
            assert_eq!(parse(bytes), Some(number));
        }
        for number in [i128::MIN, i128::MAX, i128::MIN + 1, 1 << 100] {
            assert_eq!(parse(shortest(&number.to_be_bytes())), Some(number));
        }
    }

    #[test]
    fn bytes_before_the_sign_change_nothing_and_others_are_no_number_of_128_bits() {
        assert_eq!(parse(&[[0xff; 9].as_slice(), &[0xfe; 16]].concat()), Some(i128::from_be_bytes([0xfe; 16])));
        assert_eq!(parse(&[&[0; 1][..], &[0xfe; 16]].concat()), None);
        assert_eq!(parse(&[&[1; 1][..], &[0; 16]].concat()), None);
        assert_eq!(parse(b""), None);
    }
}
