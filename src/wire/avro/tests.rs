#[expect(clippy::cast_possible_truncation, reason = "values fit, by their schema")]
mod apache;
mod draw;
mod evolution;
mod judge;
mod reading;
mod schemas;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use proptest::prelude::*;

use self::apache::{from_apache, to_apache};
use super::schema::names;
use super::{Plan, Resolution, Schema, Writer, compatible, read};
use crate::wire::BodyWriter as _;
use crate::wire::protobuf::tests::draw::Draw;
use crate::wire::protobuf::tests::settled;
use crate::wire::shape::{Bits, Integer, Record, Shape, Value};
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

/// A schema, its own record and its plan, from a text or from a record.
fn drawn(seed: u64) -> (Schema, Plan, Draw) {
    let mut draw = Draw(seed);
    let schema = if seed.is_multiple_of(3) {
        loop {
            // What Avro cannot express is drawn again.
            if let Ok(schema) = Schema::of(&draw.record(3, "random.Event")) {
                break schema;
            }
        }
    } else {
        loop {
            let text = draw.avsc().to_string();
            match Schema::parse(&text) {
                Ok(schema) => break schema,
                Err(error) => assert!(error.problem.contains("without fields"), "{error} in {text}"),
            }
        }
    };
    let plan =
        Plan::new(&schema, schema.record(), None, None).unwrap_or_else(|error| panic!("{error} in {}", schema.text()));
    (schema, plan, draw)
}

/// What apache-avro writes.
fn theirs(schema: &Schema, value: &Value) -> Vec<u8> {
    let names = names(schema.parsed()).unwrap();
    let value = to_apache(value, &Shape::Record(schema.record().clone()), schema.parsed(), &names);
    let writer = GenericDatumWriter::builder(schema.parsed()).build().unwrap();
    writer.write_value_to_vec(value).unwrap_or_else(|error| panic!("{error} in {}", schema.text()))
}

/// What apache-avro reads, and how many bytes it leaves.
fn read_by_them(schema: &Schema, mut body: &[u8]) -> Option<(Value, usize)> {
    let names = names(schema.parsed()).unwrap();
    let reader = GenericDatumReader::builder(schema.parsed()).build().unwrap();
    let value = reader.read_value(&mut body).ok()?;
    Some((from_apache(&value, &Shape::Record(schema.record().clone()), schema.parsed(), &names)?, body.len()))
}

/// Whether our bytes and those of apache-avro are read by the other to the same values; whether they are the same bytes.
fn agree(seed: u64) -> (usize, usize) {
    let (schema, plan, mut draw) = drawn(seed);
    let record = schema.record();
    let mut same = 0;
    for _ in 0..8 {
        let value = draw.value_of(record);
        let ours = write(&plan, record, &value);
        let back = read_by_them(&schema, &ours).map(|(value, left)| (settled(value), left));
        assert_eq!(back, Some((settled(value.clone()), 0)), "seed {seed}: {ours:?} in {}", schema.text());
        let bytes = theirs(&schema, &value);
        let read = value_of(&plan, record, &bytes);
        assert_eq!(read.map(settled), Ok(settled(value.clone())), "seed {seed}: {bytes:?} in {}", schema.text());
        assert_eq!(value_of(&plan, record, &ours), Ok(value.clone()), "seed {seed}");
        assert!(ours == bytes || has_map(&value), "seed {seed}: {ours:?} and {bytes:?} in {}", schema.text());
        same += usize::from(ours == bytes);
    }
    (8, same)
}

/// Whether it has a map of several entries, which apache-avro writes in any order.
fn has_map(value: &Value) -> bool {
    match value {
        Value::Map(values) => values.len() > 1 || values.iter().any(|(_, value)| has_map(value)),
        Value::Array(values) | Value::Record(values) => values.iter().any(has_map),
        Value::Branch(_, value) => has_map(value),
        _ => false,
    }
}

