//! Writes the truth about fraud to a topic when the run has ended.

use std::time::Duration;

use crate::clock::{Clock, Monotonic, Nanos};
use crate::kafka::headers::Headers;
use crate::kafka::native::{Message, Producer};
use crate::kafka::{Answer, Code, Settings, settings};
use crate::run::{KafkaConfig, Woven};

/// The longest wait without an answer.
const PATIENCE: Nanos = Nanos::from_secs(30);

fn of_a_producer(kafka: &KafkaConfig) -> Settings {
    let mut own = settings::of_a_producer(&kafka.client);
    for name in ["transactional.id", "enable.gapless.guarantee", "statistics.interval.ms"] {
        own.remove(name);
    }
    own.insert("bootstrap.servers".to_owned(), kafka.bootstrap.clone().unwrap_or_default());
    own
}

/// One record for each fraudulent event, by lane.
///
/// # Errors
/// Why it is not all there.
pub(super) fn write(woven: &Woven, topic: &str, kafka: &KafkaConfig) -> Result<(), String> {
    if kafka.bootstrap.is_none() {
        return Err("there is no cluster".to_owned());
    }
    let producer = Producer::new(&of_a_producer(kafka), topic).map_err(|error| error.to_string())?;
    producer.metadata(topic, kafka.connect_timeout).map_err(|error| error.to_string())?;
    let clock = Monotonic::start();
    let (mut sent, mut answered, mut lost, mut heard_at) = (0, 0, 0_u64, clock.now());
    let mut serve = |wait: Duration| {
        let before = answered;
        producer.serve(
            wait,
            |report| {
                answered += 1;
                lost += u64::from(report.answer != Answer::Acked);
            },
            |_| {},
        );
        if answered > before {
            heard_at = clock.now();
        }
        (answered, lost, clock.now() < heard_at + PATIENCE)
    };
    for row in woven.rows() {
        let body = serde_json::to_vec(&row).map_err(|error| error.to_string())?;
        let key = row.key();
        let message = Message {
            topic: 0,
            partition: None,
            key: Some(key.as_bytes()),
            body: Some(&body),
            headers: Headers::default(),
            create_ms: None,
            ticket: sent,
        };
        loop {
            match producer.produce_one(&message) {
                Ok(()) => break,
                Err(Code::QueueFull) => {
                    if !serve(Duration::from_millis(50)).2 {
                        return Err("no broker took more of it for 30 s".to_owned());
                    }
                }
                Err(code) => return Err(code.to_string()),
            }
        }
        sent += 1;
        serve(Duration::ZERO);
    }
    loop {
        let (answered, lost, is_patient) = serve(Duration::from_millis(50));
        match (answered == sent, lost) {
            (true, 0) => return Ok(()),
            (true, _) => return Err(format!("{lost} of {sent} records were not confirmed")),
            (false, _) if !is_patient => return Err(format!("{} of {sent} records had no answer", sent - answered)),
            (false, _) => {}
        }
    }
}
