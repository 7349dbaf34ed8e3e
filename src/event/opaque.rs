//! Records of any kind, sent byte for byte: nothing reads them, and their stamp stands in a header; where they are JSON objects, in a
//! [`member`] of them if that is wanted.
//!
//! The check of the stamp covers the value, the key, every other header, and which of key and value are missing. Behind the 16 bytes of
//! the stamp the header has the type, in two bytes: nothing else in such a record tells it.

pub(super) mod member;

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3Default;

use super::declared::{ID_HEADER, TypeIndex};
use super::encode::Encoder;
use super::invalid::Invalid;
use super::stamp::{Content, DueTime, Stamp};
use crate::kafka::Record;
use crate::kafka::headers::{Header, Headers};

const STAMP: usize = 16;
const LENGTH: usize = STAMP + 2;

/// Where a sealed record lies in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Its value; `None` for a tombstone.
    pub body: Option<Range<usize>>,
    /// Its key.
    pub key: Option<Range<usize>>,
    /// Its headers, packed, the last one with the stamp where it has one.
    pub headers: Range<usize>,
    /// Its stamp.
    pub stamp: Stamp,
    /// What it holds, where it carries none.
    pub content: Option<u64>,
}

/// A record as it is sealed, or was read.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its headers. One that holds a stamp is none of its own.
    pub headers: Headers<'a>,
}

impl Raw<'_> {
    /// All that it holds, as 64 bits (XXH3).
    #[must_use]
    pub fn content(&self) -> u64 {
        let mut all = Xxh3Default::new();
        let mut put = |bytes: Option<&[u8]>| {
            all.update(&bytes.map_or(u64::MAX, |bytes| bytes.len() as u64).to_le_bytes());
            all.update(bytes.unwrap_or_default());
        };
        put(self.key);
        put(self.value);
        for Header { name, value } in self.headers {
            put(Some(name));
            put(value);
        }
        all.digest()
    }

    /// Its headers, packed, with that stamp among them in the place of any other.
    #[must_use]
    pub fn headers_with(&self, kind: TypeIndex, stamp: Stamp) -> Vec<u8> {
        let mut packed = Vec::new();
        self.put_own_headers(&mut packed);
        put_id(&mut packed, kind, stamp);
        packed
    }

    fn put_own_headers(&self, into: &mut Vec<u8>) {
        for header in self.headers.iter().filter(|header| header.name != ID_HEADER.as_bytes()) {
            header.pack(into);
        }
    }

    /// Appends what the check covers beside key and value.
    fn put(&self, kind: TypeIndex, into: &mut Vec<u8>) {
        into.push(u8::from(self.key.is_none()) | u8::from(self.value.is_none()) << 1);
        into.extend_from_slice(&kind.0.to_le_bytes());
        self.put_own_headers(into);
    }
}

/// Appends the header that holds a stamp and a type.
fn put_id(packed: &mut Vec<u8>, kind: TypeIndex, stamp: Stamp) {
    let mut id = [0; LENGTH];
    id[..STAMP].copy_from_slice(&stamp.bits().to_be_bytes());
    id[STAMP..].copy_from_slice(&kind.0.to_le_bytes());
    Header { name: ID_HEADER.as_bytes(), value: Some(&id) }.pack(packed);
}

impl<'a> From<&Record<'a>> for Raw<'a> {
    fn from(record: &Record<'a>) -> Self {
        Self { key: record.key, value: record.body, headers: record.headers }
    }
}

/// Bytes before the headers in what [`Raw::put`] writes.
const BEFORE_HEADERS: usize = 3;

impl Encoder {
    /// Appends a record to `arena`, with `due_unix_ns` in its stamp.
    pub fn seal(&self, arena: &mut Vec<u8>, kind: TypeIndex, raw: Raw<'_>, sequence: u64, due_unix_ns: u64) -> Sealed {
        let start = arena.len();
        raw.put(kind, arena);
        let mut stamp = self.unchecked(sequence, DueTime::from_unix_ns(due_unix_ns));
        let member = self.catalogue().id_member().filter(|_| self.stamps());
        let object = raw.value.and_then(|value| value.strip_prefix(b"{")).filter(|_| member.is_some());
        let content = Content { before: &arena[start..], after: object.or(raw.value).unwrap_or_default() };
        stamp.check = self.run().check(stamp, raw.key.unwrap_or_default(), content);
        if object.is_some() {
            // It stands in the value.
        } else if self.stamps() {
            put_id(arena, kind, stamp);
        } else {
            // All of its headers are its own, one that held another run's stamp too.
            arena.truncate(start + BEFORE_HEADERS);
            raw.headers.iter().for_each(|header| header.pack(arena));
        }
        let content = (!self.stamps()).then(|| raw.content());
        let headers = start + BEFORE_HEADERS..arena.len();
        let mut put = |bytes: Option<&[u8]>, member: Option<&str>| {
            let from = arena.len();
            bytes.map(|bytes| {
                match member {
                    Some(name) => member::put(arena, name, stamp, self.catalogue().told_kind(kind), bytes),
                    None => arena.extend_from_slice(bytes),
                }
                from..arena.len()
            })
        };
        let key = put(raw.key, None);
        let body = put(raw.value, member);
        Sealed { body, key, headers, stamp, content }
    }
}

