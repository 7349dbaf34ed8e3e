//! Any other layout: an object with the same values, in any order and spacing, brought into the canonical one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::plan::Plan;
use super::scan::day_of;
use super::write::Writer;
use crate::wire::shape::{Field, Integer, Record, Shape};
use crate::wire::sink::Sink;
use crate::wire::{BodyWriter, Written};

/// Branches that are tried for one event, at most.
const TRIES: u32 = 4_096;

/// Why an object is no event of a type. The names are those of fields, the outer one's first: `lines.price`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// A field that must be there is not.
    Missing(String),
    /// A field holds another type of value.
    WrongType(String),
    /// A field's number or text is none of those it may be.
    OutOfRange(String),
}

impl Misfit {
    fn below(self, name: &str) -> Self {
        let at = |below: String| if below.is_empty() { name.to_owned() } else { format!("{name}.{below}") };
        match self {
            Self::Missing(below) => Self::Missing(at(below)),
            Self::WrongType(below) => Self::WrongType(at(below)),
            Self::OutOfRange(below) => Self::OutOfRange(at(below)),
        }
    }
}

impl Plan {
    /// Writes `object` into `arena` in the canonical layout, with zeros for its id. Fields that the record does not name are left
    /// out.
    ///
    /// # Errors
    /// The first field, in the order of the record, that does not fit.
    pub fn rewrite(&self, object: &Map<String, Value>, arena: &mut Vec<u8>) -> Result<Written, Misfit> {
        let mut writer = Writer::new(self, arena);
        Give { sink: &mut writer, tries: 0, is_strict: false }.fields(self.record(), object)?;
        if self.is_open() {
            writer.plain(&rest(self.record(), object));
        }
        Ok(writer.finish())
    }
}

/// The members that the record does not name, each with a comma before it.
fn rest(record: &Record, object: &Map<String, Value>) -> String {
    let others = object.iter().filter(|(name, _)| record.fields.iter().all(|field| *field.name != **name));
    let text = |(name, value): (&String, &Value)| {
        [",", &Value::from(name.as_str()).to_string(), ":", &value.to_string()].concat()
    };
    others.map(text).collect()
}

/// Hands the values of an object that somebody else has written to `sink`, in the order of the record; a UUID of zeros for the field
/// `id`, where there is one, whatever it holds. Fields that the record does not name are left out.
///
/// # Errors
/// The first field, in the order of the record, that does not fit.
pub fn give(
    record: &Record,
    id: Option<usize>,
    object: &Map<String, Value>,
    sink: &mut impl Sink,
) -> Result<(), Misfit> {
    let mut give = Give { sink, tries: 0, is_strict: true };
    for (index, field) in record.fields.iter().enumerate() {
        match &field.shape {
            _ if Some(index) == id => give.sink.uuid(0),
            // A type that is named otherwise need not say so again.
            Shape::Constant(_) if !object.contains_key(&*field.name) => {}
            _ => give.field(field, object)?,
        }
    }
    Ok(())
}

/// Hands the values of an object over. Everything is looked at before it is handed over, so that what was begun fits.
struct Give<'a, S> {
    sink: &'a mut S,
    tries: u32,
    /// Whether what has no canonical form does not fit.
    is_strict: bool,
}

