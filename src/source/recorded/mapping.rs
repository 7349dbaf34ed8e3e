//! Rows as events of declared types: which field of a row becomes which field of an event, and what is made of its value.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use super::LoadError;
use crate::event::catalogue::EventType;
use crate::files::fields::{Field, Fields, Layout, Token};
use crate::files::{FileError, Row, RowProblem};
use crate::input::{date, shown};
use crate::source::own::{self, Own};
use crate::wire::json::{self, Misfit};
use crate::wire::shape::{Record, Shape, Unit};

/// What a row says beside its fields: its time by the clock that drives, its key, its type.
const OF_ROW: [&str; 3] = ["@time", "@key", "@type"];

/// How rows become events.
pub(super) struct Mapping<'c> {
    types: Vec<EventType>,
    map: &'c BTreeMap<String, String>,
    /// Whether each row is to say its type.
    is_typed: bool,
    /// What is looked for in rows, once it is known how these lie.
    fields: Option<Fields>,
    names: Vec<String>,
    found: Vec<Field>,
}

/// An event made of a row.
pub(super) struct Mapped {
    /// The name of its type.
    pub(super) kind: Box<str>,
    /// Its key.
    pub(super) key: String,
    /// Its fields.
    pub(super) body: Vec<u8>,
}

impl<'c> Mapping<'c> {
    pub(super) fn new(
        declared: &own::Config,
        map: &'c BTreeMap<String, String>,
        is_typed: bool,
    ) -> Result<Self, LoadError> {
        let types = Own::new(declared, 0)?.event_types();
        let has = |path: &str| types.iter().any(|of| leads(&of.record, path));
        if let Some((field, _)) = map.iter().find(|(field, _)| !has(field)) {
            let known: Vec<&str> = types.iter().flat_map(|of| &of.record.fields).map(|field| &*field.name).collect();
            let known = known.join(", ");
            return Err(FileError::Setting(format!("--map: no type has a field {field}; they have {known}")).into());
        }
        Ok(Self { types, map, is_typed, fields: None, names: Vec::new(), found: Vec::new() })
    }

    /// The event that a row is, or what is wrong with the row.
    pub(super) fn event(&mut self, row: &Row<'_>) -> Result<Result<Mapped, RowProblem>, FileError> {
        if self.fields.is_none() {
            self.look_for(row.layout)?;
        }
        let Some(fields) = &self.fields else { return Ok(Err(RowProblem::Unfit("it has no fields".to_owned()))) };
        Ok(fields.find(row.body, &mut self.found).and_then(|()| self.made(row)))
    }

    /// Plans what is looked for in rows that lie so.
    fn look_for(&mut self, layout: Layout) -> Result<(), FileError> {
        let own = self.types.iter().flat_map(|of| &of.record.fields).map(|field| field.name.to_string());
        let own = own.filter(|name| Fields::new(layout, [name.as_str()]).is_ok());
        let mapped = self.map.values().filter(|path| !OF_ROW.contains(&path.as_str())).cloned();
        let mut names: Vec<String> = own.chain(mapped).collect();
        names.sort_unstable();
        names.dedup();
        let fields = Fields::new(layout, names.iter().map(String::as_str));
        self.fields = Some(fields.map_err(|error| FileError::Setting(format!("--map: {error}")))?);
        self.names = names;
        Ok(())
    }

    fn made(&self, row: &Row<'_>) -> Result<Mapped, RowProblem> {
        let of = self.kind(row)?;
        let id = of.id.field();
        let mut object = Map::new();
        for (index, field) in of.record.fields.iter().enumerate() {
            if Some(index) == id || matches!(field.shape, Shape::Constant(_)) {
                continue;
            }
            let value = self.value(row, &field.name, &field.shape);
            object.extend(value.map(|value| (field.name.to_string(), value)));
        }
        json::give(&of.record, id, &object, &mut ()).map_err(|misfit| self.unfit(of, &misfit, &object))?;
        let key = of.record.fields.get(of.key).and_then(|field| object.get(&*field.name));
        let key = key.map_or_else(String::new, |key| key.as_str().map_or_else(|| key.to_string(), ToOwned::to_owned));
        Ok(Mapped { kind: of.name.clone(), key, body: Value::Object(object).to_string().into_bytes() })
    }

