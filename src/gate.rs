//! Gates: rules about a report that pass, fail, or stay unevaluated; nothing passes for want of evidence.
//!
//! A rule is `PATH OP VALUE[UNIT]`: see [`rule`] for the grammar and [`metric`] for the one table of paths. The gates that
//! every run has are in [`builtin`], the checks of the generator with their thresholds in [`health`].

pub mod allowance;
pub mod bound;
pub mod builtin;
pub mod evaluate;
pub mod health;
pub mod integrity;
pub mod metric;
pub mod path;
pub mod reading;
pub mod rule;
pub mod unit;
pub mod wording;

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

pub use self::{
    allowance::Allowances,
    builtin::{BuiltIn, UnknownBuiltIn},
    evaluate::Validity,
    integrity::Integrity,
    path::Names,
    rule::{Rule, RuleError},
};
use self::{health::Limits, reading::was_verified};
use crate::{
    figures::as_f64,
    report::{self, ExpectReport, GateOutcome, GateResult, RunReport},
    units,
};

/// A gate as a scenario writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateConfig {
    /// The rule, such as `response_time.p99 < 250ms`.
    pub rule: String,
    /// What to call it in reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether the run ends as soon as the rule is broken.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abort: bool,
    /// How long the run has gone on before the rule may end it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "to_text",
        deserialize_with = "from_text"
    )]
    pub after: Option<Duration>,
}

impl GateConfig {
    /// A gate that has only a rule: `--gate RULE`.
    #[must_use]
    pub fn of_rule(rule: impl Into<String>) -> Self {
        Self { rule: rule.into(), ..Self::default() }
    }
}

#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn to_text<S: Serializer>(after: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    after.map(|after| format!("{}ms", after.as_millis())).serialize(serializer)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| units::duration(&text).map_err(D::Error::custom)).transpose()
}

/// Why gates are not usable. Found before a run starts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// A rule is wrong.
    #[error("gate \"{rule}\": {source}")]
    Rule {
        /// The rule as written.
        rule: String,
        /// What is wrong with it.
        source: RuleError,
    },
    /// A rule cannot end a run.
    #[error(
        "gate \"{0}\": abort = true needs a figure that is known while the run goes on; this one is known at its end"
    )]
    NotDuringTheRun(String),
    /// A rule has a time and no use for it.
    #[error("gate \"{0}\": after = … has a meaning only with abort = true")]
    AfterWithoutAbort(String),
    /// A name to turn off is no built-in gate.
    #[error(transparent)]
    UnknownBuiltIn(#[from] UnknownBuiltIn),
}

/// A gate whose rule is resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The rule.
    pub rule: Rule,
    /// What its author calls it.
    pub name: Option<String>,
    /// How long the run has gone on before the rule may end it; `None` where it may not.
    pub aborts_after: Option<Duration>,
}

impl Gate {
    /// Resolves a gate.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(config: &GateConfig, names: &Names) -> Result<Self, GateError> {
        let rule =
            Rule::parse(&config.rule, names).map_err(|source| GateError::Rule { rule: config.rule.clone(), source })?;
        if config.abort && !rule.path().metric.is_known_during_the_run() {
            return Err(GateError::NotDuringTheRun(rule.to_string()));
        }
        if config.after.is_some() && !config.abort {
            return Err(GateError::AfterWithoutAbort(rule.to_string()));
        }
        let aborts_after = config.abort.then(|| config.after.unwrap_or_default());
        Ok(Self { rule, name: config.name.clone(), aborts_after })
    }

    /// Of a run that was killed nothing is known for certain: nothing passes, nothing fails.
    fn never_judged(&self) -> GateResult {
        let reason = Some(report::NEVER_JUDGED.to_owned());
        GateResult { rule: self.rule.to_string(), name: self.name.clone(), reason, ..GateResult::default() }
    }

    fn evaluate(&self, report: &RunReport, validity: &Validity) -> GateResult {
        GateResult { name: self.name.clone(), ..self.rule.evaluate(report, validity) }
    }

    fn evaluate_so_far(&self, interim: &RunReport, validity: &Validity) -> GateResult {
        GateResult { name: self.name.clone(), ..self.rule.evaluate_so_far(interim, validity) }
    }
}

