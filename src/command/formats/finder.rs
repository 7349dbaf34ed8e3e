//! Looks schemas up in the registry, on a thread of its own: a reader of records never waits for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;

use super::Failure;
use crate::event::catalogue::{Catalogue, GivenSchema};
use crate::event::invalid::Invalid;
use crate::event::learned::{Finder, Learned, SchemaLookup};
use crate::registry::{Registry, RegistryError, Schema, SchemaType, Trouble, again};
use crate::scenario::formats::unions;
use crate::scenario::formats::{SchemaText, TypeFormat, coding_of};
use crate::settings::formats::{Format, Framing};
use crate::verdict::ExitCode;
use crate::wire::framing::SchemaId;

/// So many ids are looked up for one catalogue: frames of other producers may name any of four billion. Nothing is said of more.
const MOST_IDS: usize = 1_000;

/// Finds schemas in a registry.
#[derive(Debug)]
pub(in crate::command) struct InRegistry {
    known: RwLock<HashMap<SchemaId, SchemaLookup>>,
    wanted: Mutex<Sender<SchemaId>>,
    /// Why the registry does not say what was last asked.
    silence: Arc<Mutex<Option<String>>>,
}

impl InRegistry {
    /// Finds schemas of the catalogue's types. `subjects`: those that may have them; any, where there are none.
    pub(in crate::command) fn new(
        registry: Registry,
        catalogue: Arc<Catalogue>,
        subjects: Vec<String>,
    ) -> Result<Arc<Self>, Failure> {
        let (sender, receiver) = channel();
        let finder = Arc::new(Self { known: RwLock::default(), wanted: Mutex::new(sender), silence: Arc::default() });
        let asking = Asking { registry, catalogue, subjects, silence: Arc::clone(&finder.silence) };
        // It must not keep alive what tells it to end.
        let known = Arc::downgrade(&finder);
        let store = move |id, found| known.upgrade().map(|finder| finder.store(id, found)).is_some();
        thread::Builder::new()
            .name("schemas".to_owned())
            .spawn(move || asking.run(&receiver, store))
            .map_err(|error| Failure::new(ExitCode::RunInvalid, format!("no thread can be started: {error}")))?;
        Ok(finder)
    }

    fn store(&self, id: SchemaId, found: SchemaLookup) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(id, found);
    }
}

impl Finder for InRegistry {
    fn find(&self, id: SchemaId) -> SchemaLookup {
        if let Some(found) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
            return found.clone();
        }
        let SchemaId::Registry(_) = id else { return SchemaLookup::Refused(Invalid::UnknownSchemaId) };
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let is_full = known.len() >= MOST_IDS;
        match known.entry(id) {
            Entry::Occupied(found) => found.get().clone(),
            Entry::Vacant(_) if is_full => SchemaLookup::Pending,
            Entry::Vacant(place) => {
                place.insert(SchemaLookup::Pending);
                // Without anybody to ask it stays open.
                locked(&self.wanted).send(id).unwrap_or_default();
                SchemaLookup::Pending
            }
        }
    }

    fn silence(&self) -> Option<String> {
        locked(&self.silence).clone()
    }
}

/// The thread that asks.
struct Asking {
    registry: Registry,
    catalogue: Arc<Catalogue>,
    subjects: Vec<String>,
    silence: Arc<Mutex<Option<String>>>,
}

impl Asking {
    /// Until nobody wants to know any more.
    fn run(self, wanted: &Receiver<SchemaId>, store: impl Fn(SchemaId, SchemaLookup) -> bool) {
        again::until_answered(wanted, |id| match self.look_up(id) {
            Some(found) if !store(id, found.clone()) => ControlFlow::Break(()),
            found => ControlFlow::Continue(found.is_some()),
        });
    }