    /// The type of a row: the one that it names, and the only one where rows are not asked for theirs.
    fn kind(&self, row: &Row<'_>) -> Result<&EventType, RowProblem> {
        let named = self.types.iter().find(|of| Some(&*of.name) == row.kind.as_deref());
        let only = <&[EventType; 1]>::try_from(self.types.as_slice()).ok().filter(|_| !self.is_typed);
        named.or(only.map(|[only]| only)).ok_or_else(|| {
            let known: Vec<&str> = self.types.iter().map(|of| &*of.name).collect();
            let known = known.join(", ");
            RowProblem::Unfit(match &row.kind {
                Some(kind) => format!("its type {} is none of {known}", shown(kind.as_bytes())),
                None => format!("it says none of the types {known}"),
            })
        })
    }

    /// The value at a path of an event: what `--map` says, else what the row has under that name. Of a record, what is said of its
    /// fields comes over that.
    fn value(&self, row: &Row<'_>, path: &str, shape: &Shape) -> Option<Value> {
        let said = self.map.get(path).map(String::as_str);
        let is_outer = !path.contains('.');
        let mut value = said.or(is_outer.then_some(path)).and_then(|from| self.taken(row, from, shape));
        let inner = match shape {
            Shape::Optional(inner) => inner,
            shape => shape,
        };
        if let Shape::Record(record) = inner {
            for field in &record.fields {
                let below = format!("{path}.{}", field.name);
                if let Some(found) = self.value(row, &below, &field.shape) {
                    let object = value.get_or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(object) = object {
                        object.insert(field.name.to_string(), found);
                    }
                }
            }
        }
        value
    }

    /// What a row has there, as far as that can be brought into the shape.
    fn taken(&self, row: &Row<'_>, from: &str, shape: &Shape) -> Option<Value> {
        match from {
            "@time" => return Some(time(row.at_us, shape)),
            "@key" => return row.key.as_deref().map(|key| fitted(shape, key.into(), true)),
            "@type" => return row.kind.as_deref().map(|kind| fitted(shape, kind.into(), true)),
            _ => {}
        }
        let name = self.names.iter().position(|name| name == from)?;
        let is_text = row.layout != Layout::Json;
        let value = |field: &Field| {
            let written = &row.body[field.at.clone()];
            let value = match field.token {
                Token::Json => serde_json::from_str(written).unwrap_or(Value::Null),
                Token::Plain => Value::from(written),
            };
            fitted(shape, value, is_text)
        };
        self.found.iter().find(|field| field.name == name).map(value)
    }

    fn unfit(&self, of: &EventType, misfit: &Misfit, object: &Map<String, Value>) -> RowProblem {
        let (Misfit::Missing(path) | Misfit::WrongType(path) | Misfit::OutOfRange(path)) = misfit;
        let from = self.map.get(path).map_or_else(String::new, |from| format!(", which --map takes from {from}"));
        let steps = path.split('.');
        let mut value = None;
        for (depth, step) in steps.enumerate() {
            let inside = if depth == 0 { Some(object) } else { value.and_then(Value::as_object) };
            value = inside.and_then(|inside| inside.get(step));
        }
        let value = value.map_or_else(String::new, |value| format!(" {}", shown(value.to_string().as_bytes())));
        RowProblem::Unfit(match misfit {
            Misfit::Missing(_) => format!("{} lacks {path}{from}", of.name),
            Misfit::WrongType(_) => format!("{}: {path}{from} has{value}, another type of value than it may", of.name),
            Misfit::OutOfRange(_) => format!("{}: {path}{from} has{value}, none of the values that it may", of.name),
        })
    }
}

/// Whether a path such as `address.city` leads through records to a field.
fn leads(record: &Record, path: &str) -> bool {
    let (name, below) = path.split_once('.').map_or((path, None), |(name, below)| (name, Some(below)));
    let field = record.fields.iter().find(|field| *field.name == *name);
    let shape = field.map(|field| match &field.shape {
        Shape::Optional(inner) => inner,
        shape => shape,
    });
    match (shape, below) {
        (Some(Shape::Record(record)), Some(below)) => leads(record, below),
        (found, below) => found.is_some() && below.is_none(),
    }
}

