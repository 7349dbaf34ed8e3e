//! Where a run's events come from.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::error::ConfigError;
use crate::files::{self, FileFormat, Kind, recognise};
use crate::input::Input;
use crate::settings::files::FileOptions;
use crate::source::{mirrored, own, recorded, retail_rocket, synthetic, web};

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
    /// Read from topics meanwhile.
    Mirrored(mirrored::Config),
    /// Taken in from outside.
    Web(web::Config),
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self::Synthetic(Box::default())
    }
}

impl SourceConfig {
    /// What is in these files: what the options say, else what the content tells. Of a CSV it tells nothing where it is not Retail
    /// Rocket's: `said` are the options of the command line, `known` those of all levels.
    ///
    /// # Errors
    /// Several files of which one is all that can be played.
    pub(super) fn recording(given: &[PathBuf], said: &FileOptions, known: &FileOptions) -> Result<Self, ConfigError> {
        let found = files::files(given).unwrap_or_default();
        let are_recordings = found.iter().all(|file| kind_of(file) == Some(Kind::Recording));
        let kind = known.file_format.unwrap_or_else(|| match &*found {
            [_] if said.tell_of_rows() => Kind::Rows(FileFormat::Ndjson),
            [file] => match kind_of(file) {
                Some(Kind::Rows(FileFormat::Csv)) if !known.tell_of_rows() => Kind::RetailRocket,
                // What cannot be opened is told of where it is read.
                kind => kind.unwrap_or(Kind::RetailRocket),
            },
            [_, ..] if are_recordings && !said.tell_of_rows() => Kind::Recording,
            _ => Kind::Rows(FileFormat::Ndjson),
        });
        if let Kind::Rows(_) = kind {
            let rows = files::Config { files: given.to_vec(), ..files::Config::default() };
            return Ok(Self::Recorded(recorded::Config::of_rows(rows)));
        }
        let mut found = found.into_iter();
        let path = found.next().unwrap_or_default();
        let further: Vec<PathBuf> = found.collect();
        match kind {
            Kind::Recording => Ok(Self::Recorded(recorded::Config { path, further, ..recorded::Config::default() })),
            _ if further.is_empty() => {
                Ok(Self::RetailRocket(retail_rocket::Config { path, ..retail_rocket::Config::default() }))
            }
            _ => Err(ConfigError::Plan {
                reason: "Retail Rocket's events are one file".to_owned(),
                hint: Some("name one file at a time".to_owned()),
            }),
        }
    }

    /// The word after `kind =`, and the source's name in reports.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Synthetic(_) => "synthetic",
            Self::Own(_) => "own",
            Self::RetailRocket(_) => "retail_rocket",
            Self::Recorded(_) => "recorded",
            Self::Mirrored(_) => "mirrored",
            Self::Web(_) => "web",
        }
    }

    /// The types that the user declares for its events.
    #[must_use]
    pub fn declared(&self) -> Option<&own::Config> {
        match self {
            Self::Own(config) => Some(config),
            Self::Recorded(config) => config.declared.as_deref(),
            Self::Synthetic(_) | Self::RetailRocket(_) | Self::Mirrored(_) | Self::Web(_) => None,
        }
    }

    /// Takes relative paths of data as relative to `folder`.
    pub fn move_paths(&mut self, folder: &Path) {
        let data: Vec<_> = match self {
            Self::Synthetic(_) | Self::Mirrored(_) | Self::Web(_) => Vec::new(),
            Self::Own(config) => config.events.iter_mut().chain(&mut config.schema).collect(),
            Self::Recorded(config) => {
                let declared = config.declared.iter_mut().flat_map(|of| of.events.iter_mut().chain(&mut of.schema));
                config
                    .rows
                    .iter_mut()
                    .flat_map(|rows| &mut rows.files)
                    .chain(declared)
                    .chain([&mut config.path])
                    .chain(&mut config.further)
                    .collect()
            }
            Self::RetailRocket(config) => {
                config.category_tree.iter_mut().chain(&mut config.item_properties).chain([&mut config.path]).collect()
            }
        };
        for path in data.into_iter().filter(|path| **path != Path::new("-") && **path != Path::new("")) {
            *path = folder.join(&*path);
        }
    }
}

/// What a file is, by its name or its first bytes.
fn kind_of(file: &Path) -> Option<Kind> {
    if file.extension().is_some_and(|extension| extension == "avro") {
        return Some(Kind::Recording);
    }
    // What was read of standard input is gone.
    let file = Some(file).filter(|file| *file != Path::new("-"))?;
    Input::open(file).ok().map(|input| recognise(&input))
}
