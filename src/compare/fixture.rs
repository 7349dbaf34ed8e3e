//! Simulated runs with known noise, for tests.

use hdrhistogram::Histogram;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rand_distr::StandardNormal;
use statrs::distribution::{ContinuousCDF, Normal};

use super::series::{Bucket, Samples, Second, Series};
use super::{Bundle, NamedSeries};
use crate::figures::as_f64;
use crate::recording::{Interval, LatencyKind, Recording};
use crate::report::{
    Environment, Latencies, LatencySummary, Offered, Run, RunReport, TimelineRow, Tool, TopicReport, TypeReport,
};

/// An autoregression of order 1 with innovations of variance 1, in equilibrium.
pub(super) fn autoregressive(n: usize, rho: f64, seed: u64) -> Vec<f64> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut value = rng.sample::<f64, _>(StandardNormal) / (1.0 - rho * rho).sqrt();
    let mut next = || {
        let now = value;
        value = rho * value + rng.sample::<f64, _>(StandardNormal);
        now
    };
    (0..n).map(|_| next()).collect()
}

/// A run to simulate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Simulated {
    /// Seconds.
    pub(super) seconds: usize,
    /// How much a second's level is like the one before.
    pub(super) rho: f64,
    /// Standard deviation of a second's level, as a share of it.
    pub(super) noise: f64,
    /// Standard deviation of a run's level, as a share of it.
    pub(super) run_noise: f64,
    /// How much slower than 5 ms it is: 1.1 for 10 %.
    pub(super) factor: f64,
    /// How much the load's own course moves the level, the same in every run.
    pub(super) course: f64,
}

impl Default for Simulated {
    fn default() -> Self {
        Self { seconds: 300, rho: 0.6, noise: 0.05, run_noise: 0.0, factor: 1.0, course: 0.0 }
    }
}

/// Samples per second and their share of the distribution: a grid of quantiles, denser in the tail.
fn grid() -> Vec<(f64, u64)> {
    let normal = Normal::standard();
    let steps = [(0.0, 0.98, 60_u64), (0.98, 0.998, 20), (0.998, 1.0, 20)];
    let cell = |(from, to, cells): (f64, f64, u64)| {
        (0..cells).map(move |cell| {
            let width = (to - from) / as_f64(cells);
            let share = from + width * (as_f64(cell) + 0.5);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
            let count = (width * 1_000_000.0).round() as u64;
            (share, count)
        })
    };
    steps.into_iter().flat_map(cell).map(|(share, count)| (normal.inverse_cdf(share), count)).collect()
}

/// A run whose seconds have log-normal latencies, at a level that wanders, with a tail that wanders by itself.
pub(super) fn simulated(plan: Simulated, seed: u64) -> Series {
    let Simulated { seconds, rho, noise, .. } = plan;
    let scale = noise * (1.0 - rho * rho).sqrt();
    let [level, tail, cpu] = [1, 2, 3].map(|part| autoregressive(seconds, rho, seed.wrapping_mul(31) + part));
    let run: f64 = StdRng::seed_from_u64(seed ^ 0x5eed).sample::<f64, _>(StandardNormal) * plan.run_noise;
    let grid = grid();
    let (mut fast, mut slow) = (Vec::new(), Vec::new());
    let mut counts = Vec::new();
    for second in 0..seconds {
        let course = plan.course * (as_f64(second as u64) / 40.0).sin();
        let middle = (5000.0 * plan.factor).ln() + scale * level[second] + course + run;
        let spread = 0.3 * (scale * tail[second]).exp();
        let samples: Vec<(Bucket, u64)> =
            grid.iter().map(|(z, count)| (bucket((middle + spread * z).exp()), *count)).collect();
        slow.push(samples.iter().map(|(b, count)| (bucket(as_f64(b.low) * 1.4), *count)).collect());
        fast.push(samples);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundred milliseconds")]
        let cpu_ms = (400.0 * plan.factor * (scale * cpu[second] + course + run).exp()) as u64;
        counts.push(Second { length_s: 1.0, sent: 1_000_000, acked: 1_000_000, cpu_ms: Some(cpu_ms) });
    }
    let latencies = [(LatencyKind::ResponseTime, fast), (LatencyKind::EndToEnd, slow)];
    Series {
        seconds: counts,
        latencies: latencies.into_iter().map(|(kind, samples)| (kind, Samples::new(samples, None))).collect(),
    }
}

/// The bucket of a histogram with three significant digits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a latency in us")]
fn bucket(us: f64) -> Bucket {
    let us = us as u64;
    let width = 1 << (64 - us.leading_zeros()).saturating_sub(11);
    Bucket { low: us / width * width, width }
}

pub(super) fn named(series: Series) -> NamedSeries {
    NamedSeries { name: "simulated".to_owned(), series }
}

/// A whole bundle: a run of 1,000 events a second with a verifier.
pub(crate) fn bundle(id: &str, seconds: u32, seed: u64) -> Bundle {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut recording = Recording::default();
    let mut timeline = Vec::new();
    for second in 1..=seconds {
        for (kind, offset) in
            [(LatencyKind::ServiceTime, 0), (LatencyKind::ResponseTime, 500), (LatencyKind::EndToEnd, 900)]
        {
            let mut histogram = Histogram::<u64>::new(3).unwrap();
            (0..1000).for_each(|_| histogram.record(offset + rng.random_range(4000..6000)).unwrap());
            recording.intervals.entry(kind).or_default().push(Interval { ends_s: f64::from(second), histogram });
        }
        timeline.push(TimelineRow {
            at_s: f64::from(second),
            scheduled: 1000,
            sent: 1000,
            acked: 1000,
            cpu_ms: Some(rng.random_range(20..24)),
            ..TimelineRow::default()
        });
    }
    let events = u64::from(seconds) * 1000;
    let type_report = |sent, share_percent| TypeReport { sent, share_percent, ..TypeReport::default() };
    let report = RunReport {
        schema_version: 1,
        tool: Tool { name: "loadgen".to_owned(), version: "0.1.0".to_owned(), ..Tool::default() },
        run: Run {
            id: id.to_owned(),
            measured_s: f64::from(seconds),
            schedule: "constant".to_owned(),
            source: "synthetic".to_owned(),
            lanes: 1,
            ..Run::default()
        },
        environment: Environment {
            cores: 2,
            os: "linux x86_64".to_owned(),
            brokers: vec!["127.0.0.1:9092".to_owned()],
            topics: vec![TopicReport {
                id: None,
                made_anew: false,
                name: "raw-events".to_owned(),
                partitions: 6,
                replication_factor: Some(1),
                ..TopicReport::default()
            }],
            ..Environment::default()
        },
        offered: Offered { scheduled: events, rate_per_s: Some(1000.0), bytes: events * 190, ..Offered::default() },
        latency_us: Latencies { end_to_end: Some(LatencySummary::default()), ..Latencies::default() },
        by_type: [
            ("view".to_owned(), type_report(events / 2, 50.0)),
            ("search".to_owned(), type_report(events / 2, 50.0)),
        ]
        .into(),
        timeline,
        ..RunReport::default()
    };
    Bundle { name: format!("run-{id}"), report, recording }
}
