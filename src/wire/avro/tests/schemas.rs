//! Texts to records and back, and what is refused.

use super::*;
use crate::wire::shape::{Field, Unit, UuidForm};

fn parse(fields: &str) -> Result<Schema, String> {
    let text = format!(r#"{{"type": "record", "name": "M", "namespace": "p", "fields": [{fields}]}}"#);
    Schema::parse(&text).map_err(|error| error.to_string())
}

/// The shape of one field of that type.
fn shape(type_of: &str) -> Result<Shape, String> {
    let schema = parse(&format!(r#"{{"name": "a", "type": {type_of}}}"#))?;
    Ok(schema.record().fields[0].shape.clone())
}

fn order() -> Record {
    let cents = Shape::Decimal { precision: 10, scale: 2, min: None };
    let line = Record { name: "Line".into(), fields: vec![field("sku", Shape::Text), field("price", cents.clone())] };
    let symbols = ["new", "in_work"].map(Into::into).to_vec();
    let status = Shape::Enum { name: "shop.Status".into(), symbols };
    let fields = vec![
        field("event_type", Shape::Constant("order".into())),
        field("id", Shape::Uuid(UuidForm::Fixed)),
        Field { default: Some(Value::Symbol(1)), ..field("status", status.clone()) },
        field("at", Shape::Timestamp { unit: Unit::Millis, local: false }),
        field("day", Shape::Optional(boxed(Shape::Date))),
        Field { default: Some(Value::Integer(3)), ..field("count", Shape::Optional(boxed(COUNT))) },
        field("lines", Shape::Array(boxed(Shape::Record(line.clone())))),
        field("gift", Shape::Optional(boxed(Shape::Record(line)))),
        Field { default: Some(Value::Map(vec![])), ..field("rates", Shape::Map(boxed(cents))) },
        field("paid_by", Shape::Optional(boxed(Shape::Union(vec![Shape::Text, Shape::Bytes])))),
        field("before", Shape::Array(boxed(status))),
        field("other", Shape::Uuid(UuidForm::Fixed)),
    ];
    Record { name: "shop.events.Order".into(), fields }
}

#[test]
fn record_has_this_text() {
    let text = r#"{
  "type": "record", "name": "Order", "namespace": "shop.events",
  "fields": [
    {"name": "event_type", "type": "string"},
    {"name": "id", "type": {"type": "fixed", "name": "Uuid", "size": 16, "logicalType": "uuid"}},
    {"name": "status", "type": {"type": "enum", "name": "Status", "namespace": "shop", "symbols": ["new", "in_work"]}, "default": "in_work"},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}], "default": null},
    {"name": "count", "type": ["int", "null"], "default": 3},
    {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
      {"name": "sku", "type": "string"},
      {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}}
    ]}}},
    {"name": "gift", "type": ["null", "shop.events.Line"], "default": null},
    {"name": "rates", "type": {"type": "map", "values": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}}, "default": {}},
    {"name": "paid_by", "type": ["null", "string", "bytes"], "default": null},
    {"name": "before", "type": {"type": "array", "items": "shop.Status"}},
    {"name": "other", "type": "shop.events.Uuid"}
  ]
}"#;
    let schema = Schema::of(&order()).unwrap();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(json(schema.text()).to_string(), json(text).to_string());
    assert_eq!(schema.name(), "shop.events.Order");
    assert!(Plan::new(&schema, &order(), Some(1), None).is_ok());
}

