//! After the last thread has ended: what became of the events that nobody saw, and of those that were seen.

pub(super) mod evidence;
mod listing;
mod unverified;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::prepare::Prepared;
use super::wiring::{Reading, Wiring};
use super::{Config, ends::Ends};
use crate::clock::{Anchor, Clock, Nanos};
use crate::control::tempo::Tempo;
use crate::event::EventKind;
use crate::event::decode::{Decoded, decode};
use crate::event::stamp::Stamp;
use crate::kafka::native::Consumer;
use crate::kafka::{KafkaError, Record};
use crate::lane::LaneEnd;
use crate::ledger::class::{Class, LookUp, Sight};
use crate::ledger::judge::{Judged, judge_lane};
use crate::ledger::rules::{Rule, Rules};
use crate::ledger::{Ledger, Marks, Outstanding, Sighting};
use crate::measure::Shard;
use crate::report::{Example, Findings, LedgerCounts};
use crate::schedule::Schedule;
use crate::verify::group::Live;
use crate::verify::look_up::{Answers, Copy, Presence, Questions, Stretch, Wanted, read_again};
use crate::verify::{Damaged, Duplicate, PartitionState, findings};
use evidence::{Found, Horizons, LaneEvidence};
pub(super) use listing::Listing;
pub use unverified::Unverified;

/// The longest second reading.
pub(super) const LOOK_UPS: Duration = Duration::from_secs(60);

/// How the events ended.
pub(super) struct Attributed {
    /// By phase.
    pub(super) phases: Vec<LedgerCounts>,
    /// Those that did not end verified, one by one, as far as there is room.
    pub(super) unverified: Vec<Unverified>,
    /// How many did not end verified, by their type and class, as far as their type is known.
    pub(super) by_kind: BTreeMap<(EventKind, &'static str), u64>,
    /// What could not be found out in time.
    pub(super) unfinished: Option<String>,
}

/// Reads the log again where that is needed, and gives each event its class.
pub(super) fn attribute<W: Wiring>(
    config: &Config,
    prepared: &Prepared,
    ledger: &Ledger,
    schedule: &Schedule,
    ends: &mut Ends,
    total: &mut Shard,
    wiring: &W,
) -> (Attributed, Findings) {
    let gave_up = ends.clock.now();
    let Some(verifier) = ends.verifier.take() else {
        let judged = Judging { config, ledger, anchor: ends.anchor, gave_up, damaged: &[] };
        let mut findings = Findings::default();
        return (judged.judge(&ends.lanes, &Found::default(), total, &mut findings, None), findings);
    };
    if config.verify.as_ref().is_some_and(|verify| verify.read_committed) {
        see_past_what_is_settled(prepared, config, ledger, ends);
    }
    let states = &ends.partitions;
    let mut findings = verifier.findings.0;
    let rules = wiring.rules();
    let mut found = Found::default();
    let mut questions = Questions { compacted: prepared.is_compacted(), ..Questions::default() };
    for (lane, end) in config.lanes.numbers().zip(&ends.lanes) {
        for event in end.waiting.events().iter().filter(|event| is_unseen(ledger, lane, event.sequence)) {
            match by_bounds(event, states, rules) {
                Some(known) => {
                    found.at.insert((lane, event.sequence), known);
                }
                None => questions.wanted.extend(wanted(lane, event)),
            }
        }
    }
    let truncated = rules.has(Rule::SeenThenGone) && states.iter().any(|state| state.truncation.is_some());
    questions.copies_of = verifier.duplicates.iter().map(|twice| (twice.lane, twice.sequence)).collect();
    questions.stretches = stretches(states, truncated, &verifier.duplicates);
    let mut unfinished = None;
    if !questions.wanted.is_empty() || !questions.stretches.is_empty() {
        let mut presence: BTreeMap<u8, Presence> = BTreeMap::new();
        let mut horizons = Horizons::new(states);
        let tempo = prepared.tempo();
        let committed_only = config.verify.as_ref().is_some_and(|verify| verify.read_committed);
        let (anchor, clock) = (ends.anchor, ends.clock);
        let late = Late { ledger, schedule, tempo: &tempo, anchor, clock, committed_only };
        let each = |record: &Record<'_>, stamp: Stamp| {
            if truncated {
                presence.entry(stamp.lane).or_default().note(stamp.sequence);
                horizons.note(record, stamp);
                if was_passed_over(states, record) {
                    late.see(stamp, record, total);
                }
            }
        };
        let answers = match prepared.look_up_consumer(config) {
            Ok(consumer) => {
                let mut reader = wiring.reader(Live::Assigned(consumer), Reading::Again);
                read_again(&mut reader, &config.topic, config.id, rules, &questions, LOOK_UPS, each)
            }
            Err(error) => {
                tracing::warn!("the log cannot be read again: {error}");
                Answers { unfinished: (0_i32..).take(states.len()).collect(), ..Answers::default() }
            }
        };
        if !answers.unfinished.is_empty() {
            unfinished = Some(format!(
                "second reading: partitions {} were not read again to their end within {LOOK_UPS:?}; of what lies there \
                 nothing is claimed",
                prepared.slots.told(&answers.unfinished)
            ));
        }
        let complete = answers.unfinished.is_empty() && states.iter().all(|state| state.log_end.is_some());
        if truncated && complete && !questions.compacted {
            found.present = Some((presence, horizons));
        }
        settle_duplicates(verifier.duplicates, &answers, rules, &mut findings);
        found.at.extend(answers.at);
    }
    let judging = Judging { config, ledger, anchor: ends.anchor, gave_up, damaged: &verifier.damaged };
    let attributed = judging.judge(&ends.lanes, &found, total, &mut findings, unfinished);
    (attributed, findings)
}

