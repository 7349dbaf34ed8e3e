//! After the last thread has ended: what became of the events that nobody saw, and of those that were seen.

pub(super) mod evidence;
mod listing;
mod unverified;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::prepare::Prepared;
use super::wiring::{Reading, Wiring};
use super::{Config, ends::Ends};
use crate::clock::{Anchor, Clock, Nanos};
use crate::control::tempo::Tempo;
use crate::event::EventKind;
use crate::event::decode::{Decoded, decode};
use crate::event::stamp::Stamp;
use crate::kafka::{KafkaError, Record, Wait};
use crate::lane::LaneEnd;
use crate::ledger::class::{Class, LookUp, Sight};
use crate::ledger::judge::{Judged, judge_lane};
use crate::ledger::rules::{Rule, Rules};
use crate::ledger::{Ledger, Marks, Outstanding, Sighting};
use crate::measure::Shard;
use crate::report::{Example, Findings, LedgerCounts};
use crate::schedule::Schedule;
use crate::verify::look_up::{
    Answers, Copy, Identity, Presence, Questions, Stretch, Wanted, goes_on_above, read_again, read_committed_again,
};
use crate::verify::reader::Reader;
use crate::verify::{Damaged, Duplicate, PartitionState, Truncation, findings};
use evidence::{Found, Horizons, LaneEvidence};
pub(super) use listing::Listing;
pub use unverified::Unverified;

/// The longest second reading.
pub(super) const LOOK_UPS: Duration = Duration::from_secs(60);

/// `isolation.level` of a second reading of all records, and of one of the committed ones.
pub(super) const ALL: &str = "read_uncommitted";
pub(super) const COMMITTED: &str = "read_committed";

/// The longest wait for the ends of logs.
const ASK: Duration = Duration::from_secs(5);

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
    let mut findings = verifier.findings.0;
    let rules = wiring.rules();
    let mut found = Found { damaged: places_of(&verifier.damaged), ..Found::default() };
    let again = |isolation| {
        let consumer = prepared.look_up_consumer(config, isolation)?;
        Ok(wiring.reader(Box::new(consumer), Reading::Again))
    };
    let mut reader = AgainReader::new(|| again(ALL));
    look_at_another(&mut ends.partitions, &mut reader, &config.topic);
    let unseen = config.lanes.numbers().zip(&ends.lanes).flat_map(|(lane, end)| {
        let unseen = end.waiting.events().iter().filter(move |event| is_unseen(ledger, lane, event.sequence));
        unseen.filter_map(|event| Some((event.partition, event.offset?)))
    });
    look_above(unseen, &mut ends.partitions, &mut reader, &config.topic);
    let states = &ends.partitions;
    let mut questions =
        Questions { compacted: prepared.is_compacted(), numbering: config.lanes.numbering(), ..Questions::default() };
    for (lane, end) in config.lanes.numbers().zip(&ends.lanes) {
        for event in end.waiting.events().iter().filter(|event| is_unseen(ledger, lane, event.sequence)) {
            match by_bounds(event, states, rules) {
                Some(known) => {
                    found.at.insert((lane, event.sequence), known);
                }
                None => questions.wanted.extend(wanted(ends.anchor, lane, event)),
            }
        }
    }
    let truncated = rules.has(Rule::SeenThenGone) && is_cut_off(states);
    questions.copies_of = verifier.duplicates.iter().map(|twice| (twice.lane, twice.sequence)).collect();
    questions.stretches = stretches(states, truncated, &verifier.duplicates);
    let mut unfinished = None;
    if !questions.wanted.is_empty() || !questions.stretches.is_empty() {
        let mut presence: BTreeMap<u16, Presence> = BTreeMap::new();
        let mut horizons = Horizons::new(states);
        let tempo = prepared.tempo();
        let committed_only = config.verify.as_ref().is_some_and(|verify| verify.read_committed);
        let (anchor, clock) = (ends.anchor, ends.clock);
        let late = Late { ledger, schedule, tempo: &tempo, anchor, clock };
        let mut see = |record: &Record<'_>, stamp: Stamp| {
            if was_passed_over(states, record) {
                late.see(stamp, record, total);
            }
        };
        let each = |record: &Record<'_>, stamp: Stamp| {
            if truncated {
                presence.entry(stamp.lane).or_default().note(stamp.sequence);
                horizons.note(record, stamp);
                // What a reader of committed records went past may be of an aborted transaction, and this reading cannot tell.
                if !committed_only {
                    see(record, stamp);
                }
            }
        };
        let mut answers = match reader.get() {
            Some(reader) => read_again(reader, &config.topic, config.id, rules, &questions, LOOK_UPS, each),
            None => Answers { unfinished: (0_i32..).take(states.len()).collect(), ..Answers::default() },
        };
        if !answers.unfinished.is_empty() {
            unfinished = Some(format!(
                "second reading: partitions {} were not read again to their end within {LOOK_UPS:?}; of what lies there \
                 nothing is claimed",
                prepared.slots.told(&answers.unfinished)
            ));
        }
        if truncated && answers.unfinished.is_empty() && are_known_whole(states) && !questions.compacted {
            found.present = Some((presence, horizons));
        }
        settle_duplicates(verifier.duplicates, &answers, rules, &mut findings);
        if committed_only && (truncated || answers.at.values().any(|at| *at == LookUp::Present)) {
            let mut reader = AgainReader::new(|| again(COMMITTED));
            if !truncated {
                questions.stretches.clear();
            }
            let (topic, run, at) = (&config.topic, config.id, &mut answers.at);
            read_committed_again(reader.get(), topic, run, rules, questions, at, LOOK_UPS, see);
        }
        found.at.extend(answers.at.into_iter().map(|(event, at)| (event, as_read(at, states))));
    }
    let judging = Judging { config, ledger, anchor: ends.anchor, gave_up, damaged: &verifier.damaged };
    let attributed = judging.judge(&ends.lanes, &found, total, &mut findings, unfinished);
    (attributed, findings)
}

