//! Gates that end a run.

use super::*;

#[test]
fn a_gate_ends_the_run_only_when_it_fails_and_its_time_has_come() {
    let config =
        GateConfig { abort: true, after: Some(Duration::from_secs(10)), ..GateConfig::of_rule("refused == 0") };
    let gates = Gates::new(&[config, GateConfig::of_rule("refused == 0")], &[], &Names::default()).unwrap();
    let refused = with_class(healthy(), Class::Refused, 1);
    assert_eq!(gates.abort(&refused, Duration::from_secs(9)), None);
    assert_eq!(gates.abort(&healthy(), Duration::from_secs(11)), None);
    assert_eq!(gates.abort(&RunReport::default(), Duration::from_secs(11)), None);
    assert_eq!(gates.abort(&refused, Duration::from_secs(10)).unwrap().rule, "refused == 0");
}

fn ends_early(text: &str, interim: &RunReport) -> bool {
    let config = GateConfig { abort: true, ..GateConfig::of_rule(text) };
    let gates = Gates::new(&[config], &[], &Names::of(&healthy())).unwrap();
    gates.abort(interim, Duration::from_secs(1)).is_some()
}

#[test]
fn what_the_rest_of_a_run_may_still_bring_does_not_end_it() {
    let mut early = healthy();
    early.timeline.truncate(1);
    for text in [
        "scheduled >= 1_000_000",
        "offered.bytes > 1000MiB",
        "by_type.view.verified > 1_000_000",
        "response_time.count >= 1_000_000",
        "response_time.max > 10s",
        "service_time.min < 10us",
        "timeline.sent.max >= 100_000",
        "scheduled == 1_000_000",
        "duplicates != 0",
    ] {
        assert_eq!(outcome(text, &early), GateOutcome::Fail, "{text} at the end");
        assert!(!ends_early(text, &early), "{text}");
        let gates = Gates::new(&[GateConfig::of_rule(text)], &[], &Names::of(&early)).unwrap();
        let so_far = &gates.so_far(&early)[0];
        assert_eq!(so_far.reason.as_deref(), Some("not yet: the run goes on"), "{text}");
    }
    for text in [
        "scheduled < 10",
        "scheduled == 10",
        "response_time.max < 1ms",
        "service_time.min > 1s",
        "timeline.sent.min > 20_000",
        "by_type.view.share > 50%",
        "phase.peak.response_time.p95 < 1us",
        "offered.achieved_rate >= 20_000/s",
    ] {
        assert!(ends_early(text, &early), "{text} cannot be mended any more");
    }
}

#[test]
fn a_rate_that_was_not_measured_yet_is_not_zero() {
    let mut early = healthy();
    early.offered.achieved_rate_per_s = f64::NAN;
    assert!(!ends_early("offered.achieved_rate >= 10/s", &early));
    let one = Offered { scheduled: 1, achieved_rate_per_s: 0.0, ..Offered::default() };
    assert_eq!(
        outcome("offered.achieved_rate < 10/s", &RunReport { offered: one, ..healthy() }),
        GateOutcome::Unevaluated
    );
    let none_of_many = Offered { scheduled: 100, ..Offered::default() };
    let stuck = RunReport { offered: none_of_many, ..healthy() };
    assert!(ends_early("offered.achieved_rate >= 10/s", &stuck), "nothing was sent of what came due");
}

#[test]
fn what_only_the_end_knows_cannot_end_a_run() {
    for text in [
        "offered.rate >= 1/s",
        "offered.achieved >= 99%",
        "timeline.sent.mean > 1",
        "phase.peak.offered.achieved >= 99%",
        "phase.peak.lost == 0",
        "phase.peak.scheduled >= 1",
    ] {
        let config = GateConfig { abort: true, ..GateConfig::of_rule(text) };
        let refused = Gates::new(&[config], &[], &Names::of(&healthy()));
        assert!(matches!(refused, Err(GateError::NotDuringTheRun(_))), "{text}: {refused:?}");
    }
}
