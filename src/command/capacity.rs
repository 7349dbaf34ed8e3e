//! `capacity`: probes at one rate after the other, until the highest one that keeps the rules lies in a narrow interval.

mod fleet;
mod probe;

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::planned_load::load;
use super::run::{KEEPS_ITS_RATE, Watchable, exporter, linger, now, started_at, taken, write_failed};
use super::{Done, Failure, formats, interrupt};
use crate::bundle::{self, Bundle};
use crate::capacity::record::{Record, SCHEMA_VERSION};
use crate::capacity::{self, Answer, SearchConfig, SearchError};
use crate::cli::capacity::{CapacityArgs, SearchFleetOptions, SearchOptions, Varied, Vary};
use crate::measure::cgroup::Quota;
use crate::output::capacity::{page, text};
use crate::output::html::HtmlError;
use crate::progress::{self, Screen, Shown, terminal};
use crate::run::Interrupts;
use crate::scenario::plan::{LiveView, Plan, Presentation, Sharding};
use crate::scenario::source::SourceConfig;
use crate::scenario::{Environment, Resolved, RunRequest, Scenario, resolve, results};
use crate::schedule::Rate;
use crate::settings::choice::Choice;
use crate::settings::outcome::Output;
use crate::verdict::ExitCode;
use fleet::{FleetProber, Meeting};
use probe::Prober;

/// The record, from which a search can go on.
const RECORD: &str = "capacity.json";
/// The page.
const PAGE: &str = "capacity.html";

/// What is searched, and how long each probe lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Settings {
    search: SearchConfig,
    settle: Duration,
    probe: Duration,
}

pub(super) fn capacity(args: CapacityArgs, environment: &Environment) -> Result<Done, Failure> {
    let (resume, vary) = (args.resume.clone(), args.vary.clone());
    let asked = environment.complete(args.search.clone())?;
    let scenario = args.scenario.clone();
    let (wanted, known) = match &resume {
        Some(folder) => (RunRequest::Search(folder.join(bundle::SCENARIO)), Some(read(folder)?)),
        None => (scenario.map_or(RunRequest::Synthetic, RunRequest::Search), None),
    };
    let mut options = args.options();
    if wanted == RunRequest::Synthetic {
        options.limits.setup.basics.name.get_or_insert_with(|| "capacity".to_owned());
    }
    let mut resolved = resolve(&wanted, options, environment)?;
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    if resolved.dump {
        return Ok(Done::told(resolved.client.dump()));
    }
    if let Some(shard) = asked.fleet.shard {
        if asked.with_rates() {
            return Err(Failure::new(
                ExitCode::BadConfiguration,
                "a shard on call makes the probes that it is asked to make",
            )
            .hint("give --start, --max, --precision, --probe, --settle and --max-time to the search"));
        }
        formats::ready(&mut resolved.plan)?;
        return fleet::on_call(&resolved, &asked.fleet, shard);
    }
    let settings = Settings::of(&asked, known.as_ref())?;
    let vary = match &known {
        Some(known) => going_on_with(vary.as_ref(), known)?,
        None => vary,
    };
    formats::ready(&mut resolved.plan)?;
    let found = search(&resolved, settings, vary.as_ref(), resume.as_deref().zip(known), &asked.fleet)?;
    tell(&resolved.plan, &found)
}

/// What was found, and where it is kept.
struct SearchResult {
    record: Record,
    folder: PathBuf,
    /// What ended the search before its end.
    failure: Option<Failure>,
    /// Why the record is not in its folder.
    unwritten: Option<bundle::BundleError>,
}

