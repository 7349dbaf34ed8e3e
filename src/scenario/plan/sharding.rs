//! Several processes that make one run: what they agree on, and which of them this one is.

use std::time::Duration;

use super::plan_error;
use crate::event::stamp::{LANES, RunId};
use crate::scenario::error::ConfigError;
use crate::scenario::topics::check_topic_name;
use crate::settings::fleet::{OnShardLoss, Results};
use crate::settings::run::{RunOptions, Shard};

/// Pods may have to wait for machines.
const USUAL_DEADLINE: Duration = Duration::from_secs(300);

/// What the processes of one run agree on, and which of them this one is. Not in the scenario, which all of them share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sharding {
    /// The run's id; `None` for a random one.
    pub run_id: Option<RunId>,
    /// The part of this process.
    pub shard: Shard,
    /// When the schedule starts; `None`: as soon as all stands ready.
    pub start_at: Option<jiff::Timestamp>,
    /// Where the processes meet; `None`: nowhere.
    pub fleet: Option<Fleet>,
}

/// Where the shards of a run meet, and what is done about those that do not come or do not stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// The topic.
    pub topic: String,
    /// How long they are waited for.
    pub deadline: Duration,
    /// What becomes of the others where one is lost.
    pub on_loss: OnShardLoss,
    /// Where this shard's bundle goes.
    pub results: Results,
}

impl Sharding {
    /// A run of one process.
    pub const ALONE: Self = Self { run_id: None, shard: Shard { number: 1, of: 1 }, start_at: None, fleet: None };

    /// As options and variables say; else a run of one process.
    #[must_use]
    pub fn of(given: &RunOptions) -> Self {
        let sharding = &given.limits.sharding;
        let shard = sharding.shard.unwrap_or(Self::ALONE.shard);
        let fleet = sharding.fleet_topic.clone().map(|topic| Fleet {
            topic,
            deadline: sharding.fleet_deadline.unwrap_or(USUAL_DEADLINE),
            on_loss: sharding.on_shard_loss.unwrap_or(OnShardLoss::Continue),
            results: sharding.results.unwrap_or(Results::Folder),
        });
        Self { run_id: sharding.run_id, shard, start_at: sharding.start_at, fleet }
    }

    /// That the parts of a run of so many lanes each make one run.
    pub(super) fn check(self, lanes: u16, is_embedded: bool) -> Result<Self, ConfigError> {
        let Shard { of, .. } = self.shard;
        if let Some(fleet) = &self.fleet {
            check_topic_name(&fleet.topic)?;
        }
        if (of > 1 || self.fleet.is_some()) && self.run_id.is_none() {
            return Err(plan_error("a part of a run needs the run's id", "give every part the same --run-id"));
        }
        if (of > 1 || self.fleet.is_some()) && is_embedded {
            let hint = "name the cluster that all parts share with --bootstrap-server";
            return Err(plan_error("parts of a run have no embedded broker in common", hint));
        }
        match lanes.checked_mul(of) {
            Some(all) if all <= LANES => Ok(self),
            _ if of == 1 => {
                let reason = format!("{lanes} lanes are more than the {LANES} that a run can have");
                Err(plan_error(&reason, &format!("lanes are 1 to {LANES}")))
            }
            _ => {
                let reason =
                    format!("{of} parts of {lanes} lanes have more lanes than the {LANES} that a run can have");
                let hint = match LANES / of {
                    0 => format!("divide it into at most {LANES} parts"),
                    most => format!("use at most {most} lanes in each part"),
                };
                Err(plan_error(&reason, &hint))
            }
        }
    }
}
