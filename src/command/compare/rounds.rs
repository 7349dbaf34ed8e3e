//! `compare --run`: both sides are run in turns, so that what else the machine does meets both alike.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::formats;
use super::super::planned_load::{ends, forewarn, load, planned, schedule};
use super::super::{interrupt, run};
use super::{Compared, refused};
use crate::bundle::{self, Bundle};
use crate::clock::{Clock, Monotonic, Nanos};
use crate::command::{Done, Failure};
use crate::compare::{self, Aspect, CompareError, MIN_SECONDS, Options, Side};
use crate::figures;
use crate::output::compare::{html, text};
use crate::output::files;
use crate::progress::{self, terminal};
use crate::report::RunReport;
use crate::run::Interrupts;
use crate::scenario::plan::{LiveView, Plan, Sharding};
use crate::scenario::{self, Environment, Resolved, Scenario, resolve, results};
use crate::settings::run::RunOptions;
use crate::settings::values::{Bundles, CompareOutput};
use crate::source::Source;
use crate::verdict::ExitCode;

/// The page of the comparison, in the folder of its runs.
const PAGE: &str = "compare.html";

/// What is to be run.
pub(super) struct RoundsPlan<'a> {
    pub(super) base: Bundles,
    pub(super) new: Bundles,
    /// Runs of each side.
    pub(super) rounds: u16,
    /// Of every run.
    pub(super) options: RunOptions,
    pub(super) how: &'a Options,
}

/// The runs of both sides that came to their ends.
pub(super) struct CompletedRounds {
    /// With all runs in it.
    folder: PathBuf,
    pub(super) base: Vec<PathBuf>,
    pub(super) new: Vec<PathBuf>,
    interrupted: bool,
    /// What ended the rounds before their end.
    failure: Option<Failure>,
}

/// A scenario, ready to be run again and again.
struct Turn {
    side: Side,
    file: PathBuf,
    scenario: Scenario,
    plan: Plan,
    source: Source,
}

/// Makes the runs. What is wrong with either scenario is found before the first one.
pub(super) fn make(wanted: RoundsPlan<'_>, environment: &Environment) -> Result<CompletedRounds, Failure> {
    let RoundsPlan { base, new, rounds, options, how } = wanted;
    // The form of a comparison is no form of a run.
    let environment = environment.without("LOADGEN_OUTPUT");
    let turns = [(Side::Base, base), (Side::New, new)].map(|(side, files)| {
        let [file] = <[PathBuf; 1]>::try_from(files.0).map_err(|_| {
            Failure::new(ExitCode::Usage, format!("{side} is several files, and --run takes one scenario a side"))
                .hint("--rounds N runs each of the two N times")
        })?;
        Turn::new(side, file, options.clone(), &environment)
    });
    let [base, new] = turns;
    let turns = [base?, new?];
    turns.iter().try_for_each(Turn::check_length)?;
    let results_dir = &turns[0].plan.presentation.results_dir;
    results::try_folder(results_dir)?;
    let interrupts = interrupt::listen()?;
    let folder = bundle::new_folder(results_dir, &format!("{}-compare", run::started_at()))
        .map_err(|error| run::write_failed(&error))?;
    let mut rounds = Rounds { of: rounds, turns, how, interrupts, reports: [Vec::new(), Vec::new()], took_s: 0.0 };
    let mut made = CompletedRounds { folder, base: Vec::new(), new: Vec::new(), interrupted: false, failure: None };
    match rounds.make(&mut made) {
        Ok(()) => {}
        Err(failure) if made.base.is_empty() || made.new.is_empty() => return Err(made.explain(failure)),
        Err(failure) => made.failure = Some(failure),
    }
    if made.base.is_empty() || made.new.is_empty() {
        let reason = "interrupted before both sides had a run, so there is nothing to compare";
        return Err(
            Failure::new(ExitCode::Interrupted, reason).hint(format!("what was run is in {}", made.folder.display()))
        );
    }
    Ok(made)
}

