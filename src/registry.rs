//! The schema registry: a client of the API that Confluent's clients speak, and others than Confluent answer.
//!
//! It blocks, and belongs on a thread that may wait: before a run, or beside it, never between an event and its broker. What was
//! answered once is kept, so that a run goes on with the ids that it knows when the registry is gone.

mod access;
pub mod again;
mod ask;
mod error;
mod schema;
mod subject;
mod wording;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use access::{Access, BadAccess, Login};
pub use error::{RegistryError, Trouble};
pub use schema::{Level, Reference, Registered, Schema, SchemaType, UnknownLevel};
pub use subject::{Part, Strategy, UnknownStrategy};

use crate::http::shown;
use ask::{Asking, Question};
use wording::{Config, Id, InSubject, Verdict};

/// Which version of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The one of that number, from 1.
    Number(u32),
    /// The newest.
    Latest,
}

/// What the registry says of a schema beside those that a subject has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// Whether it may follow them, by the level of the subject.
    pub is_compatible: bool,
    /// What speaks against it, in the registry's words. Some registries give none.
    pub messages: Vec<String>,
}

/// A schema registry.
///
/// Every question is asked again for as long as [`Access::timeout`] where the answer may still come: no connection, no answer in
/// time, a status of 500 and above, too many requests. An answer that is a refusal is taken as it is.
#[derive(Debug)]
pub struct Registry {
    asking: Asking,
    by_id: Mutex<HashMap<u32, Arc<Schema>>>,
    by_subject: Mutex<HashMap<(String, Schema), Registered>>,
}

/// How many imports a schema may have, those of its imports included.
const MOST_IMPORTS: usize = 256;

impl Registry {
    /// A client. Nothing is asked yet.
    ///
    /// # Errors
    /// A file of certificates, a key or a token that cannot be read.
    pub fn new(access: &Access) -> Result<Self, BadAccess> {
        Ok(Self { asking: Asking::new(access)?, by_id: Mutex::default(), by_subject: Mutex::default() })
    }

    /// The schema of an id. It is asked for once.
    ///
    /// # Errors
    /// [`Trouble::SchemaMissing`] where there is none of that id, and whatever keeps the registry from saying so.
    pub fn schema(&self, id: u32) -> Result<Arc<Schema>, RegistryError> {
        if let Some(known) = locked(&self.by_id).get(&id) {
            return Ok(Arc::clone(known));
        }
        let question = Question::get(format!("for the schema of id {id}"), &["schemas", "ids", &id.to_string()]);
        let schema = Arc::new(self.asking.ask::<Schema>(&question)?);
        locked(&self.by_id).insert(id, Arc::clone(&schema));
        Ok(schema)
    }

    /// The subjects that have the schema of an id, with its version there.
    ///
    /// # Errors
    /// As [`Registry::schema`].
    pub fn subjects_of(&self, id: u32) -> Result<Vec<(String, u32)>, RegistryError> {
        let question = Question::get(
            format!("for the subjects of schema id {id}"),
            &["schemas", "ids", &id.to_string(), "versions"],
        );
        let all = self.asking.ask::<Vec<InSubject>>(&question)?;
        Ok(all.into_iter().map(|found| (found.subject, found.version)).collect())
    }

