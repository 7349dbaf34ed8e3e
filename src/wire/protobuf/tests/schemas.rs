//! Texts to records and back, and what is refused.

use super::*;
use crate::wire::shape::{Bits, Field, Integer, Shape, Unit, UuidForm};

fn parse(body: &str) -> Result<Schema, String> {
    Schema::parse(&format!("syntax = \"proto3\";\n{body}"), &[], Pick::Only).map_err(|error| error.to_string())
}

fn field(name: &str, shape: Shape) -> Field {
    Field { name: name.into(), shape, default: None }
}

fn boxed(shape: Shape) -> Box<Shape> {
    Box::new(shape)
}

fn order() -> Record {
    let cents = Shape::Decimal { precision: 10, scale: 2, min: None };
    let line =
        Record { name: "shop.Line".into(), fields: vec![field("sku", Shape::Text), field("price", cents.clone())] };
    let symbols = ["new", "in-work"].map(Into::into).to_vec();
    let fields = vec![
        field("event_type", Shape::Constant("order".into())),
        field("id", Shape::Uuid(UuidForm::Fixed)),
        field("status", Shape::Enum { name: "shop.OrderStatus".into(), symbols }),
        field("at", Shape::Timestamp { unit: Unit::Millis, local: false }),
        field("day", Shape::Optional(boxed(Shape::Date))),
        field("quantity", Shape::Integer(Integer { bits: Bits::I32, min: 1, max: 9 })),
        field("lines", Shape::Array(boxed(Shape::Record(line.clone())))),
        field("gift", Shape::Optional(boxed(Shape::Record(line)))),
        field("tags", Shape::Optional(boxed(Shape::Array(boxed(Shape::Optional(boxed(Shape::Text))))))),
        field("rates", Shape::Map(boxed(cents))),
        field("paid_by", Shape::Union(vec![Shape::Text, Shape::Bytes])),
        field("last", Shape::Boolean),
    ];
    Record { name: "shop.events.Order".into(), fields }
}

#[test]
fn record_has_this_text() {
    let text = r#"syntax = "proto3";

package shop.events;

import "google/protobuf/timestamp.proto";

message Order {
  string event_type = 1;
  string id = 2;
  OrderStatus status = 3;
  google.protobuf.Timestamp at = 4;
  optional int32 day = 5;
  int32 quantity = 6;
  repeated Line lines = 7;
  Line gift = 8;
  TagsArray tags = 9;
  map<string, string> rates = 10;
  oneof paid_by {
    string paid_by_text = 11;
    bytes paid_by_bytes = 12;
  }
  bool last = 13;

  enum OrderStatus {
    ORDER_STATUS_UNSPECIFIED = 0;
    ORDER_STATUS_NEW = 1;
    ORDER_STATUS_IN_WORK = 2;
  }

  message Line {
    string sku = 1;
    string price = 2;
  }

  message TagsOptional {
    optional string value = 1;
  }

  message TagsArray {
    repeated TagsOptional values = 1;
  }
}
"#;
    let schema = Schema::of(&order()).unwrap();
    assert_eq!(schema.text(), text);
    assert_eq!((schema.name(), schema.message_path()), ("shop.events.Order", vec![0]));
    assert!(Plan::new(&schema, &order(), Some(1), None).is_ok());
}

#[test]
fn record_may_name_its_fields_in_another_order_than_the_message() {
    let schema = parse("message M { int64 b = 1; string a = 2; optional string c = 3; string d = 4; }").unwrap();
    let fields = vec![
        field("a", Shape::Uuid(UuidForm::Text)),
        field("c", Shape::Optional(boxed(Shape::Decimal { precision: 9, scale: 2, min: None }))),
        field("b", Shape::Timestamp { unit: Unit::Millis, local: false }),
    ];
    let record = Record { name: "M".into(), fields };
    let plan = Plan::new(&schema, &record, None, None).unwrap();
    let value = Value::Record(vec![Value::Uuid(9), Value::Decimal(-105), Value::Integer(7)]);
    let body = write(&plan, &record, &value);
    assert_eq!(body, b"\x12\x2400000000-0000-0000-0000-000000000009\x1a\x05-1.05\x08\x07");
    assert_eq!(value_of(&plan, &record, &body), Ok(value));
}

#[test]
fn message_is_found_by_its_place_or_its_name() {
    let text = "syntax = \"proto3\"; package p; message A { message B { message C {} message D { string x = 1; } } } message E {}";
    let picked = |pick| Schema::parse(text, &[], pick).map(|schema| (schema.name().to_owned(), schema.message_path()));
    assert_eq!(picked(Pick::At(&[0, 0, 1])).unwrap(), ("p.A.B.D".into(), vec![0, 0, 1]));
    assert_eq!(picked(Pick::Named("A.B")).unwrap(), ("p.A.B".into(), vec![0, 0]));
    assert_eq!(picked(Pick::Named("p.E")).unwrap(), ("p.E".into(), vec![1]));
    assert!(picked(Pick::At(&[0, 1])).unwrap_err().to_string().contains("no message at [0, 1]"));
    assert!(picked(Pick::Named("F")).unwrap_err().to_string().contains("no message F (A, E)"));
    assert!(picked(Pick::Only).unwrap_err().to_string().contains("several messages could be meant (A, E)"));
}

