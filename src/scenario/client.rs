//! The client's properties, merged from every level.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::error::ConfigError;
use super::kafka::KafkaConfig;
use super::layer::{Level, Place};
use crate::cli::cluster::{ClusterOptions, TopicOptions};
use crate::cli::values;
use crate::kafka::properties::{Origin, Property, REDACTED, canonical, java, parse, redact};

/// What the client is told where nobody says otherwise.
pub const DEFAULTS: [(&str, &str); 7] = [
    ("acks", "all"),
    ("compression.type", "snappy"),
    ("delivery.timeout.ms", "30000"),
    ("enable.idempotence", "true"),
    ("linger.ms", "5"),
    ("partitioner", "murmur2_random"),
    ("queue.buffering.max.messages", "20000"),
];

/// The bootstrap server's name that stands for the embedded broker.
pub const EMBEDDED: &str = "embedded";

/// A property's value and where it was said.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value.
    pub value: String,
    /// Its level.
    pub level: Level,
    /// Where exactly.
    pub origin: String,
}

/// The client's properties.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ClientSettings {
    settings: BTreeMap<String, Setting>,
    /// What was left out or changed, and why.
    pub notes: Vec<String>,
}

/// What one level says about the client. Within a level, named options and `-X` beat variables like `SASL_PASSWORD`,
/// and those beat the file.
#[derive(Debug)]
pub struct Said {
    level: Level,
    file: Option<Vec<Property>>,
    variables: Vec<Property>,
    named: Vec<Property>,
    free: Vec<Property>,
}

impl Said {
    /// What options or variables say.
    ///
    /// # Errors
    /// A properties file that cannot be read.
    pub fn by_options(place: &Place<'_>, cluster: &ClusterOptions, topic: &TopicOptions) -> Result<Self, ConfigError> {
        let named = [
            ("bootstrap-server", "bootstrap.servers", cluster.bootstrap_server.clone()),
            ("acks", "acks", topic.acks.map(|acks| acks.to_string())),
            ("idempotence", "enable.idempotence", topic.idempotence.map(|flag| flag.to_string())),
            ("compression", "compression.type", topic.compression.map(|codec| codec.to_string())),
            ("linger", "linger.ms", topic.linger.map(millis)),
        ];
        let free = cluster.command_property.iter().filter_map(|property| match property {
            values::Property::Set(key, value) => Some(said(key, value, place.name_of("command-property"))),
            values::Property::Dump => None,
        });
        Ok(Self {
            level: place.level(),
            file: cluster.command_config.as_deref().map(read_file).transpose()?,
            variables: place.properties().map(|(key, value, name)| said(key, value, name.to_owned())).collect(),
            named: named
                .into_iter()
                .filter_map(|(option, key, value)| Some(said(key, &value?, place.name_of(option))))
                .collect(),
            free: free.collect(),
        })
    }

    /// What a scenario says.
    ///
    /// # Errors
    /// A properties file that cannot be read.
    pub fn by_scenario(kafka: &KafkaConfig) -> Result<Self, ConfigError> {
        let named = [
            ("bootstrap_server", "bootstrap.servers", kafka.bootstrap_server.clone()),
            ("acks", "acks", kafka.acks.map(|acks| acks.to_string())),
            ("idempotence", "enable.idempotence", kafka.idempotence.map(|flag| flag.to_string())),
            ("compression", "compression.type", kafka.compression.map(|codec| codec.to_string())),
            ("linger", "linger.ms", kafka.linger.map(millis)),
        ];
        let free = kafka.client.0.iter().map(|(key, value)| said(key, value, format!("kafka.client.{key}")));
        Ok(Self {
            level: Level::Scenario,
            file: kafka.command_config.as_deref().map(read_file).transpose()?,
            variables: Vec::new(),
            named: named
                .into_iter()
                .filter_map(|(field, key, value)| Some(said(key, &value?, format!("kafka.{field}"))))
                .collect(),
            free: free.collect(),
        })
    }
}

