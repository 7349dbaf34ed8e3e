//! The writer.

use super::Plan;
use super::message::{KEY_TAG, MAX_DEPTH, Mark, NANOS_TAG, Number, SECONDS_TAG};
use super::scalar::{NANOS_PER_SECOND, per_second};
use super::steps::{Kind, Leaf, Step, Tag};
use crate::wire::block::push_word;
use crate::wire::digits::{few_digits, push_decimal};
use crate::wire::shape::Unit;
use crate::wire::sink::{Escaped, Part, Sink};
use crate::wire::value::uuid_to_text;
use crate::wire::varint::{in_word, push_varint, put_varint, varint_length, zigzag};
use crate::wire::{BodyWriter, Written};

/// Appends one message to a buffer. It expects the values that the plan's record asks for; others are dropped.
#[derive(Debug)]
pub struct Writer<'a> {
    steps: &'a [Step],
    at: usize,
    out: &'a mut Vec<u8>,
    start: usize,
    /// Where the open messages begin, from `start`.
    open: [u32; MAX_DEPTH],
    depth: usize,
    written: Written,
}

impl<'a> Writer<'a> {
    /// A writer of one message.
    #[must_use]
    pub fn new(plan: &'a Plan, out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self { steps: &plan.steps, at: 0, out, start, open: [0; MAX_DEPTH], depth: 0, written: Written::default() }
    }

    /// Does all that needs no value; what is left waits for one.
    #[inline]
    fn next(&mut self) -> &'a Step {
        match self.steps.get(self.at) {
            Some(step @ (Step::Value(_) | Step::Optional(_) | Step::Timestamp(..))) => step,
            _ => self.go_on(),
        }
    }

    fn go_on(&mut self) -> &'a Step {
        loop {
            let Some(step) = self.steps.get(self.at) else { return &Step::End };
            match step {
                Step::Next { body, .. } => self.at = *body,
                step if self.passes(step) => {}
                step => return step,
            }
        }
    }

    /// Does a step that needs no value.
    #[inline]
    fn passes(&mut self, step: &Step) -> bool {
        match step {
            Step::Constant(bytes) => self.out.extend_from_slice(bytes),
            Step::Open(tag) => self.open(*tag),
            Step::Close => self.close(),
            Step::Jump(to) => {
                self.at = *to;
                return true;
            }
            _ => return false,
        }
        self.at += 1;
        true
    }

    /// Leaves one byte for the length, which is enough for most messages.
    fn open(&mut self, tag: Tag) {
        self.tag(tag);
        if let (Some(open), Ok(at)) = (self.open.get_mut(self.depth), u32::try_from(self.out.len() - self.start)) {
            *open = at;
        }
        self.depth += 1;
        self.out.push(0);
    }

    /// Puts the length in.
    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        let at = self.start + self.open.get(self.depth).map_or(0, |at| *at as usize);
        put_varint(self.out, at, (self.out.len() - at - 1) as u64);
    }

    /// Ends packed values. An array without any is left out.
    fn close_packed(&mut self, tag: Tag) {
        let begin = self.open.get(self.depth.saturating_sub(1)).map_or(0, |at| self.start + *at as usize);
        if self.out.len() > begin + 1 {
            self.close();
        } else {
            self.depth = self.depth.saturating_sub(1);
            self.out.truncate(begin - tag.length);
        }
    }

    #[inline]
    fn tag(&mut self, tag: Tag) {
        push_word(self.out, tag.word, tag.length);
    }

    /// Writes a tag and a varint behind it.
    #[inline]
    fn tagged(&mut self, tag: Tag, value: u64) {
        if value < 0x80 {
            push_word(self.out, tag.word | value << (8 * tag.length), tag.length + 1);
        } else {
            self.tag(tag);
            push_varint(self.out, value);
        }
    }

    #[inline]
    fn leaf(&mut self) -> Option<&'a Leaf> {
        let Step::Value(leaf) = self.next() else {
            debug_assert!(false, "a value where the plan has {:?}", self.steps.get(self.at));
            return None;
        };
        self.at += 1;
        Some(leaf)
    }

    #[inline]
    fn varint(&mut self, leaf: &Leaf, value: u64) {
        let mut length = 0;
        if value != 0 || !leaf.leaves_out {
            self.tagged(leaf.tag, value);
            length = varint_length(value);
        }
        self.mark(leaf.mark, length);
    }

    #[inline]
    fn delimited(&mut self, leaf: &Leaf, value: &[u8]) {
        if self.begins(leaf, value.len()) {
            self.out.extend_from_slice(value);
        }
        self.mark(leaf.mark, value.len());
    }

    /// Writes the tag and the length of so many bytes, unless there are none and that goes without saying.
    #[inline]
    fn begins(&mut self, leaf: &Leaf, length: usize) -> bool {
        if length == 0 && leaf.leaves_out {
            return false;
        }
        self.tagged(leaf.tag, length as u64);
        true
    }

    /// Notes the place of the last bytes.
    #[inline]
    fn mark(&mut self, mark: Mark, length: usize) {
        if mark.id || mark.key {
            let range = self.out.len() - length..self.out.len();
            if mark.id {
                self.written.id = Some(range.clone());
            }
            if mark.key {
                self.written.key = Some(range);
            }
        }
    }

    #[inline]
    fn timestamp(&mut self, tag: Tag, seconds: i64, nanos: i64) {
        let (seconds_length, nanos_length) =
            (varint_length(seconds.cast_unsigned()), varint_length(nanos.cast_unsigned()));
        if seconds == 0 || nanos == 0 || seconds_length > 5 || tag.length > 2 {
            return self.any_timestamp(tag, seconds, nanos);
        }
        // A tag, two lengths of one byte, and a time of today: each half fits into a word.
        let length = 1 + seconds_length + 1 + nanos_length;
        push_word(self.out, tag.word | (length as u64) << (8 * tag.length), tag.length + 1);
        let seconds = in_word(seconds.cast_unsigned(), seconds_length);
        push_word(self.out, u64::from(SECONDS_TAG) | seconds << 8, 1 + seconds_length);
        let nanos = in_word(nanos.cast_unsigned(), nanos_length);
        push_word(self.out, u64::from(NANOS_TAG) | nanos << 8, 1 + nanos_length);
    }

    #[cold]
    fn any_timestamp(&mut self, tag: Tag, seconds: i64, nanos: i64) {
        let parts = [(Tag::new(SECONDS_TAG), seconds.cast_unsigned()), (Tag::new(NANOS_TAG), nanos.cast_unsigned())];
        let length = |(tag, part): (Tag, u64)| if part == 0 { 0 } else { tag.length + varint_length(part) };
        self.tagged(tag, parts.map(length).iter().sum::<usize>() as u64);
        for (tag, part) in parts {
            if part != 0 {
                self.tagged(tag, part);
            }
        }
    }

    fn number(&mut self, leaf: &Leaf, number: Number, value: i64) {
        let is_left_out = value == 0 && leaf.leaves_out;
        match number {
            Number::Int32 | Number::Int64 | Number::Uint32 | Number::Uint64 => {
                self.varint(leaf, value.cast_unsigned());
            }
            Number::Sint32 | Number::Sint64 => self.varint(leaf, zigzag(value)),
            _ if is_left_out => self.mark(leaf.mark, 0),
            Number::Fixed32 | Number::Sfixed32 => self.fixed(leaf, &value.to_le_bytes()[..4]),
            Number::Fixed64 | Number::Sfixed64 => self.fixed(leaf, &value.to_le_bytes()),
        }
    }

    fn fixed(&mut self, leaf: &Leaf, bytes: &[u8]) {
        self.tag(leaf.tag);
        self.out.extend_from_slice(bytes);
        self.mark(leaf.mark, bytes.len());
    }
}

