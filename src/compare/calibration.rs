//! How often a comparison errs: false alarms on two runs of the same thing, and power on runs that differ, over
//! simulated runs whose seconds depend on each other. The figures are printed.

use super::fixture::{Simulated, named, simulated};
use super::rows::comparison;
use super::{Comparison, Options, Verdict};

/// How many of the comparisons of a plan with itself, NEW slower by `factor`, ended in each way.
#[derive(Debug, Default)]
struct Tally {
    comparisons: u32,
    worse: u32,
    better: u32,
    no_difference: u32,
    inconclusive: u32,
}

impl Tally {
    fn percent(&self, count: u32) -> f64 {
        f64::from(count) * 100.0 / f64::from(self.comparisons)
    }

    fn false_alarms(&self) -> f64 {
        self.percent(self.worse + self.better)
    }
}

fn run(base: Simulated, new: Simulated, runs: u64, seed: u64) -> Comparison {
    let side = |plan, offset: u64| (0..runs).map(|run| named(simulated(plan, seed * 1000 + offset + run))).collect();
    let options = Options { draws: 400, seed, ..Options::default() };
    comparison(side(base, 0), side(new, 500), Vec::new(), &options)
}

fn tally(title: &str, plan: Simulated, factor: f64, runs: u64, comparisons: u32) -> Tally {
    let mut tally = Tally { comparisons, ..Tally::default() };
    for seed in 0..u64::from(comparisons) {
        match run(plan, Simulated { factor, ..plan }, runs, seed + 1).verdict {
            Verdict::Worse => tally.worse += 1,
            Verdict::Better => tally.better += 1,
            Verdict::NoDifference => tally.no_difference += 1,
            Verdict::Inconclusive | Verdict::NotJudged => tally.inconclusive += 1,
        }
    }
    println!(
        "{title:<64} worse {:>5.1} %  better {:>5.1} %  no difference {:>5.1} %  inconclusive {:>5.1} %",
        tally.percent(tally.worse),
        tally.percent(tally.better),
        tally.percent(tally.no_difference),
        tally.percent(tally.inconclusive),
    );
    tally
}

const QUIET: Simulated = Simulated { seconds: 300, rho: 0.6, noise: 0.02, run_noise: 0.0, factor: 1.0, course: 0.0 };
const NOISY: Simulated = Simulated { noise: 0.2, ..QUIET };

#[test]
#[ignore = "a minute of arithmetic: scripts/test runs it beside tests that wait"]
fn two_quiet_runs_of_the_same_thing_show_no_difference_95_times_in_100() {
    let tally = tally("same, seconds correlate by 0.6, noise 2 %", QUIET, 1.0, 1, 100);
    assert!(tally.percent(tally.no_difference) >= 95.0, "{tally:?}");
    assert!(tally.false_alarms() <= 5.0, "{tally:?}");
}

#[test]
#[ignore = "a minute of arithmetic: scripts/test runs it beside tests that wait"]
fn two_noisy_runs_of_the_same_thing_raise_a_false_alarm_at_most_5_times_in_100() {
    for rho in [0.0, 0.6, 0.8] {
        let title = format!("same, seconds correlate by {rho}, noise 20 %");
        let tally = tally(&title, Simulated { rho, ..NOISY }, 1.0, 1, 100);
        assert!(tally.false_alarms() <= 5.0, "{tally:?}");
    }
}

#[test]
#[ignore = "a minute of arithmetic: scripts/test runs it beside tests that wait"]
fn sets_of_runs_that_differ_from_run_to_run_raise_a_false_alarm_at_most_5_times_in_100() {
    let plan = Simulated { seconds: 120, run_noise: 0.1, noise: 0.05, ..QUIET };
    let tally = tally("same, 3 runs a side that differ by 10 %, noise 5 %", plan, 1.0, 3, 60);
    assert!(tally.false_alarms() <= 5.0, "{tally:?}");
}

#[test]
#[ignore = "a minute of arithmetic: scripts/test runs it beside tests that wait"]
fn a_load_that_rises_and_falls_alike_on_both_sides_hides_nothing_and_raises_nothing() {
    let plan = Simulated { course: 0.5, ..QUIET };
    let same = tally("same, load moves latency by a factor of 2.7", plan, 1.0, 1, 40);
    assert!(same.percent(same.no_difference) >= 95.0, "{same:?}");
    let slower = tally("8 % slower, load moves latency by a factor of 2.7", plan, 1.08, 1, 40);
    assert!(slower.percent(slower.worse) >= 95.0, "{slower:?}");
}

#[test]
#[ignore = "a minute of arithmetic: scripts/test runs it beside tests that wait"]
fn a_real_change_is_found() {
    let slower = tally("8 % slower, seconds correlate by 0.6, noise 2 %", QUIET, 1.08, 1, 40);
    assert!(slower.percent(slower.worse) >= 95.0, "{slower:?}");
    let faster = tally("8 % faster, seconds correlate by 0.6, noise 2 %", QUIET, 1.0 / 1.08, 1, 40);
    assert!(faster.percent(faster.better) >= 95.0, "{faster:?}");
    let noisy = tally("50 % slower, seconds correlate by 0.6, noise 20 %", NOISY, 1.5, 1, 40);
    assert!(noisy.percent(noisy.worse) >= 80.0, "{noisy:?}");
}
