//! One question: which address, which login, how often, how long.

use std::fs;
use std::io;
use std::iter;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{Method, Request, Response, header};
use ureq::{Agent, AsSendBody, Body, Proxy};

use super::access::{Access, Address, BadAccess, Login, Secret};
use super::error::{RegistryError, Trouble};
use super::tls;
use super::wording::{Refusal, shown};
use crate::clock::{Clock, Monotonic, Nanos};

/// What this client sends and wants.
const CONTENT: &str = "application/vnd.schemaregistry.v1+json";
/// The longest answer. A schema has kilobytes; nobody's registry fills this machine's memory.
const MOST_BYTES: u64 = 16 << 20;
/// The longest token.
const MOST_TOKEN: u64 = 64 << 10;
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
    agent: Agent,
    addresses: Vec<Address>,
    /// The address that answered last.
    good: AtomicUsize,
    login: Login,
    token: Mutex<Option<Secret>>,
    timeout: Duration,
    clock: Monotonic,
}

/// What came back.
struct Answer {
    status: u16,
    body: Vec<u8>,
    location: Option<String>,
    retry_after: Option<Nanos>,
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
        // What listens on this machine is behind no proxy.
        let proxy = if access.addresses.iter().all(Address::is_here) { None } else { Proxy::try_from_env() };
        let agent = Agent::config_builder()
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls::config(access)?)
            .user_agent(concat!("loadgen/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self {
            agent,
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
        if let Some(authorization) = self.authorization(address, token) {
            let mut value = header::HeaderValue::from_str(authorization.reveal()).map_err(|_| not_a_header())?;
            value.set_sensitive(true);
            request = request.header(header::AUTHORIZATION, value);
        }
        let answer = if let Some(body) = &question.body {
            let request = request.header(header::CONTENT_TYPE, CONTENT).body(body.to_string());
            self.send(request, limit)
        } else {
            self.send(request.body(()), limit)
        };
        taken(answer.map_err(|error| failed(&error, self.timeout))?, self.timeout)
    }

    fn send<S: AsSendBody>(
        &self,
        request: ureq::http::Result<Request<S>>,
        limit: Duration,
    ) -> Result<Response<Body>, ureq::Error> {
        self.agent.run(self.agent.configure_request(request?).timeout_global(Some(limit)).build())
    }

    fn authorization(&self, address: &Address, token: Option<&Secret>) -> Option<Secret> {
        let basic = |user_info: &Secret| Secret::new(format!("Basic {}", STANDARD.encode(user_info.reveal())));
        match (&address.user_info, &self.login, token) {
            (Some(user_info), ..) | (None, Login::Basic(user_info), _) => Some(basic(user_info)),
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

fn taken(mut response: Response<Body>, timeout: Duration) -> Result<Answer, Failed> {
    let text = |name: header::HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
    };
    let location = text(header::LOCATION);
    let retry_after = text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()).map(Nanos::from_secs);
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
    let body = body.map_err(|error| failed(&error, timeout))?;
    Ok(Answer { status, body, location, retry_after })
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

fn failed(error: &ureq::Error, timeout: Duration) -> Failed {
    use ureq::Error;
    match error {
        Error::Timeout(_) => Failed::Passing(Trouble::Unreachable(format!("no answer within {timeout:?}"))),
        Error::Io(error) if is_about_trust(error) => Failed::Lasting(Trouble::Tls(shown(&error.to_string()))),
        Error::Io(error) => Failed::Passing(Trouble::Unreachable(shown(&error.to_string()))),
        Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) => {
            Failed::Passing(Trouble::Unreachable(shown(&error.to_string())))
        }
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => Failed::Lasting(Trouble::Tls(shown(&error.to_string()))),
        _ => lasting(error),
    }
}

/// An untrusted certificate comes out of the connection as an error of reading or writing.
fn is_about_trust(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
}

fn lasting(error: &dyn std::fmt::Display) -> Failed {
    Failed::Lasting(Trouble::Unreadable(shown(&error.to_string())))
}

fn not_a_header() -> Failed {
    let words = "the login has signs that no request can carry".to_owned();
    Failed::Lasting(Trouble::NotLoggedIn { as_whom: "a user and password", words })
}

fn read_token(path: &Path) -> Result<Secret, BadAccess> {
    let unusable = |why: String| BadAccess::File { what: "the token file", path: path.to_owned(), why };
    let length = fs::metadata(path).map_err(|error| unusable(error.to_string()))?.len();
    if length > MOST_TOKEN {
        return Err(unusable(format!("it has {length} bytes, a token has at most {MOST_TOKEN}")));
    }
    let text = fs::read_to_string(path).map_err(|error| unusable(error.to_string()))?;
    match text.trim() {
        "" => Err(unusable("it is empty".to_owned())),
        token if token.chars().all(|letter| letter.is_ascii_graphic()) => Ok(Secret::new(token)),
        _ => Err(unusable("it holds more than a token: spaces, or signs that no token has".to_owned())),
    }
}
