//! A recording whose blocks are read in any order: an index of them by partition, and walks along partitions.
//!
//! The index is made from the first bytes of each block; a walk holds one block. Several files are one recording: a partition's blocks
//! are walked in the order of their first offsets, and a record that is in two of them is passed once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use zstd::stream::raw::{Decoder, InBuffer, Operation, OutBuffer};

use super::entry::Cursor;
use super::format::MARKER;
use super::read::{self, BlockHead, Cut, Input, LEFT_OVER, NO_MARKER, NO_RECORD, Opened, ReadError, Unpacker};
use crate::kafka::Timestamp;

/// Bytes of a block that are read for the index, at first.
const GLANCE: usize = 4 << 10;
/// Bytes of a record that say where it belongs: a topic's name has 249 at most.
const PLACE: usize = 512;

/// The blocks of a recording.
#[derive(Debug)]
pub struct Blocks {
    files: Vec<(File, Opened)>,
    partitions: Vec<Partition>,
    records: u64,
    cuts: Vec<(usize, Cut)>,
}

/// A partition of a recording.
#[derive(Debug)]
pub struct Partition {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Its records.
    pub records: u64,
    blocks: Vec<BlockAt>,
}

/// Where a block lies.
#[derive(Clone, Copy, Debug)]
struct BlockAt {
    /// In which file, by its place.
    file: usize,
    /// The offset of its first record.
    first: i64,
    at: u64,
    packed: u64,
    head: BlockHead,
}

impl Blocks {
    /// Reads the index of these files; of an error it says which one's it is.
    ///
    /// # Errors
    /// Where one is no recording that can be read, or is damaged.
    pub fn open(files: impl IntoIterator<Item = File>) -> Result<Self, (usize, ReadError)> {
        let mut blocks = Self { files: Vec::new(), partitions: Vec::new(), records: 0, cuts: Vec::new() };
        for (at, file) in files.into_iter().enumerate() {
            blocks.add_file(file).map_err(|error| (at, error))?;
        }
        if blocks.files.len() > 1 {
            for partition in &mut blocks.partitions {
                // Stable: what one file has stays in its order.
                partition.blocks.sort_by_key(|block| block.first);
            }
        }
        blocks.partitions.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        Ok(blocks)
    }

    fn add_file(&mut self, mut file: File) -> Result<(), ReadError> {
        file.seek(SeekFrom::Start(0))?;
        let mut input = Input { from: io::BufReader::new((&file).take(u64::MAX)), at: 0 };
        let opened = read::head(&mut input)?;
        drop(input);
        let length = file.metadata()?.len();
        let mut glance = Glance { file: self.files.len(), bytes: Vec::new(), decoder: Decoder::new()? };
        let mut at = opened.begins;
        while at < length {
            let Some((place, block)) = glance.block(&file, at, length, &opened.marker)? else {
                self.cuts.push((self.files.len(), Cut { at, bytes: length - at }));
                break;
            };
            at = block.packed + block.head.length as u64 + MARKER as u64;
            self.add(place, block);
        }
        self.files.push((file, opened));
        Ok(())
    }

    fn add(&mut self, place: Option<(String, i32)>, block: BlockAt) {
        // A block without records belongs nowhere.
        let Some((topic, partition)) = place else { return };
        self.records += block.head.records;
        let known = self.partitions.iter_mut().find(|known| known.partition == partition && known.topic == topic);
        let records = block.head.records;
        if let Some(known) = known {
            known.records += records;
            known.blocks.push(block);
        } else {
            self.partitions.push(Partition { topic, partition, records, blocks: vec![block] });
        }
    }

    /// What stands before the blocks of each file.
    #[must_use]
    pub fn opened(&self) -> impl ExactSizeIterator<Item = &Opened> {
        self.files.iter().map(|(_, opened)| opened)
    }

    /// The partitions that have records, by topic and number.
    #[must_use]
    pub fn partitions(&self) -> &[Partition] {
        &self.partitions
    }

    /// Records in all of them; one that is in two files counts twice.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// Which files were cut off, and where.
    #[must_use]
    pub fn cuts(&self) -> &[(usize, Cut)] {
        &self.cuts
    }
}

/// Reads the beginnings of blocks.
struct Glance {
    /// Of which file, by its place.
    file: usize,
    bytes: Vec<u8>,
    decoder: Decoder<'static>,
}

impl Glance {
    /// The block at `at` and the place of its records; `None` where the file ends within it.
    #[expect(clippy::type_complexity, reason = "a place that a block without records does not have")]
    fn block(
        &mut self,
        file: &File,
        at: u64,
        length: u64,
        marker: &[u8; MARKER],
    ) -> Result<Option<(Option<(String, i32)>, BlockAt)>, ReadError> {
        let damaged = |what| ReadError::Damaged { at, what };
        self.read(file, at, length, GLANCE)?;
        let mut cursor = Cursor(&self.bytes);
        let (Some(records), Some(packed)) = (cursor.long(), cursor.long()) else {
            return if self.bytes.len() < 20 {
                Ok(None)
            } else {
                Err(damaged("a number that is longer than numbers are"))
            };
        };
        let begins = self.bytes.len() - cursor.0.len();
        let head = BlockHead::of(records, packed, at)?;
        let block = BlockAt { file: self.file, first: 0, at, packed: at + begins as u64, head };
        let ends = block.packed + head.length as u64;
        if ends + MARKER as u64 > length {
            return Ok(None);
        }
        let mut found = [0; MARKER];
        file.read_exact_at(&mut found, ends)?;
        if found != *marker {
            return Err(damaged(NO_MARKER));
        }
        if head.records == 0 {
            return Ok(Some((None, block)));
        }
        let mut glance = GLANCE;
        loop {
            let packed = &self.bytes[begins..self.bytes.len().min(begins + head.length)];
            let whole = packed.len() == head.length;
            let mut unpacked = [0; PLACE];
            let count = begin(&mut self.decoder, packed, &mut unpacked)
                .map_err(|_| damaged("a block cannot be decompressed"))?;
            if let Some((topic, partition, first)) = Cursor(&unpacked[..count]).place() {
                return Ok(Some((Some((topic, partition)), BlockAt { first, ..block })));
            }
            if whole {
                return Err(damaged(NO_RECORD));
            }
            glance = glance.saturating_mul(8);
            self.read(file, at, length, glance)?;
        }
    }

