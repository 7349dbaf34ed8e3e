//! `explain`: what a name means.

use std::io;

use super::{Done, Failure};
use crate::cli::explain::ExplainArgs;
use crate::explain;
use crate::progress::terminal;
use crate::verdict::ExitCode;
use crate::width;

/// The name of the table of all paths.
const GATES: &str = "gates";

pub(super) fn explain(args: &ExplainArgs) -> Result<Done, Failure> {
    let columns = terminal::columns(&io::stdout());
    let text = match args.name.as_deref() {
        None => explain::index(columns),
        Some(GATES) => explain::gates(),
        Some(name) => {
            let found: Vec<String> = explain::lookup(name).into_iter().map(ToString::to_string).collect();
            if found.is_empty() {
                return Err(unknown(name));
            }
            found.join("\n")
        }
    };
    Ok(Done::told(width::fit(&text, columns)))
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::new(ExitCode::Usage, format!("\"{name}\" has no meaning here"));
    match explain::nearest(name) {
        Some(near) => failure.hint(format!("the nearest name is \"{near}\": loadgen explain {near}")),
        None => failure.hint("loadgen explain lists every name, loadgen explain gates every path of a gate"),
    }
}
