//! Where a service is.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use ureq::http::Uri;

use super::Secret;

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Without a login, and without a slash at its end.
    pub url: String,
    /// The `user:password` that stood in it.
    pub user_info: Option<Secret>,
}

/// What is wrong with a text that is no address, as the rest of a sentence. The text may hold a password, so it is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadAddress(pub &'static str);

impl Address {
    /// Reads `http://host:8081/path`.
    ///
    /// # Errors
    /// What is no such address.
    pub fn new(text: &str) -> Result<Self, BadAddress> {
        let not_http = BadAddress("does not begin with http:// or https://");
        let (scheme, rest) = text.split_once("://").ok_or(not_http)?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(not_http);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if path.contains(['?', '#']) {
            return Err(BadAddress("has more than a path behind its host"));
        }
        let (user_info, host) = match authority.rsplit_once('@') {
            Some((login, host)) => (Some(user_info(login)?), host),
            None => (None, authority),
        };
        let url = format!("{scheme}://{host}{}", path.trim_end_matches('/'));
        let parsed: Uri = url.parse().map_err(|_| BadAddress("cannot be read"))?;
        match parsed.host() {
            Some(host) if !host.is_empty() => Ok(Self { url, user_info }),
            _ => Err(BadAddress("has no host")),
        }
    }

    /// Whether it is one of this machine itself.
    #[must_use]
    pub fn is_here(&self) -> bool {
        let uri: Option<Uri> = self.url.parse().ok();
        uri.as_ref().and_then(Uri::host).is_some_and(|host| {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        })
    }
}

/// The login of an address, in which signs that mean something there stand as `%40`.
fn user_info(written: &str) -> Result<Secret, BadAddress> {
    let decoded = percent_decode_str(written).decode_utf8();
    let login = decoded.map_err(|_| BadAddress("has a login that is not UTF-8"))?;
    login.contains(':').then(|| Secret::new(login)).ok_or(BadAddress("has a login that is not user:password"))
}
