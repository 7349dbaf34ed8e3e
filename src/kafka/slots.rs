//! The partitions of all topics of a run in one row: slot 0 is the first topic's partition 0, and so on, topic after topic.
//!
//! Counters, offsets and orders are kept by slot, so that a run with several topics is counted like one with more partitions,
//! by one verifier. Only the client itself and the reports know topics; with a single topic a slot is its partition.

use super::murmur2;

/// The topics of a run, and which type of event goes into which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slots {
    topics: Vec<Span>,
    /// Index of the topic by the type's index; types beyond its end go into the first.
    of_kind: Vec<usize>,
    /// Whether any type may be in any topic.
    any_kind: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    name: String,
    first: i32,
    partitions: i32,
}

impl Slots {
    /// These topics with so many partitions each; `of_kind` has the index of each type's topic.
    #[must_use]
    pub fn new(topics: impl IntoIterator<Item = (String, i32)>, of_kind: Vec<usize>) -> Self {
        let mut first = 0;
        let topics = topics
            .into_iter()
            .map(|(name, partitions)| {
                let span = Span { name, first, partitions };
                first += partitions;
                span
            })
            .collect();
        Self { topics, of_kind, any_kind: false }
    }

    /// One topic for everything.
    #[must_use]
    pub fn of_one(topic: &str, partitions: i32) -> Self {
        Self::new([(topic.to_owned(), partitions)], Vec::new())
    }

    /// Topics that may each hold every type of event.
    #[must_use]
    pub fn unmapped(topics: impl IntoIterator<Item = (String, i32)>) -> Self {
        Self { any_kind: true, ..Self::new(topics, Vec::new()) }
    }

    /// The topics' names, the first one's first.
    pub fn topics(&self) -> impl Iterator<Item = (&str, i32)> {
        self.topics.iter().map(|span| (span.name.as_str(), span.partitions))
    }

    /// Whether there is only one.
    #[must_use]
    pub const fn is_one(&self) -> bool {
        self.topics.len() < 2
    }

    /// All partitions together.
    #[must_use]
    pub fn len(&self) -> i32 {
        self.topics.iter().map(|span| span.partitions).sum()
    }

    /// Whether there is no partition at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index of the topic of a type of event.
    #[must_use]
    pub fn topic_of(&self, kind: usize) -> usize {
        self.of_kind.get(kind).copied().unwrap_or(0)
    }

    /// The slot of a partition of a topic, by its index; `None` where the topic has none of that number.
    #[must_use]
    pub fn slot_in(&self, topic: usize, partition: i32) -> Option<i32> {
        let span = self.topics.get(topic)?;
        (0..span.partitions).contains(&partition).then_some(span.first + partition)
    }

    /// Where Java's client puts a key of that type.
    #[must_use]
    pub fn home(&self, kind: usize, key: &[u8]) -> i32 {
        self.topics.get(self.topic_of(kind)).map_or(0, |span| span.first + murmur2::partition(key, span.partitions))
    }

    /// Where Java's client puts a key of that type that was found in slot `found`: in the topic of its type, or, where any type
    /// may be in any topic, in that one.
    #[must_use]
    pub fn home_of_found(&self, kind: usize, key: &[u8], found: i32) -> i32 {
        let Some(topic) = self.topic_at(found).filter(|_| self.any_kind) else { return self.home(kind, key) };
        self.topics.get(topic).map_or(0, |span| span.first + murmur2::partition(key, span.partitions))
    }

    /// The topic and the partition of a slot.
    #[must_use]
    pub fn place(&self, slot: i32) -> Option<(&str, i32)> {
        let span = self.topics.iter().find(|span| (span.first..span.first + span.partitions).contains(&slot))?;
        Some((&span.name, slot - span.first))
    }

    /// The index of the topic of a slot.
    #[must_use]
    pub fn topic_at(&self, slot: i32) -> Option<usize> {
        self.topics.iter().position(|span| (span.first..span.first + span.partitions).contains(&slot))
    }

    /// Slots in words: `[0, 2]` of one topic, `[events 0, stock 1]` of several.
    #[must_use]
    pub fn told(&self, slots: &[i32]) -> String {
        let told = |slot: &i32| match self.place(*slot) {
            Some((topic, partition)) if !self.is_one() => format!("{topic} {partition}"),
            _ => slot.to_string(),
        };
        format!("[{}]", slots.iter().map(told).collect::<Vec<_>>().join(", "))
    }

    /// The slot of a topic's partition; `None` for what is none of the run's, and for partitions that came later.
    #[must_use]
    pub fn slot(&self, topic: &[u8], partition: i32) -> Option<i32> {
        let span = self.topics.iter().find(|span| span.name.as_bytes() == topic)?;
        (0..span.partitions).contains(&partition).then_some(span.first + partition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_follow_topic_after_topic() {
        let slots = Slots::new([("events".to_owned(), 3), ("stock".to_owned(), 2)], vec![0, 0, 1]);
        assert_eq!((slots.len(), slots.is_one()), (5, false));
        for slot in 0..5 {
            let (topic, partition) = slots.place(slot).unwrap();
            assert_eq!(slots.slot(topic.as_bytes(), partition), Some(slot));
            assert_eq!(slots.topic_at(slot), Some(usize::from(slot >= 3)));
        }
        assert_eq!((slots.place(5), slots.place(-1)), (None, None));
        assert_eq!(slots.told(&[0, 4]), "[events 0, stock 1]");
        assert_eq!(Slots::of_one("events", 3).told(&[0, 2]), "[0, 2]");
        assert_eq!((slots.slot(b"stock", 2), slots.slot(b"other", 0)), (None, None));
    }

    #[test]
    fn where_any_type_may_be_anywhere_a_key_lives_in_the_topic_it_was_found_in() {
        let slots = Slots::unmapped([("events".to_owned(), 3), ("stock".to_owned(), 2)]);
        assert_eq!(slots.home_of_found(0, b"7", 1), murmur2::partition(b"7", 3));
        assert_eq!(slots.home_of_found(0, b"7", 4), 3 + murmur2::partition(b"7", 2));
    }

    #[test]
    fn keys_live_in_the_topic_of_their_type() {
        let slots = Slots::new([("events".to_owned(), 3), ("stock".to_owned(), 2)], vec![0, 1]);
        for key in 0..50_u32 {
            let key = key.to_string();
            assert_eq!(slots.home(0, key.as_bytes()), murmur2::partition(key.as_bytes(), 3));
            assert_eq!(slots.home(1, key.as_bytes()), 3 + murmur2::partition(key.as_bytes(), 2));
            assert_eq!(slots.home(9, key.as_bytes()), slots.home(0, key.as_bytes()), "types without a topic");
        }
    }
}
