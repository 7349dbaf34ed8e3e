//! Binds the shapes of a record to the types of a schema.

use apache_avro::Schema as Avro;
use apache_avro::schema::{EnumSchema, InnerDecimalSchema, RecordSchema, UnionSchema, UuidSchema};

use super::plain::{Names, Plain};
use super::schema::{MAX_DEPTH, least_size, resolved};
use super::steps::{DEEPEST, Leaf, Step};
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Integer, Record, Shape, Unit};
use crate::wire::varint::{LONGEST, LONGEST_32, varint_length, zigzag};

/// Appends the steps of what it binds.
pub(super) struct Binder<'a> {
    names: &'a Names<'a>,
    pub(super) steps: Vec<Step>,
    depth: usize,
    /// How many arrays and maps it is inside of.
    repeats: usize,
}

impl<'a> Binder<'a> {
    pub(super) const fn new(names: &'a Names<'a>) -> Self {
        Self { names, steps: Vec::new(), depth: 0, repeats: 0 }
    }

    /// How few bytes the record has, and for each field the step of its value, where it is a single one.
    pub(super) fn record(
        &mut self,
        record: &Record,
        own: &'a RecordSchema,
    ) -> Result<(usize, Vec<Option<usize>>), SchemaError> {
        let (mut least, mut values) = (0, Vec::new());
        for (at, field) in record.fields.iter().enumerate() {
            let begin = self.steps.len();
            let bound = match own.fields.get(at) {
                Some(own) if *own.name == *field.name => self.value(&field.shape, &own.schema),
                Some(other) => {
                    let name = &other.name;
                    Err(SchemaError::new(format!("the schema has {name} in its place: the order must be the same")))
                }
                None => Err(SchemaError::new(format!("the record {} has no such field", own.name))),
            };
            least += bound.map_err(|error| error.within(&field.name))?;
            let is_value = matches!(self.steps.get(begin..), Some([.., Step::Value(_)]));
            values.push(is_value.then(|| self.steps.len() - 1));
        }
        if let Some(field) = own.fields.get(record.fields.len()) {
            let (field, name) = (&field.name, &own.name);
            return Err(SchemaError::new(format!("the field {field} of {name} in the schema is not in the record")));
        }
        Ok((least, values))
    }

    /// How few bytes the value has.
    fn value(&mut self, shape: &Shape, own: &'a Avro) -> Result<usize, SchemaError> {
        if self.depth >= MAX_DEPTH {
            return Err(SchemaError::new(format!("more than {MAX_DEPTH} types stand within each other")));
        }
        self.depth += 1;
        let least = self.any(shape, resolved(own, self.names)?);
        self.depth -= 1;
        least
    }

    fn any(&mut self, shape: &Shape, own: &'a Avro) -> Result<usize, SchemaError> {
        match (shape, own) {
            (Shape::Optional(shape), Avro::Union(union)) => self.optional(shape, union),
            (Shape::Union(branches), Avro::Union(union)) => self.union(branches, union),
            (shape, Avro::Union(union)) => {
                let at = self.steps.len();
                self.steps.push(Step::Branch { index: 0 });
                let (index, least) = self.one_of(shape, union, &[])?;
                self.steps[at] = Step::Branch { index };
                Ok(least + index_length(index))
            }
            (Shape::Record(record), Avro::Record(own)) => Ok(self.record(record, own)?.0),
            (Shape::Array(entry), Avro::Array(own)) => self.repeat(false, entry, &own.items),
            (Shape::Map(value), Avro::Map(own)) => self.repeat(true, value, &own.types),
            (Shape::Null, Avro::Null) => {
                self.steps.push(Step::Null);
                Ok(0)
            }
            (Shape::Constant(text), Avro::String | Avro::Uuid(UuidSchema::String)) => {
                self.steps.push(Step::Constant { text: text.clone() });
                Ok(index_length(text.len()) + text.len())
            }
            (Shape::Constant(text), Avro::Enum(own)) => {
                let index = symbol(text, own)?;
                self.steps.push(Step::Symbol { index });
                Ok(index_length(index))
            }
            (Shape::Enum { symbols, .. }, Avro::Enum(own)) => {
                let indexes = symbols.iter().map(|text| symbol(text, own)).collect::<Result<_, _>>()?;
                self.steps.push(Step::Value(Leaf::Enum(indexes)));
                Ok(1)
            }
            (shape, own) => {
                let leaf = leaf(shape, own).ok_or_else(|| unlike(shape, own))?;
                let least = match &leaf {
                    Leaf::Float => 4,
                    Leaf::Double => 8,
                    Leaf::UuidFixed => 16,
                    Leaf::UuidBytes => 17,
                    Leaf::UuidText => 37,
                    Leaf::Fixed(size) | Leaf::Decimal { size: Some(size), .. } => *size,
                    _ => 1,
                };
                self.steps.push(Step::Value(leaf));
                Ok(least)
            }
        }
    }

