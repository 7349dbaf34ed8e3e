//! From a record to steps: what stands between values is known before the first event.

use std::ops::Range;

use crate::wire::schema_error::SchemaError;
use crate::wire::shape::{Integer, Record, Shape};

/// Arrays, maps, records and unions lie at most so deep in one another.
pub(super) const DEEPEST: usize = 16;

/// How events of one type are written and read, compiled once.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    record: Record,
    pub(super) steps: Vec<Step>,
    /// For each step what stands before the next value, where that is at most one constant.
    pub(super) leads: Vec<Lead>,
    /// All constants, one after the other.
    pub(super) pool: Vec<u8>,
    /// The steps of the id and of the key; [`NONE`] where it has none that is always there.
    pub(super) id: usize,
    pub(super) key: usize,
    /// How long the id's text is.
    pub(super) id_length: usize,
    /// Where that is known beforehand, what every body has at that place after its id: it tells most bodies of other types.
    tells: Option<(usize, [u8; COMPARED])>,
}

/// Length of a UUID as text.
pub(super) const UUID: usize = 36;
/// Length of its 16 bytes in base64.
pub(super) const BASE64: usize = 24;

/// No step.
const NONE: usize = usize::MAX;

/// A constant, and the step at which a value is asked for after it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lead {
    /// Its bytes, and zeros after them: copied at once, since a call that copies any number of bytes costs more.
    pub(super) head: [u8; HEAD],
    /// Ones where the first bytes of the head are of it.
    mask: u128,
    length: u32,
    next: u32,
    /// Whether the value is a text like any other.
    pub(super) is_to_text: bool,
}

/// Bytes that a lead has at most.
pub(super) const HEAD: usize = 48;
/// Those of them that are compared at once.
const COMPARED: usize = size_of::<u128>();

impl Lead {
    /// More comes before the next value than a lead has room for.
    const LONG: Self = Self { head: [0; HEAD], mask: 0, length: u32::MAX, next: 0, is_to_text: false };

    /// What leads from the step at that index to the next value.
    fn of(steps: &[Step], pool: &[u8], id: usize, at: usize) -> Self {
        let (constant, next) = match steps.get(at) {
            Some(Step::Constant(range)) => (&pool[range.clone()], at + 1),
            _ => (&[][..], at),
        };
        let waits =
            !matches!(steps.get(next), Some(Step::Constant(_) | Step::Jump(_) | Step::Comma | Step::Next { .. }));
        let (mut head, mut mask) = ([0; HEAD], [0; COMPARED]);
        head.iter_mut().zip(constant).for_each(|(head, byte)| *head = *byte);
        mask.iter_mut().zip(constant).for_each(|(mask, _)| *mask = 0xff);
        let mask = u128::from_ne_bytes(mask);
        let is_to_text = next != id && matches!(steps.get(next), Some(Step::Value(Leaf::Text)));
        match (u32::try_from(constant.len()), u32::try_from(next)) {
            (Ok(length), Ok(next)) if waits && constant.len() <= HEAD => Self { head, mask, length, next, is_to_text },
            _ => Self::LONG,
        }
    }

    /// How many bytes it has; more than [`HEAD`] where they are not these alone.
    #[inline]
    pub(super) const fn length(&self) -> usize {
        self.length as usize
    }

    /// The step at which a value is asked for.
    #[inline]
    pub(super) const fn next(&self) -> usize {
        self.next as usize
    }

    /// Whether these bytes begin with it.
    #[inline]
    pub(super) fn begins(&self, bytes: &[u8]) -> bool {
        match (bytes.first_chunk(), self.head.first_chunk()) {
            (Some(bytes), Some(head)) if self.length() <= COMPARED => {
                u128::from_ne_bytes(*bytes) & self.mask == u128::from_ne_bytes(*head)
            }
            _ => bytes.get(..self.length()).is_some_and(|bytes| are_same(bytes, &self.head[..self.length()])),
        }
    }
}

/// Whether both have the same bytes, of which there are at most [`HEAD`]: by blocks that may overlap.
#[inline]
fn are_same(left: &[u8], right: &[u8]) -> bool {
    let ends = |bytes: &[u8]| {
        let of = |block: Option<&[u8; COMPARED]>| block.map(|block| u128::from_ne_bytes(*block));
        Some((of(bytes.first_chunk())?, of(bytes.last_chunk())?))
    };
    match (ends(left), ends(right)) {
        (Some(left_ends), Some(right_ends)) => {
            let is_covered = left.len() <= 2 * COMPARED;
            left_ends == right_ends && (is_covered || left[COMPARED..2 * COMPARED] == right[COMPARED..2 * COMPARED])
        }
        _ => left == right,
    }
}

