//! Captured records: what a topic held, byte for byte, with its time and its place.
//!
//! They are kept in a recording: an Avro object container ([`mod@format`]) that [`write::Writer`] writes and [`read::Reader`] reads.

pub mod against;
pub mod blocks;
mod entry;
pub mod format;
pub mod offsets;
pub mod read;
pub mod recorder;
pub mod rolling;
pub mod storage;
pub mod write;

use crate::kafka::headers::Headers;
use crate::kafka::{Record, Timestamp};

/// A record as its topic had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Captured<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The leader epoch it was read under, where that was known.
    pub leader_epoch: Option<i32>,
    /// Its time, and whose clock gave it.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers, in their order.
    pub headers: Headers<'a>,
}

impl<'a> Captured<'a> {
    /// A record that was read from that partition.
    #[must_use]
    pub fn of(topic: &'a str, partition: i32, record: Record<'a>) -> Self {
        Self {
            topic,
            partition,
            offset: record.offset,
            leader_epoch: Some(record.leader_epoch).filter(|epoch| *epoch >= 0),
            timestamp: record.timestamp,
            key: record.key,
            value: record.body,
            headers: record.headers,
        }
    }

    /// Bytes of its key and its value.
    #[must_use]
    pub fn size(&self) -> u64 {
        (self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len)) as u64
    }
}

/// A captured record that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// The leader epoch it was read under, where that was known.
    pub leader_epoch: Option<i32>,
    /// Its time, and whose clock gave it.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value; `None` for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Its headers, as [`Headers::packed`] reads them.
    pub headers: Box<[u8]>,
}

impl Owned {
    /// The same, borrowed.
    #[must_use]
    pub fn borrowed(&self) -> Captured<'_> {
        Captured {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
            leader_epoch: self.leader_epoch,
            timestamp: self.timestamp,
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            headers: Headers::packed(&self.headers),
        }
    }
}

impl From<Captured<'_>> for Owned {
    fn from(record: Captured<'_>) -> Self {
        Self {
            topic: record.topic.to_owned(),
            partition: record.partition,
            offset: record.offset,
            leader_epoch: record.leader_epoch,
            timestamp: record.timestamp,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers.to_packed(),
        }
    }
}

#[cfg(test)]
mod tests;
