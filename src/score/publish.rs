//! Scores on their way: records of a transaction, and how it ends.

use std::io::Write as _;
use std::time::Duration;

use serde::Serialize;

use super::{Config, MOST, OPEN, PATIENCE};
use crate::clock::{Clock, Monotonic, Nanos, wall_unix_ns};
use crate::fraud::{Event, Features, NAMES};
use crate::kafka::headers::Headers;
use crate::kafka::native::{Member, Message, Producer};
use crate::kafka::{Answer, Code, Remedy, Settings, TransactionError, settings};

/// The coordinator aborts a transaction that is open for longer: what a scorer had begun that was killed is in nobody's way for longer.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// One try of a step that may take several.
const TRY: Duration = Duration::from_secs(1);
/// One that waits for what only happens between two of them.
const SHORT_TRY: Duration = Duration::from_millis(100);

/// A transactional producer of scores.
pub(super) struct Publisher {
    producer: Producer,
    model: String,
    clock: Monotonic,
    is_begun: bool,
    /// When the first record of the open transaction was handed over.
    since: Option<Nanos>,
    sent: u64,
    answered: u64,
    /// Why a record was not delivered.
    failed: Option<Code>,
    body: Vec<u8>,
}

#[derive(Serialize)]
struct Record<'a> {
    event_id: &'a str,
    user_id: &'a str,
    score: f64,
    model: &'a str,
    scored_at: u64,
}

impl Publisher {
    pub(super) fn new(config: &Config) -> Result<Self, super::ScoreError> {
        let producer = Producer::new(&producer_settings(config), &config.scores)?;
        let patience = Duration::from(PATIENCE);
        producer.metadata(&config.scores, config.connect_timeout)?;
        producer.init_transactions(patience)?;
        Ok(Self {
            producer,
            model: config.model.name().to_owned(),
            clock: Monotonic::start(),
            is_begun: false,
            since: None,
            sent: 0,
            answered: 0,
            failed: None,
            body: Vec::new(),
        })
    }

    /// Makes sure that a transaction is open.
    pub(super) fn begin(&mut self) -> Result<(), TransactionError> {
        if !self.is_begun {
            self.producer.begin_transaction()?;
            self.is_begun = true;
        }
        Ok(())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.sent == 0
    }

    /// Whether the open transaction is to be committed.
    pub(super) fn is_due(&self, now: Nanos) -> bool {
        self.since.is_some_and(|since| self.sent >= MOST || now >= since + OPEN) || self.failed.is_some()
    }

    /// How long it may still be open.
    pub(super) fn left(&self, now: Nanos) -> Option<Nanos> {
        self.since.map(|since| (since + OPEN).saturating_since(now))
    }

    /// Whether the coordinator may have aborted the open transaction by itself, and fenced this producer with it.
    pub(super) fn is_over_time(&self, now: Nanos) -> bool {
        self.since.is_some_and(|since| now >= since + Nanos::from(TRANSACTION_TIMEOUT))
    }

    pub(super) fn fatal(&self) -> Option<(Code, String)> {
        self.producer.fatal()
    }

    /// Hands a score over. What goes wrong shows when the transaction ends.
    pub(super) fn publish(&mut self, event: &Event<'_>, score: f64, features: Option<&Features>, now: Nanos) {
        let user = String::from_utf8_lossy(&event.user);
        let record = Record {
            event_id: &String::from_utf8_lossy(&event.id),
            user_id: &user,
            score,
            model: &self.model,
            scored_at: wall_unix_ns() / 1_000_000,
        };
        self.body.clear();
        if serde_json::to_writer(&mut self.body, &record).is_err() {
            // Nothing of it can fail to be written.
            self.failed = Some(Code::InvalidArgument);
        }
        if let Some(features) = features {
            with_features(&mut self.body, features);
        }
        self.since.get_or_insert(now);
        let message = Message {
            topic: 0,
            partition: None,
            key: Some(user.as_bytes()),
            body: Some(&self.body),
            headers: Headers::default(),
            create_ms: None,
            ticket: 0,
        };
        while self.failed.is_none() {
            match self.producer.produce_one(&message) {
                Ok(()) => {
                    self.sent += 1;
                    return;
                }
                Err(Code::QueueFull) => {
                    Self::serve(&self.producer, Duration::from_millis(10), &mut self.answered, &mut self.failed);
                }
                Err(code) => self.failed = Some(code),
            }
        }
    }

