//! What is tested: the topics on their cluster, as they stood before anything was sent or read.

use std::sync::Arc;
use std::time::Duration;

use super::clients::{live, member_settings};
use super::topic_watch::{self, Watcher};
use crate::control::{Control, Traffic};
use crate::kafka::native::{Consumer, Member};
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, KafkaError, Settings, Wait, Watermarks, admin};
use crate::measure::Recorder;
use crate::settings::membership::Group;
use crate::settings::run::Patience;
use crate::verify::group::{GroupConfig, GroupMember, GroupReader, SharedLog};
use crate::verify::reader::Reader;
use crate::verify::topics::Topics;
use crate::verify::{Drain, Setup};

/// Settings of a topic that decide what may happen to its records.
const TELLING: [&str; 8] = [
    "cleanup.policy",
    "max.message.bytes",
    "message.timestamp.after.max.ms",
    "message.timestamp.type",
    "min.insync.replicas",
    "retention.bytes",
    "retention.ms",
    "unclean.leader.election.enable",
];

/// The longest wait for the ids of topics: where there is no controller to ask, they are not known.
const IDS: Duration = Duration::from_secs(3);

/// How a cluster is reached.
pub(super) struct Access<'a> {
    /// Brokers to start from; `None`: the embedded broker, which has nothing to tell of its topics.
    pub(super) bootstrap: Option<&'a str>,
    /// The client's settings, as they were given.
    pub(super) client: &'a Settings,
    /// Those of a consumer that reads by assignment.
    pub(super) reader: Settings,
    /// The longest wait for the first answers.
    pub(super) timeout: Duration,
}

/// The topics on their cluster.
pub(super) struct Target {
    pub(super) reader: Settings,
    /// The cluster, with each topic.
    pub(super) clusters: Vec<ClusterMetadata>,
    /// Each topic's settings that bear on what may be lost, as far as the cluster tells them.
    pub(super) topic_settings: Vec<Settings>,
    pub(super) slots: Arc<Slots>,
    /// The topics with their ids.
    pub(super) topics: Arc<Topics>,
    /// Both ends of every partition, by slot.
    pub(super) ends: Vec<Watermarks>,
    pub(super) java_placed: bool,
    /// The group that reads, and what becomes of it.
    pub(super) group: Option<(Group, SharedLog)>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) drain: Arc<Drain>,
}

impl Target {
    /// Finds out what there is to know of the topics of `slots`, which `group` reads where there is one.
    pub(super) fn new(
        access: Access<'_>,
        consumer: &mut Consumer,
        mut clusters: Vec<ClusterMetadata>,
        slots: Slots,
        group: Option<&Group>,
    ) -> Result<Self, KafkaError> {
        let Access { bootstrap, client, reader, timeout } = access;
        let slots = Arc::new(slots);
        consumer.join(&slots);
        let (topics, topic_settings) = match bootstrap {
            Some(bootstrap) => {
                let topics = identify(consumer, &mut clusters, &slots, timeout);
                (topics, topic_settings(client, timeout, bootstrap, &slots))
            }
            None => (Topics::default(), Vec::new()),
        };
        let places: Vec<(&str, i32)> = (0..slots.len()).filter_map(|slot| slots.place(slot)).collect();
        let ends = consumer.first_ends(&places, timeout)?;
        Ok(Self {
            reader,
            clusters,
            topic_settings,
            topics: Arc::new(topics),
            java_placed: client.get("partitioner").is_some_and(|name| name == "murmur2_random" || name == "murmur2"),
            group: group.map(|group| (group.clone(), SharedLog::start())),
            traffic: Arc::new(Traffic::new(ends.len(), None)),
            drain: Arc::default(),
            ends,
            slots,
        })
    }

    /// Where keys live, where that is known.
    pub(super) fn homes(&self) -> Option<&Slots> {
        self.java_placed.then_some(&*self.slots)
    }

