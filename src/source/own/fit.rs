//! What a generator gives, put into the shape that a value has on the wire.

use super::form::Form;
use super::generator::{self, Generator, Scalar, TimeForm};
use super::node::{Choice, Fixed, Node, NumberForm, Seed, Share, Text, TimeKind};
use super::spread::{Real, Spread, Whole};
use crate::source::synthetic::MOST_MEMBERS;
use crate::wire::shape::{Integer, Shape, Unit};
use crate::wire::sink::Escaped;

/// The value of a shape without parts.
///
/// # Errors
/// Why the generator gives nothing of that shape.
pub(super) fn leaf(generator: &Generator, shape: &Shape, seed: Seed) -> Result<Node, String> {
    let no = || Err(format!("{} cannot be the {} that the field is", generator.kind(), shape.kind()));
    Ok(match generator {
        Generator::Choice { options, .. } => {
            let fixed = |(option, weight): &(Scalar, f64)| Ok((fixed(option, shape)?, *weight));
            Node::Choice(seed, Choice::new(options.iter().map(fixed).collect::<Result<_, String>>()?))
        }
        Generator::Whole { min, max, scale, spread } => {
            let Some(whole) = Whole::new(*min, *max, *spread) else {
                return Err(format!("with a skew there can be {MOST_MEMBERS} numbers: the range has more, or none"));
            };
            let Some(form) = number_form((*min, *max), scale.unwrap_or(0), None, shape)? else { return no() };
            Node::Number(seed, whole, form)
        }
        Generator::Pool { size, skew, form } => {
            let last = i64::try_from(size - 1).unwrap_or(i64::MAX);
            let Some(form) = number_form((0, last), 0, form.as_ref(), shape)? else { return no() };
            let spread = if *skew == 0.0 { Spread::Even } else { Spread::Zipf(*skew) };
            let Some(whole) = Whole::new(0, last, spread) else { return no() };
            Node::Number(seed, whole, form)
        }
        Generator::Sequence { start, form } => {
            let Some(form) = number_form((*start, *start), 0, form.as_ref(), shape)? else { return no() };
            Node::Sequence(*start, form)
        }
        Generator::Real { min, max, spread } => match shape {
            Shape::Float | Shape::Double => {
                Node::Real(seed, Real { min: *min, max: *max, spread: *spread }, *shape == Shape::Float)
            }
            _ => return no(),
        },
        Generator::Text(text) if *shape == Shape::Text => Node::Text(seed, text_of(text)),
        Generator::Uuid => match shape {
            Shape::Uuid(_) | Shape::Text | Shape::Fixed { size: 16, .. } => Node::Uuid(seed),
            _ => return no(),
        },
        Generator::Boolean(of_true) if *shape == Shape::Boolean => Node::Boolean(seed, Share::new(*of_true)),
        Generator::Time { form, offset } => match time_kind(*form, shape) {
            Some(kind) => Node::Time(seed, *offset, kind),
            None => return no(),
        },
        Generator::Bytes(least, most) => match shape {
            Shape::Bytes => Node::Bytes(seed, (*least, *most)),
            Shape::Fixed { size, .. } => Node::Bytes(seed, (*size as u64, *size as u64)),
            _ => return no(),
        },
        _ => return no(),
    })
}

/// How numbers between two bounds, of 10^-scale, are handed over; `None` where the shape takes none.
fn number_form(
    (min, max): (i64, i64),
    scale: u32,
    form: Option<&Form>,
    shape: &Shape,
) -> Result<Option<NumberForm>, String> {
    let one = 10_f64.powf(f64::from(scale));
    Ok(Some(match (shape, form) {
        (Shape::Text, Some(form)) => NumberForm::Text(form.clone()),
        (Shape::Text, None) if scale > 0 => NumberForm::DecimalText(scale),
        (Shape::Text, None) => NumberForm::Text(Form::bare()),
        (Shape::Integer(bounds), None) if scale == 0 => {
            let holds = |number: i64| (bounds.min..=bounds.max).contains(&number.into());
            if !holds(min) || !holds(max) {
                let Integer { min: least, max: most, .. } = bounds;
                return Err(format!("{min} to {max} does not lie in {least} to {most}, which the field holds"));
            }
            NumberForm::Integer
        }
        (Shape::Float | Shape::Double, None) => NumberForm::Double(one),
        (Shape::Decimal { precision, scale: wanted, min: least }, None) => {
            let times = wanted.checked_sub(scale).and_then(|more| 10_i128.checked_pow(more));
            let Some(times) = times else {
                return Err(format!("{scale} digits behind the point are more than the {wanted} of the field"));
            };
            let ends = [min, max].map(|end| i128::from(end).saturating_mul(times));
            let most = 10_u128.checked_pow(*precision).unwrap_or(u128::MAX);
            if ends.iter().any(|end| end.unsigned_abs() >= most || least.is_some_and(|least| *end < least)) {
                return Err(format!("its numbers are beyond the {precision} digits of the field, or below its least"));
            }
            NumberForm::Decimal(times)
        }
        _ => return Ok(None),
    }))
}

