//! The client's properties, merged from every level.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::ConfigError;
use super::level::Level;
use super::place::Place;
use crate::kafka::properties::{Origin, Property, REDACTED, canonical, java, parse, redact};
use crate::settings::cluster::{ClusterOptions, TopicOptions};
use crate::settings::values;

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
/// The one that stands for no broker: events go nowhere, and each is confirmed at once.
pub const NOWHERE: &str = "nowhere";

/// Whether a bootstrap server's name stands for no address.
#[must_use]
pub fn is_stand_in(servers: &str) -> bool {
    servers == EMBEDDED || servers == NOWHERE
}

/// A property's value and where it was said.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value.
    pub value: String,
    /// Where.
    pub origin: String,
    strength: Strength,
}

/// What beats what: first the level, then the way it was said there. The strongest is the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Strength(Level, Way);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// `--acks`, `-X`, or a key of the scenario.
    Options,
    /// `SASL_PASSWORD` and the like.
    Variables,
    /// The properties file.
    File,
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
pub struct LevelProperties {
    level: Level,
    /// Where something stands that is no property.
    unreadable: Option<String>,
    file: Option<PathBuf>,
    variables: Vec<Property>,
    named: Vec<Property>,
    free: Vec<Property>,
}

impl LevelProperties {
    /// What a level says.
    #[must_use]
    pub fn new(place: Place<'_>, cluster: &ClusterOptions, topic: &TopicOptions) -> Self {
        let named = [
            ("bootstrap-server", "bootstrap.servers", cluster.bootstrap_server.clone()),
            ("acks", "acks", topic.acks.map(|acks| acks.to_string())),
            ("idempotence", "enable.idempotence", topic.idempotence.map(|flag| flag.to_string())),
            ("compression", "compression.type", topic.compression.map(|codec| codec.to_string())),
            ("linger", "linger.ms", topic.linger.map(millis)),
        ];
        let is_scenario = place.level() == Level::Scenario;
        let name_of = |option: &str| {
            let name = place.name_of(option);
            if is_scenario { format!("kafka.{name}") } else { name }
        };
        let free = cluster.client.iter().filter_map(|property| match property {
            values::Property::Set(key, value) if is_scenario => Some(said(key, value, format!("kafka.client.{key}"))),
            values::Property::Set(key, value) => Some(said(key, value, name_of("command-property"))),
            values::Property::Dump | values::Property::Unreadable => None,
        });
        let unreadable = cluster.client.contains(&values::Property::Unreadable);
        Self {
            level: place.level(),
            unreadable: unreadable.then(|| name_of("command-property")),
            file: cluster.command_config.clone(),
            variables: place.properties().map(|(key, value, name)| said(key, value, name.to_owned())).collect(),
            named: named
                .into_iter()
                .filter_map(|(option, key, value)| Some(said(key, &value?, name_of(option))))
                .collect(),
            free: free.collect(),
        }
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
    /// A properties file that cannot be read, a property that cannot be used, or two of one level that contradict each
    /// other.
    pub fn merge(levels: Vec<LevelProperties>) -> Result<Self, ConfigError> {
        let mut merged = Self::default();
        let mut file = None;
        for said in levels {
            if let Some(what) = said.unreadable {
                return Err(ConfigError::Value {
                    level: said.level,
                    what,
                    reason: "one of them is no key=value; it is not shown, since it may be a secret".to_owned(),
                    hint: "write it as key=value, for example linger.ms=0".to_owned(),
                });
            }
            let named = merged.translated(said.named, true)?;
            let free = merged.translated(said.free, true)?;
            if let Some((first, second)) = contradiction(&named, &free) {
                return Err(ConfigError::Conflict { level: said.level, first: shown(first), second: shown(second) });
            }
            merged.add(named.into_iter().chain(free.into_iter().rev()), Strength(said.level, Way::Options));
            let variables = merged.translated(said.variables, true)?;
            merged.add(variables, Strength(said.level, Way::Variables));
            if let (None, Some(path)) = (&file, said.file) {
                let properties = merged.translated(read_file(&path)?, false)?;
                merged.add(properties, Strength(said.level, Way::File));
                file = Some(path);
            }
        }
        merged.settle_idempotence()?;
        let default = |(key, value): (&str, &str)| said(key, value, Level::Default.to_string());
        merged.add(DEFAULTS.map(default), Strength(Level::Default, Way::Options));
        merged.refuse_redacted()?;
        merged.check_bootstrap()?;
        Ok(merged)
    }

    /// Properties in librdkafka's terms; what is settled already makes a Java counterpart needless.
    fn translated(&mut self, properties: Vec<Property>, for_loadgen: bool) -> Result<Vec<Property>, ConfigError> {
        let settled = |key: &str| self.settings.contains_key(key);
        let done = java::translate(properties, for_loadgen, settled).map_err(|refused| ConfigError::Property {
            key: refused.key,
            origin: refused.origin,
            reason: refused.reason,
            hint: refused.hint,
        })?;
        self.notes.extend(done.notes);
        let canonical = |property: Property| Property { key: canonical(&property.key).to_owned(), ..property };
        Ok(done.properties.into_iter().map(canonical).collect())
    }

    /// Adds what no stronger one has said.
    fn add(&mut self, properties: impl IntoIterator<Item = Property>, strength: Strength) {
        for Property { key, value, origin } in properties {
            self.settings.entry(key).or_insert_with(|| Setting { value, origin: origin.to_string(), strength });
        }
    }

    /// Idempotence needs acks=all. Where only weak acks are asked for, idempotence goes; where both are, the stronger one
    /// decides, and two of the same strength are refused.
    fn settle_idempotence(&mut self) -> Result<(), ConfigError> {
        let Some(acks) = self.settings.get("acks").filter(|acks| !matches!(acks.value.as_str(), "all" | "-1")) else {
            return Ok(());
        };
        let said = format!("acks={} ({})", acks.value, acks.origin);
        let off = Setting { value: "false".to_owned(), origin: format!("off with {said}"), strength: acks.strength };
        match self.settings.get("enable.idempotence").filter(|asked| is_true(&asked.value)) {
            Some(asked) => match asked.strength.cmp(&acks.strength) {
                Ordering::Less => {
                    self.notes.push(format!("{said} gives way to enable.idempotence=true ({})", asked.origin));
                    self.settings.remove("acks");
                    return Ok(());
                }
                Ordering::Equal => {
                    return Err(ConfigError::Property {
                        key: "enable.idempotence".to_owned(),
                        origin: asked.origin.clone(),
                        reason: format!("idempotence needs acks=all, but {said} is asked for too"),
                        hint: "leave one of them out: acks=0 and acks=1 switch idempotence off by themselves"
                            .to_owned(),
                    });
                }
                Ordering::Greater => {
                    self.notes.push(format!("enable.idempotence=true ({}) gives way to {said}", asked.origin));
                }
            },
            None if self.settings.contains_key("enable.idempotence") => return Ok(()),
            None => {}
        }
        self.settings.insert("enable.idempotence".to_owned(), off);
        Ok(())
    }

    /// A list of brokers that the client could only fail to reach.
    fn check_bootstrap(&self) -> Result<(), ConfigError> {
        let Some(setting) = self.get("bootstrap.servers").filter(|setting| !is_stand_in(&setting.value)) else {
            return Ok(());
        };
        let refused = |reason| ConfigError::Property {
            key: "bootstrap.servers".to_owned(),
            origin: setting.origin.clone(),
            reason,
            hint: "write host:port,host:port; without a port it is 9092".to_owned(),
        };
        let mut brokers = setting.value.split(',').map(str::trim).filter(|broker| !broker.is_empty()).peekable();
        if brokers.peek().is_none() {
            return Err(refused("it names no broker".to_owned()));
        }
        brokers.try_for_each(|broker| match port_of(broker) {
            _ if broker.contains('@') => {
                Err(refused("a broker's address has no user and no password in it".to_owned()))
            }
            _ if scheme_of(broker)
                .is_some_and(|scheme| !SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known))) =>
            {
                Err(refused(format!("\"{broker}\" is no address of a Kafka broker")))
            }
            Some(port) if !port.parse::<u16>().is_ok_and(|port| port > 0) => {
                Err(refused(format!("\"{broker}\" has no port from 1 to 65535")))
            }
            _ => Ok(()),
        })
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

