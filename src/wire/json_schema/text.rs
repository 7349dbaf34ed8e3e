//! The schema of a record.

use serde_json::{Map, Value, json};

use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Integer, Record, Shape, Unit};

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

pub(super) fn of(record: &Record) -> Result<Value, SchemaError> {
    let mut root = Map::from_iter([("$schema".to_owned(), DRAFT.into())]);
    root.extend(object(record)?);
    Ok(root.into())
}

/// Closed to fields that it does not know: registries take a field that is added to an open object for a breach.
fn object(record: &Record) -> Result<Map<String, Value>, SchemaError> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in &record.fields {
        let mut schema = shape(&field.shape).map_err(|error| error.within(&field.name))?;
        if !matches!(field.shape, Shape::Optional(_)) {
            required.push(Value::from(&*field.name));
        }
        if let (Some(default), Value::Object(schema)) = (&field.default, &mut schema)
            && let Some(default) = simple(default, &field.shape)
        {
            schema.insert("default".into(), default);
        }
        properties.insert(field.name.to_string(), schema);
    }
    let mut object = Map::new();
    object.insert("title".into(), (*record.name).into());
    object.insert("type".into(), "object".into());
    object.insert("properties".into(), properties.into());
    if !required.is_empty() {
        object.insert("required".into(), required.into());
    }
    object.insert("additionalProperties".into(), false.into());
    Ok(object)
}

fn shape(own: &Shape) -> Result<Value, SchemaError> {
    Ok(match own {
        Shape::Null => json!({"type": "null"}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Integer(bounds) => integer(bounds),
        Shape::Float | Shape::Double => json!({"type": "number"}),
        Shape::Constant(text) => json!({"type": "string", "const": text}),
        Shape::Text => json!({"type": "string"}),
        Shape::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Shape::Fixed { size, .. } => {
            let length = size.div_ceil(3) * 4;
            json!({"type": "string", "contentEncoding": "base64", "minLength": length, "maxLength": length})
        }
        Shape::Uuid(_) => json!({"type": "string", "format": "uuid"}),
        Shape::Decimal { scale, min, .. } => {
            let mut schema = json!({"type": "number"});
            if let (Some(min), Some(schema)) = (min, schema.as_object_mut()) {
                #[expect(clippy::cast_precision_loss, reason = "validators compare doubles")]
                let min = *min as f64 / 10_f64.powf(f64::from(*scale));
                schema.insert("minimum".into(), min.into());
            }
            schema
        }
        Shape::Date => json!({"type": "string", "format": "date"}),
        Shape::TimeOfDay(unit) => {
            json!({"type": "integer", "description": format!("{} since midnight", plural(*unit))})
        }
        Shape::Timestamp { unit, local } => {
            let zone = if *local { " in local time" } else { "Z" };
            let since = format!("{} since 1970-01-01T00:00:00{zone}", plural(*unit));
            json!({"type": "integer", "description": since})
        }
        Shape::Enum { symbols, .. } => json!({"type": "string", "enum": symbols}),
        Shape::Array(entry) => {
            if entry.only_value().is_some() {
                return Err(SchemaError::new("its values have no fields, or only constants").within("[]"));
            }
            json!({"type": "array", "items": shape(entry).map_err(|error| error.within("[]"))?})
        }
        Shape::Map(value) => {
            json!({"type": "object", "additionalProperties": shape(value).map_err(|error| error.within("{}"))?})
        }
        Shape::Record(record) => object(record)?.into(),
        Shape::Optional(own) => nullable(shape(own)?),
        Shape::Union(branches) => json!({"anyOf": branches.iter().map(shape).collect::<Result<Vec<_>, _>>()?}),
    })
}

/// The bounds, but for those of 64 bits, which JSON numbers do not hold everywhere.
fn integer(bounds: &Integer) -> Value {
    let mut schema = Map::from_iter([("type".to_owned(), "integer".into())]);
    if bounds.min != i128::from(i64::MIN)
        && let Ok(min) = i64::try_from(bounds.min)
    {
        schema.insert("minimum".into(), min.into());
    }
    if bounds.max != i128::from(i64::MAX)
        && bounds.max != i128::from(u64::MAX)
        && let Ok(max) = i64::try_from(bounds.max)
    {
        schema.insert("maximum".into(), max.into());
    }
    schema.into()
}

fn nullable(mut schema: Value) -> Value {
    if let Value::Object(own) = &mut schema {
        let is_closed = own.contains_key("enum") || own.contains_key("const");
        if let (Some(kind @ Value::String(_)), false) = (own.get_mut("type"), is_closed) {
            *kind = json!([kind.clone(), "null"]);
            return schema;
        }
        if let Some(Value::Array(branches)) = own.get_mut("anyOf") {
            branches.push(json!({"type": "null"}));
            return schema;
        }
    }
    json!({"anyOf": [schema, {"type": "null"}]})
}

/// A default that JSON writes as the shape's values are written.
fn simple(default: &super::super::shape::Value, own: &Shape) -> Option<Value> {
    use super::super::shape::Value as Own;
    match (default, own) {
        (default, Shape::Optional(own)) if *default != Own::Null => simple(default, own),
        (Own::Null, Shape::Optional(_)) => Some(Value::Null),
        (Own::Boolean(value), _) => Some((*value).into()),
        (Own::Integer(value), Shape::Integer(_)) => i64::try_from(*value).ok().map(Value::from),
        (Own::Double(value), _) => Some((*value).into()),
        (Own::Text(value), Shape::Text | Shape::Uuid(_)) => Some((**value).into()),
        (Own::Symbol(index), Shape::Enum { symbols, .. }) => symbols.get(*index).map(|symbol| (**symbol).into()),
        (Own::Array(values), _) if values.is_empty() => Some(json!([])),
        (Own::Map(values), _) if values.is_empty() => Some(json!({})),
        _ => None,
    }
}

const fn plural(unit: Unit) -> &'static str {
    match unit {
        Unit::Millis => "milliseconds",
        Unit::Micros => "microseconds",
        Unit::Nanos => "nanoseconds",
    }
}
