//! Files of events as a user meets them: what `dataset info` says of them, what `dataset convert` makes of them.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;

use loadgen::files::SNOWPLOW_COLUMNS;
use serde_json::Value;

use crate::shell::Shell;

/// Calls in the shape of Segment's "Spec: Common fields": two batches of a phone whose clock is 2 s behind.
pub(crate) fn segment() -> String {
    let call = |user: &str, kind: &str, created: &str, sent: &str, received: &str, corrected: &str| {
        format!(
            r#"{{"anonymousId":"507f191e810c19729de860ea","context":{{"ip":"203.0.113.77","library":{{"name":"analytics.js","version":"2.11.1"}}}},"event":"Product Viewed","integrations":{{}},"messageId":"022bb90c-bbac-11e4-8dfc-aa07a5b093db","originalTimestamp":"{created}","properties":{{"product_id":"p1","price":18.99,"currency":"EUR"}},"receivedAt":"{received}","sentAt":"{sent}","timestamp":"{corrected}","type":"{kind}","userId":{user},"version":2}}"#
        )
    };
    let on = |time: &str| format!("2015-12-12T19:11:{time}Z");
    let rows = [
        (r#""97980cfea0067""#, "track", "00.000", "03.000", "05.000", "02.000"),
        (r#""97980cfea0067""#, "page", "01.500", "03.000", "05.000", "03.500"),
        ("null", "track", "07.000", "07.250", "09.250", "09.000"),
        (r#""97980cfea0068""#, "track", "06.000", "07.000", "09.000", "08.000"),
    ];
    let lines = rows.map(|(user, kind, created, sent, received, corrected)| {
        call(user, kind, &on(created), &on(sent), &on(received), &on(corrected)) + "\n"
    });
    lines.concat()
}

/// Rows in the shape of Snowplow's enriched events, with the values that its analytics SDKs are tested with.
pub(crate) fn snowplow() -> String {
    let row = |user: &str, collector: &str| {
        let value = |column: &str| match column {
            "app_id" => "angry-birds",
            "platform" => "web",
            "etl_tstamp" => "2017-01-26 00:01:25.292",
            "collector_tstamp" => collector,
            "dvce_created_tstamp" => "2013-11-26 00:03:57.885",
            "event" => "unstruct",
            "event_id" => "c6ef3124-b53a-4b13-a233-0088f79dcbcb",
            "user_ipaddress" => "92.231.54.234",
            "user_id" => "jon.doe@email.com",
            "domain_userid" => user,
            "derived_tstamp" => "2013-11-26 00:03:57.886",
            "event_vendor" => "com.snowplowanalytics.snowplow",
            "event_name" => "link_click",
            "event_format" => "jsonschema",
            "event_version" => "1-0-0",
            _ => "",
        };
        SNOWPLOW_COLUMNS.map(value).join("\t") + "\n"
    };
    row("bc2e92ec6c204a14", "2013-11-26 00:02:05")
        + &row("ecdff4d0", "2013-11-26 00:02:05.500")
        + &row("", "2013-11-26 00:02:06")
}

/// Lines in the Combined Log Format, as Apache's manual has it.
pub(crate) fn access_log() -> String {
    let line = |host: &str, time: &str, method: &str| {
        format!(
            "{host} - frank [10/Oct/2000:13:55:{time} -0700] \"{method} /apache_pb.gif HTTP/1.0\" 200 2326 \"http://www.example.com/start.html\" \"Mozilla/4.08 [en] (Win98; I ;Nav)\"\n"
        )
    };
    line("127.0.0.1", "36", "GET") + &line("198.51.100.4", "36", "POST") + &line("127.0.0.1", "38", "GET")
}

fn lines(shell: &Shell, file: &str) -> Vec<String> {
    fs::read_to_string(shell.path().join(file)).unwrap().lines().map(ToOwned::to_owned).collect()
}

fn write(shell: &Shell, file: &str, text: impl AsRef<[u8]>) {
    fs::write(shell.path().join(file), text).unwrap();
}

#[test]
fn calls_of_segment_are_told_with_the_skew_of_their_clocks() {
    let shell = Shell::new();
    write(&shell, "calls.ndjson", segment());
    let info = shell.run(&["dataset", "info", "calls.ndjson", "--preset", "segment"]).ends_with_code(0);
    info.says("rows           4: track 3 (75.00 %), page 1 (25.00 %)")
        .says("time           received: receivedAt, dates; --clock sent or created or corrected has another one drive")
        .says("span           4.2 s from 2015-12-12T19:11:05.000Z to 2015-12-12T19:11:09.250Z")
        .says("keys           3 of userId or anonymousId")
        .says("order          1 row earlier than the row before, by 250 ms at most; a replay sorts by time")
        .says("sent           sentAt behind received by p1 2 s, p50 2 s, p99 2 s in 4 rows, never ahead")
        .says("bad rows       0");
    let created = ["dataset", "info", "calls.ndjson", "--preset", "segment", "--clock", "created", "-o", "json"];
    let json = shell.run(&created).ends_with_code(0).json();
    assert_eq!(
        (&json["found"]["clocks"][0]["field"], &json["span_us"]),
        (&"originalTimestamp".into(), &7_000_000.into())
    );
    assert_eq!(json["skews"][0]["ahead"], 4, "what is received is behind what was created");
}

#[test]
fn rows_of_snowplow_and_lines_of_a_log_are_told() {
    let shell = Shell::new();
    write(&shell, "enriched.tsv", snowplow());
    let info = shell.run(&["dataset", "info", "enriched.tsv", "--preset", "snowplow"]).ends_with_code(0);
    info.says("rows           3: link_click 3 (100.00 %)")
        .says("time           received: collector_tstamp, dates;")
        .says("keys           3 of domain_userid or user_id or network_userid")
        .says("sent           dvce_sent_tstamp, in no row");
    write(&shell, "access.log", access_log());
    let info = shell.run(&["dataset", "info", "access.log", "--preset", "access-log"]).ends_with_code(0);
    info.says("rows           3: GET 2 (66.67 %), POST 1 (33.33 %)")
        .says("span           2 s from 2000-10-10T20:55:36.000Z to 2000-10-10T20:55:38.000Z")
        .says("hottest keys   127.0.0.1 (2, 66.67 %)");
}

#[test]
fn the_time_field_is_asked_for_and_what_is_wrong_with_rows_is_told_with_their_lines() {
    let shell = Shell::new();
    write(
        &shell,
        "e.ndjson",
        "{\"ts\":1433000000117,\"u\":1}\n{\"u\":2}\n{\"ts\":1433000000,\"u\":3}\n{\"ts\":1433000000118,\"u\":1}\n",
    );
    shell
        .run(&["dataset", "info", "e.ndjson"])
        .ends_with_code(104)
        .complains("no --time-field says which of its fields has the times; it has ts, u")
        .complains("--time-field ts");
    shell.run(&["dataset", "info", "e.ndjson", "--time-field", "ts"]).complains("e.ndjson line 2: no ts");
    let skip = ["dataset", "info", "e.ndjson", "--time-field", "ts", "--key-field", "u", "--bad-rows", "skip"];
    let info = shell.run(&skip).ends_with_code(0);
    info.says("rows           2: none 2")
        .says("bad rows       2 left out: unknown 2 (no_time 1, other_unit 1); line 2: no ts");
    shell.run(&["dataset", "info", "e.ndjson", "--time-field", "ts", "--key-field", "id"]).complains("line 2");
}

#[test]
fn files_go_to_a_recording_and_back_to_the_letter_in_the_order_of_time() {
    let shell = Shell::new();
    let calls = segment();
    let (early, late): (Vec<&str>, Vec<&str>) =
        calls.lines().partition(|line| line.contains("\"receivedAt\":\"2015-12-12T19:11:05"));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(early.join("\n").as_bytes()).unwrap();
    write(&shell, "b.ndjson.gz", packed.finish().unwrap());
    write(&shell, "a.ndjson", late.join("\n"));
    let to_avro = ["dataset", "convert", "*.ndjson*", "--preset", "segment", "-o", "calls.avro"];
    shell
        .run(&to_avro)
        .ends_with_code(0)
        .says("calls.avro: 4 records, 2 rows earlier than the one before, sorted by time");
    shell.run(&to_avro).ends_with_code(104).complains("calls.avro is there already");
    shell.run(&["dataset", "convert", "calls.avro", "--values", "-o", "back.ndjson"]).ends_with_code(0);
    let expected = [early[0], early[1], late[1], late[0]];
    assert_eq!(lines(&shell, "back.ndjson"), expected);
    shell.run(&["dataset", "convert", "calls.avro", "-o", "whole.ndjson.zst"]).ends_with_code(0);
    let whole = zstd::decode_all(fs::File::open(shell.path().join("whole.ndjson.zst")).unwrap()).unwrap();
    let records: Vec<Value> =
        String::from_utf8(whole).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> =
        records.iter().map(|record| (record["topic"].as_str().unwrap(), record["key"].as_str().unwrap())).collect();
    let anonymous = "507f191e810c19729de860ea";
    let users = ["97980cfea0067", "97980cfea0067", "97980cfea0068", anonymous];
    assert_eq!(told, [("track", users[0]), ("page", users[1]), ("track", users[2]), ("track", users[3])]);
    assert_eq!(records[0]["timestamp"], 1_449_947_465_000_i64);
    assert_eq!(records[0]["value"], early[0]);
}

#[test]
fn a_csv_of_any_shape_becomes_objects_and_a_log_becomes_a_csv() {
    let shell = Shell::new();
    write(&shell, "e.csv", "when;who;note\n30/05/2015 15:33:22;7;\"a;\"\"b\"\"\"\n30/05/2015 15:33:21;8;\n");
    let fields = ["--time-field", "when", "--time-format", "%d/%m/%Y %H:%M:%S", "--key-field", "who"];
    shell.run(&[&["dataset", "convert", "e.csv", "-o", "e.ndjson"], &fields[..]].concat()).ends_with_code(0);
    assert_eq!(
        lines(&shell, "e.ndjson"),
        [
            r#"{"when":"30/05/2015 15:33:21","who":"8","note":""}"#,
            r#"{"when":"30/05/2015 15:33:22","who":"7","note":"a;\"b\""}"#
        ]
    );
    write(&shell, "access.log", access_log());
    shell.run(&["dataset", "convert", "access.log", "--preset", "access-log", "-o", "log.csv"]).ends_with_code(0);
    let rows = lines(&shell, "log.csv");
    assert_eq!(rows[0], "host,ident,user,time,request,method,path,protocol,status,bytes,referer,user_agent");
    assert_eq!(
        rows[1],
        "127.0.0.1,,frank,10/Oct/2000:13:55:36 -0700,GET /apache_pb.gif HTTP/1.0,GET,/apache_pb.gif,HTTP/1.0,200,2326,http://www.example.com/start.html,Mozilla/4.08 [en] (Win98; I ;Nav)"
    );
}

#[test]
fn anonymised_files_hold_no_original_value_and_join_as_before() {
    let shell = Shell::new();
    write(&shell, "calls.ndjson", segment());
    write(
        &shell,
        "orders.csv",
        "at,customer,mail,total\n1449947466000,97980cfea0067,jane@example.org,10.00\n1449947467000,97980cfea0068,joe@example.org,20.00\n1449947468000,97980cfea0067,jane@example.org,30.00\n",
    );
    let calls = [
        "dataset",
        "convert",
        "calls.ndjson",
        "--preset",
        "segment",
        "-o",
        "safe.ndjson",
        "--key-file",
        "pseudonyms.key",
        "--create-key",
        "--anonymise",
        "userId=hmac,anonymousId=hmac,@key=hmac,context.ip=prefix/24",
        "--identifying",
        "context.library.version",
    ];
    let told = shell.run(&calls).ends_with_code(0);
    told.says("userId=hmac: 3 values, 2 distinct before, 2 after")
        .says("context.ip=prefix/24: 4 values, 1 distinct before, 1 after")
        .says("smallest group by context.ip, context.library.version: 3 pseudonyms, of 1 group");
    let orders = [
        "dataset",
        "convert",
        "orders.csv",
        "--time-field",
        "at",
        "--key-field",
        "customer",
        "-o",
        "safe.csv",
        "--key-file",
        "pseudonyms.key",
        "--anonymise",
        "customer=hmac,@key=hmac,mail=drop,total=noise/5%",
    ];
    shell.run(&orders).ends_with_code(0);
    let (safe, orders) = (lines(&shell, "safe.ndjson").join("\n"), lines(&shell, "safe.csv").join("\n"));
    let key = fs::read_to_string(shell.path().join("pseudonyms.key")).unwrap();
    for original in ["97980cfea006", "507f191e810c19729de860ea", "203.0.113.77", "jane", "joe", &key] {
        assert!(!safe.contains(original) && !orders.contains(original), "{original}");
    }
    let mut joined: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for line in safe.lines() {
        let call: Value = serde_json::from_str(line).unwrap();
        if let Some(user) = call["userId"].as_str() {
            joined.entry(user.to_owned()).or_default().0 += 1;
        }
    }
    for row in orders.lines().skip(1) {
        joined.entry(row.split(',').nth(1).unwrap().to_owned()).or_default().1 += 1;
    }
    let counts: BTreeSet<_> = joined.into_values().collect();
    assert_eq!(counts, BTreeSet::from([(2, 2), (1, 1)]), "two users, with the calls and orders that they had");
    let without =
        ["dataset", "convert", "orders.csv", "--time-field", "at", "-o", "x.csv", "--anonymise", "customer=hmac"];
    shell.run(&without).ends_with_code(104).complains("customer=hmac needs a key").complains("--key-file");
    let unkeyed = ["dataset", "convert", "orders.csv", "-o", "x.csv", "--anonymise", "customer=sha256"];
    shell.run(&unkeyed).complains("sha256 does not exist");
}
