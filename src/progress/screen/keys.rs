//! What each key does.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::state::State;
use crate::run::Interrupts;

/// One press makes it so much faster or slower, in percent of the plan.
const STEP: u32 = 10;
/// The slowest and the fastest, in percent of the plan.
const SLOWEST: u32 = 10;
const FASTEST: u32 = 1_000;

/// What the keys do, for the help: key and meaning.
const SENDS: [(&str, &str); 3] = [
    ("p", "hold the run, and let it go on; nothing comes due meanwhile"),
    ("+ -", "faster, slower: by 10 % of the plan, from 10 % to 1,000 %"),
    ("0", "back to the plan"),
];
const ALWAYS: [(&str, &str); 5] = [
    ("q", "stop: what came due is sent, read back, judged and reported"),
    ("Ctrl-C", "the same; a second time ends at once"),
    ("↑ ↓", "what happened before, and back; page up, page down, home, end too"),
    ("g", "more gates, where there is not room for all"),
    ("?", "this help"),
];

/// Of a run, or of a reading, which has no rate to change.
pub(super) fn help(reading: bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    let sends = if reading { &[][..] } else { &SENDS[..] };
    sends.iter().chain(&ALWAYS).copied()
}

/// Does what a key asks for. Each change of the rate is marked on the timeline and told in the report.
pub(super) fn press(key: KeyEvent, state: &mut State, interrupts: &Interrupts) {
    if key.kind == KeyEventKind::Release {
        return;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => stop(state, interrupts),
        KeyCode::Char('q') if interrupts.count() == 0 => stop(state, interrupts),
        KeyCode::Char('?' | 'h') => state.help = !state.help,
        KeyCode::Esc => state.help = false,
        KeyCode::Up => state.scroll(1),
        KeyCode::Down => state.scroll(-1),
        KeyCode::PageUp => state.scroll(page(state)),
        KeyCode::PageDown => state.scroll(-page(state)),
        KeyCode::Home => state.scroll(isize::MAX),
        KeyCode::End => state.scroll(isize::MIN),
        KeyCode::Char('g') => state.next_gates(),
        KeyCode::Char('p' | ' ') => {
            // The rate before is what the run goes on at.
            let wished = if state.wished == 0 { state.before_hold.max(SLOWEST) } else { 0 };
            state.before_hold = state.wished;
            wish(wished, state, interrupts);
        }
        KeyCode::Char('+' | '=') => wish((state.wished + STEP).min(FASTEST), state, interrupts),
        KeyCode::Char('-' | '_') if state.wished > 0 => {
            wish(state.wished.saturating_sub(STEP).max(SLOWEST), state, interrupts);
        }
        KeyCode::Char('0') => wish(100, state, interrupts),
        _ => {}
    }
}

/// Lines that a page of what happened has.
fn page(state: &State) -> isize {
    isize::try_from(state.lists.room.get().0.max(1)).unwrap_or(1)
}

fn stop(state: &mut State, interrupts: &Interrupts) {
    state.stopping = true;
    interrupts.raise();
}

fn wish(percent: u32, state: &mut State, interrupts: &Interrupts) {
    if state.title.reading {
        return;
    }
    if let Some(reason) = state.title.fixed {
        state.note(format!("the rate stays: {reason}"));
        return;
    }
    if state.stopping || state.draining {
        return;
    }
    state.wished = percent;
    interrupts.set_percent(percent);
}

#[cfg(test)]
mod tests {
    use super::super::state::{NO_DUE_TIMES, Title};
    use super::*;

    fn pressed(keys: &str, state: &mut State) -> (u32, u32) {
        let interrupts = Interrupts::default();
        for key in keys.chars() {
            press(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE), state, &interrupts);
        }
        (interrupts.percent(), interrupts.count())
    }

    #[test]
    fn keys_change_the_rate_within_bounds_and_a_hold_ends_at_the_rate_before() {
        let after = |keys: &str| pressed(keys, &mut State::new(Title::default())).0;
        assert_eq!([after("+"), after("--"), after("p"), after("++p"), after("++pp")], [110, 80, 0, 0, 120]);
        assert_eq!([after(&"-".repeat(50)), after(&"+".repeat(500)), after("++++0")], [SLOWEST, FASTEST, 100]);
        assert_eq!(after("p-"), 0, "slower than not at all is not at all");
        assert_eq!(after("p+"), 10, "faster than not at all is slow");
    }

    #[test]
    fn q_stops_once_and_then_the_rate_stays() {
        let mut state = State::new(Title::default());
        assert_eq!(pressed("qq+", &mut state), (100, 1));
        assert!(state.stopping);
    }

    #[test]
    fn what_happened_scrolls_as_far_as_there_is_something_and_stays_where_it_is() {
        let mut state = State::new(Title::default());
        state.lists.room.set((3, 2));
        (0..10).for_each(|number| state.note(format!("note {number}")));
        let mut after = |key: KeyCode| {
            press(KeyEvent::new(key, KeyModifiers::NONE), &mut state, &Interrupts::default());
            state.lists.below
        };
        let keys = [KeyCode::Down, KeyCode::Up, KeyCode::PageUp, KeyCode::Home, KeyCode::PageDown];
        assert_eq!(keys.map(&mut after), [0, 1, 4, 7, 4]);
        state.note("one more".to_owned());
        assert_eq!(state.lists.below, 5, "the same lines are shown");
    }

    #[test]
    fn gates_turn_page_by_page() {
        let mut state = State::new(Title::default());
        state.lists.room.set((3, 2));
        state.gates = vec![crate::report::GateResult::default(); 5];
        let mut shown = Vec::new();
        for _ in 0..4 {
            state.next_gates();
            shown.push(state.lists.gate);
        }
        assert_eq!(shown, [2, 4, 0, 2]);
    }

    #[test]
    fn a_reading_has_no_rate_to_change() {
        let mut state = State::new(Title { reading: true, ..Title::default() });
        assert_eq!(pressed("+p-q", &mut state), (100, 1));
        assert!(state.happened.is_empty() && help(true).all(|(key, _)| key != "p"));
    }

    #[test]
    fn a_rate_that_cannot_be_changed_says_why() {
        let mut state = State::new(Title { fixed: Some(NO_DUE_TIMES), ..Title::default() });
        assert_eq!(pressed("+p", &mut state), (100, 0));
        let told: Vec<String> = state.happened.iter().map(super::super::state::Happened::text).collect();
        assert_eq!(told, [format!("the rate stays: {NO_DUE_TIMES} (2 times)")]);
    }
}
