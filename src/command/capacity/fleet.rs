//! A search whose probes are made by the shards of a fleet: who asks for them and adds up what they leave, and a shard that is on call.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::super::fleet::{failed, gathered_until};
use super::super::merge::Whole;
use super::super::planned_load::load;
use super::super::run::{Watchable, exporter};
use super::probe::{self, HOPELESS, Prober};
use super::{Failure, Settings, begin};
use crate::capacity::{Left, ProbeOutcome, ProbeVerdict};
use crate::cli::capacity::SearchFleetOptions;
use crate::clock::{Clock, Monotonic};
use crate::command::{Done, interrupt};
use crate::event::stamp::RunId;
use crate::figures::{self, as_f64};
use crate::fleet::FleetError;
use crate::fleet::channel::Topic;
use crate::fleet::orders::{Caller, OnCall, Order};
use crate::output::capacity::text;
use crate::progress;
use crate::run::Interrupts;
use crate::scenario::Resolved;
use crate::scenario::plan::{Fleet, LiveView, Plan, Sharding};
use crate::settings::fleet::{OnShardLoss, Results, USUAL_TOPIC};
use crate::settings::run::Shard;
use crate::verdict::ExitCode;

/// How long the shards are waited for where nobody said.
const USUAL_DEADLINE: Duration = Duration::from_secs(300);
/// What a probe takes beyond its own time and the wait for the shards: to drain, to judge, to hand in.
const BEYOND: Duration = Duration::from_secs(300);

/// Where search and shards meet.
pub(super) struct Meeting {
    topic: Topic,
    search: RunId,
    deadline: Duration,
}

impl Meeting {
    /// Of the search that is asked for.
    pub(super) fn of(options: &SearchFleetOptions, plan: &Plan) -> Result<Self, Failure> {
        let bad = |reason: &str, hint: &str| Failure::new(ExitCode::BadConfiguration, reason).hint(hint);
        let kafka = &plan.run.kafka;
        let search = options.run_id.ok_or_else(|| {
            bad("shards and search have nothing by which they find each other", "give all of them one --run-id")
        })?;
        let bootstrap = kafka.bootstrap.clone().ok_or_else(|| {
            bad("shards of a fleet have no embedded broker in common", "name the cluster with --bootstrap-server")
        })?;
        let topic = Topic {
            name: options.fleet_topic.clone().unwrap_or_else(|| USUAL_TOPIC.to_owned()),
            bootstrap,
            client: kafka.client.clone(),
            timeout: kafka.connect_timeout,
            create: kafka.create_topics.then_some(kafka.replication_factor),
        };
        Ok(Self { topic, search, deadline: options.fleet_deadline.unwrap_or(USUAL_DEADLINE) })
    }

    fn failed(&self, error: &FleetError) -> Failure {
        failed(error, &self.topic.name)
    }
}

/// Has the shards of a fleet make probes.
pub(super) struct FleetProber<'a> {
    meeting: Meeting,
    caller: Caller,
    of: u16,
    plan: &'a Plan,
    settings: Settings,
    interrupts: &'a Arc<Interrupts>,
    folder: PathBuf,
    /// Probes made before.
    made: usize,
}

impl<'a> FleetProber<'a> {
    pub(super) fn begin(
        meeting: Meeting,
        of: u16,
        plan: &'a Plan,
        settings: Settings,
        interrupts: &'a Arc<Interrupts>,
        (folder, made): (PathBuf, usize),
    ) -> Result<Self, Failure> {
        let caller = Caller::begin(meeting.topic.clone(), &meeting.search.to_string())
            .map_err(|error| meeting.failed(&error))?;
        Ok(Self { meeting, caller, of, plan, settings, interrupts, folder, made })
    }

    /// A run at `rate` events per second of all shards together.
    pub(super) fn probe(&mut self, rate: u64, left: Option<Left>) -> Result<ControlFlow<(), ProbeOutcome>, Failure> {
        if self.interrupts.count() > 0 {
            return Ok(ControlFlow::Break(()));
        }
        let clock = Monotonic::start();
        self.made += 1;
        let run = RunId(rand::random());
        let Settings { settle, probe, .. } = self.settings;
        let whole_ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let order = Order::Probe {
            number: u32::try_from(self.made).unwrap_or(u32::MAX),
            run: run.to_string(),
            of: self.of,
            rate,
            settle_ms: whole_ms(settle),
            probe_ms: whole_ms(probe),
        };
        if self.plan.presentation.view != LiveView::Nothing && !self.plan.presentation.quiet {
            let left = left.map_or_else(String::new, |left| format!("    {}", text::left(&left)));
            let (rate, of) = (figures::rate(as_f64(rate)), self.of);
            progress::say(&format!("probe {}: {rate} by {of} shards, run {run}{left}", self.made));
        }
        let told = |error: &FleetError| failed(error, &self.meeting.topic.name);
        self.caller.give(&order).map_err(|error| told(&error))?;
        let deadline = self.meeting.deadline + settle + probe + BEYOND;
        let given_up = || self.interrupts.count() > 0;
        let gathered = match gathered_until(self.meeting.topic.clone(), run, deadline, &given_up) {
            Err(failure) if failure.code == ExitCode::Interrupted => return Ok(ControlFlow::Break(())),
            Err(failure) if failure.code == ExitCode::BadInput => return Err(self.not_made(&failure.message)),
            gathered => gathered?,
        };
        if gathered.folders.is_empty() {
            return Err(self.not_made(gathered.whys.first().map_or("none left a bundle", String::as_str)));
        }
        let whole = Whole::of(&gathered)?;
        self.check_gates(&whole)?;
        let folder = self.folder.join(format!("{}-{rate}", probe::name(None, self.made)));
        // A probe without a bundle is as good as another: what was found is told all the same.
        if let Err(error) = whole.write(Some(folder)) {
            tracing::warn!("{error}: the search goes on without");
        }
        let report = whole.report();
        if report.run.interrupted {
            return Ok(ControlFlow::Break(()));
        }
        let hopeless = report.run.deadlines_reached.iter().any(|told| told == HOPELESS);
        let mut outcome = probe::outcome(report, rate, self.settings, hopeless, clock.now().as_secs_f64());
        if outcome.verdict == ProbeVerdict::GeneratorLimit {
            // Which of them gave out is what its owner needs to know.
            let lost = report.verdict.reasons.iter().filter(|reason| reason.contains(" was lost: "));
            let lost = lost.filter_map(|reason| Some(format!("{} was lost", reason.split_once(" was lost: ")?.0)));
            let named: Vec<String> = whole.limited.iter().cloned().chain(lost).collect();
            if !named.is_empty() {
                outcome.reasons = named;
            }
        }
        Ok(ControlFlow::Continue(outcome))
    }

