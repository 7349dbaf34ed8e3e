//! The rules of the checker, as a value: the self-test's own tests take one away and expect the self-test to notice.
//!
//! Every run has all of them. There is no option for less.

/// One thing that the checker must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Rule {
    /// A value is UTF-8.
    Utf8,
    /// A value is JSON.
    Json,
    /// Required fields are there.
    RequiredField,
    /// Fields have their types.
    FieldType,
    /// The key is the event's user.
    KeyIsUser,
    /// A record lies in its key's partition.
    Placement,
    /// An event with another run's tag is foreign.
    RunTag,
    /// An event that was never due at its due time is foreign.
    DueTime,
    /// An event of a lane that another process has is a sibling's.
    Sibling,
    /// Content and stamp belong together.
    Check,
    /// An offset that was read before is a re-read.
    Reread,
    /// A second record with the same `CreateTime` was sent again.
    Resent,
    /// A second record with another `CreateTime` was written again.
    Rewritten,
    /// Sequences rise.
    Order,
    /// Nothing is seen before it was due.
    NotBeforeDue,
    /// The end-to-end time counts from the due time.
    EndToEnd,
    /// What was refused and not seen was refused.
    Refused,
    /// What was refused and seen contradicts itself.
    Contradicted,
    /// What has no answer and was not seen is unknown.
    UnknownUnseen,
    /// What has no answer and was seen is unknown.
    UnknownSeen,
    /// What was acked at an offset where another record lies is lost.
    AnotherRecord,
    /// What was acked at an offset past the end of the leader's log is lost.
    PastEnd,
    /// What was acked at or above the high watermark, where the leader's log may go on, is not lost.
    NotReplicated,
    /// What lies at an acked offset and cannot be parsed is corrupt.
    Unparsable,
    /// What was acked below the start of the log has expired.
    BelowStart,
    /// What lies in the log below the verifier's position, and was not delivered, is undelivered.
    Undelivered,
    /// What lies in the log past the verifier's position is unread.
    Unread,
    /// What was acked without an offset, and was not seen, cannot be attributed.
    NoOffset,
    /// What was seen and is no longer in the log is lost.
    SeenThenGone,
    /// What was aborted and not seen is aborted.
    Aborted,
    /// What was aborted and yet seen is that.
    AbortedSeen,
    /// A body is what its schema says.
    Malformed,
    /// A frame names a schema that there is.
    UnknownSchemaId,
    /// A frame names a schema of a type of event.
    WrongSubject,
    /// What a schema says can be read as its type.
    NotReadable,
    /// Of a record whose schema is still being looked up, and of what follows it, nothing is said yet.
    AwaitsSchema,
    /// An event that somebody wrote again with the same values is told apart.
    ReEncoded,
    /// The header with an id stands in a record once.
    HeaderOnce,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 38] = [
        Self::Utf8,
        Self::Json,
        Self::RequiredField,
        Self::FieldType,
        Self::KeyIsUser,
        Self::Placement,
        Self::RunTag,
        Self::DueTime,
        Self::Sibling,
        Self::Check,
        Self::Reread,
        Self::Resent,
        Self::Rewritten,
        Self::Order,
        Self::NotBeforeDue,
        Self::EndToEnd,
        Self::Refused,
        Self::Contradicted,
        Self::UnknownUnseen,
        Self::UnknownSeen,
        Self::AnotherRecord,
        Self::PastEnd,
        Self::NotReplicated,
        Self::Unparsable,
        Self::BelowStart,
        Self::Undelivered,
        Self::Unread,
        Self::NoOffset,
        Self::SeenThenGone,
        Self::Aborted,
        Self::AbortedSeen,
        Self::Malformed,
        Self::UnknownSchemaId,
        Self::WrongSubject,
        Self::NotReadable,
        Self::AwaitsSchema,
        Self::ReEncoded,
        Self::HeaderOnce,
    ];
}

/// The rules that a checker follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules(u64);

impl Rules {
    /// Every rule.
    pub const ALL: Self = Self(u64::MAX);

    /// All of these but `rule`: a broken checker.
    #[must_use]
    pub const fn without(self, rule: Rule) -> Self {
        Self(self.0 & !(1 << rule as u8))
    }

    /// Whether `rule` is followed.
    #[must_use]
    pub const fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::ALL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rule_can_be_taken_away_at_a_time() {
        for rule in Rule::ALL {
            let broken = Rules::ALL.without(rule);
            for other in Rule::ALL {
                assert_eq!(broken.has(other), other != rule, "{other:?} without {rule:?}");
            }
        }
    }
}
