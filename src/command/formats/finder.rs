//! Looks schemas up in the registry, on a thread of its own: a reader of records never waits for it.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use super::Failure;
use crate::event::catalogue::{Catalogue, GivenSchema};
use crate::event::invalid::Invalid;
use crate::event::learned::{Finder, Found, Learned, SchemaLookup};
use crate::registry::{Registry, RegistryError, Schema, SchemaType, Trouble, again};
use crate::scenario::formats::unions;
use crate::scenario::formats::{SchemaText, TypeFormat, coding_of};
use crate::settings::formats::{Format, Framing};
use crate::verdict::ExitCode;
use crate::wire::framing::SchemaId;

/// So many ids are looked up for one catalogue: frames of other producers may name any of four billion. Nothing is said of more.
const MOST_IDS: usize = 1_000;
/// Places for them: at least every second one stays free, so that an id is soon found or missed.
const PLACES: usize = 2 * MOST_IDS;

/// Finds schemas in a registry.
#[derive(Debug)]
pub(in crate::command) struct InRegistry {
    known: Known,
    wanted: Mutex<Wanted>,
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
        let wanted = Mutex::new(Wanted { sender, ids: 0 });
        let finder = Arc::new(Self { known: Known::new(), wanted, silence: Arc::default() });
        let asking = Asking { registry, catalogue, subjects, silence: Arc::clone(&finder.silence) };
        // It must not keep alive what tells it to end.
        let known = Arc::downgrade(&finder);
        let store = move |id, found| known.upgrade().map(|finder| finder.known.store(id, found)).is_some();
        thread::Builder::new()
            .name("schemas".to_owned())
            .spawn(move || asking.run(&receiver, store))
            .map_err(|error| Failure::new(ExitCode::RunInvalid, format!("no thread can be started: {error}")))?;
        Ok(finder)
    }

    /// Asks for an id that nobody has asked for yet.
    #[cold]
    fn ask(&self, id: u32) {
        let mut wanted = locked(&self.wanted);
        let asked = Asked { id, found: OnceLock::new() };
        // Only who holds the lock fills places; another may have filled this one meanwhile.
        if wanted.ids < MOST_IDS && self.known.place(id).is_some_and(|place| place.set(asked).is_ok()) {
            wanted.ids += 1;
            // Without anybody to ask it stays open.
            wanted.sender.send(id).unwrap_or_default();
        }
    }
}

impl Finder for InRegistry {
    fn find(&self, id: SchemaId) -> SchemaLookup<'_> {
        let SchemaId::Registry(id) = id else { return SchemaLookup::Refused(Invalid::UnknownSchemaId) };
        if let Some(asked) = self.known.place(id).and_then(OnceLock::get) {
            return asked.found.get().map_or(SchemaLookup::Pending, SchemaLookup::from);
        }
        self.ask(id);
        SchemaLookup::Pending
    }

    fn silence(&self) -> Option<String> {
        locked(&self.silence).clone()
    }
}

/// What is to be looked up.
#[derive(Debug)]
struct Wanted {
    sender: Sender<u32>,
    /// How many ids were asked for so far.
    ids: usize,
}

/// The ids that were asked for, in places that an id leads to: filled once and for good, so that who looks one up takes no lock.
#[derive(Debug)]
struct Known(Box<[OnceLock<Asked>]>);

/// An id, and what was found out of it as soon as that is known.
#[derive(Debug)]
struct Asked {
    id: u32,
    found: OnceLock<Found>,
}

impl Known {
    fn new() -> Self {
        Self((0..PLACES).map(|_| OnceLock::new()).collect())
    }

    /// The place of an id; a free one, where it has none yet.
    fn place(&self, id: u32) -> Option<&OnceLock<Asked>> {
        let (before, from) = self.0.split_at(id as usize % PLACES);
        from.iter().chain(before).find(|place| place.get().is_none_or(|asked| asked.id == id))
    }

