//! Where events from outside wait for the lane: bounded in number and in bytes, and every one of them is answered.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Body, Offer};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::event::catalogue::{Catalogue, TypeIndex};

/// What became of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// The cluster has confirmed it.
    Acked,
    /// It was refused, and lies in no log.
    Refused,
    /// Nobody knows: it may lie in the log.
    Unanswered,
    /// It was never handed over, and lies in no log.
    #[default]
    NotSent,
}

/// What became of the events of one offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Confirmed.
    pub acked: u64,
    /// Refused.
    pub refused: u64,
    /// Without an answer.
    pub unanswered: u64,
    /// Never handed over.
    pub not_sent: u64,
}

/// Why an offer was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turned {
    /// More than ever have room together: they would be turned away again and again.
    TooMany {
        /// As many as may wait.
        most: usize,
    },
    /// As many wait as there is room for.
    Full,
    /// The run has not begun, or takes no more.
    Closed,
}

/// Where events wait for the lane.
#[derive(Debug)]
pub struct Inlet {
    catalogue: Arc<Catalogue>,
    /// The most events without an answer, and the most bytes of requests that are not answered.
    events: usize,
    bytes: usize,
    counts: Arc<Counts>,
    state: Mutex<State>,
    /// Told when something comes.
    came: Condvar,
    /// What the event says that was taken last.
    current: Mutex<Option<Body>>,
    /// Whether answers have stayed away for longer than requests wait.
    is_late: AtomicBool,
}

/// What has no answer yet.
#[derive(Debug, Default)]
struct Counts {
    events: AtomicUsize,
    bytes: AtomicUsize,
    /// Events that were taken, and let go unsent.
    not_sent: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    clock: Option<Monotonic>,
    queue: VecDeque<(Nanos, Offer, Reply)>,
    last: Nanos,
    /// How many more are taken; `None`: as many as come.
    left: Option<u64>,
    is_closed: bool,
}

impl Inlet {
    /// An inlet for events of these types, in which at most `events` events and `bytes` bytes of requests wait for their answers; it
    /// takes `limit` events and no more.
    #[must_use]
    pub fn new(catalogue: Arc<Catalogue>, events: usize, bytes: usize, limit: Option<u64>) -> Self {
        Self {
            catalogue,
            events,
            bytes,
            counts: Arc::default(),
            state: Mutex::new(State { left: limit, ..State::default() }),
            came: Condvar::new(),
            current: Mutex::default(),
            is_late: AtomicBool::new(false),
        }
    }

    /// The types of event that it takes.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The time of the run; `None` before it begins and when no more is taken.
    #[must_use]
    pub fn now(&self) -> Option<Nanos> {
        let state = self.state();
        state.clock.filter(|_| !state.is_closed).map(|clock| clock.now())
    }

    /// Room for the bytes of a request, none at first.
    #[must_use]
    pub fn room(&self) -> Room {
        Room { counts: Arc::clone(&self.counts), held: 0, most: self.bytes }
    }

