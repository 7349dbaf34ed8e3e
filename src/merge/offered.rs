//! What the parts' schedules asked for and what was sent, together.
//!
//! Rates are those of the gaps between events, as in the report of one process: n events have n - 1 gaps.

use super::Aligned;
use crate::figures::as_f64;
use crate::report::{Offered, PhaseReport};

/// The whole run, on the common clock. A part's first event was due one span before its last one was sent.
pub(super) fn whole(parts: &[Aligned]) -> Offered {
    let sum = added(parts.iter().map(|part| &part.report.offered));
    let mut sent = Extent::default();
    let mut due = Extent::default();
    for part in parts {
        let offered = &part.report.offered;
        let count = part.report.by_type.values().map(|of_type| of_type.sent).sum();
        let last_sent = part.starts_s + part.report.run.measured_s;
        let first_due = last_sent - span(count, offered.achieved_rate_per_s);
        sent.add(count, first_due, last_sent);
        let last_due = first_due + span(offered.scheduled, offered.rate_per_s.unwrap_or_default());
        due.add(offered.scheduled, first_due, last_due);
    }
    // Only events with due times have a slip.
    let has_due_times = parts.iter().all(|part| part.report.latency_us.slip.is_some());
    with_rates(&sum, sent, has_due_times.then_some(due))
}

/// One phase, which the parts ran side by side.
pub(super) fn phase(parts: &[&PhaseReport]) -> Offered {
    let sum = added(parts.iter().map(|part| &part.offered));
    let mut sent = Extent::default();
    let mut due = Extent::default();
    for PhaseReport { offered, ledger, .. } in parts {
        let count = ledger.scheduled - ledger.not_attempted.min(ledger.scheduled);
        sent.add(count, 0.0, span(count, offered.achieved_rate_per_s));
        due.add(offered.scheduled, 0.0, span(offered.scheduled, offered.rate_per_s.unwrap_or_default()));
    }
    let has_due_times = parts.iter().all(|part| part.latency_us.slip.is_some());
    with_rates(&sum, sent, has_due_times.then_some(due))
}

/// Seconds between the first and the last of so many events at a rate.
fn span(count: u64, rate_per_s: f64) -> f64 {
    if count > 1 && rate_per_s > 0.0 { as_f64(count - 1) / rate_per_s } else { 0.0 }
}

/// Events of several parts, and the time they took together.
#[derive(Clone, Copy, Debug, Default)]
struct Extent {
    count: u64,
    /// First and last, in seconds.
    between: Option<(f64, f64)>,
}

impl Extent {
    fn add(&mut self, count: u64, first: f64, last: f64) {
        if count > 0 {
            self.count += count;
            self.between = self.between.map_or(Some((first, last)), |(a, b)| Some((a.min(first), b.max(last))));
        }
    }

    fn span_s(self) -> f64 {
        self.between.map_or(0.0, |(first, last)| last - first)
    }

    fn rate_per_s(self) -> Option<f64> {
        (self.count > 1 && self.span_s() > 0.0).then(|| as_f64(self.count - 1) / self.span_s())
    }
}

fn added<'a>(parts: impl Iterator<Item = &'a Offered>) -> Offered {
    parts.fold(Offered::default(), |sum, part| Offered {
        scheduled: sum.scheduled + part.scheduled,
        bytes: sum.bytes + part.bytes,
        client_blocked_s: sum.client_blocked_s + part.client_blocked_s,
        capped_s: sum.capped_s + part.capped_s,
        flow_control_s: sum.flow_control_s + part.flow_control_s,
        ..sum
    })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a run takes less than 2^52 ms")]
fn with_rates(sum: &Offered, sent: Extent, due: Option<Extent>) -> Offered {
    let rate_per_s = due.and_then(Extent::rate_per_s);
    let achieved_rate_per_s = sent.rate_per_s().unwrap_or_default();
    Offered {
        rate_per_s,
        achieved_rate_per_s,
        achieved_percent: rate_per_s.map(|rate| achieved_rate_per_s / rate * 100.0),
        due_span_ms: due.map_or(0, |due| (due.span_s() * 1000.0).round() as u64),
        ..sum.clone()
    }
}
