//! What is to be run: a scenario file, and what options and variables put over it, resolved into one [`Plan`].
//!
//! The way of a setting: [`crate::settings`] declares it, each level is a [`Layer`](crate::settings::layer::Layer) of them,
//! [`resolve`](resolve()) lays them over the scenario, [`Plan::new`](plan::Plan::new) puts the defaults in the
//! place of what is open, checks the result and makes it plain data for the engine. The
//! resolved scenario is kept with the results: a run can be repeated from it.

pub mod against;
pub mod alerts;
pub mod client;
pub mod environment;
pub mod error;
pub mod faults;
pub mod file;
pub mod formats;
pub mod level;
pub mod logging;
pub mod mirror;
pub mod pace;
mod place;
pub mod plan;
pub mod record;
pub mod registry;
pub mod resolve;
pub mod results;
pub mod schema;
pub mod schemas;
pub mod score;
pub mod selftest;
pub mod source;
pub(crate) mod text;
pub mod topics;
pub mod transactions;
pub mod verify;

pub use environment::Environment;
pub use error::ConfigError;
pub use level::Level;
pub use plan::Plan;
pub use resolve::{Resolved, RunRequest, resolve};

use crate::expect::ExpectConfig;
use crate::gate::GateConfig;
use crate::settings::run::RunOptions;
use crate::settings::schemas::SchemaSet;
use alerts::AlertConfig;
use faults::FaultConfig;
use source::SourceConfig;

/// A scenario: what is run, without where its results go and how they are shown. What it leaves open has a default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenario {
    /// What it says of settings: the lowest layer of them, but for the defaults.
    pub settings: RunOptions,
    /// Where events come from.
    pub source: SourceConfig,
    /// Versions of the schemas of its events, which phases name.
    pub schemas: Vec<SchemaSet>,
    /// What must come out downstream.
    pub expectations: Vec<ExpectConfig>,
    /// What is broken meanwhile.
    pub faults: Vec<FaultConfig>,
    /// Rules to keep.
    pub gates: Vec<GateConfig>,
    /// Who is told of gates that are broken.
    pub alerts: Vec<AlertConfig>,
}
