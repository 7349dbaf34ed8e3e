//! Variable-length whole numbers: 7 bits to a byte, the lowest first, as Protobuf and Avro write them.

use super::block::push_word;

/// The most bytes that 64 bits take.
pub(super) const LONGEST: usize = 10;
/// The most bytes that 32 bits take.
pub(super) const LONGEST_32: usize = 5;

/// Appends a varint.
#[inline]
pub(crate) fn push_varint(out: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        out.push((value & 0x7f) as u8);
    } else if value < 1 << IN_WORD {
        let length = varint_length(value);
        push_word(out, in_word(value, length), length);
    } else {
        push_long(out, value);
    }
}

/// Puts a varint into the byte that was left for it, and moves what follows where it needs more.
#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, at: usize, value: u64) {
    if value < 0x80 {
        out[at] = (value & 0x7f) as u8;
    } else {
        put_long(out, at, value);
    }
}

#[cold]
fn put_long(out: &mut Vec<u8>, at: usize, value: u64) {
    let mut varint = Vec::with_capacity(LONGEST);
    push_varint(&mut varint, value);
    out.splice(at..=at, varint);
}

/// Bits of a number whose varint fits into a word.
const IN_WORD: u32 = 56;

/// The bytes of a varint of at most so many bits, the first one lowest.
#[inline]
pub(super) const fn in_word(value: u64, length: usize) -> u64 {
    // Seven bits are put into each byte: of halves, then of pairs, then of single bytes.
    let halves = (value & 0x0fff_ffff) | ((value & 0x00ff_ffff_f000_0000) << 4);
    let pairs = (halves & 0x0000_3fff_0000_3fff) | ((halves & 0x0fff_c000_0fff_c000) << 2);
    let bytes = (pairs & 0x007f_007f_007f_007f) | ((pairs & 0x3f80_3f80_3f80_3f80) << 1);
    let others_follow = 0x8080_8080_8080_8080 & ((1 << (8 * (length - 1))) - 1);
    bytes | others_follow
}

/// The varint that a word begins with, the first byte lowest, and how many bytes it has; `None` where it does not end there.
#[inline]
pub(super) const fn of_word(word: u64) -> Option<(u64, usize)> {
    let ends = !word & 0x8080_8080_8080_8080;
    if ends == 0 {
        return None;
    }
    let length = ends.trailing_zeros() / 8 + 1;
    let bytes = word & (u64::MAX >> (64 - 8 * length));
    let pairs = (bytes & 0x007f_007f_007f_007f) | ((bytes & 0x7f00_7f00_7f00_7f00) >> 1);
    let halves = (pairs & 0x0000_3fff_0000_3fff) | ((pairs & 0x3fff_0000_3fff_0000) >> 2);
    let value = (halves & 0x0fff_ffff) | ((halves & 0x0fff_ffff_0000_0000) >> 4);
    Some((value, length as usize))
}

#[cold]
fn push_long(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// How many bytes a varint has.
#[inline]
pub(super) const fn varint_length(value: u64) -> usize {
    (63 - (value | 1).leading_zeros() as usize) / 7 + 1
}

/// As a number in which small negative ones are small.
pub(crate) const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The number that [`zigzag`] gave.
pub(crate) const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_varint_is_seven_bits_a_byte_the_lowest_first(value: u64, bits in 0_u32..64) {
            let (value, mut out) = (value >> bits, b"before".to_vec());
            push_varint(&mut out, value);
            let mut byte_by_byte = b"before".to_vec();
            push_long(&mut byte_by_byte, value);
            prop_assert_eq!(&out, &byte_by_byte);
            prop_assert_eq!(out.len() - 6, varint_length(value));
            out.resize(6 + 16, 0xff);
            let word = out[6..].first_chunk().map(|word| u64::from_le_bytes(*word)).unwrap();
            let length = varint_length(value);
            prop_assert_eq!(of_word(word), (length <= 8).then_some((value, length)));
            let (mut put, mut pushed) = (b"a\0b".to_vec(), b"a".to_vec());
            put_varint(&mut put, 1, value);
            push_long(&mut pushed, value);
            prop_assert_eq!(put, [&pushed[..], b"b"].concat());
        }
    }
}
