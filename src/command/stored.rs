//! Bundles of earlier runs, as commands read them.

use std::path::Path;

use super::Failure;
use crate::bundle::{self, BundleError, Stored};
use crate::verdict::ExitCode;

pub(super) fn read(path: &Path) -> Result<Stored, Failure> {
    let stored = bundle::read(path).map_err(|error| unreadable(&error))?;
    if stored.partial {
        tracing::warn!(
            "{} holds the file {}: the run was killed before all its files were written",
            stored.folder.display(),
            bundle::PARTIAL
        );
    }
    Ok(stored)
}

pub(super) fn unreadable(error: &BundleError) -> Failure {
    Failure::new(ExitCode::BadInput, error.to_string())
        .hint("name the folder that a run left in its results folder, or the report.json in it")
}
