//! What is in a recording: its rows and its shape, before anything of it is played.

use std::fmt::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::clock::Nanos;
use crate::report::figures;
use crate::source::retail_rocket::{Config, Facts, Forecast, LoadError, Pace, Recording};

/// A recording as it is.
#[derive(Clone, Debug, Serialize)]
pub struct Info {
    /// The file, its rows and visitors.
    pub facts: Facts,
    /// What playing it at recorded speed means.
    pub at_recorded_speed: Forecast,
}

/// Reads the recording that `config` names, whole.
///
/// # Errors
/// A file or a setting that cannot be used.
pub fn info(config: &Config) -> Result<Info, LoadError> {
    let recording = Recording::load(config)?;
    let due = |_: u64, offset: Nanos| Some(offset);
    let at_recorded_speed = recording.forecast(&Pace { due: Some(&due), partitions: None })?;
    Ok(Info { facts: recording.facts().clone(), at_recorded_speed })
}

impl Info {
    /// For a person, one line a fact, ending in a line feed.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        for (name, value) in self.lines() {
            // Writing into a String cannot fail.
            writeln!(out, "{name:<14} {value}").unwrap_or_default();
        }
        out
    }

    fn lines(&self) -> Vec<(&'static str, String)> {
        let (facts, played) = (&self.facts, &self.at_recorded_speed);
        let count = figures::count;
        let mut lines = vec![
            ("file", format!("{}{}", facts.file, self.wrapping())),
            ("rows", count(facts.rows)),
            ("span", format!("{}    {} … {}", self.span(), time(facts.first_ms), time(facts.last_ms))),
        ];
        if let (Some(mean), Some(second), Some(minute)) =
            (played.mean_rate_per_s, played.peak_1s_per_s, played.peak_1min_per_s)
        {
            let peaks = format!("busiest second {}, busiest minute {}", frequency(second), frequency(minute));
            lines.push(("rate", format!("mean {}, {peaks}", frequency(mean))));
        }
        let share = |(kind, events): (&String, &u64)| {
            format!("{kind} {} ({} %)", count(*events), figures::share(*events, played.round_events))
        };
        lines.push(("types", played.by_type.iter().map(share).collect::<Vec<_>>().join(", ")));
        let spread = facts.events_per_visitor;
        lines.push(("users", count(facts.visitors)));
        lines.push((
            "events a user",
            format!(
                "p50 {}, p90 {}, p99 {}, most {}",
                count(spread.p50),
                count(spread.p90),
                count(spread.p99),
                count(spread.max)
            ),
        ));
        if let Some(hottest) = played.hottest_users.first() {
            let share = figures::percent(played.hottest_share_percent);
            lines.push(("hottest user", format!("{}, {share} % of all events", hottest.user_id)));
        }
        lines.push((
            "order",
            match facts.descents {
                0 => "by time".to_owned(),
                back => format!("{} of the rows are earlier than the row before them", count(back)),
            },
        ));
        lines.push(("equal times", count(facts.equal_times)));
        lines.push(("duplicates", format!("{} rows repeat another one", count(facts.duplicate_rows))));
        lines.push(("bad rows", self.bad_rows()));
        lines
    }

    fn span(&self) -> String {
        figures::span_s(Duration::from_millis(self.facts.span_recorded_ms).as_secs_f64())
    }

    fn wrapping(&self) -> String {
        let encoding = &self.facts.encoding;
        let mut words: Vec<String> = self.facts.bytes.map(figures::bytes).into_iter().collect();
        words.push(encoding.compression.as_str().to_owned());
        if encoding.bom {
            words.push("byte order mark".to_owned());
        }
        if encoding.crlf {
            words.push("CR LF".to_owned());
        }
        format!("    {}", words.join(", "))
    }

    fn bad_rows(&self) -> String {
        let bad = &self.facts.bad_rows;
        let reasons: Vec<String> =
            bad.by_reason.iter().map(|(reason, rows)| format!("{reason} {}", figures::count(*rows))).collect();
        let first = bad.examples.first().map(|row| format!("; line {}: {}", row.line, row.problem));
        let details = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        format!("{}{details}{}", figures::count(bad.count), first.unwrap_or_default())
    }
}

/// A rate by the second, or by the day where that is less than one.
fn frequency(per_s: f64) -> String {
    const DAY_S: f64 = 86_400.0;
    if per_s >= 1.0 { figures::rate(per_s) } else { format!("{} a day", figures::trimmed(per_s * DAY_S, 1)) }
}

fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms} ms"), |at| at.to_string())
}
