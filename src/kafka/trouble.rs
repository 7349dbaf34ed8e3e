//! Why brokers cannot be talked to, from what the client says while it tries.
//!
//! librdkafka tells the true reason first and `_ALL_BROKERS_DOWN` after it, and holds identical words back for 30 s; some reasons
//! it only logs. So the first words of the most telling kind are kept.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use super::{Code, Notice};

/// What stands in the way, the most telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Obstacle {
    /// The broker does not take the login.
    Login,
    /// The broker's certificate is not accepted.
    Certificate,
    /// The broker wants a client certificate, or another one.
    ClientCertificate,
    /// The client wants TLS, and the listener has none.
    NotTls,
    /// The listener wants TLS, and the client has none.
    WantsTls,
    /// The listener wants a login, and the client has none.
    WantsLogin,
    /// What answers there does not speak Kafka's protocol.
    NotKafka,
    /// Something else about TLS.
    Tls,
    /// The host's name has no address.
    Unresolved,
    /// Nothing listens there.
    Refused,
    /// There is no way to that host.
    NoRoute,
    /// Something else.
    Other,
}

impl Obstacle {
    /// Whether it stays however long one waits.
    const fn is_lasting(self) -> bool {
        matches!(self, Self::Login | Self::Certificate | Self::ClientCertificate | Self::NotKafka | Self::Tls)
    }

    /// Whether it may pass when a broker comes up or a name appears.
    const fn may_pass_soon(self) -> bool {
        matches!(self, Self::NotTls | Self::WantsTls | Self::WantsLogin | Self::Unresolved | Self::Refused)
    }

    /// Whether how long it was tried says no more.
    pub(super) fn says_enough(self) -> bool {
        self < Self::Unresolved
    }

    /// `state` is that of the connection, such as `after 1ms in state APIVERSION_QUERY`.
    fn of(code: Option<Code>, words: &str, state: &str) -> Self {
        let says = |text: &str| words.contains(text);
        if code == Some(Code::Authentication) || says("SASL authentication error") || says("mechanism handshake failed")
        {
            Self::Login
        } else if says("certificate verify failed")
            || says("verification callback failed")
            || says("verify broker certificate")
        {
            Self::Certificate
        } else if says("alert bad certificate")
            || says("certificate required")
            || says("client SSL authentication might")
        {
            Self::ClientCertificate
        } else if says("PLAINTEXT broker listener") || says("wrong version number") {
            Self::NotTls
        } else if says("SSL listener") {
            Self::WantsTls
        } else if says("might require SASL") {
            Self::WantsLogin
        } else if says("Invalid response size") || says("Invalid message size") || code == Some(Code::BadMessage) {
            Self::NotKafka
        } else if code == Some(Code::Ssl) || says("SSL routines") || says("SSL handshake failed") {
            Self::Tls
        } else if code == Some(Code::Resolve) || says("Failed to resolve") {
            Self::Unresolved
        } else if says("Connection refused") {
            Self::Refused
        } else if is_closed(words) && state.contains("APIVERSION_QUERY") {
            // Before the broker has said anything: it waits for TLS.
            Self::WantsTls
        } else if is_closed(words) && state.contains("in state UP") && lasted_ms(state).is_some_and(|ms| ms < 1_000) {
            // After its first question: it waits for a login.
            Self::WantsLogin
        } else if says("No route to host") || says("Network is unreachable") {
            Self::NoRoute
        } else {
            Self::Other
        }
    }
}

/// Whether the other side closed the connection.
fn is_closed(words: &str) -> bool {
    words.starts_with("Disconnected") || words.ends_with("Broken pipe") || words.ends_with("Connection reset by peer")
}

/// How long a connection had been in its state, from `1ms in state UP)`.
fn lasted_ms(state: &str) -> Option<u64> {
    state.split_once("ms").and_then(|(ms, _)| ms.parse().ok())
}

