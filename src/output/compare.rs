//! A comparison, shown: for a terminal, as Markdown, as a page.

pub mod html;
pub mod markdown;
pub mod text;

use std::fmt::Write as _;

use crate::compare::gate::Outcome;

/// What each rule came to, a line each behind an empty one.
fn listed(outcomes: &[Outcome], lead: &str) -> String {
    let mut out = String::new();
    for (place, outcome) in outcomes.iter().enumerate() {
        let gap = if place == 0 { "\n" } else { "" };
        // Writing into a String cannot fail.
        writeln!(out, "{gap}{lead}{outcome}").unwrap_or_default();
    }
    out
}
