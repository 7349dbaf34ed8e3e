//! Snapshots as records: one a second, as JSON, into a topic for whoever reads it.
//!
//! A thread with a client of its own sends them and asks how large the topics are. It never holds the run up: where it falls
//! behind, snapshots are left out, and that is told at the end.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Serialize;

use super::{ExporterError, Snapshot, Stage};
use crate::clock::{self, Clock, Monotonic, Nanos};
use crate::kafka::headers::Headers;
use crate::kafka::native::{Message, Producer};
use crate::kafka::{Answer, KafkaError, Settings, settings};
use crate::report::LedgerCounts;

/// Snapshots that wait to be sent.
const WAITING: usize = 8;
/// The longest wait for the topics' sizes: without an answer one is told as not known.
const ASK: Duration = Duration::from_millis(500);
/// The longest wait for the last snapshots' acks.
const FLUSH: Duration = Duration::from_secs(5);

/// Where snapshots go.
#[derive(Clone, Debug)]
pub struct TopicConfig {
    /// The topic.
    pub topic: String,
    /// The cluster.
    pub bootstrap: String,
    /// The run's client settings; what concerns its events is replaced.
    pub client: Settings,
    /// The longest wait for the cluster's first answer.
    pub timeout: Duration,
}

impl TopicConfig {
    /// Settings of a producer that nobody has to wait for: one ack, no queue worth the name, a short end.
    fn settings(&self) -> Settings {
        let mut own = settings::of_a_producer(&self.client);
        for alias in
            ["request.required.acks", "delivery.timeout.ms", "queue.buffering.max.ms", "transactional.id", "retries"]
        {
            own.remove(alias);
        }
        for (key, value) in [
            ("bootstrap.servers", self.bootstrap.as_str()),
            ("enable.idempotence", "false"),
            ("enable.gapless.guarantee", "false"),
            ("acks", "1"),
            ("linger.ms", "0"),
            ("message.timeout.ms", "5000"),
            ("queue.buffering.max.messages", "100"),
            ("statistics.interval.ms", "0"),
        ] {
            own.insert(key.to_owned(), value.to_owned());
        }
        own
    }
}

/// One record.
#[derive(Debug, Serialize)]
struct Record<'a> {
    /// ms since the Unix epoch.
    timestamp: u64,
    run: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<&'a str>,
    stage: Stage,
    at_s: f64,
    events_scheduled: u64,
    events_sent: u64,
    events_acked: u64,
    events_failed: u64,
    /// Acked in the last second.
    throughput_per_sec: u64,
    messages_consumed: u64,
    messages_invalid: u64,
    messages_duplicated: u64,
    messages_reordered: u64,
    /// Acked and not read back; null where nothing reads, or where that is not known.
    consumer_lag: Option<u64>,
    events_outstanding: u64,
    /// Of the group named with `--lag-group`.
    #[serde(skip_serializing_if = "Option::is_none")]
    group_lag: Option<u64>,
    slip_p99_us: Option<u64>,
    service_p99_us: Option<u64>,
    response_p50_us: Option<u64>,
    response_p99_us: Option<u64>,
    response_max_us: Option<u64>,
    end_to_end_p99_us: Option<u64>,
    topics: Vec<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<&'a LedgerCounts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<u8>,
}

/// What a topic holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Size {
    topic: String,
    partitions: i32,
    /// Offsets between the ends of all partitions; absent where a leader did not tell in time.
    records: Option<i64>,
}

fn record(snapshot: &Snapshot, unix_ms: u64, topics: Vec<Size>) -> serde_json::Result<Vec<u8>> {
    let row = &snapshot.last_second;
    serde_json::to_vec(&Record {
        timestamp: unix_ms,
        run: &snapshot.name,
        shard: snapshot.shard.as_deref(),
        stage: snapshot.stage,
        at_s: snapshot.at_s,
        events_scheduled: snapshot.scheduled,
        events_sent: snapshot.sent,
        events_acked: snapshot.acked,
        events_failed: snapshot.refused + snapshot.unanswered,
        throughput_per_sec: row.acked,
        messages_consumed: snapshot.seen,
        messages_invalid: snapshot.found.invalid,
        messages_duplicated: snapshot.found.duplicates,
        messages_reordered: snapshot.found.reordered,
        consumer_lag: snapshot.unread,
        events_outstanding: snapshot.outstanding,
        group_lag: row.group_lag,
        slip_p99_us: row.slip_p99_us,
        service_p99_us: row.service_p99_us,
        response_p50_us: row.response_p50_us,
        response_p99_us: row.response_p99_us,
        response_max_us: row.response_max_us,
        end_to_end_p99_us: row.end_to_end_p99_us,
        topics,
        ledger: snapshot.ledger.as_ref(),
        exit_code: snapshot.verdict.as_ref().map(|verdict| verdict.code),
    })
}

/// Sends snapshots on a thread of its own. Dropping it sends what waits, and ends.
#[derive(Debug)]
pub(super) struct Sink {
    sender: Option<SyncSender<Arc<Snapshot>>>,
    thread: Option<JoinHandle<()>>,
    left_out: u64,
}

impl Sink {
    pub(super) fn start(config: &TopicConfig) -> Result<Self, ExporterError> {
        let producer = Producer::new(&config.settings(), &config.topic)?;
        producer.metadata(&config.topic, config.timeout)?;
        let (sender, receiver) = sync_channel(WAITING);
        let topic = config.topic.clone();
        let thread = thread::Builder::new()
            .name("metrics-topic".to_owned())
            .spawn(move || send_all(&producer, &topic, &receiver))
            .map_err(|error| KafkaError::Create(format!("the thread for metrics: {error}")))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), left_out: 0 })
    }

    pub(super) fn send(&mut self, snapshot: Arc<Snapshot>) {
        if let Some(Err(TrySendError::Full(_))) = self.sender.as_ref().map(|sender| sender.try_send(snapshot)) {
            self.left_out += 1;
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that published metrics panicked");
        }
        if self.left_out > 0 {
            tracing::warn!("{} snapshots were not published: the cluster answered too slowly", self.left_out);
        }
    }
}

