//! Sending in transactions, checked.

use std::collections::BTreeMap;

use super::client::is_true;
use super::error::{ConfigError, plan_error};
use crate::settings::transactions::{TransactionOptions, Transactions};
use crate::settings::verification::Isolation;

/// The largest transaction: its events are held until it ends.
const MOST_EVENTS: u32 = 1_000_000;
/// Requests in flight that an idempotent producer may have (KIP-185).
const MOST_IN_FLIGHT: u64 = 5;

/// What is asked for of transactions; `reads` are the records that are read back, where any are.
///
/// # Errors
/// What does not go together with them.
pub(super) fn transactions(
    asked: &TransactionOptions,
    client: &BTreeMap<String, String>,
    reads: Option<Isolation>,
    is_embedded: bool,
) -> Result<Option<Transactions>, ConfigError> {
    let TransactionOptions { enabled, size, abort_rate } = *asked;
    if enabled != Some(true) {
        let given = [("txn-size", size.is_some()), ("txn-abort-rate", abort_rate.is_some())];
        return match given.into_iter().find(|(_, given)| *given) {
            Some((what, _)) if enabled.is_none() => {
                Err(plan_error(&format!("--{what} is for transactions, and there are none"), "add --transactional"))
            }
            _ => Ok(None),
        };
    }
    let (size, abort_rate) = (size.unwrap_or_default(), abort_rate.unwrap_or_default());
    if !(1..=MOST_EVENTS).contains(&size) || !(0.0..=1.0).contains(&abort_rate) {
        let reason = "transactions.size or transactions.abort_rate is out of range";
        return Err(plan_error(reason, "1 to 1000000 events, and 0 to 1"));
    }
    check_client(client)?;
    if is_embedded && reads == Some(Isolation::ReadCommitted) && abort_rate > 0.0 {
        // The embedded broker commits and aborts without leaving a mark of it in its log.
        return Err(plan_error(
            "the embedded broker cannot hide aborted events from a reader: it writes no markers",
            "name a cluster with --bootstrap-server, or read with --isolation read_uncommitted",
        ));
    }
    Ok(Some(Transactions { size: usize::try_from(size).unwrap_or(usize::MAX), abort_rate }))
}

/// What a transactional producer needs of its settings.
fn check_client(client: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    if let Some(acks) = client.get("acks").filter(|acks| !matches!(acks.as_str(), "all" | "-1")) {
        let reason = format!("transactions need acks=all, and acks={acks} is asked for");
        return Err(plan_error(&reason, "leave out --acks or --transactional"));
    }
    if client.get("enable.idempotence").is_some_and(|on| !is_true(on)) {
        let reason = "transactions need idempotence, and it is switched off";
        return Err(plan_error(reason, "leave out --idempotence=false (enable.idempotence) or --transactional"));
    }
    let in_flight = ["max.in.flight", "max.in.flight.requests.per.connection"];
    let in_flight = in_flight.iter().find_map(|key| client.get(*key)).and_then(|value| value.parse::<u64>().ok());
    match in_flight {
        Some(requests) if requests > MOST_IN_FLIGHT => Err(plan_error(
            &format!("transactions allow {MOST_IN_FLIGHT} requests in flight, and {requests} are asked for"),
            "leave out max.in.flight.requests.per.connection",
        )),
        _ => Ok(()),
    }
}
