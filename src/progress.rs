//! The live view, on stderr: a bar that redraws in place on a terminal, a plain line every 5 s elsewhere; the whole terminal
//! where that is asked for.

use std::io::{IsTerminal, Write};
use std::time::Duration;

mod cadence;
mod glance;
pub mod line;
mod screen;
pub mod terminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use unicode_width::UnicodeWidthStr;

use crate::clock::Nanos;
use crate::figures::{self, as_f64};
use crate::logging::held::Lines;
use crate::report::GateResult;
use crate::run::{Stage, Tick};
use crate::width;
use cadence::Cadence;
use glance::{Glance, dotted};
pub use screen::{NO_DUE_TIMES, Screen, Shown};

/// What is shown while a run goes on.
#[derive(Debug)]
pub struct Progress {
    view: View,
    /// Events that will come due, where known.
    total: Option<u64>,
    /// When the schedule ends, where known.
    ends: Option<Nanos>,
    /// Whether events are read back.
    verifying: bool,
    /// When the second shown last ended.
    before: Nanos,
}

#[derive(Debug)]
enum View {
    Screen(Screen),
    Bar(ProgressBar),
    Lines { cadence: Cadence, draining: bool },
    Nothing,
}

impl Progress {
    /// A view under `title`. `shown`: whether there is to be one at all; `verifying`: whether events are read back.
    #[must_use]
    pub fn new(title: &str, total: Option<u64>, ends: Option<Nanos>, verifying: bool, shown: bool) -> Self {
        let view = if !shown {
            View::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr_with_hz(4));
            let template = "{prefix}\n {bar:32.cyan/dim} {msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("█▓░"));
            }
            bar.set_prefix(width::cut(title, terminal::columns(&std::io::stderr())));
            bar.tick();
            View::Bar(bar)
        } else {
            say(title);
            View::Lines { cadence: Cadence::default(), draining: false }
        };
        Self { view, total, ends, verifying, before: Nanos::ZERO }
    }

    /// A view on the whole terminal, which has been taken.
    #[must_use]
    pub fn on(screen: Screen, shown: &Shown<'_>) -> Self {
        let (total, verifying) = (shown.total, shown.verifying);
        Self { view: View::Screen(screen), total, ends: None, verifying, before: Nanos::ZERO }
    }

    /// Shows how it goes, with the gates as they stand.
    pub fn show(&mut self, tick: &Tick<'_>, gates: impl FnOnce() -> Vec<GateResult>) {
        let share = self.share(tick).map(|share| format!("{share:>3.0} %"));
        let seconds = tick.now.as_secs_f64() - self.before.as_secs_f64();
        self.before = tick.now;
        let glance = || Glance::of(tick, seconds, self.verifying);
        match &mut self.view {
            View::Nothing => {}
            View::Screen(screen) => screen.show(tick, gates()),
            View::Bar(bar) => {
                let (glance, columns) = (glance(), terminal::columns(&std::io::stderr()) - 1);
                let beside = share.into_iter().chain(left(tick, self.ends)).collect::<Vec<_>>().join("   ");
                let counts = width::fit(&format!(" {}", dotted(glance.counts.iter().cloned())), columns);
                bar.set_message(format!("{beside}\n{counts}\n {}", glance.speeds(columns - 1)));
            }
            View::Lines { cadence, draining } => {
                // That it drains is told at once, where there is anything to wait for.
                let total = tick.total;
                let drains =
                    tick.stage == Stage::Draining && !std::mem::replace(draining, tick.stage == Stage::Draining);
                let waits = total.sent > total.acked + total.refused + total.unanswered
                    || (self.verifying && total.acked > total.seen);
                if cadence.is_time(tick.now) || (drains && waits) {
                    let glance = glance();
                    let start = format!("{:>6.0} s {}", tick.now.as_secs_f64(), share.unwrap_or_default());
                    let start = format!("{}  {}", start.trim_end(), dotted(glance.counts.iter().cloned()));
                    let room = width::FULL.saturating_sub(start.width() + 3);
                    say(&format!("{start} · {}", glance.speeds(room)));
                }
            }
        }
        if let View::Bar(bar) = &self.view {
            bar.set_position(permille(self.share(tick).unwrap_or_default()));
        }
    }

    /// Takes the view away.
    pub fn end(self) {
        match self.view {
            View::Bar(bar) => bar.finish_and_clear(),
            View::Screen(screen) => drop(screen),
            View::Lines { .. } | View::Nothing => {}
        }
    }

    /// How much of the run is done, in percent.
    fn share(&self, tick: &Tick<'_>) -> Option<f64> {
        let by_count = self.total.filter(|total| *total > 0).map(|total| as_f64(tick.total.sent) / as_f64(total));
        let by_time = self.ends.filter(|end| *end > Nanos::ZERO).map(|end| tick.now.as_secs_f64() / end.as_secs_f64());
        by_count.or(by_time).map(|share| (share * 100.0).min(100.0))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1,000")]
fn permille(percent: f64) -> u64 {
    (percent * 10.0).clamp(0.0, 1000.0) as u64
}

/// How much is still to come, while it is sent.
fn left(tick: &Tick<'_>, ends: Option<Nanos>) -> Option<String> {
    let end = ends.filter(|end| tick.stage == Stage::Sending && *end > tick.now)?;
    Some(format!("{} left", figures::duration_s(Duration::from(end - tick.now).as_secs_f64().round())))
}

/// A line on stderr, beside any view: where one has the whole terminal, in it and behind it. Nobody reads along where stderr is
/// closed: the run goes on.
pub fn say(line: &str) {
    Lines.write_all(format!("{line}\n").as_bytes()).unwrap_or_default();
}
