//! Which field is replaced by what.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The key of a record, where a rule names it.
const KEY: &str = "@key";
/// What stands before the name of a header, where a rule names one.
const HEADER: &str = "@header.";

/// What becomes of a value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// A pseudonym of the same kind.
    Hmac,
    /// Of an IPv4 address so many bits, of an IPv6 address twice as many; the rest is zero.
    Prefix(u8),
    /// Nothing.
    Drop,
    /// A number that is off by this share at most.
    Noise(f64),
}

impl Method {
    pub(super) const fn needs_key(self) -> bool {
        matches!(self, Self::Hmac | Self::Noise(_))
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hmac => f.write_str("hmac"),
            Self::Prefix(bits) => write!(f, "prefix/{bits}"),
            Self::Drop => f.write_str("drop"),
            Self::Noise(share) => write!(f, "noise/{}%", share * 100.0),
        }
    }
}

/// A field, and what becomes of its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name, or a path to it.
    pub field: String,
    /// What becomes of it.
    pub method: Method,
}

impl Rule {
    /// Whether it is about the key of records.
    #[must_use]
    pub fn is_of_key(&self) -> bool {
        self.field == KEY
    }

    /// The header that it is about.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        self.field.strip_prefix(HEADER)
    }

    /// The field of bodies that it is about.
    #[must_use]
    pub fn field_of_body(&self) -> Option<&str> {
        (!self.is_of_key() && self.header().is_none()).then_some(&self.field)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.field, self.method)
    }
}

/// No rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No field, or no method.
    #[error(
        "\"{0}\" is no rule: write FIELD=METHOD, with hmac, prefix/24, drop or noise/1% for METHOD, and @key for the record's key, @header.NAME for a header"
    )]
    Form(String),
    /// A hash that anybody can try out.
    #[error("{0} does not exist: without a key anybody can try all values out; hmac takes a key from --key-file")]
    Unkeyed(String),
    /// Bits that no address has.
    #[error("prefix/{0}: write 1 to 32, the bits that are left of an IPv4 address")]
    Bits(String),
    /// A share that is none.
    #[error("noise/{0}: write a share such as 1%, above 0 and below 100%")]
    Share(String),
}

impl FromStr for Rule {
    type Err = RuleError;
    fn from_str(text: &str) -> Result<Self, RuleError> {
        let form = || RuleError::Form(text.to_owned());
        let (field, method) = text.trim().rsplit_once('=').ok_or_else(form)?;
        if field.is_empty() {
            return Err(form());
        }
        let method = match method.split_once('/') {
            None if method == "hmac" => Method::Hmac,
            None if method == "drop" => Method::Drop,
            None if ["hash", "sha256", "sha1", "md5"].contains(&method) => {
                return Err(RuleError::Unkeyed(method.to_owned()));
            }
            Some(("prefix", bits)) => match bits.parse() {
                Ok(bits @ 1..=32) => Method::Prefix(bits),
                _ => return Err(RuleError::Bits(bits.to_owned())),
            },
            Some(("noise", share)) => {
                let percent = share.strip_suffix('%').and_then(|percent| percent.parse::<f64>().ok());
                match percent.filter(|percent| *percent > 0.0 && *percent < 100.0) {
                    Some(percent) => Method::Noise(percent / 100.0),
                    None => return Err(RuleError::Share(share.to_owned())),
                }
            }
            _ => return Err(form()),
        };
        Ok(Self { field: field.to_owned(), method })
    }
}
