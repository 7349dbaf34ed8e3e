//! What stands in each pane.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Sparkline, Table, Wrap};

use super::super::state::{FINDINGS, Second, State};
use super::{frame_title, pane};
use crate::figures::{self, as_f64};
use crate::report::{GateOutcome, GateResult};

/// A partition beside the mean of all: nothing, less, about as much, more, and so much more that it is skewed.
const SHADES: [(&str, Color); 5] =
    [("·", Color::DarkGray), ("░", Color::Blue), ("▒", Color::Green), ("▓", Color::Yellow), ("█", Color::Red)];
/// Times the mean up to which a partition has less, about as much, or more.
const STEPS: [f64; 3] = [0.75, 1.25, 1.5];

/// A figure of a second.
type Of = fn(&Second) -> u64;

/// Cells that a partition takes where there is room for its number and its rate.
const NUMBERED: u16 = 14;

/// Planned, offered, acked and seen: the last second, and those before on one scale.
pub(super) fn rates(frame: &mut Frame<'_>, area: Rect, state: &State) {
    if state.title.reading {
        reading(frame, area, state);
        return;
    }
    let rows: [(&str, Of, Color); 4] = [
        ("planned", |second| second.planned, Color::Gray),
        ("offered", |second| second.offered, Color::Cyan),
        ("acked", |second| second.acked, Color::Yellow),
        ("seen", |second| second.seen, Color::Green),
    ];
    let shown = if state.title.verifying { rows.len() } else { rows.len() - 1 };
    let most = state.seconds.iter().map(|s| s.planned.max(s.offered).max(s.acked).max(s.seen)).max().unwrap_or(0);
    let each = (area.height.saturating_sub(1) / u16::try_from(shown).unwrap_or(4)).max(1);
    for ((name, of, color), line) in rows.into_iter().take(shown).zip(blocks(area, each)) {
        let last = state.seconds.back().map_or(0, of);
        let text = format!(" {name:<8}{:>10} ", figures::count(last));
        chart(frame, line, &text, state.seconds.iter().map(of), most, color);
    }
    let bytes = area.height.saturating_sub(1) >= u16::try_from(shown).unwrap_or(4);
    if bytes && let Some(gap) = state.seconds.back() {
        let behind = gap.planned.saturating_sub(gap.offered);
        let text = format!(" {:<8}{:>10} ", "behind", figures::count(behind));
        frame.render_widget(Line::from(text).dim(), lines(area).nth(shown * usize::from(each)).unwrap_or_default());
    }
}

/// What is read in a second, in a chart as high as there is room for.
fn reading(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let (last, most) =
        (state.seconds.back().map_or(0, |second| second.seen), state.seconds.iter().map(|second| second.seen).max());
    let text = format!(" {:<8}{:>10} ", "read", figures::count(last));
    let seen = state.seconds.iter().map(|second| second.seen);
    chart(frame, area, &text, seen, most.unwrap_or(0), Color::Green);
}

/// Every event that was read, and what was found in them.
pub(super) fn read(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let read = &state.read;
    let mut parts = vec![Span::raw(" "), "█".green(), Span::raw(format!(" {} read", figures::count(read.seen)))];
    let missing = ("missing so far, or on their way", read.gaps);
    let found = FINDINGS.into_iter().zip(read.found).chain([missing]);
    for (name, count) in found {
        let text = format!("  {} {name}", figures::count(count));
        parts.push(if count == 0 { text.dim() } else { text.yellow() });
    }
    frame.render_widget(Paragraph::new(Line::from(parts)).wrap(Wrap { trim: true }), area);
}

