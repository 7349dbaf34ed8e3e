//! The second reading, after the last thread has ended: what the log holds of the events that nobody saw, where the first copies of
//! duplicates lie, and whether what was seen is still there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::duplicates::settle_duplicates;
use super::evidence::{Copies, Horizons, SeenInLog, places_of};
use crate::clock::wall_unix_ns;
use crate::event::stamp::Stamp;
use crate::kafka::slots::Slots;
use crate::kafka::{KafkaError, Record, Wait};
use crate::ledger::class::LookUp;
use crate::ledger::rules::{Rule, Rules};
use crate::report::Findings;
use crate::verify::look_up::{
    Above, AckedEvent, Ours, OwnEvent, Presence, Search, SearchResult, Stretch, look_above, read_again,
    read_committed_again,
};
use crate::verify::reader::Reader;
use crate::verify::topics::Topics;
use crate::verify::{Damaged, Duplicate, Overtaking, PartitionState, Truncation};

/// The longest second reading.
pub(in crate::run) const LOOK_UPS: Duration = Duration::from_secs(60);
/// The longest wait for the ends of logs.
const ASK: Duration = Duration::from_secs(5);
/// Unseen events looked up, at most; of more nothing is claimed.
const MOST: usize = 1_000_000;

/// `isolation.level` of a second reading of all records, and of one of the committed ones.
pub(in crate::run) const ALL: &str = "read_uncommitted";
const COMMITTED: &str = "read_committed";

/// A reader, where one can be made.
pub(in crate::run) type Opened = Result<Box<dyn Reader>, KafkaError>;

/// What is given records, each with the stamp of the event that it is.
pub(in crate::run) type Sees<'a> = dyn FnMut(&Record<'_>, Stamp) + 'a;

/// The log that is read again.
pub(in crate::run) struct Log<'a> {
    pub(in crate::run) topic: &'a str,
    /// The topics as they were when reading began.
    pub(in crate::run) topics: &'a Topics,
    /// How the events that are looked for are known.
    pub(in crate::run) ours: Ours<'a>,
    /// Whether a later record of a key may have taken the place of an earlier one.
    pub(in crate::run) compacted: bool,
    /// Whether the first reader was given committed records alone.
    pub(in crate::run) committed_only: bool,
    /// Makes a reader under that isolation.
    pub(in crate::run) open: &'a dyn Fn(&str) -> Opened,
}

/// A second reading to be made.
pub(in crate::run) struct SecondReading<'a> {
    log: Log<'a>,
    /// Made when it is first needed; `None` then where it cannot be made.
    reader: Option<Box<dyn Reader>>,
    is_open: bool,
    states: &'a mut [PartitionState],
    wanted: Vec<AckedEvent>,
    overtaking: &'a Overtaking,
    found: SeenInLog,
}

impl<'a> SecondReading<'a> {
    /// One of these partitions, as the first reader left them, and of what it read that was not whole, or not in order.
    pub(in crate::run) fn new(
        log: Log<'a>,
        states: &'a mut [PartitionState],
        damaged: &[Damaged],
        overtaking: &'a Overtaking,
    ) -> Self {
        let found = SeenInLog { damaged: places_of(damaged), ..SeenInLog::default() };
        let mut reading = Self { log, reader: None, is_open: false, states, wanted: Vec::new(), overtaking, found };
        reading.ask_for_ends_of_another();
        reading
    }

    /// The partitions, with what is known of them by now.
    pub(in crate::run) fn states(&self) -> &[PartitionState] {
        self.states
    }

    /// Whether what was seen of an event, and was damaged, lies elsewhere than at `place`.
    pub(in crate::run) fn is_elsewhere(&self, lane: u16, sequence: u64, place: (i32, i64)) -> bool {
        self.found.is_elsewhere(lane, sequence, place)
    }

    fn reader(&mut self) -> Option<&mut dyn Reader> {
        if !std::mem::replace(&mut self.is_open, true) {
            self.reader = opened(&self.log, ALL);
        }
        Some(self.reader.as_mut()?.as_mut())
    }

    /// Where a log is another one, its ends are those that it has now.
    fn ask_for_ends_of_another(&mut self) {
        if !self.states.iter().any(|state| state.is_another) {
            return;
        }
        let (topic, all) = (self.log.topic, (0_i32..).take(self.states.len()).collect::<Vec<_>>());
        let Some(reader) = self.reader() else { return };
        let ends = reader.ends(topic, &all, Wait::of(ASK));
        for (state, ends) in self.states.iter_mut().zip(ends) {
            state.log_end = ends.ok().map(|ends| ends.high);
        }
    }

