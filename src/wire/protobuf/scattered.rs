//! The reader of any body: fields in any order, values that later ones replace, messages in parts, unknown fields. It notes where
//! all values stand and hands them over in the record's order afterwards. It takes memory in proportion to the body.

use std::ops::Range;

use super::cursor::Cursor;
use super::message::{Field, Form, KEY_TAG, LEN, Message, One, Presence};
use super::plan::Plan;
use super::scalar::{self, Timestamp};
use crate::wire::sink::Sink;
use crate::wire::{Malformed, Written};

/// What a body was like, beyond its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Where the id and the key stand.
    pub written: Written,
    /// How many fields there were that the plan does not know: a newer writer may have them.
    pub unknown_fields: usize,
    /// Whether each field stood once, and in the record's order.
    pub in_order: bool,
}

pub(super) fn read<S: Sink>(plan: &Plan, body: &[u8], sink: &mut S) -> Result<Read, Malformed> {
    let mut reader = Reader { body: Cursor::new(body), read: Read::default() };
    let whole = Occurrence { range: 0..body.len(), is_packed: false };
    reader.message(&plan.root, &[whole], sink, true)?;
    Ok(reader.read)
}

struct Reader<'a> {
    body: Cursor<'a>,
    read: Read,
}

/// Where a value stands: behind its tag, and of a message or of packed values behind the length.
#[derive(Clone, Debug)]
struct Occurrence {
    range: Range<usize>,
    is_packed: bool,
}

/// What was seen of a field.
#[derive(Clone, Debug, Default)]
struct Slot {
    member: usize,
    seen: Vec<Occurrence>,
}

