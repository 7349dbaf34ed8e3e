//! The ends of the logs while reading goes on, asked for once a second: how far behind the reader is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use crate::clock::Nanos;
use crate::control::{OF_OTHERS, Traffic};
use crate::kafka::{Wait, Watermarks};
use crate::measure::Sampler;
use crate::report::TimelineRow;
use crate::report::latency::Kind;
use crate::run::watch::{Subject, WatchRecord};
use crate::run::{RunError, Tick, threads};
use crate::verify::reader::Reader;

const EVERY: Nanos = Nanos::from_secs(1);
/// The longest wait for the leaders.
const ASK: Duration = Duration::from_millis(500);

/// The ends as they were last told; `None` where a leader did not answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Ends(Arc<Mutex<Vec<Option<i64>>>>);

impl Ends {
    /// Records between these positions and the ends; `None` where an end is not known, or where all partitions are others'.
    pub(super) fn behind(&self, positions: &[i64]) -> Option<u64> {
        let ends = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ends.is_empty() || positions.iter().all(|at| *at == OF_OTHERS) {
            return None;
        }
        ends.iter().zip(positions).map(|(end, at)| Some(u64::try_from((*end)? - at).unwrap_or(0))).sum()
    }

    fn put(&self, ends: Vec<Option<i64>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }
}

/// Asks until `going` is false. Up to the first answer the ends are those of `known`.
pub(super) fn ask<'scope>(
    scope: &'scope Scope<'scope, '_>,
    mut asker: Box<dyn Reader>,
    topic: String,
    known: &[Watermarks],
    going: &'scope AtomicBool,
) -> Result<Ends, RunError> {
    let ends = Ends::default();
    ends.put(known.iter().map(|marks| Some(marks.high)).collect());
    let told = ends.clone();
    let all: Vec<i32> = (0_i32..).take(known.len()).collect();
    threads::start_looking(scope, "log-ends", going, Nanos::ZERO, move |last| {
        if !last {
            let wait = Wait { timeout: ASK, given_up: &|| !going.load(Ordering::Acquire) };
            let ends = asker.ends(&topic, &all, wait);
            told.put(ends.into_iter().map(|ends| ends.ok().map(|ends| ends.high)).collect());
        }
        Some(EVERY)
    })?;
    Ok(ends)
}

/// A reading as it is watched.
pub(super) struct Reading<'a> {
    /// Whether it ends by itself.
    pub(super) is_bounded: bool,
    /// After how many records it ends.
    pub(super) records: Option<u64>,
    pub(super) ends: Ends,
    pub(super) traffic: &'a Traffic,
    /// Sequences not seen between the first and the last of each lane.
    pub(super) gaps: &'a AtomicU64,
}

impl Subject for Reading<'_> {
    fn is_bounded(&self) -> bool {
        self.is_bounded
    }

    fn row(&mut self, sampler: &Sampler, now: Nanos, marks: Vec<String>, _watched: &mut WatchRecord) -> TimelineRow {
        let (interval, _) = sampler.both();
        TimelineRow {
            at_s: now.as_secs_f64(),
            seen: interval.seen,
            unread: self.ends.behind(&self.traffic.positions()),
            end_to_end_p99_us: interval.whole().latency(Kind::EndToEnd).quantile(0.99),
            marks,
            ..TimelineRow::default()
        }
    }

    fn tell<'t>(&'t self, tick: Tick<'t>) -> Tick<'t> {
        let awaited = self.records.map(|asked| asked.saturating_sub(self.traffic.records_read()));
        Tick { gaps: Some(self.gaps.load(Ordering::Acquire)), awaited, ..tick }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_behind_is_known_only_where_every_end_is() {
        let ends = Ends::default();
        assert_eq!(ends.behind(&[0, 0]), None);
        ends.put(vec![Some(10), Some(5)]);
        assert_eq!(ends.behind(&[4, 7]), Some(6), "a position past an end that was asked for earlier is no debt");
        ends.put(vec![Some(10), None]);
        assert_eq!(ends.behind(&[4, 5]), None);
        ends.put(vec![Some(10), Some(5)]);
        assert_eq!(ends.behind(&[4, OF_OTHERS]), Some(6));
        assert_eq!(
            ends.behind(&[OF_OTHERS, OF_OTHERS]),
            None,
            "a member without a partition knows nothing of what is left"
        );
    }
}
