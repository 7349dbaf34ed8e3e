//! Rules: `PATH OP VALUE[UNIT]`, such as `response_time.p99 < 250ms`, `lost == 0` or `offered.achieved >= 99.9%`.

use std::fmt;

use super::{
    metric::Stat,
    path::{Names, Path, resolve},
    unit::{Dimension, Unit},
};

/// How value and limit must stand to each other. Numbers are compared exactly, also by `==`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The value is below the limit.
    Less,
    /// The value is not above the limit.
    LessOrEqual,
    /// The value is above the limit.
    Greater,
    /// The value is not below the limit.
    GreaterOrEqual,
    /// The value is the limit.
    Equal,
    /// The value is not the limit.
    NotEqual,
}

impl Op {
    /// Every operator, those of two characters first.
    pub const ALL: [Self; 6] =
        [Self::LessOrEqual, Self::GreaterOrEqual, Self::Equal, Self::NotEqual, Self::Less, Self::Greater];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
        }
    }

    /// Whether `value OP limit` holds. Of what is no number, nothing holds.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "the rule asks for exactly this number")]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        if value.is_nan() || limit.is_nan() {
            return false;
        }
        match self {
            Self::Less => value < limit,
            Self::LessOrEqual => value <= limit,
            Self::Greater => value > limit,
            Self::GreaterOrEqual => value >= limit,
            Self::Equal => value == limit,
            Self::NotEqual => value != limit,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It has not the form of one.
    #[error("\"{0}\" is no rule: write PATH OP VALUE, such as \"response_time.p99 < 250ms\"; OP is < <= > >= == or !=")]
    Form(String),
    /// It has one `=`.
    #[error("\"{0}\" has one =, which is no comparison: write ==")]
    SingleEquals(String),
    /// Its path is a number of a latency, and does not say of which.
    #[error("\"{0}\" of which latency? Did you mean response_time.{0} or end_to_end.{0}")]
    NoLatency(String),
    /// Its path names nothing.
    #[error("\"{path}\" is nothing that is measured{}", suggestion(.nearest.as_deref()))]
    UnknownPath {
        /// The path.
        path: String,
        /// The nearest one that is known.
        nearest: Option<String>,
    },
    /// Its limit is no number.
    #[error("\"{0}\" is no limit: write a number from 0 on, with its unit directly behind it")]
    Number(String),
    /// The unit behind its limit is not one that the path takes.
    #[error("{path} {}, not {}", takes(*.dimension), given(.unit))]
    Unit {
        /// The path.
        path: String,
        /// What the path counts in.
        dimension: Dimension,
        /// What stands behind the limit.
        unit: String,
    },
}

fn suggestion(nearest: Option<&str>) -> String {
    match nearest {
        Some(path) => format!("; the nearest name is \"{path}\""),
        None => "; loadgen explain gates lists what is".to_owned(),
    }
}

fn takes(dimension: Dimension) -> String {
    let units: Vec<&str> = dimension.units().into_iter().map(Unit::as_str).collect();
    match units.as_slice() {
        [] => "takes a limit without a unit".to_owned(),
        [one] => format!("takes a limit in {one}"),
        many => format!("takes a limit in one of {}", many.join(", ")),
    }
}

fn given(unit: &str) -> String {
    if unit.is_empty() { "a bare number".to_owned() } else { format!("\"{unit}\"") }
}

/// One rule, its path resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    path: Path,
    op: Op,
    number: f64,
    unit: Unit,
}

impl Rule {
    /// Reads a rule and resolves its path, so that no rule is found wrong after a run.
    ///
    /// # Errors
    /// What is wrong with it, and what was probably meant.
    pub fn parse(text: &str, names: &Names) -> Result<Self, RuleError> {
        let form = || RuleError::Form(text.trim().to_owned());
        let Some((start, op)) = operator(text) else {
            let single = text.find('=').is_some_and(|at| !text[at + 1..].starts_with(['<', '>', '!']));
            return Err(if single { RuleError::SingleEquals(text.trim().to_owned()) } else { form() });
        };
        let (path, limit) = (text[..start].trim(), text[start + op.as_str().len()..].trim());
        if path.is_empty() || limit.is_empty() {
            return Err(form());
        }
        let path = resolve(path, names).map_err(|nearest| match nearest {
            _ if is_bare_statistic(path) => RuleError::NoLatency(path.to_owned()),
            nearest => RuleError::UnknownPath { path: path.to_owned(), nearest },
        })?;
        let (number, unit) = split_limit(limit).ok_or_else(|| RuleError::Number(limit.to_owned()))?;
        let dimension = path.metric.dimension;
        match Unit::from_text(unit) {
            Some(unit) if unit.fits(dimension) => Ok(Self { path, op, number, unit }),
            _ => Err(RuleError::Unit { path: path.to_string(), dimension, unit: unit.to_owned() }),
        }
    }

    /// What it is about.
    #[must_use]
    pub const fn path(&self) -> &Path {
        &self.path
    }

    /// How value and limit must stand to each other.
    #[must_use]
    pub const fn op(&self) -> Op {
        self.op
    }

    /// The limit in the base unit of its dimension: us, bytes, percent, per second.
    #[must_use]
    pub fn limit(&self) -> f64 {
        // 1.1 ms is 1100 us and not 1100.0000000000002: no clock tells millionths of a us.
        if self.unit.scale() > 1.0 { (self.number * self.unit.scale() * 1e6).round() / 1e6 } else { self.number }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}{}", self.path, self.op, self.number, self.unit)
    }
}

/// Whether a path is the name of a latency's number alone, such as `p99`.
fn is_bare_statistic(path: &str) -> bool {
    ["p99.9", "p99.99"].contains(&path) || Stat::ALL.into_iter().any(|stat| stat.as_str() == path)
}

