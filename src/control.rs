//! How a run is told to end or to go faster or slower, and what its threads let each other know.

pub mod tempo;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Clock, Nanos};
use tempo::Tempo;

/// How far ahead a change of the tempo is: all lanes have looked at it by then.
const AHEAD: Nanos = Nanos::from_millis(20);

/// The end of a run and its tempo, as its threads see them.
#[derive(Debug)]
pub struct Control {
    stop_at: AtomicU64,
    abort: AtomicBool,
    /// While the tempo changes, nothing that is due from here on is sent.
    barrier: AtomicU64,
    changes: AtomicU64,
    tempo: Mutex<Arc<Tempo>>,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            stop_at: AtomicU64::new(u64::MAX),
            abort: AtomicBool::new(false),
            barrier: AtomicU64::new(u64::MAX),
            changes: AtomicU64::new(0),
            tempo: Mutex::default(),
        }
    }
}

impl Control {
    /// Nothing that is due from `instant` on is scheduled any more. The earliest call counts.
    pub fn stop_at(&self, instant: Nanos) {
        self.stop_at.fetch_min(instant.0, Ordering::AcqRel);
    }

    /// When the schedule was cut off; `Nanos::MAX` while it goes on.
    #[must_use]
    pub fn stopped_at(&self) -> Nanos {
        Nanos(self.stop_at.load(Ordering::Acquire))
    }

    /// Ends every wait now.
    pub fn abort(&self) {
        self.abort.store(true, Ordering::Release);
    }