    /// Where the brokers were named, for a hint: `--bootstrap-server`, `KAFKA_BROKERS in .env`.
    #[must_use]
    pub fn bootstrap_said_by(&self) -> String {
        match self.get("bootstrap.servers") {
            Some(Setting { origin, strength: Strength(Level::EnvFile, _), .. }) => format!("{origin} in .env"),
            Some(Setting { origin, .. }) => origin.clone(),
            None => String::new(),
        }
    }

    /// The brokers to start from, or what stands in for them.
    #[must_use]
    pub fn bootstrap_or_stand_in(&self) -> &str {
        self.get("bootstrap.servers").map_or(EMBEDDED, |setting| setting.value.as_str())
    }

    /// The brokers to start from; `None` where that is the embedded one, or nowhere.
    #[must_use]
    pub fn bootstrap(&self) -> Option<&str> {
        self.get("bootstrap.servers").map(|setting| setting.value.as_str()).filter(|servers| !is_stand_in(servers))
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
        if self.settings.contains_key("security.protocol") {
            return Ok(());
        }
        let first = |start: &str| self.settings.iter().find(|(key, _)| key.starts_with(start));
        let login = first("sasl.username").or_else(|| first("sasl."));
        let (found, reason, protocols) = match (login, first("ssl.")) {
            (Some(login), _) => (login, "there is no login, the connection is plain", "sasl_ssl or sasl_plaintext"),
            (None, Some(tls)) => (tls, "there is no TLS, the connection is plain", "ssl, or to sasl_ssl with a login"),
            (None, None) => return Ok(()),
        };
        let (key, setting) = found;
        Err(ConfigError::Property {
            key: key.clone(),
            origin: setting.origin.clone(),
            reason: format!("without security.protocol {reason}"),
            hint: format!("set security.protocol (or SECURITY_PROTOCOL) to {protocols}, or to plaintext to do without"),
        })
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

/// What may stand before `://` in a broker's address, in any case of letters.
const SCHEMES: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];

/// What stands before `://`.
fn scheme_of(broker: &str) -> Option<&str> {
    broker.split_once("://").map(|(scheme, _)| scheme)
}

/// What stands where a broker's port would.
fn port_of(broker: &str) -> Option<&str> {
    let address = broker.split_once("://").map_or(broker, |(_, address)| address);
    let after_host = match address.rfind(']') {
        Some(end) => &address[end + 1..],
        None => address,
    };
    after_host.rsplit_once(':').map(|(_, port)| port)
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
