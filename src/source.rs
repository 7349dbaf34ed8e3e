//! Where events come from: a generator, a recording, or others. A source says *what*; [`crate::schedule`] says *when*.

mod crowd;
mod lane;
mod late;
pub mod mirrored;
pub mod own;
mod population;
pub mod recorded;
pub mod retail_rocket;
mod stream;
pub mod synthetic;
pub mod web;
pub mod weights;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Monotonic;
use crate::event::KeyId;
use crate::event::catalogue::TypeIndex;
use crate::shop::{self, Vocabulary};
use crate::wire::sink::{Sink, Values};
pub use crowd::SessionFigures;
pub use lane::Drawn;
pub use late::{Late, NotLate};
use synthetic::fraud::{FraudConfig, Truth};

/// An event as its source gives it: everything but its id and its due time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// One of the shop's.
    Shop(shop::Event),
    /// One of a type that the user declares.
    Own(own::Event),
    /// A recorded record, whose bytes its lane has.
    Recorded(recorded::Event),
    /// One that came in from outside.
    Web(web::Event),
}

impl Event {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> TypeIndex {
        match self {
            Self::Shop(event) => event.kind().type_index(),
            Self::Own(event) => event.kind(),
            Self::Recorded(event) => event.kind,
            Self::Web(event) => event.kind(),
        }
    }

    /// Its key, whose text is `text`.
    #[must_use]
    pub fn key(&self, text: &[u8]) -> KeyId {
        match self {
            Self::Shop(event) => KeyId::of_number(event.user.0),
            Self::Own(_) | Self::Web(_) => KeyId::of_text(text),
            Self::Recorded(event) => event.key,
        }
    }

    /// The `CreateTime` that it gets; `None`: the time at which it is sent.
    #[must_use]
    pub const fn create_ms(&self) -> Option<i64> {
        match self {
            Self::Recorded(event) => event.create_ms,
            Self::Shop(_) | Self::Own(_) | Self::Web(_) => None,
        }
    }

    /// When it was recorded, ms since the Unix epoch; `None` for synthetic events.
    #[must_use]
    pub const fn recorded_ms(&self) -> Option<i64> {
        match self {
            Self::Shop(event) => event.recorded_ms,
            Self::Own(_) | Self::Web(_) => None,
            Self::Recorded(event) => event.recorded_ms,
        }
    }
}

/// Where a lane's events get their values from.
#[derive(Debug)]
pub enum Teller {
    /// The texts of the shop.
    Shop(Arc<Vocabulary>),
    /// What the user declares.
    Own(own::Teller),
    /// Nowhere: recorded bytes are sent as they are, and what a row says that became an event is with its lane.
    Recorded,
    /// What came in.
    Web(Arc<web::Inlet>),
}

/// An event with what it needs to be told.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    /// The event.
    pub event: &'a Event,
    /// Where its values come from: its own source's.
    pub teller: &'a Teller,
    /// What a row says that became an event.
    pub row: Option<recorded::Telling<'a>>,
    /// When it happened, as its body says: ms since the Unix epoch.
    pub timestamp_ms: i64,
    /// When it is due, in ns since the Unix epoch.
    pub due_unix_ns: u64,
}

impl Values for Telling<'_> {
    fn give(&self, sink: &mut impl Sink) {
        match (self.event, self.teller) {
            (Event::Shop(event), Teller::Shop(texts)) => {
                shop::Telling { event, texts, timestamp_ms: self.timestamp_ms }.give(sink);
            }
            (Event::Own(event), Teller::Own(teller)) => {
                own::Telling { event, teller, due_unix_ns: self.due_unix_ns }.give(sink);
            }
            (Event::Web(event), Teller::Web(inlet)) => web::Telling { event, inlet }.give(sink),
            (Event::Recorded(_), Teller::Recorded) => {
                if let Some(row) = &self.row {
                    row.give(sink);
                }
            }
            // No source gives another's events.
            _ => {}
        }
    }
}

/// One lane's share of a source. All events of a user come from one lane, in order.
#[derive(Debug)]
pub enum LaneSource {
    /// Drawn from (seed, lane, n).
    Synthetic(synthetic::Lane),
    /// The same, of types that the user declares.
    Own(own::Lane),
    /// Rows of a time-sorted data set.
    RetailRocket(retail_rocket::Lane),
    /// Records of a recording.
    Recorded(Box<recorded::Lane>),
    /// Records that are read meanwhile.
    Mirrored(Box<mirrored::Lane>),
    /// What comes in from outside.
    Web(web::Lane),
}

