//! `report`: the report of an earlier run, again or in another form.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::{Done, Failure, stored};
use crate::bundle::Stored;
use crate::cli::report::ReportArgs;
use crate::explain;
use crate::recording::LatencyKind;
use crate::report::benchmark::{self, BenchmarkError};
use crate::report::console::{self, Style};
use crate::report::{RunReport, hgrm, html, junit, markdown, timeline};
use crate::scenario::Environment;
use crate::scenario::plan::Output;
use crate::verdict::ExitCode;

pub(super) fn report(args: ReportArgs, environment: &Environment) -> Result<Done, Failure> {
    let options = environment.complete(args.options)?;
    let exports: Vec<(Kind, &Path)> = options
        .export
        .iter()
        .map(|export| Ok((Kind::named(&export.kind)?, export.file.as_path())))
        .collect::<Result<_, Failure>>()?;
    let stored = stored::read(&args.bundle)?;
    for (kind, file) in exports {
        write(file, &kind.text(&stored)?)
            .map_err(|error| Failure::new(ExitCode::BadConfiguration, format!("{}: {error}", file.display())))?;
    }
    let output = match options.output.unwrap_or(Output::Text) {
        Output::Json => json(&stored.report)?,
        Output::Text => {
            let variable = |name: &str| std::env::var(name).ok();
            let style = Style::choose(io::stdout().is_terminal(), variable).with_bundle(&stored.folder);
            console::render(&stored.report, style)
        }
    };
    Ok(Done::pass(output))
}

fn json(report: &RunReport) -> Result<String, Failure> {
    serde_json::to_string_pretty(report)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(ExitCode::BadInput, format!("the report cannot be written as JSON: {error}")))
}

/// Whole or not at all.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        // A pipe or a device: nothing to move into its place.
        return fs::OpenOptions::new().write(true).open(path)?.write_all(content);
    }
    let mut draft = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        draft.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut draft = draft.prefix(".export-").tempfile_in(folder)?;
    draft.write_all(content)?;
    draft.persist(path).map(drop).map_err(|error| error.error)
}

/// A form that a report can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Html,
    Junit,
    Markdown,
    Json,
    Csv,
    GithubBenchmark,
    Bencher,
    Hgrm,
}

impl Kind {
    const ALL: [(&'static str, Self); 8] = [
        ("html", Self::Html),
        ("junit", Self::Junit),
        ("markdown", Self::Markdown),
        ("json", Self::Json),
        ("csv", Self::Csv),
        ("github-benchmark", Self::GithubBenchmark),
        ("bencher", Self::Bencher),
        ("hgrm", Self::Hgrm),
    ];

    fn named(name: &str) -> Result<Self, Failure> {
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, kind)| kind).ok_or_else(|| {
            let known = Self::ALL.map(|(known, _)| known).join(", ");
            Failure::new(ExitCode::Usage, format!("--export {name}=…: \"{name}\" is no form of a report"))
                .hint(format!("one of {known}"))
        })
    }

    fn text(self, stored: &Stored) -> Result<Vec<u8>, Failure> {
        let report = &stored.report;
        let bad = |error: &dyn std::fmt::Display| Failure::new(ExitCode::BadInput, error.to_string());
        let mut out = Vec::new();
        match self {
            Self::Html => {
                let page = html::render(report, &explain::sentence).map_err(|error| bad(&error))?;
                out = page.into_bytes();
            }
            Self::Junit => junit::write(&mut out, report).map_err(|error| bad(&error))?,
            Self::Markdown => out = markdown::summary(report).into_bytes(),
            Self::Json => out = json(report)?.into_bytes(),
            Self::Csv => timeline::write_csv(&mut out, &report.timeline).map_err(|error| bad(&error))?,
            Self::GithubBenchmark => out = figures(benchmark::github_smaller_is_better(report))?,
            Self::Bencher => out = figures(benchmark::bencher(report))?,
            Self::Hgrm => distribution(&mut out, stored)?,
        }
        Ok(out)
    }
}

fn figures(figures: Result<serde_json::Value, BenchmarkError>) -> Result<Vec<u8>, Failure> {
    match figures {
        Ok(figures) => Ok(format!("{figures:#}\n").into_bytes()),
        Err(error @ BenchmarkError::Invalid(_)) => Err(Failure::new(ExitCode::RunInvalid, error.to_string())),
        Err(error @ BenchmarkError::Nothing) => Err(Failure::new(ExitCode::Unevaluated, error.to_string())),
    }
}

/// The response time's.
fn distribution(out: &mut Vec<u8>, stored: &Stored) -> Result<(), Failure> {
    let recording = stored.recording().map_err(|error| stored::unreadable(&error))?;
    let intervals = recording.intervals.get(&LatencyKind::ResponseTime).map(Vec::as_slice).unwrap_or_default();
    let Some((first, rest)) = intervals.split_first() else {
        let reason = format!("{}: the run recorded no response time", stored.folder.display());
        return Err(Failure::new(ExitCode::Unevaluated, reason));
    };
    let bad = |error: String| Failure::new(ExitCode::BadInput, error);
    let mut whole = first.histogram.clone();
    // An interval read from a file may end below what a later one holds.
    whole.auto(true);
    for interval in rest {
        whole.add(&interval.histogram).map_err(|error| bad(error.to_string()))?;
    }
    hgrm::write(out, &whole).map_err(|error| bad(error.to_string()))
}
