//! Options of logging.

use clap::{ArgAction, Args};

use super::choice::{self, choices};

choices! {
    /// The form of log lines.
    pub enum LogFormat {
        Text = "text": "for people",
        Json = "json": "one object a line",
    }
}

/// How much is logged, and how. Logs go to stderr.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Logging and environment")]
pub struct LogOptions {
    /// Log more: -v debug, -vv trace [default: warnings]
    ///
    /// Beats RUST_LOG, which beats LOG_LEVEL.
    #[arg(short, action = ArgAction::Count, global = true)]
    pub verbose: u8,
    /// Least severe level that is logged: error, warn, info, debug or trace [default: warn]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// Form of the log lines [default: text]
    #[arg(long, global = true, value_name = "FORMAT", value_parser = choice::of::<LogFormat>())]
    pub log_format: Option<LogFormat>,
}
