//! A partition as the verifier knows it.

use crate::clock::Nanos;
use crate::kafka::Watermarks;

/// One partition as the verifier knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionState {
    /// Where reading started.
    pub from: i64,
    /// The offset it would read next.
    pub position: i64,
    /// The log's start at the end of the run, where asked; else where reading started.
    pub log_start: i64,
    /// The high watermark at the end of the run, the end for every reader; `None` where the leader did not tell it in time.
    pub log_end: Option<i64>,
    /// For a reader of committed records, the last stable offset where that lies before the high watermark: from there on an open
    /// transaction hides what is in the log.
    pub hidden_from: Option<i64>,
    /// Whether the leader's own log goes on above the high watermark, where that was asked.
    pub goes_on: Option<bool>,
    /// What had to be read.
    pub target: Option<i64>,
    /// Leader epochs under which records were written, each with the first offset at which it was met.
    pub epochs: Vec<(i32, i64)>,
    /// Why the log may have lost records that had been read, where it may.
    pub truncation: Option<Truncation>,
    /// Whether the reader has this partition: in a group others may.
    pub is_held: bool,
    /// Whether the end of the log had been reached when it was last heard of.
    pub at_end: bool,
    /// Whether the topic was deleted and made anew meanwhile: then the positions are those of a log that is gone.
    pub is_another: bool,
    /// Offsets that went out of the log before they were read.
    pub skipped: u64,
    /// Offsets that had been read and were then cut off the log: what was written there anew has not been read.
    pub cut_off: u64,
    /// Offsets that were passed over without a record: control records, compaction, or what another member of a group read.
    pub jumped: u64,
    /// The time of the first record that was read, ms since the Unix epoch.
    pub first_record_ms: Option<i64>,
    /// What its reader was last told of its position.
    pub(crate) told: i64,
    pub(crate) seen: u64,
    pub(crate) last_read: Nanos,
}

/// What tells that a partition's log may have been cut off and grown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncation {
    /// Another leader took over: what it had not copied is gone.
    NewLeader,
    /// The log ends before the reader's position.
    LogEnd,
    /// The client could not go on at its position.
    Position,
}

impl PartitionState {
    /// Whether the log seems to end before what has to be read, or was read.
    pub(super) fn is_short(&self) -> bool {
        self.log_end.is_some_and(|end| self.target.max(Some(self.position)) > Some(end))
    }

    /// Takes over what a leader told of the log's ends.
    pub(super) fn note_ends(&mut self, ends: Watermarks) {
        self.log_start = ends.low;
        self.log_end = Some(ends.high);
        self.hidden_from = (ends.stable < ends.high).then_some(ends.stable);
    }

    /// How far it had been read at the most, before what was read there was cut off.
    #[must_use]
    pub fn reached(&self) -> i64 {
        self.position.saturating_add_unsigned(self.cut_off)
    }

    /// How far this reader is given records now.
    pub(super) fn readable_end(&self) -> Option<i64> {
        self.hidden_from.or(self.log_end)
    }

    /// The log is shorter than what was read, or was cut off: nothing can be read past its end.
    pub(super) fn give_short_up(&mut self) {
        if self.is_short() && (self.truncation.is_some() || self.log_end.is_some_and(|end| self.position > end)) {
            self.truncation.get_or_insert(Truncation::LogEnd);
            self.target = self.log_end;
        }
    }

    /// Notes the leader epoch of a record. A later one than before means that another leader took over; true then.
    pub(super) fn note_epoch(&mut self, epoch: i32, offset: i64) -> bool {
        match self.epochs.last() {
            Some((last, _)) if *last >= epoch => false,
            last => {
                let changed = last.is_some();
                if changed {
                    self.truncation.get_or_insert(Truncation::NewLeader);
                }
                if epoch >= 0 {
                    self.epochs.push((epoch, offset));
                }
                changed
            }
        }
    }
}

pub(super) fn state_of(partitions: &mut [PartitionState], partition: i32) -> Option<&mut PartitionState> {
    partitions.get_mut(usize::try_from(partition).ok()?)
}

/// Moves a partition's position on; false where it had been there already.
pub(super) fn advance(partitions: &mut [PartitionState], partition: i32, next: i64) -> bool {
    match state_of(partitions, partition) {
        Some(state) if next > state.position => {
            state.position = next;
            true
        }
        _ => false,
    }
}
