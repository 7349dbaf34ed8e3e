//! Types that a schema describes, and all formats.

use super::*;
use crate::event::catalogue::Catalogue;
use crate::event::coding::Coding;
use crate::event::decode::Wholeness;
use crate::event::encode::Encoder;
use crate::event::stamp::RunId;
use crate::wire::language::Language;
use crate::wire::shape::Shape;
use crate::wire::value::conforms;
use crate::wire::{BodyWriter as _, json_schema};
use crate::wire::{avro, protobuf};

const AVRO: &str = r#"{
  "type": "record", "name": "OrderPlaced", "namespace": "shop.orders",
  "fields": [
    {"name": "order_id", "type": {"type": "string", "logicalType": "uuid"}},
    {"name": "customer_id", "type": "string"},
    {"name": "email", "type": ["null", "string"], "default": null},
    {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "created_ms", "type": "long"},
    {"name": "total", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
    {"name": "currency", "type": "string"},
    {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "PAID"]}},
    {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [
      {"name": "sku", "type": "string"}, {"name": "quantity", "type": "int"}, {"name": "price", "type": "double"}]}}},
    {"name": "labels", "type": {"type": "map", "values": "boolean"}},
    {"name": "either", "type": ["int", "string"]},
    {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 4}}
  ]
}"#;

const PROTOBUF: &str = r#"
syntax = "proto3";
package shop.orders;
import "google/protobuf/timestamp.proto";
message OrderPlaced {
  string order_id = 1;
  string customer_id = 2;
  optional string email = 3;
  google.protobuf.Timestamp placed_at = 4;
  State state = 5;
  repeated Line lines = 6;
  map<string, bool> labels = 7;
  oneof either { int32 number = 8; string text = 9; }
  enum State { STATE_UNSPECIFIED = 0; OPEN = 1; PAID = 2; }
  message Line { string sku = 1; uint32 quantity = 2; double price = 3; }
}
"#;

const JSON: &str = r#"{
  "$schema": "http://json-schema.org/draft-07/schema#", "title": "OrderPlaced", "type": "object",
  "properties": {
    "order_id": {"type": "string", "format": "uuid"},
    "customer_id": {"type": "string"},
    "email": {"type": "string", "format": "email"},
    "placed_at": {"type": "string", "format": "date-time"},
    "day": {"type": "string", "format": "date"},
    "total": {"type": "number", "minimum": 5, "maximum": 7.5},
    "code": {"type": "string", "minLength": 3, "maxLength": 5},
    "quantity": {"type": "integer", "minimum": 2, "maximum": 4},
    "state": {"enum": ["OPEN", "PAID"]},
    "lines": {"type": "array", "minItems": 2, "maxItems": 3, "items": {"type": "object", "properties": {"sku": {"type": "string"}}, "required": ["sku"]}},
    "note": {"type": ["string", "null"]}
  },
  "required": ["order_id", "customer_id", "email", "placed_at", "day", "total", "code", "quantity", "state", "lines"]
}"#;

/// One type of that schema, and what else is said of it.
fn with_schema(name: &str, schema: &str, more: &str) -> Result<Arc<Own>, String> {
    let schema = toml::Value::String(schema.to_owned());
    let text = format!("[order]\nkey = \"customer_id\"\nschema = {{ name = \"{name}\", text = {schema} }}\n{more}");
    Own::new(&config(&text), 1).map(Arc::new).map_err(|error| error.to_string())
}

#[test]
fn one_of_several_messages_is_chosen_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.proto");
    let text = r#"syntax = "proto3"; package shop;
        message Payment { string payment_id = 1; string customer_id = 2; }
        message Line { string sku = 1; }
        message Order { string order_id = 1; string customer_id = 2; repeated Line lines = 3; }"#;
    std::fs::write(&path, text).unwrap();
    let load = |schema: Option<&std::path::Path>, message: Option<&str>| {
        let schema = schema.map(std::path::Path::to_owned);
        let mut config = Config { schema, message: message.map(str::to_owned), ..Config::default() };
        config.load().map(|()| config).map_err(|error| error.to_string())
    };
    let config = load(Some(&path), Some("Order")).unwrap();
    assert_eq!(config.type_names().collect::<Vec<_>>(), ["order"]);
    let kept: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
    assert_eq!(*Own::new(&kept, 1).unwrap().types[0].declared.record.name, *"shop.Order");
    assert!(load(Some(&path), None).is_err(), "nothing says which");
    assert!(load(Some(&path), Some("Odrer")).is_err());
    assert!(load(None, Some("Order")).unwrap_err().starts_with("message chooses one of a .proto"));
}

