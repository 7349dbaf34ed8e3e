//! Versions of the types' schemas.

use super::*;
use crate::event::catalogue::{EventType, GivenSchema, Version};
use crate::event::coding::Coding;
use crate::event::readers::{Reader, ReaderSchema, Reading};
use crate::wire::Malformed;
use crate::wire::framing;
use crate::wire::json_schema;
use crate::wire::language::Language;
use crate::wire::protobuf::Imports;
use crate::wire::shape::{Field, Record};

const LANGUAGES: [Language; 3] = [Language::Avro, Language::Protobuf, Language::JsonSchema];

fn schema_of(record: &Record, language: Language) -> GivenSchema {
    let text = match language {
        Language::Avro => avro::Schema::of(record).unwrap().text().to_owned(),
        Language::Protobuf => protobuf::Schema::of(record).unwrap().text().to_owned(),
        Language::JsonSchema => json_schema::Schema::of(record).unwrap().text().to_owned(),
    };
    GivenSchema { language, text: text.into(), message: None, imports: Imports::default() }
}

/// A channel that is the web's, where nobody says otherwise.
fn channel() -> Field {
    let shape = Shape::Enum { name: "shop.events.Channel".into(), symbols: vec!["WEB".into(), "APP".into()] };
    Field { name: "channel".into(), shape, default: Some(shape::Value::Symbol(0)) }
}

/// With a channel behind the other fields.
fn longer(declared: &EventType) -> Record {
    let mut record = declared.record.clone();
    record.fields.push(channel());
    record
}

/// Without its time, from the last field to the first.
fn turned(declared: &EventType) -> Record {
    let mut record = declared.record.clone();
    record.fields.retain(|field| !matches!(field.shape, Shape::Timestamp { .. }));
    record.fields.reverse();
    record
}

fn framed(declared: &EventType, coding: Coding, id: u32) -> Coding {
    let message =
        (coding.avro_schema().is_none() && matches!(coding.body, Body::Protobuf(_))).then_some(&[0_usize][..]);
    let _ = declared;
    coding.framed(framing::confluent(id, message))
}

/// The shop's types in their own schemas, and in two versions of them.
fn catalogue(language: Language) -> Arc<Catalogue> {
    let own = CATALOGUE.types().map(|(kind, declared)| {
        let coding = match language {
            Language::Avro => Coding::avro(declared, false).unwrap().0,
            Language::Protobuf => Coding::protobuf(declared, false).unwrap().0,
            Language::JsonSchema => Coding::json_schema(declared, false).unwrap().0,
        };
        framed(declared, coding, 10 + u32::from(kind.0))
    });
    let own: Vec<Coding> = own.collect();
    let versions = CATALOGUE.types().map(|(kind, declared)| {
        let version = |record: Record, id: u32| {
            let coding = Coding::version(declared, &schema_of(&record, language)).unwrap();
            Some(Arc::new(framed(declared, coding, id + u32::from(kind.0))))
        };
        vec![version(longer(declared), 20), version(turned(declared), 30)]
    });
    let versions: Vec<_> = versions.collect();
    Arc::new(Catalogue::clone(&CATALOGUE).coded(own).versioned(versions))
}

static CATALOGUES: LazyLock<Vec<(Language, Arc<Catalogue>)>> =
    LazyLock::new(|| LANGUAGES.map(|language| (language, catalogue(language))).into());

fn written(catalogue: &Arc<Catalogue>, event: &Event, version: Version) -> (Vec<u8>, Vec<u8>) {
    let mut arena = Vec::new();
    let texts = vocabulary();
    let values = Telling { event, texts: &texts, timestamp_ms: 1_700_000_000_123 };
    let encoder = Encoder::new(RUN, 3, Arc::clone(catalogue));
    let kind = event.kind().type_index();
    let place = encoder.encode_as(version, &mut arena, kind, &values, 77, 1_700_000_000_123_456_789);
    (arena[place.body].to_vec(), arena[place.key].to_vec())
}

