//! The timeline of a run of any length: every second of the last hour, minutes before that, and in the end longer rows.

use std::collections::VecDeque;

use crate::report::{JoinedSeconds, TimelineRow};

/// Marks that a joined row keeps; the rest are counted.
const MOST_MARKS: usize = 20;

/// How long after its second has ended a row may be cut and still count as of that second, in seconds.
const CUT_LATE_S: f64 = 0.05;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detail {
    /// Rows younger than this are kept as they are, in seconds.
    pub fine_s: f64,
    /// Older ones are joined to rows of this length, in seconds.
    pub coarse_s: f64,
    /// When there are this many of these, neighbours are joined, and the length doubles.
    pub most_coarse: usize,
}

impl Default for Detail {
    /// Every second of the last hour, every minute of the week before it.
    fn default() -> Self {
        Self { fine_s: 3_600.0, coarse_s: 60.0, most_coarse: 7 * 24 * 60 }
    }
}

/// Which part of a run a row is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The warm-up: nothing in it is judged.
    WarmUp,
    /// What it was made for: events are sent, or read.
    Sending,
    /// The end, in which the last answers are waited for.
    Draining,
}

/// A timeline in bounded memory. A row reaches from the end of the one before it to its own `at_s`.
#[derive(Clone, Debug)]
pub struct Timeline {
    detail: Detail,
    coarse: Vec<TimelineRow>,
    fine: VecDeque<(TimelineRow, Part)>,
    joined: Option<Box<JoinedSeconds>>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self::new(Detail::default())
    }
}

impl Timeline {
    /// An empty timeline.
    #[must_use]
    pub fn new(detail: Detail) -> Self {
        Self { detail, coarse: Vec::new(), fine: VecDeque::new(), joined: None }
    }

    /// The timeline of a run that is over and whose rows are seconds.
    #[must_use]
    pub fn of(rows: Vec<TimelineRow>, warm_up_s: f64) -> Self {
        let sends = |row: &TimelineRow| row.scheduled > 0 || row.sent > 0;
        let sending = rows.iter().rposition(sends).map_or(rows.len(), |last| last + 1);
        let (mut timeline, mut start_s) = (Self::default(), 0.0);
        for (place, row) in rows.into_iter().enumerate() {
            let part = match place {
                _ if start_s < warm_up_s => Part::WarmUp,
                place if place < sending => Part::Sending,
                _ => Part::Draining,
            };
            start_s = row.at_s;
            timeline.push(row, part);
        }
        timeline
    }

    /// Takes the next row; its end must not be earlier than that of the one before.
    pub fn push(&mut self, row: TimelineRow, part: Part) {
        let now = row.at_s;
        self.fine.push_back((row, part));
        loop {
            let Some((oldest, _)) = self.fine.front() else { return };
            // Rows are joined along whole minutes, so that minutes line up whenever the run started to rotate.
            let ends = ((oldest.at_s - CUT_LATE_S) / self.detail.coarse_s).floor().max(0.0) * self.detail.coarse_s
                + self.detail.coarse_s;
            if now - ends < self.detail.fine_s {
                return;
            }
            let count = self.fine.iter().take_while(|(row, _)| row.at_s <= ends + CUT_LATE_S).count().max(1);
            for (row, part) in self.fine.range(..count).filter(|(_, part)| *part != Part::WarmUp) {
                self.joined.get_or_insert_default().add(row, *part == Part::Sending);
            }
            let joined = joined(self.fine.drain(..count).map(|(row, _)| row));
            self.coarse.extend(joined);
            if self.coarse.len() >= self.detail.most_coarse.max(2) {
                self.halve();
            }
        }
    }

    /// All rows, oldest first, and what the longer ones say of the seconds in them.
    #[must_use]
    pub fn into_rows(self) -> (Vec<TimelineRow>, Option<Box<JoinedSeconds>>) {
        let mut rows = self.coarse;
        rows.extend(self.fine.into_iter().map(|(row, _)| row));
        (rows, self.joined)
    }

    fn halve(&mut self) {
        self.detail.coarse_s *= 2.0;
        let coarse_s = self.detail.coarse_s;
        let slot = |row: &TimelineRow| ((row.at_s - CUT_LATE_S) / coarse_s).floor();
        let rows = std::mem::take(&mut self.coarse);
        let groups = rows.chunk_by(|a, b| slot(a).total_cmp(&slot(b)).is_eq());
        self.coarse = groups.filter_map(|group| joined(group.iter().cloned())).collect();
    }
}

