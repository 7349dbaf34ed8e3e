//! Trees of values: a reader builds one through a [`ValueSink`], [`drive`] hands one to any other sink. Nothing here is done per
//! event.

use std::fmt::Display;

use super::shape::{Field, Record, Shape, Unit, Value};
use super::sink::{Escaped, Part, Sink};
use super::word::of_hex;

/// Builds the [`Value`] of a record out of what it is handed.
#[derive(Debug)]
pub struct ValueSink<'a> {
    open: Vec<Open<'a>>,
    done: Option<Value>,
}

/// What is still being built.
#[derive(Debug)]
enum Open<'a> {
    Record(&'a [Field], Vec<Value>),
    Array(&'a Shape, Vec<Value>),
    Map(&'a Shape, Vec<(Box<str>, Value)>, Option<Box<str>>),
    Some(&'a Shape),
    Branch(usize, &'a Shape),
}

impl<'a> ValueSink<'a> {
    /// A sink for one record.
    #[must_use]
    pub fn new(record: &'a Record) -> Self {
        let mut sink = Self { open: vec![Open::Record(&record.fields, Vec::new())], done: None };
        sink.settle(None);
        sink
    }

    /// The record; `None` where values are missing.
    #[must_use]
    pub fn finish(self) -> Option<Value> {
        self.done
    }

    /// What is asked for next.
    fn expected(&self) -> Option<&'a Shape> {
        match self.open.last()? {
            Open::Record(fields, done) => fields.get(done.len()).map(|field| &field.shape),
            Open::Array(shape, _) | Open::Map(shape, ..) | Open::Some(shape) | Open::Branch(_, shape) => Some(shape),
        }
    }

    /// Opens the records that the next value is inside of.
    fn enter(&mut self) -> Option<&'a Shape> {
        loop {
            match self.expected() {
                Some(Shape::Record(record)) if record.only_value().is_none() => {
                    self.open.push(Open::Record(&record.fields, Vec::new()));
                    self.settle(None);
                }
                shape => return shape,
            }
        }
    }

    /// Puts a value where it belongs, and closes all that is complete by it.
    fn settle(&mut self, mut value: Option<Value>) {
        loop {
            let Some(open) = self.open.last_mut() else {
                self.done = value.or(self.done.take());
                return;
            };
            let complete = match open {
                Open::Record(fields, done) => {
                    done.extend(value.take());
                    while let Some(nothing) = fields.get(done.len()).and_then(|field| field.shape.only_value()) {
                        done.push(nothing);
                    }
                    (done.len() == fields.len()).then(|| Value::Record(std::mem::take(done)))
                }
                Open::Array(_, done) => {
                    done.extend(value.take());
                    None
                }
                Open::Map(shape, done, key) => {
                    let given = value.take().or_else(|| key.as_ref().and_then(|_| shape.only_value()));
                    if let Some(given) = given {
                        done.push((key.take().unwrap_or_default(), given));
                    }
                    None
                }
                Open::Some(shape) => value.take().or_else(|| shape.only_value()),
                Open::Branch(index, shape) => {
                    let (index, given) = (*index, value.take().or_else(|| shape.only_value()));
                    given.map(|given| Value::Branch(index, Box::new(given)))
                }
            };
            if complete.is_none() {
                return;
            }
            self.open.pop();
            value = complete;
        }
    }

    fn put(&mut self, value: Value) {
        self.enter();
        self.settle(Some(value));
    }
}

impl Sink for ValueSink<'_> {
    fn null(&mut self) {
        self.put(Value::Null);
    }

    fn some(&mut self) {
        if let Some(Shape::Optional(shape)) = self.enter() {
            self.open.push(Open::Some(shape));
            self.settle(None);
        }
    }

    fn boolean(&mut self, value: bool) {
        self.put(Value::Boolean(value));
    }

    fn integer(&mut self, value: i64) {
        self.put(Value::Integer(value.into()));
    }

    fn unsigned(&mut self, value: u64) {
        self.put(Value::Integer(value.into()));
    }

    fn double(&mut self, value: f64) {
        self.put(Value::Double(value));
    }

    fn decimal(&mut self, unscaled: i128) {
        self.put(Value::Decimal(unscaled));
    }

    fn text(&mut self, value: &str) {
        self.put(Value::Text(value.into()));
    }

    fn plain(&mut self, value: &str) {
        self.text(value);
    }

    fn joined(&mut self, parts: &[Part<'_>]) {
        self.text(&parts.iter().map(Part::to_string).collect::<String>());
    }

    fn escaped(&mut self, value: &Escaped) {
        self.text(value.as_str());
    }

    fn bytes(&mut self, value: &[u8]) {
        self.put(Value::Bytes(value.into()));
    }

    fn symbol(&mut self, index: usize) {
        self.put(Value::Symbol(index));
    }

    fn uuid(&mut self, value: u128) {
        let value = match self.enter() {
            Some(Shape::Text) => Value::Text(uuid::Uuid::from_u128(value).to_string().into()),
            Some(Shape::Bytes | Shape::Fixed { .. }) => Value::Bytes(value.to_be_bytes().into()),
            _ => Value::Uuid(value),
        };
        self.settle(Some(value));
    }

    fn branch(&mut self, index: usize) {
        if let Some(Shape::Union(branches)) = self.enter()
            && let Some(shape) = branches.get(index)
        {
            self.open.push(Open::Branch(index, shape));
            self.settle(None);
        }
    }

    fn begin(&mut self, _: usize) {
        match self.enter() {
            Some(Shape::Array(shape)) => self.open.push(Open::Array(shape, Vec::new())),
            Some(Shape::Map(shape)) => self.open.push(Open::Map(shape, Vec::new(), None)),
            _ => {}
        }
    }

    fn key(&mut self, name: &str) {
        if let Some(Open::Map(_, _, key)) = self.open.last_mut() {
            *key = Some(name.into());
            self.settle(None);
        }
    }

    fn end(&mut self) {
        match self.open.last() {
            Some(Open::Array(..) | Open::Map(..)) => {}
            _ => return,
        }
        let value = match self.open.pop() {
            Some(Open::Array(_, done)) => Value::Array(done),
            Some(Open::Map(_, done, _)) => Value::Map(done),
            _ => return,
        };
        self.settle(Some(value));
    }
}

/// A value that is not of its shape, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{problem}", .path, if .path.is_empty() { "" } else { ": " })]
pub struct Misfit {
    /// Field names, `[3]` for an entry of an array, `["key"]` for one of a map; empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

impl Misfit {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self { path: String::new(), problem: problem.into() }
    }

    pub(super) fn within(mut self, part: impl Display) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{part}{dot}{}", self.path);
        self
    }
}

/// Whether `value` is one of `shape`.
///
/// # Errors
/// Where it is not, and why.
pub fn conforms(value: &Value, shape: &Shape) -> Result<(), Misfit> {
    drive(value, shape, &mut ())
}

/// Hands the values of a record over: [`drive`] for what is a record at the top.
///
/// # Errors
/// Where the value is not of its shape, and why. What stands before that place was handed over.
pub fn drive_record(value: &Value, record: &Record, sink: &mut impl Sink) -> Result<(), Misfit> {
    let Value::Record(values) = value else { return Err(Misfit::new(format!("{} is no record", value.kind()))) };
    if values.len() != record.fields.len() {
        let (has, wants) = (values.len(), record.fields.len());
        return Err(Misfit::new(format!("a record of {has} values, of {} that has {wants} fields", record.name)));
    }
    for (value, field) in values.iter().zip(&record.fields) {
        drive(value, &field.shape, sink).map_err(|misfit| misfit.within(&field.name))?;
    }
    Ok(())
}

/// Hands a tree of values over. A text stands for an enum's symbol and for a UUID too.
///
/// # Errors
/// Where the value is not of its shape, and why. What stands before that place was handed over.
pub fn drive(value: &Value, shape: &Shape, sink: &mut impl Sink) -> Result<(), Misfit> {
    match (shape, value) {
        (Shape::Constant(_), _) => {}
        (Shape::Null | Shape::Optional(_), Value::Null) => sink.null(),
        (Shape::Optional(shape), value) => {
            sink.some();
            drive(value, shape, sink)?;
        }
        (Shape::Boolean, Value::Boolean(value)) => sink.boolean(*value),
        (Shape::Integer(bounds), Value::Integer(value)) => whole(*value, bounds.min, bounds.max, sink)?,
        (Shape::Date | Shape::TimeOfDay(Unit::Millis), Value::Integer(value)) => {
            whole(*value, i32::MIN.into(), i32::MAX.into(), sink)?;
        }
        (Shape::TimeOfDay(_) | Shape::Timestamp { .. }, Value::Integer(value)) => {
            whole(*value, i64::MIN.into(), i64::MAX.into(), sink)?;
        }
        (Shape::Float | Shape::Double, Value::Double(value)) => sink.double(*value),
        (Shape::Decimal { precision, min, .. }, Value::Decimal(value)) => {
            let fits = 10_u128.checked_pow(*precision).is_none_or(|limit| value.unsigned_abs() < limit);
            if !fits || min.is_some_and(|min| *value < min) {
                return Err(Misfit::new(format!("{value} is no decimal of {precision} digits within its bounds")));
            }
            sink.decimal(*value);
        }
        (Shape::Text, Value::Text(value)) => sink.text(value),
        (Shape::Bytes, Value::Bytes(value)) => sink.bytes(value),
        (Shape::Fixed { name, size }, Value::Bytes(value)) => {
            if value.len() != *size {
                return Err(Misfit::new(format!("{} bytes, where {name} has {size}", value.len())));
            }
            sink.bytes(value);
        }
        (Shape::Uuid(_), Value::Uuid(value)) => sink.uuid(*value),
        (Shape::Uuid(_), Value::Text(text)) => match text_to_uuid(text) {
            Some(value) => sink.uuid(value),
            None => return Err(Misfit::new(format!("{text:?} is no UUID"))),
        },
        (Shape::Enum { name, symbols }, Value::Symbol(index)) => match symbols.get(*index) {
            Some(_) => sink.symbol(*index),
            None => return Err(Misfit::new(format!("{name} has no symbol {index}"))),
        },
        (Shape::Enum { name, symbols }, Value::Text(text)) => match symbols.iter().position(|symbol| symbol == text) {
            Some(index) => sink.symbol(index),
            None => return Err(Misfit::new(format!("{name} has no symbol {text:?}"))),
        },
        (Shape::Array(shape), Value::Array(values)) => {
            sink.begin(values.len());
            for (at, value) in values.iter().enumerate() {
                drive(value, shape, sink).map_err(|misfit| misfit.within(format_args!("[{at}]")))?;
            }
            sink.end();
        }
        (Shape::Map(shape), Value::Map(values)) => {
            sink.begin(values.len());
            for (key, value) in values {
                sink.key(key);
                drive(value, shape, sink).map_err(|misfit| misfit.within(format_args!("[{key:?}]")))?;
            }
            sink.end();
        }
        (Shape::Record(record), value) => drive_record(value, record, sink)?,
        (Shape::Union(branches), Value::Branch(index, value)) => {
            let Some(shape) = branches.get(*index) else {
                return Err(Misfit::new(format!("a union of {} has no branch {index}", branches.len())));
            };
            sink.branch(*index);
            drive(value, shape, sink)?;
        }
        (shape, value) => return Err(Misfit::new(format!("{} is no {}", value.kind(), shape.kind()))),
    }
    Ok(())
}

fn whole(value: i128, min: i128, max: i128, sink: &mut impl Sink) -> Result<(), Misfit> {
    if value < min || value > max {
        return Err(Misfit::new(format!("{value} is not within {min} and {max}")));
    }
    if let Ok(value) = i64::try_from(value) {
        sink.integer(value);
    } else if let Ok(value) = u64::try_from(value) {
        sink.unsigned(value);
    } else {
        return Err(Misfit::new(format!("{value} does not fit into 64 bits")));
    }
    Ok(())
}

/// The 36 characters of a UUID, in lower case. Most are that of an id before the stamp takes its place.
#[inline]
pub(super) fn uuid_to_text(value: u128) -> [u8; uuid::fmt::Hyphenated::LENGTH] {
    let mut text = *b"00000000-0000-0000-0000-000000000000";
    if value != 0 {
        uuid::Uuid::from_u128(value).hyphenated().encode_lower(&mut text);
    }
    text
}

/// The UUID of 36 characters in either case, as RFC 9562 writes it; `None` for any other form.
#[must_use]
pub fn text_to_uuid(text: &str) -> Option<u128> {
    bytes_to_uuid(text.as_bytes())
}

/// The UUID of the bytes of such a text.
#[inline]
#[must_use]
pub fn bytes_to_uuid(text: &[u8]) -> Option<u128> {
    let text: &[u8; uuid::fmt::Hyphenated::LENGTH] = text.try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != *b"----" {
        return None;
    }
    let word = |low: usize, high: usize| {
        let mut word = [0; 8];
        word[..4].copy_from_slice(&text[low..low + 4]);
        word[4..].copy_from_slice(&text[high..high + 4]);
        of_hex(u64::from_le_bytes(word)).map(u128::from)
    };
    Some(word(0, 4)? << 96 | word(9, 14)? << 64 | word(19, 24)? << 32 | word(28, 32)?)
}

#[cfg(test)]
mod tests;
