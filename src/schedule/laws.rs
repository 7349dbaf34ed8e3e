//! What holds for every shape and every schedule, tested over many of them.

use proptest::prelude::*;

use super::curve::{Curve, SpikeTiming};
use super::exponential::Exponential;
use super::float::float;
use super::poisson::Poisson;
use super::sine::Sine;
use super::*;

fn rates() -> impl Strategy<Value = Rate> {
    prop_oneof![
        (1_u64..=2_000_000).prop_map(|rate| Rate::per_second(rate).unwrap()),
        (1_u64..=9_999_999).prop_map(|milli| format!("{}.{:03}", milli / 1_000, milli % 1_000).parse().unwrap()),
    ]
}

fn levels() -> impl Strategy<Value = Level> {
    prop_oneof![4 => rates().prop_map(Level::At), 1 => Just(Level::Zero)]
}

fn spans() -> impl Strategy<Value = Nanos> {
    prop_oneof![(1_u64..2_000_000_000), (1_u64..40_000_000_000_000)].prop_map(Nanos)
}

fn timings() -> impl Strategy<Value = SpikeTiming> {
    (spans(), spans(), spans(), spans()).prop_map(|(at, rise, hold, fall)| SpikeTiming { at, rise, hold, fall })
}

fn shapes() -> impl Strategy<Value = Shape> {
    prop_oneof![
        rates().prop_map(Shape::Constant),
        (rates(), levels(), spans()).prop_map(|(from, to, over)| line(Curve::ramp(from.into(), to, over))),
        (levels(), rates(), spans()).prop_map(|(from, to, over)| line(Curve::ramp(from, to.into(), over))),
        (proptest::collection::vec(levels(), 0..5), rates(), spans()).prop_map(|(mut levels, last, each)| {
            levels.push(last.into());
            line(Curve::steps(&levels, each))
        }),
        (levels(), rates(), timings()).prop_map(|(base, peak, timing)| line(Curve::spike(base, peak.into(), timing))),
        (rates(), spans(), levels(), spans())
            .prop_map(|(rate, on, base, off)| { line(Curve::bursts(rate.into(), on, base, off)) }),
        (rates(), rates(), spans())
            .prop_map(|(from, to, over)| { Shape::Exponential(Exponential::new(from, to, over).unwrap()) }),
        (rates(), rates(), spans()).prop_filter_map("a negative rate", |(mean, amplitude, period)| {
            Sine::new(mean, amplitude, period).map(Shape::Sine)
        }),
        (rates(), any::<u64>()).prop_map(|(rate, seed)| Shape::Poisson(Poisson::new(rate, Some(seed)).unwrap())),
    ]
}

fn line(curve: Result<Curve, curve::CurveError>) -> Shape {
    Shape::Curve(curve.unwrap())
}

/// A phase in which something is due.
fn phases() -> impl Strategy<Value = (Shape, Nanos)> {
    (shapes(), spans()).prop_filter("nothing is due", |(shape, span)| shape.due_before(*span).unwrap() > 0)
}

fn schedules() -> impl Strategy<Value = Schedule> {
    proptest::collection::vec(phases(), 1..5).prop_map(|phases| {
        let phases = phases.into_iter().enumerate();
        Schedule::new(
            phases.map(|(index, (shape, span))| Phase::new(index.to_string(), shape, Some(span))).collect(),
            None,
        )
        .unwrap()
    })
}

/// The due time of each of these events, asked for with one cursor.
fn due(schedule: &Schedule, numbers: impl Iterator<Item = u64>) -> Vec<(u64, Due)> {
    let mut cursor = Cursor::default();
    numbers.map(|number| (number, schedule.due(&mut cursor, number, Nanos::ZERO))).collect()
}

fn instant(due: Due) -> Nanos {
    match due {
        Due::At(instant, _) => instant,
        Due::Now(_) | Due::Never => panic!("{due:?} is no instant"),
    }
}

proptest! {
    #[test]
    fn as_many_events_are_due_as_the_integral_of_the_rate((shape, span) in phases()) {
        let (counted, planned) = (float(shape.due_before(span).unwrap().into()), shape.expected(span).unwrap());
        // Chance moves a Poisson count by its square root; six of them lie within 2 in 10^9.
        let allowed = if matches!(shape, Shape::Poisson(_)) { 6.0 * planned.sqrt() + 10.0 } else { 1.0 };
        prop_assert!((counted - planned).abs() <= allowed, "{} due, {} planned", counted, planned);
    }

    #[test]
    fn counting_is_the_inverse_of_the_due_time((shape, span) in phases()) {
        let count = shape.due_before(span).unwrap();
        let mut cursor = Cursor::default();
        prop_assert!(shape.due(&mut cursor, count - 1, Nanos::ZERO).unwrap() < span);
        prop_assert!(shape.due(&mut cursor, count, Nanos::ZERO).unwrap() >= span);
    }

    #[test]
    fn due_times_never_go_back(schedule in schedules(), part in 0.0..1.0_f64) {
        let first = float::floor(float(schedule.count().unwrap().into()) * part).saturating_sub(1_000);
        let last = schedule.count().unwrap().min(first + 3_000);
        let due = due(&schedule, first..last);
        prop_assert!(due.iter().map(|(_, due)| instant(*due)).is_sorted());
        prop_assert!(due.iter().all(|(_, due)| instant(*due) < schedule.ends_at().unwrap()));
    }

    #[test]
    fn lanes_share_the_events_without_a_change(schedule in schedules(), lanes in 1_u64..9, part in 0.0..1.0_f64) {
        let first = float::floor(float(schedule.count().unwrap().into()) * part).saturating_sub(1_000);
        let numbers = first..schedule.count().unwrap().min(first + 3_000);
        let whole = due(&schedule, numbers.clone());
        let mut shared: Vec<_> = (0..lanes)
            .flat_map(|lane| due(&schedule, numbers.clone().filter(move |number| number % lanes == lane)))
            .collect();
        shared.sort_by_key(|(number, _)| *number);
        prop_assert_eq!(whole, shared);
    }

    #[test]
    fn any_event_can_be_asked_for_at_any_time(schedule in schedules(), parts in proptest::collection::vec(0.0..1.0_f64, 20)) {
        let mut cursor = Cursor::default();
        for part in parts {
            let number = float::floor(float(schedule.count().unwrap().into()) * part);
            let fresh = schedule.due(&mut Cursor::default(), number, Nanos::ZERO);
            prop_assert_eq!(schedule.due(&mut cursor, number, Nanos::ZERO), fresh);
        }
    }

    #[test]
    fn a_schedule_counts_what_it_holds(schedule in schedules(), part in 0.0..1.0_f64) {
        let count = schedule.count().unwrap();
        prop_assert_eq!(schedule.due_before(schedule.ends_at().unwrap()), Some(count));
        prop_assert_eq!(schedule.due(&mut Cursor::default(), count, Nanos::ZERO), Due::Never);
        let at = Nanos(float::floor(float(schedule.ends_at().unwrap().0.into()) * part));
        let before = schedule.due_before(at).unwrap();
        let neighbours = due(&schedule, before.saturating_sub(1)..(before + 1).min(count));
        prop_assert!(neighbours.iter().all(|(number, due)| (*number < before) == (instant(*due) < at)));
    }
}
