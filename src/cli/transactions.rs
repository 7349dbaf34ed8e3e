//! Options of sending in transactions.

use clap::Args;

use super::values;

/// Sending events in transactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Transactions")]
pub struct TransactionOptions {
    /// Send events in transactions, each lane by a transactional producer of its own
    ///
    /// An event counts as acked when its transaction is committed. Needs acks=all and idempotence.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub transactional: Option<bool>,
    /// Events of a transaction, 1 to 1,000,000 [default: 100]
    ///
    /// One that has not filled up after 10 s, or a third of transaction.timeout.ms, ends with what it has.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub txn_size: Option<u32>,
    /// Share of the transactions that are aborted, 0 to 1, drawn from the seed [default: 0]
    #[arg(long, value_name = "P", value_parser = values::fraction)]
    pub txn_abort_rate: Option<f64>,
}
