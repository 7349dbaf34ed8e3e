//! What an earlier run left behind, read again.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{BundleError, LATENCIES, PARTIAL, REPORT, TIMELINE, at};
use crate::recording::Recording;
use crate::report::timeline::read_ndjson;
use crate::report::{RunReport, SCHEMA_VERSION, TimelineRow};

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
        recorded_in(&self.folder)
    }

    /// A row for every second, also where the report of a long run has one for a minute.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn timeline(&self) -> Result<Vec<TimelineRow>, BundleError> {
        let rows = rows(&self.folder.join(TIMELINE))?;
        Ok(if rows.is_empty() { self.report.timeline.clone() } else { rows })
    }
}

/// The latencies that the run with that folder has recorded; none where there is no such file.
///
/// # Errors
/// Where they cannot be read.
pub fn recorded_in(folder: &Path) -> Result<Recording, BundleError> {
    let path = folder.join(LATENCIES);
    let log = match read_file(&path) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(Recording::default()),
        read => read?,
    };
    Recording::read(&log).map_err(|error| at(&path)(error.into_io()))
}

/// The rows of a timeline on disk; none where there is no such file.
pub(super) fn rows(path: &Path) -> Result<Vec<TimelineRow>, BundleError> {
    match read_file(path) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        text => read_ndjson(&text?).map_err(at(path)),
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

    #[test]
    fn every_second_of_a_long_run_is_read_from_its_own_file() {
        let folder = tempfile::tempdir().unwrap();
        let row = |at_s: f64| TimelineRow { at_s, ..TimelineRow::default() };
        let report =
            RunReport { schema_version: SCHEMA_VERSION, timeline: vec![row(60.0), row(61.0)], ..RunReport::default() };
        fs::write(folder.path().join(REPORT), serde_json::to_vec(&report).unwrap()).unwrap();
        let ends = || -> Vec<f64> {
            read(folder.path()).unwrap().timeline().unwrap().into_iter().map(|row| row.at_s).collect()
        };
        assert_eq!(ends(), [60.0, 61.0], "a report alone has what it has");
        let lines: Vec<String> = (1..=61_u8).map(|at| serde_json::to_string(&row(at.into())).unwrap()).collect();
        fs::write(folder.path().join(TIMELINE), lines.join("\n") + "\n").unwrap();
        assert_eq!(ends().len(), 61);
    }
}
