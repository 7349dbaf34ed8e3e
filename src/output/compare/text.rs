//! A comparison for a terminal: the answer in the first line, then the rows, in as many columns as there are.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use crate::compare::figures::{change, label, percent, short, value};
use crate::compare::gate::Outcome;
use crate::compare::{Comparison, MIN_SECONDS, Point, Quantity, ResultRow, ResultUnit, Row, Side, SideReport, Verdict};
use crate::figures::{NONE, count, duration_us, number, span_s, whole};
use crate::output::headline::Word;
use crate::report::RunReport;
use crate::width::{FULL, fit, hanging};

/// The comparison as text in lines of at most `columns`, and what its rules came to.
#[must_use]
pub fn text(comparison: &Comparison, outcomes: &[Outcome], columns: usize) -> String {
    let mut out = String::new();
    lines(comparison, columns, &mut out).unwrap_or_default();
    out + &fit(&super::listed(outcomes, " "), columns)
}

/// From so many runs a side on, more of them are no advice any more.
const ENOUGH_RUNS: usize = 5;

/// A side in a word, as the tables name it.
#[must_use]
pub const fn word(side: Side) -> &'static str {
    match side {
        Side::Base => "base",
        Side::New => "new",
    }
}

/// How the run of a side in a round ended, and about how many seconds all that is left will take.
#[must_use]
pub fn ended(round: u16, side: Side, report: &RunReport, left_s: f64, columns: usize) -> String {
    let response = &report.latency_us.response_time;
    let time = |us: Option<u64>| us.map_or_else(|| NONE.to_owned(), duration_us);
    // Of a short run p99 is not known.
    let high = if response.p99.is_some() { ("p99", response.p99) } else { ("p90", response.p90) };
    let left = if left_s > 0.0 { format!("  about {} to go", span_s(left_s.round())) } else { String::new() };
    let line = format!(
        " round {round:>2} {:4}  {}  response p50 {:>7}  {} {:>7}{left}",
        word(side),
        Word::of(report).as_str(),
        time(response.p50),
        high.0,
        time(high.1),
    );
    fit(&line, columns)
}

/// The answer in one line: the verdict, and the rows it comes from.
#[must_use]
pub fn headline(comparison: &Comparison) -> String {
    let rows = |verdict| comparison.rows.iter().filter(move |row: &&Row| row.verdict == verdict);
    let of = |verdict: Verdict| {
        let named = |row: &Row| format!("{} {}", row.quantity, percent(row.change_percent.unwrap_or_default()));
        let results = comparison.results.iter().filter(|row| row.verdict == verdict);
        let results = results.map(|row| format!("{} of {}", row.figure, row.expectation));
        let mut named: Vec<String> = results.chain(rows(verdict).map(named)).collect();
        let more = named.len().saturating_sub(3);
        named.truncate(3);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{}{more}", named.join(", "))
    };
    let margin = short(comparison.method.margin * 100.0);
    match comparison.verdict {
        Verdict::Worse => format!("WORSE  {}", of(Verdict::Worse)),
        Verdict::Better => format!("BETTER  {}", of(Verdict::Better)),
        Verdict::NoDifference => format!("NO DIFFERENCE  every change lies within {margin} %"),
        Verdict::Inconclusive | Verdict::NotJudged if comparison.is_too_short() => {
            let seconds = comparison.method.seconds;
            format!(
                "INCONCLUSIVE  runs of {seconds} s are too short to judge ({MIN_SECONDS} s are needed): differences are shown only"
            )
        }
        Verdict::Inconclusive | Verdict::NotJudged if !comparison.rows.iter().any(|row| row.change.is_some()) => {
            "INCONCLUSIVE  nothing could be judged: differences are shown only".to_owned()
        }
        Verdict::Inconclusive | Verdict::NotJudged => {
            let open = rows(Verdict::Inconclusive).count();
            let judged = comparison.rows.iter().filter(|row| row.change.is_some()).count();
            format!("INCONCLUSIVE  {open} of {judged} quantities may have changed by more than {margin} %, or not")
        }
    }
}

