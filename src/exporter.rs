//! What others can watch a run by: `/metrics`, `/status` and `/healthz`, served while it goes on.
//!
//! Once a second the run gives a [`Tick`]; it becomes a [`Snapshot`], and whoever asks gets the last one. Nothing here is
//! on the way of an event.

mod buckets;
mod metrics;
mod results;
mod server;
mod snapshot;
mod topic;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Monotonic, Nanos};
use crate::kafka::KafkaError;
use crate::report::latency::Kind;
use crate::report::{GateResult, RunReport};
use crate::run::{Interrupts, Tick};
use server::Server;
pub use snapshot::{Snapshot, Stage};
use topic::Sink;
pub use topic::TopicConfig;

/// Without a sample for so long, `/healthz` says that something is wrong.
const STALE: Duration = Duration::from_secs(5);

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ExporterError {
    /// The address means nothing.
    #[error("metrics address \"{address}\": {source}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// Nobody can listen there.
    #[error("metrics cannot be served on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        source: io::Error,
    },
    /// The topic for snapshots cannot be written to.
    #[error(transparent)]
    Topic(#[from] KafkaError),
}

/// What the run's thread writes and the server's thread reads.
#[derive(Debug)]
struct Shared {
    clock: Monotonic,
    state: Mutex<State>,
    /// The last metrics of a run were read.
    read: Condvar,
}

#[derive(Debug, Default)]
struct State {
    snapshot: Arc<Snapshot>,
    /// When the last one was made.
    at: Nanos,
    /// Whether somebody has read it.
    read: bool,
}

impl Shared {
    fn put(&self, snapshot: Arc<Snapshot>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = State { snapshot, at: self.clock.now(), read: false };
    }

    fn last(&self) -> Arc<Snapshot> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner).snapshot)
    }

    /// The last one, for somebody who has it by that.
    fn read(&self) -> Arc<Snapshot> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.read = true;
        self.read.notify_all();
        Arc::clone(&state.snapshot)
    }

    /// Why the run does not look alive at `now`, if it does not.
    fn ailment(&self, now: Nanos) -> Option<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // A sample taken since `now` was read has no age.
        let age = Duration::from(now.saturating_since(state.at));
        let samples = matches!(state.snapshot.stage, Stage::Sending | Stage::Draining);
        (samples && age > STALE).then(|| format!("no sample for {} s\n", age.as_secs()))
    }
}

/// Tells others what is known of a run: who asks, and who reads a topic. Dropping it ends that.
#[derive(Debug)]
pub struct Exporter {
    shared: Arc<Shared>,
    server: Option<Server>,
    sink: Option<Mutex<Sink>>,
    /// Which shard of a run this is, as `2/4`; `None` where it is the only one.
    shard: Option<String>,
}

impl Exporter {
    /// Listens at `address`, `HOST:PORT`, and publishes into a topic, where these are given.
    ///
    /// # Errors
    /// An address that is none, or is taken; a topic that is missing, or a cluster that does not answer.
    pub fn start(address: Option<&str>, topic: Option<&TopicConfig>) -> Result<Self, ExporterError> {
        let (clock, state) = (Monotonic::start(), Mutex::default());
        let shared = Arc::new(Shared { clock, state, read: Condvar::new() });
        let server = address.map(|address| listen(address, &shared)).transpose()?;
        let sink = topic.map(Sink::start).transpose()?.map(Mutex::new);
        Ok(Self { shared, server, sink, shard: None })
    }

    /// The same of a shard of a run, which all its metrics name.
    #[must_use]
    pub fn of_shard(self, shard: Option<String>) -> Self {
        Self { shard, ..self }
    }

    /// Where it listens, if it does.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.server.as_ref().map(Server::address)
    }

    /// The last metrics in the form that an `Accept` header asks for, with its content type; `more` are further ones, in OpenMetrics.
    ///
    /// # Errors
    /// Where they cannot be written down.
    pub fn metrics(&self, accept: &str, more: &str) -> Result<(&'static str, String), fmt::Error> {
        let format = metrics::Format::asked_for(accept);
        Ok((format.content_type(), metrics::render(&self.shared.read(), format, more)?))
    }

    fn put(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        self.shared.put(Arc::clone(&snapshot));
        if let Some(sink) = &self.sink {
            sink.lock().unwrap_or_else(PoisonError::into_inner).send(snapshot);
        }
    }

    /// A run begins, with these latencies.
    pub fn begin(&self, name: &str, topic: &str, event_types: &[String], kinds: &[Kind]) {
        let snapshot = Snapshot::new(name, topic, event_types, kinds);
        self.shared.put(Arc::new(Snapshot { shard: self.shard.clone(), ..snapshot }));
    }

    /// A second has passed.
    pub fn tick(&self, tick: &Tick<'_>, gates: Vec<GateResult>) {
        let mut snapshot = Snapshot::clone(&self.shared.last());
        snapshot.add(tick, gates);
        self.put(snapshot);
    }

    /// The run has ended and is judged.
    pub fn end(&self, report: &RunReport) {
        let mut snapshot = Snapshot::clone(&self.shared.last());
        snapshot.end(report);
        self.put(snapshot);
    }

    /// Waits until the last metrics are read, where they are served, at most `longest`, and not on when the run is interrupted (again).
    pub fn linger(&self, longest: Duration, interrupts: &Interrupts) {
        const LOOK: Duration = Duration::from_millis(100);
        let (deadline, known) = (self.shared.clock.now() + Nanos::from(longest), interrupts.count());
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        while self.server.is_some() && !state.read && interrupts.count() == known {
            let left = Duration::from(deadline.saturating_since(self.shared.clock.now()));
            if left.is_zero() {
                return;
            }
            state = self.shared.read.wait_timeout(state, left.min(LOOK)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn listen(address: &str, shared: &Arc<Shared>) -> Result<Server, ExporterError> {
    let wrong = |source| ExporterError::Address { address: address.to_owned(), source };
    let found: Vec<SocketAddr> = address.to_socket_addrs().map_err(wrong)?.collect();
    let taken = |source| ExporterError::Listen { address: address.to_owned(), source };
    let listener = TcpListener::bind(found.as_slice()).map_err(taken)?;
    Server::start(listener, Arc::clone(shared)).map_err(taken)
}

#[cfg(test)]
mod tests;
