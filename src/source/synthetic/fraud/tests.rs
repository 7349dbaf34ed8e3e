use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::tests::{fingerprint, fits};
use super::super::{Config, Model, Synthetic};
use super::*;
use crate::shop::{Cents, Detail, Event, Kind};

fn config(rate: f64) -> Config {
    Config { fraud: Some(FraudConfig::of(rate)), ..Config::default() }
}

fn drawn(config: &Config, seed: u64, lane: u16, lanes: u16, count: usize) -> Vec<Event> {
    let mut lane = Arc::new(Synthetic::new(config, seed).unwrap()).lane(lane, lanes).unwrap();
    (0..count).map(|_| lane.draw().event).collect()
}

fn truth(config: &Config, seed: u64, lanes: u16) -> Truth {
    Truth::new(config.fraud.as_ref().unwrap(), seed, lanes)
}

/// A change here makes the truth of recorded runs another one.
#[test]
fn the_first_frauds_of_a_seed_never_change() {
    let sessions = Config { model: Model::Sessions, ..config(0.01) };
    let fingerprints =
        [fingerprint(&config(0.01), 1, 1), fingerprint(&config(0.01), 1, 3), fingerprint(&sessions, 1, 2)];
    assert_eq!(fingerprints, [16_358_285_216_636_815_857, 8_968_872_949_472_169_306, 13_307_313_820_899_536_073]);
}

#[test]
fn what_is_no_fraud_is_as_without_it() {
    let (honest, with) = (drawn(&Config::default(), 7, 0, 2, 100_000), drawn(&config(0.01), 7, 0, 2, 100_000));
    let mut truth = truth(&config(0.01), 7, 2);
    let mut frauds = 0;
    for (n, (honest, with)) in (0..).zip(honest.iter().zip(&with)) {
        match truth.label(0, n) {
            None => assert_eq!(honest, with),
            Some(_) => frauds += 1,
        }
    }
    assert!((700..1_300).contains(&frauds), "{frauds}");
}

#[test]
fn sessions_go_on_behind_fraud_as_if_it_were_not_there() {
    let plain = Config { model: Model::Sessions, ..Config::default() };
    let woven = Config { fraud: Some(FraudConfig::of(0.05)), ..plain.clone() };
    let mut truth = truth(&woven, 3, 1);
    let with: Vec<Event> = (0..)
        .zip(drawn(&woven, 3, 0, 1, 20_000))
        .filter(|(n, _)| truth.label(0, *n).is_none())
        .map(|(_, event)| event)
        .collect();
    // Orders are numbered by the event, and with that differ.
    let without_order = |event: &Event| match event.detail {
        Detail::Transaction { item, price, quantity, session, .. } => {
            format!("{:?} {item:?} {price:?} {quantity} {session:?}", event.user)
        }
        _ => format!("{event:?}"),
    };
    for (one, other) in drawn(&plain, 3, 0, 1, with.len()).iter().zip(&with) {
        assert_eq!(without_order(one), without_order(other));
    }
}

#[test]
fn as_much_is_fraud_as_asked_for_and_shared_among_patterns_as_asked_for() {
    let mut config = FraudConfig::of(0.02);
    config.patterns = BTreeMap::from([(Pattern::CardTesting, 3.0), (Pattern::BotBrowsing, 1.0)]);
    let truth = Truth::new(&config, 11, 4);
    let mut seen = BTreeMap::new();
    let mut episodes = BTreeSet::new();
    for lane in 0..4 {
        for (_, label) in truth.of_lane(lane, 40 << 16) {
            *seen.entry(label.pattern).or_insert(0) += 1;
            episodes.insert(label.episode);
        }
    }
    let all: usize = seen.values().sum();
    // Episodes come as a whole, so that their number and not that of events is what chance decides.
    let of_events = 160.0 * 65_536.0;
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let share = all as f64 / of_events;
    assert!((share - 0.02).abs() < 0.000_4, "{share}");
    assert!(
        fits(seen[&Pattern::CardTesting], all, 0.75) || seen[&Pattern::CardTesting].abs_diff(all * 3 / 4) < all / 50
    );
    assert_eq!(seen.len(), 2);
    assert!(episodes.len() > 10_000);
}

#[test]
fn an_episode_is_of_one_user_in_one_lane_and_in_order() {
    let config = config(0.05);
    let events = drawn(&config, 5, 1, 3, 65_536);
    let mut steps: BTreeMap<Episode, Vec<(u8, Pattern, Event)>> = BTreeMap::new();
    for (n, label) in truth(&config, 5, 3).of_lane(1, 65_536) {
        steps.entry(label.episode).or_default().push((label.step, label.pattern, events[usize::try_from(n).unwrap()]));
    }
    assert!(steps.len() > 100);
    for episode in steps.values() {
        let (_, pattern, first) = episode[0];
        assert_eq!(first.user.0 % 3, 1);
        for (at, (step, of, event)) in (0..).zip(episode) {
            assert_eq!((*step, *of, event.user), (at, pattern, first.user));
            match (pattern, event.detail) {
                (Pattern::CardTesting, Detail::Transaction { price: Cents(price), .. }) => assert!(price <= 200),
                (Pattern::BotBrowsing, detail) => assert!(matches!(detail, Detail::View { .. })),
                (Pattern::Velocity | Pattern::PriceAnomaly, detail) => {
                    assert!(matches!(detail, Detail::Transaction { .. }));
                }
                _ => {}
            }
        }
    }
    let patterns: BTreeSet<Pattern> = steps.values().map(|steps| steps[0].1).collect();
    assert_eq!(patterns.len(), Pattern::ALL.len());
}

