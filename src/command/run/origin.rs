//! What the report says about where the events came from: the recording, or the model that drew them.

use crate::clock::Nanos;
use crate::command::planned_load::left_out;
use crate::event::encode::Encoder;
use crate::event::stamp::RunId;
use crate::report::{self, Fidelity, Likeness, RunReport};
use crate::scenario::client::NOWHERE;
use crate::scenario::pace::Pace;
use crate::scenario::plan::Plan;
use crate::schedule::Speed;
use crate::source::recorded::{Recorded, Stamping};
use crate::source::retail_rocket::Recording;
use crate::source::synthetic::Model;
use crate::source::{Source, Telling};
use std::sync::Arc;

/// Events whose bodies are measured for their compressibility, and how many of them are compressed together.
const SAMPLE: u64 = 1_000;
const SAMPLE_BATCH: u64 = 100;
/// Bytes of a batch from which on it is full, and of the whole sample: bodies of MiB are no reason to hold a GiB.
const SAMPLE_BATCH_BYTES: usize = 1 << 20;
const SAMPLE_BYTES: usize = 16 << 20;

/// Adds what only the source knows.
pub(super) fn describe(
    report: &mut RunReport,
    plan: &Plan,
    source: &Source,
    fidelity: Option<Fidelity>,
    likeness: Option<Likeness>,
) {
    if plan.nowhere {
        report.environment.brokers = vec![NOWHERE.to_owned()];
    }
    report.payload = Some(payload(report, plan, source));
    describe_replay(report, plan, source, fidelity);
    let Some(shares) = source.expected_shares() else { return };
    for (name, expected) in plan.run.catalogue.names().zip(shares).filter(|(_, expected)| *expected > 0.0) {
        report.by_type.entry(name.to_owned()).or_default().expected_share_percent = Some(expected * 100.0);
    }
    describe_drawn(report, source, likeness);
}

/// What is replayed, where something is.
pub(super) fn describe_replay(report: &mut RunReport, plan: &Plan, source: &Source, fidelity: Option<Fidelity>) {
    if let Source::RetailRocket(recording) = source {
        report.replay = Some(report::Replay { fidelity, ..replay_report(plan, recording, report) });
    } else if let Source::Recorded(recorded) = source {
        report.replay = Some(report::Replay { fidelity, ..recorded_report(plan, recorded, report) });
    }
}

/// By which model they were drawn.
fn describe_drawn(report: &mut RunReport, source: &Source, like: Option<Likeness>) {
    let figures = source.session_figures();
    let model = if figures.is_some() { Model::Sessions } else { Model::Independent };
    report.synthetic = Some(report::Synthetic {
        model: model.as_str().to_owned(),
        like,
        events_per_session: figures.map(|figures| figures.events_per_session),
        session_s: figures.map(|figures| figures.session_s),
        natural_rate_per_s: figures.map(|figures| figures.natural_rate_per_s),
    });
}

fn recorded_report(plan: &Plan, recorded: &Recorded, report: &RunReport) -> report::Replay {
    let facts = recorded.facts();
    let time = |ms: i64| jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default();
    let bad = recorded.config().rows().map(|rows| rows.bad.clone()).unwrap_or_default();
    let rows = facts.topics.iter().map(|(topic, _, records)| (topic.clone(), *records)).collect();
    report::Replay {
        file: recorded.config().title(),
        rows: facts.records,
        bad_rows: bad.count,
        left_out: report::LeftOut { rows, bad_rows: bad.by_type },
        speed: speed(plan, recorded.span()),
        span_recorded_ms: facts.last_ms.abs_diff(facts.first_ms),
        span_replayed_ms: report.offered.due_span_ms,
        first_recorded: time(facts.first_ms),
        last_recorded: time(facts.last_ms),
        gaps_capped: facts.gaps_capped,
        descents: facts.back,
        stampless: recorded.config().stamp == Stamping::None,
        ..report::Replay::default()
    }
}

/// How much faster than recorded.
fn speed(plan: &Plan, span: Nanos) -> Option<f64> {
    match &plan.pace {
        Pace::Speed(speed) => Some(speed.as_f64()),
        Pace::Fit(wall) => Speed::to_fit(span, Nanos::from(*wall)).map(Speed::as_f64),
        _ => None,
    }
}

fn replay_report(plan: &Plan, recording: &Recording, report: &RunReport) -> report::Replay {
    let facts = recording.facts();
    let time = |ms: i64| jiff::Timestamp::from_millisecond(ms).map(|at| at.to_string()).unwrap_or_default();
    report::Replay {
        file: std::path::Path::new(&facts.file)
            .file_name()
            .map_or_else(|| facts.file.clone(), |name| name.to_string_lossy().into_owned()),
        rows: facts.rows,
        bad_rows: facts.bad_rows.count,
        left_out: left_out(facts),
        bad_property_rows: facts.properties.as_ref().map_or(0, |properties| properties.bad_rows),
        speed: speed(plan, recording.span()),
        span_recorded_ms: facts.span_recorded_ms,
        span_replayed_ms: report.offered.due_span_ms,
        first_recorded: time(facts.first_ms),
        last_recorded: time(facts.last_ms),
        gaps_capped: facts.gaps_capped,
        descents: facts.descents,
        duplicate_rows: facts.duplicate_rows,
        stampless: false,
        derived_fields: facts.derived_fields.clone(),
        fidelity: None,
    }
}

/// Bodies as the run made them: of the first lane, which has all where it is the only one.
#[expect(clippy::cast_precision_loss, reason = "sizes of a sample")]
fn payload(report: &RunReport, plan: &Plan, source: &Source) -> report::Payload {
    let sent = report.partitions.iter().map(|partition| partition.sent).sum::<u64>();
    let (mut bytes, mut packed, mut arena) = (0, 0, Vec::new());
    let encoder = Encoder::new(RunId(0), 0, Arc::clone(&plan.run.catalogue)).padded(plan.run.padding);
    let teller = source.teller();
    if let Ok(mut lane) = source.lane(0, plan.run.lanes.count) {
        let mut sampled = 0;
        while sampled < SAMPLE && bytes < SAMPLE_BYTES {
            arena.clear();
            let mut batch = 0;
            while batch < SAMPLE_BATCH
                && arena.len() < SAMPLE_BATCH_BYTES
                && let Some(drawn) = lane.draw()
            {
                let event = &drawn.event;
                let (timestamp_ms, due_unix_ns) = (1_700_000_000_000, 1_700_000_000_000_000_000);
                let values = Telling { event, teller: &teller, row: lane.telling(), timestamp_ms, due_unix_ns };
                if let Some(recorded) = lane.bytes() {
                    arena.extend_from_slice(recorded.value.unwrap_or_default());
                } else {
                    let written = encoder.encode(&mut arena, event.kind(), &values, sampled, sampled * 1_000_000);
                    arena.truncate(written.body.end);
                }
                (batch, sampled) = (batch + 1, sampled + 1);
            }
            if batch == 0 {
                break;
            }
            bytes += arena.len();
            packed += zstd::bulk::compress(&arena, 1).map_or(arena.len(), |packed| packed.len());
        }
    }
    report::Payload {
        mean_bytes: if sent == 0 { 0.0 } else { report.offered.bytes as f64 / sent as f64 },
        padded_to_bytes: plan.run.padding.map(|padding| padding.bytes.into()),
        compressibility: plan.run.padding.map(|padding| padding.compressibility),
        compressed_ratio: (bytes > 0).then(|| packed as f64 / bytes as f64),
    }
}
