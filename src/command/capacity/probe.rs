//! One probe: a run at one rate, held for a while before it is judged, in a bundle of its own.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::super::{planned_load, run};
use super::{Bundle, Failure, Settings};
use crate::capacity::backlog::{Growth, Slope};
use crate::capacity::{Left, ProbeOutcome, ProbeVerdict};
use crate::clock::{Clock, Monotonic};
use crate::exporter::Exporter;
use crate::figures::{self, as_f64};
use crate::output::capacity::text;
use crate::output::files::PAGE;
use crate::progress::Screen;
use crate::report::{GateOutcome, GateResult, RunReport, TimelineRow};
use crate::run::Interrupts;
use crate::scenario::Scenario;
use crate::scenario::plan::{Plan, Presentation, Sharding};
use crate::schedule::Rate;
use crate::schedule::config::PhaseConfig;
use crate::schedule::text::Span;
use crate::settings::pace::PaceOptions;
use crate::settings::run::LengthOptions;
use crate::source::Source;
use crate::verdict::ExitCode;

/// A backlog that grows by more than this part of the rate does not count as steady.
const TOLERANCE: f64 = 0.01;
/// A probe ends early when as much is due and not acked as comes due in this time: it has failed, and the rest would
/// only have to be drained.
const HOPELESS_S: f64 = 5.0;

/// A backlog so many times as old as the generator was late is the system's.
const BEYOND: f64 = 10.0;

/// Makes probes and keeps each in a bundle.
pub(super) struct Prober<'a> {
    /// What is the same in every probe.
    pub(super) scenario: Scenario,
    /// The plan whose schemas have their ids.
    pub(super) plan: &'a Plan,
    pub(super) presentation: &'a Presentation,
    pub(super) source: &'a Source,
    pub(super) interrupts: &'a Arc<Interrupts>,
    /// What others can watch the probes by.
    pub(super) exporter: Option<&'a Exporter>,
    /// The terminal, where the search has it.
    pub(super) screen: Option<Screen>,
    /// Where the probes' bundles go.
    pub(super) folder: PathBuf,
    pub(super) settings: Settings,
    /// Lanes or partitions, where these are varied: part of the bundles' names.
    pub(super) number: Option<u16>,
    /// Probes made before.
    pub(super) made: usize,
    /// Which part of each probe is made here.
    pub(super) sharding: Sharding,
}

/// Where the bundles of the probes of a search are, in its folder.
pub(super) const FOLDER: &str = "probes";

/// Why a probe ends early that has failed for certain.
pub(super) const HOPELESS: &str = "the backlog grew beyond hope";

/// What comes before the rate in the name of a bundle.
pub(super) fn name(number: Option<u16>, made: usize) -> String {
    let prefix = number.map_or_else(String::new, |number| format!("{number}-"));
    format!("{prefix}{made:02}")
}

/// The folder of a probe as seen from that of its search, where it has a page. A probe that was interrupted and made again
/// has two folders: the later one counts.
pub(super) fn kept_in(search: &Path, number: Option<u16>, made: usize, rate: u64) -> Option<String> {
    let once = format!("{FOLDER}/{}-{rate}", name(number, made));
    let again = (2_u32..).map(|time| format!("{once}-{time}"));
    let all = std::iter::once(once.clone()).chain(again).take_while(|folder| search.join(folder).is_dir());
    all.last().filter(|folder| search.join(folder).join(PAGE).is_file())
}

