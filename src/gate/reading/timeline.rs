//! A metric over the seconds of a report's timeline.

use super::{Missing, Read, Reading};
use crate::figures::as_f64;
use crate::gate::bound::{AtLeast, not_known};
use crate::gate::metric::{Column, Fold};
use crate::report::{RunReport, TimelineRow};

/// A longer row was made of seconds: one in which this process was held up is shorter.
const LONGEST_SECOND_S: f64 = 59.0;

pub(super) fn timeline(report: &RunReport, column: &Column, fold: Fold) -> Read {
    // What is not sent while the last answers are waited for was not to be sent: the least and the mean of a second are those of
    // sending.
    let sending_s = if fold != Fold::Max && column.is_of_sending() { sending_ends_s(report) } else { f64::INFINITY };
    let joined = report.joined_seconds.as_ref();
    let joined_s = joined.map_or(0.0, |joined| joined.most.at_s);
    let seconds = judged_rows(report).filter(|(row, _)| row.at_s > joined_s && row.at_s <= sending_s);
    let (mut values, mut known, mut unknown) = (Vec::new(), 0, 0);
    for (row, length) in seconds {
        if length > LONGEST_SECOND_S {
            return Err(Missing::new("the report has rows of a minute, and no second of them"));
        }
        match column.value(row) {
            Some(value) => values.push(value),
            None => unknown += 1,
        }
    }
    known += values.len() as u64;
    if let Some(joined) = joined {
        let known_joined = (column.read)(&joined.known).unwrap_or(0);
        (known, unknown) = (known + known_joined, unknown + joined.count.saturating_sub(known_joined));
        let row = match fold {
            Fold::Max => &joined.most,
            Fold::Mean => &joined.sum,
            Fold::Min => &joined.least,
        };
        values.extend(column.value(row));
    }
    let value = match fold {
        Fold::Max => values.iter().copied().reduce(f64::max),
        Fold::Min => values.iter().copied().reduce(f64::min),
        Fold::Mean => (known > 0).then(|| values.iter().sum::<f64>() / as_f64(known)),
    };
    let Some(value) = value else {
        return Err(Missing::of_samples("no second of the timeline has a value".to_owned(), 0));
    };
    let at_least = match (column.latency, fold) {
        // An event that was never answered is in no row, so the rows alone would look better than the run was. A second in
        // which nothing was answered has no latency, and hides none.
        (Some(kind), _) => {
            let censored = kind.of(&report.latency_us).map_or(0, |summary| summary.censored);
            (censored > 0).then_some(AtLeast::Censored(censored))
        }
        _ if unknown == 0 => None,
        (None, Fold::Max) => Some(AtLeast::Unknown { seconds: unknown, of: known + unknown }),
        (None, Fold::Min | Fold::Mean) => return Err(Missing::of_samples(not_known(unknown, known + unknown), known)),
    };
    Ok(Reading { value, at_least, samples: Some(known) })
}

/// When the last whole second of sending ends: of seconds that are not whole there is the last at most, in which sending ended.
fn sending_ends_s(report: &RunReport) -> f64 {
    let sends = |row: &&TimelineRow| row.scheduled > 0 || row.sent > 0;
    let Some(last_s) = report.timeline.iter().rev().find(sends).map(|row| row.at_s) else { return f64::INFINITY };
    let before_s = report.timeline.iter().map(|row| row.at_s).filter(|at_s| *at_s < last_s).fold(0.0, f64::max);
    // The schedule reaches beyond its last event by less than the time between two, which no report tells.
    let is_whole = report.run.measured_s + 0.05 >= last_s;
    if is_whole || before_s <= report.run.warm_up_s { last_s } else { before_s }
}

/// The seconds of the timeline no part of which lies in the warm-up, with their lengths.
fn judged_rows(report: &RunReport) -> impl Iterator<Item = (&TimelineRow, f64)> {
    let starts = std::iter::once(0.0).chain(report.timeline.iter().map(|row| row.at_s));
    let rows = report.timeline.iter().zip(starts).filter(|(_, start)| *start >= report.run.warm_up_s);
    rows.map(|(row, start)| (row, row.at_s - start))
}

/// Of these, those that lasted at least half a second: the last may be cut short.
pub(in crate::gate) fn full_rows(report: &RunReport) -> impl Iterator<Item = (&TimelineRow, f64)> {
    judged_rows(report).filter(|(_, length)| *length >= 0.5)
}
