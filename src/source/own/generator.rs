//! What a field's values are drawn from, as it is declared.

use std::fmt;

use super::form::Form;
use super::lexicon::{self, Template};
use super::pattern::Pattern;
use super::spread::Spread;
use crate::wire::shape::{Field, Integer, Record, Shape, Unit, UuidForm};

/// A field as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Declared {
    pub(super) generator: Generator,
    /// The share of events without a value.
    pub(super) null: Option<f64>,
    pub(super) per: Per,
}

/// For what a value is drawn anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Per {
    /// Each event.
    #[default]
    Event,
    /// Each key: all events of a key have the same value.
    Key,
    /// Each session, where events hang together in sessions; else each event.
    Session,
}

/// What values are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Generator {
    /// One of these, by their weights; of a single text, a constant.
    Choice { options: Vec<(Scalar, f64)>, is_enum: bool },
    /// A number of 10^-scale.
    Whole { min: i64, max: i64, scale: Option<u32>, spread: Spread },
    /// A number with a fraction.
    Real { min: f64, max: f64, spread: Spread },
    /// A member of a pool.
    Pool { size: u64, skew: f64, form: Option<Form> },
    /// The event's number in the run, from a start.
    Sequence { start: i64, form: Option<Form> },
    /// A text.
    Text(Text),
    /// A UUID of version 4.
    Uuid,
    /// True as often as this.
    Boolean(f64),
    /// The due time and something between two bounds, in ns.
    Time { form: TimeForm, offset: (i64, i64) },
    /// Bytes, so many.
    Bytes(u64, u64),
    /// Values, so many.
    Array { length: (u64, u64), of: Option<Box<Declared>> },
    /// Values by some of these names.
    Map { length: (u64, u64), keys: Vec<Box<str>>, of: Option<Box<Declared>> },
    /// Fields; of a schema's record, some of its fields.
    Record { name: Option<Box<str>>, fields: Fields },
    /// The value of another field of the type.
    Same(Box<str>),
}

/// Fields by their names, in their order.
pub(super) type Fields = Vec<(Box<str>, Declared)>;

/// A value without parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar {
    Text(Box<str>),
    Integer(i64),
    Double(f64),
    Boolean(bool),
}

impl Scalar {
    /// Whether it is that text.
    pub(super) fn is_text(&self, text: &str) -> bool {
        matches!(self, Self::Text(own) if **own == *text)
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Double(number) => write!(f, "{number}"),
            Self::Boolean(value) => write!(f, "{value}"),
        }
    }
}

/// What a text is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Text {
    Pattern(Pattern),
    Words(u64, u64),
    Sentences(u64, u64),
    Like(Likeness),
}

/// A template, by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Likeness {
    pub(super) name: &'static str,
    pub(super) template: Template,
}

impl PartialEq for Likeness {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// How a time is written where no schema says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeForm {
    Seconds,
    Count(Unit),
    Rfc3339,
    Date,
}

impl Generator {
    /// A constant.
    pub(super) fn constant(value: Scalar) -> Self {
        Self::Choice { options: vec![(value, 1.0)], is_enum: false }
    }

    /// Whole numbers.
    pub(super) const fn whole(min: i64, max: i64, spread: Spread) -> Self {
        Self::Whole { min, max, scale: None, spread }
    }

