//! From a plan to what the engine is told: it knows neither options nor scenarios.

use crate::event::stamp::RunId;
use crate::lane::{BodyTime, OnLag, Pacing};
use crate::run::{self, Detail, Lanes};
use crate::scenario::plan::Plan;
use crate::settings::choice::Choice;
use crate::settings::membership::Commit;
use crate::settings::recording::EventTime;
use crate::settings::run as settings;
use crate::settings::verification::Isolation;

/// What the engine is told of a plan.
pub(super) fn config(plan: &Plan, id: RunId) -> run::Config {
    let kafka = &plan.kafka;
    run::Config {
        name: plan.name.clone(),
        id,
        seed: plan.seed,
        lanes: lanes(plan),
        start_at_unix_ns: plan.together.start_at.map(|at| u64::try_from(at.as_nanosecond()).unwrap_or_default()),
        pacing: match plan.pacing {
            settings::Pacing::Sleep => Pacing::Sleep,
            settings::Pacing::Spin => Pacing::Spin,
        },
        body_time: match plan.event_time {
            EventTime::Recorded => BodyTime::Recorded,
            EventTime::Shifted => BodyTime::Shifted,
            EventTime::Now => BodyTime::Due,
        },
        on_lag: match plan.on_lag {
            settings::OnLag::Queue => OnLag::Queue,
            settings::OnLag::Drop => OnLag::Drop(plan.max_slip.into()),
            settings::OnLag::Abort => OnLag::Abort(plan.max_slip.into()),
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
            read_committed: verify.back.isolation == Isolation::ReadCommitted,
            drain_deadline: verify.back.drain_deadline,
            group: verify.group.as_ref().map(|group| run::Group {
                name: group.name.clone(),
                consumers: group.membership.consumers,
                protocol: group.membership.group_protocol.as_str().to_owned(),
                assignor: group.membership.assignor.clone(),
                commit_every: group.membership.commit_interval,
                commits_itself: group.membership.commit == Commit::Manual,
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

/// Part i of n has the i-th block of lanes.
pub(in crate::command) const fn lanes(plan: &Plan) -> Lanes {
    let (own, shard) = (plan.lanes, plan.together.shard);
    Lanes { first: own * (shard.number - 1), count: own, all: own * shard.of }
}
