//! One record: is it valid, is it ours, is it whole, is it the first, is it in order, how long did it take.

mod again;
mod inspected;
mod order;

use std::sync::Arc;

use super::book::{Book, Recognition};
use super::by_schema::BySchema;
use super::findings::{Findings, shown};
use super::order::Overtaking;
use super::unjudged::Unjudged;
use crate::clock::{Anchor, Nanos};
use crate::event::catalogue::Catalogue;
use crate::event::decode::{Decoded, Wholeness};
use crate::event::invalid::Invalid;
use crate::event::opaque::Raw;
use crate::event::stamp::{Numbering, Stamp};
use crate::kafka::Record;
use crate::kafka::slots::Slots;
use crate::ledger::rules::{Rule, Rules};
use crate::ledger::sightings::{RecordSighting, Sightings};
use crate::measure::{FindingCounts, Shard};
use crate::report::Example;
use crate::wire::Malformed;
use crate::wire::framing::SchemaId;
pub use inspected::{Damaged, Duplicate, Inspected};
use order::AwaitsNext;

/// Damaged sightings kept for the examples.
const DAMAGED: usize = 1_000;

/// Checks records, and asks a book whose events they are.
#[derive(Debug)]
pub struct Inspector<B> {
    book: B,
    catalogue: Arc<Catalogue>,
    topic: String,
    rules: Rules,
    logging: bool,
    /// The topics and their partitions.
    slots: Arc<Slots>,
    /// Whether keys must lie where Java's default partitioner puts them; else the placing is not known.
    java_placed: bool,
    numbering: Numbering,
    findings: Findings,
    duplicates: Vec<Duplicate>,
    overtaking: Overtaking,
    damaged: Vec<Damaged>,
    damaged_seen: u64,
    mended: u64,
    older: u64,
    awaiting_next: Vec<AwaitsNext>,
    by_schema: BySchema,
    /// Where each record is put down that claims to be an event of the run.
    sightings: Option<Sightings>,
}

impl<B: Book> Inspector<B> {
    /// An inspector of events of these types in these topics; `topic` is the one for examples whose own is not known. `java_placed`: whether keys must
    /// lie where Java's default partitioner puts them.
    #[must_use]
    pub fn new(book: B, catalogue: Arc<Catalogue>, topic: &str, slots: Arc<Slots>, java_placed: bool) -> Self {
        Self {
            book,
            by_schema: BySchema::new(Arc::clone(&catalogue)),
            catalogue,
            topic: topic.to_owned(),
            rules: Rules::ALL,
            logging: true,
            slots,
            java_placed,
            numbering: Numbering::default(),
            findings: Findings::default(),
            duplicates: Vec::new(),
            overtaking: Overtaking::default(),
            damaged: Vec::new(),
            damaged_seen: 0,
            mended: 0,
            older: 0,
            awaiting_next: Vec::new(),
            sightings: None,
        }
    }

    /// The same inspector, which puts down each record that claims to be an event of the run.
    #[must_use]
    pub fn putting_down(self, sightings: Option<Sightings>) -> Self {
        Self { sightings, ..self }
    }

    /// The same inspector, following these rules. `logging`: whether examples of invalid records are logged.
    #[must_use]
    pub const fn by(mut self, rules: Rules, logging: bool) -> Self {
        (self.rules, self.logging) = (rules, logging);
        self
    }

    /// The same inspector, of a run whose lanes are numbered like that.
    #[must_use]
    pub const fn numbered(mut self, numbering: Numbering) -> Self {
        self.numbering = numbering;
        self
    }

    /// Tells the wall time of zero.
    pub fn start(&mut self, anchor: Anchor) {
        self.book.start(anchor);
    }

    /// A batch of records begins, read at `at`.
    pub fn begin_batch(&mut self, at: Nanos) {
        self.book.begin_batch(at);
    }

    /// What was found so far, by count.
    #[must_use]
    pub const fn found(&self) -> FindingCounts {
        let found = &self.findings.0;
        FindingCounts {
            duplicates: found.duplicates,
            reordered: found.reordered,
            invalid: found.invalid,
            damaged: self.damaged_seen,
            foreign: found.foreign,
            negative_latency: found.negative_latency,
        }
    }

    /// What was found, and the book.
    #[must_use]
    pub fn end(self) -> (Inspected, B) {
        let Self {
            findings,
            duplicates,
            overtaking,
            damaged,
            damaged_seen,
            mended,
            older,
            book,
            by_schema,
            sightings,
            ..
        } = self;
        let schemas = by_schema.end();
        let damaged_seen = damaged_seen - mended;
        (Inspected { findings, duplicates, overtaking, damaged, damaged_seen, older, schemas, sightings }, book)
    }

    /// Whether nothing can be said of a record yet.
    #[must_use]
    pub(super) fn awaits_schema(&self, record: &Record<'_>) -> bool {
        self.rules.has(Rule::AwaitsSchema) && record.body.is_some_and(|body| self.catalogue.awaits_schema(body))
    }

