//! The lines of the timeline's charts.

use super::span::Span;
use crate::figures::as_f64;

/// A line of a chart: its key, its label, and its values.
pub(super) type Line = (&'static str, &'static str, fn(&Span) -> Option<f64>);

fn log(us: Option<u64>) -> Option<f64> {
    us.map(|us| as_f64(us.max(1)).log10())
}

pub(super) const RATES: [Line; 4] = [
    ("scheduled", "due", |span: &Span| span.rate(span.scheduled)),
    ("sent", "sent", |span| span.rate(span.sent)),
    ("acked", "acked", |span| span.rate(span.acked)),
    ("seen", "seen", |span| span.rate(span.seen)),
];
pub(super) const LARGEST: Line = ("response_max", "response max", |span: &Span| log(span.response_max));
pub(super) const MEDIAN: Line = ("response_p50", "response p50", |span: &Span| log(span.response_p50));
pub(super) const P90: [Line; 3] = [
    ("response_p90", "response p90", |span: &Span| log(span.response_p90)),
    ("end_to_end_p90", "end-to-end p90", |span| log(span.end_to_end_p90)),
    ("slip_p90", "slip p90", |span| log(span.slip_p90)),
];
pub(super) const P99: [Line; 3] = [
    ("response_p99", "response p99", |span: &Span| log(span.response_p99)),
    ("end_to_end_p99", "end-to-end p99", |span| log(span.end_to_end_p99)),
    ("slip_p99", "slip p99", |span| log(span.slip_p99)),
];
pub(super) const BACKLOGS: [Line; 2] = [
    ("outstanding", "outstanding (sent, no answer)", |span: &Span| Some(as_f64(span.outstanding))),
    ("unread", "lag (acked, not yet seen)", |span| span.unread.map(as_f64)),
];
