//! The log of a partition and its copies: what a broker appends, copies, shows and cuts off.
//!
//! The rules are Kafka's replication protocol: readers see below the high watermark, which is where the shortest copy in sync ends; a
//! new leader begins a new epoch, and a copy that follows is cut back to where it parts from the leader's (KIP-101, KIP-279); the
//! controller prefers a copy in sync, and takes another only where `unclean.leader.election.enable` is set.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use super::transactions::End;

/// Lane and sequence of an event.
pub(super) type Identity = (u16, u64);

/// What a record is, to who knows the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    /// An event of the run, as it was sent.
    Event(Identity),
    /// The same, in another partition than its key's.
    Misplaced(Identity),
    /// It claims to be that event, and is not what was sent.
    Damaged(Identity),
    /// The same, and under another key.
    Mislabelled(Identity),
    /// No valid event: the event of which this was made where it lies in that one's place.
    Invalid(Option<Identity>),
    /// An event of another run.
    Foreign,
    /// An event of another process of this run.
    Sibling,
    /// The end of a transaction: a control record, which no reader is given.
    Marker(End),
    /// What compaction took away: an offset without a record.
    Gone,
}

impl Nature {
    /// The event that it is, as it was sent.
    pub(super) const fn event(self) -> Option<Identity> {
        match self {
            Self::Event(event) | Self::Misplaced(event) => Some(event),
            _ => None,
        }
    }

    /// The event that it was made of, and is no more.
    pub(super) const fn damaged(self) -> Option<Identity> {
        match self {
            Self::Damaged(event) | Self::Mislabelled(event) => Some(event),
            Self::Invalid(event) => event,
            _ => None,
        }
    }
}

/// What a producer wrote.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) key: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) nature: Nature,
}

/// What a log holds at an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) epoch: i32,
    pub(super) create_ms: i64,
    /// The idempotent producer's id and its number there.
    pub(super) producer: Option<(u64, u64)>,
    /// The transaction that it belongs to.
    pub(super) transaction: Option<usize>,
    pub(super) message: Arc<Message>,
}

static GONE: LazyLock<Arc<Message>> =
    LazyLock::new(|| Arc::new(Message { key: Vec::new(), body: Vec::new(), nature: Nature::Gone }));

/// A partition with all its copies. An offset is the index in each of them.
#[derive(Clone, Debug)]
pub(super) struct Partition {
    pub(super) copies: Vec<Vec<Entry>>,
    pub(super) in_sync: Vec<bool>,
    /// How far the leader knows each copy to follow it.
    known: Vec<usize>,
    pub(super) leader: Option<usize>,
    pub(super) epoch: i32,
    pub(super) start: usize,
    pub(super) high: usize,
    /// The last stable offset, transactions that were open there with their first offsets, those whose end is an abort, and up to where in
    /// which epoch that is known.
    pub(super) stable: usize,
    pub(super) open: BTreeMap<usize, usize>,
    pub(super) aborted: BTreeSet<usize>,
    pub(super) looked_at: (i32, usize),
}

impl Partition {
    pub(super) fn new(copies: usize, leader: usize) -> Self {
        Self {
            copies: vec![Vec::new(); copies],
            in_sync: vec![true; copies],
            known: vec![0; copies],
            leader: Some(leader % copies),
            epoch: 0,
            start: 0,
            high: 0,
            stable: 0,
            open: BTreeMap::new(),
            aborted: BTreeSet::new(),
            looked_at: (0, 0),
        }
    }

    /// The leader's own log.
    pub(super) fn log(&self) -> &[Entry] {
        self.leader.map_or(&[], |leader| &self.copies[leader])
    }

    pub(super) fn count_in_sync(&self) -> usize {
        self.in_sync.iter().filter(|in_sync| **in_sync).count()
    }

    /// Writes to the leader's log; the first offset.
    pub(super) fn append(&mut self, entries: impl IntoIterator<Item = Entry>) -> Option<usize> {
        let (leader, epoch) = (self.leader?, self.epoch);
        let log = &mut self.copies[leader];
        let base = log.len();
        log.extend(entries.into_iter().map(|entry| Entry { epoch, ..entry }));
        self.known[leader] = log.len();
        self.raise_high();
        Some(base)
    }

    /// A follower cuts its copy back to where it parts from the leader's, takes over the rest, and is in sync again.
    pub(super) fn replicate(&mut self, follower: usize) {
        let Some(leader) = self.leader.filter(|leader| *leader != follower) else { return };
        let Ok([own, theirs]) = self.copies.get_disjoint_mut([follower, leader]) else { return };
        // Two copies with the same epoch at an offset are the same up to there: an epoch has one leader.
        let is_same =
            |end: usize| end == 0 || own.get(end - 1).map(|it| it.epoch) == theirs.get(end - 1).map(|it| it.epoch);
        let same = (0..=own.len().min(theirs.len())).rev().find(|end| is_same(*end)).unwrap_or(0);
        own.truncate(same);
        own.extend_from_slice(&theirs[same..]);
        self.known[follower] = own.len();
        self.in_sync[follower] = true;
        self.raise_high();
    }