#[test]
fn a_schema_alone_gives_plausible_values() {
    for (name, schema) in [("order.avsc", AVRO), ("order.proto", PROTOBUF), ("order.schema.json", JSON)] {
        let own = with_schema(name, schema, "").unwrap();
        let record = &own.types[0].declared.record;
        assert_eq!(*record.fields[own.types[0].declared.id.field().unwrap()].name, *"order_id", "{name}");
        for n in 0..200 {
            let value = value(&own, &own.example(TypeIndex(0), n));
            conforms(&value, &Shape::Record(record.clone())).unwrap();
        }
        let texts = |field_name: &str| field(&own, field_name, 50);
        assert!(
            texts("customer_id")
                .iter()
                .all(|value| matches!(value, Value::Text(text) if text.starts_with("customer-"))),
            "{name}"
        );
        assert!(
            texts("email")
                .iter()
                .all(|value| matches!(value, Value::Null) || matches!(value, Value::Text(text) if text.contains('@')))
        );
    }
}

#[test]
fn what_is_declared_beats_what_the_schema_suggests() {
    let more = "[order.fields]\ncustomer_id = { pool = 5, format = \"c{}\" }\nemail = { constant = \"a@b\", null = 0 }\n\
                lines = { array = 2, of = { record = { quantity = { integer = [7, 7] } } } }\nstate = { choice = { PAID = 1 } }\n\
                total = { decimal = [\"5.0\", \"5.0\"] }\neither = { integer = [3, 3] }\n";
    let own = with_schema("order.avsc", AVRO, more).unwrap();
    let first = |name: &str| field(&own, name, 1).remove(0);
    assert_eq!(first("email"), Value::Text("a@b".into()));
    assert_eq!(first("state"), Value::Symbol(1));
    assert_eq!(first("total"), Value::Decimal(500));
    assert_eq!(first("either"), Value::Branch(0, Box::new(Value::Integer(3))));
    let Value::Array(lines) = first("lines") else { panic!("an array") };
    assert!(
        lines.iter().all(|line| matches!(line, Value::Record(line) if line[1] == Value::Integer(7)))
            && lines.len() == 2
    );

    let refused = |more: &str| with_schema("order.avsc", AVRO, &format!("[order.fields]\n{more}")).unwrap_err();
    assert_eq!(refused("totl = \"price\""), "order.fields.totl: shop.orders.OrderPlaced has no field \"totl\"");
    assert_eq!(refused("total = \"email\""), "order.fields.total: a text cannot be the decimal that the field is");
    assert_eq!(
        refused("total = { decimal = \"1.005\" }"),
        "order.fields.total: 3 digits behind the point are more than the 2 of the field"
    );
    assert_eq!(
        refused("currency = { words = 1, null = 0.5 }"),
        "order.fields.currency.null: its schema says that the field is always there"
    );
    assert_eq!(
        refused("state = { choice = [\"GONE\"] }"),
        "order.fields.state: \"GONE\" is none of the field's symbols: OPEN, PAID"
    );
    assert!(
        refused("lines = { array = 1, of = { record = { quantity = { integer = [0, 3_000_000_000] } } } }")
            .contains("does not lie in -2147483648 to 2147483647")
    );
}

#[test]
fn a_file_that_is_no_schema_of_its_kind_is_told() {
    let refused = |name: &str, schema: &str| with_schema(name, schema, "").unwrap_err();
    assert!(refused("order.avsc", "{").starts_with("order.schema: order.avsc: "));
    assert!(
        refused("order.avsc", PROTOBUF)
            .contains("order.avsc looks like a Protobuf file (.proto), and its name is one of an Avro schema")
    );
    assert!(refused("order.json", AVRO).contains("order.json looks like an Avro schema (.avsc)"));
    assert!(refused("order.avsc", JSON).contains("order.avsc looks like a JSON Schema (.json)"));
    assert!(
        refused("order.xsd", AVRO).contains("order.xsd is no schema by its name: .avsc, .proto and .json are known")
    );
    assert!(
        refused("order.json", &JSON.replace("\"enum\"", "\"not\"")).contains("state: the keyword not is not supported")
    );
}

#[test]
fn what_is_drawn_for_a_json_schema_is_valid_by_it() {
    let own = with_schema("order.schema.json", JSON, "").unwrap();
    let schema = json_schema::Schema::parse(JSON, "OrderPlaced").unwrap();
    let plan = crate::wire::json::Plan::new(&own.types[0].declared.record, None, None).unwrap();
    let teller = Teller::new(&own);
    for n in 0..500 {
        let mut body = Vec::new();
        let event = own.example(TypeIndex(0), n);
        let mut writer = crate::wire::json::Writer::new(&plan, &mut body);
        Telling { event: &event, teller: &teller, due_unix_ns: DUE_NS }.give(&mut writer);
        schema.validate(&body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&body)));
    }
}