/// All gates of a run: those of its plan, and the built-in ones that are not turned off.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gates {
    /// The gates of the plan.
    pub gates: Vec<Gate>,
    /// The built-in gates that are turned off.
    pub off: BTreeSet<BuiltIn>,
    /// The thresholds of the checks of the generator.
    pub limits: Limits,
}

impl Gates {
    /// Resolves the gates of a plan; `off` are the names of built-in gates to turn off.
    ///
    /// # Errors
    /// What is wrong with the first wrong one.
    pub fn new(configs: &[GateConfig], off: &[String], names: &Names) -> Result<Self, GateError> {
        let gates = configs.iter().map(|config| Gate::new(config, names)).collect::<Result<_, _>>()?;
        let mut turned_off = BTreeSet::new();
        for name in off {
            turned_off.extend(BuiltIn::named(name)?);
        }
        Ok(Self { gates, off: turned_off, limits: Limits::default() })
    }

    /// Whether a built-in gate is on.
    #[must_use]
    pub fn is_on(&self, built_in: BuiltIn) -> bool {
        !self.off.contains(&built_in)
    }

    /// Whether the figures of a run say anything about the cluster.
    #[must_use]
    pub fn validity(&self, report: &RunReport) -> Validity {
        health::validity(report, &self.limits, |check| !self.is_on(check))
    }

    /// Every gate's result: first those of the plan, then the built-in ones.
    #[must_use]
    pub fn evaluate(&self, report: &RunReport) -> Vec<GateResult> {
        if report.run.partial {
            return self.gates.iter().map(Gate::never_judged).collect();
        }
        let validity = self.validity(report);
        let mut results: Vec<_> = self.gates.iter().map(|gate| gate.evaluate(report, &validity)).collect();
        let integrity = Integrity::of(report, &Allowances::of(report));
        let sent = !report.is_alone();
        let built_in = [
            sent.then(|| ledger_sums(report, &integrity)),
            no_violation(report, &integrity),
            expectations_met(report),
            sent.then(|| nothing_refused(report)),
            no_forced_aborts(report),
        ];
        let health = health::checks(report, &self.limits).into_iter().map(of_check);
        let all = built_in.into_iter().flatten().chain(health);
        results.extend(all.filter(|(built_in, _)| self.is_on(*built_in)).map(|(_, result)| result));
        results
    }

    /// The plan's gates as they stand, by an interim report: those over figures that only the end of a run knows are
    /// unevaluated.
    #[must_use]
    pub fn so_far(&self, interim: &RunReport) -> Vec<GateResult> {
        let validity = self.validity(interim);
        let of = |gate: &Gate| {
            if gate.rule.path().metric.is_known_during_the_run() {
                return gate.evaluate_so_far(interim, &validity);
            }
            let reason = Some("known at the end of the run".to_owned());
            GateResult { rule: gate.rule.to_string(), name: gate.name.clone(), reason, ..GateResult::default() }
        };
        self.gates.iter().map(of).collect()
    }

    /// The first gate that ends the run at `elapsed`, by an interim report: one that fails, not one that lacks evidence.
    #[must_use]
    pub fn abort(&self, interim: &RunReport, elapsed: Duration) -> Option<GateResult> {
        let due = |gate: &&Gate| gate.aborts_after.is_some_and(|after| elapsed >= after);
        let mut due = self.gates.iter().filter(due).peekable();
        due.peek()?;
        let validity = self.validity(interim);
        due.map(|gate| gate.evaluate_so_far(interim, &validity)).find(|result| result.result == GateOutcome::Fail)
    }
}

type OfBuiltIn = (BuiltIn, GateResult);

fn of(built_in: BuiltIn, rule: &str, outcome: GateOutcome, value: Option<u64>, reason: Option<String>) -> OfBuiltIn {
    let (name, value) = (Some(built_in.as_str().to_owned()), value.map(as_f64));
    (
        built_in,
        GateResult { rule: rule.to_owned(), name, value, result: outcome, reason, built_in: true, samples: None },
    )
}

fn of_check(finding: health::Finding) -> OfBuiltIn {
    let (rule, name) = (finding.rule, Some(finding.check.as_str().to_owned()));
    let (value, result, reason) = (finding.value, finding.outcome, finding.reason);
    (finding.check, GateResult { rule, name, value, result, reason, built_in: true, samples: None })
}