/// A reader for the second reading, made when it is first needed.
pub(super) struct AgainReader<F> {
    make: Option<F>,
    reader: Option<Box<dyn Reader>>,
}

impl<F: FnOnce() -> Result<Box<dyn Reader>, KafkaError>> AgainReader<F> {
    pub(super) const fn new(make: F) -> Self {
        Self { make: Some(make), reader: None }
    }

    /// `None` where it cannot be made.
    pub(super) fn get(&mut self) -> Option<&mut dyn Reader> {
        if let Some(make) = self.make.take() {
            match make() {
                Ok(reader) => self.reader = Some(reader),
                Err(error) => tracing::warn!("the log cannot be read again: {error}"),
            }
        }
        Some(self.reader.as_mut()?.as_mut())
    }
}

/// Where a log is another one, its ends are those that it has now.
pub(super) fn look_at_another<F: FnOnce() -> Result<Box<dyn Reader>, KafkaError>>(
    states: &mut [PartitionState],
    reader: &mut AgainReader<F>,
    topic: &str,
) {
    if !states.iter().any(|state| state.is_another) {
        return;
    }
    let Some(reader) = reader.get() else { return };
    let all: Vec<i32> = (0_i32..).take(states.len()).collect();
    for (state, ends) in states.iter_mut().zip(reader.ends(topic, &all, Wait::of(ASK))) {
        state.log_end = ends.ok().map(|ends| ends.high);
    }
}

/// Asks whether the leaders' logs go on above their high watermarks, where that decides what became of an unseen event (these are its
/// partition and acked offset), or whether all of a log that was cut off can be read.
pub(super) fn look_above<F: FnOnce() -> Result<Box<dyn Reader>, KafkaError>>(
    unseen: impl Iterator<Item = (i32, i64)>,
    states: &mut [PartitionState],
    reader: &mut AgainReader<F>,
    topic: &str,
) {
    let known = |partition: i32| usize::try_from(partition).ok();
    let mut above: BTreeMap<i32, i64> = BTreeMap::new();
    for (partition, offset) in unseen {
        if let Some(end) = known(partition).and_then(|index| states.get(index)?.log_end)
            && offset >= end
        {
            above.insert(partition, end);
        }
    }
    for (partition, state) in (0_i32..).zip(states.iter()) {
        if let Some(end) = state.log_end
            && state.truncation.is_some()
            && state.reached() > end
        {
            above.insert(partition, end);
        }
    }
    if above.is_empty() {
        return;
    }
    let Some(reader) = reader.get() else { return };
    for (partition, goes_on) in goes_on_above(reader, topic, &above) {
        if let Some(state) = known(partition).and_then(|index| states.get_mut(index)) {
            state.goes_on = Some(goes_on);
            if !goes_on && !state.is_another {
                // What was acked there is gone, and so may be what was read before.
                state.truncation.get_or_insert(Truncation::LogEnd);
            }
        }
    }
}

/// Whether a log may have lost what had been read. One that is another's altogether says nothing of that.
pub(super) fn is_cut_off(states: &[PartitionState]) -> bool {
    states.iter().any(|state| state.truncation.is_some()) && !states.iter().any(|state| state.is_another)
}

