//! After reading has ended: what was found becomes the report.

mod gaps;

use std::collections::BTreeMap;
use std::io;

use super::Offset;
use super::join::{self, ReadSide, completed, join};
use super::prepare::Prepared;
use super::{Config, LAST};
use crate::clock::{Anchor, Monotonic, Nanos};
use crate::event::catalogue::Catalogue;
use crate::event::stamp::DueTime;
use crate::event::stamp::Numbering;
use crate::figures::as_f64;
use crate::kafka::describe;
use crate::ledger::rules::Rules;
use crate::measure::{PhaseShard, Sampler, Shard};
use crate::report::drift::DriftVerdict;
use crate::report::latency::Kind;
use crate::report::reading::Reading;
use crate::report::{Findings, Latencies, LatencySummary, Run, RunReport, SCHEMA_VERSION, TypeReport};
use crate::run::attribute::{ALL, Attributed, LOOK_UPS, Opened, settle_duplicates, stretches};
use crate::run::ends::reader_ended;
use crate::run::schemas;
use crate::run::target::Target;
use crate::run::watch::WatchRecord;
use crate::run::{Outcome, RunError, client_errors, group, sections, summary, surroundings};
use crate::verify::findings::keep;
use crate::verify::look_up::Ours;
use crate::verify::look_up::{Search, SearchResult, read_again};
use crate::verify::topic_book::{Counts, Extent, TopicBook};
use crate::verify::{Duplicate, EndedBy, Inspected, PartitionState, VerifierEnd};
use gaps::{Gaps, lane_reading};

/// While records still come, what was due so shortly before the last of them may be on its way: a gap before it is not missing yet.
const EDGE: Nanos = Nanos::from_secs(10);
/// Lanes told one by one, at most.
const TOLD: usize = 1_000;

/// How a reading ended.
pub(super) struct ReadingEnd<'a> {
    /// What the verifier came to.
    pub(super) verifier: VerifierEnd<TopicBook>,
    /// The report of the run that it is joined with.
    pub(super) run: Option<RunReport>,
    /// What became of a topic, where that is known.
    pub(super) problem: Option<String>,
    pub(super) anchor: Anchor,
    pub(super) clock: Monotonic,
    /// How long it took to read.
    pub(super) took: Nanos,
    /// Makes a reader for what must be read again.
    pub(super) open: &'a dyn Fn(&Target, &str) -> Opened,
}