fn said(key: &str, value: &str, name: String) -> Property {
    Property { key: canonical(key).to_owned(), value: value.to_owned(), origin: Origin::Setting(name) }
}

/// librdkafka takes fractions of a millisecond here.
fn millis(duration: Duration) -> String {
    (duration.as_secs_f64() * 1e3).to_string()
}

fn read_file(path: &Path) -> Result<Vec<Property>, ConfigError> {
    let bytes = std::fs::read(path).map_err(|source| ConfigError::Unreadable {
        what: "properties file",
        path: path.to_owned(),
        source,
    })?;
    parse(&bytes, &path.display().to_string()).map_err(|error| ConfigError::Line {
        path: path.to_owned(),
        line: error.line,
        reason: error.reason,
        hint: None,
    })
}

/// Without secrets.
impl fmt::Debug for ClientSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.dump())
    }
}

impl ClientSettings {
    /// Lays the levels over one another, the strongest first in `levels`, and the defaults under them. Of several
    /// properties files only the strongest level's is used.
    ///
    /// # Errors
    /// A property that cannot be used, or two of one level that contradict each other.
    pub fn merge(levels: Vec<Said>) -> Result<Self, ConfigError> {
        let mut merged = Self::default();
        let mut file_taken = false;
        for said in levels {
            let named = merged.translated(said.named, true)?;
            let free = merged.translated(said.free, true)?;
            if let Some((first, second)) = contradiction(&named, &free) {
                return Err(ConfigError::Conflict { level: said.level, first: shown(first), second: shown(second) });
            }
            let variables = merged.translated(said.variables, true)?;
            let file = match said.file {
                Some(properties) if !file_taken => {
                    file_taken = true;
                    merged.translated(properties, false)?
                }
                _ => Vec::new(),
            };
            for property in named.into_iter().chain(free.into_iter().rev()).chain(variables).chain(file) {
                merged.settings.entry(property.key).or_insert_with(|| Setting {
                    value: property.value,
                    level: said.level,
                    origin: property.origin.to_string(),
                });
            }
        }
        merged.settle_idempotence()?;
        for (key, value) in DEFAULTS {
            merged.fill(key, value);
        }
        merged.refuse_redacted()?;
        Ok(merged)
    }

    fn translated(&mut self, properties: Vec<Property>, for_loadgen: bool) -> Result<Vec<Property>, ConfigError> {
        let done = java::translate(properties, for_loadgen).map_err(|refused| ConfigError::Property {
            key: refused.key,
            origin: refused.origin,
            reason: refused.reason,
            hint: refused.hint,
        })?;
        self.notes.extend(done.notes);
        let canonical = |property: Property| Property { key: canonical(&property.key).to_owned(), ..property };
        Ok(done.properties.into_iter().map(canonical).collect())
    }

    fn fill(&mut self, key: &str, value: &str) {
        self.settings.entry(key.to_owned()).or_insert_with(|| Setting {
            value: value.to_owned(),
            level: Level::Default,
            origin: Level::Default.to_string(),
        });
    }

    /// Idempotence needs acks=all. Where only acks is weaker, idempotence goes; where both are asked for, the stronger
    /// level decides, and one level that asks for both is refused.
    fn settle_idempotence(&mut self) -> Result<(), ConfigError> {
        let Some(acks) = self.settings.get("acks").filter(|acks| !matches!(acks.value.as_str(), "all" | "-1")) else {
            return Ok(());
        };
        let (acks_level, said) = (acks.level, format!("acks={} ({})", acks.value, acks.origin));
        match self.settings.get("enable.idempotence") {
            Some(asked) if is_true(&asked.value) && asked.level == acks_level => Err(ConfigError::Property {
                key: "enable.idempotence".to_owned(),
                origin: asked.origin.clone(),
                reason: format!("idempotence needs acks=all, but {said} is asked for too"),
                hint: "leave one of them out: acks=0 and acks=1 switch idempotence off by themselves".to_owned(),
            }),
            Some(asked) if is_true(&asked.value) && asked.level < acks_level => {
                self.notes.push(format!("{said} gives way to enable.idempotence=true ({})", asked.origin));
                self.settings.remove("acks");
                Ok(())
            }
            Some(asked) if is_true(&asked.value) => {
                self.notes.push(format!("enable.idempotence=true ({}) gives way to {said}", asked.origin));
                self.settings.insert("enable.idempotence".to_owned(), off_for(acks_level, &said));
                Ok(())
            }
            Some(_) => Ok(()),
            None => {
                self.settings.insert("enable.idempotence".to_owned(), off_for(acks_level, &said));
                Ok(())
            }
        }
    }

