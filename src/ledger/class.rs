//! The classes, what each means, and the one total function from what is known of an event to its class.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a class bears on the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it should be.
    Good,
    /// Not proven good, for a reason that is allowed or is the run's own.
    Allowed,
    /// Nothing can be claimed.
    Undecided,
    /// Must not happen.
    Violation,
}

/// Declares each class once: its variant, its name, its standing, its meaning and its definition. Enum and counts follow.
macro_rules! classes {
    ($($class:ident, $name:ident, $standing:ident, $meaning:literal, $definition:literal;)+) => {
        /// How one scheduled event ended.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(clippy::doc_markdown, reason = "explain says it on a terminal, where backticks would stand as they are")]
        pub enum Class {
            $(#[doc = $definition] $class,)+
        }

        impl Class {
            /// Every class, in the order of reports.
            pub const ALL: [Self; [$(Self::$class),+].len()] = [$(Self::$class),+];

            /// The name in reports and gates.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$class => stringify!($name),)+ }
            }

            /// How it bears on the verdict, before what the configuration allows.
            #[must_use]
            pub const fn standing(self) -> Standing {
                match self { $(Self::$class => Standing::$standing,)+ }
            }

            /// What is known of its events, in a few words.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$class => $meaning,)+ }
            }

            /// What it means, in a sentence or two.
            #[must_use]
            pub const fn definition(self) -> &'static str {
                match self { $(Self::$class => $definition,)+ }
            }
        }

        /// How many events ended in each class. The sum of all but `scheduled` equals `scheduled`.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        #[expect(clippy::doc_markdown, reason = "explain says it on a terminal, where backticks would stand as they are")]
        pub struct LedgerCounts {
            /// Events due before the stop.
            pub scheduled: u64,
            $(#[doc = $definition] pub $name: u64,)+
        }

        impl LedgerCounts {
            /// How many events ended in `class`.
            #[must_use]
            pub const fn of(&self, class: Class) -> u64 {
                match class { $(Class::$class => self.$name,)+ }
            }

            pub(crate) const fn of_mut(&mut self, class: Class) -> &mut u64 {
                match class { $(Class::$class => &mut self.$name,)+ }
            }
        }
    };
}

classes! {
    Verified, verified, Good, "acked, seen, content right",
        "Acked by the broker, read back, and the content is what was sent.";
    Unverified, unverified, Allowed, "acked, and not read back (--no-verify)",
        "Acked in a run with --no-verify: nothing was read back, so nothing is said of loss or damage.";
    NotAttempted, not_attempted, Allowed, "never handed to the client",
        "Never handed to the client, because the run stopped or the event was dropped as too late, and not seen.";
    Refused, refused, Allowed, "proven not written",
        "Proven not written: refused by the client itself, or by a definitive answer of the broker (too large, not \
         authorized, invalid record), and not seen.";
    UnknownSeen, unknown_seen, Allowed, "without an answer, but seen",
        "No answer proves anything (a time-out, a lost connection), but the event was read back.";
    UnknownUnseen, unknown_unseen, Undecided, "without an answer, and not seen",
        "No answer proves anything, and the event was not seen: neither good nor lost.";
    Contradicted, contradicted, Violation, "not handed over or refused, and yet seen",
        "Never handed to the client, or refused, and yet in the topic.";
    Corrupt, corrupt, Violation, "seen, but damaged",
        "Seen, but damaged; or the record at its acked partition and offset has its key and time and is not whole.";
    Lost, lost, Violation, "acked, and gone from the log",
        "Acked, and proven to be gone: another record (by id, key or CreateTime) stands at its partition and \
         offset, or none though the high watermark has passed it, or the log of its leader ends before it.";
    Expired, expired, Allowed, "acked, and aged out of the log unseen",
        "Acked, unseen, and its offset is below the start of the log: retention or DeleteRecords took it.";
    Compacted, compacted, Allowed, "acked, and compacted away unseen",
        "Acked, unseen, absent, and a later record of its key is in a compacted topic.";
    Undelivered, undelivered, Violation, "in the log, but never delivered to the reader",
        "Acked, never given to the verifier although it reached beyond it, and present when its offset is read \
         again. The log may hold its transaction as aborted though its commit was confirmed (held_aborted).";
    Unread, unread, Undecided, "acked, past the point read in time",
        "Acked, past the point that the verifier reached in time: not reached, not replicated yet (at or above the \
         high watermark, where the log ends for every reader), or behind an open transaction.";
    Unattributed, unattributed, Undecided, "acked, unseen, and could not be looked up",
        "Acked, unseen, and not to be looked up: its offset is unknown, its partition cannot be reached, there were \
         too many to look up, or it is absent from a compacted topic and its key is not known.";
    Unwitnessed, unwitnessed, Undecided, "of a shard that was lost, which told nothing of them",
        "Of a shard of a fleet that was lost: it was to send them, and nobody is left who can say what became of them.";
    Aborted, aborted, Allowed, "in an aborted transaction, unseen",
        "Part of a transaction that was aborted, and unseen.";
    AbortedSeen, aborted_seen, Violation, "in an aborted transaction, and yet seen",
        "Part of a transaction that was aborted, and yet seen.";
}