    /// Counts the records that nothing could be said of.
    pub(super) fn end_without(&mut self, held: &Unjudged) {
        self.findings.0.awaits_schema = held.records();
        for record in held.firsts() {
            let id = record.body.and_then(SchemaId::of).map_or_else(String::new, |id| id.to_string());
            let why = self.catalogue.silence().map_or_else(String::new, |why| format!(": {why}"));
            let what = format!(
                "it names schema {id}, of which nothing is known yet, so what follows it is not judged either{why}"
            );
            let told = self.example(&record, None, &what);
            self.findings.example("awaits_schema", || told);
        }
    }

    /// Checks a record read at `at`. `reread`: its offset had been read before. Returns whether it is the first sighting
    /// of an event of this run.
    pub fn inspect(&mut self, record: &Record<'_>, reread: bool, at: Nanos, shard: &mut Shard) -> bool {
        if reread {
            self.findings.0.duplicates_reread += u64::from(self.rules.has(Rule::Reread));
            return false;
        }
        let catalogue = Arc::clone(&self.catalogue);
        let decoded = match catalogue.decode_record(Raw::from(record)) {
            Ok(decoded) => decoded,
            Err(reason) => {
                self.invalid(record, &reason, shard);
                return false;
            }
        };
        if let Some(why) =
            self.by_schema.note(&decoded, record.body.unwrap_or_default()).filter(|_| self.rules.has(Rule::NotReadable))
        {
            self.findings.0.not_readable_by_reader += 1;
            let stamp = decoded.stamp;
            let told = self.example(record, stamp.map(|stamp| (stamp, &decoded)), &why);
            self.findings.example("not_readable_by_reader", || told);
        }
        let key = record.key.unwrap_or_default();
        let mut placed = true;
        if !decoded.has_key(key) {
            self.invalid(record, &Invalid::KeyMismatch, shard);
        } else if self.java_placed
            && record.key.is_some()
            && self.slots.home_of_found(decoded.kind.index(), key, record.partition) != record.partition
        {
            placed = false;
            self.findings.0.misplaced += u64::from(self.rules.has(Rule::Placement));
            self.invalid(record, &Invalid::Misplaced, shard);
        }
        let is_ours =
            |stamp: &Stamp| self.book.run().is_none_or(|run| stamp.tag == run.tag() || !self.rules.has(Rule::RunTag));
        if let Some(stamp) = decoded.stamp.filter(is_ours) {
            return self.stamped(record, key, &decoded, stamp, placed, at, shard);
        }
        match (decoded.first(), self.book.run()) {
            (Some(first), Some(run)) => self.older += u64::from(first.is_of(run, key, decoded.content().after)),
            (Some(first), None) => self.book.see_older(first),
            (None, _) => {}
        }
        self.foreign(record)
    }

    #[expect(clippy::too_many_arguments, reason = "all that is known of one record")]
    fn stamped(
        &mut self,
        record: &Record<'_>,
        key: &[u8],
        decoded: &Decoded<'_>,
        stamp: Stamp,
        placed: bool,
        at: Nanos,
        shard: &mut Shard,
    ) -> bool {
        // Without the run's id there is no key to the check.
        let wholeness = self.book.run().map_or(Wholeness::AsWritten, |run| decoded.wholeness(run, stamp, key));
        let whole = wholeness != Wholeness::Damaged || !self.rules.has(Rule::Check);
        if let Some(sightings) = &mut self.sightings {
            let Stamp { lane, sequence, .. } = stamp;
            sightings.note(RecordSighting { place: (record.partition, record.offset), lane, sequence, whole });
        }
        let stamp = self.numbering.resolved(stamp);
        match self.book.see(stamp, whole) {
            Recognition::Unsettled => false,
            Recognition::Sibling => {
                self.findings.0.sibling += u64::from(self.rules.has(Rule::Sibling));
                false
            }
            Recognition::Stranger => self.foreign(record),
            Recognition::Again => {
                self.duplicate(record, decoded, stamp);
                false
            }
            Recognition::First | Recognition::Mended if !whole => {
                self.damaged_seen += 1;
                if self.damaged.len() < DAMAGED {
                    let what = format!(
                        "its content does not match its stamp; its value begins {}",
                        record.body.map(shown).unwrap_or_default()
                    );
                    let Stamp { lane, sequence, .. } = stamp;
                    let example = self.example(record, Some((stamp, decoded)), &what);
                    self.damaged.push(Damaged { lane, sequence, example });
                }
                true
            }
            sighting @ (Recognition::First | Recognition::Mended) => {
                if sighting == Recognition::Mended {
                    // The damaged record before it was not this event after all.
                    self.findings.0.foreign += 1;
                    self.mended += 1;
                }
                let is_re_encoded = wholeness == Wholeness::ReEncoded && self.rules.has(Rule::ReEncoded);
                self.findings.0.re_encoded += u64::from(is_re_encoded);
                self.first(record, decoded, stamp, at, shard);
                // Order is that of a key, and a misplaced record lies among the keys of others.
                if placed {
                    self.judge_order(record, decoded, stamp);
                }
                true
            }
        }
    }