/// Due and not acked, acked and not read, and the lag of the group that is looked at.
pub(super) fn backlog(frame: &mut Frame<'_>, area: Rect, state: &State) {
    type Figure = fn(&Second) -> Option<u64>;
    let rows: [(&str, Figure, Color); 2] = [
        ("not acked", |second| Some(second.unacked), Color::Yellow),
        ("not read", |second| second.unread, Color::Green),
    ];
    let (skipped, shown) = match (state.title.reading, state.title.verifying) {
        (true, _) => (1, 1),
        (false, true) => (0, 2),
        (false, false) => (0, 1),
    };
    let each = (area.height.saturating_sub(1) / u16::try_from(shown).unwrap_or(2)).max(1);
    let mut places = blocks(area, each);
    for (name, of, color) in rows.into_iter().skip(skipped).take(shown) {
        let Some(line) = places.next() else { return };
        let most = state.seconds.iter().filter_map(of).max().unwrap_or(0);
        let last = state.seconds.back().and_then(of).map_or_else(|| figures::NONE.to_owned(), figures::count);
        // A second of which nothing is known draws nothing.
        let drawn = state.seconds.iter().map(|second| of(second).unwrap_or(0));
        chart(frame, line, &format!(" {name:<10}{last:>10} "), drawn, most, color);
    }
    if let (Some(lag), Some(line)) = (state.group_lag, lines(area).nth(shown * usize::from(each))) {
        frame.render_widget(Line::from(format!(" {:<10}{:>10}", "group lag", figures::count(lag))), line);
    }
}

/// A row of text with a small chart behind it, the last value at its right end.
fn chart(frame: &mut Frame<'_>, area: Rect, text: &str, values: impl Iterator<Item = u64>, most: u64, color: Color) {
    let width = u16::try_from(Span::raw(text).width()).unwrap_or(area.width).min(area.width);
    let [left, right] = Layout::horizontal([Constraint::Length(width), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Line::from(text), left);
    let values: Vec<u64> = values.collect();
    let from = values.len().saturating_sub(usize::from(right.width));
    let chart = Sparkline::default().data(&values[from..]).max(most.max(1)).style(Style::new().fg(color));
    frame.render_widget(chart, right);
}

pub(super) fn latencies(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let time = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), figures::duration_us);
    let cell = |text: String| Cell::from(Line::from(text).right_aligned());
    // Of a second with few events p99 is not known.
    let is_known = state.latencies.is_empty() || state.latencies.iter().any(|(_, latency)| latency.p99.is_some());
    let rows = state.latencies.iter().map(|(name, latency)| {
        let high = if is_known { latency.p99 } else { latency.p90 };
        let figures = [latency.p50, high, latency.max].map(|us| cell(time(us)));
        Row::new(std::iter::once(Cell::from(format!(" {name}"))).chain(figures))
    });
    let head = ["p50", if is_known { "p99" } else { "p90" }, "max"].map(|name| cell(name.to_owned()));
    let head = Row::new(std::iter::once(Cell::from("")).chain(head)).dim();
    let widths = [Constraint::Length(11), Constraint::Length(8), Constraint::Length(8), Constraint::Length(8)];
    let height = u16::try_from(state.latencies.len() + 1).unwrap_or(area.height).min(area.height);
    let [table, rest] = Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Table::new(rows, widths).header(head).column_spacing(0), table);
    if rest.height > 2 {
        history(frame, rest, state);
    }
}

/// How response time went over the seconds, where there is height for it.
fn history(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let [title, chart] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let from = state.seconds.len().saturating_sub(usize::from(chart.width.saturating_sub(1)));
    // A second of which nothing is known draws nothing.
    let values: Vec<u64> = state.seconds.iter().skip(from).map(|second| second.response.unwrap_or(0)).collect();
    let most = values.iter().copied().max().unwrap_or(0);
    let what = if state.title.reading { "end-to-end" } else { "response" };
    let text = format!(" {what} by second, up to {}", figures::duration_us(most));
    frame.render_widget(Line::from(text).dim(), title);
    let inside = Rect { x: chart.x + 1, width: chart.width.saturating_sub(1), ..chart };
    let line = Sparkline::default().data(&values).max(most.max(1)).style(Style::new().fg(Color::Magenta));
    frame.render_widget(line, inside);
}

