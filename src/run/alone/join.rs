//! Joining a reading with what the producer's client was answered: then every scheduled event gets its class.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::Config;
use super::prepare::Prepared;
use crate::event::stamp::{Numbering, RunId};
use crate::ledger::answers::{Answered, End, Head, Line, head, read};
use crate::ledger::class::{Answer, Class, Facts, LookUp, Sight};
use crate::ledger::rules::Rules;
use crate::report::fleet::FleetReport;
use crate::report::{Findings, LedgerCounts, RunReport};
use crate::run::Unverified;
use crate::run::attribute::evidence::SeenInLog;
use crate::run::attribute::{Attributed, Listing, Log, Opened, SecondReading, not_read_again};
use crate::run::schemas;
use crate::run::surroundings::note_isolation;
use crate::verify::look_up::AckedEvent;
use crate::verify::look_up::Ours;
use crate::verify::topic_book::{SequenceState, TopicBook};
use crate::verify::{Damaged, Duplicate, Overtaking, PartitionState};

/// Whether the producer's run is over: its report, or why there will be none.
pub type Finished = dyn Fn() -> Result<Option<RunReport>, String> + Send + Sync;

/// The producer's run.
#[derive(Clone)]
pub struct ProducerRun {
    /// Its id.
    pub run: RunId,
    /// Where each partition ended before it, topic after topic.
    pub starts: Vec<i64>,
    /// How its lanes are numbered.
    pub numbering: Numbering,
    /// Its topics with their partitions.
    pub topics: Vec<(String, i32)>,
    /// Whether its events were sent in transactions.
    pub transactional: bool,
    /// Whether one of its topics was compacted when it began.
    pub compacted: bool,
    /// The topics' ids when it began, as far as they are known.
    pub ids: Vec<Option<String>>,
    /// What its client was answered.
    pub answers: PathBuf,
    /// Asks whether it is over.
    pub finished: Arc<Finished>,
}

impl fmt::Debug for ProducerRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProducerRun").field("run", &self.run).field("answers", &self.answers).finish_non_exhaustive()
    }
}

impl ProducerRun {
    /// The run whose answers are, or are being, written to that file.
    ///
    /// # Errors
    /// Where it cannot be read, or is no such file.
    pub fn open(answers: PathBuf, finished: Arc<Finished>) -> io::Result<Self> {
        let head = head(&answers)?;
        let damaged = |_| io::Error::new(io::ErrorKind::InvalidData, format!("\"{}\" is no id of a run", head.run));
        let run = head.run.parse().map_err(damaged)?;
        let Head { lanes, starts, topics, transactional, compacted, ids, .. } = head;
        let numbering = Numbering::of(lanes);
        Ok(Self { run, starts, numbering, topics, transactional, compacted, ids, answers, finished })
    }

    /// The highest acked offset of each partition.
    ///
    /// # Errors
    /// A file of answers that cannot be read.
    pub(super) fn highest_acked(&self) -> io::Result<Vec<Option<i64>>> {
        let mut highest = vec![None; self.starts.len()];
        self.each(&mut |_, event| {
            if let Some((partition, offset)) = event.place
                && let Some(highest) = usize::try_from(partition).ok().and_then(|index| highest.get_mut(index))
            {
                *highest = (*highest).max(Some(offset));
            }
        })?;
        Ok(highest)
    }

    /// Every event with its lane; the ends of the lanes are given back.
    fn each(&self, of: &mut dyn FnMut(u16, Answered)) -> io::Result<Vec<End>> {
        let mut ends = Vec::new();
        read(&self.answers, &mut |line| {
            match line {
                Line::Head(_) => {}
                Line::End(end) => ends.push(end),
                Line::Answers(answers) => {
                    let contradicts = || io::Error::new(io::ErrorKind::InvalidData, "a line contradicts itself");
                    answers.each().ok_or_else(contradicts)?.into_iter().for_each(|event| of(answers.lane, event));
                }
            }
            Ok(())
        })?;
        Ok(ends)
    }
}

/// What was read, as the join needs it.
pub(super) struct ReadSide<'a> {
    pub(super) book: &'a TopicBook,
    pub(super) states: &'a mut [PartitionState],
    pub(super) duplicates: Vec<Duplicate>,
    pub(super) damaged: &'a [Damaged],
    pub(super) overtaking: &'a Overtaking,
}

