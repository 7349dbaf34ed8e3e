//! Why a record is no valid event.

use std::borrow::Cow;
use std::fmt;

use crate::wire::Malformed;
use crate::wire::json::Misfit;

/// Why a record is no valid event. Displayed as its name in `invalid_by_reason`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invalid {
    /// The record has no value.
    NoValue,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text is not JSON.
    NotJson,
    /// The JSON is not an object.
    NotAnObject,
    /// It is of no type that there is.
    UnknownType,
    /// A required field is not there, or the header that holds the id.
    Missing(String),
    /// A field holds another type of value, or the header of the id no 16 bytes.
    WrongType(String),
    /// A field's value is none of those it may have.
    OutOfRange(String),
    /// A header that there must be once is there more than once.
    Doubled(String),
    /// The bytes are not what the schema says.
    Malformed(Malformed),
    /// It names a schema that there is not.
    UnknownSchemaId,
    /// It names a schema of something else than a type of event, or one that belongs to other topics.
    WrongSubject,
    /// It names a schema of a type, and what that says cannot be read as the type.
    NotReadable,
    /// Nothing can be said of it yet: the schema that it names is still being looked up.
    AwaitsSchema,
    /// The record's key is not the event's.
    KeyMismatch,
    /// The record lies in another partition than its key's.
    Misplaced,
}

impl Invalid {
    /// The name in `invalid_by_reason`, such as `missing:item_id`.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Self::NoValue => "no_value".into(),
            Self::NotUtf8 => "not_utf8".into(),
            Self::NotJson => "not_json".into(),
            Self::NotAnObject => "not_an_object".into(),
            Self::UnknownType => "unknown_type".into(),
            Self::Missing(field) => format!("missing:{field}").into(),
            Self::WrongType(field) => format!("wrong_type:{field}").into(),
            Self::OutOfRange(field) => format!("out_of_range:{field}").into(),
            Self::Doubled(header) => format!("doubled:{header}").into(),
            Self::Malformed(why) => why.reason().into(),
            Self::UnknownSchemaId => "unknown_schema_id".into(),
            Self::WrongSubject => "wrong_subject".into(),
            Self::NotReadable => "not_readable_by_reader".into(),
            Self::AwaitsSchema => "awaits_schema".into(),
            Self::KeyMismatch => "key_mismatch".into(),
            Self::Misplaced => "misplaced".into(),
        }
    }
}

impl From<Misfit> for Invalid {
    fn from(misfit: Misfit) -> Self {
        match misfit {
            Misfit::Missing(field) => Self::Missing(field),
            Misfit::WrongType(field) => Self::WrongType(field),
            Misfit::OutOfRange(field) => Self::OutOfRange(field),
        }
    }
}

impl From<Malformed> for Invalid {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
