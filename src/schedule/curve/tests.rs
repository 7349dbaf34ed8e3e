use super::*;
use crate::schedule::float::floor;
use proptest::prelude::*;

/// From, to, seconds, and events with their due times.
type Case = (&'static str, &'static str, u64, &'static [(u64, u64)]);

fn level(text: &str) -> Level {
    text.parse().unwrap()
}

fn secs(s: u64) -> Nanos {
    Nanos::from_secs(s)
}

/// Computed with 60 digits from `t = 2 n / (r0 + sqrt(r0^2 + 2 (r1 - r0) n / D))`.
#[test]
fn ramps_are_due_where_60_digits_put_them() {
    let cases: [Case; 4] = [
        (
            "100",
            "10000",
            60,
            &[
                (0, 0),
                (1, 9_918_833),
                (2, 19_680_460),
                (1_000, 2_927_849_633),
                (151_500, 42_251_038_523),
                (302_999, 59_999_899_999),
            ],
        ),
        (
            "0",
            "1000000",
            86_400,
            &[
                (1, 415_692_193),
                (1_000_000, 415_692_193_816),
                (1 << 34, 54_485_607_227_920),
                (43_199_999_999, 86_399_999_998_999),
            ],
        ),
        (
            "1000000",
            "0",
            86_400,
            &[
                (1, 1_000),
                (1 << 34, 19_345_704_052_575),
                (43_199_999_998, 86_399_412_122_461),
                (43_199_999_999, 86_399_584_307_806),
            ],
        ),
        (
            "333.333",
            "999999.999",
            250_000,
            &[
                (1, 2_999_949),
                (12_345, 31_197_335_350),
                (1 << 36, 185_311_359_505_693),
                (124_997_000_000, 249_955_329_510_380),
            ],
        ),
    ];
    for (from, to, seconds, expected) in cases {
        let curve = Curve::ramp(level(from), level(to), secs(seconds)).unwrap();
        for &(n, due) in expected {
            assert_eq!(curve.due(n), Nanos(due), "{from}..{to}, event {n}");
        }
    }
}

#[test]
fn a_ramp_holds_exactly_the_area_below_it() {
    let curve = Curve::ramp(level("100"), level("10000"), secs(60)).unwrap();
    assert_eq!(curve.due_before(secs(60)), 303_000);
    assert_eq!(curve.due(303_000), secs(60));
    assert_eq!(curve.due(313_000), secs(61), "the last rate goes on");
}

#[test]
fn equal_steps_are_a_constant_rate() {
    let steps = Curve::steps(&[level("3/7s"), level("3/7s"), level("3/7s")], secs(10)).unwrap();
    let level: crate::schedule::Rate = "3/7s".parse().unwrap();
    for n in 0..10_000 {
        assert_eq!(steps.due(n), level.due(n));
    }
}

#[test]
fn bursts_pause_and_come_again() {
    let bursts = Curve::bursts(level("100"), secs(1), Level::Zero, secs(9)).unwrap();
    assert_eq!(bursts.due(99), Nanos::from_millis(990));
    assert_eq!(bursts.due(100), secs(10), "not at the end of the burst, where the rate is already 0");
    assert_eq!(bursts.due(100 * 360 * 24), secs(86_400));
    assert_eq!(bursts.due_before(secs(86_400)), 100 * 360 * 24);
    assert_eq!(bursts.due_before(Nanos::from_millis(10_005)), 101);
}

#[test]
fn a_spike_returns_to_its_base() {
    let timing = SpikeTiming { at: secs(10), rise: Nanos::ZERO, hold: secs(5), fall: Nanos::ZERO };
    let spike = Curve::spike(level("10"), level("1000"), timing).unwrap();
    assert_eq!(spike.due_before(secs(10)), 100);
    assert_eq!(spike.due_before(secs(15)), 5_100);
    assert_eq!(spike.due_before(secs(25)), 5_200);
    assert!((spike.peak() - 1_000.0).abs() < 1e-9);
}

#[test]
fn nothing_is_due_after_a_rate_of_zero_for_good() {
    let curve =
        Curve::points(&[(secs(0), level("10")), (secs(1), level("10")), (secs(1), level("0"))], After::Hold).unwrap();
    assert_eq!(curve.due(9), Nanos::from_millis(900));
    assert_eq!(curve.due(10), Nanos::MAX);
    assert_eq!(curve.due_before(Nanos::MAX), 10);
}

#[test]
fn a_day_repeats() {
    let day = [(secs(0), level("1")), (secs(10), level("3")), (secs(20), level("1"))];
    let curve = Curve::points(&day, After::Repeat).unwrap();
    assert_eq!(curve.due_before(secs(20)), 40);
    assert_eq!(curve.due_before(secs(200)), 400);
    assert_eq!(curve.due(40 + 15), secs(20) + curve.due(15));
    assert_eq!(curve.length(), None);
}

#[test]
fn points_out_of_order_are_refused() {
    let at = |s, rate: &str| (secs(s), level(rate));
    assert_eq!(Curve::points(&[at(0, "1")], After::Hold), Err(CurveError::TooFewPoints));
    assert_eq!(Curve::points(&[at(1, "1"), at(2, "1")], After::Hold), Err(CurveError::LateStart(secs(1))));
    let unsorted = Curve::points(&[at(0, "1"), at(5, "1"), at(4, "1")], After::Hold);
    assert_eq!(unsorted, Err(CurveError::Unsorted { index: 3, at: secs(4) }));
    assert_eq!(Curve::points(&[at(0, "0"), at(5, "0")], After::Hold), Err(CurveError::Zero));
    assert_eq!(Curve::steps(&[], secs(1)), Err(CurveError::Zero));
}

#[test]
fn what_cannot_be_computed_exactly_is_refused() {
    let endless = Curve::steps(&[level("1"), level("2"), level("3")], secs(86_400 * 365 * 300));
    assert_eq!(endless, Err(CurveError::TooFine));
    let fine = Curve::steps(&[level("1/999999937ns"), level("1/999999929ns"), level("1/999999893ns")], secs(1));
    assert_eq!(fine, Err(CurveError::TooFine));
}

fn levels() -> impl Strategy<Value = Level> {
    prop_oneof![
        1 => Just(Level::Zero),
        3 => (1_u64..=1_000_000).prop_map(|rate| level(&rate.to_string())),
        3 => (1_u64..=9_999_999).prop_map(|rate| level(&format!("{}.{:03}", rate / 1_000, rate % 1_000))),
    ]
    .prop_filter("0.000 is Zero", |level| *level == Level::Zero || level.ratio().0 > 0)
}

proptest! {
    /// The definition itself, with the integral from a sum of trapezoids in other units: an independent count.
    #[test]
    fn each_event_is_due_where_the_integral_reaches_it(
        points in proptest::collection::vec((0_u64..100_000_000_000, levels()), 1..6), part in 0.0..1.0_f64
    ) {
        let mut at = Nanos::ZERO;
        let mut corners = vec![(Nanos::ZERO, Level::At("1".parse().unwrap()))];
        for (length, level) in points {
            at += Nanos(length);
            corners.push((at, level));
        }
        let curve = Curve::points(&corners, After::Hold).unwrap();
        let integral = |until: Nanos| {
            let mut sum = 0.0;
            for pair in corners.windows(2) {
                let (start, end) = (pair[0].0, pair[1].0.min(until));
                if end <= start { continue; }
                let rate = |level: Level| { let (e, p) = level.ratio(); float(e.into()) / float(p.into()) };
                let whole = float((pair[1].0 - start).0.into());
                let t = float((end - start).0.into());
                let (from, to) = (rate(pair[0].1), rate(pair[1].1));
                sum += t * (from + (from + (to - from) * t / whole)) / 2.0;
            }
            sum
        };
        let n = floor(part * integral(at));
        let due = curve.due(n);
        if n + 1 < curve.due_before(at) {
            prop_assert!(integral(due) <= float(n.into()) + 1e-6);
            prop_assert!(integral(due + Nanos(1)) >= float(n.into()) - 1e-6);
        }
        prop_assert!((float(curve.due_before(at).into()) - integral(at)).abs() <= 1.0);
    }
}
