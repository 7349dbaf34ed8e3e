//! The bundle of a run that goes on, whatever becomes of its files: what cannot be written is lost, the verdict is not.

use std::path::{Path, PathBuf};

use crate::bundle::{self, Bundle, BundleError, recover};
use crate::clock::Nanos;
use crate::command::Failure;
use crate::figures;
use crate::measure::PhaseShard;
use crate::output::files;
use crate::report::latency::Kind;
use crate::report::{RunReport, TimelineRow};
use crate::run::Outcome;
use crate::verdict::{self, ExitCode};

/// A bundle, and what of it could not be written.
#[derive(Debug)]
pub(in crate::command) struct RunBundle {
    folder: PathBuf,
    /// `None` where it could not be begun.
    bundle: Option<Bundle>,
    lost: Vec<BundleError>,
    /// Whether the files that grow are whole so far. One that lacks a second ends there: what came later would be taken for it.
    grows: bool,
}

impl RunBundle {
    pub(in crate::command) fn new(bundle: Bundle) -> Self {
        Self { folder: bundle.folder().to_owned(), bundle: Some(bundle), lost: Vec::new(), grows: true }
    }

    /// No bundle at all: what would have been in it is lost.
    pub(in crate::command) fn nowhere(error: BundleError) -> Self {
        let mut kept = Self { folder: error.path.clone(), bundle: None, lost: Vec::new(), grows: false };
        kept.lose(error);
        kept
    }

    /// Keeps what is known of the run before it is made.
    pub(in crate::command) fn begun(&mut self, report: &RunReport) {
        self.attempt(|bundle| bundle.begun(report));
    }

    pub(in crate::command) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a second, on disk at once.
    pub(in crate::command) fn second(&mut self, row: &TimelineRow, measured: &PhaseShard, kinds: &[Kind], now: Nanos) {
        if self.grows {
            self.grows = self.attempt(|bundle| {
                bundle.row(row)?;
                bundle.latencies(measured, kinds, now)
            });
        }
    }

    /// Adds what only the end knows. What the run itself could not write is lost, too.
    pub(in crate::command) fn end(&mut self, outcome: &mut Outcome, kinds: &[Kind]) {
        if let Some((path, source)) = outcome.unwritten.take() {
            self.lose(BundleError { path, source });
        }
        if self.grows {
            self.attempt(|bundle| {
                bundle.last_latencies(&outcome.measured, &outcome.report.environment.event_types, kinds)
            });
        }
        self.attempt(|bundle| bundle.unverified(&outcome.unverified));
        if let Some(woven) = &outcome.fraud {
            self.attempt(|bundle| bundle.fraud_truth(woven.rows()));
        }
        let measured = outcome.measured.whole();
        let of = |kind: Kind| Ok(kinds.contains(&kind).then(|| measured.latency(kind).histogram().clone()));
        self.attempt(|bundle| files::write_distributions(bundle, of));
    }

    /// Writes the judged report in every form. What could not be written becomes a reason of its verdict.
    pub(in crate::command) fn finish(mut self, report: &mut RunReport) -> PathBuf {
        self.confess(report);
        self.attempt(|bundle| files::write(bundle.folder(), report));
        self.confess(report);
        // Last, so that it says what the others lack.
        self.attempt(|bundle| bundle::write_report(bundle.folder(), report));
        if self.lost.is_empty()
            && let Some(bundle) = self.bundle.take()
            && let Err(error) = bundle.finish()
        {
            self.lose(error);
        }
        self.confess(report);
        if !self.lost.is_empty() && self.folder.join(bundle::PARTIAL).exists() {
            let folder = self.folder.display();
            tracing::warn!(
                "with room for it, loadgen report --recover {folder} makes what can still be made of what is there"
            );
        }
        self.folder
    }

    /// A run that did not begin leaves no folder.
    pub(in crate::command) fn discard(self) {
        self.bundle.into_iter().for_each(super::discard);
    }

    /// What is known of a run that broke off: a partial report of the seconds that it had written.
    pub(in crate::command) fn broken_off(mut self, why: &str) -> Result<(RunReport, PathBuf), Failure> {
        // Its mark is free then, as that of a run that was killed.
        drop(self.bundle.take());
        let unread = |error: recover::RecoverError| {
            Failure::new(ExitCode::Unevaluated, format!("the run broke off: {why}; what it had recorded: {error}"))
        };
        let mut report = recover::recover(&self.folder).map_err(unread)?;
        report.verdict.reasons.insert(0, format!("the run broke off: {why}, which is a defect of loadgen"));
        if let Err(error) =
            files::write(&self.folder, &report).and_then(|()| bundle::write_report(&self.folder, &report))
        {
            self.lose(error);
        }
        self.confess(&mut report);
        Ok((report, self.folder))
    }

