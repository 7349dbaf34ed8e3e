//! A record in the bytes of a block, as [`super::format::SCHEMA`] says.

use super::{Captured, Header};
use crate::kafka::Timestamp;
use crate::wire::varint::{push_varint, unzigzag, zigzag};

pub(super) fn push_long(out: &mut Vec<u8>, number: i64) {
    push_varint(out, zigzag(number));
}

pub(super) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    push_varint(out, (bytes.len() as u64) << 1);
    out.extend_from_slice(bytes);
}

fn push_optional(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => out.push(0),
        Some(bytes) => {
            out.push(2);
            push_bytes(out, bytes);
        }
    }
}

pub(super) fn push(out: &mut Vec<u8>, record: &Captured<'_>) {
    push_bytes(out, record.topic.as_bytes());
    push_long(out, record.partition.into());
    push_long(out, record.offset);
    match record.leader_epoch {
        None => out.push(0),
        Some(epoch) => {
            out.push(2);
            push_long(out, epoch.into());
        }
    }
    let (ms, kind) = match record.timestamp {
        Timestamp::Missing => (None, 0),
        Timestamp::Create(ms) => (Some(ms), 2),
        Timestamp::LogAppend(ms) => (Some(ms), 4),
    };
    match ms {
        None => out.push(0),
        Some(ms) => {
            out.push(2);
            push_long(out, ms);
        }
    }
    out.push(kind);
    push_optional(out, record.key);
    push_optional(out, record.value);
    let headers = record.headers.len();
    if headers > 0 {
        push_varint(out, (headers as u64) << 1);
        record.headers.each(|(name, value)| {
            push_bytes(out, name.as_bytes());
            push_optional(out, value);
        });
    }
    out.push(0);
}

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn long(&mut self) -> Option<i64> {
        let mut bits = 0_u64;
        for (place, byte) in self.0.iter().enumerate().take(10) {
            bits |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                self.0 = &self.0[place + 1..];
                return Some(unzigzag(bits));
            }
        }
        None
    }

    fn int(&mut self) -> Option<i32> {
        i32::try_from(self.long()?).ok()
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.long()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.long()? {
            0 => Some(None),
            1 => Some(Some(read(self)?)),
            _ => None,
        }
    }

    fn header(&mut self) -> Option<Header<'a>> {
        Some((self.text()?, self.optional(Self::bytes)?))
    }

    /// Passes the headers and says where they stand.
    fn headers(&mut self) -> Option<Headers<'a>> {
        let begins = self.0;
        let mut count = 0;
        while let Some(headers) = self.more()? {
            for _ in 0..headers {
                self.header()?;
            }
            count += headers;
        }
        Some(Headers { bytes: begins, count })
    }

    /// How many items the next block of an array has; none ends it.
    fn more(&mut self) -> Option<Option<usize>> {
        let mut items = self.long()?;
        if items < 0 {
            // Its size in bytes follows (Avro 1.12, "Arrays").
            self.long()?;
            items = items.checked_neg()?;
        }
        let items = usize::try_from(items).ok()?;
        // Each header takes two bytes at least: a count beyond that is damage, not a reason to go on for long.
        if items > self.0.len() { None } else { Some((items > 0).then_some(items)) }
    }

    /// The next record; `None` where the bytes are none.
    pub(super) fn record(&mut self) -> Option<Captured<'a>> {
        let topic = self.text()?;
        let partition = self.int().filter(|partition| *partition >= 0)?;
        let offset = self.long()?;
        let leader_epoch = self.optional(Self::int)?;
        let ms = self.optional(Self::long)?;
        let timestamp = match (self.long()?, ms) {
            (0, None) => Timestamp::Missing,
            (1, Some(ms)) => Timestamp::Create(ms),
            (2, Some(ms)) => Timestamp::LogAppend(ms),
            _ => return None,
        };
        let key = self.optional(Self::bytes)?;
        let value = self.optional(Self::bytes)?;
        let headers = super::Headers::Written(self.headers()?);
        Some(Captured { topic, partition, offset, leader_epoch, timestamp, key, value, headers })
    }
}

/// Headers as they stand in a block.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// From their first byte on; what follows them may stand behind.
    bytes: &'a [u8],
    count: usize,
}

impl Headers<'_> {
    pub(super) const fn len(&self) -> usize {
        self.count
    }

    pub(super) fn each(&self, mut each: impl FnMut(Header<'_>)) {
        let mut cursor = Cursor(self.bytes);
        while let Some(Some(headers)) = cursor.more() {
            for header in (0..headers).map_while(|_| cursor.header()) {
                each(header);
            }
        }
    }
}