/// The acked, unseen events past an end decide which ends are asked for again.
fn see_past_what_is_settled(prepared: &Prepared, config: &Config, ledger: &Ledger, ends: &mut Ends) {
    let mut hidden: BTreeSet<i32> = BTreeSet::new();
    for (lane, end) in config.lanes.numbers().zip(&ends.lanes) {
        let past = |event: &&Outstanding| {
            event.offset.is_some_and(|offset| is_past_end(event.partition, offset, &ends.partitions))
                && is_unseen(ledger, lane, event.sequence)
        };
        hidden.extend(end.waiting.events().iter().filter(past).map(|event| event.partition));
    }
    let reader = || prepared.look_up_consumer(config);
    ask_for_true_ends(hidden, &mut ends.partitions, reader, &config.topic, config.connect_timeout);
}

/// Whether an offset is past the end of its partition as the verifier knows it.
pub(super) fn is_past_end(partition: i32, offset: i64, states: &[PartitionState]) -> bool {
    let state = usize::try_from(partition).ok().and_then(|index| states.get(index));
    Some(offset) >= state.and_then(|state| state.log_end)
}

/// Under `read_committed` the end of a partition is that of what is settled: an open transaction, of whomever, hides what lies
/// after it. What was acked there is in the log, so the log's own end decides.
pub(super) fn ask_for_true_ends(
    hidden: BTreeSet<i32>,
    states: &mut [PartitionState],
    reader: impl FnOnce() -> Result<Consumer, KafkaError>,
    topic: &str,
    timeout: Duration,
) {
    if hidden.is_empty() {
        return;
    }
    let reader = reader();
    for partition in hidden {
        let Some(state) = usize::try_from(partition).ok().and_then(|index| states.get_mut(index)) else { continue };
        // Where it cannot be asked nothing is claimed: an end that is not known makes its events unattributed.
        let asked = reader.as_ref().map(|reader| reader.watermarks(topic, partition, timeout));
        state.log_end = asked.ok().and_then(Result::ok).map(|marks| marks.high);
    }
}

fn is_unseen(ledger: &Ledger, lane: u8, sequence: u64) -> bool {
    ledger.lane(lane).is_some_and(|book| !book.open().marks(sequence).has(Marks::SEEN))
}

fn by_bounds(event: &Outstanding, states: &[PartitionState], rules: Rules) -> Option<LookUp> {
    match event.offset {
        Some(offset) => by_place(event.partition, offset, states, rules),
        None => Some(LookUp::Nothing),
    }
}

/// What the ends of a partition and the verifier's position tell of an offset, without reading it.
pub(super) fn by_place(partition: i32, offset: i64, states: &[PartitionState], rules: Rules) -> Option<LookUp> {
    let Some(state) = usize::try_from(partition).ok().and_then(|index| states.get(index)) else {
        return Some(LookUp::Nothing);
    };
    let when = |rule, found| Some(if rules.has(rule) { found } else { LookUp::Nothing });
    match state.log_end {
        _ if offset < state.log_start => when(Rule::BelowStart, LookUp::BelowStart),
        None => Some(LookUp::Nothing),
        Some(end) if offset >= end => when(Rule::PastEnd, LookUp::Gone),
        Some(_) if offset >= state.position => when(Rule::Unread, LookUp::Ahead),
        Some(_) => None,
    }
}

