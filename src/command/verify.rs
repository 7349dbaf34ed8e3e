//! `verify`: resolve, prepare the folder, read, judge, write, tell.

mod producer;
mod recording;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::export::Exports;
use super::formats::{self, Coded};
use super::run::{Observers, RunBundle, Watchable, exporter, hand_over, linger, started_at, taken, write_failed};
use super::{Done, Failure, cluster, fleet, interrupt};
use crate::alert::{About, Alerts};
use crate::bundle::{self, Bundle};
use crate::cli::verify::{self as cli, VerifyArgs};
use crate::event::stamp::RunId;
use crate::exporter::Exporter;
use crate::fleet::channel::Topic;
use crate::fleet::onlooker::Onlooker;
use crate::progress::{Progress, Shown};
use crate::report::fleet::FleetReport;
use crate::report::latency::Kind;
use crate::report::{Run, RunReport, SCHEMA_VERSION};
use crate::run::alone::{self, Config, Offset, ProducerRun};
use crate::run::{self, Detail, Interrupts, Outcome, RunError, Tick};
use crate::scenario::plan::LiveView;
use crate::scenario::verify::VerifyPlan;
use crate::scenario::{self, Environment, results};
use crate::settings::verification::{Isolation, ReadBack, Verification};
use crate::verdict::{self, Conditions, ExitCode};
use crate::verify::Until;

/// The longest wait for the next record of what a producer wrote.
const DRAIN: Duration = Duration::from_secs(30);

pub(super) fn verify(args: VerifyArgs, environment: &Environment) -> Result<Done, Failure> {
    if !args.recording.is_empty() {
        return recording::verify(args, environment);
    }
    let mut plan = scenario::verify::verify(args, environment)?;
    if let Some(dump) = plan.dump.take() {
        return Ok(Done::told(dump));
    }
    for warning in &plan.warnings {
        tracing::warn!("{warning}");
    }
    let produced = plan.producer_report.as_deref().map(producer::produced).transpose()?;
    let written = plan.producer_report.as_deref().map(producer::environment).transpose()?.unwrap_or_default();
    let coded = formats::reading(&plan.formats, &plan.catalogue, std::mem::take(&mut plan.subjects), &written)?;
    if let Some(produced) = &produced {
        let topics: Vec<String> = produced.topics.iter().map(|(topic, _)| topic.clone()).collect();
        if plan.topics_named && plan.topics != topics {
            let (asked, written) = (plan.topics.join(", "), topics.join(", "));
            let reason = format!("--topic is {asked}, and the producer's run wrote to {written}");
            return Err(Failure::new(ExitCode::BadConfiguration, reason).hint("leave --topic out"));
        }
        plan.topics = topics;
    }
    let exports = Exports::of(&plan.presentation.exports)?;
    results::try_folder(&plan.presentation.results_dir)?;
    let watched = Watchable {
        presentation: &plan.presentation,
        bootstrap: Some(&plan.bootstrap),
        client: &plan.client,
        timeout: plan.connect_timeout,
        topics: plan.topics.iter().map(String::as_str).collect(),
        shard: None,
    };
    let exporter = exporter(&watched)?;
    let onlooker = onlooker(&plan, produced.as_ref().map_or(plan.run_id, |produced| Some(produced.run)))?;
    let bundle = Bundle::create(&plan.presentation.results_dir, &started_at(), &plan.name, "")
        .map_err(|error| write_failed(&error))?;
    let interrupts = interrupt::listen()?;
    let config = Config { reference: onlooker.as_ref().map(Onlooker::reference), ..config(&plan, coded, produced)? };
    let (report, folder) = read(&plan, config, onlooker, RunBundle::new(bundle), exporter.as_ref(), &interrupts)?;
    linger(&plan.presentation, exporter.as_ref(), &interrupts);
    hand_over(&plan.presentation, &exports, &report, &folder)
}

fn read(
    plan: &VerifyPlan,
    mut config: Config,
    onlooker: Option<Onlooker>,
    kept: RunBundle,
    exporter: Option<&Exporter>,
    interrupts: &Arc<Interrupts>,
) -> Result<(RunReport, PathBuf), Failure> {
    let shown = plan.presentation.view != LiveView::Nothing && !plan.presentation.quiet;
    let title = format!("{}  {} @ {}", plan.name, plan.topics.join(", "), plan.bootstrap);
    let view =
        Shown { title: &title, total: plan.num_records, ends_s: None, verifying: true, reading: true, fixed: None };
    let asked = shown && plan.presentation.view == LiveView::Screen;
    let screen = asked.then(|| taken(&view, interrupts)).flatten();
    let progress = match screen {
        Some(screen) => Progress::on(screen, &view),
        None => Progress::new(&title, None, None, true, shown),
    };
    let about = About {
        run: plan.name.clone(),
        run_id: config.run.map_or_else(String::new, |run| run.to_string()),
        ..About::default()
    };
    let (gates, alerts, kinds) = (&plan.gates, Alerts::start(&plan.alerts, &about), vec![Kind::EndToEnd]);
    let mut observers = Observers { progress, exporter, kept, gates, alerts, interrupts, kinds };
    // A member of a group has a part, which says little by itself.
    let for_others = plan.group.is_some() && config.run.is_some() && config.producer.is_none();
    config.sightings = for_others.then(|| observers.folder().join(bundle::SIGHTINGS));
    observers.begin(&begun(&config), &plan.topics.join(","));
    let mut outcome = alone::verify(&config, interrupts, &mut |tick: &Tick<'_>| {
        observers.second(tick);
        ControlFlow::Continue(())
    });
    let told = onlooker.and_then(Onlooker::finish);
    if let Ok(outcome) = &mut outcome {
        note_fleet(&mut outcome.report, told, plan);
    }
    observers.end(outcome, |error| begin_failed(&error, plan), |outcome| judge(plan, outcome))
}

