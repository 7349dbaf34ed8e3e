//! `latency.hlog`: an HdrHistogram interval log, format 1.3: one line per latency and interval, tagged with its
//! [`Series`]. Values are in us, `Interval_Max` in ms. Java's `HistogramLogProcessor` reads it with `-outputValueUnitRatio 1000`.
//!
//! Lines are appended as the run goes on, so that a killed run leaves all of them but perhaps the last.

use std::{
    fmt,
    io::{self, Write},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{
        DeserializeError, Deserializer, Serializer, V2DeflateSerializeError, V2DeflateSerializer,
        interval_log::{IntervalLogIterator, LogEntry, LogIteratorError},
    },
};
use jiff::Timestamp;

use crate::figures::as_f64;
use crate::report::latency::Kind;

const LEGEND: &str = r#""StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram""#;
const US_PER_MS: f64 = 1e3;

/// Why a log cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum HlogError {
    /// The file cannot be written.
    #[error("latency.hlog cannot be written: {0}")]
    Io(#[from] io::Error),
    /// A histogram cannot be packed.
    #[error("a histogram cannot be packed: {0}")]
    Pack(#[from] V2DeflateSerializeError),
    /// A line is no line of an interval log.
    #[error("byte {offset} is not the start of a line of an HdrHistogram log")]
    Line {
        /// Where.
        offset: usize,
    },
    /// A phase's place is out of reach.
    #[error("\"{tag}\" is no phase: a run has at most {most} phases")]
    Phase {
        /// The tag.
        tag: String,
        /// The most phases there can be.
        most: usize,
    },
    /// An interval's text is no base64.
    #[error("the interval at {at_s} s is no base64: {source}")]
    Base64 {
        /// Its start, in seconds since the run's.
        at_s: f64,
        /// Why.
        source: base64::DecodeError,
    },
    /// An interval holds no histogram.
    #[error("the interval at {at_s} s holds no histogram: {source}")]
    Unpack {
        /// Its start, in seconds since the run's.
        at_s: f64,
        /// Why.
        source: DeserializeError,
    },
}

impl From<LogIteratorError> for HlogError {
    fn from(LogIteratorError::ParseError { offset }: LogIteratorError) -> Self {
        Self::Line { offset }
    }
}

impl HlogError {
    /// The error as one of the file that the log is in.
    #[must_use]
    pub fn into_io(self) -> io::Error {
        match self {
            Self::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        }
    }
}

/// Whose latency a line holds. Displayed as the line's tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Series {
    /// The whole run's, one line a second: `response_time`.
    Run(Kind),
    /// An event type's, one line for the whole run: `by_type.view.response_time`.
    EventType(String, Kind),
    /// A phase's, by its place in the report, one line for the whole of it: `phase.0.response_time`. A name of the user's
    /// could hold what a tag must not.
    Phase(usize, Kind),
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(latency) => write!(f, "{latency}"),
            Self::EventType(event_type, latency) => write!(f, "by_type.{event_type}.{latency}"),
            Self::Phase(place, latency) => write!(f, "phase.{place}.{latency}"),
        }
    }
}

impl Series {
    /// The series with that tag; `None` for a tag of somebody else's.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let mut words = tag.rsplit('.');
        let latency = Kind::of_name(words.next()?)?;
        match (words.next(), words.next(), words.next()) {
            (None, ..) => Some(Self::Run(latency)),
            (Some(event_type), Some("by_type"), None) => Some(Self::EventType(event_type.to_owned(), latency)),
            (Some(place), Some("phase"), None) => Some(Self::Phase(place.parse().ok()?, latency)),
            _ => None,
        }
    }
}

/// Writes a log, interval by interval.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    serializer: Packer,
    packed: Vec<u8>,
    text: String,
}

/// The library's serializer has no `Debug`.
struct Packer(V2DeflateSerializer);

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("V2DeflateSerializer")
    }
}

impl<W: Write> Writer<W> {
    /// Starts a log of a run that started at `started`.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn begin(mut out: W, started: Timestamp) -> Result<Self, HlogError> {
        let (seconds, ms) = (started.as_second(), started.subsec_millisecond());
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[loadgen: values are in us, Interval_Max is in ms; tags are latencies, and one line each of]")?;
        writeln!(out, "#[loadgen: by_type.TYPE.LATENCY and phase.INDEX.LATENCY holds all that the run had of it]")?;
        writeln!(out, "#[StartTime: {seconds}.{ms:03} (seconds since epoch), {started}]")?;
        writeln!(out, "#[BaseTime: {seconds}.{ms:03} (seconds since epoch)]")?;
        writeln!(out, "{LEGEND}")?;
        let serializer = Packer(V2DeflateSerializer::new());
        Ok(Self { out, serializer, packed: Vec::new(), text: String::new() })
    }

    /// Appends what `series` (in us) was in the interval that began `start` after the run did.
    ///
    /// # Errors
    /// Where the log cannot be written.
    pub fn interval(
        &mut self,
        series: &Series,
        histogram: &Histogram<u64>,
        start: Duration,
        length: Duration,
    ) -> Result<(), HlogError> {
        self.packed.clear();
        self.text.clear();
        self.serializer.0.serialize(histogram, &mut self.packed)?;
        STANDARD.encode_string(&self.packed, &mut self.text);
        let (start, length) = (start.as_secs_f64(), length.as_secs_f64());
        let max = as_f64(histogram.max()) / US_PER_MS;
        writeln!(self.out, "Tag={series},{start:.3},{length:.3},{max:.3},{}", self.text)?;
        Ok(())
    }

    /// Hands everything to the file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn flush(&mut self) -> Result<(), HlogError> {
        Ok(self.out.flush()?)
    }
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// Its tag: the latency's name in logs of ours.
    pub tag: String,
    /// Its start, since the run's.
    pub start: Duration,
    /// How long it was.
    pub length: Duration,
    /// The latency in it, in us.
    pub histogram: Histogram<u64>,
}

