//! Who reads what the shards of a run write, and is none of them: it measures its clock as they do, and hears from them how far theirs are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::channel::{Channel, Heard, Sent, Topic};
use super::member::{PROBES, ROUNDS, clock_offset, shard_report, started_at};
use super::offset::{Bracket, GOOD_BOUND_NS, Offset, Track};
use super::record::Record;
use super::roll::Roll;
use super::{BEAT, FleetError, check_clock};
use crate::clock::Clock;
use crate::clock::reference::{MeasuredOffset, Reference, ReferenceState};
use crate::report::fleet::{ClockOffset, ClockReport, FleetReport, ShardReport};

/// An onlooker of a run.
#[derive(Debug)]
pub struct Onlooker {
    reference: Arc<Reference>,
    end: SyncSender<()>,
    thread: JoinHandle<Watch>,
}

/// What it has heard and measured.
#[derive(Debug)]
struct Watch {
    channel: Channel,
    topic: String,
    run: String,
    roll: Option<Roll>,
    /// Records of this process whose stamps have not been read.
    unstamped: BTreeMap<i64, Sent>,
    brackets: Vec<Bracket>,
    track: Track,
    before: ClockOffset,
}

impl Onlooker {
    /// Measures this machine's clock, and from then on follows it and those of the shards on a thread of its own.
    ///
    /// # Errors
    /// Where the topic cannot be used, or the clock is far off.
    pub fn begin(topic: Topic, run: &str) -> Result<Self, FleetError> {
        let name = topic.name.clone();
        let mut channel = Channel::open(topic)?;
        channel.take_seat(&format!("clock/{run}/{}/{}", super::host(), std::process::id()))?;
        let mut watch = Watch {
            channel,
            topic: name,
            run: run.to_owned(),
            roll: None,
            unstamped: BTreeMap::new(),
            brackets: Vec::new(),
            track: Track::default(),
            before: ClockOffset::default(),
        };
        watch.hear_all()?;
        watch.before = watch.measure()?;
        let reference = Arc::new(Reference::new(watch.channel.clock(), watch.known()));
        let (end, ended) = sync_channel(1);
        let told = Arc::clone(&reference);
        let thread = thread::Builder::new()
            .name("fleet".to_owned())
            .spawn(move || watch.go_on(&told, &ended))
            .map_err(|error| FleetError::Thread(error.to_string()))?;
        Ok(Self { reference, end, thread })
    }

    /// The clock that all of them share.
    #[must_use]
    pub fn reference(&self) -> Arc<Reference> {
        Arc::clone(&self.reference)
    }

    /// What is known of the fleet and of all clocks at the end; nothing, where nothing was heard of the run.
    #[must_use]
    pub fn finish(self) -> Option<FleetReport> {
        let Self { end, thread, .. } = self;
        if end.send(()).is_err() {
            tracing::debug!("the fleet was no longer listened to");
        }
        let mut watch = thread.join().ok()?;
        let earlier = std::mem::take(&mut watch.brackets);
        let after = watch.measure().ok();
        watch.report(&earlier, after)
    }
}

impl Watch {
    fn go_on(mut self, told: &Reference, ended: &Receiver<()>) -> Self {
        while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
            // A cluster that is away for a while takes nothing from what is known, but it gets older.
            let times = self.track.records_of_a_beat(self.channel.clock().now());
            if let Err(error) = self.say(times).and_then(|()| self.hear_all()) {
                tracing::warn!("how far the clocks of the fleet are apart is not followed: {error}");
            }
            told.tell(self.known());
        }
        self
    }

    fn say(&mut self, times: usize) -> Result<(), FleetError> {
        let key = format!("clock/{}/{}/{}", self.run, super::host(), std::process::id());
        let sent = self.channel.say(&key, b"{}", times)?;
        self.unstamped.extend(sent.into_iter().flatten().map(|sent| (sent.offset, sent)));
        Ok(())
    }

    fn hear_all(&mut self) -> Result<(), FleetError> {
        let Self { channel, run, roll, unstamped, brackets, track, .. } = self;
        channel.hear_all(|heard: Heard<'_>| {
            if let Some(sent) = unstamped.remove(&heard.offset) {
                brackets.push(sent.stamped(heard.stamp_ms));
                track.note(sent.steadily(heard.stamp_ms));
            } else if Record::is_of(run, heard.key)
                && Record::chunk_of(heard.key).is_none()
                && let Ok(record) = serde_json::from_slice::<Record>(heard.body)
            {
                roll.get_or_insert_with(|| Roll::new(record.who.of)).note(record, heard.stamp_ms);
            }
        })
    }

    /// The wall clock by records that are sent now.
    fn measure(&mut self) -> Result<ClockOffset, FleetError> {
        self.brackets.clear();
        for _ in 0..ROUNDS {
            self.say(PROBES)?;
            self.hear_all()?;
            if Offset::of_all(&self.brackets).is_some_and(|offset| offset.bound_ns() <= GOOD_BOUND_NS) {
                break;
            }
        }
        let offset = Offset::of_all(&self.brackets).ok_or(FleetError::Interrupted)?;
        check_clock(offset)?;
        Ok(clock_offset(offset))
    }

    fn known(&self) -> ReferenceState {
        let own = self.track.at(self.channel.clock().now());
        let own = own.map_or(MeasuredOffset { offset_ns: 0, bound_ns: u64::MAX }, |offset| MeasuredOffset {
            offset_ns: offset.middle_ns(),
            bound_ns: offset.bound_ns().unsigned_abs(),
        });
        let shards: Vec<_> = self.roll.iter().flat_map(Roll::shards).collect();
        let apart = |clock: ClockOffset| MeasuredOffset {
            offset_ns: clock.offset_us * 1_000,
            bound_ns: Duration::from_micros(clock.bound_us).as_nanos().try_into().unwrap_or(u64::MAX),
        };
        ReferenceState {
            own,
            writers: shards.iter().map(|(_, shard)| shard.due_clock().map(apart)).collect(),
            // All have as many, or they would not have met.
            lanes: shards.iter().find_map(|(_, shard)| Some(shard.ready.as_ref()?.0.lanes)).unwrap_or(0),
        }
    }

    fn report(self, during: &[Bracket], after: Option<ClockOffset>) -> Option<FleetReport> {
        let roll = self.roll?;
        let lost: Vec<u16> = roll.lost().map(|(number, _)| number).collect();
        let shards: Vec<ShardReport> = roll
            .shards()
            .map(|(number, shard)| ShardReport { clock: shard.clock(), ..shard_report(number, shard, &lost) })
            .collect();
        let before = self.before;
        Some(FleetReport {
            topic: self.topic,
            shard: None,
            of: u16::try_from(shards.len()).unwrap_or(u16::MAX),
            started_at: roll.start_ms().map(started_at),
            shards,
            readers: vec![ClockReport {
                before,
                during: Offset::of_all(during).map(clock_offset),
                after,
                drift_us: after.map(|after| after.offset_us - before.offset_us),
            }],
        })
    }
}
