//! Topics as a file describes them, and the cluster that `loadgen topics` works on.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::client::{ClientSettings, LevelProperties};
use super::environment::Environment;
use super::error::ConfigError;
use super::place::Place;
use super::text::read_toml;
use crate::cli::topics::{TopicsApply, TopicsDescribe};
use crate::kafka::properties::redacted;
use crate::settings::cluster::{ClusterOptions, TopicOptions};
use crate::settings::layer::Layer;
use crate::settings::outcome::Output;
use crate::settings::text;
use crate::settings::values;

/// The topics of the event pipeline, applied and described where no others are named.
pub const USUAL: [&str; 5] = ["raw-events", "inventory", "fraud-scores", "recommendations", "metrics"];

/// A topic as it is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPlan {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication_factor: i32,
    /// Its settings by Kafka's names, such as `retention.ms`; the others are the cluster's own.
    pub settings: BTreeMap<String, String>,
}

/// A cluster to work on without a run.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterPlan {
    /// Brokers to start from.
    pub bootstrap: String,
    /// Where they were named, for a hint.
    pub bootstrap_said_by: String,
    /// The client's properties, without `bootstrap.servers`.
    pub client: BTreeMap<String, String>,
    /// The longest wait for the first answer.
    pub connect_timeout: Duration,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// The properties with their origins, where only that is asked for (`-X dump`).
    pub dump: Option<String>,
}

/// Without secrets.
impl fmt::Debug for ClusterPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bootstrap, bootstrap_said_by, client, connect_timeout, warnings, dump } = self;
        f.debug_struct("ClusterPlan")
            .field("bootstrap", bootstrap)
            .field("bootstrap_said_by", bootstrap_said_by)
            .field("client", &redacted(client))
            .field("connect_timeout", connect_timeout)
            .field("warnings", warnings)
            .field("dump", dump)
            .finish()
    }
}

/// What `loadgen topics apply` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyPlan {
    /// Where.
    pub cluster: ClusterPlan,
    /// The topics.
    pub topics: Vec<TopicPlan>,
    /// Whether the plan is carried out, not only shown.
    pub confirmed: bool,
    /// The form of the result.
    pub output: Output,
}

/// What `loadgen topics describe` is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribePlan {
    /// Where.
    pub cluster: ClusterPlan,
    /// The topics.
    pub topics: Vec<String>,
    /// A consumer group whose lag is told; never joined.
    pub group: Option<String>,
    /// The form of the result.
    pub output: Output,
}

/// A file of topics.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicsFile {
    #[serde(rename = "topic")]
    topics: Vec<TopicConfig>,
}

/// A `[[topic]]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TopicConfig {
    name: String,
    partitions: Option<i32>,
    replication_factor: Option<i32>,
    #[serde(deserialize_with = "text::duration::deserialize")]
    retention: Option<Duration>,
    min_insync_replicas: Option<i32>,
    #[serde(deserialize_with = "text::table::deserialize")]
    settings: BTreeMap<String, String>,
}

impl TopicConfig {
    fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    fn plan(self, partitions: i32, replication_factor: i32) -> Result<TopicPlan, ConfigError> {
        check_topic_name(&self.name)?;
        let plan = TopicPlan {
            partitions: self.partitions.unwrap_or(partitions),
            replication_factor: self.replication_factor.unwrap_or(replication_factor),
            settings: self.settings,
            name: self.name,
        };
        let (name, replicas) = (&plan.name, plan.replication_factor);
        if plan.partitions < 1 || replicas < 1 {
            return Err(refused(&format!("topic \"{name}\" needs at least 1 partition and 1 copy of it"), None));
        }
        let mut settings = plan.settings;
        if let Some(least) = self.min_insync_replicas {
            if least < 1 || least > replicas {
                return Err(refused(
                    &format!("topic \"{name}\": min_insync_replicas = {least}, but there are {replicas} copies"),
                    Some("acks=all would never be answered; it lies between 1 and replication_factor"),
                ));
            }
            add(&mut settings, name, "min.insync.replicas", least.to_string())?;
        }
        if let Some(retention) = self.retention {
            add(&mut settings, name, "retention.ms", retention.as_millis().to_string())?;
        }
        Ok(TopicPlan { settings, ..plan })
    }
}

fn add(settings: &mut BTreeMap<String, String>, topic: &str, key: &str, value: String) -> Result<(), ConfigError> {
    match settings.insert(key.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(refused(&format!("topic \"{topic}\" has {key} twice"), Some("keep one of them"))),
    }
}

fn refused(reason: &str, hint: Option<&str>) -> ConfigError {
    ConfigError::Plan { reason: reason.to_owned(), hint: hint.map(ToOwned::to_owned) }
}

