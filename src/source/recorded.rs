//! Recordings of topics: records of any kind, played byte for byte in the order of their partitions and of their times.
//!
//! [`config`] says what of which file, [`order`] in which order, [`lane`] gives them out. Order within a partition is never broken:
//! a record that is earlier than one before it in its partition is played at once after that one. Between partitions the times decide.

mod config;
mod lane;
mod mapping;
mod order;
mod rows;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use crate::capture::blocks::{Blocks, Tools};
use crate::capture::format::Head;
use crate::capture::read::{ReadError, Reader};
use crate::clock::Nanos;
use crate::event::KeyId;
use crate::event::catalogue::{EventType, TypeIndex};
use crate::files::FileError;
use crate::wire::json;
use crate::wire::sink::{Sink, Values};

pub use crate::capture::read::Cut;
pub use config::{Config, CreateTime, Origin, Origins, Placing, Stamping};
pub use lane::{Bytes, Lane};
pub use rows::{RowFacts, Spooled};

use super::own::{Own, OwnError};
use super::retail_rocket::Rounds;
use order::Order;

/// A record as it is to be sent, but for its bytes, which its lane holds until the next one is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its type: the topic that it was recorded from.
    pub kind: TypeIndex,
    /// The partition that it goes to; `None`: that of its key.
    pub partition: Option<i32>,
    /// Its key.
    pub key: KeyId,
    /// When it was recorded, ms since the Unix epoch.
    pub recorded_ms: Option<i64>,
    /// The `CreateTime` that it gets; `None`: the time at which it is sent.
    pub create_ms: Option<i64>,
}

/// An event of a declared type with what it says.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    declared: &'a EventType,
    object: &'a serde_json::Map<String, serde_json::Value>,
}

impl Values for Telling<'_> {
    fn give(&self, sink: &mut impl Sink) {
        // It fits: that was looked at when its row was read.
        json::give(&self.declared.record, self.declared.id.field(), self.object, sink).unwrap_or_default();
    }
}

/// What is known of the records that are played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Records in the file.
    pub records: u64,
    /// Those of one round.
    pub events: u64,
    /// The earliest time of a record that is played.
    pub first_ms: i64,
    /// The latest one.
    pub last_ms: i64,
    /// Records that are earlier than one before them in their partition, or have no time: played at once. Of files of rows: rows that
    /// are earlier than the one before them, which were sorted.
    pub back: u64,
    /// Gaps that are played shorter.
    pub gaps_capped: u64,
    /// From the first to the last one, gaps capped.
    pub span: Nanos,
    /// By topic: partitions that have records, and how many.
    pub topics: Vec<(String, u64, u64)>,
}

/// A recording that is ready to be played. Shared by all lanes.
#[derive(Debug)]
pub struct Recorded {
    blocks: Blocks,
    config: Config,
    /// The type of each partition's records.
    kinds: Vec<TypeIndex>,
    /// The types that its records are events of, where rows are mapped to some.
    declared: Vec<EventType>,
    facts: Facts,
    fault: OnceLock<String>,
}

/// Why a recording cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file.
    #[error("{file}: {source}")]
    Read {
        /// Its name.
        file: String,
        /// Why.
        source: ReadError,
    },
    /// Rows that make no recording.
    #[error(transparent)]
    Rows(#[from] FileError),
    /// The types that rows are to become events of.
    #[error("{0}")]
    Declared(#[from] OwnError),
    /// No record is left.
    #[error("{0}: no record is left to play")]
    Empty(String),
}

impl LoadError {
    /// What to do about it, where there is something to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Rows(error) => error.hint(),
            Self::Declared(error) => error.hint.clone(),
            Self::Read { .. } | Self::Empty(_) => None,
        }
    }

    /// Whether the settings are at fault and not the data.
    #[must_use]
    pub const fn is_configuration(&self) -> bool {
        match self {
            Self::Rows(error) => error.is_configuration(),
            Self::Declared(_) => true,
            Self::Read { .. } | Self::Empty(_) => false,
        }
    }
}

impl Recorded {
    /// Reads the heads of its files: which topics it has.
    ///
    /// # Errors
    /// Where one is no recording.
    pub fn heads(config: &Config) -> Result<Vec<Head>, LoadError> {
        let failed = |at, source| LoadError::Read { file: config.file_at(at), source };
        let files = config.open().map_err(|(at, error)| failed(at, error.into()))?;
        let head = |(at, file)| match Reader::open(file) {
            Ok(reader) => Ok(reader.opened().head.clone()),
            Err(error) => Err(failed(at, error)),
        };
        files.into_iter().enumerate().map(head).collect()
    }

