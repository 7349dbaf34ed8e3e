//! `merge`: the bundles of several processes of one run as one bundle.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::fleet::{self, Gathered};
use super::{Done, Failure, export, stored, summary};
use crate::bundle::{self, Bundle, BundleError, Stored};
use crate::cli::merge::MergeArgs;
use crate::figures;
use crate::gate::{BuiltIn, GateConfig, Gates, Names};
use crate::merge::{self, Judgement, LastWords, MergeError, Merged, Part, PartHistograms, PartRows, Readers};
use crate::output::files;
use crate::report::fleet::{ShardReport, ShardState};
use crate::report::{GateOutcome, RunReport, TimelineRow, Verdict};
use crate::run::alone::readers::{GroupReading, JoinError, MemberReading};
use crate::scenario::Environment;
use crate::settings::outcome::Output;
use crate::soak::Timeline;
use crate::verdict::{self, Conditions, ExitCode};

/// Shards of a run may end minutes after one another.
const USUAL_DEADLINE: Duration = Duration::from_secs(600);

pub(super) fn merge(args: MergeArgs, environment: &Environment) -> Result<Done, Failure> {
    let cluster = args.options.cluster.clone();
    let options = environment.complete(args.options)?;
    let gathered = match options.from_topic {
        Some(run) => {
            let topic = fleet::topic(options.fleet_topic.clone(), cluster, environment)?;
            fleet::gathered(topic, run, options.deadline.unwrap_or(USUAL_DEADLINE))?
        }
        None => Gathered::of(args.bundles),
    };
    let whole = Whole::of(&gathered)?;
    let folder = whole.write(options.out).map_err(|error| {
        Failure::new(ExitCode::BadConfiguration, error.to_string()).hint("--out DIR names another folder")
    })?;
    let report = &whole.merged.report;
    let output = match options.output.unwrap_or(Output::Text) {
        Output::Json => export::json(report)?,
        Output::Text => summary(report, Some(&folder)),
    };
    Ok(Done::judged(output, ExitCode::from_code(report.verdict.code).unwrap_or(ExitCode::Unevaluated)))
}

/// What parts were added up to.
pub(super) struct Whole {
    merged: Merged,
    /// Each second: its own file has them all, the report of a long run has not.
    seconds: Vec<TimelineRow>,
    scenario: String,
    /// Where a generator was the limit: the gates that say so, and in which part.
    pub(super) limited: Vec<String>,
}

impl Whole {
    /// Adds them up and judges.
    pub(super) fn of(gathered: &Gathered) -> Result<Self, Failure> {
        let (all, mut without) = wholes(&gathered.folders)?;
        without.extend(gathered.without.iter().cloned());
        let (alone, bundles): (Vec<Stored>, Vec<Stored>) = all.into_iter().partition(|stored| stored.report.is_alone());
        let (judges, readers): (Vec<Stored>, Vec<Stored>) = alone.into_iter().partition(judges_alone);
        let scenario = scenario(&bundles)?;
        let gates = gates(&bundles, &judges)?;
        let limited = bundles.iter().flat_map(limited).collect();
        let ended: Vec<PartEnd> = bundles.iter().map(PartEnd::of).collect();
        let join = match (readers.is_empty(), bundles.is_empty()) {
            (true, false) => None,
            (true, true) if judges.is_empty() => None,
            (false, false) => Some(group_reading(&readers, &bundles)?),
            (_, true) => {
                let reason = "there are only readings, and what was to be read is not known";
                return Err(Failure::new(ExitCode::BadInput, reason).hint("name the bundles of the producers, too"));
            }
        };
        let known = readers.iter().map(|reader| reader.report.findings.duplicates).sum();
        let folders: Vec<PathBuf> = bundles.iter().map(|stored| stored.folder.clone()).collect();
        let mut parts: Vec<Part> = bundles.into_iter().map(part).collect();
        let judges = judges.into_iter().map(reading).collect::<Result<Vec<_>, Failure>>()?;
        let mut read = Readers { judges, ..Readers::default() };
        if let Some(join) = join {
            for (folder, part) in folders.iter().zip(&mut parts) {
                let answered = folder.join(bundle::ANSWERS);
                join.complete(&answered, &mut part.report).map_err(|error| not_joined(&error))?;
            }
            read.copies = join.copies(known);
            read.parts = readers.into_iter().map(reading).collect::<Result<Vec<_>, Failure>>()?;
        }
        let mut merged =
            merge::merge_with(parts, &without, &read, |report| judge(report, &gates, &ended)).map_err(|error| {
                let is_unreadable = matches!(error, MergeError::Unreadable { .. });
                let code = if is_unreadable { ExitCode::BadInput } else { ExitCode::BadConfiguration };
                Failure::new(code, error.to_string())
            })?;
        for path in &merged.without_quantiles {
            tracing::warn!("{path} has no quantiles: a part kept no histogram of it");
        }
        let seconds = std::mem::take(&mut merged.report.timeline);
        let (timeline, joined_seconds) = Timeline::of(seconds.clone(), merged.report.run.warm_up_s).into_rows();
        (merged.report.timeline, merged.report.joined_seconds) = (timeline, joined_seconds);
        Ok(Self { merged, seconds, scenario, limited })
    }

