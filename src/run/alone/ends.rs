//! The ends of the logs while reading goes on, asked for once a second: how far behind the reader is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::clock::{Clock, Monotonic, Nanos};
use crate::control::OF_OTHERS;
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{KafkaError, Settings, Wait};
use crate::run::RunError;

const EVERY: Nanos = Nanos::from_secs(1);
/// The longest wait for the leaders.
const ASK: Duration = Duration::from_millis(500);

/// The ends as they were last told; `None` where a leader did not answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends(Arc<Mutex<Vec<Option<i64>>>>);

impl Ends {
    /// Records between these positions and the ends; `None` where an end is not known, or where all partitions are others'.
    pub(super) fn behind(&self, positions: &[i64]) -> Option<u64> {
        let ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ends.is_empty() || positions.iter().all(|at| *at == OF_OTHERS) {
            return None;
        }
        ends.iter().zip(positions).map(|(end, at)| Some(u64::try_from((*end)? - at).unwrap_or(0))).sum()
    }

    fn put(&self, ends: Vec<Option<i64>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }
}

/// Somebody who asks.
pub(super) struct Asker {
    consumer: Consumer,
    topic: String,
    partitions: i32,
}

impl Asker {
    pub(super) fn new(settings: &Settings, topic: &str, slots: &Arc<Slots>) -> Result<Self, KafkaError> {
        let mut consumer = Consumer::new(settings)?;
        consumer.join(slots);
        Ok(Self { consumer, topic: topic.to_owned(), partitions: slots.len() })
    }
}

/// Asks until `going` is false.
pub(super) fn ask<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    asker: Asker,
    going: &'scope AtomicBool,
) -> Result<Ends, RunError> {
    let ends = Ends::default();
    let told = ends.clone();
    thread::Builder::new()
        .name("log-ends".to_owned())
        .spawn_scoped(scope, move || {
            let clock = Monotonic::start();
            let mut next = Nanos::ZERO;
            let all: Vec<i32> = (0..asker.partitions).collect();
            while going.load(Ordering::Acquire) {
                if clock.now() < next {
                    clock.sleep_until((clock.now() + Nanos::from_millis(20)).min(next));
                    continue;
                }
                next = clock.now() + EVERY;
                let given_up = || !going.load(Ordering::Acquire);
                let ends = asker.consumer.ends(&asker.topic, &all, Wait { timeout: ASK, given_up: &given_up });
                let found = ends.into_iter().map(|ends| ends.ok().map(|ends| ends.high)).collect();
                told.put(found);
            }
        })
        .map_err(|error| RunError::Thread(format!("log-ends: {error}")))?;
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_behind_is_known_only_where_every_end_is() {
        let ends = Ends::default();
        assert_eq!(ends.behind(&[0, 0]), None);
        ends.put(vec![Some(10), Some(5)]);
        assert_eq!(ends.behind(&[4, 7]), Some(6), "a position past an end that was asked for earlier is no debt");
        ends.put(vec![Some(10), None]);
        assert_eq!(ends.behind(&[4, 5]), None);
        ends.put(vec![Some(10), Some(5)]);
        assert_eq!(ends.behind(&[4, OF_OTHERS]), Some(6));
        assert_eq!(
            ends.behind(&[OF_OTHERS, OF_OTHERS]),
            None,
            "a member without a partition knows nothing of what is left"
        );
    }
}
