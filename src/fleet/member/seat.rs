//! What a shard has of its fleet: the topic, what was heard in it, and what its stamps say of this machine's clock.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{LISTEN, PROBES, SeatPlan, rounds};
use crate::clock::{Anchor, Clock, Monotonic, Nanos, Zero, wall_unix_ns};
use crate::fleet::channel::{Channel, Heard, Sent};
use crate::fleet::offset::{Bracket, GOOD_BOUND_NS, Offset, Track};
use crate::fleet::record::{Announcement, End, Progress, Record, Who};
use crate::fleet::roll::{Roll, Shard};
use crate::fleet::{BEAT, FleetError, check_clock, host};
use crate::report::fleet::{ClockOffset, ClockReport, FleetReport, ShardReport, ShardState};

/// What has the seat: the topic, and what was heard in it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) channel: Channel,
    pub(super) who: Who,
    pub(super) roll: Roll,
    /// Records of this process whose stamps have not been read.
    unstamped: BTreeMap<i64, (Moment, Sent)>,
    brackets: BTreeMap<Moment, Vec<Bracket>>,
    /// The same against the monotonic clock, by which events are due.
    track: Track,
    /// The broker's clock less that one as it was taken to be at the start.
    pub(super) started_at_ns: Option<i64>,
    /// Lost shards that have been told.
    pub(super) lost: Vec<u16>,
    /// Why this shard is none any more, or the run ends for another one.
    pub(super) broken: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Moment {
    Before,
    During,
    After,
}

impl Seat {
    /// Reads the topic, and has no seat yet.
    pub(super) fn new(wanted: &SeatPlan) -> Result<Self, FleetError> {
        let who = Who {
            run: wanted.run.clone(),
            shard: wanted.shard,
            of: wanted.of,
            attempt: 1,
            host: host(),
            pid: std::process::id(),
        };
        Ok(Self {
            channel: Channel::open(wanted.topic.clone())?,
            roll: Roll::new(wanted.of),
            who,
            unstamped: BTreeMap::new(),
            brackets: BTreeMap::new(),
            track: Track::default(),
            started_at_ns: None,
            lost: Vec::new(),
            broken: None,
        })
    }

    pub(super) fn say(&mut self, said: Announcement, moment: Moment) -> Result<(), FleetError> {
        self.say_often(said, moment, 1)
    }

    /// Says how far this shard is: twice where its clock is not known well any more, since the first record of a transaction
    /// brackets a stamp less closely.
    pub(super) fn say_progress(&mut self, progress: Progress) -> Result<(), FleetError> {
        let times = self.track.records_of_a_beat(self.channel.clock().now());
        self.say_often(Announcement::Beat(progress), Moment::During, times)
    }

    /// As one transaction: the first record of one waits until its partition belongs to it, the others do not.
    fn say_often(&mut self, said: Announcement, moment: Moment, times: usize) -> Result<(), FleetError> {
        let record = Record { who: self.who.clone(), said };
        // Plain data has no way to fail.
        let body = serde_json::to_vec(&record).unwrap_or_default();
        if let Some(sent) = self.channel.say(&record.key(), &body, times)? {
            self.unstamped.extend(sent.into_iter().map(|sent| (sent.offset, (moment, sent))));
            return Ok(());
        }
        // The one who came says so right after it took the seat.
        let clock = Monotonic::start();
        let ours = self.who.attempt;
        let newer = |roll: &Roll| {
            let (_, shard) = roll.shards().find(|(number, _)| *number == record.who.shard)?;
            shard.who.filter(|who| who.attempt > ours)
        };
        let mut by = None;
        while by.is_none() && clock.now() < Nanos::from(BEAT) + Nanos::from(BEAT) {
            self.hear(LISTEN)?;
            by = newer(&self.roll);
        }
        let Who { shard, of, .. } = self.who;
        Err(FleetError::Fenced { shard: format!("{shard}/{of}"), by })
    }

    pub(super) fn hear(&mut self, wait: Duration) -> Result<(), FleetError> {
        let Self { channel, who, roll, unstamped, brackets, track, .. } = self;
        channel.hear(wait, |heard| note(heard, &who.run, roll, unstamped, (brackets, track))).map(|_| ())
    }

    pub(super) fn hear_all(&mut self) -> Result<(), FleetError> {
        let Self { channel, who, roll, unstamped, brackets, track, .. } = self;
        channel.hear_all(|heard| note(heard, &who.run, roll, unstamped, (brackets, track)))
    }

    /// Whether the run can be entered.
    pub(super) fn check_open(&self) -> Result<(), FleetError> {
        let run = self.who.run.clone();
        match self.roll.start_ms() {
            Some(start_ms) => Err(FleetError::Begun { run, at: started_at(start_ms) }),
            None => Ok(()),
        }
    }

    /// Brackets some of the broker's stamps.
    pub(super) fn measure(&mut self, moment: Moment) -> Result<(), FleetError> {
        for _ in 0..rounds(self.who.of) {
            self.say_often(Announcement::Clock, moment, PROBES)?;
            self.hear_all()?;
            if self.offset(moment).is_some_and(|offset| offset.bound_ns() <= GOOD_BOUND_NS) {
                break;
            }
        }
        match self.offset(moment) {
            Some(offset) if moment == Moment::Before => check_clock(offset),
            _ => Ok(()),
        }
    }

