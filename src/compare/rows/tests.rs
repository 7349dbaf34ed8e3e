use super::super::fixture::{Simulated, bundle, named, simulated};
use super::super::{CompareError, compare};
use super::*;
use crate::recording::LatencyKind;

fn options() -> Options {
    Options { draws: 200, ..Options::default() }
}

fn find(comparison: &Comparison, name: &str) -> Row {
    comparison.rows.iter().find(|row| row.quantity.to_string() == name).unwrap().clone()
}

#[test]
fn swapping_the_sides_swaps_better_and_worse_and_mirrors_the_interval() {
    let plan = Simulated { noise: 0.01, seconds: 60, ..Simulated::default() };
    let base = || vec![named(simulated(plan, 1))];
    let new = || vec![named(simulated(Simulated { factor: 1.3, ..plan }, 2))];
    let forth = find(&comparison(base(), new(), Vec::new(), &options()), "response_time.p90");
    let back = find(&comparison(new(), base(), Vec::new(), &options()), "response_time.p90");
    assert_eq!((forth.verdict, back.verdict), (Verdict::Worse, Verdict::Better));
    let logarithm = |percent: f64| (percent / 100.0).ln_1p();
    let (forth, back) = (forth.change.unwrap(), back.change.unwrap());
    assert!((logarithm(forth.low_percent) + logarithm(back.high_percent)).abs() < 1e-9);
}

#[test]
fn the_same_bundles_and_seed_give_the_same_figures() {
    let once = || compare(&[bundle("a", 40, 1)], &[bundle("b", 40, 2)], &options()).unwrap();
    assert_eq!(once(), once());
}

#[test]
fn the_comparison_survives_json() {
    let comparison = compare(&[bundle("a", 40, 1)], &[bundle("b", 40, 2)], &options()).unwrap();
    let json = serde_json::to_string(&comparison).unwrap();
    let back: Comparison = serde_json::from_str(&json).unwrap();
    // Floats may come back an ulp off, so what is read as text tells whether anything is lost.
    assert_eq!(
        crate::output::compare::text::text(&back, &[], 100),
        crate::output::compare::text::text(&comparison, &[], 100)
    );
    assert_eq!((back.warnings, back.curves.len()), (comparison.warnings, comparison.curves.len()));
}

#[test]
fn a_quantile_is_that_of_the_whole_runs_histogram() {
    let base = bundle("a", 40, 1);
    let mut whole = hdrhistogram::Histogram::<u64>::new(3).unwrap();
    for interval in &base.recording.intervals[&LatencyKind::ResponseTime] {
        whole.add(&interval.histogram).unwrap();
    }
    let comparison = compare(&[base], &[bundle("b", 40, 2)], &options()).unwrap();
    for (name, level) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)] {
        let shown = find(&comparison, &format!("response_time.{name}")).base.unwrap();
        let exact = as_f64(whole.value_at_quantile(level));
        let width = as_f64(whole.equivalent_range(whole.value_at_quantile(level)));
        assert!((shown - exact).abs() <= width, "{name}: {shown} {exact}");
    }
}

#[test]
fn a_run_that_is_too_short_is_shown_but_not_judged() {
    let comparison = compare(&[bundle("a", 20, 1)], &[bundle("b", 20, 2)], &options()).unwrap();
    assert_eq!(comparison.verdict, Verdict::Inconclusive);
    assert!(comparison.rows.iter().all(|row| row.verdict == Verdict::NotJudged && row.base.is_some()));
}

#[test]
fn a_quantile_without_ten_samples_beyond_it_is_neither_shown_nor_judged() {
    let thin = |id, seed| {
        let mut bundle = bundle(id, 40, seed);
        for interval in bundle.recording.intervals.values_mut().flatten() {
            let mut few = hdrhistogram::Histogram::new(3).unwrap();
            interval.histogram.iter_recorded().take(50).for_each(|step| few.record(step.value_iterated_to()).unwrap());
            interval.histogram = few;
        }
        bundle
    };
    let comparison = compare(&[thin("a", 1)], &[thin("b", 2)], &options()).unwrap();
    let row = find(&comparison, "response_time.p999");
    assert_eq!((row.base, row.verdict), (None, Verdict::NotJudged));
    assert_eq!(row.reason.unwrap(), "run-a has fewer than 10 samples beyond it");
    assert_ne!(find(&comparison, "response_time.p99").verdict, Verdict::NotJudged);
}

