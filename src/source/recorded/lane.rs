//! One lane's share of a recording: whole partitions.

use std::io;
use std::sync::Arc;

use super::order::{Order, Turn};
use super::{CreateTime, Event, Placing, Recorded, Telling};
use crate::capture::blocks::Tools;
use crate::capture::read::ReadError;
use crate::clock::Nanos;
use crate::event::KeyId;
use crate::source::lane::Drawn;
use crate::source::retail_rocket::Rounds;

/// Draws the records of one lane.
///
/// Every lane walks all partitions and leaves out those of other lanes, so that each knows the numbers and offsets of the whole run
/// without a word to the others.
#[derive(Debug)]
pub struct Lane {
    recorded: Arc<Recorded>,
    order: Order,
    tools: Tools,
    number: u16,
    lanes: u16,
    passed: u64,
    round: u64,
    /// The partition of the record that was drawn last.
    drawn: usize,
    /// Its fields, where it is an event of a declared type.
    object: serde_json::Map<String, serde_json::Value>,
}

/// The bytes of a record.
#[derive(Clone, Copy, Debug)]
pub struct Bytes<'a> {
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers, packed.
    pub headers: &'a [u8],
}

impl Lane {
    pub(super) fn new(recorded: &Arc<Recorded>, number: u16, lanes: u16) -> io::Result<Self> {
        let (order, tools) = (Order::begin(recorded), Tools::new()?);
        let recorded = Arc::clone(recorded);
        Ok(Self {
            recorded,
            order,
            tools,
            number,
            lanes,
            passed: 0,
            round: 0,
            drawn: 0,
            object: serde_json::Map::new(),
        })
    }

    /// The next record of this lane; `None` at the end, and where the file could not be read, see [`Recorded::fault`].
    pub fn draw(&mut self) -> Option<Drawn<Event>> {
        self.next().unwrap_or_else(|error| {
            self.recorded.keep_fault(&error);
            None
        })
    }

    /// The bytes of the record that was drawn last, where it is sent as it is.
    #[must_use]
    pub fn bytes(&self) -> Option<Bytes<'_>> {
        let walk = self.order.at(self.drawn);
        let bytes = Bytes { key: walk.key(), value: walk.value(), headers: walk.headers() };
        self.recorded.declared.is_empty().then_some(bytes)
    }

    /// What the record says that was drawn last, where it is an event of a declared type.
    #[must_use]
    pub fn telling(&self) -> Option<Telling<'_>> {
        let kind = self.recorded.kinds.get(self.drawn)?;
        let declared = self.recorded.declared.get(kind.index())?;
        Some(Telling { declared, object: &self.object })
    }

    fn next(&mut self) -> Result<Option<Drawn<Event>>, ReadError> {
        loop {
            while let Some(turn) = self.order.next(&self.recorded, &mut self.tools)? {
                self.passed += 1;
                if turn.partition % usize::from(self.lanes.max(1)) == usize::from(self.number) {
                    return Ok(Some(self.drawn(turn)));
                }
            }
            self.round += 1;
            let another = match self.recorded.config().rounds {
                Rounds::Forever => true,
                Rounds::Count(count) => self.round < count.into(),
            };
            if !another {
                return Ok(None);
            }
            self.order = Order::begin(&self.recorded);
        }
    }

    fn drawn(&mut self, turn: Turn) -> Drawn<Event> {
        self.drawn = turn.partition;
        let config = self.recorded.config();
        let walk = self.order.at(turn.partition);
        if !self.recorded.declared.is_empty() {
            // It is what mapping wrote.
            self.object = walk.value().and_then(|value| serde_json::from_slice(value).ok()).unwrap_or_default();
        }
        let of = &self.recorded.blocks.partitions()[turn.partition];
        let event = Event {
            kind: self.recorded.kinds[turn.partition],
            partition: (config.partition == Placing::Keep).then_some(of.partition),
            key: walk.key().map(KeyId::of_text).unwrap_or_default(),
            recorded_ms: walk.at_ms(),
            create_ms: walk.at_ms().filter(|_| config.create_time == CreateTime::Recorded),
        };
        let rounds = Nanos(self.recorded.round().0.saturating_mul(self.round));
        Drawn { number: self.passed - 1, recorded_offset: rounds + turn.offset, event }
    }
}
