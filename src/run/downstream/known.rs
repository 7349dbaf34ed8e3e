//! What a schema of a registry is, and how bodies of it are read.

use crate::registry::{Registry, RegistryError, Schema, SchemaType, Trouble};
use crate::wire::schema_error::SchemaError;
use crate::wire::shape::Value;
use crate::wire::transcode::Transcoder;
use crate::wire::{Malformed, avro, framing};

/// What is known of an id.
#[derive(Debug)]
pub(super) enum Known {
    Avro(Branches),
    Protobuf(Messages),
    /// What stands behind the frame is JSON.
    Json,
    /// No schema has it, so that nobody can read the body.
    None,
    /// Why nobody can say what the body is.
    Unknown(String),
    /// Nothing yet, and why the registry does not say, where it was asked.
    Awaited(Option<String>),
}

/// A record of Avro, or a union of several.
#[derive(Debug)]
pub(super) struct Branches {
    of: Vec<Transcoder>,
    /// Whether the index of the branch stands before the record.
    is_union: bool,
}

/// A file of Protobuf with the messages of it that have been met.
#[derive(Debug)]
pub(super) struct Messages {
    text: String,
    imports: Vec<(String, String)>,
    met: Vec<(Vec<usize>, Transcoder)>,
}

impl Known {
    /// What the registry says of an id.
    pub(super) fn learn(registry: &Registry, id: u32) -> Self {
        let asked = registry.schema(id).and_then(|schema| Ok((registry.imports(&schema)?, schema)));
        let (imports, schema) = match asked {
            Ok(found) => found,
            Err(RegistryError { trouble: Trouble::SchemaMissing(_), .. }) => return Self::None,
            Err(error) => return Self::Awaited(Some(error.to_string())),
        };
        match schema.schema_type {
            SchemaType::Json => Self::Json,
            SchemaType::Avro => {
                let others: Vec<&str> = imports.iter().map(|(_, schema)| &*schema.text).collect();
                match Branches::new(&schema.text, &others) {
                    Ok(branches) => Self::Avro(branches),
                    Err(error) => Self::Unknown(format!("its schema id {id} cannot be read: {error}")),
                }
            }
            SchemaType::Protobuf => {
                let imports = imports.into_iter().map(|(name, Schema { text, .. })| (name, text)).collect();
                Self::Protobuf(Messages { text: schema.text.clone(), imports, met: Vec::new() })
            }
        }
    }
}

impl Branches {
    fn new(text: &str, others: &[&str]) -> Result<Self, SchemaError> {
        let (texts, is_union) = match avro::alone(text, others)? {
            avro::Alone::One(text) => (vec![text], false),
            avro::Alone::Branches(branches) => (branches, true),
        };
        let of = texts.iter().map(|text| Transcoder::avro(text)).collect::<Result<_, _>>()?;
        Ok(Self { of, is_union })
    }

    /// The record of a body, and where it begins.
    fn branch<'a>(&self, rest: &'a [u8]) -> Result<(&Transcoder, &'a [u8]), Malformed> {
        let (at, body) = if self.is_union { framing::number(rest).ok_or(Malformed::BadTag)? } else { (0, rest) };
        self.of.get(at).map(|transcoder| (transcoder, body)).ok_or(Malformed::BadTag)
    }

    pub(super) fn json(&self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let (transcoder, body) = self.branch(rest)?;
        transcoder.json(body, out)
    }

    pub(super) fn altered(
        &self,
        rest: &[u8],
        of: impl FnMut(&str, &Value) -> Option<Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let (transcoder, body) = self.branch(rest)?;
        out.extend_from_slice(&rest[..rest.len() - body.len()]);
        transcoder.altered(body, of, out)
    }
}

impl Messages {
    /// The message of a body, and where it begins.
    fn message<'a>(&mut self, rest: &'a [u8]) -> Result<(&Transcoder, &'a [u8]), Malformed> {
        let (message, body) = framing::message(rest).ok_or(Malformed::NoMagic)?;
        let at = if let Some(at) = self.met.iter().position(|(path, _)| *path == message) {
            at
        } else {
            let imports: Vec<(&str, &str)> = self.imports.iter().map(|(name, text)| (&**name, &**text)).collect();
            let made = Transcoder::protobuf(&self.text, &imports, &message);
            self.met.push((message, made.map_err(|_| Malformed::BadTag)?));
            self.met.len() - 1
        };
        self.met.get(at).map(|(_, transcoder)| (transcoder, body)).ok_or(Malformed::BadTag)
    }

    pub(super) fn json(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let (transcoder, body) = self.message(rest)?;
        transcoder.json(body, out)
    }

    pub(super) fn altered(
        &mut self,
        rest: &[u8],
        of: impl FnMut(&str, &Value) -> Option<Value>,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let (transcoder, body) = self.message(rest)?;
        out.extend_from_slice(&rest[..rest.len() - body.len()]);
        transcoder.altered(body, of, out)
    }
}
