//! The summary at the end of a run, for a person at a terminal: the verdict first, then what it rests on.

mod client;
mod gates;
mod latency;
mod ledger;
mod page;
mod reading;
mod results;
mod shape;

use std::path::Path;

pub(super) use self::reading::clocks;
pub(super) use self::shape::{command, handed_over, planned};

use self::page::{Ink, Page};
use crate::figures;
use crate::output::{
    files,
    headline::{self, Word},
    why,
};
use crate::report::Likeness;
use crate::report::drift::Drift;
use crate::report::fleet::FleetReport;
use crate::report::{RunReport, SchemaUse};
use crate::width;

/// What every output of a run against the in-process broker says.
pub const EMBEDDED_NOTICE: &str = "embedded broker: not Kafka, figures are this client's only";
/// Said of every run without any broker.
pub const NOWHERE_NOTICE: &str = "nowhere: no broker at all, figures are this generator's only";

/// What must be said of a run that was not against Kafka.
#[must_use]
pub fn stand_in_notice(report: &RunReport) -> Option<&'static str> {
    let nowhere = report.environment.brokers == ["nowhere"];
    report.run.embedded.then_some(if nowhere { NOWHERE_NOTICE } else { EMBEDDED_NOTICE })
}

/// How the summary is printed. The caller decides; nothing here looks at the terminal or the environment.
#[derive(Clone, Copy, Debug)]
pub struct Style<'a> {
    /// Whether to colour.
    pub color: bool,
    /// How many columns there are, see [`width::columns`].
    pub columns: usize,
    /// The folder the run left behind, printed on the last line.
    pub bundle: Option<&'a Path>,
}

impl Style<'_> {
    /// Colour on a terminal, unless `NO_COLOR` (<https://no-color.org>) or `TERM=dumb` say otherwise, and with
    /// `CLICOLOR_FORCE` (<https://bixense.com/clicolors>) everywhere. `variable` looks up the environment.
    #[must_use]
    pub fn choose(terminal: bool, columns: usize, variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        let forced = variable("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0");
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        Self { color: !set("NO_COLOR") && (forced || (terminal && !dumb)), columns, bundle: None }
    }
}

/// Plain, in all columns.
impl Default for Style<'_> {
    fn default() -> Self {
        Self { color: false, columns: width::FULL, bundle: None }
    }
}

/// The summary of a run, ending in a line feed. No line is wider than the columns there are but for a word that is.
#[must_use]
pub fn render(report: &RunReport, style: Style) -> String {
    let mut page = Page::new(style.color, style.columns);
    verdict(&mut page, report);
    page.blank();
    what_ran(&mut page, report);
    page.blank();
    match report.reading.as_ref().filter(|_| report.is_alone()) {
        Some(reading) => reading::account(&mut page, report, reading),
        None => ledger::accounting(&mut page, report),
    }
    page.blank();
    latency::table(&mut page, report);
    if let Some(reading) = &report.reading {
        page.paragraph(3, &reading::clocks(report, reading), Ink::Plain);
    }
    client::section(&mut page, report);
    if report.phases.len() > 1 {
        page.blank();
        shape::phases(&mut page, report);
    }
    if !report.by_type.is_empty() {
        page.blank();
        if report.is_alone() {
            shape::event_types_read(&mut page, report);
        } else {
            shape::event_types(&mut page, report);
        }
    }
    if report.by_topic.len() > 1 {
        page.blank();
        shape::topics(&mut page, report);
    }
    page.blank();
    what_was_noticed(&mut page, report);
    if let Some(bundle) = style.bundle {
        page.blank();
        page.path(&bundle.join(files::PAGE).display().to_string());
    }
    page.finish()
}

fn what_ran(page: &mut Page, report: &RunReport) {
    page.list("run", &shape::run(report));
    if let Some(reading) = &report.reading {
        page.list("read", &reading::read(reading));
    }
    if !report.is_alone() {
        page.list("schedule", &shape::schedule(report));
    }
    if let Some(like) = report.synthetic.as_ref().and_then(|synthetic| synthetic.like.as_ref()) {
        page.list("like", &likeness(like));
    }
    if !report.is_alone() {
        page.list("offered", &shape::offered(report));
    }
    let fidelity = shape::fidelity(report);
    if !fidelity.is_empty() {
        page.list("fidelity", &fidelity);
    }
    page.list("target", &shape::target(report));
    for (name, said) in report.fleet.iter().flat_map(FleetReport::sentences) {
        page.list(&name, &said);
    }
    if let Some(collected) = &report.collected {
        page.list("collected", &collected.sentences());
    }
    if let Some(mirrored) = &report.mirrored {
        page.list("mirrored", &mirrored.sentences());
    }
    if let Some(transactions) = &report.transactions {
        page.list("in", &transactions.sentences());
    }
    if let Some(lag) = &report.lag {
        page.list("lag of", &shape::lag(lag));
    }
    if let Some(group) = &report.group {
        page.list("read by", &shape::group(group));
    }
}