/// What the client said of an event in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// It was never handed to the client.
    NotHanded,
    /// The broker confirmed it.
    Acked,
    /// Proven not written.
    Refused,
    /// Everything else: time-outs, guesses, no delivery report by the deadline.
    Unanswered,
}

/// What the verifier saw of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sight {
    /// Nothing.
    Unseen,
    /// The event, content right.
    Right,
    /// The event, damaged.
    Damaged,
}

/// What a look at the event's acked partition and offset found at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LookUp {
    /// Nobody looked: the offset is not known, the partition cannot be reached, or there were too many.
    Nothing,
    /// The event is there, and the verifier had passed that offset.
    Present,
    /// The event is there, and no reader of committed records is given it: the log holds its transaction as aborted.
    HeldAborted,
    /// The offset is one that the verifier did not reach in time.
    Ahead,
    /// An open transaction hides what is there from readers of committed records.
    Hidden,
    /// The offset is at or above the high watermark: the leader may have it, and no reader is given it.
    NotReplicated,
    /// Another record is there, or none though the high watermark has passed it, or the leader's own log ends before it.
    Gone,
    /// A record is there that is damaged, and by its key and `CreateTime` the event.
    Unparsable,
    /// The log starts after that offset.
    BelowStart,
    /// The event is gone from a compacted topic, and a later record of its key is there.
    Superseded,
}

impl LookUp {
    /// Every result.
    pub const ALL: [Self; 10] = [
        Self::Nothing,
        Self::Present,
        Self::HeldAborted,
        Self::Ahead,
        Self::Hidden,
        Self::NotReplicated,
        Self::Gone,
        Self::Unparsable,
        Self::BelowStart,
        Self::Superseded,
    ];
}

/// All that is known of one event at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    /// What the client said.
    pub answer: Answer,
    /// What the verifier saw.
    pub sight: Sight,
    /// What a look at its offset found.
    pub look_up: LookUp,
    /// Whether its transaction was aborted.
    pub aborted: bool,
    /// Whether there was a verifier.
    pub verifying: bool,
}

