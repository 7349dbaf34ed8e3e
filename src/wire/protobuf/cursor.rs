//! Bytes of a message: varints, tags, lengths.

use std::ops::Range;

use super::message::{I32, I64, LEN, VARINT};
use crate::wire::Malformed;
use crate::wire::varint::of_word;

/// Groups are long gone, but an unknown field may be one.
const BEGIN_GROUP: u32 = 3;
const END_GROUP: u32 = 4;
/// How deep unknown groups may stand within each other, as in other implementations.
const MAX_GROUPS: usize = 100;
const TOO_LONG: Malformed = Malformed::BadValue("a varint has more than 64 bits");

/// A place in a body, and the end of the message that it is in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    body: &'a [u8],
    pub(super) at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { body, at: 0, end: body.len() }
    }

    /// The same body, within that range of it.
    pub(super) fn within(&self, range: &Range<usize>) -> Self {
        Self { body: self.body, at: range.start, end: range.end.min(self.body.len()) }
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.end
    }

    /// Why there are no such many bytes left.
    fn short_of(&self, needed: u64) -> Malformed {
        let is_cut = needed > (self.body.len().saturating_sub(self.at)) as u64;
        if is_cut { Malformed::Truncated } else { Malformed::BadLength }
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        if self.at < self.end
            && let Some(&byte) = self.body.get(self.at)
            && byte < 0x80
        {
            self.at += 1;
            return Ok(byte.into());
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        if let Some(word) = self.body.get(self.at..self.end).and_then(<[u8]>::first_chunk)
            && let Some((value, length)) = of_word(u64::from_le_bytes(*word))
        {
            self.at += length;
            return Ok(value);
        }
        let mut value = 0;
        for shift in 0..10 {
            if self.at >= self.end {
                return Err(self.short_of(1));
            }
            let byte = self.body.get(self.at).copied().ok_or(Malformed::Truncated)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << (7 * shift);
            if byte < 0x80 {
                return if shift == 9 && byte > 1 { Err(TOO_LONG) } else { Ok(value) };
            }
        }
        Err(TOO_LONG)
    }

    /// The next tag, as on the wire; 0 at the end of the message.
    #[inline]
    pub(super) fn tag(&mut self) -> Result<u32, Malformed> {
        if self.is_done() {
            return Ok(0);
        }
        let tag = u32::try_from(self.varint()?).map_err(|_| Malformed::BadTag)?;
        if tag < 8 { Err(Malformed::BadTag) } else { Ok(tag) }
    }

    /// Passes over this tag, if it is the next one.
    #[inline]
    pub(super) fn passes(&mut self, tag: u32) -> bool {
        if tag >= 0x80 {
            return self.passes_long(tag);
        }
        let is_next = self.at < self.end && self.body.get(self.at).is_some_and(|byte| u32::from(*byte) == tag);
        self.at += usize::from(is_next);
        is_next
    }

    fn passes_long(&mut self, tag: u32) -> bool {
        let mut ahead = *self;
        let is_next = ahead.tag() == Ok(tag);
        if is_next {
            *self = ahead;
        }
        is_next
    }

    /// So many bytes.
    #[inline]
    fn bytes(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let left = self.end.saturating_sub(self.at);
        match usize::try_from(length) {
            Ok(length) if length <= left => {
                let bytes = self.body.get(self.at..self.at + length).ok_or(Malformed::Truncated)?;
                self.at += length;
                Ok(bytes)
            }
            _ => Err(self.short_of(length)),
        }
    }

    /// A length and as many bytes.
    #[inline]
    pub(super) fn delimited(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.varint()?;
        self.bytes(length)
    }

    /// A length and the place of as many bytes.
    #[inline]
    pub(super) fn range(&mut self) -> Result<Range<usize>, Malformed> {
        let length = self.delimited()?.len();
        Ok(self.at - length..self.at)
    }

    /// A length and a cursor over as many bytes.
    #[inline]
    pub(super) fn message(&mut self) -> Result<Self, Malformed> {
        let range = self.range()?;
        Ok(self.within(&range))
    }

    #[inline]
    pub(super) fn four(&mut self) -> Result<[u8; 4], Malformed> {
        self.bytes(4)?.try_into().map_err(|_| Malformed::Truncated)
    }

    #[inline]
    pub(super) fn eight(&mut self) -> Result<[u8; 8], Malformed> {
        self.bytes(8)?.try_into().map_err(|_| Malformed::Truncated)
    }

    /// Passes over the value of a field.
    pub(super) fn skip(&mut self, tag: u32) -> Result<(), Malformed> {
        let mut groups = [0; MAX_GROUPS];
        let (mut depth, mut tag) = (0, tag);
        loop {
            match tag & 7 {
                VARINT => drop(self.varint()?),
                I64 => drop(self.eight()?),
                LEN => drop(self.delimited()?),
                I32 => drop(self.four()?),
                BEGIN_GROUP => {
                    *groups.get_mut(depth).ok_or(Malformed::TooDeep)? = tag >> 3;
                    depth += 1;
                }
                END_GROUP if depth > 0 && groups.get(depth - 1) == Some(&(tag >> 3)) => depth -= 1,
                _ => return Err(Malformed::BadTag),
            }
            if depth == 0 {
                return Ok(());
            }
            tag = self.tag()?;
            if tag == 0 {
                return Err(self.short_of(1));
            }
        }
    }
}
