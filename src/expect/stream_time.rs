//! How far the time of each task had come, and when: of each partition of the source apart.

use std::collections::VecDeque;

use super::source::Event;

/// How long after the event that closed a window another one must have been written before the window must have come out: Kafka
/// Streams looks for closed windows with an event, and at most once a second.
pub(super) const HOLDS_BACK: i64 = 1_000;
/// Event times are told apart to so many ms.
const STEP: i64 = 100;

/// From when to when the events of the run are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own {
    /// The earliest event time.
    pub(super) first: i64,
    /// The latest.
    pub(super) last: Option<i64>,
    /// When the first of them was written, and the last, in ms.
    written: (i64, i64),
}

impl Default for Own {
    fn default() -> Self {
        Self { first: i64::MAX, last: None, written: (i64::MAX, i64::MIN) }
    }
}

impl Own {
    pub(super) fn note(&mut self, Event { ts, at, is_own, .. }: Event<'_>) {
        if is_own {
            self.first = self.first.min(ts);
            self.last = self.last.max(Some(ts));
            self.written = (self.written.0.min(at), self.written.1.max(at));
        }
    }

    /// Whether it tells how long results take that what ends at `end` came so long after it, which events closed that were written between
    /// those times. What had ended before the run began has late events alone, and what events behind the run closed waited for them.
    pub(super) const fn times(&self, end: i64, (_, closed): (i64, i64)) -> bool {
        end > self.written.0 && closed <= self.written.1
    }
}

/// The largest event time that a partition of the source has brought to a task, and when each was first reached.
#[derive(Clone, Debug)]
struct Reached {
    most: i64,
    /// As it was when the run began.
    before: i64,
    /// When the last event was written.
    last_at: i64,
    /// Steps of event time, rising, with the time in ms at which the event was written that reached each first.
    steps: VecDeque<(i64, i64)>,
}

/// The stream times of the tasks behind a source of some partitions.
#[derive(Clone, Debug)]
pub(super) struct StreamTimes {
    /// By task, by partition of the source.
    tasks: Vec<Vec<Reached>>,
}

impl StreamTimes {
    pub(super) fn new(partitions: usize) -> Self {
        let none = Reached { most: i64::MIN, before: i64::MIN, last_at: i64::MIN, steps: VecDeque::new() };
        Self { tasks: vec![vec![none; partitions]; partitions] }
    }

    /// An event came; returns the largest time that its partition has brought to the task, this one included.
    pub(super) fn note(&mut self, task: usize, Event { partition, ts, at, is_own, .. }: Event<'_>) -> i64 {
        let reached = &mut self.tasks[task][partition];
        if !is_own {
            reached.before = reached.before.max(ts);
        }
        reached.last_at = reached.last_at.max(at);
        if ts > reached.most {
            reached.most = ts;
            let step = ts.div_euclid(STEP);
            if reached.steps.back().is_none_or(|(last, _)| *last < step) {
                reached.steps.push_back((step, at));
            }
        }
        reached.most
    }

    /// By task and partition, the largest event time before the run began.
    pub(super) fn before(&self) -> Vec<Vec<i64>> {
        self.tasks.iter().map(|task| task.iter().map(|reached| reached.before).collect()).collect()
    }

    /// When the last event was written that the task has taken.
    pub(super) fn last_at(&self, task: usize) -> i64 {
        self.tasks[task].iter().map(|reached| reached.last_at).max().unwrap_or(i64::MIN)
    }

    /// Between which times the event was written with which the task came to `time`: not before the first, and not after the second.
    /// [`i64::MAX`] where there is none.
    pub(super) fn came_to(&self, task: usize, time: i64) -> (i64, i64) {
        let first = |step: i64| {
            let of = |reached: &Reached| {
                let place = reached.steps.partition_point(|(known, _)| *known < step);
                reached.steps.get(place).map(|(_, at)| *at)
            };
            self.tasks[task].iter().filter_map(of).min().unwrap_or(i64::MAX)
        };
        let (from, rest) = (time.div_euclid(STEP), time.rem_euclid(STEP));
        (first(from), first(if rest == 0 { from } else { from + 1 }))
    }

    /// Forgets what lies before that event time.
    pub(super) fn forget_before(&mut self, time: i64) {
        let step = time.div_euclid(STEP);
        for reached in self.tasks.iter_mut().flatten() {
            while reached.steps.get(1).is_some_and(|(next, _)| *next <= step) {
                reached.steps.pop_front();
            }
        }
    }
}