/// Why a broker cannot be talked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What stands in the way.
    pub obstacle: Obstacle,
    /// `host:port` of the broker; empty where the client named none.
    pub address: String,
    /// The broker's id, where the client has its address from the cluster.
    pub id: Option<i32>,
    /// The client's words, without the broker's name and the state of its connection.
    pub words: String,
}

impl Trouble {
    /// What an error or a line of the log says; `None` for what tells no reason.
    fn of(notice: &Notice) -> Option<Self> {
        let (code, text) = match notice {
            Notice::Error { code: Code::AllBrokersDown | Code::Fatal, .. } | Notice::Statistics(_) => return None,
            Notice::Error { code, text, .. } => (Some(*code), text.as_str()),
            Notice::Log { facility, text, .. } if facility == "FAIL" || facility == "SSLCERTVRFY" => {
                // `[thrd:NAME]: ` is the log's own.
                let text = text
                    .strip_prefix("[thrd:")
                    .and_then(|rest| rest.split_once("]: "))
                    .map_or(text.as_str(), |(_, rest)| rest);
                (None, text)
            }
            Notice::Log { .. } => return None,
        };
        let (name, words) = text.split_once(": ").filter(|(name, _)| name.contains('/')).unwrap_or(("", text));
        let name = name.split_once("://").map_or(name, |(_, name)| name);
        let (address, id) = name.rsplit_once('/').unwrap_or((name, ""));
        let (words, state) = words.rsplit_once(" (after ").unwrap_or((words, ""));
        let words = words.trim_end();
        let obstacle = Obstacle::of(code, words, state);
        Some(Self { obstacle, address: address.to_owned(), id: id.parse().ok(), words: words.to_owned() })
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { obstacle, address, words, .. } = self;
        match obstacle {
            Obstacle::Login => write!(f, "{address} does not take the login: {words}"),
            Obstacle::Certificate => write!(f, "the certificate of {address} is not accepted: {words}"),
            Obstacle::ClientCertificate => {
                write!(f, "{address} does not accept this client's certificate, or misses one: {words}")
            }
            Obstacle::NotTls => write!(f, "{address} does not speak TLS: {words}"),
            Obstacle::WantsTls => write!(f, "{address} closes the connection, as a listener for TLS does: {words}"),
            Obstacle::WantsLogin => {
                write!(f, "{address} closes the connection, as a listener for logins does: {words}")
            }
            Obstacle::NotKafka => write!(f, "{address} answers, but not in Kafka's protocol: {words}"),
            Obstacle::Tls => write!(f, "no TLS with {address}: {words}"),
            Obstacle::Unresolved | Obstacle::Refused | Obstacle::NoRoute => f.write_str(words),
            Obstacle::Other if address.is_empty() => f.write_str(words),
            Obstacle::Other => write!(f, "{address}: {words}"),
        }
    }
}

/// Whose answer is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Brokers {
    /// That of any of so many.
    AnyOf(usize),
    /// That of a partition's leader.
    TheLeader,
}

/// What was heard while an answer was waited for.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    worst: Option<Trouble>,
    /// Brokers that will not do, however long one waits, and those that may yet.
    lasting: BTreeSet<String>,
    passing: BTreeSet<String>,
    /// What OpenSSL has against a certificate, which comes before the handshake's failing is told.
    certificate: Option<String>,
}

impl Troubles {
    /// How long nothing but refusals is waited out: a broker that starts opens its port within that time, or takes long.
    const PATIENCE: Duration = Duration::from_secs(2);

    pub(super) fn hear(&mut self, notice: &Notice) {
        let Some(mut trouble) = Trouble::of(notice) else { return };
        if let Notice::Log { facility, .. } = notice
            && facility == "SSLCERTVRFY"
        {
            self.certificate.get_or_insert(trouble.words);
            return;
        }
        if trouble.obstacle == Obstacle::Certificate
            && let Some(words) = &self.certificate
        {
            trouble.words = words.replace(" verification callback failed: ", ": ");
        }
        if trouble.obstacle.is_lasting() {
            self.lasting.insert(trouble.address.clone());
        } else if trouble.obstacle.may_pass_soon() {
            self.passing.insert(trouble.address.clone());
        }
        if self.worst.as_ref().is_none_or(|worst| trouble.obstacle < worst.obstacle) {
            self.worst = Some(trouble);
        }
    }

