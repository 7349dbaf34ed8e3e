//! Whose part of the latency is whose, and what the Kafka client measured of itself, in words: one source for terminal and HTML.

use super::{Client, Windows, figures};

/// The mean latency as the sum of its parts, in ms; `None` where a part is not known.
pub(super) fn parts(client: &Client) -> Option<String> {
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
    Some(format!("{} = {}{note}", named.collect::<Vec<_>>().join(" + "), ms(parts.sum())))
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

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of small positive numbers")]
fn whole(mean: f64) -> u64 {
    mean.round() as u64
}
