//! The live view, on stderr: a bar that redraws in place on a terminal, a plain line every 5 s elsewhere; the whole terminal
//! where that is asked for.

use std::io::{IsTerminal, Write};
use std::time::Duration;

mod screen;

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::clock::Nanos;
use crate::figures::{self, as_f64};
use crate::report::{GateResult, TimelineRow};
use crate::run::{Interrupts, Stage, Tick};
use screen::Screen;
pub use screen::{NO_DUE_TIMES, Shown};

/// Seconds between two lines where there is no terminal.
const LINES_EVERY: u64 = 5;

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
}

#[derive(Debug)]
enum View {
    Screen(Screen),
    Bar(ProgressBar),
    Lines { next: Nanos },
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
            bar.set_prefix(title.to_owned());
            bar.tick();
            View::Bar(bar)
        } else {
            say(title);
            View::Lines { next: Nanos::from_secs(LINES_EVERY) }
        };
        Self { view, total, ends, verifying }
    }

    /// The whole terminal as a view, whose keys ask for what they mean by `interrupts`.
    ///
    /// # Errors
    /// Where there is no terminal.
    pub fn screen(shown: &Shown<'_>, interrupts: Arc<Interrupts>) -> std::io::Result<Self> {
        let screen = Screen::take(shown, interrupts)?;
        Ok(Self { view: View::Screen(screen), total: shown.total, ends: None, verifying: shown.verifying })
    }

    /// Shows how it goes, with the gates as they stand.
    pub fn show(&mut self, tick: &Tick<'_>, gates: impl FnOnce() -> Vec<GateResult>) {
        let share = self.share(tick);
        let (counts, speeds) = match tick.gaps {
            Some(gaps) => (read(tick, gaps), reading(tick)),
            None => (counts(tick, self.verifying), speeds(tick, self.ends, self.verifying)),
        };
        match &mut self.view {
            View::Nothing => {}
            View::Screen(screen) => screen.show(tick, gates()),
            View::Bar(bar) => {
                bar.set_position(permille(share.unwrap_or_default()));
                let percent = share.map_or(String::new(), |share| format!("{share:>3.0} %   "));
                bar.set_message(format!("{percent}{counts}\n {speeds}"));
            }
            View::Lines { next } => {
                if tick.now + Nanos::from_millis(500) >= *next || tick.stage == Stage::Draining {
                    *next = Nanos((tick.now.0 / 1_000_000_000 / LINES_EVERY + 1) * LINES_EVERY * 1_000_000_000);
                    let percent = share.map_or(String::new(), |share| format!(" {share:.0} %"));
                    say(&format!("{:>6.0} s{percent}  {counts}  {speeds}", tick.now.as_secs_f64()));
                }
            }
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

fn counts(tick: &Tick<'_>, verifying: bool) -> String {
    let total = tick.total;
    let behind = |count: u64| match tick.scheduled.saturating_sub(count) {
        0 => "+0".to_owned(),
        behind => format!("−{}", figures::count(behind)),
    };
    let seen = if verifying { format!("   seen {}", behind(total.seen)) } else { String::new() };
    format!(
        "{} due   sent {}   acked {}{seen}",
        figures::count(tick.scheduled),
        behind(total.sent),
        behind(total.acked)
    )
}

/// What a verifier alone has read so far.
fn read(tick: &Tick<'_>, gaps: u64) -> String {
    let (total, found) = (tick.total, tick.total.found);
    let awaited = tick.awaited.map_or_else(String::new, |awaited| still_awaited(awaited, tick.row.unread));
    format!(
        "{} seen   open gaps {}   invalid {}   foreign {}   duplicates {}   reordered {}{awaited}",
        figures::counted(total.seen, "event"),
        figures::count(gaps),
        figures::count(found.invalid),
        figures::count(found.foreign),
        figures::count(found.duplicates),
        figures::count(found.reordered)
    )
}

/// What is still to come of as many records as were asked for. Where everything is read, only somebody who writes can bring them.
fn still_awaited(awaited: u64, lag: Option<u64>) -> String {
    let all_read = if lag == Some(0) && awaited > 0 { "all is read, " } else { "" };
    format!("   {all_read}{} more awaited", figures::count(awaited))
}

fn reading(tick: &Tick<'_>) -> String {
    let p99 = tick.row.end_to_end_p99_us.map_or_else(|| "-".to_owned(), figures::duration_us);
    format!("now {}/s   end-to-end p99 {p99}   lag {}", figures::count(tick.row.seen), lag(tick.row))
}

/// How far reading is behind, where that is known.
fn lag(row: &TimelineRow) -> String {
    row.unread.map_or_else(|| "-".to_owned(), figures::count)
}

fn speeds(tick: &Tick<'_>, ends: Option<Nanos>, verifying: bool) -> String {
    let row = tick.row;
    let time = |us: Option<u64>| us.map_or_else(|| "-".to_owned(), figures::duration_us);
    let left = match (tick.stage, ends) {
        (Stage::Draining, _) => "    draining".to_owned(),
        (Stage::Sending, Some(end)) if end > tick.now => {
            format!("    {} left", figures::duration_s(Duration::from(end - tick.now).as_secs_f64().round()))
        }
        _ => String::new(),
    };
    let reading = if verifying {
        format!("   end-to-end p99 {}   lag {}", time(row.end_to_end_p99_us), lag(row))
    } else {
        String::new()
    };
    let group = row.group_lag.map_or(String::new(), |lag| format!("   group lag {}", figures::count(lag)));
    let slip = row.slip_p99_us.map_or(String::new(), |us| format!("   slip p99 {}", figures::duration_us(us)));
    format!(
        "now {}/s   response p50 {}  p99 {}  max {}{reading}{group}{slip}{left}",
        figures::count(row.sent),
        time(row.response_p50_us),
        time(row.response_p99_us),
        time(row.response_max_us),
    )
}

/// Nobody reads along where stderr is closed: the run goes on.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lag_that_is_not_known_is_told_as_not_known() {
        let of = |unread| lag(&TimelineRow { unread, ..TimelineRow::default() });
        assert_eq!((of(Some(1_200)).as_str(), of(Some(0)).as_str(), of(None).as_str()), ("1,200", "0", "-"));
    }
    #[test]
    fn that_all_is_read_and_more_is_awaited_is_told() {
        assert_eq!(still_awaited(40, Some(0)), "   all is read, 40 more awaited");
        assert_eq!(still_awaited(40, Some(7)), "   40 more awaited");
        assert_eq!(still_awaited(40, None), "   40 more awaited", "whether all is read is not known");
        assert_eq!(still_awaited(0, Some(0)), "   0 more awaited");
    }
}
