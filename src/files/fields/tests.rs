use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn found(layout: Layout, names: &[&str], body: &str) -> Vec<(usize, Option<String>)> {
    let mut found = Vec::new();
    Fields::new(layout, names.iter().copied()).unwrap().find(body, &mut found).unwrap();
    found.iter().map(|field| (field.name, field.text(body).map(Cow::into_owned))).collect()
}

/// A value that was found.
macro_rules! told {
    ($text:expr) => {
        Some($text.to_owned())
    };
}

#[test]
fn a_path_leads_into_objects_and_into_each_object_of_an_array() {
    let body = r#" {"a": {"b": "x\n\"y\"", "c": 7.50}, "items": [{"id": 1}, [{"id": 2}], "id", {"id": null}, {"id": "3"}], "a.b": 0} "#;
    let names = ["a.b", "a.c", "items.id", "a", "missing.b", "a.b.c"];
    assert_eq!(
        found(Layout::Json, &names, body),
        [
            (3, told!(r#"{"b": "x\n\"y\"", "c": 7.50}"#)),
            (0, told!("x\n\"y\"")),
            (1, told!("7.50")),
            (2, told!("1")),
            (2, None),
            (2, told!("3")),
        ]
    );
    assert_eq!(found(Layout::Flat, &["a.b"], body), [(0, told!("0"))]);
}

#[test]
fn a_name_that_is_written_with_escapes_is_the_same_name() {
    assert_eq!(found(Layout::Json, &["user"], r#"{"\u0075ser": "x"}"#), [(0, told!("x"))]);
}

#[test]
fn what_is_no_object_is_refused_with_the_reason() {
    let fields = Fields::new(Layout::Json, ["a"]).unwrap();
    for (body, reason) in [
        ("[1]", "expected a JSON object"),
        ("7", "expected a JSON object"),
        ("{\"a\": 1", "EOF"),
        ("{\"a\": 1} x", "trailing characters"),
        ("{\"a\": 01}", "invalid number"),
        ("{\"b\": {\"a\": }}", "expected value"),
        ("{\"a\": 1}{\"a\": 2}", "trailing characters"),
    ] {
        let problem = fields.find(body, &mut Vec::new()).unwrap_err();
        assert!(matches!(&problem, RowProblem::Json(told) if told.contains(reason)), "{body}: {problem}");
    }
}

#[test]
fn json_that_is_deeper_than_any_stack_is_passed_over_or_refused() {
    let deep = "[".repeat(200_000);
    let closed = format!("{deep}{}", "]".repeat(200_000));
    for name in ["a", "b", "b.c"] {
        let fields = Fields::new(Layout::Json, [name]).unwrap();
        assert!(fields.find(&format!("{{\"b\": {deep}"), &mut Vec::new()).is_err());
        assert_eq!(fields.find(&format!("{{\"b\": {closed}}}"), &mut Vec::new()), Ok(()), "{name}");
        let objects = format!("{}1{}", "{\"b\":".repeat(100_000), "}".repeat(100_000));
        assert_eq!(fields.find(&objects, &mut Vec::new()), Ok(()), "{name}");
    }
}

#[test]
fn snowplows_columns_are_counted_and_found_by_their_names() {
    let line = snowplow::COLUMNS.join("\t");
    let names = ["true_tstamp", "app_id", "event_name", "app_id"];
    assert_eq!(
        found(Layout::Snowplow, &names, &line),
        [(1, told!("app_id")), (3, told!("app_id")), (2, told!("event_name")), (0, told!("true_tstamp"))]
    );
    let empty = "\t".repeat(130);
    assert_eq!(found(Layout::Snowplow, &["true_tstamp"], &empty), [(0, None)]);
    let fields = Fields::new(Layout::Snowplow, ["app_id"]).unwrap();
    for tabs in [0, 129, 131] {
        let problem = fields.find(&"\t".repeat(tabs), &mut Vec::new()).unwrap_err();
        assert_eq!(problem.to_string(), format!("{} columns instead of 131", tabs + 1));
    }
    let unknown = Fields::new(Layout::Snowplow, ["user"]).unwrap_err();
    assert!(unknown.to_string().starts_with("there is no field user; there are app_id, platform"), "{unknown}");
}

#[test]
fn snowplows_order_is_that_of_its_published_example() {
    // The first and the last columns, and some between, as Snowplow's analytics SDKs have them in their own tests.
    for (place, name) in [
        (0, "app_id"),
        (3, "collector_tstamp"),
        (4, "dvce_created_tstamp"),
        (6, "event_id"),
        (12, "user_id"),
        (13, "user_ipaddress"),
        (15, "domain_userid"),
        (17, "network_userid"),
        (52, "contexts"),
        (58, "unstruct_event"),
        (77, "useragent"),
        (119, "dvce_sent_tstamp"),
        (122, "derived_contexts"),
        (123, "domain_sessionid"),
        (124, "derived_tstamp"),
        (126, "event_name"),
        (130, "true_tstamp"),
    ] {
        assert_eq!(snowplow::COLUMNS[place], name);
    }
    let mut names = snowplow::COLUMNS.to_vec();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 131);
}

fn some_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-c\"\\\\\n\u{e9}\u{1f600}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[abc]", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

/// What the values of a path are, found in another way.
fn values<'a>(value: &'a Value, path: &[&str], into: &mut Vec<&'a Value>) {
    match path.split_first() {
        None => into.push(value),
        Some((step, rest)) => {
            let objects = match value {
                Value::Array(entries) => entries.iter().filter(|entry| entry.is_object()).collect(),
                value => vec![value],
            };
            objects.iter().filter_map(|object| object.get(*step)).for_each(|value| values(value, rest, into));
        }
    }
}

proptest! {
    #[test]
    fn a_path_finds_the_values_that_a_parsed_tree_has_there(
        object in proptest::collection::btree_map("[abc]", some_json(), 0..4), path in proptest::collection::vec("[abc]", 1..4), pretty: bool,
    ) {
        let object = json!(object);
        let body = if pretty { serde_json::to_string_pretty(&object).unwrap() } else { object.to_string() };
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let mut expected = Vec::new();
        values(&object, &path, &mut expected);
        let mut found = Vec::new();
        Fields::new(Layout::Json, [path.join(".").as_str()]).unwrap().find(&body, &mut found).unwrap();
        let found: Vec<Value> = found.iter().map(|field| serde_json::from_str(&body[field.at.clone()]).unwrap()).collect();
        prop_assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn whatever_the_bytes_looking_for_fields_ends(body in "[{}\\[\\]\":,a0-9\t \\\\-]{0,60}") {
        for layout in [Layout::Json, Layout::Flat] {
            let sound = serde_json::from_str::<serde_json::Map<String, Value>>(&body).is_ok();
            let fields = Fields::new(layout, ["a", "a.a"]).unwrap();
            prop_assert_eq!(fields.find(&body, &mut Vec::new()).is_ok(), sound, "{}", body);
        }
    }
}
