use std::collections::BTreeMap;

use super::*;
use crate::capacity::backlog::Slope;
use crate::capacity::{Answer, CapacityReport, End, ProbeOutcome, SearchConfig};

fn probe(rate: u64, verdict: ProbeVerdict, p99_us: u64) -> Probe {
    let reasons = match verdict {
        ProbeVerdict::Passed => Vec::new(),
        _ => vec!["response_time.p99 < 250ms".to_owned()],
    };
    let outcome = ProbeOutcome {
        verdict,
        reasons,
        achieved_per_s: as_f64(rate),
        p50_us: Some(p99_us / 2),
        p99_us: Some(p99_us),
        gated_us: BTreeMap::new(),
        outstanding: Some(Slope { per_s: 0.25, error_per_s: 0.5 }),
        unread: None,
        took_s: 35.5,
    };
    Probe { rate, outcome }
}

pub(in crate::output::capacity) fn record(varied: bool) -> Record {
    let probes = vec![
        probe(1_000, ProbeVerdict::Passed, 8_000),
        probe(2_000, ProbeVerdict::Failed, 900_000),
        probe(1_960, ProbeVerdict::Failed, 700_000),
    ];
    let found = CapacityReport {
        config: SearchConfig { start: 1_000, max: None, precision: 0.05, max_time_s: 600.0 },
        answer: Answer::SystemLimit,
        low: Some(End { rate: 1_900, probes: 2, generator: 0, reasons: Vec::new() }),
        high: Some(End { rate: 1_960, probes: 2, generator: 0, reasons: vec!["response_time.p99 < 250ms".to_owned()] }),
        contradictions: Vec::new(),
        knee: None,
        took_s: 106.5,
        probes,
    };
    let mut record = Record {
        schema_version: 1,
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        target: "raw-events @ <broker>:9092".to_owned(),
        embedded: false,
        cpu_quota: None,
        gates: vec!["response_time.p99 < 250ms".to_owned()],
        settle_s: 5.0,
        probe_s: 30.0,
        varied: varied.then(|| "lanes".to_owned()),
        numbers: if varied { vec![1, 2, 4] } else { Vec::new() },
        searches: Vec::new(),
        scaling: None,
    };
    if varied {
        for (number, rate) in [(1, 1_000), (2, 1_900), (4, 3_400)] {
            let low = Some(End { rate, probes: 2, generator: 0, reasons: Vec::new() });
            record.keep(Some(number), CapacityReport { low, ..found.clone() });
        }
    } else {
        record.keep(None, found);
    }
    record
}

#[test]
fn the_interval_comes_first_with_what_set_it() {
    let text = render(&record(false), 1_000);
    let first = text.lines().next().unwrap();
    assert_eq!(
        first,
        "CAPACITY  1,900 … 1,960/s (3.16 % wide): 1,900/s passed twice, 1,960/s failed twice: response_time.p99 < 250ms"
    );
    assert!(text.contains("FAILED: response_time.p99 < 250ms"), "{text}");
}

#[test]
fn every_probe_has_a_row_at_any_width() {
    insta::assert_snapshot!("capacity_100", render(&record(false), 100));
    insta::assert_snapshot!("capacity_80", render(&record(false), 80));
    let mut record = record(true);
    record.searches[0].found.probes[1].outcome.verdict = ProbeVerdict::Unevaluated;
    record.searches[0].found.probes[0].rate = 9_000_000;
    for columns in 60..=100 {
        for line in render(&record, columns).lines() {
            assert!(line.width() <= columns, "{columns}: {line}");
        }
    }
}

#[test]
fn the_quantile_of_a_gate_has_a_column() {
    let mut record = record(false);
    for (probe, us) in record.searches[0].found.probes.iter_mut().zip([7_200, 640_000]) {
        probe.outcome.gated_us.insert("end_to_end.p95".to_owned(), us);
    }
    for columns in [80, 100] {
        let text = render(&record, columns);
        assert!(text.contains("response time end-to-end\n") && text.contains("p99        p95 backlog/s"), "{text}");
        assert!(text.contains(" 8.00 ms    7.20 ms "), "{text}");
        assert!(text.lines().all(|line| line.width() <= columns), "{text}");
    }
    assert!(!render(&record, 70).contains("p95"));
}

