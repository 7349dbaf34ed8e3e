//! A dry run: what this machine generates when nothing is behind it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use super::super::Failure;
use crate::clock::Nanos;
use crate::event::stamp::RunId;
use crate::figures::as_f64;
use crate::measure::process;
use crate::run::wiring::Nowhere;
use crate::run::{self, Detail, Downstream, Interrupts, KafkaConfig, Lanes};
use crate::scenario::plan::Plan;
use crate::schedule::{Phase, Schedule, Shape};
use crate::settings::recording::EventTime;
use crate::settings::run::{Lateness, Pacing, Patience};
use crate::source::Source;
use crate::verdict::ExitCode;

/// How long it takes.
const LASTS: Nanos = Nanos::from_secs(2);

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calibration {
    /// Events per second; under a quota what it would come to for long.
    pub(super) per_s: f64,
    /// The processors that a quota allows this process.
    pub(super) cpu_quota: Option<f64>,
    /// Bytes of key and body, on average.
    pub(super) bytes_each: f64,
}

impl Calibration {
    /// Generates the plan's events with its lanes, as fast as that goes.
    pub(super) fn make(plan: &Plan, source: &Source) -> Result<Self, Failure> {
        let failed = |error: String| Failure::new(ExitCode::RunInvalid, format!("the dry calibration failed: {error}"));
        let phases = vec![Phase::new("calibration", Shape::Unlimited, Some(LASTS))];
        let schedule = Schedule::seeded(phases, None, plan.run.seed).map_err(|error| failed(error.to_string()))?;
        let no_stop = &mut |_: &run::Tick<'_>| ControlFlow::Continue(());
        let cpu_before = process::cpu_time();
        let outcome = run::run_through(&Nowhere, &config(plan), source, schedule, &Interrupts::default(), no_stop)
            .map_err(|error| failed(error.to_string()))?;
        let (sent, lasted) = (as_f64(outcome.measured.sent), outcome.report.run.measured_s);
        if sent < 1.0 || lasted <= 0.0 {
            return Err(failed("it generated nothing".to_owned()));
        }
        let cpu_s = process::cpu_time().saturating_since(cpu_before).as_secs_f64();
        let cpu_quota = outcome.report.environment.cpu_quota;
        let per_s = sustained(sent / lasted, sent / cpu_s, cpu_quota);
        Ok(Self { per_s, cpu_quota, bytes_each: as_f64(outcome.measured.bytes) / sent })
    }
}

/// What lasts of a rate that was reached in a moment: a quota may not have taken effect yet, but in the long run it allows so
/// many processors' worth of events and no more.
fn sustained(reached_per_s: f64, per_processor_s: f64, cpu_quota: Option<f64>) -> f64 {
    cpu_quota.map_or(reached_per_s, |quota| reached_per_s.min(per_processor_s * quota))
}

/// The generator's own part of the plan, with no cluster.
fn config(plan: &Plan) -> run::Config {
    let run = plan.run.clone();
    let placed = run.kafka.client.get_key_value("partitioner");
    run::Config {
        name: "calibration".to_owned(),
        id: RunId(run.seed),
        lanes: Lanes::only(run.lanes.count),
        start_at_unix_ns: None,
        transactions: None,
        pacing: Pacing::Sleep,
        event_time: EventTime::Now,
        late: crate::source::Late::default(),
        lateness: Lateness::default(),
        verify: None,
        patience: Patience::default(),
        detail: Detail::default(),
        faults: Vec::new(),
        downstream: Downstream::default(),
        kafka: KafkaConfig {
            bootstrap: None,
            client: placed.map(|(key, value)| (key.clone(), value.clone())).into_iter().collect(),
            connect_timeout: Duration::from_secs(10),
            headers: BTreeMap::new(),
            lag_group: None,
            ..run.kafka
        },
        ..run
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_bounds_what_lasts_of_a_rate_that_was_reached_in_a_moment() {
        let close = |one: f64, other: f64| (one - other).abs() < 1e-6;
        assert!(close(sustained(800_000.0, 900_000.0, None), 800_000.0));
        assert!(close(sustained(800_000.0, 900_000.0, Some(0.25)), 225_000.0));
        assert!(close(sustained(200_000.0, 900_000.0, Some(0.25)), 200_000.0), "it took effect already");
    }
}