    /// Asks whether the leaders' logs go on above their high watermarks, where that decides what became of an unseen event (these are
    /// its partition and acked offset), or whether all of a log that was cut off can be read.
    pub(in crate::run) fn look_above(&mut self, unseen: impl Iterator<Item = (i32, i64)>) {
        let mut above: BTreeMap<i32, i64> = BTreeMap::new();
        for (partition, offset) in unseen {
            if let Some(end) = state_of(self.states, partition).and_then(|state| state.log_end)
                && offset >= end
            {
                above.insert(partition, end);
            }
        }
        for (partition, state) in (0_i32..).zip(self.states.iter()) {
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
        let topic = self.log.topic;
        let Some(reader) = self.reader() else { return };
        for (partition, found) in look_above(reader, topic, &above) {
            let index = usize::try_from(partition).unwrap_or(usize::MAX);
            let Some(state) = self.states.get_mut(index) else { continue };
            match found {
                Above::More => state.goes_on = Some(true),
                Above::Nothing => {
                    state.goes_on = Some(false);
                    if !state.is_another {
                        // What was acked there is gone, and so may be what was read before.
                        state.truncation.get_or_insert(Truncation::LogEnd);
                    }
                }
                Above::Aged(start) => state.log_start = start,
            }
        }
    }

    /// Has an acked event looked up that nobody saw, where the ends of its partition do not tell what became of it.
    pub(in crate::run) fn look_up(&mut self, event: AckedEvent) {
        match by_place(event.partition, event.offset, self.states, self.log.ours.rules) {
            Some(found) => drop(self.found.at.insert((event.lane, event.sequence), found)),
            None if self.wanted.len() < MOST => self.wanted.push(event),
            None => {}
        }
    }

    /// Reads the log again where that is needed, and tells what kind each duplicate is. `passed_over` is given the records that the
    /// first reader went past because the log was cut off and grew again under its feet.
    pub(in crate::run) fn read(
        mut self,
        duplicates: Vec<Duplicate>,
        findings: &mut Findings,
        mut passed_over: Option<&mut Sees<'_>>,
    ) -> SeenInLog {
        let truncated = self.log.ours.rules.has(Rule::SeenThenGone) && is_cut_off(self.states);
        let mut search = Search {
            wanted: std::mem::take(&mut self.wanted),
            stretches: stretches(self.states, truncated, &duplicates),
            copies_of: duplicates.iter().map(|twice| (twice.lane, twice.sequence)).collect(),
            compacted: self.log.compacted,
        };
        if search.wanted.is_empty() && search.stretches.is_empty() {
            // Where nothing is left to be read, the first copies are not found either.
            settle_duplicates(duplicates, &SearchResult::default(), self.states, self.log.ours.rules, findings);
            return self.found;
        }
        // Made before the partitions are lent to what looks at the records.
        self.reader();
        let Self { log, reader, states, overtaking, mut found, .. } = self;
        let Log { topic, topics, ours, committed_only, .. } = log;
        let rules = ours.rules;
        let states = &*states;
        let copies = Copies::new(states, &duplicates, findings.duplicates);
        let (mut presence, mut horizons) = (BTreeMap::<u16, Presence>::new(), Horizons::new(states, overtaking));
        let sees = passed_over.is_some();
        let mut see = |record: &Record<'_>, stamp: Stamp| {
            if let Some(see) = passed_over.as_mut().filter(|_| was_passed_over(states, record)) {
                see(record, stamp);
            }
        };
        let each = |record: &Record<'_>, OwnEvent { stamp, is_at_home }: OwnEvent| {
            if truncated {
                let is_copy = copies.has(record);
                // A copy that somebody wrote to another partition does not make up for the event that is gone from its own.
                if is_at_home || is_copy != Some(true) {
                    presence.entry(stamp.lane).or_default().note(stamp.sequence);
                }
                // Only what the first reader was given, in its key's partition, has an order in which it came.
                if is_copy == Some(false) && is_at_home && !was_passed_over(states, record) {
                    horizons.note(record, stamp);
                }
                // What a reader of committed records went past may be of an aborted transaction, and this reading cannot tell.
                if !committed_only {
                    see(record, stamp);
                }
            }
        };
        let (mut answers, again) = if let Some(mut reader) = reader {
            let answers = read_again(reader.as_mut(), topic, ours, &search, LOOK_UPS, each);
            // Only now is it sure which log that was.
            (answers, ReadAgain::from(reader.as_mut(), topics, states))
        } else {
            let unfinished = (0_i32..).take(states.len()).collect();
            (SearchResult { unfinished, ..SearchResult::default() }, ReadAgain::Unknown)
        };
        if truncated
            && again == ReadAgain::TheSame
            && answers.unfinished.is_empty()
            && answers.aged.is_empty()
            && are_known_whole(states)
            && !search.compacted
        {
            found.present = Some((presence, horizons));
        }
        settle_duplicates(duplicates, &answers, states, rules, findings);
        let sees_again = truncated && sees;
        if committed_only && (sees_again || answers.at.values().any(|at| *at == LookUp::Present)) {
            if !sees_again {
                search.stretches.clear();
            }
            let mut reader = opened(&log, COMMITTED);
            let reader = reader.as_mut().map(|reader| reader.as_mut() as &mut dyn Reader);
            read_committed_again(reader, topic, ours, search, &mut answers, LOOK_UPS, |record, event| {
                see(record, event.stamp);
            });
        }
        found.at.extend(answers.at.into_iter().map(|(event, at)| (event, again.tells(at))));
        found.unfinished = answers.unfinished;
        found
    }
}

