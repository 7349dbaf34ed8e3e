//! What a replay will be, before it starts: how long, how fast, how hot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Nanos;

use super::Recording;
use super::config::Rounds;
use super::error::LoadError;
use super::row::Action;
use super::timeline::Timeline;
use super::visits::{HotKey, Hottest};

/// Keys that are counted at a time: 128 MiB of them.
const KEYS_AT_A_TIME: u64 = 1 << 24;

/// When an event is due, by its number and its offset in the recording; `None` where the schedule ends before it.
pub type DueFn<'a> = &'a dyn Fn(u64, Nanos) -> Option<Nanos>;

/// The events of a recording that are due before a schedule ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueEvents {
    /// How many, all rounds together.
    pub count: u64,
    /// When the last of them is due.
    pub last: Nanos,
}

/// When and where events go. The schedule and the partitioner come from outside: the forecast and the run must ask the
/// same ones.
#[derive(Clone, Copy)]
pub struct Pace<'a> {
    /// When events are due; without it they have no due times: as fast as they are taken.
    pub due: Option<DueFn<'a>>,
    /// Where keys go; without it the partitions' heat is left out.
    pub partitions: Option<Partitions<'a>>,
}

/// How keys are spread.
#[derive(Clone, Copy)]
pub struct Partitions<'a> {
    /// How many there are.
    pub count: u32,
    /// The partition of a key.
    pub of: &'a dyn Fn(&[u8]) -> i32,
}

/// What playing a recording means.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Events that will be due, all rounds together; `None` where only something else ends it.
    pub events: Option<u64>,
    /// Events of the first round, on which all that follows rests.
    pub round_events: u64,
    /// `1`, `5`, `forever`.
    pub rounds: Rounds,
    /// From the first to the last recorded time of the first round, ms.
    pub span_recorded_ms: u64,
    /// Whether events have due times.
    #[serde(default)]
    pub has_due_times: bool,
    /// From the first to the last due time, all rounds together, ns; `None` without due times or without an end.
    pub wall_ns: Option<Nanos>,
    /// The mean of the first round, events per second; of rounds that follow one another, from the start of one to that of
    /// the next. `None` without due times, and where all are due at one instant.
    pub mean_rate_per_s: Option<f64>,
    /// The busiest second of the first round, counted in seconds since the start: events per second. `None` where the
    /// round is shorter.
    pub peak_1s_per_s: Option<f64>,
    /// The busiest minute of the first round, counted in minutes since the start: events per second. `None` where the
    /// round is shorter.
    pub peak_1min_per_s: Option<f64>,
    /// Events by type.
    pub by_type: BTreeMap<String, u64>,
    /// Distinct keys.
    pub users: u64,
    /// The keys with the most events.
    pub hottest_users: Vec<HotKey>,
    /// The hottest key's events in percent of all.
    pub hottest_share_percent: f64,
    /// Events by partition.
    pub partitions: Vec<PartitionHeat>,
    /// Events of the hottest partition, divided by the mean over all.
    pub partition_skew: Option<f64>,
    /// Events whose gap to the one before is played shorter than recorded.
    pub gaps_capped: u64,
}

/// How much of the load one partition takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionHeat {
    /// Its number.
    pub partition: i32,
    /// Its events in the first round.
    pub events: u64,
}