fn wanted(lane: u8, event: &Outstanding) -> Option<Wanted> {
    let Outstanding { sequence, user, partition, .. } = *event;
    event.offset.map(|offset| Wanted { partition, offset, lane, sequence, user: Some(user) })
}

/// What must be read from end to end: everything where a log may have been cut off, else the partitions in which the first
/// copies of duplicates can lie.
pub(super) fn stretches(states: &[PartitionState], truncated: bool, duplicates: &[Duplicate]) -> Vec<Stretch> {
    let anywhere = duplicates.iter().any(|twice| twice.home.is_none());
    let homes: BTreeSet<i32> =
        duplicates.iter().flat_map(|twice| twice.home.into_iter().chain([twice.partition])).collect();
    let stretch = |(partition, state): (i32, &PartitionState)| {
        let end = state.log_end.unwrap_or(state.position);
        Stretch { partition, from: state.from.max(state.log_start), end }
    };
    let needed = |stretch: &Stretch| truncated || anywhere || homes.contains(&stretch.partition);
    (0_i32..).zip(states).map(stretch).filter(needed).collect()
}

/// Whether the verifier went past a record because the log was cut off and grew again under its feet: it was written
/// under a leader epoch that the verifier first met at a later offset.
fn was_passed_over(states: &[PartitionState], record: &Record<'_>) -> bool {
    let Some(state) = usize::try_from(record.partition).ok().and_then(|index| states.get(index)) else { return false };
    let met_at = state.epochs.iter().find(|(epoch, _)| *epoch == record.leader_epoch).map(|(_, offset)| *offset);
    state.truncation.is_some() && record.offset < state.position && met_at.is_none_or(|met| record.offset < met)
}

/// Sees events that the verifier could not see when it read.
struct Late<'a, C> {
    ledger: &'a Ledger,
    schedule: &'a Schedule,
    tempo: &'a Tempo,
    anchor: Anchor,
    clock: C,
    /// Whether the verifier reads committed records alone: what it passed over may be an aborted one, and the second reading
    /// cannot tell.
    committed_only: bool,
}

impl<C: Clock> Late<'_, C> {
    fn see(&self, stamp: Stamp, record: &Record<'_>, total: &mut Shard) {
        let Some(book) = self.ledger.lane(stamp.lane) else { return };
        if self.committed_only && !book.open().marks(stamp.sequence).has(Marks::ACKED) {
            return;
        }
        if !matches!(book.open().see(stamp.sequence, stamp.due, false), Sighting::First | Sighting::Mended) {
            return;
        }
        // Its due time is of this run, and rounded down: before zero by less than what the stamp leaves out.
        let due = self.anchor.instant(stamp.due.unix_ns()).unwrap_or_default();
        let end_to_end = self.clock.now() - due;
        total.seen += 1;
        if let Some(Ok(Decoded { kind, .. })) = record.body.map(decode) {
            let within = self.anchor.instant(stamp.due.last_unix_ns()).unwrap_or_default();
            total.record_sight(self.schedule.phase_at(self.tempo.schedule_at(within)), kind, end_to_end);
            total.kinds[kind.index()].verified += 1;
        }
        if let Some(partition) = usize::try_from(record.partition).ok().and_then(|at| total.partitions.get_mut(at)) {
            partition.seen += 1;
        }
    }
}

/// Tells what kind each duplicate is, by the first copy's `CreateTime`.
pub(super) fn settle_duplicates(duplicates: Vec<Duplicate>, answers: &Answers, rules: Rules, findings: &mut Findings) {
    let places: BTreeSet<_> = duplicates.iter().map(|d| (d.lane, d.sequence, d.partition, d.offset)).collect();
    for twice in duplicates {
        let Duplicate { lane, sequence, partition, offset, create_ms, example, .. } = twice;
        let copies = answers.copies.get(&(lane, sequence)).map_or(&[][..], Vec::as_slice);
        let is_another = |copy: &&Copy| !places.contains(&(lane, sequence, copy.partition, copy.offset));
        let first = copies.iter().find(is_another).or(copies.first());
        if first.is_some_and(|first| (first.partition, first.offset) == (partition, offset)) {
            // The log holds it once: it was read again, after a step back or after the first copy had been cut off.
            findings.duplicates -= 1;
            findings.duplicates_reread += 1;
            continue;
        }
        let (kind, what) = match first.and_then(|first| first.create_ms) {
            Some(first_ms) if first_ms == create_ms => {
                findings.duplicates_resent += u64::from(rules.has(Rule::Resent));
                ("resent", format!("re-sent by the client: both copies have CreateTime {create_ms}"))
            }
            Some(first_ms) => {
                findings.duplicates_rewritten += u64::from(rules.has(Rule::Rewritten));
                let what = format!(
                    "written again by another producer: CreateTime {create_ms}, the first copy's is {first_ms} (both in ms)"
                );
                ("rewritten", what)
            }
            None => {
                findings.duplicates_undecided += 1;
                let what = format!(
                    "seen again, CreateTime {create_ms}; the first copy is no longer found, so its origin cannot be told"
                );
                ("undecided", what)
            }
        };
        let elsewhere = first.filter(|first| first.partition != partition);
        let elsewhere =
            elsewhere.map_or_else(String::new, |first| format!("; the first is in partition {}", first.partition));
        // What is told of the first duplicates may be of another kind than this one.
        let known = Example {
            lane: Some(lane),
            sequence: Some(sequence),
            partition: Some(partition),
            ..example.unwrap_or_default()
        };
        let other_offset = first.map(|first| first.offset);
        let example = Example { offset: Some(offset), other_offset, what: format!("{what}{elsewhere}"), ..known };
        findings.keep_duplicate(kind, findings::EXAMPLES, example);
    }
}