impl Class {
    /// The class of an event: total, and a function of nothing else.
    #[must_use]
    pub const fn of(known: Facts) -> Self {
        let Facts { answer, sight, look_up, aborted, verifying } = known;
        match (answer, sight) {
            (Answer::NotHanded, Sight::Unseen) => Self::NotAttempted,
            (Answer::Refused, Sight::Unseen) => Self::Refused,
            (Answer::NotHanded | Answer::Refused, _) => Self::Contradicted,
            (_, Sight::Unseen) if aborted => Self::Aborted,
            (_, _) if aborted => Self::AbortedSeen,
            (_, Sight::Damaged) => Self::Corrupt,
            (Answer::Unanswered, Sight::Unseen) => Self::UnknownUnseen,
            (Answer::Unanswered, Sight::Right) => Self::UnknownSeen,
            (Answer::Acked, Sight::Right) => match look_up {
                LookUp::Gone => Self::Lost,
                LookUp::Unparsable => Self::Corrupt,
                _ => Self::Verified,
            },
            (Answer::Acked, Sight::Unseen) if !verifying => Self::Unverified,
            (Answer::Acked, Sight::Unseen) => match look_up {
                LookUp::Nothing => Self::Unattributed,
                LookUp::Present | LookUp::HeldAborted => Self::Undelivered,
                LookUp::Ahead | LookUp::Hidden | LookUp::NotReplicated => Self::Unread,
                LookUp::Gone => Self::Lost,
                LookUp::Unparsable => Self::Corrupt,
                LookUp::BelowStart => Self::Expired,
                LookUp::Superseded => Self::Compacted,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> impl Iterator<Item = Facts> {
        use {Answer as A, Sight as S};
        let answers = [A::NotHanded, A::Acked, A::Refused, A::Unanswered];
        let sights = [S::Unseen, S::Right, S::Damaged];
        answers.into_iter().flat_map(move |answer| {
            sights.into_iter().flat_map(move |sight| {
                LookUp::ALL.into_iter().flat_map(move |look_up| {
                    [(false, false), (false, true), (true, false), (true, true)].map(|(aborted, verifying)| Facts {
                        answer,
                        sight,
                        look_up,
                        aborted,
                        verifying,
                    })
                })
            })
        })
    }

    #[test]
    fn unknown_is_never_called_good() {
        for known in everything() {
            match Class::of(known) {
                Class::Verified => {
                    assert!(
                        known.answer == Answer::Acked && known.sight == Sight::Right && !known.aborted,
                        "{known:?}"
                    );
                    assert!(!matches!(known.look_up, LookUp::Gone | LookUp::Unparsable), "{known:?}");
                }
                Class::Unverified => assert!(!known.verifying && known.answer == Answer::Acked, "{known:?}"),
                _ => {}
            }
        }
    }

    #[test]
    fn loss_is_claimed_only_of_acked_events_that_are_not_in_the_log() {
        for known in everything().filter(|known| Class::of(*known) == Class::Lost) {
            assert_eq!((known.answer, known.look_up, known.aborted), (Answer::Acked, LookUp::Gone, false));
        }
    }

    #[test]
    fn what_is_at_or_above_the_high_watermark_is_never_lost() {
        for look_up in [LookUp::NotReplicated, LookUp::Hidden, LookUp::Ahead] {
            for known in everything().filter(|known| known.look_up == look_up) {
                assert_ne!(Class::of(known), Class::Lost, "{known:?}");
                let acked = known.answer == Answer::Acked && known.sight == Sight::Unseen && known.verifying;
                assert_eq!(Class::of(known) == Class::Unread, acked && !known.aborted, "{known:?}");
            }
        }
    }

    #[test]
    fn damage_that_was_seen_is_never_hidden() {
        for known in everything().filter(|known| known.sight == Sight::Damaged) {
            assert!(matches!(Class::of(known), Class::Corrupt | Class::Contradicted | Class::AbortedSeen), "{known:?}");
        }
    }

    #[test]
    fn a_sighting_without_a_hand_over_is_a_contradiction() {
        for known in everything().filter(|known| known.sight != Sight::Unseen) {
            let contradicted = matches!(known.answer, Answer::NotHanded | Answer::Refused);
            assert_eq!(Class::of(known) == Class::Contradicted, contradicted, "{known:?}");
        }
    }

    #[test]
    fn every_class_can_be_reached() {
        // Of an event of this process something is always known.
        for class in Class::ALL.into_iter().filter(|class| *class != Class::Unwitnessed) {
            assert!(everything().any(|known| Class::of(known) == class), "{class:?}");
        }
    }

    #[test]
    fn names_are_those_of_the_report() {
        for class in Class::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.as_str());
        }
    }
}
