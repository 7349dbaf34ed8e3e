//! The publisher of a lane on the stage: it hands events to the simulated client, and serves that one's reports.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::client::{Pending, renew};
use super::cluster::{Cluster, MS, Shared};
use super::log::{Message, Nature};
use super::transactions::End;
use crate::clock::virtual_time;
use crate::event::catalogue::Catalogue;
use crate::kafka::{Code, Notice, Report, TransactionError, murmur2};
use crate::publish::{Batch, Handed, Publisher};

/// The types of the events that are sent.
pub(super) static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(crate::shop::catalogue().unwrap()));

/// The client of a lane.
#[derive(Debug)]
pub(super) struct Producer {
    pub(super) cluster: Shared,
    pub(super) client: usize,
}

/// A lane that waits for reports, or until the next event is due, looks again each millisecond. Nothing comes of that but a turn of
/// threads, so that it waits a little longer than it asked for, as on a machine that is busy; a report ends the one at once, and the next
/// due time the other.
const LONGER: u64 = 5 * MS;

/// Until when it waits.
pub(super) fn until(begun: u64, wait: Duration) -> u64 {
    let wait = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
    begun.saturating_add(if wait >= MS { wait.max(LONGER) } else { wait })
}

impl Cluster {
    /// When a lane wakes that sleeps until that instant.
    pub(super) fn wakes_ns(&self, until: u64) -> u64 {
        let Some(now) = virtual_time::now_ns().filter(|now| until >= now + MS) else { return until };
        let since_begin = self.begun.map_or(0, |begun| now.saturating_sub(begun));
        let to_next_due = self.plan.period() - since_begin % self.plan.period();
        until.max(now + LONGER.min(to_next_due))
    }
}

impl Publisher for Producer {
    fn send(&mut self, batch: &Batch, _refused: &mut Vec<(usize, Code)>) -> Handed {
        let mut cluster = self.cluster.open();
        let cluster = &mut *cluster;
        let (now, client) = (cluster.now, self.client);
        let mut done = 0;
        for entry in batch.rest() {
            if cluster.clients[client].held >= cluster.plan.queue {
                break;
            }
            done += 1;
            let bytes = |bytes: Option<&[u8]>| bytes.unwrap_or_default().to_vec();
            let (key, body) = (bytes(batch.key(entry)), bytes(batch.body(entry)));
            let count = i32::try_from(cluster.partitions.len()).unwrap_or(1);
            let partition = entry.partition.unwrap_or_else(|| murmur2::partition(&key, count));
            let partition = usize::try_from(partition).unwrap_or(0);
            let stamp = CATALOGUE.decode(&body).ok().and_then(|decoded| decoded.stamp);
            let event = stamp.map(|stamp| (stamp.lane, stamp.sequence));
            let nature = event.map_or(Nature::Foreign, Nature::Event);
            let message = Arc::new(Message { key, body, nature });
            if let Some(event) = event {
                let fate = cluster.fates.entry(event).or_default();
                fate.message = Some(Arc::clone(&message));
                (fate.taken_at, fate.partition) = (Some(now), Some(partition));
                fate.due = stamp.map_or(0, |stamp| stamp.due.unix_ns().saturating_sub(virtual_time::WALL_START_NS));
            }
            let expires = now + cluster.plan.delivery_timeout_ms * MS;
            let create_ms = crate::clock::wall_unix_ns() / MS;
            let idempotent = cluster.plan.idempotent;
            let create_ms = i64::try_from(create_ms).unwrap_or(i64::MAX);
            let own = &mut cluster.clients[client];
            let transaction = own.transaction;
            let pending = Pending { ticket: entry.ticket, message, create_ms, expires, number: 0, transaction };
            let is_first = own.enqueue(partition, idempotent, pending);
            if let Some(event) = event {
                cluster.fates.entry(event).or_default().transaction = transaction;
            }
            if is_first {
                cluster.send_at(now + cluster.plan.linger_ms * MS, client, partition);
            }
            cluster.expire_at(expires, client, partition);
        }
        Handed { done, full: done < batch.rest().len(), halted: false }
    }

    fn serve(&mut self, wait: Duration, reports: &mut Vec<Report>, _notices: &mut Vec<Notice>) {
        let begun = virtual_time::now_ns().unwrap_or(0);
        let until = until(begun, wait);
        loop {
            let mut cluster = self.cluster.open();
            let now = cluster.now;
            cluster.begun.get_or_insert(begun);
            let Cluster { clients, fates, .. } = &mut *cluster;
            let own = &mut clients[self.client];
            while let Some((event, report)) = own.serve(now) {
                reports.push(report);
                if let Some(event) = event {
                    fates.entry(event).or_default().answer = Some((report.answer, report.offset, now));
                }
            }
            drop(cluster);
            if !reports.is_empty() || now >= until {
                return;
            }
            let client = self.client;
            self.cluster.wait_for(until, move |cluster| cluster.clients[client].has_report(cluster.now));
        }
    }

    fn purge(&mut self) {
        self.give_up();
    }

    fn begin(&mut self) -> Result<(), TransactionError> {
        self.begin_transaction()
    }

    fn hasten(&mut self, wait: Duration) {
        self.send_all(wait);
    }

    fn commit(&mut self, wait: Duration) -> Result<(), TransactionError> {
        self.end(End::Committed, wait)
    }

    fn abort(&mut self, wait: Duration) -> Result<(), TransactionError> {
        self.give_up();
        let ended = self.end(End::Aborted, wait);
        if ended.is_ok() {
            renew(&mut self.cluster.open(), self.client, 0);
        }
        ended
    }
}