#[test]
fn canonical_form_has_what_a_reader_needs_and_nothing_else() {
    let text = r#"{"type": "record", "name": "x.M", "doc": "d", "aliases": ["N"], "fields": [
        {"name": "a", "type": {"type": "string"}, "order": "ignore", "default": "", "doc": "d"},
        {"name": "b", "type": {"type": "fixed", "name": "F", "size": 4, "precision": 2, "logicalType": "decimal"}},
        {"name": "c", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}]},
        {"name": "d", "type": {"type": "enum", "name": "y.E", "symbols": ["A", "B"], "default": "A"}},
        {"name": "e", "type": {"type": "map", "values": {"type": "array", "items": "y.E"}}}]}"#;
    let form = concat!(
        r#"{"name":"x.M","type":"record","fields":[{"name":"a","type":"string"},"#,
        r#"{"name":"b","type":{"name":"x.F","type":"fixed","size":4}},{"name":"c","type":["null","bytes"]},"#,
        r#"{"name":"d","type":{"name":"y.E","type":"enum","symbols":["A","B"]}},"#,
        r#"{"name":"e","type":{"type":"map","values":{"type":"array","items":"y.E"}}}]}"#,
    );
    assert_eq!(Schema::parse(text).unwrap().canonical_form(), form);
}

#[test]
fn fingerprint_is_that_of_the_specification() {
    // "int", as in the test data of Avro for Java.
    assert_eq!(super::super::canonical::fingerprint(b"\"int\""), 0x7275_d51a_3f39_5c8f);
    assert_eq!(super::super::canonical::fingerprint(b""), 0xc15d_213a_a4d7_a795);
}