    fn first(&mut self, record: &Record<'_>, decoded: &Decoded<'_>, stamp: Stamp, at: Nanos, shard: &mut Shard) {
        shard.seen += 1;
        if let Some(timed) = self.book.time(stamp, at) {
            if timed.early && self.rules.has(Rule::NotBeforeDue) {
                self.findings.0.negative_latency += 1;
                if self.findings.count_of("negative_latency") < super::findings::EXAMPLES {
                    let told = self.example(record, Some((stamp, decoded)), "seen before it was due");
                    self.findings.example("negative_latency", || told);
                }
            }
            shard.record_sight(timed.phase, decoded.kind, timed.end_to_end);
        }
        if let Some(of_type) = shard.kinds.get_mut(decoded.kind.index()) {
            of_type.verified += 1;
        }
        self.by_schema.note_verified(decoded);
        let Ok(partition) = usize::try_from(record.partition) else { return };
        if let Some(counts) = shard.partitions.get_mut(partition) {
            counts.seen += 1;
        }
    }

    fn foreign(&mut self, record: &Record<'_>) -> bool {
        self.findings.0.foreign += 1;
        if self.findings.count_of("foreign") < super::findings::EXAMPLES {
            let told = self.example(record, None, "an event of another producer");
            self.findings.example("foreign", || told);
        }
        false
    }

    fn invalid(&mut self, record: &Record<'_>, reason: &Invalid, shard: &mut Shard) {
        if !rule_of(reason).is_none_or(|rule| self.rules.has(rule)) {
            return;
        }
        let name = reason.name();
        self.findings.invalid(&name);
        self.by_schema.note_invalid(record.body.unwrap_or_default(), &name);
        let claimed = record.body.and_then(|body| self.catalogue.claimed_kind(body));
        if let Some(of_type) = claimed.and_then(|kind| shard.kinds.get_mut(kind.index())) {
            of_type.invalid += 1;
        }
        if self.findings.count_of("invalid") < super::findings::EXAMPLES {
            let body = record.body.map(shown).unwrap_or_default();
            if self.logging {
                let Record { partition, offset, .. } = record;
                tracing::warn!(partition, offset, reason = &*name, body, "invalid record");
            }
            let user_id = record.key.map(shown);
            let told = self.example(record, None, &format!("{name}: {body}"));
            self.findings.example("invalid", || Example { user_id, ..told });
        }
    }

    /// What is known of a record, for a finding.
    fn example(&self, record: &Record<'_>, known: Option<(Stamp, &Decoded<'_>)>, what: &str) -> Example {
        let stamp = known.map(|(stamp, _)| stamp);
        Example {
            event_id: known.and_then(|(_, decoded)| decoded.stamp).map(|stamp| stamp.to_string()),
            event_type: known.map(|(_, decoded)| self.catalogue.name(decoded.kind).to_owned()),
            user_id: known.map(|(_, decoded)| String::from_utf8_lossy(&decoded.key()).into_owned()),
            lane: stamp.map(|stamp| stamp.lane),
            sequence: stamp.map(|stamp| stamp.sequence),
            due_us: stamp.and_then(|stamp| self.book.due(stamp)).map(Nanos::as_micros),
            topic: Some(self.topic.clone()),
            partition: Some(record.partition),
            offset: Some(record.offset),
            other_offset: None,
            kind: None,
            what: what.to_owned(),
        }
    }
}

const fn rule_of(reason: &Invalid) -> Option<Rule> {
    match reason {
        Invalid::NotUtf8 | Invalid::Malformed(Malformed::NotUtf8) => Some(Rule::Utf8),
        Invalid::NotJson => Some(Rule::Json),
        Invalid::Missing(_) => Some(Rule::RequiredField),
        Invalid::WrongType(_) => Some(Rule::FieldType),
        Invalid::KeyMismatch => Some(Rule::KeyIsUser),
        Invalid::Misplaced => Some(Rule::Placement),
        Invalid::Malformed(_) => Some(Rule::Malformed),
        Invalid::UnknownSchemaId => Some(Rule::UnknownSchemaId),
        Invalid::WrongSubject => Some(Rule::WrongSubject),
        Invalid::NotReadable => Some(Rule::NotReadable),
        Invalid::AwaitsSchema => Some(Rule::AwaitsSchema),
        Invalid::Doubled(_) => Some(Rule::HeaderOnce),
        Invalid::NoValue | Invalid::NotAnObject | Invalid::UnknownType | Invalid::OutOfRange(_) => None,
    }
}