impl BodyWriter for Writer<'_> {
    fn finish(&mut self) -> Written {
        self.next();
        std::mem::take(&mut self.written)
    }

    fn room_for_last_text(&self, length: usize) -> Option<usize> {
        // What is left is the text alone: it ends the record, so no message that is still open needs a longer length.
        let tag = self.steps.get(self.at..)?.iter().find_map(|step| match step {
            Step::Value(leaf) => Some(leaf.tag),
            _ => None,
        })?;
        let room = length.checked_sub(self.out.len() + tag.length)?;
        let text = room.checked_sub(varint_length(room as u64))?;
        // A shorter text may need a shorter length before it.
        Some(if varint_length(text as u64 + 1) + text < room { text + 1 } else { text })
    }

    fn filled(&mut self, length: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        let Some(leaf) = self.leaf() else { return };
        if self.begins(leaf, length) {
            fill(self.out);
        }
    }
}

impl Sink for Writer<'_> {
    fn null(&mut self) {
        if let Step::Optional(absent) = self.next() {
            self.at = *absent;
        }
    }

    fn some(&mut self) {
        if let Step::Optional(_) = self.next() {
            self.at += 1;
        }
    }

    fn boolean(&mut self, value: bool) {
        let Some(leaf) = self.leaf() else { return };
        self.varint(leaf, value.into());
    }

    fn integer(&mut self, value: i64) {
        match self.next() {
            Step::Value(leaf) => {
                self.at += 1;
                if let Kind::Number(number) = leaf.kind {
                    self.number(leaf, number, value);
                }
            }
            Step::Timestamp(tag, unit) => {
                self.at += 1;
                // By a number that is known a division is a multiplication.
                let (seconds, nanos) = match unit {
                    Unit::Millis => seconds_and_nanos(value, per_second(Unit::Millis)),
                    Unit::Micros => seconds_and_nanos(value, per_second(Unit::Micros)),
                    Unit::Nanos => seconds_and_nanos(value, per_second(Unit::Nanos)),
                };
                self.timestamp(*tag, seconds, nanos);
            }
            _ => {}
        }
    }

    fn unsigned(&mut self, value: u64) {
        self.integer(value.cast_signed());
    }

    fn double(&mut self, value: f64) {
        let Some(leaf) = self.leaf() else { return };
        if let Kind::Float = leaf.kind {
            #[expect(clippy::cast_possible_truncation, reason = "the shape is a 32-bit number's")]
            let bits = (value as f32).to_bits();
            if bits != 0 || !leaf.leaves_out {
                self.tag(leaf.tag);
                self.out.extend_from_slice(&bits.to_le_bytes());
            }
        } else if value.to_bits() != 0 || !leaf.leaves_out {
            self.tag(leaf.tag);
            self.out.extend_from_slice(&value.to_le_bytes());
        }
    }

    fn decimal(&mut self, unscaled: i128) {
        let Some(leaf) = self.leaf() else { return };
        if let Kind::Decimal(scale) = leaf.kind {
            self.tag(leaf.tag);
            let at = self.out.len();
            self.out.push(0);
            push_decimal(self.out, unscaled, scale);
            let length = (self.out.len() - at - 1) as u64;
            self.out[at] = (length & 0x7f) as u8;
        }
    }

    fn text(&mut self, value: &str) {
        let Some(leaf) = self.leaf() else { return };
        self.delimited(leaf, value.as_bytes());
    }

    fn plain(&mut self, value: &str) {
        self.text(value);
    }

    fn digits(&mut self, value: u64) {
        let Some((digits, length)) = few_digits(value) else { return self.joined(&[Part::Number(value)]) };
        let Some(leaf) = self.leaf() else { return };
        self.tagged(leaf.tag, length as u64);
        push_word(self.out, digits, length);
        self.mark(leaf.mark, length);
    }

    fn joined(&mut self, parts: &[Part<'_>]) {
        let Some(leaf) = self.leaf() else { return };
        let before = self.out.len();
        self.tagged(leaf.tag, 0);
        let from = self.out.len();
        for part in parts {
            part.push(self.out);
        }
        let length = self.out.len() - from;
        if length == 0 && leaf.leaves_out {
            self.out.truncate(before);
        } else {
            put_varint(self.out, from - 1, length as u64);
        }
        self.mark(leaf.mark, length);
    }

    fn escaped(&mut self, value: &Escaped) {
        self.text(value.as_str());
    }

    fn bytes(&mut self, value: &[u8]) {
        let Some(leaf) = self.leaf() else { return };
        self.delimited(leaf, value);
    }

    fn symbol(&mut self, index: usize) {
        let Some(leaf) = self.leaf() else { return };
        if let Kind::Enum(numbers) = &leaf.kind
            && let Some(number) = numbers.get(index)
        {
            self.varint(leaf, i64::from(*number).cast_unsigned());
        }
    }

    fn uuid(&mut self, value: u128) {
        let Some(leaf) = self.leaf() else { return };
        if let Kind::Text = leaf.kind {
            self.delimited(leaf, &uuid_to_text(value));
        } else {
            self.delimited(leaf, &value.to_be_bytes());
        }
    }

    fn branch(&mut self, index: usize) {
        if let Step::Union(branches) = self.next()
            && let Some(branch) = branches.get(index)
        {
            self.at = *branch;
        }
    }

    fn begin(&mut self, _: usize) {
        if let Step::Repeat { next, packed } = self.next() {
            if let Some(tag) = packed {
                self.open(*tag);
            }
            self.at = *next;
        }
    }

    fn key(&mut self, name: &str) {
        if let Step::Key = self.next() {
            self.at += 1;
            let leaf = Leaf { tag: Tag::new(KEY_TAG), kind: Kind::Text, leaves_out: false, mark: Mark::default() };
            self.delimited(&leaf, name.as_bytes());
        }
    }

    fn end(&mut self) {
        while let Some(step) = self.steps.get(self.at) {
            match step {
                Step::Next { packed, .. } => {
                    if let Some(tag) = packed {
                        self.close_packed(*tag);
                    }
                    self.at += 1;
                    return;
                }
                step if self.passes(step) => {}
                _ => return,
            }
        }
    }
}

/// A time as whole seconds and the nanoseconds behind them.
#[inline]
const fn seconds_and_nanos(value: i64, per_second: i64) -> (i64, i64) {
    (value.div_euclid(per_second), value.rem_euclid(per_second) * (NANOS_PER_SECOND / per_second))
}
