//! What the reader takes and what it refuses, body by body.

use super::*;
use crate::wire::BodyWriter as _;
use crate::wire::sink::{Part, Sink};

const TEXT: &str = r#"
    syntax = "proto3";
    import "google/protobuf/timestamp.proto";
    message Event {
        string id = 1;
        int32 count = 2;
        optional bool flag = 3;
        repeated uint32 sizes = 4;
        Inner inner = 5;
        oneof choice { string name = 6; Inner other = 7; }
        Color color = 8;
        map<string, Inner> rates = 9;
        google.protobuf.Timestamp at = 10;
        repeated Inner list = 11;
        message Inner { int32 a = 1; string b = 2; }
        enum Color { NONE = 0; RED = 1; }
    }
"#;

fn event() -> (Schema, Plan) {
    let schema = Schema::parse(TEXT, &[], Pick::Only).unwrap();
    let plan = Plan::new(&schema, schema.record(), Some(0), None).unwrap();
    (schema, plan)
}

/// The value of one field, by its index.
fn field(body: &[u8], at: usize) -> Result<Value, Malformed> {
    let (schema, plan) = event();
    let Value::Record(values) = value_of(&plan, schema.record(), body)? else { panic!("no record") };
    Ok(values[at].clone())
}

fn inner(a: i128, b: &str) -> Value {
    Value::Record(vec![Value::Integer(a), Value::Text(b.into())])
}

#[test]
fn empty_body_has_all_defaults() {
    let (schema, plan) = event();
    let value = value_of(&plan, schema.record(), b"").unwrap();
    let none = Value::Null;
    let defaults = [
        Value::Text("".into()),
        Value::Integer(0),
        none.clone(),
        Value::Array(vec![]),
        none.clone(),
        none.clone(),
        Value::Symbol(0),
        Value::Map(vec![]),
        none,
        Value::Array(vec![]),
    ];
    assert_eq!(value, Value::Record(defaults.to_vec()));
}

#[test]
fn fields_may_come_in_any_order_and_the_last_value_counts() {
    let body = b"\x10\x07\x0a\x01a\x10\x08\x0a\x02bc";
    assert_eq!(field(body, 0), Ok(Value::Text("bc".into())));
    assert_eq!(field(body, 1), Ok(Value::Integer(8)));
    let (_, plan) = event();
    let read = read_closely(&plan, body, &mut ()).unwrap();
    assert_eq!(read.written.id, Some(9..11));
    assert!(!read.in_order);
    let read = read_closely(&plan, b"\x0a\x01a\x10\x07", &mut ()).unwrap();
    assert_eq!((read.written.id, read.in_order), (Some(2..3), true));
}

#[test]
fn parts_of_a_message_are_put_together() {
    assert_eq!(field(b"\x2a\x02\x08\x05\x2a\x03\x12\x01b", 4), Ok(inner(5, "b")));
    assert_eq!(field(b"\x3a\x02\x08\x05\x3a\x03\x12\x01b", 5), Ok(Value::Branch(1, Box::new(inner(5, "b")))));
    let between = b"\x3a\x02\x08\x05\x32\x01n\x3a\x03\x12\x01b";
    assert_eq!(field(between, 5), Ok(Value::Branch(1, Box::new(inner(0, "b")))));
    assert_eq!(field(b"\x52\x02\x08\x01\x52\x04\x10\xe8\x07", 8), Err(Malformed::Truncated));
    assert_eq!(field(b"\x52\x02\x08\x01\x52\x03\x10\xe8\x07", 8), Ok(Value::Integer(1_000_001_000)));
}

#[test]
fn last_member_of_a_oneof_counts_and_a_replaced_one_must_be_whole() {
    assert_eq!(field(b"\x3a\x02\x08\x05\x32\x01n", 5), Ok(Value::Branch(0, Box::new(Value::Text("n".into())))));
    assert_eq!(field(b"\x3a\x02\x08\x80\x32\x01n", 5), Err(Malformed::BadLength));
}

#[test]
fn numbers_may_be_packed_or_not() {
    let three = Ok(Value::Array((1..=3).map(Value::Integer).collect()));
    for body in [&b"\x22\x03\x01\x02\x03"[..], b"\x20\x01\x20\x02\x20\x03", b"\x22\x01\x01\x20\x02\x22\x01\x03"] {
        assert_eq!(field(body, 3), three, "{body:?}");
    }
}

#[test]
fn numbers_are_written_packed_unless_the_schema_says_otherwise() {
    let text = "syntax = \"proto3\"; message M { repeated int32 a = 1; repeated int32 b = 2 [packed = false]; repeated int32 c = 3; }";
    let schema = Schema::parse(text, &[], Pick::Only).unwrap();
    let plan = Plan::new(&schema, schema.record(), None, None).unwrap();
    let two = Value::Array(vec![Value::Integer(1), Value::Integer(2)]);
    let value = Value::Record(vec![two.clone(), two, Value::Array(vec![])]);
    assert_eq!(write(&plan, schema.record(), &value), b"\x0a\x02\x01\x02\x10\x01\x10\x02");
}