impl LaneSource {
    /// The lane's next event; `None` when a recording has ended, and while nothing has come in from outside.
    pub fn draw(&mut self) -> Option<Drawn<Event>> {
        match self {
            Self::Synthetic(lane) => Some(lane.draw().map(Event::Shop)),
            Self::Own(lane) => Some(lane.draw().map(Event::Own)),
            Self::RetailRocket(lane) => lane.draw().map(|drawn| drawn.map(Event::Shop)),
            Self::Recorded(lane) => lane.draw().map(|drawn| drawn.map(Event::Recorded)),
            Self::Mirrored(lane) => lane.draw().map(|drawn| drawn.map(Event::Recorded)),
            Self::Web(lane) => lane.draw().map(|drawn| drawn.map(Event::Web)),
        }
    }

    /// The bytes of the event that was drawn last, where it is a recorded one that is sent as it is.
    #[must_use]
    pub fn bytes(&self) -> Option<recorded::Bytes<'_>> {
        match self {
            Self::Recorded(lane) => lane.bytes(),
            Self::Mirrored(lane) => lane.bytes(),
            _ => None,
        }
    }

    /// What the event says that was drawn last, where it is a row that became one of a declared type.
    #[must_use]
    pub fn telling(&self) -> Option<recorded::Telling<'_>> {
        match self {
            Self::Recorded(lane) => lane.telling(),
            _ => None,
        }
    }

    /// Whether there may be a next event where there is none now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self {
            Self::Web(lane) => lane.is_open(),
            Self::Mirrored(lane) => lane.is_open(),
            _ => false,
        }
    }

    /// Waits, for so long at most, until there is a next event where one may come.
    pub fn wait(&self, most: Duration) {
        match self {
            Self::Web(lane) => lane.wait(most),
            Self::Mirrored(lane) => lane.wait(most),
            _ => {}
        }
    }

    /// The run begins, and its time is that of `clock`.
    pub fn begin(&self, clock: Monotonic) {
        match self {
            Self::Web(lane) => lane.begin(clock),
            Self::Mirrored(lane) => lane.begin(clock),
            _ => {}
        }
    }

    /// Event `number` has its final answer.
    pub fn settle(&mut self, number: u64, fate: web::Fate) {
        match self {
            Self::Web(lane) => lane.settle(number, fate),
            Self::Mirrored(lane) => lane.settle(fate),
            _ => {}
        }
    }

    /// Nothing more is to come in.
    pub fn close(&self) {
        match self {
            Self::Web(lane) => lane.close(),
            Self::Mirrored(lane) => lane.close(),
            _ => {}
        }
    }

    /// The number, in the whole run's order, of the lane's event `n`, counted from 0; `None` where that shows only when it is
    /// drawn.
    #[must_use]
    pub fn number(&self, n: u64) -> Option<u64> {
        match self {
            Self::Synthetic(lane) => Some(lane.number(n)),
            Self::Own(lane) => Some(lane.number(n)),
            Self::RetailRocket(_) | Self::Recorded(_) | Self::Mirrored(_) | Self::Web(_) => None,
        }
    }
}

/// A source that is loaded and can be divided among lanes.
#[derive(Debug)]
pub enum Source {
    /// Weighted synthetic events.
    Synthetic(Arc<synthetic::Synthetic>),
    /// Events of types that the user declares.
    Own(Arc<own::Own>),
    /// A Retail Rocket recording.
    RetailRocket(Arc<retail_rocket::Recording>),
    /// A recording of topics.
    Recorded(Arc<recorded::Recorded>),
    /// Topics that are read meanwhile, for one lane.
    Mirrored(Arc<mirrored::Mirror>),
    /// Events that come in from outside, for one lane.
    Web(Arc<web::Inlet>),
}

