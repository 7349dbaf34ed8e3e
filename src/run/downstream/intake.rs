//! What is read of input and output, each partition in the order of its log: told to the oracle, or kept while the registry does not
//! say what it is.

use std::collections::BTreeMap;

use super::schemas::Schemas;
use super::{Partition, Topic};
use crate::clock::Nanos;
use crate::expect::{Closing, Oracle, Record};
use crate::kafka::slots::Slots;
use crate::kafka::{self, Code, Delivered};
use crate::verify::{Item, Unjudged};
use crate::wire::framing::SchemaId;

/// Takes what readers deliver.
pub(super) struct Intake {
    pub(super) oracle: Oracle,
    /// The names of the topics, in their order.
    names: Vec<String>,
    topics: Vec<Topic>,
    /// By slot.
    pub(super) partitions: Vec<Partition>,
    pub(super) schemas: Schemas,
    /// What nobody can say anything of yet, and what follows it.
    held: Unjudged,
    /// By topic, why nobody knows what a record of it is.
    unknown: BTreeMap<String, String>,
    /// By source, events that name a schema, of which some expectation took each first: what closes windows is made of them.
    samples: BTreeMap<usize, Vec<Box<[u8]>>>,
}

impl Intake {
    pub(super) fn new(
        oracle: Oracle,
        slots: &Slots,
        topics: Vec<Topic>,
        partitions: Vec<Partition>,
        schemas: Schemas,
    ) -> Self {
        let names = slots.topics().map(|(name, _)| name.to_owned()).collect();
        let (held, unknown, samples) = (Unjudged::default(), BTreeMap::new(), BTreeMap::new());
        Self { oracle, names, topics, partitions, schemas, held, unknown, samples }
    }

    /// Takes what was delivered at `at` since the Unix epoch; whether it was of an output, and is judged.
    pub(super) fn deliver(&mut self, delivered: Delivered<'_>, at: Nanos) -> bool {
        let (Delivered::Record(kafka::Record { partition: slot, .. })
        | Delivered::EndOfPartition { partition: slot, .. }
        | Delivered::Error { partition: slot, .. }) = delivered;
        let Some(state) = usize::try_from(slot).ok().and_then(|index| self.partitions.get_mut(index)) else {
            return false;
        };
        match delivered {
            // It was delivered before, by whoever read up to there.
            Delivered::Record(record) if record.offset < state.taken_to => false,
            Delivered::Record(record) => {
                state.taken_to = record.offset + 1;
                if record.body.is_some_and(|body| self.schemas.awaits(body)) || self.held.has(slot) {
                    self.held.keep(&record, at);
                    return false;
                }
                self.judge(&record, at)
            }
            Delivered::EndOfPartition { offset, .. } => {
                state.taken_to = state.taken_to.max(offset);
                if self.held.has(slot) {
                    self.held.keep_end(slot, offset, at);
                } else {
                    self.note_end(slot, offset);
                }
                false
            }
            Delivered::Error { code: code @ (Code::AutoOffsetReset | Code::LogTruncation), .. } => {
                state.broken = Some(code);
                false
            }
            Delivered::Error { .. } => false,
        }
    }

    /// Takes up what was kept and can be judged now; whether any of it was of an output.
    pub(super) fn take_up_held(&mut self) -> bool {
        self.schemas.hear();
        if self.held.is_empty() {
            return false;
        }
        let Self { held, schemas, .. } = self;
        let ready = held.ready(|record| record.body.is_some_and(|body| schemas.still_awaits(body)));
        let mut has_output = false;
        for (slot, item) in ready {
            match item {
                Item::Record(held) => has_output |= self.judge(&held.record(), held.at),
                Item::End(offset, _) => self.note_end(slot, offset),
            }
        }
        has_output
    }

    /// Whether there is no room for more that must be kept.
    pub(super) const fn is_full(&self) -> bool {
        self.held.is_full()
    }

    /// Whether nothing is waited for, with the input that was taken.
    pub(super) fn is_settled(&self) -> bool {
        self.held.is_empty() && self.oracle.is_settled()
    }

