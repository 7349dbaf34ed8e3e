//! The faults that the self-test injects, each with what the report must say about it and the one rule that says so.

use super::Wire;
use crate::ledger::Class;
use crate::ledger::rules::Rule;
use crate::settings::formats::Format;

/// Something that goes wrong with one event on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Acked, never written; another record has its offset.
    DroppedAfterAck,
    /// Acked past the end of the log, never written.
    DroppedPastEnd,
    /// Acked without an offset, never written.
    DroppedWithoutOffset,
    /// Never written, and never answered.
    DroppedBefore,
    /// Written, and never answered.
    AnswerLost,
    /// Refused, not written.
    Refused,
    /// Refused, and yet written.
    RefusedButWritten,
    /// Written twice, with the same `CreateTime`.
    Resent,
    /// Written again later, with another `CreateTime`.
    Rewritten,
    /// Sent after the next one of its partition.
    Swapped,
    /// One bit of the value is another.
    ValueBit,
    /// One bit of the key is another.
    KeyBit,
    /// Half of the value is missing.
    Truncated,
    /// The value is not UTF-8.
    NotUtf8,
    /// The value is not JSON.
    NotJson,
    /// A required field is missing.
    MissingField,
    /// A field has another type.
    WrongType,
    /// It lies in another partition than its key's.
    WrongPartition,
    /// Not written; an event of another run with the same lane and sequence is there instead.
    AnotherRun,
    /// Not written; an event with the same tag, lane and sequence is there that was never due.
    AnotherTime,
    /// Besides it there is an event of a lane that another process has.
    Sibling,
    /// Sent a second late.
    Delayed,
    /// Delivered twice to the reader.
    ReadTwice,
    /// Not delivered to the reader.
    Skipped,
    /// Read while the reader's clock is set back.
    ClockBack,
    /// Deleted from the log's start before it was read.
    Deleted,
    /// Not read before the deadline.
    Withheld,
    /// Acked at or above the high watermark, where the log ends for every reader.
    NotReplicated,
    /// Read, and then no longer in the log.
    CutOff,
    /// The last byte is missing.
    EndMissing,
    /// A byte follows the last value.
    TrailingByte,
    /// The frame begins with another byte.
    NoMagic,
    /// The frame names a schema that there is not.
    UnknownSchemaId,
    /// The frame names the schema of something else.
    WrongSubject,
    /// The frame names a version of the type's schema that cannot be read as the type.
    NotReadable,
    /// A union has a branch that there is not.
    BadUnion,
    /// An enum has a symbol that there is not.
    BadEnum,
    /// The name of the type inside the body is another.
    WrongConstant,
    /// A field has the tag of another wire type.
    BadTag,
    /// Written again by somebody, with the same values: in another layout, or by another version of the schema.
    ReEncoded,
    /// The registry does not answer about its schema for a while.
    SchemaLate,
    /// The registry never answers about its schema.
    SchemaSilent,
    /// Without the header that has its id.
    IdMissing,
    /// With that header twice.
    IdDoubled,
    /// With a byte too few in it.
    IdCut,
    /// In an aborted transaction, and not to be seen.
    Aborted,
    /// In an aborted transaction, and yet to be seen.
    AbortedSeen,
}

