//! Bundles of earlier runs, as commands read them.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::bundle::{self, BundleError, Stored};
use crate::recording::Recording;
use crate::verdict::ExitCode;

pub(super) fn read(path: &Path) -> Result<Stored, Failure> {
    let stored = bundle::read(path).map_err(|error| unreadable(&error))?;
    if stored.partial {
        let (folder, mark) = (stored.folder.display(), bundle::PARTIAL);
        if stored.report.run.partial {
            tracing::warn!("{folder} is partial: its run was killed and never judged");
        } else if bundle::lacks_files(&stored.report) {
            tracing::warn!("{folder} lacks what could not be written when its run ended, see its verdict");
        } else {
            tracing::warn!("{folder} holds the file {mark}: loadgen report --recover {folder} puts that right");
        }
    }
    Ok(stored)
}

/// The newest run in a results folder: its name begins with the time of its start.
pub(super) fn newest(results: &Path) -> Result<PathBuf, Failure> {
    let entries = std::fs::read_dir(results).into_iter().flatten().flatten().map(|entry| entry.path());
    let runs = entries.filter(|path| path.join(bundle::REPORT).is_file() || path.join(bundle::PARTIAL).exists());
    runs.max_by(|a, b| a.file_name().cmp(&b.file_name())).ok_or_else(|| {
        Failure::new(ExitCode::BadInput, format!("there is no run in {}", results.display()))
            .hint("name the folder of one, or with --results-dir the folder that holds them")
    })
}

/// The latencies that a run has recorded.
pub(super) fn recording(folder: &Path) -> Result<Recording, Failure> {
    bundle::read(folder).and_then(|stored| stored.recording()).map_err(|error| unreadable(&error))
}

pub(super) fn unreadable(error: &BundleError) -> Failure {
    let failure = Failure::new(ExitCode::BadInput, error.to_string());
    if error.path.join(bundle::PARTIAL).exists() {
        let folder = error.path.display();
        return failure
            .hint(format!("if it was killed: loadgen report --recover {folder} makes a report of what it left"));
    }
    failure.hint("name the folder that a run left in its results folder, or the report.json in it")
}
