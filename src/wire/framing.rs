//! What stands in front of a body, so that a reader knows its schema.

use std::fmt;

use super::varint::{LONGEST, push_varint, unzigzag, zigzag};

/// The first byte of Confluent's frame.
/// <https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format>
const CONFLUENT: u8 = 0;
/// How long it is without the way to a message.
pub const CONFLUENT_LENGTH: usize = 5;
/// The first bytes of a single object. <https://avro.apache.org/docs/1.12.0/specification/#single-object-encoding>
const SINGLE_OBJECT: [u8; 2] = [0xc3, 0x01];

/// Which schema a body has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SchemaId {
    /// The one with this id in the registry.
    Registry(u32),
    /// The one with this CRC-64-AVRO fingerprint.
    Fingerprint(u64),
}

impl SchemaId {
    /// The id that a record's value names, if it begins with a frame.
    #[must_use]
    pub fn of(value: &[u8]) -> Option<Self> {
        match value {
            [CONFLUENT, a, b, c, d, ..] => Some(Self::Registry(u32::from_be_bytes([*a, *b, *c, *d]))),
            [0xc3, 0x01, rest @ ..] => rest.first_chunk().map(|print| Self::Fingerprint(u64::from_le_bytes(*print))),
            _ => None,
        }
    }
}

impl fmt::Display for SchemaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(id) => write!(f, "{id}"),
            Self::Fingerprint(fingerprint) => write!(f, "{fingerprint:016x}"),
        }
    }
}

/// Confluent's frame. `message` leads to a message of Protobuf: its index in the file, then in the messages around it.
#[must_use]
pub fn confluent(id: u32, message: Option<&[usize]>) -> Vec<u8> {
    let mut out = vec![CONFLUENT];
    out.extend_from_slice(&id.to_be_bytes());
    match message {
        // The first message of a file is so common that it has a shorter form.
        Some([0]) => out.push(0),
        Some(path) => {
            for number in std::iter::once(path.len()).chain(path.iter().copied()) {
                push_varint(&mut out, zigzag(i64::try_from(number).unwrap_or(i64::MAX)));
            }
        }
        None => {}
    }
    out
}

/// The frame of a single object.
#[must_use]
pub fn single_object(fingerprint: u64) -> Vec<u8> {
    [&SINGLE_OBJECT[..], &fingerprint.to_le_bytes()].concat()
}

/// What follows the way to a message in `bytes`, in either of its forms; `None` where it is the way to another one.
#[must_use]
pub fn after_message<'a>(bytes: &'a [u8], message: &[usize]) -> Option<&'a [u8]> {
    let (count, mut rest) = number(bytes)?;
    if count == 0 {
        return (message == [0]).then_some(rest);
    }
    if count != message.len() {
        return None;
    }
    for expected in message {
        let (found, further) = number(rest)?;
        if found != *expected {
            return None;
        }
        rest = further;
    }
    Some(rest)
}

/// The way to a message in `bytes`, in either of its forms, and what follows it.
#[must_use]
pub fn message(bytes: &[u8]) -> Option<(Vec<usize>, &[u8])> {
    let (count, mut rest) = number(bytes)?;
    if count == 0 {
        return Some((vec![0], rest));
    }
    let mut path = Vec::new();
    for _ in 0..count {
        let (found, further) = number(rest)?;
        path.push(found);
        rest = further;
    }
    Some((path, rest))
}

/// A number that is not negative, such as the index of a union's branch in Avro, and what follows it.
#[must_use]
pub fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(LONGEST).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            return Some((usize::try_from(unzigzag(value)).ok()?, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_these_bytes() {
        assert_eq!(confluent(258, None), b"\x00\x00\x00\x01\x02");
        assert_eq!(confluent(1, Some(&[0])), b"\x00\x00\x00\x00\x01\x00");
        assert_eq!(confluent(1, Some(&[1])), b"\x00\x00\x00\x00\x01\x02\x02");
        assert_eq!(confluent(1, Some(&[1, 0, 64])), b"\x00\x00\x00\x00\x01\x06\x02\x00\x80\x01");
        assert_eq!(single_object(0x0102_0304_0506_0708), b"\xc3\x01\x08\x07\x06\x05\x04\x03\x02\x01");
    }

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        assert_eq!(SchemaId::of(&confluent(u32::MAX, None)), Some(SchemaId::Registry(u32::MAX)));
        assert_eq!(SchemaId::of(&single_object(7)), Some(SchemaId::Fingerprint(7)));
        for value in [&b""[..], b"\x00\x00\x00\x01", b"{\"a\":1}", b"\xc3\x01\x01\x02\x03", b"\xc3\x02........"] {
            assert_eq!(SchemaId::of(value), None, "{value:?}");
        }
    }

    #[test]
    fn the_way_to_a_message_is_read_in_both_forms_and_no_other_way_is_taken_for_it() {
        for path in [&[0][..], &[7], &[0, 0], &[3, 0, 1000]] {
            let bytes = [confluent(1, Some(path)), b"body".to_vec()].concat();
            assert_eq!(after_message(&bytes[CONFLUENT_LENGTH..], path), Some(&b"body"[..]));
            assert_eq!(after_message(&bytes[CONFLUENT_LENGTH..], &[5]), None);
            assert_eq!(message(&bytes[CONFLUENT_LENGTH..]), Some((path.to_vec(), &b"body"[..])));
        }
        assert_eq!(after_message(b"\x02\x00body", &[0]), Some(&b"body"[..]), "the long form of the first message");
        for cut in [&b""[..], b"\x04\x02", b"\x01", b"\x02\x01", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"] {
            assert_eq!((after_message(cut, &[0]), message(cut)), (None, None), "{cut:?}");
        }
    }
}