    /// What it is in a word, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Choice { is_enum: true, .. } => "an enum",
            Self::Choice { .. } => "a choice",
            Self::Whole { scale: None, .. } => "a whole number",
            Self::Whole { .. } => "a decimal",
            Self::Real { .. } => "a double",
            Self::Pool { .. } => "a member of a pool",
            Self::Sequence { .. } => "a sequence",
            Self::Text(_) => "a text",
            Self::Uuid => "a UUID",
            Self::Boolean(_) => "a boolean",
            Self::Time { .. } => "a time",
            Self::Bytes(..) => "bytes",
            Self::Array { .. } => "an array",
            Self::Map { .. } => "a map",
            Self::Record { .. } => "a record",
            Self::Same(_) => "the value of another field",
        }
    }

    /// What a field is on the wire that no schema describes. `full_name` names a record or an enum; `others` are the fields of the
    /// type. `None` where an array or a map does not say of what, or the other field is not there.
    pub(super) fn natural(&self, full_name: &str, others: &Fields) -> Option<Shape> {
        Some(match self {
            Self::Choice { options, is_enum } => return choice_shape(options, *is_enum, full_name),
            Self::Whole { min, max, scale: None, .. } => integer(*min, *max),
            Self::Whole { min, max, scale: Some(scale), .. } => {
                let digits = [min, max].map(|bound| bound.unsigned_abs().max(1).ilog10() + 1).into_iter().max();
                let precision = digits.unwrap_or(1).max(scale + 1);
                Shape::Decimal { precision, scale: *scale, min: (*min >= 0).then_some(0) }
            }
            Self::Real { .. } => Shape::Double,
            Self::Pool { size, form: None, .. } => integer(0, i64::try_from(size - 1).unwrap_or(i64::MAX)),
            Self::Sequence { form: None, .. } => Shape::Integer(Integer::I64),
            Self::Pool { .. } | Self::Sequence { .. } | Self::Text(_) => Shape::Text,
            Self::Uuid => Shape::Uuid(UuidForm::Fixed),
            Self::Boolean(_) => Shape::Boolean,
            Self::Time { form, .. } => match form {
                TimeForm::Seconds => Shape::Integer(Integer::I64),
                TimeForm::Count(unit) => Shape::Timestamp { unit: *unit, local: false },
                TimeForm::Rfc3339 => Shape::Text,
                TimeForm::Date => Shape::Date,
            },
            Self::Bytes(..) => Shape::Bytes,
            Self::Array { of, .. } => Shape::Array(Box::new(of.as_ref()?.natural(full_name, others)?)),
            Self::Map { of, .. } => Shape::Map(Box::new(of.as_ref()?.natural(full_name, others)?)),
            Self::Record { name, fields } => {
                let name = name.clone().unwrap_or_else(|| full_name.into());
                Shape::Record(record(name, fields, others)?)
            }
            Self::Same(other) => match others.iter().find(|(name, _)| name == other)? {
                (_, Declared { generator: Self::Same(_), .. }) => return None,
                (_, declared) => declared.generator.natural(full_name, others)?,
            },
        })
    }
}

/// The record of these fields.
pub(super) fn record(name: Box<str>, fields: &Fields, others: &Fields) -> Option<Record> {
    let field = |(field, declared): &(Box<str>, Declared)| {
        let shape = declared.natural(&format!("{name}{}", capitalised(field)), others)?;
        Some(Field { name: field.clone(), shape, default: None })
    };
    let fields = fields.iter().map(field).collect::<Option<_>>()?;
    Some(Record { name, fields })
}

impl Declared {
    /// A field that is always there.
    pub(super) const fn of(generator: Generator) -> Self {
        Self { generator, null: None, per: Per::Event }
    }

    /// As [`Generator::natural`].
    pub(super) fn natural(&self, full_name: &str, others: &Fields) -> Option<Shape> {
        let shape = self.generator.natural(full_name, others)?;
        Some(if self.null.is_some() { Shape::Optional(Box::new(shape)) } else { shape })
    }
}

fn choice_shape(options: &[(Scalar, f64)], is_enum: bool, full_name: &str) -> Option<Shape> {
    let texts: Option<Vec<Box<str>>> = options
        .iter()
        .map(|(option, _)| match option {
            Scalar::Text(text) => Some(text.clone()),
            _ => None,
        })
        .collect();
    let numbers = || {
        options.iter().map(|(option, _)| match option {
            Scalar::Integer(number) => Some(*number),
            _ => None,
        })
    };
    Some(match (texts, options) {
        (Some(symbols), _) if is_enum => Shape::Enum { name: full_name.into(), symbols },
        (Some(_), [(Scalar::Text(text), _)]) => Shape::Constant(text.clone()),
        (Some(_), _) => Shape::Text,
        (None, [(Scalar::Boolean(_), _), ..]) => Shape::Boolean,
        (None, _) => match numbers().collect::<Option<Vec<i64>>>() {
            Some(numbers) => integer(numbers.iter().copied().min()?, numbers.iter().copied().max()?),
            None => Shape::Double,
        },
    })
}

