//! A partition as the verifier knows it.

use crate::clock::Nanos;

/// One partition as the verifier knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionState {
    /// Where reading started.
    pub from: i64,
    /// The offset it would read next.
    pub position: i64,
    /// The log's start at the end of the run, where asked; else where reading started.
    pub log_start: i64,
    /// The log's end at the end of the run; `None` where the leader did not tell it in time.
    pub log_end: Option<i64>,
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
    /// Offsets that went out of the log before they were read.
    pub skipped: u64,
    /// Offsets that were passed over without a record: control records, compaction, or what another member of a group read.
    pub jumped: u64,
    pub(crate) seen: u64,
    pub(crate) last_read: Nanos,
}

/// What tells that a partition's log may have been cut off and grown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truncation {
    /// Another leader took over: what it had not copied is gone.
    NewLeader,
    /// The log ends before the reader's position, or before an acked offset.
    LogEnd,
    /// The client could not go on at its position.
    Position,
}

impl PartitionState {
    /// Whether the log seems to end before what has to be read, or was read.
    pub(super) fn is_short(&self) -> bool {
        self.log_end.is_some_and(|end| self.target.max(Some(self.position)) > Some(end))
    }

    /// The log is shorter than what was acked or read: nothing can be read past its end.
    pub(super) fn give_short_up(&mut self) {
        if self.is_short() {
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
