//! Where a thread records, and who takes it from there once a second.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Shard;

/// What a client says of itself is kept this often until somebody asks; then the oldest goes.
const MOST_STATISTICS: usize = 64;

/// A thread's shard, shared with the sampler.
#[derive(Clone, Debug)]
pub struct Recorder {
    shard: Arc<Mutex<Shard>>,
    statistics: Arc<Mutex<VecDeque<String>>>,
}

impl Recorder {
    /// A recorder with an empty shard for so many phases, types of event and partitions.
    #[must_use]
    pub fn new(phases: usize, types: usize, partitions: usize) -> Self {
        Self { shard: Arc::new(Mutex::new(Shard::new(phases, types, partitions))), statistics: Arc::default() }
    }

    /// The same, where so many phases at the start only warm up.
    #[must_use]
    pub fn after_warm_ups(self, warm_ups: usize) -> Self {
        self.open().warm_ups = warm_ups;
        self
    }

    /// The shard, to write a batch into.
    pub fn open(&self) -> MutexGuard<'_, Shard> {
        self.shard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody has the shard.
    #[cfg(test)]
    pub(crate) fn is_free(&self) -> bool {
        self.shard.try_lock().is_ok()
    }

    /// Keeps what the thread's client said of itself, as JSON. It is read on another thread.
    pub fn keep_statistics(&self, statistics: String) {
        let mut kept = self.statistics.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_STATISTICS {
            kept.pop_front();
        }
        kept.push_back(statistics);
    }

    fn take_statistics(&self) -> VecDeque<String> {
        std::mem::take(&mut *self.statistics.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes what was recorded since the last call; `spare` must be empty and becomes the shard written to next.
    pub fn take(&self, spare: &mut Shard) {
        std::mem::swap(&mut *self.open(), spare);
    }
}

/// Adds up what all recorders hold, into `interval` (since the last call) and `total`.
#[derive(Debug)]
pub struct Sampler {
    recorders: Vec<Recorder>,
    spare: Shard,
    interval: Shard,
    total: Shard,
}

impl Sampler {
    /// A sampler over these recorders.
    #[must_use]
    pub fn new(recorders: Vec<Recorder>, phases: usize, types: usize, partitions: usize) -> Self {
        let warm_ups = recorders.first().map_or(0, |recorder| recorder.open().warm_ups);
        let empty = Shard { warm_ups, ..Shard::new(phases, types, partitions) };
        Self { recorders, spare: empty.clone(), interval: empty.clone(), total: empty }
    }

    /// Takes every shard and returns what was recorded since the last call.
    pub fn sample(&mut self) -> &Shard {
        self.interval.clear();
        for recorder in &self.recorders {
            self.spare.clear();
            recorder.take(&mut self.spare);
            self.interval.add(&self.spare);
        }
        self.total.add(&self.interval);
        &self.interval
    }

    /// What the clients said of themselves since the last call, each with the number of its recorder.
    pub fn statistics(&self) -> impl Iterator<Item = (usize, String)> {
        let of =
            |(lane, recorder): (usize, &Recorder)| recorder.take_statistics().into_iter().map(move |one| (lane, one));
        self.recorders.iter().enumerate().flat_map(of)
    }

    /// The last sample, and everything sampled so far.
    #[must_use]
    pub const fn both(&self) -> (&Shard, &Shard) {
        (&self.interval, &self.total)
    }

    /// Everything sampled so far.
    #[must_use]
    pub const fn total(&self) -> &Shard {
        &self.total
    }

    /// Everything sampled so far, for adding what only the end of a run knows.
    pub const fn total_mut(&mut self) -> &mut Shard {
        &mut self.total
    }
}
