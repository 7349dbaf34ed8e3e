use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{ExpectConfig, Expectation, Log, Named, Oracle, OutputConfig, Record, RunFacts};
use super::*;
use crate::event::stamp::{DueTime, RunId};
use crate::figures::as_f64;
use crate::report::ExpectReport;
use crate::shop;
use crate::source::synthetic::fraud::FraudConfig;

const RUN: RunId = RunId(0x1234_5678_9abc_def0);
const OTHER: RunId = RunId(!0x1234_5678_9abc_def0);
/// Events of the lane, one each ms.
const EVENTS: u64 = 20_000;

fn truth() -> Truth {
    Truth::new(&FraudConfig { spacing: 5, ..FraudConfig::of(0.05) }, 7, 1)
}

fn id(run: RunId, sequence: u64) -> String {
    let due = DueTime::from_unix_ns(sequence * 1_000_000);
    let stamp = Stamp { due, tag: run.tag(), lane: 0, sequence, check: 0 };
    uuid::Uuid::from_u128(stamp.bits()).to_string()
}

fn config() -> ExpectConfig {
    ExpectConfig {
        name: "fraud".to_owned(),
        kind: Some(Named::Scores),
        output: OutputConfig { topic: "fraud-scores".to_owned(), ..OutputConfig::default() },
        ..ExpectConfig::default()
    }
}

fn declared(config: ExpectConfig, truth: Option<&Truth>) -> Result<Vec<Expectation>, String> {
    let catalogue = shop::catalogue().unwrap();
    let known = RunFacts { catalogue: &catalogue, topic_of: &|_| "raw-events".to_owned(), usual: "raw-events", truth };
    Expectation::all(&[config], known).map_err(|error| format!("{error}; {}", error.hint))
}

/// An oracle that has taken the events.
fn oracle(config: ExpectConfig) -> Oracle {
    let expectations = declared(config, Some(&truth())).unwrap();
    let log = Log { starts: vec![0], is_whole: true };
    let mut oracle = Oracle::new(&expectations, &BTreeMap::from([("raw-events".to_owned(), log)]), true, Some(RUN));
    for sequence in 0..EVENTS {
        event(&mut oracle, RUN, sequence);
    }
    oracle
}

