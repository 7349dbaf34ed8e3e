use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::*;
use crate::shop::{Cents, Detail, Event, ItemId, Kind, Session, UserId, Vocabulary};
use crate::wire::sink::Escaped;

fn source(config: &Config, seed: u64) -> Arc<Synthetic> {
    Arc::new(Synthetic::new(config, seed).unwrap())
}

fn events(config: &Config, seed: u64, lane: u16, lanes: u16, count: usize) -> Vec<Event> {
    let mut lane = source(config, seed).lane(lane, lanes).unwrap();
    (0..count).map(|_| lane.draw().event).collect()
}

/// Whether `seen` of `draws` fits a probability, within five standard deviations.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
pub(super) fn fits(seen: usize, draws: usize, probability: f64) -> bool {
    let sigma = (draws as f64 * probability * (1.0 - probability)).sqrt();
    (seen as f64 - draws as f64 * probability).abs() <= 5.0 * sigma + 1e-9
}

pub(super) fn item(event: &Event) -> Option<ItemId> {
    match event.detail {
        Detail::View { item, .. }
        | Detail::AddToCart { item, .. }
        | Detail::Transaction { item, .. }
        | Detail::Review { item, .. } => Some(item),
        Detail::Search { .. } | Detail::Filter { .. } | Detail::Inventory { .. } => None,
    }
}

pub(super) fn session(event: &Event) -> Session {
    match event.detail {
        Detail::View { session, .. }
        | Detail::AddToCart { session, .. }
        | Detail::Search { session, .. }
        | Detail::Filter { session, .. }
        | Detail::Review { session, .. } => session,
        Detail::Transaction { session, .. } => session.unwrap(),
        Detail::Inventory { .. } => panic!("no shopper's event"),
    }
}

pub(super) fn fingerprint(config: &Config, seed: u64, lanes: u16) -> u64 {
    let source = source(config, seed);
    let mut text = String::new();
    for lane in 0..lanes {
        let mut lane = source.lane(lane, lanes).unwrap();
        for _ in 0..10_000 {
            writeln!(text, "{:?}", lane.draw()).unwrap();
        }
    }
    xxh3_64(text.as_bytes())
}

#[test]
fn a_source_is_shared_among_threads() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>() {}
    shared::<Synthetic>();
    moved::<Lane>();
}

/// A change here changes every recorded run's repetition: bodies are no longer those of the same seed before.
#[test]
fn the_first_events_of_a_seed_never_change() {
    /// As texts were shown when the number below was first written down.
    #[derive(Debug)]
    struct JsonText<'a>(#[expect(dead_code, reason = "shown by Debug")] &'a str);
    fn shown(texts: &[Escaped]) -> Vec<JsonText<'_>> {
        texts.iter().map(|text| JsonText(text.json())).collect()
    }
    let vocabulary = source(&Config::default(), 1).vocabulary();
    let Vocabulary { categories, queries, filters, reviews } = &*vocabulary;
    let filters: Vec<_> = filters.iter().map(|(kind, value)| (JsonText(kind.json()), JsonText(value.json()))).collect();
    let vocabulary = format!(
        "Vocabulary {{ categories: {:?}, queries: {:?}, filters: {filters:?}, reviews: {:?} }}",
        shown(categories),
        shown(queries),
        shown(reviews)
    );
    let fingerprints =
        [fingerprint(&Config::default(), 1, 1), fingerprint(&Config::default(), 1, 3), xxh3_64(vocabulary.as_bytes())];
    assert_eq!(fingerprints, [10_867_179_683_896_159_179, 6_659_206_523_123_606_069, 11_802_413_144_230_355_511]);
}

#[test]
fn the_same_seed_gives_the_same_events_and_another_one_others() {
    let config = Config::default();
    assert_eq!(events(&config, 5, 1, 2, 1_000), events(&config, 5, 1, 2, 1_000));
    let (one, other) = (events(&config, 5, 0, 1, 1_000), events(&config, 6, 0, 1, 1_000));
    let equal = one.iter().zip(&other).filter(|(a, b)| a == b).count();
    assert!(equal < 10, "{equal} of 1,000 events are the same under another seed");
}

#[test]
fn types_come_as_often_as_their_weights_say() {
    for text in
        ["view=50,addtocart=20,transaction=10,search=10,filter=7,review=3", "review=1,view=0,search=0.5", "filter=1"]
    {
        let config = Config { weights: text.parse().unwrap(), ..Config::default() };
        let mut seen = [0; Kind::USERS_COUNT];
        for event in events(&config, 11, 0, 1, 200_000) {
            seen[event.kind().index()] += 1;
        }
        for (kind, share) in Kind::OF_USERS.into_iter().zip(source(&config, 11).expected_shares()) {
            assert!(fits(seen[kind.index()], 200_000, share), "{text}: {} of 200,000 are {kind}", seen[kind.index()]);
        }
    }
}

