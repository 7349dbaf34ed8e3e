//! What a member of a storing group did, as plain data.

use serde::{Deserialize, Serialize};

use crate::capture::recorder::recorded::EndedBy;

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Records.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// Why it ended.
    pub ended_by: Option<EndedBy>,
    /// What went wrong with the cluster.
    pub failure: Option<String>,
    /// How often the group gave it partitions.
    pub given: u64,
    /// How often the group took partitions from it.
    pub taken: u64,
    /// How often partitions were lost to it without a word.
    pub lost: u64,
    /// Each partition that it had.
    pub partitions: Vec<PartitionStored>,
}

/// A partition that a member of the group had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionStored {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// The first offset that it was read from.
    pub from: i64,
    /// The offset behind the last one that it was read to.
    pub until: i64,
    /// Its records.
    pub recorded: u64,
    /// Offsets at which there is no record: markers of transactions, and what compaction took away.
    pub absent: u64,
    /// Offsets that were gone before they were read, by retention or `DeleteRecords`: no file has them.
    pub expired: u64,
}

impl Stored {
    /// Offsets that were gone before they were read.
    #[must_use]
    pub fn expired(&self) -> u64 {
        self.partitions.iter().map(|partition| partition.expired).sum()
    }

    /// The index of a partition, which is read from `from` on where it is not known yet.
    pub(super) fn index(&mut self, topic: &str, partition: i32, from: i64) -> usize {
        let known = self.partitions.iter().position(|known| known.partition == partition && known.topic == topic);
        let at = known.unwrap_or(self.partitions.len());
        if known.is_none() {
            let (topic, until) = (topic.to_owned(), from);
            self.partitions.push(PartitionStored { topic, partition, from, until, recorded: 0, absent: 0, expired: 0 });
        }
        at
    }
}
