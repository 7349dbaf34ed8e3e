//! The paths of gates: what `loadgen explain gates` prints, and the meaning of a path by its parts.

use std::fmt::Write;

use super::definition::{Definition, Sort};
use super::dictionary::all;
use crate::gate::{
    metric::{Metric, Part, Source, table::metrics},
    rule::Op,
    unit::Unit,
};

/// The definitions that a path is made of, in its order; empty where a part of it has none.
pub(super) fn of_path(path: &str) -> Vec<&'static Definition> {
    let mut found = Vec::new();
    let (mut rest, mut of_results) = (path, false);
    while !rest.is_empty() {
        let Some((definition, after)) = longest(rest, of_results) else { return Vec::new() };
        found.push(definition);
        rest = after;
        if definition.sort == Sort::Part && matches!(definition.name, "phase" | "by_type" | "topic" | "expect") {
            of_results = definition.name == "expect";
            rest = after_name(rest, of_results);
        } else if matches!(rest, "max" | "mean" | "min") && definition.name.starts_with("timeline") {
            return found;
        }
    }
    found
}

/// The definition of the longest start of `path` that has one, and what comes after it. `of_results`: among several of one name
/// that of results downstream.
fn longest(path: &str, of_results: bool) -> Option<(&'static Definition, &str)> {
    let ends = path.match_indices('.').map(|(end, _)| end).chain([path.len()]);
    ends.rev().find_map(|end| {
        let mut named = all().filter(|definition| definition.is_named(&path[..end]));
        let first = named.next()?;
        let of_result = |definition: &&Definition| of_results && definition.sort == Sort::Result;
        let definition = [first].into_iter().chain(named).find(of_result).unwrap_or(first);
        Some((definition, path[end..].trim_start_matches('.')))
    })
}

/// `path` after the name of a phase, type, topic or expectation, which may itself hold dots: after the first dot that a known name follows.
fn after_name(path: &str, of_results: bool) -> &str {
    let mut starts = path.match_indices('.').map(|(dot, _)| &path[dot + 1..]);
    starts.find(|rest| longest(rest, of_results).is_some()).unwrap_or("")
}

/// The grammar of gates and every path there is.
#[must_use]
pub fn gates() -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    write_gates(&mut text).unwrap_or_default();
    text
}

fn write_gates(out: &mut String) -> std::fmt::Result {
    let operators: Vec<&str> = Op::ALL.into_iter().map(Op::as_str).collect();
    writeln!(out, "A gate is PATH OP VALUE[UNIT]; OP is one of {}. Examples:", operators.join(" "))?;
    for example in EXAMPLES {
        writeln!(out, "  {example}")?;
    }
    writeln!(out, "\nPaths and the units of their limits (* can end a run early with abort = true):")?;
    writeln!(
        out,
        "  It does so where what was measured breaks it for good: a bound that the rest of the run can still reach waits."
    )?;
    for part in Part::ALL {
        let of_part: Vec<&Metric> = metrics().iter().filter(|metric| metric.part == part).collect();
        let title = if part == Part::Run { "the whole run" } else { part.prefix() };
        writeln!(out, "\n{title}")?;
        write_latencies(out, &of_part)?;
        for metric in
            of_part.iter().filter(|metric| !matches!(metric.source, Source::Latency(..) | Source::Timeline(..)))
        {
            let star = if metric.is_known_during_the_run() { "*" } else { "" };
            writeln!(out, "  {:<32} {}", format!("{}{star}", metric.name), units(metric))?;
        }
        write_folded(out, &of_part)?;
    }
    writeln!(
        out,
        "\nloadgen explain NAME tells what a name means, loadgen explain generator_healthy what every run is checked for."
    )
}

pub(super) const EXAMPLES: [&str; 7] = [
    "response_time.p99 < 250ms",
    "lost == 0",
    "offered.achieved >= 99.9%",
    "partitions.skew < 1.5",
    "timeline.response_p99.max < 1s",
    "phase.peak.response_time.p99 < 400ms",
    "expect.by-type.latency.p99 < 7s",
];

/// LATENCY.NUMBER, which would be 72 lines.
fn write_latencies(out: &mut String, metrics: &[&Metric]) -> std::fmt::Result {
    let (mut latencies, mut times, mut counts) = (Vec::new(), Vec::new(), Vec::new());
    for metric in metrics {
        let Source::Latency(latency, stat) = metric.source else { continue };
        push_new(&mut latencies, latency.as_str());
        let list = if metric.dimension.units().is_empty() { &mut counts } else { &mut times };
        push_new(list, stat.as_str());
    }
    if latencies.is_empty() {
        return Ok(());
    }
    let shared = latencies.join(" | ");
    writeln!(out, "  LATENCY.NUMBER*, LATENCY being {shared}, NUMBER being")?;
    writeln!(out, "    {:<30} us, ms, s", times.join(" | "))?;
    writeln!(out, "    {:<30} no unit", counts.join(" | "))
}

/// timeline.COLUMN.max and its like.
fn write_folded(out: &mut String, metrics: &[&Metric]) -> std::fmt::Result {
    let mut columns: Vec<(&str, String)> = Vec::new();
    for metric in metrics {
        let Source::Timeline(column, _) = metric.source else { continue };
        if columns.last().is_none_or(|(name, _)| *name != column.name) {
            columns.push((column.name, units(metric)));
        }
    }
    if columns.is_empty() {
        return Ok(());
    }
    writeln!(out, "  timeline.COLUMN.max* (or .mean*, .min*) over the seconds of the run, COLUMN being")?;
    for (name, units) in columns {
        writeln!(out, "    {name:<30} {units}")?;
    }
    Ok(())
}

fn push_new<'a>(list: &mut Vec<&'a str>, name: &'a str) {
    if !list.contains(&name) {
        list.push(name);
    }
}

fn units(metric: &Metric) -> String {
    let units: Vec<&str> = metric.dimension.units().into_iter().map(Unit::as_str).collect();
    if units.is_empty() { "no unit".to_owned() } else { units.join(", ") }
}