    pub(super) const fn report(&self) -> &RunReport {
        &self.merged.report
    }

    /// Writes it as a bundle: into `out`, which must not be there, or where bundles usually go.
    pub(super) fn write(&self, out: Option<PathBuf>) -> Result<PathBuf, BundleError> {
        write(&self.merged, &self.seconds, out, &self.scenario)
    }
}

/// Whether all that a reading has to say of a run is what came out downstream.
fn judges_alone(reading: &Stored) -> bool {
    !reading.report.expectations.is_empty() && !reading.folder.join(bundle::SIGHTINGS).is_file()
}

/// What the members of a group saw that read what these producers wrote.
fn group_reading(readers: &[Stored], producers: &[Stored]) -> Result<GroupReading, Failure> {
    let bad = |reason: String| Failure::new(ExitCode::BadInput, reason);
    if let Some(without) = readers.iter().find(|reader| !reader.folder.join(bundle::SIGHTINGS).is_file()) {
        let reason = format!("{} is of a reading that left no {}", without.folder.display(), bundle::SIGHTINGS);
        return Err(bad(reason).hint("verify --group NAME --run-id RUN leaves one"));
    }
    let leaves_it_to_others = |producer: &&Stored| {
        producer.folder.join(bundle::ANSWERS).is_file() && producer.report.latency_us.end_to_end.is_none()
    };
    if let Some(other) = producers.iter().find(|producer| !leaves_it_to_others(producer)) {
        let reason = format!("{} has no {} to be joined with readings", other.folder.display(), bundle::ANSWERS);
        return Err(bad(reason).hint("shards whose events others read run with --no-verify"));
    }
    let mut members = Vec::new();
    for Stored { folder, report, .. } in readers {
        members.push(MemberReading { sightings: folder.join(bundle::SIGHTINGS), report });
    }
    let answered: Vec<PathBuf> = producers.iter().map(|producer| producer.folder.join(bundle::ANSWERS)).collect();
    GroupReading::of(&members, &answered).map_err(|error| not_joined(&error))
}

fn not_joined(error: &JoinError) -> Failure {
    Failure::new(ExitCode::BadInput, error.to_string())
}

/// How a part ended, and against what it ran.
struct PartEnd {
    name: String,
    verdict: Verdict,
    brokers: Vec<String>,
}

impl PartEnd {
    fn of(stored: &Stored) -> Self {
        let RunReport { verdict, environment, .. } = &stored.report;
        Self { name: stored.name(), verdict: verdict.clone(), brokers: environment.brokers.clone() }
    }
}

/// By which gates the generator of a part was the limit.
fn limited(stored: &Stored) -> Vec<String> {
    let report = &stored.report;
    let invalid = ExitCode::RunInvalid;
    if report.verdict.code != invalid.code() && !report.verdict.also.iter().any(|name| name == invalid.as_str()) {
        return Vec::new();
    }
    let own = report.fleet.as_ref().and_then(|fleet| {
        let shard = fleet.shards.iter().find(|shard| Some(shard.number) == fleet.shard)?;
        Some(format!("shard {} of {}{}", shard.number, fleet.of, on(&shard.host)))
    });
    let whose = own.unwrap_or_else(|| stored.name());
    let broken = report.gates.iter().filter(|gate| gate.result == GateOutcome::Fail && gate.built_in);
    let broken: Vec<String> = broken.filter_map(|gate| Some(format!("{} of {whose}", gate.name.as_ref()?))).collect();
    if broken.is_empty() { vec![format!("{whose} was no valid run")] } else { broken }
}

