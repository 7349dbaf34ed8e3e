//! `synth`, `replay` and `run`: resolve, load, prepare the folder, run, judge, write, tell.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

mod begun;
pub(super) mod files;
mod like;
mod origin;

use super::export::Exports;
use super::{Done, Failure, dataset, dry_run, interrupt, stored};
use crate::bundle::{self, Bundle};
use crate::cli::run::RunOptions;
use crate::clock::{self, Nanos};
use crate::event::stamp::RunId;
use crate::exporter::{Exporter, ExporterError, TopicConfig};
use crate::gate::Gates;
use crate::kafka::{self, KafkaError};
use crate::lane::{BodyTime, OnLag, Pacing};
use crate::progress::{NO_DUE_TIMES, Progress, Shown};
use crate::report::console::Style;
use crate::report::headline::{self, Word};
use crate::report::latency::Kind;
use crate::report::{self, GateResult, Likeness, RunReport, console};
use crate::run::wiring::Nowhere;
use crate::run::{self, Detail, Interrupts, Lanes, Outcome, RunError, Tick};
use crate::scenario::choice::Choice;
use crate::scenario::pace::Pace;
use crate::scenario::plan::{self, LiveView, Output, Plan, Presentation};
use crate::scenario::source::SourceConfig;
use crate::scenario::{ConfigError, Environment, Scenario, Wanted, resolve, results};
use crate::schedule::{Phase, Schedule, Shape, Speed};
use crate::source::Source;
use crate::source::retail_rocket;
use crate::source::synthetic::Synthetic;
use crate::verdict::{self, Conditions, ExitCode};

/// A replay longer than this is told how to be shorter.
const LONG: Duration = Duration::from_secs(3600);

pub(super) fn run(wanted: &Wanted, mut options: RunOptions, environment: &Environment) -> Result<Done, Failure> {
    let named = options.events.like.clone().or_else(|| environment.get("LOADGEN_LIKE").map(PathBuf::from));
    let mut likeness = None;
    if let Some(path) = named.filter(|_| matches!(wanted, Wanted::Synthetic)) {
        let (events, found) = like::fitted(options.events, &path, options.limits.setup.seed.unwrap_or(1))?;
        (options.events, likeness) = (events, Some(found));
    }
    let resolved = resolve(wanted, options, environment)?;
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    if resolved.dump {
        return Ok(Done::pass(resolved.client.dump()));
    }
    let plan = &resolved.plan;
    let exports = Exports::of(&plan.presentation.exports)?;
    let source = load(plan)?;
    let schedule = schedule(plan, &source)?;
    if plan.presentation.dry_run {
        return dry_run::tell(plan, &source, &schedule, likeness.as_ref());
    }
    results::try_folder(&plan.presentation.results_dir)?;
    let exporter = exporter(&Watched::of(plan))?;
    if let Source::RetailRocket(recording) = &source {
        forewarn(plan, recording, &schedule);
    }

    let bundle =
        Bundle::create(&plan.presentation.results_dir, &started_at(), &plan.name, &to_toml(&resolved.scenario)?)
            .map_err(|error| write_failed(&error))?;
    let interrupts = interrupt::listen()?;
    let ends = schedule.ends_at().or_else(|| replay_ends(&source, &schedule));
    let title = title(plan, planned(plan, &schedule, &source), ends);
    let exporter = exporter.as_ref();
    let recording =
        Recording { plan, source: &source, interrupts: &interrupts, exporter, bundle, title, ends, likeness };
    let (report, folder) = recording.make(schedule, &mut |_| ControlFlow::Continue(()))?;
    linger(&plan.presentation, exporter, &interrupts);
    let done = tell(&plan.presentation, &report, &folder)?;
    match exports.write(&report, || stored::recording(&folder)) {
        Ok(()) => Ok(done),
        Err(failure) => {
            tracing::error!("{}", failure.message);
            Ok(Done { code: done.code.outranking(failure.code), ..done })
        }
    }
}

