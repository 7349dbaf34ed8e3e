//! Bodies of a binary format as JSON, for whoever looks for fields by their names.

use super::schema_error::SchemaError;
use super::shape::{Field, Record, Shape, Unit, Value};
use super::value::{ValueSink, drive_record};
use super::{Malformed, avro, json, protobuf};

/// Reads bodies of one schema.
#[derive(Debug)]
pub struct Transcoder {
    plan: Plan,
    written: Record,
    told: Record,
    json: json::Plan,
}

#[derive(Debug)]
enum Plan {
    Avro(avro::Plan),
    Protobuf(protobuf::Plan),
}

impl Transcoder {
    /// Of an Avro schema.
    ///
    /// # Errors
    /// What is wrong in it, or not supported, and where.
    pub fn avro(text: &str) -> Result<Self, SchemaError> {
        let schema = avro::Schema::parse(text)?;
        let plan = avro::Plan::new(&schema, schema.record(), None, None)?;
        Self::new(Plan::Avro(plan), schema.record())
    }

    /// Of a message of a Protobuf file, which imports these.
    ///
    /// # Errors
    /// What is wrong in it, or not supported, and where.
    pub fn protobuf(text: &str, imports: &[(&str, &str)], message: &[usize]) -> Result<Self, SchemaError> {
        let schema = protobuf::Schema::parse(text, imports, protobuf::Pick::At(message))?;
        let plan = protobuf::Plan::new(&schema, schema.record(), None, None)?;
        Self::new(Plan::Protobuf(plan), schema.record())
    }

    fn new(plan: Plan, written: &Record) -> Result<Self, SchemaError> {
        let told = record_in_millis(written);
        let json = json::Plan::new(&told, None, None)?;
        Ok(Self { plan, written: written.clone(), told, json })
    }

    /// Writes a body as a JSON object to the end of `out`. Times are ms since the Unix epoch there, in whatever unit they were written.
    ///
    /// # Errors
    /// Why the body is none of the schema.
    pub fn json(&self, body: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut value = self.value(body)?;
        record_to_millis(&mut value, &self.written);
        let mut writer = json::Writer::new(&self.json, out);
        drive_record(&value, &self.told, &mut writer).map_err(|_| Malformed::BadValue("a value is not of its type"))
    }

    /// Writes a body with other values to the end of `out`: `of` gives that of a field by its name and the one that it has. Times are
    /// ms since the Unix epoch for it.
    ///
    /// # Errors
    /// Why the body is none of the schema, or a value does not go into its field.
    pub fn altered(
        &self,
        body: &[u8],
        mut of: impl FnMut(&str, &Value) -> Option<Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let mut value = self.value(body)?;
        let Value::Record(values) = &mut value else { return Err(Malformed::MissingField) };
        for (value, field) in values.iter_mut().zip(&self.written.fields) {
            let mut told = value.clone();
            to_millis(&mut told, &field.shape);
            if let Some(mut other) = of(&field.name, &told) {
                from_millis(&mut other, &field.shape);
                *value = other;
            }
        }
        let written = match &self.plan {
            Plan::Avro(plan) => drive_record(&value, &self.written, &mut avro::Writer::new(plan, out)),
            Plan::Protobuf(plan) => drive_record(&value, &self.written, &mut protobuf::Writer::new(plan, out)),
        };
        written.map_err(|_| Malformed::BadValue("a value is not of its type"))
    }

    fn value(&self, body: &[u8]) -> Result<Value, Malformed> {
        let mut sink = ValueSink::new(&self.written);
        match &self.plan {
            Plan::Avro(plan) => avro::read(plan, body, &mut sink)?,
            Plan::Protobuf(plan) => protobuf::read(plan, body, &mut sink)?,
        };
        sink.finish().ok_or(Malformed::MissingField)
    }
}

fn record_in_millis(Record { name, fields }: &Record) -> Record {
    // What a reader takes for a field that is not there does not matter here.
    let field = |field: &Field| Field { name: field.name.clone(), shape: in_millis(&field.shape), default: None };
    Record { name: name.clone(), fields: fields.iter().map(field).collect() }
}

/// The shape with all times since the epoch in ms.
fn in_millis(shape: &Shape) -> Shape {
    match shape {
        Shape::Timestamp { local, .. } => Shape::Timestamp { unit: Unit::Millis, local: *local },
        Shape::Array(inner) => Shape::Array(Box::new(in_millis(inner))),
        Shape::Map(inner) => Shape::Map(Box::new(in_millis(inner))),
        Shape::Optional(inner) => Shape::Optional(Box::new(in_millis(inner))),
        Shape::Record(record) => Shape::Record(record_in_millis(record)),
        Shape::Union(branches) => Shape::Union(branches.iter().map(in_millis).collect()),
        other => other.clone(),
    }
}

fn record_to_millis(value: &mut Value, record: &Record) {
    if let Value::Record(values) = value {
        values.iter_mut().zip(&record.fields).for_each(|(value, field)| to_millis(value, &field.shape));
    }
}

