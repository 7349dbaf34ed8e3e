//! The files that a `.proto` imports.

use std::sync::Arc;

use protox::file::File;

/// The most files that a schema may import, those of its imports included.
const MOST_FILES: usize = 256;
/// Files of this folder every implementation has.
const WELL_KNOWN: &str = "google/protobuf/";

/// Imported files by the names that they are imported by; each stands behind those that it imports itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imports(Arc<[(Box<str>, Box<str>)]>);

impl Imports {
    /// All that `text` imports, and what that imports, read by their names. Those of `google/protobuf/` are not read.
    ///
    /// # Errors
    /// What `read` says, or that they are too many.
    pub fn of(text: &str, read: &mut dyn FnMut(&str) -> Result<String, String>) -> Result<Self, String> {
        let mut found = Vec::new();
        gather(text, read, &mut found, &mut Vec::new())?;
        Ok(Self::from_iter(found))
    }

    /// Names and texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (&**name, &**text))
    }

    /// The same in a list.
    #[must_use]
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.iter().collect()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both have the same files, in whatever order.
    #[must_use]
    pub fn are(&self, other: &Self) -> bool {
        let sorted = |of: &Self| {
            let mut pairs = of.0.to_vec();
            pairs.sort();
            pairs
        };
        sorted(self) == sorted(other)
    }
}

impl FromIterator<(String, String)> for Imports {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(files: T) -> Self {
        Self(files.into_iter().map(|(name, text)| (name.into(), text.into())).collect())
    }
}

fn gather(
    text: &str,
    read: &mut dyn FnMut(&str) -> Result<String, String>,
    found: &mut Vec<(String, String)>,
    open: &mut Vec<String>,
) -> Result<(), String> {
    for name in imported(text) {
        // Imports in a circle are for the compiler to refuse.
        if open.contains(&name) || found.iter().any(|(known, _)| *known == name) {
            continue;
        }
        if open.len() + found.len() >= MOST_FILES {
            return Err(format!("it imports more than {MOST_FILES} files"));
        }
        let text = read(&name)?;
        open.push(name.clone());
        gather(&text, read, found, open)?;
        open.pop();
        found.push((name, text));
    }
    Ok(())
}

/// The names of the files that a text imports itself, but for those of `google/protobuf/`; none of a text that is no `.proto`.
#[must_use]
pub fn imported(text: &str) -> Vec<String> {
    let Ok(file) = File::from_source("schema.proto", text) else { return Vec::new() };
    let names = file.file_descriptor_proto().dependency.iter();
    names.filter(|name| !name.starts_with(WELL_KNOWN)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proto(imports: &[&str], rest: &str) -> String {
        let imports = imports.iter().map(|name| format!("import \"{name}\";\n")).collect::<Vec<_>>().concat();
        format!("syntax = \"proto3\";\npackage shop;\n{imports}{rest}")
    }

    #[test]
    fn what_is_imported_stands_before_what_imports_it_and_once() {
        let files = [
            ("a.proto", proto(&["common/b.proto", "c.proto"], "message A { B b = 1; }")),
            ("common/b.proto", proto(&["c.proto", "google/protobuf/timestamp.proto"], "message B { C c = 1; }")),
            ("c.proto", proto(&[], "// import \"none.proto\";\nmessage C { int32 n = 1; }")),
        ];
        let mut asked = Vec::new();
        let mut read = |name: &str| {
            asked.push(name.to_owned());
            let found = files.iter().find(|(known, _)| *known == name);
            found.map(|(_, text)| text.clone()).ok_or_else(|| format!("no {name}"))
        };
        let text = proto(&["a.proto"], "message Order { A a = 1; }");
        let imports = Imports::of(&text, &mut read).unwrap();
        assert_eq!(imports.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["c.proto", "common/b.proto", "a.proto"]);
        assert_eq!(asked, ["a.proto", "common/b.proto", "c.proto"]);
        assert!(
            crate::wire::protobuf::Schema::parse(&text, &imports.pairs(), crate::wire::protobuf::Pick::Only).is_ok()
        );
        let refused = Imports::of(&proto(&["d.proto"], ""), &mut |name| Err(format!("no {name}"))).unwrap_err();
        assert_eq!(refused, "no d.proto");
    }

    #[test]
    fn circles_end_and_there_are_not_more_files_than_a_bound() {
        let text = proto(&["a.proto"], "message Order {}");
        let round = Imports::of(&text, &mut |_| Ok(text.clone())).unwrap();
        assert_eq!(round.iter().count(), 1);
        let mut n = 0;
        let mut next = |_: &str| {
            n += 1;
            Ok(proto(&[&format!("f{n}.proto")], ""))
        };
        assert_eq!(Imports::of(&text, &mut next).unwrap_err(), "it imports more than 256 files");
    }
}