    fn judge(&mut self, record: &kafka::Record<'_>, at: Nanos) -> bool {
        let Self { oracle, names, topics, partitions, schemas, unknown, samples, .. } = self;
        let state = usize::try_from(record.partition).ok().and_then(|index| partitions.get_mut(index));
        let Some(state) = state else { return false };
        state.position = record.offset + 1;
        let body = record.body.map(|body| {
            schemas.json(body).unwrap_or_else(|why| {
                let name = &names[state.topic];
                if !unknown.contains_key(name) {
                    tracing::warn!("results that need {name} are not judged: {why}");
                    unknown.insert(name.clone(), why.to_owned());
                }
                body
            })
        });
        let seen_at = unix_ms_of(at);
        let of = |at_ms| Record { partition: state.number, offset: record.offset, at_ms, body };
        let Topic { source, output } = topics[state.topic];
        if let Some(source) = source {
            let is_first = oracle.input(source, &of(record.timestamp.unix_ms().unwrap_or(seen_at)));
            let sample = record.body.filter(|body| is_first && SchemaId::of(body).is_some());
            if let Some(sample) = sample {
                samples.entry(source).or_default().push(sample.into());
            }
        }
        let output = output.filter(|_| record.offset >= state.start);
        if let Some(output) = output {
            oracle.output(output, &of(seen_at));
        }
        output.is_some()
    }

    fn note_end(&mut self, slot: i32, offset: i64) {
        let Some(state) = usize::try_from(slot).ok().and_then(|index| self.partitions.get_mut(index)) else { return };
        state.position = state.position.max(offset);
        if let Some(source) = self.topics[state.topic].source {
            self.oracle.at_end(source, state.number);
        }
    }

    /// Events of that time that close the windows of a source, with the partitions that they go to.
    pub(super) fn closing(&mut self, source: usize, at_ms: i64) -> Vec<(i32, Vec<u8>)> {
        let Self { oracle, schemas, samples, .. } = self;
        let samples = samples.get(&source).filter(|samples| !samples.is_empty());
        let mut fresh = u128::from(at_ms.unsigned_abs()) << 64;
        let mut body = |closing: &Closing| {
            let Some(samples) = samples else { return Some(closing.json().into_bytes()) };
            // Ids of several fields follow each other.
            fresh += 1 << 32;
            samples.iter().find_map(|sample| schemas.closing(sample, closing, fresh))
        };
        let events = oracle.closing(source, at_ms);
        let made = events.iter().filter_map(|closing| Some((closing.partition, body(closing)?))).collect::<Vec<_>>();
        if made.len() < events.len() {
            tracing::warn!("windows stay open: no event was read whose key could be one that closes them");
        }
        made
    }

    /// Whether a slot is of the input.
    pub(super) fn is_source(&self, state: &Partition) -> bool {
        self.topics[state.topic].source.is_some()
    }

    /// What lies behind the targets is no part of the run.
    pub(super) fn end_run(&mut self) {
        for state in &self.partitions {
            if let (Some(source), Some(end)) = (self.topics[state.topic].source, state.target) {
                self.oracle.ends_at(source, state.number, end);
            }
        }
    }

    /// Why the input of a topic is not known to its end, by topic.
    pub(super) fn unread(&self) -> BTreeMap<String, String> {
        let mut why = BTreeMap::new();
        for state in self.partitions.iter().filter(|state| self.is_source(state)) {
            let (topic, partition) = (&self.names[state.topic], state.number);
            let reason = match (state.broken, state.target) {
                (Some(code), _) => format!("partition {partition} of {topic} could not be read on ({code})"),
                (None, None) => format!("where partition {partition} of {topic} ends is not known"),
                (None, Some(target)) if state.position < target => {
                    format!("partition {partition} of {topic} was read to {}, and ends at {target}", state.position)
                }
                (None, Some(_)) => continue,
            };
            why.entry(topic.clone()).or_insert(reason);
        }
        why
    }

    /// Why what a topic holds is not all known, by topic.
    pub(super) fn unknown(&mut self) -> BTreeMap<String, String> {
        let mut why = self.unread();
        for record in self.held.firsts() {
            let state = usize::try_from(record.partition).ok().and_then(|index| self.partitions.get(index));
            if let (Some(state), Some(body)) = (state, record.body) {
                why.insert(self.names[state.topic].clone(), self.schemas.silence(body));
            }
        }
        why.extend(std::mem::take(&mut self.unknown));
        why
    }

    /// What is left to judge it by.
    pub(super) fn into_parts(self) -> (Oracle, Schemas, Vec<Topic>, Vec<Partition>) {
        (self.oracle, self.schemas, self.topics, self.partitions)
    }
}

