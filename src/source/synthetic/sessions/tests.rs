use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::super::tests::{fingerprint, fits, item, session};
use super::super::{Config, HotKey, Model, STEEPEST_SKEW};
use super::*;
use crate::shop::{Detail, ItemId, TextId, UserId};

fn config() -> Config {
    Config { model: Model::Sessions, ..Config::default() }
}

fn sessions_of(config: &Config, seed: u64, id: LaneId) -> Sessions {
    let synthetic = Arc::new(Synthetic::new(config, seed).unwrap());
    let shape = synthetic.users(id);
    let users = Population::new(&shape).unwrap();
    Sessions::new(synthetic, &config.sessions, users, shape.count, id, seed).unwrap()
}

fn events(config: &Config, seed: u64, count: u64) -> Vec<Event> {
    let mut sessions = sessions_of(config, seed, LaneId { lane: 0, lanes: 1 });
    (0..count).map(|number| sessions.draw(number)).collect()
}

/// The events of each session, in order.
fn by_session(events: Vec<Event>) -> HashMap<(UserId, Session), Vec<Event>> {
    let mut sessions: HashMap<_, Vec<Event>> = HashMap::new();
    for event in events {
        sessions.entry((event.user, session(&event))).or_default().push(event);
    }
    sessions
}

/// Sessions that were seen from their first event to their last: neither in progress at the start nor at the end.
fn whole_sessions(config: &Config, seed: u64, count: u64) -> Vec<Vec<Event>> {
    let events = events(config, seed, count);
    let at_start: HashSet<_> = {
        let sessions = sessions_of(config, seed, LaneId { lane: 0, lanes: 1 });
        sessions.crowd.visits.iter().map(|visit| (visit.user, visit.session())).collect()
    };
    let at_end: HashSet<_> = {
        let mut sessions = sessions_of(config, seed, LaneId { lane: 0, lanes: 1 });
        for number in 0..count {
            sessions.draw(number);
        }
        let open: HashSet<u32> = sessions.crowd.turns.iter().map(|&Reverse((_, place))| place).collect();
        let visits = sessions.crowd.visits.iter().zip(0..);
        visits.filter(|(_, place)| open.contains(place)).map(|(visit, _)| (visit.user, visit.session())).collect()
    };
    let mut whole: Vec<_> =
        by_session(events).into_iter().filter(|(id, _)| !at_start.contains(id) && !at_end.contains(id)).collect();
    whole.sort_unstable_by_key(|&(id, _)| id);
    whole.into_iter().map(|(_, events)| events).collect()
}