impl Turn {
    fn new(side: Side, file: PathBuf, options: RunOptions, environment: &Environment) -> Result<Self, Failure> {
        let of = |failure: Failure| named(side, &file, failure);
        let resolved = resolve(&scenario::RunRequest::Scenario(file.clone()), options, environment)
            .map_err(|error| of(error.into()))?;
        for warning in &resolved.warnings {
            tracing::warn!("{side} ({}): {warning}", file.display());
        }
        let Resolved { plan: resolved, mut scenario, dump, .. } = resolved;
        if dump {
            return Err(Failure::new(ExitCode::Usage, "-X dump tells of one run at a time")
                .hint(format!("loadgen run {} -X dump", file.display())));
        }
        let mut presentation = resolved.presentation;
        if presentation.view == LiveView::Screen {
            // Its keys would make the runs of a side differ.
            presentation.view = LiveView::Line;
        }
        // Each run is one of its own, whatever run this process may otherwise be a part of.
        let mut plan = Plan::new(&mut scenario, Sharding::ALONE, presentation, resolved.formats.registry)
            .map_err(|error| of(error.into()))?;
        plan.bootstrap_said_by = resolved.bootstrap_said_by;
        let source = load(&plan).map_err(of)?;
        formats::ready(&mut plan).map_err(of)?;
        Ok(Self { side, file, scenario, plan, source })
    }

