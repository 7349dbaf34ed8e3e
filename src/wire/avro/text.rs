//! The schema of a record.

use serde_json::{Map, Value as Json, json};

use super::default;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Bits, Field, Record, Shape, Unit, UuidForm, Value};

/// The name of the type of all UUIDs that are 16 bytes.
const UUID: &str = "Uuid";

pub(super) fn of(record: &Record) -> Result<Json, SchemaError> {
    Types::default().single(&Shape::Record(record.clone()), "")
}

/// The named types that have been declared.
#[derive(Default)]
struct Types(Vec<(String, Shape)>);

impl Types {
    /// The type of one value. `space` is the namespace around it.
    fn single(&mut self, shape: &Shape, space: &str) -> Result<Json, SchemaError> {
        Ok(match shape {
            Shape::Null => "null".into(),
            Shape::Boolean => "boolean".into(),
            Shape::Integer(bounds) => match bounds.bits {
                Bits::I32 => "int".into(),
                _ if bounds.max > i64::MAX.into() => {
                    return Err(SchemaError::new("whole numbers beyond 2^63 have no form in Avro"));
                }
                _ => "long".into(),
            },
            Shape::Float => "float".into(),
            Shape::Double => "double".into(),
            Shape::Constant(_) | Shape::Text => "string".into(),
            Shape::Bytes => "bytes".into(),
            Shape::Uuid(UuidForm::Text) => logical("string", "uuid"),
            Shape::Uuid(UuidForm::Fixed) => self.named(UUID, shape, space, |_, _| {
                Ok(vec![("type", "fixed".into()), ("size", 16.into()), ("logicalType", "uuid".into())])
            })?,
            Shape::Fixed { name, size } => {
                self.named(name, shape, space, |_, _| Ok(vec![("type", "fixed".into()), ("size", (*size).into())]))?
            }
            Shape::Decimal { precision, scale, .. } => {
                json!({"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale})
            }
            Shape::Date => logical("int", "date"),
            Shape::TimeOfDay(Unit::Millis) => logical("int", "time-millis"),
            Shape::TimeOfDay(unit) => logical("long", &format!("time-{}", word(*unit))),
            Shape::Timestamp { unit, local } => {
                let prefix = if *local { "local-" } else { "" };
                logical("long", &format!("{prefix}timestamp-{}", word(*unit)))
            }
            Shape::Enum { name, symbols } => self.named(name, shape, space, |_, _| {
                symbols.iter().try_for_each(|symbol| check_name(symbol))?;
                Ok(vec![("type", "enum".into()), ("symbols", json!(symbols))])
            })?,
            Shape::Array(entry) => {
                json!({"type": "array", "items": self.single(entry, space).map_err(|error| error.within("[]"))?})
            }
            Shape::Map(value) => {
                json!({"type": "map", "values": self.single(value, space).map_err(|error| error.within("{}"))?})
            }
            Shape::Record(record) => self.named(&record.name, shape, space, |types, space| {
                let field = |field: &Field| types.field(field, space).map_err(|error| error.within(&field.name));
                let fields: Vec<_> = record.fields.iter().map(field).collect::<Result<_, _>>()?;
                Ok(vec![("type", "record".into()), ("fields", fields.into())])
            })?,
            Shape::Optional(_) | Shape::Union(_) => self.union(shape, true, space)?,
        })
    }

    /// `null_first`: where null stands among the branches, if it is one.
    fn union(&mut self, shape: &Shape, null_first: bool, space: &str) -> Result<Json, SchemaError> {
        let (shape, is_optional) = match shape {
            Shape::Optional(shape) => (&**shape, true),
            shape => (shape, false),
        };
        let branches = match shape {
            Shape::Union(branches) => branches.as_slice(),
            shape => std::slice::from_ref(shape),
        };
        if let Some(nested) = branches.iter().find(|shape| matches!(shape, Shape::Optional(_) | Shape::Union(_))) {
            return Err(SchemaError::new(format!("Avro has no {} within a union", nested.kind())));
        }
        let mut types = branches.iter().map(|shape| self.single(shape, space)).collect::<Result<Vec<_>, _>>()?;
        if is_optional {
            types.insert(if null_first { 0 } else { types.len() }, "null".into());
        }
        Ok(types.into())
    }

    /// A default is one of a union's first branch: null comes first unless the default is another.
    fn field(&mut self, field: &Field, space: &str) -> Result<Json, SchemaError> {
        check_name(&field.name)?;
        let default = match (&field.default, &field.shape) {
            (None, Shape::Optional(_)) => Some(&Value::Null),
            (default, _) => default.as_ref(),
        };
        let type_of = match &field.shape {
            shape @ Shape::Optional(_) => self.union(shape, default == Some(&Value::Null), space)?,
            shape => self.single(shape, space)?,
        };
        let mut own = json!({"name": field.name, "type": type_of});
        if let (Some(value), Json::Object(own)) = (default, &mut own) {
            let wrong = || SchemaError::new(format!("its default, {}, has no form in an Avro schema", value.kind()));
            own.insert("default".into(), default::json(value, &field.shape).ok_or_else(wrong)?);
        }
        Ok(own)
    }

    /// A type that is declared where it is met first. `rest` is handed the namespace of what stands within it.
    fn named(
        &mut self,
        name: &str,
        shape: &Shape,
        space: &str,
        rest: impl FnOnce(&mut Self, &str) -> Result<Vec<(&'static str, Json)>, SchemaError>,
    ) -> Result<Json, SchemaError> {
        let full = if name.contains('.') || space.is_empty() { name.into() } else { format!("{space}.{name}") };
        if let Some((_, known)) = self.0.iter().find(|(known, _)| *known == full) {
            if known == shape {
                return Ok(full.into());
            }
            return Err(SchemaError::new(format!("two different types have the name {full}")));
        }
        let (own_space, short) = full.rsplit_once('.').unwrap_or(("", &full));
        for part in own_space.split('.').filter(|_| !own_space.is_empty()).chain([short]) {
            check_name(part)?;
        }
        self.0.push((full.clone(), shape.clone()));
        let mut rest = rest(self, own_space)?;
        let mut own = Map::new();
        if !rest.is_empty() {
            let (key, kind) = rest.remove(0);
            own.insert(key.into(), kind);
        }
        own.insert("name".into(), short.into());
        if own_space != space {
            own.insert("namespace".into(), own_space.into());
        }
        own.extend(rest.into_iter().map(|(key, value)| (key.into(), value)));
        Ok(own.into())
    }
}

fn logical(primitive: &str, logical: &str) -> Json {
    json!({"type": primitive, "logicalType": logical})
}

const fn word(unit: Unit) -> &'static str {
    match unit {
        Unit::Millis => "millis",
        Unit::Micros => "micros",
        Unit::Nanos => "nanos",
    }
}

fn check_name(name: &str) -> Result<(), SchemaError> {
    let is_right = |(at, letter): (usize, char)| {
        letter == '_' || letter.is_ascii_alphabetic() || (at > 0 && letter.is_ascii_digit())
    };
    if !name.is_empty() && name.chars().enumerate().all(is_right) {
        return Ok(());
    }
    Err(SchemaError::new(format!("{name:?} is no name in Avro: ASCII letters, digits and _, no digit first")))
}
