use ratatui::backend::TestBackend;
use ratatui::{Terminal, buffer::Buffer};

use super::super::state::{Latency, Ledger, Read, Second, Title};
use super::*;
use crate::report::{GateOutcome, GateResult};

/// A run in its second minute, with something of everything.
fn state() -> State {
    let title = Title {
        text: "synth → raw-events @ 127.0.0.1:9092    1,200,000 events, 2 m".to_owned(),
        total: Some(1_200_000),
        ends_s: Some(120.0),
        verifying: true,
        reading: false,
        fixed: None,
    };
    let mut state = State::new(title);
    for second in 0..83_u64 {
        let dip = if (40..46).contains(&second) { second - 39 } else { 0 };
        state.seconds.push_back(Second {
            planned: 10_000,
            offered: 10_000 - second % 3,
            acked: 10_000 - dip * 1_500,
            seen: 9_990 - dip * 1_400,
            unacked: 112 + dip * 9_000,
            unread: Some(340 + dip * 2_000),
            response: Some(9_600 + dip * 30_000),
        });
    }
    state.now_s = 83.0;
    state.latencies = vec![
        ("slip", Latency { p50: Some(540), p90: Some(540), p99: Some(1_100), max: Some(3_120) }),
        ("service", Latency { p50: Some(6_200), p90: Some(6_200), p99: Some(8_710), max: Some(39_900) }),
        ("response", Latency { p50: Some(6_740), p90: Some(6_740), p99: Some(9_600), max: Some(41_020) }),
        ("end-to-end", Latency { p50: Some(7_100), p90: Some(7_100), p99: None, max: Some(1_810_000) }),
    ];
    state.ledger =
        Ledger { scheduled: 830_000, seen: 829_548, acked: 340, waiting: 95, unsent: 17, refused: 0, unanswered: 0 };
    state.partitions = vec![3_400, 3_300, 1_200, 0, 1_100, 900];
    let gate = |rule: &str, value: Option<f64>, result, reason: Option<&str>| GateResult {
        rule: rule.to_owned(),
        value,
        result,
        reason: reason.map(str::to_owned),
        ..GateResult::default()
    };
    state.gates = vec![
        gate("response_time.p99 < 250ms", Some(9_600.0), GateOutcome::Pass, None),
        gate("end_to_end.p99 < 5ms", Some(10_900.0), GateOutcome::Fail, None),
        gate("lost == 0", None, GateOutcome::Unevaluated, Some("known at the end of the run")),
    ];
    for (at_s, what) in [(40.0, "rebalance of 3.1 s: a member joined"), (61.0, "rate set by hand to 110 % of the plan")]
    {
        state.now_s = at_s;
        state.note(what.to_owned());
    }
    state.now_s = 83.0;
    state
}

fn drawn(state: &State, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    terminal
}

#[test]
fn everything_has_room_on_80_by_24() {
    insta::assert_snapshot!(drawn(&state(), 80, 24).backend());
}

#[test]
fn a_lag_that_is_not_known_is_drawn_as_not_known() {
    let text = |state: &State| drawn(state, 80, 24).backend().to_string();
    let mut state = state();
    assert!(text(&state).contains("not read         340"), "{}", text(&state));
    state.seconds.back_mut().unwrap().unread = None;
    assert!(text(&state).contains("not read           -"), "{}", text(&state));
}

#[test]
fn a_larger_terminal_has_more_of_the_past() {
    let mut state = state();
    state.partitions = (0..48).map(|partition| 200 + partition * partition % 211).collect();
    state.percent = 110;
    state.wished = 120;
    state.group_lag = Some(1_234);
    insta::assert_snapshot!(drawn(&state, 120, 40).backend());
}

#[test]
fn the_height_of_a_large_terminal_is_used() {
    insta::assert_snapshot!(drawn(&state(), 150, 50).backend());
}

#[test]
fn what_happens_again_and_again_takes_one_line_that_counts() {
    let mut state = State::new(Title::default());
    for second in 1..=30_u32 {
        state.now_s = f64::from(second);
        state.note_events(100, "of other producers");
        if second == 7 {
            state.note("held by hand".to_owned());
        }
    }
    state.note("held by hand".to_owned());
    let text = drawn(&state, 80, 24).backend().to_string();
    assert!(text.contains("00:00:01  3,000 events of other producers, until 00:00:30"), "{text}");
    assert!(text.contains("00:00:07  held by hand ") && text.contains("00:00:30  held by hand "), "{text}");
}