/// Reads the log again where that is needed, and gives each event its class.
///
/// # Errors
/// A file of answers that cannot be read.
pub(super) fn join(
    config: &Config,
    produced: &ProducerRun,
    prepared: &Prepared,
    read: ReadSide<'_>,
    open: &dyn Fn(&str) -> Opened,
    findings: &mut Findings,
) -> io::Result<Attributed> {
    let ReadSide { book, states, duplicates, damaged, overtaking } = read;
    let log = Log {
        topic: &config.topics[0],
        topics: &prepared.target.topics,
        ours: Ours {
            run: produced.run,
            catalogue: &config.catalogue,
            numbering: produced.numbering,
            homes: prepared.target.homes(),
            rules: Rules::ALL,
        },
        compacted: produced.compacted || prepared.target.is_compacted(),
        committed_only: config.verify.reads_committed(),
        open,
    };
    let mut reading = SecondReading::new(log, states, damaged, overtaking);
    let mut unseen: BTreeMap<i32, i64> = BTreeMap::new();
    produced.each(&mut |lane, event| {
        if let Some((partition, offset)) = event.place.filter(|_| event.answer == Answer::Acked)
            && (reading.states().get(usize::try_from(partition).unwrap_or(usize::MAX)))
                .is_some_and(|state| state.log_end <= Some(offset))
            && book.state_of(lane, event.sequence) != SequenceState::Whole
        {
            let highest = unseen.entry(partition).or_insert(offset);
            *highest = offset.max(*highest);
        }
    })?;
    reading.look_above(unseen.into_iter());
    let ends = produced.each(&mut |lane, event| {
        let Answered { sequence, key, .. } = event;
        let Some((partition, offset)) = event.place.filter(|_| event.answer == Answer::Acked) else { return };
        match book.state_of(lane, sequence) {
            SequenceState::Unseen => {}
            SequenceState::Damaged if reading.is_elsewhere(lane, sequence, (partition, offset)) => {}
            _ => return,
        }
        reading.look_up(AckedEvent { partition, offset, lane, sequence, key, due_ms: None });
    })?;
    let found = reading.read(duplicates, findings, None);
    // Only where its log was cut off can what the reader was given no record of have come past it.
    let was_cut_off = |event: &Answered| {
        let Some((partition, offset)) = event.place else { return true };
        let state = usize::try_from(partition).ok().and_then(|partition| states.get(partition));
        state.is_none_or(|state| state.truncation.is_some() && offset < state.reached())
    };
    let starts: BTreeMap<u16, Vec<u64>> = ends.into_iter().map(|end| (end.lane, end.phase_starts)).collect();
    let phases = starts.values().map(Vec::len).max().unwrap_or(0).max(1);
    let mut joined = Attributed {
        phases: vec![LedgerCounts::default(); phases],
        unfinished: not_read_again(&found, &prepared.target.slots),
        ..Attributed::default()
    };
    let mut listing = Listing::new(&config.topics[0], damaged);
    produced.each(&mut |lane, event| {
        let facts = facts((book, &found), lane, event, was_cut_off(&event), config.verify.reads_committed());
        let class = Class::of(facts);
        let started = starts.get(&lane).map_or(&[][..], Vec::as_slice);
        let phase = started.partition_point(|start| *start <= event.sequence).saturating_sub(1);
        joined.phases[phase].add(class, 1);
        if class != Class::Verified {
            let gone = class == Class::Lost && facts.sight == Sight::Right;
            listing.add(Unverified::placed(lane, event.sequence, class, facts.look_up, gone, event.place), findings);
        }
    })?;
    joined.unverified = listing.into_told();
    Ok(joined)
}

fn facts(
    (book, found): (&TopicBook, &SeenInLog),
    lane: u16,
    event: Answered,
    was_cut_off: bool,
    committed_only: bool,
) -> Facts {
    let Answered { sequence, answer, place, aborted, .. } = event;
    let acked = place.filter(|_| answer == Answer::Acked);
    let sighted = match book.state_of(lane, sequence) {
        SequenceState::Damaged if acked.is_some_and(|place| found.is_elsewhere(lane, sequence, place)) => {
            SequenceState::Unseen
        }
        sighted => sighted,
    };
    let at = found.at(lane, sequence);
    // What came past the reader while the log was cut off and grew again is there all the same, for a reader of committed
    // records as far as it was committed.
    let is_there =
        was_cut_off && found.is_present(lane, sequence) == Some(true) && (!committed_only || at == LookUp::Present);
    let (sight, look_up) = match sighted {
        SequenceState::Unseen if is_there => (Sight::Right, LookUp::Nothing),
        SequenceState::Unseen => (Sight::Unseen, at),
        SequenceState::Forgotten => (Sight::Unseen, LookUp::Nothing),
        SequenceState::Damaged => (Sight::Damaged, LookUp::Nothing),
        SequenceState::Whole if found.is_gone(lane, sequence) => (Sight::Right, LookUp::Gone),
        SequenceState::Whole => (Sight::Right, LookUp::Nothing),
    };
    let look_up = if answer == Answer::Acked { look_up } else { LookUp::Nothing };
    Facts { answer, sight, look_up, aborted, verifying: true }
}