fn opened(log: &Log<'_>, isolation: &str) -> Option<Box<dyn Reader>> {
    (log.open)(isolation).map_err(|error| tracing::warn!("the log cannot be read again: {error}")).ok()
}

/// What was not read again, in a sentence; `None` where all was.
pub(in crate::run) fn not_read_again(found: &SeenInLog, slots: &Slots) -> Option<String> {
    let unfinished = Some(&found.unfinished).filter(|unfinished| !unfinished.is_empty())?;
    Some(format!(
        "second reading: partitions {} were not read again to their end within {LOOK_UPS:?}; of what lies there nothing is claimed",
        slots.told(unfinished)
    ))
}

fn state_of(states: &[PartitionState], partition: i32) -> Option<&PartitionState> {
    states.get(usize::try_from(partition).ok()?)
}

/// Whether a log may have lost what had been read. One that is another's altogether says nothing of that.
fn is_cut_off(states: &[PartitionState]) -> bool {
    states.iter().any(|state| state.truncation.is_some()) && !states.iter().any(|state| state.is_another)
}

/// Whether everything that was read can be read again, where it is still there: what lies above a high watermark cannot.
fn are_known_whole(states: &[PartitionState]) -> bool {
    states.iter().all(|state| state.log_end.is_some_and(|end| state.reached() <= end || state.goes_on == Some(false)))
}

/// Which log was read the second time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadAgain {
    /// That of the first reading, as far as logs can be told apart.
    TheSame,
    /// That of a topic made anew.
    Another,
    /// The cluster does not say.
    Unknown,
}

impl ReadAgain {
    /// What `reader` has read.
    fn from(reader: &mut dyn Reader, topics: &Topics, states: &[PartitionState]) -> Self {
        if states.iter().any(|state| state.is_another) {
            return Self::Another;
        }
        let names = topics.names();
        if names.is_empty() {
            return Self::TheSame;
        }
        match reader.identities(&names, Wait::of(ASK)) {
            Ok(told) if topics.compare(&told, wall_unix_ns()) => Self::Another,
            Ok(told) if told.iter().all(Result::is_ok) => Self::TheSame,
            Ok(_) => Self::Unknown,
            Err(error) => {
                tracing::warn!("whether a topic was made anew cannot be found out: {error}");
                Self::Unknown
            }
        }
    }

    /// What of that tells of the log that was read first. What is found in another was not passed over: its reader had ended. Nor do the
    /// other's start and what is damaged there say anything of what lay in the first.
    const fn tells(self, found: LookUp) -> LookUp {
        match (self, found) {
            (Self::Another, LookUp::Present) => LookUp::Ahead,
            (Self::Unknown, LookUp::Present)
            | (Self::Another | Self::Unknown, LookUp::BelowStart | LookUp::Unparsable) => LookUp::Nothing,
            _ => found,
        }
    }
}

/// What the ends of a partition and the verifier's position tell of an offset, without reading it.
fn by_place(partition: i32, offset: i64, states: &[PartitionState], rules: Rules) -> Option<LookUp> {
    let Some(state) = state_of(states, partition) else { return Some(LookUp::Nothing) };
    let when = |rule, found| Some(if rules.has(rule) { found } else { LookUp::Nothing });
    match state.log_end {
        _ if offset < state.log_start && state.is_another => Some(LookUp::Nothing),
        _ if offset < state.log_start => when(Rule::BelowStart, LookUp::BelowStart),
        Some(end) if offset >= end && state.goes_on == Some(false) => when(Rule::PastEnd, LookUp::Gone),
        Some(end) if offset >= end => when(Rule::NotReplicated, LookUp::NotReplicated),
        _ if state.is_another => None,
        _ if offset < state.position => None,
        _ if state.hidden_from.is_some_and(|hidden| offset >= hidden) => when(Rule::Unread, LookUp::Hidden),
        _ => when(Rule::Unread, LookUp::Ahead),
    }
}

/// What must be read from end to end: everything where a log may have been cut off, else the partitions in which the first
/// copies of duplicates can lie.
pub(in crate::run) fn stretches(states: &[PartitionState], truncated: bool, duplicates: &[Duplicate]) -> Vec<Stretch> {
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
    let Some(state) = state_of(states, record.partition) else { return false };
    let met_at = state.epochs.iter().find(|(epoch, _)| *epoch == record.leader_epoch).map(|(_, offset)| *offset);
    state.truncation.is_some() && record.offset < state.position && met_at.is_none_or(|met| record.offset < met)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let another = PartitionState { is_another: true, ..aged };
        assert_eq!(of(1, &another), Some(LookUp::Nothing), "what was acked there may have gone with the other log");
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
