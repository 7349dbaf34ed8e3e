//! One question: which address, which login, how often, how long.

use std::iter;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{Method, Request, header};

use super::access::{Access, BadAccess, Login};
use super::error::{RegistryError, Trouble};
use super::wording::Refusal;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::http::{self, Address, Answer, Client, Secret, shown};

/// What this client sends and wants.
const CONTENT: &str = "application/vnd.schemaregistry.v1+json";
/// The wait before a question is asked again; each wait is twice the one before, up to the longest.
const FIRST_PAUSE: Nanos = Nanos::from_millis(50);
const LONGEST_PAUSE: Nanos = Nanos::from_secs(2);
/// What may stand in a path as it is (RFC 3986, unreserved).
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A question to a registry.
#[derive(Debug)]
pub(super) struct Question {
    asked: String,
    subject: Option<String>,
    method: Method,
    path: String,
    body: Option<Value>,
}

impl Question {
    fn new(method: Method, asked: impl Into<String>, path: &[&str], body: Option<Value>) -> Self {
        let path = path.iter().flat_map(|part| iter::once("/").chain(utf8_percent_encode(part, PLAIN))).collect();
        Self { asked: asked.into(), subject: None, method, path, body }
    }

    pub(super) fn get(asked: impl Into<String>, path: &[&str]) -> Self {
        Self::new(Method::GET, asked, path, None)
    }

    pub(super) fn post(asked: impl Into<String>, path: &[&str], body: Value) -> Self {
        Self::new(Method::POST, asked, path, Some(body))
    }

    pub(super) fn put(asked: impl Into<String>, path: &[&str], body: Value) -> Self {
        Self::new(Method::PUT, asked, path, Some(body))
    }

    pub(super) fn of(self, subject: &str) -> Self {
        Self { subject: Some(subject.to_owned()), ..self }
    }

    /// `?name=true`, where it is so.
    pub(super) fn with(mut self, name: &str, wanted: bool) -> Self {
        if wanted {
            self.path.extend(["?", name, "=true"]);
        }
        self
    }
}

/// Asks questions.
#[derive(Debug)]
pub(super) struct Asking {
    client: Client,
    addresses: Vec<Address>,
    /// The address that answered last.
    good: AtomicUsize,
    login: Login,
    token: Mutex<Option<Secret>>,
    timeout: Duration,
    clock: Monotonic,
}

/// Why nothing came back.
enum Failed {
    /// It may come the next time.
    Passing(Trouble),
    /// It will not.
    Lasting(Trouble),
}

impl Asking {
    pub(super) fn new(access: &Access) -> Result<Self, BadAccess> {
        let token = match &access.login {
            Login::Token(path) => Some(read_token(path)?),
            Login::Nobody | Login::Basic(_) => None,
        };
        let client = Client::new(&access.addresses, &access.trust)?;
        Ok(Self {
            client,
            addresses: access.addresses.clone(),
            good: AtomicUsize::new(0),
            login: access.login.clone(),
            token: Mutex::new(token),
            timeout: access.timeout,
            clock: Monotonic::start(),
        })
    }

    /// Asks until there is an answer or time is up, at each address in turn.
    pub(super) fn ask<T: DeserializeOwned>(&self, question: &Question) -> Result<T, RegistryError> {
        let deadline = self.clock.now() + Nanos::from(self.timeout);
        let mut pause = FIRST_PAUSE;
        let mut told = false;
        loop {
            let (index, trouble, wait) = match self.ask_round(question, deadline)? {
                Round::Answered(index, answer) => return self.read(question, index, &answer),
                Round::Passed(index, trouble, wait) => (index, trouble, wait),
            };
            let again = self.clock.now() + wait.unwrap_or(pause).max(pause);
            if again >= deadline {
                return Err(self.told(question, index, trouble));
            }
            if !told {
                let error = self.told(question, index, trouble);
                tracing::warn!("{error}; it is asked again, for {:?} at most", self.timeout);
                told = true;
            }
            self.clock.sleep_until(again);
            pause = (pause + pause).min(LONGEST_PAUSE);
        }
    }

    /// Asks each address once, the one that answered last before the others.
    fn ask_round(&self, question: &Question, deadline: Nanos) -> Result<Round, RegistryError> {
        let count = self.addresses.len();
        let first = self.good.load(Ordering::Relaxed);
        let mut last = None;
        for turn in 0..count {
            let index = (first + turn) % count;
            let left = deadline.saturating_since(self.clock.now());
            // One that hangs leaves the others their share.
            let limit = Duration::from(left) / u32::try_from(count - turn).unwrap_or(u32::MAX);
            if limit < Duration::from_millis(1) {
                break;
            }
            match self.ask_with_fresh_login(question, index, limit) {
                Ok(answer) if answer.status == 429 || answer.status >= 500 => {
                    let words = Refusal::read(&answer.body).words();
                    last = Some(Round::Passed(index, Trouble::Busy(answer.status, words), answer.retry_after));
                }
                Ok(answer) => {
                    self.good.store(index, Ordering::Relaxed);
                    return Ok(Round::Answered(index, answer));
                }
                Err(Failed::Passing(trouble)) => last = Some(Round::Passed(index, trouble, None)),
                Err(Failed::Lasting(trouble)) => return Err(self.told(question, index, trouble)),
            }
        }
        let late = || Round::Passed(first, Trouble::Unreachable(format!("no answer within {:?}", self.timeout)), None);
        Ok(last.unwrap_or_else(late))
    }

