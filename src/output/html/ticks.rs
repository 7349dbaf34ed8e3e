//! Where an axis is labelled, and how.

use crate::figures;

/// A place on an axis, in the coordinates of the chart, and its label.
pub(crate) type Tick = (f64, String);

/// Steps of a clock that people count in, in seconds.
const CLOCK_STEPS: [f64; 18] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0, 21_600.0,
    43_200.0, 86_400.0,
];

/// The top of a linear axis from 0 that holds `most`, and at most `wanted` labels: 1, 2 or 5 times a power of ten apart.
pub(crate) fn linear(most: f64, wanted: u32) -> (f64, Vec<Tick>) {
    let most = if most > 0.0 { most } else { 1.0 };
    let rough = most / f64::from(wanted);
    let magnitude = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * magnitude >= rough).unwrap_or(10.0);
    let step = (factor * magnitude).max(1.0);
    let steps = (most / step).ceil().max(1.0);
    let ticks = whole(0.0, steps).map(|n| (n * step, figures::trimmed(n * step, 2))).collect();
    (steps * step, ticks)
}

/// Times from the start of the run, in seconds, at most `wanted` of them.
pub(crate) fn time(from_s: f64, until_s: f64, wanted: u32) -> Vec<Tick> {
    let rough = (until_s - from_s) / f64::from(wanted);
    let days = (rough / 86_400.0).ceil().max(1.0) * 86_400.0;
    let step = CLOCK_STEPS.into_iter().find(|step| *step >= rough).unwrap_or(days);
    whole((from_s / step).ceil(), (until_s / step).floor()).map(|n| (n * step, clock(n * step, until_s))).collect()
}

fn clock(at_s: f64, until_s: f64) -> String {
    let text = figures::clock(at_s);
    text.strip_prefix("00:").filter(|_| until_s < 3_600.0).map(str::to_owned).unwrap_or(text)
}

/// What is called round within a decade.
const ROUND: [f64; 3] = [1.0, 2.0, 5.0];

/// The logarithm of the largest round number that is not above the one of this logarithm.
pub(crate) fn round_below(log: f64) -> f64 {
    round_near(log).filter(|place| *place <= log + 1e-9).fold(log.floor(), f64::max)
}

/// The logarithm of the smallest round number that is not below the one of this logarithm.
pub(crate) fn round_above(log: f64) -> f64 {
    round_near(log).filter(|place| *place >= log - 1e-9).fold(log.floor() + 1.0, f64::min)
}

fn round_near(log: f64) -> impl Iterator<Item = f64> {
    ROUND.into_iter().map(move |factor| log.floor() + factor.log10())
}

/// The decades of latencies in us between two decimal logarithms, and what lies between them where there are few.
/// Coordinates are decimal logarithms.
pub(crate) fn latency(from: f64, until: f64) -> Vec<Tick> {
    let factors: &[f64] = if until - from <= 2.0 { &ROUND } else { &[1.0] };
    let mut ticks = Vec::new();
    for decade in whole(from.floor(), until.floor()) {
        for factor in factors {
            let place = decade + factor.log10();
            if place >= from - 1e-9 && place <= until + 1e-9 {
                ticks.push((place, latency_label(factor * 10_f64.powf(decade))));
            }
        }
    }
    ticks
}

fn latency_label(us: f64) -> String {
    match us {
        us if us < 999.5 => format!("{} us", figures::trimmed(us, 0)),
        us if us < 999_999.5 => format!("{} ms", figures::trimmed(us / 1e3, 0)),
        us => format!("{} s", figures::trimmed(us / 1e6, 0)),
    }
}

/// Percentiles up to the one that `samples` can carry, on an axis of `log10(1 / (1 - quantile))`, as the plots of
/// `HdrHistogram` have it: every nine is as wide as the one before. About `wanted` labels.
pub(crate) fn percentiles(until: f64, wanted: u32) -> Vec<Tick> {
    let mut ticks = vec![(0.0, "0 %".to_owned())];
    if until * 2.0 < f64::from(wanted) {
        ticks.push((2_f64.log10(), "50 %".to_owned()));
    }
    let step = (until / f64::from(wanted)).ceil().max(1.0);
    ticks.extend(whole(1.0, until.floor()).enumerate().map(|(nines, place)| (place, nines_label(nines))));
    ticks.retain(|(place, _)| *place < 1.0 || ((place - 1.0) / step).fract() == 0.0);
    ticks
}

fn nines_label(nines: usize) -> String {
    match nines {
        0 => "90 %".to_owned(),
        1 => "99 %".to_owned(),
        more => format!("99.{} %", "9".repeat(more - 1)),
    }
}

/// Whole numbers from `from` to `until`, both included.
fn whole(from: f64, until: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(from), |n| Some(n + 1.0)).take_while(move |n| *n <= until + 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn a_linear_axis_holds_the_largest_value_in_round_steps() {
        let (top, ticks) = linear(10_420.0, 4);
        assert!((top - 15_000.0).abs() < 1e-6, "{top}");
        assert_eq!(labels(&ticks), ["0", "5,000", "10,000", "15,000"]);
        let (top, ticks) = linear(0.0, 4);
        assert!(top >= 1.0 && ticks.len() >= 2, "an empty chart has an axis too");
    }

    #[test]
    fn times_are_labelled_in_steps_of_a_clock() {
        assert_eq!(labels(&time(0.0, 60.0, 6)), ["00:00", "00:10", "00:20", "00:30", "00:40", "00:50", "01:00"]);
        assert_eq!(labels(&time(0.0, 7_200.0, 5)), ["00:00:00", "00:30:00", "01:00:00", "01:30:00", "02:00:00"]);
        assert_eq!(time(0.0, 120.0 * 86_400.0, 6).len(), 7);
    }

    #[test]
    fn latencies_are_labelled_by_decade_and_finer_where_there_are_few() {
        assert_eq!(labels(&latency(2.0, 6.0)), ["100 us", "1 ms", "10 ms", "100 ms", "1 s"]);
        assert_eq!(labels(&latency(3.0, 4.0)), ["1 ms", "2 ms", "5 ms", "10 ms"]);
    }

    #[test]
    fn an_axis_of_latencies_goes_from_a_round_number_to_a_round_number() {
        let round = |least: f64, most: f64| {
            let ticks = latency(round_below(least.log10()), round_above(most.log10()));
            labels(&ticks).iter().map(|label| (*label).to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(round(2_300.0, 9_000.0), ["2 ms", "5 ms", "10 ms"]);
        assert_eq!(round(1_000.0, 2_000.0), ["1 ms", "2 ms"]);
        assert_eq!(round(60.0, 270_000.0), ["100 us", "1 ms", "10 ms", "100 ms"]);
    }

    #[test]
    fn every_nine_of_a_percentile_is_as_wide_as_the_one_before() {
        let ticks = percentiles(4.7, 10);
        assert_eq!(labels(&ticks), ["0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"]);
        assert_eq!(
            labels(&percentiles(6.2, 4)),
            ["0 %", "90 %", "99.9 %", "99.999 %"],
            "no more than there is room for"
        );
        assert!((ticks[5].0 - ticks[4].0 - (ticks[4].0 - ticks[3].0)).abs() < 1e-9);
    }
}
