//! What is true of an event, what of it could be known, and the classes that both allow.

use crate::clock::Nanos;
use crate::kafka::Answer;
use crate::lane::TransactionPlan;
use crate::ledger::class::Class;
use crate::run::simulation::cluster::{Cluster, MS};
use crate::run::simulation::fates::Fate;
use crate::run::simulation::log::{Entry, Identity, Nature, Partition};
use crate::run::simulation::plan::{Plan, Reads};
use crate::run::simulation::transactions::{End, Transaction};

/// Where an event is in the end, as the world knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// Below the high watermark of its log.
    Readable,
    /// At or above it.
    Above,
    /// The log began after it, when it was deleted.
    Expired,
    /// In no log of a leader.
    Nowhere,
}

/// The truth of a run, and what of it a report can know.
pub(super) struct Truth<'a> {
    pub(super) cluster: &'a Cluster,
    /// When the run began.
    pub(super) begun: u64,
    /// When it was first asked to end.
    pub(super) stopped_at: Option<u64>,
    /// Whether every wait was told to end.
    aborted: bool,
}

/// In so long a reader that is to ask again has done so, however slowly it is answered.
const ASKS_AGAIN: u64 = 1_200 * MS;

pub(super) fn is_acked(fate: &Fate) -> bool {
    matches!(fate.answer, Some((Answer::Acked, ..)))
}

impl<'a> Truth<'a> {
    pub(super) fn of(cluster: &'a Cluster) -> Self {
        Self {
            cluster,
            begun: cluster.begun.unwrap_or(20 * MS),
            stopped_at: cluster.interrupted_at.first().copied(),
            aborted: cluster.interrupted_at.len() > 1,
        }
    }

    fn offset(plan: &Plan, (lane, sequence): Identity) -> u64 {
        (sequence * u64::from(plan.lanes + plan.others) + u64::from(lane)) * 1_000 * MS / plan.rate
    }

    /// Whether every wait was told to end.
    pub(super) const fn is_told_to_end(&self) -> bool {
        self.aborted
    }

    /// When an event is due.
    pub(super) fn due(&self, plan: &Plan, event: Identity) -> u64 {
        self.begun + Self::offset(plan, event)
    }

    pub(super) fn fate(&self, event: Identity) -> Fate {
        self.cluster.fates.get(&event).cloned().unwrap_or_default()
    }

    pub(super) fn place(&self, event: Identity, fate: &Fate) -> Place {
        let Some(partition) = fate.partition else { return Place::Nowhere };
        let partition = &self.cluster.partitions[partition];
        let log = match partition.leader {
            Some(_) => partition.log(),
            // Without a leader the copy that would lead is what there is.
            None => partition.copies.iter().max_by_key(|copy| copy.len()).map_or(&[][..], Vec::as_slice),
        };
        let copies = (0..).zip(log).filter(|(_, entry)| entry.message.nature.event() == Some(event));
        let places = copies.map(|(offset, _)| {
            if offset < partition.start {
                Place::Expired
            } else if offset < partition.high {
                Place::Readable
            } else {
                Place::Above
            }
        });
        places.min().unwrap_or(Place::Nowhere)
    }

    /// Whether what lies at the acked offset is the event no more.
    pub(super) fn is_damaged(&self, event: Identity, fate: &Fate) -> bool {
        let Some(partition) = fate.partition else { return false };
        self.cluster.partitions[partition].copies.iter().flatten().any(|entry| {
            matches!(entry.message.nature, Nature::Invalid(Some(of)) | Nature::Damaged(of) | Nature::Mislabelled(of) if of == event)
        })
    }

    /// Whether a partition has not changed since the reader was told its ends, or could have been told them once more: then what is true
    /// could be known.
    pub(super) fn is_exact(&self, partition: usize) -> bool {
        let cluster = self.cluster;
        // Where they were no end yet, it is to ask again for as long as it reads, unless another leader's log is the shorter one.
        let is_first = cluster.partitions[partition].epoch == 0;
        let asks_again = cluster.is_short[partition] && is_first && cluster.answers(partition) && !cluster.was_denied;
        let again = if asks_again { cluster.read_until.saturating_sub(ASKS_AGAIN) } else { 0 };
        let asked = cluster.asked[partition].unwrap_or(0).max(again);
        !self.aborted && asked > cluster.changed[partition].max(cluster.disturbed_until)
    }

