//! The reader.

use std::str;

use super::decimal;
use super::plan::Plan;
use super::steps::{DEEPEST, Leaf, Step};
use crate::wire::sink::{Sink, give_text};
use crate::wire::value::text_to_uuid;
use crate::wire::varint::{LONGEST, LONGEST_32, of_word, unzigzag};
use crate::wire::{Malformed, Written};

/// How many entries without bytes a body may have in its arrays: nothing but the counts bounds them.
const MAX_EMPTY: u64 = 1 << 20;

/// What is left of a body.
#[derive(Clone, Copy)]
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A number of at most so many bytes.
    #[inline]
    fn number(&mut self, longest: usize) -> Result<i64, Malformed> {
        match self.0 {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.0 = rest;
                Ok(unzigzag((*byte).into()))
            }
            _ => self.long_number(longest),
        }
    }

    fn long_number(&mut self, longest: usize) -> Result<i64, Malformed> {
        if let Some((word, _)) = self.0.split_first_chunk()
            && let Some((value, length)) = of_word(u64::from_le_bytes(*word))
            && length <= longest
        {
            self.0 = &self.0[length..];
            return Ok(unzigzag(value));
        }
        let mut value = 0;
        for (at, byte) in self.0.iter().take(longest).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if *byte < 0x80 {
                if at + 1 == LONGEST && *byte > 1 {
                    break;
                }
                self.0 = &self.0[at + 1..];
                return Ok(unzigzag(value));
            }
        }
        let is_cut = self.0.len() < longest;
        Err(if is_cut {
            Malformed::Truncated
        } else {
            Malformed::BadValue("a varint is longer than those of its type")
        })
    }

    /// The index of a union's branch or of an enum's symbol.
    #[inline]
    fn index(&mut self) -> Result<i64, Malformed> {
        self.number(LONGEST_32)
    }

    #[inline]
    fn length(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.number(LONGEST)?).map_err(|_| Malformed::BadLength)
    }

    /// A length and as many bytes.
    #[inline]
    fn delimited(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.length()?;
        self.take(length)
    }

    #[inline]
    fn text(&mut self) -> Result<&'a str, Malformed> {
        str::from_utf8(self.delimited()?).map_err(|_| Malformed::NotUtf8)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed::Truncated)
    }
}

/// A block of entries of an array or a map.
#[derive(Clone, Copy)]
struct Block {
    /// Entries still to come, the present one among them.
    left: usize,
    /// How many bytes are left behind it, where it says how many it has.
    behind: Option<usize>,
}

struct Reader<'a, 'b, S> {
    from: Cursor<'a>,
    sink: &'b mut S,
    blocks: [Block; DEEPEST],
    depth: usize,
    empty: u64,
}

pub(super) fn read<S: Sink>(plan: &Plan, body: &[u8], sink: &mut S) -> Result<Written, Malformed> {
    let blocks = [Block { left: 0, behind: None }; DEEPEST];
    let mut reader = Reader { from: Cursor(body), sink, blocks, depth: 0, empty: 0 };
    let mut written = Written::default();
    let mut at = 0;
    while let Some(step) = plan.steps.get(at) {
        at = match step {
            Step::Value(leaf) => {
                let value = reader.value(leaf)?;
                if plan.id == Some(at) || plan.key == Some(at) {
                    let end = body.len() - reader.from.0.len();
                    let range = end - value..end;
                    if plan.id == Some(at) {
                        written.id = Some(range.clone());
                    }
                    if plan.key == Some(at) {
                        written.key = Some(range);
                    }
                }
                at + 1
            }
            Step::Jump(to) => *to,
            Step::Optional { null, some, absent } => {
                let before = reader.from;
                let index = reader.from.index()?;
                if is(index, *null) {
                    reader.sink.null();
                    *absent
                } else {
                    match some {
                        Some(some) if is(index, *some) => {}
                        Some(_) => return Err(Malformed::BadUnion),
                        // The union that follows looks at it.
                        None => reader.from = before,
                    }
                    reader.sink.some();
                    at + 1
                }
            }
            Step::Union(branches) => {
                let index = reader.from.index()?;
                let mut branches = branches.iter().enumerate();
                let branch = branches.find(|(_, (own, _))| is(index, *own));
                let (branch, (_, begin)) = branch.ok_or(Malformed::BadUnion)?;
                reader.sink.branch(branch);
                *begin
            }
            Step::Constant { text } => {
                if reader.from.delimited()? != text.as_bytes() {
                    return Err(Malformed::WrongConstant);
                }
                at + 1
            }
            Step::Branch { index } if !is(reader.from.index()?, *index) => return Err(Malformed::BadUnion),
            Step::Symbol { index } if !is(reader.from.index()?, *index) => return Err(Malformed::WrongConstant),
            Step::Branch { .. } | Step::Symbol { .. } => at + 1,
            Step::Null => {
                reader.sink.null();
                at + 1
            }
            Step::Begin { is_map, next, least } => {
                let block = reader.block(*least)?;
                reader.sink.begin(block.map_or(0, |block| block.left));
                if let Some(block) = block {
                    reader.open(block)?;
                    reader.entry(*is_map)?;
                    at + 1
                } else {
                    reader.sink.end();
                    next + 1
                }
            }
            Step::Next { is_map, begin } => {
                let least = match plan.steps.get(*begin) {
                    Some(Step::Begin { least, .. }) => *least,
                    _ => 0,
                };
                if reader.next(least)? {
                    reader.entry(*is_map)?;
                    begin + 1
                } else {
                    reader.sink.end();
                    at + 1
                }
            }
        };
    }
    if reader.from.0.is_empty() { Ok(written) } else { Err(Malformed::TrailingBytes) }
}

