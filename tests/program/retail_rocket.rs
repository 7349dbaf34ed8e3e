//! Replaying recordings: what comes out of a file, whatever its order, its lanes and its size.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where something unexpected happens")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use loadgen::clock::Nanos;
use loadgen::shop::{Detail, Event, Kind};
use loadgen::source::retail_rocket::{Config, Lane, Moment, Pace, Partitions, Recording, Rounds, Share};
use proptest::prelude::*;
use tempfile::NamedTempFile;

type Drawn = loadgen::source::Drawn<Event>;

const HEADER: &str = "timestamp,visitorid,event,itemid,transactionid\n";
const START: u64 = 1_433_000_000_117;

#[derive(Clone, Debug, PartialEq)]
struct Line {
    time_ms: u64,
    user: u32,
    kind: usize,
    item: u32,
}

impl Line {
    fn text(&self) -> String {
        let kind = ["view", "addtocart", "transaction"][self.kind];
        let transaction = if self.kind == 2 { self.item.to_string() } else { String::new() };
        format!("{},{},{kind},{},{transaction}\n", START + self.time_ms, self.user, self.item)
    }
}

fn file_of(lines: &[Line]) -> NamedTempFile {
    let mut text = HEADER.to_owned();
    for line in lines {
        text.push_str(&line.text());
    }
    file_with(&text)
}

