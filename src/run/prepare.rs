//! Before the clock starts: the cluster answers, the topic is there, producers have their ids and connections, the
//! verifier stands at its start. No message is sent for it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::clients::{consumer_settings, live, member_settings, producer_settings, ready_producers};
use super::topics::{describe, ends, identify, is_compacted, topic_settings};
use super::wiring::{Reading, Wiring};
use super::{Config, Interrupts, REMEMBERED, RunError, transactions};
use super::{lag, topic_watch};
use crate::clock::Monotonic;
use crate::control::tempo::Tempo;
use crate::control::{Control, Traffic};
use crate::event::encode::Encoder;
use crate::event::stamp::{LANES, Numbering};
use crate::kafka::embedded::{self, Embedded};
use crate::kafka::native::{Consumer, Producer};
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, KafkaError, Settings, Watermarks};
use crate::lane;
use crate::ledger::Ledger;
use crate::ledger::answers::{Head, LaneAnswers, Sink};
use crate::measure::Recorder;
use crate::schedule::Schedule;
use crate::source::Source;
use crate::verify::book::RunBook;
use crate::verify::group::{GroupConfig, GroupReader, SharedLog};
use crate::verify::reader::Reader;
use crate::verify::topics::Topics;
use crate::verify::{Drain, Inspector, Setup as VerifierSetup, Verifier};

/// How long a group may take until each partition has a reader: a coordinator waits for members, and for those of an
/// earlier life to be given up.
const FORMING: Duration = Duration::from_secs(60);

/// A verifier that reads and tells the time through a wiring.
pub(super) type WiredVerifier<'a, W> = Verifier<<W as Wiring>::Clock, RunBook<'a>>;

/// Everything that stands ready.
pub(super) struct Prepared {
    embedded: Option<Embedded>,
    settings: Settings,
    /// The cluster, with each topic.
    pub(super) clusters: Vec<ClusterMetadata>,
    pub(super) slots: Arc<Slots>,
    starts: Vec<Watermarks>,
    producers: Mutex<Vec<Producer>>,
    consumer: Mutex<Option<Consumer>>,
    /// Where the answers are written down.
    pub(super) answers: Option<Arc<Sink>>,
    /// What becomes of the group, where one reads.
    pub(super) group: Option<SharedLog>,
    pub(super) recorders: Vec<Recorder>,
    pub(super) traffic: Arc<Traffic>,
    control: Arc<Control>,
    schedule: Arc<Schedule>,
    pub(super) drain: Arc<Drain>,
    java_placed: bool,
    /// Each topic's settings that bear on what may be lost, as far as the cluster tells them.
    pub(super) topic_settings: Vec<Settings>,
    /// The topics with their ids.
    pub(super) topics: Arc<Topics>,
}

