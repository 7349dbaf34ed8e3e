//! Arguments of `loadgen collect`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::inflow::InflowArgs;
use crate::settings::events::DeclaredOptions;
use crate::settings::layer::layer;
use crate::settings::values;

/// Takes web events over HTTP and publishes them.
///
/// POST /events takes one JSON object, an array, NDJSON or CloudEvents, /v1/track, /v1/page, /v1/identify and /v1/batch Segment's
/// calls. 200 is answered when the cluster has confirmed each event of a request. Ctrl-C takes no more, waits for what is under way,
/// and accounts for every event; a second one ends it at once.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen collect -b localhost:9092 -t clicks --create-topics --allow-origin https://shop.example
  loadgen collect -b localhost:9092 --events orders.toml --verify
  loadgen collect -b localhost:9092 -t raw --pass-through --key-field session.id --async
  loadgen collect --listen 127.0.0.1:8088 -b nowhere --pass-through      what it can take in by itself")]
pub struct CollectArgs {
    /// How it is collected.
    #[command(flatten)]
    pub collecting: CollectOptions,
    /// How the run is made that publishes it.
    #[command(flatten)]
    pub run: InflowArgs,
}

layer! {
    /// How events are taken.
    #[command(next_help_heading = "Collecting")]
    pub struct CollectOptions {
        /// Where to listen [default: 127.0.0.1:8088]
        ///
        /// Port 0 takes a free one, which is told on stderr.
        #[arg(long, value_name = "HOST:PORT")]
        pub listen: Option<String>,
        /// Pages of this origin may send, such as `https://shop.example`, or * for all; repeatable
        ///
        /// As a variable: one origin per line.
        #[arg(long, value_name = "ORIGIN")]
        pub allow_origin: Vec<String>,
        /// Of which types.
        #[command(flatten)]
        pub declared: DeclaredOptions,
        /// Take JSON objects of any kind and keep them as they are
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub pass_through: Option<bool>,
        /// Where the key of an event stands that is kept as it is, for example context.session; repeatable, the first that is there
        ///
        /// [default: userId, anonymousId or user_id; for CloudEvents partitionkey, subject or id; none is there: by chance.] Events of
        /// declared types have their own. As a variable: one per line.
        #[arg(long, value_name = "PATH")]
        pub key_field: Vec<String>,
        /// Answer 202 at once, not 200 when the cluster has confirmed
        #[arg(long = "async", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub is_async: Option<bool>,
        /// Read every event back
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub verify: Option<bool>,
        /// The largest body of a request [default: 1MiB]
        #[arg(long, value_name = "SIZE", value_parser = values::payload)]
        pub max_body: Option<u64>,
        /// Events that may wait for the cluster; beyond that 429 is answered [default: 10000]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        pub max_waiting: Option<u32>,
        /// Connections at once [default: 1024]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        pub max_connections: Option<u32>,
        /// Who takes longer for a head or a body, or is idle for longer, is cut off [default: 10s]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub client_deadline: Option<Duration>,
        /// The longest wait for the cluster before 503 is answered [default: 10s]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub answer_deadline: Option<Duration>,
        /// Certificates in PEM, the own one first: HTTPS is spoken
        #[arg(long, value_name = "FILE")]
        pub tls_cert: Option<PathBuf>,
        /// The key of the certificate, in PEM
        #[arg(long, value_name = "FILE")]
        pub tls_key: Option<PathBuf>,
    }
}
