//! What stands between the lanes and the broker, and between the broker and the verifier: nothing, in every run but the
//! self-test's.

use super::RunError;
use crate::clock::{Clock, Monotonic, Zero};
use crate::kafka::KafkaError;
use crate::kafka::native::Producer;
use crate::ledger::rules::Rules;
use crate::publish::Publisher;
use crate::publish::null::Null;
use crate::verify::reader::Reader;

/// Which of a run's readings a reader is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// While the run goes on.
    Live,
    /// At its end, to look at single offsets and at what may have been truncated.
    Again,
}

/// How a run's parts are joined.
pub trait Wiring: Sync {
    /// What lanes hand their events to.
    type Publisher: Publisher + Send;
    /// What the verifier's time comes from.
    type Clock: Clock;

    /// What lane `lane` hands its events to.
    fn publisher(&self, lane: u16, producer: Producer) -> Self::Publisher;

    /// What is read from.
    fn reader(&self, reader: Box<dyn Reader>, _reading: Reading) -> Box<dyn Reader> {
        reader
    }

    /// What is read from once the run is over, under that isolation: `open` gives a consumer of its own.
    ///
    /// # Errors
    /// Where there is none.
    fn reader_again(
        &self,
        _isolation: &str,
        open: impl FnOnce() -> Result<Box<dyn Reader>, KafkaError>,
    ) -> Result<Box<dyn Reader>, KafkaError> {
        Ok(self.reader(open()?, Reading::Again))
    }

    /// The run's zero, where others have a say in it. Asked once all stands ready.
    ///
    /// # Errors
    /// Where it does not begin.
    fn zero(&self) -> Result<Option<Zero>, RunError> {
        Ok(None)
    }

    /// The verifier's clock.
    fn clock(&self, clock: Monotonic) -> Self::Clock;

    /// Whether what is wrong with records is wanted, and so is not logged.
    fn expects_faults(&self) -> bool {
        false
    }

    /// The rules that the checker follows.
    fn rules(&self) -> Rules {
        Rules::ALL
    }
}

/// Nothing in between.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

impl Wiring for Direct {
    type Publisher = Producer;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u16, producer: Producer) -> Producer {
        producer
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
    }
}

/// Nothing in between, and a start that is agreed on with others.
#[derive(Clone, Copy)]
pub struct AgreedStart<'a> {
    /// Waits for the others, and tells the run's zero.
    pub meet: &'a (dyn Fn() -> Result<Zero, RunError> + Sync),
}

impl Wiring for AgreedStart<'_> {
    type Publisher = Producer;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u16, producer: Producer) -> Producer {
        producer
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
    }

    fn zero(&self) -> Result<Option<Zero>, RunError> {
        (self.meet)().map(Some)
    }
}

/// Events go nowhere, and each is confirmed at once: what the generator alone can do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nowhere;

impl Wiring for Nowhere {
    type Publisher = Null;
    type Clock = Monotonic;

    fn publisher(&self, _lane: u16, _producer: Producer) -> Null {
        Null::default()
    }

    fn clock(&self, clock: Monotonic) -> Monotonic {
        clock
    }
}