#[test]
fn message_that_no_other_is_made_of_is_the_only_one() {
    let schema = parse("message Line {} message Order { map<string, Line> lines = 1; }").unwrap();
    assert_eq!((schema.name(), schema.message_path()), ("Order", vec![1]));
}

#[test]
fn wrappers_and_timestamps_are_values() {
    let schema = parse(
        "import \"google/protobuf/wrappers.proto\"; import \"google/protobuf/timestamp.proto\";
         message M { google.protobuf.Int32Value n = 1; repeated google.protobuf.Timestamp at = 2; }",
    )
    .unwrap();
    let fields = &schema.record().fields;
    assert!(matches!(&fields[0].shape, Shape::Optional(shape) if matches!(**shape, Shape::Integer(_))));
    assert!(matches!(&fields[1].shape, Shape::Array(shape) if matches!(**shape, Shape::Timestamp { .. })));
}

#[test]
fn what_is_not_supported_is_named_with_its_path() {
    for (body, problem) in [
        (
            "message M { A a = 1; } message A { repeated B b = 1; } message B { A a = 1; }",
            "M.a.b[].a: the message A contains itself",
        ),
        (
            "message M { N n = 1; message N { map<int32, string> counts = 1; } }",
            "M.n.counts: a map whose keys are not strings",
        ),
        (
            "import \"google/protobuf/any.proto\"; message M { google.protobuf.Any any = 1; }",
            "M.any: google.protobuf.Any",
        ),
        ("import \"other/thing.proto\"; message M { }", "other/thing.proto"),
        ("message M { Unknown u = 1; }", "Unknown"),
        ("message M { string a = 1; string b = 1; }", "1"),
        ("message M { required string a = 1; }", "required"),
        ("message M { repeated group G = 1 { } }", "group"),
        ("message M { repeated N empty = 1; message N { } }", "M.empty[]: a message without fields"),
        ("this is no schema", "this"),
    ] {
        let error = parse(body).unwrap_err();
        assert!(error.contains(problem), "{body}: {error}");
    }
    let proto2 = Schema::parse("syntax = \"proto2\"; message M { optional string a = 1; }", &[], Pick::Only);
    assert!(proto2.unwrap_err().to_string().contains("proto3"));
    let proto2 = "syntax = \"proto2\"; message N { optional string a = 1; }";
    let mixed = "syntax = \"proto3\"; import \"n.proto\"; message M { N n = 1; }";
    let error = Schema::parse(mixed, &[("n.proto", proto2)], Pick::Only).unwrap_err();
    assert_eq!(error.to_string(), "M.n: N is not of proto3 (in n.proto), which alone is supported");
}

#[test]
fn record_that_the_message_does_not_have_is_refused_with_its_path() {
    let schema =
        parse("message M { string a = 1; N n = 2; repeated string r = 3; message N { string b = 1; } }").unwrap();
    let n = |shape| Shape::Optional(boxed(Shape::Record(Record { name: "N".into(), fields: vec![field("b", shape)] })));
    for (own, problem) in [
        (field("x", Shape::Text), "x: the message M has no such field"),
        (field("a", Shape::Boolean), "a: boolean cannot be string"),
        (field("a", Shape::Optional(boxed(Shape::Text))), "a: it is optional"),
        (field("n", n(Shape::Date)), "n.b: date cannot be string"),
        (field("r", Shape::Array(boxed(Shape::Constant("c".into())))), "r[]: its values"),
        (field("r", Shape::Text), "r: text cannot be repeated string"),
    ] {
        let record = Record { name: "M".into(), fields: vec![own] };
        let error = Plan::new(&schema, &record, None, None).unwrap_err().to_string();
        assert!(error.starts_with(problem), "{error}");
    }
    let record = Record { name: "M".into(), fields: vec![field("user-id", Shape::Text)] };
    assert!(Schema::of(&record).unwrap_err().to_string().starts_with("user-id: \"user-id\" is no name"));
}

#[test]
fn messages_that_multiply_are_refused_in_time() {
    let level = |at: usize| format!("message M{at} {{ M{next} a = 1; M{next} b = 2; }}", next = at + 1);
    let text = (0..25).map(level).collect::<String>() + "message M25 { string last = 1; }";
    assert!(parse(&text).unwrap_err().contains("more than 10000 fields"));
}
