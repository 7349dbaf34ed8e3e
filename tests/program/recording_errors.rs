//! What a user is told about a recording that cannot be played: each message, and what it says to do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where something unexpected happens")]

mod other_programs;

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;
use loadgen::input::{BadRowPolicy, InputError};
use loadgen::source::retail_rocket::{Config, LoadError, Moment, Recording, Rounds, Share};
use proptest::prelude::*;
use tempfile::TempDir;

const HEADER: &str = "timestamp,visitorid,event,itemid,transactionid\n";
const GOOD: &str = "1433000000117,17,view,5,\n";

/// A file called `events.csv` in a folder of its own.
struct Sample {
    folder: TempDir,
    config: Config,
}

impl Sample {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.csv");
        fs::write(&path, content).unwrap();
        Self { folder, config: Config { path, ..Config::default() } }
    }

    fn with_rows(rows: &str) -> Self {
        Self::new(format!("{HEADER}{rows}"))
    }

    fn skipping(mut self) -> Self {
        self.config.bad_rows = BadRowPolicy::Skip;
        self
    }

    fn load(&self) -> Recording {
        Recording::load(&self.config).unwrap_or_else(|error| panic!("{error}"))
    }

    fn error(&self) -> LoadError {
        match Recording::load(&self.config) {
            Ok(recording) => panic!("{recording:?} was loaded"),
            Err(error) => error,
        }
    }

    /// The error and its hint, with the folder left out of the file's name.
    fn told(&self) -> (String, String) {
        let error = self.error();
        let folder = format!("{}/", self.folder.path().display());
        (error.to_string().replace(&folder, ""), error.hint().unwrap_or_default())
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// As the zstd program writes it, with a checksum; without one damage may go unseen.
fn zstd(text: &str) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn many_rows() -> String {
    (0..20_000).fold(HEADER.to_owned(), |text, row| {
        format!("{text}{},{},view,5,\n", 1_433_000_000_117_u64 + row, row * 7919 % 1000)
    })
}

#[test]
fn a_bad_row_is_named_with_file_line_and_reason() {
    for (row, problem) in [
        ("1433000000117,x,view,5,", "visitorid \"x\" is not a number"),
        ("1433000000117,,view,5,", "visitorid is blank"),
        ("1433000000117,-3,view,5,", "visitorid \"-3\" is negative"),
        ("1433000000117,8693.5,view,5,", "visitorid \"8693.5\" is not a whole number"),
        ("1433000000117,1,view,5000000000,", "itemid 5000000000 is too large, ids go up to 4294967295"),
        ("1433000000117,1,purchase,5,", "event \"purchase\" is none of view, addtocart, transaction"),
        ("1433000000117,1,transaction,5,", "transactionid is blank, but the event is a transaction"),
        ("1433000000117,1,view,5,9", "transactionid \"9\" on an event that is no transaction"),
        ("1433000000117,1,view,5,,", "6 fields instead of 5"),
        ("1433000000117,1,view", "3 fields instead of 5"),
        ("yesterday,1,view,5,", "timestamp \"yesterday\" is not a number"),
        ("4433000000117,1,view,5,", "timestamp 4433000000117 is after the year 2109"),
    ] {
        let good = format!("{}1433000000117,17,transaction,5,1\n", GOOD.repeat(9));
        let (message, hint) = Sample::with_rows(&format!("{GOOD}{row}\n{good}")).told();
        assert_eq!(message, format!("events.csv line 3: {problem}"));
        assert!(hint.starts_with("--bad-rows skip leaves such rows out and counts them"), "{hint}");
    }
}

#[test]
fn times_in_another_unit_are_recognised() {
    let (message, hint) = Sample::with_rows("1433000000,1,view,5,\n").told();
    assert_eq!(message, "events.csv line 2: timestamp 1433000000 looks like seconds, not milliseconds");
    assert_eq!(hint, "multiply the timestamp column by 1000");
    let (message, hint) = Sample::with_rows("1433000000117000,1,view,5,\n").told();
    assert!(
        message.ends_with("timestamp 1433000000117000 looks like micro- or nanoseconds, not milliseconds"),
        "{message}"
    );
    assert!(hint.contains("milliseconds"), "{hint}");
    // Also where bad rows are skipped: all of them are bad.
    let (message, hint) = Sample::with_rows("1433000000,1,view,5,\n1433000001,1,view,5,\n").skipping().told();
    assert_eq!(
        message,
        "events.csv has no usable row: all 2 are bad, the first one in line 2: timestamp 1433000000 looks like seconds, \
         not milliseconds"
    );
    assert_eq!(hint, "multiply the timestamp column by 1000");
}

#[test]
fn numbers_that_a_spreadsheet_rounded_are_refused() {
    let (message, hint) = Sample::with_rows("1.43322E+12,1,view,5,\n").told();
    assert_eq!(
        message,
        "events.csv line 2: timestamp \"1.43322E+12\" was rounded by a spreadsheet, its last digits are gone"
    );
    assert!(hint.starts_with("use the original file"), "{hint}");
}

#[test]
fn skipped_rows_are_counted_by_reason_with_examples() {
    let mut rows = GOOD.to_owned();
    for row in 0..30 {
        rows.push_str(if row % 3 == 0 { "1433000000117,1,view\n" } else { "1433000000117,one,view,5,\n" });
        rows.push_str(GOOD);
    }
    let recording = Sample::with_rows(&rows).skipping().load();
    let bad = &recording.facts().bad_rows;
    assert_eq!((recording.len(), bad.count), (Some(31), 30));
    assert_eq!(bad.by_reason["not_a_number"], 20);
    assert_eq!(bad.by_reason["wrong_number_of_fields"], 10);
    assert_eq!(bad.examples.len(), 20);
    assert_eq!((bad.examples[1].line, bad.examples[1].problem.as_str()), (5, "visitorid \"one\" is not a number"));
}

#[test]
fn a_last_line_that_is_cut_short_is_told_from_a_bad_one() {
    for (cut, fields) in [("1433000000117,1,view,5", 4), ("14330000", 1)] {
        let sample = Sample::with_rows(&format!("{GOOD}{cut}"));
        let (message, hint) = sample.told();
        assert_eq!(
            message,
            format!(
                "events.csv line 3: the last line ends after {fields} of 5 fields, without a line end: the file is cut short"
            )
        );
        assert!(hint.starts_with("fetch or copy the file again"), "{hint}");
        assert_eq!(sample.skipping().load().facts().bad_rows.by_reason["cut_short"], 1);
    }
    let whole = Sample::with_rows(GOOD.trim_end()).load();
    assert!(!whole.facts().encoding.final_line_end, "a missing line end alone is no fault, but is told");
}

#[test]
fn byte_order_mark_crlf_quotes_blank_lines_and_other_columns_are_accepted() {
    let plain = Sample::with_rows("1433000000117,17,view,5,\n1433000000118,18,transaction,6,0\n").load();
    let dressed = "\u{feff}\"itemid\",note,transactionid,Event , timestamp,visitorid\r\n\r\n\
                   5,\"a, b\",,view,1433000000117.0,\"17\"\r\n   \r\n\
                   6,,0.0,transaction,1433000000118, 18\r\n\r\n";
    let dressed = Sample::new(dressed).load();
    let encoding = dressed.facts().encoding;
    assert!(encoding.bom && encoding.crlf && encoding.final_line_end);
    let (plain, dressed) = (std::sync::Arc::new(plain), std::sync::Arc::new(dressed));
    let (mut plain, mut dressed) = (plain.lane(0, 1), dressed.lane(0, 1));
    for _ in 0..3 {
        assert_eq!(plain.draw(), dressed.draw());
    }
}

#[test]
fn a_header_that_lacks_columns_says_which_and_what_it_found() {
    let (message, hint) = Sample::new("time,user,event\n1,2,view\n").told();
    assert_eq!(
        message,
        "events.csv line 1: no column timestamp, visitorid, itemid, transactionid; found: time, user, event"
    );
    assert!(hint.contains("timestamp,visitorid,event,itemid,transactionid"), "{hint}");
    let (message, hint) = Sample::new(HEADER.replace(',', ";")).told();
    assert!(message.contains("no column timestamp"), "{message}");
    assert_eq!(hint, "columns are separated by commas, this file seems to use ';'");
    let (message, _) = Sample::new(format!("event,{HEADER}")).told();
    assert_eq!(message, "events.csv line 1: column event is there twice");
}

#[test]
fn files_that_are_no_recording_are_called_by_their_names() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 94237913\n";
    let (message, hint) = Sample::new(pointer).told();
    assert_eq!(
        (message.as_str(), hint.as_str()),
        ("events.csv is a Git LFS pointer, not the data it points to", "git lfs pull")
    );
    for (content, what) in [
        (&b"\xfd7zXZ\0rest"[..], "an xz file"),
        (b"BZh9rest", "a bzip2 file"),
        (b"7z\xbc\xaf\x27\x1crest", "a 7z archive"),
        (b"PAR1rest", "a Parquet file"),
        (b"\xff\xfet\0i\0", "UTF-16 text"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"{\"timestamp\": 1}", "JSON"),
        (b"\x7fELF\0\0\0", "binary data"),
    ] {
        let (message, hint) = Sample::new(content).told();
        assert_eq!(message, format!("events.csv is {what}, not a file of events that can be read"));
        assert!(!hint.is_empty());
    }
}

