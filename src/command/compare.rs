//! `compare`: two runs, or two groups of runs, with what the difference means.

mod rounds;

use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Done, Failure, stored};
use crate::cli::compare::{CompareArgs, CompareOptions};
use crate::compare::gate::{Outcome, Rule, evaluate};
use crate::compare::{self, Bundle, CompareError, Comparison, Options};
use crate::output::compare::{html, markdown, text};
use crate::output::files::PAGE;
use crate::progress::terminal;
use crate::report::{GateOutcome, RunReport};
use crate::scenario::Environment;
use crate::settings::layer::Layer;
use crate::settings::values::{CompareOutput, FailOn};
use crate::verdict::ExitCode;

pub(super) fn compare(args: CompareArgs, environment: &Environment) -> Result<Done, Failure> {
    let CompareArgs { base, new, options, rounds, both } = args;
    let options = environment.complete(options)?;
    let rules = rules(&options)?;
    let how = Options { allow: options.allow.iter().copied().collect(), ..Options::default() };
    let asked = environment.complete(rounds.clone())?;
    if asked.run != Some(true) {
        if let Some(option) = rounds.first_set().filter(|option| *option != "run").or_else(|| both.first_set()) {
            return Err(of_no_run(option));
        }
        return tell(&base.0, &new.0, &how, &rules, &options).map(Compared::done);
    }
    let rounds = asked.rounds.unwrap_or(ROUNDS);
    let made = rounds::make(rounds::RoundsPlan { base, new, rounds, options: both.options(), how: &how }, environment)?;
    let compared = tell(&made.base, &made.new, &how, &rules, &options).map_err(|failure| made.explain(failure))?;
    Ok(made.keep(compared, options.output.unwrap_or(CompareOutput::Text)))
}

/// Runs of each side, unless told.
const ROUNDS: u16 = 3;

/// Only runs that are still to be made can be told where and how.
fn of_no_run(option: &str) -> Failure {
    let option = if option == "client" { "command-property".to_owned() } else { option.replace('_', "-") };
    Failure::new(ExitCode::Usage, format!("--{option} is for runs, and those that are compared here are over"))
        .hint("loadgen compare --run BASE.toml NEW.toml runs both first")
}

/// What came of a comparison.
struct Compared {
    comparison: Comparison,
    outcomes: Vec<Outcome>,
    output: String,
    code: ExitCode,
    passes_as: &'static str,
}

impl Compared {
    fn done(self) -> Done {
        Done::ended(self.output, self.code, self.passes_as)
    }
}

fn tell(
    base: &[PathBuf],
    new: &[PathBuf],
    how: &Options,
    rules: &[Rule],
    options: &CompareOptions,
) -> Result<Compared, Failure> {
    let (base_runs, new_runs) = (bundles(base)?, bundles(new)?);
    let comparison = compare::compare(&base_runs, &new_runs, how).map_err(|error| refused(&error))?;
    let outcomes = evaluate(&comparison, rules);
    let code = outcomes.iter().fold(ExitCode::Pass, |worst, outcome| worst.outranking(code_of(outcome, options)));
    let output = match options.output.unwrap_or(CompareOutput::Text) {
        CompareOutput::Text => text::text(&comparison, &outcomes, terminal::columns(&io::stdout())),
        CompareOutput::Markdown => markdown::markdown(&comparison, &outcomes),
        CompareOutput::Html => {
            let folders = html::Folders { base: with_pages(base), new: with_pages(new) };
            html::html(&comparison, &outcomes, &folders)
                .map_err(|error| Failure::new(ExitCode::BadInput, error.to_string()))?
        }
        CompareOutput::Json => as_json(&comparison, &outcomes)?,
    };
    let passes_as = if rules.is_empty() {
        "exit 0 (told): nothing was judged (--fail-on and --max-regression judge)"
    } else {
        "exit 0 (kept): every rule was kept; nothing else was judged"
    };
    Ok(Compared { comparison, outcomes, output, code, passes_as })
}

fn rules(options: &CompareOptions) -> Result<Vec<Rule>, Failure> {
    let mut rules: Vec<Rule> = options.fail_on.map(|_| Rule::NothingWorse).into_iter().collect();
    for limit in &options.max_regression {
        let quantity = limit.metric.parse().map_err(|error: compare::UnknownQuantity| {
            Failure::new(ExitCode::Usage, format!("--max-regression {}: {error}", limit.metric))
        })?;
        rules.push(Rule::MaxRegression(quantity, limit.percent));
    }
    Ok(rules)
}

fn bundles(paths: &[impl AsRef<Path>]) -> Result<Vec<Bundle>, Failure> {
    let one = |path: &Path| {
        let stored = stored::read(path)?;
        let recording = stored.recording().map_err(|error| stored::unreadable(&error))?;
        let timeline = stored.timeline().map_err(|error| stored::unreadable(&error))?;
        Ok(Bundle { name: stored.name(), report: RunReport { timeline, ..stored.report }, recording })
    };
    paths.iter().map(|path| one(path.as_ref())).collect()
}

/// The folders as they were named, for links: who compares keeps the page where these lead somewhere.
fn with_pages(paths: &[impl AsRef<Path>]) -> Vec<Option<String>> {
    let one = |path: &Path| path.join(PAGE).is_file().then(|| path.to_str().map(str::to_owned)).flatten();
    paths.iter().map(|path| one(path.as_ref())).collect()
}

fn refused(error: &CompareError) -> Failure {
    match error {
        CompareError::NotComparable(differences) => {
            let mut aspects: Vec<String> = differences.iter().map(|one| format!("--allow {}", one.aspect)).collect();
            aspects.sort();
            aspects.dedup();
            Failure::new(ExitCode::BadConfiguration, error.to_string())
                .hint(format!("{} compares them nevertheless", aspects.join(" ")))
        }
        CompareError::Empty(_) => Failure::new(ExitCode::BadInput, error.to_string()),
        CompareError::NoRun(_) | CompareError::Option { .. } => Failure::new(ExitCode::Usage, error.to_string()),
    }
}

fn code_of(outcome: &Outcome, options: &CompareOptions) -> ExitCode {
    match (outcome.result, outcome.rule, options.fail_on) {
        (GateOutcome::Pass, ..) => ExitCode::Pass,
        (GateOutcome::Fail, ..) | (_, Rule::NothingWorse, Some(FailOn::Inconclusive)) => ExitCode::GateFailed,
        (GateOutcome::Unevaluated, ..) => ExitCode::Unevaluated,
    }
}

fn as_json(comparison: &Comparison, outcomes: &[Outcome]) -> Result<String, Failure> {
    let failed = |error: serde_json::Error| Failure::new(ExitCode::BadInput, error.to_string());
    let mut value = serde_json::to_value(comparison).map_err(failed)?;
    let gates = outcomes.iter().map(
        |Outcome { rule, result, reason }| json!({ "rule": rule.to_string(), "result": result, "reason": reason }),
    );
    value["gates"] = Value::Array(gates.collect());
    serde_json::to_string_pretty(&value).map(|text| text + "\n").map_err(failed)
}
