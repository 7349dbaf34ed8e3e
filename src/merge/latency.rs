//! Histograms added up exactly, and the summaries computed from the sums.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::{Aligned, MergeError, PartHistograms};
use crate::figures::as_f64;
use crate::measure::LatencyHistogram;
use crate::recording::{Interval, LatencyKind, Recording};
use crate::report::{DistributionPoint, Latencies, LatencySummary};

/// The histograms of a type or phase.
pub(super) type ByKind = BTreeMap<LatencyKind, Histogram<u64>>;
/// Each kind's seconds, by their number.
pub(super) type Seconds = BTreeMap<LatencyKind, BTreeMap<u64, Interval>>;

/// The histograms of all parts, added up.
#[derive(Default)]
pub(super) struct HistogramSums {
    /// The parts' seconds on one clock.
    pub(super) seconds: Seconds,
    /// Those of each type, where every part with samples of it has them.
    pub(super) by_type: BTreeMap<String, ByKind>,
    /// Those of each phase, where every part with samples of it has them.
    pub(super) phases: Vec<ByKind>,
}

/// Adds up what all parts recorded, and holds one of them at a time.
pub(super) fn sums(parts: &[Aligned]) -> Result<HistogramSums, MergeError> {
    let mut sums = HistogramSums::default();
    for part in parts {
        match &part.recording {
            PartHistograms::Here(recording) => sums.add(part, recording)?,
            PartHistograms::There(read) => {
                let unreadable = |why| MergeError::Unreadable { part: part.name.clone(), why };
                sums.add(part, &read().map_err(unreadable)?)?;
            }
        }
    }
    for (name, kinds) in &mut sums.by_type {
        let reports = || parts.iter().filter_map(|part| part.report.by_type.get(name));
        kinds.retain(|kind, sum| {
            let samples = reports().filter_map(|of_type| kind.of_type(&of_type.latency_us)).map(|kind| kind.count);
            sum.len() == samples.sum::<u64>()
        });
    }
    for (index, kinds) in sums.phases.iter_mut().enumerate() {
        let reports = || parts.iter().filter_map(|part| part.report.phases.get(index));
        kinds.retain(|kind, sum| {
            let samples = reports().filter_map(|phase| kind.of(&phase.latency_us)).map(|kind| kind.count);
            sum.len() == samples.sum::<u64>()
        });
    }
    Ok(sums)
}

impl HistogramSums {
    fn add(&mut self, part: &Aligned, recording: &Recording) -> Result<(), MergeError> {
        agrees(part, recording)?;
        for (kind, intervals) in &recording.intervals {
            for interval in intervals {
                let ends_s = interval.ends_s + part.starts_s;
                let place = self.seconds.entry(*kind).or_default().entry(part.second(interval.ends_s));
                let sum = place.or_insert_with(|| Interval { ends_s, histogram: empty() });
                sum.ends_s = sum.ends_s.max(ends_s);
                add(&mut sum.histogram, &interval.histogram, part, *kind)?;
            }
        }
        for (name, kinds) in &recording.by_type {
            add_kinds(self.by_type.entry(name.clone()).or_default(), kinds, part)?;
        }
        if self.phases.len() < recording.phases.len() {
            self.phases.resize_with(recording.phases.len(), ByKind::new);
        }
        for (sum, kinds) in self.phases.iter_mut().zip(&recording.phases) {
            add_kinds(sum, kinds, part)?;
        }
        Ok(())
    }
}

/// The same as a run records them.
pub(super) fn intervals(seconds: Seconds) -> BTreeMap<LatencyKind, Vec<Interval>> {
    seconds.into_iter().map(|(kind, seconds)| (kind, seconds.into_values().collect())).collect()
}

fn add_kinds(sums: &mut ByKind, histograms: &ByKind, part: &Aligned) -> Result<(), MergeError> {
    histograms.iter().try_for_each(|(kind, histogram)| {
        let sum = sums.entry(*kind).or_insert_with(empty);
        add(sum, histogram, part, *kind)
    })
}

fn empty() -> Histogram<u64> {
    LatencyHistogram::default().histogram().clone()
}

fn add(
    sum: &mut Histogram<u64>,
    histogram: &Histogram<u64>,
    part: &Aligned,
    kind: LatencyKind,
) -> Result<(), MergeError> {
    let failed = |error: hdrhistogram::AdditionError| MergeError::Histogram {
        part: part.name.clone(),
        kind,
        why: error.to_string(),
    };
    sum.add(histogram).map_err(failed)
}

