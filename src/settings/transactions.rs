//! Sending in transactions.

use super::layer::settings;
use super::values;

settings! {
    /// Sending events in transactions.
    #[command(next_help_heading = "Transactions")]
    pub struct TransactionOptions {
        /// Send events in transactions, each lane by a transactional producer of its own
        ///
        /// An event counts as acked when its transaction is committed. Needs acks=all and idempotence.
        #[arg(id = "transactional", long = "transactional", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        enabled: Option<bool>,
        /// Events of a transaction, 1 to 1,000,000 [default: 100]
        ///
        /// One that has not filled up after 10 s, or a third of transaction.timeout.ms, ends with what it has.
        #[arg(long = "txn-size", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        size: Option<u32>,
        /// Share of the transactions that are aborted, 0 to 1, drawn from the seed [default: 0]
        #[arg(long = "txn-abort-rate", value_name = "P", value_parser = values::fraction)]
        abort_rate: Option<f64>,
    }
}

/// How events are cut into transactions. Which of these are aborted is drawn from the run's seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transactions {
    /// Events of a full one.
    pub size: usize,
    /// The share that is aborted, 0 to 1.
    pub abort_rate: f64,
}
