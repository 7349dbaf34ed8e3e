//! Ledger, types, phases, partitions and keys of the whole.

use std::collections::{BTreeMap, BTreeSet};

use hdrhistogram::Histogram;

use super::latency::{ByKind, summary, summary_without_quantiles};
use super::{Aligned, offered};
use crate::figures::as_f64;
use crate::recording::LatencyKind;
use crate::report::{
    Client, FraudReport, Hiccup, HotKey, Latencies, LatencyParts, LatencySummary, LedgerCounts, PartitionReport,
    PhaseReport, Process, TopicLedger, Transactions, TypeLatencies, TypeReport, Windows,
};

/// The fraud that all parts wove in, each in lanes of its own.
pub(super) fn fraud(parts: &[Aligned]) -> Option<FraudReport> {
    let mut told = parts.iter().filter_map(|part| part.report.fraud.as_ref());
    let mut whole = told.next()?.clone();
    for part in told {
        whole.unwritten = whole.unwritten.or_else(|| part.unwritten.clone());
        for pattern in &part.patterns {
            match whole.patterns.iter_mut().find(|known| known.name == pattern.name) {
                Some(known) => {
                    known.events += pattern.events;
                    known.episodes += pattern.episodes;
                }
                None => whole.patterns.push(pattern.clone()),
            }
        }
    }
    Some(whole)
}

/// What the clients of all parts measured; absent where one of them said nothing.
pub(super) fn client(parts: &[Aligned], latencies: &Latencies) -> Option<Client> {
    let known: Vec<&Client> = parts.iter().map(|part| part.report.client.as_ref()).collect::<Option<_>>()?;
    let windows = |of: fn(&Client) -> Windows| known.iter().map(|client| of(client)).fold(Windows::default(), both);
    let queue_us = windows(|client| client.queue_us);
    Some(Client {
        parts_us: queue_us.mean.and_then(|queue| LatencyParts::of(latencies, queue)),
        queue_us,
        socket_us: windows(|client| client.socket_us),
        round_trip_us: windows(|client| client.round_trip_us),
        throttle_ms: windows(|client| client.throttle_ms),
        batch_bytes: windows(|client| client.batch_bytes),
        batch_messages: windows(|client| client.batch_messages),
        most_queued: known.iter().map(|client| client.most_queued).sum(),
        retries: known.iter().map(|client| client.retries).sum(),
        timeouts: known.iter().map(|client| client.timeouts).sum(),
    })
}

fn both(a: Windows, b: Windows) -> Windows {
    let sum = |of: Windows| of.mean.unwrap_or(0.0) * as_f64(of.count);
    let count = a.count + b.count;
    Windows {
        count,
        mean: (count > 0).then(|| (sum(a) + sum(b)) / as_f64(count)),
        worst_p99: a.worst_p99.max(b.worst_p99),
        max: a.max.max(b.max),
    }
}

/// The class of every event of every part.
pub(super) fn ledger(parts: &[Aligned]) -> LedgerCounts {
    parts.iter().map(|part| part.report.ledger).sum()
}

/// Each topic. Every process's verifier reads all records, so what breaks the schema is not added.
pub(super) fn by_topic(parts: &[Aligned]) -> BTreeMap<String, TopicLedger> {
    let mut merged: BTreeMap<String, TopicLedger> = BTreeMap::new();
    for (name, of) in parts.iter().flat_map(|part| &part.report.by_topic) {
        let sum = merged.entry(name.clone()).or_default();
        for kind in &of.event_types {
            if !sum.event_types.contains(kind) {
                sum.event_types.push(kind.clone());
            }
        }
        sum.sent += of.sent;
        sum.acked += of.acked;
        sum.seen += of.seen;
        sum.verified += of.verified;
        sum.invalid = sum.invalid.max(of.invalid);
        for (class, count) in &of.not_verified {
            *sum.not_verified.entry(class.clone()).or_default() += count;
        }
    }
    merged
}

