//! The fields of the events that an expectation takes.

use super::config::ExpectConfig;
use super::{RunFacts, Wrong, wrong};
use crate::event::catalogue::EventType;
use crate::spelling::nearest;
use crate::wire::shape::Shape;

/// The field with the type of an event.
const TYPE: &str = "event_type";

/// The types of event that an expectation takes, where they are those of the run; none where the source is another topic.
pub(super) struct Fields<'a> {
    all: Vec<&'a EventType>,
    taken: Vec<&'a EventType>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(config: &ExpectConfig, source: &str, known: RunFacts<'a>) -> Result<Self, Wrong> {
        let all: Vec<&EventType> = (known.catalogue.types().map(|(_, declared)| declared))
            .filter(|declared| (known.topic_of)(&declared.name) == source)
            .collect();
        let fields = Self { all, taken: Vec::new() };
        fields.known_types(&config.types)?;
        let is_taken =
            |declared: &&&EventType| config.types.is_empty() || config.types.contains(&declared.name.to_string());
        let taken = fields.all.iter().filter(is_taken).copied().collect();
        Ok(Self { taken, ..fields })
    }

    pub(super) fn known_types(&self, types: &[String]) -> Result<(), Wrong> {
        let names = || self.all.iter().map(|declared| &*declared.name);
        let unknown = types.iter().find(|named| !self.all.is_empty() && !names().any(|name| name == *named));
        unknown.map_or(Ok(()), |unknown| {
            let known = nearest(unknown, names()).map_or_else(
                || format!("there are {}", names().collect::<Vec<_>>().join(", ")),
                |nearest| format!("did you mean {nearest}?"),
            );
            wrong(format!("no event of its topic is of type \"{unknown}\""), known)
        })
    }

    /// The shapes that a field has in the types that are taken.
    pub(super) fn find(&self, field: &str, what: &str) -> Result<Vec<&'a Shape>, Wrong> {
        let fields = || self.taken.iter().flat_map(|declared| &declared.record.fields);
        let found: Vec<&Shape> = fields().filter(|known| &*known.name == field).map(|known| &known.shape).collect();
        if !found.is_empty() || self.taken.is_empty() {
            return Ok(found);
        }
        let hint = nearest(field, fields().map(|known| &*known.name)).map_or_else(
            || "name a field of the events that it takes".to_owned(),
            |nearest| format!("did you mean {nearest}?"),
        );
        wrong(format!("no event that it takes has the field \"{field}\" ({what})"), hint)
    }

    pub(super) fn number(&self, field: &str, what: &str) -> Result<(), Wrong> {
        let shapes = self.find(field, what)?;
        match shapes.iter().find(|shape| !is_number(shape)) {
            None => Ok(()),
            Some(_) => wrong(format!("the field \"{field}\" ({what}) is no number"), "name one that is"),
        }
    }

    /// The field by which an event says of which type it is.
    pub(super) fn type_field(&self) -> &'a str {
        let fields = self.all.iter().flat_map(|declared| &declared.record.fields);
        let constant = fields.into_iter().find(|field| matches!(field.shape, Shape::Constant(_)));
        constant.map_or(TYPE, |field| &field.name)
    }
}

fn is_number(shape: &Shape) -> bool {
    match shape {
        Shape::Integer(_) | Shape::Float | Shape::Double | Shape::Decimal { .. } | Shape::Timestamp { .. } => true,
        Shape::Optional(inner) => is_number(inner),
        Shape::Union(branches) => branches.iter().all(|branch| matches!(branch, Shape::Null) || is_number(branch)),
        _ => false,
    }
}
