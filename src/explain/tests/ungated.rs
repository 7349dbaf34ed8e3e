//! Every number of a report can be gated, or stands here with the reason why not.
//!
//! Nothing here trusts a name: a report is made up from the schema, each of its numbers is changed in turn, and a number is
//! gated where the value of some path changes with it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use crate::explain::report_schema;
use crate::gate::metric::{Part, table::metrics};
use crate::gate::path::{Names, Path, resolve};
use crate::gate::reading::Missing;
use crate::report::RunReport;

/// Numbers that no gate is about, by the start of their place in the report, and why.
const UNGATED: &[(&str, &str)] = &[
    ("schema_version", "it is about the report"),
    ("environment.", "what the run had, not what came of it"),
    ("collected.", "what clients did and were told: what became of their events is in the ledger"),
    ("mirrored.", "what was read: what became of its events is in the ledger, and what reading lacks in the verdict"),
    ("run.measured_s", "planned; with too little of it a quantile has too few samples"),
    ("run.seed", "chosen"),
    ("run.lane", "chosen"),
    ("run.rate_changes[].", "what a person did; such a run says so in its headline"),
    ("offered.scheduled", "the ledger's, whose path is scheduled"),
    ("phases[].offered.scheduled", "the ledger's, whose path is phase.NAME.scheduled"),
    ("offered.due_span_ms", "planned"),
    ("phases[].offered.due_span_ms", "planned"),
    ("gates[].", "it is a gate"),
    ("alerts[].", "what was told of gates, which have gated already"),
    ("verdict.", "it is what gates lead to, and loadgen ends with it"),
    ("distributions.", "the quantiles of the latencies, which have paths"),
    ("availability.stall_threshold_s", "chosen"),
    ("availability.parts[].", "the processes one by one; where they go beyond the whole, its paths are lower bounds"),
    ("availability.connect.", "waits for connections in place of idle ones: nobody is to blame for them"),
    ("availability.stalls[].", "the stalls one by one: availability.* counts them and has the longest"),
    (
        "by_topic.",
        "topic.NAME.partitions.* and by_type.TYPE.* count the same; classes by topic are known as far as types are",
    ),
    ("by_type.*.expected_share_percent", "planned"),
    ("client.*.count", "how much a mean stands on"),
    ("client_errors[].", "by their kinds, in words; what they cost is in the ledger and in latencies"),
    ("read_throttling.", "why a reading is slow; how slow it was is in end_to_end and lag"),
    ("drift.series[].", "a trend has bounds, within which it is judged: drift.drifting counts those that matter"),
    ("faults[].at_s", "planned"),
    ("faults[].command.", "a command that fails ends in the verdict"),
    ("faults[].undo.", "a command that fails ends in the verdict"),
    ("fraud.", "what was woven in, as planned; what was found of it is in the expectation of scores"),
    ("fleet.", "the shards one by one: what they did is in the whole's figures, what was lost with one is unwitnessed"),
    ("findings.examples.", "which events, not how many"),
    ("findings.invalid_by_reason.", "they sum to invalid"),
    ("group.consumers", "chosen"),
    ("group.group_errors.", "counted by a text; what they cost is in lag, rebalances and latencies"),
    ("group.rebalances[].", "the rebalances one by one: group.* counts them and has the longest"),
    ("hot_keys[].", "which keys were hot; what they do to partitions is partitions.skew"),
    ("lag.partitions[]", "they sum to lag.at_end"),
    (
        "latency_us.*.censored_from",
        "where the censored share begins: quantiles in it are lower bounds, which a gate knows",
    ),
    (
        "latency_us.*.clock_bound_us",
        "how well two machines' clocks are known: a gate judges what no value within it would change",
    ),
    ("by_type.*.latency_us.*.censored_from", "as above"),
    ("by_type.*.latency_us.*.clock_bound_us", "as above"),
    ("expectations[].latency_us.censored_from", "as above"),
    ("expectations[].latency_us.clock_bound_us", "as above"),
    ("expectations[].scores.threshold", "chosen"),
    ("expectations[].scores.k", "chosen"),
    ("expectations[].scores.within_ms", "chosen"),
    ("expectations[].scores.skew.compared", "how much skewed stands on"),
    ("expectations[].scores.skew.without", "how much skewed does not know"),
    ("expectations[].scores.skew.features[].", "by feature; skewed counts the events"),
    ("expectations[].scores.told_apart_by_bits", "how exact the figures are"),
    ("expectations[].scores.detection_us.censored_from", "as above"),
    ("expectations[].scores.detection_us.clock_bound_us", "as above"),
    ("expectations[].scores.patterns[].", "by pattern; expect.NAME.* are of all of them"),
    ("expectations[].scores.*.low", "the interval around a figure that has a path"),
    ("expectations[].scores.*.high", "the interval around a figure that has a path"),
    ("expectations[].explained[].", "which offsets of the input, not how many results"),
    ("expectations[].needs_apart_ms", "what would explain results that are wrong, which has a path"),
    ("phases[].latency_us.*.censored_from", "as above"),
    ("phases[].latency_us.*.clock_bound_us", "as above"),
    ("partitions[].partition", "which partition"),
    ("partitions[].from_offset", "where it was read"),
    ("partitions[].position", "where it was read"),
    ("partitions[].log_end", "where it was read"),
    ("partitions[].last_stable_offset", "where it was read"),
    ("payload.padded_to_bytes", "chosen"),
    ("payload.compressibility", "chosen"),
    ("reading.lanes[].", "the lanes one by one: reading.* has their sums"),
    ("replay.speed", "chosen"),
    ("replay.span_", "planned"),
    ("replay.rows_by_type.*", "by type: replay.rows has their sum"),
    ("replay.bad_rows_by_type.*", "by type: replay.bad_rows has their sum"),
    ("replay.fidelity.recorded_gaps.", "how they differ is ks_distance"),
    ("replay.fidelity.replayed_gaps.", "how they differ is ks_distance"),
    (
        "schemas[].",
        "by ids, which no rule knows beforehand: not_readable_by_reader, invalid and by_type.* have their sums",
    ),
    ("synthetic.", "known before the run: what the model is, and how like its recording"),
    (
        "joined_seconds.",
        "the seconds that the timeline has in longer rows: the paths of the timeline take account of them",
    ),
    (
        "timeline[].machine_busy_percent",
        "what runs on the machine, by whomever; what it does to this process has paths",
    ),
    ("timeline[].throttled_ms", "they sum to process.throttled"),
    ("transactions.abort_rate", "chosen"),
    ("process.hiccups_at[].", "the hiccups one by one: process.* counts them and has the longest"),
    ("transactions.failed_by[].", "by error; they sum to transactions.failed"),
    ("transactions.size", "chosen"),
];

