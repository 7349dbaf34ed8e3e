//! What becomes of events and is given to the reader, as only the world knows it.

use std::sync::Arc;

use super::cluster::Cluster;
use super::log::{Message, Nature, Partition};
use crate::kafka::Answer;

/// Where and when something was given to a reader: partition, offset, virtual time.
pub(super) type Sighting = (usize, i64, u64);

/// A record that was given to the reader of the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) partition: usize,
    pub(super) nature: Nature,
    pub(super) create_ms: i64,
    /// Whether its offset had been given before.
    pub(super) again: bool,
}

/// What became of an event, as only the world knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    /// When the client took it, and where to.
    pub(super) taken_at: Option<u64>,
    pub(super) partition: Option<usize>,
    /// When it was due, as its stamp has it.
    pub(super) due: u64,
    /// What the client answered in the end, when.
    pub(super) answer: Option<(Answer, Option<i64>, u64)>,
    /// Where it was given to the reader of the run, when.
    pub(super) seen: Vec<Sighting>,
    /// Where a damaged record that claims to be it was first given to that reader.
    pub(super) damaged: Option<(usize, i64)>,
    /// Whether that reader's client passed over it.
    pub(super) skipped: bool,
    /// The transaction that it belongs to.
    pub(super) transaction: Option<usize>,
    /// As it was handed over.
    pub(super) message: Option<Arc<Message>>,
}

/// What of a partition a reader can tell apart: leader, epoch, start, high watermark, end, and whether it is answered.
pub(super) type Known = (Option<usize>, i32, usize, usize, usize, bool);

impl Cluster {
    /// Notes when what a reader can tell of a partition has changed.
    pub(super) fn note_change(&mut self, partition: usize) {
        self.partitions[partition].settle_stable();
        let Partition { leader, epoch, start, high, .. } = self.partitions[partition];
        let known = (leader, epoch, start, high, self.partitions[partition].log().len(), self.answers(partition));
        let before = std::mem::replace(&mut self.known[partition], known);
        if self.made_anew == 0 {
            self.aged[partition] = self.aged[partition].max(start);
        }
        if before != known {
            self.changed[partition] = self.now;
        }
        if !before.5 {
            self.answering_since[partition] = self.now;
        }
    }
}
