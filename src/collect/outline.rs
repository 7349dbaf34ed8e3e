//! The outline of a JSON text: where its values, members and entries stand, without a tree of them.

use serde::de::IgnoredAny;

/// Values lie at most so deep in one another.
pub(super) const DEEPEST: usize = 64;

/// Why a text has no outline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("the body is not UTF-8: byte {0} is none of a character")]
    NotUtf8(usize),
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("the body has values more than {DEEPEST} deep in one another")]
    TooDeep,
}

/// The JSON values of a text, one after the other with or without space between them.
pub(super) fn values(body: &[u8]) -> Result<Vec<&str>, Unreadable> {
    let text = std::str::from_utf8(body).map_err(|error| Unreadable::NotUtf8(error.valid_up_to()))?;
    if depth(text.as_bytes()) > DEEPEST {
        return Err(Unreadable::TooDeep);
    }
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let (mut values, mut from) = (Vec::new(), 0);
    while let Some(value) = stream.next() {
        value.map_err(|error| Unreadable::NotJson(error.to_string()))?;
        values.push(text[from..stream.byte_offset()].trim_ascii());
        from = stream.byte_offset();
    }
    Ok(values)
}

/// A member of an object: its name in quotes, and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member<'a> {
    pub(super) quoted: &'a str,
    pub(super) value: &'a str,
}

/// The members of a JSON value; `None` where it is no object.
pub(super) fn members(value: &str) -> Option<Vec<Member<'_>>> {
    let mut rest = Rest { text: value, at: 0 };
    rest.skip(b'{')?;
    let mut members = Vec::new();
    while !rest.is_at(b'}') {
        let quoted = rest.value();
        rest.skip(b':')?;
        members.push(Member { quoted, value: rest.value() });
        if rest.skip(b',').is_none() {
            break;
        }
    }
    Some(members)
}

/// The entries of a JSON value; `None` where it is no array.
pub(super) fn entries(value: &str) -> Option<Vec<&str>> {
    let mut rest = Rest { text: value, at: 0 };
    rest.skip(b'[')?;
    let mut entries = Vec::new();
    while !rest.is_at(b']') {
        entries.push(rest.value());
        if rest.skip(b',').is_none() {
            break;
        }
    }
    Some(entries)
}

/// The text of a JSON string; `None` of any other value.
pub(super) fn text(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

/// How deep values lie in one another, at most. What is no JSON has some depth, too.
fn depth(text: &[u8]) -> usize {
    let (mut now, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// What is left of a valid text.
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn is_at(&mut self, byte: u8) -> bool {
        let bytes = &self.text.as_bytes()[self.at..];
        self.at += bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.text.as_bytes().get(self.at) == Some(&byte)
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        self.is_at(byte).then(|| self.at += 1)
    }

    /// The next value.
    fn value(&mut self) -> &'a str {
        let is_name = self.is_at(b'"');
        let bytes = &self.text.as_bytes()[self.at..];
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        let end = bytes.iter().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' if depth == 0 => return true,
                b':' if depth == 0 && is_name => return true,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            false
        });
        let from = self.at;
        self.at = from + end.unwrap_or(bytes.len());
        self.text[from..self.at].trim_ascii_end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ -~é\\\\\"{}:,\\[\\]]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[ -~\\\\\"{}:,]{0,6}", inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_parts_of_a_value_are_those_that_a_parser_finds(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            let found = members(&text).map(|members| {
                members.iter().map(|member| (super::text(member.quoted).unwrap(), parsed(member.value))).collect::<Map<_, _>>()
            });
            prop_assert_eq!(found.as_ref(), value.as_object());
            let found = entries(&text).map(|entries| entries.into_iter().map(parsed).collect::<Vec<_>>());
            prop_assert_eq!(found.as_ref(), value.as_array());
        }

        #[test]
        fn values_that_follow_one_another_are_told_apart(all in proptest::collection::vec(json(), 0..5)) {
            let lines: Vec<String> = all.iter().map(Value::to_string).collect();
            let text = lines.join("\n");
            let found = values(text.as_bytes()).unwrap();
            prop_assert_eq!(found, lines);
        }

        #[test]
        fn no_bytes_are_a_surprise(body in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(found) = values(&body) {
                for value in found {
                    serde_json::from_str::<Value>(value).unwrap();
                    members(value);
                    entries(value);
                }
            }
        }
    }

    #[test]
    fn a_text_without_an_outline_says_why() {
        assert_eq!(values(b"{\"a\":\xff}"), Err(Unreadable::NotUtf8(5)));
        assert_eq!(values("[".repeat(100_000).as_bytes()), Err(Unreadable::TooDeep));
        let deep = format!("{}1{}", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
        assert_eq!(values(deep.as_bytes()).unwrap().len(), 1);
        assert!(matches!(values(b"{\"a\":1} x"), Err(Unreadable::NotJson(_))));
        assert_eq!(values(b"  \n").unwrap().len(), 0);
    }
}
