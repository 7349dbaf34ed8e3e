//! From a declared type and its record to what is handed over.

use xxhash_rust::xxh3::xxh3_64;

use super::error::{Keys, OwnError};
use super::fit::leaf;
use super::generator::{Declared, Fields, Generator, Per};
use super::node::{Node, Seed, Share};
use super::plausible::{self, plausible};
use super::size;
use crate::spelling::nearest;
use crate::wire::json_schema::Limit;
use crate::wire::shape::{Field, Record, Shape};

/// The most bytes that an event may come to.
const MOST_BYTES: u64 = 16 << 20;
/// The most values that a type may be made of, entries of arrays counted once.
const MOST_NODES: usize = 100_000;
/// How often an optional field has no value where nothing is said.
const USUAL_NULL: f64 = 0.1;
/// How many entries an array or a map has where nothing is said.
const USUAL_LENGTH: (u64, u64) = (1, 3);
/// The names of a map's entries where nothing is said.
const USUAL_KEYS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

/// A pool that keys are drawn from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct KeyPool {
    /// How many members it has.
    pub(super) count: u64,
    /// How unevenly they come: the exponent of Zipf's law.
    pub(super) skew: f64,
}

/// What a type becomes.
#[derive(Debug)]
pub(super) struct Compiled {
    /// Its record.
    pub(super) node: Node,
    /// Where its keys are members of a pool.
    pub(super) pool: Option<KeyPool>,
}

/// A type, its record and the two fields that have a part of their own.
pub(super) struct Compiler<'a> {
    pub(super) record: &'a Record,
    pub(super) declared: &'a Fields,
    pub(super) limits: &'a [Limit],
    pub(super) id: Option<usize>,
    pub(super) key: usize,
    /// Where its fields are declared.
    pub(super) keys: Keys,
    pub(super) nodes: usize,
}

/// A value of a type, by where it stands in it.
struct Place<'a> {
    name: &'a str,
    /// As schemas name it: `lines[].sku`.
    path: &'a str,
    /// Where it is declared.
    keys: &'a Keys,
    /// Whether it lies within an array or a map.
    is_entry: bool,
}

