//! `score`: events into scores, until it is asked to end.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Done, Failure, cluster, interrupt};
use crate::cli::score::ScoreArgs;
use crate::figures;
use crate::fraud::{Model, ModelError};
use crate::scenario::{self, Environment};
use crate::score::{Config, Figures, Metrics, ScoreError, score as score_events};
use crate::verdict::ExitCode;

pub(super) fn score(args: ScoreArgs, environment: &Environment) -> Result<Done, Failure> {
    let plan = scenario::score::score(args, environment)?;
    if let Some(dump) = plan.cluster.dump {
        return Ok(Done::told(dump));
    }
    for warning in &plan.cluster.warnings {
        tracing::warn!("{warning}");
    }
    let model = plan.model.as_deref().map_or_else(Model::shipped, Model::load).map_err(|error| no_model(&error))?;
    let config = Config {
        bootstrap: plan.cluster.bootstrap,
        client: plan.cluster.client,
        connect_timeout: plan.cluster.connect_timeout,
        transactional_id: plan
            .transactional_id
            .unwrap_or_else(|| format!("{}-{:08x}", plan.group, rand::random::<u32>())),
        topic: plan.topic,
        scores: plan.scores,
        group: plan.group,
        model: Arc::new(model),
        with_features: plan.with_features,
        until_idle: plan.until_idle,
    };
    let counted = Arc::new(Figures::default());
    let metrics = plan.metrics.as_deref().map(|address| {
        Metrics::serve(address, Arc::clone(&counted)).map_err(|error| {
            Failure::new(ExitCode::BadConfiguration, format!("metrics cannot be served on {address}: {error}"))
                .hint("--metrics-addr 127.0.0.1:9465, or another free port")
        })
    });
    let metrics = metrics.transpose()?;
    if let Some(metrics) = &metrics {
        tracing::info!("metrics at http://{}/metrics", metrics.address());
    }
    let interrupts = interrupt::listen()?;
    tracing::info!(
        "scores events of {} into {} by {} ({})",
        config.topic,
        config.scores,
        config.model.name(),
        figures::counted(config.model.trees() as u64, "tree")
    );
    let ended = score_events(&config, &counted, &|| interrupts.count() > 0);
    drop(metrics);
    ended.map_err(|error| failed(&error, &config, &plan.cluster.bootstrap_said_by))?;
    Ok(Done::ended(told(&counted), ExitCode::Pass, super::DONE))
}

fn no_model(error: &ModelError) -> Failure {
    let hint = match error {
        ModelError::Unreadable { .. } => "--model FILE names one that LightGBM saved as text",
        ModelError::NoFeature(_) => {
            "train it over the features that loadgen score --features writes: scripts/train does"
        }
        _ => "Booster.save_model writes one; scripts/train trains one",
    };
    Failure::new(ExitCode::BadInput, error.to_string()).hint(hint)
}

fn failed(error: &ScoreError, config: &Config, said_by: &str) -> Failure {
    let topics = format!("{}\", \"{}", config.topic, config.scores);
    match error {
        ScoreError::Kafka(error) => {
            let rights = "Describe and Read of the events and the group, Describe and Write of the scores";
            cluster::failed(error, cluster::Purpose { topics: &topics, rights, group: Some(&config.group), said_by })
        }
        ScoreError::Transaction(_) | ScoreError::Group { .. } => Failure::new(ExitCode::Cluster, error.to_string())
            .hint("start it again: what it had not committed is scored then"),
        ScoreError::Wait(_) => Failure::new(ExitCode::RunInvalid, error.to_string()),
    }
}

fn told(figures: &Figures) -> String {
    let mut text = String::new();
    for (name, _, value) in figures.values() {
        if let Some(name) = name.strip_suffix("_total") {
            // Writing into a String cannot fail.
            writeln!(text, "{:<20} {}", name.replace('_', " "), crate::figures::count(value)).unwrap_or_default();
        }
    }
    text
}