    /// `None` where the registry does not say.
    fn look_up(&self, id: SchemaId) -> Option<SchemaLookup> {
        let SchemaId::Registry(number) = id else { return Some(SchemaLookup::Refused(Invalid::UnknownSchemaId)) };
        match self.registry.schema(number).and_then(|schema| {
            let imports = self.registry.imports(&schema)?;
            Ok((schema, imports, self.is_of_subjects(number)?))
        }) {
            Ok((schema, imports, of_subjects)) => {
                *locked(&self.silence) = None;
                let found = if of_subjects { self.learn(number, &schema, imports) } else { Err(Invalid::WrongSubject) };
                Some(found.unwrap_or_else(SchemaLookup::Refused))
            }
            Err(error) if matches!(error.trouble, Trouble::SchemaMissing(_)) => {
                *locked(&self.silence) = None;
                Some(SchemaLookup::Refused(Invalid::UnknownSchemaId))
            }
            Err(error) => {
                let mut silence = locked(&self.silence);
                if silence.is_none() {
                    tracing::warn!("records of schema id {id} cannot be judged yet: {error}");
                }
                *silence = Some(error.to_string());
                None
            }
        }
    }

    /// Whether one of the subjects has the schema, where there are any.
    fn is_of_subjects(&self, id: u32) -> Result<bool, RegistryError> {
        if self.subjects.is_empty() {
            return Ok(true);
        }
        let having = self.registry.subjects_of(id)?;
        Ok(having.iter().any(|(subject, _)| self.subjects.contains(subject)))
    }

    /// How records of a schema are read: it is one of a type, as loadgen writes it or in another version.
    fn learn(&self, id: u32, schema: &Schema, imports: Vec<(String, Schema)>) -> Result<SchemaLookup, Invalid> {
        let format = match schema.schema_type {
            SchemaType::Avro => Format::Avro,
            SchemaType::Protobuf => Format::Protobuf,
            SchemaType::Json => Format::JsonSchema,
        };
        let unreadable = |why: &str| {
            tracing::warn!("schema id {id} cannot be read as an event of its type: {why}");
            Invalid::NotReadable
        };
        let imports = imports.into_iter().map(|(name, schema)| (name, schema.text)).collect();
        let Some(written) = SchemaText::of_registry(schema, imports) else {
            return self.shared(id, format, &schema.text);
        };
        let named = self.catalogue.types().find(|(_, declared)| *declared.record.name == *written.name);
        let (kind, declared) = named.ok_or(Invalid::WrongSubject)?;
        let mut own = None;
        for padded in [true, false] {
            let one = TypeFormat { kind, format, framing: Framing::Confluent, padded, subject: None, branch: None };
            let (coding, text) = match coding_of(declared, &one) {
                // A schema that was given has no field for padding.
                Err(_) if padded => continue,
                made => made.map_err(|error| unreadable(&error.to_string()))?,
            };
            let coding = coding.framed(written.frame(id));
            if text.is_some_and(|text| text.is_read_as(&written)) {
                return Ok(Learned { kind, coding, own: None, writer: None }.into());
            }
            own = Some(coding);
        }
        let coding = own.ok_or(Invalid::NotReadable)?;
        let (language, text) = (written.language(), written.text.into());
        let given = GivenSchema { language, text, message: None, imports: written.imports };
        let version = Learned::version(kind, declared, coding, &given);
        version.map(SchemaLookup::from).map_err(|error| unreadable(&error.to_string()))
    }

    /// How records of a schema are read that several types share.
    fn shared(&self, id: u32, format: Format, text: &str) -> Result<SchemaLookup, Invalid> {
        let mut all = Vec::new();
        for (kind, declared) in self.catalogue.types() {
            let made = [true, false].into_iter().find_map(|padded| {
                let alone =
                    TypeFormat { kind, format, framing: Framing::Confluent, padded, subject: None, branch: None };
                let branch = unions::found(text, &coding_of(declared, &alone).ok()?.1?)?;
                coding_of(declared, &TypeFormat { branch: Some(branch), ..alone }).ok()
            });
            if let Some((coding, Some(text))) = made {
                let coding = coding.framed(text.frame(id));
                all.push(Arc::new(Learned { kind, coding, own: None, writer: None }));
            }
        }
        if all.is_empty() { Err(Invalid::WrongSubject) } else { Ok(SchemaLookup::Schemas(all.into())) }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
