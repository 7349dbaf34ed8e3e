//! How faithful a replay was: what was sent against the recording's own timeline, compressed.

use hdrhistogram::Histogram;

use crate::lane::rhythm::Rhythm;
use crate::measure::LatencyHistogram;
use crate::report::{Fidelity, InterArrival, figures};

/// 99 % of the events of a faithful replay are no further than this off their ideal time.
const MOST_OFF_US: u64 = 5_000;
/// The inter-arrivals of a faithful replay are no further than this from the recorded ones, compared by the millisecond.
const MOST_KS: f64 = 0.01;
/// The resolution of the recording and of Kafka's own timestamps, and what threads that sleep between events can keep.
const RESOLUTION_US: u64 = 1_000;

/// What else is known of a replay that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    /// Sent - due of all events.
    pub slip: &'a LatencyHistogram,
    /// Events that came due.
    pub scheduled: u64,
    /// First sightings out of the order in which their lane sent them; `None` where nothing was read back.
    pub reordered: Option<u64>,
    /// The busiest second by due times.
    pub peak_scheduled: Option<u64>,
    /// The busiest second as sent.
    pub peak_sent: Option<u64>,
    /// How often a person changed the rate.
    pub changes: usize,
}

/// Judges a replay.
pub(super) fn judge(rhythm: &Rhythm, known: Known<'_>) -> Fidelity {
    let off = known.slip.summary();
    let distance = |resolution_us| kolmogorov_smirnov(rhythm.due.histogram(), rhythm.sent.histogram(), resolution_us);
    let ks_distance = distance(RESOLUTION_US);
    let inversions = known.reordered.map(|reordered| reordered + rhythm.backward);
    let mut reasons = Vec::new();
    if rhythm.events == 0 {
        reasons.push("nothing was sent".to_owned());
    }
    if known.changes > 0 {
        reasons.push(format!("the speed was changed by hand ({} changes)", known.changes));
    }
    // Fewer than 1,000 events have no p99; then the farthest one counts.
    let (which, at) = off.p99.map_or(("the farthest event is", off.max), |p99| ("p99 is", Some(p99)));
    if let Some(at) = at.filter(|at| *at > MOST_OFF_US) {
        let (at, most) = (figures::duration_us(at), figures::duration_us(MOST_OFF_US));
        reasons.push(format!("{which} {at} off the ideal timeline, more than {most}"));
    }
    if let Some(distance) = ks_distance.filter(|distance| *distance > MOST_KS) {
        let distance = figures::number(distance, 3);
        reasons.push(format!(
            "inter-arrivals differ: Kolmogorov-Smirnov distance {distance} at 1 ms, more than {MOST_KS}"
        ));
    }
    if let Some(count) = inversions.filter(|count| *count > 0) {
        reasons.push(format!("{} out of their user's order", figures::counted(count, "event")));
    }
    if rhythm.events < known.scheduled {
        reasons.push(format!("{} not sent", figures::counted(known.scheduled - rhythm.events, "event")));
    }
    Fidelity {
        faithful: reasons.is_empty(),
        reasons,
        bound: format!(
            "p99 off the ideal timeline <= {}, Kolmogorov-Smirnov distance <= {MOST_KS} at 1 ms, no inversion",
            figures::duration_us(MOST_OFF_US)
        ),
        events: rhythm.events,
        off_p50_us: off.p50,
        off_p99_us: off.p99,
        off_max_us: off.max,
        ks_distance,
        ks_distance_1us: distance(1),
        recorded_gaps: gaps(&rhythm.due),
        replayed_gaps: gaps(&rhythm.sent),
        moved_percent: percent(rhythm.moved, rhythm.events),
        peak_recorded_per_s: known.peak_scheduled,
        peak_replayed_per_s: known.peak_sent,
        inversions,
    }
}