fn lines(comparison: &Comparison, columns: usize, out: &mut String) -> std::fmt::Result {
    writeln!(out, "{}", fit(&headline(comparison), columns))?;
    writeln!(out)?;
    writeln!(out, "{}", hanging(" base   ", &side(&comparison.base), 8, columns))?;
    writeln!(out, "{}", hanging(" new    ", &side(&comparison.new), 8, columns))?;
    for warning in &comparison.warnings {
        writeln!(out, "{}", hanging(" differ ", &warning.to_string(), 8, columns))?;
    }
    writeln!(out)?;
    let sure = format!("{} % interval", short(comparison.method.confidence * 100.0));
    if columns >= FULL {
        writeln!(out, " {:<34}{:>10}{:>10}{:>10}{:>19}  verdict", "", "base", "new", "change", sure)?;
        for row in &comparison.rows {
            writeln!(out, "{}", line(row).trim_end())?;
        }
    } else {
        narrow(comparison, &sure, columns, out)?;
    }
    if !comparison.results.is_empty() {
        writeln!(out, "\n{}", fit(&format!(" {:<40}{:>12}{:>12}  verdict", "results", "base", "new"), columns))?;
    }
    let mut above = None;
    for row in &comparison.results {
        if above.replace(&row.expectation) != Some(&row.expectation) {
            writeln!(out, "{}", fit(&format!(" {}", row.expectation), columns))?;
        }
        let (base, new) = (figure(row, row.base), figure(row, row.new));
        writeln!(out, "{}", fit(&format!("   {:<38}{base:>12}{new:>12}  {}", row.figure, row.verdict), columns))?;
    }
    let remarks = remarks(comparison);
    if !remarks.is_empty() {
        writeln!(out)?;
        remarks.iter().try_for_each(|remark| writeln!(out, "{}", paragraph(remark, columns)))?;
    }
    writeln!(out)?;
    for note in comparison.notes.iter().cloned().chain(method(comparison)) {
        writeln!(out, "{}", paragraph(&note, columns))?;
    }
    Ok(())
}

/// The rows where columns are few: a latency's name stands above its numbers, and where that is not enough, the interval and
/// the base go, which verdict and change say in short.
fn narrow(comparison: &Comparison, sure: &str, columns: usize, out: &mut String) -> std::fmt::Result {
    let name = |row: &Row| match row.quantity {
        Quantity::Latency(_, point) => format!("  {}", point.name()),
        other => other.to_string(),
    };
    let cells = |row: &Row| {
        let (changed, interval) = change(row);
        let base = value(row.quantity, row.base, row.base_at_least);
        [base, value(row.quantity, row.new, row.new_at_least), changed, interval]
    };
    let rows: Vec<(&Row, String, [String; 4])> =
        comparison.rows.iter().map(|row| (row, name(row), cells(row))).collect();
    let heads = ["base", "new", "change", sure];
    let longest = |texts: &mut dyn Iterator<Item = &str>| texts.map(UnicodeWidthStr::width).max().unwrap_or(0);
    let name_width = longest(&mut rows.iter().map(|(_, name, _)| name.as_str()));
    let verdicts: Vec<String> = rows.iter().map(|(row, ..)| row.verdict.to_string()).collect();
    let verdict_width = longest(&mut verdicts.iter().map(String::as_str));
    let widths: [usize; 4] =
        std::array::from_fn(|at| longest(&mut rows.iter().map(|(_, _, cells)| cells[at].as_str()).chain([heads[at]])));
    let ways: [(&[usize], usize); 5] =
        [(&[0, 1, 2, 3], 2), (&[0, 1, 2, 3], 1), (&[0, 1, 2], 2), (&[0, 1, 2], 1), (&[1, 2], 1)];
    let total = |shown: &[usize], gap: usize| shown.iter().map(|at| widths[*at] + gap).sum::<usize>();
    let fits = |(shown, gap): &(&[usize], usize)| 1 + name_width + total(shown, *gap) + 2 + verdict_width <= columns;
    let (shown, gap) = ways.into_iter().find(fits).unwrap_or(ways[4]);
    let mut put = |name: &str, cells: [&str; 4], verdict: &str| {
        let mut line = format!(" {name}{}", " ".repeat(name_width.saturating_sub(name.width())));
        for at in shown {
            line.extend([&*" ".repeat(widths[*at] + gap - cells[*at].width().min(widths[*at])), cells[*at]]);
        }
        writeln!(out, "{}", format!("{line}  {verdict}").trim_end())
    };
    put("", heads, "verdict")?;
    let mut above = None;
    for ((row, name, cells), verdict) in rows.iter().zip(&verdicts) {
        if let Quantity::Latency(latency, _) = row.quantity
            && above.replace(latency) != Some(latency)
        {
            put(&format!("{latency} (ms)"), [""; 4], "")?;
        }
        put(name, cells.each_ref().map(String::as_str), verdict)?;
    }
    Ok(())
}

