//! Events that come in from outside while the run goes on. Their due time is their arrival.

mod config;
mod inlet;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::lane::Drawn;
use crate::clock::Monotonic;
use crate::event::catalogue::TypeIndex;
use crate::wire::json;
use crate::wire::sink::{Sink, Values};
pub use config::{CLOUD_EVENT, Config, ConfigError, PASSED, RESERVED, SEGMENT};
use inlet::Reply;
pub use inlet::{Answer, Fate, Inlet, Room, Turned};

/// What somebody wants published.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Its type.
    pub kind: TypeIndex,
    /// What it says.
    pub body: Body,
}

/// What an event from outside says.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// The fields of a declared type, which have been looked at: see [`json::give`].
    Fields(serde_json::Map<String, serde_json::Value>),
    /// An object of any other type, as it came.
    Open {
        /// Its key.
        key: Box<str>,
        /// Its members, each with a comma before it.
        members: Box<str>,
    },
}

/// An event that was taken from the inlet; what it says is there until the next one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    kind: TypeIndex,
}

impl Event {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> TypeIndex {
        self.kind
    }
}

/// An event with what it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Telling<'a> {
    pub(super) event: &'a Event,
    pub(super) inlet: &'a Inlet,
}

impl Values for Telling<'_> {
    fn give(&self, sink: &mut impl Sink) {
        let current = self.inlet.current();
        match current.as_ref() {
            Some(Body::Fields(object)) => {
                let Some(declared) = self.inlet.catalogue().declared(self.event.kind) else { return };
                // It fits: that was looked at before it was offered.
                json::give(&declared.record, declared.id.field(), object, sink).unwrap_or_default();
            }
            Some(Body::Open { key, members }) => {
                sink.uuid(0);
                sink.text(key);
                sink.plain(members);
            }
            None => {}
        }
    }
}

/// The lane that takes what comes in, and tells what became of it.
#[derive(Debug)]
pub struct Lane {
    inlet: Arc<Inlet>,
    /// Who waits for which event, by its number.
    waiting: HashMap<u64, Reply>,
    next: u64,
}

impl Lane {
    pub(super) fn new(inlet: Arc<Inlet>) -> Self {
        Self { inlet, waiting: HashMap::new(), next: 0 }
    }

    /// The run begins, and its time is that of `clock`.
    pub(super) fn begin(&self, clock: Monotonic) {
        self.inlet.open(clock);
    }

    /// The next event that has come in; `None` while there is none.
    pub(super) fn draw(&mut self) -> Option<Drawn<Event>> {
        let (arrival, kind, reply) = self.inlet.take()?;
        let number = self.next;
        self.next += 1;
        self.waiting.insert(number, reply);
        Some(Drawn { number, recorded_offset: arrival, event: Event { kind } })
    }

    /// Waits until something comes in, for so long at most.
    pub(super) fn wait(&self, most: Duration) {
        self.inlet.wait(most);
    }

    /// Whether more may come in.
    pub(super) fn is_open(&self) -> bool {
        self.inlet.is_open()
    }

    /// What became of event `number`.
    pub(super) fn settle(&mut self, number: u64, fate: Fate) {
        if fate == Fate::Acked {
            self.inlet.heard();
        }
        if let Some(reply) = self.waiting.remove(&number) {
            reply.settle(fate);
        }
    }

    /// Nothing more is taken.
    pub(super) fn close(&self) {
        self.inlet.close();
    }
}

/// Who waits for what has no answer hears so.
impl Drop for Lane {
    fn drop(&mut self) {
        self.inlet.close();
        self.inlet.clear();
    }
}