fn unix_ms_of(at: Nanos) -> i64 {
    i64::try_from(at.0 / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::expect::{Expectation, Log, RunFacts};
    use crate::kafka::Timestamp;
    use crate::kafka::headers::Headers;
    use crate::registry::Access;
    use crate::registry::stub::{Mood, Stub};
    use crate::wire::framing;

    const AVRO: &str = r#"{"type": "record", "name": "Total", "fields": [
        {"name": "k", "type": "string"}, {"name": "v", "type": "int"}]}"#;
    const EXPECT: &str = r#"
        name = "count"
        source = "in"
        key = "k"
        time = "t"
        output = { topic = "out", key = "k", value = "v" }
    "#;

    /// Of one partition of the input, slot 0, and one of the output.
    fn intake(registry: &Stub) -> Intake {
        let access = Access { timeout: Duration::from_millis(100), ..Access::at(&registry.url()).unwrap() };
        let known = RunFacts {
            catalogue: &crate::shop::catalogue().unwrap(),
            topic_of: &|_| "raw-events".to_owned(),
            usual: "raw-events",
            truth: None,
        };
        let expectations = Expectation::all(&[toml::from_str(EXPECT).unwrap()], known).unwrap();
        let logs = BTreeMap::from([("in".to_owned(), Log { starts: vec![0], is_whole: true })]);
        let oracle = Oracle::new(&expectations, &logs, false, None);
        let topics = vec![Topic { source: Some(0), output: None }, Topic { source: None, output: Some(0) }];
        let partitions = vec![Partition::default(), Partition { topic: 1, ..Partition::default() }];
        let slots = Slots::unmapped([("in".to_owned(), 1), ("out".to_owned(), 1)]);
        Intake::new(oracle, &slots, topics, partitions, Schemas::new(Some(&access)).unwrap())
    }

    fn deliver(intake: &mut Intake, partition: i32, offset: i64, body: &[u8]) -> bool {
        let (timestamp, headers, body) = (Timestamp::Create(1), Headers::default(), Some(body));
        let record = kafka::Record { partition, offset, timestamp, key: None, body, headers, leader_epoch: 0 };
        intake.deliver(Delivered::Record(record), Nanos::ZERO)
    }

    #[test]
    fn results_wait_for_a_registry_that_is_silent_and_are_judged_when_it_has_spoken() {
        let registry = Stub::start();
        let id = registry.register("out-value", &json!({ "schema": AVRO }));
        registry.set(Mood::HangsUp);
        let mut intake = intake(&registry);
        for offset in 0..2 {
            deliver(&mut intake, 0, offset, br#"{"k":"a","t":5}"#);
            // A length of one, "a", and a number in zigzag.
            let total = [&b"\x02a"[..], &[u8::try_from(2 * (offset + 1)).unwrap()]].concat();
            assert!(!deliver(&mut intake, 1, offset, &[framing::confluent(id, None), total].concat()));
        }
        intake.deliver(Delivered::EndOfPartition { partition: 1, offset: 2 }, Nanos::ZERO);
        for state in &mut intake.partitions {
            state.target = Some(2);
        }
        while intake.unknown().get("out").is_none_or(|why| why.ends_with("has not answered")) {
            assert!(!intake.take_up_held());
            std::thread::yield_now();
        }
        assert!(!intake.is_settled());
        assert!(intake.unknown()["out"].contains("schema id 1 is not known"), "{:?}", intake.unknown());
        registry.set(Mood::Well);
        while !intake.take_up_held() {
            std::thread::yield_now();
        }
        assert!(intake.is_settled());
        assert_eq!((intake.unknown(), intake.partitions[1].position), (BTreeMap::new(), 2));
        let (reports, _) = intake.into_parts().0.end(0, &BTreeMap::new());
        assert_eq!((reports[0].expected, reports[0].right, reports[0].superseded), (1, 1, 1));
    }

    #[test]
    fn what_two_readers_deliver_is_taken_once() {
        let registry = Stub::start();
        let mut intake = intake(&registry);
        for offset in [0, 1, 0, 1, 2] {
            deliver(&mut intake, 0, offset, br#"{"k":"a","t":5}"#);
        }
        assert!(deliver(&mut intake, 1, 7, br#"{"k":"a","v":3}"#));
        assert!(!deliver(&mut intake, 1, 7, br#"{"k":"a","v":3}"#));
        let (reports, _) = intake.into_parts().0.end(0, &BTreeMap::new());
        assert_eq!((reports[0].right, reports[0].superseded), (1, 0));
    }
}
