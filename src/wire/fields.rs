//! Finding fields in JSON bodies without building them up: what a stream processor would find there.

use std::borrow::Cow;

use super::word;

/// The values of these fields of an object, in their order, as they are written; `None` for a body that is no object. A field that
/// is not there, or null, is `None`; of two of one name the last one counts.
#[must_use]
pub fn fields<'a>(body: &'a [u8], wanted: &[Box<str>], found: &mut Vec<Option<&'a [u8]>>) -> Option<()> {
    found.clear();
    found.resize(wanted.len(), None);
    let end = entries(body, &mut |name, value| {
        if let Some(at) = wanted.iter().position(|wanted| wanted.as_bytes() == name) {
            found[at] = Some(value).filter(|value| *value != b"null");
        }
    })?;
    (space(body, end) == body.len()).then_some(())
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
    std::str::from_utf8(number(value)).ok()?.parse().ok()
}

fn space(body: &[u8], at: usize) -> usize {
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
fn string(body: &[u8], at: usize) -> Option<usize> {
    (body.get(at) == Some(&b'"')).then_some(())?;
    let mut at = at + 1;
    loop {
        // Of a word at a time the first byte is found that may be the end.
        while let Some(bytes) = body.get(at..).and_then(<[u8]>::first_chunk) {
            let Some(before) = word::first(word::end_of_text(u64::from_le_bytes(*bytes))) else {
                at += word::BYTES;
                continue;
            };
            at += before;
            break;
        }
        match body.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
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
            let length = body[at..]
                .iter()
                .take_while(|byte| !matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'))
                .count();
            (length > 0).then_some(at + length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(names: &[&str]) -> Vec<Box<str>> {
        names.iter().map(|name| Box::from(*name)).collect()
    }

    #[test]
    fn fields_are_found_wherever_they_stand() {
        let body = br#" { "a" : 1.50, "b":{"a":[2,"}"]}, "c" : null,"d":"x\"y" } "#;
        let mut found = Vec::new();
        fields(body, &named(&["d", "a", "c", "e"]), &mut found).unwrap();
        assert_eq!(found, [Some(&br#""x\"y""#[..]), Some(b"1.50"), None, None]);
        assert_eq!(text(found[0].unwrap()).unwrap(), &b"x\"y"[..]);
        assert_eq!(at(body, &named(&["b", "a", "1"])), Some(&br#""}""#[..]));
        assert_eq!(at(body, &named(&["b", "x"])), None);
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        for body in ["", "no JSON", "[]", "7", "{", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1}x", "{\"a\":\"1}"] {
            assert_eq!(fields(body.as_bytes(), &named(&["a"]), &mut Vec::new()), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn what_a_library_writes_is_found_again(names in prop::collection::btree_map("[a-c]{1,2}", "\\PC{0,9}", 0..5)) {
            let body = serde_json::to_vec(&names).unwrap();
            let wanted = named(&["a", "b", "ab"]);
            let mut found = Vec::new();
            fields(&body, &wanted, &mut found).unwrap();
            for (name, value) in wanted.iter().zip(found) {
                let told = value.map(|value| String::from_utf8(text(value).unwrap().into_owned()).unwrap());
                prop_assert_eq!(told.as_ref(), names.get(name.as_ref()));
            }
        }

        #[test]
        fn no_body_makes_it_panic(body in prop::collection::vec(prop::sample::select(b"{}[]\",:\\a1 ".to_vec()), 0..24)) {
            let _found = fields(&body, &named(&["a"]), &mut Vec::new());
            let _found = at(&body, &named(&["a", "0"]));
        }
    }
}