/// The topics that are not those that the run wrote to: they have other ids, were made anew while they were read, or, where no ids
/// are known, all that is in their logs came after the run.
pub(super) fn made_anew(
    prepared: &Prepared,
    produced: Option<&ProducerRun>,
    run: &RunReport,
    states: &[PartitionState],
) -> Vec<String> {
    let mut anew = prepared.anew.clone();
    anew.extend(prepared.target.topics.all_made_anew().into_iter().map(str::to_owned));
    // The run's times are by the broker's clock in a fleet, and those of its records by the machine's.
    let offset_us = run.fleet.as_ref().and_then(FleetReport::own_clock).map_or(0, |clock| clock.before.offset_us);
    let ended = run.run.started_at.parse::<jiff::Timestamp>().ok().and_then(|at| {
        at.as_millisecond().checked_add(
            // A run that is longer than its milliseconds can be counted has not ended.
            i64::try_from(std::time::Duration::try_from_secs_f64(run.run.measured_s).ok()?.as_millis()).ok()?,
        )
    });
    let Some(ended) = ended.map(|ended| ended - offset_us / 1_000) else { return anew };
    for (index, (name, _)) in prepared.target.slots.topics().enumerate() {
        let has_id = |id: Option<&Option<String>>| id.is_some_and(Option::is_some);
        if has_id(produced.and_then(|produced| produced.ids.get(index))) {
            continue;
        }
        let of_topic = (0_i32..).zip(states).filter(|(slot, _)| prepared.target.slots.topic_at(*slot) == Some(index));
        let read: Vec<&PartitionState> =
            of_topic.map(|(_, state)| state).filter(|state| state.first_record_ms.is_some()).collect();
        let is_younger = |state: &&PartitionState| state.log_start <= state.from && state.first_record_ms > Some(ended);
        if !read.is_empty() && read.iter().all(is_younger) {
            anew.push(name.to_owned());
        }
    }
    anew
}

/// Tells which topics were made anew, and what ends the account, where events were lost with one.
pub(super) fn tell_anew(mut report: RunReport, anew: &[String]) -> (RunReport, Option<String>) {
    for topic in &mut report.environment.topics {
        topic.made_anew |= anew.contains(&topic.name);
    }
    let was = anew.first().filter(|_| report.ledger.lost > 0).map(|name| {
        format!("topic \"{name}\" was deleted and made anew after the run had begun: the log is younger than the run")
    });
    (report, was)
}

/// The producer's report with what the reading adds to it.
pub(super) fn completed(
    mut producer: RunReport,
    read: RunReport,
    joined: &Attributed,
    read_committed: bool,
) -> RunReport {
    if producer.transactions.is_some() {
        note_isolation(&mut producer.environment, read_committed);
    }
    let ledger: LedgerCounts = joined.phases.iter().copied().sum();
    for (phase, counts) in producer.phases.iter_mut().zip(&joined.phases) {
        phase.ledger = *counts;
    }
    for (kind, seen) in &read.by_type {
        let of = producer.by_type.entry(kind.clone()).or_default();
        (of.verified, of.invalid) = (seen.verified, seen.invalid);
        of.latency_us.end_to_end = seen.latency_us.end_to_end;
    }
    for (of, seen) in producer.partitions.iter_mut().zip(&read.partitions) {
        (of.seen, of.longest_read_gap_us) = (seen.seen, seen.longest_read_gap_us);
        (of.from_offset, of.position) = (seen.from_offset, seen.position);
        (of.log_end, of.last_stable_offset) = (seen.log_end, seen.last_stable_offset);
    }
    for (topic, of) in &mut producer.by_topic {
        let partitions = read.partitions.iter().filter(|partition| partition.topic == *topic);
        of.seen = partitions.map(|partition| partition.seen).sum();
        let kinds = of.event_types.iter().filter_map(|kind| read.by_type.get(kind));
        (of.verified, of.invalid) = kinds.fold((0, 0), |sum, kind| (sum.0 + kind.verified, sum.1 + kind.invalid));
    }
    producer.schemas = schemas::joined(producer.schemas, read.schemas);
    producer.distributions.extend(read.distributions);
    producer.latency_us.end_to_end = read.latency_us.end_to_end;
    producer.client_errors.extend(read.client_errors);
    producer.read_throttling = read.read_throttling;
    producer.run.interrupted |= read.run.interrupted;
    producer.run.deadlines_reached.extend(read.run.deadlines_reached);
    let reading = read.reading.map(|reading| crate::report::reading::Reading {
        joined: Some(producer.run.id.clone()),
        // The ledger says what became of them.
        missing: None,
        missing_unknown: Some("the ledger says what became of each event".to_owned()),
        ..reading
    });
    RunReport { ledger, findings: read.findings, reading, ..producer }
}
