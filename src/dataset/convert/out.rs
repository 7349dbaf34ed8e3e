//! What is written: where, in which form, packed how.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use flate2::write::GzEncoder;

use crate::files::fields::{Field, Fields, Layout, names};

/// Columns that a CSV may have.
const MOST_COLUMNS: usize = 1_000;

/// A form of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A recording of topics.
    Recording,
    /// A JSON object on each line; what is none as it is.
    Ndjson,
    /// Rows below a header.
    Csv,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

/// Where something is written, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The file; `None`: standard output.
    pub file: Option<PathBuf>,
    /// Its form.
    pub form: Form,
    /// How it is compressed.
    pub packing: Packing,
    /// Whether one that is there is replaced.
    pub force: bool,
}

impl Target {
    /// By the end of a file's name; `None` where that says nothing.
    #[must_use]
    pub fn of(file: PathBuf, force: bool) -> Option<Self> {
        if file.as_os_str() == "-" {
            return Some(Self { file: None, form: Form::Ndjson, packing: Packing::None, force });
        }
        let name = file.file_name()?.to_string_lossy().to_ascii_lowercase();
        let (name, packing) = match name.rsplit_once('.') {
            Some((name, "gz")) => (name.to_owned(), Packing::Gzip),
            Some((name, "zst")) => (name.to_owned(), Packing::Zstd),
            _ => (name, Packing::None),
        };
        let form = match name.rsplit_once('.')?.1 {
            "avro" if packing == Packing::None => Form::Recording,
            "ndjson" | "jsonl" | "json" => Form::Ndjson,
            "csv" => Form::Csv,
            _ => return None,
        };
        Some(Self { file: Some(file), form, packing, force })
    }

    pub(super) fn name(&self) -> String {
        self.file.as_ref().map_or_else(|| "stdout".to_owned(), |file| file.display().to_string())
    }

    /// Makes the file.
    pub(super) fn create(&self) -> io::Result<File> {
        let file = self.file.as_ref().ok_or_else(|| io::Error::other("a recording is written into a file"))?;
        let mut how = OpenOptions::new();
        how.write(true);
        if self.force { how.create(true).truncate(true) } else { how.create_new(true) }.open(file)
    }

    /// Makes the file for text.
    pub(super) fn open(&self) -> io::Result<Out> {
        if self.file.is_none() {
            return Ok(Out::Plain(Box::new(BufWriter::new(io::stdout()))));
        }
        let file = BufWriter::new(self.create()?);
        Ok(match self.packing {
            Packing::None => Out::Plain(Box::new(file)),
            Packing::Gzip => Out::Gzip(Box::new(GzEncoder::new(file, flate2::Compression::default()))),
            Packing::Zstd => Out::Zstd(Box::new(zstd::Encoder::new(file, 0)?)),
        })
    }
}

/// A file of text being written.
pub(super) enum Out {
    Plain(Box<dyn Write>),
    Gzip(Box<GzEncoder<BufWriter<File>>>),
    Zstd(Box<zstd::Encoder<'static, BufWriter<File>>>),
}

impl Out {
    pub(super) fn end(self) -> io::Result<()> {
        match self {
            Self::Plain(mut out) => out.flush(),
            Self::Gzip(out) => out.finish()?.flush(),
            Self::Zstd(out) => out.finish()?.flush(),
        }
    }
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Gzip(out) => out.write(bytes),
            Self::Zstd(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Gzip(out) => out.flush(),
            Self::Zstd(out) => out.flush(),
        }
    }
}

/// The columns that bodies have, in the order in which they first came.
#[derive(Debug, Default)]
pub(super) struct Columns {
    places: HashMap<String, usize>,
    is_fixed: bool,
}

impl Columns {
    /// Takes the names of a body's fields.
    pub(super) fn see(&mut self, body: &[u8], layout: Layout) -> Result<(), String> {
        if self.is_fixed {
            return Ok(());
        }
        for name in names(std::str::from_utf8(body).unwrap_or_default(), layout, usize::MAX) {
            let place = self.places.len();
            self.places.entry(name).or_insert(place);
        }
        self.is_fixed = !matches!(layout, Layout::Json);
        if self.places.len() > MOST_COLUMNS {
            return Err(format!("the rows have more than {MOST_COLUMNS} fields, too many for the columns of a CSV"));
        }
        Ok(())
    }

    pub(super) fn names(self) -> Vec<String> {
        let mut names: Vec<_> = self.places.into_iter().collect();
        names.sort_unstable_by_key(|(_, place)| *place);
        names.into_iter().map(|(name, _)| name).collect()
    }
}

/// Writes bodies as lines or as rows.
pub(super) struct Lines {
    form: Form,
    layout: Layout,
    columns: Vec<String>,
    fields: Option<Fields>,
    found: Vec<Field>,
    cells: Vec<String>,
}

impl Lines {
    /// Of bodies of that layout, which have these columns.
    pub(super) fn new(form: Form, layout: Layout, columns: Vec<String>) -> Self {
        // A column is a field at the top, also where its name has a dot in it.
        let flat = if layout == Layout::Json { Layout::Flat } else { layout };
        let named = match layout {
            Layout::Json | Layout::Flat => columns,
            Layout::Snowplow | Layout::AccessLog => names("", layout, usize::MAX),
        };
        let fields = Fields::new(flat, named.iter().map(String::as_str)).ok();
        Self { form, layout, columns: named, fields, found: Vec::new(), cells: Vec::new() }
    }

    /// Writes what stands before the rows.
    pub(super) fn head(&mut self, out: &mut impl Write) -> io::Result<()> {
        if self.form == Form::Csv { row(out, &self.columns) } else { Ok(()) }
    }

    /// Writes a body.
    pub(super) fn row(&mut self, out: &mut impl Write, body: &[u8]) -> io::Result<()> {
        let is_object = matches!(self.layout, Layout::Json | Layout::Flat);
        if self.form != Form::Csv && is_object {
            out.write_all(body)?;
            return out.write_all(b"\n");
        }
        let text = std::str::from_utf8(body).map_err(io::Error::other)?;
        if let Some(fields) = &self.fields {
            fields.find(text, &mut self.found).map_err(io::Error::other)?;
        }
        self.cells.clear();
        self.cells.resize(self.columns.len(), String::new());
        for field in &self.found {
            if let (Some(cell), Some(value)) = (self.cells.get_mut(field.name), field.text(text)) {
                *cell = value.into_owned();
            }
        }
        if self.form == Form::Csv {
            return row(out, &self.cells);
        }
        let cells = self.columns.iter().zip(&self.cells).filter(|(_, cell)| !cell.is_empty());
        let object: serde_json::Map<String, serde_json::Value> =
            cells.map(|(name, cell)| (name.clone(), cell.as_str().into())).collect();
        writeln!(out, "{}", serde_json::Value::Object(object))
    }
}

/// Writes a row of a CSV (RFC 4180).
fn row(out: &mut impl Write, cells: &[String]) -> io::Result<()> {
    for (place, cell) in cells.iter().enumerate() {
        if place > 0 {
            out.write_all(b",")?;
        }
        // A lone empty cell would be a blank line.
        if cell.contains([',', '"', '\n', '\r']) || cells.len() == 1 {
            write!(out, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            out.write_all(cell.as_bytes())?;
        }
    }
    out.write_all(b"\n")
}
