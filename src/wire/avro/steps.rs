//! A record as a flat list of steps, for the reader and the writer.

use crate::wire::key::KeyPlace;
use crate::wire::shape::Shape;

/// Arrays and maps stand at most so deep within one another.
pub(super) const DEEPEST: usize = 16;

/// What comes next. Those without a value of their own are done on the way to the next one.
#[derive(Debug)]
pub(super) enum Step {
    /// These bytes: a text that is always the same.
    Constant { text: Box<str> },
    /// A union of which this branch alone is meant.
    Branch { index: usize },
    /// An enum of which this symbol alone is meant.
    Symbol { index: usize },
    /// Goes on there.
    Jump(usize),
    /// The end of an entry: the next one goes on behind `begin`.
    Next { is_map: bool, begin: usize },
    /// Null, which has no bytes.
    Null,
    /// A value.
    Value(Leaf),
    /// Null or not: the branch of null, and where it goes on; the branch of the value, unless a [`Step::Union`] follows.
    Optional { null: usize, some: Option<usize>, absent: usize },
    /// One of several values: the branch of each and where its steps begin.
    Union(Box<[(usize, usize)]>),
    /// An array or a map: where its [`Step::Next`] is, and how few bytes an entry has.
    Begin { is_map: bool, next: usize, least: usize },
}

/// One value.
#[derive(Debug)]
pub(super) enum Leaf {
    Boolean,
    /// All whole numbers are written alike, in at most so many bytes.
    Integer {
        longest: usize,
        min: i64,
        max: i64,
    },
    Float,
    Double,
    Text,
    Bytes,
    Fixed(usize),
    UuidText,
    UuidFixed,
    UuidBytes,
    /// `limit` is what it stays below, without its sign; `size` that of a fixed.
    Decimal {
        limit: u128,
        min: i128,
        size: Option<usize>,
    },
    /// The index in the schema of each symbol of the record.
    Enum(Box<[usize]>),
}

impl Leaf {
    /// How the value lies in a body, where it is the key and has that shape in the record.
    pub(super) fn key_place(&self, shape: &Shape) -> KeyPlace {
        match (self, shape) {
            (Self::Integer { .. }, _) => KeyPlace::Zigzag,
            (Self::UuidFixed | Self::UuidBytes, _) => KeyPlace::Uuid,
            (Self::Enum(indexes), Shape::Enum { symbols, .. }) => {
                let indexes = indexes.iter().map(|index| i32::try_from(*index).unwrap_or(i32::MAX));
                KeyPlace::ZigzagSymbol(indexes.zip(symbols.iter().cloned()).collect())
            }
            _ => KeyPlace::Text,
        }
    }
}
