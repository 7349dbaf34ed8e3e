//! Reading the canonical layout in one pass, without an allocation.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::plan::{BASE64, HEAD, Lead, Leaf, Plan, Step, UUID};
use crate::wire::shape::Integer;
use crate::wire::value::bytes_to_uuid;
use crate::wire::{Written, word};

/// More digits than any number has are read with the other layouts.
const DIGITS: usize = 18;
/// No number of so many digits is further from zero.
const WITHIN_DIGITS: i128 = 1_000_000_000_000_000_000;
/// Branches that are tried for one event, at most.
const TRIES: u32 = 4_096;

/// Where the parts of an event lie in its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scanned {
    /// The id.
    pub id: Option<u128>,
    /// Where its text and that of the key lie.
    pub at: Written,
}

impl Plan {
    /// Where the parts of an event lie; `None` for every body that is not one in the canonical layout, whose id, if the plan has
    /// one, is a UUID.
    #[must_use]
    #[inline]
    pub fn scan(&self, body: &[u8]) -> Option<Scanned> {
        if self.may_be(body) { self.scan_all(body) } else { None }
    }

    fn scan_all(&self, body: &[u8]) -> Option<Scanned> {
        let mut scan = Scan { plan: self, body, rest: body, bits: 0, written: Written::default(), tries: 0 };
        scan.steps(0, self.steps.len())?;
        scan.rest.is_empty().then_some(())?;
        // Every byte outside of strings was compared; inside them only ASCII from 0x20 on is taken without this.
        if !word::is_ascii(scan.bits) {
            std::str::from_utf8(body).ok()?;
        }
        let id = match &scan.written.id {
            None => None,
            Some(at) => Some(id_of(&body[at.clone()])?),
        };
        Some(Scanned { id, at: scan.written })
    }
}

struct Scan<'a> {
    plan: &'a Plan,
    body: &'a [u8],
    /// What is still to be read of it.
    rest: &'a [u8],
    /// All bits of the bytes inside of strings, so far.
    bits: u64,
    written: Written,
    tries: u32,
}

impl<'a> Scan<'a> {
    /// How much has been read.
    #[inline]
    const fn at(&self) -> usize {
        self.body.len() - self.rest.len()
    }

    /// Passes over so many bytes.
    #[inline]
    fn pass(&mut self, length: usize) -> Option<()> {
        self.rest = self.rest.get(length..)?;
        Some(())
    }

