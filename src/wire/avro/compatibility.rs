//! Whether a reader's schema takes what a writer's schema has written, by the rules of Avro for Java's `SchemaCompatibility`, which
//! are those of the specification and which registries go by. (The crate's own tells one difference at most, and calls schemas
//! partly compatible that no registry takes.) <https://avro.apache.org/docs/1.12.0/specification/#schema-resolution>

use apache_avro::Schema as Avro;
use apache_avro::schema::{EnumSchema, RecordField, RecordSchema};

use super::plain::{Names, Plain};
use super::{Schema, schema};
use crate::wire::schema_error::SchemaError;

/// Whether whatever `writer` has written can be read with `reader`.
///
/// # Errors
/// What cannot, with the path of each place in the reader's schema.
pub fn compatible(reader: &Schema, writer: &Schema) -> Result<(), Vec<SchemaError>> {
    let pair = Pair {
        reader: &schema::names(reader.parsed()).map_err(one)?,
        writer: &schema::names(writer.parsed()).map_err(one)?,
    };
    let found = pair.differences(reader.parsed(), writer.parsed());
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn one(error: SchemaError) -> Vec<SchemaError> {
    vec![error]
}

fn found(problem: String) -> Vec<SchemaError> {
    one(SchemaError::new(problem))
}

fn within(found: Vec<SchemaError>, part: &str) -> Vec<SchemaError> {
    found.into_iter().map(|error| error.within(part)).collect()
}

/// The named types of both.
struct Pair<'a> {
    reader: &'a Names<'a>,
    writer: &'a Names<'a>,
}

impl<'a> Pair<'a> {
    fn differences(&self, reader: &'a Avro, writer: &'a Avro) -> Vec<SchemaError> {
        let (to, from) = (Plain::resolved(reader, self.reader), Plain::resolved(writer, self.writer));
        match (to, from) {
            // Each branch that may have been written must be read.
            (to, Plain::Union(from)) => {
                let branches = from.variants().iter();
                let found = branches.flat_map(|branch| match (to, self.differences(reader, branch)) {
                    (Plain::Union(_), found) if !found.is_empty() => missing(Plain::resolved(branch, self.writer)),
                    (_, found) => found,
                });
                found.collect()
            }
            (Plain::Union(to), from) => {
                let mut branches = to.variants().iter();
                if branches.any(|branch| self.differences(branch, writer).is_empty()) {
                    Vec::new()
                } else {
                    missing(from)
                }
            }
            (Plain::Array(to), Plain::Array(from)) => within(self.differences(&to.items, &from.items), "[]"),
            (Plain::Map(to), Plain::Map(from)) => within(self.differences(&to.types, &from.types), "{}"),
            (to, from) if to.is_like(from) => {
                if !is_named_alike(to, from) {
                    let name = |plain: Plain<'a>| plain.names().map(|(name, _)| name.to_string()).unwrap_or_default();
                    return found(format!("the reader has {}, and the writer wrote {}", name(to), name(from)));
                }
                match (to, from) {
                    (Plain::Fixed(to), Plain::Fixed(from)) if to.size != from.size => {
                        found(format!("the reader has {} bytes, and the writer wrote {}", to.size, from.size))
                    }
                    (Plain::Enum(to), Plain::Enum(from)) => symbols(to, from),
                    (Plain::Record(to), Plain::Record(from)) => self.fields(to, from),
                    _ => Vec::new(),
                }
            }
            (to, from) if to.takes(from) => Vec::new(),
            (to, from) => found(format!("the reader has {}, and the writer wrote {}", to.word(), from.word())),
        }
    }

    fn fields(&self, reader: &'a RecordSchema, writer: &'a RecordSchema) -> Vec<SchemaError> {
        let differences = |field: &'a RecordField| {
            let found = match fields_of(writer, field).as_slice() {
                [] if field.default.is_some() => return Vec::new(),
                [] => found("the writer does not have it, and it has no default".into()),
                [own] => self.differences(&field.schema, &own.schema),
                [first, second, ..] => {
                    found(format!("the writer's {} and {} both are it, by its aliases", first.name, second.name))
                }
            };
            within(found, &field.name)
        };
        reader.fields.iter().flat_map(differences).collect()
    }
}

fn missing(from: Plain) -> Vec<SchemaError> {
    let named = from.names().map_or_else(|| from.word().to_owned(), |(name, _)| format!("the {} {name}", from.word()));
    found(format!("the writer wrote {named}, which no branch of the reader's union takes"))
}

fn symbols(reader: &EnumSchema, writer: &EnumSchema) -> Vec<SchemaError> {
    let missing: Vec<_> =
        writer.symbols.iter().filter(|symbol| !reader.symbols.contains(symbol)).map(String::as_str).collect();
    if missing.is_empty() || reader.default.is_some() {
        return Vec::new();
    }
    found(format!("the reader does not have the symbols {}, and no default", missing.join(", ")))
}

/// Whether both have the same name, whatever the namespace, or the reader's had the writer's before.
pub(super) fn is_named_alike(reader: Plain, writer: Plain) -> bool {
    match (reader.names(), writer.names()) {
        (Some((to, aliases)), Some((from, _))) => {
            to.name() == from.name() || aliases.iter().any(|alias| *alias == *from.as_ref())
        }
        _ => true,
    }
}

/// The writer's field of that name, or of a name that the field had before; several where the schemas are ambiguous.
pub(super) fn fields_of<'a>(writer: &'a RecordSchema, field: &RecordField) -> Vec<&'a RecordField> {
    let names = std::iter::once(&field.name).chain(&field.aliases);
    names.filter_map(|name| writer.fields.iter().find(|own| own.name == *name)).collect()
}
