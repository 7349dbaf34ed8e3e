//! Where records are kept that were read, and what is shown of how it goes.

use std::io;

use super::SETTLE;
use crate::capture::Captured;
use crate::clock::Nanos;

/// Where records are kept.
pub trait Keep {
    /// Takes a record.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn take(&mut self, record: &Captured<'_>) -> io::Result<()>;

    /// Writes down whatever is held.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn settle(&mut self) -> io::Result<()>;

    /// Partitions have changed hands: what comes from now on lies behind what others wrote meanwhile.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn divide(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Whether [`Keep::reached`] is told of each partition, as soon as it is known.
    fn wants_ends(&self) -> bool {
        false
    }

    /// All that the log of a partition has been known to hold was taken.
    fn reached(&mut self, _topic: &str, _partition: i32) {}

    /// Nothing more is taken.
    fn end(&mut self) {}

    /// How often [`Keep::settle`] is asked for.
    fn every(&self) -> Nanos {
        SETTLE
    }
}

/// How it goes.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Since it began.
    pub now: Nanos,
    /// Records so far.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// The share of all offsets that is behind, where the end is known.
    pub share: Option<f64>,
    /// Whether all that is there is read, and nothing but a request ends it.
    pub waits: bool,
}
