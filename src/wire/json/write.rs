//! Writing: a source hands its values over, and they stand in the arena at once.

use std::io::Write as _;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use jiff::Span;
use jiff::civil::date;

use super::plan::{DEEPEST, HEAD, Leaf, Plan, Step, UUID};
use crate::wire::block::push_block;
use crate::wire::digits::{push_decimal, push_digits};
use crate::wire::sink::{Escaped, Part, Sink};
use crate::wire::value::uuid_to_text;
use crate::wire::{BodyWriter, Written};

/// Writes one event. Values that the plan does not ask for at that place write something that no reader of the plan takes.
#[derive(Debug)]
pub struct Writer<'a> {
    plan: &'a Plan,
    arena: &'a mut Vec<u8>,
    step: usize,
    /// Entries still to come of the arrays and maps that are open.
    left: [usize; DEEPEST],
    depth: usize,
    written: Written,
}

impl<'a> Writer<'a> {
    /// A writer at the end of `arena`.
    #[inline]
    pub fn new(plan: &'a Plan, arena: &'a mut Vec<u8>) -> Self {
        // A record begins with one constant, which is written before the writer is made: it is too large to be moved for each event.
        let step = match (plan.leads.first(), plan.steps.first()) {
            (Some(lead), _) if lead.length() <= HEAD => {
                push_block(arena, &lead.head, lead.length());
                lead.next()
            }
            (_, Some(Step::Constant(range))) => {
                arena.extend_from_slice(&plan.pool[range.clone()]);
                1
            }
            _ => 0,
        };
        Self { plan, arena, step, left: [0; DEEPEST], depth: 0, written: Written::default() }
    }

    /// Writes the constants that come next, and stands at what a source has to give.
    #[inline]
    fn go_on(&mut self) {
        match self.plan.leads.get(self.step) {
            Some(lead) if lead.length() <= HEAD => {
                push_block(self.arena, &lead.head, lead.length());
                self.step = lead.next();
            }
            _ => self.go_a_long_way(),
        }
    }

    /// The same, where more than a short constant comes before the next value.
    #[cold]
    fn go_a_long_way(&mut self) {
        loop {
            match self.plan.steps.get(self.step) {
                Some(Step::Constant(range)) => {
                    self.arena.extend_from_slice(&self.plan.pool[range.clone()]);
                    self.step += 1;
                }
                Some(Step::Jump(to)) => self.step = *to,
                Some(Step::Comma) => {
                    self.comma();
                    self.step += 1;
                }
                Some(Step::Next { is_map, begin }) => {
                    if self.next(*is_map, *begin) && *is_map {
                        // Its key comes first.
                        return;
                    }
                }
                _ => return,
            }
        }
    }

    fn comma(&mut self) {
        if self.arena.last() != Some(&b'{') {
            self.arena.push(b',');
        }
    }

    /// An entry has ended; returns whether there is another.
    fn next(&mut self, is_map: bool, begin: usize) -> bool {
        self.depth = self.depth.saturating_sub(1);
        let left = &mut self.left[self.depth];
        *left = left.saturating_sub(1);
        if *left > 0 {
            self.depth += 1;
            self.arena.push(b',');
            self.step = begin + 1;
            return true;
        }
        self.arena.push(if is_map { b'}' } else { b']' });
        self.step += 1;
        false
    }

    /// A value has been written from `from` on.
    #[inline]
    fn value_ended(&mut self, from: usize) {
        if self.step == self.plan.key {
            self.written.key = Some(from..self.arena.len());
        }
        self.step += 1;
        self.go_on();
    }

    #[inline]
    fn bytes_of(&mut self, value: &[u8]) {
        let from = self.arena.len();
        self.arena.extend_from_slice(value);
        self.value_ended(from);
    }
}

impl BodyWriter for Writer<'_> {
    fn finish(&mut self) -> Written {
        std::mem::take(&mut self.written)
    }

    fn room_for_last_text(&self, length: usize) -> Option<usize> {
        let around = self.plan.steps[self.step..].iter().map(|step| match step {
            Step::Constant(range) => range.len(),
            _ => 0,
        });
        length.checked_sub(self.arena.len() + around.sum::<usize>())
    }

    fn filled(&mut self, _length: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        let from = self.arena.len();
        fill(self.arena);
        self.value_ended(from);
    }
}

