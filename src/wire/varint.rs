//! Variable-length whole numbers: 7 bits to a byte, the lowest first, as Protobuf and Avro write them.

/// The most bytes that 64 bits take.
pub(super) const LONGEST: usize = 10;
/// The most bytes that 32 bits take.
pub(super) const LONGEST_32: usize = 5;

/// Appends a varint.
#[inline]
pub(crate) fn push_varint(out: &mut Vec<u8>, mut value: u64) {
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