    /// Whether a partition has answered ever since the reader was told its ends: then each offset can be looked up.
    fn was_reached(&self, partition: usize) -> bool {
        let asked = self.cluster.asked[partition].unwrap_or(0);
        let since = self.cluster.answering_since[partition].max(self.cluster.disturbed_until);
        !self.aborted && self.cluster.answers(partition) && asked > since
    }

    /// Whether the registry may not have told of a schema when reading ended: of what came behind that nothing may be said.
    pub(super) fn is_undecided(&self) -> bool {
        let ended = self.cluster.asked.iter().flatten().max().copied().unwrap_or(0);
        // What is held back is not given again where its log has aged meanwhile.
        let has_aged = self.cluster.aged.iter().any(|aged| *aged > 0);
        let ended_early = self.cluster.was_denied || self.cluster.deleted_at.is_some() || has_aged;
        self.cluster.schemas.iter().any(|told_at| ended_early || told_at + 100 * MS > ended)
    }

    /// Whether what was held back may have been forgotten, to be read once more where the log had been cut off.
    pub(super) fn may_have_forgotten(&self) -> bool {
        !self.cluster.schemas.is_empty() && self.cluster.partitions.iter().any(|partition| partition.epoch > 0)
    }

    /// Transactions that were aborted, as is proven, and were not to be.
    pub(super) fn forced_aborts(&self) -> u64 {
        let plan = &self.cluster.plan;
        let Some((size, aborted)) = plan.transaction else { return 0 };
        let planned = TransactionPlan {
            size,
            abort_share: f64::from(aborted) / 100.0,
            seed: plan.seed,
            open_at_most: Nanos::MAX,
            reads_uncommitted: false,
        };
        let is_planned =
            |(client, number): (usize, u64)| u16::try_from(client).is_ok_and(|lane| planned.aborts(lane, number));
        let is_forced = |one: &&Transaction| one.told == Some(End::Aborted) && one.of.is_some_and(|of| !is_planned(of));
        self.cluster.transactions.iter().filter(is_forced).count() as u64
    }

    /// Whether all that was read could be looked for again.
    pub(super) fn is_all_known(&self) -> bool {
        let is_known = |(partition, state): (usize, &Partition)| {
            self.is_exact(partition) && state.log().len() == state.high && state.start == 0
        };
        // A reader that was refused has not looked since, so a log that was cut off and grew again looks whole to it.
        !self.cluster.was_denied && self.cluster.partitions.iter().enumerate().all(is_known)
    }

    /// What is true of an event, for people.
    pub(super) fn told(&self, fate: &Fate) -> String {
        let fate = Fate { message: None, ..fate.clone() };
        let partition = fate.partition.map(|partition| {
            let Partition { leader, epoch, start, high, ref in_sync, .. } = self.cluster.partitions[partition];
            let (read_to, asked) = (self.cluster.read_to[partition], self.cluster.asked[partition]);
            let (end, changed) = (self.cluster.partitions[partition].log().len(), self.cluster.changed[partition]);
            let exact = self.is_exact(partition);
            format!(
                "leader {leader:?} epoch {epoch} in sync {in_sync:?} start {start} high {high} end {end} read to {read_to} \
                 asked {asked:?} changed {changed} exact {exact}"
            )
        });
        format!("{fate:?} {}", partition.unwrap_or_default())
    }

    /// The table: which classes truth and what could be known allow.
    pub(super) fn allowed(&self, event: Identity, fate: &Fate, place: Place) -> Vec<Class> {
        let mut classes = self.allowed_of_what_is_decided(event, fate, place);
        if matches!(self.cluster.plan.reads, Reads::Joined { .. }) {
            let unknown = classes.iter().flat_map(|class| self.of_damage_unknown(*class, fate)).collect::<Vec<_>>();
            classes.extend(unknown);
        }
        if self.is_undecided() {
            let undecided = classes.iter().flat_map(|class| match class {
                Class::Verified | Class::Lost | Class::Corrupt | Class::Undelivered => {
                    vec![Class::Unread, Class::Unattributed, Class::Expired, Class::UnknownUnseen]
                }
                Class::UnknownSeen => vec![Class::UnknownUnseen],
                Class::AbortedSeen => vec![Class::Aborted],
                Class::Contradicted => vec![Class::Refused],
                _ => Vec::new(),
            });
            let undecided: Vec<Class> = undecided.collect();
            classes.extend(undecided);
        }
        classes
    }

