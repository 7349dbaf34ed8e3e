//! Values that are no messages, and timestamps: read, checked, handed over.

use std::str;

use super::cursor::Cursor;
use super::decimal::parse_decimal;
use super::message::{NANOS_TAG, Number, SECONDS_TAG, Scalar};
use crate::wire::Malformed;
use crate::wire::shape::Unit;
use crate::wire::sink::{Sink, give_text};
use crate::wire::value::bytes_to_uuid;
use crate::wire::varint::unzigzag;

const NOT_32_BITS: Malformed = Malformed::BadValue("a 32-bit number has more than 32 bits");
const OUT_OF_BOUNDS: Malformed = Malformed::BadValue("a number is outside its bounds");
const NO_TIMESTAMP: Malformed = Malformed::BadValue("a timestamp is outside its range, or finer than its unit");

/// Reads one value behind its tag.
#[inline]
pub(super) fn read<S: Sink>(scalar: &Scalar, from: &mut Cursor, sink: &mut S) -> Result<(), Malformed> {
    match scalar {
        Scalar::Text => give_text(from.delimited()?, sink).ok_or(Malformed::NotUtf8)?,
        Scalar::Integer { number, min, max } => read_integer(*number, (*min, *max), from, sink)?,
        Scalar::Boolean => match from.varint()? {
            0 => sink.boolean(false),
            1 => sink.boolean(true),
            _ => return Err(Malformed::BadValue("a boolean is neither 0 nor 1")),
        },
        Scalar::Float => sink.double(f32::from_le_bytes(from.four()?).into()),
        Scalar::Double => sink.double(f64::from_le_bytes(from.eight()?)),
        Scalar::Constant(constant) => {
            if from.delimited()? != constant.as_bytes() {
                return Err(Malformed::WrongConstant);
            }
        }
        Scalar::Bytes => sink.bytes(from.delimited()?),
        Scalar::Fixed(size) => {
            let bytes = from.delimited()?;
            if bytes.len() != *size {
                return Err(Malformed::BadLength);
            }
            sink.bytes(bytes);
        }
        Scalar::UuidText => {
            let text = from.delimited()?;
            sink.uuid(bytes_to_uuid(text).ok_or_else(|| no_uuid(text))?);
        }
        Scalar::UuidBytes => {
            let bytes = from.delimited()?.try_into().map_err(|_| Malformed::BadLength)?;
            sink.uuid(u128::from_be_bytes(bytes));
        }
        Scalar::Decimal { precision, scale, min } => {
            let value = parse_decimal(from.delimited()?, *precision, *scale)
                .filter(|value| min.is_none_or(|min| *value >= min))
                .ok_or(Malformed::BadValue("a text is no decimal of its precision and scale"))?;
            sink.decimal(value);
        }
        Scalar::Enum(numbers) => sink.symbol(symbol(numbers, signed_32(from.varint()?)?)?),
    }
    Ok(())
}

/// Hands over what a field without presence has when it is not there.
pub(super) fn read_default<S: Sink>(scalar: &Scalar, sink: &mut S) -> Result<(), Malformed> {
    match scalar {
        Scalar::Boolean => sink.boolean(false),
        Scalar::Integer { min, max, .. } if *min <= 0 && *max >= 0 => sink.integer(0),
        Scalar::Float | Scalar::Double => sink.double(0.0),
        Scalar::Text => sink.text(""),
        Scalar::Bytes | Scalar::Fixed(0) => sink.bytes(b""),
        Scalar::Constant(text) if text.is_empty() => {}
        Scalar::Enum(numbers) => sink.symbol(symbol(numbers, 0).map_err(|_| Malformed::MissingField)?),
        _ => return Err(Malformed::MissingField),
    }
    Ok(())
}

fn no_uuid(text: &[u8]) -> Malformed {
    if str::from_utf8(text).is_ok() { Malformed::BadValue("a text is no UUID") } else { Malformed::NotUtf8 }
}

