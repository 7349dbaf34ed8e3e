//! A look at the topics every other second: that they are still there, the same ones, with as many partitions.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use super::RunError;
use super::threads::{self, Running};
use crate::clock::{Clock, Monotonic, Nanos, wall_unix_ns};
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, KafkaError, Settings, TopicIdentity, Wait};
use crate::verify::topics::Topics;

const THREAD: &str = "topic-watch";
/// How often the topics are looked at.
const EVERY: Nanos = Nanos::from_secs(2);
/// How long a topic that is gone is waited for: who deletes it may be making it anew.
const RETURN: Nanos = Nanos::from_secs(2);
/// How often it is looked for.
const LOOK_AGAIN: Nanos = Nanos::from_millis(200);

/// The longest wait for an answer.
const LOOK: Duration = Duration::from_secs(1);

/// What was found wrong, until somebody takes it.
#[derive(Clone, Debug, Default)]
pub(super) struct Problem(Arc<Mutex<Option<String>>>);

impl Problem {
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn leave(&self, problem: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }
}

/// What the cluster tells of the topics, in their order; `None` where it tells nothing.
type Identities = Option<Vec<Result<TopicIdentity, Code>>>;

/// Somebody who looks at the topics.
pub(super) struct Watcher {
    look: Box<dyn Fn() -> Identities + Send>,
    partitions: Vec<(String, i32)>,
    topics: Arc<Topics>,
}

/// Stands ready to look at these topics.
pub(super) fn watcher(settings: &Settings, slots: &Slots, topics: &Arc<Topics>) -> Result<Watcher, KafkaError> {
    let (consumer, names) = (Consumer::new(settings)?, Arc::clone(topics));
    let of_all: Vec<String> = slots.topics().map(|(topic, _)| topic.to_owned()).collect();
    Ok(Watcher::by(slots, topics, move || look(&consumer, &names, &of_all)))
}

/// Topics that are being looked at.
pub(super) struct TopicWatch<'scope> {
    problem: Problem,
    thread: Running<'scope, ()>,
}

impl TopicWatch<'_> {
    /// What is found, as it goes on.
    pub(super) fn problem(&self) -> Problem {
        self.problem.clone()
    }

    /// Waits for the last look; what it found, if nobody has taken it.
    pub(super) fn end(self) -> Result<Option<String>, RunError> {
        threads::join(self.thread, THREAD)?;
        Ok(self.problem.take())
    }
}

/// Looks at the topics until `going` is false, which is looked at too, or something is wrong.
pub(super) fn watch<'scope>(
    scope: &'scope Scope<'scope, '_>,
    watcher: Watcher,
    going: &'scope AtomicBool,
) -> Result<TopicWatch<'scope>, RunError> {
    let problem = Problem::default();
    let found = problem.clone();
    let clock = Monotonic::start();
    let mut gone_since = None;
    let thread = threads::start_looking(scope, THREAD, going, EVERY, move |last| {
        let now = clock.now();
        match watcher.changed() {
            Some(Change::Gone(_)) if !last && now < *gone_since.get_or_insert(now) + RETURN => Some(LOOK_AGAIN),
            Some(Change::Gone(problem) | Change::Other(problem)) => {
                found.leave(problem);
                None
            }
            None => Some(EVERY),
        }
    })?;
    Ok(TopicWatch { problem, thread })
}

/// What has become of a topic, in a sentence.
enum Change {
    /// It is not there.
    Gone(String),
    /// It is another one, or not as it was.
    Other(String),
}

impl Watcher {
    /// One that looks by `look`.
    pub(super) fn by(slots: &Slots, topics: &Arc<Topics>, look: impl Fn() -> Identities + Send + 'static) -> Self {
        let partitions = slots.topics().map(|(topic, partitions)| (topic.to_owned(), partitions)).collect();
        Self { look: Box::new(look), partitions, topics: Arc::clone(topics) }
    }

    /// What has become of a topic, where it is not what it was.
    fn changed(&self) -> Option<Change> {
        let told = (self.look)()?;
        if self.topics.compare(&told, wall_unix_ns()) {
            return self.topics.made_anew().map(str::to_owned).map(Change::Other);
        }
        self.partitions.iter().zip(told).find_map(|((topic, partitions), told)| match told {
            Ok(now) if now.partitions != *partitions => Some(Change::Other(format!(
                "topic \"{topic}\" had {partitions} partitions at the start and has {} now: keys have moved",
                now.partitions
            ))),
            Err(Code::UnknownTopicOrPartition | Code::UnknownTopic) => {
                Some(Change::Gone(format!("topic \"{topic}\" was deleted while the run used it")))
            }
            Ok(_) | Err(_) => None,
        })
    }
}

/// What the cluster tells of the topics now.
fn look(consumer: &Consumer, topics: &Topics, all: &[String]) -> Identities {
    let names = topics.names();
    if !names.is_empty() {
        return consumer.identities(&names, Wait::of(LOOK)).ok();
    }
    let told = all.iter().map(|topic| match consumer.metadata(topic, LOOK) {
        Ok(told) => Some(Ok(TopicIdentity { id: None, partitions: told.topic.partitions })),
        Err(KafkaError::TopicMissing { .. }) => Some(Err(Code::UnknownTopic)),
        Err(_) => None,
    });
    told.collect()
}