/// Reads a log. An unfinished last line, as a killed run leaves it, is left out.
///
/// # Errors
/// The first line that is not what it should be.
pub fn read(log: &[u8]) -> Result<Vec<Interval>, HlogError> {
    let finished = log.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut deserializer = Deserializer::new();
    let mut intervals = Vec::new();
    for entry in IntervalLogIterator::new(&log[..finished]) {
        let LogEntry::Interval(line) = entry? else { continue };
        let at_s = line.start_timestamp().as_secs_f64();
        let packed = STANDARD.decode(line.encoded_histogram()).map_err(|source| HlogError::Base64 { at_s, source })?;
        let histogram =
            deserializer.deserialize(&mut packed.as_slice()).map_err(|source| HlogError::Unpack { at_s, source })?;
        let tag = line.tag().map_or_else(String::new, |tag| tag.as_str().to_owned());
        intervals.push(Interval { tag, start: line.start_timestamp(), length: line.duration(), histogram });
    }
    Ok(intervals)
}

/// When the run of a log started, where the log says so.
///
/// # Errors
/// The first line that is not what it should be.
pub fn started(log: &[u8]) -> Result<Option<Timestamp>, HlogError> {
    let finished = log.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    for entry in IntervalLogIterator::new(&log[..finished]) {
        if let LogEntry::StartTime(since_epoch) = entry? {
            let at = Timestamp::UNIX_EPOCH.checked_add(since_epoch).ok();
            return Ok(at.and_then(|at| at.round(jiff::Unit::Millisecond).ok()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[u64]) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).unwrap();
        for value in values {
            histogram.record(*value).unwrap();
        }
        histogram
    }

    fn log(intervals: &[(Kind, Vec<u64>)]) -> Vec<u8> {
        let mut out = Vec::new();
        let started = "2026-01-01T00:00:00.25Z".parse().unwrap();
        let mut writer = Writer::begin(&mut out, started).unwrap();
        for (second, (kind, values)) in (0..).zip(intervals) {
            let (start, length) = (Duration::from_secs(second), Duration::from_millis(999));
            writer.interval(&Series::Run(*kind), &histogram(values), start, length).unwrap();
        }
        writer.flush().unwrap();
        out
    }

    #[test]
    fn a_log_starts_with_its_version_and_tags_each_line() {
        let text = String::from_utf8(log(&[(Kind::ResponseTime, vec![1_500, 40_000])])).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "#[Histogram log format version 1.3]");
        assert_eq!(lines[3], "#[StartTime: 1767225600.250 (seconds since epoch), 2026-01-01T00:00:00.25Z]");
        assert_eq!(lines[4], "#[BaseTime: 1767225600.250 (seconds since epoch)]");
        assert_eq!(lines[5], LEGEND);
        assert!(lines[6].starts_with("Tag=response_time,0.000,0.999,40.031,HISTFAAA"), "{}", lines[6]);
        assert_eq!(lines.len(), 7);
        assert_eq!(started(text.as_bytes()).unwrap(), Some("2026-01-01T00:00:00.25Z".parse().unwrap()));
        assert_eq!(started(b"").unwrap(), None);
    }

    #[test]
    fn an_unfinished_last_line_is_left_out() {
        let whole = log(&[(Kind::Slip, vec![1]), (Kind::Slip, vec![2])]);
        assert_eq!(read(&whole).unwrap().len(), 2);
        assert_eq!(read(&whole[..whole.len() - 5]).unwrap().len(), 1);
        assert_eq!(read(b"").unwrap(), []);
    }

    #[test]
    fn what_is_no_log_is_refused_with_its_place() {
        let broken = [&log(&[(Kind::Slip, vec![1])])[..], b"nonsense\n"].concat();
        let message = read(&broken).unwrap_err().to_string();
        assert!(message.ends_with("is not the start of a line of an HdrHistogram log"), "{message}");
        assert!(matches!(read(b"Tag=slip,1.000,1.000,1.000,AAAA\n"), Err(HlogError::Unpack { .. })));
    }

    proptest! {
        #[test]
        fn a_log_reads_back_to_the_same_histograms(
            intervals in prop::collection::vec(
                (prop::sample::select(Kind::ALL.to_vec()), prop::collection::vec(0..100_000_000_u64, 0..30)), 0..6),
        ) {
            let read = read(&log(&intervals)).unwrap();
            prop_assert_eq!(read.len(), intervals.len());
            for (second, (found, (kind, values))) in (0_u64..).zip(read.iter().zip(&intervals)) {
                prop_assert_eq!(&found.tag, kind.as_str());
                prop_assert_eq!(found.start, Duration::from_secs(second));
                prop_assert_eq!(&found.histogram, &histogram(values));
            }
        }
    }
}
