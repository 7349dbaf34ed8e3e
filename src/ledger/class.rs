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
    /// Acked, and gone from the log.
    Lost,
    /// Acked, unseen, and its offset is below the start of the log.
    Expired,
    /// Acked, unseen, absent, and a later record of its key is in a compacted topic.
    Compacted,
    /// Acked and in the log, below the verifier's position, but never delivered to it.
    Undelivered,
    /// Acked, and past the point the verifier reached in time.
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
