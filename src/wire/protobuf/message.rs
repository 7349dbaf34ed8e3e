//! What a message is made of.

use crate::wire::key::KeyPlace;
use crate::wire::shape::{self, Shape, Unit};

/// A message: a record, or what stands in for an array, a map, an optional or a union where a field cannot be one.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) fields: Box<[Field]>,
    /// Number, index of the field, and of the member where it is a `oneof`; by number.
    numbers: Box<[(u32, usize, usize)]>,
}

/// One field of a record.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) form: Form,
    pub(super) mark: Mark,
}

/// Whether the sender looks after the place of this field.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    pub(super) id: bool,
    pub(super) key: bool,
}

/// What a field of a record is in a message. `tag` is the number and the wire type, as on the wire.
#[derive(Debug)]
pub(super) enum Form {
    One {
        tag: u32,
        one: One,
        presence: Presence,
    },
    /// `packed` is the tag where all stand together, for those types that can.
    Many {
        tag: u32,
        packed: Option<u32>,
        one: One,
        is_packed: bool,
    },
    Map {
        tag: u32,
        value_tag: u32,
        value: One,
    },
    OneOf {
        members: Box<[(u32, One)]>,
        is_optional: bool,
    },
}

/// What it means that a field is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// It has its default value.
    Implicit,
    /// It is null.
    Optional,
    /// It is missing.
    Required,
}

/// One value.
#[derive(Debug)]
pub(super) enum One {
    Scalar(Scalar),
    Message(Message),
    /// `google.protobuf.Timestamp`.
    Timestamp(Unit),
}

/// A value that is no message.
#[derive(Debug)]
pub(super) enum Scalar {
    Boolean,
    Integer {
        number: Number,
        min: i128,
        max: i128,
    },
    Float,
    Double,
    Text,
    Constant(Box<str>),
    Bytes,
    Fixed(usize),
    UuidText,
    UuidBytes,
    Decimal {
        precision: u32,
        scale: u32,
        min: Option<i128>,
    },
    /// The numbers of the symbols.
    Enum(Box<[i32]>),
}

/// How a whole number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
}

impl Number {
    const fn key_place(self) -> KeyPlace {
        match self {
            Self::Int32 => KeyPlace::Signed32,
            Self::Int64 => KeyPlace::Signed,
            Self::Uint32 | Self::Uint64 => KeyPlace::Unsigned,
            Self::Sint32 | Self::Sint64 => KeyPlace::Zigzag,
            Self::Fixed32 | Self::Fixed64 => KeyPlace::Fixed { is_signed: false },
            Self::Sfixed32 | Self::Sfixed64 => KeyPlace::Fixed { is_signed: true },
        }
    }
}

impl Message {
    pub(super) fn new(fields: Vec<Field>) -> Self {
        let mut numbers = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            match &field.form {
                Form::One { tag, .. } | Form::Many { tag, .. } | Form::Map { tag, .. } => {
                    numbers.push((tag >> 3, at, 0));
                }
                Form::OneOf { members, .. } => {
                    numbers.extend(members.iter().enumerate().map(|(member, (tag, _))| (tag >> 3, at, member)));
                }
            }
        }
        numbers.sort_unstable();
        Self { fields: fields.into(), numbers: numbers.into() }
    }

    /// The field with that number, and which member it is where it is a `oneof`.
    pub(super) fn find(&self, number: u32) -> Option<(usize, usize)> {
        let at = self.numbers.binary_search_by_key(&number, |(number, ..)| *number).ok()?;
        self.numbers.get(at).map(|(_, field, member)| (*field, *member))
    }
}

impl Field {
    pub(super) fn new(form: Form) -> Self {
        Self { form, mark: Mark::default() }
    }

    /// How its value lies in a body, where it is the key. `own` is that field of the record.
    pub(super) fn key_place(&self, own: &shape::Field) -> KeyPlace {
        match (&self.form, &own.shape) {
            (Form::One { one: One::Scalar(Scalar::Integer { number, .. }), .. }, _) => number.key_place(),
            (Form::One { one: One::Scalar(Scalar::UuidBytes), .. }, _) => KeyPlace::Uuid,
            (Form::One { one: One::Scalar(Scalar::Enum(numbers)), .. }, Shape::Enum { symbols, .. }) => {
                KeyPlace::Symbol(numbers.iter().copied().zip(symbols.iter().cloned()).collect())
            }
            _ => KeyPlace::Text,
        }
    }
}

impl One {
    /// The wire type: <https://protobuf.dev/programming-guides/encoding/#structure>.
    pub(super) fn wire_type(&self) -> u32 {
        match self {
            Self::Scalar(Scalar::Boolean | Scalar::Enum(_)) => VARINT,
            Self::Scalar(Scalar::Float) => I32,
            Self::Scalar(Scalar::Double) => I64,
            Self::Scalar(Scalar::Integer { number, .. }) => match number {
                Number::Fixed32 | Number::Sfixed32 => I32,
                Number::Fixed64 | Number::Sfixed64 => I64,
                _ => VARINT,
            },
            Self::Scalar(_) | Self::Message(_) | Self::Timestamp(_) => LEN,
        }
    }
}

pub(super) const VARINT: u32 = 0;
pub(super) const I64: u32 = 1;
pub(super) const LEN: u32 = 2;
pub(super) const I32: u32 = 5;
/// The tags inside an entry of a map, and inside a `google.protobuf.Timestamp`.
pub(super) const KEY_TAG: u32 = 1 << 3 | LEN;
pub(super) const SECONDS_TAG: u32 = 1 << 3;
pub(super) const NANOS_TAG: u32 = 2 << 3;
/// How deep messages may stand within messages. Implementations read 100.
pub(super) const MAX_DEPTH: usize = 32;
/// The full name of the message that holds a time.
pub(super) const TIMESTAMP: &str = "google.protobuf.Timestamp";
