//! `CloudEvents` 1.0 (github.com/cloudevents/spec): structured and binary mode, and batches.

use std::fmt::Write as _;

use hyper::HeaderMap;

use super::outline;
use super::rules::{Rules, at, find};
use crate::source::web::{CLOUD_EVENT, Offer};

/// The attributes in the headers of binary mode, as members of an object with a comma after each; `None` where there are none.
pub(super) fn attributes(headers: &HeaderMap) -> Option<Result<String, String>> {
    headers.get("ce-specversion")?;
    let mut members = String::new();
    for (name, value) in headers {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else { continue };
        let Ok(value) = percent_encoding::percent_decode(value.as_bytes()).decode_utf8() else {
            return Some(Err(format!("the header {name} is no text")));
        };
        // Writing to a text cannot fail.
        write!(members, "\"{attribute}\":{},", serde_json::Value::from(&*value)).unwrap_or_default();
    }
    members.push_str("\"datacontenttype\":\"application/json\",");
    Some(Ok(members))
}

/// An event of a declared type is its data; where all is passed through, the whole of it is published.
pub(super) fn offer(event: &str, rules: &Rules<'_>) -> Result<Offer, String> {
    let members = outline::members(event).ok_or("it is no object")?;
    if at(&members, "specversion").as_deref() != Some("1.0") {
        return Err("specversion is not 1.0".to_owned());
    }
    if let Some(missing) = ["id", "source", "type"].into_iter().find(|name| at(&members, name).is_none()) {
        return Err(format!("{missing} is missing"));
    }
    if rules.pass_through {
        let key = rules.key(&members, &["partitionkey", "subject", "id"])?;
        return rules.open(CLOUD_EVENT, &members, key);
    }
    let data = find(&members, "data").ok_or("data is missing")?;
    rules.event(data, at(&members, "type").as_deref()).map_err(|reason| format!("data: {reason}"))
}
