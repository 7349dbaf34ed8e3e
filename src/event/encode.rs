//! Writing: an event and its stamp as one JSON object, in the canonical layout, into a reused arena.
//!
//! Canonical means: the field order of [`super::schema`], no spaces, prices with two decimals. [`super::decode`]
//! reads this layout fast and any other layout too.

use std::ops::Range;
use std::sync::Arc;

use super::padding::Padding;
use super::schema;
use super::stamp::{DueTime, Numbering, RunId, Stamp};
use super::{Cents, Detail, Event, JsonText, Session, TextId, UserId, Vocabulary};

/// Up to the id.
pub(super) const ID_LEAD: &[u8] = b"{\"event_id\":\"";
/// Length of a UUID as text.
pub(super) const ID_LENGTH: usize = 36;

/// Where an encoded event lies in the arena.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The whole body.
    pub body: Range<usize>,
    /// The key: the digits of `user_id` inside the body, of an inventory event those of `item_id`.
    pub key: Range<usize>,
    /// The check in its stamp.
    pub check: u16,
}

/// Stamps and writes the events of one lane.
#[derive(Clone, Debug)]
pub struct Encoder {
    run: RunId,
    lane: u16,
    numbering: Numbering,
    vocabulary: Arc<Vocabulary>,
    padding: Option<Padding>,
}

impl Encoder {
    /// An encoder for one lane of a run, with the texts its events point into.
    #[must_use]
    pub const fn new(run: RunId, lane: u16, vocabulary: Arc<Vocabulary>) -> Self {
        Self { run, lane, numbering: Numbering::each_for_itself(), vocabulary, padding: None }
    }

    /// The same encoder in a run whose lanes are numbered like that.
    #[must_use]
    pub const fn numbered(mut self, numbering: Numbering) -> Self {
        self.numbering = numbering;
        self
    }

    /// The same encoder, padding bodies.
    #[must_use]
    pub const fn padded(mut self, padding: Option<Padding>) -> Self {
        self.padding = padding;
        self
    }

    /// Appends the event to `arena`. `due_unix_ns` goes into the stamp, `timestamp_ms` into the body.
    pub fn encode(
        &self,
        arena: &mut Vec<u8>,
        event: &Event,
        sequence: u64,
        due_unix_ns: u64,
        timestamp_ms: i64,
    ) -> Encoded {
        let start = arena.len();
        arena.extend_from_slice(ID_LEAD);
        let id = arena.len();
        arena.extend_from_slice(&[b'0'; ID_LENGTH]);
        arena.push(b'"');
        let content = arena.len();
        arena.extend_from_slice(b",\"event_type\":\"");
        arena.extend_from_slice(event.kind().as_str().as_bytes());
        arena.extend_from_slice(b"\",\"timestamp\":");
        integer(arena, timestamp_ms);
        arena.extend_from_slice(schema::key_lead(event.kind()).as_bytes());
        let key = arena.len();
        integer(arena, event.user.0);
        let key = key..arena.len();
        arena.push(b'"');
        self.detail(arena, event);
        match &self.padding {
            None => arena.push(b'}'),
            Some(padding) => padding.close(arena, start, self.lane, sequence),
        }

        let (lane, sequence) = self.numbering.written(self.lane, sequence);
        let due = DueTime::from_unix_ns(due_unix_ns);
        let mut stamp = Stamp { due, tag: self.run.tag(), lane, sequence, check: 0 };
        stamp.check = self.run.check(stamp, &arena[key.clone()], &arena[content..]);
        let mut text = [0; ID_LENGTH];
        stamp.write(&mut text);
        arena[id..id + ID_LENGTH].copy_from_slice(&text);
        Encoded { body: start..arena.len(), key, check: stamp.check }
    }

    fn detail(&self, arena: &mut Vec<u8>, event: &Event) {
        let texts = &*self.vocabulary;
        match event.detail {
            Detail::View { item, category, session, device } => {
                quoted_integer(arena, b",\"item_id\":\"", item.0);
                text(arena, b",\"category\":\"", &texts.categories, category);
                self::session(arena, event.user, session);
                quoted(arena, b",\"device_type\":\"", device.as_str());
            }
            Detail::AddToCart { item, category, session, device, quantity } => {
                quoted_integer(arena, b",\"item_id\":\"", item.0);
                text(arena, b",\"category\":\"", &texts.categories, category);
                self::session(arena, event.user, session);
                quoted(arena, b",\"device_type\":\"", device.as_str());
                number(arena, b",\"quantity\":", quantity.into());
            }
            Detail::Transaction { item, category, price, quantity, transaction, session } => {
                quoted_integer(arena, b",\"item_id\":\"", item.0);
                text(arena, b",\"category\":\"", &texts.categories, category);
                amount(arena, b",\"price\":", price);
                number(arena, b",\"quantity\":", quantity.into());
                if let Some(id) = transaction {
                    quoted_integer(arena, b",\"transaction_id\":\"", id);
                }
                if let Some(session) = session {
                    self::session(arena, event.user, session);
                }
            }
            Detail::Search { query, results, session, device } => {
                text(arena, b",\"query\":\"", &texts.queries, query);
                number(arena, b",\"results_count\":", results.into());
                self::session(arena, event.user, session);
                quoted(arena, b",\"device_type\":\"", device.as_str());
            }
            Detail::Filter { category, filter, session } => {
                text(arena, b",\"category\":\"", &texts.categories, category);
                let (filter_type, filter_value) =
                    texts.filters.get(filter.0 as usize).map_or(("", ""), |(t, v)| (t.as_str(), v.as_str()));
                quoted(arena, b",\"filter_type\":\"", filter_type);
                quoted(arena, b",\"filter_value\":\"", filter_value);
                self::session(arena, event.user, session);
            }
            Detail::Review { item, rating, text: words, session } => {
                quoted_integer(arena, b",\"item_id\":\"", item.0);
                number(arena, b",\"rating\":", rating.into());
                text(arena, b",\"review_text\":\"", &texts.reviews, words);
                self::session(arena, event.user, session);
            }
            Detail::Inventory { available } => {
                arena.extend_from_slice(if available { b",\"available\":true" } else { b",\"available\":false" });
            }
        }
    }
}

fn integer(arena: &mut Vec<u8>, value: impl itoa::Integer) {
    arena.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn number(arena: &mut Vec<u8>, lead: &[u8], value: u64) {
    arena.extend_from_slice(lead);
    integer(arena, value);
}

fn quoted(arena: &mut Vec<u8>, lead: &[u8], value: &str) {
    arena.extend_from_slice(lead);
    arena.extend_from_slice(value.as_bytes());
    arena.push(b'"');
}

fn quoted_integer(arena: &mut Vec<u8>, lead: &[u8], value: u64) {
    arena.extend_from_slice(lead);
    integer(arena, value);
    arena.push(b'"');
}

fn text(arena: &mut Vec<u8>, lead: &[u8], table: &[JsonText], index: TextId) {
    quoted(arena, lead, table.get(index.0 as usize).map_or("", JsonText::as_str));
}

fn session(arena: &mut Vec<u8>, user: UserId, session: Session) {
    arena.extend_from_slice(b",\"session_id\":\"");
    integer(arena, user.0);
    arena.push(b'-');
    integer(arena, session.0);
    arena.push(b'"');
}

fn amount(arena: &mut Vec<u8>, lead: &[u8], cents: Cents) {
    arena.extend_from_slice(lead);
    integer(arena, cents.0 / 100);
    let below = u8::try_from(cents.0 % 100).unwrap_or_default();
    arena.extend_from_slice(&[b'.', b'0' + below / 10, b'0' + below % 10]);
}
