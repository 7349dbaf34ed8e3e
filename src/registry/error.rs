//! What keeps a registry from an answer, or its answer from being what was asked for.

use std::fmt;

/// A question that did not get what it asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    /// The address that was asked last, without a login.
    pub address: String,
    /// What was asked: `for its newest version`.
    pub asked: String,
    /// Of which subject.
    pub subject: Option<String>,
    /// What came of it.
    pub trouble: Trouble,
}

/// What came of a question. The texts are the registry's own words, its code before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No connection, or no answer in time.
    Unreachable(String),
    /// It answers that it cannot answer now: a status of 500 and above, or 429.
    Busy(u16, String),
    /// The connection cannot be trusted, or it does not trust us.
    Tls(String),
    /// It wants to know who asks, or does not believe it.
    NotLoggedIn {
        /// What it was told: `nobody`, `a user and password` or `a token`.
        as_whom: &'static str,
        /// Its words.
        words: String,
    },
    /// Who asks has no right to it.
    NotAllowed(String),
    /// There is no such subject.
    SubjectMissing(String),
    /// The subject has no such version.
    VersionMissing(String),
    /// There is no schema of that id, or the subject has not this one.
    SchemaMissing(String),
    /// The subject has no level of its own.
    LevelMissing(String),
    /// The schema may not follow the others of its subject.
    Incompatible(String),
    /// It takes this for no schema, or the question for none.
    Invalid(String),
    /// It says to ask somewhere else, which is not done: a login belongs to the address that it was given for.
    Elsewhere(String),
    /// What answers there is no registry, or not one that is understood.
    Unreadable(String),
    /// A status that means nothing here.
    Other(u16, String),
}

impl RegistryError {
    /// Whether it is the registry's answer to the question itself, which would be the same a second time. Else nothing is known
    /// yet of what was asked.
    #[must_use]
    pub fn is_an_answer(&self) -> bool {
        matches!(
            self.trouble,
            Trouble::SubjectMissing(_)
                | Trouble::VersionMissing(_)
                | Trouble::SchemaMissing(_)
                | Trouble::LevelMissing(_)
                | Trouble::Incompatible(_)
                | Trouble::Invalid(_)
        )
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        let subject = self.subject.as_deref().unwrap_or("SUBJECT");
        let address = &self.address;
        match &self.trouble {
            Trouble::Unreachable(_) => {
                "is it running there? --schema-registry (SCHEMA_REGISTRY_URL) says where it is, \
                 --schema-registry-timeout how long it is waited for"
                    .to_owned()
            }
            Trouble::Busy(..) => {
                "its own log says why; --schema-registry-timeout is how long it is waited for".to_owned()
            }
            Trouble::Tls(_) => {
                "--schema-registry-ca must hold the CA that signed the registry's certificate; where it asks for \
                 yours, --schema-registry-cert and --schema-registry-key name it"
                    .to_owned()
            }
            Trouble::NotLoggedIn { as_whom: "nobody", .. } => {
                "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO=user:password names a login, --schema-registry-token-file a \
                 token"
                    .to_owned()
            }
            Trouble::NotLoggedIn { as_whom, .. } => {
                format!("it was told {as_whom}, and takes it for wrong or out of date")
            }
            Trouble::NotAllowed(_) => match &self.subject {
                Some(subject) => format!("the login needs a right on subject {subject} that it has not"),
                None => "the login needs a right that it has not".to_owned(),
            },
            Trouble::SubjectMissing(_) | Trouble::SchemaMissing(_) if self.subject.is_some() => {
                format!("register it: loadgen schema register FILE --subject {subject} --schema-registry {address}")
            }
            Trouble::SchemaMissing(_) => "the id is of another registry, or its schema was deleted".to_owned(),
            Trouble::Incompatible(_) => format!(
                "loadgen schema check FILE --subject {subject} --schema-registry {address} says which field breaks it"
            ),
            Trouble::SubjectMissing(_) | Trouble::VersionMissing(_) | Trouble::LevelMissing(_) => {
                format!("curl {address}/subjects lists what is there")
            }
            Trouble::Invalid(_) => "the registry cannot read the schema, or does not take this type of it".to_owned(),
            Trouble::Elsewhere(to) => {
                format!("if {to} is right, name that address; a login is never sent on to another one")
            }
            Trouble::Unreadable(_) => {
                format!("curl {address}/subjects must answer with a list; Apicurio's address ends in /apis/ccompat/v7")
            }
            Trouble::Other(..) => "its own log may say why".to_owned(),
        }
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the schema registry at {} was asked {}", self.address, self.asked)?;
        if let Some(subject) = &self.subject {
            write!(f, " of subject {subject}")?;
        }
        write!(f, ": {}", self.trouble)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, words) = match self {
            Self::Unreachable(words) => ("it does not answer".to_owned(), words),
            Self::Busy(status, words) => (format!("it cannot answer now (status {status})"), words),
            Self::Tls(words) => ("no trusted connection".to_owned(), words),
            Self::NotLoggedIn { as_whom, words } => (format!("it refuses the login (401), which was {as_whom}"), words),
            Self::NotAllowed(words) => ("the login has no right to that (403)".to_owned(), words),
            Self::SubjectMissing(words) => ("there is no such subject".to_owned(), words),
            Self::VersionMissing(words) => ("there is no such version".to_owned(), words),
            Self::SchemaMissing(words) => ("there is no such schema".to_owned(), words),
            Self::LevelMissing(words) => ("it has no level of its own".to_owned(), words),
            Self::Incompatible(words) => ("the schema is incompatible (409)".to_owned(), words),
            Self::Invalid(words) => ("it is refused as invalid (422)".to_owned(), words),
            Self::Elsewhere(words) => ("it sends on to another address".to_owned(), words),
            Self::Unreadable(words) => ("what answers there is not understood".to_owned(), words),
            Self::Other(status, words) => (format!("it answers with status {status}"), words),
        };
        f.write_str(&what)?;
        if words.is_empty() { Ok(()) } else { write!(f, ": {words}") }
    }
}

impl std::error::Error for RegistryError {}
