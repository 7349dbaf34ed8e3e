//! What was run and on what: phases, replay, environment, configuration, and how to run it again.

use serde::Serialize;

use super::outcome::achieved;
use crate::figures::{self, bytes, count, counted, duration_us, rate, span_s, trimmed};
use crate::output::console::{handed_over, likeness, planned};
use crate::report::fleet::FleetReport;
use crate::report::{Collected, Fidelity, InterArrival, Mirrored, Replay, RunReport, SchemaUse};

/// One phase.
#[derive(Serialize)]
pub(super) struct PhaseView {
    name: String,
    schedule: String,
    scheduled: String,
    planned: String,
    achieved: String,
    lost: String,
    response: [String; 3],
    end_to_end_p99: String,
}

/// The phases, where there is more than one.
pub(super) fn phases(report: &RunReport) -> Vec<PhaseView> {
    if report.phases.len() < 2 {
        return Vec::new();
    }
    let shown = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), duration_us);
    report
        .phases
        .iter()
        .map(|phase| {
            let response = &phase.latency_us.response_time;
            PhaseView {
                name: phase.name.clone(),
                schedule: format!("{}{}", phase.schedule, if phase.warm_up { ", warm-up" } else { "" }),
                scheduled: count(phase.ledger.scheduled),
                planned: phase.offered.rate_per_s.map_or_else(|| figures::NONE.to_owned(), rate),
                achieved: rate(phase.offered.achieved_rate_per_s),
                lost: count(phase.ledger.lost),
                response: [response.p50, response.p99, response.max].map(shown),
                end_to_end_p99: shown(phase.latency_us.end_to_end.and_then(|summary| summary.p99)),
            }
        })
        .collect()
}

/// What was replayed and how faithfully.
#[derive(Serialize)]
pub(super) struct ReplayView {
    rows: Vec<Fact>,
}

/// What was taken over HTTP, and how it was answered.
#[derive(Serialize)]
pub(super) struct CollectedView {
    rows: Vec<Fact>,
    answers: Vec<(String, String)>,
}

pub(super) fn collected(collected: &Collected) -> CollectedView {
    let events = &collected.events;
    let counts = [
        ("requests", collected.requests),
        ("requests whose client had gone", collected.abandoned),
        ("events taken", events.taken),
        ("answered when acked", events.told_acked),
        ("answered before", events.told_taken),
        ("answered as not acked", events.told_failed),
        ("whose client had gone", events.untold),
        ("let go unsent at the end", events.not_sent),
        ("not taken as invalid", events.invalid),
        ("not taken for want of room or cluster", events.turned_away),
        ("connections", collected.connections),
        ("connections at once, at most", collected.most_connections),
        ("connections turned away", collected.connections_refused),
        ("connections broken or too slow", collected.connections_broken),
    ];
    CollectedView {
        rows: counts.into_iter().map(|(name, number)| (name, count(number))).collect(),
        answers: collected.answered.iter().map(|(status, number)| (status.clone(), count(*number))).collect(),
    }
}

pub(super) fn mirrored(mirrored: &Mirrored) -> Vec<Fact> {
    let counts = [
        ("records read", mirrored.read),
        ("events that they are", mirrored.events),
        ("mirrored", mirrored.mirrored),
        ("refused", mirrored.refused),
        ("unknown", mirrored.unknown),
        ("wrong", mirrored.wrong),
        ("let go unsent at the end", mirrored.not_sent),
        ("offsets not read", mirrored.missing.values().sum()),
        ("earlier than one before in the partition", mirrored.back),
        ("out of the order of time between partitions", mirrored.out_of_turn),
        ("gaps played shorter", mirrored.gaps_capped),
    ];
    let speed = ("speed", figures::speed(mirrored.speed));
    let waits = [("behind by, at most", mirrored.longest_wait_us), ("behind by, at the end", mirrored.last_wait_us)];
    std::iter::once(("topics", mirrored.topics.join(", ")))
        .chain([speed, ("copies", count(mirrored.copies.into()))])
        .chain(counts.into_iter().map(|(name, number)| (name, count(number))))
        .chain(waits.map(|(name, us)| (name, duration_us(us))))
        .collect()
}

