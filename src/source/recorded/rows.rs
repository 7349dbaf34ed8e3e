//! Files of rows, as the recording that they are: in the order of time, with a topic for each type.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::mapping::{Mapped, Mapping};
use super::{Config, LoadError, Stamping};
use crate::files::fields::Layout;
use crate::files::recording::{self, WriteError, topic_of};
use crate::files::spool::{SpooledRow, Spooler};
use crate::files::{self, FieldsRead, FileError, Row, RowProblem};
use crate::input::BadRows;
use crate::sorting::Place;

/// A recording that was made of rows. Its file has no name, and is gone with the process.
#[derive(Clone, Debug)]
pub struct Spooled(Arc<SpoolFile>);

#[derive(Debug)]
struct SpoolFile {
    file: File,
    facts: RowFacts,
}

/// What reading the rows found out.
#[derive(Clone, Debug, Default)]
pub struct RowFacts {
    /// Rows left out.
    pub bad: BadRows,
    /// Rows with a time before that of the row before them.
    pub back: u64,
    /// Which fields were read, and how.
    pub found: Option<FieldsRead>,
}

/// Two are the same where they are one.
impl PartialEq for Spooled {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Spooled {
    pub(super) fn make(rows: &files::Config, config: &Config) -> Result<Self, LoadError> {
        let is_typed = rows.type_field.is_some();
        let declared = config.declared.as_deref();
        let mut mapping = declared.map(|declared| Mapping::new(declared, &config.map, is_typed)).transpose()?;
        let folder = rows.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
        let place = Place { folder, file: rows.name() };
        let file = tempfile::tempfile_in(&place.folder).map_err(|source| FileError::from(place.failed(0, source)))?;
        let mut spooler = Spooler::new(rows.sort_memory, place.clone())?;
        let (mut back, mut previous_us) = (0, i64::MIN);
        let read = files::read(rows, |row| {
            back += u64::from(row.at_us < previous_us);
            previous_us = row.at_us;
            if let Some(mapping) = &mut mapping {
                let Mapped { kind, key, body } = match mapping.event(row)? {
                    Ok(mapped) => mapped,
                    Err(problem) => return Ok(Err(problem)),
                };
                spooler.push(row.at_us, &SpooledRow { topic: &kind, key: Some(key.as_bytes()), body: &body })?;
                return Ok(Ok(()));
            }
            let topic = topic_of(row.kind.as_deref());
            let body = match &config.stamp {
                Stamping::Field(name) => match stampable(row, name)? {
                    Ok(body) => body,
                    Err(problem) => return Ok(Err(problem)),
                },
                _ => row.body,
            };
            let kept = SpooledRow { topic: &topic, key: row.key.as_deref().map(str::as_bytes), body: body.as_bytes() };
            spooler.push(row.at_us, &kept)?;
            Ok::<_, LoadError>(Ok(()))
        })?;
        let (_, file) =
            recording::write(&spooler.finish()?, String::new(), String::new(), file).map_err(|error| match error {
                WriteError::Read(error) => error,
                WriteError::Written(source) => place.failed(0, source).into(),
            })?;
        Ok(Self(Arc::new(SpoolFile { file, facts: RowFacts { bad: read.bad, back, found: read.found } })))
    }

    pub(super) fn file(&self) -> std::io::Result<File> {
        let mut file = self.0.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// What reading the rows found out.
    #[must_use]
    pub fn facts(&self) -> &RowFacts {
        &self.0.facts
    }
}

/// The object that a row is, to which a field of that name can be added; or what is wrong with the row.
#[expect(clippy::zero_sized_map_values, reason = "an object is read as a map, and no set is")]
fn stampable<'a>(row: &Row<'a>, name: &str) -> Result<Result<&'a str, RowProblem>, FileError> {
    if !matches!(row.layout, Layout::Json | Layout::Flat) {
        let why = "--stamp field:NAME needs rows that are JSON objects or of a CSV; these are lines, which have no fields to add to";
        return Err(FileError::Setting(why.to_owned()));
    }
    let body = row.body.trim_ascii();
    Ok(match serde_json::from_str::<HashMap<Cow<'_, str>, IgnoredAny>>(body) {
        Ok(fields) if fields.contains_key(name) => {
            Err(RowProblem::Unfit(format!("it has a field {name} already: the stamp needs another name")))
        }
        Ok(_) => Ok(body),
        Err(error) => Err(RowProblem::Json(error.to_string())),
    })
}
