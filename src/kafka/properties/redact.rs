//! Secrets: what no report, dump or log may show.

use std::borrow::Cow;

use super::{canonical, java};
use crate::kafka::knows_property;

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// Endings and whole names of properties whose values are secret, in lower case.
const SECRET: [&str; 12] = [
    "password",
    "secret",
    "token",
    "credentials",
    "passphrase",
    "private.key",
    "ssl.key.pem",
    "ssl.keystore.key",
    "sasl.jaas.config",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.extensions",
    "user.info",
];

/// The value as it may be shown: secrets replaced, passwords inside URLs taken out.
#[must_use]
pub fn redact<'a>(key: &str, value: &'a str) -> Cow<'a, str> {
    let key = key.to_ascii_lowercase();
    if value.is_empty() {
        return Cow::Borrowed(value);
    }
    let holds_key = value.contains("PRIVATE KEY-----");
    if holds_key || SECRET.iter().any(|secret| key.ends_with(secret)) || may_be_misspelt(&key) {
        return Cow::Borrowed(REDACTED);
    }
    redact_urls(value)
}

/// Whether nobody knows a property of that name: then it may be that of a secret, written wrongly.
fn may_be_misspelt(key: &str) -> bool {
    !(key.ends_with("url") || java::knows(key) || knows_property(canonical(key)))
}

/// Replaces `user:password@` after each `://`.
fn redact_urls(value: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut rest = value;
    while let Some(start) = rest.find("://").map(|at| at + 3) {
        let end = rest[start..].find(['/', '?', '#', ',', ' ']).map_or(rest.len(), |at| start + at);
        if let Some(at) = rest[start..end].rfind('@') {
            shown.push_str(&rest[..start]);
            shown.push_str(REDACTED);
            rest = &rest[start + at..];
        } else {
            shown.push_str(&rest[..end]);
            rest = &rest[end..];
        }
    }
    if shown.is_empty() {
        return Cow::Borrowed(value);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_are_redacted_and_names_are_not() {
        for key in [
            "sasl.password",
            "SASL.PASSWORD",
            "ssl.key.password",
            "ssl.key.pem",
            "ssl.keystore.password",
            "ssl.truststore.password",
            "sasl.oauthbearer.client.secret",
            "sasl.oauthbearer.client.credentials.client.secret",
            "sasl.oauthbearer.config",
            "sasl.oauthbearer.assertion.private.key.passphrase",
            "sasl.jaas.config",
            "basic.auth.user.info",
            "schema.registry.basic.auth.user.info",
            "my.access.token",
        ] {
            assert_eq!(redact(key, "hunter2"), REDACTED, "{key}");
        }
        for key in ["sasl.username", "ssl.ca.location", "sasl.mechanisms", "ssl.key.location", "client.id"] {
            assert_eq!(redact(key, "shown"), "shown", "{key}");
        }
        assert_eq!(redact("sasl.password", ""), "");
    }

    #[test]
    fn what_stands_beside_a_misspelt_name_is_not_shown() {
        for key in ["sasl.pasword", "ssl.keystore.passwort", "sasl.jaas.confg", "no such.name", "a\0b"] {
            assert_eq!(redact(key, "hunter2"), REDACTED, "{key}");
        }
        for key in ["linger.ms", "max.request.size", "acks", "auto.offset.reset", "key.serializer", "Linger.ms"] {
            assert_eq!(redact(key, "shown"), "shown", "{key}");
        }
    }

    #[test]
    fn a_private_key_is_a_secret_wherever_it_stands() {
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
        assert_eq!(redact("ssl.certificate.pem", pem), REDACTED);
    }

    #[test]
    fn passwords_inside_urls_are_taken_out() {
        let shown = |value: &'static str| redact("schema.registry.url", value).into_owned();
        assert_eq!(shown("https://me:pass@host:8081/x"), "https://[redacted]@host:8081/x");
        assert_eq!(shown("http://a:b@h1,http://c:d@h2"), "http://[redacted]@h1,http://[redacted]@h2");
        assert_eq!(shown("https://host/path@x"), "https://host/path@x");
        assert_eq!(shown("https://me:p@ss@host"), "https://[redacted]@host");
    }

    proptest! {
        #[test]
        fn no_password_of_a_url_is_ever_shown(user in "[a-z]{1,8}", password in "[a-zA-Z0-9@:]{8,16}") {
            let value = format!("https://{user}:{password}@broker:1/x");
            prop_assert!(!redact("some.url", &value).contains(&password));
        }
    }
}
