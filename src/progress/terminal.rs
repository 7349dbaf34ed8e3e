//! The terminal that a stream leads to, where it does.

use std::io::{self, IsTerminal};

use ratatui::crossterm::terminal::size;

use crate::width;

/// The columns of text on `stream`, see [`width::columns`].
#[must_use]
pub fn columns(stream: &impl IsTerminal) -> usize {
    let own = stream.is_terminal().then(size).and_then(Result::ok).map(|(columns, _)| columns);
    width::columns(own.filter(|columns| *columns > 0), std::env::var("COLUMNS").ok().as_deref())
}

/// A message for stderr: broken between words on a terminal, whole where something else may read it.
#[must_use]
pub fn message(text: &str) -> String {
    let stderr = io::stderr();
    if stderr.is_terminal() { width::fit(text, columns(&stderr)) } else { text.to_owned() }
}
