//! Client properties: Java-style `.properties` files, names of both clients, and which values are secret.

pub mod java;
mod parse;
mod redact;

use std::collections::BTreeMap;
use std::fmt;

pub use parse::{PropertiesError, parse};
pub use redact::{REDACTED, redact};

/// One property as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Where it was written.
    pub origin: Origin,
}

/// Without secrets.
impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={} ({})", self.key, redact(&self.key, &self.value), self.origin)
    }
}

/// Where a property was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file.
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// An option, a variable or a key, by its name.
    Setting(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { file, line } => write!(f, "{file} line {line}"),
            Self::Setting(name) => f.write_str(name),
        }
    }
}

/// Properties for reports, dumps and logs: without secrets.
#[must_use]
pub fn redacted(properties: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    properties.iter().map(|(key, value)| (key.clone(), redact(key, value).into_owned())).collect()
}

/// librdkafka's names for the same property; the first one is used here.
const SAME: [&[&str]; 14] = [
    &["acks", "request.required.acks"],
    &["bootstrap.servers", "metadata.broker.list"],
    &["compression.type", "compression.codec"],
    &["delivery.timeout.ms", "message.timeout.ms"],
    &["linger.ms", "queue.buffering.max.ms"],
    &["retries", "message.send.max.retries"],
    &["max.in.flight.requests.per.connection", "max.in.flight"],
    &["sasl.mechanisms", "sasl.mechanism"],
    &["fetch.wait.max.ms", "fetch.max.wait.ms"],
    &["max.partition.fetch.bytes", "fetch.message.max.bytes"],
    &["auto.offset.reset", "topic.auto.offset.reset"],
    &["message.max.bytes", "max.request.size"],
    &["socket.send.buffer.bytes", "send.buffer.bytes"],
    &["socket.receive.buffer.bytes", "receive.buffer.bytes"],
];

/// One name for each property: librdkafka knows some by two, and the Java client by a third.
#[must_use]
pub fn canonical(key: &str) -> &str {
    SAME.iter().find(|names| names.contains(&key)).map_or(key, |names| names[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_has_one_name() {
        assert_eq!(canonical("request.required.acks"), "acks");
        assert_eq!(canonical("acks"), "acks");
        assert_eq!(canonical("max.request.size"), "message.max.bytes");
        assert_eq!(canonical("client.id"), "client.id");
    }
}
