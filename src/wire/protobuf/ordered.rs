//! The reader of what the writer writes: each field once, in the record's order. It allocates nothing. All else it leaves to
//! `scattered`, which has the last word: `None` is no judgement.

use super::Plan;
use super::cursor::Cursor;
use super::message::{Field, Form, KEY_TAG, LEN, One, Presence, Scalar};
use super::scalar::{self, Timestamp};
use crate::wire::Written;
use crate::wire::sink::{Sink, give_text};
use crate::wire::value::bytes_to_uuid;

pub(super) fn read<S: Sink>(plan: &Plan, body: &[u8], sink: &mut S) -> Option<Written> {
    let mut written = Written::default();
    message(&plan.root.fields, Cursor::new(body), sink, &mut written)?;
    Some(written)
}

fn message<S: Sink>(fields: &[Field], mut from: Cursor, sink: &mut S, written: &mut Written) -> Option<()> {
    for field in fields {
        match &field.form {
            Form::One { tag, one: value, presence } => {
                if !from.passes(*tag) {
                    absent(value, *presence, sink)?;
                    continue;
                }
                if *presence == Presence::Optional {
                    sink.some();
                }
                let before = from;
                match value {
                    // Most fields are texts.
                    One::Scalar(Scalar::Text) => give_text(from.delimited().ok()?, sink)?,
                    One::Scalar(Scalar::UuidText) if field.mark.id => {
                        let uuid = bytes_to_uuid(from.delimited().ok()?)?;
                        sink.uuid(uuid);
                        written.uuid = Some(uuid);
                    }
                    value => one(value, &mut from, sink, written)?,
                }
                if field.mark.id || field.mark.key {
                    mark(field, value, before, from.at, written);
                }
            }
            Form::Many { tag, packed, one: value, .. } => {
                sink.begin(0);
                if packed.is_some_and(|packed| from.passes(packed)) {
                    let mut values = from.message().ok()?;
                    while !values.is_done() {
                        one(value, &mut values, sink, written)?;
                    }
                }
                while from.passes(*tag) {
                    one(value, &mut from, sink, written)?;
                }
                sink.end();
            }
            Form::Map { tag, value_tag, value } => {
                sink.begin(0);
                while from.passes(*tag) {
                    let mut entry = from.message().ok()?;
                    if !entry.passes(KEY_TAG) {
                        return None;
                    }
                    sink.key(std::str::from_utf8(entry.delimited().ok()?).ok()?);
                    if !entry.passes(*value_tag) {
                        return None;
                    }
                    one(value, &mut entry, sink, written)?;
                    if !entry.is_done() {
                        return None;
                    }
                }
                sink.end();
            }
            Form::OneOf { members, is_optional } => match members.iter().position(|(tag, _)| from.passes(*tag)) {
                Some(at) => {
                    if *is_optional {
                        sink.some();
                    }
                    sink.branch(at);
                    one(&members.get(at)?.1, &mut from, sink, written)?;
                }
                None if *is_optional => sink.null(),
                None => return None,
            },
        }
    }
    from.is_done().then_some(())
}

#[inline]
fn one<S: Sink>(one: &One, from: &mut Cursor, sink: &mut S, written: &mut Written) -> Option<()> {
    match one {
        One::Scalar(scalar) => scalar::read(scalar, from, sink).ok(),
        One::Message(inner) => message(&inner.fields, from.message().ok()?, sink, written),
        One::Timestamp(unit) => {
            let mut timestamp = Timestamp::default();
            let unknown = timestamp.merge(from.message().ok()?).ok()?;
            sink.integer(timestamp.count(*unit).ok()?);
            (unknown == 0).then_some(())
        }
    }
}

#[inline]
fn absent<S: Sink>(one: &One, presence: Presence, sink: &mut S) -> Option<()> {
    match (presence, one) {
        (Presence::Optional, _) => sink.null(),
        (Presence::Implicit, One::Scalar(scalar)) => scalar::read_default(scalar, sink).ok()?,
        _ => return None,
    }
    Some(())
}

/// Notes where the id and the key stand.
fn mark(field: &Field, one: &One, mut from: Cursor, end: usize, written: &mut Written) {
    let range = if one.wire_type() == LEN { from.range().ok() } else { Some(from.at..end) };
    if field.mark.id {
        written.id.clone_from(&range);
    }
    if field.mark.key {
        written.key = range;
    }
}