    /// What has been read since so much was left.
    #[inline]
    fn since(&self, before: &'a [u8]) -> &'a [u8] {
        &before[..before.len() - self.rest.len()]
    }

    /// Reads by the steps from `step` up to `end`.
    fn steps(&mut self, mut step: usize, end: usize) -> Option<()> {
        let plan = self.plan;
        loop {
            let before = plan.leads.get(step)?;
            if before.length() <= HEAD {
                self.lead(before)?;
                step = before.next();
            }
            if before.is_to_text {
                self.text(step)?;
                step += 1;
                continue;
            }
            if step == end {
                return Some(());
            }
            step = match plan.steps.get(step)? {
                Step::Value(leaf) => {
                    self.value_of(step, leaf)?;
                    step + 1
                }
                Step::Constant(range) => {
                    self.skip(&plan.pool[range.clone()])?;
                    step + 1
                }
                Step::Optional { loose, absent } => {
                    let before = self.rest;
                    if (!loose || self.comma().is_some()) && self.begins(step + 1) {
                        step + 1
                    } else {
                        self.rest = before;
                        *absent
                    }
                }
                Step::Nullable { absent } => match self.skip(b"null") {
                    Some(()) => *absent,
                    None => step + 1,
                },
                Step::Comma => {
                    self.comma()?;
                    step + 1
                }
                Step::Begin { is_map, next } => {
                    self.entries(step + 1, *next, *is_map)?;
                    next + 1
                }
                Step::Union { branches, end } => {
                    self.union(branches)?;
                    *end
                }
                // Entries and branches are read by their own range, which ends before these.
                Step::Next { .. } | Step::Jump(_) => return None,
            };
        }
    }

    #[inline]
    fn lead(&mut self, lead: &Lead) -> Option<()> {
        if lead.begins(self.rest) { self.pass(lead.length()) } else { None }
    }

    /// The text of that step, which is not the id.
    #[inline]
    fn text(&mut self, step: usize) -> Option<()> {
        let from = self.at();
        self.skip_text()?;
        if step == self.plan.key {
            self.written.key = Some(from..self.at());
        }
        Some(())
    }

    /// The value of that step.
    fn value_of(&mut self, step: usize, leaf: &Leaf) -> Option<()> {
        let from = self.at();
        if step == self.plan.id {
            // Whether it is a UUID is looked at when all else fits.
            self.pass(self.plan.id_length)?;
            self.written.id = Some(from..self.at());
        } else {
            self.value(leaf)?;
        }
        if step == self.plan.key {
            self.written.key = Some(from..self.at());
        }
        Some(())
    }

    /// Whether what comes next is the constant of that step.
    fn begins(&self, step: usize) -> bool {
        match &self.plan.steps[step] {
            Step::Constant(range) => self.rest.starts_with(&self.plan.pool[range.clone()]),
            _ => false,
        }
    }

    fn comma(&mut self) -> Option<()> {
        match self.at().checked_sub(1).map(|before| self.body[before]) {
            Some(b'{') => Some(()),
            _ => self.skip(b","),
        }
    }

    /// The entries of an array or a map, and its end.
    fn entries(&mut self, from: usize, to: usize, is_map: bool) -> Option<()> {
        let close: &[u8] = if is_map { b"}" } else { b"]" };
        if self.skip(close).is_some() {
            return Some(());
        }
        loop {
            if is_map {
                self.skip(b"\"")?;
                self.skip_text()?;
                self.skip(b"\":")?;
            }
            let before = self.rest.len();
            self.steps(from, to)?;
            // Each entry has a byte at least.
            (self.rest.len() < before).then_some(())?;
            if self.skip(b",").is_none() {
                return self.skip(close);
            }
        }
    }

    /// Reads the first branch that fits.
    fn union(&mut self, branches: &[Range<usize>]) -> Option<()> {
        let before = self.rest;
        for branch in branches {
            self.tries += 1;
            if self.tries > TRIES {
                return None;
            }
            if self.steps(branch.start, branch.end).is_some() {
                return Some(());
            }
            self.rest = before;
        }
        None
    }

    fn skip(&mut self, expected: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    /// The next bytes, the first one lowest, and zeros after the body's end.
    #[inline]
    fn word(&self) -> u64 {
        self.rest.first_chunk().map_or_else(|| word::of_few(self.rest), |bytes| u64::from_le_bytes(*bytes))
    }

    /// The inside of a string without escapes, up to its closing quote.
    fn until_quote(&mut self) -> Option<&'a [u8]> {
        let before = self.rest;
        self.skip_text()?;
        Some(self.since(before))
    }

    /// The same, where only its end matters.
    #[inline]
    fn skip_text(&mut self) -> Option<()> {
        // Most texts end within a word.
        if !self.text_ends()? {
            self.skip_words()?;
        }
        (self.rest.first() == Some(&b'"')).then_some(())
    }

    #[cold]
    fn skip_words(&mut self) -> Option<()> {
        while !self.text_ends()? {}
        Some(())
    }

    /// Whether a string ends within the next word; reads up to there. (After the body's end come zeros, which no text has.)
    #[inline]
    fn text_ends(&mut self) -> Option<bool> {
        let word = self.word();
        let end = word::end_of_text(word);
        self.bits |= word & word::before(end);
        let length = word::first(end);
        self.pass(length.unwrap_or(word::BYTES))?;
        Some(length.is_some())
    }

    /// Digits without a leading zero.
    #[inline]
    fn digits(&mut self) -> Option<&'a [u8]> {
        let before = self.rest;
        loop {
            let length = word::first(word::end_of_digits(self.word()));
            self.pass(length.unwrap_or(word::BYTES))?;
            if length.is_some() || before.len() - self.rest.len() > DIGITS {
                break;
            }
        }
        let digits = self.since(before);
        let is_canonical = matches!(digits, [b'0'] | [b'1'..=b'9', ..]) && digits.len() <= DIGITS;
        is_canonical.then_some(digits)
    }

