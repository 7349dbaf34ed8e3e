use super::*;
use crate::wire::shape::{Bits, Integer, UuidForm};

fn field(name: &str, shape: Shape) -> Field {
    Field { name: name.into(), shape, default: None }
}

fn record(name: &str, fields: Vec<Field>) -> Record {
    Record { name: name.into(), fields }
}

fn nested() -> (Record, Value) {
    let empty = record(
        "Empty",
        vec![field("nothing", Shape::Record(record("Nothing", vec![]))), field("kind", Shape::Constant("k".into()))],
    );
    let number = Shape::Integer(Integer { bits: Bits::I64, min: 0, max: 9 });
    let line = record("Line", vec![field("n", number.clone()), field("empty", Shape::Record(empty.clone()))]);
    let shapes = vec![
        field("first", Shape::Record(empty.clone())),
        field("id", Shape::Uuid(UuidForm::Fixed)),
        field("lines", Shape::Array(Box::new(Shape::Record(line.clone())))),
        field("grid", Shape::Array(Box::new(Shape::Array(Box::new(number))))),
        field("empties", Shape::Map(Box::new(Shape::Record(empty.clone())))),
        field("perhaps", Shape::Optional(Box::new(Shape::Record(empty.clone())))),
        field("either", Shape::Union(vec![Shape::Record(empty.clone()), Shape::Record(line)])),
        field("null", Shape::Null),
        field("last", Shape::Record(empty)),
    ];
    let nothing = Value::Record(vec![Value::Record(vec![]), Value::Null]);
    let line = |n| Value::Record(vec![Value::Integer(n), nothing.clone()]);
    let value = Value::Record(vec![
        nothing.clone(),
        Value::Uuid(7),
        Value::Array(vec![line(1), line(2)]),
        Value::Array(vec![Value::Array(vec![]), Value::Array(vec![Value::Integer(3)])]),
        Value::Map(vec![("a".into(), nothing.clone()), ("b".into(), nothing.clone())]),
        nothing.clone(),
        Value::Branch(1, Box::new(line(4))),
        Value::Null,
        nothing,
    ]);
    (record("Order", shapes), value)
}

#[test]
fn what_is_driven_into_a_value_sink_comes_out_of_it() {
    let (record, value) = nested();
    let mut sink = ValueSink::new(&record);
    drive_record(&value, &record, &mut sink).unwrap();
    assert_eq!(sink.finish(), Some(value));
}

#[test]
fn record_without_fields_needs_no_value() {
    let record = record("Nothing", vec![]);
    assert_eq!(ValueSink::new(&record).finish(), Some(Value::Record(vec![])));
}

#[test]
fn record_that_misses_values_does_not_come_out() {
    let (record, _) = nested();
    let mut sink = ValueSink::new(&record);
    sink.uuid(7);
    assert_eq!(sink.finish(), None);
}

#[test]
fn value_that_is_not_of_its_shape_is_named_with_its_place() {
    let (record, mut value) = nested();
    let Value::Record(values) = &mut value else { panic!() };
    values[2] = Value::Array(vec![Value::Record(vec![Value::Integer(10), Value::Record(vec![Value::Record(vec![])])])]);
    let misfit = conforms(&value, &Shape::Record(record)).unwrap_err();
    assert_eq!(misfit.to_string(), "lines[0].n: 10 is not within 0 and 9");
}

#[test]
fn text_stands_for_symbols_and_uuids() {
    let shape = Shape::Enum { name: "Color".into(), symbols: vec!["red".into(), "blue".into()] };
    assert_eq!(conforms(&Value::Text("blue".into()), &shape), Ok(()));
    assert_eq!(conforms(&Value::Text("green".into()), &shape).unwrap_err().problem, "Color has no symbol \"green\"");
    let shape = Shape::Uuid(UuidForm::Text);
    assert_eq!(conforms(&Value::Text("00000000-0000-0000-0000-00000000000A".into()), &shape), Ok(()));
    assert!(conforms(&Value::Text("{00000000-0000-0000-0000-00000000000A}".into()), &shape).is_err());
}

proptest::proptest! {
    #[test]
    fn the_text_of_a_uuid_is_that_of_rfc_9562(value: u128) {
        let text = uuid_to_text(value);
        proptest::prop_assert_eq!(str::from_utf8(&text).unwrap(), uuid::Uuid::from_u128(value).hyphenated().to_string());
        proptest::prop_assert_eq!(bytes_to_uuid(&text), Some(value));
    }
}