    fn repeat(&mut self, is_map: bool, entry: &Shape, own: &'a Avro) -> Result<usize, SchemaError> {
        if self.repeats >= DEEPEST {
            return Err(SchemaError::new(format!("more than {DEEPEST} arrays and maps stand within each other")));
        }
        let part = if is_map { "{}" } else { "[]" };
        if !is_map && entry.only_value().is_some() {
            return Err(SchemaError::new("its values have no fields, or only constants").within(part));
        }
        self.repeats += 1;
        let begin = self.steps.len();
        self.steps.push(Step::Null);
        let least = self.value(entry, own).map_err(|error| error.within(part))? + usize::from(is_map);
        self.steps[begin] = Step::Begin { is_map, next: self.steps.len(), least };
        self.steps.push(Step::Next { is_map, begin });
        self.repeats -= 1;
        Ok(1)
    }

    fn optional(&mut self, shape: &Shape, own: &'a UnionSchema) -> Result<usize, SchemaError> {
        let null = own.variants().iter().position(|branch| matches!(branch, Avro::Null));
        let null = null.ok_or_else(|| SchemaError::new("it is optional, and null is no branch of its union"))?;
        let at = self.steps.len();
        self.steps.push(Step::Null);
        let some = if let Shape::Union(branches) = shape {
            self.union(branches, own)?;
            None
        } else {
            Some(self.one_of(shape, own, &[null])?.0)
        };
        self.steps[at] = Step::Optional { null, some, absent: self.steps.len() };
        Ok(1)
    }

