//! The page: lines of so many columns with labels at the left, coloured as a whole or not at all.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::width::{cut, hanging, wrapped};

/// Columns of a table's column where there is room for all.
const COLUMN: usize = 13;
/// Where the text beside a label begins.
const INDENT: usize = 12;

/// What a piece of text is coloured for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Label,
    Good,
    Warning,
    Bad,
}

impl Ink {
    const fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Label => Style::new().bold(),
            Self::Good => AnsiColor::Green.on_default().bold(),
            Self::Warning => AnsiColor::Yellow.on_default().bold(),
            Self::Bad => AnsiColor::Red.on_default().bold(),
        }
    }
}

/// Lines in the making. All text is made printable here, so that no name from outside can steer the terminal.
pub(super) struct Page {
    color: bool,
    pub(super) columns: usize,
    text: String,
}

impl Page {
    pub(super) const fn new(color: bool, columns: usize) -> Self {
        Self { color, columns, text: String::new() }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// The first line: a word, and the sentence beside it.
    pub(super) fn headline(&mut self, word: &str, ink: Ink, sentence: &str) {
        let indent = word.width() + 2;
        for (place, line) in wrapped(&printable(sentence), self.columns - indent).into_iter().enumerate() {
            if place == 0 {
                self.put(word, ink);
                self.text.push_str("  ");
            } else {
                self.spaces(indent);
            }
            self.put(&line, Ink::Label);
            self.text.push('\n');
        }
    }

    /// A line that must not be overlooked.
    pub(super) fn notice(&mut self, text: &str) {
        let lines = hanging(" *** ", &format!("{text} ***"), 5, self.columns);
        lines.lines().for_each(|line| self.line(line, Ink::Warning));
    }

    /// A label and the text beside it, over as many lines as it takes.
    pub(super) fn row(&mut self, label: &str, text: &str) {
        self.row_inked(label, text, Ink::Plain);
    }

    /// A label and a list beside it, broken between its items as far as they are short enough.
    pub(super) fn list(&mut self, label: &str, items: &[String]) {
        self.row(label, &unbroken(items));
    }

    /// The same with the text coloured.
    pub(super) fn row_inked(&mut self, label: &str, text: &str, ink: Ink) {
        for (place, line) in wrapped(&printable(text), self.columns - INDENT).into_iter().enumerate() {
            let label = if place == 0 { label } else { "" };
            self.text.push(' ');
            self.put(label, Ink::Label);
            self.spaces((INDENT - 1).saturating_sub(label.width()).max(1));
            self.put(line.trim_end(), ink);
            self.text.push('\n');
        }
    }

    /// The head of a table: a label, and columns that begin right behind it.
    pub(super) fn head(&mut self, label: &str, columns: &str) {
        self.text.push(' ');
        self.put(label, Ink::Label);
        self.text.push_str(columns.trim_end());
        self.text.push('\n');
    }

    /// A line as it is.
    pub(super) fn line(&mut self, text: &str, ink: Ink) {
        self.put(printable(text).trim_end(), ink);
        self.text.push('\n');
    }

    /// Cells of a table, and words behind them that go on below themselves.
    pub(super) fn cells(&mut self, cells: &str, words: &str, ink: Ink) {
        let lines = hanging(&format!("{cells}   "), &printable(words), cells.width() + 3, self.columns);
        lines.lines().for_each(|line| self.line(line, ink));
    }

    /// Text over as many lines as it takes: the first `indent` columns in, the others two more.
    pub(super) fn paragraph(&mut self, indent: usize, text: &str, ink: Ink) {
        for (place, line) in wrapped(&printable(text), self.columns - indent - 2).into_iter().enumerate() {
            self.spaces(if place == 0 { indent } else { indent + 2 });
            self.put(line.trim_end(), ink);
            self.text.push('\n');
        }
    }

    /// A path, never broken, so that it can be clicked and copied.
    pub(super) fn path(&mut self, path: &str) {
        self.line(&format!(" {path}"), Ink::Plain);
    }

    /// An empty line, unless there is one.
    pub(super) fn blank(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    fn spaces(&mut self, number: usize) {
        self.text.extend(std::iter::repeat_n(' ', number));
    }

    fn put(&mut self, text: &str, ink: Ink) {
        if self.color && ink != Ink::Plain && !text.trim().is_empty() {
            let style = ink.style();
            self.text.extend([style.render().to_string().as_str(), text, style.render_reset().to_string().as_str()]);
        } else {
            self.text.push_str(text);
        }
    }
}

/// The items with dots between them; the spaces within a short one do not break.
pub(super) fn unbroken(items: &[String]) -> String {
    let items: Vec<_> =
        items.iter().map(|item| if item.width() <= 70 { item.replace(' ', "\u{a0}") } else { item.clone() }).collect();
    items.join(" · ").replace(" · ", "\u{a0}· ")
}

/// `text` in a field of `width` columns, at its left.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// `text` in a field of `width` columns, at its right.
pub(super) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

/// Text without characters that steer a terminal or turn the writing direction around.
pub(super) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// A table of names, each with as many cells as there are heads. Where columns are few its own are narrower, and the
/// `expendable` ones go, the first of them first.
pub(super) fn table<const N: usize>(
    page: &mut Page,
    label: &str,
    heads: [&str; N],
    rows: &[(String, [String; N])],
    expendable: &[usize],
) {
    let longest = rows.iter().map(|(name, _)| printable(name).width()).max().unwrap_or(0);
    let mut name_width = longest.clamp(12, 18);
    let room = page.columns - 3;
    let widest =
        |column: usize| rows.iter().map(|(_, cells)| cells[column].width()).fold(heads[column].width(), usize::max);
    let mut shown: Vec<usize> = (0..N).collect();
    let mut widths: [usize; N] = std::array::from_fn(|column| COLUMN.max(widest(column) + 1));
    if name_width + widths.iter().sum::<usize>() > room {
        let total = |shown: &[usize], gap: usize| shown.iter().map(|column| widest(*column) + gap).sum::<usize>();
        let gap = if name_width + total(&shown, 2) <= room { 2 } else { 1 };
        for gone in expendable {
            if name_width + total(&shown, gap) > room {
                shown.retain(|column| column != gone);
            }
        }
        name_width = name_width.min(room.saturating_sub(total(&shown, gap)).max(6));
        widths = std::array::from_fn(|column| widest(column) + gap);
    }
    let line = |cells: &dyn Fn(usize) -> String| -> String {
        shown.iter().map(|column| right(&cells(*column), widths[*column])).collect()
    };
    page.head(&left(label, name_width + 2), &line(&|column| heads[column].to_owned()));
    for (name, cells) in rows {
        let name = left(&cut(&printable(name), name_width), name_width);
        page.line(&format!("   {name}{}", line(&|column| cells[column].clone())), Ink::Plain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\nc\\u{202e}d");
        assert_eq!(printable("größer · 日本 — …"), "größer · 日本 — …");
    }

    #[test]
    fn without_color_there_is_no_escape_sequence() {
        let mut page = Page::new(false, 100);
        page.headline("PASS", Ink::Good, "all is well");
        page.notice("mind this");
        assert_eq!(page.finish(), "PASS  all is well\n *** mind this ***\n");
        let mut page = Page::new(true, 100);
        page.headline("PASS", Ink::Good, "all is well");
        assert!(page.finish().contains("\u{1b}[32mPASS"));
    }
}