#[test]
fn types_come_as_often_as_is_told_with_fraud_too() {
    let config = config(0.3);
    let mut seen = [0; Kind::USERS_COUNT];
    for event in drawn(&config, 11, 0, 1, 65_536) {
        seen[event.kind().index()] += 1;
    }
    let expected = Synthetic::new(&config, 11).unwrap().expected_shares();
    assert!((expected.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    for (seen, expected) in seen.into_iter().zip(expected) {
        let share = f64::from(seen) / 65_536.0;
        assert!((share - expected).abs() < 0.02, "{share} instead of {expected}");
    }
}

#[test]
fn half_of_all_events_can_be_fraud_and_no_more() {
    let count = truth(&config(0.5), 1, 1).of_lane(0, 65_536).count();
    assert!((30_000..34_000).contains(&count), "{count}");
    let refused =
        |fraud| Synthetic::new(&Config { fraud: Some(fraud), ..Config::default() }, 1).unwrap_err().to_string();
    let leaves = "it lies above 0% and at 50% at most, so that honest events are left to tell fraud from";
    for (rate, said) in [(0.51, "51"), (1.0, "100"), (0.0, "0"), (-0.25, "-25"), (f64::NAN, "NaN")] {
        assert_eq!(refused(FraudConfig::of(rate)), format!("fraud.rate is {said}%: {leaves}"));
    }
    let shares = |patterns| FraudConfig { patterns, ..FraudConfig::of(0.1) };
    assert_eq!(
        refused(shares(BTreeMap::from([(Pattern::Velocity, -1.0)]))),
        "fraud.patterns.velocity is -1: a share is a number from 0"
    );
    assert_eq!(
        refused(shares(BTreeMap::from([(Pattern::Velocity, 0.0)]))),
        "fraud.patterns gives no pattern a share: name at least one, for example patterns = { velocity = 1 }"
    );
    assert_eq!(
        refused(FraudConfig { spacing: 0, ..FraudConfig::of(0.1) }),
        "fraud.spacing is 0: 1 to 1000 events of the run lie between two steps of an episode"
    );
}

#[test]
fn rates_are_written_as_shares_or_in_percent() {
    let read = |text: &str| toml::from_str::<FraudConfig>(text).map(|config| config.rate);
    for text in ["rate = \"0.5%\"", "rate = 0.005"] {
        assert!((read(text).unwrap() - 0.005).abs() < 1e-15);
    }
    assert!(read("rate = \"much\"").unwrap_err().to_string().contains("\"much\" is no share: write rate = \"0.5%\""));
    assert!(read("rate = true").unwrap_err().to_string().contains("rate is no share"));
    assert!(read("patterns = { velocity = 1 }").unwrap_err().to_string().contains("missing field `rate`"));
    assert!(read("rate = 0.1\npatterns = { phishing = 1 }").unwrap_err().to_string().contains("unknown variant"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn jumping_is_drawing_with_fraud_too(seed: u64, rate in 0.001_f64..0.5, skip in 0_u64..3_000, is_sessions: bool, spacing in 1_u32..=1_000) {
        let model = if is_sessions { Model::Sessions } else { Model::Independent };
        let config = Config { model, users: 500, fraud: Some(FraudConfig { spacing, ..FraudConfig::of(rate) }), ..Config::default() };
        let source = Arc::new(Synthetic::new(&config, seed).unwrap());
        let mut drawn = source.lane(1, 2).unwrap();
        for _ in 0..skip {
            drawn.draw();
        }
        let mut jumped = source.lane(1, 2).unwrap();
        jumped.skip_to(skip);
        for _ in 0..50 {
            prop_assert_eq!(drawn.draw(), jumped.draw());
        }
        jumped.skip_to(skip / 2);
        let mut again = source.lane(1, 2).unwrap();
        again.skip_to(skip / 2);
        prop_assert_eq!(jumped.draw(), again.draw());
    }

    #[test]
    fn one_label_is_that_of_the_list(seed: u64, rate in 0.000_1_f64..0.5, spacing in 1_u32..=1_000, lanes in 1_u16..5) {
        let config = FraudConfig { spacing, ..FraudConfig::of(rate) };
        let mut truth = Truth::new(&config, seed, lanes);
        let listed: BTreeMap<u64, Label> = truth.of_lane(lanes - 1, 70_000).collect();
        for n in (0..70_000).step_by(61).chain(listed.keys().copied().step_by(13)) {
            prop_assert_eq!(truth.label(lanes - 1, n), listed.get(&n).copied());
        }
    }
}
