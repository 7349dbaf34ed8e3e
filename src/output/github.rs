//! What a GitHub workflow shows of a run: annotations by workflow commands on stdout.
//!
//! Format: `::error title=TITLE::MESSAGE`, see "Workflow commands for GitHub Actions" in GitHub's documentation. The step
//! summary is the text of [`super::markdown`].

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write as _};

use super::markdown;
use crate::report::RunReport;

/// GitHub shows at most ten errors and ten warnings of a step.
const SHOWN: usize = 10;

/// One line for each reason of the verdict (`::error`) and each note (`::warning`); empty for a pass without notes, and outside
/// of GitHub. `variable` looks up the environment.
#[must_use]
pub fn annotations(report: &RunReport, variable: impl Fn(&str) -> Option<String>) -> String {
    if variable("GITHUB_ACTIONS").as_deref() != Some("true") {
        return String::new();
    }
    let verdict = &report.verdict;
    let mut text = String::new();
    let title = format!("loadgen {}: {}", report.run.name, verdict.name);
    add(&mut text, "error", &title, &verdict.reasons);
    add(&mut text, "warning", &format!("loadgen {}", report.run.name), &verdict.notes);
    text
}

/// Adds the report to the summary of a GitHub step, where this is one. `variable` looks up the environment.
///
/// # Errors
/// Where the summary cannot be written.
pub fn summarise(report: &RunReport, variable: impl Fn(&str) -> Option<String>) -> io::Result<()> {
    let Some(path) = variable("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Ok(()) };
    let mut text = Vec::new();
    markdown::write(&mut text, report)?;
    text.push(b'\n');
    OpenOptions::new().append(true).create(true).open(path)?.write_all(&text)
}

fn add(text: &mut String, command: &str, title: &str, messages: &[String]) {
    for (place, message) in messages.iter().take(SHOWN).enumerate() {
        let more = messages.len() - SHOWN.min(messages.len());
        let rest = if place + 1 == SHOWN && more > 0 { format!(" (and {more} more)") } else { String::new() };
        // Writing into a String cannot fail.
        writeln!(text, "::{command} title={}::{}", property(title), data(&format!("{message}{rest}")))
            .unwrap_or_default();
    }
}

/// Escapes a message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property's value.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Verdict;

    fn of(code: u8, reasons: &[&str], notes: &[&str]) -> String {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let verdict = Verdict {
            code,
            name: "gate_failed".into(),
            reasons: owned(reasons),
            notes: owned(notes),
            ..Verdict::default()
        };
        let mut report = RunReport { verdict, ..RunReport::default() };
        report.run.name = "steady, at 1:1".into();
        annotations(&report, |name| (name == "GITHUB_ACTIONS").then(|| "true".to_owned()))
    }

    #[test]
    fn reasons_are_errors_and_notes_are_warnings_and_both_are_escaped() {
        assert_eq!(
            of(99, &["99 % of 1:1,\r\n::error::not a command"], &["a note"]),
            "::error title=loadgen steady%2C at 1%3A1%3A gate_failed::99 %25 of 1:1,%0D%0A::error::not a command\n\
             ::warning title=loadgen steady%2C at 1%3A1::a note\n"
        );
        assert_eq!(of(0, &[], &[]), "");
    }

    #[test]
    fn more_than_github_shows_is_counted() {
        let text = of(3, &["lost"; 12], &[]);
        assert_eq!(text.lines().count(), 10);
        assert!(text.ends_with("lost (and 2 more)\n"), "{text}");
    }
}
