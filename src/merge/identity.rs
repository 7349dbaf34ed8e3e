//! Are these parts of one run? And what one process would have said of that run.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Aligned, MergeError, Part};
use crate::figures::counted;
use crate::report::{Environment, Fidelity, InterArrival, Replay, Run, RunReport};

/// The parts in the order of their lanes, on a common clock, and when the first of them started.
pub(super) fn aligned(mut parts: Vec<Part>) -> Result<(Vec<Aligned>, Timestamp), MergeError> {
    parts.sort_by_cached_key(|part| (lanes(&part.report.run), part.name.clone()));
    same_run(&parts)?;
    disjoint_lanes(&parts)?;
    for part in &parts {
        let (classes, scheduled) = (part.report.ledger.sum(), part.report.ledger.scheduled);
        if classes != scheduled {
            return Err(MergeError::Ledger { part: part.name.clone(), classes, scheduled });
        }
    }
    let starts = parts.iter().map(started_at).collect::<Result<Vec<_>, _>>()?;
    let first = starts.iter().min().copied().unwrap_or_default();
    let aligned: Vec<Aligned> = parts
        .into_iter()
        .zip(starts)
        .map(|(Part { name, report, recording, rows }, start)| {
            let starts_s = start.duration_since(first).as_secs_f64();
            Aligned { name, report, recording, rows, starts_s }
        })
        .collect();
    together(&aligned)?;
    Ok((aligned, first))
}

/// By the part's own clock; in a fleet by the broker's.
pub(super) fn started_at(part: &Part) -> Result<Timestamp, MergeError> {
    let text = &part.report.run.started_at;
    text.parse().map_err(|_| MergeError::Time { part: part.name.clone(), text: text.clone() })
}

/// The numbers of a run's lanes.
fn lanes(run: &Run) -> Vec<u16> {
    if run.lane_numbers.is_empty() { (0..run.lanes).collect() } else { run.lane_numbers.clone() }
}

