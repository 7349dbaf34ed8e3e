//! `record`: topics into a file, with an account of what is missing in it; or as a member of a group into a folder.

mod group;

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::path::Path;

use serde::Serialize;

use super::anonymise;
use super::run::now;
use super::{Done, Failure, cluster, interrupt};
use crate::anonymise::{Anonymised, Report};
use crate::capture::format::Ending;
use crate::capture::recorder::recorded::{EndedBy, Recorded};
use crate::capture::recorder::{RecordError, Recorder, Sight};
use crate::capture::write::Writer;
use crate::cli::record::RecordArgs;
use crate::clock::Nanos;
use crate::figures::{self, counted};
use crate::kafka::KafkaError;
use crate::progress::line::Line;
use crate::run;
use crate::scenario::Environment;
use crate::scenario::record::{self, RecordPlan};
use crate::settings::outcome::Output;
use crate::source::retail_rocket::Moment;
use crate::verdict::ExitCode;

/// What is told of a recording.
#[derive(Debug, Serialize)]
struct RecordSummary<'a> {
    file: &'a Path,
    file_bytes: u64,
    #[serde(flatten)]
    recorded: &'a Recorded,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    /// Records that are earlier than one before them in their partition.
    back: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymised: Option<&'a Report>,
    code: u8,
    verdict: &'static str,
}

pub(super) fn record(args: RecordArgs, environment: &Environment) -> Result<Done, Failure> {
    let plan = record::record(args, environment)?;
    if let Some(dump) = plan.cluster.dump {
        return Ok(Done::told(dump));
    }
    let anonymiser = anonymise::chosen(plan.raw, plan.anonymise.clone(), "a recording")?;
    for warning in &plan.cluster.warnings {
        tracing::warn!("{warning}");
    }
    if plan.group.is_none() && !plan.force && plan.out.exists() {
        let why = format!("{} is there already", plan.out.display());
        return Err(Failure::new(ExitCode::BadConfiguration, why).hint("name another file, or --force replaces it"));
    }
    let interrupts = interrupt::listen()?;
    if let Some(of) = &plan.group {
        return group::record(&plan, of, anonymiser, &interrupts);
    }
    let target = &plan.cluster;
    let source = Recorder::new(plan.wanted.clone(), &target.bootstrap, &target.client, target.connect_timeout)
        .map_err(|error| failed(&error, &plan))?;
    let unwritable = |error: std::io::Error| {
        Failure::new(ExitCode::BadConfiguration, format!("{} cannot be written: {error}", plan.out.display()))
    };
    let tool = run::tool();
    let head = source.head(format!("{} {}", tool.name, tool.version), now());
    let file = create(&plan).map_err(unwritable)?;
    let writer = Writer::begin(file, &head, marker(&plan.out)).map_err(unwritable)?;
    let mut writer = Anonymised::new(writer, anonymiser);
    let mut shown = Shown::new(plan.shown);
    let outcome = source.record(&mut writer, &|| interrupts.count(), &mut |sight| shown.show(&sight));
    shown.end();
    let recorded = outcome.map_err(|error| not_recorded(&error, &plan))?;
    let replaced = writer.report();
    let not_written = |error| not_recorded(&RecordError::Write(error), &plan);
    let (ending, file) = writer.keep.finish().map_err(not_written)?;
    let file_bytes = file.metadata().map_err(not_written)?.len();
    tell(&plan, &recorded, ending, file_bytes, replaced.as_ref())
}

/// The line that shows how it goes.
pub(super) struct Shown {
    line: Line,
    before: (Nanos, u64),
}

impl Shown {
    pub(super) fn new(shown: bool) -> Self {
        Self { line: Line::new(shown), before: (Nanos::ZERO, 0) }
    }

    pub(super) fn show(&mut self, sight: &Sight) {
        self.line.show(sight.now, &progress(sight, self.before));
        self.before = (sight.now, sight.records);
    }

    pub(super) fn end(self) {
        self.line.end();
    }
}

/// Why a recording that had begun came to no end.
fn not_recorded(error: &RecordError, plan: &RecordPlan) -> Failure {
    match error {
        RecordError::Kafka(error) => failed(error, plan),
        RecordError::Write(error) => {
            Failure::new(ExitCode::NotWritten, format!("{} cannot be written any more: {error}", plan.out.display()))
                .hint("what was written until then can be read")
        }
        RecordError::Wait(_) => Failure::new(ExitCode::RunInvalid, error.to_string()),
    }
}

fn failed(error: &KafkaError, plan: &RecordPlan) -> Failure {
    let topics = plan.wanted.topics.join("\", \"");
    let said_by = &plan.cluster.bootstrap_said_by;
    let group = plan.group.as_ref().map(|group| group.name.as_str());
    cluster::failed(error, cluster::Purpose { topics: &topics, rights: "Describe and Read", group, said_by })
}

fn create(plan: &RecordPlan) -> std::io::Result<File> {
    let mut how = OpenOptions::new();
    how.write(true);
    let is_file = std::fs::symlink_metadata(&plan.out).is_ok_and(|there| there.is_file());
    if plan.force && is_file {
        // Whoever still writes it, or reads it, keeps a whole one.
        std::fs::remove_file(&plan.out)?;
    }
    let is_other = plan.force && !is_file && plan.out.exists();
    if is_other { how.truncate(true) } else { how.create_new(true) }.open(&plan.out)
}

