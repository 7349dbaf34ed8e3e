//! The other formats than JSON.

use super::*;
use crate::event::catalogue::GivenSchema;
use crate::event::coding::Coding;
use crate::event::learned::{Finder, Found, SchemaLookup};
use crate::wire::BodyWriter as _;
use crate::wire::framing;
use crate::wire::language::Language;
use crate::wire::protobuf::{Imports, Pick};
use crate::wire::schema_error::SchemaError;
use crate::wire::value::drive_record;

type Make = fn(&crate::event::catalogue::EventType, bool) -> Result<Coding, SchemaError>;

/// Each format with its frame.
const FORMATS: [(&str, Make, bool); 6] = [
    ("avro", |declared, padded| Coding::avro(declared, padded).map(|(coding, _)| coding), true),
    ("protobuf", |declared, padded| Coding::protobuf(declared, padded).map(|(coding, _)| coding), true),
    ("json-schema", |declared, padded| Coding::json_schema(declared, padded).map(|(coding, _)| coding), true),
    ("avro without a frame", |declared, padded| Coding::avro(declared, padded).map(|(coding, _)| coding), false),
    (
        "protobuf without a frame",
        |declared, padded| Coding::protobuf(declared, padded).map(|(coding, _)| coding),
        false,
    ),
    (
        "avro as a single object",
        |declared, padded| {
            let (coding, schema) = Coding::avro(declared, padded)?;
            Ok(coding.framed(framing::single_object(schema.fingerprint())))
        },
        false,
    ),
];

