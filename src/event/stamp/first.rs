//! The first layout, which did not say its version. It is known so that its ids are not taken for those of today.
//!
//! ```text
//!  48 bit  due time, Unix ms        4 bit version (7)     12 bit  due time below 1 ms, in 1/4096 ms
//!   2 bit  variant (0b10)           62 bit  run tag 4 | lane 8 | sequence 34 | check 16
//! ```
//! One in four of them has the two bits that are the layout of today.

#![expect(clippy::cast_possible_truncation, reason = "each field is cut to its width on purpose")]

use super::{DueTime, RunId, TICK_BITS, VARIANT, VARIANT_MASK, VERSION, VERSION_MASK};

/// What an `event_id` of the first layout says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstStamp {
    bits: u128,
}

impl FirstStamp {
    /// Reads a UUID as one of the first layout; `None` where it is not a version 7 of RFC 9562.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Option<Self> {
        if bits & VERSION_MASK != VERSION || bits & VARIANT_MASK != VARIANT {
            return None;
        }
        Some(Self { bits })
    }

    /// Tag and lane in one number: 12 bits.
    #[must_use]
    pub const fn lane(self) -> u16 {
        (self.bits >> 50) as u16 & 0xFFF
    }

    /// The event's number in its lane; 34 bits.
    #[must_use]
    pub const fn sequence(self) -> u64 {
        (self.bits >> 16) as u64 & ((1 << 34) - 1)
    }

    /// When it was due.
    #[must_use]
    pub const fn due(self) -> DueTime {
        let (ms, below) = ((self.bits >> 80) as u64, (self.bits >> 64) as u64 & 0xFFF);
        DueTime(ms << TICK_BITS | below >> 2)
    }

    /// Whether its check is that run's.
    #[must_use]
    pub fn is_of(self, run: RunId, key: &[u8], content: &[u8]) -> bool {
        u64::from(self.lane() >> 8) == run.0 >> 60
            && run.hash(self.bits & !0xFFFF, key, content) >> 48 == self.bits as u64 & 0xFFFF
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_id_of_the_first_layout_says_what_it_said() {
        let id: Uuid = "018bcfe5-687b-7800-a80c-00000005beef".parse().unwrap();
        let stamp = FirstStamp::from_bits(id.as_u128()).unwrap();
        assert_eq!((stamp.lane(), stamp.sequence()), (0xA03, 5));
        assert_eq!(stamp.due(), DueTime::from_unix_ns(1_700_000_000_123_500_000));
        assert!(!stamp.is_of(RunId(0xA << 60), b"1", b"body"));
    }

    #[test]
    fn its_check_is_known_where_the_run_is() {
        let run = RunId(0xA123_4567_89AB_CDEF);
        let bare: Uuid = "018bcfe5-687b-7800-a80c-000000050000".parse().unwrap();
        let check = u128::from(run.hash(bare.as_u128(), b"42", b"body") >> 48);
        let stamp = FirstStamp::from_bits(bare.as_u128() | check).unwrap();
        assert!(stamp.is_of(run, b"42", b"body"));
        assert!(!stamp.is_of(RunId(0xA123_4567_89AB_CDEE), b"42", b"body") && !stamp.is_of(run, b"43", b"body"));
    }
}
