//! Conversion between files of rows and recordings of topics, with values replaced on the way where that is asked for.

mod envelope;
mod out;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::anonymise::{AnonymiseError, Anonymiser, BodyError, RecordError, Report};
use crate::capture::Captured;
use crate::capture::format::Head;
use crate::capture::offsets::SeenOffsets;
use crate::capture::read::{ReadError, Reader};
use crate::capture::write::Writer;
use crate::files::fields::Layout;
use crate::files::recording::{self, WriteError, topic_of};
use crate::files::spool::{Spool, SpooledRow, Spooler};
use crate::files::{self, FileError, read};
use crate::input::BadRows;
use crate::kafka::headers::Headers;
use crate::sorting::Place;
pub use out::{Form, Packing, Target};

/// What to convert.
#[derive(Debug)]
pub struct Convert {
    /// The files, and how they are read.
    pub rows: files::Config,
    /// The recordings in their place, which are one: a record that is in two of them is taken once.
    pub recordings: Vec<PathBuf>,
    /// Of a recording's records only the values, each on a line.
    pub values: bool,
    /// What to write.
    pub target: Target,
    /// What is replaced on the way.
    pub anonymiser: Option<Anonymiser>,
    /// The program that writes, and when, for the head of a recording.
    pub tool: String,
    /// RFC 3339.
    pub started_at: String,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Converted {
    /// Records or rows written.
    pub records: u64,
    /// Rows left out.
    pub bad_rows: BadRows,
    /// Rows with a time before that of the row before them, which were sorted.
    pub back: u64,
    /// What anonymising did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymised: Option<Report>,
}

/// Why nothing was converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// Files of rows.
    #[error(transparent)]
    Rows(#[from] FileError),
    /// A recording.
    #[error("{file}: {source}")]
    Recording {
        /// Its name.
        file: String,
        /// Why.
        source: ReadError,
    },
    /// The rules of anonymising.
    #[error(transparent)]
    Anonymise(#[from] AnonymiseError),
    /// A record that cannot be anonymised.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A row that cannot be.
    #[error("{place}: {problem}")]
    Row {
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Forms that do not go together.
    #[error("{0}")]
    Form(String),
    /// What was to be written cannot be.
    #[error("{file} cannot be written: {source}")]
    Unwritable {
        /// Its name.
        file: String,
        /// The system's answer.
        source: io::Error,
    },
}

impl ConvertError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Rows(error) => error.hint(),
            Self::Anonymise(AnonymiseError::NoKey(_)) => {
                Some("--key-file names a file with a key; --create-key makes one there".to_owned())
            }
            Self::Record { .. } => {
                Some("--anonymise names fields of JSON objects; @key is the record's key".to_owned())
            }
            _ => None,
        }
    }
}

impl Convert {
    /// Converts.
    ///
    /// # Errors
    /// Where something cannot be read, replaced or written.
    pub fn run(mut self) -> Result<Converted, ConvertError> {
        let anonymiser = self.anonymiser.take();
        let mut work = Work { convert: &self, anonymiser, done: Converted::default(), body: Vec::new() };
        match (self.recordings.is_empty(), self.target.form) {
            (false, Form::Recording) => work.recording_again()?,
            (false, form) => {
                let spool = work.spool_recordings()?;
                let columns = envelope::NAMES.iter().map(|name| (*name).to_owned()).collect();
                if form == Form::Csv && self.values {
                    return Err(ConvertError::Form("values alone are written as ndjson, not as CSV".to_owned()));
                }
                work.lines(&spool, form, Layout::Flat, columns)?;
            }
            (true, form) => {
                let (spool, layout, columns) = work.spool_rows(form)?;
                match form {
                    Form::Recording => work.record(&spool)?,
                    form => work.lines(&spool, form, layout, columns)?,
                }
            }
        }
        work.done.anonymised = work.anonymiser.as_ref().map(Anonymiser::report);
        Ok(work.done)
    }

    fn spooler(&self) -> Result<Spooler, FileError> {
        let folder = self.rows.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
        let file = self.rows.files.first().or(self.recordings.first()).map(|file| file.display().to_string());
        Spooler::new(self.rows.sort_memory, Place { folder, file: file.unwrap_or_default() })
    }

    fn unwritable(&self, source: io::Error) -> ConvertError {
        ConvertError::Unwritable { file: self.target.name(), source }
    }
}

struct Work<'c> {
    convert: &'c Convert,
    anonymiser: Option<Anonymiser>,
    done: Converted,
    body: Vec<u8>,
}

