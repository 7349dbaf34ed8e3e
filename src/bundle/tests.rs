use super::*;
use crate::report::SCHEMA_VERSION;

#[test]
fn a_bundle_is_partial_until_it_is_finished_and_never_overwritten() {
    let results = tempfile::tempdir().unwrap();
    let create = || Bundle::create(results.path(), "20260101T000000Z", "test", "name = \"test\"\n").unwrap();
    let (mut first, second) = (create(), create());
    assert_ne!(first.folder(), second.folder());
    assert!(first.folder().join(PARTIAL).exists());
    first.row(&TimelineRow { sent: 3, ..TimelineRow::default() }).unwrap();
    let rows = fs::read_to_string(first.folder().join(TIMELINE)).unwrap();
    assert_eq!(serde_json::from_str::<TimelineRow>(&rows).unwrap().sent, 3);
    first.write(REPORT, b"{}").unwrap();
    let folder = first.finish().unwrap();
    assert!(!folder.join(PARTIAL).exists());
    let mut names: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [REPORT, SCENARIO, TIMELINE]);
}

#[test]
fn what_is_written_reads_back() {
    let results = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::create(results.path(), "20260101T000000Z", "test", "").unwrap();
    let mut measured = PhaseShard::default();
    measured.latency_mut(Kind::ResponseTime).record(Nanos::from_millis(3));
    for second in 1..=2 {
        bundle.latencies(&measured, &Kind::ALL, Nanos::from_secs(second)).unwrap();
    }
    let unjudged = read(bundle.folder()).unwrap_err().to_string();
    assert!(unjudged.ends_with("this run has not been judged: it still goes on, or it was killed (PARTIAL)"));
    let report = RunReport { schema_version: SCHEMA_VERSION, ..RunReport::default() };
    bundle.write(REPORT, &serde_json::to_vec(&report).unwrap()).unwrap();
    assert!(read(bundle.folder()).unwrap().partial);
    let folder = bundle.finish().unwrap();
    for path in [folder.clone(), folder.join(REPORT)] {
        let stored = read(&path).unwrap();
        assert_eq!((stored.name().as_str(), stored.partial), ("20260101T000000Z-test", false));
        assert_eq!(stored.report, report);
        let recording = stored.recording().unwrap();
        assert_eq!(recording.intervals.keys().copied().collect::<Vec<_>>(), [Kind::ResponseTime]);
        let ends: Vec<f64> = recording.intervals[&Kind::ResponseTime].iter().map(|one| one.ends_s).collect();
        assert_eq!(ends, [1.0, 2.0]);
    }
}

#[test]
fn what_was_given_up_at_the_end_is_in_the_last_second() {
    let results = tempfile::tempdir().unwrap();
    let mut bundle = Bundle::create(results.path(), "20260101T000000Z", "test", "").unwrap();
    let mut measured = Shard::new(1, 1, 1);
    for second in 1..=2 {
        let mut of_second = PhaseShard::default();
        of_second.latency_mut(Kind::ResponseTime).record(Nanos::from_millis(second));
        measured.phases[0].latency_mut(Kind::ResponseTime).add(of_second.latency(Kind::ResponseTime));
        bundle.latencies(&of_second, &Kind::ALL, Nanos::from_secs(second)).unwrap();
    }
    measured.phases[0].latency_mut(Kind::ResponseTime).record_censored(Nanos::from_secs(30));
    measured.kinds[0].response_time.record_censored(Nanos::from_secs(30));
    bundle.last_latencies(&measured, &["view".to_owned()], &Kind::ALL).unwrap();
    let log = fs::read(bundle.folder().join(LATENCIES)).unwrap();
    let recording = Recording::read(&log).unwrap();
    let seconds: Vec<_> = recording.intervals[&Kind::ResponseTime]
        .iter()
        .map(|interval| (interval.ends_s, interval.histogram.len()))
        .collect();
    assert_eq!(seconds, [(1.0, 1), (2.0, 1), (2.0, 1)]);
    let whole = recording.whole(Kind::ResponseTime).unwrap().unwrap();
    assert_eq!(&whole, measured.whole().latency(Kind::ResponseTime).histogram());
    assert_eq!(recording.phases[0][&Kind::ResponseTime], whole);
    assert_eq!(recording.by_type["view"][&Kind::ResponseTime].len(), 1);
}
