//! What texts are made of that look as people would write them. Nothing here needs an escape in JSON.

mod words;

use self::words::{
    ADJECTIVES, BROWSERS, CITIES, FIRM_ENDS, FIRMS, FIRST_NAMES, GOODS, LAST_NAMES, STREET_ENDS, STREETS, SYSTEMS,
    TOP_DOMAINS, WORDS,
};
use super::super::stream::{Stream, below};

/// A part of a text.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// This.
    Text(&'static str),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// One of these, in lower case.
    Lower(&'static [&'static str]),
    /// A number between two bounds, filled up with zeros to the digits of the larger one where the third says so.
    Number(u64, u64, bool),
    /// So many characters of these.
    Some(&'static [u8], u64),
}

use Part::{Lower, Number, OneOf, Some, Text};

/// A text of several parts.
pub(super) type Template = &'static [Part];

/// Appends a text after `template`.
pub(super) fn write(template: Template, stream: &mut Stream, text: &mut String) {
    for part in template {
        match *part {
            Text(own) => text.push_str(own),
            OneOf(words) => text.push_str(one_of(words, stream)),
            Lower(words) => text.extend(one_of(words, stream).chars().map(|letter| letter.to_ascii_lowercase())),
            Number(least, most, filled) => {
                let number = least + below(stream.word(), most - least + 1);
                let mut buffer = itoa::Buffer::new();
                let digits = buffer.format(number);
                let wide = if filled { most.max(1).ilog10() as usize + 1 } else { 0 };
                (digits.len()..wide).for_each(|_| text.push('0'));
                text.push_str(digits);
            }
            Some(letters, count) => {
                for _ in 0..count {
                    #[expect(clippy::cast_possible_truncation, reason = "less than how many letters there are")]
                    let at = below(stream.word(), letters.len() as u64) as usize;
                    text.push(letters.get(at).copied().map_or('0', char::from));
                }
            }
        }
    }
}

/// As many bytes as a text after `template` has at most.
pub(super) fn most_bytes(template: Template) -> u64 {
    let longest = |words: &[&str]| words.iter().map(|word| word.len()).max().unwrap_or(0) as u64;
    let most = |part: &Part| match *part {
        Text(own) => own.len() as u64,
        OneOf(words) | Lower(words) => longest(words),
        Number(_, most, _) => u64::from(most.max(1).ilog10()) + 1,
        Some(_, count) => count,
    };
    template.iter().map(most).sum()
}

/// Appends so many words; the longest has [`LONGEST_WORD`] bytes.
pub(super) fn write_words(count: u64, stream: &mut Stream, text: &mut String) {
    for at in 0..count {
        if at > 0 {
            text.push(' ');
        }
        text.push_str(one_of(WORDS, stream));
    }
}

/// Words of a sentence.
pub(super) const SENTENCE: (u64, u64) = (4, 14);

/// Appends so many sentences.
pub(super) fn write_sentences(count: u64, stream: &mut Stream, text: &mut String) {
    for at in 0..count {
        if at > 0 {
            text.push(' ');
        }
        let start = text.len();
        write_words(SENTENCE.0 + below(stream.word(), SENTENCE.1 - SENTENCE.0 + 1), stream, text);
        if let Option::Some(first) = text.get_mut(start..=start) {
            first.make_ascii_uppercase();
        }
        text.push('.');
    }
}

fn one_of(words: &'static [&'static str], stream: &mut Stream) -> &'static str {
    #[expect(clippy::cast_possible_truncation, reason = "less than how many words there are")]
    let at = below(stream.word(), words.len() as u64) as usize;
    words.get(at).copied().unwrap_or_default()
}

/// Bytes of the longest word.
pub(super) const LONGEST_WORD: u64 = 9;

const HEX: &[u8] = b"0123456789abcdef";
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &[u8] = b"0123456789";

/// Countries by their codes (ISO 3166-1), with how often they come.
pub(super) const COUNTRIES: &[(&str, f64)] = &[
    ("US", 20.0),
    ("DE", 12.0),
    ("GB", 10.0),
    ("FR", 9.0),
    ("ES", 6.0),
    ("IT", 6.0),
    ("NL", 5.0),
    ("PL", 5.0),
    ("BR", 5.0),
    ("IN", 5.0),
    ("JP", 4.0),
    ("SE", 3.0),
    ("CH", 2.0),
    ("AT", 2.0),
    ("BE", 2.0),
    ("AU", 2.0),
    ("CA", 2.0),
];
/// Currencies by their codes (ISO 4217), with how often they come.
pub(super) const CURRENCIES: &[(&str, f64)] =
    &[("EUR", 45.0), ("USD", 30.0), ("GBP", 12.0), ("JPY", 5.0), ("CHF", 4.0), ("SEK", 2.0), ("PLN", 2.0)];
