//! Where a run's events come from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::text;

/// The source of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceConfig {
    /// Drawn from weights.
    Synthetic(Synthetic),
    /// Replayed from a CSV.
    RetailRocket(RetailRocket),
}

/// Stand-in for the synthetic source's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Synthetic {
    /// Distinct users.
    pub users: u64,
    /// Distinct items.
    pub items: u64,
    /// Skew.
    pub user_skew: f64,
    /// Skew.
    pub item_skew: f64,
}

impl Default for Synthetic {
    fn default() -> Self {
        Self { users: 100_000, items: 50_000, user_skew: 0.8, item_skew: 1.0 }
    }
}

/// Stand-in for the recording's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetailRocket {
    /// The recording.
    pub file: PathBuf,
    /// Idle gaps are played at most this long.
    #[serde(default, with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub max_gap: Option<Duration>,
    /// At most so many events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self::Synthetic(Synthetic::default())
    }
}

impl SourceConfig {
    /// The word after `kind =`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Synthetic(_) => "synthetic",
            Self::RetailRocket(_) => "retail_rocket",
        }
    }

    /// Takes relative paths as relative to `folder`.
    pub(super) fn move_paths(&mut self, folder: &Path) {
        if let Self::RetailRocket(config) = self
            && config.file != Path::new("-")
        {
            config.file = folder.join(&config.file);
        }
    }
}