/// The first operator in `text` and where it starts.
fn operator(text: &str) -> Option<(usize, Op)> {
    let start = text.find(['<', '>', '=', '!'])?;
    Op::ALL.into_iter().find(|op| text[start..].starts_with(op.as_str())).map(|op| (start, op))
}

/// `1_000ms` as 1000 and `ms`.
fn split_limit(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '_')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    if !number.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let number: f64 = number.replace('_', "").parse().ok()?;
    number.is_finite().then_some((number, unit.trim_start()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gate::metric::{Part, table::metrics};

    fn parse(text: &str) -> Result<Rule, RuleError> {
        let names = Names {
            expectations: vec!["by-type".into()],
            phases: vec!["warm up".into(), "peak".into()],
            topics: vec!["raw-events".into()],
            types: vec!["view".into()],
        };
        Rule::parse(text, &names)
    }

    #[test]
    fn rules_are_read_with_their_units() {
        for (text, shown, limit) in [
            ("response_time.p99 < 250ms", "response_time.p99 < 250ms", 250_000.0),
            ("response_time.p99<0.3s", "response_time.p99 < 0.3s", 300_000.0),
            ("  lateness.p99 <= 1.1 ms ", "lateness.p99 <= 1.1ms", 1_100.0),
            ("service_time.min > 10us", "service_time.min > 10us", 10.0),
            ("lost==0", "lost == 0", 0.0),
            ("verified >= 1_000_000", "verified >= 1000000", 1e6),
            ("offered.achieved >= 99.9%", "offered.achieved >= 99.9%", 99.9),
            ("offered.achieved_rate > 9999.5/s", "offered.achieved_rate > 9999.5/s", 9999.5),
            ("partitions.skew != 1.5", "partitions.skew != 1.5", 1.5),
            ("timeline.rss.max < 1.5MiB", "timeline.rss.max < 1.5MiB", 1_572_864.0),
            ("phase.warm up.lost == 0", "phase.warm up.lost == 0", 0.0),
        ] {
            let rule = parse(text).unwrap();
            assert_eq!(rule.to_string(), shown);
            assert!((rule.limit() - limit).abs() < 1e-9, "{text}: {}", rule.limit());
        }
    }

    #[test]
    fn a_unit_that_does_not_fit_is_refused_and_the_right_ones_are_named() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(message("lost == 0ms"), "lost takes a limit without a unit, not \"ms\"");
        assert_eq!(
            message("response_time.p99 < 250"),
            "response_time.p99 takes a limit in one of us, ms, s, not a bare number"
        );
        assert_eq!(message("offered.achieved >= 0.99"), "offered.achieved takes a limit in %, not a bare number");
        assert_eq!(
            message("response_time.p99 < 3 parsecs"),
            "response_time.p99 takes a limit in one of us, ms, s, not \"parsecs\""
        );
        assert_eq!(
            message("respnse_time.p99 < 250ms"),
            "\"respnse_time.p99\" is nothing that is measured; the nearest name is \"response_time.p99\""
        );
    }

    #[test]
    fn what_was_probably_meant_is_said() {
        let message = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(
            message("p99 < 250ms"),
            "\"p99\" of which latency? Did you mean response_time.p99 or end_to_end.p99"
        );
        assert!(message("max < 1s").ends_with("Did you mean response_time.max or end_to_end.max"));
        assert_eq!(message("lost = 0"), "\"lost = 0\" has one =, which is no comparison: write ==");
        assert!(message("lost =< 0").contains("OP is <"), "{}", message("lost =< 0"));
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in ["", "lost", "== 0", "lost ==", "lost = 0", "lost ! 0", "lost =< 0", "lost <> 0"] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["lost == -1", "lost == nan", "lost == inf", "lost == .5", "lost == 1.2.3", "lost == _"] {
            assert!(matches!(parse(text), Err(RuleError::Number(_))), "{text}");
        }
    }

    #[test]
    fn nothing_holds_of_what_is_no_number() {
        for op in Op::ALL {
            assert!(!op.holds(f64::NAN, 0.0), "{op}");
            assert!(!op.holds(0.0, f64::NAN), "{op}");
        }
    }

    fn any_rule() -> impl Strategy<Value = String> {
        let path = (0..metrics().len(), prop::sample::select(vec!["peak", "warm up"])).prop_map(|(index, phase)| {
            let metric = &metrics()[index];
            let name = match metric.part {
                Part::Run => return (metric.name.clone(), metric.dimension),
                Part::Phase => phase,
                Part::EventType => "view",
                Part::Topic => "raw-events",
                Part::Expectation => "by-type",
            };
            (format!("{}.{name}.{}", metric.part.word(), metric.name), metric.dimension)
        });
        (path, 0..Op::ALL.len(), 0.0..1e12_f64, any::<prop::sample::Index>()).prop_map(
            |((path, dimension), op, number, unit)| {
                let units = dimension.units();
                let unit = if units.is_empty() { Unit::Plain } else { units[unit.index(units.len())] };
                format!("{path} {} {number}{unit}", Op::ALL[op])
            },
        )
    }

    proptest! {
        #[test]
        fn a_rule_reads_back_as_it_is_shown(text in any_rule()) {
            let rule = parse(&text).unwrap();
            prop_assert_eq!(&rule.to_string(), &text);
            prop_assert_eq!(parse(&rule.to_string()).unwrap(), rule);
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,40}") {
            if let Ok(rule) = parse(&text) {
                prop_assert_eq!(parse(&rule.to_string()).unwrap(), rule);
            }
        }
    }
}