    /// Whether every wait is to end now.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.abort.load(Ordering::Acquire)
    }

    /// Lets schedule time run at `percent` of the plan's speed, 0 for not at all, from the returned instant on.
    ///
    /// The instant lies a little ahead, and no lane has sent anything that is due from then on by the old tempo: lanes hold
    /// such events back from before the instant is fixed until the change is there to be seen. One thread alone may call
    /// this.
    pub fn change_tempo(&self, clock: &impl Clock, percent: u32) -> Nanos {
        let from = loop {
            let from = clock.now() + AHEAD;
            self.barrier.store(from.0, Ordering::Release);
            fence(Ordering::SeqCst);
            // Where this thread was kept waiting for so long that the instant has passed, lanes may have passed it too.
            if clock.now() < from {
                break from;
            }
        };
        let mut tempo = self.tempo.lock().unwrap_or_else(PoisonError::into_inner);
        *tempo = Arc::new(tempo.changed(from, percent));
        drop(tempo);
        self.changes.fetch_add(1, Ordering::AcqRel);
        self.barrier.store(u64::MAX, Ordering::Release);
        from
    }

    /// Nothing due from here on may be sent now; `Nanos::MAX` but for moments in which the tempo changes. To be asked after
    /// the clock, and before [`Control::follow`].
    #[must_use]
    pub fn barrier(&self) -> Nanos {
        Nanos(self.barrier.load(Ordering::Acquire))
    }

    /// The tempo as it is now.
    #[must_use]
    pub fn tempo(&self) -> Arc<Tempo> {
        Arc::clone(&self.tempo.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Brings a copy up to date. Costs a look at a number that hardly ever changes.
    pub fn follow(&self, copy: &mut TempoCopy) {
        let changes = self.changes.load(Ordering::Acquire);
        if changes != copy.changes {
            *copy = TempoCopy { changes, tempo: self.tempo() };
        }
    }
}

/// A thread's own view of the tempo, see [`Control::follow`].
#[derive(Clone, Debug, Default)]
pub struct TempoCopy {
    changes: u64,
    tempo: Arc<Tempo>,
}

impl TempoCopy {
    /// As [`Tempo::at`]; for nothing where nobody ever changed it.
    #[must_use]
    pub fn at(&self, schedule: Nanos) -> Nanos {
        if self.changes == 0 { schedule } else { self.tempo.at(schedule) }
    }
}

impl std::ops::Deref for TempoCopy {
    type Target = Tempo;

    fn deref(&self) -> &Tempo {
        &self.tempo
    }
}

/// The position in a partition that others of the group read.
pub const OF_OTHERS: i64 = i64::MAX;

/// What is on its way through each partition: written by lanes and verifier, once a batch.
#[derive(Debug)]
pub struct Traffic {
    partitions: Vec<PartitionTraffic>,
    limits: Option<(u64, u64)>,
    /// Events with a final answer, whatever it is.
    settled: AtomicU64,
}

#[derive(Debug, Default)]
struct PartitionTraffic {
    handed: AtomicU64,
    handed_bytes: AtomicU64,
    acked: AtomicU64,
    read: AtomicU64,
    read_bytes: AtomicU64,
    /// The offset that the verifier reads next.
    position: AtomicI64,
}

impl Traffic {
    /// Counters for so many partitions. With `limits` (records, bytes) lanes hold back when more than that is unread.
    #[must_use]
    pub fn new(partitions: usize, limits: Option<(u64, u64)>) -> Self {
        Self {
            partitions: (0..partitions).map(|_| PartitionTraffic::default()).collect(),
            limits,
            settled: AtomicU64::new(0),
        }
    }

    /// Whether a partition has room for more unread records; where it is not known which, whether all together have the
    /// room of one.
    #[must_use]
    pub fn has_room(&self, partition: Option<i32>) -> bool {
        let Some((records, bytes)) = self.limits else { return true };
        let unread = |traffic: &PartitionTraffic| {
            let since = |a: &AtomicU64, b: &AtomicU64| {
                // Read first what is subtracted: the difference errs on the full side.
                let subtracted = b.load(Ordering::Acquire);
                a.load(Ordering::Acquire).saturating_sub(subtracted)
            };
            (since(&traffic.handed, &traffic.read), since(&traffic.handed_bytes, &traffic.read_bytes))
        };
        let (waiting, waiting_bytes) = match partition.and_then(|partition| self.of(partition)) {
            Some(traffic) => unread(traffic),
            None => self.partitions.iter().map(unread).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1)),
        };
        waiting < records && waiting_bytes < bytes
    }

    /// Notes an event handed to the client. Unknown partitions count for the first.
    pub fn handed(&self, partition: Option<i32>, bytes: u64) {
        if self.limits.is_some()
            && let Some(traffic) = self.of(partition.unwrap_or(0))
        {
            traffic.handed.fetch_add(1, Ordering::AcqRel);
            traffic.handed_bytes.fetch_add(bytes, Ordering::AcqRel);
        }
    }

    /// Takes an event back that was not written after all.
    pub fn not_written(&self, partition: Option<i32>, bytes: u64) {
        self.read(partition.unwrap_or(0), 1, bytes);
    }

    /// Notes events that have their final answer.
    pub fn settle(&self, events: u64) {
        self.settled.fetch_add(events, Ordering::AcqRel);
    }

    /// Events that have their final answer by now.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.settled.load(Ordering::Acquire)
    }

    /// Notes acks.
    pub fn acked(&self, partition: i32, count: u64) {
        if let Some(traffic) = self.of(partition) {
            traffic.acked.fetch_add(count, Ordering::AcqRel);
        }
    }

    /// Notes records read.
    pub fn read(&self, partition: i32, count: u64, bytes: u64) {
        if let Some(traffic) = self.of(partition) {
            traffic.read.fetch_add(count, Ordering::AcqRel);
            traffic.read_bytes.fetch_add(bytes, Ordering::AcqRel);
        }
    }

    /// Notes the offset that the verifier reads next, or [`OF_OTHERS`].
    pub fn stands_at(&self, partition: i32, position: i64) {
        if let Some(traffic) = self.of(partition) {
            traffic.position.store(position, Ordering::Release);
        }
    }

    /// Records read so far, in all partitions.
    #[must_use]
    pub fn records_read(&self) -> u64 {
        self.partitions.iter().map(|traffic| traffic.read.load(Ordering::Acquire)).sum()
    }

    /// The offset that the verifier reads next in each partition.
    #[must_use]
    pub fn positions(&self) -> Vec<i64> {
        self.partitions.iter().map(|traffic| traffic.position.load(Ordering::Acquire)).collect()
    }

    /// Whether acked events of that partition wait to be read.
    #[must_use]
    pub fn has_unread(&self, partition: i32, seen: u64) -> bool {
        self.of(partition).is_some_and(|traffic| traffic.acked.load(Ordering::Acquire) > seen)
    }

    fn of(&self, partition: i32) -> Option<&PartitionTraffic> {
        self.partitions.get(usize::try_from(partition).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Manual;

    #[test]
    fn the_earliest_stop_counts() {
        let control = Control::default();
        assert_eq!(control.stopped_at(), Nanos::MAX);
        control.stop_at(Nanos(5));
        control.stop_at(Nanos(9));
        assert_eq!(control.stopped_at(), Nanos(5));
    }

    #[test]
    fn a_change_of_the_tempo_lies_ahead_and_is_seen_by_those_who_follow() {
        let (control, clock) = (Control::default(), Manual::default());
        let mut copy = TempoCopy::default();
        control.follow(&mut copy);
        assert!(copy.is_straight() && control.barrier() == Nanos::MAX);
        clock.advance(Nanos::from_secs(5));
        let from = control.change_tempo(&clock, 50);
        assert_eq!(from, Nanos::from_millis(5_020));
        control.follow(&mut copy);
        assert_eq!((copy.percent(), copy.at(from + Nanos(10))), (50, from + Nanos(20)));
        assert_eq!(control.barrier(), Nanos::MAX);
    }

    #[test]
    fn lanes_hold_back_while_a_small_log_is_unread() {
        let traffic = Traffic::new(2, Some((2, 1000)));
        traffic.handed(Some(1), 10);
        assert!(traffic.has_room(Some(1)));
        traffic.handed(Some(1), 10);
        assert!(!traffic.has_room(Some(1)) && traffic.has_room(Some(0)) && !traffic.has_room(None));
        traffic.read(1, 1, 10);
        assert!(traffic.has_room(Some(1)));
        traffic.handed(Some(0), 1000);
        assert!(!traffic.has_room(Some(0)), "bytes count too");
        traffic.not_written(Some(0), 1000);
        assert!(traffic.has_room(Some(0)));
    }
}
