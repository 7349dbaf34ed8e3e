//! After the last thread has ended: what became of the events that nobody saw, and of those that were seen.

mod duplicates;
pub(super) mod evidence;
mod listing;
mod second_reading;
mod unverified;

use std::collections::BTreeMap;

use super::prepare::Prepared;
use super::wiring::{Reading, Wiring};
use super::{Config, ends::Ends};
use crate::clock::{Anchor, Clock, Nanos};
use crate::control::tempo::Tempo;
use crate::event::catalogue::{Catalogue, TypeIndex};
use crate::event::decode::Decoded;
use crate::event::opaque::Raw;
use crate::event::stamp::Stamp;
use crate::kafka::Record;
use crate::lane::LaneEnd;
use crate::ledger::class::{Class, Sight};
use crate::ledger::judge::{Judged, judge_lane};
use crate::ledger::{Ledger, Marks, Outstanding, Sighting};
use crate::measure::Shard;
use crate::report::{Findings, LedgerCounts};
use crate::schedule::Schedule;
use crate::settings::verification::Verification;
use crate::verify::Damaged;
use crate::verify::look_up::AckedEvent;
use crate::verify::look_up::Ours;
pub(super) use duplicates::settle_duplicates;
use evidence::{LaneEvidence, SeenInLog};
pub(super) use listing::Listing;
pub(super) use second_reading::{ALL, LOOK_UPS, Log, Opened, SecondReading, not_read_again, stretches};
pub use unverified::Unverified;

/// How the events ended.
#[derive(Debug, Default)]
pub(super) struct Attributed {
    /// By phase.
    pub(super) phases: Vec<LedgerCounts>,
    /// Those that did not end verified, one by one, as far as there is room.
    pub(super) unverified: Vec<Unverified>,
    /// How many did not end verified, by their type and class, as far as their type is known.
    pub(super) by_kind: BTreeMap<(TypeIndex, &'static str), u64>,
    /// What could not be found out in time.
    pub(super) unfinished: Option<String>,
}

/// Reads the log again where that is needed, and gives each event its class.
pub(super) fn attribute<W: Wiring>(
    config: &Config,
    prepared: &Prepared,
    ledger: &Ledger,
    schedule: &Schedule,
    ends: &mut Ends,
    total: &mut Shard,
    wiring: &W,
) -> (Attributed, Findings) {
    let gave_up = ends.clock.now();
    let Some(verifier) = ends.verifier.take() else {
        let judged = Judging { config, ledger, anchor: ends.anchor, gave_up, damaged: &[] };
        let mut findings = Findings::default();
        return (judged.judge(&ends.lanes, &SeenInLog::default(), total, &mut findings, None), findings);
    };
    let mut findings = verifier.findings.0;
    let log = Log {
        topic: &config.kafka.topic,
        topics: &prepared.target.topics,
        ours: Ours {
            run: config.id,
            catalogue: &config.catalogue,
            numbering: config.lanes.numbering(),
            homes: prepared.target.homes(),
            rules: wiring.rules(),
        },
        compacted: prepared.target.is_compacted(),
        committed_only: config.verify.as_ref().is_some_and(Verification::reads_committed),
        open: &|isolation| {
            wiring.reader_again(isolation, || {
                let reader = Box::new(prepared.target.second_reader(isolation)?);
                Ok(prepared.restamped(config, reader, Reading::Again))
            })
        },
    };
    let is_another = prepared.target.topics.made_anew().is_some();
    ends.partitions.iter_mut().for_each(|state| state.is_another = is_another);
    let unseen: Vec<AckedEvent> = unseen(config, ledger, ends).collect();
    let mut reading = SecondReading::new(log, &mut ends.partitions, &verifier.damaged, &verifier.overtaking);
    reading.look_above(unseen.iter().map(|event| (event.partition, event.offset)));
    for event in unseen {
        reading.look_up(event);
    }
    let tempo = prepared.control.tempo();
    let late =
        Late { ledger, catalogue: &config.catalogue, schedule, tempo: &tempo, anchor: ends.anchor, clock: ends.clock };
    let mut see = |record: &Record<'_>, stamp: Stamp| late.see(stamp, record, total);
    let found = reading.read(verifier.duplicates, &mut findings, Some(&mut see));
    let judging = Judging { config, ledger, anchor: ends.anchor, gave_up, damaged: &verifier.damaged };
    let unfinished = not_read_again(&found, &prepared.target.slots);
    let attributed = judging.judge(&ends.lanes, &found, total, &mut findings, unfinished);
    (attributed, findings)
}

/// The acked events that nobody saw, as far as they are remembered.
fn unseen(config: &Config, ledger: &Ledger, ends: &Ends) -> impl Iterator<Item = AckedEvent> {
    let of_lane = |(lane, end): (u16, &LaneEnd)| {
        let unseen = end.waiting.events().iter().filter(|event| is_unseen(ledger, lane, event.sequence));
        unseen.filter_map(|event| wanted(ends.anchor, lane, event)).collect::<Vec<_>>()
    };
    config.lanes.numbers().zip(&ends.lanes).flat_map(of_lane)
}

fn is_unseen(ledger: &Ledger, lane: u16, sequence: u64) -> bool {
    ledger.lane(lane).is_some_and(|book| !book.open().marks(sequence).has(Marks::SEEN))
}

fn wanted(anchor: Anchor, lane: u16, event: &Outstanding) -> Option<AckedEvent> {
    let Outstanding { sequence, key, partition, due, .. } = *event;
    let due_ms = i64::try_from(anchor.unix_ns(due) / 1_000_000).ok();
    event.offset.map(|offset| AckedEvent { partition, offset, lane, sequence, key: Some(key), due_ms })
}

/// Sees events that the verifier could not see when it read.
struct Late<'a, C> {
    ledger: &'a Ledger,
    catalogue: &'a Catalogue,
    schedule: &'a Schedule,
    tempo: &'a Tempo,
    anchor: Anchor,
    clock: C,
}

