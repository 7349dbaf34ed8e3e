//! The writer.

use super::decimal;
use super::plan::Plan;
use super::steps::{DEEPEST, Leaf, Step};
use crate::wire::block::push_word;
use crate::wire::digits::few_digits;
use crate::wire::sink::{Escaped, Part, Sink};
use crate::wire::value::uuid_to_text;
use crate::wire::varint::{push_varint, put_varint, varint_length, zigzag};
use crate::wire::{BodyWriter, Written};

/// Appends one record to a buffer. Values that the plan does not ask for at that place write something that no reader of the plan
/// takes.
#[derive(Debug)]
pub struct Writer<'a> {
    plan: &'a Plan,
    out: &'a mut Vec<u8>,
    at: usize,
    /// Entries still to come of the arrays and maps that are open.
    left: [usize; DEEPEST],
    depth: usize,
    written: Written,
}

impl<'a> Writer<'a> {
    /// A writer at the end of `out`.
    #[must_use]
    pub fn new(plan: &'a Plan, out: &'a mut Vec<u8>) -> Self {
        let mut writer = Self { plan, out, at: 0, left: [0; DEEPEST], depth: 0, written: Written::default() };
        writer.go_on();
        writer
    }

    /// Writes what needs no value, and stands at what a source has to give.
    fn go_on(&mut self) {
        while let Some(step) = self.plan.steps.get(self.at) {
            match step {
                Step::Constant { text } => {
                    push_length(self.out, text.len());
                    self.out.extend_from_slice(text.as_bytes());
                    self.at += 1;
                }
                Step::Branch { index } | Step::Symbol { index } => {
                    push_length(self.out, *index);
                    self.at += 1;
                }
                Step::Jump(to) => self.at = *to,
                Step::Next { is_map, begin } => {
                    if self.next(*begin) && *is_map {
                        // Its key comes first.
                        return;
                    }
                }
                _ => return,
            }
        }
    }

    /// An entry has ended; returns whether there is another.
    fn next(&mut self, begin: usize) -> bool {
        let Some(left) = self.depth.checked_sub(1).and_then(|depth| self.left.get_mut(depth)) else {
            self.at += 1;
            return false;
        };
        *left = left.saturating_sub(1);
        if *left > 0 {
            self.at = begin + 1;
            return true;
        }
        self.depth -= 1;
        self.out.push(0);
        self.at += 1;
        false
    }

    /// A value has been written, the inside of it from `from` on.
    #[inline]
    fn value_ended(&mut self, from: usize) {
        if self.plan.id == Some(self.at) {
            self.written.id = Some(from..self.out.len());
        }
        if self.plan.key == Some(self.at) {
            self.written.key = Some(from..self.out.len());
        }
        self.at += 1;
        if !matches!(self.plan.steps.get(self.at), Some(Step::Value(_))) {
            self.go_on();
        }
    }

    #[inline]
    fn delimited(&mut self, value: &[u8]) {
        self.out.reserve(value.len() + 2);
        push_length(self.out, value.len());
        self.just(value);
    }

    #[inline]
    fn just(&mut self, value: &[u8]) {
        let from = self.out.len();
        self.out.extend_from_slice(value);
        self.value_ended(from);
    }

    fn leaf(&self) -> Option<&'a Leaf> {
        match self.plan.steps.get(self.at) {
            Some(Step::Value(leaf)) => Some(leaf),
            _ => None,
        }
    }
}

impl BodyWriter for Writer<'_> {
    fn finish(&mut self) -> Written {
        std::mem::take(&mut self.written)
    }

    fn room_for_last_text(&self, length: usize) -> Option<usize> {
        let Some(Step::Optional { some: Some(some), .. }) = self.plan.steps.get(self.at) else { return None };
        let around = self.plan.steps[self.at..].iter().map(|step| match step {
            Step::Constant { text } => length_of(text.len()) + text.len(),
            Step::Branch { index } | Step::Symbol { index } => length_of(*index),
            _ => 0,
        });
        let room = length.checked_sub(self.out.len() + length_of(*some) + around.sum::<usize>())?;
        (1..=length_of(room)).filter_map(|own| room.checked_sub(own)).find(|text| length_of(*text) + text <= room)
    }

    fn filled(&mut self, length: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        push_length(self.out, length);
        let from = self.out.len();
        fill(self.out);
        self.value_ended(from);
    }
}