pub(super) fn forecast(recording: &Recording, pace: &Pace<'_>) -> Result<Forecast, LoadError> {
    let walk = Walk::over(recording, pace)?;
    let (users, hottest) = count_users(recording, walk.events)?;
    let hottest_users = hottest.into_keys();
    let played = match pace.due {
        None => None,
        Some(_) if walk.events < recording.round_len() => Some(DueEvents { count: walk.events, last: walk.last_due }),
        Some(due) => due_events(recording, due)?,
    };
    let (events, wall_ns) = match pace.due {
        None => (recording.len(), None),
        Some(_) => (played.map(|played| played.count), played.map(|played| played.last)),
    };
    // The second round shows how the rounds follow one another.
    let next_round = match (pace.due, recording.rounds()) {
        (Some(due), rounds) if rounds != Rounds::ONCE && walk.events == recording.round_len() => {
            due(recording.round_len(), recording.plan().round_offset)
        }
        _ => None,
    };
    let timed = pace.due.is_some();
    // A window longer than the whole would tell a rate below the mean as a peak.
    let lasts = |seconds| timed && walk.last_due >= Nanos::from_secs(seconds);
    Ok(Forecast {
        events,
        round_events: walk.events,
        rounds: recording.rounds(),
        span_recorded_ms: walk.last_ms - walk.first_ms,
        has_due_times: timed,
        wall_ns,
        mean_rate_per_s: match next_round {
            Some(next) => rate(walk.events, next),
            None => timed.then(|| rate(walk.events.saturating_sub(1), walk.last_due)).flatten(),
        },
        peak_1s_per_s: lasts(1).then(|| ratio(walk.seconds.most, 1)),
        peak_1min_per_s: lasts(60).then(|| ratio(walk.minutes.most, 60)),
        by_type: walk.by_type(),
        users,
        hottest_share_percent: hottest_users.first().map_or(0.0, |key| 100.0 * ratio(key.events, walk.events)),
        hottest_users,
        partition_skew: walk.skew(),
        partitions: walk.heat(),
        gaps_capped: walk.gaps_capped,
    })
}

/// Of whole rounds only the last event is asked for; the round in which the schedule ends is walked through.
pub(super) fn due_events(recording: &Recording, due: DueFn<'_>) -> Result<Option<DueEvents>, LoadError> {
    let (plan, events) = (recording.plan(), recording.round_len());
    let starts = |round: u64| (events.saturating_mul(round), Nanos(plan.round_offset.0.saturating_mul(round)));
    let last_of = |round: u64| {
        let (first, start) = starts(round);
        due(first.saturating_add(events - 1), Nanos(start.0.saturating_add(recording.round_span.0)))
    };
    let rounds = match recording.rounds() {
        Rounds::Count(rounds) => u64::from(rounds),
        Rounds::Forever => u64::MAX,
    };
    let Some(whole) = whole_rounds(rounds, |round| last_of(round).is_some()) else { return Ok(None) };
    let mut found = DueEvents {
        count: events.saturating_mul(whole),
        last: whole.checked_sub(1).and_then(last_of).unwrap_or_default(),
    };
    if whole == rounds {
        return Ok(Some(found));
    }
    let (first, start) = starts(whole);
    let mut timeline = Timeline::new(recording.rows());
    while let Some(event) =
        timeline.next(recording.rows(), &plan.once()).map_err(|error| unreadable(recording, error))?
    {
        let offset = Nanos(start.0.saturating_add(event.offset.0));
        let Some(due) = due(first.saturating_add(event.number), offset) else { break };
        found = DueEvents { count: found.count + 1, last: due };
    }
    Ok(Some(found))
}

/// How many of the first rounds are due to their ends; `None` where no end is in sight.
fn whole_rounds(rounds: u64, is_due: impl Fn(u64) -> bool) -> Option<u64> {
    /// More rounds than any run has seconds.
    const NO_END: u64 = 1 << 40;
    let (mut whole, mut step) = (0, 1);
    while whole < rounds && is_due(whole + step.min(rounds - whole) - 1) {
        whole += step.min(rounds - whole);
        step *= 2;
        if whole > NO_END {
            return None;
        }
    }
    // Round `whole + step - 1` is not: by halves back to the first one that is not.
    let mut beyond = rounds.min(whole + step - 1);
    while whole < beyond {
        let middle = whole + (beyond - whole) / 2;
        if is_due(middle) {
            whole = middle + 1;
        } else {
            beyond = middle;
        }
    }
    Some(whole)
}

/// One round of the timeline at a pace.
#[derive(Default)]
struct Walk {
    events: u64,
    first_ms: u64,
    last_ms: u64,
    last_due: Nanos,
    seconds: Windows,
    minutes: Windows,
    by_type: [u64; 4],
    by_partition: Vec<u64>,
    gaps_capped: u64,
}