    /// The numbers of a subject's versions, the oldest first.
    ///
    /// # Errors
    /// [`Trouble::SubjectMissing`], and whatever keeps the registry from saying so.
    pub fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        let question = Question::get("for its versions", &["subjects", subject, "versions"]).of(subject);
        let mut versions = self.asking.ask::<Vec<u32>>(&question)?;
        versions.sort_unstable();
        Ok(versions)
    }

    /// A version of a subject.
    ///
    /// # Errors
    /// [`Trouble::SubjectMissing`] or [`Trouble::VersionMissing`], and whatever keeps the registry from saying so.
    pub fn version(&self, subject: &str, version: Version) -> Result<Registered, RegistryError> {
        let (what, name) = match version {
            Version::Latest => ("for its newest version".to_owned(), "latest".to_owned()),
            Version::Number(number) => (format!("for its version {number}"), number.to_string()),
        };
        let question = Question::get(what, &["subjects", subject, "versions", &name]).of(subject);
        self.asking.ask(&question).map(|found| self.kept(found))
    }

    /// The id and version that a schema has under a subject. It is asked for until it is there, then never again.
    ///
    /// With `normalize` schemas that differ only in what no reader sees, such as the order of attributes, are the same.
    ///
    /// # Errors
    /// [`Trouble::SubjectMissing`], or [`Trouble::SchemaMissing`] where the subject has other schemas; and whatever keeps the
    /// registry from saying so.
    pub fn lookup(&self, subject: &str, schema: &Schema, normalize: bool) -> Result<Registered, RegistryError> {
        let key = (subject.to_owned(), schema.clone());
        if let Some(known) = locked(&self.by_subject).get(&key) {
            return Ok(known.clone());
        }
        let question = Question::post("for a schema", &["subjects", subject], wording::body(schema))
            .of(subject)
            .with("normalize", normalize);
        // Not every registry says here which language it is (Apicurio 3.3 does not), or gives the text as it was sent.
        let found = Registered { schema: schema.clone(), ..self.asking.ask(&question)? };
        let found = self.kept(found);
        locked(&self.by_subject).insert(key, found.clone());
        Ok(found)
    }

    /// Registers a schema under a subject, and gives its id. Where it is there already, this changes nothing.
    ///
    /// # Errors
    /// [`Trouble::Incompatible`] with the subject's other schemas, [`Trouble::Invalid`], [`Trouble::NotAllowed`]; and whatever
    /// keeps the registry from saying so.
    pub fn register(&self, subject: &str, schema: &Schema, normalize: bool) -> Result<u32, RegistryError> {
        let question =
            Question::post("to register a schema", &["subjects", subject, "versions"], wording::body(schema))
                .of(subject)
                .with("normalize", normalize);
        let id = self.asking.ask::<Id>(&question)?.id;
        locked(&self.by_id).insert(id, Arc::new(schema.clone()));
        Ok(id)
    }

    /// Whether a schema may follow those of a subject: the newest alone, or all of them. Nothing is registered.
    ///
    /// # Errors
    /// [`Trouble::Invalid`], and whatever keeps the registry from saying so. Of a subject that is not there some registries say
    /// that all is compatible, others [`Trouble::SubjectMissing`].
    pub fn check(&self, subject: &str, schema: &Schema, against_all: bool) -> Result<Judgement, RegistryError> {
        let mut path = vec!["compatibility", "subjects", subject, "versions"];
        let what = if against_all {
            "whether a schema may follow all versions"
        } else {
            path.push("latest");
            "whether a schema may follow the newest version"
        };
        let question = Question::post(what, &path, wording::body(schema)).of(subject).with("verbose", true);
        let Verdict { is_compatible, messages } = self.asking.ask(&question)?;
        let messages = messages.unwrap_or_default().iter().map(|message| shown(message)).collect();
        Ok(Judgement { is_compatible, messages })
    }

    /// By which level a subject's next schema is judged: its own, or that of the registry where it has none.
    ///
    /// # Errors
    /// Whatever keeps the registry from saying so.
    pub fn level(&self, subject: &str) -> Result<Level, RegistryError> {
        let question = Question::get("for its compatibility level", &["config", subject]).of(subject);
        match self.asking.ask::<Config>(&question) {
            Ok(config) => Ok(config.level),
            Err(error) if matches!(error.trouble, Trouble::SubjectMissing(_) | Trouble::LevelMissing(_)) => {
                self.level_of_all()
            }
            Err(error) => Err(error),
        }
    }

    /// By which level schemas are judged where their subject has none of its own.
    ///
    /// # Errors
    /// Whatever keeps the registry from saying so.
    pub fn level_of_all(&self) -> Result<Level, RegistryError> {
        let question = Question::get("for its compatibility level", &["config"]);
        self.asking.ask::<Config>(&question).map(|config| config.level)
    }

    /// Sets the level of a subject.
    ///
    /// # Errors
    /// [`Trouble::NotAllowed`], and whatever else keeps the registry from doing so.
    pub fn set_level(&self, subject: &str, level: Level) -> Result<(), RegistryError> {
        let body = serde_json::json!({ "compatibility": level.as_str() });
        let question = Question::put(format!("to be judged by {level}"), &["config", subject], body).of(subject);
        self.asking.ask::<serde::de::IgnoredAny>(&question).map(drop)
    }

    /// All schemas that a schema imports, and those that they import, each by the name it is imported by; what is imported stands
    /// before what imports it.
    ///
    /// # Errors
    /// As [`Registry::version`]; [`Trouble::Unreadable`] where they are too many.
    pub fn imports(&self, schema: &Schema) -> Result<Vec<(String, Schema)>, RegistryError> {
        let mut found: Vec<(String, Schema)> = Vec::new();
        // Each name is taken up once, so imports in a circle end.
        let mut taken: Vec<String> = Vec::new();
        let mut open: Vec<Import> = schema.references.iter().rev().cloned().map(Import::Open).collect();
        while let Some(next) = open.pop() {
            match next {
                Import::Done(name, schema) => found.push((name, schema)),
                Import::Open(reference) if taken.contains(&reference.name) => {}
                Import::Open(reference) => {
                    if taken.len() == MOST_IMPORTS {
                        let question = Question::get("for imports of a schema", &[]).of(&reference.subject);
                        let why = format!("it imports more than {MOST_IMPORTS} others");
                        return Err(self.asking.error(&question, Trouble::Unreadable(why)));
                    }
                    let imported = self.version(&reference.subject, Version::Number(reference.version))?.schema;
                    let further: Vec<_> = imported.references.iter().rev().cloned().map(Import::Open).collect();
                    taken.push(reference.name.clone());
                    open.push(Import::Done(reference.name, imported));
                    open.extend(further);
                }
            }
        }
        Ok(found)
    }

    /// Keeps what was found for both ways.
    fn kept(&self, found: Registered) -> Registered {
        locked(&self.by_id).entry(found.id).or_insert_with(|| Arc::new(found.schema.clone()));
        found
    }
}

/// A step of walking imports.
enum Import {
    Open(Reference),
    Done(String, Schema),
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "../tests/support/registry.rs"]
pub(crate) mod stub;
#[cfg(test)]
mod tests;
