//! What bodies hold: the fields of a type, or of another version of its schema.

use crate::event::declared::EventType;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Field, Record, Shape, Value};
use crate::wire::sink::{Sink, Values};
use crate::wire::value::{ValueSink, drive};

/// The fields of a body, in the order of the wire.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) record: Record,
    pub(super) id: Option<usize>,
    pub(super) key: usize,
    /// Whether other members may follow.
    pub(super) is_open: bool,
    pub(super) sources: Option<Sources>,
}

impl Layout {
    /// Those of the type.
    pub(super) fn of(declared: &EventType, padded: bool) -> Self {
        Self {
            record: declared.written(padded),
            id: declared.id.field(),
            key: declared.key,
            is_open: declared.open,
            sources: None,
        }
    }

    /// Those of a version of its schema.
    ///
    /// # Errors
    /// A field without a value, or no place for the id or the key.
    pub(super) fn of_version(declared: &EventType, written: &Record) -> Result<Self, SchemaError> {
        let own = &declared.record.fields;
        let (mut fields, mut sources) = (Vec::new(), Vec::new());
        for field in &written.fields {
            let known = own.iter().enumerate().find(|(_, own)| own.name == field.name);
            let (shape, source) = if let Some((at, own)) = known {
                (own.shape.clone(), Source::Field(at))
            } else {
                let value = default_of(field).ok_or_else(|| {
                    let problem = "events of the type have no such field, and it has no default";
                    SchemaError::new(problem).within(&field.name)
                })?;
                (field.shape.clone(), Source::Default(value))
            };
            fields.push(Field { shape, ..field.clone() });
            sources.push(source);
        }
        let place = |field: usize, what: &str| {
            let name = own.get(field).map_or("", |field| &field.name);
            let missing = || SchemaError::new(format!("it has no field {name}, which is the {what} of the type"));
            sources.iter().position(|source| *source == Source::Field(field)).ok_or_else(missing)
        };
        let id = declared.id.field().map(|id| place(id, "id")).transpose()?;
        let key = place(declared.key, "key")?;
        let record = Record { name: written.name.clone(), fields };
        Ok(Self { id, key, is_open: false, sources: Some(Sources::new(sources, own.len())), record })
    }
}

/// What a reader takes for a field that a writer did not know.
fn default_of(field: &Field) -> Option<Value> {
    field.default.clone().or_else(|| matches!(field.shape, Shape::Optional(_)).then_some(Value::Null))
}

/// Where the value of each field of a version comes from.
#[derive(Debug)]
pub(in crate::event) struct Sources {
    fields: Box<[Source]>,
    /// Whether they are those of the type in their order, and others after them.
    is_longer: bool,
}

/// Where one comes from.
#[derive(Debug, PartialEq)]
enum Source {
    /// From that field of the type.
    Field(usize),
    /// It is always this.
    Default(Value),
}

impl Sources {
    fn new(fields: Vec<Source>, own: usize) -> Self {
        let leads = (0..own).all(|at| fields.get(at) == Some(&Source::Field(at)));
        Self { is_longer: leads, fields: fields.into() }
    }

    /// Hands over the values of an event of a type with the record `own`, in the order of the version's `record`.
    pub(in crate::event) fn give(&self, values: &impl Values, own: &Record, record: &Record, sink: &mut impl Sink) {
        if self.is_longer {
            values.give(sink);
            self.give_fields(&[], own.fields.len(), record, sink);
            return;
        }
        let mut tree = ValueSink::new(own);
        values.give(&mut tree);
        if let Some(Value::Record(values)) = tree.finish() {
            self.give_fields(&values, 0, record, sink);
        }
    }

    fn give_fields(&self, values: &[Value], from: usize, record: &Record, sink: &mut impl Sink) {
        for (source, field) in self.fields.iter().zip(&record.fields).skip(from) {
            let value = match source {
                Source::Field(at) => values.get(*at),
                Source::Default(value) => Some(value),
            };
            if let Some(value) = value {
                // It fits: what a source hands over is of its field's shape, and so is a default.
                drive(value, &field.shape, sink).unwrap_or_default();
            }
        }
    }

    /// The version's values of those of the type.
    pub(in crate::event) fn taken_from(&self, own: &[Value]) -> Option<Vec<Value>> {
        let value = |source: &Source| match source {
            Source::Field(at) => own.get(*at).cloned(),
            Source::Default(value) => Some(value.clone()),
        };
        self.fields.iter().map(value).collect()
    }

    /// The type's values of those of the version; `None` where it lacks one that the type always has.
    pub(in crate::event) fn given_back(&self, values: &[Value], own: &Record) -> Option<Vec<Value>> {
        let value = |(at, field): (usize, &Field)| {
            self.place_of(at).map_or_else(|| default_of(field), |place| values.get(place).cloned())
        };
        own.fields.iter().enumerate().map(value).collect()
    }

    /// Whether it has each field of the type that is always there and has no default.
    pub(in crate::event) fn has_all_of(&self, own: &Record) -> bool {
        own.fields.iter().enumerate().all(|(at, field)| self.place_of(at).is_some() || default_of(field).is_some())
    }

    fn place_of(&self, field: usize) -> Option<usize> {
        self.fields.iter().position(|source| *source == Source::Field(field))
    }
}
