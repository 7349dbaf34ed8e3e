use super::*;
use crate::capture::format::Head;
use crate::capture::write::Writer;
use crate::kafka::headers::Headers;

fn record(partition: i32, offset: i64, at_ms: i64) -> Captured<'static> {
    Captured {
        topic: "t",
        partition,
        offset,
        leader_epoch: None,
        timestamp: Timestamp::Create(at_ms),
        key: Some(if offset % 3 == 0 { b"hot" } else { b"\xff" }),
        value: (offset % 5 != 0).then_some(b"value"),
        headers: Headers::default(),
    }
}

/// Each in blocks of three records.
fn write(folder: &Path, name: &str, records: &[Captured<'_>], ends: bool) -> PathBuf {
    let path = folder.join(name);
    let mut writer = Writer::begin(File::create(&path).unwrap(), &Head::default(), *b"sixteen bytes of").unwrap();
    for (at, record) in records.iter().enumerate() {
        writer.push(record).unwrap();
        if at % 3 == 2 {
            writer.flush().unwrap();
        }
    }
    writer.flush().unwrap();
    if ends {
        writer.finish().unwrap();
    }
    path
}

fn of(files: Vec<PathBuf>, bad_blocks: BadRowPolicy) -> Recordings {
    Recordings { files, bad_blocks, sort_memory: 1 << 20, temp_dir: None }
}

#[test]
fn files_of_a_group_are_one_recording_and_what_is_in_two_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let first: Vec<_> = (0..10).map(|n| record(0, n, 1_000 + n * 10)).collect();
    let mut second: Vec<_> = (8..20).map(|n| record(0, n, 1_000 + n * 10)).collect();
    second.extend([record(1, 4, 1_500), record(1, 6, 1_200)]);
    let later = write(folder.path(), "b.avro", &second, false);
    let earlier = write(folder.path(), "a.avro", &first, true);
    let told = holdings(&of(vec![later, earlier], BadRowPolicy::Fail)).unwrap();
    assert_eq!((told.records, told.again, told.tombstones), (22, 2, 4));
    let partition = |partition, records, first, last, absent, again| PartitionHoldings {
        topic: "t".to_owned(),
        partition,
        records,
        first,
        last,
        absent,
        again,
    };
    assert_eq!(told.partitions, [partition(0, 20, 0, 19, 0, 2), partition(1, 2, 4, 6, 1, 0)]);
    assert_eq!((told.first_ms, told.last_ms, told.back), (1_000, 1_500, 1));
    assert_eq!(told.back_ms.map(|spread| spread.max), Some(300));
    let ended: Vec<bool> = told.files.iter().map(|file| file.ended).collect();
    assert_eq!(ended, [true, false], "in the order of their names");
    assert_eq!(told.hottest_keys[0], HotKey { key: r"\xff".to_owned(), rows: 14 });
    assert_eq!(told.hottest_keys[1], HotKey { key: "hot".to_owned(), rows: 8 });
}

#[test]
fn a_damaged_block_is_an_error_or_left_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<_> = (0..9).map(|n| record(0, n, n)).collect();
    let path = write(folder.path(), "a.avro", &records, true);
    let mut bytes = std::fs::read(&path).unwrap();
    let marker = b"sixteen bytes of";
    let ends: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(marker)).collect();
    // In the middle of the second block of three.
    let at = usize::midpoint(ends[1], ends[2]);
    bytes[at] ^= 0x55;
    std::fs::write(&path, bytes).unwrap();
    let failed = holdings(&of(vec![path.clone()], BadRowPolicy::Fail)).unwrap_err();
    assert!(failed.to_string().contains("damaged at byte"), "{failed}");
    assert!(failed.hint().unwrap().contains("--bad-rows skip"));
    let told = holdings(&of(vec![path], BadRowPolicy::Skip)).unwrap();
    assert_eq!((told.records, told.files[0].bad_blocks), (6, 1));
    assert_eq!((told.partitions[0].absent, told.files[0].bad_bytes), (3, (ends[2] + 16 - ends[1] - 16) as u64));
}
