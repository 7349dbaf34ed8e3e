use super::*;
use proptest::prelude::*;

const TOP: &str = r#"
    name = "top"
    source = "in"
    key = "k"
    time = "t"
    value = "top(3, item, sum(n))"
    output = { topic = "out", key = "k", value = "items", item = "id", number = "sold" }
"#;

fn windowed(apart: &str) -> String {
    let window = format!("{apart}\n    window = {{ size = \"10s\", grace = \"5s\" }}\n    output");
    TOP.replace("output", &window).replace("key = \"k\", value", "key = \"k\", start = \"from\", value")
}

fn sale(oracle: &mut Oracle, (partition, offset, time): (usize, i64, i64), item: u8, n: i64) {
    put(oracle, partition, offset, time, &format!(r#"{{"k":"a","t":{time},"item":"i{item}","n":{n}}}"#));
}

fn list(items: &[(u8, i64)]) -> String {
    let item = |(item, sold): &(u8, i64)| format!(r#"{{"id":"i{item}","sold":{sold}}}"#);
    format!(r#"{{"k":"a","from":0,"items":[{}]}}"#, items.iter().map(item).collect::<Vec<_>>().join(","))
}

fn class(report: &ExpectReport) -> &'static str {
    let found: Vec<_> = report.classes().into_iter().filter(|(name, count)| *count > 0 && *name != "open").collect();
    assert_eq!((found.len(), found[0].1), (1, 1), "{report:?}");
    found[0].0
}

#[test]
fn a_list_is_right_where_it_has_the_greatest_and_their_numbers_in_their_order() {
    for (items, expected) in [
        (&[(4, 9), (1, 5), (2, 5)][..], "right"),
        (&[(4, 9), (2, 5), (1, 5)][..], "right"),
        // Of equals nobody says which one has no room.
        (&[(4, 9), (2, 5), (3, 5)][..], "right"),
        (&[(1, 5), (4, 9), (2, 5)][..], "wrong"),
        (&[(4, 9), (1, 5)][..], "wrong"),
        (&[(4, 9), (1, 5), (5, 1)][..], "wrong"),
        (&[(4, 9), (1, 5), (1, 5)][..], "wrong"),
        (&[(4, 8), (1, 5), (2, 5)][..], "wrong"),
        (&[(4, 9), (1, 5), (2, 5), (3, 5)][..], "wrong"),
        (&[(4, 9), (1, 5), (9, 5)][..], "wrong"),
        (&[][..], "wrong"),
    ] {
        let mut oracle = oracle(TOP, 2);
        for (offset, (item, n)) in (0..).zip([(1, 5), (2, 2), (2, 3), (3, 5), (4, 9), (5, 1)]) {
            sale(&mut oracle, (usize::from(item) % 2, offset, offset), item, n);
        }
        see(&mut oracle, 9, &list(&[(1, 5)]));
        see(&mut oracle, 10, &list(items));
        let report = end(oracle);
        assert_eq!(class(&report), expected, "{items:?}: {report:?}");
        assert_eq!(report.superseded, 1);
    }
}

#[test]
fn what_is_no_list_of_items_cannot_be_read() {
    let mut oracle = oracle(TOP, 1);
    sale(&mut oracle, (0, 0, 0), 1, 1);
    for items in ["7", "null", "[7]", r#"[{"id":"i1"}]"#, r#"[{"id":"i1","sold":"many"}]"#, "[{}", "{}"] {
        see(&mut oracle, 1, &format!(r#"{{"k":"a","items":{items}}}"#));
    }
    let report = end(oracle);
    assert_eq!((report.unreadable, report.missing), (7, 1), "{report:?}");
}

#[test]
fn behind_a_repartition_a_list_may_lack_what_may_have_come_too_late() {
    // Item 1 surely has 5, and 3 more that came when the window closed.
    for (items, expected) in [
        (&[(1, 8), (2, 6)][..], "right"),
        (&[(2, 6), (1, 5)][..], "late"),
        (&[(1, 6), (2, 6)][..], "late"),
        (&[(1, 9), (2, 6)][..], "wrong"),
        (&[(2, 6), (1, 4)][..], "wrong"),
        (&[(2, 6)][..], "wrong"),
    ] {
        let mut oracle = oracle(&windowed("apart = \"2s\""), 2);
        sale(&mut oracle, (0, 0, 1_000), 1, 5);
        sale(&mut oracle, (0, 1, 2_000), 2, 6);
        put(&mut oracle, 0, 2, 14_500, r#"{"k":"a","t":9500,"item":"i1","n":3}"#);
        sale(&mut oracle, (1, 0, 15_000), 9, 1);
        sale(&mut oracle, (1, 1, 17_000), 9, 1);
        see(&mut oracle, 17_000, &list(items));
        assert_eq!(class(&end(oracle)), expected, "{items:?}");
    }
}

proptest! {
    #[test]
    fn the_list_of_a_sort_is_right_and_with_another_number_wrong(
        sales in prop::collection::vec((0..3_usize, 0..9_u8, 1..50_i64), 1..80), off in 0..2_i64,
    ) {
        let mut oracle = oracle(TOP, 3);
        let mut sums: BTreeMap<u8, i64> = BTreeMap::new();
        for (offset, (partition, item, n)) in (0..).zip(&sales) {
            sale(&mut oracle, (*partition, offset, offset), *item, *n);
            *sums.entry(*item).or_default() += n;
        }
        let mut sorted: Vec<(u8, i64)> = sums.into_iter().collect();
        sorted.sort_by_key(|(_, sum)| -sum);
        sorted.truncate(3);
        sorted[0].1 += off;
        see(&mut oracle, 100, &list(&sorted));
        prop_assert_eq!(class(&end(oracle)), if off == 0 { "right" } else { "wrong" });
    }
}
