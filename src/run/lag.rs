//! How far a consumer group that somebody else runs is behind: looked at once a second, never joined.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use super::RunError;
use super::target::Target;
use super::threads::{self, Running};
use crate::clock::Nanos;
use crate::kafka::native::Consumer;
use crate::kafka::slots::Slots;
use crate::kafka::{Code, KafkaError, Wait, Watermarks};
use crate::report::LagReport;

const THREAD: &str = "group-lag";
const EVERY: Nanos = Nanos::from_secs(1);
/// The longest wait for the coordinator, and for the leaders.
const ASK: Duration = Duration::from_secs(1);

/// The lag of a group, as far as it is known, shared with those who tell of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Lag(Arc<Mutex<LastLook>>);

#[derive(Debug, Default)]
struct LastLook {
    /// `None` where the group has committed nothing in a partition with records, or the last look failed: an old figure is not told as
    /// today's.
    latest: Option<u64>,
    highest: Option<u64>,
    partitions: Vec<Option<u64>>,
    /// Why the last look failed.
    error: Option<Code>,
}

impl Lag {
    /// Records behind, over all partitions, when last looked at.
    pub(super) fn latest(&self) -> Option<u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).latest
    }

    /// What the report says of it.
    pub(super) fn report(&self, group: &str) -> LagReport {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        LagReport {
            group: group.to_owned(),
            at_end: seen.latest,
            highest: seen.highest,
            partitions: seen.partitions.clone(),
            error: seen.error.map(|code| format!("{code:?}")),
        }
    }

    fn note(&self, found: Result<Vec<Option<u64>>, Code>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match found {
            Ok(partitions) => {
                // A sum that leaves partitions out would look better than it is.
                seen.latest = partitions.iter().copied().sum();
                seen.highest = seen.highest.max(seen.latest);
                (seen.partitions, seen.error) = (partitions, None);
            }
            Err(code) => {
                (seen.latest, seen.error) = (None, Some(code));
                seen.partitions.clear();
            }
        }
    }
}

/// A lag that is being looked at.
pub(super) struct LagWatch<'scope> {
    lag: Lag,
    thread: Running<'scope, ()>,
}

impl LagWatch<'_> {
    /// What is seen, as it goes on.
    pub(super) fn lag(&self) -> Lag {
        self.lag.clone()
    }

    /// Waits for the last look, after which nothing changes any more.
    pub(super) fn end(self) -> Result<Lag, RunError> {
        threads::join(self.thread, THREAD)?;
        Ok(self.lag)
    }
}

/// Somebody who looks at a group.
pub(super) struct Watcher {
    consumer: Consumer,
    slots: Arc<Slots>,
    topic: String,
}

impl Watcher {
    /// Stands ready to look at the lag of `group`.
    pub(super) fn new(target: &Target, topic: &str, group: &str) -> Result<Self, KafkaError> {
        let consumer = target.consumer(&[("group.id", group)])?;
        Ok(Self { consumer, slots: Arc::clone(&target.slots), topic: topic.to_owned() })
    }

    /// Looks at the group until `going` is false, and then once more: the end of the run is looked at too.
    pub(super) fn watch<'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
        going: &'scope AtomicBool,
    ) -> Result<LagWatch<'scope>, RunError> {
        let lag = Lag::default();
        let noted = lag.clone();
        let thread = threads::start_looking(scope, THREAD, going, Nanos::ZERO, move |_| {
            noted.note(self.look());
            Some(EVERY)
        })?;
        Ok(LagWatch { lag, thread })
    }

    /// By slot, how many records lie between what the group has committed and the end of the log; `None` where it has committed
    /// nothing and there are records.
    fn look(&self) -> Result<Vec<Option<u64>>, Code> {
        let committed = self.consumer.committed(&self.slots, ASK)?;
        let slots: Vec<i32> = (0_i32..).take(committed.len()).collect();
        let ends = self.consumer.ends(&self.topic, &slots, Wait::of(ASK));
        committed.into_iter().zip(ends).map(|(committed, ends)| Ok(behind(committed, ends?))).collect()
    }
}

/// Records between what a group has committed in a partition and its end. One that has committed nothing is behind by all that is
/// there, or by nothing, as its members are set.
fn behind(committed: Option<i64>, ends: Watermarks) -> Option<u64> {
    match committed {
        Some(committed) => Some(u64::try_from(ends.high - committed).unwrap_or(0)),
        None => (ends.low == ends.high).then_some(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_fails_leaves_no_old_figure_behind() {
        let lag = Lag::default();
        lag.note(Ok(vec![Some(3), Some(0), Some(4)]));
        lag.note(Ok(vec![Some(1), Some(0), Some(1)]));
        let report = lag.report("g");
        assert_eq!((report.at_end, report.highest, report.error), (Some(2), Some(7), None));
        lag.note(Err(Code::OperationTimedOut));
        let report = lag.report("g");
        assert_eq!((lag.latest(), report.at_end, report.highest), (None, None, Some(7)));
        assert_eq!(report.error.as_deref(), Some("_TIMED_OUT"));
        lag.note(Ok(vec![Some(5)]));
        assert_eq!((lag.latest(), lag.report("g").error), (Some(5), None));
    }

    #[test]
    fn a_lag_is_known_where_that_of_each_partition_is() {
        let lag = Lag::default();
        for partitions in [vec![None, None], vec![Some(2_001), None]] {
            lag.note(Ok(partitions.clone()));
            assert_eq!((lag.latest(), lag.report("g").highest), (None, None), "{partitions:?}");
            assert_eq!(lag.report("g").partitions, partitions);
        }
        let ends = |low, high| Watermarks { low, high, stable: high };
        assert_eq!([behind(Some(4), ends(0, 9)), behind(Some(4), ends(0, 3))], [Some(5), Some(0)]);
        assert_eq!([behind(None, ends(0, 9)), behind(None, ends(7, 7))], [None, Some(0)]);
    }
}