#[test]
fn a_declared_type_goes_through_all_formats() {
    let own = own(ORDERS, 9);
    let teller = Teller::new(&own);
    for (kind, of) in own.types.iter().enumerate() {
        let record = &of.declared.record;
        let protobuf = protobuf::Plan::new(&protobuf::Schema::of(record).unwrap(), record, None, None).unwrap();
        let avro = avro::Plan::new(&avro::Schema::of(record).unwrap(), record, None, None).unwrap();
        let json = crate::wire::json::Plan::new(record, None, None).unwrap();
        json_schema::Schema::of(record).unwrap();
        for n in 0..300 {
            let event = own.example(index(kind), n);
            let telling = Telling { event: &event, teller: &teller, due_unix_ns: DUE_NS };
            let told = value(&own, &event);
            let mut body = Vec::new();
            let mut writer = avro::Writer::new(&avro, &mut body);
            telling.give(&mut writer);
            writer.finish();
            let mut sink = ValueSink::new(record);
            avro::read(&avro, &body, &mut sink).unwrap();
            assert_eq!(sink.finish().unwrap(), told, "Avro");

            body.clear();
            let mut writer = protobuf::Writer::new(&protobuf, &mut body);
            telling.give(&mut writer);
            writer.finish();
            let mut sink = ValueSink::new(record);
            protobuf::read(&protobuf, &body, &mut sink).unwrap();
            assert_eq!(sink.finish().unwrap(), told, "Protobuf");

            body.clear();
            let mut writer = crate::wire::json::Writer::new(&json, &mut body);
            telling.give(&mut writer);
            writer.finish();
            assert!(json.scan(&body).is_some(), "{}", String::from_utf8_lossy(&body));
        }
    }
}

#[test]
fn a_schema_that_was_given_is_the_one_that_is_sent() {
    let in_its_format = |own: &Arc<Own>, padded: bool| {
        let declared = &own.types[0].declared;
        match declared.schema.as_ref().unwrap().language {
            Language::Avro => Coding::avro(declared, padded).map(|(coding, schema)| (coding, schema.text().to_owned())),
            Language::Protobuf => {
                Coding::protobuf(declared, padded).map(|(coding, schema)| (coding, schema.text().to_owned()))
            }
            Language::JsonSchema => {
                Coding::json_schema(declared, padded).map(|(coding, schema)| (coding, schema.text().to_owned()))
            }
        }
    };
    for (name, schema) in [("order.avsc", AVRO), ("order.proto", PROTOBUF), ("order.schema.json", JSON)] {
        let own = with_schema(name, schema, "").unwrap();
        let (coding, text) = in_its_format(&own, false).unwrap();
        assert_eq!(text, schema, "{name}");
        let padded = in_its_format(&own, true).unwrap_err().to_string();
        assert!(padded.starts_with("its own schema has no field that brings bodies to a size"), "{padded}");
        let catalogue = Arc::new(Catalogue::new(own.event_types()).unwrap().coded([coding]));
        let encoder = Encoder::new(RunId(7), 0, Arc::clone(&catalogue));
        let teller = Teller::new(&own);
        for n in 0..300 {
            let event = own.example(TypeIndex(0), n);
            let telling = Telling { event: &event, teller: &teller, due_unix_ns: DUE_NS };
            let mut arena = Vec::new();
            let written = encoder.encode(&mut arena, TypeIndex(0), &telling, n, DUE_NS);
            let (body, key) = (&arena[written.body], &arena[written.key]);
            let decoded = catalogue.decode(body).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            let stamp = decoded.stamp.unwrap();
            assert_eq!((stamp.sequence, &*decoded.key()), (n, key), "{name}");
            assert_eq!(decoded.wholeness(RunId(7), stamp, key), Wholeness::AsWritten, "{name}");
        }
    }
}

#[test]
fn the_manual_tells_what_there_is() {
    let manual = include_str!("../../../../docs/own-events.md");
    let block = |start: &str| {
        let from = manual.find(start).unwrap_or_else(|| panic!("{start} is not there"));
        let text = &manual[from..];
        text[..text.find("```").unwrap()].to_owned()
    };
    let own = own(&block("namespace = \"shop.events\""), 1);
    assert_eq!(own.types.iter().map(|of| &*of.declared.name).collect::<Vec<_>>(), ["order", "payment"]);
    with_schema("order.avsc", &block("{\n  \"type\": \"record\""), "").unwrap();
    let names: Vec<String> = super::super::generator::known_names().map(|name| format!("`{name}`")).collect();
    assert!(manual.contains(&names.join(", ")), "{}", names.join(", "));
}
