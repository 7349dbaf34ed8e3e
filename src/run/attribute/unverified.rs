//! One event that did not end verified, told by itself.

use serde::Serialize;

use crate::clock::Anchor;
use crate::event::stamp::{DueTime, Stamp};
use crate::kafka::slots::Slots;
use crate::ledger::class::{Class, LookUp, Sight};
use crate::ledger::judge::Judged;
use crate::report::Example;
use crate::run::Config;

/// One event that did not end verified. What is not known is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unverified {
    /// Its class.
    pub class: Class,
    /// Its lane.
    pub lane: u16,
    /// Its sequence in the lane.
    pub sequence: u64,
    /// Whether the verifier had read it before it went.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub seen_then_gone: bool,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Its user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// When it was due, us since the start of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_us: Option<u64>,
    /// In which topic it was acked, where the run has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Where it was acked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition: Option<i32>,
    /// At which offset it was acked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// Why it ended so: of one that was not acked the error's code and who said it, of an `unread` one what kept it from being
    /// read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Unverified {
    pub(super) fn new(config: &Config, anchor: Anchor, lane: u16, judged: &Judged) -> Self {
        let event = judged.outstanding;
        let stamp = |event: crate::ledger::Outstanding| {
            let (lane, sequence) = config.lanes.numbering().written(lane, event.sequence);
            let due = DueTime::from_unix_ns(anchor.unix_ns(event.due));
            Stamp { due, tag: config.id.tag(), lane, sequence, check: event.check }
        };
        Self {
            class: judged.class,
            lane,
            sequence: judged.sequence,
            seen_then_gone: judged.class == Class::Lost && judged.sight == Sight::Right,
            event_id: event.map(|event| stamp(event).to_string()),
            event_type: event.map(|event| config.catalogue.name(event.kind).to_owned()),
            user_id: event.and_then(|event| event.key.text()),
            due_us: event.map(|event| event.due.as_micros()),
            topic: None,
            partition: event.map(|event| event.partition),
            offset: event.and_then(|event| event.offset),
            reason: why(judged.look_up).map(str::to_owned),
        }
    }

    /// An event of which no more is known than its class and, where it was acked at one, its place.
    pub(in crate::run) fn placed(
        lane: u16,
        sequence: u64,
        class: Class,
        look_up: LookUp,
        gone: bool,
        place: Option<(i32, i64)>,
    ) -> Self {
        let (partition, offset) = match place {
            Some((partition, offset)) => (Some(partition), Some(offset)),
            None => (None, None),
        };
        Self {
            class,
            lane,
            sequence,
            seen_then_gone: gone,
            event_id: None,
            event_type: None,
            user_id: None,
            due_us: None,
            topic: None,
            partition,
            offset,
            reason: why(look_up).map(str::to_owned),
        }
    }

    /// Tells its slot as a topic's partition.
    pub(in crate::run) fn name_place(&mut self, slots: &Slots) {
        if let Some((topic, partition)) = self.partition.and_then(|slot| slots.place(slot)).filter(|_| !slots.is_one())
        {
            (self.topic, self.partition) = (Some(topic.to_owned()), Some(partition));
        }
    }

    /// The same as an example of its class.
    pub(in crate::run) fn example(&self, topic: &str) -> Example {
        Example {
            event_id: self.event_id.clone(),
            event_type: self.event_type.clone(),
            user_id: self.user_id.clone(),
            lane: Some(self.lane),
            sequence: Some(self.sequence),
            due_us: self.due_us,
            topic: Some(topic.to_owned()),
            partition: self.partition,
            offset: self.offset,
            other_offset: None,
            kind: None,
            what: match self.reason.as_deref() {
                _ if self.seen_then_gone => SEEN_THEN_GONE.to_owned(),
                Some(HELD_ABORTED) => format!("acked and in the log: {HELD_ABORTED}"),
                Some(reason) => format!("{}: {reason}", happened(self.class)),
                None => happened(self.class).to_owned(),
            },
        }
    }
}

const SEEN_THEN_GONE: &str = "acked and read, and then no longer in the log: it was cut off";

/// Why it was not read, of what was not, where that is known.
const fn why(found: LookUp) -> Option<&'static str> {
    match found {
        LookUp::NotReplicated => Some(NOT_REPLICATED),
        LookUp::Hidden => Some(HIDDEN),
        LookUp::HeldAborted => Some(HELD_ABORTED),
        LookUp::Ahead => Some("the reader had not come that far when it ended"),
        _ => None,
    }
}

/// At or above the high watermark.
pub(super) const NOT_REPLICATED: &str = "not replicated yet (at or above the high watermark)";
/// Behind the last stable offset.
pub(super) const HIDDEN: &str = "behind an open transaction";
/// In an aborted transaction whose commit was confirmed.
pub(super) const HELD_ABORTED: &str = "its commit was confirmed, and the log holds its transaction as aborted";

/// What probably happened to an event of that class, in one line.
const fn happened(class: Class) -> &'static str {
    match class {
        Class::Verified | Class::Unverified => "",
        Class::NotAttempted => "it was due, and the run ended (or left it out as too late) before it was sent",
        Class::Refused => "the client or the broker refused it: it was not written",
        Class::UnknownSeen => "no answer came in time, but it was written",
        Class::UnknownUnseen => "no answer came in time, and nobody saw it: written or not, nothing proves either",
        Class::Contradicted => "it was refused or never sent, and yet it was read",
        Class::Corrupt => "what was read, or lies at its offset under its key, is not what was sent",
        Class::Lost => {
            "acked, and another record lies at its offset, or none though the log has passed it or ends before it"
        }
        Class::Expired => "acked, and the log now starts after its offset: retention or DeleteRecords removed it",
        Class::Compacted => "acked, and compaction replaced it by a later record of its key",
        Class::Undelivered => "acked and in the log, but the reader went past it without getting it",
        Class::Unread => "acked, and not read",
        Class::Unattributed => "acked and unseen, and its offset is not known or could not be read again",
        Class::Unwitnessed => "its shard was lost",
        Class::Aborted => "its transaction was aborted",
        Class::AbortedSeen => "its transaction was aborted, and yet it was read",
    }
}
