//! Publishing to nowhere: every event is acked at once. Shows what the generator alone can do.

use std::time::Duration;

use super::{Batch, Handed, Publisher};
use crate::kafka::{Answer, Code, Notice, Report, TransactionError};

/// A broker that confirms everything and keeps nothing.
#[derive(Debug, Default)]
pub struct Null {
    reports: Vec<Report>,
    next_offsets: Vec<i64>,
}

impl Publisher for Null {
    fn send(&mut self, batch: &Batch, _refused: &mut Vec<(usize, Code)>) -> Handed {
        for entry in batch.rest() {
            let partition = entry.partition.unwrap_or(0);
            let index = usize::try_from(partition).unwrap_or(0);
            if self.next_offsets.len() <= index {
                self.next_offsets.resize(index + 1, 0);
            }
            let offset = self.next_offsets[index];
            self.next_offsets[index] += 1;
            self.reports.push(Report { ticket: entry.ticket, partition, offset: Some(offset), answer: Answer::Acked });
        }
        Handed { done: batch.rest().len(), full: false, halted: false }
    }

    fn serve(&mut self, _wait: Duration, reports: &mut Vec<Report>, _notices: &mut Vec<Notice>) {
        reports.append(&mut self.reports);
    }

    fn purge(&mut self) {}

    fn begin(&mut self) -> Result<(), TransactionError> {
        Ok(())
    }

    fn commit(&mut self, _wait: Duration) -> Result<(), TransactionError> {
        Ok(())
    }

    fn abort(&mut self, _wait: Duration) -> Result<(), TransactionError> {
        Ok(())
    }
}
