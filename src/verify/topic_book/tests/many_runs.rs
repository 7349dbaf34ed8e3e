//! Many runs in one topic, read in any order of partitions.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng, rngs::SmallRng};

use super::*;

const RUNS: usize = 300;
const MS: u64 = 1_000_000;

/// One run of a simulated topic.
struct Run {
    start_ns: u64,
    tag: u16,
    lanes: u16,
    /// Due times of each lane's events, from the start.
    dues: Vec<Vec<u64>>,
}

/// Runs one after the other and up to four at once.
fn runs(random: &mut SmallRng, tags: u16) -> Vec<Run> {
    let mut ends: Vec<u64> = vec![0; 4];
    let one = |_| {
        // The place that is free first, after a pause.
        let places = random.random_range(1..=ends.len());
        let place = ends[..places].iter_mut().min().unwrap();
        let start_ns = *place + random.random_range(400 * MS..5_000 * MS);
        let (lanes, events) = (random.random_range(1..4), random.random_range(1..120));
        let (step, poisson) = (random.random_range(100_000..20 * MS), random.random_bool(0.5));
        let mut due = |at: u64| at + if poisson { random.random_range(0..2 * step) } else { step };
        let lane = |_| {
            let mut at = 0;
            let next = |_| {
                let now = at;
                at = due(now);
                now
            };
            (0..events).map(next).collect::<Vec<u64>>()
        };
        let dues: Vec<Vec<u64>> = (0..lanes).map(lane).collect();
        *place = start_ns + dues.iter().filter_map(|lane| lane.last()).max().unwrap();
        Run { start_ns, tag: random.random_range(0..tags), lanes, dues }
    };
    (0..RUNS).map(one).collect()
}

impl Run {
    fn stamp(&self, lane: u16, sequence: usize) -> Stamp {
        let due = 1_700_000_000_000 * MS + self.start_ns + self.dues[usize::from(lane)][sequence];
        Stamp { due: DueTime::from_unix_ns(due), tag: self.tag, lane, sequence: sequence as u64, check: 0 }
    }
}

struct Told {
    again: u64,
    late: u64,
    lanes: Vec<LaneSeen>,
}

/// What the book says of a topic with these gaps and copies, read partition by partition or in turns.
fn read_topic(
    runs: &[Run],
    partitions: usize,
    lost: &BTreeSet<(usize, u16, usize)>,
    copies: &[(usize, u16, usize)],
    random: &mut SmallRng,
) -> Told {
    let mut logs: Vec<Vec<Stamp>> = vec![Vec::new(); partitions];
    for (at, run) in runs.iter().enumerate() {
        for lane in 0..run.lanes {
            for sequence in 0..run.dues[usize::from(lane)].len() {
                if !lost.contains(&(at, lane, sequence)) {
                    logs[random.random_range(0..partitions)].push(run.stamp(lane, sequence));
                }
            }
        }
    }
    for log in &mut logs {
        log.sort_by_key(|stamp| stamp.due);
    }
    for (at, lane, sequence) in copies {
        logs[random.random_range(0..partitions)].push(runs[*at].stamp(*lane, *sequence));
    }
    let mut order: Vec<(usize, usize)> = Vec::new();
    let chunk = *[1, 50, 100_000].get(random.random_range(0..3_usize)).unwrap();
    let mut next: Vec<usize> = vec![0; partitions];
    let mut open: Vec<usize> = (0..partitions).collect();
    open.shuffle(random);
    while !open.is_empty() {
        let place = if chunk > 1_000 { 0 } else { random.random_range(0..open.len()) };
        let partition = open[place];
        let end = (next[partition] + chunk).min(logs[partition].len());
        order.extend((next[partition]..end).map(|at| (partition, at)));
        next[partition] = end;
        if end == logs[partition].len() {
            open.remove(place);
        }
    }
    let mut book = TopicBook::new(None, partitions);
    let (mut again, mut late) = (0, 0);
    for (offset, (partition, at)) in order.into_iter().enumerate() {
        let stamp = logs[partition][at];
        match book.see(stamp, true) {
            Recognition::Again => again += 1,
            Recognition::First => {
                let place = Place { sequence: stamp.sequence, offset: offset.try_into().unwrap() };
                late += u64::from(book.place(stamp, partition, place).is_some());
            }
            sight => panic!("{sight:?} of {stamp:?}"),
        }
    }
    Told { again, late, lanes: account(&book) }
}

/// By due time of the first event, tag and lane: first, last, seen and missing.
type Expected = BTreeMap<(DueTime, u16, u16), (u64, u64, u64, u64)>;

/// What should be told of each lane: tag, lane, first, last, seen and missing, by when it was first due.
fn expected(runs: &[Run], lost: &BTreeSet<(usize, u16, usize)>) -> Expected {
    let mut lanes = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        for lane in 0..run.lanes {
            let all = 0..run.dues[usize::from(lane)].len();
            let seen: Vec<usize> = all.filter(|sequence| !lost.contains(&(at, lane, *sequence))).collect();
            if let (Some(first), Some(last)) = (seen.first(), seen.last()) {
                let missing = last - first + 1 - seen.len();
                let told = (*first as u64, *last as u64, seen.len() as u64, missing as u64);
                lanes.insert((run.stamp(lane, *first).due, run.tag, lane), told);
            }
        }
    }
    lanes
}

