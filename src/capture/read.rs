//! Reads a recording from its beginning to its end, or to where it was cut off.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zstd::bulk::Decompressor;

use super::Captured;
use super::entry::Cursor;
use super::format::{CODEC, Ending, Head, MAGIC, MARKER, SCHEMA, VERSION, metadata};

/// The most bytes that a block, or a value in the head, can come to.
const LONGEST: usize = 1 << 30;

/// Why a file cannot be read as a recording.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Its first bytes are not Avro's.
    #[error("it is no recording: it does not begin as an Avro object container does")]
    NotAvro,
    /// It is an Avro object container of something else.
    #[error("it is an Avro file, but no recording that loadgen made: {0}")]
    Foreign(String),
    /// It was written in another form.
    #[error("it is a recording of version {0}, and this program reads version {VERSION}")]
    Version(String),
    /// Its blocks are compressed in a way that recordings are not.
    #[error("its blocks are compressed with \"{0}\", and those of a recording are with \"{CODEC}\"")]
    Codec(String),
    /// It ends before its first block.
    #[error("it was cut off in its head: no record is in it")]
    NoHead,
    /// It is not what was written.
    #[error("it is damaged at byte {at}: {what}")]
    Damaged {
        /// Where the block begins.
        at: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// The system cannot read it.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Where a file ends within a block, as after a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where its last whole block ends.
    pub at: u64,
    /// Bytes behind that.
    pub bytes: u64,
}

/// What stands before the blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What was recorded.
    pub head: Head,
    /// What came of it; `None` where the recording was not ended.
    pub ending: Option<Ending>,
    /// Where the first block begins.
    pub(super) begins: u64,
    pub(super) marker: [u8; MARKER],
}

/// A recording being read.
pub struct Reader<R> {
    input: Input<R>,
    opened: Opened,
    unpacker: Unpacker,
    /// The block that is being read: where it begins in the file, its records, how many are still to come, and from which byte.
    block_at: u64,
    block: Vec<u8>,
    left: u64,
    next: usize,
    packed: Vec<u8>,
    headers: Vec<u8>,
    cut: Option<Cut>,
}

impl<R> std::fmt::Debug for Reader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader(at {})", self.input.at)
    }
}

impl<R: Read> Reader<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// Where this is no recording that can be read.
    pub fn open(input: R) -> Result<Self, ReadError> {
        let mut input = Input { from: BufReader::with_capacity(128 << 10, input), at: 0 };
        let opened = head(&mut input)?;
        Ok(Self {
            input,
            opened,
            unpacker: Unpacker::new()?,
            block_at: 0,
            block: Vec::new(),
            left: 0,
            next: 0,
            packed: Vec::new(),
            headers: Vec::new(),
            cut: None,
        })
    }

    /// What stands before the blocks.
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// Where the file was cut off, once its end is reached.
    pub const fn cut(&self) -> Option<Cut> {
        self.cut
    }

    /// The next record; `None` at the end, also where that is the end of the last whole block of a file that was cut off.
    ///
    /// # Errors
    /// Where the file is damaged, or the system cannot read it.
    #[expect(clippy::should_implement_trait, reason = "a record borrows the reader, which no iterator's item can")]
    pub fn next(&mut self) -> Result<Option<Captured<'_>>, ReadError> {
        while self.left == 0 {
            if !self.load()? {
                return Ok(None);
            }
        }
        let at = self.block_at;
        let damaged = |what| ReadError::Damaged { at, what };
        let mut cursor = Cursor(&self.block[self.next..]);
        let record = cursor.record(&mut self.headers).ok_or_else(|| damaged(NO_RECORD))?;
        self.left -= 1;
        self.next = self.block.len() - cursor.0.len();
        if self.left == 0 && !cursor.0.is_empty() {
            return Err(damaged(LEFT_OVER));
        }
        Ok(Some(record))
    }

    /// Loads the next block; false at the end.
    fn load(&mut self) -> Result<bool, ReadError> {
        let at = self.input.at;
        self.block_at = at;
        let Some(records) = self.input.long_at(at)? else { return Ok(self.end(at)) };
        let Some(length) = self.input.long_at(at)? else { return Ok(self.end(at)) };
        let BlockHead { records, length } = BlockHead::of(records, length, at)?;
        let mut marker = [0; MARKER];
        if !self.input.fill(&mut self.packed, length)? || !self.input.exactly(&mut marker)? {
            return Ok(self.end(at));
        }
        if marker != self.opened.marker {
            return Err(ReadError::Damaged { at, what: NO_MARKER });
        }
        self.unpacker.unpack(&self.packed, &mut self.block).map_err(|what| ReadError::Damaged { at, what })?;
        (self.left, self.next) = (records, 0);
        Ok(true)
    }

    /// Notes how the file ends, whose last whole block ends at `at`.
    fn end(&mut self, at: u64) -> bool {
        let bytes = self.input.at - at;
        self.cut = (bytes > 0).then_some(Cut { at, bytes });
        false
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Leaves out a block that is damaged, or seems to reach beyond the end, and goes on behind the next marker. Returns the bytes that are
    /// left out; nothing where no marker follows, and that is the end.
    ///
    /// # Errors
    /// Where the system cannot read it.
    pub fn leave_out(&mut self) -> io::Result<Option<u64>> {
        let from = self.block_at;
        self.input.from.seek(SeekFrom::Start(from))?;
        (self.input.at, self.left, self.cut) = (from, 0, None);
        let (mut window, mut piece) = (Vec::new(), vec![0; PIECE]);
        loop {
            let read = self.input.from.read(&mut piece)?;
            if read == 0 {
                self.end(from);
                return Ok(None);
            }
            // What may be the beginning of a marker is kept.
            window.drain(..window.len().saturating_sub(MARKER - 1));
            self.input.at += read as u64;
            window.extend_from_slice(&piece[..read]);
            if let Some(found) = window.windows(MARKER).position(|bytes| *bytes == self.opened.marker) {
                self.input.at -= (window.len() - found - MARKER) as u64;
                self.input.from.seek(SeekFrom::Start(self.input.at))?;
                return Ok(Some(self.input.at - from));
            }
        }
    }
}

