use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use super::*;
use crate::clock::Monotonic;
use crate::clock::reference::MeasuredOffset;

mod many_runs;

const SECOND: u64 = 1_000_000_000;

/// Event `sequence` of a lane of a run that started at `start_s` and sends one a millisecond.
fn event(tag: u16, lane: u16, start_s: u64, sequence: u64) -> Stamp {
    let due = DueTime::from_unix_ns(1_700_000_000 * SECOND + start_s * SECOND + sequence * 1_000_000);
    Stamp { due, tag, lane, sequence, check: 0 }
}

fn read(stamps: impl IntoIterator<Item = Stamp>) -> TopicBook {
    let mut book = TopicBook::new(None, 1);
    for stamp in stamps {
        book.see(stamp, true);
    }
    book
}

fn account(book: &TopicBook) -> Vec<LaneSeen> {
    book.account(&WHOLE)
}

/// All has been read, from the start of each log to its end.
const WHOLE: Extent<'_> = Extent { unread: &[], begun_late: &[], cutoff: DueTime::LATEST, ready: DueTime::LATEST };

#[test]
fn runs_that_share_a_tag_are_told_apart_by_their_due_times() {
    let first = (0..5_000).map(|sequence| event(3, 0, 0, sequence));
    let second = (0..3_000).filter(|sequence| *sequence != 70).map(|sequence| event(3, 0, 3_600, sequence));
    let again = (10..20).map(|sequence| event(3, 0, 0, sequence));
    let mut book = read(first.chain(second));
    for stamp in again {
        assert_eq!(book.see(stamp, true), Recognition::Again);
    }
    let lanes = account(&book);
    let told: Vec<_> = lanes.iter().map(|lane| (lane.seen, lane.missing, lane.mixed)).collect();
    assert_eq!(told, [(5_000, 0, false), (2_999, 1, false)]);
}

#[test]
fn runs_that_share_a_tag_at_the_same_time_are_told_apart_by_their_lines() {
    let lost = |sequence: &u64| !(700..720).contains(sequence);
    let both = (0..4_000).filter(lost).flat_map(|sequence| [event(3, 0, 0, sequence), event(3, 0, 1, sequence)]);
    let mut both: Vec<Stamp> = both.collect();
    both.sort_by_key(|stamp| stamp.due);
    let told: Vec<_> = account(&read(both)).iter().map(|lane| (lane.seen, lane.missing, lane.mixed)).collect();
    assert_eq!(told, [(3_980, 20, false); 2]);
}

#[test]
fn runs_that_share_a_tag_and_a_line_are_not_judged() {
    // Some microseconds apart at random steps: whose a missing event is, nobody can say.
    let mut random = SmallRng::seed_from_u64(3);
    let mut of = |start: u64| {
        let mut due = 1_700_000_000 * SECOND + start;
        (0..4_000_u64)
            .map(|sequence| {
                due += random.random_range(0..2_000_000);
                Stamp { due: DueTime::from_unix_ns(due), ..event(3, 0, 0, sequence) }
            })
            .collect::<Vec<_>>()
    };
    let mut both = [of(0), of(3_000)].concat();
    both.sort_by_key(|stamp| stamp.due);
    both.retain(|stamp| stamp.sequence % 7 != 3);
    let lanes = account(&read(both));
    assert!(lanes.len() < 2 || lanes.iter().any(|lane| lane.mixed), "{lanes:?}");
}

#[test]
fn ids_that_others_draw_at_random_make_no_lane() {
    let mut random = SmallRng::seed_from_u64(7);
    let mut book = read((0..2_000).map(|sequence| event(9, 4, 0, sequence)));
    let drawn = 50_000;
    for at in 0..drawn {
        let bits = u128::from(random.random::<u64>()) << 64 | u128::from(random.random::<u64>());
        let stamp =
            Stamp::from_bits(bits & !(0xF << 76) & !(0b11 << 62) & !(0b11 << 64) | 7 << 76 | 1 << 64 | 0b10 << 62)
                .unwrap();
        let stamp = Stamp { due: event(0, 0, 0, at).due, ..stamp };
        book.see(stamp, true);
    }
    let lanes = account(&book);
    assert!(lanes.len() <= 30, "one in 4,096 begins near zero: {} lanes", lanes.len());
    let own = lanes.iter().find(|lane| (lane.tag, lane.lane) == (9, 4)).unwrap();
    assert_eq!((own.seen, own.missing), (2_000, 0));
    assert!(book.counts().unconfirmed >= drawn - 30);
}