#[test]
fn a_quantile_among_unanswered_events_is_a_lower_bound_and_never_shows_no_difference() {
    let mut new = bundle("b", 40, 2);
    new.report.latency_us.response_time.censored = 500;
    new.report.latency_us.response_time.censored_from = Some(6400);
    let comparison = compare(&[bundle("a", 40, 1)], &[new], &options()).unwrap();
    let row = find(&comparison, "response_time.p99");
    assert!(row.new_at_least && !row.base_at_least);
    assert_eq!(row.verdict, Verdict::Inconclusive);
    assert_eq!(find(&comparison, "response_time.p50").verdict, Verdict::NoDifference);
}

#[test]
fn without_a_verifier_there_is_no_end_to_end_row_and_on_one_side_only_it_is_not_judged() {
    let blind = |id, seed| {
        let mut bundle = bundle(id, 40, seed);
        bundle.recording.intervals.remove(&LatencyKind::EndToEnd);
        bundle
    };
    let neither = compare(&[blind("a", 1)], &[blind("b", 2)], &options()).unwrap();
    assert!(neither.rows.iter().all(|row| !row.quantity.to_string().starts_with("end_to_end")));
    let one = compare(&[bundle("a", 40, 1)], &[blind("b", 2)], &options()).unwrap();
    assert_eq!(find(&one, "end_to_end.p99").reason.unwrap(), "run-b did not record it");
}

#[test]
fn what_was_sent_during_the_warm_up_and_after_the_schedule_is_no_rate() {
    let mut base = bundle("a", 40, 1);
    base.report.run.warm_up_s = 5.0;
    base.report.run.measured_s = 39.0;
    base.report.timeline[2].sent = 1_000_000;
    base.report.timeline[39].acked = 1_000_000;
    let mut new = bundle("b", 40, 2);
    new.report.run.warm_up_s = 5.0;
    new.report.run.measured_s = 39.0;
    let comparison = compare(&[base], &[new], &options()).unwrap();
    assert_eq!(comparison.base.seconds, [34]);
    assert_eq!(find(&comparison, "achieved_rate").base, Some(1000.0));
    assert_eq!(find(&comparison, "acked_rate").base, Some(1000.0));
}

#[test]
fn only_the_wanted_quantities_are_judged() {
    let only = vec!["p99".parse().unwrap()];
    let options = Options { only, ..options() };
    let comparison = compare(&[bundle("a", 40, 1)], &[bundle("b", 40, 2)], &options).unwrap();
    assert_eq!(comparison.rows.len(), 1);
}

#[test]
fn nothing_to_compare_and_options_out_of_range_are_refused() {
    let run = || [bundle("a", 40, 1)];
    assert_eq!(compare(&[], &run(), &options()).unwrap_err().to_string(), "BASE has no run");
    let mut empty = bundle("b", 40, 2);
    empty.report.timeline.clear();
    assert_eq!(compare(&run(), &[empty], &options()), Err(CompareError::Empty("run-b".to_owned())));
    let wrong = [
        Options { margin: 0.0, ..options() },
        Options { margin: f64::NAN, ..options() },
        Options { confidence: 1.0, ..options() },
        Options { draws: 10, ..options() },
    ];
    for options in wrong {
        let refused = compare(&run(), &[bundle("b", 40, 2)], &options);
        assert!(matches!(refused, Err(CompareError::Option { .. })), "{refused:?}");
    }
}

#[test]
fn runs_of_unequal_length_say_how_much_of_them_is_compared_however_short_they_are() {
    let side = |seconds| vec![named(simulated(Simulated { seconds, ..Simulated::default() }, 1))];
    for (shorter, longer) in [(12, 24), (40, 50)] {
        let notes = comparison(side(shorter), side(longer), Vec::new(), &options()).notes;
        let told = format!("The runs differ in length: the first {shorter} s of each are compared.");
        assert!(notes.contains(&told), "{notes:?}");
    }
    assert_eq!(comparison(side(12), side(12), Vec::new(), &options()).notes, Vec::<String>::new());
}

#[test]
fn persistence_that_the_runs_are_too_short_for_is_said() {
    let said = |rho, seconds| {
        let plan = Simulated { seconds, rho, ..Simulated::default() };
        let side = |seed| vec![named(simulated(plan, seed))];
        comparison(side(1), side(2), Vec::new(), &options()).notes.contains(&TOO_PERSISTENT.to_owned())
    };
    assert!(said(0.95, 60));
    assert!(!said(0.0, 60) && !said(0.6, 300));
}
