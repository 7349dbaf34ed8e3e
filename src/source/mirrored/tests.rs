use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::capture::Owned;
use crate::kafka::Timestamp;
use crate::schedule::Speed;

const WIDE: usize = 1 << 20;

fn record(partition: i32, offset: i64, ms: Option<i64>) -> Owned {
    Owned {
        topic: "t".to_owned(),
        partition,
        offset,
        leader_epoch: None,
        timestamp: ms.map_or(Timestamp::Missing, Timestamp::Create),
        key: Some(format!("k{offset}").into_bytes()),
        value: Some(b"value".to_vec()),
        headers: Box::default(),
    }
}

fn config(partitions: i32) -> Config {
    Config { topics: [("t".to_owned(), partitions)].into(), ..Config::default() }
}

/// What the lane draws while there is something: partition, key and due time.
fn drawn(lane: &mut Lane) -> Vec<(Option<i32>, Vec<u8>, Nanos)> {
    std::iter::from_fn(|| {
        let drawn = lane.draw()?;
        let key = lane.bytes()?.key.unwrap_or_default().to_vec();
        Some((drawn.event.partition, key, drawn.recorded_offset))
    })
    .collect()
}

fn ms(count: u64) -> Nanos {
    Nanos::from_millis(count)
}

#[test]
fn a_partition_that_is_not_read_to_its_end_is_waited_for() {
    let mirror = Arc::new(Mirror::new(config(2), WIDE));
    let mut lane = Lane::new(Arc::clone(&mirror));
    mirror.put(&record(0, 0, Some(1_000)).borrowed());
    mirror.put(&record(0, 1, Some(3_000)).borrowed());
    assert_eq!(drawn(&mut lane), [], "partition 1 may have an earlier one");
    mirror.put(&record(1, 7, Some(2_000)).borrowed());
    let keys = |drawn: Vec<(_, Vec<u8>, _)>| -> Vec<String> {
        drawn.into_iter().map(|(_, key, _)| String::from_utf8(key).unwrap()).collect()
    };
    assert_eq!(keys(drawn(&mut lane)), ["k0", "k7"]);
    mirror.end_of("t", 1);
    assert_eq!(keys(drawn(&mut lane)), ["k1"]);
    mirror.put(&record(1, 8, Some(4_000)).borrowed());
    assert_eq!(keys(drawn(&mut lane)), Vec::<String>::new(), "partition 0 may have one before that");
    mirror.end();
    assert_eq!(keys(drawn(&mut lane)), ["k8"], "nothing more comes");
    assert!(!lane.is_open());
    assert_eq!(mirror.told(), Told { read: 4, ..Told::default() });
}

#[test]
fn a_backlog_is_played_at_its_speed_and_gaps_are_cut() {
    let config = Config { speed: "10".parse::<Speed>().unwrap(), max_gap: Some(Duration::from_secs(5)), ..config(1) };
    let mirror = Arc::new(Mirror::new(config, WIDE));
    let mut lane = Lane::new(Arc::clone(&mirror));
    for (offset, at) in [(0, 1_000), (1, 2_000), (2, 1_500), (3, 100_000)] {
        mirror.put(&record(0, offset, Some(at)).borrowed());
    }
    let due: Vec<Nanos> = drawn(&mut lane).into_iter().map(|(_, _, due)| due).collect();
    assert_eq!(due, [Nanos::ZERO, ms(100), ms(100), ms(600)]);
    assert_eq!(mirror.told(), Told { read: 4, back: 1, gaps_capped: 1, ..Told::default() });
}

#[test]
fn what_is_live_comes_up_with_its_source_and_a_backlog_keeps_its_speed() {
    for (speed, from_ms, last) in [("1", 2_000, 9_500), ("1", 100_000, 10_000), ("0.5", 2_000, 20_000)] {
        let config = Config { speed: speed.parse::<Speed>().unwrap(), ..config(1) };
        let mut merge = Merge::new(&config, WIDE);
        let mut told = Told::default();
        merge.begin(from_ms);
        // It came all at once, as after a while in which its source did not answer.
        for offset in 0..11 {
            assert!(merge.put(&record(0, offset, Some(1_000 + 1_000 * offset)).borrowed(), Nanos::ZERO, &mut told));
        }
        let dues: Vec<Nanos> =
            std::iter::from_fn(|| merge.take(&config, true, &mut told)).map(|turn| turn.due).collect();
        // Ten gaps of a second, of which all are live, or none is.
        assert_eq!(dues.last(), Some(&ms(last)), "{speed} {from_ms}");
        // What comes when it is behind no more is due when it comes.
        assert!(merge.put(&record(0, 11, Some(12_000)).borrowed(), ms(50_000), &mut told));
        let turn = merge.take(&config, true, &mut told).unwrap();
        assert_eq!((turn.due, turn.wait), (ms(50_000), Nanos::ZERO));
    }
}