impl<C: Clock> Late<'_, C> {
    fn see(&self, stamp: Stamp, record: &Record<'_>, total: &mut Shard) {
        let Some(book) = self.ledger.lane(stamp.lane) else { return };
        if !matches!(book.open().see(stamp.sequence, stamp.due, false), Sighting::First | Sighting::Mended) {
            return;
        }
        // Its due time is of this run, and rounded down: before zero by less than what the stamp leaves out.
        let due = self.anchor.instant(stamp.due.unix_ns()).unwrap_or_default();
        let end_to_end = self.clock.now() - due;
        total.seen += 1;
        if let Ok(Decoded { kind, .. }) = self.catalogue.decode_record(Raw::from(record)) {
            let within = self.anchor.instant(stamp.due.last_unix_ns()).unwrap_or_default();
            total.record_sight(self.schedule.phase_at(self.tempo.schedule_at(within)), kind, end_to_end);
            if let Some(of_type) = total.kinds.get_mut(kind.index()) {
                of_type.verified += 1;
            }
        }
        if let Some(partition) = usize::try_from(record.partition).ok().and_then(|at| total.partitions.get_mut(at)) {
            partition.seen += 1;
        }
    }
}

/// Giving classes.
struct Judging<'a> {
    config: &'a Config,
    ledger: &'a Ledger,
    anchor: Anchor,
    gave_up: Nanos,
    damaged: &'a [Damaged],
}

impl Judging<'_> {
    /// Gives each event its class, by phase. Unseen acked events enter the end-to-end time as censored.
    fn judge(
        &self,
        lanes: &[LaneEnd],
        found: &SeenInLog,
        total: &mut Shard,
        findings: &mut Findings,
        unfinished: Option<String>,
    ) -> Attributed {
        let verifying = self.config.verify.is_some();
        let mut phases: Vec<LedgerCounts> = vec![LedgerCounts::default(); total.phases.len()];
        let mut listing = Listing::new(&self.config.kafka.topic, self.damaged);
        let mut by_kind = BTreeMap::new();
        for ((number, book), lane) in self.ledger.lanes().zip(lanes) {
            let each = |judged: Judged| {
                if let Some(event) = judged.outstanding.filter(|_| verifying && judged.sight != Sight::Right) {
                    let waited = self.gave_up - event.due;
                    total.record_no_sight(usize::from(event.phase), event.kind, waited);
                }
                if let Some(event) = judged.outstanding.filter(|_| judged.class != Class::Verified) {
                    *by_kind.entry((event.kind, judged.class.as_str())).or_default() += 1;
                }
                listing.add(Unverified::new(self.config, self.anchor, number, &judged), findings)
            };
            let evidence = LaneEvidence::new(found, number);
            let counts = judge_lane(book, &lane.waiting, &lane.phase_starts, verifying, &evidence, each);
            for (sum, count) in phases.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        Attributed { phases, unverified: listing.into_told(), by_kind, unfinished }
    }
}
