//! Wrong records, made out of right ones: each wrong in the one way that was asked for.

use serde_json::Value;

use super::log::{Identity, Message, Nature};
use super::producer::CATALOGUE;
use crate::event::stamp::{DueTime, RunId, Stamp};

/// `{"event_id":"` comes before the id.
const ID: std::ops::Range<usize> = 13..49;
/// Further than any event of a simulated run is from another.
const DAY_NS: u64 = 86_400_000_000_000;

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forgery {
    NotUtf8,
    NotJson,
    MissingField,
    WrongType,
    OtherKey,
    OtherContent,
    OtherRun,
    OtherTime,
    OtherProcess,
    OtherPartition,
}

impl Forgery {
    pub(super) const ALL: [Self; 10] = [
        Self::NotUtf8,
        Self::NotJson,
        Self::MissingField,
        Self::WrongType,
        Self::OtherKey,
        Self::OtherContent,
        Self::OtherRun,
        Self::OtherTime,
        Self::OtherProcess,
        Self::OtherPartition,
    ];
    /// Those that can befall a record where it lies.
    pub(super) const DAMAGES: [Self; 6] =
        [Self::NotUtf8, Self::NotJson, Self::MissingField, Self::WrongType, Self::OtherKey, Self::OtherContent];

    /// Whether another producer makes it up, of an event that may never have been written.
    pub(super) const fn is_anothers(self) -> bool {
        matches!(self, Self::OtherRun | Self::OtherTime | Self::OtherProcess)
    }

    /// The record that it makes of an event. `in_place`: whether it takes the event's place; `lane`: one of another process.
    pub(super) fn forge(self, run: RunId, of: Identity, from: &Message, in_place: bool, lane: u16) -> Option<Message> {
        let mut key = from.key.clone();
        let body = &from.body;
        let damaged = Nature::Invalid(in_place.then_some(of));
        let (body, nature) = match self {
            Self::NotUtf8 => (replaced(body, b"\"event_type\":\"", 0xFF)?, damaged),
            Self::NotJson => ([&body[..body.len() - 1], b"]"].concat(), damaged),
            Self::MissingField => (with_fields(body, |fields| fields.remove("timestamp").map(drop))?, damaged),
            Self::WrongType => {
                let text = |fields: &mut serde_json::Map<String, Value>| {
                    fields.insert("timestamp".to_owned(), Value::from("yesterday")).map(drop)
                };
                (with_fields(body, text)?, damaged)
            }
            Self::OtherKey => {
                // The lowest bit turns a digit into another digit.
                *key.last_mut()? ^= 1;
                (body.clone(), Nature::Mislabelled(of))
            }
            Self::OtherContent => (other_content(run, &key, body)?, Nature::Damaged(of)),
            Self::OtherRun => {
                let other = |stamp: Stamp| Stamp { tag: stamp.tag ^ 0b0101, ..stamp };
                (restamped(RunId(!run.0), &key, body, other)?, Nature::Foreign)
            }
            Self::OtherTime => {
                let earlier = |stamp: Stamp| {
                    let due = DueTime::from_unix_ns(stamp.due.unix_ns().saturating_sub(DAY_NS));
                    Stamp { due, ..stamp }
                };
                (restamped(RunId(run.0 ^ 2), &key, body, earlier)?, Nature::Foreign)
            }
            Self::OtherProcess => (restamped(run, &key, body, |stamp| Stamp { lane, ..stamp })?, Nature::Sibling),
            Self::OtherPartition => (body.clone(), Nature::Misplaced(of)),
        };
        let claims = matches!(nature, Nature::Mislabelled(_)) || self == Self::OtherTime || self == Self::OtherRun;
        // A check of twelve bits lets one in 4,096 pass.
        (!(claims && is_whole(run, &key, &body))).then_some(Message { key, body, nature })
    }
}

