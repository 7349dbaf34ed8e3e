//! Topics: making one, giving it more partitions, describing it, and removing one that the self-test made.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;

use super::native::{Alterer, Consumer};
use super::slots::Slots;
use super::{Code, KafkaError, Settings, TopicState, Wait, Watermarks, settings};

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

/// A cluster to look at and to change. Every call ends after its time-out.
pub struct Cluster {
    /// Looks: a consumer never creates a topic by asking for it.
    consumer: Consumer,
    /// Changes.
    admin: AdminClient<DefaultClientContext>,
    /// Settings of a client that changes settings.
    common: Settings,
    address: String,
    timeout: Duration,
}

impl Cluster {
    /// Clients for the cluster at `bootstrap`. Nothing is connected to yet.
    ///
    /// # Errors
    /// Settings that the client refuses.
    pub fn new(bootstrap: &str, client: &Settings, timeout: Duration) -> Result<Self, KafkaError> {
        let mut common = settings::of_an_admin(client);
        common.insert("bootstrap.servers".to_owned(), bootstrap.to_owned());
        let mut reading = common.clone();
        // No group is joined: the client only wants a name.
        reading.insert("group.id".to_owned(), "loadgen".to_owned());
        // Tells the last stable offsets, too.
        reading.insert("isolation.level".to_owned(), "read_committed".to_owned());
        let address = bootstrap.to_owned();
        Ok(Self { consumer: Consumer::new(&reading)?, admin: admin(&common)?, common, address, timeout })
    }

    /// Every topic that one may see here, by name.
    ///
    /// # Errors
    /// Where the cluster refuses or does not answer.
    pub fn topics(&self) -> Result<BTreeMap<String, TopicState>, KafkaError> {
        self.consumer.topics(self.timeout)
    }

    /// Both ends of partitions and their last stable offsets, all asked at once, in their order; an error where a leader refused
    /// or did not answer.
    #[must_use]
    pub fn ends(&self, topic: &str, partitions: &[i32]) -> Vec<Result<Watermarks, Code>> {
        self.consumer.ends(topic, partitions, Wait::of(self.timeout))
    }

    /// What a group has committed in each partition of a topic, without joining it; `None` where it has committed nothing.
    ///
    /// # Errors
    /// Where the client refuses, or the group's coordinator refuses or does not answer.
    pub fn committed(&self, group: &str, topic: &str, partitions: i32) -> Result<Vec<Option<i64>>, KafkaError> {
        let mut reading = self.common.clone();
        reading.insert("group.id".to_owned(), group.to_owned());
        let what = || format!("asking what group \"{group}\" has committed of topic \"{topic}\"");
        Consumer::new(&reading)?
            .committed(&Slots::of_one(topic, partitions), self.timeout)
            .map_err(|code| KafkaError::Refused { what: what(), code })
    }

    /// The settings of a topic as they hold, the cluster's defaults included; those that are secret are left out.
    ///
    /// # Errors
    /// Where the cluster refuses, does not answer, or tells none.
    pub fn settings(&self, topic: &str) -> Result<Settings, KafkaError> {
        let what = || format!("reading the settings of topic \"{topic}\"");
        let answer = block_on(self.admin.describe_configs([&ResourceSpecifier::Topic(topic)], &self.options()))?;
        let resource = answer.map_err(|error| refused(what(), &error))?.into_iter().next();
        let resource = resource.ok_or(Code::Unknown).and_then(|told| told.map_err(Code::from));
        let resource = resource.map_err(|code| KafkaError::Refused { what: what(), code })?;
        // A resource that may not be described comes without entries.
        if resource.entries.is_empty() {
            return Err(KafkaError::Refused { what: what(), code: Code::TopicAuthorizationFailed });
        }
        Ok(resource.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect())
    }

    /// Makes a topic.
    ///
    /// # Errors
    /// Where the cluster refuses, also because it is there, or does not answer.
    pub fn create(&self, topic: &NewTopic) -> Result<(), KafkaError> {
        match create(&self.admin, topic, &self.options())? {
            Ok(()) => Ok(()),
            Err(code) => Err(KafkaError::Refused { what: creating(topic), code }),
        }
    }

