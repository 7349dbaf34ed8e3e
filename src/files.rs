//! Files of events: NDJSON, CSV, and what presets name, each row a record with its time, its key and its type.
//!
//! The way of a row: [`crate::input`] opens and decompresses, [`read`] makes a body of each line or row, [`fields`] finds in it
//! what [`how`] says has its times, its key and its type, [`time`] reads the times. [`mod@survey`] is what all rows come to,
//! [`spool`] puts them in the order of time, [`recording`] makes records of topics of them.

mod access_log;
pub mod captured;
mod config;
mod error;
pub mod fields;
mod how;
mod moment;
mod preset;
mod problem;
mod read;
pub mod recording;
mod snowplow;
pub mod spool;
mod spread;
mod survey;
mod tally;
mod time;
mod unit;

pub use access_log::FIELDS as ACCESS_LOG_FIELDS;
pub use config::{Config, FileFormat, Kind, files, recognise};
pub use error::FileError;
pub use how::{ClockFacts, FieldsRead};
pub use preset::{Clock, Preset};
pub use problem::RowProblem;
pub use read::{Read, Row, Took, read};
pub use snowplow::COLUMNS as SNOWPLOW_COLUMNS;
pub use spread::Spread;
pub use survey::{HotKey, Skew, Survey, survey};
pub use time::{TimeFormat, UnknownFormat};