#[test]
fn a_lane_met_in_its_middle_is_believed_when_it_goes_on() {
    let start = 1 << 27;
    let book = read((start..start + 1_000).map(|sequence| event(1, 2, 0, sequence)));
    let lanes = account(&book);
    assert_eq!((lanes.len(), lanes[0].first, lanes[0].seen, lanes[0].missing), (1, start, 1_000, 0));
    assert_eq!((book.counts().confirmed_late, book.counts().unconfirmed), (2, 0));
}

#[test]
fn a_lane_goes_on_after_a_gap_of_any_length() {
    let far = 1 << 27;
    let book = read((0..100).chain(far..far + 100).map(|sequence| event(1, 2, 0, sequence)));
    let lanes = account(&book);
    assert_eq!((lanes.len(), lanes[0].seen, lanes[0].missing), (1, 200, far - 100));
}

#[test]
fn what_may_still_lie_in_an_unread_partition_is_not_missing() {
    let mut book = TopicBook::new(None, 2);
    for sequence in (0..1_000).filter(|sequence| *sequence != 300 && *sequence != 900) {
        let stamp = event(5, 0, 0, sequence);
        book.see(stamp, true);
        let partition = usize::from(sequence >= 500);
        book.place(stamp, partition, Place { sequence, offset: 0 });
    }
    let gaps = |unread: &[usize]| {
        let lane = book.account(&Extent { unread, ..WHOLE })[0];
        (lane.missing, lane.open)
    };
    assert_eq!(gaps(&[]), (2, 0));
    assert_eq!(gaps(&[0]), (1, 1), "event 900 may come in partition 0, which was read to 499");
    assert_eq!(gaps(&[1]), (2, 0), "partition 1 was read past both");
}

#[test]
fn what_may_lie_below_the_start_of_a_partition_is_neither_missing_nor_open() {
    let mut book = TopicBook::new(None, 2);
    // Partition 0 has the even events and was read from event 400 on, partition 1 the odd ones.
    for sequence in (0..1_000).filter(|sequence| sequence % 2 == 1 || *sequence >= 400) {
        if [301, 700, 701].contains(&sequence) {
            continue;
        }
        book.see(event(5, 0, 0, sequence), true);
        book.place(event(5, 0, 0, sequence), usize::from(sequence % 2 == 1), Place { sequence, offset: 0 });
    }
    let lane = |begun_late: &[usize], ready: DueTime| {
        let lane = book.account(&Extent { begun_late, ready, ..WHOLE })[0];
        (lane.below, lane.missing, lane.open)
    };
    assert_eq!(lane(&[0], DueTime::LATEST), (200, 2, 0), "199 even ones after event 1 and event 301");
    assert_eq!(lane(&[0, 1], DueTime::LATEST), (200, 2, 0));
    assert_eq!(lane(&[1], DueTime::LATEST), (0, 202, 0));
    assert_eq!(lane(&[0], event(5, 0, 0, 0).due), (0, 202, 0), "a run that began later has nothing below");
}

#[test]
fn ids_of_the_first_layout_are_no_lanes_of_today() {
    // Tag 4 | lane 8 | sequence 34 | check 16, and 12 bits of due time: one in four has today's layout bits.
    let mut random = SmallRng::seed_from_u64(11);
    let (mut book, mut taken) = (read((0..500).map(|sequence| event(9, 4, 0, sequence))), 0);
    for sequence in 0..4_000_u128 {
        let due_ms = 1_700_000_000_000 + sequence;
        let bits = due_ms << 80 | 7 << 76 | u128::from(random.random::<u16>() >> 4) << 64 | 0b10 << 62;
        let bits = bits | 0xB << 58 | 2 << 50 | sequence << 16 | u128::from(random.random::<u16>());
        match Stamp::from_bits(bits) {
            Some(stamp) => {
                taken += 1;
                book.see(stamp, true);
            }
            None => book.see_older(FirstStamp::from_bits(bits).unwrap()),
        }
    }
    assert!((800..1_200).contains(&taken), "{taken}");
    let lanes = account(&book);
    assert_eq!((lanes.len(), lanes[0].tag, lanes[0].missing), (1, 9, 0), "{lanes:?}");
    assert_eq!((book.counts().older, book.counts().all_older), (taken, 4_000));
}