/// What kept the processes from running, on one clock. Parts without it are passed over.
pub(super) fn process(parts: &[Aligned]) -> Option<Process> {
    let mut sum: Option<Process> = None;
    for part in parts {
        let Some(of_part) = &part.report.process else { continue };
        let sum = sum.get_or_insert_with(Process::default);
        sum.hiccups += of_part.hiccups;
        sum.hiccups_total_s += of_part.hiccups_total_s;
        sum.longest_hiccup_s = sum.longest_hiccup_s.max(of_part.longest_hiccup_s);
        let moved = |hiccup: &Hiccup| Hiccup { from_s: hiccup.from_s + part.starts_s, ..*hiccup };
        sum.hiccups_at.extend(of_part.hiccups_at.iter().map(moved));
        sum.throttled_periods = sum.throttled_periods.into_iter().chain(of_part.throttled_periods).reduce(|a, b| a + b);
        sum.throttled_s = sum.throttled_s.into_iter().chain(of_part.throttled_s).reduce(|a, b| a + b);
    }
    if let Some(sum) = &mut sum {
        sum.hiccups_at.sort_by(|one, other| one.from_s.total_cmp(&other.from_s));
    }
    sum
}

/// The transactions of all parts.
pub(super) fn transactions(parts: &[Aligned]) -> Option<Transactions> {
    let mut all = parts.iter().filter_map(|part| part.report.transactions.as_ref());
    let mut sum = all.next()?.clone();
    all.for_each(|of_part| sum.add(of_part));
    Some(sum)
}

/// Each event type.
pub(super) fn by_type(
    parts: &[Aligned],
    histograms: &BTreeMap<String, ByKind>,
    without_quantiles: &mut Vec<String>,
) -> BTreeMap<String, TypeReport> {
    let names: BTreeSet<&String> = parts.iter().flat_map(|part| part.report.by_type.keys()).collect();
    let all: u64 = parts.iter().flat_map(|part| part.report.by_type.values()).map(|of_type| of_type.sent).sum();
    let mut merged = BTreeMap::new();
    for name in names {
        let of_type = || parts.iter().filter_map(|part| part.report.by_type.get(name));
        let mut latency = |kind: LatencyKind| {
            let histogram = histograms.get(name).and_then(|kinds| kinds.get(&kind));
            let summaries = of_type().filter_map(|of_type| kind.of_type(&of_type.latency_us));
            summarized(histogram, summaries, || format!("by_type.{name}.{kind}"), without_quantiles)
        };
        let latency_us = TypeLatencies {
            response_time: latency(LatencyKind::ResponseTime),
            end_to_end: latency(LatencyKind::EndToEnd),
        };
        let sent = of_type().map(|of_type| of_type.sent).sum();
        let report = TypeReport {
            sent,
            verified: of_type().map(|of_type| of_type.verified).sum(),
            invalid: of_type().map(|of_type| of_type.invalid).max().unwrap_or(0),
            share_percent: percent(sent, all),
            expected_share_percent: of_type().find_map(|of_type| of_type.expected_share_percent),
            latency_us,
        };
        merged.insert(name.clone(), report);
    }
    merged
}

