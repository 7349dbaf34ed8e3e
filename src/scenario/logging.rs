//! What is to be logged, as options and variables say.

use super::environment::Environment;
use super::error::ConfigError;
use crate::logging::Logging;
use crate::settings::log::{LogFormat, LogOptions};

/// A level as people write it for other programs, in the words of the filter; a filter stays as it is.
fn filter_of(level: &str) -> String {
    match level.trim().to_ascii_lowercase().as_str() {
        "critical" | "fatal" | "err" => "error".to_owned(),
        "warning" => "warn".to_owned(),
        "notice" | "information" => "info".to_owned(),
        "verbose" => "debug".to_owned(),
        "all" => "trace".to_owned(),
        "none" => "off".to_owned(),
        word @ ("error" | "warn" | "info" | "debug" | "trace" | "off") => word.to_owned(),
        _ => level.trim().to_owned(),
    }
}

/// What is asked for: `-v` and `--log-level` before `RUST_LOG` before `LOADGEN_LOG_LEVEL` and `LOG_LEVEL`, those of the
/// environment before those of the `.env` file; warnings as text where nothing is.
///
/// # Errors
/// A variable whose value its option does not take.
pub fn logging(options: &LogOptions, environment: &Environment) -> Result<Logging, ConfigError> {
    let verbose = match options.verbose {
        0 => None,
        1 => Some("debug"),
        _ => Some("trace"),
    };
    let mut filter = verbose.or(options.log_level.as_deref()).map(filter_of);
    let mut format = options.log_format;
    for variables in environment.levels() {
        let layer: LogOptions = variables.layer()?;
        filter = filter.or_else(|| variables.get("RUST_LOG").map(ToOwned::to_owned));
        filter = filter.or_else(|| layer.log_level.as_deref().map(filter_of));
        format = format.or(layer.log_format);
    }
    Ok(Logging { filter: filter.unwrap_or_else(|| "warn".to_owned()), format: format.unwrap_or(LogFormat::Text) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Level;
    use crate::scenario::environment::Variables;

    #[test]
    fn levels_of_other_programs_are_understood() {
        for (written, meant) in [("INFO", "info"), ("WARNING", "warn"), ("critical", "error"), ("None", "off")] {
            assert_eq!(filter_of(written), meant);
        }
        assert_eq!(filter_of("loadgen=debug,rdkafka=warn"), "loadgen=debug,rdkafka=warn");
    }

    #[test]
    fn the_strongest_level_decides_what_is_logged() {
        let filter = |verbose, level: Option<&str>, process: &[(&str, &str)], file: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let environment = Environment {
                process: Variables::new(Level::Environment, process.iter().map(own)),
                file: Variables::new(Level::EnvFile, file.iter().map(own)),
            };
            let options = LogOptions { verbose, log_level: level.map(ToOwned::to_owned), log_format: None };
            logging(&options, &environment).unwrap().filter
        };
        let rust_log = [("RUST_LOG", "loadgen=trace"), ("LOG_LEVEL", "ERROR")];
        assert_eq!(filter(0, None, &[], &[]), "warn");
        assert_eq!(filter(0, None, &[], &[("LOG_LEVEL", "INFO")]), "info");
        assert_eq!(filter(0, None, &[("LOADGEN_LOG_LEVEL", "error")], &rust_log), "error");
        assert_eq!(filter(0, None, &rust_log, &[]), "loadgen=trace");
        assert_eq!(filter(0, Some("off"), &rust_log, &[]), "off");
        assert_eq!(filter(1, Some("off"), &rust_log, &[]), "debug");
        assert_eq!(filter(3, None, &rust_log, &[]), "trace");
    }
}
