use super::*;
use proptest::prelude::*;

fn stamps() -> impl Strategy<Value = Stamp> {
    (0_u64..1 << 58, 0_u16..1024, 0..LANES, 0..SEQUENCES, 0_u16..4096)
        .prop_map(|(due, tag, lane, sequence, check)| Stamp { due: DueTime(due), tag, lane, sequence, check })
}

proptest! {
    #[test]
    fn a_stamp_survives_its_uuid(stamp in stamps()) {
        prop_assert_eq!(Stamp::from_bits(stamp.bits()), Some(stamp));
        let uuid: Uuid = stamp.to_string().parse().unwrap();
        prop_assert_eq!(uuid.get_version_num(), 7);
        prop_assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        prop_assert_eq!(uuid.as_u128(), stamp.bits());
    }

    #[test]
    fn ids_of_a_lane_sort_by_due_time(stamp in stamps(), later in 1_u64..1_000_000) {
        prop_assume!(stamp.due.0 + later < 1 << 58);
        let next = Stamp { due: DueTime(stamp.due.0 + later), ..stamp };
        prop_assert!(next.to_string() > stamp.to_string());
    }

    #[test]
    fn a_due_time_loses_less_than_a_microsecond(unix_ns in 0_u64..1 << 62) {
        let due = DueTime::from_unix_ns(unix_ns);
        prop_assert!(due.unix_ns() <= unix_ns);
        prop_assert!(unix_ns - due.unix_ns() < 978);
        prop_assert_eq!(DueTime::from_unix_ns(due.unix_ns()), due);
        prop_assert!(unix_ns <= due.last_unix_ns());
        prop_assert_eq!(DueTime::from_unix_ns(due.last_unix_ns()), due);
    }

    /// Over all lanes of a run, in however many processes: no two events share a name, and each name says whose it is.
    #[test]
    fn lanes_never_share_a_number(lanes in 1..=LANES, lane in 0..LANES, at in 0_u64..1 << 40) {
        let (numbering, lane) = (Numbering::of(lanes), lane % lanes);
        let sequence = at % numbering.room(lane);
        let (number, short) = numbering.written(lane, sequence);
        prop_assert!(number < LANES && short < SEQUENCES);
        let stamp = Stamp { due: DueTime(0), tag: 0, lane: number, sequence: short, check: 0 };
        let resolved = numbering.resolved(Stamp::from_bits(stamp.bits()).unwrap());
        prop_assert_eq!((resolved.lane, resolved.sequence), (lane, sequence));
    }

    #[test]
    fn the_lanes_of_a_run_use_each_number_once(lanes in 1..=LANES) {
        let rooms = (0..lanes).map(|lane| Numbering::of(lanes).room(lane));
        prop_assert_eq!(rooms.sum::<u64>(), u64::from(LANES) * SEQUENCES);
    }
}

#[test]
fn a_run_has_room_for_a_trillion_events() {
    for lanes in [1, 2, 3, 64, 100, LANES] {
        assert!(Numbering::of(lanes).holds(1_000_000_000_000, 1), "{lanes} lanes");
    }
    assert!(!Numbering::of(1).holds(u64::from(LANES) * SEQUENCES + 1, 1));
    assert!(!Numbering::of(1).holds(1_000_000_000_000, 2));
}

#[test]
fn damage_breaks_the_check_but_for_one_case_in_4096() {
    let run = RunId(0x1234_5678_9abc_def0);
    let stamp = Stamp { due: DueTime::from_unix_ns(1), tag: run.tag(), lane: 2, sequence: 3, check: 0 };
    let body = [b'x'; 2_000];
    let intact = run.check(stamp, b"42", &body[..]);
    let unnoticed = (0..body.len() * 8).filter(|bit| {
        let mut damaged = body;
        damaged[bit / 8] ^= 1 << (bit % 8);
        run.check(stamp, b"42", &damaged[..]) == intact
    });
    let unnoticed = unnoticed.count();
    assert!(unnoticed <= 12, "{unnoticed} of 16,000, where 4 are to be expected");
}

#[test]
fn the_check_depends_on_stamp_key_body_and_run() {
    let stamp = Stamp { due: DueTime::from_unix_ns(1), tag: 1, lane: 2, sequence: 3, check: 0 };
    let check = RunId(7).check(stamp, b"42", &b"body"[..]);
    assert_ne!(check, RunId(8).check(stamp, b"42", &b"body"[..]));
    assert_ne!(check, RunId(7).check(stamp, b"43", &b"body"[..]));
    assert_ne!(check, RunId(7).check(stamp, b"42", &b"bodz"[..]));
    assert_ne!(check, RunId(7).check(Stamp { sequence: 4, ..stamp }, b"42", &b"body"[..]));
    assert_eq!(check, RunId(7).check(Stamp { check: 999, ..stamp }, b"42", &b"body"[..]));
}

#[test]
fn other_uuids_are_no_stamps() {
    assert_eq!(Stamp::from_bits(Uuid::nil().as_u128()), None);
    let v4: Uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8".parse().unwrap();
    assert_eq!(Stamp::from_bits(v4.as_u128()), None);
    let stamp = Stamp { due: DueTime::from_unix_ns(1), tag: 1, lane: 2, sequence: 3, check: 4 };
    for layout in [0_u128, 2, 3] {
        assert_eq!(Stamp::from_bits(stamp.bits() & !LAYOUT_MASK | layout << 64), None, "layout {layout}");
    }
}

#[test]
fn the_layout_stays_as_published() {
    let stamp = Stamp {
        due: DueTime::from_unix_ns(1_700_000_000_123_500_000),
        tag: 0x2A5,
        lane: 0xABC,
        sequence: 0x123_4567,
        check: 0xBEE,
    };
    assert_eq!(stamp.to_string(), "018bcfe5-687b-7801-aa5a-bc1234567bee");
}