/// A run that is recorded: watched, judged, and written into its bundle.
pub(super) struct Recording<'a> {
    pub(super) plan: &'a Plan,
    pub(super) source: &'a Source,
    pub(super) interrupts: &'a Arc<Interrupts>,
    /// What others can watch it by.
    pub(super) exporter: Option<&'a Exporter>,
    pub(super) bundle: Bundle,
    /// What the live view calls it.
    pub(super) title: String,
    /// When its schedule ends, where known.
    pub(super) ends: Option<Nanos>,
    /// How like a recording its events are, where they were fitted to one.
    pub(super) likeness: Option<Likeness>,
}

impl Recording<'_> {
    /// Makes it. `watch` sees each second and may end it with a reason.
    pub(super) fn make(
        mut self,
        schedule: Schedule,
        watch: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) -> Result<(RunReport, PathBuf), Failure> {
        let plan = self.plan;
        let verifying = plan.verify.is_some();
        let shown = plan.presentation.view != LiveView::Nothing && !plan.presentation.quiet;
        let total = planned(plan, &schedule, self.source);
        let mut progress = self.progress(&schedule, total, shown);
        let mut aborted_by: Option<GateResult> = None;
        let mut config = config(plan, plan.together.run_id.unwrap_or_else(|| RunId(rand::random())));
        // Nobody else can read the embedded broker.
        let for_others = !verifying && plan.kafka.bootstrap.is_some();
        config.answers = for_others.then(|| self.bundle.folder().join(bundle::ANSWERS));
        let begun = begun::begun(&config, self.source, &schedule, &plan.gates);
        self.bundle.begun(&begun).map_err(|error| write_failed(&error))?;
        let kinds = files::kinds(schedule.has_due_times(), verifying, plan.transactions.is_some());
        if let Some(exporter) = self.exporter {
            exporter.begin(&plan.name, &plan.kafka.topic, &kinds);
        }
        let outcome = {
            let mut each_second = |tick: &Tick<'_>| {
                progress.show(tick, || plan.gates.so_far(&tick.interim()));
                if let Some(exporter) = self.exporter {
                    exporter.tick(tick, plan.gates.so_far(&tick.interim()));
                }
                let written = self.bundle.row(tick.row);
                let written = written.and_then(|()| self.bundle.latencies(&tick.interval.whole(), &kinds, tick.now));
                if let Err(error) = written {
                    return ControlFlow::Break(format!("its results cannot be written: {error}"));
                }
                if let Some(broken) = plan.gates.abort(&tick.interim(), tick.now.into()) {
                    let reason = format!("gate {} ended the run", broken.rule);
                    aborted_by = Some(broken);
                    return ControlFlow::Break(reason);
                }
                watch(tick)
            };
            if plan.kafka.nowhere {
                run::run_through(&Nowhere, &config, self.source, schedule, self.interrupts, &mut each_second)
            } else {
                run::run(&config, self.source, schedule, self.interrupts, &mut each_second)
            }
        };
        progress.end();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                discard(self.bundle);
                return Err(begin_failed(error, plan));
            }
        };
        let measured = outcome.measured.whole();
        self.bundle.last_latencies(&outcome.measured, &kinds).map_err(|error| write_failed(&error))?;
        files::write_unverified(&self.bundle, &outcome.unverified).map_err(|error| write_failed(&error))?;
        let report = judge(plan, self.source, outcome, &plan.gates, aborted_by, self.likeness);
        let distribution = |kind: Kind| Ok(kinds.contains(&kind).then(|| measured.latency(kind).histogram().clone()));
        files::distributions(&self.bundle, distribution).map_err(|error| write_failed(&error))?;
        files::write(&self.bundle, &report).map_err(|error| write_failed(&error))?;
        if let Some(exporter) = self.exporter {
            exporter.end(&report);
        }
        let folder = self.bundle.finish().map_err(|error| write_failed(&error))?;
        Ok((report, folder))
    }

    /// What a person watches it by: where the whole terminal cannot be had, the plain view.
    fn progress(&self, schedule: &Schedule, total: Option<u64>, shown: bool) -> Progress {
        let (plan, verifying) = (self.plan, self.plan.verify.is_some());
        if shown && plan.presentation.view == LiveView::Screen {
            let fixed = if !schedule.has_due_times() {
                Some(NO_DUE_TIMES)
            } else if plan.together.shard.of > 1 {
                Some("this is one part of a run, and the others keep to the plan")
            } else {
                None
            };
            let ends_s = self.ends.map(Nanos::as_secs_f64);
            let view = Shown { title: &self.title, total, ends_s, verifying, fixed };
            match Progress::screen(&view, Arc::clone(self.interrupts)) {
                Ok(progress) => return progress,
                Err(error) => tracing::warn!("--tui needs a terminal: {error}; plain lines instead"),
            }
        }
        Progress::new(&self.title, total, self.ends, verifying, shown)
    }
}

