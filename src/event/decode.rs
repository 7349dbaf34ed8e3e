//! Reading: bytes of a record to a checked event. The canonical layout is read in one pass; anything else goes through
//! `serde_json`, so that field order, spacing and unknown extra fields of other producers do not matter.

use std::borrow::Cow;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::encode::{ID_LEAD, ID_LENGTH};
use super::padding;
use super::schema::{self, Field, FieldType, Invalid};
use super::stamp::{FirstStamp, Stamp};
use super::{EventKind, JsonText};

/// A record whose body is a valid event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// What its id says; `None` where it is no UUID version 7 of the layout of today.
    pub stamp: Option<Stamp>,
    /// The same id as one of the first layout; `None` where it is no UUID version 7.
    pub first: Option<FirstStamp>,
    /// Its type.
    pub kind: EventKind,
    /// Its `user_id` (of an inventory event its `item_id`), which must be the record's key.
    pub user: Cow<'a, [u8]>,
    /// The canonical body after the id's closing quote: what the stamp's check covers.
    pub content: Cow<'a, [u8]>,
}

/// Reads and checks one body.
///
/// # Errors
/// Why it is no valid event.
pub fn decode(body: &[u8]) -> Result<Decoded<'_>, Invalid> {
    if let Some(decoded) = canonical(body) {
        return Ok(decoded);
    }
    let text = std::str::from_utf8(body).map_err(|_| Invalid::NotUtf8)?;
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => any_layout(&object),
        Ok(_) => Err(Invalid::NotAnObject),
        Err(_) => Err(Invalid::NotJson),
    }
}

/// The type that a record claims, however broken the rest is: for counting invalid records by type.
#[must_use]
pub fn claimed_kind(body: &[u8]) -> Option<EventKind> {
    let value: Value = serde_json::from_slice(body).ok()?;
    EventKind::from_bytes(value.get("event_type")?.as_str()?.as_bytes())
}

fn canonical(body: &[u8]) -> Option<Decoded<'_>> {
    let id = body.strip_prefix(ID_LEAD)?.get(..ID_LENGTH)?;
    let id = Uuid::try_parse_ascii(id).ok()?.as_u128();
    let stamp = Stamp::from_bits(id)?;
    let mut cursor = Cursor { body, at: ID_LEAD.len() + ID_LENGTH };
    cursor.skip(b"\"")?;
    let content = cursor.at;
    cursor.skip(b",\"event_type\":\"")?;
    let kind = EventKind::from_bytes(cursor.until_quote()?)?;
    cursor.skip(b",\"timestamp\":")?;
    cursor.digits()?;
    cursor.skip(schema::key_lead(kind).as_bytes())?;
    let user = cursor.until_quote()?;
    for field in schema::fields(kind) {
        if cursor.skip(field.lead.as_bytes()).is_some() {
            cursor.value(field.field_type)?;
        } else if field.required {
            return None;
        }
    }
    if cursor.skip(padding::LEAD.as_bytes()).is_some() {
        cursor.until_quote()?;
    }
    cursor.skip(b"}")?;
    (cursor.at == body.len()).then_some(())?;
    // Every byte outside of strings was compared above; inside them only ASCII from 0x20 on is taken without this.
    if !body.is_ascii() {
        std::str::from_utf8(body).ok()?;
    }
    Some(Decoded {
        stamp: Some(stamp),
        first: FirstStamp::from_bits(id),
        kind,
        user: Cow::Borrowed(user),
        content: Cow::Borrowed(&body[content..]),
    })
}