#[test]
fn every_field_is_in_its_range() {
    let config = Config { users: 1_000, items: 500, ..Config::default() };
    let source = source(&config, 2);
    let vocabulary = source.vocabulary();
    let mut lane = source.lane(1, 2).unwrap();
    let mut quantities = HashSet::new();
    let mut ratings = HashSet::new();
    for n in 0..50_000 {
        let Drawn { number, recorded_offset, event } = lane.draw();
        assert_eq!((number, recorded_offset, event.recorded_ms), (n * 2 + 1, Nanos::ZERO, None));
        assert!(event.user.0 < 1_000 && event.user.0 % 2 == 1);
        assert!(item(&event).is_none_or(|item| item.0 < 500));
        match event.detail {
            Detail::Inventory { .. } => panic!("no shopper's event"),
            Detail::View { category, .. } => assert!((category.0 as usize) < vocabulary.categories.len()),
            Detail::AddToCart { category, quantity, .. } => {
                assert!((category.0 as usize) < vocabulary.categories.len());
                quantities.insert(quantity);
            }
            Detail::Transaction { category, price: Cents(price), quantity, transaction, .. } => {
                assert!((category.0 as usize) < vocabulary.categories.len());
                assert!((100..=400_000).contains(&price));
                assert_eq!(transaction, Some(number));
                quantities.insert(quantity);
            }
            Detail::Search { query, results, .. } => {
                assert!((query.0 as usize) < vocabulary.queries.len());
                assert!(results <= 500);
            }
            Detail::Filter { category, filter, .. } => {
                assert!((category.0 as usize) < vocabulary.categories.len());
                assert!((filter.0 as usize) < vocabulary.filters.len());
            }
            Detail::Review { rating, text, .. } => {
                assert!((text.0 as usize) < vocabulary.reviews.len());
                ratings.insert(rating);
            }
        }
    }
    assert_eq!(quantities, (1..=5).collect());
    assert_eq!(ratings, (1..=5).collect());
}

#[test]
fn what_belongs_to_an_item_or_user_stays_with_it() {
    let config = Config { users: 200, items: 200, ..Config::default() };
    let source = source(&config, 2);
    let (mut devices, mut categories, mut prices, mut found) =
        (HashMap::new(), HashMap::new(), HashMap::new(), HashMap::new());
    for lane in 0..2 {
        let mut lane = source.lane(lane, 2).unwrap();
        for _ in 0..20_000 {
            let event = lane.draw().event;
            let device = match event.detail {
                Detail::View { device, item, category, .. } | Detail::AddToCart { device, item, category, .. } => {
                    assert_eq!(*categories.entry(item).or_insert(category), category);
                    device
                }
                Detail::Transaction { item, category, price, .. } => {
                    assert_eq!(*categories.entry(item).or_insert(category), category);
                    assert_eq!(*prices.entry(item).or_insert(price), price);
                    continue;
                }
                Detail::Search { device, query, results, .. } => {
                    assert_eq!(*found.entry(query).or_insert(results), results);
                    device
                }
                Detail::Filter { .. } | Detail::Review { .. } | Detail::Inventory { .. } => continue,
            };
            assert_eq!(*devices.entry(event.user).or_insert(device), device);
        }
    }
    assert_eq!(devices.len(), 200);
    assert!(prices.len() > 190 && prices.values().collect::<HashSet<_>>().len() > 100);
}

#[test]
fn lanes_share_all_users_and_none_twice() {
    for (users, lanes) in [(10, 3), (7, 7), (1, 1), (100, 8), (101, 100)] {
        let config = Config { users, user_skew: 0.5, ..Config::default() };
        let source = source(&config, 4);
        let mut owner = HashMap::new();
        for id in 0..lanes {
            let mut lane = source.lane(id, lanes).unwrap();
            for _ in 0..5_000 {
                let user = lane.draw().event.user;
                assert_eq!(*owner.entry(user).or_insert(id), id, "{user:?} is in two lanes");
            }
        }
        let mut drawn: Vec<u64> = owner.keys().map(|user| user.0).collect();
        drawn.sort_unstable();
        assert_eq!(drawn, (0..users).collect::<Vec<_>>());
    }
}

#[test]
fn a_hot_user_gets_its_share_of_the_whole_run() {
    for id in [0, 77, 5_000] {
        let config = Config { users: 1_000, hot_user: Some(HotKey { share: 0.2, id }), ..Config::default() };
        for lanes in [1, 3, 5] {
            let seen: usize = (0..lanes)
                .map(|lane| {
                    events(&config, 8, lane, lanes, 30_000).iter().filter(|event| event.user == UserId(id)).count()
                })
                .sum();
            assert!(fits(seen, 30_000 * usize::from(lanes), 0.2), "user {id} in {lanes} lanes: {seen}");
        }
    }
}

