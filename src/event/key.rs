//! Keys of records: the text of the key's field, or that field in Avro or Protobuf, with its schema's id before it.
//!
//! The text is the same in every format of the body, so an event's key lies in the same partition whatever that is.

use std::ops::Range;

use super::declared::EventType;
use crate::wire::key::KeyPlace;
use crate::wire::protobuf;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Bits, Field, Record, Shape};
use crate::wire::varint::zigzag;

/// What the bytes of a key are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyForm {
    /// The field's text.
    #[default]
    Text,
    /// The field in Avro: a `string`, an `int` or a `long`.
    Avro,
    /// A message of Protobuf that has the field alone.
    Protobuf,
}

/// How the keys of a type are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyCoding {
    form: KeyForm,
    is_number: bool,
    /// The frames that a key may have; it is written with the first.
    frames: Vec<Box<[u8]>>,
    schema: Option<KeySchema>,
}

/// The schema of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySchema {
    /// The text.
    pub text: Box<str>,
    /// Its subject in the registry, where it has one.
    pub subject: Option<Box<str>>,
}

impl KeyCoding {
    /// Keys of a type in that form, without a frame.
    ///
    /// # Errors
    /// The field has no such form.
    pub fn new(form: KeyForm, declared: &EventType) -> Result<Self, SchemaError> {
        let Some(field) = declared.record.fields.get(declared.key).filter(|_| form != KeyForm::Text) else {
            return Ok(Self::default());
        };
        let is_number = matches!(field.shape, Shape::Integer(_));
        let text = match form {
            KeyForm::Protobuf => protobuf::Schema::of(&message_of(declared, &field.shape))?.text().into(),
            KeyForm::Text | KeyForm::Avro => in_avro(&field.shape).map_err(|error| error.within(&field.name))?.into(),
        };
        Ok(Self { form, is_number, frames: Vec::new(), schema: Some(KeySchema { text, subject: None }) })
    }

    /// The same under a subject, with one of these frames before each key.
    #[must_use]
    pub fn framed(mut self, subject: Option<&str>, frames: Vec<Box<[u8]>>) -> Self {
        if let Some(schema) = &mut self.schema {
            schema.subject = subject.map(Into::into);
        }
        Self { frames, ..self }
    }

    /// What the bytes of a key are.
    #[must_use]
    pub const fn form(&self) -> KeyForm {
        self.form
    }

    /// Its schema, but for texts.
    #[must_use]
    pub const fn schema(&self) -> Option<&KeySchema> {
        self.schema.as_ref()
    }

    /// The bytes before each key.
    #[must_use]
    pub fn frame(&self) -> &[u8] {
        self.frames.first().map_or(&[], |frame| frame)
    }

    /// The key of that text, as a record has it.
    #[must_use]
    pub fn key_of(&self, text: &[u8]) -> Vec<u8> {
        let mut key = self.frame().to_vec();
        self.head(text).push(&mut key);
        key.extend_from_slice(self.rest(text));
        key
    }

    /// Writes the key of an event behind its body, unless it stands there already. `at`: where its value lies in the body. Where the key
    /// is, and where it begins behind its frame.
    #[inline]
    pub(super) fn write(&self, arena: &mut Vec<u8>, place: &KeyPlace, at: Range<usize>) -> (Range<usize>, usize) {
        if self.form == KeyForm::Text && matches!(place, KeyPlace::Text) {
            let start = at.start;
            return (at, start);
        }
        self.write_behind(arena, place, at)
    }

    #[inline(never)]
    fn write_behind(&self, arena: &mut Vec<u8>, place: &KeyPlace, at: Range<usize>) -> (Range<usize>, usize) {
        let start = arena.len();
        arena.extend_from_slice(self.frame());
        let content = arena.len();
        if let KeyPlace::Text = place {
            self.head(&arena[at.clone()]).push(arena);
            if !self.is_number {
                arena.extend_from_within(at);
            }
        } else {
            let mut value = [0; LONGEST_VALUE];
            let length = at.len().min(LONGEST_VALUE);
            value[..length].copy_from_slice(&arena[at.start..at.start + length]);
            let text = place.text(&value[..length]);
            self.head(&text).push(arena);
            arena.extend_from_slice(self.rest(&text));
        }
        (start..arena.len(), content)
    }

