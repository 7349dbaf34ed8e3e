use std::io::Cursor;

use proptest::prelude::*;

use super::Owned;
use super::format::{Ending, Head, TopicHead};
use super::read::{Cut, ReadError, Reader};
use super::write::Writer;
use crate::kafka::Timestamp;
use crate::kafka::headers::Header;

const MARKER: [u8; 16] = *b"sixteen bytes of";

fn head() -> Head {
    let settings = [("cleanup.policy".to_owned(), "delete".to_owned())].into();
    Head {
        tool: "loadgen 0.1.0".to_owned(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        read_committed: false,
        topics: [("t".to_owned(), TopicHead { partitions: 2, settings, ..TopicHead::default() })].into(),
    }
}

fn record(partition: i32, offset: i64, value: &[u8]) -> Owned {
    Owned {
        topic: "t".to_owned(),
        partition,
        offset,
        leader_epoch: Some(0),
        timestamp: Timestamp::Create(1_700_000_000_000 + offset),
        key: Some(format!("k{offset}").into_bytes()),
        value: Some(value.to_vec()),
        headers: Box::default(),
    }
}

fn packed(headers: &[(String, Option<Vec<u8>>)]) -> Box<[u8]> {
    let mut packed = Vec::new();
    for (name, value) in headers {
        Header { name: name.as_bytes(), value: value.as_deref() }.pack(&mut packed);
    }
    packed.into()
}

/// The file, and where each of its blocks ends, with the records up to there.
fn written(blocks: &[Vec<Owned>]) -> (Vec<u8>, Vec<(usize, usize)>) {
    let mut writer = Writer::begin(Cursor::new(Vec::new()), &head(), MARKER).unwrap();
    let mut ends = vec![(usize::try_from(writer.bytes()).unwrap(), 0)];
    for block in blocks {
        for record in block {
            writer.push(&record.borrowed()).unwrap();
        }
        writer.flush().unwrap();
        ends.push((usize::try_from(writer.bytes()).unwrap(), ends.last().unwrap().1 + block.len()));
    }
    (writer.finish().unwrap().1.into_inner(), ends)
}

fn read(bytes: &[u8]) -> Result<(Vec<Owned>, Option<Cut>), ReadError> {
    let mut reader = Reader::open(bytes)?;
    let mut records = Vec::new();
    while let Some(record) = reader.next()? {
        records.push(Owned::from(record));
    }
    Ok((records, reader.cut()))
}

fn bytes() -> impl Strategy<Value = Option<Vec<u8>>> {
    proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40))
}

prop_compose! {
    fn any_record()(
        topic in "[a-z]{1,3}",
        place in (0..3_i32, any::<i64>()),
        leader_epoch in proptest::option::of(any::<i32>()),
        timestamp in prop_oneof![
            Just(Timestamp::Missing),
            any::<i64>().prop_map(Timestamp::Create),
            any::<i64>().prop_map(Timestamp::LogAppend),
        ],
        key in bytes(),
        value in bytes(),
        headers in proptest::collection::vec((".{0,5}", bytes()), 0..4).prop_map(|headers| packed(&headers)),
    ) -> Owned {
        Owned { topic, partition: place.0, offset: place.1, leader_epoch, timestamp, key, value, headers }
    }
}

proptest! {
    #[test]
    fn each_partition_is_read_as_it_was_written(records in proptest::collection::vec(any_record(), 0..60)) {
        let (file, _) = written(std::slice::from_ref(&records));
        let (found, cut) = read(&file).unwrap();
        prop_assert_eq!(cut, None);
        prop_assert_eq!(found.len(), records.len());
        for place in records.iter().map(|record| (record.topic.clone(), record.partition)) {
            let of = |all: &[Owned]| -> Vec<Owned> {
                all.iter().filter(|one| one.topic == place.0 && one.partition == place.1).cloned().collect()
            };
            prop_assert_eq!(of(&found), of(&records));
        }
    }

    #[test]
    fn any_bytes_behind_the_head_are_told_and_never_a_panic(
        blocks in proptest::collection::vec(any::<u8>(), 0..80), at in any::<proptest::sample::Index>(), flip in 1_u8..,
    ) {
        let (file, ends) = written(&[vec![record(0, 0, b"one"), record(0, 1, b"two")]]);
        let mut random = file[..ends[0].0].to_vec();
        random.extend_from_slice(&blocks);
        drop(read(&random));
        let mut flipped = file;
        let at = at.index(flipped.len());
        flipped[at] ^= flip;
        drop(read(&flipped));
    }
}

