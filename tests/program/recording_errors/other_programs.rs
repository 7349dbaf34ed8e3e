//! What other programs and people make of the three files: put together, cut short, with floats, fills and dates.

use std::fs;

use loadgen::input::InputError;
use loadgen::source::retail_rocket::{Config, LoadError, Recording};
use proptest::prelude::*;

use super::{GOOD, HEADER, Sample, gzip};

const PROPERTIES: &str = "timestamp,itemid,property,value\n";
const PROPERTY: &str = "1433000000117,5,categoryid,8\n";
const TREE: &str = "categoryid,parentid\n";
const BRANCH: &str = "7,\n8,7\n";

/// The three files of a recording; each test breaks one of them.
fn three(events: &str, properties: &str, tree: &str) -> Sample {
    let mut sample = Sample::new(events);
    for (name, text) in [("properties.csv", properties), ("tree.csv", tree)] {
        fs::write(sample.folder.path().join(name), text).unwrap();
    }
    sample.config.item_properties = vec![sample.folder.path().join("properties.csv")];
    sample.config.category_tree = Some(sample.folder.path().join("tree.csv"));
    sample
}

/// The same with `change` made to one file after the other.
fn each(change: impl Fn(&str, &str) -> String) -> [(&'static str, Sample); 3] {
    let (events, properties, tree) =
        (format!("{HEADER}{GOOD}"), format!("{PROPERTIES}{PROPERTY}"), format!("{TREE}{BRANCH}"));
    [
        ("events.csv line 3", three(&change(HEADER, GOOD), &properties, &tree)),
        ("properties.csv line 3", three(&events, &change(PROPERTIES, PROPERTY), &tree)),
        ("tree.csv line 4", three(&events, &properties, &change(TREE, BRANCH))),
    ]
}

#[test]
fn a_quote_that_is_not_closed_is_an_error_with_its_line_in_each_file_also_where_bad_rows_are_skipped() {
    // With rows after it, with a line end alone after it, and with nothing after it.
    for rest in ["1,2,3,4,5\n", "\n", ""] {
        for (place, sample) in each(|header, row| format!("{header}{row}\"1433000000118,5{rest}")) {
            let expected = format!("{place}: a quote is opened here and not closed before the end of the file");
            let (message, hint) = sample.told();
            assert_eq!(message, expected);
            assert!(hint.starts_with("close the quote"), "{hint}");
            assert_eq!(sample.skipping().told().0, expected);
        }
    }
    // Much after it: no more of it is kept than a row may have.
    for (place, sample) in each(|header, row| format!("{header}{row}\"1,\n{}", "1,2,3,4\n".repeat(300_000))) {
        let expected = format!("{place}: a row of more than 1 MiB: a quote is opened here and not closed");
        assert_eq!(sample.skipping().told().0, expected);
    }
    let (message, _) = Sample::new("\"timestamp,visitorid,event,itemid,transactionid\n1,2,3\n").told();
    assert_eq!(message, "events.csv line 1: a quote is opened here and not closed before the end of the file");
}

#[test]
fn a_field_that_goes_on_over_lines_is_bad_in_each_file_and_all_its_lines_are_counted() {
    for (place, sample) in each(|header, row| format!("{header}{row}\"1433000000118,\n5\n6\",1,2,3,4\n")) {
        let (message, _) = sample.told();
        assert_eq!(
            message,
            format!("{place}: a quoted field goes on for 3 lines: is a quote opened here and not closed?")
        );
    }
    let rows = format!("{GOOD}1433000000118,\"1,view,5,\n1433000000118,1,transaction,5,1\n1,\"7,view,5,\n{GOOD}");
    let facts = Sample::with_rows(&rows).skipping().load().facts().clone();
    assert_eq!((facts.rows, facts.bad_rows.count, facts.bad_rows.by_reason["line_end_in_a_field"]), (2, 3, 3));
    let quoted = Sample::with_rows("1433000000117,17,\"view\",5,\"\"\n").load();
    assert_eq!(quoted.len(), Some(1), "quotes on one line are quotes");
}

#[test]
fn a_header_in_the_middle_is_an_error_in_words_in_each_file() {
    for (place, sample) in each(|header, row| format!("{header}{row}{header}{}", row.replace("117", "118"))) {
        let (message, hint) = sample.told();
        assert_eq!(message, format!("{place}: the header again: two files put together?"));
        assert!(hint.starts_with("take that line out"), "{hint}");
    }
    let twice = format!("{GOOD}{HEADER}{GOOD}");
    let facts = Sample::with_rows(&twice).skipping().load().facts().clone();
    assert_eq!((facts.rows, facts.bad_rows.by_reason["header_again"]), (2, 1));
    let gzipped = [gzip(&format!("{HEADER}{GOOD}")), gzip(&format!("{HEADER}{GOOD}"))].concat();
    assert!(Sample::new(gzipped).told().0.ends_with("line 3: the header again: two files put together?"));
    // What follows would be read by the first header's order: not even skipping helps.
    let swapped = format!("{GOOD}visitorid,timestamp,event,itemid,transactionid\n17,1433000000117,view,5,\n");
    let (message, hint) = Sample::with_rows(&swapped).skipping().told();
    assert!(message.ends_with("the header again: two files put together?"), "{message}");
    assert!(hint.contains("another order"), "{hint}");
}

#[test]
fn a_row_with_too_few_fields_is_bad_in_each_file_and_cut_short_at_its_end() {
    for (place, sample) in each(|header, row| format!("{header}{row}1433000000117\n{row}")) {
        let (message, _) = sample.told();
        assert!(message.starts_with(&format!("{place}: 1 fields instead of ")), "{message}");
    }
    for (place, sample) in each(|header, row| format!("{header}{row}14330000")) {
        let (message, hint) = sample.told();
        assert!(message.starts_with(&format!("{place}: the last line ends after 1 of ")), "{message}");
        assert!(message.ends_with("the file is cut short") && hint.starts_with("fetch or copy"), "{message} {hint}");
    }
    let (message, _) = three(
        &format!("{HEADER}{GOOD}"),
        &format!("{PROPERTIES}{PROPERTY}1433000000117,5,avail"),
        &format!("{TREE}{BRANCH}"),
    )
    .told();
    assert!(message.ends_with("the last line ends after 3 of 4 fields, without a line end: the file is cut short"));
}

#[test]
fn properties_without_a_usable_row_are_refused_as_events_are() {
    let refused = |properties: &str| {
        let sample = three(&format!("{HEADER}{GOOD}"), properties, &format!("{TREE}{BRANCH}"));
        sample.skipping().told().0
    };
    assert_eq!(
        refused(&format!("{PROPERTIES}x,5,categoryid,8\ny,5,categoryid,8\n")),
        "properties.csv has no usable row: all 2 are bad, the first one in line 2: timestamp \"x\" is not a number"
    );
    assert_eq!(refused(PROPERTIES), "properties.csv has a header but no rows");
}

#[test]
fn floats_are_numbers_in_all_three_files_and_a_missing_parent_is_none() {
    let properties = format!(
        "{PROPERTIES}1433000000000.0,5.0,categoryid,8.0\n2015-05-30 15:33:20,5,available,1.0\n\
         2015-05-30T15:33:20.050Z,5,available,0.0\n1433000000000,5,790.0,n5.000\n"
    );
    let tree = format!("{TREE}7,NaN\n8.0,7.0\n9,-1\n10.0,9\n11,\n12,None\n");
    let sample = three(&format!("{HEADER}1433000000117.0,17.0,view,5.0,NaN\n{GOOD}"), &properties, &tree);
    let recording = sample.load();
    let facts = recording.facts().properties.clone().unwrap();
    assert_eq!((facts.category_changes, facts.price_changes, facts.availability_changes), (1, 1, 2));
    let names: Vec<String> = recording.vocabulary().categories.iter().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(names, ["8", "10", "11", "12"]);
}

#[test]
fn times_that_a_spreadsheet_rounded_are_told_alike_and_the_column_with_dates_is_named() {
    let rounded = |text: &str| {
        let event = format!("{HEADER}{GOOD}{text},1,view,5,\n");
        let property = format!("{PROPERTIES}{PROPERTY}{text},5,categoryid,8\n");
        let tree = format!("{TREE}{BRANCH}");
        [three(&event, &format!("{PROPERTIES}{PROPERTY}"), &tree), three(&format!("{HEADER}{GOOD}"), &property, &tree)]
    };
    for sample in rounded("1.43E+12") {
        let (message, hint) = sample.told();
        assert!(
            message.ends_with("line 3: timestamp \"1.43E+12\" was rounded by a spreadsheet, its last digits are gone"),
            "{message}"
        );
        assert!(hint.starts_with("use the original file"), "{hint}");
    }
    let dated =
        "timestamp,datetime,visitorid,event,itemid,transactionid\n1.433E+12,2015-05-30 15:33:21.117,1,view,5,\n";
    let (_, hint) = Sample::new(dated).told();
    assert_eq!(hint, "column datetime has the times as dates: name that one timestamp, and this one something else");
}

#[test]
fn dates_are_played_as_the_numbers_that_they_stand_for() {
    let dates = Sample::with_rows(
        "2015-05-30 15:33:21.117,1,view,5,\n2015-05-30T15:33:22Z,2,view,6,\n1433000003000,3,view,7,\n\
         2015-05-30T17:33:24.000+02:00,4,view,8,\n",
    )
    .load();
    let numbers = Sample::with_rows(
        "1433000001117,1,view,5,\n1433000002000,2,view,6,\n1433000003000,3,view,7,\n1433000004000,4,view,8,\n",
    )
    .load();
    assert_eq!((dates.facts().dated_rows.count, dates.facts().dated_rows.without_offset), (3, 1));
    assert_eq!(numbers.facts().dated_rows.count, 0);
    let (dates, numbers) = (std::sync::Arc::new(dates), std::sync::Arc::new(numbers));
    let (mut dates, mut numbers) = (dates.lane(0, 1), numbers.lane(0, 1));
    for _ in 0..5 {
        assert_eq!(dates.draw(), numbers.draw());
    }
    let (message, hint) = Sample::with_rows("30/05/2015 15:33,1,view,5,\n").told();
    assert_eq!(message, "events.csv line 2: timestamp \"30/05/2015 15:33\" is a date in a form that is not read");
    assert!(hint.contains("2015-05-30T15:33:21.117Z or 2015-05-30 15:33:21.117"), "{hint}");
}

#[test]
fn fills_in_the_place_of_orders_lose_no_row_and_are_counted_by_what_they_are() {
    let fills = ["-1", "0", "NaN", "null", "None", "\\N", "NULL", "nan", ""];
    let rows: String = fills
        .iter()
        .map(|fill| format!("1433000000117,1,view,5,{fill}\n1433000000118,1,addtocart,5,{fill}\n"))
        .chain(["1433000000119,1,transaction,5,0\n".to_owned()])
        .collect();
    let facts = Sample::with_rows(&rows).load().facts().clone();
    assert_eq!((facts.rows, facts.bad_rows.count), (2 * fills.len() as u64 + 1, 0));
    assert_eq!(facts.order_fills.len(), fills.len() - 1, "blank is what the original has: {:?}", facts.order_fills);
    assert!(facts.order_fills.values().all(|rows| *rows == 2));
    let (message, _) = Sample::with_rows("1433000000117,1,transaction,5,-1\n").told();
    assert_eq!(message, "events.csv line 2: transactionid \"-1\" is negative", "a purchase has an order");
}

#[test]
fn a_hint_never_recommends_what_throws_nearly_everything_away() {
    let good = GOOD.repeat(50);
    let few = format!("{good}x,1,view,5,\n{good}");
    let (_, hint) = Sample::with_rows(&few).told();
    assert_eq!(
        hint,
        "--bad-rows skip leaves such rows out and counts them (it is the only one in the 101 rows looked at)"
    );
    let most = format!("{GOOD}{}", "x,1,view,5,\n".repeat(200));
    let (_, hint) = Sample::with_rows(&most).told();
    assert_eq!(hint, "mend the file: 200 of the 201 rows looked at cannot be used like this one");
    let a_whole_type = format!("{good}1433000000118,1,transaction,5,tx_1\n{good}");
    let (_, hint) = Sample::with_rows(&a_whole_type).told();
    assert!(!hint.contains("skip") && hint.ends_with("every transaction among them"), "{hint}");
    let (_, hint) =
        three(&format!("{HEADER}{GOOD}"), &format!("{PROPERTIES}{PROPERTY}"), &format!("{TREE}x,1\n")).told();
    assert!(hint.starts_with("mend the file") && hint.contains("--category-tree"), "{hint}");
    let wrong = "1433000000117,5,available,2\n";
    let mostly = format!("{PROPERTIES}{}{wrong}", PROPERTY.repeat(30));
    let (_, hint) = three(&format!("{HEADER}{GOOD}"), &mostly, &format!("{TREE}{BRANCH}")).told();
    assert!(hint.starts_with("--bad-rows skip"), "{hint}");
}

#[test]
fn what_is_left_out_is_counted_by_type() {
    let rows = format!(
        "{GOOD}1433000000117,1,transaction,5,tx_1\n1433000000117,x,view,5,\n1433000000117,1,buy,5,\n1433000000117,1,view\n"
    );
    let facts = Sample::with_rows(&rows).skipping().load().facts().clone();
    let counts = |of: &std::collections::BTreeMap<String, u64>| -> Vec<(String, u64)> {
        of.iter().map(|(name, rows)| (name.clone(), *rows)).collect()
    };
    let expected = |of: &[(&str, u64)]| of.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect::<Vec<_>>();
    assert_eq!(counts(&facts.bad_rows.by_type), expected(&[("transaction", 1), ("unknown", 1), ("view", 2)]));
    assert_eq!(counts(&facts.rows_by_type), expected(&[("addtocart", 0), ("transaction", 0), ("view", 1)]));
}

#[test]
fn files_in_each_others_place_and_files_that_are_missing_are_told_by_what_they_are() {
    let (events, properties, tree) =
        (format!("{HEADER}{GOOD}"), format!("{PROPERTIES}{PROPERTY}"), format!("{TREE}{BRANCH}"));
    let (message, hint) = three(&properties, &properties, &tree).told();
    assert!(message.starts_with("events.csv line 1: no column visitorid, event, transactionid; found: "), "{message}");
    assert_eq!(hint, "by its columns it is a file of item properties: give it with --item-properties");
    let (_, hint) = three(&events, &events, &tree).told();
    assert_eq!(hint, "by its columns it is a recording of events: give it as FILE");
    let (_, hint) = three(&events, &properties, "id,parent\n1,\n").told();
    assert_eq!(hint, "the first line names the columns: categoryid,parentid (any order, others allowed)");
    let missing = |change: fn(&mut Config)| {
        let mut sample = three(&events, &properties, &tree);
        change(&mut sample.config);
        sample.told()
    };
    let (message, hint) = missing(|config| config.item_properties = vec!["absent.csv".into()]);
    assert_eq!(message, "absent.csv does not exist");
    assert!(hint.contains("item_properties_part1.csv") && hint.contains("without --item-properties"), "{hint}");
    let (_, hint) = missing(|config| config.category_tree = Some("absent.csv".into()));
    assert!(hint.contains("category_tree.csv") && hint.contains("without --category-tree"), "{hint}");
}

proptest! {
    #[test]
    fn no_row_goes_without_being_played_counted_or_refused(
        rows in proptest::collection::vec("(1433000000117,1,view,5,|\"14330,00\"|\"|a\"b|x,\"y|)", 1..30), last_end: bool,
    ) {
        let text = rows.join("\n") + if last_end { "\n" } else { "" };
        match Recording::load(&Sample::with_rows(&format!("{GOOD}{text}")).skipping().config) {
            Ok(recording) => {
                let facts = recording.facts();
                let filled = 1 + text.lines().filter(|line| !line.trim().is_empty()).count() as u64;
                prop_assert!(facts.rows + facts.bad_rows.count >= filled, "{facts:?} of {text:?}");
            }
            Err(error) => prop_assert!(matches!(error, LoadError::Input { error: InputError::Unclosed { .. }, .. }), "{error}"),
        }
    }
}