type InFormat = (&'static str, [Arc<Catalogue>; 2]);

/// The shop's types in each format, padded or not.
static CATALOGUES: LazyLock<Vec<InFormat>> = LazyLock::new(|| {
    let of = |make: Make, is_framed: bool, padded| {
        let codings = (10..).zip(CATALOGUE.types()).map(|(id, (_, declared))| {
            let coding = make(declared, padded).unwrap();
            let is_message = coding.frame().is_empty() && matches!(coding.body, Body::Protobuf(_));
            let message = is_message.then_some(&[0_usize][..]);
            if is_framed { coding.framed(framing::confluent(id, message)) } else { coding }
        });
        Arc::new(Catalogue::clone(&CATALOGUE).coded(codings.collect::<Vec<_>>()))
    };
    FORMATS.map(|(name, make, is_framed)| (name, [false, true].map(|padded| of(make, is_framed, padded)))).into()
});

fn written(catalogue: &Arc<Catalogue>, event: &Event, padding: Option<Padding>) -> (Vec<u8>, Vec<u8>, u16) {
    let mut arena = b"earlier".to_vec();
    let texts = vocabulary();
    let values = Telling { event, texts: &texts, timestamp_ms: 1_700_000_000_123 };
    let encoder = Encoder::new(RUN, 3, Arc::clone(catalogue)).padded(padding);
    let place = encoder.encode(&mut arena, event.kind().type_index(), &values, 77, 1_700_000_000_123_456_789);
    (arena[place.body].to_vec(), arena[place.key].to_vec(), place.stamp.check)
}

fn given(language: Language, text: &str) -> GivenSchema {
    GivenSchema { language, text: text.into(), message: None, imports: Imports::default() }
}

fn wholeness(decoded: &Decoded<'_>, key: &[u8]) -> Option<Wholeness> {
    Some(decoded.wholeness(RUN, decoded.stamp?, key))
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_in_any_format_is_read_back(event in events(), bytes in proptest::option::of(1_u32..1_000)) {
        let padding = bytes.map(|bytes| Padding { bytes, compressibility: 0.5, seed: 3 });
        for (name, catalogues) in CATALOGUES.iter() {
            let catalogue = &catalogues[usize::from(padding.is_some())];
            let (body, key, check) = written(catalogue, &event, padding);
            let decoded = catalogue.decode(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
            let stamp = decoded.stamp.unwrap();
            prop_assert_eq!((decoded.kind, stamp.sequence, stamp.check), (event.kind().type_index(), 77, check), "{}", name);
            let user = event.user.0.to_string();
            prop_assert_eq!((&*decoded.key(), &*key), (user.as_bytes(), user.as_bytes()));
            prop_assert_eq!(wholeness(&decoded, &key), Some(Wholeness::AsWritten), "{}", name);
            prop_assert_eq!(catalogue.claimed_kind(&body).is_none_or(|kind| kind == decoded.kind), true);
        }
    }

    #[test]
    fn a_padded_body_has_the_size_that_was_asked_for(event in events(), bytes in 300_u32..3_000) {
        for (name, [_, catalogue]) in CATALOGUES.iter() {
            let padding = Padding { bytes, compressibility: 0.5, seed: 3 };
            let (body, ..) = written(catalogue, &event, Some(padding));
            let asked = bytes as usize;
            prop_assert!(body.len() == asked || body.len() + 1 == asked, "{}: {} of {}", name, body.len(), asked);
        }
    }

    #[test]
    fn a_damaged_body_is_never_taken_for_whole(event in events(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        for (name, [catalogue, _]) in CATALOGUES.iter() {
            let (mut body, key, _) = written(catalogue, &event, None);
            let intact = body.clone();
            let at = at.index(body.len());
            body[at] ^= 1 << bit;
            let Ok(decoded) = catalogue.decode(&body) else { continue };
            let is_taken = wholeness(&decoded, &key).is_some_and(|how| how != Wholeness::Damaged) && decoded.has_key(&key);
            // Hexadecimal digits of the id may change their case: the same UUID.
            prop_assert!(!is_taken || intact.eq_ignore_ascii_case(&body), "{}: byte {} bit {}", name, at, bit);
        }
    }

    #[test]
    fn a_body_that_was_cut_is_refused(event in events(), cut in any::<prop::sample::Index>()) {
        for (name, [catalogue, _]) in CATALOGUES.iter() {
            let (body, key, _) = written(catalogue, &event, None);
            let cut = &body[..cut.index(body.len())];
            // A message of Protobuf may end behind any of its fields: then the check says so.
            let taken = catalogue.decode(cut).ok().and_then(|decoded| wholeness(&decoded, &key));
            prop_assert!(taken.is_none_or(|how| how == Wholeness::Damaged), "{}: {:?}", name, cut);
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), id in 8_u32..20) {
        for (_, catalogues) in CATALOGUES.iter() {
            for catalogue in catalogues {
                drop(catalogue.decode(&bytes));
                drop(catalogue.decode(&[framing::confluent(id, None), bytes.clone()].concat()));
            }
        }
    }
}

fn of(format: &str) -> &'static Arc<Catalogue> {
    &CATALOGUES.iter().find(|(name, _)| *name == format).unwrap().1[0]
}

fn inventory() -> Event {
    Event { user: UserId(461_686), recorded_ms: None, detail: Detail::Inventory { available: true } }
}

#[test]
fn a_message_that_somebody_wrote_again_is_whole_value_for_value() {
    let catalogue = of("protobuf");
    let (body, key, _) = written(catalogue, &inventory(), None);
    // Its last field, which says that the item is available, in front of the others.
    let (rest, last) = body.split_at(body.len() - 2);
    let (frame, rest) = rest.split_at(6);
    let turned = [frame, last, rest].concat();
    let decoded = catalogue.decode(&turned).unwrap();
    assert_eq!(wholeness(&decoded, &key), Some(Wholeness::ReEncoded));
    // The frame may name the first message in its long form.
    let long = [&frame[..5], &[2, 0], rest, last].concat();
    assert_eq!(wholeness(&catalogue.decode(&long).unwrap(), &key), Some(Wholeness::AsWritten));
}

#[test]
fn json_in_another_layout_is_whole_value_for_value() {
    let catalogue = of("json-schema");
    let (body, key, _) = written(catalogue, &inventory(), None);
    let (frame, text) = body.split_at(5);
    let spaced = String::from_utf8(text.to_vec()).unwrap().replace(',', ", ");
    let decoded = [frame, spaced.as_bytes()].concat();
    assert_eq!(wholeness(&catalogue.decode(&decoded).unwrap(), &key), Some(Wholeness::ReEncoded));
    assert_eq!(wholeness(&CATALOGUE.decode(spaced.as_bytes()).unwrap(), &key), Some(Wholeness::ReEncoded));
}

#[test]
fn what_is_no_record_of_the_format_says_why() {
    let avro = of("avro");
    let (body, ..) = written(avro, &inventory(), None);
    let refused = |catalogue: &Arc<Catalogue>, value: &[u8]| catalogue.decode(value).unwrap_err().name().into_owned();
    assert_eq!(refused(avro, b"{\"event_id\":1}"), "no_magic");
    assert_eq!(refused(avro, b""), "truncated");
    assert_eq!(refused(avro, &body[..4]), "truncated");
    assert_eq!(refused(avro, &body[..body.len() - 1]), "truncated");
    assert_eq!(refused(avro, &[&*body, b"x"].concat()), "trailing_bytes");
    assert_eq!(refused(avro, &[&[0, 0, 0, 0, 99], &body[5..]].concat()), "unknown_schema_id");
    let protobuf = of("protobuf");
    let (body, ..) = written(protobuf, &inventory(), None);
    assert_eq!(refused(protobuf, &[&body[..5], &[2, 2], &body[6..]].concat()), "bad_tag");
    assert_eq!(refused(of("json-schema"), b"\x00\x00\x00\x00\x0aabc"), "not_json");
    assert_eq!(refused(of("avro as a single object"), b"\xc3\x01........"), "unknown_schema_id");
}

/// Of a type that is there in another version too.
#[derive(Debug)]
struct Knows(Option<Found>);

impl Finder for Knows {
    fn find(&self, _: framing::SchemaId) -> SchemaLookup<'_> {
        self.0.as_ref().map_or(SchemaLookup::Pending, SchemaLookup::from)
    }

    fn silence(&self) -> Option<String> {
        None
    }
}

#[test]
fn a_schema_that_is_still_looked_up_makes_no_record_good_or_bad() {
    let avro = of("avro");
    let (body, ..) = written(avro, &inventory(), None);
    let knows = |found| Catalogue::clone(&CATALOGUE).learning(Arc::new(Knows(found)));
    let pending = knows(None);
    assert!(pending.awaits_schema(&body) && !pending.awaits_schema(b"{}"));
    assert_eq!(pending.decode(&body).unwrap_err(), Invalid::AwaitsSchema);
    let refused = knows(Some(Err(Invalid::WrongSubject)));
    assert!(!refused.awaits_schema(&body));
    assert_eq!(refused.decode(&body).unwrap_err(), Invalid::WrongSubject);
}

#[test]
fn records_of_a_schema_that_was_looked_up_are_read_by_it() {
    let event = inventory();
    let kind = event.kind().type_index();
    let (body, key, _) = written(of("protobuf"), &event, None);
    let (_, declared) = CATALOGUE.types().nth(kind.index()).unwrap();
    let (coding, schema) = Coding::protobuf(declared, false).unwrap();
    // Another version: its fields have other numbers, and its id is another.
    let text = schema.text().replace("= 5;", "= 9;").replace("= 1;", "= 12;");
    let writer = coding.reader_of(&given(Language::Protobuf, &text)).unwrap();
    let (other, frame) = (protobuf::Schema::parse(&text, &[], Pick::Only).unwrap(), framing::confluent(99, Some(&[0])));
    let record = coding.record.clone();
    let mut values = ValueSink::new(&record);
    protobuf::read(&protobuf::Plan::new(&schema, &record, None, None).unwrap(), &body[6..], &mut values).unwrap();
    let plan = protobuf::Plan::new(&other, &record, None, None).unwrap();
    let mut again = frame.clone();
    let mut again_by = protobuf::Writer::new(&plan, &mut again);
    drive_record(&values.finish().unwrap(), &record, &mut again_by).unwrap();
    again_by.finish();

    let knows = |coding: Coding, writer| {
        let learned = Learned { kind, coding, own: None, writer };
        Catalogue::clone(&CATALOGUE).learning(Arc::new(Knows(Some(Ok([learned].into())))))
    };
    let newer = knows(coding.framed(frame), writer);
    let decoded = newer.decode(&again).unwrap();
    assert_eq!((decoded.kind, wholeness(&decoded, &key)), (kind, Some(Wholeness::ReEncoded)));
    assert_eq!(newer.decode(&again[..again.len() - 1]).unwrap_err().name(), "truncated");
    let own = knows(Coding::protobuf(declared, false).unwrap().0.framed(body[..6].to_vec()), None);
    let decoded = own.decode(&body).unwrap();
    assert_eq!((decoded.kind, wholeness(&decoded, &key)), (kind, Some(Wholeness::AsWritten)));
}

#[test]
fn records_of_another_version_of_an_avro_schema_are_whole_value_for_value() {
    let event = inventory();
    let kind = event.kind().type_index();
    let (body, key, _) = written(of("avro"), &event, None);
    let (_, declared) = CATALOGUE.types().nth(kind.index()).unwrap();
    let (coding, schema) = Coding::avro(declared, false).unwrap();
    // One field more, and two that changed their places.
    let mut other: serde_json::Value = serde_json::from_str(schema.text()).unwrap();
    let fields = other["fields"].as_array_mut().unwrap();
    fields.swap(2, 3);
    fields.push(serde_json::json!({ "name": "channel", "type": "string", "default": "web" }));
    let text = other.to_string();
    let newer = avro::Schema::parse(&text).unwrap();
    let record = newer.record().clone();
    let mut values = ValueSink::new(schema.record());
    let own = avro::Plan::new(&schema, schema.record(), None, None).unwrap();
    avro::read(&own, &body[5..], &mut values).unwrap();
    let Some(shape::Value::Record(mut fields)) = values.finish() else { panic!() };
    fields.swap(2, 3);
    fields.push(shape::Value::Text("app".into()));
    let mut again = framing::confluent(99, None);
    let plan = avro::Plan::new(&newer, &record, None, None).unwrap();
    let mut writer = avro::Writer::new(&plan, &mut again);
    drive_record(&shape::Value::Record(fields), &record, &mut writer).unwrap();
    writer.finish();

    let writer = coding.reader_of(&given(Language::Avro, &text)).unwrap();
    let learned = Learned { kind, coding: coding.framed(framing::confluent(99, None)), own: None, writer };
    let knows = Catalogue::clone(&CATALOGUE).learning(Arc::new(Knows(Some(Ok([learned].into())))));
    let decoded = knows.decode(&again).unwrap();
    assert_eq!((decoded.kind, wholeness(&decoded, &key)), (kind, Some(Wholeness::ReEncoded)));
    let last = again.len() - 1;
    assert_eq!(knows.decode(&again[..last]).unwrap_err().name(), "truncated");
    again[last - 8] ^= 1;
    let damaged = knows.decode(&again).ok().and_then(|decoded| wholeness(&decoded, &key));
    assert!(damaged.is_none_or(|how| how == Wholeness::Damaged), "{damaged:?}");
}

#[test]
fn a_record_of_an_avro_schema_that_lacks_a_field_of_the_type_is_not_readable_by_the_reader() {
    let event = inventory();
    let kind = event.kind().type_index();
    let (_, declared) = CATALOGUE.types().nth(kind.index()).unwrap();
    let (coding, schema) = Coding::avro(declared, false).unwrap();
    let text = schema.text().replace("\"timestamp\"", "\"sent_at\"");
    let (mut body, ..) = written(of("avro"), &event, None);
    body.splice(..5, framing::confluent(99, None));

    let writer = coding.reader_of(&given(Language::Avro, &text)).unwrap();
    let learned = Learned { kind, coding: coding.framed(framing::confluent(99, None)), own: None, writer };
    let knows = Catalogue::clone(&CATALOGUE).learning(Arc::new(Knows(Some(Ok([learned].into())))));
    assert_eq!(knows.decode(&body).unwrap_err(), Invalid::NotReadable);
    assert_eq!(knows.decode(&body[..body.len() - 1]).unwrap_err().name(), "truncated");
}
