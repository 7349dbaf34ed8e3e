//! A comparison as Markdown, for a pull request or a step's summary.

use std::fmt::Write as _;

use super::text::{figure, headline, method, remarks};
use crate::compare::figures::{change, label, short, value};
use crate::compare::gate::Outcome;
use crate::compare::{Comparison, Row, Verdict};

/// The comparison as Markdown, and what its rules came to.
#[must_use]
pub fn markdown(comparison: &Comparison, outcomes: &[Outcome]) -> String {
    let mut out = String::new();
    lines(comparison, &mut out).unwrap_or_default();
    out + &super::listed(outcomes, "- ")
}

fn lines(comparison: &Comparison, out: &mut String) -> std::fmt::Result {
    let (verdict, rest) = headline(comparison)
        .split_once("  ")
        .map_or_else(|| (headline(comparison), String::new()), |(verdict, rest)| (verdict.to_owned(), rest.to_owned()));
    writeln!(out, "**{verdict}** {}\n", escaped(&rest))?;
    let sure = short(comparison.method.confidence * 100.0);
    writeln!(out, "| | {} | {} | change | {sure} % interval | verdict |", names("base", &comparison.base.runs), {
        names("new", &comparison.new.runs)
    })?;
    writeln!(out, "|---|---:|---:|---:|---:|---|")?;
    for row in &comparison.rows {
        writeln!(out, "{}", line(row))?;
    }
    for row in &comparison.results {
        let name = escaped(&format!("{}: {}", row.expectation, row.figure));
        let (base, new) = (figure(row, row.base), figure(row, row.new));
        writeln!(out, "| {name} | {base} | {new} | | | {} |", pronounced(row.verdict))?;
    }
    let mut said: Vec<String> = comparison.warnings.iter().map(|warning| format!("differs in {warning}")).collect();
    said.extend(remarks(comparison));
    said.extend(comparison.notes.iter().cloned());
    said.extend(method(comparison));
    writeln!(out)?;
    said.iter().try_for_each(|remark| writeln!(out, "- {}", escaped(remark)))
}

fn names(side: &str, runs: &[String]) -> String {
    match runs {
        [one] => format!("{side}: {}", escaped(one)),
        many => format!("{side}: {} runs", many.len()),
    }
}

fn line(row: &Row) -> String {
    let (changed, interval) = change(row);
    let base = value(row.quantity, row.base, row.base_at_least);
    let new = value(row.quantity, row.new, row.new_at_least);
    let verdict = pronounced(row.verdict);
    format!("| {} | {base} | {new} | {changed} | {interval} | {verdict} |", escaped(&label(row.quantity)))
}

fn pronounced(verdict: Verdict) -> String {
    match verdict {
        Verdict::Worse | Verdict::Better => format!("**{verdict}**"),
        other => other.to_string(),
    }
}

/// Text that Markdown leaves alone: names of bundles and settings come from outside.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '~' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::fixture::bundle;
    use crate::compare::{Options, compare};

    #[test]
    fn the_table_has_a_row_per_quantity() {
        let options = Options { draws: 400, ..Options::default() };
        let comparison = compare(&[bundle("a", 60, 1)], &[bundle("b", 60, 2)], &options).unwrap();
        insta::assert_snapshot!(markdown(&comparison, &[]));
    }

    #[test]
    fn a_name_cannot_break_the_table() {
        let options = Options { draws: 200, ..Options::default() };
        let mut new = bundle("b", 40, 2);
        new.name = "a|b\n<script>`x`".to_owned();
        let shown = markdown(&compare(&[bundle("a", 40, 1)], &[new], &options).unwrap(), &[]);
        assert!(shown.contains("new: a\\|b &lt;script>\\`x\\`"), "{shown}");
    }
}