fn is_whole(run: RunId, key: &[u8], body: &[u8]) -> bool {
    let decoded = CATALOGUE.decode(body).ok();
    decoded.is_some_and(|decoded| {
        decoded.stamp.is_some_and(|stamp| run.check(stamp, key, decoded.content()) == stamp.check)
    })
}

fn place_after(body: &[u8], lead: &[u8]) -> Option<usize> {
    body.windows(lead.len()).position(|window| window == lead).map(|at| at + lead.len())
}

fn replaced(body: &[u8], lead: &[u8], byte: u8) -> Option<Vec<u8>> {
    let at = place_after(body, lead)?;
    let mut body = body.to_vec();
    *body.get_mut(at)? = byte;
    Some(body)
}

fn with_fields(body: &[u8], change: impl FnOnce(&mut serde_json::Map<String, Value>) -> Option<()>) -> Option<Vec<u8>> {
    let mut fields = serde_json::from_slice(body).ok()?;
    change(&mut fields)?;
    serde_json::to_vec(&fields).ok()
}

/// The event with the lowest bit of one digit of its time flipped: valid, and not what was sent.
fn other_content(run: RunId, key: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let first = place_after(body, b"\"timestamp\":")?;
    let digits = body[first..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    (first + 1..first + digits).rev().find_map(|at| {
        let mut body = body.to_vec();
        body[at] ^= 1;
        (!is_whole(run, key, &body)).then_some(body)
    })
}

/// The event under another stamp, which is right by that run's key.
fn restamped(run: RunId, key: &[u8], body: &[u8], change: impl FnOnce(Stamp) -> Stamp) -> Option<Vec<u8>> {
    let decoded = CATALOGUE.decode(body).ok()?;
    let mut stamp = change(decoded.stamp?);
    stamp.check = run.check(stamp, key, decoded.content());
    let mut text = [0; 36];
    stamp.write(&mut text);
    let mut body = body.to_vec();
    body[ID].copy_from_slice(&text);
    Some(body)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::encode::Encoder;
    use crate::event::invalid::Invalid;
    use crate::shop::{Detail, Device, Event, ItemId, Session, Telling, TextId, UserId, Vocabulary};

    const RUN: RunId = RunId(0x1234_5678_9abc_def0);

    #[test]
    fn what_is_forged_is_wrong_in_the_one_way_that_was_asked_for() {
        let (item, category, session, device) = (ItemId(1), TextId(0), Session(1), Device::Mobile);
        let detail = Detail::View { item, category, session, device };
        let event = Event { user: UserId(42), recorded_ms: None, detail };
        let (mut body, due) = (Vec::new(), 1_700_000_000_000_000_000);
        let values = Telling { event: &event, texts: &Vocabulary::default(), timestamp_ms: 1_700_000_000_000 };
        let encoder = Encoder::new(RUN, 0, Arc::clone(&CATALOGUE));
        encoder.encode(&mut body, event.kind().type_index(), &values, 7, due);
        let from = Message { key: b"42".to_vec(), body, nature: Nature::Event((0, 7)) };
        assert!(is_whole(RUN, &from.key, &from.body));
        for forgery in Forgery::ALL {
            let made = forgery.forge(RUN, (0, 7), &from, true, 3).unwrap();
            let wanted = match forgery {
                Forgery::NotUtf8 => Err(Invalid::NotUtf8),
                Forgery::NotJson => Err(Invalid::NotJson),
                Forgery::MissingField => Err(Invalid::Missing("timestamp".to_owned())),
                Forgery::WrongType => Err(Invalid::WrongType("timestamp".to_owned())),
                Forgery::OtherProcess | Forgery::OtherPartition => Ok(true),
                _ => Ok(false),
            };
            let told = CATALOGUE.decode(&made.body).map(|_| is_whole(RUN, &made.key, &made.body));
            assert_eq!(told, wanted, "{forgery:?}");
            assert_eq!(made.key != from.key, forgery == Forgery::OtherKey);
        }
    }
}