    fn union(&mut self, branches: &[Shape], own: &'a UnionSchema) -> Result<usize, SchemaError> {
        let at = self.steps.len();
        self.steps.push(Step::Null);
        let (mut places, mut taken, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for shape in branches {
            let begin = self.steps.len();
            let (index, _) = self.one_of(shape, own, &taken)?;
            taken.push(index);
            places.push((index, begin));
            ends.push(self.steps.len());
            self.steps.push(Step::Jump(0));
        }
        let after = self.steps.len();
        for end in ends {
            self.steps[end] = Step::Jump(after);
        }
        self.steps[at] = Step::Union(places.into());
        Ok(1)
    }

    /// The first branch that `shape` can be and that is not `taken`; how few bytes its value has.
    fn one_of(&mut self, shape: &Shape, own: &'a UnionSchema, taken: &[usize]) -> Result<(usize, usize), SchemaError> {
        let (steps, depth, repeats) = (self.steps.len(), self.depth, self.repeats);
        let mut problem = None;
        for (index, branch) in own.variants().iter().enumerate() {
            if taken.contains(&index) || (matches!(branch, Avro::Null) && !matches!(shape, Shape::Null)) {
                continue;
            }
            match self.value(shape, branch) {
                Ok(least) => return Ok((index, least)),
                // Of several branches, none of which it can be, that one is told which comes nearest.
                Err(error) => problem = problem.filter(|_| error.path.is_empty()).or(Some(error)),
            }
            self.steps.truncate(steps);
            (self.depth, self.repeats) = (depth, repeats);
        }
        Err(problem.unwrap_or_else(|| SchemaError::new(format!("{} is no branch of its union", shape.kind()))))
    }
}

fn symbol(text: &str, own: &EnumSchema) -> Result<usize, SchemaError> {
    let missing = || SchemaError::new(format!("the enum {} has no symbol {text:?}", own.name));
    own.symbols.iter().position(|symbol| symbol == text).ok_or_else(missing)
}

/// How many bytes an index or a length has.
#[must_use]
pub fn index_length(index: usize) -> usize {
    varint_length(zigzag(i64::try_from(index).unwrap_or(i64::MAX)))
}

fn unlike(shape: &Shape, own: &Avro) -> SchemaError {
    SchemaError::new(format!("{} cannot be {} in Avro", shape.kind(), Plain::of(own).word()))
}

fn leaf(shape: &Shape, own: &Avro) -> Option<Leaf> {
    Some(match (shape, own) {
        (Shape::Boolean, Avro::Boolean) => Leaf::Boolean,
        (Shape::Integer(bounds), own) => integer(*bounds, own)?,
        (Shape::Date, Avro::Date | Avro::Int | Avro::Long)
        | (Shape::TimeOfDay(Unit::Millis), Avro::TimeMillis | Avro::Int | Avro::Long) => integer(Integer::I32, own)?,
        (Shape::TimeOfDay(_) | Shape::Timestamp { .. }, own) if is_time(shape, own) => integer(Integer::I64, own)?,
        (Shape::Float, Avro::Float) => Leaf::Float,
        (Shape::Double, Avro::Double) => Leaf::Double,
        (Shape::Text, Avro::String | Avro::Uuid(UuidSchema::String)) => Leaf::Text,
        (Shape::Bytes, Avro::Bytes) => Leaf::Bytes,
        (Shape::Fixed { size, .. }, Avro::Fixed(own) | Avro::Duration(own)) if own.size == *size => Leaf::Fixed(*size),
        (Shape::Fixed { size: 16, .. }, Avro::Uuid(UuidSchema::Fixed(_))) => Leaf::Fixed(16),
        (Shape::Uuid(_), Avro::String | Avro::Uuid(UuidSchema::String)) => Leaf::UuidText,
        (Shape::Uuid(_), Avro::Bytes | Avro::Uuid(UuidSchema::Bytes)) => Leaf::UuidBytes,
        (Shape::Uuid(_), Avro::Uuid(UuidSchema::Fixed(_))) => Leaf::UuidFixed,
        (Shape::Uuid(_), Avro::Fixed(own)) if own.size == 16 => Leaf::UuidFixed,
        (Shape::Decimal { precision, scale, min }, Avro::Decimal(own))
            if *scale as usize == own.scale && *precision as usize <= own.precision =>
        {
            let size = match &own.inner {
                InnerDecimalSchema::Bytes => None,
                InnerDecimalSchema::Fixed(fixed) => Some(fixed.size),
            };
            if size.is_some_and(|size| size < least_size(*precision as usize)) {
                return None;
            }
            Leaf::Decimal { limit: 10_u128.checked_pow(*precision)?, min: min.unwrap_or(i128::MIN), size }
        }
        _ => return None,
    })
}

/// A plain whole number may be of any unit.
const fn is_time(shape: &Shape, own: &Avro) -> bool {
    matches!(
        (shape, own),
        (_, Avro::Long)
            | (Shape::TimeOfDay(Unit::Micros), Avro::TimeMicros)
            | (Shape::Timestamp { unit: Unit::Millis, local: false }, Avro::TimestampMillis)
            | (Shape::Timestamp { unit: Unit::Micros, local: false }, Avro::TimestampMicros)
            | (Shape::Timestamp { unit: Unit::Nanos, local: false }, Avro::TimestampNanos)
            | (Shape::Timestamp { unit: Unit::Millis, local: true }, Avro::LocalTimestampMillis)
            | (Shape::Timestamp { unit: Unit::Micros, local: true }, Avro::LocalTimestampMicros)
            | (Shape::Timestamp { unit: Unit::Nanos, local: true }, Avro::LocalTimestampNanos)
    )
}

/// A whole number whose bounds its type holds.
fn integer(bounds: Integer, own: &Avro) -> Option<Leaf> {
    let (longest, widest) = match Plain::of(own) {
        Plain::Int => (LONGEST_32, Integer::I32),
        Plain::Long => (LONGEST, Integer::I64),
        _ => return None,
    };
    if bounds.min < widest.min || bounds.max > widest.max {
        return None;
    }
    Some(Leaf::Integer { longest, min: i64::try_from(bounds.min).ok()?, max: i64::try_from(bounds.max).ok()? })
}
