//! Reads files of events row by row: a body of each, with its times, its key and its type.

use std::borrow::Cow;
use std::path::Path;

use csv::ByteRecord;

use super::config::{Config, FileFormat, Kind, files, recognise};
use super::error::FileError;
use super::fields::{Layout, names};
use super::how::{FieldsRead, How, shown_names};
use super::preset::Preset;
use super::problem::RowProblem;
use super::time::{TimeFormat, Times};
use crate::input::lines::{LineExtent, Lines};
use crate::input::table::Table;
use crate::input::{BadRowPolicy, BadRows, Encoding, Input, UNKNOWN_TYPE};

/// A row.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// The file, as the user named it.
    pub file: &'a str,
    /// Its line in it, from 1.
    pub line: u64,
    /// When it happened, by the clock that drives: microseconds since 1970.
    pub at_us: i64,
    /// The same by all clocks, the driving one first.
    pub clocks: &'a [Option<i64>],
    /// Its key.
    pub key: Option<Cow<'a, str>>,
    /// Its type.
    pub kind: Option<Cow<'a, str>>,
    /// All of it: a line as it is, a row of a CSV as a JSON object of texts.
    pub body: &'a str,
    /// How its fields lie in it.
    pub layout: Layout,
}

/// What reading found out.
#[derive(Clone, Debug, Default)]
pub struct Read {
    /// The files, in the order in which they were read, with their lengths.
    pub files: Vec<(String, Option<u64>)>,
    /// How the bytes of the first one are wrapped.
    pub encoding: Encoding,
    /// What they are.
    pub format: Option<FileFormat>,
    /// Rows that can be used.
    pub rows: u64,
    /// Rows left out.
    pub bad: BadRows,
    /// Which fields were read, and how.
    pub found: Option<FieldsRead>,
}

/// What becomes of a row: taken, bad after all, or the end of the reading.
pub type Took<E> = Result<Result<(), RowProblem>, E>;

/// Gives each good row of the files to `take`, in the order of the files and of their rows. What `take` finds wrong with one makes it
/// a bad one.
///
/// # Errors
/// Where a file, one of its rows or a setting cannot be used, and what `take` refuses.
pub fn read<E: From<FileError>>(config: &Config, take: impl FnMut(&Row<'_>) -> Took<E>) -> Result<Read, E> {
    let mut reading = Reading { config, how: None, result: Read::default(), first_bad: None, has_key: false, take };
    let files = files(&config.files)?;
    if files.is_empty() {
        return Err(FileError::Input(crate::input::InputError::NoFile).into());
    }
    for file in &files {
        reading.file(file)?;
    }
    reading.end()
}

struct Reading<'c, T> {
    config: &'c Config,
    how: Option<How>,
    result: Read,
    first_bad: Option<(String, u64, RowProblem)>,
    has_key: bool,
    take: T,
}

