use super::*;
use proptest::prelude::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

fn anonymiser(rules: &str) -> Anonymiser {
    let rules = rules.split(',').map(|rule| rule.parse().unwrap()).collect();
    Anonymiser::new(rules, Some(Key::of(b"a key of sixteen")), Vec::new()).unwrap()
}

fn body(anonymiser: &mut Anonymiser, layout: Layout, body: &str) -> String {
    let mut out = Vec::new();
    anonymiser.body(layout, body, &mut out).unwrap();
    anonymiser.end_record();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_pseudonym_is_the_hmac_that_other_programs_compute() {
    // python3 -c "import hmac; print(hmac.new(b'a key of sixteen', b'x', 'sha256').hexdigest()[:32])"
    let mut a = anonymiser("user=hmac,@key=hmac");
    assert_eq!(body(&mut a, Layout::Json, r#"{"user":"x"}"#), r#"{"user":"64ac9d76dc16c382d58f465c1a2a2668"}"#);
    assert_eq!(a.key(Some(b"x")), Some(b"64ac9d76dc16c382d58f465c1a2a2668".to_vec()));
    assert_eq!(a.key(None), None);
}

#[test]
fn headers_are_replaced_by_name_and_the_others_stay() {
    let pack = |headers: [(&str, Option<&[u8]>); 4]| {
        let mut packed = Vec::new();
        for (name, value) in headers {
            Header { name: name.as_bytes(), value }.pack(&mut packed);
        }
        packed
    };
    let mut a = anonymiser("@header.user=hmac,@header.ip=drop");
    let record = pack([("user", Some(b"x")), ("ip", Some(b"10.0.0.1")), ("trace", Some(b"x")), ("user", None)]);
    let mut replaced = Vec::new();
    a.headers(Headers::packed(&record), &mut replaced);
    let pseudonym = b"64ac9d76dc16c382d58f465c1a2a2668".as_slice();
    assert_eq!(replaced, pack([("user", Some(pseudonym)), ("ip", None), ("trace", Some(b"x")), ("user", None)]));
    assert!(!a.reads_bodies(), "any value will do");
    assert_eq!(body(&mut a, Layout::Json, r#"{"user":"x"}"#), r#"{"user":"x"}"#);
}

#[test]
fn a_value_keeps_its_kind_and_is_the_same_wherever_it_stands() {
    let mut a = anonymiser("id=hmac,@key=hmac");
    let as_number = body(&mut a, Layout::Json, r#"{"id": 1234}"#);
    let number: u64 = as_number.trim_start_matches("{\"id\": ").trim_end_matches('}').parse().unwrap();
    assert_eq!(body(&mut a, Layout::Json, r#"{"id": "1234"}"#), format!("{{\"id\": \"{number}\"}}"));
    assert_eq!(a.key(Some(b"1234")), Some(number.to_string().into_bytes()));
    let uuid = body(&mut a, Layout::Json, r#"{"id":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}"#);
    assert!(uuid::Uuid::try_parse(&uuid[7..43]).is_ok(), "{uuid}");
    let mail = body(&mut a, Layout::Json, r#"{"id":"jane@example.com"}"#);
    assert!(mail.ends_with("@anonymised.invalid\"}") && !mail.contains("jane"), "{mail}");
    for value in ["true", "[1, \"jane\"]", "{\"name\": \"jane\"}", "-1.5", "0123456"] {
        let text = body(&mut a, Layout::Json, &format!("{{\"id\": {}}}", value.replace("0123456", "\"0123456\"")));
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok() && !text.contains(value), "{text}");
    }
    assert_eq!(body(&mut a, Layout::Json, r#"{"id": null, "other": 1}"#), r#"{"id": null, "other": 1}"#);
}

#[test]
fn everything_else_in_a_body_stays_to_the_letter() {
    let mut a = anonymiser("ip=prefix/24,mail=drop,who.name=drop,items.price=drop");
    let text = " {\"ip\" : \"192.0.2.77\",\"x\":[1.50 , 2e3],\"mail\":\"a\\u0040b\", \"who\":{\"name\":\"j\",\"n\":1},\"items\":[{\"price\":1},{\"price\":2,\"q\":3}]}  ";
    let expected = " {\"ip\" : \"192.0.2.0\",\"x\":[1.50 , 2e3],\"mail\":null, \"who\":{\"name\":null,\"n\":1},\"items\":[{\"price\":null},{\"price\":null,\"q\":3}]}  ";
    assert_eq!(body(&mut a, Layout::Json, text), expected);
}

#[test]
fn a_field_within_another_one_goes_with_it() {
    let mut a = anonymiser("who.name=hmac,who=drop");
    assert_eq!(body(&mut a, Layout::Json, r#"{"who":{"name":"jane"},"n":1}"#), r#"{"who":null,"n":1}"#);
}

#[test]
fn lines_of_logs_and_columns_of_snowplow_are_written_again_in_their_form() {
    let line = r#"203.0.113.9 - jane [10/Oct/2000:13:55:36 -0700] "GET /?q=1 HTTP/1.0" 200 2326 "-" "Nav""#;
    let mut a = anonymiser("host=prefix/24,user=drop,path=drop");
    assert_eq!(
        body(&mut a, Layout::AccessLog, line),
        r#"203.0.113.0 - - [10/Oct/2000:13:55:36 -0700] "GET - HTTP/1.0" 200 2326 "-" "Nav""#
    );
    let mut columns = vec![""; crate::files::SNOWPLOW_COLUMNS.len()];
    (columns[12], columns[13], columns[130]) = ("jane", "203.0.113.9", "2015-05-30 15:33:21.117");
    let mut a = anonymiser("user_ipaddress=prefix/16,user_id=drop");
    let written = body(&mut a, Layout::Snowplow, &columns.join("\t"));
    (columns[12], columns[13]) = ("", "203.0.0.0");
    assert_eq!(written, columns.join("\t"));
}

#[test]
fn prefixes_are_of_addresses_and_what_is_none_is_dropped_and_counted() {
    for (bits, address, left) in [
        (24, "192.0.2.77", Some("192.0.2.0")),
        (1, "192.0.2.77", Some("128.0.0.0")),
        (32, "192.0.2.77", Some("192.0.2.77")),
        (24, "2001:db8:1:2:3::4", Some("2001:db8:1::")),
        (32, "2001:db8:1:2:3::4", Some("2001:db8:1:2::")),
        (24, "::ffff:192.0.2.77", Some("192.0.2.0")),
        (24, "jane", None),
    ] {
        assert_eq!(value::prefix(address, bits).as_deref(), left, "{address}/{bits}");
    }
    let mut a = anonymiser("ip=prefix/24");
    assert_eq!(body(&mut a, Layout::Json, r#"{"ip":"jane"}"#), r#"{"ip":null}"#);
    assert_eq!(a.report().fields[0].unfit, 1);
}

#[test]
fn rules_that_are_none_are_refused_with_what_they_could_be() {
    for (rule, told) in [
        ("user", "is no rule"),
        ("=hmac", "is no rule"),
        ("user=rot13", "is no rule"),
        ("user=sha256", "does not exist: without a key anybody can try all values out"),
        ("ip=prefix/33", "1 to 32"),
        ("ip=prefix/0", "1 to 32"),
        ("price=noise/1", "a share such as 1%"),
        ("price=noise/100%", "below 100%"),
    ] {
        let error = rule.parse::<Rule>().unwrap_err().to_string();
        assert!(error.contains(told), "{error}");
    }
    let rules = || vec!["user=hmac".parse().unwrap()];
    let error = Anonymiser::new(rules(), None, Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "user=hmac needs a key: nothing else keeps pseudonyms from being tried out");
    let twice = [rules(), vec!["user=drop".parse().unwrap()]].concat();
    assert!(Anonymiser::new(twice, Some(Key::of(b"a key of sixteen")), Vec::new()).is_err());
}

#[test]
fn a_key_is_made_for_its_owner_alone_and_refused_where_others_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    assert!(matches!(Key::read(&path), Err(KeyError::Missing { .. })));
    Key::create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let made = fs::read(&path).unwrap();
    assert_eq!(made.len(), 64);
    assert!(Key::read(&path).is_ok());
    assert!(Key::create(&path).is_err(), "a key is never written over");
    assert_eq!(fs::read(&path).unwrap(), made);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Key::read(&path).unwrap_err();
    assert!(error.to_string().ends_with("can be read by others than its owner (mode 640)"), "{error}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "secret\n").unwrap();
    assert!(matches!(Key::read(&path), Err(KeyError::Short { .. })));
}

#[test]
fn the_report_counts_values_and_the_smallest_group_of_people() {
    let rules = ["user=hmac", "ip=prefix/24"].map(|rule| rule.parse().unwrap()).to_vec();
    let key = Some(Key::of(b"a key of sixteen"));
    let mut a = Anonymiser::new(rules, key, vec!["country".to_owned()]).unwrap();
    for (user, ip, country) in [
        ("a", "192.0.2.1", "DE"),
        ("b", "192.0.2.2", "DE"),
        ("b", "192.0.2.3", "DE"),
        ("c", "192.0.2.4", "FR"),
        ("c", "192.0.2.4", "FR"),
    ] {
        // The order of the fields makes no other group.
        let text = if user == "a" {
            format!(r#"{{"user":"{user}","ip":"{ip}","country":"{country}"}}"#)
        } else {
            format!(r#"{{"country":"{country}","ip":"{ip}","user":"{user}"}}"#)
        };
        body(&mut a, Layout::Json, &text);
    }
    let report = a.report();
    let distinct: Vec<_> =
        report.fields.iter().map(|field| (field.values, field.distinct_before, field.distinct_after)).collect();
    assert_eq!(distinct, [(5, 3, 3), (5, 4, 1)]);
    let group = report.smallest_group.unwrap();
    assert_eq!(group.by, ["ip", "country"]);
    assert_eq!((group.groups, group.smallest, group.people), (2, 1, true));
}

proptest! {
    #[test]
    fn noise_stays_within_its_share_and_keeps_the_decimals(cents in 1_u32..10_000_000, percent in 1_u32..50) {
        let text = format!("{}.{:02}", cents / 100, cents % 100);
        let mut a = anonymiser(&format!("price=noise/{percent}%"));
        let written = body(&mut a, Layout::Json, &format!("{{\"price\":{text}}}"));
        let new = written.trim_start_matches("{\"price\":").trim_end_matches('}');
        let (old, number): (f64, f64) = (text.parse().unwrap(), new.parse().unwrap());
        prop_assert!((number - old).abs() <= old * f64::from(percent) / 100.0 + 0.005_1, "{} became {}", text, new);
        prop_assert_eq!(new.split_once('.').unwrap().1.len(), 2);
    }

    #[test]
    fn no_value_that_is_named_is_left_in_a_body(user in "[a-z]{12}", mail in "[a-z]{9}@[a-z]{5}\\.org", deep: bool) {
        let inner = format!(r#"{{"user":"{user}","mail":"{mail}","n":1}}"#);
        let (text, rules) = if deep {
            (format!(r#"{{"a":[{inner},{inner}]}}"#), "a.user=hmac,a.mail=drop")
        } else {
            (inner, "user=hmac,mail=hmac")
        };
        let written = body(&mut anonymiser(rules), Layout::Json, &text);
        prop_assert!(!written.contains(&user) && !written.contains(&mail), "{}", written);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok());
        prop_assert_eq!(&written, &body(&mut anonymiser(rules), Layout::Json, &text), "the same key, the same pseudonyms");
    }
}