/// What comes next.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// These bytes of the pool.
    Constant(Range<usize>),
    /// A value; what stands around it are constants.
    Value(Leaf),
    /// A field that may be left out. The constant that follows begins with its name; the steps of what comes after it are at
    /// `absent`. `loose`: whether a comma belongs before it shows only when it is written.
    Optional { loose: bool, absent: usize },
    /// An entry of an array or a map that may be `null`.
    Nullable { absent: usize },
    /// A comma, unless the object has just begun.
    Comma,
    /// An array or a map begins; the steps of an entry follow, up to the [`Step::Next`] at `next`.
    Begin { is_map: bool, next: usize },
    /// An entry has ended; the steps of an entry begin after `begin`.
    Next { is_map: bool, begin: usize },
    /// One of several shapes; where the steps of each are, and what comes after them.
    Union { branches: Vec<Range<usize>>, end: usize },
    /// A branch has ended: the steps go on there.
    Jump(usize),
}

/// A value without parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    Boolean,
    Integer(Integer),
    Number,
    Text,
    Bytes {
        size: Option<usize>,
    },
    Uuid,
    Decimal {
        /// Digits it has at most.
        precision: u32,
        scale: u32,
        min: Option<i128>,
    },
    Date,
    Symbol(Vec<Box<str>>),
    /// All other members of the object, each with a comma before it.
    Rest,
}

/// Why no plan can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Too deep.
    #[error("{path}: arrays, maps, records and unions lie more than {DEEPEST} deep in one another")]
    TooDeep {
        /// Where.
        path: String,
    },
}

impl From<PlanError> for SchemaError {
    fn from(error: PlanError) -> Self {
        Self::new(error.to_string())
    }
}

impl Plan {
    /// The plan of `record`, whose fields `id` and `key`, given by their index, are told apart.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn new(record: &Record, id: Option<usize>, key: Option<usize>) -> Result<Self, PlanError> {
        Self::made(record, id, key, false)
    }

    /// The same, of a record that is followed by other members of any name, given as one plain text with a comma before each. They
    /// stay as they are.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn open(record: &Record, id: Option<usize>, key: Option<usize>) -> Result<Self, PlanError> {
        Self::made(record, id, key, true)
    }

    fn made(record: &Record, id: Option<usize>, key: Option<usize>, is_open: bool) -> Result<Self, PlanError> {
        let mut maker = Maker { is_open, ..Maker::default() };
        let places = maker.object(record, 1)?;
        maker.close();
        let at = |role: Option<usize>| role.and_then(|index| places.get(index).copied().flatten()).unwrap_or(NONE);
        let Maker { steps, pool, .. } = maker;
        let (id, key) = (at(id), at(key));
        let leads = (0..=steps.len()).map(|at| Lead::of(&steps, &pool, id, at)).collect();
        let id_length = if let Some(Step::Value(Leaf::Bytes { .. })) = steps.get(id) { BASE64 } else { UUID };
        let tells = match (&steps[..], id) {
            ([Step::Constant(before), _, Step::Constant(after), ..], 1) => {
                let end = before.len() + id_length + after.len();
                pool[after.clone()].last_chunk().map(|bytes| (end - COMPARED, *bytes))
            }
            _ => None,
        };
        Ok(Self { record: record.clone(), steps, leads, pool, id, key, id_length, tells })
    }

    /// What it was made of.
    #[must_use]
    pub const fn record(&self) -> &Record {
        &self.record
    }

    /// Whether other members follow those of the record.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.steps.iter().nth_back(1), Some(Step::Value(Leaf::Rest)))
    }

    /// Whether it has an id that is always there.
    #[must_use]
    pub const fn has_id(&self) -> bool {
        self.id != NONE
    }

    /// Whether it has a key that is always there.
    #[must_use]
    pub const fn has_key(&self) -> bool {
        self.key != NONE
    }

    /// Whether a body can be one in the canonical layout, by a first look.
    #[inline]
    pub(super) fn may_be(&self, body: &[u8]) -> bool {
        self.tells.is_none_or(|(at, bytes)| body.get(at..).and_then(<[u8]>::first_chunk) == Some(&bytes))
    }

    /// What a check covers of a body that starts at `start` and whose id's text lies at `id`: what stands before the id, as far as
    /// that can differ, and where what stands after it begins.
    #[must_use]
    pub fn covered(&self, start: usize, id: Option<&Range<usize>>) -> (Range<usize>, usize) {
        let Some(id) = id else { return (start..start, start) };
        let before = if self.id == 1 { start } else { id.start };
        (start..before, id.end + 1)
    }
}

#[derive(Default)]
struct Maker {
    /// Whether other members follow those of the record.
    is_open: bool,
    steps: Vec<Step>,
    pool: Vec<u8>,
    /// The constant that is to come next.
    open: Vec<u8>,
}

impl Maker {
    /// The open constant becomes a step.
    fn close(&mut self) {
        if !self.open.is_empty() {
            let from = self.pool.len();
            self.pool.append(&mut self.open);
            self.steps.push(Step::Constant(from..self.pool.len()));
        }
    }

    fn push(&mut self, step: Step) -> usize {
        self.close();
        self.steps.push(step);
        self.steps.len() - 1
    }

