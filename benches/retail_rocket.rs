//! What a recorded row costs on its way: parsed, sorted, drawn; and what a generated one costs.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot start has nothing to measure")]

use std::hint::black_box;
use std::io;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loadgen::clock::Nanos;
use loadgen::dataset::generate::Generate;
use loadgen::source::retail_rocket::{Config, Pace, Recording, Rounds, Share};

const ROWS: u64 = 200_000;

fn load(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = recording_in(folder.path());
    let mut group = criterion.benchmark_group("retail_rocket");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    // Next to nobody is in the sample: every row is read and checked, none is sorted.
    let nobody = Config { users_sample: Share::new(1e-5), ..config.clone() };
    group.bench_function("parse", |b| b.iter(|| black_box(Recording::load(&nobody).is_ok())));
    group.bench_function("parse_and_sort", |b| b.iter(|| black_box(Recording::load(&config).is_ok())));
    let on_disk = Config { sort_memory: 1 << 20, ..config.clone() };
    group.bench_function("parse_and_sort_on_disk", |b| b.iter(|| black_box(Recording::load(&on_disk).is_ok())));
    let recording = Recording::load(&config).expect("a recording");
    let due = |_: u64, offset: Nanos| Some(offset);
    let pace = Pace { due: Some(&due), partitions: None };
    group.bench_function("forecast", |b| b.iter(|| black_box(recording.forecast(&pace).is_ok())));
    group.finish();
}

fn draw(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let forever = Config { rounds: Rounds::Forever, ..recording_in(folder.path()) };
    let mut group = criterion.benchmark_group("retail_rocket/draw");
    group.throughput(Throughput::Elements(1));
    for (name, lanes, config) in [
        ("one_lane", 1, forever.clone()),
        ("one_of_16_lanes", 16, forever.clone()),
        ("amplified_10", 1, Config { amplify: 10, ..forever.clone() }),
        ("from_disk", 1, Config { sort_memory: 1 << 20, ..forever.clone() }),
    ] {
        let recording = Arc::new(Recording::load(&config).expect("a recording"));
        let mut lane = recording.lane(0, lanes);
        group.bench_function(name, |b| b.iter(|| black_box(lane.draw())));
    }
    group.finish();
}

fn generate(criterion: &mut Criterion) {
    let settings = Generate { rows: ROWS, ..Generate::default() };
    let mut group = criterion.benchmark_group("dataset");
    group.throughput(Throughput::Elements(ROWS)).sample_size(20);
    group.bench_function("generate", |b| b.iter(|| black_box(settings.write(&mut io::sink()).is_ok())));
    group.finish();
}

fn recording_in(folder: &Path) -> Config {
    let path = folder.join("events.csv");
    Generate { rows: ROWS, ..Generate::default() }.to_file(&path, false).expect("a file of rows");
    Config { path, ..Config::default() }
}

criterion_group!(benches, load, draw, generate);
criterion_main!(benches);
