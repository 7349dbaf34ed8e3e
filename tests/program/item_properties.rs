//! Item properties: what an event says of its item is what was valid then, and availability is told in between.
#![expect(
    clippy::unwrap_used,
    clippy::format_collect,
    reason = "a test ends at the first surprise, and small files are built from lines"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use loadgen::input::BadRowPolicy;
use loadgen::shop::{Cents, Detail};
use loadgen::source::retail_rocket::{Config, Recording, Rounds};

const EVENTS: &str = "timestamp,visitorid,event,itemid,transactionid\n\
    1433000003000,2,transaction,7,5\n1433000001000,1,view,7,\n1433000005000,2,view,7,\n\
    1433000004000,3,view,8,\n1433000002000,3,view,9,\n";
const PROPERTIES: &str = "timestamp,itemid,property,value\n\
    1433000004500,7,categoryid,30\n1433000000500,7,categoryid,20\n1433000002500,7,790,n12.340\n\
    1433000000400,7,available,1\n1433000003000,7,available,0\n1433000004600,7,available,1\n1433000004700,7,available,1\n\
    1433000003500,8,categoryid,20\n1433000001500,7,11,n5.000 abc\n1433000009000,7,available,0\n";

struct Files {
    _folder: tempfile::TempDir,
    config: Config,
}

fn files(properties: &str) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let config = Config {
        path: write("events.csv", EVENTS),
        item_properties: vec![write("item_properties.csv", properties)],
        ..Config::default()
    };
    Files { _folder: folder, config }
}

/// What is played, a line an event: its time, its key, and what it says of its item.
fn told(config: &Config) -> Vec<String> {
    let recording = Arc::new(Recording::load(config).unwrap());
    let vocabulary = recording.vocabulary();
    let mut lane = recording.lane(0, 1);
    let mut lines = Vec::new();
    while let Some(drawn) = lane.draw() {
        let text = |index: loadgen::shop::TextId| vocabulary.categories[index.0 as usize].as_str().to_owned();
        let what = match drawn.event.detail {
            Detail::View { item, category, .. } => format!("view {} in {}", item.0, text(category)),
            Detail::Transaction { item, category, price: Cents(price), .. } => {
                format!("buys {} in {} for {price}", item.0, text(category))
            }
            Detail::Inventory { available } => format!("available {available}"),
            other => format!("{other:?}"),
        };
        lines.push(format!("{} {} {what}", drawn.event.recorded_ms.unwrap() - 1_433_000_000_000, drawn.event.user.0));
    }
    lines
}

#[test]
fn an_event_says_of_its_item_what_was_valid_then_and_availability_is_told_in_between() {
    let files = files(PROPERTIES);
    let told = told(&files.config);
    // Item 9 has no category: it gets one of those that others have, always the same.
    let derived = ["2000 3 view 9 in 20", "2000 3 view 9 in 30"];
    assert!(derived.contains(&told[1].as_str()), "{told:?}");
    let others: Vec<&str> = told.iter().enumerate().filter(|(at, _)| *at != 1).map(|(_, line)| line.as_str()).collect();
    assert_eq!(
        others,
        [
            "1000 1 view 7 in 20",
            "3000 2 buys 7 in 20 for 1234",
            "3000 7 available false",
            "4000 3 view 8 in 20",
            "4600 7 available true",
            "5000 2 view 7 in 30",
        ]
    );
    let facts = Recording::load(&files.config).unwrap().facts().clone();
    let properties = facts.properties.unwrap();
    assert_eq!((properties.rows, properties.category_changes, properties.price_changes), (10, 3, 1));
    // Of five rows one changes nothing; one lies before the recording and one after it.
    assert_eq!((properties.availability_changes, properties.inventory_events), (4, 2));
    assert_eq!((properties.events_without_category, properties.events_before_first_snapshot), (1, 0));
    assert_eq!((facts.rows, facts.selected_rows, facts.visitors), (5, 5, 3));
}

#[test]
fn without_inventory_the_same_events_come_without_it() {
    let files = files(PROPERTIES);
    let all = told(&files.config);
    let config = Config { inventory: false, ..files.config.clone() };
    let without: Vec<_> = all.into_iter().filter(|line| !line.contains("available")).collect();
    assert_eq!(told(&config), without);
}

