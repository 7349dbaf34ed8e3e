use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::super::retail_rocket::{Moment, Rounds};
use super::*;
use crate::capture::Owned;
use crate::capture::format::TopicHead;
use crate::capture::write::Writer;
use crate::kafka::Timestamp;

fn write(path: &Path, records: &[(i32, i64, Option<i64>)], ended: bool) {
    let head = Head {
        topics: [("t".to_owned(), TopicHead { partitions: 3, ..TopicHead::default() })].into(),
        ..Head::default()
    };
    let mut writer = Writer::begin(File::create(path).unwrap(), &head, *b"sixteen bytes of").unwrap();
    for (partition, offset, at) in records {
        let record = Owned {
            topic: "t".to_owned(),
            partition: *partition,
            offset: *offset,
            leader_epoch: None,
            timestamp: at.map_or(Timestamp::Missing, Timestamp::Create),
            key: Some(format!("{partition}").into_bytes()),
            value: (offset % 5 != 4).then(|| format!("{partition}/{offset}").into_bytes()),
            headers: Box::default(),
        };
        writer.push(&record.borrowed()).unwrap();
        if offset % 3 == 2 {
            writer.flush().unwrap();
        }
    }
    if ended {
        writer.finish().unwrap();
    } else {
        writer.flush().unwrap();
    }
}

/// What a lane draws: partition, value, and ms after the first one.
fn played(config: &Config, lane: u16, lanes: u16) -> Vec<(String, u64)> {
    let recorded = Arc::new(Recorded::load(config).unwrap());
    let mut lane = recorded.lane(lane, lanes).unwrap();
    let mut all = Vec::new();
    while let Some(drawn) = lane.draw() {
        let value = lane
            .bytes()
            .unwrap()
            .value
            .map_or_else(|| "none".to_owned(), |value| String::from_utf8(value.to_vec()).unwrap());
        all.push((value, drawn.recorded_offset.0 / 1_000_000));
    }
    assert_eq!(recorded.fault(), None);
    all
}

fn file() -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("r.avro");
    (folder, Config { path, ..Config::default() })
}

fn shown(played: &[(String, u64)]) -> Vec<(&str, u64)> {
    played.iter().map(|(value, at)| (value.as_str(), *at)).collect()
}

#[test]
fn partitions_are_merged_by_time_and_none_is_reordered() {
    let (_folder, config) = file();
    let records = [(0, 0, 100), (0, 1, 400), (0, 2, 150), (0, 3, 500), (1, 0, 120), (1, 1, 120), (1, 2, 450)];
    write(&config.path, &records.map(|(partition, offset, at)| (partition, offset, Some(at))), true);
    let expected = [("0/0", 0), ("1/0", 20), ("1/1", 20), ("0/1", 300), ("0/2", 300), ("1/2", 350), ("0/3", 400)];
    assert_eq!(shown(&played(&config, 0, 1)), expected);
    let recorded = Recorded::load(&config).unwrap();
    assert_eq!((recorded.facts().back, recorded.facts().events), (1, 7));
    assert_eq!(recorded.span(), Nanos::from_millis(400));
}

#[test]
fn lanes_have_whole_partitions_and_together_all_records() {
    let (_folder, config) = file();
    let records: Vec<_> = (0..60).map(|n| ((n % 3) as i32, n / 3, Some(1_000 + n * 7))).collect();
    write(&config.path, &records, true);
    let whole = played(&config, 0, 1);
    let mut both = [played(&config, 0, 2), played(&config, 1, 2)].concat();
    assert!(both[..20].iter().all(|(value, _)| !value.starts_with("1/")), "{both:?}");
    both.sort_by_key(|(_, at)| *at);
    assert_eq!(both, whole);
}

#[test]
fn a_recording_that_was_not_ended_is_played_up_to_its_last_block() {
    let (_folder, config) = file();
    write(&config.path, &[(0, 0, Some(5)), (0, 1, Some(6)), (0, 2, Some(9)), (0, 3, Some(10))], false);
    let whole = std::fs::read(&config.path).unwrap();
    std::fs::write(&config.path, &whole[..whole.len() - 20]).unwrap();
    let recorded = Recorded::load(&config).unwrap();
    assert_eq!(recorded.cuts().count(), 1);
    assert_eq!((recorded.facts().records, recorded.span()), (3, Nanos::from_millis(4)));
}

#[test]
fn times_select_records_gaps_are_capped_and_rounds_follow_one_another() {
    let (_folder, config) = file();
    write(&config.path, &[(0, 0, Some(0)), (0, 1, Some(1_000)), (0, 2, Some(9_000)), (0, 3, Some(9_500))], true);
    let cut = Config { from: Some(Moment(1_000)), until: Some(Moment(9_500)), ..config.clone() };
    assert_eq!(shown(&played(&cut, 0, 1)), [("0/1", 0), ("0/2", 8_000)]);
    let capped = Config { max_gap: Some(Duration::from_secs(1)), rounds: Rounds::Count(2), ..config };
    let played = played(&capped, 0, 1);
    let times: Vec<u64> = played.iter().map(|(_, at)| *at).collect();
    assert_eq!(times, [0, 1_000, 2_000, 2_500, 3_333, 4_333, 5_333, 5_833]);
}

#[test]
fn a_record_without_a_time_is_played_at_once_and_a_tombstone_has_no_value() {
    let (_folder, config) = file();
    write(&config.path, &[(0, 3, Some(50)), (0, 4, None), (0, 5, Some(70))], true);
    assert_eq!(shown(&played(&config, 0, 1)), [("0/3", 0), ("none", 0), ("0/5", 20)]);
}

#[test]
fn what_cannot_be_played_is_told() {
    let (_folder, config) = file();
    write(&config.path, &[], true);
    assert!(matches!(Recorded::load(&config), Err(LoadError::Empty(_))));
    std::fs::write(&config.path, "timestamp,visitorid").unwrap();
    let error = Recorded::load(&config).unwrap_err().to_string();
    assert!(error.contains("is no recording"), "{error}");
}

#[test]
fn several_files_are_one_recording_in_which_each_record_is_once() {
    let folder = tempfile::tempdir().unwrap();
    let [late, early] = ["a.avro", "b.avro"].map(|name| folder.path().join(name));
    // Named against the order of their records; one record is in both, as after a kill.
    write(&late, &[(0, 1, Some(20)), (0, 2, Some(40)), (1, 5, Some(30))], true);
    write(&early, &[(0, 0, Some(10)), (0, 1, Some(20))], true);
    let mut config = Config { path: late, further: vec![early], ..Config::default() };
    assert_eq!(shown(&played(&config, 0, 1)), [("0/0", 0), ("0/1", 10), ("1/5", 20), ("0/2", 30)]);
    assert_eq!(Recorded::load(&config).unwrap().len(), Some(4));
    config.further = vec![folder.path().join("none.avro")];
    let error = Recorded::load(&config).unwrap_err().to_string();
    assert!(error.contains("none.avro"), "{error}");
}
