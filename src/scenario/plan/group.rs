//! The consumer group that reads, checked.

use super::plan_error;
use crate::scenario::error::ConfigError;
use crate::settings::membership::{Group, MembershipOptions};

/// The group of that name with these members.
pub(in crate::scenario) fn group(
    name: Option<&String>,
    members: &MembershipOptions,
    chaos_rebalance: Option<std::time::Duration>,
) -> Result<Option<Group>, ConfigError> {
    let Some(name) = name.cloned() else {
        let given = [
            ("consumers", members.consumers.is_some()),
            ("assignor", members.assignor.is_some()),
            ("chaos_rebalance", chaos_rebalance.is_some()),
        ];
        return match given.into_iter().find(|(_, given)| *given) {
            Some((what, _)) => Err(plan_error(
                &format!("{what} is for a group that reads, and none is named"),
                "--group NAME reads as a group; without it partitions are assigned",
            )),
            None => Ok(None),
        };
    };
    if name.is_empty() {
        return Err(plan_error("a consumer group needs a name", "for example --group my-test"));
    }
    Ok(Some(Group { name, membership: members.clone().settle(), chaos_rebalance }))
}