impl Prepared {
    pub(super) fn new(config: &Config, schedule: &Arc<Schedule>, control: &Arc<Control>) -> Result<Self, RunError> {
        let embedded = match &config.bootstrap {
            None => Some(Embedded::with(config.topics().0.into_iter().map(|topic| (topic, config.partitions)))?),
            Some(_) => None,
        };
        let mut settings = config.client.clone();
        let address = embedded.as_ref().map(Embedded::address).or(config.bootstrap.as_deref()).unwrap_or_default();
        settings.insert("bootstrap.servers".to_owned(), address.to_owned());

        let mut consumer = Consumer::new(&live(consumer_settings(config, &settings, embedded.is_some())))?;
        let (names, of_kind) = config.topics();
        let mut clusters =
            names.iter().map(|topic| describe(config, topic, &consumer, &settings)).collect::<Result<Vec<_>, _>>()?;
        let partitions = clusters.iter().map(|cluster| cluster.topic.partitions);
        let slots = Arc::new(Slots::new(names.iter().map(ToString::to_string).zip(partitions), of_kind));
        consumer.join(&slots);
        let topics = match &config.bootstrap {
            Some(_) => identify(&consumer, &mut clusters, &slots, config.connect_timeout),
            None => Topics::default(),
        };
        let starts = ends(&consumer, &slots, config.connect_timeout)?;
        let producer_settings = producer_settings(&settings, config);
        let producers = ready_producers(&producer_settings, config, &slots)?;

        let partitions = starts.len();
        let phases = schedule.phases().len();
        let recorders = (0..=config.lanes.count)
            .map(|_| Recorder::new(phases, partitions).after_warm_ups(schedule.warm_ups()))
            .collect();
        let limits = (embedded.is_some() && config.verify.is_some())
            .then_some((embedded::PARTITION_RECORDS, embedded::PARTITION_BYTES));
        let java_placed = settings.get("partitioner").is_some_and(|name| name == "murmur2_random" || name == "murmur2");
        let topic_settings = match &config.bootstrap {
            Some(bootstrap) => {
                let topics = slots.topics().map(|(name, _)| name);
                topic_settings(&config.client, config.connect_timeout, bootstrap, topics)
            }
            None => Vec::new(),
        };
        let answers = config.answers.as_ref().map(|path| {
            let topics = slots.topics().map(|(topic, partitions)| (topic.to_owned(), partitions)).collect();
            let ends = starts.iter().map(|marks| marks.high).collect();
            let transactional = config.transactions.is_some();
            Sink::create(
                path,
                Head {
                    transactional,
                    compacted: is_compacted(&topic_settings),
                    ids: clusters.iter().map(|cluster| cluster.topic.id.clone()).collect(),
                    ..Head::new(config.id.to_string(), config.lanes.all, topics, ends)
                },
            )
            .map(Arc::new)
            .map_err(|source| RunError::Answers { path: path.clone(), source })
        });
        Ok(Self {
            answers: answers.transpose()?,
            embedded,
            settings: producer_settings,
            clusters,
            slots,
            starts,
            producers: Mutex::new(producers),
            consumer: Mutex::new(Some(consumer)),
            group: config.verify.as_ref().and_then(|verify| verify.group.as_ref()).map(|_| SharedLog::start()),
            recorders,
            traffic: Arc::new(Traffic::new(partitions, limits)),
            control: Arc::clone(control),
            schedule: Arc::clone(schedule),
            drain: Arc::default(),
            java_placed,
            topic_settings,
            topics: Arc::new(topics),
        })
    }

    /// The producers' settings as they are used, secrets included.
    pub(super) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How schedule time ran.
    pub(super) fn tempo(&self) -> Arc<Tempo> {
        self.control.tempo()
    }

    pub(super) fn partition_count(&self) -> usize {
        self.starts.len()
    }

    #[expect(clippy::unused_self, reason = "reads as a step of preparing")]
    pub(super) fn ledger(&self, config: &Config) -> Ledger {
        Ledger::new(config.lanes.first, config.lanes.count, config.verify.is_some())
    }

