//! Whose part of the latency is whose, and what the Kafka client measured of itself, in words: one source for terminal and HTML.

use crate::figures::{self, whole};
use crate::report::{Client, RunReport, Windows};

/// `linger.ms` where nobody sets it (librdkafka's CONFIGURATION.md).
const LINGER_MS: f64 = 5.0;
/// How long a full request takes to be put together after the linger, in us, at most: what waits longer waits for others.
const BATCHING_US: f64 = 1_000.0;

/// The mean latency as the sum of its parts, in ms; `None` where a part is not known.
pub(super) fn parts(report: &RunReport) -> Option<String> {
    let client = report.client.as_ref()?;
    let parts = client.parts_us?;
    let ms = |us: f64| figures::number(us / 1e3, 2);
    let named = [
        ("slip", parts.slip),
        ("client queue", Some(parts.client_queue)),
        ("network and broker", Some(parts.network_and_broker)),
        ("fetch and deliver", parts.fetch_and_deliver),
    ];
    let named = named.into_iter().filter_map(|(name, us)| Some(format!("{name} {}", ms(us?))));
    // A record can be read as soon as it is committed, which is before its ack has come back.
    let sooner = parts.fetch_and_deliver.is_some_and(|us| us < 0.0);
    let note = if sooner { " (below zero: seen before the ack came in)" } else { "" };
    let whose = whose_queue(report, parts.client_queue).map_or_else(String::new, |whose| format!("; {whose}"));
    Some(format!("{} = {}{note}{whose}", named.collect::<Vec<_>>().join(" + "), ms(parts.sum())))
}

/// Whose part the wait in the client's queue is, where it is longer than the client lingers by itself: requests before it were
/// not answered, as with `blocked`.
fn whose_queue(report: &RunReport, queue_us: f64) -> Option<String> {
    let linger_ms = ["linger.ms", "queue.buffering.max.ms"]
        .iter()
        .find_map(|name| report.environment.client_config.get(*name)?.parse().ok())
        .unwrap_or(LINGER_MS);
    let beyond_us = queue_us - linger_ms * 1e3;
    (beyond_us > BATCHING_US.max(linger_ms * 1e3)).then(|| {
        let beyond = figures::number(beyond_us / 1e3, 2);
        let linger = figures::trimmed(linger_ms, 1);
        format!(
            "of the client queue {beyond} is beyond linger.ms={linger}: events waited there until requests before them were \
             answered, which is the broker's part as long as this machine had processors to spare"
        )
    })
}

/// Batches, round trips, throttling, retries.
pub(super) fn items(client: &Client) -> Vec<String> {
    let mut items = Vec::new();
    if let (Some(messages), Some(bytes)) = (client.batch_messages.mean, client.batch_bytes.mean) {
        items.push(format!("{} events ({}) a batch", figures::significant(messages), figures::bytes(whole(bytes))));
    }
    if let Windows { mean: Some(mean), worst_p99: Some(worst), .. } = client.round_trip_us {
        let (mean, worst) = (figures::duration_us(whole(mean)), figures::duration_us(worst));
        items.push(format!("round trip {mean}, p99 of the worst 100 ms {worst}"));
    }
    if let Windows { mean: Some(mean), max: Some(max), .. } = client.throttle_ms
        && max > 0
    {
        let mean = figures::significant(mean);
        items.push(format!("throttled by a quota: {mean} ms an answer, {} ms at most", figures::count(max)));
    }
    items.push(format!("retries {}", figures::count(client.retries)));
    items.push(format!("time-outs {}", figures::count(client.timeouts)));
    items
}
