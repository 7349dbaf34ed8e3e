//! Error codes: the protocol's, and the client's own, which are negative.
//!
//! A number and not an enum: brokers are newer than the client at times, and a code that it has no name for is handed on as it is.

use std::fmt;

use rdkafka::types::RDKafkaErrorCode;

use super::native;

/// An error code of the Kafka protocol, or where it is negative one of librdkafka's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub i32);

macro_rules! codes {
    ($($name:ident = $number:literal, $told:literal;)*) => {
        #[expect(non_upper_case_globals, reason = "named as the variants of rust-rdkafka's enum are")]
        impl Code {
            $(#[doc = concat!("`", $told, "`.")] pub const $name: Self = Self($number);)*
        }

        /// The codes that are used by name, each with the name that the protocol's documentation gives it; the client's own
        /// begin with `_`, as librdkafka tells them.
        const NAMED: &[(i32, &str)] = &[$(($number, $told),)*];
    };
}

codes! {
    BadMessage = -199, "_BAD_MSG";
    Fail = -196, "_FAIL";
    BrokerTransportFailure = -195, "_TRANSPORT";
    Resolve = -193, "_RESOLVE";
    MessageTimedOut = -192, "_MSG_TIMED_OUT";
    PartitionEOF = -191, "_PARTITION_EOF";
    UnknownPartition = -190, "_UNKNOWN_PARTITION";
    UnknownTopic = -188, "_UNKNOWN_TOPIC";
    AllBrokersDown = -187, "_ALL_BROKERS_DOWN";
    InvalidArgument = -186, "_INVALID_ARG";
    OperationTimedOut = -185, "_TIMED_OUT";
    QueueFull = -184, "_QUEUE_FULL";
    Ssl = -181, "_SSL";
    WaitingForCoordinator = -180, "_WAIT_COORD";
    AssignPartitions = -175, "_ASSIGN_PARTITIONS";
    State = -172, "_STATE";
    Authentication = -169, "_AUTHENTICATION";
    NoOffset = -168, "_NO_OFFSET";
    NoEnt = -156, "_NOENT";
    PurgeQueue = -152, "_PURGE_QUEUE";
    PurgeInflight = -151, "_PURGE_INFLIGHT";
    Fatal = -150, "_FATAL";
    MaxPollExceeded = -147, "_MAX_POLL_EXCEEDED";
    NotConfigured = -145, "_NOT_CONFIGURED";
    Fenced = -144, "_FENCED";
    AutoOffsetReset = -140, "_AUTO_OFFSET_RESET";
    LogTruncation = -139, "_LOG_TRUNCATION";
    Unknown = -1, "UNKNOWN_SERVER_ERROR";
    NoError = 0, "NONE";
    OffsetOutOfRange = 1, "OFFSET_OUT_OF_RANGE";
    CorruptMessage = 2, "CORRUPT_MESSAGE";
    UnknownTopicOrPartition = 3, "UNKNOWN_TOPIC_OR_PARTITION";
    LeaderNotAvailable = 5, "LEADER_NOT_AVAILABLE";
    NotLeaderForPartition = 6, "NOT_LEADER_OR_FOLLOWER";
    RequestTimedOut = 7, "REQUEST_TIMED_OUT";
    MessageSizeTooLarge = 10, "MESSAGE_TOO_LARGE";
    CoordinatorLoadInProgress = 14, "COORDINATOR_LOAD_IN_PROGRESS";
    CoordinatorNotAvailable = 15, "COORDINATOR_NOT_AVAILABLE";
    NotCoordinator = 16, "NOT_COORDINATOR";
    InvalidTopic = 17, "INVALID_TOPIC_EXCEPTION";
    MessageBatchTooLarge = 18, "RECORD_LIST_TOO_LARGE";
    NotEnoughReplicas = 19, "NOT_ENOUGH_REPLICAS";
    NotEnoughReplicasAfterAppend = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND";
    InvalidRequiredAcks = 21, "INVALID_REQUIRED_ACKS";
    InconsistentGroupProtocol = 23, "INCONSISTENT_GROUP_PROTOCOL";
    UnknownMemberId = 25, "UNKNOWN_MEMBER_ID";
    InvalidSessionTimeout = 26, "INVALID_SESSION_TIMEOUT";
    TopicAuthorizationFailed = 29, "TOPIC_AUTHORIZATION_FAILED";
    GroupAuthorizationFailed = 30, "GROUP_AUTHORIZATION_FAILED";
    ClusterAuthorizationFailed = 31, "CLUSTER_AUTHORIZATION_FAILED";
    InvalidTimestamp = 32, "INVALID_TIMESTAMP";
    UnsupportedSaslMechanism = 33, "UNSUPPORTED_SASL_MECHANISM";
    UnsupportedVersion = 35, "UNSUPPORTED_VERSION";
    TopicAlreadyExists = 36, "TOPIC_ALREADY_EXISTS";
    InvalidPartitions = 37, "INVALID_PARTITIONS";
    UnsupportedForMessageFormat = 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT";
    PolicyViolation = 44, "POLICY_VIOLATION";
    InvalidProducerIdMapping = 49, "INVALID_PRODUCER_ID_MAPPING";
    TransactionalIdAuthorizationFailed = 53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED";
    StorageError = 56, "KAFKA_STORAGE_ERROR";
    SaslAuthenticationFailed = 58, "SASL_AUTHENTICATION_FAILED";
    FencedLeaderEpoch = 74, "FENCED_LEADER_EPOCH";
    UnknownLeaderEpoch = 75, "UNKNOWN_LEADER_EPOCH";
    UnsupportedCompressionType = 76, "UNSUPPORTED_COMPRESSION_TYPE";
    OffsetNotAvailable = 78, "OFFSET_NOT_AVAILABLE";
    GroupMaxSizeReached = 81, "GROUP_MAX_SIZE_REACHED";
    FencedInstanceId = 82, "FENCED_INSTANCE_ID";
    InvalidRecord = 87, "INVALID_RECORD";
    UnstableOffsetCommit = 88, "UNSTABLE_OFFSET_COMMIT";
    UnreleasedInstanceId = 111, "UNRELEASED_INSTANCE_ID";
    UnsupportedAssignor = 112, "UNSUPPORTED_ASSIGNOR";
}

impl Code {
    /// Its name: the protocol's, or librdkafka's for the client's own; `error 133` where nobody knows it.
    #[must_use]
    pub fn name(self) -> String {
        let named = NAMED.iter().find(|(number, _)| *number == self.0);
        named
            .map(|(_, name)| (*name).to_owned())
            .or_else(|| native::error_name(self.0))
            .unwrap_or_else(|| format!("error {}", self.0))
    }

    /// The name of an error that librdkafka calls so: the protocol's, where it has one.
    #[must_use]
    pub fn name_of(said: &str) -> String {
        let named = NAMED.iter().find(|(number, _)| native::error_name(*number).as_deref() == Some(said));
        named.map_or(said, |(_, name)| name).to_owned()
    }

    /// Whether the client says it by itself, without an answer of a broker.
    #[must_use]
    pub const fn is_local(self) -> bool {
        self.0 < -1
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// The name, and librdkafka's words for it.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match native::error_words(self.0) {
            Some(words) => write!(f, "{} ({words})", self.name()),
            None => f.write_str(&self.name()),
        }
    }
}

