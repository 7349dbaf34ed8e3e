//! Finding fields in JSON bodies without building them up: what a stream processor would find there.

use std::borrow::Cow;

use super::word;

/// So many names are known again: those of bodies that all have others are read anew each time.
const MOST_NAMES: usize = 256;

/// Finds the same fields in body after body. The names of an object mostly follow each other as they did in the one before: such a
/// name is compared, and not read.
#[derive(Debug, Default)]
pub struct Finder {
    wanted: Vec<Box<str>>,
    names: Vec<Name>,
    /// Which of the names stood first in the body before.
    first: usize,
    /// By field, from where to where its value lies; from 0 to 0 where it is not there.
    found: Vec<(usize, usize)>,
}

/// A name that was met.
#[derive(Debug)]
struct Name {
    /// As it is written, with its quotes and the colon.
    written: Box<[u8]>,
    /// The field of that name; none of them where it is not wanted.
    field: usize,
    /// The name that followed it last.
    next: usize,
}

/// The values of an object's fields as they are written.
#[derive(Clone, Copy, Debug)]
pub struct Found<'f, 'b> {
    body: &'b [u8],
    places: &'f [(usize, usize)],
}

impl<'b> Found<'_, 'b> {
    /// The value of that field; `None` where it is not there, or null. Of two of one name the last one counts.
    #[must_use]
    pub fn get(&self, field: usize) -> Option<&'b [u8]> {
        let (from, to) = *self.places.get(field)?;
        self.body.get(from..to).filter(|value| !value.is_empty())
    }
}

impl Finder {
    /// Of these fields, which are asked for by their places.
    #[must_use]
    pub fn of(names: &[&str]) -> Self {
        let wanted = names.iter().map(|name| Box::from(*name)).collect();
        Self { wanted, ..Self::default() }
    }

    /// The field of that name, by which its values are asked for.
    pub fn want(&mut self, name: &str) -> usize {
        self.wanted.iter().position(|wanted| **wanted == *name).unwrap_or_else(|| {
            self.wanted.push(name.into());
            // What was not wanted when it was met may be now.
            self.names.clear();
            self.wanted.len() - 1
        })
    }

    /// The name of a field.
    #[must_use]
    pub fn name(&self, field: usize) -> &str {
        self.wanted.get(field).map_or("", |name| name)
    }

    /// Looks for the fields; `None` for a body that is no object.
    pub fn find<'b>(&mut self, body: &'b [u8]) -> Option<Found<'_, 'b>> {
        self.found.clear();
        self.found.resize(self.wanted.len(), (0, 0));
        let end = self.walk(body)?;
        (space(body, end) == body.len()).then_some(Found { body, places: &self.found })
    }

    fn walk(&mut self, body: &[u8]) -> Option<usize> {
        let mut at = expect(body, 0, b'{')?;
        if let Some(end) = expect(body, at, b'}') {
            return Some(end);
        }
        let (mut before, mut likely) = (None, self.first);
        loop {
            at = space(body, at);
            let name = match self.names.get(likely) {
                Some(name) if body.get(at..)?.starts_with(&name.written) => {
                    at += name.written.len();
                    Some(likely)
                }
                _ => {
                    let end = string(body, at)?;
                    let name = self.met(&body[at..end], before);
                    at = expect(body, end, b':')?;
                    name
                }
            };
            at = space(body, at);
            let end = value(body, at)?;
            likely = usize::MAX;
            if let Some(name) = name.and_then(|name| self.names.get(name)) {
                likely = name.next;
                if let Some(found) = self.found.get_mut(name.field) {
                    *found = if body.get(at..end)? == b"null" { (0, 0) } else { (at, end) };
                }
            }
            before = name;
            match body.get(end) {
                Some(b',') => at = end + 1,
                Some(b'}') => return Some(end + 1),
                _ => match expect(body, end, b',') {
                    Some(next) => at = next,
                    None => return expect(body, end, b'}'),
                },
            }
        }
    }

    /// A name that does not follow as it did, with its quotes; `None` for one that is not wanted, where too many are known.
    fn met(&mut self, quoted: &[u8], before: Option<usize>) -> Option<usize> {
        let known = self.names.iter().position(|name| name.written.strip_suffix(b":") == Some(quoted));
        let at = known.or_else(|| {
            let name = &quoted[1..quoted.len() - 1];
            let field = self.wanted.iter().position(|wanted| wanted.as_bytes() == name);
            (field.is_some() || self.names.len() < MOST_NAMES).then(|| {
                let written = [quoted, b":"].concat().into();
                self.names.push(Name { written, field: field.unwrap_or(usize::MAX), next: usize::MAX });
                self.names.len() - 1
            })
        })?;
        match before {
            Some(before) => self.names[before].next = at,
            None => self.first = at,
        }
        Some(at)
    }
}