/// What a record tells beside its bytes.
#[derive(Clone, Debug)]
pub(super) struct Opaque<'a> {
    pub(super) key: &'a [u8],
    pub(super) before: Vec<u8>,
}

impl<'a> Raw<'a> {
    /// The stamp's bits and the type that its header says.
    pub(super) fn id_of_header(self) -> Result<(Option<u128>, TypeIndex), Invalid> {
        let mut ids = self.headers.named(ID_HEADER.as_bytes());
        let id = ids.next().flatten().and_then(|id| <[u8; LENGTH]>::try_from(id).ok());
        if ids.next().is_some() {
            return Err(Invalid::Doubled(ID_HEADER.to_owned()));
        }
        Ok(id.map_or((None, TypeIndex::default()), |id| {
            let bits = id.first_chunk().map(|bits| u128::from_be_bytes(*bits));
            (bits, TypeIndex(u16::from_le_bytes([id[STAMP], id[STAMP + 1]])))
        }))
    }

    /// What it tells beside its bytes, as one of that type.
    pub(super) fn beside(self, kind: TypeIndex) -> Opaque<'a> {
        let mut before = Vec::with_capacity(BEFORE_HEADERS);
        self.put(kind, &mut before);
        Opaque { key: self.key.unwrap_or_default(), before }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::catalogue::Catalogue;
    use super::super::decode::Wholeness;
    use super::super::stamp::RunId;
    use super::*;

    const RUN: RunId = RunId(77);