    fn serve(producer: &Producer, wait: Duration, answered: &mut u64, failed: &mut Option<Code>) {
        producer.serve(
            wait,
            |report| {
                *answered += 1;
                match report.answer {
                    Answer::Acked => {}
                    Answer::Refused(code) | Answer::Unanswered(code) => {
                        failed.get_or_insert(code);
                    }
                }
            },
            |_| {},
        );
    }

    /// Commits the open transaction and with it how far `member` has read.
    pub(super) fn commit(&mut self, member: &Member, read: &[(i32, i64, i64)]) -> Result<(), TransactionError> {
        let since = self.clock.now();
        while self.answered < self.sent && self.failed.is_none() && self.clock.now() < since + PATIENCE {
            self.producer.flush(Duration::from_millis(1));
            Self::serve(&self.producer, Duration::from_millis(1), &mut self.answered, &mut self.failed);
        }
        if let Some(code) = self.failed {
            let text = "a score was not delivered".to_owned();
            return Err(TransactionError { code, text, remedy: Remedy::Abort });
        }
        self.retried(|producer| producer.send_offsets(member, read, TRY))?;
        self.retried(|producer| producer.commit_transaction(TRY))?;
        self.close();
        Ok(())
    }

    /// Takes back all that was not committed.
    pub(super) fn abort(&mut self) -> Result<(), TransactionError> {
        let since = self.clock.now();
        loop {
            // It waits until the reports are taken of what it purges: of a transaction that was given up meanwhile there are some.
            Self::serve(&self.producer, Duration::from_millis(2), &mut self.answered, &mut self.failed);
            match self.producer.abort_transaction(SHORT_TRY) {
                Err(error) if error.remedy != Remedy::Nothing && self.clock.now() < since + PATIENCE => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        Self::serve(&self.producer, Duration::ZERO, &mut self.answered, &mut self.failed);
        self.close();
        Ok(())
    }

    fn retried(&self, step: impl Fn(&Producer) -> Result<(), TransactionError>) -> Result<(), TransactionError> {
        let since = self.clock.now();
        loop {
            match step(&self.producer) {
                Err(error) if error.remedy == Remedy::Again && self.clock.now() < since + PATIENCE => {
                    self.clock.sleep_until(self.clock.now() + Nanos::from_millis(2));
                }
                ended => return ended,
            }
        }
    }

    fn close(&mut self) {
        (self.is_begun, self.since, self.sent, self.answered, self.failed) = (false, None, 0, 0, None);
    }
}

/// Puts the features into a record, as its last field.
fn with_features(body: &mut Vec<u8>, features: &Features) {
    body.pop();
    let mut before = ",\"features\":{";
    for (name, value) in NAMES.iter().zip(features) {
        // Writing into a Vec cannot fail.
        write!(body, "{before}\"{name}\":{value}").unwrap_or_default();
        before = ",";
    }
    body.extend_from_slice(b"}}");
}

fn producer_settings(config: &Config) -> Settings {
    let mut own = settings::of_a_producer(&config.client);
    own.remove("delivery.timeout.ms");
    let longest = TRANSACTION_TIMEOUT.as_millis().to_string();
    for (key, value) in [
        ("bootstrap.servers", config.bootstrap.as_str()),
        ("transactional.id", &config.transactional_id),
        ("transaction.timeout.ms", &longest),
        ("message.timeout.ms", &longest),
        ("enable.idempotence", "true"),
        ("acks", "all"),
        // As Kafka's own clients and Kafka Streams: whoever joins scores with events by their user finds both in one place.
        ("partitioner", "murmur2_random"),
    ] {
        own.insert(key.to_owned(), value.to_owned());
    }
    for (key, value) in [("linger.ms", "5"), ("queue.buffering.max.messages", "100000")] {
        own.entry(key.to_owned()).or_insert_with(|| value.to_owned());
    }
    own
}
