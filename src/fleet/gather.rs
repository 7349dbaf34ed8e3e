//! What the shards of a run handed in through their topic: waited for, put together, and who did not hand anything in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::channel::{Channel, Heard, Topic};
use super::member::shard_report;
use super::parcel::{self, Parcel};
use super::record::{Announcement, Record};
use super::roll::{Roll, Shard};
use super::{FleetError, LOST_AFTER};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::report::fleet::ShardReport;

/// How long is listened at once.
const LISTEN: Duration = Duration::from_millis(200);

/// What came of a run.
#[derive(Debug, Default)]
pub struct Gathered {
    /// The folders of the bundles, by the shard's number.
    pub bundles: BTreeMap<u16, PathBuf>,
    /// The shards that handed none in, and what is known of them.
    pub without: Vec<ShardReport>,
    /// Those of them that ended by themselves after they had begun to send.
    pub kept_it: Vec<u16>,
}

/// A run that is listened to by somebody who is none of its shards.
#[derive(Debug)]
pub struct Listener {
    channel: Channel,
    heard: RunHeard,
    clock: Monotonic,
    last: Nanos,
}

/// What was heard of a run.
#[derive(Debug)]
struct RunHeard {
    run: String,
    roll: Option<Roll>,
    /// Where bundles are put, for who wants them.
    store: Option<BundleStore>,
}

impl Listener {
    /// Listens to a run from the beginning of what the topic has of it. Its bundles are passed over.
    ///
    /// # Errors
    /// Where the topic cannot be read.
    pub fn open(topic: Topic, run: &str) -> Result<Self, FleetError> {
        Self::begin(topic, run, None)
    }

    /// The same, and puts each bundle into a folder below that one as soon as it is there: no more than one is held at a time.
    ///
    /// # Errors
    /// Where the topic cannot be read, or a bundle not be written.
    pub fn gathering(topic: Topic, run: &str, folder: &Path) -> Result<Self, FleetError> {
        Self::begin(topic, run, Some(BundleStore::new(folder)))
    }

    fn begin(topic: Topic, run: &str, store: Option<BundleStore>) -> Result<Self, FleetError> {
        let mut listener = Self {
            channel: Channel::open(topic)?,
            heard: RunHeard { run: run.to_owned(), roll: None, store },
            clock: Monotonic::start(),
            last: Nanos::ZERO,
        };
        let Self { channel, heard, .. } = &mut listener;
        channel.hear_all(|said| {
            heard.note(said);
        })?;
        listener.heard.check()?;
        Ok(listener)
    }

    /// Listens for a moment.
    ///
    /// # Errors
    /// Where the topic cannot be read.
    pub fn listen(&mut self) -> Result<(), FleetError> {
        let Self { channel, heard, clock, last } = self;
        channel.hear(LISTEN, |said| {
            if heard.note(said) {
                *last = clock.now();
            }
        })?;
        heard.check()
    }

    /// What is known of the run; nothing, where nothing was said of it.
    #[must_use]
    pub const fn roll(&self) -> Option<&Roll> {
        self.heard.roll.as_ref()
    }

