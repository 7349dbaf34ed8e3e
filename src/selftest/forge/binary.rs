//! What can be wrong with Avro and Protobuf, made byte by byte.

use super::Forge;
use crate::event::invalid::Invalid;
use crate::selftest::fault::Fault;
use crate::selftest::schemas::Series;
use crate::settings::formats::Format;
use crate::wire::Malformed;

/// The index of a branch of a union that no union of the events has, as Avro writes it.
const NO_BRANCH: u8 = 8;
/// What an enum of two symbols has not, as both formats write it.
const NO_SYMBOL: u8 = 8;
/// What Avro writes for an optional text with a value: its branch, its length, the text.
const CHANNEL: &[u8] = b"\x02\x06web";
/// A field with number 1,000 and the value 1, as Protobuf writes it.
const UNKNOWN_FIELD: &[u8] = b"\xc0\x3e\x01";
/// The bits of a tag that are its wire type: all of them clear stand for a number of variable length.
const WIRE_TYPE: u8 = 0b111;

impl Forge {
    /// The value of a record with that fault; `None` where it is none of these formats.
    pub(super) fn in_bytes(&self, fault: Fault, value: &[u8]) -> Option<Vec<u8>> {
        match fault {
            Fault::EndMissing => value.get(..value.len().checked_sub(1)?).map(<[u8]>::to_vec),
            Fault::TrailingByte => Some([value, &[0]].concat()),
            Fault::NotUtf8 => self.with_a_byte(value, 0xFF, Malformed::NotUtf8),
            Fault::BadUnion => self.with_a_byte(value, NO_BRANCH, Malformed::BadUnion),
            Fault::BadEnum => self.with_no_symbol(value),
            Fault::WrongConstant => {
                let name = self.catalogue.name(self.catalogue.decode(value).ok()?.kind).as_bytes();
                let at = value.windows(name.len()).position(|window| window == name)?;
                let mut value = value.to_vec();
                *value.get_mut(at)? ^= 1;
                Some(value)
            }
            Fault::BadTag => {
                let mut value = value.to_vec();
                *value.get_mut(self.place.frame)? &= !WIRE_TYPE;
                Some(value)
            }
            Fault::ReEncoded => self.written_again(value),
            _ => None,
        }
    }

    /// The value with that byte at the last place where it is that kind of damage, and no other.
    fn with_a_byte(&self, value: &[u8], byte: u8, damage: Malformed) -> Option<Vec<u8>> {
        (self.place.end..value.len()).rev().find_map(|at| {
            let mut value = value.to_vec();
            *value.get_mut(at)? = byte;
            (self.catalogue.decode(&value).err()? == Invalid::Malformed(damage)).then_some(value)
        })
    }

    /// By the version of the schema with an enum behind the other fields, which has another symbol than there are.
    fn with_no_symbol(&self, value: &[u8]) -> Option<Vec<u8>> {
        let kind = self.catalogue.decode(value).ok()?.kind;
        let fields = self.catalogue.types().nth(kind.index())?.1.record.fields.len();
        // In Protobuf its tag comes before it: the number of the field, and the wire type 0.
        let tag = u8::try_from((fields + 1) << 3).ok().filter(|_| self.format == Format::Protobuf);
        let end: Vec<u8> = tag.into_iter().chain([NO_SYMBOL]).collect();
        super::under(Series::Listed, &[value, &end].concat())
    }

    /// In Avro by the version of the schema with one field more, in Protobuf with the id behind the other fields and one that the
    /// schema does not have.
    fn written_again(&self, value: &[u8]) -> Option<Vec<u8>> {
        let (frame, body) = value.split_at_checked(self.place.frame)?;
        match self.format {
            Format::Avro => super::under(Series::Newer, &[frame, CHANNEL, body].concat()),
            Format::Protobuf => {
                let (id, rest) = body.split_at_checked(self.place.end - self.place.frame)?;
                Some([frame, rest, UNKNOWN_FIELD, id].concat())
            }
            Format::Json | Format::JsonSchema => None,
        }
    }
}
