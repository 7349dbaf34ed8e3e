use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::capture::read::Reader;
use crate::kafka::Timestamp;
use crate::kafka::headers::Headers;

fn record(partition: i32, offset: i64, value: &[u8]) -> Captured<'_> {
    Captured {
        topic: "t",
        partition,
        offset,
        leader_epoch: None,
        timestamp: Timestamp::Create(offset),
        key: None,
        value: Some(value),
        headers: Headers::default(),
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Offsets by partition, in the order of the file, and whether it was ended.
fn read(file: &Path) -> (BTreeMap<i32, Vec<i64>>, bool) {
    let mut reader = Reader::open(File::open(file).unwrap()).unwrap();
    let mut found: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    while let Some(record) = reader.next().unwrap() {
        found.entry(record.partition).or_default().push(record.offset);
    }
    (found, reader.opened().ending.is_some())
}

#[test]
fn what_was_settled_is_in_files_that_sort_and_that_nobody_writes_over() {
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("made/of it");
    let value = vec![7; 300 << 10];
    // The second stands for another member, or for the same one started anew.
    for start in [0, 5] {
        let mut rolling = Rolling::new(&into, "a/b c", Roll::At(100)).unwrap();
        for offset in start..start + 5 {
            rolling.take(&record(0, offset, &value)).unwrap();
        }
        rolling.settle().unwrap();
        assert_eq!(rolling.files(), 5, "each record is more than a file may be");
    }
    let files = files(&into);
    assert!(files.iter().all(|file| file.file_name().unwrap().to_str().unwrap().starts_with("a_b_c-2")), "{files:?}");
    let offsets: Vec<i64> = files.iter().flat_map(|file| read(file).0[&0].clone()).collect();
    assert_eq!(offsets, (0..10).collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_not_ended_holds_what_was_settled() {
    let folder = tempfile::tempdir().unwrap();
    let mut rolling = Rolling::new(folder.path(), "g", Roll::After(Duration::from_secs(3_600))).unwrap();
    for offset in 0..10 {
        rolling.take(&record(1, offset, b"v")).unwrap();
    }
    rolling.settle().unwrap();
    rolling.take(&record(1, 10, b"v")).unwrap();
    std::mem::forget(rolling);
    assert_eq!(read(&files(folder.path())[0]), ([(1, (0..10).collect())].into(), false));
}

#[test]
fn no_file_is_made_where_nothing_comes() {
    let folder = tempfile::tempdir().unwrap();
    let mut rolling = Rolling::new(folder.path(), "g", Roll::At(1)).unwrap();
    rolling.settle().unwrap();
    rolling.end().unwrap();
    assert_eq!((files(folder.path()).len(), rolling.names()), (0, None));
}

proptest! {
    #[test]
    fn no_offset_is_twice_in_a_file_and_none_is_missing(
        stretches in proptest::collection::vec((0..3_i32, 0..20_i64, 1..8_i64, any::<bool>()), 1..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut rolling = Rolling::new(folder.path(), "g", Roll::After(Duration::from_secs(3_600))).unwrap();
        let mut taken = Vec::new();
        for (partition, from, count, settles) in stretches {
            for offset in from..from + count {
                rolling.take(&record(partition, offset, b"v")).unwrap();
                taken.push((partition, offset));
            }
            if settles {
                rolling.settle().unwrap();
            }
        }
        rolling.end().unwrap();
        let mut found = Vec::new();
        for file in files(folder.path()) {
            let (partitions, ended) = read(&file);
            prop_assert!(ended);
            for (partition, offsets) in partitions {
                prop_assert!(offsets.is_sorted_by(|a, b| a < b), "{offsets:?}");
                found.extend(offsets.into_iter().map(|offset| (partition, offset)));
            }
        }
        taken.sort_unstable();
        found.sort_unstable();
        prop_assert_eq!(found, taken);
    }
}