/// Whether the histograms of a part are those that its report was computed from.
fn agrees(part: &Aligned, recording: &Recording) -> Result<(), MergeError> {
    for kind in LatencyKind::ALL {
        let reported = kind.of(&part.report.latency_us).map_or(0, |summary| summary.count);
        let intervals = recording.intervals.get(&kind);
        let recorded = intervals.map_or(0, |all| all.iter().map(|interval| interval.histogram.len()).sum());
        if reported != recorded {
            return Err(MergeError::Samples { part: part.name.clone(), kind, recorded, reported });
        }
    }
    Ok(())
}

/// The latencies of the whole run.
pub(super) fn latencies(parts: &[Aligned], seconds: &Seconds) -> Latencies {
    let of = |kind: LatencyKind| {
        let summaries = || parts.iter().filter_map(|part| kind.of(&part.report.latency_us));
        summaries().next()?;
        Some(summary(&whole(seconds, kind), summaries()))
    };
    Latencies {
        slip: of(LatencyKind::Slip),
        lateness: of(LatencyKind::Lateness),
        blocked: of(LatencyKind::Blocked),
        capped: of(LatencyKind::Capped),
        service_time: of(LatencyKind::ServiceTime).unwrap_or_default(),
        response_time: of(LatencyKind::ResponseTime).unwrap_or_default(),
        end_to_end: of(LatencyKind::EndToEnd),
        commit_time: of(LatencyKind::CommitTime),
        commit_call: of(LatencyKind::CommitCall),
    }
}

/// How each latency is distributed, where any part says so.
pub(super) fn distributions(parts: &[Aligned], seconds: &Seconds) -> BTreeMap<String, Vec<DistributionPoint>> {
    let of = |kind: LatencyKind| {
        let known = parts.iter().any(|part| part.report.distributions.contains_key(kind.as_str()));
        let points = || LatencyHistogram::of(whole(seconds, kind), &LatencySummary::default()).distribution();
        known.then(|| (kind.as_str().to_owned(), points()))
    };
    LatencyKind::ALL.into_iter().filter_map(of).collect()
}

fn whole(seconds: &Seconds, kind: LatencyKind) -> Histogram<u64> {
    let mut sum = LatencyHistogram::default();
    for interval in seconds.get(&kind).into_iter().flat_map(BTreeMap::values) {
        sum.add(&LatencyHistogram::of(interval.histogram.clone(), &LatencySummary::default()));
    }
    sum.histogram().clone()
}

/// The summary of a sum of histograms, with what the parts' summaries say beside the counts.
pub(super) fn summary<'a>(
    histogram: &Histogram<u64>,
    parts: impl Iterator<Item = &'a LatencySummary>,
) -> LatencySummary {
    let beside = beside(parts);
    let summary = LatencyHistogram::of(histogram.clone(), &beside).summary();
    LatencySummary { clock_bound_us: beside.clock_bound_us, ..summary }
}

/// What summaries say when no histogram is there: everything but the quantiles.
pub(super) fn summary_without_quantiles<'a>(parts: impl Iterator<Item = &'a LatencySummary> + Clone) -> LatencySummary {
    let count = parts.clone().map(|part| part.count).sum();
    let weighted = |part: &LatencySummary| part.mean.map(|mean| mean * share(part.count, count));
    LatencySummary {
        count,
        min: parts.clone().filter_map(|part| part.min).min(),
        max: parts.clone().filter_map(|part| part.max).max(),
        mean: (count > 0).then(|| parts.clone().filter_map(weighted).sum()),
        ..beside(parts)
    }
}

fn share(part: u64, whole: u64) -> f64 {
    as_f64(part) / as_f64(whole.max(1))
}

/// What counts do not show.
fn beside<'a>(parts: impl Iterator<Item = &'a LatencySummary>) -> LatencySummary {
    parts.fold(LatencySummary::default(), |sum, part| LatencySummary {
        saturated: sum.saturated + part.saturated,
        censored: sum.censored + part.censored,
        censored_from: [sum.censored_from, part.censored_from].into_iter().flatten().min(),
        clock_bound_us: sum.clock_bound_us.max(part.clock_bound_us),
        ..sum
    })
}
