//! `gate`: rules held against runs that are over; against several, how often and how narrowly each is kept.

use std::fmt::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Done, Failure, stored};
use crate::bundle::Stored;
use crate::cli::gate::GateArgs;
use crate::figures;
use crate::gate::{GateConfig, Gates, Names, Rule};
use crate::progress::terminal;
use crate::report::{GateOutcome, GateResult, RunReport, Verdict};
use crate::scenario::Environment;
use crate::scenario::text::read_toml;
use crate::settings::outcome::Output;
use crate::verdict::ExitCode;
use crate::width;

/// A file that gates are read from. A scenario is one: what else stands there does not matter here.
#[derive(Debug, Deserialize)]
struct GatesFile {
    #[serde(rename = "gate", default)]
    gates: Vec<GateConfig>,
}

/// What all runs say of all rules.
#[derive(Debug, Serialize)]
struct Evaluation {
    result: GateOutcome,
    rules: Vec<OfRule>,
    runs: Vec<OfRun>,
}

/// What the runs say of one rule.
#[derive(Debug, Serialize)]
struct OfRule {
    rule: String,
    name: Option<String>,
    pass: usize,
    fail: usize,
    unevaluated: usize,
    /// Share of the runs that keep it, in percent.
    pass_percent: f64,
    nearest: Option<Nearest>,
}

/// The run that is nearest to the limit, or farthest beyond it.
#[derive(Clone, Debug, Serialize)]
struct Nearest {
    run: String,
    /// In the base unit of what is measured: us, bytes, percent.
    value: f64,
    /// Positive where the rule is kept: in parts of the limit; where that is 0, in the unit of the value.
    margin: f64,
    #[serde(skip)]
    words: String,
}

/// What one run says of the rules.
#[derive(Debug, Serialize)]
struct OfRun {
    name: String,
    id: String,
    /// How the run itself ended.
    verdict: Verdict,
    gates: Vec<GateResult>,
    #[serde(skip)]
    rules: Vec<Rule>,
}

/// How far from its limit a value counts as near, in parts of the limit.
const NEAR: f64 = 0.5;

pub(super) fn gate(args: GateArgs, environment: &Environment) -> Result<Done, Failure> {
    let options = environment.complete(args.options)?;
    let mut asked: Vec<GateConfig> = options.gate.iter().map(GateConfig::of_rule).collect();
    if let Some(path) = &options.gates {
        asked.extend(read_gates(path)?);
    }
    let bundles = args.bundles.iter().map(|path| stored::read(path)).collect::<Result<Vec<_>, _>>()?;
    let runs = if asked.is_empty() { by_their_own(&bundles)? } else { by(&asked, &bundles)? };
    let evaluation = Evaluation::of(runs);
    let code = match evaluation.result {
        GateOutcome::Pass => ExitCode::Pass,
        GateOutcome::Fail => ExitCode::GateFailed,
        GateOutcome::Unevaluated => ExitCode::Unevaluated,
    };
    let output = match options.output.unwrap_or(Output::Text) {
        Output::Text => width::fit(&evaluation.text(), terminal::columns(&std::io::stdout())),
        Output::Json => serde_json::to_string_pretty(&evaluation)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(ExitCode::BadInput, error.to_string()))?,
    };
    Ok(Done::ended(
        output,
        code,
        "exit 0 (kept): every rule was kept; how the runs themselves ended is told, not judged",
    ))
}

fn read_gates(path: &Path) -> Result<Vec<GateConfig>, Failure> {
    let gates = read_toml::<GatesFile>(path, "gates file")?.gates;
    if gates.is_empty() {
        let reason = format!("{} has no [[gate]] table", path.display());
        return Err(Failure::new(ExitCode::BadConfiguration, reason).hint("[[gate]]\n        rule = \"lost == 0\""));
    }
    Ok(gates)
}

fn by(asked: &[GateConfig], bundles: &[Stored]) -> Result<Vec<OfRun>, Failure> {
    let reports: Vec<RunReport> = bundles.iter().map(|stored| stored.report.clone()).collect();
    let gates = gates(asked, &Names::of_all(&reports))?;
    Ok(bundles.iter().map(|stored| OfRun::of(stored, &gates)).collect())
}

/// Each run's own gates, evaluated anew.
fn by_their_own(bundles: &[Stored]) -> Result<Vec<OfRun>, Failure> {
    let one = |stored: &Stored| {
        let own = stored.report.gates.iter().filter(|gate| !gate.built_in);
        let configs: Vec<GateConfig> =
            own.map(|gate| GateConfig { name: gate.name.clone(), ..GateConfig::of_rule(&gate.rule) }).collect();
        Ok(OfRun::of(stored, &gates(&configs, &Names::of(&stored.report))?))
    };
    let runs = bundles.iter().map(one).collect::<Result<Vec<_>, Failure>>()?;
    if runs.iter().all(|run| run.gates.is_empty()) {
        let reason = "there is nothing to evaluate: no run has a gate of its own, and none was named";
        return Err(Failure::new(ExitCode::BadConfiguration, reason).hint("--gate 'lost == 0', or --gates FILE"));
    }
    Ok(runs)
}

fn gates(configs: &[GateConfig], names: &Names) -> Result<Gates, Failure> {
    Gates::new(configs, &[], names).map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))
}

impl OfRun {
    fn of(stored: &Stored, gates: &Gates) -> Self {
        let mut results = gates.evaluate(&stored.report);
        // What follows are the built-in gates, on which the run's own verdict stands.
        results.truncate(gates.gates.len());
        Self {
            name: stored.name(),
            id: stored.report.run.id.clone(),
            verdict: stored.report.verdict.clone(),
            gates: results,
            rules: gates.gates.iter().map(|gate| gate.rule.clone()).collect(),
        }
    }

