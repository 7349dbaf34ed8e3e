//! The latencies as rows of a table, and what must be known to read it: one source for terminal and HTML.

use crate::figures::{self, as_f64};
use crate::report::{LatencySummary, RunReport};

/// One latency.
pub(super) struct LatencyRow<'a> {
    /// Its name in the report.
    pub(super) key: &'static str,
    /// Its name in tables.
    pub(super) name: &'static str,
    /// From what to what it is measured.
    pub(super) span: &'static str,
    /// Whether it is a part of the row above.
    pub(super) part: bool,
    pub(super) summary: &'a LatencySummary,
}

/// The latencies that were measured, in the order of an event's way. The parts of slip are there where a lane was kept
/// waiting, for room in the client's queue or by the ceiling, or where `parts` asks for them.
pub(super) fn rows(report: &RunReport, parts: bool) -> Vec<LatencyRow<'_>> {
    let latency = &report.latency_us;
    let timed = latency.slip.is_some();
    let waited = |of: Option<&LatencySummary>| of.is_some_and(|of| of.max.is_some_and(|max| max > 0));
    let (blocked, capped) = (latency.blocked.as_ref(), latency.capped.as_ref());
    let parts = parts || waited(blocked) || waited(capped);
    let row = |key, name, span, summary| LatencyRow { key, name, span, part: false, summary };
    let mut rows = Vec::new();
    if report.is_alone() {
        rows.extend(latency.end_to_end.as_ref().map(|seen| row("end_to_end", "end-to-end", "due→seen", seen)));
        return rows;
    }
    rows.extend(latency.slip.as_ref().map(|slip| row("slip", "slip", "due→sent", slip)));
    if let (Some(blocked), Some(lateness)) = (blocked.filter(|_| parts), &latency.lateness) {
        rows.push(LatencyRow { part: true, ..row("lateness", "lateness", "generator", lateness) });
        let span = if report.transactions.is_some() { "queue, commits" } else { "queue full" };
        rows.push(LatencyRow { part: true, ..row("blocked", "blocked", span, blocked) });
        let ceiling = |capped| LatencyRow { part: true, ..row("capped", "capped", "--max-rate", capped) };
        rows.extend(capped.map(ceiling));
    }
    rows.push(row("service_time", "service", "sent→acked", &latency.service_time));
    let span = if timed { "due→acked" } else { "sent→acked" };
    rows.push(row("response_time", "response", span, &latency.response_time));
    let span = if timed { "due→seen" } else { "sent→seen" };
    rows.extend(latency.end_to_end.as_ref().map(|seen| row("end_to_end", "end-to-end", span, seen)));
    let span = if timed { "due→committed" } else { "sent→committed" };
    rows.extend(latency.commit_time.as_ref().map(|commit| row("commit_time", "commit", span, commit)));
    let call = |commit| LatencyRow { part: true, ..row("commit_call", "the call", "a transaction", commit) };
    rows.extend(latency.commit_call.as_ref().map(call));
    rows
}

/// What is not in the table, or is not what it seems.
pub(super) fn notes(report: &RunReport, rows: &[LatencyRow]) -> Vec<String> {
    let mut notes = Vec::new();
    if report.latency_us.slip.is_none() && !report.is_alone() {
        notes.push("rate unlimited: events have no due time, so response time is service time".to_owned());
    }
    if report.latency_us.end_to_end.is_none() {
        notes.push("not verified (--no-verify): end-to-end was not measured, loss would not be seen".to_owned());
    }
    if rows.iter().any(|row| quantiles(row.summary).contains(&None)) {
        notes.push(format!("{}  fewer than 10 samples beyond that quantile", figures::NONE));
    }
    let censored: Vec<_> = rows.iter().filter(|row| row.summary.censored > 0).collect();
    if !censored.is_empty() {
        let counts: Vec<_> =
            censored.iter().map(|row| format!("{} of {}", figures::count(row.summary.censored), row.name)).collect();
        notes.push(format!(">= at least: without an answer, counted as the time waited for it: {}", counts.join(", ")));
    }
    for row in rows {
        let Some(bound) = row.summary.clock_bound_us else { continue };
        notes.push(format!(
            "{} \u{b1} {}: it lies between the clocks of two machines, and they are known no better (<= at most)",
            row.name,
            figures::duration_us(bound)
        ));
    }
    let saturated: u64 = rows.iter().map(|row| row.summary.saturated).sum();
    if saturated > 0 {
        notes
            .push(format!("{} above the histogram's range, counted at its end", figures::counted(saturated, "sample")));
    }
    notes
}

