//! What the shards of a run handed in through their topic: waited for, put together, and who did not hand anything in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::channel::{Channel, Heard, Topic};
use super::member::shard_report;
use super::parcel::Parcel;
use super::record::{Announcement, Record};
use super::roll::{Roll, Shard};
use super::{FleetError, LOST_AFTER};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::report::fleet::ShardReport;
use xxhash_rust::xxh3::xxh3_64;

/// How long is listened at once.
const LISTEN: Duration = Duration::from_millis(200);

/// What came of a run.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The packed bundles, by the shard's number.
    pub parcels: BTreeMap<u16, Vec<u8>>,
    /// The shards that handed none in, and what is known of them.
    pub without: Vec<ShardReport>,
    /// Those of them that ended by themselves after they had begun to send.
    pub kept_it: Vec<u16>,
}

/// A run that is listened to by somebody who is none of its shards.
#[derive(Debug)]
pub struct Listener {
    channel: Channel,
    run: String,
    roll: Option<Roll>,
    /// By shard and attempt.
    chunks: BTreeMap<(u16, u32), BTreeMap<u32, Vec<u8>>>,
    parcels: BTreeMap<(u16, u32), Parcel>,
    clock: Monotonic,
    heard: Nanos,
}

impl Listener {
    /// Listens to a run from the beginning of what the topic has of it.
    ///
    /// # Errors
    /// Where the topic cannot be read.
    pub fn open(topic: Topic, run: &str) -> Result<Self, FleetError> {
        let mut listener = Self {
            channel: Channel::open(topic)?,
            run: run.to_owned(),
            roll: None,
            chunks: BTreeMap::new(),
            parcels: BTreeMap::new(),
            clock: Monotonic::start(),
            heard: Nanos::ZERO,
        };
        let Self { channel, run, roll, chunks, parcels, .. } = &mut listener;
        channel.hear_all(|heard| {
            note(heard, run, roll, chunks, parcels);
        })?;
        Ok(listener)
    }

    /// Listens for a moment.
    ///
    /// # Errors
    /// Where the topic cannot be read.
    pub fn listen(&mut self) -> Result<(), FleetError> {
        let Self { channel, run, roll, chunks, parcels, clock, heard } = self;
        channel.hear(LISTEN, |said| {
            if note(said, run, roll, chunks, parcels) {
                *heard = clock.now();
            }
        })?;
        Ok(())
    }

    /// What is known of the run; nothing, where nothing was said of it.
    #[must_use]
    pub const fn roll(&self) -> Option<&Roll> {
        self.roll.as_ref()
    }

    /// Whether nothing has been heard of the run for so long that who has not ended is lost.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.clock.now() >= self.heard + Nanos::from(LOST_AFTER)
    }

    /// The bundle that a shard handed in, once all of it is there.
    fn parcel(&self, number: u16) -> Option<Vec<u8>> {
        let (key, parcel) = self.parcels.range((number, 0)..=(number, u32::MAX)).next_back()?;
        let chunks = self.chunks.get(key)?;
        let packed: Vec<u8> =
            (0..parcel.chunks).map(|index| chunks.get(&index).map(Vec::as_slice)).collect::<Option<Vec<_>>>()?.concat();
        (packed.len() as u64 == parcel.bytes && xxh3_64(&packed) == parcel.check).then_some(packed)
    }

    /// Waits until each shard has handed its bundle in or is lost, at most until the deadline.
    ///
    /// # Errors
    /// Where the topic cannot be read, or nothing is heard of the run.
    pub fn gather(&mut self, deadline: Duration, given_up: &dyn Fn() -> bool) -> Result<Gathered, FleetError> {
        loop {
            let now = self.clock.now();
            let late = now >= Nanos::from(deadline);
            let silent = self.is_silent();
            if let Some(gathered) = self.gathered(late, silent) {
                return Ok(gathered);
            }
            if late {
                return Err(FleetError::Unheard { run: self.run.clone(), waited: deadline });
            }
            if given_up() {
                return Err(FleetError::Interrupted);
            }
            self.listen()?;
        }
    }

    /// What there is, where nothing more is to be waited for.
    fn gathered(&self, late: bool, silent: bool) -> Option<Gathered> {
        let roll = self.roll.as_ref()?;
        let lost: Vec<u16> = roll.lost().map(|(number, _)| number).collect();
        let mut gathered = Gathered::default();
        for (number, shard) in roll.shards() {
            if let Some(parcel) = self.parcel(number) {
                gathered.parcels.insert(number, parcel);
                continue;
            }
            let never_began = shard.ended.is_some() && shard.progress.scheduled == 0;
            if !(late || silent || lost.contains(&number) || never_began) {
                return None;
            }
            if shard.ended.is_some() && !never_began {
                gathered.kept_it.push(number);
            }
            gathered.without.push(report_of(number, shard, &lost, silent));
        }
        Some(gathered)
    }
}

/// Nothing heard of anybody for so long is nothing heard of this one.
fn report_of(number: u16, shard: Shard, lost: &[u16], silent: bool) -> ShardReport {
    let alone = [number];
    shard_report(number, shard, if silent { &alone } else { lost })
}

/// True where it is of that run.
fn note(
    heard: Heard<'_>,
    run: &str,
    roll: &mut Option<Roll>,
    chunks: &mut BTreeMap<(u16, u32), BTreeMap<u32, Vec<u8>>>,
    parcels: &mut BTreeMap<(u16, u32), Parcel>,
) -> bool {
    if !Record::is_of(run, heard.key) {
        return false;
    }
    if let Some((shard, attempt, index)) = Record::chunk_of(heard.key) {
        chunks.entry((shard, attempt)).or_default().insert(index, heard.body.to_vec());
        return true;
    }
    match serde_json::from_slice::<Record>(heard.body) {
        Ok(record) => {
            if let Announcement::HandedIn(parcel) = record.said {
                parcels.insert((record.who.shard, record.who.attempt), parcel);
            }
            roll.get_or_insert_with(|| Roll::new(record.who.of)).note(record, heard.stamp_ms);
        }
        Err(error) => tracing::debug!("a record of the fleet's topic is none of this version's: {error}"),
    }
    true
}
