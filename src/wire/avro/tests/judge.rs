//! Schemas, values and bodies for other implementations: `scripts/compare-avro` runs these tests and asks fastavro and Avro for Java
//! about what they write.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use apache_avro::Schema as Avro;
use serde_json::{Value as Json, json};

use super::super::plain::Names;
use super::super::schema::resolved;
use super::super::steps::Step;
use super::*;

const BODIES: usize = 50;

fn file(name: &str) -> BufWriter<File> {
    let folder = PathBuf::from(std::env::var("AVRO_JUDGE").expect("scripts/compare-avro sets it"));
    BufWriter::new(File::create(folder.join(name)).unwrap())
}

fn seeds() -> u64 {
    std::env::var("SEEDS").map_or(100, |seeds| seeds.parse().unwrap())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// A value as the script reads it: floats by their bits, the branch of a union by its name.
fn neutral(value: &Value, shape: &Shape, own: &Avro, names: &Names) -> Json {
    let own = resolved(own, names).unwrap();
    match (value, shape, own) {
        (Value::Null, ..) => Json::Null,
        (Value::Branch(index, value), Shape::Union(branches), Avro::Union(union)) => {
            let branches = union.variants().iter().filter(|branch| !matches!(branch, Avro::Null)).zip(branches);
            let (own, shape) = branches.into_iter().nth(*index).unwrap();
            json!({"in": [kind(own), neutral(value, shape, own, names)]})
        }
        (value, Shape::Optional(shape), Avro::Union(union)) => {
            let some = union.variants().iter().find(|branch| !matches!(branch, Avro::Null)).unwrap();
            match &**shape {
                Shape::Union(_) => neutral(value, shape, own, names),
                shape => json!({"in": [kind(some), neutral(value, shape, some, names)]}),
            }
        }
        (Value::Boolean(value), ..) => (*value).into(),
        (Value::Integer(value), ..) => i64::try_from(*value).unwrap().into(),
        (Value::Double(value), ..) => json!({"double": value.to_bits().to_string()}),
        (Value::Text(text), ..) => (**text).into(),
        (Value::Bytes(bytes), ..) => json!({"bytes": hex(bytes)}),
        (Value::Uuid(value), _, Avro::Uuid(apache_avro::schema::UuidSchema::String)) => {
            uuid::Uuid::from_u128(*value).to_string().into()
        }
        (Value::Uuid(value), ..) => json!({"bytes": hex(&value.to_be_bytes())}),
        (Value::Decimal(value), Shape::Decimal { scale, .. }, _) => json!({"decimal": [value.to_string(), scale]}),
        (Value::Symbol(index), Shape::Enum { symbols, .. }, _) => (*symbols[*index]).into(),
        (Value::Array(values), Shape::Array(shape), Avro::Array(own)) => {
            values.iter().map(|value| neutral(value, shape, &own.items, names)).collect()
        }
        (Value::Map(values), Shape::Map(shape), Avro::Map(own)) => {
            let entry = |(key, value): &(Box<str>, Value)| (key.to_string(), neutral(value, shape, &own.types, names));
            json!({"map": values.iter().map(entry).collect::<serde_json::Map<_, _>>()})
        }
        (Value::Record(values), Shape::Record(record), Avro::Record(own)) => {
            let fields = values.iter().zip(&record.fields).zip(&own.fields);
            let fields = fields.map(|((value, field), own)| {
                (field.name.to_string(), neutral(value, &field.shape, &own.schema, names))
            });
            json!({"map": fields.collect::<serde_json::Map<_, _>>()})
        }
        (value, shape, own) => panic!("{value:?} of {shape:?} in {own:?}"),
    }
}

/// The name by which a union knows the branch.
fn kind(own: &Avro) -> Json {
    let Some(name) = own.name() else {
        let form: Json = serde_json::from_str(&super::super::canonical::form(own)).unwrap();
        return form.get("type").unwrap_or(&form).clone();
    };
    name.as_ref().into()
}

#[test]
#[ignore = "writes pairs for scripts/compare-avro"]
fn pairs_are_written_for_the_judges() {
    let mut out = file("pairs.jsonl");
    for seed in 0..seeds() {
        let (schema, plan, mut draw) = drawn(seed);
        let names = names(schema.parsed()).unwrap();
        let root = Shape::Record(schema.record().clone());
        let (mut bodies, mut values) = (Vec::new(), Vec::new());
        for _ in 0..BODIES {
            let value = draw.value_of(schema.record());
            let body = write(&plan, schema.record(), &value);
            assert!(body == theirs(&schema, &value) || has_map(&value), "seed {seed}");
            assert_eq!(value_of(&plan, schema.record(), &body).as_ref(), Ok(&value), "seed {seed}");
            bodies.push(hex(&body));
            values.push(neutral(&value, &root, schema.parsed(), &names));
        }
        let print = format!("{:016x}", schema.fingerprint());
        let line = json!({"writer": schema.text(), "form": schema.canonical_form(), "fingerprint": print, "bodies": bodies, "values": values});
        writeln!(out, "{line}").unwrap();
    }
    out.flush().unwrap();
}

#[test]
#[ignore = "writes damaged bodies for scripts/compare-avro"]
fn damaged_bodies_are_written_for_the_judges() {
    let mut out = file("damaged.jsonl");
    for seed in 0..seeds() {
        let (schema, plan, mut draw) = drawn(seed);
        // A count of entries without bytes may be so large that others read for hours.
        if plan.steps.iter().any(|step| matches!(step, Step::Begin { least: 0, .. })) {
            continue;
        }
        let value = draw.value_of(schema.record());
        let body = write(&plan, schema.record(), &value);
        let mut damaged: Vec<Vec<u8>> = (0..body.len()).map(|length| body[..length].to_vec()).collect();
        for at in 0..body.len() {
            // The second bit is the last of an index or a length.
            for bit in [1, draw.below(8)] {
                let mut body = body.clone();
                body[at] ^= 1 << bit;
                damaged.push(body);
            }
        }
        // All of a long body would say the same many times.
        damaged.truncate(900);
        let said = damaged.iter().map(|body| match value_of(&plan, schema.record(), body) {
            Ok(value) => json!({"as": hex(&write(&plan, schema.record(), &settled_maps(value)))}),
            Err(reason) => json!({"refused": reason.reason()}),
        });
        let said: Vec<_> = said.collect();
        let bodies: Vec<_> = damaged.iter().map(|body| hex(body)).collect();
        writeln!(out, "{}", json!({"writer": schema.text(), "bodies": bodies, "said": said})).unwrap();
    }
    out.flush().unwrap();
}

#[test]
#[ignore = "writes pairs of schemas for scripts/compare-avro"]
fn evolutions_are_written_for_the_judge() {
    let mut out = file("evolutions.jsonl");
    for seed in 0..seeds() {
        let (writer, reader, mut draw) = evolution::evolved(seed);
        let plan = Plan::new(&writer, writer.record(), None, None).unwrap();
        let to = Plan::new(&reader, reader.record(), None, None).unwrap();
        let resolution = Resolution::new(&writer, &reader).unwrap();
        let found: Vec<_> =
            compatible(&reader, &writer).err().into_iter().flatten().map(|error| error.to_string()).collect();
        let (mut bodies, mut said) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let body = write(&plan, writer.record(), &draw.value_of(writer.record()));
            said.push(match resolution.read(&body) {
                Ok(value) => json!({"as": hex(&write(&to, reader.record(), &value))}),
                Err(error) => json!({"refused": error.to_string()}),
            });
            bodies.push(hex(&body));
        }
        writeln!(out, "{}", json!({"writer": writer.text(), "reader": reader.text(), "differences": found, "bodies": bodies, "said": said})).unwrap();
    }
    out.flush().unwrap();
}

/// The same value with each key of a map once, at its first place with its last value, as maps in other languages have it.
fn settled_maps(value: Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.into_iter().map(settled_maps).collect()),
        Value::Record(values) => Value::Record(values.into_iter().map(settled_maps).collect()),
        Value::Branch(index, value) => Value::Branch(index, Box::new(settled_maps(*value))),
        Value::Map(values) => {
            let mut once: Vec<(Box<str>, Value)> = Vec::new();
            for (key, value) in values {
                let value = settled_maps(value);
                match once.iter_mut().find(|(known, _)| *known == key) {
                    Some((_, known)) => *known = value,
                    None => once.push((key, value)),
                }
            }
            Value::Map(once)
        }
        value => value,
    }
}
