//! Pairs of schema and body for another implementation, and its answers: `scripts/wire-judge` runs both around Google's own.

use std::fs::{File, create_dir_all};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;

use prost_reflect::{DynamicMessage, MapKey, Value as Dynamic};
use serde_json::{Value as Json, json};

use super::*;

const BODIES: usize = 50;

fn directory() -> PathBuf {
    PathBuf::from(std::env::var("WIRE_JUDGE").expect("scripts/wire-judge sets it")).join("protobuf")
}

fn seeds() -> u64 {
    std::env::var("SEEDS").map_or(100, |seeds| seeds.parse().unwrap())
}

/// The bodies of a schema and what they say, the same ones each time.
fn bodies(seed: u64) -> (Schema, Record, Plan, Vec<Value>) {
    let (schema, record, plan, mut draw) = drawn(seed);
    let values = (0..BODIES).map(|_| draw.value_of(&record)).collect();
    (schema, record, plan, values)
}

/// What is set in a message, by field numbers. Numbers are decimal texts, floats their bits.
fn neutral(message: &DynamicMessage) -> Json {
    Json::Object(message.fields().map(|(field, value)| (field.number().to_string(), one(value))).collect())
}

fn one(value: &Dynamic) -> Json {
    match value {
        Dynamic::Bool(value) => i32::from(*value).to_string().into(),
        Dynamic::I32(value) | Dynamic::EnumNumber(value) => value.to_string().into(),
        Dynamic::I64(value) => value.to_string().into(),
        Dynamic::U32(value) => value.to_string().into(),
        Dynamic::U64(value) => value.to_string().into(),
        Dynamic::F32(value) => json!({"double": f64::from(*value).to_bits().to_string()}),
        Dynamic::F64(value) => json!({"double": value.to_bits().to_string()}),
        Dynamic::String(value) => value.as_str().into(),
        Dynamic::Bytes(value) => json!({"bytes": hex(value)}),
        Dynamic::Message(message) => neutral(message),
        Dynamic::List(values) => values.iter().map(one).collect(),
        Dynamic::Map(values) => {
            let entry = |(key, value): (&MapKey, &Dynamic)| (key.as_str().unwrap().to_owned(), one(value));
            json!({"map": Json::Object(values.iter().map(entry).collect())})
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

#[test]
#[ignore = "writes pairs for scripts/wire-judge"]
fn pairs_are_written_for_the_judge() {
    create_dir_all(directory()).unwrap();
    let mut out = BufWriter::new(File::create(directory().join("ours.jsonl")).unwrap());
    for seed in 0..seeds() {
        let (schema, record, plan, values) = bodies(seed);
        let bodies = values.iter().map(|value| {
            let said = neutral(&to_dynamic(value, &record, schema.message()));
            json!([hex(&write(&plan, &record, value)), said])
        });
        let bodies: Json = bodies.collect();
        writeln!(out, "{}", json!({"text": schema.text(), "message": schema.name(), "bodies": bodies})).unwrap();
    }
    out.flush().unwrap();
}

#[test]
#[ignore = "reads what scripts/wire-judge got from the other implementation"]
fn bodies_of_the_judge_have_the_same_values() {
    let theirs = BufReader::new(File::open(directory().join("theirs.jsonl")).unwrap());
    let (mut read, mut equal) = (0, 0);
    for (seed, line) in theirs.lines().enumerate() {
        let (_, record, plan, values) = bodies(seed as u64);
        let theirs: Vec<String> = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(theirs.len(), values.len());
        for (theirs, value) in theirs.iter().zip(values) {
            let theirs = unhex(theirs);
            equal += usize::from(theirs == write(&plan, &record, &value));
            let back = value_of(&plan, &record, &theirs).map(settled);
            assert_eq!(back, Ok(settled(value)), "seed {seed}: {theirs:?}");
            read += 1;
        }
    }
    println!("{read} bodies of the other implementation have our values, {equal} of them are ours to the byte");
}