#[test]
fn a_hot_item_gets_its_share_of_the_events_with_an_item() {
    let config = Config { hot_item: Some(HotKey { share: 0.4, id: 123 }), ..Config::default() };
    let items: Vec<ItemId> = events(&config, 8, 0, 1, 50_000).iter().filter_map(item).collect();
    let hot = items.iter().filter(|&&item| item == ItemId(123)).count();
    assert!(fits(hot, items.len(), 0.4), "{hot} of {}", items.len());
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn sessions_go_on_and_hold_about_eight_events() {
    let config = Config { users: 300, ..Config::default() };
    let mut last = HashMap::new();
    let mut sessions = HashSet::new();
    let events = events(&config, 9, 0, 1, 100_000);
    for event in &events {
        let now = session(event);
        let before = last.insert(event.user, now).unwrap_or_default();
        assert!(now >= before && now.0 - before.0 <= 5, "{:?} goes from {before:?} to {now:?}", event.user);
        sessions.insert((event.user, now));
    }
    let mean = events.len() as f64 / sessions.len() as f64;
    assert!((7.0..9.0).contains(&mean), "{mean} events in a session");
}

#[test]
fn a_scenario_states_what_differs_from_the_default() {
    let config: Config = toml::from_str(
        "users = 10\nuser_skew = 0\nweights = { view = 1, search = 1 }\nhot_item = { share = 0.5, id = 3 }\nhot_user = { share = 0.1 }",
    )
    .unwrap();
    assert_eq!(config.items, Config::default().items);
    assert_eq!(config.hot_item, Some(HotKey { share: 0.5, id: 3 }));
    assert_eq!(config.hot_user, Some(HotKey { share: 0.1, id: 0 }));
    assert_eq!(toml::from_str::<Config>(&toml::to_string(&config).unwrap()).unwrap(), config);
    assert_eq!(toml::from_str::<Config>("").unwrap(), Config::default());
    assert!(toml::from_str::<Config>("user = 10").unwrap_err().to_string().contains("unknown field `user`"));
}

#[test]
fn an_impossible_configuration_is_refused_with_its_reason() {
    let refused = |change: fn(&mut Config)| {
        let mut config = Config::default();
        change(&mut config);
        Synthetic::new(&config, 1).unwrap_err().to_string()
    };
    assert_eq!(refused(|config| config.users = 0), "0 users: there must be 1 to 1000000000");
    assert_eq!(refused(|config| config.items = 2_000_000_000), "2000000000 items: there must be 1 to 1000000000");
    assert_eq!(refused(|config| config.user_skew = -1.0), "user_skew is -1: a skew is a number from 0 (uniform) to 5");
    assert_eq!(
        refused(|config| config.item_skew = f64::NAN),
        "item_skew is NaN: a skew is a number from 0 (uniform) to 5"
    );
    assert_eq!(
        refused(|config| config.hot_user = Some(HotKey { share: 1.0, id: 0 })),
        "hot_user.share is 1: a hot key's share lies above 0 and below 1"
    );
    assert_eq!(
        refused(|config| config.hot_item = Some(HotKey { share: 0.1, id: u64::MAX })),
        "hot_item.id is 18446744073709551615: ids end at 1000000000"
    );
}

#[test]
fn impossible_lanes_are_refused_with_what_would_do() {
    let config = Config { users: 5, hot_user: Some(HotKey { share: 0.4, id: 0 }), ..Config::default() };
    let source = source(&config, 1);
    assert!(source.lane(1, 2).is_ok());
    assert_eq!(
        source.lane(0, 4).unwrap_err().to_string(),
        "hot_user.share is 0.4, but all events of a user go through one lane, and each of 4 lanes carries 1/4 of the events: \
         use at most 2 lanes, or a share of at most 0.25"
    );
    assert_eq!(
        source.lane(0, 6).unwrap_err().to_string(),
        "5 users cannot be divided among 6 lanes: each lane needs at least one of its own"
    );
    assert_eq!(source.lane(2, 2).unwrap_err().to_string(), "there is no lane 2 of 2: lanes count from 0");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn jumping_to_an_event_is_drawing_up_to_it(seed: u64, lane in 0_u16..4, skip in 0_u64..500, users in 4_u64..2_000, items in 1_u64..2_000) {
        let config = Config { users, items, ..Config::default() };
        let source = source(&config, seed);
        let mut drawn = source.lane(lane, 4).unwrap();
        for _ in 0..skip {
            drawn.draw();
        }
        let mut jumped = source.lane(lane, 4).unwrap();
        jumped.skip_to(skip);
        for _ in 0..20 {
            prop_assert_eq!(drawn.draw(), jumped.draw());
        }
        jumped.skip_to(0);
        prop_assert_eq!(jumped.draw(), source.lane(lane, 4).unwrap().draw());
    }
}
