//! How faithful a replay was: what was sent against the recording's own timeline, compressed.

use hdrhistogram::Histogram;

use crate::figures;
use crate::lane::rhythm::Rhythm;
use crate::measure::LatencyHistogram;
use crate::report::{Fidelity, InterArrival};

/// 99 % of the events of a faithful replay are no further than this off their ideal time.
const MOST_OFF_US: u64 = 5_000;
/// The inter-arrivals of a faithful replay are no further than this from the recorded ones, compared to the millisecond.
const MOST_KS: f64 = 0.01;
/// Gaps that are so far apart are the same: the resolution of the recording and of Kafka's own timestamps, and what threads
/// that sleep between events can keep.
const TOLERANCE_US: u64 = 1_000;

/// What else is known of a replay that has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunFigures<'a> {
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
pub(super) fn judge(rhythm: &Rhythm, run: RunFigures<'_>) -> Fidelity {
    let off = run.slip.summary();
    let distance = |tolerance_us| kolmogorov_smirnov(rhythm.due.histogram(), rhythm.sent.histogram(), tolerance_us);
    let ks_distance = distance(TOLERANCE_US);
    let inversions = run.reordered.map(|reordered| reordered + rhythm.backward);
    let mut reasons = Vec::new();
    if run.changes > 0 {
        reasons.push(format!("the speed was changed by hand ({} changes)", run.changes));
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
    if rhythm.events < run.scheduled {
        reasons.push(format!("{} not sent", figures::counted(run.scheduled - rhythm.events, "event")));
    }
    // What breaks one part of the bound is not faithful, whatever else is not run.
    let judged = !reasons.is_empty() || (at.is_some() && ks_distance.is_some());
    if !judged {
        reasons.push(match rhythm.events {
            0 => "nothing was sent".to_owned(),
            events => format!("{} sent, no gap between neighbours to compare", figures::counted(events, "event")),
        });
    }
    let order = if inversions.is_some() { "no inversion" } else { "the order not looked at" };
    Fidelity {
        judged,
        faithful: judged && reasons.is_empty(),
        reasons,
        bound: format!(
            "p99 off the ideal timeline <= {}, Kolmogorov-Smirnov distance <= {MOST_KS} at 1 ms, {order}",
            figures::duration_us(MOST_OFF_US)
        ),
        events: rhythm.events,
        off_p50_us: off.p50,
        off_p99_us: off.p99,
        off_max_us: off.max,
        ks_distance,
        ks_distance_1us: distance(0),
        recorded_gaps: gaps(&rhythm.due),
        replayed_gaps: gaps(&rhythm.sent),
        moved_percent: percent(rhythm.moved, rhythm.events),
        peak_recorded_per_s: run.peak_scheduled,
        peak_replayed_per_s: run.peak_sent,
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

/// The distance of the two distributions, where values that are `tolerance_us` apart or less count as equal: the largest
/// excess of one cumulated distribution over the other one, looked at that much further on. Zero is the definition's own
/// distance. Values are known to the histograms' three digits: with a tolerance, what they cannot tell apart is added to it.
/// `None` where one is empty.
///
/// Buckets of a fixed width in place of it would tell 2.4 ms from 2.6 ms and not 2.6 ms from 3.4 ms: where all gaps are
/// even, that alone would be a distance of a half.
fn kolmogorov_smirnov(one: &Histogram<u64>, other: &Histogram<u64>, tolerance_us: u64) -> Option<f64> {
    (!one.is_empty() && !other.is_empty())
        .then(|| excess(one, other, tolerance_us).max(excess(other, one, tolerance_us)))
}

/// By how much the share of values up to x in `one` is above that of values up to x + tolerance in `other`, at most.
#[expect(clippy::cast_precision_loss, reason = "counts of samples, far below 2^52")]
fn excess(one: &Histogram<u64>, other: &Histogram<u64>, tolerance_us: u64) -> f64 {
    let reach = |value: u64| match tolerance_us {
        0 => value,
        tolerance => {
            let further = value.saturating_add(tolerance);
            further.saturating_add(other.equivalent_range(further))
        }
    };
    let mut others = other.iter_recorded().peekable();
    let (mut ours, mut theirs, mut largest) = (0, 0, 0.0_f64);
    for step in one.iter_recorded() {
        ours += step.count_since_last_iteration();
        let reach = reach(step.value_iterated_to());
        while let Some(passed) = others.next_if(|other| other.value_iterated_to() <= reach) {
            theirs += passed.count_since_last_iteration();
        }
        largest = largest.max(ours as f64 / one.len() as f64 - theirs as f64 / other.len() as f64);
    }
    largest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Nanos;

    fn of(values_us: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::default();
        values_us.into_iter().for_each(|us| histogram.record(Nanos(us * 1_000)));
        histogram
    }

    fn of_run(slip: &LatencyHistogram) -> RunFigures<'_> {
        RunFigures { slip, scheduled: 0, reordered: Some(0), peak_scheduled: None, peak_sent: None, changes: 0 }
    }

    #[test]
    fn the_distance_is_that_of_the_definition() {
        let ks = |one: &[u64], other: &[u64]| {
            kolmogorov_smirnov(of(one.iter().copied()).histogram(), of(other.iter().copied()).histogram(), 0)
        };
        let near = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
        assert!(near(ks(&[1, 2, 3, 4], &[1, 2, 3, 4]), 0.0));
        assert!(near(ks(&[1, 2, 3, 4], &[11, 12, 13, 14]), 1.0));
        // Below 3 the first has half of its samples, the second a quarter; the sizes need not be equal.
        assert!(near(ks(&[1, 2, 3, 4], &[1, 3, 3, 3, 1, 3, 3, 3]), 0.25));
        assert_eq!(ks(&[], &[1]), None);
        let to_the_ms = |other| kolmogorov_smirnov(of([100, 900, 1_500]).histogram(), of(other).histogram(), 1_000);
        assert!(near(to_the_ms([1, 2, 1_001]), 0.0));
        assert!(near(to_the_ms([1, 2, 2_600]), 1.0 / 3.0));
    }

    #[test]
    fn a_replay_within_the_bounds_is_faithful_and_others_say_why_not() {
        let rhythm = Rhythm {
            due: of((1..2_000).map(|us| us * 2)),
            sent: of((1..2_000).map(|us| us * 2)),
            events: 2_000,
            ..Rhythm::default()
        };
        let near = of(std::iter::repeat_n(800, 2_000));
        let faithful = judge(&rhythm, RunFigures { scheduled: 2_000, ..of_run(&near) });
        assert!(faithful.faithful && faithful.reasons.is_empty(), "{faithful:?}");
        assert_eq!((faithful.off_p99_us, faithful.inversions), (Some(800), Some(0)));

        let far = of(std::iter::repeat_n(80_000, 2_000));
        // Half of the gaps were recorded as more than a millisecond longer.
        let uneven = Rhythm { sent: of(std::iter::repeat_n(1_000, 1_999)), backward: 3, ..rhythm };
        let found = judge(&uneven, RunFigures { scheduled: 2_001, ..of_run(&far) });
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
    }

    fn rhythm(due_us: &[u64], sent_us: &[u64]) -> Rhythm {
        let mut rhythm = Rhythm::default();
        for (due, sent) in due_us.iter().zip(sent_us) {
            rhythm.note_drawn(Nanos(due * 1_000));
            rhythm.note_sent(Nanos(due * 1_000), Nanos(sent * 1_000));
        }
        rhythm
    }

    fn judged(due_us: &[u64], sent_us: &[u64]) -> Fidelity {
        let slip = of(due_us.iter().zip(sent_us).map(|(due, sent)| sent - due));
        judge(&rhythm(due_us, sent_us), RunFigures { scheduled: due_us.len() as u64, ..of_run(&slip) })
    }

    #[test]
    fn what_was_not_measured_is_not_judged() {
        let nothing = judge(&Rhythm::default(), of_run(&LatencyHistogram::default()));
        assert_eq!((nothing.verdict(), nothing.faithful, nothing.ks_distance), ("not judged", false, None));
        let one = judged(&[0], &[20]);
        assert_eq!((one.verdict(), one.faithful), ("not judged", false));
        assert_eq!(one.reasons, ["1 event sent, no gap between neighbours to compare"]);
        assert_eq!(
            judged(&[0], &[20_000]).verdict(),
            "not faithful",
            "one bound is broken, whatever the other would say"
        );
        let unsent = judge(&Rhythm::default(), RunFigures { scheduled: 3, ..of_run(&LatencyHistogram::default()) });
        assert_eq!(
            (unsent.verdict(), unsent.reasons.as_slice()),
            ("not faithful", &["3 events not sent".to_owned()][..])
        );
        let unread = judge(&rhythm(&[0, 9_000], &[1, 9_001]), RunFigures { reordered: None, ..of_run(&of([1, 1])) });
        assert!(unread.faithful && unread.bound.ends_with("the order not looked at"), "{unread:?}");
    }

    proptest! {
        #[test]
        fn even_gaps_are_faithful_whatever_their_length_when_events_are_less_than_a_millisecond_late(
            gap_us in 1_u64..20_000_000, late in proptest::collection::vec(0_u64..1_000, 2..300),
        ) {
            let due: Vec<u64> = (0..late.len() as u64).map(|event| event * gap_us).collect();
            let mut sent: Vec<u64> = due.iter().zip(&late).map(|(due, late)| due + late).collect();
            sent.sort_unstable();
            let found = judged(&due, &sent);
            prop_assert!(found.faithful, "{found:?}");
            prop_assert_eq!(found.ks_distance, Some(0.0));
        }

        #[test]
        fn even_gaps_that_become_pairs_are_not_faithful(gap_us in 2_000_u64..4_000_000, pairs in 10_u64..100) {
            let due: Vec<u64> = (0..2 * pairs).map(|event| event * gap_us).collect();
            let sent: Vec<u64> = (0..2 * pairs).map(|event| (event / 2 * 2 + 1) * gap_us).collect();
            prop_assert!(judged(&due, &sent).ks_distance.unwrap() > 0.4);
        }

        #[test]
        fn the_distance_is_that_of_counting_and_shrinks_with_the_tolerance(
            one in proptest::collection::vec(0_u64..2_000, 1..60), other in proptest::collection::vec(0_u64..2_000, 1..60),
            tolerance_us in 1_u64..500,
        ) {
            let (of_one, of_other) = (of(one.iter().copied()), of(other.iter().copied()));
            let (of_one, of_other) = (of_one.histogram(), of_other.histogram());
            #[expect(clippy::cast_precision_loss, reason = "a few samples")]
            let share = |of: &[u64], up_to: u64| of.iter().filter(|us| **us <= up_to).count() as f64 / of.len() as f64;
            let by_counting = one.iter().chain(&other)
                .map(|at| (share(&one, *at) - share(&other, *at)).abs())
                .fold(0.0_f64, f64::max);
            let exact = kolmogorov_smirnov(of_one, of_other, 0).unwrap();
            prop_assert!((exact - by_counting).abs() < 1e-9, "{exact} {by_counting}");
            prop_assert_eq!(kolmogorov_smirnov(of_other, of_one, 0), Some(exact));
            let tolerant = kolmogorov_smirnov(of_one, of_other, tolerance_us).unwrap();
            prop_assert!((0.0..=exact).contains(&tolerant));
            prop_assert_eq!(kolmogorov_smirnov(of_one, of_other, 10_000), Some(0.0));
        }
    }
}
