//! The stamp: an `event_id` that is a UUID version 7 and says which event of which run it is.
//!
//! ```text
//!  48 bit  due time, Unix ms        4 bit version (7)     10 bit  due time below 1 ms, in 1/1024 ms     2 bit  layout (1)
//!   2 bit  variant (0b10)           62 bit  run tag 10 | lane 12 | sequence 28 | check 12
//! ```
//! The form is that of RFC 9562 section 5.7 with the sub-millisecond part of section 6.2, method 3. No header and no extra
//! field is needed, so the body keeps the published schema and the stamp survives processors that drop headers.
//!
//! A lane whose sequences end goes on under a further number, see [`Numbering`].

mod first;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::wire::value::bytes_to_uuid;

pub use first::FirstStamp;

/// Sequences under one lane number: 2^28.
pub const SEQUENCES: u64 = 1 << SEQUENCE_BITS;
/// Lane numbers of a run: 2^12.
pub const LANES: u16 = 1 << 12;

/// Length of a UUID as text.
pub(super) const TEXT_LENGTH: usize = 36;
/// Length of a UUID as bytes.
pub(super) const BYTES_LENGTH: usize = 16;
/// Length of these bytes in base64, as JSON has bytes.
const BASE64_LENGTH: usize = 24;
const TICK_BITS: u32 = 10;
const TICKS: u64 = 1 << TICK_BITS;
/// The layout of this module. 0 is none that was ever written; 2 and 3 are for those to come.
const LAYOUT: u128 = 1 << 64;
const LAYOUT_MASK: u128 = 0b11 << 64;
const SEQUENCE_BITS: u32 = 28;
const CHECK_BITS: u32 = 12;
const LANE_SHIFT: u32 = CHECK_BITS + SEQUENCE_BITS;
const TAG_SHIFT: u32 = LANE_SHIFT + 12;
const VERSION: u128 = 7 << 76;
const VERSION_MASK: u128 = 0xF << 76;
const VARIANT: u128 = 0b10 << 62;
const VARIANT_MASK: u128 = 0b11 << 62;
const LANE_MASK: u16 = LANES - 1;
const TAG_MASK: u16 = 0x3FF;
const CHECK_MASK: u128 = 0xFFF;

/// A due time as the stamp carries it: Unix time in 1/1024 ms (977 ns).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DueTime(u64);

impl DueTime {
    /// No due time is later.
    pub const LATEST: Self = Self(u64::MAX);

    /// Rounds down to 1/1024 ms. Wall times after the year 10889 do not fit and wrap.
    #[must_use]
    pub const fn from_unix_ns(unix_ns: u64) -> Self {
        let (ms, below) = (unix_ns / 1_000_000, unix_ns % 1_000_000);
        Self((ms << TICK_BITS) | ((below << TICK_BITS) / 1_000_000))
    }

    /// The first ns that rounds down to this due time. A damaged id may name one beyond the year 2554: that is as late as there is.
    #[must_use]
    pub const fn unix_ns(self) -> u64 {
        (self.0 >> TICK_BITS).saturating_mul(1_000_000).saturating_add(((self.0 % TICKS) * 1_000_000).div_ceil(TICKS))
    }

    /// The last ns that rounds down to this due time.
    #[must_use]
    pub const fn last_unix_ns(self) -> u64 {
        Self(self.0.saturating_add(1)).unix_ns() - 1
    }

    /// Unix time in 1/1024 ms.
    #[must_use]
    pub const fn ticks(self) -> u64 {
        self.0
    }

    /// The due time of so many 1/1024 ms of Unix time.
    #[must_use]
    pub const fn from_ticks(ticks: u64) -> Self {
        Self(ticks)
    }
}

/// How a run's lanes name their events in stamps. Lane `l` of `n` numbers its first 2^28 events as lane `l`, the next 2^28 as lane
/// `l + n`, then as `l + 2n` and so on: no two lanes of a run share a number, however many processes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbering {
    lanes: u16,
}

impl Default for Numbering {
    fn default() -> Self {
        Self::each_for_itself()
    }
}

impl Numbering {
    /// That of a run of so many lanes, over all its processes; 1 to [`LANES`].
    #[must_use]
    pub const fn of(lanes: u16) -> Self {
        Self { lanes: if lanes == 0 { 1 } else { lanes } }
    }

    /// Each number is a lane: what is known of stamps where the number of lanes of their run is not.
    #[must_use]
    pub const fn each_for_itself() -> Self {
        Self { lanes: LANES }
    }

    /// How many events a lane can number.
    #[must_use]
    pub const fn room(self, lane: u16) -> u64 {
        match LANE_MASK.checked_sub(lane) {
            Some(above) => (above / self.lanes + 1) as u64 * SEQUENCES,
            None => 0,
        }
    }

    /// Whether each lane can number its even share of `events`, times `unevenness`.
    #[must_use]
    pub const fn holds(self, events: u64, unevenness: u64) -> bool {
        // The last lane has the fewest numbers.
        events.div_ceil(self.lanes as u64).saturating_mul(unevenness) <= self.room(self.lanes - 1)
    }

    /// The lane number and the sequence that stand in the stamp of a lane's event.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the numbers of a lane are fewer than 2^12")]
    pub const fn written(self, lane: u16, sequence: u64) -> (u16, u64) {
        if sequence < SEQUENCES {
            return (lane, sequence);
        }
        let further = (sequence >> SEQUENCE_BITS) as u16;
        (lane.wrapping_add(further.wrapping_mul(self.lanes)), sequence % SEQUENCES)
    }

