//! `[[fault]]` of a scenario: commands that break something while the run goes on. A scenario alone never runs them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::{ConfigError, plan_error};
use crate::schedule::Fault;
use crate::settings::text;

/// The longest that a command may take, where nobody says otherwise.
const DEADLINE: Duration = Duration::from_secs(60);

/// One `[[fault]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultConfig {
    /// When, since the start of the run.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub at: Option<Duration>,
    /// The command, run by `sh -c`.
    pub run: String,
    /// The command that undoes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undo: Option<String>,
    /// How long after its start it is undone; at the end of the run where nothing is said.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub after: Option<Duration>,
    /// The longest that either command may take.
    #[serde(with = "text::duration", skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Duration>,
    /// Variables of the environment that the commands get beside the usual ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<String>,
}

/// The faults of a scenario, where they are `allowed`: to be run, or only to be told.
///
/// # Errors
/// Faults that are not allowed, or make no sense.
pub(super) fn faults_of(faults: &[FaultConfig], allowed: bool) -> Result<Vec<Fault>, ConfigError> {
    if let Some(first) = faults.first().filter(|_| !allowed) {
        let number = if faults.len() == 1 { "a command".to_owned() } else { format!("{} commands", faults.len()) };
        let reason = format!("the scenario wants {number} run (such as `{}`), which is not allowed", first.run);
        return Err(plan_error(&reason, "loadgen run --allow-fault-commands allows it: read them first"));
    }
    faults.iter().map(fault_plan).collect()
}

fn fault_plan(fault: &FaultConfig) -> Result<Fault, ConfigError> {
    let FaultConfig { at, run, undo, after, deadline, env } = fault.clone();
    let Some(at) = at else {
        return Err(plan_error("a [[fault]] does not say when", "for example at = \"10s\""));
    };
    if run.trim().is_empty() {
        return Err(plan_error("a [[fault]] has no command", "for example run = \"scripts/kafka kill 2\""));
    }
    if after.is_some() && undo.is_none() {
        let reason = format!("the fault `{run}` says after when it is undone, and not how");
        return Err(plan_error(&reason, "for example undo = \"scripts/kafka start 2\""));
    }
    let deadline = deadline.unwrap_or(DEADLINE);
    if deadline.is_zero() {
        return Err(plan_error("a command cannot end in no time", "give a deadline above 0s"));
    }
    Ok(Fault { at, run, undo, after, deadline, env })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(at: Option<u64>, run: &str) -> FaultConfig {
        FaultConfig { at: at.map(Duration::from_secs), run: run.to_owned(), ..FaultConfig::default() }
    }

    #[test]
    fn a_scenario_alone_runs_no_program() {
        let refused = faults_of(&[fault(Some(1), "rm -rf /")], false).unwrap_err();
        assert!(refused.to_string().contains("`rm -rf /`"), "{refused}");
        assert!(refused.hint().unwrap().contains("--allow-fault-commands"));
        assert_eq!(refused.exit_code(), crate::verdict::ExitCode::BadConfiguration);
        assert_eq!(faults_of(&[], false).unwrap(), []);
    }

    #[test]
    fn a_fault_says_when_and_what_and_how_it_is_undone() {
        let plans = faults_of(&[fault(Some(1), "true")], true).unwrap();
        assert_eq!((plans[0].at, plans[0].deadline), (Duration::from_secs(1), DEADLINE));
        let undone = FaultConfig { after: Some(Duration::from_secs(1)), ..fault(Some(1), "true") };
        for wrong in [fault(None, "true"), fault(Some(1), " "), undone] {
            assert!(faults_of(std::slice::from_ref(&wrong), true).is_err(), "{wrong:?}");
        }
    }
}