/// What may be watched by others, and what its topics are.
pub(super) struct Watched<'a> {
    pub(super) presentation: &'a Presentation,
    pub(super) bootstrap: Option<&'a str>,
    pub(super) client: &'a BTreeMap<String, String>,
    pub(super) timeout: Duration,
    /// The topics of the events.
    pub(super) topics: Vec<&'a str>,
}

impl<'a> Watched<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let kafka = &plan.kafka;
        Self {
            presentation: &plan.presentation,
            bootstrap: kafka.bootstrap.as_deref(),
            client: &kafka.client,
            timeout: kafka.connect_timeout,
            topics: kafka.topic_map.values().chain([&kafka.topic]).map(String::as_str).collect(),
        }
    }
}

/// Serves and publishes metrics where that is asked for. An address or a topic that cannot be had ends the command before
/// anything is sent or read.
pub(super) fn exporter(watched: &Watched<'_>) -> Result<Option<Exporter>, Failure> {
    let shown = watched.presentation;
    let topic = shown.metrics_topic.as_ref().map(|topic| metrics_topic(watched, topic)).transpose()?;
    if shown.metrics_addr.is_none() && topic.is_none() {
        return Ok(None);
    }
    let exporter = Exporter::start(shown.metrics_addr.as_deref(), topic.as_ref()).map_err(|error| match &error {
        ExporterError::Address { .. } | ExporterError::Listen { .. } => {
            Failure::new(ExitCode::BadConfiguration, error.to_string())
                .hint("--metrics-addr 127.0.0.1:0 takes a port that is free")
        }
        ExporterError::Topic(KafkaError::TopicMissing { .. }) => Failure::new(ExitCode::Cluster, error.to_string())
            .hint("loadgen topics apply topics.toml --yes makes the topics of a file"),
        ExporterError::Topic(_) => Failure::new(ExitCode::Cluster, error.to_string()),
    })?;
    if let Some(address) = exporter.address() {
        tracing::info!("metrics at http://{address}/metrics");
    }
    Ok(Some(exporter))
}

fn metrics_topic(watched: &Watched<'_>, topic: &str) -> Result<TopicConfig, Failure> {
    let bad = |reason: String| Failure::new(ExitCode::BadConfiguration, reason);
    let Some(bootstrap) = watched.bootstrap else {
        let reason = "--metrics-topic needs a cluster: the embedded broker goes when the run ends".to_owned();
        return Err(bad(reason).hint("--metrics-addr serves the same figures without a broker"));
    };
    if watched.topics.contains(&topic) {
        let reason = format!("--metrics-topic {topic} is a topic of the events: its records would be foreign there");
        return Err(bad(reason).hint("for example --metrics-topic metrics"));
    }
    Ok(TopicConfig {
        topic: topic.to_owned(),
        bootstrap: bootstrap.to_owned(),
        client: watched.client.clone(),
        timeout: watched.timeout,
    })
}

/// Gives the last metrics the time to be read that was asked for.
pub(super) fn linger(presentation: &Presentation, exporter: Option<&Exporter>, interrupts: &Interrupts) {
    let longest = presentation.metrics_linger;
    if let Some(exporter) = exporter.filter(|_| !longest.is_zero()) {
        tracing::info!("waiting up to {longest:?} for the last metrics to be read");
        exporter.linger(longest, interrupts);
    }
}

