use super::*;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// Time, key, type and body of a row.
type Told = (i64, Option<String>, Option<String>, String);

struct Files {
    folder: TempDir,
    config: Config,
}

impl Files {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { sort_memory: 1 << 20, ..Config::default() };
        let mut made = Self { folder, config };
        for (name, text) in files {
            let path = made.folder.path().join(name);
            fs::write(&path, text).unwrap();
            made.config.files.push(path);
        }
        made
    }

    fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    fn timed(self, field: &str) -> Self {
        self.with(|config| config.time_field = Some(field.to_owned()))
    }

    fn rows(&self) -> (Read, Vec<Told>) {
        let mut rows = Vec::new();
        let owned = |text: &Option<Cow<'_, str>>| text.as_deref().map(ToOwned::to_owned);
        let read = read(&self.config, |row| {
            rows.push((row.at_us, owned(&row.key), owned(&row.kind), row.body.to_owned()));
            Ok::<_, FileError>(Ok(()))
        });
        (read.unwrap_or_else(|error| panic!("{error}")), rows)
    }

    fn told(&self) -> (String, String) {
        let error = read(&self.config, |_| Ok::<_, FileError>(Ok(()))).unwrap_err();
        let folder = format!("{}/", self.folder.path().display());
        (error.to_string().replace(&folder, ""), error.hint().unwrap_or_default())
    }
}

const NDJSON: &str =
    "{\"ts\": 1433000000117, \"user\": {\"id\": 7}, \"k\": \"a\"}\n\n{\"ts\": 1433000000118, \"user\": null}\n";

#[test]
fn a_line_of_ndjson_is_a_body_as_it_is() {
    let files = Files::new(&[("e.ndjson", NDJSON)]).timed("ts").with(|config| {
        config.key_fields = vec!["user.id".to_owned(), "k".to_owned()];
        config.type_field = Some("k".to_owned());
    });
    let (read, rows) = files.rows();
    let lines: Vec<&str> = NDJSON.lines().filter(|line| !line.is_empty()).collect();
    let told = |text: &str| Some(text.to_owned());
    assert_eq!(
        rows,
        [
            (1_433_000_000_117_000, told("7"), told("a"), lines[0].to_owned()),
            (1_433_000_000_118_000, None, None, lines[1].to_owned()),
        ]
    );
    assert_eq!((read.rows, read.format), (2, Some(FileFormat::Ndjson)));
}

#[test]
fn a_row_of_a_csv_is_an_object_of_texts_whatever_separates_its_columns() {
    for separator in [",", ";", "\t", "|"] {
        let text = format!(
            "\u{feff}time{separator}who{separator}note\r\n2015-05-30 15:33:21{separator}007{separator}\"a{separator}\"\"b\"\"\nc\"\r\n"
        );
        let files =
            Files::new(&[("e.csv", &text)]).timed("time").with(|config| config.key_fields = vec!["who".to_owned()]);
        let (read, rows) = files.rows();
        let body =
            format!("{{\"time\":\"2015-05-30 15:33:21\",\"who\":\"007\",\"note\":\"a{separator}\\\"b\\\"\\nc\"}}")
                .replace('\t', "\\t");
        assert_eq!(rows, [(1_433_000_001_000_000, Some("007".to_owned()), None, body)]);
        assert_eq!(read.found.unwrap().clocks[0].without_offset, 1);
    }
}

#[test]
fn files_and_patterns_are_read_one_after_the_other() {
    let mut files = Files::new(&[("b.ndjson", NDJSON), ("a.ndjson", NDJSON)]).timed("ts");
    files.config.files = vec![files.folder.path().join("*.ndjson")];
    let (read, rows) = files.rows();
    assert_eq!(rows.len(), 4);
    assert!(read.files[0].0.ends_with("a.ndjson") && read.files[1].0.ends_with("b.ndjson"));
    files.config.files = vec![files.folder.path().join("*.csv")];
    assert!(files.told().0.ends_with("*.csv fits no file"));
    let file = files.folder.path().join("a.ndjson");
    files.config.files = vec![file.clone(), file];
    assert_eq!(files.told().0, "a.ndjson is named twice: each of its events would come twice");
    files.config.files = vec![PathBuf::from("/no/such/file")];
    assert_eq!(files.told().0, "/no/such/file does not exist");
    let mixed = Files::new(&[("a.ndjson", NDJSON), ("b.csv", "ts,a\n1433000000117,1\n")]).timed("ts");
    assert_eq!(mixed.told().0, "b.csv is written in another format than the files before it");
}

