//! How the run ended: the verdict, the ledger as one bar, the gates, and what was found with examples.

use serde::Serialize;

use super::page::{Moment, TileView};
use crate::figures::{self, count, duration_us, percent, rate, share};
use crate::ledger::{Class, Standing};
use crate::output::{
    console::{self, command, stand_in_notice},
    headline::{self, Word},
    why,
};
use crate::report::{Example, Findings, GateOutcome, LatencySummary, RunReport, reading::Reading};

/// The top of the page.
#[derive(Serialize)]
pub(super) struct HeadView {
    word: &'static str,
    tone: &'static str,
    sentence: String,
    also: Vec<String>,
    notes: Vec<String>,
    embedded: Option<&'static str>,
    interrupted: bool,
    title: String,
    name: String,
    id: String,
    started_at: Moment,
    measured: String,
    warm_up: Option<String>,
    tiles: Vec<TileView>,
    why: Vec<String>,
}

pub(super) fn head(report: &RunReport) -> HeadView {
    let word = Word::of(report);
    let run = &report.run;
    HeadView {
        word: word.as_str(),
        tone: match word {
            Word::Pass => "good",
            Word::Violation | Word::Fail | Word::Error => "bad",
            Word::Invalid | Word::Unevaluated | Word::Unknown | Word::Interrupted | Word::NotWritten => "warn",
        },
        sentence: headline::sentence(report),
        also: report.verdict.reasons.iter().skip(1).cloned().collect(),
        notes: report.verdict.notes.clone(),
        embedded: stand_in_notice(report),
        interrupted: run.interrupted && word != Word::Interrupted,
        title: format!("{}: {} \"{}\"", word.as_str(), command(report), run.name),
        name: format!("{} “{}”", command(report), run.name),
        id: run.id.clone(),
        started_at: Moment::of(&run.started_at),
        measured: figures::span_s(run.measured_s),
        warm_up: (run.warm_up_s > 0.0).then(|| figures::span_s(run.warm_up_s)),
        tiles: tiles(report),
        why: why::lines(report),
    }
}

fn tiles(report: &RunReport) -> Vec<TileView> {
    match report.reading.as_ref().filter(|_| report.is_alone()) {
        Some(reading) => tiles_of_reading(report, reading),
        None => tiles_of_run(report),
    }
}

fn tiles_of_reading(report: &RunReport, reading: &Reading) -> Vec<TileView> {
    let tile = |label: &str, value, note, tone| TileView { label: label.to_owned(), value, note, tone };
    let known = |number: Option<u64>| number.map_or_else(|| figures::NONE.to_owned(), count);
    let (end_to_end_p99, median) = end_to_end(&report.latency_us.end_to_end.unwrap_or_default());
    let per_s = reading.records_per_s.map_or_else(|| figures::NONE.to_owned(), rate);
    let missing = if reading.missing == Some(0) { "" } else { "warn" };
    vec![
        tile("records", count(reading.records), per_s, ""),
        tile("events", count(reading.events), "each once".to_owned(), ""),
        tile("missing", known(reading.missing), "between the first and the last seen".to_owned(), missing),
        tile("invalid", count(report.findings.invalid), "break the schema".to_owned(), ""),
        tile("end-to-end p99", end_to_end_p99, median, ""),
        tile("lag", known(reading.lag), "at the end".to_owned(), ""),
    ]
}

fn tiles_of_run(report: &RunReport) -> Vec<TileView> {
    let ledger = &report.ledger;
    let latency = &report.latency_us;
    let tile = |label: &str, value, note, tone| TileView { label: label.to_owned(), value, note, tone };
    let p99 = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), duration_us);
    let planned = match report.offered.rate_per_s {
        Some(planned) => format!("of {} planned", rate(planned)),
        None => console::planned(report),
    };
    let verified = if latency.end_to_end.is_some() {
        tile(
            "verified",
            count(ledger.verified),
            format!("{} % of {} scheduled", share(ledger.verified, ledger.scheduled), count(ledger.scheduled)),
            "",
        )
    } else {
        tile(
            "acked",
            count(ledger.unverified),
            format!("of {} scheduled, not read back", count(ledger.scheduled)),
            "warn",
        )
    };
    let lost = match latency.end_to_end {
        _ if report.run.partial => tile("lost", figures::NONE.to_owned(), "not known: never judged".to_owned(), "warn"),
        Some(_) => {
            tile("lost", count(ledger.lost), "acked, and gone".to_owned(), if ledger.lost > 0 { "bad" } else { "" })
        }
        None => tile("lost", figures::NONE.to_owned(), "not looked for".to_owned(), "warn"),
    };
    let mut tiles = vec![verified, lost];
    tiles.push(tile("sent per second", rate(report.offered.achieved_rate_per_s), planned, ""));
    tiles.push(tile(
        "response p99",
        p99(latency.response_time.p99),
        format!("median {}", p99(latency.response_time.p50)),
        "",
    ));
    if let Some((p99, median)) = latency.end_to_end.as_ref().map(end_to_end) {
        tiles.push(tile("end-to-end p99", p99, median, ""));
    }
    tiles
}

