//! What a schema says, as a record.

use serde_json::{Map, Value as Json};

use super::{Limit, Limited};
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Bits, Field, Integer, Record, Shape, UuidForm, Value};

/// Keywords that narrow values down in ways that nothing here draws.
const UNSUPPORTED: [&str; 23] = [
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "prefixItems",
    "additionalItems",
    "contains",
    "minContains",
    "maxContains",
    "unevaluatedItems",
    "unevaluatedProperties",
    "pattern",
    "$dynamicRef",
    "$recursiveRef",
    "extends",
];
/// The digits of a decimal whose schema has no bound that says it.
const PRECISION: u32 = 18;
const MAX_DEPTH: usize = 64;
/// How many schemas a record may be made of. One that several refer to counts for each, and such schemas may multiply.
const MAX_SCHEMAS: usize = 10_000;

pub(super) fn record(root: &Json, name: &str) -> Result<(Record, Vec<Limit>), SchemaError> {
    let mut reader = Reader { root, limits: Vec::new(), path: String::new(), refs: Vec::new(), depth: 0, schemas: 0 };
    match reader.shape(root, name)? {
        Shape::Record(record) => Ok((record, reader.limits)),
        shape => {
            Err(SchemaError::new(format!("it describes a {}, and an event is an object with properties", shape.kind())))
        }
    }
}

struct Reader<'a> {
    root: &'a Json,
    limits: Vec<Limit>,
    /// Where it is, as limits name it.
    path: String,
    /// The references that it is inside of.
    refs: Vec<&'a str>,
    depth: usize,
    schemas: usize,
}

type Object = Map<String, Json>;

impl<'a> Reader<'a> {
    /// The schema of a part of the current place.
    fn part(&mut self, part: &str, schema: &'a Json, name: &str) -> Result<Shape, SchemaError> {
        let length = self.path.len();
        if !(self.path.is_empty() || part.starts_with(['[', '{'])) {
            self.path.push('.');
        }
        self.path.push_str(part);
        let shape = self.shape(schema, name).map_err(|error| error.within(part));
        self.path.truncate(length);
        shape
    }

    fn shape(&mut self, schema: &'a Json, name: &str) -> Result<Shape, SchemaError> {
        let Json::Object(own) = schema else {
            return Err(SchemaError::new("a schema that is no object is not supported"));
        };
        self.depth += 1;
        self.schemas += 1;
        if self.schemas > MAX_SCHEMAS {
            return Err(SchemaError::new(format!("it is made of more than {MAX_SCHEMAS} schemas")));
        }
        if self.depth > MAX_DEPTH {
            return Err(SchemaError::new(format!("more than {MAX_DEPTH} schemas stand within each other")));
        }
        let shape = self.of(own, name);
        self.depth -= 1;
        shape
    }

