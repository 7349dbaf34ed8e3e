//! The stretches of time of which the timeline is made: a second each, or several added up where a run is long.

use crate::figures::{self, as_f64};
use crate::report::TimelineRow;

/// What ends the timeline counts as a part of a second below this length: a rate of so short a time says nothing.
const WHOLE_S: f64 = 0.95;

/// One stretch of time: a second, or several added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Span {
    pub(super) from_s: f64,
    pub(super) until_s: f64,
    /// Whether it is the part of a second with which the run ended.
    pub(super) partial: bool,
    pub(super) scheduled: u64,
    pub(super) sent: u64,
    pub(super) acked: u64,
    pub(super) seen: u64,
    pub(super) failed: u64,
    pub(super) outstanding: u64,
    pub(super) unread: Option<u64>,
    pub(super) response_p50: Option<u64>,
    pub(super) response_p90: Option<u64>,
    pub(super) response_p99: Option<u64>,
    pub(super) response_max: Option<u64>,
    pub(super) end_to_end_p90: Option<u64>,
    pub(super) end_to_end_p99: Option<u64>,
    pub(super) slip_p90: Option<u64>,
    pub(super) slip_p99: Option<u64>,
    pub(super) lateness_p99: Option<u64>,
}

impl Span {
    /// Counts are added, backlogs are those at the end, quantiles the worst of a second.
    fn add(mut self, row: &TimelineRow) -> Self {
        self.until_s = row.at_s;
        self.scheduled += row.scheduled;
        self.sent += row.sent;
        self.acked += row.acked;
        self.seen += row.seen;
        self.failed += row.failed;
        (self.outstanding, self.unread) = (row.outstanding, row.unread);
        self.response_p50 = self.response_p50.max(row.response_p50_us);
        self.response_p90 = self.response_p90.max(row.response_p90_us);
        self.response_p99 = self.response_p99.max(row.response_p99_us);
        self.response_max = self.response_max.max(row.response_max_us);
        self.end_to_end_p90 = self.end_to_end_p90.max(row.end_to_end_p90_us);
        self.end_to_end_p99 = self.end_to_end_p99.max(row.end_to_end_p99_us);
        self.slip_p90 = self.slip_p90.max(row.slip_p90_us);
        self.slip_p99 = self.slip_p99.max(row.slip_p99_us);
        self.lateness_p99 = self.lateness_p99.max(row.lateness_p99_us);
        self
    }

    /// Where it is drawn: what happened in it has no better place than its middle.
    pub(super) const fn middle_s(&self) -> f64 {
        f64::midpoint(self.from_s, self.until_s)
    }

    /// `None` of a part of a second.
    pub(super) fn rate(&self, number: u64) -> Option<f64> {
        (!self.partial).then(|| as_f64(number) / (self.until_s - self.from_s).max(1e-3))
    }
}

/// The timeline in about `most` stretches at most. They are equally long but for rows that are longer by themselves: those of a long
/// run's first hours.
pub(super) fn spans(timeline: &[TimelineRow], most: usize) -> Vec<Span> {
    // A row is cut a moment after its second has ended.
    let at_s = |row: &TimelineRow| row.at_s - 0.05;
    let until_s = timeline.last().map_or(0.0, at_s);
    let step_s = if timeline.len() > most { (until_s / as_f64(most as u64)).ceil() } else { 0.0 };
    let step = |row: &TimelineRow| (at_s(row) / step_s).floor();
    let mut from_s = 0.0;
    let mut spans = Vec::new();
    for rows in timeline.chunk_by(|row, next| step_s > 0.0 && step(row).total_cmp(&step(next)).is_eq()) {
        let span = rows.iter().fold(Span { from_s, ..Span::default() }, Span::add);
        from_s = span.until_s;
        spans.push(span);
    }
    if let [.., _, last] = spans.as_mut_slice() {
        last.partial = last.until_s - last.from_s < WHOLE_S;
    }
    spans
}

/// The stretch that each of the rows is part of.
pub(super) fn spans_of_marks<'a>(spans: &'a [Span], marked: &[&TimelineRow]) -> impl Iterator<Item = &'a Span> {
    marked.iter().filter_map(|row| spans.get(spans.partition_point(|span| span.until_s < row.at_s)))
}

/// How long a stretch is; `None` where each is a second.
pub(super) fn seconds_each(spans: &[Span]) -> Option<String> {
    let seconds = |span: &Span| (span.until_s - span.from_s).round().max(1.0);
    let first = spans.first().map(seconds)?;
    // The last is what is left.
    let whole = &spans[..spans.len() - 1];
    match whole.iter().zip(whole.iter().skip(1)).find(|(span, next)| seconds(span) > 1.5 * seconds(next)) {
        Some((span, next)) => {
            let (long, short) = (figures::span_s(seconds(span)), figures::span_s(seconds(next)));
            Some(format!("{long} until {} and {short} from then on", figures::clock(span.until_s)))
        }
        None => (first > 1.5).then(|| figures::span_s(first)),
    }
}
