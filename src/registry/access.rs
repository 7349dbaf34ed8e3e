//! Where a registry is and how it lets one in.

use std::path::PathBuf;
use std::time::Duration;

use crate::http::{Address, BadAddress, BadFile, Secret, Trust};

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
    /// Who is trusted, and what is shown to who asks.
    pub trust: Trust,
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
        let addresses: Vec<Address> = addresses
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty())
            .map(Address::new)
            .collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            return Err(BadAccess::NoAddress);
        }
        Ok(Self { addresses, login: Login::Nobody, trust: Trust::default(), timeout: Self::PATIENCE })
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
    /// No address.
    #[error("an address of the schema registry {0}; write it as http://host:8081 or https://host/path")]
    BadAddress(#[from] BadAddress),
    /// A `user:password` without a colon.
    #[error("the login for the schema registry has no colon; write it as user:password")]
    BadUserInfo,
    /// A file that cannot be used.
    #[error(transparent)]
    File(#[from] BadFile),
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
        assert!(matches!(Access::at("http://hunter2@host").unwrap_err(), BadAccess::BadAddress(_)));
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
