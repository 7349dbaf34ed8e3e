//! How far a consumer group that somebody else runs is behind: looked at once a second, never joined.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Config, RunError};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, Settings};
use crate::report::LagReport;

const EVERY: Nanos = Nanos::from_secs(1);
/// The longest wait for the coordinator or a leader.
const ASK: Duration = Duration::from_secs(1);

/// The lag of a group, as far as it is known, shared with those who tell of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lag(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    latest: Option<u64>,
    highest: u64,
    partitions: Vec<Option<u64>>,
    error: Option<Code>,
}

impl Lag {
    /// Records behind, over all partitions, when last looked at.
    pub(super) fn latest(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).latest
    }

    /// What the report says of it.
    pub(super) fn report(&self, group: &str) -> LagReport {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        LagReport {
            group: group.to_owned(),
            at_end: seen.latest,
            highest: seen.latest.map(|_| seen.highest),
            partitions: seen.partitions.clone(),
            error: seen.error.filter(|_| seen.latest.is_none()).map(|code| format!("{code:?}")),
        }
    }

    fn note(&self, found: Result<Vec<Option<u64>>, Code>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match found {
            Ok(partitions) => {
                // A group that has committed nowhere has no lag that could be told.
                seen.latest = partitions.iter().copied().flatten().reduce(|sum, lag| sum + lag);
                seen.highest = seen.highest.max(seen.latest.unwrap_or_default());
                seen.partitions = partitions;
            }
            Err(code) => seen.error = Some(code),
        }
    }
}

/// A lag that is being looked at.
pub(super) struct Watched<'scope> {
    lag: Lag,
    thread: thread::ScopedJoinHandle<'scope, ()>,
}

impl Watched<'_> {
    /// What is seen, as it goes on.
    pub(super) fn lag(&self) -> Lag {
        self.lag.clone()
    }

    /// Waits for the last look, after which nothing changes any more.
    pub(super) fn end(self) -> Result<Lag, RunError> {
        self.thread.join().map_err(|_| RunError::Thread("group-lag panicked".to_owned()))?;
        Ok(self.lag)
    }
}

/// Looks at the group until `going` is false.
pub(super) fn watch<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    settings: &Settings,
    config: &Config,
    slots: &Arc<Slots>,
    going: &'scope AtomicBool,
) -> Result<Option<Watched<'scope>>, RunError> {
    let Some(group) = config.lag_group.as_ref() else { return Ok(None) };
    let mut settings = settings.clone();
    settings.insert("group.id".to_owned(), group.clone());
    let mut consumer = Consumer::new(&settings)?;
    consumer.join(slots);
    let lag = Lag::default();
    let (noted, slots, topic) = (lag.clone(), Arc::clone(slots), config.topic.clone());
    let thread = thread::Builder::new()
        .name("group-lag".to_owned())
        .spawn_scoped(scope, move || {
            let clock = Monotonic::start();
            let mut next = clock.now();
            loop {
                // The end of the run is looked at too.
                let last = !going.load(Ordering::Acquire);
                if last || clock.now() >= next {
                    next = clock.now() + EVERY;
                    noted.note(look(&consumer, &topic, &slots));
                }
                if last {
                    return;
                }
                clock.sleep_until((clock.now() + Nanos::from_millis(50)).min(next));
            }
        })
        .map_err(|error| RunError::Thread(format!("group-lag: {error}")))?;
    Ok(Some(Watched { lag, thread }))
}

/// By slot, how many records lie between what the group has committed and the end of the log.
fn look(consumer: &Consumer, topic: &str, slots: &Slots) -> Result<Vec<Option<u64>>, Code> {
    let committed = consumer.committed(slots, ASK)?;
    (0_i32..)
        .zip(committed)
        .map(|(slot, committed)| {
            let Some(committed) = committed else { return Ok(None) };
            let high = consumer.watermarks(topic, slot, ASK)?.high;
            Ok(Some(u64::try_from(high - committed).unwrap_or(0)))
        })
        .collect()
}
