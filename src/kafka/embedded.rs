//! The embedded broker: librdkafka's mock cluster, for runs without a Kafka. It is not Kafka, and every output says so.
//!
//! It keeps at most 5 MiB and 100,000 message sets a partition and drops the oldest (`rdkafka_mock.c`), so lanes must
//! hold back while the verifier lags; see [`PARTITION_BYTES`] and [`PARTITION_RECORDS`].

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use rdkafka::mocking::MockCluster;

use super::KafkaError;

/// Unread bytes a partition may hold before lanes hold back: below the mock's 5 MiB, with room for batch headers.
pub const PARTITION_BYTES: u64 = 3 << 20;
/// Unread records a partition may hold before lanes hold back: each may be a message set of its own.
pub const PARTITION_RECORDS: u64 = 90_000;

/// A running embedded broker. It ends when this is dropped.
#[derive(Debug)]
pub struct Embedded {
    address: String,
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Starts a broker with one topic.
    ///
    /// # Errors
    /// As [`Embedded::with`].
    pub fn start(topic: &str, partitions: i32) -> Result<Self, KafkaError> {
        Self::with([(topic, partitions)])
    }

    /// Starts a broker with these topics, on a thread of its own: the mock cluster's handle must stay on one.
    ///
    /// # Errors
    /// Where librdkafka cannot start it.
    pub fn with<'a>(topics: impl IntoIterator<Item = (&'a str, i32)>) -> Result<Self, KafkaError> {
        let topics: Vec<_> = topics.into_iter().map(|(topic, partitions)| (topic.to_owned(), partitions)).collect();
        let (stop, stopped) = mpsc::channel::<()>();
        let (ready, started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("embedded-broker".to_owned())
            .spawn(move || {
                let cluster = match open(&topics) {
                    Ok(cluster) => cluster,
                    Err(error) => {
                        drop(ready.send(Err(error)));
                        return;
                    }
                };
                drop(ready.send(Ok(cluster.bootstrap_servers())));
                // Ends when the owner drops its side; nothing is ever sent.
                stopped.recv().unwrap_or_default();
            })
            .map_err(|error| KafkaError::Create(format!("the embedded broker's thread: {error}")))?;
        let address = started
            .recv()
            .unwrap_or_else(|_| Err(KafkaError::Create("the embedded broker ended at once".to_owned())))?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn open(
    topics: &[(String, i32)],
) -> Result<MockCluster<'static, rdkafka::producer::DefaultProducerContext>, KafkaError> {
    let failed = |error: rdkafka::error::KafkaError| KafkaError::Create(format!("the embedded broker: {error}"));
    let cluster = MockCluster::new(1).map_err(failed)?;
    for (topic, partitions) in topics {
        cluster.create_topic(topic, *partitions, 1).map_err(failed)?;
    }
    Ok(cluster)
}
