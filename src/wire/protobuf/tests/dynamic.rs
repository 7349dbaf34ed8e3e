//! The same values as prost-reflect has them, by code that shares nothing with the plan but the names.

use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage, Value as Dynamic,
};

use super::super::scalar::per_second;
use crate::wire::digits::push_decimal;
use crate::wire::shape::{Record, Shape, Value};
use crate::wire::value::text_to_uuid;

const TIMESTAMP: &str = "google.protobuf.Timestamp";

pub(super) fn to_dynamic(value: &Value, record: &Record, own: &MessageDescriptor) -> DynamicMessage {
    let mut message = DynamicMessage::new(own.clone());
    let Value::Record(values) = value else { panic!("no record") };
    for (value, field) in values.iter().zip(&record.fields) {
        put(&mut message, &field.name, value, &field.shape);
    }
    message
}

/// Puts a value into the field or the oneof with that name.
fn put(message: &mut DynamicMessage, name: &str, value: &Value, shape: &Shape) {
    let shape = match shape {
        Shape::Optional(_) if *value == Value::Null => return,
        Shape::Optional(shape) => shape,
        shape => shape,
    };
    let own = message.descriptor();
    if let (Shape::Union(branches), Value::Branch(index, value)) = (shape, value) {
        let oneof = own.oneofs().find(|oneof| oneof.name() == name).unwrap();
        let mut fields: Vec<_> = oneof.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        message.set_field(&fields[*index], single(value, &branches[*index], &fields[*index].kind()));
        return;
    }
    let field = own.get_field_by_name(name).unwrap();
    let dynamic = match (shape, value) {
        (Shape::Array(entry), Value::Array(values)) if field.is_list() => {
            Dynamic::List(values.iter().map(|value| single(value, entry, &field.kind())).collect())
        }
        (Shape::Map(shape), Value::Map(values)) if field.is_map() => {
            let kind = field.kind().as_message().unwrap().map_entry_value_field().kind();
            let entries =
                values.iter().map(|(key, value)| (MapKey::String(key.to_string()), single(value, shape, &kind)));
            Dynamic::Map(entries.collect())
        }
        (shape, value) => single(value, shape, &field.kind()),
    };
    message.set_field(&field, dynamic);
}

fn single(value: &Value, shape: &Shape, kind: &Kind) -> Dynamic {
    if let Kind::Message(own) = kind {
        return Dynamic::Message(match (shape, value) {
            (Shape::Record(record), value) => to_dynamic(value, record, own),
            (Shape::Timestamp { unit, .. }, Value::Integer(value)) if own.full_name() == TIMESTAMP => {
                let mut message = DynamicMessage::new(own.clone());
                let per_second = i128::from(per_second(*unit));
                let seconds = value.div_euclid(per_second) as i64;
                let nanos = (value.rem_euclid(per_second) * (1_000_000_000 / per_second)) as i32;
                message.set_field_by_name("seconds", Dynamic::I64(seconds));
                message.set_field_by_name("nanos", Dynamic::I32(nanos));
                message
            }
            (shape, value) => {
                let mut message = DynamicMessage::new(own.clone());
                let name = own
                    .oneofs()
                    .find(|oneof| !oneof.is_synthetic())
                    .map_or_else(|| own.fields().next().unwrap().name().to_owned(), |oneof| oneof.name().to_owned());
                put(&mut message, &name, value, shape);
                message
            }
        });
    }
    match (value, shape, kind) {
        (Value::Boolean(value), ..) => Dynamic::Bool(*value),
        (Value::Integer(value), _, Kind::Int32 | Kind::Sint32 | Kind::Sfixed32) => Dynamic::I32(*value as i32),
        (Value::Integer(value), _, Kind::Int64 | Kind::Sint64 | Kind::Sfixed64) => Dynamic::I64(*value as i64),
        (Value::Integer(value), _, Kind::Uint32 | Kind::Fixed32) => Dynamic::U32(*value as u32),
        (Value::Integer(value), ..) => Dynamic::U64(*value as u64),
        (Value::Double(value), Shape::Float, _) => Dynamic::F32(*value as f32),
        (Value::Double(value), ..) => Dynamic::F64(*value),
        (Value::Null, Shape::Constant(text), _) | (Value::Text(text), ..) => Dynamic::String(text.to_string()),
        (Value::Bytes(bytes), ..) => Dynamic::Bytes(bytes.to_vec().into()),
        (Value::Uuid(value), ..) => Dynamic::String(uuid::Uuid::from_u128(*value).to_string()),
        (Value::Decimal(value), Shape::Decimal { scale, .. }, _) => {
            let mut text = Vec::new();
            push_decimal(&mut text, *value, *scale);
            Dynamic::String(String::from_utf8(text).unwrap())
        }
        (Value::Symbol(index), Shape::Enum { symbols, .. }, Kind::Enum(own)) => {
            let symbol = &*symbols[*index];
            let is_meant = |name: &str| name == symbol || name.ends_with(&format!("_{}", symbol.to_uppercase()));
            Dynamic::EnumNumber(own.values().find(|value| is_meant(value.name())).unwrap().number())
        }
        (value, shape, kind) => panic!("{value:?} of {shape:?} in {kind:?}"),
    }
}

