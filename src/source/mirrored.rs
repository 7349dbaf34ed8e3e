//! Records that are read from topics while they are sent into others, without a file between.
//!
//! A reader puts records in ([`Mirror::put`]) and waits where there is no room; the lane takes them out in the order of their times, each
//! partition in the order of its log ([`merge`]). When one is due is decided once, as it is taken out: the gap before it at the speed that
//! is asked for after the one before, or its arrival, whichever is later. So a backlog is played k times as fast, and what is
//! live as it comes, a little faster where it is behind.

mod config;
mod merge;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::lane::Drawn;
use super::recorded::{Bytes, CreateTime, Event, Placing};
use super::web::Fate;
use crate::capture::Captured;
use crate::clock::{self, Clock, Monotonic, Nanos};
use crate::event::KeyId;
pub use config::Config;
use merge::{Merge, Turn};

/// Bytes of records that wait for the lane, at most.
pub const ROOM: usize = 64 << 20;

/// Where records wait for the lane.
#[derive(Debug)]
pub struct Mirror {
    config: Config,
    state: Mutex<State>,
    /// Told when a record comes, and when none will.
    came: Condvar,
    /// Told when there is room, and when none is needed any more.
    went: Condvar,
}

#[derive(Debug)]
struct State {
    merge: Merge,
    /// The run's clock, once it has begun.
    clock: Option<Monotonic>,
    told: Told,
    waits: Waits,
    /// Nothing more comes in.
    has_ended: bool,
    /// Nothing more is sent.
    is_closed: bool,
    /// The lane has gone: what waited is let go.
    is_over: bool,
}

impl State {
    /// The time of the run; zero before it begins.
    fn now(&self) -> Nanos {
        self.clock.map_or(Nanos::ZERO, |clock| clock.now())
    }
}

/// What has come in, and what of it was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Records that came in.
    pub read: u64,
    /// Events that they would have come to, and that were let go unsent.
    pub not_sent: u64,
    /// Records earlier than one before them in their partition, or without a time: played at once after that one.
    pub back: u64,
    /// Records that did not wait for those of other partitions, since there was no room to.
    pub out_of_turn: u64,
    /// Gaps that were played shorter.
    pub gaps_capped: u64,
}

/// How long records waited from when they came in until they were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// The longest of them.
    pub longest: Nanos,
    /// Of the one that went last.
    pub last: Nanos,
}

impl Mirror {
    /// For the topics of `config`, in which at most `room` bytes wait.
    #[must_use]
    pub fn new(config: Config, room: usize) -> Self {
        let merge = Merge::new(&config, room);
        let (told, waits) = (Told::default(), Waits::default());
        let state = State { merge, clock: None, told, waits, has_ended: false, is_closed: false, is_over: false };
        Self { config, state: Mutex::new(state), came: Condvar::new(), went: Condvar::new() }
    }

