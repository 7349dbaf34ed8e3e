//! A metric over the partitions of a report.

use super::{Missing, Read, Reading, by_verifier, exact, nothing_scheduled};
use crate::figures::{self, as_f64, counted};
use crate::report::{PartitionReport, RunReport};

/// With fewer acked events per partition, chance alone makes the largest twice the mean.
const SAMPLES_PER_PARTITION: u64 = 10;

pub(super) fn gap(partitions: &[&PartitionReport], read: fn(&PartitionReport) -> u64) -> Read {
    let acked = partitions.iter().filter(|partition| partition.acked > 0);
    acked.map(|partition| read(partition)).max().map_or_else(|| Err(nothing_acked()), |gap| exact(as_f64(gap)))
}

pub(super) fn total(
    report: &RunReport,
    partitions: &[&PartitionReport],
    read: fn(&PartitionReport) -> u64,
    needs_verifier: bool,
) -> Read {
    if report.ledger.scheduled == 0 && !(report.is_alone() && needs_verifier) {
        return Err(nothing_scheduled());
    }
    if partitions.is_empty() {
        return Err(Missing::new("the report holds no partition of it"));
    }
    let sum = as_f64(partitions.iter().map(|partition| read(partition)).sum());
    if needs_verifier { by_verifier(report, sum, report.ledger.scheduled) } else { exact(sum) }
}

fn nothing_acked() -> Missing {
    Missing::of_samples("nothing was acked".to_owned(), 0)
}

/// Largest over mean of acked, of the topic where that is largest.
pub(super) fn skew(partitions: &[&PartitionReport]) -> Read {
    let mut topics: Vec<&str> = partitions.iter().map(|partition| partition.topic.as_str()).collect();
    topics.sort_unstable();
    topics.dedup();
    let mut worst: Option<Reading> = None;
    for topic in topics {
        let acked: Vec<u64> = partitions.iter().filter(|row| row.topic == topic).map(|row| row.acked).collect();
        let reading = skew_of(&acked)?;
        if worst.is_none_or(|worst| worst.value < reading.value) {
            worst = Some(reading);
        }
    }
    worst.ok_or_else(nothing_acked)
}

fn skew_of(acked: &[u64]) -> Read {
    let sum: u64 = acked.iter().sum();
    let (largest, partitions) =
        (acked.iter().max().copied().unwrap_or(0), u64::try_from(acked.len()).unwrap_or(u64::MAX));
    if sum == 0 {
        return Err(nothing_acked());
    }
    let needed = partitions.saturating_mul(SAMPLES_PER_PARTITION);
    if sum < needed {
        let reason = format!("needs {}, this run had {}", counted(needed, "acked event"), figures::count(sum));
        return Err(Missing::of_samples(reason, sum));
    }
    let value = as_f64(largest) * as_f64(partitions) / as_f64(sum);
    Ok(Reading { value, at_least: None, samples: Some(sum) })
}
