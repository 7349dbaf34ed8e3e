//! What the client answered for each event of a run that reads nothing back: `answers.ndjson.zst` in its bundle.
//!
//! A reader in another process joins it with what is in the topic. It grows while the run goes on, a line for each 4,096 events
//! of a lane when all of them are answered, so neither memory nor file is more than follows from what is outstanding. Each
//! line is a zstd frame of its own, and all of them together are one zstd file: `zstdcat answers.ndjson.zst` shows it.
//!
//! ```text
//! {"head":{"version":2,"run":"a1b2c3d4e5f60718","lanes":1,"topics":[["raw-events",3]],"starts":[0,0,0]}}
//! {"answers":{"lane":0,"first":0,"events":3,"partition":[2,0,2],"offset":[17,4,1]}}
//! {"end":{"lane":0,"drawn":3,"phase_starts":[0]}}
//! ```
//! `starts` are the ends of the partitions before the run, topic after topic; `partition` counts them in that order. An `offset` is the
//! difference to the one before it in its partition and line. Events that were not acked at a known offset have partition -1 and
//! are listed by their place in the line, under `refused`, `unanswered`, `not_handed` and `unplaced` (acked, offset unknown).
//! Where the head says `transactional`, acked is what was committed: events of aborted transactions are `unanswered` and
//! `aborted`, those of transactions of which neither is proven `unanswered` alone. Where it says `compacted`, lines tell the users,
//! who are the keys (0 where an event has no place): an absent event may have been replaced by a later one of its key.

mod read;
mod write;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::class::Answer;
use crate::event::KeyId;
pub use read::{head, read};
pub use write::{LaneAnswers, Sink};

/// The version of the format.
const VERSION: u32 = 2;
/// No place.
const NOWHERE: i32 = -1;

/// What stands first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the format.
    pub version: u32,
    /// The run's id.
    pub run: String,
    /// How many lanes the run has, over all its processes: what its events are named by in stamps.
    #[serde(default)]
    pub lanes: u16,
    /// Its topics with their partitions.
    pub topics: Vec<(String, i32)>,
    /// Where each partition ended before the run.
    pub starts: Vec<i64>,
    /// Whether its events were sent in transactions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transactional: bool,
    /// Whether one of its topics is compacted, so that the lines tell the users.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compacted: bool,
    /// The topics' ids, in their order, as far as the cluster told them: a topic that is made anew has another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Option<String>>,
}

impl Head {
    /// That of a run without transactions whose topics are not compacted.
    #[must_use]
    pub const fn new(run: String, lanes: u16, topics: Vec<(String, i32)>, starts: Vec<i64>) -> Self {
        Self { version: VERSION, run, lanes, topics, starts, transactional: false, compacted: false, ids: Vec::new() }
    }
}

/// The answers for some events of a lane that follow each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// The lane.
    pub lane: u16,
    /// The sequence of the first.
    pub first: u64,
    /// How many.
    pub events: u32,
    partition: Vec<i32>,
    offset: Vec<i64>,
    #[serde(default, with = "crate::units::exact::list", skip_serializing_if = "Vec::is_empty")]
    user: Vec<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refused: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unanswered: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_handed: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unplaced: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    aborted: Vec<u32>,
    /// Whether none of them was handed to the client: then nothing else is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    left_out: bool,
}

/// How a lane ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The lane.
    pub lane: u16,
    /// How many of its events came due.
    pub drawn: u64,
    /// Its first sequence in each phase.
    pub phase_starts: Vec<u64>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// The first.
    Head(Head),
    /// Answers.
    Answers(Answers),
    /// The last of a lane.
    End(End),
}

/// What was answered for one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Its sequence.
    pub sequence: u64,
    /// The answer.
    pub answer: Answer,
    /// Whether its transaction was aborted.
    pub aborted: bool,
    /// Where it was acked, if that is known.
    pub place: Option<(i32, i64)>,
    /// Its key, if that is told.
    pub key: Option<KeyId>,
}

/// Where an event was acked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The event's key.
    pub key: KeyId,
}

impl Answers {
    /// The events one by one. `None` where the line contradicts itself.
    #[must_use]
    pub fn each(&self) -> Option<Vec<Answered>> {
        if self.left_out {
            let none =
                |sequence| Answered { sequence, answer: Answer::NotHanded, aborted: false, place: None, key: None };
            return Some((self.first..).take(usize::try_from(self.events).ok()?).map(none).collect());
        }
        let count = usize::try_from(self.events).ok()?;
        let told = [self.partition.len(), self.offset.len()];
        if told != [count; 2] || !(self.user.is_empty() || self.user.len() == count) {
            return None;
        }
        let mut last: HashMap<i32, i64> = HashMap::new();
        let placed =
            (self.first..).zip(self.partition.iter().zip(&self.offset)).map(|(sequence, (partition, step))| {
                let place = (*partition != NOWHERE).then(|| {
                    let offset = last.entry(*partition).or_default();
                    *offset += step;
                    (*partition, *offset)
                });
                Answered { sequence, answer: Answer::Acked, aborted: false, place, key: None }
            });
        let mut events: Vec<Answered> = placed.collect();
        for (event, user) in events.iter_mut().zip(&self.user) {
            event.key = event.place.map(|_| KeyId::from_bits(*user));
        }
        let lists = [
            (&self.refused, Answer::Refused),
            (&self.unanswered, Answer::Unanswered),
            (&self.not_handed, Answer::NotHanded),
        ];
        for (places, answer) in lists {
            for place in places {
                events.get_mut(usize::try_from(*place).ok()?)?.answer = answer;
            }
        }
        for place in &self.aborted {
            events.get_mut(usize::try_from(*place).ok()?)?.aborted = true;
        }
        Some(events)
    }
}

#[cfg(test)]
mod tests;
