//! Bodies that name their schema by an id in a registry, told as JSON, in which what is expected is looked for.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::registry::{Access, Registry, RegistryError, Schema, SchemaType, Trouble, again};
use crate::run::RunError;
use crate::wire::framing::{self, CONFLUENT_LENGTH, SchemaId};
use crate::wire::schema_error::SchemaError;
use crate::wire::transcode::Transcoder;
use crate::wire::{Malformed, avro};

/// So many ids are asked for: frames of other producers may name any of four billion.
const MOST_IDS: usize = 1_000;

/// The schemas of bodies.
#[derive(Debug)]
pub(super) struct Schemas {
    /// Where a registry is named.
    asking: Option<Asking>,
    known: HashMap<u32, Known>,
    /// Ids of which nothing is known yet.
    awaited: usize,
    json: Vec<u8>,
}

/// A thread that asks the registry: what comes out meanwhile is read at once, for the time at which it was seen counts.
#[derive(Debug)]
struct Asking {
    wanted: Sender<u32>,
    answers: Receiver<(u32, Known)>,
}

/// What is known of an id.
#[derive(Debug)]
enum Known {
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
struct Branches {
    of: Vec<Transcoder>,
    /// Whether the index of the branch stands before the record.
    is_union: bool,
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
    pub(super) fn new(access: Option<&Access>) -> Result<Self, RunError> {
        let asking = access.map(|access| Asking::start(Registry::new(access)?)).transpose()?;
        Ok(Self { asking, known: HashMap::new(), awaited: 0, json: Vec::new() })
    }

    /// Whether the registry has yet to say what a body is. It is asked.
    pub(super) fn awaits(&mut self, body: &[u8]) -> bool {
        let (Some(SchemaId::Registry(id)), Some(asking)) = (SchemaId::of(body), &self.asking) else { return false };
        match self.known.get(&id) {
            Some(known) => matches!(known, Known::Awaited(_)),
            None if self.known.len() >= MOST_IDS => false,
            None => {
                // Without anybody to ask it stays open.
                asking.wanted.send(id).unwrap_or_default();
                self.known.insert(id, Known::Awaited(None));
                self.awaited += 1;
                true
            }
        }
    }

    /// The same of a body that was asked for before.
    pub(super) fn still_awaits(&self, body: &[u8]) -> bool {
        let Some(SchemaId::Registry(id)) = SchemaId::of(body) else { return false };
        matches!(self.known.get(&id), Some(Known::Awaited(_)))
    }

    /// Why it is not known what a body is that is still waited for.
    pub(super) fn silence(&self, body: &[u8]) -> String {
        let id = SchemaId::of(body).map_or_else(String::new, |id| id.to_string());
        let why = match SchemaId::of(body) {
            Some(SchemaId::Registry(id)) => self.known.get(&id),
            _ => None,
        };
        match why {
            Some(Known::Awaited(Some(why))) => format!("its schema id {id} is not known: {why}"),
            _ => format!("its schema id {id} is not known: the registry has not answered"),
        }
    }

    /// Takes what the registry has said.
    pub(super) fn hear(&mut self) {
        let Some(asking) = self.asking.as_ref().filter(|_| self.awaited > 0) else { return };
        for (id, known) in asking.answers.try_iter() {
            match (&known, self.known.get(&id)) {
                (Known::Awaited(Some(why)), Some(Known::Awaited(None))) => {
                    tracing::warn!("results of schema id {id} cannot be judged yet: {why}");
                }
                (Known::Awaited(_), _) => {}
                _ => self.awaited -= 1,
            }
            self.known.insert(id, known);
        }
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
            Some(SchemaId::Fingerprint(_)) => {
                return Err("its records name their schemas by fingerprints, which no registry tells");
            }
        };
        let Self { asking, known, json, .. } = self;
        if asking.is_none() {
            return Err("its records name schemas of a registry, and --schema-registry names none");
        }
        let rest = body.get(CONFLUENT_LENGTH..).unwrap_or_default();
        json.clear();
        let told = match known.get_mut(&id) {
            Some(Known::Avro(branches)) => branches.json(rest, json),
            Some(Known::Protobuf(messages)) => messages.json(rest, json),
            Some(Known::Json) => return Ok(rest),
            Some(Known::Unknown(why)) => return Err(why),
            Some(Known::None) => return Ok(body),
            Some(Known::Awaited(_)) => return Err("the registry has not said what its records are"),
            None => return Err("its records name more schemas than are asked for"),
        };
        Ok(if told.is_ok() { json } else { body })
    }
}

