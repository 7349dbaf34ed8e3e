//! The planned rate as a small picture for a terminal.

use super::Schedule;
use super::float::{float, floor};
use crate::clock::Nanos;
use crate::units;

/// The smallest picture in which something can be seen, in columns and lines.
const SMALLEST: (usize, usize) = (24, 5);
/// What is drawn of a plan that has no end.
const ENDLESS: Nanos = Nanos::from_secs(60);
/// Columns for the rate beside a line, and for that with the axis.
const LABEL: usize = 7;
const MARGIN: usize = LABEL + 2;
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Draws the rate that `schedule` plans over its whole length, `width` columns wide and `height` lines high (at least
/// 24 and 5). Each column shows the mean rate of its time; where the highest rate is much above that, a line says so.
/// A schedule without a plan in time (a recording, `unlimited`) gives one line that says that.
#[must_use]
pub fn chart(schedule: &Schedule, width: usize, height: usize) -> String {
    let (width, height) = (width.max(SMALLEST.0), height.max(SMALLEST.1));
    let Some(peak) = schedule.peak() else {
        return format!("{}: no rate is planned, so there is nothing to draw\n", schedule.name());
    };
    let (end, endless) = horizon(schedule);
    let columns = width - MARGIN;
    let means = column_means(schedule, end, columns);
    let top = means.iter().copied().fold(0.0, f64::max);

    // Below the bars: the axis, the phases' names where there are several, the times.
    let names = schedule.phases().len() > 1;
    let mut lines = bars(&means, top, height - 2 - usize::from(names));
    let share = |start: Nanos| float(start.0.into()) / float(end.0.into()) * float(columns as u128);
    let starts: Vec<_> = schedule
        .starts()
        .map(|start| usize::try_from(floor(share(start))).unwrap_or(columns).min(columns - 1))
        .collect();
    let axis: String = (0..columns).map(|column| if starts.contains(&column) { '┬' } else { '─' }).collect();
    lines.push(format!("{:>LABEL$} └{axis}", ""));
    if names {
        let ends = starts.iter().copied().skip(1).chain([columns]);
        let rooms = starts.iter().zip(ends).map(|(start, end)| end.saturating_sub(*start));
        let titles = schedule.phases().zip(rooms).map(|(phase, room)| {
            let name: String = phase.name.chars().take(room.saturating_sub(1)).collect();
            format!("{name:room$}")
        });
        lines.push(format!("{:MARGIN$}{}", "", titles.collect::<String>()));
    }
    let whole = end.0.is_multiple_of(1_000_000_000);
    let last = if whole { units::of_duration(end.into()) } else { end.to_string() };
    let last = if endless { format!("{last} …") } else { last };
    lines.push(format!("{:MARGIN$}0s{last:>rest$}", "", rest = columns - 2));
    if peak > 1.05 * top {
        lines.push(format!("{:MARGIN$}peak {}, for less than a column", "", rate(peak)));
    }
    lines.iter().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// The mean rate in the time of each column.
fn column_means(schedule: &Schedule, end: Nanos, columns: usize) -> Vec<f64> {
    let edge = |column: usize| {
        let at = u128::from(end.0) * column as u128 / columns as u128;
        Nanos(u64::try_from(at).unwrap_or(u64::MAX))
    };
    let events = |column| schedule.expected_before(edge(column)).unwrap_or_default();
    (0..columns)
        .map(|column| (events(column + 1) - events(column)) / (edge(column + 1) - edge(column)).as_secs_f64())
        .collect()
}

fn bars(means: &[f64], top: f64, lines: usize) -> Vec<String> {
    let eighth = |mean: f64, line: usize| {
        let eighths = floor((mean / top * float(lines as u128) - float(line as u128)) * 8.0 + 0.5);
        // A rate above 0 is never drawn as nothing.
        let shown = if line == 0 && mean > 0.0 { eighths.max(1) } else { eighths };
        EIGHTHS[usize::try_from(shown).unwrap_or(8).min(8)]
    };
    let bar = |line: usize| {
        let label = match line {
            0 => rate(0.0),
            _ if line == lines - 1 => rate(top),
            _ => String::new(),
        };
        let bar: String = means.iter().map(|mean| eighth(*mean, line)).collect();
        format!("{label:>LABEL$} ┤{bar}")
    };
    (0..lines).rev().map(bar).collect()
}

/// How much is drawn, and whether the plan goes on after it.
fn horizon(schedule: &Schedule) -> (Nanos, bool) {
    if let Some(end) = schedule.ends_at() {
        return (end, false);
    }
    let mut cursor = super::Cursor::default();
    let last = schedule.count().and_then(|count| count.checked_sub(1));
    match last.map(|last| schedule.due(&mut cursor, last, Nanos::ZERO)) {
        Some(super::Due::At(instant, _)) => (instant + Nanos(1), false),
        _ => (schedule.starts().last().unwrap_or_default() + ENDLESS, true),
    }
}

/// Three digits and the unit: `1.50k/s`.
fn rate(per_second: f64) -> String {
    let (value, unit) = match per_second {
        rate if rate >= 999_500.0 => (rate / 1e6, "M/s"),
        rate if rate >= 999.5 => (rate / 1e3, "k/s"),
        rate => (rate, "/s"),
    };
    let text = match value {
        value if value >= 99.95 => format!("{value:.0}"),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::{Phase, PhaseConfig, phases};

    fn drawn(shapes: &[(&str, &str)], limit: Option<u64>) -> String {
        let configs = shapes.iter().map(|(shape, duration)| PhaseConfig {
            duration: (!duration.is_empty()).then(|| duration.parse().unwrap()),
            ..shape.parse().unwrap()
        });
        chart(&Schedule::new(phases(configs.collect()).unwrap(), limit).unwrap(), 60, 9)
    }

    #[test]
    fn a_plan_is_drawn_phase_by_phase() {
        insta::assert_snapshot!(drawn(
            &[
                ("ramp:0..20000", "30s"),
                ("sine:mean=12000,amplitude=8000,period=20s", "40s"),
                ("spike:base=2000,peak=18000,at=10s,hold=5s", "30s"),
            ],
            None
        ));
    }

    #[test]
    fn bursts_shorter_than_a_column_are_named() {
        insta::assert_snapshot!(drawn(&[("bursts:50000,on=10ms,off=90ms", "1h")], None));
    }

    #[test]
    fn a_plan_without_an_end_is_drawn_for_a_while() {
        insta::assert_snapshot!(drawn(&[("steps:100,200,400,each=20s", ""), ("constant:0.5", "")], None));
    }

    #[test]
    fn a_count_ends_the_picture() {
        assert!(drawn(&[("constant:1000", "")], Some(5_000)).trim_end().ends_with("4.999000001s"));
    }

    #[test]
    fn what_has_no_plan_says_so() {
        assert_eq!(drawn(&[("unlimited", "")], None), "unlimited: no rate is planned, so there is nothing to draw\n");
    }

    #[test]
    fn a_picture_never_exceeds_its_size() {
        for (width, height) in [(0, 0), (24, 5), (80, 12), (200, 50)] {
            let schedule =
                Schedule::new(vec![Phase::try_from("poisson:7".parse::<PhaseConfig>().unwrap()).unwrap()], None);
            let drawn = chart(&schedule.unwrap(), width, height);
            assert_eq!(drawn.lines().count(), height.max(5));
            assert!(drawn.lines().all(|line| line.chars().count() <= width.max(24)), "{drawn}");
        }
    }

    #[test]
    fn rates_are_written_with_three_digits() {
        for (value, text) in [
            (0.0, "0/s"),
            (0.5, "0.5/s"),
            (12.34, "12.3/s"),
            (999.6, "1k/s"),
            (1_500.0, "1.5k/s"),
            (250_000.0, "250k/s"),
            (1e6, "1M/s"),
        ] {
            assert_eq!(rate(value), text);
        }
    }
}
