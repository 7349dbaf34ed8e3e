//! A producing client as librdkafka is known to behave: a queue with a bound, batches after a linger, requests in flight, retries,
//! time-outs with their statuses, reports that are served late.
//!
//! Sources: librdkafka's CONFIGURATION.md (`queue.buffering.max.messages`, `linger.ms`, `max.in.flight`, `request.timeout.ms`,
//! `delivery.timeout.ms`, `socket.max.fails`) and INTRODUCTION.md ("Message reliability", "Idempotent Producer"); the new epoch after a
//! time-out is librdkafka#4953, measured on a cluster of three brokers.

use std::collections::VecDeque;
use std::sync::Arc;

use super::brokers::Request;
use super::cluster::{Cluster, MS};
use super::log::{Entry, Identity, Message};
use super::plan::Plan;
use crate::kafka::{Answer, Code, Report};

/// Messages of a request, at most.
const BATCH: usize = 16;
/// The wait before a request is sent again (`retry.backoff.ms` is 100; shorter, as all times here).
const BACKOFF: u64 = 20 * MS;

impl Code {
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER`.
    pub(super) const OUT_OF_ORDER: Self = Self(45);
}

/// A message that the client holds.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) ticket: usize,
    pub(super) message: Arc<Message>,
    pub(super) create_ms: i64,
    pub(super) expires: u64,
    /// The idempotent producer's number.
    pub(super) number: u64,
    pub(super) transaction: Option<usize>,
}

#[derive(Debug)]
struct InFlight {
    id: u64,
    attempt: u32,
    messages: Vec<Pending>,
}

#[derive(Debug, Default)]
struct Queue {
    pending: VecDeque<Pending>,
    /// Batches to be sent again, the first first, and not before that time.
    again: VecDeque<InFlight>,
    in_flight: Vec<InFlight>,
    next_number: u64,
    /// Whether the connection to its broker was lost: nothing is sent before that answers.
    is_cut: bool,
    /// When it is looked at next.
    next_look: Option<u64>,
    /// When the last request, and the last answer to one, is at its place: on a connection nothing overtakes what was sent before.
    last_there: u64,
    last_back: u64,
}

/// A report with the time from which it can be served, and the event that it is about.
type Due = (u64, Option<Identity>, Report);

/// The state of a client.
#[derive(Debug)]
pub(super) struct Client {
    producer: u64,
    queues: Vec<Queue>,
    next_id: u64,
    /// Messages that have no report yet that was served.
    pub(super) held: usize,
    reports: VecDeque<Due>,
    /// Whether it begins a new epoch when nothing is in flight any more.
    drains: bool,
    /// The open transaction.
    pub(super) transaction: Option<usize>,
}

impl Client {
    pub(super) fn new(plan: &Plan, producer: u64) -> Self {
        let queues = (0..plan.partitions).map(|_| Queue::default()).collect();
        Self { producer, queues, next_id: 0, held: 0, reports: VecDeque::new(), drains: false, transaction: None }
    }

    /// When a request that would be at the broker then is there.
    pub(super) fn there_at(&mut self, partition: usize, at: u64) -> u64 {
        let last = &mut self.queues[partition].last_there;
        *last = at.max(*last);
        *last
    }

    /// When an answer that would be back then is.
    pub(super) fn back_at(&mut self, partition: usize, at: u64) -> u64 {
        let last = &mut self.queues[partition].last_back;
        *last = at.max(*last);
        *last
    }

    /// Whether a partition's queue need be looked at then: it is not looked at before.
    pub(super) fn is_to_look(&mut self, partition: usize, at: u64) -> bool {
        let next = &mut self.queues[partition].next_look;
        let is_first = next.is_none_or(|next| at < next);
        if is_first {
            *next = Some(at);
        }
        is_first
    }

    /// A partition's queue is looked at.
    pub(super) fn looks(&mut self, partition: usize, now: u64) {
        let next = &mut self.queues[partition].next_look;
        *next = next.filter(|next| *next > now);
    }

    /// What a request holds, where it is still waited for.
    pub(super) fn batch(&self, request: Request) -> Option<Vec<Entry>> {
        let queue = &self.queues[request.partition];
        let found = queue.in_flight.iter().find(|one| (one.id, one.attempt) == (request.id, request.attempt))?;
        let entry = |pending: &Pending| Entry {
            epoch: 0,
            create_ms: pending.create_ms,
            producer: (pending.number != u64::MAX).then_some((self.producer, pending.number)),
            transaction: pending.transaction,
            message: Arc::clone(&pending.message),
        };
        Some(found.messages.iter().map(entry).collect())
    }

    /// Takes everything out of a partition's queue.
    pub(super) fn empty(&mut self, partition: usize) -> Vec<Pending> {
        let queue = &mut self.queues[partition];
        let sent = queue.in_flight.drain(..).chain(queue.again.drain(..)).flat_map(|batch| batch.messages);
        sent.chain(queue.pending.drain(..)).collect()
    }

    /// Lets all reports be served at once.
    pub(super) fn tell_all(&mut self) {
        self.reports.iter_mut().for_each(|(at, ..)| *at = 0);
    }

    /// Takes a message; whether it is the first that waits in its partition.
    pub(super) fn enqueue(&mut self, partition: usize, idempotent: bool, pending: Pending) -> bool {
        self.held += 1;
        let queue = &mut self.queues[partition];
        let number = if idempotent { queue.next_number } else { u64::MAX };
        queue.next_number += 1;
        let is_first = queue.pending.is_empty();
        queue.pending.push_back(Pending { number, ..pending });
        is_first
    }

    /// Serves the next report.
    pub(super) fn serve(&mut self, now: u64) -> Option<(Option<Identity>, Report)> {
        let (_, event, report) = self.reports.pop_front_if(|(at, ..)| *at <= now)?;
        self.held -= 1;
        Some((event, report))
    }

    /// Whether there is a report to be served.
    pub(super) fn has_report(&self, now: u64) -> bool {
        self.reports.front().is_some_and(|(at, ..)| *at <= now)
    }

    fn take(&mut self, request: Request) -> Option<InFlight> {
        let in_flight = &mut self.queues[request.partition].in_flight;
        let at = in_flight.iter().position(|one| (one.id, one.attempt) == (request.id, request.attempt))?;
        Some(in_flight.remove(at))
    }
}

/// Sends what a client has for a partition, as far as requests may be in flight.
pub(super) fn send(cluster: &mut Cluster, client: usize, partition: usize) {
    let own = &cluster.clients[client];
    if own.drains {
        if own.queues.iter().all(|queue| queue.in_flight.is_empty()) {
            renew(cluster, client, partition);
        }
        return;
    }
    let leader = cluster.partitions[partition].leader;
    let is_dead = leader.is_none_or(|leader| !cluster.brokers[leader].alive);
    let answers = cluster.answers(partition);
    let queue = &mut cluster.clients[client].queues[partition];
    queue.is_cut &= !answers;
    if is_dead || queue.is_cut {
        if !queue.pending.is_empty() || !queue.again.is_empty() {
            cluster.send_at(cluster.now + BACKOFF, client, partition);
        }
        return;
    }
    loop {
        let most = cluster.plan.in_flight;
        let Client { queues, next_id, .. } = &mut cluster.clients[client];
        let queue = &mut queues[partition];
        if queue.in_flight.len() >= most {
            return;
        }
        let next = queue.again.pop_front().or_else(|| {
            let messages: Vec<Pending> = queue.pending.drain(..queue.pending.len().min(BATCH)).collect();
            *next_id += 1;
            (!messages.is_empty()).then_some(InFlight { id: *next_id, attempt: 0, messages })
        });
        let Some(next) = next else { return };
        let request = Request { client, partition, id: next.id, attempt: next.attempt };
        if cluster.plan.acks == 0 {
            // Nothing is waited for: acked when sent, without an offset. The request is on its way all the same.
            let reports = next.messages.clone();
            cluster.clients[client].queues[partition].in_flight.push(next);
            cluster.arrive(request);
            for pending in &reports {
                report(cluster, client, partition, pending, Answer::Acked, None);
            }
            continue;
        }
        cluster.clients[client].queues[partition].in_flight.push(next);
        cluster.arrive(request);
    }
}

/// A broker's answer reaches the client.
pub(super) fn answered(cluster: &mut Cluster, request: Request, answer: Result<Option<i64>, Code>) {
    let Request { client, partition, .. } = request;
    let Some(batch) = cluster.clients[client].take(request) else { return };
    if cluster.plan.acks == 0 {
        return send(cluster, client, partition);
    }
    match answer {
        Ok(base) => {
            for (index, pending) in (0_i64..).zip(&batch.messages) {
                report(cluster, client, partition, pending, Answer::Acked, base.map(|base| base + index));
            }
        }
        Err(code @ (Code::MessageSizeTooLarge | Code::TopicAuthorizationFailed)) => {
            // What was sent before may have been written: the status is "possibly persisted" then.
            let answer = if batch.attempt == 0 { Answer::Refused(code) } else { Answer::Unanswered(code) };
            for pending in &batch.messages {
                report(cluster, client, partition, pending, answer, None);
            }
            // Numbers that were never written leave a gap: the producer begins anew, in a transaction when that is aborted.
            cluster.clients[client].drains = cluster.plan.idempotent && cluster.plan.transaction.is_none();
        }
        // Its transaction is over: nothing was written, and the client does not know that.
        Err(code @ Code::InvalidProducerIdMapping) => {
            for pending in &batch.messages {
                report(cluster, client, partition, pending, Answer::Unanswered(code), None);
            }
        }
        Err(code) => {
            retry(cluster, client, partition, batch);
            if code == Code::OUT_OF_ORDER
                && cluster.plan.transaction.is_none()
                && cluster.clients[client].queues[partition].in_flight.is_empty()
            {
                renew(cluster, client, partition);
            }
        }
    }
    send(cluster, client, partition);
}

/// The request's time is up: the client gives the connection up (`socket.max.fails`).
pub(super) fn unanswered(cluster: &mut Cluster, request: Request) {
    let Request { client, partition, .. } = request;
    let Some(batch) = cluster.clients[client].take(request) else { return };
    if cluster.plan.acks == 0 {
        return send(cluster, client, partition);
    }
    retry(cluster, client, partition, batch);
    let leader = cluster.partitions[partition].leader;
    for other in 0..cluster.partitions.len() {
        if other == partition || cluster.partitions[other].leader == leader {
            cut(cluster, client, other);
        }
    }
}

/// The connection to a partition's leader is lost, and with it every request on it: all are sent again, in their order.
pub(super) fn cut(cluster: &mut Cluster, client: usize, partition: usize) {
    let queue = &mut cluster.clients[client].queues[partition];
    queue.is_cut = true;
    for batch in std::mem::take(&mut queue.in_flight) {
        if cluster.plan.acks != 0 {
            retry(cluster, client, partition, batch);
        }
    }
    cluster.send_at(cluster.now + BACKOFF, client, partition);
}

fn retry(cluster: &mut Cluster, client: usize, partition: usize, batch: InFlight) {
    let again = &mut cluster.clients[client].queues[partition].again;
    // In the order in which they were first sent; without idempotence others may have overtaken them in flight.
    let at = again.iter().position(|other| other.id > batch.id).unwrap_or(again.len());
    again.insert(at, InFlight { attempt: batch.attempt + 1, ..batch });
    cluster.send_at(cluster.now + BACKOFF, client, partition);
}

/// The time of messages is up: of those in flight nothing is known.
pub(super) fn expire(cluster: &mut Cluster, client: usize, partition: usize) {
    let now = cluster.now;
    let queue = &mut cluster.clients[client].queues[partition];
    let mut expired = Vec::new();
    let mut sort = |messages: &mut Vec<Pending>| {
        let (over, left) = std::mem::take(messages).into_iter().partition(|pending| pending.expires <= now);
        *messages = left;
        expired.extend::<Vec<Pending>>(over);
    };
    for batch in queue.in_flight.iter_mut().chain(&mut queue.again) {
        // A batch expires as one (librdkafka's message sets in flight are not cut).
        if batch.messages.iter().any(|pending| pending.expires <= now) {
            for pending in &mut batch.messages {
                pending.expires = now;
            }
            sort(&mut batch.messages);
        }
    }
    queue.in_flight.retain(|batch| !batch.messages.is_empty());
    queue.again.retain(|batch| !batch.messages.is_empty());
    while queue.pending.front().is_some_and(|pending| pending.expires <= now) {
        expired.extend(queue.pending.pop_front());
    }
    if expired.is_empty() || cluster.plan.acks == 0 {
        return;
    }
    for pending in &expired {
        report(cluster, client, partition, pending, Answer::Unanswered(Code::MessageTimedOut), None);
    }
    // The gap that they leave in a transaction is gone when that is aborted.
    if cluster.plan.transaction.is_none() {
        renew(cluster, client, partition);
    }
    send(cluster, client, partition);
}

/// An idempotent client begins a new epoch and sends again what was in flight (librdkafka#4953): the broker does not know it.
pub(super) fn renew(cluster: &mut Cluster, client: usize, partition: usize) {
    if !cluster.plan.idempotent {
        return;
    }
    let producer = cluster.new_producer();
    let count = cluster.partitions.len();
    let own = &mut cluster.clients[client];
    (own.producer, own.drains) = (producer, false);
    for queue in &mut own.queues {
        let mut again: Vec<InFlight> = queue.in_flight.drain(..).chain(queue.again.drain(..)).collect();
        again.sort_by_key(|batch| batch.id);
        queue.next_number = 0;
        for pending in again.iter_mut().flat_map(|batch| &mut batch.messages).chain(&mut queue.pending) {
            pending.number = queue.next_number;
            queue.next_number += 1;
        }
        for batch in &mut again {
            batch.attempt += 1;
        }
        queue.again = again.into();
    }
    for other in 0..count {
        if other != partition {
            cluster.send_at(cluster.now + BACKOFF, client, other);
        }
    }
    cluster.send_at(cluster.now + BACKOFF, client, partition);
}

pub(super) fn report(
    cluster: &mut Cluster,
    client: usize,
    partition: usize,
    pending: &Pending,
    answer: Answer,
    offset: Option<i64>,
) {
    let at = cluster.now + cluster.plan.report_us * 1_000;
    let partition = i32::try_from(partition).unwrap_or(i32::MAX);
    cluster.clients[client].reports.push_back((
        at,
        pending.message.nature.event(),
        Report { ticket: pending.ticket, partition, offset, answer },
    ));
    cluster.report_at(at);
}