/// A report with all that a report may have, from its schema.
struct Specimen {
    schema: Value,
    /// Where its numbers stand: the place in the schema's words, and in JSON pointers.
    numbers: Vec<(String, String)>,
}

impl Specimen {
    fn report() -> (Value, Vec<(String, String)>) {
        let mut specimen = Self { schema: report_schema(), numbers: Vec::new() };
        let schema = specimen.schema.clone();
        let report = specimen.value(&schema, "", "");
        (report, specimen.numbers)
    }

    fn value(&mut self, schema: &Value, place: &str, pointer: &str) -> Value {
        if let Some(name) = schema["$ref"].as_str().and_then(|of| of.rsplit('/').next()) {
            let of = self.schema["$defs"][name].clone();
            return self.value(&of, place, pointer);
        }
        if let Some(chosen) = schema.get("const").or_else(|| schema["enum"].get(0)) {
            return chosen.clone();
        }
        if let Some(first) = ["anyOf", "oneOf"].iter().find_map(|key| schema[key].get(0)) {
            return self.value(&first.clone(), place, pointer);
        }
        let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("none");
        match kind {
            "integer" | "number" => {
                self.numbers.push((place.to_owned(), pointer.to_owned()));
                // Small enough for a lane's number, and otherwise enough samples for every quantile.
                let small = schema["maximum"].as_u64().is_some_and(|most| most < 1_000_000);
                if small { json!(7) } else { json!(1_000_000) }
            }
            "boolean" => json!(false),
            "array" => {
                let items = schema["items"].clone();
                json!([self.value(&items, &format!("{place}[]"), &format!("{pointer}/0"))])
            }
            "object" if schema.get("properties").is_some() => {
                let fields = schema["properties"].as_object().unwrap().clone();
                let dot = if place.is_empty() { "" } else { "." };
                let of = |(name, field): (&String, &Value)| {
                    let value = self.value(field, &format!("{place}{dot}{name}"), &format!("{pointer}/{name}"));
                    (name.clone(), value)
                };
                Value::Object(fields.iter().map(of).collect::<Map<_, _>>())
            }
            "object" => {
                let key = if place == "by_type" { "view" } else { "some" };
                let of = schema["additionalProperties"].clone();
                json!({ key: self.value(&of, &format!("{place}.*"), &format!("{pointer}/{key}")) })
            }
            "string" => json!("some"),
            other => panic!("{place}: {other}"),
        }
    }
}