/// Every event that came due, by what is known of it: a bar whose whole is all of them.
pub(super) fn ledger(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let ledger = &state.ledger;
    let unread = if state.title.verifying { "unread" } else { "acked" };
    let parts = [
        ("seen", ledger.seen, Color::Green, "█"),
        (unread, ledger.acked, Color::Yellow, "▓"),
        ("in flight", ledger.waiting, Color::Cyan, "▒"),
        ("refused", ledger.refused, Color::Red, "×"),
        ("unanswered", ledger.unanswered, Color::Magenta, "?"),
        ("unsent", ledger.unsent, Color::DarkGray, "░"),
    ];
    let mut room = area.width;
    let mut bar: Vec<Span<'_>> = Vec::new();
    // Whatever there is shows: the first part, the largest as a rule, gives up the cells that the others need.
    for (_, count, color, cell) in parts.iter().skip(1).filter(|(_, count, ..)| *count > 0) {
        let share = figures::ratio(*count, ledger.scheduled).unwrap_or(0.0);
        let width = cells(share, area.width).max(1).min(room);
        room -= width;
        bar.push(Span::styled(cell.repeat(usize::from(width)), *color));
    }
    let first = if ledger.seen > 0 { room } else { 0 };
    bar.insert(0, "█".repeat(usize::from(first)).green());
    let mut legend = vec![Span::raw(format!(" {} due", figures::count(ledger.scheduled)))];
    for (name, count, color, cell) in parts {
        let always = matches!(name, "seen") && state.title.verifying;
        if count > 0 || always {
            legend.push(Span::raw("  "));
            legend.push(Span::styled(cell, color));
            legend.push(Span::raw(format!(" {} {name}", figures::count(count))));
        }
    }
    let [above, below] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Line::from(bar), above);
    frame.render_widget(Paragraph::new(Line::from(legend)).wrap(Wrap { trim: true }), below);
}

/// Acked events of each partition in the last second, as shades; where there are more partitions than cells, a cell is
/// several of them and shows the hottest.
pub(super) fn heat(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let partitions = &state.partitions;
    let (most, sum) = (partitions.iter().copied().max().unwrap_or(0), partitions.iter().sum::<u64>());
    let skew = figures::ratio(most.saturating_mul(partitions.len() as u64), sum);
    let skew = skew.map_or_else(String::new, |skew| format!(", hottest {} x the mean", figures::trimmed(skew, 2)));
    let topics = match state.topics.len() {
        0 => String::new(),
        topics => format!(" of {topics} topics"),
    };
    let title = match partitions.len() {
        1 => format!("1 partition{topics}"),
        count => format!("{count} partitions{topics}{skew}"),
    };
    let inside = pane(frame_title(&title), area, frame);
    let cells = usize::from(inside.width.saturating_sub(1)) * usize::from(inside.height);
    if cells == 0 || partitions.is_empty() {
        return;
    }
    let each = partitions.len().div_ceil(cells);
    let mean = figures::ratio(sum, partitions.len() as u64).unwrap_or(0.0);
    let shade = |acked: u64| {
        let acked = as_f64(acked);
        // Of a few events a second, chance alone makes some partition have many more.
        let is_chance = acked - mean < 3.0 * mean.sqrt();
        let step = if acked == 0.0 { 0 } else { 1 + STEPS.iter().filter(|step| acked > mean * **step).count() };
        SHADES[if is_chance { step.min(3) } else { step }]
    };
    let columns = usize::from(inside.width / NUMBERED);
    if partitions.len() <= columns * usize::from(inside.height) {
        let rows = partitions.len().div_ceil(columns.max(1)).max(1);
        for (index, acked) in partitions.iter().enumerate() {
            let (cell, color) = shade(*acked);
            let text = vec![
                format!("{index:>3} ").dim(),
                Span::styled(cell, color),
                Span::raw(format!(" {:<9}", figures::count(*acked))),
            ];
            let place = inside.columns().nth(index / rows * usize::from(NUMBERED)).unwrap_or_default();
            let place = Rect { y: place.y + u16::try_from(index % rows).unwrap_or(0), height: 1, ..place };
            frame.render_widget(Line::from(text), Rect { width: NUMBERED, ..place }.intersection(inside));
        }
        return;
    }
    let shades: Vec<Span<'_>> = partitions
        .chunks(each)
        .map(|some| shade(some.iter().copied().max().unwrap_or(0)))
        .map(|(cell, color)| Span::styled(cell, color))
        .collect();
    for (row, place) in shades.chunks(usize::from(inside.width.saturating_sub(1)).max(1)).zip(lines(inside)) {
        let mut line = vec![Span::raw(" ")];
        line.extend(row.iter().cloned());
        frame.render_widget(Line::from(line), place);
    }
}