    fn of(&mut self, own: &'a Object, name: &str) -> Result<Shape, SchemaError> {
        if let Some(keyword) = UNSUPPORTED.iter().find(|keyword| own.contains_key(**keyword)) {
            return Err(SchemaError::new(format!("the keyword {keyword} is not supported")));
        }
        if own.get("uniqueItems").is_some_and(|unique| *unique != Json::Bool(false)) {
            return Err(SchemaError::new("the keyword uniqueItems is not supported"));
        }
        if let Some(Json::String(reference)) = own.get("$ref") {
            return self.reference(reference, name);
        }
        if let Some(value) = own.get("const") {
            let Json::String(text) = value else {
                return Err(SchemaError::new("a const that is no string is not supported"));
            };
            return Ok(Shape::Constant(text.as_str().into()));
        }
        if let Some(values) = own.get("enum") {
            return symbols(values, name);
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Json::Array(branches)) = own.get(keyword) {
                let shapes = branches.iter().map(|branch| self.shape(branch, name)).collect::<Result<_, _>>()?;
                return Ok(either(shapes));
            }
        }
        match own.get("type") {
            Some(Json::String(kind)) => self.typed(kind, own, name),
            Some(Json::Array(kinds)) => {
                let one = |kind: &'a Json| match kind {
                    Json::String(kind) => self.typed(kind, own, name),
                    kind => Err(SchemaError::new(format!("{kind} is no type"))),
                };
                Ok(either(kinds.iter().map(one).collect::<Result<_, _>>()?))
            }
            Some(other) => Err(SchemaError::new(format!("{other} is no type"))),
            None if own.contains_key("properties") => self.typed("object", own, name),
            None if own.contains_key("items") => self.typed("array", own, name),
            None => Err(SchemaError::new("it has no type, so any value could stand here")),
        }
    }

    fn reference(&mut self, reference: &'a str, name: &str) -> Result<Shape, SchemaError> {
        let pointer = reference.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let Some(pointer) = pointer else {
            return Err(SchemaError::new(format!(
                "$ref {reference} is not within this file, which alone is supported"
            )));
        };
        if self.refs.contains(&reference) || pointer.is_empty() {
            return Err(SchemaError::new(format!("$ref {reference} contains itself, which is not supported")));
        }
        let found = self.root.pointer(pointer);
        let found = found.ok_or_else(|| SchemaError::new(format!("$ref {reference} leads to nothing")))?;
        self.refs.push(reference);
        let last = pointer.rsplit('/').next().filter(|last| is_name(last));
        let shape = self.shape(found, last.unwrap_or(name));
        self.refs.pop();
        shape
    }

    fn typed(&mut self, kind: &str, own: &'a Object, name: &str) -> Result<Shape, SchemaError> {
        match kind {
            "null" => Ok(Shape::Null),
            "boolean" => Ok(Shape::Boolean),
            "integer" => integer(own),
            "number" => self.number(own),
            "string" => self.text(own),
            "array" => {
                let items =
                    own.get("items").ok_or_else(|| SchemaError::new("an array without items is not supported"))?;
                self.length(own, "minItems", "maxItems")?;
                let entry = self.part("[]", items, name)?;
                if entry.only_value().is_some() {
                    return Err(SchemaError::new("its values have no properties, or only constants").within("[]"));
                }
                Ok(Shape::Array(Box::new(entry)))
            }
            "object" => match (own.get("properties"), own.get("additionalProperties")) {
                (Some(Json::Object(_)), Some(Json::Object(_))) => {
                    Err(SchemaError::new("an object with both properties and a schema for others is not supported"))
                }
                (Some(Json::Object(properties)), _) => self.object(own, properties, name).map(Shape::Record),
                (None, Some(value @ Json::Object(_))) => Ok(Shape::Map(Box::new(self.part("{}", value, name)?))),
                (None, Some(Json::Bool(false))) => Ok(Shape::Record(Record { name: name.into(), fields: Vec::new() })),
                _ => Err(SchemaError::new("an object without properties is not supported")),
            },
            other => Err(SchemaError::new(format!("{other:?} is no type"))),
        }
    }

    fn object(&mut self, own: &'a Object, properties: &'a Object, name: &str) -> Result<Record, SchemaError> {
        let title = own.get("title").and_then(Json::as_str).filter(|title| is_name(title));
        let name = title.unwrap_or(name);
        let required: Vec<&str> = match own.get("required") {
            None => Vec::new(),
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            Some(_) => return Err(SchemaError::new("required is no array")),
        };
        if let Some(missing) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Err(SchemaError::new(format!("{missing} is required, and no property")));
        }
        let mut fields = Vec::new();
        for (field, schema) in properties {
            let shape = self.part(field, schema, &format!("{name}{}", capital(field)))?;
            let shape = match shape {
                Shape::Optional(_) | Shape::Null => shape,
                shape if required.contains(&field.as_str()) => shape,
                shape => Shape::Optional(Box::new(shape)),
            };
            let default = schema.get("default").and_then(|default| value(default, &shape));
            fields.push(Field { name: field.as_str().into(), shape, default });
        }
        Ok(Record { name: name.into(), fields })
    }

    fn text(&mut self, own: &Object) -> Result<Shape, SchemaError> {
        match own.get("contentEncoding").and_then(Json::as_str) {
            Some("base64") => return Ok(Shape::Bytes),
            Some(other) => return Err(SchemaError::new(format!("contentEncoding {other} is not supported"))),
            None => {}
        }
        match own.get("format").and_then(Json::as_str) {
            Some("uuid") => return Ok(Shape::Uuid(UuidForm::Text)),
            Some("date") => return Ok(Shape::Date),
            Some(format) => self.limit(Limited::Format(format.into())),
            None => {}
        }
        self.length(own, "minLength", "maxLength")?;
        Ok(Shape::Text)
    }

    fn number(&mut self, own: &Object) -> Result<Shape, SchemaError> {
        let (min, max) = (number(own, "minimum")?, number(own, "maximum")?);
        if own.contains_key("exclusiveMinimum") || own.contains_key("exclusiveMaximum") {
            return Err(SchemaError::new("exclusive bounds of numbers are not supported: use minimum and maximum"));
        }
        if min.is_some() || max.is_some() {
            self.limit(Limited::Range { min, max });
        }
        let Some(step) = number(own, "multipleOf")? else { return Ok(Shape::Double) };
        let scale = (0..=PRECISION).find(|scale| (step - 10_f64.powi(-scale.cast_signed())).abs() < step * 1e-9);
        let scale = scale.ok_or_else(|| SchemaError::new(format!("multipleOf {step} is not 1, 0.1, 0.01 or so")))?;
        #[expect(clippy::cast_possible_truncation, reason = "a bound beyond 10^38 is cut to it")]
        let min = min.map(|min| (min * 10_f64.powi(scale.cast_signed())).ceil() as i128);
        Ok(Shape::Decimal { precision: PRECISION, scale, min })
    }

    fn length(&mut self, own: &Object, min: &str, max: &str) -> Result<(), SchemaError> {
        let count = |keyword: &str| match own.get(keyword) {
            None => Ok(None),
            Some(count) => {
                let wrong = || SchemaError::new(format!("{keyword} is {count}, which is no count"));
                count.as_u64().map(Some).ok_or_else(wrong)
            }
        };
        let (min, max) = (count(min)?, count(max)?);
        if min.is_some() || max.is_some() {
            self.limit(Limited::Length { min: min.unwrap_or(0), max });
        }
        Ok(())
    }

    fn limit(&mut self, limit: Limited) {
        self.limits.push(Limit { path: self.path.clone(), limit });
    }
}

