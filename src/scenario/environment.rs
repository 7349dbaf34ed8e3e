//! Variables, of the environment and of the `.env` file, as two layers of settings.
//!
//! A variable is read by the parser of its option, so both accept the same values. The process's environment is only
//! read, never changed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::{Args, Command};

use super::error::ConfigError;
use super::level::Level;
use crate::settings::layer::Layer;
use crate::settings::variables::variables_of;
use crate::spelling::nearest;

/// Client properties that have variables of their own.
const PROPERTIES: [(&str, &str); 9] = [
    ("SECURITY_PROTOCOL", "security.protocol"),
    ("SASL_MECHANISM", "sasl.mechanism"),
    ("SASL_USERNAME", "sasl.username"),
    ("SASL_PASSWORD", "sasl.password"),
    ("SSL_CA_LOCATION", "ssl.ca.location"),
    ("SSL_CERT_LOCATION", "ssl.certificate.location"),
    ("SSL_CERTIFICATE_LOCATION", "ssl.certificate.location"),
    ("SSL_KEY_LOCATION", "ssl.key.location"),
    ("SSL_KEY_PASSWORD", "ssl.key.password"),
];

/// The variables of one level.
#[derive(Clone, PartialEq, Eq)]
pub struct Variables {
    level: Level,
    values: BTreeMap<String, String>,
}

/// Names alone: any value may be a secret.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("level", &self.level).field("names", &self.values.keys()).finish()
    }
}

/// The variables that a command sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Of the process.
    pub process: Variables,
    /// Of the `.env` file.
    pub file: Variables,
}

impl Environment {
    /// The process's variables, and those of `env_file`, or of `.env` where that exists.
    ///
    /// # Errors
    /// A file that is named and cannot be read, or a line of it that is none.
    pub fn read(env_file: Option<PathBuf>) -> Result<Self, ConfigError> {
        Self::new(std::env::vars_os(), env_file, Path::new(".env"))
    }

    /// The given variables, and those of `env_file`, or of `usual_file` where that exists.
    ///
    /// # Errors
    /// A file that is named and cannot be read, or a line of it that is none.
    pub fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        env_file: Option<PathBuf>,
        usual_file: &Path,
    ) -> Result<Self, ConfigError> {
        let values = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let process = Variables::new(Level::Environment, values);
        let named = env_file.or_else(|| process.get("LOADGEN_ENV_FILE").map(PathBuf::from));
        let file = match named {
            Some(path) => read_file(&path)?,
            None if usual_file.exists() => read_file(usual_file)?,
            None => Vec::new(),
        };
        Ok(Self { process, file: Variables::new(Level::EnvFile, file) })
    }

    /// The variables by level, the strongest first.
    pub fn levels(&self) -> impl Iterator<Item = &Variables> {
        [&self.process, &self.file].into_iter()
    }

    /// The options of a command that needs no scenario, over what the variables say about them.
    ///
    /// # Errors
    /// A variable whose value its option does not take.
    pub fn complete<A: Args + Layer>(&self, options: A) -> Result<A, ConfigError> {
        let process = self.process.layer()?;
        let file = self.file.layer()?;
        Ok(options.over(process).over(file))
    }

    /// The same without that variable.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut others = self.clone();
        for variables in [&mut others.process, &mut others.file] {
            variables.values.remove(name);
        }
        others
    }

    /// The value of a variable, from the strongest level that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.levels().find_map(|variables| variables.get(name))
    }

    /// Variables that begin like loadgen's, but are none: most likely misspelt.
    #[must_use]
    pub fn unknown(&self, command: &Command) -> Vec<String> {
        let mut known = Vec::new();
        let mut lines = Vec::new();
        for variables in self.levels() {
            for name in variables.values.keys().filter(|name| name.starts_with("LOADGEN_")) {
                if known.is_empty() {
                    names_of(command, &mut known);
                }
                if known.contains(name) {
                    continue;
                }
                let nearest = nearest(name, known.iter().map(String::as_str));
                let advice = nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"));
                lines.push(format!(
                    "{name} ({}) is not a variable of loadgen and has no effect{advice}",
                    variables.level
                ));
            }
        }
        lines
    }
}

