//! What drawing one synthetic event costs, for small and large populations.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use loadgen::source::synthetic::{Config, HotKey, Model, SessionsConfig, Synthetic};

fn draw(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("synthetic/draw");
    group.throughput(Throughput::Elements(1));
    for users in [1_000, 100_000, 1_000_000, 100_000_000] {
        let config = Config { users, items: users / 2, ..Config::default() };
        let mut lane = lane(&config);
        group.bench_function(BenchmarkId::new("users", users), |b| b.iter(|| black_box(lane.draw())));
    }
    let uniform = Config { user_skew: 0.0, item_skew: 0.0, ..Config::default() };
    let mut lane_of_uniform = lane(&uniform);
    group.bench_function("uniform", |b| b.iter(|| black_box(lane_of_uniform.draw())));
    let hot = Config { hot_user: Some(HotKey { share: 0.3, id: 0 }), ..Config::default() };
    let mut lane_of_hot = lane(&hot);
    group.bench_function("hot_user", |b| b.iter(|| black_box(lane_of_hot.draw())));
    for concurrent in [100, 1_000, 100_000] {
        let sessions = SessionsConfig { concurrent, ..SessionsConfig::default() };
        let mut lane = lane(&Config { model: Model::Sessions, sessions, ..Config::default() });
        group.bench_function(BenchmarkId::new("sessions", concurrent), |b| b.iter(|| black_box(lane.draw())));
    }
    group.finish();
}

fn build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("synthetic/build");
    for users in [100_000, 100_000_000] {
        let config = Config { users, items: users / 2, ..Config::default() };
        group.bench_function(BenchmarkId::new("users", users), |b| b.iter(|| black_box(lane(&config))));
    }
    group.finish();
}

#[expect(clippy::expect_used, reason = "a benchmark that cannot start has nothing to measure")]
fn lane(config: &Config) -> loadgen::source::synthetic::Lane {
    Arc::new(Synthetic::new(config, 1).expect("a usable configuration")).lane(0, 1).expect("the only lane")
}

criterion_group!(benches, draw, build);
criterion_main!(benches);
