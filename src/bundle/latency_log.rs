//! `latency.hlog` as it grows: a line a second and latency, at the end the phases and event types as a whole.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use hdrhistogram::Histogram;
use jiff::Timestamp;

use crate::clock::{self, Nanos};
use crate::measure::{LatencyHistogram, PhaseShard, Shard};
use crate::recording::hlog::{self, HlogError, Series};
use crate::report::latency::Kind;

/// The log of a run that goes on.
#[derive(Debug)]
pub(super) struct LatencyLog {
    writer: hlog::Writer<BufWriter<File>>,
    /// The last interval.
    from: Nanos,
    upto: Nanos,
    /// All that was written, by latency.
    written: BTreeMap<Kind, LatencyHistogram>,
}

impl LatencyLog {
    /// The first interval ends now, `now` after the start of the run.
    pub(super) fn begin(path: &Path, now: Nanos) -> Result<Self, HlogError> {
        let started = i128::from(clock::wall_unix_ns()) - i128::from(now.0);
        let started = Timestamp::from_nanosecond(started).unwrap_or_default();
        let writer = hlog::Writer::begin(BufWriter::new(File::create(path)?), started)?;
        Ok(Self { writer, from: Nanos::ZERO, upto: Nanos::ZERO, written: BTreeMap::new() })
    }

    /// Adds the interval that ends at `now`, on disk at once.
    pub(super) fn interval(&mut self, measured: &PhaseShard, kinds: &[Kind], now: Nanos) -> Result<(), HlogError> {
        (self.from, self.upto) = (self.upto, now);
        for kind in kinds {
            let latency = measured.latency(*kind);
            self.append(&Series::Run(*kind), latency.histogram())?;
            self.written.entry(*kind).or_default().add(latency);
        }
        self.writer.flush()
    }

    /// Adds to the last interval what it lacks of the whole, and each phase and event type.
    pub(super) fn last(&mut self, measured: &Shard, event_types: &[String], kinds: &[Kind]) -> Result<(), HlogError> {
        let whole = measured.whole();
        for kind in kinds {
            let written = self.written.get(kind).map(LatencyHistogram::histogram);
            let rest = beyond(whole.latency(*kind).histogram(), written)?;
            self.append(&Series::Run(*kind), &rest)?;
        }
        self.from = Nanos::ZERO;
        for (event_type, of_type) in event_types.iter().zip(&measured.kinds) {
            for kind in kinds {
                let Some(latency) = of_type.latency(*kind) else { continue };
                self.append(&Series::EventType(event_type.clone(), *kind), latency.histogram())?;
            }
        }
        for (place, phase) in measured.phases.iter().enumerate() {
            for kind in kinds {
                self.append(&Series::Phase(place, *kind), phase.latency(*kind).histogram())?;
            }
        }
        self.writer.flush()
    }

    /// A line for the last interval, where there is a sample.
    fn append(&mut self, series: &Series, histogram: &Histogram<u64>) -> Result<(), HlogError> {
        if histogram.is_empty() {
            return Ok(());
        }
        let length = self.upto - self.from;
        self.writer.interval(series, histogram, self.from.into(), length.into())
    }
}

/// What `whole` holds beyond `part`.
fn beyond(whole: &Histogram<u64>, part: Option<&Histogram<u64>>) -> io::Result<Histogram<u64>> {
    let mut rest = whole.clone();
    if let Some(part) = part {
        rest.subtract(part).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    }
    Ok(rest)
}
