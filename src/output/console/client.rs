//! Whose part of the latency is whose, and what the Kafka client measured of itself.

use super::page::{Ink, Page};
use crate::output::decomposition;
use crate::report::RunReport;

/// Two rows, where the client said something.
pub(super) fn section(page: &mut Page, report: &RunReport) {
    let Some(client) = &report.client else { return };
    if let Some(parts) = decomposition::parts(report) {
        page.row("mean (ms)", &parts);
    }
    page.list("client", &decomposition::items(client));
}

/// Kinds of errors shown at most; the report holds all.
const SHOWN: usize = 4;

/// What clients said that went wrong, the most frequent kinds first.
pub(super) fn errors(page: &mut Page, report: &RunReport) {
    let mut errors: Vec<_> = report.client_errors.iter().collect();
    errors.sort_by_key(|error| (error.harmless, std::cmp::Reverse(error.count)));
    for (place, error) in errors.iter().take(SHOWN).enumerate() {
        let ink = if error.harmless { Ink::Plain } else { Ink::Warning };
        page.row_inked(if place == 0 { "clients" } else { "" }, &error.sentence(), ink);
    }
    if errors.len() > SHOWN {
        page.row("", &format!("… {} more kinds of errors in the report", errors.len() - SHOWN));
    }
    if let Some(throttling) = &report.read_throttling {
        page.row_inked("quota", &throttling.sentence(), Ink::Warning);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Client, LatencyParts, Windows};

    #[test]
    fn the_parts_and_their_sum_are_told_and_a_quota_only_where_there_is_one() {
        let windows =
            |mean: f64, max: u64| Windows { count: 9, mean: Some(mean), worst_p99: Some(max), max: Some(max) };
        let parts = LatencyParts {
            slip: Some(500.0),
            client_queue: 5_000.0,
            network_and_broker: 1_250.0,
            fetch_and_deliver: Some(-50.0),
        };
        let mut client = Client {
            parts_us: Some(parts),
            round_trip_us: windows(1_100.0, 3_000),
            throttle_ms: windows(0.0, 0),
            batch_bytes: windows(9_000.0, 20_000),
            batch_messages: windows(41.6, 100),
            retries: 3,
            ..Client::default()
        };
        let shown = |client: &Client| {
            let mut page = Page::new(false, 100);
            section(&mut page, &RunReport { client: Some(client.clone()), ..RunReport::default() });
            page.finish()
        };
        assert_eq!(
            shown(&client),
            " mean (ms)  slip 0.50 + client queue 5.00 + network and broker 1.25 + fetch and deliver -0.05 = 6.70\n            \
             (below zero: seen before the ack came in)\n \
             client     41.6 events (8.79 KiB) a batch · round trip 1.10 ms, p99 of the worst 100 ms 3.00 ms ·\n            \
             retries 3 · time-outs 0\n"
        );
        let queued = Client { parts_us: Some(LatencyParts { client_queue: 224_180.0, ..parts }), ..client.clone() };
        let told = shown(&queued).replace("\n            ", " ");
        assert!(
            told.contains("of the client queue 219.18 is beyond linger.ms=5: events waited there until requests"),
            "{told}"
        );
        client.throttle_ms = windows(12.0, 250);
        assert!(shown(&client).contains("throttled by a quota: 12.0 ms an answer, 250 ms at most"));
    }
}
