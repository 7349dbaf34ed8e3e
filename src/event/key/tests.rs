use std::sync::Arc;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as AvroValue;
use proptest::prelude::*;
use prost_reflect::{DescriptorPool, DynamicMessage};

use super::*;
use crate::event::catalogue::{Catalogue, GivenSchema, IdPlace, TypeIndex};
use crate::event::coding::Coding;
use crate::event::decode::Wholeness;
use crate::event::encode::Encoder;
use crate::event::stamp::RunId;
use crate::wire::framing;
use crate::wire::language::Language;
use crate::wire::protobuf::Imports;
use crate::wire::shape::{Integer, UuidForm};
use crate::wire::sink::{Sink, Values};

const RUN: RunId = RunId(9);
const FORMS: [KeyForm; 3] = [KeyForm::Text, KeyForm::Avro, KeyForm::Protobuf];

/// A type with an id and a key of that shape.
fn declared(key: Shape) -> EventType {
    let field = |name: &str, shape| Field { name: name.into(), shape, default: None };
    let fields =
        vec![field("order_id", Shape::Uuid(UuidForm::Fixed)), field("customer_id", key), field("note", Shape::Text)];
    let record = Record { name: "shop.events.Order".into(), fields };
    EventType { name: "order".into(), id: IdPlace::Field(0), key: 1, record, open: false, schema: None }
}

/// A key's value.
#[derive(Clone, Debug)]
enum Key {
    Number(i64),
    Text(String),
    Uuid(u128),
    Symbol(usize),
}

const SYMBOLS: [&str; 3] = ["EU", "US", "ASIA"];

impl Key {
    fn shape(&self) -> Shape {
        match self {
            Self::Number(_) => Shape::Integer(Integer::I64),
            Self::Text(_) => Shape::Text,
            Self::Uuid(_) => Shape::Uuid(UuidForm::Fixed),
            Self::Symbol(_) => {
                Shape::Enum { name: "shop.events.Region".into(), symbols: SYMBOLS.map(Into::into).into() }
            }
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
            Self::Uuid(uuid) => uuid::Uuid::from_u128(*uuid).to_string(),
            Self::Symbol(index) => SYMBOLS[*index].to_owned(),
        }
    }
}

impl Values for Key {
    fn give(&self, sink: &mut impl Sink) {
        sink.uuid(0);
        match self {
            Self::Number(number) => sink.integer(*number),
            Self::Text(text) => sink.text(text),
            Self::Uuid(uuid) => sink.uuid(*uuid),
            Self::Symbol(index) => sink.symbol(*index),
        }
        sink.text("after the key");
    }
}

fn keys() -> impl Strategy<Value = Key> {
    prop_oneof![
        any::<i64>().prop_map(Key::Number),
        (-2_i64..200).prop_map(Key::Number),
        "[a-z0-9-]{0,200}".prop_map(Key::Text),
        any::<u128>().prop_map(Key::Uuid),
        (0..SYMBOLS.len()).prop_map(Key::Symbol),
    ]
}

/// The type in every format of bodies, and of Protobuf with each kind of number.
fn codings(declared: &EventType) -> Vec<Coding> {
    let mut all = vec![
        Coding::json(declared).unwrap(),
        Coding::avro(declared, false).unwrap().0,
        Coding::protobuf(declared, false).unwrap().0,
    ];
    if let Shape::Integer(_) = declared.record.fields[1].shape {
        for number in ["sint64", "sfixed64"] {
            let text = format!(
                "syntax = \"proto3\"; package shop.events; message Order {{ string order_id = 1; {number} customer_id = 2; string note = 3; }}"
            );
            let given = GivenSchema {
                language: Language::Protobuf,
                text: text.into(),
                message: None,
                imports: Imports::default(),
            };
            all.push(Coding::protobuf(&EventType { schema: Some(given), ..declared.clone() }, false).unwrap().0);
        }
    }
    all
}