    fn store(&self, id: u32, found: Found) {
        if let Some(asked) = self.place(id).and_then(OnceLock::get) {
            // Each id is answered once.
            asked.found.set(found).unwrap_or_default();
        }
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
    fn run(self, wanted: &Receiver<u32>, store: impl Fn(u32, Found) -> bool) {
        again::until_answered(wanted, |id| {
            let Some(found) = self.look_up(id) else { return ControlFlow::Continue(false) };
            if store(id, found) { ControlFlow::Continue(true) } else { ControlFlow::Break(()) }
        });
    }

    /// `None` where the registry does not say.
    fn look_up(&self, id: u32) -> Option<Found> {
        match self.registry.schema(id).and_then(|schema| {
            let imports = self.registry.imports(&schema)?;
            Ok((schema, imports, self.is_of_subjects(id)?))
        }) {
            Ok((schema, imports, of_subjects)) => {
                *locked(&self.silence) = None;
                Some(if of_subjects { self.learn(id, &schema, imports) } else { Err(Invalid::WrongSubject) })
            }
            Err(error) if matches!(error.trouble, Trouble::SchemaMissing(_)) => {
                *locked(&self.silence) = None;
                Some(Err(Invalid::UnknownSchemaId))
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
    fn learn(&self, id: u32, schema: &Schema, imports: Vec<(String, Schema)>) -> Found {
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
                return Ok([Learned { kind, coding, own: None, writer: None }].into());
            }
            own = Some(coding);
        }
        let coding = own.ok_or(Invalid::NotReadable)?;
        let (language, text) = (written.language(), written.text.into());
        let given = GivenSchema { language, text, message: None, imports: written.imports };
        let version = Learned::version(kind, declared, coding, &given);
        version.map(|version| [version].into()).map_err(|error| unreadable(&error.to_string()))
    }

    /// How records of a schema are read that several types share.
    fn shared(&self, id: u32, format: Format, text: &str) -> Found {
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
                all.push(Learned { kind, coding, own: None, writer: None });
            }
        }
        if all.is_empty() { Err(Invalid::WrongSubject) } else { Ok(all.into()) }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finder() -> (InRegistry, Receiver<u32>) {
        let (sender, receiver) = channel();
        let wanted = Mutex::new(Wanted { sender, ids: 0 });
        (InRegistry { known: Known::new(), wanted, silence: Arc::default() }, receiver)
    }

    fn says(finder: &InRegistry, id: u32) -> Option<Invalid> {
        match finder.find(SchemaId::Registry(id)) {
            SchemaLookup::Refused(why) => Some(why),
            SchemaLookup::Pending => None,
            SchemaLookup::Schemas(_) => panic!("nobody has told a schema"),
        }
    }

    #[test]
    fn ids_that_lead_to_one_place_are_told_apart() {
        let (finder, wanted) = finder();
        let places = u32::try_from(PLACES).unwrap();
        // The last two begin at the last place, and go on at the first.
        let ids = [0, places, 2 * places, 7, 7 + places, places - 1, 2 * places - 1];
        assert!(ids.iter().all(|id| says(&finder, *id).is_none()));
        assert_eq!(wanted.try_iter().collect::<Vec<_>>(), ids);
        for id in ids.into_iter().step_by(2) {
            finder.known.store(id, Err(Invalid::WrongSubject));
        }
        let told: Vec<_> = ids.map(|id| says(&finder, id).is_some()).into();
        assert_eq!(told, [true, false, true, false, true, false, true]);
        assert_eq!(wanted.try_iter().count(), 0, "each was asked for once");
    }

    #[test]
    fn nothing_is_said_of_more_ids_than_are_looked_up() {
        let (finder, wanted) = finder();
        let most = u32::try_from(MOST_IDS).unwrap();
        for _ in 0..2 {
            assert!((0..most + 100).all(|id| says(&finder, id * 64).is_none()));
        }
        assert_eq!(wanted.try_iter().count(), MOST_IDS);
        finder.known.store(most * 64, Err(Invalid::WrongSubject));
        assert_eq!(says(&finder, most * 64), None);
    }
}
