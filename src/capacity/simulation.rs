//! The search against systems whose limit is known: noisy ones, flaky ones, and generators that give out first.
//! `cargo test capacity -- --nocapture` prints the figures.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::*;

/// A system with a limit, and how it disturbs its probes.
struct System {
    limit: f64,
    /// Standard deviation of the limit from probe to probe, as a part of it.
    noise: f64,
    /// Share of probes that fail whatever the rate.
    hiccups: f64,
    /// Where the generator gives out.
    generator: f64,
    /// How far from the limit probes are unclear, as a part of it.
    blur: f64,
    random: Xoshiro256PlusPlus,
}

impl System {
    fn new(seed: u64, noise: f64, hiccups: f64) -> Self {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        // Anywhere from 2,000 to 2,000,000 events per second, evenly by factors.
        let limit = 2_000.0 * 1_000_f64.powf(random.random::<f64>());
        Self { limit, noise, hiccups, generator: f64::INFINITY, blur: 0.0, random }
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.random.random::<f64>()).sum::<f64>() - 6.0
    }

    fn probe(&mut self, rate: u64) -> ProbeOutcome {
        let limit = self.limit * (1.0 + self.noise * self.normal());
        let rate = as_f64(rate);
        let (verdict, reason) = if rate > self.generator * (1.0 + self.noise * self.normal()) {
            (ProbeVerdict::GeneratorLimit, "lateness p99 above 5 ms")
        } else if (rate / limit - 1.0).abs() < self.blur {
            (ProbeVerdict::Unevaluated, "backlog_unclear")
        } else if rate > limit || self.random.random::<f64>() < self.hiccups {
            (ProbeVerdict::Failed, "response_time.p99 < 250ms")
        } else {
            (ProbeVerdict::Passed, "")
        };
        let load = (rate / limit).min(0.999);
        let p99 = if verdict == ProbeVerdict::Failed { 2e6 } else { 2_000.0 + 500.0 / (1.0 - load) };
        ProbeOutcome {
            verdict,
            reasons: (!reason.is_empty()).then(|| reason.to_owned()).into_iter().collect(),
            achieved_per_s: rate.min(limit),
            p50_us: Some(1_000),
            p99_us: Some(whole(p99)),
            gated_us: BTreeMap::new(),
            outstanding: None,
            unread: None,
            took_s: 40.0,
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a latency in us")]
fn whole(value: f64) -> u64 {
    value as u64
}

fn settings() -> SearchConfig {
    SearchConfig { start: 1_000, max: None, precision: 0.05, max_time_s: 7_200.0 }
}

fn run(config: SearchConfig, system: &mut System) -> CapacityReport {
    search(config, Vec::new(), |rate| ControlFlow::Continue(system.probe(rate)), |_| ()).unwrap()
}

/// Of 1,000 systems: how many of 100 intervals cover the limit, their mean width in percent, and the mean number of
/// probes.
fn coverage(noise: f64, hiccups: f64) -> (f64, f64, f64) {
    const RUNS: u32 = 1_000;
    let (mut covered, mut width, mut probes) = (0.0, 0.0, 0.0);
    for seed in 0..RUNS {
        let mut system = System::new(seed.into(), noise, hiccups);
        let report = run(settings(), &mut system);
        let (Some(low), Some(high)) = (&report.low, &report.high) else { continue };
        let covers = (as_f64(low.rate)..=as_f64(high.rate)).contains(&system.limit);
        covered += f64::from(u8::from(covers)) * 100.0 / f64::from(RUNS);
        width += report.width_percent().unwrap() / f64::from(RUNS);
        probes += as_f64(report.probes.len() as u64) / f64::from(RUNS);
    }
    println!(
        "noise {noise}, hiccups {hiccups}: {covered:.1} of 100 cover the limit, width {width:.2} %, {probes:.1} probes"
    );
    (covered, width, probes)
}

#[test]
fn the_interval_covers_the_limit_in_95_of_100_runs() {
    for (noise, hiccups, widest) in
        [(0.0, 0.0, 5.1), (0.005, 0.0, 6.5), (0.01, 0.0, 7.5), (0.02, 0.0, 8.5), (0.03, 0.0, 9.0), (0.02, 0.02, 8.5)]
    {
        let (covered, width, probes) = coverage(noise, hiccups);
        assert!(covered >= 95.0, "{covered}");
        assert!(width <= widest, "{width}");
        assert!(probes <= 30.0, "{probes}");
    }
}

/// A system without chance.
fn sharp(limit: f64) -> System {
    System { limit, generator: f64::INFINITY, ..System::new(1, 0.0, 0.0) }
}

fn rates(report: &CapacityReport) -> (Option<u64>, Option<u64>) {
    (report.low.as_ref().map(|end| end.rate), report.high.as_ref().map(|end| end.rate))
}

#[test]
fn both_ends_are_sure_and_say_what_broke() {
    let report = run(settings(), &mut sharp(123_456.0));
    let (low, high) = (report.low.clone().unwrap(), report.high.clone().unwrap());
    assert_eq!(report.answer, Answer::SystemLimit);
    assert!(low.rate <= 123_456 && high.rate > 123_456);
    assert!(report.width_percent().unwrap() <= 5.01);
    assert!(low.probes >= 2 && high.probes >= 2);
    assert_eq!(high.reasons, ["response_time.p99 < 250ms"]);
    assert_eq!(report.contradictions, [""; 0]);
    let knee = report.knee.unwrap();
    assert!((100_000.0..124_000.0).contains(&knee.rate), "{knee:?}");
}

#[test]
fn an_unclear_stretch_at_the_limit_is_enclosed() {
    for blur in [0.005, 0.01, 0.02, 0.04] {
        for limit in [1_900.0, 4_367.0, 77_777.0, 1_234_567.0] {
            let report = run(settings(), &mut System { blur, ..sharp(limit) });
            assert_eq!(report.answer, Answer::SystemLimit, "blur {blur} at {limit}");
            let (low, high) = rates(&report);
            assert!(as_f64(low.unwrap()) <= limit && limit <= as_f64(high.unwrap()), "{report:?}");
            let width = report.width_percent().unwrap();
            println!("blur {blur}: {width:.2} % wide after {} probes", report.probes.len());
            assert!(width <= 5.1 + 200.0 * blur * 1.6, "blur {blur}: {width}");
        }
    }
}

#[test]
fn probes_that_are_never_clear_end_the_search() {
    let report = run(settings(), &mut System { blur: 0.9, ..sharp(5_000.0) });
    assert_eq!(report.answer, Answer::Unevaluated);
    assert!(report.probes.len() < 30);
}

#[test]
fn a_generator_that_gives_out_is_not_taken_for_the_system() {
    let report = run(settings(), &mut System { generator: 50_000.0, ..sharp(1e9) });
    assert_eq!(report.answer, Answer::GeneratorLimit);
    let (low, high) = rates(&report);
    assert!(low.unwrap() <= 50_000 && high.unwrap() > 50_000);
    assert_eq!(report.high.unwrap().reasons, ["lateness p99 above 5 ms"]);
}

/// A generator whose limit swings by `noise` around `generator`, while the system is never the limit.
fn noisy_generator(seed: u64, generator: f64, noise: f64) -> System {
    System { limit: 1e12, generator, noise, ..System::new(seed, 0.0, 0.0) }
}

#[test]
fn a_machine_noisier_than_the_question_ends_the_search_and_one_that_is_not_does_not() {
    let config = SearchConfig { max: Some(2_000), ..settings() };
    let mut unsteady = 0;
    for seed in 0..200 {
        let report = run(config, &mut noisy_generator(seed, 1_500.0, 0.3));
        if report.answer == Answer::Unsteady {
            unsteady += 1;
        }
        assert!(report.probes.len() < 60, "{}", report.probes.len());
    }
    println!("noise of 30 %: {unsteady} of 200 searches were given up");
    assert!(unsteady >= 100, "{unsteady}");
    for seed in 0..200 {
        let report = run(settings(), &mut noisy_generator(seed, 50_000.0, 0.02));
        assert_eq!(report.answer, Answer::GeneratorLimit, "{seed}: {report:?}");
    }
}

#[test]
fn a_generator_that_cannot_offer_the_lowest_rate_says_nothing_about_the_system() {
    let report = run(settings(), &mut System { generator: 900.0, ..sharp(1e9) });
    assert_eq!((report.answer, rates(&report)), (Answer::GeneratorLimit, (None, Some(1_000))));
}

#[test]
fn a_system_that_gives_out_just_before_the_generator_is_named() {
    let report = run(settings(), &mut System { generator: 60_000.0, ..sharp(50_000.0) });
    assert_eq!(report.answer, Answer::SystemLimit);
    assert!(rates(&report).1.unwrap() < 60_000);
}

#[test]
fn a_system_that_fails_at_the_lowest_rate_has_no_capacity_to_report() {
    let report = run(settings(), &mut sharp(999.0));
    assert_eq!((report.answer, rates(&report)), (Answer::FailsAtLowest, (None, Some(1_000))));
    assert_eq!(report.probes.len(), 2, "once more, then it is sure");
}

#[test]
fn a_search_stops_at_its_highest_rate() {
    let report = run(SearchConfig { max: Some(10_000), ..settings() }, &mut sharp(20_000.0));
    assert_eq!((report.answer, rates(&report)), (Answer::AboveMax, (Some(10_000), None)));
    let report = run(SearchConfig { max: Some(10_000), ..settings() }, &mut sharp(9_990.0));
    assert_eq!(report.answer, Answer::SystemLimit);
    assert!(rates(&report).0.unwrap() <= 9_990 && rates(&report).1 == Some(10_000));
}

#[test]
fn small_rates_end_with_neighbours() {
    let config = SearchConfig { start: 1, ..settings() };
    for limit in 1_u64..60 {
        let (low, high) = rates(&run(config, &mut sharp(as_f64(limit))));
        assert!(low.unwrap() <= limit && high.unwrap() > limit, "{limit}: {low:?}..{high:?}");
        assert!(high.unwrap() - low.unwrap() <= 3, "{limit}: {low:?}..{high:?}");
    }
}

#[test]
fn the_time_limit_is_never_exceeded_and_what_is_known_is_said() {
    for probes in 1_u32..20 {
        let max_time_s = 40.0 * f64::from(probes) + 1.0;
        let report = run(SearchConfig { max_time_s, ..settings() }, &mut sharp(123_456.0));
        assert!(report.took_s <= max_time_s);
        let (low, high) = rates(&report);
        assert!(low.is_none_or(|low| low <= 123_456) && high.is_none_or(|high| high > 123_456));
        if probes < 17 {
            assert_eq!(report.answer, Answer::OutOfTime);
        }
    }
}

#[test]
fn what_is_left_is_known_within_a_few_probes_once_a_rate_has_failed() {
    let mut system = System::new(7, 0.0, 0.0);
    let whole = run(settings(), &mut system);
    let mut search = Search::new(settings()).unwrap();
    assert_eq!(search.left(), None);
    for (made, probe) in whole.probes.iter().enumerate() {
        search.record(probe.outcome.clone());
        let (left, really) = (search.left().unwrap(), whole.probes.len() - made - 1);
        let climbs = whole.probes[..=made].iter().all(|probe| probe.outcome.verdict == ProbeVerdict::Passed);
        assert!(left.at_least || !climbs, "{left:?}");
        assert!(left.at_least || left.probes.abs_diff(really) <= 3, "{left:?}, and it were {really}");
    }
    let done = search.left().unwrap();
    assert_eq!((done.probes, done.at_least), (0, false));
}

#[test]
fn a_search_taken_up_again_ends_as_if_it_had_not_stopped() {
    let mut system = System::new(7, 0.02, 0.02);
    let whole = run(settings(), &mut system);
    for stop in 0..whole.probes.len() {
        let mut first = Search::new(settings()).unwrap();
        whole.probes[..stop].iter().for_each(|probe| first.record(probe.outcome.clone()));
        first.interrupt();
        assert_eq!(first.report().answer, Answer::Interrupted);
        let kept = serde_json::to_string(first.probes()).unwrap();
        let mut rest = whole.probes[stop..].iter();
        let report = search(
            settings(),
            serde_json::from_str(&kept).unwrap(),
            |rate| {
                let probe = rest.next().unwrap();
                assert_eq!(probe.rate, rate);
                ControlFlow::Continue(probe.outcome.clone())
            },
            |_| (),
        );
        assert_eq!(report.unwrap(), whole);
    }
}

#[test]
fn probes_of_another_search_are_refused() {
    let whole = run(settings(), &mut sharp(50_000.0));
    let other = SearchConfig { start: 2_000, ..settings() };
    let error = Search::resume(other, whole.probes.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "probe 1 was made at 1000/s, but this search asks for 2000/s: it was recorded with other settings"
    );
    let mut probes = whole.probes;
    probes.push(probes[0].clone());
    assert!(Search::resume(settings(), probes).unwrap_err().to_string().contains("asks for no more"));
}

#[test]
fn probes_that_cannot_be_judged_end_the_search() {
    let mut system = sharp(50_000.0);
    let report = search(
        settings(),
        Vec::new(),
        |rate| {
            let outcome = system.probe(rate);
            let verdict = if rate > 8_000 { ProbeVerdict::Unevaluated } else { outcome.verdict };
            ControlFlow::Continue(ProbeOutcome { verdict, ..outcome })
        },
        |_| (),
    );
    let report = report.unwrap();
    assert_eq!((report.answer, rates(&report)), (Answer::Unevaluated, (Some(8_000), None)));
}

#[test]
fn a_probe_that_breaks_off_leaves_what_is_known() {
    let mut system = sharp(50_000.0);
    let probe = |rate| if rate > 8_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(system.probe(rate)) };
    let mut kept = 0;
    let report = search(settings(), Vec::new(), probe, |search| kept = search.probes().len()).unwrap();
    assert_eq!((report.answer, rates(&report), kept), (Answer::Interrupted, (Some(8_000), None), 4));
}

#[test]
fn settings_that_make_no_search_are_refused() {
    let refused = |config: SearchConfig| Search::new(config).unwrap_err().to_string();
    assert!(refused(SearchConfig { start: 0, ..settings() }).contains("at least 1/s"));
    assert!(
        refused(SearchConfig { max: Some(500), ..settings() }).contains("1000/s, is not below the highest one, 500/s")
    );
    for precision in [0.0, -1.0, 0.9, f64::NAN] {
        assert!(refused(SearchConfig { precision, ..settings() }).contains("precision"));
    }
    for max_time_s in [0.0, -1.0, f64::NAN] {
        assert!(refused(SearchConfig { max_time_s, ..settings() }).contains("time limit"));
    }
}
