//! What is told of the consumer group that reads: its rebalances while they happen, and all of it in the report.

use super::target::Target;
use crate::clock::{Clock, Monotonic, Nanos};
use crate::figures;
use crate::report::{GroupReport, RebalanceReport};
use crate::verify::group::SharedLog;

/// What became of the group that reads, with times since the start of the run, whose clock is `clock`.
pub(super) fn report(target: &Target, clock: &Monotonic) -> Option<GroupReport> {
    let (group, shared) = target.group.as_ref()?;
    // The group began to form before the run did: what it did until then is before zero.
    let ahead_s = shared.now().as_secs_f64() - clock.now().as_secs_f64();
    let log = shared.open();
    let lengths = || log.rebalances.iter().filter_map(|rebalance| Some(rebalance.until? - rebalance.at));
    let rebalances = log.rebalances.iter().map(|rebalance| RebalanceReport {
        at_s: rebalance.at.as_secs_f64() - ahead_s,
        length_s: rebalance.until.map(|until| (until - rebalance.at).as_secs_f64()),
        reason: rebalance.reason.to_owned(),
        given_up: rebalance.given_up,
        members: rebalance.members,
    });
    Some(GroupReport {
        name: group.name.clone(),
        protocol: group.membership.group_protocol.to_string(),
        assignor: group.membership.assignor.clone(),
        consumers: group.membership.consumers,
        commit: group.membership.commit.to_string(),
        rebalance_count: log.count,
        rebalance_total_s: lengths().fold(Nanos::ZERO, |sum, length| sum + length).as_secs_f64(),
        rebalance_longest_s: lengths().max().unwrap_or_default().as_secs_f64(),
        rebalances: rebalances.collect(),
        group_errors: log.errors.clone(),
    })
}

/// Tells each rebalance once, when it has ended.
#[derive(Debug)]
pub(super) struct Rebalances {
    group: Option<SharedLog>,
    told: usize,
}

impl Rebalances {
    /// Those of the group that reads, where one does.
    pub(super) fn of(target: &Target) -> Self {
        Self { group: target.group.as_ref().map(|(_, log)| log.clone()), told: 0 }
    }

    /// Those that have ended since the last look.
    pub(super) fn ended(&mut self) -> Vec<String> {
        let Some(log) = &self.group else { return Vec::new() };
        let log = log.open();
        let ended: Vec<String> = log.rebalances[self.told..]
            .iter()
            .map_while(|rebalance| {
                let length = figures::duration_s((rebalance.until? - rebalance.at).as_secs_f64());
                Some(format!("rebalance of {length}: {}", rebalance.reason))
            })
            .collect();
        self.told += ended.len();
        ended
    }
}
