//! Recordings in a folder, one after the other, each on the disk before anybody says that it is.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp as Time;

use super::Captured;
use super::format::Head;
use super::recorder::{Keep, SETTLE};
use super::write::Writer;
use crate::clock::{self, Clock, Monotonic, Nanos};

/// When a file is ended and another one begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roll {
    /// When it has been written to for so long.
    After(Duration),
    /// When it has so many bytes.
    At(u64),
}

/// A folder of recordings. A file is named by when it was begun, so that names sort, and none is ever written over. It holds no
/// offset of a partition twice: where the log is read again, another file begins. So it does when partitions change hands: files in
/// the order of their names have each partition in the order of its log, whoever wrote them.
#[derive(Debug)]
pub struct Rolling {
    folder: PathBuf,
    name: String,
    roll: Roll,
    head: Head,
    clock: Monotonic,
    open: Option<Open>,
    /// The time in the last name, ms since the Unix epoch.
    named_ms: i64,
    files: u64,
    bytes: u64,
    first: Option<PathBuf>,
    last: Option<PathBuf>,
}

/// The file that is written to.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    writer: Writer<File>,
    since: Nanos,
}

impl Rolling {
    /// Files named after `name` in `folder`, which is made where it is not there.
    ///
    /// # Errors
    /// Where the folder cannot be made, or is none.
    pub fn new(folder: &Path, name: &str, roll: Roll) -> io::Result<Self> {
        let made = folder.ancestors().filter(|at| !at.as_os_str().is_empty() && !at.exists()).count();
        fs::create_dir_all(folder)?;
        folder.ancestors().skip(1).take(made).try_for_each(sync_folder)?;
        let is_fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        Ok(Self {
            folder: folder.to_owned(),
            name: name.chars().map(|c| if is_fit(c) { c } else { '_' }).collect(),
            roll,
            head: Head::default(),
            clock: Monotonic::start(),
            open: None,
            named_ms: 0,
            files: 0,
            bytes: 0,
            first: None,
            last: None,
        })
    }

    /// Files that are begun from now on have this head, but for the time.
    pub fn set_head(&mut self, head: Head) {
        self.head = head;
    }

    /// How many files were begun.
    #[must_use]
    pub const fn files(&self) -> u64 {
        self.files
    }

    /// The first file, and the last one.
    #[must_use]
    pub fn names(&self) -> Option<(&Path, &Path)> {
        self.first.as_deref().zip(self.last.as_deref())
    }

    /// Bytes of all of them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes + self.open.as_ref().map_or(0, |open| open.writer.bytes())
    }

    /// Ends the file that is written to, and returns when it is on the disk.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn end(&mut self) -> io::Result<()> {
        let Some(Open { path, writer, .. }) = self.open.take() else { return Ok(()) };
        self.bytes += writer.bytes();
        let (ending, file) = writer.finish()?;
        file.sync_all()?;
        tracing::info!("{}: {} records", path.display(), ending.records);
        Ok(())
    }

    fn begin(&mut self) -> io::Result<Open> {
        let wall_ms = i64::try_from(clock::wall_unix_ns() / 1_000_000).unwrap_or(i64::MAX);
        self.named_ms = wall_ms.max(self.named_ms + 1);
        let (path, file) = loop {
            let time = Time::from_millisecond(self.named_ms).map_err(io::Error::other)?;
            let path = self.folder.join(format!("{}-{}.avro", self.name, time.strftime("%Y%m%dT%H%M%S.%3fZ")));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                // Another member of the group has begun one in this millisecond.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.named_ms += 1,
                file => break (path, file?),
            }
        };
        let started_at = Time::from_millisecond(wall_ms).map_err(io::Error::other)?.to_string();
        let head = Head { started_at, ..self.head.clone() };
        let told = format!("{} {} {}", clock::wall_unix_ns(), std::process::id(), path.display());
        let marker = xxhash_rust::xxh3::xxh3_128(told.as_bytes()).to_le_bytes();
        let writer = Writer::begin(file, &head, marker)?;
        sync_folder(&self.folder)?;
        self.files += 1;
        self.first.get_or_insert_with(|| path.clone());
        self.last = Some(path.clone());
        Ok(Open { path, writer, since: self.clock.now() })
    }
}

/// Puts the names in a folder on the disk: a file whose name is not there is not there.
fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

impl Keep for Rolling {
    fn take(&mut self, record: &Captured<'_>) -> io::Result<()> {
        if self.open.as_ref().is_some_and(|open| open.writer.is_past(record)) {
            self.end()?;
        }
        if self.open.is_none() {
            self.open = Some(self.begin()?);
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        open.writer.push(record)?;
        if matches!(self.roll, Roll::At(bytes) if open.writer.bytes() >= bytes) {
            self.end()?;
        }
        Ok(())
    }

    /// Returns when all that was taken is on the disk.
    fn settle(&mut self) -> io::Result<()> {
        let Some(open) = &mut self.open else { return Ok(()) };
        if matches!(self.roll, Roll::After(time) if self.clock.now() >= open.since + Nanos::from(time)) {
            return self.end();
        }
        open.writer.sync()
    }

    fn divide(&mut self) -> io::Result<()> {
        self.end()
    }

    fn every(&self) -> Nanos {
        match self.roll {
            Roll::After(time) => SETTLE.min(Nanos::from(time)),
            Roll::At(_) => SETTLE,
        }
    }
}

#[cfg(test)]
mod tests;