/// Giving classes.
struct Judging<'a> {
    config: &'a Config,
    ledger: &'a Ledger,
    anchor: Anchor,
    gave_up: Nanos,
    damaged: &'a [Damaged],
}

impl Judging<'_> {
    /// Gives each event its class, by phase. Unseen acked events enter the end-to-end time as censored.
    fn judge(
        &self,
        lanes: &[LaneEnd],
        found: &Found,
        total: &mut Shard,
        findings: &mut Findings,
        unfinished: Option<String>,
    ) -> Attributed {
        let verifying = self.config.verify.is_some();
        let mut phases: Vec<LedgerCounts> = vec![LedgerCounts::default(); total.phases.len()];
        let mut listing = Listing::new(&self.config.topic, self.damaged);
        let mut by_kind = BTreeMap::new();
        for ((number, book), lane) in self.ledger.lanes().zip(lanes) {
            let each = |judged: Judged| {
                if let Some(event) = judged.outstanding.filter(|_| verifying && judged.sight != Sight::Right) {
                    let waited = self.gave_up - event.due;
                    total.record_no_sight(usize::from(event.phase), event.kind, waited);
                }
                if let Some(event) = judged.outstanding.filter(|_| judged.class != Class::Verified) {
                    *by_kind.entry((event.kind, judged.class.as_str())).or_default() += 1;
                }
                listing.add(Unverified::new(self.config.id, self.anchor, number, &judged), findings);
            };
            let evidence = LaneEvidence::new(found, number);
            let counts = judge_lane(book, &lane.waiting, &lane.phase_starts, verifying, &evidence, each);
            for (sum, count) in phases.iter_mut().zip(counts) {
                for class in Class::ALL {
                    sum.add(class, count.of(class));
                }
            }
        }
        Attributed { phases, unverified: listing.into_told(), by_kind, unfinished }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_duplicate_has_examples_of_its_own_however_many_others_came_first() {
        // 30 records that somebody else wrote again, and one after them that the client sent twice.
        let twice = |sequence: u64| Duplicate {
            lane: 0,
            sequence,
            home: Some(0),
            partition: 0,
            offset: 1_000 + i64::try_from(sequence).unwrap(),
            create_ms: 5_000,
            example: (sequence < 20).then(Example::default),
        };
        let first = |sequence: u64| Copy {
            partition: 0,
            offset: i64::try_from(sequence).unwrap(),
            create_ms: Some(if sequence == 30 { 5_000 } else { 4_000 }),
        };
        let mut answers = Answers::default();
        for sequence in 0..31 {
            answers.copies.insert((0, sequence), vec![first(sequence)]);
        }
        let mut findings = Findings { duplicates: 31, ..Findings::default() };
        settle_duplicates((0..31).map(twice).collect(), &answers, Rules::ALL, &mut findings);
        assert_eq!((findings.duplicates_rewritten, findings.duplicates_resent), (30, 1));
        assert_eq!(findings.examples_of("duplicates_rewritten").count(), 20);
        let resent: Vec<_> = findings.examples_of("duplicates_resent").collect();
        assert_eq!(resent.len(), 1);
        assert_eq!((resent[0].sequence, resent[0].offset, resent[0].other_offset), (Some(30), Some(1_030), Some(30)));
        assert!(resent[0].what.starts_with("re-sent by the client"), "{}", resent[0].what);
    }
}
