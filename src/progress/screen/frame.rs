//! The view itself: where everything stands, by the terminal's size.

mod panes;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Clear, Paragraph, Wrap};

use super::keys;
use super::state::State;
use crate::figures;

/// The smallest terminal that has room for all of it.
pub(super) const LEAST: (u16, u16) = (72, 20);

/// Draws a run as it stands.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(frame, area);
        return;
    }
    // Height that is to spare goes to charts first, half of it, and the rest to what happened.
    let gates = u16::try_from(state.gates.len().max(1)).unwrap_or(u16::MAX).min(area.height / 4);
    let spare = area.height.saturating_sub(24 + gates.saturating_sub(3));
    let (rate_rows, backlog_rows) = (1 + (spare / 8).min(4), 1 + (spare / 12).min(3));
    let [title, bar, top, ledger, middle, gates, events, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(2 + 4 * rate_rows),
        Constraint::Length(if area.height < 24 { 3 } else { 4 }),
        Constraint::Length(2 + 2 * backlog_rows),
        Constraint::Length(gates + 1),
        Constraint::Min(2),
        Constraint::Length(1),
    ])
    .areas(area);
    let [rates, latencies] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(37)]).spacing(1).areas(top);
    let [heat, backlog] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).spacing(1).areas(middle);
    headline(frame, title, state);
    progress(frame, bar, state);
    let inside = pane(frame_title("events/s"), rates, frame);
    panes::rates(frame, inside, state);
    let inside = pane(frame_title("latency of the last second"), latencies, frame);
    panes::latencies(frame, inside, state);
    let all = if state.title.reading { "every event that was read" } else { "every event that came due" };
    let all = if state.results.is_empty() { all.to_owned() } else { format!("{all} · {}", state.results) };
    let inside = pane(frame_title(&all), ledger, frame);
    if state.title.reading {
        panes::read(frame, inside, state);
    } else {
        panes::ledger(frame, inside, state);
    }
    panes::heat(frame, heat, state);
    let inside = pane(frame_title("backlog"), backlog, frame);
    panes::backlog(frame, inside, state);
    let of = |area: Rect| usize::from(area.height.saturating_sub(1));
    state.lists.room.set((of(events), of(gates)));
    let inside = pane(frame_title(&panes::gates_title(state)), gates, frame);
    panes::gates(frame, inside, state);
    let inside = pane(frame_title(&panes::events_title(state)), events, frame);
    panes::events(frame, inside, state);
    footer(frame, keys, state);
    if state.help {
        help(frame, area, state);
    }
}

/// A pane's frame; what is left for its inside.
fn pane(title: Line<'_>, area: Rect, frame: &mut Frame<'_>) -> Rect {
    let block = Block::new().borders(Borders::TOP).border_style(Style::new().dim()).title(title);
    let inside = block.inner(area);
    frame.render_widget(block, area);
    inside
}

fn frame_title(text: &str) -> Line<'static> {
    Line::from(format!(" {text} ")).not_dim().bold()
}

fn too_small(frame: &mut Frame<'_>, area: Rect) {
    let text = format!(
        "This terminal is {} x {}; the view needs {} x {}. The run goes on: make it larger, or press q to stop and report.",
        area.width, area.height, LEAST.0, LEAST.1
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
}

fn headline(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let doing = match (state.draining, state.stopping, state.percent) {
        (true, ..) => "draining".yellow(),
        (false, true, _) => "stopping".yellow(),
        (false, false, 0) => "HELD".black().on_yellow(),
        _ if state.title.reading => "reading".green(),
        _ => "sending".green(),
    };
    let now = figures::clock(state.now_s.floor());
    let right = Line::from(vec![doing, Span::raw(format!("  {now}"))]).right_aligned();
    let [left, end] =
        Layout::horizontal([Constraint::Fill(1), Constraint::Length(u16::try_from(right.width()).unwrap_or(20))])
            .spacing(1)
            .areas(area);
    frame.render_widget(Line::from(state.title.text.as_str()).bold(), left);
    frame.render_widget(right, end);
}

fn progress(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let Some(done) = state.done() else { return };
    let label = format!(" {:>3.0} %", (done * 100.0).floor());
    let room = area.width.saturating_sub(u16::try_from(label.len()).unwrap_or(6));
    let filled = panes::cells(done, room);
    frame.render_widget(
        Line::from(vec![
            "█".repeat(usize::from(filled)).cyan(),
            "░".repeat(usize::from(room - filled)).dim(),
            Span::raw(label),
        ]),
        area,
    );
}

fn footer(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let rate = match (state.percent, state.wished) {
        (percent, wished) if percent != wished => format!("rate {percent} % → {wished} % of the plan"),
        (0, _) => "held: nothing comes due".to_owned(),
        (100, _) => "rate as planned".to_owned(),
        (percent, _) => format!("rate {percent} % of the plan"),
    };
    let rate = if state.title.reading { String::new() } else { rate };
    let hold = if state.wished == 0 { "go on" } else { "hold" };
    let keys = [("p", hold), ("+", "faster"), ("-", "slower"), ("0", "plan"), ("q", "stop"), ("?", "help")];
    // A rate that cannot be changed has no keys.
    let from = if state.title.reading || state.title.fixed.is_some() { 4 } else { 0 };
    let keys = &keys[from..];
    let keys = keys.iter().flat_map(|(key, what)| [key.bold().cyan(), Span::raw(format!(" {what}  "))]);
    let right = Line::from(rate).right_aligned();
    let width = u16::try_from(right.width()).unwrap_or(30);
    let [left, end] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(width)]).areas(area);
    frame.render_widget(keys.collect::<Line<'_>>(), left);
    let changed = state.percent != 100 || state.wished != 100;
    frame.render_widget(if changed { right.yellow() } else { right.dim() }, end);
}

fn help(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let lines = keys::help(state.title.reading)
        .map(|(key, what)| Line::from(vec![format!(" {key:<7}").bold(), Span::raw(what)]));
    let mut lines: Vec<Line<'_>> = lines.collect();
    if !state.title.reading {
        lines.push(Line::default());
        lines.push(Line::from(" Changes of the rate are marked on the timeline and told in the report.").dim());
    }
    let height = u16::try_from(lines.len() + 2).unwrap_or(area.height).min(area.height);
    let place = area.centered(Constraint::Length(LEAST.0.min(area.width)), Constraint::Length(height));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" keys ")), place);
}

#[cfg(test)]
mod tests;
