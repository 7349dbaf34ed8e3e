//! Which pages may send: cross-origin requests, as the Fetch standard has them (fetch.spec.whatwg.org, section 3.2).

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    HOST, HeaderMap, HeaderValue, ORIGIN, VARY,
};

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// No page of another origin.
    Own,
    /// A page that may send.
    Allowed(HeaderValue),
    /// A page that may not.
    Stranger,
}

impl Origin {
    /// That of a request, where pages of these origins may send; `*` is all of them.
    pub(super) fn of(headers: &HeaderMap, allowed: &[String]) -> Self {
        let Some(origin) = headers.get(ORIGIN) else { return Self::Own };
        let authority = |origin: &HeaderValue| origin.to_str().ok()?.split_once("://").map(|(_, rest)| rest.to_owned());
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        if authority(origin).as_deref().is_some_and(|from| Some(from) == host) {
            return Self::Own;
        }
        let is_allowed = allowed.iter().any(|one| one == "*" || one.as_bytes() == origin.as_bytes());
        if is_allowed { Self::Allowed(origin.clone()) } else { Self::Stranger }
    }

    /// Lets the page read the answer, where it may.
    pub(super) fn sign(&self, headers: &mut HeaderMap) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Self::Allowed(origin) = self {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
    }

    /// Says what the page may send, before it does.
    pub(super) fn preflight(headers: &mut HeaderMap) {
        const HEADERS: &str =
            "content-type, authorization, ce-id, ce-source, ce-specversion, ce-type, ce-subject, ce-time";
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_named_origins_and_the_own_one_may_send() {
        let of = |origin: Option<&'static str>, allowed: &[&str]| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static("collect.example:8088"));
            if let Some(origin) = origin {
                headers.insert(ORIGIN, HeaderValue::from_static(origin));
            }
            Origin::of(&headers, &allowed.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let shop = "https://shop.example";
        assert_eq!(of(None, &[]), Origin::Own);
        assert_eq!(of(Some("http://collect.example:8088"), &[]), Origin::Own);
        assert_eq!(of(Some(shop), &[]), Origin::Stranger);
        assert_eq!(of(Some(shop), &[shop]), Origin::Allowed(HeaderValue::from_static(shop)));
        assert_eq!(of(Some("https://shop.example.evil"), &[shop]), Origin::Stranger);
        assert_eq!(of(Some("null"), &[shop]), Origin::Stranger);
        assert_eq!(of(Some("null"), &["*"]), Origin::Allowed(HeaderValue::from_static("null")));
    }
}
