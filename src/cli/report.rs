//! Arguments of `loadgen report`.

use std::path::PathBuf;

use clap::Args;

use crate::settings::choice;
use crate::settings::layer::layer;
use crate::settings::outcome::Output;
use crate::settings::values;

/// Prints the report of an earlier run again, or writes it in another format.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen report
  loadgen report results/20260101T000000Z-smoke
  loadgen report results/20260101T000000Z-smoke --export markdown=summary.md --export junit=junit.xml
  loadgen report results/20260101T000000Z-smoke --recover")]
pub struct ReportArgs {
    /// Folder of a run, or its report.json [default: latest, the newest in the results folder]
    #[arg(value_name = "BUNDLE")]
    pub bundle: Option<PathBuf>,
    /// The options.
    #[command(flatten)]
    pub options: ReportOptions,
}

layer! {
    /// The options of `loadgen report`: one layer of settings.
    pub struct ReportOptions {
        /// Form of the result on stdout [default: text]
        #[arg(short, long, value_name = "FORMAT", value_parser = choice::of::<Output>())]
        pub output: Option<Output>,
        /// Print no summary, only write what --export asks for
        #[arg(short, long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub quiet: Option<bool>,
        /// Make a report of what a killed run had recorded, and keep it with the rest
        ///
        /// It is partial and never judged: no gate passes, and the exit code is 4.
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        pub recover: Option<bool>,
        /// Folder in which the newest run is looked for, where none is named [default: results]
        #[arg(long, value_name = "DIR")]
        pub results_dir: Option<PathBuf>,
        /// Also write it as KIND into FILE, which is replaced; repeatable
        ///
        /// html, junit, markdown, json, csv or ndjson (one row a second), github-benchmark (latencies), github-benchmark-bigger
        /// (rate), bencher, hgrm (percentiles of the response time), hgrm:LATENCY.
        #[arg(long, value_name = "KIND=FILE", value_parser = values::export)]
        pub export: Vec<values::Export>,
    }
}
