//! Making files of Retail Rocket's shape.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a test ends where something unexpected happens, its counts are small"
)]

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use loadgen::clock::Nanos;
use loadgen::dataset::generate::{Generate, GenerateError};
use loadgen::dataset::info::{Info, info};
use loadgen::dataset::preview::Preview;
use loadgen::input::BadRowPolicy;
use loadgen::source::retail_rocket::{Config, Pace, Partitions, Quantiles, Recording, Rounds};

/// How `datasets/retailrocket-sample.csv` is made; datasets/README.md says the same.
fn sample() -> Generate {
    Generate { rows: 10_000, seed: 4, duplicates: Some(12), ..Generate::default() }
}

fn text_of(settings: &Generate) -> String {
    let mut text = Vec::new();
    settings.write(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

fn loaded(text: &str) -> Recording {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    Recording::load(&Config { path: file.path().to_owned(), ..Config::default() }).unwrap()
}

#[test]
fn the_committed_sample_is_what_the_generator_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/retailrocket-sample.csv");
    let committed = fs::read_to_string(path).unwrap();
    assert!(committed == text_of(&sample()), "datasets/retailrocket-sample.csv differs from what its seed gives");
}

#[test]
fn the_sample_has_the_published_shape() {
    let recording = loaded(&text_of(&sample()));
    let facts = recording.facts();
    assert_eq!((facts.rows, facts.duplicate_rows), (10_000, 12));
    assert_eq!(facts.first_ms / 86_400_000, 16_558, "it starts on 2015-05-03");
    let spread = facts.events_per_visitor;
    assert_eq!((spread.p50, spread.p90), (1, 3));
    assert!((11..=15).contains(&spread.p99), "{spread:?}");
    assert!(facts.descents > 4_000 && facts.equal_times > 0);
}

#[test]
fn shares_of_the_types_are_the_published_ones() {
    let text = text_of(&Generate { rows: 200_000, ..Generate::default() });
    let count = |kind: &str| text.lines().filter(|line| line.split(',').nth(2) == Some(kind)).count() as f64;
    for (kind, published) in [("view", 2_664_312.0), ("addtocart", 69_332.0), ("transaction", 22_457.0)] {
        let expected = published / 2_756_101.0 * 200_000.0;
        // Purchases come in groups, so their spread is wider than a square root.
        assert!((count(kind) - expected).abs() < 6.0 * expected.sqrt(), "{kind}: {} against {expected}", count(kind));
    }
    let orders: HashSet<&str> =
        text.lines().skip(1).filter_map(|line| line.rsplit(',').next()).filter(|id| !id.is_empty()).collect();
    let rows_per_order = count("transaction") / orders.len() as f64;
    assert!((1.2..1.35).contains(&rows_per_order), "{rows_per_order}");
}

#[test]
fn blocks_are_cut_at_six_and_come_by_months() {
    let text = text_of(&Generate { rows: 30_000, ..Generate::default() });
    let times = text.lines().skip(1).map(|line| line.split(',').next().unwrap().parse::<i64>().unwrap());
    let mut days: Vec<i64> = times.map(|time| (time - 6 * 3_600_000).div_euclid(86_400_000)).collect();
    days.dedup();
    let distinct: HashSet<i64> = days.iter().copied().collect();
    assert_eq!((days.len(), distinct.len()), (139, 139), "each day's rows are together");
    let descents = days.windows(2).filter(|pair| pair[0] > pair[1]).count();
    assert_eq!(descents, 1, "June, August, September; back to May and July");
}

#[test]
fn without_disorder_the_rows_are_in_time() {
    let text = text_of(&Generate { rows: 5_000, disorder: false, ..Generate::default() });
    assert_eq!(loaded(&text).facts().descents, 0);
}

#[test]
fn counts_that_are_asked_for_are_kept() {
    for (rows, users, items, days, duplicates) in [
        (1, None, 1, 1, 0),
        (10, None, 3, 1, 5),
        (20_000, Some(2_000), 50, 7, 100),
        (20_000, Some(18_000), 50_000, 400, 0),
    ] {
        let settings = Generate { rows, users, items, days, duplicates: Some(duplicates), ..Generate::default() };
        let mut text = Vec::new();
        let generated = settings.write(&mut text).unwrap();
        assert_eq!((generated.rows, generated.duplicates, generated.bytes), (rows, duplicates, text.len() as u64));
        let text = String::from_utf8(text).unwrap();
        let recording = loaded(&text);
        let facts = recording.facts();
        assert_eq!(facts.rows, rows);
        assert!(facts.duplicate_rows >= duplicates);
        let found: HashSet<&str> = text.lines().skip(1).map(|line| line.split(',').nth(3).unwrap()).collect();
        assert!(found.len() as u64 <= items);
        assert!(facts.span_recorded_ms <= u64::from(days) * 86_400_000);
        if let Some(users) = users {
            let spread = facts.visitors.abs_diff(users);
            assert!(spread <= users / 10, "{} visitors for {users}", facts.visitors);
        }
    }
}

#[test]
fn a_seed_decides_the_file() {
    let of_seed = |seed| text_of(&Generate { rows: 500, seed, ..Generate::default() });
    assert_eq!(of_seed(1), of_seed(1));
    assert_ne!(of_seed(1), of_seed(2));
}

#[test]
fn an_existing_file_is_replaced_with_force_only_and_a_failure_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made.csv");
    let settings = Generate { rows: 100, ..Generate::default() };
    settings.to_file(&path, false).unwrap();
    let first = fs::read_to_string(&path).unwrap();
    let other = Generate { seed: 9, ..settings.clone() };
    let error = other.to_file(&path, false).unwrap_err();
    assert!(matches!(error, GenerateError::Exists(_)));
    assert_eq!(error.hint(), Some("--force replaces it"));
    assert_eq!(fs::read_to_string(&path).unwrap(), first);
    other.to_file(&path, true).unwrap();
    assert_ne!(fs::read_to_string(&path).unwrap(), first);
    let error = settings.to_file(&folder.path().join("absent/made.csv"), false).unwrap_err();
    assert!(error.to_string().contains("absent/made.csv cannot be written"), "{error}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn settings_that_make_no_sense_are_refused_by_name() {
    let refused = |settings: Generate| settings.write(&mut Vec::new()).unwrap_err().to_string();
    let usual = Generate::default;
    assert!(refused(Generate { rows: 0, ..usual() }).starts_with("rows: "));
    assert!(refused(Generate { items: 0, ..usual() }).starts_with("items: "));
    assert!(refused(Generate { days: 0, ..usual() }).starts_with("days: "));
    assert!(refused(Generate { users: Some(10_001), ..usual() }).starts_with("users: "));
    assert!(refused(Generate { users: Some(0), ..usual() }).starts_with("users: "));
    assert_eq!(
        refused(Generate { rows: 10, days: 1, duplicates: Some(9), ..usual() }),
        "duplicates: at most 8 of 10 rows on 1 days can repeat another one of their day"
    );
}

fn sample_path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/retailrocket-sample.csv")
}

