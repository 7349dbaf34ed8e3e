//! What is in files of events, on one screen.

use std::fmt;

use super::screen::{self, frequency, line, types};
use crate::figures::{self, as_f64, counted};
use crate::files::{Clock, ClockFacts, FieldsRead, FileFormat, Skew, Spread, Survey};
use crate::input::Compression;
use crate::source::retail_rocket::Moment;

/// How many of the hottest keys the screen shows.
const SHOWN: usize = 3;

/// Shows a survey, ending in a line feed.
#[must_use]
pub fn text(survey: &Survey) -> String {
    Screen(survey).to_string()
}

struct Screen<'a>(&'a Survey);

impl fmt::Display for Screen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let survey = self.0;
        let count = figures::count;
        line(f, if survey.files.len() == 1 { "file" } else { "files" }, &files(survey))?;
        let others = match survey.other_types {
            0 => String::new(),
            others => format!(", of more types than are counted {}", count(others)),
        };
        line(f, "rows", &format!("{}: {}{others}", count(survey.rows), types(survey.by_type.iter(), survey.rows)))?;
        let clocks = survey.found.as_ref().map(|found| found.clocks.as_slice()).unwrap_or_default();
        if let [drives, others @ ..] = clocks {
            line(f, "time", &time(drives, others))?;
        }
        let (first, last) = (Moment(survey.first_ms), Moment(survey.last_ms));
        line(f, "span", &format!("{} from {first} to {last}", span_us(survey.span_us.cast_signed())))?;
        if let Some(mean) = survey.mean_rate_per_s {
            let (second, minute) = (count(survey.busiest_second), as_f64(survey.busiest_minute) / 60.0);
            let text =
                format!("mean {}, busiest second {second}/s, busiest minute {}", frequency(mean), frequency(minute));
            line(f, "rate", &text)?;
        }
        if let Some(Spread { p50, p90, p99, max, .. }) = survey.gap_us {
            let [p50, p90, p99, max] = [p50, p90, p99, max].map(span_us);
            line(f, "gaps", &format!("p50 {p50}, p90 {p90}, p99 {p99}, longest {max}"))?;
        }
        keys(f, survey)?;
        line(f, "order", &order(survey))?;
        line(f, "equal times", &format!("{} with the time of the row before", counted(survey.equal_times, "row")))?;
        for skew in &survey.skews {
            line(f, skew.clock.map_or("", Clock::as_str), &behind(skew, clocks))?;
        }
        line(f, "bad rows", &screen::bad_rows(&survey.bad_rows, ""))
    }
}

fn files(survey: &Survey) -> String {
    let bytes: Option<u64> = survey.files.iter().map(|(_, bytes)| *bytes).sum();
    let mut words: Vec<String> = match survey.files.as_slice() {
        [(file, _)] => vec![file.clone()],
        files => vec![format!("{} files from {}", files.len(), files[0].0)],
    };
    words.extend(bytes.map(figures::bytes));
    if survey.encoding.compression != Compression::None {
        words.push(survey.encoding.compression.as_str().to_owned());
    }
    words.push(match (survey.preset, survey.format) {
        (Some(preset), _) => format!("--preset {}", preset.as_str()),
        (None, Some(FileFormat::Csv)) => "CSV".to_owned(),
        (None, _) => "NDJSON".to_owned(),
    });
    words.join(", ")
}

fn time(drives: &ClockFacts, others: &[ClockFacts]) -> String {
    let whose = drives.clock.map_or_else(String::new, |clock| format!("{}: ", clock.as_str()));
    let zone = match drives.without_offset {
        0 => String::new(),
        rows => format!(", {} of them without an offset, taken as UTC", figures::count(rows)),
    };
    let others: Vec<&str> = others.iter().filter_map(|other| other.clock.map(Clock::as_str)).collect();
    let others = match others.as_slice() {
        [] => String::new(),
        others => format!("; --clock {} has another one drive", others.join(" or ")),
    };
    format!("{whose}{}, {}{zone}{others}", drives.field, drives.format)
}

fn keys(f: &mut fmt::Formatter<'_>, survey: &Survey) -> fmt::Result {
    let fields = match &survey.found {
        Some(FieldsRead { key_fields, .. }) if !key_fields.is_empty() => key_fields.join(" or "),
        _ => return line(f, "keys", "none: --key-field names a field"),
    };
    let more = if survey.other_keys > 0 { "more than " } else { "" };
    let without = match survey.without_key {
        0 => String::new(),
        rows => format!(", {} without one", counted(rows, "row")),
    };
    line(f, "keys", &format!("{more}{} of {fields}{without}", figures::count(survey.keys)))?;
    if let Some(Spread { p50, p90, p99, max, .. }) = survey.rows_per_key {
        let [p50, p90, p99, max] = [p50, p90, p99, max].map(|rows| figures::count(rows.unsigned_abs()));
        line(f, "rows a key", &format!("p50 {p50}, p90 {p90}, p99 {p99}, most {max}"))?;
    }
    let hottest = survey.hottest_keys.iter().take(SHOWN).map(|hot| (&hot.key, hot.rows));
    line(f, "hottest keys", &screen::keys(hottest, survey.rows))
}

fn order(survey: &Survey) -> String {
    match survey.back {
        0 => "by time".to_owned(),
        back => format!(
            "{} earlier than the row before, by {} at most; a replay sorts by time",
            counted(back, "row"),
            span_us(survey.furthest_back_us.cast_signed())
        ),
    }
}

/// How a clock goes against the driving one.
fn behind(skew: &Skew, clocks: &[ClockFacts]) -> String {
    let drives = match clocks.first() {
        Some(ClockFacts { clock: Some(clock), .. }) => clock.as_str(),
        Some(ClockFacts { field, .. }) => field.as_str(),
        None => "",
    };
    let unread = clocks.iter().find(|clock| clock.field == skew.field).map_or(0, |clock| clock.unread);
    let unread = match unread {
        0 => String::new(),
        rows => format!("; in {} it is no time", counted(rows, "row")),
    };
    let Some(Spread { p1, p50, p99, .. }) = skew.behind_us else {
        return format!("{}, in no row{unread}", skew.field);
    };
    let [p1, p50, p99] = [p1, p50, p99].map(span_us);
    let ahead = match skew.ahead {
        0 => "never ahead".to_owned(),
        rows => format!("ahead in {}", counted(rows, "row")),
    };
    let rows = counted(skew.rows, "row");
    format!("{} behind {drives} by p1 {p1}, p50 {p50}, p99 {p99} in {rows}, {ahead}{unread}", skew.field)
}

/// Microseconds in the unit that suits them.
fn span_us(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    format!("{sign}{}", figures::span_s(as_f64(us.unsigned_abs()) / 1e6))
}