impl Prober<'_> {
    /// A run at `rate` events per second, `left` of them probably from it on. `Break` where it was interrupted.
    pub(super) fn probe(&mut self, rate: u64, left: Option<Left>) -> Result<ControlFlow<(), ProbeOutcome>, Failure> {
        if self.interrupts.count() > 0 {
            return Ok(ControlFlow::Break(()));
        }
        let clock = Monotonic::start();
        let (report, hopeless) = self.run(rate, left)?;
        if report.run.interrupted {
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(outcome(&report, rate, self.settings, hopeless, clock.now().as_secs_f64())))
    }

    /// The run of a probe, and whether it fell behind beyond hope.
    pub(super) fn run(&mut self, rate: u64, left: Option<Left>) -> Result<(RunReport, bool), Failure> {
        self.made += 1;
        let mut scenario = self.scenario(rate)?;
        let registry = self.plan.formats.registry.clone();
        let mut plan = Plan::new(&mut scenario, self.sharding.clone(), self.presentation.clone(), registry)?;
        (plan.run.catalogue, plan.run.schemas) = (Arc::clone(&self.plan.run.catalogue), self.plan.run.schemas.clone());
        let number = name(self.number, self.made);
        let schedule = planned_load::schedule(&plan, self.source)?;
        let bundle = Bundle::create(&self.folder, &number, &rate.to_string(), &scenario.kept()?);
        // A probe without a bundle is as good as another: what was found is told all the same.
        let kept = bundle.map_or_else(run::RunBundle::nowhere, run::RunBundle::new);
        let ends = schedule.ends_at();
        let left = left.map_or_else(String::new, |of| format!("    {}", text::left(&of)));
        let title = format!("probe {}: {}{left}", self.made, figures::rate(as_f64(rate)));
        let (source, interrupts, exporter) = (self.source, self.interrupts, self.exporter);
        let screen = self.screen.clone();
        let recording = run::Recording {
            plan: &plan,
            source,
            interrupts,
            exporter,
            kept,
            title,
            ends,
            screen,
            likeness: None,
            inflow: None,
        };
        let mut behind = Behind::default();
        let share = (rate / u64::from(self.sharding.shard.of)).max(1);
        let (report, _) = recording.make(schedule, &mut |tick| {
            if behind.beyond_hope(tick.scheduled.saturating_sub(tick.total.acked), share) {
                ControlFlow::Break(HOPELESS.to_owned())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        Ok((report, behind.0))
    }

    /// The scenario of a probe: what is in its bundle repeats it.
    fn scenario(&self, rate: u64) -> Result<Scenario, Failure> {
        let rate = Rate::per_second(rate)
            .ok_or_else(|| Failure::new(ExitCode::BadConfiguration, format!("{rate}/s is no rate")))?;
        let phase = |name: &str, length: Duration, warm_up: bool| PhaseConfig {
            name: Some(name.to_owned()),
            duration: Some(Span(length.into())),
            warm_up,
            rate: Some(rate),
            ..PhaseConfig::default()
        };
        let Settings { settle, probe, .. } = self.settings;
        let settling = (!settle.is_zero()).then(|| phase("settle", settle, true));
        let mut scenario = self.scenario.clone();
        scenario.settings.limits.length = LengthOptions::default();
        let phase = settling.into_iter().chain([phase("probe", probe, false)]).collect();
        scenario.settings.pace = PaceOptions { phase, ..PaceOptions::default() };
        Ok(scenario)
    }
}

/// Whether a probe ever fell too far behind to catch up. What follows is the drain, which takes nothing back.
#[derive(Default)]
struct Behind(bool);

impl Behind {
    /// With so many events due and not acked at `rate` events per second.
    fn beyond_hope(&mut self, waiting: u64, rate: u64) -> bool {
        self.0 |= as_f64(waiting) > as_f64(rate) * HOPELESS_S;
        self.0
    }
}

/// What a probe's report says of its rate.
pub(super) fn outcome(report: &RunReport, rate: u64, settings: Settings, hopeless: bool, took_s: f64) -> ProbeOutcome {
    let rows = judged_rows(report, settings);
    let (outstanding, unread) = (Slope::of(&rows.outstanding), Slope::of(&rows.unread));
    let (verdict, reasons) = match judge(report, rate, outstanding, unread) {
        // However far it fell behind, the system did not see the load.
        limited @ (ProbeVerdict::GeneratorLimit, _) => limited,
        _ if hopeless => {
            (ProbeVerdict::Failed, vec!["backlog_growing: 5 s of events were due and not acked".to_owned()])
        }
        judged => judged,
    };
    ProbeOutcome {
        verdict,
        reasons,
        achieved_per_s: report.offered.achieved_rate_per_s,
        p50_us: report.latency_us.response_time.p50,
        p99_us: report.latency_us.response_time.p99,
        gated_us: gated(report),
        outstanding,
        unread,
        took_s,
    }
}

/// What gates look at that is not shown of every probe: other quantiles than the two of response time.
fn gated(report: &RunReport) -> BTreeMap<String, u64> {
    let one = |gate: &GateResult| {
        let (path, _) = gate.rule.split_once(' ')?;
        let (latency, quantile) = path.rsplit_once('.')?;
        let shown = ["response_time.p50", "response_time.p99"].contains(&path);
        let is_quantile = quantile.strip_prefix('p').is_some_and(|digits| digits.parse::<u32>().is_ok());
        let is_of_users = ["response_time", "end_to_end", "service_time"].contains(&latency);
        (is_quantile && is_of_users && !shown).then_some(())?;
        Some((path.to_owned(), figures::whole(gate.value?)))
    };
    report.gates.iter().filter_map(one).collect()
}

/// The verdict on the run, and on top of a pass whether a backlog grows.
fn judge(
    report: &RunReport,
    rate: u64,
    outstanding: Option<Slope>,
    unread: Option<Slope>,
) -> (ProbeVerdict, Vec<String>) {
    let gates = |wanted: GateOutcome| {
        let of = report.gates.iter().filter(move |gate| gate.result == wanted);
        of.map(|gate| gate.rule.clone()).collect::<Vec<String>>()
    };
    let first = || report.verdict.reasons.first().cloned().into_iter().collect::<Vec<String>>();
    match ExitCode::from_code(report.verdict.code) {
        // That files could not be written says nothing of the rate.
        Some(ExitCode::Pass | ExitCode::NotWritten) if report.verdict.also.is_empty() => {
            let read = is_read(report).then_some(unread);
            let backlogs = [("due and not acked", Some(outstanding)), ("acked and not read", read)];
            for (what, slope) in backlogs.into_iter().filter_map(|(what, slope)| Some((what, slope?))) {
                match slope.map(|slope| slope.growth(as_f64(rate), TOLERANCE)) {
                    Some(Growth::Steady) => {}
                    Some(Growth::Growing) => {
                        return (ProbeVerdict::Failed, vec![format!("backlog_growing: events {what}")]);
                    }
                    Some(Growth::Unclear) => {
                        let reason = format!("backlog_unclear: events {what} swing too much for so short a probe");
                        return (ProbeVerdict::Unevaluated, vec![reason]);
                    }
                    None => {
                        let reason = format!("backlog_unclear: too few seconds to see whether events {what} grow");
                        return (ProbeVerdict::Unevaluated, vec![reason]);
                    }
                }
            }
            (ProbeVerdict::Passed, Vec::new())
        }
        Some(ExitCode::RunInvalid) if is_beyond_lateness(report, rate, outstanding) => {
            (ProbeVerdict::Failed, vec!["backlog_growing: events due and not acked".to_owned()])
        }
        Some(ExitCode::RunInvalid) => (ProbeVerdict::GeneratorLimit, gates(GateOutcome::Fail)),
        Some(ExitCode::GateFailed) => (ProbeVerdict::Failed, gates(GateOutcome::Fail)),
        Some(ExitCode::CorrectnessViolated | ExitCode::Cluster) => (ProbeVerdict::Failed, first()),
        // A rule that is broken for certain outweighs one that could not be evaluated.
        _ if report.gates.iter().any(|gate| gate.result == GateOutcome::Fail) => {
            (ProbeVerdict::Failed, gates(GateOutcome::Fail))
        }
        _ => (ProbeVerdict::Unevaluated, first()),
    }
}

const fn is_read(report: &RunReport) -> bool {
    report.latency_us.end_to_end.is_some()
}

/// Whether a backlog grows that the generator's lateness cannot explain: after the probe's length, it is this many times as
/// old as the generator was late.
fn is_beyond_lateness(report: &RunReport, rate: u64, outstanding: Option<Slope>) -> bool {
    let lateness = report.latency_us.lateness.as_ref();
    let (Some(slope), Some(late_us)) = (outstanding, lateness.and_then(|lateness| lateness.p99)) else { return false };
    let grows_s = (slope.per_s - 2.0 * slope.error_per_s) * report.run.measured_s / as_f64(rate);
    slope.growth(as_f64(rate), TOLERANCE) == Growth::Growing && grows_s > as_f64(late_us) / 1e6 * BEYOND
}

/// Both backlogs at the ends of the seconds that count.
struct Rows {
    outstanding: Vec<(f64, f64)>,
    unread: Vec<(f64, f64)>,
}

fn judged_rows(report: &RunReport, settings: Settings) -> Rows {
    let from = settings.settle.as_secs_f64();
    let until = from + settings.probe.as_secs_f64();
    let (mut due, mut acked) = (0_u64, 0_u64);
    let mut rows = Rows { outstanding: Vec::new(), unread: Vec::new() };
    for row in &report.timeline {
        let TimelineRow { at_s, scheduled, acked: now_acked, unread, backlog, .. } = row;
        due += scheduled;
        acked += now_acked;
        if *at_s > from && *at_s <= until + 0.5 {
            // A broker that limits a client answers in jerks: where one second's end falls among them is chance, its mean is not.
            let backlog = backlog.unwrap_or_else(|| due.saturating_sub(acked));
            rows.outstanding.push((*at_s, as_f64(backlog)));
            rows.unread.extend(unread.map(|unread| (*at_s, as_f64(unread))));
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_that_a_gate_names_is_kept_where_no_column_shows_it_anyway() {
        let gate = |rule: &str, value| GateResult { rule: rule.to_owned(), value, ..GateResult::default() };
        let gates = vec![
            gate("response_time.p95 < 250ms", Some(8_100.0)),
            gate("response_time.p99 < 250ms", Some(9_000.0)),
            gate("end_to_end.p999 < 1s", None),
            gate("end_to_end.p99 < 1s", Some(12_000.0)),
            gate("lost == 0", Some(0.0)),
            gate("partitions.skew < 2", Some(1.1)),
        ];
        let kept = gated(&RunReport { gates, ..RunReport::default() });
        let expected = [("end_to_end.p99", 12_000), ("response_time.p95", 8_100)];
        assert_eq!(kept, expected.map(|(path, us)| (path.to_owned(), us)).into());
    }

    #[test]
    fn a_probe_that_fell_beyond_hope_stays_there_while_it_drains() {
        let mut behind = Behind::default();
        assert!(!behind.beyond_hope(5_000, 1_000));
        assert!(behind.beyond_hope(5_001, 1_000));
        assert!(behind.beyond_hope(0, 1_000));
    }
}
