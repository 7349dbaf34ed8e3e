//! Handing values over, one after the other, in the order of a record's fields: a source drives a [`Sink`], a format is one.
//! So an event is written without a tree of values in between. (The streaming half of serde's data model, for known shapes.)

use std::fmt;

use super::digits::push_digits;
use super::word::are_ascii;

/// What takes the values of one record. The caller gives exactly what the shape asks for, in its order; a record within a record
/// is its fields, with nothing around them.
pub trait Sink {
    /// Whether all that is handed over is dropped. A reader that must look at the whole before it knows the values then looks once.
    const TAKES_NOTHING: bool = false;
    /// An optional without a value, or a [`super::shape::Shape::Null`].
    fn null(&mut self);
    /// An optional that has a value, which follows.
    fn some(&mut self);
    /// A boolean.
    fn boolean(&mut self, value: bool);
    /// An integer, a date, a time or a timestamp.
    fn integer(&mut self, value: i64);
    /// An integer beyond 2^63.
    fn unsigned(&mut self, value: u64);
    /// A float or a double.
    fn double(&mut self, value: f64);
    /// A decimal, in units of 10^-scale.
    fn decimal(&mut self, unscaled: i128);
    /// A text.
    fn text(&mut self, value: &str);
    /// A text that needs no escape in JSON: digits, letters, ids.
    fn plain(&mut self, value: &str);
    /// A text that is a number's digits.
    fn digits(&mut self, value: u64) {
        self.joined(&[Part::Number(value)]);
    }
    /// A text of several parts, which need no escape in JSON.
    fn joined(&mut self, parts: &[Part<'_>]);
    /// A text that was escaped before.
    fn escaped(&mut self, value: &Escaped);
    /// Bytes, or a fixed.
    fn bytes(&mut self, value: &[u8]);
    /// An enum's symbol, by its index.
    fn symbol(&mut self, index: usize);
    /// A UUID; also where the shape is a text (its 36 characters), bytes or a fixed of 16 (its bytes in network order).
    fn uuid(&mut self, value: u128);
    /// A branch of a union, by its index; its value follows.
    fn branch(&mut self, index: usize);
    /// An array or a map. Its entries follow up to [`Sink::end`]: each is a value, of a map a key (by [`Sink::key`]) and a value.
    /// Who hands values to a writer gives the exact `length`; a reader gives what it knows at this place, which may be less.
    fn begin(&mut self, length: usize);
    /// The key of the next entry of a map.
    fn key(&mut self, name: &str);
    /// The end of an array or a map.
    fn end(&mut self);
}

/// What can hand the values of one event over, in the order of its type's fields.
pub trait Values {
    /// Hands them over. The id is any UUID: the sender puts its own in its place.
    fn give(&self, sink: &mut impl Sink);
}

/// Takes nothing: for a reader that only checks.
impl Sink for () {
    const TAKES_NOTHING: bool = true;
    fn null(&mut self) {}
    fn some(&mut self) {}
    fn boolean(&mut self, _: bool) {}
    fn integer(&mut self, _: i64) {}
    fn unsigned(&mut self, _: u64) {}
    fn double(&mut self, _: f64) {}
    fn decimal(&mut self, _: i128) {}
    fn text(&mut self, _: &str) {}
    fn plain(&mut self, _: &str) {}
    fn joined(&mut self, _: &[Part<'_>]) {}
    fn escaped(&mut self, _: &Escaped) {}
    fn bytes(&mut self, _: &[u8]) {}
    fn symbol(&mut self, _: usize) {}
    fn uuid(&mut self, _: u128) {}
    fn branch(&mut self, _: usize) {}
    fn begin(&mut self, _: usize) {}
    fn key(&mut self, _: &str) {}
    fn end(&mut self) {}
}

/// Hands a text over that was read; `None` where it is not UTF-8. Where nothing is taken, a look at its words is enough for most.
#[inline]
pub(super) fn give_text<S: Sink>(text: &[u8], sink: &mut S) -> Option<()> {
    if !S::TAKES_NOTHING || !are_ascii(text) {
        sink.text(str::from_utf8(text).ok()?);
    }
    Some(())
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// A text.
    Text(&'a str),
    /// The digits of a number.
    Number(u64),
}

impl Part<'_> {
    /// Appends it.
    #[inline]
    pub(super) fn push(self, out: &mut Vec<u8>) {
        match self {
            Self::Number(number) => push_digits(out, number),
            Self::Text(text) => match text.as_bytes() {
                // What stands between two numbers.
                [byte] => out.push(*byte),
                bytes => out.extend_from_slice(bytes),
            },
        }
    }
}

impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// A text with its form inside a JSON string, so that writing either is a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Escaped {
    text: Box<str>,
    json: Option<Box<str>>,
}

impl Escaped {
    /// Escapes `text` once.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let quoted = serde_json::Value::from(text).to_string();
        let json = &quoted[1..quoted.len() - 1];
        Self { text: text.into(), json: (json != text).then(|| json.into()) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The inside of a JSON string.
    #[must_use]
    pub fn json(&self) -> &str {
        self.json.as_deref().unwrap_or(&self.text)
    }
}