#[test]
fn files_without_rows_and_paths_without_files_are_refused() {
    assert_eq!(Sample::new("").told().0, "events.csv is empty");
    assert_eq!(Sample::new("\n\n").told().0, "events.csv is empty");
    assert_eq!(Sample::new(HEADER).told().0, "events.csv has a header but no rows");
    let mut sample = Sample::new("");
    sample.config.path = sample.folder.path().join("absent.csv");
    let (message, hint) = sample.told();
    assert_eq!(message, "absent.csv does not exist");
    assert!(hint.contains("datasets/README.md"), "{hint}");
    sample.config.path = sample.folder.path().to_owned();
    assert!(sample.error().to_string().ends_with("is a folder, not a file"));
    sample.config.path = PathBuf::new();
    assert_eq!(sample.error().to_string(), "no file to replay was given");
}

#[test]
fn a_quote_that_is_not_closed_does_not_take_the_whole_file() {
    let rows = format!("{GOOD}\"1433000000117,1,view,5,\n{}", GOOD.repeat(100_000));
    let (message, hint) = Sample::with_rows(&rows).told();
    assert_eq!(message, "events.csv line 3: a row of more than 1 MiB: a quote is opened here and not closed");
    assert!(hint.contains("quote"), "{hint}");
}

#[test]
fn compressed_files_are_recognised_by_their_content() {
    let text = many_rows();
    let plain = std::sync::Arc::new(Sample::new(&text).load());
    let half = text.len() / 2;
    let two_members = [gzip(&text[..half]), gzip(&text[half..])].concat();
    for content in [gzip(&text), two_members, zstd(&text)] {
        let recording = std::sync::Arc::new(Sample::new(content).load());
        assert_eq!(recording.facts().descents, plain.facts().descents);
        let (mut lane, mut plain) = (recording.lane(0, 1), plain.lane(0, 1));
        while let Some(expected) = plain.draw() {
            assert_eq!(lane.draw(), Some(expected));
        }
        assert_eq!(lane.draw(), None);
    }
}

