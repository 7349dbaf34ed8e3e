//! What `loadgen mirror` is to do.

use super::environment::Environment;
use super::error::{ConfigError, plan_error};
use super::record::wanted;
use super::topics::{ClusterPlan, cluster};
use crate::capture::recorder::{RecordingPlan, Until};
use crate::cli::inflow::InflowArgs;
use crate::cli::mirror::MirrorArgs;
use crate::schedule::Speed;
use crate::settings::anonymise::AnonymiseOptions;
use crate::settings::cluster::{ClusterOptions, TopicOptions};
use crate::settings::recording::RecordOptions;
use crate::settings::run::{LengthOptions, RunOptions};
use crate::source::mirrored;
use crate::source::recorded::Stamping;

/// The most that is fetched of a partition at once: so little that there is room for a piece of each of some hundred, which are put
/// in order.
const FETCHED: (&str, &str) = ("fetch.message.max.bytes", "262144");

/// A mirror to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct MirrorPlan {
    /// From where.
    pub cluster: ClusterPlan,
    /// What.
    pub wanted: RecordingPlan,
    /// How; its topics are those that the cluster has.
    pub config: mirrored::Config,
    /// Whether records are sent as they are.
    pub raw: bool,
    /// What is replaced in them.
    pub anonymise: AnonymiseOptions,
    /// The run that sends them.
    pub run: RunOptions,
}

/// Resolves `loadgen mirror`.
///
/// # Errors
/// Settings that cannot be used.
pub fn mirror(args: MirrorArgs, environment: &Environment) -> Result<MirrorPlan, ConfigError> {
    let MirrorArgs { mirroring, run } = args;
    let mirroring = environment.complete(mirroring)?;
    let length = environment.complete(run.length.clone())?;
    let topics = environment.complete(run.topic.clone())?.topic;
    let raw = mirroring.reading.raw.unwrap_or(false);
    let anonymise = mirroring.reading.anonymise.clone();
    let wanted = wanted(topics, length.num_records, &mirroring.reading)?;
    let options = run.cluster.clone();
    let mut source = cluster(options.clone(), environment)?;
    if !["fetch.message.max.bytes", "max.partition.fetch.bytes"].iter().any(|key| source.client.contains_key(*key)) {
        source.client.insert(FETCHED.0.to_owned(), FETCHED.1.to_owned());
    }
    let config = config(mirroring.speed, mirroring.copies, mirroring.record, &wanted)?;
    let config = mirrored::Config { max_gap: mirroring.max_gap, ..config };
    let target = ClusterOptions {
        bootstrap_server: mirroring.to.or_else(|| Some(source.bootstrap.clone())),
        command_config: mirroring.to_config.or_else(|| options.command_config.clone()),
        ..options
    };
    let mut run = RunOptions::from(InflowArgs {
        // So many are read, not sent.
        length: LengthOptions { num_records: None, ..length },
        cluster: target,
        topic: TopicOptions { topic: None, ..run.topic },
        ..run
    });
    run.verifier.enabled = Some(mirroring.verify.unwrap_or(false));
    Ok(MirrorPlan { cluster: source, wanted, config, raw, anonymise, run })
}

fn config(
    speed: Option<Speed>,
    copies: Option<u32>,
    record: RecordOptions,
    wanted: &RecordingPlan,
) -> Result<mirrored::Config, ConfigError> {
    let RecordOptions { partition, create_time, stamp } = record;
    if let Some(Stamping::Field(_)) = stamp {
        let hint = "--stamp header puts it into a header, none leaves it out";
        return Err(plan_error("the records of a topic are sent as they are, and get no field more", hint));
    }
    let usual = mirrored::Config::default();
    Ok(mirrored::Config {
        speed: speed.unwrap_or(usual.speed),
        copies: copies.unwrap_or(usual.copies),
        partition: partition.map_or(usual.partition, Into::into),
        create_time: create_time.map_or(usual.create_time, Into::into),
        stamp: stamp.unwrap_or_default(),
        is_bounded: wanted.until != Until::Interrupt || wanted.most.is_some(),
        ..usual
    })
}
