//! The stamp as the first member of a JSON object, in the place of a header: `{"NAME":"ID",` and the object's own
//! members as they were.
//!
//! Where there are several types the id is followed by a slash and the name of the type: nothing else in such a record
//! tells it.

use crate::event::stamp::{self, Stamp, TEXT_LENGTH};

/// What stands in such a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::event) struct Member<'a> {
    /// The id, where it is one.
    pub(in crate::event) bits: Option<u128>,
    /// The name of the type, where it is told.
    pub(in crate::event) kind: Option<&'a [u8]>,
    /// Where the rest of the object begins: what followed its brace before.
    pub(in crate::event) rest: usize,
}

/// Appends `object` with the stamp in a member of that name; its bytes as they are where it is no object.
pub(super) fn put(arena: &mut Vec<u8>, name: &str, stamp: Stamp, kind: Option<&str>, object: &[u8]) {
    let Some(rest) = object.strip_prefix(b"{") else { return arena.extend_from_slice(object) };
    arena.extend_from_slice(b"{\"");
    arena.extend_from_slice(name.as_bytes());
    arena.extend_from_slice(b"\":\"");
    let id = arena.len();
    arena.resize(id + TEXT_LENGTH, 0);
    stamp.write(&mut arena[id..]);
    if let Some(kind) = kind {
        arena.push(b'/');
        arena.extend_from_slice(kind.as_bytes());
    }
    arena.push(b'"');
    if !rest.trim_ascii_start().starts_with(b"}") {
        arena.push(b',');
    }
    arena.extend_from_slice(rest);
}

/// The member of that name, where it is the first one of an object and written so.
pub(in crate::event) fn find<'a>(value: &'a [u8], name: &str) -> Option<Member<'a>> {
    let text = value.strip_prefix(b"{\"")?.strip_prefix(name.as_bytes())?.strip_prefix(b"\":\"")?;
    let length = text.iter().position(|byte| *byte == b'"')?;
    let (id, kind) = match text[..length].split_at_checked(TEXT_LENGTH)? {
        (id, []) => (id, None),
        (id, kind) => (id, Some(kind.strip_prefix(b"/")?)),
    };
    let behind = &text[length + 1..];
    let rest = behind.strip_prefix(b",").unwrap_or(behind);
    Some(Member { bits: stamp::id_of(id), kind, rest: value.len() - rest.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        due: crate::event::stamp::DueTime::from_unix_ns(1_000_000_000),
        tag: 3,
        lane: 1,
        sequence: 7,
        check: 9,
    };

    #[test]
    fn the_object_s_own_members_stay_as_they_were() {
        for (object, kind) in
            [(r#"{"a":1}"#, None), (r#"{ "a" : [ ] }"#, Some("track")), ("{}", Some("a.b")), ("{ }", None)]
        {
            let mut value = Vec::new();
            put(&mut value, "id", STAMP, kind, object.as_bytes());
            let read: serde_json::Value = serde_json::from_slice(&value).unwrap();
            let own: serde_json::Map<_, _> = serde_json::from_str(object).unwrap();
            let (id, rest): (Vec<_>, Vec<_>) = read.as_object().unwrap().iter().partition(|(name, _)| *name == "id");
            assert!(
                id.len() == 1
                    && rest.iter().all(|(name, value)| own.get(*name) == Some(value))
                    && rest.len() == own.len()
            );
            let found = find(&value, "id").unwrap();
            assert_eq!((found.bits, found.kind), (Some(STAMP.bits()), kind.map(str::as_bytes)));
            assert_eq!(&value[found.rest..], &object.as_bytes()[1..]);
        }
    }

    #[test]
    fn what_is_written_otherwise_is_not_taken_for_it() {
        for value in
            ["", "{", "{}", r#"{"ida":"x"}"#, r#"{"id":7}"#, r#"{"id":"short"}"#, r#"[{"id":"x"}]"#, r#"{"id":"#]
        {
            assert_eq!(find(value.as_bytes(), "id"), None, "{value}");
        }
        let no_id = format!(r#"{{"id":"{}","a":1}}"#, "z".repeat(TEXT_LENGTH));
        assert_eq!(find(no_id.as_bytes(), "id").map(|member| member.bits), Some(None));
    }
}
