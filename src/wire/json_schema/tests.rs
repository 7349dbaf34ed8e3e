mod judge;

use serde_json::{Value as Json, json};

use super::*;
use crate::wire::shape::{Bits, Field, Integer, Shape, Unit, UuidForm, Value};

fn field(name: &str, shape: Shape) -> Field {
    Field { name: name.into(), shape, default: None }
}

fn boxed(shape: Shape) -> Box<Shape> {
    Box::new(shape)
}

fn integer(bits: Bits, min: i128, max: i128) -> Shape {
    Shape::Integer(Integer { bits, min, max })
}

fn parse(schema: &Json) -> Result<Schema, SchemaError> {
    Schema::parse(&schema.to_string(), "Event")
}

/// The shape of one property.
fn shape_of(schema: &Json) -> Result<Shape, String> {
    let schema = json!({
        "type": "object",
        "properties": {"p": schema},
        "required": ["p"],
        "$defs": {"Inner": {"properties": {"x": {"type": "boolean"}}}, "loop": {"items": {"$ref": "#/$defs/loop"}}}
    });
    match parse(&schema) {
        Ok(schema) => Ok(schema.record.fields[0].shape.clone()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn properties_become_fields_in_their_order() {
    let schema = parse(&json!({
        "title": "shop.Order",
        "type": "object",
        "required": ["id", "lines"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "note": {"type": "string", "maxLength": 80, "default": "none"},
            "lines": {"type": "array", "minItems": 1, "items": {
                "type": "object",
                "required": ["price"],
                "properties": {"price": {"type": "number", "minimum": 0.01, "multipleOf": 0.01}}
            }},
            "email": {"type": ["string", "null"], "format": "email"},
            "rates": {"type": "object", "additionalProperties": {"type": "number", "maximum": 9}},
            "status": {"enum": ["new", "done", null]}
        }
    }))
    .unwrap();
    let price = Shape::Decimal { precision: 18, scale: 2, min: Some(1) };
    let line = Record { name: "shop.OrderLines".into(), fields: vec![field("price", price)] };
    let status = Shape::Enum { name: "shop.OrderStatus".into(), symbols: vec!["new".into(), "done".into()] };
    let optional = |shape| Shape::Optional(boxed(shape));
    let fields = vec![
        field("id", Shape::Uuid(UuidForm::Text)),
        Field { default: Some(Value::Text("none".into())), ..field("note", optional(Shape::Text)) },
        field("lines", Shape::Array(boxed(Shape::Record(line)))),
        field("email", optional(Shape::Text)),
        field("rates", optional(Shape::Map(boxed(Shape::Double)))),
        field("status", optional(status)),
    ];
    assert_eq!(*schema.record(), Record { name: "shop.Order".into(), fields });
    let limits = [
        ("note", Limited::Length { min: 0, max: Some(80) }),
        ("lines", Limited::Length { min: 1, max: None }),
        ("lines[].price", Limited::Range { min: Some(0.01), max: None }),
        ("email", Limited::Format("email".into())),
        ("rates{}", Limited::Range { min: None, max: Some(9.0) }),
    ];
    assert_eq!(schema.limits(), limits.map(|(path, limit)| Limit { path: path.into(), limit }));
}

#[test]
fn keywords_become_shapes() {
    let inner = Record { name: "Inner".into(), fields: vec![field("x", Shape::Optional(boxed(Shape::Boolean)))] };
    for (schema, shape) in [
        (json!({"const": "order"}), Shape::Constant("order".into())),
        (json!({"type": "integer"}), integer(Bits::I64, i64::MIN.into(), i64::MAX.into())),
        (json!({"type": "integer", "minimum": 1, "exclusiveMaximum": 6}), integer(Bits::I32, 1, 5)),
        (json!({"type": "integer", "minimum": 0, "maximum": u64::MAX}), integer(Bits::U64, 0, u64::MAX.into())),
        (json!({"type": "string", "format": "date"}), Shape::Date),
        (json!({"type": "string", "format": "date-time"}), Shape::Text),
        (json!({"type": "string", "contentEncoding": "base64"}), Shape::Bytes),
        (json!({"$ref": "#/$defs/Inner"}), Shape::Record(inner)),
        (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), Shape::Optional(boxed(Shape::Text))),
        (json!({"oneOf": [{"type": "string"}, {"type": "boolean"}]}), Shape::Union(vec![Shape::Text, Shape::Boolean])),
        (json!({"type": ["null", "boolean"]}), Shape::Optional(boxed(Shape::Boolean))),
        (json!({"type": "null"}), Shape::Null),
    ] {
        assert_eq!(shape_of(&schema), Ok(shape), "{schema}");
    }
}

#[test]
fn what_is_not_supported_is_named_with_its_path() {
    for (schema, problem) in [
        (
            json!({"type": "array", "items": {"type": "object", "properties": {"q": {"not": {}}}}}),
            "p[].q: the keyword not",
        ),
        (json!({"type": "string", "pattern": "a+"}), "p: the keyword pattern"),
        (json!({"items": {"$ref": "#/$defs/loop"}}), "p[][]: $ref #/$defs/loop contains itself"),
        (json!({"$ref": "#"}), "p: $ref # contains itself"),
        (json!({"$ref": "https://example.org/x.json"}), "p: $ref https://example.org/x.json is not within"),
        (json!({"$ref": "#/$defs/None"}), "p: $ref #/$defs/None leads to nothing"),
        (json!({}), "p: it has no type"),
        (json!(true), "p: a schema that is no object"),
        (json!({"enum": [1, 2]}), "p: 1 in an enum"),
        (json!({"const": 1}), "p: a const that is no string"),
        (json!({"type": "array"}), "p: an array without items"),
        (json!({"type": "array", "items": {"const": "c"}}), "p[]: its values have no properties"),
        (json!({"type": "object"}), "p: an object without properties"),
        (json!({"type": "integer", "minimum": 3, "maximum": 2}), "p: no whole number is within 3 and 2"),
        (json!({"type": "number", "multipleOf": 0.25}), "p: multipleOf 0.25"),
        (json!({"type": "array", "uniqueItems": true, "items": {"type": "string"}}), "p: the keyword uniqueItems"),
        (json!({"type": "strange"}), "p: \"strange\" is no type"),
    ] {
        let error = shape_of(&schema).unwrap_err();
        assert!(error.starts_with(problem), "{schema}: {error}");
    }
    let error = |text: &str| Schema::parse(text, "Event").unwrap_err().to_string();
    assert!(error("{\"type\": \"string\"}").starts_with("it describes a text"));
    assert!(error("{").starts_with("it is no JSON"));
    assert!(error("{\"properties\": {}, \"required\": [\"x\"]}").starts_with("x is required, and no property"));
}

#[test]
fn schemas_that_multiply_are_refused_in_time() {
    let level = |at: usize| {
        let next = json!({"$ref": format!("#/$defs/m{}", at + 1)});
        (format!("m{at}"), json!({"properties": {"a": next, "b": next}}))
    };
    let mut schemas: serde_json::Map<_, _> = (0..25).map(level).collect();
    schemas.insert("m25".into(), json!({"type": "string"}));
    let error = parse(&json!({"properties": {"m": {"$ref": "#/$defs/m0"}}, "$defs": schemas})).unwrap_err();
    assert!(error.to_string().contains("more than 10000 schemas"), "{error}");
}

fn order() -> Record {
    let optional = |shape| Shape::Optional(boxed(shape));
    let status = Shape::Enum { name: "Status".into(), symbols: vec!["new".into(), "done".into()] };
    let line = Record { name: "shop.Line".into(), fields: vec![field("sku", Shape::Text)] };
    let fields = vec![
        field("event_type", Shape::Constant("order".into())),
        field("id", Shape::Uuid(UuidForm::Text)),
        field("quantity", integer(Bits::I32, 1, 9)),
        field("at", Shape::Timestamp { unit: Unit::Millis, local: false }),
        field("day", optional(Shape::Date)),
        field("total", Shape::Decimal { precision: 9, scale: 2, min: Some(1) }),
        field("lines", Shape::Array(boxed(Shape::Record(line)))),
        field("rates", Shape::Map(boxed(optional(Shape::Double)))),
        Field { default: Some(Value::Symbol(1)), ..field("status", optional(status)) },
        field("by", Shape::Union(vec![Shape::Boolean, Shape::Text])),
    ];
    Record { name: "shop.Order".into(), fields }
}

#[test]
fn record_has_this_schema() {
    let schema = Schema::of(&order()).unwrap();
    let text: Json = serde_json::from_str(schema.text()).unwrap();
    let line = json!({
        "title": "shop.Line",
        "type": "object",
        "properties": {"sku": {"type": "string"}},
        "required": ["sku"],
        "additionalProperties": false
    });
    let properties = json!({
        "event_type": {"type": "string", "const": "order"},
        "id": {"type": "string", "format": "uuid"},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 9},
        "at": {"type": "integer", "description": "milliseconds since 1970-01-01T00:00:00Z"},
        "day": {"type": ["string", "null"], "format": "date"},
        "total": {"type": "number", "minimum": 0.01},
        "lines": {"type": "array", "items": line},
        "rates": {"type": "object", "additionalProperties": {"type": ["number", "null"]}},
        "status": {"anyOf": [{"type": "string", "enum": ["new", "done"]}, {"type": "null"}], "default": "done"},
        "by": {"anyOf": [{"type": "boolean"}, {"type": "string"}]}
    });
    let expected = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "shop.Order",
        "type": "object",
        "properties": properties,
        "required": ["event_type", "id", "quantity", "at", "total", "lines", "rates", "by"],
        "additionalProperties": false
    });
    assert_eq!(text, expected);
    assert_eq!(schema.name(), "shop.Order");
    assert_eq!(schema.record().fields[8].default, Some(Value::Symbol(1)));
}

