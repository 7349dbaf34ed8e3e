//! Publishing to a Kafka broker through librdkafka.

use std::time::Duration;

use super::{Batch, Handed, Publisher};
use crate::kafka::native::{Message, Producer};
use crate::kafka::{Code, Notice, Report, TransactionError};

impl Publisher for Producer {
    fn send(&mut self, batch: &Batch, refused: &mut Vec<(usize, Code)>) -> Handed {
        let messages = batch.rest().map(|entry| Message {
            topic: entry.topic,
            partition: entry.partition,
            key: batch.key(entry),
            body: batch.body(entry),
            headers: batch.headers(entry),
            create_ms: entry.create_ms,
            ticket: entry.ticket,
        });
        let handed = self.produce(messages, |index, code| refused.push((index, code)));
        Handed { done: handed.done, full: handed.queue_full, halted: handed.halted }
    }

    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, notices: &mut Vec<Notice>) {
        Self::serve(self, wait, |report| reports.push(report), |notice| notices.push(notice));
    }

    fn purge(&mut self) {
        Self::purge(self);
    }

    fn begin(&mut self) -> Result<(), TransactionError> {
        self.begin_transaction()
    }

    fn hasten(&mut self, wait: Duration) {
        self.flush(wait);
    }

    fn commit(&mut self, wait: Duration) -> Result<(), TransactionError> {
        self.commit_transaction(wait)
    }

    fn abort(&mut self, wait: Duration) -> Result<(), TransactionError> {
        self.abort_transaction(wait)
    }
}
