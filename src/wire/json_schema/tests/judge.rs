//! Schemas of random records and bodies, right and wrong ones, for another validator: `scripts/wire-judge` asks Python's.

use std::fs::{File, create_dir_all};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;
use crate::wire::protobuf::tests::draw::Draw;

/// A value as this module's document says that JSON has it.
fn to_json(value: &Value, shape: &Shape) -> Json {
    match (value, shape) {
        (Value::Null, Shape::Constant(text)) => (**text).into(),
        (Value::Null, _) => Json::Null,
        (value, Shape::Optional(shape)) => to_json(value, shape),
        (Value::Boolean(value), _) => (*value).into(),
        (Value::Integer(days), Shape::Date) => {
            let epoch = jiff::civil::date(1970, 1, 1);
            let days = i64::try_from(*days).unwrap().rem_euclid(100_000);
            epoch.checked_add(jiff::Span::new().days(days)).unwrap().to_string().into()
        }
        (Value::Integer(value), _) => {
            i64::try_from(*value).map_or_else(|_| u64::try_from(*value).unwrap().into(), Json::from)
        }
        (Value::Double(value), _) => {
            if value.is_finite() {
                (*value).into()
            } else {
                0.into()
            }
        }
        (Value::Decimal(value), _) => i64::try_from(*value).unwrap_or(7).into(),
        (Value::Text(text), _) => (**text).into(),
        // The alphabet does not matter here, the length does.
        (Value::Bytes(bytes), _) => "AAAA".repeat(bytes.len().div_ceil(3)).into(),
        (Value::Uuid(value), _) => uuid::Uuid::from_u128(*value).to_string().into(),
        (Value::Symbol(index), Shape::Enum { symbols, .. }) => (*symbols[*index]).into(),
        (Value::Array(values), Shape::Array(entry)) => values.iter().map(|value| to_json(value, entry)).collect(),
        (Value::Map(values), Shape::Map(shape)) => {
            Json::Object(values.iter().map(|(key, value)| (key.to_string(), to_json(value, shape))).collect())
        }
        (Value::Record(values), Shape::Record(record)) => Json::Object(
            values
                .iter()
                .zip(&record.fields)
                .filter(|(value, field)| !matches!((value, &field.shape), (Value::Null, Shape::Optional(_))))
                .map(|(value, field)| (field.name.to_string(), to_json(value, &field.shape)))
                .collect(),
        ),
        (Value::Branch(index, value), Shape::Union(branches)) => to_json(value, &branches[*index]),
        (value, shape) => panic!("{value:?} of {shape:?}"),
    }
}

/// The same with one part of it changed, left out or added.
fn changed(draw: &mut Draw, value: &mut Json) {
    match value {
        Json::Object(fields) if !fields.is_empty() && draw.below(4) > 0 => {
            let at = draw.below(fields.len());
            changed(draw, fields.values_mut().nth(at).unwrap());
        }
        Json::Object(fields) if draw.below(2) == 0 => {
            fields.insert("added".into(), 1.into());
        }
        Json::Object(fields) if !fields.is_empty() => {
            let key = fields.keys().next().unwrap().clone();
            fields.remove(&key);
        }
        Json::Array(values) if !values.is_empty() && draw.below(4) > 0 => {
            let at = draw.below(values.len());
            changed(draw, &mut values[at]);
        }
        value => {
            let others = [
                json!(null),
                json!(true),
                json!(-1),
                json!(1.5),
                json!("s1"),
                json!([]),
                json!({}),
                json!("2026-02-30"),
            ];
            *value = others[draw.below(others.len())].clone();
        }
    }
}

fn drawn(seed: u64) -> (Schema, Record, Draw) {
    let mut draw = Draw(seed);
    let record = draw.record(3, "random.Event");
    (Schema::of(&record).unwrap(), record, draw)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn value_of_a_record_is_valid_by_its_schema(seed: u64) {
        let (schema, record, mut draw) = drawn(seed);
        for _ in 0..5 {
            let body = to_json(&draw.value_of(&record), &Shape::Record(record.clone())).to_string();
            prop_assert_eq!(schema.validate(body.as_bytes()), Ok(()), "{} in {}", body, schema.text());
        }
        // What the text says is a schema again.
        prop_assert!(Schema::of(schema.record()).is_ok());
    }
}

#[test]
#[ignore = "writes pairs for scripts/wire-judge"]
fn pairs_are_written_for_the_judge() {
    let directory = PathBuf::from(std::env::var("WIRE_JUDGE").expect("scripts/wire-judge sets it")).join("json-schema");
    let seeds = std::env::var("SEEDS").map_or(100, |seeds| seeds.parse().unwrap());
    create_dir_all(&directory).unwrap();
    let mut out = BufWriter::new(File::create(directory.join("ours.jsonl")).unwrap());
    for seed in 0..seeds {
        let (schema, record, mut draw) = drawn(seed);
        let bodies = (0..50).map(|at| {
            let mut body = to_json(&draw.value_of(&record), &Shape::Record(record.clone()));
            if at % 2 == 1 {
                changed(&mut draw, &mut body);
            }
            let is_valid = schema.validate(body.to_string().as_bytes()).is_ok();
            json!([body, is_valid])
        });
        let bodies: Json = bodies.collect();
        writeln!(out, "{}", json!({"text": schema.text(), "bodies": bodies})).unwrap();
    }
    out.flush().unwrap();
}
