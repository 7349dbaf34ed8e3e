//! Where a run's events come from.

use std::path::Path;

use serde::Serialize;

use crate::capture::format;
use crate::source::{own, recorded, retail_rocket, synthetic, web};

/// The `[source]` of a scenario. Its `kind` says which of the sources the rest is for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceConfig {
    /// Drawn from weights.
    Synthetic(Box<synthetic::Config>),
    /// Drawn of types that the user declares.
    Own(Box<own::Config>),
    /// Replayed from a CSV.
    RetailRocket(retail_rocket::Config),
    /// Replayed from a recording of topics.
    Recorded(recorded::Config),
    /// Taken in from outside.
    Web(web::Config),
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self::Synthetic(Box::default())
    }
}

impl SourceConfig {
    /// The recording at `path`: of topics, where it is named or begins as one, else a CSV.
    #[must_use]
    pub fn recording(path: &Path) -> Self {
        if path.extension().is_some_and(|extension| extension == "avro") || format::is_container(path) {
            return Self::Recorded(recorded::Config { path: path.to_owned(), ..recorded::Config::default() });
        }
        Self::RetailRocket(retail_rocket::Config { path: path.to_owned(), ..retail_rocket::Config::default() })
    }

    /// The word after `kind =`, and the source's name in reports.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Synthetic(_) => "synthetic",
            Self::Own(_) => "own",
            Self::RetailRocket(_) => "retail_rocket",
            Self::Recorded(_) => "recorded",
            Self::Web(_) => "web",
        }
    }

    /// Takes relative paths of data as relative to `folder`.
    pub(super) fn move_paths(&mut self, folder: &Path) {
        let data: Vec<_> = match self {
            Self::Synthetic(_) | Self::Web(_) => Vec::new(),
            Self::Own(config) => config.events.iter_mut().chain(&mut config.schema).collect(),
            Self::Recorded(config) => vec![&mut config.path],
            Self::RetailRocket(config) => {
                config.category_tree.iter_mut().chain(&mut config.item_properties).chain([&mut config.path]).collect()
            }
        };
        for path in data.into_iter().filter(|path| **path != Path::new("-") && **path != Path::new("")) {
            *path = folder.join(&*path);
        }
    }
}
