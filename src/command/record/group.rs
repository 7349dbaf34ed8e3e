//! `record --group`: topics into a folder, by a member of a group that commits what is on the disk.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::{Shown, failed, not_recorded, why};
use crate::anonymise::{Anonymised, Anonymiser, Report};
use crate::capture::recorder::recorded::EndedBy;
use crate::capture::recorder::{RecordError, Until};
use crate::capture::rolling::Rolling;
use crate::capture::storage::stored::Stored;
use crate::capture::storage::{Stock, Storage};
use crate::command::{Done, Failure, anonymise};
use crate::figures::{self, counted};
use crate::run::{self, Interrupts};
use crate::scenario::record::{GroupPlan, RecordPlan};
use crate::settings::outcome::Output;
use crate::verdict::ExitCode;

/// What is told of it.
#[derive(Debug, Serialize)]
struct GroupSummary<'a> {
    group: &'a str,
    folder: &'a Path,
    files: u64,
    file_bytes: u64,
    first_file: Option<&'a Path>,
    last_file: Option<&'a Path>,
    #[serde(flatten)]
    stored: &'a Stored,
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymised: Option<Report>,
    code: u8,
    verdict: &'static str,
}

pub(super) fn record(
    plan: &RecordPlan,
    group: &GroupPlan,
    anonymiser: Option<Anonymiser>,
    interrupts: &Interrupts,
) -> Result<Done, Failure> {
    let target = &plan.cluster;
    let wanted = plan.wanted.clone();
    let stock = Stock {
        group: group.name.clone(),
        topics: wanted.topics,
        from: wanted.from,
        idle: if let Until::Idle(idle) = wanted.until { Some(idle) } else { None },
        most: wanted.most,
        read_committed: wanted.read_committed,
    };
    let rolling = Rolling::new(&plan.out, &group.name, group.roll).map_err(|error| {
        let why = format!("{} is no folder to write into: {error}", plan.out.display());
        Failure::new(ExitCode::BadConfiguration, why).hint("-o DIR/ names another one")
    })?;
    let mut storage = Storage::new(stock, &target.bootstrap, &target.client, target.connect_timeout)
        .map_err(|error| failed(&error, plan))?;
    let tool = run::tool();
    let mut keep = Anonymised::new(rolling, anonymiser);
    let mut stored = Stored::default();
    let mut shown = Shown::new(plan.shown);
    let asked = || interrupts.count();
    let outcome = loop {
        keep.keep.set_head(storage.head(format!("{} {}", tool.name, tool.version)));
        match storage.record(&mut keep, &mut stored, &asked, &mut |sight| shown.show(&sight)) {
            Ok(false) => {}
            outcome => break outcome,
        }
    };
    shown.end();
    outcome.map_err(|error| not_recorded(&error, plan))?;
    keep.keep.end().map_err(|error| not_recorded(&RecordError::Write(error), plan))?;
    tell(plan, group, &stored, &keep.keep, keep.report())
}

fn judge(stored: &Stored) -> ExitCode {
    let found = [
        (stored.ended_by == Some(EndedBy::Failure), ExitCode::Cluster),
        (stored.expired() > 0, ExitCode::CorrectnessViolated),
        (stored.ended_by == Some(EndedBy::Interrupt), ExitCode::Interrupted),
    ];
    found.into_iter().filter(|(holds, _)| *holds).fold(ExitCode::Pass, |code, (_, found)| code.outranking(found))
}

fn tell(
    plan: &RecordPlan,
    group: &GroupPlan,
    stored: &Stored,
    rolling: &Rolling,
    anonymised: Option<Report>,
) -> Result<Done, Failure> {
    let code = judge(stored);
    if let Some(failure) = &stored.failure {
        tracing::error!("{failure}");
    }
    let output = match plan.output {
        Output::Text => {
            text(plan, group, stored, rolling) + &anonymised.as_ref().map(anonymise::text).unwrap_or_default()
        }
        Output::Json => {
            let (first_file, last_file) = rolling.names().unzip();
            let told = GroupSummary {
                group: &group.name,
                folder: &plan.out,
                files: rolling.files(),
                file_bytes: rolling.bytes(),
                first_file,
                last_file,
                stored,
                anonymised,
                code: code.code(),
                verdict: code.as_str(),
            };
            serde_json::to_string_pretty(&told)
                .map(|text| text + "\n")
                .map_err(|error| Failure::new(ExitCode::NotWritten, error.to_string()))?
        }
    };
    Ok(Done::judged(output, code))
}

fn text(plan: &RecordPlan, group: &GroupPlan, stored: &Stored, rolling: &Rolling) -> String {
    let mut out = String::new();
    let mut row = |name: &str, text: String| {
        // Writing to a text never fails.
        writeln!(out, "{name:<11}{text}").unwrap_or_default();
    };
    let Stored { records, bytes, seconds, ended_by, given, taken, lost, partitions, .. } = stored;
    row(
        "stored",
        format!(
            "{} of {}, {} in {}; ended {}",
            counted(*records, "record"),
            counted(plan.wanted.topics.len() as u64, "topic"),
            figures::bytes(*bytes),
            figures::duration_s(*seconds),
            why(ended_by.unwrap_or(EndedBy::Failure)),
        ),
    );
    let bytes = figures::bytes(rolling.bytes());
    match rolling.names() {
        None => row("files", "none: nothing came".to_owned()),
        Some((first, last)) if first == last => row("file", format!("{}, {bytes}", first.display())),
        Some((first, last)) => {
            row("files", format!("{}, {bytes}, from {}", counted(rolling.files(), "file"), first.display()));
            row("", format!("to {}", last.display()));
        }
    }
    let times = |count: &u64| counted(*count, "time");
    let lost = if *lost > 0 { format!(", lost without a word {}", times(lost)) } else { String::new() };
    row("group", format!("{}: partitions given {}, taken {}{lost}", group.name, times(given), times(taken)));
    for of in partitions {
        let mut text =
            format!("{} {}: to offset {}, {}", of.topic, of.partition, of.until, counted(of.recorded, "record"));
        if of.absent > 0 {
            write!(text, ", {} without a record", counted(of.absent, "offset")).unwrap_or_default();
        }
        row("", text);
    }
    if stored.expired() > 0 {
        let offsets = counted(stored.expired(), "offset");
        row("expired", format!("{offsets} gone before they were read (retention or DeleteRecords): no file has them"));
    }
    out
}