    /// The same stamp with the lane that wrote it and the event's number there, in place of those that stand in it.
    #[must_use]
    pub const fn resolved(self, stamp: Stamp) -> Stamp {
        if stamp.lane < self.lanes {
            return stamp;
        }
        let (lane, further) = (stamp.lane % self.lanes, (stamp.lane / self.lanes) as u64);
        Stamp { lane, sequence: further << SEQUENCE_BITS | stamp.sequence, ..stamp }
    }
}

/// What a stamp's check covers of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Content<'a> {
    /// What stands before the id, where that can differ from event to event.
    pub before: &'a [u8],
    /// What stands after the id; in JSON after its closing quote.
    pub after: &'a [u8],
}

impl<'a> From<&'a [u8]> for Content<'a> {
    /// That of a body that begins with its id.
    fn from(after: &'a [u8]) -> Self {
        Self { before: &[], after }
    }
}

/// The id of a run: 64 random bits, the key of every check in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunId(pub u64);

impl RunId {
    /// Ten bits of the id: a first filter in a shared topic. The keyed check is the proof.
    #[must_use]
    pub const fn tag(self) -> u16 {
        (self.0 >> 54) as u16
    }

    /// 12 bits that bind the stamp to the key and to the rest of the body, so that damage to any of them shows.
    ///
    /// `content` is the body without its id.
    #[must_use]
    pub fn check<'a>(self, stamp: Stamp, key: &[u8], content: impl Into<Content<'a>>) -> u16 {
        let Content { before, after } = content.into();
        let mut hash = self.hash(Stamp { check: 0, ..stamp }.bits(), key, after);
        if !before.is_empty() {
            hash = xxh3_64_with_seed(before, hash);
        }
        (hash >> (64 - CHECK_BITS)) as u16
    }

    fn hash(self, id: u128, key: &[u8], content: &[u8]) -> u64 {
        let stamp_hash = xxh3_64_with_seed(&id.to_be_bytes(), self.0);
        let key_hash = xxh3_64_with_seed(key, stamp_hash);
        xxh3_64_with_seed(content, key_hash)
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
    /// [`RunId::tag`] of its run; 10 bits.
    pub tag: u16,
    /// The number of its lane; below [`LANES`].
    pub lane: u16,
    /// Its number under that; below [`SEQUENCES`].
    pub sequence: u64,
    /// [`RunId::check`] over the rest; 12 bits.
    pub check: u16,
}

impl Stamp {
    /// The 128 bits of the UUID.
    #[must_use]
    pub const fn bits(self) -> u128 {
        let low = (self.tag as u128 & TAG_MASK as u128) << TAG_SHIFT
            | (self.lane as u128 & LANE_MASK as u128) << LANE_SHIFT
            | (self.sequence as u128 & (SEQUENCES as u128 - 1)) << CHECK_BITS
            | self.check as u128 & CHECK_MASK;
        let (ms, below) = ((self.due.0 >> TICK_BITS) as u128, (self.due.0 % TICKS) as u128);
        (ms & 0xFFFF_FFFF_FFFF) << 80 | VERSION | below << 66 | LAYOUT | VARIANT | low
    }

    /// Reads a UUID; `None` where it is not a version 7 of RFC 9562 of this layout.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each field is cut to its width on purpose")]
    pub const fn from_bits(bits: u128) -> Option<Self> {
        if bits & VERSION_MASK != VERSION || bits & VARIANT_MASK != VARIANT || bits & LAYOUT_MASK != LAYOUT {
            return None;
        }
        let (ms, below) = ((bits >> 80) as u64, (bits >> 66) as u64 % TICKS);
        Some(Self {
            due: DueTime(ms << TICK_BITS | below),
            tag: (bits >> TAG_SHIFT) as u16 & TAG_MASK,
            lane: (bits >> LANE_SHIFT) as u16 & LANE_MASK,
            sequence: (bits >> CHECK_BITS) as u64 % SEQUENCES,
            check: (bits & CHECK_MASK) as u16,
        })
    }

    /// Puts the id into its place in a body: 36 lower-case characters, or 16 bytes in network order, or these in base64. A place of
    /// another size stays as it is.
    pub fn write(self, place: &mut [u8]) {
        put(self.bits(), place);
    }
}

/// Puts a UUID into the place that was left for it.
pub(super) fn put(bits: u128, place: &mut [u8]) {
    match place.len() {
        TEXT_LENGTH => drop(Uuid::from_u128(bits).hyphenated().encode_lower(place)),
        BYTES_LENGTH => place.copy_from_slice(&bits.to_be_bytes()),
        // The place has the length of what is written.
        BASE64_LENGTH => drop(STANDARD.encode_slice(bits.to_be_bytes(), place)),
        _ => {}
    }
}

/// The UUID that such a place holds.
pub(super) fn id_of(place: &[u8]) -> Option<u128> {
    match place.len() {
        TEXT_LENGTH => bytes_to_uuid(place),
        BYTES_LENGTH => place.first_chunk().map(|bytes| u128::from_be_bytes(*bytes)),
        BASE64_LENGTH => <[u8; BYTES_LENGTH]>::try_from(STANDARD.decode(place).ok()?).ok().map(u128::from_be_bytes),
        _ => None,
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_u128(self.bits()).hyphenated().fmt(f)
    }
}

#[cfg(test)]
mod tests;
