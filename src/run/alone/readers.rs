//! The members of a group that read what shards wrote without reading it back: what they saw and what the shards' clients were answered
//! give every scheduled event its class.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use crate::event::stamp::{DueTime, Numbering, Stamp};
use crate::ledger::answers::{self, Answered, Line};
use crate::ledger::class::{Answer, Class, Facts, LookUp, Sight};
use crate::ledger::sightings::{self, RecordSighting};
use crate::report::{LedgerCounts, RunReport};

/// Where a record lies.
type Place = (i32, i64);

/// Why readings and what producers know are not joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// A file that cannot be read, or is no such file.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Files of different runs, or of other topics.
    #[error("{} and {} are not of one run in the same topics", one.display(), other.display())]
    Unlike {
        /// One of them.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// Answers for other events than the report has.
    #[error("{} holds the answers for {found} of {scheduled} events", path.display())]
    Sum {
        /// The file.
        path: PathBuf,
        /// Events in it.
        found: u64,
        /// Events of the report.
        scheduled: u64,
    },
}

/// What a member of a group left: the file of what it saw, and its report.
#[derive(Clone, Debug)]
pub struct MemberReading<'a> {
    /// The file.
    pub sightings: PathBuf,
    /// The report.
    pub report: &'a RunReport,
}

/// What all members saw of a run.
#[derive(Debug)]
pub struct GroupReading {
    seen: SightedEvents,
    /// How far each partition was read by whoever came farthest.
    positions: Vec<i64>,
}

impl GroupReading {
    /// Reads what they saw of the run whose clients were answered what those files say.
    ///
    /// # Errors
    /// Files that cannot be read, or are not of one run.
    pub fn of(members: &[MemberReading<'_>], answered: &[PathBuf]) -> Result<Self, JoinError> {
        let files: Vec<PathBuf> = members.iter().map(|member| member.sightings.clone()).collect();
        let mut head: Option<(&PathBuf, sightings::Head)> = None;
        for file in &files {
            let of_file = sightings::head(file).map_err(|error| unreadable(file, error))?;
            match &head {
                Some((one, first)) if *first != of_file => return Err(unlike(one, file)),
                Some(_) => {}
                None => head = Some((file, of_file)),
            }
        }
        let mut lanes = 0;
        for file in answered {
            let of_file = answers::head(file).map_err(|error| unreadable(file, error))?;
            if let Some((one, _)) =
                head.as_ref().filter(|(_, first)| (&first.run, &first.topics) != (&of_file.run, &of_file.topics))
            {
                return Err(unlike(one, file));
            }
            lanes = of_file.lanes;
        }
        let topics = head.map(|(_, head)| head.topics).unwrap_or_default();
        let seen = SightedEvents::read(&files, Numbering::of(lanes))?;
        Ok(Self { seen, positions: positions(&topics, members) })
    }

    /// Copies of events of which no member saw more than one: `known` were seen by one of them.
    #[must_use]
    pub const fn copies(&self, known: u64) -> u64 {
        self.seen.copies.saturating_sub(known)
    }

    /// Gives each event of a producer its class, in place of what that could say of it alone.
    ///
    /// # Errors
    /// Answers that cannot be read, or are not those of the report.
    pub fn complete(&self, answered: &Path, report: &mut RunReport) -> Result<(), JoinError> {
        let phases = self.classes(answered).map_err(|error| unreadable(answered, error))?;
        let found: LedgerCounts = phases.iter().copied().sum();
        let scheduled = report.ledger.scheduled;
        if found.scheduled != scheduled {
            return Err(JoinError::Sum { path: answered.to_owned(), found: found.scheduled, scheduled });
        }
        for (phase, ledger) in report.phases.iter_mut().zip(&phases) {
            phase.ledger = *ledger;
        }
        report.ledger = found;
        Ok(())
    }

    fn classes(&self, file: &Path) -> io::Result<Vec<LedgerCounts>> {
        let mut starts: HashMap<u16, Vec<u64>> = HashMap::new();
        answers::read(file, &mut |line| {
            if let Line::End(end) = line {
                starts.insert(end.lane, end.phase_starts);
            }
            Ok(())
        })?;
        let count = starts.values().map(Vec::len).max().unwrap_or(0).max(1);
        let mut phases = vec![LedgerCounts::default(); count];
        answers::read(file, &mut |line| {
            let Line::Answers(told) = line else { return Ok(()) };
            let contradicts = || io::Error::new(io::ErrorKind::InvalidData, "a line contradicts itself");
            for event in told.each().ok_or_else(contradicts)? {
                let started = starts.get(&told.lane).map_or(&[][..], Vec::as_slice);
                let phase = started.partition_point(|start| *start <= event.sequence).saturating_sub(1);
                phases[phase].add(Class::of(self.facts(told.lane, event)), 1);
            }
            Ok(())
        })?;
        Ok(phases)
    }

    fn facts(&self, lane: u16, event: Answered) -> Facts {
        let Answered { sequence, answer, place, aborted, .. } = event;
        let acked = place.filter(|_| answer == Answer::Acked);
        let sight = if self.seen.is_whole(lane, sequence) {
            Sight::Right
        } else if self.seen.is_damaged(lane, sequence, acked) {
            Sight::Damaged
        } else {
            Sight::Unseen
        };
        // Nobody is asked: what lies beyond the readers was not read, and of the rest nothing is known.
        let is_ahead = acked.is_some_and(|(partition, offset)| {
            let position = usize::try_from(partition).ok().and_then(|slot| self.positions.get(slot));
            position.is_none_or(|position| offset >= *position)
        });
        let look_up = if is_ahead && sight == Sight::Unseen { LookUp::Ahead } else { LookUp::Nothing };
        Facts { answer, sight, look_up, aborted, verifying: true }
    }
}

/// Which events were seen, by lane.
#[derive(Debug, Default)]
struct SightedEvents {
    /// A bit for each sequence of a lane.
    whole: HashMap<u16, Vec<u64>>,
    /// Where damaged records lie that claim to be an event.
    damaged: HashMap<(u16, u64), Vec<Place>>,
    /// Whole records beyond the first of their event, each at a place of its own.
    copies: u64,
}

impl SightedEvents {
    fn read(files: &[PathBuf], numbering: Numbering) -> Result<Self, JoinError> {
        let mut seen = Self::default();
        let mut twice: HashMap<(u16, u64), BTreeSet<Place>> = HashMap::new();
        let each = |of: &mut dyn FnMut((u16, u64), RecordSighting)| {
            files.iter().try_for_each(|file| {
                let named = |sighted: RecordSighting| {
                    let RecordSighting { lane, sequence, .. } = sighted;
                    let stamp = numbering.resolved(Stamp { tag: 0, lane, sequence, due: DueTime::default(), check: 0 });
                    (stamp.lane, stamp.sequence)
                };
                sightings::read(file, &mut |sighted| of(named(sighted), sighted))
                    .map_err(|error| unreadable(file, error))
            })
        };
        each(&mut |(lane, sequence), sighted| {
            if !sighted.whole {
                seen.damaged.entry((lane, sequence)).or_default().push(sighted.place);
            } else if !seen.note(lane, sequence) {
                twice.entry((lane, sequence)).or_default();
            }
        })?;
        if !twice.is_empty() {
            each(&mut |name, sighted| {
                if let Some(places) = twice.get_mut(&name).filter(|_| sighted.whole) {
                    places.insert(sighted.place);
                }
            })?;
            seen.copies = twice.values().map(|places| (places.len() as u64).saturating_sub(1)).sum();
        }
        Ok(seen)
    }

