//! Values of a declaration: shares, ranges, lengths.

use toml::{Table, Value};

use super::super::error::{Keys, OwnError};
use super::super::generator::Scalar;
use crate::spelling::nearest;
use crate::units;

/// Refuses a key that is not known here.
pub(super) fn refuse_unknown(table: &Table, keys: &Keys, known: &[&str]) -> Result<(), OwnError> {
    let Some(name) = table.keys().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    Err(keys.at(name).error(format!("unknown key \"{name}\"")).hint(meant(name, known)))
}

/// The name that was meant, or all that there are.
pub(super) fn meant(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

pub(super) fn text(value: &Value, keys: &Keys) -> Result<String, OwnError> {
    value.as_str().map(str::to_owned).ok_or_else(|| keys.error(format!("{value} is no text")))
}

/// A number, written with a fraction or without.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "a number that is used with a fraction")]
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number).filter(|number| number.is_finite()),
        _ => None,
    }
}

/// A finite number.
pub(super) fn finite(value: &Value, keys: &Keys) -> Result<f64, OwnError> {
    number(value).ok_or_else(|| keys.error(format!("{value} is no number")))
}

/// A part of all: `0.05` or `"5%"`.
pub(super) fn share(value: &Value, keys: &Keys) -> Result<f64, OwnError> {
    let share = match value {
        Value::String(text) => text
            .trim()
            .strip_suffix('%')
            .and_then(|percent| percent.trim().parse::<f64>().ok())
            .map(|percent| percent / 100.0),
        value => number(value),
    };
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| keys.error(format!("{value} is no share: write a number from 0 to 1, or \"5%\"")))
}

/// Both ends of a range, which may be one.
fn ends<'a>(value: &'a Value, keys: &Keys) -> Result<(&'a Value, &'a Value), OwnError> {
    match value {
        Value::Array(ends) => match ends.as_slice() {
            [least, most] => Ok((least, most)),
            _ => Err(keys.error(format!("{value} is no range: write the least and the most, as in [1, 5]"))),
        },
        Value::Table(_) => Err(keys.error(format!("{value} is no range: write the least and the most, as in [1, 5]"))),
        one => Ok((one, one)),
    }
}

fn in_order<T: PartialOrd + std::fmt::Display>((least, most): (T, T), keys: &Keys) -> Result<(T, T), OwnError> {
    if least <= most {
        return Ok((least, most));
    }
    Err(keys.error(format!("the range is upside down: {least} is above {most}")))
}

pub(super) fn wholes(value: &Value, keys: &Keys) -> Result<(i64, i64), OwnError> {
    let (least, most) = ends(value, keys)?;
    let whole = |end: &Value| end.as_integer().ok_or_else(|| keys.error(format!("{end} is no whole number")));
    in_order((whole(least)?, whole(most)?), keys)
}

pub(super) fn reals(value: &Value, keys: &Keys) -> Result<(f64, f64), OwnError> {
    let (least, most) = ends(value, keys)?;
    in_order((finite(least, keys)?, finite(most, keys)?), keys)
}

/// How many of something, at most `longest`.
pub(super) fn length(value: &Value, longest: u64, keys: &Keys) -> Result<(u64, u64), OwnError> {
    let (least, most) = wholes(value, keys)?;
    match (u64::try_from(least), u64::try_from(most)) {
        (Ok(least), Ok(most)) if most <= longest => Ok((least, most)),
        _ => Err(keys.error(format!("{value} is out of range: there can be 0 to {longest}"))),
    }
}

/// A decimal number, in units of 10^-scale.
pub(super) struct Decimal {
    pub(super) units: i64,
    pub(super) scale: u32,
}

impl Decimal {
    /// Reads `"12.05"`, `12.05` or `12`.
    pub(super) fn read(value: &Value, keys: &Keys) -> Result<Self, OwnError> {
        let told = match value {
            Value::String(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            _ => String::new(),
        };
        let no = || keys.error(format!("{value} is no decimal: write \"12.05\", with at most 18 digits"));
        let (whole, fraction) = told.split_once('.').unwrap_or((&told, ""));
        if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(no());
        }
        let units = format!("{whole}{fraction}").parse().map_err(|_| no())?;
        Ok(Self { units, scale: u32::try_from(fraction.len()).map_err(|_| no())? })
    }

    /// The same with another scale; `None` where that does not hold it.
    pub(super) fn at_scale(&self, scale: u32) -> Option<i64> {
        let more = scale.checked_sub(self.scale)?;
        self.units.checked_mul(10_i64.checked_pow(more)?)
    }
}

/// Both ends of a range of decimals.
pub(super) fn decimals(value: &Value, keys: &Keys) -> Result<(Decimal, Decimal), OwnError> {
    let (least, most) = ends(value, keys)?;
    Ok((Decimal::read(least, keys)?, Decimal::read(most, keys)?))
}

/// A time before or after another: `"-2h"`, `"5m"`; both ends of a range of them, in ns.
pub(super) fn offsets(value: &Value, keys: &Keys) -> Result<(i64, i64), OwnError> {
    let (least, most) = ends(value, keys)?;
    let one = |end: &Value| {
        let told = text(end, keys)?;
        let (sign, length) = told.strip_prefix('-').map_or((1, &*told), |length| (-1, length));
        let length = if length == "0" { "0s" } else { length };
        let nanos = units::duration(length).map_err(|error| keys.error(error.to_string()))?.as_nanos();
        i64::try_from(nanos)
            .ok()
            .filter(|nanos| *nanos <= FARTHEST_NS)
            .map(|nanos| sign * nanos)
            .ok_or_else(|| keys.error(format!("{told} is out of range: at most 36500d")))
    };
    in_order((one(least)?, one(most)?), keys)
}

/// A hundred years.
const FARTHEST_NS: i64 = 36_500 * 86_400 * 1_000_000_000;

pub(super) fn scalar(value: &Value, keys: &Keys) -> Result<Scalar, OwnError> {
    match value {
        Value::String(text) => Ok(Scalar::Text(text.as_str().into())),
        Value::Integer(number) => Ok(Scalar::Integer(*number)),
        Value::Boolean(value) => Ok(Scalar::Boolean(*value)),
        value => number(value)
            .map(Scalar::Double)
            .ok_or_else(|| keys.error(format!("{value} is no text, number or boolean"))),
    }
}
