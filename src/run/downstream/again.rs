//! Reads the run's input once more, where something is wrong, to say what explains it.

use super::{BATCH, Partition, Schemas, Topic, WAIT};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::control::Control;
use crate::expect::{Explainer, Record};
use crate::kafka::Delivered;
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;

/// How long nothing may come before reading once more is given up.
const PATIENCE: Nanos = Nanos::from_secs(30);

/// A second reading of the input, up to where the first one ended.
pub(super) struct Again<'a> {
    pub(super) consumer: &'a mut Consumer,
    pub(super) schemas: &'a mut Schemas,
    pub(super) slots: &'a Slots,
    pub(super) topics: &'a [Topic],
    /// By slot.
    pub(super) partitions: Vec<Partition>,
}

impl Again<'_> {
    /// Tells the input to the explainer; `None` where there is nothing to explain, or it could not be read.
    pub(super) fn read(&mut self, mut explainer: Explainer, control: &Control) -> Option<Explainer> {
        let mut left = 0;
        let mut starts = Vec::new();
        for (slot, state) in (0_i32..).zip(&mut self.partitions) {
            let source = self.slots.topic_at(slot).and_then(|topic| self.topics[topic].source);
            let is_wanted = source.is_some_and(|source| explainer.wants(source));
            state.target = state.target.filter(|target| is_wanted && state.start < *target);
            if state.target.is_some() {
                state.position = state.start;
                starts.push((slot, state.start));
                left += 1;
            }
        }
        if left == 0 {
            return None;
        }
        if let Err(error) = self.consumer.assign("", starts.into_iter()) {
            tracing::warn!("the input could not be read once more to say what explains wrong results: {error}");
            return None;
        }
        let clock = Monotonic::start();
        let mut last = clock.now();
        while self.partitions.iter().any(|state| state.target.is_some_and(|target| state.position < target)) {
            if control.is_aborted() || clock.now() >= last + PATIENCE {
                return None;
            }
            let taken = self.take(&mut explainer);
            if taken > 0 {
                last = clock.now();
            } else if self.consumer.wait(WAIT).is_err() {
                clock.sleep_until(clock.now() + Nanos::from_millis(1));
            }
        }
        Some(explainer)
    }

    fn take(&mut self, explainer: &mut Explainer) -> usize {
        let Self { consumer, schemas, slots, topics, partitions } = self;
        let taken = consumer.take(BATCH, |delivered| match delivered {
            Delivered::Record(record) => {
                let slot = record.partition;
                let known = usize::try_from(slot).ok().and_then(|index| partitions.get_mut(index));
                let source = slots.topic_at(slot).and_then(|topic| topics[topic].source);
                let partition = slots.place(slot).and_then(|(_, partition)| usize::try_from(partition).ok());
                let (Some(state), Some(source), Some(partition)) = (known, source, partition) else { return };
                state.position = record.offset + 1;
                if state.target.is_some_and(|target| record.offset < target) {
                    let at_ms = record.timestamp.unix_ms().unwrap_or_default();
                    let body = record.body.map(|body| schemas.json(body).unwrap_or(body));
                    explainer.input(source, &Record { partition, offset: record.offset, at_ms, body });
                }
            }
            Delivered::EndOfPartition { partition: slot, offset } => {
                if let Some(state) = usize::try_from(slot).ok().and_then(|index| partitions.get_mut(index)) {
                    state.position = offset;
                }
            }
            Delivered::Error { .. } => {}
        });
        consumer.notices(|_| {});
        taken
    }
}
