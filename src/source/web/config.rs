//! Which types of event are taken from outside.

use serde::{Deserialize, Serialize};

use crate::event::catalogue::{Catalogue, CatalogueError, EventType, IdPlace};
use crate::shop;
use crate::source::own::{self, Own, OwnError};
use crate::wire::shape::{Field, Record, Shape, UuidForm};

/// The calls of Segment's specification, each a type of its own.
pub const SEGMENT: [&str; 6] = ["track", "page", "screen", "identify", "group", "alias"];
/// The type of events that are passed through.
pub const PASSED: &str = "event";
/// The type of `CloudEvents` that are passed through.
pub const CLOUD_EVENT: &str = "cloudevent";
/// The members that are put before those of an event that keeps its own.
pub const RESERVED: [&str; 3] = ["loadgen_id", "loadgen_type", "loadgen_key"];

/// Which types of event are taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The types that a file declares; without them, the shop's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declared: Option<Box<own::Config>>,
    /// Whether events are taken whatever they are.
    pub pass_through: bool,
}

/// Why there is no catalogue of what is taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// What is declared.
    #[error(transparent)]
    Own(#[from] OwnError),
    /// The types together.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Two types cannot be told apart.
    #[error("event type \"{0}\" is one that `collect` has already: give the declared one another name")]
    Taken(String),
}

impl Config {
    /// The types that there are: those that are declared, unless all is passed through, and those of the calls that have a shape of
    /// their own.
    ///
    /// # Errors
    /// Types that make no catalogue.
    pub fn catalogue(&self) -> Result<Catalogue, ConfigError> {
        let mut types = match &self.declared {
            _ if self.pass_through => vec![open(PASSED), open(CLOUD_EVENT)],
            Some(config) => Own::new(config, 0)?.event_types(),
            None => shop::types(),
        };
        if let Some(twice) = types.iter().find(|declared| SEGMENT.contains(&&*declared.name)) {
            return Err(ConfigError::Taken(twice.name.to_string()));
        }
        types.extend(SEGMENT.into_iter().map(open));
        Ok(Catalogue::new(types)?)
    }
}

/// A type whose events keep all members that they have.
fn open(name: &str) -> EventType {
    let shapes = [Shape::Uuid(UuidForm::Text), Shape::Constant(name.into()), Shape::Text];
    let fields = RESERVED.into_iter().zip(shapes);
    let fields = fields.map(|(name, shape)| Field { name: name.into(), shape, default: None }).collect();
    let record = Record { name: format!("loadgen.collect.{name}").into(), fields };
    EventType { name: name.into(), id: IdPlace::Field(0), key: 2, record, open: true, schema: None }
}
