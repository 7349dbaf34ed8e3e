//! `--export KIND=FILE`: a report in one more form, beside what a bundle holds.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::output::{Form, FormError};
use crate::recording::{LatencyKind, Recording};
use crate::report::RunReport;
use crate::settings::values::Export;
use crate::verdict::ExitCode;

/// The forms asked for, checked before anything is done.
#[derive(Debug)]
pub(super) struct Exports(Vec<(Form, PathBuf)>);

impl Exports {
    pub(super) fn of(asked: &[Export]) -> Result<Self, Failure> {
        asked.iter().map(|export| Ok((named(&export.kind)?, export.file.clone()))).collect::<Result<_, _>>().map(Self)
    }

    /// Writes them all, and says which could not be. `recording` is read where a form needs it.
    pub(super) fn write(&self, report: &RunReport, recording: impl Fn() -> Result<Recording, Failure>) -> Vec<Failure> {
        let export = |(form, file): &(Form, PathBuf)| {
            let mut text = Vec::new();
            form.write(&mut text, report, &recording)?;
            write(file, &text)
                .map_err(|error| Failure::new(ExitCode::NotWritten, format!("{}: {error}", file.display())))
        };
        self.0.iter().filter_map(|one| export(one).err()).collect()
    }
}

fn named(name: &str) -> Result<Form, Failure> {
    Form::named(name).ok_or_else(|| {
        let names = Form::NAMES.map(|(known, _)| known).join(", ");
        let latencies = LatencyKind::ALL.map(LatencyKind::as_str).join(", ");
        Failure::new(ExitCode::Usage, format!("--export {name}=…: \"{name}\" is no form of a report"))
            .hint(format!("one of {names}; hgrm:LATENCY for one of {latencies}"))
    })
}

impl From<FormError> for Failure {
    fn from(error: FormError) -> Self {
        let code = match error {
            FormError::Write(_) => ExitCode::NotWritten,
            FormError::Invalid(_) => ExitCode::RunInvalid,
            FormError::Nothing | FormError::NotRecorded(_) => ExitCode::Unevaluated,
        };
        Self::new(code, error.to_string())
    }
}

/// The report as JSON, ending in a line feed.
pub(super) fn json(report: &RunReport) -> Result<String, Failure> {
    serde_json::to_string_pretty(report)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(ExitCode::BadInput, format!("the report cannot be written as JSON: {error}")))
}

/// Whole or not at all.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        // A pipe or a device: nothing to move into its place.
        return fs::OpenOptions::new().write(true).open(path)?.write_all(content);
    }
    let mut draft = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        draft.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut draft = draft.prefix(".export-").tempfile_in(folder)?;
    draft.write_all(content)?;
    draft.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_there_is_not_is_refused_with_those_there_are() {
        let refused = named("hgrm:sleep").unwrap_err();
        assert!(refused.hint.unwrap().contains("hgrm:LATENCY for one of slip, lateness"));
    }
}
