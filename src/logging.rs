//! Logs: structured, on stderr, as text or as JSON.

pub mod held;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::settings::log::LogFormat;

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// The filter, in the syntax of `RUST_LOG`.
    pub filter: String,
    /// The form.
    pub format: LogFormat,
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter means nothing.
    #[error("\"{filter}\" is no log level: {source}")]
    Filter {
        /// The filter.
        filter: String,
        /// Why.
        source: ParseError,
    },
    /// Somebody else has started it.
    #[error("logging has already been started: {0}")]
    Started(String),
}

impl Logging {
    /// Sends logs to stderr from now on.
    ///
    /// # Errors
    /// A filter that means nothing, or logging that has already been started.
    pub fn start(&self) -> Result<(), LoggingError> {
        let filter = EnvFilter::builder()
            .parse(&self.filter)
            .map_err(|source| LoggingError::Filter { filter: self.filter.clone(), source })?;
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| held::Lines);
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match self.format {
            LogFormat::Text => lines.with_ansi(colour).try_init(),
            LogFormat::Json => {
                lines.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
            }
        }
        .map_err(|error| LoggingError::Started(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_means_nothing_is_named() {
        let logging = Logging { filter: "loadgen=loud".to_owned(), format: LogFormat::Text };
        let message = logging.start().unwrap_err().to_string();
        assert!(message.starts_with("\"loadgen=loud\" is no log level: "), "{message}");
    }
}