impl Work<'_> {
    /// Reads rows into the order of time. Nothing that is to be replaced comes onto the disk.
    fn spool_rows(&mut self, form: Form) -> Result<(Spool, Layout, Vec<String>), ConvertError> {
        let convert = self.convert;
        let mut spooler = convert.spooler()?;
        let mut columns = out::Columns::default();
        let (mut layout, mut previous_us) = (Layout::Json, i64::MIN);
        let read = read(&convert.rows, |row| {
            layout = row.layout;
            self.done.back += u64::from(row.at_us < previous_us);
            previous_us = row.at_us;
            let key = row.key.as_deref().map(str::as_bytes);
            let place = || format!("{} line {}", row.file, row.line);
            let key = self.replace(row.layout, key, Some(row.body), &place)?;
            if form == Form::Csv {
                columns.see(&self.body, row.layout).map_err(ConvertError::Form)?;
            }
            let topic = topic_of(row.kind.as_deref());
            let kept = SpooledRow { topic: &topic, key: key.as_deref(), body: &self.body };
            spooler.push(row.at_us, &kept)?;
            Ok::<_, ConvertError>(Ok(()))
        })?;
        self.done.records = read.rows;
        self.done.bad_rows = read.bad;
        Ok((spooler.finish()?, layout, columns.names()))
    }

    /// Reads records of topics into the order of time, in which that of each partition is kept.
    fn spool_recordings(&mut self) -> Result<Spool, ConvertError> {
        let mut spooler = self.convert.spooler()?;
        let mut order = envelope::Order::default();
        self.each_record(|work, record, key, value| {
            let at_us = order.place(record);
            work.body.clear();
            let value = value.unwrap_or_default();
            if work.convert.values {
                if value.contains(&b'\n') || std::str::from_utf8(value).is_err() {
                    let place = format!("{} {} offset {}", record.topic, record.partition, record.offset);
                    let problem = "its value is no line of text".to_owned();
                    return Err(ConvertError::Row { place, problem });
                }
                work.body.extend_from_slice(value);
            } else {
                envelope::push(&mut work.body, &Captured { key, ..*record });
            }
            let body = std::mem::take(&mut work.body);
            let pushed = spooler.push(at_us, &SpooledRow { topic: "", key: None, body: &body });
            work.body = body;
            work.done.records += 1;
            Ok(pushed?)
        })?;
        Ok(spooler.finish()?)
    }

    /// Writes recordings again as one, with values replaced.
    fn recording_again(&mut self) -> Result<(), ConvertError> {
        let convert = self.convert;
        let mut head = Head::default();
        for file in &convert.recordings {
            let opened = open(file)?.opened().head.clone();
            // The last one knows the most: topics get more partitions, not fewer.
            head = Head { topics: head.topics.into_iter().chain(opened.topics.clone()).collect(), ..opened };
        }
        let out = convert.target.create().map_err(|source| convert.unwritable(source))?;
        let marker = xxhash_rust::xxh3::xxh3_128(convert.started_at.as_bytes()).to_le_bytes();
        let mut writer = Writer::begin(out, &head, marker).map_err(|source| convert.unwritable(source))?;
        self.each_record(|work, record, key, value| {
            work.done.records += 1;
            writer.push(&Captured { key, value, ..*record }).map_err(|source| convert.unwritable(source))
        })?;
        writer.finish().map_err(|source| convert.unwritable(source))?;
        Ok(())
    }

    /// Gives each record of the recordings to `take`, with its key and its value as they are to be written.
    fn each_record(
        &mut self,
        mut take: impl FnMut(&mut Self, &Captured<'_>, Option<&[u8]>, Option<&[u8]>) -> Result<(), ConvertError>,
    ) -> Result<(), ConvertError> {
        let (mut seen, mut headers) = (SeenOffsets::default(), Vec::new());
        let convert = self.convert;
        for file in &convert.recordings {
            let mut reader = open(file)?;
            while let Some(record) = reader.next().map_err(|source| unread(file, source))? {
                if !seen.add(&record) {
                    continue;
                }
                let Some(anonymiser) = &mut self.anonymiser else {
                    take(self, &record, record.key, record.value)?;
                    continue;
                };
                let mut body = std::mem::take(&mut self.body);
                let key = anonymiser.record(&record, &mut body, &mut headers)?;
                let replaced = Captured { headers: Headers::packed(&headers), ..record };
                take(self, &replaced, key.as_deref(), record.value.map(|_| body.as_slice()))?;
                self.body = body;
            }
        }
        Ok(())
    }

    /// Leaves `body` as it is to be written, and gives the key.
    fn replace(
        &mut self,
        layout: Layout,
        key: Option<&[u8]>,
        body: Option<&str>,
        place: &dyn Fn() -> String,
    ) -> Result<Option<Vec<u8>>, ConvertError> {
        self.body.clear();
        let body = body.unwrap_or_default();
        let Some(anonymiser) = &mut self.anonymiser else {
            self.body.extend_from_slice(body.as_bytes());
            return Ok(key.map(<[u8]>::to_vec));
        };
        if body.is_empty() || !anonymiser.reads_bodies() {
            self.body.extend_from_slice(body.as_bytes());
        } else {
            anonymiser.body(layout, body, &mut self.body).map_err(|error| match error {
                BodyError::Body(problem) => ConvertError::Row { place: place(), problem: problem.to_string() },
                BodyError::Rules(error) => error.into(),
            })?;
        }
        let key = anonymiser.key(key);
        anonymiser.end_record();
        Ok(key)
    }

    fn record(&self, spool: &Spool) -> Result<(), ConvertError> {
        let convert = self.convert;
        let out = convert.target.create().map_err(|source| convert.unwritable(source))?;
        recording::write(spool, convert.tool.clone(), convert.started_at.clone(), out).map(drop).map_err(|error| {
            match error {
                WriteError::Read(error) => error.into(),
                WriteError::Written(source) => convert.unwritable(source),
            }
        })
    }

    fn lines(&self, spool: &Spool, form: Form, layout: Layout, columns: Vec<String>) -> Result<(), ConvertError> {
        let convert = self.convert;
        let mut out = convert.target.open().map_err(|source| convert.unwritable(source))?;
        let mut lines = out::Lines::new(form, layout, columns);
        lines.head(&mut out).map_err(|source| convert.unwritable(source))?;
        spool.each(|_, row| lines.row(&mut out, row.body).map_err(|source| convert.unwritable(source)))?;
        out.end().map_err(|source| convert.unwritable(source))
    }
}

fn open(file: &Path) -> Result<Reader<File>, ConvertError> {
    File::open(file).map_err(ReadError::from).and_then(Reader::open).map_err(|source| unread(file, source))
}

fn unread(file: &Path, source: ReadError) -> ConvertError {
    ConvertError::Recording { file: file.display().to_string(), source }
}