fn search(
    resolved: &Resolved,
    settings: Settings,
    vary: Option<&Vary>,
    earlier: Option<(&Path, Record)>,
    fleet: &SearchFleetOptions,
) -> Result<SearchResult, Failure> {
    let plan = &resolved.plan;
    capacity::Search::new(settings.search).map_err(unsearchable)?;
    if let SourceConfig::RetailRocket(_) | SourceConfig::Recorded(_) = plan.source {
        return Err(Failure::new(
            ExitCode::BadConfiguration,
            "a recording ends, so it cannot be offered at any rate for long",
        )
        .hint("capacity takes scenarios with synthetic events"));
    }
    let source = load(plan)?;
    results::try_folder(&plan.presentation.results_dir)?;
    let exporter = exporter(&Watchable::of(plan))?;
    let interrupts = interrupt::listen()?;
    let (folder, mut record) = match earlier {
        Some((folder, record)) => (folder.to_owned(), record),
        None => (begin(resolved)?, new_record(plan, settings, vary)),
    };
    let screen = screen(plan, &interrupts);
    let mut presentation = plan.presentation.clone();
    if screen.is_none() && presentation.view == LiveView::Screen {
        presentation.view = LiveView::Line;
    }
    let mut shards = match fleet.shards {
        Some(of) => {
            let made = record.searches.first().map_or(0, |searched| searched.found.probes.len());
            let probes = (folder.join(probe::FOLDER), made);
            Some(FleetProber::begin(Meeting::of(fleet, plan)?, of, plan, settings, &interrupts, probes)?)
        }
        None => None,
    };
    let numbers: Vec<Option<u16>> =
        vary.map_or_else(|| vec![None], |vary| vary.numbers.iter().copied().map(Some).collect());
    let mut failure = None;
    let mut unwritten = None;
    for number in numbers {
        let scenario = varied(&resolved.scenario, vary, number);
        let known = record.searches.iter().find(|searched| searched.number == number);
        let known = known.map_or_else(Vec::new, |searched| searched.found.probes.clone());
        let mut prober = Prober {
            scenario,
            plan,
            presentation: &presentation,
            screen: screen.clone(),
            source: &source,
            interrupts: &interrupts,
            exporter: exporter.as_ref(),
            folder: folder.join(probe::FOLDER),
            settings,
            number,
            made: known.len(),
            sharding: Sharding::ALONE,
        };
        let left = Cell::new(None);
        let found = capacity::search(
            settings.search,
            known,
            |rate| match shards
                .as_mut()
                .map_or_else(|| prober.probe(rate, left.get()), |shards| shards.probe(rate, left.get()))
            {
                Ok(outcome) => outcome,
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            },
            |search| {
                record.keep(number, search.report());
                left.set(search.left());
                tell_probe(search, &presentation);
                let lost = keep(&folder, &record).err();
                if let Some(error) = lost.as_ref().filter(|_| unwritten.is_none()) {
                    tracing::warn!("{error}: the search goes on, and what cannot be written is lost");
                }
                unwritten = lost;
            },
        )
        .map_err(unsearchable)?;
        record.keep(number, found);
        unwritten = keep(&folder, &record).err();
        if failure.is_some() || interrupts.count() > 0 {
            break;
        }
    }
    drop(screen);
    if let Some(shards) = shards {
        shards.end();
    }
    linger(&plan.presentation, exporter.as_ref(), &interrupts);
    match failure {
        // What was found before stays in the folder; the search can go on from there.
        Some(failure) if record.searches.iter().all(|searched| searched.found.probes.is_empty()) => {
            if let Err(error) = fs::remove_dir_all(&folder) {
                tracing::warn!("{} cannot be removed: {error}", folder.display());
            }
            Err(failure)
        }
        failure => Ok(SearchResult { record, folder, failure, unwritten }),
    }
}

/// The whole terminal for all probes, where that is asked for and can be had.
fn screen(plan: &Plan, interrupts: &Arc<Interrupts>) -> Option<Screen> {
    let shown = plan.presentation.view == LiveView::Screen && !plan.presentation.quiet;
    let view = Shown {
        title: "the first probe is made ready",
        total: None,
        ends_s: None,
        verifying: plan.run.verify.is_some(),
        reading: false,
        fixed: Some(KEEPS_ITS_RATE),
    };
    shown.then(|| taken(&view, interrupts)).flatten()
}

impl Settings {
    /// Those of a probe that somebody else asks for: what is searched is not known here.
    const fn of_probe(settle_ms: u64, probe_ms: u64) -> Self {
        let search = SearchConfig { start: 1, max: None, precision: 0.05, max_time_s: f64::INFINITY };
        Self { search, settle: Duration::from_millis(settle_ms), probe: Duration::from_millis(probe_ms) }
    }