    /// What it is played by.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Puts a record in; waits while there is no room.
    pub fn put(&self, record: &Captured<'_>) {
        let mut state = self.state();
        while state.merge.is_full() && !state.is_closed {
            state = self.went.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let arrival = state.now();
        let State { merge, told, is_closed, .. } = &mut *state;
        told.read += 1;
        let is_taken = !*is_closed && merge.put(record, arrival, told);
        if !is_taken {
            told.not_sent += u64::from(self.config.copies);
        }
        drop(state);
        self.came.notify_one();
    }

    /// All that its log has of a partition has come in.
    pub fn end_of(&self, topic: &str, partition: i32) {
        let mut state = self.state();
        let now = state.now();
        state.merge.end_of(topic, partition, now);
        drop(state);
        self.came.notify_one();
    }

    /// Nothing more comes in.
    pub fn end(&self) {
        self.state().has_ended = true;
        self.came.notify_one();
    }

    /// Whether nothing more is sent.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    /// What has come in, and what of it was let go.
    #[must_use]
    pub fn told(&self) -> Told {
        self.state().told
    }

    /// How long records waited.
    #[must_use]
    pub fn waits(&self) -> Waits {
        self.state().waits
    }

    /// Nothing more is sent.
    pub fn close(&self) {
        self.state().is_closed = true;
        self.went.notify_all();
        self.came.notify_all();
    }

    fn is_open(&self) -> bool {
        let state = self.state();
        !(state.is_closed || state.has_ended && state.merge.is_empty())
    }

    fn begin(&self, clock: Monotonic) {
        let mut state = self.state();
        state.clock = Some(clock);
        state.merge.begin(i64::try_from(clock::wall_unix_ns() / 1_000_000).unwrap_or(i64::MAX));
    }

    fn take(&self) -> Option<Turn> {
        let mut state = self.state();
        let State { merge, told, waits, has_ended, is_closed, is_over, .. } = &mut *state;
        let turn = if *is_over { None } else { merge.take(&self.config, *has_ended || *is_closed, told) };
        if let Some(turn) = &turn {
            *waits = Waits { longest: waits.longest.max(turn.wait), last: turn.wait };
            if merge.wants_more() {
                self.went.notify_one();
            }
        }
        drop(state);
        turn
    }

    fn wait(&self, most: Duration) {
        let state = self.state();
        if !state.is_closed && !state.has_ended {
            drop(self.came.wait_timeout(state, most));
        }
    }

    /// The lane has gone, with so many events that it had taken and did not send.
    fn leave(&self, unsent: u64) {
        self.close();
        let mut state = self.state();
        if !std::mem::replace(&mut state.is_over, true) {
            let left = state.merge.clear();
            state.told.not_sent += unsent + left * u64::from(self.config.copies);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lane that takes what comes in.
#[derive(Debug)]
pub struct Lane {
    mirror: Arc<Mirror>,
    /// The record that was taken last, and which of its copies is the one at hand.
    current: Option<Turn>,
    copy: u32,
    /// The key of that copy, where it is not the record's own.
    key: Vec<u8>,
    next: u64,
    /// Events that came to nothing after they were drawn.
    unsent: u64,
}

impl Lane {
    pub(super) const fn new(mirror: Arc<Mirror>) -> Self {
        Self { mirror, current: None, copy: 0, key: Vec::new(), next: 0, unsent: 0 }
    }

    /// The run begins, and its time is that of `clock`.
    pub(super) fn begin(&self, clock: Monotonic) {
        self.mirror.begin(clock);
    }

    /// The next event; `None` while there is none.
    pub(super) fn draw(&mut self) -> Option<Drawn<Event>> {
        if self.current.is_some() && self.copy + 1 < self.mirror.config.copies {
            self.copy += 1;
        } else {
            self.current = Some(self.mirror.take()?);
            self.copy = 0;
        }
        let (config, turn) = (&self.mirror.config, self.current.as_ref()?);
        if let (1.., Some(key)) = (self.copy, &turn.record.key) {
            self.key.clear();
            self.key.extend_from_slice(key);
            self.key.extend_from_slice(format!("-{}", self.copy + 1).as_bytes());
        }
        let recorded_ms = turn.record.timestamp.unix_ms();
        let event = Event {
            kind: turn.kind,
            partition: (config.partition == Placing::Keep).then_some(turn.record.partition),
            key: self.key().map(KeyId::of_text).unwrap_or_default(),
            recorded_ms,
            create_ms: recorded_ms.filter(|_| config.create_time == CreateTime::Recorded),
        };
        let number = self.next;
        self.next += 1;
        Some(Drawn { number, recorded_offset: turn.due, event })
    }

    /// The bytes of the event that was drawn last.
    pub(super) fn bytes(&self) -> Option<Bytes<'_>> {
        let record = &self.current.as_ref()?.record;
        Some(Bytes { key: self.key(), value: record.value.as_deref(), headers: &record.headers })
    }

    /// Copies have keys of their own.
    fn key(&self) -> Option<&[u8]> {
        let key = self.current.as_ref()?.record.key.as_deref();
        if self.copy == 0 { key } else { key.map(|_| self.key.as_slice()) }
    }

    /// Waits until something comes in, for so long at most.
    pub(super) fn wait(&self, most: Duration) {
        self.mirror.wait(most);
    }

    /// Whether more may come in.
    pub(super) fn is_open(&self) -> bool {
        self.mirror.is_open()
    }

    /// What became of an event.
    pub(super) fn settle(&mut self, fate: Fate) {
        self.unsent += u64::from(fate == Fate::NotSent);
    }

    /// Nothing more is taken.
    pub(super) fn close(&self) {
        self.mirror.close();
    }
}

/// What was taken and not drawn counts as let go.
impl Drop for Lane {
    fn drop(&mut self) {
        let left = self.current.as_ref().map_or(0, |_| self.mirror.config.copies - 1 - self.copy);
        self.mirror.leave(self.unsent + u64::from(left));
    }
}