    /// Compaction: of what is stable the last record of each key stays, and what ends transactions; nothing of aborted ones does.
    pub(super) fn compact(&mut self) {
        let mut later = BTreeSet::new();
        let mut gone = Vec::new();
        for (offset, entry) in self.log().iter().enumerate().take(self.high.min(self.stable)).rev() {
            let is_kept = match entry.message.nature {
                Nature::Marker(_) => true,
                _ if entry.transaction.is_some_and(|transaction| self.aborted.contains(&transaction)) => false,
                _ => later.insert(&entry.message.key),
            };
            if !is_kept {
                gone.push((offset, entry.epoch));
            }
        }
        for copy in &mut self.copies {
            for (offset, epoch) in &gone {
                if let Some(entry) = copy.get_mut(*offset).filter(|entry| entry.epoch == *epoch) {
                    entry.message = Arc::clone(&GONE);
                }
            }
        }
    }

    /// The leader no longer waits for a copy that lags.
    pub(super) fn shrink(&mut self, follower: usize) {
        if self.leader.is_some() && self.leader != Some(follower) {
            self.in_sync[follower] = false;
            self.raise_high();
        }
    }

    fn raise_high(&mut self) {
        if self.leader.is_none() {
            return;
        }
        let ends = self.known.iter().zip(&self.in_sync).filter(|(_, in_sync)| **in_sync);
        let shortest = ends.map(|(known, _)| *known).min();
        self.high = self.high.max(shortest.unwrap_or(0));
    }

    /// The controller finds a leader among the brokers that live. A copy in sync holds all that is below the high watermark.
    pub(super) fn elect(&mut self, alive: &[bool], unclean: bool) {
        if self.leader.is_some_and(|leader| alive[leader]) {
            return;
        }
        let all = 0..self.copies.len();
        let clean = all.clone().find(|broker| alive[*broker] && self.in_sync[*broker]);
        let next = clean.or_else(|| all.clone().find(|broker| alive[*broker] && unclean));
        self.leader = next;
        let Some(next) = next else { return };
        self.epoch += 1;
        for broker in all {
            // Of a broker that is gone nothing is waited for; after an unclean election nobody but the new leader counts.
            self.in_sync[broker] &= alive[broker] && clean.is_some();
        }
        self.in_sync[next] = true;
        self.high = self.high.min(self.copies[next].len());
        // Of the others it knows no more than that they hold what is below the high watermark, until they follow it.
        self.known.fill(self.high);
        self.known[next] = self.copies[next].len();
        self.start = self.start.min(self.copies[next].len());
        self.raise_high();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: usize) -> Vec<Entry> {
        let message = Arc::new(Message { key: Vec::new(), body: Vec::new(), nature: Nature::Foreign });
        vec![Entry { epoch: -1, create_ms: 0, producer: None, transaction: None, message }; count]
    }

    #[test]
    fn the_high_watermark_is_the_end_of_the_shortest_copy_in_sync() {
        let mut partition = Partition::new(3, 0);
        assert_eq!(partition.append(entries(4)), Some(0));
        assert_eq!((partition.high, partition.log().len()), (0, 4), "the leader's end is apart from it");
        partition.replicate(1);
        assert_eq!(partition.high, 0);
        partition.replicate(2);
        assert_eq!(partition.high, 4);
        partition.append(entries(2));
        partition.replicate(1);
        assert_eq!(partition.high, 4, "a copy that counts as in sync holds it back");
        partition.shrink(2);
        assert_eq!((partition.high, partition.count_in_sync()), (6, 2));
    }

    #[test]
    fn what_the_new_leader_lacks_is_cut_off_when_the_old_one_follows_it() {
        let mut partition = Partition::new(2, 0);
        partition.append(entries(3));
        partition.replicate(1);
        partition.append(entries(2));
        partition.elect(&[false, true], false);
        assert_eq!((partition.leader, partition.epoch, partition.high), (Some(1), 1, 3), "below it nothing is lost");
        partition.append(entries(4));
        assert_eq!(partition.high, 7, "the old leader is not in sync any more");
        partition.replicate(0);
        assert_eq!(partition.copies[0], partition.copies[1]);
        assert_eq!(partition.copies[0][3].epoch, 1);
    }

    #[test]
    fn compaction_leaves_the_last_record_of_each_key_and_every_offset() {
        let mut partition = Partition::new(2, 0);
        let of_key = |key: &[u8]| {
            let message = Arc::new(Message { key: key.to_vec(), body: Vec::new(), nature: Nature::Foreign });
            Entry { epoch: -1, create_ms: 0, producer: None, transaction: None, message }
        };
        partition.append([b"a", b"b", b"a", b"c"].map(|key| of_key(key)));
        partition.replicate(1);
        partition.append([of_key(b"b")]);
        partition.stable = partition.high;
        partition.compact();
        let is_gone =
            |copy: &[Entry]| copy.iter().map(|entry| entry.message.nature == Nature::Gone).collect::<Vec<_>>();
        assert_eq!(
            is_gone(&partition.copies[0]),
            [true, false, false, false, false],
            "above the high watermark nothing counts"
        );
        assert_eq!(is_gone(&partition.copies[1]), [true, false, false, false]);
    }

    #[test]
    fn a_copy_out_of_sync_leads_only_where_that_is_allowed() {
        let mut partition = Partition::new(2, 0);
        partition.append(entries(3));
        partition.shrink(1);
        assert_eq!(partition.high, 3);
        let mut clean = partition.clone();
        clean.elect(&[false, true], false);
        assert_eq!(clean.leader, None);
        clean.elect(&[true, true], false);
        assert_eq!((clean.leader, clean.high), (Some(0), 3), "it comes back with everything");
        partition.elect(&[false, true], true);
        assert_eq!(
            (partition.leader, partition.high, partition.log().len()),
            (Some(1), 0, 0),
            "even what was read is gone"
        );
    }
}
