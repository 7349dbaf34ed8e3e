//! An event's values, in the order of its type's fields.

use super::{Cents, Detail, Event, Session, TextId, UserId, Vocabulary};
use crate::wire::sink::{Escaped, Part, Sink, Values};

/// An event with what it needs to be told: the texts that it points into, and its time.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    /// The event.
    pub event: &'a Event,
    /// The texts.
    pub texts: &'a Vocabulary,
    /// What stands in `timestamp`: ms since the Unix epoch.
    pub timestamp_ms: i64,
}

impl Values for Telling<'_> {
    fn give(&self, sink: &mut impl Sink) {
        let Self { event, texts, timestamp_ms } = *self;
        sink.uuid(0);
        sink.integer(timestamp_ms);
        sink.digits(event.user.0);
        match event.detail {
            Detail::View { item, category, session, device } => {
                sink.digits(item.0);
                text(sink, &texts.categories, category);
                self::session(sink, event.user, session);
                sink.plain(device.as_str());
            }
            Detail::AddToCart { item, category, session, device, quantity } => {
                sink.digits(item.0);
                text(sink, &texts.categories, category);
                self::session(sink, event.user, session);
                sink.plain(device.as_str());
                sink.integer(quantity.into());
            }
            Detail::Transaction { item, category, price: Cents(price), quantity, transaction, session } => {
                sink.digits(item.0);
                text(sink, &texts.categories, category);
                sink.decimal(price.into());
                sink.integer(quantity.into());
                match transaction {
                    None => sink.null(),
                    Some(id) => {
                        sink.some();
                        sink.digits(id);
                    }
                }
                match session {
                    None => sink.null(),
                    Some(session) => {
                        sink.some();
                        self::session(sink, event.user, session);
                    }
                }
            }
            Detail::Search { query, results, session, device } => {
                text(sink, &texts.queries, query);
                sink.integer(results.into());
                self::session(sink, event.user, session);
                sink.plain(device.as_str());
            }
            Detail::Filter { category, filter, session } => {
                text(sink, &texts.categories, category);
                let filter = texts.filters.get(filter.0 as usize);
                escaped(sink, filter.map(|(kind, _)| kind));
                escaped(sink, filter.map(|(_, value)| value));
                self::session(sink, event.user, session);
            }
            Detail::Review { item, rating, text: words, session } => {
                sink.digits(item.0);
                sink.integer(rating.into());
                text(sink, &texts.reviews, words);
                self::session(sink, event.user, session);
            }
            Detail::Inventory { available } => sink.boolean(available),
        }
    }
}

fn text(sink: &mut impl Sink, table: &[Escaped], index: TextId) {
    escaped(sink, table.get(index.0 as usize));
}

fn escaped(sink: &mut impl Sink, text: Option<&Escaped>) {
    match text {
        Some(text) => sink.escaped(text),
        None => sink.plain(""),
    }
}

/// `<user>-<n>`.
fn session(sink: &mut impl Sink, user: UserId, session: Session) {
    sink.joined(&[Part::Number(user.0), Part::Text("-"), Part::Number(session.0.into())]);
}