fn to_millis(value: &mut Value, shape: &Shape) {
    match (shape, value) {
        (Shape::Timestamp { unit, .. }, Value::Integer(number)) => {
            *number = number.div_euclid(of_a_milli(*unit));
        }
        (Shape::Array(inner), Value::Array(values)) => values.iter_mut().for_each(|value| to_millis(value, inner)),
        (Shape::Map(inner), Value::Map(values)) => values.iter_mut().for_each(|(_, value)| to_millis(value, inner)),
        (Shape::Optional(inner), value) => to_millis(value, inner),
        (Shape::Record(record), value) => record_to_millis(value, record),
        (Shape::Union(branches), Value::Branch(at, value)) => {
            if let Some(shape) = branches.get(*at) {
                to_millis(value, shape);
            }
        }
        _ => {}
    }
}

/// A time in ms, in the unit that it is written in.
fn from_millis(value: &mut Value, shape: &Shape) {
    match (shape, value) {
        (Shape::Timestamp { unit, .. }, Value::Integer(number)) => *number *= of_a_milli(*unit),
        (Shape::Optional(inner), value) => from_millis(value, inner),
        _ => {}
    }
}

const fn of_a_milli(unit: Unit) -> i128 {
    match unit {
        Unit::Millis => 1,
        Unit::Micros => 1_000,
        Unit::Nanos => 1_000_000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(transcoder: &Transcoder, body: &[u8]) -> String {
        let mut out = Vec::new();
        transcoder.json(body, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn avro_is_told_as_json_with_its_times_in_ms() {
        let text = r#"{"type": "record", "name": "Total", "fields": [
            {"name": "key", "type": "string"},
            {"name": "window", "type": {"type": "record", "name": "Window", "fields": [
                {"name": "start", "type": {"type": "long", "logicalType": "timestamp-micros"}}]}},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
            {"name": "value", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
            {"name": "end", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
            {"name": "items", "type": {"type": "array", "items": "int"}}]}"#;
        let transcoder = Transcoder::avro(text).unwrap();
        // "a\"b"; 5,000,000 us; B; 19.99; 7 ms; [1, 2].
        let body = b"\x06a\"b\x80\xad\xe2\x04\x02\x04\x07\xcf\x02\x0e\x04\x02\x04\x00";
        assert_eq!(
            told(&transcoder, body),
            r#"{"key":"a\"b","window":{"start":5000},"kind":"B","value":19.99,"end":7,"items":[1,2]}"#
        );
        for cut in 0..body.len() {
            assert!(transcoder.json(&body[..cut], &mut Vec::new()).is_err(), "{cut}");
        }
    }

    #[test]
    fn protobuf_is_told_as_json_with_its_times_in_ms() {
        let text = "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\";
            message Other { int32 n = 1; }
            message Total { string key = 1; google.protobuf.Timestamp start = 2; int64 value = 3; }";
        let transcoder = Transcoder::protobuf(text, &[], &[1]).unwrap();
        // "a"; 5 s and 7 ms; 300.
        let body = b"\x0a\x01a\x12\x07\x08\x05\x10\xc0\x9f\xab\x03\x18\xac\x02";
        assert_eq!(told(&transcoder, body), r#"{"key":"a","start":5007,"value":300}"#);
    }

    #[test]
    fn a_body_is_written_again_with_other_values() {
        let avro = r#"{"type": "record", "name": "Total", "fields": [
            {"name": "key", "type": "string"},
            {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
            {"name": "start", "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}]},
            {"name": "n", "type": "int"}]}"#;
        let proto = "syntax = \"proto3\"; import \"google/protobuf/timestamp.proto\";
            enum Kind { A = 0; B = 1; }
            message Total { string key = 1; Kind kind = 2; google.protobuf.Timestamp start = 3; int32 n = 4; }";
        for (transcoder, body) in [
            (Transcoder::avro(avro).unwrap(), &b"\x02a\x00\x02\x80\xad\xe2\x04\x0e"[..]),
            (Transcoder::protobuf(proto, &[], &[0]).unwrap(), b"\x0a\x01a\x1a\x02\x08\x05\x20\x07"),
        ] {
            assert_eq!(told(&transcoder, body), r#"{"key":"a","kind":"A","start":5000,"n":7}"#);
            let other = |name: &str, value: &Value| match name {
                "key" => Some(Value::Text("other".into())),
                "kind" => Some(Value::Text("B".into())),
                "start" => Some(Value::Integer(if *value == Value::Integer(5_000) { 8_001 } else { 0 })),
                _ => None,
            };
            let mut out = Vec::new();
            transcoder.altered(body, other, &mut out).unwrap();
            assert_eq!(told(&transcoder, &out), r#"{"key":"other","kind":"B","start":8001,"n":7}"#);
            let no_number = |name: &str, _: &Value| (name == "n").then(|| Value::Text("seven".into()));
            assert!(transcoder.altered(body, no_number, &mut Vec::new()).is_err());
        }
    }
}