    /// As asked for, else as recorded, else the defaults. What decides which probes are made cannot change in between.
    fn of(asked: &SearchOptions, known: Option<&Record>) -> Result<Self, Failure> {
        let SearchOptions { start, max, precision, probe, settle, max_time, .. } = asked;
        let max_time_s = max_time.map(|time| time.as_secs_f64());
        let Some(known) = known else {
            return Ok(Self {
                search: SearchConfig {
                    start: start.map_or(Ok(1_000), whole)?,
                    max: max.map(whole).transpose()?,
                    precision: precision.unwrap_or(0.05),
                    max_time_s: max_time_s.unwrap_or(1_800.0),
                },
                settle: settle.unwrap_or(Duration::from_secs(5)),
                probe: probe.unwrap_or(Duration::from_secs(30)),
            });
        };
        if start.is_some() || max.is_some() || precision.is_some() || probe.is_some() || settle.is_some() {
            return Err(Failure::new(ExitCode::Usage, "a search that goes on keeps the settings it began with")
                .hint("with --resume only --max-time can change"));
        }
        let recorded = known.searches.first().map(|searched| searched.found.config);
        let recorded = recorded.ok_or_else(|| {
            Failure::new(ExitCode::BadInput, "the record holds no search, so there is nothing to go on with")
        })?;
        let span = |seconds: f64| {
            Duration::try_from_secs_f64(seconds)
                .map_err(|error| Failure::new(ExitCode::BadInput, format!("{RECORD}: {error}")))
        };
        Ok(Self {
            search: SearchConfig { max_time_s: max_time_s.unwrap_or(recorded.max_time_s), ..recorded },
            settle: span(known.settle_s)?,
            probe: span(known.probe_s)?,
        })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is positive and below 10^9/s")]
fn whole(rate: Rate) -> Result<u64, Failure> {
    let per_second = rate.as_f64();
    if per_second < 1.0 {
        return Err(Failure::new(ExitCode::BadConfiguration, "a search needs rates of at least 1/s"));
    }
    Ok(per_second.round() as u64)
}

fn unsearchable(error: SearchError) -> Failure {
    let code =
        if matches!(error, SearchError::Foreign { .. }) { ExitCode::BadInput } else { ExitCode::BadConfiguration };
    Failure::new(code, error.to_string())
}

/// The scenario with so many lanes, or with a topic of so many partitions.
fn varied(scenario: &Scenario, vary: Option<&Vary>, number: Option<u16>) -> Scenario {
    let mut scenario = scenario.clone();
    match (vary.map(|vary| vary.what), number) {
        (Some(Varied::Lanes), Some(lanes)) => scenario.settings.limits.setup.basics.lanes = Some(lanes),
        (Some(Varied::Partitions), Some(partitions)) => {
            let topic = &mut scenario.settings.target.topic;
            topic.partitions = Some(partitions.into());
            topic.topic = topic.topic.take().map(|topic| format!("{topic}-p{partitions}"));
        }
        _ => {}
    }
    scenario
}

/// What an earlier search varied. Asking for anything else is refused: its probes would not answer that.
fn going_on_with(asked: Option<&Vary>, known: &Record) -> Result<Option<Vary>, Failure> {
    let before = match known.varied.as_deref().map(Varied::from_word) {
        None => None,
        Some(Ok(_)) if known.numbers.is_empty() => {
            return Err(Failure::new(
                ExitCode::BadInput,
                format!("{RECORD} does not say which numbers were to be searched"),
            )
            .hint("begin a new search"));
        }
        Some(Ok(what)) => Some(Vary { what, numbers: known.numbers.clone() }),
        Some(Err(reason)) => return Err(Failure::new(ExitCode::BadInput, format!("{RECORD}: varied: {reason}"))),
    };
    if asked.is_none() || asked == before.as_ref() {
        return Ok(before);
    }
    let before = before.map_or_else(|| "varied nothing".to_owned(), |before| format!("was begun with --vary {before}"));
    Err(Failure::new(ExitCode::BadConfiguration, format!("this search {before}, and goes on so"))
        .hint("leave --vary out with --resume, or begin a new search"))
}

/// A folder for all probes, with what repeats the search.
fn begin(resolved: &Resolved) -> Result<PathBuf, Failure> {
    let plan = &resolved.plan;
    let name = if plan.run.name == "capacity" { plan.run.name.clone() } else { format!("{}-capacity", plan.run.name) };
    let scenario = resolved.scenario.kept()?;
    let folder = bundle::new_folder(&plan.presentation.results_dir, &format!("{}-{name}", started_at()))
        .map_err(|error| write_failed(&error))?;
    bundle::write_whole(&folder.join(bundle::SCENARIO), scenario.as_bytes()).map_err(|error| write_failed(&error))?;
    Ok(folder)
}

fn new_record(plan: &Plan, settings: Settings, vary: Option<&Vary>) -> Record {
    let stand_in = if plan.nowhere { "nowhere" } else { "embedded broker" };
    let broker = plan.run.kafka.bootstrap.as_deref().unwrap_or(stand_in);
    Record {
        schema_version: SCHEMA_VERSION,
        started_at: now(),
        target: format!("{} @ {broker}", plan.run.kafka.topic),
        embedded: plan.run.kafka.bootstrap.is_none(),
        cpu_quota: Quota::of_this_process().map(|quota| quota.processors),
        gates: plan.gates.gates.iter().map(|gate| gate.rule.to_string()).collect(),
        settle_s: settings.settle.as_secs_f64(),
        probe_s: settings.probe.as_secs_f64(),
        varied: vary.map(|vary| vary.what.as_str().to_owned()),
        numbers: vary.map_or_else(Vec::new, |vary| vary.numbers.clone()),
        searches: Vec::new(),
        scaling: None,
    }
}

fn read(folder: &Path) -> Result<Record, Failure> {
    let path = folder.join(RECORD);
    let bad = |reason: String| {
        Failure::new(ExitCode::BadInput, format!("{}: {reason}", path.display()))
            .hint("--resume takes the folder of an earlier capacity search")
    };
    let text = bundle::read_file(&path).map_err(|error| bad(error.source.to_string()))?;
    let record: Record = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    if record.schema_version > SCHEMA_VERSION {
        return Err(bad(format!("it is of version {}, this loadgen knows {SCHEMA_VERSION}", record.schema_version)));
    }
    Ok(record)
}

/// Tells how the last probe ended, beside whatever view there is.
fn tell_probe(search: &capacity::Search, presentation: &Presentation) {
    let shown = !presentation.quiet && presentation.view != LiveView::Nothing;
    if let Some(last) = search.probes().last().filter(|_| shown) {
        // In the view the time stands before it.
        let before = if presentation.view == LiveView::Screen { 12 } else { 0 };
        let columns = terminal::columns(&std::io::stderr()) - before;
        progress::say(&text::ended(search.probes().len(), last, columns));
    }
}

/// Writes what is known, each file whole.
fn keep(folder: &Path, record: &Record) -> Result<(), bundle::BundleError> {
    let failed = |source: std::io::Error| bundle::BundleError { path: folder.join(RECORD), source };
    let json = serde_json::to_vec_pretty(record).map_err(|error| failed(error.into()))?;
    bundle::write_whole(&folder.join(RECORD), &json)?;
    let page = page::render(record, &|number, made, rate| probe::kept_in(folder, number, made, rate));
    let page = page.map_err(|error: HtmlError| failed(std::io::Error::other(error)))?;
    bundle::write_whole(&folder.join(PAGE), page.as_bytes())
}

fn tell(plan: &Plan, found: &SearchResult) -> Result<Done, Failure> {
    let SearchResult { record, folder, failure, unwritten } = found;
    let mut code = match record.answer() {
        Answer::SystemLimit | Answer::AboveMax => ExitCode::Pass,
        Answer::GeneratorLimit | Answer::Unsteady => ExitCode::RunInvalid,
        Answer::FailsAtLowest => ExitCode::GateFailed,
        Answer::Unevaluated | Answer::OutOfTime => ExitCode::Unevaluated,
        Answer::Interrupted => ExitCode::Interrupted,
    };
    if let Some(Failure { code: of_failure, message, .. }) = failure {
        tracing::error!("{message} (loadgen capacity --resume {} goes on from the last probe)", folder.display());
        code = code.outranking(*of_failure);
    }
    if let Some(error) = unwritten {
        tracing::error!("the record could not be written: {error}");
        code = code.outranking(ExitCode::NotWritten);
    }
    let mut output = Vec::new();
    let failed = |error: std::io::Error| Failure::new(code, format!("the result cannot be written: {error}"));
    match plan.presentation.output {
        _ if plan.presentation.quiet => {}
        Output::Json => serde_json::to_writer_pretty(&mut output, record).map_err(|error| failed(error.into()))?,
        Output::Text => {
            writeln!(output, "{}", text::render(record, terminal::columns(&std::io::stdout()))).map_err(failed)?;
            if unwritten.is_none() {
                writeln!(output, " {}", folder.join(PAGE).display()).map_err(failed)?;
            }
        }
    }
    if plan.presentation.quiet && code != ExitCode::Pass {
        for searched in &record.searches {
            tracing::error!("{}", text::headline(record, searched));
        }
    }
    Ok(Done::judged(String::from_utf8_lossy(&output).into_owned(), code))
}
