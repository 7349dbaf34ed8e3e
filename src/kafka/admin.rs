//! Topics: making one. Nothing here ever deletes or shrinks.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, TopicReplication};
use rdkafka::client::DefaultClientContext;

use super::{Code, KafkaError, Settings};

/// A topic to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// Its partitions.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication_factor: i32,
    /// Its settings, by Kafka's names.
    pub config: Settings,
}

/// Makes a topic; one that exists already is left as it is.
///
/// # Errors
/// Where the cluster refuses or does not answer in time.
pub fn create_topic(settings: &Settings, topic: &NewTopic, timeout: Duration) -> Result<(), KafkaError> {
    let what = || format!("creating topic \"{}\"", topic.name);
    let client = admin(settings)?;
    let mut wanted =
        rdkafka::admin::NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(topic.replication_factor));
    for (key, value) in &topic.config {
        wanted = wanted.set(key, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(timeout)).request_timeout(Some(timeout));
    let answer = block_on(client.create_topics([&wanted], &options))?;
    let results = answer.map_err(|error| refused(what(), &error))?;
    match results.into_iter().next() {
        Some(Ok(_) | Err((_, Code::TopicAlreadyExists))) => Ok(()),
        Some(Err((_, code))) => Err(KafkaError::Refused { what: what(), code }),
        None => Err(KafkaError::Refused { what: what(), code: Code::Unknown }),
    }
}

fn admin(settings: &Settings) -> Result<AdminClient<DefaultClientContext>, KafkaError> {
    let mut config = ClientConfig::new();
    for (key, value) in settings {
        config.set(key, value);
    }
    config.create().map_err(|error| KafkaError::Create(error.to_string()))
}

fn block_on<F: Future>(future: F) -> Result<F::Output, KafkaError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(|error| KafkaError::Create(format!("a runtime for the admin client: {error}")))?;
    Ok(runtime.block_on(future))
}

fn refused(what: String, error: &rdkafka::error::KafkaError) -> KafkaError {
    KafkaError::Refused { what, code: error.rdkafka_error_code().unwrap_or(Code::Unknown) }
}