    fn quoted(&mut self, text: &str) {
        self.open.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }

    /// The fields of a record; returns the step of each one's value, where it is one that is always there.
    fn object(&mut self, record: &Record, depth: usize) -> Result<Vec<Option<usize>>, PlanError> {
        self.open.push(b'{');
        // Whether a field stands before this one: always, never, or as it happens.
        let mut follows = Some(false);
        let mut places = Vec::with_capacity(record.fields.len());
        for field in &record.fields {
            let of = |error: PlanError| error.below(&field.name);
            if let Shape::Optional(inner) = &field.shape {
                let at = self.push(Step::Optional { loose: follows.is_none(), absent: 0 });
                if follows == Some(true) {
                    self.open.push(b',');
                }
                self.quoted(&field.name);
                self.open.push(b':');
                self.value(inner, depth).map_err(of)?;
                self.close();
                self.steps[at] = Step::Optional { loose: follows.is_none(), absent: self.steps.len() };
                follows = follows.filter(|follows| *follows);
                places.push(None);
                continue;
            }
            match follows {
                Some(true) => self.open.push(b','),
                Some(false) => {}
                None => {
                    self.push(Step::Comma);
                }
            }
            self.quoted(&field.name);
            self.open.push(b':');
            let before = self.steps.len();
            self.value(&field.shape, depth).map_err(of)?;
            let is_value = matches!(self.steps.last(), Some(Step::Value(_))) && self.steps.len() > before;
            places.push(is_value.then(|| self.steps.len() - 1));
            follows = Some(true);
        }
        if self.is_open && depth == 1 {
            self.push(Step::Value(Leaf::Rest));
        }
        self.open.push(b'}');
        Ok(places)
    }

    fn value(&mut self, shape: &Shape, depth: usize) -> Result<(), PlanError> {
        if depth > DEEPEST {
            return Err(PlanError::TooDeep { path: String::new() });
        }
        match shape {
            Shape::Constant(text) => self.quoted(text),
            Shape::Record(record) => {
                self.object(record, depth + 1)?;
            }
            Shape::Array(entry) | Shape::Map(entry) => {
                let is_map = matches!(shape, Shape::Map(_));
                self.open.push(if is_map { b'{' } else { b'[' });
                let begin = self.push(Step::Begin { is_map, next: 0 });
                self.value(entry, depth + 1)?;
                let next = self.push(Step::Next { is_map, begin });
                self.steps[begin] = Step::Begin { is_map, next };
            }
            Shape::Optional(inner) => {
                let at = self.push(Step::Nullable { absent: 0 });
                self.value(inner, depth)?;
                self.close();
                self.steps[at] = Step::Nullable { absent: self.steps.len() };
            }
            Shape::Union(shapes) => {
                let at = self.push(Step::Union { branches: Vec::new(), end: 0 });
                let mut branches = Vec::new();
                for shape in shapes {
                    let from = self.steps.len();
                    self.value(shape, depth + 1)?;
                    let jump = self.push(Step::Jump(0));
                    branches.push(from..jump);
                }
                let end = self.steps.len();
                for branch in &branches {
                    self.steps[branch.end] = Step::Jump(end);
                }
                self.steps[at] = Step::Union { branches, end };
            }
            Shape::Null => {
                let at = self.push(Step::Nullable { absent: 0 });
                self.steps[at] = Step::Nullable { absent: at + 1 };
            }
            Shape::Boolean => {
                self.push(Step::Value(Leaf::Boolean));
            }
            Shape::Integer(bounds) => {
                self.push(Step::Value(Leaf::Integer(*bounds)));
            }
            Shape::TimeOfDay(_) | Shape::Timestamp { .. } => {
                self.push(Step::Value(Leaf::Integer(Integer::I64)));
            }
            Shape::Float | Shape::Double => {
                self.push(Step::Value(Leaf::Number));
            }
            Shape::Decimal { precision, scale, min } => {
                self.push(Step::Value(Leaf::Decimal { precision: *precision, scale: *scale, min: *min }));
            }
            Shape::Text => self.text(Leaf::Text),
            Shape::Bytes => self.text(Leaf::Bytes { size: None }),
            Shape::Fixed { size, .. } => self.text(Leaf::Bytes { size: Some(*size) }),
            Shape::Uuid(_) => self.text(Leaf::Uuid),
            Shape::Date => self.text(Leaf::Date),
            Shape::Enum { symbols, .. } => self.text(Leaf::Symbol(symbols.clone())),
        }
        Ok(())
    }

    /// A value between quotes.
    fn text(&mut self, leaf: Leaf) {
        self.open.push(b'"');
        self.push(Step::Value(leaf));
        self.open.push(b'"');
    }
}

impl PlanError {
    fn below(self, name: &str) -> Self {
        let Self::TooDeep { path } = self;
        Self::TooDeep { path: if path.is_empty() { name.to_owned() } else { format!("{name}.{path}") } }
    }
}