impl Asking {
    fn start(registry: Registry) -> Result<Self, RunError> {
        let ((wanted, ids), (tell, answers)) = (channel(), channel());
        let ask = move || {
            again::until_answered(&ids, |id| {
                let known = Known::learn(&registry, id);
                let is_known = !matches!(known, Known::Awaited(_));
                match tell.send((id, known)) {
                    Ok(()) => ControlFlow::Continue(is_known),
                    Err(_) => ControlFlow::Break(()),
                }
            });
        };
        let started = thread::Builder::new().name("result-schemas".to_owned()).spawn(ask);
        started.map_err(|error| RunError::Thread(format!("result-schemas: {error}")))?;
        Ok(Self { wanted, answers })
    }
}

impl Known {
    fn learn(registry: &Registry, id: u32) -> Self {
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

    fn json(&self, rest: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let (at, body) = if self.is_union { framing::number(rest).ok_or(Malformed::BadTag)? } else { (0, rest) };
        self.of.get(at).map_or(Err(Malformed::BadTag), |transcoder| transcoder.json(body, out))
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

    /// Waits until the registry has said what a body is.
    fn wait_for(schemas: &mut Schemas, body: &[u8]) {
        schemas.awaits(body);
        while schemas.still_awaits(body) {
            thread::yield_now();
            schemas.hear();
        }
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
            let body = [frame, body.to_vec()].concat();
            wait_for(&mut schemas, &body);
            let told = schemas.json(&body).unwrap().to_vec();
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
    fn avro_may_be_a_union_of_records_or_refer_to_types_of_other_subjects() {
        let registry = Stub::start();
        let union = format!(
            r#"[{AVRO}, {{"type": "record", "name": "Other", "fields": [{{"name": "s", "type": "string"}}]}}]"#
        );
        let union = registry.register("union", &json!({ "schema": union }));
        registry
            .register("kind", &json!({ "schema": r#"{"type": "enum", "name": "shop.Kind", "symbols": ["A", "B"]}"# }));
        let text = r#"{"type": "record", "name": "shop.Sum", "fields": [{"name": "kind", "type": "Kind"}, {"name": "n", "type": "int"}]}"#;
        let references = json!([{ "name": "shop.Kind", "subject": "kind", "version": 1 }]);
        let refers = registry.register("refers", &json!({ "schema": text, "references": references }));
        let mut schemas = schemas(&registry.url());
        for (id, body, told) in [
            (union, &b"\x00\x0e"[..], r#"{"n":7}"#),
            (union, b"\x02\x02x", r#"{"s":"x"}"#),
            (refers, b"\x02\x0e", r#"{"kind":"B","n":7}"#),
        ] {
            let body = [framing::confluent(id, None), body.to_vec()].concat();
            wait_for(&mut schemas, &body);
            assert_eq!(str::from_utf8(schemas.json(&body).unwrap()).unwrap(), told);
        }
        // There is no third branch.
        let body = [framing::confluent(union, None), vec![4, 0]].concat();
        assert_eq!(schemas.json(&body), Ok(&body[..]));
    }

    #[test]
    fn what_nobody_says_is_not_known() {
        let body = framing::confluent(1, None);
        let mut nobody = Schemas::new(None).unwrap();
        assert!(!nobody.awaits(&body));
        assert!(nobody.json(&body).unwrap_err().contains("--schema-registry names none"));
        let registry = Stub::start();
        registry.register("a", &json!({ "schema": "\"int\"" }));
        let mut known = schemas(&registry.url());
        wait_for(&mut known, &body);
        registry.set(Mood::HangsUp);
        assert!(!known.awaits(&body), "it is asked for once");
        assert!(known.json(&body).unwrap_err().contains("schema id 1 cannot be read"));
    }

    #[test]
    fn a_registry_that_does_not_answer_is_asked_again_and_what_it_says_then_is_known() {
        let registry = Stub::start();
        let body = [framing::confluent(registry.register("a", &json!({ "schema": AVRO })), None), vec![0x0e]].concat();
        registry.set(Mood::HangsUp);
        let mut schemas = schemas(&registry.url());
        assert!(schemas.awaits(&body) && schemas.awaits(&body));
        while schemas.silence(&body).ends_with("has not answered") {
            thread::yield_now();
            schemas.hear();
        }
        assert!(schemas.still_awaits(&body), "no answer is none that says what it is");
        assert!(schemas.json(&body).is_err());
        registry.set(Mood::Well);
        wait_for(&mut schemas, &body);
        assert_eq!(schemas.json(&body).unwrap(), br#"{"n":7}"#);
    }
}
