//! Web events over HTTP: taken, looked at, handed to a run through its [`Inlet`], and answered when the cluster has.
//!
//! The HTTP side runs on one thread. Of a run it knows the inlet alone: what it offers there comes back with what became of it, and
//! 200 is said of nothing that the cluster has not confirmed.

mod answer;
mod body;
mod cloud_event;
mod origin;
mod outline;
mod refused;
mod rules;
mod segment;
mod server;
mod shape;
mod tally;
mod tls;

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::sync::watch;

use crate::exporter::Exporter;
use crate::report::Collected;
use crate::source::web::Inlet;
use tally::Tally;
pub use tls::{BadIdentity, Identity};

/// How events are taken.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where, `HOST:PORT`.
    pub listen: String,
    /// Origins whose pages may send; `*`: all.
    pub allow_origin: Vec<String>,
    /// Whether events are taken whatever they are.
    pub pass_through: bool,
    /// Where the keys of such events stand.
    pub key_field: Vec<String>,
    /// Whether requests are answered before the cluster has.
    pub is_async: bool,
    /// The largest body.
    pub max_body: usize,
    /// Connections at once.
    pub connections: usize,
    /// The longest wait for a head, also the longest that a connection is idle.
    pub head_deadline: Duration,
    /// The longest wait for a body.
    pub body_deadline: Duration,
    /// The longest wait for the cluster.
    pub answer_deadline: Duration,
    /// Who one is in TLS; `None`: nothing is encrypted.
    pub identity: Option<Identity>,
}

/// Why nothing is collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The address means nothing.
    #[error("--listen \"{address}\": {source}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The certificate or its key.
    #[error(transparent)]
    Identity(#[from] BadIdentity),
    /// Nobody can listen there.
    #[error("nothing can be collected on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        source: io::Error,
    },
}

/// What each request is answered by.
#[derive(Debug)]
struct Collector {
    config: Config,
    inlet: Arc<Inlet>,
    exporter: Arc<Exporter>,
    tally: Tally,
    tls: Option<Arc<ServerConfig>>,
}

/// The HTTP side. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    collector: Arc<Collector>,
    ends: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens, and hands what comes to `inlet`; until that is open, requests are turned away.
    ///
    /// # Errors
    /// An address that is none, or is taken; a certificate that cannot be used.
    pub fn start(config: Config, inlet: Arc<Inlet>, exporter: Arc<Exporter>) -> Result<Self, CollectError> {
        let tls = config.identity.as_ref().map(Identity::config).transpose()?;
        let named = config.listen.clone();
        let wrong = |source| CollectError::Address { address: named.clone(), source };
        let found: Vec<SocketAddr> = named.to_socket_addrs().map_err(wrong)?.collect();
        let taken = |source| CollectError::Listen { address: named.clone(), source };
        let listener = TcpListener::bind(found.as_slice()).map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        listener.set_nonblocking(true).map_err(taken)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(taken)?;
        let (ends, end) = watch::channel(false);
        let collector = Arc::new(Collector { config, inlet, exporter, tally: Tally::default(), tls });
        let serving = Arc::clone(&collector);
        let serve = move || {
            if let Err(error) = runtime.block_on(server::serve(listener, serving, end)) {
                tracing::error!("nothing is collected: {error}");
            }
        };
        let thread = thread::Builder::new().name("collect".to_owned()).spawn(serve).map_err(taken)?;
        Ok(Self { address, collector, ends, thread: Some(thread) })
    }

    /// The address of its root.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.collector.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was collected so far.
    #[must_use]
    pub fn so_far(&self) -> Collected {
        let mut told = self.collector.tally.so_far();
        told.events.not_sent = self.collector.inlet.not_sent();
        told
    }

    /// Takes no more connections, waits until what is under way is answered, and tells what was collected.
    #[must_use]
    pub fn finish(mut self) -> Collected {
        self.end();
        self.so_far()
    }

    fn end(&mut self) {
        self.ends.send_replace(true);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that collected panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
