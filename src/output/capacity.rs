//! A capacity search, shown: for a terminal, as a page.

pub mod page;
pub mod text;
