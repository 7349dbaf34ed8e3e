//! `--dry-run`: what would be sent, when and where. Nothing is connected to.

use super::{Done, Failure, planned_faults, planned_gates, planned_load};
use crate::dataset::preview::Preview;
use crate::figures;
use crate::kafka::murmur2;
use crate::output::console;
use crate::report::Likeness;
use crate::scenario::plan::Plan;
use crate::schedule::Schedule;
use crate::settings::outcome::Output;
use crate::source::Source;
use crate::source::recorded::Recorded;
use crate::source::retail_rocket::{Forecast, Moment, Pace, Partitions, Recording};
use crate::source::synthetic::Model;
use crate::verdict::ExitCode;
use std::sync::Arc;

pub(super) fn tell(
    plan: &Plan,
    source: &Source,
    schedule: &Schedule,
    likeness: Option<&Likeness>,
) -> Result<Done, Failure> {
    if let Source::Recorded(of) = source {
        return Ok(Done::told(recorded(plan, of, schedule) + &faults(plan, schedule) + &gates(plan, source, schedule)));
    }
    let Source::RetailRocket(recording) = source else {
        let peak = schedule.peak().map_or_else(|| "unlimited".to_owned(), figures::rate);
        let events = schedule.count().map_or_else(|| "endless".to_owned(), figures::count);
        let lasts = schedule.ends_at().map_or_else(|| "-".to_owned(), |end| figures::span_s(end.as_secs_f64()));
        let mut text = format!("events {events}   wall time {lasts}   peak {peak}\n");
        text += &shares(plan, source);
        text += &sessions(source);
        text += &likeness.map_or_else(String::new, |likeness| format!("{}\n", console::likeness(likeness).join(", ")));
        return Ok(Done::told(text + &faults(plan, schedule) + &gates(plan, source, schedule)));
    };
    let forecast = forecast(plan, recording, schedule)?;
    let preview = Preview { facts: recording.facts(), forecast: &forecast };
    match plan.presentation.output {
        Output::Json => serde_json::to_string_pretty(&preview)
            .map(|text| Done::told(text + "\n"))
            .map_err(|error| Failure::new(ExitCode::BadInput, error.to_string())),
        Output::Text => Ok(Done::told(preview.to_string() + &faults(plan, schedule) + &gates(plan, source, schedule))),
    }
}

/// What playing a recording of topics will be.
pub(super) fn recorded(plan: &Plan, recorded: &Arc<Recorded>, schedule: &Schedule) -> String {
    let facts = recorded.facts();
    let has_rows = recorded.config().rows().is_some();
    let source = Source::Recorded(Arc::clone(recorded));
    let events = planned_load::planned(plan, schedule, &source)
        .map_or_else(|| "events without end".to_owned(), |events| figures::counted(events, "event"));
    let takes =
        planned_load::ends(&source, schedule).map_or_else(|| "-".to_owned(), |end| figures::span_s(end.as_secs_f64()));
    let topics = facts.topics.iter().map(|(topic, partitions, records)| {
        let into = plan.run.kafka.topic_map.get(topic).unwrap_or(&plan.run.kafka.topic);
        let into = if into == topic { String::new() } else { format!(" into {into}") };
        let records = figures::counted(*records, if has_rows { "row" } else { "record" });
        // Rows are spooled in partitions that are none of their own.
        let of = if has_rows { String::new() } else { format!(", {}", figures::counted(*partitions, "partition")) };
        format!("{topic}{into} ({records}{of})")
    });
    let rows = [
        ("file", recorded.config().file()),
        ("topics", topics.collect::<Vec<_>>().join(", ")),
        (
            "plays",
            format!("{} of {}, {events}", figures::count(facts.events), figures::counted(facts.records, "record")),
        ),
        (
            "recorded",
            format!(
                "{} from {} to {}",
                figures::span_s(figures::as_f64(facts.last_ms.abs_diff(facts.first_ms)) / 1e3),
                Moment(facts.first_ms),
                Moment(facts.last_ms)
            ),
        ),
        ("takes", takes),
        ("gaps capped", figures::count(facts.gaps_capped)),
        (
            "goes back",
            format!("{}, {}", figures::count(facts.back), if has_rows { "sorted" } else { "played at once" }),
        ),
    ];
    rows.iter().map(|(name, text)| format!("{name:<15}{text}\n")).collect::<Vec<_>>().concat()
}

/// The faults that would be injected, a line each.
fn faults(plan: &Plan, schedule: &Schedule) -> String {
    let faults = planned_faults::of(plan, schedule);
    let told = faults.iter().map(|fault| format!("fault {}\n", fault.sentence()));
    told.chain(planned_faults::permission(plan).map(|needed| format!("{needed}\n"))).collect()
}

/// Who is told of gates, and the gates that such a run can never decide, a line each.
fn gates(plan: &Plan, source: &Source, schedule: &Schedule) -> String {
    let alerts = plan.alerts.iter().map(|alert| format!("alert {}\n", alert.sentence()));
    let told = planned_gates::undecidable(plan, schedule, source).into_iter().map(|open| format!("warning {open}\n"));
    alerts.chain(told).collect::<Vec<_>>().concat()
}

/// What playing a recording will be.
pub(super) fn forecast(plan: &Plan, recording: &Recording, schedule: &Schedule) -> Result<Forecast, Failure> {
    let due = planned_load::due(schedule);
    // Those of the shop are all of users.
    let keys = plan.run.catalogue.keys().next().cloned().unwrap_or_default();
    let partition = |key: &[u8]| murmur2::partition(&keys.key_of(key), plan.run.kafka.partitions);
    let pace = Pace {
        due: schedule.has_due_times().then_some(&due),
        partitions: u32::try_from(plan.run.kafka.partitions)
            .ok()
            .filter(|_| plan.run.kafka.topic_map.is_empty())
            .map(|count| Partitions { count, of: &partition }),
    };
    let bad = |error: crate::source::retail_rocket::LoadError| Failure::new(ExitCode::BadInput, error.to_string());
    recording.forecast(&pace).map_err(bad)
}

/// How often each type comes.
fn shares(plan: &Plan, source: &Source) -> String {
    let shares = plan.run.catalogue.names().zip(source.expected_shares().unwrap_or_default());
    let shares: Vec<_> = shares
        .filter(|(_, share)| *share > 0.0)
        .map(|(name, share)| format!("{name} {} %", figures::percent(share * 100.0)))
        .collect();
    let model = if source.session_figures().is_some() { Model::Sessions } else { Model::Independent };
    format!("{model} model: {}\n", shares.join(", "))
}

fn sessions(source: &Source) -> String {
    source.session_figures().map_or_else(String::new, |found| {
        format!(
            "sessions: {} events in {}; at {} their time is real time\n",
            figures::number(found.events_per_session, 1),
            figures::span_s(found.session_s),
            figures::rate(found.natural_rate_per_s)
        )
    })
}