impl<S: Sink> Give<'_, S> {
    fn fields(&mut self, record: &Record, object: &Map<String, Value>) -> Result<(), Misfit> {
        record.fields.iter().try_for_each(|field| self.field(field, object))
    }

    fn field(&mut self, field: &Field, object: &Map<String, Value>) -> Result<(), Misfit> {
        let of = |misfit: Misfit| misfit.below(&field.name);
        match (&field.shape, object.get(&*field.name)) {
            (Shape::Optional(_), None | Some(Value::Null)) => self.sink.null(),
            (Shape::Optional(inner), Some(value)) => {
                self.sink.some();
                self.value(inner, value).map_err(of)?;
            }
            (_, None) => return Err(of(Misfit::Missing(String::new()))),
            (shape, Some(value)) => self.value(shape, value).map_err(of)?,
        }
        Ok(())
    }

    fn value(&mut self, shape: &Shape, value: &Value) -> Result<(), Misfit> {
        let wrong = || Misfit::WrongType(String::new());
        let beyond = || Misfit::OutOfRange(String::new());
        let text = || value.as_str().ok_or_else(wrong);
        match shape {
            Shape::Constant(constant) => {
                if text()? != &**constant {
                    return Err(beyond());
                }
            }
            Shape::Null | Shape::Optional(_) if value.is_null() => self.sink.null(),
            Shape::Null => return Err(wrong()),
            Shape::Boolean => self.sink.boolean(value.as_bool().ok_or_else(wrong)?),
            Shape::Integer(bounds) => self.integer(bounds, value)?,
            Shape::TimeOfDay(_) | Shape::Timestamp { .. } => self.integer(&Integer::I64, value)?,
            Shape::Float | Shape::Double => {
                self.sink.double(value.as_number().ok_or_else(wrong)?.as_f64().ok_or_else(wrong)?);
            }
            Shape::Decimal { precision, scale, min } => self.decimal(*precision, *scale, *min, value)?,
            Shape::Text => self.sink.text(text()?),
            Shape::Uuid(_) => {
                // An id of another producer may be anything; those of ours are read where they stand.
                let id = uuid::Uuid::try_parse(text()?).map(|uuid| uuid.as_u128()).unwrap_or_default();
                self.sink.uuid(id);
            }
            Shape::Date => self.sink.integer(day_of(text()?).ok_or_else(beyond)?.into()),
            Shape::Bytes => self.sink.bytes(&STANDARD.decode(text()?).map_err(|_| beyond())?),
            Shape::Fixed { size, .. } => {
                let bytes = STANDARD.decode(text()?).map_err(|_| beyond())?;
                if bytes.len() != *size {
                    return Err(beyond());
                }
                self.sink.bytes(&bytes);
            }
            Shape::Enum { symbols, .. } => {
                let text = text()?;
                let index = symbols.iter().position(|symbol| **symbol == *text).ok_or_else(beyond)?;
                self.sink.symbol(index);
            }
            Shape::Array(entry) => {
                let entries = value.as_array().ok_or_else(wrong)?;
                self.sink.begin(entries.len());
                for value in entries {
                    self.value(entry, value)?;
                }
                self.sink.end();
            }
            Shape::Map(entry) => {
                let entries = value.as_object().ok_or_else(wrong)?;
                self.sink.begin(entries.len());
                for (name, value) in entries {
                    self.sink.key(name);
                    self.value(entry, value)?;
                }
                self.sink.end();
            }
            Shape::Record(record) => self.fields(record, value.as_object().ok_or_else(wrong)?)?,
            Shape::Optional(inner) => {
                self.sink.some();
                self.value(inner, value)?;
            }
            Shape::Union(branches) => {
                let is_strict = self.is_strict;
                let fits = |tries: &mut u32, shape: &Shape| {
                    *tries += 1;
                    *tries <= TRIES && Give { sink: &mut (), tries: *tries, is_strict }.value(shape, value).is_ok()
                };
                let index = branches.iter().position(|shape| fits(&mut self.tries, shape)).ok_or_else(wrong)?;
                self.sink.branch(index);
                self.value(&branches[index], value)?;
            }
        }
        Ok(())
    }

    fn integer(&mut self, bounds: &Integer, value: &Value) -> Result<(), Misfit> {
        let number = value.as_number().ok_or_else(|| Misfit::WrongType(String::new()))?;
        let whole = number.as_i128().ok_or_else(|| Misfit::WrongType(String::new()))?;
        if whole < bounds.min || whole > bounds.max {
            return Err(Misfit::OutOfRange(String::new()));
        }
        match (i64::try_from(whole), u64::try_from(whole)) {
            (Ok(signed), _) => self.sink.integer(signed),
            (_, Ok(unsigned)) => self.sink.unsigned(unsigned),
            _ => return Err(Misfit::OutOfRange(String::new())),
        }
        Ok(())
    }

    /// A number between two units of the scale has no canonical form: it is written as it is, which no check of ours fits.
    fn decimal(&mut self, precision: u32, scale: u32, min: Option<i128>, value: &Value) -> Result<(), Misfit> {
        let wrong = || Misfit::WrongType(String::new());
        let beyond = || Misfit::OutOfRange(String::new());
        let number = value.as_number().ok_or_else(wrong)?.as_f64().ok_or_else(wrong)?;
        let canonical = format!("{number:.*}", scale as usize);
        let unscaled: i128 = canonical.replace('.', "").parse().map_err(|_| beyond())?;
        let fits = 10_u128.checked_pow(precision).is_none_or(|limit| unscaled.unsigned_abs() < limit);
        if !fits || min.is_some_and(|min| unscaled < min || (min == 0 && number < 0.0)) {
            return Err(beyond());
        }
        if canonical.parse::<f64>().is_ok_and(|rounded| rounded.to_bits() == number.to_bits()) {
            self.sink.decimal(unscaled);
        } else if self.is_strict {
            return Err(beyond());
        } else {
            self.sink.plain(&number.to_string());
        }
        Ok(())
    }
}
