use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::act::Act;
use super::judge::{Covered, judge};
use super::plan::{GroupPlan, Plan, Planned, Reads};
use super::stage::{play, without_a_disk};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::ledger::class::Class;
use crate::ledger::rules::{Rule, Rules};

/// Plays and judges; what is wrong, where anything is.
fn tried(plan: &Plan, rules: Rules) -> Result<Covered, String> {
    let all = panic::catch_unwind(AssertUnwindSafe(|| judge(plan, &play(plan, rules))));
    all.unwrap_or_else(|_| Err("it panicked".to_owned()))
}

pub(super) fn holds(plan: &Plan) -> Covered {
    tried(plan, Rules::ALL).unwrap_or_else(|why| panic!("{why}\n{}", plan.story()))
}

/// The report without what names the machine and its own costs.
fn told(plan: &Plan) -> String {
    let mut report = play(plan, Rules::ALL).outcome.unwrap().report;
    report.process = None;
    for row in &mut report.timeline {
        (row.cpu_ms, row.rss_kib, row.machine_busy_percent) = (None, None, None);
    }
    serde_json::to_string(&report).unwrap()
}

#[test]
fn a_calm_run_is_verified_and_passes() {
    let covered = holds(&Plan::calm(7));
    assert_eq!(covered.classes, BTreeMap::from([(Class::Verified, 60)]));
    assert_eq!(covered.exit, BTreeMap::from([("pass", 1)]));
}

/// A group of two whose members commit when they are told to.
const GROUP: GroupPlan = GroupPlan { members: 2, cooperative: false, auto: false, commit_ms: 50, disturb_ms: None };

#[test]
fn a_group_whose_members_come_and_go_sees_every_event() {
    for (cooperative, auto) in [(false, false), (false, true), (true, false), (true, true)] {
        let group = GroupPlan { cooperative, auto, disturb_ms: Some(40), ..GROUP };
        let covered = holds(&Plan { group: Some(group), partitions: 3, ..Plan::calm(7) });
        assert_eq!(covered.classes, BTreeMap::from([(Class::Verified, 60)]), "{group:?}");
    }
}

#[test]
fn what_waited_for_a_leader_is_sent_in_its_order() {
    let acts = vec![Planned { at_ms: 200, act: Act::Kill { broker: 0, ms: 5_000 } }];
    let plan = Plan { partitions: 1, events: 200, acks: 1, idempotent: false, acts, ..Plan::calm(7) };
    holds(&plan);
    assert_eq!(play(&plan, Rules::ALL).outcome.unwrap().report.findings.reordered, 0);
}

#[test]
fn what_a_member_read_that_was_given_up_is_read_again_and_told_apart() {
    let acts = vec![Planned { at_ms: 100, act: Act::Silence { member: 0, ms: 600 } }];
    let plan = Plan { group: Some(GroupPlan { commit_ms: 100_000, ..GROUP }), acts, events: 200, ..Plan::calm(7) };
    assert_eq!(holds(&plan).classes, BTreeMap::from([(Class::Verified, 200)]));
    let findings = play(&plan, Rules::ALL).outcome.unwrap().report.findings;
    assert!(findings.duplicates_reread > 0 && findings.duplicates == 0, "{findings:?}");
}

#[test]
fn a_reading_in_another_process_comes_to_what_the_run_itself_does() {
    for reads in [Reads::Joined { meanwhile: true }, Reads::Joined { meanwhile: false }] {
        for group in [None, Some(GROUP)] {
            let covered = holds(&Plan { group, reads, ..Plan::calm(7) });
            assert_eq!(covered.classes, BTreeMap::from([(Class::Verified, 60)]), "{reads:?} {group:?}");
        }
    }
    let alone = Plan { reads: Reads::Alone { idle_ms: 1_000 }, ..Plan::calm(7) };
    holds(&alone);
    let reading = play(&alone, Rules::ALL).outcome.unwrap().report.reading.unwrap();
    assert_eq!((reading.events, reading.missing, reading.lag), (60, Some(0), Some(0)));
}