/// Kafka's rule for topic names.
///
/// # Errors
/// A name that Kafka would not take.
pub fn check_topic_name(name: &str) -> Result<(), ConfigError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !name.is_empty() && name.len() <= 249 && name.chars().all(fits) && !matches!(name, "." | "..") {
        return Ok(());
    }
    Err(refused(
        &format!("\"{name}\" cannot be the name of a topic"),
        Some("a topic's name has 1 to 249 letters, digits, '.', '_' and '-'"),
    ))
}

/// Resolves `loadgen topics apply`.
///
/// # Errors
/// No cluster, or topics that cannot be.
pub fn apply(args: TopicsApply, environment: &Environment) -> Result<ApplyPlan, ConfigError> {
    let options = environment.complete(args.options.clone())?;
    let configs = match &args.file {
        Some(path) => read_file(path)?,
        None => USUAL.iter().map(|name| TopicConfig::named(name)).collect(),
    };
    let (partitions, copies) = (options.partitions.unwrap_or(3), options.replication_factor.unwrap_or(1));
    let topics = configs.into_iter().map(|topic| topic.plan(partitions, copies)).collect::<Result<Vec<_>, _>>()?;
    if let Some(again) =
        topics.iter().enumerate().find(|(i, one)| topics[..*i].iter().any(|other| other.name == one.name))
    {
        return Err(refused(&format!("topic \"{}\" is there twice", again.1.name), Some("keep one of them")));
    }
    Ok(ApplyPlan {
        cluster: cluster(args.options.cluster, environment)?,
        topics,
        confirmed: options.yes.unwrap_or(false),
        output: options.output.unwrap_or(Output::Text),
    })
}

/// Resolves `loadgen topics describe`.
///
/// # Errors
/// No cluster.
pub fn describe(args: TopicsDescribe, environment: &Environment) -> Result<DescribePlan, ConfigError> {
    let options = environment.complete(args.options.clone())?;
    let topics = if args.topics.is_empty() { USUAL.map(ToOwned::to_owned).to_vec() } else { args.topics };
    topics.iter().try_for_each(|name| check_topic_name(name))?;
    Ok(DescribePlan {
        cluster: cluster(args.options.cluster, environment)?,
        topics,
        group: options.group,
        output: options.output.unwrap_or(Output::Text),
    })
}

fn read_file(path: &Path) -> Result<Vec<TopicConfig>, ConfigError> {
    read_toml::<TopicsFile>(path, "topics file").map(|file| file.topics)
}

/// The cluster that options and variables name.
///
/// # Errors
/// Where they name none.
pub fn cluster(options: ClusterOptions, environment: &Environment) -> Result<ClusterPlan, ConfigError> {
    let ClientPlan { bootstrap, said_by, client, connect_timeout, warnings, dump } = client(options, environment)?;
    let Some(bootstrap) = bootstrap else {
        return Err(refused(
            "no cluster is named, and the embedded broker lives only as long as a run",
            Some("--bootstrap-server HOST:PORT or KAFKA_BROKERS names one"),
        ));
    };
    Ok(ClusterPlan { bootstrap, bootstrap_said_by: said_by, client, connect_timeout, warnings, dump })
}

/// A client for the cluster that options and variables name, or for none.
pub(super) struct ClientPlan {
    pub(super) bootstrap: Option<String>,
    /// Where they were named.
    pub(super) said_by: String,
    /// Without `bootstrap.servers`.
    pub(super) client: BTreeMap<String, String>,
    pub(super) connect_timeout: Duration,
    pub(super) warnings: Vec<String>,
    pub(super) dump: Option<String>,
}

