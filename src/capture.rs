//! Captured records: what a topic held, byte for byte, with its time and its place.
//!
//! They are kept in a recording: an Avro object container ([`format`]) that [`write::Writer`] writes and [`read::Reader`] reads.

mod entry;
pub mod format;
pub mod read;
pub mod write;

use crate::kafka::Timestamp;

/// A record as its topic had it.
#[derive(Clone, Copy, Debug, PartialEq)]
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

/// A header: its name and its value, which may be missing.
pub type Header<'a> = (&'a str, Option<&'a [u8]>);

/// The headers of a record, however they are kept.
#[derive(Clone, Copy, Debug)]
pub enum Headers<'a> {
    /// As a list.
    Listed(&'a [Header<'a>]),
    /// As an [`Owned`] record has them.
    Owned(&'a [(String, Option<Vec<u8>>)]),
    /// As they stand in a recording, found to be sound.
    Written(entry::Headers<'a>),
}

impl Headers<'_> {
    /// No header at all.
    pub const NONE: Self = Headers::Listed(&[]);

    /// Calls `each` with every header, in order.
    pub fn each(&self, mut each: impl FnMut(Header<'_>)) {
        match self {
            Self::Listed(headers) => headers.iter().copied().for_each(each),
            Self::Owned(headers) => headers.iter().for_each(|(name, value)| each((name, value.as_deref()))),
            Self::Written(headers) => headers.each(each),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Listed(headers) => headers.len(),
            Self::Owned(headers) => headers.len(),
            Self::Written(headers) => headers.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn owned(self) -> Vec<(String, Option<Vec<u8>>)> {
        let mut owned = Vec::with_capacity(self.len());
        self.each(|(name, value)| owned.push((name.to_owned(), value.map(<[u8]>::to_vec))));
        owned
    }
}

impl PartialEq for Headers<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.owned() == other.owned()
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
    /// Its headers, in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
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
            headers: Headers::Owned(&self.headers),
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
            headers: record.headers.owned(),
        }
    }
}

#[cfg(test)]
mod tests;