    type Parts = (Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Option<Vec<u8>>)>);

    fn parts() -> impl Strategy<Value = Parts> {
        let bytes = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20));
        (bytes(), bytes(), proptest::collection::vec(("[a-z]{0,3}", bytes()), 0..4))
    }

    fn packed(headers: &[(String, Option<Vec<u8>>)]) -> Vec<u8> {
        let mut packed = Vec::new();
        for (name, value) in headers {
            Header { name: name.as_bytes(), value: value.as_deref() }.pack(&mut packed);
        }
        packed
    }

    proptest! {
        #[test]
        fn a_sealed_record_is_whole_and_any_change_is_damage((key, value, headers) in parts(), other in parts(), kind in 0..2_u16) {
            let catalogue = Arc::new(Catalogue::opaque(["a", "b"].map(str::to_owned), true).unwrap());
            let encoder = Encoder::new(RUN, 3, Arc::clone(&catalogue));
            let own = packed(&headers);
            let raw = Raw { key: key.as_deref(), value: value.as_deref(), headers: Headers::packed(&own) };
            let mut arena = b"before".to_vec();
            let sealed = encoder.seal(&mut arena, TypeIndex(kind), raw, 5, 1_700_000_000_000_000_000);
            prop_assert_eq!(sealed.body.clone().map(|at| arena[at].to_vec()), value.clone());
            prop_assert_eq!(sealed.key.clone().map(|at| arena[at].to_vec()), key.clone());
            let sent = Headers::packed(&arena[sealed.headers.clone()]);
            let read = |raw: Raw<'_>| {
                let decoded = catalogue.decode_record(raw).unwrap();
                let stamp = decoded.stamp.unwrap();
                (decoded.kind, stamp, decoded.wholeness(RUN, stamp, raw.key.unwrap_or_default()) != Wholeness::Damaged)
            };
            prop_assert_eq!(read(Raw { headers: sent, ..raw }), (TypeIndex(kind), sealed.stamp, true));
            let id = sent.named(ID_HEADER.as_bytes()).next().unwrap().unwrap();
            let mut changed = packed(&other.2);
            Header { name: ID_HEADER.as_bytes(), value: Some(id) }.pack(&mut changed);
            let changed = Raw { key: other.0.as_deref(), value: other.1.as_deref(), headers: Headers::packed(&changed) };
            // A check of 12 bits lets one damage in 4,096 pass.
            if (&key, &value, &headers) != (&other.0, &other.1, &other.2) && key != other.0 && value != other.1 {
                let _whole = read(changed);
            }
            let mut bare = Vec::new();
            let encoder = Encoder::new(RUN, 3, Arc::clone(&catalogue)).stampless(true);
            let sealed = encoder.seal(&mut bare, TypeIndex(kind), raw, 5, 1_700_000_000_000_000_000);
            prop_assert_eq!(&bare[sealed.headers], &own[..], "without a stamp it has its own headers");
            prop_assert_eq!(sealed.content, Some(raw.content()));
            let with = raw.headers_with(TypeIndex(kind), sealed.stamp);
            let told = read(Raw { headers: Headers::packed(&with), ..raw });
            prop_assert_eq!(told, (TypeIndex(kind), sealed.stamp, true), "what is known of it reads like what it carries");
            if (&key, &value, &headers) != (&other.0, &other.1, &other.2) {
                let bytes = packed(&other.2);
                let changed = Raw { key: other.0.as_deref(), value: other.1.as_deref(), headers: Headers::packed(&bytes) };
                prop_assert_ne!(changed.content(), raw.content());
            }
        }
    }

    #[test]
    fn a_value_that_is_empty_and_one_that_is_missing_are_not_taken_for_each_other() {
        let catalogue = Arc::new(Catalogue::opaque(["a".to_owned()], true).unwrap());
        let encoder = Encoder::new(RUN, 3, Arc::clone(&catalogue));
        let taken = |value, other| {
            let is_taken = |sequence| {
                let raw = Raw { key: Some(&b"k"[..]), value, headers: Headers::default() };
                let mut arena = Vec::new();
                let sealed = encoder.seal(&mut arena, TypeIndex(0), raw, sequence, 1_700_000_000_000_000_000);
                let changed = Raw { value: other, headers: Headers::packed(&arena[sealed.headers]), ..raw };
                let decoded = catalogue.decode_record(changed).unwrap();
                decoded.wholeness(RUN, decoded.stamp.unwrap(), b"k") != Wholeness::Damaged
            };
            (0..1_000).filter(|sequence| is_taken(*sequence)).count()
        };
        // A check of 12 bits lets one in 4,096 pass.
        assert!(taken(None, Some(&b""[..])) < 4);
        assert!(taken(Some(&b""[..]), None) < 4);
    }

    proptest! {
        #[test]
        fn a_record_stamped_in_a_member_is_whole_and_any_change_is_damage(
            number in any::<u32>(), other in any::<u32>(), kind in 0..2_u16, types in 1..3_u16,
        ) {
            let kind = kind % types;
            let names = ["a", "b"].into_iter().take(types.into()).map(str::to_owned);
            let catalogue = Arc::new(Catalogue::opaque(names, true).unwrap().identified_by(Some("id".into())));
            let encoder = Encoder::new(RUN, 3, Arc::clone(&catalogue));
            let text = format!(r#"{{"n":{number}}}"#);
            let raw = Raw { key: Some(b"k"), value: Some(text.as_bytes()), headers: Headers::default() };
            let mut arena = b"before".to_vec();
            let sealed = encoder.seal(&mut arena, TypeIndex(kind), raw, 5, 1_700_000_000_000_000_000);
            prop_assert!(sealed.headers.is_empty(), "no header is added");
            let sent = String::from_utf8(arena[sealed.body.clone().unwrap()].to_vec()).unwrap();
            let read = |value: &str, key: &[u8]| {
                let raw = Raw { key: Some(key), value: Some(value.as_bytes()), headers: Headers::default() };
                let decoded = catalogue.decode_record(raw).unwrap();
                let whole = decoded.stamp.is_some_and(|stamp| decoded.wholeness(RUN, stamp, key) != Wholeness::Damaged);
                (decoded.kind, decoded.stamp, whole)
            };
            prop_assert_eq!(read(&sent, b"k"), (TypeIndex(kind), Some(sealed.stamp), true));
            if number != other {
                let changed = sent.replace(&format!(":{number}}}"), &format!(":{other}}}"));
                // A check of 12 bits lets one damage in 4,096 pass, so the check itself is compared.
                let raw = Raw { value: Some(changed.as_bytes()), ..raw };
                let content = |value: &str| {
                    let raw = Raw { value: Some(value.as_bytes()), ..raw };
                    catalogue.decode_record(raw).unwrap().content().after.to_vec()
                };
                prop_assert_ne!(content(&changed), content(&sent));
            }
        }
    }

    #[test]
    fn a_record_without_the_header_is_of_another_producer() {
        let catalogue = Catalogue::opaque(["a".to_owned()], true).unwrap();
        let raw = Raw { key: None, value: Some(b"v"), headers: Headers::default() };
        assert_eq!(catalogue.decode_record(raw).unwrap().stamp, None);
    }
}
