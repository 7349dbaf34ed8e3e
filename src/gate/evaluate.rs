//! A rule against a report: pass, fail or unevaluated.

use super::{
    metric::Course,
    reading::Reading,
    rule::{Op, Rule},
};
use crate::figures;
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
                let apart = self.path().clock_bound(report);
                (result.result, result.reason) = self.judge(reading, apart, validity);
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

    /// `apart`: how far the true value may be from the one that was read.
    fn judge(&self, reading: Reading, apart: f64, validity: &Validity) -> (GateOutcome, Option<String>) {
        if let (Validity::Invalid(why), true) = (validity, self.path().metric.needs_a_valid_run()) {
            return (GateOutcome::Unevaluated, Some(format!("the run is not valid: {why}")));
        }
        let limit = self.limit();
        let (least, most) = ((reading.value - apart).max(0.0), reading.value + apart);
        let Some(at_least) = reading.at_least else {
            return match decided(self.op(), least, most, limit) {
                Some(true) => (GateOutcome::Pass, None),
                Some(false) => (GateOutcome::Fail, None),
                None => (GateOutcome::Unevaluated, Some(between_clocks(reading.value, apart))),
            };
        };
        match proven(self.op(), least, limit) {
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

/// Whether `value OP limit` is decided where the value is known to lie between two.
fn decided(op: Op, least: f64, most: f64, limit: f64) -> Option<bool> {
    let (one, other) = (op.holds(least, limit), op.holds(most, limit));
    // Both ends may differ from a value that lies in between.
    let is_between = matches!(op, Op::Equal | Op::NotEqual) && least < limit && limit < most;
    (one == other && !is_between).then_some(one)
}

fn between_clocks(value_us: f64, apart_us: f64) -> String {
    let told = |us: f64| figures::duration_us(figures::whole(us));
    let apart = told(apart_us);
    if value_us > apart_us {
        format!("known to \u{b1} {apart} only: it lies between the clocks of two machines")
    } else {
        let most = told(value_us + apart_us);
        format!("at most {most}: it lies between the clocks of two machines, which are known to \u{b1} {apart} only")
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

    #[test]
    fn what_two_clocks_leave_open_is_not_judged() {
        let gate = |rule: &str, p99: u64, bound: u64| {
            let mut report = RunReport::default();
            let of = |p99| crate::report::LatencySummary {
                count: 5_000,
                p99: Some(p99),
                clock_bound_us: Some(bound),
                ..Default::default()
            };
            report.latency_us.end_to_end = Some(of(p99));
            let found = Rule::parse(rule, &Names::default()).unwrap().evaluate(&report, &Validity::Valid);
            (found.result, found.reason.unwrap_or_default())
        };
        assert_eq!(gate("end_to_end.p99 < 10ms", 8_000, 1_000).0, GateOutcome::Pass);
        assert_eq!(gate("end_to_end.p99 < 10ms", 12_000, 1_000).0, GateOutcome::Fail);
        let (open, why) = gate("end_to_end.p99 < 10ms", 9_500, 1_000);
        assert_eq!(open, GateOutcome::Unevaluated);
        assert_eq!(why, "known to \u{b1} 1.00 ms only: it lies between the clocks of two machines");
        let (open, why) = gate("end_to_end.p99 < 10ms", 9_500, 20_000);
        assert_eq!(open, GateOutcome::Unevaluated);
        assert!(why.starts_with("at most 29.5 ms: "), "{why}");
        assert_eq!(gate("end_to_end.p99 < 30ms", 9_500, 20_000).0, GateOutcome::Pass);
        assert_eq!(gate("end_to_end.count > 4999", 1, 20_000).0, GateOutcome::Pass, "a count has no clock");
    }

    proptest! {
        #[test]
        fn what_an_interval_decides_holds_of_every_value_in_it(
            op in prop::sample::select(Op::ALL.to_vec()),
            least in 0_u32..50, width in 0_u32..50, limit in 0_u32..100, part in 0_u32..=100,
        ) {
            let (least, most, limit) = (f64::from(least), f64::from(least + width), f64::from(limit));
            let value = least + (most - least) * f64::from(part) / 100.0;
            if let Some(holds) = decided(op, least, most, limit) {
                prop_assert_eq!(op.holds(value, limit), holds);
            }
            prop_assert_eq!(decided(op, value, value, limit), Some(op.holds(value, limit)));
        }

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