    /// What a key is behind its frame; all of it where it has none.
    pub(super) fn content<'a>(&self, key: &'a [u8]) -> &'a [u8] {
        self.frames.iter().find_map(|frame| key.strip_prefix(&**frame)).unwrap_or(key)
    }

    /// Whether that is the key of that text.
    #[inline]
    pub(super) fn is_key_of(&self, text: &[u8], key: &[u8]) -> bool {
        if self.form == KeyForm::Text {
            return text == key;
        }
        let has_frame = self.frames.is_empty() || self.frames.iter().any(|frame| key.starts_with(frame));
        let rest = self.content(key).strip_prefix(self.head(text).bytes());
        has_frame && rest == Some(self.rest(text))
    }

    /// What stands before the text, or in its place.
    fn head(&self, text: &[u8]) -> Head {
        let mut head = Head::default();
        match self.form {
            KeyForm::Text => {}
            KeyForm::Avro if self.is_number => head.varint(zigzag(number(text).cast_signed())),
            KeyForm::Avro => head.varint((text.len() as u64) << 1),
            KeyForm::Protobuf if self.is_number => match number(text) {
                0 => {}
                number => {
                    head.varint(NUMBER_TAG);
                    head.varint(number);
                }
            },
            KeyForm::Protobuf if text.is_empty() => {}
            KeyForm::Protobuf => {
                head.varint(TEXT_TAG);
                head.varint(text.len() as u64);
            }
        }
        head
    }

    /// The text, where that is part of the key.
    fn rest<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        if self.is_number { &[] } else { text }
    }
}

/// The longest value of a key that is not its text: a UUID's.
const LONGEST_VALUE: usize = 16;
/// The tags of the first field of a message: a varint, and bytes of any number.
const NUMBER_TAG: u64 = 1 << 3;
const TEXT_TAG: u64 = 1 << 3 | 2;

/// A few bytes.
#[derive(Default)]
struct Head {
    bytes: [u8; 16],
    length: usize,
}

impl Head {
    fn varint(&mut self, mut value: u64) {
        loop {
            let byte = (value & 0x7f) as u8;
            value >>= 7;
            // A tag and a number have 11 bytes at most.
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = if value == 0 { byte } else { byte | 0x80 };
                self.length += 1;
            }
            if value == 0 {
                return;
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn push(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.bytes());
    }
}

/// The number of a text, which is one of 64 bits; of a negative one the number with the same bits.
fn number(text: &[u8]) -> u64 {
    let text = std::str::from_utf8(text).unwrap_or_default();
    text.parse::<i64>().map(i64::cast_unsigned).or_else(|_| text.parse()).unwrap_or_default()
}

fn in_avro(shape: &Shape) -> Result<&'static str, SchemaError> {
    Ok(match shape {
        Shape::Integer(whole) if whole.max > i64::MAX.into() => {
            return Err(SchemaError::new("a whole number beyond 2^63 cannot be a key in Avro"));
        }
        Shape::Integer(whole) if whole.bits == Bits::I32 => r#""int""#,
        Shape::Integer(_) => r#""long""#,
        Shape::Uuid(_) => r#"{"type":"string","logicalType":"uuid"}"#,
        _ => r#""string""#,
    })
}

/// The message of a key, `shop.events.Key`. It is the same for all types whose keys are of one kind, for they may share a topic.
fn message_of(declared: &EventType, key: &Shape) -> Record {
    let package = declared.record.name.rsplit_once('.');
    let name = package.map_or_else(|| "Key".to_owned(), |(package, _)| format!("{package}.Key"));
    let shape = if let Shape::Integer(_) = key { key.clone() } else { Shape::Text };
    Record { name: name.into(), fields: vec![Field { name: "key".into(), shape, default: None }] }
}

#[cfg(test)]
mod tests;
