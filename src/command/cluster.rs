//! Clusters that cannot be used: what to say of them, and what to do.

use super::Failure;
use crate::kafka::trouble::{Obstacle, Trouble};
use crate::kafka::{Code, KafkaError, lacks_right};
use crate::verdict::ExitCode;

/// What a command wants of a cluster: its hints name that.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Purpose<'a> {
    /// The topics, as they are quoted; empty where it looks at all.
    pub(super) topics: &'a str,
    /// The rights on them.
    pub(super) rights: &'a str,
    /// The group that is joined or looked at.
    pub(super) group: Option<&'a str>,
    /// Where the brokers were named.
    pub(super) said_by: &'a str,
}

/// A command that ended because of the cluster, or of how the client is set.
pub(super) fn failed(error: &KafkaError, wanted: Purpose<'_>) -> Failure {
    let code = match error {
        KafkaError::Setting { .. } | KafkaError::Create(_) | KafkaError::Nul(_) => ExitCode::BadConfiguration,
        _ => ExitCode::Cluster,
    };
    let failure = Failure::new(code, error.to_string());
    match hint(error, wanted) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Results are expected in a topic that is not there, or cannot be read.
pub(super) fn no_output(error: &KafkaError) -> Failure {
    let failure = Failure::new(ExitCode::Cluster, format!("what is expected downstream: {error}"));
    failure.hint("the topics of [[expect]] are the processor's own: loadgen topics apply FILE.toml -b BROKERS --yes makes those of a file")
}

fn hint(error: &KafkaError, wanted: Purpose<'_>) -> Option<String> {
    let Purpose { topics, group, .. } = wanted;
    Some(match error {
        KafkaError::Setting { .. } | KafkaError::Create(_) | KafkaError::Nul(_) => return None,
        // A broker with an id has its address from the cluster: somebody at the bootstrap addresses has answered.
        KafkaError::Unreachable { address, trouble: Some(trouble), .. }
            if trouble.id.is_some()
                && trouble.obstacle >= Obstacle::Unresolved
                && !address.contains(&trouble.address) =>
        {
            advertised(address, &trouble.address)
        }
        KafkaError::Unreachable { trouble, .. } => {
            let hint = trouble.as_deref().map_or(IS_IT_THERE, against);
            hint.replace(ADDRESS, if wanted.said_by.is_empty() { "--bootstrap-server" } else { wanted.said_by })
        }
        KafkaError::LeaderUnreachable { trouble: Some(trouble), .. } if trouble.obstacle < Obstacle::Unresolved => {
            against(trouble).to_owned()
        }
        KafkaError::LeaderUnreachable { address, bootstrap, .. } => advertised(bootstrap, address),
        KafkaError::TopicMissing { .. } => "loadgen topics describe shows which topics there are".to_owned(),
        KafkaError::Refused { code, .. } if lacks_right(*code) => right(*code, wanted),
        KafkaError::Refused { code, .. } => return against_refusal(*code, group),
        KafkaError::GroupIncomplete { group, .. } => format!(
            "stop the other readers of \"{group}\", or give --group a name of its own; kafka-consumer-groups --describe --group {group} \
             --members tells who has what"
        ),
        KafkaError::PartitionUnavailable { .. } if topics.is_empty() => return None,
        KafkaError::PartitionUnavailable { .. } => format!("loadgen topics describe shows the state of \"{topics}\""),
    })
}

fn advertised(bootstrap: &str, address: &str) -> String {
    format!(
        "{bootstrap} answers, and tells clients to go to {address}: that broker's advertised.listeners must be an address that can be \
         reached from here"
    )
}

const IS_IT_THERE: &str = "is the broker running, and is ADDRESS its address?";
/// Stands in a hint for where the address was said.
const ADDRESS: &str = "ADDRESS";

/// What to do about what stands in the way.
fn against(trouble: &Trouble) -> &'static str {
    match trouble.obstacle {
        Obstacle::Login => {
            "sasl.mechanism, sasl.username and sasl.password (SASL_MECHANISM, SASL_USERNAME, SASL_PASSWORD) must be those that the \
             listener knows; -X dump shows where each comes from"
        }
        Obstacle::Certificate if trouble.words.contains("names another") => {
            "the certificate must name the host or address that is connected to; ssl.endpoint.identification.algorithm=none does not \
             look at the name"
        }
        Obstacle::Certificate if trouble.words.contains("expired") => "the broker needs a new certificate",
        Obstacle::Certificate => {
            "ssl.ca.location (SSL_CA_LOCATION) must hold the CA that signed the broker's certificate"
        }
        Obstacle::ClientCertificate => {
            "ssl.certificate.location and ssl.key.location (SSL_CERT_LOCATION, SSL_KEY_LOCATION) must be a certificate that the \
             broker trusts, and its key"
        }
        Obstacle::NotTls => {
            "is this the port of the TLS listener? security.protocol=plaintext or sasl_plaintext (SECURITY_PROTOCOL) connects without TLS"
        }
        Obstacle::WantsTls => {
            "security.protocol (SECURITY_PROTOCOL) must be that of the listener: ssl, or sasl_ssl with a login"
        }
        Obstacle::WantsLogin => {
            "security.protocol (SECURITY_PROTOCOL) must be that of the listener: sasl_plaintext or sasl_ssl, with sasl.mechanism, \
             sasl.username and sasl.password"
        }
        Obstacle::NotKafka => "is this the port of a Kafka broker, and not that of a web server or another service?",
        Obstacle::Tls => "the ssl.* settings and the listener must agree on versions, ciphers and certificates",
        Obstacle::Unresolved => "is the host's name in ADDRESS right, and known to this machine?",
        Obstacle::Refused | Obstacle::NoRoute | Obstacle::Other => IS_IT_THERE,
    }
}