/// A name for a part of a report, and how to show it.
type Trait = (&'static str, fn(&RunReport) -> String);

/// What parts of one run have in common.
const SHARED: [Trait; 13] = [
    ("the run's id", |report| report.run.id.clone()),
    ("the schema version", |report| report.schema_version.to_string()),
    ("the version of loadgen", |report| report.tool.version.clone()),
    ("the version of librdkafka", |report| report.tool.librdkafka.clone()),
    ("the run's name", |report| report.run.name.clone()),
    ("the seed", |report| report.run.seed.map_or_else(|| "none".to_owned(), |seed| seed.to_string())),
    ("the source", |report| report.run.source.clone()),
    ("the schedule", |report| report.run.schedule.clone()),
    ("the embedded broker", |report| report.run.embedded.to_string()),
    ("the list of topics", |report| {
        let topic = |topic: &crate::report::TopicReport| {
            let copies = topic.replication_factor.map_or_else(|| "?".to_owned(), |copies| copies.to_string());
            let partitions = counted(topic.partitions.unsigned_abs().into(), "partition");
            format!("{} ({partitions}, replication factor {copies})", topic.name)
        };
        report.environment.topics.iter().map(topic).collect::<Vec<_>>().join(", ")
    }),
    ("the list of phases", |report| {
        let phase = |phase: &crate::report::PhaseReport| format!("{} ({})", phase.name, phase.schedule);
        report.phases.iter().map(phase).collect::<Vec<_>>().join(", ")
    }),
    ("the drawing of events", |report| {
        report.synthetic.as_ref().map_or_else(String::new, |drawn| format!("{drawn:?}"))
    }),
    ("what is replayed", |report| {
        let replay = report.replay.as_ref();
        replay.map_or_else(|| "nothing".to_owned(), |replay| format!("{} at speed {:?}", replay.file, replay.speed))
    }),
];

fn same_run(parts: &[Part]) -> Result<(), MergeError> {
    let Some((first, others)) = parts.split_first() else { return Ok(()) };
    for other in others {
        for (what, of) in SHARED {
            let (first_value, other_value) = (of(&first.report), of(&other.report));
            if first_value != other_value {
                let (first, other) = (first.name.clone(), other.name.clone());
                return Err(MergeError::Differs { what, first, first_value, other, other_value });
            }
        }
    }
    Ok(())
}

fn disjoint_lanes(parts: &[Part]) -> Result<(), MergeError> {
    let mut owners = BTreeMap::<u16, &str>::new();
    for part in parts {
        let run = &part.report.run;
        let numbers = lanes(run);
        if numbers.len() != usize::from(run.lanes) {
            return Err(MergeError::LanesUnclear { part: part.name.clone(), lanes: run.lanes, named: numbers.len() });
        }
        for lane in numbers {
            if let Some(first) = owners.insert(lane, &part.name) {
                return Err(MergeError::LanesOverlap { lane, first: first.to_owned(), other: part.name.clone() });
            }
        }
    }
    Ok(())
}

/// There is an instant at which all parts ran.
fn together(parts: &[Aligned]) -> Result<(), MergeError> {
    let ends = |part: &Aligned| part.starts_s + part.report.run.measured_s;
    let first_to_end = parts.iter().min_by(|a, b| ends(a).total_cmp(&ends(b)));
    let last_to_start = parts.iter().max_by(|a, b| a.starts_s.total_cmp(&b.starts_s));
    match (first_to_end, last_to_start) {
        (Some(first), Some(other)) if ends(first) < other.starts_s => {
            Err(MergeError::NotTogether { first: first.name.clone(), other: other.name.clone() })
        }
        _ => Ok(()),
    }
}

/// The run as a whole.
pub(super) fn run(parts: &[Aligned], measured_s: f64) -> Run {
    let runs = || parts.iter().map(|part| &part.report.run);
    let first = &parts[0].report.run;
    let earliest = parts.iter().min_by(|a, b| a.starts_s.total_cmp(&b.starts_s)).map_or(first, |part| &part.report.run);
    let mut lane_numbers: Vec<u16> = runs().flat_map(lanes).collect();
    lane_numbers.sort_unstable();
    // At most 4,096 lanes exist and none is there twice, so they always fit.
    let lanes = u16::try_from(lane_numbers.len()).unwrap_or(u16::MAX);
    let all: Vec<u16> = (0..lanes).collect();
    let deadlines: BTreeSet<&String> = runs().flat_map(|run| &run.deadlines_reached).collect();
    Run {
        started_at: earliest.started_at.clone(),
        measured_s,
        // Where none was planned, parts that started a moment apart have none either.
        warm_up_s: parts
            .iter()
            .filter(|part| part.report.run.warm_up_s > 0.0)
            .map(|part| part.starts_s + part.report.run.warm_up_s)
            .fold(0.0, f64::max),
        lanes,
        lane_numbers: if lane_numbers == all { Vec::new() } else { lane_numbers },
        interrupted: runs().any(|run| run.interrupted),
        wall_clock_drift_us: runs().map(|run| run.wall_clock_drift_us).max_by_key(|us| us.unsigned_abs()).unwrap_or(0),
        deadlines_reached: deadlines.into_iter().cloned().collect(),
        ..first.clone()
    }
}

/// Where the parts ran. They may share a machine or not, so the number of cores is the largest that any of them had.
pub(super) fn environment(parts: &[Aligned]) -> Environment {
    let environments = || parts.iter().map(|part| &part.report.environment);
    let brokers: BTreeSet<&String> = environments().flat_map(|environment| &environment.brokers).collect();
    let systems: BTreeSet<&String> = environments().map(|environment| &environment.os).collect();
    let mut settings = BTreeMap::<&String, BTreeSet<&String>>::new();
    for (name, value) in environments().flat_map(|environment| &environment.client_config) {
        settings.entry(name).or_default().insert(value);
    }
    Environment {
        cores: environments().map(|environment| environment.cores).max().unwrap_or(0),
        cpu_quota: environments().filter_map(|environment| environment.cpu_quota).reduce(f64::min),
        os: joined(&systems),
        brokers: brokers.into_iter().cloned().collect(),
        topics: parts[0].report.environment.topics.clone(),
        event_types: parts[0].report.environment.event_types.clone(),
        schemas: parts[0].report.environment.schemas.clone(),
        key_schemas: parts[0].report.environment.key_schemas.clone(),
        client_config: settings.iter().map(|(name, values)| ((*name).clone(), joined(values))).collect(),
    }
}

/// One value where all parts agree, else all of them.
fn joined(values: &BTreeSet<&String>) -> String {
    values.iter().map(|value| value.as_str()).collect::<Vec<_>>().join(" | ")
}

/// Bounds: of several parts, the worst one's quantiles and distance are at least those of the whole.
fn fidelity(replays: &[&Replay]) -> Option<Fidelity> {
    let parts: Vec<&Fidelity> = replays.iter().filter_map(|replay| replay.fidelity.as_ref()).collect();
    let (first, rest) = parts.split_first()?;
    if rest.is_empty() {
        return Some((*first).clone());
    }
    let worst = |of: fn(&Fidelity) -> Option<u64>| parts.iter().filter_map(|part| of(part)).max();
    let farthest = |of: fn(&Fidelity) -> Option<f64>| parts.iter().filter_map(|part| of(part)).reduce(f64::max);
    let gaps = |of: fn(&Fidelity) -> InterArrival| InterArrival {
        max_us: parts.iter().filter_map(|part| of(part).max_us).max(),
        ..InterArrival::default()
    };
    let counted = parts.iter().all(|part| part.inversions.is_some());
    Some(Fidelity {
        // One part that is not faithful is enough; to call the whole faithful takes all.
        judged: parts.iter().all(|part| part.judged) || parts.iter().any(|part| part.judged && !part.faithful),
        faithful: parts.iter().all(|part| part.faithful),
        reasons: parts.iter().flat_map(|part| part.reasons.iter().cloned()).collect(),
        bound: format!("each part: {}", first.bound),
        events: parts.iter().map(|part| part.events).sum(),
        off_p50_us: None,
        off_p99_us: worst(|part| part.off_p99_us),
        off_max_us: worst(|part| part.off_max_us),
        ks_distance: farthest(|part| part.ks_distance),
        ks_distance_1us: farthest(|part| part.ks_distance_1us),
        recorded_gaps: gaps(|part| part.recorded_gaps),
        replayed_gaps: gaps(|part| part.replayed_gaps),
        moved_percent: parts.iter().map(|part| part.moved_percent).fold(0.0, f64::max),
        peak_recorded_per_s: None,
        peak_replayed_per_s: None,
        inversions: counted.then(|| parts.iter().filter_map(|part| part.inversions).sum()),
    })
}

/// What was replayed. Every process reads the whole file and plays its lanes' share, so facts of the file are not added.
pub(super) fn replay(parts: &[Aligned]) -> Option<Replay> {
    let replays: Vec<&Replay> = parts.iter().filter_map(|part| part.report.replay.as_ref()).collect();
    let first = *replays.first()?;
    let most = |of: fn(&Replay) -> u64| replays.iter().map(|replay| of(replay)).max().unwrap_or(0);
    let derived: BTreeSet<&String> = replays.iter().flat_map(|replay| &replay.derived_fields).collect();
    Some(Replay {
        rows: most(|replay| replay.rows),
        bad_rows: most(|replay| replay.bad_rows),
        left_out: first.left_out.clone(),
        bad_property_rows: most(|replay| replay.bad_property_rows),
        span_recorded_ms: most(|replay| replay.span_recorded_ms),
        span_replayed_ms: most(|replay| replay.span_replayed_ms),
        gaps_capped: most(|replay| replay.gaps_capped),
        descents: most(|replay| replay.descents),
        duplicate_rows: most(|replay| replay.duplicate_rows),
        first_recorded: replays.iter().map(|replay| &replay.first_recorded).min()?.clone(),
        last_recorded: replays.iter().map(|replay| &replay.last_recorded).max()?.clone(),
        derived_fields: derived.into_iter().cloned().collect(),
        fidelity: fidelity(&replays),
        ..first.clone()
    })
}
