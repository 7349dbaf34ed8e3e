//! One request: sent, answered or failed within its limit.

use std::io;
use std::time::Duration;

use ureq::http::{Request, Response, header};
use ureq::{Agent, AsSendBody, Body, Proxy};

use super::tls::{self, BadFile, Trust};
use super::{Address, Secret, shown};
use crate::clock::Nanos;

/// The longest answer. Nobody's service fills this machine's memory.
const MOST_BYTES: u64 = 16 << 20;

/// Sends requests.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
    /// Where it sends on to, which is not followed: a login belongs to the address that it was given for.
    pub location: Option<String>,
    /// When to ask again.
    pub retry_after: Option<Nanos>,
}

/// Why nothing came back. The texts are one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// No answer within the limit.
    TimedOut,
    /// No connection, or one that broke.
    Unreachable(String),
    /// No connection that can be trusted, or one that does not trust us. It will be the same the next time.
    Tls(String),
    /// What answers does not speak HTTP, or not as it is understood here.
    Unreadable(String),
    /// A login with signs that no request can carry.
    NoHeader,
}

impl Client {
    /// A client of services at these addresses.
    ///
    /// # Errors
    /// Files of `trust` that cannot be used.
    pub fn new<'a>(addresses: impl IntoIterator<Item = &'a Address>, trust: &Trust) -> Result<Self, BadFile> {
        // What listens on this machine is behind no proxy.
        let proxy = if addresses.into_iter().all(Address::is_here) { None } else { Proxy::try_from_env() };
        let agent = Agent::config_builder()
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .tls_config(tls::config(trust)?)
            .user_agent(concat!("loadgen/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Ok(Self { agent })
    }

    /// Sends a request, with a login where there is one, and waits for its answer, `limit` at most.
    ///
    /// # Errors
    /// Where there is no answer.
    pub fn ask(
        &self,
        mut request: Request<Option<String>>,
        authorization: Option<&Secret>,
        limit: Duration,
    ) -> Result<Answer, Failed> {
        if let Some(authorization) = authorization {
            let mut value = header::HeaderValue::from_str(authorization.reveal()).map_err(|_| Failed::NoHeader)?;
            value.set_sensitive(true);
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        let (head, body) = request.into_parts();
        let sent = match body {
            Some(body) => self.send(Request::from_parts(head, body), limit),
            None => self.send(Request::from_parts(head, ()), limit),
        };
        let mut response = sent.map_err(|error| failed(&error))?;
        let text = |name: header::HeaderName| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
        };
        let location = text(header::LOCATION);
        let retry_after = text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()).map(Nanos::from_secs);
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(MOST_BYTES).read_to_vec();
        Ok(Answer { status, body: body.map_err(|error| failed(&error))?, location, retry_after })
    }

    fn send<S: AsSendBody>(&self, request: Request<S>, limit: Duration) -> Result<Response<Body>, ureq::Error> {
        self.agent.run(self.agent.configure_request(request).timeout_global(Some(limit)).build())
    }
}

fn failed(error: &ureq::Error) -> Failed {
    use ureq::Error;
    let words = || shown(&error.to_string());
    match error {
        Error::Timeout(_) => Failed::TimedOut,
        Error::Io(error) if is_about_trust(error) => Failed::Tls(shown(&error.to_string())),
        Error::Io(error) => Failed::Unreachable(shown(&error.to_string())),
        Error::HostNotFound | Error::ConnectionFailed | Error::ConnectProxyFailed(_) => Failed::Unreachable(words()),
        Error::Tls(_) | Error::Rustls(_) | Error::Pem(_) => Failed::Tls(words()),
        _ => Failed::Unreadable(words()),
    }
}

/// An untrusted certificate comes out of the connection as an error of reading or writing.
fn is_about_trust(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.downcast_ref::<rustls::Error>().is_some())
}
