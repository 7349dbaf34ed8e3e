//! From the bytes of a request to events, by the shape that it has.

use super::outline::{self, Unreadable};
use super::rules::Rules;
use super::{cloud_event, segment};
use crate::source::web::Offer;

/// Items whose reasons are told, at most.
const TOLD: usize = 20;

/// The shape of a request's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One event, an array of them, or one after the other.
    Events,
    /// A call of Segment's, of that type.
    Call(&'static str),
    /// Calls of Segment's in a batch.
    Batch,
    /// One event as `CloudEvents` has it in JSON.
    CloudEvent,
    /// An array of them.
    CloudEvents,
    /// The data of a `CloudEvent`, whose attributes are in the headers: as members of a JSON object, each with a comma after it.
    CloudData(String),
}

/// Why a body gives no events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// As a whole.
    Body(String),
    /// So many items, and the first of those that are bad, each with its place from 0 and its reason.
    Items { count: usize, bad: usize, told: Vec<(usize, String)> },
}

impl From<Unreadable> for Bad {
    fn from(unreadable: Unreadable) -> Self {
        Self::Body(unreadable.to_string())
    }
}

impl Shape {
    /// The events of a body. Where one of them is bad there is none.
    pub(super) fn events(&self, body: &[u8], rules: &Rules<'_>) -> Result<Vec<Offer>, Bad> {
        let values = outline::values(body)?;
        match (self, values.as_slice()) {
            (Self::CloudData(attributes), [data]) => {
                let whole = format!("{{{attributes}\"data\":{data}}}");
                all(&[whole.as_str()], |event| cloud_event::offer(event, rules))
            }
            (_, []) => Err(Bad::Body("the body holds no event".to_owned())),
            (Self::Events, [one]) => match outline::entries(one) {
                Some(entries) => all(&entries, |event| rules.event(event, None)),
                None => all(&values, |event| rules.event(event, None)),
            },
            (Self::Events, _) => all(&values, |event| rules.event(event, None)),
            (Self::Call(of), [call]) => all(&[call], |call| segment::offer(call, Some(of), None, rules)),
            (Self::Batch, [batch]) => {
                let (calls, sent_at) = segment::batch(batch).map_err(Bad::Body)?;
                all(&calls, |call| segment::offer(call, None, sent_at, rules))
            }
            (Self::CloudEvent, [event]) => all(&[event], |event| cloud_event::offer(event, rules)),
            (Self::CloudEvents, [events]) => {
                let no_array = || Bad::Body("a batch of CloudEvents is an array".to_owned());
                all(&outline::entries(events).ok_or_else(no_array)?, |event| cloud_event::offer(event, rules))
            }
            _ => Err(Bad::Body("the body holds several values, and takes one".to_owned())),
        }
    }
}

/// All items, or what is wrong with them.
fn all(items: &[&str], of: impl Fn(&str) -> Result<Offer, String>) -> Result<Vec<Offer>, Bad> {
    if items.is_empty() {
        return Err(Bad::Body("the body holds no event".to_owned()));
    }
    let mut offers = Vec::with_capacity(items.len());
    let (mut bad, mut told) = (0, Vec::new());
    for (index, item) in items.iter().enumerate() {
        match of(item) {
            Ok(offer) => offers.push(offer),
            Err(reason) => {
                bad += 1;
                if told.len() < TOLD {
                    told.push((index, reason));
                }
            }
        }
    }
    if bad == 0 { Ok(offers) } else { Err(Bad::Items { count: items.len(), bad, told }) }
}
