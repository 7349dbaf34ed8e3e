//! What an earlier run left behind, read again.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{BundleError, LATENCIES, PARTIAL, REPORT, at};
use crate::recording::Recording;
use crate::report::{RunReport, SCHEMA_VERSION};

/// A larger file is not read: nothing that a run writes comes near it.
const LARGEST: u64 = 1 << 30;

/// What an earlier run left behind.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its folder.
    pub folder: PathBuf,
    /// Its report.
    pub report: RunReport,
    /// Whether its folder says that something is missing: the run was killed while its files were written.
    pub partial: bool,
}

/// Reads the report in a bundle; `path` is its folder, or its `report.json`.
///
/// # Errors
/// Where there is none, it is not a report, or it is one of a later version.
pub fn read(path: &Path) -> Result<Stored, BundleError> {
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
    let file = if path.is_dir() { path.join(REPORT) } else { path.to_owned() };
    let partial = folder.join(PARTIAL).exists();
    let text = match read_file(&file) {
        Err(error) if partial && error.source.kind() == io::ErrorKind::NotFound => {
            let reason = "this run has not been judged: it still goes on, or it was killed (PARTIAL)";
            return Err(at(folder)(io::Error::new(io::ErrorKind::NotFound, reason)));
        }
        read => read?,
    };
    let invalid = |reason: String| at(&file)(io::Error::new(io::ErrorKind::InvalidData, reason));
    let report: RunReport =
        serde_json::from_slice(&text).map_err(|error| invalid(format!("it is not a report of a run: {error}")))?;
    if report.schema_version > SCHEMA_VERSION {
        let (its, ours) = (report.schema_version, SCHEMA_VERSION);
        return Err(invalid(format!("a later loadgen wrote it: schema_version is {its}, this one knows {ours}")));
    }
    Ok(Stored { folder: folder.to_owned(), report, partial })
}

impl Stored {
    /// What to call it: the name of its folder.
    #[must_use]
    pub fn name(&self) -> String {
        let folder = fs::canonicalize(&self.folder).unwrap_or_else(|_| self.folder.clone());
        folder.file_name().map_or_else(|| self.report.run.name.clone(), |name| name.to_string_lossy().into_owned())
    }

    /// The latencies of each second; empty where the run kept none.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn recording(&self) -> Result<Recording, BundleError> {
        let path = self.folder.join(LATENCIES);
        let log = match read_file(&path) {
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(Recording::default()),
            read => read?,
        };
        Recording::read(&log).map_err(|error| at(&path)(error.into_io()))
    }
}

/// Reads a file of a bundle.
///
/// # Errors
/// Where it cannot be read, or is larger than anything that a run writes.
pub fn read_file(path: &Path) -> Result<Vec<u8>, BundleError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        File::open(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
        if text.len() as u64 > LARGEST {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is larger than 1 GiB, no run writes that much",
            ));
        }
        Ok(text)
    };
    read().map_err(at(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_report_or_a_later_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(REPORT);
        let message = || read(folder.path()).unwrap_err().to_string();
        assert!(message().contains("report.json: No such file"), "{}", message());
        fs::write(&path, "{}").unwrap();
        assert!(message().contains("it is not a report of a run: missing field"), "{}", message());
        let later = RunReport { schema_version: SCHEMA_VERSION + 1, ..RunReport::default() };
        fs::write(&path, serde_json::to_vec(&later).unwrap()).unwrap();
        assert!(message().contains("a later loadgen wrote it"), "{}", message());
    }
}
