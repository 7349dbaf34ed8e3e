//! From a plan to what the engine is told: it knows neither options nor scenarios.

use crate::command::planned_load::lanes;
use crate::event::stamp::RunId;
use crate::run::{self, Detail};
use crate::scenario::plan::Plan;

/// What the engine is told of a plan.
pub(super) fn config(plan: &Plan, id: RunId) -> run::Config {
    let kafka = &plan.kafka;
    run::Config {
        name: plan.name.clone(),
        id,
        seed: plan.seed,
        lanes: lanes(plan),
        start_at_unix_ns: plan.together.start_at.map(|at| u64::try_from(at.as_nanosecond()).unwrap_or_default()),
        pacing: plan.pacing,
        event_time: plan.event_time,
        lateness: plan.lateness.clone(),
        bootstrap: kafka.bootstrap.clone(),
        topic: kafka.topic.clone(),
        topic_map: kafka.topic_map.clone(),
        partitions: kafka.partitions,
        replication_factor: kafka.replication_factor,
        create_topic: kafka.create_topics,
        client: kafka.client.clone(),
        connect_timeout: kafka.connect_timeout,
        lag_group: kafka.lag_group.clone(),
        verify: plan.verify.clone(),
        transactions: plan.transactions,
        padding: plan.padding,
        patience: plan.patience.clone(),
        answers: None,
        detail: Detail { fine_s: plan.presentation.timeline_detail.as_secs_f64(), ..Detail::default() },
        faults: plan.faults.clone(),
    }
}