/// Events that will come due in this process, where known.
fn planned(plan: &Plan, schedule: &Schedule, source: &Source) -> Option<u64> {
    schedule.count().into_iter().chain(source.len()).min().map(|all| lanes(plan).share(all))
}

pub(super) fn load(plan: &Plan) -> Result<Source, Failure> {
    match &plan.source {
        SourceConfig::Synthetic(config) => {
            let source = Synthetic::new(config, plan.seed)
                .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))?;
            Ok(Source::Synthetic(Arc::new(source)))
        }
        SourceConfig::RetailRocket(config) => Ok(Source::RetailRocket(Arc::new(
            retail_rocket::Recording::load(config).map_err(|error| dataset::load_failed(&error))?,
        ))),
    }
}

pub(super) fn schedule(plan: &Plan, source: &Source) -> Result<Schedule, Failure> {
    let duration = plan.duration.map(Nanos::from);
    let one = |name: &str, shape| vec![Phase::new(name, shape, duration)];
    let phases = match &plan.pace {
        Pace::Phases(phases) => phases.clone(),
        Pace::Speed(speed) => one("replay", Shape::Replay(*speed)),
        Pace::Rate(rate) => one("replay", Shape::Constant(*rate)),
        Pace::Unlimited => one("replay", Shape::Unlimited),
        Pace::Fit(wall) => {
            let recorded = match source {
                Source::RetailRocket(recording) => recording.span(),
                Source::Synthetic(_) => Nanos::ZERO,
            };
            let speed = Speed::to_fit(recorded, Nanos::from(*wall)).ok_or_else(|| {
                Failure::new(ExitCode::BadInput, "a recording of a single instant cannot be made to last longer")
                    .hint("use --rate N instead of --fit")
            })?;
            one("replay", Shape::Replay(speed))
        }
    };
    Schedule::seeded(phases, plan.limit, plan.seed)
        .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))
}

/// Part i of n has the i-th block of lanes.
const fn lanes(plan: &Plan) -> Lanes {
    let (own, shard) = (plan.lanes, plan.together.shard);
    Lanes { first: own * (shard.number - 1), count: own, all: own * shard.of }
}

fn config(plan: &Plan, id: RunId) -> run::Config {
    let kafka = &plan.kafka;
    run::Config {
        name: plan.name.clone(),
        id,
        seed: plan.seed,
        lanes: lanes(plan),
        start_at_unix_ns: plan.together.start_at.map(|at| u64::try_from(at.as_nanosecond()).unwrap_or_default()),
        pacing: match plan.pacing {
            plan::Pacing::Sleep => Pacing::Sleep,
            plan::Pacing::Spin => Pacing::Spin,
        },
        body_time: match plan.event_time {
            plan::EventTime::Recorded => BodyTime::Recorded,
            plan::EventTime::Shifted => BodyTime::Shifted,
            plan::EventTime::Now => BodyTime::Due,
        },
        on_lag: match plan.on_lag {
            plan::OnLag::Queue => OnLag::Queue,
            plan::OnLag::Drop => OnLag::Drop(plan.max_slip.into()),
            plan::OnLag::Abort => OnLag::Abort(plan.max_slip.into()),
        },
        max_rate: plan.max_rate,
        bootstrap: kafka.bootstrap.clone(),
        topic: kafka.topic.clone(),
        topic_map: kafka.topic_map.clone(),
        partitions: kafka.partitions,
        replication_factor: kafka.replication_factor,
        create_topic: kafka.create_topics,
        client: kafka.client.clone(),
        connect_timeout: kafka.connect_timeout,
        lag_group: kafka.lag_group.clone(),
        verify: plan.verify.as_ref().map(|verify| run::Verify {
            read_committed: verify.isolation == plan::Isolation::ReadCommitted,
            drain_deadline: verify.drain_deadline,
            group: verify.group.as_ref().map(|group| run::Group {
                name: group.name.clone(),
                consumers: group.consumers,
                protocol: group.protocol.as_str().to_owned(),
                assignor: group.assignor.clone(),
                commit_every: group.commit_interval,
                commits_itself: group.commit == plan::Commit::Manual,
                disturb_every: group.chaos_rebalance,
            }),
        }),
        transactions: plan.transactions.map(|plan| run::Transactions { size: plan.size, abort_share: plan.abort_rate }),
        padding: plan.padding,
        flush_deadline: plan.flush_deadline,
        answers: None,
        detail: Detail { fine_s: plan.presentation.timeline_detail.as_secs_f64(), ..Detail::default() },
        faults: plan.faults.clone(),
        stall_threshold: plan.stall_threshold,
    }
}

