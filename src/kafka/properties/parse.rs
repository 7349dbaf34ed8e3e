//! The format of `.properties` files, as `java.util.Properties.load` reads it.

use std::iter::Peekable;
use std::str::Chars;

use super::{Origin, Property};

/// A line that is no property.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct PropertiesError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Reads a file's bytes: UTF-8, or else ISO 8859-1 as Java writes it. `file` is its name for messages.
///
/// Lines end in LF, CR or CRLF; `#` and `!` start a comment; `\` at the end of a line continues it; `=`, `:` or blanks
/// end a key; `\n`, `\t`, `\r`, `\f` and `\uXXXX` are escapes, and `\` before any other character stands for that one.
/// A later line beats an earlier one of the same key.
///
/// # Errors
/// A `\u` without four hexadecimal digits, or a line without a key.
pub fn parse(bytes: &[u8], file: &str) -> Result<Vec<Property>, PropertiesError> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text).to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    };
    let mut properties: Vec<Property> = Vec::new();
    for (line, logical) in logical_lines(&text) {
        let mut rest = logical.chars().peekable();
        let refused = |reason: String| PropertiesError { line, reason };
        let key = unescaped(&mut rest, |c| matches!(c, '=' | ':') || is_blank(c)).map_err(refused)?;
        skip_blanks(&mut rest);
        if rest.next_if(|c| matches!(c, '=' | ':')).is_some() {
            skip_blanks(&mut rest);
        }
        let value = unescaped(&mut rest, |_| false).map_err(refused)?;
        if key.is_empty() {
            return Err(PropertiesError { line, reason: "there is no key before the value".to_owned() });
        }
        properties.retain(|earlier| earlier.key != key);
        properties.push(Property { key, value, origin: Origin::Line { file: file.to_owned(), line } });
    }
    Ok(properties)
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn skip_blanks(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| is_blank(*c)).is_some() {}
}

/// Lines without comments and empty ones, continued lines joined, each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let unified = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, natural) in unified.split('\n').enumerate() {
        let content = natural.trim_start_matches(is_blank);
        let (number, mut joined) = match open.take() {
            Some(begun) => begun,
            None if content.is_empty() || content.starts_with(['#', '!']) => continue,
            None => (index + 1, String::new()),
        };
        let backslashes = content.len() - content.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            joined.push_str(&content[..content.len() - 1]);
            open = Some((number, joined));
        } else {
            joined.push_str(content);
            lines.push((number, joined));
        }
    }
    lines.extend(open);
    lines
}

/// Text up to the first unescaped character that `ends` it, escapes resolved.
fn unescaped(rest: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) -> Result<String, String> {
    let mut text = String::new();
    let mut units: Vec<u16> = Vec::new();
    while let Some(c) = rest.next_if(|c| !ends(*c)) {
        if c != '\\' {
            flush(&mut units, &mut text)?;
            text.push(c);
            continue;
        }
        match rest.next() {
            Some('u') => units.push(hexadecimal(rest)?),
            escaped => {
                flush(&mut units, &mut text)?;
                text.extend(escaped.map(|c| match c {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'f' => '\u{c}',
                    other => other,
                }));
            }
        }
    }
    flush(&mut units, &mut text)?;
    Ok(text)
}

/// Java writes characters beyond 16 bits as two escapes.
fn flush(units: &mut Vec<u16>, text: &mut String) -> Result<(), String> {
    if !units.is_empty() {
        let decoded = String::from_utf16(units).map_err(|_| "a \\u escape is half of a surrogate pair".to_owned())?;
        text.push_str(&decoded);
        units.clear();
    }
    Ok(())
}

