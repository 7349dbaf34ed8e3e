//! `--dry-run`: what would be sent, when and where. Nothing is connected to.

use super::{Done, Failure};
use crate::dataset::preview::Preview;
use crate::kafka::murmur2;
use crate::report::figures;
use crate::scenario::plan::{Output, Plan};
use crate::schedule::{Cursor, Due, Schedule};
use crate::source::Source;
use crate::source::retail_rocket::{Pace, Partitions};
use crate::verdict::ExitCode;

pub(super) fn tell(plan: &Plan, source: &Source, schedule: &Schedule) -> Result<Done, Failure> {
    let Source::RetailRocket(recording) = source else {
        let peak = schedule.peak().map_or_else(|| "unlimited".to_owned(), figures::rate);
        let events = schedule.count().map_or_else(|| "endless".to_owned(), figures::count);
        let lasts = schedule.ends_at().map_or_else(|| "-".to_owned(), |end| figures::span_s(end.as_secs_f64()));
        return Ok(Done::pass(format!("events {events}   wall time {lasts}   peak {peak}\n")));
    };
    let cursor = std::cell::RefCell::new(Cursor::default());
    let due = |number, offset| match schedule.due(&mut cursor.borrow_mut(), number, offset) {
        Due::At(due, _) => Some(due),
        Due::Now(_) | Due::Never => None,
    };
    let partition = |key: &[u8]| murmur2::partition(key, plan.kafka.partitions);
    let pace = Pace {
        due: schedule.has_due_times().then_some(&due),
        partitions: u32::try_from(plan.kafka.partitions).ok().map(|count| Partitions { count, of: &partition }),
    };
    let bad = |error: crate::source::retail_rocket::LoadError| Failure::new(ExitCode::BadInput, error.to_string());
    let forecast = recording.forecast(&pace).map_err(bad)?;
    let preview = Preview { facts: recording.facts(), forecast: &forecast };
    match plan.presentation.output {
        Output::Json => serde_json::to_string_pretty(&preview)
            .map(|text| Done::pass(text + "\n"))
            .map_err(|error| Failure::new(ExitCode::BadInput, error.to_string())),
        Output::Text => Ok(Done::pass(preview.to_string())),
    }
}