#[test]
fn a_row_without_a_time_or_with_another_one_is_named_with_its_line() {
    let text = format!("{NDJSON}{{\"user\": 1}}\n");
    let files = Files::new(&[("e.ndjson", &text)]).timed("ts");
    let (message, hint) = files.told();
    assert_eq!(message, "e.ndjson line 4: no ts: without a time it has no place in the replay");
    assert!(hint.starts_with("--bad-rows skip"), "{hint}");
    let text = format!("{NDJSON}{{\"ts\": 1433000000}}\n");
    let (message, hint) = Files::new(&[("e.ndjson", &text)]).timed("ts").told();
    assert_eq!(message, "e.ndjson line 4: ts 1433000000 looks like seconds, not milliseconds");
    assert!(hint.starts_with("--time-format s"), "{hint}");
}

#[test]
fn bad_rows_that_are_left_out_are_counted_by_reason() {
    let deep = "[".repeat(100_000);
    let huge = "x".repeat(3 << 20);
    let text = format!("{NDJSON}{{\"ts\": \"soon\"}}\n{deep}\nnull\n{huge}\n{{\"ts\": 1433000000119}}\n");
    let files = Files::new(&[("e.ndjson", &text)]).timed("ts").with(|config| config.bad_rows = BadRowPolicy::Skip);
    let (read, rows) = files.rows();
    assert_eq!(rows.len(), 3);
    let reasons: Vec<_> = read.bad.by_reason.iter().map(|(reason, rows)| (reason.as_str(), *rows)).collect();
    assert_eq!(reasons, [("not_a_time", 1), ("not_json", 2), ("too_long", 1)]);
    assert_eq!(read.bad.examples[3].line, 7);
    assert_eq!(read.bad.examples[3].problem, "a line of more than 1 MiB");
}

#[test]
fn without_a_time_field_it_is_said_which_fields_there_are_and_what_they_look_like() {
    let (message, hint) = Files::new(&[("e.ndjson", NDJSON)]).told();
    assert_eq!(message, "e.ndjson: no --time-field says which of its fields has the times; it has ts, user, k");
    assert_eq!(hint, "these hold what could be a time: --time-field ts");
    let event = r#"{"specversion":"1.0","type":"t","source":"s","id":"1"}"#;
    assert_eq!(Files::new(&[("e.ndjson", event)]).told().1, "it looks like --preset cloudevents");
    let line = r#"127.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326"#;
    assert_eq!(Files::new(&[("access.log", line)]).told().1, "it looks like --preset access-log");
    assert_eq!(
        Files::new(&[("e.tsv", &super::super::SNOWPLOW_COLUMNS.join("\t"))]).told().1,
        "it looks like --preset snowplow"
    );
}

#[test]
fn fields_that_a_header_lacks_and_keys_that_no_row_has_are_refused() {
    let csv = "ts,user\n1433000000117,1\n";
    let (message, _) = Files::new(&[("e.csv", csv)]).timed("time").told();
    assert_eq!(message, "e.csv has no field time, which --time-field names; it has ts, user");
    let keyed = |files: Files| files.with(|config| config.key_fields = vec!["id".to_owned()]);
    let (message, _) = keyed(Files::new(&[("e.csv", csv)]).timed("ts")).told();
    assert_eq!(message, "e.csv has no field id, which --key-field names; it has ts, user");
    let (message, hint) = keyed(Files::new(&[("e.ndjson", NDJSON)]).timed("ts")).told();
    assert_eq!(message, "no row has id, which --key-field names");
    assert!(hint.contains("no key"), "{hint}");
    let (message, _) = Files::new(&[("e.csv", "ts,a,a\n1,2,3\n")]).timed("ts").told();
    assert_eq!(message, "e.csv line 1: column a is there twice");
    let (message, _) = Files::new(&[("e.csv", "ts,a\n1433000000117,2,3\n")]).timed("ts").told();
    assert_eq!(message, "e.csv line 2: 3 fields instead of 2");
    let (message, _) = Files::new(&[("e.csv", "ts,a\n")]).timed("ts").told();
    assert_eq!(message, "e.csv has no rows");
}

#[test]
fn a_clock_drives_that_the_preset_has() {
    let with = |preset, clock| {
        let files = Files::new(&[("e.ndjson", NDJSON)]);
        files.with(|config| (config.preset, config.clock) = (preset, Some(clock)))
    };
    let (message, _) = with(Some(Preset::Cloudevents), super::super::Clock::Sent).told();
    assert_eq!(message, "--clock sent: --preset cloudevents has created");
    let (message, _) = with(None, super::super::Clock::Sent).timed("ts").told();
    assert_eq!(message, "--clock and --time-field both say which time drives");
}