    /// Who joins a reading with a file of answers knows neither keys nor due times: whose damage lies in an event's place is not known, nor
    /// of which event it is before whole ones of its lane have shown when that was due. Where it lies there no more, no more is known than
    /// that.
    fn of_damage_unknown(&self, class: Class, fate: &Fate) -> Vec<Class> {
        let is_damaged = fate.seen.is_empty() && fate.damaged.is_some();
        match class {
            Class::Corrupt => {
                let acked = fate.answer.and_then(|(_, offset, _)| usize::try_from(offset?).ok());
                let (aged, log) = fate.partition.map_or((0, &[][..]), |partition| {
                    (self.cluster.aged[partition], self.cluster.partitions[partition].log())
                });
                let expired = acked.is_some_and(|acked| acked < aged).then_some(Class::Expired);
                let there = acked.and_then(|acked| log.get(acked)).map(|entry| entry.message.nature);
                let gone =
                    (acked.is_some() && there.is_none_or(|there| there.damaged().is_none())).then_some(Class::Lost);
                [Class::Unattributed, Class::UnknownUnseen, Class::Unread]
                    .into_iter()
                    .chain(expired)
                    .chain(gone)
                    .collect()
            }
            Class::AbortedSeen if is_damaged => vec![Class::Aborted],
            Class::Contradicted if is_damaged => vec![Class::Refused],
            _ => Vec::new(),
        }
    }

    fn allowed_of_what_is_decided(&self, event: Identity, fate: &Fate, place: Place) -> Vec<Class> {
        if fate.taken_at.is_none() {
            return vec![Class::NotAttempted];
        }
        let Some(partition) = fate.partition else { return vec![Class::NotAttempted] };
        let (seen, exact) = (!fate.seen.is_empty(), self.is_exact(partition));
        let damaged = fate.damaged.filter(|_| !seen);
        // Everything may be read again where a log was cut off, and what was passed over is seen then.
        let late = |class| (place == Place::Readable).then_some(class);
        let told = fate.transaction.map(|transaction| self.cluster.transactions[transaction].told);
        let with = |class: Class, late: Option<Class>| [class].into_iter().chain(late).collect();
        // Of a transaction whose end is not proven nothing is.
        let answer = match (fate.answer, told) {
            (Some((Answer::Refused(_), ..)), _) | (_, None | Some(Some(End::Committed))) => fate.answer,
            (_, Some(Some(End::Aborted))) if seen || damaged.is_some() => return vec![Class::AbortedSeen],
            (_, Some(Some(End::Aborted))) => return with(Class::Aborted, late(Class::AbortedSeen)),
            (_, Some(None)) => None,
        };
        match answer {
            Some((Answer::Refused(_), ..)) if seen || damaged.is_some() => vec![Class::Contradicted],
            Some((Answer::Refused(_), ..)) => with(Class::Refused, late(Class::Contradicted)),
            None | Some((Answer::Unanswered(_), ..)) if seen => vec![Class::UnknownSeen],
            None | Some((Answer::Unanswered(_), ..)) if damaged.is_some() => {
                with(Class::Corrupt, late(Class::UnknownSeen))
            }
            None | Some((Answer::Unanswered(_), ..)) => {
                let maybe = late(Class::UnknownSeen).or_else(|| (!exact).then_some(Class::UnknownSeen));
                with(Class::UnknownUnseen, maybe)
            }
            Some((Answer::Acked, ..)) if seen => match place {
                // Of a compacted log nobody knows what was cut off it: what was seen was there.
                Place::Nowhere if self.cluster.plan.compacted => vec![Class::Verified],
                Place::Nowhere if self.is_all_known() => vec![Class::Lost],
                Place::Nowhere => vec![Class::Lost, Class::Verified],
                _ => vec![Class::Verified],
            },
            Some((Answer::Acked, None, _)) if damaged.is_some() => with(Class::Corrupt, late(Class::Verified)),
            Some((Answer::Acked, None, _)) => with(Class::Unattributed, late(Class::Verified)),
            Some((Answer::Acked, Some(offset), _)) => {
                if damaged == Some((partition, offset)) {
                    return with(Class::Corrupt, late(Class::Verified));
                }
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                if exact {
                    return self.at(event, fate, partition, offset);
                }
                let mut classes = self.about(event, fate, partition, place);
                if self.is_replaced(fate, partition, offset) {
                    classes.extend([Class::Compacted, Class::Unattributed]);
                }
                // Lost is what is not where it was acked (ledger/class.rs); that a copy of it was written elsewhere shows only
                // to who reads that.
                let there = self.cluster.partitions[partition].log().get(offset);
                if there.is_none_or(|there| there.message.nature.event() != Some(event)) {
                    classes.push(Class::Lost);
                }
                if offset < self.cluster.aged[partition] {
                    classes.push(Class::Expired);
                }
                classes
            }
        }
    }

