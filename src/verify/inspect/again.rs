//! An event that is seen again.

use super::{Duplicate, Inspector};
use crate::event::decode::Decoded;
use crate::event::stamp::Stamp;
use crate::kafka::{Record, Timestamp};
use crate::verify::book::Book;
use crate::verify::findings::EXAMPLES;

/// Duplicates whose kind is found out at the end, at most; of more it stays undecided.
const REMEMBERED: usize = 100_000;

impl<B: Book> Inspector<B> {
    pub(super) fn duplicate(&mut self, record: &Record<'_>, decoded: &Decoded<'_>, stamp: Stamp) {
        self.findings.0.duplicates += 1;
        let kept = self.findings.count_of("duplicates") + self.duplicates.len();
        let told = |what: &str| self.example(record, Some((stamp, decoded)), what);
        let undecided = match record.timestamp {
            _ if self.book.run().is_none() => "seen again; who wrote it twice shows only with the run's id (--run-id)",
            Timestamp::Create(_) if self.duplicates.len() >= REMEMBERED => "seen again, one of too many to look into",
            Timestamp::Create(create_ms) => {
                let example = (kept < EXAMPLES).then(|| told(""));
                let (partition, offset) = (record.partition, record.offset);
                let Stamp { lane, sequence, .. } = stamp;
                let home = self
                    .java_placed
                    .then(|| self.slots.home_of_found(decoded.kind.index(), &decoded.record_key(), record.partition));
                self.duplicates.push(Duplicate { lane, sequence, home, partition, offset, create_ms, example });
                return;
            }
            Timestamp::LogAppend(_) => {
                "seen again; the topic stamps records with its own time (LogAppendTime), so who wrote it twice cannot be told"
            }
            Timestamp::Missing => "seen again, without a time, so who wrote it twice cannot be told",
        };
        let example = (kept < EXAMPLES).then(|| told(undecided));
        self.findings.0.duplicates_undecided += 1;
        if let Some(example) = example {
            self.findings.0.keep_duplicate("undecided", EXAMPLES, example);
        }
    }
}