fn nothing_scheduled(built_in: BuiltIn, rule: &str) -> OfBuiltIn {
    of(built_in, rule, GateOutcome::Unevaluated, None, Some("nothing was scheduled".to_owned()))
}

fn ledger_sums(report: &RunReport, integrity: &Integrity) -> OfBuiltIn {
    let (gate, rule) = (BuiltIn::LedgerSums, format!("sum of classes == {}", report.ledger.scheduled));
    let sum = Some(report.ledger.sum());
    match integrity.sums.first() {
        Some(broken) => of(gate, &rule, GateOutcome::Fail, sum, Some(broken.clone())),
        None if report.ledger.scheduled == 0 => nothing_scheduled(gate, &rule),
        None => of(gate, &rule, GateOutcome::Pass, sum, None),
    }
}

/// Left out of a run that read nothing back and found nothing: it cannot say that nothing went wrong.
fn no_violation(report: &RunReport, integrity: &Integrity) -> Option<OfBuiltIn> {
    let (gate, rule) = (BuiltIn::NoViolation, "violations == 0");
    let events = |anomalies: &[integrity::Anomaly]| Some(anomalies.iter().map(|anomaly| anomaly.events).sum());
    Some(match (integrity.violations.first(), integrity.undecided.first()) {
        (Some(worst), _) => {
            of(gate, rule, GateOutcome::Fail, events(&integrity.violations), Some(worst.sentence.clone()))
        }
        (_, Some(open)) => of(gate, rule, GateOutcome::Unevaluated, None, Some(open.sentence.clone())),
        _ if report.is_alone() => match &report.reading {
            Some(reading) => match reading.unsaid(&report.run.id) {
                None => of(gate, rule, GateOutcome::Pass, Some(0), None),
                Some(why) => of(gate, rule, GateOutcome::Unevaluated, None, Some(why)),
            },
            None => of(gate, rule, GateOutcome::Unevaluated, None, Some("nothing was read".to_owned())),
        },
        _ if report.ledger.scheduled == 0 => nothing_scheduled(gate, rule),
        _ if !was_verified(report) => return None,
        _ => of(gate, rule, GateOutcome::Pass, Some(0), None),
    })
}

/// Left out of a run that expects nothing downstream.
fn expectations_met(report: &RunReport) -> Option<OfBuiltIn> {
    let (gate, rule, expected) = (BuiltIn::ExpectationsMet, "wrong results == 0", &report.expectations);
    let bad = expected.iter().map(|of| of.wrong + of.missing + of.twice + of.unexpected).sum();
    let first = |said: fn(&ExpectReport) -> Option<String>| expected.iter().find_map(said);
    Some(match (first(ExpectReport::violation), first(ExpectReport::unsaid)) {
        _ if expected.is_empty() => return None,
        (worst @ Some(_), _) => of(gate, rule, GateOutcome::Fail, Some(bad), worst),
        (None, open @ Some(_)) => of(gate, rule, GateOutcome::Unevaluated, None, open),
        (None, None) => of(gate, rule, GateOutcome::Pass, Some(0), None),
    })
}

fn nothing_refused(report: &RunReport) -> OfBuiltIn {
    let (gate, rule, refused) = (BuiltIn::NothingRefused, "refused == 0", report.ledger.refused);
    match refused {
        _ if report.ledger.scheduled == 0 => nothing_scheduled(gate, rule),
        0 => of(gate, rule, GateOutcome::Pass, Some(0), None),
        _ => of(gate, rule, GateOutcome::Fail, Some(refused), Some("proven not written".to_owned())),
    }
}

/// Left out of a run without transactions.
fn no_forced_aborts(report: &RunReport) -> Option<OfBuiltIn> {
    let (gate, rule) = (BuiltIn::NoForcedAborts, "transactions.failed == 0");
    let transactions = report.transactions.as_ref()?;
    Some(match transactions.forced() {
        forced @ Some(_) => of(gate, rule, GateOutcome::Fail, Some(transactions.counts.failed), forced),
        None if report.ledger.scheduled == 0 => nothing_scheduled(gate, rule),
        None => of(gate, rule, GateOutcome::Pass, Some(0), None),
    })
}

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
