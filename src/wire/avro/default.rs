//! Default values: JSON in a schema. Bytes are texts there whose code points are the bytes.

use serde_json::{Map, Value as Json};

use super::decimal;
use crate::wire::shape::{Record, Shape, UuidForm, Value};
use crate::wire::value::{conforms, text_to_uuid};

/// The value that `json` is in a schema of that shape; `None` where it is none.
pub(super) fn value(json: &Json, shape: &Shape) -> Option<Value> {
    let value = match (shape, json) {
        (Shape::Null | Shape::Optional(_), Json::Null) => Value::Null,
        (Shape::Optional(shape), json) => value(json, shape)?,
        (Shape::Boolean, Json::Bool(value)) => Value::Boolean(*value),
        (Shape::Integer(_) | Shape::Date | Shape::TimeOfDay(_) | Shape::Timestamp { .. }, Json::Number(number)) => {
            Value::Integer(number.as_i64()?.into())
        }
        (Shape::Float | Shape::Double, Json::Number(number)) => Value::Double(number.as_f64()?),
        (Shape::Text, Json::String(text)) => Value::Text(text.as_str().into()),
        (Shape::Uuid(UuidForm::Text), Json::String(text)) => Value::Uuid(text_to_uuid(text)?),
        (Shape::Uuid(UuidForm::Fixed), Json::String(text)) => {
            Value::Uuid(u128::from_be_bytes(bytes(text)?.as_slice().try_into().ok()?))
        }
        (Shape::Bytes | Shape::Fixed { .. }, Json::String(text)) => Value::Bytes(bytes(text)?.into()),
        (Shape::Decimal { .. }, Json::String(text)) => Value::Decimal(decimal::parse(&bytes(text)?)?),
        (Shape::Enum { symbols, .. }, Json::String(text)) => {
            Value::Symbol(symbols.iter().position(|symbol| **symbol == **text)?)
        }
        (Shape::Array(shape), Json::Array(values)) => {
            Value::Array(values.iter().map(|json| value(json, shape)).collect::<Option<_>>()?)
        }
        (Shape::Map(shape), Json::Object(values)) => {
            let entry = |(key, json): (&String, &Json)| Some((key.as_str().into(), value(json, shape)?));
            Value::Map(values.iter().map(entry).collect::<Option<_>>()?)
        }
        (Shape::Record(own), Json::Object(values)) => record(values, own)?,
        (Shape::Union(branches), json) => {
            let branch = |(at, shape): (usize, &Shape)| Some(Value::Branch(at, Box::new(value(json, shape)?)));
            branches.iter().enumerate().find_map(branch)?
        }
        _ => return None,
    };
    conforms(&value, shape).is_ok().then_some(value)
}

fn record(values: &Map<String, Json>, own: &Record) -> Option<Value> {
    let field = |field: &crate::wire::shape::Field| match values.get(&*field.name) {
        Some(json) => value(json, &field.shape),
        None if matches!(field.shape, Shape::Optional(_)) => field.default.clone().or(Some(Value::Null)),
        None => field.default.clone(),
    };
    own.fields.iter().map(field).collect::<Option<_>>().map(Value::Record)
}

/// The other way: `None` where JSON or Avro has no form for it.
pub(super) fn json(value: &Value, shape: &Shape) -> Option<Json> {
    Some(match (shape, value) {
        (Shape::Null | Shape::Optional(_), Value::Null) => Json::Null,
        (Shape::Optional(shape), value) => json(value, shape)?,
        (_, Value::Boolean(value)) => (*value).into(),
        (_, Value::Integer(value)) => i64::try_from(*value).ok()?.into(),
        (_, Value::Double(value)) => serde_json::Number::from_f64(*value)?.into(),
        (Shape::Constant(text), _)
        | (Shape::Enum { .. } | Shape::Text | Shape::Uuid(UuidForm::Text), Value::Text(text)) => (**text).into(),
        (Shape::Enum { symbols, .. }, Value::Symbol(index)) => (**symbols.get(*index)?).into(),
        (Shape::Uuid(UuidForm::Text), Value::Uuid(value)) => uuid::Uuid::from_u128(*value).to_string().into(),
        (Shape::Uuid(UuidForm::Fixed), Value::Uuid(value)) => text(&value.to_be_bytes()),
        (Shape::Uuid(UuidForm::Fixed), Value::Text(value)) => text(&text_to_uuid(value)?.to_be_bytes()),
        (_, Value::Bytes(bytes)) => text(bytes),
        (_, Value::Decimal(value)) => text(decimal::shortest(&value.to_be_bytes())),
        (Shape::Array(shape), Value::Array(values)) => {
            values.iter().map(|value| json(value, shape)).collect::<Option<Vec<_>>>()?.into()
        }
        (Shape::Map(shape), Value::Map(values)) => {
            let entry = |(key, value): &(Box<str>, Value)| Some((key.to_string(), json(value, shape)?));
            Json::Object(values.iter().map(entry).collect::<Option<_>>()?)
        }
        (Shape::Record(record), Value::Record(values)) if values.len() == record.fields.len() => {
            let fields = record.fields.iter().zip(values);
            let fields = fields.map(|(field, value)| Some((field.name.to_string(), json(value, &field.shape)?)));
            Json::Object(fields.collect::<Option<_>>()?)
        }
        // A default is one of a union's first branch, say all but the newest implementations.
        (Shape::Union(branches), Value::Branch(0, value)) => json(value, branches.first()?)?,
        _ => return None,
    })
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect()
}

fn text(bytes: &[u8]) -> Json {
    bytes.iter().copied().map(char::from).collect::<String>().into()
}