pub(super) fn outcome(
    config: &Config,
    prepared: &Prepared,
    mut sampler: Sampler,
    watched: WatchRecord,
    ended: ReadingEnd<'_>,
) -> Result<Outcome, RunError> {
    let ReadingEnd { verifier, run, problem, anchor, clock, took, open } = ended;
    let open = |isolation: &str| open(&prepared.target, isolation);
    let drift_ns = anchor.drift_ns(&clock);
    let reader_ended = reader_ended(&verifier);
    let VerifierEnd { by, records, last_record, book, partitions: mut states, inspected, errors, throttle, .. } =
        verifier;
    let Inspected { findings, duplicates, overtaking, damaged, damaged_seen, older, schemas: read, sightings } =
        inspected;
    let mut findings = findings.0;
    note_another(prepared, &mut states);
    let (mut deadlines, mut joined) = (Vec::new(), None);
    if let Some((produced, run)) = config.producer.as_ref().zip(run.as_ref()) {
        let read =
            ReadSide { book: &book, states: &mut states, duplicates, damaged: &damaged, overtaking: &overtaking };
        let found = join(config, produced, prepared, read, &open, &mut findings)
            .and_then(|joined| check_sum(&joined, run).map(|()| joined))
            .map_err(|source| RunError::Answers { path: produced.answers.clone(), source })?;
        deadlines.extend(found.unfinished.clone());
        joined = Some(found);
    } else {
        let open = (by != EndedBy::Abort).then_some(&open as &dyn Fn(&str) -> Opened);
        tell_copies(config, prepared, open, duplicates, &states, &mut findings, &mut deadlines);
        for damaged in damaged {
            keep(&mut findings.examples, "corrupt", || damaged.example);
        }
    }
    let counts = settle_lanes(&book, &mut findings, &mut sampler);
    let mut unverified = joined.as_mut().map_or_else(Vec::new, |joined| std::mem::take(&mut joined.unverified));
    summary::name_places(&prepared.target.slots, &mut unverified, &mut findings);
    let total = sampler.total();
    let whole = total.whole();
    let cluster_error = what_ended_it(by, problem.or(reader_ended), prepared, &states, &mut deadlines);
    let is_quiet = by == EndedBy::Idle || states.iter().all(is_at_end) && took - last_record >= EDGE;
    let mut reading = reading(config, prepared, &book, &states, (is_quiet, by, anchor));
    reading.other_layout = older + counts.all_older;
    reading.awaited = awaited(by, records, config);
    reading.ended_by = watched.ended_by.clone().unwrap_or_else(|| in_words(by, &watched, config));
    (reading.records, reading.events, reading.records_per_s) = (records, total.seen, rate(records, last_record));
    reading.damaged = config.run.map(|_| damaged_seen);
    let environment =
        surroundings::environment(&prepared.target, &config.catalogue, &config.schemas, &prepared.settings);
    let (timeline, joined_seconds) = watched.timeline.into_rows();
    let report = RunReport {
        client_errors: client_errors::told(
            std::iter::empty(),
            Some((&errors, config.verify.group.is_some())),
            &prepared.target.slots,
            &environment,
        ),
        read_throttling: client_errors::throttling(&throttle),
        schema_version: SCHEMA_VERSION,
        tool: surroundings::tool(),
        run: Run {
            id: config.run.map_or_else(String::new, |run| run.to_string()),
            name: config.name.clone(),
            started_at: summary::rfc3339(anchor),
            measured_s: took.as_secs_f64(),
            source: "topic".to_owned(),
            interrupted: watched.interrupted,
            wall_clock_drift_us: drift_ns / 1000,
            deadlines_reached: deadlines,
            ..Run::default()
        },
        environment,
        findings,
        reading: Some(reading),
        latency_us: latencies(&whole, &book),
        distributions: sections::distributions(&whole, false, true),
        by_type: by_type(&config.catalogue, total, clock_bound_us(&book)),
        schemas: schemas::uses(&config.catalogue, &config.schemas, None, Some(&read)),
        partitions: sections::partitions(&prepared.target.slots, total, &states),
        group: group::report(&prepared.target, &clock),
        timeline,
        joined_seconds,
        process: watched.process,
        drift: watched.soak.map(|soak| soak.drift()).filter(|drift| drift.verdict != DriftVerdict::Unevaluated),
        ..RunReport::default()
    };
    let (report, another) = match run.zip(joined) {
        Some((run, joined)) => {
            let anew = join::made_anew(prepared, config.producer.as_ref(), &run, &states);
            let report = completed(run, report, &joined, config.verify.reads_committed());
            join::tell_anew(report, &anew)
        }
        None => (report, None),
    };
    let cluster_error = cluster_error.or(another);
    Ok(Outcome {
        report,
        measured: total.clone(),
        stalls: Vec::new(),
        unverified,
        cluster_error,
        interrupted: watched.interrupted,
        ended_by: watched.ended_by,
        unwritten: config.sightings.clone().zip(sightings.and_then(|sightings| sightings.finish().err())),
        fidelity: None,
        fraud: None,
    })
}

/// What looked like a lane and never went on was another producer's; what did was seen, only later believed.
fn settle_lanes(book: &TopicBook, findings: &mut Findings, sampler: &mut Sampler) -> Counts {
    let counts = book.counts();
    findings.foreign += counts.unconfirmed + counts.older;
    let seen = &mut sampler.total_mut().seen;
    *seen = (*seen + counts.confirmed_late).saturating_sub(counts.older);
    counts
}

/// A topic that was made anew may have been seen to be only after the reader had ended, or have been another before it began.
fn note_another(prepared: &Prepared, states: &mut [PartitionState]) {
    let is_another = prepared.target.topics.made_anew().is_some() || !prepared.anew.is_empty();
    for state in states {
        state.is_another = is_another;
    }
}

/// Whole microseconds, and the one that rounding down takes from each time.
fn clock_bound_us(book: &TopicBook) -> Option<u64> {
    book.clock_bound().map(|bound| bound.as_micros() + 1)
}

/// All that a reading can time.
fn latencies(whole: &PhaseShard, book: &TopicBook) -> Latencies {
    let seen = LatencySummary { clock_bound_us: clock_bound_us(book), ..whole.latency(Kind::EndToEnd).summary() };
    Latencies { end_to_end: Some(seen), ..Latencies::default() }
}

