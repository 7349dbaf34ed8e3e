//! Binds a record to a message: which field is which, and how its values are written.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor, Syntax};

use super::message::{Field, Form, LEN, MAX_DEPTH, Message, Number, One, Presence, Scalar, TIMESTAMP};
use super::text::{constant_name, constant_prefix};
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Record, Shape, Unit};

/// The largest scale of a decimal that 128 bits hold.
const MAX_SCALE: u32 = 38;

pub(super) fn message(record: &Record, own: &MessageDescriptor, depth: usize) -> Result<Message, SchemaError> {
    check(own, depth)?;
    let fields = record.fields.iter().map(|field| {
        let oneof = own.oneofs().find(|oneof| !oneof.is_synthetic() && oneof.name() == &*field.name);
        let bound = match (oneof, own.get_field_by_name(&field.name)) {
            (Some(oneof), _) => one_of(&field.shape, &oneof, depth),
            (None, Some(own)) => self::field(&field.shape, &own, depth),
            (None, None) => Err(SchemaError::new(format!("the message {} has no such field", own.full_name()))),
        };
        bound.map(Field::new).map_err(|error| error.within(&field.name))
    });
    Ok(Message::new(fields.collect::<Result<_, _>>()?))
}

fn check(own: &MessageDescriptor, depth: usize) -> Result<(), SchemaError> {
    if own.parent_file().syntax() != Syntax::Proto3 {
        let (file, name) = (own.parent_file().name().to_owned(), own.full_name());
        return Err(SchemaError::new(format!("{name} is not of proto3 (in {file}), which alone is supported")));
    }
    // Packed values take a level too.
    if depth + 1 >= MAX_DEPTH {
        return Err(SchemaError::new(format!("more than {MAX_DEPTH} messages stand within each other")));
    }
    Ok(())
}

fn field(shape: &Shape, own: &FieldDescriptor, depth: usize) -> Result<Form, SchemaError> {
    if let Some(oneof) = own.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
        return Err(SchemaError::new(format!("it is a member of the oneof {}, which is one field", oneof.name())));
    }
    if own.is_map() {
        return map(shape, own, depth);
    }
    if own.is_list() {
        let Shape::Array(shape) = shape else { return Err(unlike(shape, own)) };
        let bound = single(shape, own, depth).map_err(|error| error.within("[]"))?;
        if shape.only_value().is_some() {
            return Err(SchemaError::new("its values have no fields, or only constants").within("[]"));
        }
        let wire_type = bound.wire_type();
        let packed = (wire_type != LEN).then_some(own.number() << 3 | LEN);
        // prost-reflect's own answer is that of the syntax alone where the text comes from protox.
        let is_packed =
            own.field_descriptor_proto().options.as_ref().is_none_or(|options| options.packed != Some(false));
        return Ok(Form::Many {
            tag: own.number() << 3 | wire_type,
            packed,
            one: bound,
            is_packed: packed.is_some() && is_packed,
        });
    }
    let (shape, presence) = match shape {
        Shape::Optional(shape) if own.supports_presence() => (&**shape, Presence::Optional),
        Shape::Optional(_) => {
            return Err(SchemaError::new("it is optional, and its Protobuf field is not marked with that word"));
        }
        shape if own.supports_presence() => (shape, Presence::Required),
        shape => (shape, Presence::Implicit),
    };
    let bound = single(shape, own, depth)?;
    Ok(Form::One { tag: own.number() << 3 | bound.wire_type(), one: bound, presence })
}

fn map(shape: &Shape, own: &FieldDescriptor, depth: usize) -> Result<Form, SchemaError> {
    let Shape::Map(shape) = shape else { return Err(unlike(shape, own)) };
    let Kind::Message(entry) = own.kind() else { return Err(unlike(shape, own)) };
    if entry.map_entry_key_field().kind() != Kind::String {
        return Err(SchemaError::new("a map whose keys are not strings is not supported"));
    }
    check(&entry, depth + 1)?;
    let value = single(shape, &entry.map_entry_value_field(), depth + 1).map_err(|error| error.within("{}"))?;
    let value_tag = 2 << 3 | value.wire_type();
    Ok(Form::Map { tag: own.number() << 3 | LEN, value_tag, value })
}

fn one_of(shape: &Shape, own: &OneofDescriptor, depth: usize) -> Result<Form, SchemaError> {
    let (shape, is_optional) = match shape {
        Shape::Optional(shape) => (&**shape, true),
        shape => (shape, false),
    };
    let Shape::Union(branches) = shape else {
        return Err(SchemaError::new(format!("{} cannot be a oneof", shape.kind())));
    };
    let mut fields: Vec<_> = own.fields().collect();
    if fields.len() != branches.len() {
        let (has, wants) = (fields.len(), branches.len());
        return Err(SchemaError::new(format!("a union of {wants}, and its oneof has {has} fields")));
    }
    fields.sort_unstable_by_key(FieldDescriptor::number);
    let members = fields.iter().zip(branches).map(|(own, shape)| {
        let bound = single(shape, own, depth).map_err(|error| error.within(own.name()))?;
        Ok((own.number() << 3 | bound.wire_type(), bound))
    });
    Ok(Form::OneOf { members: members.collect::<Result<_, SchemaError>>()?, is_optional })
}