/// Each phase.
pub(super) fn phases(
    parts: &[Aligned],
    histograms: &[ByKind],
    without_quantiles: &mut Vec<String>,
) -> Vec<PhaseReport> {
    let mut merged = Vec::new();
    for (index, first) in parts[0].report.phases.iter().enumerate() {
        let phase = || parts.iter().filter_map(move |part| part.report.phases.get(index));
        let mut latency = |kind: LatencyKind| {
            let summaries = || phase().filter_map(move |phase| kind.of(&phase.latency_us));
            summaries().next()?;
            let histogram = histograms.get(index).and_then(|kinds| kinds.get(&kind));
            let path = || format!("phase.{}.{kind}", first.name);
            Some(summarized(histogram, summaries(), path, without_quantiles))
        };
        let latency_us = Latencies {
            slip: latency(LatencyKind::Slip),
            lateness: latency(LatencyKind::Lateness),
            blocked: latency(LatencyKind::Blocked),
            capped: latency(LatencyKind::Capped),
            service_time: latency(LatencyKind::ServiceTime).unwrap_or_default(),
            response_time: latency(LatencyKind::ResponseTime).unwrap_or_default(),
            end_to_end: latency(LatencyKind::EndToEnd),
            commit_time: latency(LatencyKind::CommitTime),
            commit_call: latency(LatencyKind::CommitCall),
        };
        merged.push(PhaseReport {
            name: first.name.clone(),
            warm_up: first.warm_up,
            schedule: first.schedule.clone(),
            offered: offered::phase(&phase().collect::<Vec<_>>()),
            ledger: phase().map(|phase| phase.ledger).sum(),
            latency_us,
        });
    }
    merged
}

/// From the histogram; where there is none, without quantiles, and the path says where.
fn summarized<'a>(
    histogram: Option<&Histogram<u64>>,
    summaries: impl Iterator<Item = &'a LatencySummary> + Clone,
    path: impl FnOnce() -> String,
    without_quantiles: &mut Vec<String>,
) -> LatencySummary {
    if let Some(histogram) = histogram {
        return summary(histogram, summaries);
    }
    if summaries.clone().all(|summary| summary.count == 0) {
        return LatencySummary::default();
    }
    without_quantiles.push(path());
    summary_without_quantiles(summaries)
}

/// Each partition. Gaps are the longest that a single part saw; the others may have been served meanwhile.
pub(super) fn partitions(parts: &[Aligned]) -> Vec<PartitionReport> {
    let mut merged = BTreeMap::<(String, i32), PartitionReport>::new();
    for part in parts.iter().flat_map(|part| &part.report.partitions) {
        let place = merged.entry((part.topic.clone(), part.partition));
        place.and_modify(|sum| *sum = joined(sum, part)).or_insert_with(|| part.clone());
    }
    merged.into_values().collect()
}

fn joined(a: &PartitionReport, b: &PartitionReport) -> PartitionReport {
    let least = |a: Option<i64>, b: Option<i64>| [a, b].into_iter().flatten().min();
    PartitionReport {
        topic: a.topic.clone(),
        partition: a.partition,
        sent: a.sent + b.sent,
        acked: a.acked + b.acked,
        seen: a.seen + b.seen,
        longest_ack_gap_us: a.longest_ack_gap_us.max(b.longest_ack_gap_us),
        longest_read_gap_us: a.longest_read_gap_us.max(b.longest_read_gap_us),
        from_offset: least(a.from_offset, b.from_offset),
        position: least(a.position, b.position),
        log_end: a.log_end.max(b.log_end),
        last_stable_offset: least(a.last_stable_offset, b.last_stable_offset),
    }
}

/// The hottest keys: as many as the longest list of a part.
pub(super) fn hot_keys(parts: &[Aligned]) -> Vec<HotKey> {
    let longest = parts.iter().map(|part| part.report.hot_keys.len()).max().unwrap_or(0);
    let sent: u64 = parts.iter().flat_map(|part| part.report.by_type.values()).map(|of_type| of_type.sent).sum();
    let mut events = BTreeMap::<&String, u64>::new();
    for hot in parts.iter().flat_map(|part| &part.report.hot_keys) {
        *events.entry(&hot.key).or_default() += hot.events;
    }
    let mut keys: Vec<HotKey> = events
        .into_iter()
        .map(|(key, events)| HotKey { key: key.clone(), events, share_percent: percent(events, sent) })
        .collect();
    keys.sort_by(|a, b| b.events.cmp(&a.events).then_with(|| a.key.cmp(&b.key)));
    keys.truncate(longest);
    keys
}

fn percent(part: u64, whole: u64) -> f64 {
    as_f64(part) * 100.0 / as_f64(whole.max(1))
}