#[test]
fn who_waits_for_another_partition_is_due_when_that_has_come_and_not_late() {
    let config = config(2);
    let mut merge = Merge::new(&config, WIDE);
    let mut told = Told::default();
    assert!(merge.put(&record(0, 0, Some(1_000)).borrowed(), ms(5), &mut told));
    assert!(merge.take(&config, false, &mut told).is_none());
    merge.end_of("t", 1, ms(30));
    let turn = merge.take(&config, false, &mut told).unwrap();
    assert_eq!((turn.due, turn.wait), (ms(30), ms(25)));
}

#[test]
fn copies_have_keys_of_their_own_and_one_due_time() {
    let mirror = Arc::new(Mirror::new(Config { copies: 3, ..config(1) }, WIDE));
    let mut lane = Lane::new(Arc::clone(&mirror));
    mirror.put(&record(0, 0, Some(1)).borrowed());
    mirror.put(&Owned { key: None, ..record(0, 1, Some(1)) }.borrowed());
    let keys: Vec<String> = drawn(&mut lane).into_iter().map(|(_, key, _)| String::from_utf8(key).unwrap()).collect();
    assert_eq!(keys, ["k0", "k0-2", "k0-3", "", "", ""]);
}

#[test]
fn what_the_run_did_not_take_counts_as_let_go() {
    let mirror = Arc::new(Mirror::new(Config { copies: 2, ..config(1) }, WIDE));
    let mut lane = Lane::new(Arc::clone(&mirror));
    for offset in 0..3 {
        mirror.put(&record(0, offset, Some(offset)).borrowed());
    }
    lane.draw().unwrap();
    lane.settle(Fate::NotSent);
    drop(lane);
    assert!(mirror.is_closed());
    mirror.put(&record(0, 3, Some(3)).borrowed());
    assert_eq!(mirror.told(), Told { read: 4, not_sent: 8, ..Told::default() });
    assert_eq!(Lane::new(mirror).draw(), None);
}

#[test]
fn who_has_no_room_waits_and_a_full_mirror_waits_for_no_partition() {
    let mirror = Arc::new(Mirror::new(config(2), 1));
    let putting = Arc::clone(&mirror);
    let reader = std::thread::spawn(move || {
        for offset in 0..50 {
            putting.put(&record(0, offset, Some(offset)).borrowed());
        }
        putting.end();
    });
    let mut lane = Lane::new(Arc::clone(&mirror));
    let mut count = 0;
    while lane.is_open() {
        count += u64::from(lane.draw().is_some());
    }
    reader.join().unwrap();
    assert_eq!(count, 50);
    assert!(mirror.told().out_of_turn >= 49, "{:?}", mirror.told());
}

proptest! {
    #[test]
    fn order_within_a_partition_is_kept_and_all_is_accounted_for(
        puts in proptest::collection::vec((0..3_i32, proptest::option::weighted(0.9, 0..50_i64), 0..4_u8), 0..60),
        copies in 1..3_u32,
        room in prop_oneof![Just(1_000_000_usize), 1..600_usize],
    ) {
        let mirror = Arc::new(Mirror::new(Config { copies, ..config(3) }, room));
        let mut lane = Lane::new(Arc::clone(&mirror));
        let mut out = Vec::new();
        for (offset, (partition, at, then)) in (0..).zip(&puts) {
            while mirror.state().merge.is_full() {
                out.extend(drawn(&mut lane));
            }
            mirror.put(&record(*partition, offset, *at).borrowed());
            match then {
                0 => mirror.end_of("t", *partition),
                1 => out.extend(drawn(&mut lane)),
                _ => {}
            }
        }
        mirror.end();
        out.extend(drawn(&mut lane));
        drop(lane);
        let told = mirror.told();
        prop_assert_eq!(told.read * u64::from(copies), out.len() as u64 + told.not_sent);
        prop_assert_eq!(told.not_sent, 0);
        prop_assert!(out.windows(2).all(|two| two[0].2 <= two[1].2), "due times go back");
        for partition in 0..3 {
            let offsets: Vec<i64> = out
                .iter()
                .filter(|(of, ..)| *of == Some(partition))
                .map(|(_, key, _)| std::str::from_utf8(&key[1..]).unwrap().split('-').next().unwrap().parse().unwrap())
                .collect();
            prop_assert!(offsets.is_sorted(), "{offsets:?}");
        }
    }
}
