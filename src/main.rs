//! The `loadgen` program: parse, act, print, exit. All else is in the library.

use std::fmt::Display;
use std::io::{self, Write};
use std::process;

use clap::FromArgMatches;
use loadgen::cli::{self, Cli};
use loadgen::command::{self, Done, Failure};
use loadgen::progress::terminal;
use loadgen::scenario::Environment;
use loadgen::scenario::logging::logging;
use loadgen::verdict::ExitCode;

fn main() -> process::ExitCode {
    let asked = cli::command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match asked {
        Ok(cli) => cli,
        Err(error) => return process::ExitCode::from(answered(&error)),
    };
    let code = match begin(cli) {
        Ok(done) => {
            let done = match written(print(&done.output)) {
                Ok(()) => done,
                Err(error) => {
                    say(format_args!("error: {error}"));
                    done.not_written()
                }
            };
            done.ending().into_iter().for_each(say);
            done.code
        }
        Err(Failure { code, message, hint }) => {
            say(format_args!("error: {message}"));
            if let Some(hint) = hint {
                say(format_args!("  hint: {hint}"));
            }
            say(code);
            code
        }
    };
    process::ExitCode::from(code)
}

fn begin(cli: Cli) -> Result<Done, Failure> {
    let environment = Environment::read(cli.env_file.clone())?;
    logging(&cli.log, &environment)?.start().map_err(|error| Failure {
        code: ExitCode::Usage,
        message: error.to_string(),
        hint: None,
    })?;
    command::dispatch(cli, &environment)
}

/// Prints what clap answers by itself: help and version on stdout, what is wrong with the command line on stderr.
fn answered(answer: &clap::Error) -> ExitCode {
    let printed = answer.print().and_then(|()| io::stdout().flush());
    if answer.use_stderr() {
        return ExitCode::Usage;
    }
    match written(printed) {
        Ok(()) => ExitCode::Pass,
        Err(error) => {
            say(format_args!("error: {error}"));
            ExitCode::NotWritten
        }
    }
}

/// The whole of it, or an error: what stays in a buffer is lost without a word.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// A reader that went away (`| head`) has what it wanted; whatever else keeps stdout from being written is an error.
fn written(printed: io::Result<()>) -> Result<(), String> {
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("stdout cannot be written: {error}")),
        _ => Ok(()),
    }
}

/// A line on stderr. Where nobody can read it, that changes nothing of how the program ends.
fn say(line: impl Display) {
    writeln!(io::stderr(), "{}", terminal::message(&line.to_string())).unwrap_or_default();
}
