//! `explain`: what a name means.

use super::{Done, Failure};
use crate::cli::explain::ExplainArgs;
use crate::explain;
use crate::verdict::ExitCode;

/// The name of the table of all paths.
const GATES: &str = "gates";

pub(super) fn explain(args: &ExplainArgs) -> Result<Done, Failure> {
    match args.name.as_deref() {
        None => Ok(Done::told(explain::index())),
        Some(GATES) => Ok(Done::told(explain::gates())),
        Some(name) => {
            let found: Vec<String> = explain::lookup(name).into_iter().map(ToString::to_string).collect();
            if found.is_empty() { Err(unknown(name)) } else { Ok(Done::told(found.join("\n"))) }
        }
    }
}

fn unknown(name: &str) -> Failure {
    let failure = Failure::new(ExitCode::Usage, format!("\"{name}\" has no meaning here"));
    match explain::nearest(name) {
        Some(near) => failure.hint(format!("the nearest name is \"{near}\": loadgen explain {near}")),
        None => failure.hint("loadgen explain lists every name, loadgen explain gates every path of a gate"),
    }
}
