//! A run of several lanes, as one process would have reported it, and the same split into several processes.

#![expect(clippy::cast_precision_loss, reason = "counts of a few thousand events")]

mod expectations;
mod fleet;
mod simulated;
mod stalls;

use hdrhistogram::Histogram;
use proptest::prelude::*;

use super::*;
use crate::report::LatencySummary;
use simulated::{Event, Fate, SECONDS, event, process};

fn judged(_: &RunReport) -> Judgement {
    Judgement::default()
}

fn recorded(part: &Part) -> &Recording {
    match &part.recording {
        PartHistograms::Here(recording) => recording,
        PartHistograms::There(_) => panic!("it is not here"),
    }
}

fn here(part: &mut Part) -> &mut Recording {
    match &mut part.recording {
        PartHistograms::Here(recording) => recording,
        PartHistograms::There(_) => panic!("it is not here"),
    }
}

fn merged(parts: Vec<Part>) -> Merged {
    merge(parts, judged).unwrap()
}

/// Floats that are sums in another order may differ in their last digits.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// The report with every float that is a sum over parts rounded.
fn rounded(mut report: RunReport) -> RunReport {
    let round = |value: &mut f64| *value = (*value * 1e6).round() / 1e6;
    let offers = report.phases.iter_mut().map(|phase| &mut phase.offered).chain([&mut report.offered]);
    for offered in offers {
        round(&mut offered.achieved_rate_per_s);
        offered.rate_per_s.iter_mut().chain(&mut offered.achieved_percent).for_each(round);
    }
    report.by_type.values_mut().for_each(|of_type| round(&mut of_type.share_percent));
    report.hot_keys.iter_mut().for_each(|hot| round(&mut hot.share_percent));
    report
}

/// The same events and one in the last moment of each lane, so that processes that start later still run together.
fn to_the_end(mut events: Vec<Event>) -> Vec<Event> {
    let last =
        Event { lane: 0, second: 3, due_ms: 3999, kind: 0, partition: 0, user: 0, latency_us: 7, fate: Fate::Verified };
    events.extend((0..6).map(|lane| Event { lane, user: lane, ..last }));
    events
}

