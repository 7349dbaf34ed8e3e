//! `synth`, `replay` and `run`: resolve, load, prepare the folder, run, judge, write, tell.

mod begun;
mod failures;
mod fleet;
mod inflow;
mod observers;
mod origin;
mod recording;
mod run_bundle;
mod truth;
mod watched;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::export::Exports;
use super::planned_load::{ends, forewarn, load, planned, schedule};
use super::{Done, Failure, dry_run, formats, interrupt, like, planned_gates, stored, summary};
use crate::bundle::Bundle;
use crate::clock::{self, Nanos};
use crate::figures;
use crate::output::headline::{self, Word};
use crate::output::{files, github};
use crate::report::RunReport;
use crate::scenario::plan::{Plan, Presentation};
use crate::scenario::source::SourceConfig;
use crate::scenario::{Environment, RunRequest, resolve, results};
use crate::settings::outcome::Output;
use crate::settings::run::RunOptions;
use crate::verdict::ExitCode;
pub(super) use begun::now;
use failures::discard;
pub(super) use failures::write_failed;
pub(super) use inflow::{Inflow, InflowRun};
pub(super) use observers::Observers;
pub(super) use recording::{KEEPS_ITS_RATE, Recording, taken};
pub(super) use run_bundle::RunBundle;
pub(super) use watched::{Watchable, exporter, linger};

pub(super) fn run(wanted: &RunRequest, mut options: RunOptions, environment: &Environment) -> Result<Done, Failure> {
    let named = options.events.like.clone().or_else(|| environment.get("LOADGEN_LIKE").map(PathBuf::from));
    let mut likeness = None;
    if let Some(path) = named.filter(|_| matches!(wanted, RunRequest::Synthetic)) {
        let seed = options.limits.setup.basics.seed.unwrap_or(1);
        let bad_rows = like::bad_rows(options.recording.bad_rows.take(), environment)?;
        let (events, found) = like::fitted(options.events, &path, bad_rows, seed)?;
        (options.events, likeness) = (events, Some(found));
    }
    let mut resolved = resolve(wanted, options, environment)?;
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    if resolved.dump {
        return Ok(Done::told(resolved.client.dump()));
    }
    let exports = Exports::of(&resolved.plan.presentation.exports)?;
    let source = load(&resolved.plan)?;
    let schedule = schedule(&resolved.plan, &source)?;
    if resolved.plan.presentation.dry_run {
        return dry_run::tell(&resolved.plan, &source, &schedule, likeness.as_ref());
    }
    formats::ready(&mut resolved.plan)?;
    let plan = &resolved.plan;
    for open in planned_gates::undecidable(plan, &schedule, &source) {
        tracing::warn!("{open}");
    }
    results::try_folder(&plan.presentation.results_dir)?;
    let exporter = exporter(&Watchable::of(plan))?;
    forewarn(&source, &schedule);

    let bundle =
        Bundle::create(&plan.presentation.results_dir, &started_at(), &plan.run.name, &resolved.scenario.kept()?)
            .map_err(|error| write_failed(&error))?;
    let interrupts = interrupt::listen()?;
    let ends = ends(&source, &schedule);
    let title = title(plan, planned(plan, &schedule, &source), ends);
    let exporter = exporter.as_ref();
    let kept = RunBundle::new(bundle);
    let recording = Recording {
        plan,
        source: &source,
        interrupts: &interrupts,
        exporter,
        kept,
        title,
        ends,
        screen: None,
        likeness,
        inflow: None,
    };
    let (report, folder) = recording.make(schedule, &mut |_| ControlFlow::Continue(()))?;
    linger(&plan.presentation, exporter, &interrupts);
    hand_over(&plan.presentation, &exports, &report, &folder)
}

/// What runs against what, for the live view.
pub(super) fn title(plan: &Plan, total: Option<u64>, ends: Option<Nanos>) -> String {
    let what = match &plan.source {
        SourceConfig::Synthetic(_) | SourceConfig::Own(_) | SourceConfig::Web(_) => plan.run.name.clone(),
        SourceConfig::Mirrored(config) => {
            let topics: Vec<&str> = config.topics.keys().map(String::as_str).collect();
            format!("{}  {}", plan.run.name, topics.join(", "))
        }
        SourceConfig::Recorded(config) => {
            format!("{}  {}", plan.run.name, config.title())
        }
        SourceConfig::RetailRocket(config) => {
            format!(
                "{}  {}",
                plan.run.name,
                config.path.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy())
            )
        }
    };
    let stand_in = if plan.nowhere { "nowhere" } else { "embedded broker, not Kafka" };
    let broker = plan.run.kafka.bootstrap.as_deref().unwrap_or(stand_in);
    let events = total.map_or(String::new(), |total| format!("    {}", figures::counted(total, "event")));
    let takes = ends.map_or(String::new(), |ends| format!(", {}", figures::span_s(ends.as_secs_f64())));
    format!("{what} → {} @ {broker}{events}{takes}", plan.run.kafka.topic)
}

pub(super) fn started_at() -> String {
    let now = jiff::Timestamp::from_nanosecond(i128::from(clock::wall_unix_ns())).unwrap_or_default();
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Tells a report that lies in `folder`, and writes the further forms of it that were asked for.
pub(super) fn hand_over(
    presentation: &Presentation,
    exports: &Exports,
    report: &RunReport,
    folder: &Path,
) -> Result<Done, Failure> {
    let done = tell(presentation, report, folder)?;
    let failures = exports.write(report, || stored::recording(folder));
    for failure in &failures {
        tracing::error!("{}", failure.message);
    }
    // A form that cannot be made of a run that was judged hides nothing of how it was judged.
    let code = |failure: &Failure| match failure.code {
        ExitCode::Unevaluated | ExitCode::RunInvalid => failure.code,
        _ => ExitCode::NotWritten,
    };
    Ok(failures.iter().fold(done, |done, failure| Done { code: done.code.outranking(code(failure)), ..done }))
}

fn tell(presentation: &Presentation, report: &RunReport, folder: &Path) -> Result<Done, Failure> {
    let code = ExitCode::from_code(report.verdict.code).unwrap_or(ExitCode::Unevaluated);
    let variable = |name: &str| std::env::var(name).ok();
    let output = match presentation.output {
        _ if presentation.quiet => String::new(),
        Output::Json => serde_json::to_string_pretty(report)
            .map_err(|error| Failure::new(code, format!("the report cannot be written as JSON: {error}")))?,
        Output::Text => {
            let there = folder.join(files::PAGE).exists();
            summary(report, there.then_some(folder)) + &github::annotations(report, variable)
        }
    };
    if presentation.quiet && code != ExitCode::Pass {
        tracing::error!("{} {}", Word::of(report).as_str(), headline::sentence(report));
    }
    if let Err(error) = github::summarise(report, variable) {
        tracing::warn!("the step's summary cannot be written: {error}");
    }
    Ok(Done::judged(output, code))
}
