//! Options of watching a run from outside, while it goes on.

use std::time::Duration;

use clap::Args;

use super::values;

/// How a run is watched by others.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Watching")]
pub struct WatchingOptions {
    /// Serve /metrics (OpenMetrics), /status (JSON) and /healthz there while the run goes on: 127.0.0.1:9464
    ///
    /// Port 0 takes a free one, which is told on stderr. An address that is taken ends the command before the first event.
    #[arg(long, value_name = "HOST:PORT")]
    pub metrics_addr: Option<String>,
    /// After the end, wait so long for one more scrape, which has the ledger's classes and the verdict [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub metrics_linger: Option<Duration>,
    /// Publish a snapshot a second to this topic, as JSON, by a producer of its own; the topic must exist
    #[arg(long, value_name = "TOPIC")]
    pub metrics_topic: Option<String>,
}