impl Walk {
    fn over(recording: &Recording, pace: &Pace<'_>) -> Result<Self, LoadError> {
        let plan = recording.plan().once();
        let mut timeline = Timeline::new(recording.rows());
        let mut walk = Self::default();
        let mut partitions = pace.partitions.map(|partitions| (vec![0; partitions.count as usize], partitions.of));
        let mut key = itoa::Buffer::new();
        while let Some(event) = timeline.next(recording.rows(), &plan).map_err(|error| unreadable(recording, error))? {
            if let Some(due) = pace.due {
                let Some(due) = due(event.number, event.offset) else { break };
                walk.last_due = due;
                walk.seconds.add(due.0 / 1_000_000_000);
                walk.minutes.add(due.0 / 60_000_000_000);
            }
            if walk.events == 0 {
                walk.first_ms = event.time_ms;
            }
            walk.events += 1;
            walk.last_ms = event.time_ms;
            walk.by_type[match event.action {
                Action::View => 0,
                Action::AddToCart => 1,
                Action::Transaction => 2,
                Action::Stock => 3,
            }] += 1;
            walk.gaps_capped += u64::from(event.capped);
            // Inventory has a topic of its own.
            if let Some((counts, of)) = partitions.as_mut().filter(|_| event.action != Action::Stock) {
                let partition = of(key.format(event.user).as_bytes());
                if let Some(count) = usize::try_from(partition).ok().and_then(|partition| counts.get_mut(partition)) {
                    *count += 1;
                }
            }
        }
        walk.by_partition = partitions.map(|(counts, _)| counts).unwrap_or_default();
        Ok(walk)
    }

    fn by_type(&self) -> BTreeMap<String, u64> {
        let named = ["view", "addtocart", "transaction", "inventory"].map(str::to_owned).into_iter().zip(self.by_type);
        // Recordings are of the first three; the fourth comes with item properties.
        named.filter(|(name, count)| name != "inventory" || *count > 0).collect()
    }

    fn heat(&self) -> Vec<PartitionHeat> {
        (0..).zip(&self.by_partition).map(|(partition, events)| PartitionHeat { partition, events: *events }).collect()
    }

    fn skew(&self) -> Option<f64> {
        let hottest = self.by_partition.iter().max()?;
        let all: u64 = self.by_partition.iter().sum();
        (all > 0).then(|| ratio(hottest * self.by_partition.len() as u64, all))
    }
}

/// Counts in consecutive windows of time; remembers the fullest.
#[derive(Default)]
struct Windows {
    current: u64,
    count: u64,
    most: u64,
}

impl Windows {
    fn add(&mut self, window: u64) {
        if window != self.current {
            self.current = window;
            self.count = 0;
        }
        self.count += 1;
        self.most = self.most.max(self.count);
    }
}

/// Distinct users of the first `events` events and the hottest of them: exact, in as many walks as memory asks for.
fn count_users(recording: &Recording, events: u64) -> Result<(u64, Hottest), LoadError> {
    let plan = recording.plan().once();
    let walks = events.div_ceil(KEYS_AT_A_TIME).max(1);
    let (mut users, mut hottest) = (0, Hottest::default());
    for walk in 0..walks {
        let mut timeline = Timeline::new(recording.rows());
        let mut keys = Vec::new();
        for _ in 0..events {
            match timeline.next(recording.rows(), &plan).map_err(|error| unreadable(recording, error))? {
                Some(event) if event.user % walks == walk && event.action != Action::Stock => keys.push(event.user),
                Some(_) => {}
                None => break,
            }
        }
        keys.sort_unstable();
        for same in keys.chunk_by(|a, b| a == b) {
            users += 1;
            hottest.offer(HotKey { user_id: same[0], events: same.len() as u64 });
        }
    }
    Ok((users, hottest))
}

fn unreadable(recording: &Recording, source: std::io::Error) -> LoadError {
    recording.rows().failed(source).into()
}

fn rate(events: u64, within: Nanos) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a rate needs 15 digits, not 19")]
    (events > 0 && within > Nanos::ZERO).then(|| events as f64 / within.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs 15 digits, not 19")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
