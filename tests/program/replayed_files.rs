//! Files of events that are replayed directly: what is played, when, and what is said where they cannot be.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::fs;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::files::{access_log, segment};
use crate::shell::Shell;

/// Nothing of it depends on how busy the machine is.
const PLAYED: [&str; 6] = ["--no-progress", "--gate-off", "generator_healthy", "--output", "json", "--rate=unlimited"];

fn write(shell: &Shell, file: &str, text: impl AsRef<[u8]>) {
    fs::write(shell.path().join(file), text).unwrap();
}

/// Lines of so many events from that ms on, one each second.
fn events(from_ms: u64, count: u64) -> String {
    (0..count).fold(String::new(), |text, n| {
        let kind = if n % 3 == 0 { "click" } else { "view" };
        format!("{text}{{\"ts\":{},\"user\":{{\"id\":\"u{}\"}},\"kind\":\"{kind}\"}}\n", from_ms + 1_000 * n, n % 4)
    })
}

#[test]
fn lines_of_json_are_played_with_their_times_keys_and_types_and_every_one_is_accounted_for() {
    let shell = Shell::new();
    write(&shell, "e.ndjson", events(1_433_000_000_000, 60));
    let replay = ["replay", "e.ndjson", "--time-field", "ts", "--key-field", "user.id", "--type-field", "kind"];
    let dry = shell.run(&[&replay[..], &["--speed", "10", "--dry-run"]].concat()).ends_with_code(0);
    dry.says("topics         click (20 rows), view (40 rows)\n")
        .says("plays          60 of 60 records, 60 events\n")
        .says("recorded       59 s from 2015-05-30T15:33:20.000Z to 2015-05-30T15:34:19.000Z\n")
        .says("takes          5.9 s\n");
    let report = shell.run(&[&replay[..], &PLAYED].concat()).ends_with_code(0).json();
    assert_eq!(report["ledger"]["verified"], 60);
    assert_eq!(report["by_type"]["click"]["verified"], 20);
    let replay = &report["replay"];
    assert_eq!((&replay["file"], &replay["rows"]), (&"e.ndjson".into(), &60.into()));
}

#[test]
fn several_files_however_packed_are_one_recording_in_the_order_of_time() {
    let shell = Shell::new();
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(events(1_433_000_000_500, 30).as_bytes()).unwrap();
    write(&shell, "a.ndjson.gz", packed.finish().unwrap());
    write(&shell, "b.ndjson.zst", zstd::encode_all(events(1_433_000_000_000, 30).as_bytes(), 1).unwrap());
    write(&shell, "c.ndjson", events(1_432_999_990_000, 10));
    let options = ["--time-field", "ts", "--sort-memory", "1KiB", "--dry-run"];
    let dry = shell.run(&[&["replay", "*.ndjson*"], &options[..]].concat()).ends_with_code(0);
    dry.says("file           *.ndjson*\n")
        .says("plays          70 of 70 records")
        .says("recorded       39.5 s from 2015-05-30T15:33:10.000Z to 2015-05-30T15:33:49.500Z")
        .says("goes back      2, sorted\n")
        .complains("*.ndjson*: 2 rows earlier than the one before, and played in the order of time");
    let dry = shell.run(&[&["replay", "b.ndjson.zst", "c.ndjson"], &options[..]].concat()).ends_with_code(0);
    dry.says("file           b.ndjson.zst and 1 more\n").says("plays          40 of 40 records");
}

#[test]
fn a_csv_of_any_shape_and_a_log_are_played_and_retail_rockets_stays_what_it_is() {
    let shell = Shell::new();
    write(&shell, "orders.csv", "at;customer;price\n30/05/2015 15:33:20;7;1.10\n30/05/2015 15:33:22;8;2.20\n");
    let options = ["--time-field", "at", "--time-format", "%d/%m/%Y %H:%M:%S", "--key-field", "customer"];
    let replay = [&["replay", "orders.csv"], &options[..]].concat();
    let ran = shell.run(&[&replay, &PLAYED[..]].concat()).ends_with_code(0);
    let report = ran.complains("orders.csv: 2 times of at without an offset, taken as UTC").json();
    assert_eq!((&report["ledger"]["verified"], &report["by_type"]["events"]["verified"]), (&2.into(), &2.into()));
    write(&shell, "access.log", access_log());
    let dry = shell.run_with(&["replay", "access.log", "--dry-run"], &[("LOADGEN_PRESET", "access-log")]);
    dry.ends_with_code(0).says("topics         GET (2 rows), POST (1 row)\n");
    shell.recording("sample.csv", 50);
    let rows = [("LOADGEN_TIME_FIELD", "ts"), ("LOADGEN_KEY_FIELD", "user")];
    shell.run_with(&["replay", "sample.csv", "--dry-run"], &rows).ends_with_code(0).says("users");
    let as_rows = ["replay", "sample.csv", "--time-field", "timestamp", "--key-field", "visitorid", "--dry-run"];
    shell.run(&as_rows).ends_with_code(0).says("topics         events (50 rows)");
}