/// Why a source cannot be divided among so many lanes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LaneError {
    /// The shop cannot.
    #[error(transparent)]
    Synthetic(#[from] synthetic::ConfigError),
    /// What the user declares cannot.
    #[error(transparent)]
    Own(#[from] own::OwnError),
    /// The recording cannot be read.
    #[error("{0}")]
    Recorded(String),
}

impl Source {
    /// The share of lane `lane` of `lanes`.
    ///
    /// # Errors
    /// Where the source cannot be divided among so many lanes.
    pub fn lane(&self, lane: u16, lanes: u16) -> Result<LaneSource, LaneError> {
        Ok(match self {
            Self::Synthetic(source) => LaneSource::Synthetic(source.lane(lane, lanes)?),
            Self::Own(source) => LaneSource::Own(source.lane(lane, lanes)?),
            Self::RetailRocket(source) => LaneSource::RetailRocket(source.lane(lane, lanes)),
            Self::Recorded(source) => {
                let lane = source.lane(lane, lanes).map_err(|error| LaneError::Recorded(error.to_string()))?;
                LaneSource::Recorded(Box::new(lane))
            }
            Self::Mirrored(mirror) => LaneSource::Mirrored(Box::new(mirrored::Lane::new(Arc::clone(mirror)))),
            Self::Web(inlet) => LaneSource::Web(web::Lane::new(Arc::clone(inlet))),
        })
    }

    /// Whether records get no stamp.
    #[must_use]
    pub fn is_stampless(&self) -> bool {
        let stamp = match self {
            Self::Recorded(source) => &source.config().stamp,
            Self::Mirrored(mirror) => &mirror.config().stamp,
            _ => return false,
        };
        *stamp == recorded::Stamping::None
    }

    /// Where a lane's events get their values from.
    #[must_use]
    pub fn teller(&self) -> Teller {
        match self {
            Self::Synthetic(source) => Teller::Shop(source.vocabulary()),
            Self::Own(source) => Teller::Own(own::Teller::new(source)),
            Self::RetailRocket(source) => Teller::Shop(source.vocabulary()),
            Self::Recorded(_) | Self::Mirrored(_) => Teller::Recorded,
            Self::Web(inlet) => Teller::Web(Arc::clone(inlet)),
        }
    }

    /// The share of all events that each type is expected to have, by the type's place in the catalogue; `None` for a recording.
    #[must_use]
    pub fn expected_shares(&self) -> Option<Vec<f64>> {
        match self {
            Self::Synthetic(source) => Some(source.expected_shares()),
            Self::Own(source) => Some(source.expected_shares().to_vec()),
            Self::RetailRocket(_) | Self::Recorded(_) | Self::Mirrored(_) | Self::Web(_) => None,
        }
    }

    /// The fraud that is woven in, and the truth about it in a run of so many lanes.
    #[must_use]
    pub fn fraud(&self, lanes: u16) -> Option<(&FraudConfig, Truth)> {
        match self {
            Self::Synthetic(source) => source.fraud(lanes),
            Self::Own(_) | Self::RetailRocket(_) | Self::Recorded(_) | Self::Mirrored(_) | Self::Web(_) => None,
        }
    }

    /// What sessions come to, where events hang together.
    #[must_use]
    pub fn session_figures(&self) -> Option<&SessionFigures> {
        match self {
            Self::Synthetic(source) => source.session_figures(),
            Self::Own(source) => source.session_figures(),
            Self::RetailRocket(_) | Self::Recorded(_) | Self::Mirrored(_) | Self::Web(_) => None,
        }
    }

    /// How many events it has; `None` for a generator, and for a recording in rounds without end.
    #[must_use]
    pub fn len(&self) -> Option<u64> {
        match self {
            Self::Synthetic(_) | Self::Own(_) | Self::Mirrored(_) | Self::Web(_) => None,
            Self::RetailRocket(source) => source.len(),
            Self::Recorded(source) => source.len(),
        }
    }

    /// Whether a recording has no event left after filtering. A generator is never empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Synthetic(_) | Self::Own(_) | Self::Mirrored(_) | Self::Web(_) => false,
            Self::RetailRocket(source) => source.is_empty(),
            Self::Recorded(source) => source.is_empty(),
        }
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Synthetic(_) => "synthetic",
            Self::Own(_) => "own",
            Self::RetailRocket(_) => "retail_rocket",
            Self::Recorded(_) => "recorded",
            Self::Mirrored(_) => "mirrored",
            Self::Web(_) => "web",
        }
    }
}