/// Whether everything that was read can be read again, where it is still there: what lies above a high watermark cannot.
pub(super) fn are_known_whole(states: &[PartitionState]) -> bool {
    states.iter().all(|state| state.log_end.is_some_and(|end| state.reached() <= end || state.goes_on == Some(false)))
}

/// Where the log is another, what is found in it was not passed over: its reader had ended.
pub(super) fn as_read(found: LookUp, states: &[PartitionState]) -> LookUp {
    match found {
        LookUp::Present if states.iter().any(|state| state.is_another) => LookUp::Ahead,
        other => other,
    }
}

/// Where the damaged records lie that claim to be an event, by lane and sequence.
pub(super) fn places_of(damaged: &[Damaged]) -> HashMap<Identity, (i32, i64)> {
    let place = |damaged: &Damaged| {
        Some(((damaged.lane, damaged.sequence), (damaged.example.partition?, damaged.example.offset?)))
    };
    damaged.iter().filter_map(place).collect()
}

fn is_unseen(ledger: &Ledger, lane: u16, sequence: u64) -> bool {
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
        Some(end) if offset >= end && state.goes_on == Some(false) => when(Rule::PastEnd, LookUp::Gone),
        Some(end) if offset >= end => when(Rule::NotReplicated, LookUp::NotReplicated),
        _ if state.is_another => None,
        _ if offset < state.position => None,
        _ if state.hidden_from.is_some_and(|hidden| offset >= hidden) => when(Rule::Unread, LookUp::Hidden),
        _ => when(Rule::Unread, LookUp::Ahead),
    }
}

fn wanted(anchor: Anchor, lane: u16, event: &Outstanding) -> Option<Wanted> {
    let Outstanding { sequence, user, partition, due, .. } = *event;
    let due_ms = i64::try_from(anchor.unix_ns(due) / 1_000_000).ok();
    event.offset.map(|offset| Wanted { partition, offset, lane, sequence, user: Some(user), due_ms })
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
}

impl<C: Clock> Late<'_, C> {
    fn see(&self, stamp: Stamp, record: &Record<'_>, total: &mut Shard) {
        let Some(book) = self.ledger.lane(stamp.lane) else { return };
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
                listing.add(Unverified::new(self.config, self.anchor, number, &judged), findings)
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

    #[test]
    fn loss_past_the_end_needs_a_log_that_really_ends_there() {
        let state = PartitionState { position: 5, log_end: Some(8), ..PartitionState::default() };
        let of = |offset, state: &PartitionState| by_place(0, offset, std::slice::from_ref(state), Rules::ALL);
        assert_eq!((of(4, &state), of(5, &state)), (None, Some(LookUp::Ahead)));
        assert_eq!((of(7, &state), of(8, &state)), (Some(LookUp::Ahead), Some(LookUp::NotReplicated)));
        let goes_on = PartitionState { goes_on: Some(true), ..state.clone() };
        assert_eq!(of(8, &goes_on), Some(LookUp::NotReplicated));
        let ends = PartitionState { goes_on: Some(false), ..state.clone() };
        assert_eq!((of(7, &ends), of(8, &ends)), (Some(LookUp::Ahead), Some(LookUp::Gone)));
        let hidden = PartitionState { hidden_from: Some(6), ..state.clone() };
        let found = [5, 6, 7, 8].map(|offset| of(offset, &hidden));
        let expected = [LookUp::Ahead, LookUp::Hidden, LookUp::Hidden, LookUp::NotReplicated];
        assert_eq!(found, expected.map(Some));
        let aged = PartitionState { log_start: 2, ..state };
        assert_eq!(of(1, &aged), Some(LookUp::BelowStart));
    }

    #[test]
    fn what_was_not_reached_is_unread_also_where_the_end_was_not_told() {
        let state = PartitionState { position: 5, log_end: None, ..PartitionState::default() };
        let of = |offset| by_place(0, offset, std::slice::from_ref(&state), Rules::ALL);
        assert_eq!((of(5), of(900)), (Some(LookUp::Ahead), Some(LookUp::Ahead)));
        assert_eq!(of(4), None, "what was passed is looked up");
    }

    #[test]
    fn all_of_a_log_can_be_read_again_unless_it_had_been_read_above_its_high_watermark() {
        let whole = PartitionState { position: 5, log_end: Some(8), ..PartitionState::default() };
        assert!(are_known_whole(std::slice::from_ref(&whole)));
        let set_back = PartitionState { cut_off: 6, ..whole.clone() };
        assert!(!are_known_whole(&[whole.clone(), set_back.clone()]));
        assert!(are_known_whole(&[whole.clone(), PartitionState { goes_on: Some(false), ..set_back }]));
        assert!(!are_known_whole(&[PartitionState { log_end: None, ..whole }]));
    }
}
