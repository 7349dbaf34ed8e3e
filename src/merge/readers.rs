//! What the members of a group saw that read what producers wrote, each a part of the topics, added to what the producers know.

use jiff::Timestamp;

use super::{Aligned, MergeError, Part, PartRows};
use crate::report::reading::Reading;
use crate::report::{Findings, PartitionReport, RunReport, TimelineRow};

/// The readers of a run, and what they found together that none of them could find alone.
#[derive(Clone, Debug, Default)]
pub struct Readers {
    /// What each left behind, with its seconds in its report.
    pub parts: Vec<Part>,
    /// Copies of events of which no reader saw more than one.
    pub copies: u64,
    /// Those that judged what came out downstream, and nothing else.
    pub judges: Vec<Part>,
}

/// The readers on the clock of the producers, the first of which started at `first`.
pub(super) fn aligned(readers: &Readers, first: Timestamp) -> Result<Vec<Aligned>, MergeError> {
    let aligned = |part: &Part| {
        let start = super::identity::started_at(part)?;
        let mut report = part.report.clone();
        // What a reader knows nothing of takes nothing from what the producers know.
        for row in &mut report.timeline {
            let TimelineRow { at_s, seen, ref marks, .. } = *row;
            let nothing = TimelineRow {
                backlog: Some(0),
                unread: Some(0),
                cpu_ms: Some(0),
                rss_kib: Some(0),
                ..TimelineRow::default()
            };
            *row = TimelineRow { at_s, seen, marks: marks.clone(), ..nothing };
        }
        let starts_s = start.duration_since(first).as_secs_f64();
        let (name, recording) = (part.name.clone(), part.recording.clone());
        Ok(Aligned { name, report, recording, rows: PartRows::InReport, starts_s })
    };
    readers.parts.iter().map(aligned).collect()
}

/// Adds what the readers found. Each record was read by one of them, but for those that were read again when a partition changed hands.
pub(super) fn add(report: &mut RunReport, readers: &[Aligned], copies: u64) {
    let reports = || readers.iter().map(|reader| &reader.report);
    for (kind, of_type) in &mut report.by_type {
        let seen = || reports().filter_map(|reader| reader.by_type.get(kind));
        (of_type.verified, of_type.invalid) = (seen().map(|of| of.verified).sum(), seen().map(|of| of.invalid).sum());
    }
    for partition in &mut report.partitions {
        let of = |reader: &'_ RunReport| -> Option<PartitionReport> {
            let same = |one: &&PartitionReport| one.topic == partition.topic && one.partition == partition.partition;
            reader.partitions.iter().find(same).cloned()
        };
        let seen: Vec<PartitionReport> = reports().filter_map(of).collect();
        partition.from_offset = seen.iter().filter_map(|one| one.from_offset).min();
        partition.position = seen.iter().filter_map(|one| one.position).max();
        partition.log_end = seen.iter().filter_map(|one| one.log_end).max();
        partition.last_stable_offset = seen.iter().filter_map(|one| one.last_stable_offset).max();
    }
    report.findings = findings(reports().map(|reader| &reader.findings), copies);
    for clocks in reports().filter_map(|reader| reader.fleet.as_ref()) {
        if let Some(fleet) = &mut report.fleet {
            fleet.readers.extend(clocks.readers.iter().copied());
        }
    }
    report.run.interrupted |= reports().any(|reader| reader.run.interrupted);
    report.run.deadlines_reached.extend(reports().flat_map(|reader| reader.run.deadlines_reached.iter().cloned()));
    let read: Vec<&Reading> = reports().filter_map(|reader| reader.reading.as_ref()).collect();
    let lag = report.partitions.iter().map(|of| Some(u64::try_from(of.log_end? - of.position?).unwrap_or(0)));
    report.reading = Some(Reading {
        from: read.first().map_or_else(String::new, |first| first.from.clone()),
        ended_by: "its members ended".to_owned(),
        records: read.iter().map(|one| one.records).sum(),
        events: read.iter().map(|one| one.events).sum(),
        content: "keyed".to_owned(),
        damaged: read.iter().map(|one| one.damaged).sum(),
        missing_unknown: Some("the ledger says what became of each event".to_owned()),
        lag: lag.sum(),
        hidden: read.iter().map(|one| one.hidden).max().unwrap_or(0),
        other_layout: read.iter().map(|one| one.other_layout).sum(),
        skipped: read.iter().map(|one| one.skipped).sum(),
        cut_off: read.iter().map(|one| one.cut_off).sum(),
        untimed: read.iter().map(|one| one.untimed).sum(),
        lane_count: report.run.lanes.into(),
        joined: Some(report.run.id.clone()),
        ..Reading::default()
    });
}

/// Of disjoint records: all of it is added.
fn findings<'a>(readers: impl Iterator<Item = &'a Findings>, copies: u64) -> Findings {
    let mut sum = Findings { duplicates: copies, duplicates_undecided: copies, ..Findings::default() };
    for of in readers {
        for (whole, part) in [
            (&mut sum.duplicates, of.duplicates),
            (&mut sum.duplicates_resent, of.duplicates_resent),
            (&mut sum.duplicates_rewritten, of.duplicates_rewritten),
            (&mut sum.duplicates_undecided, of.duplicates_undecided),
            (&mut sum.duplicates_reread, of.duplicates_reread),
            (&mut sum.reordered, of.reordered),
            (&mut sum.invalid, of.invalid),
            (&mut sum.misplaced, of.misplaced),
            (&mut sum.foreign, of.foreign),
            (&mut sum.sibling, of.sibling),
            (&mut sum.re_encoded, of.re_encoded),
            (&mut sum.not_readable_by_reader, of.not_readable_by_reader),
            (&mut sum.awaits_schema, of.awaits_schema),
            (&mut sum.negative_latency, of.negative_latency),
        ] {
            *whole += part;
        }
        for (reason, count) in &of.invalid_by_reason {
            *sum.invalid_by_reason.entry(reason.clone()).or_default() += count;
        }
    }
    sum
}