    /// A consumer of its own that reads by assignment, with these settings besides.
    pub(super) fn consumer(&self, besides: &[(&str, &str)]) -> Result<Consumer, KafkaError> {
        let mut settings = self.reader.clone();
        settings.extend(besides.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        let mut consumer = Consumer::new(&settings)?;
        consumer.join(&self.slots);
        Ok(consumer)
    }

    /// A consumer for a second reading: of what is there, committed or not, or of what was committed.
    pub(super) fn second_reader(&self, isolation: &str) -> Result<Consumer, KafkaError> {
        self.consumer(&[("isolation.level", isolation)])
    }

    /// Whether its verifier reads what a processor of the topics gets: all of them, and committed records alone.
    pub(super) fn reads_as_processors_do(&self) -> bool {
        self.group.is_none() && self.reader.get("isolation.level").is_some_and(|level| level == "read_committed")
    }

    /// The members of the group, where one reads; `is_shared`: whether other processes may have members in it, too.
    pub(super) fn members(&self, is_shared: bool) -> Option<Box<dyn Reader>> {
        self.members_of::<Member>(is_shared)
    }

    /// The same, of such members.
    pub(super) fn members_of<M: GroupMember>(&self, is_shared: bool) -> Option<Box<dyn Reader>> {
        let (group, log) = self.group.as_ref()?;
        let own = self.membership(group, is_shared);
        let (slots, topics) = (Arc::clone(&self.slots), Arc::clone(&self.topics));
        Some(Box::new(GroupReader::<M>::new(own, slots, topics, log.clone())))
    }

    fn membership(&self, group: &Group, is_shared: bool) -> GroupConfig {
        GroupConfig {
            settings: member_settings(live(self.reader.clone()), group),
            consumers: group.membership.consumers,
            commit_every: group.commits_itself().then_some(group.membership.commit_interval),
            disturb_every: group.chaos_rebalance,
            is_shared,
        }
    }

    /// What a verifier of these topics needs.
    pub(super) fn verifier<C>(
        &self,
        topic: &str,
        clock: C,
        recorder: &Recorder,
        control: &Arc<Control>,
        patience: Patience,
    ) -> Setup<C> {
        Setup {
            topic: topic.to_owned(),
            clock,
            recorder: recorder.clone(),
            control: Arc::clone(control),
            traffic: Arc::clone(&self.traffic),
            drain: Arc::clone(&self.drain),
            patience,
            topics: Arc::clone(&self.topics),
        }
    }

    /// Who looks whether the topics are still what they were.
    pub(super) fn topic_watcher(&self) -> Result<Watcher, KafkaError> {
        topic_watch::watcher(&self.reader, &self.slots, &self.topics)
    }

    /// Whether a later record of a key may take the place of an earlier one in one of the topics.
    pub(super) fn is_compacted(&self) -> bool {
        let policy = |topic: &Settings| topic.get("cleanup.policy").is_some_and(|policy| policy.contains("compact"));
        self.topic_settings.iter().any(policy)
    }
}

/// Who may not describe the topic can still run; then nothing is known of its settings.
fn topic_settings(client: &Settings, timeout: Duration, bootstrap: &str, slots: &Slots) -> Vec<Settings> {
    let cluster = match admin::Cluster::new(bootstrap, client, timeout) {
        Ok(cluster) => cluster,
        Err(error) => {
            tracing::debug!("the topics' settings are not known: {error}");
            return Vec::new();
        }
    };
    let told = slots.topics().map(|(topic, _)| match cluster.settings(topic) {
        Ok(mut settings) => {
            settings.retain(|key, _| TELLING.contains(&key.as_str()));
            settings
        }
        Err(error) => {
            tracing::debug!("the settings of topic \"{topic}\" are not known: {error}");
            Settings::new()
        }
    });
    told.collect()
}

/// Notes the ids of the topics, as far as the cluster tells them, and gives them to those who look whether they change.
fn identify(consumer: &Consumer, clusters: &mut [ClusterMetadata], slots: &Slots, timeout: Duration) -> Topics {
    let names: Vec<&str> = slots.topics().map(|(name, _)| name).collect();
    match consumer.identities(&names, Wait::of(timeout.min(IDS))) {
        Ok(told) => {
            for (cluster, told) in clusters.iter_mut().zip(told) {
                cluster.topic.id = told.ok().and_then(|identity| identity.id);
            }
        }
        Err(error) => tracing::debug!("the topics' ids are not known: {error}"),
    }
    let ids = clusters.iter().map(|cluster| cluster.topic.id.clone());
    Topics::new(names.into_iter().map(str::to_owned).zip(ids).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::embedded::Embedded;
    use crate::run::clients::reader_settings;
    use crate::settings::membership::Membership;

    #[test]
    fn members_and_second_readers_take_the_settings_that_were_given_for_consumers() {
        let broker = Embedded::with([("t", 2)]).unwrap();
        let given = [("bootstrap.servers", broker.address()), ("session.timeout.ms", "7000"), ("linger.ms", "3")];
        let client: Settings = given.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let reader = reader_settings("nobody", false, &client, true);
        let mut consumer = Consumer::new(&reader).unwrap();
        let timeout = Duration::from_secs(20);
        let clusters = vec![consumer.metadata("t", timeout).unwrap()];
        let membership = Membership::default();
        let group = Group { name: "g".to_owned(), membership, chaos_rebalance: None };
        let access = Access { bootstrap: None, client: &client, reader, timeout };
        let slots = Slots::of_one("t", 2);
        let target = Target::new(access, &mut consumer, clusters, slots, Some(&group)).unwrap();
        let settings = target.membership(&group, false).settings;
        let of = |key: &str| settings.get(key).map(String::as_str);
        assert_eq!((of("session.timeout.ms"), of("group.id"), of("linger.ms")), (Some("7000"), Some("g"), None));
        assert_eq!(target.ends, [Watermarks::default(); 2]);
    }
}
