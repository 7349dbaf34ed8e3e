//! A file line by line, in bounded memory.

use std::io::{BufRead, BufReader, Read};

use super::{Encoding, Guard, Input, InputError, LONGEST_ROW, read_failed};

const BUFFER_BYTES: usize = 256 << 10;

/// The lines of a file.
pub struct Lines {
    /// As the user wrote it.
    pub name: String,
    encoding: Encoding,
    guard: Option<Guard>,
    text: BufReader<Box<dyn Read>>,
    line: u64,
    ends_with_line_end: bool,
}

/// How much of a line was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineExtent {
    /// All of it.
    Whole,
    /// It is longer than [`LONGEST_ROW`]; the rest of it was passed over.
    TooLong,
}

impl Lines {
    /// The lines of `input`.
    #[must_use]
    pub fn new(input: Input) -> Self {
        let Input { name, encoding, text, guard, .. } = input;
        let text = BufReader::with_capacity(BUFFER_BYTES, text);
        Self { name, encoding, guard, text, line: 0, ends_with_line_end: true }
    }

    /// Reads the next line that is not blank into `line`, without its end and without a byte order mark; `None` at the end of the
    /// file.
    ///
    /// # Errors
    /// Where the file cannot be read any more.
    pub fn next(&mut self, line: &mut Vec<u8>) -> Result<Option<LineExtent>, InputError> {
        loop {
            line.clear();
            let failed = |source| read_failed(&self.name, self.encoding.compression, self.line, source);
            let mut most = self.text.by_ref().take(LONGEST_ROW + 1);
            if most.read_until(b'\n', line).map_err(failed)? == 0 {
                return Ok(None);
            }
            self.ends_with_line_end = line.ends_with(b"\n");
            let is_whole = self.ends_with_line_end || line.len() as u64 <= LONGEST_ROW;
            if !is_whole {
                let passed = self.text.skip_until(b'\n').map_err(failed)?;
                self.ends_with_line_end = passed > 0;
            }
            self.line += 1;
            if self.line == 1 && line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
            while matches!(line.last(), Some(b'\n' | b'\r')) {
                line.pop();
            }
            if !is_whole {
                return Ok(Some(LineExtent::TooLong));
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(LineExtent::Whole));
            }
        }
    }

    /// The number of the line that was read last, from 1.
    #[must_use]
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The file's size where it has one.
    #[must_use]
    pub fn bytes(&self) -> Option<u64> {
        self.guard.as_ref().map(Guard::bytes)
    }

    /// After the last line: that nobody wrote to it meanwhile, and how its bytes are wrapped.
    ///
    /// # Errors
    /// Where somebody did.
    pub fn end(&self) -> Result<Encoding, InputError> {
        if let Some(guard) = &self.guard {
            guard.check(&self.name)?;
        }
        Ok(Encoding { final_line_end: self.ends_with_line_end, ..self.encoding })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: Vec<u8>) -> Vec<(u64, usize, LineExtent)> {
        let input = Input::from_reader("x".to_owned(), Box::new(std::io::Cursor::new(text)), None).unwrap();
        let (mut lines, mut line, mut found) = (Lines::new(input), Vec::new(), Vec::new());
        while let Some(taken) = lines.next(&mut line).unwrap() {
            found.push((lines.line(), line.len(), taken));
        }
        found
    }

    #[test]
    fn a_huge_line_takes_one_bounded_piece_of_memory_and_the_next_one_is_read() {
        let longest = usize::try_from(LONGEST_ROW).unwrap();
        let text = [vec![b'x'; 5 * longest], b"\nab\r\n\n  \nc".to_vec()].concat();
        assert_eq!(
            lines(text),
            [(1, longest + 1, LineExtent::TooLong), (2, 2, LineExtent::Whole), (5, 1, LineExtent::Whole)]
        );
        assert_eq!(lines(vec![b'x'; longest]), [(1, longest, LineExtent::Whole)]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert_eq!(lines(b"\xef\xbb\xbfab\nc\n".to_vec()), [(1, 2, LineExtent::Whole), (2, 1, LineExtent::Whole)]);
    }
}