#[test]
fn red_is_for_a_partition_beyond_one_and_a_half_times_the_mean_and_for_a_gate_beyond_its_limit() {
    let red = |state: &State| -> String {
        let buffer: Buffer = drawn(state, 120, 40).backend().buffer().clone();
        let red = buffer.content().iter().filter(|cell| cell.fg == ratatui::style::Color::Red);
        red.map(ratatui::buffer::Cell::symbol).collect()
    };
    let mut state = state();
    state.gates.clear();
    state.partitions = vec![1_000, 1_070, 1_000];
    assert_eq!(red(&state), "");
    state.partitions = vec![1_000, 4_000, 1_000];
    assert_eq!(red(&state), "█");
    state.partitions = vec![1, 3, 1];
    assert_eq!(red(&state), "", "chance");
    state.gates = vec![GateResult {
        rule: "response_time.p99 < 50ms".to_owned(),
        value: Some(293_000.0),
        reason: Some(format!("{}: the run is not valid", GateResult::BEYOND)),
        ..GateResult::default()
    }];
    assert_eq!(red(&state), "✗");
}

#[test]
fn a_reading_shows_what_was_read_and_nothing_of_sending() {
    let mut state = state();
    state.title = Title { text: "verify  raw-events @ 127.0.0.1:9092".to_owned(), ..Title::default() };
    (state.title.reading, state.title.verifying) = (true, true);
    state.latencies.drain(..3);
    state.read = Read { seen: 829_548, gaps: 3, found: [0, 0, 1, 0, 2_412] };
    insta::assert_snapshot!(drawn(&state, 80, 24).backend());
}

#[test]
fn lists_say_what_of_them_is_not_shown() {
    let mut state = state();
    let gate = |number: usize| GateResult { rule: format!("by_type.view.lost <= {number}"), ..GateResult::default() };
    state.gates = (0..9).map(gate).collect();
    (0..9).for_each(|number| state.note(format!("note {number}")));
    let text = |state: &State| drawn(state, 80, 24).backend().to_string();
    let first = text(&state);
    assert!(first.contains("gates as they stand, 1 to 6 of 9: g shows more"), "{first}");
    assert!(first.contains("note 8") && first.contains("more above"), "{first}");
    state.next_gates();
    state.scroll(isize::MAX);
    let last = text(&state);
    assert!(last.contains("7 to 9 of 9") && last.contains("lost <= 8") && !last.contains("lost <= 5"), "{last}");
    assert!(last.contains("what happened: 0 more above, ") && last.contains("rebalance of 3.1 s"), "{last}");
}

#[test]
fn of_a_second_with_few_events_p90_is_shown_in_place_of_p99() {
    let mut state = state();
    state.latencies.iter_mut().for_each(|(_, latency)| latency.p99 = None);
    let text = drawn(&state, 80, 24).backend().to_string();
    assert!(text.contains("p50     p90     max") && !text.contains("p99     max"), "{text}");
}

#[test]
fn a_held_run_says_so_and_help_lies_over_the_view() {
    let mut state = state();
    (state.percent, state.wished, state.help) = (0, 0, true);
    insta::assert_snapshot!(drawn(&state, 80, 24).backend());
}

#[test]
fn a_terminal_that_is_too_small_shows_a_sentence() {
    insta::assert_snapshot!(drawn(&state(), 50, 8).backend());
}

#[test]
fn no_size_breaks_the_view() {
    let (state, empty) = (state(), State::new(Title::default()));
    for width in [1, 20, 71, 72, 73, 80, 200, 500] {
        for height in [1, 5, 19, 20, 21, 24, 60] {
            drawn(&state, width, height);
            drawn(&empty, width, height);
        }
    }
}

#[test]
fn whatever_there_is_shows_in_the_ledger() {
    let mut state = state();
    state.ledger.refused = 1;
    let buffer: Buffer = drawn(&state, 80, 24).backend().buffer().clone();
    let text: String = buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect();
    assert!(text.contains('×') && text.contains("1 refused"), "{text}");
}