fn fixed(option: &Scalar, shape: &Shape) -> Result<Fixed, String> {
    let whole = |number: i64| number_form((number, number), 0, None, shape);
    Ok(match (option, shape) {
        (Scalar::Text(text), Shape::Text | Shape::Constant(_)) => Fixed::Text(Escaped::new(text)),
        (Scalar::Text(text), Shape::Enum { symbols, .. }) => match symbols.iter().position(|symbol| symbol == text) {
            Some(symbol) => Fixed::Symbol(symbol),
            None => return Err(format!("\"{text}\" is none of the field's symbols: {}", symbols.join(", "))),
        },
        (Scalar::Boolean(value), Shape::Boolean) => Fixed::Boolean(*value),
        (Scalar::Double(number), Shape::Double) => Fixed::Double(*number),
        #[expect(clippy::cast_possible_truncation, reason = "what a float of 32 bits holds of it")]
        (Scalar::Double(number), Shape::Float) => Fixed::Double(f64::from(*number as f32)),
        (Scalar::Integer(number), Shape::Date | Shape::Timestamp { .. } | Shape::TimeOfDay(_)) => {
            Fixed::Integer(*number)
        }
        (Scalar::Integer(number), _) => match whole(*number)? {
            Some(NumberForm::Integer) => Fixed::Integer(*number),
            #[expect(clippy::cast_precision_loss, reason = "a number that is written with a fraction")]
            Some(NumberForm::Double(_)) => Fixed::Double(*number as f64),
            Some(NumberForm::Decimal(times)) => Fixed::Decimal(i128::from(*number) * times),
            Some(NumberForm::Text(_) | NumberForm::DecimalText(_)) => Fixed::Text(Escaped::new(&number.to_string())),
            None => return Err(format!("{number} cannot be the {} that the field is", shape.kind())),
        },
        (option, shape) => return Err(format!("{option} cannot be the {} that the field is", shape.kind())),
    })
}

fn time_kind(form: TimeForm, shape: &Shape) -> Option<TimeKind> {
    let unit = match form {
        TimeForm::Seconds => 1_000_000_000,
        TimeForm::Count(unit) => nanos(unit),
        TimeForm::Rfc3339 | TimeForm::Date => 1_000_000,
    };
    Some(match (shape, form) {
        (Shape::Timestamp { unit, .. }, _) => TimeKind::Count(nanos(*unit)),
        (Shape::TimeOfDay(unit), _) => TimeKind::OfDay(nanos(*unit)),
        (Shape::Date, _) => TimeKind::DAYS,
        (Shape::Integer(bounds), TimeForm::Date) if bounds.max >= i128::from(u16::MAX) => TimeKind::DAYS,
        (Shape::Integer(bounds), _) if bounds.max >= i128::from(LATE_S * 1_000_000_000 / unit) => TimeKind::Count(unit),
        (Shape::Text, TimeForm::Date) => TimeKind::DateText,
        (Shape::Text, _) => TimeKind::Rfc3339,
        _ => return None,
    })
}

/// A number of a time must hold one of the year 2038 at least.
const LATE_S: i64 = i32::MAX as i64;

pub(super) const fn nanos(unit: Unit) -> i64 {
    match unit {
        Unit::Millis => 1_000_000,
        Unit::Micros => 1_000,
        Unit::Nanos => 1,
    }
}

fn text_of(text: &generator::Text) -> Text {
    match text {
        generator::Text::Pattern(pattern) => Text::Pattern(pattern.clone()),
        generator::Text::Words(least, most) => Text::Words((*least, *most)),
        generator::Text::Sentences(least, most) => Text::Sentences((*least, *most)),
        generator::Text::Like(likeness) => Text::Template(likeness.template),
    }
}