    pub(super) fn offset(&self, moment: Moment) -> Option<Offset> {
        self.brackets.get(&moment).and_then(|brackets| Offset::of_all(brackets))
    }

    /// The run's zero, at that time of the broker's: events are due by it, whatever this machine's clock shows.
    pub(super) fn zero(&mut self, start_ms: i64) -> Option<Zero> {
        let clock = self.channel.clock();
        let offset = self.track.at(clock.now())?;
        self.started_at_ns = Some(offset.middle_ns());
        // Nobody enters a run that has begun.
        self.channel.keep_seat();
        let (now, wall) = (clock.now().0.saturating_add_signed(offset.middle_ns()), wall_unix_ns());
        let ahead_ns = i64::try_from(i128::from(now) - i128::from(wall)).unwrap_or(i64::MAX);
        let unix_ns = Nanos::from_millis(u64::try_from(start_ms).unwrap_or_default()).0;
        Some(Zero::of(clock, Nanos(offset.local_ns(start_ms)), Anchor::ahead(unix_ns, ahead_ns)))
    }

    /// How far the broker's clock is from the one by which events are due.
    pub(super) fn due_clock(&self) -> Option<ClockOffset> {
        let (offset, started_at_ns) = (self.track.at(self.channel.clock().now())?, self.started_at_ns?);
        Some(ClockOffset { offset_us: (offset.middle_ns() - started_at_ns) / 1_000, ..clock_offset(offset) })
    }

    /// Says that it has ended before it began.
    pub(super) fn leave(&mut self, why: &FleetError) {
        let end = End { exit_code: 0, why: why.to_string(), ..End::default() };
        if let Err(error) = self.say(Announcement::Ended(end), Moment::After) {
            tracing::debug!("the fleet was not told that this shard does not begin: {error}");
        }
    }

    pub(super) fn report(&self, wanted: &SeatPlan) -> FleetReport {
        let lost: Vec<u16> = self.roll.lost().map(|(number, _)| number).collect();
        let shards = self.roll.shards().map(|(number, shard)| {
            let own = number == wanted.shard;
            ShardReport { clock: if own { self.clock() } else { None }, ..shard_report(number, shard, &lost) }
        });
        FleetReport {
            topic: wanted.topic.name.clone(),
            shard: Some(wanted.shard),
            of: wanted.of,
            started_at: self.roll.start_ms().map(started_at),
            shards: shards.collect(),
            readers: Vec::new(),
        }
    }

    pub(super) fn clock(&self) -> Option<ClockReport> {
        let of = |moment| self.offset(moment).map(clock_offset);
        let (before, after) = (of(Moment::Before)?, of(Moment::After));
        let drift_us = after.map(|after| after.offset_us - before.offset_us);
        Some(ClockReport { before, during: of(Moment::During), after, drift_us })
    }
}

/// What a shard's words come to.
#[must_use]
pub fn shard_report(number: u16, shard: Shard, lost: &[u16]) -> ShardReport {
    let state = match (&shard.who, &shard.ended) {
        (_, Some(_)) => ShardState::Ended,
        (None, None) => ShardState::Absent,
        (Some(_), None) if lost.contains(&number) => ShardState::Lost,
        (Some(_), None) => ShardState::Running,
    };
    let Progress { scheduled, sent, acked, seen, .. } = shard.progress;
    let (host, attempt) = shard.who.map(|who| (who.host, who.attempt)).unwrap_or_default();
    ShardReport {
        number,
        state,
        host,
        attempt,
        planned: shard.ready.and_then(|(ready, _)| ready.planned),
        scheduled,
        sent,
        acked,
        seen,
        exit_code: shard.ended.map(|end| end.exit_code),
        deviations: Vec::new(),
        clock: None,
    }
}

/// What a report says of it.
#[must_use]
pub fn clock_offset(offset: Offset) -> ClockOffset {
    ClockOffset { offset_us: offset.middle_ns() / 1_000, bound_us: offset.bound_ns().unsigned_abs() / 1_000 + 1 }
}

fn note(
    heard: Heard<'_>,
    run: &str,
    roll: &mut Roll,
    unstamped: &mut BTreeMap<i64, (Moment, Sent)>,
    (brackets, track): (&mut BTreeMap<Moment, Vec<Bracket>>, &mut Track),
) {
    if !Record::is_of(run, heard.key) {
        return;
    }
    if let Some((moment, sent)) = unstamped.remove(&heard.offset) {
        brackets.entry(moment).or_default().push(sent.stamped(heard.stamp_ms));
        track.note(sent.steadily(heard.stamp_ms));
    }
    if Record::chunk_of(heard.key).is_some() {
        return;
    }
    match Record::read(heard.body) {
        Ok(record) => roll.note(record, heard.stamp_ms),
        Err(Some(who)) => roll.note_unread(&who),
        Err(None) => tracing::debug!("a record of the fleet's topic is none of this version's"),
    }
}

/// A time of the broker's, as people read it.
#[must_use]
pub fn started_at(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
}
