//! Bodies that name their schema by an id in a registry, told as JSON, in which what is expected is looked for.

use std::collections::HashMap;

use crate::registry::{Access, BadAccess, Registry, RegistryError, Schema, SchemaType, Trouble};
use crate::wire::Malformed;
use crate::wire::framing::{self, CONFLUENT_LENGTH, SchemaId};
use crate::wire::transcode::Transcoder;

/// So many ids are asked for: frames of other producers may name any of four billion.
const MOST_IDS: usize = 1_000;

/// The schemas of bodies. Nobody waits for the thread that reads results, so it may wait for the registry.
#[derive(Debug)]
pub(super) struct Schemas {
    registry: Option<Registry>,
    known: HashMap<u32, Known>,
    json: Vec<u8>,
}

/// What is known of an id.
#[derive(Debug)]
enum Known {
    Avro(Box<Transcoder>),
    Protobuf(Messages),
    /// What stands behind the frame is JSON.
    Json,
    /// No schema has it, so that nobody can read the body.
    None,
    /// Why nobody knows what the body is.
    Unknown(String),
}

/// A file of Protobuf with the messages of it that have been met.
#[derive(Debug)]
struct Messages {
    text: String,
    imports: Vec<(String, String)>,
    met: Vec<(Vec<usize>, Transcoder)>,
}

impl Schemas {
    /// Of that registry, where one is named.
    pub(super) fn new(access: Option<&Access>) -> Result<Self, BadAccess> {
        let registry = access.map(Registry::new).transpose()?;
        Ok(Self { registry, known: HashMap::new(), json: Vec::new() })
    }

    /// The body as JSON: as it is, where it names no schema, or is none of the schema that it names.
    ///
    /// # Errors
    /// Why nobody knows what it is.
    pub(super) fn json<'a>(&'a mut self, body: &'a [u8]) -> Result<&'a [u8], &'a str> {
        // No JSON begins as a frame does.
        let id = match SchemaId::of(body) {
            None => return Ok(body),
            Some(SchemaId::Registry(id)) => id,
            Some(SchemaId::Fingerprint(_)) => return Err("its records name their schemas by fingerprints"),
        };
        let Self { registry, known, json } = self;
        let Some(registry) = registry else {
            return Err("its records name schemas of a registry, and --schema-registry names none");
        };
        if !known.contains_key(&id) {
            if known.len() >= MOST_IDS {
                return Err("its records name more schemas than are asked for");
            }
            known.insert(id, Known::learn(registry, id));
        }
        let rest = body.get(CONFLUENT_LENGTH..).unwrap_or_default();
        json.clear();
        let told = match known.get_mut(&id) {
            Some(Known::Avro(transcoder)) => transcoder.json(rest, json),
            Some(Known::Protobuf(messages)) => messages.json(rest, json),
            Some(Known::Json) => return Ok(rest),
            Some(Known::Unknown(why)) => return Err(why),
            Some(Known::None) | None => return Ok(body),
        };
        Ok(if told.is_ok() { json } else { body })
    }
}

impl Known {
    fn learn(registry: &Registry, id: u32) -> Self {
        let asked = registry.schema(id).and_then(|schema| Ok((registry.imports(&schema)?, schema)));
        let (imports, schema) = match asked {
            Ok(found) => found,
            Err(RegistryError { trouble: Trouble::SchemaMissing(_), .. }) => return Self::None,
            Err(error) => return Self::Unknown(format!("its schema id {id} is not known: {error}")),
        };
        match schema.schema_type {
            SchemaType::Json => Self::Json,
            SchemaType::Avro => match Transcoder::avro(&schema.text) {
                Ok(transcoder) => Self::Avro(Box::new(transcoder)),
                Err(error) => Self::Unknown(format!("its schema id {id} cannot be read: {error}")),
            },
            SchemaType::Protobuf => {
                let imports = imports.into_iter().map(|(name, Schema { text, .. })| (name, text)).collect();
                Self::Protobuf(Messages { text: schema.text.clone(), imports, met: Vec::new() })
            }
        }
    }
}