fn file_with(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn config(file: &NamedTempFile) -> Config {
    Config { path: file.path().to_owned(), ..Config::default() }
}

fn load(config: &Config) -> Arc<Recording> {
    Arc::new(Recording::load(config).unwrap_or_else(|error| panic!("{error}")))
}

fn all(mut lane: Lane) -> Vec<Drawn> {
    std::iter::from_fn(|| lane.draw()).collect()
}

fn played(config: &Config) -> Vec<Drawn> {
    all(load(config).lane(0, 1))
}

fn lines(most: usize) -> impl Strategy<Value = Vec<Line>> {
    // Gaps of up to an hour make sessions end; users and times repeat.
    let line = (0_u64..20_000_000, 0_u32..12, 0_usize..3, 0_u32..20);
    let line = line.prop_map(|(time_ms, user, kind, item)| Line { time_ms, user, kind, item });
    proptest::collection::vec(line, 1..most)
}

/// Lines of which no two have the same time.
fn lines_without_ties(most: usize) -> impl Strategy<Value = Vec<Line>> {
    lines(most).prop_map(|mut lines| {
        lines.sort_by_key(|line| line.time_ms);
        lines.dedup_by_key(|line| line.time_ms);
        lines
    })
}

fn session_of(drawn: &Drawn) -> u32 {
    match drawn.event.detail {
        Detail::View { session, .. }
        | Detail::AddToCart { session, .. }
        | Detail::Transaction { session: Some(session), .. } => session.0,
        other => panic!("{other:?} is no event of a recording"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_of_the_rows_replays_the_same((sorted, shuffled) in lines_without_ties(80).prop_flat_map(|lines| (Just(lines.clone()), Just(lines).prop_shuffle()))) {
        prop_assert_eq!(played(&config(&file_of(&sorted))), played(&config(&file_of(&shuffled))));
    }

    #[test]
    fn rows_come_in_time_and_ties_as_in_the_file(lines in lines(80)) {
        let mut expected = lines.clone();
        expected.sort_by_key(|line| line.time_ms);
        let drawn = played(&config(&file_of(&lines)));
        prop_assert_eq!(drawn.len(), expected.len());
        for (number, (drawn, line)) in drawn.iter().zip(&expected).enumerate() {
            prop_assert_eq!(drawn.number, number as u64);
            prop_assert_eq!(drawn.event.user.0, u64::from(line.user));
            prop_assert_eq!(drawn.event.kind(), Kind::ALL[line.kind]);
            prop_assert_eq!(drawn.event.recorded_ms, Some((START + line.time_ms).cast_signed()));
            prop_assert_eq!(drawn.recorded_offset, Nanos::from_millis(line.time_ms - expected[0].time_ms));
        }
    }

    #[test]
    fn lanes_together_give_every_event_once_and_keep_users_whole(lines in lines(80), lanes in 1_u16..6, amplify in 1_u32..4) {
        let file = file_of(&lines);
        let config = Config { amplify, ..config(&file) };
        let recording = load(&config);
        let whole = all(recording.lane(0, 1));
        let mut together = Vec::new();
        let mut lane_of = std::collections::HashMap::new();
        for lane in 0..lanes {
            let part = all(recording.lane(lane, lanes));
            prop_assert!(part.is_sorted_by_key(|drawn| drawn.number));
            for drawn in &part {
                prop_assert_eq!(*lane_of.entry(drawn.event.user).or_insert(lane), lane);
            }
            together.extend(part);
        }
        together.sort_by_key(|drawn| drawn.number);
        prop_assert_eq!(together, whole);
    }

    #[test]
    fn sessions_end_after_30_idle_minutes_of_their_user(lines in lines(80)) {
        let mut last = std::collections::HashMap::new();
        for drawn in played(&config(&file_of(&lines))) {
            let time = drawn.event.recorded_ms.unwrap();
            let session = match last.get(&drawn.event.user) {
                None => 1,
                Some((before, session)) if time - before > 30 * 60 * 1000 => session + 1,
                Some((_, session)) => *session,
            };
            prop_assert_eq!(session_of(&drawn), session);
            last.insert(drawn.event.user, (time, session));
        }
    }

    #[test]
    fn a_window_selects_rows_and_renumbers_no_session(lines in lines(80), from in 0_u64..20_000_000, width in 1_u64..20_000_000) {
        let file = file_of(&lines);
        let (from, until) = ((START + from).cast_signed(), (START + from + width).cast_signed());
        let mut expected = played(&config(&file));
        expected.retain(|drawn| (from..until).contains(&drawn.event.recorded_ms.unwrap()));
        let config = Config { from: Some(Moment(from)), until: Some(Moment(until)), ..config(&file) };
        match Recording::load(&config) {
            Ok(recording) => {
                let events = |drawn: &[Drawn]| drawn.iter().map(|drawn| drawn.event).collect::<Vec<_>>();
                let drawn = all(Arc::new(recording).lane(0, 1));
                prop_assert_eq!(events(&drawn), events(&expected));
                prop_assert_eq!(drawn[0].recorded_offset, Nanos::ZERO);
            }
            Err(error) => {
                prop_assert!(expected.is_empty(), "{}", error);
                prop_assert!(error.to_string().contains("no row is left"), "{}", error);
            }
        }
    }

    #[test]
    fn offsets_rise_and_the_span_is_what_was_forecast(
        lines in lines(80), gap_ms in proptest::option::of(1_u64..3_000_000), amplify in 1_u32..4, rounds in 1_u32..4,
        limit in proptest::option::of(1_u64..100), dedup: bool,
    ) {
        let file = file_of(&lines);
        let config = Config {
            max_gap: gap_ms.map(Duration::from_millis), amplify, rounds: Rounds::Count(rounds), limit, dedup, ..config(&file)
        };
        let recording = load(&config);
        let drawn = all(recording.lane(0, 1));
        prop_assert_eq!(Some(drawn.len() as u64), recording.len());
        prop_assert!(drawn.iter().enumerate().all(|(number, drawn)| drawn.number == number as u64));
        prop_assert_eq!(drawn[0].recorded_offset, Nanos::ZERO);
        prop_assert_eq!(drawn.last().unwrap().recorded_offset, recording.span());
        let mut capped = 0;
        let round = usize::try_from(recording.round_len()).unwrap();
        for pair in drawn[..round].windows(2) {
            let gap = pair[1].recorded_offset - pair[0].recorded_offset;
            let recorded = Nanos::from_millis((pair[1].event.recorded_ms.unwrap() - pair[0].event.recorded_ms.unwrap()).cast_unsigned());
            let most = gap_ms.map_or(Nanos::MAX, Nanos::from_millis);
            prop_assert_eq!(gap, recorded.min(most));
            capped += u64::from(recorded > most);
        }
        prop_assert!(drawn.is_sorted_by_key(|drawn| (drawn.recorded_offset, drawn.event.recorded_ms)));
        prop_assert_eq!(recording.facts().gaps_capped, capped);

        let tenth = |_: u64, offset: Nanos| Some(Nanos(offset.0 / 10));
        let forecast = recording.forecast(&Pace { due: Some(&tenth), partitions: None }).unwrap();
        prop_assert_eq!(forecast.events, recording.len());
        prop_assert_eq!(forecast.wall_ns, Some(Nanos(recording.span().0 / 10)));
        prop_assert_eq!(forecast.by_type.values().sum::<u64>(), recording.round_len());
        prop_assert_eq!(forecast.gaps_capped, capped);
    }

    #[test]
    fn what_is_due_before_the_end_is_what_lanes_draw_before_it(
        lines in lines(30), amplify in 1_u32..4, rounds in 0_u32..6, ends in 0_u64..100_000_000,
    ) {
        let file = file_of(&lines);
        let rounds = if rounds == 0 { Rounds::Forever } else { Rounds::Count(rounds) };
        let recording = load(&Config { amplify, rounds, ..config(&file) });
        let ends = Nanos::from_millis(ends);
        let due = |_: u64, offset: Nanos| (offset < ends).then_some(offset);
        let mut lane = recording.lane(0, 1);
        // Rounds of an instant are a millisecond apart: an end in sight of all of them is enough.
        let drawn: Vec<Nanos> = std::iter::from_fn(|| lane.draw().map(|drawn| drawn.recorded_offset))
            .take_while(|offset| *offset < ends)
            .take(50_000)
            .collect();
        if drawn.len() < 50_000 {
            let found = recording.due_events(&due).unwrap().unwrap();
            prop_assert_eq!(found.count, drawn.len() as u64);
            prop_assert_eq!(found.last, drawn.last().copied().unwrap_or_default());
        }
    }

    #[test]
    fn a_sample_has_whole_users(lines in lines(80), percent in 1_u32..100) {
        let file = file_of(&lines);
        let whole = played(&config(&file));
        let config = Config { users_sample: Share::new(f64::from(percent) / 100.0), ..config(&file) };
        if let Ok(recording) = Recording::load(&config) {
            let sample = all(Arc::new(recording).lane(0, 1));
            let events = |drawn: &[Drawn]| drawn.iter().map(|drawn| drawn.event).collect::<Vec<_>>();
            let mut expected = whole;
            expected.retain(|drawn| sample.iter().any(|kept| kept.event.user == drawn.event.user));
            prop_assert_eq!(events(&sample), events(&expected));
        }
    }

    #[test]
    fn copies_have_users_of_their_own_with_whole_sessions(lines in lines(60), amplify in 2_u32..5, seed: u64) {
        let file = file_of(&lines);
        let original = played(&config(&file));
        let config = Config { amplify, seed, ..config(&file) };
        let amplified = played(&config);
        prop_assert_eq!(amplified.len(), original.len() * amplify as usize);
        prop_assert_eq!(&amplified, &played(&config), "the seed decides all");
        let history = |drawn: &[Drawn], user: u64| {
            let events: Vec<_> = drawn.iter().filter(|drawn| drawn.event.user.0 == user).copied().collect();
            let start = events.first().map_or(0, |drawn| drawn.event.recorded_ms.unwrap());
            events.iter().map(|drawn| (drawn.event.recorded_ms.unwrap() - start, drawn.event.kind(), session_of(drawn))).collect::<Vec<_>>()
        };
        let next = u64::from(lines.iter().map(|line| line.user).max().unwrap()) + 1;
        for line in &lines {
            for copy in 0..u64::from(amplify) {
                let user = u64::from(line.user);
                prop_assert_eq!(history(&amplified, copy * next + user), history(&original, user));
            }
        }
    }
}

#[test]
fn rounds_follow_each_other_one_mean_gap_apart_with_fresh_sessions_and_orders() {
    let line = |time_ms, kind| Line { time_ms, user: 0, kind, item: 5 };
    let file = file_of(&[line(0, 0), line(1_000, 2), line(4_000_000, 0)]);
    let config = Config { rounds: Rounds::Count(3), ..config(&file) };
    let recording = load(&config);
    let drawn = all(recording.lane(0, 1));
    let offsets: Vec<u64> = drawn.iter().map(|drawn| drawn.recorded_offset.0 / 1_000_000).collect();
    let round = 4_000_000 + 2_000_000;
    assert_eq!(
        offsets,
        [
            0,
            1_000,
            4_000_000,
            round,
            round + 1_000,
            round + 4_000_000,
            2 * round,
            2 * round + 1_000,
            2 * round + 4_000_000
        ]
    );
    assert_eq!(drawn.iter().map(session_of).collect::<Vec<_>>(), [1, 1, 2, 3, 3, 4, 5, 5, 6]);
    let orders = drawn.iter().filter_map(|drawn| match drawn.event.detail {
        Detail::Transaction { transaction, .. } => transaction,
        _ => None,
    });
    assert_eq!(orders.collect::<Vec<_>>(), [5, 11, 17]);
    assert_eq!(drawn[3].event.recorded_ms, Some((START + round).cast_signed()));
}

#[test]
fn rounds_without_end_end_with_the_caller_alone() {
    let file = file_of(&[Line { time_ms: 0, user: 1, kind: 0, item: 1 }]);
    let recording = load(&Config { rounds: Rounds::Forever, ..config(&file) });
    assert_eq!(recording.len(), None);
    let mut lane = recording.lane(0, 1);
    let drawn: Vec<_> = (0..1_000).map(|_| lane.draw().unwrap()).collect();
    assert_eq!(drawn[999].recorded_offset, Nanos::from_secs(999), "a lone event comes once a second");
    let due = |_: u64, offset: Nanos| Some(offset);
    let forecast = recording.forecast(&Pace { due: Some(&due), partitions: None }).unwrap();
    assert_eq!((forecast.events, forecast.wall_ns), (None, None));
}

#[test]
fn a_single_instant_in_rounds_has_the_rate_of_its_rounds() {
    let line = |user| Line { time_ms: 0, user, kind: 0, item: 1 };
    let due = |_: u64, offset: Nanos| Some(offset);
    let forecast = |lines: &[Line], rounds| {
        let recording = load(&Config { rounds, ..config(&file_of(lines)) });
        recording.forecast(&Pace { due: Some(&due), partitions: None }).unwrap()
    };
    let at_once = forecast(&[line(1), line(2), line(3)], Rounds::Forever);
    assert_eq!((at_once.mean_rate_per_s, at_once.wall_ns, at_once.has_due_times), (Some(3_000.0), None, true));
    let alone = forecast(&[line(1)], Rounds::Count(3));
    assert_eq!((alone.mean_rate_per_s, alone.wall_ns), (Some(1.0), Some(Nanos::from_secs(2))));
    let once = forecast(&[line(1), line(2)], Rounds::ONCE);
    assert_eq!((once.mean_rate_per_s, once.wall_ns), (None, Some(Nanos::ZERO)));
}

#[test]
fn duplicates_are_played_as_recorded_or_dropped_and_counted() {
    let line = |user, item| Line { time_ms: 5, user, kind: 0, item };
    let file = file_of(&[line(1, 1), line(2, 1), line(1, 1), line(1, 2), line(1, 1)]);
    let recording = load(&config(&file));
    assert_eq!(
        (recording.len(), recording.facts().duplicate_rows, recording.facts().duplicates_dropped),
        (Some(5), 2, 0)
    );
    assert_eq!(recording.facts().equal_times, 4);
    let recording = load(&Config { dedup: true, ..config(&file) });
    assert_eq!(
        (recording.len(), recording.facts().duplicate_rows, recording.facts().duplicates_dropped),
        (Some(3), 2, 2)
    );
    let users: Vec<u64> = all(recording.lane(0, 1)).iter().map(|drawn| drawn.event.user.0).collect();
    assert_eq!(users, [1, 2, 1], "the first of the duplicates stays in its place");
}

#[test]
fn the_forecast_counts_keys_partitions_and_windows() {
    let line = |time_ms, user| Line { time_ms, user, kind: 0, item: 1 };
    let file = file_of(&[line(0, 7), line(100, 7), line(900, 7), line(1_500, 3), line(61_000, 4)]);
    let recording = load(&config(&file));
    let due = |_: u64, offset: Nanos| Some(offset);
    let by_last_digit = |key: &[u8]| i32::from(key[key.len() - 1] - b'0') % 2;
    let partitions = Some(Partitions { count: 2, of: &by_last_digit });
    let forecast = recording.forecast(&Pace { due: Some(&due), partitions }).unwrap();
    assert_eq!((forecast.users, forecast.hottest_users[0].user_id, forecast.hottest_users[0].events), (3, 7, 3));
    assert!((forecast.hottest_share_percent - 60.0).abs() < 1e-9);
    assert_eq!(forecast.partitions.iter().map(|heat| heat.events).collect::<Vec<_>>(), [1, 4]);
    assert_eq!(forecast.partition_skew, Some(1.6));
    assert_eq!((forecast.peak_1s_per_s, forecast.peak_1min_per_s), (Some(3.0), Some(4.0 / 60.0)));
    assert_eq!(forecast.mean_rate_per_s, Some(4.0 / 61.0));

    let two_only = |number: u64, offset: Nanos| (number < 2).then_some(offset);
    let cut = recording.forecast(&Pace { due: Some(&two_only), partitions: None }).unwrap();
    assert_eq!(
        (cut.events, cut.wall_ns),
        (Some(2), Some(Nanos::from_millis(100))),
        "the schedule ends before the data"
    );
    let untimed = recording.forecast(&Pace { due: None, partitions: None }).unwrap();
    assert_eq!((untimed.events, untimed.wall_ns, untimed.peak_1s_per_s), (Some(5), None, None));
}

fn disk_and_memory(text: &str, change: impl Fn(Config) -> Config) {
    let file = file_with(text);
    let folder = tempfile::tempdir().unwrap();
    let config = change(config(&file));
    let in_memory = load(&config);
    let on_disk = load(&Config { sort_memory: 1 << 20, temp_dir: Some(folder.path().to_owned()), ..config });
    assert_eq!(on_disk.facts(), in_memory.facts());
    for lane in 0..3 {
        assert_eq!(all(on_disk.lane(lane, 3)), all(in_memory.lane(lane, 3)));
    }
    let due = |_: u64, offset: Nanos| Some(offset);
    let pace = Pace { due: Some(&due), partitions: None };
    assert_eq!(on_disk.forecast(&pace).unwrap(), in_memory.forecast(&pace).unwrap());
    assert_eq!(on_disk.fault(), None);
    assert!(folder.path().read_dir().unwrap().next().is_none(), "nothing is left behind");
}

#[test]
fn a_recording_larger_than_its_memory_replays_the_same() {
    let mut text = HEADER.to_owned();
    // 160,000 rows are 3.7 MiB of rows, sorted in 1 MiB.
    for row in 0_u64..160_000 {
        let scattered = row * 7_919 % 160_000;
        writeln!(text, "{},{},view,{},", START + scattered / 3 * 700, scattered % 977, row % 31).unwrap();
    }
    disk_and_memory(&text, |config| config);
    disk_and_memory(&text, |config| Config { amplify: 2, rounds: Rounds::Count(2), dedup: true, ..config });
    disk_and_memory(&text, |config| Config { limit: Some(100_000), users_sample: Share::new(0.8), ..config });
}

#[test]
fn a_folder_for_sorting_that_is_missing_is_named() {
    let mut text = HEADER.to_owned();
    for row in 0..60_000 {
        writeln!(text, "{},1,view,1,", START + row).unwrap();
    }
    let file = file_with(&text);
    let temp_dir = Some(Path::new("/no/such/folder").to_owned());
    let error = Recording::load(&Config { sort_memory: 1 << 20, temp_dir, ..config(&file) }).unwrap_err();
    assert!(error.to_string().starts_with("/no/such/folder cannot be used for sorting"), "{error}");
    assert!(error.is_configuration());
}