fn symbol(numbers: &[i32], number: i32) -> Result<usize, Malformed> {
    numbers.iter().position(|own| *own == number).ok_or(Malformed::BadEnum)
}

/// A negative number has ten bytes, or five where an old implementation wrote it.
fn signed_32(value: u64) -> Result<i32, Malformed> {
    match u32::try_from(value) {
        Ok(value) => Ok(value.cast_signed()),
        Err(_) => i32::try_from(value.cast_signed()).map_err(|_| NOT_32_BITS),
    }
}

fn read_integer<S: Sink>(
    number: Number,
    bounds: (i128, i128),
    from: &mut Cursor,
    sink: &mut S,
) -> Result<(), Malformed> {
    let value: i64 = match number {
        Number::Int32 => signed_32(from.varint()?)?.into(),
        Number::Int64 => from.varint()?.cast_signed(),
        Number::Sint32 => {
            let value = unzigzag(from.varint()?);
            i32::try_from(value).map_err(|_| NOT_32_BITS)?.into()
        }
        Number::Sint64 => unzigzag(from.varint()?),
        Number::Uint32 => u32::try_from(from.varint()?).map_err(|_| NOT_32_BITS)?.into(),
        Number::Fixed32 => u32::from_le_bytes(from.four()?).into(),
        Number::Sfixed32 => i32::from_le_bytes(from.four()?).into(),
        Number::Sfixed64 => i64::from_le_bytes(from.eight()?),
        Number::Uint64 => return read_unsigned(from.varint()?, bounds, sink),
        Number::Fixed64 => return read_unsigned(u64::from_le_bytes(from.eight()?), bounds, sink),
    };
    if i128::from(value) < bounds.0 || i128::from(value) > bounds.1 {
        return Err(OUT_OF_BOUNDS);
    }
    sink.integer(value);
    Ok(())
}

fn read_unsigned<S: Sink>(value: u64, bounds: (i128, i128), sink: &mut S) -> Result<(), Malformed> {
    if i128::from(value) < bounds.0 || i128::from(value) > bounds.1 {
        return Err(OUT_OF_BOUNDS);
    }
    match i64::try_from(value) {
        Ok(value) => sink.integer(value),
        Err(_) => sink.unsigned(value),
    }
    Ok(())
}

/// The parts of a `google.protobuf.Timestamp`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timestamp {
    seconds: i64,
    nanos: i32,
}

/// From 0001-01-01 to 9999-12-31.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
pub(super) const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// How many of the unit a second has.
pub(super) const fn per_second(unit: Unit) -> i64 {
    match unit {
        Unit::Millis => 1_000,
        Unit::Micros => 1_000_000,
        Unit::Nanos => NANOS_PER_SECOND,
    }
}

impl Timestamp {
    /// Takes the fields of `from` in, and counts those that are unknown.
    pub(super) fn merge(&mut self, mut from: Cursor) -> Result<usize, Malformed> {
        let mut unknown = 0;
        loop {
            match from.tag()? {
                0 => return Ok(unknown),
                SECONDS_TAG => self.seconds = from.varint()?.cast_signed(),
                NANOS_TAG => self.nanos = signed_32(from.varint()?)?,
                tag if tag >> 3 == 1 || tag >> 3 == 2 => return Err(Malformed::BadTag),
                tag => {
                    from.skip(tag)?;
                    unknown += 1;
                }
            }
        }
    }

    /// In that unit, since the Unix epoch.
    pub(super) fn count(self, unit: Unit) -> Result<i64, Malformed> {
        let nanos = i64::from(self.nanos);
        let per_unit = NANOS_PER_SECOND / per_second(unit);
        let is_right = SECONDS.contains(&self.seconds) && (0..NANOS_PER_SECOND).contains(&nanos);
        if !is_right || nanos % per_unit != 0 {
            return Err(NO_TIMESTAMP);
        }
        let whole = i128::from(self.seconds) * i128::from(per_second(unit)) + i128::from(nanos / per_unit);
        i64::try_from(whole).map_err(|_| NO_TIMESTAMP)
    }
}