/// What another implementation reads.
fn read_by_others(coding: &KeyCoding, content: &[u8]) -> String {
    let schema = coding.schema().map_or("", |schema| &schema.text);
    match coding.form() {
        KeyForm::Text => String::from_utf8(content.to_vec()).unwrap(),
        KeyForm::Avro => {
            let schema = apache_avro::Schema::parse_str(schema).unwrap();
            let mut rest = content;
            let reader = GenericDatumReader::builder(&schema).build().unwrap();
            let value = reader.read_value(&mut rest).unwrap();
            assert!(rest.is_empty());
            match value {
                AvroValue::Long(number) => number.to_string(),
                AvroValue::Int(number) => number.to_string(),
                AvroValue::String(text) => text,
                AvroValue::Uuid(uuid) => uuid.to_string(),
                other => panic!("{other:?}"),
            }
        }
        KeyForm::Protobuf => {
            let mut compiler = protox::Compiler::with_file_resolver(Only(schema.to_owned()));
            compiler.open_file("key.proto").unwrap();
            let pool = DescriptorPool::from_file_descriptor_set(compiler.file_descriptor_set()).unwrap();
            let message = pool.get_message_by_name("shop.events.Key").unwrap();
            let read = DynamicMessage::decode(message, content).unwrap();
            assert_eq!(read.unknown_fields().count(), 0);
            match &*read.get_field_by_name("key").unwrap() {
                prost_reflect::Value::I64(number) => number.to_string(),
                prost_reflect::Value::String(text) => text.clone(),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// One file.
struct Only(String);

impl protox::file::FileResolver for Only {
    fn open_file(&self, name: &str) -> Result<protox::file::File, protox::Error> {
        protox::file::File::from_source(name, &self.0)
    }
}

proptest! {
    #[test]
    fn a_key_is_the_same_in_every_format_and_others_read_it(key in keys(), other in keys(), is_framed in any::<bool>()) {
        let declared = declared(key.shape());
        for form in FORMS {
            let frame: Box<[u8]> = framing::confluent(77, (form == KeyForm::Protobuf).then_some(&[0])).into();
            let frames = if is_framed && form != KeyForm::Text { vec![frame] } else { Vec::new() };
            let coding = KeyCoding::new(form, &declared).unwrap().framed(None, frames);
            let expected = coding.key_of(key.text().as_bytes());
            prop_assert_eq!(read_by_others(&coding, &expected[coding.frame().len()..]), key.text());
            for body in codings(&declared) {
                let catalogue = Catalogue::new(vec![declared.clone()]).unwrap().coded([body]).keyed([coding.clone()]);
                let catalogue = Arc::new(catalogue);
                let mut arena = b"earlier".to_vec();
                let encoder = Encoder::new(RUN, 1, Arc::clone(&catalogue));
                let written = encoder.encode(&mut arena, TypeIndex(0), &key, 5, 1_700_000_000_000_000_000);
                prop_assert_eq!(&arena[written.key.clone()], &*expected);
                let decoded = catalogue.decode(&arena[written.body.clone()]).unwrap();
                let stamp = decoded.stamp.unwrap();
                prop_assert!(decoded.has_key(&expected));
                prop_assert_eq!(decoded.record_key(), expected.clone());
                prop_assert_eq!(decoded.key().to_vec(), key.text().into_bytes());
                prop_assert_eq!(decoded.wholeness(RUN, stamp, &expected), Wholeness::AsWritten);
                if other.text() != key.text() && std::mem::discriminant(&other.shape()) == std::mem::discriminant(&key.shape()) {
                    prop_assert!(!decoded.has_key(&coding.key_of(other.text().as_bytes())));
                }
            }
        }
    }

    #[test]
    fn a_damaged_key_is_no_key_of_the_event(key in keys(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        for form in FORMS {
            let coding = KeyCoding::new(form, &declared(key.shape())).unwrap();
            let frame: Box<[u8]> = framing::confluent(77, None).into();
            let coding = if form == KeyForm::Text { coding } else { coding.framed(Some("orders-key"), vec![frame]) };
            let text = key.text();
            let whole = coding.key_of(text.as_bytes());
            prop_assert!(coding.is_key_of(text.as_bytes(), &whole));
            prop_assert!(!coding.is_key_of(text.as_bytes(), &[&whole[..], b"\0"].concat()));
            let Some(last) = whole.len().checked_sub(1) else { continue };
            prop_assert!(!coding.is_key_of(text.as_bytes(), &whole[..last]));
            let mut damaged = whole.clone();
            damaged[at.index(whole.len())] ^= 1 << bit;
            prop_assert!(!coding.is_key_of(text.as_bytes(), &damaged));
        }
    }
}

#[test]
fn keys_are_these_bytes() {
    let key = |form, shape, text: &str| KeyCoding::new(form, &declared(shape)).unwrap().key_of(text.as_bytes());
    let number = || Shape::Integer(Integer::I64);
    assert_eq!(key(KeyForm::Text, number(), "-3"), b"-3");
    assert_eq!(key(KeyForm::Avro, number(), "-3"), [5]);
    assert_eq!(key(KeyForm::Avro, Shape::Text, "ab"), b"\x04ab");
    assert_eq!(key(KeyForm::Protobuf, number(), "300"), [8, 0xac, 2]);
    assert_eq!(key(KeyForm::Protobuf, number(), "0"), b"", "the default value is left out");
    assert_eq!(key(KeyForm::Protobuf, Shape::Text, "ab"), b"\x0a\x02ab");
}

#[test]
fn a_number_that_avro_does_not_have_is_refused() {
    let shape = Shape::Integer(Integer { bits: Bits::U64, min: 0, max: u64::MAX.into() });
    let refused = KeyCoding::new(KeyForm::Avro, &declared(shape.clone())).unwrap_err().to_string();
    assert!(refused.contains("customer_id") && refused.contains("2^63"), "{refused}");
    let coding = KeyCoding::new(KeyForm::Protobuf, &declared(shape)).unwrap();
    assert_eq!(coding.key_of(u64::MAX.to_string().as_bytes()), [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
}