struct Cursor<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn skip(&mut self, expected: &[u8]) -> Option<()> {
        self.body[self.at..].starts_with(expected).then(|| self.at += expected.len())
    }

    /// The inside of a string without escapes; moves past its closing quote.
    fn until_quote(&mut self) -> Option<&'a [u8]> {
        let rest = &self.body[self.at..];
        let end = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)?;
        (rest[end] == b'"').then(|| {
            self.at += end + 1;
            &rest[..end]
        })
    }

    /// A whole number without a leading zero, at most 18 digits.
    fn digits(&mut self) -> Option<u64> {
        let rest = &self.body[self.at..];
        let length = rest.iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 || length > 18 || (length > 1 && rest[0] == b'0') {
            return None;
        }
        self.at += length;
        Some(rest[..length].iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
    }

    fn value(&mut self, field_type: FieldType) -> Option<()> {
        match field_type {
            FieldType::Text => {
                self.skip(b"\"")?;
                self.until_quote()?;
            }
            FieldType::Count => {
                self.digits()?;
            }
            FieldType::Quantity => {
                (self.digits()? >= 1).then_some(())?;
            }
            FieldType::Rating => {
                (1..=5).contains(&self.digits()?).then_some(())?;
            }
            FieldType::Flag => {
                self.skip(b"true").or_else(|| self.skip(b"false"))?;
            }
            FieldType::Amount => {
                self.digits()?;
                self.skip(b".")?;
                let decimals = self.body.get(self.at..self.at + 2)?;
                decimals.iter().all(u8::is_ascii_digit).then(|| self.at += 2)?;
            }
        }
        Some(())
    }
}

fn any_layout(object: &Map<String, Value>) -> Result<Decoded<'static>, Invalid> {
    let id = text(object, "event_id")?;
    let kind = EventKind::from_bytes(text(object, "event_type")?.as_bytes()).ok_or(Invalid::UnknownType)?;
    let timestamp = match object.get("timestamp") {
        None => return Err(Invalid::Missing("timestamp")),
        Some(value) => value.as_i64().ok_or(Invalid::WrongType("timestamp"))?,
    };
    let user = text(object, schema::key_field(kind))?;
    let mut content = format!(
        ",\"event_type\":\"{kind}\",\"timestamp\":{timestamp}{}{}\"",
        schema::key_lead(kind),
        JsonText::new(user).as_str()
    );
    for field in schema::fields(kind) {
        match object.get(field.name) {
            Some(value) => {
                content.push_str(field.lead);
                append(&mut content, field, value)?;
            }
            None if field.required => return Err(Invalid::Missing(field.name)),
            None => {}
        }
    }
    // Another producer's padding may be anything.
    if let Some(text) = object.get(padding::FIELD).and_then(Value::as_str) {
        content.push_str(padding::LEAD);
        content.push_str(JsonText::new(text).as_str());
        content.push('"');
    }
    content.push('}');
    let id = Uuid::try_parse(id).ok().map(|uuid| uuid.as_u128());
    Ok(Decoded {
        stamp: id.and_then(Stamp::from_bits),
        first: id.and_then(FirstStamp::from_bits),
        kind,
        user: Cow::Owned(user.as_bytes().to_vec()),
        content: Cow::Owned(content.into_bytes()),
    })
}

fn text<'a>(object: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Invalid> {
    object.get(name).ok_or(Invalid::Missing(name))?.as_str().ok_or(Invalid::WrongType(name))
}