impl Messages {
    fn json(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let (message, body) = framing::message(rest).ok_or(Malformed::NoMagic)?;
        let at = if let Some(at) = self.met.iter().position(|(path, _)| *path == message) {
            at
        } else {
            let imports: Vec<(&str, &str)> = self.imports.iter().map(|(name, text)| (&**name, &**text)).collect();
            let made = Transcoder::protobuf(&self.text, &imports, &message);
            self.met.push((message, made.map_err(|_| Malformed::BadTag)?));
            self.met.len() - 1
        };
        self.met.get(at).map_or(Err(Malformed::BadTag), |(_, transcoder)| transcoder.json(body, out))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::stub::{Mood, Stub};

    const AVRO: &str = r#"{"type": "record", "name": "Total", "fields": [{"name": "n", "type": "int"}]}"#;

    fn schemas(url: &str) -> Schemas {
        Schemas::new(Some(&Access { timeout: std::time::Duration::from_millis(100), ..Access::at(url).unwrap() }))
            .unwrap()
    }

    #[test]
    fn each_body_is_told_by_the_schema_that_its_frame_names() {
        let registry = Stub::start();
        let avro = registry.register("a", &json!({ "schema": AVRO }));
        let proto = "syntax = \"proto3\"; message One { int32 n = 1; } message Other { string s = 1; }";
        let proto = registry.register("b", &json!({ "schema": proto, "schemaType": "PROTOBUF" }));
        let plain = registry.register("c", &json!({ "schema": "{}", "schemaType": "JSON" }));
        let mut schemas = schemas(&registry.url());
        let mut says = |frame: Vec<u8>, body: &[u8]| {
            let told = schemas.json(&[frame, body.to_vec()].concat()).unwrap().to_vec();
            String::from_utf8(told).unwrap()
        };
        assert_eq!(says(framing::confluent(avro, None), b"\x0e"), r#"{"n":7}"#);
        assert_eq!(says(framing::confluent(proto, Some(&[0])), b"\x08\x07"), r#"{"n":7}"#);
        assert_eq!(says(framing::confluent(proto, Some(&[1])), b"\x0a\x01x"), r#"{"s":"x"}"#);
        assert_eq!(says(framing::confluent(proto, Some(&[0])), b"\x08\x08"), r#"{"n":8}"#);
        assert_eq!(says(framing::confluent(plain, None), b"{\"n\":7}"), r#"{"n":7}"#);
        assert_eq!(says(Vec::new(), b"{\"n\":7}"), r#"{"n":7}"#);
        // What cannot be read stays what it is: no JSON.
        assert_eq!(says(framing::confluent(avro, None), b"\x0e\x0e").as_bytes(), b"\x00\x00\x00\x00\x01\x0e\x0e");
        assert_eq!(says(framing::confluent(99, None), b"\x0e").as_bytes(), b"\x00\x00\x00\x00c\x0e");
        let asked = registry.asked().iter().filter(|asked| asked.path.starts_with("/schemas/ids/")).count();
        assert_eq!(asked, 4, "each id once");
    }

    #[test]
    fn what_nobody_says_is_not_known() {
        let body = framing::confluent(1, None);
        let why = |schemas: &mut Schemas| schemas.json(&body).unwrap_err().to_owned();
        assert!(why(&mut Schemas::new(None).unwrap()).contains("--schema-registry names none"));
        assert!(why(&mut schemas(&Stub::nowhere())).contains("schema id 1 is not known"));
        let registry = Stub::start();
        registry.register("a", &json!({ "schema": "\"int\"" }));
        let mut known = schemas(&registry.url());
        assert!(why(&mut known).contains("schema id 1 cannot be read"));
        registry.set(Mood::HangsUp);
        assert!(why(&mut known).contains("schema id 1 cannot be read"), "it is asked for once");
    }
}
