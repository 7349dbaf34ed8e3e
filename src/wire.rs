//! Events on the wire: what values are like ([`shape`]), how they are handed from a source to a format ([`sink`]), the formats, and
//! what stands in front of a body ([`framing`]). A format compiles a flat plan from a schema once; writing and reading by it
//! allocate nothing.

pub mod avro;
mod block;
mod digits;
pub mod fields;
pub mod framing;
pub mod json;
pub mod json_schema;
pub mod key;
pub mod language;
pub mod protobuf;
pub mod schema_error;
pub mod shape;
pub mod sink;
pub mod transcode;
pub mod value;
pub(crate) mod varint;
mod word;

use std::ops::Range;

use sink::Sink;

/// A sink that writes the body of one event to the end of a buffer.
pub trait BodyWriter: Sink {
    /// Ends the body; says where in the buffer the id and the key stand.
    fn finish(&mut self) -> Written;

    /// How long the optional text that ends the event must be, so that the buffer ends at `length`, or where a length before the
    /// text makes that impossible one byte before it; `None` where there is no room.
    fn room_for_last_text(&self, length: usize) -> Option<usize>;

    /// A text of so many plain bytes, written by `fill`.
    fn filled(&mut self, length: usize, fill: impl FnOnce(&mut Vec<u8>));
}

/// Where the two fields stand that the sender looks after, as ranges of the buffer that was written to or of the body that was
/// read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The id: 36 characters of text or 16 bytes, without what stands around them.
    pub id: Option<Range<usize>>,
    /// The UUID that the id is, where a reader had to look at its text.
    pub uuid: Option<u128>,
    /// The key's value, without what stands around it; [`key`] knows its text.
    pub key: Option<Range<usize>>,
}

/// Why a body is not what its schema says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Malformed {
    /// The framing does not begin as it must.
    #[error("the frame does not begin with its magic bytes")]
    NoMagic,
    /// It ends before its last value.
    #[error("the body ends before its last value")]
    Truncated,
    /// Bytes follow its last value.
    #[error("bytes follow the last value")]
    TrailingBytes,
    /// A branch that its union does not have.
    #[error("a union has no such branch")]
    BadUnion,
    /// A symbol that its enum does not have.
    #[error("an enum has no such symbol")]
    BadEnum,
    /// A text that is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A length or a count that is negative, beyond its bound, or not that of what follows.
    #[error("a length or a count cannot be right")]
    BadLength,
    /// A text that is the same in every event of the type, and is another here.
    #[error("a constant text is another")]
    WrongConstant,
    /// A value that its type does not have; it says which.
    #[error("{0}")]
    BadValue(&'static str),
    /// A field that must be there and is not.
    #[error("a required field is missing")]
    MissingField,
    /// A field twice, or one that the schema does not have.
    #[error("a field stands there twice, or is not in the schema")]
    UnexpectedField,
    /// A tag that no field has, or one of another wire type than its field's.
    #[error("a tag is none, or has another wire type than its field")]
    BadTag,
    /// It is not written in the format's syntax.
    #[error("the body is not written in the syntax of its format")]
    BadSyntax,
    /// Levels within levels beyond what any schema has.
    #[error("the body is nested too deeply")]
    TooDeep,
}

impl Malformed {
    /// Its name in reports: a key of `invalid_by_reason`.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoMagic => "no_magic",
            Self::Truncated => "truncated",
            Self::TrailingBytes => "trailing_bytes",
            Self::BadUnion => "bad_union",
            Self::BadEnum => "bad_enum",
            Self::NotUtf8 => "not_utf8",
            Self::BadLength => "bad_length",
            Self::WrongConstant => "wrong_constant",
            Self::BadValue(_) => "bad_value",
            Self::MissingField => "missing_field",
            Self::UnexpectedField => "unexpected_field",
            Self::BadTag => "bad_tag",
            Self::BadSyntax => "bad_syntax",
            Self::TooDeep => "too_deep",
        }
    }
}
