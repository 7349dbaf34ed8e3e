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
mod tests;