/// Bytes that no other file has.
fn marker(out: &Path) -> [u8; 16] {
    let told = format!("{} {} {}", crate::clock::wall_unix_ns(), std::process::id(), out.display());
    xxhash_rust::xxh3::xxh3_128(told.as_bytes()).to_le_bytes()
}

/// `12 s  1,234,567 records · 102,345/s · 235 MiB · 81 %, about 3 s left`.
fn progress(sight: &Sight, before: (Nanos, u64)) -> String {
    let Sight { now, records, bytes, share, waits } = *sight;
    let seconds = now.as_secs_f64() - before.0.as_secs_f64();
    let rate = figures::as_f64(records - before.1) / seconds.max(1e-3);
    let mut text = format!(
        "{:>6.0} s  {} · {} · {}",
        now.as_secs_f64(),
        counted(records, "record"),
        figures::rate(rate),
        figures::bytes(bytes)
    );
    if waits {
        text.push_str(" · all is read; Ctrl-C ends it");
    }
    if let Some(share) = share.filter(|share| *share > 0.0) {
        let left = now.as_secs_f64() * (1.0 - share) / share;
        let left =
            if share < 1.0 { format!(", about {} left", figures::duration_s(left.max(1.0))) } else { String::new() };
        write!(text, " · {:.0} %{left}", share * 100.0).unwrap_or_default();
    }
    text
}

fn judge(recorded: &Recorded) -> ExitCode {
    let missing = &recorded.missing;
    let found = [
        (recorded.ended_by == EndedBy::Failure, ExitCode::Cluster),
        (missing.missed > 0, ExitCode::CorrectnessViolated),
        (!recorded.sums(), ExitCode::RunInvalid),
        (recorded.ended_by == EndedBy::Interrupt, ExitCode::Interrupted),
        (missing.unknown > 0, ExitCode::Unevaluated),
    ];
    found.into_iter().filter(|(holds, _)| *holds).fold(ExitCode::Pass, |code, (_, found)| code.outranking(found))
}

fn tell(
    plan: &RecordPlan,
    recorded: &Recorded,
    ending: Ending,
    file_bytes: u64,
    anonymised: Option<&Report>,
) -> Result<Done, Failure> {
    let code = judge(recorded);
    if let Some(failure) = &recorded.failure {
        tracing::error!("{failure}");
    }
    let Ending { first_ms, last_ms, back, .. } = ending;
    let output = match plan.output {
        Output::Text => {
            let report = anonymised.map(anonymise::text).unwrap_or_default();
            text(plan, recorded, ending, file_bytes) + &report
        }
        Output::Json => {
            let (file, verdict) = (plan.out.as_path(), code.as_str());
            let told = RecordSummary {
                file,
                file_bytes,
                recorded,
                first_ms,
                last_ms,
                back,
                anonymised,
                code: code.code(),
                verdict,
            };
            serde_json::to_string_pretty(&told)
                .map(|text| text + "\n")
                .map_err(|error| Failure::new(ExitCode::NotWritten, error.to_string()))?
        }
    };
    Ok(Done::judged(output, code))
}

fn text(plan: &RecordPlan, recorded: &Recorded, ending: Ending, file_bytes: u64) -> String {
    let mut out = String::new();
    let Recorded { records, bytes, seconds, ended_by, there, missing, partitions, .. } = recorded;
    let why = why(*ended_by);
    let rate = figures::rate(figures::as_f64(*records) / seconds.max(1e-3));
    let mut row = |name: &str, text: String| {
        // Writing to a text never fails.
        writeln!(out, "{name:<11}{text}").unwrap_or_default();
    };
    row(
        "recorded",
        format!(
            "{} of {}, {} in {}, {rate}; ended {why}",
            counted(*records, "record"),
            counted(plan.wanted.topics.len() as u64, "topic"),
            figures::bytes(*bytes),
            figures::duration_s(*seconds),
        ),
    );
    row("file", format!("{}, {}", plan.out.display(), figures::bytes(file_bytes)));
    if let (Some(first), Some(last)) = (ending.first_ms, ending.last_ms) {
        row("times", format!("from {} to {}", Moment(first), Moment(last)));
    }
    if ending.back > 0 {
        row("goes back", format!("{} earlier than one before in the partition", counted(ending.back, "record")));
    }
    row("there", format!("{} in {}", counted(*there, "offset"), counted(partitions.len() as u64, "partition")));
    let classes = missing.classes().into_iter().filter(|(_, count, _)| *count > 0);
    for (name, count, meaning) in classes {
        row(name, format!("{}: {meaning}", figures::count(count)));
    }
    if missing.sum() == 0 {
        row("missing", "nothing".to_owned());
    }
    out
}

const fn why(ended_by: EndedBy) -> &'static str {
    match ended_by {
        EndedBy::End => "at its end",
        EndedBy::Idle => "when nothing came any more",
        EndedBy::NumRecords => "with as many records as were asked for",
        EndedBy::Interrupt => "when it was interrupted",
        EndedBy::Failure => "when the cluster could not be read",
    }
}
