//! Where the fields of a record lie in its body, found by their names.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::RowProblem;
use super::{access_log, snowplow};

/// How the fields of a body lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A JSON object, its fields named by paths with dots. A path leads through the objects of an array into each of them.
    Json,
    /// A JSON object without others in it, its fields named by their whole names.
    Flat,
    /// Snowplow's columns.
    Snowplow,
    /// A line of an access log.
    AccessLog,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// As JSON.
    Json,
    /// As its text.
    Plain,
}

/// A field that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its place among the names that were looked for.
    pub name: usize,
    /// Where its value stands in the body.
    pub at: Range<usize>,
    /// How it is written.
    pub token: Token,
}

impl Field {
    /// Its text; `None` where there is no value: null, or nothing at all.
    #[must_use]
    pub fn text<'a>(&self, body: &'a str) -> Option<Cow<'a, str>> {
        let written = body.get(self.at.clone())?;
        let is_text = self.token == Token::Json && written.starts_with('"');
        let text = match self.token {
            Token::Json if written == "null" => return None,
            Token::Json if is_text && written.contains('\\') => Cow::Owned(serde_json::from_str(written).ok()?),
            Token::Json if is_text => Cow::Borrowed(written.trim_matches('"')),
            Token::Json | Token::Plain => Cow::Borrowed(written),
        };
        (!text.is_empty()).then_some(text)
    }
}

/// Names that are looked for in bodies of one layout.
#[derive(Clone, Debug)]
pub struct Fields(Plan);

#[derive(Clone, Debug)]
enum Plan {
    Json(Vec<Node>),
    /// Columns with the names that they have, in the order of the columns.
    Snowplow(Vec<(usize, usize)>),
    AccessLog(Vec<(usize, usize)>),
}

/// A step of the paths that lead through a name.
#[derive(Clone, Debug, Default)]
struct Node {
    name: String,
    /// The places of the paths that end here.
    ends: Vec<usize>,
    below: Vec<Self>,
}

/// A name that bodies of a layout cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no field {name}; there are {known}")]
pub struct UnknownField {
    name: String,
    known: String,
}

impl Fields {
    /// Looks for `names` in bodies of that layout.
    ///
    /// # Errors
    /// Where the layout has all its names, and this is none of them.
    pub fn new<'a>(layout: Layout, names: impl IntoIterator<Item = &'a str>) -> Result<Self, UnknownField> {
        let names = names.into_iter();
        Ok(Self(match layout {
            Layout::Json => Plan::Json(nodes(names.map(|name| name.split('.').collect()))),
            Layout::Flat => Plan::Json(nodes(names.map(|name| vec![name]))),
            Layout::Snowplow => Plan::Snowplow(places(&snowplow::COLUMNS, names)?),
            Layout::AccessLog => Plan::AccessLog(places(&access_log::FIELDS, names)?),
        }))
    }

    /// Finds the fields in `body`, in the order in which they stand there, and leaves them in `found`.
    ///
    /// # Errors
    /// Where `body` has another layout.
    pub fn find(&self, body: &str, found: &mut Vec<Field>) -> Result<(), RowProblem> {
        found.clear();
        match &self.0 {
            Plan::Json(nodes) => Json { whole: body, nodes, found }.object(body),
            Plan::Snowplow(wanted) => {
                let mut ends = body.bytes().enumerate().filter(|(_, byte)| *byte == b'\t').map(|(at, _)| at);
                let (mut from, mut wanted) = (0, wanted.iter().peekable());
                for column in 0..snowplow::COLUMNS.len() {
                    let end = match ends.next() {
                        Some(end) => end,
                        None if column + 1 == snowplow::COLUMNS.len() => body.len(),
                        None => return Err(columns(body)),
                    };
                    while let Some((_, name)) = wanted.next_if(|(place, _)| *place == column) {
                        found.push(Field { name: *name, at: from..end, token: Token::Plain });
                    }
                    from = end + 1;
                }
                if from == body.len() + 1 { Ok(()) } else { Err(columns(body)) }
            }
            Plan::AccessLog(wanted) => {
                let spans = access_log::parse(body)?;
                for (place, name) in wanted {
                    // A dash stands for nothing.
                    let at = spans[*place].clone().filter(|at| body.get(at.clone()) != Some("-"));
                    found.extend(at.map(|at| Field { name: *name, at, token: Token::Plain }));
                }
                Ok(())
            }
        }
    }
}

fn columns(body: &str) -> RowProblem {
    RowProblem::Columns { found: body.split('\t').count(), expected: snowplow::COLUMNS.len() }
}

