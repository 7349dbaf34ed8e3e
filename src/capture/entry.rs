//! A record in the bytes of a block, as [`super::format::SCHEMA`] says.

use super::Captured;
use crate::kafka::Timestamp;
use crate::kafka::headers::{Header, Headers};
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
    if !record.headers.is_empty() {
        push_varint(out, (record.headers.iter().count() as u64) << 1);
        for Header { name, value } in record.headers {
            push_bytes(out, name);
            push_optional(out, value);
        }
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

    /// A value that may be missing, passed to `take` where it is not.
    fn optional(&mut self, take: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        match self.long()? {
            0 => Some(()),
            1 => take(self),
            _ => None,
        }
    }

    fn optional_bytes(&mut self, into: &mut Option<&'a [u8]>) -> Option<()> {
        self.optional(|cursor| {
            *into = Some(cursor.bytes()?);
            Some(())
        })
    }

    /// Passes the headers, and packs them for [`Headers::packed`].
    fn headers(&mut self, packed: &mut Vec<u8>) -> Option<()> {
        packed.clear();
        loop {
            let mut items = self.long()?;
            if items == 0 {
                return Some(());
            }
            if items < 0 {
                // Its size in bytes follows (Avro 1.12, "Arrays").
                self.long()?;
                items = items.checked_neg()?;
            }
            for _ in 0..items {
                let name = self.bytes()?;
                let mut value = None;
                self.optional_bytes(&mut value)?;
                Header { name, value }.pack(packed);
            }
        }
    }

    /// The topic, the partition and the offset that a record begins with.
    pub(super) fn place(&mut self) -> Option<(String, i32, i64)> {
        let topic = std::str::from_utf8(self.bytes()?).ok()?.to_owned();
        Some((topic, self.int().filter(|partition| *partition >= 0)?, self.long()?))
    }

    /// The next record; `None` where the bytes are none. Its headers are packed into `headers`.
    pub(super) fn record<'r>(&mut self, headers: &'r mut Vec<u8>) -> Option<Captured<'r>>
    where
        'a: 'r,
    {
        let topic = std::str::from_utf8(self.bytes()?).ok()?;
        let partition = self.int().filter(|partition| *partition >= 0)?;
        let offset = self.long()?;
        let (mut leader_epoch, mut ms) = (None, None);
        self.optional(|cursor| {
            leader_epoch = Some(cursor.int()?);
            Some(())
        })?;
        self.optional(|cursor| {
            ms = Some(cursor.long()?);
            Some(())
        })?;
        let timestamp = match (self.long()?, ms) {
            (0, None) => Timestamp::Missing,
            (1, Some(ms)) => Timestamp::Create(ms),
            (2, Some(ms)) => Timestamp::LogAppend(ms),
            _ => return None,
        };
        let (mut key, mut value) = (None, None);
        self.optional_bytes(&mut key)?;
        self.optional_bytes(&mut value)?;
        self.headers(headers)?;
        Some(Captured {
            topic,
            partition,
            offset,
            leader_epoch,
            timestamp,
            key,
            value,
            headers: Headers::packed(headers),
        })
    }
}
