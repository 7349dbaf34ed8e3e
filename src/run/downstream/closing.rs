//! Sends the events that close the last windows: nothing else would.

use std::time::Duration;

use super::intake::Intake;
use super::unix_ms;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::expect::Oracle;
use crate::kafka::headers::Headers;
use crate::kafka::native::{Message, Producer};
use crate::kafka::{Answer, Code, KafkaError, Settings};

/// Kafka Streams looks for closed windows with an event, and at most once a second: the second of two finds them.
const ROUNDS: u32 = 2;
const APART_MS: i64 = 1_500;
/// One that is behind takes both at once, and looks once for both; so more of them follow for as long as results are waited for.
const FURTHER_APART_MS: i64 = 5_000;
/// The longest wait for an answer to one round.
const ANSWER: Nanos = Nanos::from_secs(30);

/// Who sends them, and how far it is.
#[derive(Debug)]
pub(super) struct Closer {
    /// A producer for each source.
    producers: Vec<Producer>,
    sent: u32,
    next_ms: Option<i64>,
}

impl Closer {
    /// Stands ready to write to the sources of `oracle`.
    pub(super) fn new(settings: &Settings, oracle: &Oracle) -> Result<Self, KafkaError> {
        let mut settings = settings.clone();
        // They are part of no transaction.
        settings.remove("transactional.id");
        let producers = oracle.sources().map(|topic| Producer::new(&settings, topic)).collect::<Result<_, _>>()?;
        Ok(Self { producers, sent: 0, next_ms: None })
    }

    pub(super) const fn is_done(&self) -> bool {
        self.sent >= ROUNDS
    }

    /// Whether more of them are to be sent now, where some were.
    pub(super) fn is_due(&self) -> bool {
        self.next_ms.is_some_and(|next| unix_ms() >= next)
    }

    /// Sends what is due, the input being read to its end; says whether anything was sent.
    pub(super) fn go_on(&mut self, intake: &mut Intake) -> Result<bool, Code> {
        let now = unix_ms();
        let Some(next) = self.next_ms.or_else(|| intake.oracle.closes_at()) else {
            // There are no windows that are written when they close.
            self.sent = ROUNDS;
            return Ok(false);
        };
        self.next_ms = Some(next);
        if now < next {
            return Ok(false);
        }
        for (source, producer) in self.producers.iter().enumerate() {
            let events = intake.closing(source, now);
            for (partition, body) in &events {
                send(producer, *partition, body)?;
            }
            wait(producer, events.len())?;
        }
        self.sent += 1;
        self.next_ms = Some(now + if self.is_done() { FURTHER_APART_MS } else { APART_MS });
        Ok(true)
    }
}

fn send(producer: &Producer, partition: i32, body: &[u8]) -> Result<(), Code> {
    let key = Some(&b"loadgen-closing"[..]);
    let headers = Headers::default();
    let message =
        Message { topic: 0, partition: Some(partition), key, body: Some(body), headers, create_ms: None, ticket: 0 };
    producer.produce_one(&message)
}

/// Waits until all of them are answered.
fn wait(producer: &Producer, messages: usize) -> Result<(), Code> {
    let (clock, mut answered, mut failed) = (Monotonic::start(), 0, None);
    let deadline = clock.now() + ANSWER;
    while answered < messages && clock.now() < deadline {
        producer.serve(
            Duration::from_millis(100),
            |report| {
                answered += 1;
                failed = match report.answer {
                    Answer::Acked => failed,
                    Answer::Refused(code) | Answer::Unanswered(code) => Some(code),
                };
            },
            |_| {},
        );
    }
    match failed {
        Some(code) => Err(code),
        None if answered < messages => Err(Code::MessageTimedOut),
        None => Ok(()),
    }
}