fn gaps(of: &LatencyHistogram) -> InterArrival {
    let summary = of.summary();
    InterArrival { p50_us: summary.p50, p99_us: summary.p99, max_us: summary.max }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs 15 digits, not 19")]
fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// The largest difference between the two cumulated distributions at multiples of the resolution, to the histograms' three
/// digits; `None` where one is empty.
#[expect(clippy::cast_precision_loss, reason = "counts of samples, far below 2^52")]
fn kolmogorov_smirnov(one: &Histogram<u64>, other: &Histogram<u64>, resolution_us: u64) -> Option<f64> {
    if one.is_empty() || other.is_empty() {
        return None;
    }
    let steps = |of: &Histogram<u64>, sign: f64| {
        let all = of.len() as f64;
        of.iter_recorded()
            .map(|step| (step.value_iterated_to(), sign * step.count_since_last_iteration() as f64 / all))
            .collect::<Vec<_>>()
    };
    let mut steps = [steps(one, 1.0), steps(other, -1.0)].concat();
    steps.sort_unstable_by_key(|(value, _)| *value);
    let (mut difference, mut largest) = (0.0_f64, 0.0_f64);
    for same in steps.chunk_by(|(a, _), (b, _)| a / resolution_us == b / resolution_us) {
        difference += same.iter().map(|(_, step)| step).sum::<f64>();
        largest = largest.max(difference.abs());
    }
    Some(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Nanos;

    fn of(values_us: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::default();
        values_us.into_iter().for_each(|us| histogram.record(Nanos(us * 1_000)));
        histogram
    }

    fn known(slip: &LatencyHistogram) -> Known<'_> {
        Known { slip, scheduled: 0, reordered: Some(0), peak_scheduled: None, peak_sent: None, changes: 0 }
    }

    #[test]
    fn the_distance_is_that_of_the_definition() {
        let ks = |one: &[u64], other: &[u64]| {
            kolmogorov_smirnov(of(one.iter().copied()).histogram(), of(other.iter().copied()).histogram(), 1)
        };
        let near = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
        assert!(near(ks(&[1, 2, 3, 4], &[1, 2, 3, 4]), 0.0));
        assert!(near(ks(&[1, 2, 3, 4], &[11, 12, 13, 14]), 1.0));
        // Below 3 the first has half of its samples, the second a quarter; the sizes need not be equal.
        assert!(near(ks(&[1, 2, 3, 4], &[1, 3, 3, 3, 1, 3, 3, 3]), 0.25));
        assert_eq!(ks(&[], &[1]), None);
        let coarse = kolmogorov_smirnov(of([100, 900, 1_500]).histogram(), of([1, 2, 1_001]).histogram(), 1_000);
        assert!(near(coarse, 0.0));
    }

    #[test]
    fn a_replay_within_the_bounds_is_faithful_and_others_say_why_not() {
        let rhythm = Rhythm { due: of(1..2_000), sent: of(1..2_000), events: 2_000, ..Rhythm::default() };
        let near = of(std::iter::repeat_n(800, 2_000));
        let faithful = judge(&rhythm, Known { scheduled: 2_000, ..known(&near) });
        assert!(faithful.faithful && faithful.reasons.is_empty(), "{faithful:?}");
        assert_eq!((faithful.off_p99_us, faithful.inversions), (Some(800), Some(0)));

        let far = of(std::iter::repeat_n(80_000, 2_000));
        let uneven = Rhythm { sent: of(std::iter::repeat_n(1_000, 1_999)), backward: 3, ..rhythm };
        let found = judge(&uneven, Known { scheduled: 2_001, ..known(&far) });
        assert!(!found.faithful);
        assert_eq!(
            found.reasons,
            [
                "p99 is 80.1 ms off the ideal timeline, more than 5.00 ms",
                "inter-arrivals differ: Kolmogorov-Smirnov distance 0.500 at 1 ms, more than 0.01",
                "3 events out of their user's order",
                "1 event not sent",
            ]
        );
        let nothing = judge(&Rhythm::default(), known(&LatencyHistogram::default()));
        assert_eq!((nothing.faithful, nothing.ks_distance), (false, None));
    }
}