impl Sink for Writer<'_> {
    #[inline]
    fn null(&mut self) {
        match self.plan.steps.get(self.step) {
            Some(Step::Optional { absent, .. }) => self.step = *absent,
            Some(Step::Nullable { absent }) => {
                self.arena.extend_from_slice(b"null");
                self.step = *absent;
            }
            _ => {}
        }
        self.go_on();
    }

    fn some(&mut self) {
        if let Some(Step::Optional { loose: true, .. }) = self.plan.steps.get(self.step) {
            self.comma();
        }
        self.step += 1;
        self.go_on();
    }

    fn boolean(&mut self, value: bool) {
        self.bytes_of(if value { b"true" } else { b"false" });
    }

    fn integer(&mut self, value: i64) {
        if let Some(Step::Value(Leaf::Date)) = self.plan.steps.get(self.step) {
            let from = self.arena.len();
            let day = Span::new().try_days(value).and_then(|days| date(1970, 1, 1).checked_add(days));
            // What no calendar has is written as the number.
            drop(match day {
                Ok(day) => write!(self.arena, "{day}"),
                Err(_) => write!(self.arena, "{value}"),
            });
            return self.value_ended(from);
        }
        let from = self.arena.len();
        if value < 0 {
            self.arena.push(b'-');
        }
        push_digits(self.arena, value.unsigned_abs());
        self.value_ended(from);
    }

    fn unsigned(&mut self, value: u64) {
        self.digits(value);
    }

    fn double(&mut self, value: f64) {
        let from = self.arena.len();
        drop(serde_json::to_writer(&mut *self.arena, &value));
        self.value_ended(from);
    }

    fn decimal(&mut self, unscaled: i128) {
        let from = self.arena.len();
        if let Some(Step::Value(Leaf::Decimal { scale, .. })) = self.plan.steps.get(self.step) {
            push_decimal(self.arena, unscaled, *scale);
        }
        self.value_ended(from);
    }

    fn text(&mut self, value: &str) {
        let from = self.arena.len();
        escape(self.arena, value);
        self.value_ended(from);
    }

    #[inline]
    fn plain(&mut self, value: &str) {
        self.bytes_of(value.as_bytes());
    }

    #[inline]
    fn digits(&mut self, value: u64) {
        let from = self.arena.len();
        push_digits(self.arena, value);
        self.value_ended(from);
    }

    #[inline]
    fn joined(&mut self, parts: &[Part<'_>]) {
        let from = self.arena.len();
        for part in parts {
            part.push(self.arena);
        }
        self.value_ended(from);
    }

    #[inline]
    fn escaped(&mut self, value: &Escaped) {
        self.bytes_of(value.json().as_bytes());
    }

    fn bytes(&mut self, value: &[u8]) {
        let from = self.arena.len();
        drop(write!(self.arena, "{}", Base64Display::new(value, &STANDARD)));
        if self.step == self.plan.id {
            self.written.id = Some(from..self.arena.len());
        }
        self.value_ended(from);
    }

    fn symbol(&mut self, index: usize) {
        let from = self.arena.len();
        if let Some(Step::Value(Leaf::Symbol(symbols))) = self.plan.steps.get(self.step)
            && let Some(symbol) = symbols.get(index)
        {
            escape(self.arena, symbol);
        }
        self.value_ended(from);
    }

    #[inline]
    fn uuid(&mut self, value: u128) {
        let from = self.arena.len();
        if self.step == self.plan.id {
            // The stamp takes its place.
            push_block(self.arena, &[b'0'; UUID], self.plan.id_length);
            self.written.id = Some(from..self.arena.len());
        } else if let Some(Step::Value(Leaf::Bytes { .. })) = self.plan.steps.get(self.step) {
            return self.bytes(&value.to_be_bytes());
        } else {
            push_block(self.arena, &uuid_to_text(value), UUID);
        }
        self.value_ended(from);
    }

    fn branch(&mut self, index: usize) {
        if let Some(Step::Union { branches, .. }) = self.plan.steps.get(self.step)
            && let Some(branch) = branches.get(index)
        {
            self.step = branch.start;
            self.go_on();
        }
    }

    fn begin(&mut self, length: usize) {
        let Some(Step::Begin { is_map, next }) = self.plan.steps.get(self.step) else { return };
        if length == 0 {
            self.arena.push(if *is_map { b'}' } else { b']' });
            self.step = next + 1;
            return self.go_on();
        }
        if let Some(left) = self.left.get_mut(self.depth) {
            *left = length;
            self.depth += 1;
        }
        self.step += 1;
        if !is_map {
            self.go_on();
        }
    }

    fn key(&mut self, name: &str) {
        self.arena.push(b'"');
        escape(self.arena, name);
        self.arena.extend_from_slice(b"\":");
        self.go_on();
    }

    fn end(&mut self) {}
}

/// The inside of a JSON string, as `serde_json` escapes it.
fn escape(arena: &mut Vec<u8>, text: &str) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        return arena.extend_from_slice(text.as_bytes());
    }
    let at = arena.len();
    if serde_json::to_writer(&mut *arena, text).is_ok() {
        arena.pop();
        arena.remove(at);
    }
}
