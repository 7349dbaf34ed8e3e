//! A run whose events come in from outside while it goes on.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::{Recording, RunBundle, Watchable, exporter, hand_over, linger, started_at, title, write_failed};
use crate::bundle::Bundle;
use crate::collect;
use crate::command::export::Exports;
use crate::command::planned_load::{ends, schedule};
use crate::command::{Done, Failure};
use crate::exporter::Exporter;
use crate::mirror;
use crate::report::RunReport;
use crate::run::Interrupts;
use crate::scenario::{Resolved, results};
use crate::source::Source;

/// Where events come in while a run goes on.
pub(in crate::command) enum Inflow {
    /// Over HTTP.
    Collecting(collect::Server),
    /// From topics.
    Mirroring(mirror::Reading),
}

impl Inflow {
    /// Ends it, and tells what came in.
    pub(super) fn finish(self, report: &mut RunReport) {
        match self {
            Self::Collecting(server) => report.collected = Some(server.finish()),
            Self::Mirroring(reading) => {
                let mut mirrored = reading.finish();
                mirrored.settle(&report.ledger);
                report.mirrored = Some(mirrored);
            }
        }
    }
}

/// Such a run before anything comes in: all that it is to write, and who is to watch it, has its place.
pub(in crate::command) struct InflowRun<'a> {
    resolved: &'a Resolved,
    exports: Exports,
    pub(in crate::command) exporter: Option<Arc<Exporter>>,
}

impl<'a> InflowRun<'a> {
    pub(in crate::command) fn new(resolved: &'a Resolved) -> Result<Self, Failure> {
        let shown = &resolved.plan.presentation;
        let exports = Exports::of(&shown.exports)?;
        results::try_folder(&shown.results_dir)?;
        let exporter = exporter(&Watchable::of(&resolved.plan))?.map(Arc::new);
        Ok(Self { resolved, exports, exporter })
    }

    /// Makes it until nothing more comes in there, judges, writes and tells.
    pub(in crate::command) fn make(
        self,
        source: &Source,
        (origin, inflow): (&str, Inflow),
        interrupts: &Arc<Interrupts>,
    ) -> Result<Done, Failure> {
        let Self { resolved, exports, exporter } = self;
        let (plan, exporter) = (&resolved.plan, exporter.as_deref());
        let shown = &plan.presentation;
        let bundle = Bundle::create(&shown.results_dir, &started_at(), &plan.run.name, &resolved.scenario.kept()?)
            .map_err(|error| write_failed(&error))?;
        let schedule = schedule(plan, source)?;
        let ends = ends(source, &schedule);
        let recording = Recording {
            plan,
            source,
            interrupts,
            exporter,
            kept: RunBundle::new(bundle),
            title: format!("{origin} {}", title(plan, plan.limit, ends)),
            ends,
            screen: None,
            likeness: None,
            inflow: Some(inflow),
        };
        let (report, folder) = recording.make(schedule, &mut |_| ControlFlow::Continue(()))?;
        linger(shown, exporter, interrupts);
        hand_over(shown, &exports, &report, &folder)
    }
}
