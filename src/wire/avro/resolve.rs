//! Reading with the schema of the writer, and giving the values of the reader's.
//! <https://avro.apache.org/docs/1.12.0/specification/#schema-resolution>
//!
//! What cannot be resolved is refused only where a body has it, as Avro for Java does: whether all bodies can be read is asked of
//! [`super::compatible`].

use std::str;

use apache_avro::Schema as Avro;
use apache_avro::schema::{RecordSchema, UnionSchema};

use super::compatibility::{fields_of, is_named_alike};
use super::plain::{Names, Plain};
use super::{Plan, Schema, decimal, read, schema};
use crate::wire::Malformed;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Record, Shape, UuidForm, Value};
use crate::wire::value::{Misfit, ValueSink, conforms, text_to_uuid};

/// How bodies of one schema are read as another one says. It builds trees of values: for what is not done per event.
#[derive(Debug)]
pub struct Resolution {
    plan: Plan,
    writer: Record,
    reader: Shape,
    step: Step,
}

/// Why a body cannot be read as the reader's schema says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not what the writer's schema says.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The reader's schema has no such value.
    #[error(transparent)]
    Misfit(#[from] Misfit),
}

impl Resolution {
    /// Compares both schemas once.
    ///
    /// # Errors
    /// None for schemas that have been parsed.
    pub fn new(writer: &Schema, reader: &Schema) -> Result<Self, SchemaError> {
        let (from, to) = (Shape::Record(writer.record().clone()), Shape::Record(reader.record().clone()));
        let names = (schema::names(writer.parsed())?, schema::names(reader.parsed())?);
        let step = Maker { writer: &names.0, reader: &names.1 }.step((writer.parsed(), &from), (reader.parsed(), &to));
        let plan = Plan::new(writer, writer.record(), None, None)?;
        Ok(Self { plan, writer: writer.record().clone(), reader: to, step })
    }

    /// The values that a body has for the reader, in the order of the reader's record.
    ///
    /// # Errors
    /// Why there are none.
    pub fn read(&self, body: &[u8]) -> Result<Value, Unreadable> {
        self.resolved(self.written(body)?)
    }

    /// The values that were written, in the order of the writer's record, and those that a body has for the reader.
    ///
    /// # Errors
    /// Why there are none.
    pub fn read_both(&self, body: &[u8]) -> Result<(Value, Value), Unreadable> {
        let written = self.written(body)?;
        let read = self.resolved(written.clone())?;
        Ok((written, read))
    }

    fn written(&self, body: &[u8]) -> Result<Value, Malformed> {
        let mut sink = ValueSink::new(&self.writer);
        read(&self.plan, body, &mut sink)?;
        sink.finish().ok_or(Malformed::Truncated)
    }

    fn resolved(&self, written: Value) -> Result<Value, Unreadable> {
        let value = self.step.take(written)?;
        conforms(&value, &self.reader)?;
        Ok(value)
    }

    /// What a field of the reader always is: its default, where the writer does not know the field.
    #[must_use]
    pub fn default_of(&self, field: &str) -> Option<&Value> {
        let Step::Record(fields) = &self.step else { return None };
        fields.iter().find_map(|(name, source)| match source {
            Source::Default(value) if **name == *field => Some(value),
            _ => None,
        })
    }
}

/// How a value of the writer becomes one of the reader.
#[derive(Debug)]
enum Step {
    Same,
    /// A value without parts of another type.
    Leaf(Shape, Target),
    /// The reader's symbol for each of the writer's.
    Enum(Box<[Option<usize>]>),
    Array(Box<Step>),
    Map(Box<Step>),
    Record(Box<[(Box<str>, Source)]>),
    /// The writer has a union: what becomes of each branch.
    From(Box<[(Place, Step)]>),
    /// The reader has a union: the value is this branch of it.
    Into(usize, Box<Step>),
    /// There is no such value.
    Refused(Box<str>),
}

/// Where a field of the reader comes from.
#[derive(Debug)]
enum Source {
    Field(usize, Step),
    Default(Value),
}

