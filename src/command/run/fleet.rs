//! A run that is one shard of a fleet: it meets the others before its start, and tells them how it goes.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::failures::wanted;
use crate::bundle;
use crate::command::{Failure, cluster, fleet};
use crate::figures;
use crate::fleet::channel::Topic;
use crate::fleet::member::{Member, SeatPlan};
use crate::fleet::record::{Progress, Ready};
use crate::fleet::{FleetError, LOST_AFTER};
use crate::report::RunReport;
use crate::report::fleet::ShardState;
use crate::report::latency::Kind;
use crate::run::wiring::AgreedStart;
use crate::run::{self, Interrupts, Outcome, RunError, Tick};
use crate::scenario::plan::{Fleet, Plan};
use crate::schedule::Schedule;
use crate::settings::fleet::{OnShardLoss, Results};
use crate::source::Source;
use crate::verdict::{self, ExitCode};

/// This process among the others.
pub(super) struct Crew<'a> {
    wanted: SeatPlan,
    plan: &'a Plan,
    planned: Option<u64>,
    hands_in: bool,
    /// Where the scenario lies.
    folder: PathBuf,
    member: OnceLock<Member>,
}

impl<'a> Crew<'a> {
    pub(super) fn new(
        fleet: &Fleet,
        plan: &'a Plan,
        config: &run::Config,
        planned: Option<u64>,
        folder: &Path,
    ) -> Self {
        let (kafka, shard) = (&config.kafka, plan.sharding.shard);
        let topic = Topic {
            name: fleet.topic.clone(),
            bootstrap: kafka.bootstrap.clone().unwrap_or_default(),
            client: kafka.client.clone(),
            timeout: kafka.connect_timeout,
            create: kafka.create_topics.then_some(kafka.replication_factor),
        };
        let wanted = SeatPlan {
            topic,
            run: config.id.to_string(),
            shard: shard.number,
            of: shard.of,
            deadline: fleet.deadline,
            ends_with_others: fleet.on_loss == OnShardLoss::Abort,
        };
        let hands_in = fleet.results == Results::Topic;
        Self { wanted, plan, planned, hands_in, folder: folder.to_owned(), member: OnceLock::new() }
    }

    /// Runs, once all others stand ready.
    pub(super) fn run(
        &self,
        config: &run::Config,
        source: &Source,
        schedule: Schedule,
        interrupts: &Arc<Interrupts>,
        each_second: &mut dyn FnMut(&Tick<'_>) -> ControlFlow<String>,
    ) -> Result<Outcome, RunError> {
        let not_met = |error: FleetError| RunError::NotMet(Box::new(error));
        let member = Member::enter(self.wanted.clone()).map_err(not_met)?;
        let member = self.member.get_or_init(|| member);
        let meet = || {
            tracing::info!("shard {} of {} stands ready", self.wanted.shard, self.wanted.of);
            member.meet(self.ready()?, interrupts).map_err(not_met)
        };
        run::run_through(&AgreedStart { meet: &meet }, config, source, schedule, interrupts, each_second)
            .map_err(|error| Self::did_not_begin(member, error))
    }

    fn ready(&self) -> Result<Ready, RunError> {
        let file = self.folder.join(bundle::SCENARIO);
        // Shards that cannot read theirs must not pass for shards of one scenario.
        let scenario = std::fs::read_to_string(&file)
            .map_err(|error| RunError::NotMet(format!("{} cannot be read: {error}", file.display()).into()))?;
        Ok(Ready {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: self.plan.run.name.clone(),
            seed: self.plan.run.seed,
            lanes: self.plan.run.lanes.count,
            scenario: of_all(&scenario),
            planned: self.planned,
            clock: None,
        })
    }

    pub(super) fn tell(&self, tick: &Tick<'_>) {
        let Some(member) = self.member.get() else { return };
        let so_far = tick.total.whole();
        let p99 = |kind: Kind| {
            let latency = so_far.latency(kind).histogram();
            (!latency.is_empty()).then(|| latency.value_at_quantile(0.99))
        };
        member.tell(Progress {
            at_s: tick.now.0 / 1_000_000_000,
            scheduled: tick.scheduled,
            sent: tick.total.sent,
            acked: tick.total.acked,
            seen: tick.total.seen,
            failed: tick.total.refused + tick.total.unanswered,
            slip_p99_us: p99(Kind::Slip),
            response_p99_us: p99(Kind::ResponseTime),
            due_clock: None,
        });
    }

    /// Lets the others know that nobody sits here. Where this seat was taken, that is why it did not begin.
    fn did_not_begin(member: &Member, error: RunError) -> RunError {
        let (_, broken) = member.finish(ExitCode::RunInvalid.code(), &error.to_string());
        match (error, broken) {
            (RunError::Interrupted, Some(why)) => RunError::NotMet(why.into()),
            (RunError::TooLateToStart(by), _) => RunError::NotMet(
                format!(
                    "it heard that all stood ready only {} after the start: this machine, or its way to the broker, is too slow",
                    figures::span_s(by.as_secs_f64())
                )
                .into(),
            ),
            (error, _) => error,
        }
    }

    /// Tells the others how it ended, and the report what became of them.
    pub(super) fn finish(&self, report: &mut RunReport) {
        let Some(member) = self.member.get() else { return };
        let reason = report.verdict.reasons.first().cloned().unwrap_or_default();
        let (fleet, broken) = member.finish(report.verdict.code, &reason);
        if let Some(why) = broken {
            verdict::add(&mut report.verdict, ExitCode::RunInvalid, why);
        }
        for lost in fleet.shards.iter().filter(|shard| shard.state == ShardState::Lost) {
            report.verdict.notes.push(format!(
                "shard {} of {} was lost: nothing was heard of it for {} s, and nobody here knows what became of its events",
                lost.number,
                fleet.of,
                LOST_AFTER.as_secs()
            ));
        }
        report.fleet = Some(fleet);
    }

    /// Puts the bundle where the others' are, where it is to go there. A verdict that was given is not hidden by what goes wrong.
    pub(super) fn hand_in(&self, report: &mut RunReport, folder: &Path) {
        let Some(member) = self.member.get().filter(|_| self.hands_in) else { return };
        if let Err(error) = member.hand_in(folder) {
            tracing::error!("{error}: it lies in {} alone", folder.display());
            verdict::add(&mut report.verdict, ExitCode::NotWritten, error.to_string());
        }
    }
}

/// What of a scenario is the same in all shards: machines may reach the cluster by different names.
fn of_all(scenario: &str) -> String {
    let own = |line: &&str| !line.trim_start().starts_with("bootstrap_server");
    scenario.lines().filter(own).collect::<Vec<_>>().join("\n")
}

/// Why the shards did not meet, and what to do.
pub(super) fn failed(error: &FleetError, plan: &Plan) -> Failure {
    let topic = plan.sharding.fleet.as_ref().map_or("", |fleet| &fleet.topic);
    if let FleetError::Kafka(kafka) = error {
        let rights = "Describe, Write and Read";
        return cluster::failed(kafka, cluster::Purpose { topics: topic, rights, group: None, ..wanted(plan) });
    }
    fleet::failed(error, topic)
}