/// What may stand where one value does: of an array, a map, an optional, a `oneof`.
fn single(shape: &Shape, own: &FieldDescriptor, depth: usize) -> Result<One, SchemaError> {
    let Kind::Message(inner) = own.kind() else {
        return scalar(shape, &own.kind()).map(One::Scalar).ok_or_else(|| unlike(shape, own));
    };
    match shape {
        Shape::Timestamp { unit, .. } if inner.full_name() == TIMESTAMP => Ok(One::Timestamp(*unit)),
        Shape::Record(record) => message(record, &inner, depth + 1).map(One::Message),
        shape => stand_in(shape, &inner, depth + 1).map(One::Message),
    }
}

/// A message that has one field, which is the value.
fn stand_in(shape: &Shape, own: &MessageDescriptor, depth: usize) -> Result<Message, SchemaError> {
    check(own, depth)?;
    let form = match (own.oneofs().find(|oneof| !oneof.is_synthetic()), own.fields().next()) {
        (Some(oneof), _) if oneof.fields().len() == own.fields().len() => one_of(shape, &oneof, depth)?,
        (_, Some(field)) if own.fields().len() == 1 => self::field(shape, &field, depth)?,
        _ => {
            let (kind, name) = (shape.kind(), own.full_name());
            return Err(SchemaError::new(format!(
                "{kind} cannot be the message {name}, which has not exactly one field"
            )));
        }
    };
    Ok(Message::new(vec![Field::new(form)]))
}

fn unlike(shape: &Shape, own: &FieldDescriptor) -> SchemaError {
    let list = if own.is_map() {
        "a map of "
    } else if own.is_list() {
        "repeated "
    } else {
        ""
    };
    SchemaError::new(format!("{} cannot be {list}{:?} in Protobuf", shape.kind(), own.kind()))
}

fn scalar(shape: &Shape, kind: &Kind) -> Option<Scalar> {
    Some(match (shape, kind) {
        (Shape::Boolean, Kind::Bool) => Scalar::Boolean,
        (Shape::Float, Kind::Float) => Scalar::Float,
        (Shape::Double, Kind::Double) => Scalar::Double,
        (Shape::Text, Kind::String) => Scalar::Text,
        (Shape::Constant(text), Kind::String) => Scalar::Constant(text.clone()),
        (Shape::Uuid(_), Kind::String) => Scalar::UuidText,
        (Shape::Uuid(_), Kind::Bytes) => Scalar::UuidBytes,
        (Shape::Decimal { precision, scale, min }, Kind::String) if *scale <= MAX_SCALE => {
            Scalar::Decimal { precision: *precision, scale: *scale, min: *min }
        }
        (Shape::Bytes, Kind::Bytes) => Scalar::Bytes,
        (Shape::Fixed { size, .. }, Kind::Bytes) => Scalar::Fixed(*size),
        (Shape::Enum { symbols, .. }, Kind::Enum(own)) => Scalar::Enum(numbers(symbols, own)?),
        (Shape::Integer(bounds), kind) => within(number(kind)?, bounds.min, bounds.max)?,
        (Shape::Date | Shape::TimeOfDay(Unit::Millis), kind) => {
            within(number(kind)?, i32::MIN.into(), i32::MAX.into())?
        }
        (Shape::TimeOfDay(_) | Shape::Timestamp { .. }, kind) => {
            within(number(kind)?, i64::MIN.into(), i64::MAX.into())?
        }
        _ => return None,
    })
}

/// The numbers of the symbols, which have the names of the values, with or without the prefix of the enum.
fn numbers(symbols: &[Box<str>], own: &EnumDescriptor) -> Option<Box<[i32]>> {
    let prefix = constant_prefix(own.name());
    let number = |symbol: &str| {
        let long = format!("{prefix}{}", constant_name(symbol));
        own.get_value_by_name(symbol).or_else(|| own.get_value_by_name(&long)).map(|value| value.number())
    };
    symbols.iter().map(|symbol| number(symbol)).collect()
}

fn number(kind: &Kind) -> Option<Number> {
    Some(match kind {
        Kind::Int32 => Number::Int32,
        Kind::Int64 => Number::Int64,
        Kind::Uint32 => Number::Uint32,
        Kind::Uint64 => Number::Uint64,
        Kind::Sint32 => Number::Sint32,
        Kind::Sint64 => Number::Sint64,
        Kind::Fixed32 => Number::Fixed32,
        Kind::Fixed64 => Number::Fixed64,
        Kind::Sfixed32 => Number::Sfixed32,
        Kind::Sfixed64 => Number::Sfixed64,
        _ => return None,
    })
}

/// A whole number whose bounds its type holds.
fn within(number: Number, min: i128, max: i128) -> Option<Scalar> {
    let (least, largest): (i128, i128) = match number {
        Number::Int32 | Number::Sint32 | Number::Sfixed32 => (i32::MIN.into(), i32::MAX.into()),
        Number::Int64 | Number::Sint64 | Number::Sfixed64 => (i64::MIN.into(), i64::MAX.into()),
        Number::Uint32 | Number::Fixed32 => (0, u32::MAX.into()),
        Number::Uint64 | Number::Fixed64 => (0, u64::MAX.into()),
    };
    (min >= least && max <= largest).then_some(Scalar::Integer { number, min, max })
}
