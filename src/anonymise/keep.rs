//! Records whose values are replaced on their way to where they are kept.

use std::io;

use super::{Anonymiser, Report};
use crate::capture::Captured;
use crate::capture::recorder::Keep;
use crate::clock::Nanos;
use crate::kafka::headers::Headers;

/// Where records are kept with their values replaced, where that is asked for.
#[derive(Debug)]
pub struct Anonymised<K> {
    /// Where they are kept.
    pub keep: K,
    anonymiser: Option<Anonymiser>,
    value: Vec<u8>,
    headers: Vec<u8>,
}

impl<K> Anonymised<K> {
    /// What comes is kept in `keep` as `anonymiser` leaves it; without one as it is.
    pub const fn new(keep: K, anonymiser: Option<Anonymiser>) -> Self {
        Self { keep, anonymiser, value: Vec::new(), headers: Vec::new() }
    }

    /// What became of the values.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        self.anonymiser.as_ref().map(Anonymiser::report)
    }
}

impl<K: Keep> Keep for Anonymised<K> {
    fn take(&mut self, record: &Captured<'_>) -> io::Result<()> {
        let Some(anonymiser) = &mut self.anonymiser else { return self.keep.take(record) };
        let key = anonymiser.record(record, &mut self.value, &mut self.headers).map_err(io::Error::other)?;
        let value = record.value.map(|_| self.value.as_slice());
        let headers = Headers::packed(&self.headers);
        self.keep.take(&Captured { key: key.as_deref(), value, headers, ..*record })
    }

    fn settle(&mut self) -> io::Result<()> {
        self.keep.settle()
    }

    fn divide(&mut self) -> io::Result<()> {
        self.keep.divide()
    }

    fn wants_ends(&self) -> bool {
        self.keep.wants_ends()
    }

    fn reached(&mut self, topic: &str, partition: i32) {
        self.keep.reached(topic, partition);
    }

    fn end(&mut self) {
        self.keep.end();
    }

    fn every(&self) -> Nanos {
        self.keep.every()
    }
}