/// A new leader lacks what had been read, and by the time that readers are given something again its log has grown past their position.
/// Brokers that tell no client where logs part leave nothing but the records' epochs to tell.
#[test]
fn what_was_read_and_cut_off_is_lost_although_the_log_has_grown_again() {
    for old_brokers in [false, true] {
        let acts = [
            (100, Act::Lag { broker: 1, ms: 900 }),
            (400, Act::ThrottleReading { ms: 500 }),
            (410, Act::Kill { broker: 0, ms: 5_000 }),
        ];
        let acts = acts.map(|(at_ms, act)| Planned { at_ms, act }).to_vec();
        let few = Plan { events: 300, rate: 400, partitions: 1, brokers: 2, min_in_sync: 1, ..Plan::calm(7) };
        let one = Plan { acks: 1, idempotent: false, unclean: true, lag_ms: 60, delivery_timeout_ms: 2_000, ..few };
        let covered = holds(&Plan { old_brokers, acts, ..one });
        assert!(covered.classes.get(&Class::Lost).is_some_and(|lost| *lost > 50), "{old_brokers} {covered:?}");
    }
}

#[test]
fn what_names_a_schema_that_is_not_told_is_undecided_until_it_is() {
    let plan = |ms| {
        let acts = vec![Planned { at_ms: 100, act: Act::Frame { partition: 0, ms } }];
        Plan { partitions: 1, acts, ..Plan::calm(7) }
    };
    assert_eq!(holds(&plan(300)).exit, BTreeMap::from([("pass", 1)]));
    let covered = holds(&plan(100_000));
    assert!(covered.classes[&Class::Unread] > 0 && !covered.exit.contains_key("pass"), "{covered:?}");
}

#[test]
fn a_run_whose_disk_is_full_says_so_and_is_accounted_for() {
    let outcome = without_a_disk(&Plan::calm(7));
    let (path, _) = outcome.unwritten.unwrap();
    assert_eq!(path, Path::new("/dev/full"));
    assert!(outcome.report.ledger.sums() && outcome.report.ledger.unverified == 60, "{:?}", outcome.report.ledger);
}

#[test]
fn the_same_plan_is_the_same_run_to_the_byte() {
    for seed in [1, 2, 3, 11, 12] {
        let plan = Plan { reads: Reads::Itself, ..Plan::draw(seed) };
        assert_eq!(told(&plan), told(&plan), "{}", plan.story());
    }
}

/// What many runs covered.
#[derive(Default)]
struct Sum {
    runs: u64,
    covered: Covered,
    pairs: BTreeMap<(usize, usize), u64>,
    failures: Vec<(u64, String)>,
}

/// Keeps this thread, and those that it starts, where it is: the threads of a run go on one at a time, and to wake one on another
/// processor takes longer than most of their turns.
fn stay_on_one_processor(number: usize) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let processors: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|processor| allowed.is_set(*processor)).collect();
    let mut own = CpuSet::new();
    own.set(processors[number % processors.len()]);
    sched_setaffinity(None, &own).unwrap();
}

/// Plays the plans of seeds from `first` on, on so many threads, until `enough` says so.
fn many(first: u64, threads: usize, rules: Rules, enough: &(dyn Fn(u64, usize) -> bool + Sync)) -> Sum {
    let (next, sum) = (AtomicU64::new(first), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        let (next, sum) = (&next, &sum);
        for thread in 0..threads {
            scope.spawn(move || {
                stay_on_one_processor(thread);
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if enough(seed - first, sum.lock().unwrap().failures.len()) {
                        break;
                    }
                    let tried = tried(&Plan::draw(seed), rules);
                    let mut sum = sum.lock().unwrap();
                    sum.runs += 1;
                    match tried {
                        Ok(covered) => {
                            sum.covered.add(&covered);
                            for a in &covered.acts {
                                for b in covered.acts.range(a..) {
                                    *sum.pairs.entry((*a, *b)).or_default() += 1;
                                }
                            }
                        }
                        Err(why) => sum.failures.push((seed, why)),
                    }
                }
            });
        }
    });
    let mut sum = sum.into_inner().unwrap();
    sum.failures.sort();
    sum
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The failure in its simplest form.
fn simplest(seed: u64, why: &str) -> String {
    let plan = Plan::draw(seed).shrunk(|plan| tried(plan, Rules::ALL).is_err());
    let now = tried(&plan, Rules::ALL).err().unwrap_or_default();
    format!("seed {seed}: {why}\nsimplest: {now}\n{}{plan:?}", plan.story())
}