    pub(super) fn position_verifier<'a, W: Wiring>(
        &self,
        config: &Config,
        ledger: &'a Ledger,
        wiring: &W,
        interrupts: &Interrupts,
    ) -> Result<Option<WiredVerifier<'a, W>>, RunError> {
        if config.verify.is_none() {
            return Ok(None);
        }
        let consumer = self.consumer.lock().ok().and_then(|mut consumer| consumer.take());
        let Some(consumer) = consumer else { return Ok(None) };
        let book = RunBook::new(config.id, ledger, Arc::clone(&self.schedule), self.partition_count(), wiring.rules())
            .in_tempo_of(Arc::clone(&self.control));
        let inspector = Inspector::new(book, &config.topic, Arc::clone(&self.slots), self.java_placed)
            .by(wiring.rules(), !wiring.expects_faults())
            .numbered(config.lanes.numbering());
        let setup = VerifierSetup {
            topic: config.topic.clone(),
            clock: wiring.clock(Monotonic::start()),
            recorder: self.recorders[usize::from(config.lanes.count)].clone(),
            control: Arc::clone(&self.control),
            traffic: Arc::clone(&self.traffic),
            drain: Arc::clone(&self.drain),
            stall_threshold: config.stall_threshold.into(),
            topics: Arc::clone(&self.topics),
        };
        let (live, patience) = self.live_reader(config, consumer);
        let reader = wiring.reader(live, Reading::Live);
        let given_up = || interrupts.count() > 0;
        match Verifier::position(setup, reader, inspector, &self.starts, patience, &given_up) {
            Ok(verifier) => Ok(Some(verifier)),
            Err(_) if given_up() => Err(RunError::Interrupted),
            Err(error) => Err(RunError::Kafka(self.in_its_topic(error))),
        }
    }

    /// What the verifier reads from, and how long that may take to stand ready.
    fn live_reader(&self, config: &Config, consumer: Consumer) -> (Box<dyn Reader>, Duration) {
        let group = config.verify.as_ref().and_then(|verify| verify.group.as_ref());
        let (Some(group), Some(log)) = (group, &self.group) else {
            return (Box::new(consumer), config.connect_timeout);
        };
        let settings = live(consumer_settings(config, &self.settings, self.embedded.is_some()));
        let settings = member_settings(settings, group);
        let own = GroupConfig {
            settings,
            consumers: group.consumers,
            commit_every: group.commits_itself.then_some(group.commit_every),
            disturb_every: group.disturb_every,
            is_shared: false,
        };
        let reader = GroupReader::new(own, Arc::clone(&self.slots), Arc::clone(&self.topics), log.clone());
        (Box::new(reader), config.connect_timeout.max(FORMING))
    }

    /// An error about a slot as one about its topic's partition.
    fn in_its_topic(&self, error: KafkaError) -> KafkaError {
        match error {
            KafkaError::PartitionUnavailable { topic, partition, waited, code } => {
                let place = self.slots.place(partition).map(|(topic, partition)| (topic.to_owned(), partition));
                let (topic, partition) = place.unwrap_or((topic, partition));
                KafkaError::PartitionUnavailable { topic, partition, waited, code }
            }
            other => other,
        }
    }

    /// Each lane's setup with its producer.
    pub(super) fn lanes(
        &self,
        config: &Config,
        source: &Source,
        schedule: &Arc<Schedule>,
    ) -> Result<Vec<(lane::Setup, Producer)>, RunError> {
        let of_lanes = |rate| lane::Ceiling::new(rate, config.lanes.count.into(), config.lanes.all.into());
        let ceiling = config.max_rate.map(of_lanes).map(Arc::new);
        let queue = self.settings.get("queue.buffering.max.messages").and_then(|value| value.parse().ok());
        let producers = std::mem::take(&mut *self.producers.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        (config.lanes.numbers().zip(&self.recorders))
            .zip(producers)
            .map(|((number, recorder), producer)| {
                let setup = lane::Setup {
                    number,
                    source: source.lane(number, config.lanes.all)?,
                    schedule: Arc::clone(schedule),
                    room: config.lanes.numbering().room(number),
                    encoder: Encoder::new(config.id, number, source.vocabulary())
                        .numbered(config.lanes.numbering())
                        .padded(config.padding),
                    recorder: recorder.clone(),
                    control: Arc::clone(&self.control),
                    traffic: Arc::clone(&self.traffic),
                    slots: Arc::clone(&self.slots),
                    java_placed: self.java_placed,
                    pacing: config.pacing,
                    body_time: config.body_time,
                    on_lag: config.on_lag,
                    ceiling: ceiling.clone(),
                    stall_threshold: config.stall_threshold.into(),
                    transactions: config.transactions.map(|plan| transactions::plan_of(plan, config)),
                    queue: queue.filter(|queue| *queue > 0).unwrap_or(usize::MAX),
                    remember: config.verify.as_ref().map_or(0, |_| REMEMBERED / usize::from(config.lanes.count.max(1))),
                    flush_deadline: config.flush_deadline,
                    answers: self.answers.as_ref().map(|sink| LaneAnswers::new(number, Arc::clone(sink))),
                };
                Ok((setup, producer))
            })
            .collect()
    }

    /// Whether a later record of a key may take the place of an earlier one.
    pub(super) fn is_compacted(&self) -> bool {
        is_compacted(&self.topic_settings)
    }

    /// Who looks at the topics while events are sent; nobody, where the broker is embedded.
    pub(super) fn topic_watcher(&self, config: &Config) -> Result<Option<topic_watch::Watcher>, KafkaError> {
        if config.bootstrap.is_none() {
            return Ok(None);
        }
        topic_watch::watcher(&consumer_settings(config, &self.settings, false), &self.slots, &self.topics).map(Some)
    }

    /// Who looks at the group that is to be looked at.
    pub(super) fn lag_watcher(&self, config: &Config) -> Result<Option<lag::Watcher>, KafkaError> {
        lag::watcher(&consumer_settings(config, &self.settings, self.embedded.is_some()), config, &self.slots)
    }

    /// A consumer for a second reading: of what is there, committed or not, or of what was committed.
    pub(super) fn look_up_consumer(&self, config: &Config, isolation: &str) -> Result<Consumer, KafkaError> {
        let mut settings = consumer_settings(config, &self.settings, self.embedded.is_some());
        settings.insert("isolation.level".to_owned(), isolation.to_owned());
        let mut consumer = Consumer::new(&settings)?;
        consumer.join(&self.slots);
        Ok(consumer)
    }
}

