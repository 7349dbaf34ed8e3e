//! What stands in front of a body, so that a reader knows its schema.

use super::Malformed;
use super::varint::{LONGEST, push_varint, unzigzag, zigzag};

/// The first byte of Confluent's frame.
const CONFLUENT: u8 = 0;
/// The first bytes of a single object. <https://avro.apache.org/docs/1.12.0/specification/#single-object-encoding>
const SINGLE_OBJECT: [u8; 2] = [0xc3, 0x01];
/// The most indexes that lead to a message. Readers of others take 100,000, but no compiler nests messages so deep.
const MAX_INDEXES: usize = 100;

/// What stands in front of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// The number 0 and the id of the schema in a registry; for Protobuf also which message it is.
    /// <https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format>
    Confluent,
    /// Nothing.
    None,
    /// Of Avro alone: C3 01 and the fingerprint of the schema.
    SingleObject,
}

/// What a frame says, and where the body begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framed<'a> {
    /// Which schema the body has.
    pub by: Named<'a>,
    /// Where the body begins.
    pub start: usize,
}

/// Which schema a body has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// The one that a reader knows beforehand.
    Known,
    /// The one with this id in the registry. `message` is the way to a message of Protobuf, as [`message_path`] reads it.
    Id {
        /// The id.
        id: u32,
        /// Which message of the schema: bytes of the frame; empty for other formats.
        message: &'a [u8],
    },
    /// The one with this CRC-64-AVRO fingerprint.
    Fingerprint(u64),
}

/// Appends Confluent's frame. `message` leads to a message of Protobuf: its index in the file, then in the messages around it.
pub fn push_confluent(out: &mut Vec<u8>, id: u32, message: Option<&[usize]>) {
    out.push(CONFLUENT);
    out.extend_from_slice(&id.to_be_bytes());
    match message {
        // The first message of a file is so common that it has a shorter form.
        Some([0]) => out.push(0),
        Some(path) => {
            for number in std::iter::once(path.len()).chain(path.iter().copied()) {
                push_varint(out, zigzag(i64::try_from(number).unwrap_or(i64::MAX)));
            }
        }
        None => {}
    }
}

/// Appends the frame of a single object.
pub fn push_single_object(out: &mut Vec<u8>, fingerprint: u64) {
    out.extend_from_slice(&SINGLE_OBJECT);
    out.extend_from_slice(&fingerprint.to_le_bytes());
}

impl Framing {
    /// Reads the frame of a record's value or key. `has_message`: whether the format is one whose frames say which message it is.
    ///
    /// # Errors
    /// Why there is no such frame.
    pub fn read(self, bytes: &[u8], has_message: bool) -> Result<Framed<'_>, Malformed> {
        match self {
            Self::None => Ok(Framed { by: Named::Known, start: 0 }),
            Self::Confluent => {
                let rest = bytes.strip_prefix(&[CONFLUENT]).ok_or_else(|| no_magic(bytes, &[CONFLUENT]))?;
                let (id, rest) = rest.split_first_chunk().ok_or(Malformed::Truncated)?;
                let (message, rest) = if has_message { rest.split_at(path_length(rest)?) } else { rest.split_at(0) };
                let by = Named::Id { id: u32::from_be_bytes(*id), message };
                Ok(Framed { by, start: bytes.len() - rest.len() })
            }
            Self::SingleObject => {
                let rest = bytes.strip_prefix(&SINGLE_OBJECT).ok_or_else(|| no_magic(bytes, &SINGLE_OBJECT))?;
                let (print, rest) = rest.split_first_chunk().ok_or(Malformed::Truncated)?;
                let by = Named::Fingerprint(u64::from_le_bytes(*print));
                Ok(Framed { by, start: bytes.len() - rest.len() })
            }
        }
    }
}

fn no_magic(bytes: &[u8], magic: &[u8]) -> Malformed {
    if magic.starts_with(bytes) { Malformed::Truncated } else { Malformed::NoMagic }
}

/// How many bytes the way to a message has.
fn path_length(bytes: &[u8]) -> Result<usize, Malformed> {
    let (count, mut at) = number(bytes)?;
    if count > MAX_INDEXES {
        return Err(Malformed::BadLength);
    }
    for _ in 0..count {
        at += number(&bytes[at..])?.1;
    }
    Ok(at)
}

