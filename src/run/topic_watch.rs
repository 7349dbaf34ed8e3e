//! A look at the topics every other second while events are sent: that they are still there, with as many partitions.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::RunError;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{KafkaError, Settings};

/// How often the topic is looked at during the run.
const TOPIC_WATCH: Duration = Duration::from_secs(2);

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

/// Somebody who looks at the topics.
pub(super) struct Watcher {
    consumer: Consumer,
    topics: Vec<(String, i32)>,
}

/// Stands ready to look at these topics.
pub(super) fn watcher(settings: &Settings, slots: &Slots) -> Result<Watcher, KafkaError> {
    let topics = slots.topics().map(|(topic, partitions)| (topic.to_owned(), partitions)).collect();
    Ok(Watcher { consumer: Consumer::new(settings)?, topics })
}

/// Looks at the topics until `sending` is false, or something is wrong.
pub(super) fn watch<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    watcher: Watcher,
    sending: &'scope AtomicBool,
) -> Result<Problem, RunError> {
    let found = Problem::default();
    let result = found.clone();
    thread::Builder::new()
        .name("topic-watch".to_owned())
        .spawn_scoped(scope, move || {
            let clock = Monotonic::start();
            let mut next = Nanos::from(TOPIC_WATCH);
            while sending.load(Ordering::Acquire) {
                clock.sleep_until((clock.now() + Nanos::from_millis(50)).min(next));
                if clock.now() < next {
                    continue;
                }
                next = clock.now() + Nanos::from(TOPIC_WATCH);
                let Watcher { consumer, topics } = &watcher;
                if let Some(problem) = topics.iter().find_map(|(topic, count)| changed(consumer, topic, *count)) {
                    result.leave(problem);
                    return;
                }
            }
        })
        .map_err(|error| RunError::Thread(format!("topic-watch: {error}")))?;
    Ok(found)
}

/// What has become of a topic that the run writes to, where it is not what it was.
fn changed(consumer: &Consumer, topic: &str, partitions: i32) -> Option<String> {
    match consumer.metadata(topic, Duration::from_secs(1)) {
        Ok(seen) if seen.topic.partitions != partitions => Some(format!(
            "topic \"{topic}\" had {partitions} partitions at the start and has {} now: keys have moved",
            seen.topic.partitions
        )),
        Err(KafkaError::TopicMissing { .. }) => {
            Some(format!("topic \"{topic}\" was deleted while the run wrote to it"))
        }
        Ok(_) | Err(_) => None,
    }
}