/// The bundles from which nothing is missing, and what they say of the shards that left none. What a shard that was killed had
/// written is set aside: it was never judged, and the others know how far it came.
fn wholes(folders: &[PathBuf]) -> Result<(Vec<Stored>, Vec<ShardReport>), Failure> {
    let (mut bundles, mut partial) = (Vec::new(), Vec::new());
    let mut words = LastWords::default();
    for path in folders {
        match whole(path) {
            Ok(mut stored) => {
                words.take(&mut stored.report);
                bundles.push(stored);
            }
            Err(failure) if path.join(bundle::PARTIAL).exists() => partial.push((path, failure)),
            Err(failure) => return Err(failure),
        }
    }
    let own = bundles.iter().filter_map(|stored: &Stored| stored.report.fleet.as_ref()?.shard).collect();
    let mut without = words.of_others(&own);
    let killed = partial.iter().filter(|(path, _)| !bundle::goes_on(path)).count();
    // One that was killed less than that time before the others ended was not lost yet when they did.
    let unheard = without.iter_mut().filter(|shard| shard.state == ShardState::Running);
    unheard.take(killed).for_each(|shard| shard.state = ShardState::Lost);
    let are_lost = partial.len() <= without.iter().filter(|shard| merge::is_lost(shard)).count();
    for (path, failure) in partial {
        if !are_lost {
            return Err(failure);
        }
        tracing::warn!("{} is partial, and what it had written is left out: its shard was lost", path.display());
    }
    Ok((bundles, without))
}

/// A bundle from which nothing is missing.
fn whole(path: &Path) -> Result<Stored, Failure> {
    let stored = stored::read(path)?;
    if stored.partial {
        let reason = format!("{} is partial: the whole would lack what it lacks", stored.folder.display());
        return Err(Failure::new(ExitCode::BadInput, reason));
    }
    Ok(stored)
}

fn part(stored: Stored) -> Part {
    let name = stored.name();
    let folder = stored.folder.clone();
    let recording =
        PartHistograms::There(Arc::new(move || bundle::recorded_in(&folder).map_err(|error| error.to_string())));
    let timeline = stored.report.timeline.clone();
    let report = RunReport { timeline, ..RunReport::default() };
    let kept = Stored { folder: stored.folder.clone(), report, partial: stored.partial };
    let rows = PartRows::There(Arc::new(move || kept.timeline().map_err(|error| error.to_string())));
    Part { name, report: stored.report, recording, rows }
}

/// That of a reader, whose seconds are put beside those of the producers.
fn reading(stored: Stored) -> Result<Part, Failure> {
    let timeline = stored.timeline().map_err(|error| stored::unreadable(&error))?;
    let part = part(stored);
    Ok(Part { report: RunReport { timeline, ..part.report }, rows: PartRows::InReport, ..part })
}

/// The scenario of the first part: all have the same but for where they ran.
fn scenario(bundles: &[Stored]) -> Result<String, Failure> {
    let Some(first) = bundles.first() else { return Ok(String::new()) };
    let path = first.folder.join(bundle::SCENARIO);
    fs::read_to_string(&path).map_err(|error| Failure::new(ExitCode::BadInput, format!("{}: {error}", path.display())))
}

/// The gates of the parts; a built-in one is off where it is so in any of them. Of `judges` those that are about what they judged.
fn gates(bundles: &[Stored], judges: &[Stored]) -> Result<Gates, Failure> {
    let mut configs: Vec<GateConfig> = Vec::new();
    let of_judges = judges.iter().flat_map(|judge| &judge.report.gates).filter(|gate| gate.rule.starts_with("expect."));
    let all = bundles.iter().flat_map(|stored| &stored.report.gates).chain(of_judges);
    for gate in all.filter(|gate| !gate.built_in) {
        let config = GateConfig { name: gate.name.clone(), ..GateConfig::of_rule(&gate.rule) };
        if !configs.contains(&config) {
            configs.push(config);
        }
    }
    let of_judges = judges.iter().flat_map(|judge| turned_off(&judge.report));
    let of_judges = of_judges.filter(|name| *name == BuiltIn::ExpectationsMet.as_str());
    let off = bundles.iter().flat_map(|stored| turned_off(&stored.report)).chain(of_judges);
    let off: Vec<String> = off.collect::<BTreeSet<&str>>().into_iter().map(str::to_owned).collect();
    Gates::new(&configs, &off, &Names::of_all(bundles.iter().chain(judges).map(|stored| &stored.report)))
        .map_err(|error| Failure::new(ExitCode::BadConfiguration, error.to_string()))
}

/// The built-in gates that a report would have a result of, were they on.
fn turned_off(report: &RunReport) -> impl Iterator<Item = &'static str> + use<'_> {
    let reported = |name: &str| report.gates.iter().any(|gate| gate.built_in && gate.name.as_deref() == Some(name));
    let expected = Gates::default().evaluate(report);
    BuiltIn::ALL
        .into_iter()
        .map(BuiltIn::as_str)
        .filter(move |name| expected.iter().any(|gate| gate.name.as_deref() == Some(*name)))
        .filter(move |name| !reported(name))
}

