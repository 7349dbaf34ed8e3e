//! How the rows of a recording are read: which fields are its clocks, which one drives, which are the key and the type.

use serde::{Deserialize, Serialize};

use super::config::Config;
use super::error::FileError;
use super::fields::{Field, Fields, Layout};
use super::preset::Clock;
use super::problem::RowProblem;
use super::time::{TimeFormat, Times};

/// The most clocks that a file has.
pub(super) const MOST_CLOCKS: usize = 5;

/// Which fields of a row are what. Remembers how times were written.
#[derive(Debug)]
pub(super) struct How {
    layout: Layout,
    fields: Fields,
    clocks: Vec<(Option<Clock>, Times)>,
    keys: Vec<String>,
    kind: Option<String>,
    /// Times of the clocks that do not drive and cannot be read.
    unread: [u64; MOST_CLOCKS],
    is_utc: bool,
    found: Vec<Field>,
}

/// Which fields were read, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldsRead {
    /// The clocks; the first one drives.
    pub clocks: Vec<ClockFacts>,
    /// The fields of which the first one that a row has is its key.
    pub key_fields: Vec<String>,
    /// The field with the type.
    pub type_field: Option<String>,
}

/// A clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockFacts {
    /// Whose it is, where a preset says so.
    pub clock: Option<Clock>,
    /// Its field.
    pub field: String,
    /// How its times are written.
    pub format: String,
    /// Times without an offset that were taken as UTC, where nobody says that they are.
    pub without_offset: u64,
    /// Times that cannot be read, of a clock that does not drive.
    pub unread: u64,
}

/// What a row says, its texts as fields of its body.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowFields {
    /// By the clocks, the driving one first: microseconds since 1970.
    pub(super) clocks: [Option<i64>; MOST_CLOCKS],
    /// The driving one.
    pub(super) at_us: i64,
    pub(super) key: Option<usize>,
    pub(super) kind: Option<usize>,
}

impl How {
    /// What `config` says of files of that layout; `header` are the names of a CSV's columns.
    pub(super) fn new(
        config: &Config,
        layout: Layout,
        file: &str,
        header: Option<&[String]>,
    ) -> Result<Self, FileError> {
        let mut clocks = Vec::new();
        let format = |own: TimeFormat| match &config.time_format {
            TimeFormat::Inferred => own,
            said => said.clone(),
        };
        if let Some(field) = &config.time_field {
            if config.clock.is_some() {
                return Err(FileError::Setting("--clock and --time-field both say which time drives".to_owned()));
            }
            clocks.push((None, Times::new(field.clone(), config.time_format.clone())));
        }
        for (clock, field) in config.preset.iter().flat_map(|preset| preset.clocks()) {
            let own = config.preset.map_or(TimeFormat::Inferred, super::Preset::time_format);
            // What --time-format says is said of the field that --time-field names.
            let format = if config.time_field.is_some() { own } else { format(own) };
            clocks.push((Some(*clock), Times::new((*field).to_owned(), format)));
        }
        drive(&mut clocks, config)?;
        let keys = match config.preset {
            Some(preset) if config.key_fields.is_empty() => preset.keys().iter().map(|key| (*key).to_owned()).collect(),
            _ => config.key_fields.clone(),
        };
        let kind = config.type_field.clone().or_else(|| config.preset.map(|preset| preset.kind().to_owned()));
        let names = clocks.iter().map(|(_, times)| times.field.as_str());
        let names: Vec<&str> = names.chain(keys.iter().map(String::as_str)).chain(kind.as_deref()).collect();
        let fields = Fields::new(layout, names.iter().copied())
            .map_err(|error| FileError::Setting(format!("{file}: {error}")))?;
        if let Some(header) = header {
            let given =
                [("--time-field", config.time_field.as_slice()), ("--type-field", config.type_field.as_slice())];
            let given = given.into_iter().chain([("--key-field", config.key_fields.as_slice())]);
            for (option, fields) in given {
                if let Some(field) = fields.iter().find(|field| !header.contains(field)) {
                    let fields = shown_names(header);
                    return Err(FileError::NoField { file: file.to_owned(), option, field: field.clone(), fields });
                }
            }
        }
        let is_utc = config.preset.is_some_and(super::Preset::is_utc);
        Ok(Self { layout, fields, clocks, keys, kind, unread: [0; MOST_CLOCKS], is_utc, found: Vec::new() })
    }

    pub(super) const fn clocks(&self) -> usize {
        self.clocks.len()
    }

    pub(super) const fn layout(&self) -> Layout {
        self.layout
    }

    /// What `body` says.
    pub(super) fn say(&mut self, body: &str) -> Result<RowFields, RowProblem> {
        self.fields.find(body, &mut self.found)?;
        let mut said = RowFields { clocks: [None; MOST_CLOCKS], at_us: 0, key: None, kind: None };
        let found = std::mem::take(&mut self.found);
        let first = |name: usize| found.iter().position(|field| field.name == name && field.text(body).is_some());
        let (clocks, keys) = (self.clocks.len(), self.keys.len());
        let mut read = Ok(());
        for place in 0..clocks {
            let text = first(place).and_then(|at| found[at].text(body));
            let time = text.map(|text| self.clocks[place].1.read(&text));
            match (place, time) {
                (_, Some(Ok(at_us))) => said.clocks[place] = Some(at_us),
                (0, Some(Err(problem))) => read = Err(problem),
                (0, None) => read = Err(RowProblem::NoTime { field: self.clocks[0].1.field.clone() }),
                (_, Some(Err(_))) => self.unread[place] += 1,
                (_, None) => {}
            }
        }
        said.at_us = said.clocks[0].unwrap_or_default();
        said.key = (clocks..clocks + keys).find_map(first);
        said.kind = self.kind.as_ref().and_then(|_| first(clocks + keys));
        self.found = found;
        read.map(|()| said)
    }

    /// A field that [`How::say`] told of.
    pub(super) fn text<'a>(&self, field: usize, body: &'a str) -> Option<std::borrow::Cow<'a, str>> {
        self.found.get(field).and_then(|field| field.text(body))
    }

    pub(super) fn found(&self) -> FieldsRead {
        let clock = |(place, (clock, times)): (usize, &(Option<Clock>, Times))| ClockFacts {
            clock: *clock,
            field: times.field.clone(),
            format: times.format.to_string(),
            without_offset: if self.is_utc { 0 } else { times.without_offset },
            unread: self.unread[place],
        };
        FieldsRead {
            clocks: self.clocks.iter().enumerate().map(clock).collect(),
            key_fields: self.keys.clone(),
            type_field: self.kind.clone(),
        }
    }
}

/// Puts the clock that drives first.
fn drive(clocks: &mut [(Option<Clock>, Times)], config: &Config) -> Result<(), FileError> {
    let Some(wanted) = config.clock else { return Ok(()) };
    if let Some(place) = clocks.iter().position(|(clock, _)| *clock == Some(wanted)) {
        clocks[..=place].rotate_right(1);
        return Ok(());
    }
    let known: Vec<&str> = clocks.iter().filter_map(|(clock, _)| clock.map(Clock::as_str)).collect();
    let known = match config.preset {
        Some(preset) => format!("--preset {} has {}", preset.as_str(), known.join(", ")),
        None => "clocks are those of a --preset; --time-field names the field of other files".to_owned(),
    };
    Err(FileError::Clock { clock: wanted.as_str(), known })
}

/// Names for a message.
pub(super) fn shown_names(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| crate::input::shown(name.as_bytes())).collect();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
