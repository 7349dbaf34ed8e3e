//! `--export KIND=FILE`: a report in one more form, beside what a bundle holds.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::cli::values::Export;
use crate::explain;
use crate::output::benchmark::{self, BenchmarkError};
use crate::output::{hgrm, html, junit, markdown};
use crate::recording::{LatencyKind, Recording};
use crate::report::{RunReport, timeline};
use crate::verdict::ExitCode;

/// A form that a report can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Html,
    Junit,
    Markdown,
    Json,
    Csv,
    Ndjson,
    GithubSmaller,
    GithubBigger,
    Bencher,
    Hgrm(LatencyKind),
}

/// Names of forms, the shortest first where there are several.
const NAMES: [(&str, Kind); 11] = [
    ("html", Kind::Html),
    ("junit", Kind::Junit),
    ("markdown", Kind::Markdown),
    ("json", Kind::Json),
    ("csv", Kind::Csv),
    ("ndjson", Kind::Ndjson),
    ("github-benchmark", Kind::GithubSmaller),
    ("github-action-benchmark", Kind::GithubSmaller),
    ("github-benchmark-bigger", Kind::GithubBigger),
    ("bencher", Kind::Bencher),
    ("hgrm", Kind::Hgrm(LatencyKind::ResponseTime)),
];

/// The forms asked for, checked before anything is done.
#[derive(Debug)]
pub(super) struct Exports(Vec<(Kind, PathBuf)>);

impl Exports {
    pub(super) fn of(asked: &[Export]) -> Result<Self, Failure> {
        asked.iter().map(|export| Ok((named(&export.kind)?, export.file.clone()))).collect::<Result<_, _>>().map(Self)
    }

    /// Writes them all, and says which could not be. `recording` is read where a form needs it.
    pub(super) fn write(&self, report: &RunReport, recording: impl Fn() -> Result<Recording, Failure>) -> Vec<Failure> {
        let export = |(kind, file): &(Kind, PathBuf)| {
            let text = kind.text(report, &recording)?;
            write(file, &text)
                .map_err(|error| Failure::new(ExitCode::NotWritten, format!("{}: {error}", file.display())))
        };
        self.0.iter().filter_map(|one| export(one).err()).collect()
    }
}

fn named(name: &str) -> Result<Kind, Failure> {
    let known = NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind);
    let of_latency = || name.strip_prefix("hgrm:").and_then(LatencyKind::of_name).map(Kind::Hgrm);
    known.or_else(of_latency).ok_or_else(|| {
        let names = NAMES.map(|(known, _)| known).join(", ");
        let latencies = LatencyKind::ALL.map(LatencyKind::as_str).join(", ");
        Failure::new(ExitCode::Usage, format!("--export {name}=…: \"{name}\" is no form of a report"))
            .hint(format!("one of {names}; hgrm:LATENCY for one of {latencies}"))
    })
}

pub(super) fn json(report: &RunReport) -> Result<String, Failure> {
    serde_json::to_string_pretty(report)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(ExitCode::BadInput, format!("the report cannot be written as JSON: {error}")))
}

impl Kind {
    fn text(self, report: &RunReport, recording: &dyn Fn() -> Result<Recording, Failure>) -> Result<Vec<u8>, Failure> {
        let bad = |error: &dyn std::fmt::Display| Failure::new(ExitCode::NotWritten, error.to_string());
        let mut out = Vec::new();
        match self {
            Self::Html => out = html::render(report, &explain::sentence).map_err(|error| bad(&error))?.into_bytes(),
            Self::Junit => junit::write(&mut out, report).map_err(|error| bad(&error))?,
            Self::Markdown => out = markdown::summary(report).into_bytes(),
            Self::Json => out = json(report)?.into_bytes(),
            Self::Csv => timeline::write_csv(&mut out, &report.timeline).map_err(|error| bad(&error))?,
            Self::Ndjson => {
                for row in &report.timeline {
                    timeline::write_ndjson_row(&mut out, row).map_err(|error| bad(&error))?;
                }
            }
            Self::GithubSmaller => out = figures(benchmark::github_smaller_is_better(report))?,
            Self::GithubBigger => out = figures(benchmark::github_bigger_is_better(report))?,
            Self::Bencher => out = figures(benchmark::bencher(report))?,
            Self::Hgrm(latency) => {
                let whole = recording()?.whole(latency).map_err(|error| bad(&error))?.ok_or_else(|| {
                    let reason = format!("--export hgrm:{latency}: the run recorded no {latency}");
                    Failure::new(ExitCode::Unevaluated, reason)
                })?;
                hgrm::write(&mut out, &whole).map_err(|error| bad(&error))?;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_has_a_form_of_its_own_and_an_unknown_one_is_refused() {
        for latency in LatencyKind::ALL {
            assert_eq!(named(&format!("hgrm:{latency}")).unwrap(), Kind::Hgrm(latency));
        }
        let refused = named("hgrm:sleep").unwrap_err();
        assert!(refused.hint.unwrap().contains("hgrm:LATENCY for one of slip, lateness"));
    }
}
