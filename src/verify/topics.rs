//! The topics as they were when reading began, and whether one of them has been deleted and made anew since.
//!
//! A name says nothing of which log it stands for, and librdkafka goes on at its old offset in the new one: only the topic's id tells.

use std::sync::OnceLock;

use crate::kafka::{Code, TopicIdentity};

/// The topics that are read, shared by all who look at them.
#[derive(Debug, Default)]
pub struct Topics {
    /// Each with its id, where the cluster tells one.
    known: Vec<(String, Option<String>)>,
    anew: OnceLock<Anew>,
}

/// What was seen when one was first seen to be another.
#[derive(Debug)]
struct Anew {
    topics: Vec<String>,
    sentence: String,
}

impl Topics {
    /// These topics, each with the id that it has now.
    #[must_use]
    pub const fn new(known: Vec<(String, Option<String>)>) -> Self {
        Self { known, anew: OnceLock::new() }
    }

    /// Their names; none where no id is known, so that nothing can be compared.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        if self.known.iter().all(|(_, id)| id.is_none()) {
            return Vec::new();
        }
        self.known.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Compares with what the cluster told at `at_unix_ns`, in the order of the names. True where one is another.
    pub fn compare(&self, told: &[Result<TopicIdentity, Code>], at_unix_ns: u64) -> bool {
        let others: Vec<(&str, &str, &str)> = self
            .known
            .iter()
            .zip(told)
            .filter_map(|((name, known), told)| {
                let (known, now) = (known.as_deref()?, told.as_ref().ok()?.id.as_deref()?);
                (known != now).then_some((name.as_str(), known, now))
            })
            .collect();
        if let Some((name, known, now)) = others.first() {
            self.anew.get_or_init(|| Anew {
                topics: others.iter().map(|(name, ..)| (*name).to_owned()).collect(),
                sentence: format!(
                    "topic \"{name}\" was deleted and made anew at about {} (its id was {known} and is {now} now)",
                    time_of_day(at_unix_ns)
                ),
            });
        }
        self.anew.get().is_some()
    }

    /// Which one was made anew, in a sentence.
    #[must_use]
    pub fn made_anew(&self) -> Option<&str> {
        self.anew.get().map(|anew| anew.sentence.as_str())
    }

    /// All that were made anew.
    #[must_use]
    pub fn all_made_anew(&self) -> Vec<&str> {
        self.anew.get().map_or_else(Vec::new, |anew| anew.topics.iter().map(String::as_str).collect())
    }
}

/// To the second, in UTC.
fn time_of_day(unix_ns: u64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(unix_ns))
        .map_or_else(|_| "an unknown time".to_owned(), |at| at.strftime("%H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "as the cluster tells it")]
    fn told(id: &str) -> Result<TopicIdentity, Code> {
        Ok(TopicIdentity { id: Some(id.to_owned()), partitions: 3 })
    }

    #[test]
    fn another_id_is_another_topic_and_what_is_not_told_says_nothing() {
        let topics = Topics::new(vec![("a".to_owned(), Some("1".to_owned())), ("b".to_owned(), None)]);
        assert_eq!(topics.names(), ["a", "b"]);
        assert!(!topics.compare(&[told("1"), told("7")], 0));
        assert!(!topics.compare(&[Err(Code::UnknownTopicOrPartition), told("8")], 0));
        assert!(!topics.compare(&[Ok(TopicIdentity::default()), told("8")], 0));
        assert_eq!(topics.made_anew(), None);
        assert!(topics.compare(&[told("2"), told("8")], 43_200_000_000_000));
        let sentence = topics.made_anew().unwrap();
        assert_eq!(sentence, "topic \"a\" was deleted and made anew at about 12:00:00 UTC (its id was 1 and is 2 now)");
        assert!(topics.compare(&[told("1"), told("8")], 0), "once seen it stays so");
        assert_eq!(topics.all_made_anew(), ["a"]);
    }

    #[test]
    fn where_no_id_is_known_nothing_is_asked() {
        assert_eq!(Topics::new(vec![("a".to_owned(), None)]).names(), [""; 0]);
    }
}