/// How a branch of a union stands in a [`Value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Null,
    Bare,
    Branch(usize),
}

/// What a leaf becomes: its bytes on the wire are the same, or a number.
#[derive(Clone, Debug)]
enum Target {
    Float,
    Double,
    Leaf(Shape),
}

type Side<'a> = (&'a Avro, &'a Shape);

/// The named types of both.
struct Maker<'a> {
    writer: &'a Names<'a>,
    reader: &'a Names<'a>,
}

impl<'a> Maker<'a> {
    fn step(&self, (from, from_shape): Side<'a>, (to, to_shape): Side<'a>) -> Step {
        let (plain_from, plain_to) = (Plain::resolved(from, self.writer), Plain::resolved(to, self.reader));
        match (plain_from, plain_to, from_shape, to_shape) {
            (Plain::Union(own), ..) => {
                let branches = places(own, from_shape).into_iter();
                Step::From(branches.map(|(place, side)| (place, self.step(side, (to, to_shape)))).collect())
            }
            (_, Plain::Union(own), ..) => self.branch_of((from, from_shape), own, to_shape),
            (Plain::Record(from), Plain::Record(to), Shape::Record(from_record), Shape::Record(to_record)) => {
                self.record((from, from_record), (to, to_record))
            }
            (Plain::Array(from), Plain::Array(to), Shape::Array(from_shape), Shape::Array(to_shape)) => {
                Step::Array(Box::new(self.step((&from.items, from_shape), (&to.items, to_shape))))
            }
            (Plain::Map(from), Plain::Map(to), Shape::Map(from_shape), Shape::Map(to_shape)) => {
                Step::Map(Box::new(self.step((&from.types, from_shape), (&to.types, to_shape))))
            }
            (Plain::Enum(from), Plain::Enum(to), ..) if is_named_alike(plain_to, plain_from) => {
                let place = |symbol: &String| to.symbols.iter().position(|own| own == symbol);
                let default = to.default.as_ref().and_then(place);
                Step::Enum(from.symbols.iter().map(|symbol| place(symbol).or(default)).collect())
            }
            (Plain::Fixed(own), Plain::Fixed(other), ..)
                if own.size == other.size && is_named_alike(plain_to, plain_from) =>
            {
                leaf(from_shape, to_shape)
            }
            (Plain::Enum(_) | Plain::Fixed(_), ..) => refused(plain_from, plain_to),
            (from, Plain::Float, ..) if plain_to.takes(from) => Step::Leaf(from_shape.clone(), Target::Float),
            (from, Plain::Double, ..) if plain_to.takes(from) => Step::Leaf(from_shape.clone(), Target::Double),
            (from, to, ..) if from.is_like(to) || to.takes(from) => leaf(from_shape, to_shape),
            (from, to, ..) => refused(from, to),
        }
    }

    fn record(
        &self,
        (from, from_record): (&'a RecordSchema, &'a Record),
        (to, to_record): (&'a RecordSchema, &'a Record),
    ) -> Step {
        let mut sources = Vec::new();
        // A record of another name is read for the sake of its fields, but its fields have no aliases there.
        let is_alike = is_named_alike(Plain::Record(to), Plain::Record(from));
        for (own, field) in to.fields.iter().zip(&to_record.fields) {
            let known = fields_of(from, own).into_iter().find(|known| is_alike || known.name == own.name);
            let at = known.and_then(|known| from.fields.iter().position(|field| field.name == known.name));
            let source = match at.and_then(|at| Some((at, from.fields.get(at)?, from_record.fields.get(at)?))) {
                Some((at, known, known_field)) => {
                    Source::Field(at, self.step((&known.schema, &known_field.shape), (&own.schema, &field.shape)))
                }
                None if own.default.is_some() => Source::Default(field.default.clone().unwrap_or(Value::Null)),
                None => {
                    return Step::Refused(
                        format!("the writer does not have {}, which has no default", own.name).into(),
                    );
                }
            };
            sources.push((field.name.clone(), source));
        }
        Step::Record(sources.into())
    }