#[test]
fn compressed_files_that_are_cut_short_or_damaged_are_refused() {
    let text = many_rows();
    for (content, format) in [(gzip(&text), "gzip"), (zstd(&text), "zstd")] {
        let (message, hint) = Sample::new(&content[..content.len() / 2]).told();
        assert!(message.starts_with(&format!("events.csv: the {format} data end too early, after line ")), "{message}");
        assert_eq!(hint, "fetch or copy the file again");
        let (message, _) = Sample::new(&content[..12]).told();
        assert!(message.starts_with(&format!("events.csv: the {format} data end too early")), "{message}");
        let mut damaged = content.clone();
        for byte in damaged.iter_mut().skip(content.len() / 2).take(200) {
            *byte ^= 0x5a;
        }
        // Damage shows as a row that makes no sense or as data that cannot be unpacked, whichever comes first.
        let error = Sample::new(&damaged).error();
        assert!(
            matches!(
                error,
                LoadError::Input { error: InputError::CompressedDamaged { .. }, .. } | LoadError::BadRow { .. }
            ),
            "{error}"
        );
    }
    let mut wrong_checksum = gzip(&text);
    let at = wrong_checksum.len() - 6;
    wrong_checksum[at] ^= 1;
    let (message, _) = Sample::new(&wrong_checksum).told();
    assert!(message.starts_with("events.csv: the gzip data are damaged after line "), "{message}");
}

