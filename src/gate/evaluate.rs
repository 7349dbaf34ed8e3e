//! A rule against a report: pass, fail or unevaluated.

use super::{
    metric::Course,
    reading::Reading,
    rule::{Op, Rule},
};
use crate::report::{GateOutcome, GateResult, RunReport};

/// Whether a run's figures say anything about the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validity {
    /// They do.
    Valid,
    /// They do not: the generator was the limit, in the way told.
    Invalid(String),
}

impl Rule {
    /// Evaluates the rule; `validity` is that of the run, see [`health::validity`](super::health::validity).
    #[must_use]
    pub fn evaluate(&self, report: &RunReport, validity: &Validity) -> GateResult {
        let mut result = GateResult { rule: self.to_string(), ..GateResult::default() };
        match self.path().read(report) {
            Err(missing) => {
                result.reason = Some(missing.reason);
                result.samples = missing.samples;
            }
            Ok(reading) => {
                result.value = Some(reading.value);
                result.samples = reading.samples;
                (result.result, result.reason) = self.judge(reading, validity);
            }
        }
        result
    }

    /// Evaluates the rule by an interim report. What the rest of the run may still bring is not broken: 200 events that are to
    /// be scheduled are not missing while they come due.
    #[must_use]
    pub fn evaluate_so_far(&self, interim: &RunReport, validity: &Validity) -> GateResult {
        let result = self.evaluate(interim, validity);
        match result.value {
            Some(value) if result.result == GateOutcome::Fail && self.may_still_hold(value) => GateResult {
                result: GateOutcome::Unevaluated,
                reason: Some("not yet: the run goes on".to_owned()),
                ..result
            },
            Some(value)
                if result.result == GateOutcome::Unevaluated
                    && !self.op().holds(value, self.limit())
                    && !self.may_still_hold(value) =>
            {
                let why = result.reason.map_or_else(String::new, |why| format!(": {why}"));
                GateResult { reason: Some(format!("{}{why}", GateResult::BEYOND)), ..result }
            }
            _ => result,
        }
    }

    /// Whether the rule, which `value` breaks, can hold at the end.
    fn may_still_hold(&self, value: f64) -> bool {
        match (self.path().metric.course(), self.op()) {
            (Course::Grows, op) => proven(op, value, self.limit()) != Some(false),
            (Course::Shrinks, Op::Less | Op::LessOrEqual | Op::NotEqual) => true,
            (Course::Shrinks, Op::Equal) => value > self.limit(),
            (Course::Shrinks, Op::Greater | Op::GreaterOrEqual) | (Course::Either, _) => false,
        }
    }

    fn judge(&self, reading: Reading, validity: &Validity) -> (GateOutcome, Option<String>) {
        if let (Validity::Invalid(why), true) = (validity, self.path().metric.needs_a_valid_run()) {
            return (GateOutcome::Unevaluated, Some(format!("the run is not valid: {why}")));
        }
        let limit = self.limit();
        let Some(at_least) = reading.at_least else {
            let outcome = if self.op().holds(reading.value, limit) { GateOutcome::Pass } else { GateOutcome::Fail };
            return (outcome, None);
        };
        match proven(self.op(), reading.value, limit) {
            Some(true) => (GateOutcome::Pass, None),
            Some(false) => (GateOutcome::Fail, Some(at_least.reason())),
            None => (GateOutcome::Unevaluated, Some(at_least.reason())),
        }
    }

    /// How far a value is from the limit: positive on the good side, in parts of the limit; in the metric's own unit where
    /// the limit is 0.
    #[must_use]
    pub fn margin(&self, value: f64) -> f64 {
        let limit = self.limit();
        let distance = match self.op() {
            Op::Less | Op::LessOrEqual => limit - value,
            Op::Greater | Op::GreaterOrEqual => value - limit,
            Op::Equal => -(value - limit).abs(),
            Op::NotEqual => (value - limit).abs(),
        };
        if limit == 0.0 { distance } else { distance / limit }
    }
}

/// Whether `value OP limit` is decided where the value is known to be at least `bound`.
fn proven(op: Op, bound: f64, limit: f64) -> Option<bool> {
    match op {
        Op::Less if bound >= limit => Some(false),
        Op::LessOrEqual | Op::Equal if bound > limit => Some(false),
        Op::Greater | Op::NotEqual if bound > limit => Some(true),
        Op::GreaterOrEqual if bound >= limit => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gate::path::Names;

    #[test]
    fn a_value_beyond_its_limit_is_told_as_such_also_where_nothing_can_be_judged() {
        let rule = Rule::parse("response_time.p99 < 50ms", &Names::default()).unwrap();
        let so_far = |p99| {
            let mut report = RunReport::default();
            (report.latency_us.response_time.p99, report.latency_us.response_time.count) = (Some(p99), 5_000);
            rule.evaluate_so_far(&report, &Validity::Invalid("it was late".to_owned()))
        };
        let beyond = so_far(293_000);
        assert_eq!((beyond.result, beyond.is_beyond()), (GateOutcome::Unevaluated, true));
        assert_eq!(beyond.reason.unwrap(), "beyond its limit so far: the run is not valid: it was late");
        assert!(!so_far(20_000).is_beyond());
    }

    #[test]
    fn a_lower_bound_decides_only_what_no_larger_value_could_change() {
        assert_eq!(proven(Op::Less, 10.0, 10.0), Some(false));
        assert_eq!(proven(Op::Less, 9.0, 10.0), None);
        assert_eq!(proven(Op::LessOrEqual, 10.0, 10.0), None);
        assert_eq!(proven(Op::GreaterOrEqual, 10.0, 10.0), Some(true));
        assert_eq!(proven(Op::Greater, 10.0, 10.0), None);
        assert_eq!(proven(Op::Equal, 10.0, 10.0), None);
        assert_eq!(proven(Op::NotEqual, 11.0, 10.0), Some(true));
    }

    proptest! {
        #[test]
        fn what_a_bound_proves_holds_of_every_larger_value(
            op in prop::sample::select(Op::ALL.to_vec()),
            bound in 0_u32..50, limit in 0_u32..50, above in 0_u32..50,
        ) {
            if let Some(holds) = proven(op, f64::from(bound), f64::from(limit)) {
                prop_assert_eq!(op.holds(f64::from(bound + above), f64::from(limit)), holds);
            }
        }
    }
}