/// Where the report says what became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symptom {
    /// Exactly these events have this class.
    Class(Class),
    /// Exactly these events do not have this class.
    NotClass(Class),
    /// A finding counts them.
    Finding(&'static str),
    /// So many invalid records have a reason that begins so.
    Invalid(&'static str),
    /// So many end-to-end times are at least that of the delay.
    EndToEnd,
}

impl Fault {
    /// Every fault, in the order of the table.
    pub const ALL: [Self; 47] = [
        Self::DroppedAfterAck,
        Self::DroppedPastEnd,
        Self::DroppedWithoutOffset,
        Self::DroppedBefore,
        Self::AnswerLost,
        Self::Refused,
        Self::RefusedButWritten,
        Self::Resent,
        Self::Rewritten,
        Self::Swapped,
        Self::ValueBit,
        Self::KeyBit,
        Self::Truncated,
        Self::NotUtf8,
        Self::NotJson,
        Self::MissingField,
        Self::WrongType,
        Self::WrongPartition,
        Self::AnotherRun,
        Self::AnotherTime,
        Self::Sibling,
        Self::Delayed,
        Self::ReadTwice,
        Self::Skipped,
        Self::ClockBack,
        Self::Deleted,
        Self::Withheld,
        Self::NotReplicated,
        Self::CutOff,
        Self::EndMissing,
        Self::TrailingByte,
        Self::NoMagic,
        Self::UnknownSchemaId,
        Self::WrongSubject,
        Self::NotReadable,
        Self::BadUnion,
        Self::BadEnum,
        Self::WrongConstant,
        Self::BadTag,
        Self::ReEncoded,
        Self::SchemaLate,
        Self::SchemaSilent,
        Self::IdMissing,
        Self::IdDoubled,
        Self::IdCut,
        Self::Aborted,
        Self::AbortedSeen,
    ];

    /// The faults that events can have that are sent so, in the order of the table.
    pub fn of(wire: Wire) -> impl Iterator<Item = Self> + Clone {
        Self::ALL.into_iter().filter(move |fault| fault.is_in(wire))
    }

    const fn is_in(self, wire: Wire) -> bool {
        let format = wire.format;
        match self {
            Self::IdMissing | Self::IdDoubled | Self::IdCut => wire.id_in_header,
            Self::NotJson | Self::MissingField | Self::WrongType => matches!(format, Format::Json | Format::JsonSchema),
            Self::EndMissing | Self::NotReadable | Self::BadEnum | Self::WrongConstant => {
                matches!(format, Format::Avro | Format::Protobuf)
            }
            Self::TrailingByte | Self::BadUnion => matches!(format, Format::Avro),
            Self::BadTag => matches!(format, Format::Protobuf),
            Self::NoMagic | Self::UnknownSchemaId | Self::WrongSubject | Self::SchemaLate | Self::SchemaSilent => {
                !matches!(format, Format::Json)
            }
            _ => true,
        }
    }

    /// Whether it befalls events of the second run, which sends in transactions.
    #[must_use]
    pub const fn is_of_transactions(self) -> bool {
        matches!(self, Self::Aborted | Self::AbortedSeen)
    }

    /// The name in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.known().0
    }

    /// The class that its events must have.
    #[must_use]
    pub const fn class(self) -> Class {
        self.known().1
    }

    /// Where its row of the table looks.
    #[must_use]
    pub const fn found(self) -> Symptom {
        self.known().2
    }

    /// The rule that alone explains its row.
    #[must_use]
    pub const fn rule(self) -> Rule {
        self.known().3
    }

    const fn known(self) -> (&'static str, Class, Symptom, Rule) {
        use Class::{
            Aborted, AbortedSeen, Contradicted, Corrupt, Expired, Lost, Refused, Unattributed, Undelivered,
            UnknownSeen, UnknownUnseen, Unread, Verified,
        };
        use Symptom::{EndToEnd, Finding, Invalid, NotClass};
        match self {
            Self::DroppedAfterAck => ("dropped after the ack", Lost, Symptom::Class(Lost), Rule::AnotherRecord),
            Self::DroppedPastEnd => ("acked past the log's end", Lost, Symptom::Class(Lost), Rule::PastEnd),
            Self::DroppedWithoutOffset => {
                ("dropped, acked without an offset", Unattributed, Symptom::Class(Unattributed), Rule::NoOffset)
            }
            Self::DroppedBefore => {
                ("dropped before the broker", UnknownUnseen, Symptom::Class(UnknownUnseen), Rule::UnknownUnseen)
            }
            Self::AnswerLost => {
                ("written, the answer dropped", UnknownSeen, Symptom::Class(UnknownSeen), Rule::UnknownSeen)
            }
            Self::Refused => ("refused", Refused, Symptom::Class(Refused), Rule::Refused),
            Self::RefusedButWritten => {
                ("refused, and yet written", Contradicted, Symptom::Class(Contradicted), Rule::Contradicted)
            }
            Self::Resent => ("written twice by the client", Verified, Finding("duplicates_resent"), Rule::Resent),
            Self::Rewritten => ("written again by another", Verified, Finding("duplicates_rewritten"), Rule::Rewritten),
            Self::Swapped => ("swapped with the next", Verified, Finding("reordered"), Rule::Order),
            Self::ValueBit => ("a bit of the value flipped", Corrupt, Symptom::Class(Corrupt), Rule::Check),
            Self::KeyBit => ("a bit of the key flipped", Corrupt, Invalid("key_mismatch"), Rule::KeyIsUser),
            Self::Truncated => ("value cut short", Corrupt, Symptom::Class(Corrupt), Rule::Unparsable),
            Self::NotUtf8 => ("not UTF-8", Corrupt, Invalid("not_utf8"), Rule::Utf8),
            Self::NotJson => ("not JSON (those cut short too)", Corrupt, Invalid("not_json"), Rule::Json),
            Self::MissingField => ("a field missing", Corrupt, Invalid("missing:timestamp"), Rule::RequiredField),
            Self::WrongType => ("a field of another type", Corrupt, Invalid("wrong_type:timestamp"), Rule::FieldType),
            Self::WrongPartition => ("in another partition", Verified, Finding("misplaced"), Rule::Placement),
            Self::AnotherRun => ("another run's in its place", UnknownUnseen, NotClass(Corrupt), Rule::RunTag),
            Self::AnotherTime => ("one never due in its place", UnknownUnseen, NotClass(Corrupt), Rule::DueTime),
            Self::Sibling => ("another process's beside it", Verified, Finding("sibling"), Rule::Sibling),
            Self::Delayed => ("sent a second late", Verified, EndToEnd, Rule::EndToEnd),
            Self::ReadTwice => ("read twice", Verified, Finding("duplicates_reread"), Rule::Reread),
            Self::Skipped => ("dropped before the reader", Undelivered, Symptom::Class(Undelivered), Rule::Undelivered),
            Self::ClockBack => {
                ("read with the clock set back", Verified, Finding("negative_latency"), Rule::NotBeforeDue)
            }
            Self::Deleted => ("deleted before it was read", Expired, Symptom::Class(Expired), Rule::BelowStart),
            Self::Withheld => ("not read by the deadline", Unread, Symptom::Class(Unread), Rule::Unread),
            Self::NotReplicated => ("above the high watermark", Unread, Finding("not_replicated"), Rule::NotReplicated),
            Self::CutOff => ("read, then cut off the log", Lost, Finding("seen_then_gone"), Rule::SeenThenGone),
            Self::EndMissing => ("a byte missing (cut short too)", Corrupt, Invalid("truncated"), Rule::Malformed),
            Self::TrailingByte => ("a byte too many", Corrupt, Invalid("trailing_bytes"), Rule::Malformed),
            Self::NoMagic => ("no frame", Corrupt, Invalid("no_magic"), Rule::Malformed),
            Self::UnknownSchemaId => {
                ("of a schema that there is not", Corrupt, Invalid("unknown_schema_id"), Rule::UnknownSchemaId)
            }
            Self::WrongSubject => {
                ("of a schema of something else", Corrupt, Invalid("wrong_subject"), Rule::WrongSubject)
            }
            Self::NotReadable => ("of a version not to be read", Corrupt, Invalid("not_readable"), Rule::NotReadable),
            Self::BadUnion => ("a branch that no union has", Corrupt, Invalid("bad_union"), Rule::Malformed),
            Self::BadEnum => ("a symbol that no enum has", Corrupt, Invalid("bad_enum"), Rule::Malformed),
            Self::WrongConstant => ("another type's name inside", Corrupt, Invalid("wrong_constant"), Rule::Malformed),
            Self::BadTag => ("a tag of another wire type", Corrupt, Invalid("bad_tag"), Rule::Malformed),
            Self::ReEncoded => ("written again, values the same", Verified, Finding("re_encoded"), Rule::ReEncoded),
            Self::SchemaLate => {
                ("of a schema known only later", Verified, Symptom::Class(Verified), Rule::AwaitsSchema)
            }
            Self::SchemaSilent => ("of a schema never told", Unread, Finding("awaits_schema"), Rule::AwaitsSchema),
            Self::IdMissing => ("without its id's header", Corrupt, Invalid("missing:loadgen-id"), Rule::RequiredField),
            Self::IdDoubled => ("with that header twice", Corrupt, Invalid("doubled:loadgen-id"), Rule::HeaderOnce),
            Self::IdCut => ("a byte of the id missing", Corrupt, Invalid("wrong_type:loadgen-id"), Rule::FieldType),
            Self::Aborted => ("in an aborted transaction", Aborted, Symptom::Class(Aborted), Rule::Aborted),
            Self::AbortedSeen => {
                ("aborted, and yet written", AbortedSeen, Symptom::Class(AbortedSeen), Rule::AbortedSeen)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_rule_has_a_row_that_it_explains() {
        let rules: HashSet<Rule> = Fault::ALL.iter().map(|fault| fault.rule()).collect();
        assert_eq!(rules, Rule::ALL.into_iter().collect());
    }

    #[test]
    fn names_fit_into_the_table() {
        for fault in Fault::ALL {
            assert!(fault.as_str().len() <= 32, "{}", fault.as_str());
        }
    }
}
