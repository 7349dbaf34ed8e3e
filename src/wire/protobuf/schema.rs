//! A `.proto` text and one message of it.

use prost_reflect::{EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, Syntax};
use protox::Compiler;
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::message::{MAX_DEPTH, TIMESTAMP};
use super::text;
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Bits, Field, Integer, Record, Shape, Unit, Value};

/// How many fields a record may have, those within its fields among them.
const MAX_VALUES: usize = 10_000;
/// The name of the file in messages of the compiler, unless an import has it.
const FILE: &str = "schema.proto";

/// A message of a `.proto` file.
#[derive(Clone, Debug)]
pub struct Schema {
    text: Box<str>,
    message: MessageDescriptor,
    record: Record,
}

/// Which message of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick<'a> {
    /// The one that no other message is made of.
    Only,
    /// The one with that name, full or without the package.
    Named(&'a str),
    /// The one at that place, as [`Schema::message_path`] gives it.
    At(&'a [usize]),
}

impl Schema {
    /// Compiles a `.proto` text and takes one message of it. `imports` are names and texts of files that it imports, beside those
    /// of `google/protobuf/`.
    ///
    /// # Errors
    /// What is wrong in the text, or not supported, and where.
    pub fn parse(text: &str, imports: &[(&str, &str)], pick: Pick) -> Result<Self, SchemaError> {
        let mut files = ChainFileResolver::new();
        files.add(Texts::new(text, imports));
        files.add(GoogleFileResolver::new());
        let mut compiler = Compiler::with_file_resolver(files);
        compiler.open_file(FILE).map_err(|error| SchemaError::new(explained(&error, text, imports)))?;
        let file = compiler.descriptor_pool().get_file_by_name(FILE);
        let file = file.ok_or_else(|| SchemaError::new("the text has no messages"))?;
        if file.syntax() != Syntax::Proto3 {
            return Err(SchemaError::new("it does not say syntax = \"proto3\", which alone is supported"));
        }
        let message = picked(&file, pick)?;
        let record = record(&message, &mut Around::default()).map_err(|error| error.within(message.name()))?;
        Ok(Self { text: text.into(), message, record })
    }

    /// The schema of a record: proto3, fields numbered in their order, all other types inside of the message.
    ///
    /// # Errors
    /// What in the record Protobuf cannot express, and where.
    pub fn of(record: &Record) -> Result<Self, SchemaError> {
        Self::parse(&text::of(record)?, &[], Pick::At(&[0]))
    }

    /// The `.proto` text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The message's full name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.message.full_name()
    }

    /// The message as a record, its fields in the order of their numbers. Messages and what is marked so are optional, a
    /// timestamp counts nanoseconds, and enums have the names that the text gives them.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Where in the file the message stands: its index, for a message within another one the indexes down to it.
    #[must_use]
    pub fn message_path(&self) -> Vec<usize> {
        // Field 4 of a file are its messages, field 3 of a message those within it.
        self.message.path().iter().skip(1).step_by(2).filter_map(|index| usize::try_from(*index).ok()).collect()
    }

    pub(super) fn message(&self) -> &MessageDescriptor {
        &self.message
    }
}

/// Files that are given as texts.
struct Texts(Vec<(Box<str>, Box<str>)>);

impl Texts {
    fn new(text: &str, imports: &[(&str, &str)]) -> Self {
        let main = [(FILE.into(), text.into())];
        Self(main.into_iter().chain(imports.iter().map(|(name, text)| ((*name).into(), (*text).into()))).collect())
    }
}

impl FileResolver for Texts {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        match self.0.iter().find(|(own, _)| **own == *name) {
            Some((_, text)) => File::from_source(name, text),
            None => Err(protox::Error::file_not_found(name)),
        }
    }
}

/// The compiler's words, with line and column.
fn explained(error: &protox::Error, text: &str, imports: &[(&str, &str)]) -> String {
    if error.is_file_not_found() {
        return format!("{error}: an import that is not given");
    }
    let said = format!("{error:?}");
    // For an import that leads out of its folder it has the words of another error.
    match said.strip_suffix("invalid group name") {
        Some(place) if is_at_import(place, text, imports) => {
            format!("{place}an import leads out of its folder, or is no path with \"/\" between names")
        }
        _ => said,
    }
}

