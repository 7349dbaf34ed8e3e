//! The parts' seconds on one clock.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::latency::Seconds;
use super::{Aligned, MergeError, PartRows};
use crate::measure::LatencyHistogram;
use crate::recording::LatencyKind;
use crate::report::{LatencySummary, TimelineRow};

/// One row for every second in which a row of any part ends, by wall clock.
pub(super) fn timeline(parts: &[Aligned], histograms: &Seconds) -> Result<Vec<TimelineRow>, MergeError> {
    let mut seconds = BTreeMap::<u64, TimelineRow>::new();
    for part in parts {
        let mut rows = BTreeMap::<u64, TimelineRow>::new();
        for row in rows_of(part)?.iter() {
            let place = rows.entry(part.second(row.at_s));
            let row = TimelineRow { at_s: row.at_s + part.starts_s, ..row.clone() };
            place.and_modify(|earlier| *earlier = after(earlier, &row)).or_insert(row);
        }
        for (second, row) in rows {
            let place = seconds.entry(second);
            place
                .and_modify(|sum| *sum = beside(&[std::mem::take(sum), row.clone()]))
                .or_insert_with(|| beside(&[row]));
        }
    }
    let whole = |(second, sum): (u64, TimelineRow)| {
        let of = |kind| {
            let interval = histograms.get(&kind)?.get(&second)?;
            Some(LatencyHistogram::of(interval.histogram.clone(), &LatencySummary::default()))
        };
        let p90 = |kind| of(kind).and_then(|histogram| histogram.quantile(0.9));
        let p99 = |kind| of(kind).and_then(|histogram| histogram.quantile(0.99));
        let response = of(LatencyKind::ResponseTime);
        TimelineRow {
            response_p50_us: response.as_ref().and_then(|histogram| histogram.quantile(0.5)),
            response_p90_us: p90(LatencyKind::ResponseTime),
            response_p99_us: response.as_ref().and_then(|histogram| histogram.quantile(0.99)),
            response_max_us: response.as_ref().and_then(|histogram| histogram.summary().max),
            service_p99_us: p99(LatencyKind::ServiceTime),
            end_to_end_p90_us: p90(LatencyKind::EndToEnd),
            end_to_end_p99_us: p99(LatencyKind::EndToEnd),
            slip_p90_us: p90(LatencyKind::Slip),
            slip_p99_us: p99(LatencyKind::Slip),
            lateness_p99_us: p99(LatencyKind::Lateness),
            capped_p99_us: p99(LatencyKind::Capped),
            ..sum
        }
    };
    Ok(seconds.into_iter().map(whole).collect())
}

fn rows_of(part: &Aligned) -> Result<Cow<'_, [TimelineRow]>, MergeError> {
    match &part.rows {
        PartRows::InReport => Ok(Cow::Borrowed(&part.report.timeline)),
        PartRows::There(read) => {
            let unreadable = |why| MergeError::Unreadable { part: part.name.clone(), why };
            Ok(Cow::Owned(read().map_err(unreadable)?))
        }
    }
}

/// Two rows of one part that fall into one second.
fn after(earlier: &TimelineRow, later: &TimelineRow) -> TimelineRow {
    TimelineRow {
        at_s: later.at_s,
        outstanding: later.outstanding,
        backlog: later.backlog,
        unread: later.unread,
        rss_kib: later.rss_kib,
        ..beside(&[earlier.clone(), later.clone()])
    }
}

/// The sum of rows that ran beside each other, without latencies. A figure that one of them lacks, the sum lacks.
fn beside(rows: &[TimelineRow]) -> TimelineRow {
    let sum = |of: fn(&TimelineRow) -> u64| rows.iter().map(of).sum();
    let marks: BTreeSet<&String> = rows.iter().flat_map(|row| &row.marks).collect();
    TimelineRow {
        at_s: rows.iter().map(|row| row.at_s).fold(0.0, f64::max),
        scheduled: sum(|row| row.scheduled),
        sent: sum(|row| row.sent),
        acked: sum(|row| row.acked),
        seen: sum(|row| row.seen),
        failed: sum(|row| row.failed),
        refused: sum(|row| row.refused),
        outstanding: sum(|row| row.outstanding),
        backlog: rows.iter().map(|row| row.backlog).sum(),
        unread: rows.iter().map(|row| row.unread).sum(),
        cpu_ms: rows.iter().map(|row| row.cpu_ms).sum(),
        throttled_ms: rows.iter().map(|row| row.throttled_ms).sum(),
        machine_busy_percent: rows.iter().filter_map(|row| row.machine_busy_percent).max(),
        rss_kib: rows.iter().map(|row| row.rss_kib).sum(),
        marks: marks.into_iter().cloned().collect(),
        ..TimelineRow::default()
    }
}