#[test]
fn body_is_judged_with_its_place() {
    let schema = Schema::of(&order()).unwrap();
    let right = json!({
        "event_type": "order", "id": "0190c8a4-7d52-7000-8000-000000000001", "quantity": 2, "at": 1, "day": "2026-02-28",
        "total": 19.99, "lines": [{"sku": "a"}], "rates": {"eur": 1.5, "usd": null}, "by": "x"
    });
    assert_eq!(schema.validate(right.to_string().as_bytes()), Ok(()));
    for (pointer, value, reason, path) in [
        ("/event_type", json!("view"), "wrong_constant", "/event_type"),
        ("/id", json!("no-uuid"), "bad_value", "/id"),
        ("/quantity", json!(10), "bad_value", "/quantity"),
        ("/at", json!("1"), "bad_value", "/at"),
        ("/day", json!("2026-02-30"), "bad_value", "/day"),
        ("/lines/0", json!({"sku": "a", "more": 1}), "unexpected_field", "/lines/0"),
        ("/lines/0", json!({}), "missing_field", "/lines/0"),
        ("/by", json!(1.5), "bad_union", "/by"),
    ] {
        let mut body = right.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        let invalid = schema.validate(body.to_string().as_bytes()).unwrap_err();
        assert_eq!((invalid.reason.reason(), invalid.path.as_str()), (reason, path), "{invalid}");
    }
    let whole = right.to_string();
    let reason = |body: &[u8]| schema.validate(body).map_err(|invalid| invalid.reason.reason());
    assert_eq!(reason(&whole.as_bytes()[..whole.len() - 1]), Err("truncated"));
    assert_eq!(reason(format!("{whole} {whole}").as_bytes()), Err("trailing_bytes"));
    assert_eq!(reason(b"{\"a\": \xff}"), Err("not_utf8"));
    assert_eq!(reason(b"{'a': 1}"), Err("bad_syntax"));
    assert_eq!(reason("[".repeat(100_000).as_bytes()), Err("bad_syntax"));
}

#[test]
fn message_of_an_invalid_body_holds_none_of_its_values() {
    let schema = Schema::of(&order()).unwrap();
    let invalid = schema.validate(b"{\"event_type\": \"secret-value\"}").unwrap_err();
    assert!(!invalid.to_string().contains("secret-value"), "{invalid}");
}
