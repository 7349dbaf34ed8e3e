//! What a run recorded of its latencies: one histogram a second and kind, as `latency.hlog` holds them.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use hdrhistogram::Histogram;
use jiff::Timestamp;

use crate::event::EventKind;
use crate::report::hlog::{self, HlogError, Series};

pub use crate::report::latency::Kind as LatencyKind;

/// A damaged log must not ask for more memory than a run could.
const MOST_PHASES: usize = 10_000;

/// The samples of one kind in one second, in us.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Its end, in seconds since the start of the schedule.
    pub ends_s: f64,
    /// The samples taken in it.
    pub histogram: Histogram<u64>,
}

/// All that a run recorded of its latencies, in us. The intervals of a kind sum to that kind's figures in the report.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// One interval a second, in the order of time, by kind.
    pub intervals: BTreeMap<LatencyKind, Vec<Interval>>,
    /// The whole run by event type and kind; empty where it was not kept.
    pub by_type: BTreeMap<String, BTreeMap<LatencyKind, Histogram<u64>>>,
    /// Each phase by kind, in the order of the report's phases; empty where it was not kept.
    pub phases: Vec<BTreeMap<LatencyKind, Histogram<u64>>>,
}

impl Recording {
    /// Reads what `latency.hlog` holds. Tags of somebody else's are passed over; an unfinished last line is left out.
    ///
    /// # Errors
    /// The first line that is not what it should be.
    pub fn read(log: &[u8]) -> Result<Self, HlogError> {
        let mut recording = Self::default();
        for hlog::Interval { tag, start, length, mut histogram } in hlog::read(log)? {
            // What is read may end below what a later one, to be added to it, holds.
            histogram.auto(true);
            match Series::of_tag(&tag) {
                None => {}
                Some(Series::Run(latency)) => {
                    let ends_s = (start + length).as_secs_f64();
                    recording.intervals.entry(latency).or_default().push(Interval { ends_s, histogram });
                }
                Some(Series::EventType(event_type, latency)) => {
                    let of_type = recording.by_type.entry(event_type.as_str().to_owned()).or_default();
                    of_type.insert(latency, histogram);
                }
                Some(Series::Phase(place, latency)) if place < MOST_PHASES => {
                    if recording.phases.len() <= place {
                        recording.phases.resize_with(place + 1, BTreeMap::new);
                    }
                    recording.phases[place].insert(latency, histogram);
                }
                Some(Series::Phase(..)) => return Err(HlogError::Phase { tag, most: MOST_PHASES }),
            }
        }
        Ok(recording)
    }

    /// Writes it as a `latency.hlog` of a run that started at `started`.
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write(&self, out: impl Write, started: Timestamp) -> Result<(), HlogError> {
        let mut log = hlog::Writer::begin(out, started)?;
        let seconds = |at_s: f64| Duration::try_from_secs_f64(at_s).unwrap_or_default();
        let mut ends_s = 0.0_f64;
        for (kind, intervals) in &self.intervals {
            let mut from_s = 0.0_f64;
            for (place, interval) in intervals.iter().enumerate() {
                // What was given up at the end is a second line of the last second.
                if let Some(before) = place.checked_sub(1).and_then(|before| intervals.get(before))
                    && before.ends_s < interval.ends_s
                {
                    from_s = before.ends_s;
                }
                let length = seconds(interval.ends_s).saturating_sub(seconds(from_s));
                log.interval(&Series::Run(*kind), &interval.histogram, seconds(from_s), length)?;
                ends_s = ends_s.max(interval.ends_s);
            }
        }
        let whole = seconds(ends_s);
        for (name, kinds) in &self.by_type {
            let Some(event_type) = EventKind::from_bytes(name.as_bytes()) else { continue };
            for (kind, histogram) in kinds {
                log.interval(&Series::EventType(event_type, *kind), histogram, Duration::ZERO, whole)?;
            }
        }
        for (place, kinds) in self.phases.iter().enumerate() {
            for (kind, histogram) in kinds {
                log.interval(&Series::Phase(place, *kind), histogram, Duration::ZERO, whole)?;
            }
        }
        log.flush()
    }

    /// All that it holds of one latency; `None` where that is nothing.
    ///
    /// # Errors
    /// Where two seconds cannot be added up.
    pub fn whole(&self, kind: LatencyKind) -> Result<Option<Histogram<u64>>, hdrhistogram::AdditionError> {
        let mut intervals = self.intervals.get(&kind).into_iter().flatten();
        let Some(first) = intervals.next() else { return Ok(None) };
        let mut whole = first.histogram.clone();
        whole.auto(true);
        for interval in intervals {
            whole.add(&interval.histogram)?;
        }
        Ok(Some(whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(value: u64) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).unwrap();
        histogram.record(value).unwrap();
        histogram
    }

    #[test]
    fn a_recording_reads_back_by_run_type_and_phase() {
        let mut out = Vec::new();
        let mut writer = hlog::Writer::begin(&mut out, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let second = Duration::from_secs(1);
        for (series, value) in [
            (Series::Run(LatencyKind::Slip), 1),
            (Series::Run(LatencyKind::Slip), 2),
            (Series::EventType(EventKind::View, LatencyKind::EndToEnd), 3),
            (Series::Phase(1, LatencyKind::ResponseTime), 4),
        ] {
            assert_eq!(Series::of_tag(&series.to_string()), Some(series.clone()));
            writer.interval(&series, &histogram(value), second * u32::try_from(value).unwrap(), second).unwrap();
        }
        let recording = Recording::read(&out).unwrap();
        let slip = &recording.intervals[&LatencyKind::Slip];
        assert_eq!(slip.iter().map(|interval| interval.ends_s).collect::<Vec<_>>(), [2.0, 3.0]);
        assert_eq!(recording.by_type["view"][&LatencyKind::EndToEnd], histogram(3));
        assert!(recording.phases[0].is_empty());
        assert_eq!(recording.phases[1][&LatencyKind::ResponseTime], histogram(4));
        assert_eq!(recording.whole(LatencyKind::Slip).unwrap().unwrap().len(), 2);
        assert_eq!(recording.whole(LatencyKind::EndToEnd).unwrap(), None);
        let mut again = Vec::new();
        recording.write(&mut again, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let again = Recording::read(&again).unwrap();
        assert_eq!((&again.by_type, &again.phases), (&recording.by_type, &recording.phases));
        let ends = |recording: &Recording| {
            recording.intervals[&LatencyKind::Slip].iter().map(|one| one.ends_s).collect::<Vec<_>>()
        };
        assert_eq!(ends(&again), ends(&recording));
        for tag in ["", "other", "by_type.nothing.slip", "phase.x.slip", "a.by_type.view.slip"] {
            assert_eq!(Series::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn a_damaged_log_cannot_ask_for_memory_without_end() {
        let mut out = Vec::new();
        let mut writer = hlog::Writer::begin(&mut out, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let series = Series::Phase(usize::MAX, LatencyKind::Slip);
        writer.interval(&series, &histogram(1), Duration::ZERO, Duration::ZERO).unwrap();
        assert!(Recording::read(&out).unwrap_err().to_string().ends_with("a run has at most 10000 phases"));
    }
}
