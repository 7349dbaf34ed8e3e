//! A comparison as a gate: rules over it, each passed, failed or unevaluated.

use std::fmt;
use std::str::FromStr;

use super::figures::{interval, percent};
use super::quantity::{Better, Quantity, UnknownQuantity};
use super::{Change, Comparison, Row, Verdict};
use crate::report::GateOutcome;

/// A rule over a comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Nothing is worse. Passes where no quantity can have become worse by more than the margin; fails where one is
    /// worse; unevaluated where the noise leaves it open.
    NothingWorse,
    /// One quantity became worse by at most so many percent. Passes where its whole interval is below that, fails where
    /// its whole interval is above, and is unevaluated between, or where the quantity was not judged.
    MaxRegression(Quantity, f64),
}

/// Why a text is no limit of a regression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Not `quantity=percent`.
    #[error("\"{0}\" is no limit: write p99=10%, response_time.p999=25% or cpu=5%")]
    Form(String),
    /// Not a quantity.
    #[error(transparent)]
    Quantity(#[from] UnknownQuantity),
}

impl FromStr for Rule {
    type Err = RuleError;

    /// Reads `worse` (as in `--fail-on worse`) or `p99=10%`.
    fn from_str(text: &str) -> Result<Self, RuleError> {
        if text.trim() == "worse" {
            return Ok(Self::NothingWorse);
        }
        let form = || RuleError::Form(text.to_owned());
        let (name, limit) = text.split_once('=').ok_or_else(form)?;
        let limit = limit.trim().strip_suffix('%').ok_or_else(form)?;
        let limit: f64 = limit.trim().parse().map_err(|_| form())?;
        if !limit.is_finite() || limit < 0.0 {
            return Err(form());
        }
        Ok(Self::MaxRegression(name.trim().parse()?, limit))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingWorse => f.write_str("nothing worse"),
            Self::MaxRegression(quantity, limit) => write!(f, "{quantity} worse by at most {limit} %"),
        }
    }
}

/// How a rule ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The rule.
    pub rule: Rule,
    /// How it ended.
    pub result: GateOutcome,
    /// Why, with the figures.
    pub reason: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.result {
            GateOutcome::Pass => "PASS",
            GateOutcome::Fail => "FAIL",
            GateOutcome::Unevaluated => "UNEVALUATED",
        };
        write!(f, "{word}  {}: {}", self.rule, self.reason)
    }
}

/// Holds rules against a comparison.
#[must_use]
pub fn evaluate(comparison: &Comparison, rules: &[Rule]) -> Vec<Outcome> {
    let one = |rule: &Rule| {
        let (result, reason) = match *rule {
            Rule::NothingWorse => nothing_worse(comparison),
            Rule::MaxRegression(quantity, limit) => max_regression(comparison, quantity, limit),
        };
        Outcome { rule: *rule, result, reason }
    };
    rules.iter().map(one).collect()
}

/// How much worse a row can have become at least and at most, as logarithms: above 0 is worse.
fn worsening(row: &Row, change: &Change) -> (f64, f64) {
    let (low, high) = ((change.low_percent / 100.0).ln_1p(), (change.high_percent / 100.0).ln_1p());
    let (least, most) = match row.better {
        Better::Lower => (low, high),
        Better::Higher => (-high, -low),
    };
    // A lower bound can be any amount higher than it is known to be.
    let least = if row.base_at_least { f64::NEG_INFINITY } else { least };
    let most = if row.new_at_least { f64::INFINITY } else { most };
    (least, most)
}

fn nothing_worse(comparison: &Comparison) -> (GateOutcome, String) {
    let rows = || comparison.rows.iter();
    let names = |rows: Vec<&Row>| rows.iter().map(|row| described(row)).collect::<Vec<_>>().join(", ");
    let worse: Vec<&Row> = rows().filter(|row| row.verdict == Verdict::Worse).collect();
    if !worse.is_empty() {
        return (GateOutcome::Fail, format!("worse: {}", names(worse)));
    }
    let judged = || rows().filter_map(|row| row.change.as_ref().map(|change| (row, change)));
    if judged().next().is_none() {
        return (GateOutcome::Unevaluated, "nothing could be judged".to_owned());
    }
    let margin = comparison.method.margin.ln_1p() + 1e-12;
    let open: Vec<&Row> =
        judged().filter(|(row, change)| worsening(row, change).1 > margin).map(|(row, _)| row).collect();
    if open.is_empty() {
        return (GateOutcome::Pass, "nothing is worse beyond the margin".to_owned());
    }
    (GateOutcome::Unevaluated, format!("may be worse: {}", names(open)))
}