#[test]
fn sorted_on_disk_the_same_is_played() {
    let rows: String = (0..60_000)
        .map(|n| format!("{},{},view,{},\n", 1_433_000_000_000_u64 + n * 37 % 70_001, n % 977, n % 50))
        .collect();
    let changes: String = (0..20_000)
        .map(|n| format!("{},{},available,{}\n", 1_433_000_000_000_u64 + n * 3, n % 50, n / 50 % 2))
        .collect();
    let files = files(&format!("timestamp,itemid,property,value\n{changes}"));
    fs::write(&files.config.path, format!("timestamp,visitorid,event,itemid,transactionid\n{rows}")).unwrap();
    let in_memory = told(&files.config);
    let on_disk = told(&Config { sort_memory: 1 << 20, ..files.config.clone() });
    assert!(in_memory.len() > 79_000, "{}", in_memory.len());
    assert!(in_memory == on_disk, "the two orders differ");
}

#[test]
fn an_event_before_its_items_first_snapshot_takes_that_ones_values_and_is_counted() {
    let files = files("timestamp,itemid,property,value\n1433000004500,7,categoryid,30\n");
    assert_eq!(told(&files.config)[0], "1000 1 view 7 in 30");
    let facts = Recording::load(&files.config).unwrap().facts().clone();
    assert_eq!(facts.properties.unwrap().events_before_first_snapshot, 2);
}

#[test]
fn rounds_repeat_the_stock_with_the_rest() {
    let files = files(PROPERTIES);
    let twice = told(&Config { rounds: Rounds::Count(2), ..files.config.clone() });
    let (first, second) = twice.split_at(twice.len() / 2);
    let what = |line: &String| line.split_once(' ').unwrap().1.to_owned();
    assert_eq!(first.iter().map(what).collect::<Vec<_>>(), second.iter().map(what).collect::<Vec<_>>());
}

#[test]
fn a_bad_property_is_named_with_file_and_line_or_counted() {
    for (row, problem) in [
        ("1433000000500,7,available,2", "available \"2\" is neither 0 nor 1"),
        ("1433000,7,available,1", "timestamp 1433000 looks like seconds, not milliseconds"),
        ("x,7,categoryid,1", "timestamp \"x\" is not a number"),
        ("1433000000500,7,categoryid,shoes", "value \"shoes\" is not a number"),
        ("1433000000500,7,790,12", "\"12\" is no price"),
        ("1433000000500,99999999999,available,1", "itemid 99999999999 is too large, ids go up to 4294967295"),
        ("1433000000500,7,,1", "property is blank"),
    ] {
        let files = files(&format!("{PROPERTIES}{row}\n"));
        let error = Recording::load(&files.config).unwrap_err();
        assert!(error.to_string().ends_with(&format!("item_properties.csv line 12: {problem}")), "{error}");
        let hint = error.hint().unwrap();
        assert!(
            hint.starts_with("mend the file: 1 of the 11 rows")
                || hint.starts_with("--bad-rows skip")
                || row.starts_with("1433000,"),
            "{hint}"
        );
        let skipping = Config { bad_rows: BadRowPolicy::Skip, ..files.config.clone() };
        let facts = Recording::load(&skipping).unwrap().facts().properties.clone().unwrap();
        assert_eq!((facts.rows, facts.bad_rows), (11, 1));
        assert!(facts.first_bad.unwrap().ends_with(problem));
    }
    let files = files("timestamp,item,property,value\n");
    let error = Recording::load(&files.config).unwrap_err();
    assert!(
        error.to_string().ends_with("line 1: no column itemid; found: timestamp, item, property, value"),
        "{error}"
    );
    assert_eq!(
        error.hint().unwrap(),
        "the first line names the columns: timestamp,itemid,property,value (any order, others allowed)"
    );
}

#[test]
fn one_stock_cannot_be_amplified() {
    let files = files(PROPERTIES);
    let error = Recording::load(&Config { amplify: 2, ..files.config.clone() }).unwrap_err();
    assert!(error.to_string().contains("set inventory = false"), "{error}");
    assert_eq!(told(&Config { amplify: 2, inventory: false, ..files.config.clone() }).len(), 10);
}
