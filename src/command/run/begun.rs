//! What is known of a run before it is made: the report of a run that is killed begins with it.

use crate::clock;
use crate::gate::Gates;
use crate::report::{GateOutcome, GateResult, Run, RunReport};
use crate::run;
use crate::schedule::Schedule;
use crate::source::Source;

pub(super) fn begun(config: &run::Config, source: &Source, schedule: &Schedule, gates: &Gates) -> RunReport {
    let gates = gates.gates.iter().map(|gate| GateResult {
        rule: gate.rule.to_string(),
        name: gate.name.clone(),
        result: GateOutcome::Unevaluated,
        ..GateResult::default()
    });
    let begun = run::begun(config, source, schedule);
    RunReport { run: Run { started_at: now(), ..begun.run }, gates: gates.collect(), ..begun }
}

fn now() -> String {
    let now = jiff::Timestamp::from_nanosecond(i128::from(clock::wall_unix_ns())).unwrap_or_default();
    now.round(jiff::Unit::Millisecond).unwrap_or(now).to_string()
}
