//! What a run leaves behind when it has ended: its report in every form, its distributions, and what a CI shows of it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use hdrhistogram::Histogram;

use crate::bundle::{self, Bundle, BundleError};
use crate::explain;
use crate::output::{github, hgrm, html, junit, markdown};
use crate::report::RunReport;
use crate::report::latency::Kind;
use crate::run::Unverified;
use crate::scenario::plan::Plan;

/// The latencies that a run can have: those from a due time on need one, the wait for a ceiling that too, the end-to-end time
/// a verifier, those of commits transactions.
pub(in crate::command) fn kinds(plan: &Plan, has_due_times: bool) -> Vec<Kind> {
    let has = |kind: &Kind| match kind {
        Kind::Slip | Kind::Lateness | Kind::Blocked => has_due_times,
        Kind::Capped => has_due_times && plan.max_rate.is_some(),
        Kind::ServiceTime | Kind::ResponseTime => true,
        Kind::EndToEnd => plan.verify.is_some(),
        Kind::CommitTime | Kind::CommitCall => plan.transactions.is_some(),
    };
    Kind::ALL.into_iter().filter(has).collect()
}

/// Writes each latency's distribution, where `whole` has one.
pub(in crate::command) fn distributions(
    bundle: &Bundle,
    whole: impl Fn(Kind) -> Result<Option<Histogram<u64>>, String>,
) -> Result<(), BundleError> {
    let failed = |source: io::Error| BundleError { path: bundle.folder().to_owned(), source };
    for kind in Kind::ALL {
        let whole = whole(kind).map_err(|error| failed(io::Error::other(error)))?;
        if let Some(histogram) = whole.filter(|histogram| !histogram.is_empty()) {
            let mut text = Vec::new();
            hgrm::write(&mut text, &histogram).map_err(failed)?;
            bundle.write(&format!("{}.hgrm", kind.as_str()), &text)?;
        }
    }
    Ok(())
}

/// Writes the report for people, CI and programs into the folder of its run.
pub(in crate::command) fn write_into(folder: &Path, report: &RunReport) -> Result<(), BundleError> {
    write_for_people(folder, report)?;
    // Last, so that a bundle with a report has all of them.
    write_for_programs(folder, report)
}

/// The page, and what a CI shows.
pub(super) fn write_for_people(folder: &Path, report: &RunReport) -> Result<(), BundleError> {
    let failed = |source: io::Error| BundleError { path: folder.to_owned(), source };
    let mut cases = Vec::new();
    junit::write(&mut cases, report).map_err(failed)?;
    bundle::write_whole(&folder.join("junit.xml"), &cases)?;
    let page = html::render(report, &explain::sentence).map_err(|error| failed(io::Error::other(error)))?;
    bundle::write_whole(&folder.join("report.html"), page.as_bytes())
}

/// The report itself.
pub(super) fn write_for_programs(folder: &Path, report: &RunReport) -> Result<(), BundleError> {
    let failed = |source: io::Error| BundleError { path: folder.to_owned(), source };
    let json = serde_json::to_vec_pretty(report).map_err(|error| failed(error.into()))?;
    bundle::write_whole(&folder.join(bundle::REPORT), &json)
}

/// Lists the events that did not end verified, one by one; writes nothing where there are none.
pub(in crate::command) fn write_unverified(bundle: &Bundle, events: &[Unverified]) -> Result<(), BundleError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut text = Vec::new();
    for event in events {
        serde_json::to_writer(&mut text, event)
            .map_err(|error| BundleError { path: bundle.folder().to_owned(), source: error.into() })?;
        text.push(b'\n');
    }
    bundle.write("unverified.ndjson", &text)
}

/// What GitHub shows beside the step; empty elsewhere.
pub(in crate::command) fn annotations(report: &RunReport, variable: impl Fn(&str) -> Option<String>) -> String {
    if variable("GITHUB_ACTIONS").as_deref() == Some("true") { github::annotations(report) } else { String::new() }
}

/// Adds the report to the summary of a GitHub step, where this is one.
pub(in crate::command) fn summarise(report: &RunReport, variable: impl Fn(&str) -> Option<String>) -> io::Result<()> {
    match variable("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) {
        Some(path) => {
            let text = markdown::summary(report) + "\n";
            OpenOptions::new().append(true).create(true).open(path)?.write_all(text.as_bytes())
        }
        None => Ok(()),
    }
}
