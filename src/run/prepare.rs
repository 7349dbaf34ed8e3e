//! Before the clock starts: the cluster answers, the topic is there, producers have their ids and connections, the
//! verifier stands at its start. No message is sent for it.

use std::sync::Arc;
use std::time::Duration;

use super::clients::{consumer_settings, live, producer_settings, ready_producers};
use super::downstream::Tap;
use super::restamped::{Recognition, Restamped};
use super::target::{Access, Target};
use super::wiring::{Reading, Wiring};
use super::{Config, Interrupts, REMEMBERED, RunError, lag, topic_watch, transactions};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::control::{Control, Traffic};
use crate::event::catalogue::TypeIndex;
use crate::event::encode::Encoder;
use crate::event::stamp::{LANES, Numbering};
use crate::kafka::embedded::{self, Embedded};
use crate::kafka::headers::Header;
use crate::kafka::native::{Consumer, Producer};
use crate::kafka::slots::Slots;
use crate::kafka::{ClusterMetadata, KafkaError, Settings, admin};
use crate::lane;
use crate::ledger::Ledger;
use crate::ledger::answers::{Head, LaneAnswers, Sink};
use crate::ledger::unstamped::{LaneUnstamped, Unstamped};
use crate::measure::Recorder;
use crate::schedule::Schedule;
use crate::source::Source;
use crate::source::recorded::Origin;
use crate::verify::book::RunBook;
use crate::verify::reader::Reader;
use crate::verify::{Inspector, Verifier};

/// How long a group may take until each partition has a reader: a coordinator waits for members, and for those of an
/// earlier life to be given up.
const FORMING: Duration = Duration::from_secs(60);

/// The verifier of a run, which tells the time through a wiring.
pub(super) type RunVerifier<'a, W> = Verifier<<W as Wiring>::Clock, RunBook<'a>>;

/// Everything that stands ready.
pub(super) struct Prepared {
    /// Kept for as long as the run needs it.
    pub(super) embedded: Option<Embedded>,
    pub(super) target: Target,
    /// The producers' settings as they are used, secrets included.
    pub(super) settings: Settings,
    /// Where the answers are written down.
    pub(super) answers: Option<Arc<Sink>>,
    /// One of each lane, and the verifier's.
    pub(super) recorders: Vec<Recorder>,
    pub(super) schedule: Arc<Schedule>,
    pub(super) control: Arc<Control>,
    /// How events are known whose records carry no stamp; `None` where they do, or none is read back.
    pub(super) unstamped: Option<Arc<Unstamped>>,
}

/// The clients that lanes and verifier take over.
pub(super) struct Clients {
    pub(super) producers: Vec<Producer>,
    pub(super) consumer: Consumer,
}

impl Prepared {
    pub(super) fn new(
        config: &Config,
        schedule: &Arc<Schedule>,
        control: &Arc<Control>,
    ) -> Result<(Self, Clients), RunError> {
        let (names, of_kind) = config.topics();
        let embedded = match &config.kafka.bootstrap {
            None => Some(Embedded::with(names.iter().map(|topic| (*topic, config.kafka.partitions)))?),
            Some(_) => None,
        };
        let mut client = config.kafka.client.clone();
        let address =
            embedded.as_ref().map(Embedded::address).or(config.kafka.bootstrap.as_deref()).unwrap_or_default();
        client.insert("bootstrap.servers".to_owned(), address.to_owned());

        let reader = consumer_settings(config, &client, embedded.is_some());
        let mut consumer = Consumer::new(&live(reader.clone()))?;
        let clusters = names.iter().map(|topic| find_or_create(config, topic, &consumer, &client));
        let clusters = clusters.collect::<Result<Vec<_>, _>>()?;
        let partitions = clusters.iter().map(|cluster| cluster.topic.partitions);
        let slots = Slots::new(names.iter().map(ToString::to_string).zip(partitions), of_kind);
        let access = Access {
            bootstrap: config.kafka.bootstrap.as_deref(),
            client: &config.kafka.client,
            reader,
            timeout: config.kafka.connect_timeout,
        };
        let group = config.verify.as_ref().and_then(|verify| verify.group.as_ref());
        let mut target = Target::new(access, &mut consumer, clusters, slots, group)?;
        let partitions = target.ends.len();
        if embedded.is_some() && config.verify.is_some() {
            let limits = (embedded::PARTITION_RECORDS, embedded::PARTITION_BYTES);
            target.traffic = Arc::new(Traffic::new(partitions, Some(limits)));
        }
        let settings = producer_settings(&client, config);
        let producers = ready_producers(&settings, config, &target.slots)?;
        let recorder = |_| {
            Recorder::new(schedule.phases().len(), config.catalogue.len(), partitions)
                .after_warm_ups(schedule.warm_ups())
        };
        let prepared = Self {
            answers: answers(config, &target)?.map(Arc::new),
            embedded,
            target,
            settings,
            recorders: (0..=config.lanes.count).map(recorder).collect(),
            schedule: Arc::clone(schedule),
            control: Arc::clone(control),
            unstamped: None,
        };
        Ok((prepared, Clients { producers, consumer }))
    }

