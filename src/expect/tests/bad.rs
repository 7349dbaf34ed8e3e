use super::*;

fn refused(text: &str) -> String {
    declared(&[config(text)]).unwrap_err().to_string()
}

/// A good one with a line in the place of another.
fn with(from: &str, to: &str) -> String {
    const GOOD: &str = r#"
        name = "revenue"
        key = "category"
        value = "sum(price * quantity)"
        types = ["transaction"]
        window = { size = "10s", advance = "10s", grace = "5s" }
        output = { topic = "metrics", key = "name", start = "window_start", value = "revenue" }
    "#;
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}

#[test]
fn what_makes_no_expectation_is_named_with_the_reason() {
    assert_eq!(declared(&[config(&with("5s", "5s"))]).unwrap().len(), 1);
    for (from, to, reason) in [
        ("sum(price * quantity)", "sum(category)", "the field \"category\" (its sum) is no number"),
        ("sum(price * quantity)", "sum(prise)", "no event that it takes has the field \"prise\" (its sum)"),
        ("sum(price * quantity)", "mean(price)", "\"mean(price)\" is nothing that can be computed"),
        ("sum(price * quantity)", "max(category)", "the field \"category\" (its value) is no number"),
        ("sum(price * quantity)", "distinct(user)", "no event that it takes has the field \"user\" (its value)"),
        ("sum(price * quantity)", "sum(a * b * c)", "\"sum(a * b * c)\" is nothing that can be computed"),
        ("\"category\"", "\"colour\"", "no event that it takes has the field \"colour\" (its key)"),
        ("\"transaction\"", "\"purchase\"", "no event of its topic is of type \"purchase\""),
        (
            "advance = \"10s\"",
            "advance = \"20s\"",
            "its windows are 10s long and 20s apart: events between them would be in none",
        ),
        ("advance = \"10s\"", "advance = \"0s\"", "its window has no length"),
        ("size = \"10s\", ", "", "its window has neither size nor gap"),
        ("\"metrics\"", "\"raw-events\"", "\"raw-events\" is both its input and its output"),
        ("\"metrics\"", "\"\"", "it does not say where results come to"),
        ("start = \"window_start\", ", "", "its output does not say where the window is"),
        ("value = \"revenue\"", "value = \"a..b\"", "\"a..b\" is no path"),
        (", value = \"revenue\"", "", "its output does not say where the value is"),
        ("key = \"category\"", "match = \"event_id\"", "value has no meaning where each event has one result"),
        ("key = \"category\"", "", "it has neither key nor match"),
        ("key = \"category\"", "key = \"category\"\nmatch = \"event_id\"", "match and key exclude each other"),
        ("size = \"10s\", advance", "gap = \"10s\", advance", "its window has a gap and a size"),
        ("size = \"10s\", advance = \"10s\"", "gap = \"0s\"", "its sessions have no gap"),
        (
            "size = \"10s\", advance = \"10s\"",
            "gap = \"10s\"",
            "its output does not say from when to when a session is",
        ),
        ("sum(price * quantity)", "top(0, item_id)", "\"top(0, item_id)\" is nothing that can be computed"),
        ("sum(price * quantity)", "top(3, item_id, max(price))", "\"top(3, item_id, max(price))\" is nothing"),
        ("sum(price * quantity)", "top(3, item)", "no event that it takes has the field \"item\" (its items)"),
        ("sum(price * quantity)", "top(3, item_id, sum(category))", "the field \"category\" (its sum) is no number"),
        ("sum(price * quantity)", "top(3, item_id)", "its output does not say where the item is"),
        ("value = \"revenue\"", "value = \"revenue\", item = \"id\"", "item and number have a meaning for lists alone"),
        (
            "key = \"category\"",
            "key = \"category\"\nrepartition = false\napart = \"1s\"",
            "apart has no meaning without a repartition",
        ),
        ("window = {", "emit = \"final\"\nvalue_types = [\"view\"]\nwindow = {", "no event"),
    ] {
        let text = with(from, to);
        match declared(&[config(&text)]) {
            Err(error) => {
                assert!(error.to_string().starts_with(&format!("expectation \"revenue\": {reason}")), "{error}");
            }
            // Types of the run that add nothing are no mistake.
            Ok(_) => assert_eq!(reason, "no event"),
        }
    }
    assert_eq!(
        refused(&with("\"revenue\"\n        key", "\"a b\"\n        key")),
        "expectation \"a b\": it needs a name of letters, digits, - and _"
    );
    assert!(toml::from_str::<ExpectConfig>(&with("5s", "-5s")).unwrap_err().to_string().contains("-5s"));
    assert!(toml::from_str::<ExpectConfig>("nmae = \"x\"").unwrap_err().to_string().contains("nmae"));
}

#[test]
fn two_of_one_name_and_what_never_ends_are_refused() {
    let good = config(&with("5s", "5s"));
    let error = declared(&[good.clone(), good.clone()]).unwrap_err();
    assert_eq!(error.to_string(), "expectation \"revenue\": there are two of that name");
    let total = ExpectConfig { window: None, emit: Some(Emit::Final), ..good };
    let error = declared(&[total]).unwrap_err();
    assert_eq!(error.to_string(), "expectation \"revenue\": without a window nothing is ever final");
}

#[test]
fn an_output_path_that_no_record_has_is_told_after_the_first_records() {
    let mut oracle = oracle(COUNT, 1);
    for record in 0..100 {
        assert_eq!(oracle.complaint(), None);
        see(&mut oracle, record, r#"{"k":"a","from":0,"value":1}"#);
    }
    assert!(oracle.complaint().unwrap().starts_with("expectation \"count\": none of the first 100 records of out has"));
    let report = end(oracle);
    assert_eq!((report.unreadable, report.unexpected), (100, 0));
    assert_eq!(report.unsaid().unwrap(), "count: none of the 100 records of out could be read");
}