#[test]
fn what_was_due_before_the_reader_stood_ready_has_no_latency() {
    let mut book = TopicBook::new(None, 1);
    let ready = event(5, 0, 0, 500);
    book.start(Anchor::at_unix_ns(ready.due.unix_ns()));
    assert_eq!(book.time(event(5, 0, 0, 499), Nanos::from_millis(7)), None);
    let timed = book.time(event(5, 0, 0, 501), Nanos::from_millis(7)).unwrap();
    assert_eq!((timed.end_to_end.as_micros(), timed.early), (6_000, false));
    assert!(book.time(event(5, 0, 0, 900), Nanos::from_millis(7)).unwrap().early);
    assert_eq!(book.counts().untimed, 1);
}

#[test]
fn times_between_machines_are_those_of_the_clock_that_all_have_measured() {
    let clock = Monotonic::start();
    let due = event(5, 0, 0, 1_000).due.unix_ns();
    let apart = |offset_ns, bound_ns| Some(MeasuredOffset { offset_ns, bound_ns });
    // It shows 10 s after the events were due; the second writer's clock is 250 ms behind it, and the third has told nothing.
    let own = MeasuredOffset { offset_ns: (due + 10 * SECOND).cast_signed(), bound_ns: 300_000 };
    let writers = vec![apart(0, 100_000), apart(250_000_000, 700_000), None];
    let reference = Arc::new(Reference::new(clock, ReferenceState { own, writers, lanes: 2 }));
    let mut book = TopicBook::new(Some(RunId(0)), 1).by(Some(reference));
    book.start(Anchor::at_unix_ns(0));
    book.begin_batch(Nanos::from_secs(5));
    let mut time = |lane, at| book.time(event(5, lane, 0, 1_000), at);
    let first = time(1, Nanos::from_secs(5)).unwrap();
    assert!(first.end_to_end >= Nanos::from_secs(10) && !first.early);
    let second = time(2, Nanos::from_secs(5)).unwrap();
    assert_eq!(second.end_to_end + Nanos::from_millis(250), first.end_to_end);
    assert_eq!(time(4, Nanos::from_secs(5)), None, "a clock of which nothing is known tells no time");
    assert_eq!(book.clock_bound(), Some(Nanos(1_000_000)));
    assert_eq!(book.counts().untimed, 1);
    assert_eq!(TopicBook::new(None, 1).clock_bound(), None);
}

#[test]
fn an_event_is_seen_before_it_was_due_only_beyond_what_is_known_of_clocks() {
    let clock = Monotonic::start();
    let due = event(5, 0, 0, 1_000).due.unix_ns();
    // The reference is an hour away from the event, and known to an hour and a half, or to half an hour.
    let hour = 3_600 * SECOND;
    let early = |bound_ns| {
        let own = MeasuredOffset { offset_ns: (due - hour).cast_signed(), bound_ns };
        let known = ReferenceState { own, writers: vec![Some(MeasuredOffset::default())], lanes: 1 };
        let mut book = TopicBook::new(Some(RunId(0)), 1).by(Some(Arc::new(Reference::new(clock, known))));
        book.start(Anchor::at_unix_ns(0));
        book.begin_batch(Nanos::from_secs(1));
        let timed = book.time(event(5, 0, 0, 1_000), Nanos::from_secs(1)).unwrap();
        assert_eq!(timed.end_to_end, Nanos::ZERO);
        timed.early
    };
    assert_eq!((early(hour / 2 * 3), early(hour / 2)), (false, true));
}

#[test]
fn lanes_and_blocks_are_bounded() {
    let mut book = TopicBook::new(Some(RunId(0)), streams::MOST_PLACES / 2);
    for lane in 0..3 {
        book.see(event(0, lane, 0, 5), true);
    }
    assert_eq!((book.lanes(), book.counts().untracked), (2, 1), "two lanes have all the places there may be");
    let mut book = TopicBook::new(Some(RunId(0)), 1);
    for step in 0..streams::MOST_BLOCKS as u64 + 500 {
        book.see(event(0, 0, 0, step * 1_024), true);
    }
    assert!(book.streams.open_blocks <= streams::MOST_BLOCKS);
    let lane = account(&book)[0];
    assert_eq!(lane.missing, lane.last - lane.first + 1 - lane.seen);
    assert_eq!(book.see(event(0, 0, 0, 7), true), Recognition::Unsettled);
    assert_eq!(book.counts().forgotten, 1);
}