/// A figure of results.
pub(super) fn figure(row: &ResultRow, value: Option<f64>) -> String {
    let Some(value) = value else { return NONE.to_owned() };
    match row.unit {
        ResultUnit::Share => number(value, 3),
        ResultUnit::Results => count(whole(value)),
        ResultUnit::Us => duration_us(whole(value)),
    }
}

fn side(side: &SideReport) -> String {
    let one = |(name, seconds): (&String, &usize)| format!("{name} ({seconds} s)");
    side.runs.iter().zip(&side.seconds).map(one).collect::<Vec<_>>().join(", ")
}

fn line(row: &Row) -> String {
    let (changed, interval) = change(row);
    let base = value(row.quantity, row.base, row.base_at_least);
    let new = value(row.quantity, row.new, row.new_at_least);
    format!(" {:<34}{base:>10}{new:>10}{changed:>10}{interval:>19}  {}", label(row.quantity), row.verdict)
}

/// Beyond so many times as much data, more data is no advice.
const BEARABLE: f64 = 100.0;

/// What the verdicts leave open: why there is none, or what it would take.
pub(super) fn remarks(comparison: &Comparison) -> Vec<String> {
    let mut noisy = Vec::new();
    let mut remarks = Vec::new();
    if comparison.is_too_short() {
        // Of all rows the same is to be said, and the headline says it.
        return remarks;
    }
    for row in &comparison.rows {
        match remark(row) {
            Some(Remark::Text(remark)) => remarks.push(remark),
            Some(Remark::TooNoisy) => noisy.push(row.quantity.to_string()),
            None => {}
        }
    }
    if !noisy.is_empty() {
        remarks.push(format!("too noisy to tell, in runs {BEARABLE:.0} times as long too: {}", noisy.join(", ")));
        let (base, new) = (comparison.base.runs.len(), comparison.new.runs.len());
        if base.min(new) < ENOUGH_RUNS {
            remarks.push(format!(
                "more runs a side may tell: loadgen compare --run BASE.toml NEW.toml --rounds {ENOUGH_RUNS} makes them in turns"
            ));
        }
    }
    remarks
}

enum Remark {
    Text(String),
    /// No run of bearable length would settle it.
    TooNoisy,
}

fn remark(row: &Row) -> Option<Remark> {
    if matches!(row.quantity, Quantity::Latency(_, Point::Max)) {
        return None;
    }
    if let Some(reason) = &row.reason {
        return Some(Remark::Text(format!("{}: {reason}", row.quantity)));
    }
    let change = row.change.as_ref().filter(|_| row.verdict == Verdict::Inconclusive)?;
    let more = match change.more_data {
        None => String::new(),
        Some(times) if times > BEARABLE => return Some(Remark::TooNoisy),
        Some(times) => format!("; about {} times as much data would settle it", short(times.max(1.1))),
    };
    let seen = percent(change.detectable_percent);
    Some(Remark::Text(format!("{}: a change of {seen} would have been seen{more}", row.quantity)))
}

