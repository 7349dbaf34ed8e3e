//! A report of what a killed run had recorded. It is never judged: of no event is it known what became of it in the end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::stored::rows;
use super::{BundleError, LATENCIES, PARTIAL, REPORT, TIMELINE, read_file};
use crate::measure::LatencyHistogram;
use crate::recording::hlog::{self, HlogError};
use crate::recording::{LatencyKind, Recording};
use crate::report::exit_code::ExitCode;
use crate::report::{
    GateOutcome, GateResult, Latencies, LatencySummary, LedgerCounts, NEVER_JUDGED, Offered, Run, RunReport,
    SCHEMA_VERSION, TimelineRow, Verdict,
};

/// Why nothing can be recovered.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The bundle is whole.
    #[error("{} is not partial: its run has ended and was judged", .0.display())]
    Whole(PathBuf),
    /// The run is not over.
    #[error("the run of {} still goes on", .0.display())]
    Running(PathBuf),
    /// A file is missing or damaged.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Puts a report together from the seconds that a killed run had written. A run that was killed between its report and its
/// last step keeps its own, judged report, and is whole now; one whose files could not all be written keeps its mark, too.
///
/// # Errors
/// Where there is nothing to recover, or it cannot be read.
pub fn recover(folder: &Path) -> Result<RunReport, RecoverError> {
    let mark = folder.join(PARTIAL);
    let file = match fs::File::open(&mark) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder.join(REPORT).exists() => {
            return Err(RecoverError::Whole(folder.to_owned()));
        }
        opened => opened.map_err(|source| BundleError { path: mark.clone(), source })?,
    };
    if rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Err(RecoverError::Running(folder.to_owned()));
    }
    if let Ok(stored) = super::read(folder)
        && !stored.report.run.partial
    {
        if super::lacks_files(&stored.report) {
            return Ok(stored.report);
        }
        fs::remove_file(&mark).map_err(|source| BundleError { path: mark, source })?;
        return Ok(stored.report);
    }
    Ok(put_together(begun(folder)?, rows(&folder.join(TIMELINE))?, &log(&folder.join(LATENCIES))?))
}

/// What `latency.hlog` tells.
struct Log {
    latencies: Latencies,
    started: Option<String>,
}

fn put_together(begun: RunReport, timeline: Vec<TimelineRow>, log: &Log) -> RunReport {
    let scheduled: u64 = timeline.iter().map(|row| row.scheduled).sum();
    let sent: u64 = timeline.iter().map(|row| row.sent).sum();
    let seen = timeline.iter().map(|row| row.seen).sum::<u64>().min(sent);
    let measured_s = timeline.iter().rev().find(|row| row.sent > 0).map_or(0.0, |row| row.at_s);
    let until_s = timeline.last().map_or(0.0, |row| row.at_s);
    let started_at = log.started.clone().unwrap_or(begun.run.started_at);
    let reason =
        format!("{NEVER_JUDGED} after {until_s:.0} s; what it had recorded says nothing of loss, damage or order");
    RunReport {
        schema_version: SCHEMA_VERSION,
        run: Run { started_at, measured_s, partial: true, ..begun.run },
        offered: Offered { rate_per_s: begun.offered.rate_per_s, ..offered(scheduled.max(sent), sent, measured_s) },
        ledger: LedgerCounts {
            scheduled: scheduled.max(sent),
            // The answers went with the process, and what was not handed over when it last wrote may have been before it ended.
            unknown_seen: seen,
            unknown_unseen: scheduled.max(sent) - seen,
            ..LedgerCounts::default()
        },
        latency_us: log.latencies.clone(),
        timeline,
        gates: begun.gates.into_iter().map(open).collect(),
        verdict: Verdict {
            code: ExitCode::Unevaluated.code(),
            name: ExitCode::Unevaluated.as_str().to_owned(),
            reasons: vec![reason],
            ..Verdict::default()
        },
        ..begun
    }
}

/// What was known of a run before it was made, from the bundle of one that goes on or was killed: the second line of its mark.
/// Before that was written it is nothing.
///
/// # Errors
/// Where it cannot be read.
pub fn begun(folder: &Path) -> Result<RunReport, BundleError> {
    let mark = &folder.join(PARTIAL);
    let text = read_file(mark)?;
    let finished = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    let line = text[..finished].split(|byte| *byte == b'\n').nth(1).unwrap_or_default();
    if line.is_empty() {
        return Ok(RunReport::default());
    }
    let invalid = |error: serde_json::Error| io::Error::new(io::ErrorKind::InvalidData, error);
    serde_json::from_slice(line).map_err(|error| BundleError { path: mark.to_owned(), source: invalid(error) })
}

fn log(path: &Path) -> Result<Log, BundleError> {
    let failed = |source: io::Error| BundleError { path: path.to_owned(), source };
    let text = match read_file(path) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
            return Ok(Log { latencies: Latencies::default(), started: None });
        }
        text => text?,
    };
    let unread = |error: HlogError| failed(error.into_io());
    let recording = Recording::read(&text).map_err(unread)?;
    let whole_ms = |at: jiff::Timestamp| at.round(jiff::Unit::Millisecond).unwrap_or(at).to_string();
    let started = hlog::started(&text).map_err(unread)?.map(whole_ms);
    let apart = |error: hdrhistogram::AdditionError| io::Error::new(io::ErrorKind::InvalidData, error.to_string());
    Ok(Log { latencies: latencies(&recording).map_err(|error| failed(apart(error)))?, started })
}

fn open(gate: GateResult) -> GateResult {
    GateResult { value: None, result: GateOutcome::Unevaluated, reason: Some(NEVER_JUDGED.to_owned()), ..gate }
}

#[expect(clippy::cast_precision_loss, reason = "a reported rate needs 15 digits, not 19")]
fn offered(scheduled: u64, sent: u64, measured_s: f64) -> Offered {
    let achieved_rate_per_s = if measured_s > 0.0 { sent as f64 / measured_s } else { 0.0 };
    Offered { scheduled, achieved_rate_per_s, ..Offered::default() }
}

fn latencies(recording: &Recording) -> Result<Latencies, hdrhistogram::AdditionError> {
    let of = |kind: LatencyKind| {
        let whole = recording.whole(kind)?;
        Ok(whole.map(|whole| LatencyHistogram::of(whole, &LatencySummary::default()).summary()))
    };
    Ok(Latencies {
        slip: of(LatencyKind::Slip)?,
        lateness: of(LatencyKind::Lateness)?,
        blocked: of(LatencyKind::Blocked)?,
        capped: of(LatencyKind::Capped)?,
        service_time: of(LatencyKind::ServiceTime)?.unwrap_or_default(),
        response_time: of(LatencyKind::ResponseTime)?.unwrap_or_default(),
        end_to_end: of(LatencyKind::EndToEnd)?,
        commit_time: of(LatencyKind::CommitTime)?,
        commit_call: of(LatencyKind::CommitCall)?,
    })
}