fn integer(min: i64, max: i64) -> Shape {
    Shape::Integer(Integer { min: min.into(), max: max.into(), ..Integer::I64 })
}

/// A full name of a namespace, which may be empty, and a name.
pub(super) fn join(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}.{name}") }
}

/// `order_line` as `OrderLine`.
pub(super) fn capitalised(name: &str) -> String {
    let mut starts = true;
    let mut out = String::new();
    for letter in name.chars() {
        match letter {
            '_' | '-' | '.' | ' ' => starts = true,
            letter if starts => {
                out.push(letter.to_ascii_uppercase());
                starts = false;
            }
            letter => out.push(letter),
        }
    }
    out
}

/// Every name that a field can be told to be like.
pub(super) fn known_names() -> impl Iterator<Item = &'static str> {
    const OTHERS: [&str; 24] = [
        "uuid",
        "boolean",
        "timestamp",
        "date",
        "country",
        "currency",
        "language",
        "device",
        "status",
        "colour",
        "timezone",
        "quantity",
        "price",
        "rating",
        "percent",
        "age",
        "year",
        "latitude",
        "longitude",
        "number",
        "word",
        "title",
        "sentence",
        "bytes",
    ];
    OTHERS.into_iter().chain(lexicon::TEMPLATES.iter().map(|(name, _)| *name))
}

/// What is drawn for a field that is like that; `None` for a name that is not known.
pub(super) fn like(name: &str) -> Option<Generator> {
    let table = |options: &[(&str, f64)]| Generator::Choice {
        options: options.iter().map(|(text, weight)| (Scalar::Text((*text).into()), *weight)).collect(),
        is_enum: false,
    };
    let even = Spread::Even;
    let time = |form| Generator::Time { form, offset: (0, 0) };
    Some(match name {
        "uuid" => Generator::Uuid,
        "boolean" => Generator::Boolean(0.5),
        "timestamp" => time(TimeForm::Count(Unit::Millis)),
        "date" => time(TimeForm::Date),
        "country" => table(lexicon::COUNTRIES),
        "currency" => table(lexicon::CURRENCIES),
        "language" => table(lexicon::LANGUAGES),
        "device" => table(lexicon::DEVICES),
        "status" => table(lexicon::STATES),
        "colour" => table(lexicon::COLOURS),
        "timezone" => table(lexicon::ZONES),
        "quantity" => Generator::whole(1, 20, Spread::Zipf(1.8)),
        "price" => Generator::Whole {
            min: 99,
            max: 99_999,
            scale: Some(2),
            spread: Spread::LogNormal { median: 2_499.0, sigma: 0.9 },
        },
        "rating" => Generator::whole(1, 5, even),
        "percent" => Generator::whole(0, 100, even),
        "age" => Generator::whole(18, 90, Spread::Normal { mean: 42.0, deviation: 15.0 }),
        "year" => Generator::whole(1_990, 2_030, even),
        "latitude" => Generator::Real { min: -90.0, max: 90.0, spread: Spread::Normal { mean: 45.0, deviation: 12.0 } },
        "longitude" => Generator::Real { min: -180.0, max: 180.0, spread: even },
        "number" => Generator::whole(0, 999, even),
        "word" => Generator::Text(Text::Words(1, 1)),
        "title" => Generator::Text(Text::Words(2, 6)),
        "sentence" => Generator::Text(Text::Sentences(1, 2)),
        "bytes" => Generator::Bytes(8, 32),
        name => {
            let (name, template) = lexicon::TEMPLATES.iter().find(|(known, _)| *known == name)?;
            Generator::Text(Text::Like(Likeness { name, template }))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_told_can_be_drawn() {
        for name in known_names() {
            assert!(like(name).is_some(), "{name}");
        }
        assert_eq!(like("e-mail"), None);
    }

    #[test]
    fn a_name_becomes_that_of_a_record() {
        for (name, full) in
            [("order", "Order"), ("order_line", "OrderLine"), ("orderLine", "OrderLine"), ("a-b.c", "ABC")]
        {
            assert_eq!(capitalised(name), full);
        }
    }
}
