//! Which records of which file, and what becomes of them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::retail_rocket::{Moment, Rounds, optional_duration};
use super::{LoadError, Recorded, RowFacts, Spooled};
use crate::capture::format::TopicHead;
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamping {
    /// A header more.
    #[default]
    Header,
    /// Nothing: it is what was recorded, and no more.
    None,
    /// Of rows: a field more of that name in their JSON.
    Field(Box<str>),
}

impl FromStr for Stamping {
    type Err = String;

    /// `header`, `none` or `field:NAME`.
    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |name: &str| !name.contains(|c: char| c.is_control() || c == '"' || c == '\\');
        match (text, text.strip_prefix("field:")) {
            ("header", _) => Ok(Self::Header),
            ("none", _) => Ok(Self::None),
            (_, Some(name)) if !name.is_empty() && is_plain(name) => Ok(Self::Field(name.into())),
            (_, Some(_)) => {
                Err("the name of the field is missing, or has a quote, a backslash or a control character".to_owned())
            }
            _ => Err("it is header, none, or field:NAME".to_owned()),
        }
    }
}

/// Where the records of a topic come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The id of that topic, where it was told.
    pub id: Option<String>,
    /// That of its cluster.
    pub cluster: Option<String>,
}

impl Origin {
    /// Whether a topic of the same name, with that id, on that cluster, is the same one; where ids are not known, by the cluster alone.
    #[must_use]
    pub fn is(&self, id: Option<&String>, cluster: Option<&String>) -> bool {
        match (&self.id, id) {
            (Some(own), Some(id)) => own == id,
            _ => self.cluster.is_some() && self.cluster.as_ref() == cluster,
        }
    }
}

impl Origin {
    /// Whether ids tell that it is not the topic with that id.
    fn is_another_than(&self, id: Option<&String>) -> bool {
        self.id.as_ref().zip(id).is_some_and(|(own, id)| own != id)
    }
}

impl From<&TopicHead> for Origin {
    fn from(head: &TopicHead) -> Self {
        Self { id: head.id.clone(), cluster: head.cluster.clone() }
    }
}

/// Where the records of each topic come from, by its name.
pub type Origins = BTreeMap<String, Origin>;

/// The `[source]` table of a replayed recording. Speed and rate are not here: they belong to the schedule.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The recording. Written `file` in scenarios.
    #[serde(rename = "file", skip_serializing_if = "is_none")]
    pub path: PathBuf,
    /// Further ones that are one recording with it.
    #[serde(rename = "and", skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<PathBuf>,
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
    /// The topics of which nobody said that their records may go into the same ones again.
    #[serde(skip)]
    pub origins: Origins,
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
        (self.topics, self.origins) = Default::default();
        for head in Recorded::heads(self)? {
            for (topic, head) in head.topics {
                let known = self.origins.insert(topic.clone(), (&head).into());
                if known.is_some_and(|known| known.is_another_than(head.id.as_ref())) {
                    return Err(FileError::Setting(format!(
                        "{}: two topics of the name \"{topic}\" were recorded in these files: play them one after the other",
                        self.file()
                    ))
                    .into());
                }
                let partitions = self.topics.entry(topic).or_default();
                *partitions = head.partitions.max(*partitions);
            }
        }
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
            (None, None) if matches!(self.stamp, Stamping::Field(_)) => {
                "--stamp field:NAME is for rows: a recording of topics is sent as it is, with a header more or with none"
            }
            (Some(_), Some(_)) if matches!(self.stamp, Stamping::Field(_)) => {
                "--stamp field:NAME does not go with declared types: each type says which of its fields is the id"
            }
            (None, Some(_)) => "types are declared for rows, and a recording of topics is sent as it is",
            _ => return Ok(()),
        };
        Err(FileError::Setting(problem.to_owned()))
    }

    /// The names of its files.
    pub(super) fn names(&self) -> Vec<PathBuf> {
        [&self.path].into_iter().chain(&self.further).cloned().collect()
    }

    /// Its files; of an error it says which one's it is.
    pub(super) fn open(&self) -> Result<Vec<File>, (usize, std::io::Error)> {
        if let Some(spooled) = &self.spooled {
            return spooled.file().map(|file| vec![file]).map_err(|error| (0, error));
        }
        let names = self.names();
        names.iter().enumerate().map(|(at, name)| File::open(name).map_err(|error| (at, error))).collect()
    }

    /// What reading the rows found out, where it is made of rows.
    #[must_use]
    pub fn rows(&self) -> Option<&RowFacts> {
        self.spooled.as_ref().map(Spooled::facts)
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn file(&self) -> String {
        let named = || match self.further.len() {
            0 => self.path.display().to_string(),
            more => format!("{} and {more} more", self.path.display()),
        };
        self.rows.as_ref().map_or_else(named, files::Config::name)
    }

    /// The name of one of its files, for messages.
    pub(super) fn file_at(&self, at: usize) -> String {
        match (&self.rows, self.names().get(at)) {
            (None, Some(path)) => path.display().to_string(),
            _ => self.file(),
        }
    }

    /// The same without its folder.
    #[must_use]
    pub fn title(&self) -> String {
        let file = self.file();
        file.rsplit('/').next().map_or_else(String::new, ToOwned::to_owned)
    }
}
