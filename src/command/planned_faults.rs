//! The faults of a plan that is not run, told before anybody allows them.

use serde::Serialize;

use crate::clock::Nanos;
use crate::figures;
use crate::scenario::plan::Plan;
use crate::schedule::{Fault, Schedule};

/// A fault as it is planned.
#[derive(Debug, Serialize)]
pub(super) struct PlannedFault {
    at_s: f64,
    run: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_s: Option<f64>,
    /// Whether the run is over by then.
    too_late: bool,
}

impl PlannedFault {
    fn of(fault: &Fault, schedule: &Schedule) -> Self {
        Self {
            at_s: fault.at.as_secs_f64(),
            run: fault.run.clone(),
            undo: fault.undo.clone(),
            after_s: fault.after.map(|after| after.as_secs_f64()),
            too_late: schedule.ends_at().is_some_and(|end| Nanos::from(fault.at) >= end),
        }
    }

    /// In one sentence.
    pub(super) fn sentence(&self) -> String {
        let undone = match (&self.undo, self.after_s) {
            (None, _) => "never undone".to_owned(),
            (Some(undo), None) => format!("undone at the end by {undo}"),
            (Some(undo), Some(after)) => format!("undone {} later by {undo}", figures::duration_s(after)),
        };
        let late = if self.too_late { " · the run is over by then: it will not be injected" } else { "" };
        format!("at {}: {} · {undone}{late}", figures::duration_s(self.at_s), self.run)
    }
}

/// Those of a plan.
pub(super) fn of(plan: &Plan, schedule: &Schedule) -> Vec<PlannedFault> {
    plan.run.faults.iter().map(|fault| PlannedFault::of(fault, schedule)).collect()
}

/// What has to be said before they can be run; `None` where it was said, or there are none.
pub(super) fn permission(plan: &Plan) -> Option<&'static str> {
    let asks = !plan.run.faults.is_empty() && !plan.presentation.allow_fault_commands;
    asks.then_some("loadgen run needs --allow-fault-commands for these commands: read them first")
}