#[test]
fn a_probe_that_has_ended_says_by_itself_what_its_figures_are() {
    let passed = ended(3, &probe(1_960, ProbeVerdict::Passed, 8_000), 80);
    assert_eq!(passed, " probe  3    1,960/s  response p50 4.00 ms  p99 8.00 ms  backlog    0/s  passed");
    let failed = ended(12, &probe(2_000, ProbeVerdict::Failed, 900_000), 80);
    assert!(failed.ends_with("  FAILED\n        response_time.p99 < 250ms"), "{failed}");
}

#[test]
fn the_headline_says_generator_where_it_was_the_generator() {
    let stopped = |answer, probes, generator| {
        let mut record = record(false);
        let found = &mut record.searches[0].found;
        found.answer = answer;
        let reasons = vec!["lateness.p99 <= 5ms".to_owned()];
        found.high = Some(End { rate: 2_000, probes, generator, reasons });
        render(&record, 1_000).lines().next().unwrap().to_owned()
    };
    for answer in [Answer::Interrupted, Answer::OutOfTime, Answer::Unevaluated, Answer::GeneratorLimit] {
        let line = stopped(answer, 2, 2);
        assert!(line.ends_with("; 2,000/s stopped the generator twice: lateness.p99 <= 5ms"), "{line}");
    }
    let line = stopped(Answer::SystemLimit, 3, 1);
    assert!(line.ends_with("2,000/s failed twice and stopped the generator once: lateness.p99 <= 5ms"), "{line}");
    let line = stopped(Answer::Unsteady, 3, 3);
    assert!(line.starts_with("CAPACITY  not known: this machine is noisier than the question"), "{line}");
    assert!(line.contains("--pacing spin"), "{line}");
}

#[test]
fn a_quota_of_the_generator_is_told() {
    let text = render(&Record { cpu_quota: Some(0.25), ..record(false) }, 1_000);
    assert!(text.contains(" generator  0.25 processors, by its control group's quota"), "{text}");
}

#[test]
fn probes_that_do_not_settle_say_so() {
    let settled = Record { settle_s: 5.0, probe_s: 30.0, ..record(false) };
    assert_eq!(probes(&settled), "30 s each, after 5 s to settle; drained in between");
    assert_eq!(probes(&Record { settle_s: 0.0, ..settled }), "30 s each, without settling; drained in between");
}

#[test]
fn what_was_varied_is_searched_and_fitted_number_by_number() {
    let record = record(true);
    assert!(record.scaling.is_some());
    let text = render(&record, 1_000);
    assert!(text.contains("CAPACITY  lanes 4: 3,400 … "), "{text}");
    assert!(text.contains("Universal Scalability Law over lanes"), "{text}");
}

#[test]
fn a_record_can_be_read_back() {
    for varied in [false, true] {
        let record = record(varied);
        let json = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    }
}

#[test]
fn the_least_sure_search_decides() {
    let mut record = record(true);
    assert_eq!(record.answer(), Answer::SystemLimit);
    record.searches[1].found.answer = Answer::GeneratorLimit;
    assert_eq!(record.answer(), Answer::GeneratorLimit);
    record.searches[2].found.answer = Answer::Interrupted;
    assert_eq!(record.answer(), Answer::Interrupted);
    record.searches.clear();
    assert_eq!(record.answer(), Answer::Interrupted, "nothing was found");
}

#[test]
fn a_number_that_was_not_begun_leaves_the_whole_unfinished() {
    let mut record = record(true);
    record.searches.truncate(1);
    assert_eq!(record.not_begun().collect::<Vec<_>>(), [2, 4]);
    assert_eq!(record.answer(), Answer::Interrupted);
    let text = render(&record, 1_000);
    assert!(text.contains("CAPACITY  lanes 2, 4: not begun"), "{text}");
}
