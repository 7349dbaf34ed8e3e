//! What is known of a run before it is made: the report of a run that is killed begins with it.

use super::origin;
use crate::clock;
use crate::measure::cgroup::Quota;
use crate::report::{Environment, GateOutcome, GateResult, Offered, Run, RunReport, TopicReport};
use crate::run::{self, schemas::of_keys};
use crate::scenario::client::NOWHERE;
use crate::scenario::plan::Plan;
use crate::schedule::{Schedule, Shape};
use crate::source::Source;

pub(super) fn begun(plan: &Plan, config: &run::Config, source: &Source, schedule: &Schedule) -> RunReport {
    let gates = plan.gates.gates.iter().map(|gate| GateResult {
        rule: gate.rule.to_string(),
        name: gate.name.clone(),
        result: GateOutcome::Unevaluated,
        ..GateResult::default()
    });
    let begun = run::begun(config, source, schedule);
    let mut begun = RunReport {
        run: Run { started_at: now(), ..begun.run },
        environment: environment(plan),
        offered: Offered { rate_per_s: planned_rate(schedule), ..Offered::default() },
        gates: gates.collect(),
        ..begun
    };
    origin::describe_replay(&mut begun, plan, source, None);
    begun
}

/// What is asked for: what the cluster says of itself comes later.
fn environment(plan: &Plan) -> Environment {
    let kafka = &plan.run.kafka;
    let topic = |name: &String| TopicReport { name: name.clone(), ..TopicReport::default() };
    let mut topics: Vec<TopicReport> = [&kafka.topic].into_iter().chain(kafka.topic_map.values()).map(topic).collect();
    topics.dedup();
    let bootstrap = kafka.bootstrap.iter().flat_map(|list| list.split(','));
    let nowhere = plan.nowhere.then_some(NOWHERE);
    Environment {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        cpu_quota: Quota::of_this_process().map(|quota| quota.processors),
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        brokers: nowhere.into_iter().chain(bootstrap).map(|broker| broker.trim().to_owned()).collect(),
        topics,
        event_types: plan.run.catalogue.names().map(str::to_owned).collect(),
        schemas: plan.run.schemas.clone(),
        key_schemas: of_keys(&plan.run.catalogue),
        client_config: kafka.redacted_client(),
    }
}

/// That of a schedule with one rate.
fn planned_rate(schedule: &Schedule) -> Option<f64> {
    let mut phases = schedule.phases();
    match (phases.next()?, phases.next()) {
        (phase, None) if matches!(phase.shape, Shape::Constant(_)) => schedule.peak(),
        _ => None,
    }
}

/// The time, to the millisecond: what stands in a heading is read by people.
pub(in crate::command) fn now() -> String {
    let now = jiff::Timestamp::from_nanosecond(i128::from(clock::wall_unix_ns())).unwrap_or_default();
    now.round(jiff::Unit::Millisecond).unwrap_or(now).to_string()
}
