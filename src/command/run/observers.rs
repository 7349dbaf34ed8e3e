//! Those that see each second of a run or a reading, and its end: the live view, the metrics, and the bundle.

use std::cell::LazyCell;
use std::path::{Path, PathBuf};

use super::run_bundle::RunBundle;
use crate::alert::Alerts;
use crate::command::Failure;
use crate::exporter::Exporter;
use crate::gate::Gates;
use crate::progress::Progress;
use crate::report::RunReport;
use crate::report::latency::Kind;
use crate::run::{Interrupts, Outcome, RunError, Tick};

/// Those that see a run or a reading.
pub(in crate::command) struct Observers<'a> {
    pub(in crate::command) progress: Progress,
    pub(in crate::command) exporter: Option<&'a Exporter>,
    pub(in crate::command) kept: RunBundle,
    pub(in crate::command) gates: &'a Gates,
    pub(in crate::command) alerts: Alerts,
    pub(in crate::command) interrupts: &'a Interrupts,
    /// The latencies that it can have.
    pub(in crate::command) kinds: Vec<Kind>,
}

impl Observers<'_> {
    /// What is known of it before it is made.
    pub(in crate::command) fn begin(&mut self, begun: &RunReport, topics: &str) {
        self.kept.begun(begun);
        if let Some(exporter) = self.exporter {
            exporter.begin(&begun.run.name, topics, &begun.environment.event_types, &self.kinds);
        }
    }

    /// A second of it.
    pub(in crate::command) fn second(&mut self, tick: &Tick<'_>) {
        let Self { progress, exporter, kept, gates, alerts, interrupts: _, kinds } = self;
        let so_far = LazyCell::new(|| gates.so_far(&tick.interim()));
        progress.show(tick, || so_far.clone());
        if let Some(exporter) = exporter {
            exporter.tick(tick, so_far.clone());
        }
        if !alerts.are_none() {
            alerts.second(&so_far, tick.now);
        }
        kept.second(tick.row, &tick.interval.whole(), kinds, tick.now);
    }

    /// The folder of its results.
    pub(in crate::command) fn folder(&self) -> &Path {
        self.kept.folder()
    }

    /// Its end: the report that `judge` makes of it, and the folder in which that lies. One that did not begin leaves nothing, and one
    /// that broke off what it had recorded.
    pub(in crate::command) fn end(
        mut self,
        outcome: Result<Outcome, RunError>,
        begin_failed: impl FnOnce(RunError) -> Failure,
        judge: impl FnOnce(Outcome) -> Result<RunReport, Failure>,
    ) -> Result<(RunReport, PathBuf), Failure> {
        self.progress.end();
        let mut outcome = match outcome {
            Ok(outcome) => outcome,
            Err(RunError::BrokenOff(why)) => return self.kept.broken_off(&why),
            Err(error) => {
                self.kept.discard();
                return Err(begin_failed(error));
            }
        };
        self.kept.end(&mut outcome, &self.kinds);
        let mut report = judge(outcome)?;
        let asked = self.interrupts.count();
        report.alerts = self.alerts.end(&report.gates, &|| self.interrupts.count() > asked);
        let folder = self.kept.finish(&mut report);
        if let Some(exporter) = self.exporter {
            exporter.end(&report);
        }
        Ok((report, folder))
    }
}