    /// A verifier that stands at the ends of the logs, where events are read back.
    pub(super) fn position_verifier<'a, W: Wiring>(
        &self,
        config: &Config,
        reader: Option<Box<dyn Reader>>,
        ledger: &'a Ledger,
        wiring: &W,
        interrupts: &Interrupts,
    ) -> Result<Option<RunVerifier<'a, W>>, RunError> {
        let Some(reader) = reader else { return Ok(None) };
        let Self { target, control, .. } = self;
        let book = RunBook::new(config.id, ledger, Arc::clone(&self.schedule), target.ends.len(), wiring.rules())
            .in_tempo_of(Arc::clone(control));
        let inspector = Inspector::new(
            book,
            Arc::clone(&config.catalogue),
            &config.kafka.topic,
            Arc::clone(&target.slots),
            target.java_placed && config.catalogue.is_placed_by_key(),
        )
        .by(wiring.rules(), !wiring.expects_faults())
        .numbered(config.lanes.numbering());
        let recorder = &self.recorders[usize::from(config.lanes.count)];
        let clock = wiring.clock(Monotonic::start());
        let setup = target.verifier(&config.kafka.topic, clock, recorder, control, config.patience.clone());
        let patience = if target.group.is_some() {
            config.kafka.connect_timeout.max(FORMING)
        } else {
            config.kafka.connect_timeout
        };
        let given_up = || interrupts.count() > 0;
        match Verifier::position(setup, reader, inspector, &target.ends, patience, &given_up) {
            Ok(verifier) => Ok(Some(verifier)),
            Err(_) if given_up() => Err(RunError::Interrupted),
            Err(error) => Err(RunError::Kafka(in_its_topic(error, &target.slots))),
        }
    }

    /// What the verifier reads from while the run goes on, where events are read back; a tap hands on what comes from it.
    pub(super) fn reader<W: Wiring>(
        &self,
        config: &Config,
        consumer: Consumer,
        tap: Option<Tap>,
        wiring: &W,
    ) -> Option<Box<dyn Reader>> {
        config.verify.as_ref()?;
        let reader = self.target.members(false).unwrap_or_else(|| Tap::on(tap, Box::new(consumer)));
        Some(wiring.reader(self.restamped(config, reader, Reading::Live), Reading::Live))
    }

    /// The same reader, which gives stamps to records that have none where they are known without.
    pub(super) fn restamped(&self, config: &Config, reader: Box<dyn Reader>, reading: Reading) -> Box<dyn Reader> {
        let Some(known) = &self.unstamped else { return reader };
        let (known, catalogue) = (Arc::clone(known), Arc::clone(&config.catalogue));
        Box::new(Restamped::new(reader, Recognition { known, run: config.id, catalogue }, reading))
    }

    /// Each lane's setup with its publisher.
    pub(super) fn lanes<P>(
        &self,
        config: &Config,
        source: &Source,
        publishers: Vec<P>,
    ) -> Result<Vec<(lane::Setup, P)>, RunError> {
        check_partitions(source, &self.target.slots)?;
        check_origins(source, &self.target)?;
        let of_lanes = |rate| lane::Ceiling::new(rate, config.lanes.count.into(), config.lanes.all.into());
        let ceiling = config.lateness.max_rate.map(of_lanes).map(Arc::new);
        let queue = self.settings.get("queue.buffering.max.messages").and_then(|value| value.parse().ok());
        let headers = packed_headers(config);
        (config.lanes.numbers().zip(&self.recorders))
            .zip(publishers)
            .map(|((number, recorder), publisher)| {
                let setup = lane::Setup {
                    number,
                    source: source.lane(number, config.lanes.all)?,
                    schedule: Arc::clone(&self.schedule),
                    room: config.lanes.numbering().room(number),
                    teller: source.teller(),
                    encoder: Encoder::new(config.id, number, Arc::clone(&config.catalogue))
                        .numbered(config.lanes.numbering())
                        .padded(config.padding)
                        .stampless(source.is_stampless()),
                    headers: Arc::clone(&headers),
                    rollout: config.rollout.clone(),
                    recorder: recorder.clone(),
                    control: Arc::clone(&self.control),
                    traffic: Arc::clone(&self.target.traffic),
                    slots: Arc::clone(&self.target.slots),
                    java_placed: self.target.java_placed,
                    pacing: config.pacing,
                    event_time: config.event_time,
                    late: config.late.clone(),
                    lateness: config.lateness.clone(),
                    ceiling: ceiling.clone(),
                    patience: config.patience.clone(),
                    transactions: config.transactions.map(|plan| transactions::plan_of(plan, config)),
                    queue: queue.filter(|queue| *queue > 0).unwrap_or(usize::MAX),
                    remember: config.verify.as_ref().map_or(0, |_| REMEMBERED / usize::from(config.lanes.count.max(1))),
                    unstamped: self.unstamped.as_ref().map(|all| LaneUnstamped::new(Arc::clone(all))),
                    answers: self.answers.as_ref().map(|sink| LaneAnswers::new(number, Arc::clone(sink))),
                };
                Ok((setup, publisher))
            })
            .collect()
    }

    /// Who looks at the topics while events are sent; nobody, where the broker is embedded.
    pub(super) fn topic_watcher(&self) -> Result<Option<topic_watch::Watcher>, KafkaError> {
        self.embedded.is_none().then(|| self.target.topic_watcher()).transpose()
    }

    /// Who looks at the group that is to be looked at.
    pub(super) fn lag_watcher(&self, config: &Config) -> Result<Option<lag::Watcher>, KafkaError> {
        config
            .kafka
            .lag_group
            .as_ref()
            .map(|group| lag::Watcher::new(&self.target, &config.kafka.topic, group))
            .transpose()
    }
}

