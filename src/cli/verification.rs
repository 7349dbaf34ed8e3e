//! Options of the paired verifier.

use std::time::Duration;

use clap::Args;

use super::membership::MembershipOptions;
use super::{choice, values};
use crate::scenario::plan::Isolation;

/// Reading every event back.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(next_help_heading = "Verification")]
pub struct VerifierOptions {
    /// Do not read the events back. Losses, duplicates and order are then not judged
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub no_verify: Option<bool>,
    /// Read as a member of this consumer group instead of by assignment
    ///
    /// It is a real member: what it reads is committed. It begins where the log ends, or where the group has committed more.
    /// CONSUMER_GROUP_ID is deliberately not used here: it must never join a live group by accident.
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Its members.
    #[command(flatten)]
    pub membership: MembershipOptions,
    /// Let a member join or leave the group this often, in turns
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
    pub chaos_rebalance: Option<Duration>,
    /// Which records of transactions are read [default: read_uncommitted; read_committed with --transactional on a cluster]
    #[arg(long, value_name = "LEVEL", value_parser = choice::of::<Isolation>())]
    pub isolation: Option<Isolation>,
    /// Longest wait for the last events to be read [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub drain_deadline: Option<Duration>,
}
