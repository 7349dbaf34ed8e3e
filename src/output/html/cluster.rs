//! Where the load went: event types, partitions, keys.

use serde::Serialize;

use crate::figures::{self, count, duration_us, percent};
use crate::report::{PartitionReport, RunReport};

/// One event type.
#[derive(Serialize)]
pub(super) struct TypeView {
    name: String,
    sent: String,
    share: String,
    bar: f64,
    verified: String,
    invalid: String,
    response: [String; 3],
    end_to_end: [String; 3],
}

/// The event types, the most frequent first.
pub(super) fn types(report: &RunReport) -> Vec<TypeView> {
    let read_back = report.latency_us.end_to_end.is_some();
    let if_read = |number: u64| if read_back { count(number) } else { figures::NONE.to_owned() };
    let shown = |us: Option<u64>| us.map_or_else(|| figures::NONE.to_owned(), duration_us);
    let mut types: Vec<_> = report.by_type.iter().collect();
    types.sort_by_key(|(_, of)| std::cmp::Reverse((of.sent, of.verified)));
    types
        .into_iter()
        .map(|(name, of)| {
            let (response, end_to_end) = (&of.latency_us.response_time, &of.latency_us.end_to_end);
            TypeView {
                name: name.clone(),
                sent: if report.is_alone() { figures::NONE.to_owned() } else { count(of.sent) },
                share: percent(of.share_percent),
                bar: of.share_percent.clamp(0.0, 100.0),
                verified: if_read(of.verified),
                invalid: if_read(of.invalid),
                response: [response.p50, response.p99, response.max].map(shown),
                end_to_end: [end_to_end.p50, end_to_end.p99, end_to_end.max].map(shown),
            }
        })
        .collect()
}

/// The partitions.
#[derive(Serialize)]
pub(super) struct PartitionsView {
    skew: Option<String>,
    rows: Vec<PartitionView>,
}

#[derive(Serialize)]
struct PartitionView {
    topic: String,
    number: i32,
    sent: String,
    acked: String,
    seen: String,
    /// Percent of the fullest partition.
    bar: f64,
    share: String,
    ack_gap: String,
    read_gap: String,
    /// Whether its longest silence stands out: a second or more.
    silent: bool,
    offsets: String,
}

pub(super) fn partitions(report: &RunReport) -> Option<PartitionsView> {
    let partitions = &report.partitions;
    if partitions.is_empty() {
        return None;
    }
    let acked: u64 = partitions.iter().map(|partition| partition.acked).sum();
    let most = partitions.iter().map(|partition| partition.acked).max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "two digits are shown")]
    let skew = figures::ratio(most, acked).map(|share| figures::number(share * partitions.len() as f64, 2));
    let read_back = report.latency_us.end_to_end.is_some();
    let rows = partitions
        .iter()
        .map(|partition| PartitionView {
            topic: partition.topic.clone(),
            number: partition.partition,
            sent: count(partition.sent),
            acked: count(partition.acked),
            seen: if read_back { count(partition.seen) } else { figures::NONE.to_owned() },
            bar: figures::ratio(partition.acked, most).unwrap_or(0.0) * 100.0,
            share: figures::share(partition.acked, acked),
            ack_gap: duration_us(partition.longest_ack_gap_us),
            read_gap: if read_back { duration_us(partition.longest_read_gap_us) } else { figures::NONE.to_owned() },
            silent: partition.longest_ack_gap_us >= 1_000_000 || partition.longest_read_gap_us >= 1_000_000,
            offsets: offsets(partition),
        })
        .collect();
    Some(PartitionsView { skew, rows })
}

fn offsets(partition: &PartitionReport) -> String {
    let shown = |offset: Option<i64>| {
        offset.and_then(|offset| u64::try_from(offset).ok()).map_or_else(|| "?".to_owned(), count)
    };
    match (partition.from_offset, partition.position, partition.log_end) {
        (None, None, None) => figures::NONE.to_owned(),
        (from, position, end) if position == end => format!("{} … {}", shown(from), shown(end)),
        (from, position, end) => format!("{} … {} of {}", shown(from), shown(position), shown(end)),
    }
}

/// One of the hottest keys.
#[derive(Serialize)]
pub(super) struct KeyView {
    key: String,
    events: String,
    share: String,
    /// Percent of the hottest.
    bar: f64,
}

pub(super) fn hot_keys(report: &RunReport) -> Vec<KeyView> {
    let most = report.hot_keys.iter().map(|key| key.events).max().unwrap_or(0);
    report
        .hot_keys
        .iter()
        .map(|key| KeyView {
            key: key.key.clone(),
            events: count(key.events),
            share: percent(key.share_percent),
            bar: figures::ratio(key.events, most).unwrap_or(0.0) * 100.0,
        })
        .collect()
}
