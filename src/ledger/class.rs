//! The classes, and the one total function from what is known of an event to its class.

use serde::{Deserialize, Serialize};

/// How one scheduled event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Acked, seen, content right.
    Verified,
    /// Acked, in a run without a verifier.
    Unverified,
    /// Never handed to the client, unseen.
    NotAttempted,
    /// Proven not written: refused by the client itself, or by a definitive answer of the broker.
    Refused,
    /// No answer that proves anything, but seen.
    UnknownSeen,
    /// No answer that proves anything, and not seen: neither good nor lost.
    UnknownUnseen,
    /// Not handed over or refused, and yet seen.
    Contradicted,
    /// Seen, but damaged; or the record at its acked offset cannot be parsed.
    Corrupt,
    /// Acked, and proven to be gone from the log.
    Lost,
    /// Acked, unseen, and its offset is below the start of the log.
    Expired,
    /// Acked, unseen, absent, and a later record of its key is in a compacted topic.
    Compacted,
    /// Acked and in the log, below the verifier's position, but never delivered to it: passed over, or held as aborted though its
    /// commit was confirmed.
    Undelivered,
    /// Acked, and past the point the verifier reached in time: also behind an open transaction, or not replicated yet.
    Unread,
    /// Acked, unseen, and its fate could not be looked up.
    Unattributed,
    /// Part of an aborted transaction, unseen.
    Aborted,
    /// Part of an aborted transaction, and yet seen.
    AbortedSeen,
}

impl Class {
    /// Every class, in the order of reports.
    pub const ALL: [Self; 16] = [
        Self::Verified,
        Self::Unverified,
        Self::NotAttempted,
        Self::Refused,
        Self::UnknownSeen,
        Self::UnknownUnseen,
        Self::Contradicted,
        Self::Corrupt,
        Self::Lost,
        Self::Expired,
        Self::Compacted,
        Self::Undelivered,
        Self::Unread,
        Self::Unattributed,
        Self::Aborted,
        Self::AbortedSeen,
    ];

    /// The name in reports and gates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Unverified => "unverified",
            Self::NotAttempted => "not_attempted",
            Self::Refused => "refused",
            Self::UnknownSeen => "unknown_seen",
            Self::UnknownUnseen => "unknown_unseen",
            Self::Contradicted => "contradicted",
            Self::Corrupt => "corrupt",
            Self::Lost => "lost",
            Self::Expired => "expired",
            Self::Compacted => "compacted",
            Self::Undelivered => "undelivered",
            Self::Unread => "unread",
            Self::Unattributed => "unattributed",
            Self::Aborted => "aborted",
            Self::AbortedSeen => "aborted_seen",
        }
    }
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
pub struct Known {
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
    pub const fn of(known: Known) -> Self {
        let Known { answer, sight, look_up, aborted, verifying } = known;
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

    fn everything() -> impl Iterator<Item = Known> {
        use {Answer as A, Sight as S};
        let answers = [A::NotHanded, A::Acked, A::Refused, A::Unanswered];
        let sights = [S::Unseen, S::Right, S::Damaged];
        answers.into_iter().flat_map(move |answer| {
            sights.into_iter().flat_map(move |sight| {
                LookUp::ALL.into_iter().flat_map(move |look_up| {
                    [(false, false), (false, true), (true, false), (true, true)].map(|(aborted, verifying)| Known {
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
        for class in Class::ALL {
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
