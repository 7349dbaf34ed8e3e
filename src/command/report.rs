//! `report`: the report of an earlier run, again or in another form.

use std::io::{self, IsTerminal};

use super::export::{self, Exports};
use super::{Done, Failure, stored};
use crate::cli::report::ReportArgs;
use crate::report::console::{self, Style};
use crate::scenario::Environment;
use crate::scenario::plan::Output;

pub(super) fn report(args: ReportArgs, environment: &Environment) -> Result<Done, Failure> {
    let options = environment.complete(args.options)?;
    let exports = Exports::of(&options.export)?;
    let stored = stored::read(&args.bundle)?;
    exports.write(&stored.report, || stored.recording().map_err(|error| stored::unreadable(&error)))?;
    let output = match options.output.unwrap_or(Output::Text) {
        Output::Json => export::json(&stored.report)?,
        Output::Text => {
            let variable = |name: &str| std::env::var(name).ok();
            let style = Style::choose(io::stdout().is_terminal(), variable).with_bundle(&stored.folder);
            console::render(&stored.report, style)
        }
    };
    Ok(Done::pass(output))
}