#[test]
fn a_selection_of_nothing_says_what_there_was() {
    let mut sample = Sample::with_rows(GOOD);
    sample.config.from = Some(Moment(1_433_200_000_000));
    let (message, hint) = sample.told();
    assert_eq!(
        message,
        "events.csv: no row is left: it spans 2015-05-30T15:33:20.117Z to 2015-05-30T15:33:20.117Z, and from \
         2015-06-01T23:06:40.000Z selects none of its 1 rows"
    );
    assert!(hint.contains("--from/--until"), "{hint}");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let refused = |change: fn(&mut Config)| {
        let mut sample = Sample::with_rows(GOOD);
        change(&mut sample.config);
        let error = sample.error();
        assert!(error.is_configuration(), "{error}");
        error.to_string()
    };
    assert!(refused(|config| config.amplify = (1 << 18) + 1).starts_with("amplify: must be at most 262144"));
    assert!(refused(|config| config.amplify = 0).starts_with("amplify: "));
    assert!(refused(|config| config.rounds = Rounds::Count(0)).starts_with("loop: "));
    assert!(refused(|config| config.limit = Some(0)).starts_with("limit: "));
    assert!(refused(|config| config.max_gap = Some(std::time::Duration::ZERO)).starts_with("max_gap: "));
    assert!(refused(|config| config.sort_memory = 1_000).starts_with("sort_memory: "));
    let backwards = |config: &mut Config| {
        config.from = Some(Moment(200_000_000_000));
        config.until = config.from;
    };
    assert_eq!(refused(backwards), "until: must be after from");
    assert!(Share::new(0.0).is_none());
}

#[test]
fn a_category_tree_gives_its_leaves_as_categories() {
    let mut sample = Sample::with_rows("1433000000117,17,transaction,5,1\n");
    let tree = sample.folder.path().join("tree.csv");
    fs::write(&tree, "categoryid,parentid\n1,\n2,1\n30,1\n31,30\n").unwrap();
    sample.config.category_tree = Some(tree.clone());
    let names: Vec<String> =
        sample.load().vocabulary().categories.iter().map(|name| name.as_str().to_owned()).collect();
    assert_eq!(names, ["2", "31"]);
    for (content, problem) in [
        ("categoryid\n1\n", "tree.csv line 1: no column parentid; found: categoryid"),
        ("categoryid,parentid\n1,\nx,1\n", "tree.csv line 3: categoryid \"x\" is not a number"),
        ("categoryid,parentid\n1,\n1,\n", "tree.csv line 3: category 1 is there twice"),
        ("categoryid,parentid\n1,\n2,9\n", "tree.csv line 3: parent 9 is no category of this file"),
        ("categoryid,parentid\n,\n", "tree.csv line 2: categoryid is blank"),
        ("categoryid,parentid\n1,2\n2,1\n", "tree.csv: no category without sub-categories"),
    ] {
        fs::write(&tree, content).unwrap();
        assert_eq!(sample.told().0, problem);
    }
}

proptest! {
    #[test]
    fn whatever_the_bytes_loading_ends_with_rows_or_a_reason(bytes in proptest::collection::vec(any::<u8>(), 0..400), header: bool) {
        let content = if header { [HEADER.as_bytes(), &bytes].concat() } else { bytes };
        match Recording::load(&Sample::new(content).skipping().config) {
            Ok(recording) => prop_assert!(!recording.is_empty()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn whatever_the_fields_a_row_is_played_or_counted(
        rows in proptest::collection::vec(proptest::collection::vec("[0-9a-z.,\"+E -]{0,12}", 0..7), 1..20),
    ) {
        let text = rows.iter().fold(String::new(), |text, fields| text + &fields.join(",") + "\n");
        match Recording::load(&Sample::with_rows(&format!("{GOOD}{text}")).skipping().config) {
            Ok(recording) => {
                let facts = recording.facts();
                // A quoted field may span lines, and blank lines are no rows.
                prop_assert!(facts.rows >= 1);
                prop_assert!(facts.rows + facts.bad_rows.count <= 1 + text.lines().count() as u64);
                prop_assert_eq!(facts.bad_rows.by_reason.values().sum::<u64>(), facts.bad_rows.count);
                prop_assert_eq!(facts.bad_rows.by_type.values().sum::<u64>(), facts.bad_rows.count);
                prop_assert!(facts.bad_rows.examples.len() as u64 <= facts.bad_rows.count.min(20));
            }
            // A quote that is never closed hides rows, and no policy makes that good.
            Err(error) => prop_assert!(matches!(error, LoadError::Input { error: InputError::Unclosed { .. }, .. }), "{}", error),
        }
    }
}