impl From<RDKafkaErrorCode> for Code {
    fn from(code: RDKafkaErrorCode) -> Self {
        Self(code as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_code_is_the_clients_of_that_number() {
        for (number, name) in NAMED {
            assert!(native::error_name(*number).is_some(), "{name} is not known to librdkafka as {number}");
        }
        assert_eq!(Code::from(RDKafkaErrorCode::MessageSizeTooLarge), Code::MessageSizeTooLarge);
        assert_eq!(Code::from(RDKafkaErrorCode::UnsupportedAssignor), Code::UnsupportedAssignor);
        assert_eq!(Code::from(RDKafkaErrorCode::Authentication), Code::Authentication);
        assert_eq!(Code::from(RDKafkaErrorCode::Fenced), Code::Fenced);
    }

    #[test]
    fn a_code_is_told_by_the_protocols_name_and_one_that_nobody_knows_by_its_number() {
        assert_eq!(Code(10).to_string(), "MESSAGE_TOO_LARGE (Broker: Message size too large)");
        assert_eq!([Code::name_of("MSG_SIZE_TOO_LARGE"), Code::name_of("_NEW")], ["MESSAGE_TOO_LARGE", "_NEW"]);
        assert_eq!(Code(-195).to_string(), "_TRANSPORT (Local: Broker transport failure)");
        assert_eq!(Code(80).name(), "PREFERRED_LEADER_NOT_AVAILABLE");
        assert_eq!((Code(133).name(), Code(133).to_string()), ("error 133".to_owned(), "error 133".to_owned()));
    }
}
