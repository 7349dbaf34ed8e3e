//! Our values as those of apache-avro, and back.

use apache_avro::schema::InnerDecimalSchema;
use apache_avro::types::Value as Theirs;
use apache_avro::{Days, Decimal, Duration, Millis, Months, Schema as Avro};

use super::super::decimal;
use super::super::plain::Names;
use super::super::schema::resolved;
use crate::wire::shape::{Record, Shape, Value};

/// `None` for a map with several entries, whose order would be any.
pub(super) fn to_apache(value: &Value, shape: &Shape, own: &Avro, names: &Names) -> Theirs {
    let own = resolved(own, names).unwrap();
    match (value, shape, own) {
        (value, Shape::Optional(shape), Avro::Union(union)) => {
            let null = union.variants().iter().position(|branch| matches!(branch, Avro::Null)).unwrap();
            match (value, &**shape) {
                (Value::Null, _) => Theirs::Union(null as u32, Box::new(Theirs::Null)),
                (Value::Branch(index, value), Shape::Union(branches)) => {
                    let at = if *index >= null { index + 1 } else { *index };
                    let value = to_apache(value, &branches[*index], &union.variants()[at], names);
                    Theirs::Union(at as u32, Box::new(value))
                }
                (value, shape) => {
                    let at = 1 - null;
                    Theirs::Union(at as u32, Box::new(to_apache(value, shape, &union.variants()[at], names)))
                }
            }
        }
        (Value::Branch(index, value), Shape::Union(branches), Avro::Union(union)) => {
            let value = to_apache(value, &branches[*index], &union.variants()[*index], names);
            Theirs::Union(*index as u32, Box::new(value))
        }
        (Value::Null, ..) => Theirs::Null,
        (Value::Boolean(value), ..) => Theirs::Boolean(*value),
        (Value::Integer(value), _, own) => {
            let (int, long) = (*value as i32, *value as i64);
            match own {
                Avro::Int => Theirs::Int(int),
                Avro::Date => Theirs::Date(int),
                Avro::TimeMillis => Theirs::TimeMillis(int),
                Avro::TimeMicros => Theirs::TimeMicros(long),
                Avro::TimestampMillis => Theirs::TimestampMillis(long),
                Avro::TimestampMicros => Theirs::TimestampMicros(long),
                Avro::TimestampNanos => Theirs::TimestampNanos(long),
                Avro::LocalTimestampMillis => Theirs::LocalTimestampMillis(long),
                Avro::LocalTimestampMicros => Theirs::LocalTimestampMicros(long),
                Avro::LocalTimestampNanos => Theirs::LocalTimestampNanos(long),
                _ => Theirs::Long(long),
            }
        }
        (Value::Double(value), Shape::Float, _) => Theirs::Float(*value as f32),
        (Value::Double(value), ..) => Theirs::Double(*value),
        (Value::Text(text), ..) => Theirs::String(text.to_string()),
        (Value::Bytes(bytes), Shape::Fixed { size, .. }, Avro::Duration(_)) => {
            let part = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!(*size, 12);
            Theirs::Duration(Duration::new(Months::new(part(0)), Days::new(part(4)), Millis::new(part(8))))
        }
        (Value::Bytes(bytes), Shape::Fixed { size, .. }, _) => Theirs::Fixed(*size, bytes.to_vec()),
        (Value::Bytes(bytes), ..) => Theirs::Bytes(bytes.to_vec()),
        (Value::Uuid(value), ..) => Theirs::Uuid(apache_avro::Uuid::from_u128(*value)),
        (Value::Decimal(value), _, Avro::Decimal(own)) => {
            let bytes = value.to_be_bytes();
            let mut bytes = decimal::shortest(&bytes).to_vec();
            if let InnerDecimalSchema::Fixed(fixed) = &own.inner {
                let sign = if *value < 0 { 0xff } else { 0 };
                while bytes.len() < fixed.size {
                    bytes.insert(0, sign);
                }
            }
            Theirs::Decimal(Decimal::from(bytes))
        }
        (Value::Symbol(index), Shape::Enum { symbols, .. }, _) => {
            Theirs::Enum(*index as u32, symbols[*index].to_string())
        }
        (Value::Array(values), Shape::Array(shape), Avro::Array(own)) => {
            Theirs::Array(values.iter().map(|value| to_apache(value, shape, &own.items, names)).collect())
        }
        (Value::Map(values), Shape::Map(shape), Avro::Map(own)) => {
            let entry =
                |(key, value): &(Box<str>, Value)| (key.to_string(), to_apache(value, shape, &own.types, names));
            Theirs::Map(values.iter().map(entry).collect())
        }
        (Value::Record(values), Shape::Record(record), Avro::Record(own)) => {
            let fields = values.iter().zip(&record.fields).zip(&own.fields);
            let field =
                |((value, field), own): ((&Value, &crate::wire::shape::Field), &apache_avro::schema::RecordField)| {
                    (field.name.to_string(), to_apache(value, &field.shape, &own.schema, names))
                };
            Theirs::Record(fields.map(field).collect())
        }
        (value, shape, own) => panic!("{value:?} of {shape:?} in {own:?}"),
    }
}