    /// A run that ends, and after how long: what is too short to be judged is told before it is run.
    fn check_length(&self) -> Result<(), Failure> {
        let schedule = schedule(&self.plan, &self.source).map_err(|failure| self.named(failure))?;
        forewarn(&self.source, &schedule);
        match ends(&self.source, &schedule).map(Nanos::as_secs_f64) {
            None if self.plan.limit.is_none() => Err(self.named(
                Failure::new(ExitCode::BadConfiguration, "it never ends, so the other side would never have its turn")
                    .hint("--duration 60s ends each run"),
            )),
            Some(ends_s) if ends_s < figures::as_f64(MIN_SECONDS as u64) => {
                let (side, file, takes) = (self.side, self.file.display(), figures::span_s(ends_s));
                tracing::warn!(
                    "{side} ({file}): runs of {takes} are too short to be judged ({MIN_SECONDS} s are needed): --duration 60s makes them longer"
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn named(&self, failure: Failure) -> Failure {
        named(self.side, &self.file, failure)
    }
}

/// A failure says whose it is.
fn named(side: Side, file: &Path, failure: Failure) -> Failure {
    Failure { message: format!("{side} ({}): {}", file.display(), failure.message), ..failure }
}

/// The rounds while they go on.
struct Rounds<'a> {
    of: u16,
    turns: [Turn; 2],
    how: &'a Options,
    interrupts: Arc<Interrupts>,
    /// Of the runs of both sides so far.
    reports: [Vec<compare::Bundle>; 2],
    /// What all of them took.
    took_s: f64,
}

impl Rounds<'_> {
    /// BASE NEW, NEW BASE, BASE NEW, ...: what rises or falls steadily meanwhile meets both alike.
    fn make(&mut self, made: &mut CompletedRounds) -> Result<(), Failure> {
        for round in 1..=self.of {
            for second in [false, true] {
                let side = usize::from((round % 2 == 0) != second);
                if self.interrupts.count() > 0 {
                    made.interrupted = true;
                    return Ok(());
                }
                let clock = Monotonic::start();
                let (report, folder) = match self.run(round, side, &made.folder) {
                    Ok((report, folder)) if !report.run.interrupted => (report, folder),
                    Err(failure) if failure.code != ExitCode::Interrupted => return Err(failure),
                    Ok(_) | Err(_) => {
                        made.interrupted = true;
                        return Ok(());
                    }
                };
                self.took_s += clock.now().as_secs_f64();
                let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                self.reports[side].push(compare::Bundle { name, report, ..compare::Bundle::default() });
                if side == 0 { &mut made.base } else { &mut made.new }.push(folder);
                self.tell(round, side);
                self.check()?;
            }
        }
        Ok(())
    }

    fn run(&self, round: u16, side: usize, folder: &Path) -> Result<(RunReport, PathBuf), Failure> {
        let Turn { side, file, scenario, plan, source } = &self.turns[side];
        let of = |failure: Failure| {
            let failure = named(*side, file, failure);
            Failure { message: format!("round {round} of {}, {}", self.of, failure.message), ..failure }
        };
        let schedule = schedule(plan, source).map_err(of)?;
        let ends = ends(source, &schedule);
        let number = format!("{round:02}-{}", text::word(*side));
        let bundle = Bundle::create(folder, &number, &plan.run.name, &scenario.kept()?)
            .map_err(|error| run::write_failed(&error))?;
        let title = format!(
            "round {round} of {}, {}: {}",
            self.of,
            text::word(*side),
            run::title(plan, planned(plan, &schedule, source), ends)
        );
        let (interrupts, kept) = (&self.interrupts, run::RunBundle::new(bundle));
        let recording = run::Recording {
            plan,
            source,
            interrupts,
            exporter: None,
            kept,
            title,
            ends,
            screen: None,
            likeness: None,
            inflow: None,
        };
        recording.make(schedule, &mut |_| ControlFlow::Continue(())).map_err(of)
    }

    /// Tells how the last run of a side ended, and what is left.
    fn tell(&self, round: u16, side: usize) {
        let presentation = &self.turns[side].plan.presentation;
        let Some(last) = self.reports[side].last() else { return };
        if !presentation.quiet && presentation.view != LiveView::Nothing {
            let done = self.reports.iter().map(Vec::len).sum::<usize>();
            let left = usize::from(self.of) * 2 - done;
            let left_s = self.took_s / figures::as_f64(done as u64) * figures::as_f64(left as u64);
            let columns = terminal::columns(&std::io::stderr());
            progress::say(&text::ended(round, self.turns[side].side, &last.report, left_s, columns));
        }
    }

    /// What will not be compared in the end is not run to its end.
    fn check(&self) -> Result<(), Failure> {
        let [base, new] = &self.reports;
        let against = |aspect: Aspect| aspect.refuses() && !self.how.allow.contains(&aspect);
        let differences: Vec<_> =
            compare::differences(base, new).into_iter().filter(|found| against(found.aspect)).collect();
        if differences.is_empty() { Ok(()) } else { Err(refused(&CompareError::NotComparable(differences))) }
    }
}

impl CompletedRounds {
    /// A failure after which these runs are not compared says where they are.
    pub(super) fn explain(&self, failure: Failure) -> Failure {
        if let Some(before) = self.failure.as_ref().filter(|before| before.message != failure.message) {
            tracing::error!("{}", before.message);
        }
        Failure { message: format!("{} (the runs are in {})", failure.message, self.folder.display()), ..failure }
    }

    /// Keeps the page of the comparison beside its runs, and tells what ended these before their end.
    pub(super) fn keep(self, compared: Compared, output: CompareOutput) -> Done {
        let Self { folder, base, new, interrupted, failure } = self;
        let page = folder.join(PAGE);
        let beside = |runs: &[PathBuf]| runs.iter().map(|run| link(run)).collect();
        let folders = html::Folders { base: beside(&base), new: beside(&new) };
        let written = html::html(&compared.comparison, &compared.outcomes, &folders)
            .map_err(|error| error.to_string())
            .and_then(|html| bundle::write_whole(&page, html.as_bytes()).map_err(|error| error.to_string()));
        let mut done = compared.done();
        match written {
            Ok(()) if output == CompareOutput::Text => {
                done.output = format!("{}\n\n {}\n", done.output.trim_end(), page.display());
            }
            Ok(()) => {}
            Err(error) => {
                tracing::error!("the page could not be written: {error}");
                done.code = done.code.outranking(ExitCode::NotWritten);
            }
        }
        if interrupted {
            tracing::warn!("stopped: {} and {} are compared", runs("base", base.len()), runs("new", new.len()));
            done.code = done.code.outranking(ExitCode::Interrupted);
        }
        if let Some(Failure { code, message, .. }) = failure {
            tracing::error!("{message} ({} and {} are compared)", runs("base", base.len()), runs("new", new.len()));
            done.code = done.code.outranking(code);
        }
        done
    }
}

/// `2 runs of base`.
fn runs(side: &str, number: usize) -> String {
    format!("{} of {side}", figures::counted(number as u64, "run"))
}

/// A run's folder as seen from that of all of them, where it has a page.
fn link(run: &Path) -> Option<String> {
    let there = run.join(files::PAGE).is_file();
    there.then(|| run.file_name().map(|name| name.to_string_lossy().into_owned())).flatten()
}