pub(super) fn gates(frame: &mut Frame<'_>, area: Rect, state: &State) {
    if state.gates.is_empty() {
        frame.render_widget(Line::from(" none were given; those built in are judged at the end").dim(), area);
        return;
    }
    // Those that fail come first where there is not room for all.
    let mut gates: Vec<&GateResult> = state.gates.iter().collect();
    gates.sort_by_key(|gate| !gate.is_beyond());
    for (gate, place) in gates.iter().skip(first_gate(state)).zip(lines(area)) {
        let (mark, color) = match gate.result {
            GateOutcome::Pass => ("✓", Color::Green),
            _ if gate.is_beyond() => ("✗", Color::Red),
            GateOutcome::Fail => ("✗", Color::Red),
            GateOutcome::Unevaluated => ("…", Color::Yellow),
        };
        let so_far = [gate.measured(), gate.reason.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
        let so_far = if so_far.is_empty() { so_far } else { format!("   {so_far}") };
        let line = vec![Span::raw(" "), Span::styled(mark, color), Span::raw(format!(" {}", gate.rule)), so_far.dim()];
        frame.render_widget(Line::from(line), place);
    }
}

/// The first gate that is shown: where all have room, all are.
fn first_gate(state: &State) -> usize {
    let (_, room) = state.lists.room.get();
    if state.gates.len() <= room { 0 } else { state.lists.gate.min(state.gates.len() - 1) }
}

pub(super) fn gates_title(state: &State) -> String {
    let ((_, room), all) = (state.lists.room.get(), state.gates.len());
    if all <= room {
        return "gates as they stand".to_owned();
    }
    let first = first_gate(state);
    format!("gates as they stand, {} to {} of {all}: g shows more", first + 1, (first + room).min(all))
}

pub(super) fn events_title(state: &State) -> String {
    let (room, _) = state.lists.room.get();
    let hidden = state.happened.len().saturating_sub(room);
    let below = state.lists.below.min(hidden);
    match (hidden - below, below) {
        (0, 0) => "what happened".to_owned(),
        (above, 0) => format!("what happened: {above} more above"),
        (above, below) => format!("what happened: {above} more above, {below} below"),
    }
}

/// The latest at the bottom.
pub(super) fn events(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let hidden = state.happened.len().saturating_sub(usize::from(area.height));
    let from = hidden - state.lists.below.min(hidden);
    for (happened, place) in state.happened.iter().skip(from).zip(lines(area)) {
        let at = figures::clock(happened.from_s.floor());
        let until = figures::clock(happened.until_s.floor());
        let lasted = if until == at { String::new() } else { format!(", until {until}") };
        let line = vec![format!(" {at}  ").dim(), Span::raw(happened.text()), lasted.dim()];
        frame.render_widget(Line::from(line), place);
    }
    if state.happened.is_empty() {
        frame.render_widget(Line::from(" nothing but what was planned").dim(), area);
    }
}

/// The rows of an area, from the top.
fn lines(area: Rect) -> impl Iterator<Item = Rect> {
    area.rows()
}

/// Blocks of rows, from the top.
fn blocks(area: Rect, height: u16) -> impl Iterator<Item = Rect> {
    let step = usize::from(height.max(1));
    let tops = (area.y..area.bottom()).step_by(step);
    tops.map(move |y| Rect { y, height, ..area }.intersection(area))
}

/// So many of `room` cells as `share` is, 0 to 1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 65,535, and the cast saturates")]
pub(super) fn cells(share: f64, room: u16) -> u16 {
    ((share.clamp(0.0, 1.0) * f64::from(room)).floor() as u16).min(room)
}