    /// Whether a later record of its key may have taken the place of what was acked there.
    fn is_replaced(&self, fate: &Fate, partition: usize, offset: usize) -> bool {
        let Some(message) = fate.message.as_ref().filter(|_| self.cluster.plan.compacted) else { return false };
        let is_later = |entry: &Entry| entry.message.key == message.key && entry.message.nature != Nature::Gone;
        self.cluster.partitions[partition].log().iter().skip(offset + 1).any(is_later)
    }

    /// What was acked there and not seen, where everything could be known.
    fn at(&self, event: Identity, fate: &Fate, partition: usize, offset: usize) -> Vec<Class> {
        let state = &self.cluster.partitions[partition];
        let log = state.log();
        if offset < state.start {
            return vec![Class::Expired];
        }
        if offset >= state.high {
            // Who had to end before the lanes did knows of no ends that lie before what they still wrote (run/ends.rs).
            let unread = self.cluster.was_denied || log.len() > state.high;
            let lost = log.len() == state.high;
            return [lost.then_some(Class::Lost), unread.then_some(Class::Unread)].into_iter().flatten().collect();
        }
        if offset >= self.cluster.read_to[partition] {
            return vec![Class::Unread];
        }
        let mut classes = self.passed(event, fate, partition, offset);
        if self.cluster.plan.group.is_some() && self.cluster.read_to[partition] > state.high {
            // The log was cut off below what had been read, and how far its members have come since only they know.
            classes.push(Class::Unread);
        }
        classes
    }

    /// What was acked there and not seen although its reader came past it.
    fn passed(&self, event: Identity, fate: &Fate, partition: usize, offset: usize) -> Vec<Class> {
        let state = &self.cluster.partitions[partition];
        let there = &state.log()[offset].message;
        // Who has only the answers of a run may not know the keys.
        let is_joined = matches!(self.cluster.plan.reads, Reads::Joined { .. });
        let of_same_key = fate.message.as_ref().is_some_and(|message| message.key == there.key);
        match there.nature {
            nature if nature.event() == Some(event) && !fate.skipped => vec![Class::Verified],
            nature if nature.event() == Some(event) && state.epoch > 0 => vec![Class::Undelivered, Class::Verified],
            nature if nature.event() == Some(event) => vec![Class::Undelivered],
            nature if nature.damaged() == Some(event) => vec![Class::Corrupt],
            // Nor does it know due times, by which another run's event of the same tag, lane and number is told apart.
            Nature::Foreign if is_joined => vec![Class::Lost, Class::Corrupt],
            Nature::Invalid(_) if is_joined => vec![Class::Lost, Class::Corrupt, Class::Unattributed],
            Nature::Invalid(_) if of_same_key => vec![Class::Lost, Class::Corrupt],
            Nature::Gone if self.is_replaced(fate, partition, offset) => {
                [Class::Compacted].into_iter().chain(is_joined.then_some(Class::Unattributed)).collect()
            }
            _ => vec![Class::Lost],
        }
    }

    /// What was acked and not seen, where what was told may have been true when it was asked.
    fn about(&self, event: Identity, fate: &Fate, partition: usize, place: Place) -> Vec<Class> {
        let mut classes = match place {
            Place::Readable => vec![Class::Verified],
            Place::Above => vec![],
            Place::Expired => vec![Class::Expired],
            Place::Nowhere => vec![Class::Lost],
        };
        classes.push(Class::Unread);
        if !self.was_reached(partition) {
            classes.push(Class::Unattributed);
        }
        if fate.skipped {
            classes.push(Class::Undelivered);
        }
        if self.is_damaged(event, fate) {
            classes.push(Class::Corrupt);
        }
        classes
    }
}
