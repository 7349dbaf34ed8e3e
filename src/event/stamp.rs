//! The stamp: an `event_id` that is a UUID version 7 and says which event of which run it is.
//!
//! ```text
//!  48 bit  due time, Unix ms        4 bit version (7)     12 bit  due time below 1 ms, in 1/4096 ms
//!   2 bit  variant (0b10)           62 bit  run tag 4 | lane 8 | sequence 34 | check 16
//! ```
//! The layout is RFC 9562 section 5.7 with the sub-millisecond part of section 6.2, method 3. No header and no extra
//! field is needed, so the body keeps the published schema and the stamp survives processors that drop headers.

use std::fmt;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Sequences a lane can number: 2^34.
pub const SEQUENCES: u64 = 1 << SEQUENCE_BITS;
/// Lanes a run can have: 2^8.
pub const LANES: usize = 1 << 8;

const SEQUENCE_BITS: u32 = 34;
const CHECK_BITS: u32 = 16;
const LANE_SHIFT: u32 = CHECK_BITS + SEQUENCE_BITS;
const TAG_SHIFT: u32 = LANE_SHIFT + 8;
const VERSION: u128 = 7 << 76;
const VERSION_MASK: u128 = 0xF << 76;
const VARIANT: u128 = 0b10 << 62;
const VARIANT_MASK: u128 = 0b11 << 62;
const CHECK_MASK: u128 = 0xFFFF;

/// A due time as the stamp carries it: Unix time in 1/4096 ms (244 ns).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueTime(u64);

impl DueTime {
    /// No due time is later.
    pub const LATEST: Self = Self(u64::MAX);

    /// Rounds down to 1/4096 ms. Wall times after the year 10889 do not fit and wrap.
    #[must_use]
    pub const fn from_unix_ns(unix_ns: u64) -> Self {
        let (ms, below) = (unix_ns / 1_000_000, unix_ns % 1_000_000);
        Self((ms << 12) | ((below << 12) / 1_000_000))
    }

    /// The first ns that rounds down to this due time.
    #[must_use]
    pub const fn unix_ns(self) -> u64 {
        (self.0 >> 12) * 1_000_000 + ((self.0 & 0xFFF) * 1_000_000).div_ceil(1 << 12)
    }

    /// The last ns that rounds down to this due time.
    #[must_use]
    pub const fn last_unix_ns(self) -> u64 {
        Self(self.0 + 1).unix_ns() - 1
    }
}

/// The id of a run: 64 random bits, the key of every check in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunId(pub u64);

impl RunId {
    /// Four bits of the id: a first filter in a shared topic. The keyed check is the proof.
    #[must_use]
    pub const fn tag(self) -> u8 {
        (self.0 >> 60) as u8
    }

    /// 16 bits that bind the stamp to the key and to the rest of the body, so that damage to any of them shows.
    ///
    /// `content` is the canonical body from the byte after the id's closing quote to its end.
    #[must_use]
    pub fn check(self, stamp: Stamp, key: &[u8], content: &[u8]) -> u16 {
        let bits = Stamp { check: 0, ..stamp }.bits().to_be_bytes();
        let stamp_hash = xxh3_64_with_seed(&bits, self.0);
        let key_hash = xxh3_64_with_seed(key, stamp_hash);
        let hash = xxh3_64_with_seed(content, key_hash);
        (hash >> 48) as u16
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl std::str::FromStr for RunId {
    type Err = std::num::ParseIntError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(Self)
    }
}

/// What an `event_id` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When the event was due.
    pub due: DueTime,
    /// [`RunId::tag`] of its run; 4 bits.
    pub tag: u8,
    /// Its lane.
    pub lane: u8,
    /// Its number in the lane; below [`SEQUENCES`].
    pub sequence: u64,
    /// [`RunId::check`] over the rest.
    pub check: u16,
}

impl Stamp {
    /// The 128 bits of the UUID.
    #[must_use]
    pub const fn bits(self) -> u128 {
        let low = (self.tag as u128 & 0xF) << TAG_SHIFT
            | (self.lane as u128) << LANE_SHIFT
            | (self.sequence as u128 & (SEQUENCES as u128 - 1)) << CHECK_BITS
            | self.check as u128;
        let (ms, below) = ((self.due.0 >> 12) as u128, (self.due.0 & 0xFFF) as u128);
        (ms & 0xFFFF_FFFF_FFFF) << 80 | VERSION | below << 64 | VARIANT | low
    }

