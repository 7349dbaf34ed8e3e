//! One turn of the verifier: what was delivered, what the client said, and where it goes on when the log no longer has its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::book::Book;
use super::ending::note_silence;
use super::inspect::Inspector;
use super::partition::{PartitionState, Truncation, advance, state_of};
use super::unjudged::{Item, Unjudged};
use super::{ASK, BATCH, Verifier};
use crate::clock::{Clock, Nanos, wall_unix_ns};
use crate::control::{OF_OTHERS, Traffic};
use crate::kafka::errors::About;
use crate::kafka::{Code, Delivered, Judged, Notice, Record, Wait, Watermarks};
use crate::measure::{Presence, Shard};
use crate::settings::run::Patience;

impl<C: Clock, B: Book> Verifier<C, B> {
    pub(super) fn take(&mut self) -> usize {
        let left = self.until.records.map_or(BATCH as u64, |most| most - self.records);
        let most = usize::try_from(left).unwrap_or(BATCH).min(BATCH);
        let before = self.records;
        let Self {
            reader,
            inspector,
            clock,
            recorder,
            told,
            traffic,
            partitions,
            errors,
            resets,
            short,
            patience,
            records,
            last_record,
            presence,
            denied,
            held,
            ..
        } = self;
        let mut shard = recorder.open();
        let mut desk =
            Desk { inspector, partitions, traffic, short, presence, patience, records, held, shard: &mut shard };
        desk.take_up_held();
        let mut first = None;
        let most = if desk.held.is_full() { 0 } else { most };
        let mut take = |delivered: Delivered<'_>| {
            // One clock read a batch, before anything is parsed: parsing must not count as latency.
            let at = *first.get_or_insert_with(|| {
                let now = clock.now();
                desk.presence.note(now);
                desk.inspector.begin_batch(now);
                now
            });
            match delivered {
                Delivered::Record(record) => {
                    resets.heard(record.partition);
                    desk.deliver(&record, at);
                }
                Delivered::EndOfPartition { partition, offset } => {
                    resets.heard(partition);
                    if desk.held.has(partition) {
                        desk.held.keep_end(partition, offset, at);
                    } else {
                        desk.note_end(partition, offset, at);
                    }
                }
                Delivered::Error { partition, code: Code::AutoOffsetReset | Code::LogTruncation, offset } => {
                    resets.note(partition, offset);
                }
                // A reader by assignment needs no right on the group whose name it bears, though its client asks for the coordinator;
                // a group's members tell it otherwise.
                Delivered::Error { code: Code::GroupAuthorizationFailed, .. } => {}
                Delivered::Error { partition, code, .. } => {
                    if matches!(
                        code,
                        Code::TopicAuthorizationFailed | Code::UnknownTopicOrPartition | Code::UnknownTopic
                    ) {
                        *denied = Some(code);
                    }
                    errors.note(code, About::Reading, at, Some(partition), "");
                }
            }
        };
        let taken = if most == 0 { 0 } else { reader.take(most, &mut take) };
        let found = inspector.found();
        shard.found.add(found.since(std::mem::replace(told, found)));
        // A partition in which nothing waits to be read is idle, not stalled.
        let now = first.unwrap_or_else(|| {
            let now = clock.now();
            presence.note(now);
            now
        });
        if *records > before {
            *last_record = now;
        }
        let mut judged = Vec::new();
        for (partition, state) in (0_i32..).zip(partitions.iter_mut()) {
            if std::mem::replace(&mut state.told, state.position) != state.position {
                let leader_epoch = state.epochs.last().map_or(-1, |(epoch, _)| *epoch);
                judged.push(Judged { partition, position: state.position, leader_epoch });
            }
            // What others read is no debt of this reader's.
            traffic.stands_at(partition, if reader.holds(partition) { state.position } else { OF_OTHERS });
            if !traffic.has_unread(partition, state.seen) {
                state.last_read = now;
            }
        }
        if !judged.is_empty() {
            reader.judged(&judged);
        }
        taken
    }

    pub(super) fn serve(&mut self) {
        self.hear();
        let resets = self.resets.due(self.clock.now());
        if resets.is_empty() {
            return;
        }
        let (resets, offsets): (Vec<i32>, Vec<i64>) = resets.into_iter().unzip();
        if self.is_another_topic() {
            // Its positions are those of a log that is gone.
            return;
        }
        self.asking += Nanos::from(ASK);
        let Self { reader, topic, control, .. } = self;
        let ends = reader.ends(topic, &resets, Wait { timeout: ASK, given_up: &|| control.is_aborted() });
        for ((partition, at), ends) in resets.iter().zip(offsets).zip(ends) {
            match ends {
                Ok(ends) => self.go_on(*partition, at, ends),
                Err(code) => {
                    // Asked again on the next turn.
                    self.resets.note(*partition, at);
                    self.errors.note(code, About::Reading, self.clock.now(), Some(*partition), "");
                }
            }
        }
        for partition in &resets {
            let again_from = state_of(&mut self.partitions, *partition).map_or(0, |state| state.position);
            self.held.forget(*partition, again_from);
        }
        let positions: Vec<(i32, i64)> = (0_i32..).zip(self.partitions.iter().map(|state| state.position)).collect();
        if let Err(error) = self.reader.resume(&self.topic, &positions, &resets) {
            self.note_error(Code::Fail, &error.to_string());
        }
    }

    /// A position out of a log's range may be one of another log: what is there now must not be taken for what was cut off.
    fn is_another_topic(&mut self) -> bool {
        let topics = Arc::clone(&self.topics);
        let names = topics.names();
        if names.is_empty() {
            return false;
        }
        self.asking += Nanos::from(ASK);
        let Self { reader, control, .. } = self;
        match reader.identities(&names, Wait { timeout: ASK, given_up: &|| control.is_aborted() }) {
            Ok(told) => topics.compare(&told, wall_unix_ns()),
            Err(error) => {
                self.note_error(Code::Fail, &error.to_string());
                false
            }
        }
    }

    /// Takes what the client has to say, and follows what a group has decided.
    pub(super) fn hear(&mut self) {
        let (errors, throttle, now) = (&mut self.errors, &mut self.throttle, self.clock.now());
        self.reader.notices(&mut |notice| match notice {
            Notice::Error { code, text, .. } => errors.note(code, About::Client, now, None, &text),
            Notice::Log { level, facility, text } => {
                tracing::debug!(target: "librdkafka", level, facility, "{text}");
            }
            Notice::Statistics(json) => throttle.note(&json, now),
        });
    }

    /// The client could not go on at `at`: its position, or what its group had committed, which may be less. What lies below the log's start
    /// is gone, and reading goes on there; a log that ends before the position was cut off, and reading goes on at its end.
    fn go_on(&mut self, partition: i32, at: i64, ends: Watermarks) {
        let Some(state) = state_of(&mut self.partitions, partition) else { return };
        let at = if at < 0 { state.position } else { at };
        if at >= ends.low || state.position > ends.high {
            // Not retention: the log no longer holds what was read, or what came after it.
            state.truncation.get_or_insert(Truncation::Position);
        }
        state.log_start = ends.low;
        let next = if state.position > ends.high { ends.high } else { state.position.max(ends.low) };
        state.skipped += u64::try_from(next - state.position).unwrap_or(0);
        state.cut_off += u64::try_from(state.position - next).unwrap_or(0);
        let from = state.position;
        state.position = next;
        if state.target.is_some_and(|target| ends.high < target) {
            self.short.entry(partition).or_insert(self.clock.now());
        }
        tracing::warn!(
            partition,
            from,
            to = next,
            "the log no longer has the verifier's position; it goes on elsewhere"
        );
    }

    pub(super) fn note_error(&mut self, code: Code, text: &str) {
        self.errors.note(code, About::Reading, self.clock.now(), None, text);
    }
}

