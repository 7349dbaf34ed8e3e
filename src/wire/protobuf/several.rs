//! Several messages in one file.

use std::collections::BTreeSet;

use super::schema::{Pick, Schema};
use crate::wire::schema_error::SchemaError;

/// A file that has the message of each of these texts, by its full name.
///
/// # Errors
/// Texts that cannot stand in one file.
pub fn joined(texts: &[(&str, &str)]) -> Result<String, SchemaError> {
    let first = texts.first().map_or("", |(text, _)| text);
    if texts.iter().all(|(text, _)| *text == first) {
        return Ok(first.to_owned());
    }
    let (mut heads, mut messages) = (BTreeSet::new(), Vec::new());
    for (text, _) in texts {
        let is_head =
            |line: &&str| ["syntax", "package", "import"].iter().any(|word| line.trim_start().starts_with(word));
        let (head, rest): (Vec<&str>, Vec<&str>) = text.lines().partition(is_head);
        heads.extend(head.into_iter().map(str::trim));
        messages.push(rest.join("\n").trim().to_owned());
    }
    let of = |word: &str| heads.iter().filter(|line| line.starts_with(word)).copied().collect::<Vec<_>>().join("\n");
    if heads.iter().filter(|line| line.starts_with("package")).count() > 1 {
        return Err(SchemaError::new("they are of several packages, and a file has one"));
    }
    let parts = [of("syntax"), of("package"), of("import")].into_iter().chain(messages).filter(|part| !part.is_empty());
    let whole = parts.collect::<Vec<_>>().join("\n\n") + "\n";
    for (text, name) in texts {
        let (alone, there) =
            (Schema::parse(text, &[], Pick::Named(name))?, Schema::parse(&whole, &[], Pick::Named(name))?);
        if alone.record() != there.record() {
            return Err(SchemaError::new(format!("{name} would be another message in one file with the others")));
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: &str = "syntax = \"proto3\";\n\npackage shop;\n\nimport \"google/protobuf/timestamp.proto\";\n\nmessage View {\n  google.protobuf.Timestamp at = 1;\n}\n";
    const ORDER: &str = "syntax = \"proto3\";\n\npackage shop;\n\nmessage Order {\n  int32 n = 1;\n}\n";

    #[test]
    fn one_file_has_the_messages_of_all() {
        let whole = joined(&[(VIEW, "shop.View"), (ORDER, "shop.Order")]).unwrap();
        for (at, name) in ["shop.View", "shop.Order"].into_iter().enumerate() {
            assert_eq!(Schema::parse(&whole, &[], Pick::Named(name)).unwrap().message_path(), [at], "{whole}");
        }
        assert_eq!(joined(&[(&whole, "shop.Order"), (&whole, "shop.View")]).unwrap(), whole);
    }

    #[test]
    fn what_cannot_stand_in_one_file_is_refused() {
        let refused = |text: &str, name: &str| joined(&[(VIEW, "shop.View"), (text, name)]).unwrap_err().to_string();
        assert!(refused(&ORDER.replace("shop", "books"), "books.Order").contains("several packages"));
        assert!(refused(&ORDER.replace("Order", "View"), "shop.View").contains("View"));
    }
}
