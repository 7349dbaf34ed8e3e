//! One line of what goes on, where that is no run: redrawn in place on a terminal, a plain line every 5 s elsewhere.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::cadence::Cadence;
use super::say;
use crate::clock::Nanos;

/// The line.
#[derive(Debug)]
pub struct Line(View);

#[derive(Debug)]
enum View {
    Bar(ProgressBar),
    Lines(Cadence),
    Nothing,
}

impl Line {
    /// A line; `shown`: whether there is to be one at all.
    #[must_use]
    pub fn new(shown: bool) -> Self {
        Self(if !shown {
            View::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(4));
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            View::Bar(bar)
        } else {
            View::Lines(Cadence::default())
        })
    }

    /// Shows what is said of the time `now`.
    pub fn show(&mut self, now: Nanos, text: &str) {
        match &mut self.0 {
            View::Bar(bar) => bar.set_message(text.to_owned()),
            View::Lines(cadence) => {
                if cadence.is_time(now) {
                    say(text);
                }
            }
            View::Nothing => {}
        }
    }

    /// Takes it away.
    pub fn end(self) {
        if let View::Bar(bar) = self.0 {
            bar.finish_and_clear();
        }
    }
}
