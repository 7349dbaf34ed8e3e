//! Making wrong records out of right ones.

use serde_json::Value;

use super::fault::Fault;

use crate::event::catalogue::Catalogue;
use crate::event::decode::Wholeness;
use crate::event::stamp::{DueTime, RunId, Stamp};

/// A day: further than any event of a self-test is from another.
const DAY_NS: u64 = 86_400_000_000_000;
/// The lane of a process that no self-test has.
const SIBLING: u16 = super::plan::ALL - 1;
/// `{"event_id":"` comes before the id.
const ID_AT: usize = 13;
const ID_LENGTH: usize = 36;

/// What is written in an event's place, or beside it: key and value. `None` where the fault does not change them.
pub(super) fn forge(
    catalogue: &Catalogue,
    run: RunId,
    fault: Fault,
    key: &[u8],
    body: &[u8],
) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut key = key.to_vec();
    let body = match fault {
        Fault::ValueBit => flipped(catalogue, run, &key, body)?,
        Fault::KeyBit => {
            // The lowest bit turns a digit into another digit.
            *key.last_mut()? ^= 1;
            body.to_vec()
        }
        Fault::Truncated => body[..body.len() / 2].to_vec(),
        Fault::NotUtf8 => replaced(body, b"\"event_type\":\"", 0xFF)?,
        Fault::NotJson => [&body[..body.len().checked_sub(1)?], b"]"].concat(),
        Fault::MissingField => {
            let mut fields = fields(body)?;
            fields.remove("timestamp")?;
            serde_json::to_vec(&fields).ok()?
        }
        Fault::WrongType => {
            let mut fields = fields(body)?;
            *fields.get_mut("timestamp")? = Value::from("yesterday");
            serde_json::to_vec(&fields).ok()?
        }
        Fault::AnotherRun => restamped(run, &key, body, false, |stamp| Stamp { tag: stamp.tag ^ 0b0101, ..stamp })?,
        Fault::AnotherTime => restamped(run, &key, body, false, |stamp| {
            let due = DueTime::from_unix_ns(stamp.due.unix_ns().saturating_sub(DAY_NS));
            Stamp { due, ..stamp }
        })?,
        Fault::Sibling => restamped(run, &key, body, true, |stamp| Stamp { lane: SIBLING, ..stamp })?,
        _ => return None,
    };
    Some((key, body))
}

/// The stamp of a record that begins as loadgen writes it, however broken the rest is.
pub(super) fn stamp_of(body: &[u8]) -> Option<Stamp> {
    let id = body.get(ID_AT..ID_AT + ID_LENGTH)?;
    Stamp::from_bits(uuid::Uuid::try_parse_ascii(id).ok()?.as_u128())
}

fn fields(body: &[u8]) -> Option<serde_json::Map<String, Value>> {
    serde_json::from_slice(body).ok()
}

fn place_after(body: &[u8], lead: &[u8]) -> Option<usize> {
    body.windows(lead.len()).position(|window| window == lead).map(|at| at + lead.len())
}

fn replaced(body: &[u8], lead: &[u8], byte: u8) -> Option<Vec<u8>> {
    let mut body = body.to_vec();
    let at = place_after(&body, lead)?;
    *body.get_mut(at)? = byte;
    Some(body)
}

/// The event with the lowest bit of one digit of its time flipped: valid, and not what was sent. A check of 12 bits lets
/// one damage in 4,096 pass, which is not what is tested here: then it is another digit.
fn flipped(catalogue: &Catalogue, run: RunId, key: &[u8], body: &[u8]) -> Option<Vec<u8>> {
    let first = place_after(body, b"\"timestamp\":")?;
    let digits = body[first..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    (first + 1..first + digits).rev().find_map(|at| {
        let mut body = body.to_vec();
        body[at] ^= 1;
        let decoded = catalogue.decode(&body).ok()?;
        let stamp = decoded.stamp?;
        let is_wrong = decoded.wholeness(run, stamp, key) == Wholeness::Damaged;
        is_wrong.then_some(body)
    })
}

fn restamped(run: RunId, key: &[u8], body: &[u8], whole: bool, change: impl FnOnce(Stamp) -> Stamp) -> Option<Vec<u8>> {
    let mut stamp = change(stamp_of(body)?);
    let content = &body[ID_AT + ID_LENGTH + 1..];
    stamp.check = run.check(stamp, key, content);
    if !whole {
        stamp.check ^= 1;
    }
    let mut text = [0; ID_LENGTH];
    stamp.write(&mut text);
    let mut body = body.to_vec();
    body[ID_AT..ID_AT + ID_LENGTH].copy_from_slice(&text);
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

    fn catalogue() -> Arc<Catalogue> {
        Arc::new(Catalogue::new(crate::shop::types()).unwrap())
    }

    fn event() -> (Vec<u8>, Vec<u8>) {
        let (item, category, session, device) = (ItemId(1), TextId(0), Session(1), Device::Mobile);
        let detail = Detail::View { item, category, session, device };
        let event = Event { user: UserId(42), recorded_ms: None, detail };
        let mut body = Vec::new();
        let due = 1_700_000_000_000_000_000;
        let values = Telling { event: &event, texts: &Vocabulary::default(), timestamp_ms: 1_700_000_000_000 };
        Encoder::new(RUN, 1, catalogue()).encode(&mut body, event.kind().type_index(), &values, 7, due);
        (b"42".to_vec(), body)
    }

    fn forged(fault: Fault) -> (Vec<u8>, Vec<u8>) {
        let (key, body) = event();
        forge(&catalogue(), RUN, fault, &key, &body).unwrap()
    }

    fn is_whole(key: &[u8], body: &[u8]) -> bool {
        let catalogue = catalogue();
        let decoded = catalogue.decode(body).unwrap();
        let stamp = decoded.stamp.unwrap();
        RUN.check(stamp, key, decoded.content()) == stamp.check
    }

    #[test]
    fn what_is_forged_is_wrong_in_the_one_way_that_was_asked_for() {
        let (key, body) = event();
        assert!(is_whole(&key, &body));
        for (fault, reason) in [
            (Fault::Truncated, Invalid::NotJson),
            (Fault::NotUtf8, Invalid::NotUtf8),
            (Fault::NotJson, Invalid::NotJson),
            (Fault::MissingField, Invalid::Missing("timestamp".to_owned())),
            (Fault::WrongType, Invalid::WrongType("timestamp".to_owned())),
        ] {
            assert_eq!(catalogue().decode(&forged(fault).1).unwrap_err(), reason, "{fault:?}");
        }
        for fault in [Fault::ValueBit, Fault::KeyBit, Fault::AnotherRun, Fault::AnotherTime] {
            let (key, body) = forged(fault);
            assert!(!is_whole(&key, &body), "{fault:?}");
        }
        let (key, body) = forged(Fault::Sibling);
        assert!(is_whole(&key, &body) && stamp_of(&body).unwrap().lane == SIBLING);
        assert_ne!(stamp_of(&forged(Fault::AnotherRun).1).unwrap().tag, RUN.tag());
        assert_eq!(stamp_of(&forged(Fault::AnotherTime).1).unwrap().sequence, 7);
    }
}
