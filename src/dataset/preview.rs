//! What a replay will be, on one screen: the result of `loadgen replay --dry-run`.

use std::cmp::Reverse;
use std::fmt;

use serde::Serialize;

use super::screen::{how_written, keys, line, rates, span_ms, types};
use crate::figures::{count, counted, number, share, span_s};
use crate::source::retail_rocket::{Facts, Forecast, Moment, PropertyFacts, Rounds};

/// How many of the hottest users are shown, and how many partitions one by one.
const SHOWN_USERS: usize = 3;
const SHOWN_PARTITIONS: usize = 12;

/// A recording and the forecast of playing it, to be printed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Preview<'a> {
    /// What playing it means.
    #[serde(flatten)]
    pub forecast: &'a Forecast,
    /// The recording.
    #[serde(rename = "recording")]
    pub facts: &'a Facts,
}

impl fmt::Display for Preview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (facts, forecast) = (self.facts, self.forecast);
        line(f, "file", &facts.file)?;
        line(f, "plays", &self.plays())?;
        // A schedule may end within the recording.
        let (first, last) = (facts.first_ms, facts.first_ms.saturating_add_unsigned(forecast.span_recorded_ms));
        let (first, last) = (Moment(first), Moment(last));
        line(f, "recorded", &format!("{} from {first} to {last}", span_ms(forecast.span_recorded_ms)))?;
        line(f, "takes", &self.takes())?;
        let rate = rates(forecast).unwrap_or_else(|| {
            let all = if forecast.has_due_times { "all at one instant" } else { "as fast as the cluster takes it" };
            all.to_owned()
        });
        line(f, "rate", &rate)?;
        line(f, "types", &types(forecast.by_type.iter(), forecast.round_events))?;
        let hottest = forecast.hottest_users.iter().take(SHOWN_USERS).map(|key| (key.user_id, key.events));
        line(f, "users", &format!("{}, hottest {}", count(forecast.users), keys(hottest, forecast.round_events)))?;
        if !forecast.partitions.is_empty() {
            line(f, "partitions", &self.partitions())?;
        }
        if let Some(properties) = &facts.properties {
            line(f, "properties", &told_of(properties))?;
        }
        line(f, "derived", &facts.derived_fields.join(", "))?;
        line(f, "gaps capped", &count(forecast.gaps_capped))?;
        line(f, "duplicates", &self.duplicates())?;
        how_written(f, facts)
    }
}

fn told_of(properties: &PropertyFacts) -> String {
    let mut parts = vec![
        counted(properties.rows, "row"),
        format!("{} of category", counted(properties.category_changes, "change")),
        format!("{} of price", count(properties.price_changes)),
        format!(
            "{} of availability, {} of them played",
            count(properties.availability_changes),
            count(properties.inventory_events)
        ),
    ];
    if properties.events_before_first_snapshot > 0 {
        let early = counted(properties.events_before_first_snapshot, "event");
        parts.push(format!("{early} before their item's first snapshot, whose values they take"));
    }
    if properties.events_without_category > 0 {
        parts.push(format!("{} of items without a category", counted(properties.events_without_category, "event")));
    }
    if let Some(first) = &properties.first_bad {
        parts.push(format!("{} left out: {first}", counted(properties.bad_rows, "bad row")));
    }
    parts.join(", ")
}

impl Preview<'_> {
    fn plays(&self) -> String {
        let (facts, forecast) = (self.facts, self.forecast);
        let rows = facts.rows + facts.bad_rows.count;
        let mut parts = vec![format!("{} of {}", count(facts.selected_rows), counted(rows, "row"))];
        match forecast.rounds {
            Rounds::Count(1) => {}
            Rounds::Count(rounds) => parts.push(format!("{} rounds", count(rounds.into()))),
            Rounds::Forever => parts.push(format!("rounds without end of {}", counted(forecast.round_events, "event"))),
        }
        parts.extend(forecast.events.map(|events| counted(events, "event")));
        parts.join(", ")
    }

    fn takes(&self) -> String {
        let forecast = self.forecast;
        match (forecast.wall_ns, forecast.has_due_times) {
            (Some(wall), _) => span_s(wall.as_secs_f64()),
            (None, true) => "until it is stopped".to_owned(),
            (None, false) => "as long as the cluster takes: nothing has a due time".to_owned(),
        }
    }

    fn partitions(&self) -> String {
        let forecast = self.forecast;
        let total = forecast.partitions.len();
        let mut hottest = forecast.partitions.clone();
        let which = if total > SHOWN_PARTITIONS {
            hottest.sort_by_key(|heat| (Reverse(heat.events), heat.partition));
            hottest.truncate(SHOWN_PARTITIONS);
            format!("hottest of {total}: ")
        } else {
            format!("{total}: ")
        };
        let heat = hottest
            .iter()
            .map(|heat| format!("{} has {} %", heat.partition, share(heat.events, forecast.round_events)))
            .collect::<Vec<_>>();
        let skew = forecast.partition_skew.map_or_else(String::new, |skew| format!("; max / mean {}", number(skew, 2)));
        format!("{which}{}{skew}", heat.join(", "))
    }

    fn duplicates(&self) -> String {
        match (self.facts.duplicate_rows, self.facts.duplicates_dropped) {
            (0, _) => "0".to_owned(),
            (rows, 0) => format!("{}, played as recorded", count(rows)),
            (rows, _) => format!("{}, left out", count(rows)),
        }
    }
}