fn nodes<'a>(paths: impl Iterator<Item = Vec<&'a str>>) -> Vec<Node> {
    let mut root = Node::default();
    for (place, path) in paths.enumerate() {
        let mut node = &mut root;
        for step in path {
            let at = node.below.iter().position(|below| below.name == step).unwrap_or_else(|| {
                node.below.push(Node { name: step.to_owned(), ..Node::default() });
                node.below.len() - 1
            });
            node = &mut node.below[at];
        }
        node.ends.push(place);
    }
    root.below
}

fn places<'a>(known: &[&str], names: impl Iterator<Item = &'a str>) -> Result<Vec<(usize, usize)>, UnknownField> {
    let place = |(at, name): (usize, &str)| match known.iter().position(|known| *known == name) {
        Some(place) => Ok((place, at)),
        None => Err(UnknownField { name: name.to_owned(), known: known.join(", ") }),
    };
    let mut places: Vec<_> = names.enumerate().map(place).collect::<Result<_, _>>()?;
    places.sort_unstable();
    Ok(places)
}

/// The names of the fields that `body` has at its top, at most `most` of them.
#[must_use]
pub fn names(body: &str, layout: Layout, most: usize) -> Vec<String> {
    match layout {
        Layout::Json | Layout::Flat => {
            let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(body).unwrap_or_default();
            object.into_iter().map(|(name, _)| name).take(most).collect()
        }
        Layout::Snowplow => snowplow::COLUMNS.iter().take(most).map(|name| (*name).to_owned()).collect(),
        Layout::AccessLog => access_log::FIELDS.iter().take(most).map(|name| (*name).to_owned()).collect(),
    }
}

/// Finds paths in a JSON text. What no path leads into is passed over without building anything of it, however deep it is.
struct Json<'f, 'p, 'b> {
    whole: &'b str,
    nodes: &'p [Node],
    found: &'f mut Vec<Field>,
}

impl<'b> Json<'_, '_, 'b> {
    fn object(self, text: &'b str) -> Result<(), RowProblem> {
        let mut reader = serde_json::Deserializer::from_str(text);
        reader.deserialize_map(self).and_then(|()| reader.end()).map_err(|error| RowProblem::Json(error.to_string()))
    }

    /// Notes the value of `node`, and goes on below it.
    fn value(&mut self, node: &Node, raw: &'b RawValue) -> Result<(), serde_json::Error> {
        let text = raw.get();
        let from = text.as_ptr().addr() - self.whole.as_ptr().addr();
        self.found.extend(node.ends.iter().map(|name| Field {
            name: *name,
            at: from..from + text.len(),
            token: Token::Json,
        }));
        if node.below.is_empty() {
            return Ok(());
        }
        match text.as_bytes().first() {
            Some(b'{') => self.below(node).deserialize_in(text),
            Some(b'[') => {
                let mut reader = serde_json::Deserializer::from_str(text);
                reader.deserialize_seq(Entries(self.below(node)))
            }
            _ => Ok(()),
        }
    }

    fn below<'n>(&mut self, node: &'n Node) -> Json<'_, 'n, 'b> {
        Json { whole: self.whole, nodes: &node.below, found: self.found }
    }

    fn deserialize_in(self, text: &'b str) -> Result<(), serde_json::Error> {
        serde_json::Deserializer::from_str(text).deserialize_map(self)
    }
}

/// A name, without its escapes.
struct Name<'b>(Cow<'b, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl<'b> Visitor<'b> for Json<'_, '_, 'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'b>>(mut self, mut map: A) -> Result<(), A::Error> {
        let nodes = self.nodes;
        while let Some(Name(name)) = map.next_key()? {
            match nodes.iter().find(|node| node.name == name) {
                None => _ = map.next_value::<IgnoredAny>()?,
                Some(node) => {
                    let raw = map.next_value::<&'b RawValue>()?;
                    self.value(node, raw).map_err(serde::de::Error::custom)?;
                }
            }
        }
        Ok(())
    }
}

/// The objects of an array. Arrays within it are passed over.
struct Entries<'f, 'p, 'b>(Json<'f, 'p, 'b>);

impl<'b> Visitor<'b> for Entries<'_, '_, 'b> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut seq: A) -> Result<(), A::Error> {
        let Json { whole, nodes, found } = self.0;
        while let Some(raw) = seq.next_element::<&'b RawValue>()? {
            if raw.get().starts_with('{') {
                let entry = Json { whole, nodes, found };
                entry.deserialize_in(raw.get()).map_err(serde::de::Error::custom)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