fn max_regression(comparison: &Comparison, quantity: Quantity, limit: f64) -> (GateOutcome, String) {
    let Some(row) = comparison.rows.iter().find(|row| row.quantity == quantity) else {
        return (GateOutcome::Unevaluated, format!("{quantity} was not compared"));
    };
    let Some(change) = &row.change else {
        let why = row.reason.clone().unwrap_or_else(|| "not judged".to_owned());
        return (GateOutcome::Unevaluated, format!("{quantity}: {why}"));
    };
    let (least, most) = worsening(row, change);
    // A rate worse by 10 % is 0.9 of what it was, a latency worse by 10 % is 1.1 of it.
    let bound = match row.better {
        Better::Lower => (limit / 100.0).ln_1p(),
        Better::Higher if limit < 100.0 => -(-limit / 100.0).ln_1p(),
        Better::Higher => f64::INFINITY,
    };
    let result = if most <= bound {
        GateOutcome::Pass
    } else if least > bound {
        GateOutcome::Fail
    } else {
        GateOutcome::Unevaluated
    };
    (result, described(row))
}

/// `response_time.p99 +12.0 % (+8.1 … +16.0 %)`.
fn described(row: &Row) -> String {
    let by = row.change_percent.map_or_else(String::new, |change| format!(" {}", percent(change)));
    let within = row.change.as_ref().map_or_else(String::new, |change| format!(" ({})", interval(change)));
    format!("{}{by}{within}", row.quantity)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Simulated, named, simulated};
    use super::super::rows::comparison;
    use super::super::{Options, Point};
    use super::*;
    use crate::recording::LatencyKind;

    fn slower_by(factor: f64, noise: f64) -> Comparison {
        let plan = Simulated { noise, seconds: 120, ..Simulated::default() };
        let base = vec![named(simulated(plan, 1))];
        let new = vec![named(simulated(Simulated { factor, ..plan }, 2))];
        comparison(base, new, Vec::new(), &Options { draws: 400, ..Options::default() })
    }

    fn result(comparison: &Comparison, rule: &str) -> GateOutcome {
        evaluate(comparison, &[rule.parse().unwrap()])[0].result
    }

    #[test]
    fn a_regression_within_the_limit_passes_and_one_beyond_it_fails() {
        let comparison = slower_by(1.2, 0.005);
        assert_eq!(result(&comparison, "p99=30%"), GateOutcome::Pass);
        assert_eq!(result(&comparison, "p99=10%"), GateOutcome::Fail);
        assert_eq!(result(&comparison, "worse"), GateOutcome::Fail);
    }

    #[test]
    fn what_the_noise_leaves_open_is_unevaluated_never_passed() {
        let comparison = slower_by(1.0, 0.3);
        assert_eq!(result(&comparison, "p99=1%"), GateOutcome::Unevaluated);
        assert_eq!(result(&comparison, "worse"), GateOutcome::Unevaluated);
    }

    #[test]
    fn an_equal_or_better_run_passes() {
        assert_eq!(result(&slower_by(1.0, 0.002), "worse"), GateOutcome::Pass);
        assert_eq!(result(&slower_by(0.8, 0.002), "worse"), GateOutcome::Pass);
        assert_eq!(result(&slower_by(0.8, 0.002), "p99=0%"), GateOutcome::Pass);
    }

    #[test]
    fn a_rate_is_worse_where_it_is_lower() {
        let mut comparison = slower_by(1.0, 0.002);
        let row = comparison.rows.iter_mut().find(|row| row.quantity == Quantity::AckedRate).unwrap();
        let change = Change { low_percent: -20.0, high_percent: -15.0, detectable_percent: 5.0, more_data: None };
        row.change = Some(change);
        assert_eq!(result(&comparison, "acked_rate=10%"), GateOutcome::Fail);
        assert_eq!(result(&comparison, "acked_rate=20%"), GateOutcome::Pass);
        assert_eq!(result(&comparison, "acked_rate=18%"), GateOutcome::Unevaluated);
    }

    #[test]
    fn a_maximum_or_a_quantity_that_was_not_compared_is_unevaluated() {
        let comparison = slower_by(1.0, 0.002);
        assert_eq!(result(&comparison, "response_time.max=10%"), GateOutcome::Unevaluated);
        assert_eq!(result(&comparison, "service_time.p99=10%"), GateOutcome::Unevaluated);
    }

    #[test]
    fn a_lower_bound_cannot_show_that_the_limit_holds() {
        let mut comparison = slower_by(1.0, 0.002);
        comparison.rows.iter_mut().for_each(|row| row.new_at_least = true);
        assert_eq!(result(&comparison, "p99=30%"), GateOutcome::Unevaluated);
        assert_eq!(result(&comparison, "worse"), GateOutcome::Unevaluated);
    }

    #[test]
    fn rules_are_read_and_bad_ones_are_refused_with_what_to_write() {
        let p99 = Quantity::Latency(LatencyKind::ResponseTime, Point::P99);
        assert_eq!("p99 = 10 %".parse(), Ok(Rule::MaxRegression(p99, 10.0)));
        for text in ["p99", "p99=10", "p99=-1%", "p99=nan%", "p99=inf%"] {
            assert_eq!(text.parse::<Rule>(), Err(RuleError::Form(text.to_owned())));
        }
        assert!(matches!("pp=1%".parse::<Rule>(), Err(RuleError::Quantity(_))));
    }
}
