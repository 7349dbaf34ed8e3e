//! Where a registry is and how it lets one in.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use ureq::http::Uri;

/// What is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Where a registry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Without a login, and without a slash at its end.
    pub url: String,
    /// The `user:password` that stood in it.
    pub user_info: Option<Secret>,
}

impl Address {
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

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Login {
    /// Nobody in particular, or who an address names.
    #[default]
    Nobody,
    /// `user:password`.
    Basic(Secret),
    /// A bearer token in a file. Where it is refused, the file is read again: a token may rotate.
    Token(PathBuf),
}

/// Where a registry is and how it lets one in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The same registry under one address or several, which are tried in turn.
    pub addresses: Vec<Address>,
    /// Who asks; a login in an address counts before it.
    pub login: Login,
    /// Certificates of the authorities that are trusted, as PEM [default: the system's].
    pub ca: Option<PathBuf>,
    /// The client's own certificates, as PEM.
    pub certificate: Option<PathBuf>,
    /// Their key, as PEM, without a passphrase. It may stand in the file of the certificates.
    pub key: Option<PathBuf>,
    /// The longest wait for an answer, all tries included.
    pub timeout: Duration,
}

impl Access {
    /// How long is waited where nothing else is said.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// The registry at an address, or at a list of them with commas in between; everything else is as by default.
    ///
    /// # Errors
    /// What is no address.
    pub fn at(addresses: &str) -> Result<Self, BadAccess> {
        let addresses: Vec<Address> =
            addresses.split(',').map(str::trim).filter(|one| !one.is_empty()).map(address).collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            return Err(BadAccess::NoAddress);
        }
        Ok(Self { addresses, login: Login::Nobody, ca: None, certificate: None, key: None, timeout: Self::PATIENCE })
    }

    /// The addresses as they may be shown.
    #[must_use]
    pub fn shown(&self) -> String {
        self.addresses.iter().map(|address| address.url.as_str()).collect::<Vec<_>>().join(",")
    }
}

/// Access that cannot be had. No message holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAccess {
    /// An empty list.
    #[error("there is no address of a schema registry; write it as http://host:8081")]
    NoAddress,
    /// No address: the text may hold a password, so only what is wrong with it is told.
    #[error("an address of the schema registry {0}; write it as http://host:8081 or https://host/path")]
    BadAddress(&'static str),
    /// A `user:password` without a colon.
    #[error("the login for the schema registry has no colon; write it as user:password")]
    BadUserInfo,
    /// A file that cannot be read.
    #[error("{what} {}: {why}", path.display())]
    File {
        /// What it would be.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A certificate without a key, or the other way round.
    #[error("a client certificate needs its key, and a key its certificate: one of the two is missing")]
    HalfACertificate,
}

fn address(text: &str) -> Result<Address, BadAccess> {
    let (scheme, rest) =
        text.split_once("://").ok_or(BadAccess::BadAddress("does not begin with http:// or https://"))?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(BadAccess::BadAddress("does not begin with http:// or https://"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if path.contains(['?', '#']) {
        return Err(BadAccess::BadAddress("has more than a path behind its host"));
    }
    let (user_info, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(user_info(login)?), host),
        None => (None, authority),
    };
    let url = format!("{scheme}://{host}{}", path.trim_end_matches('/'));
    let parsed: Uri = url.parse().map_err(|_| BadAccess::BadAddress("cannot be read"))?;
    match parsed.host() {
        Some(host) if !host.is_empty() => Ok(Address { url, user_info }),
        _ => Err(BadAccess::BadAddress("has no host")),
    }
}

/// The login of an address, in which signs that mean something there stand as `%40`.
fn user_info(written: &str) -> Result<Secret, BadAccess> {
    let decoded = percent_decode_str(written).decode_utf8();
    let login = decoded.map_err(|_| BadAccess::BadAddress("has a login that is not UTF-8"))?;
    login.contains(':').then(|| Secret::new(login)).ok_or(BadAccess::BadUserInfo)
}

impl Login {
    /// `user:password`.
    ///
    /// # Errors
    /// Without a colon.
    pub fn basic(user_info: &str) -> Result<Self, BadAccess> {
        user_info.contains(':').then(|| Self::Basic(Secret::new(user_info))).ok_or(BadAccess::BadUserInfo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let access = Access::at("https://me:p%40ss@host:8081/apis/ccompat/v7/, http://other").unwrap();
        assert_eq!(access.shown(), "https://host:8081/apis/ccompat/v7,http://other");
        assert_eq!(access.addresses[0].user_info.as_ref().unwrap().reveal(), "me:p@ss");
        assert_eq!(access.addresses[1].user_info, None);
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_shown() {
        for text in
            ["", ",", "host:8081", "ftp://me:hunter2@host", "http://", "http://me:hunter2@", "http://h/?hunter2"]
        {
            let error = Access::at(text).unwrap_err().to_string();
            assert!(error.contains("http://host:8081") && !error.contains("hunter2"), "{text}: {error}");
        }
        assert_eq!(Access::at("http://hunter2@host").unwrap_err(), BadAccess::BadUserInfo);
        assert_eq!(Login::basic("hunter2").unwrap_err(), BadAccess::BadUserInfo);
    }

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        let here = |address: &str| Access::at(address).unwrap().addresses[0].is_here();
        for address in ["http://localhost:1", "http://127.0.0.1", "http://[::1]:8081/x", "http://a:b@127.0.0.2"] {
            assert!(here(address), "{address}");
        }
        assert!(!here("http://10.0.0.1") && !here("http://localhost.example.org"));
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut access = Access::at("http://me:hunter2@host").unwrap();
        access.login = Login::basic("you:hunter2").unwrap();
        assert!(!format!("{access:?} {}", access.shown()).contains("hunter2"));
    }
}