/// Languages as browsers name them, with how often they come.
pub(super) const LANGUAGES: &[(&str, f64)] = &[
    ("en-US", 30.0),
    ("de-DE", 20.0),
    ("fr-FR", 14.0),
    ("es-ES", 12.0),
    ("en-GB", 10.0),
    ("it-IT", 8.0),
    ("nl-NL", 6.0),
];
/// Devices, with how often they come.
pub(super) const DEVICES: &[(&str, f64)] = &[("mobile", 60.0), ("desktop", 33.0), ("tablet", 7.0)];
/// Where something stands, with how often it comes.
pub(super) const STATES: &[(&str, f64)] = &[("new", 30.0), ("active", 40.0), ("done", 25.0), ("cancelled", 5.0)];
/// Colours.
pub(super) const COLOURS: &[(&str, f64)] =
    &[("black", 5.0), ("white", 4.0), ("grey", 3.0), ("blue", 3.0), ("red", 2.0), ("green", 2.0), ("yellow", 1.0)];
/// Time zones.
pub(super) const ZONES: &[(&str, f64)] =
    &[("Europe/Berlin", 4.0), ("Europe/London", 3.0), ("America/New_York", 4.0), ("Asia/Tokyo", 2.0), ("UTC", 1.0)];

/// Texts after a template, by the names that a field can be told to be like.
pub(super) const TEMPLATES: &[(&str, Template)] = &[
    ("first_name", &[OneOf(FIRST_NAMES)]),
    ("last_name", &[OneOf(LAST_NAMES)]),
    ("name", &[OneOf(FIRST_NAMES), Text(" "), OneOf(LAST_NAMES)]),
    ("username", &[Lower(FIRST_NAMES), Text("_"), Number(1, 999, false)]),
    ("email", &[Lower(FIRST_NAMES), Text("."), Lower(LAST_NAMES), Number(1, 99, false), Text("@"), OneOf(TOP_DOMAINS)]),
    ("phone", &[Text("+"), Number(1, 99, false), Text(" "), Some(DIGITS, 3), Text(" "), Some(DIGITS, 7)]),
    ("company", &[OneOf(FIRMS), Text(" "), OneOf(FIRM_ENDS)]),
    ("product", &[OneOf(ADJECTIVES), Text(" "), OneOf(GOODS)]),
    ("street", &[Number(1, 199, false), Text(" "), OneOf(STREETS), Text(" "), OneOf(STREET_ENDS)]),
    ("city", &[OneOf(CITIES)]),
    ("postcode", &[Some(DIGITS, 5)]),
    (
        "address",
        &[
            Number(1, 199, false),
            Text(" "),
            OneOf(STREETS),
            Text(" "),
            OneOf(STREET_ENDS),
            Text(", "),
            Some(DIGITS, 5),
            Text(" "),
            OneOf(CITIES),
        ],
    ),
    ("host", &[Lower(FIRMS), Text("."), OneOf(TOP_DOMAINS)]),
    (
        "url",
        &[
            Text("https://"),
            Lower(FIRMS),
            Text("."),
            OneOf(TOP_DOMAINS),
            Text("/"),
            OneOf(WORDS),
            Text("/"),
            Number(1, 9_999, false),
        ],
    ),
    // The blocks that are kept for documentation (RFC 5737, RFC 3849).
    ("ip", &[OneOf(&["192.0.2.", "198.51.100.", "203.0.113."]), Number(1, 254, false)]),
    ("ipv6", &[Text("2001:db8::"), Some(HEX, 4), Text(":"), Some(HEX, 4)]),
    ("user_agent", &[Text("Mozilla/5.0 ("), OneOf(SYSTEMS), Text(") "), OneOf(BROWSERS)]),
    ("sku", &[Some(LETTERS, 3), Text("-"), Some(DIGITS, 5)]),
    ("iban", &[Text("DE"), Some(DIGITS, 20)]),
    ("hash", &[Some(HEX, 32)]),
    ("version", &[Number(0, 9, false), Text("."), Number(0, 20, false), Text("."), Number(0, 30, false)]),
    ("time", &[Number(0, 23, true), Text(":"), Number(0, 59, true), Text(":"), Number(0, 59, true), Text("Z")]),
];

#[cfg(test)]
mod tests {
    use super::super::form::is_plain;
    use super::*;

    #[test]
    fn texts_need_no_escapes_and_are_as_long_as_is_said() {
        for (name, template) in TEMPLATES {
            for n in 0..200 {
                let mut text = String::new();
                write(template, &mut Stream::scattered(3, n), &mut text);
                assert!(is_plain(&text) && !text.is_empty(), "{name}: {text}");
                assert!(text.len() as u64 <= most_bytes(template), "{name}: {text}");
            }
        }
        assert_eq!(WORDS.iter().map(|word| word.len()).max(), usize::try_from(LONGEST_WORD).ok());
    }

    #[test]
    fn a_sentence_begins_with_a_capital_and_ends_with_a_full_stop() {
        let mut text = String::new();
        write_sentences(3, &mut Stream::scattered(1, 1), &mut text);
        let sentences: Vec<&str> = text.split_terminator('.').map(str::trim).collect();
        assert_eq!(sentences.len(), 3, "{text}");
        assert!(sentences.iter().all(|sentence| sentence.starts_with(char::is_uppercase)), "{text}");
    }
}