/// Null among the branches makes the rest optional.
fn either(branches: Vec<Shape>) -> Shape {
    let all = branches.len();
    let mut flat = Vec::new();
    for branch in branches {
        match branch {
            Shape::Null => {}
            Shape::Optional(shape) => flat.push(*shape),
            shape => flat.push(shape),
        }
    }
    let is_optional = flat.len() < all;
    let shape = match flat.pop() {
        None => return Shape::Null,
        Some(only) if flat.is_empty() => only,
        Some(last) => {
            flat.push(last);
            Shape::Union(flat)
        }
    };
    if is_optional { Shape::Optional(Box::new(shape)) } else { shape }
}

fn symbols(values: &Json, name: &str) -> Result<Shape, SchemaError> {
    let values = values.as_array().ok_or_else(|| SchemaError::new("enum is no array"))?;
    let mut symbols: Vec<Box<str>> = Vec::new();
    for value in values {
        match value {
            Json::String(symbol) => symbols.push(symbol.as_str().into()),
            Json::Null => {}
            other => {
                return Err(SchemaError::new(format!("{other} in an enum is not supported: strings and null are")));
            }
        }
    }
    if symbols.is_empty() {
        return Err(SchemaError::new("an enum without strings is not supported"));
    }
    let has_null = symbols.len() < values.len();
    let shape = Shape::Enum { name: name.into(), symbols };
    Ok(if has_null { Shape::Optional(Box::new(shape)) } else { shape })
}

fn integer(own: &Object) -> Result<Shape, SchemaError> {
    if own.contains_key("multipleOf") {
        return Err(SchemaError::new("multipleOf of an integer is not supported"));
    }
    let bound = |keyword: &str| match own.get(keyword) {
        None => Ok(None),
        Some(Json::Number(number)) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            #[expect(clippy::cast_possible_truncation, reason = "a bound beyond 10^38 is cut to it")]
            let whole = whole.or_else(|| number.as_f64().map(|number| number as i128));
            Ok(whole)
        }
        Some(other) => Err(SchemaError::new(format!("{keyword} is {other}, which is no number"))),
    };
    let above = bound("exclusiveMinimum")?.map(|least| least + 1);
    let below = bound("exclusiveMaximum")?.map(|most| most - 1);
    let min = bound("minimum")?.max(above);
    let max = [bound("maximum")?, below].into_iter().flatten().min();
    let (min, max) = (min.unwrap_or(i64::MIN.into()), max.unwrap_or(i64::MAX.into()));
    if min > max {
        return Err(SchemaError::new(format!("no whole number is within {min} and {max}")));
    }
    let bits = [
        (Bits::I32, i128::from(i32::MIN), i128::from(i32::MAX)),
        (Bits::I64, i64::MIN.into(), i64::MAX.into()),
        (Bits::U64, 0, u64::MAX.into()),
    ];
    let fits = bits.into_iter().find(|(_, least, most)| min >= *least && max <= *most);
    let (bits, ..) = fits.ok_or_else(|| SchemaError::new(format!("{min} to {max} does not fit into 64 bits")))?;
    Ok(Shape::Integer(Integer { bits, min, max }))
}

fn number(own: &Object, keyword: &str) -> Result<Option<f64>, SchemaError> {
    match own.get(keyword) {
        None => Ok(None),
        Some(value) => {
            let wrong = || SchemaError::new(format!("{keyword} is {value}, which is no number"));
            value.as_f64().map(Some).ok_or_else(wrong)
        }
    }
}

/// A default that is of the shape.
fn value(default: &Json, shape: &Shape) -> Option<Value> {
    match (default, shape) {
        (Json::Null, Shape::Optional(_) | Shape::Null) => Some(Value::Null),
        (default, Shape::Optional(shape)) => value(default, shape),
        (Json::Bool(value), Shape::Boolean) => Some(Value::Boolean(*value)),
        (Json::Number(number), Shape::Integer(bounds)) => {
            let value = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))?;
            (value >= bounds.min && value <= bounds.max).then_some(Value::Integer(value))
        }
        (Json::Number(number), Shape::Double) => number.as_f64().map(Value::Double),
        (Json::String(text), Shape::Text) => Some(Value::Text(text.as_str().into())),
        (Json::String(text), Shape::Enum { symbols, .. }) => {
            symbols.iter().position(|symbol| **symbol == **text).map(Value::Symbol)
        }
        (Json::Array(values), Shape::Array(_)) if values.is_empty() => Some(Value::Array(Vec::new())),
        (Json::Object(values), Shape::Map(_)) if values.is_empty() => Some(Value::Map(Vec::new())),
        _ => None,
    }
}

/// Whether it can be the full name of a record.
fn is_name(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    text.split('.').all(is_part)
}

/// A field's name as a part of a type's.
fn capital(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}