    /// Sets these settings of a topic, and leaves all others as they are.
    ///
    /// # Errors
    /// Where the cluster refuses or does not answer.
    pub fn alter(&self, topic: &str, settings: &Settings) -> Result<(), KafkaError> {
        Alterer::new(&self.common)?.alter(topic, settings, self.timeout)
    }

    /// Gives a topic more partitions, `partitions` in all.
    ///
    /// # Errors
    /// Where the cluster refuses, as it does where these are fewer, or does not answer.
    pub fn grow(&self, topic: &str, partitions: i32) -> Result<(), KafkaError> {
        let what = || format!("giving topic \"{topic}\" {partitions} partitions");
        let count = usize::try_from(partitions)
            .map_err(|_| KafkaError::Refused { what: what(), code: Code::InvalidPartitions })?;
        let wanted = NewPartitions::new(topic, count);
        let answer = block_on(self.admin.create_partitions([&wanted], &self.options()))?;
        match answer.map_err(|error| refused(what(), &error))?.into_iter().next() {
            Some(Ok(_)) => Ok(()),
            Some(Err((_, code))) => Err(KafkaError::Refused { what: what(), code: code.into() }),
            None => Err(KafkaError::Refused { what: what(), code: Code::Unknown }),
        }
    }

    /// Removes a topic that this program has made. Nothing else is ever removed.
    ///
    /// # Errors
    /// Where the cluster refuses, also because there is no such topic, or does not answer.
    pub fn remove(&self, topic: &str) -> Result<(), KafkaError> {
        let what = || format!("removing topic \"{topic}\"");
        let answer = block_on(self.admin.delete_topics(&[topic], &self.options()))?;
        match answer.map_err(|error| refused(what(), &error))?.into_iter().next() {
            Some(Ok(_)) => Ok(()),
            Some(Err((_, code))) => Err(match code.into() {
                Code::UnknownTopicOrPartition | Code::UnknownTopic => {
                    KafkaError::TopicMissing { topic: topic.to_owned(), address: self.address.clone() }
                }
                code => KafkaError::Refused { what: what(), code },
            }),
            None => Err(KafkaError::Refused { what: what(), code: Code::Unknown }),
        }
    }

    fn options(&self) -> AdminOptions {
        options(self.timeout)
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// Makes a topic; one that exists already is left as it is.
///
/// # Errors
/// Where the cluster refuses or does not answer in time.
pub fn create_topic(settings: &Settings, topic: &NewTopic, timeout: Duration) -> Result<(), KafkaError> {
    match create(&admin(&settings::of_an_admin(settings))?, topic, &options(timeout))? {
        Ok(()) | Err(Code::TopicAlreadyExists) => Ok(()),
        Err(code) => Err(KafkaError::Refused { what: creating(topic), code }),
    }
}

fn create(
    client: &AdminClient<DefaultClientContext>,
    topic: &NewTopic,
    options: &AdminOptions,
) -> Result<Result<(), Code>, KafkaError> {
    let mut wanted =
        rdkafka::admin::NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(topic.replication_factor));
    for (key, value) in &topic.config {
        wanted = wanted.set(key, value);
    }
    let results =
        block_on(client.create_topics([&wanted], options))?.map_err(|error| refused(creating(topic), &error))?;
    Ok(match results.into_iter().next() {
        Some(Ok(_)) => Ok(()),
        Some(Err((_, code))) => Err(code.into()),
        None => Err(Code::Unknown),
    })
}

fn creating(topic: &NewTopic) -> String {
    format!("creating topic \"{}\"", topic.name)
}

fn options(timeout: Duration) -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(timeout)).request_timeout(Some(timeout))
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
    KafkaError::Refused { what, code: error.rdkafka_error_code().map_or(Code::Unknown, Code::from) }
}