    /// The branch of the same type and name, else for records the first that can be read, one of the same name without its
    /// namespace before others, else the first that takes the writer's type.
    fn branch_of(&self, from: Side<'a>, own: &'a UnionSchema, shape: &'a Shape) -> Step {
        let plain = Plain::resolved(from.0, self.writer);
        let branches = places(own, shape);
        let to = |side: Side<'a>| Plain::resolved(side.0, self.reader);
        let made = |(place, side): (Place, Side<'a>)| (place, self.step(from, side));
        let alike = || branches.iter().copied().filter(|(_, side)| to(*side).is_like(plain));
        let found = alike().find(|(_, side)| is_named_fully(to(*side), plain)).map(made).or_else(|| {
            let readable = alike().map(|branch| (is_named_alike(to(branch.1), plain), made(branch)));
            let readable = readable.filter(|(_, (_, step))| step.is_readable());
            readable.reduce(|best, next| if next.0 && !best.0 { next } else { best }).map(|(_, found)| found)
        });
        let taking = || branches.iter().copied().find(|(_, side)| to(*side).takes(plain)).map(made);
        match found.or_else(taking) {
            Some((Place::Branch(index), step)) => Step::Into(index, Box::new(step)),
            Some((_, step)) => step,
            None => refused(plain, Plain::Union(own)),
        }
    }
}

/// Whether both have the same full name, or the reader's had the writer's before.
fn is_named_fully(reader: Plain, writer: Plain) -> bool {
    match (reader.names(), writer.names()) {
        (Some((to, aliases)), Some((from, _))) => to == from || aliases.iter().any(|alias| *alias == *from.as_ref()),
        _ => true,
    }
}

/// The branches of a union, and how each stands in a value of that shape.
fn places<'a>(own: &'a UnionSchema, shape: &'a Shape) -> Vec<(Place, Side<'a>)> {
    let (shape, is_optional) = match shape {
        Shape::Optional(shape) => (&**shape, true),
        shape => (shape, false),
    };
    let mut next = 0;
    let place = |own: &'a Avro| {
        if is_optional && matches!(own, Avro::Null) {
            return Some((Place::Null, (own, &Shape::Null)));
        }
        let Shape::Union(branches) = shape else { return Some((Place::Bare, (own, shape))) };
        next += 1;
        branches.get(next - 1).map(|shape| (Place::Branch(next - 1), (own, shape)))
    };
    own.variants().iter().filter_map(place).collect()
}

fn refused(from: Plain, to: Plain) -> Step {
    let word = |plain: Plain| match plain.names() {
        Some((name, _)) => format!("the {} {name}", plain.word()),
        None => plain.word().to_owned(),
    };
    Step::Refused(format!("{} cannot be {}", word(from), word(to)).into())
}

fn leaf(from: &Shape, to: &Shape) -> Step {
    if from == to || matches!((from, to), (Shape::Fixed { .. }, Shape::Fixed { .. })) {
        return Step::Same;
    }
    Step::Leaf(from.clone(), Target::Leaf(to.clone()))
}

impl Step {
    /// Whether there are values that it takes, as far as can be told without looking deeper.
    fn is_readable(&self) -> bool {
        let is_refused = |step: &Self| matches!(step, Self::Refused(_));
        match self {
            Self::Record(fields) => {
                fields.iter().all(|(_, source)| !matches!(source, Source::Field(_, step) if is_refused(step)))
            }
            step => !is_refused(step),
        }
    }

