//! All names at a glance: what `loadgen explain` without a name prints.

use std::fmt::{self, Write};

use super::definition::Sort;
use super::dictionary::all;

/// Every name, under what it is the name of, in lines of at most `columns`.
#[must_use]
pub fn index(columns: usize) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    write_index(&mut text, columns).unwrap_or_default();
    text
}

fn write_index(out: &mut String, columns: usize) -> fmt::Result {
    writeln!(out, "loadgen explain NAME tells what a name means, loadgen explain gates which paths gates may have.")?;
    for sort in Sort::ALL {
        let names: Vec<&str> =
            all().filter(|definition| definition.sort == sort).map(|definition| definition.name).collect();
        write!(out, "\n{}", plural(sort))?;
        let mut column = columns;
        for (place, name) in names.iter().enumerate() {
            let comma = if place + 1 < names.len() { "," } else { "" };
            let width = name.len() + comma.len() + 1;
            if column + width > columns {
                write!(out, "\n ")?;
                column = 1;
            }
            write!(out, " {name}{comma}")?;
            column += width;
        }
        writeln!(out)?;
    }
    Ok(())
}

const fn plural(sort: Sort) -> &'static str {
    match sort {
        Sort::Class => "classes of the ledger",
        Sort::Finding => "findings",
        Sort::Latency => "latencies",
        Sort::Statistic => "numbers of a latency",
        Sort::Figure => "figures",
        Sort::Result => "numbers of results downstream",
        Sort::Part => "parts of a run",
        Sort::BuiltInGate => "built-in gates",
        Sort::GateResult => "results of a gate",
        Sort::ExitCode => "exit codes",
        Sort::Word => "words",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_holds_every_name_once_in_narrow_lines() {
        let index = index(100);
        assert!(index.lines().all(|line| line.len() <= 100));
        for sort in Sort::ALL {
            let section = index.split(&format!("\n{}\n", plural(sort))).nth(1).unwrap();
            let section = section.split("\n\n").next().unwrap();
            let listed: Vec<&str> = section.split(',').map(str::trim).collect();
            let defined: Vec<&str> =
                all().filter(|definition| definition.sort == sort).map(|definition| definition.name).collect();
            assert_eq!(listed, defined);
        }
    }
}