/// Whether a place such as `schema.proto:3:8: ` is on a line that imports.
fn is_at_import(place: &str, text: &str, imports: &[(&str, &str)]) -> bool {
    let mut parts = place.rsplit(':').skip(2);
    let (line, file) = (parts.next().and_then(|line| line.parse::<usize>().ok()), parts.next());
    let text = imports.iter().find(|(name, _)| Some(*name) == file).map_or(text, |(_, text)| text);
    let line = line.and_then(|line| text.lines().nth(line.checked_sub(1)?));
    line.is_some_and(|line| line.trim_start().starts_with("import"))
}

fn picked(file: &FileDescriptor, pick: Pick) -> Result<MessageDescriptor, SchemaError> {
    let all: Vec<_> = file.messages().collect();
    match pick {
        Pick::Named(name) => {
            let found = file.parent_pool().all_messages().find(|message| {
                let short = message.full_name().strip_prefix(message.package_name()).unwrap_or_default();
                message.parent_file() == *file && (message.full_name() == name || short.trim_start_matches('.') == name)
            });
            found.ok_or_else(|| SchemaError::new(format!("there is no message {name} ({})", names(&all))))
        }
        Pick::At(path) => {
            let mut found = None;
            for index in path {
                let mut within: Box<dyn Iterator<Item = MessageDescriptor>> = match &found {
                    None => Box::new(all.iter().cloned()),
                    Some(message) => Box::new(MessageDescriptor::child_messages(message)),
                };
                let next = within.nth(*index);
                drop(within);
                found = Some(next.ok_or_else(|| SchemaError::new(format!("there is no message at {path:?}")))?);
            }
            found.ok_or_else(|| SchemaError::new("the place of the message is empty"))
        }
        Pick::Only => {
            let is_part = |message: &&MessageDescriptor| {
                all.iter().filter(|other| other != message).any(|other| is_made_of(other, message, 0))
            };
            let free: Vec<_> = all.iter().filter(|message| !is_part(message)).cloned().collect();
            match free.as_slice() {
                [message] => Ok(message.clone()),
                [] => Err(SchemaError::new("there is no message that no other is made of")),
                several => {
                    let names = names(several);
                    Err(SchemaError::new(format!("several messages could be meant ({names}): name one")))
                }
            }
        }
    }
}

fn names(messages: &[MessageDescriptor]) -> String {
    messages.iter().map(MessageDescriptor::name).collect::<Vec<_>>().join(", ")
}

/// Whether a field of `message`, or of a message within it, is a `part`.
fn is_made_of(message: &MessageDescriptor, part: &MessageDescriptor, depth: usize) -> bool {
    depth < MAX_DEPTH
        && (message.fields().any(|field| field.kind().as_message() == Some(part) || entry_is(&field, part))
            || message.child_messages().any(|inner| is_made_of(&inner, part, depth + 1)))
}

fn entry_is(field: &FieldDescriptor, part: &MessageDescriptor) -> bool {
    field.is_map()
        && field
            .kind()
            .as_message()
            .is_some_and(|entry| entry.map_entry_value_field().kind().as_message() == Some(part))
}

/// Where a walk through messages is.
#[derive(Default)]
struct Around {
    /// The messages that it is inside of.
    messages: Vec<String>,
    /// How many values it has seen. A message that stands in several places counts in each, and such messages may multiply.
    values: usize,
}

/// A message as a record.
fn record(own: &MessageDescriptor, around: &mut Around) -> Result<Record, SchemaError> {
    let name = own.full_name();
    if around.messages.iter().any(|outer| outer == name) {
        return Err(SchemaError::new(format!("the message {name} contains itself, which is not supported")));
    }
    if own.parent_file().syntax() != Syntax::Proto3 {
        let file = own.parent_file().name().to_owned();
        return Err(SchemaError::new(format!("{name} is not of proto3 (in {file}), which alone is supported")));
    }
    if around.messages.len() + 1 >= MAX_DEPTH {
        return Err(SchemaError::new(format!("more than {MAX_DEPTH} messages stand within each other")));
    }
    around.messages.push(name.into());
    let mut fields: Vec<Field> = Vec::new();
    for own in own.fields() {
        let oneof = own.containing_oneof().filter(|oneof| !oneof.is_synthetic());
        let Some(oneof) = oneof else {
            fields.push(field(&own, around).map_err(|error| error.within(own.name()))?);
            continue;
        };
        if fields.iter().all(|field| &*field.name != oneof.name()) {
            let mut members: Vec<_> = oneof.fields().collect();
            members.sort_unstable_by_key(FieldDescriptor::number);
            let branches =
                members.iter().map(|member| single(member, around).map_err(|error| error.within(member.name())));
            let shape = Shape::Optional(Box::new(Shape::Union(branches.collect::<Result<_, _>>()?)));
            fields.push(Field { name: oneof.name().into(), shape, default: None });
        }
    }
    around.messages.pop();
    Ok(Record { name: name.into(), fields })
}

