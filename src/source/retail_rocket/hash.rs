//! The one hash behind all that is derived: stable across machines, versions and runs.

/// Spreads the bits of `x`: the finalizer of `SplitMix64` (Steele, Lea and Flood 2014; constants by Stafford, mix 13).
#[must_use]
pub(crate) const fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The hash of `value` for one purpose: different `salt`s give independent hashes.
#[must_use]
pub(crate) const fn salted(salt: u64, value: u64) -> u64 {
    mix(mix(salt) ^ value)
}

/// `hash` scaled to 0..`below`, without the bias of a remainder (Lemire 2019).
#[must_use]
pub(crate) const fn scaled(hash: u64, below: u64) -> u64 {
    ((hash as u128 * below as u128) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // First outputs of SplitMix64 seeded with 0, from the reference implementation by Vigna.
        assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(mix(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn scaling_stays_below_its_bound() {
        assert_eq!(scaled(u64::MAX, 10), 9);
        assert_eq!(scaled(0, 10), 0);
        assert_eq!(scaled(u64::MAX, 0), 0);
    }
}
