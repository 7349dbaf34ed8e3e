//! Under which subject a schema is kept: the strategies that all clients of registries know.

use std::fmt;
use std::str::FromStr;

/// Which part of a record a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its key.
    Key,
    /// Its value.
    Value,
}

/// How subjects are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// `orders-value`: one type of event in a topic.
    TopicName,
    /// `shop.events.View`: one type of event, whatever topic it is in.
    RecordName,
    /// `orders-shop.events.View`: several types of events in a topic.
    TopicRecordName,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 3] = [Self::TopicName, Self::RecordName, Self::TopicRecordName];

    /// The one that a topic with so many types of events needs.
    #[must_use]
    pub const fn for_types(types: usize) -> Self {
        if types > 1 { Self::TopicRecordName } else { Self::TopicName }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TopicName => "topic-name",
            Self::RecordName => "record-name",
            Self::TopicRecordName => "topic-record-name",
        }
    }

    /// The subject of a schema; `record` is the full name of what it describes, with its namespace or package.
    #[must_use]
    pub fn subject(self, topic: &str, record: &str, part: Part) -> String {
        match (self, part) {
            (Self::TopicName, Part::Value) => format!("{topic}-value"),
            (Self::TopicName, Part::Key) => format!("{topic}-key"),
            (Self::RecordName, _) => record.to_owned(),
            (Self::TopicRecordName, _) => format!("{topic}-{record}"),
        }
    }
}

/// A text that is no strategy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no subject strategy; they are topic-name, record-name and topic-record-name")]
pub struct UnknownStrategy(String);

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    /// Also as Confluent's clients write it: `TopicRecordNameStrategy`, with its package or without.
    fn from_str(text: &str) -> Result<Self, UnknownStrategy> {
        let name = text.rsplit('.').next().unwrap_or(text).to_ascii_lowercase();
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match name.trim_end_matches("strategy") {
            "topicname" => Ok(Self::TopicName),
            "recordname" => Ok(Self::RecordName),
            "topicrecordname" => Ok(Self::TopicRecordName),
            _ => Err(UnknownStrategy(text.to_owned())),
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_named_as_other_clients_name_it() {
        let subject = |strategy: Strategy, part| strategy.subject("orders", "shop.events.View", part);
        assert_eq!(subject(Strategy::TopicName, Part::Value), "orders-value");
        assert_eq!(subject(Strategy::TopicName, Part::Key), "orders-key");
        assert_eq!(subject(Strategy::RecordName, Part::Value), "shop.events.View");
        assert_eq!(subject(Strategy::TopicRecordName, Part::Value), "orders-shop.events.View");
    }

    #[test]
    fn a_strategy_is_read_as_it_is_written_and_as_other_clients_write_it() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.to_string().parse(), Ok(strategy));
        }
        let java = "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy";
        assert_eq!(java.parse(), Ok(Strategy::TopicRecordName));
        assert_eq!("TopicName".parse(), Ok(Strategy::TopicName));
        assert_eq!("record_name".parse(), Ok(Strategy::RecordName));
        assert!("strategy".parse::<Strategy>().unwrap_err().to_string().contains("topic-record-name"));
    }
}
