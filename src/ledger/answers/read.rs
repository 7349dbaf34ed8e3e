//! Reading them again, while the run goes on or when it is over.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::{Head, Line, VERSION};

/// What stands first in the file at `path`.
///
/// # Errors
/// Where it cannot be read, or is no such file.
pub fn head(path: &Path) -> io::Result<Head> {
    let mut found = None;
    let read = read_lines(path, &mut |line| {
        if let Line::Head(head) = line {
            found = Some(head);
        }
        Ok(false)
    });
    match (found, read) {
        (Some(head), _) if head.version == VERSION => Ok(head),
        (Some(head), _) => {
            Err(damaged(&format!("its format is version {}, this loadgen knows {VERSION}", head.version)))
        }
        (None, Err(error)) => Err(error),
        (None, Ok(())) => Err(damaged("its first line is no head")),
    }
}

/// Reads the file at `path` line by line.
///
/// # Errors
/// Where it cannot be read, or a line is none; the error of `each`.
pub fn read(path: &Path, each: &mut dyn FnMut(Line) -> io::Result<()>) -> io::Result<()> {
    read_lines(path, &mut |line| each(line).map(|()| true))
}

fn read_lines(path: &Path, each: &mut dyn FnMut(Line) -> io::Result<bool>) -> io::Result<()> {
    let mut lines = BufReader::new(zstd::Decoder::new(File::open(path)?)?);
    let mut text = String::new();
    for number in 1.. {
        text.clear();
        if lines.read_line(&mut text)? == 0 {
            return Ok(());
        }
        let line = serde_json::from_str(&text).map_err(|error| damaged(&format!("line {number}: {error}")))?;
        if !each(line)? {
            return Ok(());
        }
    }
    Ok(())
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