#[test]
fn the_first_events_of_a_seed_never_change() {
    assert_eq!(
        [fingerprint(&config(), 1, 1), fingerprint(&config(), 1, 3)],
        [7_185_658_278_419_608_600, 11_490_921_963_045_936_283]
    );
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn types_come_as_often_as_the_funnel_says_from_the_start() {
    let config = config();
    let expected = config.sessions.figures().unwrap().shares;
    let events = events(&config, 3, 400_000);
    for (range, tolerance) in [(0..5_000, 0.03), (0..400_000, 0.004)] {
        let mut seen = [0.0; Kind::USERS_COUNT];
        for event in &events[range.clone()] {
            seen[event.kind().index()] += 1.0 / range.len() as f64;
        }
        for kind in Kind::OF_USERS {
            let (seen, expected) = (seen[kind.index()], expected[kind.index()]);
            assert!((seen - expected).abs() < tolerance, "{kind} in {range:?}: {seen} instead of {expected}");
        }
    }
}

#[test]
fn users_do_next_what_the_funnel_says() {
    let config = config();
    let funnel = &config.sessions.funnel;
    let rows = [
        (Kind::View, funnel.after_view),
        (Kind::AddToCart, funnel.after_addtocart),
        (Kind::Transaction, funnel.after_transaction),
        (Kind::Search, funnel.after_search),
        (Kind::Filter, funnel.after_filter),
        (Kind::Review, funnel.after_review),
    ];
    // Whole sessions of a long stretch; that those cut off at its ends tend to be long is far below the tolerance.
    let mut steps = HashMap::new();
    let mut totals = HashMap::new();
    for events in whole_sessions(
        &Config { sessions: SessionsConfig { concurrent: 50, ..config.sessions.clone() }, ..config },
        3,
        200_000,
    ) {
        for (at, event) in events.iter().enumerate() {
            let next = events.get(at + 1).map(Event::kind);
            *steps.entry((event.kind(), next)).or_insert(0) += 1;
            *totals.entry(event.kind()).or_insert(0) += 1;
        }
    }
    for (kind, next) in rows {
        for (to, probability) in Kind::OF_USERS.into_iter().zip(next.probabilities()) {
            let seen = steps.get(&(kind, Some(to))).copied().unwrap_or(0);
            assert!(fits(seen, totals[&kind], probability), "{kind} to {to}: {seen} of {}", totals[&kind]);
        }
    }
}

#[test]
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn the_shop_is_as_full_as_asked_and_never_fuller_than_its_bound() {
    for concurrent in [1, 10, 1_000] {
        let config = Config { sessions: SessionsConfig { concurrent, ..SessionsConfig::default() }, ..config() };
        let mut sessions = sessions_of(&config, 5, LaneId { lane: 0, lanes: 1 });
        let rate = config.sessions.figures().unwrap().natural_rate_per_s;
        let (mut last_us, mut occupied_us) = (0, 0);
        for number in 0..300_000 {
            let in_shop = sessions.crowd.turns.len() as u64;
            sessions.draw(number);
            assert!(sessions.crowd.turns.len() <= sessions.rules.capacity);
            assert!(sessions.crowd.visits.len() <= sessions.rules.capacity);
            let Some(&Reverse((now_us, _))) = sessions.crowd.turns.peek() else { continue };
            let now_us = now_us.min(sessions.crowd.next_arrival_us);
            assert!(now_us >= last_us, "the shop's clock went back");
            occupied_us += in_shop * (now_us - last_us);
            last_us = now_us;
        }
        let mean = occupied_us as f64 / last_us as f64;
        assert!((mean / f64::from(concurrent) - 1.0).abs() < 0.1, "{mean} sessions instead of {concurrent}");
        let seconds = last_us as f64 / 1e6;
        assert!((300_000.0 / seconds / rate - 1.0).abs() < 0.05, "{} events a second, not {rate}", 300_000.0 / seconds);
    }
}

#[test]
fn who_finds_the_shop_full_turns_back() {
    let config = Config { sessions: SessionsConfig { concurrent: 1, ..SessionsConfig::default() }, ..config() };
    let mut sessions = sessions_of(&config, 5, LaneId { lane: 0, lanes: 1 });
    sessions.rules.capacity = 3;
    sessions.rules.between_us /= 1_000.0;
    for number in 0..10_000 {
        sessions.draw(number);
        assert!(sessions.crowd.turns.len() <= 3 && sessions.crowd.visits.len() <= 3);
    }
    assert!(sessions.crowd.arrived > 100_000);
}

#[test]
fn a_purchase_is_what_was_put_into_the_cart() {
    let (mut from_cart, mut lines, mut orders) = (0, 0, HashSet::new());
    for events in whole_sessions(&config(), 4, 100_000) {
        let mut cart = Vec::new();
        let mut last = None;
        for event in &events {
            match event.detail {
                Detail::AddToCart { item, quantity, .. } => {
                    cart.push((item, quantity));
                    if cart.len() > 4 {
                        cart.remove(0);
                    }
                }
                Detail::Transaction { item, quantity, transaction, .. } => {
                    let order = transaction.unwrap();
                    if !cart.is_empty() {
                        assert_eq!(cart.remove(0), (item, quantity), "the oldest thing in the cart is bought first");
                        from_cart += 1;
                    }
                    lines += 1;
                    if last == Some(Kind::Transaction) {
                        assert!(orders.contains(&order), "a line right after another one is of the same order");
                    } else {
                        assert!(orders.insert(order), "order {order} comes twice");
                    }
                }
                _ => {}
            }
            last = Some(event.kind());
        }
    }
    assert!(lines > 5_000 && orders.len() < lines);
    assert!(from_cart * 10 > lines * 9, "{from_cart} of {lines} purchases come from the cart");
}

#[test]
fn a_review_is_of_what_was_bought() {
    let mut reviews = 0;
    for events in whole_sessions(&config(), 4, 50_000) {
        let mut bought = None;
        for event in &events {
            match event.detail {
                Detail::Transaction { item, .. } => bought = Some(item),
                Detail::Review { item, .. } => {
                    assert_eq!(Some(item), bought);
                    reviews += 1;
                }
                _ => {}
            }
        }
    }
    assert!(reviews > 500);
}

#[test]
fn users_mostly_stay_in_a_category_or_its_department() {
    let (mut views, mut category_stays, mut department_stays) = (0, 0, 0);
    for events in whole_sessions(&config(), 6, 100_000) {
        let mut last: Option<TextId> = None;
        for event in &events {
            let Detail::View { category, .. } = event.detail else {
                // A search may lead anywhere.
                last = last.filter(|_| event.kind() != Kind::Search);
                continue;
            };
            if let Some(last) = last {
                views += 1;
                category_stays += usize::from(last == category);
                department_stays += usize::from(last.0 / 4 == category.0 / 4);
            }
            last = Some(category);
        }
    }
    assert!(category_stays * 100 > views * 75 && category_stays * 100 < views * 90, "{category_stays} of {views}");
    assert!(department_stays * 100 > views * 92, "{department_stays} of {views}");
}

#[test]
fn a_filter_is_of_the_category_last_looked_at() {
    for events in whole_sessions(&config(), 6, 50_000) {
        let mut last = None;
        for event in &events {
            match event.detail {
                Detail::View { category, .. } | Detail::AddToCart { category, .. } => last = Some(category),
                Detail::Filter { category, .. } => assert!(last.is_none_or(|last| last == category)),
                Detail::Search { .. } | Detail::Transaction { .. } => last = None,
                Detail::Review { .. } | Detail::Inventory { .. } => {}
            }
        }
    }
}

#[test]
fn each_session_of_a_user_has_the_next_number() {
    let config = Config {
        users: 500,
        user_skew: 0.0,
        sessions: SessionsConfig { concurrent: 1, ..SessionsConfig::default() },
        ..config()
    };
    let mut next: HashMap<UserId, u32> = HashMap::new();
    let mut seen = HashSet::new();
    for event in events(&config, 7, 100_000) {
        let session = session(&event);
        if seen.insert((event.user, session)) {
            let next = next.entry(event.user).or_default();
            assert_eq!(session.0, *next, "{:?}", event.user);
            *next += 1;
        }
    }
    assert_eq!(next.len(), 500);
}

#[test]
fn hot_keys_get_their_share() {
    let hot = HotKey { share: 0.2, id: 5 };
    let config = Config { hot_user: Some(hot), hot_item: Some(hot), ..config() };
    let events = events(&config, 8, 200_000);
    let users = events.iter().filter(|event| event.user == UserId(5)).count();
    assert!((38_000..42_000).contains(&users), "{users} of 200,000");
    let items: Vec<ItemId> = events.iter().filter_map(item).collect();
    let on_hot = items.iter().filter(|&&item| item == ItemId(5)).count();
    assert!((19..=21).contains(&(on_hot * 100 / items.len())), "{on_hot} of {}", items.len());
}

#[test]
fn a_hot_user_from_beyond_the_population_has_sessions_too() {
    let config = Config { users: 10, hot_user: Some(HotKey { share: 0.5, id: 999 }), ..config() };
    let sessions: HashSet<_> = by_session(events(&config, 8, 20_000)).into_keys().collect();
    assert!(sessions.iter().filter(|(user, _)| *user == UserId(999)).count() > 500);
}

#[test]
fn lanes_have_their_own_users() {
    let config = Config { users: 50, user_skew: 0.0, ..config() };
    for lane in 0..3 {
        let mut sessions = sessions_of(&config, 9, LaneId { lane, lanes: 3 });
        let users: HashSet<u64> = (0..20_000).map(|number| sessions.draw(number).user.0).collect();
        assert_eq!(users, (0..50).filter(|user| user % 3 == u64::from(lane)).collect());
    }
}

#[test]
fn jumping_to_an_event_is_drawing_up_to_it() {
    let source = Arc::new(Synthetic::new(&config(), 2).unwrap());
    let mut drawn = source.lane(1, 2).unwrap();
    let events: Vec<_> = (0..3_000).map(|_| drawn.draw()).collect();
    let mut jumped = source.lane(1, 2).unwrap();
    for n in [2_500, 0, 17, 2_999, 1_000] {
        jumped.skip_to(n);
        assert_eq!(jumped.draw(), events[usize::try_from(n).unwrap()]);
    }
}

#[test]
fn the_smallest_shop_and_the_shortest_sessions_work() {
    let only = |row| Funnel {
        start: Next { search: 1.0, ..Next::default() },
        after_view: row,
        after_addtocart: row,
        after_transaction: row,
        after_search: row,
        after_filter: row,
        after_review: row,
    };
    let config = Config {
        users: 1,
        items: 1,
        user_skew: STEEPEST_SKEW,
        hot_item: Some(HotKey { share: 0.5, id: 0 }),
        sessions: SessionsConfig { funnel: only(Next::default()), ..SessionsConfig::default() },
        ..config()
    };
    assert!(events(&config, 1, 1_000).iter().all(|event| event.kind() == Kind::Search));
    let mut sessions = config.sessions.clone();
    sessions.funnel = only(Next { view: 0.5, transaction: 0.3, ..Next::default() });
    assert_eq!(events(&Config { sessions, ..config }, 1, 10_000).len(), 10_000);
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let page = include_str!("../../../../docs/synthetic.md");
    let scenario = page.split("```toml").nth(1).unwrap().split("```").next().unwrap();
    let mut scenario: toml::Table = toml::from_str(scenario).unwrap();
    let source = scenario.get_mut("source").unwrap().as_table_mut().unwrap();
    assert_eq!(source.remove("kind"), Some("synthetic".into()));
    assert_eq!(toml::Value::Table(source.clone()).try_into::<Config>().unwrap(), config());
}

#[test]
fn settings_of_the_other_model_are_refused() {
    let weights = Config { weights: "view=1".parse().unwrap(), ..config() };
    assert!(weights.check().unwrap_err().to_string().contains("leave weights out and set sessions.funnel"));
    let sessions = SessionsConfig { concurrent: 5, ..SessionsConfig::default() };
    let unused = Config { sessions, ..Config::default() };
    assert!(unused.check().unwrap_err().to_string().contains("set model = \"sessions\""));
    let crowded = Config { users: 200_000_000, ..config() };
    assert!(crowded.check().unwrap_err().to_string().contains("has at most 100000000"));
    assert_eq!("sessions".parse(), Ok(Model::Sessions));
    assert_eq!("story".parse::<Model>().unwrap_err().to_string(), "\"story\" is no model: independent or sessions");
}