#[test]
fn a_scenario_names_files_as_the_options_do_and_can_be_run_again_from_its_bundle() {
    let shell = Shell::new();
    fs::create_dir(shell.path().join("in")).unwrap();
    write(&shell, "in/calls.ndjson", segment());
    write(
        &shell,
        "in/calls.toml",
        "[source]\nkind = \"recorded\"\nmax_gap = \"1s\"\n[source.rows]\nfiles = [\"calls.ndjson\"]\npreset = \"segment\"\n\
         clock = \"created\"\nsort_memory = \"64MiB\"\n",
    );
    let dry = shell.run(&["run", "in/calls.toml", "--dry-run"]).ends_with_code(0);
    dry.says("recorded       7 s from 2015-12-12T19:11:00.000Z to 2015-12-12T19:11:07.000Z").says("gaps capped    2");
    let dry = shell.run(&["run", "in/calls.toml", "--clock", "received", "--dry-run"]).ends_with_code(0);
    dry.says("from 2015-12-12T19:11:05.000Z");
    // What is named beside the scenario is found from its bundle, too.
    shell.run(&[&["run", "in/calls.toml", "--results-dir", "r"], &PLAYED[..]].concat()).ends_with_code(0);
    let bundle = fs::read_dir(shell.path().join("r")).unwrap().next().unwrap().unwrap().path();
    let again = shell.run(&["run", bundle.join("scenario.toml").to_str().unwrap(), "--dry-run"]);
    again.ends_with_code(0).says("gaps capped    2").says("topics         page (1 row), track (3 rows)");
    write(
        &shell,
        "both.toml",
        "[source]\nkind = \"recorded\"\nfile = \"a.avro\"\nrows = { files = [\"calls.ndjson\"] }\n",
    );
    shell.run(&["run", "both.toml"]).ends_with_code(104).complains("[source] has one of the two: file = ");
}

#[test]
fn what_cannot_be_played_is_told_with_what_to_do() {
    let shell = Shell::new();
    write(&shell, "e.ndjson", "{\"ts\":1433000000117,\"u\":1}\n{\"u\":2}\n{\"ts\":1433000000118,\"u\":1}\n");
    shell
        .run(&["replay", "e.ndjson"])
        .ends_with_code(104)
        .complains("e.ndjson: no --time-field says which of its fields has the times; it has ts, u")
        .complains("--time-field ts");
    shell
        .run(&["replay", "e.ndjson", "--time-field", "ts"])
        .ends_with_code(7)
        .complains("e.ndjson line 2: no ts")
        .complains("--bad-rows skip");
    let skip = ["replay", "e.ndjson", "--time-field", "ts", "--bad-rows", "skip"];
    let dry = shell.run(&[&skip[..], &["--dry-run"]].concat()).ends_with_code(0);
    dry.says("plays          2 of 2 records").complains("e.ndjson: 1 bad row left out (no_time 1)");
    let report = shell.run(&[&skip[..], &PLAYED].concat()).ends_with_code(0).json();
    assert_eq!(report["replay"]["bad_rows"], 1);
    for (options, told) in [
        (&["--partition", "keep"][..], "--partition does not apply: the rows of files are sent byte for byte"),
        (&["--amplify", "2"], "--amplify does not apply"),
        (&["--format", "avro"], "--format does not apply"),
    ] {
        shell.run(&[&skip[..], options].concat()).ends_with_code(2).complains(told);
    }
    shell.run(&["replay", "*.nothing", "--time-field", "ts"]).ends_with_code(104).complains("*.nothing fits no file");
    shell.run(&["replay", "e.ndjson", "missing.ndjson", "--time-field", "ts"]).ends_with_code(7);
    write(&shell, "orders.csv", "at,customer\n1433000000117,7\n");
    shell
        .run(&["replay", "orders.csv"])
        .ends_with_code(7)
        .complains("no column timestamp, visitorid")
        .complains("--time-field names the times of a CSV of another shape");
    shell
        .run(&["replay", "a.csv", "b.csv", "--file-format", "retail-rocket"])
        .ends_with_code(104)
        .complains("Retail Rocket's events are one file");
}

