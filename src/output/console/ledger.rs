//! The accounting: the classes that are not empty, their sum, and what was found beside them.

use super::page::{Ink, Page, left, right, unbroken};
use crate::figures;
use crate::ledger::{Class, Standing};
use crate::report::{Example, Findings, RunReport};

/// Examples shown of one finding; the report holds up to 20.
const EXAMPLES: usize = 3;
const COUNT: usize = 14;
const SHARE: usize = 9;

/// The table of the ledger.
pub(super) fn accounting(page: &mut Page, report: &RunReport) {
    let ledger = &report.ledger;
    let name_width = Class::ALL.map(|class| class.as_str().len()).into_iter().max().unwrap_or(0).max(18) - 2;
    // Where columns are few, what a class means is told rather than its share.
    let share_width = if page.columns < 80 { 0 } else { SHARE };
    let percent = if share_width > 0 { right("%", share_width) } else { String::new() };
    page.head("accounting", &format!("{}{percent}", right("events", name_width + 2 + COUNT - 10)));
    for (class, events) in ledger.classes().into_iter().filter(|(class, events)| *events > 0 || *class == Class::Lost) {
        let (number, share, meaning) = if events > 0 {
            (figures::count(events), figures::share(events, ledger.scheduled), class.meaning().to_owned())
        } else if report.run.partial {
            (figures::NONE.to_owned(), String::new(), "(not known: the run was never judged)".to_owned())
        } else if report.latency_us.end_to_end.is_none() {
            (figures::NONE.to_owned(), String::new(), "(not looked for: nothing was read back)".to_owned())
        } else {
            ("0".to_owned(), String::new(), format!("({})", class.meaning()))
        };
        let name = left(class.as_str(), name_width);
        let share = if share_width > 0 { right(&share, share_width) } else { String::new() };
        let cells = format!("   {name}{}{share}", right(&number, COUNT));
        page.cells(&cells, &meaning, ink_of(class, events));
    }
    let total = ledger.sum();
    if total == ledger.scheduled {
        let line = format!("   {}{}", left("sum = scheduled", name_width), right(&figures::count(total), COUNT));
        page.line(&line, Ink::Plain);
    } else {
        let cells = format!("   {}{}", left("sum", name_width), right(&figures::count(total), COUNT));
        let wrong = format!("not the {} scheduled: this report is wrong", figures::count(ledger.scheduled));
        page.cells(&cells, &wrong, Ink::Bad);
    }
    if report.run.partial {
        page.line("   duplicates, reordered, invalid: not known either", Ink::Plain);
    } else if report.latency_us.end_to_end.is_some() {
        page.paragraph(3, &unbroken(&findings(&report.findings)), Ink::Plain);
    } else {
        page.line("   duplicates, reordered, invalid: not looked for either", Ink::Plain);
    }
    examples(page, &report.findings);
}

const fn ink_of(class: Class, events: u64) -> Ink {
    match class.standing() {
        Standing::Violation if events > 0 => Ink::Bad,
        Standing::Undecided if events > 0 => Ink::Warning,
        _ => Ink::Plain,
    }
}

pub(super) fn findings(findings: &Findings) -> Vec<String> {
    let mut parts = vec![
        format!("duplicates {}{}", figures::count(findings.duplicates), origins(findings)),
        format!("reordered {}", figures::count(findings.reordered)),
        format!("invalid {}{}", figures::count(findings.invalid), reasons(findings)),
        with_remark("foreign", findings.foreign, "another producer's, not judged"),
    ];
    let rarer = [
        ("misplaced", findings.misplaced, "in another partition than their key's"),
        ("sibling", findings.sibling, "of another process of this run, not judged"),
        ("seen_then_gone", findings.seen_then_gone, "lost after they were read"),
        ("not_replicated", findings.not_replicated, "unread: at or above the high watermark"),
        ("behind_transaction", findings.behind_transaction, "unread: behind an open transaction"),
        ("held_aborted", findings.held_aborted, "undelivered: committed, and held as aborted"),
        ("re-encoded", findings.re_encoded, "verified: the same values, written again by another"),
        ("not_readable_by_reader", findings.not_readable_by_reader, "a reader's schema cannot read them"),
        ("awaits_schema", findings.awaits_schema, "not judged: the schema registry did not answer"),
        ("re-read", findings.duplicates_reread, "at the same offset, no duplicates"),
        ("negative_latency", findings.negative_latency, "seen before they were due: check the clock"),
    ];
    let rarer = rarer.into_iter().filter(|(_, number, _)| *number > 0);
    parts.extend(rarer.map(|(name, number, what)| with_remark(name, number, what)));
    parts
}

fn with_remark(name: &str, number: u64, remark: &str) -> String {
    let number = figures::count(number);
    if number == "0" { format!("{name} 0") } else { format!("{name} {number} ({remark})") }
}

fn origins(findings: &Findings) -> String {
    let parts: Vec<_> = [
        (findings.duplicates_resent, "re-sent by this client"),
        (findings.duplicates_rewritten, "rewritten by another producer"),
        (findings.duplicates_undecided, "of unknown origin"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{} {what}", figures::count(number)))
    .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn reasons(findings: &Findings) -> String {
    let mut reasons: Vec<_> = findings.invalid_by_reason.iter().filter(|(_, number)| **number > 0).collect();
    reasons.sort_by(|(_, a), (_, b)| b.cmp(a));
    let parts: Vec<_> =
        reasons.iter().take(3).map(|(reason, number)| format!("{reason} {}", figures::count(**number))).collect();
    let more = if reasons.len() > 3 { ", …" } else { "" };
    if parts.is_empty() { String::new() } else { format!(" ({}{more})", parts.join(", ")) }
}

pub(super) fn examples(page: &mut Page, findings: &Findings) {
    for (name, examples) in findings.examples.iter().filter(|(_, examples)| !examples.is_empty()) {
        for example in examples.iter().take(EXAMPLES) {
            page.paragraph(5, &format!("{name}: {}", line_of(example)), Ink::Plain);
        }
        if examples.len() > EXAMPLES {
            let more = examples.len() - EXAMPLES;
            page.line(&format!("     … {more} more of these in the report"), Ink::Plain);
        }
    }
}

fn line_of(example: &Example) -> String {
    let number = |value: i64| u64::try_from(value).map_or_else(|_| value.to_string(), figures::count);
    let mut parts = vec![example.what.clone()];
    if let (Some(topic), Some(partition)) = (&example.topic, example.partition) {
        let offset = example.offset.map_or_else(String::new, |offset| format!(" @ {}", number(offset)));
        parts.push(format!("{topic}/{partition}{offset}"));
    }
    if let Some(offset) = example.other_offset {
        parts.push(format!("other offset {}", number(offset)));
    }
    parts.extend(example.event_id.clone());
    parts.extend(example.user_id.as_ref().map(|user| format!("user {user}")));
    parts.extend(example.due_us.map(|due| format!("due at {}", figures::duration_us(due))));
    parts.join(" · ")
}
