//! Making wrong records out of right ones.

mod binary;
mod json;

use std::sync::Arc;

use uuid::Uuid;

use super::Wire;
use super::fault::Fault;
use super::schemas::Series;
use crate::event::catalogue::{Catalogue, ID_HEADER};
use crate::event::decode::Wholeness;
use crate::event::invalid::Invalid;
use crate::event::opaque::Raw;
use crate::event::stamp::{DueTime, RunId, Stamp};
use crate::kafka::headers::{Header, Headers};
use crate::settings::formats::Format;
use crate::wire::Malformed;
use crate::wire::framing::CONFLUENT_LENGTH;

/// A day: further than any event of a self-test is from another.
const DAY_NS: u64 = 86_400_000_000_000;
/// The lane of a process that no self-test has.
const SIBLING: u16 = super::plan::ALL - 1;

/// Where a record has its id: in the first field of each type of the shop, or in a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct IdPlace {
    /// How long the frame is.
    frame: usize,
    /// What is the id in the value; nothing where a header has it.
    start: usize,
    end: usize,
}

impl IdPlace {
    pub(super) const fn of(wire: Wire) -> Self {
        let (frame, lead, length) = match wire.format {
            // `{"event_id":"` comes before it.
            Format::Json => (0, 13, 36),
            Format::JsonSchema => (CONFLUENT_LENGTH, 13, 36),
            Format::Avro => (CONFLUENT_LENGTH, 0, 16),
            // One more byte says which message of the schema it is; a tag and a length come before the id.
            Format::Protobuf => (CONFLUENT_LENGTH + 1, 2, 36),
        };
        if wire.id_in_header {
            return Self { frame, start: frame, end: frame };
        }
        Self { frame, start: frame + lead, end: frame + lead + length }
    }

    /// In the first member of a JSON object.
    pub(super) const fn first_member(name: &str) -> Self {
        // `{"NAME":"` comes before it.
        let start = name.len() + 5;
        Self { frame: 0, start, end: start + 36 }
    }

    const fn is_header(self) -> bool {
        self.start == self.end
    }

    /// The stamp of a record that begins as loadgen writes it, however broken the rest is.
    pub(super) fn stamp_of(self, value: &[u8], headers: Headers<'_>) -> Option<Stamp> {
        let id = if self.is_header() { id_in(headers)? } else { value.get(self.start..self.end)? };
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

/// What is written: key, value, packed headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Forged {
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) headers: Box<[u8]>,
}

impl Forged {
    fn raw(&self) -> Raw<'_> {
        Raw { key: Some(&self.key), value: Some(&self.value), headers: Headers::packed(&self.headers) }
    }
}

/// The first id that stands in headers.
fn id_in(headers: Headers<'_>) -> Option<&[u8]> {
    headers.named(ID_HEADER.as_bytes()).next().flatten()
}

/// The headers with these ids in the place of theirs.
fn with_ids(headers: &[u8], ids: &[&[u8]]) -> Box<[u8]> {
    let mut packed = Vec::new();
    for header in Headers::packed(headers).iter().filter(|header| header.name != ID_HEADER.as_bytes()) {
        header.pack(&mut packed);
    }
    for id in ids {
        Header { name: ID_HEADER.as_bytes(), value: Some(id) }.pack(&mut packed);
    }
    packed.into()
}

impl Forge {
    pub(super) const fn new(catalogue: Arc<Catalogue>, run: RunId, wire: Wire) -> Self {
        Self { catalogue, run, format: wire.format, place: IdPlace::of(wire) }
    }

    /// The same, of records that have their ids there.
    pub(super) fn with_ids_at(self, place: IdPlace) -> Self {
        Self { place, ..self }
    }

    /// What is written in the place of an event, or beside it. `None` where the fault does not change it.
    pub(super) fn forge(&self, fault: Fault, whole: &Forged) -> Option<Forged> {
        let value = &*whole.value;
        let id = || id_in(whole.raw().headers);
        let with_ids = |ids: &[&[u8]]| Some(Forged { headers: with_ids(&whole.headers, ids), ..whole.clone() });
        let value = match fault {
            Fault::IdMissing => return with_ids(&[]),
            Fault::IdDoubled => return with_ids(&[id()?, id()?]),
            Fault::IdCut => return with_ids(&[id()?.split_last()?.1]),
            Fault::ValueBit => self.flipped(whole)?,
            Fault::KeyBit => {
                let mut key = whole.key.clone();
                // The lowest bit turns a digit into another digit.
                *key.last_mut()? ^= 1;
                return Some(Forged { key, ..whole.clone() });
            }
            Fault::Truncated => self.cut_short(value)?,
            Fault::AnotherRun => {
                return self.restamped(whole, false, |stamp| Stamp { tag: stamp.tag ^ 0b0101, ..stamp });
            }
            Fault::AnotherTime => {
                return self.restamped(whole, false, |stamp| {
                    let due = DueTime::from_unix_ns(stamp.due.unix_ns().saturating_sub(DAY_NS));
                    Stamp { due, ..stamp }
                });
            }
            Fault::Sibling => return self.restamped(whole, true, |stamp| Stamp { lane: SIBLING, ..stamp }),
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
        Some(Forged { value, ..whole.clone() })
    }

    /// The event with the lowest bit of one byte flipped: valid, of the same key, and not what was sent. A check of 12 bits lets
    /// one damage in 4,096 pass, which is not what is tested here: then it is another byte.
    fn flipped(&self, whole: &Forged) -> Option<Vec<u8>> {
        let stamp = self.place.stamp_of(&whole.value, whole.raw().headers)?;
        (self.place.end..whole.value.len()).rev().find_map(|at| {
            let mut value = whole.value.clone();
            *value.get_mut(at)? ^= 1;
            let decoded = self.catalogue.decode_record(Raw { value: Some(&value), ..whole.raw() }).ok()?;
            let is_the_same = decoded.stamp == Some(stamp) && decoded.has_key(&whole.key);
            let is_wrong = is_the_same && decoded.wholeness(self.run, stamp, &whole.key) == Wholeness::Damaged;
            is_wrong.then_some(value)
        })
    }

    /// At most half of the event. Protobuf may leave its last fields out: it is cut within a field.
    fn cut_short(&self, value: &[u8]) -> Option<Vec<u8>> {
        let is_cut = |reason: &Invalid| matches!(reason, Invalid::NotJson | Invalid::Malformed(Malformed::Truncated));
        let mut cuts = (self.place.frame..=value.len() / 2).rev().filter_map(|end| value.get(..end));
        cuts.find(|cut| self.catalogue.decode(cut).err().as_ref().is_some_and(is_cut)).map(<[u8]>::to_vec)
    }

    fn restamped(&self, whole: &Forged, is_right: bool, change: impl FnOnce(Stamp) -> Stamp) -> Option<Forged> {
        let mut stamp = change(self.place.stamp_of(&whole.value, whole.raw().headers)?);
        stamp.check = self.catalogue.decode_record(whole.raw()).ok()?.check(self.run, stamp, &whole.key);
        if !is_right {
            stamp.check ^= 1;
        }
        let mut forged = whole.clone();
        if self.place.is_header() {
            forged.headers = with_ids(&whole.headers, &[&stamp.bits().to_be_bytes()]);
        } else {
            stamp.write(forged.value.get_mut(self.place.start..self.place.end)?);
        }
        Some(forged)
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