    fn integer(&mut self, bounds: &Integer) -> Option<()> {
        let negative = bounds.min < 0 && self.skip(b"-").is_some();
        let digits = self.digits()?;
        // -0 is no canonical number.
        (!negative || digits != b"0").then_some(())?;
        if bounds.min < -WITHIN_DIGITS && bounds.max > WITHIN_DIGITS {
            return Some(());
        }
        let value = digits.iter().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
        let value = i128::from(if negative { -value } else { value });
        (bounds.min <= value && value <= bounds.max).then_some(())
    }

    fn value(&mut self, leaf: &Leaf) -> Option<()> {
        match leaf {
            Leaf::Text => self.skip_text()?,
            Leaf::Integer(bounds) => self.integer(bounds)?,
            Leaf::Decimal { precision, scale, min } => self.decimal(*precision as usize, *scale as usize, *min)?,
            Leaf::Boolean => self.skip(b"true").or_else(|| self.skip(b"false"))?,
            Leaf::Number => self.number()?,
            Leaf::Symbol(symbols) => {
                let text = self.until_quote()?;
                symbols.iter().any(|symbol| symbol.as_bytes() == text).then_some(())?;
            }
            Leaf::Uuid => {
                let text = self.until_quote()?;
                (text.len() == UUID && !text.iter().any(u8::is_ascii_uppercase)).then_some(())?;
                bytes_to_uuid(text)?;
            }
            Leaf::Bytes { size } => {
                let text = self.until_quote()?;
                is_base64(text, *size).then_some(())?;
            }
            Leaf::Rest => self.rest()?,
            Leaf::Date => {
                let text = std::str::from_utf8(self.until_quote()?).ok()?;
                day_of(text)?;
            }
        }
        Some(())
    }

    /// Other members, up to the brace that ends the body. What they are is not looked at.
    fn rest(&mut self) -> Option<()> {
        let length = self.rest.len().checked_sub(1)?;
        (length == 0 || self.rest.first() == Some(&b',')).then_some(())?;
        self.pass(length)
    }

    fn decimal(&mut self, precision: usize, scale: usize, min: Option<i128>) -> Option<()> {
        let before = self.rest;
        let negative = min.is_none_or(|min| min < 0) && self.skip(b"-").is_some();
        let whole = self.digits()?;
        // A zero before the point is no digit of the number.
        (whole == b"0" || whole.len() + scale <= precision).then_some(())?;
        if scale > 0 {
            self.skip(b".")?;
            let (decimals, rest) = self.rest.split_at_checked(scale)?;
            decimals.iter().all(u8::is_ascii_digit).then(|| self.rest = rest)?;
        }
        match min {
            None | Some(0) => {
                // -0 is no canonical number.
                (!negative || self.since(before).iter().any(|byte| (b'1'..=b'9').contains(byte))).then_some(())
            }
            // Other bounds are looked at with the other layouts.
            Some(_) => None,
        }
    }

    /// A number by JSON's grammar (RFC 8259).
    fn number(&mut self) -> Option<()> {
        let rest = self.rest;
        let length =
            rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')).count();
        serde_json::from_slice::<serde_json::Number>(&rest[..length]).ok()?;
        self.pass(length)
    }
}

/// The UUID of an id's text.
fn id_of(text: &[u8]) -> Option<u128> {
    if text.len() == BASE64 {
        return <[u8; 16]>::try_from(STANDARD.decode(text).ok()?).ok().map(u128::from_be_bytes);
    }
    bytes_to_uuid(text)
}

/// Whether `text` is canonical base64 of `size` bytes, or of any number of them.
fn is_base64(text: &[u8], size: Option<usize>) -> bool {
    STANDARD.decode(text).is_ok_and(|bytes| size.is_none_or(|size| bytes.len() == size))
}

/// The days since the Unix epoch of a date in its canonical form.
pub(super) fn day_of(text: &str) -> Option<i32> {
    let day: jiff::civil::Date = text.parse().ok()?;
    (day.to_string() == text).then_some(())?;
    day.since(jiff::civil::date(1970, 1, 1)).ok().map(|span| span.get_days())
}
