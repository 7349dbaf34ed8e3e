//! Where the id of a declared type stands: in a field of any kind that has room for it, or in a header.

use super::*;
use crate::event::catalogue::{Catalogue, ID_HEADER, IdPlace};
use crate::event::coding::Coding;
use crate::event::decode::Wholeness;
use crate::event::encode::Encoder;
use crate::event::invalid::Invalid;
use crate::event::opaque::Raw;
use crate::event::stamp::{RunId, Stamp};
use crate::kafka::headers::{Header, Headers};

const RUN: RunId = RunId(0x0123_4567_89AB_CDEF);

/// A type whose id is that.
fn with_id(id: &str, field: &str) -> Arc<Own> {
    own(
        &format!("[t]\nid = {id}\nkey = \"key\"\n[t.fields]\nfirst = {{ words = 1 }}\n{field}\nkey = {{ pool = 9 }}"),
        1,
    )
}

/// A type of an Avro schema with that field.
fn of_schema(field: &str) -> Arc<Own> {
    let schema = format!(
        r#"{{"type": "record", "name": "Reading", "fields": [{field}
            {{"name": "sensor_id", "type": "string"}}, {{"name": "value", "type": "double"}}]}}"#
    );
    let text = format!("[reading]\nschema = {{ name = \"reading.avsc\", text = {} }}", toml::Value::String(schema));
    Arc::new(Own::new(&config(&text), 1).unwrap())
}

/// The type's catalogue in each format.
fn catalogues(own: &Own) -> Vec<(&'static str, Arc<Catalogue>)> {
    let catalogue = Catalogue::new(own.event_types()).unwrap();
    let (_, declared) = catalogue.types().next().unwrap();
    let codings = [
        ("json", Coding::json(declared).unwrap()),
        ("json-schema", Coding::json_schema(declared, false).unwrap().0.framed([0, 0, 0, 0, 1])),
        ("avro", Coding::avro(declared, false).unwrap().0),
        ("protobuf", Coding::protobuf(declared, false).unwrap().0),
    ];
    codings.map(|(name, coding)| (name, Arc::new(catalogue.clone().coded([coding])))).into()
}

/// An event: its value, its key, its stamp.
fn written(own: &Arc<Own>, catalogue: &Arc<Catalogue>, n: u64) -> (Vec<u8>, Vec<u8>, Stamp) {
    let (teller, event) = (Teller::new(own), own.example(TypeIndex(0), n));
    let values = Telling { event: &event, teller: &teller, due_unix_ns: DUE_NS };
    let mut arena = Vec::new();
    let encoded = Encoder::new(RUN, 2, Arc::clone(catalogue)).encode(&mut arena, TypeIndex(0), &values, n, DUE_NS);
    (arena[encoded.body].to_vec(), arena[encoded.key].to_vec(), encoded.stamp)
}

fn headers(ids: &[&[u8]]) -> Vec<u8> {
    let mut packed = Vec::new();
    Header { name: b"trace", value: None }.pack(&mut packed);
    for id in ids {
        Header { name: ID_HEADER.as_bytes(), value: Some(id) }.pack(&mut packed);
    }
    packed
}

fn raw<'a>(body: &'a [u8], headers: &'a [u8]) -> Raw<'a> {
    Raw { key: None, value: Some(body), headers: Headers::packed(headers) }
}

/// Whether what stands there is the event that was written.
fn is_whole(catalogue: &Catalogue, body: &[u8], key: &[u8], headers: &[u8], stamp: Stamp) -> bool {
    let Ok(decoded) = catalogue.decode_record(raw(body, headers)) else { return false };
    decoded.stamp == Some(stamp) && decoded.has_key(key) && decoded.wholeness(RUN, stamp, key) == Wholeness::AsWritten
}