    /// Opens the files that `config` names.
    ///
    /// # Errors
    /// Where one is no recording, is damaged, or they have nothing to play.
    pub fn load(config: &Config) -> Result<Self, LoadError> {
        let failed = |at, source| LoadError::Read { file: config.file_at(at), source };
        let files = config.open().map_err(|(at, error)| failed(at, error.into()))?;
        let blocks = Blocks::open(files).map_err(|(at, error)| failed(at, error))?;
        let failed = |source| LoadError::Read { file: config.file(), source };
        let declared = config.declared.as_ref().map(|declared| Own::new(declared, 0)).transpose()?;
        let declared = declared.map_or_else(Vec::new, |own| own.event_types());
        let topics: BTreeSet<&str> =
            blocks.opened().flat_map(|opened| opened.head.topics.keys()).map(String::as_str).collect();
        let names: Vec<&str> = if declared.is_empty() {
            topics.iter().copied().collect()
        } else {
            declared.iter().map(|of| &*of.name).collect()
        };
        let kind = |topic: &String| names.iter().position(|name| *name == topic).and_then(|at| u16::try_from(at).ok());
        let kinds = blocks.partitions().iter().map(|of| kind(&of.topic).map(TypeIndex));
        let Some(kinds) = kinds.collect::<Option<Vec<_>>>() else {
            let what = "it has records of a topic that its head does not name";
            return Err(failed(ReadError::Damaged { at: 0, what }));
        };
        let mut recorded =
            Self { blocks, config: config.clone(), kinds, declared, facts: Facts::default(), fault: OnceLock::new() };
        recorded.facts = recorded.survey().map_err(failed)?;
        if recorded.facts.events == 0 { Err(LoadError::Empty(config.file())) } else { Ok(recorded) }
    }

    /// What is known without reading all of it, where its end says it; else by reading all of it once.
    fn survey(&self) -> Result<Facts, ReadError> {
        let Config { from, until, max_gap, .. } = self.config;
        let sorted = self.config.rows().map_or(0, |rows| rows.back);
        let mut facts = Facts { records: self.blocks.records(), back: sorted, ..Facts::default() };
        for of in self.blocks.partitions() {
            match facts.topics.last_mut().filter(|(topic, ..)| *topic == of.topic) {
                Some((_, partitions, records)) => (*partitions, *records) = (*partitions + 1, *records + of.records),
                None => facts.topics.push((of.topic.clone(), 1, of.records)),
            }
        }
        let mut opened = self.blocks.opened();
        // Of several files only reading tells which records are in two of them.
        let only = opened.next().filter(|_| opened.next().is_none());
        let ending =
            only.and_then(|only| only.ending).filter(|_| from.is_none() && until.is_none() && max_gap.is_none());
        // Times that go back within a partition may hide which one is played last.
        if let Some(ending) = ending.filter(|ending| ending.records == facts.records && ending.back == 0)
            && let (Some(first_ms), Some(last_ms)) = (ending.first_ms, ending.last_ms)
        {
            let span = Nanos::from_millis(last_ms.abs_diff(first_ms));
            return Ok(Facts { events: facts.records, first_ms, last_ms, span, ..facts });
        }
        let (mut order, mut tools) = (Order::begin(self), Tools::new()?);
        while let Some(at) = order.next(self, &mut tools)? {
            if facts.events == 0 {
                facts.first_ms = at.time_ms;
            }
            facts.events += 1;
            (facts.last_ms, facts.span) = (at.time_ms, at.offset);
            facts.gaps_capped += u64::from(at.capped);
        }
        facts.back += order.back();
        Ok(facts)
    }

    /// The share of lane `lane` of `lanes`: whole partitions.
    ///
    /// # Errors
    /// Where there is no memory for it.
    pub fn lane(self: &Arc<Self>, lane: u16, lanes: u16) -> std::io::Result<Lane> {
        Lane::new(self, lane, lanes)
    }

    /// What is known of it.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What it is played by.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The partitions that records are to keep, with the type of their records; none where these go by their keys.
    pub fn kept(&self) -> impl Iterator<Item = (TypeIndex, i32)> {
        let keeps = self.config.partition == Placing::Keep;
        self.kinds.iter().zip(self.blocks.partitions()).filter(move |_| keeps).map(|(kind, of)| (*kind, of.partition))
    }

    /// Which of its files were cut off, by their names, and where.
    pub fn cuts(&self) -> impl Iterator<Item = (String, Cut)> {
        self.blocks.cuts().iter().map(|(at, cut)| (self.config.file_at(*at), *cut))
    }

    /// Records that will be played, all rounds together; `None` where these never end.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match self.config.rounds {
            Rounds::Count(rounds) => Some(self.facts.events.saturating_mul(rounds.into())),
            Rounds::Forever => None,
        }
    }

    /// Never: a recording without records is not loaded.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.facts.events == 0
    }

    /// From the first to the last record at recorded speed, gaps capped, over all rounds; over one where they never end.
    #[must_use]
    pub fn span(&self) -> Nanos {
        let before = match self.config.rounds {
            Rounds::Count(rounds) => u64::from(rounds).saturating_sub(1),
            Rounds::Forever => 0,
        };
        Nanos(self.round().0.saturating_mul(before)) + self.facts.span
    }

    /// From the start of a round to that of the next one: a mean gap after its last record.
    const fn round(&self) -> Nanos {
        let gaps = match self.facts.events {
            0 | 1 => 1,
            events => events - 1,
        };
        Nanos(self.facts.span.0.saturating_add(self.facts.span.0 / gaps))
    }

    /// Why a lane ended before the end of the recording.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.get().map(String::as_str)
    }

    fn keep_fault(&self, error: &ReadError) {
        // The first fault is the one to report; a lane that fails later changes nothing.
        self.fault.get_or_init(|| format!("{}: {error}", self.config.file()));
    }
}

#[cfg(test)]
mod tests;