fn what_was_noticed(page: &mut Page, report: &RunReport) {
    for (place, line) in SchemaUse::sentences(&report.schemas).iter().enumerate() {
        page.row(if place == 0 { "schemas" } else { "" }, line);
    }
    if !report.partitions.is_empty() {
        page.list("partitions", &shape::partitions(report));
    }
    if let Some(fraud) = &report.fraud {
        page.list("fraud", &fraud.sentences());
    }
    for (place, expectation) in report.expectations.iter().enumerate() {
        results::row(page, place == 0, expectation);
    }
    gates::section(page, report);
    for (place, line) in report.drift.iter().filter_map(Drift::sentences).flatten().enumerate() {
        let ink = if line.starts_with("DRIFTING") { Ink::Warning } else { Ink::Plain };
        page.row_inked(if place == 0 { "drift" } else { "" }, &line, ink);
    }
    for (place, line) in why::lines(report).iter().enumerate() {
        page.row(if place == 0 { "why" } else { "" }, line);
    }
    if let Some(availability) = &report.availability {
        page.list("availability", &availability.sentences());
    }
    let process = report.process.as_ref().map(|process| process.sentences(&report.environment));
    if let Some(sentences) = process.filter(|sentences| !sentences.is_empty()) {
        page.list("process", &sentences);
    }
    for fault in &report.faults {
        let ink = if fault.failure().is_some() { Ink::Warning } else { Ink::Plain };
        page.row_inked("fault", &fault.sentence(), ink);
    }
    for alert in &report.alerts {
        let ink = if alert.is_untold() { Ink::Warning } else { Ink::Plain };
        page.row_inked("alert", &alert.sentence(), ink);
    }
    client::errors(page, report);
    if !report.run.deadlines_reached.is_empty() {
        let reached = format!("reached: {}", report.run.deadlines_reached.join(", "));
        page.row_inked("deadlines", &reached, Ink::Warning);
    }
}

/// How like a recording synthetic events are.
#[must_use]
pub fn likeness(like: &Likeness) -> Vec<String> {
    let distance =
        |distance: Option<f64>| distance.map_or_else(|| figures::NONE.to_owned(), |far| figures::number(far, 3));
    let left_out = match like.bad_rows {
        0 => String::new(),
        bad => format!(" ({} left out)", figures::counted(bad, "bad row")),
    };
    vec![
        format!("{}, {} rows{left_out}", like.file, figures::count(like.rows)),
        format!("types {} apart", figures::number(like.types, 4)),
        format!("KS: events a session {}", distance(like.ks_events_per_session)),
        format!("sessions a user {}", distance(like.ks_sessions_per_user)),
        format!("events an item {}", distance(like.ks_events_per_item)),
        format!("think times {}", distance(like.ks_think_time)),
    ]
}

fn verdict(page: &mut Page, report: &RunReport) {
    let word = Word::of(report);
    let sentence = headline::sentence(report);
    let text = match word {
        Word::Pass => format!("{} \"{}\" — {sentence}", shape::command(report), report.run.name),
        _ => sentence,
    };
    page.headline(word.as_str(), ink_of(word), &text);
    for reason in report.verdict.reasons.iter().skip(1) {
        page.row("also", reason);
    }
    for note in &report.verdict.notes {
        page.row("note", note);
    }
    if report.run.interrupted && word != Word::Interrupted {
        let after = figures::span_s(report.run.measured_s);
        page.row_inked("interrupted", &format!("stopped before its end, after {after}"), Ink::Warning);
    }
    if let Some(notice) = stand_in_notice(report) {
        page.notice(notice);
    }
}

const fn ink_of(word: Word) -> Ink {
    match word {
        Word::Pass => Ink::Good,
        Word::Violation | Word::Fail | Word::Error => Ink::Bad,
        Word::Invalid | Word::Unevaluated | Word::Unknown | Word::Interrupted | Word::NotWritten => Ink::Warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(terminal: bool, variables: &[(&str, &str)]) -> bool {
        let look_up =
            |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned());
        Style::choose(terminal, 80, look_up).color
    }

    #[test]
    fn color_is_for_terminals_and_the_environment_may_overrule_it() {
        assert!(color(true, &[]));
        assert!(!color(false, &[]));
        assert!(!color(true, &[("NO_COLOR", "1")]));
        assert!(color(true, &[("NO_COLOR", "")]), "an empty NO_COLOR says nothing");
        assert!(!color(true, &[("TERM", "dumb")]));
        assert!(color(false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!color(false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!color(true, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    }
}
