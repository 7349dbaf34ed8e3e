//! What a run recorded of its latencies: one histogram a second and kind, as `latency.hlog` holds them.

pub mod hlog;

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use hdrhistogram::Histogram;
use jiff::Timestamp;

use self::hlog::{HlogError, Series};

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

/// A line of the log.
struct Line<'a> {
    series: Series,
    from: Duration,
    length: Duration,
    histogram: &'a Histogram<u64>,
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
                    let of_type = recording.by_type.entry(event_type).or_default();
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

    /// Writes it as a `latency.hlog` of a run that started at `started`, all lines in the order in which their intervals start:
    /// readers of a window stop at the first line behind it, whatever its tag (`HistogramLogReader` of the Java library).
    ///
    /// # Errors
    /// Where `out` cannot be written.
    pub fn write(&self, out: impl Write, started: Timestamp) -> Result<(), HlogError> {
        let mut log = hlog::Writer::begin(out, started)?;
        let mut lines = self.lines();
        lines.sort_by_key(|line| line.from);
        for Line { series, from, length, histogram } in lines {
            log.interval(&series, histogram, from, length)?;
        }
        log.flush()
    }

    /// Every line, one series after the other.
    fn lines(&self) -> Vec<Line<'_>> {
        let seconds = |at_s: f64| Duration::try_from_secs_f64(at_s).unwrap_or_default();
        let mut lines = Vec::new();
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
                let from = seconds(from_s);
                let length = seconds(interval.ends_s).saturating_sub(from);
                lines.push(Line { series: Series::Run(*kind), from, length, histogram: &interval.histogram });
                ends_s = ends_s.max(interval.ends_s);
            }
        }
        let whole = |series, histogram| Line { series, from: Duration::ZERO, length: seconds(ends_s), histogram };
        for (name, kinds) in &self.by_type {
            lines.extend(kinds.iter().map(|(kind, of)| whole(Series::EventType(name.clone(), *kind), of)));
        }
        for (place, kinds) in self.phases.iter().enumerate() {
            lines.extend(kinds.iter().map(|(kind, of)| whole(Series::Phase(place, *kind), of)));
        }
        lines
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
            (Series::EventType("view".to_owned(), LatencyKind::EndToEnd), 3),
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
        for tag in ["", "other", "by_type.view.nothing", "phase.x.slip", "a.by_type.view.slip"] {
            assert_eq!(Series::of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn the_lines_of_all_tags_are_in_the_order_of_their_starts() {
        let intervals = |ends: &[u32]| {
            let of = |ends_s: &u32| Interval { ends_s: f64::from(*ends_s), histogram: histogram(5) };
            ends.iter().map(of).collect::<Vec<_>>()
        };
        // As of two processes, one of which began three seconds later.
        let recording = Recording {
            intervals: [
                (LatencyKind::Slip, intervals(&[1, 2, 3, 4, 5, 6, 6])),
                (LatencyKind::ResponseTime, intervals(&[2, 3, 6])),
                (LatencyKind::EndToEnd, intervals(&[1, 6])),
            ]
            .into(),
            by_type: [("view".to_owned(), [(LatencyKind::EndToEnd, histogram(3))].into())].into(),
            phases: vec![[(LatencyKind::ResponseTime, histogram(4))].into()],
        };
        let mut out = Vec::new();
        recording.write(&mut out, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let lines = hlog::read(&out).unwrap();
        assert_eq!(lines.len(), 14);
        assert!(lines.is_sorted_by_key(|line| line.start));
        let slips = lines.iter().filter(|line| line.tag == Series::Run(LatencyKind::Slip).to_string());
        let starts: Vec<u64> = slips.map(|line| line.start.as_secs()).collect();
        assert_eq!(starts, [0, 1, 2, 3, 4, 5, 5]);
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
