//! A message as a flat list of steps, for the writer.

use super::message::{Field, Form, LEN, Mark, Message, Number, One, Presence, Scalar};
use crate::wire::shape::Unit;
use crate::wire::varint::{in_word, push_varint, varint_length};

/// What the writer does next. Those from [`Step::Value`] on wait for what is handed over.
#[derive(Debug)]
pub(super) enum Step {
    /// Writes these bytes.
    Constant(Box<[u8]>),
    /// Begins a message.
    Open(Tag),
    /// Ends a message.
    Close,
    /// Goes on there.
    Jump(usize),
    /// The end of an entry: goes on there for the next one, unless the array or the map ends.
    Next { body: usize, packed: Option<Tag> },
    /// A value.
    Value(Leaf),
    /// `google.protobuf.Timestamp`.
    Timestamp(Tag, Unit),
    /// Null or not: where null goes on.
    Optional(usize),
    /// Where the branches of a union begin.
    Union(Box<[usize]>),
    /// An array or a map: where its [`Step::Next`] is, and the tag under which all stand together.
    Repeat { next: usize, packed: Option<Tag> },
    /// The key of an entry of a map.
    Key,
    /// Nothing follows.
    End,
}

/// One value that is no message.
#[derive(Debug)]
pub(super) struct Leaf {
    /// None where it is one of packed values.
    pub(super) tag: Tag,
    pub(super) kind: Kind,
    /// Whether the default value is left out.
    pub(super) leaves_out: bool,
    pub(super) mark: Mark,
}

/// A tag as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag {
    /// Its bytes, the first one lowest, and zeros after them.
    pub(super) word: u64,
    pub(super) length: usize,
}

impl Tag {
    /// The tag of that number and wire type; 0 is none.
    pub(super) const fn new(tag: u32) -> Self {
        let length = if tag == 0 { 0 } else { varint_length(tag as u64) };
        Self { word: if tag == 0 { 0 } else { in_word(tag as u64, length) }, length }
    }
}

/// How it is written.
#[derive(Debug)]
pub(super) enum Kind {
    Boolean,
    Number(Number),
    Float,
    Double,
    Text,
    Bytes,
    Decimal(u32),
    Enum(Box<[i32]>),
}

pub(super) fn flatten(root: &Message) -> Box<[Step]> {
    let mut steps = Vec::new();
    message(root, &mut steps);
    steps.push(Step::End);
    steps.into()
}

fn message(message: &Message, steps: &mut Vec<Step>) {
    for field in &message.fields {
        form(field, steps);
    }
}

fn form(field: &Field, steps: &mut Vec<Step>) {
    match &field.form {
        Form::One { tag, one: value, presence: Presence::Optional } => {
            let at = steps.len();
            steps.push(Step::Optional(0));
            one(*tag, value, false, field.mark, steps);
            steps[at] = Step::Optional(steps.len());
        }
        Form::One { tag, one: value, presence } => {
            one(*tag, value, *presence == Presence::Implicit, field.mark, steps);
        }
        Form::Many { tag, packed, one: value, is_packed } => {
            let packed = packed.filter(|_| *is_packed).map(Tag::new);
            let own = if packed.is_some() { 0 } else { *tag };
            repeat(packed, steps, |steps| one(own, value, false, Mark::default(), steps));
        }
        Form::Map { tag, value_tag, value } => repeat(None, steps, |steps| {
            steps.extend([Step::Open(Tag::new(*tag)), Step::Key]);
            one(*value_tag, value, false, Mark::default(), steps);
            steps.push(Step::Close);
        }),
        Form::OneOf { members, is_optional } => {
            let at = steps.len();
            steps.extend(is_optional.then_some(Step::Optional(0)));
            let union = steps.len();
            steps.push(Step::End);
            let (mut begins, mut ends) = (Vec::new(), Vec::new());
            for (tag, value) in members {
                begins.push(steps.len());
                one(*tag, value, false, Mark::default(), steps);
                ends.push(steps.len());
                steps.push(Step::End);
            }
            let after = steps.len();
            for end in ends {
                steps[end] = Step::Jump(after);
            }
            steps[union] = Step::Union(begins.into());
            if *is_optional {
                steps[at] = Step::Optional(after);
            }
        }
    }
}

fn repeat(packed: Option<Tag>, steps: &mut Vec<Step>, entry: impl FnOnce(&mut Vec<Step>)) {
    let at = steps.len();
    steps.push(Step::End);
    entry(steps);
    steps[at] = Step::Repeat { next: steps.len(), packed };
    steps.push(Step::Next { body: at + 1, packed });
}

fn one(tag: u32, one: &One, leaves_out: bool, mark: Mark, steps: &mut Vec<Step>) {
    let kind = match one {
        One::Message(inner) => {
            steps.push(Step::Open(Tag::new(tag)));
            message(inner, steps);
            steps.push(Step::Close);
            return;
        }
        One::Timestamp(unit) => {
            steps.push(Step::Timestamp(Tag::new(tag), *unit));
            return;
        }
        One::Scalar(Scalar::Constant(text)) => {
            if !(leaves_out && text.is_empty()) {
                let mut bytes = Vec::new();
                push_varint(&mut bytes, tag.into());
                push_varint(&mut bytes, text.len() as u64);
                bytes.extend_from_slice(text.as_bytes());
                debug_assert_eq!(tag & 7, LEN);
                steps.push(Step::Constant(bytes.into()));
            }
            return;
        }
        One::Scalar(scalar) => match scalar {
            Scalar::Boolean => Kind::Boolean,
            Scalar::Integer { number, .. } => Kind::Number(*number),
            Scalar::Float => Kind::Float,
            Scalar::Double => Kind::Double,
            Scalar::Bytes | Scalar::Fixed(_) | Scalar::UuidBytes => Kind::Bytes,
            Scalar::Decimal { scale, .. } => Kind::Decimal(*scale),
            Scalar::Enum(numbers) => Kind::Enum(numbers.clone()),
            Scalar::Text | Scalar::UuidText | Scalar::Constant(_) => Kind::Text,
        },
    };
    steps.push(Step::Value(Leaf { tag: Tag::new(tag), kind, leaves_out, mark }));
}