    /// Whether it was written.
    fn attempt(&mut self, write: impl FnOnce(&mut Bundle) -> Result<(), BundleError>) -> bool {
        match self.bundle.as_mut().map(write) {
            None => false,
            Some(Ok(())) => true,
            Some(Err(error)) => {
                self.lose(error);
                false
            }
        }
    }

    fn lose(&mut self, error: BundleError) {
        if self.lost.is_empty() {
            tracing::warn!("{error}: the run goes on, and what cannot be written is lost");
        }
        self.lost.push(error);
    }

    fn confess(&self, report: &mut RunReport) {
        let Some(first) = self.lost.first() else { return };
        let lead = "the results could not be written: ";
        let more = match self.lost.len() as u64 - 1 {
            0 => String::new(),
            more => format!(", and {}", figures::counted(more, "more error")),
        };
        report.verdict.reasons.retain(|reason| !reason.starts_with(lead));
        verdict::add(&mut report.verdict, ExitCode::NotWritten, format!("{lead}{first}{more}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{PARTIAL, REPORT};
    use crate::report::{SCHEMA_VERSION, Verdict};

    fn bundle(results: &Path) -> Bundle {
        Bundle::create(results, "20260101T000000Z", "test", "name = \"test\"\n").unwrap()
    }

    fn second(kept: &mut RunBundle, second: u32) {
        let row = TimelineRow { at_s: second.into(), sent: 3, scheduled: 3, ..TimelineRow::default() };
        let mut measured = PhaseShard::default();
        measured.latency_mut(Kind::ResponseTime).record(Nanos::from_millis(3));
        kept.second(&row, &measured, &Kind::ALL, Nanos::from_secs(second.into()));
    }

    fn report(code: ExitCode) -> RunReport {
        let verdict = Verdict { code: code.code(), name: code.as_str().to_owned(), ..Verdict::default() };
        RunReport { schema_version: SCHEMA_VERSION, verdict, ..RunReport::default() }
    }

    #[test]
    fn a_bundle_that_is_whole_says_nothing() {
        let results = tempfile::tempdir().unwrap();
        let mut kept = RunBundle::new(bundle(results.path()));
        second(&mut kept, 1);
        let mut passed = report(ExitCode::Pass);
        let folder = kept.finish(&mut passed);
        assert_eq!((passed.verdict.code, passed.verdict.reasons.len()), (0, 0));
        assert!(!folder.join(PARTIAL).exists());
        assert_eq!(bundle::read(&folder).unwrap().report, passed);
    }

    #[test]
    fn a_folder_that_is_gone_loses_files_and_hides_no_verdict() {
        for (code, told) in [(ExitCode::Pass, 8), (ExitCode::Unevaluated, 8), (ExitCode::GateFailed, 99)] {
            let results = tempfile::tempdir().unwrap();
            let mut kept = RunBundle::new(bundle(results.path()));
            second(&mut kept, 1);
            std::fs::remove_dir_all(kept.folder()).unwrap();
            second(&mut kept, 2);
            let mut report = report(code);
            kept.finish(&mut report);
            assert_eq!(report.verdict.code, told, "{code}");
            assert!(bundle::lacks_files(&report), "{code}");
            let reasons = report.verdict.reasons.iter().filter(|reason| reason.contains("could not be written"));
            assert_eq!(reasons.count(), 1, "{:?}", report.verdict.reasons);
        }
    }

    #[test]
    fn a_form_that_cannot_be_written_is_told_in_the_report_that_can() {
        let results = tempfile::tempdir().unwrap();
        let kept = RunBundle::new(bundle(results.path()));
        std::fs::create_dir_all(kept.folder().join("report.html/in the way")).unwrap();
        let mut passed = report(ExitCode::Pass);
        let folder = kept.finish(&mut passed);
        let stored = bundle::read(&folder).unwrap();
        assert_eq!((stored.report.verdict.code, stored.partial), (8, true));
        assert!(stored.report.verdict.reasons[0].contains("report.html"), "{:?}", stored.report.verdict.reasons);
    }

    #[test]
    fn a_run_that_broke_off_is_a_partial_report_of_its_seconds() {
        let results = tempfile::tempdir().unwrap();
        let mut kept = RunBundle::new(bundle(results.path()));
        kept.begun(&report(ExitCode::Pass));
        (1..=2).for_each(|number| second(&mut kept, number));
        let (report, folder) = kept.broken_off("a lane panicked").unwrap();
        assert_eq!((report.verdict.code, report.run.partial, report.ledger.scheduled), (4, true, 6));
        assert_eq!(report.verdict.reasons[0], "the run broke off: a lane panicked, which is a defect of loadgen");
        assert_eq!(report.latency_us.response_time.count, 2);
        assert!(folder.join(REPORT).exists() && folder.join(PARTIAL).exists());
    }
}
