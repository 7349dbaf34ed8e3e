//! One event of each type, how large it is in each format, and the schema that it would be sent with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::super::Failure;
use crate::event::catalogue::{Catalogue, EventType, IdPlace, TypeIndex};
use crate::event::coding::Coding;
use crate::event::encode::Encoder;
use crate::event::stamp::RunId;
use crate::figures;
use crate::scenario::formats::{SchemaText, TypeFormat, coding_of};
use crate::scenario::plan::Plan;
use crate::settings::choice::Choice as _;
use crate::settings::formats::{Format, Framing};
use crate::source::{Drawn, Event, Source, Telling};
use crate::verdict::ExitCode;

/// How many events are drawn so that one of each type is among them.
const DRAWN: usize = 20_000;
/// When they are due, in ms since the Unix epoch: in 2026.
const DUE_MS: i64 = 1_780_000_000_000;
const DUE_NS: u64 = 1_780_000_000_000_000_000;

/// One event of a type.
#[derive(Debug, Serialize)]
pub(super) struct Example {
    event_type: String,
    /// The field that holds the id, or the header.
    id: String,
    /// The field whose text is the key.
    key: String,
    /// The event as JSON.
    event: String,
    /// Bytes of its body in each format that has it.
    bytes: BTreeMap<String, usize>,
    /// The format that it would be sent in.
    format: String,
    /// The schema that it would be sent with, where its format has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
}

/// An event of each type that comes; none of a recording.
pub(super) fn examples(plan: &Plan, source: &Source) -> Result<Vec<Example>, Failure> {
    if let Source::RetailRocket(_) | Source::Recorded(_) = source {
        return Ok(Vec::new());
    }
    let bad = |error: String| Failure::new(ExitCode::BadConfiguration, error);
    let mut lane = source.lane(0, plan.run.lanes.all).map_err(|error| bad(error.to_string()))?;
    let mut first: BTreeMap<TypeIndex, Drawn<Event>> = BTreeMap::new();
    for drawn in std::iter::from_fn(|| lane.draw()).take(DRAWN) {
        first.entry(drawn.event.kind()).or_insert(drawn);
    }
    let types = plan.run.catalogue.types();
    let drawn = types.filter_map(|(kind, declared)| Some((first.get(&kind)?, kind, declared)));
    drawn.map(|(drawn, kind, declared)| example(plan, source, drawn, kind, declared)).collect()
}

fn example(
    plan: &Plan,
    source: &Source,
    drawn: &Drawn<Event>,
    kind: TypeIndex,
    declared: &EventType,
) -> Result<Example, Failure> {
    let teller = source.teller();
    let values = Telling { event: &drawn.event, teller: &teller, row: None, timestamp_ms: DUE_MS, due_unix_ns: DUE_NS };
    let padded = plan.run.padding.is_some();
    let body = |coding: Coding| {
        let catalogue = Catalogue::new(vec![declared.clone()]).ok()?.coded([coding]);
        let encoder = Encoder::new(RunId(plan.run.seed), 0, Arc::new(catalogue)).padded(plan.run.padding);
        let mut arena = Vec::new();
        let written = encoder.encode(&mut arena, TypeIndex(0), &values, drawn.number, DUE_NS);
        arena.truncate(written.body.end);
        Some(arena)
    };
    let in_format = |format| {
        let one = TypeFormat { kind, format, framing: Framing::None, padded, subject: None, branch: None };
        let (coding, _) = coding_of(declared, &one).ok()?;
        Some((one.format.to_string(), body(coding)?.len()))
    };
    let bytes = [Format::Json, Format::Avro, Format::Protobuf].into_iter().filter_map(in_format).collect();
    let sent = plan.formats.types.iter().find(|one| one.kind == kind);
    let schema = sent.map(|one| coding_of(declared, one)).transpose();
    let schema = schema.map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))?;
    let field = |at: usize| declared.record.fields.get(at).map_or_else(String::new, |field| field.name.to_string());
    Ok(Example {
        event_type: declared.name.to_string(),
        id: match &declared.id {
            IdPlace::Field(at) => field(*at),
            IdPlace::Header(name) => format!("in header {name}"),
        },
        key: field(declared.key),
        event: (Coding::json(declared).ok().and_then(body))
            .map_or_else(String::new, |body| String::from_utf8_lossy(&body).into_owned()),
        bytes,
        format: sent.map_or(Format::Json, |one| one.format).as_str().to_owned(),
        schema: schema.and_then(|(_, schema)| schema).map(|SchemaText { text, .. }| text),
    })
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { event_type, id, key, event, bytes, format, schema } = self;
        let sizes: Vec<String> =
            bytes.iter().map(|(format, bytes)| format!("{} as {format}", figures::bytes(*bytes as u64))).collect();
        writeln!(f, " event type  {event_type}: id {id}, key {key}; {}", sizes.join(", "))?;
        writeln!(f, "   {event}")?;
        match schema {
            None => Ok(()),
            Some(schema) => {
                writeln!(f, "   sent with this schema ({format}):")?;
                schema.lines().try_for_each(|line| writeln!(f, "   {line}"))
            }
        }
    }
}