/// Bytes that are looked through at once.
const PIECE: usize = 64 << 10;

pub(super) const NO_RECORD: &str = "a record is not one";
pub(super) const LEFT_OVER: &str = "bytes are left over after the last record of a block";
pub(super) const NO_MARKER: &str = "the marker behind the block is another one";

/// What a block says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockHead {
    pub(super) records: u64,
    pub(super) length: usize,
}

impl BlockHead {
    pub(super) fn of(records: i64, length: i64, at: u64) -> Result<Self, ReadError> {
        let damaged = |what| ReadError::Damaged { at, what };
        let records = u64::try_from(records).map_err(|_| damaged("a block of fewer than no records"))?;
        let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST);
        Ok(Self { records, length: length.ok_or_else(|| damaged("a block of an impossible length"))? })
    }
}

/// Decompresses blocks, with one context for all of them.
pub(super) struct Unpacker(Decompressor<'static>);

impl Unpacker {
    pub(super) fn new() -> io::Result<Self> {
        Decompressor::new().map(Self)
    }

    pub(super) fn unpack(&mut self, packed: &[u8], block: &mut Vec<u8>) -> Result<(), &'static str> {
        const WHAT: &str = "a block cannot be decompressed";
        let length = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten().ok_or(WHAT)?;
        let length = usize::try_from(length).ok().filter(|length| *length <= LONGEST).ok_or(WHAT)?;
        block.clear();
        block.reserve(length);
        let unpacked = self.0.decompress_to_buffer(packed, block).map_err(|_| WHAT)?;
        if unpacked == length { Ok(()) } else { Err(WHAT) }
    }
}

/// Reads the head of a file from its first byte on.
pub(super) fn head<R: Read>(input: &mut Input<R>) -> Result<Opened, ReadError> {
    let mut magic = [0; MAGIC.len()];
    let whole = input.exactly(&mut magic)?;
    let begun = usize::try_from(input.at).unwrap_or(MAGIC.len()).min(MAGIC.len());
    if magic[..begun] != MAGIC[..begun] {
        return Err(ReadError::NotAvro);
    }
    if !whole {
        return Err(ReadError::NoHead);
    }
    let mut said = HeadMetadata::default();
    loop {
        let mut entries = input.long_of_head()?;
        if entries == 0 {
            break;
        }
        if entries < 0 {
            input.long_of_head()?;
            entries = entries.saturating_neg();
        }
        for _ in 0..entries {
            let name = input.bytes_of_head()?;
            let value = input.bytes_of_head()?;
            said.take(&name, value);
        }
    }
    let mut marker = [0; MARKER];
    if !input.exactly(&mut marker)? {
        return Err(ReadError::NoHead);
    }
    said.opened(input.at, marker)
}

