//! `fleet render`: resolve, plan one shard, write the files.

use std::fs;
use std::io;
use std::path::Path;

use crate::cli::fleet::FleetRender;
use crate::command::{Done, Failure};
use crate::fleet::render::{File, Fleet, render as files_of};
use crate::scenario::source::SourceConfig;
use crate::scenario::{Environment, RunRequest, resolve};
use crate::settings::fleet::{OnShardLoss, Purpose, Results, USUAL_TOPIC};
use crate::settings::run::Shard;
use crate::units;
use crate::verdict::ExitCode;

pub(super) fn render(args: FleetRender, environment: &Environment) -> Result<Done, Failure> {
    let FleetRender { scenario, shards, starter, purpose, out, image, mut options } = args;
    let bad = |reason: &str, hint: &str| Failure::new(ExitCode::BadConfiguration, reason).hint(hint);
    let sharding = &mut options.limits.sharding;
    if sharding.shard.is_some() || sharding.run_id.is_some() || sharding.start_at.is_some() {
        return Err(bad(
            "which shard a process is, and of which run, is said when it starts",
            "leave --shard, --run-id and --start-at out",
        ));
    }
    // One of them stands for all: the plan says whether so many shards can be.
    sharding.shard = Some(Shard { number: 1, of: shards });
    sharding.run_id = Some(crate::event::stamp::RunId(0));
    let topic = sharding.fleet_topic.get_or_insert_with(|| USUAL_TOPIC.to_owned()).clone();
    let (deadline, on_loss) = (sharding.fleet_deadline, sharding.on_shard_loss);
    let asked = sharding.results;
    if purpose == Purpose::Capacity && (on_loss.is_some() || asked == Some(Results::Folder)) {
        return Err(bad(
            "a search goes on where a shard is lost, and has the bundles of its probes from the topic",
            "leave --on-shard-loss and --results out",
        ));
    }
    let usual = if purpose == Purpose::Capacity { Results::Topic } else { Results::Folder };
    let results = asked.unwrap_or(usual);
    let resolved = resolve(&RunRequest::Scenario(scenario), options, environment)?;
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }
    let plan = &resolved.plan;
    if let SourceConfig::RetailRocket(_) | SourceConfig::Recorded(_) = &plan.source {
        tracing::warn!("the recording must lie on each machine at the path that scenario.toml names");
    }
    let mut words = Vec::new();
    if let Some(deadline) = deadline {
        words.extend(["--fleet-deadline".to_owned(), units::of_duration(deadline)]);
    }
    if on_loss == Some(OnShardLoss::Abort) {
        words.extend(["--on-shard-loss", "abort"].map(str::to_owned));
    }
    let fleet = Fleet {
        name: plan.run.name.clone(),
        scenario: resolved.scenario.kept()?,
        shards,
        lanes: plan.run.lanes.count,
        bootstrap: plan.run.kafka.bootstrap.clone().unwrap_or_default(),
        topic,
        purpose,
        results,
        options: words,
        image: image.unwrap_or_else(|| format!("loadgen:{}", env!("CARGO_PKG_VERSION"))),
    };
    let files = files_of(&fleet, starter);
    write(&out, &files).map_err(|error| {
        Failure::new(ExitCode::BadConfiguration, format!("{}: {error}", out.display()))
            .hint("--out DIR names a folder that is not there yet, or is empty")
    })?;
    let told: Vec<String> = files.iter().map(|file| format!("{}\n", out.join(&file.path).display())).collect();
    Ok(Done::ended(told.concat(), ExitCode::Pass, crate::command::DONE))
}

/// Into a folder of its own: what somebody has written there by hand is left alone.
fn write(folder: &Path, files: &[File]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is something in it"));
    }
    for file in files {
        let path = folder.join(&file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, &file.text)?;
        if file.executable {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}
