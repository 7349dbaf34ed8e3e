//! Making wrong records out of right ones.

mod binary;
mod json;

use std::sync::Arc;

use uuid::Uuid;

use super::fault::Fault;
use super::schemas::Series;
use crate::event::catalogue::Catalogue;
use crate::event::decode::Wholeness;
use crate::event::invalid::Invalid;
use crate::event::stamp::{DueTime, RunId, Stamp};
use crate::settings::formats::Format;
use crate::wire::Malformed;
use crate::wire::framing::CONFLUENT_LENGTH;

/// A day: further than any event of a self-test is from another.
const DAY_NS: u64 = 86_400_000_000_000;
/// The lane of a process that no self-test has.
const SIBLING: u16 = super::plan::ALL - 1;

/// Where in a record's value the id stands: it is the first field of each type of the shop.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdPlace {
    /// How long the frame is.
    frame: usize,
    start: usize,
    end: usize,
}

impl IdPlace {
    pub(super) const fn of(format: Format) -> Self {
        let (frame, lead, length) = match format {
            // `{"event_id":"` comes before it.
            Format::Json => (0, 13, 36),
            Format::JsonSchema => (CONFLUENT_LENGTH, 13, 36),
            Format::Avro => (CONFLUENT_LENGTH, 0, 16),
            // One more byte says which message of the schema it is; a tag and a length come before the id.
            Format::Protobuf => (CONFLUENT_LENGTH + 1, 2, 36),
        };
        Self { frame, start: frame + lead, end: frame + lead + length }
    }

    /// The stamp of a record that begins as loadgen writes it, however broken the rest is.
    pub(super) fn stamp_of(self, value: &[u8]) -> Option<Stamp> {
        let id = value.get(self.start..self.end)?;
        let bits = match <[u8; 16]>::try_from(id) {
            Ok(bytes) => u128::from_be_bytes(bytes),
            Err(_) => Uuid::try_parse_ascii(id).ok()?.as_u128(),
        };
        Stamp::from_bits(bits)
    }
}

/// Forges events of one run in one format.
#[derive(Debug)]
pub(super) struct Forge {
    catalogue: Arc<Catalogue>,
    run: RunId,
    format: Format,
    pub(super) place: IdPlace,
}

impl Forge {
    pub(super) const fn new(catalogue: Arc<Catalogue>, run: RunId, format: Format) -> Self {
        Self { catalogue, run, format, place: IdPlace::of(format) }
    }

    /// What is written in an event's place, or beside it: key and value. `None` where the fault does not change them.
    pub(super) fn forge(&self, fault: Fault, key: &[u8], value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let mut key = key.to_vec();
        let value = match fault {
            Fault::ValueBit => self.flipped(&key, value)?,
            Fault::KeyBit => {
                // The lowest bit turns a digit into another digit.
                *key.last_mut()? ^= 1;
                value.to_vec()
            }
            Fault::Truncated => self.cut_short(value)?,
            Fault::AnotherRun => {
                self.restamped(&key, value, false, |stamp| Stamp { tag: stamp.tag ^ 0b0101, ..stamp })?
            }
            Fault::AnotherTime => self.restamped(&key, value, false, |stamp| {
                let due = DueTime::from_unix_ns(stamp.due.unix_ns().saturating_sub(DAY_NS));
                Stamp { due, ..stamp }
            })?,
            Fault::Sibling => self.restamped(&key, value, true, |stamp| Stamp { lane: SIBLING, ..stamp })?,
            Fault::NoMagic => [&[1], value.get(1..)?].concat(),
            Fault::UnknownSchemaId => under(Series::Unknown, value)?,
            Fault::WrongSubject => under(Series::Stranger, value)?,
            Fault::NotReadable => under(Series::Unreadable, value)?,
            Fault::SchemaLate => under(Series::Late, value)?,
            Fault::SchemaSilent => under(Series::Silent, value)?,
            _ => match self.format {
                Format::Json | Format::JsonSchema => {
                    let (frame, text) = value.split_at_checked(self.place.frame)?;
                    [frame, &json::forged(fault, text)?].concat()
                }
                Format::Avro | Format::Protobuf => self.in_bytes(fault, value)?,
            },
        };
        Some((key, value))
    }

    /// The event with the lowest bit of one byte flipped: valid, of the same key, and not what was sent. A check of 12 bits lets
    /// one damage in 4,096 pass, which is not what is tested here: then it is another byte.
    fn flipped(&self, key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let stamp = self.place.stamp_of(value)?;
        (self.place.end..value.len()).rev().find_map(|at| {
            let mut value = value.to_vec();
            *value.get_mut(at)? ^= 1;
            let decoded = self.catalogue.decode(&value).ok()?;
            let is_the_same = decoded.stamp == Some(stamp) && decoded.key() == key;
            let is_wrong = is_the_same && decoded.wholeness(self.run, stamp, key) == Wholeness::Damaged;
            is_wrong.then_some(value)
        })
    }

    /// At most half of the event. Protobuf may leave its last fields out: it is cut within a field.
    fn cut_short(&self, value: &[u8]) -> Option<Vec<u8>> {
        let is_cut = |reason: &Invalid| matches!(reason, Invalid::NotJson | Invalid::Malformed(Malformed::Truncated));
        let mut cuts = (self.place.frame..=value.len() / 2).rev().filter_map(|end| value.get(..end));
        cuts.find(|cut| self.catalogue.decode(cut).err().as_ref().is_some_and(is_cut)).map(<[u8]>::to_vec)
    }

    fn restamped(&self, key: &[u8], value: &[u8], whole: bool, change: impl FnOnce(Stamp) -> Stamp) -> Option<Vec<u8>> {
        let mut stamp = change(self.place.stamp_of(value)?);
        stamp.check = self.run.check(stamp, key, self.catalogue.decode(value).ok()?.content());
        if !whole {
            stamp.check ^= 1;
        }
        let mut value = value.to_vec();
        stamp.write(value.get_mut(self.place.start..self.place.end)?);
        Some(value)
    }
}

/// The value of a record with another id in its frame.
fn under(series: Series, value: &[u8]) -> Option<Vec<u8>> {
    let mut value = value.to_vec();
    let id = value.get_mut(1..CONFLUENT_LENGTH)?.first_chunk_mut()?;
    *id = series.beside(u32::from_be_bytes(*id)).to_be_bytes();
    Some(value)
}

#[cfg(test)]
mod tests;