fn wholeness(catalogue: &Catalogue, value: &[u8], key: &[u8]) -> Wholeness {
    let decoded = catalogue.decode(value).unwrap();
    decoded.wholeness(RUN, decoded.stamp.unwrap(), key)
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_event_is_written_and_read_in_each_version_of_its_schema(event in events()) {
        for (language, catalogue) in CATALOGUES.iter() {
            let kind = event.kind().type_index();
            for version in [0, 1, 2].map(Version) {
                let (value, key) = written(catalogue, &event, version);
                let decoded = catalogue.decode(&value).unwrap_or_else(|error| panic!("{language} {version:?}: {error}"));
                prop_assert_eq!((decoded.kind, &*decoded.key()), (kind, key.as_slice()));
                prop_assert_eq!(decoded.schema_id(), catalogue.schema_id(kind, version));
                prop_assert_eq!(wholeness(catalogue, &value, &key), Wholeness::AsWritten, "{} {:?}", language, version);
            }
        }
    }

    #[test]
    fn an_event_that_was_written_again_in_another_version_is_told_from_a_damaged_one(event in events()) {
        let (_, catalogue) = &CATALOGUES[0];
        let (own, key) = written(catalogue, &event, Version(0));
        let (longer, _) = written(catalogue, &event, Version(1));
        // The channel is the last byte of a longer one, the id of its schema is ten more, and the id of the event has another check.
        let mut again = [&own[..], &[0]].concat();
        again[4] += 10;
        prop_assert_eq!((again.len(), &again[..5]), (longer.len(), &longer[..5]));
        prop_assert_eq!(wholeness(catalogue, &again, &key), Wholeness::ReEncoded);
        let mut by_the_app = again.clone();
        *by_the_app.last_mut().unwrap() = 2;
        prop_assert_eq!(wholeness(catalogue, &by_the_app, &key), Wholeness::ReEncoded, "what its producer did not know");
        let mut shorter = longer[..longer.len() - 1].to_vec();
        shorter[4] -= 10;
        prop_assert_eq!(wholeness(catalogue, &shorter, &key), Wholeness::ReEncoded);
        *again.last_mut().unwrap() = 4;
        prop_assert_eq!(catalogue.decode(&again).unwrap_err(), Invalid::Malformed(Malformed::BadEnum));
    }

    #[test]
    fn a_reader_gets_what_was_written_and_its_defaults_or_the_name_of_the_field_that_it_lacks(event in events()) {
        let (_, catalogue) = &CATALOGUES[0];
        let kind = event.kind().type_index();
        let (_, declared) = CATALOGUE.types().nth(kind.index()).unwrap();
        let reader = |record: &Record| {
            let schema = ReaderSchema::parse(&schema_of(record, Language::Avro)).unwrap();
            Reader { name: "reader".into(), kind, schema }
        };
        let mut strict = longer(declared);
        strict.fields.last_mut().unwrap().default = None;
        let read = |reader: &Reader, version| {
            let (value, _) = written(catalogue, &event, version);
            let decoded = catalogue.decode(&value).unwrap();
            let reading = Reading::new(reader, decoded.language(), decoded.avro_schema()).unwrap();
            (reading.read(reader, decoded.body_in(&value)), reading.incompatible)
        };
        for version in [0, 1].map(Version) {
            for record in [&declared.record, &longer(declared), &turned(declared)] {
                prop_assert_eq!(read(&reader(record), version), (Ok(()), vec![]));
            }
        }
        prop_assert_eq!(read(&reader(&strict), Version(1)).0, Ok(()));
        let (problem, incompatible) = read(&reader(&strict), Version(0));
        prop_assert_eq!(problem.unwrap_err(), "the writer does not have channel, which has no default");
        prop_assert!(incompatible[0].starts_with("channel: "), "{:?}", incompatible);
        prop_assert_eq!(
            read(&reader(&declared.record), Version(2)).0.unwrap_err(),
            "the writer does not have timestamp, which has no default"
        );
    }
}

#[test]
fn a_version_that_the_type_cannot_be_written_in_is_refused_with_its_field() {
    let (_, declared) = CATALOGUE.types().next().unwrap();
    let refused = |change: fn(&mut Record)| {
        let mut record = longer(declared);
        change(&mut record);
        Coding::version(declared, &schema_of(&record, Language::Avro)).unwrap_err().to_string()
    };
    assert_eq!(
        refused(|record| record.fields.last_mut().unwrap().default = None),
        "channel: events of the type have no such field, and it has no default"
    );
    assert_eq!(
        refused(|record| record.fields.retain(|field| &*field.name != "user_id")),
        "it has no field user_id, which is the key of the type"
    );
    let other = refused(|record| {
        let category = record.fields.iter_mut().find(|field| &*field.name == "category").unwrap();
        category.shape = Shape::Boolean;
    });
    assert_eq!(other, "category: text cannot be boolean in Avro");
}