/// The value at that path; a part of it that is a number counts entries of an array from 0.
#[must_use]
pub fn at<'a>(body: &'a [u8], path: &[Box<str>]) -> Option<&'a [u8]> {
    let mut value = body;
    for part in path {
        let mut found = None;
        if value.get(space(value, 0)) == Some(&b'[') {
            let place: usize = part.parse().ok()?;
            let mut index = 0;
            items(value, &mut |item| {
                if index == place {
                    found = Some(item);
                }
                index += 1;
            })?;
        } else {
            entries(value, &mut |name, inner| {
                if part.as_bytes() == name {
                    found = Some(inner);
                }
            })?;
        }
        value = found?;
    }
    (value != b"null").then_some(value)
}

/// The text of a string, or a number or true and false as they are written.
#[must_use]
pub fn text(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    match value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) {
        Some(inside) if inside.contains(&b'\\') => {
            serde_json::from_slice::<String>(value).ok().map(|text| Cow::Owned(text.into_bytes()))
        }
        Some(inside) => Some(Cow::Borrowed(inside)),
        None if matches!(value.first(), Some(b'{' | b'[') | None) => None,
        None => Some(Cow::Borrowed(value)),
    }
}

/// The number of a value: one, or a text that is one.
#[must_use]
pub fn number(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(value)
}

