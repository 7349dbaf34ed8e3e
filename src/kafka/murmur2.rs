//! The partition of a key, as Kafka's Java client computes it (`DefaultPartitioner`, `Utils.murmur2`), so that every
//! client agrees on where a user lives.

/// Murmur2 as in Kafka's `org.apache.kafka.common.utils.Utils`: seed 0x9747b28c, little endian, 32 bit.
#[must_use]
pub fn hash(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    #[expect(clippy::cast_possible_truncation, reason = "the Java code works on an int length")]
    let mut h = 0x9747_b28c ^ key.len() as u32;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> R;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        h ^= tail.iter().rev().fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ h >> 15
}

/// The partition of `key` among `partitions` (above 0).
#[must_use]
pub fn partition(key: &[u8], partitions: i32) -> i32 {
    let positive = hash(key) & 0x7fff_ffff;
    positive.cast_signed() % partitions.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn hashes_equal_those_of_the_java_client() {
        for (key, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(hash(key.as_bytes()).cast_signed(), expected, "{key}");
        }
    }

    #[test]
    fn a_partition_is_never_negative() {
        for key in 0..10_000_u32 {
            assert!((0..7).contains(&partition(key.to_string().as_bytes(), 7)));
        }
    }
}
