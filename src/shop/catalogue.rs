//! The shop's types and their fields.

use super::Kind;
use crate::event::catalogue::{Catalogue, CatalogueError, EventType, IdPlace};
use crate::wire::shape::{Bits, Field, Integer, Record, Shape, Unit, UuidForm};

/// The namespace of their full names.
const NAMESPACE: &str = "shop.events";

/// The catalogue of the shop's types.
///
/// # Errors
/// As [`Catalogue::new`].
pub fn catalogue() -> Result<Catalogue, CatalogueError> {
    Catalogue::new(types())
}

/// The types of the shop's events, in the order of [`Kind::ALL`].
#[must_use]
pub fn types() -> Vec<EventType> {
    Kind::ALL.into_iter().map(event_type).collect()
}

fn event_type(kind: Kind) -> EventType {
    let key = match kind {
        Kind::Inventory => "item_id",
        _ => "user_id",
    };
    let head = [
        field("event_id", Shape::Uuid(UuidForm::Fixed)),
        field("event_type", Shape::Constant(kind.as_str().into())),
        field("timestamp", Shape::Timestamp { unit: Unit::Millis, local: false }),
        field(key, Shape::Text),
    ];
    let fields = head.into_iter().chain(own_fields(kind)).collect();
    let record = Record { name: format!("{NAMESPACE}.{}", full_name(kind)).into(), fields };
    let id = IdPlace::Field(0);
    EventType { name: kind.as_str().into(), id, key: 3, record, open: false, schema: None }
}

/// The fields of a type after its key.
fn own_fields(kind: Kind) -> Vec<Field> {
    let text = |name| field(name, Shape::Text);
    let optional = |name| field(name, Shape::Optional(Box::new(Shape::Text)));
    let device = || field("device_type", Shape::Text);
    match kind {
        Kind::View => vec![text("item_id"), text("category"), text("session_id"), device()],
        Kind::AddToCart => {
            vec![text("item_id"), text("category"), text("session_id"), device(), number("quantity", 1, i64::MAX)]
        }
        Kind::Transaction => vec![
            text("item_id"),
            text("category"),
            field("price", Shape::Decimal { precision: 12, scale: 2, min: Some(0) }),
            number("quantity", 1, i64::MAX),
            optional("transaction_id"),
            optional("session_id"),
        ],
        Kind::Search => vec![text("query"), number("results_count", 0, i64::MAX), text("session_id"), device()],
        Kind::Filter => vec![text("category"), text("filter_type"), text("filter_value"), text("session_id")],
        Kind::Review => vec![text("item_id"), number("rating", 1, 5), text("review_text"), text("session_id")],
        Kind::Inventory => vec![field("available", Shape::Boolean)],
    }
}

const fn full_name(kind: Kind) -> &'static str {
    match kind {
        Kind::View => "View",
        Kind::AddToCart => "AddToCart",
        Kind::Transaction => "Transaction",
        Kind::Search => "Search",
        Kind::Filter => "Filter",
        Kind::Review => "Review",
        Kind::Inventory => "Inventory",
    }
}

fn field(name: &str, shape: Shape) -> Field {
    Field { name: name.into(), shape, default: None }
}

fn number(name: &str, min: i64, max: i64) -> Field {
    field(name, Shape::Integer(Integer { bits: Bits::I64, min: min.into(), max: max.into() }))
}