/// A name and its value.
pub(super) type Fact = (&'static str, String);

pub(super) fn replay(report: &RunReport) -> Option<ReplayView> {
    let replay = report.replay.as_ref()?;
    let span = |ms: u64| figures::duration_us(ms.saturating_mul(1_000));
    let mut rows = vec![
        ("file", replay.file.clone()),
        ("rows", rows_read(replay)),
        (
            "recorded",
            format!("{} … {} ({})", replay.first_recorded, replay.last_recorded, span(replay.span_recorded_ms)),
        ),
    ];
    let speed = replay.speed.map_or_else(|| "at a rate of its own".to_owned(), figures::speed);
    rows.push(("replayed", format!("{speed}, in {}", span(replay.span_replayed_ms))));
    rows.push(("gaps played shorter", count(replay.gaps_capped)));
    if let Some(fidelity) = &replay.fidelity {
        rows.extend(how_faithful(fidelity));
    }
    if let Some(slip) = &report.latency_us.slip {
        let shown = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), duration_us);
        let off = format!("median {}, p99 {}, at most {}", shown(slip.p50), shown(slip.p99), shown(slip.max));
        rows.push(("off the ideal timeline", off));
    }
    rows.push(("rows out of order in the file", count(replay.descents)));
    rows.push(("exact duplicate rows", count(replay.duplicate_rows)));
    if !replay.derived_fields.is_empty() {
        rows.push(("derived, not in the file", replay.derived_fields.join(", ")));
    }
    Some(ReplayView { rows })
}

/// `9,980 read (view 9,980), 20 bad rows left out (transaction 20)`.
fn rows_read(replay: &Replay) -> String {
    let left_out = replay.left_out.told().unwrap_or_else(|| format!("{} left out", count(replay.bad_rows)));
    let properties = match replay.bad_property_rows {
        0 => String::new(),
        bad => format!(", {} of item properties left out", figures::counted(bad, "bad row")),
    };
    format!("{} read, {left_out}{properties}", count(replay.rows))
}

fn how_faithful(fidelity: &Fidelity) -> Vec<Fact> {
    let verdict = match (fidelity.judged, fidelity.faithful) {
        (false, _) => format!("not judged: {}", fidelity.reasons.join("; ")),
        (true, true) => format!("yes: {}", fidelity.bound),
        (true, false) => format!("no: {}", fidelity.reasons.join("; ")),
    };
    let distance =
        |distance: Option<f64>| distance.map_or_else(|| figures::NONE.to_owned(), |ks| figures::number(ks, 4));
    let us = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), duration_us);
    let gaps = |gaps: InterArrival| {
        format!("median {}, p99 {}, at most {}", us(gaps.p50_us), us(gaps.p99_us), us(gaps.max_us))
    };
    let peak = |peak: Option<u64>| peak.map_or_else(|| figures::NONE.to_owned(), count);
    vec![
        ("faithful", verdict),
        ("gaps as recorded", gaps(fidelity.recorded_gaps)),
        ("gaps as sent", gaps(fidelity.replayed_gaps)),
        (
            "Kolmogorov-Smirnov distance of the gaps",
            format!("{} at 1 ms, {} at 1 us", distance(fidelity.ks_distance), distance(fidelity.ks_distance_1us)),
        ),
        (
            "busiest second",
            format!("{} due, {} sent", peak(fidelity.peak_recorded_per_s), peak(fidelity.peak_replayed_per_s)),
        ),
        ("sent in another second", format!("{} %", figures::percent(fidelity.moved_percent))),
        ("out of order", fidelity.inversions.map_or_else(|| "not read back".to_owned(), count)),
    ]
}

/// Environment and configuration.
#[derive(Serialize)]
pub(super) struct SetupView {
    run: Vec<Fact>,
    environment: Vec<(String, String)>,
    client_config: Vec<(String, String)>,
    deadlines: Vec<String>,
    seed: Option<u64>,
    id: String,
    tool: String,
}