    /// Events without an answer, and bytes of requests without one.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        (self.counts.events.load(Ordering::Acquire), self.counts.bytes.load(Ordering::Acquire))
    }

    /// Events that were taken, and let go unsent at the end.
    #[must_use]
    pub fn not_sent(&self) -> u64 {
        self.counts.not_sent.load(Ordering::Acquire)
    }

    /// Notes that a request has waited for its answer as long as any does.
    pub fn note_late(&self) {
        self.is_late.store(true, Ordering::Release);
    }

    /// Whether the cluster does not answer: a request has waited in vain, and since then nothing was confirmed while something was
    /// waiting.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Acquire) && self.counts.events.load(Ordering::Acquire) > 0
    }

    /// Takes all of these events, which arrived then, or none; who waits for the answer hears it when it is known of all of them.
    /// `room` is theirs until then.
    ///
    /// # Errors
    /// They were not taken.
    pub fn offer(&self, arrival: Nanos, events: Vec<Offer>, room: Room) -> Result<oneshot::Receiver<Answer>, Turned> {
        let (tell, answer) = oneshot::channel();
        let count = events.len();
        if count > self.events {
            return Err(Turned::TooMany { most: self.events });
        }
        let mut state = self.state();
        if state.clock.is_none() || state.is_closed || state.left.is_some_and(|left| left < count as u64) {
            return Err(Turned::Closed);
        }
        // Only here does the number rise, under the lock.
        if self.counts.events.load(Ordering::Acquire) + count > self.events {
            return Err(Turned::Full);
        }
        self.counts.events.fetch_add(count, Ordering::AcqRel);
        let pending = Arc::new(Mutex::new(Pending { left: count, answer: Answer::default(), tell: Some(tell), room }));
        state.left = state.left.map(|left| left - count as u64);
        // Due times never go back within a lane.
        state.last = state.last.max(arrival);
        let arrival = state.last;
        let reply = || Reply { pending: Arc::clone(&pending), counts: Arc::clone(&self.counts), fate: Fate::NotSent };
        state.queue.extend(events.into_iter().map(|event| (arrival, event, reply())));
        self.came.notify_one();
        if count == 0 {
            pending.lock().unwrap_or_else(PoisonError::into_inner).tell();
        }
        Ok(answer)
    }

    /// The run begins.
    pub(super) fn open(&self, clock: Monotonic) {
        self.state().clock = Some(clock);
    }

    /// Whether more may come: it is not closed, and its limit is not reached.
    pub(super) fn is_open(&self) -> bool {
        let state = self.state();
        !state.is_closed && state.left != Some(0)
    }

    /// Nothing more is taken.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
    }

    /// The next event: when it arrived, its type, and who waits for it. What it says is the current body.
    pub(super) fn take(&self) -> Option<(Nanos, TypeIndex, Reply)> {
        let (arrival, Offer { kind, body }, mut reply) = self.state().queue.pop_front()?;
        *self.current() = Some(body);
        // From here on the lane has it.
        reply.fate = Fate::Unanswered;
        Some((arrival, kind, reply))
    }

    /// Waits until something comes, for so long at most.
    pub(super) fn wait(&self, most: Duration) {
        let state = self.state();
        if state.queue.is_empty() && !state.is_closed {
            drop(self.came.wait_timeout(state, most));
        }
    }

    /// Lets go what was not taken by the lane.
    pub(super) fn clear(&self) {
        self.state().queue.clear();
    }

    /// What the event says that was taken last.
    pub(super) fn current(&self) -> MutexGuard<'_, Option<Body>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cluster has confirmed something.
    pub(super) fn heard(&self) {
        self.is_late.store(false, Ordering::Release);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of a request, held until it is answered.
#[derive(Debug)]
pub struct Room {
    counts: Arc<Counts>,
    held: usize,
    most: usize,
}

impl Room {
    /// Holds so many more; false where there is no room for them.
    #[must_use]
    pub fn grow(&mut self, bytes: usize) -> bool {
        self.held += bytes;
        self.counts.bytes.fetch_add(bytes, Ordering::AcqRel) + bytes <= self.most
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.counts.bytes.fetch_sub(self.held, Ordering::AcqRel);
    }
}

/// The events of one offer that have no answer yet.
#[derive(Debug)]
struct Pending {
    left: usize,
    answer: Answer,
    tell: Option<oneshot::Sender<Answer>>,
    #[expect(dead_code, reason = "held until the last of them is answered")]
    room: Room,
}

impl Pending {
    fn tell(&mut self) {
        if let Some(tell) = self.tell.take() {
            // Nobody listens where the client has gone, or was answered before.
            tell.send(self.answer).unwrap_or_default();
        }
    }
}

/// Who waits for one event. Dropped without an answer it says what is known.
#[derive(Debug)]
pub(super) struct Reply {
    pending: Arc<Mutex<Pending>>,
    counts: Arc<Counts>,
    fate: Fate,
}

impl Reply {
    pub(super) fn settle(mut self, fate: Fate) {
        self.fate = fate;
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        self.counts.events.fetch_sub(1, Ordering::AcqRel);
        self.counts.not_sent.fetch_add(u64::from(self.fate == Fate::NotSent), Ordering::AcqRel);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = &mut pending.answer;
        let count = match self.fate {
            Fate::Acked => &mut answer.acked,
            Fate::Refused => &mut answer.refused,
            Fate::Unanswered => &mut answer.unanswered,
            Fate::NotSent => &mut answer.not_sent,
        };
        *count += 1;
        pending.left -= 1;
        if pending.left == 0 {
            pending.tell();
        }
    }
}
