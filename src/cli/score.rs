//! Arguments of `loadgen score`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::settings::cluster::ClusterOptions;
use crate::settings::layer::layer;
use crate::settings::values;

/// Scores the events of a topic by a model: how likely each is part of a fraud.
///
/// It reads as a member of a group, keeps what users and items did in the last minute, and writes one record for each event: event_id, user_id,
/// score, model, scored_at. Scores and how far was read are committed together, so that killing it neither loses nor doubles a score.
#[derive(Clone, Debug, Default, PartialEq, Args)]
#[command(after_help = "\
Examples:
  loadgen score -b localhost:9092
  loadgen score -b localhost:9092 -t raw-events --to fraud-scores --model my-model.txt --features
  loadgen score -b localhost:9092 --until-idle 10s --metrics-addr 127.0.0.1:9465")]
pub struct ScoreArgs {
    /// The options.
    #[command(flatten)]
    pub options: ScoreOptions,
}

layer! {
    /// The options of `loadgen score`: one layer of settings.
    pub struct ScoreOptions {
        /// Topic of the events [default: raw-events]
        #[arg(short, long, value_name = "TOPIC", help_heading = "Scoring")]
        pub topic: Option<String>,
        /// Topic of the scores [default: fraud-scores]
        #[arg(long, value_name = "TOPIC", help_heading = "Scoring")]
        pub to: Option<String>,
        /// Group that shares the events [default: fraud-scorer]
        #[arg(short, long, value_name = "GROUP", help_heading = "Scoring")]
        pub group: Option<String>,
        /// Model to score with, as LightGBM saves it [default: the one that ships with the program]
        #[arg(long, value_name = "FILE", help_heading = "Scoring")]
        pub model: Option<PathBuf>,
        /// Write with each score what was looked at
        #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
            help_heading = "Scoring")]
        pub features: Option<bool>,
        /// Name of the transactional producer, one of its own for each process [default: the group's name and a random number]
        ///
        /// With a name that stays, what a killed scorer had open is aborted as soon as it is there again, else after 10 s.
        #[arg(long, value_name = "ID", help_heading = "Scoring")]
        pub transactional_id: Option<String>,
        /// End when no event has come for so long [default: on Ctrl-C]
        #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, help_heading = "Scoring")]
        pub until_idle: Option<Duration>,
        /// Serve /metrics and /healthz there: 127.0.0.1:9465
        #[arg(long, value_name = "HOST:PORT", help_heading = "Scoring")]
        pub metrics_addr: Option<String>,
        /// Where.
        #[command(flatten)]
        pub cluster: ClusterOptions,
    }
}
