//! Segment's calls, as its HTTP tracking API takes them (segment.com/docs/connections/sources/catalog/libraries/server/http-api).
//!
//! A call is published as it came, with what Segment itself would add: `type`, `messageId`, `receivedAt`, and a `timestamp` that is
//! corrected by the skew of the sender's clock: `receivedAt - (sentAt - originalTimestamp)`.

use uuid::Builder;

use super::outline::{self, Member};
use super::rules::{Rules, at, find};
use crate::source::web::{Offer, SEGMENT};

/// The calls of a batch, and when its sender says that it sent it.
pub(super) fn batch(body: &str) -> Result<(Vec<&str>, Option<&str>), String> {
    let members = outline::members(body).ok_or("a batch is an object with the calls in its \"batch\"")?;
    let calls = find(&members, "batch").and_then(outline::entries).ok_or("\"batch\" is no array of calls")?;
    Ok((calls, find(&members, "sentAt")))
}

/// A call: of that type, or of the one that it names itself; sent with a batch that says when.
pub(super) fn offer(call: &str, of: Option<&str>, sent_at: Option<&str>, rules: &Rules<'_>) -> Result<Offer, String> {
    let mut members = outline::members(call).ok_or("it is no object")?;
    let named = at(&members, "type");
    let kind = match (of, named.as_deref()) {
        (Some(of), None) => of,
        (Some(of), Some(named)) if of == named => of,
        (Some(of), Some(named)) => return Err(format!("its type is \"{named}\", and it was sent as {of}")),
        (None, Some(named)) => named,
        (None, None) => return Err("type is missing".to_owned()),
    };
    if !SEGMENT.contains(&kind) {
        return Err(format!("\"{kind}\" is none of {}", SEGMENT.join(", ")));
    }
    let (user, anonymous) = (at(&members, "userId"), at(&members, "anonymousId"));
    if user.is_none() && anonymous.is_none() {
        return Err("userId and anonymousId are missing: one of them must be there".to_owned());
    }
    let needed = match kind {
        "track" => Some("event"),
        "group" => Some("groupId"),
        "alias" => Some("previousId"),
        _ => None,
    };
    if let Some(missing) = needed.filter(|name| at(&members, name).is_none()) {
        return Err(format!("{missing} is missing"));
    }
    for name in ["properties", "traits", "context"] {
        if find(&members, name).is_some_and(|value| value != "null" && !value.starts_with('{')) {
            return Err(format!("{name} is no object"));
        }
    }
    let key = rules.key(&members, &["userId", "anonymousId"])?;

    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut added: Vec<(&str, String)> = Vec::new();
    if named.is_none() {
        added.push(("\"type\"", quoted(kind)));
    }
    if at(&members, "messageId").is_none() {
        members.retain(|member| member.quoted != "\"messageId\"");
        added.push(("\"messageId\"", quoted(&Builder::from_random_bytes(rand::random()).into_uuid().to_string())));
    }
    let said = find(&members, "timestamp");
    let sent_at = find(&members, "sentAt").or(sent_at);
    let corrected = said.zip(sent_at).and_then(|(said, sent)| corrected(&rules.received_at, said, sent));
    members.retain(|member| !["\"receivedAt\"", "\"timestamp\""].contains(&member.quoted));
    if let Some(said) = said.filter(|_| corrected.is_some() && find(&members, "originalTimestamp").is_none()) {
        added.push(("\"originalTimestamp\"", said.to_owned()));
    }
    added.push(("\"timestamp\"", corrected.or(said.map(str::to_owned)).unwrap_or_else(|| quoted(&rules.received_at))));
    added.push(("\"receivedAt\"", quoted(&rules.received_at)));
    members.extend(added.iter().map(|(quoted, value)| Member { quoted, value }));
    rules.open(kind, &members, key)
}

/// When it happened by the collector's clock.
fn corrected(received_at: &str, said: &str, sent: &str) -> Option<String> {
    let time = |value: &str| outline::text(value)?.parse::<jiff::Timestamp>().ok();
    let received: jiff::Timestamp = received_at.parse().ok()?;
    let took = time(sent)?.duration_since(time(said)?);
    let at = received.checked_sub(took).ok()?.round(jiff::Unit::Millisecond).ok()?;
    Some(serde_json::Value::from(at.to_string()).to_string())
}
