//! The `loadgen` program: parse, act, print, exit. All else is in the library.
#![expect(clippy::print_stderr, reason = "this is where things are printed")]

use std::io::Write;
use std::process;

use clap::FromArgMatches;
use loadgen::cli::{self, Cli};
use loadgen::command::{self, Done, Failure};
use loadgen::logging::Logging;
use loadgen::scenario::Environment;
use loadgen::verdict::ExitCode;

fn main() -> process::ExitCode {
    let cli = Cli::from_arg_matches(&cli::command().get_matches()).unwrap_or_else(|error| error.exit());
    let code = match begin(cli) {
        Ok(Done { output, code }) => {
            // A reader that went away (`| head`) has what it wanted.
            std::io::stdout().write_all(output.as_bytes()).unwrap_or_default();
            code
        }
        Err(Failure { code, message, hint }) => {
            eprintln!("error: {message}");
            if let Some(hint) = hint {
                eprintln!("  hint: {hint}");
            }
            code
        }
    };
    eprintln!("{code}");
    process::ExitCode::from(code)
}

fn begin(cli: Cli) -> Result<Done, Failure> {
    let environment = Environment::read(cli.env_file.clone())?;
    Logging::asked_for(&cli.log, &environment)?.start().map_err(|error| Failure {
        code: ExitCode::Usage,
        message: error.to_string(),
        hint: None,
    })?;
    command::dispatch(cli, &environment)
}