/// A time in the unit of a shape; for a text, as RFC 3339 has it.
fn time(at_us: i64, shape: &Shape) -> Value {
    match shape {
        Shape::Optional(inner) => time(at_us, inner),
        Shape::Timestamp { unit: Unit::Millis, .. } => at_us.div_euclid(1_000).into(),
        Shape::Timestamp { unit: Unit::Nanos, .. } => at_us.checked_mul(1_000).into(),
        Shape::Text => jiff::Timestamp::from_microsecond(at_us).map_or(Value::Null, |at| at.to_string().into()),
        Shape::Date => jiff::Timestamp::from_microsecond(at_us)
            .map_or(Value::Null, |at| at.strftime("%Y-%m-%d").to_string().into()),
        _ => at_us.into(),
    }
}

/// A value in the shape, where it is the same in another form: numbers and dates that were written as texts, texts that were written as
/// numbers. `is_text`: nothing is said by a text without characters, since all values are texts.
fn fitted(shape: &Shape, value: Value, is_text: bool) -> Value {
    match (shape, value) {
        (Shape::Optional(_), Value::String(text)) if is_text && text.is_empty() => Value::Null,
        (Shape::Optional(inner), value) => fitted(inner, value, is_text),
        (Shape::Boolean, Value::String(text)) => match text.trim() {
            "true" => true.into(),
            "false" => false.into(),
            _ => text.into(),
        },
        (
            Shape::Integer(_) | Shape::TimeOfDay(_) | Shape::Float | Shape::Double | Shape::Decimal { .. },
            Value::String(text),
        ) => number(&text).map_or_else(|| text.into(), Value::Number),
        (Shape::Timestamp { .. }, Value::String(text)) => match (date(text.as_bytes()), number(&text)) {
            (Some(date), _) => time(date.at.as_microsecond(), shape),
            (None, Some(number)) => Value::Number(number),
            (None, None) => text.into(),
        },
        (Shape::Text, Value::Number(number)) => number.to_string().into(),
        (Shape::Text, Value::Bool(value)) => value.to_string().into(),
        (Shape::Array(entry), Value::Array(entries)) => {
            entries.into_iter().map(|value| fitted(entry, value, is_text)).collect()
        }
        (Shape::Map(entry), Value::Object(entries)) => {
            let entries = entries.into_iter().map(|(name, value)| (name, fitted(entry, value, is_text)));
            Value::Object(entries.collect())
        }
        (Shape::Record(record), Value::Object(mut object)) => {
            for field in &record.fields {
                if let Some(value) = object.remove(&*field.name) {
                    object.insert(field.name.to_string(), fitted(&field.shape, value, is_text));
                }
            }
            Value::Object(object)
        }
        (_, value) => value,
    }
}

/// A number as people write it: with a sign, with zeros before it, with spaces around it.
fn number(text: &str) -> Option<Number> {
    let text = text.trim();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    text.parse::<Number>().ok().or_else(|| Number::from_f64(text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_what_a_field_asks_for_and_what_they_do_not_say_stays() {
        let from_text = |shape: &Shape, text: &str| fitted(shape, text.into(), true);
        let whole = Shape::Integer(crate::wire::shape::Integer::I64);
        assert_eq!(from_text(&whole, " 007 "), 7);
        assert_eq!(from_text(&whole, "+7"), 7);
        assert_eq!(from_text(&whole, "seven"), "seven");
        assert_eq!(from_text(&Shape::Double, "1e3"), 1000.0);
        assert_eq!(from_text(&Shape::Boolean, "true"), true);
        assert_eq!(from_text(&Shape::Optional(Box::new(Shape::Text)), ""), Value::Null);
        assert_eq!(fitted(&Shape::Optional(Box::new(Shape::Text)), "".into(), false), "");
        let at = Shape::Timestamp { unit: Unit::Millis, local: false };
        assert_eq!(from_text(&at, "2015-05-30T15:33:20.117Z"), 1_433_000_000_117_i64);
        assert_eq!(from_text(&at, "1433000000117"), 1_433_000_000_117_i64);
        assert_eq!(fitted(&Shape::Text, 17.into(), false), "17");
        assert_eq!(
            fitted(&Shape::Array(Box::new(whole)), serde_json::json!(["1", 2]), false),
            serde_json::json!([1, 2])
        );
    }
}