    /// Whether waiting longer than `waited` cannot help, as far as the client has told: none of so many brokers will do.
    pub(super) fn is_hopeless(&self, brokers: Brokers, waited: Duration) -> bool {
        match brokers {
            Brokers::AnyOf(count) => {
                let all = |refusing: usize| refusing > 0 && refusing >= count;
                all(self.lasting.len()) || (waited >= Self::PATIENCE && all(self.lasting.union(&self.passing).count()))
            }
            // Another one may be elected where this one is gone.
            Brokers::TheLeader => !self.lasting.is_empty(),
        }
    }

    /// The most telling reason, as it was told first.
    pub(super) fn told(self) -> Option<Box<Trouble>> {
        self.worst.map(Box::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code, text: &str) -> Notice {
        Notice::Error { code, text: text.to_owned(), fatal: false }
    }

    fn log(facility: &str, text: &str) -> Notice {
        Notice::Log { level: 3, facility: facility.to_owned(), text: text.to_owned() }
    }

    fn heard(notices: &[Notice]) -> Troubles {
        let mut troubles = Troubles::default();
        for notice in notices {
            troubles.hear(notice);
        }
        troubles
    }

    #[test]
    fn the_first_and_most_telling_reason_wins_over_all_brokers_are_down() {
        let troubles = heard(&[
            error(
                Code::Authentication,
                "sasl_plaintext://127.0.0.1:29093/bootstrap: SASL authentication error: Authentication failed: Invalid username \
                 or password (after 302ms in state AUTH_REQ)",
            ),
            error(
                Code::BrokerTransportFailure,
                "sasl_plaintext://127.0.0.1:29093/bootstrap: Disconnected (after 1ms in state UP)",
            ),
            error(Code::AllBrokersDown, "1/1 brokers are down"),
        ]);
        assert!(
            troubles.is_hopeless(Brokers::AnyOf(1), Duration::ZERO)
                && !troubles.is_hopeless(Brokers::AnyOf(2), Duration::MAX)
        );
        let told = troubles.told().unwrap();
        assert_eq!((told.obstacle, told.address.as_str(), told.id), (Obstacle::Login, "127.0.0.1:29093", None));
        assert_eq!(
            told.to_string(),
            "127.0.0.1:29093 does not take the login: SASL authentication error: Authentication failed: Invalid username or password"
        );
    }

    #[test]
    fn a_refusal_is_waited_out_for_a_moment_and_silence_to_the_end() {
        let text = "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)";
        let refused = [error(Code::BrokerTransportFailure, text), error(Code::AllBrokersDown, "1/1 brokers are down")];
        assert!(!heard(&refused).is_hopeless(Brokers::AnyOf(1), Duration::from_secs(1)));
        assert!(heard(&refused).is_hopeless(Brokers::AnyOf(1), Duration::from_secs(2)));
        assert!(!heard(&refused).is_hopeless(Brokers::AnyOf(2), Duration::from_secs(9)), "the other one may be slow");
        assert!(!heard(&refused).is_hopeless(Brokers::TheLeader, Duration::from_secs(9)), "another one may be elected");
        assert!(!heard(&[]).is_hopeless(Brokers::AnyOf(0), Duration::MAX));
        assert_eq!(
            heard(&refused).told().unwrap().to_string(),
            "Connect to ipv4#127.0.0.1:1 failed: Connection refused"
        );
    }

    #[test]
    fn each_way_to_miss_a_listener_is_known_by_the_clients_words() {
        let ssl = |words: &str| error(Code::Ssl, &format!("ssl://b:1/bootstrap: {words}"));
        let transport = |words: &str| error(Code::BrokerTransportFailure, &format!("b:1/bootstrap: {words}"));
        let cases = [
            (
                ssl("SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: ..."),
                Obstacle::Certificate,
            ),
            (ssl("SSL handshake failed: error:0A00010B:SSL routines::wrong version number"), Obstacle::NotTls),
            (
                transport(
                    "SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a PLAINTEXT broker listener?",
                ),
                Obstacle::NotTls,
            ),
            (
                transport(
                    "Receive failed: error:0A000412:SSL routines::ssl/tls alert bad certificate: SSL alert number 42",
                ),
                Obstacle::ClientCertificate,
            ),
            (
                transport(
                    "Disconnected: requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?) or broker version is < 0.10",
                ),
                Obstacle::WantsTls,
            ),
            (
                transport(
                    "Disconnected: verify that security.protocol is correctly configured, broker might require SASL authentication",
                ),
                Obstacle::WantsLogin,
            ),
            (
                transport(
                    "Receive failed: Invalid response size 1213486160 (0..100000000): increase receive.message.max.bytes",
                ),
                Obstacle::NotKafka,
            ),
            (
                error(
                    Code::Authentication,
                    "sasl_plaintext://b:1/bootstrap: SASL SCRAM-SHA-512 mechanism handshake failed: Broker: Unsupported SASL mechanism",
                ),
                Obstacle::Login,
            ),
            (
                transport(
                    "Disconnected: connection closed by peer: receive 0 after POLLIN (after 1ms in state APIVERSION_QUERY)",
                ),
                Obstacle::WantsTls,
            ),
            (transport("Send failed: Broken pipe (after 4ms in state UP)"), Obstacle::WantsLogin),
            (transport("Disconnected: connection closed by peer (after 600123ms in state UP)"), Obstacle::Other),
            (
                error(
                    Code::Resolve,
                    "kafka.invalid:9092/1: Failed to resolve 'kafka.invalid:9092': Name or service not known",
                ),
                Obstacle::Unresolved,
            ),
            (transport("Connect to ipv4#10.0.0.1:1 failed: No route to host"), Obstacle::NoRoute),
            (
                transport("ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10"),
                Obstacle::Other,
            ),
        ];
        for (notice, obstacle) in cases {
            let told = heard(std::slice::from_ref(&notice)).told().unwrap();
            assert_eq!(told.obstacle, obstacle, "{notice:?}");
        }
        let advertised = error(
            Code::Resolve,
            "kafka.invalid:9092/7: Failed to resolve 'kafka.invalid:9092': Name or service not known",
        );
        assert_eq!(heard(&[advertised]).told().unwrap().id, Some(7));
    }

    #[test]
    fn what_openssl_has_against_a_certificate_is_told_with_whose_it_is() {
        let troubles = heard(&[
            log(
                "SSLCERTVRFY",
                "[thrd:ssl://b:1/bootstrap]: ssl://b:1/bootstrap: Certificate (subject=/CN=old, issuer=/CN=ca) verification callback \
                 failed: it has expired",
            ),
            error(
                Code::Ssl,
                "ssl://b:1/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker certificate could not be verified",
            ),
        ]);
        assert_eq!(
            troubles.told().unwrap().to_string(),
            "the certificate of b:1 is not accepted: Certificate (subject=/CN=old, issuer=/CN=ca): it has expired"
        );
    }

    #[test]
    fn what_the_client_only_logs_is_heard_too() {
        let text = "[thrd:127.0.0.1:2/bootstrap]: 127.0.0.1:2/bootstrap: Disconnected: verify that security.protocol is correctly \
                    configured, broker might require SASL authentication (after 309ms in state UP)";
        let troubles =
            heard(&[log("FAIL", text), log("CONFWARN", "x: y"), error(Code::AllBrokersDown, "1/1 brokers are down")]);
        let told = troubles.told().unwrap();
        assert_eq!((told.obstacle, told.address.as_str()), (Obstacle::WantsLogin, "127.0.0.1:2"));
    }
}