/// The way to a message that a frame has said, in the form of [`super::protobuf::Schema::message_path`].
#[must_use]
pub fn message_path(mut bytes: &[u8]) -> Vec<usize> {
    let mut numbers = Vec::new();
    while let Ok((value, length)) = number(bytes) {
        numbers.push(value);
        bytes = &bytes[length..];
    }
    match numbers.as_slice() {
        [0] => vec![0],
        [_, path @ ..] => path.to_vec(),
        [] => numbers,
    }
}

/// A number that is not negative, and how many bytes it has.
fn number(bytes: &[u8]) -> Result<(usize, usize), Malformed> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(LONGEST).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if *byte < 0x80 {
            let value = usize::try_from(unzigzag(value)).map_err(|_| Malformed::BadLength)?;
            return Ok((value, at + 1));
        }
    }
    Err(if bytes.len() < LONGEST { Malformed::Truncated } else { Malformed::BadLength })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confluent(id: u32, path: Option<&[usize]>) -> Vec<u8> {
        let mut out = Vec::new();
        push_confluent(&mut out, id, path);
        out
    }

    #[test]
    fn frames_are_these_bytes() {
        assert_eq!(confluent(258, None), b"\x00\x00\x00\x01\x02");
        assert_eq!(confluent(1, Some(&[0])), b"\x00\x00\x00\x00\x01\x00");
        assert_eq!(confluent(1, Some(&[1])), b"\x00\x00\x00\x00\x01\x02\x02");
        assert_eq!(confluent(1, Some(&[1, 0, 64])), b"\x00\x00\x00\x00\x01\x06\x02\x00\x80\x01");
        let mut out = Vec::new();
        push_single_object(&mut out, 0x0102_0304_0506_0708);
        assert_eq!(out, b"\xc3\x01\x08\x07\x06\x05\x04\x03\x02\x01");
    }

    #[test]
    fn frame_is_read_as_it_was_written() {
        for path in [&[0][..], &[7], &[0, 0], &[3, 0, 1000]] {
            let bytes = [confluent(u32::MAX, Some(path)), b"\x00body".to_vec()].concat();
            let framed = Framing::Confluent.read(&bytes, true).unwrap();
            assert_eq!(&bytes[framed.start..], b"\x00body");
            let Named::Id { id, message } = framed.by else { panic!("{framed:?}") };
            assert_eq!((id, message_path(message)), (u32::MAX, path.to_vec()));
        }
        let framed = Framing::Confluent.read(b"\x00\x00\x00\x00\x05", false).unwrap();
        assert_eq!(framed, Framed { by: Named::Id { id: 5, message: b"" }, start: 5 });
        let framed = Framing::SingleObject.read(b"\xc3\x01\x01\x00\x00\x00\x00\x00\x00\x00body", false).unwrap();
        assert_eq!(framed, Framed { by: Named::Fingerprint(1), start: 10 });
        assert_eq!(Framing::None.read(b"\x00", true), Ok(Framed { by: Named::Known, start: 0 }));
    }

    #[test]
    fn what_is_no_frame_is_refused_by_its_reason() {
        let confluent = |bytes| Framing::Confluent.read(bytes, true).map(|framed| framed.start);
        for (bytes, reason) in [
            (&b""[..], Malformed::Truncated),
            (b"\x01\x00\x00\x00\x01\x00", Malformed::NoMagic),
            (b"{\"a\":1}", Malformed::NoMagic),
            (b"\x00\x00\x00\x01", Malformed::Truncated),
            (b"\x00\x00\x00\x00\x01", Malformed::Truncated),
            (b"\x00\x00\x00\x00\x01\x04\x02", Malformed::Truncated),
            (b"\x00\x00\x00\x00\x01\x01", Malformed::BadLength),
            (b"\x00\x00\x00\x00\x01\x02\x01", Malformed::BadLength),
            (b"\x00\x00\x00\x00\x01\xfe\xff\xff\xff\x0f\x00", Malformed::BadLength),
            (b"\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Malformed::BadLength),
        ] {
            assert_eq!(confluent(bytes), Err(reason), "{bytes:?}");
        }
        let object = |bytes| Framing::SingleObject.read(bytes, false).map(|framed| framed.start);
        assert_eq!(object(b"\xc3"), Err(Malformed::Truncated));
        assert_eq!(object(b"\xc3\x02"), Err(Malformed::NoMagic));
        assert_eq!(object(b"\xc3\x01\x01\x02\x03"), Err(Malformed::Truncated));
    }
}