/// Where what was delivered is judged.
struct Desk<'a, B> {
    inspector: &'a mut Inspector<B>,
    partitions: &'a mut [PartitionState],
    traffic: &'a Traffic,
    short: &'a mut BTreeMap<i32, Nanos>,
    presence: &'a mut Presence,
    patience: &'a Patience,
    records: &'a mut u64,
    held: &'a mut Unjudged,
    shard: &'a mut Shard,
}

impl<B: Book> Desk<'_, B> {
    /// Judges what was kept and can be judged now.
    fn take_up_held(&mut self) {
        if self.held.is_empty() {
            return;
        }
        for (partition, item) in self.held.ready(|record| self.inspector.awaits_schema(record)) {
            match item {
                Item::Record(held) => self.judge(&held.record(), held.at),
                Item::End(offset, at) => self.note_end(partition, offset, at),
            }
        }
    }

    fn deliver(&mut self, record: &Record<'_>, at: Nanos) {
        *self.records += 1;
        if self.held.has(record.partition) || self.inspector.awaits_schema(record) {
            if let Some(state) = state_of(self.partitions, record.partition) {
                state.at_end = false;
            }
            self.held.keep(record, at);
        } else {
            self.judge(record, at);
        }
    }

    fn judge(&mut self, record: &Record<'_>, at: Nanos) {
        if let Some(state) = state_of(self.partitions, record.partition) {
            state.jumped += u64::try_from(record.offset - state.position).unwrap_or(0);
        }
        let reread = !advance(self.partitions, record.partition, record.offset + 1);
        let bytes = record.body.map_or(0, <[u8]>::len) + record.key.map_or(0, <[u8]>::len);
        self.traffic.read(record.partition, 1, bytes as u64);
        let Some(state) = state_of(self.partitions, record.partition) else { return };
        state.at_end = false;
        state.first_record_ms = state.first_record_ms.or(record.timestamp.unix_ms());
        if state.note_epoch(record.leader_epoch, record.offset) {
            self.shard.leader_changes.push(record.partition);
        }
        if self.inspector.inspect(record, reread, at, self.shard) {
            state.seen += 1;
        }
        let since = std::mem::replace(&mut state.last_read, at);
        // Nothing was silent within a batch, which is read at one time.
        if since < at
            && let Ok(partition) = usize::try_from(record.partition)
        {
            note_silence(self.shard, self.presence.within(since, at), partition, self.patience, true);
        }
    }

    fn note_end(&mut self, partition: i32, offset: i64, at: Nanos) {
        advance(self.partitions, partition, offset);
        if let Some(state) = state_of(self.partitions, partition) {
            state.at_end = true;
            // It may have been cut off since its end was asked for, or a transaction may still be open.
            if state.target.is_some_and(|target| offset < target) {
                self.short.entry(partition).or_insert(at);
            }
        }
    }
}