/// One row for several: counts are summed, levels are those at the end, the median is the median of the rows' medians
/// (each as often as the row has events), and every other quantile is that of the worst row: a joined row never looks
/// better than what it was made from.
fn joined(rows: impl Iterator<Item = TimelineRow>) -> Option<TimelineRow> {
    let mut medians: Vec<(u64, u64)> = Vec::new();
    let mut backlogs: Vec<u64> = Vec::new();
    let mut more_marks = 0;
    let mut sum: Option<TimelineRow> = None;
    for row in rows {
        medians.extend(row.response_p50_us.map(|median| (median, row.acked.max(1))));
        backlogs.extend(row.backlog);
        let Some(before) = sum.take() else {
            sum = Some(row);
            continue;
        };
        let mut marks = before.marks;
        for mark in row.marks {
            if marks.len() < MOST_MARKS {
                marks.push(mark);
            } else {
                more_marks += 1;
            }
        }
        sum = Some(TimelineRow {
            at_s: row.at_s,
            scheduled: before.scheduled + row.scheduled,
            sent: before.sent + row.sent,
            acked: before.acked + row.acked,
            seen: before.seen + row.seen,
            failed: before.failed + row.failed,
            refused: before.refused + row.refused,
            outstanding: row.outstanding,
            backlog: None,
            // What was not known in a part of the row is not known of the row.
            group_lag: before.group_lag.and(row.group_lag),
            unread: before.unread.and(row.unread),
            response_p50_us: None,
            response_p90_us: before.response_p90_us.max(row.response_p90_us),
            response_p99_us: before.response_p99_us.max(row.response_p99_us),
            response_max_us: before.response_max_us.max(row.response_max_us),
            service_p99_us: before.service_p99_us.max(row.service_p99_us),
            end_to_end_p90_us: before.end_to_end_p90_us.max(row.end_to_end_p90_us),
            end_to_end_p99_us: before.end_to_end_p99_us.max(row.end_to_end_p99_us),
            slip_p90_us: before.slip_p90_us.max(row.slip_p90_us),
            slip_p99_us: before.slip_p99_us.max(row.slip_p99_us),
            lateness_p99_us: before.lateness_p99_us.max(row.lateness_p99_us),
            capped_p99_us: before.capped_p99_us.max(row.capped_p99_us),
            cpu_ms: added(before.cpu_ms, row.cpu_ms),
            throttled_ms: added(before.throttled_ms, row.throttled_ms),
            machine_busy_percent: before.machine_busy_percent.max(row.machine_busy_percent),
            rss_kib: row.rss_kib.or(before.rss_kib),
            marks,
        });
    }
    let mut sum = sum?;
    sum.response_p50_us = weighted_median(medians);
    sum.backlog = mean(&backlogs);
    if more_marks > 0 {
        sum.marks.push(format!("and {more_marks} more"));
    }
    Some(sum)
}

/// The sum of what is known.
fn added(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.zip(other).map(|(one, other)| one + other).or(one).or(other)
}

fn mean(values: &[u64]) -> Option<u64> {
    values.iter().sum::<u64>().checked_div(values.len() as u64)
}

