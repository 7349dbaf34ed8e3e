//! What a valid event must hold: the fields of each type, their order on the wire, and the reasons for refusal.

use std::borrow::Cow;
use std::fmt;

use super::EventKind;

/// What a field's value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// A string.
    Text,
    /// A whole number from 0.
    Count,
    /// A whole number from 1.
    Quantity,
    /// A number from 0, written with two decimals.
    Amount,
    /// A whole number from 1 to 5.
    Rating,
    /// `true` or `false`.
    Flag,
}

/// One field after `user_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// `,"name":`, as the canonical layout writes it.
    pub lead: &'static str,
    /// What its value must be.
    pub field_type: FieldType,
    /// Whether an event without it is invalid.
    pub required: bool,
}

macro_rules! fields {
    ($($name:literal $field_type:ident $required:literal),+ $(,)?) => {
        &[$(Field {
            name: $name,
            lead: concat!(",\"", $name, "\":"),
            field_type: FieldType::$field_type,
            required: $required,
        }),+]
    };
}

const VIEW: &[Field] =
    fields!["item_id" Text true, "category" Text true, "session_id" Text true, "device_type" Text true];
const ADD_TO_CART: &[Field] = fields![
    "item_id" Text true, "category" Text true, "session_id" Text true, "device_type" Text true, "quantity" Quantity true
];
const TRANSACTION: &[Field] = fields![
    "item_id" Text true, "category" Text true, "price" Amount true, "quantity" Quantity true,
    "transaction_id" Text false, "session_id" Text false
];
const SEARCH: &[Field] =
    fields!["query" Text true, "results_count" Count true, "session_id" Text true, "device_type" Text true];
const FILTER: &[Field] =
    fields!["category" Text true, "filter_type" Text true, "filter_value" Text true, "session_id" Text true];
const REVIEW: &[Field] =
    fields!["item_id" Text true, "rating" Rating true, "review_text" Text true, "session_id" Text true];

const INVENTORY: &[Field] = fields!["available" Flag true];

/// The name of the field that holds the record's key.
#[must_use]
pub const fn key_field(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Inventory => "item_id",
        _ => "user_id",
    }
}

/// The key's field up to its text, as the canonical layout writes it.
pub(super) const fn key_lead(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Inventory => ",\"item_id\":\"",
        _ => ",\"user_id\":\"",
    }
}

/// The fields of `kind` after `event_id`, `event_type`, `timestamp` and its [`key_field`], in the order of the wire.
#[must_use]
pub const fn fields(kind: EventKind) -> &'static [Field] {
    match kind {
        EventKind::View => VIEW,
        EventKind::AddToCart => ADD_TO_CART,
        EventKind::Transaction => TRANSACTION,
        EventKind::Search => SEARCH,
        EventKind::Filter => FILTER,
        EventKind::Review => REVIEW,
        EventKind::Inventory => INVENTORY,
    }
}

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
    /// `event_type` names no type.
    UnknownType,
    /// A required field is not there.
    Missing(&'static str),
    /// A field holds another type of value.
    WrongType(&'static str),
    /// A field's number is outside its range.
    OutOfRange(&'static str),
    /// The record's key is not the event's `user_id`, or `item_id` of an inventory event.
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
            Self::KeyMismatch => "key_mismatch".into(),
            Self::Misplaced => "misplaced".into(),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
