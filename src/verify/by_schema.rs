//! What was read of each schema, and whether those who read by other schemas can read it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::catalogue::{Catalogue, TypeIndex};
use crate::event::decode::Decoded;
use crate::event::readers::Reading;
use crate::wire::framing::SchemaId;

/// Schemas of which counts are kept: frames of other producers may name any of four billion.
const MOST_SCHEMAS: usize = 1_000;
/// Reasons that are told apart of one schema and reader.
const MOST_REASONS: usize = 20;
/// Stands for all further ones.
const OTHER_REASONS: &str = "other reasons";

/// What was read of one schema.
#[derive(Debug, Default)]
pub struct OfSchema {
    /// Its id; `None` where records have no frame.
    pub id: Option<SchemaId>,
    /// The type whose schema it is, where that is known.
    pub kind: Option<TypeIndex>,
    /// Records that are what the schema says.
    pub records: u64,
    /// First sightings of events with the right content among them.
    pub verified: u64,
    /// Records that break the schema, by reason.
    pub invalid: BTreeMap<String, u64>,
    /// What those can read who read by other schemas.
    pub readers: Vec<OfReader>,
}

/// What one reader can read of one schema.
#[derive(Debug)]
pub struct OfReader {
    /// Which of the catalogue's readers.
    pub reader: usize,
    /// How; `None` where the schema is in another language, or cannot be used.
    reading: Option<Reading>,
    /// Records that it can read.
    pub readable: u64,
    /// Records that it cannot, by reason.
    pub not_readable: BTreeMap<String, u64>,
}

impl OfReader {
    /// What records of the schema may have that it cannot read.
    #[must_use]
    pub fn incompatible(&self) -> &[String] {
        self.reading.as_ref().map_or(&[], |reading| &reading.incompatible)
    }
}

/// What was read, by schema.
#[derive(Debug)]
pub struct BySchema {
    catalogue: Arc<Catalogue>,
    counts: Counts,
}

/// The counts of each schema.
#[derive(Debug)]
struct Counts {
    of_schemas: Vec<OfSchema>,
    /// For each type the one that was looked for last: most often its next record has it too.
    last: Vec<usize>,
}

impl BySchema {
    /// Nothing yet.
    pub(super) fn new(catalogue: Arc<Catalogue>) -> Self {
        let last = vec![0; catalogue.len()];
        Self { catalogue, counts: Counts { of_schemas: Vec::new(), last } }
    }

    /// All that was counted.
    pub(super) fn end(self) -> Vec<OfSchema> {
        self.counts.of_schemas
    }

    /// Counts a record that is what its schema says. Why a reader cannot read it, where one cannot.
    pub(super) fn note(&mut self, decoded: &Decoded<'_>, value: &[u8]) -> Option<String> {
        if !decoded.has_schema() {
            return None;
        }
        let kind = decoded.kind;
        let Self { catalogue, counts } = self;
        let of_schema = counts.of(decoded.schema_id(), Some(kind))?;
        if of_schema.records == 0 {
            let readers = (0..).zip(catalogue.readers()).filter(|(_, reader)| reader.kind == kind);
            let of_reader = |(at, reader)| {
                let reading = Reading::new(reader, decoded.language(), decoded.avro_schema());
                OfReader { reader: at, reading, readable: 0, not_readable: BTreeMap::new() }
            };
            of_schema.readers = readers.map(of_reader).collect();
        }
        of_schema.records += 1;
        let mut problem = None;
        for of_reader in &mut of_schema.readers {
            let read = match of_reader.reading.as_ref().zip(catalogue.readers().get(of_reader.reader)) {
                Some((reading, reader)) => reading.read(reader, decoded.body_in(value)),
                None => Err("its schema is in another language".to_owned()),
            };
            match read {
                Ok(()) => of_reader.readable += 1,
                Err(why) => {
                    let reason = bounded(&of_reader.not_readable, &why);
                    *of_reader.not_readable.entry(reason).or_default() += 1;
                    let name = catalogue.readers().get(of_reader.reader).map_or("", |reader| &reader.name);
                    problem.get_or_insert_with(|| format!("{name} cannot read it: {why}"));
                }
            }
        }
        problem
    }

    /// Counts the first sighting of an event with the right content.
    pub(super) fn note_verified(&mut self, decoded: &Decoded<'_>) {
        if decoded.has_schema()
            && let Some(of_schema) = self.counts.of(decoded.schema_id(), Some(decoded.kind))
        {
            of_schema.verified += 1;
        }
    }

    /// Counts a record that breaks its schema, or names one that there is not.
    pub(super) fn note_invalid(&mut self, value: &[u8], reason: &str) {
        let Some(id) = SchemaId::of(value).filter(|_| self.catalogue.has_frames()) else { return };
        if let Some(of_schema) = self.counts.of(Some(id), None) {
            *of_schema.invalid.entry(reason.to_owned()).or_default() += 1;
        }
    }
}

impl Counts {
    /// Those of a schema; `None` where there are too many. Each type has its own, also where several share a schema.
    fn of(&mut self, id: Option<SchemaId>, kind: Option<TypeIndex>) -> Option<&mut OfSchema> {
        let of_kind = |known: &OfSchema| known.kind == kind || id.is_some() && (kind.is_none() || known.kind.is_none());
        let is_it = |known: &OfSchema| known.id == id && of_kind(known);
        let mut last = kind.and_then(|kind| self.last.get_mut(kind.index()));
        let at = match last.as_ref().map(|last| **last) {
            Some(at) if self.of_schemas.get(at).is_some_and(is_it) => at,
            _ => match self.of_schemas.iter().position(is_it) {
                Some(at) => at,
                None if self.of_schemas.len() >= MOST_SCHEMAS => return None,
                None => {
                    self.of_schemas.push(OfSchema { id, ..OfSchema::default() });
                    self.of_schemas.len() - 1
                }
            },
        };
        if let Some(last) = &mut last {
            **last = at;
        }
        let of_schema = self.of_schemas.get_mut(at)?;
        of_schema.kind = of_schema.kind.or(kind);
        Some(of_schema)
    }
}

fn bounded(known: &BTreeMap<String, u64>, reason: &str) -> String {
    if known.len() < MOST_REASONS || known.contains_key(reason) { reason } else { OTHER_REASONS }.to_owned()
}