/// Every path there is in such a report.
fn paths() -> Vec<Path> {
    let names = Names {
        phases: vec!["some".to_owned()],
        topics: vec!["some".to_owned()],
        types: vec!["view".to_owned()],
        expectations: vec!["some".to_owned()],
    };
    let of = |part: Part, name: &str| match part {
        Part::Run => name.to_owned(),
        Part::EventType => format!("by_type.view.{name}"),
        Part::Phase | Part::Topic | Part::Expectation => format!("{}.some.{name}", part.word()),
    };
    metrics().iter().map(|metric| resolve(&of(metric.part, &metric.name), &names).unwrap()).collect()
}

fn read(report: &Value, paths: &[Path]) -> Vec<Result<u64, Missing>> {
    let report = RunReport::deserialize(report).unwrap();
    paths.iter().map(|path| path.read(&report).map(|reading| reading.value.to_bits())).collect()
}

/// `start` with `*` for any name.
fn starts(place: &str, start: &str) -> bool {
    match start.split_once('*') {
        None => place.starts_with(start),
        Some((before, after)) => place.strip_prefix(before).is_some_and(|rest| {
            let name = rest.find('.').map_or(rest.len(), |end| if rest.starts_with('*') { 1 } else { end });
            starts(&rest[name..], after)
        }),
    }
}

#[test]
fn every_number_of_a_report_has_a_path_or_a_reason() {
    let paths = paths();
    let (mut run, numbers) = Specimen::report();
    run["timeline"][0]["marks"] = json!([]);
    run["timeline"][0]["at_s"] = json!(1);
    run["joined_seconds"] = Value::Null;
    // Of what is undecided nobody knows how good it is.
    run["expectations"][0]["undecided"] = json!(0);
    run["faults"][0]["not_run"] = Value::Null;
    run["run"]["warm_up_s"] = json!(0.0);
    // A reading alone has no ledger, and a run has no reading.
    let alone = run.clone();
    run["reading"] = Value::Null;
    let mut joined = alone.clone();
    joined["reading"]["joined"] = Value::Null;
    let specimens = [run, joined];
    let usual = specimens.each_ref().map(|report| read(report, &paths));

    let mut gated: BTreeMap<&str, bool> = BTreeMap::new();
    for (place, pointer) in &numbers {
        let changes_a_path = specimens.iter().zip(&usual).any(|(report, usual)| {
            let mut changed = report.clone();
            let Some(number) = changed.pointer_mut(pointer) else { return false };
            *number = if *number == json!(7) { json!(9) } else { json!(2_000_000) };
            read(&changed, &paths) != *usual
        });
        *gated.entry(place).or_default() |= changes_a_path;
    }
    let reason = |place: &str| UNGATED.iter().any(|(start, _)| starts(place, start));
    let bare: Vec<_> =
        gated.iter().filter(|(place, gated)| !**gated && !reason(place)).map(|(place, _)| *place).collect();
    assert!(bare.is_empty(), "no gate can be about these numbers, and nothing says why: {bare:#?}");
    let needed: BTreeSet<&str> = UNGATED
        .iter()
        .filter(|(start, _)| gated.iter().any(|(place, gated)| !*gated && starts(place, start)))
        .map(|(start, _)| *start)
        .collect();
    let idle: Vec<_> = UNGATED.iter().map(|(start, _)| *start).filter(|start| !needed.contains(start)).collect();
    assert!(idle.is_empty(), "these have paths, or are no more: {idle:#?}");
    assert!(gated.values().filter(|gated| **gated).count() > 200, "{}", gated.len());
}