#[test]
fn a_file_cut_at_any_byte_is_read_up_to_its_last_whole_block() {
    let blocks: Vec<Vec<Owned>> =
        (0..3).map(|block| (0..4).map(|n| record(0, block * 4 + n, b"some value")).collect()).collect();
    let (file, ends) = written(&blocks);
    let all: Vec<Owned> = blocks.concat();
    for length in 0..file.len() {
        let found = read(&file[..length]);
        match ends.iter().rev().find(|(end, _)| *end <= length) {
            None => assert!(matches!(found, Err(ReadError::NoHead)), "{length}: {found:?}"),
            Some((end, records)) => {
                let (found, cut) = found.unwrap();
                assert_eq!(found, all[..*records], "{length}");
                let bytes = (length - end) as u64;
                assert_eq!(cut, (bytes > 0).then_some(Cut { at: *end as u64, bytes }), "{length}");
            }
        }
    }
}

#[test]
fn a_damaged_block_is_left_out_and_the_others_are_read() {
    let blocks: Vec<Vec<Owned>> =
        (0..3).map(|block| (0..4).map(|n| record(0, block * 4 + n, b"some value")).collect()).collect();
    let (file, ends) = written(&blocks);
    let others = [blocks[0].clone(), blocks[2].clone()].concat();
    for at in ends[1].0..ends[2].0 {
        let mut damaged = file.clone();
        damaged[at] ^= 0x55;
        let mut reader = Reader::open(Cursor::new(damaged)).unwrap();
        let (mut found, mut left_out) = (Vec::new(), 0);
        loop {
            let next = reader.next().map(|record| record.map(Owned::from));
            match next {
                Ok(Some(record)) => found.push(record),
                Ok(None) if reader.cut().is_none() => break,
                Ok(None) | Err(_) => left_out += reader.leave_out().unwrap().unwrap(),
            }
        }
        // A bit that nobody checks may let a record pass that is another one, and a block whose marker is gone takes the next one with it.
        let whole: Vec<Owned> = found.into_iter().filter(|record| others.contains(record)).collect();
        let marker = ends[2].0 - 16;
        if at < marker {
            assert_eq!(whole, others, "{at}");
        } else {
            assert_eq!((whole, left_out), (blocks[0].clone(), (ends[3].0 - ends[1].0) as u64), "{at}");
        }
    }
}

