//! Joining a reading with what the producer's client was answered: then every scheduled event gets its class.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::Config;
use super::prepare::Prepared;
use crate::event::stamp::{Numbering, RunId, Stamp};
use crate::kafka::Record;
use crate::ledger::answers::{Answered, End, Head, Line, head, read};
use crate::ledger::class::{Answer, Class, Known, LookUp, Sight};
use crate::ledger::rules::Rules;
use crate::report::{Findings, LedgerCounts, RunReport};
use crate::run::Unverified;
use crate::run::attribute::evidence::Horizons;
use crate::run::attribute::{
    ALL, AgainReader, COMMITTED, LOOK_UPS, Listing, are_known_whole, as_read, by_place, is_cut_off, look_above,
    look_at_another, places_of, settle_duplicates, stretches,
};
use crate::run::surroundings::note_isolation;
use crate::verify::look_up::{Answers, Identity, Presence, Questions, Wanted, read_again, read_committed_again};
use crate::verify::topic_book::{Sighted, TopicBook};
use crate::verify::{Damaged, Duplicate, PartitionState};

/// Unseen events looked up, at most; of more nothing is claimed.
const MOST: usize = 1_000_000;

/// Whether the producer's run is over: its report, or why there will be none.
pub type Finished = dyn Fn() -> Result<Option<RunReport>, String> + Send + Sync;

/// The producer's run.
#[derive(Clone)]
pub struct Produced {
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

impl fmt::Debug for Produced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Produced").field("run", &self.run).field("answers", &self.answers).finish_non_exhaustive()
    }
}

impl Produced {
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

/// How the events ended.
#[derive(Debug, Default)]
pub(super) struct Joined {
    /// By phase.
    pub(super) phases: Vec<LedgerCounts>,
    pub(super) unverified: Vec<Unverified>,
    /// What could not be found out in time.
    pub(super) unfinished: Option<String>,
}

/// What was read, as the join needs it.
pub(super) struct Read<'a> {
    pub(super) book: &'a TopicBook,
    pub(super) states: &'a mut [PartitionState],
    pub(super) duplicates: Vec<Duplicate>,
    pub(super) damaged: &'a [Damaged],
}

/// What was found in the second reading.
#[derive(Default)]
struct Found {
    at: HashMap<Identity, LookUp>,
    present: Option<(BTreeMap<u16, Presence>, Horizons)>,
}

/// Reads the log again where that is needed, and gives each event its class.
///
/// # Errors
/// A file of answers that cannot be read.
pub(super) fn join(
    config: &Config,
    produced: &Produced,
    prepared: &Prepared,
    read: Read<'_>,
    findings: &mut Findings,
) -> io::Result<Joined> {
    let Read { book, states, duplicates, damaged } = read;
    let mut reader = AgainReader::new(|| Ok(Box::new(prepared.target.second_reader(ALL)?)));
    look_at_another(states, &mut reader, &config.topics[0]);
    let mut unseen: BTreeMap<i32, i64> = BTreeMap::new();
    produced.each(&mut |lane, event| {
        if let Some((partition, offset)) = event.place.filter(|_| event.answer == Answer::Acked)
            && states.get(usize::try_from(partition).unwrap_or(usize::MAX)).is_some_and(|s| s.log_end <= Some(offset))
            && book.sighted(lane, event.sequence) != Sighted::Whole
        {
            let highest = unseen.entry(partition).or_insert(offset);
            *highest = offset.max(*highest);
        }
    })?;
    look_above(unseen.into_iter(), states, &mut reader, &config.topics[0]);
    let states = &*states;
    let places = places_of(damaged);
    let compacted = produced.compacted || prepared.target.is_compacted();
    let mut found = Found::default();
    let mut questions = Questions { compacted, numbering: produced.numbering, ..Questions::default() };
    let ends = produced.each(&mut |lane, event| {
        let Answered { sequence, user, .. } = event;
        let Some((partition, offset)) = event.place.filter(|_| event.answer == Answer::Acked) else { return };
        match book.sighted(lane, sequence) {
            Sighted::Unseen => {}
            Sighted::Damaged if is_elsewhere(&places, lane, &event) => {}
            _ => return,
        }
        match by_place(partition, offset, states, Rules::ALL) {
            Some(known) => {
                found.at.insert((lane, sequence), known);
            }
            None if questions.wanted.len() >= MOST => {}
            None => {
                questions.wanted.push(Wanted { partition, offset, lane, sequence, user, due_ms: None });
            }
        }
    })?;
    let truncated = is_cut_off(states);
    questions.copies_of = duplicates.iter().map(|twice| (twice.lane, twice.sequence)).collect();
    questions.stretches = stretches(states, truncated, &duplicates);
    let mut joined = Joined::default();
    if !questions.wanted.is_empty() || !questions.stretches.is_empty() {
        let (mut presence, mut horizons) = (BTreeMap::<u16, Presence>::new(), Horizons::new(states));
        let each = |record: &Record<'_>, stamp: Stamp| {
            if truncated {
                presence.entry(stamp.lane).or_default().note(stamp.sequence);
                horizons.note(record, stamp);
            }
        };
        let mut answers = match reader.get() {
            Some(consumer) => {
                let topic = &config.topics[0];
                read_again(consumer, topic, produced.run, Rules::ALL, &questions, LOOK_UPS, each)
            }
            None => Answers { unfinished: (0_i32..).take(states.len()).collect(), ..Answers::default() },
        };
        if !answers.unfinished.is_empty() {
            joined.unfinished = Some(format!(
                "second reading: partitions {} were not read again to their end within {LOOK_UPS:?}; of what lies there \
                 nothing is claimed",
                prepared.target.slots.told(&answers.unfinished)
            ));
        }
        if truncated && answers.unfinished.is_empty() && are_known_whole(states) && !compacted {
            found.present = Some((presence, horizons));
        }
        settle_duplicates(duplicates, &answers, Rules::ALL, findings);
        if config.verify.read_committed && answers.at.values().any(|at| *at == LookUp::Present) {
            let mut reader = AgainReader::new(|| Ok(Box::new(prepared.target.second_reader(COMMITTED)?)));
            questions.stretches.clear();
            let (topic, run, at) = (&config.topics[0], produced.run, &mut answers.at);
            read_committed_again(reader.get(), topic, run, Rules::ALL, questions, at, LOOK_UPS, |_, _| {});
        }
        found.at.extend(answers.at.into_iter().map(|(event, at)| (event, as_read(at, states))));
    }
    let starts: BTreeMap<u16, Vec<u64>> = ends.into_iter().map(|end| (end.lane, end.phase_starts)).collect();
    let phases = starts.values().map(Vec::len).max().unwrap_or(0).max(1);
    joined.phases = vec![LedgerCounts::default(); phases];
    let mut listing = Listing::new(&config.topics[0], damaged);
    produced.each(&mut |lane, event| {
        let elsewhere = is_elsewhere(&places, lane, &event);
        let known = known(book, &found, lane, event, elsewhere, config.verify.read_committed);
        let class = Class::of(known);
        let started = starts.get(&lane).map_or(&[][..], Vec::as_slice);
        let phase = started.partition_point(|start| *start <= event.sequence).saturating_sub(1);
        joined.phases[phase].add(class, 1);
        if class != Class::Verified {
            let gone = class == Class::Lost && known.sight == Sight::Right;
            listing.add(Unverified::placed(lane, event.sequence, class, known.look_up, gone, event.place), findings);
        }
    })?;
    joined.unverified = listing.into_told();
    Ok(joined)
}

