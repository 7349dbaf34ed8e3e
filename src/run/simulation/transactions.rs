//! Transactions: what their coordinator decides, the markers it writes, and a producer's part in them.
//!
//! Sources: KIP-98 (a transaction is decided by its coordinator, and markers in every partition of it come after; readers of committed
//! records see up to the first offset of one without a marker, and nothing of aborted ones), KIP-890 (what comes after the end is
//! refused), rdkafka.h ("Transactional producer API": what can be done about an error); markers take offsets, and delivery reports say
//! nothing of the end (measured).

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::client::{report, send};
use super::cluster::{Cluster, Happening, MS};
use super::log::{Entry, Message, Nature, Partition};
use super::producer::{Producer, until};
use crate::clock::virtual_time;
use crate::kafka::{Answer, Code, Remedy, TransactionError};

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Committed,
    Aborted,
}

/// A transaction as its coordinator knows it.
#[derive(Clone, Debug, Default)]
pub(super) struct Transaction {
    /// The run's producer that began it, and how many it had begun before; `None`: another's.
    pub(super) of: Option<(usize, u64)>,
    /// As it was decided.
    pub(super) end: Option<End>,
    /// As its producer was told; nothing, where that is not proven.
    pub(super) told: Option<End>,
    /// Whether its producer asked for a commit.
    asked_commit: bool,
    /// Whether its end has been asked for, and what the answer is.
    asked: bool,
    answer: Option<Result<(), (Code, Remedy)>>,
    /// Where it has written.
    partitions: Vec<usize>,
}

static MARKERS: LazyLock<[Arc<Message>; 2]> = LazyLock::new(|| {
    [End::Committed, End::Aborted]
        .map(|end| Arc::new(Message { key: Vec::new(), body: Vec::new(), nature: Nature::Marker(end) }))
});

impl Partition {
    /// Finds out anew where the first transaction begins that has no marker below the high watermark: the last stable offset.
    pub(super) fn settle_stable(&mut self) {
        if self.high < self.looked_at.1 || self.epoch != self.looked_at.0 {
            self.open.clear();
            self.aborted.clear();
            self.looked_at = (self.epoch, 0);
        }
        let Some(leader) = self.leader else { return };
        let new = self.copies[leader].iter().enumerate().take(self.high).skip(self.looked_at.1);
        for (offset, entry) in new {
            match (entry.transaction, entry.message.nature) {
                (Some(transaction), Nature::Marker(end)) => {
                    self.open.remove(&transaction);
                    if end == End::Aborted {
                        self.aborted.insert(transaction);
                    }
                }
                (Some(transaction), _) => drop(self.open.entry(transaction).or_insert(offset)),
                (None, _) => {}
            }
        }
        self.looked_at.1 = self.high;
        self.stable = self.open.values().copied().min().unwrap_or(self.high);
    }
}

impl Cluster {
    /// A transaction that is open.
    pub(super) fn begin(&mut self) -> usize {
        self.begin_of(None)
    }

    fn begin_of(&mut self, client: Option<usize>) -> usize {
        let before =
            |client: usize| self.transactions.iter().filter(move |one| one.of.is_some_and(|(of, _)| of == client));
        let of = client.map(|client| (client, before(client).count() as u64));
        self.transactions.push(Transaction { of, ..Transaction::default() });
        self.transactions.len() - 1
    }

    /// Whether an entry of that transaction may still be written to a partition; notes that it is.
    pub(super) fn takes_part(&mut self, transaction: usize, partition: usize) -> bool {
        let Transaction { end, partitions, .. } = &mut self.transactions[transaction];
        if end.is_none() && !partitions.contains(&partition) {
            partitions.push(partition);
        }
        end.is_none()
    }

    /// The coordinator decides.
    pub(super) fn decide(&mut self, transaction: usize, end: End) {
        let state = &mut self.transactions[transaction];
        if state.end.is_some() {
            return;
        }
        state.end = Some(end);
        for partition in state.partitions.clone() {
            self.at(self.now + MS, Happening::Marker(transaction, partition));
        }
    }

