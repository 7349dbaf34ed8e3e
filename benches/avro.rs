//! What writing and reading the shop's views and transactions costs in Avro, next to JSON and Protobuf: the same values.
#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loadgen::wire::BodyWriter as _;
use loadgen::wire::shape::{Field, Record, Shape, Unit, UuidForm};
use loadgen::wire::sink::{Escaped, Part, Sink};
use loadgen::wire::{avro, json, protobuf};

/// An event of the shop with fields of its own.
fn event(name: &str, id: UuidForm, own: Vec<(&str, Shape)>) -> Record {
    let common = vec![
        ("event_id", Shape::Uuid(id)),
        ("event_type", Shape::Constant(name.to_ascii_lowercase().into())),
        ("timestamp", Shape::Timestamp { unit: Unit::Millis, local: false }),
        ("user_id", Shape::Text),
        ("item_id", Shape::Text),
    ];
    let last = vec![("session_id", Shape::Text), ("padding", Shape::Optional(Box::new(Shape::Text)))];
    let fields = common.into_iter().chain(own).chain(last);
    let fields = fields.map(|(name, shape)| Field { name: name.into(), shape, default: None });
    Record { name: format!("shop.events.{name}").into(), fields: fields.collect() }
}

fn view(id: UuidForm) -> Record {
    let symbols = ["mobile", "desktop", "tablet"].map(Into::into).to_vec();
    let device = Shape::Enum { name: "DeviceType".into(), symbols };
    event("View", id, vec![("category", Shape::Text), ("device_type", device)])
}

fn transaction(id: UuidForm) -> Record {
    let price = Shape::Decimal { precision: 18, scale: 2, min: None };
    event("Transaction", id, vec![("transaction_id", Shape::Text), ("price", price)])
}

fn give_view(category: &Escaped, sink: &mut impl Sink) {
    sink.uuid(0x0190_0000_0000_7000_8000_0000_0000_0001);
    sink.integer(1_764_382_000_123);
    sink.plain("1150086");
    sink.plain("461686");
    sink.escaped(category);
    sink.symbol(1);
    sink.joined(&[Part::Number(1_150_086), Part::Text("-"), Part::Number(1)]);
    sink.null();
}

fn give_transaction(_: &Escaped, sink: &mut impl Sink) {
    sink.uuid(0x0190_0000_0000_7000_8000_0000_0000_0001);
    sink.integer(1_764_382_000_123);
    sink.plain("1150086");
    sink.plain("461686");
    sink.plain("7063");
    sink.decimal(12_995);
    sink.joined(&[Part::Number(1_150_086), Part::Text("-"), Part::Number(1)]);
    sink.null();
}

macro_rules! bench_event {
    ($criterion:expr, $name:literal, $record:path, $give:path) => {{
        let category = Escaped::new("Electronics");
        let mut out = Vec::with_capacity(1 << 16);
        let mut group = $criterion.benchmark_group(concat!("formats/", $name));
        group.throughput(Throughput::Elements(1));

        let plan = json::Plan::new(&$record(UuidForm::Text), Some(0), Some(3)).expect("a plan");
        group.bench_function("json write", |b| {
            b.iter(|| {
                out.clear();
                let mut writer = json::Writer::new(black_box(&plan), &mut out);
                $give(&category, &mut writer);
                black_box(writer.finish())
            });
        });
        group.bench_function("json read", |b| b.iter(|| plan.scan(black_box(&out))));

        for (form, id) in [("avro", UuidForm::Fixed), ("avro, id as text", UuidForm::Text)] {
            let record = $record(id);
            let schema = avro::Schema::of(&record).expect("a schema");
            let plan = avro::Plan::new(&schema, &record, Some(0), Some(3)).expect("a plan");
            group.bench_function(format!("{form} write"), |b| {
                b.iter(|| {
                    out.clear();
                    let mut writer = avro::Writer::new(black_box(&plan), &mut out);
                    $give(&category, &mut writer);
                    black_box(writer.finish())
                });
            });
            group.bench_function(format!("{form} read"), |b| b.iter(|| avro::read(&plan, black_box(&out), &mut ())));
        }

        let record = $record(UuidForm::Text);
        let schema = protobuf::Schema::of(&record).expect("a schema");
        let plan = protobuf::Plan::new(&schema, &record, Some(0), Some(3)).expect("a plan");
        group.bench_function("protobuf write", |b| {
            b.iter(|| {
                out.clear();
                let mut writer = protobuf::Writer::new(black_box(&plan), &mut out);
                $give(&category, &mut writer);
                black_box(writer.finish())
            });
        });
        group.bench_function("protobuf read", |b| b.iter(|| protobuf::read(&plan, black_box(&out), &mut ())));
        group.finish();
    }};
}

fn views(criterion: &mut Criterion) {
    bench_event!(criterion, "view", view, give_view);
}

fn transactions(criterion: &mut Criterion) {
    bench_event!(criterion, "transaction", transaction, give_transaction);
}

criterion_group!(benches, views, transactions);
criterion_main!(benches);