/// What the book and the partitions say.
fn reading(
    config: &Config,
    prepared: &Prepared,
    book: &TopicBook,
    states: &[PartitionState],
    (is_quiet, by, anchor): (bool, EndedBy, Anchor),
) -> Reading {
    let unread: Vec<usize> = places(states, |state| !is_read(state));
    let begun_late: Vec<usize> = places(states, |state| state.from > 0);
    let wall = |at: Nanos| DueTime::from_unix_ns(config.now_unix_ns().min(anchor.unix_ns(at)));
    // What the log says decides, not when it is asked: only where its end was reached and nothing came any more is everything there.
    let latest = book.latest_due().unwrap_or_default().min(DueTime::from_unix_ns(config.now_unix_ns()));
    let edge = DueTime::from_unix_ns(latest.unix_ns().saturating_sub(EDGE.0));
    let cutoff = if is_quiet { DueTime::LATEST } else { edge };
    let extent = Extent { unread: &unread, begun_late: &begun_late, cutoff, ready: wall(EDGE) };
    let gaps = Gaps::of(config, prepared.target.is_compacted(), book, states, &extent);
    let silence = "a partition went on after it had fallen silent, and was not read to its end";
    let unknown = gaps.unknown.or_else(|| (by == EndedBy::Idle && gaps.open > 0).then(|| silence.to_owned()));
    let counts = book.counts();
    Reading {
        from: match config.offset {
            _ if config.producer.is_some() => "run",
            _ if prepared.goes_on => "committed",
            Offset::Earliest => "earliest",
            Offset::Latest => "latest",
        }
        .to_owned(),
        content: if config.run.is_some() { "keyed" } else { "schema" }.to_owned(),
        missing: gaps.missing.filter(|_| unknown.is_none()),
        missing_unknown: unknown,
        open: gaps.open,
        below_start: gaps.below,
        lag: lag(states),
        hidden: states.iter().filter(|state| state.is_held).map(hidden).sum(),
        cut_off: states.iter().map(|state| state.cut_off).sum(),
        skipped: states.iter().map(|state| state.skipped).sum(),
        untimed: counts.untimed,
        untracked: counts.untracked,
        forgotten: counts.forgotten,
        lane_count: u64::try_from(gaps.lanes.len()).unwrap_or(u64::MAX),
        lanes: gaps.lanes.iter().take(TOLD).map(|lane| lane_reading(lane, gaps.judged)).collect(),
        ..Reading::default()
    }
}

/// Whether the answers are those of all events of the run.
fn check_sum(joined: &Attributed, run: &RunReport) -> io::Result<()> {
    let found: u64 = joined.phases.iter().map(|counts| counts.scheduled).sum();
    let scheduled = run.ledger.scheduled;
    if found == scheduled {
        return Ok(());
    }
    let why = format!("it holds the answers for {found} of {scheduled} events");
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}

/// Whose second sightings were, which only the run's id can prove.
fn tell_copies(
    config: &Config,
    prepared: &Prepared,
    open: Option<&dyn Fn(&str) -> Opened>,
    duplicates: Vec<Duplicate>,
    states: &[PartitionState],
    findings: &mut Findings,
    deadlines: &mut Vec<String>,
) {
    let Some(run) = config.run.filter(|_| !duplicates.is_empty()) else { return };
    let search = Search {
        copies_of: duplicates.iter().map(|twice| (twice.lane, twice.sequence)).collect(),
        stretches: stretches(states, false, &duplicates),
        ..Search::default()
    };
    let ours =
        Ours { run, catalogue: &config.catalogue, numbering: Numbering::default(), homes: None, rules: Rules::ALL };
    let answers = match open.map(|open| open(ALL)) {
        Some(Ok(mut reader)) => read_again(reader.as_mut(), &config.topics[0], ours, &search, LOOK_UPS, |_, _| {}),
        None => SearchResult::default(),
        Some(Err(error)) => {
            tracing::warn!("the log cannot be read again: {error}");
            SearchResult::default()
        }
    };
    if !answers.unfinished.is_empty() {
        let partitions = prepared.target.slots.told(&answers.unfinished);
        deadlines.push(format!("second reading: partitions {partitions} were not read again within {LOOK_UPS:?}"));
    }
    settle_duplicates(duplicates, &answers, states, Rules::ALL, findings);
}

