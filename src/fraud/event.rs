//! An event as the scorer sees it.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use crate::wire::fields;

/// The fields that are looked at.
const WANTED: [&str; 9] =
    ["event_id", "event_type", "timestamp", "user_id", "item_id", "category", "price", "quantity", "device_type"];

/// The types of event that are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// A user looked at an item.
    View,
    /// A user put one into the cart.
    Cart,
    /// A user bought one.
    Purchase,
    /// A user searched.
    Search,
    /// Anything else.
    #[default]
    Other,
}

/// What is looked at. Texts other than the two ids are hashed: whether they are the same is all that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its id.
    pub id: Cow<'a, [u8]>,
    /// Whose it is.
    pub user: Cow<'a, [u8]>,
    /// Its type.
    pub of: Type,
    /// Its time, ms since the Unix epoch.
    pub at_ms: i64,
    /// The item.
    pub item: Option<u64>,
    /// The item's category.
    pub category: Option<u64>,
    /// What the user browses with.
    pub device: Option<u64>,
    /// Price of one in hundredths.
    pub price: Option<i64>,
    /// How many.
    pub quantity: i64,
}

/// Reads events.
#[derive(Debug)]
pub struct Reader {
    finder: fields::Finder,
}

impl Default for Reader {
    fn default() -> Self {
        Self { finder: fields::Finder::of(&WANTED) }
    }
}

impl Reader {
    /// The event of a body; `None` for one that is no JSON object, or has no id, time or user: no person did it.
    #[must_use]
    pub fn read<'a>(&mut self, body: &'a [u8]) -> Option<Event<'a>> {
        let found = self.finder.find(body)?;
        let [id, of, at_ms, user, item, category, price, quantity, device] =
            std::array::from_fn(|field| found.get(field));
        let hashed = |value: Option<&[u8]>| value.and_then(fields::text).map(|text| xxh3_64(&text));
        Some(Event {
            id: fields::text(id?)?,
            user: fields::text(user?)?,
            of: match fields::text(of?)?.as_ref() {
                b"view" => Type::View,
                b"addtocart" => Type::Cart,
                b"transaction" => Type::Purchase,
                b"search" => Type::Search,
                _ => Type::Other,
            },
            at_ms: fields::whole(at_ms?).filter(|at_ms| *at_ms >= 0)?,
            item: hashed(item),
            category: hashed(category),
            device: hashed(device),
            price: price.and_then(|price| cents(fields::number(price))),
            quantity: quantity.and_then(fields::whole).unwrap_or(1).clamp(0, 1_000_000),
        })
    }
}

/// A decimal number in hundredths; further digits are left out. `None` for one that is none, is negative, or too large.
fn cents(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, below) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 12 || !is_number(whole) || !is_number(below) {
        return None;
    }
    let mut digits = below.bytes().map(|digit| i64::from(digit - b'0'));
    let tenths = digits.next().unwrap_or(0) * 10;
    Some(whole.parse::<i64>().ok()? * 100 + tenths + digits.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_wherever_its_fields_stand() {
        let body = br#"{"price":"12.5","quantity":3,"event_id":"e","user_id":7,"timestamp":9,"event_type":"transaction","item_id":"1"}"#;
        let event = Reader::default().read(body).unwrap();
        assert_eq!((event.id.as_ref(), event.user.as_ref(), event.of), (&b"e"[..], &b"7"[..], Type::Purchase));
        assert_eq!((event.price, event.quantity, event.at_ms), (Some(1_250), 3, 9));
        assert!(event.item.is_some() && event.category.is_none());
    }

    #[test]
    fn what_no_person_did_is_no_event() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"event_id":"e","event_type":"view","timestamp":1}"#,
            r#"{"event_id":"e","event_type":"view","user_id":"1"}"#,
            r#"{"event_id":"e","event_type":"view","user_id":"1","timestamp":-1}"#,
            r#"{"event_type":"view","user_id":"1","timestamp":1}"#,
        ] {
            assert_eq!(Reader::default().read(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn prices_are_read_in_hundredths() {
        let known = [("1", 100), ("1.2", 120), ("0.49", 49), ("12.999", 1_299), ("12.", 1_200)];
        for (text, value) in known {
            assert_eq!(cents(text.as_bytes()), Some(value), "{text}");
        }
        for text in ["", ".5", "-1", "1e3", "9999999999999", "x"] {
            assert_eq!(cents(text.as_bytes()), None, "{text}");
        }
    }
}
