//! What to read, and how the user says its fields are called.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::FileError;
use super::preset::{Clock, Preset};
use super::time::TimeFormat;
use crate::input::{BadRowPolicy, Input};

/// A recording of files of events: the `[source.rows]` of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The files, which together are one recording in the order of time.
    pub files: Vec<PathBuf>,
    /// What they are; by their content where not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<FileFormat>,
    /// The program that wrote them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Which of a preset's clocks drives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
    /// The field that drives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_field: Option<String>,
    /// How times are written.
    #[serde(skip_serializing_if = "TimeFormat::is_told")]
    pub time_format: TimeFormat,
    /// The fields of which the first one that a row has is its key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_fields: Vec<String>,
    /// The field with the type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_field: Option<String>,
    /// What to do with a row that cannot be used.
    pub bad_rows: BadRowPolicy,
    /// Bytes that sorting may take before it spills to `temp_dir`.
    #[serde(with = "crate::units::size_text")]
    pub sort_memory: u64,
    /// Where more than that is sorted; the system's folder for temporary files if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temp_dir: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            format: None,
            preset: None,
            clock: None,
            time_field: None,
            time_format: TimeFormat::Inferred,
            key_fields: Vec::new(),
            type_field: None,
            bad_rows: BadRowPolicy::Fail,
            sort_memory: 1 << 30,
            temp_dir: None,
        }
    }
}

impl Config {
    /// What messages call all of the files.
    #[must_use]
    pub fn name(&self) -> String {
        let first = self.files.first().map_or_else(String::new, |file| file.display().to_string());
        match self.files.len() {
            0 | 1 => first,
            more => format!("{first} and {} more", more - 1),
        }
    }
}

/// A format of events in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// A JSON object on each line.
    Ndjson,
    /// Rows of fields below a header, separated by commas, semicolons, tabs or bars.
    Csv,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Events in rows.
    Rows(FileFormat),
    /// Retail Rocket's `events.csv`.
    RetailRocket,
    /// A recording of topics.
    Recording,
}

/// What `input` is by its first bytes.
#[must_use]
pub fn recognise(input: &Input) -> Kind {
    const RETAIL_ROCKET: [&str; 5] = ["timestamp", "visitorid", "event", "itemid", "transactionid"];
    if input.is_avro() {
        return Kind::Recording;
    }
    if input.is_json() {
        return Kind::Rows(FileFormat::Ndjson);
    }
    let head = String::from_utf8_lossy(&input.head);
    let first = head.trim_start_matches('\u{feff}').lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let names: Vec<String> = first.split(',').map(|name| name.trim().trim_matches('"').to_ascii_lowercase()).collect();
    if RETAIL_ROCKET.iter().all(|column| names.iter().any(|name| name == column)) {
        Kind::RetailRocket
    } else {
        Kind::Rows(FileFormat::Csv)
    }
}

/// The files that `given` names; one with a `*`, `?` or `[` in it that is no file itself stands for those that it fits, in the order of
/// their names.
///
/// # Errors
/// Where a pattern is none, or fits no file.
pub fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    for path in given {
        let text = path.to_string_lossy();
        if !text.contains(['*', '?', '[']) || path.exists() {
            files.push(path.clone());
            continue;
        }
        let pattern = |problem: String| FileError::Pattern { pattern: text.to_string(), problem };
        let found = glob::glob(&text).map_err(|error| pattern(error.msg.to_owned()))?;
        let before = files.len();
        for file in found {
            files.push(file.map_err(|error| pattern(error.to_string()))?);
        }
        if files.len() == before {
            return Err(pattern("fits no file".to_owned()));
        }
    }
    let is_twice = |(at, path): &(usize, &PathBuf)| path.as_path() != Path::new("-") && files[..*at].contains(path);
    if let Some((_, path)) = files.iter().enumerate().find(is_twice) {
        return Err(FileError::Twice { file: path.display().to_string() });
    }
    Ok(files)
}