fn whole(path: impl Into<std::path::PathBuf>) -> Config {
    Config { path: path.into(), bad_rows: BadRowPolicy::Skip, ..Config::default() }
}

#[test]
fn info_tells_a_file_on_one_screen() {
    let mut info = info(&whole(sample_path())).unwrap();
    info.facts.file = "retailrocket-sample.csv".to_owned();
    let text = info.text();
    assert!(text.lines().count() <= 24 && text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::assert_snapshot!("info", text);
    let json = serde_json::to_string(&info).unwrap();
    assert_eq!(serde_json::from_str::<Info>(&json).unwrap(), info);
}

#[test]
fn info_counts_what_is_in_the_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "timestamp,visitorid,event,itemid,transactionid\n\
                1433000060000,1,view,5,\n1433000000000,1,view,5,\nbad\n1433000000000,2,addtocart,6,\n\
                1433000003000,2,transaction,6,0\n1433000003000,2,transaction,7,0\n1433000003000,2,transaction,7,0\n";
    fs::write(file.path(), text).unwrap();
    let info = info(&whole(file.path())).unwrap();
    let (facts, played) = (&info.facts, &info.at_recorded_speed);
    assert_eq!((facts.rows, facts.bad_rows.count, facts.span_recorded_ms), (6, 1, 60_000));
    assert_eq!(played.by_type.values().copied().collect::<Vec<_>>(), [1, 3, 2], "addtocart, transaction, view");
    assert_eq!((facts.visitors, facts.sessions, info.items, info.orders), (2, 2, 3, 1));
    assert_eq!((facts.descents, facts.equal_times, facts.duplicate_rows), (1, 3, 1));
    assert_eq!((played.peak_1s_per_s, played.peak_1min_per_s), (Some(3.0), Some(5.0 / 60.0)));
    assert_eq!(info.gap_ms, Quantiles { p50: 0, p90: 57_000, p99: 57_000, max: 57_000 });
    assert_eq!(played.mean_rate_per_s, Some(5.0 / 60.0));
    assert_eq!((info.hottest_items[0].item_id, info.hottest_items[0].events), (5, 2));
    assert!(
        info.text()
            .contains("bad rows       1 left out: unknown 1 (wrong_number_of_fields 1); line 4: 1 fields instead of 5")
    );
}

#[test]
fn a_preview_tells_a_replay_on_one_screen() {
    let config =
        Config { path: sample_path(), max_gap: Some(std::time::Duration::from_secs(600)), ..Config::default() };
    let partition_of = |key: &[u8]| key.iter().map(|byte| i32::from(*byte)).sum::<i32>() % 6;
    let due = |_: u64, offset: Nanos| Some(Nanos(offset.0 / 1_000));
    let partitions = Some(Partitions { count: 6, of: &partition_of });
    let recording = Recording::load(&config).unwrap();
    let forecast = recording.forecast(&Pace { due: Some(&due), partitions }).unwrap();
    let mut facts = recording.facts().clone();
    facts.file = "retailrocket-sample.csv".to_owned();
    insta::assert_snapshot!("preview", Preview { facts: &facts, forecast: &forecast }.to_string());

    let forever = Recording::load(&Config { rounds: Rounds::Forever, ..config }).unwrap();
    let forecast = forever.forecast(&Pace { due: None, partitions: None }).unwrap();
    let text = Preview { facts: &facts, forecast: &forecast }.to_string();
    assert!(
        text.contains("rounds without end of 10,000 events") && text.contains("as fast as the cluster takes it"),
        "{text}"
    );
}