/// A stamp as anybody can write one, mostly near those of others.
fn any_stamp() -> impl Strategy<Value = Stamp> {
    let sequence = prop_oneof![4 => 0_u64..3_000, 1 => 0_u64..1 << 40];
    let near = 1_700_000_000_000_u64 << 10;
    let due = prop_oneof![4 => near..near + (1 << 24), 1 => 0_u64..1 << 58];
    (0_u16..2, 0_u16..2, sequence, due).prop_map(|(tag, lane, sequence, due)| {
        let due = DueTime::from_ticks(due);
        Stamp { due, tag, lane, sequence, check: 0 }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// Lanes of several runs, interleaved as partitions interleave them, with copies and losses: each lane's account is its own.
    #[test]
    fn each_lane_has_an_account_of_its_own(
        lost in proptest::collection::btree_set((0_usize..3, 1_u64..1_999), 0..60),
        copied in proptest::collection::vec((0_usize..3, 0_u64..2_000), 0..60),
        shift in 1_usize..50,
    ) {
        let lanes = [(2, 0, 0), (2, 1, 0), (7, 0, 1)];
        let of = |which: usize, sequence| {
            let (tag, lane, start) = lanes[which];
            event(tag, lane, start, sequence)
        };
        let mut all: Vec<Stamp> = Vec::new();
        for sequence in 0..2_000 {
            all.extend((0..3).filter(|which| !lost.contains(&(*which, sequence))).map(|which| of(which, sequence)));
        }
        for chunk in all.chunks_mut(shift) {
            chunk.reverse();
        }
        let mut book = TopicBook::new(None, 1);
        prop_assert!(all.iter().all(|stamp| book.see(*stamp, true) == Recognition::First));
        for (which, sequence) in copied.into_iter().filter(|copy| !lost.contains(copy)) {
            prop_assert_eq!(book.see(of(which, sequence), true), Recognition::Again);
        }
        for lane in account(&book) {
            let which = lanes.iter().position(|(tag, number, _)| (*tag, *number) == (lane.tag, lane.lane)).unwrap();
            let expected = lost.iter().filter(|(of, _)| *of == which).count() as u64;
            prop_assert_eq!((lane.missing, lane.seen, lane.mixed), (expected, 2_000 - expected, false));
        }
    }

    /// Whatever ids claim, none is counted twice, none of a damaged record for an event, and none counts as early or quick by an
    /// overflow.
    #[test]
    fn no_claim_of_an_id_confuses_the_account(
        stamps in proptest::collection::vec((any_stamp(), proptest::bool::weighted(0.8)), 0..300),
        known: bool,
        cutoff in 0_u64..1 << 58,
    ) {
        let mut book = TopicBook::new(known.then_some(RunId(0)), 1);
        let ready_ns = 1_700_000_000 * SECOND;
        book.start(Anchor::at_unix_ns(ready_ns));
        let mut first = 0;
        for (stamp, whole) in &stamps {
            let sight = book.see(*stamp, *whole);
            first += u64::from(*whole && matches!(sight, Recognition::First | Recognition::Mended));
            let read_ns = ready_ns + 5 * SECOND;
            if let Some(timed) = book.time(*stamp, Nanos::from_secs(5)) {
                prop_assert_eq!(timed.early, stamp.due.unix_ns() > read_ns);
                prop_assert!(timed.end_to_end <= Nanos::from_secs(5));
            }
        }
        let extent = Extent { cutoff: DueTime::from_ticks(cutoff), ..WHOLE };
        let lanes = book.account(&extent);
        prop_assert_eq!(lanes.iter().map(|lane| lane.seen).sum::<u64>(), first + book.counts().confirmed_late);
        for lane in lanes {
            let all = lane.last - lane.first + 1;
            prop_assert_eq!(lane.seen + lane.missing + lane.open + lane.below, all, "{:?}", lane);
        }
    }
}