/// Seeds that a test run plays, unless `SIMULATED_SEEDS` or `SIMULATED_MINUTES` says how many; `SIMULATED_FROM` is the first.
const SEEDS: u64 = 150;

#[test]
fn whatever_happens_a_report_says_nothing_that_is_not_true() {
    let (first, seeds) = (setting("SIMULATED_FROM").unwrap_or(0), setting("SIMULATED_SEEDS").unwrap_or(SEEDS));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(2);
    let begun = Monotonic::start();
    let minutes = setting("SIMULATED_MINUTES").filter(|minutes| *minutes > 0);
    let is_over = |played| match minutes {
        Some(minutes) => begun.now() >= Nanos::from_secs(minutes * 60),
        None => played >= seeds,
    };
    let sum = many(first, threads, Rules::ALL, &|played, failures| is_over(played) || failures >= 20);
    let took = begun.now().as_secs_f64();
    println!(
        "{} runs in {took:.1} s ({:.2} ms each)",
        sum.runs,
        took * 1e3 / f64::from(u32::try_from(sum.runs.max(1)).unwrap())
    );
    println!("exits: {:?}", sum.covered.exit);
    println!("events of whose place everything could be known: {} of {}", sum.covered.exact.0, sum.covered.exact.1);
    println!("classes: {:?}", sum.covered.classes);
    let missing: Vec<Class> = Class::ALL.into_iter().filter(|class| !sum.covered.classes.contains_key(class)).collect();
    println!("classes never met: {missing:?}");
    for (a, name) in Act::KINDS.iter().enumerate() {
        let with: Vec<String> = (a..Act::KINDS.len())
            .map(|b| format!("{} {}", Act::KINDS[b], sum.pairs.get(&(a, b)).copied().unwrap_or(0)))
            .collect();
        println!("{name} with: {}", with.join(", "));
    }
    if sum.runs == 1 {
        let plan = Plan::draw(first);
        println!("{}{plan:?}", plan.story());
    }
    for (seed, why) in &sum.failures {
        println!("seed {seed}: {why}");
    }
    if let Some((seed, why)) = sum.failures.first() {
        panic!("{} of {} runs failed\n{}", sum.failures.len(), sum.runs, simplest(*seed, why));
    }
}

/// Rules of which plain JSON has no need: nothing that is simulated can break them. The self-test in the other formats does.
const OF_OTHER_FORMATS: [Rule; 7] = [
    Rule::Malformed,
    Rule::UnknownSchemaId,
    Rule::WrongSubject,
    Rule::NotReadable,
    Rule::AwaitsSchema,
    Rule::ReEncoded,
    Rule::HeaderOnce,
];

/// Breaks one rule of the checker after the other, and tells after how many seeds the judge notices. For `scripts/simulate`.
#[test]
#[ignore = "takes minutes: scripts/simulate --mutations"]
fn a_broken_rule_is_noticed_or_named() {
    let seeds = setting("SIMULATED_SEEDS").unwrap_or(1_000);
    let mut unnoticed = Vec::new();
    for rule in Rule::ALL.into_iter().filter(|rule| !OF_OTHER_FORMATS.contains(rule)) {
        let sum = many(0, 2, Rules::ALL.without(rule), &|played, failures| played >= seeds || failures > 0);
        match sum.failures.first() {
            Some((seed, why)) => println!("{rule:?}: noticed after {} seeds: {why:.160}", seed + 1),
            None => unnoticed.push(rule),
        }
    }
    println!("not noticed within {seeds} seeds: {unnoticed:?}");
    assert!(!unnoticed.contains(&Rule::UnknownUnseen), "what is unknown passed as good");
}
