//! Arguments of a run whose events come in from outside while it goes on.

use clap::Args;

use crate::settings::cluster::{ClusterOptions, TargetOptions, TopicOptions};
use crate::settings::outcome::OutcomeOptions;
use crate::settings::run::{LengthOptions, PatienceOptions, RunLimits, RunOptions, RunSetup};
use crate::settings::verification::VerifierOptions;

/// How such a run is made.
#[derive(Clone, Debug, Default, PartialEq, Args)]
pub struct InflowArgs {
    /// Name of the run, part of its folder's name [default: the command's]
    #[arg(long, value_name = "NAME", help_heading = "Run")]
    pub name: Option<String>,
    /// How long.
    #[command(flatten)]
    pub length: LengthOptions,
    /// Waiting how long for the cluster.
    #[command(flatten)]
    pub patience: PatienceOptions,
    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterOptions,
    /// Which topics.
    #[command(flatten)]
    pub topic: TopicOptions,
    /// With what result.
    #[command(flatten)]
    pub outcome: OutcomeOptions,
}

impl From<InflowArgs> for RunOptions {
    /// The run, which reads nothing back unless that is asked for.
    fn from(args: InflowArgs) -> Self {
        let InflowArgs { name, length, patience, cluster, topic, outcome } = args;
        let mut run = Self {
            limits: RunLimits { setup: RunSetup { patience, ..RunSetup::default() }, length, ..RunLimits::default() },
            target: TargetOptions { cluster, topic, ..TargetOptions::default() },
            verifier: VerifierOptions { enabled: Some(false), ..VerifierOptions::default() },
            outcome,
            ..Self::default()
        };
        run.limits.setup.basics.name = name;
        run
    }
}