/// Whether what was seen of an acked event, and was damaged, lies elsewhere than where it was acked: then it is another producer's.
fn is_elsewhere(places: &HashMap<Identity, (i32, i64)>, lane: u16, event: &Answered) -> bool {
    let seen = places.get(&(lane, event.sequence));
    event.answer == Answer::Acked && seen.zip(event.place).is_some_and(|(seen, acked)| *seen != acked)
}

fn known(book: &TopicBook, found: &Found, lane: u16, event: Answered, elsewhere: bool, committed_only: bool) -> Known {
    let sequence = event.sequence;
    let is_there = |presence: &BTreeMap<u16, Presence>| presence.get(&lane).is_some_and(|of| of.has(sequence));
    let present = found.present.as_ref().map(|(presence, horizons)| (is_there(presence), horizons.of(lane)));
    let sighted = match book.sighted(lane, sequence) {
        Sighted::Damaged if elsewhere => Sighted::Unseen,
        sighted => sighted,
    };
    let (sight, mut look_up) = match (sighted, present) {
        // What came past the reader while the log was cut off and grew again is there all the same, for a reader of committed
        // records as far as it was committed.
        (Sighted::Unseen, Some((true, _)))
            if !committed_only || found.at.get(&(lane, sequence)) == Some(&LookUp::Present) =>
        {
            (Sight::Right, LookUp::Nothing)
        }
        (Sighted::Unseen, _) => (Sight::Unseen, found.at.get(&(lane, sequence)).copied().unwrap_or(LookUp::Nothing)),
        (Sighted::Forgotten, _) => (Sight::Unseen, LookUp::Nothing),
        (Sighted::Damaged, _) => (Sight::Damaged, LookUp::Nothing),
        (Sighted::Whole, Some((false, horizon))) if sequence >= horizon => (Sight::Right, LookUp::Gone),
        (Sighted::Whole, _) => (Sight::Right, LookUp::Nothing),
    };
    if event.answer != Answer::Acked {
        look_up = LookUp::Nothing;
    }
    Known { answer: event.answer, sight, look_up, aborted: event.aborted, verifying: true }
}

/// The topics that are not those that the run wrote to: they have other ids, were made anew while they were read, or, where no ids
/// are known, all that is in their logs came after the run.
pub(super) fn made_anew(
    prepared: &Prepared,
    produced: Option<&Produced>,
    run: &RunReport,
    states: &[PartitionState],
) -> Vec<String> {
    let mut anew = prepared.anew.clone();
    anew.extend(prepared.target.topics.all_made_anew().into_iter().map(str::to_owned));
    let ended = run.run.started_at.parse::<jiff::Timestamp>().ok().and_then(|at| {
        at.as_millisecond().checked_add(
            // A run that is longer than its milliseconds can be counted has not ended.
            i64::try_from(std::time::Duration::try_from_secs_f64(run.run.measured_s).ok()?.as_millis()).ok()?,
        )
    });
    let Some(ended) = ended else { return anew };
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
pub(super) fn completed(mut producer: RunReport, read: RunReport, joined: &Joined, read_committed: bool) -> RunReport {
    if producer.transactions.is_some() {
        note_isolation(&mut producer.environment, read_committed);
    }
    let mut ledger = LedgerCounts::default();
    for counts in &joined.phases {
        for class in Class::ALL {
            ledger.add(class, counts.of(class));
        }
    }
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