#[test]
fn no_group_reads_back_what_has_no_stamp() {
    let shell = Shell::new();
    write(&shell, "e.ndjson", events(1_433_000_000_000, 3));
    shell.run(&["dataset", "convert", "e.ndjson", "--time-field", "ts", "-o", "e.avro"]).ends_with_code(0);
    let bare = ["replay", "e.avro", "--stamp", "none"];
    for options in [&["--group", "readers"][..], &["--group", "readers", "--dry-run"]] {
        shell
            .run(&[&bare[..], options].concat())
            .ends_with_code(104)
            .complains("records without a stamp are known by where they were acked, so no group reads them back")
            .complains("leave --stamp none or --group out");
    }
    shell.run(&[&bare[..], &["--dry-run"]].concat()).ends_with_code(0).says("plays          3 of 3 records");
}

const VIEWS: &str = "[view]\nkey = \"user_id\"\nid = \"view_id\"\n[view.fields]\nview_id = \"uuid\"\nuser_id = { integer = [1, 1_000_000] }\n\
    at = { timestamp = \"ms\" }\nitem = \"sku\"\nprice = { decimal = [\"0.01\", \"9999.00\"] }\n\
    place = { record = { city = \"city\", country = \"country\" } }\nnote = { words = [1, 2], null = 0.5 }\n";

#[test]
fn rows_become_events_of_a_declared_type_field_by_field_in_every_format() {
    let shell = Shell::new();
    write(&shell, "views.toml", VIEWS);
    write(
        &shell,
        "v.csv",
        "when,visitor,item,cost,town,country\n1433000000117,17,SKU-1,1.10,Ulm,DE\n1433000000217,18,SKU-2,2.5,Aix,FR\n",
    );
    let map = "user_id=visitor,at=@time,price=cost,place.city=town,place.country=country";
    let replay = ["replay", "v.csv", "--time-field", "when", "--events", "views.toml", "--map", map];
    shell
        .run(&[&replay[..], &["--dry-run"]].concat())
        .ends_with_code(0)
        .says("topics         view into raw-events (2 rows)");
    for format in ["json", "avro", "protobuf"] {
        let options = ["--format", format, "--framing", "none", "--results-dir", format];
        let report = shell.run(&[&replay[..], &options, &PLAYED].concat()).ends_with_code(0).json();
        assert_eq!(
            (&report["ledger"]["verified"], &report["by_type"]["view"]["verified"]),
            (&2.into(), &2.into()),
            "{format}"
        );
    }
}

