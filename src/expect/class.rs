//! The classes of expected results, and their tally.

use crate::clock::Nanos;
use crate::measure::LatencyHistogram;
use crate::report::{ExpectExample, ExpectReport};

/// Results of each class that are told one by one.
const EXAMPLES: u64 = 10;

/// What became of an expected result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Right,
    Wrong,
    Missing,
    Twice,
    Late,
    AcceptedLate,
    Open,
    Undecided,
}

/// How long what came may differ from what the input says so far, in ms: the two are read one after the other.
const SETTLES: i64 = 10_000;

impl Class {
    /// What is told of it while more may come: `seen_at` is when its result came, where one did and no later one takes its place.
    pub(super) fn so_far(self, seen_at: Option<i64>, now: i64) -> Self {
        let is_settled = seen_at.is_some_and(|at| now - at > SETTLES);
        match self {
            Self::Right | Self::Open | Self::Undecided => self,
            Self::Missing => Self::Open,
            _ if is_settled => self,
            _ => Self::Open,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Missing => "missing",
            Self::Twice => "twice",
            Self::Late => "late",
            Self::AcceptedLate => "accepted_late",
            Self::Open => "open",
            Self::Undecided => "undecided",
        }
    }
}

/// The end of all waiting, as far as classes depend on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending<'a> {
    /// When it is, in ms since the Unix epoch.
    pub(super) at: i64,
    /// Why nothing is decided, where the input is not known.
    pub(super) unknown: Option<&'a str>,
    /// Whether event times are this run's.
    pub(super) is_timed: bool,
}

/// What is counted and measured of one expectation.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    report: ExpectReport,
    latency: LatencyHistogram,
    /// Whether events that came late do not explain all that is wrong.
    is_more_than_late: bool,
}

/// One result for the list of those that are not right.
pub(super) struct Mismatch<'a> {
    pub(super) key: &'a [u8],
    pub(super) start_ms: Option<i64>,
    pub(super) got: Option<String>,
    pub(super) expected: String,
}

impl Tally {
    pub(super) fn count(&mut self, class: Class, told: impl FnOnce() -> ExpectExample) {
        self.report.expected += 1;
        let report = &mut self.report;
        let count = match class {
            Class::Right => &mut report.right,
            Class::Wrong => &mut report.wrong,
            Class::Missing => &mut report.missing,
            Class::Twice => &mut report.twice,
            Class::Late => &mut report.late,
            Class::AcceptedLate => &mut report.accepted_late,
            Class::Open => &mut report.open,
            Class::Undecided => &mut report.undecided,
        };
        *count += 1;
        if *count <= EXAMPLES && !matches!(class, Class::Right | Class::Open) {
            let example = ExpectExample { class: class.as_str().to_owned(), ..told() };
            self.report.examples.push(example);
        }
    }

    pub(super) fn count_unexpected(&mut self, told: impl FnOnce() -> ExpectExample) {
        self.report.unexpected += 1;
        if self.report.unexpected <= EXAMPLES {
            self.report.examples.push(ExpectExample { class: "unexpected".to_owned(), ..told() });
        }
    }

    pub(super) fn count_superseded(&mut self, records: u64) {
        self.report.superseded += records;
    }

    /// Events that had to be dropped.
    pub(super) fn count_too_late(&mut self, events: u64) {
        self.report.too_late += events;
    }

    /// What is wrong with a result is explained by partitions so many ms apart, or is not.
    pub(super) fn needs_apart(&mut self, ms: Option<i64>) {
        let ms = ms.and_then(|ms| u64::try_from(ms).ok());
        self.is_more_than_late |= ms.is_none();
        self.report.needs_apart_ms = self.report.needs_apart_ms.max(ms);
    }

    pub(super) fn count_unreadable(&mut self) {
        self.report.unreadable += 1;
    }

    /// A result was seen so long after it was due.
    pub(super) fn seen_after(&mut self, ms: i64) {
        self.latency.record(nanos(ms));
    }

    /// It was waited for so long and not seen.
    pub(super) fn waited(&mut self, ms: i64) {
        self.latency.record_censored(nanos(ms));
    }

    /// The counts, without what is told one by one.
    pub(super) fn counts(&self) -> Self {
        Self { report: ExpectReport { examples: Vec::new(), ..self.report.clone() }, ..self.clone() }
    }

    pub(super) fn into_report(self, why_undecided: Option<&str>, is_timed: bool) -> ExpectReport {
        let Self { report, latency, is_more_than_late } = self;
        ExpectReport {
            needs_apart_ms: report.needs_apart_ms.filter(|_| !is_more_than_late),
            latency_us: is_timed.then(|| latency.summary()),
            why_undecided: why_undecided.map(ToOwned::to_owned),
            ..report
        }
    }
}

fn nanos(ms: i64) -> Nanos {
    Nanos::from_millis(u64::try_from(ms).unwrap_or_default())
}

impl Mismatch<'_> {
    /// That time, as it is told.
    pub(super) fn time(ms: i64) -> String {
        jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |time| time.to_string())
    }
}

impl From<Mismatch<'_>> for ExpectExample {
    fn from(Mismatch { key, start_ms, got, expected }: Mismatch<'_>) -> Self {
        Self {
            class: String::new(),
            key: String::from_utf8_lossy(key).into_owned(),
            window_start: start_ms.map(Mismatch::time),
            got,
            expected,
        }
    }
}
