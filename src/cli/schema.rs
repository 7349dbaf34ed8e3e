//! Arguments of `loadgen schema`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::registry::{Level, Strategy};
use crate::settings::choice;
use crate::settings::events::DeclaredOptions;
use crate::settings::formats::{self, FormatOptions, RegistryOptions};
use crate::settings::layer::layer;
use crate::settings::outcome::Output;
use crate::settings::run::PaddingOptions;
use crate::settings::values;

/// Shows the schemas of events, registers them, and says whether they may follow those before them.
#[derive(Clone, Debug, Args)]
pub struct SchemaArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: SchemaAction,
}

/// What `loadgen schema` does.
#[derive(Clone, Debug, Subcommand)]
pub enum SchemaAction {
    /// Print the schemas by which events are written
    Show(Box<SchemaShow>),
    /// Register schemas: those of a run, or files
    Register(Box<SchemaRegister>),
    /// Is a schema compatible with those before it? Exit code 0 if so, 3 if not, 4 where that is not known
    Check(Box<SchemaCheck>),
}

layer! {
    /// What a run writes, as far as it makes schemas.
    pub struct WrittenOptions {
        /// The types.
        #[command(flatten)]
        pub declared: DeclaredOptions,
        /// In which formats.
        #[command(flatten)]
        pub formats: FormatOptions,
        /// Topic of the events [default: raw-events]
        #[arg(short, long, value_name = "TOPIC", help_heading = "Formats and schemas")]
        pub topic: Option<String>,
        /// Types of events that go into other topics: view=clicks,transaction=orders; repeatable
        #[arg(long, value_name = "TYPE=TOPIC,...", value_parser = values::topic_map, help_heading = "Formats and schemas")]
        pub topic_map: Vec<values::TopicMap>,
        /// With a field of padding.
        #[command(flatten)]
        pub padding: PaddingOptions,
    }
}

/// Arguments of `loadgen schema show`.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Events of format json have no schema; what describes them is shown, which is that of json-schema.

Examples:
  loadgen schema show                                      all types of the shop
  loadgen schema show view --format avro > view.avsc
  loadgen schema show --format protobuf --out schemas/     a file for each type
  loadgen schema show --events orders.toml --format avro -o json")]
pub struct SchemaShow {
    /// The types to show [default: all]
    #[arg(value_name = "TYPE")]
    pub types: Vec<String>,
    /// The options.
    #[command(flatten)]
    pub options: SchemaShowOptions,
}

layer! {
    /// The options of `loadgen schema show`: one layer of settings.
    pub struct SchemaShowOptions {
        /// Write a file for each type into this folder: TYPE.avsc, TYPE.proto or TYPE.schema.json [default: stdout]
        #[arg(long, value_name = "DIR")]
        pub out: Option<PathBuf>,
        /// Replace files that are there with other content
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub force: Option<bool>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// Of what.
        #[command(flatten)]
        pub written: WrittenOptions,
    }
}

/// Arguments of `loadgen schema register`.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Without files the schemas are those of a run with the same options, under the subjects that it looks for. What is there \
already stays as it is.

Examples:
  export SCHEMA_REGISTRY_URL=http://localhost:8081
  loadgen schema register --format avro
  loadgen schema register order.avsc --subject orders-value
  loadgen schema register v1/*.avsc --subject-strategy topic-record-name")]
pub struct SchemaRegister {
    /// Schemas: .avsc, .proto or .json (JSON Schema) [default: those of the types of event]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The options.
    #[command(flatten)]
    pub options: SchemaRegisterOptions,
}

layer! {
    /// The options of `loadgen schema register`: one layer of settings.
    pub struct SchemaRegisterOptions {
        /// The subject of the files; several become its versions, in their order
        #[arg(long, value_name = "SUBJECT")]
        pub subject: Option<String>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// Without files: of what.
        #[command(flatten)]
        pub written: WrittenOptions,
        /// Where.
        #[command(flatten)]
        pub registry: RegistryOptions,
    }
}

/// Arguments of `loadgen schema check`.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Against a registry its verdict stands beside loadgen's own: exit code 4 where the two differ, for one of them is wrong then. Of \
Protobuf and JSON Schema the registry alone judges; loadgen says no more than that a text is the same.

Examples:
  loadgen schema check schemas/avro/*.avsc             against the last commit
  loadgen schema check a.avsc --against git:origin/main --level FULL_TRANSITIVE
  loadgen schema check v2/*.avsc --against v1          files of the same names
  loadgen schema check order.avsc --subject orders-value --against registry")]
pub struct SchemaCheck {
    /// Schemas: .avsc, .proto or .json (JSON Schema)
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The options.
    #[command(flatten)]
    pub options: SchemaCheckOptions,
}

layer! {
    /// The options of `loadgen schema check`: one layer of settings.
    pub struct SchemaCheckOptions {
        /// What went before: git or git:REVISION (the same path there; of a transitive level, all revisions up to it), registry, a
        /// file, or a folder with files of the same names
        ///
        /// [default: registry where one is named, else git, which is the last commit]
        #[arg(long, value_name = "WHAT")]
        pub against: Option<Against>,
        /// BACKWARD, FORWARD, FULL, each also with _TRANSITIVE, or NONE
        ///
        /// [default: that of the registry, unless it is NONE; else BACKWARD]
        #[arg(long, value_name = "LEVEL")]
        pub level: Option<Level>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// The subject of the files in the registry
        #[arg(long, value_name = "SUBJECT", help_heading = "Formats and schemas")]
        pub subject: Option<String>,
        /// How subjects follow from the files: topic-name, record-name or topic-record-name
        #[arg(long, value_name = "NAME", value_parser = formats::strategy, help_heading = "Formats and schemas")]
        pub subject_strategy: Option<Strategy>,
        /// Topic of the events [default: raw-events]
        #[arg(short, long, value_name = "TOPIC", help_heading = "Formats and schemas")]
        pub topic: Option<String>,
        /// Where.
        #[command(flatten)]
        pub registry: RegistryOptions,
    }
}

/// What a schema is held against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// The same path at a revision of the repository.
    Git(String),
    /// The versions of its subject.
    Registry,
    /// A file, or the one of the same name in a folder.
    Path(PathBuf),
}

/// Why a text says of nothing what a schema is held against.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("git: names no revision; write git, git:origin/main, registry, a file or a folder")]
pub struct NoRevision;

impl FromStr for Against {
    type Err = NoRevision;

    fn from_str(text: &str) -> Result<Self, NoRevision> {
        match (text, text.strip_prefix("git:")) {
            ("git", _) => Ok(Self::Git("HEAD".to_owned())),
            ("registry", _) => Ok(Self::Registry),
            (_, Some("")) => Err(NoRevision),
            (_, Some(revision)) => Ok(Self::Git(revision.to_owned())),
            (path, None) => Ok(Self::Path(path.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_schema_is_held_against_is_read_as_it_is_meant() {
        assert_eq!("git".parse(), Ok(Against::Git("HEAD".to_owned())));
        assert_eq!("git:origin/main".parse(), Ok(Against::Git("origin/main".to_owned())));
        assert_eq!("registry".parse(), Ok(Against::Registry));
        assert_eq!("./git".parse(), Ok(Against::Path("./git".into())));
        assert_eq!("git:".parse::<Against>(), Err(NoRevision));
    }
}