impl<E: From<FileError>, T: FnMut(&Row<'_>) -> Took<E>> Reading<'_, T> {
    fn file(&mut self, path: &Path) -> Result<(), E> {
        let input = Input::open(path).map_err(FileError::from)?;
        let mut text = Text::open(self.config, input)?;
        let header = text.header();
        if self.how.as_ref().is_some_and(|how| how.layout() != text.layout()) {
            let file = text.name();
            return Err(
                FileError::Setting(format!("{file} is written in another format than the files before it")).into()
            );
        }
        if self.how.is_none() || header.is_some() {
            let how = self.how(&text, header.as_deref())?;
            // A header may have its columns in another order; what times look like was seen before.
            self.how.get_or_insert(how);
        }
        self.result.format.get_or_insert(text.format());
        self.result.files.push((text.name().to_owned(), text.bytes()));
        let mut body = Vec::new();
        loop {
            let row = match text.next(&mut body)? {
                None => break,
                Some(Ok(())) => std::str::from_utf8(&body).map_err(|_| RowProblem::NotUtf8),
                Some(Err(problem)) => Err(problem),
            };
            match row {
                Ok(body) => self.row(&text, body)?,
                Err(problem) => self.bad(&text, problem)?,
            }
        }
        let encoding = text.end()?;
        if self.result.files.len() == 1 {
            self.result.encoding = encoding;
        }
        Ok(())
    }

    fn how(&self, text: &Text, header: Option<&[String]>) -> Result<How, FileError> {
        let config = self.config;
        if config.time_field.is_none() && config.preset.is_none() {
            return Err(text.no_time_field(header));
        }
        let names = header.unwrap_or_default();
        if let Some((_, column)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return Err(FileError::HeaderTwice { file: text.name().to_owned(), column: column.clone() });
        }
        How::new(config, text.layout(), text.name(), header)
    }

    fn row(&mut self, text: &Text, body: &str) -> Result<(), E> {
        let Some(how) = &mut self.how else { return Ok(()) };
        let said = match how.say(body) {
            Ok(said) => said,
            Err(problem) => return self.bad(text, problem),
        };
        let how: &How = how;
        let of = |field: Option<usize>| field.and_then(|field| how.text(field, body));
        let clocks = how.clocks();
        let row = Row {
            file: text.name(),
            line: text.line(),
            at_us: said.at_us,
            clocks: &said.clocks[..clocks],
            key: of(said.key),
            kind: of(said.kind),
            body,
            layout: how.layout(),
        };
        let has_key = row.key.is_some();
        if let Err(problem) = (self.take)(&row)? {
            return self.bad(text, problem);
        }
        self.result.rows += 1;
        self.has_key |= has_key;
        Ok(())
    }

    fn bad(&mut self, text: &Text, problem: RowProblem) -> Result<(), E> {
        let (file, line) = (text.name().to_owned(), text.line());
        if self.config.bad_rows == BadRowPolicy::Fail {
            return Err(FileError::Row { file, line, problem }.into());
        }
        self.result.bad.add(line, 1, problem.reason(), UNKNOWN_TYPE, &problem);
        self.first_bad.get_or_insert((file, line, problem));
        Ok(())
    }

    fn end(mut self) -> Result<Read, E> {
        let files: Vec<&str> = self.result.files.iter().map(|(file, _)| file.as_str()).collect();
        if self.result.rows == 0 {
            return Err(match self.first_bad {
                Some((file, line, problem)) => {
                    FileError::AllBad { file, rows: self.result.bad.count, line, problem }.into()
                }
                None => FileError::NoRows { file: files.join(", ") }.into(),
            });
        }
        if !self.has_key && !self.config.key_fields.is_empty() {
            return Err(FileError::NoKey { fields: self.config.key_fields.join(" or ") }.into());
        }
        self.result.found = self.how.as_ref().map(How::found);
        Ok(self.result)
    }
}

/// A file as bodies.
enum Text {
    Lines(Lines, Layout, Vec<u8>),
    Csv { table: Table, record: ByteRecord, head: Vec<u8> },
}

impl Text {
    fn open(config: &Config, input: Input) -> Result<Self, FileError> {
        let preset = config.preset.map(Preset::layout);
        let format = match (config.format, preset) {
            (Some(FileFormat::Csv), Some(Layout::Snowplow | Layout::AccessLog)) => {
                let preset = config.preset.map_or("", Preset::as_str);
                return Err(FileError::Setting(format!("--preset {preset} is no CSV: leave --file-format out")));
            }
            (Some(format), _) => format,
            (None, Some(Layout::Snowplow | Layout::AccessLog)) => FileFormat::Ndjson,
            (None, _) => match recognise(&input) {
                Kind::Rows(format) => format,
                // Retail Rocket's file is a CSV, too.
                Kind::RetailRocket => FileFormat::Csv,
                Kind::Recording => return Err(FileError::Recording { file: input.name }),
            },
        };
        let head = input.head.clone();
        if format == FileFormat::Ndjson {
            return Ok(Self::Lines(Lines::new(input), preset.unwrap_or(Layout::Json), head));
        }
        let delimiter = delimiter(&input.head);
        let table = Table::open(input, delimiter)?;
        Ok(Self::Csv { table, record: ByteRecord::new(), head })
    }

    const fn layout(&self) -> Layout {
        match self {
            Self::Lines(_, layout, _) => *layout,
            Self::Csv { .. } => Layout::Flat,
        }
    }

    const fn format(&self) -> FileFormat {
        match self {
            Self::Lines(..) => FileFormat::Ndjson,
            Self::Csv { .. } => FileFormat::Csv,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Lines(lines, ..) => &lines.name,
            Self::Csv { table, .. } => &table.name,
        }
    }

    fn bytes(&self) -> Option<u64> {
        match self {
            Self::Lines(lines, ..) => lines.bytes(),
            Self::Csv { table, .. } => table.bytes(),
        }
    }

    /// The line of the row that was read last.
    const fn line(&self) -> u64 {
        match self {
            Self::Lines(lines, ..) => lines.line(),
            Self::Csv { table, .. } => table.line(),
        }
    }

    /// The names of a CSV's columns.
    fn header(&self) -> Option<Vec<String>> {
        let Self::Csv { table, .. } = self else { return None };
        Some(table.header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect())
    }

    /// Makes a body of the next row; `None` at the end of the file.
    fn next(&mut self, body: &mut Vec<u8>) -> Result<Option<Result<(), RowProblem>>, FileError> {
        match self {
            Self::Lines(lines, ..) => Ok(lines.next(body)?.map(|taken| match taken {
                LineExtent::Whole => Ok(()),
                LineExtent::TooLong => Err(RowProblem::TooLong),
            })),
            Self::Csv { table, record, .. } => {
                if !table.next(record)? {
                    return Ok(None);
                }
                Ok(Some(
                    table.check(record).map_err(RowProblem::Shape).and_then(|()| object(&table.header, record, body)),
                ))
            }
        }
    }

    fn end(&self) -> Result<Encoding, FileError> {
        Ok(match self {
            Self::Lines(lines, ..) => lines.end()?,
            Self::Csv { table, .. } => table.end()?,
        })
    }

    /// That nobody said which field has the times, with what helps to say it.
    fn no_time_field(&self, header: Option<&[String]>) -> FileError {
        let (Self::Lines(_, _, head) | Self::Csv { head, .. }) = self;
        let head = String::from_utf8_lossy(head);
        let mut lines = head.trim_start_matches('\u{feff}').lines().filter(|line| !line.trim().is_empty());
        let first = lines.next().unwrap_or_default();
        let has = |name: &str| header.is_none() && first.contains(&format!("\"{name}\""));
        let preset = preset_of(first, has);
        let names = header.map_or_else(|| names(first, Layout::Json, 100), <[String]>::to_vec);
        let mut candidates: Vec<String> = Vec::new();
        if header.is_none() {
            let values: serde_json::Map<String, serde_json::Value> = serde_json::from_str(first).unwrap_or_default();
            let is_time = |value: &serde_json::Value| {
                let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                Times::new(String::new(), TimeFormat::Inferred).read(&text).is_ok()
            };
            candidates.extend(values.iter().filter(|(_, value)| is_time(value)).map(|(name, _)| name.clone()));
        }
        let fields = if names.is_empty() { "none that can be seen".to_owned() } else { shown_names(&names) };
        FileError::NoTimeField { file: self.name().to_owned(), fields, candidates, preset }
    }
}

/// The program that seems to have written a line, which has such fields.
fn preset_of(line: &str, has: impl Fn(&str) -> bool) -> Option<&'static str> {
    let is_segment = has("messageId") && (has("anonymousId") || has("userId"));
    let looks = [
        ("cloudevents", has("specversion")),
        ("segment", is_segment),
        ("snowplow", line.split('\t').count() == super::SNOWPLOW_COLUMNS.len()),
        ("access-log", super::access_log::parse(line).is_ok()),
    ];
    looks.into_iter().find(|(_, holds)| *holds).map(|(preset, _)| preset)
}

/// A row as an object of texts.
fn object(header: &ByteRecord, record: &ByteRecord, body: &mut Vec<u8>) -> Result<(), RowProblem> {
    body.clear();
    for (name, value) in header.iter().zip(record) {
        let value = std::str::from_utf8(value).map_err(|_| RowProblem::NotUtf8)?;
        body.push(if body.is_empty() { b'{' } else { b',' });
        push_text(body, String::from_utf8_lossy(name).trim());
        body.push(b':');
        push_text(body, value);
    }
    body.push(b'}');
    Ok(())
}

fn push_text(body: &mut Vec<u8>, text: &str) {
    // Texts and vectors of bytes take whatever they are given.
    if serde_json::to_writer(&mut *body, text).is_err() {
        body.extend_from_slice(b"\"\"");
    }
}

/// What separates the columns of a header: what is most often there, a comma where nothing is.
fn delimiter(head: &[u8]) -> u8 {
    let line = head.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let count = |delimiter: &u8| line.split(|byte| byte == delimiter).count() - 1;
    let found = [b'|', b'\t', b';', b','].into_iter().max_by_key(count);
    found.filter(|found| count(found) > 0).unwrap_or(b',')
}

#[cfg(test)]
mod tests;
