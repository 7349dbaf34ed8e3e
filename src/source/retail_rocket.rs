//! Retail Rocket recordings: `events.csv` read, checked, sorted by time, and played by several lanes.
//!
//! The way of a row: [`crate::input`] opens, decompresses and walks the CSV, [`table`] knows its columns, [`parse`] makes a [`row`] of its [`fields`],
//! [`read`] counts what can be used and what has a [`problem`], [`visits`] gives it its session, [`crate::sorting`] puts the rows in order, [`copies`] multiplies them,
//! [`timeline`] says which comes when, [`lane`] makes events of them with what [`mod@derive`] adds. [`load`] is where the
//! steps up to the sorted rows follow one another.

mod category_tree;
mod config;
mod copies;
mod derive;
mod error;
mod facts;
mod fields;
mod forecast;
mod goods;
pub(crate) mod hash;
mod lane;
mod load;
mod parse;
mod problem;
mod properties;
mod read;
mod row;
mod table;
mod timeline;
mod visits;

use std::io;
use std::sync::{Arc, OnceLock};

use crate::clock::Nanos;
use crate::shop::Vocabulary;

pub(super) use config::optional_duration;
pub use config::{Config, Rounds, Share, ValueError};
pub use error::LoadError;
pub use facts::{Facts, Quantiles};
pub use forecast::{DueEvents, DueFn, Forecast, Pace, PartitionHeat, Partitions};
pub use lane::Lane;
pub use problem::{FileKind, Outlook, RowProblem};
pub use properties::{PRICE_PROPERTY, PropertyFacts};
pub use read::DatedRows;
pub(crate) use row::COLUMNS;
pub use row::Moment;
pub use visits::{HotKey, SESSION_IDLE_MS};

use goods::Goods;
use row::Rows;
use timeline::Plan;

/// A recording, ready to be played: loaded, checked, selected and sorted. Shared by all lanes.
#[derive(Debug)]
pub struct Recording {
    rows: Rows,
    plan: Plan,
    /// One round, gaps capped.
    round_span: Nanos,
    goods: Goods,
    vocabulary: Arc<Vocabulary>,
    facts: Facts,
    fault: OnceLock<String>,
}

impl Recording {
    /// Reads the file that `config` names.
    ///
    /// # Errors
    /// Where the file, one of its rows or a setting cannot be used; see [`LoadError`].
    pub fn load(config: &Config) -> Result<Self, LoadError> {
        load::load(config)
    }

    fn new(rows: Rows, plan: Plan, round_span: Nanos, goods: Goods, vocabulary: Vocabulary, facts: Facts) -> Self {
        let vocabulary = Arc::new(vocabulary);
        Self { rows, plan, round_span, goods, vocabulary, facts, fault: OnceLock::new() }
    }

    /// The share of lane number `lane` of `lanes`. All events of a user are in one lane; together the lanes give every
    /// event once.
    #[must_use]
    pub fn lane(self: &Arc<Self>, lane: u16, lanes: u16) -> Lane {
        Lane::new(self, lane, lanes)
    }

    /// The texts that the events point into.
    #[must_use]
    pub fn vocabulary(&self) -> Arc<Vocabulary> {
        Arc::clone(&self.vocabulary)
    }

    /// Events that will be played, all rounds and copies together; `None` where the rounds never end.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match self.plan.rounds {
            Rounds::Count(rounds) => Some(self.round_len().saturating_mul(rounds.into())),
            Rounds::Forever => None,
        }
    }

    /// Never: a recording without events is not loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// Events of one round.
    #[must_use]
    pub fn round_len(&self) -> u64 {
        self.rows.len().saturating_mul(self.plan.amplify.copies.into())
    }

    /// How often it is played.
    #[must_use]
    pub const fn rounds(&self) -> Rounds {
        self.plan.rounds
    }

    /// From the first to the last event at recorded speed, gaps capped, over all rounds; over one round where they
    /// never end.
    #[must_use]
    pub fn span(&self) -> Nanos {
        match self.plan.rounds {
            Rounds::Count(rounds) => {
                let before = self.plan.round_offset.0.saturating_mul(u64::from(rounds).saturating_sub(1));
                Nanos(before) + self.round_span
            }
            Rounds::Forever => self.round_span,
        }
    }

    /// What is known of the file and of what is played.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Why a lane ended before the end of the recording: the sorted rows on disk could not be read.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.get().map(String::as_str)
    }

    /// What playing it at `pace` means, from one walk over the first round.
    ///
    /// # Errors
    /// Where sorted rows on disk cannot be read.
    pub fn forecast(&self, pace: &Pace<'_>) -> Result<Forecast, LoadError> {
        forecast::forecast(self, pace)
    }

    /// How many of its events are due, and when the last one is; `None` where there is always another.
    ///
    /// # Errors
    /// Where sorted rows on disk cannot be read.
    pub fn due_events(&self, due: DueFn<'_>) -> Result<Option<DueEvents>, LoadError> {
        forecast::due_events(self, due)
    }

    fn keep_fault(&self, error: &io::Error) {
        // The first fault is the one to report; a lane that fails later changes nothing.
        self.fault.get_or_init(|| format!("the sorted rows of {} cannot be read any more: {error}", self.facts.file));
    }

    const fn rows(&self) -> &Rows {
        &self.rows
    }

    const fn plan(&self) -> &Plan {
        &self.plan
    }

    const fn goods(&self) -> &Goods {
        &self.goods
    }
}