/// Whether the lanes can number all events. A plan without an end is never too long: it stops where its numbers do.
pub(super) fn check_sequences(config: &Config, source: &Source, schedule: &Schedule) -> Result<(), RunError> {
    let planned = match (schedule.count(), source.len()) {
        (Some(count), Some(rows)) => Some(count.min(rows)),
        (count, rows) => count.or(rows),
    };
    let is_recorded = matches!(source, Source::RetailRocket(_));
    planned.map_or(Ok(()), |events| check_room(events, config.lanes.all, is_recorded))
}

fn check_room(events: u64, lanes: u16, is_recorded: bool) -> Result<(), RunError> {
    // Recorded users are not spread evenly; twice the even share is room enough to promise.
    let unevenness = |lanes: u16| if is_recorded && lanes > 1 { 2 } else { 1 };
    let would_do = |lanes: &u16| Numbering::of(*lanes).holds(events, unevenness(*lanes));
    if would_do(&lanes) {
        return Ok(());
    }
    let needed = (lanes..=LANES).chain((1..lanes).rev()).find(would_do);
    Err(RunError::TooFewLanes { events, lanes, needed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::stamp::SEQUENCES;

    #[test]
    fn a_plan_too_long_for_its_lanes_is_told_how_many_would_do() {
        let needed = |events, lanes, recorded| match check_room(events, lanes, recorded) {
            Ok(()) => None,
            Err(RunError::TooFewLanes { needed, .. }) => Some(needed),
            Err(error) => panic!("{error}"),
        };
        let all = u64::from(LANES) * SEQUENCES;
        assert_eq!(needed(1_000_000_000_000, 1, false), None);
        assert_eq!(needed(all, 1, false), None);
        assert_eq!(needed(all, 4_000, false), Some(Some(4_096)));
        assert_eq!(needed(1_000_000_000_000, 3_000, false), Some(Some(3_726)));
        assert_eq!(needed(all, 4_096, true), Some(Some(1)), "one lane has all users, however they are spread");
        assert_eq!(needed(all + 1, 1, false), Some(None), "more than any run can number");
    }
}
