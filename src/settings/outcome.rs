//! What is done with the result: gates, folder, form, and how a run is watched while it goes on.

use std::path::PathBuf;
use std::time::Duration;

use super::choice::{self, choices};
use super::layer::layer;
use super::values;

choices! {
    /// The form of the result on stdout.
    pub enum Output {
        Text = "text": "for people",
        Json = "json": "the report as JSON",
    }
}

layer! {
    /// What is done with what was found out.
    #[command(next_help_heading = "Results")]
    pub struct OutcomeOptions {
        /// A rule the run must keep, for example 'response_time.p99 < 250ms'; repeatable
        ///
        /// Gates of all sources add up, so none is ever dropped unseen. An unknown metric is answered with the nearest one.
        /// As a variable: one rule per line.
        #[arg(long, value_name = "RULE")]
        pub gate: Vec<String>,
        /// Turn a built-in gate off by its name; repeatable
        ///
        /// An unknown name is answered with the nearest one. As a variable: one name per line.
        #[arg(long, value_name = "NAME")]
        pub gate_off: Vec<String>,
        /// Tell this Alertmanager of gates that are broken, while the run goes on and at its end: http://host:9093
        ///
        /// A scenario's alert tables say more, and those without an url go there. A login (user:password@) stands in no report;
        /// the variable keeps it off the command line.
        #[arg(long, value_name = "URL")]
        pub alert: Option<String>,
        /// Folder in which each run gets a folder of its own [default: results]
        #[arg(long, value_name = "DIR")]
        pub results_dir: Option<PathBuf>,
        /// Also write the report as KIND into FILE, which is replaced; repeatable
        ///
        /// The kinds are those of `loadgen report --export`. As a variable: one per line.
        #[arg(long, value_name = "KIND=FILE", value_parser = values::export)]
        pub export: Vec<values::Export>,
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// Print neither progress nor summary; the exit code and the results folder remain
        #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub quiet: Option<bool>,
        /// Do not show progress
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub no_progress: Option<bool>,
        /// Keep every second of the last DURATION in the report's timeline; a row a minute is kept of what is older [default: 1h]
        ///
        /// `timeline.ndjson` has every second of the whole run.
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        pub timeline_detail: Option<Duration>,
        /// Watched how.
        #[command(flatten)]
        pub watching: WatchingOptions,
    }

    /// How it is watched while it goes on.
    #[command(next_help_heading = "Watching")]
    pub struct WatchingOptions {
        /// Take the whole terminal for a live view: rates, latencies, ledger, partitions, gates, events; ? shows its keys
        ///
        /// q stops in good order. In a run p holds it, and + and - make it faster or slower. Without a terminal: plain lines.
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub tui: Option<bool>,
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
}