/// Every variable that some option of `command` listens to.
fn names_of(command: &Command, names: &mut Vec<String>) {
    names.extend(command.get_arguments().filter_map(clap::Arg::get_long).flat_map(variables_of));
    command.get_subcommands().for_each(|inner| names_of(inner, names));
}

impl Variables {
    /// Variables of `level`. Empty values count as not set.
    pub fn new(level: Level, values: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { level, values: values.into_iter().filter(|(_, value)| !value.is_empty()).collect() }
    }

    /// Where they come from.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// What these variables say about the options of `A`.
    ///
    /// # Errors
    /// A value that its option does not take.
    pub fn layer<A: Args>(&self) -> Result<A, ConfigError> {
        let command = A::augment_args(Command::new("variables").no_binary_name(true).disable_help_flag(true));
        let mut words = Vec::new();
        for arg in command.get_arguments() {
            let Some(long) = arg.get_long() else { continue };
            let Some(value) = variables_of(long).iter().find_map(|name| self.get(name)) else { continue };
            if matches!(arg.get_action(), clap::ArgAction::Append) {
                let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
                words.extend(lines.map(|line| format!("--{long}={line}")));
            } else {
                words.push(format!("--{long}={}", truth(arg, value)));
            }
        }
        let matches = command.try_get_matches_from(words).map_err(|error| self.explain(&error))?;
        A::from_arg_matches(&matches).map_err(|error| self.explain(&error))
    }

    /// The client properties that have variables of their own: property, value, variable.
    pub fn properties(&self) -> impl Iterator<Item = (&'static str, &str, &'static str)> {
        PROPERTIES.iter().filter_map(|(variable, key)| Some((*key, self.get(variable)?, *variable)))
    }

    /// The parser's complaint about an option as one about its variable.
    fn explain(&self, error: &clap::Error) -> ConfigError {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.clone()),
            _ => None,
        };
        let option = text(ContextKind::InvalidArg).unwrap_or_default();
        let long = option.trim_start_matches("--").split([' ', '=', '[']).next().unwrap_or_default().to_owned();
        let names = variables_of(&long);
        let variable = names.iter().find(|name| self.get(name).is_some()).cloned().unwrap_or(long);
        let value = text(ContextKind::InvalidValue).unwrap_or_default();
        let reason = match (std::error::Error::source(error), error.get(ContextKind::ValidValue)) {
            (Some(source), _) => source.to_string(),
            (None, Some(ContextValue::Strings(words))) => format!("\"{value}\" is none of {}", words.join(", ")),
            _ => format!("\"{value}\" cannot be used"),
        };
        ConfigError::Variable { variable, level: self.level, reason }
    }
}

/// Variables say `1`, `yes` or `on` where options say `true`.
fn truth<'a>(arg: &clap::Arg, value: &'a str) -> &'a str {
    if arg.get_value_parser().type_id() != std::any::TypeId::of::<bool>() {
        return value;
    }
    match value.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => "true",
        "0" | "false" | "no" | "off" => "false",
        _ => value,
    }
}