/// Says on stderr how long a replay will take, and how to make a long one shorter.
fn forewarn(plan: &Plan, recording: &retail_rocket::Recording, schedule: &Schedule) {
    let Some(wall) = replay_wall(recording, schedule) else { return };
    let wall = plan.duration.map_or(wall, |duration| wall.min(duration));
    tracing::info!("the replay takes {}", report::figures::span_s(wall.as_secs_f64()));
    if wall > LONG {
        tracing::warn!(
            "the replay takes {}: --fit 10m makes it last 10 minutes, --max-gap 1s shortens idle gaps",
            report::figures::span_s(wall.as_secs_f64())
        );
    }
}

fn replay_wall(recording: &retail_rocket::Recording, schedule: &Schedule) -> Option<Duration> {
    let phase = schedule.phases().next()?;
    match &phase.shape {
        Shape::Replay(speed) => Some(speed.compress(recording.span()).into()),
        Shape::Constant(rate) => Some(rate.due(recording.len()).into()),
        _ => None,
    }
}

fn replay_ends(source: &Source, schedule: &Schedule) -> Option<Nanos> {
    match source {
        Source::RetailRocket(recording) => replay_wall(recording, schedule).map(Nanos::from),
        Source::Synthetic(_) => None,
    }
}

fn title(plan: &Plan, total: Option<u64>, ends: Option<Nanos>) -> String {
    let what = match &plan.source {
        SourceConfig::Synthetic(_) => plan.name.clone(),
        SourceConfig::RetailRocket(config) => {
            format!(
                "{}  {}",
                plan.name,
                config.path.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy())
            )
        }
    };
    let stand_in = if plan.kafka.nowhere { "nowhere" } else { "embedded broker, not Kafka" };
    let broker = plan.kafka.bootstrap.as_deref().unwrap_or(stand_in);
    let events = total.map_or(String::new(), |total| format!("    {}", report::figures::counted(total, "event")));
    let takes = ends.map_or(String::new(), |ends| format!(", {}", report::figures::span_s(ends.as_secs_f64())));
    format!("{what} → {} @ {broker}{events}{takes}", plan.kafka.topic)
}

