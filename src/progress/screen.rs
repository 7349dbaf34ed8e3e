//! The whole terminal as a live view: `--tui`.
//!
//! A thread of its own draws and reads keys; a run hands it a tick a second. The terminal is given back on every way out:
//! at the end, on an error, and by a panic of any thread before its message is written.

mod frame;
mod keys;
mod state;

use std::io::{self, IsTerminal, Stderr};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

use crate::logging::held;
use crate::report::GateResult;
use crate::run::{Interrupts, Tick};
pub use state::NO_DUE_TIMES;
use state::{State, Title};

/// How long a key may wait for what it does, and a tick to be shown.
const GLANCE: Duration = Duration::from_millis(100);

/// Whether the terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal while a run goes on, or several after one another. It is given back with the last of its clones.
#[derive(Clone, Debug)]
pub struct Screen(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Arc<Mutex<State>>,
    changed: Sender<()>,
    drawing: Option<JoinHandle<io::Result<()>>>,
}

/// What is shown from the start.
#[derive(Debug)]
pub struct Shown<'a> {
    /// What runs against what.
    pub title: &'a str,
    /// Events that will come due, where known.
    pub total: Option<u64>,
    /// When the schedule ends, in seconds, where known.
    pub ends_s: Option<f64>,
    /// Whether events are read back.
    pub verifying: bool,
    /// Whether nothing is sent, only read.
    pub reading: bool,
    /// Why the rate cannot be changed, where it cannot.
    pub fixed: Option<&'static str>,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// Where stderr is none, or there is no keyboard.
    pub fn take(shown: &Shown<'_>, interrupts: Arc<Interrupts>) -> io::Result<Self> {
        if !io::stderr().is_terminal() {
            return Err(io::Error::other("stderr is no terminal"));
        }
        give_back_on_panic();
        held::hold();
        TAKEN.store(true, Ordering::SeqCst);
        let begun = begin(shown, interrupts);
        if begun.is_err() {
            give_back();
        }
        begun
    }

    /// Goes on with the next run. What happened before stays.
    pub fn begin(&self, shown: &Shown<'_>) {
        self.change(|state| state.begin(title(shown)));
    }

    /// Shows a second.
    pub(super) fn show(&self, tick: &Tick<'_>, gates: Vec<GateResult>) {
        self.change(|state| state.tick(tick, gates));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.state.lock().unwrap_or_else(PoisonError::into_inner));
        // A view that has failed has said so; the run goes on.
        self.0.changed.send(()).unwrap_or_default();
    }
}

impl Drop for Inner {
    /// Gives the terminal back.
    fn drop(&mut self) {
        // The thread ends when nobody can tell it anything any more.
        self.changed = mpsc::channel().0;
        let ended = self.drawing.take().map(JoinHandle::join);
        give_back();
        match ended {
            Some(Ok(Err(error))) => tracing::warn!("the live view failed: {error}"),
            Some(Err(_)) => tracing::warn!("the live view panicked"),
            Some(Ok(Ok(()))) | None => {}
        }
    }
}

fn begin(shown: &Shown<'_>, interrupts: Arc<Interrupts>) -> io::Result<Screen> {
    enable_raw_mode()?;
    execute!(io::stderr(), EnterAlternateScreen)?;
    let terminal = Terminal::new(CrosstermBackend::new(io::stderr()))?;
    let state = Arc::new(Mutex::new(State::new(title(shown))));
    let (changed, told) = mpsc::channel();
    let drawn = Arc::clone(&state);
    let drawing = thread::Builder::new().name("view".to_owned()).spawn(move || {
        let ended = run(terminal, &drawn, &told, &interrupts);
        // A view that cannot go on leaves the terminal to plain messages at once.
        give_back();
        ended
    })?;
    Ok(Screen(Arc::new(Inner { state, changed, drawing: Some(drawing) })))
}

fn title(shown: &Shown<'_>) -> Title {
    Title {
        text: shown.title.to_owned(),
        total: shown.total,
        ends_s: shown.ends_s,
        verifying: shown.verifying,
        reading: shown.reading,
        fixed: shown.fixed,
    }
}

/// Draws what changes and does what keys ask for, until the run's side is gone.
fn run(
    mut terminal: Terminal<CrosstermBackend<Stderr>>,
    state: &Mutex<State>,
    changes: &Receiver<()>,
    interrupts: &Interrupts,
) -> io::Result<()> {
    let mut logged = 0;
    let mut draw = true;
    loop {
        loop {
            match changes.try_recv() {
                Ok(()) => draw = true,
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Ok(()),
            }
        }
        let mut open = state.lock().unwrap_or_else(PoisonError::into_inner);
        for line in held::lines_after(&mut logged) {
            open.note(line.trim().to_owned());
            draw = true;
        }
        open.stopping |= interrupts.count() > 0;
        if std::mem::take(&mut draw) {
            terminal.draw(|frame| frame::draw(frame, &open))?;
        }
        drop(open);
        if event::poll(GLANCE)? {
            match event::read()? {
                Event::Key(key) => {
                    keys::press(key, &mut state.lock().unwrap_or_else(PoisonError::into_inner), interrupts);
                    draw = true;
                }
                Event::Resize(..) => draw = true,
                _ => {}
            }
        }
    }
}

/// Once for the process: a panic's message comes after the terminal is itself again.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            give_back();
            before(panicked);
        }));
    });
}

/// The terminal as it was, with what was logged meanwhile; a second time does nothing.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // Nothing more can be done for a terminal that takes no orders.
        let (left, cooked) = (execute!(io::stderr(), LeaveAlternateScreen, Show), disable_raw_mode());
        held::release();
        if let Err(error) = left.and(cooked) {
            tracing::warn!("the terminal may not be as it was: {error}");
        }
    }
}