fn hexadecimal(rest: &mut Peekable<Chars<'_>>) -> Result<u16, String> {
    let digits: String = rest.by_ref().take(4).collect();
    if digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u16::from_str_radix(&digits, 16).map_err(|error| error.to_string())
    } else {
        Err("\\u needs four hexadecimal digits".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes(), "f").unwrap().into_iter().map(|p| (p.key, p.value)).collect()
    }

    fn one(text: &str) -> (String, String) {
        let mut all = pairs(text);
        assert_eq!(all.len(), 1, "{text:?}");
        all.remove(0)
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn equals_colon_and_blanks_end_a_key() {
        for text in ["a=b", "a:b", "a b", "a = b", "a\t:\tb", "  a   b", "\u{c}a\u{c}=b"] {
            assert_eq!(one(text), pair("a", "b"), "{text:?}");
        }
        assert_eq!(one("a"), pair("a", ""));
        assert_eq!(one("a="), pair("a", ""));
        assert_eq!(one("a==b"), pair("a", "=b"));
        assert_eq!(one("a= b "), pair("a", "b "));
    }

    #[test]
    fn comments_and_empty_lines_are_skipped() {
        assert_eq!(pairs("# c\n! d\n\n   \n  # e\\\na=1\n"), [pair("a", "1")]);
    }

    #[test]
    fn a_backslash_at_the_end_continues_a_line() {
        assert_eq!(one("servers=a:1,\\\n    b:2,\\\r\n\tc:3"), pair("servers", "a:1,b:2,c:3"));
        assert_eq!(one("path=c:\\\\temp\\\\"), pair("path", "c:\\temp\\"));
        assert_eq!(pairs("a=1\\\\\nb=2"), [pair("a", "1\\"), pair("b", "2")]);
        assert_eq!(one("a=b\\\n# not a comment"), pair("a", "b# not a comment"));
        assert_eq!(one("a=b\\"), pair("a", "b"));
    }

    #[test]
    fn escapes_are_resolved() {
        assert_eq!(one("a\\ b\\=c=d\\te\\u00e9\\q"), pair("a b=c", "d\te\u{e9}q"));
        assert_eq!(one("smile=\\uD83D\\uDE00"), pair("smile", "\u{1f600}"));
    }

    #[test]
    fn latin_1_is_read_where_the_file_is_not_utf_8() {
        let properties = parse(b"name=caf\xe9", "f").unwrap();
        assert_eq!(properties[0].value, "caf\u{e9}");
        assert_eq!(parse("\u{feff}name=caf\u{e9}".as_bytes(), "f").unwrap()[0].value, "caf\u{e9}");
    }

    #[test]
    fn the_last_line_of_a_key_counts_and_knows_its_number() {
        let properties = parse(b"a=1\n\nb=\\\n2\na=3", "client.properties").unwrap();
        let shown: Vec<String> = properties.iter().map(|p| format!("{}={} {}", p.key, p.value, p.origin)).collect();
        assert_eq!(shown, ["b=2 client.properties line 3", "a=3 client.properties line 5"]);
    }

    #[test]
    fn broken_escapes_and_missing_keys_are_refused_with_their_line() {
        let message = |text: &str| parse(text.as_bytes(), "f").unwrap_err().to_string();
        assert_eq!(message("a=1\nb=\\u12"), "line 2: \\u needs four hexadecimal digits");
        assert_eq!(message("a=\\uD83D!"), "line 1: a \\u escape is half of a surrogate pair");
        assert_eq!(message("=1"), "line 1: there is no key before the value");
    }

    /// Writes a text the way `java.util.Properties.store` does.
    fn store(text: &str, is_key: bool) -> String {
        let mut written = String::new();
        for (index, c) in text.chars().enumerate() {
            match c {
                ' ' if is_key || index == 0 => written.push_str("\\ "),
                '\t' => written.push_str("\\t"),
                '\n' => written.push_str("\\n"),
                '\r' => written.push_str("\\r"),
                '\u{c}' => written.push_str("\\f"),
                '=' | ':' | '#' | '!' | '\\' => written.extend(['\\', c]),
                ' '..='~' => written.push(c),
                other => {
                    let mut units = [0; 2];
                    written.extend(other.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04X}")));
                }
            }
        }
        written
    }

    proptest! {
        #[test]
        fn what_java_stores_is_read_back(key in ".{1,20}", value in "\\PC{0,20}[ \t\n\r=:#!\\\\]{0,4}.{0,9}") {
            let stored = format!("{}={}\n", store(&key, true), store(&value, false));
            prop_assert_eq!(one(&stored), (key, value));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Err(error) = parse(&bytes, "f") {
                prop_assert!(error.line >= 1);
            }
        }
    }
}