/// Checks a value and appends it in its canonical form.
fn append(content: &mut String, field: &Field, value: &Value) -> Result<(), Invalid> {
    let wrong_type = || Invalid::WrongType(field.name);
    let whole = |from: u64, to: u64| {
        let number = value.as_number().ok_or_else(wrong_type)?;
        match number.as_u64() {
            Some(number) if (from..=to).contains(&number) => Ok(number.to_string()),
            Some(_) => Err(Invalid::OutOfRange(field.name)),
            None if number.as_i64().is_some() => Err(Invalid::OutOfRange(field.name)),
            None => Err(wrong_type()),
        }
    };
    match field.field_type {
        FieldType::Text => {
            content.push('"');
            content.push_str(JsonText::new(value.as_str().ok_or_else(wrong_type)?).as_str());
            content.push('"');
        }
        FieldType::Count => content.push_str(&whole(0, u64::MAX)?),
        FieldType::Quantity => content.push_str(&whole(1, u64::MAX)?),
        FieldType::Rating => content.push_str(&whole(1, 5)?),
        FieldType::Flag => content.push_str(if value.as_bool().ok_or_else(wrong_type)? { "true" } else { "false" }),
        FieldType::Amount => {
            let amount = value.as_number().ok_or_else(wrong_type)?.as_f64().ok_or_else(wrong_type)?;
            if amount < 0.0 {
                return Err(Invalid::OutOfRange(field.name));
            }
            let canonical = format!("{amount:.2}");
            // An amount between two hundredths keeps all its digits, so that the stamp's check shows the change.
            let exact = canonical.parse::<f64>().is_ok_and(|rounded| rounded.to_bits() == amount.to_bits());
            content.push_str(&if exact { canonical } else { amount.to_string() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::super::encode::Encoder;
    use super::super::padding::Padding;
    use super::super::stamp::RunId;
    use super::super::{Cents, Detail, Device, Event, ItemId, Session, TextId, UserId, Vocabulary};
    use super::*;

    const RUN: RunId = RunId(0xA1B2_C3D4_E5F6_0718);

    fn vocabulary() -> Arc<Vocabulary> {
        let texts = |words: &[&str]| words.iter().map(|word| JsonText::new(word)).collect();
        Arc::new(Vocabulary {
            categories: texts(&["shoes", "b\u{fc}cher", "say \"hi\"\n"]),
            queries: texts(&["red shoes", "\u{1f45f}", "back\\slash"]),
            filters: vec![
                (JsonText::new("price"), JsonText::new("10-20")),
                (JsonText::new("brand"), JsonText::new("O'Neil")),
            ],
            reviews: texts(&["good", "tr\u{e8}s bien", "a\tb"]),
        })
    }

    fn details() -> impl Strategy<Value = Detail> {
        let id = any::<u64>().prop_map(ItemId);
        let short = (0_u32..3).prop_map(TextId);
        let session = any::<u32>().prop_map(Session);
        let device = prop_oneof![Just(Device::Mobile), Just(Device::Desktop), Just(Device::Tablet)];
        prop_oneof![
            (id.clone(), short.clone(), session.clone(), device.clone())
                .prop_map(|(item, category, session, device)| Detail::View { item, category, session, device }),
            (id.clone(), short.clone(), session.clone(), device.clone(), 1_u16..).prop_map(
                |(item, category, session, device, quantity)| Detail::AddToCart {
                    item,
                    category,
                    session,
                    device,
                    quantity
                }
            ),
            (
                id.clone(),
                short.clone(),
                any::<u32>(),
                1_u16..,
                any::<Option<u64>>(),
                proptest::option::of(session.clone())
            )
                .prop_map(|(item, category, price, quantity, transaction, session)| Detail::Transaction {
                    item,
                    category,
                    price: Cents(price),
                    quantity,
                    transaction,
                    session
                }),
            (short.clone(), any::<u32>(), session.clone(), device)
                .prop_map(|(query, results, session, device)| Detail::Search { query, results, session, device }),
            (short.clone(), (0_u32..2).prop_map(TextId), session.clone())
                .prop_map(|(category, filter, session)| Detail::Filter { category, filter, session }),
            any::<bool>().prop_map(|available| Detail::Inventory { available }),
            (id, 1_u8..=5, short, session).prop_map(|(item, rating, text, session)| Detail::Review {
                item,
                rating,
                text,
                session
            }),
        ]
    }

    fn events() -> impl Strategy<Value = Event> {
        (any::<u64>(), details()).prop_map(|(user, detail)| Event { user: UserId(user), recorded_ms: None, detail })
    }

    fn encoded(event: &Event) -> (Vec<u8>, Vec<u8>) {
        let mut arena = b"earlier".to_vec();
        let padding = Padding { bytes: 400, compressibility: 0.5, seed: 3 };
        let padding = (event.user.0 % 2 == 1).then_some(padding);
        let place = Encoder::new(RUN, 3, vocabulary()).padded(padding).encode(
            &mut arena,
            event,
            77,
            1_700_000_000_123_456_789,
            1_700_000_000_123,
        );
        (arena[place.body].to_vec(), arena[place.key].to_vec())
    }

    fn assert_ours(decoded: &Decoded<'_>, event: &Event, key: &[u8]) {
        let stamp = decoded.stamp.unwrap();
        assert_eq!((decoded.kind, &*decoded.user), (event.kind(), key));
        assert_eq!((stamp.lane, stamp.sequence, stamp.tag), (3, 77, RUN.tag()));
        assert_eq!(stamp.check, RUN.check(stamp, key, &decoded.content));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_and_checks(event in events()) {
            let (body, key) = encoded(&event);
            serde_json::from_slice::<Value>(&body).unwrap();
            prop_assert_eq!(key, event.user.0.to_string().into_bytes());
            assert_ours(&decode(&body).unwrap(), &event, event.user.0.to_string().as_bytes());
        }

        #[test]
        fn another_order_and_spacing_still_checks(event in events(), extra in any::<bool>()) {
            let (body, key) = encoded(&event);
            let object: Map<String, Value> = serde_json::from_slice(&body).unwrap();
            let mut shuffled: Map<String, Value> = object.into_iter().rev().collect();
            if extra {
                shuffled.insert("added_by_a_processor".into(), Value::from(1));
            }
            let rewritten = serde_json::to_vec_pretty(&shuffled).unwrap();
            assert_ours(&decode(&rewritten).unwrap(), &event, &key);
        }

        #[test]
        fn a_missing_required_field_is_named(event in events(), which in 0_usize..8) {
            let (body, _) = encoded(&event);
            let mut object: Map<String, Value> = serde_json::from_slice(&body).unwrap();
            let names: Vec<_> = ["event_id", "event_type", "timestamp", schema::key_field(event.kind())].into_iter()
                .chain(schema::fields(event.kind()).iter().filter(|field| field.required).map(|field| field.name)).collect();
            let name = names[which % names.len()];
            object.remove(name);
            let body = serde_json::to_vec(&object).unwrap();
            prop_assert_eq!(decode(&body), Err(Invalid::Missing(name)));
        }

        #[test]
        fn a_wrong_type_is_named(event in events(), which in 0_usize..8) {
            let (body, _) = encoded(&event);
            let mut object: Map<String, Value> = serde_json::from_slice(&body).unwrap();
            let names: Vec<_> = schema::fields(event.kind()).iter().filter(|field| field.required).map(|field| field.name).collect();
            let name = names[which % names.len()];
            object.insert(name.into(), Value::Array(vec![]));
            let body = serde_json::to_vec(&object).unwrap();
            prop_assert_eq!(decode(&body), Err(Invalid::WrongType(name)));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            drop(decode(&bytes));
        }
    }

    proptest! {
        // A check of 12 bits lets one damage in 4,096 pass: fixed cases, so that the test is the same each time.
        #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

        #[test]
        fn a_damaged_body_never_checks_as_ours(event in events(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let (mut body, key) = encoded(&event);
            let at = at.index(body.len());
            body[at] ^= 1 << bit;
            if let Ok(decoded) = decode(&body)
                && let Some(stamp) = decoded.stamp
            {
                let intact = stamp.check == RUN.check(stamp, &key, &decoded.content) && *decoded.user == *key;
                // Hexadecimal digits of the id may change their case: the same UUID.
                prop_assert!(!intact || (13..49).contains(&at) && bit == 5);
            }
        }
    }

    #[test]
    fn what_is_no_event_says_why() {
        assert_eq!(decode(b"\xff\xfe"), Err(Invalid::NotUtf8));
        assert_eq!(decode(b"{\"event_id\":"), Err(Invalid::NotJson));
        assert_eq!(decode(b"[1,2]"), Err(Invalid::NotAnObject));
        let unknown = br#"{"event_id":"x","event_type":"refund","timestamp":1,"user_id":"1"}"#;
        assert_eq!(decode(unknown), Err(Invalid::UnknownType));
        let rated = br#"{"event_id":"x","event_type":"review","timestamp":1,"user_id":"1","item_id":"2","rating":6,"review_text":"t","session_id":"s"}"#;
        assert_eq!(decode(rated), Err(Invalid::OutOfRange("rating")));
    }

    #[test]
    fn an_event_of_another_producer_needs_no_uuid() {
        let body = br#"{"event_id":"order-1","event_type":"filter","timestamp":1,"user_id":"1","category":"c","filter_type":"t","filter_value":"v","session_id":"s"}"#;
        let decoded = decode(body).unwrap();
        assert_eq!((decoded.stamp, decoded.kind), (None, EventKind::Filter));
    }
}
