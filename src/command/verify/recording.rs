//! `verify --recording`: topics against the recordings that were played into them.

use std::fmt::Write as _;
use std::fs::File;
use std::path::Path;

use serde::Serialize;

use crate::capture::against::{Against, At, Compared, Reading, Side};
use crate::capture::offsets::SeenOffsets;
use crate::capture::read::{ReadError, Reader};
use crate::capture::recorder::recorded::{EndedBy, Recorded};
use crate::capture::recorder::{RecordError, Recorder, RecordingPlan, Start, Until};
use crate::cli::verify::VerifyArgs;
use crate::command::record::Shown;
use crate::command::{Done, Failure, cluster, interrupt};
use crate::event::catalogue::ID_HEADER;
use crate::figures::{self, counted};
use crate::files;
use crate::scenario::Environment;
use crate::scenario::against::{self, AgainstPlan};
use crate::settings::outcome::Output;
use crate::sorting::{Place, SpillError};
use crate::verdict::ExitCode;

/// Memory for sorting, twice, in bytes: 39 a record of either side, and more is sorted on disk.
const MEMORY: usize = 256 << 20;

/// What is told of the comparison.
#[derive(Debug, Serialize)]
struct ComparisonSummary<'a> {
    #[serde(flatten)]
    compared: &'a Compared,
    read: &'a Recorded,
    code: u8,
    verdict: &'static str,
    reasons: Vec<String>,
}

pub(super) fn verify(args: VerifyArgs, environment: &Environment) -> Result<Done, Failure> {
    let plan = against::against(args, environment)?;
    if let Some(dump) = plan.cluster.dump {
        return Ok(Done::told(dump));
    }
    for warning in &plan.cluster.warnings {
        tracing::warn!("{warning}");
    }
    let files = files::files(&plan.recordings).map_err(|error| Failure::new(ExitCode::BadInput, error.to_string()))?;
    let first = files.first().map(|file| file.display().to_string()).unwrap_or_default();
    let place = Place { folder: std::env::temp_dir(), file: first };
    let mut readers = Vec::new();
    let mut topics: Vec<String> = Vec::new();
    for file in &files {
        let reader =
            File::open(file).map_err(ReadError::from).and_then(Reader::open).map_err(|error| unread(file, &error))?;
        for topic in reader.opened().head.topics.keys() {
            let topic = plan.topic_of(topic);
            if !topics.iter().any(|known| known == topic) {
                topics.push(topic.to_owned());
            }
        }
        readers.push((file, reader));
    }
    let mut against = Against::new(topics.clone(), plan.keeps_partitions, ID_HEADER.as_bytes(), MEMORY, place);
    let mut seen = SeenOffsets::default();
    for (file, mut reader) in readers {
        while let Some(record) = reader.next().map_err(|error| unread(file, &error))? {
            if seen.add(&record) {
                against.add(Side::Recorded, plan.topic_of(record.topic), &record).map_err(|error| unsorted(&error))?;
            }
        }
        if let Some(cut) = reader.cut() {
            tracing::warn!("{} was cut off at byte {}: what was behind it is not compared", file.display(), cut.at);
        }
    }
    let interrupts = interrupt::listen()?;
    let wanted = RecordingPlan {
        topics,
        from: Start::Earliest,
        until: Until::End,
        most: None,
        read_committed: plan.read_committed,
    };
    let target = &plan.cluster;
    let failed = |error| {
        let said_by = &target.bootstrap_said_by;
        let topics = wanted.topics.join("\", \"");
        cluster::failed(&error, cluster::Purpose { topics: &topics, rights: "Describe and Read", group: None, said_by })
    };
    let source =
        Recorder::new(wanted.clone(), &target.bootstrap, &target.client, target.connect_timeout).map_err(failed)?;
    let mut shown = Shown::new(plan.shown);
    let outcome = source.record(&mut Reading(&mut against), &|| interrupts.count(), &mut |sight| shown.show(&sight));
    shown.end();
    let read = outcome.map_err(|error| match error {
        RecordError::Kafka(error) => failed(error),
        RecordError::Write(error) => Failure::new(ExitCode::NotWritten, error.to_string()),
        RecordError::Wait(_) => Failure::new(ExitCode::RunInvalid, error.to_string()),
    })?;
    let compared = against.compare().map_err(|error| unsorted(&error))?;
    tell(&plan, &compared, &read)
}

fn unread(file: &Path, error: &ReadError) -> Failure {
    Failure::new(ExitCode::BadInput, format!("{}: {error}", file.display()))
}