/// How the figures came about, in one sentence a reader can check; `None` where nothing was drawn.
pub(super) fn method(comparison: &Comparison) -> Option<String> {
    let method = &comparison.method;
    comparison.rows.iter().any(|row| row.change.is_some()).then(|| format!(
        "Intervals: {} draws of {} s in blocks of {} s, the same seconds from both sides; all hold together with {} %. \
         No difference means that both ends of the interval lie within {} %. A maximum is one sample, so it is shown and \
         not judged; max_per_second, the geometric mean of each second's maximum, is.",
        method.draws,
        method.seconds,
        method.block_s,
        short(method.confidence * 100.0),
        short(method.margin * 100.0),
    ))
}

fn paragraph(text: &str, columns: usize) -> String {
    hanging(" ", text, 1, columns - 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::fixture::bundle;
    use crate::compare::{Aspect, Options, compare};

    fn some_comparison() -> Comparison {
        let mut new = bundle("b", 60, 2);
        new.report.environment.client_config.insert("linger.ms".to_owned(), "50".to_owned());
        new.report.environment.cores = 4;
        let options = Options { draws: 400, allow: [Aspect::Machine].into(), ..Options::default() };
        compare(&[bundle("a", 60, 1)], &[new], &options).unwrap()
    }

    fn shown(columns: usize) -> String {
        text(&some_comparison(), &[], columns)
    }

    #[test]
    fn the_text_says_the_answer_first_and_names_every_difference() {
        insta::assert_snapshot!(shown(100));
    }

    #[test]
    fn results_that_are_wrong_on_one_side_alone_come_first_and_make_it_worse() {
        let mut sides = [bundle("a", 60, 1), bundle("b", 60, 1)];
        for (side, wrong) in sides.iter_mut().zip([0, 3]) {
            let report = crate::report::ExpectReport {
                name: "stock".to_owned(),
                expected: 5_768,
                right: 5_768 - wrong,
                wrong,
                ..crate::report::ExpectReport::default()
            };
            side.report.expectations = vec![report];
        }
        let [base, new] = sides;
        let options = Options { draws: 200, ..Options::default() };
        let comparison = compare(&[base], &[new], &options).unwrap();
        for columns in [60, 80, 100] {
            let shown = text(&comparison, &[], columns);
            assert!(shown.starts_with("WORSE  wrong, missing, twice or unexpected of stock"), "{shown}");
            assert!(shown.lines().all(|line| line.width() <= columns), "{shown}");
        }
        assert!(
            text(&comparison, &[], 100)
                .contains("wrong, missing, twice or unexpected              0           3  worse")
        );
        let markdown = crate::output::compare::markdown::markdown(&comparison, &[]);
        assert!(
            markdown.contains("| stock: wrong, missing, twice or unexpected | 0 | 3 | | | **worse** |"),
            "{markdown}"
        );
    }

    #[test]
    fn short_runs_are_told_once_and_nothing_is_said_of_draws_that_were_not_drawn() {
        let options = Options { draws: 400, ..Options::default() };
        let comparison = compare(&[bundle("a", 12, 1)], &[bundle("b", 12, 2)], &options).unwrap();
        let shown = text(&comparison, &[], 100);
        assert!(
            shown.starts_with(
                "INCONCLUSIVE  runs of 12 s are too short to judge (30 s are needed): differences are shown only\n"
            ),
            "{shown}"
        );
        for silly in ["0 of 0", "too short, 30", "draws", "interval holds", "intervals hold"] {
            assert!(!shown.contains(silly), "{silly}: {shown}");
        }
        assert!(shown.contains("response_time.p50") && shown.contains("not judged"), "{shown}");
        let markdown = crate::output::compare::markdown::markdown(&comparison, &[]);
        assert!(markdown.contains("too short to judge") && !markdown.contains("draws"), "{markdown}");
    }

    #[test]
    fn eighty_columns_hold_every_row() {
        insta::assert_snapshot!(shown(80));
    }

    #[test]
    fn no_line_is_wider_than_the_columns_there_are() {
        let comparison = some_comparison();
        for columns in 60..=100 {
            for line in text(&comparison, &[], columns).lines() {
                assert!(line.width() <= columns, "{columns}: {line}");
            }
        }
    }
}
