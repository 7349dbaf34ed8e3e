//! How a run is shown, and where its results go.

use std::path::PathBuf;
use std::time::Duration;

use crate::settings::outcome::{OutcomeOptions, Output};
use crate::settings::run::RunOptions;
use crate::settings::values::Export;

/// The results folder where none is named.
pub const USUAL_RESULTS: &str = "results";

/// What is seen of a run while it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveView {
    /// Nothing.
    Nothing,
    /// A bar, or a line now and then where there is no terminal.
    Line,
    /// The whole terminal, where there is one.
    Screen,
}

/// How a run is shown, and where its results go: not part of what is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// Where the run's folder is made.
    pub results_dir: PathBuf,
    /// Further forms of the report, and the files for them.
    pub exports: Vec<Export>,
    /// The form of the result on stdout.
    pub output: Output,
    /// Whether progress and summary are left out.
    pub quiet: bool,
    /// What is seen of it while it goes on.
    pub view: LiveView,
    /// How much of the timeline the report keeps second by second.
    pub timeline_detail: Duration,
    /// Only tell what would be sent.
    pub dry_run: bool,
    /// Whether the scenario's fault commands may be run.
    pub allow_fault_commands: bool,
    /// Where metrics are served; `None`: nowhere.
    pub metrics_addr: Option<String>,
    /// Where a snapshot a second is published; `None`: nowhere.
    pub metrics_topic: Option<String>,
    /// How long the last metrics wait to be read after the end.
    pub metrics_linger: Duration,
}

impl Presentation {
    /// As options and variables say, else the defaults.
    #[must_use]
    pub fn of(given: &RunOptions) -> Self {
        let presentation = Self::of_outcome(&given.outcome);
        let allow_fault_commands = given.limits.allow_fault_commands.unwrap_or(false);
        Self { dry_run: given.limits.dry_run.unwrap_or(false), allow_fault_commands, ..presentation }
    }

    /// The same where nothing is sent.
    #[must_use]
    pub fn of_outcome(outcome: &OutcomeOptions) -> Self {
        Self {
            results_dir: outcome.results_dir.clone().unwrap_or_else(|| PathBuf::from(USUAL_RESULTS)),
            exports: outcome.export.clone(),
            output: outcome.output.unwrap_or(Output::Text),
            quiet: outcome.quiet.unwrap_or(false),
            view: match (outcome.no_progress, outcome.watching.tui) {
                (Some(true), _) => LiveView::Nothing,
                (_, Some(true)) => LiveView::Screen,
                _ => LiveView::Line,
            },
            timeline_detail: outcome.timeline_detail.unwrap_or(Duration::from_secs(3_600)),
            dry_run: false,
            allow_fault_commands: false,
            metrics_addr: outcome.watching.metrics_addr.clone(),
            metrics_topic: outcome.watching.metrics_topic.clone(),
            metrics_linger: outcome.watching.metrics_linger.unwrap_or_default(),
        }
    }
}
