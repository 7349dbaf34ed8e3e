//! Options of a consumer group that reads: who its members are, and who commits what they have read.

use std::time::Duration;

use super::choice::{self, choices};
use super::layer::settings;
use super::values;

choices! {
    /// How a consumer group is coordinated.
    pub enum GroupProtocol {
        Classic = "classic": "the members agree, the first one divides the partitions",
        Consumer = "consumer": "the cluster divides the partitions (KIP-848, Kafka 4.0 and newer)",
    }
}

choices! {
    /// Who commits what a group has read.
    pub enum Commit {
        Auto = "auto": "the client, by itself",
        Manual = "manual": "loadgen, and once more before partitions are given up",
    }
}

settings! {
    /// How a consumer group reads.
    pub struct MembershipOptions as Membership {
        /// Members of the group in this process [default: 1]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..))]
        consumers: u8 = 1,
        /// How the group is coordinated [default: classic]
        #[arg(long, value_name = "PROTOCOL", value_parser = choice::of::<GroupProtocol>())]
        group_protocol: GroupProtocol = GroupProtocol::Classic,
        /// Who divides the partitions: range, roundrobin or cooperative-sticky; uniform or range with the protocol consumer
        ///
        /// [default: the client's, range,roundrobin; the cluster's with the protocol consumer]
        #[arg(long, value_name = "NAME")]
        assignor: Option<String>,
        /// Who commits what the group has read [default: auto]
        #[arg(long, value_name = "WHO", value_parser = choice::of::<Commit>())]
        commit: Commit = Commit::Auto,
        /// How often that is committed [default: 5s]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration)]
        commit_interval: Duration = Duration::from_secs(5),
    }
}

/// A consumer group that reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its members.
    pub membership: Membership,
    /// How often a member joins or leaves, in turns.
    pub chaos_rebalance: Option<Duration>,
}

impl Group {
    /// Whether loadgen commits, and not the client by itself.
    #[must_use]
    pub fn commits_itself(&self) -> bool {
        self.membership.commit == Commit::Manual
    }
}
