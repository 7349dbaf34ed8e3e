//! `completions` and `man`: the command line as shells and `man` read it.

use super::{Done, Failure};
use crate::cli::shell::{CompletionsArgs, ManArgs};
use crate::verdict::ExitCode;

/// The name of the program in both.
const NAME: &str = "loadgen";

pub(super) fn completions(args: &CompletionsArgs) -> Result<Done, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::cli::command(), NAME, &mut script);
    text(script)
}

pub(super) fn man(args: &ManArgs) -> Result<Done, Failure> {
    let mut all = crate::cli::command();
    // Gives commands their full names, and options that are there for all of them.
    all.build();
    let command = match &args.command {
        None => all,
        Some(name) => {
            let unknown = || {
                Failure::new(ExitCode::Usage, format!("there is no command \"{name}\""))
                    .hint("loadgen --help lists the commands")
            };
            let found = all.find_subcommand(name).ok_or_else(unknown)?;
            found.clone().display_name(format!("{NAME}-{name}"))
        }
    };
    let mut page = Vec::new();
    let written = clap_mangen::Man::new(command).render(&mut page);
    written.map_err(|error| Failure::new(ExitCode::NotWritten, error.to_string()))?;
    text(page)
}

fn text(bytes: Vec<u8>) -> Result<Done, Failure> {
    let text = String::from_utf8(bytes).map_err(|error| Failure::new(ExitCode::NotWritten, error.to_string()))?;
    Ok(Done::text(text))
}