/// The client that options and variables make.
pub(super) fn client(options: ClusterOptions, environment: &Environment) -> Result<ClientPlan, ConfigError> {
    let nothing = TopicOptions::default();
    let mut said = vec![LevelProperties::new(Place::OPTIONS, &options, &nothing)];
    let mut merged = options;
    for variables in environment.levels() {
        let layer: ClusterOptions = variables.layer()?;
        said.push(LevelProperties::new(Place::of(variables), &layer, &nothing));
        merged = merged.over(layer);
    }
    let mut client = ClientSettings::merge(said)?;
    client.settle_security()?;
    let dump = merged.client.contains(&values::Property::Dump).then(|| client.dump());
    let mut properties = client.properties();
    properties.remove("bootstrap.servers");
    Ok(ClientPlan {
        bootstrap: client.bootstrap().map(ToOwned::to_owned),
        said_by: client.bootstrap_said_by(),
        client: properties,
        connect_timeout: merged.settle().connect_timeout,
        warnings: [environment.unknown(&crate::cli::command()), client.notes].concat(),
        dump,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command, topics::TopicsAction};
    use crate::scenario::Level;
    use crate::scenario::environment::Variables;

    fn environment(process: &[(&str, &str)]) -> Environment {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Environment {
            process: Variables::new(Level::Environment, process.iter().map(own)),
            file: Variables::new(Level::EnvFile, []),
        }
    }

    fn applied(words: &str, process: &[(&str, &str)]) -> Result<ApplyPlan, ConfigError> {
        let words = format!("loadgen topics apply {words}");
        match Cli::try_parse_from(words.split_whitespace()).unwrap().command {
            Command::Topics(args) => match args.action {
                TopicsAction::Apply(args) => apply(args, &environment(process)),
                TopicsAction::Describe(args) => panic!("{args:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn applied_file(text: &str) -> Result<ApplyPlan, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("topics.toml");
        std::fs::write(&path, text).unwrap();
        applied(&format!("{} -b k:1 --partitions 6", path.display()), &[])
    }

    #[test]
    fn the_usual_topics_are_applied_only_when_confirmed() {
        let shown = applied("", &[("KAFKA_BROKERS", "k:1")]).unwrap();
        assert_eq!(shown.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), USUAL);
        assert_eq!((shown.topics[0].partitions, shown.topics[0].replication_factor), (3, 1));
        assert!(!shown.confirmed);
        assert!(applied("--yes", &[("KAFKA_BROKERS", "k:1")]).unwrap().confirmed);
        assert_eq!(shown.cluster.bootstrap, "k:1");
    }

    #[test]
    fn a_file_beats_the_defaults_of_its_topics() {
        let plan = applied_file(
            "[[topic]]\nname = \"a\"\n[[topic]]\nname = \"b\"\npartitions = 1\nreplication_factor = 3\nretention = \"7d\"\n\
             min_insync_replicas = 2\n[topic.settings]\n\"cleanup.policy\" = \"compact\"",
        )
        .unwrap();
        assert_eq!((plan.topics[0].partitions, plan.topics[1].partitions), (6, 1));
        let settings: Vec<String> =
            plan.topics[1].settings.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(settings, ["cleanup.policy=compact", "min.insync.replicas=2", "retention.ms=604800000"]);
    }

    #[test]
    fn the_repository_s_own_file_is_applicable() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("topics.toml");
        let plan = applied(&format!("{} -b k:1", path.display()), &[]).unwrap();
        assert_eq!(plan.topics.iter().map(|topic| topic.name.as_str()).collect::<Vec<_>>(), USUAL);
    }

    #[test]
    fn topics_that_cannot_be_are_refused() {
        for (text, message) in [
            ("[[topic]]\nname = \"a b\"", "\"a b\" cannot be the name of a topic"),
            ("[[topic]]\nname = \"a\"\npartitions = 0", "topic \"a\" needs at least 1 partition and 1 copy of it"),
            (
                "[[topic]]\nname = \"a\"\nmin_insync_replicas = 2",
                "topic \"a\": min_insync_replicas = 2, but there are 1 copies",
            ),
            ("[[topic]]\nname = \"a\"\n[[topic]]\nname = \"a\"", "topic \"a\" is there twice"),
            (
                "[[topic]]\nname = \"a\"\nretention = \"1d\"\n[topic.settings]\n\"retention.ms\" = 5",
                "topic \"a\" has retention.ms twice",
            ),
        ] {
            assert_eq!(applied_file(text).unwrap_err().to_string(), message);
        }
        let unknown = applied_file("[[topic]]\nname = \"a\"\npartitons = 5").unwrap_err();
        assert!(unknown.to_string().ends_with("topics.toml line 3: unknown key \"partitons\""), "{unknown}");
        assert_eq!(unknown.hint().as_deref(), Some("did you mean partitions?"));
    }

    #[test]
    fn the_properties_can_be_dumped() {
        let plan = applied("-b k:1 -X dump -X security.protocol=sasl_ssl -X sasl.password=hunter2 -X linger.ms=1", &[])
            .unwrap();
        let dump = plan.cluster.dump.unwrap();
        assert!(dump.contains("linger.ms = 1  # --command-property\n"), "{dump}");
        assert!(!dump.contains("hunter2"), "{dump}");
    }

    #[test]
    fn without_a_cluster_there_are_no_topics() {
        let error = applied("", &[]).unwrap_err();
        assert_eq!(error.to_string(), "no cluster is named, and the embedded broker lives only as long as a run");
        assert_eq!(error.hint().as_deref(), Some("--bootstrap-server HOST:PORT or KAFKA_BROKERS names one"));
    }
}
