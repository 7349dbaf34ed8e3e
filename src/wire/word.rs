//! Eight bytes looked at together, as a word whose lowest byte is the first.

/// Bytes of a word.
pub(super) const BYTES: usize = size_of::<u64>();

/// A byte, eight times.
const fn all(byte: u8) -> u64 {
    0x0101_0101_0101_0101 * byte as u64
}

/// Fewer bytes than a word has, and zeros after them.
#[cold]
pub(super) fn of_few(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

/// Bits in the quotes, backslashes and control characters (RFC 8259, section 7); perhaps also in what follows the first of them.
#[inline]
pub(super) const fn end_of_text(word: u64) -> u64 {
    let (quote, backslash) = (word ^ all(b'"'), word ^ all(b'\\'));
    // A byte borrows from the next one, and shows it in its highest bit, where it is less than what is taken away. One that has
    // that bit itself is none of these.
    (quote.wrapping_sub(all(1)) | backslash.wrapping_sub(all(1)) | word.wrapping_sub(all(0x20))) & !word & all(0x80)
}

/// Bits in what is no digit; perhaps also in what follows the first of them.
#[inline]
pub(super) const fn end_of_digits(word: u64) -> u64 {
    // The upper half of a digit is 3, and still is when 6 is added.
    ((word ^ all(0x30)) | (word.wrapping_add(all(6)) ^ all(0x30))) & all(0xf0)
}

/// The number whose eight hexadecimal digits, in either case, these are; `None` where one of them is none.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "what is left has 32 bits")]
pub(super) const fn of_hex(word: u64) -> Option<u32> {
    let lower = word | all(0x20);
    // The highest bit of a byte, where it is not less than the first and less than the second.
    let letters = lower.wrapping_add(all(0x80 - b'a')) & !lower.wrapping_add(all(0x80 - b'g')) & all(0x80);
    let numbers = word.wrapping_add(all(0x80 - b'0')) & !word.wrapping_add(all(0x80 - b':')) & all(0x80);
    if (letters | numbers) & !word != all(0x80) {
        return None;
    }
    let digits = (word & all(0x0f)) + (letters >> 7) * 9;
    let pairs = (digits << 4 | digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let halves = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some(((halves | halves >> 16) as u32).swap_bytes())
}

/// How many bytes come before the first bit.
#[inline]
pub(super) const fn first(bits: u64) -> Option<usize> {
    if bits == 0 { None } else { Some(bits.trailing_zeros() as usize / 8) }
}

/// Ones below the first bit.
#[inline]
pub(super) const fn before(bits: u64) -> u64 {
    bits.wrapping_sub(1) & !bits
}

/// Whether bytes of these bits, put together, are ASCII.
#[inline]
pub(super) const fn is_ascii(bits: u64) -> bool {
    bits & all(0x80) == 0
}

/// Whether these are ASCII: of few bytes, as most texts have, looked at as one or two words.
#[inline]
pub(super) fn are_ascii(bytes: &[u8]) -> bool {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) if bytes.len() <= 2 * BYTES => {
            is_ascii(u64::from_ne_bytes(*first) | u64::from_ne_bytes(*last))
        }
        (Some(_), _) => bytes.is_ascii(),
        (None, _) => bytes.iter().fold(0, |all, byte| all | byte) < 0x80,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes() -> impl Strategy<Value = [u8; BYTES]> {
        let byte =
            prop_oneof![any::<u8>(), b'0'..=b'9', Just(b'"'), Just(b'\\'), 0x1e_u8..0x24, 0x2e_u8..0x3c, 0x7e_u8..0x82];
        proptest::array::uniform8(byte)
    }

    proptest! {
        #[test]
        fn a_word_is_judged_as_its_bytes_are_one_by_one(bytes in bytes(), length in 0..=BYTES) {
            let word = u64::from_le_bytes(bytes);
            let until = |ends: fn(u8) -> bool| bytes.iter().position(|byte| ends(*byte));
            prop_assert_eq!(first(end_of_text(word)), until(|byte| byte == b'"' || byte == b'\\' || byte < 0x20));
            prop_assert_eq!(first(end_of_digits(word)), until(|byte| !byte.is_ascii_digit()));
            let text = first(end_of_text(word)).unwrap_or(BYTES);
            prop_assert_eq!(is_ascii(word & before(end_of_text(word))), bytes[..text].is_ascii());
            let mut few = [0; BYTES];
            few[..length].copy_from_slice(&bytes[..length]);
            prop_assert_eq!(of_few(&bytes[..length]), u64::from_le_bytes(few));
        }

        #[test]
        fn eight_hexadecimal_digits_are_a_number(number: u32, upper: bool, at in 0..BYTES, byte: u8) {
            let text = if upper { format!("{number:08X}") } else { format!("{number:08x}") };
            let mut bytes: [u8; BYTES] = text.into_bytes().try_into().unwrap();
            prop_assert_eq!(of_hex(u64::from_le_bytes(bytes)), Some(number));
            bytes[at] = byte;
            let parsed = str::from_utf8(&bytes).ok().filter(|text| !text.contains('+'));
            let parsed = parsed.and_then(|text| u32::from_str_radix(text, 16).ok());
            prop_assert_eq!(of_hex(u64::from_le_bytes(bytes)), parsed);
        }

        #[test]
        fn bytes_are_ascii_where_each_of_them_is(ascii in "[ -~]{0,40}", at: prop::sample::Index, byte: u8) {
            let mut bytes = ascii.into_bytes();
            prop_assert!(are_ascii(&bytes));
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            prop_assert_eq!(are_ascii(&bytes), bytes.is_ascii());
        }
    }
}