/// The values of a message that prost-reflect read; `None` where one is none of its shape.
pub(super) fn from_dynamic(message: &DynamicMessage, record: &Record) -> Option<Value> {
    record.fields.iter().map(|field| get(message, &field.name, &field.shape)).collect::<Option<_>>().map(Value::Record)
}

fn get(message: &DynamicMessage, name: &str, shape: &Shape) -> Option<Value> {
    let (shape, is_optional) = match shape {
        Shape::Optional(shape) => (&**shape, true),
        shape => (shape, false),
    };
    let own = message.descriptor();
    if let (Shape::Union(branches), Some(oneof)) = (shape, own.oneofs().find(|oneof| oneof.name() == name)) {
        let mut fields: Vec<_> = oneof.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        return match fields.iter().position(|field| message.has_field(field)) {
            Some(at) => {
                let value = back(&message.get_field(&fields[at]), &branches[at], &fields[at].kind())?;
                Some(Value::Branch(at, Box::new(value)))
            }
            None => is_optional.then_some(Value::Null),
        };
    }
    let field = own.get_field_by_name(name)?;
    if field.supports_presence() && !message.has_field(&field) {
        return is_optional.then_some(Value::Null);
    }
    match (shape, &*message.get_field(&field)) {
        (Shape::Array(entry), Dynamic::List(values)) => {
            values.iter().map(|value| back(value, entry, &field.kind())).collect::<Option<_>>().map(Value::Array)
        }
        (Shape::Map(shape), Dynamic::Map(values)) => {
            let kind = field.kind().as_message()?.map_entry_value_field().kind();
            let entry = |(key, value): (&MapKey, &Dynamic)| Some((key.as_str()?.into(), back(value, shape, &kind)?));
            values.iter().map(entry).collect::<Option<_>>().map(Value::Map)
        }
        (shape, value) => back(value, shape, &field.kind()),
    }
}

fn back(value: &Dynamic, shape: &Shape, kind: &Kind) -> Option<Value> {
    let whole = |value: i128| match shape {
        Shape::Integer(bounds) if value < bounds.min || value > bounds.max => None,
        _ => Some(Value::Integer(value)),
    };
    match (value, shape) {
        (Dynamic::Message(message), Shape::Record(record)) => from_dynamic(message, record),
        (Dynamic::Message(message), Shape::Timestamp { unit, .. }) if message.descriptor().full_name() == TIMESTAMP => {
            let seconds = i128::from(message.get_field_by_name("seconds")?.as_i64()?);
            let nanos = i128::from(message.get_field_by_name("nanos")?.as_i32()?);
            let per_second = i128::from(per_second(*unit));
            Some(Value::Integer(seconds * per_second + nanos * per_second / 1_000_000_000))
        }
        (Dynamic::Message(message), shape) => {
            let own = message.descriptor();
            let name = own
                .oneofs()
                .find(|oneof| !oneof.is_synthetic())
                .map_or_else(|| own.fields().next().unwrap().name().to_owned(), |oneof| oneof.name().to_owned());
            get(message, &name, shape)
        }
        (Dynamic::Bool(value), _) => Some(Value::Boolean(*value)),
        (Dynamic::I32(value), _) => whole((*value).into()),
        (Dynamic::I64(value), _) => whole((*value).into()),
        (Dynamic::U32(value), _) => whole((*value).into()),
        (Dynamic::U64(value), _) => whole((*value).into()),
        (Dynamic::F32(value), _) => Some(Value::Double((*value).into())),
        (Dynamic::F64(value), _) => Some(Value::Double(*value)),
        (Dynamic::String(text), Shape::Constant(constant)) => (**text == **constant).then_some(Value::Null),
        (Dynamic::String(text), Shape::Uuid(_)) => text_to_uuid(text).map(Value::Uuid),
        (Dynamic::String(text), Shape::Decimal { precision, scale, .. }) => {
            super::super::decimal::parse_decimal(text.as_bytes(), *precision, *scale).map(Value::Decimal)
        }
        (Dynamic::String(text), _) => Some(Value::Text(text.as_str().into())),
        (Dynamic::Bytes(bytes), _) => Some(Value::Bytes(bytes.to_vec().into())),
        (Dynamic::EnumNumber(number), Shape::Enum { symbols, .. }) => {
            let Kind::Enum(own) = kind else { return None };
            let value = own.get_value(*number)?;
            let is_meant =
                |symbol: &str| value.name() == symbol || value.name().ends_with(&format!("_{}", symbol.to_uppercase()));
            symbols.iter().position(|symbol| is_meant(symbol)).map(Value::Symbol)
        }
        _ => None,
    }
}

/// The same value with maps in the order of their keys, each key once: the last one counts.
pub(in crate::wire) fn settled(value: Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(settled).collect()),
        Value::Record(values) => Value::Record(values.into_iter().map(settled).collect()),
        Value::Branch(index, value) => Value::Branch(index, Box::new(settled(*value))),
        Value::Map(values) => {
            let map: std::collections::BTreeMap<_, _> =
                values.into_iter().map(|(key, value)| (key, settled(value))).collect();
            Value::Map(map.into_iter().collect())
        }
        // Bits tell a negative zero. The bits of a NaN may change between 32 and 64 of them.
        Value::Double(value) if value.is_nan() => Value::Null,
        Value::Double(value) => Value::Integer(value.to_bits().into()),
        value => value,
    }
}
