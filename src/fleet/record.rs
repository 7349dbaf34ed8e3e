//! What shards say to one another: JSON records whose keys make a compacted topic keep the last of each kind.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::parcel::Parcel;
use crate::report::fleet::{ClockOffset, ClockReport};

/// A process that has, or had, the seat of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The run's id.
    pub run: String,
    /// The shard, from 1.
    pub shard: u16,
    /// How many there are.
    pub of: u16,
    /// Which of its incarnations this is, from 1.
    pub attempt: u32,
    /// The machine's name.
    pub host: String,
    /// The process's number there.
    pub pid: u32,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}, attempt {}", self.pid, self.host, self.attempt)
    }
}

/// What must be the same in all shards of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The version of loadgen.
    pub version: String,
    /// The run's name.
    pub name: String,
    /// The seed.
    pub seed: u64,
    /// Lanes of each shard.
    pub lanes: u16,
    /// The scenario, without secrets and without what may differ between machines.
    pub scenario: String,
    /// Events that this shard is to send, where that is known.
    pub planned: Option<u64>,
    /// What it has measured of its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockReport>,
}

/// How far a shard is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Seconds since the start.
    pub at_s: u64,
    /// Events that came due.
    pub scheduled: u64,
    /// Events that were handed over.
    pub sent: u64,
    /// Of these, acked.
    pub acked: u64,
    /// Read back.
    pub seen: u64,
    /// Refused, or without an answer.
    pub failed: u64,
    /// So far, in us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slip_p99_us: Option<u64>,
    /// So far, in us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_p99_us: Option<u64>,
    /// How far the broker's clock is from the one by which its events are due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_clock: Option<ClockOffset>,
}

/// How a shard ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// The exit code of its own verdict.
    pub exit_code: u8,
    /// Why, in one sentence; empty where there is nothing to say.
    pub why: String,
    /// How far it came.
    pub progress: Progress,
    /// What it has measured of its clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockReport>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Announcement {
    /// It has the seat: whoever had it before is fenced.
    Entered,
    /// Nothing: the record's time is what is wanted.
    Clock,
    /// All that it needs stands ready.
    Ready(Ready),
    /// How far it is.
    Beat(Progress),
    /// It has ended.
    Ended(End),
    /// Its bundle is in the topic.
    HandedIn(Parcel),
}

/// A record of the topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Who says it.
    #[serde(flatten)]
    pub who: Who,
    /// What.
    #[serde(flatten)]
    pub said: Announcement,
}

impl Record {
    /// Records with the same key are kept once: what each attempt says once has a key of its own.
    #[must_use]
    pub fn key(&self) -> String {
        let Who { run, shard, attempt, .. } = &self.who;
        match self.said {
            Announcement::Entered => format!("{run}/{shard}/entered/{attempt}"),
            Announcement::Ready(_) => format!("{run}/{shard}/ready/{attempt}"),
            Announcement::Ended(_) => format!("{run}/{shard}/ended/{attempt}"),
            Announcement::HandedIn(_) => format!("{run}/{shard}/handed-in/{attempt}"),
            Announcement::Clock => format!("{run}/{shard}/clock"),
            Announcement::Beat(_) => format!("{run}/{shard}/beat"),
        }
    }

    /// The key of a chunk of a shard's bundle, which is no record of these but bytes.
    #[must_use]
    pub fn chunk_key(who: &Who, index: u32) -> String {
        format!("{}/{}/chunk/{}/{index}", who.run, who.shard, who.attempt)
    }

    /// Which chunk of which shard's which attempt has that key.
    #[must_use]
    pub fn chunk_of(key: &[u8]) -> Option<(u16, u32, u32)> {
        let mut words = std::str::from_utf8(key).ok()?.split('/').skip(1);
        let shard = words.next()?.parse().ok()?;
        if words.next()? != "chunk" {
            return None;
        }
        Some((shard, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    }

    /// What the body of a record says; who said it, where this version knows that much and no more.
    ///
    /// # Errors
    /// A body of which nothing is known.
    pub fn read(body: &[u8]) -> Result<Self, Option<Who>> {
        serde_json::from_slice(body).map_err(|_| serde_json::from_slice(body).ok())
    }

    /// Whether a key is one of that run's.
    #[must_use]
    pub fn is_of(run: &str, key: &[u8]) -> bool {
        key.strip_prefix(run.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_flat_object_and_comes_back_as_it_was() {
        let who = Who { run: "c0ffee".to_owned(), shard: 2, of: 4, attempt: 1, host: "a".to_owned(), pid: 7 };
        let beat = Announcement::Beat(Progress {
            at_s: 3,
            scheduled: 30,
            sent: 29,
            acked: 28,
            seen: 27,
            ..Progress::default()
        });
        for said in [
            Announcement::Entered,
            Announcement::Clock,
            Announcement::Ready(Ready { seed: u64::MAX, ..Ready::default() }),
            beat,
        ] {
            let record = Record { who: who.clone(), said };
            let text = serde_json::to_string(&record).unwrap();
            assert!(
                text.starts_with(r#"{"run":"c0ffee","shard":2,"of":4,"attempt":1,"host":"a","pid":7,"said":""#),
                "{text}"
            );
            assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
            assert_eq!(Record::chunk_of(record.key().as_bytes()), None);
            assert!(
                Record::is_of("c0ffee", record.key().as_bytes()) && !Record::is_of("c0ff", record.key().as_bytes())
            );
        }
        assert_eq!(Record::chunk_of(Record::chunk_key(&who, 9).as_bytes()), Some((2, 1, 9)));
    }
}
