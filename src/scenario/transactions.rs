//! Sending in transactions: as it stands in a scenario, and checked.

use serde::{Deserialize, Serialize};

use super::client::is_true;
use super::error::ConfigError;
use super::plan::{Isolation, open, plan_error};
use super::{Scenario, VerifyConfig};

/// The largest transaction: its events are held until it ends.
const MOST_EVENTS: u32 = 1_000_000;
/// Requests in flight that an idempotent producer may have (KIP-185).
const MOST_IN_FLIGHT: u64 = 5;

/// The `[transactions]` table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransactionConfig {
    /// Whether events are sent in transactions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Events of a transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// Share of the transactions that are aborted, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub abort_rate: Option<f64>,
}

impl TransactionConfig {
    pub(super) fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// How events are sent in transactions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransactionPlan {
    /// Events of a transaction.
    pub size: usize,
    /// Share of the transactions that are aborted, 0 to 1.
    pub abort_rate: f64,
}

/// What a scenario without open settings says of transactions.
///
/// # Errors
/// What does not go together with them.
pub(super) fn transaction_plan(scenario: &Scenario, is_embedded: bool) -> Result<Option<TransactionPlan>, ConfigError> {
    let TransactionConfig { enabled, size, abort_rate } = scenario.transactions;
    if enabled != Some(true) {
        let given = [("txn-size", size.is_some()), ("txn-abort-rate", abort_rate.is_some())];
        return match given.into_iter().find(|(_, given)| *given) {
            Some((what, _)) if enabled.is_none() => {
                Err(plan_error(&format!("--{what} is for transactions, and there are none"), "add --transactional"))
            }
            _ => Ok(None),
        };
    }
    let size = size.ok_or_else(|| open("transactions.size"))?;
    let abort_rate = abort_rate.ok_or_else(|| open("transactions.abort_rate"))?;
    if !(1..=MOST_EVENTS).contains(&size) || !(0.0..=1.0).contains(&abort_rate) {
        let reason = "transactions.size or transactions.abort_rate is out of range";
        return Err(plan_error(reason, "1 to 1000000 events, and 0 to 1"));
    }
    check_client(scenario)?;
    check_reading(&scenario.verify, is_embedded, abort_rate)?;
    Ok(Some(TransactionPlan { size: usize::try_from(size).unwrap_or(usize::MAX), abort_rate }))
}

/// What a transactional producer needs of its settings.
fn check_client(scenario: &Scenario) -> Result<(), ConfigError> {
    let client = &scenario.kafka.client.0;
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

/// The embedded broker commits and aborts without leaving a mark of it in its log.
fn check_reading(verify: &VerifyConfig, is_embedded: bool, abort_rate: f64) -> Result<(), ConfigError> {
    let committed = verify.enabled != Some(false) && verify.isolation == Some(Isolation::ReadCommitted);
    if is_embedded && committed && abort_rate > 0.0 {
        return Err(plan_error(
            "the embedded broker cannot hide aborted events from a reader: it writes no markers",
            "name a cluster with --bootstrap-server, or read with --isolation read_uncommitted",
        ));
    }
    Ok(())
}
