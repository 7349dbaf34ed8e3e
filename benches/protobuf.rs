//! What writing and reading one event in Protobuf costs: the shop's view, and a message with long messages in it.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot start has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loadgen::wire::BodyWriter as _;
use loadgen::wire::protobuf::{Plan, Schema, Writer, read, read_closely};
use loadgen::wire::shape::{Field, Record, Shape, Unit, UuidForm};
use loadgen::wire::sink::Sink;

fn view() -> Record {
    let symbols = ["mobile", "desktop", "tablet"].map(Into::into).to_vec();
    record(
        "shop.events.View",
        vec![
            ("event_id", Shape::Uuid(UuidForm::Text)),
            ("event_type", Shape::Constant("view".into())),
            ("timestamp", Shape::Timestamp { unit: Unit::Millis, local: false }),
            ("user_id", Shape::Text),
            ("item_id", Shape::Text),
            ("category", Shape::Text),
            ("session_id", Shape::Text),
            ("device_type", Shape::Enum { name: "DeviceType".into(), symbols }),
        ],
    )
}

fn record(name: &str, fields: Vec<(&str, Shape)>) -> Record {
    let fields = fields.into_iter().map(|(name, shape)| Field { name: name.into(), shape, default: None });
    Record { name: name.into(), fields: fields.collect() }
}

fn plan(record: &Record) -> Plan {
    let schema = Schema::of(record).expect("a schema");
    Plan::new(&schema, record, Some(0), Some(3)).expect("a plan")
}

fn write_view(plan: &Plan, out: &mut Vec<u8>) {
    let mut writer = Writer::new(plan, out);
    writer.uuid(0);
    writer.integer(1_764_382_000_123);
    writer.plain("1150086");
    writer.plain("461686");
    writer.text("Electronics");
    writer.plain("1150086-1");
    writer.symbol(1);
    black_box(writer.finish());
}

fn views(criterion: &mut Criterion) {
    let plan = plan(&view());
    let mut out = Vec::with_capacity(1 << 16);
    let mut group = criterion.benchmark_group("protobuf/view");
    group.throughput(Throughput::Elements(1));
    group.bench_function("write", |b| {
        b.iter(|| {
            out.clear();
            write_view(black_box(&plan), &mut out);
        });
    });
    group.bench_function("read", |b| b.iter(|| read(&plan, black_box(&out), &mut ())));
    // The same body with its last field first.
    let last = out.len() - 2;
    let turned = [&out[last..], &out[..last]].concat();
    let turned_in_order = read_closely(&plan, &turned, &mut ()).map(|read| read.in_order);
    assert_eq!(turned_in_order, Ok(false));
    group.bench_function("read in another order", |b| b.iter(|| read(&plan, black_box(&turned), &mut ())));
    group.finish();
}

/// The length of a message is put in behind it: what moving a long message costs.
fn nested(criterion: &mut Criterion) {
    let inner = record("Inner", vec![("text", Shape::Text)]);
    let middle = record("Middle", vec![("inner", Shape::Record(inner))]);
    let plan = plan(&record("Outer", vec![("id", Shape::Uuid(UuidForm::Text)), ("middle", Shape::Record(middle))]));
    let mut out = Vec::with_capacity(1 << 16);
    let mut group = criterion.benchmark_group("protobuf/nested");
    for length in [60, 200, 2_000] {
        let text = "x".repeat(length);
        group.bench_function(length.to_string(), |b| {
            b.iter(|| {
                out.clear();
                let mut writer = Writer::new(&plan, &mut out);
                writer.uuid(0);
                writer.text(black_box(&text));
                black_box(writer.finish());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, views, nested);
criterion_main!(benches);
