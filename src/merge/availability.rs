//! The stalls of the whole: the times in which no process got an ack, or a read, of a partition.
//!
//! A process tells when it waited in vain. It does not tell whether it got an ack or waited for nothing at other times, so what is
//! certain of the whole are the times in which all of them waited in vain that use the partition at all. Each process's
//! own figures are kept beside these. Their instants are put on one clock by the starts, which are wall times of the
//! machines: it is as good as their clocks agree.

use std::collections::{BTreeMap, BTreeSet};

use super::Aligned;
use crate::report::availability::TOLD;
use crate::report::{Availability, FaultReport, PartAvailability, StallReport};

/// A partition of a topic, and whether acks or reads are waited for.
type Place = (String, String, i32);

/// That of the whole; `None` where a part tells nothing of its stalls.
pub(super) fn availability(parts: &[Aligned]) -> Option<Availability> {
    let told: Vec<&Availability> = parts.iter().map(|part| part.report.availability.as_ref()).collect::<Option<_>>()?;
    // What is shorter than the highest threshold is not told by all.
    let threshold = told.iter().map(|of| of.stall_threshold_s).fold(0.0, f64::max);
    let mut whole = Availability {
        stall_threshold_s: threshold,
        // Every verifier reads everything, and meets the same.
        leader_changes: told.iter().map(|of| of.leader_changes).max().unwrap_or(0),
        parts: parts.iter().zip(&told).map(|(part, of)| own(part, of)).collect(),
        ..Availability::default()
    };
    let mut stalls = stalls(parts);
    stalls.retain(|stall| stall.length_s >= threshold);
    stalls.sort_by(|a, b| {
        a.from_s
            .total_cmp(&b.from_s)
            .then_with(|| (&a.topic, a.partition, &a.what).cmp(&(&b.topic, b.partition, &b.what)))
    });
    for stall in &stalls {
        let sum = match stall.what.as_str() {
            "ack" => &mut whole.ack,
            "connect" => &mut whole.connect,
            _ => &mut whole.read,
        };
        sum.add(stall.length_s);
    }
    stalls.truncate(TOLD);
    whole.stalls = stalls;
    Some(whole)
}

/// The faults of all processes on one clock.
pub(super) fn faults(parts: &[Aligned]) -> Vec<FaultReport> {
    let shifted = |part: &Aligned| {
        let mut faults = part.report.faults.clone();
        for fault in &mut faults {
            fault.at_s += part.starts_s;
            for command in fault.command.iter_mut().chain(&mut fault.undo) {
                command.started_s += part.starts_s;
            }
        }
        faults
    };
    parts.iter().flat_map(shifted).collect()
}

fn own(part: &Aligned, of: &Availability) -> PartAvailability {
    PartAvailability {
        name: part.name.clone(),
        stall_threshold_s: of.stall_threshold_s,
        ack: of.ack,
        read: of.read,
        leader_changes: of.leader_changes,
    }
}

/// Of each partition, the times in which all parts that use it waited in vain.
fn stalls(parts: &[Aligned]) -> Vec<StallReport> {
    let of_parts: Vec<BTreeMap<Place, Vec<StallReport>>> = parts.iter().map(by_place).collect();
    let places: BTreeSet<&Place> = of_parts.iter().flat_map(BTreeMap::keys).collect();
    let mut stalls = Vec::new();
    for place in places {
        let of_users = parts.iter().zip(&of_parts).filter(|(part, _)| uses(part, place));
        let own = of_users.map(|(_, of)| of.get(place).map_or(&[][..], Vec::as_slice));
        stalls.extend(own.map(<[StallReport]>::to_vec).reduce(|a, b| overlaps(&a, &b)).unwrap_or_default());
    }
    stalls
}

/// A part's stalls by their places, in order of time, on the common clock.
fn by_place(part: &Aligned) -> BTreeMap<Place, Vec<StallReport>> {
    let mut places = BTreeMap::<Place, Vec<StallReport>>::new();
    for stall in part.report.availability.iter().flat_map(|of| &of.stalls) {
        let place = (stall.what.clone(), stall.topic.clone(), stall.partition);
        places.entry(place).or_default().push(StallReport { from_s: stall.from_s + part.starts_s, ..stall.clone() });
    }
    for stalls in places.values_mut() {
        stalls.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    }
    places
}

/// Whether a part writes to a partition, or reads it: else it cannot tell that it answers.
fn uses(part: &Aligned, (what, topic, number): &Place) -> bool {
    if what == "read" {
        return part.report.latency_us.end_to_end.is_some();
    }
    let mut partitions = part.report.partitions.iter();
    partitions.any(|partition| partition.topic == *topic && partition.partition == *number && partition.sent > 0)
}

/// The times that lie in one of each; stalls of one list do not overlap.
fn overlaps(some: &[StallReport], others: &[StallReport]) -> Vec<StallReport> {
    let until = |stall: &StallReport| stall.from_s + stall.length_s;
    let mut both = Vec::new();
    let (mut some, mut others) = (some.iter().peekable(), others.iter().peekable());
    while let (Some(one), Some(other)) = (some.peek(), others.peek()) {
        // It is over when the first of them is.
        let first = if until(one) <= until(other) { one } else { other };
        let from_s = one.from_s.max(other.from_s);
        let length_s = until(first) - from_s;
        if length_s > 0.0 {
            both.push(StallReport { from_s, length_s, ..StallReport::clone(first) });
        }
        if until(one) <= until(other) {
            some.next()
        } else {
            others.next()
        };
    }
    both
}