fn send_all(producer: &Producer, topic: &str, snapshots: &Receiver<Arc<Snapshot>>) {
    let (mut sent, mut failed) = (0_usize, 0_u64);
    let mut answered = 0;
    let mut serve = |wait: Duration| {
        let mut lost = 0;
        producer.serve(
            wait,
            |report| {
                answered += 1;
                lost += u64::from(report.answer != Answer::Acked);
            },
            |_| {},
        );
        (answered, lost)
    };
    for snapshot in snapshots {
        let unix_ms = clock::wall_unix_ns() / 1_000_000;
        let body = match record(&snapshot, unix_ms, sizes(producer, &snapshot)) {
            Ok(body) => body,
            Err(error) => {
                tracing::warn!("a snapshot cannot be written as JSON: {error}");
                continue;
            }
        };
        let message = Message {
            topic: 0,
            partition: None,
            key: Some(snapshot.name.as_bytes()),
            body: Some(&body),
            headers: Headers::default(),
            create_ms: Some(i64::try_from(unix_ms).unwrap_or(i64::MAX)),
            ticket: sent,
        };
        match producer.produce_one(&message) {
            Ok(()) => sent += 1,
            Err(_) => failed += 1,
        }
        failed += serve(Duration::ZERO).1;
    }
    let clock = Monotonic::start();
    let mut done = serve(Duration::ZERO);
    failed += done.1;
    while done.0 < sent && clock.now() < Nanos::from(FLUSH) {
        done = serve(Duration::from_millis(50));
        failed += done.1;
    }
    failed += u64::try_from(sent.saturating_sub(done.0)).unwrap_or(0);
    if failed > 0 {
        tracing::warn!("{failed} snapshots did not reach topic \"{topic}\"");
    }
}

/// How much is in each topic of the run.
fn sizes(producer: &Producer, snapshot: &Snapshot) -> Vec<Size> {
    let places: Vec<(&str, i32)> =
        snapshot.partitions.iter().map(|(topic, partition, _)| (topic.as_str(), *partition)).collect();
    let mut sizes: Vec<Size> = Vec::new();
    for ((topic, _), ends) in places.iter().zip(producer.ends(&places, ASK)) {
        let known = sizes.iter().position(|size| size.topic == *topic);
        let place = known.unwrap_or_else(|| {
            sizes.push(Size { topic: (*topic).to_owned(), partitions: 0, records: Some(0) });
            sizes.len() - 1
        });
        let size = &mut sizes[place];
        size.partitions += 1;
        size.records = size.records.zip(ends.ok()).map(|(records, ends)| records + (ends.high - ends.low));
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Delivered;
    use crate::kafka::embedded::Embedded;
    use crate::kafka::native::Consumer;
    use crate::measure::PartitionShard;

    fn config(embedded: &Embedded) -> TopicConfig {
        let client =
            [("enable.idempotence", "true"), ("acks", "all"), ("linger.ms", "5"), ("delivery.timeout.ms", "30000")];
        TopicConfig {
            topic: "metrics".to_owned(),
            bootstrap: embedded.address().to_owned(),
            client: client.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            timeout: Duration::from_secs(10),
        }
    }

    #[test]
    fn every_snapshot_becomes_a_record_with_the_sizes_of_the_topics() {
        let embedded = Embedded::start("metrics", 2).unwrap();
        let mut sink = Sink::start(&config(&embedded)).unwrap();
        let partitions = (0..2).map(|number| ("metrics".to_owned(), number, PartitionShard::default())).collect();
        let snapshot =
            Snapshot { name: "soak".to_owned(), sent: 7, refused: 1, unanswered: 2, partitions, ..Snapshot::default() };
        sink.send(Arc::new(snapshot));
        drop(sink);

        let settings = [("bootstrap.servers", embedded.address()), ("group.id", "t"), ("auto.offset.reset", "error")];
        let mut consumer =
            Consumer::new(&settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into()).unwrap();
        consumer.assign("metrics", [(0, 0), (1, 0)].into_iter()).unwrap();
        let (clock, mut found) = (Monotonic::start(), Vec::new());
        while found.is_empty() && clock.now() < Nanos::from_secs(30) {
            consumer.wait(Duration::from_millis(50)).unwrap();
            consumer.take(10, |delivered| {
                if let Delivered::Record(record) = delivered {
                    found.push(serde_json::from_slice::<serde_json::Value>(record.body.unwrap()).unwrap());
                }
            });
        }
        let [record] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((&record["run"], &record["events_sent"]), (&"soak".into(), &7.into()));
        assert_eq!(record["events_failed"], 3);
        assert_eq!(record["topics"], serde_json::json!([{ "topic": "metrics", "partitions": 2, "records": 0 }]));
        assert_eq!(record["response_p99_us"], serde_json::Value::Null);
    }

    #[test]
    fn what_the_run_asks_for_its_events_is_not_asked_for_snapshots() {
        let config = config(&Embedded::start("metrics", 1).unwrap());
        let settings = config.settings();
        assert_eq!((settings["acks"].as_str(), settings["enable.idempotence"].as_str()), ("1", "false"));
        assert!(!settings.contains_key("delivery.timeout.ms"));
        assert!(Producer::new(&settings, "metrics").is_ok());
    }
}