/// Its p99, and its median with how well both are known.
fn end_to_end(summary: &LatencySummary) -> (String, String) {
    let shown = |us: Option<u64>| match us.map(|us| (us, summary.at_most(us))) {
        None => figures::NONE.to_owned(),
        Some((_, Some(most))) => format!("\u{2264} {}", duration_us(most)),
        Some((us, None)) => duration_us(us),
    };
    let bound = summary.clock_bound_us.map_or_else(String::new, |bound| format!(", \u{b1} {}", duration_us(bound)));
    (shown(summary.p99), format!("median {}{bound}", shown(summary.p50)))
}

/// The ledger.
#[derive(Serialize)]
pub(super) struct LedgerView {
    scheduled: String,
    sums: bool,
    sum: String,
    read_back: bool,
    partial: bool,
    segments: Vec<SegmentView>,
    rows: Vec<AccountView>,
    empty: Vec<AccountView>,
}

/// One part of the bar.
#[derive(Serialize)]
struct SegmentView {
    class: &'static str,
    tone: &'static str,
    percent: f64,
    label: String,
}

#[derive(Serialize)]
struct AccountView {
    class: &'static str,
    tone: &'static str,
    count: String,
    share: String,
    meaning: &'static str,
}

pub(super) fn ledger(report: &RunReport) -> LedgerView {
    let ledger = &report.ledger;
    let (full, empty): (Vec<_>, Vec<_>) =
        ledger.classes().into_iter().partition(|(class, events)| *events > 0 || *class == Class::Lost);
    let segment = |(class, events): &(Class, u64)| SegmentView {
        class: class.as_str(),
        tone: tone_of(class.standing()),
        percent: figures::ratio(*events, ledger.scheduled).unwrap_or(0.0) * 100.0,
        label: format!("{}: {} ({} %)", class.as_str(), count(*events), share(*events, ledger.scheduled)),
    };
    let row = |(class, events): &(Class, u64)| AccountView {
        class: class.as_str(),
        tone: tone_of(class.standing()),
        count: count(*events),
        share: if *events == 0 { String::new() } else { share(*events, ledger.scheduled) },
        meaning: class.meaning(),
    };
    LedgerView {
        scheduled: count(ledger.scheduled),
        sums: ledger.sums(),
        sum: count(ledger.sum()),
        read_back: report.latency_us.end_to_end.is_some() && !report.run.partial,
        partial: report.run.partial,
        segments: full.iter().filter(|(_, events)| *events > 0).map(segment).collect(),
        rows: full.iter().map(row).collect(),
        empty: empty.iter().map(row).collect(),
    }
}

const fn tone_of(standing: Standing) -> &'static str {
    match standing {
        Standing::Good => "good",
        Standing::Allowed => "allowed",
        Standing::Undecided => "warn",
        Standing::Violation => "bad",
    }
}

/// One gate.
#[derive(Serialize)]
pub(super) struct GateView {
    name: Option<String>,
    rule: String,
    value: String,
    samples: String,
    word: &'static str,
    tone: &'static str,
    reason: String,
    built_in: bool,
}

/// The gates, those that did not pass first.
pub(super) fn gates(report: &RunReport) -> Vec<GateView> {
    let order = |outcome: GateOutcome| match outcome {
        GateOutcome::Fail => 0,
        GateOutcome::Unevaluated => 1,
        GateOutcome::Pass => 2,
    };
    let mut gates: Vec<_> = report.gates.iter().collect();
    gates.sort_by_key(|gate| (order(gate.result), gate.built_in));
    gates
        .into_iter()
        .map(|gate| {
            let (word, tone) = match gate.result {
                GateOutcome::Pass => ("pass", "good"),
                GateOutcome::Fail => ("FAIL", "bad"),
                GateOutcome::Unevaluated => ("UNEVALUATED", "warn"),
            };
            GateView {
                name: gate.name.clone(),
                rule: gate.rule.clone(),
                value: gate.measured().unwrap_or_else(|| figures::NONE.to_owned()),
                samples: gate.samples.map_or_else(String::new, count),
                word,
                tone,
                reason: gate.reason.clone().unwrap_or_default(),
                built_in: gate.built_in,
            }
        })
        .collect()
}