    /// A marker reaches its partition's leader, which may have to be waited for.
    pub(super) fn mark(&mut self, transaction: usize, partition: usize) {
        let Some(end) = self.transactions[transaction].end else { return };
        if !self.answers(partition) {
            return self.at(self.now + 20 * MS, Happening::Marker(transaction, partition));
        }
        let message = Arc::clone(&MARKERS[usize::from(end == End::Aborted)]);
        let create_ms = self.create_ms();
        let marker = Entry { epoch: 0, create_ms, producer: None, transaction: Some(transaction), message };
        self.partitions[partition].append([marker]);
        self.settle(partition);
    }

    /// A producer's request to end its transaction reaches the coordinator.
    pub(super) fn end_transaction(&mut self, transaction: usize, end: End) {
        // Its coordinator lives on the first broker.
        if !self.brokers[0].alive || self.brokers[0].stopped {
            return self.at(self.now + 20 * MS, Happening::EndTransaction(transaction, end));
        }
        self.decide(transaction, end);
        let state = &mut self.transactions[transaction];
        let answer = if state.end == Some(end) || end == End::Aborted {
            Ok(())
        } else {
            Err((Code::InvalidProducerIdMapping, Remedy::Abort))
        };
        self.at(self.now + MS, Happening::Ended(transaction, answer));
    }

    pub(super) fn ended(&mut self, transaction: usize, answer: Result<(), (Code, Remedy)>) {
        self.transactions[transaction].answer = Some(answer);
    }

    /// The coordinator gives up all that are open, as when they have been open for too long.
    pub(super) fn expire_transactions(&mut self) {
        for transaction in 0..self.transactions.len() {
            self.decide(transaction, End::Aborted);
        }
    }
}

fn error((code, remedy): (Code, Remedy)) -> TransactionError {
    TransactionError { code, text: "the transaction did not end as asked".to_owned(), remedy }
}

impl Producer {
    pub(super) fn begin_transaction(&mut self) -> Result<(), TransactionError> {
        let mut cluster = self.cluster.open();
        if cluster.fenced {
            return Err(error((Code::Fenced, Remedy::Nothing)));
        }
        let transaction = cluster.begin_of(Some(self.client));
        cluster.clients[self.client].transaction = Some(transaction);
        Ok(())
    }

    /// Asks for the end, once, and waits for the answer.
    pub(super) fn end(&mut self, end: End, wait: Duration) -> Result<(), TransactionError> {
        let begun = virtual_time::now_ns().unwrap_or(0);
        let until = begun.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX));
        loop {
            let mut cluster = self.cluster.open();
            let Some(transaction) = cluster.clients[self.client].transaction else { return Ok(()) };
            if cluster.fenced {
                return Err(error((Code::Fenced, Remedy::Nothing)));
            }
            let now = cluster.now;
            let state = &mut cluster.transactions[transaction];
            state.asked_commit |= end == End::Committed;
            if let Some(answer) = state.answer.take() {
                state.asked = false;
                if answer.is_ok() {
                    let is_proven = end == End::Committed || !state.asked_commit;
                    state.told = is_proven.then_some(end);
                    cluster.clients[self.client].transaction = None;
                }
                return answer.map_err(error);
            }
            if !std::mem::replace(&mut state.asked, true) {
                cluster.at(now + MS, Happening::EndTransaction(transaction, end));
            }
            drop(cluster);
            if now >= until {
                return Err(error((Code::OperationTimedOut, Remedy::Again)));
            }
            let is_answered =
                move |cluster: &Cluster| cluster.fenced || cluster.transactions[transaction].answer.is_some();
            self.cluster.wait_for(until, is_answered);
        }
    }

    /// Sends what is queued, and waits for the first report.
    pub(super) fn send_all(&mut self, wait: Duration) {
        let begun = virtual_time::now_ns().unwrap_or(0);
        let until = until(begun, wait);
        let mut cluster = self.cluster.open();
        for partition in 0..cluster.partitions.len() {
            send(&mut cluster, self.client, partition);
        }
        drop(cluster);
        let client = self.client;
        self.cluster.wait_for(until, move |cluster| cluster.clients[client].has_report(cluster.now));
    }

    /// Gives up what was not answered; each message gets its report, which waits no longer.
    pub(super) fn give_up(&mut self) {
        let mut cluster = self.cluster.open();
        for partition in 0..cluster.partitions.len() {
            for pending in cluster.clients[self.client].empty(partition) {
                report(&mut cluster, self.client, partition, &pending, Answer::Unanswered(Code::PurgeInflight), None);
            }
        }
        cluster.clients[self.client].tell_all();
    }
}
