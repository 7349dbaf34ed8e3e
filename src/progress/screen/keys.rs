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
pub(super) const HELP: [(&str, &str); 6] = [
    ("p", "hold the run, and let it go on; nothing comes due meanwhile"),
    ("+ -", "faster, slower: by 10 % of the plan, from 10 % to 1,000 %"),
    ("0", "back to the plan"),
    ("q", "stop: what came due is sent, read back, judged and reported"),
    ("Ctrl-C", "the same; a second time ends at once"),
    ("?", "this help"),
];

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

fn stop(state: &mut State, interrupts: &Interrupts) {
    state.stopping = true;
    interrupts.raise();
}

fn wish(percent: u32, state: &mut State, interrupts: &Interrupts) {
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
    fn a_rate_that_cannot_be_changed_says_why() {
        let mut state = State::new(Title { fixed: Some(NO_DUE_TIMES), ..Title::default() });
        assert_eq!(pressed("+p", &mut state), (100, 0));
        let told: Vec<String> = state.happened.iter().map(super::super::state::Happened::text).collect();
        assert_eq!(told, [format!("the rate stays: {NO_DUE_TIMES} (2 times)")]);
    }
}