#[test]
fn an_id_may_be_a_uuid_a_text_bytes_a_fixed_or_a_header() {
    let fixed = r#"{"name": "id", "type": {"type": "fixed", "name": "Id", "size": 16}},"#;
    let types = [
        with_id("\"place\"", "place = \"uuid\""),
        with_id("\"place\"", "place = { words = 1 }"),
        with_id("\"place\"", "place = { bytes = [0, 40] }"),
        with_id("{ header = \"loadgen-id\" }", "place = { bytes = [0, 40] }"),
        of_schema(fixed),
        of_schema(&fixed.replace(r#""size": 16"#, r#""size": 16, "logicalType": "uuid""#)),
        of_schema(r#"{"name": "id", "type": "bytes"},"#),
        of_schema(r#"{"name": "id", "type": {"type": "string", "logicalType": "uuid"}},"#),
        of_schema(""),
    ];
    let (mut flipped, mut missed) = (0, 0);
    for (at, own) in types.iter().enumerate() {
        let declared = &own.types[0].declared;
        assert_eq!(declared.id.header().is_some(), at == 3 || at == 8, "{declared:?}");
        for (format, catalogue) in catalogues(own) {
            for n in 0..20 {
                let (body, key, stamp) = written(own, &catalogue, n);
                let packed = headers(&[&stamp.bits().to_be_bytes()]);
                assert!(is_whole(&catalogue, &body, &key, &packed, stamp), "type {at} {format}: {body:?}");
                for place in 0..body.len() {
                    let mut body = body.clone();
                    body[place] ^= 0b10;
                    flipped += 1;
                    missed += u32::from(is_whole(&catalogue, &body, &key, &packed, stamp));
                }
            }
        }
    }
    // A check of 12 bits lets one damage in 4,096 pass.
    assert!(flipped > 20_000 && missed < flipped / 2_000, "{missed} of {flipped}");
}

#[test]
fn a_header_that_is_missing_doubled_or_damaged_is_told() {
    let own = of_schema("");
    assert_eq!(own.types[0].declared.id, IdPlace::Header(ID_HEADER.into()));
    for (format, catalogue) in catalogues(&own) {
        let (body, key, stamp) = written(&own, &catalogue, 7);
        let id = stamp.bits().to_be_bytes();
        let reason = |ids: &[&[u8]]| {
            let packed = headers(ids);
            let decoded = catalogue.decode_record(raw(&body, &packed));
            decoded.map(|decoded| decoded.stamp).map_err(|why| why.name().into_owned())
        };
        assert_eq!(reason(&[]), Err("missing:loadgen-id".to_owned()), "{format}");
        assert_eq!(reason(&[&id, &id]), Err("doubled:loadgen-id".to_owned()), "{format}");
        assert_eq!(reason(&[&id[1..]]), Err("wrong_type:loadgen-id".to_owned()), "{format}");
        assert_eq!(reason(&[&[0; 16]]), Ok(None), "another producer's: {format}");
        for bit in 0..128 {
            let packed = headers(&[&(stamp.bits() ^ 1 << bit).to_be_bytes()]);
            assert!(!is_whole(&catalogue, &body, &key, &packed, stamp), "{format} bit {bit}");
        }
        let other = RunId(1).check(stamp, &key, catalogue.decode(&body).unwrap().content());
        assert_ne!(other, stamp.check);
        assert!(matches!(catalogue.decode_record(raw(&[], &[])), Err(why) if why != Invalid::NoValue));
    }
}

#[test]
fn a_body_that_was_written_again_is_still_the_headers_event() {
    let own = of_schema("");
    let (_, catalogue) = catalogues(&own).into_iter().next().unwrap();
    let (body, key, stamp) = written(&own, &catalogue, 7);
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&body).unwrap();
    let turned: serde_json::Map<_, _> = object.into_iter().rev().collect();
    let again = serde_json::to_vec_pretty(&turned).unwrap();
    let packed = headers(&[&stamp.bits().to_be_bytes()]);
    let decoded = catalogue.decode_record(raw(&again, &packed)).unwrap();
    assert_eq!(decoded.wholeness(RUN, stamp, &key), Wholeness::ReEncoded);
}
