use super::*;

fn row(at_s: f64, sent: u64, p99: Option<u64>) -> TimelineRow {
    TimelineRow { at_s, sent, outstanding: sent / 2, response_p99_us: p99, ..TimelineRow::default() }
}

#[test]
fn a_long_run_is_drawn_in_stretches_that_add_up_and_keep_the_worst() {
    let timeline: Vec<_> = (1..=10).map(|n| row(f64::from(n), 100, Some(u64::from(n == 4) * 900 + 7))).collect();
    let spans = spans(&timeline, 4);
    assert_eq!(spans.len(), 4);
    assert_eq!(spans.iter().map(|span| span.sent).sum::<u64>(), 1_000);
    assert_eq!(spans.iter().map(|span| span.response_p99).max(), Some(Some(907)));
    assert!(
        (spans[0].rate(spans[0].sent).unwrap() - 100.0).abs() < 1e-9,
        "a rate is per second, however long the stretch"
    );
}

#[test]
fn a_page_says_how_long_its_points_are() {
    let rows = |minutes: u32, seconds: u32| -> Vec<_> {
        let ends = (1..=minutes).map(|n| n * 60).chain((1..=seconds).map(|n| minutes * 60 + n));
        ends.map(|at_s| row(f64::from(at_s) + 0.01, 1, None)).collect()
    };
    let each = |timeline: &[TimelineRow], most| seconds_each(&spans(timeline, most));
    assert_eq!(each(&rows(0, 100), 100), None);
    assert_eq!(each(&rows(0, 100), 50).as_deref(), Some("2 s"));
    assert_eq!(each(&rows(20, 600), 3_600).as_deref(), Some("60 s until 00:20:00 and 1 s from then on"));
    assert_eq!(each(&rows(120, 3_600), 3_600).as_deref(), Some("60 s until 02:00:00 and 3 s from then on"));
    assert_eq!(each(&rows(120, 3_600), 60).as_deref(), Some("3 m"));
    assert!(spans(&rows(1_380, 3_600), 3_600).len() <= 3_600);
}

#[test]
fn a_line_is_apart_where_values_are_missing() {
    let timeline = [row(1.0, 1, Some(5)), row(2.0, 1, None), row(3.0, 1, Some(6)), row(4.0, 1, Some(7))];
    let pieces = pieces(&spans(&timeline, 10), |span| {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        span.response_p99.map(|us| us as f64)
    });
    assert_eq!(pieces, [vec![(0.5, 5.0)], vec![(2.5, 6.0), (3.5, 7.0)]]);
}

#[test]
fn a_rate_of_the_part_of_a_second_at_the_end_is_not_drawn() {
    let spans = spans(&[row(1.0, 100, None), row(2.0, 100, None), row(2.1, 1, None)], 10);
    let rates: Vec<_> = spans.iter().map(|span| span.rate(span.sent).is_some()).collect();
    assert_eq!(rates, [true, true, false]);
    assert!(super::spans(&[row(0.4, 40, None)], 10)[0].rate(40).is_some(), "there is nothing else");
}

#[test]
fn a_quantile_that_most_seconds_lack_gives_way_to_a_lower_one_and_the_page_says_so() {
    let drawn = |p50: Option<u64>, p90: Option<u64>, p99: &dyn Fn(u32) -> Option<u64>| {
        let row = |n: u32| TimelineRow {
            response_p50_us: p50,
            response_p90_us: p90,
            response_max_us: Some(900),
            ..row(f64::from(n), 1_000, p99(n))
        };
        let (lines, note) = latencies(&spans(&(1..=20).map(row).collect::<Vec<_>>(), 100));
        (lines.iter().map(|(key, ..)| *key).filter(|key| key.starts_with("response")).collect::<Vec<_>>(), note)
    };
    let every = |_| Some(800);
    let half = |n: u32| Some(800).filter(|_| n.is_multiple_of(2));
    assert_eq!(drawn(Some(1), Some(2), &every), (vec!["response_max", "response_p99", "response_p50"], ""));
    let (lines, note) = drawn(Some(1), Some(2), &half);
    assert_eq!(lines, ["response_max", "response_p90", "response_p50"]);
    assert!(note.starts_with("p99 of a second needs 1,000 events"), "{note}");
    assert_eq!(drawn(Some(1), None, &half).0, ["response_max", "response_p50"]);
    assert_eq!(drawn(None, None, &|_| None).0, ["response_max"]);
}
