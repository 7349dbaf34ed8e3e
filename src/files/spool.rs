//! Rows in the order of time: their bodies in one temporary file as they came, and beside it an index that is sorted.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::error::FileError;
use super::moment::{ByTime, Moment};
use crate::sorting::{Place, Rows, Sorter};

const WRITE_BYTES: usize = 1 << 20;
/// Rows mostly come in the order of time: what stands behind one is likely to be wanted next.
const READ_BYTES: usize = 64 << 10;
/// Types of which each has a topic of its own.
const MOST_TOPICS: usize = 200;
/// Stands for a text that is not there.
const NONE: u32 = u32::MAX;
const HEAD: usize = 12;

/// What is kept of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpooledRow<'a> {
    /// The topic of its type.
    pub topic: &'a str,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its body.
    pub body: &'a [u8],
}

/// Takes rows in any order.
pub struct Spooler {
    file: File,
    buffer: Vec<u8>,
    written: u64,
    index: Sorter<ByTime>,
    place: Place,
    topics: BTreeSet<String>,
}

/// Rows in the order of time, and as they came where times are equal.
#[derive(Debug)]
pub struct Spool {
    file: File,
    index: Rows<Moment>,
    topics: BTreeSet<String>,
}

impl Spooler {
    /// Sorts in so many bytes of memory, and has its files in `place`.
    ///
    /// # Errors
    /// Where none can be made there.
    pub fn new(memory: u64, place: Place) -> Result<Self, FileError> {
        let file = tempfile::tempfile_in(&place.folder).map_err(|source| place.failed(0, source))?;
        let index = Sorter::new(usize::try_from(memory).unwrap_or(usize::MAX), place.clone());
        Ok(Self { file, buffer: Vec::with_capacity(WRITE_BYTES), written: 0, index, place, topics: BTreeSet::new() })
    }

    /// Takes a row that happened then.
    ///
    /// # Errors
    /// Where the disk takes no more, or there are too many types.
    pub fn push(&mut self, at_us: i64, row: &SpooledRow<'_>) -> Result<(), FileError> {
        if !self.topics.contains(row.topic) {
            if self.topics.len() == MOST_TOPICS {
                return Err(FileError::Setting(format!("more than {MOST_TOPICS} types: name another --type-field")));
            }
            self.topics.insert(row.topic.to_owned());
        }
        let ordinal = self.written + self.buffer.len() as u64;
        self.index.push(Moment { at_us, ordinal })?;
        let length = |bytes: Option<&[u8]>| bytes.map_or(NONE, |bytes| u32::try_from(bytes.len()).unwrap_or(NONE - 1));
        let parts = [Some(row.topic.as_bytes()), row.key, Some(row.body)];
        for part in parts {
            self.buffer.extend_from_slice(&length(part).to_le_bytes());
        }
        for part in parts.into_iter().flatten() {
            self.buffer.extend_from_slice(part);
        }
        if self.buffer.len() >= WRITE_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), FileError> {
        let failed = |source| self.place.failed(self.written, source);
        self.file.write_all_at(&self.buffer, self.written).map_err(failed)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    /// All of them, in the order of time.
    ///
    /// # Errors
    /// Where the disk fails.
    pub fn finish(mut self) -> Result<Spool, FileError> {
        self.flush()?;
        let index = Rows::of(self.index.finish()?, None, &self.place)?;
        Ok(Spool { file: self.file, index, topics: self.topics })
    }
}

impl Spool {
    /// The topics that rows have.
    #[must_use]
    pub const fn topics(&self) -> &BTreeSet<String> {
        &self.topics
    }

    /// Gives each row to `take`, with the time at which it happened.
    ///
    /// # Errors
    /// Where the disk fails, and what `take` refuses.
    pub fn each<E: From<FileError>>(
        &self,
        mut take: impl FnMut(i64, SpooledRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |source: io::Error| E::from(FileError::from(self.index.failed(source)));
        let mut index = self.index.reader();
        let mut window = Window { file: &self.file, from: 0, bytes: Vec::new() };
        while let Some(Moment { at_us, ordinal }) = index.next(&self.index).map_err(failed)? {
            let head = window.at(ordinal, HEAD).map_err(failed)?;
            let length = |place: usize| {
                let bytes = head.get(4 * place..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
                Some(u32::from_le_bytes(bytes)).filter(|length| *length != NONE).map(|length| length as usize)
            };
            let lengths = [length(0), length(1), length(2)];
            let whole = lengths.iter().flatten().sum::<usize>();
            let mut rest = window.at(ordinal + HEAD as u64, whole).map_err(failed)?;
            let mut next = |length: Option<usize>| {
                let (part, behind) = rest.split_at_checked(length?)?;
                rest = behind;
                Some(part)
            };
            let (topic, key, body) = (next(lengths[0]), next(lengths[1]), next(lengths[2]));
            let topic = topic.and_then(|topic| std::str::from_utf8(topic).ok()).unwrap_or_default();
            take(at_us, SpooledRow { topic, key, body: body.unwrap_or_default() })?;
        }
        Ok(())
    }
}

/// A part of a file that was read.
struct Window<'f> {
    file: &'f File,
    from: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    fn at(&mut self, from: u64, length: usize) -> io::Result<&[u8]> {
        let begins = from.checked_sub(self.from).and_then(|skipped| usize::try_from(skipped).ok());
        let begins = begins.filter(|begins| begins.saturating_add(length) <= self.bytes.len());
        if begins.is_none() {
            self.load(from, length.max(READ_BYTES))?;
        }
        let begins = begins.unwrap_or(0);
        self.bytes.get(begins..begins + length).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Reads `length` bytes from there on, or up to the end of the file.
    fn load(&mut self, from: u64, length: usize) -> io::Result<()> {
        self.bytes.resize(length, 0);
        let mut read = 0;
        while read < length {
            match self.file.read_at(&mut self.bytes[read..], from + read as u64)? {
                0 => break,
                more => read += more,
            }
        }
        self.bytes.truncate(read);
        self.from = from;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_come_back_in_time_and_equal_times_as_they_came(
            rows in proptest::collection::vec((0_i64..20, "[ab]", proptest::option::of("[x-z]{0,3}"), 0_usize..70_000), 0..40),
            memory in 16_u64..400,
        ) {
            let place = Place { folder: std::env::temp_dir(), file: "test".to_owned() };
            let mut spooler = Spooler::new(memory, place).unwrap();
            let mut expected = Vec::new();
            for (place, (at_us, topic, key, length)) in rows.iter().enumerate() {
                let body = vec![u8::try_from(place).unwrap(); *length];
                let key = key.as_ref().map(String::as_bytes);
                spooler.push(*at_us, &SpooledRow { topic, key, body: &body }).unwrap();
                expected.push((*at_us, topic.clone(), key.map(<[u8]>::to_vec), body));
            }
            expected.sort_by_key(|(at_us, ..)| *at_us);
            let mut found = Vec::new();
            spooler.finish().unwrap().each(|at_us, row| {
                found.push((at_us, row.topic.to_owned(), row.key.map(<[u8]>::to_vec), row.body.to_vec()));
                Ok::<_, FileError>(())
            }).unwrap();
            prop_assert_eq!(found, expected);
        }
    }
}
