//! What must come out downstream.

use super::super::Scenario;
use super::super::error::ConfigError;
use super::super::formats::FormatPlan;
use super::plan_error;
use crate::expect::{DeclareError, Expectation, RunFacts};
use crate::run::Downstream;
use crate::settings::formats::{Format, Framing};
use crate::settings::verification::Expect;

/// What a scenario expects, where a run of these formats can be judged by it. `is_read`: whether there is a cluster, or none is
/// needed; `is_whole`: whether this process carries the whole run.
pub(super) fn of(
    scenario: &mut Scenario,
    known: RunFacts<'_>,
    formats: &FormatPlan,
    is_read: bool,
    is_whole: bool,
) -> Result<Downstream, ConfigError> {
    let expectations = Expectation::all(&scenario.expectations, known)?;
    if expectations.is_empty() {
        return Ok(Downstream::default());
    }
    if !is_read {
        let reason = "results are expected downstream, and there is no cluster that a stream processor could read from";
        return Err(plan_error(reason, "name one with --bootstrap-server"));
    }
    let Expect { expect_deadline: deadline, close_windows: closes_windows, .. } =
        scenario.settings.verifier.downstream.settle();
    let is_plain = |format: Format, framing: Framing| {
        matches!(format, Format::Json | Format::JsonSchema) && framing == Framing::None
    };
    let mut others = formats.types.iter().filter(|one| !is_plain(one.format, one.framing));
    if let Some(other) = others.find(|one| one.framing != Framing::Confluent) {
        let reason =
            format!("events are written as {:?}, and name no schema of a registry to read them by", other.format);
        return Err(plan_error(&reason, "--framing confluent names them; or leave the expectations out"));
    }
    if let Some(named) = scenario.expectations.iter().find(|config| config.truth.is_some()) {
        let reason = format!("expectation \"{}\": truth names another run, and this one has its own", named.name);
        return Err(plan_error(&reason, "leave truth out"));
    }
    if !formats.keys.is_empty() {
        let reason = "expectations go by the texts of keys, and keys are written by a schema";
        return Err(plan_error(reason, "leave the key format or the expectations out"));
    }
    let registry = formats.registry.clone();
    Ok(Downstream { expectations, deadline, closes_windows, registry, is_left_to_others: !is_whole })
}

impl From<DeclareError> for ConfigError {
    fn from(error: DeclareError) -> Self {
        Self::Plan { reason: error.to_string(), hint: Some(error.hint) }
    }
}