    fn results(&self) -> impl Iterator<Item = (&Rule, &GateResult)> {
        self.rules.iter().zip(&self.gates)
    }

    fn result_of(&self, rule: &str) -> Option<&GateResult> {
        self.gates.iter().find(|result| result.rule == rule)
    }
}

impl Evaluation {
    fn of(runs: Vec<OfRun>) -> Self {
        let mut rules: Vec<OfRule> = Vec::new();
        for run in &runs {
            for (rule, result) in run.results() {
                let place = rules.iter().position(|known| known.rule == result.rule).unwrap_or(rules.len());
                if place == rules.len() {
                    rules.push(OfRule::new(result));
                }
                rules[place].add(run, rule, result);
            }
        }
        for rule in &mut rules {
            rule.pass_percent = percent(rule.pass, rule.pass + rule.fail + rule.unevaluated);
        }
        let result = match rules.iter().map(OfRule::result).max_by_key(|result| severity(*result)) {
            Some(worst) => worst,
            None => GateOutcome::Unevaluated,
        };
        Self { result, rules, runs }
    }

    fn text(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        self.write(&mut out).unwrap_or_default();
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let told = self.rules.iter().filter(|rule| rule.result() == self.result).count();
        let runs = figures::counted(self.runs.len() as u64, "run");
        let came_of_them = match self.result {
            GateOutcome::Pass => "kept",
            GateOutcome::Fail => "broken",
            GateOutcome::Unevaluated => "not evaluated",
        };
        writeln!(out, "{}  {told} of {} rules {came_of_them} in {runs}\n", word(self.result), self.rules.len())?;
        let wide = self.rules.iter().map(|rule| rule.rule.chars().count()).max().unwrap_or(0);
        for rule in &self.rules {
            let runs = rule.pass + rule.fail + rule.unevaluated;
            let nearest = rule.nearest.as_ref().map_or_else(String::new, |nearest| nearest.words.clone());
            let line = format!(" {:<wide$}   {} of {runs} pass   {nearest}", rule.rule, rule.pass);
            writeln!(out, "{}", line.trim_end())?;
            for run in &self.runs {
                let Some(result) = run.result_of(&rule.rule) else { continue };
                if result.result != GateOutcome::Pass {
                    writeln!(out, "   {:<11}  {}{}", word(result.result), run.name, details(result))?;
                }
            }
        }
        writeln!(out)?;
        for run in &self.runs {
            writeln!(out, " {} itself ended with {} ({})", run.name, run.verdict.code, run.verdict.name)?;
        }
        Ok(())
    }
}

impl OfRule {
    fn new(result: &GateResult) -> Self {
        let (rule, name) = (result.rule.clone(), result.name.clone());
        Self { rule, name, pass: 0, fail: 0, unevaluated: 0, pass_percent: 0.0, nearest: None }
    }

    fn add(&mut self, run: &OfRun, rule: &Rule, result: &GateResult) {
        match result.result {
            GateOutcome::Pass => self.pass += 1,
            GateOutcome::Fail => self.fail += 1,
            GateOutcome::Unevaluated => self.unevaluated += 1,
        }
        let Some(value) = result.value else { return };
        let margin = rule.margin(value);
        if self.nearest.as_ref().is_none_or(|nearest| margin < nearest.margin) {
            let measured = result.measured().unwrap_or_else(|| value.to_string());
            let words = match rule.limit() {
                0.0 => format!("nearest: {measured}"),
                limit => {
                    format!("nearest: {measured}, {}", distance(margin, &figures::gate_value(&result.rule, limit)))
                }
            };
            self.nearest = Some(Nearest { run: run.name.clone(), value, margin, words });
        }
    }

    fn result(&self) -> GateOutcome {
        match (self.fail, self.unevaluated) {
            (0, 0) => GateOutcome::Pass,
            (0, _) => GateOutcome::Unevaluated,
            _ => GateOutcome::Fail,
        }
    }
}

/// Percents tell something of what is near the limit; of what is far from it the limit itself does.
fn distance(margin: f64, limit: &str) -> String {
    let percent = figures::trimmed(margin.abs() * 100.0, 1);
    match margin {
        0.0 => "at the limit".to_owned(),
        _ if margin.abs() > NEAR => format!("limit {limit}"),
        _ if margin > 0.0 => format!("{percent} % within the limit"),
        _ => format!("{percent} % beyond the limit"),
    }
}

fn details(result: &GateResult) -> String {
    let measured = result.measured().map(|value| format!(": measured {value}"));
    let reason = result.reason.as_ref().map(|reason| format!(": {reason}"));
    measured.into_iter().chain(reason).collect()
}

const fn severity(result: GateOutcome) -> u8 {
    match result {
        GateOutcome::Pass => 0,
        GateOutcome::Unevaluated => 1,
        GateOutcome::Fail => 2,
    }
}

const fn word(result: GateOutcome) -> &'static str {
    match result {
        GateOutcome::Pass => "PASS",
        GateOutcome::Fail => "FAIL",
        GateOutcome::Unevaluated => "UNEVALUATED",
    }
}

#[expect(clippy::cast_precision_loss, reason = "a number of runs is small")]
fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_told_near_the_limit_alone() {
        assert_eq!(distance(0.04, "10 ms"), "4 % within the limit");
        assert_eq!(distance(-0.5, "10 ms"), "50 % beyond the limit");
        assert_eq!(distance(0.0, "10 ms"), "at the limit");
        assert_eq!(distance(0.991, "1 s"), "limit 1 s");
        assert_eq!(distance(-6226.0, "1 us"), "limit 1 us");
    }
}