pub(super) fn started_at() -> String {
    let now = jiff::Timestamp::from_nanosecond(i128::from(clock::wall_unix_ns())).unwrap_or_default();
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

pub(super) fn to_toml(scenario: &Scenario) -> Result<String, Failure> {
    scenario.to_toml().map_err(|error| {
        Failure::new(ExitCode::BadConfiguration, format!("the scenario cannot be written down: {error}"))
    })
}

fn judge(
    plan: &Plan,
    source: &Source,
    outcome: Outcome,
    gates: &Gates,
    aborted_by: Option<GateResult>,
    likeness: Option<Likeness>,
) -> RunReport {
    let Outcome { mut report, cluster_error, interrupted, ended_by, fidelity, .. } = outcome;
    origin::describe(&mut report, plan, source, fidelity, likeness);
    if let Some(ended_by) = ended_by.filter(|_| aborted_by.is_none()) {
        report.run.deadlines_reached.push(ended_by);
    }
    report.gates = gates.evaluate(&report);
    let conditions = Conditions { interrupted, cluster_error, aborted_by, ..Conditions::default() };
    report.verdict = verdict::judge(&report, gates, &conditions);
    report
}

pub(super) fn tell(presentation: &Presentation, report: &RunReport, folder: &std::path::Path) -> Result<Done, Failure> {
    let code = ExitCode::from_code(report.verdict.code).unwrap_or(ExitCode::Unevaluated);
    let output = match presentation.output {
        _ if presentation.quiet => String::new(),
        Output::Json => serde_json::to_string_pretty(report)
            .map_err(|error| Failure::new(code, format!("the report cannot be written as JSON: {error}")))?,
        Output::Text => {
            let variable = |name: &str| std::env::var(name).ok();
            let style = Style::choose(std::io::stdout().is_terminal(), variable).with_bundle(folder);
            console::render(report, style) + &files::annotations(report, variable)
        }
    };
    if presentation.quiet && code != ExitCode::Pass {
        tracing::error!("{} {}", Word::of(report).as_str(), headline::sentence(report));
    }
    if let Err(error) = files::summarise(report, |name| std::env::var(name).ok()) {
        tracing::warn!("the step's summary cannot be written: {error}");
    }
    Ok(Done { output, code })
}

/// A run that did not begin leaves no folder.
pub(super) fn discard(bundle: Bundle) {
    let folder = bundle.folder().to_owned();
    drop(bundle);
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        tracing::warn!("{} cannot be removed: {error}", folder.display());
    }
}

pub(super) fn write_failed(error: &bundle::BundleError) -> Failure {
    Failure::new(ExitCode::BadConfiguration, error.to_string()).hint("--results-dir DIR names another folder")
}

fn begin_failed(error: RunError, plan: &Plan) -> Failure {
    let topic = &plan.kafka.topic;
    match error {
        RunError::Kafka(error) => match &error {
            KafkaError::Setting { key, reason } => {
                let value = plan.kafka.redacted_client().remove(key).unwrap_or_default();
                ConfigError::RefusedByClient { key: key.clone(), value, reason: reason.clone() }.into()
            }
            KafkaError::Create(_) | KafkaError::Nul(_) => Failure::new(ExitCode::BadConfiguration, error.to_string()),
            KafkaError::TopicMissing { .. } => Failure::new(ExitCode::Cluster, error.to_string()).hint(format!(
                "--create-topics makes it with {}, or: loadgen topics apply topics.toml --yes",
                report::figures::counted(plan.kafka.partitions.unsigned_abs().into(), "partition")
            )),
            KafkaError::Unreachable { .. } => Failure::new(ExitCode::Cluster, error.to_string())
                .hint("is the broker running, and is --bootstrap-server its address?"),
            KafkaError::Refused { code, .. } if kafka::lacks_right(*code) => {
                Failure::new(ExitCode::Cluster, error.to_string()).hint(rights(topic))
            }
            KafkaError::GroupIncomplete { group, .. } => {
                Failure::new(ExitCode::Cluster, error.to_string()).hint(format!(
                    "stop the other readers of \"{group}\", or give --group a name of its own; kafka-consumer-groups --describe \
                     --group {group} --members tells who has what"
                ))
            }
            KafkaError::Refused { .. } | KafkaError::PartitionUnavailable { .. } => {
                Failure::new(ExitCode::Cluster, error.to_string())
                    .hint(format!("loadgen topics describe shows the state of \"{topic}\""))
            }
        },
        RunError::TooLateToStart(_) => Failure::new(ExitCode::BadConfiguration, error.to_string())
            .hint("give --start-at some seconds more: connecting takes its time"),
        RunError::Source(_) | RunError::TooFewLanes { .. } => {
            Failure::new(ExitCode::BadConfiguration, error.to_string())
        }
        RunError::Interrupted => Failure::new(ExitCode::Interrupted, error.to_string()),
        RunError::Answers { .. } | RunError::TopicChanged { .. } => Failure::new(ExitCode::BadConfiguration, error.to_string()),
        RunError::Thread(_) => Failure::new(ExitCode::RunInvalid, error.to_string()),
    }
}

fn rights(topic: &str) -> String {
    format!("the client's principal needs the rights Describe, Write and Read on topic \"{topic}\" (kafka-acls --add)")
}
