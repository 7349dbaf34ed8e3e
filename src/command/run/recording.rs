//! A run that is recorded: watched, judged, and written into its bundle.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use super::failures::begin_failed;
use super::fleet::Crew;
use super::inflow::Inflow;
use super::observers::Observers;
use super::run_bundle::RunBundle;
use super::{begun, origin, truth};
use crate::alert::{About, Alerts};
use crate::bundle;
use crate::clock::Nanos;
use crate::command::Failure;
use crate::command::planned_load::planned;
use crate::event::stamp::RunId;
use crate::exporter::Exporter;
use crate::progress::{NO_DUE_TIMES, Progress, Screen, Shown};
use crate::report::latency::Kind;
use crate::report::{GateResult, Likeness, RunReport};
use crate::run::wiring::Nowhere;
use crate::run::{self, Interrupts, Outcome, Tick};
use crate::scenario::plan::{LiveView, Plan};
use crate::schedule::Schedule;
use crate::source::Source;
use crate::verdict::{self, Conditions};

/// A run that is recorded: watched, judged, and written into its bundle.
pub(in crate::command) struct Recording<'a> {
    pub(in crate::command) plan: &'a Plan,
    pub(in crate::command) source: &'a Source,
    pub(in crate::command) interrupts: &'a Arc<Interrupts>,
    /// What others can watch it by.
    pub(in crate::command) exporter: Option<&'a Exporter>,
    pub(in crate::command) kept: RunBundle,
    /// What the live view calls it.
    pub(in crate::command) title: String,
    /// When its schedule ends, where known.
    pub(in crate::command) ends: Option<Nanos>,
    /// The terminal, where a search has it for all of its runs.
    pub(in crate::command) screen: Option<Screen>,
    /// How like a recording its events are, where they were fitted to one.
    pub(in crate::command) likeness: Option<Likeness>,
    /// Where its events come in, where they do so meanwhile.
    pub(in crate::command) inflow: Option<Inflow>,
}

impl Recording<'_> {
    /// Makes it. `watch` sees each second and may end it with a reason.
    pub(in crate::command) fn make(
        self,
        schedule: Schedule,
        watch: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) -> Result<(RunReport, PathBuf), Failure> {
        let plan = self.plan;
        let verifying = plan.run.verify.is_some();
        let shown = plan.presentation.view != LiveView::Nothing && !plan.presentation.quiet;
        let total = planned(plan, &schedule, self.source);
        let progress = self.progress(&schedule, total, shown);
        let mut aborted_by: Option<GateResult> = None;
        let id = plan.sharding.run_id.unwrap_or_else(|| RunId(rand::random()));
        let mut config = run::Config { id, ..plan.run.clone() };
        let Self { source, interrupts, exporter, kept, likeness, inflow, .. } = self;
        let kinds = kinds(plan, schedule.has_due_times());
        let crew = plan.sharding.fleet.as_ref().map(|wanted| Crew::new(wanted, plan, &config, total, kept.folder()));
        let about = About { run: plan.run.name.clone(), run_id: id.to_string(), shard: plan.sharding.shard.told() };
        let alerts = Alerts::start(&plan.alerts, &about);
        let mut observers = Observers { progress, exporter, kept, gates: &plan.gates, alerts, interrupts, kinds };
        // Nobody else can read the embedded broker.
        let for_others = !verifying && plan.run.kafka.bootstrap.is_some();
        config.answers = for_others.then(|| observers.folder().join(bundle::ANSWERS));
        observers.begin(&begun::begun(plan, &config, source, &schedule), &plan.run.kafka.topic);
        let mut each_second = |tick: &Tick<'_>| {
            observers.second(tick);
            if let Some(crew) = &crew {
                crew.tell(tick);
            }
            if let Some(broken) = plan.gates.abort(&tick.interim(), tick.now.into()) {
                let reason = format!("gate {} ended the run", broken.rule);
                aborted_by = Some(broken);
                return ControlFlow::Break(reason);
            }
            watch(tick)
        };
        let outcome = if plan.nowhere {
            run::run_through(&Nowhere, &config, source, schedule, interrupts, &mut each_second)
        } else if let Some(crew) = &crew {
            crew.run(&config, source, schedule, interrupts, &mut each_second)
        } else {
            run::run(&config, source, schedule, interrupts, &mut each_second)
        };
        let judge = |mut outcome: Outcome| {
            if let Some(inflow) = inflow {
                inflow.finish(&mut outcome.report);
            }
            if let (Some(woven), Some(told)) = (&outcome.fraud, &mut outcome.report.fraud)
                && let Some(topic) = woven.topic()
            {
                told.unwritten = truth::write(woven, topic, &plan.run.kafka).err();
            }
            let mut report = judge(plan, source, outcome, aborted_by, likeness);
            if let Some(crew) = &crew {
                crew.finish(&mut report);
            }
            Ok(report)
        };
        let (mut report, folder) = observers.end(outcome, |error| begin_failed(error, plan), judge)?;
        if let Some(crew) = &crew {
            crew.hand_in(&mut report, &folder);
        }
        Ok((report, folder))
    }

    /// What a person watches it by: where the whole terminal cannot be had, the plain view.
    fn progress(&self, schedule: &Schedule, total: Option<u64>, shown: bool) -> Progress {
        let (plan, verifying) = (self.plan, self.plan.run.verify.is_some());
        if shown && plan.presentation.view == LiveView::Screen {
            let fixed = if self.screen.is_some() {
                Some(KEEPS_ITS_RATE)
            } else if !schedule.has_due_times() {
                Some(NO_DUE_TIMES)
            } else if plan.sharding.shard.of > 1 {
                Some("this is one part of a run, and the others keep to the plan")
            } else {
                None
            };
            let ends_s = self.ends.map(Nanos::as_secs_f64);
            let view = Shown { title: &self.title, total, ends_s, verifying, reading: false, fixed };
            if let Some(screen) = &self.screen {
                screen.begin(&view);
                return Progress::on(screen.clone(), &view);
            }
            if let Some(screen) = taken(&view, self.interrupts) {
                return Progress::on(screen, &view);
            }
        }
        Progress::new(&self.title, total, self.ends, verifying, shown)
    }
}