/// Gates and verdict over the whole. What spoiled a part spoils the whole: its share of the load was not what was planned.
fn judge(report: &RunReport, gates: &Gates, parts: &[PartEnd]) -> Judgement {
    let mut report = report.clone();
    report.gates = gates.evaluate(&report);
    let mut verdict = verdict::judge(&report, gates, &Conditions::default());
    for PartEnd { name, verdict: of_part, .. } in parts {
        for spoiled in [ExitCode::RunInvalid, ExitCode::Cluster] {
            let ended_so = of_part.code == spoiled.code() || of_part.also.iter().any(|name| name == spoiled.as_str());
            if ended_so {
                verdict::add(&mut verdict, spoiled, format!("{name} ended with {}", headline(of_part)));
            }
        }
    }
    for shard in report.fleet.iter().flat_map(|fleet| &fleet.shards) {
        let of = report.fleet.as_ref().map_or(0, |fleet| fleet.of);
        let called = format!("shard {} of {of}{}", shard.number, on(&shard.host));
        if merge::is_lost(shard) {
            verdict::add(&mut verdict, ExitCode::RunInvalid, format!("{called} {}", loss(shard)));
        }
        if !shard.deviations.is_empty() {
            verdict.notes.insert(0, format!("{called} is unlike the others: {}", shard.deviations.join("; ")));
        }
    }
    let brokers: Vec<&[String]> = parts.iter().map(|part| &part.brokers[..]).collect();
    verdict.notes.extend(unlike_targets(&brokers).filter(|_| !report.run.embedded));
    Judgement { gates: report.gates, verdict }
}

/// What became of a shard that left nothing behind.
fn loss(shard: &ShardReport) -> String {
    let planned =
        shard.planned.map_or_else(String::new, |planned| format!(" of {}", figures::counted(planned, "event")));
    match shard.state {
        ShardState::Absent => "never came: its share of the load was not sent".to_owned(),
        ShardState::Ended => "did not begin: its share of the load was not sent".to_owned(),
        ShardState::Lost | ShardState::Running => format!(
            "was lost: by its last word {}{planned} were due, {} acked and {} read back; the load was not what was planned",
            figures::count(shard.scheduled),
            figures::count(shard.acked),
            figures::count(shard.seen)
        ),
    }
}

fn on(host: &str) -> String {
    if host.is_empty() { String::new() } else { format!(" (on {host})") }
}

/// What has to be said where two parts have no broker in common: a cluster may have several names, and so may two clusters.
fn unlike_targets(parts: &[&[String]]) -> Option<String> {
    let unlike =
        |a: &[String], b: &[String]| !a.is_empty() && !b.is_empty() && !a.iter().any(|broker| b.contains(broker));
    let first = parts.first()?;
    let other = parts.iter().find(|other| unlike(first, other))?;
    Some(format!(
        "its parts name different brokers ({} and {}): whether these are one cluster is not known",
        first.join(", "),
        other.join(", ")
    ))
}

fn headline(verdict: &Verdict) -> String {
    match verdict.reasons.first() {
        Some(reason) => format!("{}: {reason}", verdict.name),
        None => verdict.name.clone(),
    }
}

fn write(
    merged: &Merged,
    seconds: &[TimelineRow],
    out: Option<PathBuf>,
    scenario: &str,
) -> Result<PathBuf, BundleError> {
    let report = &merged.report;
    let mut bundle = if let Some(folder) = out {
        Bundle::create_at(&folder, scenario)?
    } else {
        let (results, started) = (Path::new("results"), folder_time(&report.run.started_at));
        Bundle::create(results, &started, &format!("{}-merged", report.run.name), scenario)?
    };
    for row in seconds {
        bundle.row(row)?;
    }
    bundle.recording(&merged.recording, &report.run.started_at)?;
    files::write_distributions(&bundle, |kind| merged.recording.whole(kind).map_err(|error| error.to_string()))?;
    files::write(bundle.folder(), report)?;
    bundle::write_report(bundle.folder(), report)?;
    bundle.finish()
}

/// `2026-01-01T00:00:00.25Z` as folders begin: `20260101T000000Z`.
fn folder_time(rfc3339: &str) -> String {
    let seconds = rfc3339.trim_end_matches('Z').split('.').next().unwrap_or_default();
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_without_a_broker_in_common_are_said_to_be_so() {
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
        let (ab, bc, x, none) = (of(&["a:1", "b:1"]), of(&["b:1", "c:1"]), of(&["x:1"]), of(&[]));
        assert_eq!(unlike_targets(&[&ab, &bc, &none]), None);
        let told = unlike_targets(&[&ab, &bc, &x]).unwrap();
        assert!(told.starts_with("its parts name different brokers (a:1, b:1 and x:1)"), "{told}");
    }
}
