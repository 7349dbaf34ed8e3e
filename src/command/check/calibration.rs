//! A dry run: what this machine generates when nothing is behind it.

use std::ops::ControlFlow;
use std::time::Duration;

use super::super::Failure;
use crate::clock::Nanos;
use crate::event::stamp::RunId;
use crate::kafka::Settings;
use crate::lane::{BodyTime, OnLag, Pacing};
use crate::run::wiring::Nowhere;
use crate::run::{self, Detail, Interrupts, Lanes};
use crate::scenario::plan::Plan;
use crate::schedule::{Phase, Schedule, Shape};
use crate::source::Source;
use crate::verdict::ExitCode;

/// How long it takes.
const LASTS: Nanos = Nanos::from_secs(2);

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calibration {
    /// Events per second.
    pub(super) per_s: f64,
    /// Bytes of key and body, on average.
    pub(super) bytes_each: f64,
}

impl Calibration {
    /// Generates the plan's events with its lanes, as fast as that goes.
    #[expect(clippy::cast_precision_loss, reason = "an estimate of three digits")]
    pub(super) fn make(plan: &Plan, source: &Source) -> Result<Self, Failure> {
        let failed = |error: String| Failure::new(ExitCode::RunInvalid, format!("the dry calibration failed: {error}"));
        let phases = vec![Phase::new("calibration", Shape::Unlimited, Some(LASTS))];
        let schedule = Schedule::seeded(phases, None, plan.seed).map_err(|error| failed(error.to_string()))?;
        let no_stop = &mut |_: &run::Tick<'_>| ControlFlow::Continue(());
        let outcome = run::run_through(&Nowhere, &config(plan), source, schedule, &Interrupts::default(), no_stop)
            .map_err(|error| failed(error.to_string()))?;
        let (sent, lasted) = (outcome.measured.sent as f64, outcome.report.run.measured_s);
        if sent < 1.0 || lasted <= 0.0 {
            return Err(failed("it generated nothing".to_owned()));
        }
        Ok(Self { per_s: sent / lasted, bytes_each: outcome.measured.bytes as f64 / sent })
    }
}

/// The generator's own part of the plan, with no cluster.
fn config(plan: &Plan) -> run::Config {
    let placed = plan.kafka.client.get_key_value("partitioner");
    run::Config {
        name: "calibration".to_owned(),
        id: RunId(plan.seed),
        seed: plan.seed,
        lanes: Lanes::only(plan.lanes),
        start_at_unix_ns: None,
        transactions: None,
        padding: plan.padding,
        pacing: Pacing::Sleep,
        body_time: BodyTime::Due,
        on_lag: OnLag::Queue,
        max_rate: None,
        bootstrap: None,
        topic: plan.kafka.topic.clone(),
        topic_map: plan.kafka.topic_map.clone(),
        partitions: plan.kafka.partitions,
        replication_factor: 1,
        create_topic: false,
        client: placed.map(|(key, value)| (key.clone(), value.clone())).into_iter().collect::<Settings>(),
        connect_timeout: Duration::from_secs(10),
        lag_group: None,
        verify: None,
        flush_deadline: Duration::from_secs(5),
        answers: None,
        detail: Detail::default(),
        faults: Vec::new(),
        stall_threshold: Duration::from_secs(1),
    }
}
