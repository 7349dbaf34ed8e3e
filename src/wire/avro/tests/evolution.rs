//! What becomes of bodies when their schema changes, and whether all of them can be read.

use super::*;

fn schema(fields: &str) -> Schema {
    Schema::parse(&format!(r#"{{"type": "record", "name": "p.M", "fields": [{fields}]}}"#)).unwrap()
}

fn one(type_of: &str) -> Schema {
    schema(&format!(r#"{{"name": "a", "type": {type_of}}}"#))
}

/// What a reader with the one schema gets out of a value that was written with the other.
fn read_as(writer: &Schema, reader: &Schema, value: &Value) -> Result<Value, String> {
    let plan = Plan::new(writer, writer.record(), None, None).unwrap();
    let body = write(&plan, writer.record(), value);
    Resolution::new(writer, reader).unwrap().read(&body).map_err(|error| error.to_string())
}

fn taken(from: &str, to: &str, value: Value) -> Result<Value, String> {
    match read_as(&one(from), &one(to), &Value::Record(vec![value]))? {
        Value::Record(mut values) => Ok(values.remove(0)),
        value => panic!("{value:?}"),
    }
}

fn differences(reader: &Schema, writer: &Schema) -> Vec<String> {
    match compatible(reader, writer) {
        Ok(()) => Vec::new(),
        Err(found) => found.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn fields_are_found_by_their_names_and_aliases_and_others_have_their_defaults() {
    let writer = schema(
        r#"{"name": "gone", "type": "string"}, {"name": "b", "type": "int"}, {"name": "old", "type": "boolean"}"#,
    );
    let reader = schema(
        r#"{"name": "new", "type": "boolean", "aliases": ["never", "old"]}, {"name": "added", "type": ["null", "int"], "default": null},
           {"name": "b", "type": "int"}, {"name": "text", "type": "string", "default": "x"}"#,
    );
    let value = Value::Record(vec![Value::Text("?".into()), Value::Integer(5), Value::Boolean(true)]);
    let values = vec![Value::Boolean(true), Value::Null, Value::Integer(5), Value::Text("x".into())];
    assert_eq!(read_as(&writer, &reader, &value), Ok(Value::Record(values)));
    assert_eq!(differences(&reader, &writer), [""; 0]);
    let missing = ["gone", "old"].map(|name| format!("{name}: the writer does not have it, and it has no default"));
    assert_eq!(differences(&writer, &reader), missing);
    assert_eq!(
        read_as(
            &reader,
            &writer,
            &Value::Record(vec![Value::Boolean(true), Value::Null, Value::Integer(5), Value::Text("x".into())])
        ),
        Err("the writer does not have gone, which has no default".into())
    );
}

#[test]
fn numbers_grow_and_texts_are_bytes() {
    assert_eq!(taken("\"int\"", "\"double\"", Value::Integer(-3)), Ok(Value::Double(-3.0)));
    assert_eq!(taken("\"long\"", "\"float\"", Value::Integer(1 << 53)), Ok(Value::Double(9_007_199_254_740_992.0)));
    assert_eq!(taken("\"float\"", "\"double\"", Value::Double(0.5)), Ok(Value::Double(0.5)));
    assert_eq!(taken("\"string\"", "\"bytes\"", Value::Text("a".into())), Ok(Value::Bytes(b"a".as_slice().into())));
    assert_eq!(taken("\"bytes\"", "\"string\"", Value::Bytes([0xff].into())), Err("a: 1 bytes are no text".into()));
    assert_eq!(differences(&one("\"int\""), &one("\"long\"")), ["a: the reader has int, and the writer wrote long"]);
    let decimal = |precision| format!(r#"{{"type": "bytes", "logicalType": "decimal", "precision": {precision}}}"#);
    assert_eq!(taken(&decimal(4), &decimal(5), Value::Decimal(-1234)), Ok(Value::Decimal(-1234)));
    assert!(taken(&decimal(4), &decimal(3), Value::Decimal(-1234)).is_err());
}

#[test]
fn symbol_that_the_reader_lacks_is_its_default() {
    let writer = r#"{"type": "enum", "name": "E", "symbols": ["A", "B", "C"]}"#;
    let with = r#"{"type": "enum", "name": "E", "symbols": ["B", "A"], "default": "A"}"#;
    let without = r#"{"type": "enum", "name": "E", "symbols": ["B", "A"]}"#;
    assert_eq!(taken(writer, with, Value::Symbol(1)), Ok(Value::Symbol(0)));
    assert_eq!(taken(writer, with, Value::Symbol(2)), Ok(Value::Symbol(1)));
    assert_eq!(taken(writer, without, Value::Symbol(0)), Ok(Value::Symbol(1)));
    assert_eq!(taken(writer, without, Value::Symbol(2)), Err("a: the reader does not have the symbol".into()));
    assert_eq!(differences(&one(without), &one(writer)), ["a: the reader does not have the symbols C, and no default"]);
    assert_eq!(differences(&one(with), &one(writer)), [""; 0]);
}

#[test]
fn unions_take_the_branch_of_the_same_type_first() {
    let branch = |index, value| Value::Branch(index, Box::new(value));
    assert_eq!(
        taken("\"int\"", r#"["null", "string", "double", "int"]"#, Value::Integer(1)),
        Ok(branch(2, Value::Integer(1)))
    );
    assert_eq!(taken("\"int\"", r#"["string", "double"]"#, Value::Integer(1)), Ok(branch(1, Value::Double(1.0))));
    assert_eq!(taken(r#"["null", "int"]"#, r#"["string", "null", "long"]"#, Value::Null), Ok(Value::Null));
    assert_eq!(
        taken(r#"["null", "int"]"#, r#"["string", "null", "long"]"#, Value::Integer(1)),
        Ok(branch(1, Value::Integer(1)))
    );
    assert_eq!(taken(r#"["null", "int"]"#, "\"long\"", Value::Integer(1)), Ok(Value::Integer(1)));
    assert_eq!(taken(r#"["null", "int"]"#, "\"long\"", Value::Null), Err("a: null cannot be long".into()));
    assert_eq!(
        differences(&one("\"long\""), &one(r#"["null", "int"]"#)),
        ["a: the reader has long, and the writer wrote null"]
    );
    assert_eq!(
        differences(
            &one(r#"["null", {"type": "array", "items": "int"}]"#),
            &one(r#"["null", "string", {"type": "array", "items": "long"}]"#)
        ),
        ["string", "array"]
            .map(|kind| format!("a: the writer wrote {kind}, which no branch of the reader's union takes"))
    );
}

#[test]
fn differences_are_named_with_their_paths() {
    let nested = |fixed: &str| {
        let record = format!(r#"{{"type": "record", "name": "R", "fields": [{{"name": "f", "type": {fixed}}}]}}"#);
        one(&format!(r#"{{"type": "map", "values": {{"type": "array", "items": {record}}}}}"#))
    };
    let two = nested(r#"{"type": "fixed", "name": "F", "size": 2}"#);
    let three = nested(r#"{"type": "fixed", "name": "F", "size": 3}"#);
    let other = nested(r#"{"type": "fixed", "name": "q.G", "size": 2, "aliases": ["x.F"]}"#);
    let alias = nested(r#"{"type": "fixed", "name": "q.G", "size": 2, "aliases": ["p.F"]}"#);
    assert_eq!(differences(&two, &three), ["a{}[].f: the reader has 2 bytes, and the writer wrote 3"]);
    assert_eq!(differences(&other, &two), ["a{}[].f: the reader has q.G, and the writer wrote p.F"]);
    assert_eq!(differences(&alias, &two), [""; 0]);
}

/// Two schemas, the second of which is a change of the first.
pub(super) fn evolved(seed: u64) -> (Schema, Schema, Draw) {
    let mut draw = Draw(seed);
    loop {
        let text = draw.avsc();
        let after = draw.evolved(&text);
        if let (Ok(before), Ok(after)) = (Schema::parse(&text.to_string()), Schema::parse(&after.to_string())) {
            return (before, after, draw);
        }
    }
}

proptest! {
    #![proptest_config(limited(200))]

    #[test]
    fn what_is_compatible_is_read_whatever_it_is(seed: u64) {
        let (writer, reader, mut draw) = evolved(seed);
        let names = format!("{}\n{}", writer.text(), reader.text());
        let is_compatible = compatible(&reader, &writer).is_ok();
        for _ in 0..5 {
            let value = draw.value_of(writer.record());
            let read = read_as(&writer, &reader, &value);
            // Whether a text is a UUID, bytes are UTF-8 or a decimal is too long is no question of schemas.
            let is_of_values = |error: &String| ["bytes are no", "digits", "is no UUID"].iter().any(|word| error.contains(word));
            prop_assert!(!is_compatible || read.is_ok() || read.as_ref().is_err_and(is_of_values), "{read:?} in {names}");
            prop_assert_eq!(read_as(&writer, &writer, &value), Ok(value));
        }
    }
}
