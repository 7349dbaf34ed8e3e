//! What came of a recording, as plain data.

use serde::{Deserialize, Serialize};

use crate::clock::Nanos;

/// Why a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// It was at the end that was asked for.
    End,
    /// Nothing came any more.
    Idle,
    /// It had as many records as were asked for.
    NumRecords,
    /// Somebody ended it.
    Interrupt,
    /// The cluster could not be read any more.
    Failure,
}

/// Offsets that were there and were not recorded, by the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Gone before they were read: retention, or `DeleteRecords`.
    pub expired: u64,
    /// Of a compacted topic: not there when they were read, by compaction; a control record looks the same.
    pub compacted: u64,
    /// No record for a reader: markers of transactions.
    pub control: u64,
    /// Of transactions that were aborted, under `read_committed`.
    pub aborted: u64,
    /// Behind a transaction that was open at the end, under `read_committed`.
    pub open: u64,
    /// Behind the place at which the recording was ended.
    pub unread: u64,
    /// There when they were looked for again: the reading was wrong.
    pub missed: u64,
    /// For a reason that was not found out.
    pub unknown: u64,
}

impl Missing {
    /// Each class with its name and what it means.
    #[must_use]
    pub const fn classes(&self) -> [(&'static str, u64, &'static str); 8] {
        [
            ("expired", self.expired, "gone before they were read (retention or DeleteRecords)"),
            ("compacted", self.compacted, "not there any more in a compacted topic; a control record looks the same"),
            ("control", self.control, "markers of transactions, which are no records"),
            ("aborted", self.aborted, "of aborted transactions"),
            ("open", self.open, "behind a transaction that is open"),
            ("unread", self.unread, "behind the place at which the recording was ended"),
            ("missed", self.missed, "there, and not recorded: the reading was wrong"),
            ("unknown", self.unknown, "for a reason that was not found out"),
        ]
    }

    /// All of them.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.classes().iter().map(|(_, count, _)| count).sum()
    }

    fn add(&mut self, other: &Self) {
        self.expired += other.expired;
        self.compacted += other.compacted;
        self.control += other.control;
        self.aborted += other.aborted;
        self.open += other.open;
        self.unread += other.unread;
        self.missed += other.missed;
        self.unknown += other.unknown;
    }
}

/// One partition of a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionRecorded {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// The first offset that was wanted.
    pub from: i64,
    /// The offset after the last one that was wanted.
    pub until: i64,
    /// How many offsets that is.
    pub there: u64,
    /// Records in the recording.
    pub recorded: u64,
    /// The others.
    pub missing: Missing,
}

/// What came of a recording.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Records.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    /// Why it ended.
    pub ended_by: EndedBy,
    /// What went wrong with the cluster.
    pub failure: Option<String>,
    /// Offsets that were wanted: the sum of records and missing ones.
    pub there: u64,
    /// Offsets that were not recorded.
    pub missing: Missing,
    /// Each partition.
    pub partitions: Vec<PartitionRecorded>,
}

impl Recorded {
    pub(super) fn of(
        records: u64,
        bytes: u64,
        took: Nanos,
        ended_by: EndedBy,
        failure: Option<String>,
        partitions: Vec<PartitionRecorded>,
    ) -> Self {
        let mut missing = Missing::default();
        for partition in &partitions {
            missing.add(&partition.missing);
        }
        let there = partitions.iter().map(|partition| partition.there).sum();
        Self { records, bytes, seconds: took.as_secs_f64(), ended_by, failure, there, missing, partitions }
    }

    /// Whether records and missing ones are all that was there, in every partition.
    #[must_use]
    pub fn sums(&self) -> bool {
        let whole = |partition: &PartitionRecorded| partition.recorded + partition.missing.sum() == partition.there;
        let recorded: u64 = self.partitions.iter().map(|partition| partition.recorded).sum();
        self.partitions.iter().all(whole) && recorded == self.records
    }
}