/// Who follows the clocks of the run that is read.
fn onlooker(plan: &VerifyPlan, run: Option<RunId>) -> Result<Option<Onlooker>, Failure> {
    let Some((name, run)) = plan.fleet_topic.clone().zip(run) else { return Ok(None) };
    let topic = Topic {
        name: name.clone(),
        bootstrap: plan.bootstrap.clone(),
        client: plan.client.clone(),
        timeout: plan.connect_timeout,
        create: None,
    };
    Onlooker::begin(topic, &run.to_string()).map(Some).map_err(|error| fleet::failed(&error, &name))
}

/// What was heard of the fleet; a report of one of its shards only lacks this reader's clock.
fn note_fleet(report: &mut RunReport, told: Option<FleetReport>, plan: &VerifyPlan) {
    match (&mut report.fleet, told) {
        (Some(of_shard), Some(told)) => of_shard.readers = told.readers,
        (none, Some(told)) => *none = Some(told),
        (Some(_), None) => tracing::warn!(
            "the run is one of a fleet, whose events are due by the broker's clock, and they were seen by this machine's: \
             --fleet-topic has both measured"
        ),
        (None, None) => {
            if let Some(topic) = &plan.fleet_topic {
                tracing::warn!("nothing was heard of the run in topic \"{topic}\": no end-to-end time is known");
            }
        }
    }
}

fn config(plan: &VerifyPlan, coded: Coded, produced: Option<ProducerRun>) -> Result<Config, Failure> {
    // As a run that reads its own events back.
    let usual = match &produced {
        Some(produced) if produced.transactional || !plan.expectations.is_empty() => Isolation::ReadCommitted,
        _ => Isolation::ReadUncommitted,
    };
    let back = ReadBack { isolation: plan.isolation.unwrap_or(usual), drain_deadline: DRAIN, ..ReadBack::default() };
    Ok(Config {
        name: plan.name.clone(),
        bootstrap: plan.bootstrap.clone(),
        topics: plan.topics.clone(),
        catalogue: coded.catalogue,
        schemas: coded.schemas,
        client: plan.client.clone(),
        connect_timeout: plan.connect_timeout,
        offset: match plan.offset {
            Some(cli::Offset::Latest) => Offset::Latest,
            Some(cli::Offset::Earliest) | None => Offset::Earliest,
        },
        run: produced.as_ref().map_or(plan.run_id, |produced| Some(produced.run)),
        producer: produced,
        verify: Verification { group: plan.group.clone(), back },
        until: Until { idle: plan.until_idle, records: plan.num_records, denied: true },
        detail: Detail { fine_s: plan.presentation.timeline_detail.as_secs_f64(), ..Detail::default() },
        downstream: plan.downstream()?,
        sightings: None,
        reference: None,
    })
}

/// What is known of a reading before it is made.
fn begun(config: &Config) -> RunReport {
    RunReport {
        schema_version: SCHEMA_VERSION,
        tool: run::tool(),
        run: Run {
            id: config.run.map_or_else(String::new, |run| run.to_string()),
            name: config.name.clone(),
            source: "topic".to_owned(),
            ..Run::default()
        },
        reading: Some(crate::report::reading::Reading::default()),
        ..RunReport::default()
    }
}

fn judge(plan: &VerifyPlan, outcome: Outcome) -> Result<RunReport, Failure> {
    let Outcome { mut report, cluster_error, interrupted, ended_by, .. } = outcome;
    let mut conditions = Conditions { interrupted, cluster_error, ..Conditions::default() };
    let gates = if report.is_alone() {
        // Without the producer's account there is no join, whatever was read.
        conditions.bad_input = ended_by.clone().filter(|_| plan.producer_report.is_some() && !interrupted);
        plan.gates.clone()
    } else {
        let before = &report.verdict;
        let was_cluster = ExitCode::Cluster.as_str();
        if before.name == was_cluster || before.also.iter().any(|also| also == was_cluster) {
            let said = before.reasons.first().cloned().unwrap_or_default();
            conditions.cluster_error.get_or_insert(said);
        }
        producer::gates(&report, &plan.gates, &plan.rules)?
    };
    report.run.deadlines_reached.extend(ended_by);
    report.gates = gates.evaluate(&report);
    report.verdict = verdict::judge(&report, &gates, &conditions);
    Ok(report)
}

fn begin_failed(error: &RunError, plan: &VerifyPlan) -> Failure {
    let topics = plan.topics.join("\", \"");
    match error {
        RunError::Kafka(error) => {
            let group = plan.group.as_ref().map(|group| group.name.as_str());
            cluster::failed(
                error,
                cluster::Purpose {
                    topics: &topics,
                    rights: "Describe and Read",
                    group,
                    said_by: &plan.bootstrap_said_by,
                },
            )
        }
        RunError::Downstream(error) => cluster::no_output(error),
        RunError::Answers { .. } | RunError::TopicChanged { .. } => Failure::new(ExitCode::BadInput, error.to_string()),
        RunError::Registry(_) => Failure::new(ExitCode::BadConfiguration, error.to_string()),
        RunError::Interrupted => Failure::new(ExitCode::Interrupted, "interrupted before the first record was read"),
        _ => Failure::new(ExitCode::RunInvalid, error.to_string()),
    }
}