impl Compiler<'_> {
    /// The type, compiled.
    ///
    /// # Errors
    /// What does not fit together.
    pub(super) fn compile(&mut self) -> Result<Compiled, OwnError> {
        refuse_unknown(self.declared, self.record, &self.keys)?;
        let (record, mut pool) = (self.record, None);
        let mut nodes = Vec::with_capacity(record.fields.len());
        for (at, field) in record.fields.iter().enumerate() {
            let node = self.field(field)?;
            nodes.push(match node {
                _ if Some(at) == self.id => Node::Id,
                Node::Number(seed, whole, form) if at == self.key => match whole.members() {
                    Some((least, count, skew)) => {
                        pool = Some(KeyPool { count, skew });
                        Node::Key(least, form)
                    }
                    None => Node::Number(seed, whole, form),
                },
                node => node,
            });
        }
        let node = Node::Record(nodes.into());
        let most = size::most_bytes(&node);
        if most > MOST_BYTES {
            return Err(self.keys.error(format!("an event may come to {most} bytes: there can be {MOST_BYTES}")));
        }
        Ok(Compiled { node, pool })
    }

    /// A field of the type itself.
    fn field(&mut self, field: &Field) -> Result<Node, OwnError> {
        let keys = self.keys.at(&field.name);
        let place = Place { name: &field.name, path: &field.name, keys: &keys, is_entry: false };
        self.node(find(self.declared, &field.name), &field.shape, &place)
    }

    fn node(&mut self, declared: Option<&Declared>, shape: &Shape, place: &Place<'_>) -> Result<Node, OwnError> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(place.keys.error(format!("the type has more than {MOST_NODES} values")));
        }
        match (shape, declared) {
            (Shape::Optional(inner), _) => {
                let null = declared.map_or(USUAL_NULL, |declared| declared.null.unwrap_or(0.0));
                let path = format!("{}?", place.path);
                let per = declared.map_or(Per::Event, |declared| declared.per);
                let seed = Seed { per, place: xxh3_64(path.as_bytes()) };
                Ok(Node::Optional(seed, Share::new(null), Box::new(self.value(declared, inner, place)?)))
            }
            (_, Some(Declared { null: Some(_), .. })) => {
                Err(place.keys.at("null").error("its schema says that the field is always there"))
            }
            _ => self.value(declared, shape, place),
        }
    }

    fn value(&mut self, declared: Option<&Declared>, shape: &Shape, place: &Place<'_>) -> Result<Node, OwnError> {
        let generator = declared.map(|declared| &declared.generator);
        if let Some(Generator::Same(other)) = generator {
            return self.same(other, shape, place);
        }
        let per = declared.map_or(Per::Event, |declared| declared.per);
        let seed = Seed { per, place: xxh3_64(place.path.as_bytes()) };
        let limits = plausible::at(self.limits, place.path);
        match (shape, generator) {
            (Shape::Null, _) => Ok(Node::Null),
            (Shape::Constant(_), None) => Ok(Node::Nothing),
            (Shape::Constant(text), Some(generator)) => match generator {
                Generator::Choice { options, .. } if matches!(options.as_slice(), [(option, _)] if option.is_text(text)) => {
                    Ok(Node::Nothing)
                }
                _ => Err(place.keys.error(format!("its schema says that it is always \"{text}\""))),
            },
            (Shape::Record(record), None) => self.record(&Fields::new(), record, place),
            (Shape::Record(record), Some(Generator::Record { fields, .. })) => self.record(fields, record, place),
            (Shape::Array(entry), None | Some(Generator::Array { .. })) => {
                let (length, of) = match generator {
                    Some(Generator::Array { length, of }) => (*length, of.as_deref()),
                    _ => (plausible::length(&limits).unwrap_or(USUAL_LENGTH), None),
                };
                let inner = self.entry(of, entry, "[]", place)?;
                Ok(Node::Array(seed, length, Box::new(inner)))
            }
            (Shape::Map(entry), None | Some(Generator::Map { .. })) => {
                let (length, keys, of) = match generator {
                    Some(Generator::Map { length, keys, of }) => (*length, keys.as_slice(), of.as_deref()),
                    _ => (USUAL_LENGTH, &[][..], None),
                };
                let keys: Box<[Box<str>]> =
                    if keys.is_empty() { USUAL_KEYS.map(Into::into).into() } else { keys.into() };
                if length.1 > keys.len() as u64 {
                    let problem = format!("{} entries need as many keys, and there are {}", length.1, keys.len());
                    return Err(place.keys.error(problem).hint("keys = [\"a\", \"b\"] names them"));
                }
                let inner = self.entry(of, entry, "{}", place)?;
                Ok(Node::Map(seed, length, keys, Box::new(inner)))
            }
            (Shape::Union(shapes), generator) => self.union(declared, generator.is_some(), shapes, seed, place),
            (shape, Some(generator)) => leaf(generator, shape, seed).map_err(|problem| place.keys.error(problem)),
            (shape, None) => {
                let generator = plausible(place.name, shape, &limits);
                leaf(&generator, shape, seed).map_err(|problem| place.keys.error(problem))
            }
        }
    }

    fn record(&mut self, declared: &Fields, record: &Record, place: &Place<'_>) -> Result<Node, OwnError> {
        refuse_unknown(declared, record, place.keys)?;
        let field = |field: &Field| {
            let (path, keys) = (format!("{}.{}", place.path, field.name), place.keys.at("record").at(&field.name));
            let inner = Place { name: &field.name, path: &path, keys: &keys, is_entry: place.is_entry };
            self.node(find(declared, &field.name), &field.shape, &inner)
        };
        record.fields.iter().map(field).collect::<Result<_, _>>().map(Node::Record)
    }

    fn entry(
        &mut self,
        of: Option<&Declared>,
        shape: &Shape,
        brackets: &str,
        place: &Place<'_>,
    ) -> Result<Node, OwnError> {
        let (path, keys) = (format!("{}{brackets}", place.path), place.keys.at("of"));
        self.node(of, shape, &Place { name: place.name, path: &path, keys: &keys, is_entry: true })
    }

    /// Always the branch that what is declared fits, else any.
    fn union(
        &mut self,
        declared: Option<&Declared>,
        is_declared: bool,
        shapes: &[Shape],
        seed: Seed,
        place: &Place<'_>,
    ) -> Result<Node, OwnError> {
        let branches =
            shapes.iter().enumerate().map(|(branch, shape)| Ok((branch, self.value(declared, shape, place)?)));
        let branches: Result<Vec<_>, OwnError> =
            if is_declared { Ok(branches.flatten().take(1).collect()) } else { branches.collect() };
        match branches? {
            branches if branches.is_empty() => {
                let kinds: Vec<_> = shapes.iter().map(Shape::kind).collect();
                Err(place
                    .keys
                    .error(format!("what is declared is none of what its schema allows: {}", kinds.join(", "))))
            }
            branches => Ok(Node::Union(seed, branches.into())),
        }
    }

    /// The value of a field of the type.
    fn same(&mut self, other: &str, shape: &Shape, place: &Place<'_>) -> Result<Node, OwnError> {
        let keys = place.keys.at("same");
        let record = self.record;
        let Some((at, field)) = record.fields.iter().enumerate().find(|(_, field)| *field.name == *other) else {
            let hint = nearest(other, record.fields.iter().map(|field| &*field.name))
                .map(|name| format!("did you mean {name}?"));
            let error = keys.error(format!("the type has no field \"{other}\""));
            return Err(match hint {
                Some(hint) => error.hint(hint),
                None => error,
            });
        };
        if Some(at) == self.id {
            return Err(
                keys.error("an id says which event it is, and is written last: no other field can have its value")
            );
        }
        let declared = find(self.declared, other);
        if matches!(declared, Some(Declared { generator: Generator::Same(_), .. })) {
            return Err(keys.error(format!("\"{other}\" has itself the value of another field: name that one")));
        }
        let inner = match &field.shape {
            Shape::Optional(inner) => inner,
            shape => shape,
        };
        let drawn;
        let declared = match declared {
            Some(declared) => declared,
            None if matches!(inner, Shape::Record(_) | Shape::Array(_) | Shape::Map(_) | Shape::Union(_)) => {
                return Err(keys
                    .error(format!("\"{other}\" is a {}: only a value without parts can be had twice", inner.kind())));
            }
            None => {
                drawn = Declared::of(plausible(&field.name, inner, &plausible::at(self.limits, &field.name)));
                &drawn
            }
        };
        let (other_keys, path) = (self.keys.at(other), other);
        let target = Place { name: other, path, keys: &other_keys, is_entry: false };
        let node = self.value(Some(declared), shape, &target).map_err(|error| keys.error(error.problem))?;
        let node = match node {
            Node::Number(seed, whole, form) if at == self.key => match whole.members() {
                Some((least, ..)) => Node::Key(least, form),
                None => Node::Number(seed, whole, form),
            },
            node => node,
        };
        Ok(if place.is_entry { Node::Outside(Box::new(node)) } else { node })
    }
}

fn find<'a>(fields: &'a Fields, name: &str) -> Option<&'a Declared> {
    fields.iter().find(|(known, _)| **known == *name).map(|(_, declared)| declared)
}

/// Refuses a field that the record does not have.
fn refuse_unknown(declared: &Fields, record: &Record, keys: &Keys) -> Result<(), OwnError> {
    let names = || record.fields.iter().map(|field| &*field.name);
    let Some((name, _)) = declared.iter().find(|(name, _)| names().all(|known| *known != **name)) else {
        return Ok(());
    };
    let hint = match nearest(name, names()) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("its fields: {}", names().collect::<Vec<_>>().join(", ")),
    };
    Err(keys.at(name).error(format!("{} has no field \"{name}\"", record.name)).hint(hint))
}
