//! The bundle: the folder that a run leaves behind. It holds all that is needed to read the result and to repeat the run.
//!
//! It is made before the first event is sent and never overwrites another. What grows (`timeline.ndjson`) is written as it
//! grows; until the end a file named `PARTIAL` says that the run has not been judged. Everything else appears whole.

mod latency_log;
pub mod recover;
mod stored;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde::Serialize;

use crate::clock::Nanos;
use crate::measure::{PhaseShard, Shard};
use crate::recording::Recording;
use crate::recording::hlog::HlogError;
use crate::report::exit_code::ExitCode;
use crate::report::latency::Kind;
use crate::report::{RunReport, TimelineRow};
use latency_log::LatencyLog;
pub use stored::{Stored, read, read_file, recorded_in};

/// Says that the run was not judged: it goes on, or it was killed.
pub const PARTIAL: &str = "PARTIAL";
/// The report.
pub const REPORT: &str = "report.json";
/// One row a second.
pub const TIMELINE: &str = "timeline.ndjson";
/// One histogram a second and latency.
pub const LATENCIES: &str = "latency.hlog";
/// What the client answered for each event, where nothing was read back: see [`crate::ledger::answers`].
pub const ANSWERS: &str = "answers.ndjson.zst";
/// What a member of a group that reads a run saw of it, record by record.
pub const SIGHTINGS: &str = "sightings.ndjson.zst";
/// The events that did not end verified, one a line; absent where there are none.
const UNVERIFIED: &str = "unverified.ndjson";
/// The events that are fraudulent, one a line; absent where no fraud was woven in.
pub const FRAUD_TRUTH: &str = "fraud-truth.ndjson.zst";
/// The scenario with which the run can be repeated.
pub const SCENARIO: &str = "scenario.toml";

const NOT_JUDGED: &str = "This run has not been judged: it still goes on, or it was killed. Then this makes a report of \
                          what was recorded: loadgen report --recover FOLDER\n";

/// A bundle being written.
#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    /// The file [`PARTIAL`], locked.
    mark: File,
    timeline: BufWriter<File>,
    latencies: Option<LatencyLog>,
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

/// Whether the run of a folder still goes on: its process holds the mark.
#[must_use]
pub fn goes_on(folder: &Path) -> bool {
    let held = |mark: File| rustix::fs::flock(&mark, FlockOperation::NonBlockingLockExclusive).is_err();
    File::open(folder.join(PARTIAL)).is_ok_and(held)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BundleError + '_ {
    move |source| BundleError { path: path.to_owned(), source }
}

