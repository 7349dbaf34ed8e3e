//! Bodies that name their schema by an id in a registry, told as JSON, in which what is expected is looked for.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::{Map, Value as Json};

use super::known::Known;
use crate::expect::Closing;
use crate::registry::{Access, Registry, again};
use crate::run::RunError;
use crate::wire::framing::{CONFLUENT_LENGTH, SchemaId};
use crate::wire::shape::Value;

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

impl Schemas {
    /// A body that closes windows, made of an event's, which names a schema: with another key, another time and other ids. `None` where
    /// the event has not all that is needed, or its schema does not take these values.
    pub(super) fn closing(&mut self, event: &[u8], closing: &Closing, fresh: u128) -> Option<Vec<u8>> {
        let Some(SchemaId::Registry(id)) = SchemaId::of(event) else { return None };
        let object: Map<String, Json> = serde_json::from_slice(self.json(event).ok()?).ok()?;
        let has = |name: &String| object.get(name).is_some_and(|value| !value.is_null());
        if !closing.sets.keys().chain(closing.needs.keys()).all(has) {
            return None;
        }
        let (head, rest) = event.split_at_checked(CONFLUENT_LENGTH)?;
        let mut out = head.to_vec();
        let mut told_ids = 0;
        let mut id_of = |text: &str| {
            uuid::Uuid::try_parse(text).ok()?;
            told_ids += 1;
            Some(uuid::Uuid::from_u128(fresh + told_ids - 1))
        };
        let of = |name: &str, value: &Value| match (closing.sets.get(name), value) {
            (Some(Json::String(text)), _) => Some(Value::Text(text.as_str().into())),
            (Some(number), _) => number.as_i64().map(|number| Value::Integer(number.into())),
            (None, Value::Text(text)) => id_of(text).map(|id| Value::Text(id.to_string().into())),
            (None, Value::Uuid(_)) => id_of(&uuid::Uuid::nil().to_string()).map(|id| Value::Uuid(id.as_u128())),
            (None, _) => None,
        };
        match self.known.get_mut(&id)? {
            Known::Avro(branches) => branches.altered(rest, of, &mut out).ok()?,
            Known::Protobuf(messages) => messages.altered(rest, of, &mut out).ok()?,
            Known::Json => {
                let mut object = object;
                for value in object.values_mut() {
                    if let Some(id) = value.as_str().and_then(&mut id_of) {
                        *value = id.to_string().into();
                    }
                }
                object.extend(closing.sets.clone());
                out.extend(Json::Object(object).to_string().into_bytes());
            }
            Known::None | Known::Unknown(_) | Known::Awaited(_) => return None,
        }
        Some(out)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::registry::stub::{Mood, Stub};
    use crate::wire::framing;

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
    fn what_closes_windows_is_an_event_that_was_read_with_another_key_another_time_and_other_ids() {
        let registry = Stub::start();
        let avro = r#"{"type": "record", "name": "Sold", "fields": [{"name": "id", "type": "string"},
            {"name": "item", "type": "string"}, {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "n", "type": ["null", "int"]}]}"#;
        let avro = registry.register("a", &json!({ "schema": avro }));
        let plain = registry.register("c", &json!({ "schema": "{}", "schemaType": "JSON" }));
        let id = "01a227a6-5f76-7801-b3c0-000000000001";
        let json_body = format!(r#"{{"id":"{id}","item":"7","at":5,"n":3}}"#);
        let avro_body = [b"\x48", id.as_bytes(), b"\x027\x90\x4e\x02\x06"].concat();
        let mut schemas = schemas(&registry.url());
        let object = |value: Json| value.as_object().unwrap().clone();
        let sets = object(json!({ "item": "closing-1", "at": 9_000 }));
        let closing = Closing { partition: 0, sets, needs: object(json!({ "n": 0 })) };
        for (schema, body) in [(avro, avro_body), (plain, json_body.into_bytes())] {
            let event = [framing::confluent(schema, None), body].concat();
            wait_for(&mut schemas, &event);
            let made = schemas.closing(&event, &closing, 1 << 100).unwrap();
            let told: Json = serde_json::from_slice(schemas.json(&made).unwrap()).unwrap();
            let id = uuid::Uuid::from_u128(1 << 100).to_string();
            assert_eq!(told, json!({ "id": id, "item": "closing-1", "at": 9_000, "n": 3 }));
            let lacks = Closing { needs: object(json!({ "price": 0 })), ..closing.clone() };
            assert_eq!(schemas.closing(&event, &lacks, 0), None);
            assert_eq!(made[..CONFLUENT_LENGTH], event[..CONFLUENT_LENGTH]);
        }
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
