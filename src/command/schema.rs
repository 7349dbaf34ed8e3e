//! `schema`: the schemas of events shown, registered, and held against those before them.

mod before;
mod check;
mod file;
mod git;
mod judge;
mod register;
mod show;

use std::fmt;
use std::io;

use serde::Serialize;

use super::{Done, Failure};
use crate::cli::schema::{SchemaAction, SchemaArgs};
use crate::progress::terminal;
use crate::scenario::{Environment, schema};
use crate::settings::outcome::Output;
use crate::verdict::ExitCode;
use crate::width;

pub(super) fn schema(args: SchemaArgs, environment: &Environment) -> Result<Done, Failure> {
    match args.action {
        SchemaAction::Show(args) => show::show(&schema::show(*args, environment)?),
        SchemaAction::Register(args) => register::register(&schema::register(*args, environment)?),
        SchemaAction::Check(args) => check::check(&schema::check(*args, environment)?),
    }
}

/// A result in the form that is asked for.
fn shown<T: Serialize + fmt::Display>(result: &T, output: Output) -> Result<String, Failure> {
    match output {
        Output::Text => Ok(width::fit(&result.to_string(), terminal::columns(&io::stdout()))),
        Output::Json => serde_json::to_string_pretty(result)
            .map(|text| text + "\n")
            .map_err(|error| Failure::new(ExitCode::BadInput, error.to_string())),
    }
}
