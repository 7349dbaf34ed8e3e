use std::sync::Arc;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Theirs;

use super::*;
use crate::event::encode::Encoder;
use crate::selftest::schemas;
use crate::settings::choice::Choice as _;
use crate::shop::{Cents, Detail, Device, Event, ItemId, Session, Telling, TextId, UserId, Vocabulary};
use crate::wire::avro;
use crate::wire::shape::Record;

const RUN: RunId = RunId(0x1234_5678_9abc_def0);
const KEY: &[u8] = b"42";

fn forge(format: Format) -> Forge {
    let declared = Catalogue::new(crate::shop::types()).unwrap();
    Forge::new(Arc::new(schemas::coded(&declared, format.into()).unwrap()), RUN, format.into())
}

/// Views, and purchases with and without what is optional.
fn events(forge: &Forge) -> Vec<Vec<u8>> {
    let (item, category, session, device) = (ItemId(1), TextId(0), Session(1), Device::Mobile);
    let purchase = |transaction, session| Detail::Transaction {
        item,
        category,
        price: Cents(1_990),
        quantity: 2,
        transaction,
        session,
    };
    let details =
        [Detail::View { item, category, session, device }, purchase(None, None), purchase(None, Some(session))];
    let written = details.into_iter().map(|detail| {
        let event = Event { user: UserId(42), recorded_ms: None, detail };
        let mut value = Vec::new();
        let due = 1_700_000_000_000_000_000;
        let values = Telling { event: &event, texts: &Vocabulary::default(), timestamp_ms: 1_700_000_000_000 };
        let encoder = Encoder::new(RUN, 1, Arc::clone(&forge.catalogue));
        encoder.encode(&mut value, event.kind().type_index(), &values, 7, due);
        value
    });
    written.collect()
}

/// An event as it is sent, without headers.
fn sent(value: &[u8]) -> Forged {
    Forged { key: KEY.to_vec(), value: value.to_vec(), headers: Box::default() }
}

fn stamp_of(forge: &Forge, forged: &Forged) -> Stamp {
    forge.place.stamp_of(&forged.value, forged.raw().headers).unwrap()
}

fn wholeness(forge: &Forge, key: &[u8], value: &[u8]) -> Wholeness {
    let decoded = forge.catalogue.decode(value).unwrap();
    decoded.wholeness(RUN, decoded.stamp.unwrap(), key)
}

/// What the catalogue must say of an event with a fault.
fn reason(fault: Fault, format: Format) -> Option<Invalid> {
    let is_json = matches!(format, Format::Json | Format::JsonSchema);
    Some(match fault {
        Fault::Truncated if is_json => Invalid::NotJson,
        Fault::Truncated | Fault::EndMissing => Invalid::Malformed(Malformed::Truncated),
        Fault::NotUtf8 if is_json => Invalid::NotUtf8,
        Fault::NotUtf8 => Invalid::Malformed(Malformed::NotUtf8),
        Fault::NotJson => Invalid::NotJson,
        Fault::MissingField => Invalid::Missing("timestamp".to_owned()),
        Fault::WrongType => Invalid::WrongType("timestamp".to_owned()),
        Fault::TrailingByte => Invalid::Malformed(Malformed::TrailingBytes),
        Fault::NoMagic => Invalid::Malformed(Malformed::NoMagic),
        Fault::UnknownSchemaId => Invalid::UnknownSchemaId,
        Fault::WrongSubject => Invalid::WrongSubject,
        Fault::NotReadable => Invalid::NotReadable,
        Fault::BadUnion => Invalid::Malformed(Malformed::BadUnion),
        Fault::BadEnum => Invalid::Malformed(Malformed::BadEnum),
        Fault::WrongConstant => Invalid::Malformed(Malformed::WrongConstant),
        Fault::BadTag => Invalid::Malformed(Malformed::BadTag),
        Fault::SchemaLate | Fault::SchemaSilent => Invalid::AwaitsSchema,
        _ => return None,
    })
}

