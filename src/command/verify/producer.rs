//! The producer's side of a join: what its run left behind, or is leaving.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::bundle::{self, ANSWERS};
use crate::command::Failure;
use crate::command::stored::unreadable;
use crate::gate::{BuiltIn, GateConfig, Gates, Names};
use crate::report::{Environment, RunReport};
use crate::run::alone::ProducerRun;
use crate::verdict::ExitCode;

/// What the producer's run at `path` leaves to be joined with.
pub(super) fn produced(path: &Path) -> Result<ProducerRun, Failure> {
    let folder = folder_of(path);
    let bad = |message: String| Failure::new(ExitCode::BadInput, message);
    if !folder.is_dir() {
        return Err(bad(format!("{} is no folder of a run", folder.display()))
            .hint("name the folder that the producer's run made"));
    }
    let report = if bundle::is_going_on(&folder).map_err(|error| unreadable(&error))? {
        None
    } else {
        Some(bundle::read(path).map_err(|error| unreadable(&error))?.report)
    };
    if let Some(report) = &report {
        check(&folder, report)?;
    }
    let (answers, place) = (folder.join(ANSWERS), folder.display().to_string());
    let finished = Arc::new(move || finished(&folder));
    let produced =
        ProducerRun::open(answers.clone(), finished).map_err(|error| bad(format!("{}: {error}", answers.display())))?;
    let run = produced.run.to_string();
    if let Some(report) = report.filter(|report| report.run.id != run) {
        let reason = format!("{place} holds the answers of run {run}, and its report is of run {}", report.run.id);
        return Err(bad(reason).hint("take the folder as the run left it"));
    }
    Ok(produced)
}

/// Against what it runs, and by which schemas it writes.
pub(super) fn environment(path: &Path) -> Result<Environment, Failure> {
    let folder = folder_of(path);
    let going_on = bundle::is_going_on(&folder).map_err(|error| unreadable(&error))?;
    let report =
        if going_on { bundle::recover::begun(&folder) } else { bundle::read(path).map(|stored| stored.report) };
    report.map(|report| report.environment).map_err(|error| unreadable(&error))
}

fn folder_of(path: &Path) -> PathBuf {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_file() { parent.to_owned() } else { path.to_owned() }
}

/// Whether the run can be joined with at all.
fn check(folder: &Path, report: &RunReport) -> Result<(), Failure> {
    let bad = |reason: &str| Failure::new(ExitCode::BadInput, format!("{} {reason}", folder.display()));
    if report.run.partial {
        return Err(bad("is of a run that was killed: what its client was answered is not known to the end"));
    }
    if bundle::lacks_files(report) {
        return Err(bad("lacks what could not be written: what its client was answered is not known to the end"));
    }
    if report.reading.is_some() {
        return Err(bad("is of a reading: it sent nothing").hint("name the folder that the producer's run made"));
    }
    if report.run.embedded {
        return Err(bad("is of a run on the embedded broker, which went with it"));
    }
    if report.latency_us.end_to_end.is_some() {
        return Err(bad("is of a run that has read its events back: every event has its class already")
            .hint("only a run with --no-verify leaves it to others"));
    }
    if !folder.join(ANSWERS).is_file() {
        return Err(bad(&format!("has no {ANSWERS}")).hint("only a run with --no-verify on a cluster leaves one"));
    }
    Ok(())
}

/// The report of a run that is over; why there will be none, where it was killed.
fn finished(folder: &Path) -> Result<Option<RunReport>, String> {
    let going_on = bundle::is_going_on(folder).map_err(|error| error.to_string())?;
    match bundle::read(folder) {
        Ok(stored) if bundle::lacks_files(&stored.report) => {
            Err("the producer's run could not write down all that its client was answered".to_owned())
        }
        Ok(stored) if !stored.report.run.partial => Ok(Some(stored.report)),
        _ if going_on => Ok(None),
        Ok(_) => Err("the producer's run was killed".to_owned()),
        Err(error) => Err(format!("the producer's run was killed, or its folder was moved: {error}")),
    }
}

/// The gates of a joined report: those of the producer's run, and those asked for here. What was turned off there stays off.
pub(super) fn gates(report: &RunReport, asked: &Gates, rules: &[String]) -> Result<Gates, Failure> {
    let own = report.gates.iter().filter(|gate| !gate.built_in);
    let own = own.map(|gate| GateConfig { name: gate.name.clone(), ..GateConfig::of_rule(&gate.rule) });
    let configs: Vec<GateConfig> = own.chain(rules.iter().map(GateConfig::of_rule)).collect();
    let mut gates = Gates::new(&configs, &[], &Names::of(report))
        .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))?;
    let was_on = |built_in: &BuiltIn| {
        // A run that reads nothing back has none, and this is what the join is for.
        *built_in == BuiltIn::NoViolation
            || report.gates.iter().any(|gate| gate.name.as_deref() == Some(built_in.as_str()))
    };
    gates.off = BuiltIn::ALL.into_iter().filter(|built_in| !was_on(built_in) || !asked.is_on(*built_in)).collect();
    Ok(gates)
}