    fn take(&self, value: Value) -> Result<Value, Misfit> {
        Ok(match (self, value) {
            (Self::Same, value) => value,
            (Self::Leaf(from, target), value) => target.of(value, from)?,
            (Self::Enum(symbols), Value::Symbol(index)) => {
                let symbol = symbols.get(index).copied().flatten();
                Value::Symbol(symbol.ok_or_else(|| Misfit::new("the reader does not have the symbol"))?)
            }
            (Self::Array(step), Value::Array(values)) => {
                let entry = |(at, value)| step.take(value).map_err(|misfit| misfit.within(format_args!("[{at}]")));
                Value::Array(values.into_iter().enumerate().map(entry).collect::<Result<_, _>>()?)
            }
            (Self::Map(step), Value::Map(values)) => {
                let entry = |(key, value): (Box<str>, Value)| {
                    let value = step.take(value).map_err(|misfit| misfit.within(format_args!("[{key:?}]")))?;
                    Ok((key, value))
                };
                Value::Map(values.into_iter().map(entry).collect::<Result<_, Misfit>>()?)
            }
            (Self::Record(sources), Value::Record(values)) => {
                let field = |(name, source): &(Box<str>, Source)| match source {
                    Source::Default(value) => Ok(value.clone()),
                    Source::Field(at, step) => {
                        // Two fields of a reader may have been one field of the writer.
                        let value = values.get(*at).cloned().unwrap_or(Value::Null);
                        step.take(value).map_err(|misfit| misfit.within(name))
                    }
                };
                Value::Record(sources.iter().map(field).collect::<Result<_, _>>()?)
            }
            (Self::From(branches), value) => {
                let (place, value) = match value {
                    Value::Branch(index, value) => (Place::Branch(index), *value),
                    Value::Null if branches.iter().any(|(place, _)| *place == Place::Null) => {
                        (Place::Null, Value::Null)
                    }
                    value => (Place::Bare, value),
                };
                let step = branches.iter().find(|(own, _)| *own == place);
                step.ok_or_else(|| Misfit::new("a union without such a branch"))?.1.take(value)?
            }
            (Self::Into(index, step), value) => Value::Branch(*index, Box::new(step.take(value)?)),
            (Self::Refused(problem), _) => return Err(Misfit::new(&**problem)),
            (_, value) => return Err(Misfit::new(format!("{} is of another type", value.kind()))),
        })
    }
}

impl Target {
    #[expect(clippy::cast_precision_loss, reason = "the reader wants it so")]
    fn of(&self, value: Value, from: &Shape) -> Result<Value, Misfit> {
        let to = match (self, &value) {
            (Self::Float, Value::Integer(value)) => return Ok(Value::Double(f64::from(*value as f32))),
            (Self::Double, Value::Integer(value)) => return Ok(Value::Double(*value as f64)),
            (Self::Double, Value::Double(_)) => return Ok(value),
            (Self::Leaf(to), _) => to,
            _ => return Err(Misfit::new(format!("{} is no number", value.kind()))),
        };
        let value = match value {
            Value::Text(text) => text.as_bytes().into(),
            Value::Uuid(value) if matches!(from, Shape::Uuid(UuidForm::Text)) => {
                uuid::Uuid::from_u128(value).to_string().into_bytes()
            }
            Value::Uuid(value) => value.to_be_bytes().into(),
            Value::Decimal(value) => match to {
                Shape::Fixed { size, .. } => decimal::filled(value, *size),
                _ => decimal::shortest(&value.to_be_bytes()).into(),
            },
            Value::Bytes(bytes) => bytes.into(),
            // Whole numbers are the same whatever they count.
            value => return Ok(value),
        };
        meant(&value, to).ok_or_else(|| Misfit::new(format!("{} bytes are no {}", value.len(), to.kind())))
    }
}

/// What bytes are as a value of that shape.
fn meant(bytes: &[u8], to: &Shape) -> Option<Value> {
    Some(match to {
        Shape::Text => Value::Text(str::from_utf8(bytes).ok()?.into()),
        Shape::Uuid(UuidForm::Text) => Value::Uuid(text_to_uuid(str::from_utf8(bytes).ok()?)?),
        Shape::Uuid(_) => Value::Uuid(u128::from_be_bytes(bytes.try_into().ok()?)),
        Shape::Decimal { .. } => Value::Decimal(decimal::parse(bytes)?),
        _ => Value::Bytes(bytes.into()),
    })
}