#[test]
fn what_is_forged_is_wrong_in_the_one_way_that_was_asked_for() {
    for format in Format::ALL {
        let forge = forge(*format);
        for value in events(&forge) {
            assert_eq!(wholeness(&forge, KEY, &value), Wholeness::AsWritten);
            for fault in Fault::of((*format).into()) {
                let Some(reason) = reason(fault, *format) else { continue };
                let Some(Forged { key, value: forged, .. }) = forge.forge(fault, &sent(&value)) else {
                    assert_eq!(fault, Fault::BadUnion, "{format:?}");
                    continue;
                };
                assert_eq!(forge.catalogue.decode(&forged).unwrap_err(), reason, "{fault:?} in {format:?}");
                assert_eq!(key, KEY);
            }
        }
    }
}

#[test]
fn what_is_forged_of_an_event_that_stays_valid_is_damaged_or_written_again() {
    for format in Format::ALL {
        let forge = forge(*format);
        for value in events(&forge) {
            let forged = |fault| forge.forge(fault, &sent(&value)).unwrap();
            for fault in [Fault::ValueBit, Fault::KeyBit, Fault::AnotherRun, Fault::AnotherTime] {
                let Forged { key, value, .. } = forged(fault);
                assert_eq!(wholeness(&forge, &key, &value), Wholeness::Damaged, "{fault:?} in {format:?}");
            }
            assert_eq!(wholeness(&forge, KEY, &forged(Fault::ReEncoded).value), Wholeness::ReEncoded, "{format:?}");
            let sibling = forged(Fault::Sibling);
            assert_eq!(wholeness(&forge, KEY, &sibling.value), Wholeness::AsWritten);
            assert_eq!(stamp_of(&forge, &sibling).lane, SIBLING);
            assert_ne!(stamp_of(&forge, &forged(Fault::AnotherRun)).tag, RUN.tag());
            assert_eq!(stamp_of(&forge, &forged(Fault::AnotherTime)).sequence, 7);
        }
    }
}

#[test]
fn a_schema_that_is_known_late_is_known_after_a_while_and_a_silent_one_never() {
    for format in Format::ALL.iter().filter(|format| **format != Format::Json) {
        let forge = forge(*format);
        for value in events(&forge).iter().take(1) {
            let late = forge.forge(Fault::SchemaLate, &sent(value)).unwrap().value;
            let silent = forge.forge(Fault::SchemaSilent, &sent(value)).unwrap().value;
            let asked = (0..1_000).take_while(|_| forge.catalogue.awaits_schema(&late)).count();
            assert!((1..1_000).contains(&asked), "{asked}");
            assert_eq!(wholeness(&forge, KEY, &late), Wholeness::AsWritten);
            assert!((0..1_000).all(|_| forge.catalogue.awaits_schema(&silent)));
        }
    }
}

/// What apache-avro reads of an event by the schema of that record, and how many bytes it leaves.
fn read_by_apache(record: &Record, value: &[u8]) -> Option<(Vec<(String, Theirs)>, usize)> {
    let schema = apache_avro::Schema::parse_str(avro::Schema::of(record).unwrap().text()).unwrap();
    let mut body = &value[CONFLUENT_LENGTH..];
    match GenericDatumReader::builder(&schema).build().unwrap().read_value(&mut body).ok()? {
        Theirs::Record(fields) => Some((fields, body.len())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_forged_in_avro_is_the_same_to_another_reader() {
    let forge = forge(Format::Avro);
    for value in events(&forge) {
        let kind = forge.catalogue.decode(&value).unwrap().kind;
        let record = &forge.catalogue.types().nth(kind.index()).unwrap().1.record;
        let forged = |fault| forge.forge(fault, &sent(&value)).map(|forged| forged.value);
        let (fields, 0) = read_by_apache(record, &value).unwrap() else { panic!() };
        // It takes what is cut off for null, so it is no judge of that.
        for fault in [Fault::NotUtf8, Fault::BadUnion] {
            let read = forged(fault).and_then(|value| read_by_apache(record, &value));
            assert_eq!(read, None, "{fault:?}");
        }
        let longer = forged(Fault::TrailingByte).unwrap();
        assert_eq!(read_by_apache(record, &longer), Some((fields.clone(), 1)));
        let other = forged(Fault::ValueBit).unwrap();
        assert!(read_by_apache(record, &other).is_some_and(|(other, left)| other != fields && left == 0));
        let again = forged(Fault::ReEncoded).unwrap();
        let (by_newer, 0) = read_by_apache(&schemas::newer(record), &again).unwrap() else { panic!() };
        assert_eq!(by_newer[1..], fields);
    }
}