fn unsorted(error: &SpillError) -> Failure {
    Failure::new(ExitCode::NotWritten, error.to_string())
}

/// What is wrong, with the code of each.
fn judge(compared: &Compared, read: &Recorded) -> Vec<(ExitCode, String)> {
    let Compared { recorded, found, lost, changed, doubled, reordered, .. } = *compared;
    let mut reasons = Vec::new();
    let mut add = |holds: bool, code, reason: String| {
        if holds {
            reasons.push((code, reason));
        }
    };
    let count = |count, what: &str| format!("{} {what}", counted(count, "record"));
    // What is not there any more may have been there.
    let gone = read.partitions.iter().map(|of| of.from.unsigned_abs()).sum::<u64>()
        + read.missing.compacted
        + read.missing.expired;
    let whole = read.ended_by == EndedBy::End && read.missing.unread + read.missing.open + read.missing.unknown == 0;
    let lost_as = if gone > 0 || !whole { ExitCode::Unevaluated } else { ExitCode::CorrectnessViolated };
    let why = match (gone, whole) {
        (_, false) => " (not all of the log was read)".to_owned(),
        (0, true) => String::new(),
        (gone, true) => format!(
            " ({} gone from the log, by retention, DeleteRecords or compaction: they may have been there)",
            counted(gone, "offset")
        ),
    };
    add(read.ended_by == EndedBy::Failure, ExitCode::Cluster, read.failure.clone().unwrap_or_default());
    add(
        changed > 0,
        ExitCode::CorrectnessViolated,
        count(changed, "with another value or other headers than were recorded"),
    );
    add(lost > 0, lost_as, count(lost, "not found") + &why);
    add(doubled > 0, ExitCode::CorrectnessViolated, count(doubled, "there once more than recorded"));
    add(
        reordered > 0,
        ExitCode::CorrectnessViolated,
        count(reordered, "behind one that was recorded later in the partition"),
    );
    add(read.ended_by == EndedBy::Interrupt, ExitCode::Interrupted, "interrupted before the end of the log".to_owned());
    add(recorded == 0, ExitCode::Unevaluated, "the recording has no record".to_owned());
    add(found == 0, ExitCode::Unevaluated, "the topic has no record".to_owned());
    reasons
}

fn tell(plan: &AgainstPlan, compared: &Compared, read: &Recorded) -> Result<Done, Failure> {
    let reasons = judge(compared, read);
    let code = reasons.iter().fold(ExitCode::Pass, |code, (found, _)| code.outranking(*found));
    let output = match plan.output {
        Output::Text => text(compared, &reasons),
        Output::Json => {
            let reasons = reasons.into_iter().map(|(_, reason)| reason).collect();
            let told = ComparisonSummary { compared, read, code: code.code(), verdict: code.as_str(), reasons };
            serde_json::to_string_pretty(&told)
                .map(|text| text + "\n")
                .map_err(|error| Failure::new(ExitCode::NotWritten, error.to_string()))?
        }
    };
    Ok(Done::judged(output, code))
}

fn text(compared: &Compared, reasons: &[(ExitCode, String)]) -> String {
    let mut out = String::new();
    let mut row = |name: &str, text: String| {
        // Writing to a text never fails.
        writeln!(out, "{name:<11}{text}").unwrap_or_default();
    };
    let Compared { recorded, found, matched, changed, lost, doubled, foreign, reordered, examples } = compared;
    row("recorded", counted(*recorded, "record"));
    row("found", counted(*found, "record"));
    row("matched", figures::count(*matched));
    for (name, count, examples, meaning) in [
        ("changed", changed, &examples.changed, "another value or other headers under the key"),
        ("lost", lost, &examples.lost, "recorded, and not found; the place is that of the recording"),
        ("doubled", doubled, &examples.doubled, "there once more than recorded"),
        ("foreign", foreign, &examples.foreign, "nothing of it was recorded"),
        ("reordered", reordered, &examples.reordered, "behind one that was recorded later in the partition"),
    ] {
        let at = |At { topic, partition, offset }: &At| format!("{topic} {partition} offset {offset}");
        let places: Vec<String> = examples.iter().map(at).collect();
        let more = if *count > places.len() as u64 { ", ..." } else { "" };
        row(
            name,
            match count {
                0 => "0".to_owned(),
                count => format!("{}: {meaning}: {}{more}", figures::count(*count), places.join(", ")),
            },
        );
    }
    for (_, reason) in reasons {
        row("", reason.clone());
    }
    out
}