/// The quantiles of the terminal's table, and the largest sample.
pub(super) const fn quantiles(summary: &LatencySummary) -> [Option<u64>; 7] {
    [summary.p50, summary.p90, summary.p95, summary.p99, summary.p999, summary.p9999, summary.max]
}

/// `linger.ms` as it bears on service time.
pub(super) fn linger(report: &RunReport) -> String {
    let linger = report.environment.client_config.get("linger.ms");
    linger.map_or_else(String::new, |linger| format!("linger {linger} ms"))
}

/// The unit of a table of latencies.
pub(super) struct Unit {
    pub(super) name: &'static str,
    us: f64,
    /// Digits after the point at most.
    decimals: usize,
}

impl Unit {
    /// Milliseconds; seconds where the largest latency would make the table too wide.
    pub(super) fn of(rows: &[LatencyRow]) -> Self {
        let largest = rows.iter().filter_map(|row| row.summary.max).max().unwrap_or(0);
        if largest >= 100_000_000 {
            Self { name: "s", us: 1e6, decimals: 3 }
        } else {
            Self { name: "ms", us: 1e3, decimals: 2 }
        }
    }

    /// The part of a quantile before the point, and the part from the point on. `>=` stands before one that falls into
    /// the censored share.
    pub(super) fn cell(&self, value: Option<u64>, summary: &LatencySummary) -> (String, String) {
        self.bounded(value, summary)
            .map_or_else(|| (figures::NONE.to_owned(), String::new()), |(bound, shown)| self.split(bound, shown))
    }

    /// The same in one piece and with three digits at most, where columns are too wide for exact numbers.
    pub(super) fn three_digits(&self, value: Option<u64>, summary: &LatencySummary) -> String {
        self.bounded(value, summary).map_or_else(|| figures::NONE.to_owned(), |bounded| self.rounded(bounded))
    }

    /// A mean with three digits at most.
    pub(super) fn mean_of_three_digits(&self, mean_us: Option<f64>) -> String {
        mean_us.map_or_else(|| figures::NONE.to_owned(), |us| self.rounded(self.shown(us)))
    }

    fn rounded(&self, (bound, shown): (&'static str, f64)) -> String {
        let step = if shown >= 1_000.0 { 10_f64.powf(shown.log10().floor() - 2.0) } else { 1.0 };
        let shown = if step > 1.0 { (shown / step).round() * step } else { shown };
        let (whole, fraction) = self.split(bound, shown);
        whole + &fraction
    }

    fn bounded(&self, value: Option<u64>, summary: &LatencySummary) -> Option<(&'static str, f64)> {
        let us = value?;
        if let Some(most) = summary.at_most(us) {
            return Some(("<=", as_f64(most) / self.us));
        }
        Some(match summary.censored_from {
            Some(from) if us >= from => (">=", as_f64(us) / self.us),
            _ => self.shown(as_f64(us)),
        })
    }

    fn shown(&self, us: f64) -> (&'static str, f64) {
        let least = 0.1_f64.powi(i32::try_from(self.decimals).unwrap_or(0));
        let value = us / self.us;
        if value > 0.0 && value < least { ("<", least) } else { ("", value) }
    }

    fn split(&self, bound: &str, shown: f64) -> (String, String) {
        let text = figures::number(shown, figures::decimals_of(shown).min(self.decimals));
        match text.split_once('.') {
            Some((whole, fraction)) => (format!("{bound}{whole}"), format!(".{fraction}")),
            None => (format!("{bound}{text}"), String::new()),
        }
    }
}