/// Panics where what is told is not what is there; returns of how many names nothing is said, for two runs had it at once.
fn check(seed: u64, tags: u16, with_faults: bool) -> usize {
    let mut random = SmallRng::seed_from_u64(seed);
    let runs = runs(&mut random, tags);
    let partitions = random.random_range(1..12);
    let any = |random: &mut SmallRng| {
        let at = random.random_range(0..runs.len());
        let lane = random.random_range(0..runs[at].lanes);
        // The first events of a run stay: where a run that was there before had ended, nothing could be said of it without them.
        (at, lane, random.random_range(0..runs[at].dues[usize::from(lane)].len()))
    };
    let faults = if with_faults { 200 } else { 0 };
    let lost: BTreeSet<_> = (0..faults).map(|_| any(&mut random)).filter(|lost| lost.2 > 0).collect();
    let copies: Vec<_> = (0..faults).map(|_| any(&mut random)).filter(|copy| !lost.contains(copy)).collect();
    let told = read_topic(&runs, partitions, &lost, &copies, &mut random);
    let mixed: BTreeSet<(u16, u16)> =
        told.lanes.iter().filter(|lane| lane.mixed).map(|lane| (lane.tag, lane.lane)).collect();
    let is_judged = |tag: u16, lane: u16| !mixed.contains(&(tag, lane));
    let of =
        |lane: &LaneSeen| ((lane.first_due, lane.tag, lane.lane), (lane.first, lane.last, lane.seen, lane.missing));
    let lanes: BTreeMap<_, _> = told.lanes.iter().filter(|lane| is_judged(lane.tag, lane.lane)).map(of).collect();
    let mut expected = expected(&runs, &lost);
    expected.retain(|(_, tag, lane), _| is_judged(*tag, *lane));
    let wrong: Vec<_> = expected.iter().filter(|(name, of)| lanes.get(name) != Some(of)).take(5).collect();
    let invented: Vec<_> = lanes.iter().filter(|(name, of)| expected.get(name) != Some(of)).take(5).collect();
    let again = told.again == copies.len() as u64;
    let in_order = told.late == 0 || with_faults;
    if wrong.is_empty() && invented.is_empty() && again && in_order && mixed.iter().all(|name| share(&runs, *name)) {
        return mixed.len();
    }
    panic!(
        "seed {seed}, {partitions} partitions: {} again of {}, {} late, mixed {mixed:?}\n expected {wrong:?}\n told {invented:?}",
        told.again,
        copies.len(),
        told.late
    )
}

/// Whether two runs have that name at the same time.
fn share(runs: &[Run], (tag, lane): (u16, u16)) -> bool {
    let of = |run: &Run| run.tag == tag && lane < run.lanes;
    let span = |run: &Run| {
        let dues = &run.dues[usize::from(lane)];
        (run.start_ns + dues[0], run.start_ns + dues[dues.len() - 1])
    };
    let mut spans: Vec<_> = runs.iter().filter(|run| of(run)).map(span).collect();
    spans.sort_unstable();
    spans.windows(2).any(|pair| pair[1].0 <= pair[0].1)
}

#[test]
fn of_300_runs_none_is_glued_and_no_duplicate_or_gap_is_invented() {
    let unsaid: usize = (0..6).map(|seed| check(seed, 1_024, false)).sum();
    assert!(unsaid <= 12, "{unsaid}");
}

#[test]
fn of_300_runs_exactly_the_real_duplicates_and_gaps_are_told() {
    let unsaid: usize = (100..106).map(|seed| check(seed, 1_024, true)).sum();
    assert!(unsaid <= 12, "{unsaid}");
}

#[test]
fn however_many_runs_share_a_tag_no_duplicate_is_invented_and_no_event_counted_twice() {
    for seed in 200..206 {
        let mut random = SmallRng::seed_from_u64(seed);
        let runs = runs(&mut random, 8);
        let told = read_topic(&runs, 4, &BTreeSet::new(), &[], &mut random);
        let events: usize = runs.iter().flat_map(|run| &run.dues).map(Vec::len).sum();
        assert_eq!(
            (told.again, told.lanes.iter().map(|lane| lane.seen).sum::<u64>()),
            (0, events as u64),
            "seed {seed}"
        );
    }
}

#[test]
fn an_event_that_came_before_the_others_of_its_run_is_no_gap_of_another() {
    // Topics in which first one event of a run was met, and the run that was there at the time before, or another, took it.
    for seed in [1_000, 1_013, 1_112, 1_141, 1_190, 1_280, 1_297] {
        for with_faults in [false, true] {
            check(seed, 1_024, with_faults);
        }
    }
}