    /// Reads a UUID; `None` where it is not a version 7 of RFC 9562.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each field is cut to its width on purpose")]
    pub const fn from_bits(bits: u128) -> Option<Self> {
        if bits & VERSION_MASK != VERSION || bits & VARIANT_MASK != VARIANT {
            return None;
        }
        let (ms, below) = ((bits >> 80) as u64, (bits >> 64) as u64 & 0xFFF);
        Some(Self {
            due: DueTime(ms << 12 | below),
            tag: (bits >> TAG_SHIFT) as u8 & 0xF,
            lane: (bits >> LANE_SHIFT) as u8,
            sequence: (bits >> CHECK_BITS) as u64 & (SEQUENCES - 1),
            check: (bits & CHECK_MASK) as u16,
        })
    }

    /// The id as it stands in the body: 36 lower-case characters.
    pub fn write(self, text: &mut [u8; 36]) {
        Uuid::from_u128(self.bits()).hyphenated().encode_lower(text);
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_u128(self.bits()).hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamps() -> impl Strategy<Value = Stamp> {
        (0_u64..1 << 60, 0_u8..16, any::<u8>(), 0..SEQUENCES, any::<u16>())
            .prop_map(|(due, tag, lane, sequence, check)| Stamp { due: DueTime(due), tag, lane, sequence, check })
    }

    proptest! {
        #[test]
        fn a_stamp_survives_its_uuid(stamp in stamps()) {
            prop_assert_eq!(Stamp::from_bits(stamp.bits()), Some(stamp));
            let uuid: Uuid = stamp.to_string().parse().unwrap();
            prop_assert_eq!(uuid.get_version_num(), 7);
            prop_assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
            prop_assert_eq!(uuid.as_u128(), stamp.bits());
        }

        #[test]
        fn ids_of_a_lane_sort_by_due_time(stamp in stamps(), later in 1_u64..1_000_000) {
            prop_assume!(stamp.due.0 + later < 1 << 60);
            let next = Stamp { due: DueTime(stamp.due.0 + later), ..stamp };
            prop_assert!(next.to_string() > stamp.to_string());
        }

        #[test]
        fn a_due_time_loses_less_than_a_4096th_of_a_millisecond(unix_ns in 0_u64..1 << 62) {
            let due = DueTime::from_unix_ns(unix_ns);
            prop_assert!(due.unix_ns() <= unix_ns);
            prop_assert!(unix_ns - due.unix_ns() < 245);
            prop_assert_eq!(DueTime::from_unix_ns(due.unix_ns()), due);
            prop_assert!(unix_ns <= due.last_unix_ns());
            prop_assert_eq!(DueTime::from_unix_ns(due.last_unix_ns()), due);
        }
    }

    #[test]
    fn damage_breaks_the_check_but_for_one_case_in_65536() {
        let run = RunId(0x1234_5678_9abc_def0);
        let stamp = Stamp { due: DueTime::from_unix_ns(1), tag: run.tag(), lane: 2, sequence: 3, check: 0 };
        let body = [b'x'; 200];
        let intact = run.check(stamp, b"42", &body);
        let unnoticed = (0..body.len() * 8).filter(|bit| {
            let mut damaged = body;
            damaged[bit / 8] ^= 1 << (bit % 8);
            run.check(stamp, b"42", &damaged) == intact
        });
        assert_eq!(unnoticed.count(), 0);
    }

    #[test]
    fn the_check_depends_on_stamp_key_body_and_run() {
        let stamp = Stamp { due: DueTime::from_unix_ns(1), tag: 1, lane: 2, sequence: 3, check: 0 };
        let check = RunId(7).check(stamp, b"42", b"body");
        assert_ne!(check, RunId(8).check(stamp, b"42", b"body"));
        assert_ne!(check, RunId(7).check(stamp, b"43", b"body"));
        assert_ne!(check, RunId(7).check(stamp, b"42", b"bodz"));
        assert_ne!(check, RunId(7).check(Stamp { sequence: 4, ..stamp }, b"42", b"body"));
        assert_eq!(check, RunId(7).check(Stamp { check: 999, ..stamp }, b"42", b"body"));
    }

    #[test]
    fn other_uuids_are_no_stamps() {
        assert_eq!(Stamp::from_bits(Uuid::nil().as_u128()), None);
        let v4: Uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().unwrap();
        assert_eq!(Stamp::from_bits(v4.as_u128()), None);
    }

    #[test]
    fn the_layout_stays_as_published() {
        let stamp = Stamp {
            due: DueTime::from_unix_ns(1_700_000_000_123_500_000),
            tag: 0xA,
            lane: 3,
            sequence: 5,
            check: 0xBEEF,
        };
        assert_eq!(stamp.to_string(), "018bcfe5-687b-7800-a80c-00000005beef");
    }
}