/// The right that is missing.
fn right(code: Code, wanted: Purpose<'_>) -> String {
    let Purpose { topics, rights, group, .. } = wanted;
    let needs = match code {
        Code::GroupAuthorizationFailed => {
            format!("the right Read on group \"{}\"", group.unwrap_or("loadgen"))
        }
        Code::TransactionalIdAuthorizationFailed => {
            "the rights Describe and Write on the transactional ids that begin with \"loadgen-\"".to_owned()
        }
        Code::ClusterAuthorizationFailed => {
            "the right IdempotentWrite, Create or Describe on the cluster, as what it was refused needs".to_owned()
        }
        _ if topics.is_empty() => "a right on the topic".to_owned(),
        _ => format!("the rights {rights} on topic \"{topics}\""),
    };
    format!("the client's principal needs {needs} (kafka-acls --add)")
}

/// What to do about what a broker or coordinator does not take.
fn against_refusal(code: Code, group: Option<&str>) -> Option<String> {
    let group = group.unwrap_or_default();
    Some(match code {
        Code::FencedInstanceId | Code::UnreleasedInstanceId => {
            "another member has the same group.instance.id: give each process one of its own, or leave it out".to_owned()
        }
        Code::InconsistentGroupProtocol => format!(
            "the members of \"{group}\" have another assignor, or another group protocol: --assignor and --group-protocol must be theirs"
        ),
        Code::UnsupportedAssignor => {
            "--assignor names one that the broker has under --group-protocol consumer: uniform or range".to_owned()
        }
        Code::GroupMaxSizeReached => {
            format!("\"{group}\" has as many members as group.max.size of the broker allows: fewer --consumers, or another --group")
        }
        Code::InvalidSessionTimeout => {
            "session.timeout.ms must lie between the broker's group.min.session.timeout.ms and group.max.session.timeout.ms".to_owned()
        }
        Code::UnsupportedVersion => "the broker is too old for what was asked of it, or has it switched off".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn refused(code: Code) -> Failure {
        let wanted =
            Purpose { topics: "raw-events", rights: "Describe, Write and Read", group: Some("g"), said_by: "" };
        failed(&KafkaError::Refused { what: "something".to_owned(), code }, wanted)
    }

    #[test]
    fn a_missing_right_is_named_by_what_it_is_on() {
        let on = |code| refused(code).hint.unwrap_or_default();
        assert!(on(Code::TopicAuthorizationFailed).contains("Describe, Write and Read on topic \"raw-events\""));
        assert!(on(Code::GroupAuthorizationFailed).contains("Read on group \"g\""));
        assert!(on(Code::TransactionalIdAuthorizationFailed).contains("transactional ids"));
        assert!(on(Code::ClusterAuthorizationFailed).contains("cluster"));
    }

    #[test]
    fn a_login_that_is_not_taken_is_no_broker_that_is_down() {
        let trouble =
            Trouble { obstacle: Obstacle::Login, address: "k:1".to_owned(), id: None, words: "no".to_owned() };
        let error = KafkaError::Unreachable {
            address: "k:1".to_owned(),
            waited: Duration::ZERO,
            trouble: Some(Box::new(trouble)),
        };
        let failure = failed(&error, Purpose::default());
        assert_eq!((failure.code, failure.message.as_str()), (ExitCode::Cluster, "k:1 does not take the login: no"));
        assert!(failure.hint.is_some_and(|hint| hint.contains("sasl.password")));
    }

    #[test]
    fn a_hint_names_where_the_address_was_said() {
        let error = KafkaError::Unreachable { address: "k:1".to_owned(), waited: Duration::ZERO, trouble: None };
        let hint = |said_by| failed(&error, Purpose { said_by, ..Purpose::default() }).hint.unwrap_or_default();
        assert_eq!(hint("KAFKA_BROKERS in .env"), "is the broker running, and is KAFKA_BROKERS in .env its address?");
        assert_eq!(hint(""), "is the broker running, and is --bootstrap-server its address?");
    }

    #[test]
    fn who_answers_at_the_bootstrap_address_and_names_another_is_not_asked_whether_it_runs() {
        let hint = |id, address: &str| {
            let words = format!("Failed to resolve '{address}': Name or service not known");
            let trouble = Trouble { obstacle: Obstacle::Unresolved, address: address.to_owned(), id, words };
            let (waited, trouble) = (Duration::from_secs(10), Some(Box::new(trouble)));
            let error = KafkaError::Unreachable { address: "127.0.0.1:9092".to_owned(), waited, trouble };
            failed(&error, Purpose::default()).hint.unwrap_or_default()
        };
        assert!(hint(Some(1), "kafka.invalid:9092").contains("advertised.listeners"));
        assert!(!hint(None, "kafka.invalid:9092").contains("advertised.listeners"), "it is what was given");
        assert!(!hint(Some(1), "127.0.0.1:9092").contains("advertised.listeners"), "one address alone");
    }

    #[test]
    fn an_advertised_address_is_told_with_who_tells_it_and_for_how_long_it_was_tried() {
        let error = KafkaError::LeaderUnreachable {
            topic: "t".to_owned(),
            partition: 3,
            id: 1,
            address: "10.255.255.1:19092".to_owned(),
            bootstrap: "127.0.0.1:19092".to_owned(),
            waited: Duration::from_millis(210),
            code: Code::OperationTimedOut,
            trouble: None,
        };
        let failure = failed(&error, Purpose::default());
        assert_eq!(
            failure.message,
            "broker 1 leads partition 3 of topic \"t\" at 10.255.255.1:19092, and does not answer there (0.2 s): _TIMED_OUT (Local: \
             Timed out)"
        );
        let hint = failure.hint.unwrap_or_default();
        assert!(hint.starts_with("127.0.0.1:19092 answers, and tells clients to go to 10.255.255.1:19092"), "{hint}");
    }
}
