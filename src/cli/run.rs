//! Arguments of `loadgen run`.

use std::path::PathBuf;

use clap::Args;

use super::{cluster, limits, outcome, pace, replay, synth, verification};

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

/// Every option that a run of either source can have: one layer of settings.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct RunOptions {
    /// How fast.
    #[command(flatten)]
    pub pace: pace::AnyPace,
    /// How long.
    #[command(flatten)]
    pub limits: limits::RunLimits,
    /// Into what.
    #[command(flatten)]
    pub target: cluster::TargetOptions,
    /// Read back how.
    #[command(flatten)]
    pub verifier: verification::VerifierOptions,
    /// With what result.
    #[command(flatten)]
    pub outcome: outcome::OutcomeOptions,
    /// Of a synthetic run.
    #[command(flatten)]
    pub events: synth::SynthOptions,
    /// Of a replay.
    #[command(flatten)]
    pub recording: replay::RecordingOptions,
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
            recording: replay::RecordingOptions { bad_rows, ..replay::RecordingOptions::default() },
        }
    }
}

impl replay::ReplayArgs {
    /// The recording, and the options as one layer.
    #[must_use]
    pub fn split(self) -> (PathBuf, RunOptions) {
        let Self { file, recording, pace, limits, target, verifier, outcome } = self;
        (
            file,
            RunOptions {
                pace: pace.into(),
                limits,
                target,
                verifier,
                outcome,
                events: synth::SynthOptions::default(),
                recording,
            },
        )
    }
}