#[test]
fn unknown_fields_are_counted_whatever_they_are() {
    let (_, plan) = event();
    let body = b"\x10\x01\xa0\x06\x05\xa1\x06aaaaaaaa\xa5\x06aaaa\xa2\x06\x01a\xa3\x06\x08\x01\xab\x06\xac\x06\xa4\x06";
    assert_eq!(read_closely(&plan, body, &mut ()).map(|read| read.unknown_fields), Ok(5));
    assert_eq!(field(body, 1), Ok(Value::Integer(1)));
}

#[test]
fn entries_of_a_map_may_lack_their_key_or_their_value() {
    let entries = [("", inner(5, "")), ("k", inner(0, ""))];
    let map = Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect());
    assert_eq!(field(b"\x4a\x04\x12\x02\x08\x05\x4a\x03\x0a\x01k", 7), Ok(map.clone()));
    assert_eq!(field(b"\x4a\x04\x12\x02\x08\x05\x4a\x05\x12\x00\x0a\x01k", 7), Ok(map));
}

#[test]
fn what_no_writer_writes_is_refused_by_its_reason() {
    for (body, reason) in [
        (&b"\x0a"[..], "truncated"),
        (b"\x0a\x05abc", "truncated"),
        (b"\x10\xff", "truncated"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "truncated"),
        (b"\x2a\x02\x12\x05\x10\x01\x10\x01\x10\x01", "bad_length"),
        (b"\x22\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "truncated"),
        (b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "bad_value"),
        (b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "bad_value"),
        (b"\x10\xff\xff\xff\xff\x7f", "bad_value"),
        (b"\x18\x02", "bad_value"),
        (b"\x0a\x01\xff", "not_utf8"),
        (b"\x4a\x03\x0a\x01\xff", "not_utf8"),
        (b"\x40\x02", "bad_enum"),
        (b"\x08\x01", "bad_tag"),
        (b"\x12\x01a", "bad_tag"),
        (b"\x00\x01", "bad_tag"),
        (b"\x0e\x01", "bad_tag"),
        (b"\x0f", "bad_tag"),
        (b"\xa4\x06", "bad_tag"),
        (b"\xa3\x06\xac\x06", "bad_tag"),
        (b"\xa3\x06", "truncated"),
        (b"\x80\x80\x80\x80\x80\x01\x01", "bad_tag"),
        (b"\x52\x06\x10\x80\x94\xeb\xdc\x03", "bad_value"),
        (b"\x52\x02\x10\xff\x10\x01", "bad_length"),
    ] {
        assert_eq!(field(body, 0).map_err(Malformed::reason), Err(reason), "{body:?}");
    }
}

#[test]
fn groups_without_end_and_lengths_without_bytes_take_no_time() {
    let (_, plan) = event();
    assert_eq!(read(&plan, &b"\xa3\x06".repeat(1000), &mut ()), Err(Malformed::TooDeep));
    let mut parts = Vec::new();
    for _ in 0..100_000 {
        parts.extend_from_slice(b"\x3a\x02\x08\x05\x32\x01n");
    }
    assert!(read(&plan, &parts, &mut ()).is_ok());
    assert!(read(&plan, &b"\x5a\x00".repeat(200_000), &mut ()).is_ok());
}

#[test]
fn negative_number_of_five_bytes_is_read() {
    assert_eq!(field(b"\x10\xff\xff\xff\xff\x0f", 1), Ok(Value::Integer(-1)));
    assert_eq!(field(b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 1), Ok(Value::Integer(-1)));
}

#[test]
fn id_is_patched_where_the_writer_says() {
    let text = "syntax = \"proto3\"; message M { Inner first = 1; string id = 2; bytes raw = 3; string session = 4; string none = 5; message Inner { string long = 1; } }";
    let schema = Schema::parse(text, &[], Pick::Only).unwrap();
    let plan = Plan::new(&schema, schema.record(), Some(1), Some(2)).unwrap();
    let mut out = b"before".to_vec();
    let mut writer = Writer::new(&plan, &mut out);
    writer.some();
    writer.text(&"x".repeat(500));
    writer.uuid(0);
    writer.bytes(b"raw");
    writer.joined(&[Part::Number(1_150_086), Part::Text("-"), Part::Number(1)]);
    writer.joined(&[Part::Text(""), Part::Text("")]);
    let written = writer.finish();
    assert_eq!(out.get(written.id.clone().unwrap()).unwrap(), b"00000000-0000-0000-0000-000000000000");
    assert_eq!(out.get(written.key.clone().unwrap()).unwrap(), b"raw");
    assert!(out.ends_with(b"raw\x22\x091150086-1"));
    let body = out.split_off(6);
    let read = read(&plan, &body, &mut ()).unwrap();
    assert_eq!(read.id.map(|id| id.start + 6), written.id.map(|id| id.start));
    assert_eq!(read.key.map(|key| key.end + 6), written.key.map(|key| key.end));
}