    fn not_made(&self, why: &str) -> Failure {
        Failure::new(ExitCode::RunInvalid, format!("no shard made probe {}: {why}", self.made))
            .hint("start the shards with --shard I/N, the same --run-id and the same --fleet-topic")
    }

    /// Shards that keep other rules than this search asks for answer another question.
    fn check_gates(&self, whole: &Whole) -> Result<(), Failure> {
        let kept = whole.report().gates.iter().filter(|gate| !gate.built_in);
        let mut kept: Vec<String> = kept.map(|gate| gate.rule.clone()).collect();
        let mut asked: Vec<String> = self.plan.gates.gates.iter().map(|gate| gate.rule.to_string()).collect();
        kept.sort();
        asked.sort();
        if kept == asked {
            return Ok(());
        }
        let told = |rules: &[String]| if rules.is_empty() { "none".to_owned() } else { rules.join(", ") };
        let reason = format!("the shards keep the gates {}, and this search asks for {}", told(&kept), told(&asked));
        Err(Failure::new(ExitCode::BadConfiguration, reason).hint("start search and shards with the same gates"))
    }

    /// Lets the shards go home.
    pub(super) fn end(mut self) {
        if let Err(error) = self.caller.give(&Order::Over) {
            tracing::warn!("the shards were not told that the search is over, and end by themselves: {error}");
        }
    }
}

/// A shard that makes probes for as long as it is asked to.
pub(super) fn on_call(resolved: &Resolved, options: &SearchFleetOptions, shard: Shard) -> Result<Done, Failure> {
    let meeting = Meeting::of(options, &resolved.plan)?;
    let (presentation, registry) = (&resolved.plan.presentation, resolved.plan.formats.registry.clone());
    let planned = |run_id: RunId| {
        let fleet = Fleet {
            topic: meeting.topic.name.clone(),
            deadline: meeting.deadline,
            on_loss: OnShardLoss::Continue,
            results: Results::Topic,
        };
        Sharding { run_id: Some(run_id), shard, start_at: None, fleet: Some(fleet) }
    };
    let mut scenario = resolved.scenario.clone();
    let plan = Plan::new(&mut scenario, planned(meeting.search), presentation.clone(), registry)?;
    let source = load(&plan)?;
    let exporter = exporter(&Watchable::of(&plan))?;
    let interrupts = interrupt::listen()?;
    let search = meeting.search.to_string();
    let mut calls = OnCall::begin(meeting.topic.clone(), &search).map_err(|error| meeting.failed(&error))?;
    let folder = begin(resolved)?;
    let mut made = 0_u64;
    loop {
        let next = calls.next(meeting.deadline, &|| interrupts.count() > 0);
        let (number, run, of, rate, settings) = match next.map_err(|error| meeting.failed(&error))? {
            Order::Over => {
                let probes = figures::counted(made, "probe");
                return Ok(Done::told(format!(
                    "shard {}/{}: the search is over after {probes} here\n",
                    shard.number, shard.of
                )));
            }
            Order::Probe { number, run, of, rate, settle_ms, probe_ms } => {
                (number, run, of, rate, Settings::of_probe(settle_ms, probe_ms))
            }
        };
        if of != shard.of {
            let reason = format!("the search is one of {of} shards, and this is {}/{}", shard.number, shard.of);
            return Err(Failure::new(ExitCode::BadConfiguration, reason).hint("give --shard I/N and --shards N one N"));
        }
        let run = run.parse().map_err(|_| {
            Failure::new(ExitCode::BadInput, format!("the search asks for a run \"{run}\", which is no id"))
        })?;
        let mut prober = Prober {
            scenario: resolved.scenario.clone(),
            plan: &resolved.plan,
            presentation,
            screen: None,
            source: &source,
            interrupts: &interrupts,
            exporter: exporter.as_ref(),
            folder: folder.join(probe::FOLDER),
            settings,
            number: None,
            made: usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1),
            sharding: planned(run),
        };
        match prober.run(rate, None) {
            Ok((report, _)) if report.run.interrupted => {
                return Err(Failure::new(ExitCode::Interrupted, format!("interrupted in probe {number}")));
            }
            Ok(_) => made += 1,
            // Whoever comes too late for a probe, or waited for others in vain, is there for the next one.
            Err(failure) if failure.code == ExitCode::RunInvalid => {
                tracing::warn!("probe {number} was not made here: {}", failure.message);
            }
            Err(failure) => return Err(failure),
        }
    }
}