/// A whole number.
#[must_use]
pub fn whole(value: &[u8]) -> Option<i64> {
    let number = number(value);
    // So many digits are never too many.
    if (1..=18).contains(&number.len())
        && let Some(whole) = number
            .iter()
            .try_fold(0_i64, |whole, byte| byte.is_ascii_digit().then(|| whole * 10 + i64::from(byte - b'0')))
    {
        return Some(whole);
    }
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[inline]
fn space(body: &[u8], at: usize) -> usize {
    match body.get(at) {
        // Nothing that stands between is greater than a space.
        Some(byte) if *byte <= b' ' => after_space(body, at),
        _ => at,
    }
}

#[cold]
fn after_space(body: &[u8], at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count()
}

fn expect(body: &[u8], at: usize, byte: u8) -> Option<usize> {
    let at = space(body, at);
    (body.get(at) == Some(&byte)).then_some(at + 1)
}

/// Calls `of` for each entry of an object, and returns where it ends.
fn entries<'a>(body: &'a [u8], of: &mut dyn FnMut(&[u8], &'a [u8])) -> Option<usize> {
    let mut at = expect(body, 0, b'{')?;
    if let Some(end) = expect(body, at, b'}') {
        return Some(end);
    }
    loop {
        let from = space(body, at);
        let end = string(body, from)?;
        let name = &body[from + 1..end - 1];
        at = space(body, expect(body, end, b':')?);
        let end = value(body, at)?;
        of(name, &body[at..end]);
        match expect(body, end, b',') {
            Some(next) => at = next,
            None => return expect(body, end, b'}'),
        }
    }
}

/// Calls `of` for each entry of an array, and returns where it ends; `None` for what is none.
pub fn items<'a>(body: &'a [u8], of: &mut dyn FnMut(&'a [u8])) -> Option<usize> {
    let mut at = expect(body, 0, b'[')?;
    if let Some(end) = expect(body, at, b']') {
        return Some(end);
    }
    loop {
        at = space(body, at);
        let end = value(body, at)?;
        of(&body[at..end]);
        match expect(body, end, b',') {
            Some(next) => at = next,
            None => return expect(body, end, b']'),
        }
    }
}

/// Where a string ends that begins at `at`.
#[inline]
fn string(body: &[u8], at: usize) -> Option<usize> {
    (body.get(at) == Some(&b'"')).then_some(())?;
    let mut at = at + 1;
    loop {
        let mut rest = body.get(at..)?;
        // Of a word at a time the first byte is found that may be the end.
        while let Some((bytes, further)) = rest.split_first_chunk() {
            let Some(before) = word::first(word::end_of_text(u64::from_le_bytes(*bytes))) else {
                rest = further;
                continue;
            };
            rest = rest.get(before..)?;
            break;
        }
        at = body.len() - rest.len();
        match rest.first()? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// How many digits stand first, of a few at the very end none.
fn digits(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        match word::first(word::end_of_digits(u64::from_le_bytes(*chunk))) {
            None => at += word::BYTES,
            Some(before) => return at + before,
        }
    }
    at
}

/// Where a value ends that begins at `at`.
fn value(body: &[u8], at: usize) -> Option<usize> {
    match body.get(at)? {
        b'"' => string(body, at),
        b'{' | b'[' => {
            let (mut at, mut depth) = (at, 0_u32);
            loop {
                match body.get(at)? {
                    b'"' => at = string(body, at)? - 1,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
        }
        _ => {
            let rest = &body[at..];
            let digits = digits(rest);
            let length = rest[digits..]
                .iter()
                .take_while(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'))
                .count();
            (digits + length > 0).then_some(at + digits + length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn json(text: &str) -> String {
        serde_json::to_string(text).unwrap()
    }

    fn named(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    /// The values of all its fields.
    fn all<'b>(finder: &mut Finder, body: &'b [u8]) -> Option<Vec<Option<&'b [u8]>>> {
        let fields = finder.wanted.len();
        let found = finder.find(body)?;
        Some((0..fields).map(|field| found.get(field)).collect())
    }

    #[test]
    fn fields_are_found_wherever_they_stand() {
        let body = br#" { "a" : 1.50, "b":{"a":[2,"}"]}, "c" : null,"d":"x\"y" } "#;
        let mut finder = Finder::of(&["d", "a", "c", "e"]);
        for _ in 0..2 {
            let found = all(&mut finder, body).unwrap();
            assert_eq!(found, [Some(&br#""x\"y""#[..]), Some(b"1.50"), None, None]);
            assert_eq!(text(found[0].unwrap()).unwrap(), &b"x\"y"[..]);
        }
        assert_eq!(at(body, &named(&["b", "a", "1"])), Some(&br#""}""#[..]));
        assert_eq!(at(body, &named(&["b", "x"])), None);
    }

    #[test]
    fn names_may_come_in_another_order_again_or_not_at_all() {
        let mut finder = Finder::of(&["a", "ab"]);
        for (body, a, ab) in [
            (r#"{"a":1,"ab":2,"c":3}"#, Some("1"), Some("2")),
            (r#"{"ab":2,"a":1}"#, Some("1"), Some("2")),
            (r#"{"a":1,"a":2}"#, Some("2"), None),
            (r#"{"a":1,"a":null}"#, None, None),
            (r#"{"abc":1,"c":2,"ab":3}"#, None, Some("3")),
            (r#"{"a" :1, "ab": 2}"#, Some("1"), Some("2")),
            ("{}", None, None),
            (r#"{"a":"1","b":2,"ab":3}"#, Some(r#""1""#), Some("3")),
        ] {
            assert_eq!(
                all(&mut finder, body.as_bytes()).unwrap(),
                [a, ab].map(|text| text.map(str::as_bytes)),
                "{body}"
            );
        }
    }

    #[test]
    fn names_that_never_come_again_are_not_all_kept() {
        let mut finder = Finder::of(&["z"]);
        for number in 0..2 * MOST_NAMES {
            let body = format!("{{\"n{number}\":0,\"z\":{number}}}");
            assert_eq!(all(&mut finder, body.as_bytes()).unwrap(), [Some(number.to_string().as_bytes())]);
        }
        assert!(finder.names.len() <= MOST_NAMES + 1);
    }

    #[test]
    fn whole_numbers_are_read_in_full() {
        for (text, number) in [
            ("0", Some(0)),
            ("1800000000000", Some(1_800_000_000_000)),
            ("\"17\"", Some(17)),
            ("999999999999999999", Some(999_999_999_999_999_999)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-5", Some(-5)),
            ("1.0", None),
            ("1e3", None),
            ("", None),
        ] {
            assert_eq!(whole(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for body in ["", "no JSON", "[]", "7", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1}x", "{\"a\":\"1}"] {
            assert!(Finder::of(&["a"]).find(body.as_bytes()).is_none(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn what_a_library_writes_is_found_again(
            bodies in prop::collection::vec(prop::collection::vec(("[a-c]{1,2}", "\\PC{0,9}|[0-9]{1,20}"), 0..5), 1..5)
        ) {
            // One after the other, so that each body meets what is remembered of those before.
            let mut finder = Finder::of(&["a", "b", "ab"]);
            for fields in bodies {
                let names: std::collections::BTreeMap<&str, &str> =
                    fields.iter().map(|(name, value)| (&**name, &**value)).collect();
                let written = fields.iter().filter(|(name, value)| names.get(&**name) == Some(&&**value));
                let written: Vec<String> = written.map(|(name, value)| format!("{}:{}", json(name), json(value))).collect();
                let body = format!("{{{}}}", written.join(","));
                let found = all(&mut finder, body.as_bytes()).unwrap();
                for (name, value) in ["a", "b", "ab"].iter().zip(found) {
                    let told = value.map(|value| String::from_utf8(text(value).unwrap().into_owned()).unwrap());
                    prop_assert_eq!(told.as_deref(), names.get(name).copied());
                }
            }
        }

        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(prop::sample::select(b"{}[]\",:\\a1 ".to_vec()), 0..24)) {
            let mut finder = Finder::of(&["a"]);
            for _ in 0..2 {
                let _found = all(&mut finder, &body);
            }
            let _found = at(&body, &named(&["a", "0"]));
        }
    }
}
