//! The transactions of a run: what their producers are told, and what is reported of them.

use std::time::Duration;

use super::Config;
use crate::kafka::native::Producer;
use crate::kafka::{KafkaError, Settings};
use crate::lane::TransactionPlan;
use crate::measure::Shard;
use crate::report;
use crate::settings::transactions::Transactions;

/// The least time for a coordinator of transactions: a fresh cluster makes the topic that it keeps them in first.
const COORDINATOR: Duration = Duration::from_secs(30);
/// How long a transaction is kept open at most.
const OPEN: Duration = Duration::from_secs(10);
/// `transaction.timeout.ms` where nobody sets it (librdkafka's CONFIGURATION.md): the coordinator aborts what is open longer.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(60);

/// How a lane cuts its events.
pub(super) fn plan_of(plan: Transactions, config: &Config) -> TransactionPlan {
    let timeout = config.kafka.client.get("transaction.timeout.ms").and_then(|value| value.parse().ok());
    let timeout = timeout.map_or(TRANSACTION_TIMEOUT, Duration::from_millis);
    TransactionPlan {
        size: plan.size,
        abort_share: plan.abort_rate,
        seed: config.seed,
        open_at_most: OPEN.min(timeout / 3).into(),
        reads_uncommitted: config.verify.as_ref().is_none_or(|verify| !verify.reads_committed()),
    }
}

/// The id that the lanes' ids begin with: one of the run's own, so that no run fences another.
pub(super) fn id_of(config: &Config) -> String {
    format!("loadgen-{}", config.id)
}

/// A lane's own: two producers of one id would fence each other.
pub(super) fn of_lane(settings: &Settings, lane: u16) -> Settings {
    let mut own = settings.clone();
    if let Some(id) = own.get_mut("transactional.id") {
        *id = format!("{id}-{lane}");
    }
    own
}

/// Makes a producer ready for its first transaction.
pub(super) fn init(producer: &Producer, config: &Config) -> Result<(), KafkaError> {
    let timeout = config.kafka.connect_timeout.max(COORDINATOR);
    producer.init_transactions(timeout).map_err(|error| KafkaError::Refused {
        what: format!("making a producer ready for transactions ({})", error.text),
        code: error.code,
    })
}

/// As the report has them.
pub(super) fn told(plan: Transactions, total: &Shard) -> report::Transactions {
    let mut failed_by = total.abort_causes.clone();
    failed_by.sort_by_key(|cause| std::cmp::Reverse(cause.transactions));
    report::Transactions {
        size: plan.size as u64,
        abort_rate: plan.abort_rate,
        counts: total.transactions,
        failed_by,
        waited_s: total.waited.as_secs_f64(),
    }
}