#[test]
fn a_block_holds_records_of_one_partition() {
    let mixed: Vec<Owned> = (0..9).map(|n| record((n % 3).try_into().unwrap(), n, b"v")).collect();
    let (file, _) = written(&[mixed]);
    let partitions: Vec<i32> = read(&file).unwrap().0.iter().map(|record| record.partition).collect();
    assert_eq!(partitions, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
}

#[test]
fn a_block_is_written_when_it_is_full_and_little_is_held() {
    let mut writer = Writer::begin(Cursor::new(Vec::new()), &head(), MARKER).unwrap();
    let large = record(0, 0, &vec![7; 300 << 10]);
    let before = writer.bytes();
    writer.push(&large.borrowed()).unwrap();
    assert!(writer.bytes() > before, "a record longer than a block is written at once");
    let small = record(0, 0, &vec![7; 250 << 10]);
    let before = writer.bytes();
    for partition in 0..500 {
        writer.push(&Owned { partition, ..small.clone() }.borrowed()).unwrap();
    }
    assert!(writer.bytes() > before, "125 MB in 500 blocks that are not full are not all held");
}

#[test]
fn the_head_tells_at_the_end_what_came_of_it() {
    let (file, ends) = written(&[vec![record(0, 5, b"a"), record(0, 2, b"b"), record(1, 9, b"c")]]);
    let opened = Reader::open(&file[..]).unwrap().opened().clone();
    assert_eq!(opened.head, head());
    let first_ms = Some(1_700_000_000_002);
    assert_eq!(opened.ending, Some(Ending { records: 3, first_ms, last_ms: Some(1_700_000_000_009), back: 1 }));
    let mut killed = Writer::begin(Cursor::new(Vec::new()), &head(), MARKER).unwrap();
    killed.push(&record(0, 0, b"").borrowed()).unwrap();
    assert_eq!(Reader::open(&file[..ends[0].0]).unwrap().opened().head, head());
}

#[test]
fn what_is_no_recording_is_told_apart() {
    let (file, _) = written(&[vec![record(0, 0, b"v")]]);
    let replaced = |from: &str, to: &str| -> Vec<u8> {
        assert_eq!(from.len(), to.len());
        let at = file.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        [&file[..at], to.as_bytes(), &file[at + from.len()..]].concat()
    };
    assert!(matches!(read(b"timestamp,visitorid"), Err(ReadError::NotAvro)));
    assert!(matches!(read(b""), Err(ReadError::NoHead)));
    assert!(matches!(read(&replaced("zstandard", "bzip2 two")), Err(ReadError::Codec(codec)) if codec == "bzip2 two"));
    assert!(matches!(read(&replaced("version\x021", "version\x022")), Err(ReadError::Version(two)) if two == "2"));
    assert!(matches!(read(&replaced("loadgen.version", "another.version")), Err(ReadError::Foreign(_))));
    assert!(matches!(read(&replaced("leader_epoch", "leader_epoxy")), Err(ReadError::Foreign(_))));
    let mut damaged = file.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    assert!(matches!(read(&damaged), Err(ReadError::Damaged { .. })));
}

/// Another implementation reads the same (`apache-avro` 0.22), but for the codec, which it has only as a feature: blocks are
/// unpacked for it.
#[test]
fn the_records_are_what_the_schema_in_the_head_says() {
    use apache_avro::reader::datum::GenericDatumReader;
    use apache_avro::types::Value;
    let schema = apache_avro::Schema::parse_str(super::format::SCHEMA).unwrap();
    let mut first = record(1, 7, b"value");
    first.headers = packed(&[("name".to_owned(), Some(b"x".to_vec())), ("none".to_owned(), None)]);
    let tombstone =
        Owned { key: None, value: None, leader_epoch: None, timestamp: Timestamp::Missing, ..record(1, 8, b"") };
    let mut bytes = Vec::new();
    for one in [&first, &tombstone] {
        super::entry::push(&mut bytes, &one.borrowed());
    }
    let mut input = &bytes[..];
    let reader = GenericDatumReader::builder(&schema).build().unwrap();
    let mut next = || match reader.read_value(&mut input).unwrap() {
        Value::Record(fields) => fields.into_iter().map(|(_, value)| value).collect::<Vec<_>>(),
        other => unreachable!("{other:?}"),
    };
    let some = |branch, value| Value::Union(branch, Box::new(value));
    let header = |name: &str, value| {
        Value::Record(vec![("name".to_owned(), Value::String(name.to_owned())), ("value".to_owned(), value)])
    };
    assert_eq!(
        next(),
        [
            Value::String("t".to_owned()),
            Value::Int(1),
            Value::Long(7),
            some(1, Value::Int(0)),
            some(1, Value::Long(1_700_000_000_007)),
            Value::Enum(1, "create".to_owned()),
            some(1, Value::Bytes(b"k7".to_vec())),
            some(1, Value::Bytes(b"value".to_vec())),
            Value::Array(vec![
                header("name", some(1, Value::Bytes(b"x".to_vec()))),
                header("none", some(0, Value::Null)),
            ]),
        ]
    );
    let second = next();
    assert_eq!(
        second[3..],
        [
            some(0, Value::Null),
            some(0, Value::Null),
            Value::Enum(0, "none".to_owned()),
            some(0, Value::Null),
            some(0, Value::Null),
            Value::Array(vec![]),
        ]
    );
    assert!(input.is_empty());
}

#[test]
fn the_form_is_the_one_that_was_published() {
    let mut first = record(0, 7, b"value");
    first.headers = packed(&[("name".to_owned(), Some(b"x".to_vec()))]);
    let tombstone = Owned { value: None, ..record(0, 8, b"") };
    let golden = include_bytes!("tests/version-1.avro");
    assert_eq!(read(golden).unwrap(), (vec![first, tombstone], None));
}
