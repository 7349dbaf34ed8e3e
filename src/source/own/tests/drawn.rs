//! What is drawn: of what it is a function, and how it is spread.

use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::wire::value::conforms;

/// Whether `seen` of `draws` fits a probability, within five standard deviations.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn fits(seen: usize, draws: usize, probability: f64) -> bool {
    let (seen, draws) = (seen as f64, draws as f64);
    let sigma = (draws * probability * (1.0 - probability)).sqrt();
    (seen - draws * probability).abs() <= 5.0 * sigma + 1e-9
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn numbers(values: &[Value]) -> Vec<f64> {
    let number = |value: &Value| match value {
        Value::Integer(number) | Value::Decimal(number) => *number as f64,
        Value::Double(number) => *number,
        value => panic!("{value:?} is no number"),
    };
    let mut all: Vec<f64> = values.iter().map(number).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn counts(values: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(format!("{value:?}")).or_insert(0) += 1;
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_value_is_a_function_of_configuration_seed_lane_and_number(seed: u64, lanes in 1_u16..5, n in 0_u64..1 << 40) {
        let (one, other) = (own(ORDERS, seed), own(ORDERS, seed));
        let lane = u16::try_from(n % u64::from(lanes)).unwrap();
        let mut jumping = one.lane(lane, lanes).unwrap();
        jumping.skip_to(n);
        let mut running = other.lane(lane, lanes).unwrap();
        running.skip_to(n.saturating_sub(3));
        let mut drawn = running.draw();
        while drawn.number < running.number(n) {
            drawn = running.draw();
        }
        let jumped = jumping.draw();
        prop_assert_eq!(jumped, drawn);
        prop_assert_eq!(value(&one, &jumped.event), value(&other, &drawn.event));
    }

    #[test]
    fn every_event_is_what_its_record_says(seed: u64, n in 0_u64..1 << 40) {
        let own = own(ORDERS, seed);
        for (kind, of) in own.types.iter().enumerate() {
            let value = value(&own, &own.example(index(kind), n));
            conforms(&value, &crate::wire::shape::Shape::Record(of.declared.record.clone())).unwrap();
        }
    }
}

#[test]
fn a_further_field_changes_no_other_value() {
    let text = "[t]\nkey = \"key\"\n[t.fields]\nid = \"uuid\"\nkey = { pool = 10 }\na = \"email\"\n";
    let more = format!("{text}b = {{ integer = [1, 9] }}");
    assert_eq!(field(&own(text, 3), "a", 100), field(&own(&more, 3), "a", 100));
    assert_ne!(field(&own(text, 3), "a", 100), field(&own(text, 4), "a", 100));
}

#[test]
fn types_come_by_their_weights_and_keys_stay_in_their_lanes() {
    let own = own(ORDERS, 11);
    let mut keys: Vec<HashSet<u64>> = vec![HashSet::new(); 3];
    let mut numbers = HashSet::new();
    let mut payments = 0;
    for lane in 0..3 {
        let mut source = own.lane(lane, 3).unwrap();
        for _ in 0..5_000 {
            let Drawn { number, event, .. } = source.draw();
            keys[usize::from(lane)].insert(event.key.unwrap());
            payments += usize::from(event.kind == TypeIndex(1));
            assert!(numbers.insert(number), "{number} is there twice");
        }
    }
    assert!(fits(payments, 15_000, 0.3), "{payments}");
    for (lane, keys) in keys.iter().enumerate() {
        assert!(keys.iter().all(|key| key % 3 == lane as u64 && *key < 1_000));
    }
    assert!(own.lane(0, 1_000).is_ok());
    let few = own.lane(0, 1_001).unwrap_err().to_string();
    assert_eq!(few, "order: its keys cannot be divided among 1001 lanes: each lane needs at least one of its own");
}

#[test]
fn choices_and_shares_come_as_often_as_they_say() {
    let draws = 20_000;
    let values = counts(&drawn("{ choice = { a = 6, b = 3, c = 0, d = 1 } }", draws));
    let of = |text: &str| values.get(&format!("Text({text:?})")).copied().unwrap_or(0);
    for (text, share) in [("a", 0.6), ("b", 0.3), ("c", 0.0), ("d", 0.1)] {
        assert!(fits(of(text), 20_000, share), "{text}: {}", of(text));
    }
    let yes = drawn(r#"{ boolean = "5%" }"#, draws).iter().filter(|value| **value == Value::Boolean(true)).count();
    assert!(fits(yes, 20_000, 0.05), "{yes}");
    let nulls = drawn("{ integer = [1, 9], null = 0.3 }", draws).iter().filter(|value| **value == Value::Null).count();
    assert!(fits(nulls, 20_000, 0.3), "{nulls}");
    for (declared, only) in [("{ boolean = 1 }", true), ("{ boolean = 0 }", false)] {
        assert!(drawn(declared, 1_000).iter().all(|value| *value == Value::Boolean(only)));
    }
}

#[test]
#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "small counts, and whole numbers")]
fn numbers_are_spread_as_they_say() {
    let all = numbers(&drawn("{ integer = [-5, 5] }", 11_000));
    assert!((-5..=5).all(|number| fits(
        all.iter().filter(|seen| **seen == f64::from(number)).count(),
        11_000,
        1.0 / 11.0
    )));

    let all = numbers(&drawn("{ integer = [1, 100], skew = 1.0 }", 20_000));
    let harmonic: f64 = (1..=100).map(|rank| 1.0 / f64::from(rank)).sum();
    for rank in [1, 2, 10] {
        let seen = all.iter().filter(|number| **number == f64::from(rank)).count();
        assert!(fits(seen, 20_000, 1.0 / f64::from(rank) / harmonic), "{rank}: {seen}");
    }

    let all = numbers(&drawn("{ integer = [0, 2_000], mean = 1_000, deviation = 200 }", 20_000));
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let deviation = (all.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / all.len() as f64).sqrt();
    assert!((mean - 1_000.0).abs() < 8.0 && (deviation - 200.0).abs() < 6.0, "{mean} {deviation}");

    let all = numbers(&drawn(r#"{ decimal = ["0.01", "99999.00"], median = 40.0, sigma = 0.5 }"#, 20_000));
    let median = all[all.len() / 2] / 100.0;
    assert!((median - 40.0).abs() < 1.0, "{median}");
    let below = all.iter().filter(|units| **units < 4_000.0 * (-0.5_f64).exp()).count();
    assert!(fits(below, 20_000, 0.158_655), "{below} are a standard deviation below");

    let all = numbers(&drawn("{ double = [-1.0, 3.0] }", 10_000));
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    assert!(all[0] >= -1.0 && all[all.len() - 1] <= 3.0 && (mean - 1.0).abs() < 0.06, "{mean}");

    // A mean beyond the bounds: what is drawn stays within.
    let all = numbers(&drawn("{ integer = [0, 10], mean = 1_000, deviation = 1 }", 100));
    assert!(all.iter().all(|number| *number == 10.0));
    let all = numbers(&drawn("{ integer = [-9_223_372_036_854_775_808, 9_223_372_036_854_775_807] }", 1_000));
    assert!(all[0] < -9e18 && all[999] > 9e18);
}

#[test]
fn what_belongs_together_is_the_same() {
    let own = own(ORDERS, 5);
    let names: Vec<&str> = own.types[0].declared.record.fields.iter().map(|field| &*field.name).collect();
    let mut countries = BTreeMap::new();
    for n in 0..2_000 {
        let Value::Record(fields) = value(&own, &own.example(TypeIndex(0), n)) else { panic!("a record") };
        let of = |name: &str| &fields[names.iter().position(|known| *known == name).unwrap()];
        let customer = of("customer_id");
        assert_eq!(of("billed_to"), customer);
        let Value::Array(lines) = of("lines") else { panic!("an array") };
        assert!((1..=4).contains(&lines.len()));
        for line in lines {
            assert!(matches!(line, Value::Record(line) if line[2] == *customer), "{line:?}");
        }
        let country = countries.entry(format!("{customer:?}")).or_insert_with(|| of("country").clone());
        assert_eq!(country, of("country"));
        assert_eq!(of("number"), &Value::Text(format!("no-{}", 1_000 + n).into()));
        if let Value::Map(labels) = of("labels") {
            assert!(labels.len() <= 2 && labels.windows(2).all(|pair| pair[0].0 != pair[1].0));
        }
    }
    let different: HashSet<_> = countries.values().map(|country| format!("{country:?}")).collect();
    assert!(different.len() > 5);
}

#[test]
fn times_are_the_due_time_and_what_is_between_the_bounds() {
    let ns = i128::from(DUE_NS);
    let once = |declared: &str| drawn(declared, 1).remove(0);
    assert_eq!(once(r#"{ timestamp = "ns" }"#), Value::Integer(ns));
    assert_eq!(once(r#"{ timestamp = "us" }"#), Value::Integer(ns / 1_000));
    assert_eq!(once(r#"{ timestamp = "ms" }"#), Value::Integer(ns / 1_000_000));
    assert_eq!(once(r#"{ timestamp = "s" }"#), Value::Integer(ns / 1_000_000_000));
    assert_eq!(once(r#"{ timestamp = "date" }"#), Value::Integer(ns / 86_400_000_000_000));
    assert_eq!(once(r#"{ timestamp = "rfc3339" }"#), Value::Text("2026-05-28T20:26:40.000000Z".into()));
    assert_eq!(once(r#"{ timestamp = "s", offset = "-1h" }"#), Value::Integer(ns / 1_000_000_000 - 3_600));
    let offsets = numbers(&drawn(r#"{ timestamp = "s", offset = ["-10s", "5s"] }"#, 2_000));
    #[expect(clippy::cast_precision_loss, reason = "seconds")]
    let due = (DUE_NS / 1_000_000_000) as f64;
    assert!(
        offsets[0] <= due - 9.0
            && offsets[0] >= due - 10.0
            && offsets[1_999] >= due + 4.0
            && offsets[1_999] <= due + 5.0
    );
}

#[test]
fn entries_of_arrays_and_maps_are_drawn_each_by_itself() {
    let arrays = drawn("{ array = 8, of = { integer = [0, 1_000_000] } }", 50);
    for array in arrays {
        let Value::Array(entries) = array else { panic!("an array") };
        assert_eq!(entries.len(), 8);
        assert!(counts(&entries).len() > 6);
    }
    let keys = drawn(r#"{ map = [1, 3], keys = ["a", "b", "c"], of = "email" }"#, 3_000);
    let with = |key: &str| {
        keys.iter().filter(|map| matches!(map, Value::Map(map) if map.iter().any(|(own, _)| **own == *key))).count()
    };
    // Two of three on average.
    assert!(["a", "b", "c"].iter().all(|key| fits(with(key), 3_000, 2.0 / 3.0)));
}

#[test]
fn what_is_written_down_again_declares_the_same() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, ORDERS.as_bytes()).unwrap();
    let mut first = Config { events: Some(file.path().to_owned()), ..Config::default() };
    first.load().unwrap();
    let again: Config = toml::from_str(&toml::to_string(&first).unwrap()).unwrap();
    assert_eq!(again, first);
    let (first, again) = (Own::new(&first, 1).unwrap(), Own::new(&again, 1).unwrap());
    assert_eq!(first.event_types(), again.event_types());
    assert_eq!(first.event_types(), own(ORDERS, 1).event_types());
}