fn is(index: i64, own: usize) -> bool {
    usize::try_from(index) == Ok(own)
}

impl<S: Sink> Reader<'_, '_, S> {
    /// The count of a block; `None` where it ends the array or the map.
    fn block(&mut self, least: usize) -> Result<Option<Block>, Malformed> {
        let count = self.from.number(LONGEST)?;
        if count == 0 {
            return Ok(None);
        }
        let left = usize::try_from(count.unsigned_abs()).map_err(|_| Malformed::BadLength)?;
        let mut behind = None;
        if count < 0 {
            let size = self.from.length()?;
            // Of more bytes than there are, no entries end there.
            behind = Some(self.from.0.len().wrapping_sub(size));
        }
        if least == 0 {
            self.empty = self.empty.saturating_add(left as u64);
            if self.empty > MAX_EMPTY {
                return Err(Malformed::BadLength);
            }
        } else if left > self.from.0.len() / least {
            return Err(Malformed::Truncated);
        }
        Ok(Some(Block { left, behind }))
    }

    fn open(&mut self, block: Block) -> Result<(), Malformed> {
        *self.blocks.get_mut(self.depth).ok_or(Malformed::TooDeep)? = block;
        self.depth += 1;
        Ok(())
    }

    /// The key of an entry, where it has one.
    fn entry(&mut self, is_map: bool) -> Result<(), Malformed> {
        if is_map {
            let key = self.from.text()?;
            self.sink.key(key);
        }
        Ok(())
    }

    /// An entry has ended; returns whether there is another.
    fn next(&mut self, least: usize) -> Result<bool, Malformed> {
        let block = self.depth.checked_sub(1).and_then(|depth| self.blocks.get_mut(depth));
        let block = block.ok_or(Malformed::BadLength)?;
        block.left -= 1;
        if block.left > 0 {
            return Ok(true);
        }
        if block.behind.is_some_and(|behind| behind != self.from.0.len()) {
            return Err(Malformed::BadLength);
        }
        self.depth -= 1;
        match self.block(least)? {
            Some(block) => self.open(block).map(|()| true),
            None => Ok(false),
        }
    }

    /// Reads one value; how many bytes its inside has.
    #[inline]
    fn value(&mut self, leaf: &Leaf) -> Result<usize, Malformed> {
        let before = self.from.0.len();
        match leaf {
            Leaf::Text => {
                let text = self.from.delimited()?;
                give_text(text, self.sink).ok_or(Malformed::NotUtf8)?;
                return Ok(text.len());
            }
            Leaf::Integer { longest, min, max } => {
                let number = self.from.number(*longest)?;
                if number < *min || number > *max {
                    return Err(Malformed::BadValue("a number is outside its bounds"));
                }
                self.sink.integer(number);
            }
            Leaf::Boolean => match self.from.take(1)? {
                [0] => self.sink.boolean(false),
                [1] => self.sink.boolean(true),
                _ => return Err(Malformed::BadValue("a boolean is neither 0 nor 1")),
            },
            Leaf::Float => self.sink.double(f32::from_le_bytes(self.from.array()?).into()),
            Leaf::Double => self.sink.double(f64::from_le_bytes(self.from.array()?)),
            Leaf::Bytes => {
                let bytes = self.from.delimited()?;
                self.sink.bytes(bytes);
                return Ok(bytes.len());
            }
            Leaf::Fixed(size) => self.sink.bytes(self.from.take(*size)?),
            Leaf::UuidFixed => self.sink.uuid(u128::from_be_bytes(self.from.array()?)),
            Leaf::UuidBytes => {
                let bytes = self.from.delimited()?.try_into().map_err(|_| Malformed::BadLength)?;
                self.sink.uuid(u128::from_be_bytes(bytes));
                return Ok(16);
            }
            Leaf::UuidText => {
                let text = self.from.text()?;
                self.sink.uuid(text_to_uuid(text).ok_or(Malformed::BadValue("a text is no UUID"))?);
                return Ok(text.len());
            }
            Leaf::Decimal { limit, min, size } => {
                let bytes = match size {
                    Some(size) => self.from.take(*size)?,
                    None => self.from.delimited()?,
                };
                let value = decimal::parse(bytes)
                    .filter(|value| value.unsigned_abs() < *limit && value >= min)
                    .ok_or(Malformed::BadValue("bytes are no decimal of its precision"))?;
                self.sink.decimal(value);
            }
            Leaf::Enum(indexes) => {
                let index = usize::try_from(self.from.index()?).map_err(|_| Malformed::BadEnum)?;
                let symbol = match indexes.get(index) {
                    Some(own) if *own == index => index,
                    _ => indexes.iter().position(|own| *own == index).ok_or(Malformed::BadEnum)?,
                };
                self.sink.symbol(symbol);
            }
        }
        Ok(before - self.from.0.len())
    }
}