    /// False where it had been seen before.
    fn note(&mut self, lane: u16, sequence: u64) -> bool {
        let words = self.whole.entry(lane).or_default();
        let at = usize::try_from(sequence / 64).unwrap_or(usize::MAX);
        if words.len() <= at {
            words.resize(at + 1, 0);
        }
        let bit = 1 << (sequence % 64);
        let is_new = words[at] & bit == 0;
        words[at] |= bit;
        is_new
    }

    fn is_whole(&self, lane: u16, sequence: u64) -> bool {
        let word = self.whole.get(&lane).and_then(|words| words.get(usize::try_from(sequence / 64).ok()?));
        word.is_some_and(|word| word & 1 << (sequence % 64) != 0)
    }

    /// Whether a damaged record claims to be it and lies where it was acked, if that is known.
    fn is_damaged(&self, lane: u16, sequence: u64, acked: Option<Place>) -> bool {
        let places = self.damaged.get(&(lane, sequence));
        places.is_some_and(|places| acked.is_none_or(|acked| places.contains(&acked)))
    }
}

/// How far each partition was read, topic after topic.
fn positions(topics: &[(String, i32)], members: &[MemberReading<'_>]) -> Vec<i64> {
    let position = |topic: &str, partition: i32| {
        let of = members.iter().flat_map(|member| &member.report.partitions);
        let same = of.filter(|one| one.topic == topic && one.partition == partition);
        same.filter_map(|one| one.position).max().unwrap_or(0)
    };
    let places = topics.iter().flat_map(|(topic, count)| (0..*count).map(move |partition| (topic, partition)));
    places.map(|(topic, partition)| position(topic, partition)).collect()
}

fn unreadable(path: &Path, source: io::Error) -> JoinError {
    JoinError::Unreadable { path: path.to_owned(), source }
}

fn unlike(one: &Path, other: &Path) -> JoinError {
    JoinError::Unlike { one: one.to_owned(), other: other.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::sightings::Sightings;

    #[test]
    fn a_record_that_two_readers_saw_is_one_and_two_records_of_an_event_are_a_copy() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, records: &[(Place, u64, bool)]| {
            let path = folder.path().join(name);
            let mut file = Sightings::create(&path, "1".to_owned(), Vec::new()).unwrap();
            for (place, sequence, whole) in records.iter().copied() {
                file.note(RecordSighting { place, lane: 0, sequence, whole });
            }
            file.finish().unwrap();
            path
        };
        let one = write("one", &[((0, 5), 0, true), ((0, 6), 1, true), ((0, 7), 2, false)]);
        let two = write("two", &[((0, 6), 1, true), ((1, 9), 0, true), ((1, 10), 70, true)]);
        let seen = SightedEvents::read(&[one, two], Numbering::of(1)).unwrap();
        assert_eq!(seen.copies, 1, "event 0 lies at two places, event 1 at one");
        assert!([0, 1, 70].iter().all(|sequence| seen.is_whole(0, *sequence)));
        assert!(![2, 69, 700].iter().any(|sequence| seen.is_whole(0, *sequence)) && !seen.is_whole(1, 0));
        assert!(seen.is_damaged(0, 2, Some((0, 7))) && seen.is_damaged(0, 2, None));
        assert!(!seen.is_damaged(0, 2, Some((0, 8))), "it lies elsewhere");
    }
}
