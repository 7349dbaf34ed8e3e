//! A comparison, shown: for a terminal, as Markdown, as a page.

pub mod html;
pub mod markdown;
pub mod text;
