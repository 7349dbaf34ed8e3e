//! Writes a recording: records of any partitions in, blocks of one partition out, in bounded memory.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use zstd::stream::raw::{CParameter, Encoder, InBuffer, Operation, OutBuffer};

use super::Captured;
use super::entry::{push, push_bytes, push_long};
use super::format::{CODEC, ENDING, Ending, Head, MAGIC, MARKER, SCHEMA, VERSION, metadata};
use super::recorder::Keep;

/// Bytes of records after which a block is written. A replay holds one block of each partition.
const BLOCK: usize = 256 << 10;
/// Bytes of records held for blocks that are not full, of all partitions together.
const HELD: usize = 32 << 20;
/// A recording of 300,000 records of 200 B in a second is 60 MB: the level has to be a cheap one.
const LEVEL: i32 = 1;
/// The shortest repetition that is looked for, as that level has it for larger blocks: in events in JSON that is a
/// little faster and makes them smaller.
const MIN_MATCH: u32 = 7;

/// A recording being written. What it holds is in the file after [`Writer::flush`]; a file that was not ended is read
/// up to its last block.
pub struct Writer<W> {
    out: W,
    marker: [u8; MARKER],
    packer: Packer,
    topics: Vec<(String, Vec<Open>)>,
    held: usize,
    bytes: u64,
    ending: Ending,
    ending_at: u64,
}

/// The block of a partition that is not written yet.
#[derive(Debug)]
struct Open {
    records: u64,
    bytes: Vec<u8>,
    /// The length of its first record.
    first: usize,
    latest_ms: i64,
    /// The offset behind the last record of the partition.
    next: i64,
}

impl Open {
    const EMPTY: Self = Self { records: 0, bytes: Vec::new(), first: 0, latest_ms: i64::MIN, next: i64::MIN };
}

impl<W> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Writer({} records, {} bytes)", self.ending.records, self.bytes)
    }
}