impl Bundle {
    /// Makes `results/<started>-<name>/`, with a number behind it where that exists, and keeps the scenario in it, where
    /// there is one.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(results: &Path, started: &str, name: &str, scenario: &str) -> Result<Self, BundleError> {
        fs::create_dir_all(results).map_err(at(results))?;
        let name = format!("{started}-{name}");
        let mut begun = Self::begin(results, scenario)?;
        for folder in numbered(results, &name) {
            if folder.exists() {
                continue;
            }
            match fs::rename(&begun.folder, &folder) {
                Ok(()) => {
                    begun.folder = folder;
                    return Ok(begun);
                }
                // Another process was faster.
                Err(_) if folder.exists() => {}
                Err(error) => return Err(at(&folder)(error)),
            }
        }
        Err(at(results)(io::ErrorKind::AlreadyExists.into()))
    }

    /// Makes `folder`, which must not exist, and keeps the scenario in it.
    ///
    /// # Errors
    /// Where it exists or cannot be written.
    pub fn create_at(folder: &Path, scenario: &str) -> Result<Self, BundleError> {
        if folder.exists() {
            return Err(at(folder)(io::ErrorKind::AlreadyExists.into()));
        }
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(at(parent))?;
        let mut begun = Self::begin(parent, scenario)?;
        fs::rename(&begun.folder, folder).map_err(at(folder))?;
        folder.clone_into(&mut begun.folder);
        Ok(begun)
    }

    /// A bundle beside its place: a folder with its name always says that it is partial.
    fn begin(parent: &Path, scenario: &str) -> Result<Self, BundleError> {
        let draft = tempfile::Builder::new().prefix(".begin-").tempdir_in(parent).map_err(at(parent))?;
        let folder = draft.path().to_owned();
        let partial = folder.join(PARTIAL);
        let mark = File::create(&partial).map_err(at(&partial))?;
        // Held as long as this process lives, so that nobody takes its bundle for one that was left behind.
        rustix::fs::flock(&mark, FlockOperation::NonBlockingLockExclusive)
            .map_err(|error| at(&partial)(error.into()))?;
        (&mark).write_all(NOT_JUDGED.as_bytes()).map_err(at(&partial))?;
        let timeline = folder.join(TIMELINE);
        let timeline = BufWriter::new(File::create(&timeline).map_err(at(&timeline))?);
        let bundle = Self { folder, mark, timeline, latencies: None };
        if !scenario.is_empty() {
            bundle.write(SCENARIO, scenario.as_bytes())?;
        }
        accessible(&bundle.folder).map_err(at(&bundle.folder))?;
        // From here on it is the bundle's.
        let _kept = draft.keep();
        Ok(bundle)
    }

    /// Keeps what is known of the run before it is made: what [`recover::recover`] begins with, should it be killed.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn begun(&self, report: &RunReport) -> Result<(), BundleError> {
        let path = self.folder.join(PARTIAL);
        let line = serde_json::to_string(report).map_err(|error| at(&path)(error.into()))?;
        writeln!(&self.mark, "{line}").map_err(at(&path))
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

    /// Adds the latencies of the interval that ends at `now`, counted from the start of the run, on disk at once. Without
    /// a sample of a latency there is no line of it.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn latencies(&mut self, measured: &PhaseShard, kinds: &[Kind], now: Nanos) -> Result<(), BundleError> {
        let path = self.folder.join(LATENCIES);
        let failed = |error: HlogError| at(&path)(error.into_io());
        let mut log = match self.latencies.take() {
            Some(log) => log,
            None => LatencyLog::begin(&path, now).map_err(failed)?,
        };
        log.interval(measured, kinds, now).map_err(failed)?;
        self.latencies = Some(log);
        Ok(())
    }

    /// Adds what only the end of the run knows: events that were given up count to its last interval; and each phase and
    /// event type as a whole. Then the intervals sum to the figures of the report.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn last_latencies(
        &mut self,
        measured: &Shard,
        event_types: &[String],
        kinds: &[Kind],
    ) -> Result<(), BundleError> {
        let Some(log) = &mut self.latencies else { return Ok(()) };
        log.last(measured, event_types, kinds).map_err(|error| at(&self.folder.join(LATENCIES))(error.into_io()))
    }

    /// Writes all that was recorded of a run that started at `started` (RFC 3339).
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn recording(&self, recording: &Recording, started: &str) -> Result<(), BundleError> {
        let path = self.folder.join(LATENCIES);
        let started = started
            .parse()
            .map_err(|error| at(&path)(io::Error::new(io::ErrorKind::InvalidInput, format!("{started}: {error}"))))?;
        let mut log = Vec::new();
        recording.write(&mut log, started).map_err(|error| at(&path)(error.into_io()))?;
        self.write(LATENCIES, &log)
    }

    /// Lists the events that did not end verified, one by one; writes nothing where there are none.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn unverified(&self, events: &[impl Serialize]) -> Result<(), BundleError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut text = Vec::new();
        for event in events {
            serde_json::to_writer(&mut text, event).map_err(|error| at(&self.folder)(error.into()))?;
            text.push(b'\n');
        }
        self.write(UNVERIFIED, &text)
    }

    /// Lists the events that are fraudulent, packed by zstd.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn fraud_truth(&self, rows: impl Iterator<Item = impl Serialize>) -> Result<(), BundleError> {
        let path = self.folder.join(FRAUD_TRUTH);
        let write = || {
            let mut packed = zstd::Encoder::new(BufWriter::new(File::create(&path)?), 3)?;
            for row in rows {
                serde_json::to_writer(&mut packed, &row)?;
                packed.write_all(b"\n")?;
            }
            packed.finish()?.flush()
        };
        write().map_err(at(&path))
    }

    /// Writes a file whole: beside its place, synced, then moved there.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), BundleError> {
        write_whole(&self.folder.join(name), content)
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

/// Whether a run was judged, and some of its files could not be written: what they held is in none.
#[must_use]
pub fn lacks_files(report: &RunReport) -> bool {
    let not_written = ExitCode::NotWritten.as_str();
    report.verdict.name == not_written || report.verdict.also.iter().any(|also| also == not_written)
}

/// Whether the run of that bundle still goes on.
///
/// # Errors
/// Where its mark cannot be read.
pub fn is_going_on(folder: &Path) -> Result<bool, BundleError> {
    let mark = folder.join(PARTIAL);
    match File::open(&mark) {
        Ok(file) => Ok(rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(at(&mark)(error)),
    }
}

/// Makes `results/<name>/`, with a number behind it where that exists.
///
/// # Errors
/// Where it cannot be made.
pub fn new_folder(results: &Path, name: &str) -> Result<PathBuf, BundleError> {
    fs::create_dir_all(results).map_err(at(results))?;
    numbered(results, name)
        .find_map(|folder| match fs::create_dir(&folder) {
            Ok(()) => Some(Ok(folder)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => None,
            Err(error) => Some(Err(at(&folder)(error))),
        })
        .unwrap_or_else(|| Err(at(results)(io::ErrorKind::AlreadyExists.into())))
}

/// `results/name`, `results/name-2`, `results/name-3`, ...
fn numbered(results: &Path, name: &str) -> impl Iterator<Item = PathBuf> {
    (1_u32..).map(move |try_no| match try_no {
        1 => results.join(name),
        more => results.join(format!("{name}-{more}")),
    })
}

/// Writes the report into the folder of its run.
///
/// # Errors
/// Where it cannot be written.
pub fn write_report(folder: &Path, report: &RunReport) -> Result<(), BundleError> {
    let json = serde_json::to_vec_pretty(report).map_err(|error| at(folder)(error.into()))?;
    write_whole(&folder.join(REPORT), &json)
}

/// Writes a file whole: beside its place, synced, then moved there.
///
/// # Errors
/// Where it cannot be written.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), BundleError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut draft = tempfile::Builder::new().prefix(".draft-").tempfile_in(folder)?;
        draft.write_all(content)?;
        draft.as_file().sync_all()?;
        readable(draft.as_file())?;
        draft.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(at(path))
}

/// Temporary folders are private; results are not.
#[cfg(unix)]
fn accessible(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn accessible(_folder: &Path) -> io::Result<()> {
    Ok(())
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
mod tests;