fn weighted_median(mut values: Vec<(u64, u64)>) -> Option<u64> {
    values.sort_unstable();
    let half = values.iter().map(|(_, weight)| weight).sum::<u64>().div_ceil(2);
    let mut passed = 0;
    values.into_iter().find_map(|(value, weight)| {
        passed += weight;
        (passed >= half).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn second(at_s: u32) -> TimelineRow {
        TimelineRow {
            at_s: at_s.into(),
            scheduled: 10,
            sent: 10,
            acked: 9,
            outstanding: at_s.into(),
            backlog: Some(at_s.into()),
            response_p50_us: Some(u64::from(at_s % 60)),
            response_p99_us: Some(if at_s == 30 { 9_000 } else { 100 }),
            cpu_ms: Some(5),
            rss_kib: Some(1_000 + u64::from(at_s)),
            ..TimelineRow::default()
        }
    }

    fn timeline(seconds: u32, detail: Detail) -> Timeline {
        let mut timeline = Timeline::new(detail);
        (1..=seconds).for_each(|at_s| timeline.push(second(at_s), Part::Sending));
        timeline
    }

    #[test]
    fn the_last_hour_is_kept_by_the_second_and_minutes_before() {
        let rows = timeline(3 * 3_600, Detail::default()).into_rows().0;
        assert_eq!(rows.len(), 120 + 3_600);
        let ends: Vec<_> = rows.iter().map(|row| row.at_s).collect();
        assert_eq!((ends[0], ends[1], ends[119], ends[120]), (60.0, 120.0, 7_200.0, 7_201.0));
    }

    #[test]
    fn rows_that_are_cut_a_moment_late_belong_to_their_minutes() {
        let mut timeline = Timeline::new(Detail { fine_s: 0.0, ..Detail::default() });
        for at_s in 1_u32..=180 {
            timeline.push(TimelineRow { at_s: f64::from(at_s) + 0.003, ..second(at_s) }, Part::Sending);
        }
        let sent: Vec<_> = timeline.into_rows().0.iter().map(|row| row.sent).collect();
        assert_eq!(sent, [600, 600, 600]);
    }

    #[test]
    fn a_run_of_an_hour_is_kept_whole() {
        assert_eq!(timeline(3_600, Detail::default()).into_rows().0.len(), 3_600);
    }

    #[test]
    fn a_minute_never_looks_better_than_its_seconds() {
        let rows = timeline(3_660, Detail::default()).into_rows().0;
        let minute = &rows[0];
        assert_eq!((minute.scheduled, minute.sent, minute.acked), (600, 600, 540), "counts are summed");
        assert_eq!((minute.outstanding, minute.rss_kib), (60, Some(1_060)), "levels are those at the end");
        assert_eq!(minute.backlog, Some(30), "a mean is that of the means");
        assert_eq!((minute.response_p50_us, minute.response_p99_us), (Some(29), Some(9_000)));
        assert_eq!(minute.cpu_ms, Some(300));
    }

    #[test]
    fn a_minute_of_which_a_second_is_not_known_is_not_known() {
        let mut timeline = Timeline::new(Detail { fine_s: 0.0, ..Detail::default() });
        for at_s in 1_u32..=120 {
            let (unread, group_lag) = (Some(3).filter(|_| at_s != 30), Some(4).filter(|_| at_s != 90));
            timeline.push(TimelineRow { unread, group_lag, ..second(at_s) }, Part::Sending);
        }
        let known: Vec<_> = timeline.into_rows().0.iter().map(|row| (row.unread, row.group_lag)).collect();
        assert_eq!(known, [(None, Some(4)), (Some(3), None)]);
    }

    #[test]
    fn marks_are_kept_but_not_without_end() {
        let mut timeline = Timeline::new(Detail { fine_s: 0.0, ..Detail::default() });
        for at_s in 1_u32..=60 {
            timeline.push(TimelineRow { marks: vec![format!("mark {at_s}")], ..second(at_s) }, Part::Sending);
        }
        let marks = timeline.into_rows().0.swap_remove(0).marks;
        assert_eq!((marks.len(), marks[0].as_str(), marks[20].as_str()), (21, "mark 1", "and 40 more"));
    }

    #[test]
    fn rows_far_apart_are_joined_with_nobody() {
        let mut timeline = Timeline::default();
        for at_s in [1, 5_000, 10_000, 20_000] {
            timeline.push(second(at_s), Part::Sending);
        }
        assert_eq!(
            timeline.into_rows().0.iter().map(|row| row.at_s).collect::<Vec<_>>(),
            [1.0, 5_000.0, 10_000.0, 20_000.0]
        );
    }

    #[test]
    fn what_is_said_of_joined_seconds_is_true_of_each_of_them_in_so_far_as_they_are_judged() {
        let mut timeline = Timeline::new(Detail { fine_s: 0.0, ..Detail::default() });
        for at_s in 1_u32..=180 {
            let part = match at_s {
                ..=60 => Part::WarmUp,
                61..=120 => Part::Sending,
                _ => Part::Draining,
            };
            let unread = Some(u64::from(at_s)).filter(|_| at_s != 100);
            timeline.push(TimelineRow { sent: u64::from(at_s), unread, ..second(at_s) }, part);
        }
        let (rows, joined) = timeline.into_rows();
        let joined = joined.unwrap();
        assert_eq!((rows.len(), joined.count, joined.most.at_s), (3, 60, 180.0));
        assert_eq!((joined.least.sent, joined.most.sent, joined.sum.sent), (61, 180, (61..=120).sum()));
        assert_eq!((joined.least.unread, joined.known.unread), (Some(61), Some(59)), "one is not known");
        assert_eq!((joined.sum.unread, joined.known.group_lag), (Some((61..=120).sum::<u64>() - 100), Some(0)));
        assert_eq!((joined.least.response_p99_us, joined.most.cpu_ms), (Some(100), Some(5)));
    }

    proptest! {
        #[test]
        fn nothing_is_counted_twice_or_lost_and_memory_is_bounded(
            seconds in 1_u32..5_000, fine in 0_u32..200, coarse in 1_u32..120, most in 2_usize..40
        ) {
            let detail = Detail { fine_s: fine.into(), coarse_s: coarse.into(), most_coarse: most };
            let timeline = timeline(seconds, detail);
            let longest = timeline.detail.coarse_s;
            prop_assert!(timeline.coarse.len() < most.max(2));
            let fine_rows = u32::try_from(timeline.fine.len()).unwrap();
            prop_assert!(f64::from(fine_rows) <= f64::from(fine) + longest + 1.0);
            let (rows, _) = timeline.into_rows();
            prop_assert_eq!(rows.iter().map(|row| row.scheduled).sum::<u64>(), u64::from(seconds) * 10);
            prop_assert!(rows.windows(2).all(|pair| pair[0].at_s < pair[1].at_s));
            prop_assert!((rows.last().unwrap().at_s - f64::from(seconds)).abs() < 1e-9);
        }
    }
}