#[test]
fn types_have_these_shapes() {
    let timestamp = |unit, local| Shape::Timestamp { unit, local };
    let decimal = Shape::Decimal { precision: 9, scale: 2, min: None };
    for (text, own) in [
        (r#""null""#, Shape::Null),
        (r#"{"type": "int"}"#, Shape::Integer(Integer::I32)),
        (r#"{"type": "long", "logicalType": "no-such"}"#, Shape::Integer(Integer::I64)),
        (r#"{"type": "long", "logicalType": "time-micros"}"#, Shape::TimeOfDay(Unit::Micros)),
        (r#"{"type": "long", "logicalType": "timestamp-nanos"}"#, timestamp(Unit::Nanos, false)),
        (r#"{"type": "long", "logicalType": "local-timestamp-millis"}"#, timestamp(Unit::Millis, true)),
        (r#"{"type": "string", "logicalType": "uuid"}"#, Shape::Uuid(UuidForm::Text)),
        (r#"{"type": "fixed", "name": "u", "size": 16, "logicalType": "uuid"}"#, Shape::Uuid(UuidForm::Fixed)),
        (
            r#"{"type": "fixed", "name": "u", "size": 15, "logicalType": "uuid"}"#,
            Shape::Fixed { name: "p.u".into(), size: 15 },
        ),
        (
            r#"{"type": "fixed", "name": "d", "size": 12, "logicalType": "duration"}"#,
            Shape::Fixed { name: "p.d".into(), size: 12 },
        ),
        (r#"{"type": "fixed", "name": "d", "size": 4, "logicalType": "decimal", "precision": 9, "scale": 2}"#, decimal),
        (r#"["null", "string"]"#, Shape::Optional(boxed(Shape::Text))),
        (r#"["string", "null"]"#, Shape::Optional(boxed(Shape::Text))),
        (r#"["string"]"#, Shape::Union(vec![Shape::Text])),
        (r#"["string", "null", "bytes"]"#, Shape::Optional(boxed(Shape::Union(vec![Shape::Text, Shape::Bytes])))),
    ] {
        assert_eq!(shape(text), Ok(own), "{text}");
    }
}

#[test]
fn defaults_are_values_of_their_shapes() {
    let default = |type_of: &str, default: &str| {
        let schema = parse(&format!(r#"{{"name": "a", "type": {type_of}, "default": {default}}}"#))?;
        Ok::<_, String>(schema.record().fields[0].default.clone())
    };
    let one = |value| Ok(Some(value));
    assert_eq!(default(r#"["null", "string"]"#, "null"), Ok(None));
    assert_eq!(default(r#"["string", "null"]"#, r#""x""#), one(Value::Text("x".into())));
    assert_eq!(default(r#""bytes""#, r#""\u00ff\u0001""#), one(Value::Bytes([255, 1].into())));
    assert_eq!(default(r#"["long", "string"]"#, "5"), one(Value::Branch(0, Box::new(Value::Integer(5)))));
    let decimal = r#"{"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}"#;
    assert_eq!(default(decimal, r#""\u00ff\u0038""#), one(Value::Decimal(-200)));
    assert_eq!(
        default(r#"{"type": "map", "values": "int"}"#, r#"{"k": 1}"#),
        one(Value::Map(vec![("k".into(), Value::Integer(1))]))
    );
    let record = r#"{"type": "record", "name": "R", "fields": [{"name": "x", "type": "int", "default": 7}, {"name": "y", "type": "double"}, {"name": "z", "type": ["null", "int"], "default": null}]}"#;
    let values = [Value::Integer(7), Value::Double(1.0), Value::Null];
    assert_eq!(default(record, r#"{"y": 1}"#), one(Value::Record(values.to_vec())));
    assert!(default(r#""int""#, "3000000000").is_err());
    assert!(default(r#"["null", "int"]"#, r#""x""#).is_err());
}

#[test]
fn what_is_not_supported_is_named_with_its_path() {
    for (fields, problem) in [
        (
            r#"{"name": "a", "type": {"type": "record", "name": "N", "fields": [{"name": "b", "type": {"type": "array", "items": ["null", "p.M"]}}]}}"#,
            "a.b[]: the record p.M contains itself",
        ),
        (
            r#"{"name": "a", "type": {"type": "map", "values": {"type": "bytes", "logicalType": "big-decimal"}}}"#,
            "a{}: the logical type big-decimal",
        ),
        (
            r#"{"name": "a", "type": {"type": "bytes", "logicalType": "decimal", "precision": 39}}"#,
            "a: a decimal of 39 digits",
        ),
        (
            r#"{"name": "a", "type": {"type": "fixed", "name": "F", "size": 2, "logicalType": "decimal", "precision": 5}}"#,
            "a: a decimal of 5 digits does not fit into 2 bytes",
        ),
        (r#"{"name": "a", "type": {"type": "enum", "name": "E", "symbols": []}}"#, "a: the enum p.E has no symbols"),
        (
            r#"{"name": "a", "type": {"type": "array", "items": {"type": "record", "name": "N", "fields": []}}}"#,
            "a[]: a record without fields",
        ),
        (r#"{"name": "a", "type": []}"#, "a: a union without branches"),
        (r#"{"name": "a", "type": {"type": "fixed", "name": "F", "size": 9000000000}}"#, "a: p.F has 9000000000 bytes"),
        (r#"{"name": "a", "type": ["int", {"type": "int", "logicalType": "date"}]}"#, "Int"),
        (r#"{"name": "a", "type": "Unknown"}"#, "Unknown"),
        (r#"{"name": "a", "type": "int"}, {"name": "a", "type": "int"}"#, "a"),
        (
            r#"{"name": "a", "type": {"type": "fixed", "name": "F", "size": 2}}, {"name": "b", "type": {"type": "fixed", "name": "F", "size": 3}}"#,
            "the type p.F is declared twice",
        ),
    ] {
        let error = parse(fields).unwrap_err();
        assert!(error.contains(problem), "{fields}: {error}");
    }
    assert!(Schema::parse("\"string\"").unwrap_err().problem.contains("a record"));
    assert!(Schema::parse("no schema").is_err());
}

#[test]
fn record_that_avro_cannot_express_is_refused_with_its_path() {
    let symbols = ["in-work"].map(Into::into).to_vec();
    let fixed = |size| Shape::Fixed { name: "F".into(), size };
    for (shape, problem) in [
        (Shape::Array(boxed(Shape::Enum { name: "E".into(), symbols })), "a[]: \"in-work\" is no name in Avro"),
        (
            Shape::Union(vec![Shape::Text, Shape::Optional(boxed(Shape::Text))]),
            "a: Avro has no optional within a union",
        ),
        (
            Shape::Record(Record { name: "N".into(), fields: vec![field("b", fixed(1)), field("c", fixed(2))] }),
            "a.c: two different types",
        ),
        (Shape::Integer(Integer { bits: Bits::U64, min: 0, max: u64::MAX.into() }), "a: whole numbers beyond 2^63"),
    ] {
        let error = Schema::of(&Record { name: "M".into(), fields: vec![field("a", shape)] }).unwrap_err();
        assert!(error.to_string().starts_with(problem), "{error}");
    }
}

#[test]
fn record_may_say_more_than_the_schema() {
    let schema = parse(
        r#"{"name": "kind", "type": {"type": "enum", "name": "K", "symbols": ["A", "B"]}}, {"name": "id", "type": ["null", "string"]},
           {"name": "at", "type": "long"}, {"name": "raw", "type": "bytes"}, {"name": "n", "type": "long"}"#,
    )
    .unwrap();
    let fields = vec![
        field("kind", Shape::Constant("B".into())),
        field("id", Shape::Uuid(UuidForm::Text)),
        field("at", Shape::Timestamp { unit: Unit::Millis, local: false }),
        field("raw", Shape::Uuid(UuidForm::Fixed)),
        field("n", COUNT),
    ];
    let record = Record { name: "M".into(), fields };
    let plan = Plan::new(&schema, &record, None, None).unwrap();
    let values = [Value::Null, Value::Uuid(9), Value::Integer(-1), Value::Uuid(7), Value::Integer(9)];
    let value = Value::Record(values.to_vec());
    let body = write(&plan, &record, &value);
    assert_eq!(body, b"\x02\x02\x4800000000-0000-0000-0000-000000000009\x01\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\x12");
    assert_eq!(value_of(&plan, &record, &body), Ok(value));
    let mut other = body.clone();
    other[0] = 0;
    assert_eq!(value_of(&plan, &record, &other), Err(Malformed::WrongConstant));
    other[..2].copy_from_slice(&[2, 0]);
    assert_eq!(value_of(&plan, &record, &other), Err(Malformed::BadUnion));
}

#[test]
fn record_that_the_schema_does_not_have_is_refused_with_its_path() {
    let schema = parse(
        r#"{"name": "a", "type": "string"}, {"name": "n", "type": ["null", {"type": "record", "name": "N", "fields": [{"name": "b", "type": "long"}]}]}"#,
    )
    .unwrap();
    let n = |shape| Shape::Optional(boxed(Shape::Record(Record { name: "N".into(), fields: vec![field("b", shape)] })));
    let a = || field("a", Shape::Text);
    for (fields, problem) in [
        (vec![field("x", Shape::Text)], "x: the schema has a in its place"),
        (vec![field("a", Shape::Boolean), field("n", n(COUNT))], "a: boolean cannot be string"),
        (vec![field("a", Shape::Optional(boxed(Shape::Text))), field("n", n(COUNT))], "a: optional cannot be string"),
        (vec![a(), field("n", n(Shape::Date)), field("c", Shape::Text)], "c: the record p.M has no such field"),
        (vec![a(), field("n", n(Shape::Text))], "n.b: text cannot be long"),
        (vec![a()], "the field n of p.M in the schema is not in the record"),
    ] {
        let error = Plan::new(&schema, &Record { name: "M".into(), fields }, None, None).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{error}");
    }
}

#[test]
fn types_that_multiply_are_refused_in_time() {
    let level = |at: usize| {
        let within = match at.checked_sub(1) {
            Some(last) => format!(r#"{{"name": "a", "type": "R{last}"}}, {{"name": "b", "type": "R{last}"}}"#),
            None => r#"{"name": "a", "type": "int"}"#.to_owned(),
        };
        format!(r#"{{"name": "f{at}", "type": {{"type": "record", "name": "R{at}", "fields": [{within}]}}}}"#)
    };
    let fields: Vec<_> = (0..25).map(level).collect();
    assert!(parse(&fields.join(",")).unwrap_err().contains("more than 10000 fields"));
}