pub(super) fn setup(report: &RunReport) -> SetupView {
    let (run, offered, environment, tool) = (&report.run, &report.offered, &report.environment, &report.tool);
    let mut facts = vec![
        ("source", run.source.clone()),
        ("schedule", run.schedule.clone()),
        ("planned rate", planned(report)),
        ("achieved rate", rate(offered.achieved_rate_per_s)),
    ];
    facts.extend(achieved(report).map(|percent| ("achieved of planned", format!("{percent} %"))));
    if report.is_alone() {
        facts.clear();
    }
    facts.extend(report.transactions.iter().map(|transactions| ("sent in", transactions.sentences().join(", "))));
    let process = report.process.as_ref().map(|process| process.sentences(&report.environment));
    facts.extend(process.filter(|told| !told.is_empty()).map(|told| ("process", told.join(", "))));
    facts.extend(report.availability.iter().map(|found| ("availability", found.sentences().join(", "))));
    facts.extend(report.fraud.iter().map(|fraud| ("fraud", fraud.sentences().join(", "))));
    facts.extend(report.faults.iter().map(|fault| ("fault", fault.sentence())));
    facts.extend(report.alerts.iter().map(|alert| ("alert", alert.sentence())));
    let waits = [
        ("kept waiting by a full client queue", offered.client_blocked_s),
        ("held back by the ceiling (--max-rate)", offered.capped_s),
        ("held back for the embedded broker", offered.flow_control_s),
    ];
    let waits = waits.into_iter().filter(|(_, seconds)| *seconds > 0.0);
    facts.extend(waits.map(|(name, seconds)| (name, figures::duration_s(seconds))));
    facts.extend([
        ("handed over", handed_over(report)),
        ("an event's key and value", payload(report)),
        ("lanes", run.lanes.to_string()),
        ("seed", run.seed.map_or_else(|| figures::NONE.to_owned(), |seed| seed.to_string())),
        ("measured", span_s(run.measured_s)),
        ("warm-up, not judged", span_s(run.warm_up_s)),
        ("drift of the wall clock", drift(run.wall_clock_drift_us)),
    ]);
    let git = tool.git.as_ref().map_or_else(String::new, |git| format!(" ({git})"));
    let tool = format!("{} {}{git}", tool.name, tool.version);
    SetupView {
        run: facts,
        environment: place(report, &tool),
        client_config: environment.client_config.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        deadlines: run.deadlines_reached.clone(),
        seed: run.seed,
        id: run.id.clone(),
        tool,
    }
}

fn payload(report: &RunReport) -> String {
    let Some(payload) = &report.payload else { return figures::NONE.to_owned() };
    let padded = payload.padded_to_bytes.map_or_else(String::new, |to| format!(", values padded to {}", bytes(to)));
    let packed = payload
        .compressed_ratio
        .map_or_else(String::new, |ratio| format!(", of which zstd leaves {}", figures::number(ratio, 2)));
    format!("{} bytes on average{padded}{packed}", trimmed(payload.mean_bytes, 1))
}

fn place(report: &RunReport, tool: &str) -> Vec<(String, String)> {
    let environment = &report.environment;
    let mut facts: Vec<(String, String)> = [
        ("tool", tool.to_owned()),
        ("librdkafka", report.tool.librdkafka.clone()),
        ("processors", cores(report)),
        ("system", environment.os.clone()),
        ("brokers", environment.brokers.join(", ")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    if let Some(like) = report.synthetic.as_ref().and_then(|synthetic| synthetic.like.as_ref()) {
        facts.push(("like".to_owned(), likeness(like).join(", ")));
    }
    let fleet = report.fleet.iter().flat_map(FleetReport::sentences);
    facts.extend(fleet.map(|(name, said)| (name.trim().to_owned(), said.join(", "))));
    facts.extend(report.by_topic.iter().map(|(topic, of)| {
        let lost = of.not_verified.get("lost").copied().unwrap_or(0);
        let told = format!("{} sent, {} verified, {} lost", count(of.sent), count(of.verified), count(lost));
        (format!("events of {topic}"), format!("{}: {told}", of.event_types.join(", ")))
    }));
    facts.extend(SchemaUse::sentences(&report.schemas).into_iter().map(|told| ("schema".to_owned(), told)));
    facts.extend(environment.topics.iter().map(|topic| {
        let copies =
            topic.replication_factor.map_or_else(String::new, |factor| format!(", replication factor {factor}"));
        (
            format!("topic {}", topic.name),
            format!("{}{copies}", counted(topic.partitions.unsigned_abs().into(), "partition")),
        )
    }));
    facts
}

fn cores(report: &RunReport) -> String {
    let quota = report.environment.cpu_quota;
    let quota =
        quota.map_or_else(String::new, |quota| format!(", of which a quota allows {}", figures::trimmed(quota, 2)));
    format!("{}{quota}", report.environment.cores)
}

fn drift(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    format!("{sign}{}", duration_us(us.unsigned_abs()))
}