    /// A token that is refused may have been replaced in the meantime.
    fn ask_with_fresh_login(&self, question: &Question, index: usize, limit: Duration) -> Result<Answer, Failed> {
        let began = self.clock.now();
        let used = self.token();
        let answer = self.ask_once(question, index, used.as_ref(), limit)?;
        let Login::Token(path) = &self.login else { return Ok(answer) };
        if answer.status != 401 {
            return Ok(answer);
        }
        match read_token(path) {
            Ok(fresh) if Some(&fresh) != used.as_ref() => {
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
                let left =
                    Duration::from(Nanos::from(limit).saturating_since(self.clock.now().saturating_since(began)));
                self.ask_once(question, index, Some(&fresh), left.max(Duration::from_millis(1)))
            }
            Ok(_) => Ok(answer),
            Err(error) => Err(Failed::Lasting(Trouble::NotLoggedIn { as_whom: "a token", words: error.to_string() })),
        }
    }

    fn ask_once(
        &self,
        question: &Question,
        index: usize,
        token: Option<&Secret>,
        limit: Duration,
    ) -> Result<Answer, Failed> {
        let address = &self.addresses[index];
        let mut request = Request::builder()
            .method(&question.method)
            .uri(format!("{}{}", address.url, question.path))
            .header(header::ACCEPT, format!("{CONTENT}, application/json"));
        if question.body.is_some() {
            request = request.header(header::CONTENT_TYPE, CONTENT);
        }
        let request = request.body(question.body.as_ref().map(Value::to_string)).map_err(|error| lasting(&error))?;
        let answer = self.client.ask(request, self.authorization(address, token).as_ref(), limit);
        answer.map_err(|error| failed(error, self.timeout))
    }

    fn authorization(&self, address: &Address, token: Option<&Secret>) -> Option<Secret> {
        match (&address.user_info, &self.login, token) {
            (Some(user_info), ..) | (None, Login::Basic(user_info), _) => Some(user_info.as_basic()),
            (None, Login::Token(_), Some(token)) => Some(Secret::new(format!("Bearer {}", token.reveal()))),
            (None, ..) => None,
        }
    }

    fn token(&self) -> Option<Secret> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn as_whom(&self, index: usize) -> &'static str {
        match (&self.addresses[index].user_info, &self.login) {
            (Some(_), _) | (None, Login::Basic(_)) => "a user and password",
            (None, Login::Token(_)) => "a token",
            (None, Login::Nobody) => "nobody",
        }
    }

    fn read<T: DeserializeOwned>(
        &self,
        question: &Question,
        index: usize,
        answer: &Answer,
    ) -> Result<T, RegistryError> {
        let trouble = match answer.status {
            200..=299 => match serde_json::from_slice(&answer.body) {
                Ok(read) => return Ok(read),
                Err(error) => Trouble::Unreadable(shown(&error.to_string())),
            },
            status => refused(status, answer, self.as_whom(index)),
        };
        Err(self.told(question, index, trouble))
    }

    /// An error that nobody had to be asked for.
    pub(super) fn error(&self, question: &Question, trouble: Trouble) -> RegistryError {
        self.told(question, self.good.load(Ordering::Relaxed), trouble)
    }

    fn told(&self, question: &Question, index: usize, trouble: Trouble) -> RegistryError {
        let Question { asked, subject, .. } = question;
        let address = self.addresses[index].url.clone();
        RegistryError { address, asked: asked.clone(), subject: subject.clone(), trouble }
    }
}

/// What asking every address once came to.
enum Round {
    Answered(usize, Answer),
    Passed(usize, Trouble, Option<Nanos>),
}

fn refused(status: u16, answer: &Answer, as_whom: &'static str) -> Trouble {
    let refusal = Refusal::read(&answer.body);
    let words = refusal.words();
    match (status, refusal.error_code) {
        (300..=399, _) => Trouble::Elsewhere(shown(answer.location.as_deref().map_or("", |to| without_login(to)))),
        (401, _) => Trouble::NotLoggedIn { as_whom, words },
        (403, _) => Trouble::NotAllowed(words),
        (404, Some(40401)) => Trouble::SubjectMissing(words),
        (404, Some(40402)) => Trouble::VersionMissing(words),
        (404, Some(40403)) => Trouble::SchemaMissing(words),
        (404, Some(40408)) => Trouble::LevelMissing(words),
        (404, _) => Trouble::Unreadable(format!(
            "there is no such page (404){}{words}",
            if words.is_empty() { "" } else { ": " }
        )),
        (409, _) => Trouble::Incompatible(words),
        (422, _) => Trouble::Invalid(words),
        _ => Trouble::Other(status, words),
    }
}

/// What of an address may be shown: a query may hold a ticket.
fn without_login(location: &str) -> &str {
    let shown = location.split(['?', '#']).next().unwrap_or_default();
    if shown.contains('@') { "another address" } else { shown }
}

fn failed(error: http::Failed, timeout: Duration) -> Failed {
    match error {
        http::Failed::TimedOut => Failed::Passing(Trouble::Unreachable(format!("no answer within {timeout:?}"))),
        http::Failed::Unreachable(words) => Failed::Passing(Trouble::Unreachable(words)),
        http::Failed::Tls(words) => Failed::Lasting(Trouble::Tls(words)),
        http::Failed::Unreadable(words) => Failed::Lasting(Trouble::Unreadable(words)),
        http::Failed::NoHeader => {
            let words = "the login has signs that no request can carry".to_owned();
            Failed::Lasting(Trouble::NotLoggedIn { as_whom: "a user and password", words })
        }
    }
}

fn lasting(error: &dyn std::fmt::Display) -> Failed {
    Failed::Lasting(Trouble::Unreadable(shown(&error.to_string())))
}

fn read_token(path: &Path) -> Result<Secret, BadAccess> {
    Ok(Secret::read("the token file", path)?)
}
