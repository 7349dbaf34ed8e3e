//! Options of a consumer group that reads: who its members are, and who commits what they have read.

use std::time::Duration;

use clap::Args;

use super::{choice, values};
use crate::scenario::plan::{Commit, GroupProtocol};

/// How a consumer group reads.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct MembershipOptions {
    /// Members of the group in this process [default: 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
    pub consumers: Option<u8>,
    /// How the group is coordinated [default: classic]
    #[arg(long, value_name = "PROTOCOL", value_parser = choice::of::<GroupProtocol>())]
    pub group_protocol: Option<GroupProtocol>,
    /// Who divides the partitions: range, roundrobin or cooperative-sticky; uniform or range with the protocol consumer
    ///
    /// [default: the client's, range,roundrobin; the cluster's with the protocol consumer]
    #[arg(long, value_name = "NAME")]
    pub assignor: Option<String>,
    /// Who commits what the group has read [default: auto]
    #[arg(long, value_name = "WHO", value_parser = choice::of::<Commit>())]
    pub commit: Option<Commit>,
    /// How often that is committed [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
    pub commit_interval: Option<Duration>,
}