impl<W: Write + Seek> Writer<W> {
    /// Begins a recording at the start of `out`. `marker` tells its blocks from those of other files.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn begin(mut out: W, head: &Head, marker: [u8; MARKER]) -> io::Result<Self> {
        let mut bytes = MAGIC.to_vec();
        let free = [b' '; ENDING];
        let said = serde_json::to_vec(head)?;
        let entries: [(&str, &[u8]); 5] = [
            (metadata::SCHEMA, SCHEMA.as_bytes()),
            (metadata::CODEC, CODEC.as_bytes()),
            (metadata::VERSION, VERSION.as_bytes()),
            (metadata::HEAD, &said),
            (metadata::ENDING, &free),
        ];
        push_long(&mut bytes, entries.len().try_into().unwrap_or(i64::MAX));
        for (name, value) in entries {
            push_bytes(&mut bytes, name.as_bytes());
            push_bytes(&mut bytes, value);
        }
        let ending_at = (bytes.len() - ENDING) as u64;
        bytes.push(0);
        bytes.extend_from_slice(&marker);
        out.write_all(&bytes)?;
        Ok(Self {
            out,
            marker,
            packer: Packer::new()?,
            topics: Vec::new(),
            held: 0,
            bytes: bytes.len() as u64,
            ending: Ending::default(),
            ending_at,
        })
    }

    /// Takes a record. Records of a partition come in the order of its log.
    ///
    /// # Errors
    /// Where a block that is full cannot be written.
    pub fn push(&mut self, record: &Captured<'_>) -> io::Result<()> {
        let known = self.topics.iter().position(|(topic, _)| topic == record.topic);
        let topic = known.unwrap_or(self.topics.len());
        if known.is_none() {
            self.topics.push((record.topic.to_owned(), Vec::new()));
        }
        let partition = usize::try_from(record.partition)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a partition below 0"))?;
        let partitions = &mut self.topics[topic].1;
        if partition >= partitions.len() {
            partitions.resize_with(partition + 1, || Open::EMPTY);
        }
        let open = &mut partitions[partition];
        let before = open.bytes.len();
        push(&mut open.bytes, record);
        let length = open.bytes.len() - before;
        if open.records == 0 {
            open.first = length;
        }
        open.records += 1;
        open.next = record.offset.saturating_add(1);
        self.held += length;
        self.ending.count(record.timestamp.unix_ms(), &mut open.latest_ms);
        if open.bytes.len() >= BLOCK {
            self.write(topic, partition)?;
        }
        while self.held > HELD
            && let Some((topic, partition)) = self.fullest()
        {
            self.write(topic, partition)?;
        }
        Ok(())
    }

    /// Whether the recording has records of the partition of `record` at its offset or behind.
    #[must_use]
    pub fn is_past(&self, record: &Captured<'_>) -> bool {
        let partitions = self.topics.iter().find(|(topic, _)| topic == record.topic).map(|(_, partitions)| partitions);
        let open = partitions.zip(usize::try_from(record.partition).ok()).and_then(|(all, at)| all.get(at));
        open.is_some_and(|open| record.offset < open.next)
    }

    /// Writes down whatever is held.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        for topic in 0..self.topics.len() {
            for partition in 0..self.topics[topic].1.len() {
                self.write(topic, partition)?;
            }
        }
        self.out.flush()
    }

    /// Ends the recording: writes what is held, and in the head what came of it.
    ///
    /// # Errors
    /// Where that cannot be written.
    pub fn finish(mut self) -> io::Result<(Ending, W)> {
        self.flush()?;
        let mut said = serde_json::to_vec(&self.ending)?;
        said.resize(ENDING.max(said.len()), b' ');
        self.out.seek(SeekFrom::Start(self.ending_at))?;
        self.out.write_all(&said[..ENDING])?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok((self.ending, self.out))
    }

    /// What came of it so far.
    #[must_use]
    pub const fn so_far(&self) -> Ending {
        self.ending
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    fn fullest(&self) -> Option<(usize, usize)> {
        let all = self.topics.iter().enumerate().flat_map(|(topic, (_, partitions))| {
            partitions.iter().enumerate().map(move |(partition, open)| (open.bytes.len(), topic, partition))
        });
        all.max().map(|(_, topic, partition)| (topic, partition))
    }

    fn write(&mut self, topic: usize, partition: usize) -> io::Result<()> {
        let open = &mut self.topics[topic].1[partition];
        if open.records == 0 {
            return Ok(());
        }
        let packed = self.packer.pack(&open.bytes, open.first)?;
        let mut head = Vec::with_capacity(20);
        push_long(&mut head, open.records.cast_signed());
        push_long(&mut head, packed.len().try_into().unwrap_or(i64::MAX));
        self.out.write_all(&head)?;
        self.out.write_all(packed)?;
        self.out.write_all(&self.marker)?;
        self.bytes += (head.len() + packed.len() + MARKER) as u64;
        self.held -= open.bytes.len();
        open.records = 0;
        open.bytes.clear();
        // A block of one large record, or of a partition that goes quiet, does not keep its memory.
        open.bytes.shrink_to(2 * BLOCK);
        Ok(())
    }
}

impl Writer<File> {
    /// Writes down whatever is held, and returns when it is on the disk.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.out.sync_data()
    }
}

impl Keep for Writer<File> {
    fn take(&mut self, record: &Captured<'_>) -> io::Result<()> {
        self.push(record)
    }

    fn settle(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// Compresses blocks, with one context and one buffer for all of them.
struct Packer {
    encoder: Encoder<'static>,
    packed: Vec<u8>,
}

impl Packer {
    fn new() -> io::Result<Self> {
        let mut encoder = Encoder::new(LEVEL)?;
        encoder.set_parameter(CParameter::MinMatch(MIN_MATCH))?;
        Ok(Self { encoder, packed: Vec::new() })
    }

    /// One frame of two pieces or more, the first with the `first` bytes alone.
    fn pack(&mut self, bytes: &[u8], first: usize) -> io::Result<&[u8]> {
        self.encoder.reinit()?;
        self.encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(bytes.len()) + 64);
        let (first, rest) = bytes.split_at(first);
        let mut out = OutBuffer::around(&mut self.packed);
        let full = || io::Error::other("a compressed block is longer than it can be");
        let take = |encoder: &mut Encoder<'static>, piece, out: &mut OutBuffer<'_, Vec<u8>>| {
            let mut piece = InBuffer::around(piece);
            while piece.pos() < piece.src.len() {
                let before = (piece.pos(), out.pos());
                encoder.run(&mut piece, out)?;
                if (piece.pos(), out.pos()) == before {
                    return Err(full());
                }
            }
            Ok(())
        };
        take(&mut self.encoder, first, &mut out)?;
        if self.encoder.flush(&mut out)? != 0 {
            return Err(full());
        }
        take(&mut self.encoder, rest, &mut out)?;
        if self.encoder.finish(&mut out, true)? != 0 {
            return Err(full());
        }
        Ok(&self.packed)
    }
}