fn event(oracle: &mut Oracle, run: RunId, sequence: u64) {
    let body = format!(r#"{{"event_id":"{}","event_type":"view","timestamp":{sequence}}}"#, id(run, sequence));
    let at_ms = i64::try_from(sequence).unwrap();
    oracle.input(0, &Record { partition: 0, offset: at_ms, at_ms, body: Some(body.as_bytes()) });
}

fn score(oracle: &mut Oracle, run: RunId, sequence: u64, score: f64, after_ms: u64) {
    let body = format!(r#"{{"event_id":"{}","user_id":"1","score":{score},"model":"m-1"}}"#, id(run, sequence));
    let at_ms = i64::try_from(sequence + after_ms).unwrap();
    oracle.output(0, &Record { partition: 0, offset: 0, at_ms, body: Some(body.as_bytes()) });
}

fn end(oracle: Oracle) -> ExpectReport {
    oracle.end(1_000_000, &BTreeMap::new()).0.remove(0)
}

#[test]
fn classes_are_what_was_put_in_and_sum_to_the_events() {
    let (mut oracle, mut truth) = (oracle(config()), truth());
    let mut put = [0; 6];
    for sequence in 0..EVENTS {
        let is_fraud = truth.label(0, sequence).is_some();
        let (value, times) = match sequence % 10 {
            0 => (0.0, 0),
            1 => (0.7, 2),
            2 | 3 => (0.5, 1),
            _ => (0.499, 1),
        };
        for _ in 0..times {
            score(&mut oracle, RUN, sequence, value, 40);
        }
        let class = match (times, is_fraud, value >= 0.5) {
            (0, ..) => 4,
            (2, ..) => 5,
            (_, true, true) => 0,
            (_, true, false) => 1,
            (_, false, true) => 2,
            (_, false, false) => 3,
        };
        put[class] += 1;
    }
    // Another run's events in the topic, and their scores, are nobody's business.
    event(&mut oracle, OTHER, 1);
    score(&mut oracle, OTHER, 1, 0.9, 1);
    let report = end(oracle);
    let scores = report.scores.as_ref().unwrap();
    let found = [scores.detected, scores.missed, scores.false_alarm, scores.quiet, report.missing, report.twice];
    assert_eq!(found, put);
    assert_eq!(found.iter().sum::<u64>(), EVENTS);
    assert_eq!((report.expected, report.unexpected, report.undecided), (EVENTS, 0, 0));
    assert_eq!((scores.detected + scores.missed, report.right), (put[0] + put[1], put[..4].iter().sum()));
    assert_eq!(scores.models, ["m-1"]);
    assert_eq!(scores.fraudulent, truth.of_lane(0, EVENTS).count() as u64);
    // Nine of ten fraudulent events may be missed, and an episode be found all the same, with its first alarm.
    assert!(scores.episodes_detected > scores.episodes / 2);
    let lines = scores.lines().join("\n");
    assert!(lines.contains("recall 0.") && lines.contains("bot browsing: recall"), "{lines}");
}

#[test]
fn detection_counts_from_the_first_event_of_an_episode() {
    let (mut oracle, truth) = (oracle(config()), truth());
    let mut first: BTreeMap<Episode, u64> = BTreeMap::new();
    let mut latest = 0;
    for (sequence, label) in truth.of_lane(0, EVENTS) {
        let began = *first.entry(label.episode).or_insert(sequence);
        // From the third step on it shows, one second late.
        score(&mut oracle, RUN, sequence, if label.step >= 2 { 0.9 } else { 0.1 }, 1_000);
        if label.step == 2 {
            latest = latest.max(sequence + 1_000 - began);
        }
    }
    let report = end(oracle);
    let scores = report.scores.unwrap();
    let detection = scores.detection_us.unwrap();
    assert_eq!(detection.count, scores.episodes);
    assert_eq!(detection.censored, scores.episodes - scores.episodes_detected);
    assert!(detection.censored > 0, "episodes of one or two steps are never found");
    assert!(detection.min.unwrap() >= 999_000, "{detection:?}");
    let found = &scores.patterns.iter().find(|pattern| pattern.name == "bot_browsing").unwrap();
    let found = found.detection_us.unwrap();
    assert!(found.censored == 0 && found.max.unwrap().abs_diff(latest * 1_000) < latest * 20, "{found:?} {latest}");
}

#[test]
fn what_is_undecided_is_judged_by_nobody() {
    let mut oracle = oracle(config());
    score(&mut oracle, RUN, 3, 0.9, 1);
    let unknown = BTreeMap::from([("raw-events".to_owned(), "it was broken off".to_owned())]);
    let report = oracle.end(1_000_000, &unknown).0.remove(0);
    let scores = report.scores.unwrap();
    assert_eq!((report.undecided, report.right), (EVENTS - 1, 1));
    assert_eq!(scores.detected + scores.missed + scores.false_alarm + scores.quiet, 1);
    assert!(scores.unsaid().unwrap().starts_with("needs 20 episodes, this run had"));
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let refused = |change: fn(&mut ExpectConfig), truth: Option<&Truth>| {
        let mut config = config();
        change(&mut config);
        declared(config, truth).unwrap_err()
    };
    let truth = truth();
    assert!(refused(|_| {}, None).contains("cannot be judged without the truth"));
    assert!(refused(|config| config.threshold = Some(f64::NAN), Some(&truth)).contains("threshold is NaN"));
    assert!(refused(|config| config.k = Some(0), Some(&truth)).contains("its k is 0"));
    assert!(refused(|config| config.key = Some("user_id".to_owned()), Some(&truth)).contains("leave key out"));
    assert!(
        refused(|config| config.emit = Some(super::super::Emit::Final), Some(&truth)).contains("emit has no meaning")
    );
    assert!(refused(|config| config.matched = Some("event_idd".to_owned()), Some(&truth)).contains("event_id"));
    let plain = |config: &mut ExpectConfig| {
        (config.kind, config.matched, config.threshold) = (None, Some("event_id".to_owned()), Some(0.5));
    };
    assert!(refused(plain, Some(&truth)).contains("are for scores"));
}

#[test]
fn a_feature_that_is_not_what_the_log_gives_is_named() {
    let (mut window, mut reader) = (crate::fraud::Window::default(), crate::fraud::Reader::default());
    let features = Some("features".to_owned());
    let expectations = declared(ExpectConfig { features, ..config() }, Some(&truth())).unwrap();
    let log = Log { starts: vec![0], is_whole: true };
    let mut oracle = Oracle::new(&expectations, &BTreeMap::from([("raw-events".to_owned(), log)]), true, Some(RUN));
    for sequence in 0..100_u64 {
        let at_ms = i64::try_from(sequence).unwrap();
        let id = id(RUN, sequence);
        let body =
            format!(r#"{{"event_id":"{id}","event_type":"view","timestamp":{sequence},"user_id":"{}"}}"#, sequence % 3);
        let features = window.take(at_ms, &reader.read(body.as_bytes()).unwrap());
        let mut told: BTreeMap<&str, f64> = crate::fraud::NAMES.into_iter().zip(features).collect();
        if sequence % 10 == 7 {
            *told.get_mut("user_events").unwrap() += 2.0;
        }
        let score =
            format!(r#"{{"event_id":"{id}","score":0.1,"features":{}}}"#, serde_json::to_string(&told).unwrap());
        // Now one is there first, now the other.
        let mut put = |is_input: bool| {
            let body = if is_input { &body } else { &score };
            let record = Record { partition: 0, offset: at_ms, at_ms, body: Some(body.as_bytes()) };
            if is_input {
                oracle.input(0, &record);
            } else {
                oracle.output(0, &record);
            }
        };
        put(sequence % 2 == 0);
        put(sequence % 2 != 0);
    }
    let skew = end(oracle).scores.unwrap().skew.unwrap();
    assert_eq!((skew.compared, skew.differing, skew.without), (100, 10, 0));
    assert_eq!(skew.features.len(), 1);
    assert_eq!((skew.features[0].name.as_str(), skew.features[0].differing), ("user_events", 10));
    assert!((skew.features[0].largest - 2.0).abs() < 1e-12);
}

#[test]
fn a_record_without_a_score_cannot_be_read() {
    let mut oracle = oracle(config());
    for body in [
        format!(r#"{{"event_id":"{}"}}"#, id(RUN, 1)),
        format!(r#"{{"event_id":"{}","score":"high"}}"#, id(RUN, 2)),
        format!(r#"{{"event_id":"{}","score":NaN}}"#, id(RUN, 2)),
        r#"{"score":0.5}"#.to_owned(),
    ] {
        oracle.output(0, &Record { partition: 0, offset: 0, at_ms: 5, body: Some(body.as_bytes()) });
    }
    assert_eq!(end(oracle).unreadable, 4);
}

/// By the definitions, threshold by threshold.
fn plain(scores: &[(f64, bool)]) -> (f64, f64) {
    let mut thresholds: Vec<f64> = scores.iter().map(|(score, _)| *score).collect();
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    let all = scores.iter().filter(|(_, is_fraud)| *is_fraud).count();
    let honest = scores.len() - all;
    let (mut area, mut recalled, mut best) = (0.0, 0, 0);
    for threshold in thresholds.into_iter().rev() {
        let above = || scores.iter().filter(|(score, _)| *score >= threshold);
        let (found, alarms) = (above().filter(|(_, is_fraud)| *is_fraud).count(), above().count());
        area += as_f64((found - recalled) as u64) / as_f64(all as u64) * as_f64(found as u64) / as_f64(alarms as u64);
        recalled = found;
        if as_f64((alarms - found) as u64) <= 0.01 * as_f64(honest as u64) {
            best = found;
        }
    }
    (area, as_f64(best as u64) / as_f64(all as u64))
}

proptest! {
    #[test]
    fn figures_of_a_ranking_are_those_of_their_definitions(
        scores in prop::collection::vec((prop_oneof![0_u8..4, 0_u8..100], any::<bool>()), 1..300)
    ) {
        let scores: Vec<(f64, bool)> = scores.into_iter().map(|(score, is_fraud)| (f64::from(score) - 20.0, is_fraud)).collect();
        prop_assume!(scores.iter().any(|(_, is_fraud)| *is_fraud) && scores.iter().any(|(_, is_fraud)| !is_fraud));
        let mut ranking = Ranking::default();
        for (score, is_fraud) in &scores {
            ranking.add(*score, *is_fraud);
        }
        let (area, recall) = plain(&scores);
        let ranked = ranking.ranked();
        prop_assert!((ranked.average_precision().unwrap() - area).abs() < 1e-12);
        prop_assert!((ranked.recall_at_false_alarms(0.01).unwrap() - recall).abs() < 1e-12);
        let k = scores.len() as u64;
        let share = as_f64(scores.iter().filter(|(_, is_fraud)| *is_fraud).count() as u64) / as_f64(k);
        prop_assert!((ranked.precision_at(k).unwrap() - share).abs() < 1e-12);
        prop_assert_eq!(ranked.precision_at(k + 1), None);
        prop_assert_eq!(ranking.bits(), None);
    }

    #[test]
    fn an_interval_holds_its_share_and_lies_between_0_and_1(
        clusters in prop::collection::vec((0_u64..9, 0_u64..9), 0..60), beside in 0_u64..50, draws in 0_u64..99
    ) {
        let clusters: Vec<Cluster> =
            clusters.into_iter().map(|(part, more)| Cluster { part, whole: part + more }).collect();
        let ratio = Ratio::of(&clusters, beside).estimate();
        let some = ratio.into_iter().flat_map(|ratio| [ratio, logit(ratio.value, draws), wilson(ratio.value, draws)]);
        for estimate in some {
            prop_assert!(0.0 <= estimate.low && estimate.low <= estimate.value + 1e-12, "{estimate:?}");
            prop_assert!(estimate.value <= estimate.high + 1e-12 && estimate.high <= 1.0, "{estimate:?}");
        }
    }
}

#[test]
fn more_scores_than_are_kept_apart_are_told_apart_by_their_first_bits() {
    let mut ranking = Ranking::of_at_most(10_000);
    for n in 0..11_000_u32 {
        ranking.add(f64::from(n) / 11_000.0, n >= 10_000);
    }
    assert!(ranking.bits().is_some_and(|bits| bits >= 20), "{:?}", ranking.bits());
    assert!((ranking.ranked().average_precision().unwrap() - 1.0).abs() < 1e-3);
}

#[test]
fn an_interval_of_independent_events_is_wilsons() {
    // Ten of twenty, each by itself: 0.2993 to 0.7007 (R: prop.test(10, 20, correct = FALSE)).
    let clusters: Vec<Cluster> = (0..20).map(|n| Cluster { part: n % 2, whole: 1 }).collect();
    let estimate = wilson(0.5, 20);
    assert!((estimate.low - 0.299_3).abs() < 1e-4 && (estimate.high - 0.700_7).abs() < 1e-4, "{estimate:?}");
    let near = Ratio::of(&clusters, 0).estimate().unwrap();
    assert!((near.low - estimate.low).abs() < 0.01 && (near.high - estimate.high).abs() < 0.01, "{near:?}");
    // The same in two episodes, one found and one not, is next to nothing.
    let two = Ratio::of(&[Cluster { part: 10, whole: 10 }, Cluster { part: 0, whole: 10 }], 0).estimate().unwrap();
    assert!(two.low < 0.1 && two.high > 0.9, "{two:?}");
}