impl Sink for Writer<'_> {
    fn null(&mut self) {
        match self.plan.steps.get(self.at) {
            Some(Step::Optional { null, absent, .. }) => {
                push_length(self.out, *null);
                self.at = *absent;
            }
            Some(Step::Null) => self.at += 1,
            _ => {}
        }
        self.go_on();
    }

    fn some(&mut self) {
        if let Some(Step::Optional { some, .. }) = self.plan.steps.get(self.at) {
            if let Some(some) = some {
                push_length(self.out, *some);
            }
            self.at += 1;
            self.go_on();
        }
    }

    fn boolean(&mut self, value: bool) {
        self.just(&[value.into()]);
    }

    fn integer(&mut self, value: i64) {
        let from = self.out.len();
        push_varint(self.out, zigzag(value));
        self.value_ended(from);
    }

    fn unsigned(&mut self, value: u64) {
        self.integer(value.cast_signed());
    }

    fn double(&mut self, value: f64) {
        if let Some(Leaf::Float) = self.leaf() {
            #[expect(clippy::cast_possible_truncation, reason = "the shape is a 32-bit number's")]
            self.just(&(value as f32).to_le_bytes());
        } else {
            self.just(&value.to_le_bytes());
        }
    }

    fn decimal(&mut self, unscaled: i128) {
        let bytes = unscaled.to_be_bytes();
        if let Some(Leaf::Decimal { size: Some(size), .. }) = self.leaf() {
            let from = self.out.len();
            let sign = if unscaled < 0 { 0xff } else { 0 };
            self.out.extend(std::iter::repeat_n(sign, size.saturating_sub(bytes.len())));
            self.out.extend_from_slice(&bytes[bytes.len().saturating_sub(*size)..]);
            self.value_ended(from);
        } else {
            self.delimited(decimal::shortest(&bytes));
        }
    }

    fn text(&mut self, value: &str) {
        self.delimited(value.as_bytes());
    }

    fn plain(&mut self, value: &str) {
        self.text(value);
    }

    fn digits(&mut self, value: u64) {
        let Some((digits, length)) = few_digits(value) else { return self.joined(&[Part::Number(value)]) };
        push_length(self.out, length);
        push_word(self.out, digits, length);
        self.value_ended(self.out.len() - length);
    }

    fn joined(&mut self, parts: &[Part<'_>]) {
        // One byte for the length, which is enough for most texts.
        let at = self.out.len();
        self.out.push(0);
        for part in parts {
            part.push(self.out);
        }
        let length = self.out.len() - at - 1;
        put_varint(self.out, at, (length as u64) << 1);
        self.value_ended(self.out.len() - length);
    }

    fn escaped(&mut self, value: &Escaped) {
        self.text(value.as_str());
    }

    fn bytes(&mut self, value: &[u8]) {
        if let Some(Leaf::Fixed(_)) = self.leaf() { self.just(value) } else { self.delimited(value) }
    }

    fn symbol(&mut self, index: usize) {
        let from = self.out.len();
        if let Some(Leaf::Enum(indexes)) = self.leaf()
            && let Some(index) = indexes.get(index)
        {
            push_length(self.out, *index);
        }
        self.value_ended(from);
    }

    fn uuid(&mut self, value: u128) {
        match self.leaf() {
            Some(Leaf::UuidFixed | Leaf::Fixed(_)) => self.just(&value.to_be_bytes()),
            Some(Leaf::UuidBytes | Leaf::Bytes) => self.delimited(&value.to_be_bytes()),
            _ => {
                self.delimited(&uuid_to_text(value));
            }
        }
    }

    fn branch(&mut self, index: usize) {
        if let Some(Step::Union(branches)) = self.plan.steps.get(self.at)
            && let Some((index, begin)) = branches.get(index)
        {
            push_length(self.out, *index);
            self.at = *begin;
            self.go_on();
        }
    }

    fn begin(&mut self, length: usize) {
        let Some(Step::Begin { is_map, next, .. }) = self.plan.steps.get(self.at) else { return };
        push_length(self.out, length);
        if length == 0 {
            self.at = next + 1;
            return self.go_on();
        }
        if let Some(left) = self.left.get_mut(self.depth) {
            *left = length;
            self.depth += 1;
        }
        self.at += 1;
        if !is_map {
            self.go_on();
        }
    }

    fn key(&mut self, name: &str) {
        push_length(self.out, name.len());
        self.out.extend_from_slice(name.as_bytes());
        self.go_on();
    }

    fn end(&mut self) {}
}

/// Lengths, counts and indexes are signed, and never negative here.
#[inline]
fn push_length(out: &mut Vec<u8>, length: usize) {
    push_varint(out, (length as u64) << 1);
}

const fn length_of(length: usize) -> usize {
    varint_length((length as u64) << 1)
}
