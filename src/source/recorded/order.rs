//! The order in which records are played, for one round: partitions are merged by time, each in the order of its log.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Recorded;
use crate::capture::blocks::{Tools, Walk};
use crate::capture::read::ReadError;
use crate::clock::Nanos;

/// A walk over all partitions.
#[derive(Debug)]
pub(super) struct Order {
    walks: Vec<Walk>,
    /// The latest time of each partition so far.
    latest: Vec<Option<i64>>,
    /// The next record of each partition, the earliest one at the top; of one time the partition's place decides.
    due: BinaryHeap<Reverse<(i64, usize)>>,
    /// The partition whose record was given last: its next one is not looked up yet.
    given: Option<usize>,
    begun: bool,
    /// The time of the record before, and its distance from the first one.
    before: Option<(i64, Nanos)>,
    back: u64,
}

/// A record in its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// Its partition, by its place among all.
    pub(super) partition: usize,
    /// When it is played, in recorded time.
    pub(super) time_ms: i64,
    /// How long after the first one, gaps capped.
    pub(super) offset: Nanos,
    /// Whether the gap before it was capped.
    pub(super) capped: bool,
}

impl Order {
    pub(super) fn begin(recorded: &Recorded) -> Self {
        let partitions = recorded.blocks.partitions().len();
        let walks = std::iter::repeat_with(Walk::default).take(partitions).collect();
        Self {
            walks,
            latest: vec![None; partitions],
            due: BinaryHeap::with_capacity(partitions),
            given: None,
            begun: false,
            before: None,
            back: 0,
        }
    }

    /// The next record that is played.
    pub(super) fn next(&mut self, recorded: &Recorded, tools: &mut Tools) -> Result<Option<Turn>, ReadError> {
        if !self.begun {
            self.begun = true;
            for partition in 0..self.walks.len() {
                self.advance(partition, recorded, tools)?;
            }
        }
        let config = &recorded.config;
        loop {
            if let Some(partition) = self.given.take() {
                self.advance(partition, recorded, tools)?;
            }
            let Some(Reverse((time_ms, partition))) = self.due.pop() else { return Ok(None) };
            self.given = Some(partition);
            if config.until.is_some_and(|until| time_ms >= until.0) {
                // All that follow are later.
                self.due.clear();
                self.given = None;
                return Ok(None);
            }
            if config.from.is_some_and(|from| time_ms < from.0) {
                continue;
            }
            let max = config.max_gap.map_or(Nanos::MAX, Nanos::from);
            let (offset, capped) = match self.before {
                None => (Nanos::ZERO, false),
                Some((before_ms, offset)) => {
                    let gap = Nanos::from_millis(time_ms.abs_diff(before_ms));
                    (offset + gap.min(max), gap > max)
                }
            };
            self.before = Some((time_ms, offset));
            return Ok(Some(Turn { partition, time_ms, offset, capped }));
        }
    }

    /// The walk along a partition, at the record that was given last.
    pub(super) fn at(&self, partition: usize) -> &Walk {
        &self.walks[partition]
    }

    /// Records so far that are earlier than one before them in their partition, or have no time.
    pub(super) const fn back(&self) -> u64 {
        self.back
    }

    fn advance(&mut self, partition: usize, recorded: &Recorded, tools: &mut Tools) -> Result<(), ReadError> {
        let walk = &mut self.walks[partition];
        if !walk.advance(&recorded.blocks, &recorded.blocks.partitions()[partition], tools)? {
            return Ok(());
        }
        let latest = &mut self.latest[partition];
        let time_ms = match (walk.at_ms(), *latest) {
            (Some(at), Some(before)) if at < before => {
                self.back += 1;
                before
            }
            (Some(at), _) => at,
            (None, before) => {
                self.back += 1;
                // Before all others of its partition, and at no time: as early as the recording goes.
                before.unwrap_or_else(|| {
                    recorded.blocks.opened().filter_map(|opened| opened.ending?.first_ms).min().unwrap_or(0)
                })
            }
        };
        *latest = Some(time_ms);
        self.due.push(Reverse((time_ms, partition)));
        Ok(())
    }
}
