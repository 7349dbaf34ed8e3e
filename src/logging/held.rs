//! Log lines while something else has the terminal: they are kept, and written when it is given back.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// Lines kept; of more, the oldest are left out, and it is said how many.
const MOST: usize = 1_000;

static HELD: Mutex<Option<HeldLines>> = Mutex::new(None);

#[derive(Debug, Default)]
struct HeldLines {
    lines: VecDeque<String>,
    left_out: u64,
}

/// Keeps lines from now on.
pub fn hold() {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Lines kept beyond the first `known`, which becomes the number of all, without colours; none where lines are not kept.
#[must_use]
pub fn lines_after(known: &mut u64) -> Vec<String> {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(held) = held.as_ref() else { return Vec::new() };
    let skipped = usize::try_from(known.saturating_sub(held.left_out)).unwrap_or(usize::MAX);
    *known = held.left_out + held.lines.len() as u64;
    held.lines.iter().skip(skipped).map(|line| plain(line)).collect()
}

/// Writes what was kept, and keeps no more. Nobody reads along where stderr is closed.
pub fn release() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(HeldLines { lines, left_out }) = held {
        let mut stderr = io::stderr().lock();
        if left_out > 0 {
            writeln!(stderr, "{left_out} earlier lines are left out").unwrap_or_default();
        }
        for line in lines {
            writeln!(stderr, "{line}").unwrap_or_default();
        }
    }
}

/// Where log lines go: stderr, or into what is kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines;

impl Write for Lines {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = held.as_mut() else {
            // An error would go to stderr again, and end the thread that logs: where stderr cannot be written, nobody reads along.
            return io::stderr().write(text).or(Ok(text.len()));
        };
        // An event is written as a whole.
        for line in String::from_utf8_lossy(text).lines() {
            if held.lines.len() == MOST {
                held.lines.pop_front();
                held.left_out += 1;
            }
            held.lines.push_back(line.to_owned());
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush().or(Ok(()))
    }
}

/// Without the colours of a terminal (ECMA-48 SGR sequences).
fn plain(line: &str) -> String {
    let mut parts = line.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_as_a_bounded_number_without_their_colours() {
        hold();
        for number in 0..MOST + 2 {
            Lines.write_all(format!("\u{1b}[33m WARN\u{1b}[0m line {number}\n").as_bytes()).unwrap();
        }
        let mut known = 0;
        let kept = lines_after(&mut known);
        assert_eq!((kept.len(), kept.last().unwrap().as_str()), (MOST, " WARN line 1001"));
        assert!(lines_after(&mut known).is_empty());
        Lines.write_all(b"one more\n").unwrap();
        assert_eq!(lines_after(&mut known), ["one more"]);
        assert_eq!(HELD.lock().unwrap().take().unwrap().left_out, 3);
        assert!(lines_after(&mut known).is_empty());
    }
}