/// The types of event, each with its share of those that were seen.
fn by_type(catalogue: &Catalogue, total: &Shard, clock_bound_us: Option<u64>) -> BTreeMap<String, TypeReport> {
    let mut types = sections::by_type(catalogue, total);
    let all: u64 = types.values().map(|of| of.verified).sum();
    for of in types.values_mut() {
        of.share_percent = as_f64(of.verified) / as_f64(all.max(1)) * 100.0;
        of.latency_us.end_to_end.clock_bound_us = clock_bound_us;
    }
    types
}

/// The places of some partitions.
fn places(states: &[PartitionState], which: impl Fn(&PartitionState) -> bool) -> Vec<usize> {
    (0..).zip(states).filter(|(_, state)| which(state)).map(|(at, _)| at).collect()
}

/// Whether a partition has been read to its end.
fn is_read(state: &PartitionState) -> bool {
    state.is_held && state.log_end.is_some_and(|end| state.position >= end)
}

/// Whether the end of a partition had been reached when it was last heard of.
fn is_at_end(state: &PartitionState) -> bool {
    state.is_held && state.at_end
}

/// How many records are still awaited of those that were asked for.
fn awaited(by: EndedBy, records: u64, config: &Config) -> Option<u64> {
    let asked = config.until.records.filter(|_| by != EndedBy::Records)?;
    Some(asked.saturating_sub(records))
}

/// Offsets that an open transaction hides from the reader.
fn hidden(state: &PartitionState) -> u64 {
    let span = state.hidden_from.zip(state.log_end).map(|(from, end)| end - from.max(state.position));
    span.and_then(|span| u64::try_from(span).ok()).unwrap_or(0)
}

/// Records between the positions and the ends, over the partitions that are the reader's; `None` where it has none. Positions in a log that is gone say nothing of
/// the one that is there.
fn lag(states: &[PartitionState]) -> Option<u64> {
    let of = |state: &PartitionState| {
        let end = state.log_end.filter(|_| !state.is_another)?;
        Some(u64::try_from(end - state.position).unwrap_or(0))
    };
    let held = || states.iter().filter(|state| state.is_held);
    held().next()?;
    held().map(of).sum()
}

fn rate(records: u64, took: Nanos) -> Option<f64> {
    (took > Nanos::ZERO && records > 0).then(|| as_f64(records) / took.as_secs_f64())
}

/// What the cluster did that ended the reading.
fn what_ended_it(
    by: EndedBy,
    told: Option<String>,
    prepared: &Prepared,
    states: &[PartitionState],
    deadlines: &mut Vec<String>,
) -> Option<String> {
    let unknown: Vec<i32> =
        (0_i32..).zip(states).filter(|(_, state)| state.log_end.is_none()).map(|(partition, _)| partition).collect();
    if !unknown.is_empty() && by != EndedBy::Abort {
        let partitions = prepared.target.slots.told(&unknown);
        deadlines.push(format!("the ends of partitions {partitions} were not told within {LAST:?}"));
    }
    let silence = "nothing came any more, and the cluster did not say whether there is more to read";
    let silent = (by == EndedBy::Silence).then(|| silence.to_owned());
    prepared.target.topics.made_anew().map(str::to_owned).or(told).or(silent)
}

fn in_words(by: EndedBy, watched: &WatchRecord, config: &Config) -> String {
    match by {
        EndedBy::Idle => format!("nothing was left to read for {:?}", config.until.idle.unwrap_or_default()),
        EndedBy::Unassigned => "its group gave this process no partition".to_owned(),
        EndedBy::Records => "as many records as were asked for".to_owned(),
        EndedBy::Unjudged => "what was read could not be judged: a schema is not known".to_owned(),
        EndedBy::Silence => "the cluster fell silent".to_owned(),
        EndedBy::Denied(code) | EndedBy::Refused(code) => describe(code),
        EndedBy::Anew => "a topic was deleted and made anew".to_owned(),
        EndedBy::Abort => "interrupted twice".to_owned(),
        EndedBy::Request if watched.asked => "interrupted".to_owned(),
        EndedBy::Request => "asked to end".to_owned(),
    }
}
