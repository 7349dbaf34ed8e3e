//! Text in so many columns: how many there are, and lines that break between words.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of text where nothing says otherwise: in pipes and files, and on terminals that have more.
pub const FULL: usize = 100;
/// Fewer are taken for as many: tables need them.
pub const LEAST: usize = 60;

/// The columns of text: what `COLUMNS` says, else the terminal's own, within [`LEAST`] and [`FULL`]; without either, all.
#[must_use]
pub fn columns(terminal: Option<u16>, variable: Option<&str>) -> usize {
    let said = variable.and_then(|text| text.trim().parse().ok()).filter(|columns| *columns > 0);
    said.or(terminal.map(usize::from)).unwrap_or(FULL).clamp(LEAST, FULL)
}

/// `text` with each line that is wider than `columns` broken between words. What comes below is indented by two more than
/// the line's own start. A word that is wider alone stays whole: it may be a path.
#[must_use]
pub fn fit(text: &str, columns: usize) -> String {
    let lines = text.split('\n').map(|line| {
        if line.width() <= columns {
            return line.to_owned();
        }
        let words = line.trim_start_matches(' ');
        let indent = line.len() - words.len();
        hanging(&line[..indent], words, indent + 2, columns)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `words` behind `lead`, and below it from the column `indent` on.
#[must_use]
pub fn hanging(lead: &str, words: &str, indent: usize, columns: usize) -> String {
    let mut text = lead.to_owned();
    let (mut used, mut empty) = (lead.width(), true);
    for word in words.split(' ') {
        let width = word.width();
        if !empty && used + 1 + width > columns {
            text = text.trim_end().to_owned() + "\n" + &" ".repeat(indent);
            (used, empty) = (indent, true);
        }
        if !empty {
            text.push(' ');
            used += 1;
        }
        text.push_str(word);
        (used, empty) = (used + width, false);
    }
    text
}

/// Lines of at most `width` columns, broken between words; a word that is wider is broken too, first where its spaces were
/// to be kept (U+00A0).
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let words = text.split(' ').flat_map(|word| {
        let kept = if word.width() > width { '\u{a0}' } else { ' ' };
        word.split(kept)
    });
    for piece in words.flat_map(|word| pieces(word, width)) {
        let line = lines.last_mut().filter(|line| line.is_empty() || line.width() + 1 + piece.width() <= width);
        match line {
            Some(line) => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(&piece);
            }
            None => lines.push(piece),
        }
    }
    lines.iter().map(|line| line.replace('\u{a0}', " ")).collect()
}

fn pieces(word: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for character in word.chars() {
        let columns = character.width().unwrap_or(0);
        if used + columns > width {
            pieces.push(String::new());
            used = 0;
        }
        used += columns;
        if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}

/// `text` cut to `columns`, its last one then saying so.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let first = pieces(text, columns.saturating_sub(1).max(1)).into_iter().next().unwrap_or_default();
    first + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_has_all_columns_and_a_terminal_its_own_within_bounds() {
        assert_eq!(columns(None, None), 100);
        assert_eq!([40, 80, 150].map(|of| columns(Some(of), None)), [60, 80, 100]);
        assert_eq!(columns(Some(150), Some("72")), 72);
        assert_eq!(columns(None, Some("80")), 80);
        assert_eq!([Some(""), Some("0"), Some("wide")].map(|said| columns(Some(80), said)), [80; 3]);
    }

    #[test]
    fn lines_break_between_words_and_words_only_when_they_must() {
        assert_eq!(wrapped("aa bb cc", 5), ["aa bb", "cc"]);
        assert_eq!(wrapped("abcdefgh ij", 5), ["abcde", "fgh", "ij"]);
        assert_eq!(wrapped("日本日本", 5), ["日本", "日本"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("a\u{a0}b c", 3), ["a b", "c"]);
        assert_eq!(wrapped("a\u{a0}b\u{a0}c d", 4), ["a b", "c d"], "rather there than within words");
    }

    #[test]
    fn what_fits_stays_and_the_rest_goes_on_below_two_columns_in() {
        assert_eq!(fit("ab\n  aa bb cc\n", 7), "ab\n  aa bb\n    cc\n");
        assert_eq!(fit(" /a/long/path here", 6), " /a/long/path\n   here");
        assert_eq!(hanging(" base   ", "aa bb", 8, 10), " base   aa\n        bb");
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!([cut("abcdef", 4), cut("abcd", 4)], ["abc…", "abcd"]);
    }
}