    /// Whether nothing has been heard of the run for so long that who has not ended is lost.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.clock.now() >= self.last + Nanos::from(LOST_AFTER)
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
                return Err(FleetError::Unheard { run: self.heard.run.clone(), waited: deadline });
            }
            if given_up() {
                return Err(FleetError::Interrupted);
            }
            self.listen()?;
        }
    }

    /// What there is, where nothing more is to be waited for.
    fn gathered(&self, late: bool, silent: bool) -> Option<Gathered> {
        let roll = self.heard.roll.as_ref()?;
        let lost: Vec<u16> = roll.lost().map(|(number, _)| number).collect();
        let mut gathered = Gathered::default();
        for (number, shard) in roll.shards() {
            if let Some(bundle) = self.heard.store.as_ref().and_then(|store| store.bundle(number)) {
                gathered.bundles.insert(number, bundle.to_owned());
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

impl RunHeard {
    /// True where it is of that run.
    fn note(&mut self, heard: Heard<'_>) -> bool {
        let Self { run, roll, store } = self;
        if !Record::is_of(run, heard.key) {
            return false;
        }
        if let Some((shard, attempt, index)) = Record::chunk_of(heard.key) {
            if let Some(store) = store {
                store.keep((shard, attempt), index, heard.body);
            }
            return true;
        }
        match serde_json::from_slice::<Record>(heard.body) {
            Ok(record) => {
                if let (Announcement::HandedIn(parcel), Some(store)) = (&record.said, store) {
                    store.open((record.who.shard, record.who.attempt), *parcel);
                }
                roll.get_or_insert_with(|| Roll::new(record.who.of)).note(record, heard.stamp_ms);
            }
            Err(error) => tracing::debug!("a record of the fleet's topic is none of this version's: {error}"),
        }
        true
    }

    /// Whether all that was to be written could be.
    fn check(&mut self) -> Result<(), FleetError> {
        self.store
            .as_mut()
            .and_then(|store| store.failed.take())
            .map_or(Ok(()), |error| Err(FleetError::Unpacked(error)))
    }
}

/// Bundles as they come, in a folder.
#[derive(Debug)]
struct BundleStore {
    folder: PathBuf,
    /// Of each shard's each attempt that has handed one in; none where it is not whole.
    bundles: BTreeMap<(u16, u32), Option<PathBuf>>,
    /// What could not be written, or is no bundle.
    failed: Option<io::Error>,
}

impl BundleStore {
    fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), bundles: BTreeMap::new(), failed: None }
    }

    /// The bundle of a shard's last attempt that has handed one in.
    fn bundle(&self, number: u16) -> Option<&Path> {
        let (_, bundle) = self.bundles.range((number, 0)..=(number, u32::MAX)).next_back()?;
        bundle.as_deref()
    }

    /// The folder of the chunks of a bundle that is not there as a whole.
    fn chunks(&self, (shard, attempt): (u16, u32)) -> PathBuf {
        self.folder.join(format!("chunks-{shard}-{attempt}"))
    }

    fn keep(&mut self, whose: (u16, u32), index: u32, chunk: &[u8]) {
        let folder = self.chunks(whose);
        let kept = fs::create_dir_all(&folder).and_then(|()| fs::write(folder.join(index.to_string()), chunk));
        self.note_failure(kept);
    }

    /// Puts a bundle together: all of its chunks stand before this word of it.
    fn open(&mut self, whose: (u16, u32), parcel: Parcel) {
        let chunks = self.chunks(whose);
        let packed: io::Result<Vec<Vec<u8>>> =
            (0..parcel.chunks).map(|index| fs::read(chunks.join(index.to_string()))).collect();
        let packed = match packed {
            Ok(packed) => Some(packed.concat()).filter(|packed| Parcel::of(packed) == parcel),
            // A chunk that was not heard, since the topic keeps it no longer.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return self.note_failure(Err(error)),
        };
        let folder = self.folder.join(format!("shard-{}", whose.0));
        let bundle = packed.map(|packed| {
            self.note_failure(empty(&folder).and_then(|()| parcel::unpack(&packed, &folder)));
            folder
        });
        self.bundles.insert(whose, bundle);
        self.note_failure(empty(&chunks));
    }

    fn note_failure(&mut self, done: io::Result<()>) {
        if let Err(error) = done {
            self.failed.get_or_insert(error);
        }
    }
}

/// Takes a folder away, if it is there.
fn empty(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::parcel::{CHUNK, pack};
    use crate::fleet::record::Who;

    fn hear(heard: &mut RunHeard, key: &str, body: &[u8]) {
        assert!(heard.note(Heard { key: key.as_bytes(), body, stamp_ms: 1, offset: 0 }));
    }

    fn hand_in(heard: &mut RunHeard, who: &Who, packed: &[u8], chunks: impl Iterator<Item = usize>) {
        let all: Vec<&[u8]> = packed.chunks(CHUNK).collect();
        for index in chunks {
            hear(heard, &Record::chunk_key(who, u32::try_from(index).unwrap()), all[index]);
        }
        let record = Record { who: who.clone(), said: Announcement::HandedIn(Parcel::of(packed)) };
        hear(heard, &record.key(), &serde_json::to_vec(&record).unwrap());
    }

    #[test]
    fn bundles_lie_on_disk_as_soon_as_they_are_whole_and_their_chunks_no_longer() {
        let (made, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        // More than one chunk, however well it is packed.
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(CHUNK + CHUNK / 2)
        .collect();
        fs::write(made.path().join("latency.hlog"), &noise).unwrap();
        let packed = pack(made.path()).unwrap();
        let who = |shard: u16, attempt: u32| Who { run: "1".to_owned(), shard, of: 2, attempt, ..Who::default() };
        let mut heard = RunHeard { run: "1".to_owned(), roll: None, store: Some(BundleStore::new(kept.path())) };
        hand_in(&mut heard, &who(1, 1), &packed, [0].into_iter());
        assert_eq!(heard.store.as_ref().unwrap().bundle(1), None, "a chunk is missing");
        hand_in(&mut heard, &who(1, 2), &packed, 0..2);
        hand_in(&mut heard, &who(2, 1), &packed, 0..2);
        assert!(heard.check().is_ok());
        let store = heard.store.unwrap();
        for number in [1, 2] {
            assert_eq!(fs::read(store.bundle(number).unwrap().join("latency.hlog")).unwrap(), noise);
        }
        assert_eq!(fs::read_dir(kept.path()).unwrap().count(), 2, "the bundles alone");
    }
}