/// `None` where it is no value of the shape: apache-avro reads null where a body ends too early.
pub(super) fn from_apache(value: &Theirs, shape: &Shape, own: &Avro, names: &Names) -> Option<Value> {
    let own = resolved(own, names).ok()?;
    Some(match (value, shape, own) {
        (Theirs::Union(index, value), Shape::Optional(shape), Avro::Union(union)) => {
            let at = *index as usize;
            let branch = &union.variants()[at];
            let null = union.variants().iter().position(|branch| matches!(branch, Avro::Null))?;
            match (&**shape, at == null) {
                (_, true) => Value::Null,
                (Shape::Union(branches), false) => {
                    let index = if at > null { at - 1 } else { at };
                    Value::Branch(index, Box::new(from_apache(value, &branches[index], branch, names)?))
                }
                (shape, false) => from_apache(value, shape, branch, names)?,
            }
        }
        (Theirs::Union(index, value), Shape::Union(branches), Avro::Union(union)) => {
            let index = *index as usize;
            Value::Branch(index, Box::new(from_apache(value, &branches[index], &union.variants()[index], names)?))
        }
        (Theirs::Null, Shape::Null, _) => Value::Null,
        (Theirs::Boolean(value), ..) => Value::Boolean(*value),
        (Theirs::Int(value) | Theirs::Date(value) | Theirs::TimeMillis(value), ..) => Value::Integer((*value).into()),
        (
            Theirs::Long(value)
            | Theirs::TimeMicros(value)
            | Theirs::TimestampMillis(value)
            | Theirs::TimestampMicros(value)
            | Theirs::TimestampNanos(value)
            | Theirs::LocalTimestampMillis(value)
            | Theirs::LocalTimestampMicros(value)
            | Theirs::LocalTimestampNanos(value),
            ..,
        ) => Value::Integer((*value).into()),
        (Theirs::Float(value), ..) => Value::Double((*value).into()),
        (Theirs::Double(value), ..) => Value::Double(*value),
        (Theirs::String(text), Shape::Text, _) => Value::Text(text.as_str().into()),
        (Theirs::Bytes(bytes) | Theirs::Fixed(_, bytes), ..) => Value::Bytes(bytes.as_slice().into()),
        (Theirs::Duration(value), ..) => Value::Bytes(<[u8; 12]>::from(*value).into()),
        (Theirs::Uuid(value), ..) => Value::Uuid(value.as_u128()),
        (Theirs::Decimal(value), Shape::Decimal { .. }, _) => {
            Value::Decimal(decimal::parse(&<Vec<u8>>::try_from(value).ok()?)?)
        }
        (Theirs::Enum(index, _), Shape::Enum { .. }, _) => Value::Symbol(*index as usize),
        (Theirs::Array(values), Shape::Array(shape), Avro::Array(own)) => {
            let values = values.iter().map(|value| from_apache(value, shape, &own.items, names));
            Value::Array(values.collect::<Option<_>>()?)
        }
        (Theirs::Map(values), Shape::Map(shape), Avro::Map(own)) => {
            let entry = |(key, value): (&String, &Theirs)| {
                Some((key.as_str().into(), from_apache(value, shape, &own.types, names)?))
            };
            Value::Map(values.iter().map(entry).collect::<Option<_>>()?)
        }
        (Theirs::Record(values), Shape::Record(record), Avro::Record(own)) => record_of(values, record, own, names)?,
        _ => return None,
    })
}

fn record_of(
    values: &[(String, Theirs)],
    record: &Record,
    own: &apache_avro::schema::RecordSchema,
    names: &Names,
) -> Option<Value> {
    let fields = values.iter().zip(&record.fields).zip(&own.fields);
    let values = fields.map(|(((_, value), field), own)| from_apache(value, &field.shape, &own.schema, names));
    values.collect::<Option<_>>().map(Value::Record)
}
