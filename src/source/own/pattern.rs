//! Texts after a pattern: a regular expression, read the other way round.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::super::stream::{Stream, below};
use super::form::is_plain;

/// The longest text that a pattern may give.
const LONGEST: u64 = 4_096;

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    part: Part,
    pub(super) is_plain: bool,
    pub(super) most_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    /// One of these ranges' bytes, which are ASCII; each as likely as the next.
    OneOf {
        ranges: Box<[(u8, u8)]>,
        count: u64,
    },
    Repeated {
        least: u64,
        most: u64,
        part: Box<Part>,
    },
    All(Box<[Part]>),
    Either(Box<[Part]>),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Why no text can be written after it.
    pub(super) fn read(pattern: &str) -> Result<Self, String> {
        let parsed = ParserBuilder::new().unicode(false).utf8(true).nest_limit(50).build().parse(pattern);
        let hir = parsed.map_err(|error| match &error {
            regex_syntax::Error::Parse(error) => format!("it is no regular expression: {}", error.kind()),
            regex_syntax::Error::Translate(error) => {
                format!("{}: name the characters that may come, as in [A-Z]", error.kind())
            }
            error => error.to_string(),
        })?;
        let part = part(&hir)?;
        let most_bytes = part.most_bytes();
        if most_bytes > LONGEST {
            return Err(format!("its texts may be longer than {LONGEST} bytes"));
        }
        Ok(Self { is_plain: part.is_plain(), most_bytes, part })
    }

    pub(super) fn write(&self, stream: &mut Stream, text: &mut String) {
        self.part.write(stream, text);
    }
}

fn part(hir: &Hir) -> Result<Part, String> {
    let all = |parts: &[Hir]| parts.iter().map(part).collect::<Result<Box<[_]>, _>>();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(Look::Start | Look::End) => Ok(Part::Text("".into())),
        HirKind::Look(_) => {
            Err("words and lines have no ends in a text that is written: leave \\b and (?m) out".to_owned())
        }
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Ok(Part::Text(text.into())),
            Err(_) => Err("a byte of it is no text".to_owned()),
        },
        HirKind::Class(class) => one_of(class),
        HirKind::Repetition(repetition) => match repetition.max {
            None => Err("a repetition has no end: give its most, as in {0,10} in the place of *".to_owned()),
            Some(most) => Ok(Part::Repeated {
                least: repetition.min.into(),
                most: most.into(),
                part: Box::new(part(&repetition.sub)?),
            }),
        },
        HirKind::Capture(capture) => part(&capture.sub),
        HirKind::Concat(parts) => all(parts).map(Part::All),
        HirKind::Alternation(parts) => all(parts).map(Part::Either),
    }
}

fn one_of(class: &Class) -> Result<Part, String> {
    let nothing = || "a class has no character that can be written".to_owned();
    let bytes = match class {
        Class::Bytes(bytes) => bytes.clone(),
        Class::Unicode(unicode) => unicode.to_byte_class().ok_or_else(nothing)?,
    };
    let ranges: Box<[(u8, u8)]> = bytes.iter().map(|range| (range.start(), range.end())).collect();
    let count = ranges.iter().map(|(first, last)| u64::from(last - first) + 1).sum();
    if count == 0 || ranges.iter().any(|(_, last)| !last.is_ascii()) {
        return Err(nothing());
    }
    Ok(Part::OneOf { ranges, count })
}

impl Part {
    fn most_bytes(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::OneOf { .. } => 1,
            Self::Repeated { most, part, .. } => most.saturating_mul(part.most_bytes()),
            Self::All(parts) => parts.iter().fold(0, |sum, part| sum.saturating_add(part.most_bytes())),
            Self::Either(parts) => parts.iter().map(Self::most_bytes).max().unwrap_or(0),
        }
    }

    fn is_plain(&self) -> bool {
        match self {
            Self::Text(text) => is_plain(text),
            Self::OneOf { ranges, .. } => ranges.iter().all(|&(first, last)| {
                first >= b' ' && ![b'"', b'\\'].iter().any(|escaped| (first..=last).contains(escaped))
            }),
            Self::Repeated { part, .. } => part.is_plain(),
            Self::All(parts) | Self::Either(parts) => parts.iter().all(Self::is_plain),
        }
    }

    fn write(&self, stream: &mut Stream, text: &mut String) {
        match self {
            Self::Text(own) => text.push_str(own),
            Self::OneOf { ranges, count } => {
                let mut left = below(stream.word(), *count);
                for &(first, last) in ranges {
                    let width = u64::from(last - first) + 1;
                    if left < width {
                        #[expect(clippy::cast_possible_truncation, reason = "less than the width of a range of bytes")]
                        text.push(char::from(first + left as u8));
                        return;
                    }
                    left -= width;
                }
            }
            Self::Repeated { least, most, part } => {
                let times = least + below(stream.word(), most - least + 1);
                (0..times).for_each(|_| part.write(stream, text));
            }
            Self::All(parts) => parts.iter().for_each(|part| part.write(stream, text)),
            Self::Either(parts) => {
                #[expect(clippy::cast_possible_truncation, reason = "less than how many parts there are")]
                let chosen = below(stream.word(), parts.len() as u64) as usize;
                if let Some(part) = parts.get(chosen) {
                    part.write(stream, text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> Vec<String> {
        let pattern = Pattern::read(pattern).unwrap();
        let text = |n| {
            let mut text = String::new();
            pattern.write(&mut Stream::scattered(7, n), &mut text);
            assert!(text.len() as u64 <= pattern.most_bytes);
            text
        };
        (0..500).map(text).collect()
    }

    #[test]
    fn every_text_is_of_the_pattern_and_no_character_is_left_out() {
        let all = texts("[A-C]{2}-[0-9]{3,5}(-x|)");
        assert!(all.iter().all(|text| {
            let (head, tail) = text.split_at(3);
            let digits = tail.strip_suffix("-x").unwrap_or(tail);
            head.bytes().take(2).all(|byte| (b'A'..=b'C').contains(&byte))
                && head.ends_with('-')
                && (3..=5).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
        }));
        for character in "ABC-0123456789x".chars() {
            assert!(all.iter().any(|text| text.contains(character)), "{character} never comes");
        }
        assert!(texts(r"^\d{4}$").iter().all(|text| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit())));
        assert!(texts("tr\u{e8}s{1,2}").iter().all(|text| text.starts_with("tr\u{e8}s")));
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        for (pattern, reason) in [
            ("[A-Z", "it is no regular expression: unclosed character class"),
            ("a+", "a repetition has no end: give its most, as in {0,10} in the place of *"),
            ("a{3,}", "a repetition has no end"),
            (r"\bword", "words and lines have no ends"),
            (".", "name the characters that may come"),
            ("(a{1000}){1000}", "its texts may be longer than 4096 bytes"),
            ("[a&&b]", "a class has no character that can be written"),
        ] {
            let error = Pattern::read(pattern).unwrap_err();
            assert!(error.contains(reason), "{pattern}: {error}");
        }
    }

    #[test]
    fn a_pattern_knows_whether_its_texts_need_escapes() {
        assert!(Pattern::read("[a-z]{3}/[!#]").unwrap().is_plain);
        assert!(!Pattern::read("[ -~]").unwrap().is_plain);
        assert!(!Pattern::read(r"a\\b").unwrap().is_plain);
        assert!(!Pattern::read(r"\s").unwrap().is_plain);
    }
}
