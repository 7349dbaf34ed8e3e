//! The `.proto` text of a record.

use std::collections::BTreeSet;

use super::message::TIMESTAMP;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Bits, Field, Record, Shape, Unit};

const TIMESTAMP_FILE: &str = "google/protobuf/timestamp.proto";

pub(super) fn of(record: &Record) -> Result<String, SchemaError> {
    let (package, name) = record.name.rsplit_once('.').unwrap_or(("", &record.name));
    for part in package.split('.').filter(|_| !package.is_empty()).chain([name]) {
        check_name(part)?;
    }
    let mut types = Types::default();
    types.names.extend(record.fields.iter().map(|field| field.name.to_string()));
    types.names.insert(name.into());
    let mut body = Vec::new();
    types.fields(&record.fields, &mut body)?;
    let mut lines = vec!["syntax = \"proto3\";".into()];
    if !package.is_empty() {
        lines.extend([String::new(), format!("package {package};")]);
    }
    if types.has_timestamps {
        lines.extend([String::new(), format!("import \"{TIMESTAMP_FILE}\";")]);
    }
    body.extend(types.texts.into_iter().flatten());
    lines.extend(block(&format!("message {name}"), &body));
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// The types inside of the message. There they meet no type of another file that an application reads too.
#[derive(Default)]
struct Types {
    names: BTreeSet<String>,
    /// Named shapes and the names that they got.
    known: Vec<(Shape, String)>,
    texts: Vec<Vec<String>>,
    has_timestamps: bool,
}

impl Types {
    fn fields(&mut self, fields: &[Field], out: &mut Vec<String>) -> Result<(), SchemaError> {
        let mut number = 0;
        let mut names: BTreeSet<String> = fields.iter().map(|field| field.name.to_string()).collect();
        for field in fields {
            check_name(&field.name).map_err(|error| error.within(&field.name))?;
            self.field(&field.name, &field.name, &field.shape, &mut names, &mut number, out)
                .map_err(|error| error.within(&field.name))?;
        }
        Ok(())
    }

    /// `hint` gives types their names that have none.
    fn field(
        &mut self,
        name: &str,
        hint: &str,
        shape: &Shape,
        names: &mut BTreeSet<String>,
        number: &mut u32,
        out: &mut Vec<String>,
    ) -> Result<(), SchemaError> {
        let (shape, is_optional) = match shape {
            Shape::Optional(shape) => (&**shape, true),
            shape => (shape, false),
        };
        match shape {
            Shape::Array(entry) if !is_optional => {
                let entry = self.single(hint, entry).map_err(|error| error.within("[]"))?;
                out.push(format!("repeated {entry} {name} = {};", next(number)));
            }
            Shape::Map(value) if !is_optional => {
                let value = self.single(hint, value).map_err(|error| error.within("{}"))?;
                out.push(format!("map<string, {value}> {name} = {};", next(number)));
            }
            Shape::Union(branches) => {
                let mut members = Vec::new();
                for branch in branches {
                    let member = free(names, &format!("{name}_{}", word(branch)));
                    members.push(format!("  {} {member} = {};", self.single(&member, branch)?, next(number)));
                }
                out.push(format!("oneof {name} {{"));
                out.extend(members);
                out.push("}".into());
            }
            shape => {
                let type_name = self.single(hint, shape)?;
                let is_message =
                    matches!(shape, Shape::Record(_) | Shape::Array(_) | Shape::Map(_) | Shape::Optional(_))
                        || type_name == TIMESTAMP;
                let word = if is_optional && !is_message { "optional " } else { "" };
                out.push(format!("{word}{type_name} {name} = {};", next(number)));
            }
        }
        Ok(())
    }

    /// The type of one value.
    fn single(&mut self, hint: &str, shape: &Shape) -> Result<String, SchemaError> {
        Ok(match shape {
            Shape::Boolean => "bool".into(),
            Shape::Integer(bounds) => match bounds.bits {
                Bits::I32 => "int32".into(),
                Bits::I64 => "int64".into(),
                Bits::U32 => "uint32".into(),
                Bits::U64 => "uint64".into(),
            },
            Shape::Float => "float".into(),
            Shape::Double => "double".into(),
            Shape::Constant(_) | Shape::Text | Shape::Uuid(_) | Shape::Decimal { .. } => "string".into(),
            Shape::Bytes | Shape::Fixed { .. } => "bytes".into(),
            Shape::Date | Shape::TimeOfDay(Unit::Millis) => "int32".into(),
            Shape::TimeOfDay(_) | Shape::Timestamp { local: true, .. } => "int64".into(),
            Shape::Timestamp { local: false, .. } => {
                self.has_timestamps = true;
                TIMESTAMP.into()
            }
            Shape::Enum { name, symbols } => self.named(name, shape, |_, name| Ok(enumeration(name, symbols)))?,
            Shape::Record(record) => self.named(&record.name, shape, |types, name| {
                let mut body = Vec::new();
                types.fields(&record.fields, &mut body)?;
                Ok(block(&format!("message {name}"), &body))
            })?,
            Shape::Array(_) | Shape::Map(_) | Shape::Optional(_) | Shape::Union(_) => {
                let own = format!("{}{}", camel(hint), camel(shape.kind()));
                self.named(&own, shape, |types, name| {
                    let member = if matches!(shape, Shape::Array(_) | Shape::Map(_)) { "values" } else { "value" };
                    let mut names = BTreeSet::from([member.to_owned()]);
                    let mut body = Vec::new();
                    types.field(member, hint, shape, &mut names, &mut 0, &mut body)?;
                    Ok(block(&format!("message {name}"), &body))
                })?
            }
            Shape::Null => return Err(SchemaError::new("null alone has no form in Protobuf")),
        })
    }

    /// The name of a type that is written down the first time that it is met.
    fn named(
        &mut self,
        name: &str,
        shape: &Shape,
        text: impl FnOnce(&mut Self, &str) -> Result<Vec<String>, SchemaError>,
    ) -> Result<String, SchemaError> {
        if let Some((_, name)) = self.known.iter().find(|(known, _)| known == shape) {
            return Ok(name.clone());
        }
        let short = name.rsplit('.').next().unwrap_or(name);
        check_name(short)?;
        let own = free(&mut self.names, short);
        self.known.push((shape.clone(), own.clone()));
        let text = text(self, &own)?;
        self.texts.push(text);
        Ok(own)
    }
}

fn next(number: &mut u32) -> u32 {
    *number += 1;
    // The numbers from 19000 to 19999 belong to Protobuf itself.
    if *number == 19_000 {
        *number = 20_000;
    }
    *number
}

/// `name`, or with the first number that makes it unlike all others.
fn free(names: &mut BTreeSet<String>, name: &str) -> String {
    let mut own = name.to_owned();
    let mut number = 2;
    while !names.insert(own.clone()) {
        own = format!("{name}{number}");
        number += 1;
    }
    own
}

/// A block of lines, with an empty one before it.
fn block(head: &str, body: &[String]) -> Vec<String> {
    let mut lines = vec![String::new(), format!("{head} {{")];
    lines.extend(body.iter().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") }));
    lines.push("}".into());
    lines
}

/// Zero stands for "unspecified", as the style guide asks: so a symbol is always written, and its absence is seen.
fn enumeration(name: &str, symbols: &[Box<str>]) -> Vec<String> {
    let prefix = constant_prefix(name);
    let mut names: Vec<String> = symbols.iter().map(|symbol| constant_name(symbol)).collect();
    if names.iter().all(|name| name != "UNSPECIFIED") {
        names.insert(0, "UNSPECIFIED".into());
    }
    let lines: Vec<_> = names.iter().enumerate().map(|(at, name)| format!("{prefix}{name} = {at};")).collect();
    block(&format!("enum {name}"), &lines)
}

fn check_name(name: &str) -> Result<(), SchemaError> {
    let is_right = |(at, letter): (usize, char)| {
        letter == '_' || letter.is_ascii_alphabetic() || (at > 0 && letter.is_ascii_digit())
    };
    if !name.is_empty() && name.chars().enumerate().all(is_right) {
        return Ok(());
    }
    Err(SchemaError::new(format!("{name:?} is no name in Protobuf: ASCII letters, digits and _, no digit first")))
}

/// What stands in front of all names of an enum's values, for those are not within the enum.
pub(super) fn constant_prefix(name: &str) -> String {
    let mut prefix = String::new();
    for (at, letter) in name.char_indices() {
        let after_lower = name[..at].ends_with(|last: char| last.is_ascii_lowercase() || last.is_ascii_digit());
        if letter.is_ascii_uppercase() && after_lower {
            prefix.push('_');
        }
        prefix.push(letter.to_ascii_uppercase());
    }
    prefix + "_"
}

/// The name of a symbol behind its prefix.
pub(super) fn constant_name(symbol: &str) -> String {
    symbol
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' })
        .collect()
}

fn camel(name: &str) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split(['_', ' ']).filter(|word| !word.is_empty()).map(capital).collect()
}

/// What a branch of a union is, for the name of its member.
fn word(shape: &Shape) -> String {
    match shape {
        Shape::Record(Record { name, .. }) | Shape::Enum { name, .. } | Shape::Fixed { name, .. } => {
            let short = name.rsplit('.').next().unwrap_or(name);
            constant_prefix(short).trim_end_matches('_').to_ascii_lowercase()
        }
        shape => shape.kind().replace(' ', "_").to_ascii_lowercase(),
    }
}