fn field(own: &FieldDescriptor, around: &mut Around) -> Result<Field, SchemaError> {
    let name = own.name().into();
    if own.is_map() {
        let Kind::Message(entry) = own.kind() else { return Err(SchemaError::new("a map without entries")) };
        if entry.map_entry_key_field().kind() != Kind::String {
            return Err(SchemaError::new("a map whose keys are not strings is not supported"));
        }
        let value = single(&entry.map_entry_value_field(), around).map_err(|error| error.within("{}"))?;
        return Ok(Field { name, shape: Shape::Map(Box::new(value)), default: Some(Value::Map(Vec::new())) });
    }
    if own.is_list() {
        let entry = single(own, around).map_err(|error| error.within("[]"))?;
        if entry.only_value().is_some() {
            return Err(SchemaError::new("a message without fields is not supported here").within("[]"));
        }
        return Ok(Field { name, shape: Shape::Array(Box::new(entry)), default: Some(Value::Array(Vec::new())) });
    }
    let shape = single(own, around)?;
    if own.supports_presence() {
        return Ok(Field { name, shape: Shape::Optional(Box::new(shape)), default: None });
    }
    let default = match &shape {
        Shape::Boolean => Value::Boolean(false),
        Shape::Float | Shape::Double => Value::Double(0.0),
        Shape::Text => Value::Text("".into()),
        Shape::Bytes => Value::Bytes([].into()),
        Shape::Enum { .. } => Value::Symbol(0),
        _ => Value::Integer(0),
    };
    Ok(Field { name, shape, default: Some(default) })
}

fn single(own: &FieldDescriptor, around: &mut Around) -> Result<Shape, SchemaError> {
    around.values += 1;
    if around.values > MAX_VALUES {
        return Err(SchemaError::new(format!(
            "more than {MAX_VALUES} fields, those of messages within messages among them"
        )));
    }
    let signed = |bits, min, max| Shape::Integer(Integer { bits, min, max });
    Ok(match own.kind() {
        Kind::Bool => Shape::Boolean,
        Kind::Float => Shape::Float,
        Kind::Double => Shape::Double,
        Kind::String => Shape::Text,
        Kind::Bytes => Shape::Bytes,
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => signed(Bits::I32, i32::MIN.into(), i32::MAX.into()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => signed(Bits::I64, i64::MIN.into(), i64::MAX.into()),
        Kind::Uint32 | Kind::Fixed32 => signed(Bits::U32, 0, u32::MAX.into()),
        Kind::Uint64 | Kind::Fixed64 => signed(Bits::U64, 0, u64::MAX.into()),
        Kind::Enum(own) => enumeration(&own),
        Kind::Message(own) => match own.full_name() {
            TIMESTAMP => Shape::Timestamp { unit: Unit::Nanos, local: false },
            "google.protobuf.Any" => return Err(SchemaError::new("google.protobuf.Any is not supported")),
            name if name.starts_with("google.protobuf.") && name.ends_with("Value") && own.fields().len() == 1 => {
                match own.get_field(1) {
                    Some(value) if !value.is_list() => single(&value, around)?,
                    _ => return Err(SchemaError::new(format!("{name} is not supported"))),
                }
            }
            _ => Shape::Record(record(&own, around)?),
        },
    })
}

/// Of several names for one number, the first. The default value comes first.
fn enumeration(own: &EnumDescriptor) -> Shape {
    let mut numbers = Vec::new();
    let mut symbols: Vec<Box<str>> = Vec::new();
    for value in own.values() {
        if !numbers.contains(&value.number()) {
            numbers.push(value.number());
            symbols.push(value.name().into());
        }
    }
    Shape::Enum { name: own.full_name().into(), symbols }
}
