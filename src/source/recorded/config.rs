//! Which records of which file, and what becomes of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::retail_rocket::{Moment, Rounds, optional_duration};
use super::{LoadError, Recorded, RowFacts, Spooled};
use crate::files::{self, FileError};
use crate::source::own;

/// Where a record goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placing {
    /// Into the partition that it was recorded from.
    #[default]
    Keep,
    /// Into that of its key, as Java's client has it.
    Key,
}

/// Which `CreateTime` a record gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CreateTime {
    /// The time at which it is sent.
    #[default]
    Now,
    /// The recorded one.
    Recorded,
}

/// What tells a record of the run from others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamping {
    /// A header more.
    #[default]
    Header,
    /// Nothing: it is what was recorded, and no more.
    None,
}

/// The `[source]` table of a replayed recording. Speed and rate are not here: they belong to the schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The recording. Written `file` in scenarios.
    #[serde(rename = "file", skip_serializing_if = "is_none")]
    pub path: PathBuf,
    /// Only records of this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Moment>,
    /// Only records before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Moment>,
    /// An idle gap longer than this is played as this long.
    #[serde(with = "optional_duration", skip_serializing_if = "Option::is_none")]
    pub max_gap: Option<Duration>,
    /// How often it is played.
    #[serde(rename = "loop")]
    pub rounds: Rounds,
    /// Where records go.
    pub partition: Placing,
    /// Which `CreateTime` they get.
    pub create_time: CreateTime,
    /// What tells them from others.
    pub stamp: Stamping,
    /// The topics that it has with their partitions, once its head was read.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub topics: BTreeMap<String, i32>,
    /// The ids of topics of which nobody said that their records may go into the same ones again.
    #[serde(skip)]
    pub origins: BTreeMap<String, String>,
    /// The files of rows that are the recording, in the place of `path`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<files::Config>,
    /// The types that these are events of; without them rows are sent as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<Box<own::Config>>,
    /// Fields of events, and where they come from in rows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
    /// What these came to, once they were read.
    #[serde(skip)]
    pub spooled: Option<Spooled>,
}

fn is_none(path: &std::path::Path) -> bool {
    path.as_os_str().is_empty()
}

impl Config {
    /// A recording of these rows.
    #[must_use]
    pub fn of_rows(rows: files::Config) -> Self {
        Self { rows: Some(rows), ..Self::default() }
    }

    /// Reads the head of the file: which topics it has. Files of rows are read whole and sorted.
    ///
    /// # Errors
    /// Where it is no recording, and where rows cannot be used.
    pub fn load(&mut self) -> Result<(), LoadError> {
        self.check()?;
        self.spooled = self.rows.as_ref().map(|rows| Spooled::make(rows, self)).transpose()?;
        let head = Recorded::head(self)?;
        self.topics = head.topics.iter().map(|(topic, head)| (topic.clone(), head.partitions)).collect();
        self.origins = head.topics.into_iter().filter_map(|(topic, head)| Some((topic, head.id?))).collect();
        Ok(())
    }

    /// What does not go together.
    fn check(&self) -> Result<(), FileError> {
        let problem = match (&self.rows, &self.declared) {
            (_, None) if !self.map.is_empty() => {
                "--map needs the types that rows become events of: --events FILE.toml or --schema FILE"
            }
            (Some(rows), Some(_)) if !rows.key_fields.is_empty() => {
                "--key-field does not go with declared types: each type says which of its fields is the key"
            }
            (None, Some(_)) => "types are declared for rows, and a recording of topics is sent as it is",
            _ => return Ok(()),
        };
        Err(FileError::Setting(problem.to_owned()))
    }

    /// Its file.
    pub(super) fn open(&self) -> std::io::Result<File> {
        match &self.spooled {
            Some(spooled) => spooled.file(),
            None => File::open(&self.path),
        }
    }

    /// What reading the rows found out, where it is made of rows.
    #[must_use]
    pub fn rows(&self) -> Option<&RowFacts> {
        self.spooled.as_ref().map(Spooled::facts)
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn file(&self) -> String {
        self.rows.as_ref().map_or_else(|| self.path.display().to_string(), files::Config::name)
    }

    /// The same without its folder.
    #[must_use]
    pub fn title(&self) -> String {
        let file = self.file();
        file.rsplit('/').next().map_or_else(String::new, ToOwned::to_owned)
    }
}
