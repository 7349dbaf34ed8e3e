//! Event types that the user declares: the strongest level that names a file of them decides.

use super::{Layers, conflict};
use crate::scenario::Scenario;
use crate::scenario::error::ConfigError;
use crate::scenario::source::SourceConfig;
use crate::source::own::{self, LoadError};
use crate::source::recorded;

/// Puts what is declared into the scenario, so that it can be run again without the files.
pub(super) fn settle(scenario: &mut Scenario, layers: &mut Layers<'_>) -> Result<(), ConfigError> {
    match &mut scenario.source {
        SourceConfig::Recorded(config) if config.rows.is_some() => {
            if let Some(named) = named(layers)? {
                config.declared = Some(Box::new(named));
            }
            return config.declared.as_mut().map_or(Ok(()), |declared| Ok(declared.load()?));
        }
        SourceConfig::RetailRocket(_)
        | SourceConfig::Recorded(_)
        | SourceConfig::Mirrored(_)
        | SourceConfig::Web(_) => return Ok(()),
        SourceConfig::Synthetic(_) | SourceConfig::Own(_) => {}
    }
    if let Some(config) = named(layers)? {
        scenario.source = SourceConfig::Own(Box::new(config));
    }
    if let SourceConfig::Own(config) = &mut scenario.source {
        config.load()?;
    }
    Ok(())
}

/// What the strongest level names that names anything.
fn named(layers: &mut Layers<'_>) -> Result<Option<own::Config>, ConfigError> {
    let mut named = None;
    for (place, layer) in layers {
        let declared = std::mem::take(&mut layer.events.declared);
        if declared.events.is_some() && declared.schema.is_some() {
            return Err(conflict(*place, "events", "schema"));
        }
        named = named.or_else(|| declared.config());
    }
    Ok(named)
}

impl From<recorded::LoadError> for ConfigError {
    fn from(error: recorded::LoadError) -> Self {
        Self::Recording(error)
    }
}

impl From<LoadError> for ConfigError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unreadable { what, path, source } => Self::Unreadable { what, path, source },
            LoadError::Wrong { path, line, problem, hint } => Self::Line { path, line, reason: problem, hint },
            LoadError::Types(error) => Self::Plan { reason: error.to_string(), hint: error.hint },
            error @ LoadError::Sources(_) => Self::Plan { reason: error.to_string(), hint: None },
        }
    }
}