/// The headers that each record has.
fn packed_headers(config: &Config) -> Arc<[u8]> {
    let mut packed = Vec::new();
    for (name, value) in &config.kafka.headers {
        Header { name: name.as_bytes(), value: Some(value.as_bytes()) }.pack(&mut packed);
    }
    packed.into()
}

/// Finds the topic, or makes it where that was asked for.
fn find_or_create(
    config: &Config,
    topic: &str,
    consumer: &Consumer,
    settings: &Settings,
) -> Result<ClusterMetadata, KafkaError> {
    let timeout = config.kafka.connect_timeout;
    match consumer.metadata(topic, timeout) {
        Err(KafkaError::TopicMissing { .. }) if config.kafka.create_topics => {}
        answer => return answer,
    }
    let spec = admin::NewTopic {
        name: topic.to_owned(),
        partitions: config.kafka.partitions,
        replication_factor: config.kafka.replication_factor,
        config: Settings::new(),
    };
    admin::create_topic(settings, &spec, timeout)?;
    let clock = Monotonic::start();
    loop {
        match consumer.metadata(topic, timeout) {
            Ok(found) if found.topic.leaderless.is_empty() && found.topic.partitions > 0 => return Ok(found),
            answer if clock.now() >= Nanos::from(timeout) => return answer,
            Ok(_) | Err(KafkaError::TopicMissing { .. }) => clock.sleep_until(clock.now() + Nanos::from_millis(20)),
            Err(error) => return Err(error),
        }
    }
}

