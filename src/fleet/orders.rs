//! What somebody who is none of the shards asks of them: one run after the other, each at a rate of its own, for as long as the shards are on
//! call.
//!
//! The last order stands in the topic under one key. Each probe is a run with an id of its own, so that the shards meet for it as for any other:
//! its rate is in force from the start that all of them agree on, by the broker's clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::FleetError;
use super::channel::{Channel, Topic};
use crate::clock::{Clock, Monotonic, Nanos};

/// How long is listened at once.
const LISTEN: Duration = Duration::from_millis(200);

/// What the shards are to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// To make a run of that id.
    Probe {
        /// Its number in its search, from 1.
        number: u32,
        /// Its id.
        run: String,
        /// How many shards it has.
        of: u16,
        /// Events per second of all shards together.
        rate: u64,
        /// How long that is held before it counts, in ms.
        settle_ms: u64,
        /// How long it counts, in ms.
        probe_ms: u64,
    },
    /// To go home.
    Over,
}

fn key(search: &str) -> String {
    format!("capacity/{search}")
}

/// Who gives orders. There is one for a search: a second one fences the first.
#[derive(Debug)]
pub struct Caller {
    channel: Channel,
    search: String,
}

impl Caller {
    /// Takes the caller's seat of a search.
    ///
    /// # Errors
    /// Where the topic cannot be used.
    pub fn begin(topic: Topic, search: &str) -> Result<Self, FleetError> {
        let mut channel = Channel::open(topic)?;
        channel.take_seat(&key(search))?;
        Ok(Self { channel, search: search.to_owned() })
    }

    /// Gives an order, which takes the place of the one before.
    ///
    /// # Errors
    /// Where the topic does not take it, or somebody else gives orders by now.
    pub fn give(&mut self, order: &Order) -> Result<(), FleetError> {
        // Plain data has no way to fail.
        let body = serde_json::to_vec(order).unwrap_or_default();
        match self.channel.say(&key(&self.search), &body, 1)? {
            Some(_) => Ok(()),
            None => Err(FleetError::Recalled { search: self.search.clone() }),
        }
    }
}

/// A shard that is on call.
#[derive(Debug)]
pub struct OnCall {
    channel: Channel,
    search: String,
    /// The last order, where it was not taken up yet.
    last: Option<Order>,
    /// Probes up to that number were taken up.
    taken: u32,
}

impl OnCall {
    /// Listens to the orders of a search.
    ///
    /// # Errors
    /// Where the topic cannot be read.
    pub fn begin(topic: Topic, search: &str) -> Result<Self, FleetError> {
        Ok(Self { channel: Channel::open(topic)?, search: search.to_owned(), last: None, taken: 0 })
    }

    /// The next order. Nothing is one that was taken up before.
    ///
    /// # Errors
    /// Where the topic cannot be read, none is given in time, or it is to give up.
    pub fn next(&mut self, deadline: Duration, given_up: &dyn Fn() -> bool) -> Result<Order, FleetError> {
        let clock = Monotonic::start();
        // Of what was ordered while this shard was busy the last word counts.
        self.hear_all()?;
        loop {
            match self.last.take() {
                Some(Order::Over) => return Ok(Order::Over),
                Some(Order::Probe { number, .. }) if number <= self.taken => {}
                Some(order @ Order::Probe { number, .. }) => {
                    self.taken = number;
                    return Ok(order);
                }
                None => {}
            }
            if given_up() {
                return Err(FleetError::Interrupted);
            }
            if clock.now() >= Nanos::from(deadline) {
                return Err(FleetError::Unheard { run: self.search.clone(), waited: deadline });
            }
            let Self { channel, search, last, .. } = self;
            let key = key(search);
            channel.hear(LISTEN, |said| note(&key, said.key, said.body, last))?;
        }
    }

    fn hear_all(&mut self) -> Result<(), FleetError> {
        let Self { channel, search, last, .. } = self;
        let key = key(search);
        channel.hear_all(|said| note(&key, said.key, said.body, last))
    }
}

fn note(key: &str, said: &[u8], body: &[u8], last: &mut Option<Order>) {
    if said == key.as_bytes() {
        match serde_json::from_slice(body) {
            Ok(order) => *last = Some(order),
            Err(error) => tracing::debug!("an order of the fleet's topic is none of this version's: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_one_flat_object_and_that_of_another_search_is_none() {
        let probe = Order::Probe {
            number: 3,
            run: "c0ffee".to_owned(),
            of: 4,
            rate: 2_000,
            settle_ms: 5_000,
            probe_ms: 30_000,
        };
        let text = serde_json::to_string(&probe).unwrap();
        assert!(text.starts_with(r#"{"order":"probe","number":3,"run":"c0ffee","of":4,"rate":2000,"#), "{text}");
        let mut last = None;
        note("capacity/1", b"capacity/2", text.as_bytes(), &mut last);
        note("capacity/1", b"capacity/1", b"{}", &mut last);
        assert_eq!(last, None);
        note("capacity/1", b"capacity/1", text.as_bytes(), &mut last);
        assert_eq!(last, Some(probe));
        note("capacity/1", b"capacity/1", br#"{"order":"over"}"#, &mut last);
        assert_eq!(last, Some(Order::Over));
    }
}
