//! Arguments of `loadgen run`.

use std::path::PathBuf;

use clap::Args;

use super::{replay, synth};
use crate::settings::events::EventOptions;
use crate::settings::recording::RecordingOptions;
use crate::settings::run::RunOptions;

/// Does what a scenario file says. Options and variables beat the file.
#[derive(Clone, Debug, Default, Args)]
#[command(after_help = "\
Examples:
  loadgen run scenarios/smoke.toml
  loadgen run scenarios/ingestion.toml -b localhost:9092 --create-topics --speed 100
  loadgen run steady.toml --gate 'response_time.p99 < 250ms' --output json")]
pub struct RunArgs {
    /// The scenario, a TOML file
    #[arg(value_name = "SCENARIO.toml")]
    pub scenario: PathBuf,
    /// What beats the file.
    #[command(flatten)]
    pub options: RunOptions,
}

impl From<synth::SynthArgs> for RunOptions {
    fn from(args: synth::SynthArgs) -> Self {
        let synth::SynthArgs { events, bad_rows, pace, limits, target, verifier, outcome } = args;
        Self {
            pace: pace.into(),
            limits,
            target,
            verifier,
            outcome,
            events,
            recording: RecordingOptions { bad_rows, ..RecordingOptions::default() },
        }
    }
}

impl replay::ReplayArgs {
    /// The files, and the options as one layer.
    #[must_use]
    pub fn split(self) -> (Vec<PathBuf>, RunOptions) {
        let Self { files, declared, recording, pace, limits, target, verifier, outcome } = self;
        (
            files,
            RunOptions {
                pace: pace.into(),
                limits,
                target,
                verifier,
                outcome,
                events: EventOptions { declared, ..EventOptions::default() },
                recording,
            },
        )
    }
}
