//! The forms that a report can be written in: each has a name, and one function writes them all.

use std::io::{self, Write};

use super::{benchmark, hgrm, html, junit, markdown};
use crate::recording::{LatencyKind, Recording};
use crate::report::{RunReport, timeline};

/// A form of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A page for a browser.
    Html,
    /// Test cases for a CI.
    Junit,
    /// A summary for a pull request.
    Markdown,
    /// The report itself.
    Json,
    /// The timeline as a table.
    Csv,
    /// The timeline, one object a line.
    Ndjson,
    /// Latencies for github-action-benchmark.
    GithubSmaller,
    /// The rate for github-action-benchmark.
    GithubBigger,
    /// Both for Bencher.
    Bencher,
    /// How one latency is distributed.
    Hgrm(LatencyKind),
}

/// Why a report was not written in a form.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// It cannot be made, or not be written.
    #[error(transparent)]
    Write(#[from] io::Error),
    /// It is about the pipeline, and the generator was the limit.
    #[error("the run is not valid, its figures say nothing about the pipeline: {0}")]
    Invalid(String),
    /// It is about what was measured, and nothing was.
    #[error("the run has no figure with enough samples")]
    Nothing,
    /// It is about a latency that the run did not have.
    #[error("--export hgrm:{0}: the run recorded no {0}")]
    NotRecorded(LatencyKind),
}

impl Form {
    /// Each with its name, the shortest first where there are several. `hgrm:LATENCY` is there beside them.
    pub const NAMES: [(&'static str, Self); 11] = [
        ("html", Self::Html),
        ("junit", Self::Junit),
        ("markdown", Self::Markdown),
        ("json", Self::Json),
        ("csv", Self::Csv),
        ("ndjson", Self::Ndjson),
        ("github-benchmark", Self::GithubSmaller),
        ("github-action-benchmark", Self::GithubSmaller),
        ("github-benchmark-bigger", Self::GithubBigger),
        ("bencher", Self::Bencher),
        ("hgrm", Self::Hgrm(LatencyKind::ResponseTime)),
    ];

    /// The form of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let known = Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, form)| form);
        known.or_else(|| name.strip_prefix("hgrm:").and_then(LatencyKind::of_name).map(Self::Hgrm))
    }

    /// Writes `report` in this form. `recording` is read where the form needs it.
    ///
    /// # Errors
    /// Where the report has nothing of what the form is about, `recording` fails, or `out` cannot be written.
    pub fn write<E: From<FormError>>(
        self,
        mut out: impl Write,
        report: &RunReport,
        recording: impl FnOnce() -> Result<Recording, E>,
    ) -> Result<(), E> {
        let written = match self {
            Self::Html => html::write(out, report),
            Self::Junit => junit::write(out, report),
            Self::Markdown => markdown::write(out, report),
            Self::Json => {
                serde_json::to_writer_pretty(&mut out, report).map_err(io::Error::from).and_then(|()| writeln!(out))
            }
            Self::Csv => timeline::write_csv(out, &report.timeline),
            Self::Ndjson => report.timeline.iter().try_for_each(|row| timeline::write_ndjson_row(&mut out, row)),
            Self::GithubSmaller => writeln!(out, "{:#}", benchmark::github_smaller_is_better(report)?),
            Self::GithubBigger => writeln!(out, "{:#}", benchmark::github_bigger_is_better(report)?),
            Self::Bencher => writeln!(out, "{:#}", benchmark::bencher(report)?),
            Self::Hgrm(latency) => {
                let whole = recording()?.whole(latency).map_err(|error| FormError::Write(io::Error::other(error)))?;
                hgrm::write(out, &whole.ok_or(FormError::NotRecorded(latency))?)
            }
        };
        Ok(written.map_err(FormError::Write)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_has_a_form_of_its_own_and_an_unknown_one_has_none() {
        for latency in LatencyKind::ALL {
            assert_eq!(Form::named(&format!("hgrm:{latency}")), Some(Form::Hgrm(latency)));
        }
        assert_eq!(Form::named("hgrm:sleep"), None);
    }
}
