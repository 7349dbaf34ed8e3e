#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "random numbers"
)]
pub(in crate::wire) mod draw;
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "values fit, by their schema")]
mod dynamic;
mod judge;
mod reading;
mod schemas;

use proptest::prelude::*;
use prost_reflect::DynamicMessage;
use prost_reflect::prost::Message as _;

use self::draw::Draw;
pub(in crate::wire) use self::dynamic::settled;
use self::dynamic::{from_dynamic, to_dynamic};
use super::{Pick, Plan, Schema, Writer, ordered, read, read_closely, scattered};
use crate::wire::BodyWriter as _;
use crate::wire::shape::{Record, Value};
use crate::wire::value::{ValueSink, drive_record};
use crate::wire::{Malformed, Written};

fn write(plan: &Plan, record: &Record, value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(plan, &mut out);
    drive_record(value, record, &mut writer).unwrap();
    assert_eq!(writer.finish(), Written::default());
    out
}

fn value_of(plan: &Plan, record: &Record, body: &[u8]) -> Result<Value, Malformed> {
    let mut sink = ValueSink::new(record);
    read(plan, body, &mut sink)?;
    Ok(sink.finish().unwrap())
}

/// A schema, its record and its plan, of one kind or the other.
fn drawn(seed: u64) -> (Schema, Record, Plan, Draw) {
    let mut draw = Draw(seed);
    let (schema, record) = if seed.is_multiple_of(2) {
        let record = draw.record(3, "random.Event");
        (Schema::of(&record).unwrap(), record)
    } else {
        let text = draw.proto();
        let schema =
            Schema::parse(&text, &[], Pick::Named("Outer")).unwrap_or_else(|error| panic!("{error} in {text}"));
        let record = schema.record().clone();
        (schema, record)
    };
    let plan = Plan::new(&schema, &record, None, None).unwrap_or_else(|error| panic!("{error} in {}", schema.text()));
    (schema, record, plan, draw)
}

/// Whether our bytes and those of prost-reflect are read by the other to the same values; whether they are the same bytes.
fn agree(seed: u64) -> (usize, usize) {
    let (schema, record, plan, mut draw) = drawn(seed);
    let mut same = 0;
    for _ in 0..8 {
        let value = draw.value_of(&record);
        let ours = write(&plan, &record, &value);
        let theirs = to_dynamic(&value, &record, schema.message());
        let back = DynamicMessage::decode(schema.message().clone(), ours.as_slice());
        let back = back.unwrap_or_else(|error| panic!("seed {seed}: {error}: {ours:?} in {}", schema.text()));
        let read = from_dynamic(&back, &record).map(settled);
        assert_eq!(read, Some(settled(value.clone())), "seed {seed}: {ours:?} in {}", schema.text());
        assert_eq!(back.unknown_fields().count(), 0, "seed {seed}: {ours:?} in {}", schema.text());
        let bytes = theirs.encode_to_vec();
        let read = value_of(&plan, &record, &bytes);
        assert_eq!(read.map(settled), Ok(settled(value.clone())), "seed {seed}: {bytes:?} in {}", schema.text());
        assert_eq!(value_of(&plan, &record, &ours), Ok(value), "seed {seed}");
        assert!(ordered::read(&plan, &ours, &mut ()).is_some(), "seed {seed}: our own bytes took the slow way");
        same += usize::from(ours == bytes);
    }
    (8, same)
}

/// Whether any body is refused, or read as prost-reflect reads it; whether it was refused.
fn is_refused(schema: &Schema, record: &Record, plan: &Plan, body: &[u8]) -> bool {
    let mut sink = ValueSink::new(record);
    let slow = scattered::read(plan, body, &mut sink);
    if let Some(written) = ordered::read(plan, body, &mut ()) {
        assert_eq!(slow.as_ref().map(|read| read.written.clone()), Ok(written), "{body:?} in {}", schema.text());
    }
    match value_of(plan, record, body) {
        Ok(value) => {
            let (fast, slow) = (settled(value.clone()), sink.finish().map(settled));
            assert_eq!(slow, Some(fast), "{body:?} in {}", schema.text());
            let theirs = DynamicMessage::decode(schema.message().clone(), body);
            let theirs = theirs.map(|message| from_dynamic(&message, record).map(settled));
            assert_eq!(theirs, Ok(Some(settled(value))), "{body:?} in {}", schema.text());
            false
        }
        Err(reason) => {
            assert_eq!(slow.map_err(Malformed::reason), Err(reason.reason()));
            true
        }
    }
}

/// Cuts, flips and insertions of a body; how many there were and how many of them were refused.
fn damage(seed: u64) -> (usize, usize) {
    let (schema, record, plan, mut draw) = drawn(seed);
    let value = draw.value_of(&record);
    let body = write(&plan, &record, &value);
    let (mut all, mut refused) = (0, 0);
    let mut judge = |body: &[u8]| {
        all += 1;
        refused += usize::from(is_refused(&schema, &record, &plan, body));
    };
    for length in (0..body.len()).take(200) {
        judge(&body[..length]);
    }
    for at in (0..body.len()).take(200) {
        for bit in [0, 1, 3, 5, 7] {
            let mut body = body.clone();
            body[at] ^= 1 << bit;
            judge(&body);
        }
        let mut body = body.clone();
        body.insert(at, draw.byte());
        judge(&body);
    }
    let other = write(&plan, &record, &draw.value_of(&record));
    judge(&[body.as_slice(), &other].concat());
    (all, refused)
}

fn limited(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(limited(150))]

    #[test]
    fn prost_reflect_reads_what_we_write_and_we_read_what_it_writes(seed: u64) {
        agree(seed);
    }
}

proptest! {
    #![proptest_config(limited(25))]

    #[test]
    fn damaged_body_is_refused_or_read_as_prost_reflect_reads_it(seed: u64) {
        damage(seed);
    }

    #[test]
    fn random_bytes_are_refused_or_read_as_prost_reflect_reads_them(seed: u64, bodies in prop::collection::vec(prop::collection::vec(0..24_u8, 0..30), 20)) {
        let (schema, record, plan, _) = drawn(seed);
        for body in bodies {
            is_refused(&schema, &record, &plan, &body);
        }
    }
}

/// `SEEDS=100000 cargo test --lib wire::protobuf -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes: the same comparisons over many more schemas"]
fn comparisons_hold_for_many_schemas() {
    let seeds = std::env::var("SEEDS").map_or(10_000, |seeds| seeds.parse().unwrap());
    let (mut pairs, mut same, mut bodies, mut refused) = (0, 0, 0, 0);
    for seed in 0..seeds {
        let (all, equal) = agree(seed);
        (pairs, same) = (pairs + all, same + equal);
        if seed % 16 < 2 {
            let (all, no) = damage(seed);
            (bodies, refused) = (bodies + all, refused + no);
        }
    }
    println!(
        "{pairs} pairs of schema and value, {same} of them equal to the byte; {bodies} damaged, {refused} refused"
    );
}