impl Reader<'_> {
    /// A message that stands in these parts, which are read as one.
    fn message<S: Sink>(
        &mut self,
        message: &Message,
        parts: &[Occurrence],
        sink: &mut S,
        is_root: bool,
    ) -> Result<(), Malformed> {
        let mut slots = vec![Slot::default(); message.fields.len()];
        for part in parts {
            let mut from = self.body.within(&part.range);
            loop {
                let tag = from.tag()?;
                if tag == 0 {
                    break;
                }
                let Some((at, member)) = message.find(tag >> 3) else {
                    from.skip(tag)?;
                    self.read.unknown_fields += 1;
                    continue;
                };
                if let (Some(field), Some(slot)) = (message.fields.get(at), slots.get_mut(at)) {
                    self.note(field, slot, member, tag, &mut from)?;
                }
            }
        }
        for (field, slot) in message.fields.iter().zip(&slots) {
            if is_root && (field.mark.id || field.mark.key) {
                self.mark(field, slot);
            }
            self.field(field, slot, sink)?;
        }
        Ok(())
    }

    /// Passes over a value, checks it where it is a scalar, and notes where it stands.
    fn note(
        &mut self,
        field: &Field,
        slot: &mut Slot,
        member: usize,
        tag: u32,
        from: &mut Cursor,
    ) -> Result<(), Malformed> {
        let (own, one) = match &field.form {
            Form::One { tag: own, one, .. } => (*own, one),
            Form::Many { tag: own, packed, one, .. } => {
                if *packed == Some(tag) && *own != tag {
                    slot.seen.push(Occurrence { range: from.range()?, is_packed: true });
                    return Ok(());
                }
                (*own, one)
            }
            Form::Map { tag: own, .. } => {
                if *own != tag {
                    return Err(Malformed::BadTag);
                }
                slot.seen.push(Occurrence { range: from.range()?, is_packed: false });
                return Ok(());
            }
            Form::OneOf { members, .. } => {
                let (own, one) = members.get(member).ok_or(Malformed::BadUnion)?;
                if slot.member != member {
                    self.check_replaced(field, slot)?;
                    slot.member = member;
                    slot.seen.clear();
                }
                (*own, one)
            }
        };
        if own != tag {
            return Err(Malformed::BadTag);
        }
        let range = match one {
            One::Scalar(scalar) => {
                let start = from.at;
                scalar::read(scalar, from, &mut ())?;
                if !matches!(field.form, Form::Many { .. }) {
                    slot.seen.clear();
                }
                start..from.at
            }
            One::Message(_) | One::Timestamp(_) => from.range()?,
        };
        slot.seen.push(Occurrence { range, is_packed: false });
        Ok(())
    }

    /// A member of a `oneof` that another one replaces must have been whole nevertheless.
    fn check_replaced(&mut self, field: &Field, slot: &Slot) -> Result<(), Malformed> {
        if slot.seen.is_empty() { Ok(()) } else { self.field(field, slot, &mut ()) }
    }

    fn field<S: Sink>(&mut self, field: &Field, slot: &Slot, sink: &mut S) -> Result<(), Malformed> {
        match &field.form {
            Form::One { one, presence, .. } => match (presence, one) {
                (Presence::Optional, _) if slot.seen.is_empty() => sink.null(),
                (Presence::Implicit, One::Scalar(scalar)) if slot.seen.is_empty() => {
                    scalar::read_default(scalar, sink)?;
                }
                _ if slot.seen.is_empty() => return Err(Malformed::MissingField),
                (Presence::Optional, _) => {
                    sink.some();
                    self.one(one, &slot.seen, sink)?;
                }
                _ => self.one(one, &slot.seen, sink)?,
            },
            Form::Many { one, .. } => {
                sink.begin(slot.seen.len());
                for seen in &slot.seen {
                    match one {
                        One::Scalar(scalar) if seen.is_packed => {
                            let mut values = self.body.within(&seen.range);
                            while !values.is_done() {
                                scalar::read(scalar, &mut values, sink)?;
                            }
                        }
                        _ => self.one(one, std::slice::from_ref(seen), sink)?,
                    }
                }
                sink.end();
            }
            Form::Map { value, value_tag, .. } => {
                sink.begin(slot.seen.len());
                for seen in &slot.seen {
                    self.entry(*value_tag, value, seen, sink)?;
                }
                sink.end();
            }
            Form::OneOf { members, is_optional } => match members.get(slot.member) {
                Some((_, one)) if !slot.seen.is_empty() => {
                    if *is_optional {
                        sink.some();
                    }
                    sink.branch(slot.member);
                    self.one(one, &slot.seen, sink)?;
                }
                _ if *is_optional => sink.null(),
                _ => return Err(Malformed::MissingField),
            },
        }
        Ok(())
    }

    fn one<S: Sink>(&mut self, one: &One, seen: &[Occurrence], sink: &mut S) -> Result<(), Malformed> {
        match one {
            One::Scalar(scalar) => match seen.last() {
                Some(last) => scalar::read(scalar, &mut self.body.within(&last.range), sink),
                None => scalar::read_default(scalar, sink),
            },
            One::Message(message) => self.message(message, seen, sink, false),
            One::Timestamp(unit) => {
                let mut timestamp = Timestamp::default();
                for part in seen {
                    self.read.unknown_fields += timestamp.merge(self.body.within(&part.range))?;
                }
                sink.integer(timestamp.count(*unit)?);
                Ok(())
            }
        }
    }

    /// An entry of a map is a message of two fields; both may be left out.
    fn entry<S: Sink>(
        &mut self,
        value_tag: u32,
        value: &One,
        entry: &Occurrence,
        sink: &mut S,
    ) -> Result<(), Malformed> {
        let mut from = self.body.within(&entry.range);
        let (mut key, mut seen) = ("", Vec::new());
        loop {
            match from.tag()? {
                0 => break,
                KEY_TAG => key = std::str::from_utf8(from.delimited()?).map_err(|_| Malformed::NotUtf8)?,
                tag if tag == value_tag => {
                    let range = if let One::Scalar(scalar) = value {
                        let start = from.at;
                        scalar::read(scalar, &mut from, &mut ())?;
                        seen.clear();
                        start..from.at
                    } else {
                        from.range()?
                    };
                    seen.push(Occurrence { range, is_packed: false });
                }
                tag if tag >> 3 == KEY_TAG >> 3 || tag >> 3 == value_tag >> 3 => return Err(Malformed::BadTag),
                tag => {
                    from.skip(tag)?;
                    self.read.unknown_fields += 1;
                }
            }
        }
        sink.key(key);
        self.one(value, &seen, sink)
    }

    /// Notes where the id and the key stand.
    fn mark(&mut self, field: &Field, slot: &Slot) {
        let Form::One { one, .. } = &field.form else { return };
        let range = slot.seen.last().and_then(|seen| match one.wire_type() {
            LEN => self.body.within(&seen.range).range().ok(),
            _ => Some(seen.range.clone()),
        });
        if field.mark.id {
            self.read.written.id.clone_from(&range);
        }
        if field.mark.key {
            self.read.written.key = range;
        }
    }
}