/// What was found beside the classes.
#[derive(Serialize)]
pub(super) struct FindingsView {
    read_back: bool,
    partial: bool,
    counts: Vec<FindingView>,
    /// Kinds that were looked for and not found, but for those that every reader looks for.
    none: Vec<FindingView>,
    invalid_by_reason: Vec<(String, String)>,
    examples: Vec<ExamplesView>,
}

#[derive(Serialize)]
struct FindingView {
    name: &'static str,
    count: String,
    tone: &'static str,
    meaning: &'static str,
}

#[derive(Serialize)]
struct ExamplesView {
    name: String,
    rows: Vec<ExampleView>,
}

#[derive(Serialize)]
struct ExampleView {
    what: String,
    place: String,
    event: String,
    user: String,
    due: String,
}

pub(super) fn findings(report: &RunReport) -> FindingsView {
    let findings = &report.findings;
    let (counts, none) = counts(findings)
        .into_iter()
        .partition(|view| view.count != "0" || ["duplicates", "reordered", "invalid"].contains(&view.name));
    FindingsView {
        read_back: report.latency_us.end_to_end.is_some() && !report.run.partial,
        partial: report.run.partial,
        counts,
        none,
        invalid_by_reason: findings
            .invalid_by_reason
            .iter()
            .map(|(reason, number)| (reason.clone(), count(*number)))
            .collect(),
        examples: findings
            .examples
            .iter()
            .filter(|(_, examples)| !examples.is_empty())
            .map(|(name, examples)| ExamplesView {
                name: name.clone(),
                rows: examples.iter().map(example_view).collect(),
            })
            .collect(),
    }
}

fn counts(findings: &Findings) -> Vec<FindingView> {
    [
        ("duplicates", findings.duplicates, "warn", "the same event at another offset"),
        ("duplicates_resent", findings.duplicates_resent, "part", "of these, sent again by this client"),
        ("duplicates_rewritten", findings.duplicates_rewritten, "part", "of these, written again by another producer"),
        ("duplicates_undecided", findings.duplicates_undecided, "part", "of these, of unknown origin"),
        ("reordered", findings.reordered, "warn", "first sightings whose sequence goes back"),
        ("invalid", findings.invalid, "warn", "records that break the schema"),
        ("misplaced", findings.misplaced, "warn", "records in another partition than their key's"),
        ("seen_then_gone", findings.seen_then_gone, "warn", "lost after they were read"),
        ("not_replicated", findings.not_replicated, "part", "unread: at or above the high watermark"),
        ("behind_transaction", findings.behind_transaction, "part", "unread: behind an open transaction"),
        ("held_aborted", findings.held_aborted, "part", "undelivered: committed, and held as aborted"),
        ("re_encoded", findings.re_encoded, "part", "verified: the same values, written again by another"),
        ("not_readable_by_reader", findings.not_readable_by_reader, "part", "a reader's schema cannot read them"),
        ("awaits_schema", findings.awaits_schema, "part", "not judged: the schema registry did not answer"),
        ("negative_latency", findings.negative_latency, "warn", "seen before they were due: check the clock"),
        ("duplicates_reread", findings.duplicates_reread, "", "read again at the same offset, no duplicates"),
        ("foreign", findings.foreign, "", "another producer's, not judged"),
        ("sibling", findings.sibling, "", "of another process of this run, not judged"),
    ]
    .into_iter()
    .filter(|(_, number, tone, _)| *number > 0 || *tone != "part")
    .map(|(name, number, tone, meaning)| FindingView {
        name,
        count: count(number),
        tone: if number == 0 && tone == "warn" { "" } else { tone },
        meaning,
    })
    .collect()
}

fn example_view(example: &Example) -> ExampleView {
    let number = |value: i64| u64::try_from(value).map_or_else(|_| value.to_string(), count);
    let mut place = Vec::new();
    if let (Some(topic), Some(partition)) = (&example.topic, example.partition) {
        place.push(format!("{topic}/{partition}"));
    }
    place.extend(example.offset.map(|offset| format!("@ {}", number(offset))));
    place.extend(example.other_offset.map(|offset| format!("and @ {}", number(offset))));
    let lane = match (example.lane, example.sequence) {
        (Some(lane), Some(sequence)) => format!(" (lane {lane}, {})", count(sequence)),
        _ => String::new(),
    };
    let kind = example.event_type.as_ref().map_or_else(String::new, |kind| format!("{kind} "));
    ExampleView {
        what: example.what.clone(),
        place: place.join(" "),
        event: format!("{kind}{}{lane}", example.event_id.as_deref().unwrap_or("")).trim().to_owned(),
        user: example.user_id.clone().unwrap_or_default(),
        due: example.due_us.map_or_else(String::new, duration_us),
    }
}

/// What the offered rate was, in percent of the plan.
pub(super) fn achieved(report: &RunReport) -> Option<String> {
    report.offered.achieved_percent.map(percent)
}