/// The file in which the answers are written down, where that is asked for.
pub(super) fn answers(config: &Config, target: &Target) -> Result<Option<Sink>, RunError> {
    let Some(path) = &config.answers else { return Ok(None) };
    let topics = target.slots.topics().map(|(topic, partitions)| (topic.to_owned(), partitions)).collect();
    let ends = target.ends.iter().map(|marks| marks.high).collect();
    let head = Head {
        transactional: config.transactions.is_some(),
        compacted: target.is_compacted(),
        ids: target.clusters.iter().map(|cluster| cluster.topic.id.clone()).collect(),
        ..Head::new(config.id.to_string(), config.lanes.all, topics, ends)
    };
    Sink::create(path, head).map(Some).map_err(|source| RunError::Answers { path: path.clone(), source })
}

/// An error about a slot as one about its topic's partition.
fn in_its_topic(error: KafkaError, slots: &Slots) -> KafkaError {
    match error {
        KafkaError::PartitionUnavailable { topic, partition, waited, code } => {
            let place = slots.place(partition).map(|(topic, partition)| (topic.to_owned(), partition));
            let (topic, partition) = place.unwrap_or((topic, partition));
            KafkaError::PartitionUnavailable { topic, partition, waited, code }
        }
        other => other,
    }
}

/// Whether the topics have the partitions that recorded records keep.
fn check_partitions(source: &Source, slots: &Slots) -> Result<(), RunError> {
    let check = |kind: TypeIndex, partition| {
        let topic = slots.topic_of(kind.index());
        if slots.slot_in(topic, partition).is_none() {
            let (name, has) = slots.topics().nth(topic).unwrap_or_default();
            return Err(RunError::NoPartition { topic: name.to_owned(), partition, has });
        }
        Ok(())
    };
    match source {
        Source::Recorded(recorded) => recorded.kept().try_for_each(|(kind, partition)| check(kind, partition)),
        Source::Mirrored(mirror) => mirror.config().kept().try_for_each(|(kind, partition)| check(kind, partition)),
        _ => Ok(()),
    }
}

/// Whether records would go into the topic that they come from, of which nobody said that they may.
fn check_origins(source: &Source, target: &Target) -> Result<(), RunError> {
    let origins = match source {
        Source::Recorded(recorded) => &recorded.config().origins,
        Source::Mirrored(mirror) => &mirror.config().origins,
        _ => return Ok(()),
    };
    for ((name, _), cluster) in target.slots.topics().zip(&target.clusters) {
        let is_origin = |origin: &Origin| origin.is(cluster.topic.id.as_ref(), cluster.id.as_ref());
        if origins.get(name).is_some_and(is_origin) {
            return Err(match source {
                Source::Mirrored(_) => RunError::IntoTheRead(name.to_owned()),
                _ => RunError::IntoItself(name.to_owned()),
            });
        }
    }
    Ok(())
}

/// Whether the lanes can number all events. A plan without an end is never too long: it stops where its numbers do.
pub(super) fn check_sequences(config: &Config, source: &Source, schedule: &Schedule) -> Result<(), RunError> {
    let planned = match (schedule.count(), source.len()) {
        (Some(count), Some(rows)) => Some(count.min(rows)),
        (count, rows) => count.or(rows),
    };
    let is_recorded = matches!(source, Source::RetailRocket(_) | Source::Recorded(_));
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
