//! `mirror`: resolve, read on a thread, send what is read until that ends, judge, write, tell.

use std::sync::Arc;

use super::run::{Inflow, InflowRun};
use super::{Done, Failure, anonymise, cluster, interrupt};
use crate::capture::recorder::Recorder;
use crate::cli::mirror::MirrorArgs;
use crate::kafka::KafkaError;
use crate::mirror::Reading;
use crate::scenario::mirror::MirrorPlan;
use crate::scenario::{Environment, RunRequest, mirror, resolve};
use crate::source::Source;
use crate::source::mirrored::{Config, Mirror, ROOM};
use crate::verdict::ExitCode;

pub(super) fn mirror(args: MirrorArgs, environment: &Environment) -> Result<Done, Failure> {
    let MirrorPlan { cluster: from, wanted, config, raw, anonymise: replaced, run } =
        mirror::mirror(args, environment)?;
    if let Some(dump) = from.dump {
        return Ok(Done::told(dump));
    }
    let anonymiser = anonymise::chosen(raw, replaced, "a mirror")?;
    let topics = wanted.topics.join("\", \"");
    let failed = |error: &KafkaError| {
        let (rights, said_by) = ("Describe and Read", &*from.bootstrap_said_by);
        cluster::failed(error, cluster::Purpose { topics: &topics, rights, group: None, said_by })
    };
    let recorder =
        Recorder::new(wanted, &from.bootstrap, &from.client, from.connect_timeout).map_err(|error| failed(&error))?;
    let read = recorder.topics();
    let config = Config {
        topics: read.iter().map(|(topic, head)| (topic.clone(), head.partitions)).collect(),
        origins: read.iter().map(|(topic, head)| (topic.clone(), head.into())).collect(),
        ..config
    };
    let resolved = resolve(&RunRequest::Mirror(config.clone()), run, environment)?;
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    let run = InflowRun::new(&resolved)?;
    let interrupts = interrupt::listen()?;
    let mirror = Arc::new(Mirror::new(config, ROOM));
    let hurry = Arc::clone(&interrupts);
    let reading = Reading::start(recorder, anonymiser, Arc::clone(&mirror), move || hurry.count() > 1)
        .map_err(|error| Failure::new(ExitCode::RunInvalid, format!("no thread reads: {error}")))?;
    run.make(&Source::Mirrored(mirror), (&from.bootstrap, Inflow::Mirroring(reading)), &interrupts)
}