/// Whether any body is refused, or read as apache-avro reads it; whether it was refused.
fn is_refused(schema: &Schema, plan: &Plan, body: &[u8]) -> bool {
    match value_of(plan, schema.record(), body) {
        Ok(value) => {
            let theirs = read_by_them(schema, body).map(|(value, left)| (settled(value), left));
            assert_eq!(theirs, Some((settled(value), 0)), "{body:?} in {}", schema.text());
            false
        }
        Err(reason) => {
            let is_laxer = match reason {
                Malformed::BadLength => true,
                Malformed::BadValue(text) => ["decimal", "UUID", "varint"].iter().any(|word| text.contains(word)),
                _ => false,
            };
            // They read null where a body ends before a union: what follows the body shows whether they wanted more.
            let theirs = read_by_them(schema, &[body, &[0; 9]].concat());
            let is_whole = theirs.as_ref().is_some_and(|(_, left)| *left == 9);
            assert!(is_laxer || !is_whole, "{reason}, and they read {theirs:?}: {body:?} in {}", schema.text());
            true
        }
    }
}

/// Cuts, flips and insertions of a body; how many there were and how many of them were refused.
fn damage(seed: u64) -> (usize, usize) {
    let (schema, plan, mut draw) = drawn(seed);
    let value = draw.value_of(schema.record());
    let body = write(&plan, schema.record(), &value);
    let (mut all, mut refused) = (0, 0);
    let mut judge = |body: &[u8]| {
        all += 1;
        refused += usize::from(is_refused(&schema, &plan, body));
    };
    for length in (0..body.len()).take(200) {
        assert!(is_refused(&schema, &plan, &body[..length]), "a cut body was read");
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
    (all, refused)
}

/// Whether a text that has been tampered with is refused, or else is one to work with.
fn breaks(seed: u64) {
    let mut draw = Draw(seed);
    let text = draw.avsc();
    let text = draw.broken(&text).to_string();
    if let Ok(schema) = Schema::parse(&text) {
        let plan = Plan::new(&schema, schema.record(), None, None);
        assert!(plan.is_ok(), "{plan:?} in {text}");
        assert!(compatible(&schema, &schema).is_ok(), "{text}");
    }
}

fn limited(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(limited(150))]

    #[test]
    fn apache_avro_reads_what_we_write_and_we_read_what_it_writes(seed: u64) {
        agree(seed);
    }

    #[test]
    fn text_of_a_record_gives_the_record_back(seed: u64) {
        let (schema, ..) = drawn(seed);
        let again = Schema::of(schema.record()).unwrap_or_else(|error| panic!("{error} in {}", schema.text()));
        prop_assert_eq!(again.record(), schema.record());
    }
}

proptest! {
    #![proptest_config(limited(1000))]

    #[test]
    fn broken_text_is_refused_or_has_a_plan(seed: u64) {
        breaks(seed);
    }
}

proptest! {
    #![proptest_config(limited(25))]

    #[test]
    fn damaged_body_is_refused_or_read_as_apache_avro_reads_it(seed: u64) {
        damage(seed);
    }

    #[test]
    fn random_bytes_are_refused_or_read_as_apache_avro_reads_them(seed: u64, bodies in prop::collection::vec(prop::collection::vec(0..24_u8, 0..30), 20)) {
        let (schema, plan, _) = drawn(seed);
        for body in bodies {
            is_refused(&schema, &plan, &body);
        }
    }
}

/// `SEEDS=100000 cargo test --lib wire::avro -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes: the same comparisons over many more schemas"]
fn comparisons_hold_for_many_schemas() {
    let seeds = std::env::var("SEEDS").map_or(10_000, |seeds| seeds.parse().unwrap());
    let (mut pairs, mut same, mut bodies, mut refused) = (0, 0, 0, 0);
    for seed in 0..seeds {
        let (all, equal) = agree(seed);
        (pairs, same) = (pairs + all, same + equal);
        (0..20).for_each(|at| breaks(seed * 20 + at));
        if seed % 16 < 2 {
            let (all, no) = damage(seed);
            (bodies, refused) = (bodies + all, refused + no);
        }
    }
    println!(
        "{pairs} pairs of schema and value, {same} of them equal to the byte; {bodies} damaged, {refused} refused"
    );
}

/// A field of a record, for the tests of its rooms.
fn field(name: &str, shape: Shape) -> crate::wire::shape::Field {
    crate::wire::shape::Field { name: name.into(), shape, default: None }
}

fn boxed(shape: Shape) -> Box<Shape> {
    Box::new(shape)
}

const COUNT: Shape = Shape::Integer(Integer { bits: Bits::I32, min: 1, max: 9 });
