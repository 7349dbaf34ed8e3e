//! `collect`: resolve, listen, take in what comes until it is ended, judge, write, tell.

use std::sync::Arc;
use std::time::Duration;

use super::run::{Inflow, InflowRun};
use super::{Done, Failure, interrupt};
use crate::cli::collect::{CollectArgs, CollectOptions};
use crate::collect::{self, CollectError, Identity, Server};
use crate::exporter::Exporter;
use crate::scenario::{Environment, RunRequest, resolve};
use crate::settings::run::RunOptions;
use crate::source::web::{self, Inlet};
use crate::source::{Source, own};
use crate::verdict::ExitCode;

/// Where it listens, if nobody says so.
const USUAL_ADDRESS: &str = "127.0.0.1:8088";
/// Bytes of requests without an answer, at most.
const MOST_BYTES: usize = 64 << 20;

pub(super) fn collect(args: CollectArgs, environment: &Environment) -> Result<Done, Failure> {
    let CollectArgs { collecting, run } = args;
    let options = environment.complete(collecting)?;
    let config = web::Config { declared: declared(&options)?, pass_through: options.pass_through.unwrap_or(false) };
    let mut layer = RunOptions::from(run);
    layer.verifier.enabled = Some(options.verify.unwrap_or(false));
    let resolved = resolve(&RunRequest::Web(config), layer, environment)?;
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    if resolved.dump {
        return Ok(Done::told(resolved.client.dump()));
    }
    let run = InflowRun::new(&resolved)?;
    let plan = &resolved.plan;
    // What it has to tell stands on its own address, whether others are to have it or not.
    let exporter = match &run.exporter {
        Some(exporter) => Arc::clone(exporter),
        None => Exporter::start(None, None)
            .map(Arc::new)
            .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))?,
    };
    let waiting = options.max_waiting.map_or(10_000, |most| most as usize);
    let inlet = Arc::new(Inlet::new(Arc::clone(&plan.run.catalogue), waiting, MOST_BYTES, plan.limit));
    let server = Server::start(settled(options)?, Arc::clone(&inlet), exporter).map_err(|error| {
        let hint = match &error {
            CollectError::Identity(_) => "--tls-cert and --tls-key name files in PEM; the key is without a password",
            _ => "--listen 127.0.0.1:0 takes a port that is free",
        };
        Failure::new(ExitCode::BadConfiguration, error.to_string()).hint(hint)
    })?;
    let url = server.url();
    run.make(&Source::Web(inlet), (&url, Inflow::Collecting(server)), &interrupt::listen()?)
}

/// The types of a file, where one is named.
fn declared(options: &CollectOptions) -> Result<Option<Box<own::Config>>, Failure> {
    let Some(mut config) = options.declared.clone().config() else { return Ok(None) };
    config.load().map_err(crate::scenario::ConfigError::from)?;
    Ok(Some(Box::new(config)))
}

fn settled(options: CollectOptions) -> Result<collect::Config, Failure> {
    let client_deadline = options.client_deadline.unwrap_or(Duration::from_secs(10));
    let identity = match (options.tls_cert, options.tls_key) {
        (None, None) => None,
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        _ => {
            let reason = "a certificate and its key go together: name both --tls-cert and --tls-key";
            return Err(Failure::new(ExitCode::BadConfiguration, reason));
        }
    };
    Ok(collect::Config {
        listen: options.listen.unwrap_or_else(|| USUAL_ADDRESS.to_owned()),
        allow_origin: options.allow_origin,
        pass_through: options.pass_through.unwrap_or(false),
        key_field: options.key_field,
        is_async: options.is_async.unwrap_or(false),
        max_body: options.max_body.and_then(|most| usize::try_from(most).ok()).unwrap_or(1 << 20),
        connections: options.max_connections.map_or(1_024, |most| most as usize),
        head_deadline: client_deadline,
        body_deadline: client_deadline,
        answer_deadline: options.answer_deadline.unwrap_or(Duration::from_secs(10)),
        identity,
    })
}
