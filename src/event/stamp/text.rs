//! The text of a UUID (RFC 9562, section 4), eight characters at a time: it is written once an event.

use super::TEXT_LENGTH;

/// Its 36 lower-case characters.
#[inline]
pub(super) fn of(bits: u128) -> [u8; TEXT_LENGTH] {
    let mut text = [b'-'; TEXT_LENGTH];
    let [first, second, third, last] = [96, 64, 32, 0].map(|shift| characters(bits >> shift));
    text[..8].copy_from_slice(&first);
    text[9..13].copy_from_slice(&second[..4]);
    text[14..18].copy_from_slice(&second[4..]);
    text[19..23].copy_from_slice(&third[..4]);
    text[24..28].copy_from_slice(&third[4..]);
    text[28..].copy_from_slice(&last);
    text
}

/// The hexadecimal digits of the lowest 32 bits.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the bits above are another word's")]
const fn characters(bits: u128) -> [u8; 8] {
    // Bytes move apart, the highest one to the front, then their halves.
    let bytes = (bits as u32).swap_bytes() as u64;
    let pairs = (bytes | (bytes << 16)) & 0x0000_ffff_0000_ffff;
    let bytes = (pairs | (pairs << 8)) & 0x00ff_00ff_00ff_00ff;
    let halves = ((bytes >> 4) & 0x000f_000f_000f_000f) | ((bytes & 0x000f_000f_000f_000f) << 8);
    // Those above 9 are letters, which stand further up than the digits.
    let letters = ((halves + 0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    (halves + 0x3030_3030_3030_3030 + letters * (b'a' - b'0' - 10) as u64).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_is_that_of_the_uuid(bits: u128) {
            let text = uuid::Uuid::from_u128(bits).to_string();
            prop_assert_eq!(&super::of(bits)[..], text.as_bytes());
        }
    }
}
