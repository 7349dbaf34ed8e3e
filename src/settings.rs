//! Settings: each is declared once, with its option, its variable, its name in a scenario, its help and its default.
//!
//! A topic of settings is a struct of one level: what the options, the variables, the `.env` file or the scenario say of it,
//! all of it open where nobody says anything. [`layer`] lays one level over the next; [`layer::settings`] also closes what is
//! open with the defaults, which gives the struct that the engine takes.

#![expect(clippy::doc_markdown, reason = "the docs of options are also their help, which is plain text")]

pub mod anonymise;
pub mod choice;
pub mod cluster;
pub mod events;
pub mod files;
pub mod fleet;
pub mod formats;
pub mod layer;
pub mod log;
pub mod membership;
pub mod outcome;
pub mod pace;
pub mod recording;
pub mod run;
pub mod schemas;
pub mod text;
pub mod transactions;
pub mod values;
pub mod variables;
pub mod verification;