/// Why nobody changes the rate of a probe.
pub(in crate::command) const KEEPS_ITS_RATE: &str = "a probe keeps its rate";

/// The whole terminal; without one there are plain lines, and a warning says so.
pub(in crate::command) fn taken(view: &Shown<'_>, interrupts: &Arc<Interrupts>) -> Option<Screen> {
    let taken = Screen::take(view, Arc::clone(interrupts));
    taken.inspect_err(|error| tracing::warn!("--tui needs a terminal: {error}; plain lines instead")).ok()
}

/// The latencies that a run can have: those from a due time on need one, the wait for a ceiling that too, the end-to-end time
/// a verifier, those of commits transactions.
fn kinds(plan: &Plan, has_due_times: bool) -> Vec<Kind> {
    let has = |kind: &Kind| match kind {
        Kind::Slip | Kind::Lateness | Kind::Blocked => has_due_times,
        Kind::Capped => has_due_times && plan.run.lateness.max_rate.is_some(),
        Kind::ServiceTime | Kind::ResponseTime => true,
        Kind::EndToEnd => plan.run.verify.is_some(),
        Kind::CommitTime | Kind::CommitCall => plan.run.transactions.is_some(),
    };
    Kind::ALL.into_iter().filter(has).collect()
}

fn judge(
    plan: &Plan,
    source: &Source,
    outcome: Outcome,
    aborted_by: Option<GateResult>,
    likeness: Option<Likeness>,
) -> RunReport {
    let Outcome { mut report, cluster_error, interrupted, ended_by, fidelity, .. } = outcome;
    origin::describe(&mut report, plan, source, fidelity, likeness);
    if let Some(ended_by) = ended_by.filter(|_| aborted_by.is_none()) {
        report.run.deadlines_reached.push(ended_by);
    }
    report.gates = plan.gates.evaluate(&report);
    let conditions = Conditions { interrupted, cluster_error, aborted_by, ..Conditions::default() };
    report.verdict = verdict::judge(&report, &plan.gates, &conditions);
    report
}