    /// A scenario of an earlier run names its secrets, but does not hold them.
    fn refuse_redacted(&self) -> Result<(), ConfigError> {
        let missing = self.settings.iter().find(|(_, setting)| setting.value.contains(REDACTED));
        missing.map_or(Ok(()), |(key, setting)| {
            Err(ConfigError::Property {
                key: key.clone(),
                origin: setting.origin.clone(),
                reason: "the secret was left out when this scenario was written".to_owned(),
                hint: format!("give it again: as a variable, in the file of --command-config, or with -X {key}=..."),
            })
        })
    }

    /// The value of a property.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.settings.get(key)
    }

    /// The brokers to start from; `None` where that is the embedded one.
    #[must_use]
    pub fn bootstrap(&self) -> Option<&str> {
        self.get("bootstrap.servers").map(|setting| setting.value.as_str()).filter(|servers| *servers != EMBEDDED)
    }

    /// Leaves logins out for the embedded broker, which has none, and refuses credentials that would silently not be used.
    pub(super) fn settle_security(&mut self) -> Result<(), ConfigError> {
        let about_security = |key: &String| ["security.", "sasl.", "ssl."].iter().any(|start| key.starts_with(start));
        if self.bootstrap().is_none() {
            let dropped: Vec<String> = self.settings.keys().filter(|key| about_security(key)).cloned().collect();
            if !dropped.is_empty() {
                self.notes.push(format!(
                    "the embedded broker has no logins, so these have no effect: {}",
                    dropped.join(", ")
                ));
                self.settings.retain(|key, _| !about_security(key));
            }
            return Ok(());
        }
        let login = self.settings.iter().find(|(key, _)| matches!(key.as_str(), "sasl.username" | "sasl.mechanisms"));
        match login {
            Some((key, setting)) if !self.settings.contains_key("security.protocol") => Err(ConfigError::Property {
                key: key.clone(),
                origin: setting.origin.clone(),
                reason: "without security.protocol there is no login, the connection is plain".to_owned(),
                hint: "set security.protocol (or SECURITY_PROTOCOL) to sasl_ssl or sasl_plaintext, or to plaintext to do without a login".to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The properties without their places.
    #[must_use]
    pub fn properties(&self) -> BTreeMap<String, String> {
        self.settings.iter().map(|(key, setting)| (key.clone(), setting.value.clone())).collect()
    }

    /// One line for each property, with where it comes from, secrets redacted.
    #[must_use]
    pub fn dump(&self) -> String {
        let line = |(key, setting): (&String, &Setting)| {
            format!("{key} = {}  # {}\n", redact(key, &setting.value), setting.origin)
        };
        self.settings.iter().map(line).collect()
    }
}

fn off_for(level: Level, acks: &str) -> Setting {
    Setting { value: "false".to_owned(), level, origin: format!("off with {acks}") }
}

/// librdkafka's words for true.
pub(super) fn is_true(value: &str) -> bool {
    ["true", "t", "1"].iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Two settings of one level that give the same property different values.
fn contradiction<'a>(named: &'a [Property], free: &'a [Property]) -> Option<(&'a Property, &'a Property)> {
    named.iter().find_map(|one| {
        let other = free.iter().rfind(|other| other.key == one.key)?;
        (other.value != one.value).then_some((one, other))
    })
}

fn shown(property: &Property) -> String {
    format!("{} {}={}", property.origin, property.key, redact(&property.key, &property.value))
}