/// What the head says, by its names.
#[derive(Debug, Default)]
struct HeadMetadata {
    schema: Vec<u8>,
    codec: Vec<u8>,
    version: Option<Vec<u8>>,
    head: Vec<u8>,
    ending: Vec<u8>,
}

impl HeadMetadata {
    fn take(&mut self, name: &[u8], value: Vec<u8>) {
        match std::str::from_utf8(name).unwrap_or_default() {
            metadata::SCHEMA => self.schema = value,
            metadata::CODEC => self.codec = value,
            metadata::VERSION => self.version = Some(value),
            metadata::HEAD => self.head = value,
            metadata::ENDING => self.ending = value,
            _ => {}
        }
    }

    fn opened(self, begins: u64, marker: [u8; MARKER]) -> Result<Opened, ReadError> {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let foreign = |why: &str| ReadError::Foreign(why.to_owned());
        let version = self.version.ok_or_else(|| foreign("its head has no loadgen.version"))?;
        if version != VERSION.as_bytes() {
            return Err(ReadError::Version(lossy(&version)));
        }
        if self.codec != CODEC.as_bytes() {
            return Err(ReadError::Codec(if self.codec.is_empty() { "null".to_owned() } else { lossy(&self.codec) }));
        }
        if self.schema != SCHEMA.as_bytes() {
            return Err(foreign("its schema is another one"));
        }
        let head = serde_json::from_slice(&self.head)
            .map_err(|error| ReadError::Foreign(format!("its head says nothing of what was recorded ({error})")))?;
        // A recording that was not ended has nothing there yet, or, where it was killed just then, not all of it.
        let ending = serde_json::from_slice(&self.ending).ok();
        Ok(Opened { head, ending, begins, marker })
    }
}

/// Bytes from a file, counted.
#[derive(Debug)]
pub(super) struct Input<R> {
    pub(super) from: BufReader<R>,
    pub(super) at: u64,
}

impl<R: Read> Input<R> {
    /// Fills `into`; false where the file ends before.
    fn exactly(&mut self, into: &mut [u8]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < into.len() {
            match self.from.read(&mut into[filled..]) {
                Ok(0) => return Ok(false),
                Ok(read) => {
                    filled += read;
                    self.at += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads the next `length` bytes, in place of what `into` has; false where the file ends before. Takes memory for what is there,
    /// not for what is claimed.
    fn fill(&mut self, into: &mut Vec<u8>, length: usize) -> io::Result<bool> {
        into.clear();
        let read = self.from.by_ref().take(length as u64).read_to_end(into)?;
        self.at += read as u64;
        Ok(read == length)
    }

    /// A number; `None` where the file ends before it does. `at` is where its block begins.
    fn long_at(&mut self, at: u64) -> Result<Option<i64>, ReadError> {
        let mut bytes = [0; 10];
        for length in 1..=bytes.len() {
            if !self.exactly(&mut bytes[length - 1..length])? {
                return Ok(None);
            }
            if bytes[length - 1] & 0x80 == 0 {
                return Ok(Cursor(&bytes[..length]).long());
            }
        }
        Err(ReadError::Damaged { at, what: "a number that is longer than numbers are" })
    }

    fn long_of_head(&mut self) -> Result<i64, ReadError> {
        self.long_at(0)?.ok_or(ReadError::NoHead)
    }

    fn bytes_of_head(&mut self) -> Result<Vec<u8>, ReadError> {
        let length = usize::try_from(self.long_of_head()?).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or(ReadError::Damaged { at: 0, what: "a text of an impossible length" })?;
        let mut bytes = Vec::new();
        if self.fill(&mut bytes, length)? { Ok(bytes) } else { Err(ReadError::NoHead) }
    }
}
