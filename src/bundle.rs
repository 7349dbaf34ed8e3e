//! The bundle: the folder that a run leaves behind. It holds all that is needed to read the result and to repeat the run.
//!
//! It is made before the first event is sent and never overwrites another. What grows (`timeline.ndjson`) is written as it
//! grows; until the end a file named `PARTIAL` says that the run has not been judged. Everything else appears whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::report::TimelineRow;

/// Says that the run was not judged: it goes on, or it was killed.
pub const PARTIAL: &str = "PARTIAL";
/// The report.
pub const REPORT: &str = "report.json";
/// One row a second.
pub const TIMELINE: &str = "timeline.ndjson";
/// The scenario with which the run can be repeated.
pub const SCENARIO: &str = "scenario.toml";

/// A bundle being written.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    timeline: BufWriter<File>,
}

/// Why a bundle cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}", path = path.display())]
pub struct BundleError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BundleError + '_ {
    move |source| BundleError { path: path.to_owned(), source }
}

impl Bundle {
    /// Makes `results/<started>-<name>/`, with a number behind it where that exists, and keeps the scenario in it.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(results: &Path, started: &str, name: &str, scenario: &str) -> Result<Self, BundleError> {
        fs::create_dir_all(results).map_err(at(results))?;
        let folder = (1_u32..)
            .map(|try_no| match try_no {
                1 => results.join(format!("{started}-{name}")),
                more => results.join(format!("{started}-{name}-{more}")),
            })
            .find_map(|folder| match fs::create_dir(&folder) {
                Ok(()) => Some(Ok(folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
                Err(error) => Some(Err(at(&folder)(error))),
            })
            .unwrap_or_else(|| Err(at(results)(io::ErrorKind::AlreadyExists.into())))?;
        let partial = folder.join(PARTIAL);
        fs::write(&partial, "This run has not been judged: it still goes on, or it was killed.\n")
            .map_err(at(&partial))?;
        let timeline = folder.join(TIMELINE);
        let timeline = BufWriter::new(File::create(&timeline).map_err(at(&timeline))?);
        let bundle = Self { folder, timeline };
        bundle.write(SCENARIO, scenario.as_bytes())?;
        Ok(bundle)
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a row to the timeline, on disk at once.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn row(&mut self, row: &TimelineRow) -> Result<(), BundleError> {
        let path = self.folder.join(TIMELINE);
        let line = serde_json::to_string(row).map_err(|error| at(&path)(error.into()))?;
        writeln!(self.timeline, "{line}").and_then(|()| self.timeline.flush()).map_err(at(&path))
    }

    /// Writes a file whole: beside its place, synced, then moved there.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), BundleError> {
        let path = self.folder.join(name);
        let write = || -> io::Result<()> {
            let mut draft = tempfile::Builder::new().prefix(".draft-").tempfile_in(&self.folder)?;
            draft.write_all(content)?;
            draft.as_file().sync_all()?;
            readable(draft.as_file())?;
            draft.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(at(&path))
    }

    /// Says that everything is in place.
    ///
    /// # Errors
    /// Where the mark cannot be taken away.
    pub fn finish(mut self) -> Result<PathBuf, BundleError> {
        let timeline = self.folder.join(TIMELINE);
        self.timeline.flush().map_err(at(&timeline))?;
        let partial = self.folder.join(PARTIAL);
        fs::remove_file(&partial).map_err(at(&partial))?;
        Ok(self.folder)
    }
}

/// Temporary files are private; results are not.
#[cfg(unix)]
fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_partial_until_it_is_finished_and_never_overwritten() {
        let results = tempfile::tempdir().unwrap();
        let create = || Bundle::create(results.path(), "20260101T000000Z", "test", "name = \"test\"\n").unwrap();
        let (mut first, second) = (create(), create());
        assert_ne!(first.folder(), second.folder());
        assert!(first.folder().join(PARTIAL).exists());
        first.row(&TimelineRow { sent: 3, ..TimelineRow::default() }).unwrap();
        let rows = fs::read_to_string(first.folder().join(TIMELINE)).unwrap();
        assert_eq!(serde_json::from_str::<TimelineRow>(&rows).unwrap().sent, 3);
        first.write(REPORT, b"{}").unwrap();
        let folder = first.finish().unwrap();
        assert!(!folder.join(PARTIAL).exists());
        let mut names: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        assert_eq!(names, [REPORT, SCENARIO, TIMELINE]);
    }
}
