//! What the reader takes and what it refuses, body by body.

use super::*;
use crate::wire::BodyWriter as _;
use crate::wire::sink::{Part, Sink};

/// The value of one field of that type.
fn one(type_of: &str, body: &[u8]) -> Result<Value, &'static str> {
    let text = format!(r#"{{"type": "record", "name": "M", "fields": [{{"name": "a", "type": {type_of}}}]}}"#);
    let schema = Schema::parse(&text).unwrap();
    let plan = Plan::new(&schema, schema.record(), None, None).unwrap();
    match value_of(&plan, schema.record(), body).map_err(Malformed::reason)? {
        Value::Record(mut values) => Ok(values.remove(0)),
        value => panic!("{value:?}"),
    }
}

fn numbers(numbers: impl IntoIterator<Item = i128>) -> Value {
    Value::Array(numbers.into_iter().map(Value::Integer).collect())
}

const ARRAY: &str = r#"{"type": "array", "items": "int"}"#;
const NULLS: &str = r#"{"type": "array", "items": {"type": "array", "items": "null"}}"#;

#[test]
fn array_may_have_several_blocks_with_or_without_their_sizes() {
    for body in [
        &b"\x06\x02\x04\x06\x00"[..],
        b"\x05\x06\x02\x04\x06\x00",
        b"\x02\x02\x04\x04\x06\x00",
        b"\x01\x02\x02\x03\x04\x04\x06\x00",
    ] {
        assert_eq!(one(ARRAY, body), Ok(numbers([1, 2, 3])), "{body:?}");
    }
    assert_eq!(one(ARRAY, b"\x00"), Ok(numbers([])));
    let map = Value::Map([("a", 1), ("b", 2)].map(|(key, value)| (key.into(), Value::Integer(value))).to_vec());
    let body = b"\x02\x02a\x02\x01\x06\x02b\x04\x00";
    assert_eq!(one(r#"{"type": "map", "values": "int"}"#, body), Ok(map));
}

#[test]
fn what_no_writer_writes_is_refused_by_its_reason() {
    let uuid = r#"{"type": "string", "logicalType": "uuid"}"#;
    let decimal = r#"{"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 0}"#;
    let symbols = r#"{"type": "enum", "name": "E", "symbols": ["A", "B"]}"#;
    for (type_of, body, reason) in [
        ("\"int\"", &b""[..], "truncated"),
        ("\"int\"", b"\x80", "truncated"),
        ("\"int\"", b"\x02\x00", "trailing_bytes"),
        ("\"int\"", b"\x80\x80\x80\x80\x10", "bad_value"),
        ("\"long\"", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "bad_value"),
        ("\"long\"", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "bad_value"),
        ("\"int\"", b"\x82\x80\x80\x80\x80\x00", "bad_value"),
        (symbols, b"\x80\x80\x80\x80\x80\x00", "bad_value"),
        ("\"boolean\"", b"\x02", "bad_value"),
        ("\"boolean\"", b"", "truncated"),
        ("\"string\"", b"\x06ab", "truncated"),
        ("\"string\"", b"\x01", "bad_length"),
        ("\"string\"", b"\x02\xff", "not_utf8"),
        ("\"string\"", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "truncated"),
        ("\"bytes\"", b"\x01", "bad_length"),
        ("\"double\"", b"1234567", "truncated"),
        ("[\"null\", \"int\"]", b"\x04", "bad_union"),
        ("[\"null\", \"int\"]", b"\x01", "bad_union"),
        ("[\"null\", \"int\", \"string\"]", b"\x06", "bad_union"),
        ("[\"int\", \"string\"]", b"\x04", "bad_union"),
        ("[\"null\", \"string\"]", b"", "truncated"),
        (symbols, b"\x04", "bad_enum"),
        (symbols, b"\x01", "bad_enum"),
        (uuid, b"\x4000000000000000000000000000000009", "bad_value"),
        (decimal, b"\x00", "bad_value"),
        (decimal, b"\x02\x64", "bad_value"),
        (ARRAY, b"\x02\x02", "truncated"),
        (ARRAY, b"\x08\x02\x04\x06\x00", "truncated"),
        (ARRAY, b"\x05\x04\x02\x04\x06\x00", "bad_length"),
        (ARRAY, b"\x05\x05\x02\x04\x06\x00", "bad_length"),
        (ARRAY, b"\x01\x7e\x02\x00", "bad_length"),
        (ARRAY, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00", "truncated"),
        (ARRAY, b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", "truncated"),
        (NULLS, b"\x02\xfe\xff\xff\xff\x0f\x00\x00", "bad_length"),
    ] {
        assert_eq!(one(type_of, body), Err(reason), "{type_of}: {body:?}");
    }
}

#[test]
fn numbers_may_have_more_bytes_than_they_need() {
    assert_eq!(one("\"int\"", b"\x82\x00"), Ok(Value::Integer(1)));
    assert_eq!(one("\"long\"", b"\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00"), Ok(Value::Integer(1)));
    assert_eq!(one("\"long\"", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), Ok(Value::Integer(i64::MIN.into())));
}

#[test]
fn decimal_may_have_more_bytes_than_it_needs() {
    let decimal = r#"{"type": "bytes", "logicalType": "decimal", "precision": 2, "scale": 0}"#;
    assert_eq!(one(decimal, b"\x06\xff\xff\x9d"), Ok(Value::Decimal(-99)));
    assert_eq!(one(decimal, &[&[40][..], &[0; 19], &[99]].concat()), Ok(Value::Decimal(99)));
}

#[test]
fn entries_without_bytes_are_bounded_in_the_whole_body() {
    let five = one(NULLS, b"\x02\x0a\x00\x00").unwrap();
    assert_eq!(five, Value::Array(vec![Value::Array(vec![Value::Null; 5])]));
    let many = [&b"\x80\x08"[..], &b"\x80\x80\x08\x00".repeat(512), &[0]].concat();
    assert_eq!(one(NULLS, &many), Err("bad_length"));
}

#[test]
fn id_and_key_are_where_the_writer_and_the_reader_say() {
    let text = |id: &str| {
        format!(
            r#"{{"type": "record", "name": "M", "fields": [{{"name": "a", "type": "string"}}, {{"name": "id", "type": {id}}},
               {{"name": "key", "type": ["null", "string"]}}, {{"name": "last", "type": "int"}}]}}"#
        )
    };
    let fixed = r#"{"type": "fixed", "name": "U", "size": 16, "logicalType": "uuid"}"#;
    for (id, inside) in [
        ("\"string\"", &b"00000000-0000-0000-0000-000000000007"[..]),
        ("\"bytes\"", &7_u128.to_be_bytes()),
        (fixed, &7_u128.to_be_bytes()),
    ] {
        let schema = Schema::parse(&text(id)).unwrap();
        let plan = Plan::new(&schema, schema.record(), Some(1), Some(2)).unwrap();
        let mut out = b"before".to_vec();
        let mut writer = Writer::new(&plan, &mut out);
        writer.text(&"x".repeat(100));
        writer.uuid(7);
        writer.some();
        writer.joined(&[Part::Number(1_150_086), Part::Text("-"), Part::Number(1)]);
        writer.integer(5);
        let written = writer.finish();
        assert_eq!(out.get(written.id.clone().unwrap()), Some(inside));
        assert_eq!(out.get(written.key.clone().unwrap()), Some(&b"1150086-1"[..]));
        let body = out.split_off(6);
        let read = read(&plan, &body, &mut ()).unwrap();
        assert_eq!(read.id.map(|id| id.start + 6), written.id.map(|id| id.start));
        assert_eq!(read.key.map(|key| key.end + 6), written.key.map(|key| key.end));
    }
}

#[test]
fn last_optional_text_brings_a_body_to_its_length() {
    let fields = vec![field("a", COUNT), field("padding", Shape::Optional(boxed(Shape::Text)))];
    let record = Record { name: "M".into(), fields };
    let schema = Schema::of(&record).unwrap();
    let plan = Plan::new(&schema, &record, None, None).unwrap();
    for length in 0..20_000 {
        let mut out = b"before".to_vec();
        let mut writer = Writer::new(&plan, &mut out);
        writer.integer(1);
        match writer.room_for_last_text(6 + length) {
            None => {
                writer.null();
                assert!(length < 3, "there is room in {length}");
            }
            Some(text) => {
                writer.some();
                writer.filled(text, |out| out.extend(std::iter::repeat_n(b'x', text)));
            }
        }
        writer.finish();
        let body = out.split_off(6);
        assert!(value_of(&plan, &record, &body).is_ok());
        let lost = length.saturating_sub(body.len());
        assert!(length < 3 || body.len() + lost == length && lost <= 1, "{length}: {}", body.len());
        // Where the length of a text gets another byte.
        assert!(lost == 0 || [3 + 64, 4 + 8192].contains(&length) || length < 3, "{length}");
    }
}