fn read_file(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { what: "variable file", path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let lines = dotenvy::from_read_iter(text.as_bytes());
    lines.collect::<Result<_, _>>().map_err(|error| match error {
        dotenvy::Error::LineParse(content, _) => ConfigError::Line {
            path: path.to_owned(),
            line: text.lines().position(|line| content.contains(line) && !line.is_empty()).map_or(1, |index| index + 1),
            reason: "this is not NAME=value".to_owned(),
            hint: Some("put a value with spaces or # in quotes".to_owned()),
        },
        dotenvy::Error::Io(source) => unreadable(source),
        other => unreadable(std::io::Error::other(other)),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn of_file(text: &str) -> Result<Environment, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("variables");
        std::fs::write(&path, text).unwrap();
        Environment::new([], Some(path), Path::new("/nonexistent/.env"))
    }

    #[test]
    fn a_file_of_variables_is_read_without_changing_the_process() {
        let text =
            "# comment\nexport LOADGEN_SEED=7\nKAFKA_BROKERS = \"a:1,b:2\"\nA='x y' # more\nEMPTY=\nB=\"1\\n2\"\n";
        let environment = of_file(text).unwrap();
        assert_eq!(environment.get("LOADGEN_SEED"), Some("7"));
        assert_eq!(environment.get("KAFKA_BROKERS"), Some("a:1,b:2"));
        assert_eq!(environment.get("A"), Some("x y"));
        assert_eq!(environment.get("EMPTY"), None);
        assert_eq!(environment.get("B"), Some("1\n2"));
        assert!(std::env::var_os("LOADGEN_SEED").is_none());
    }

    #[test]
    fn a_line_that_is_no_variable_is_named() {
        let error = of_file("A=1\n\nthis is nothing\nB=2").unwrap_err();
        assert!(error.to_string().ends_with("variables line 3: this is not NAME=value"), "{error}");
        assert_eq!(error.hint().as_deref(), Some("put a value with spaces or # in quotes"));
    }

    #[test]
    fn a_named_file_must_be_there_and_the_usual_one_need_not() {
        let usual = Path::new("/nonexistent/.env");
        assert!(Environment::new([], None, usual).is_ok());
        let error = Environment::new([], Some("/nonexistent/x".into()), usual).unwrap_err();
        assert!(error.to_string().starts_with("variable file /nonexistent/x cannot be read: "), "{error}");
        let by_variable = [("LOADGEN_ENV_FILE".into(), "/nonexistent/y".into())];
        let error = Environment::new(by_variable, None, usual).unwrap_err();
        assert!(error.to_string().starts_with("variable file /nonexistent/y cannot be read: "), "{error}");
    }

    #[test]
    fn variables_that_are_not_text_are_passed_over() {
        let odd = (OsString::from_vec(vec![b'X', 0xff]), OsString::from_vec(vec![0xff]));
        let even = ("LOADGEN_SEED".into(), "5".into());
        let environment = Environment::new([odd, even], None, Path::new("/nonexistent/.env")).unwrap();
        assert_eq!(environment.get("LOADGEN_SEED"), Some("5"));
    }

    #[test]
    fn loadgen_s_own_name_beats_those_of_others() {
        assert_eq!(
            variables_of("bootstrap-server"),
            ["LOADGEN_BOOTSTRAP_SERVER", "KAFKA_BROKERS", "BOOTSTRAP_SERVERS"]
        );
        let values = ["PRODUCER_SPEED", "LOADGEN_SPEED"].map(|name| (name.to_owned(), name.len().to_string()));
        let pace: crate::settings::pace::PaceOptions = Variables::new(Level::Environment, values).layer().unwrap();
        assert_eq!(pace.speed, Some("13".parse().unwrap()));
    }

    #[test]
    fn the_example_file_holds_only_variables_that_are_known() {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join(".env.example");
        let text = std::fs::read_to_string(example).unwrap();
        let on =
            |line: &'_ str| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line).to_owned();
        let all_on: Vec<String> = text.lines().map(on).collect();
        let environment = of_file(&all_on.join("\n")).unwrap();
        assert!(environment.get("LOADGEN_RATE").is_some());
        assert_eq!(environment.unknown(&crate::cli::command()), Vec::<String>::new());
        let layer: crate::settings::run::RunOptions = environment.file.layer().unwrap();
        assert!(layer.pace.speed.is_some() && layer.target.cluster.bootstrap_server.is_some());
    }
}