    fn read(&mut self, file: &File, at: u64, length: u64, most: usize) -> io::Result<()> {
        let there = usize::try_from(length - at).unwrap_or(usize::MAX).min(most);
        self.bytes.resize(there, 0);
        file.read_exact_at(&mut self.bytes, at)
    }
}

/// The first bytes of what is compressed; returns how many there are.
fn begin(decoder: &mut Decoder<'static>, packed: &[u8], into: &mut [u8]) -> io::Result<usize> {
    decoder.reinit()?;
    let mut input = InBuffer::around(packed);
    let mut out = OutBuffer::around(into);
    loop {
        let before = (input.pos(), out.pos());
        decoder.run(&mut input, &mut out)?;
        if (input.pos(), out.pos()) == before || out.pos() == PLACE {
            return Ok(out.pos());
        }
    }
}

/// What all walks of one reader share.
pub struct Tools {
    unpacker: Unpacker,
    packed: Vec<u8>,
}

impl std::fmt::Debug for Tools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tools")
    }
}

impl Tools {
    /// Makes them.
    ///
    /// # Errors
    /// Where there is no memory for them.
    pub fn new() -> io::Result<Self> {
        Ok(Self { unpacker: Unpacker::new()?, packed: Vec::new() })
    }
}

/// A walk along the records of one partition.
#[derive(Debug, Default)]
pub struct Walk {
    block: Vec<u8>,
    block_at: u64,
    next_block: usize,
    left: u64,
    next: usize,
    timestamp: Option<Timestamp>,
    offset: Option<i64>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Vec<u8>,
}

impl Walk {
    /// Goes to the next record of `partition`, which is the same in each call; false at its end.
    ///
    /// # Errors
    /// Where the file is damaged, or the system cannot read it.
    pub fn advance(&mut self, blocks: &Blocks, partition: &Partition, tools: &mut Tools) -> Result<bool, ReadError> {
        loop {
            let before = self.offset;
            if !self.step(blocks, partition, tools)? {
                return Ok(false);
            }
            // One file alone has each record once.
            if blocks.files.len() == 1 || before.is_none() || self.offset > before {
                return Ok(true);
            }
            self.offset = before;
        }
    }

    /// Goes to the next record, wherever that was met before.
    fn step(&mut self, blocks: &Blocks, partition: &Partition, tools: &mut Tools) -> Result<bool, ReadError> {
        while self.left == 0 {
            let Some(block) = partition.blocks.get(self.next_block) else {
                // Nobody asks for its bytes again.
                self.block = Vec::new();
                return Ok(false);
            };
            let damaged = |what| ReadError::Damaged { at: block.at, what };
            tools.packed.resize(block.head.length, 0);
            let Some((file, _)) = blocks.files.get(block.file) else { return Ok(false) };
            file.read_exact_at(&mut tools.packed, block.packed)?;
            tools.unpacker.unpack(&tools.packed, &mut self.block).map_err(damaged)?;
            (self.block_at, self.left, self.next) = (block.at, block.head.records, 0);
            self.next_block += 1;
        }
        let damaged = |what| ReadError::Damaged { at: self.block_at, what };
        let mut cursor = Cursor(&self.block[self.next..]);
        let record = cursor.record(&mut self.headers).ok_or_else(|| damaged(NO_RECORD))?;
        if record.partition != partition.partition || record.topic != partition.topic {
            return Err(damaged("a block has records of several partitions"));
        }
        let place = |bytes: &[u8]| {
            let from = bytes.as_ptr().addr() - self.block.as_ptr().addr();
            from..from + bytes.len()
        };
        (self.key, self.value) = (record.key.map(place), record.value.map(place));
        (self.timestamp, self.offset) = (Some(record.timestamp), Some(record.offset));
        self.left -= 1;
        self.next = self.block.len() - cursor.0.len();
        if self.left == 0 && !cursor.0.is_empty() {
            return Err(damaged(LEFT_OVER));
        }
        Ok(true)
    }

    /// The time of the record that it is at, ms since the Unix epoch.
    #[must_use]
    pub fn at_ms(&self) -> Option<i64> {
        self.timestamp?.unix_ms()
    }

    /// The key of the record that it is at.
    #[must_use]
    pub fn key(&self) -> Option<&[u8]> {
        self.key.as_ref().map(|key| &self.block[key.clone()])
    }

    /// Its value.
    #[must_use]
    pub fn value(&self) -> Option<&[u8]> {
        self.value.as_ref().map(|value| &self.block[value.clone()])
    }

    /// Its headers, packed.
    #[must_use]
    pub fn headers(&self) -> &[u8] {
        &self.headers
    }
}