#[test]
fn a_row_that_is_no_such_event_is_named_with_its_line_its_field_and_where_that_comes_from() {
    let shell = Shell::new();
    write(&shell, "views.toml", VIEWS);
    let row = |visitor: &str, more: &str| {
        format!(
            "{{\"ts\":1433000000117,\"visitor\":{visitor},\"item\":\"i\",\"price\":\"1.10\",\"place\":{{\"city\":\"Ulm\",\"country\":\"DE\"}}{more}}}\n"
        )
    };
    let replay = ["replay", "v.ndjson", "--time-field", "ts", "--events", "views.toml", "--dry-run"];
    let mapped = |more: &'static str| [&replay[..], &["--map", more]].concat();
    let usual = "user_id=visitor,at=ts";
    for (rows, told) in [
        (
            row("17", "") + &row("\"x\"", ""),
            "v.ndjson line 2: view: user_id, which --map takes from visitor has \\\"x\\\", another type",
        ),
        (row("0", ""), "v.ndjson line 1: view: user_id, which --map takes from visitor has 0, none of the values"),
        (row("null", ""), "v.ndjson line 1: view: user_id, which --map takes from visitor has null, another type"),
        (row("17", "").replace("\"item\"", "\"thing\""), "v.ndjson line 1: view lacks item"),
        (row("17", "").replace("1.10", "1.105"), "v.ndjson line 1: view: price has"),
        (row("17", "").replace("\"Ulm\"", "7.5e1"), ""),
        (row("17", "").replace("\"Ulm\"", "[]"), "v.ndjson line 1: view: place.city has []"),
    ] {
        write(&shell, "v.ndjson", rows);
        let ran = shell.run(&mapped(usual));
        if told.is_empty() {
            ran.ends_with_code(0)
        } else {
            ran.ends_with_code(7).complains(told)
        };
    }
    write(&shell, "v.ndjson", row("17", "") + &row("\"x\"", ""));
    let skip = [&mapped(usual)[..], &["--bad-rows", "skip"]].concat();
    shell
        .run(&skip)
        .ends_with_code(0)
        .complains("1 bad row left out (no_such_event 1)")
        .says("plays          1 of 1 record,");
    shell
        .run(&mapped("user=visitor"))
        .ends_with_code(104)
        .complains("--map: no type has a field user; they have view_id, user_id");
    let typed = [&mapped(usual)[..], &["--type-field", "item"]].concat();
    shell.run(&typed).ends_with_code(7).complains("v.ndjson line 1: its type i is none of view");
    let keyed = [&mapped(usual)[..], &["--key-field", "visitor"]].concat();
    shell.run(&keyed).ends_with_code(104).complains("--key-field does not go with declared types");
    let alone = ["replay", "v.ndjson", "--time-field", "ts", "--map", usual];
    shell.run(&alone).ends_with_code(104).complains("--map needs the types that rows become events of");
}

#[test]
fn rows_are_stamped_in_a_field_that_is_named_and_any_that_has_it_already_is_a_bad_one() {
    let shell = Shell::new();
    write(&shell, "e.ndjson", events(1_433_000_000_000, 60));
    let replay = ["replay", "e.ndjson", "--time-field", "ts", "--key-field", "user.id", "--stamp", "field:event_id"];
    for (types, expected) in [(&[][..], "events"), (&["--type-field", "kind"], "click")] {
        let ran = shell.run(&[&replay[..], types, &PLAYED].concat()).ends_with_code(0);
        let report = ran.json();
        assert_eq!((&report["ledger"]["verified"], &report["findings"]["invalid"]), (&60.into(), &0.into()));
        let of_type = if expected == "click" { 20 } else { 60 };
        assert_eq!(report["by_type"][expected]["verified"], of_type, "{}", report["by_type"]);
    }
    write(&shell, "orders.csv", "at,customer\n1433000000117,7\n1433000000118,8\n");
    let of_csv = ["replay", "orders.csv", "--time-field", "at", "--stamp", "field:order id"];
    let report = shell.run(&[&of_csv[..], &PLAYED].concat()).ends_with_code(0).json();
    assert_eq!(report["ledger"]["verified"], 2);

    let has_it = "{\"ts\":1433000000117,\"u\":1}\n{\"ts\":1433000000118,\"\\u0069d\":1}\n{\"ts\":1433000000119}\n";
    write(&shell, "has.ndjson", has_it);
    let of_field = ["replay", "has.ndjson", "--time-field", "ts", "--stamp", "field:id"];
    shell
        .run(&of_field)
        .ends_with_code(7)
        .complains("has.ndjson line 2: it has a field id already: the stamp needs another name")
        .complains("--bad-rows skip");
    let report = shell.run(&[&of_field[..], &["--bad-rows", "skip"], &PLAYED].concat()).ends_with_code(0).json();
    assert_eq!((&report["replay"]["bad_rows"], &report["ledger"]["verified"]), (&1.into(), &2.into()));
    write(&shell, "access.log", access_log());
    let of_log = ["replay", "access.log", "--preset", "access-log", "--stamp", "field:id"];
    shell.run(&of_log).ends_with_code(104).complains("needs rows that are JSON objects or of a CSV");
    for (stamp, told) in [("field:", "the name of the field is missing"), ("id", "it is header, none, or field:NAME")] {
        let ran = shell.run(&[&replay[..6], &["--stamp", stamp]].concat()).complains(told);
        assert_eq!(ran.code, 2, "{}", ran.err);
    }
}
