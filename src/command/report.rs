//! `report`: the report of an earlier run, again or in another form.

use std::path::Path;

use super::export::{self, Exports};
use super::{Done, Failure, stored, summary};
use crate::bundle::recover::{self, RecoverError};
use crate::bundle::{self, Stored};
use crate::cli::report::ReportArgs;
use crate::output::files;
use crate::scenario::Environment;
use crate::scenario::plan::USUAL_RESULTS;
use crate::settings::outcome::Output;
use crate::verdict::ExitCode;

/// The newest run by name, as where none is named.
const LATEST: &str = "latest";

pub(super) fn report(args: ReportArgs, environment: &Environment) -> Result<Done, Failure> {
    let options = environment.complete(args.options)?;
    let exports = Exports::of(&options.export)?;
    let recovered = options.recover == Some(true);
    let bundle = match args.bundle {
        Some(bundle) if bundle.exists() || bundle != Path::new(LATEST) => bundle,
        _ => stored::newest(options.results_dir.as_deref().unwrap_or(Path::new(USUAL_RESULTS)))?,
    };
    let stored = if recovered { recover(&bundle)? } else { stored::read(&bundle)? };
    let unread = |error: bundle::BundleError| stored::unreadable(&error);
    if let Some(failure) = exports.write(&stored.report, || stored.recording().map_err(unread)).into_iter().next() {
        return Err(failure);
    }
    let output = match options.output.unwrap_or(Output::Text) {
        _ if options.quiet == Some(true) => String::new(),
        Output::Json => export::json(&stored.report)?,
        Output::Text => summary(&stored.report, Some(&stored.folder)),
    };
    let verdict = ExitCode::from_code(stored.report.verdict.code).unwrap_or(ExitCode::Unevaluated);
    Ok(if recovered { Done::judged(output, verdict) } else { Done::told(output) })
}

/// Makes a report where a killed run left none, and writes it beside what there is. The mark stays: it is partial.
fn recover(folder: &Path) -> Result<Stored, Failure> {
    let report = recover::recover(folder).map_err(|error| match error {
        RecoverError::Bundle(error) => stored::unreadable(&error),
        RecoverError::Whole(_) => Failure::new(ExitCode::BadInput, error.to_string()).hint("leave out --recover"),
        RecoverError::Running(_) => Failure::new(ExitCode::BadInput, error.to_string()).hint("wait for its end"),
    })?;
    let partial = report.run.partial || bundle::lacks_files(&report);
    if partial {
        let written = files::write(folder, &report).and_then(|()| bundle::write_report(folder, &report));
        written.map_err(|error| {
            Failure::new(ExitCode::NotWritten, error.to_string()).hint("free space, and try it again")
        })?;
    }
    Ok(Stored { folder: folder.to_owned(), partial, report })
}
