//! How events are read back, by assignment or as a group.

use std::time::Duration;

use super::{Commit, GroupProtocol, Isolation, plan_error};
use crate::scenario::VerifyConfig;
use crate::scenario::error::ConfigError;

/// How events are read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyPlan {
    /// The consumer group to join; `None`: read by assignment.
    pub group: Option<GroupPlan>,
    /// Which records are read.
    pub isolation: Isolation,
    /// The longest wait for the last events.
    pub drain_deadline: Duration,
}

/// A consumer group that reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlan {
    /// Its name.
    pub name: String,
    /// Members.
    pub consumers: u8,
    /// How it is coordinated.
    pub protocol: GroupProtocol,
    /// Who divides the partitions; `None` for the client's or the cluster's default.
    pub assignor: Option<String>,
    /// Who commits.
    pub commit: Commit,
    /// How often.
    pub commit_interval: Duration,
    /// How often a member joins or leaves, in turns.
    pub chaos_rebalance: Option<Duration>,
}

/// The group of a scenario without open settings.
pub(in crate::scenario) fn group_plan(verify: &VerifyConfig) -> Result<Option<GroupPlan>, ConfigError> {
    let Some(name) = verify.group.clone() else {
        let given = [
            ("consumers", verify.consumers.is_some()),
            ("assignor", verify.assignor.is_some()),
            ("chaos_rebalance", verify.chaos_rebalance.is_some()),
        ];
        return match given.into_iter().find(|(_, given)| *given) {
            Some((what, _)) => Err(ConfigError::Plan {
                reason: format!("{what} is for a group that reads, and none is named"),
                hint: Some("--group NAME reads as a group; without it partitions are assigned".to_owned()),
            }),
            None => Ok(None),
        };
    };
    if name.is_empty() {
        return Err(plan_error("a consumer group needs a name", "for example --group my-test"));
    }
    Ok(Some(GroupPlan {
        name,
        consumers: verify.consumers.unwrap_or(1),
        protocol: verify.group_protocol.unwrap_or(GroupProtocol::Classic),
        assignor: verify.assignor.clone(),
        commit: verify.commit.unwrap_or(Commit::Auto),
        commit_interval: verify.commit_interval.unwrap_or(Duration::from_secs(5)),
        chaos_rebalance: verify.chaos_rebalance,
    }))
}