/// A split of lanes 0..6 into two or three processes, none empty.
fn split() -> impl Strategy<Value = Vec<Vec<u16>>> {
    prop::collection::vec(0..3_usize, 6).prop_filter_map("at least two processes", |owners| {
        let mut processes = vec![Vec::new(); 3];
        owners.iter().zip(0_u16..).for_each(|(owner, lane)| processes[*owner].push(lane));
        processes.retain(|lanes| !lanes.is_empty());
        (processes.len() >= 2).then_some(processes)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn merging_the_parts_of_a_run_gives_the_run(
        events in prop::collection::vec(event(6), 0..400),
        split in split(),
        order in any::<prop::sample::Index>(),
    ) {
        let mut whole = process(&events, &[0, 1, 2, 3, 4, 5], 0);
        whole.report.run.lane_numbers.clear();
        let mut parts: Vec<Part> = split.iter().map(|lanes| process(&events, lanes, 0)).collect();
        // A single event has no rate: where no part has two, none can tell how long the phase was, and none is claimed.
        prop_assume!(events.len() < 2 || parts.iter().any(|part| part.report.ledger.scheduled > 1));
        let turns = order.index(parts.len());
        parts.rotate_left(turns);
        // A part's list of hot keys holds all its keys here, the merged one as many as the longest.
        let longest = parts.iter().map(|part| part.report.hot_keys.len()).max().unwrap();
        whole.report.hot_keys.truncate(longest);
        let found = merged(parts);
        prop_assert_eq!(rounded(found.report), rounded(whole.report.clone()));
        prop_assert_eq!(found.without_quantiles, Vec::<String>::new());
        for (kind, intervals) in &recorded(&whole).intervals {
            for (mine, theirs) in intervals.iter().zip(&found.recording.intervals[kind]) {
                prop_assert!(close(mine.ends_s, theirs.ends_s) && mine.histogram == theirs.histogram);
            }
        }
        prop_assert_eq!(&found.recording.by_type, &recorded(&whole).by_type);
        prop_assert_eq!(&found.recording.phases, &recorded(&whole).phases);
    }

    #[test]
    fn the_order_of_parts_is_irrelevant(
        events in prop::collection::vec(event(6), 0..100),
        split in split(),
        starts in prop::collection::vec(0..3_u64, 3),
    ) {
        let events = to_the_end(events);
        let mut parts: Vec<Part> =
            split.iter().zip(&starts).map(|(lanes, start)| process(&events, lanes, *start)).collect();
        let forth = merged(parts.clone());
        parts.reverse();
        let back = merged(parts);
        prop_assert_eq!(forth.report, back.report);
    }

    #[test]
    fn the_classes_sum_to_the_schedule_and_the_timeline_to_the_parts(
        events in prop::collection::vec(event(6), 0..100),
        split in split(),
        starts in prop::collection::vec(0..3_u64, 3),
    ) {
        let events = to_the_end(events);
        let parts: Vec<Part> =
            split.iter().zip(&starts).map(|(lanes, start)| process(&events, lanes, *start)).collect();
        let report = merged(parts).report;
        prop_assert_eq!(report.ledger.sum(), events.len() as u64);
        prop_assert_eq!(report.ledger.scheduled, events.len() as u64);
        prop_assert_eq!(report.timeline.iter().map(|row| row.sent).sum::<u64>(), events.len() as u64);
        prop_assert!(report.timeline.windows(2).all(|rows| rows[0].at_s < rows[1].at_s));
        let starts = || starts.iter().take(split.len());
        let apart = starts().max().unwrap() - starts().min().unwrap();
        prop_assert!(close(report.run.measured_s, apart as f64 + 3.999));
    }
}

fn some_events() -> Vec<Event> {
    let one = |n: u64| Event {
        lane: u16::try_from(n % 2).unwrap(),
        second: n % SECONDS,
        due_ms: n % SECONDS * 1000 + n / SECONDS % 1000,
        kind: (n % 2) as usize,
        partition: i32::try_from(n % 3).unwrap(),
        user: u16::try_from(n % 2).unwrap(),
        latency_us: 1000 + n,
        fate: Fate::Verified,
    };
    (0..4000).map(one).collect()
}

fn two() -> [Part; 2] {
    [process(&some_events(), &[0], 0), process(&some_events(), &[1], 0)]
}

fn refused(edit: impl FnOnce(&mut [Part; 2])) -> String {
    let mut parts = two();
    edit(&mut parts);
    merge(parts.to_vec(), judged).unwrap_err().to_string()
}

#[test]
fn a_later_start_moves_a_part_on_the_common_clock_and_lowers_the_rates() {
    let mut parts = two();
    parts[1] = process(&some_events(), &[1], 2);
    let report = merged(parts.to_vec()).report;
    let sent: Vec<u64> = report.timeline.iter().map(|row| row.sent).collect();
    // Lane 0 has the even seconds, lane 1 the odd ones, two seconds later.
    assert_eq!(sent, [1000, 0, 1000, 1000, 0, 1000]);
    assert_eq!(report.timeline.iter().map(|row| row.at_s).collect::<Vec<_>>(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    // Lane 0 is due from 0 to 2.999 s, lane 1 from 1 s to 3.999 s, two seconds later.
    assert!(close(report.run.measured_s, 5.999));
    assert!(close(report.offered.achieved_rate_per_s, 3999.0 / 5.999));
    assert!(close(report.offered.rate_per_s.unwrap(), 3999.0 / 5.999));
    assert_eq!(report.offered.due_span_ms, 5999);
    assert_eq!(report.run.started_at, "2026-01-01T00:00:00Z");
    // The second part's rows keep their latencies.
    assert!(report.timeline[5].response_p99_us.is_some());
}

#[test]
fn a_start_half_a_second_later_keeps_rows_and_histograms_together() {
    let mut parts = two();
    parts[1].report.run.started_at = "2026-01-01T00:00:00.499Z".to_owned();
    let report = merged(parts.to_vec()).report;
    assert_eq!(report.timeline.len(), 4);
    assert!(report.timeline.iter().all(|row| row.sent == 1000 && row.response_p99_us.is_some()));
    assert!(close(report.run.warm_up_s, 0.0), "that nobody planned");
    for part in &mut parts {
        part.report.run.warm_up_s = 1.0;
    }
    assert!(close(merged(parts.to_vec()).report.run.warm_up_s, 1.499));
    parts[1].report.run.started_at = "2026-01-01T00:00:00.500Z".to_owned();
    let report = merged(parts.to_vec()).report;
    assert_eq!(report.timeline.iter().map(|row| row.sent).collect::<Vec<_>>(), [1000, 0, 2000, 0, 1000]);
}

#[test]
fn percentiles_are_computed_from_the_sum_never_averaged() {
    let mut events = some_events();
    // One lane is a hundred times slower: the median of the whole lies at its lower end, the mean of medians does not.
    events.iter_mut().filter(|event| event.lane == 1).for_each(|event| event.latency_us *= 100);
    events.retain(|event| event.lane == 0 || event.latency_us % 700 == 0);
    let whole = process(&events, &[0, 1], 0);
    let found = merged(vec![process(&events, &[0], 0), process(&events, &[1], 0)]);
    assert_eq!(found.report.latency_us.response_time, whole.report.latency_us.response_time);
}

#[test]
fn the_verdict_is_decided_over_the_whole() {
    let decided = merge(two().to_vec(), |report| Judgement {
        verdict: Verdict { code: 99, name: format!("{}", report.ledger.scheduled), ..Verdict::default() },
        ..Judgement::default()
    });
    assert_eq!(decided.unwrap().report.verdict.name, "4000");
}

#[test]
fn a_type_whose_histogram_one_part_lacks_has_no_quantiles_and_is_named() {
    let mut parts = two();
    here(&mut parts[1]).by_type.clear();
    here(&mut parts[1]).phases.clear();
    let found = merged(parts.to_vec());
    // Lane 1 has searches only, so nothing is missing of the other type.
    let view = &found.report.by_type["view"].latency_us.response_time;
    assert_eq!((view.count, view.p50, view.max.is_some()), (2000, None, true));
    assert!(found.report.by_type["search"].latency_us.response_time.p50.is_some());
    let without = ["by_type.view.response_time", "by_type.view.end_to_end", "phase.steady.slip"];
    assert_eq!(found.without_quantiles[..3], without);
    assert!(!found.recording.by_type["view"].contains_key(&LatencyKind::ResponseTime));
}

#[test]
fn examples_are_bounded_and_the_earliest() {
    let mut events = some_events();
    for event in &mut events {
        event.fate = Fate::Lost;
    }
    let found = merged(vec![process(&events, &[0], 0), process(&events, &[1], 0)]);
    let lost = &found.report.findings.examples["lost"];
    assert_eq!(lost.len(), 20);
    assert!(lost.iter().all(|example| example.due_us < Some(1_000_000)));
}

#[test]
fn siblings_that_are_in_no_part_remain() {
    let mut events = some_events();
    events.iter_mut().step_by(10).for_each(|event| event.lane = 2);
    let found = merged(vec![process(&events, &[0], 0), process(&events, &[1], 0)]);
    assert_eq!(found.report.findings.sibling, 400);
    assert_eq!((found.report.findings.foreign, found.report.findings.invalid), (7, 4));
}

#[test]
fn the_same_lane_twice_is_refused() {
    let message = refused(|parts| parts[1] = parts[0].clone());
    assert_eq!(message, "lane 0 is in lanes-[0] and in lanes-[0]: parts must have lanes of their own");
    let message = refused(|parts| {
        for part in parts.iter_mut() {
            part.report.run.lane_numbers.clear();
        }
        parts[1].name = "other".to_owned();
    });
    assert_eq!(message, "lane 0 is in lanes-[0] and in other: parts must have lanes of their own");
}

#[test]
fn another_run_or_another_kind_of_run_is_refused() {
    let message = refused(|parts| parts[1].report.run.id = "other".to_owned());
    assert_eq!(
        message,
        "lanes-[0] and lanes-[1] are not parts of one run: the run's id is 00c0ffee00c0ffee in one and other in the other"
    );
    assert!(refused(|parts| parts[1].report.run.seed = Some(9)).contains("the seed is none in one and 9"));
    assert!(refused(|parts| parts[1].report.phases.clear()).contains("the list of phases"));
}

#[test]
fn parts_that_did_not_run_at_the_same_time_are_refused() {
    let message = refused(|parts| parts[1].report.run.started_at = "2026-01-01T00:00:30Z".to_owned());
    assert_eq!(message, "lanes-[0] ended before lanes-[1] started: parts must have run at the same time");
    let message = refused(|parts| parts[1].report.run.started_at = "yesterday".to_owned());
    assert_eq!(message, "lanes-[1] started at \"yesterday\", which is no RFC 3339 time");
}

#[test]
fn a_part_that_does_not_add_up_in_itself_is_refused() {
    let message = refused(|parts| parts[0].report.ledger.verified -= 1);
    assert_eq!(message, "the ledger of lanes-[0] has 1999 events in its classes and 2000 scheduled");
    let message = refused(|parts| {
        here(&mut parts[0]).intervals.remove(&LatencyKind::EndToEnd);
    });
    assert_eq!(message, "lanes-[0] has 0 samples of end_to_end in its histograms and 2000 in its report");
    let message = refused(|parts| parts[0].report.run.lanes = 3);
    assert_eq!(message, "lanes-[0] says it had 3 lanes but names 1");
}

#[test]
fn one_part_is_no_merge() {
    assert_eq!(merge(vec![two()[0].clone()], judged).unwrap_err(), MergeError::TooFew(1));
}

#[test]
fn histograms_of_another_layout_are_added_by_value() {
    let mut parts = two();
    let intervals = here(&mut parts[1]).intervals.get_mut(&LatencyKind::ResponseTime).unwrap();
    for interval in intervals {
        let mut coarse = Histogram::new_with_bounds(1, 60_000_000, 2).unwrap();
        coarse.add(&interval.histogram).unwrap();
        interval.histogram = coarse;
    }
    let report = merged(parts.to_vec()).report;
    let LatencySummary { count, p50, .. } = report.latency_us.response_time;
    assert_eq!(count, 4000);
    assert!(p50.unwrap().abs_diff(3000) < 30, "{p50:?}");
}
